//! Two moons: a deep net of sigmoids, one example per step.
//!
//! Follows a tutorial that writes a network class in numpy and tries it on scikit-learn's moons: 2,000 points with
//! noise 0.2, 70 % for training and 30 % for testing. Its network is 2-25-50-25-2 with a sigmoid in every layer, mean
//! squared error against one-hot labels, weights N(0,1)·√(1/n_out), biases from U[0, 0.1). It trains on one example
//! per step, in the order of the file, with learning rate 0.01 for 1,000 epochs. It prints the error every 10 epochs
//! and the test accuracy at the end: 0.024335 at epoch 990, and 97.67 %.
//!
//! The tutorial's 2,000 points come from a file, so that results can be compared; `--fresh` draws new ones.
//!
//! Where the tutorial is wrong: its code never updates the biases. The default here trains them. `--as-written`
//! freezes them as the tutorial does: it sets the gradient of each bias to zero between `backward` and `step`. With this
//! flag the curves show both runs.
//!
//! The tutorial's gradient is that of ½Σ(a − y)² on one example. With two outputs this equals the crate's mean.
//!
//! What to look at: within 30 epochs the boundary is a straight line that gets 89 % right. It stays straight until
//! about epoch 150, then bends, and the error falls to its final value. With frozen biases this takes about three
//! times as long, and some seeds need more than 1,000 epochs. `--better` needs 30 epochs: ReLU in the hidden layers
//! with He weights, softmax with cross-entropy, shuffled batches of 50, momentum, and a falling rate. (With tanh
//! instead of ReLU, about one seed in ten keeps the straight line.)

mod common;

use chainrule::ndarray::Axis;
use chainrule::rand::SeedableRng;
use chainrule::{
    Activation, ChaCha8Rng, Dataset, History, Init, Loss, Network, Report, Schedule, Sgd, Trainer, Workspace, accuracy,
};
use common::flags::{Example, Extra, Flags, Recipe};
use common::pictures::{self, Points, Scale, Series};
use common::progress::{Progress, result_line};
use common::published;
use std::error::Error;
use std::ops::ControlFlow;
use std::process::ExitCode;

const EXAMPLE: Example = Example {
    name: "moons",
    about: "two moons, a deep net of sigmoids, one sample a step",
    tutorial: Recipe { epochs: 1_000, rate: 0.01, batch: 1, momentum: 0.0 },
    better: Recipe { epochs: 30, rate: 0.05, batch: 50, momentum: 0.9 },
    extras: &[Extra::Fresh, Extra::AsWritten("freeze the biases, as the tutorial's code does")],
};

fn main() -> ExitCode {
    common::run(moons)
}

