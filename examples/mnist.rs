//! MNIST: handwritten digits with sigmoids and a softmax, by gradient descent with momentum.
//!
//! Follows a tutorial that recognises 28×28 digits, 60,000 for training and 10,000 for testing. Its network is
//! 784-100-10 with sigmoid hidden units, softmax outputs and cross-entropy, whose derivative through the softmax is
//! ŷ − y. The user sets epochs, batch size, learning rate and momentum (0.5 to 0.9). It reshuffles the data every
//! epoch and averages the gradient over the batch; the answer is the largest output. It reports 93.2 % after 30 epochs.
//!
//! Where the tutorial is silent or wrong:
//! - its code is shown only as pictures. Of its initialisers (zeros, normal, Xavier, He), N(0,1) reproduces the
//!   93.2 %, with learning rate 0.01, batches of 64, momentum 0.9 and pixels / 255;
//! - "748 inputs" is a misprint for 784.
//!
//! What to look at: with weights from N(0,1) the sum over 784 pixels has a standard deviation near 10, so every
//! hidden sigmoid starts near 0 or 1, where its slope is almost zero. After training, the picture of the first-layer
//! weights still shows the noise that they started from; a second one shows what training changed. `--better` draws
//! them by Xavier's rule, which keeps the sums near 1: strokes and edges appear, and 98 % are right. Xavier alone, at a
//! rate of 0.1, reaches 97.8 to 98.1 %. A rate that starts at 0.2 and falls with the epochs, and a little weight decay,
//! reach 98.0 to 98.2 %. (The picture of the cost shows the penalty apart.)
//!
//! `--wide` has 800 hidden units with ReLU and He weights, as in the best published plain networks (1.6 % error:
//! Simard, Steinkraus and Platt 2003). Its rate, batch and weight decay were chosen on the last 10,000 of the training
//! set, never on the test set. Trained on the other 50,000, it gets 98.48 % of those right; trained on all 60,000,
//! 98.62 % of the test digits (seed 1).
//!
//! `--recipe plain`, `dropout` or `elastic` go as far as a plain network does: see `common/recipes.rs`.
//!
//! The program ends with the mistakes: which digits it confuses most, and which wrong answers were most certain.
//!
//! The data: the four files of MNIST in one folder, named by `--data` or `MNIST_DIR`. With `--features download` they
//! are fetched (12 MB, the first time); otherwise the default folder is `data/mnist`.

mod common;

use chainrule::ndarray::s;
use chainrule::rand::SeedableRng;
use chainrule::{Activation, ChaCha8Rng, ConfusionMatrix, Dataset, Init, Loss, Network, Schedule, Sgd, Trainer};
use common::data::MNIST;
use common::flags::{Example, Extra, Flags, Recipe};
use common::pictures::{self, Digits, Image, Scale, Series, Tile};
use common::progress::{Progress, result_line};
use common::recipes::{self, RECIPES};
use std::cmp::Reverse;
use std::error::Error;
use std::process::ExitCode;

const EXAMPLE: Example = Example {
    name: "mnist",
    about: "handwritten digits, sigmoid and softmax, gradient descent with momentum",
    tutorial: Recipe { epochs: 30, rate: 0.01, batch: 64, momentum: 0.9 },
    better: Recipe { epochs: 30, rate: 0.2, batch: 100, momentum: 0.9 },
    extras: &[Extra::Data(&MNIST), Extra::Wide(WIDE), Extra::Named(RECIPES)],
};

const WIDE: Recipe = Recipe { epochs: 20, rate: 0.1, batch: 64, momentum: 0.9 };

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

fn main() -> ExitCode {
    common::run(mnist)
}

