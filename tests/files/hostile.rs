//! Files that are not what they should be: a clear error, no panic, and no memory for what is only claimed.

use super::files::{Folder, Parts, given_path, join, run, split};
use super::{network, problem};
use crate::checkpoint::{data, some_training, trained};
use chainrule::{Activation, Error, FileProblem, Network, Real, Trainer};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
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

    fn says(&self, bytes: &[u8]) -> String {
        problem(self.load(bytes)).to_string()
    }

    fn says_plain(&self, bytes: &[u8]) -> String {
        problem(self.load_plain(bytes)).to_string()
    }

    /// What a changed network of the crate's own says.
    fn changed(&self, change: impl FnOnce(&mut Parts)) -> String {
        self.says(&change_parts(&network_file(), change))
    }

    /// What a changed plain file says.
    fn changed_plain(&self, change: impl FnOnce(&mut Parts)) -> String {
        let mut parts = Parts::from_bytes(&plain_file());
        change(&mut parts);
        self.says_plain(&parts.to_bytes_with(Value::Null))
    }

    /// What a plain file with a changed header says.
    fn header(&self, change: impl FnOnce(&mut Value)) -> String {
        let bytes = plain_file();
        let (mut header, data) = split(&bytes);
        change(&mut header);
        self.says_plain(&join(&header, data))
    }

    /// What a changed checkpoint says.
    fn changed_checkpoint(&self, change: impl FnOnce(&mut Parts)) -> String {
        problem(self.load_checkpoint(&change_parts(&checkpoint_file(), change))).to_string()
    }
}

fn change_parts(bytes: &[u8], change: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = Parts::from_bytes(bytes);
    change(&mut parts);
    parts.to_bytes()
}

fn saved<F: Real>(network: &Network<F>) -> Vec<u8> {
    let folder = Folder::new(&format!("saved-{:?}", std::thread::current().id()));
    network.save(folder.file("network")).unwrap();
    fs::read(folder.file("network")).unwrap()
}

/// 2 → 3 → 2, as the crate writes it.
fn network_file() -> Vec<u8> {
    saved(&network::<f32>(&[2, 3, 2], &RELU_SOFTMAX))
}

/// The same without metadata, as PyTorch writes it.
fn plain_file() -> Vec<u8> {
    Parts::from_bytes(&network_file()).to_bytes_with(Value::Null)
}

/// With a velocity, two epochs of history and validation.
fn checkpoint_file() -> Vec<u8> {
    let folder = Folder::new(&format!("checkpoint-{:?}", std::thread::current().id()));
    let data = data();
    let (trainer, network) = trained::<f64>(&some_training(), &data, 2);
    trainer.save_checkpoint(&network, folder.file("checkpoint")).unwrap();
    fs::read(folder.file("checkpoint")).unwrap()
}

