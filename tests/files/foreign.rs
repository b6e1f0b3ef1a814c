//! Files that other libraries write: other names, no biases, other number types, metadata of their own.

use super::files::{Folder, Parts, join, split};
use super::{network, problem};
use chainrule::ndarray::{Array2, array};
use chainrule::{Activation, Error, FileProblem, Layer, Network, Real};
use serde_json::{Value, json};
use std::fs;

const ACTIVATIONS: [Activation; 3] = [Activation::Tanh, Activation::Relu, Activation::Softmax];

fn expected<F: Real>() -> Network<F> {
    network(&[2, 4, 3, 2], &ACTIVATIONS)
}

/// The network as a plain file, the prefixes of whose tensors are these: `0.` for `0.weight`.
fn file(prefixes: [&str; 3]) -> Parts {
    let folder = Folder::new(&format!("foreign-{:?}", std::thread::current().id()));
    expected::<f32>().save(folder.file("network")).unwrap();
    let own = Parts::from_bytes(&fs::read(folder.file("network")).unwrap());
    let mut parts = Parts::default();
    for (from, to) in ["0.", "2.", "4."].iter().zip(prefixes) {
        for kind in ["weight", "bias"] {
            parts.tensors.insert(format!("{to}{kind}"), own.tensors[&format!("{from}{kind}")].clone());
        }
    }
    parts
}

/// Loads bytes, with the names of layers or without.
fn load<F: Real>(bytes: &[u8], layers: Option<&[&str]>) -> Result<Network<F>, Error> {
    let folder = Folder::new(&format!("foreign-load-{:?}", std::thread::current().id()));
    let path = folder.file("foreign.safetensors");
    fs::write(&path, bytes).unwrap();
    match layers {
        None => Network::load_with(&path, &ACTIVATIONS),
        Some(layers) => Network::loader().layers(layers.iter().copied()).activations(&ACTIVATIONS).load(&path),
    }
}

fn plain(parts: &Parts) -> Vec<u8> {
    parts.to_bytes_with(Value::Null)
}

#[test]
fn a_common_prefix_is_accepted() {
    for prefix in
        ["", "net.", "model.", "module.", "_orig_mod.", "layers.", "0.", "module._orig_mod.net.layers.", "a.0.b."]
    {
        for numbers in [[0, 2, 4], [0, 1, 2], [1, 2, 3], [9, 10, 100]] {
            let names = numbers.map(|i| format!("{prefix}{i}."));
            let bytes = plain(&file(names.each_ref().map(String::as_str)));
            assert_eq!(load::<f32>(&bytes, None).unwrap(), expected(), "{names:?}");
        }
    }
}

#[test]
fn the_caller_can_name_the_layers() {
    let named = |prefixes, layers: [&str; 3]| load::<f32>(&plain(&file(prefixes)), Some(&layers));
    let fc = ["fc1", "fc2", "fc3"];
    assert_eq!(named(["fc1.", "fc2.", "fc3."], fc).unwrap(), expected());
    assert_eq!(named(["z.", "y.", "x."], ["z", "y", "x"]).unwrap(), expected()); // not in alphabetical order
    assert_eq!(named(["module.net.fc1.", "module.net.fc2.", "module.net.fc3."], fc).unwrap(), expected());
    assert_eq!(named(["a.fc1.", "a.fc2.", "a.fc3."], ["a.fc1", "a.fc2", "a.fc3"]).unwrap(), expected());
    assert_eq!(named(["0.0.", "0.2.", "1."], ["0.0", "0.2", "1"]).unwrap(), expected());
    assert_eq!(named(["2.", "0.", "1."], ["2", "0", "1"]).unwrap(), expected()); // against the numbers

    let message = |prefixes, layers| problem(named(prefixes, layers)).to_string();
    assert_eq!(
        message(["fc1.", "fc2.", "out."], fc),
        "tensors: expected fc1.weight, fc2.weight, fc3.weight and their biases, and no others (a common prefix is fine), \
         found fc1.bias, fc1.weight, fc2.bias, fc2.weight, out.bias, out.weight"
    );
    for (prefixes, layers) in [
        (["a.fc1.", "a.fc2.", "b.fc3."], fc), // no common prefix
        (["xfc1.", "xfc2.", "xfc3."], fc),    // one that does not end at a dot
        (["fc1.", "fc2.", "fc3."], ["fc1", "fc2", "fc2"]),
    ] {
        assert!(message(prefixes, layers).starts_with("tensors: expected fc1.weight, "), "{prefixes:?} {layers:?}");
    }
    let bytes = plain(&file(["fc1.", "fc2.", "fc3."]));
    assert!(matches!(problem(load::<f32>(&bytes, Some(&["fc1", "fc2"]))), FileProblem::Tensors { .. }));
    assert!(matches!(problem(load::<f32>(&bytes, Some(&[]))), FileProblem::Tensors { .. }));
    let twice = Some(&["fc1", "fc2", "fc3", "fc1"][..]);
    assert!(matches!(problem(load::<f32>(&bytes, twice)), FileProblem::Tensors { .. }));
}

