//! `RmsProp`: divides each parameter's rate by the size of its recent gradients.
//!
//! ```text
//! (U3)  v ← ρv + (1 − ρ) dθ²,   θ ← θ − η dθ / (√v + ε)
//! ```
//!
//! v is a mean of squares that forgets: √v is about the size of a recent gradient, so a step is about η in any
//! units of the parameter (Tieleman & Hinton 2012, lecture 6e). ε is added to the root, as PyTorch does.
//!
//! Derivation: chapter 12, `derivation/12-adaptive.md`. From above: `Network` and `Affine`.

use super::{LearningRate, Optimizer, Plateau, Schedule, check_epsilon, check_fraction, check_like, zeros_like};
use super::{shared_methods, trait_methods};
use crate::error::{MOMENTS, Result};
use crate::kernels::{Formula, Number, each};
use crate::layer::Affine;
use crate::network::Network;
use crate::real::{Real, entries, entries_mut};

/// RMSprop (U3), without centring and without momentum.
///
/// The hyperparameters are `f64` for networks of either type. The first step that uses them checks them.
///
/// ```
/// use chainrule::{Affine, Activation, Layer, Network, RmsProp, ndarray::array};
///
/// let layer = Layer::new(array![[1.0_f64]], array![0.0], Activation::Identity)?;
/// let mut network = Network::from_layers(vec![layer])?;
/// let gradient = [Affine { weights: array![[2.0]], bias: array![-300.0] }];
///
/// let mut rmsprop = RmsProp::new(0.01).decay(0.75);
/// rmsprop.step(&mut network, &gradient)?; // √v = √(0.25 · 2²) = 1: the same step for every size of gradient
/// assert!((network.layers()[0].affine.weights[[0, 0]] - 0.98).abs() < 1e-8);
/// assert!((network.layers()[0].affine.bias[0] - 0.02).abs() < 1e-8);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RmsProp<F> {
    pub(crate) rate: LearningRate,
    pub(crate) decay: f64,
    pub(crate) epsilon: f64,
    /// v, made at the first step.
    pub(crate) squares: Option<Vec<Affine<F>>>,
}

shared_methods!(RmsProp);

impl<F: Real> RmsProp<F> {
    /// RMSprop with a learning rate η above 0, usually 0.001; ρ = 0.9, ε = 10⁻⁸.
    pub fn new(learning_rate: f64) -> Self {
        RmsProp { rate: LearningRate::new(learning_rate), decay: 0.9, epsilon: 1e-8, squares: None }
    }

    /// ρ, 0 ≤ ρ < 1: how much of the mean of squares a step keeps. Default: 0.9.
    pub fn decay(mut self, decay: f64) -> Self {
        self.decay = decay;
        self
    }

    /// ε, above 0. Default: 10⁻⁸.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    fn forget(&mut self) {
        self.squares = None;
    }
}

impl<F: Real> Optimizer<F> for RmsProp<F> {
    trait_methods!();

    fn check(&self, network: &Network<F>) -> Result<()> {
        self.rate.check::<F>()?;
        check_fraction::<F>("decay", self.decay)?;
        check_epsilon::<F>(self.epsilon)?;
        self.squares.as_ref().map_or(Ok(()), |squares| check_like(network, squares, &MOMENTS))
    }

    fn update(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) {
        let formula = Rms { rate: self.current_rate(), decay: self.decay, epsilon: self.epsilon };
        let squares = self.squares.get_or_insert_with(|| zeros_like(network));
        for ((Affine { weights, bias }, v), gradient) in network.affines_mut().zip(squares).zip(gradients) {
            each(formula, [entries_mut(weights), entries_mut(&mut v.weights)], [entries(&gradient.weights)]);
            each(formula, [entries_mut(bias), entries_mut(&mut v.bias)], [entries(&gradient.bias)]);
        }
    }
}

/// U3.
#[derive(Clone, Copy)]
struct Rms {
    rate: f64,
    decay: f64,
    epsilon: f64,
}

impl Formula<2, 1> for Rms {
    #[inline(always)]
    fn at<N: Number>(self, [theta, v]: [N; 2], [d_theta]: [N; 1]) -> [N; 2] {
        let (rho, fresh) = (theta.constant(self.decay), theta.constant(1.0 - self.decay));
        let (minus_rate, epsilon) = (theta.constant(-self.rate), theta.constant(self.epsilon));
        let v = rho.mul_add(v, fresh * d_theta * d_theta); // (U3) v ← ρv + (1 − ρ) dθ²
        [minus_rate.mul_add(d_theta / (v.sqrt() + epsilon), theta), v] // (U3) θ ← θ − η dθ / (√v + ε)
    }
}
