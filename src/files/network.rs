//! [`Network::save`] and [`Network::load`].

use super::names::{Named, by_name};
use super::safetensors::{SafeTensors, number_type};
use crate::activation::Activation;
use crate::error::{FileProblem, Result, check_finite, check_shape};
use crate::io::{AtomicFile, in_file, open};
use crate::layer::{Affine, Layer};
use crate::network::Network;
use crate::real::Real;
use ndarray::{Array1, Array2};
use std::collections::BTreeSet;
use std::io::Write;
use std::marker::PhantomData;
use std::path::Path;

/// The version of the table in `mod.rs`, and the metadata entry that holds it.
const VERSION: &str = "1";
const VERSION_ENTRY: &str = "chainrule";

/// The prefix of a checkpoint's tensors, except the network's.
pub(super) const TRAINER: &str = "trainer.";

impl<F: Real> Network<F> {
    /// Saves the network as a [safetensors](https://github.com/huggingface/safetensors) file. Needs the feature
    /// `safetensors`.
    ///
    /// The tensors have the names and layout of a PyTorch `nn.Sequential`, with one `nn.Linear` per layer and one
    /// module per activation. The identity has no module. For example, tanh, identity, softmax is
    ///
    /// ```text
    /// Sequential(Linear, Tanh, Linear, Linear, Softmax(dim=1)):  0.weight 0.bias  2.weight 2.bias  3.weight 3.bias
    /// ```
    ///
    /// PyTorch's weights are `[outputs, inputs]`, the transpose of the crate's. In PyTorch:
    ///
    /// ```python
    /// from safetensors.torch import load_file, save_file
    /// from torch import nn
    /// model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2), nn.Softmax(dim=1))
    /// model.load_state_dict(load_file("moons.safetensors"))     # saved here, opened there
    /// save_file(model.state_dict(), "torch.safetensors")        # and back: Network::load_with
    /// ```
    ///
    /// The metadata holds the names of the activations and a checksum. Equal networks give equal bytes.
    ///
    /// The write is atomic: the contents go to a temporary file in the same folder, which is flushed to the disk and
    /// then renamed. On an error an existing file stays unchanged. A killed process leaves at most a temporary file
    /// `.chainrule-….tmp`. A file that replaces another has its permissions and, where the system allows it, its owner.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the file cannot be written,
    /// [`Error::NotFinite`](crate::Error::NotFinite) for a NaN or an infinity among the parameters.
    ///
    /// ```
    /// use chainrule::{Activation, ChaCha8Rng, Network, rand::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let network = Network::<f32>::builder(2)
    ///     .layer(16, Activation::Tanh)
    ///     .layer(2, Activation::Softmax)
    ///     .build(&mut rng)?;
    ///
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-save-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let path = folder.join("moons.safetensors");
    /// network.save(&path)?;
    /// assert_eq!(Network::load(&path)?, network);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut file = SafeTensors::default();
        put_network(self, &mut file)?;
        write(&file, path.as_ref())
    }

    /// Loads a network written by [`save`](Network::save), or the network of a
    /// [checkpoint](crate::Trainer::save_checkpoint). Needs the feature `safetensors`.
    ///
    /// An f32 file loads as `Network<f64>` without loss. An f64 file does not load as `Network<f32>`, because rounding
    /// would change the outputs.
    ///
    /// The file is not trusted: sizes and checksum are verified, and memory grows with the bytes that arrive.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) with [what is wrong](FileProblem), for example
    /// [`FileProblem::NeedsFunctions`] for custom activations, which need [`load_with`](Network::load_with).
    ///
    /// ```
    /// use chainrule::Network;
    ///
    /// let error = Network::<f32>::load("no-such-folder/moons.safetensors").unwrap_err();
    /// assert!(error.to_string().starts_with("no-such-folder/moons.safetensors: "));
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::loader().load(path)
    }

    /// Loads a network with the given activations, one per layer. Needs the feature `safetensors`.
    ///
    /// Use it for files from PyTorch and other libraries, which hold parameters only. For the Python example at
    /// [`save`](Network::save):
    ///
    /// ```no_run
    /// # use chainrule::{Activation, Network};
    /// let network = Network::<f32>::load_with("torch.safetensors", &[Activation::Tanh, Activation::Softmax])?;
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    ///
    /// The tensors are `0.weight`, `0.bias` and so on, one pair per layer, in ascending order of the numbers, and no
    /// others. The names may have a common prefix, such as `model.` or `module.net.`, and the name of a single layer
    /// does not matter. For other names, see [`loader`](Network::loader). A layer without a bias gets zeros. Numbers
    /// may be F16, BF16 or F32, and F64 for a `Network<f64>`. Metadata are ignored, unless the file was written here.
    ///
    /// Use it also for custom activations, because a file holds only their names. The names in a file written by
    /// [`save`](Network::save) must match.
    ///
    /// # Errors
    /// As [`load`](Network::load). [`FileProblem::Tensors`] if the tensors have other names.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Network, ndarray::array};
    ///
    /// let softplus = Activation::Custom {
    ///     name: "softplus",
    ///     f: |z| z.max(0.0) + (-z.abs()).exp().ln_1p(),
    ///     slope: |_z, a| 1.0 - (-a).exp(),
    /// };
    /// let network = Network::from_layers(vec![Layer::new(array![[1.0_f32], [2.0]], array![0.5], softplus)?])?;
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-load-with-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let path = folder.join("softplus.safetensors");
    /// network.save(&path)?;
    ///
    /// assert!(Network::<f32>::load(&path).is_err());
    /// assert_eq!(Network::load_with(&path, &[softplus])?, network);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn load_with(path: impl AsRef<Path>, activations: &[Activation]) -> Result<Self> {
        Self::loader().activations(activations).load(path)
    }

    /// Settings for loading a network, for files that [`load`](Network::load) and [`load_with`](Network::load_with) do
    /// not read. Needs the feature `safetensors`.
    pub fn loader() -> NetworkLoader<F> {
        NetworkLoader { activations: None, layers: None, round: false, number: PhantomData }
    }
}

