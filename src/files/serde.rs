//! `Serialize` and `Deserialize` (feature `serde`). Types with invariants are deserialised through their constructors;
//! plain data derive both where they are defined.

use super::names::{Named, by_name};
use crate::activation::Activation;
use crate::data::Scaling;
use crate::error::FileProblem;
use crate::layer::{Affine, Layer};
use crate::loss::Loss;
use crate::network::Network;
use crate::real::Real;
use ndarray::Array1;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// The value of a saved name. No functions can be passed to `deserialize`.
fn built_in<T: Named, E: Error>(name: &str) -> Result<T, E> {
    by_name(name, None).map_err(|problem| match problem {
        FileProblem::NeedsFunctions { entry, name } => {
            E::custom(format!("{entry}: {name:?} is custom, and its functions cannot be deserialised"))
        }
        other => E::custom(other),
    })
}

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.saved_name())
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        built_in(&String::deserialize(deserializer)?)
    }
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.saved_name())
    }
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        built_in(&String::deserialize(deserializer)?)
    }
}

/// An unchecked layer, and below an unchecked network.
#[derive(serde::Deserialize)]
#[serde(rename = "Layer")]
struct AnyLayer<F> {
    affine: Affine<F>,
    activation: Activation,
}

#[derive(serde::Deserialize)]
#[serde(rename = "Network")]
struct AnyNetwork<F> {
    layers: Vec<AnyLayer<F>>,
}

#[derive(serde::Deserialize)]
#[serde(rename = "Scaling")]
struct AnyScaling {
    shift: Array1<f64>,
    scale: Array1<f64>,
}

impl<'de> Deserialize<'de> for Scaling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyScaling { shift, scale } = AnyScaling::deserialize(deserializer)?;
        Scaling::new(shift, scale).map_err(D::Error::custom)
    }
}

impl<F> From<AnyLayer<F>> for Layer<F> {
    fn from(AnyLayer { affine, activation }: AnyLayer<F>) -> Self {
        Layer { affine, activation }
    }
}

impl<'de, F: Real + Deserialize<'de>> Deserialize<'de> for Layer<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Layer::from(AnyLayer::deserialize(deserializer)?).checked(None).map_err(D::Error::custom)
    }
}

/// From JSON and the rest, with the feature `serde`. The result is bit-identical if the format keeps every number.
///
/// In JSON, `f32` numbers come back exactly. Of `f64` numbers, the default parser of `serde_json` reads about one in
/// ten with a wrong last digit. Its feature `float_roundtrip` reads them all exactly; in `Cargo.toml`:
///
/// ```toml
/// serde_json = { version = "1", features = ["float_roundtrip"] }
/// ```
///
/// # Errors
/// For layers that do not make a network, as [`Network::from_layers`], and for custom activations, of which only the
/// name is saved.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Network, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let network = Network::<f64>::builder(2).layer(3, Activation::Tanh).build(&mut rng)?;
/// let text = serde_json::to_string(&network)?;
/// assert_eq!(serde_json::from_str::<Network<f64>>(&text)?, network);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<'de, F: Real + Deserialize<'de>> Deserialize<'de> for Network<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyNetwork { layers } = AnyNetwork::deserialize(deserializer)?;
        Network::from_layers(layers.into_iter().map(Layer::from).collect()).map_err(D::Error::custom)
    }
}
