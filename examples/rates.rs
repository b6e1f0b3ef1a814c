//! Which learning rate? The range test (Smith 2017): one short training with a rate that grows, and the cost at each rate.
//!
//! The network is that of `quickstart`, once with momentum and once with Adam. What to look at: on the left the rate is
//! too small and nothing happens; then the cost falls, and at the right end it turns up. A good rate lies some three to
//! ten times below the turn, where the curve falls steeply. That both curves lie so close together is chance: with a cost
//! ten times as large, momentum's would move to rates a tenth as large, and Adam's would stay (chapter 12).

mod common;

use chainrule::rand::SeedableRng;
use chainrule::{Activation, Adam, ChaCha8Rng, Dataset, Loss, Network, RangeTest, Sgd, Trainer};
use common::flags::{Example, Flags, Recipe};
use common::pictures::{self, Series};
use common::progress::result_line;
use std::error::Error;
use std::process::ExitCode;

const EXAMPLE: Example = Example {
    name: "rates",
    about: "the learning-rate range test on two moons",
    tutorial: Recipe { epochs: 20, rate: 1e-4, batch: 20, momentum: 0.9 },
    better: Recipe { epochs: 20, rate: 1e-4, batch: 20, momentum: 0.9 },
    extras: &[],
};

fn main() -> ExitCode {
    common::run(rates)
}

fn rates() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse(&EXAMPLE);
    let Recipe { epochs, rate, batch, momentum } = flags.recipe;
    let mut rng = ChaCha8Rng::seed_from_u64(flags.seed);
    let train = Dataset::<f64>::moons(400, 0.1, &mut rng)?;
    let network = Network::builder(2).layer(16, Activation::Relu).layer(2, Activation::Softmax).build(&mut rng)?;

    let (range, steps) = (rate..1e5 * rate, epochs * train.len() / batch);
    let mut sgd = Trainer::new(Loss::CrossEntropy, Sgd::new(1.0).momentum(momentum)).batch_size(batch);
    let sgd = sgd.range_test(&network, &train, range.clone(), steps, &mut rng)?;
    let mut adam = Trainer::new(Loss::CrossEntropy, Adam::new(1.0)).batch_size(batch);
    let adam = adam.range_test(&network, &train, range, steps, &mut rng)?;

    // A single batch is rough: a mean over a tenth of the test.
    let smooth = |test: &RangeTest| -> Vec<(f64, f64)> {
        let window = (steps / 10).max(1);
        let mean = |end: usize| {
            let costs = &test.costs[(end + 1).saturating_sub(window)..=end];
            costs.iter().sum::<f64>() / costs.len() as f64
        };
        (0..test.rates.len()).map(|end| (test.rates[end], mean(end))).collect()
    };
    let mut figures = Vec::new();
    let curves = [("momentum", smooth(&sgd)), ("Adam", smooth(&adam))];
    for ((name, curve), key) in curves.iter().zip(["momentum", "adam"]) {
        let lowest = curve.iter().min_by(|a, b| a.1.total_cmp(&b.1)).ok_or("at least one step")?;
        println!(
            "{name}: lowest at a rate of {:.2e}, so try {:.0e} to {:.0e}",
            lowest.0,
            lowest.0 / 10.0,
            lowest.0 / 3.0
        );
        figures.push((key, lowest.0));
    }
    if flags.plots {
        let series: Vec<_> = curves.into_iter().map(|(name, points)| Series { name, points }).collect();
        pictures::rates(&flags.picture("rates"), "The cost while the learning rate grows", &series)?;
    }
    result_line("rates", flags.seed, epochs, &figures);
    Ok(())
}