/// Loads a network from a file; made by [`Network::loader`]. Needs the feature `safetensors`.
///
/// A PyTorch module with its own names, saved as f64, loaded as f32:
///
/// ```no_run
/// use chainrule::{Activation, Network};
///
/// // class Net(nn.Module): fc1 = nn.Linear(784, 30), fc2 = nn.Linear(30, 10)
/// let network = Network::<f32>::loader()
///     .layers(["fc1", "fc2"])
///     .activations(&[Activation::Relu, Activation::Softmax])
///     .round(true)
///     .load("torch.safetensors")?;
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NetworkLoader<F: Real> {
    activations: Option<Vec<Activation>>,
    layers: Option<Vec<String>>,
    round: bool,
    number: PhantomData<F>,
}

impl<F: Real> NetworkLoader<F> {
    /// The activations, one per layer. Default: those that the file names.
    pub fn activations(mut self, activations: &[Activation]) -> Self {
        self.activations = Some(activations.to_vec());
        self
    }

    /// The names of the layers, from input to output, all of them: `fc1` for the tensors `fc1.weight` and `fc1.bias`.
    /// A common prefix, such as `model.`, may be left out. Default: numbers in ascending order.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Network, ndarray::array};
    ///
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-layers-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("torch.safetensors");
    /// // `path` names a file with two tensors: `net.hidden.weight`, [1, 2], and `net.out.weight`, [1, 1]. No biases.
    /// let header = r#"{"net.hidden.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
    ///     "net.out.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}"#;
    /// let numbers = [0.5_f32, -1.0, 2.0].map(f32::to_le_bytes).concat();
    /// std::fs::write(&path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &numbers[..]].concat())?;
    ///
    /// let activations = [Activation::Tanh, Activation::Identity];
    /// let network = Network::<f32>::loader().layers(["hidden", "out"]).activations(&activations).load(&path)?;
    /// assert_eq!(network.layers()[0], Layer::new(array![[0.5], [-1.0]], array![0.0], Activation::Tanh)?);
    /// assert_eq!(network.layers()[1], Layer::new(array![[2.0]], array![0.0], Activation::Identity)?);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn layers(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.layers = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Whether F64 numbers are rounded to f32. The outputs then differ from those of the saved network in their last
    /// digits. Default: false, which refuses F64 for a `Network<f32>`.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Network, ndarray::array};
    ///
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-round-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let path = folder.join("f64.safetensors");
    /// Network::from_layers(vec![Layer::new(array![[0.1_f64]], array![0.0], Activation::Tanh)?])?.save(&path)?;
    ///
    /// assert!(Network::<f32>::load(&path).is_err());
    /// let network = Network::<f32>::loader().round(true).load(&path)?;
    /// assert_eq!(network.layers()[0].affine.weights, array![[0.1_f32]]);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn round(mut self, round: bool) -> Self {
        self.round = round;
        self
    }

    /// Loads the network.
    ///
    /// # Errors
    /// As [`Network::load_with`].
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Network<F>> {
        let path = path.as_ref();
        let load = || {
            let mut file = read(path)?;
            file.round = self.round;
            let layers = self.layers.as_deref();
            let network = take_network(&mut file, layers, self.activations.as_deref())?;
            let of_checkpoint = |name: &str| is_own(&file) && name.starts_with(TRAINER);
            no_more(file.names().filter(|name| !of_checkpoint(name)))?;
            Ok(network)
        };
        load().map_err(in_file(path))
    }
}

