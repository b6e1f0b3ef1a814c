//! [`Network::save`] and [`Network::load`].

use super::safetensors::SafeTensors;
use super::{Named, by_name, number_type};
use crate::activation::Activation;
use crate::error::{FileProblem, Result, check_finite, check_shape};
use crate::io::{AtomicFile, in_file};
use crate::layer::{Affine, Layer};
use crate::network::Network;
use crate::real::Real;
use ndarray::Array2;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The version of the table in `mod.rs`.
const VERSION: &str = "1";

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
        load(path.as_ref(), None)
    }

    /// Loads a network with the given activations, one per layer. Needs the feature `safetensors`.
    ///
    /// Use it for files from PyTorch and other libraries, which hold parameters only: tensors `0.weight`, `0.bias` and
    /// so on, one pair per layer, in ascending order of the numbers, and no other tensors. For the Python example at
    /// [`save`](Network::save):
    ///
    /// ```no_run
    /// # use chainrule::{Activation, Network};
    /// let network = Network::<f32>::load_with("torch.safetensors", &[Activation::Tanh, Activation::Softmax])?;
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    ///
    /// Use it also for custom activations, because a file holds only their names. If the file names its activations,
    /// they must match.
    ///
    /// # Errors
    /// As [`load`](Network::load).
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
        load(path.as_ref(), Some(activations))
    }
}

fn load<F: Real>(path: &Path, activations: Option<&[Activation]>) -> Result<Network<F>> {
    let load = || {
        let mut file = read(path)?;
        let network = take_network(&mut file, activations)?;
        no_more(file.names().filter(|name| !name.starts_with("trainer.")))?; // a checkpoint's
        Ok(network)
    };
    load().map_err(in_file(path))
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
    let file = SafeTensors::read(File::open(path)?)?;
    if ["chainrule", "activations", "checksum"].iter().any(|&key| file.metadata.contains_key(key)) {
        let found = file.text("chainrule", "the version of the format")?;
        if found != VERSION {
            return Err(FileProblem::Version { expected: VERSION, found: found.into() });
        }
        file.check_checksum()?;
    }
    Ok(file)
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
        ("chainrule".into(), VERSION.into()),
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

pub(super) fn take_network<F: Real>(
    file: &mut SafeTensors,
    given: Option<&[Activation]>,
) -> Result<Network<F>, FileProblem> {
    let affines = take_affines("", file)?;
    let count = |activations: usize| check_shape("activations", None, &[affines.len()], &[activations]);
    let activations = match (file.metadata.get("activations"), given) {
        (Some(names), _) => {
            let wrong = || FileProblem::Metadata {
                key: "activations",
                expected: "a JSON array of names".into(),
                found: Some(names.clone()),
            };
            let names: Vec<String> = serde_json::from_str(names).map_err(|_| wrong())?;
            count(names.len())?;
            if let Some(given) = given {
                count(given.len())?;
            }
            let given = |l: usize| given.map(|given| given[l]);
            names.iter().enumerate().map(|(l, name)| by_name(name, given(l))).collect::<Result<_, _>>()?
        }
        (None, Some(given)) => {
            count(given.len())?;
            given.to_vec()
        }
        (None, None) => {
            let expected = "the names of the activations, or a call of load_with, which is told them".into();
            return Err(FileProblem::Metadata { key: "activations", expected, found: None });
        }
    };
    let layers = affines.into_iter().zip(activations);
    let layers = layers.map(|(affine, activation)| Layer { affine, activation }).collect();
    Ok(Network::from_layers(layers)?)
}

/// Takes `0.weight`, `0.bias` and so on after a prefix, in ascending order of the numbers.
pub(super) fn take_affines<F: Real>(prefix: &str, file: &mut SafeTensors) -> Result<Vec<Affine<F>>, FileProblem> {
    let module = |name: &str| name.strip_prefix(prefix)?.split_once('.')?.0.parse::<u64>().ok();
    let modules: BTreeSet<u64> = file.names().filter_map(module).collect();
    let affine = |i| -> Result<Affine<F>, FileProblem> {
        let weights: Array2<F> = file.take(&format!("{prefix}{i}.weight"))?; // [outputs, inputs]
        let bias = file.take(&format!("{prefix}{i}.bias"))?;
        Ok(Affine { weights: weights.t().as_standard_layout().into_owned(), bias })
    };
    modules.into_iter().map(affine).collect()
}

/// Refuses tensors that have not been taken out.
pub(super) fn no_more<'n>(mut names: impl Iterator<Item = &'n str>) -> Result<(), FileProblem> {
    let Some(name) = names.next() else { return Ok(()) };
    let expected = "names as 0.weight and 0.bias, and no other".into();
    Err(FileProblem::Tensor { name: name.into(), expected, found: "one of this name".into() })
}
