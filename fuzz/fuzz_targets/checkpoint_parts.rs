//! A checkpoint put together from lines, with offsets and checksum that fit, so that the fuzzer gets at what is behind
//! them. What the lines do not speak of is as in a good checkpoint.
#![no_main]

use chainrule::{Network, Trainer};
use common::{check_network, check_trainer, file, file_of_lines};
use libfuzzer_sys::fuzz_target;

/// Without it, most inputs would lack something and be refused for that.
const GOOD: &str = include_str!("../seeds/checkpoint_parts/small");

fuzz_target!(|text: &str| {
    let bytes = file_of_lines(GOOD, text);
    let path = file(&bytes);
    match Trainer::<f64>::load_checkpoint(path) {
        Ok((trainer, network)) => check_trainer(trainer, network),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok((trainer, network)) = Trainer::<f32>::load_checkpoint(path) {
        check_trainer(trainer, network);
    }
    if let Ok(network) = Network::<f64>::load(path) {
        check_network(&network);
    }
});
