//! Save and load: networks and checkpoints in files (feature `safetensors`), and `Serialize` and `Deserialize` for
//! all that is plain data (feature `serde`).
//!
//! `safetensors.rs` is the format, `serde.rs` is the other feature. Here stands what goes where:
//!
//! | tensor | holds | shape |
//! |---|---|---|
//! | `i.weight` | Wᵀ of the layer that is module i | \[outputs, inputs\] |
//! | `i.bias` | b | \[outputs\] |
//! | `trainer.velocity.i.weight`, `.bias` | V of the same layer, from the first step with momentum on | as above |
//! | `trainer.cost`, `.validation_cost`, `.validation_accuracy` | the [`History`](crate::History), F64 | \[epochs\] |
//!
//! The metadata says the rest in words and decimal numbers: `chainrule` (the version of this table), `activations`,
//! `number`, `checksum`; in a checkpoint also `loss`, `learning_rate`, `momentum`, `weight_decay`, `schedule`,
//! `epoch`, `epochs`, `batch_size`, `shuffle`, `shuffling`. Decimal numbers are written with as many digits as bring
//! back the same bits.

#[cfg(feature = "safetensors")]
mod checkpoint;
#[cfg(feature = "safetensors")]
mod network;
#[cfg(feature = "safetensors")]
mod safetensors;
#[cfg(feature = "serde")]
mod serde;

use crate::activation::Activation;
use crate::error::FileProblem;
use crate::loss::Loss;

/// The name of a number type: `f32` or `f64`.
#[cfg(feature = "safetensors")]
fn number_type<F: crate::real::Real>() -> &'static str {
    if size_of::<F>() == size_of::<f32>() { "f32" } else { "f64" }
}

/// What a file refers to by its name: activations and losses.
trait Named: Copy + 'static {
    /// The entry of the metadata that names it.
    const ENTRY: &'static str;
    const BUILT_IN: &'static [Self];

    /// The name, or `custom:` and the name.
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
            } // exhaustive: a new one belongs into BUILT_IN too
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

/// What a saved name stands for: a built-in one, or the one that the caller has given, if its name is this.
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
