//! `Trainer`: the loop. Epochs of shuffled minibatches, a forward pass, a backward pass and a step for each.
//!
//! One batch of size n is a sample of the training set: its mean gradient is, on average over the draw, the gradient of
//! the whole set of N rows, at n/N of the price. Shuffling before each epoch makes every epoch another such draw, and
//! keeps a sorted file (all zeros first) from pulling the parameters to and fro.
//!
//! Derivation: chapter 8, `derivation/08-descent.md`. From above: `Network`, `Optimizer` and `Dataset`.

use crate::data::Dataset;
use crate::error::{Error, Result, check_shape};
use crate::kernels::Threads;
use crate::loss::Loss;
use crate::metrics::{accuracy, class};
use crate::network::{Network, Workspace};
use crate::optimizer::{Optimizer, Sgd};
use crate::real::{Real, count, entries, word};
use ndarray::{Array2, ArrayView2, Axis};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

/// Rows that go through the network at once for validation.
const VALIDATION_ROWS: usize = 256;

/// The results of the epochs: one entry per epoch in each list.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct History {
    /// The mean of the batch costs, each before its update and weighted by its rows, plus the penalty of the weight
    /// decay at the end of the epoch.
    pub cost: Vec<f64>,
    /// The cost on the validation set at the end of the epoch, without the penalty. Empty without a validation set.
    pub validation_cost: Vec<f64>,
    /// The accuracy on the validation set, 0 to 1. Empty without a validation set, or where its targets are not
    /// classes ([`Dataset::labels`]).
    pub validation_accuracy: Vec<f64>,
}

/// What [`Trainer::on_epoch`] receives at the end of an epoch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The epoch, counted from 0 over all fits.
    pub epoch: usize,
    /// As in [`History::cost`].
    pub cost: f64,
    /// As in [`History::validation_cost`].
    pub validation_cost: Option<f64>,
    /// As in [`History::validation_accuracy`].
    pub validation_accuracy: Option<f64>,
    /// The time since the start of this fit.
    pub elapsed: Duration,
}

/// What to do after an epoch; see [`Trainer::on_epoch`].
type Callback<'a> = Box<dyn FnMut(&Report) -> ControlFlow<()> + 'a>;

/// Trains a network on a data set, in minibatches.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let (train, test) = Dataset::<f64>::moons(400, 0.1, &mut rng)?.split(0.7, &mut rng)?;
/// let mut network = Network::builder(2)
///     .layer(16, Activation::Tanh)
///     .layer(2, Activation::Softmax)
///     .build(&mut rng)?;
///
/// let history = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9))
///     .epochs(60)
///     .batch_size(20)
///     .validation(&test)
///     .fit(&mut network, &train, &mut rng)?;
/// assert!(history.validation_accuracy[59] > 0.95);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub struct Trainer<'a, F: Real, O: Optimizer<F> = Sgd<F>> {
    pub(crate) loss: Loss,
    pub(crate) optimizer: O,
    pub(crate) epochs: usize,
    pub(crate) batch_size: Option<usize>,
    pub(crate) shuffle: bool,
    threads: Option<usize>,
    validation: Option<&'a Dataset<F>>,
    on_epoch: Option<Callback<'a>>,
    /// The seed of all shuffles, drawn at the first fit.
    pub(crate) shuffling: Option<u64>,
    pub(crate) history: History,
}

impl<'a, F: Real, O: Optimizer<F>> Trainer<'a, F, O> {
    /// A trainer that minimises `loss` by `optimizer`: for 10 epochs, in batches of 32 rows (or of the whole set, if
    /// that is smaller), shuffled, without validation, unless told otherwise.
    pub fn new(loss: Loss, optimizer: O) -> Self {
        Trainer {
            loss,
            optimizer,
            epochs: 10,
            batch_size: None,
            shuffle: true,
            threads: None,
            validation: None,
            on_epoch: None,
            shuffling: None,
            history: History::default(),
        }
    }

    /// The number of passes over the training set in each [`fit`](Trainer::fit). Default: 10.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// The rows of a batch, from 1 to the size of the training set. The last batch of an epoch has the remaining rows.
    /// Default: 32, or the whole set if that is smaller.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// Whether to shuffle the rows before every epoch. Default: true.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The number of threads, at most 256. It only changes the time: results are bit-identical. 1 is the caller's
    /// thread alone. Default: the number of cores of this process, or 1 if the steps are too short to gain.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// A data set on which to measure cost and accuracy at the end of every epoch. Default: none.
    pub fn validation(mut self, data: &'a Dataset<F>) -> Self {
        self.validation = Some(data);
        self
    }