#[test]
fn other_names_are_listed() {
    let message = |prefixes| problem(load::<f32>(&plain(&file(prefixes)), None)).to_string();
    assert_eq!(
        message(["fc1.", "fc2.", "fc3."]),
        "tensors: expected 0.weight, 0.bias and so on, numbered from input to output (a common prefix is fine; for other \
         names, see Network::loader().layers), found fc1.bias, fc1.weight, fc2.bias, fc2.weight, fc3.bias, fc3.weight"
    );
    // Guessing an order would be worse than asking.
    for prefixes in [["a.0.", "a.1.", "b.2."], ["0.", "1.", "out."], ["0.0.", "0.2.", "1."], ["00.", "1.", "2."]] {
        assert!(message(prefixes).starts_with("tensors: expected 0.weight, "), "{prefixes:?}");
    }
}

#[test]
fn the_name_of_a_single_layer_does_not_matter() {
    for name in ["", "0.", "fc.", "linear.", "model.out."] {
        let mut parts = file([name, "x.", "y."]);
        parts.tensors.retain(|tensor, _| !tensor.starts_with(['x', 'y']));
        let folder = Folder::new("foreign-single");
        fs::write(folder.file("single"), plain(&parts)).unwrap();
        let found = Network::<f32>::load_with(folder.file("single"), &[Activation::Tanh]).unwrap();
        assert_eq!(found.layers(), &expected::<f32>().layers()[..1], "{name:?}");
    }
}

#[test]
fn a_layer_without_a_bias_gets_zeros() {
    for missing in [vec!["0."], vec!["4."], vec!["0.", "2.", "4."]] {
        let mut parts = file(["0.", "2.", "4."]);
        let mut layers = expected::<f32>().layers().to_vec();
        for (layer, prefix) in layers.iter_mut().zip(["0.", "2.", "4."]) {
            if missing.contains(&prefix) {
                parts.tensors.remove(&format!("{prefix}bias"));
                layer.affine.bias.fill(0.0);
            }
        }
        let expected = Network::from_layers(layers).unwrap();
        assert_eq!(load(&plain(&parts), None).unwrap(), expected, "{missing:?}");
        assert_eq!(load(&plain(&parts), Some(&["0", "2", "4"])).unwrap(), expected, "{missing:?}");
    }
    let mut parts = file(["0.", "2.", "4."]);
    parts.tensors.remove("2.weight");
    assert_eq!(
        problem(load::<f32>(&plain(&parts), None)).to_string(),
        r#"tensor "2.weight": expected a tensor of this name, found none"#
    );
}

