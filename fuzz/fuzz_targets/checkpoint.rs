//! Any bytes as a checkpoint, and once more with the length of the header set right. Few get past the checksum:
//! `checkpoint_parts` is for what is behind it.
#![no_main]

use chainrule::{Network, Trainer};
use common::{check_trainer, file, with_fitting_length};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes, &with_fitting_length(bytes)] {
        let path = file(bytes);
        match Trainer::<f64>::load_checkpoint(path) {
            Ok((trainer, network)) => check_trainer(trainer, network),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if let Ok((trainer, network)) = Trainer::<f32>::load_checkpoint(path) {
            check_trainer(trainer, network);
        }
        let _ = Network::<f64>::load(path);
    }
});