    /// A callback at the end of every epoch: it can draw a progress bar, or stop the training with
    /// [`ControlFlow::Break`]. Default: none.
    ///
    /// ```
    /// # use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, rand::SeedableRng};
    /// use std::ops::ControlFlow;
    ///
    /// # let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// # let data = Dataset::<f64>::xor();
    /// # let mut network = Network::builder(2).layer(4, Activation::Tanh).layer(1, Activation::Sigmoid).build(&mut rng)?;
    /// let history = Trainer::new(Loss::BinaryCrossEntropy, Sgd::new(1.0))
    ///     .epochs(10_000)
    ///     .on_epoch(|report| if report.cost < 0.1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    ///     .fit(&mut network, &data, &mut rng)?;
    /// assert!(history.cost.len() < 10_000);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn on_epoch(mut self, callback: impl FnMut(&Report) -> ControlFlow<()> + 'a) -> Self {
        self.on_epoch = Some(Box::new(callback));
        self
    }

    /// The results of all epochs so far, over all fits.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Trains `network` on `train` for [`epochs`](Trainer::epochs) epochs, and returns their results.
    ///
    /// A second fit continues where the first one stopped, with its velocity, epoch number and shuffles: 5 epochs and 5
    /// more are bit-identical to 10. Only the first fit with shuffling draws from `rng`, a single number.
    ///
    /// # Errors
    /// [`Error::Diverged`] if a cost or a parameter becomes NaN or infinite: the network is then as it was at the
    /// start of that epoch, and the velocity zero. Before anything is computed: [`Error::Pairing`],
    /// [`Error::Shape`], [`Error::OutOfRange`], [`Error::Target`] for a loss, data or numbers that do not fit.
    pub fn fit<R: Rng + ?Sized>(
        &mut self,
        network: &mut Network<F>,
        train: &Dataset<F>,
        rng: &mut R,
    ) -> Result<History> {
        let batch_size = self.check(network, train)?;
        let threads = match self.threads {
            Some(threads) => Threads::new(threads),
            None if network.gains_by_threads(batch_size) => Threads::available(),
            None => Threads::new(1),
        };
        let mut order: Vec<usize> = (0..train.len()).collect();
        let mut batch = Batch::new(batch_size, train);
        let mut workspace = Workspace::new(network, batch_size);
        let mut at_start = network.clone();
        let before = self.history.cost.len();
        let begin = Instant::now();

        for epoch in before..before.saturating_add(self.epochs) {
            if self.shuffle {
                let seed = *self.shuffling.get_or_insert_with(|| rng.random());
                shuffle(&mut order, seed, epoch);
            }
            self.optimizer.set_epoch(epoch);
            self.optimizer.check(network)?;
            at_start.copy_from(network);
            let (loss, optimizer) = (self.loss, &mut self.optimizer);
            let epoch_cost =
                threads.run(|| run_epoch(loss, optimizer, network, train, &order, &mut batch, &mut workspace));
            let cost = match epoch_cost {
                Ok(cost) => cost,
                Err(cost) => {
                    network.copy_from(&at_start);
                    self.optimizer.reset();
                    return Err(Error::Diverged {
                        epoch,
                        cost,
                        last_finite_cost: batch.last_finite_cost,
                        learning_rate: self.optimizer.current_rate(),
                    });
                }
            };

            let validation = self.validation.map(|data| threads.run(|| evaluate(network, data, loss)));
            let report = Report {
                epoch,
                cost,
                validation_cost: validation.map(|(cost, _)| cost),
                validation_accuracy: validation.and_then(|(_, accuracy)| accuracy),
                elapsed: begin.elapsed(),
            };
            self.history.push(&report);
            let stop = self.on_epoch.as_mut().is_some_and(|callback| callback(&report).is_break());
            if stop {
                break;
            }
        }
        Ok(self.history.since(before))
    }

    /// Checks everything that can be checked before the first step. Returns the batch size.
    fn check(&self, network: &Network<F>, train: &Dataset<F>) -> Result<usize> {
        network.check_loss(self.loss)?;
        self.optimizer.check(network)?;
        check_data(network, self.loss, "inputs", "targets", train)?;
        if let Some(validation) = self.validation {
            check_data(network, self.loss, "validation inputs", "validation targets", validation)?;
        }
        let batch_size = self.batch_size.unwrap_or(train.len().min(32));
        if batch_size == 0 || batch_size > train.len() {
            return Err(Error::OutOfRange {
                name: "batch size",
                expected: format!("1 to {}, the rows of the training set", train.len()),
                found: count(batch_size),
            });
        }
        Ok(batch_size)
    }
}

/// Checks columns against the network and targets against the loss. `Dataset` guarantees finite values.
fn check_data<F: Real>(
    network: &Network<F>,
    loss: Loss,
    inputs: &'static str,
    targets: &'static str,
    data: &Dataset<F>,
) -> Result<()> {
    check_shape(inputs, None, &[data.len(), network.inputs()], data.inputs().shape())?;
    check_shape(targets, None, &[data.len(), network.outputs()], data.targets().shape())?;
    loss.check_targets(targets, &data.targets())
}

