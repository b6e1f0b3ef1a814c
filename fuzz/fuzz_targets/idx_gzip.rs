//! An IDX file in a gzip stream that is whole, and in one in which some bytes have changed: the first byte says how many
//! there are, then places and values follow.
#![no_main]

use chainrule::Idx;
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use std::io::Write;

fuzz_target!(|bytes: &[u8]| {
    let Some((&changes, bytes)) = bytes.split_first() else { return };
    let changes = usize::from(changes % 4);
    let Some((changes, bytes)) = bytes.split_at_checked(3 * changes) else { return };
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(1));
    gzip.write_all(bytes).unwrap();
    let mut zipped = gzip.finish().unwrap();
    for change in changes.chunks_exact(3) {
        let place = usize::from(change[0]) * 256 + usize::from(change[1]);
        let length = zipped.len();
        zipped[place % length] = change[2];
    }
    let unzipped = Idx::from_reader(&zipped[..]);
    match &unzipped {
        Ok(idx) => assert_eq!(idx.dimensions.iter().product::<usize>(), idx.data.len()),
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
    // The same as without gzip around it, in its errors too. What is gzip itself is unpacked once only.
    if changes.is_empty() && !bytes.starts_with(&[0x1f, 0x8b]) {
        assert_eq!(unzipped, Idx::from_reader(bytes));
    }
});