fn moons() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse(&EXAMPLE);
    let Recipe { epochs, rate, momentum, .. } = flags.recipe;
    let mut rng = ChaCha8Rng::seed_from_u64(flags.seed);

    let (train, test) = match flags.fresh {
        false => published::moons()?,
        true => Dataset::moons(2_000, 0.2, &mut rng)?.split(0.7, &mut rng)?,
    };

    let batch = flags.batch(train.len())?;
    let start: Network<f64> = match flags.better {
        false => Network::builder(2)
            .layer(25, Activation::Sigmoid)
            .layer(50, Activation::Sigmoid)
            .layer(25, Activation::Sigmoid)
            .layer(2, Activation::Sigmoid)
            .init(Init::FanOutNormal)
            .bias_init(Init::Uniform { low: 0.0, high: 0.1 })
            .build(&mut rng)?,
        true => Network::builder(2)
            .layer(25, Activation::Relu)
            .layer(50, Activation::Relu)
            .layer(25, Activation::Relu)
            .layer(2, Activation::Softmax)
            .build(&mut rng)?,
    };
    let loss = if flags.better { Loss::CrossEntropy } else { Loss::MeanSquaredError };
    let (key, name) = if flags.better { ("cost", "cross-entropy") } else { ("mse", "mean squared error") };

    // Training all parameters. With shuffled batches, a rate that falls towards 0 lets the cost settle at the end.
    let schedule = if flags.better { Schedule::Cosine { epochs } } else { Schedule::Constant };
    let mut trained = |network: &mut Network<f64>, print: bool| {
        let progress = Progress::new(epochs);
        let history = Trainer::new(loss, Sgd::new(rate).momentum(momentum).schedule(schedule))
            .epochs(epochs)
            .batch_size(batch)
            .shuffle(flags.better)
            .validation(&test)
            .on_epoch(|Report { epoch, cost, .. }| {
                progress.epoch(epoch + 1, *cost);
                if print && epoch % 10 == 0 {
                    progress.say(format!("epoch {epoch}: {name} {cost:.6}"));
                }
                ControlFlow::Continue(())
            })
            .fit(network, &train, &mut rng)?;
        progress.finish();
        Ok::<History, chainrule::Error>(history)
    };

    // Training as the tutorial's code does it: the steps of `fit` written out, so that they can leave out the biases.
    let frozen = |network: &mut Network<f64>| {
        let mut history = History::default();
        let mut sgd = Sgd::new(rate).momentum(momentum);
        let mut ws = Workspace::new(network, batch);
        let labels = test.labels().unwrap_or_default();
        let progress = Progress::new(epochs);
        for epoch in 0..epochs {
            let mut cost = 0.0;
            let (inputs, targets) = (train.inputs(), train.targets());
            for (x, y) in inputs.axis_chunks_iter(Axis(0), batch).zip(targets.axis_chunks_iter(Axis(0), batch)) {
                network.forward(x, &mut ws)?;
                cost += network.backward(x, y, loss, &mut ws)? * x.nrows() as f64 / train.len() as f64;
                for gradient in ws.gradients_mut() {
                    gradient.bias.fill(0.0);
                }
                sgd.step(network, ws.gradients())?;
            }
            history.cost.push(cost);
            history.validation_accuracy.push(accuracy(&network.classify(test.inputs())?.to_vec(), labels)?);
            progress.epoch(epoch + 1, cost);
            if epoch % 10 == 0 {
                progress.say(format!("epoch {epoch}: {name} {cost:.6}"));
            }
        }
        progress.finish();
        Ok::<History, chainrule::Error>(history)
    };

    let before = start.cost(train.inputs(), train.targets(), loss)?;
    let mut network = start.clone();
    let history = if flags.as_written { frozen(&mut network)? } else { trained(&mut network, true)? };

    // Evaluation: the class is the larger output.
    let cost = network.cost(train.inputs(), train.targets(), loss)?;
    let labels = test.labels().ok_or("the moons have labels")?;
    let test_accuracy = accuracy(&network.classify(test.inputs())?.to_vec(), labels)?;
    println!("{name} {cost:.6} on the training points, accuracy {:.2} % on the test points", 100.0 * test_accuracy);

    if flags.plots {
        let names = ["upper moon", "lower moon"];
        let points = Points { places: train.inputs(), labels: train.labels().unwrap_or_default(), names };
        pictures::scatter(&flags.picture("data"), "Two moons: the 1,400 training points, noise 0.2", points)?;
        let points = Points { places: test.inputs(), labels, names };
        let title = format!("{:.1} % of the 600 test points on the right side", 100.0 * test_accuracy);
        pictures::boundary(&flags.picture("boundary"), &title, points, |places| {
            // Two sigmoids need not sum to one. Where both are equal, the share of the second is one half.
            let answers = network.predict(places).expect("finite places in the plane");
            &answers.column(1) / &answers.sum_axis(Axis(1))
        })?;

        let mut runs = vec![("all parameters trained", history)];
        if flags.as_written {
            // The same start with trained biases, to show what freezing them costs.
            runs[0].0 = "biases frozen";
            runs.push(("biases trained", trained(&mut start.clone(), false)?));
        }
        let series = |values: fn(&History) -> &Vec<f64>| -> Vec<Series> {
            runs.iter().map(|(name, history)| Series::by_epoch(name, values(history))).collect()
        };
        let costs = series(|history| &history.cost);
        pictures::curves(&flags.picture(key), &format!("Two moons: {name}"), name, Scale::Log, &costs)?;
        let accuracies = series(|history| &history.validation_accuracy);
        let title = "Two moons: accuracy on the test points";
        pictures::curves(&flags.picture("accuracy"), title, "accuracy", Scale::Share, &accuracies)?;
    }
    common::improved(before, cost)?;
    result_line("moons", flags.seed, epochs, &[(key, cost), ("test_accuracy", test_accuracy)]);
    Ok(())
}
