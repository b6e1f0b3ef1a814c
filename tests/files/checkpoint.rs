//! Training that stops and goes on in another process takes the same steps, to the bit.

use super::files::{Folder, Parts, given_path, run};
use super::hostile::f64s;
use super::{SOFTPLUS, problem};
use chainrule::rand::SeedableRng;
use chainrule::{Activation, Adam, ChaCha8Rng, Dataset, EarlyStopping, FileProblem, Loss, Network, Real, RmsProp};
use chainrule::{Schedule, Sgd, Trainer};
use std::fs;
use std::path::Path;

const ABSOLUTE: Loss = Loss::Custom { name: "absolute", value: |a, y| (a - y).abs(), slope: |a, y| (a - y).signum() };

pub fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

/// How something is trained, its data aside.
pub struct Training<F> {
    loss: Loss,
    sgd: Sgd<F>,
    activations: [Activation; 2],
    batch_size: Option<usize>,
    shuffle: bool,
    validation: bool,
}

pub fn some_training<F: Real>() -> Training<F> {
    Training {
        loss: Loss::CrossEntropy,
        sgd: Sgd::new(0.1).momentum(0.9).weight_decay(1e-4).schedule(Schedule::Cosine { epochs: 20 }),
        activations: [Activation::Tanh, Activation::Softmax],
        batch_size: Some(8),
        shuffle: true,
        validation: true,
    }
}

/// 50 rows: batches of 8 leave a last one of 2.
pub fn data<F: Real>() -> (Dataset<F>, Dataset<F>) {
    Dataset::moons(70, 0.2, &mut rng()).unwrap().split(50.0 / 70.0, &mut rng()).unwrap()
}

/// A trainer and its network after some epochs.
pub fn trained<'d, F: Real>(
    training: &Training<F>,
    (train, test): &'d (Dataset<F>, Dataset<F>),
    epochs: usize,
) -> (Trainer<'d, F>, Network<F>) {
    let [hidden, output] = training.activations;
    let mut network = Network::builder(2).layer(5, hidden).layer(2, output).build(&mut rng()).unwrap();
    let mut trainer = Trainer::new(training.loss, training.sgd.clone()).epochs(epochs).shuffle(training.shuffle);
    if let Some(rows) = training.batch_size {
        trainer = trainer.batch_size(rows);
    }
    if training.validation {
        trainer = trainer.validation(test);
    }
    trainer.fit(&mut network, train, &mut rng()).unwrap();
    (trainer, network)
}

/// Each kind of thing that a checkpoint holds, present and absent.
fn trainings<F: Real>() -> Vec<(&'static str, Training<F>)> {
    let plain = Training {
        loss: Loss::MeanSquaredError,
        sgd: Sgd::new(0.3),
        activations: [Activation::Relu, Activation::Identity],
        batch_size: None,
        shuffle: false,
        validation: false,
    };
    let step = Schedule::Step { every: 3, factor: 0.7 };
    let custom = Training {
        loss: ABSOLUTE,
        sgd: Sgd::new(0.1 / 3.0).momentum(1.0 / 3.0).schedule(step),
        activations: [SOFTPLUS, Activation::Sigmoid],
        ..some_training()
    };
    let slower = Schedule::Exponential { factor: 0.9 };
    let sigmoid = Training {
        loss: Loss::BinaryCrossEntropy,
        sgd: Sgd::new(1.0).schedule(slower),
        activations: [Activation::Relu, Activation::Sigmoid],
        ..some_training()
    };
    vec![("some", some_training()), ("plain", plain), ("custom", custom), ("sigmoid", sigmoid)]
}

fn load<F: Real>(training: &Training<F>, path: &Path) -> (Trainer<'static, F>, Network<F>) {
    Trainer::load_checkpoint_with(path, training.loss, &training.activations).unwrap()
}

