//! Networks and checkpoints as files (feature `safetensors`), and `Serialize` and `Deserialize` (feature `serde`).
//!
//! `safetensors.rs` reads and writes the format, `network.rs` and `checkpoint.rs` map types to it. The tensors:
//!
//! | tensor | holds | shape |
//! |---|---|---|
//! | `i.weight` | Wᵀ of the layer at module i | \[outputs, inputs\] |
//! | `i.bias` | b | \[outputs\] |
//! | `trainer.velocity.i.weight`, `.bias` | V of the same layer, after the first step with momentum | as above |
//! | `trainer.cost`, `.validation_cost`, `.validation_accuracy` | the [`History`](crate::History), F64 | \[epochs\] |
//!
//! The metadata holds the rest as text: `chainrule` (the version of this table), `activations`, `number`, `checksum`;
//! in a checkpoint also `loss`, `learning_rate`, `momentum`, `weight_decay`, `schedule`, `epoch`, `epochs`,
//! `batch_size`, `shuffle`, `shuffling`. Decimal numbers have enough digits to restore the same bits.

#[cfg(feature = "safetensors")]
mod checkpoint;
#[cfg(feature = "safetensors")]
mod network;
#[cfg(feature = "safetensors")]
mod safetensors;
#[cfg(feature = "serde")]
mod serde;

#[cfg(feature = "safetensors")]
pub use network::NetworkLoader;

use crate::activation::Activation;
use crate::error::FileProblem;
use crate::loss::Loss;

/// The name of a number type: `f32` or `f64`.
#[cfg(feature = "safetensors")]
fn number_type<F: crate::real::Real>() -> &'static str {
    if size_of::<F>() == size_of::<f32>() { "f32" } else { "f64" }
}

/// Types that a file refers to by name: activations and losses.
trait Named: Copy + 'static {
    /// The metadata key.
    const ENTRY: &'static str;
    const BUILT_IN: &'static [Self];

    /// The name, with the prefix `custom:` if it is not built in.
    fn saved_name(self) -> String;
}

impl Named for Activation {
    const ENTRY: &'static str = "activations";
    const BUILT_IN: &'static [Self] =
        &[Activation::Identity, Activation::Sigmoid, Activation::Tanh, Activation::Relu, Activation::Softmax];

    fn saved_name(self) -> String {
        match self {
            Activation::Custom { name, .. } => format!("custom:{name}"),
            Activation::Identity | Activation::Sigmoid | Activation::Tanh | Activation::Relu | Activation::Softmax => {
                self.name().into()
            } // exhaustive: add a new one to BUILT_IN too
        }
    }
}

impl Named for Loss {
    const ENTRY: &'static str = "loss";
    const BUILT_IN: &'static [Self] = &[Loss::MeanSquaredError, Loss::BinaryCrossEntropy, Loss::CrossEntropy];

    fn saved_name(self) -> String {
        match self {
            Loss::Custom { name, .. } => format!("custom:{name}"),
            Loss::MeanSquaredError | Loss::BinaryCrossEntropy | Loss::CrossEntropy => self.name().into(),
        }
    }
}

/// Looks up a saved name: among the built-in values or, if the caller has given one, that one alone.
fn by_name<T: Named>(saved: &str, given: Option<T>) -> Result<T, FileProblem> {
    let named = |one: &T| one.saved_name() == saved;
    let found = match given {
        Some(given) => Some(given).filter(named),
        None => T::BUILT_IN.iter().copied().find(named),
    };
    if let (Some(name), None, None) = (saved.strip_prefix("custom:"), found, given) {
        return Err(FileProblem::NeedsFunctions { entry: T::ENTRY, name: name.into() });
    }
    found.ok_or_else(|| {
        let expected = given.map_or_else(
            || T::BUILT_IN.iter().map(|one| one.saved_name()).collect::<Vec<_>>().join(", "),
            |given| format!("{:?}, as the caller says", given.saved_name()),
        );
        FileProblem::Metadata { key: T::ENTRY, expected, found: Some(saved.into()) }
    })
}
