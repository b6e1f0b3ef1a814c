//! [`Model::save`] and [`Model::load`].

use super::network::{no_more, put_network, read, take_network, write};
use super::safetensors::SafeTensors;
use crate::activation::Activation;
use crate::data::{Column, Fill, Preprocessing, Scaling, Targets};
use crate::error::{FileProblem, Result};
use crate::io::in_file;
use crate::model::Model;
use crate::real::Real;
use ndarray::{Array1, ArrayView1};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The version of a model's entries, and the metadata entry that holds it.
const VERSION: &str = "1";
const VERSION_ENTRY: &str = "model";

impl<F: Real> Model<F> {
    /// Saves preprocessing and network as one [safetensors](https://github.com/huggingface/safetensors) file. Needs the
    /// feature `safetensors`.
    ///
    /// The tensors are those of [`Network::save`](crate::Network::save), so PyTorch and
    /// [`Network::load`](crate::Network::load) read the network in it. Everything else stands in the metadata, as text.
    /// The write is atomic, and equal models give equal bytes.
    ///
    /// # Errors
    /// As [`Network::save`](crate::Network::save).
    ///
    /// ```
    /// # use chainrule::{Activation, ChaCha8Rng, Dataset, Model, Network, Preprocessing, Table};
    /// # use chainrule::rand::SeedableRng;
    /// # let table = Table::from_dataset(&Dataset::<f32>::xor());
    /// # let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// # let network = Network::builder(2).layer(2, Activation::Softmax).build(&mut rng)?;
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-model-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// # let path = folder.join("model.safetensors");
    /// let model = Model::<f32>::new(Preprocessing::learn(&table)?, network)?;
    /// model.save(&path)?;
    /// assert_eq!(Model::load(&path)?, model);
    /// assert_eq!(Network::load(&path)?, *model.network());
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut file = SafeTensors::default();
        put_preprocessing(self.preprocessing(), &mut file);
        put_network(self.network(), &mut file)?;
        write(&file, path.as_ref())
    }

    /// Loads a model written by [`save`](Model::save). Needs the feature `safetensors`.
    ///
    /// The file is not trusted: sizes, names and checksum are verified.
    ///
    /// # Errors
    /// As [`Network::load`](crate::Network::load).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        load(path.as_ref(), None)
    }

    /// Loads a model with the given activations, one per layer, as [`Network::load_with`](crate::Network::load_with)
    /// does: custom ones need it. Needs the feature `safetensors`.
    ///
    /// # Errors
    /// As [`load`](Model::load).
    pub fn load_with(path: impl AsRef<Path>, activations: &[Activation]) -> Result<Self> {
        load(path.as_ref(), Some(activations))
    }
}

fn load<F: Real>(path: &Path, activations: Option<&[Activation]>) -> Result<Model<F>> {
    let load = || {
        let mut file = read(path)?;
        let expected = "a model (for a network alone, Network::load; for a checkpoint, Trainer::load_checkpoint)";
        let version = file.text(VERSION_ENTRY, expected)?;
        if version != VERSION {
            return Err(FileProblem::Version { expected: VERSION, found: version.into() });
        }
        file.text("chainrule", "the version of the format")?; // without it, no checksum has been compared
        let preprocessing = take_preprocessing(&file)?;
        let network = take_network(&mut file, None, activations)?;
        no_more(file.names())?;
        Ok(Model::new(preprocessing, network)?)
    };
    load().map_err(in_file(path))
}

fn put_preprocessing(preprocessing: &Preprocessing, file: &mut SafeTensors) {
    let column = |column: &Column| {
        let mut entry = Map::from_iter([("name".to_string(), json!(column.name))]);
        if let Some(words) = &column.words {
            entry.insert("words".into(), json!(words));
        }
        match &column.fill {
            Some(Fill::Value(value)) => _ = entry.insert("fill".into(), json!(value.to_string())),
            Some(Fill::Word(word)) => _ = entry.insert("fill".into(), json!(word)),
            Some(Fill::Mean | Fill::Median) | None => {}
        }
        Value::Object(entry)
    };
    let columns: Vec<Value> = preprocessing.columns.iter().map(column).collect();
    let mut put = |key: &str, text: String| _ = file.metadata.insert(key.into(), text);
    put(VERSION_ENTRY, VERSION.into());
    put("columns", Value::from(columns).to_string());
    put("input_shift", numbers(preprocessing.scaling.shift()));
    put("input_scale", numbers(preprocessing.scaling.scale()));
    put("targets", json!(preprocessing.targets()).to_string());
    match &preprocessing.targets {
        Targets::Classes { classes, .. } => put("classes", json!(classes).to_string()),
        Targets::Numbers { scaling, .. } => {
            put("target_shift", numbers(scaling.shift()));
            put("target_scale", numbers(scaling.scale()));
        }
    }
}

fn take_preprocessing(file: &SafeTensors) -> Result<Preprocessing, FileProblem> {
    let expected = "a JSON array of columns, each with its name, and words and a fill-in if it has any";
    let text = file.text("columns", expected)?;
    let columns = || serde_json::from_str::<Vec<Value>>(text).ok()?.iter().map(column).collect::<Option<Vec<_>>>();
    let columns = columns().ok_or_else(|| wrong("columns", expected, text))?;
    let scaling = take_scaling("input_shift", "input_scale", file)?;
    let mut names = strings("targets", file)?;
    let targets = if file.metadata.contains_key("classes") {
        let name = if names.len() == 1 { names.remove(0) } else { String::new() };
        Targets::Classes { name, classes: strings("classes", file)? }
    } else {
        Targets::Numbers { names, scaling: take_scaling("target_shift", "target_scale", file)? }
    };
    Ok(Preprocessing::from_parts(columns, scaling, targets)?)
}

fn column(entry: &Value) -> Option<Column> {
    let words = match entry.get("words") {
        Some(words) => Some(serde_json::from_value::<Vec<String>>(words.clone()).ok()?),
        None => None,
    };
    let fill = match (entry.get("fill"), &words) {
        (None, _) => None,
        (Some(value), None) => Some(Fill::Value(value.as_str()?.parse().ok()?)),
        (Some(word), Some(_)) => Some(Fill::Word(word.as_str()?.into())),
    };
    Some(Column { name: entry.get("name")?.as_str()?.into(), words, fill })
}

fn strings(key: &'static str, file: &SafeTensors) -> Result<Vec<String>, FileProblem> {
    let expected = "a JSON array of names";
    let text = file.text(key, expected)?;
    serde_json::from_str(text).map_err(|_| wrong(key, expected, text))
}

fn take_scaling(shift: &'static str, scale: &'static str, file: &SafeTensors) -> Result<Scaling, FileProblem> {
    let take = |key| -> Result<Array1<f64>, FileProblem> {
        let expected = "decimal numbers, separated by spaces";
        let text = file.text(key, expected)?;
        text.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong(key, expected, text))
    };
    Ok(Scaling::new(take(shift)?, take(scale)?)?)
}

/// Decimal numbers with enough digits to restore the same bits.
fn numbers(numbers: ArrayView1<'_, f64>) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

fn wrong(key: &'static str, expected: &str, found: &str) -> FileProblem {
    const MOST: usize = 60;
    let start: String = found.chars().take(MOST).collect();
    let found = if start.len() < found.len() { format!("{start}…") } else { start };
    FileProblem::Metadata { key, expected: expected.into(), found: Some(found) }
}
