//! The learning-rate range test: one short training with a growing rate.
//!
//! The cost at each rate shows where learning begins and where it ends (Smith 2017, section 3.3). A good rate is three
//! to ten times below the one at which the cost starts to rise.

use super::Trainer;
use super::steps::Buffers;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::random::Draws;
use crate::real::{Real, count};
use rand::Rng;
use rand::seq::SliceRandom;
use std::ops::Range;

/// The test ends when the mean cost is this many times its lowest value.
const RISE: f64 = 4.0;

/// The share of the mean cost that a step keeps: the mean covers about the last ten batches, as one says little.
const KEEP: f64 = 0.9;

/// The result of [`Trainer::range_test`]: one entry per step.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RangeTest {
    /// The learning rate of each step, growing by a constant factor.
    pub rates: Vec<f64>,
    /// The cost of its batch, before the step.
    pub costs: Vec<f64>,
}

impl<F: Real, O: Optimizer<F> + Clone> Trainer<'_, F, O> {
    /// The learning-rate range test: trains a copy of `network` for `steps` batches, with a rate that grows from
    /// `rates.start` to `rates.end`, each step by the same factor. It ends early when the cost, as a mean of about the
    /// last ten batches, is four times its lowest value, or not finite.
    ///
    /// The network and the trainer stay unchanged.
    ///
    /// # Errors
    /// Those of [`fit`](Trainer::fit); [`Error::OutOfRange`] unless 0 < `rates.start` < `rates.end` and `steps` is 2 or
    /// more.
    ///
    /// ```
    /// use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, rand::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let data = Dataset::<f64>::moons(400, 0.1, &mut rng)?;
    /// let network = Network::builder(2).layer(16, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng)?;
    /// let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1));
    ///
    /// let test = trainer.range_test(&network, &data, 1e-4..100.0, 100, &mut rng)?;
    /// assert!(test.costs.last() > test.costs.first()); // it has gone too far
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn range_test<R: Rng + ?Sized>(
        &mut self,
        network: &Network<F>,
        train: &Dataset<F>,
        rates: Range<f64>,
        steps: usize,
        rng: &mut R,
    ) -> Result<RangeTest> {
        let refuse = |name, expected: &str, found| Err(Error::OutOfRange { name, expected: expected.into(), found });
        if !(rates.start > 0.0 && rates.end > rates.start && rates.end.is_finite()) {
            return refuse("rates of the range test", "a start above 0 and an end above it", rates.start);
        }
        if steps < 2 {
            return refuse("steps of the range test", "2 or more", count(steps));
        }
        let (batch_size, weight_scale) = self.check_set(network, train)?;
        self.check(network)?;
        let mut buffers = Buffers::new(network, batch_size, weight_scale);
        let mut copy = network.clone();
        let (optimizer, seed) = (self.steps.optimizer.clone(), rng.random());
        self.steps.optimizer.reset();

        let growth = (rates.end / rates.start).ln() / count(steps - 1);
        let mut test = RangeTest { rates: Vec::new(), costs: Vec::new() };
        let mut order: Vec<usize> = (0..train.len()).collect();
        let (mut mean, mut weight, mut lowest) = (0.0, 0.0, f64::INFINITY);
        'epochs: for epoch in 0.. {
            order.shuffle(rng);
            for rows in order.chunks(batch_size) {
                let rate = rates.start * (growth * count(test.rates.len())).exp();
                self.steps.optimizer.set_learning_rate(rate);
                let draws = Draws { seed, epoch, first: 0 };
                let Ok(cost) = self.steps.step(&mut copy, train, rows, draws, &mut buffers) else {
                    break 'epochs;
                };
                test.rates.push(rate);
                test.costs.push(cost);
                // As in U4: divided by the weights so far, since the mean begins at 0.
                (mean, weight) = (KEEP * mean + (1.0 - KEEP) * cost, KEEP * weight + 1.0 - KEEP);
                lowest = lowest.min(mean / weight);
                if mean / weight > RISE * lowest || test.rates.len() == steps {
                    break 'epochs;
                }
            }
        }
        self.steps.optimizer = optimizer;
        Ok(test)
    }
}