/// One epoch: every row once, in the given order. Returns its cost, or as an error the cost that is not finite.
fn run_epoch<F: Real>(
    loss: Loss,
    optimizer: &mut impl Optimizer<F>,
    network: &mut Network<F>,
    train: &Dataset<F>,
    order: &[usize],
    batch: &mut Batch<F>,
    workspace: &mut Workspace<F>,
) -> Result<f64, f64> {
    let mut sum = 0.0;
    for rows in order.chunks(batch.x.nrows()) {
        let (x, y) = batch.gather(train, rows);
        network.forward_pass(x, workspace); // F1 F2
        let cost = network.backward_pass(x, y, loss, workspace); // B1 … B5
        if !cost.is_finite() {
            return Err(cost);
        }
        optimizer.update(network, workspace.gradients()); // U1
        sum += cost * count(rows.len());
        batch.last_finite_cost = Some(cost);
    }
    let cost = sum / count(order.len()) + network.l2_penalty(optimizer.l2());
    if cost.is_finite() && network.is_finite() { Ok(cost) } else { Err(cost) }
}

/// Buffers for the rows of one batch.
struct Batch<F> {
    x: Array2<F>,
    y: Array2<F>,
    /// L of the last batch before a divergence, for its report.
    last_finite_cost: Option<f64>,
}

impl<F: Real> Batch<F> {
    fn new(rows: usize, data: &Dataset<F>) -> Self {
        let room = |columns| Array2::zeros((rows, columns));
        Batch { x: room(data.num_inputs()), y: room(data.num_outputs()), last_finite_cost: None }
    }

    /// The given rows of the data, one below the other. Rows that are contiguous there, such as a single one, are not
    /// copied.
    fn gather<'a>(&'a mut self, data: &'a Dataset<F>, rows: &[usize]) -> (ArrayView2<'a, F>, ArrayView2<'a, F>) {
        let (inputs, targets) = (data.inputs(), data.targets());
        if rows.windows(2).all(|pair| pair[0] + 1 == pair[1]) {
            let range = rows[0]..rows[0] + rows.len();
            return (part(inputs, range.clone()), part(targets, range));
        }
        for (i, &row) in rows.iter().enumerate() {
            self.x.row_mut(i).assign(&inputs.row(row));
            self.y.row_mut(i).assign(&targets.row(row));
        }
        (part(self.x.view(), 0..rows.len()), part(self.y.view(), 0..rows.len()))
    }
}

/// Some rows of an array. (`slice` would cost a noticeable part of a step on one example.)
fn part<F>(array: ArrayView2<'_, F>, rows: Range<usize>) -> ArrayView2<'_, F> {
    array.split_at(Axis(0), rows.end).0.split_at(Axis(0), rows.start).1
}

/// The order of one epoch. Every epoch has its own random stream, so its order depends on the seed and its number
/// alone.
fn shuffle(order: &mut [usize], seed: u64, epoch: usize) {
    for (i, row) in order.iter_mut().enumerate() {
        *row = i;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(word(epoch));
    order.shuffle(&mut rng);
}

/// Cost and, where the targets are classes, accuracy over a whole data set, some rows at a time.
fn evaluate<F: Real>(network: &Network<F>, data: &Dataset<F>, loss: Loss) -> (f64, Option<f64>) {
    let mut sum = 0.0;
    let mut classes = Vec::with_capacity(data.len());
    let inputs = data.inputs();
    let targets = data.targets();
    let chunks = inputs.axis_chunks_iter(Axis(0), VALIDATION_ROWS);
    for (x, y) in chunks.zip(targets.axis_chunks_iter(Axis(0), VALIDATION_ROWS)) {
        let (a, cost) = network.outputs_and_cost(x, y, loss);
        sum += cost * count(x.nrows());
        classes.extend(entries(&a).chunks_exact(network.outputs()).map(class));
    }
    (sum / count(data.len()), data.labels().and_then(|labels| accuracy(&classes, labels).ok()))
}

impl History {
    fn push(&mut self, report: &Report) {
        self.cost.push(report.cost);
        self.validation_cost.extend(report.validation_cost);
        self.validation_accuracy.extend(report.validation_accuracy);
    }

    /// The epochs after the first `epochs`.
    fn since(&self, epochs: usize) -> History {
        // Validation may have begun at a later fit: count from the end.
        let fresh = self.cost.len() - epochs;
        let tail = |all: &[f64]| all[all.len() - fresh.min(all.len())..].to_vec();
        History {
            cost: tail(&self.cost),
            validation_cost: tail(&self.validation_cost),
            validation_accuracy: tail(&self.validation_accuracy),
        }
    }
}

impl<F: Real, O: Optimizer<F> + fmt::Debug> fmt::Debug for Trainer<'_, F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("loss", &self.loss)
            .field("optimizer", &self.optimizer)
            .field("epochs", &self.epochs)
            .field("batch_size", &self.batch_size)
            .field("shuffle", &self.shuffle)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}
