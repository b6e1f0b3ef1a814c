//! [`Trainer::save_checkpoint`] and [`Trainer::load_checkpoint`].

use super::names::{Named, by_name};
use super::network::{is_own, no_more, numbered, put_affines, put_network, read, take_affines, take_network, write};
use super::optimizers::{SavedOptimizer, put_rate, take_rate};
use super::safetensors::{SafeTensors, number_type};
use crate::activation::Activation;
use crate::dropout::Dropout;
use crate::error::{FileProblem, Result, check_shape};
use crate::io::in_file;
use crate::layer::Layer;
use crate::loss::Loss;
use crate::network::Network;
use crate::real::Real;
use crate::train::{EarlyStopping, History, Trainer, Watch, fingerprint};
use ndarray::{Array1, ArrayView1};
use std::path::Path;

impl<F: Real, O: SavedOptimizer<F>> Trainer<'_, F, O> {
    /// Saves the trainer and its network, so that training can continue as if it had never stopped. Needs the feature
    /// `safetensors`.
    ///
    /// The file holds the network, the loss, the optimiser ([`Sgd`](crate::Sgd), [`RmsProp`](crate::RmsProp) or
    /// [`Adam`](crate::Adam)) with its velocity or moments, dropout, clipping, early stopping with the best parameters
    /// so far, the [history](Trainer::history) with the number of epochs, and the seed of the shuffles and masks. It
    /// does not hold the data, the validation set, [`augment`](Trainer::augment) and
    /// [`on_epoch`](Trainer::on_epoch). The write is atomic like that of [`Network::save`], and
    /// [`Network::load`] can read the network from a checkpoint.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the file cannot be written,
    /// [`Error::NotFinite`](crate::Error::NotFinite) for a NaN or an infinity among the parameters,
    /// [`Error::Shape`](crate::Error::Shape) or [`Error::AnotherNetwork`](crate::Error::AnotherNetwork) for a network
    /// that this trainer has not trained. A [`Schedule::Custom`](crate::Schedule::Custom) cannot be saved.
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
        let steps = &self.steps;
        let entries = [
            ("loss", steps.loss.saved_name()),
            ("epochs", self.epochs.to_string()),
            ("shuffle", steps.shuffle.to_string()),
            ("batch_size", or_none(self.batch_size.map(|rows| rows.to_string()))),
            ("shuffling", or_none(steps.seed.map(|seed| seed.to_string()))),
        ];
        file.metadata.extend(entries.map(|(key, text)| (key.to_string(), text)));
        // Left out where it is not used, like all entries that came after the first version.
        if O::NAME != SGD {
            file.put_value("optimizer", O::NAME);
        }
        if let Some(Dropout { inputs, hidden }) = steps.dropout {
            file.put_value("dropout_inputs", inputs);
            file.put_value("dropout_hidden", hidden);
        }
        if let Some(max_norm) = steps.clip_norm {
            file.put_value("clip_norm", max_norm);
        }
        let History { cost, accuracy, validation_cost, validation_accuracy, best_epoch, .. } = &self.history;
        // F64 before F32 aligns every number to its width.
        file.insert("trainer.cost".into(), ArrayView1::from(cost));
        file.insert("trainer.accuracy".into(), ArrayView1::from(accuracy));
        file.insert("trainer.validation_cost".into(), ArrayView1::from(validation_cost));
        file.insert("trainer.validation_accuracy".into(), ArrayView1::from(validation_accuracy));
        put_network(network, &mut file)?;
        if let Some(EarlyStopping { patience, min_improvement, on_accuracy }) = self.early_stopping {
            file.put_value("patience", patience);
            file.put_value("min_improvement", min_improvement);
            file.put_value("on_accuracy", on_accuracy);
        }
        if let (Some(watch), Some(_)) = (&self.watch, best_epoch) {
            file.put_value("best", watch.best);
            file.put_value("best_epoch", watch.best_epoch);
            file.put_value("waiting", watch.waiting);
            put_parameters(BEST, network, &watch.best_network, &mut file)?;
            if let Some(current) = &watch.current {
                put_parameters(CURRENT, network, current, &mut file)?;
            }
        }
        put_rate(steps.optimizer.rate(), &mut file).map_err(in_file(path.as_ref()))?;
        steps.optimizer.put(network, &mut file)?;
        self.check_trained(network)?;
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

