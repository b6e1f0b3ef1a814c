//! `Adam`: RMSprop's steps with momentum, and the means corrected for their start at zero.
//!
//! ```text
//! (U4)  m ← β₁m + (1 − β₁) dθ,   v ← β₂v + (1 − β₂) dθ²
//! (U4)  θ ← θ − η m̂ / (√v̂ + ε),  with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) in step t = 1, 2, …
//! (U5)  W ← W − ηλW: weight decay that is decoupled from the gradient, for weights only
//! ```
//!
//! U4 is Kingma & Ba 2015, algorithm 1. With U5 it is AdamW (Loshchilov & Hutter 2019, algorithm 2), with λ multiplied
//! by η and ε added after the correction, as in PyTorch.
//!
//! Derivation: chapter 12, `derivation/12-adaptive.md`. From above: `Network` and `Affine`.

use super::{
    LearningRate, Optimizer, Plateau, Schedule, check_epsilon, check_fraction, check_like, check_not_negative,
};
use super::{shared_methods, trait_methods, zeros_like};
use crate::error::{MOMENTS, Result};
use crate::kernels::{Formula, Number, each};
use crate::layer::Affine;
use crate::network::Network;
use crate::real::{Real, entries, entries_mut};

/// Adam (U4) and, with a weight decay, AdamW (U5).
///
/// The hyperparameters are `f64` for networks of either type. The first step that uses them checks them.
///
/// ```
/// use chainrule::{Affine, Activation, Adam, Layer, Network, ndarray::array};
///
/// let layer = Layer::new(array![[1.0_f64]], array![0.0], Activation::Identity)?;
/// let mut network = Network::from_layers(vec![layer])?;
///
/// // The first step is η in size, whatever the gradient is: m̂ = dθ, √v̂ = |dθ|.
/// let mut adam = Adam::new(0.01);
/// adam.step(&mut network, &[Affine { weights: array![[2.0]], bias: array![-300.0] }])?;
/// assert!((network.layers()[0].affine.weights[[0, 0]] - 0.99).abs() < 1e-8);
/// assert!((network.layers()[0].affine.bias[0] - 0.01).abs() < 1e-8);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Adam<F> {
    pub(crate) rate: LearningRate,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
    /// t, the steps so far.
    pub(crate) steps: usize,
    /// m and v, made at the first step.
    pub(crate) moments: Option<[Vec<Affine<F>>; 2]>,
}

shared_methods!(Adam);

impl<F: Real> Adam<F> {
    /// Adam with a learning rate η above 0, usually 0.001; β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        let rate = LearningRate::new(learning_rate);
        Adam { rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, steps: 0, moments: None }
    }

    /// β₁ and β₂, 0 or more and below 1: how much of the means of gradients and of their squares a step keeps. Default:
    /// 0.9 and 0.999.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.beta1, self.beta2) = (beta1, beta2);
        self
    }

    /// ε, above 0. Default: 10⁻⁸.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// λ, 0 or more, for weights and not for biases: usually 0.01. Default: 0.
    ///
    /// It is decoupled (U5), and not the gradient of an L2 penalty: reported costs do not contain it.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    fn forget(&mut self) {
        (self.steps, self.moments) = (0, None);
    }
}

impl<F: Real> Optimizer<F> for Adam<F> {
    trait_methods!();

    fn check(&self, network: &Network<F>) -> Result<()> {
        self.rate.check::<F>()?;
        check_fraction::<F>("beta1", self.beta1)?;
        check_fraction::<F>("beta2", self.beta2)?;
        check_epsilon::<F>(self.epsilon)?;
        check_not_negative::<F>("weight decay", self.weight_decay)?;
        self.moments.iter().flatten().try_for_each(|moments| check_like(network, moments, &MOMENTS))
    }

    fn update(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) {
        self.steps += 1;
        let t = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let (rate, beta1, beta2, epsilon) = (self.current_rate(), self.beta1, self.beta2, self.epsilon);
        let moments = Moments {
            beta1,
            beta2,
            epsilon,
            decay: 0.0,
            rate,
            rate_of_m: rate / (1.0 - beta1.powi(t)), // (U4) η m̂ = η/(1 − β₁ᵗ) · m
            root_of_v: (1.0 / (1.0 - beta2.powi(t))).sqrt(), // (U4) √v̂ = √(1/(1 − β₂ᵗ)) · √v
        };
        let with_decay = Moments { decay: self.weight_decay, ..moments };
        let [m, v] = self.moments.get_or_insert_with(|| [zeros_like(network), zeros_like(network)]);
        for (((theta, m), v), gradient) in network.affines_mut().zip(m).zip(v).zip(gradients) {
            let w = [entries_mut(&mut theta.weights), entries_mut(&mut m.weights), entries_mut(&mut v.weights)];
            let b = [entries_mut(&mut theta.bias), entries_mut(&mut m.bias), entries_mut(&mut v.bias)];
            each(with_decay, w, [entries(&gradient.weights)]);
            each(moments, b, [entries(&gradient.bias)]);
        }
    }
}

/// U4 and U5.
#[derive(Clone, Copy)]
struct Moments {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    decay: f64,
    rate: f64,
    rate_of_m: f64,
    root_of_v: f64,
}

impl Formula<3, 1> for Moments {
    #[inline(always)]
    fn at<N: Number>(self, [theta, m, v]: [N; 3], [d_theta]: [N; 1]) -> [N; 3] {
        let (beta1, fresh1) = (theta.constant(self.beta1), theta.constant(1.0 - self.beta1));
        let (beta2, fresh2) = (theta.constant(self.beta2), theta.constant(1.0 - self.beta2));
        let (root_of_v, epsilon) = (theta.constant(self.root_of_v), theta.constant(self.epsilon));
        let m = beta1.mul_add(m, fresh1 * d_theta); // (U4) m ← β₁m + (1 − β₁) dθ
        let v = beta2.mul_add(v, fresh2 * d_theta * d_theta); // (U4) v ← β₂v + (1 − β₂) dθ²
        let root = root_of_v.mul_add(v.sqrt(), epsilon); // (U4) √v̂ + ε
        let decayed = theta.constant(-self.rate * self.decay).mul_add(theta, theta); // (U5) θ ← θ − ηλθ
        [theta.constant(-self.rate_of_m).mul_add(m / root, decayed), m, v] // (U4) θ ← θ − η m̂ / (√v̂ + ε)
    }
}
