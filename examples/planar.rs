//! The flower: one hidden layer, and every step of gradient descent written out.
//!
//! Follows a tutorial that classifies 400 points in the petals of a flower with one hidden layer. Its network is
//! 2-4-1: four tanh units, one sigmoid unit, weights 0.01·N(0,1), biases 0. The cost is binary cross-entropy, each
//! step takes the whole training set. It prints the cost every 1,000 iterations and draws the boundary.
//!
//! Where the tutorial is silent:
//! - learning rate and iterations: 1.2 and 10,000;
//! - the data: 200 points per class, as `Dataset::planar` describes them. The published 400 points come from a file,
//!   so that results can be compared; `--fresh` draws new ones;
//! - its forward code is pasted wrong. Its backward pass belongs to the crate's equations F1 and F2.
//!
//! Its backward pass is the crate's: dZ₂ = A₂ − Y, dW₂ = (1/m) dZ₂·A₁ᵀ, dZ₁ = W₂ᵀdZ₂ ⊙ (1 − A₁²). Examples are
//! columns there and rows here, and here the 1/m is inside dZ.
//!
//! What to look at: four tanh units are four soft edges, so the boundary is a few sectors and not a flower. The
//! initial weights decide which sectors: seeds end in three basins, at costs near 0.218, 0.247 and 0.252. `--better`
//! takes 16 units with Xavier weights, and momentum. Every seed reaches a cost near 0.17 in a fifth of the
//! iterations. The accuracy hardly changes, on these or on new points: the remaining mistakes lie where the petals
//! of both classes overlap.

mod common;

use chainrule::ndarray::Axis;
use chainrule::rand::SeedableRng;
use chainrule::{Activation, ChaCha8Rng, Dataset, Init, Loss, Network, Sgd, Workspace, accuracy};
use common::flags::{ALL, Example, Extra, Flags, Recipe};
use common::pictures::{self, Points, Scale, Series};
use common::progress::{Progress, result_line};
use common::published;
use std::error::Error;
use std::process::ExitCode;

const EXAMPLE: Example = Example {
    name: "planar",
    about: "a flower of two classes, one hidden layer, full-batch gradient descent",
    tutorial: Recipe { epochs: 10_000, rate: 1.2, batch: ALL, momentum: 0.0 },
    better: Recipe { epochs: 2_000, rate: 0.3, batch: ALL, momentum: 0.9 },
    extras: &[Extra::Fresh],
};

fn main() -> ExitCode {
    common::run(planar)
}

fn planar() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse(&EXAMPLE);
    let Recipe { epochs, rate, momentum, .. } = flags.recipe;
    let mut rng = ChaCha8Rng::seed_from_u64(flags.seed);

    // The data, and new points of the same flower that training never sees.
    let data = if flags.fresh { Dataset::planar(200, &mut rng)? } else { published::planar()? };
    let test = Dataset::planar(2_000, &mut rng)?;
    let batch = flags.batch(data.len())?;

    let mut network: Network<f64> = match flags.better {
        false => Network::builder(2)
            .layer(4, Activation::Tanh)
            .layer(1, Activation::Sigmoid)
            .init(Init::Normal { std: 0.01 })
            .build(&mut rng)?,
        true => Network::builder(2).layer(16, Activation::Tanh).layer(1, Activation::Sigmoid).build(&mut rng)?,
    };

    // Training, one step after the other. A full batch is one chunk with all rows.
    let loss = Loss::BinaryCrossEntropy;
    let mut sgd = Sgd::new(rate).momentum(momentum);
    let mut ws = Workspace::new(&network, batch);
    let mut costs = vec![];
    let progress = Progress::new(epochs);
    for epoch in 0..epochs {
        let mut cost = 0.0;
        let (inputs, targets) = (data.inputs(), data.targets());
        let chunks = inputs.axis_chunks_iter(Axis(0), batch);
        for (x, y) in chunks.zip(targets.axis_chunks_iter(Axis(0), batch)) {
            network.forward(x, &mut ws)?;
            cost += network.backward(x, y, loss, &mut ws)? * x.nrows() as f64 / data.len() as f64;
            sgd.step(&mut network, ws.gradients())?;
        }
        if epoch % 1000 == 0 {
            progress.say(format!("cost after iteration {epoch}: {cost:.6}"));
        }
        costs.push(cost);
        // The cost of any start is near ln 2, and backward refuses an infinite one. In between, it may only wander.
        if cost > 100.0 {
            progress.finish();
            return Err(format!(
                "the cost rose from {:.4} to {cost:.1e} in iteration {epoch}: training has diverged. Try --rate {:e}",
                costs[0],
                rate / 10.0
            )
            .into());
        }
        progress.epoch(epoch + 1, cost);
    }
    progress.finish();

    // Evaluation: class 1 where a > 0.5.
    let cost = network.cost(data.inputs(), data.targets(), loss)?;
    let right = |data: &Dataset<f64>| -> Result<f64, Box<dyn Error>> {
        let labels = data.labels().ok_or("the flower has labels")?;
        Ok(accuracy(&network.classify(data.inputs())?.to_vec(), labels)?)
    };
    let (train_accuracy, test_accuracy) = (right(&data)?, right(&test)?);
    println!("cost after iteration {epochs}: {cost:.6}");
    println!("accuracy: {train_accuracy:.4} on the training points, {test_accuracy:.4} on new ones");

    if flags.plots {
        let labels = data.labels().ok_or("the flower has labels")?;
        let points = Points { places: data.inputs(), labels, names: ["class 0", "class 1"] };
        pictures::scatter(&flags.picture("data"), "The flower: 400 points, two classes", points)?;
        let units = network.layers()[0].affine.bias.len();
        let title = format!("{units} tanh units get {:.2} % of the points right", 100.0 * train_accuracy);
        pictures::boundary(&flags.picture("boundary"), &title, points, |places| {
            network.predict(places).expect("finite places in the plane").column(0).to_owned()
        })?;
        let series = [Series::by_epoch("training points", &costs)];
        let title = "The flower: cost of each iteration";
        pictures::curves(&flags.picture("cost"), title, "binary cross-entropy (nats)", Scale::Linear, &series)?;
    }
    common::improved(costs[0], cost)?;
    let figures = [("cost", cost), ("train_accuracy", train_accuracy), ("test_accuracy", test_accuracy)];
    result_line("planar", flags.seed, epochs, &figures);
    Ok(())
}
