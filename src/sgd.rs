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
//! Derivation: chapter 8, `derivation/08-descent.md`. From above: `Network`, whose parameters move, and `Affine`,
//! which parameters, gradients and velocities all are.

use crate::error::{Error, GRADIENTS, Places, Result, VELOCITY};
use crate::layer::{Affine, Layer};
use crate::loss::Loss;
use crate::matmul::cut;
use crate::network::{Network, Workspace};
use crate::real::{Real, count, entries_mut};
use crate::threads::{join, pieces};
use crate::vectors::{Loop, Vectors, run, times_plus};
use ndarray::{Array, ArrayView2, Dimension};
use std::borrow::Cow;

/// Parameters that are worth a thread of their own.
const LEAST_PIECE: usize = 32 * 1024;

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

/// How the learning rate changes from epoch to epoch, as a factor on the one given to [`Sgd::new`].
/// Epochs count from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Schedule {
    /// Always 1.
    Constant,
    /// factorᵉ in epoch e.
    Exponential {
        /// Above 0; usually below 1.
        factor: f64,
    },
    /// factor^⌊e / every⌋ in epoch e.
    Step {
        /// The number of epochs between two changes, 1 or more.
        every: usize,
        /// Above 0; usually below 1.
        factor: f64,
    },
    /// (1 + cos(π e / epochs)) / 2 in epoch e, from 1 down towards 0; later epochs keep the last one's rate.
    Cosine {
        /// The number of epochs to come down in, 1 or more.
        epochs: usize,
    },
}

impl Schedule {
    fn factor(self, epoch: usize) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Exponential { factor } => factor.powf(count(epoch)),
            Schedule::Step { every, factor } => factor.powf(count(epoch / every.max(1))),
            Schedule::Cosine { epochs } => {
                let epochs = epochs.max(1);
                0.5 + 0.5 * (std::f64::consts::PI * count(epoch.min(epochs - 1)) / count(epochs)).cos()
            }
        }
    }
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

    /// λ.
    pub(crate) fn lambda(&self) -> f64 {
        self.weight_decay
    }

    /// Forgets the velocity: the next step starts from rest.
    pub fn reset(&mut self) {
        self.velocity = None;
    }

    /// Checks the numbers, as the type that the steps compute in.
    pub(crate) fn check(&self) -> Result<()> {
        let in_range = |name, expected: &str, found: f64, fits: bool| {
            if fits { Ok(()) } else { Err(Error::OutOfRange { name, expected: expected.into(), found }) }
        };
        let (rate, momentum, decay) = (self.learning_rate, self.momentum, self.weight_decay);
        let (rate_f, momentum_f, decay_f) = (F::from_f64(rate), F::from_f64(momentum), F::from_f64(decay));
        let below_one = momentum >= 0.0 && momentum_f < F::one();
        in_range("learning rate", "a finite number above 0", rate, rate_f.is_finite() && rate_f > F::zero())?;
        in_range("momentum", "0 or more, and below 1", momentum, below_one)?;
        in_range("weight decay", "a finite number, 0 or more", decay, decay_f.is_finite() && decay >= 0.0)?;
        let (factor, epochs) = match self.schedule {
            Schedule::Constant => (1.0, 1),
            Schedule::Exponential { factor } => (factor, 1),
            Schedule::Step { every, factor } => (factor, every),
            Schedule::Cosine { epochs } => (1.0, epochs),
        };
        in_range("factor of the schedule", "a finite number above 0", factor, factor.is_finite() && factor > 0.0)?;
        in_range("epochs of the schedule", "1 or more", count(epochs), epochs > 0)?;
        // A rate that the schedule has brought down to 0 is no mistake: late epochs of a long training.
        let rate = self.current_rate();
        in_range("learning rate", "a finite number", rate, F::from_f64(rate).is_finite())
    }

    /// U1: one step of every parameter against its gradient. Gradients are taken as they are: a NaN in one becomes a NaN in its
    /// parameter.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a learning rate, momentum or weight decay that makes no sense; [`Error::Shape`] if
    /// the gradients, or the velocity from earlier steps, belong to other layers. The network is untouched then.
    pub fn step(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) -> Result<()> {
        self.check_for(network)?;
        check_like(network, gradients, &GRADIENTS)?;
        self.step_unchecked(network, gradients);
        Ok(())
    }

    /// Checks the numbers, and that a velocity from earlier steps belongs to a network of these shapes.
    pub(crate) fn check_for(&self, network: &Network<F>) -> Result<()> {
        self.check()?;
        self.velocity.as_ref().map_or(Ok(()), |velocity| check_like(network, velocity, &VELOCITY))
    }

    /// The backward pass and U1, where everything has been checked. Returns L; where it is not finite, neither are the parameters of
    /// use, and the trainer puts back those of the epoch's start.
    pub(crate) fn backward_and_step(
        &mut self,
        network: &mut Network<F>,
        x: ArrayView2<'_, F>,
        y: ArrayView2<'_, F>,
        loss: Loss,
        workspace: &mut Workspace<F>,
    ) -> f64 {
        let plain = self.momentum == 0.0 && self.velocity.is_none() && self.weight_decay == 0.0;
        if plain && x.nrows() == 1 && !network.gains_by_threads(1) {
            return network.descend(x, y, loss, F::from_f64(self.current_rate()), workspace); // B1 … B5 U1
        }
        let cost = network.backward_pass(x, y, loss, workspace); // B1 … B5
        self.step_unchecked(network, workspace.gradients()); // U1
        cost
    }

    /// U1, where everything has been checked.
    pub(crate) fn step_unchecked(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) {
        let numbers = Numbers {
            rate: F::from_f64(self.current_rate()),
            momentum: F::from_f64(self.momentum),
            decay: F::from_f64(self.weight_decay),
        };
        let no_decay = Numbers { decay: F::zero(), ..numbers };
        let layers = network.layers_mut();
        if self.momentum > 0.0 && self.velocity.is_none() {
            self.velocity = Some(layers.iter().map(|layer| Affine::zeros_like(&layer.affine)).collect());
        }
        let mut velocity = self.velocity.as_mut().map(|v| v.iter_mut());
        for (Layer { affine, .. }, gradient) in layers.iter_mut().zip(gradients) {
            let (v_weights, v_bias) = match velocity.as_mut().and_then(|v| v.next()) {
                Some(v) => (Some(entries_mut(&mut v.weights)), Some(entries_mut(&mut v.bias))),
                None => (None, None),
            };
            let (dw, db) = (row_major(&gradient.weights), row_major(&gradient.bias));
            let (columns, pieces) = (db.len(), pieces(dw.len(), LEAST_PIECE));
            let (weights, bias) = (entries_mut(&mut affine.weights), entries_mut(&mut affine.bias));
            let bias = Descent { parameters: bias, velocity: v_bias, gradient: &db, numbers: no_decay };
            let weights = Descent { parameters: weights, velocity: v_weights, gradient: &dw, numbers };
            if pieces < 2 {
                run(Both(weights, bias));
            } else {
                weights.in_pieces(columns, pieces);
                run(bias);
            }
        }
    }
}

