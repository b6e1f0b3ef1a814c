//! What the examples share: flags, progress, the result line and the pictures. None of it is needed to use the crate.

// Each example uses some of it.
#![allow(dead_code)]

pub mod data;
pub mod distortions;
pub mod flags;
pub mod pen;
pub mod pictures;
pub mod progress;
pub mod published;
pub mod recipes;
pub mod short_columns;

use std::error::Error;
use std::process::ExitCode;

/// Refuses a training that has left the network worse on the training set than it was, as a rate far too large does.
pub fn improved(before: f64, after: f64) -> Result<(), String> {
    match after <= before {
        true => Ok(()),
        false => Err(format!("training has raised the cost from {before:.4} to {after:.4}. Try a smaller --rate")),
    }
}

/// Runs an example and turns its error into a sentence and exit code 1.
pub fn run(example: fn() -> Result<(), Box<dyn Error>>) -> ExitCode {
    match example() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
