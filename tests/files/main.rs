//! Networks and checkpoints in files: what comes back, and what PyTorch makes of it. `hostile.rs`: what is refused.
//! `whole_file.rs`: what a process that dies in the middle leaves behind. `checkpoint.rs`: training that goes on.
//! `foreign.rs`: files of other libraries.

mod checkpoint;
mod files;
mod foreign;
mod hostile;
mod whole_file;

use chainrule::ndarray::{Array1, Array2, array};
use chainrule::{Activation, Error, FileProblem, Layer, Network, Real};
use files::{Folder, Parts};
use serde_json::Value;
use std::fs;
use std::path::Path;

const SOFTPLUS: Activation = Activation::Custom {
    name: "softplus",
    f: |z| z.max(0.0) + (-z.abs()).exp().ln_1p(),
    slope: |_z, a| 1.0 - (-a).exp(),
};

/// Parameters that every number type holds exactly, and no two rows or columns alike.
fn network<F: Real>(sizes: &[usize], activations: &[Activation]) -> Network<F> {
    let number = |k: usize| F::from_f64(((k * 37 + 11) % 64) as f64 / 32.0 - 1.0);
    let layer = |l: usize| {
        let (inputs, outputs) = (sizes[l], sizes[l + 1]);
        let weights = Array2::from_shape_fn((inputs, outputs), |(i, j)| number(100 * l + 7 * i + 3 * j));
        Layer::new(weights, Array1::from_shape_fn(outputs, |j| number(l + 5 * j)), activations[l]).unwrap()
    };
    Network::from_layers((0..activations.len()).map(layer).collect()).unwrap()
}

/// All weights and biases are one number.
fn constant(units: usize, number: f64) -> Network<f64> {
    let layer =
        Layer::new(Array2::from_elem((units, units), number), Array1::from_elem(units, number), Activation::Relu);
    Network::from_layers(vec![layer.unwrap()]).unwrap()
}

fn bits<F: Real>(network: &Network<F>) -> Vec<u64> {
    let affines = network.layers().iter().map(|layer| &layer.affine);
    affines.flat_map(|affine| affine.weights.iter().chain(&affine.bias)).map(|x| x.f64().to_bits()).collect()
}

fn problem<T>(result: Result<T, Error>) -> FileProblem {
    match result {
        Err(Error::File { problem, .. }) => problem,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("no error"),
    }
}

#[test]
fn every_network_comes_back_to_the_bit() {
    fn check<F: Real>(folder: &Folder) {
        use Activation::*;
        let mut layers = network::<F>(&[3, 4, 5, 2], &[Sigmoid, Relu, Softmax]).layers().to_vec();
        for (w, extreme) in layers[1].affine.weights.iter_mut().zip([
            F::max_value(),
            F::min_value(),
            F::min_positive_value(),
            F::min_positive_value() / F::from_f64(3.0), // subnormal
            F::from_f64(-0.0),
            F::epsilon(),
            F::from_f64(0.1),
        ]) {
            *w = extreme;
        }
        let path = folder.file("network.safetensors");
        for network in [
            Network::from_layers(layers).unwrap(),
            network(&[1, 1], &[Identity]),
            network(&[2, 3, 4, 5, 2], &[Tanh, Identity, Identity, Relu]),
        ] {
            network.save(&path).unwrap();
            let loaded = Network::<F>::load(&path).unwrap();
            assert_eq!(loaded, network);
            assert_eq!(bits(&loaded), bits(&network));
            assert!(loaded.layers().iter().all(|layer| layer.affine.weights.is_standard_layout()));
            let bytes = fs::read(&path).unwrap();
            loaded.save(&path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes, "the same network gives the same bytes");
        }
    }
    let folder = Folder::new("round-trip");
    check::<f32>(&folder);
    check::<f64>(&folder);
    assert_eq!(folder.names(), ["network.safetensors"], "nothing is left beside the file");
}

/// Read by other code than the crate's: names, shapes, order of the numbers, alignment.
#[test]
fn the_file_is_that_of_a_sequential() {
    use Activation::*;
    let folder = Folder::new("sequential");
    let path = folder.file("network.safetensors");
    let network = network::<f32>(&[2, 3, 4, 5, 2], &[Tanh, Identity, SOFTPLUS, Softmax]);
    network.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let parts = Parts::from_bytes(&bytes);

    assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);
    let names: Vec<_> = parts.tensors.keys().map(String::as_str).collect();
    let expected = ["0.bias", "0.weight", "2.bias", "2.weight", "3.bias", "3.weight", "5.bias", "5.weight"];
    assert_eq!(names, expected);
    assert_eq!(parts.metadata["chainrule"], "1");
    assert_eq!(parts.metadata["number"], "f32");
    assert_eq!(parts.metadata["activations"], r#"["tanh","identity","custom:softplus","softmax"]"#);

    let (dtype, shape, data) = &parts.tensors["0.weight"];
    assert_eq!((dtype.as_str(), &shape[..]), ("F32", &[3, 2][..])); // [outputs, inputs]
    let w = &network.layers()[0].affine.weights; // [inputs, outputs]
    let expected = [w[[0, 0]], w[[1, 0]], w[[0, 1]], w[[1, 1]], w[[0, 2]], w[[1, 2]]];
    assert_eq!(*data, expected.map(f32::to_le_bytes).concat());
}

