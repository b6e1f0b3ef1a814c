//! [`Trainer::save_checkpoint`] and [`Trainer::load_checkpoint`].

use super::names::{Named, by_name};
use super::network::{is_own, no_more, numbered, put_affines, put_network, read, take_affines, take_network, write};
use super::safetensors::{SafeTensors, number_type};
use crate::activation::Activation;
use crate::error::{FileProblem, Result, check_finite, check_shape};
use crate::io::in_file;
use crate::layer::Affine;
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::{Schedule, Sgd};
use crate::real::Real;
use crate::train::{History, Trainer};
use ndarray::{Array1, ArrayView1};
use std::path::Path;

impl<F: Real> Trainer<'_, F> {
    /// Saves the trainer and its network, so that training can continue as if it had never stopped. Needs the feature
    /// `safetensors`.
    ///
    /// The file holds the network, the loss, the optimiser with its velocity, the [history](Trainer::history) with the
    /// number of epochs, and the seed of the shuffles. It does not hold the data, the validation set or the
    /// [`on_epoch`](Trainer::on_epoch) callback. The write is atomic like that of [`Network::save`], and
    /// [`Network::load`] can read the network from a checkpoint.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the file cannot be written,
    /// [`Error::NotFinite`](crate::Error::NotFinite) for a NaN or an infinity among the parameters,
    /// [`Error::Shape`](crate::Error::Shape) for a network that this trainer has not trained.
    ///
    /// ```
    /// use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, rand::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let data = Dataset::<f32>::moons(100, 0.1, &mut rng)?;
    /// let mut network = Network::builder(2).layer(8, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng)?;
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-checkpoint-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let path = folder.join("moons.checkpoint.safetensors");
    ///
    /// // one epoch at a time, and a checkpoint after each
    /// let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9)).epochs(1);
    /// for _ in 0..3 {
    ///     trainer.fit(&mut network, &data, &mut rng)?;
    ///     trainer.save_checkpoint(&network, &path)?;
    /// }
    ///
    /// // later, perhaps in another process
    /// let (trainer, mut resumed) = Trainer::<f32>::load_checkpoint(&path)?;
    /// assert_eq!(resumed, network);
    /// let mut trainer = trainer.epochs(2);
    /// trainer.fit(&mut resumed, &data, &mut rng)?; // epochs 3 and 4
    /// assert_eq!(trainer.history().cost.len(), 5);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn save_checkpoint(&self, network: &Network<F>, path: impl AsRef<Path>) -> Result<()> {
        let mut file = SafeTensors::default();
        let Sgd { learning_rate, momentum, weight_decay, schedule, epoch, velocity } = &self.optimizer;
        let entries = [
            ("loss", self.loss.saved_name()),
            ("learning_rate", learning_rate.to_string()),
            ("momentum", momentum.to_string()),
            ("weight_decay", weight_decay.to_string()),
            ("schedule", schedule_to_text(*schedule)),
            ("epoch", epoch.to_string()),
            ("epochs", self.epochs.to_string()),
            ("shuffle", self.shuffle.to_string()),
            ("batch_size", or_none(self.batch_size.map(|rows| rows.to_string()))),
            ("shuffling", or_none(self.shuffling.map(|seed| seed.to_string()))),
        ];
        file.metadata.extend(entries.map(|(key, text)| (key.to_string(), text)));
        let History { cost, validation_cost, validation_accuracy } = &self.history;
        // F64 before F32 aligns every number to its width.
        file.insert("trainer.cost".into(), ArrayView1::from(cost));
        file.insert("trainer.validation_cost".into(), ArrayView1::from(validation_cost));
        file.insert("trainer.validation_accuracy".into(), ArrayView1::from(validation_accuracy));
        put_network(network, &mut file)?;
        if let Some(velocity) = velocity {
            check_velocity(network, velocity)?;
            put_affines("trainer.velocity.", network, velocity.iter(), &mut file)?;
        }
        write(&file, path.as_ref())
    }

    /// Loads a trainer and its network, written by [`save_checkpoint`](Trainer::save_checkpoint), to continue with
    /// [`fit`](Trainer::fit). Needs the feature `safetensors`.
    ///
    /// On the same data the next steps are bit-identical to those of uninterrupted training. All saved settings are
    /// restored. Set [`epochs`](Trainer::epochs) to the number of further epochs, and set
    /// [`validation`](Trainer::validation) and [`on_epoch`](Trainer::on_epoch) again.
    ///
    /// # Errors
    /// As [`Network::load`]; also for a checkpoint of the other number type, which could not continue with the same
    /// bits.
    pub fn load_checkpoint(path: impl AsRef<Path>) -> Result<(Self, Network<F>)> {
        load(path.as_ref(), None, None)
    }

    /// Loads a checkpoint with the given loss and activations, one activation per layer. Custom functions need it,
    /// because a file holds only their names. They must match the names in the file. Needs the feature `safetensors`.
    ///
    /// # Errors
    /// As [`load_checkpoint`](Trainer::load_checkpoint).
    ///
    /// ```
    /// use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, rand::SeedableRng};
    ///
    /// let loss = Loss::Custom { name: "half", value: |a, y| (a - y).powi(2) / 2.0, slope: |a, y| a - y };
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let network = Network::<f64>::builder(2).layer(1, Activation::Sigmoid).build(&mut rng)?;
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-checkpoint-with-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let path = folder.join("half.safetensors");
    /// Trainer::new(loss, Sgd::new(1.0)).save_checkpoint(&network, &path)?;
    ///
    /// let error = Trainer::<f64>::load_checkpoint(&path).unwrap_err();
    /// assert!(error.to_string().ends_with("pass its functions to load_with or load_checkpoint_with"));
    /// let (trainer, network) = Trainer::<f64>::load_checkpoint_with(&path, loss, &[Activation::Sigmoid])?;
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn load_checkpoint_with(
        path: impl AsRef<Path>,
        loss: Loss,
        activations: &[Activation],
    ) -> Result<(Self, Network<F>)> {
        load(path.as_ref(), Some(loss), Some(activations))
    }
}

