//! One step on several processes, and what they tell each other besides.

use crate::{Failure, LOSS};
use chainrule::{Affine, Dataset, Error, Network, Optimizer, Real, Threads, Workspace};
use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Equivalence};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// The rows of this process, of so many: parts that differ by at most one row, and may be empty.
pub fn part(world: &SimpleCommunicator, rows: usize) -> Range<usize> {
    let (rank, size) = (world.rank() as usize, world.size() as usize);
    rows * rank / size..rows * (rank + 1) / size
}

/// The arrays of a step on this process.
pub struct Everywhere<'a, F> {
    world: &'a SimpleCommunicator,
    workspace: Workspace<F>,
    /// All gradients one after the other: one sum over the processes in place of one per array.
    own: Vec<F>,
    summed: Vec<F>,
}

impl<'a, F: Real + Equivalence> Everywhere<'a, F> {
    /// For batches of up to `batch` rows, over all processes.
    pub fn new(world: &'a SimpleCommunicator, network: &Network<F>, batch: usize) -> Self {
        let workspace = Workspace::new(network, batch.div_ceil(world.size() as usize));
        let numbers = vec![F::zero(); network.parameters()];
        Everywhere { world, workspace, own: numbers.clone(), summed: numbers }
    }

    /// One training step, on the batch of these rows. Returns the sum of the costs of this process's rows.
    pub fn step(
        &mut self,
        network: &mut Network<F>,
        data: &Dataset<F>,
        batch: &[usize],
        optimizer: &mut impl Optimizer<F>,
        threads: &Threads,
    ) -> Result<f64, Error> {
        let rows = &batch[part(self.world, batch.len())];
        let workspace = &mut self.workspace;
        let cost = threads.run(|| pass(network, data, rows, workspace))?;

        // dθ = Σₖ nₖ/n dθₖ: the mean over the batch is the sum of the means of the parts, each by its share of the rows.
        let share = F::from_f64(rows.len() as f64 / batch.len() as f64);
        self.sum_gradients(share);

        let gradients = self.workspace.gradients();
        threads.run(|| optimizer.step(network, gradients))?; // the same everywhere
        Ok(cost * rows.len() as f64)
    }

    /// Replaces this process's gradients by the sum of all processes', each times its share.
    fn sum_gradients(&mut self, share: F) {
        if share == F::zero() {
            self.own.fill(F::zero()); // the gradients are those of an earlier batch
        } else {
            let mut own = &mut self.own[..];
            for gradients in arrays(self.workspace.gradients_mut()) {
                let (here, rest) = own.split_at_mut(gradients.len());
                here.iter_mut().zip(gradients).for_each(|(own, dtheta)| *own = share * *dtheta);
                own = rest;
            }
        }
        self.world.all_reduce_into(&self.own[..], &mut self.summed[..], SystemOperation::sum());
        let mut summed = &self.summed[..];
        for gradients in arrays(self.workspace.gradients_mut()) {
            let (here, rest) = summed.split_at(gradients.len());
            gradients.copy_from_slice(here);
            summed = rest;
        }
    }
}

/// Forward and backward on these rows: the workspace then has dθₖ, the gradients of their mean cost, which is returned.
fn pass<F: Real>(
    network: &Network<F>,
    data: &Dataset<F>,
    rows: &[usize],
    workspace: &mut Workspace<F>,
) -> Result<f64, Error> {
    if rows.is_empty() {
        return Ok(0.0); // more processes than rows
    }
    let part = data.select(rows)?;
    network.forward(part.inputs(), workspace)?;
    match network.backward(part.inputs(), part.targets(), LOSS, workspace) {
        // The others do not know yet. The cost of the epoch tells all, and ends the training everywhere.
        Err(Error::CostNotFinite { cost }) => Ok(cost),
        result => result,
    }
}

/// The gradients of weights and biases, layer after layer.
fn arrays<F>(gradients: &mut [Affine<F>]) -> impl Iterator<Item = &mut [F]> {
    gradients
        .iter_mut()
        .flat_map(|Affine { weights, bias }| [weights.as_slice_mut(), bias.as_slice_mut()])
        .map(|array| array.expect("a workspace's gradients are row-major"))
}

/// The sum over all processes of each of these numbers, in all processes.
pub fn sum<const N: usize>(world: &SimpleCommunicator, own: [f64; N]) -> [f64; N] {
    let mut sum = [0.0; N];
    world.all_reduce_into(&own[..], &mut sum[..], SystemOperation::sum());
    sum
}

/// The same for one number.
pub fn total(world: &SimpleCommunicator, own: f64) -> f64 {
    let [sum] = sum(world, [own]);
    sum
}

/// Goes on if no process has an error. If some have, the first of them prints it, and all end.
pub fn first_error<T>(world: &SimpleCommunicator, own: Result<T, Failure>) -> Result<T, Failure> {
    let mut first = 0;
    let number = if own.is_err() { world.rank() } else { world.size() };
    world.all_reduce_into(&number, &mut first, SystemOperation::min());
    match own {
        Ok(value) if first == world.size() => Ok(value),
        Err(error) if first == world.rank() => Err(error),
        _ => loop {
            std::thread::park(); // until the first one's `abort`
        },
    }
}

/// Checks that all processes have the same network, to the last bit.
pub fn check_same<F: Real>(world: &SimpleCommunicator, network: &Network<F>) -> Result<(), Failure> {
    let mut hasher = DefaultHasher::new();
    for layer in network.layers() {
        let parameters = layer.affine.weights.iter().chain(&layer.affine.bias);
        parameters.for_each(|parameter| parameter.f64().to_bits().hash(&mut hasher));
    }
    let own = hasher.finish();
    let (mut least, mut most) = (0_u64, 0_u64);
    world.all_reduce_into(&own, &mut least, SystemOperation::min());
    world.all_reduce_into(&own, &mut most, SystemOperation::max());
    let same = least == most;
    let text = "the processes do not have the same network. Do all machines have the same build, processor and files?";
    first_error(world, if same { Ok(()) } else { Err(text.into()) })
}
