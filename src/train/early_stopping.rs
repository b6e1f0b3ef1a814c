//! `EarlyStopping`: when to stop, and the parameters to go back to.

use super::history::Report;
use crate::network::Network;
use crate::real::Real;

/// Stops the training when the validation has not improved for some epochs, and brings the best parameters back.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Dataset, EarlyStopping, Loss, Network, Sgd, Trainer, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let (train, held_out) = Dataset::<f64>::moons(100, 0.3, &mut rng)?.split(0.7, &mut rng)?;
/// let mut network = Network::builder(2).layer(32, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng)?;
/// let history = Trainer::new(Loss::CrossEntropy, Sgd::new(0.5).momentum(0.9))
///     .epochs(1_000)
///     .validation(&held_out)
///     .early_stopping(EarlyStopping::patience(20))
///     .fit(&mut network, &train, &mut rng)?;
///
/// let best = history.best_epoch.unwrap();
/// assert_eq!(history.cost.len(), best + 1 + 20);
/// let cost = network.cost(held_out.inputs(), held_out.targets(), Loss::CrossEntropy)?;
/// assert!((cost - history.validation_cost[best]).abs() < 1e-12);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EarlyStopping {
    pub(crate) patience: usize,
    pub(crate) min_improvement: f64,
    pub(crate) on_accuracy: bool,
}

impl EarlyStopping {
    /// Stops after this many epochs in a row without a lower validation cost; 1 or more, usually 5 to 20.
    pub fn patience(epochs: usize) -> Self {
        EarlyStopping { patience: epochs, min_improvement: 0.0, on_accuracy: false }
    }

    /// By how much the validation cost has to fall, or the accuracy to rise, to count as an improvement. Default: 0, so
    /// that any does.
    pub fn min_improvement(mut self, min_improvement: f64) -> Self {
        self.min_improvement = min_improvement;
        self
    }

    /// Looks at the validation accuracy in place of the cost.
    pub fn on_accuracy(mut self) -> Self {
        self.on_accuracy = true;
        self
    }

    /// The number that should fall.
    fn measure<F: Real>(self, report: &Report<'_, F>) -> f64 {
        let measure = if self.on_accuracy { report.validation_accuracy.map(|a| -a) } else { report.validation_cost };
        measure.unwrap_or(f64::INFINITY)
    }
}

/// The state of early stopping.
#[derive(Clone, Debug)]
pub(crate) struct Watch<F> {
    /// The best measure, its epoch, and the parameters at its end.
    pub(crate) best: f64,
    pub(crate) best_epoch: usize,
    pub(crate) best_network: Network<F>,
    /// The epochs without an improvement since.
    pub(crate) waiting: usize,
    /// Where the training stands, if a fit has handed back the best parameters in its place.
    pub(crate) current: Option<Network<F>>,
}

impl<F: Real> Watch<F> {
    /// Takes the results of an epoch into account. Returns whether it is time to stop.
    pub(super) fn look(watch: &mut Option<Self>, settings: EarlyStopping, report: &Report<'_, F>) -> bool {
        let (measure, best_epoch) = (settings.measure(report), report.epoch);
        let Some(watch) = watch else {
            let best_network = report.network.clone();
            *watch = Some(Watch { best: measure, best_epoch, best_network, waiting: 0, current: None });
            return false;
        };
        if measure < watch.best - settings.min_improvement {
            (watch.best, watch.best_epoch, watch.waiting) = (measure, best_epoch, 0);
            watch.best_network.copy_from(report.network);
        } else {
            watch.waiting += 1;
        }
        watch.waiting >= settings.patience
    }
}