/// Writes a file, whole or not at all.
pub(super) fn write(contents: &SafeTensors, path: &Path) -> Result<()> {
    let write = || -> Result<(), FileProblem> {
        let bytes = contents.to_bytes()?;
        let mut file = AtomicFile::create(path, ".chainrule-", ".tmp")?;
        file.write_all(&bytes)?;
        Ok(file.commit()?)
    };
    write().map_err(in_file(path))
}

/// Reads a file. If the file claims to be ours, checks version and checksum.
pub(super) fn read(path: &Path) -> Result<SafeTensors, FileProblem> {
    let file = SafeTensors::read(open(path)?)?;
    if is_own(&file) {
        let found = file.text(VERSION_ENTRY, "the version of the format")?;
        if found != VERSION {
            return Err(FileProblem::Version { expected: VERSION, found: found.into() });
        }
        file.check_checksum()?;
    }
    Ok(file)
}

/// Whether the crate has written the file. The metadata of any other file have other meanings.
pub(super) fn is_own(file: &SafeTensors) -> bool {
    file.metadata.contains_key(VERSION_ENTRY)
}

/// The module number of each layer in a Sequential, where every activation except the identity is a module too.
fn modules<F: Real>(network: &Network<F>) -> impl Iterator<Item = usize> {
    network.layers().iter().scan(0, |next, layer| {
        let module = *next;
        *next += if layer.activation == Activation::Identity { 1 } else { 2 };
        Some(module)
    })
}

pub(super) fn put_network<F: Real>(network: &Network<F>, file: &mut SafeTensors) -> Result<()> {
    let names: Vec<_> = network.layers().iter().map(|layer| layer.activation.saved_name()).collect();
    file.metadata.extend([
        (VERSION_ENTRY.into(), VERSION.into()),
        ("number".into(), number_type::<F>().into()),
        ("activations".into(), serde_json::Value::from(names).to_string()),
    ]);
    put_affines("", network, network.layers().iter().map(|layer| &layer.affine), file)
}

/// Inserts one affine per layer: the parameters, or the velocity.
pub(super) fn put_affines<'n, F: Real>(
    prefix: &str,
    network: &Network<F>,
    affines: impl Iterator<Item = &'n Affine<F>>,
    file: &mut SafeTensors,
) -> Result<()> {
    for ((l, i), affine) in modules(network).enumerate().zip(affines) {
        check_finite("weights", Some(l), &affine.weights.view())?;
        check_finite("bias", Some(l), &affine.bias.view())?;
        file.insert(format!("{prefix}{i}.weight"), affine.weights.t()); // [outputs, inputs]
        file.insert(format!("{prefix}{i}.bias"), affine.bias.view());
    }
    Ok(())
}

/// Takes the network out of a file, with the given names of layers and activations, or those of the file.
pub(super) fn take_network<F: Real>(
    file: &mut SafeTensors,
    layers: Option<&[String]>,
    activations: Option<&[Activation]>,
) -> Result<Network<F>, FileProblem> {
    let names: Option<Vec<String>> = match file.metadata.get("activations").filter(|_| is_own(file)) {
        Some(text) => Some(serde_json::from_str(text).map_err(|_| FileProblem::Metadata {
            key: "activations",
            expected: "a JSON array of names".into(),
            found: Some(text.clone()),
        })?),
        None if activations.is_none() => {
            let expected = "the names of the activations (for a file without them, call Network::load_with)".into();
            return Err(FileProblem::Metadata { key: "activations", expected, found: None });
        }
        None => None,
    };
    let prefixes = match layers {
        None if is_own(file) => numbered("", file),
        _ => layer_prefixes(file, layers)?,
    };
    let affines = take_affines(prefixes, file)?;
    let check_count = |found: usize| check_shape("activations", None, &[affines.len()], &[found]);
    if let Some(names) = &names {
        check_count(names.len())?;
    }
    if let Some(given) = activations {
        check_count(given.len())?;
    }
    let activation = |l: usize| match (&names, activations) {
        (Some(names), given) => by_name(&names[l], given.map(|given| given[l])),
        (None, given) => Ok(given.map_or(Activation::Identity, |given| given[l])),
    };
    let activations = (0..affines.len()).map(activation).collect::<Result<Vec<_>, _>>()?;
    let layers = affines.into_iter().zip(activations);
    let layers = layers.map(|(affine, activation)| Layer { affine, activation }).collect();
    Ok(Network::from_layers(layers)?)
}

