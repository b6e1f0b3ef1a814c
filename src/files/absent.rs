//! The functions of files in a build without the feature `safetensors`: a call does not compile, and the compiler says
//! which feature it needs.

use crate::activation::Activation;
use crate::error::Result;
use crate::loss::Loss;
use crate::model::Model;
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::train::Trainer;
use std::convert::Infallible;
use std::path::Path;

/// Implemented for nothing, so that the compiler shows this message.
#[diagnostic::on_unimplemented(
    message = "files of networks, models and checkpoints need the feature `safetensors` of chainrule",
    label = "needs the feature `safetensors`",
    note = "in Cargo.toml: chainrule = {{ version = \"…\", features = [\"safetensors\"] }}"
)]
pub trait FeatureSafetensors {
    /// The value of a function that cannot be called.
    fn absent<T>() -> T;
}

impl<F: Real> Network<F> {
    /// Needs the feature `safetensors`.
    pub fn save(&self, _path: impl AsRef<Path>) -> Result<()>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }

    /// Needs the feature `safetensors`.
    pub fn load(_path: impl AsRef<Path>) -> Result<Self>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }

    /// Needs the feature `safetensors`.
    pub fn load_with(_path: impl AsRef<Path>, _activations: &[Activation]) -> Result<Self>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }

    /// Needs the feature `safetensors`.
    pub fn loader() -> Infallible
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }
}

impl<F: Real> Model<F> {
    /// Needs the feature `safetensors`.
    pub fn save(&self, _path: impl AsRef<Path>) -> Result<()>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }

    /// Needs the feature `safetensors`.
    pub fn load(_path: impl AsRef<Path>) -> Result<Self>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }

    /// Needs the feature `safetensors`.
    pub fn load_with(_path: impl AsRef<Path>, _activations: &[Activation]) -> Result<Self>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }

    /// Needs the feature `safetensors`.
    pub fn save_onnx(&self, _path: impl AsRef<Path>) -> Result<()>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }
}

impl<F: Real, O: Optimizer<F>> Trainer<'_, F, O> {
    /// Needs the feature `safetensors`.
    pub fn save_checkpoint(&self, _network: &Network<F>, _path: impl AsRef<Path>) -> Result<()>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }

    /// Needs the feature `safetensors`.
    pub fn load_checkpoint(_path: impl AsRef<Path>) -> Result<(Self, Network<F>)>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }

    /// Needs the feature `safetensors`.
    pub fn load_checkpoint_with(
        _path: impl AsRef<Path>,
        _loss: Loss,
        _activations: &[Activation],
    ) -> Result<(Self, Network<F>)>
    where
        Self: FeatureSafetensors,
    {
        Self::absent()
    }
}