/// Every training of 20 epochs: in one go here; 7 epochs here and 13 in a new process.
#[test]
fn twenty_epochs_are_seven_and_thirteen_in_another_process() {
    fn check<F: Real>(folder: &Folder, number: &str) {
        for (name, training) in trainings::<F>() {
            let data = data();
            let (trainer, network) = trained(&training, &data, 20);
            // the number of epochs to come is the one thing that differs
            trainer.epochs(13).save_checkpoint(&network, folder.file(&format!("{name}.{number}.twenty"))).unwrap();
            let (trainer, network) = trained(&training, &data, 7);
            trainer.save_checkpoint(&network, folder.file(&format!("{name}.{number}.seven"))).unwrap();
        }
    }
    let folder = Folder::new("resume");
    check::<f32>(&folder, "f32");
    check::<f64>(&folder, "f64");
    run("checkpoint::thirteen_more_epochs", "", &folder.file(""));
    for (name, _) in trainings::<f32>() {
        for number in ["f32", "f64"] {
            let file = |end: &str| fs::read(folder.file(&format!("{name}.{number}.{end}"))).unwrap();
            // parameters, velocity, history, rates and the shuffling number: the whole file
            assert!(file("seven and thirteen") == file("twenty"), "{name}, {number}");
            assert!(file("seven and thirteen") != file("seven"), "{name}, {number}");
        }
    }
}

#[test]
fn thirteen_more_epochs() {
    fn go_on<F: Real>(folder: &Path, number: &str) {
        let (train, test) = data();
        for (name, training) in trainings::<F>() {
            let (trainer, mut network) = load(&training, &folder.join(format!("{name}.{number}.seven")));
            let mut trainer = trainer.epochs(13);
            if training.validation {
                trainer = trainer.validation(&test);
            }
            let mut other = ChaCha8Rng::seed_from_u64(99); // not asked: the file has the number
            let history = trainer.fit(&mut network, &train, &mut other).unwrap();
            assert_eq!((history.cost.len(), trainer.history().cost.len()), (13, 20));
            let path = folder.join(format!("{name}.{number}.seven and thirteen"));
            trainer.save_checkpoint(&network, path).unwrap();
        }
    }
    let Some(folder) = given_path() else { return };
    go_on::<f32>(&folder, "f32");
    go_on::<f64>(&folder, "f64");
}

#[test]
fn a_checkpoint_is_the_same_after_loading() {
    let folder = Folder::new("same");
    let (path, again) = (folder.file("checkpoint"), folder.file("again"));
    for (_, training) in trainings::<f64>() {
        for epochs in [0, 2] {
            let data = data();
            let (trainer, network) = trained(&training, &data, epochs);
            trainer.save_checkpoint(&network, &path).unwrap();
            let (loaded, loaded_network) = load(&training, &path);
            assert_eq!(loaded.history(), trainer.history());
            assert_eq!(format!("{loaded:?}"), format!("{trainer:?}"));
            assert_eq!(loaded_network, network);
            loaded.save_checkpoint(&loaded_network, &again).unwrap();
            assert!(fs::read(&again).unwrap() == fs::read(&path).unwrap());
        }
    }
    // numbers of every kind, and no fit yet
    for number in [0.1, 1e-300, 5e-324, f64::MAX, 1.0 / 3.0, -0.0, f64::INFINITY] {
        let schedules =
            [Schedule::Exponential { factor: number }, Schedule::Step { every: usize::MAX, factor: number }];
        for schedule in schedules {
            let sgd = Sgd::<f64>::new(number).momentum(number).weight_decay(number).schedule(schedule);
            let trainer = Trainer::new(Loss::CrossEntropy, sgd).epochs(usize::MAX).batch_size(usize::MAX);
            trainer.save_checkpoint(&trained(&some_training(), &data(), 0).1, &path).unwrap();
            let (loaded, _) = Trainer::<f64>::load_checkpoint(&path).unwrap();
            assert_eq!(format!("{loaded:?}"), format!("{trainer:?}"));
        }
    }
}

