//! Shared by the tests: small networks and batches from a seed, and bitwise comparisons.

#![allow(dead_code)] // each test file uses some of it

use chainrule::ndarray::{Array2, ArrayView2};
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{Activation, Affine, ChaCha8Rng, Init, Loss, Network, Real, Workspace};

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// ln(1 + eᶻ): positive, smooth, unbounded.
pub const SOFTPLUS: Activation = Activation::Custom {
    name: "softplus",
    f: |z| z.max(0.0) + (-z.abs()).exp().ln_1p(),
    slope: |_, a| 1.0 - (-a).exp(),
};

/// The sigmoid again: as a custom activation it has no canonical partner.
pub const OWN_SIGMOID: Activation =
    Activation::Custom { name: "own sigmoid", f: |z| 1.0 / (1.0 + (-z).exp()), slope: |_, a| a * (1.0 - a) };

/// ln cosh(a − y): a smooth absolute error.
pub const LOG_COSH: Loss =
    Loss::Custom { name: "log-cosh", value: |a, y| (a - y).cosh().ln(), slope: |a, y| (a - y).tanh() };

/// One of each.
pub const ACTIVATIONS: [Activation; 11] = [
    Activation::Identity,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::Softmax,
    SOFTPLUS,
    Activation::LeakyRelu,
    Activation::Elu,
    Activation::Softplus,
    Activation::Silu,
    Activation::Gelu,
];

/// Every pair of output activation and loss that is allowed.
pub fn pairs() -> Vec<(Activation, Loss)> {
    let of_any_output =
        ACTIVATIONS.into_iter().flat_map(|f| [(f, Loss::MeanSquaredError), (f, LOG_COSH), (f, Loss::Huber)]);
    let of_probabilities = [
        (Activation::Sigmoid, Loss::BinaryCrossEntropy),
        (Activation::Softmax, Loss::BinaryCrossEntropy),
        (OWN_SIGMOID, Loss::BinaryCrossEntropy),
        (Activation::Softmax, Loss::CrossEntropy),
        (OWN_SIGMOID, Loss::CrossEntropy),
        (SOFTPLUS, Loss::CrossEntropy),
    ];
    of_any_output.chain(of_probabilities).collect()
}

/// A network with weights N(0, 0.8²) and biases between −0.2 and 0.6, none of them zero.
pub fn network<F: Real>(inputs: usize, layers: &[(usize, Activation)], seed: u64) -> Network<F> {
    let start = Network::builder(inputs).init(Init::Normal { std: 0.8 });
    let start = start.bias_init(Init::Uniform { low: -0.2, high: 0.6 });
    let builder = layers.iter().fold(start, |builder, &(units, f)| builder.layer(units, f));
    builder.build(&mut rng(seed)).unwrap()
}

/// Uniform numbers from `low` to `high`, drawn as `f64` for every type.
pub fn uniform<F: Real>(shape: (usize, usize), low: f64, high: f64, seed: u64) -> Array2<F> {
    let mut rng = rng(seed);
    Array2::from_shape_simple_fn(shape, || F::from_f64(rng.random_range(low..high)))
}

/// Targets for a loss, from numbers between 0 and 1: rows of a cross-entropy have to sum to 1.
pub fn fitting(loss: Loss, mut y: Array2<f64>) -> Array2<f64> {
    if loss == Loss::CrossEntropy {
        y.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
    }
    y
}

/// Rows with a single 1 each.
pub fn one_hot_rows<F: Real>((rows, classes): (usize, usize), seed: u64) -> Array2<F> {
    let mut rng = rng(seed);
    let labels: Vec<usize> = (0..rows).map(|_| rng.random_range(0..classes)).collect();
    chainrule::one_hot(&labels, classes).unwrap()
}

/// Forward and backward: the cost, and the workspace with all results.
pub fn pass<F: Real>(
    network: &Network<F>,
    x: ArrayView2<'_, F>,
    y: ArrayView2<'_, F>,
    loss: Loss,
) -> (f64, Workspace<F>) {
    let mut workspace = Workspace::new(network, x.nrows());
    network.forward(x, &mut workspace).unwrap();
    let cost = network.backward(x, y, loss, &mut workspace).unwrap();
    (cost, workspace)
}

/// Every number as the bits of its `f64`, which holds an `f32` exactly.
pub fn bits<'a, F: Real>(numbers: impl IntoIterator<Item = &'a F>) -> Vec<u64> {
    numbers.into_iter().map(|x| x.f64().to_bits()).collect()
}

/// The bits of all parameters.
pub fn network_bits<F: Real>(network: &Network<F>) -> Vec<u64> {
    network.layers().iter().flat_map(|l| bits(l.affine.weights.iter().chain(&l.affine.bias))).collect()
}

/// The bits of all gradients.
pub fn gradient_bits<F: Real>(workspace: &Workspace<F>) -> Vec<u64> {
    workspace.gradients().iter().flat_map(|g| bits(g.weights.iter().chain(&g.bias))).collect()
}

/// The same numbers, column after column, and the bias from its end.
pub fn other_layout<F: Real>(affine: &Affine<F>) -> Affine<F> {
    let mut turned = affine.clone();
    turned.weights = affine.weights.t().as_standard_layout().into_owned().reversed_axes();
    turned.bias.invert_axis(chainrule::ndarray::Axis(0));
    turned.bias.assign(&affine.bias);
    turned
}
