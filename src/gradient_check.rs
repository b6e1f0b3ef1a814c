//! The gradient check: backpropagation against the definition of a derivative.
//!
//! ```text
//! (N1)  ∂L/∂θ ≈ (L(θ−2h) − 8 L(θ−h) + 8 L(θ+h) − L(θ+2h)) / 12h
//! ```
//!
//! It does not use the chain rule: it changes one parameter, runs the forward pass and compares costs. N1 has a
//! truncation error of order h⁴ and a rounding error of 10⁻¹⁶/h, together about 10⁻¹³ of the cost at h = 10⁻³.
//!
//! Derivation: chapter 11, `derivation/11-proof.md`. Uses the forward pass of `Network` to check its backward pass.

use crate::error::Result;
use crate::layer::{Affine, Layer};
use crate::loss::Loss;
use crate::network::{Network, Workspace};
use crate::real::Real;
use ndarray::ArrayView2;

/// The largest change of a pre-activation when a parameter changes by h: h = STEP / the largest input of the weight.
const STEP: f64 = 1e-3;

/// The maximum number of entries to check in each array, evenly spaced in larger ones.
const MAX_ENTRIES: usize = 1000;

/// The minimum denominator of a relative error, in units of the largest gradient. For smaller gradients N1 measures
/// only rounding errors.
const FLOOR: f64 = 1e-4;

/// The minimum denominator in units of |L|/h, for networks whose gradients are all nearly 0. Rounding makes N1 about
/// 10⁻¹⁶ |L|/h even where the cost is constant, as with dead ReLUs.
const ROUNDING: f64 = 1e-9;

/// The result of [`gradient_check`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// The maximum of |a − m| / max(|a|, |m|, 10⁻⁴ · `largest_gradient`, 10⁻⁹ |L|/h), with a from backpropagation and m
    /// measured with step h. It is below 10⁻⁶ for correct gradients, and typically above 10⁻² for wrong ones.
    pub max_relative_error: f64,
    /// The layer of the parameter with that error, counted from 0.
    pub layer: usize,
    /// That parameter.
    pub parameter: Parameter,
    /// Its gradient by backpropagation.
    pub analytic: f64,
    /// Its measured gradient.
    pub numeric: f64,
    /// The largest absolute gradient by backpropagation. If it is 0, the check proves nothing.
    pub largest_gradient: f64,
    /// The number of parameters compared.
    pub checked: usize,
    /// The number of parameters skipped because a step would move a pre-activation across the kink of a ReLU, leaky
    /// ReLU or ELU, or an error across ±1, where Huber's slope bends.
    pub skipped: usize,
}

/// One parameter of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// weights\[input, output\].
    Weight {
        /// The row.
        input: usize,
        /// The column.
        output: usize,
    },
    /// bias\[output\].
    Bias {
        /// The entry.
        output: usize,
    },
}

/// Compares the gradients of [`Network::backward`] with finite differences of the cost (N1), parameter by parameter.
/// All arithmetic is `f64`, for networks of either type.
///
/// Every weight and bias is compared; in arrays with more than 1,000 entries, 1,000 evenly spaced ones. Each parameter
/// takes four forward passes.
///
/// # Errors
/// As [`Network::forward`] and [`Network::backward`].
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Loss, Network, gradient_check};
/// use chainrule::{ndarray::array, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let network = Network::<f64>::builder(2)
///     .layer(3, Activation::Tanh)
///     .layer(2, Activation::Softmax)
///     .build(&mut rng)?;
/// let (x, y) = (array![[0.5, -1.0], [2.0, 0.1]], array![[1.0, 0.0], [0.0, 1.0]]);
///
/// let check = gradient_check(&network, x.view(), y.view(), Loss::CrossEntropy)?;
/// assert!(check.max_relative_error < 1e-6 && check.largest_gradient > 0.0);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn gradient_check<F: Real>(
    network: &Network<F>,
    x: ArrayView2<'_, F>,
    y: ArrayView2<'_, F>,
    loss: Loss,
) -> Result<GradientCheck> {
    check(network, x, y, loss, None)
}

/// [`gradient_check`] with the dropout masks and the example weights of a workspace. Both stay fixed while the
/// parameters change.
///
/// # Errors
/// As [`gradient_check`], and [`Error::Shape`](crate::Error::Shape) for masks or weights of other rows.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Dropout, Loss, Network, Workspace, gradient_check_with};
/// use chainrule::{ndarray::array, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let network = Network::<f64>::builder(2)
///     .layer(6, Activation::Tanh)
///     .layer(2, Activation::Softmax)
///     .build(&mut rng)?;
/// let (x, y) = (array![[0.5, -1.0], [2.0, 0.1]], array![[1.0, 0.0], [0.0, 1.0]]);
///
/// let mut workspace = Workspace::new(&network, 2);
/// workspace.draw_masks(2, Dropout { inputs: 0.0, hidden: 0.5 }, &mut rng)?;
/// workspace.set_weights(Some(&[0.5, 1.5]))?;
/// let check = gradient_check_with(&network, x.view(), y.view(), Loss::CrossEntropy, &workspace)?;
/// assert!(check.max_relative_error < 1e-6 && check.largest_gradient > 0.0);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn gradient_check_with<F: Real>(
    network: &Network<F>,
    x: ArrayView2<'_, F>,
    y: ArrayView2<'_, F>,
    loss: Loss,
    workspace: &Workspace<F>,
) -> Result<GradientCheck> {
    check(network, x, y, loss, Some(workspace))
}

