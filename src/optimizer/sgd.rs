//! `Sgd`: stochastic gradient descent with momentum and weight decay.
//!
//! ```text
//! (U1)  V ← μV − ηG,   θ ← θ + V,   with  G = dθ + λW for weights,  G = dθ for biases
//! (U2)  V ← μV − ηG,   θ ← θ + μV − ηG: Nesterov's form, a step ahead with the new velocity
//! (C4)  (λ/2) Σ W²   with gradient λW: the cost of weight decay, `Network::l2_penalty`
//! ```
//!
//! η is the learning rate, μ the momentum, λ the weight decay; θ is W or b, dθ its gradient, V its velocity. This is
//! the classical momentum (Polyak 1964; Sutskever et al. 2013, eq. 1 and 2). PyTorch keeps v ← μv + G and
//! subtracts η·v: the same path as long as η stays the same.
//!
//! Derivation: chapter 8, `derivation/08-descent.md`. From above: `Network`, whose parameters move, and `Affine`, the
//! type of parameters, gradients and velocities alike.

use super::{LearningRate, Optimizer, Plateau, Schedule, check_fraction, check_like, check_not_negative, zeros_like};
use super::{shared_methods, trait_methods};
use crate::error::{Result, VELOCITY};
use crate::kernels::{Formula, Number, each};
use crate::layer::Affine;
use crate::network::Network;
use crate::real::{Real, entries, entries_mut};

/// Stochastic gradient descent: learning rate, momentum, weight decay, and the velocity that momentum needs.
///
/// The hyperparameters are `f64` for networks of either type. The first step that uses them checks them.
///
/// ```
/// use chainrule::{Affine, Activation, Layer, Network, Sgd, ndarray::array};
///
/// let layer = Layer::new(array![[1.0_f64]], array![0.0], Activation::Identity)?;
/// let mut network = Network::from_layers(vec![layer])?;
/// let gradient = [Affine { weights: array![[2.0]], bias: array![1.0] }];
///
/// let mut sgd = Sgd::new(0.1).momentum(0.5);
/// sgd.step(&mut network, &gradient)?; // v = −0.2, w = 0.8
/// sgd.step(&mut network, &gradient)?; // v = −0.1 − 0.2, w = 0.5
/// assert!((network.layers()[0].affine.weights[[0, 0]] - 0.5).abs() < 1e-15);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sgd<F> {
    pub(crate) rate: LearningRate,
    pub(crate) momentum: f64,
    pub(crate) nesterov: bool,
    pub(crate) weight_decay: f64,
    /// V, made at the first step with momentum.
    pub(crate) velocity: Option<Vec<Affine<F>>>,
}

shared_methods!(Sgd);

impl<F: Real> Sgd<F> {
    /// Plain gradient descent with a learning rate η above 0; no momentum, no weight decay, a constant rate.
    pub fn new(learning_rate: f64) -> Self {
        let rate = LearningRate::new(learning_rate);
        Sgd { rate, momentum: 0.0, nesterov: false, weight_decay: 0.0, velocity: None }
    }

    /// μ, 0 ≤ μ < 1; usually 0.9. Default: 0.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// λ, 0 or more, for weights and not for biases; its cost is [`Network::l2_penalty`]. Default: 0.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Whether momentum takes Nesterov's form (U2), which looks a step ahead. Default: false.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    fn forget(&mut self) {
        self.velocity = None;
    }
}

impl<F: Real> Optimizer<F> for Sgd<F> {
    trait_methods!();

    fn check(&self, network: &Network<F>) -> Result<()> {
        self.rate.check::<F>()?;
        check_fraction::<F>("momentum", self.momentum)?;
        check_not_negative::<F>("weight decay", self.weight_decay)?;
        self.velocity.as_ref().map_or(Ok(()), |velocity| check_like(network, velocity, &VELOCITY))
    }

    fn update(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) {
        let (rate, momentum, decay, nesterov) = (self.current_rate(), self.momentum, self.weight_decay, self.nesterov);
        if momentum > 0.0 && self.velocity.is_none() {
            self.velocity = Some(zeros_like(network));
        }
        let Some(velocity) = &mut self.velocity else {
            for (Affine { weights, bias }, gradient) in network.affines_mut().zip(gradients) {
                each(Descent { rate, decay }, [entries_mut(weights)], [entries(&gradient.weights)]);
                each(Descent { rate, decay: 0.0 }, [entries_mut(bias)], [entries(&gradient.bias)]);
            }
            return;
        };
        for ((Affine { weights, bias }, v), gradient) in network.affines_mut().zip(velocity).zip(gradients) {
            let (w, dw) = ([entries_mut(weights), entries_mut(&mut v.weights)], [entries(&gradient.weights)]);
            let (b, db) = ([entries_mut(bias), entries_mut(&mut v.bias)], [entries(&gradient.bias)]);
            if nesterov {
                each(Nesterov { rate, momentum, decay }, w, dw);
                each(Nesterov { rate, momentum, decay: 0.0 }, b, db);
            } else {
                each(WithMomentum { rate, momentum, decay }, w, dw);
                each(WithMomentum { rate, momentum, decay: 0.0 }, b, db);
            }
        }
    }

    fn l2(&self) -> f64 {
        self.weight_decay
    }
}

/// U1 with μ = 0: V = −ηG need not be kept. `decay` is λ for weights and 0 for biases, here and below.
#[derive(Clone, Copy)]
struct Descent {
    rate: f64,
    decay: f64,
}

impl Formula<1, 1> for Descent {
    #[inline(always)]
    fn at<N: Number>(self, [theta]: [N; 1], [d_theta]: [N; 1]) -> [N; 1] {
        let (minus_rate, decay) = (theta.constant(-self.rate), theta.constant(self.decay));
        let g = decay.mul_add(theta, d_theta); // (U1) G = dθ + λθ
        [minus_rate.mul_add(g, theta)] // (U1) θ ← θ − ηG
    }
}

/// U1.
#[derive(Clone, Copy)]
struct WithMomentum {
    rate: f64,
    momentum: f64,
    decay: f64,
}

impl Formula<2, 1> for WithMomentum {
    #[inline(always)]
    fn at<N: Number>(self, [theta, v]: [N; 2], [d_theta]: [N; 1]) -> [N; 2] {
        let (minus_rate, momentum) = (theta.constant(-self.rate), theta.constant(self.momentum));
        let g = theta.constant(self.decay).mul_add(theta, d_theta); // (U1) G = dθ + λθ
        let v = momentum.mul_add(v, minus_rate * g); // (U1) V ← μV − ηG
        [theta + v, v] // (U1) θ ← θ + V
    }
}

/// U2.
#[derive(Clone, Copy)]
struct Nesterov {
    rate: f64,
    momentum: f64,
    decay: f64,
}

impl Formula<2, 1> for Nesterov {
    #[inline(always)]
    fn at<N: Number>(self, [theta, v]: [N; 2], [d_theta]: [N; 1]) -> [N; 2] {
        let (minus_rate, momentum) = (theta.constant(-self.rate), theta.constant(self.momentum));
        let g = theta.constant(self.decay).mul_add(theta, d_theta); // (U2) G = dθ + λθ
        let v = momentum.mul_add(v, minus_rate * g); // (U2) V ← μV − ηG
        [theta + momentum.mul_add(v, minus_rate * g), v] // (U2) θ ← θ + μV − ηG
    }
}
