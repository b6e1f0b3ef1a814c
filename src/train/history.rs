//! `History`: the results of all epochs. `Report`: the results of one, for a callback.

use crate::network::Network;
use crate::real::Real;
use std::time::Duration;

/// The results of the epochs: one entry per epoch in each list.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct History {
    /// The mean of the batch costs, each before its update and weighted by its rows, plus the penalty of the weight
    /// decay at the end of the epoch.
    pub cost: Vec<f64>,
    /// The share of the rows, 0 to 1, that were classified right before the update of their batch. Empty where the
    /// targets are not classes ([`Dataset::labels`](crate::Dataset::labels)).
    pub accuracy: Vec<f64>,
    /// The cost on the validation set at the end of the epoch, without the penalty. Empty without a validation set.
    pub validation_cost: Vec<f64>,
    /// The accuracy on the validation set, 0 to 1. Empty without a validation set, or where its targets are not
    /// classes.
    pub validation_accuracy: Vec<f64>,
    /// With [early stopping](crate::EarlyStopping), the epoch whose parameters the network has, counted from 0 over all
    /// fits.
    pub best_epoch: Option<usize>,
    /// The share of the training targets of the last fit, 0 to 1, that the output activation cannot reach: 3.5, say,
    /// for a sigmoid, whose outputs end at 1. Above 0, scale the targets, or take identity outputs. 0 for
    /// [`fit_stream`](crate::Trainer::fit_stream).
    pub unreachable_targets: f64,
}

/// What [`Trainer::on_epoch`](crate::Trainer::on_epoch) receives at the end of an epoch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report<'a, F> {
    /// The epoch, counted from 0 over all fits.
    pub epoch: usize,
    /// As in [`History::cost`].
    pub cost: f64,
    /// As in [`History::accuracy`].
    pub accuracy: Option<f64>,
    /// As in [`History::validation_cost`].
    pub validation_cost: Option<f64>,
    /// As in [`History::validation_accuracy`].
    pub validation_accuracy: Option<f64>,
    /// The learning rate of this epoch.
    pub learning_rate: f64,
    /// The time since the start of this fit; 0 on `wasm32-unknown-unknown`, which has no clock.
    pub elapsed: Duration,
    /// The network at the end of this epoch.
    pub network: &'a Network<F>,
}

impl History {
    pub(super) fn push<F: Real>(&mut self, report: &Report<'_, F>) {
        self.cost.push(report.cost);
        self.accuracy.extend(report.accuracy);
        self.validation_cost.extend(report.validation_cost);
        self.validation_accuracy.extend(report.validation_accuracy);
    }

    /// The epochs after the first `epochs`.
    pub(super) fn since(&self, epochs: usize) -> History {
        // Validation may have begun at a later fit: count from the end.
        let fresh = self.cost.len() - epochs;
        let tail = |all: &[f64]| all[all.len() - fresh.min(all.len())..].to_vec();
        History {
            cost: tail(&self.cost),
            accuracy: tail(&self.accuracy),
            validation_cost: tail(&self.validation_cost),
            validation_accuracy: tail(&self.validation_accuracy),
            best_epoch: self.best_epoch,
            unreachable_targets: self.unreachable_targets,
        }
    }
}
