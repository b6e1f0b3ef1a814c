//! CIFAR-10: small colour photographs with two layers, ReLU, softmax and weight decay.
//!
//! Follows a tutorial that classifies 32×32 colour pictures of ten kinds of things. Its network is 3072-100-10: affine,
//! ReLU, affine, softmax loss, each a pair of a forward and a backward function with a cache between them (here
//! `Network::forward` and `Network::backward`, with `Workspace` as the cache). Weights 0.001·N(0,1), biases 0. Its cost
//! is −mean ln p of the right class + ½·reg·ΣW² over both weight matrices and no biases: cross-entropy and the weight
//! decay of `Sgd`. It trains on 5,000 pictures "for speed", and tests on 500.
//!
//! Where the tutorial is silent: it names neither optimiser nor rate, batch, epochs, scaling or accuracy. This example
//! subtracts the mean picture of the training set, keeps pixels on their scale of 0 to 255, and trains for 20 epochs of
//! batches of 100, with momentum 0.9, a rate of 1e-4 and no weight decay.
//!
//! What to look at: the cost starts at ln 10 = 2.3026, because weights this small make all ten answers alike. It keeps
//! falling on the training set and rises again on the 500 test pictures: the network learns 5,000 pictures by heart.
//! `--better` has a weight decay of 0.9, and a rate that starts at 5e-4 and falls by a tenth per epoch. It gets fewer
//! training pictures right and more test pictures: in the median of ten seeds, not with each. (With 500 pictures, an
//! accuracy of 40 % is known to about 2 points.) Its first-layer weights show patches of colour among the speckles. With
//! pixels this large, a rate of 1e-3 makes training diverge: try `--rate 1e-3`.
//!
//! The data: `data_batch_1.bin` and `test_batch.bin` of the binary version in one folder, named by `--data` or
//! `CIFAR10_DIR` (default `data/cifar-10`). With `--features download`, `--download` fetches them (170 MB, the first
//! time).

mod common;

use chainrule::rand::SeedableRng;
use chainrule::{
    Activation, ChaCha8Rng, ConfusionMatrix, Dataset, Init, Loss, Network, Scaling, Schedule, Sgd, Trainer, accuracy,
};
use common::data::CIFAR10;
use common::flags::{Example, Extra, Flags, Recipe};
use common::pictures::{self, Image, Scale, Series, Tile};
use common::progress::{Progress, result_line};
use std::error::Error;
use std::process::ExitCode;

const EXAMPLE: Example = Example {
    name: "cifar10",
    about: "colour photographs, ReLU and softmax, weight decay",
    tutorial: Recipe { epochs: 20, rate: 1e-4, batch: 100, momentum: 0.9 },
    better: Recipe { epochs: 20, rate: 5e-4, batch: 400, momentum: 0.9 },
    extras: &[Extra::Data(&CIFAR10)],
};

const CLASSES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

fn main() -> ExitCode {
    common::run(cifar10)
}

