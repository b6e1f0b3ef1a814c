//! A small network for drawn digits, trained on MNIST by `examples/digits.rs`.

use chainrule::ndarray::{Array1, Array2, ArrayView2};
use chainrule::{Activation, Error, Layer, Network, Result};

/// For each layer: the size of one unit of the weights (f32), the weights in such units (i8), the biases (f32).
static TRAINED: &[u8] = include_bytes!("../digits.bin");

const SIZES: [usize; 3] = [28 * 28, 64, 10];
const ACTIVATIONS: [Activation; 2] = [Activation::Relu, Activation::Softmax];

/// The network, or an error if the file has another length.
pub fn trained() -> Result<Network<f32>> {
    let mut bytes = TRAINED.iter().copied();
    let mut take = |count: usize| -> Vec<u8> { bytes.by_ref().take(count).collect() };
    let numbers =
        |bytes: Vec<u8>| -> Vec<f32> { bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect() };
    let mut layers = Vec::new();
    for (l, activation) in ACTIVATIONS.into_iter().enumerate() {
        let (inputs, outputs) = (SIZES[l], SIZES[l + 1]);
        let unit = numbers(take(4)).first().copied().unwrap_or_default();
        let weights: Vec<f32> = take(inputs * outputs).into_iter().map(|w| f32::from(w.cast_signed()) * unit).collect();
        let weights =
            Array2::from_shape_vec((inputs, outputs), weights).map_err(|_| Error::Empty { place: "digits.bin" })?;
        layers.push(Layer::new(weights, Array1::from(numbers(take(4 * outputs))), activation)?);
    }
    Network::from_layers(layers)
}

/// The network as such bytes.
pub fn packed(network: &Network<f32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for layer in network.layers() {
        let largest = layer.affine.weights.iter().fold(0.0, |max: f32, w| max.max(w.abs()));
        let unit = largest / 127.0;
        bytes.extend(unit.to_le_bytes());
        bytes.extend(layer.affine.weights.iter().map(|w| ((w / unit).round() as i8).cast_unsigned()));
        bytes.extend(layer.affine.bias.iter().flat_map(|b| b.to_le_bytes()));
    }
    bytes
}

/// The probabilities of the ten digits, for a picture of 28 × 28 numbers from 0 to 1.
pub fn probabilities(network: &Network<f32>, picture: &[f64]) -> Result<Vec<f64>> {
    let picture: Vec<f32> = picture.iter().map(|&x| x as f32).collect();
    let x = ArrayView2::from_shape((1, picture.len()), &picture).map_err(|_| Error::Empty { place: "picture" })?;
    Ok(network.predict(x)?.iter().map(|&p| f64::from(p)).collect())
}
