//! How far a plain network gets on MNIST: three recipes for `examples/mnist.rs`.
//!
//! None of them has a convolution or more than one network. `plain` and `elastic` were chosen on the last 10,000 rows of
//! the training set, by training on the other 50,000 (`--validation`); `dropout` follows Srivastava et al. (2014).
//! Without that flag a recipe trains on all 60,000 rows, and looks at the test set once, when the training is over.
//! `docs/records.md` has what came of it.
//!
//! - `plain`: two wide hidden layers and smoothed labels (R3): the network shall be 91 % sure, not 100 %.
//! - `dropout`: units are left out at random (F3), and the weights into each unit are kept short: see `short_columns.rs`.
//! - `elastic`: every epoch sees every digit distorted anew: see `distortions.rs`.

use super::data::MNIST;
use super::distortions::{Distortion, Strength};
use super::flags::{Flags, Recipe};
use super::pictures::{self, Image, Scale, Series, Tile};
use super::progress::{Progress, result_line};
use super::short_columns::ShortColumns;
use chainrule::ndarray::{Array2, ArrayView1, Axis, s};
use chainrule::rand::SeedableRng;
use chainrule::{Activation, ChaCha8Rng, Dataset, Init, Loss, Network, Schedule, Sgd, Trainer};
use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

/// The recipes by name, for the flags.
pub const RECIPES: &[(&str, Recipe)] =
    &[(PLAIN.name, PLAIN.recipe), (DROPOUT.name, DROPOUT.recipe), (ELASTIC.name, ELASTIC.recipe)];

/// All that a recipe decides.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub name: &'static str,
    pub recipe: Recipe,
    pub hidden: &'static [usize],
    pub weight_decay: f64,
    /// ε of the smoothed labels.
    pub smoothing: f64,
    /// The rates of dropout, of inputs and of hidden units.
    pub dropout: (f64, f64),
    /// The largest norm of the weights into one unit.
    pub longest: f64,
    pub strength: Option<Strength>,
}

const PLAIN: Settings = Settings {
    name: "plain",
    recipe: Recipe { epochs: 15, rate: 0.1, batch: 100, momentum: 0.9 },
    hidden: &[1024, 1024],
    weight_decay: 2e-4,
    smoothing: 0.1,
    dropout: (0.0, 0.0),
    longest: f64::INFINITY,
    strength: None,
};

const DROPOUT: Settings = Settings {
    name: "dropout",
    recipe: Recipe { epochs: 250, rate: 0.1, batch: 100, momentum: 0.9 },
    hidden: &[1024, 1024],
    weight_decay: 0.0,
    smoothing: 0.0,
    dropout: (0.2, 0.5),
    longest: 3.5,
    strength: None,
};

const ELASTIC: Settings = Settings {
    name: "elastic",
    recipe: Recipe { epochs: 40, rate: 0.1, batch: 100, momentum: 0.9 },
    hidden: &[1000, 500],
    weight_decay: 1e-5,
    smoothing: 0.0,
    dropout: (0.0, 0.0),
    longest: f64::INFINITY,
    strength: Some(Strength { angle: 12.0, scale: 0.15, shift: 0.5, alpha: 36.0, sigma: 5.5 }),
};

/// Trains by the recipe `name`, and says how many digits the network gets wrong.
pub fn run(name: &str, flags: &Flags) -> Result<(), Box<dyn Error>> {
    let found = [PLAIN, DROPOUT, ELASTIC].into_iter().find(|settings| settings.name == name);
    train(&Settings { recipe: flags.recipe, ..found.ok_or("no such recipe")? }, flags)
}

