//! The names of activations and losses in files.

use crate::activation::Activation;
use crate::error::FileProblem;
use crate::loss::Loss;

/// Types that a file refers to by name: activations and losses.
pub(super) trait Named: Copy + 'static {
    /// The metadata key.
    const ENTRY: &'static str;
    const BUILT_IN: &'static [Self];

    /// The name, with the prefix `custom:` if it is not built in.
    fn saved_name(self) -> String;
}

impl Named for Activation {
    const ENTRY: &'static str = "activations";
    const BUILT_IN: &'static [Self] = &[
        Activation::Identity,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Relu,
        Activation::Softmax,
        Activation::LeakyRelu,
        Activation::Elu,
        Activation::Softplus,
        Activation::Silu,
        Activation::Gelu,
    ];

    fn saved_name(self) -> String {
        match self {
            Activation::Custom { name, .. } => format!("custom:{name}"),
            // exhaustive: add a new one to BUILT_IN too
            Activation::Identity | Activation::Sigmoid | Activation::Tanh | Activation::Relu | Activation::Softmax => {
                self.name().into()
            }
            Activation::LeakyRelu | Activation::Elu | Activation::Softplus | Activation::Silu | Activation::Gelu => {
                self.name().into()
            }
        }
    }
}

impl Named for Loss {
    const ENTRY: &'static str = "loss";
    const BUILT_IN: &'static [Self] =
        &[Loss::MeanSquaredError, Loss::BinaryCrossEntropy, Loss::CrossEntropy, Loss::Huber];

    fn saved_name(self) -> String {
        match self {
            Loss::Custom { name, .. } => format!("custom:{name}"),
            Loss::MeanSquaredError | Loss::BinaryCrossEntropy | Loss::CrossEntropy | Loss::Huber => self.name().into(),
        }
    }
}

/// Looks up a saved name: among the built-in values or, if the caller has given one, that one alone.
pub(super) fn by_name<T: Named>(saved: &str, given: Option<T>) -> Result<T, FileProblem> {
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
