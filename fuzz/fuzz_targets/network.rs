//! Any bytes as a safetensors file, and with the activations handed over, so that no checksum stands in the way; and once
//! more with the length of the header set right.
#![no_main]

use chainrule::{Activation, Network};
use common::{check_network, file, with_fitting_length};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes, &with_fitting_length(bytes)] {
        let path = file(bytes);
        if let Ok(network) = Network::<f64>::load(path) {
            check_network(&network);
        }
        for activations in [&[Activation::Tanh][..], &[Activation::Relu, Activation::Softmax]] {
            match Network::<f32>::load_with(path, activations) {
                Ok(network) => check_network(&network),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
});
