//! `Trainer`: the loop. Epochs of shuffled minibatches, a forward pass, a backward pass and a step for each.
//!
//! One batch of size n is a sample of the training set: its mean gradient is, on average over the draw, the gradient of
//! the whole set of N rows, at n/N of the price. Shuffling before each epoch makes every epoch another such draw, and
//! keeps a sorted file (all zeros first) from pulling the parameters to and fro.
//!
//! `steps.rs` has the step and the epoch, `batch.rs` the rows of a batch, `history.rs` what is reported,
//! `early_stopping.rs` when to stop, `range_test.rs` the search for a learning rate, `by_hand.rs` the two ends of an
//! epoch for a loop of your own. This file has the settings and `fit`.
//!
//! Derivation: chapter 8, `derivation/08-descent.md`. From above: `Network`, `Optimizer` and `Dataset`.

mod batch;
mod by_hand;
mod early_stopping;
mod history;
mod range_test;
mod steps;

use crate::data::Dataset;
use crate::dropout::Dropout;
use crate::error::{Error, Result, check_shape};
use crate::kernels::Threads;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::{Optimizer, Sgd, check_max_norm};
use crate::real::{Real, count};
pub use early_stopping::EarlyStopping;
pub(crate) use early_stopping::Watch;
pub use history::{History, Report};
use ndarray::{ArrayView2, ArrayViewMut1};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
pub use range_test::RangeTest;
use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use steps::{Buffers, Measured, Steps, evaluate};

/// Training has diverged if the cost exceeds this many times the largest of three numbers: the cost of the first batch,
/// the mean square of the targets, and 1.
const EXPLOSION: f64 = 1e8;

/// What to do after an epoch; see [`Trainer::on_epoch`].
type Callback<'a, F> = Box<dyn FnMut(&Report<'_, F>) -> ControlFlow<()> + 'a>;

/// Trains a network on a data set, in minibatches.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let (train, held_out) = Dataset::<f64>::moons(400, 0.1, &mut rng)?.split(0.7, &mut rng)?;
/// let mut network = Network::builder(2)
///     .layer(16, Activation::Tanh)
///     .layer(2, Activation::Softmax)
///     .build(&mut rng)?;
///
/// let history = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9))
///     .epochs(60)
///     .batch_size(20)
///     .validation(&held_out)
///     .fit(&mut network, &train, &mut rng)?;
/// assert!(history.validation_accuracy[59] > 0.95);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub struct Trainer<'a, F: Real, O: Optimizer<F> = Sgd<F>> {
    pub(crate) steps: Steps<'a, F, O>,
    pub(crate) epochs: usize,
    pub(crate) batch_size: Option<usize>,
    threads: Option<usize>,
    validation: Option<&'a Dataset<F>>,
    on_epoch: Option<Callback<'a, F>>,
    pub(crate) early_stopping: Option<EarlyStopping>,
    pub(crate) watch: Option<Watch<F>>,
    pub(crate) history: History,
    /// The fingerprint of the network that the last fit handed back.
    pub(crate) trained: Option<u64>,
    /// The cost of the first batch of all.
    first_cost: Option<f64>,
}

