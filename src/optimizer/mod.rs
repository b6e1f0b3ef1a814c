//! `Optimizer`: what moves the parameters against their gradients; and `Schedule`, which sets its rate.
//!
//! Derivation: chapter 8, `derivation/08-descent.md`. From above: `Network` and `Affine`.

mod sgd;

use crate::error::{Error, GRADIENTS, Places, Result};
use crate::layer::Affine;
use crate::network::Network;
use crate::real::{Real, count};
pub use sgd::Sgd;

/// An update rule: from gradients to new parameters. [`Sgd`] is one; a rule of your own takes two functions.
///
/// ```
/// use chainrule::{Affine, Network, Optimizer, Result};
///
/// /// θ ← θ − η sign(dθ)
/// #[derive(Clone)]
/// struct SignDescent {
///     rate: f64,
/// }
///
/// impl Optimizer<f64> for SignDescent {
///     fn update(&mut self, network: &mut Network<f64>, gradients: &[Affine<f64>]) {
///         for (mut layer, gradient) in network.layers_mut().zip(gradients) {
///             layer.weights.zip_mut_with(&gradient.weights, |w, dw| *w -= self.rate * dw.signum());
///             layer.bias.zip_mut_with(&gradient.bias, |b, db| *b -= self.rate * db.signum());
///         }
///     }
///
///     fn current_rate(&self) -> f64 {
///         self.rate
///     }
/// }
/// ```
pub trait Optimizer<F: Real>: Send {
    /// One step of every parameter against its gradient, which has the parameter's shape. Called by
    /// [`step`](Optimizer::step) and by a [`Trainer`](crate::Trainer), after their checks.
    fn update(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]);

    /// The learning rate of the next step, for reports.
    fn current_rate(&self) -> f64;

    /// Refuses hyperparameters that make no sense, and a state from earlier steps that belongs to other layers.
    /// Default: refuses nothing.
    ///
    /// # Errors
    /// Whatever is wrong.
    fn check(&self, network: &Network<F>) -> Result<()> {
        let _ = network;
        Ok(())
    }

    /// Tells the schedule which epoch the next steps belong to, counted from 0. Default: nothing.
    fn set_epoch(&mut self, epoch: usize) {
        let _ = epoch;
    }

    /// λ of an L2 penalty whose gradient the steps add, and which reported costs then contain. Default: 0.
    fn l2(&self) -> f64 {
        0.0
    }

    /// Forgets what earlier steps left, such as a velocity. Default: nothing.
    fn reset(&mut self) {}

    /// Checks, then updates.
    ///
    /// # Errors
    /// As [`check`](Optimizer::check), and [`Error::Shape`] if the gradients belong to other layers. The network is
    /// untouched then.
    fn step(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) -> Result<()> {
        self.check(network)?;
        check_like(network, gradients, &GRADIENTS)?;
        // Gradients are the caller's, who may have given them another memory layout.
        if gradients.iter().all(Affine::is_row_major) {
            self.update(network, gradients);
        } else {
            let row_major: Vec<_> = gradients.iter().cloned().map(Affine::into_row_major).collect();
            self.update(network, &row_major);
        }
        Ok(())
    }
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
    /// The factor of an epoch.
    pub(crate) fn factor(self, epoch: usize) -> f64 {
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

    pub(crate) fn check(self) -> Result<()> {
        let (factor, epochs) = match self {
            Schedule::Constant => (1.0, 1),
            Schedule::Exponential { factor } => (factor, 1),
            Schedule::Step { every, factor } => (factor, every),
            Schedule::Cosine { epochs } => (1.0, epochs),
        };
        check_number("factor of the schedule", "a finite number above 0", factor, factor.is_finite() && factor > 0.0)?;
        check_number("epochs of the schedule", "1 or more", count(epochs), epochs > 0)
    }
}

/// A hyperparameter that fits, or the error that says what would.
fn check_number(name: &'static str, expected: &str, found: f64, fits: bool) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::OutOfRange { name, expected: expected.into(), found }) }
}

/// Refuses gradients, or an optimiser's state, of other layers.
fn check_like<F: Real>(network: &Network<F>, affines: &[Affine<F>], places: &Places) -> Result<()> {
    let layers = network.layers();
    if affines.len() != layers.len() {
        let (expected, found) = (vec![layers.len()], vec![affines.len()]);
        return Err(Error::Shape { place: places.layers, layer: None, expected, found });
    }
    let mut pairs = layers.iter().zip(affines).enumerate();
    pairs.try_for_each(|(l, (layer, other))| layer.affine.check_like(other, l, places))
}