#[test]
fn the_network_of_a_checkpoint_loads_on_its_own() {
    let folder = Folder::new("network-of");
    let data = data();
    let (trainer, network) = trained::<f32>(&some_training(), &data, 2);
    trainer.save_checkpoint(&network, folder.file("checkpoint")).unwrap();
    assert_eq!(Network::<f32>::load(folder.file("checkpoint")).unwrap(), network);
    assert!(Network::<f64>::load(folder.file("checkpoint")).is_ok());
    let message = problem(Trainer::<f64>::load_checkpoint(folder.file("checkpoint"))).to_string();
    assert_eq!(
        message,
        r#"metadata number: expected f64 (to load this one, Trainer::<f32>::load_checkpoint), found "f32""#
    );
}

#[test]
fn custom_ones_come_with_the_call() {
    let folder = Folder::new("custom-checkpoint");
    let path = folder.file("checkpoint");
    let (_, training) = trainings::<f64>().swap_remove(2);
    let data = data();
    let (trainer, network) = trained(&training, &data, 1);
    trainer.save_checkpoint(&network, &path).unwrap();

    let needs = |entry, name: &str| FileProblem::NeedsFunctions { entry, name: name.into() };
    assert_eq!(problem(Trainer::<f64>::load_checkpoint(&path)), needs("loss", "absolute"));
    assert_eq!(problem(Network::<f64>::load(&path)), needs("activations", "softplus"));
    let with = |loss, activations: &[Activation]| Trainer::<f64>::load_checkpoint_with(&path, loss, activations);
    assert!(with(ABSOLUTE, &training.activations).is_ok());
    let message = problem(with(Loss::MeanSquaredError, &training.activations)).to_string();
    assert_eq!(message, r#"metadata loss: expected "mean squared error", as the caller says, found "custom:absolute""#);
    assert!(with(ABSOLUTE, &[Activation::Relu, Activation::Sigmoid]).is_err());
}

#[test]
fn a_network_that_was_not_trained_here_is_refused() {
    let folder = Folder::new("another-network");
    let data = data();
    let (trainer, _) = trained::<f64>(&some_training(), &data, 1);
    let another = super::network(&[2, 4, 2], &[Activation::Tanh, Activation::Softmax]);
    let message = trainer.save_checkpoint(&another, folder.file("checkpoint")).unwrap_err().to_string();
    assert_eq!(
        message,
        "layer 0: velocity of the weights: expected shape [2, 4], found [2, 5]. The optimiser has trained another network: reset it, or make a new one"
    );
    assert!(folder.names().is_empty());
}

#[test]
fn epochs_without_end_go_on_too() {
    let folder = Folder::new("endless");
    let data = data();
    let (trainer, network) = trained::<f64>(&some_training(), &data, 2);
    trainer.epochs(usize::MAX).save_checkpoint(&network, folder.file("checkpoint")).unwrap();
    let (trainer, mut network) = Trainer::<f64>::load_checkpoint(folder.file("checkpoint")).unwrap();
    let mut trainer = trainer.on_epoch(|_| std::ops::ControlFlow::Break(()));
    assert_eq!(trainer.fit(&mut network, &data.0, &mut rng()).unwrap().cost.len(), 1);
}

/// 20 epochs in one go, and 7 and 13 with a checkpoint between: the same file, which has all parameters, states and
/// numbers. A macro, since the bound of the optimisers is private.
macro_rules! seven_and_thirteen {
    ($optimizer:expr, $kind:ty, $settings:expr) => {{
        let folder = Folder::new("seven-and-thirteen");
        let (train, test) = data::<f64>();
        let settings: for<'a> fn(Trainer<'a, f64, $kind>) -> Trainer<'a, f64, $kind> = $settings;
        let start = || Network::builder(2).layer(5, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng());
        let trainer = || settings(Trainer::new(Loss::CrossEntropy, $optimizer).batch_size(8)).validation(&test);

        let mut network = start().unwrap();
        let mut in_one = trainer().epochs(20);
        in_one.fit(&mut network, &train, &mut rng()).unwrap();
        in_one.epochs(13).save_checkpoint(&network, folder.file("twenty")).unwrap();

        let mut network = start().unwrap();
        let mut first = trainer().epochs(7);
        first.fit(&mut network, &train, &mut rng()).unwrap();
        first.save_checkpoint(&network, folder.file("seven")).unwrap();
        let (second, mut network) = Trainer::<f64, $kind>::load_checkpoint(folder.file("seven")).unwrap();
        let mut second = second.epochs(13).validation(&test);
        second.fit(&mut network, &train, &mut ChaCha8Rng::seed_from_u64(99)).unwrap();
        second.save_checkpoint(&network, folder.file("and thirteen")).unwrap();

        let file = |name| fs::read(folder.file(name)).unwrap();
        assert!(file("and thirteen") == file("twenty"), stringify!($optimizer));
        assert!(file("seven") != file("twenty"), stringify!($optimizer));
        (first.history().clone(), first.optimizer().current_rate())
    }};
}

