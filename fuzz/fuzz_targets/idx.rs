//! Any bytes as an IDX file, plain or gzip-compressed.
#![no_main]

use chainrule::Idx;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Idx::from_reader(bytes) {
        Ok(idx) => {
            assert_eq!(idx.dimensions.iter().product::<usize>(), idx.data.len());
            assert!(!idx.data.is_empty());
        }
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
});