fn cifar10() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse(&EXAMPLE);
    let Recipe { epochs, rate, momentum, .. } = flags.recipe;
    let mut rng = ChaCha8Rng::seed_from_u64(flags.seed);

    let folder = CIFAR10.place(&flags)?;
    let read = |file: &str, rows| {
        Dataset::<f32>::from_cifar10([folder.join(file)], Some(rows))
            .map_err(|error| CIFAR10.how_to_get_it(&flags, &folder, error))
    };
    let train = read("data_batch_1.bin", 5_000)?;
    let photos = read("test_batch.bin", 500)?;
    let batch = flags.batch(train.len())?;
    let mean = Scaling::mean(&train)?;
    let train = mean.apply(train)?;
    let test = mean.apply(photos.clone())?;

    let mut network: Network<f32> = Network::builder(3072)
        .layer(100, Activation::Relu)
        .layer(10, Activation::Softmax)
        .init(Init::Normal { std: 0.001 })
        .build(&mut rng)?;
    let start = network.cost(train.inputs(), train.targets(), Loss::CrossEntropy)?;
    println!("cost at the start: {start:.4} (ln 10 = {:.4})", 10f64.ln());

    let (schedule, decay) =
        if flags.better { (Schedule::Exponential { factor: 0.9 }, 0.9) } else { (Schedule::Constant, 0.0) };
    let mut trainer =
        Trainer::new(Loss::CrossEntropy, Sgd::new(rate).momentum(momentum).schedule(schedule).weight_decay(decay))
            .epochs(1)
            .batch_size(batch)
            .shuffle(true)
            .validation(&test);
    let labels = |data: &Dataset<f32>| data.labels().map(<[usize]>::to_vec).ok_or("pictures have labels");
    let known = labels(&train)?;
    let (mut penalties, mut train_accuracies) = (vec![], vec![]);
    let progress = Progress::new(epochs);
    for epoch in 1..=epochs {
        // One epoch per fit, to look at the network in between. Many fits of one epoch equal one fit of many.
        let done = trainer.fit(&mut network, &train, &mut rng)?;
        let penalty = network.l2_penalty(decay);
        let train_accuracy = accuracy(&network.classify(train.inputs())?.to_vec(), &known)?;
        let (cost, test_accuracy) = (done.cost[0], done.validation_accuracy[0]);
        progress.epoch(epoch, cost);
        // A diverging cost is not worth forty digits.
        let parts = match cost < 1e6 {
            true => format!("cost {cost:.4} = data {:.4} + penalty {penalty:.4}", cost - penalty),
            false => format!("cost {cost:.1e}"),
        };
        let (training, test) = (100.0 * train_accuracy, 100.0 * test_accuracy);
        progress.say(format!("epoch {epoch}: {parts}, accuracy: training {training:.1} %, test {test:.1} %"));
        penalties.push(penalty);
        train_accuracies.push(train_accuracy);
    }
    progress.finish();

    // Evaluation: the confusion matrix.
    let history = trainer.history();
    let predicted = network.classify(test.inputs())?.to_vec();
    let truth = labels(&test)?;
    let confusion = ConfusionMatrix::new(&predicted, &truth, 10)?;
    let cost = network.cost(train.inputs(), train.targets(), Loss::CrossEntropy)?;
    let penalty = network.l2_penalty(decay);
    let (train_accuracy, test_accuracy) = (train_accuracies[epochs - 1], confusion.accuracy());
    println!("rows: truth; columns: prediction; 0 to 9: {}\n{confusion}", CLASSES.join(", "));

    if flags.plots {
        let title = format!("{:.1} % of the 500 test pictures right", 100.0 * test_accuracy);
        // The pictures before the mean was subtracted.
        let photos = photos.inputs();
        let probabilities = network.predict(test.inputs())?;
        let tile = |row: usize| {
            let (guess, is) = (predicted[row], truth[row]);
            let sure = format!("{:.0} %", 100.0 * probabilities[[row, guess]]);
            let second = if guess == is { sure } else { format!("is {}", CLASSES[is]) };
            let lines = vec![CLASSES[guess].to_string(), second];
            Tile { image: Image::Photo(photos.row(row)), lines, wrong: guess != is }
        };
        let shown: Vec<Tile> = (0..test.len().min(14)).map(tile).collect();
        let under = "The first of the test set, with the answers; mistakes are framed.";
        pictures::tiles(&flags.picture("photos"), &title, under, (7, 64.0), &shown)?;
        let weights = network.layers()[0].affine.weights.view();
        pictures::colour_weights(&flags.picture("weights"), "First-layer weights of the 100 hidden units", weights)?;
        pictures::confusion(&flags.picture("confusion"), &title, confusion.counts().view(), &CLASSES)?;

        let data: Vec<f64> = history.cost.iter().zip(&penalties).map(|(cost, penalty)| cost - penalty).collect();
        let mut series =
            vec![Series::by_epoch("training set", &data), Series::by_epoch("test set", &history.validation_cost)];
        if decay > 0.0 {
            series.push(Series::by_epoch("penalty", &penalties));
            series.push(Series::by_epoch("training + penalty", &history.cost));
        }
        pictures::curves(&flags.picture("cost"), "CIFAR-10: cost", "cross-entropy (nats)", Scale::Linear, &series)?;
        let series = [
            Series::by_epoch("training set", &train_accuracies),
            Series::by_epoch("test set", &history.validation_accuracy),
        ];
        pictures::curves(&flags.picture("accuracy"), "CIFAR-10: accuracy", "accuracy", Scale::Share, &series)?;
    }
    common::improved(start, cost)?;
    let figures =
        [("cost", cost), ("penalty", penalty), ("train_accuracy", train_accuracy), ("test_accuracy", test_accuracy)];
    result_line("cifar10", flags.seed, epochs, &figures);
    Ok(())
}
