//! `Sgd`: stochastic gradient descent with momentum and weight decay.
//!
//! ```text
//! (U1)  V ← μV − ηG,   θ ← θ + V,   with  G = dθ + λW for weights,  G = dθ for biases
//! (C4)  (λ/2) Σ W²   with gradient λW: the cost of weight decay, `Network::l2_penalty`
//! ```
//!
//! η is the learning rate, μ the momentum, λ the weight decay; θ is W or b, dθ its gradient, V its velocity. This is
//! the classical momentum (Polyak 1964; Sutskever et al. 2013, eq. 1 and 2). PyTorch keeps v ← μv + G and
//! subtracts η·v: the same path as long as η stays the same.
//!
//! Derivation: chapter 8, `derivation/08-descent.md`. From above: `Network`, whose parameters move, and `Affine`, the
//! type of parameters, gradients and velocities alike.

use super::{Optimizer, Schedule, check_like, check_number};
use crate::error::{Result, VELOCITY};
use crate::kernels::{Formula, Number, each};
use crate::layer::Affine;
use crate::network::Network;
use crate::real::{Real, entries, entries_mut};

/// Stochastic gradient descent: learning rate, momentum, weight decay, and the velocity that momentum needs.
///
/// The numbers are `f64` whatever the network computes in, and are checked by the first step that uses them.
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
    pub(crate) learning_rate: f64,
    pub(crate) momentum: f64,
    pub(crate) weight_decay: f64,
    pub(crate) schedule: Schedule,
    pub(crate) epoch: usize,
    /// V, made at the first step with momentum.
    pub(crate) velocity: Option<Vec<Affine<F>>>,
}

impl<F: Real> Sgd<F> {
    /// Plain gradient descent with a learning rate η above 0; no momentum, no weight decay, a constant rate.
    pub fn new(learning_rate: f64) -> Self {
        Sgd { learning_rate, momentum: 0.0, weight_decay: 0.0, schedule: Schedule::Constant, epoch: 0, velocity: None }
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

    /// How the learning rate changes from epoch to epoch. Default: [`Schedule::Constant`].
    ///
    /// A [`Trainer`](crate::Trainer) counts the epochs; on the explicit pass, [`Sgd::set_epoch`] does.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Tells the schedule which epoch the next steps belong to, counted from 0.
    pub fn set_epoch(&mut self, epoch: usize) {
        self.epoch = epoch;
    }

    /// η of the current epoch.
    pub fn current_rate(&self) -> f64 {
        self.learning_rate * self.schedule.factor(self.epoch)
    }

    /// U1: one step of every parameter against its gradient. Gradients are taken as they are: a NaN in one becomes a
    /// NaN in its parameter.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a learning rate, momentum or weight decay that makes no
    /// sense; [`Error::Shape`](crate::Error::Shape) if the gradients, or the velocity from earlier steps, belong to
    /// other layers. The network is untouched then.
    pub fn step(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) -> Result<()> {
        Optimizer::step(self, network, gradients)
    }

    /// Forgets the velocity: the next step starts from rest.
    pub fn reset(&mut self) {
        self.velocity = None;
    }
}

impl<F: Real> Optimizer<F> for Sgd<F> {
    fn check(&self, network: &Network<F>) -> Result<()> {
        let (rate, momentum, decay) = (self.learning_rate, self.momentum, self.weight_decay);
        let (rate_f, momentum_f, decay_f) = (F::from_f64(rate), F::from_f64(momentum), F::from_f64(decay));
        let below_one = momentum >= 0.0 && momentum_f < F::one();
        check_number("learning rate", "a finite number above 0", rate, rate_f.is_finite() && rate_f > F::zero())?;
        check_number("momentum", "0 or more, and below 1", momentum, below_one)?;
        check_number("weight decay", "a finite number, 0 or more", decay, decay_f.is_finite() && decay >= 0.0)?;
        self.schedule.check()?;
        // A rate that the schedule has brought down to 0 is no mistake: late epochs of a long training.
        let rate = self.current_rate();
        check_number("learning rate", "a finite number", rate, F::from_f64(rate).is_finite())?;
        self.velocity.as_ref().map_or(Ok(()), |velocity| check_like(network, velocity, &VELOCITY))
    }

    fn update(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) {
        let (rate, momentum, decay) = (self.current_rate(), self.momentum, self.weight_decay);
        if momentum > 0.0 && self.velocity.is_none() {
            self.velocity = Some(network.layers().iter().map(|layer| Affine::zeros_like(&layer.affine)).collect());
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
            each(WithMomentum { rate, momentum, decay }, w, dw);
            each(WithMomentum { rate, momentum, decay: 0.0 }, b, db);
        }
    }

    fn set_epoch(&mut self, epoch: usize) {
        self.set_epoch(epoch);
    }

    fn current_rate(&self) -> f64 {
        self.current_rate()
    }

    fn l2(&self) -> f64 {
        self.weight_decay
    }

    fn reset(&mut self) {
        self.reset();
    }
}

/// U1 with μ = 0: V = −ηG need not be kept.
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