pub fn train(settings: &Settings, flags: &Flags) -> Result<(), Box<dyn Error>> {
    let Recipe { epochs, rate, batch: _, momentum } = settings.recipe;
    let folder = MNIST.place(flags)?;
    let whole = Dataset::mnist_train(&folder).map_err(|error| MNIST.how_to_get_it(flags, &folder, error))?;
    let (train, held_out) = match flags.validation {
        true => (whole.rows(0..50_000)?, whole.rows(50_000..60_000)?),
        // Measured at the end alone.
        false => (whole, Dataset::mnist_test(&folder).map_err(|error| MNIST.how_to_get_it(flags, &folder, error))?),
    };
    let batch = flags.batch(train.len())?;
    let smooth = train.clone().smooth_labels(settings.smoothing)?;

    let mut rng = ChaCha8Rng::seed_from_u64(flags.seed);
    let mut builder = Network::builder(784).init(Init::HeNormal);
    for &units in settings.hidden {
        builder = builder.layer(units, Activation::Relu);
    }
    let mut network: Network<f32> = builder.layer(10, Activation::Softmax).build(&mut rng)?;

    let sgd =
        Sgd::new(rate).momentum(momentum).schedule(Schedule::Cosine { epochs }).weight_decay(settings.weight_decay);
    let distortion = settings.strength.map(Distortion::new);
    let progress = Progress::new(epochs);
    let mut trainer = Trainer::new(Loss::CrossEntropy, ShortColumns::new(sgd, settings.longest))
        .epochs(epochs)
        .batch_size(batch)
        .dropout(settings.dropout.0, settings.dropout.1);
    if let Some(distortion) = &distortion {
        trainer = trainer.augment(|row, rng| distortion.apply(row, rng));
    }
    if flags.validation {
        trainer = trainer.validation(&held_out);
    }
    let mut trainer = trainer.on_epoch(|report| {
        progress.epoch(report.epoch + 1, report.cost);
        let held_out =
            report.validation_accuracy.map(|right| format!(", held-out error {:.2} %", 100.0 * (1.0 - right)));
        progress.say(format!(
            "epoch {}: cost {:.4}, training error {:.2} %{}",
            report.epoch + 1,
            report.cost,
            100.0 * (1.0 - report.accuracy.unwrap_or(0.0)),
            held_out.unwrap_or_default(),
        ));
        ControlFlow::Continue(())
    });
    let begin = Instant::now();
    let history = trainer.fit(&mut network, &smooth, &mut rng)?;
    let seconds = begin.elapsed().as_secs_f64();
    drop(trainer);
    progress.finish();
    println!("{epochs} epochs in {seconds:.0} seconds");

    let truth = held_out.labels().ok_or("digits have labels")?.to_vec();
    let predicted = network.classify(held_out.inputs())?.to_vec();
    let wrong: Vec<usize> = (0..held_out.len()).filter(|&row| predicted[row] != truth[row]).collect();
    let error = wrong.len() as f64 / held_out.len() as f64;
    let (set, key) = if flags.validation { ("held-out", "held_out_error") } else { ("test", "test_error") };
    println!("{} of {} {set} digits wrong: {:.2} %", wrong.len(), held_out.len(), 100.0 * error);

    if flags.plots {
        let probabilities = network.predict(held_out.inputs())?;
        let tile = |&row: &usize| {
            let (said, is) = (predicted[row], truth[row]);
            let sure = |class: usize| format!("{:.0} %", 100.0 * probabilities[[row, class]]);
            let lines = vec![format!("{said}: {}", sure(said)), format!("is {is}: {}", sure(is))];
            Tile { image: Image::Digit(pixels(&held_out, row)), lines, wrong: true }
        };
        let tiles: Vec<Tile> = wrong.iter().map(tile).collect();
        let title = format!(
            "All {} of {} {set} digits that {name} gets wrong",
            wrong.len(),
            held_out.len(),
            name = settings.name
        );
        let under = "What the network took each for, and how probable it held that and the truth to be.";
        pictures::tiles(&flags.picture("wrong"), &title, under, (9, 60.0), &tiles)?;

        let weights = network.layers()[0].affine.weights.slice(s![.., ..100]);
        let title = format!("First-layer weights of 100 of {} hidden units", settings.hidden[0]);
        let under = "One square per hidden unit: what it looks for (vermilion) and what speaks against it (blue).";
        pictures::weights(&flags.picture("weights"), &title, under, weights)?;

        // The logarithmic axis has no 0, which the training error reaches: it ends at 0.01 %.
        let percent = |right: &[f64]| -> Vec<f64> { right.iter().map(|r| (100.0 * (1.0 - r)).max(0.01)).collect() };
        let (training, held_out) = (percent(&history.accuracy), percent(&history.validation_accuracy));
        let mut series = vec![Series::by_epoch("training digits, as trained", &training)];
        if flags.validation {
            series.push(Series::by_epoch("held-out digits", &held_out));
        }
        let title = format!("MNIST, recipe {}: error", settings.name);
        pictures::curves(&flags.picture("error"), &title, "error (%)", Scale::Log, &series)?;
        if let Some(distortion) = &distortion {
            distorted(flags, &train, distortion)?;
        }
    }
    result_line("mnist", flags.seed, epochs, &[(key, error)]);
    Ok(())
}

fn pixels(data: &Dataset<f32>, row: usize) -> ArrayView1<'_, f32> {
    data.inputs().slice_move(s![row, ..])
}

/// A page of digits, each as it is and distorted eight times.
fn distorted(flags: &Flags, train: &Dataset<f32>, distortion: &Distortion) -> Result<(), Box<dyn Error>> {
    const COPIES: usize = 9;
    let labels = train.labels().ok_or("digits have labels")?;
    let mut rng = ChaCha8Rng::seed_from_u64(flags.seed);
    // The first of each digit.
    let firsts: Vec<usize> = (0..10).filter_map(|digit| labels.iter().position(|&label| label == digit)).collect();
    let mut page = Array2::zeros((COPIES * firsts.len(), 784));
    for (i, mut row) in page.axis_iter_mut(Axis(0)).enumerate() {
        row.assign(&pixels(train, firsts[i / COPIES]));
        if i % COPIES > 0 {
            distortion.apply(row, &mut rng);
        }
    }
    let tile = |row| Tile { image: Image::Digit(row), lines: vec![], wrong: false };
    let tiles: Vec<Tile> = page.axis_iter(Axis(0)).map(tile).collect();
    let under = "Left: as it was written. Then eight of the copies that the network trains on.";
    pictures::tiles(&flags.picture("distorted"), "Digits, distorted", under, (COPIES, 68.0), &tiles)
}
