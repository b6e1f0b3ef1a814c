//! Files with changed bytes and changed headers: a clear error, no panic.

use crate::common::{network, rng};
use crate::files::{Folder, Parts, join, split};
use chainrule::{Activation, Dataset, Error, Loss, Network, Real, Schedule, Sgd, Trainer};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

const RELU_SOFTMAX: [Activation; 2] = [Activation::Relu, Activation::Softmax];

/// One file, written over and over.
struct Hostile {
    path: PathBuf,
    _folder: Folder,
}

impl Hostile {
    fn new(name: &str) -> Self {
        let folder = Folder::in_memory(name);
        Hostile { path: folder.file("hostile.safetensors"), _folder: folder }
    }

    fn load(&self, bytes: &[u8]) -> Result<Network<f32>, Error> {
        fs::write(&self.path, bytes).unwrap();
        Network::load(&self.path)
    }

    fn load_plain(&self, bytes: &[u8]) -> Result<Network<f32>, Error> {
        fs::write(&self.path, bytes).unwrap();
        Network::load_with(&self.path, &RELU_SOFTMAX)
    }

    fn load_checkpoint(&self, bytes: &[u8]) -> Result<Network<f64>, Error> {
        fs::write(&self.path, bytes).unwrap();
        Trainer::<f64>::load_checkpoint(&self.path).map(|(_, network)| network)
    }
}

/// 2 → 3 → 2.
fn small_network() -> Network<f32> {
    network(2, &[(3, Activation::Relu), (2, Activation::Softmax)], 1)
}

/// The network as the crate writes it.
fn network_file() -> Vec<u8> {
    let folder = Folder::new(&format!("saved-{:?}", std::thread::current().id()));
    small_network().save(folder.file("network")).unwrap();
    fs::read(folder.file("network")).unwrap()
}

/// The same without metadata, as PyTorch writes it.
fn plain_file() -> Vec<u8> {
    Parts::from_bytes(&network_file()).to_bytes_with(Value::Null)
}

/// With a velocity, two epochs of history and validation; and its network.
fn checkpoint_file() -> (Vec<u8>, Network<f64>) {
    let folder = Folder::new(&format!("checkpoint-{:?}", std::thread::current().id()));
    let (train, test) = Dataset::moons(70, 0.2, &mut rng(7)).unwrap().split(50.0 / 70.0, &mut rng(7)).unwrap();
    let mut network = network(2, &[(5, Activation::Tanh), (2, Activation::Softmax)], 7);
    let sgd = Sgd::new(0.1).momentum(0.9).weight_decay(1e-4).schedule(Schedule::Cosine { epochs: 20 });
    let mut trainer = Trainer::new(Loss::CrossEntropy, sgd).epochs(2).batch_size(8).validation(&test);
    trainer.fit(&mut network, &train, &mut rng(7)).unwrap();
    trainer.save_checkpoint(&network, folder.file("checkpoint")).unwrap();
    (fs::read(folder.file("checkpoint")).unwrap(), network)
}

/// The edits below start from files that load.
#[test]
fn the_files_of_these_tests_are_good_ones() {
    let hostile = Hostile::new("good");
    assert_eq!(hostile.load(&network_file()).unwrap(), small_network());
    assert_eq!(hostile.load_plain(&plain_file()).unwrap(), small_network());
    let (checkpoint, network) = checkpoint_file();
    assert_eq!(hostile.load_checkpoint(&checkpoint).unwrap(), network);
}

/// Something that may stand in a header in place of something else.
fn token() -> impl Strategy<Value = Value> {
    let numbers = [0, 1, 2, 3, 4, 12, 1 << 31, 1 << 32, 1 << 60, 1 << 62, 1 << 63, u64::MAX];
    prop_oneof![
        proptest::sample::select(numbers.to_vec()).prop_map(Value::from),
        proptest::sample::select(vec![
            json!(null),
            json!(-1),
            json!(0.5),
            json!([]),
            json!({}),
            json!([0, 24]),
            json!([2, 3]),
            json!("F64"),
            json!("F32"),
            json!("none"),
            json!("1"),
            json!("[\"relu\",\"relu\"]"),
        ]),
    ]
}

/// Puts `token` in place of the `nth` value of a header, counted through all of it.
fn replace(header: &mut Value, nth: &mut usize, token: &Value) {
    if *nth == 0 {
        *header = token.clone();
    }
    *nth = nth.wrapping_sub(1);
    match header {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, nth, token)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| replace(entry, nth, token)),
        _ => {}
    }
}

fn is_finite<F: Real>(network: &Network<F>) -> bool {
    network.layers().iter().all(|l| l.affine.weights.iter().chain(&l.affine.bias).all(|x| x.is_finite()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pieces overwritten, put in and taken out: an error, or the network that was saved.
    #[test]
    fn corrupt_bytes_are_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, prop::collection::vec(any::<u8>(), 0..9)), 1..5),
        which in 0..3_usize,
    ) {
        thread_local!(static FILES: (Hostile, [Vec<u8>; 3], Network<f64>) = {
            let (checkpoint, network) = checkpoint_file();
            (Hostile::new("corrupt"), [network_file(), plain_file(), checkpoint], network)
        });
        FILES.with(|(hostile, files, checkpoint)| {
            let mut bytes = files[which].clone();
            for (at, removed, put) in &edits {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..(at + removed).min(bytes.len()), put.iter().copied());
            }
            match which {
                0 => if let Ok(loaded) = hostile.load(&bytes) {
                    prop_assert_eq!(loaded, small_network());
                },
                1 => if let Ok(loaded) = hostile.load_plain(&bytes) {
                    prop_assert!(is_finite(&loaded));
                },
                _ => if let Ok(loaded) = hostile.load_checkpoint(&bytes) {
                    prop_assert_eq!(&loaded, checkpoint);
                },
            }
            Ok(())
        })?;
    }

    /// A header that is JSON and says something else; no checksum in the way.
    #[test]
    fn corrupt_headers_are_refused(
        edits in prop::collection::vec((0..60_usize, token()), 1..4),
        own in any::<bool>(),
    ) {
        thread_local!(static FILES: (Hostile, Vec<u8>, Parts) =
            (Hostile::new("corrupt-header"), plain_file(), Parts::from_bytes(&checkpoint_file().0)));
        FILES.with(|(hostile, plain, checkpoint)| {
            if own {
                // the checkpoint's words, under a checksum that is right
                let mut parts = checkpoint.clone();
                let keys: Vec<_> = parts.metadata.keys().cloned().collect();
                for (nth, token) in edits {
                    let text = token.as_str().map_or_else(|| token.to_string(), String::from);
                    parts.metadata.insert(keys[nth % keys.len()].clone(), text);
                }
                fs::write(&hostile.path, parts.to_bytes()).unwrap();
                if let Ok((trainer, mut network)) = Trainer::<f64>::load_checkpoint(&hostile.path) {
                    // whatever it says, training on ends in an error or in a finite network
                    let data = Dataset::moons(8, 0.1, &mut rng(1)).unwrap();
                    let _ = trainer.epochs(1).fit(&mut network, &data, &mut rng(1));
                    prop_assert!(is_finite(&network));
                }
            } else {
                let (mut header, data) = split(plain);
                for (mut nth, token) in edits {
                    replace(&mut header, &mut nth, &token);
                }
                if let Ok(loaded) = hostile.load_plain(&join(&header, data)) {
                    prop_assert!(is_finite(&loaded));
                }
            }
            Ok(())
        })?;
    }
}
