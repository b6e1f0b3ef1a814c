//! `Schedule`: how the learning rate changes from epoch to epoch; and `LearningRate`, which an optimiser holds.

use super::check_number;
use crate::error::Result;
use crate::real::{Real, count};
use std::mem::discriminant;

/// How the learning rate changes from epoch to epoch, as a factor on the one given to the optimiser. Epochs count from
/// 0, or from the end of the [warm-up](crate::Sgd::warm_up).
#[derive(Clone, Copy, Debug)]
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
    /// Multiplies the rate by `factor` each time the cost has not reached a new low in `patience` epochs. A
    /// [`Trainer`](crate::Trainer) takes the validation cost or, without a validation set, the training cost.
    Plateau {
        /// Above 0; usually 0.1 to 0.5.
        factor: f64,
        /// The number of epochs to wait for a new low, 1 or more.
        patience: usize,
    },
    /// A schedule of your own.
    ///
    /// ```
    /// use chainrule::{Schedule, Sgd};
    ///
    /// let halves = Schedule::Custom { name: "1/(1 + e)", factor: |epoch| 1.0 / (1.0 + epoch as f64) };
    /// let mut sgd = Sgd::<f64>::new(0.1).schedule(halves);
    /// sgd.set_epoch(3);
    /// assert_eq!(sgd.current_rate(), 0.025);
    /// ```
    #[cfg_attr(feature = "serde", serde(skip))]
    Custom {
        /// What it is called; two custom schedules are equal when their names are.
        #[cfg_attr(feature = "serde", serde(skip))]
        name: &'static str,
        /// The factor of an epoch.
        factor: fn(usize) -> f64,
    },
}

impl Schedule {
    /// The factor of an epoch, without what a plateau has taken.
    pub(crate) fn factor(self, epoch: usize) -> f64 {
        match self {
            Schedule::Constant | Schedule::Plateau { .. } => 1.0,
            Schedule::Exponential { factor } => factor.powf(count(epoch)),
            Schedule::Step { every, factor } => factor.powf(count(epoch / every.max(1))),
            Schedule::Cosine { epochs } => {
                let epochs = epochs.max(1);
                0.5 + 0.5 * (std::f64::consts::PI * count(epoch.min(epochs - 1)) / count(epochs)).cos()
            }
            Schedule::Custom { factor, .. } => factor(epoch),
        }
    }

    /// Its factor and its epochs; 1 where it has none.
    fn numbers(self) -> (f64, usize) {
        match self {
            Schedule::Constant | Schedule::Custom { .. } => (1.0, 1),
            Schedule::Exponential { factor } => (factor, 1),
            Schedule::Step { every, factor } => (factor, every),
            Schedule::Cosine { epochs } => (1.0, epochs),
            Schedule::Plateau { factor, patience } => (factor, patience),
        }
    }

    fn check(self) -> Result<()> {
        let (factor, epochs) = self.numbers();
        check_number("factor of the schedule", "a finite number above 0", factor, factor.is_finite() && factor > 0.0)?;
        check_number("epochs of the schedule", "1 or more", count(epochs), epochs > 0)
    }
}

/// By variant and numbers, and custom ones by name: comparing function pointers does not tell whether the functions are
/// the same.
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Schedule::Custom { name, .. }, Schedule::Custom { name: other, .. }) => name == other,
            _ => discriminant(self) == discriminant(other) && self.numbers() == other.numbers(),
        }
    }
}

/// η of the current epoch, and what it depends on.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LearningRate {
    pub(crate) initial: f64,
    pub(crate) schedule: Schedule,
    pub(crate) warm_up: usize,
    pub(crate) epoch: usize,
    pub(crate) plateau: Plateau,
}

/// What [`Schedule::Plateau`] has seen: the lowest cost, the epochs since, and how often it has lowered the rate.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Plateau {
    pub(crate) best: Option<f64>,
    pub(crate) waiting: usize,
    pub(crate) drops: usize,
}

impl LearningRate {
    pub(crate) fn new(initial: f64) -> Self {
        LearningRate { initial, schedule: Schedule::Constant, warm_up: 0, epoch: 0, plateau: Plateau::default() }
    }

    pub(crate) fn current(&self) -> f64 {
        if self.epoch < self.warm_up {
            return self.initial * (count(self.epoch) + 1.0) / (count(self.warm_up) + 1.0); // + 1 as floats: no overflow
        }
        let drops = match self.schedule {
            Schedule::Plateau { factor, .. } => factor.powf(count(self.plateau.drops)),
            _ => 1.0,
        };
        self.initial * self.schedule.factor(self.epoch - self.warm_up) * drops
    }

    /// See [`Optimizer::end_epoch`](super::Optimizer::end_epoch).
    pub(crate) fn end_epoch(&mut self, cost: f64) {
        let (Schedule::Plateau { patience, .. }, plateau) = (self.schedule, &mut self.plateau) else { return };
        if plateau.best.is_none_or(|best| cost < best) {
            (plateau.best, plateau.waiting) = (Some(cost), 0);
            return;
        }
        plateau.waiting += 1;
        if plateau.waiting >= patience {
            (plateau.drops, plateau.waiting) = (plateau.drops + 1, 0);
        }
    }

    pub(crate) fn check<F: Real>(&self) -> Result<()> {
        let (rate, in_f) = (self.initial, F::from_f64(self.initial));
        check_number("learning rate", "a finite number above 0", rate, in_f.is_finite() && in_f > F::zero())?;
        self.schedule.check()?;
        // A schedule may bring the rate down to 0 late in a long training.
        let rate = self.current();
        let fits = F::from_f64(rate).is_finite() && rate >= 0.0;
        check_number("learning rate of the schedule", "a finite number, 0 or more", rate, fits)
    }
}
