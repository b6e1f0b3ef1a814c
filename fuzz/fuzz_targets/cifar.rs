//! A CIFAR-10 file. The rows are 3,073 bytes, more than a fuzzer likes to write: the first byte is the limit, the second
//! how many rows, the third how many bytes are missing of the last or stand after it, the rest the labels and pixels,
//! over and over.
#![no_main]

use chainrule::Dataset;
use common::file;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [limit, rows, extra, pattern @ ..] = bytes else { return };
    let length = (usize::from(rows % 4) * 3073 + usize::from(*extra)).saturating_sub(128);
    let contents: Vec<u8> = if pattern.is_empty() {
        Vec::new()
    } else {
        (0..length)
            .map(|i| if i % 3073 == 0 { pattern[i / 3073 % pattern.len()] } else { pattern[i % pattern.len()] })
            .collect()
    };
    let limit = if *limit == 255 { None } else { Some(usize::from(*limit)) };
    match Dataset::<f32>::from_cifar10([file(&contents)], limit) {
        Ok(data) => {
            let rows = contents.len() / 3073;
            assert!(contents.len() % 3073 == 0 || limit.is_some_and(|limit| limit <= rows));
            assert_eq!((data.num_inputs(), data.num_outputs()), (3072, 10));
            assert_eq!(data.len(), limit.map_or(rows, |limit| limit.min(rows)));
            for (i, row) in contents.chunks_exact(3073).take(data.len()).enumerate() {
                assert_eq!(data.labels().unwrap()[i], usize::from(row[0]));
                assert!(data.inputs().row(i).iter().zip(&row[1..]).all(|(&x, &pixel)| x == f32::from(pixel)));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
