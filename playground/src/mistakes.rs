//! A backward pass in plain products that can be broken in the classic ways, and N1 to catch it.

use chainrule::ndarray::{Array2, ArrayView2, Axis};
use chainrule::{Activation, Affine, Loss, Network, Result, Workspace};

/// What is planted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mistake {
    None,
    /// B1 without its 1/n.
    NoMean,
    /// B2 with W in place of Wᵀ, in square layers.
    NoTranspose,
    /// B1 with the diagonal of softmax's Jacobian alone.
    DiagonalSoftmax,
    /// B3 without f′.
    NoSlope,
    /// B5 with the first row alone.
    FirstRowBias,
}

pub const MISTAKES: [Mistake; 6] = [
    Mistake::None,
    Mistake::NoMean,
    Mistake::NoTranspose,
    Mistake::DiagonalSoftmax,
    Mistake::NoSlope,
    Mistake::FirstRowBias,
];

/// f′ of the activations, by differences: exact enough for a gradient that is wrong anyway.
fn slope(f: Activation, z: f64, a: f64) -> f64 {
    let sigmoid = 1.0 / (1.0 + (-z).exp());
    match f {
        Activation::Tanh => 1.0 - a * a,
        Activation::Sigmoid => a * (1.0 - a),
        Activation::Relu => f64::from(z > 0.0),
        Activation::LeakyRelu => {
            if z > 0.0 {
                1.0
            } else {
                0.01
            }
        }
        Activation::Elu => {
            if z > 0.0 {
                1.0
            } else {
                z.exp()
            }
        }
        Activation::Softplus => sigmoid,
        Activation::Silu => sigmoid * (1.0 + z * (1.0 - sigmoid)),
        Activation::Gelu => {
            let h = 1e-4;
            let one = |z: f64| gelu(z);
            (one(z + h) - one(z - h)) / (2.0 * h)
        }
        _ => 1.0,
    }
}

/// z Φ(z), by a power series that converges for the small z of the page.
fn gelu(z: f64) -> f64 {
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (mut term, mut sum) = (z, 0.0);
    for j in 1..100 {
        sum += term;
        term *= z * z / f64::from(2 * j + 1);
    }
    z * (0.5 + density * sum)
}

/// The gradients with a mistake, and dZ of each layer. The forward and backward pass of the crate have filled the
/// workspace; without a mistake its own gradients come back.
pub fn gradients(
    network: &Network<f64>,
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    loss: Loss,
    workspace: &Workspace<f64>,
    mistake: Mistake,
) -> (Vec<Affine<f64>>, Vec<Array2<f64>>) {
    let layers = network.layers();
    let last = layers.len() - 1;
    if mistake == Mistake::None {
        let dz = (0..=last).map(|l| workspace.dz(l).to_owned()).collect();
        return (workspace.gradients().to_vec(), dz);
    }
    let n = x.nrows() as f64;
    let mut dz = workspace.dz(last).to_owned(); // (B1)
    match mistake {
        Mistake::NoMean => dz *= n,
        Mistake::DiagonalSoftmax if layers[last].activation == Activation::Softmax => {
            let a = workspace.a(last);
            let k = y.ncols() as f64;
            for ((index, dz), &y) in dz.indexed_iter_mut().zip(y.iter()) {
                let a = a[index];
                let slope = if loss == Loss::CrossEntropy { -y / a / n } else { 2.0 * (a - y) / (n * k) };
                *dz = slope * a * (1.0 - a);
            }
        }
        _ => {}
    }
    let mut found = Vec::new();
    let mut all_dz = Vec::new();
    for l in (0..=last).rev() {
        let input = if l == 0 { x } else { workspace.a(l - 1) };
        let weights = input.t().dot(&dz); // (B4)
        let bias = if mistake == Mistake::FirstRowBias { dz.row(0).to_owned() } else { dz.sum_axis(Axis(0)) }; // (B5)
        found.push(Affine { weights, bias });
        if l > 0 {
            let w = &layers[l].affine.weights;
            let square = w.nrows() == w.ncols();
            let da = if mistake == Mistake::NoTranspose && square { dz.dot(w) } else { dz.dot(&w.t()) }; // (B2)
            let (z, a) = (workspace.z(l - 1), workspace.a(l - 1));
            let mut before = da;
            if mistake != Mistake::NoSlope {
                let f = layers[l - 1].activation;
                before.indexed_iter_mut().for_each(|(index, dz)| *dz *= slope(f, z[index], a[index])); // (B3)
            }
            all_dz.push(std::mem::replace(&mut dz, before));
        }
    }
    all_dz.push(dz);
    found.reverse();
    all_dz.reverse();
    (found, all_dz)
}

/// Relative error of the gradient that is furthest from N1, its layer, itself, and what was measured.
pub fn measured(
    network: &Network<f64>,
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    loss: Loss,
    found: &[Affine<f64>],
) -> Result<[f64; 4]> {
    let h = 1e-3;
    let largest = found.iter().flat_map(|g| g.weights.iter().chain(&g.bias)).fold(0.0, |max: f64, g| max.max(g.abs()));
    let mut worst = [0.0; 4];
    let mut moved = network.clone();
    for (l, gradient) in found.iter().enumerate() {
        let (rows, columns) = gradient.weights.dim();
        let entries = (rows + 1) * columns;
        for entry in (0..entries).step_by(entries.div_ceil(60)) {
            let (i, j) = (entry / columns, entry % columns);
            let mut cost_at = |step: f64| {
                let change = |network: &mut Network<f64>, by: f64| {
                    if let Some(mut layer) = network.layers_mut().nth(l) {
                        if i == rows { layer.bias[j] += by } else { layer.weights[[i, j]] += by }
                    }
                };
                change(&mut moved, step);
                let cost = moved.cost(x, y, loss);
                moved.clone_from(network);
                cost
            };
            // (N1)
            let numeric =
                (cost_at(-2.0 * h)? - 8.0 * cost_at(-h)? + 8.0 * cost_at(h)? - cost_at(2.0 * h)?) / (12.0 * h);
            let analytic = if i == rows { gradient.bias[j] } else { gradient.weights[[i, j]] };
            let size = analytic.abs().max(numeric.abs()).max(1e-4 * largest).max(1e-6);
            let error = (analytic - numeric).abs() / size;
            if error >= worst[0] {
                worst = [error, l as f64, analytic, numeric];
            }
        }
    }
    Ok(worst)
}
