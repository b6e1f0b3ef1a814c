//! `Serialize` and `Deserialize`. Types with invariants are deserialised through their constructors; plain data derive
//! both where they are defined.

use super::{Named, by_name};
use crate::activation::Activation;
use crate::layer::{Affine, Layer};
use crate::loss::Loss;
use crate::network::Network;
use crate::real::Real;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.saved_name())
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        by_name(&String::deserialize(deserializer)?, None).map_err(D::Error::custom)
    }
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.saved_name())
    }
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        by_name(&String::deserialize(deserializer)?, None).map_err(D::Error::custom)
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

impl<'de, F: Real + Deserialize<'de>> Deserialize<'de> for Network<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyNetwork { layers } = AnyNetwork::deserialize(deserializer)?;
        Network::from_layers(layers.into_iter().map(Layer::from).collect()).map_err(D::Error::custom)
    }
}