fn f32s(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

pub fn f64s(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn the_files_of_these_tests_are_good_ones() {
    let hostile = Hostile::new("good");
    assert_eq!(hostile.load(&network_file()).unwrap(), network(&[2, 3, 2], &RELU_SOFTMAX));
    assert_eq!(hostile.load(&change_parts(&network_file(), |_| ())).unwrap(), network(&[2, 3, 2], &RELU_SOFTMAX));
    assert_eq!(hostile.load_plain(&plain_file()).unwrap(), network(&[2, 3, 2], &RELU_SOFTMAX));
    assert!(hostile.load_checkpoint(&checkpoint_file()).is_ok());
    assert!(hostile.load_checkpoint(&change_parts(&checkpoint_file(), |_| ())).is_ok());
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let hostile = Hostile::new("cut");
    let refused = |bytes: &[u8], cut: usize, result: Result<(), Error>| match problem(result) {
        FileProblem::Truncated { expected, found } => {
            assert!(found == cut as u64 && expected > found && expected <= bytes.len() as u64)
        }
        other => panic!("cut at {cut}: {other}"),
    };
    let files = [network_file(), plain_file(), checkpoint_file()];
    for cut in 0..files[0].len() {
        refused(&files[0], cut, hostile.load(&files[0][..cut]).map(drop));
    }
    for cut in 0..files[1].len() {
        refused(&files[1], cut, hostile.load_plain(&files[1][..cut]).map(drop));
    }
    for cut in 0..files[2].len() {
        refused(&files[2], cut, hostile.load_checkpoint(&files[2][..cut]).map(drop));
    }
    let longer = [&files[0][..], b"x"].concat();
    assert_eq!(hostile.says(&longer), format!("expected {} bytes, found more. Get the file again", files[0].len()));
}

/// The crate's own files: no flipped bit goes unnoticed, wherever it is.
#[test]
fn a_file_with_any_bit_flipped_is_refused() {
    let hostile = Hostile::new("flipped");
    for (mut bytes, checkpoint) in [(network_file(), false), (checkpoint_file(), true)] {
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let refused =
                if checkpoint { hostile.load_checkpoint(&bytes).is_err() } else { hostile.load(&bytes).is_err() };
            assert!(refused, "bit {} of byte {}: {:?}", bit % 8, bit / 8, String::from_utf8_lossy(&bytes));
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn changed_numbers_are_noticed() {
    let mut parts = Parts::from_bytes(&network_file());
    let checksum = parts.checksum();
    parts.tensors.get_mut("0.weight").unwrap().2[0] ^= 1;
    let message = Hostile::new("checksum").says(&parts.to_bytes_with(json!(parts.metadata)));
    let found = parts.checksum();
    assert_eq!(
        message,
        format!(
            "contents changed since they were published or saved: expected checksum {checksum}, found {found}. Get the file again"
        )
    );
}

#[test]
fn another_version_is_refused() {
    let hostile = Hostile::new("version");
    let message = hostile.changed(|parts| *parts.metadata.get_mut("chainrule").unwrap() = "2".into());
    assert_eq!(message, r#"format of chainrule: expected version 1, found "2". Use the chainrule that wrote it"#);
    let message = hostile.changed(|parts| *parts.metadata.get_mut("chainrule").unwrap() = "".into());
    assert_eq!(message, r#"format of chainrule: expected version 1, found "". Use the chainrule that wrote it"#);
    // Without the mark the other entries mean nothing.
    let message = hostile.changed(|parts| drop(parts.metadata.remove("chainrule")));
    assert!(
        message.starts_with("metadata activations: expected the names of the activations (for a file"),
        "{message}"
    );
    let message = hostile.changed_checkpoint(|parts| drop(parts.metadata.remove("chainrule")));
    assert_eq!(message, "metadata chainrule: expected the version of the format, found none");
    let message = hostile.says(&Parts::from_bytes(&network_file()).to_bytes_with(json!({ "chainrule": "1" })));
    assert_eq!(message, "metadata checksum: expected 16 hexadecimal digits, found none");
}

#[test]
fn missing_extra_and_wrong_tensors_are_named() {
    let hostile = Hostile::new("tensors");
    let message = hostile.changed(|parts| drop(parts.tensors.remove("2.bias")));
    assert_eq!(message, r#"tensor "2.bias": expected a tensor of this name, found none"#);
    let message = hostile.changed_plain(|parts| drop(parts.tensors.remove("0.weight")));
    assert_eq!(message, r#"tensor "0.weight": expected a tensor of this name, found none"#);

    let extra = |name: &str| {
        hostile.changed_plain(|parts| drop(parts.tensors.insert(name.into(), ("F32".into(), vec![1], f32s(&[1.0])))))
    };
    let names = "tensors: expected 0.weight, 0.bias and so on, numbered from input to output (a common prefix is fine; \
                 for other names, see Network::loader().layers), found 0.bias, 0.weight, 2.bias, 2.weight";
    assert_eq!(extra("fc1.weight"), format!("{names}, fc1.weight"));
    assert_eq!(extra("2.weight_g"), format!("{names}, 2.weight_g"));
    for other in ["00.weight", "", "weight", "2weight", "net.3.weight", ".weight", "99999999999999999999.weight"] {
        let message = extra(other);
        assert!(message.starts_with("tensors: expected 0.weight, ") && message.contains(other), "{message}");
    }
    let many = hostile.changed_plain(|parts| {
        for i in 0..30 {
            parts.tensors.insert(format!("fc{i}.weight"), ("F32".into(), vec![1], f32s(&[1.0])));
        }
    });
    assert!(many.ends_with("fc21.weight, fc22.weight and 14 more"), "{many}");
    let own = hostile.changed(|parts| drop(parts.tensors.insert("x".into(), ("F32".into(), vec![1], f32s(&[1.0])))));
    assert_eq!(own, r#"tensor "x": expected names as 0.weight and 0.bias, and no other, found one of this name"#);

    let shape = |name: &'static str, shape: &'static [usize], numbers: usize| {
        hostile.changed_plain(|parts| {
            let tensor = ("F32".into(), shape.to_vec(), f32s(&vec![1.0; numbers]));
            parts.tensors.insert(name.into(), tensor);
        })
    };
    assert_eq!(shape("0.weight", &[6], 6), r#"tensor "0.weight": expected 2 dimensions, found shape [6]"#);
    assert_eq!(shape("0.weight", &[3, 2, 1], 6), r#"tensor "0.weight": expected 2 dimensions, found shape [3, 2, 1]"#);
    assert_eq!(shape("0.bias", &[1, 3], 3), r#"tensor "0.bias": expected 1 dimensions, found shape [1, 3]"#);
    assert_eq!(shape("0.bias", &[], 1), r#"tensor "0.bias": expected 1 dimensions, found shape []"#);
    assert_eq!(shape("0.bias", &[2], 2), "layer 0: bias: expected shape [3], found [2]");
    assert_eq!(shape("2.weight", &[2, 4], 8), "layer 1: weights: expected shape [3, 2], found [4, 2]");
    assert_eq!(shape("0.weight", &[0, 2], 0), "outputs of a layer: expected at least one, found none");
    assert_eq!(shape("0.weight", &[3, 0], 0), "inputs of a layer: expected at least one, found none");
    let shape = shape("0.weight", &[0, usize::MAX], 0);
    assert!(shape.starts_with(r#"tensor "0.weight": expected dimensions that fit into memory, found shape [0, "#));

    let none = hostile.changed_plain(|parts| parts.tensors.clear());
    assert!(none.starts_with("tensors: expected 0.weight, ") && none.ends_with("found none"), "{none}");
    let message = hostile.changed(|parts| {
        parts.tensors.clear();
        parts.metadata.insert("activations".into(), "[]".into());
    });
    assert_eq!(message, "layers: expected at least one, found none");
}

#[test]
fn numbers_that_are_none_and_types_that_are_not_ours_are_refused() {
    let hostile = Hostile::new("numbers");
    let message = hostile.changed(|parts| parts.tensors.get_mut("2.weight").unwrap().2 = f32s(&[f32::NAN; 6]));
    assert_eq!(message, "layer 1: weights: expected finite numbers, found NaN at [0, 0]");
    let message =
        hostile.changed_plain(|parts| parts.tensors.get_mut("0.bias").unwrap().2 = f32s(&[0.0, 0.0, -f32::INFINITY]));
    assert_eq!(message, "layer 0: bias: expected finite numbers, found -inf at [2]");
    for dtype in ["I64", "F8_E4M3", "f32", ""] {
        let message = hostile.changed_plain(|parts| parts.tensors.get_mut("0.bias").unwrap().0 = dtype.into());
        assert_eq!(
            message,
            format!(r#"tensor "0.bias": expected numbers of type F16, BF16, F32 or F64, found {dtype}"#)
        );
    }
}

#[test]
fn activations_that_make_no_sense_are_refused() {
    let hostile = Hostile::new("activations");
    let activations =
        |text: &str| hostile.changed(|parts| *parts.metadata.get_mut("activations").unwrap() = text.into());
    assert_eq!(activations("relu"), r#"metadata activations: expected a JSON array of names, found "relu""#);
    assert_eq!(activations("[1,2]"), r#"metadata activations: expected a JSON array of names, found "[1,2]""#);
    assert_eq!(
        activations(r#"["relu"]"#),
        "activations: expected shape [2], found [1]. Every layer of the file has one activation"
    );
    assert_eq!(
        activations(r#"["relu","mish"]"#),
        r#"metadata activations: expected identity, sigmoid, tanh, relu, softmax, leaky_relu, elu, softplus, silu, gelu, found "mish""#
    );
    assert!(hostile.changed(|parts| drop(parts.metadata.remove("activations"))).starts_with("metadata activations: "));
    let message = hostile.changed(|parts| {
        parts.tensors.insert("2.weight".into(), ("F32".into(), vec![1, 3], f32s(&[1.0; 3])));
        parts.tensors.insert("2.bias".into(), ("F32".into(), vec![1], f32s(&[1.0])));
    });
    assert_eq!(message, "layer 1: softmax of a single unit is always 1: use one sigmoid unit, or two units");
}

#[test]
fn headers_that_lie_are_refused() {
    let hostile = Hostile::new("header");
    let length = |length: u64| {
        let mut bytes = plain_file();
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        hostile.says_plain(&bytes)
    };
    for found in [(1 << 24) + 1, 100_000_000] {
        let message =
            format!("safetensors header: expected at most 16777216 bytes, found a length of {found} at offset 0");
        assert_eq!(length(found), message);
    }
    // Longer than the format allows: something else, above all text, or PyTorch's own files.
    for (bytes, shown) in [
        (&b"sepal,petal,class\n5.1,3.5,0\n"[..], r"sepal,pe"),
        (b"PK\x03\x04\x00\x00\x08\x08 data.pkl", r"PK\x03\x04\x00\x00\x08\x08"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", r"\x93NUMPY\x01\x00"),
        (b"{\"layers\":[]}", r#"{\"layers"#),
        (&u64::MAX.to_le_bytes(), r"\xff\xff\xff\xff\xff\xff\xff\xff"),
    ] {
        let expected = format!(
            "not a safetensors file: expected the length of a header in the first 8 bytes, found \"{shown}\" (what PyTorch \
             has in a .pt or .pth file, safetensors.torch.save_file writes as one)"
        );
        assert_eq!(hostile.says_plain(bytes), expected);
        assert_eq!(problem(hostile.load_checkpoint(bytes)).to_string(), expected);
    }
    let size = plain_file().len();
    assert_eq!(
        length(1 << 24),
        format!("truncated: expected {} bytes, found {size}. Get the file again", 8 + (1 << 24))
    );
    assert!(length(0).starts_with("safetensors header: expected a JSON object: EOF"));
    assert!(length(10).starts_with("safetensors header: expected a JSON object: EOF"));

    for header in ["[]", "null", "{", "{}x", "\u{0}", r#"{"a":"#, &"[".repeat(100_000), &r#"{"a":"#.repeat(100_000)] {
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
        assert!(hostile.says_plain(&bytes).starts_with("safetensors header: expected a JSON object: "));
    }
    let bytes = [&7_u64.to_le_bytes()[..], b"{\"\xff\":1}"].concat(); // not UTF-8
    assert!(hostile.says_plain(&bytes).starts_with("safetensors header: expected a JSON object: "));

    let entry = |change: fn(&mut Value)| hostile.header(|header| change(&mut header["0.bias"]));
    let nonsense = r#"safetensors header: tensor "0.bias": expected dtype, shape and data_offsets"#;
    assert_eq!(entry(|bias| *bias = json!(1)), nonsense);
    assert_eq!(entry(|bias| *bias = json!({})), nonsense);
    assert_eq!(entry(|bias| bias["dtype"] = json!(32)), nonsense);
    assert_eq!(entry(|bias| bias["shape"] = json!("3")), nonsense);
    assert_eq!(entry(|bias| bias["shape"] = json!([-3])), nonsense);
    assert_eq!(entry(|bias| bias["shape"] = json!([3.5])), nonsense);
    assert_eq!(entry(|bias| bias["data_offsets"] = json!([0])), nonsense);
    assert_eq!(entry(|bias| bias["data_offsets"] = json!([0, 12, 24])), nonsense);

    assert_eq!(
        entry(|bias| bias["shape"] = json!([1_u64 << 60])),
        r#"tensor "0.bias": expected the bytes of F32 numbers in shape [1152921504606846976], found data_offsets [0, 12]"#
    );
    let size_mismatch = r#"tensor "0.bias": expected the bytes of F32 numbers in shape "#;
    assert!(entry(|bias| bias["shape"] = json!([(1_u64 << 62) + 3])).starts_with(size_mismatch)); // times 4: 12, and an overflow
    assert!(entry(|bias| bias["shape"] = json!([1_u64 << 32, 1_u64 << 32])).starts_with(size_mismatch));
    assert!(entry(|bias| bias["data_offsets"] = json!([12, 0])).starts_with(size_mismatch));
    assert!(entry(|bias| bias["data_offsets"] = json!([0, u64::MAX])).starts_with(size_mismatch));
    assert_eq!(
        entry(|bias| bias["data_offsets"] = json!([4, 16])),
        r#"tensor "0.bias": expected data from offset 0, found from 4"#
    );
    // two tensors in one place
    assert_eq!(
        hostile.header(|header| {
            header["0.weight"] = json!({ "dtype": "F32", "shape": [1, 2], "data_offsets": [12, 20] });
            header["2.bias"] = json!({ "dtype": "F32", "shape": [2], "data_offsets": [12, 20] });
        }),
        r#"tensor "2.bias": expected data from offset 20, found from 12"#
    );
    let claim = |end: u64| {
        hostile.header(|header| {
            *header = json!({ "0.weight": { "dtype": "F32", "shape": [end / 4], "data_offsets": [0, end] } });
        })
    };
    assert!(claim(1 << 60).starts_with("truncated: expected 11529215046068470"));
    assert!(claim(u64::MAX - 3).starts_with("truncated: expected 18446744073709551615"));

    let metadata = |value: Value| hostile.header(|header| header["__metadata__"] = value);
    assert_eq!(metadata(json!([])), "safetensors header: expected strings in __metadata__");
    assert_eq!(metadata(json!({ "a": 1 })), "safetensors header: expected strings in __metadata__");
}

#[test]
fn checkpoints_that_make_no_sense_are_refused() {
    let hostile = Hostile::new("checkpoint");
    let text = |key: &'static str, text: &str| {
        hostile.changed_checkpoint(|parts| *parts.metadata.get_mut(key).unwrap() = text.into())
    };
    assert_eq!(
        text("loss", "absolute"),
        r#"metadata loss: expected mean squared error, binary cross-entropy, cross-entropy, huber, found "absolute""#
    );
    assert_eq!(
        text("number", "f32"),
        r#"metadata number: expected f64 (to load this one, Trainer::<f32>::load_checkpoint), found "f32""#
    );
    assert_eq!(text("number", "f16"), r#"metadata number: expected f64, found "f16""#);
    for key in ["learning_rate", "momentum", "weight_decay"] {
        assert_eq!(text(key, "fast"), format!(r#"metadata {key}: expected a number, found "fast""#));
    }
    for key in ["epoch", "epochs", "batch_size", "shuffling"] {
        for wrong in ["-1", "1.5", "18446744073709551616", ""] {
            assert_eq!(text(key, wrong), format!("metadata {key}: expected a count, found {wrong:?}"));
        }
    }
    assert_eq!(text("shuffle", "yes"), r#"metadata shuffle: expected true or false, found "yes""#);
    for wrong in ["", "step", "step 1", "step 1 x", "cosine 1 1", "constant ", "exponential", "linear 2", "plateau 1"] {
        assert_eq!(
            text("schedule", wrong),
            format!(
                "metadata schedule: expected constant, exponential, step, cosine or plateau, with its numbers, found {wrong:?}"
            )
        );
    }
    let keys = Parts::from_bytes(&checkpoint_file()).metadata;
    for key in keys.keys().filter(|key| !["chainrule", "checksum"].contains(&key.as_str())) {
        let message = hostile.changed_checkpoint(|parts| drop(parts.metadata.remove(key)));
        assert!(message.starts_with(&format!("metadata {key}: expected ")), "{message}");
        assert!(message.ends_with(", found none"), "{message}");
    }
    // a network on its own is no checkpoint
    let message = problem(hostile.load_checkpoint(&saved(&network::<f64>(&[1, 1], &[Activation::Relu])))).to_string();
    let expected = "metadata loss: expected the loss of a checkpoint (to load a network, Network::load), found none";
    assert_eq!(message, expected);
    assert_eq!(problem(hostile.load_checkpoint(&plain_file())).to_string(), expected);

    let tensor = |name: &'static str, shape: &'static [usize], number: f64| {
        hostile.changed_checkpoint(|parts| {
            let numbers = f64s(&vec![number; shape.iter().product()]);
            parts.tensors.insert(name.into(), ("F64".into(), shape.to_vec(), numbers));
        })
    };
    assert_eq!(
        tensor("trainer.velocity.0.weight", &[5, 3], 0.0),
        "layer 0: velocity of the weights: expected shape [2, 5], found [3, 5]"
    );
    assert_eq!(
        tensor("trainer.velocity.2.bias", &[3], 0.0),
        "layer 1: velocity of the bias: expected shape [2], found [3]"
    );
    assert_eq!(
        tensor("trainer.velocity.0.bias", &[5], f64::NAN),
        "layer 0: velocity of the bias: expected finite numbers, found NaN at [0]"
    );
    assert_eq!(tensor("trainer.validation_cost", &[3], 1.0), "epochs of the history: expected shape [2], found [3]");
    assert_eq!(
        tensor("trainer.cost", &[2, 1], 1.0),
        r#"tensor "trainer.cost": expected 1 dimensions, found shape [2, 1]"#
    );
    assert!(tensor("trainer.secret", &[1], 1.0).starts_with(r#"tensor "trainer.secret": expected names"#));
    let names = Parts::from_bytes(&checkpoint_file()).tensors;
    // The first checkpoints had no accuracy.
    for name in names.keys().filter(|name| *name != "trainer.accuracy") {
        let message = hostile.changed_checkpoint(|parts| drop(parts.tensors.remove(name)));
        assert_eq!(message, format!("tensor {name:?}: expected a tensor of this name, found none"));
    }
    let message = hostile.changed_checkpoint(|parts| {
        parts.tensors.retain(|name, _| !name.starts_with("trainer.velocity.2"));
    });
    assert_eq!(message, "layers of the velocity: expected shape [2], found [1]");
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = Folder::new("no-file");
    for path in [folder.file(""), folder.file("missing"), folder.file("missing/missing")] {
        assert!(matches!(problem(Network::<f32>::load(&path)), FileProblem::Io { .. }), "{}", path.display());
    }
    let message = problem(Network::<f32>::load(folder.file(""))).to_string();
    assert_eq!(message, "expected a file, found a folder");
    for path in ["/dev/zero", "/dev/null", "/dev/full"].map(PathBuf::from) {
        assert!(!path.exists() || Network::<f32>::load(&path).is_err());
    }
}

/// Under a limit of 512 MB of memory: files that claim more, some of them truly that long.
#[cfg(target_os = "linux")]
#[test]
fn no_memory_is_taken_for_what_is_claimed() {
    let folder = Folder::new("memory");
    run("hostile::in_little_memory", "ulimit -v 524288;", &folder.file("hostile.safetensors"));
}

#[test]
fn in_little_memory() {
    let Some(path) = given_path() else { return };
    let write = |start: &[u8], length: u64| {
        let mut file = File::create(&path).unwrap();
        file.write_all(start).unwrap();
        file.set_len(length.max(start.len() as u64)).unwrap(); // zeros that take no room on the disk
    };
    let load = || problem(Network::<f32>::load(&path));
    let gigabytes = 4_u64 << 30;

    write(&gigabytes.to_le_bytes(), 2 * gigabytes);
    assert!(matches!(load(), FileProblem::HeaderTooLong { .. }));
    let claim = |bytes: u64| {
        join(&json!({ "0.weight": { "dtype": "F32", "shape": [bytes / 4], "data_offsets": [0, bytes] } }), &[])
    };
    write(&claim(1 << 60), 0);
    assert!(matches!(load(), FileProblem::Truncated { .. }));
    write(&claim(gigabytes), 0);
    assert!(matches!(load(), FileProblem::Truncated { .. }));
    write(&claim(400), gigabytes);
    assert!(matches!(load(), FileProblem::Trailing { .. }));
    // truly so long: more than there is memory for, and told so
    write(&claim(gigabytes), gigabytes + 1000);
    assert!(matches!(load(), FileProblem::Io { kind: std::io::ErrorKind::OutOfMemory, .. }));
    // the densest header there can be
    let header = format!("{{\"a\":[{}0]}}", "[],".repeat(340_000));
    write(&[&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat(), 0);
    assert!(matches!(load(), FileProblem::Header { .. }));
}
