//! `Steps`: one training step, and an epoch of them. `evaluate` measures a whole data set after an epoch.
//!
//! From above: the passes of `Network` and the update of `Optimizer`, which a step calls one after the other.

use super::batch::{Augment, Batch};
use super::check_data;
use crate::data::Dataset;
use crate::dropout::Dropout;
use crate::error::{Error, Result};
use crate::kernels::Threads;
use crate::loss::Loss;
use crate::metrics::{accuracy, class};
use crate::network::{Network, Workspace};
use crate::optimizer::{Optimizer, clip};
use crate::random::Draws;
use crate::real::{Real, count, entries, word};
use ndarray::Axis;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;

/// Rows that go through the network at once for validation.
const VALIDATION_ROWS: usize = 256;

/// The settings of a training step, and its optimiser.
pub(crate) struct Steps<'a, F: Real, O> {
    pub(crate) loss: Loss,
    pub(crate) optimizer: O,
    pub(crate) shuffle: bool,
    pub(crate) dropout: Option<Dropout>,
    pub(crate) clip_norm: Option<f64>,
    pub(crate) augment: Option<Augment<'a, F>>,
    /// The seed of all shuffles, masks and augmentations, drawn at the first fit that needs one.
    pub(crate) seed: Option<u64>,
}

/// The arrays of a step, allocated once for all of them.
pub(super) struct Buffers<F> {
    batch: Batch<F>,
    batch_size: usize,
    workspace: Workspace<F>,
    /// The rows of the data, in the order of the epoch.
    order: Vec<usize>,
    /// A factor on the weights of all examples, which makes their mean 1.
    weight_scale: f64,
    /// The largest mean of y² in a piece of the data.
    pub(super) mean_square: f64,
}

impl<F: Real> Buffers<F> {
    pub(super) fn new(network: &Network<F>, batch_size: usize, weight_scale: f64) -> Self {
        Buffers {
            batch: Batch::new(batch_size, network.inputs(), network.outputs()),
            batch_size,
            workspace: Workspace::new(network, batch_size),
            order: Vec::new(),
            weight_scale,
            mean_square: 0.0,
        }
    }
}

/// What an epoch has measured, each batch before its update.
#[derive(Clone, Copy)]
pub(super) struct Measured {
    /// The mean of the costs, with the penalty.
    pub(super) cost: f64,
    pub(super) first_cost: f64,
    pub(super) last_cost: f64,
    pub(super) accuracy: Option<f64>,
}

impl<'a, F: Real, O: Optimizer<F>> Steps<'a, F, O> {
    pub(super) fn new(loss: Loss, optimizer: O) -> Self {
        Steps { loss, optimizer, shuffle: true, dropout: None, clip_norm: None, augment: None, seed: None }
    }

    /// Draws the seed, at the first fit that has something random.
    pub(super) fn draw_seed<R: Rng + ?Sized>(&mut self, rng: &mut R) {
        if self.shuffle || self.dropout.is_some() || self.augment.is_some() {
            self.seed.get_or_insert_with(|| rng.random());
        }
    }

    /// The generator that shuffles the rows of an epoch.
    pub(super) fn shuffles(&self, epoch: usize) -> ChaCha8Rng {
        let mut shuffles = ChaCha8Rng::seed_from_u64(self.seed.unwrap_or_default());
        shuffles.set_stream(word(epoch));
        shuffles
    }

    /// One training step, on some rows of the data. Returns the cost L before the update; a cost that is not finite is
    /// the error, and then there is no update.
    pub(super) fn step(
        &mut self,
        network: &mut Network<F>,
        data: &Dataset<F>,
        rows: &[usize],
        draws: Draws,
        Buffers { batch, workspace, weight_scale, .. }: &mut Buffers<F>,
    ) -> Result<f64, f64> {
        let (x, y) = batch.gather(data, rows, self.augment.as_ref().map(|augment| (augment, draws)));
        if let Some(dropout) = self.dropout {
            workspace.draw_masks_of(rows.len(), &|row| rows[row], dropout, draws);
        }
        workspace.weigh(data.weights().map(|weights| rows.iter().map(|&row| *weight_scale * weights[row])));
        network.forward_pass(x, workspace); // F1 F2, and with dropout F3
        let cost = network.backward_pass(x, y, self.loss, workspace); // B1 … B5, and with dropout B6
        if !cost.is_finite() {
            return Err(cost);
        }
        if let Some(max_norm) = self.clip_norm {
            clip(workspace.gradients_mut(), max_norm); // G1
        }
        self.optimizer.update(network, workspace.gradients()); // U1 by Sgd, U3 by RmsProp, U4 by Adam
        Ok(cost)
    }