fn load<'a, F: Real, O: SavedOptimizer<F>>(
    path: &Path,
    loss: Option<Loss>,
    activations: Option<&[Activation]>,
) -> Result<(Trainer<'a, F, O>, Network<F>)> {
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
        check_optimizer(O::NAME, number, file.metadata.get("optimizer").map_or(SGD, String::as_str))?;
        let count = "a count";

        let history = take_history(&mut file)?;
        let network = take_network(&mut file, None, activations)?;
        let optimizer = O::take(take_rate(&file)?, &network, &mut file)?;
        let mut trainer = Trainer::new(loss, optimizer);
        trainer.history = history;
        take_early_stopping(&mut trainer, &network, &mut file)?;
        no_more(file.names())?;

        trainer.epochs = file.value("epochs", count)?;
        trainer.steps.shuffle = file.value("shuffle", "true or false")?;
        if file.text("batch_size", count)? != NONE {
            trainer.batch_size = Some(file.value("batch_size", count)?);
        }
        if file.text("shuffling", count)? != NONE {
            trainer.steps.seed = Some(file.value("shuffling", count)?);
        }
        if file.metadata.contains_key("dropout_inputs") {
            let rate = "a rate of dropout";
            let (inputs, hidden) = (file.value("dropout_inputs", rate)?, file.value("dropout_hidden", rate)?);
            trainer.steps.dropout = Some(Dropout { inputs, hidden });
        }
        if file.metadata.contains_key("clip_norm") {
            trainer.steps.clip_norm = Some(file.value("clip_norm", "a norm")?);
        }
        if !trainer.history.cost.is_empty() {
            trainer.trained = Some(fingerprint(&network));
        }
        Ok((trainer, network))
    };
    load().map_err(in_file(path))
}

/// The optimiser of checkpoints that do not name theirs.
const SGD: &str = "sgd";

fn check_optimizer(expected: &str, number: &str, found: &str) -> Result<(), FileProblem> {
    if found == expected {
        return Ok(());
    }
    let kind = match found {
        SGD => "Sgd",
        "rmsprop" => "RmsProp",
        "adam" => "Adam",
        _ => "…",
    };
    Err(FileProblem::Metadata {
        key: "optimizer",
        expected: format!("{expected} (to load this one, Trainer::<{number}, {kind}<{number}>>::load_checkpoint)"),
        found: Some(found.into()),
    })
}

/// The prefixes of the best parameters with early stopping, and of those with which the training goes on.
const BEST: &str = "trainer.best.";
const CURRENT: &str = "trainer.current.";

/// The parameters of `other`, which has the layers of `network`.
fn put_parameters<F: Real>(
    prefix: &str,
    network: &Network<F>,
    other: &Network<F>,
    file: &mut SafeTensors,
) -> Result<()> {
    put_affines(prefix, network, other.layers().iter().map(|layer| &layer.affine), file)
}

fn take_parameters<F: Real>(
    prefix: &str,
    network: &Network<F>,
    file: &mut SafeTensors,
) -> Result<Option<Network<F>>, FileProblem> {
    let affines = take_affines(numbered(prefix, file), file)?;
    if affines.is_empty() {
        return Ok(None);
    }
    let found = affines.len();
    let layers = affines.into_iter().zip(network.layers());
    let layers = layers.map(|(affine, layer)| Layer { affine, activation: layer.activation }).collect();
    let other = Network::from_layers(layers)?;
    check_shape("layers", None, &[network.layers().len()], &[found])?;
    for (l, (layer, other)) in network.layers().iter().zip(other.layers()).enumerate() {
        check_shape("weights", Some(l), layer.affine.weights.shape(), other.affine.weights.shape())?;
    }
    Ok(Some(other))
}

fn take_early_stopping<F: Real, O: SavedOptimizer<F>>(
    trainer: &mut Trainer<'_, F, O>,
    network: &Network<F>,
    file: &mut SafeTensors,
) -> Result<(), FileProblem> {
    let (number, count) = ("a number", "a count");
    if file.metadata.contains_key("patience") {
        let mut settings = EarlyStopping::patience(file.value("patience", count)?)
            .min_improvement(file.value("min_improvement", number)?);
        settings.on_accuracy = file.value("on_accuracy", "true or false")?;
        trainer.early_stopping = Some(settings);
    }
    if let Some(best_network) = take_parameters(BEST, network, file)? {
        let watch = Watch {
            best: file.value("best", number)?,
            best_epoch: file.value("best_epoch", count)?,
            best_network,
            waiting: file.value("waiting", count)?,
            current: take_parameters(CURRENT, network, file)?,
        };
        trainer.history.best_epoch = Some(watch.best_epoch);
        trainer.watch = Some(watch);
    }
    Ok(())
}

/// The text for an optional number that is not set.
const NONE: &str = "none";

fn or_none(number: Option<String>) -> String {
    number.unwrap_or_else(|| NONE.into())
}

/// Takes the history and checks that no list has more epochs than the costs.
fn take_history(file: &mut SafeTensors) -> Result<History, FileProblem> {
    let has_accuracy = file.names().any(|name| name == "trainer.accuracy"); // the first checkpoints have none
    let mut take = |tensor: &str| file.take(tensor).map(|numbers: Array1<f64>| numbers.to_vec());
    let cost = take("trainer.cost")?;
    let accuracy = if has_accuracy { take("trainer.accuracy")? } else { Vec::new() };
    let validation_cost = take("trainer.validation_cost")?;
    let validation_accuracy = take("trainer.validation_accuracy")?;
    for list in [&accuracy, &validation_cost, &validation_accuracy] {
        check_shape("epochs of the history", None, &[cost.len().min(list.len())], &[list.len()])?;
    }
    Ok(History { cost, accuracy, validation_cost, validation_accuracy, ..History::default() })
}