fn mnist() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse(&EXAMPLE);
    if let Some(name) = flags.named {
        return recipes::run(name, &flags);
    }
    let Recipe { epochs, rate, momentum, .. } = flags.recipe;
    let mut rng = ChaCha8Rng::seed_from_u64(flags.seed);

    let folder = MNIST.place(&flags)?;
    let train = Dataset::mnist_train(&folder).map_err(|error| MNIST.how_to_get_it(&flags, &folder, error))?;
    let test = Dataset::mnist_test(&folder).map_err(|error| MNIST.how_to_get_it(&flags, &folder, error))?;

    let batch = flags.batch(train.len())?;
    let (units, hidden, init, schedule, decay) = match (flags.better, flags.wide) {
        (true, _) => (100, Activation::Sigmoid, Init::XavierNormal, Schedule::Cosine { epochs }, 5e-5),
        (_, true) => (800, Activation::Relu, Init::HeNormal, Schedule::Cosine { epochs }, 5e-5),
        _ => (100, Activation::Sigmoid, Init::Normal { std: 1.0 }, Schedule::Constant, 0.0),
    };
    let mut network: Network<f32> =
        Network::builder(784).layer(units, hidden).layer(10, Activation::Softmax).init(init).build(&mut rng)?;

    let start = network.layers()[0].affine.weights.clone();
    let before = network.cost(train.inputs(), train.targets(), Loss::CrossEntropy)?;

    let progress = Progress::new(epochs);
    let mut trainer =
        Trainer::new(Loss::CrossEntropy, Sgd::new(rate).momentum(momentum).schedule(schedule).weight_decay(decay))
            .epochs(1)
            .batch_size(batch)
            .shuffle(true)
            .validation(&test);
    let mut penalties = vec![];
    for epoch in 1..=epochs {
        // One epoch per fit, to know the penalty in between. Many fits of one epoch equal one fit of many.
        let done = trainer.fit(&mut network, &train, &mut rng)?;
        let (cost, accuracy) = (done.cost[0], 100.0 * done.validation_accuracy[0]);
        penalties.push(network.l2_penalty(decay));
        progress.epoch(epoch, cost);
        progress.say(format!("epoch {epoch}: cost {cost:.4}, test accuracy {accuracy:.2} %"));
    }
    let history = trainer.history();
    progress.finish();

    // Evaluation: the confusion matrix.
    let labels = |data: &Dataset<f32>| data.labels().map(<[usize]>::to_vec).ok_or("digits have labels");
    let predicted = network.classify(test.inputs())?.to_vec();
    let truth = labels(&test)?;
    let confusion = ConfusionMatrix::new(&predicted, &truth, 10)?;
    let cost = network.cost(train.inputs(), train.targets(), Loss::CrossEntropy)?;
    let train_accuracy = chainrule::accuracy(&network.classify(train.inputs())?.to_vec(), &labels(&train)?)?;
    let test_accuracy = confusion.accuracy();
    println!("rows: truth; columns: prediction\n{confusion}");

    // The mistakes: which digits are confused most, and where the network was most certain and wrong.
    let mut confused: Vec<(usize, usize, usize)> = confusion
        .counts()
        .indexed_iter()
        .filter(|((truth, predicted), count)| truth != predicted && **count > 0)
        .map(|((truth, predicted), count)| (*count, truth, predicted))
        .collect();
    confused.sort_by_key(|(count, truth, predicted)| (Reverse(*count), *truth, *predicted));
    println!("confused most:");
    for (count, truth, predicted) in confused.iter().take(5) {
        println!("  {truth} taken for {predicted}: {count} times");
    }
    let probabilities = network.predict(test.inputs())?;
    let sure = |row: usize| probabilities[[row, predicted[row]]];
    let mut certain: Vec<usize> = (0..test.len()).filter(|&row| predicted[row] != truth[row]).collect();
    certain.sort_by(|&a, &b| sure(b).total_cmp(&sure(a)));
    certain.truncate(12);
    println!("most certain and wrong:\n  row   prediction       truth");
    for &row in &certain {
        let (is, right) = (truth[row], 100.0 * probabilities[[row, truth[row]]]);
        println!("  {row:>4}  {} ({:.2} %)  {is} ({right:.2} %)", predicted[row], 100.0 * sure(row));
    }

    if flags.plots {
        let title = format!("{:.2} % of the test digits right", 100.0 * test_accuracy);
        let first: Vec<usize> = (0..test.len().min(30)).collect();
        let mistakes: Vec<usize> = (0..test.len()).filter(|&row| predicted[row] != truth[row]).take(20).collect();
        let digits = Digits { images: test.inputs(), truth: &truth, predicted: &predicted };
        let rows =
            [("The first 30 of the test set, with the answers:", &first[..]), ("The first mistakes:", &mistakes[..])];
        pictures::digits(&flags.picture("digits"), &title, &digits, &rows)?;
        let pixels = test.inputs();
        let mistake = |&row: &usize| {
            let (sure, right) = (100.0 * sure(row), 100.0 * probabilities[[row, truth[row]]]);
            let lines = vec![format!("{}: {sure:.1} %", predicted[row]), format!("is {}: {right:.1} %", truth[row])];
            Tile { image: Image::Digit(pixels.row(row)), lines, wrong: true }
        };
        let mistakes: Vec<Tile> = certain.iter().map(mistake).collect();
        let under = "What the network took each for, and how probable it held that and the truth to be.";
        pictures::tiles(&flags.picture("mistakes"), "The most certain mistakes", under, (6, 84.0), &mistakes)?;
        // Weights from N(0,1) bury what they have learnt: training moves them by less than they vary.
        let weights = network.layers()[0].affine.weights.slice(s![.., ..100]);
        let of = format!("of {} hidden units", if units > 100 { "100" } else { "the 100" });
        if flags.better || flags.wide {
            let under = "One square a hidden unit: what it looks for (vermilion) and what speaks against it (blue).";
            pictures::weights(&flags.picture("weights"), &format!("First-layer weights {of}"), under, weights)?;
        } else {
            let under = "One square a hidden unit: the noise that it started from hides what it has learnt.";
            pictures::weights(&flags.picture("weights"), &format!("First-layer weights {of}"), under, weights)?;
            let learnt = &weights - &start;
            let under = "The same units, without the noise of their start: raised (vermilion) and lowered (blue).";
            let title = format!("What training changed in the weights {of}");
            pictures::weights(&flags.picture("learnt"), &title, under, learnt.view())?;
        }
        pictures::confusion(&flags.picture("confusion"), &title, confusion.counts().view(), &DIGITS)?;

        // Like with like: the test set has no penalty.
        let data: Vec<f64> = history.cost.iter().zip(&penalties).map(|(cost, penalty)| cost - penalty).collect();
        let mut series =
            vec![Series::by_epoch("training set", &data), Series::by_epoch("test set", &history.validation_cost)];
        if decay > 0.0 {
            series.push(Series::by_epoch("training + penalty", &history.cost));
        }
        pictures::curves(&flags.picture("cost"), "MNIST: cost", "cross-entropy (nats)", Scale::Log, &series)?;
        let series = [Series::by_epoch("test set", &history.validation_accuracy)];
        pictures::curves(&flags.picture("accuracy"), "MNIST: accuracy", "accuracy", Scale::Share, &series)?;
    }
    common::improved(before, cost)?;
    let figures = [("cost", cost), ("train_accuracy", train_accuracy), ("test_accuracy", test_accuracy)];
    result_line("mnist", flags.seed, epochs, &figures);
    Ok(())
}
