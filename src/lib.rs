//! chainrule: the multilayer perceptron you can read.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod real;
mod error;
mod elementary;
mod activation;
mod init;
mod matmul;
mod layer;
mod loss;
mod network;
mod sgd;
mod gradient_check;
mod metrics;
mod data;
mod train;
pub mod derivation;

pub use activation::Activation;
pub use data::{Dataset, Idx, Scaling, one_hot};
pub use error::{Error, FileProblem, Result};
pub use gradient_check::{GradientCheck, Parameter, gradient_check};
pub use init::Init;
pub use layer::{Affine, Layer};
pub use loss::Loss;
pub use metrics::{ConfusionMatrix, accuracy};
pub use network::{Network, NetworkBuilder, Workspace};
pub use real::Real;
pub use sgd::{Schedule, Sgd};
pub use train::{History, Report, Trainer};

pub use ndarray;
pub use rand;
pub use rand_chacha::ChaCha8Rng;