fn load<'a, F: Real>(
    path: &Path,
    loss: Option<Loss>,
    activations: Option<&[Activation]>,
) -> Result<(Trainer<'a, F>, Network<F>)> {
    let load = || {
        let mut file = read(path)?;
        let loss = by_name(file.text("loss", "the loss of a checkpoint (to load a network, Network::load)")?, loss)?;
        if !is_own(&file) {
            file.text("chainrule", "the version of the format")?;
        }
        let (number, expected) = (file.text("number", number_type::<F>())?, number_type::<F>());
        if number != expected {
            let expected = match number {
                "f32" | "f64" => format!("{expected} (to load this one, Trainer::<{number}>::load_checkpoint)"),
                _ => expected.into(),
            };
            return Err(FileProblem::Metadata { key: "number", expected, found: Some(number.into()) });
        }
        let (number, count) = ("a number", "a count");
        let mut sgd = Sgd::new(file.value("learning_rate", number)?)
            .momentum(file.value("momentum", number)?)
            .weight_decay(file.value("weight_decay", number)?)
            .schedule(schedule_from_text(&file)?);
        sgd.set_epoch(file.value("epoch", count)?);

        let history = take_history(&mut file)?;
        let velocity = take_affines(numbered("trainer.velocity.", &file), &mut file)?;
        let network = take_network(&mut file, None, activations)?;
        if !velocity.is_empty() {
            check_velocity(&network, &velocity)?;
            sgd.velocity = Some(velocity);
        }
        no_more(file.names())?;

        let mut trainer = Trainer::new(loss, sgd);
        trainer.epochs = file.value("epochs", count)?;
        trainer.shuffle = file.value("shuffle", "true or false")?;
        if file.text("batch_size", count)? != NONE {
            trainer.batch_size = Some(file.value("batch_size", count)?);
        }
        if file.text("shuffling", count)? != NONE {
            trainer.shuffling = Some(file.value("shuffling", count)?);
        }
        trainer.history = history;
        Ok((trainer, network))
    };
    load().map_err(in_file(path))
}

/// The text for an optional number that is not set.
const NONE: &str = "none";

fn or_none(number: Option<String>) -> String {
    number.unwrap_or_else(|| NONE.into())
}

fn schedule_to_text(schedule: Schedule) -> String {
    match schedule {
        Schedule::Constant => "constant".into(),
        Schedule::Exponential { factor } => format!("exponential {factor}"),
        Schedule::Step { every, factor } => format!("step {every} {factor}"),
        Schedule::Cosine { epochs } => format!("cosine {epochs}"),
    }
}

fn schedule_from_text(file: &SafeTensors) -> Result<Schedule, FileProblem> {
    let expected = "constant, exponential, step or cosine, with its numbers";
    let text = file.text("schedule", expected)?;
    let parse = || {
        Some(match text.split(' ').collect::<Vec<_>>()[..] {
            ["constant"] => Schedule::Constant,
            ["exponential", factor] => Schedule::Exponential { factor: factor.parse().ok()? },
            ["step", every, factor] => Schedule::Step { every: every.parse().ok()?, factor: factor.parse().ok()? },
            ["cosine", epochs] => Schedule::Cosine { epochs: epochs.parse().ok()? },
            _ => return None,
        })
    };
    let wrong = || FileProblem::Metadata { key: "schedule", expected: expected.into(), found: Some(text.into()) };
    parse().ok_or_else(wrong)
}

/// Takes the history and checks that validation has no more epochs than training.
fn take_history(file: &mut SafeTensors) -> Result<History, FileProblem> {
    let mut take = |tensor: &str| file.take(tensor).map(|numbers: Array1<f64>| numbers.to_vec());
    let cost = take("trainer.cost")?;
    let validation_cost = take("trainer.validation_cost")?;
    let validation_accuracy = take("trainer.validation_accuracy")?;
    for validation in [&validation_cost, &validation_accuracy] {
        let most = cost.len().min(validation.len());
        check_shape("epochs of the validation", None, &[most], &[validation.len()])?;
    }
    Ok(History { cost, validation_cost, validation_accuracy })
}

/// Checks that V has the shapes of the parameters and finite numbers.
fn check_velocity<F: Real>(network: &Network<F>, velocity: &[Affine<F>]) -> Result<()> {
    check_shape("layers of the velocity", None, &[network.layers().len()], &[velocity.len()])?;
    for (l, (layer, v)) in network.layers().iter().zip(velocity).enumerate() {
        let Affine { weights, bias } = &layer.affine;
        check_shape("velocity of the weights", Some(l), weights.shape(), v.weights.shape())?;
        check_shape("velocity of the bias", Some(l), bias.shape(), v.bias.shape())?;
        check_finite("velocity of the weights", Some(l), &v.weights.view())?;
        check_finite("velocity of the bias", Some(l), &v.bias.view())?;
    }
    Ok(())
}
