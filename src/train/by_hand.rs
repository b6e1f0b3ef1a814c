//! `begin_epoch` and `end_epoch`: what a [`Trainer`] does around the steps of an epoch, for a loop of your own.

use super::Trainer;
use crate::data::Dataset;
use crate::error::Result;
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::real::Real;
use rand::Rng;
use rand::seq::SliceRandom;

impl<F: Real, O: Optimizer<F>> Trainer<'_, F, O> {
    /// Begins an epoch whose steps you take yourself, and returns the rows of its batches, as [`fit`](Trainer::fit)
    /// would take them. [`end_epoch`](Trainer::end_epoch) ends it.
    ///
    /// The trainer supplies the order of the rows, the optimiser with its schedule, the history, and checkpoints. The
    /// steps are yours: on several machines, say, as the folder `distributed` of the repository does. Dropout,
    /// clipping, augmentation, weights of examples, validation, early stopping and the callback belong to the steps of
    /// [`fit`](Trainer::fit), and are yours as well.
    ///
    /// Begun again before its end, an epoch has the same batches: one that went wrong can be repeated, from a copy of
    /// the network and of the optimiser.
    ///
    /// # Errors
    /// Those of [`fit`](Trainer::fit), except divergence.
    ///
    /// This is `fit`, written out:
    ///
    /// ```
    /// use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, Workspace, rand::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let data = Dataset::<f64>::moons(100, 0.1, &mut rng)?;
    /// let start = Network::builder(2).layer(8, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng)?;
    /// let trainer = || Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9)).batch_size(30).epochs(5);
    ///
    /// let (mut network, mut rng_of_fit) = (start.clone(), rng.clone());
    /// let history = trainer().fit(&mut network, &data, &mut rng_of_fit)?;
    ///
    /// let (mut by_hand, mut trainer) = (start, trainer());
    /// let mut workspace = Workspace::new(&by_hand, 30);
    /// for _ in 0..5 {
    ///     let mut sum = 0.0;
    ///     for rows in trainer.begin_epoch(&mut by_hand, &data, &mut rng)? {
    ///         let batch = data.select(&rows)?;
    ///         by_hand.forward(batch.inputs(), &mut workspace)?;
    ///         let cost = by_hand.backward(batch.inputs(), batch.targets(), Loss::CrossEntropy, &mut workspace)?;
    ///         trainer.optimizer_mut().step(&mut by_hand, workspace.gradients())?;
    ///         sum += cost * rows.len() as f64;
    ///     }
    ///     trainer.end_epoch(&by_hand, sum / data.len() as f64)?;
    /// }
    /// assert_eq!(by_hand, network);
    /// assert_eq!(trainer.history().cost, history.cost);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn begin_epoch<R: Rng + ?Sized>(
        &mut self,
        network: &mut Network<F>,
        train: &Dataset<F>,
        rng: &mut R,
    ) -> Result<Vec<Vec<usize>>> {
        let (batch_size, _) = self.check_set(network, train)?;
        self.check(network)?;
        self.resume(network)?;
        let epoch = self.history.cost.len();
        self.steps.optimizer.set_epoch(epoch);
        self.steps.optimizer.check(network)?; // the schedule may have a new rate
        self.steps.draw_seed(rng);
        let mut order: Vec<usize> = (0..train.len()).collect();
        if self.steps.shuffle {
            order.shuffle(&mut self.steps.shuffles(epoch));
        }
        Ok(order.chunks(batch_size).map(<[usize]>::to_vec).collect())
    }

    /// Ends an epoch that [`begin_epoch`](Trainer::begin_epoch) began. `cost` is the mean of the batch costs, weighted
    /// by their rows and without the penalty of a weight decay, which this adds.
    ///
    /// The epoch joins the [history](Trainer::history), and `network` becomes the one that a checkpoint holds and that
    /// the next epoch or [`fit`](Trainer::fit) goes on with.
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::Error::Diverged) if the cost or a parameter is NaN or infinite. The epoch does not
    /// count then.
    pub fn end_epoch(&mut self, network: &Network<F>, cost: f64) -> Result<()> {
        let cost = cost + network.l2_penalty(self.steps.optimizer.l2());
        if !(cost.is_finite() && network.is_finite()) {
            return Err(self.steps.diverged(network, self.history.cost.len(), cost, None));
        }
        self.history.cost.push(cost);
        self.steps.optimizer.end_epoch(cost);
        self.remember(network);
        Ok(())
    }
}