/// Every number of 16 bits, by the definition of its bits; NaN and infinity are refused like any other.
#[test]
fn half_precision_is_widened_exactly() {
    fn check<F: Real>(dtype: &str, fraction_bits: u32, bias: i32) {
        let one = |bits: u16| {
            let (fraction, exponent) =
                (bits & ((1 << fraction_bits) - 1), bits >> fraction_bits & ((1 << (15 - fraction_bits)) - 1));
            let unit = 2_f64.powi(i32::from(exponent.max(1)) - bias - fraction_bits as i32);
            let size = f64::from(fraction) + if exponent == 0 { 0.0 } else { 2_f64.powi(fraction_bits as i32) };
            let finite = exponent != (1 << (15 - fraction_bits)) - 1;
            finite.then_some(if bits >> 15 == 1 { -size * unit } else { size * unit })
        };
        let (finite, others): (Vec<u16>, Vec<u16>) = (0..=u16::MAX).partition(|&bits| one(bits).is_some());
        let load = |bits: &[u16]| {
            let mut parts = Parts::default();
            let bytes = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
            parts.tensors.insert("weight".into(), (dtype.into(), vec![1, bits.len()], bytes));
            let folder = Folder::new(&format!("half-{dtype}-{}", size_of::<F>()));
            fs::write(folder.file("half"), plain(&parts)).unwrap();
            Network::<F>::load_with(folder.file("half"), &[Activation::Identity])
        };
        let network = load(&finite).unwrap();
        for (found, &bits) in network.layers()[0].affine.weights.iter().zip(&finite) {
            assert_eq!(found.f64().to_bits(), one(bits).unwrap().to_bits(), "{dtype} {bits:#06x}");
        }
        for bits in others.chunks(97).flat_map(|chunk| [chunk[0], chunk[chunk.len() - 1]]) {
            let message = problem(load(&[bits])).to_string();
            assert!(message.starts_with("layer 0: weights: expected finite numbers, found "), "{message}");
        }
    }
    check::<f32>("F16", 10, 15);
    check::<f64>("F16", 10, 15);
    check::<f32>("BF16", 7, 127);
    check::<f64>("BF16", 7, 127);
}

#[test]
fn f64_is_rounded_where_the_caller_asks() {
    let folder = Folder::new("foreign-round");
    let path = folder.file("network");
    let numbers = [0.1, 1.0 / 3.0, -1e-46, 3.4e38, 16_777_217.0];
    let layer = |numbers: [f64; 5]| {
        Layer::new(Array2::from(numbers.map(|x| [x]).to_vec()), array![numbers[0]], Activation::Tanh)
    };
    Network::from_layers(vec![layer(numbers).unwrap()]).unwrap().save(&path).unwrap();

    let found = Network::<f32>::loader().round(true).load(&path).unwrap();
    assert!(found.layers()[0].affine.weights.iter().zip(numbers).all(|(&found, x)| found == x as f32));
    assert_eq!(found.layers()[0].affine.bias[0], 0.1_f32);
    assert!(Network::<f32>::loader().round(false).load(&path).is_err());
    assert!(Network::<f32>::load(&path).is_err());
    assert_eq!(Network::<f64>::loader().round(true).load(&path).unwrap().layers()[0], layer(numbers).unwrap());

    // A number that no f32 can be rounded from.
    Network::from_layers(vec![layer([1e39; 5]).unwrap()]).unwrap().save(&path).unwrap();
    let message = problem(Network::<f32>::loader().round(true).load(&path)).to_string();
    assert_eq!(message, "layer 0: weights: expected finite numbers, found inf at [0, 0]");
}

/// Without the crate's own mark, metadata mean something else, whatever they are called.
#[test]
fn metadata_of_others_are_none_of_our_business() {
    let parts = file(["0.", "2.", "4."]);
    for metadata in [
        json!({}),
        json!({ "format": "pt" }),
        json!({ "version": "7" }),
        json!({ "checksum": "sha256:00" }),
        json!({ "activations": "relu" }),
        json!({ "activations": "[\"tanh\"]", "checksum": "x", "version": "1", "number": "f16", "loss": "mse" }),
        json!({ "format": null }),
    ] {
        assert_eq!(load(&parts.to_bytes_with(metadata.clone()), None).unwrap(), expected::<f32>(), "{metadata}");
    }
    let bytes = plain(&parts);
    let (mut header, data) = split(&bytes);
    header["__metadata__"] = Value::Null;
    assert_eq!(load(&join(&header, data), None).unwrap(), expected::<f32>());

    // With the mark they are the crate's, and have to be right.
    let own = json!({ "chainrule": "1", "activations": "relu" });
    let message = problem(load::<f32>(&parts.to_bytes_with(own), None)).to_string();
    assert_eq!(message, "metadata checksum: expected 16 hexadecimal digits, found none");
}

#[test]
fn the_crates_own_files_can_be_loaded_by_names_too() {
    let folder = Folder::new("foreign-own");
    let path = folder.file("network");
    expected::<f32>().save(&path).unwrap();
    let loader = Network::<f32>::loader().layers(["0", "2", "4"]);
    assert_eq!(loader.load(&path).unwrap(), expected());
    let backwards = Network::<f32>::loader().layers(["4", "2", "0"]).load(&path);
    assert_eq!(problem(backwards).to_string(), "layer 1: weights: expected shape [2, 3], found [4, 3]");
}