#[test]
fn custom_activations_come_with_the_call() {
    let folder = Folder::new("custom");
    let path = folder.file("network.safetensors");
    let network = network::<f64>(&[2, 3, 1], &[SOFTPLUS, Activation::Sigmoid]);
    network.save(&path).unwrap();

    let message = problem(Network::<f64>::load(&path)).to_string();
    assert_eq!(
        message,
        r#"activations: "softplus" is custom, and a file holds its name only: pass its functions to load_with or load_checkpoint_with"#
    );
    let loaded = Network::<f64>::load_with(&path, &[SOFTPLUS, Activation::Sigmoid]).unwrap();
    let x = array![[0.3, -2.0]];
    assert_eq!(loaded.predict(x.view()).unwrap(), network.predict(x.view()).unwrap());

    let with = |activations: &[Activation]| problem(Network::<f64>::load_with(&path, activations)).to_string();
    let Activation::Custom { f, slope, .. } = SOFTPLUS else { unreachable!() };
    let other = Activation::Custom { name: "other", f, slope };
    assert_eq!(
        with(&[other, Activation::Sigmoid]),
        r#"metadata activations: expected "custom:other", as the caller says, found "custom:softplus""#
    );
    assert_eq!(
        with(&[SOFTPLUS, Activation::Identity]),
        r#"metadata activations: expected "identity", as the caller says, found "sigmoid""#
    );
    assert_eq!(
        with(&[SOFTPLUS]),
        "activations: expected shape [2], found [1]. Every layer of the file has one activation"
    );

    // a custom one that calls itself like a built-in one is still custom
    let relu = Activation::Custom { name: "relu", f, slope };
    let path = folder.file("relu.safetensors");
    self::network::<f64>(&[1, 1], &[relu]).save(&path).unwrap();
    assert!(matches!(problem(Network::<f64>::load(&path)), FileProblem::NeedsFunctions { .. }));
    assert!(Network::<f64>::load_with(&path, &[Activation::Relu]).is_err());
    assert!(Network::<f64>::load_with(&path, &[relu]).is_ok());
}

#[test]
fn f32_loads_as_f64_and_not_the_other_way() {
    let folder = Folder::new("number-types");
    let path = folder.file("network.safetensors");
    let layer = Layer::new(array![[0.1_f32]], array![1e-45], Activation::Identity).unwrap();
    Network::from_layers(vec![layer]).unwrap().save(&path).unwrap();
    let wide = Network::<f64>::load(&path).unwrap();
    assert_eq!(bits(&wide), [f64::from(0.1_f32), f64::from(1e-45_f32)].map(f64::to_bits));

    wide.save(&path).unwrap();
    let message = problem(Network::<f32>::load(&path)).to_string();
    assert_eq!(
        message,
        r#"tensor "0.weight": expected F32 numbers for f32, found F64: load them as f64, or rounded by Network::loader().round(true)"#
    );
}

#[test]
fn what_is_not_finite_is_not_saved() {
    let folder = Folder::new("not-finite");
    let path = folder.file("network.safetensors");
    let mut network = constant(2, 1.0);
    network.save(&path).unwrap();
    let before = fs::read(&path).unwrap();

    let gradient = [chainrule::Affine { weights: Array2::from_elem((2, 2), f64::NAN), bias: Array1::zeros(2) }];
    chainrule::Sgd::new(0.1).step(&mut network, &gradient).unwrap();
    let message = network.save(&path).unwrap_err().to_string();
    assert_eq!(message, "layer 0: weights: expected finite numbers, found NaN at [0, 0]");
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// `fixtures/` was made by `pytorch_interop.py`, with PyTorch.
mod pytorch {
    use super::*;

    fn fixture(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
    }

    fn matrix<F: Real>(rows: &Value) -> Array2<F> {
        let rows: Vec<Vec<f64>> = serde_json::from_value(rows.clone()).unwrap();
        Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap().mapv(F::from_f64)
    }

    /// The outputs that PyTorch has for its inputs, within a relative difference.
    fn agrees<F: Real>(network: &Network<F>, name: &str, bound: f64) {
        let expected: Value = serde_json::from_slice(&fs::read(fixture("pytorch.json")).unwrap()).unwrap();
        let (x, expected) = (matrix::<F>(&expected[name]["inputs"]), matrix::<f64>(&expected[name]["outputs"]));
        let found = network.predict(x.view()).unwrap();
        assert_eq!(found.dim(), expected.dim());
        for (found, expected) in found.iter().zip(&expected) {
            let difference = (found.f64() - expected).abs() / expected.abs();
            assert!(difference <= bound, "{name}: {found} for {expected}: {difference:e}");
        }
    }

    const ACTIVATIONS: [Activation; 3] = [Activation::Tanh, Activation::Relu, Activation::Softmax];

    #[test]
    fn a_file_of_pytorch_gives_its_outputs() {
        agrees(&Network::<f32>::load_with(fixture("pytorch_f32.safetensors"), &ACTIVATIONS).unwrap(), "f32", 1e-6);
        agrees(&Network::<f64>::load_with(fixture("pytorch_f64.safetensors"), &ACTIVATIONS).unwrap(), "f64", 1e-14);
        let message = problem(Network::<f32>::load(fixture("pytorch_f32.safetensors"))).to_string();
        assert_eq!(
            message,
            "metadata activations: expected the names of the activations (for a file without them, call \
             Network::load_with), found none"
        );
    }

    fn written_here() -> Network<f32> {
        use Activation::*;
        network(&[4, 6, 5, 5, 3], &[Tanh, Identity, Relu, Sigmoid])
    }

    /// The file that PyTorch has read is the one that is written today, byte for byte, and its outputs are the crate's.
    #[test]
    fn a_file_for_pytorch_gives_the_same_outputs_there() {
        let folder = Folder::new("pytorch");
        let path = folder.file("chainrule.safetensors");
        written_here().save(&path).unwrap();
        if std::env::var_os("CHAINRULE_WRITE_FIXTURES").is_some() {
            fs::copy(&path, fixture("chainrule.safetensors")).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), fs::read(fixture("chainrule.safetensors")).unwrap());
        agrees(&written_here(), "chainrule", 1e-6);
    }
}
