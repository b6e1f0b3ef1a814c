//! chainrule: the multilayer perceptron you can read.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod real;
mod error;
mod data;

pub use data::{Dataset, Idx, Scaling, one_hot};
pub use error::{Error, FileProblem, Result};
pub use real::Real;

pub use ndarray;
pub use rand;
pub use rand_chacha::ChaCha8Rng;