#[test]
fn every_optimiser_and_setting_goes_on_exactly() {
    seven_and_thirteen!(Sgd::new(0.1).momentum(0.9).nesterov(true).warm_up(10), Sgd<f64>, |t| t);
    seven_and_thirteen!(RmsProp::new(0.01).decay(0.7).epsilon(1e-6), RmsProp<f64>, |t| t.dropout(0.1, 0.3));
    seven_and_thirteen!(Adam::new(0.01).betas(0.8, 0.95).weight_decay(0.1), Adam<f64>, |t| t.clip_norm(0.01));
    let cosine = Schedule::Cosine { epochs: 15 };
    seven_and_thirteen!(Adam::new(0.1).epsilon(1e-3).schedule(cosine), Adam<f64>, |t| t
        .shuffle(false)
        .dropout(0.5, 0.0));
    let plateau = Schedule::Plateau { factor: 0.3, patience: 2 };
    let (_, rate) = seven_and_thirteen!(Adam::new(0.3).schedule(plateau), Adam<f64>, |t| t);
    assert!(rate < 0.3, "the plateau has been met before the checkpoint");
}

/// The network in the file is the best one, and the training goes on from where it stood.
#[test]
fn early_stopping_goes_on_exactly() {
    let (history, _) = seven_and_thirteen!(Adam::new(0.3), Adam<f64>, |t| t
        .early_stopping(EarlyStopping::patience(50).min_improvement(1e-3)));
    assert!(history.best_epoch.unwrap() < 6, "the last epoch before the checkpoint was not the best");
    seven_and_thirteen!(Sgd::new(0.1), Sgd<f64>, |t| t.early_stopping(EarlyStopping::patience(50).on_accuracy()));
}

/// An epoch by hand, of which the one step leaves the network alone; only the order of the rows is of interest here.
fn order(trainer: &mut Trainer<'_, f64>, network: &mut Network<f64>, train: &Dataset<f64>, seed: u64) -> Vec<usize> {
    let rows = trainer.begin_epoch(network, train, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
    trainer.end_epoch(network, 1.0).unwrap();
    rows.concat()
}

#[test]
fn epochs_by_hand_go_on_exactly() {
    let folder = Folder::new("by-hand");
    let data = data();
    let (mut trainer, mut network) = trained::<f64>(&some_training(), &data, 1);
    order(&mut trainer, &mut network, &data.0, 1);
    trainer.save_checkpoint(&network, folder.file("checkpoint")).unwrap();
    let (mut resumed, mut loaded) = Trainer::<f64>::load_checkpoint(folder.file("checkpoint")).unwrap();
    assert_eq!(resumed.history().cost, trainer.history().cost);
    assert_eq!(
        order(&mut resumed, &mut loaded, &data.0, 2),
        order(&mut trainer, &mut network, &data.0, 1),
        "the checkpoint has the seed of the shuffles"
    );
    assert_eq!(resumed.optimizer().current_rate(), trainer.optimizer().current_rate());
}

#[test]
fn a_checkpoint_of_another_optimiser_says_which() {
    let folder = Folder::new("other-optimiser");
    let path = folder.file("checkpoint");
    let (train, _) = data::<f32>();
    let mut network = Network::builder(2).layer(2, Activation::Softmax).build(&mut rng()).unwrap();
    let mut trainer = Trainer::new(Loss::CrossEntropy, Adam::new(0.1));
    trainer.fit(&mut network, &train, &mut rng()).unwrap();
    trainer.save_checkpoint(&network, &path).unwrap();
    let message = problem(Trainer::<f32>::load_checkpoint(&path)).to_string();
    let text = r#"metadata optimizer: expected sgd (to load this one, Trainer::<f32, Adam<f32>>::load_checkpoint), found "adam""#;
    assert_eq!(message, text);
    // A network that the trainer has not trained, and a schedule whose function a file cannot hold.
    let other = Network::builder(2).layer(2, Activation::Softmax).build(&mut rng()).unwrap();
    let error = trainer.save_checkpoint(&other, &path).unwrap_err().to_string();
    assert!(error.starts_with("this trainer has trained another network for 10 epochs"), "{error}");
    let own = Schedule::Custom { name: "own", factor: |_| 1.0 };
    let error = problem(Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).schedule(own)).save_checkpoint(&network, &path));
    let text = r#"schedule: "own" is custom, and a file holds its name only: save the network alone, or take a schedule of the crate"#;
    assert_eq!(error.to_string(), text);
}

