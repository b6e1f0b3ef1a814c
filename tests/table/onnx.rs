//! ONNX files: their bytes are those that onnxruntime and tract have read, and computed the same from.
//! `tests/onnx_interop.py` is that check.

use super::model::{Folder, mixed};
use super::{fixture, message};
use chainrule::ndarray::{Array1, Array2};
use chainrule::{Activation, Dataset, Layer, Model, Network, Preprocessing, Real, Scale, Table};
use serde_json::{Value, json};
use std::fs;

/// A model with each activation that there is an operator for. Its numbers are arbitrary.
fn each<F: Real>(second: Activation) -> Model<F> {
    let number = |k: usize| ((k * 37 + 11) % 64) as f64 / 32.0 - 1.0;
    let inputs = Array2::from_shape_fn((6, 3), |(i, j)| F::from_f64(1e3 * number(7 * i + j)));
    let data =
        Dataset::new(inputs, Array2::from_shape_fn((6, 2), |(i, j)| F::from_f64(50.0 + number(i + 5 * j)))).unwrap();
    let preprocessing = Preprocessing::learn_with(&Table::from_dataset(&data), Scale::Standard, Scale::MinMax).unwrap();
    use Activation::*;
    let activations = [Relu, second, Softplus, Tanh, LeakyRelu, Elu, Silu, Identity, Sigmoid];
    let sizes = [3, 5, 4, 4, 4, 4, 4, 4, 4, 2];
    let layer = |l: usize| {
        let weights = Array2::from_shape_fn((sizes[l], sizes[l + 1]), |(i, j)| F::from_f64(number(9 * l + 3 * i + j)));
        let bias = Array1::from_shape_fn(sizes[l + 1], |j| F::from_f64(number(l + j)));
        Layer::new(weights, bias, activations[l]).unwrap()
    };
    Model::new(preprocessing, Network::from_layers((0..9).map(layer).collect()).unwrap()).unwrap()
}

/// Rows, and what the model makes of them.
fn expected<F: Real>(model: &Model<F>) -> Value {
    let columns = model.preprocessing().columns().count();
    let rows = Array2::from_shape_fn((7, columns), |(i, j)| F::from_f64(((i * 5 + j * 3) % 11) as f64 * 0.7 - 1.0));
    let outputs = model.predict(rows.view()).unwrap();
    let numbers = |array: &Array2<F>| {
        json!(array.rows().into_iter().map(|r| r.iter().map(|x| x.f64()).collect::<Vec<_>>()).collect::<Vec<_>>())
    };
    json!({ "inputs": numbers(&rows), "outputs": numbers(&outputs) })
}

#[test]
fn the_bytes_are_those_that_runtimes_have_read() {
    let folder = Folder::new("onnx");
    let write = std::env::var_os("CHAINRULE_WRITE_FIXTURES").is_some();
    let check = |name: &str, bytes: Vec<u8>| {
        let path = fixture(&format!("{name}.onnx"));
        if write {
            fs::write(&path, &bytes).unwrap();
        }
        assert!(bytes == fs::read(path).unwrap(), "{name}.onnx");
    };
    let bytes = |save: &dyn Fn()| {
        save();
        fs::read(folder.file()).unwrap()
    };
    let iris = Model::<f32>::load(fixture("iris.safetensors")).unwrap();
    let (f32s, f64s, mixed) =
        (each::<f32>(Activation::Gelu), each::<f64>(Activation::Tanh), mixed(Activation::Identity));
    let gelu = each::<f64>(Activation::Gelu);
    check("iris", bytes(&|| iris.save_onnx(folder.file()).unwrap()));
    check("each-f32", bytes(&|| f32s.save_onnx(folder.file()).unwrap()));
    check("each-f64", bytes(&|| f64s.save_onnx(folder.file()).unwrap()));
    check("gelu-f64", bytes(&|| gelu.save_onnx(folder.file()).unwrap()));
    check("every-kind", bytes(&|| mixed.save_onnx(folder.file()).unwrap()));

    // Of words, the features are what the table becomes; a gap stays a gap.
    let nan = "nan";
    let (age, fare) = (26.5, 71.3);
    let features = json!([
        [22.0, 0, 0, 1, 0, 7.1, 1, 0, 0, 0],
        [nan, 1, 0, 0, 0, fare, 0, 0, 0, 1],
        [age, 0, 1, 0, 0, nan, 0, 0, 1, 0]
    ]);
    let row = |age: f64, port: &str, fare: f64, code: &str| {
        let row =
            [("age", age.into()), ("port", chainrule::Value::Word(port)), ("fare", fare.into()), ("code", code.into())];
        mixed.predict_row(&row).unwrap().to_vec()
    };
    let outputs = json!([row(22.0, "S", 7.1, "7"), row(f64::NAN, "?", fare, "?"), row(age, "C", f64::NAN, "10")]);
    let all = json!({
        "iris": expected(&iris),
        "each-f32": expected(&f32s),
        "each-f64": expected(&f64s),
        "gelu-f64": expected(&gelu),
        "every-kind": { "inputs": features, "outputs": outputs },
    });
    let path = fixture("onnx.json");
    if write {
        fs::write(&path, format!("{all:#}\n")).unwrap();
    }
    // Up to rounding, as the last bits are another machine's.
    let published: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for (name, cases) in all.as_object().unwrap() {
        let outputs = |value: &Value| -> Vec<f64> {
            let rows = value["outputs"].as_array().unwrap().iter();
            rows.flat_map(|row| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap())).collect()
        };
        for (found, expected) in outputs(cases).iter().zip(outputs(&published[name])) {
            assert!((found - expected).abs() <= 1e-5 * (1.0 + expected.abs()), "{name}: {found} {expected}");
        }
    }
}

#[test]
fn what_has_no_operator_is_refused() {
    let folder = Folder::new("onnx-custom");
    let half = Activation::Custom { name: "half", f: |z| z / 2.0, slope: |_, _| 0.5 };
    let error = message(mixed(half).save_onnx(folder.file()));
    assert!(
        error.ends_with(
            ": activation \"half\": expected one of the crate's, found a custom one, whose function cannot be written to a file"
        ),
        "{error}"
    );
    assert!(!folder.file().exists());
}