impl<'a, F: Real, O: Optimizer<F>> Trainer<'a, F, O> {
    /// A trainer that minimises `loss` by `optimizer`: for 10 epochs, in batches of 32 rows (or of the whole set, if
    /// that is smaller), shuffled, without validation, unless told otherwise.
    pub fn new(loss: Loss, optimizer: O) -> Self {
        Trainer {
            steps: Steps::new(loss, optimizer),
            epochs: 10,
            batch_size: None,
            threads: None,
            validation: None,
            on_epoch: None,
            early_stopping: None,
            watch: None,
            history: History::default(),
            trained: None,
            first_cost: None,
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
        self.steps.shuffle = shuffle;
        self
    }

    /// The number of threads, at least 1; more than 256 count as 256. It only changes the time: results are
    /// bit-identical. 1 is the caller's thread alone. Default: the number of cores of this process, or 1 if the steps
    /// are too short to gain.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// A data set on which to measure cost and accuracy at the end of every epoch. Default: none.
    pub fn validation(mut self, data: &'a Dataset<F>) -> Self {
        self.validation = Some(data);
        self
    }

    /// Dropout of inputs and of the outputs of every hidden layer, at these rates, in training alone (F3, B6). Default:
    /// none. See [`Dropout`].
    ///
    /// The masks depend on the seed of the trainer, the epoch and the example: not on the number of threads.
    pub fn dropout(mut self, inputs: f64, hidden: f64) -> Self {
        self.steps.dropout = Some(Dropout { inputs, hidden });
        self
    }

    /// Scales all gradients of a step by one factor, so that their norm together is at most this (G1,
    /// [`clip_norm`](crate::clip_norm)). Default: no limit.
    pub fn clip_norm(mut self, max_norm: f64) -> Self {
        self.steps.clip_norm = Some(max_norm);
        self
    }

    /// Changes each row of inputs before it goes forward in training: to turn a picture, say, or to add noise. Default:
    /// none.
    ///
    /// The rows of a batch are changed side by side, on all threads. The generator depends on the seed of the trainer,
    /// the epoch and the example, so that the results do not depend on the number of threads.
    ///
    /// ```
    /// # use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, rand::SeedableRng};
    /// use chainrule::rand::Rng;
    ///
    /// # let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// # let data = Dataset::<f64>::moons(100, 0.1, &mut rng)?;
    /// # let mut network = Network::builder(2).layer(4, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng)?;
    /// Trainer::new(Loss::CrossEntropy, Sgd::new(0.1))
    ///     .augment(|mut row, rng| row.mapv_inplace(|x| x + rng.random_range(-0.1..0.1)))
    ///     .fit(&mut network, &data, &mut rng)?;
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn augment(mut self, change: impl Fn(ArrayViewMut1<'_, F>, &mut ChaCha8Rng) + Send + Sync + 'a) -> Self {
        self.steps.augment = Some(Box::new(change));
        self
    }

    /// Stops when the [validation](Trainer::validation) no longer improves, and brings the best parameters back.
    /// Default: none.
    ///
    /// A further [`fit`](Trainer::fit) goes on from where the training stood, and not from the best parameters: 5
    /// epochs and 5 more are bit-identical to 10.
    pub fn early_stopping(mut self, early_stopping: EarlyStopping) -> Self {
        self.early_stopping = Some(early_stopping);
        self
    }

    /// A callback at the end of every epoch: it can draw a progress bar, save the network, or stop the training with
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
    pub fn on_epoch(mut self, callback: impl FnMut(&Report<'_, F>) -> ControlFlow<()> + 'a) -> Self {
        self.on_epoch = Some(Box::new(callback));
        self
    }

    /// The results of all epochs so far, over all fits.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The optimiser.
    pub fn optimizer(&self) -> &O {
        &self.steps.optimizer
    }

    /// The optimiser, to change its learning rate between two fits, say.
    pub fn optimizer_mut(&mut self) -> &mut O {
        &mut self.steps.optimizer
    }

    /// Forgets the training so far: history, epochs, velocity, shuffles. The settings stay, and the next
    /// [`fit`](Trainer::fit) may train another network.
    pub fn reset(&mut self) {
        self.steps.optimizer.reset();
        self.steps.seed = None;
        (self.watch, self.trained, self.first_cost) = (None, None, None);
        self.history = History::default();
    }

    /// Continues the training so far, with its velocity, epochs and history, on `network`: after a change to its
    /// parameters, say. Without this, a [`fit`](Trainer::fit) refuses a network that it has not trained.
    pub fn continue_with(&mut self, network: &Network<F>) {
        if let Some(watch) = &mut self.watch {
            watch.current = None;
        }
        self.trained = self.trained.map(|_| fingerprint(network));
    }

    /// Trains `network` on `train` for [`epochs`](Trainer::epochs) epochs, and returns their results.
    ///
    /// A second fit continues where the first one stopped, with its velocity, epoch number and shuffles: 5 epochs and 5
    /// more are bit-identical to 10. Only the first fit draws from `rng`, a single number, for all shuffles and masks.
    ///
    /// # Errors
    /// [`Error::Diverged`] if a cost or a parameter becomes NaN or infinite, or if the cost of an epoch exceeds 10⁸
    /// times the largest of three numbers: the cost of the first batch, the mean square of the targets, and 1. The
    /// network is then as it was at the start of that epoch, and the velocity zero.
    ///
    /// Before anything is computed: [`Error::Pairing`], [`Error::Shape`], [`Error::OutOfRange`], [`Error::Target`],
    /// [`Error::TargetSum`], [`Error::Empty`], [`Error::NoLabels`] for a loss, data or numbers that do not fit;
    /// [`Error::AnotherNetwork`] for a network other than that of the fit before.
    pub fn fit<R: Rng + ?Sized>(
        &mut self,
        network: &mut Network<F>,
        train: &Dataset<F>,
        rng: &mut R,
    ) -> Result<History> {
        let (batch_size, weight_scale) = self.check_set(network, train)?;
        self.check_trained(network)?;
        self.history.unreachable_targets = network.unreachable(train.targets());
        let pieces = |_| std::iter::once(Ok(Cow::Borrowed(train)));
        self.run_epochs(network, batch_size, weight_scale, pieces, rng).map_err(|mut error| {
            if let Error::Diverged { largest_input, largest_target, .. } = &mut error {
                *largest_input = Some(largest(train.inputs()));
                *largest_target = Some(largest(train.targets()));
            }
            error
        })
    }

    /// Trains on data that do not fit into memory: `pieces` is called with the number of each epoch, and returns the
    /// data sets of that epoch one after the other.
    ///
    /// Each piece is shuffled and cut into batches by itself; its last batch has the remaining rows. Without shuffling,
    /// pieces of a multiple of the [batch size](Trainer::batch_size) give the steps of [`fit`](Trainer::fit) on all of
    /// them in one piece. Weights of examples are taken as they are, so their mean over all pieces should be 1.
    ///
    /// # Errors
    /// Those of [`fit`](Trainer::fit), the errors about data as soon as a piece does not fit; and the errors of
    /// `pieces`. The network is then as it was at the start of that epoch.
    ///
    /// ```
    /// # use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, rand::SeedableRng};
    /// # let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// # let data = Dataset::<f64>::moons(100, 0.1, &mut rng)?;
    /// # let network = Network::builder(2).layer(4, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng)?;
    /// let trainer = || Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).shuffle(false).batch_size(10);
    ///
    /// let mut streamed = network.clone();
    /// let piece = |i: usize| data.rows(20 * i..20 * (i + 1)); // from a file, say
    /// trainer().fit_stream(&mut streamed, |_epoch| (0..5).map(piece), &mut rng)?;
    ///
    /// let mut in_one_piece = network.clone();
    /// trainer().fit(&mut in_one_piece, &data, &mut rng)?;
    /// assert_eq!(streamed, in_one_piece);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn fit_stream<R: Rng + ?Sized, P: IntoIterator<Item = Result<Dataset<F>>>>(
        &mut self,
        network: &mut Network<F>,
        mut pieces: impl FnMut(usize) -> P,
        rng: &mut R,
    ) -> Result<History> {
        let batch_size = self.batch_size.unwrap_or(32);
        if batch_size == 0 {
            return Err(Error::OutOfRange { name: "batch size", expected: "1 or more".into(), found: 0.0 });
        }
        let pieces = |epoch| pieces(epoch).into_iter().map(|piece| piece.map(Cow::Owned));
        self.run_epochs(network, batch_size, 1.0, pieces, rng)
    }

    /// The loop of [`fit`](Trainer::fit) and [`fit_stream`](Trainer::fit_stream). `weight_scale` multiplies the weights
    /// of all examples.
    fn run_epochs<'d, R: Rng + ?Sized, P: Iterator<Item = Result<Cow<'d, Dataset<F>>>>>(
        &mut self,
        network: &mut Network<F>,
        batch_size: usize,
        weight_scale: f64,
        mut pieces: impl FnMut(usize) -> P,
        rng: &mut R,
    ) -> Result<History> {
        self.check(network)?;
        self.resume(network)?;
        let threads = match self.threads {
            Some(threads) => Threads::new(threads),
            None if network.gains_by_threads(batch_size) => Threads::available(),
            None => Threads::new(1),
        };
        let mut buffers = Buffers::new(network, batch_size, weight_scale);
        let mut at_start = network.clone();
        let before = self.history.cost.len();
        let begin = Clock::start();
        self.steps.draw_seed(rng);

        for epoch in before..before.saturating_add(self.epochs) {
            at_start.copy_from(network);
            self.steps.optimizer.set_epoch(epoch);
            let checked = self.steps.optimizer.check(network); // the schedule may have a new rate
            let measured = checked
                .and_then(|()| self.steps.epoch(network, pieces(epoch), epoch, &threads, &mut buffers))
                .and_then(|measured| self.check_explosion(network, epoch, measured, buffers.mean_square));
            let measured = match measured {
                Ok(measured) => measured,
                Err(error) => {
                    network.copy_from(&at_start);
                    self.steps.optimizer.reset();
                    self.remember(network);
                    return Err(error);
                }
            };

            let loss = self.steps.loss;
            let validation = self.validation.map(|data| threads.run(|| evaluate(network, data, loss)));
            let report = Report {
                epoch,
                cost: measured.cost,
                accuracy: measured.accuracy,
                validation_cost: validation.map(|(cost, _)| cost),
                validation_accuracy: validation.and_then(|(_, accuracy)| accuracy),
                learning_rate: self.steps.optimizer.current_rate(),
                elapsed: begin.elapsed(),
                network,
            };
            self.history.push(&report);
            self.steps.optimizer.end_epoch(report.validation_cost.unwrap_or(report.cost));
            let enough = self.early_stopping.is_some_and(|settings| Watch::look(&mut self.watch, settings, &report));
            let stop = self.on_epoch.as_mut().is_some_and(|callback| callback(&report).is_break());
            if enough || stop {
                break;
            }
        }
        self.hand_back(network);
        Ok(self.history.since(before))
    }

    /// Refuses a cost that is larger than [`EXPLOSION`] allows.
    fn check_explosion(
        &mut self,
        network: &Network<F>,
        epoch: usize,
        measured: Measured,
        mean_square: f64,
    ) -> Result<Measured> {
        let first_cost = *self.first_cost.get_or_insert(measured.first_cost);
        if measured.cost <= EXPLOSION * first_cost.max(mean_square).max(1.0) {
            return Ok(measured);
        }
        Err(self.steps.diverged(network, epoch, measured.cost, Some(measured.last_cost)))
    }

    /// Gives the network the parameters that the last fit ended with: after early stopping it has the best ones.
    fn resume(&mut self, network: &mut Network<F>) -> Result<()> {
        self.check_trained(network)?;
        if let (Some(watch), Some(settings)) = (&mut self.watch, self.early_stopping) {
            if let Some(current) = watch.current.take() {
                network.copy_from(&current);
            }
            // A fit after an early stop waits for the full patience again.
            if watch.waiting >= settings.patience {
                watch.waiting = 0;
            }
        }
        Ok(())
    }

    /// Refuses a network other than the one that the last fit handed back.
    pub(crate) fn check_trained(&self, network: &Network<F>) -> Result<()> {
        match self.trained {
            Some(trained) if trained != fingerprint(network) => {
                Err(Error::AnotherNetwork { epochs: self.history.cost.len() })
            }
            _ => Ok(()),
        }
    }

    /// Puts the best parameters into the network, with early stopping, and remembers what it hands back.
    fn hand_back(&mut self, network: &mut Network<F>) {
        if let (Some(watch), Some(_)) = (&mut self.watch, self.early_stopping) {
            self.history.best_epoch = Some(watch.best_epoch);
            if watch.best_epoch + 1 < self.history.cost.len() {
                watch.current = Some(network.clone());
                network.copy_from(&watch.best_network);
            }
        }
        self.remember(network);
    }

    /// Records the fingerprint of the network, once an epoch has been trained.
    fn remember(&mut self, network: &Network<F>) {
        self.trained = (!self.history.cost.is_empty()).then(|| fingerprint(network));
    }

    /// Checks the training set. Returns the batch size, and the factor that makes the mean weight of the examples 1.
    fn check_set(&self, network: &Network<F>, train: &Dataset<F>) -> Result<(usize, f64)> {
        check_data(network, self.steps.loss, "inputs", "targets", train)?;
        let batch_size = self.batch_size.unwrap_or(train.len().min(32));
        if batch_size == 0 || batch_size > train.len() {
            return Err(Error::OutOfRange {
                name: "batch size",
                expected: format!("1 to {}, the rows of the training set", train.len()),
                found: count(batch_size),
            });
        }
        let weight_scale = match train.weights() {
            Some(weights) => 1.0 / mean_weight(weights)?,
            None => 1.0,
        };
        Ok((batch_size, weight_scale))
    }

    /// Checks everything that can be checked before the first step, except the training set.
    fn check(&self, network: &Network<F>) -> Result<()> {
        network.check_loss(self.steps.loss)?;
        self.steps.optimizer.check(network)?;
        if self.threads == Some(0) {
            let expected = "1 (this thread alone) or more; leave Trainer::threads out for all cores";
            return Err(Error::OutOfRange { name: "threads", expected: expected.into(), found: 0.0 });
        }
        self.steps.dropout.map_or(Ok(()), Dropout::check)?;
        self.steps.clip_norm.map_or(Ok(()), check_max_norm)?;
        if let Some(validation) = self.validation {
            check_data(network, self.steps.loss, "validation inputs", "validation targets", validation)?;
            validation.weights().map_or(Ok(1.0), mean_weight)?;
        }
        let Some(EarlyStopping { patience, min_improvement, on_accuracy }) = self.early_stopping else {
            return Ok(());
        };
        let refuse = |name, expected: &str, found| Err(Error::OutOfRange { name, expected: expected.into(), found });
        match self.validation {
            _ if patience == 0 => refuse("patience of early stopping", "1 or more", 0.0),
            _ if !(min_improvement.is_finite() && min_improvement >= 0.0) => {
                refuse("least improvement of early stopping", "a finite number, 0 or more", min_improvement)
            }
            None => Err(Error::Empty { place: "validation set for early stopping (Trainer::validation)" }),
            Some(validation) if on_accuracy => validation.class_of_each_row().map(|_| ()),
            Some(_) => Ok(()),
        }
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

/// The largest absolute value.
fn largest<F: Real>(array: ArrayView2<'_, F>) -> f64 {
    array.iter().fold(0.0, |largest, x| largest.max(x.f64().abs()))
}

/// The mean of the weights. Refuses a mean of 0, which a part of a set can have.
fn mean_weight(weights: &[f64]) -> Result<f64> {
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 {
        return Ok(sum / count(weights.len()));
    }
    Err(Error::OutOfRange { name: "sum of the weights", expected: "more than 0".into(), found: sum })
}

/// Measures the time since its start. On `wasm32-unknown-unknown`, where `Instant::now` panics, it is always 0.
struct Clock {
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    begin: std::time::Instant,
}

impl Clock {
    fn start() -> Self {
        Clock {
            #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
            begin: std::time::Instant::now(),
        }
    }

    fn elapsed(&self) -> std::time::Duration {
        #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
        return self.begin.elapsed();
        #[cfg(all(target_family = "wasm", target_os = "unknown"))]
        std::time::Duration::ZERO
    }
}

/// A number that tells networks apart, by all bits of their parameters.
pub(crate) fn fingerprint<F: Real>(network: &Network<F>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for layer in network.layers() {
        layer.affine.weights.dim().hash(&mut hasher);
        let parameters = layer.affine.weights.iter().chain(&layer.affine.bias);
        parameters.for_each(|parameter| parameter.f64().to_bits().hash(&mut hasher));
    }
    hasher.finish()
}

impl<F: Real, O: Optimizer<F> + fmt::Debug> fmt::Debug for Trainer<'_, F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("loss", &self.steps.loss)
            .field("optimizer", &self.steps.optimizer)
            .field("epochs", &self.epochs)
            .field("batch_size", &self.batch_size)
            .field("shuffle", &self.steps.shuffle)
            .field("dropout", &self.steps.dropout)
            .field("clip_norm", &self.steps.clip_norm)
            .field("early_stopping", &self.early_stopping)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}
