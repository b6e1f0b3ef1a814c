//! `Optimizer`: the update rule, from gradients to new parameters.
//!
//! `sgd.rs` is the rule that most tutorials use, with momentum. `rmsprop.rs` and `adam.rs` give every parameter a
//! separate rate. `schedule.rs` changes the rate from epoch to epoch, and `clip.rs` shortens gradients that are too
//! long.
//!
//! Derivation: chapter 8, `derivation/08-descent.md`, for `Sgd`; chapter 12, `derivation/12-adaptive.md`, for the rest.
//! From above: `Network` and `Affine`.

mod schedule;
mod sgd;
mod rmsprop;
mod adam;
mod clip;

use crate::error::{Error, GRADIENTS, Places, Result};
use crate::layer::Affine;
use crate::network::Network;
use crate::real::Real;
pub use adam::Adam;
pub use clip::clip_norm;
pub(crate) use clip::{check_max_norm, clip};
pub use rmsprop::RmsProp;
pub use schedule::Schedule;
pub use schedule::{LearningRate, Plateau};
pub use sgd::Sgd;

/// An update rule: from gradients to new parameters. [`Sgd`], [`RmsProp`] and [`Adam`] implement it; a rule of your own
/// needs two methods.
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
    /// Moves every parameter one step against its gradient, which has the parameter's shape.
    /// [`step`](Optimizer::step) and [`Trainer`](crate::Trainer) call it after their checks.
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

    /// Sets the learning rate that schedules start from. Default: nothing.
    fn set_learning_rate(&mut self, rate: f64) {
        let _ = rate;
    }

    /// Tells the schedule how an epoch ended: its validation cost or, without a validation set, its training cost.
    /// Default: nothing.
    fn end_epoch(&mut self, cost: f64) {
        let _ = cost;
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

/// The methods that all optimisers of this folder share, callable without an import of the trait.
macro_rules! shared_methods {
    ($optimizer:ident) => {
        impl<F: Real> $optimizer<F> {
            /// How the learning rate changes from epoch to epoch. Default: [`Schedule::Constant`].
            ///
            /// A [`Trainer`](crate::Trainer) counts the epochs; on the explicit pass, `set_epoch` does.
            pub fn schedule(mut self, schedule: Schedule) -> Self {
                self.rate.schedule = schedule;
                self
            }

            /// The number of epochs in which the rate rises, in equal steps, before the schedule begins: with 4, they
            /// have 1/5, 2/5, 3/5 and 4/5 of the rate. Default: 0.
            pub fn warm_up(mut self, epochs: usize) -> Self {
                self.rate.warm_up = epochs;
                self
            }

            /// Sets the learning rate that the schedule starts from.
            pub fn set_learning_rate(&mut self, learning_rate: f64) {
                self.rate.initial = learning_rate;
            }

            /// Tells the schedule which epoch the next steps belong to, counted from 0.
            pub fn set_epoch(&mut self, epoch: usize) {
                self.rate.epoch = epoch;
            }

            /// η of the current epoch.
            pub fn current_rate(&self) -> f64 {
                self.rate.current()
            }

            /// Moves every parameter one step against its gradient. Gradients are not checked for NaN: a NaN in one
            /// becomes a NaN in its parameter.
            ///
            /// # Errors
            /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a learning rate or another number that makes no
            /// sense; [`Error::Shape`](crate::Error::Shape) if the gradients, or what earlier steps left, belong to
            /// other layers. The network is untouched then.
            pub fn step(&mut self, network: &mut Network<F>, gradients: &[Affine<F>]) -> Result<()> {
                Optimizer::step(self, network, gradients)
            }

            /// Forgets what earlier steps left, and what the schedule has seen: the next step is a first one.
            pub fn reset(&mut self) {
                self.forget();
                self.rate.plateau = Plateau::default();
            }
        }
    };
}
use shared_methods;

/// The methods of the trait that are the same for all optimisers of this folder.
macro_rules! trait_methods {
    () => {
        fn current_rate(&self) -> f64 {
            self.rate.current()
        }

        fn set_learning_rate(&mut self, rate: f64) {
            self.rate.initial = rate;
        }

        fn set_epoch(&mut self, epoch: usize) {
            self.rate.epoch = epoch;
        }

        fn end_epoch(&mut self, cost: f64) {
            self.rate.end_epoch(cost);
        }

        fn reset(&mut self) {
            self.reset();
        }
    };
}
use trait_methods;

/// A number from 0 to 1 that stays below 1 when it is rounded to `F`.
fn check_fraction<F: Real>(name: &'static str, found: f64) -> Result<()> {
    check_number(name, "0 or more, and below 1", found, found >= 0.0 && F::from_f64(found) < F::one())
}

/// A finite number that is not negative, also when it is rounded to `F`.
fn check_not_negative<F: Real>(name: &'static str, found: f64) -> Result<()> {
    check_number(name, "a finite number, 0 or more", found, F::from_f64(found).is_finite() && found >= 0.0)
}

/// A small number that keeps a denominator above 0.
fn check_epsilon<F: Real>(found: f64) -> Result<()> {
    let in_f = F::from_f64(found);
    check_number("epsilon", "a finite number above 0", found, in_f.is_finite() && in_f > F::zero())
}

/// Zeros in the shapes of the parameters: what an optimiser starts from.
fn zeros_like<F: Real>(network: &Network<F>) -> Vec<Affine<F>> {
    network.layers().iter().map(|layer| Affine::zeros_like(&layer.affine)).collect()
}

/// Accepts a hyperparameter that fits; otherwise the error says what would fit.
fn check_number(name: &'static str, expected: &str, found: f64, fits: bool) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::OutOfRange { name, expected: expected.into(), found }) }
}

/// Refuses gradients, or an optimiser's state, of other layers.
pub(crate) fn check_like<F: Real>(network: &Network<F>, affines: &[Affine<F>], places: &Places) -> Result<()> {
    let layers = network.layers();
    if affines.len() != layers.len() {
        let (expected, found) = (vec![layers.len()], vec![affines.len()]);
        return Err(Error::Shape { place: places.layers, layer: None, expected, found });
    }
    let mut pairs = layers.iter().zip(affines).enumerate();
    pairs.try_for_each(|(l, (layer, other))| layer.affine.check_like(other, l, places))
}