    /// One epoch: every row of every piece of the data once, in a random order.
    pub(super) fn epoch<'d>(
        &mut self,
        network: &mut Network<F>,
        pieces: impl Iterator<Item = Result<Cow<'d, Dataset<F>>>>,
        epoch: usize,
        threads: &Threads,
        buffers: &mut Buffers<F>,
    ) -> Result<Measured> {
        let seed = self.seed.unwrap_or_default();
        let mut shuffles = self.shuffles(epoch);
        let (mut sum, mut first, mut last) = (0.0, None, None);
        let (mut seen, mut right) = (0, Some(0));
        for piece in pieces {
            let data = piece?;
            if let Cow::Owned(data) = &data {
                check_data(network, self.loss, "inputs", "targets", data)?;
            }
            if buffers.mean_square == 0.0 || matches!(data, Cow::Owned(_)) {
                let square = data.targets().iter().map(|y| y.f64() * y.f64()).sum::<f64>();
                buffers.mean_square = buffers.mean_square.max(square / count(data.targets().len()));
            }
            let draws = Draws { seed, epoch, first: seen };
            let mut order = std::mem::take(&mut buffers.order);
            order.clear();
            order.extend(0..data.len());
            if self.shuffle {
                order.shuffle(&mut shuffles);
            }
            let outcome = threads.run(|| {
                for rows in order.chunks(buffers.batch_size) {
                    let cost = self.step(network, &data, rows, draws, buffers)?;
                    sum += cost * count(rows.len());
                    first.get_or_insert(cost);
                    last = Some(cost);
                    right = right.zip(buffers.right(&data, rows)).map(|(before, more)| before + more);
                }
                Ok(())
            });
            outcome.map_err(|cost| self.diverged(network, epoch, cost, last))?;
            seen += data.len();
            buffers.order = order;
        }
        let (Some(first_cost), Some(last_cost)) = (first, last) else {
            return Err(Error::Empty { place: "pieces of the data" });
        };
        let cost = sum / count(seen) + network.l2_penalty(self.optimizer.l2());
        if !(cost.is_finite() && network.is_finite()) {
            return Err(self.diverged(network, epoch, cost, last));
        }
        let accuracy = right.map(|right| count(right) / count(seen));
        Ok(Measured { cost, first_cost, last_cost, accuracy })
    }

    pub(super) fn diverged(
        &self,
        network: &Network<F>,
        epoch: usize,
        cost: f64,
        last_finite_cost: Option<f64>,
    ) -> Error {
        Error::Diverged {
            epoch,
            cost,
            last_finite_cost,
            learning_rate: self.optimizer.current_rate(),
            largest_input: None,
            largest_target: None,
            bounded_outputs: network.has_bounded_outputs(),
        }
    }
}

impl<F: Real> Buffers<F> {
    /// How many of the rows that went forward last were classified right; `None` where the targets are not classes.
    fn right(&self, data: &Dataset<F>, rows: &[usize]) -> Option<usize> {
        let labels = data.labels()?;
        let outputs = self.workspace.outputs();
        let classes = entries(outputs).chunks_exact(outputs.ncols()).map(class);
        Some(classes.zip(rows).filter(|&(class, &row)| class == labels[row]).count())
    }
}

/// Cost and, where the targets are classes, accuracy over a whole data set, some rows at a time.
pub(super) fn evaluate<F: Real>(network: &Network<F>, data: &Dataset<F>, loss: Loss) -> (f64, Option<f64>) {
    let mut sum = 0.0;
    let mut classes = Vec::with_capacity(data.len());
    let inputs = data.inputs();
    let targets = data.targets();
    let chunks = inputs.axis_chunks_iter(Axis(0), VALIDATION_ROWS);
    let mut weights = data.weights().map(|weights| weights.chunks(VALIDATION_ROWS));
    for (x, y) in chunks.zip(targets.axis_chunks_iter(Axis(0), VALIDATION_ROWS)) {
        let weights = weights.as_mut().and_then(Iterator::next);
        let (a, cost) = network.outputs_and_cost(x, y, weights, loss);
        sum += cost * count(x.nrows());
        classes.extend(entries(&a).chunks_exact(network.outputs()).map(class));
    }
    let total = data.weights().map_or(count(data.len()), |weights| weights.iter().sum());
    (sum / total, data.labels().and_then(|labels| accuracy(&classes, labels).ok()))
}
