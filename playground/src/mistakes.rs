//! A backward pass in plain products that can be broken in the classic ways, and N1 to catch it.

use chainrule::ndarray::{Array2, ArrayView2, Axis};
use chainrule::{Affine, Loss, Network, Result, Workspace};

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

/// The gradients with a mistake. The crate's forward and backward pass have filled the workspace; without a mistake its
/// own gradients come back.
pub fn gradients(
    network: &Network<f64>,
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    loss: Loss,
    workspace: &Workspace<f64>,
    mistake: Mistake,
) -> Result<Vec<Affine<f64>>> {
    if mistake == Mistake::None {
        return Ok(workspace.gradients().to_vec());
    }
    let layers = network.layers();
    let last = layers.len() - 1;
    let n = x.nrows() as f64;
    let mut dz = workspace.dz(last).to_owned(); // (B1)
    match mistake {
        Mistake::NoMean => dz *= n,
        Mistake::DiagonalSoftmax => dz = diagonal(workspace.a(last), y, loss),
        _ => {}
    }
    let mut found = Vec::new();
    for l in (0..=last).rev() {
        let input = if l == 0 { x } else { workspace.a(l - 1) };
        let weights = input.t().dot(&dz); // (B4)
        let bias = if mistake == Mistake::FirstRowBias { dz.row(0).to_owned() } else { dz.sum_axis(Axis(0)) }; // (B5)
        found.push(Affine { weights, bias });
        if l == 0 {
            break;
        }
        let w = &layers[l].affine.weights;
        let da = if mistake == Mistake::NoTranspose && w.is_square() { dz.dot(w) } else { dz.dot(&w.t()) }; // (B2)
        dz = if mistake == Mistake::NoSlope { da } else { da * slope(network, l, workspace)? }; // (B3)
    }
    found.reverse();
    Ok(found)
}

/// f′(Z) of the layer before `l`, out of the right pass: dZ = dA ⊙ f′(Z).
fn slope(network: &Network<f64>, l: usize, workspace: &Workspace<f64>) -> Result<Array2<f64>> {
    let mut slope = network.input_gradient(l, workspace)?;
    slope.zip_mut_with(&workspace.dz(l - 1), |da, dz| *da = if *da == 0.0 { 0.0 } else { dz / *da });
    Ok(slope)
}

/// ∂L/∂A times the diagonal of softmax's Jacobian, a (1 − a).
fn diagonal(a: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>, loss: Loss) -> Array2<f64> {
    let (n, nk) = (a.nrows() as f64, a.len() as f64);
    let mut dz = a.to_owned();
    dz.zip_mut_with(&y, |a, &y| {
        let da = if loss == Loss::CrossEntropy { -y / *a / n } else { 2.0 * (*a - y) / nk };
        *a = da * *a * (1.0 - *a);
    });
    dz
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
