//! What most programs call, compiled for `f32` and `f64` with the library. A build with little optimisation takes it
//! from there, instead of compiling it again in every program, test and example. Nothing here ever runs.

use crate::data::{Dataset, Preprocessing, Table};
use crate::error::Result;
use crate::gradient_check::gradient_check;
use crate::loss::Loss;
use crate::model::Model;
use crate::network::{Network, Workspace};
use crate::optimizer::{Adam, Optimizer, Sgd};
use crate::real::Real;
use crate::train::Trainer;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[used]
static F32: fn(&Table) -> Result<()> = calls::<f32>;
#[used]
static F64: fn(&Table) -> Result<()> = calls::<f64>;

fn calls<F: Real>(table: &Table) -> Result<()> {
    let (loss, mut rng) = (Loss::CrossEntropy, ChaCha8Rng::seed_from_u64(0));
    let preprocessing = Preprocessing::learn(table)?;
    let data = preprocessing.dataset::<F>(table)?;
    let mut network = Network::<F>::builder(0).build(&mut rng)?;
    trains(&mut network, &data, Sgd::new(0.0))?;
    trains(&mut network, &data, Adam::new(0.0))?;

    let (x, y) = (data.inputs(), data.targets());
    let mut workspace = Workspace::new(&network, 0);
    network.forward(x, &mut workspace)?;
    network.backward(x, y, loss, &mut workspace)?;
    network.cost(x, y, loss)?;
    network.classify(x)?;
    gradient_check(&network, x, y, loss)?;

    let model = Model::new(preprocessing, network)?;
    model.classify_table(table)?;
    model.score(table)?;
    #[cfg(feature = "safetensors")]
    {
        model.save("")?;
        Model::<F>::load("")?;
    }
    Ok(())
}

fn trains<F: Real, O: Optimizer<F>>(network: &mut Network<F>, data: &Dataset<F>, optimizer: O) -> Result<()> {
    let mut trainer = Trainer::new(Loss::CrossEntropy, optimizer).validation(data);
    trainer.fit(network, data, &mut ChaCha8Rng::seed_from_u64(0))?;
    Ok(())
}