#[test]
fn moments_that_make_no_sense_are_refused() {
    let folder = Folder::new("moments");
    let path = folder.file("checkpoint");
    let (train, _) = data::<f64>();
    let mut network = Network::builder(2).layer(2, Activation::Softmax).build(&mut rng()).unwrap();
    let mut trainer = Trainer::new(Loss::CrossEntropy, Adam::new(0.1));
    trainer.fit(&mut network, &train, &mut rng()).unwrap();
    trainer.save_checkpoint(&network, &path).unwrap();
    let good = fs::read(&path).unwrap();
    let changed = |change: fn(&mut Parts)| {
        let mut parts = Parts::from_bytes(&good);
        change(&mut parts);
        fs::write(&path, parts.to_bytes()).unwrap();
        problem(Trainer::<f64, Adam<f64>>::load_checkpoint(&path)).to_string()
    };
    let message = changed(|parts| parts.tensors.get_mut("trainer.v.0.bias").unwrap().2 = f64s(&[0.0, -1.0]));
    assert_eq!(message, "tensor \"trainer.v\": expected numbers that are 0 or more, found -1");
    let message = changed(|parts| parts.tensors.retain(|name, _| !name.starts_with("trainer.m.")));
    assert_eq!(message, "tensor \"trainer.m\": expected moments m and v, both or neither, found only one");
    let message = changed(|parts| drop(parts.metadata.insert("steps".into(), "-1".into())));
    assert_eq!(message, "metadata steps: expected a count, found \"-1\"");
}

/// A checkpoint of the first version, in the middle of a training with momentum, loads and goes on with its bits.
#[test]
fn checkpoints_of_the_first_version_load() {
    let fixture = |name: &str| format!("{}/tests/fixtures/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    let mut rng = rng();
    let moons = Dataset::<f64>::moons(70, 0.2, &mut rng).unwrap();
    let (train, test) = moons.split(50.0 / 70.0, &mut rng).unwrap();
    let (trainer, mut network) = Trainer::<f64>::load_checkpoint(fixture("checkpoint")).unwrap();
    assert_eq!((trainer.history().cost.len(), trainer.history().validation_cost.len()), (7, 7));
    trainer.epochs(13).validation(&test).fit(&mut network, &train, &mut rng).unwrap();
    let twenty = Network::<f64>::load(fixture("twenty_epochs")).unwrap();
    for (found, expected) in network.layers().iter().zip(twenty.layers()) {
        // Another processor may round a product before it adds it.
        assert!(found.affine.weights.abs_diff_eq(&expected.affine.weights, 1e-9));
        assert!(found.affine.bias.abs_diff_eq(&expected.affine.bias, 1e-9));
    }
}