fn check<F: Real>(
    network: &Network<F>,
    x: ArrayView2<'_, F>,
    y: ArrayView2<'_, F>,
    loss: Loss,
    settings: Option<&Workspace<F>>,
) -> Result<GradientCheck> {
    network.check_loss(loss)?;
    let mut network = in_f64(network)?;
    // The passes below need row-major arrays.
    let (x, y) = (x.as_standard_layout().mapv(F::f64), y.as_standard_layout().mapv(F::f64));
    let mut workspace = Workspace::new(&network, x.nrows());
    if let Some(settings) = settings {
        workspace.take_masks_and_weights(settings);
    }
    network.forward(x.view(), &mut workspace)?;
    let cost = network.backward(x.view(), y.view(), loss, &mut workspace)?;
    let at_rest = workspace.clone();
    let last = network.layers().len() - 1;

    let largest = |g: &Affine<f64>| g.weights.iter().chain(&g.bias).fold(0.0, |max: f64, g| max.max(g.abs()));
    let largest_gradient = at_rest.gradients().iter().map(largest).fold(0.0, f64::max);
    // If every parameter is skipped, the error stays NaN and fails every comparison with a bound.
    let mut worst = GradientCheck {
        max_relative_error: f64::NAN,
        layer: 0,
        parameter: Parameter::Bias { output: 0 },
        analytic: f64::NAN,
        numeric: f64::NAN,
        largest_gradient,
        checked: 0,
        skipped: 0,
    };
    for (layer, gradient) in at_rest.gradients().to_vec().iter_mut().enumerate() {
        let input = at_rest.input(layer, x.view());
        for parameter in parameters(&network.layers()[layer]) {
            let h = STEP / largest_input(parameter, input);
            let theta = *parameter.of(network.affine_mut(layer));
            // L(θ + step), or `None` across a kink of an activation or a bend of the loss.
            let mut cost_at = |step: f64| {
                *parameter.of(network.affine_mut(layer)) = theta + step;
                network.forward_pass(x.view(), &mut workspace);
                let (a, moved) = (at_rest.a(last), workspace.a(last));
                let bends = a.iter().zip(moved).zip(&y).any(|((&a, &moved), &y)| loss.bends_between(a, moved, y));
                (!bends && !crosses_a_kink(&network, &at_rest, &workspace))
                    .then(|| network.cost_of_pass(y.view(), loss, &workspace))
            };
            let costs = (cost_at(-2.0 * h), cost_at(-h), cost_at(h), cost_at(2.0 * h));
            *parameter.of(network.affine_mut(layer)) = theta;
            let (Some(minus_2h), Some(minus_h), Some(plus_h), Some(plus_2h)) = costs else {
                worst.skipped += 1;
                continue;
            };
            worst.checked += 1;
            let numeric = (minus_2h - 8.0 * minus_h + 8.0 * plus_h - plus_2h) / (12.0 * h); // (N1)
            let analytic = *parameter.of(gradient);
            let floor = (FLOOR * largest_gradient).max(ROUNDING * cost.abs() / h);
            let scale = analytic.abs().max(numeric.abs()).max(floor);
            let error = if scale > 0.0 { (analytic - numeric).abs() / scale } else { 0.0 };
            // A NaN is the worst error; plain comparisons would drop it.
            let first = worst.checked == 1;
            if first || error.is_nan() || error > worst.max_relative_error {
                worst = GradientCheck { max_relative_error: error, layer, parameter, analytic, numeric, ..worst };
            }
        }
    }
    Ok(worst)
}

impl Parameter {
    /// The entry of an `Affine`.
    fn of(self, affine: &mut Affine<f64>) -> &mut f64 {
        match self {
            Parameter::Weight { input, output } => &mut affine.weights[[input, output]],
            Parameter::Bias { output } => &mut affine.bias[output],
        }
    }
}

/// The parameters of a layer to compare.
fn parameters(layer: &Layer<f64>) -> Vec<Parameter> {
    let (inputs, outputs) = (layer.inputs(), layer.outputs());
    let weights = (0..inputs * outputs).step_by((inputs * outputs).div_ceil(MAX_ENTRIES));
    let biases = (0..outputs).step_by(outputs.div_ceil(MAX_ENTRIES));
    let weight = |i| Parameter::Weight { input: i / outputs, output: i % outputs };
    weights.map(weight).chain(biases.map(|output| Parameter::Bias { output })).collect()
}

/// The largest derivative of a pre-activation with respect to the parameter, at least 1.
fn largest_input(parameter: Parameter, input: ArrayView2<'_, f64>) -> f64 {
    match parameter {
        Parameter::Weight { input: column, .. } => input.column(column).fold(1.0, |max: f64, a| max.max(a.abs())),
        Parameter::Bias { .. } => 1.0,
    }
}

fn crosses_a_kink(network: &Network<f64>, before: &Workspace<f64>, after: &Workspace<f64>) -> bool {
    network.layers().iter().enumerate().any(|(l, layer)| {
        let crossed = |kink: f64| before.z(l).iter().zip(after.z(l)).any(|(z, moved)| (*z > kink) != (*moved > kink));
        layer.activation.kink().is_some_and(crossed)
    })
}

fn in_f64<F: Real>(network: &Network<F>) -> Result<Network<f64>> {
    let layer = |layer: &Layer<F>| {
        Layer::new(layer.affine.weights.mapv(F::f64), layer.affine.bias.mapv(F::f64), layer.activation)
    };
    Network::from_layers(network.layers().iter().map(layer).collect::<Result<_>>()?)
}