/// The prefixes `{prefix}0.`, `{prefix}2.` and so on of the layers in one of the crate's own files, in ascending order.
pub(super) fn numbered(prefix: &str, file: &SafeTensors) -> Vec<String> {
    let module = |name: &str| name.strip_prefix(prefix)?.split_once('.')?.0.parse::<u64>().ok();
    let modules: BTreeSet<u64> = file.names().filter_map(module).collect();
    modules.into_iter().map(|i| format!("{prefix}{i}.")).collect()
}

/// The prefixes of the layers in any file, from input to output: `model.fc1.` for `model.fc1.weight`.
fn layer_prefixes(file: &SafeTensors, layers: Option<&[String]>) -> Result<Vec<String>, FileProblem> {
    let is_path = |prefix: &&str| prefix.is_empty() || prefix.ends_with('.');
    let prefix = |name| str::strip_suffix(name, "weight").or(name.strip_suffix("bias")).filter(is_path);
    let tensors = file.names().filter(|name| !(is_own(file) && name.starts_with(TRAINER)));
    let prefixes: Option<BTreeSet<&str>> = tensors.map(prefix).collect();
    let found = prefixes.and_then(|prefixes| match layers {
        None => by_number(&prefixes),
        Some(layers) => by_layer(&prefixes, layers),
    });
    found.ok_or_else(|| FileProblem::Tensors {
        expected: match layers {
            None => "0.weight, 0.bias and so on, numbered from input to output (a common prefix is fine; for other \
                     names, see Network::loader().layers)"
                .into(),
            Some(layers) => {
                let names: Vec<_> = layers.iter().map(|layer| format!("{layer}.weight")).collect();
                format!("{} and their biases, and no others (a common prefix is fine)", names.join(", "))
            }
        },
        found: file.names().map(String::from).collect(),
    })
}

/// Sorts `model.0.`, `model.2.` and so on by their numbers. A single layer needs none.
fn by_number(prefixes: &BTreeSet<&str>) -> Option<Vec<String>> {
    let number = |prefix: &&str| {
        let path = prefix.strip_suffix('.')?;
        let digits = path.rsplit('.').next()?;
        let number = digits.parse::<u64>().ok().filter(|number| number.to_string() == digits)?;
        Some((path.strip_suffix(digits)?.to_string(), number, prefix.to_string()))
    };
    if prefixes.len() == 1 {
        return Some(prefixes.iter().map(|prefix| prefix.to_string()).collect());
    }
    let mut numbered = prefixes.iter().map(number).collect::<Option<Vec<_>>>()?;
    numbered.sort();
    let common = &numbered.first()?.0;
    numbered.iter().all(|(path, ..)| path == common).then(|| numbered.iter().map(|one| one.2.clone()).collect())
}

/// The prefixes in the order of the layers' names, if a common prefix makes both the same.
fn by_layer(prefixes: &BTreeSet<&str>, layers: &[String]) -> Option<Vec<String>> {
    let first = format!("{}.", layers.first()?);
    let commons = prefixes.iter().filter_map(|prefix| prefix.strip_suffix(first.as_str()));
    commons.filter(|common| common.is_empty() || common.ends_with('.')).find_map(|common| {
        let named: Vec<String> = layers.iter().map(|layer| format!("{common}{layer}.")).collect();
        let all =
            named.len() == prefixes.len() && named.iter().map(String::as_str).collect::<BTreeSet<_>>() == *prefixes;
        all.then_some(named)
    })
}

/// Takes one affine per prefix. In other libraries' files a layer may lack its bias.
pub(super) fn take_affines<F: Real>(
    prefixes: Vec<String>,
    file: &mut SafeTensors,
) -> Result<Vec<Affine<F>>, FileProblem> {
    let affine = |prefix: String| -> Result<Affine<F>, FileProblem> {
        let weights: Array2<F> = file.take(&format!("{prefix}weight"))?; // [outputs, inputs]
        let bias = format!("{prefix}bias");
        let has_bias = is_own(file) || file.names().any(|name| name == bias);
        let bias = if has_bias { file.take(&bias)? } else { Array1::zeros(weights.nrows()) };
        Ok(Affine { weights: weights.t().as_standard_layout().into_owned(), bias })
    };
    prefixes.into_iter().map(affine).collect()
}

/// Refuses tensors that have not been taken out.
pub(super) fn no_more<'n>(mut names: impl Iterator<Item = &'n str>) -> Result<(), FileProblem> {
    let Some(name) = names.next() else { return Ok(()) };
    let expected = "names as 0.weight and 0.bias, and no other".into();
    Err(FileProblem::Tensor { name: name.into(), expected, found: "one of this name".into() })
}
