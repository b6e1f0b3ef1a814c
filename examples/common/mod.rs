//! What the examples share: flags, progress, the result line and the pictures. None of it is needed to use the crate.

// Each example uses some of it.
#![allow(dead_code)]

pub mod data;
pub mod flags;
pub mod pen;
pub mod pictures;
pub mod progress;
pub mod published;

use std::error::Error;
use std::process::ExitCode;

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