/// η, μ and λ.
#[derive(Clone, Copy)]
struct Numbers<F> {
    rate: F,
    momentum: F,
    decay: F,
}

/// U1 on some parameters, in one pass over its arrays; `in_pieces` cuts those of a weight matrix between rows, by the rule of
/// `matmul.rs`. With μ = 0, V = −ηG need not be kept.
struct Descent<'a, F> {
    parameters: &'a mut [F],
    velocity: Option<&'a mut [F]>,
    gradient: &'a [F],
    numbers: Numbers<F>,
}

impl<F: Real> Descent<'_, F> {
    fn in_pieces(self, columns: usize, pieces: usize) {
        let rows = self.parameters.len() / columns;
        let cut = cut(rows, pieces) * columns;
        if pieces < 2 || cut == self.parameters.len() {
            return run(self);
        }
        let (p0, p1) = self.parameters.split_at_mut(cut);
        let (v0, v1) = self.velocity.map(|v| v.split_at_mut(cut)).unzip();
        let (g0, g1) = self.gradient.split_at(cut);
        let above = Descent { parameters: p0, velocity: v0, gradient: g0, numbers: self.numbers };
        let below = Descent { parameters: p1, velocity: v1, gradient: g1, numbers: self.numbers };
        join(|| above.in_pieces(columns, pieces / 2), || below.in_pieces(columns, pieces - pieces / 2));
    }
}

impl<F: Real> Loop for Descent<'_, F> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let Numbers { rate, momentum, decay } = self.numbers;
        // (U1) G = dθ + λθ; where λ is 0, as for a bias, the loops have less to compute.
        let decayed = |dp, p| if decay == F::zero() { dp } else { times_plus::<V, F>(decay, p, dp) };
        match self.velocity {
            Some(velocity) => {
                for ((p, v), &dp) in self.parameters.iter_mut().zip(velocity).zip(self.gradient) {
                    let g = decayed(dp, *p);
                    *v = times_plus::<V, F>(momentum, *v, -rate * g); // (U1) V ← μV − ηG
                    *p += *v; // (U1) θ ← θ + V
                }
            }
            None => {
                for (p, &dp) in self.parameters.iter_mut().zip(self.gradient) {
                    *p = times_plus::<V, F>(-rate, decayed(dp, *p), *p); // (U1) θ ← θ − ηG
                }
            }
        }
    }
}

/// The weights and the bias of a layer that is too small for threads, in one call.
struct Both<'a, F>(Descent<'a, F>, Descent<'a, F>);

impl<F: Real> Loop for Both<'_, F> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        self.0.run::<V>();
        self.1.run::<V>();
    }
}

/// The numbers of a gradient, row after row. It is the caller's, who may have given it another order.
fn row_major<F: Real, D: Dimension>(gradient: &Array<F, D>) -> Cow<'_, [F]> {
    gradient.as_slice().map_or_else(|| gradient.iter().copied().collect(), Cow::Borrowed)
}

fn check_like<F: Real>(network: &Network<F>, affines: &[Affine<F>], places: &Places) -> Result<()> {
    let layers = network.layers();
    if affines.len() != layers.len() {
        let (expected, found) = (vec![layers.len()], vec![affines.len()]);
        return Err(Error::Shape { place: places.layers, layer: None, expected, found });
    }
    let mut pairs = layers.iter().zip(affines).enumerate();
    pairs.try_for_each(|(l, (layer, other))| layer.affine.check_like(other, l, places))
}
