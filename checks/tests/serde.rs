//! `Serialize` and `Deserialize`: values read back from JSON are bit-identical; invalid ones are refused.

#[path = "../../tests/common/mod.rs"]
mod common;

use chainrule::ndarray::{Array1, Array2, array};
use chainrule::{Activation, Affine, History, Init, Layer, Loss, Network, Real, Scale, Scaling, Schedule, Sgd};
use common::{ACTIVATIONS, pairs};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json, to_value};
use std::fmt::Debug;

/// Through text and back.
fn round<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn same<T: Serialize + DeserializeOwned + Debug>(value: &T) {
    // Debug, because it distinguishes all bits of a number and every type has it
    assert_eq!(format!("{:?}", round(value)), format!("{value:?}"));
}

fn built_in() -> impl Iterator<Item = Activation> {
    ACTIVATIONS.into_iter().filter(|activation| !matches!(activation, Activation::Custom { .. }))
}

/// Numbers that need all their digits.
fn network<F: Real>() -> Network<F> {
    let number = |k: usize| F::from_f64((k as f64 * 0.7 + 0.1).sin());
    let weights = |inputs, outputs| Array2::from_shape_fn((inputs, outputs), |(i, j)| number(10 * i + j));
    let mut first = weights(2, 3);
    for (w, extreme) in first.iter_mut().zip([
        F::max_value(),
        F::min_positive_value(),
        F::min_positive_value() / F::from_f64(3.0), // subnormal
        F::from_f64(-0.0),
    ]) {
        *w = extreme;
    }
    Network::from_layers(vec![
        Layer::new(first, Array1::from_shape_fn(3, number), Activation::Relu).unwrap(),
        Layer::new(weights(3, 2), Array1::from_shape_fn(2, number), Activation::Softmax).unwrap(),
    ])
    .unwrap()
}

#[test]
fn everything_comes_back_to_the_bit() {
    fn check<F: Real + Serialize + DeserializeOwned>() {
        let network = network::<F>();
        assert_eq!(round(&network), network);
        same(&network);
        same(&network.layers()[0]);
        same(&network.layers()[1].affine);
        same(&Sgd::<F>::new(0.1).momentum(1.0 / 3.0).weight_decay(1e-300));

        // with a velocity, the next step is the same
        let gradient: Vec<Affine<F>> = network.layers().iter().map(|layer| layer.affine.clone()).collect();
        let gradient: Vec<_> =
            gradient.into_iter().map(|g| Affine { weights: g.weights * F::epsilon(), ..g }).collect();
        let mut sgd = Sgd::new(0.1).momentum(0.9).schedule(Schedule::Exponential { factor: 0.9 });
        let mut stepped = network.clone();
        sgd.set_epoch(3);
        sgd.step(&mut stepped, &gradient).unwrap();
        let (mut again, mut sgd_again) = (round(&stepped), round(&sgd));
        sgd.step(&mut stepped, &gradient).unwrap();
        sgd_again.step(&mut again, &gradient).unwrap();
        same(&sgd);
        assert_eq!(format!("{sgd_again:?}"), format!("{sgd:?}"));
        assert_eq!(again, stepped);
    }
    check::<f32>();
    check::<f64>();

    for activation in built_in() {
        same(&activation);
        assert_eq!(to_value(activation).unwrap(), json!(activation.name()));
    }
    for (_, loss) in pairs().into_iter().filter(|(_, loss)| !matches!(loss, Loss::Custom { .. })) {
        same(&loss);
        assert_eq!(to_value(loss).unwrap(), json!(loss.name()));
    }
    use Init::*;
    for init in [Zeros, XavierNormal, XavierUniform, HeNormal, HeUniform, FanOutNormal] {
        same(&init);
    }
    same(&Normal { std: 0.1 });
    same(&Uniform { low: -0.1, high: 1.0 / 3.0 });
    same(&Scaling::new(array![0.1, -1e300], array![5e-324, 1.0 / 3.0]).unwrap());
    same(&Scale::MinMax);
    same(&Schedule::Constant);
    same(&Schedule::Step { every: 3, factor: 0.7 });
    same(&Schedule::Cosine { epochs: usize::MAX });
    same(&History {
        cost: vec![0.1, 1.0 / 3.0],
        accuracy: vec![0.5, 2.0 / 3.0],
        validation_cost: vec![5e-324],
        validation_accuracy: vec![],
        best_epoch: Some(1),
        unreachable_targets: 0.25,
    });
}

/// The format that other programs see; a change here changes the format.
#[test]
fn the_names_are_these() {
    let layer = Layer::new(array![[0.5], [1.5]], array![2.5], Activation::Sigmoid).unwrap();
    let expected = json!({ "layers": [{
        "affine": {
            "weights": { "v": 1, "dim": [2, 1], "data": [0.5, 1.5] },
            "bias": { "v": 1, "dim": [1], "data": [2.5] },
        },
        "activation": "sigmoid",
    }] });
    assert_eq!(to_value(Network::from_layers(vec![layer]).unwrap()).unwrap(), expected);
    assert_eq!(to_value(Init::HeNormal).unwrap(), json!("he_normal"));
    assert_eq!(to_value(Init::Normal { std: 0.5 }).unwrap(), json!({ "normal": { "std": 0.5 } }));
    let expected = json!({
        "rate": {
            "initial": 0.5, "schedule": { "step": { "every": 3, "factor": 0.5 } }, "warm_up": 0, "epoch": 0,
            "plateau": { "best": null, "waiting": 0, "drops": 0 },
        },
        "momentum": 0.0, "nesterov": false, "weight_decay": 0.0, "velocity": null,
    });
    let sgd = Sgd::<f32>::new(0.5).schedule(Schedule::Step { every: 3, factor: 0.5 });
    assert_eq!(to_value(sgd).unwrap(), expected);
}

#[test]
fn custom_ones_have_a_name_and_no_functions() {
    let cube = Activation::Custom { name: "cube", f: |z| z * z * z, slope: |z, _| 3.0 * z * z };
    assert_eq!(to_value(cube).unwrap(), json!("custom:cube"));
    let error = from_value::<Activation>(json!("custom:cube")).unwrap_err().to_string();
    assert_eq!(error, r#"activations: "cube" is custom, and its functions cannot be deserialised"#);
    let loss = Loss::Custom { name: "half", value: |a, y| (a - y) * (a - y) / 2.0, slope: |a, y| a - y };
    let error = from_value::<Loss>(to_value(loss).unwrap()).unwrap_err().to_string();
    assert_eq!(error, r#"loss: "half" is custom, and its functions cannot be deserialised"#);
    let error = from_value::<Activation>(json!("mish")).unwrap_err().to_string();
    let names: Vec<_> = built_in().map(Activation::name).collect();
    assert_eq!(error, format!("metadata activations: expected {}, found \"mish\"", names.join(", ")));
}

#[test]
fn what_makes_no_network_is_refused() {
    let refused = |change: fn(&mut Value)| {
        let mut value = to_value(network::<f64>()).unwrap();
        change(&mut value);
        from_value::<Network<f64>>(value).unwrap_err().to_string()
    };
    assert_eq!(refused(|v| v["layers"] = json!([])), "layers: expected at least one, found none");
    assert_eq!(
        refused(|v| v["layers"][1]["affine"]["bias"] = json!({ "v": 1, "dim": [1], "data": [0.5] })),
        "layer 1: bias: expected shape [2], found [1]. Weights are [inputs, outputs], and every output has one bias"
    );
    assert_eq!(
        refused(|v| v["layers"][0] = v["layers"][1].clone()),
        "layer 1: weights: expected shape [2, 2], found [3, 2]. Weights are [inputs, outputs], and the inputs are the outputs of the \
         layer before"
    );
    assert!(refused(|v| v["layers"][0]["affine"]["weights"]["dim"] = json!([2, 4])).contains("data and dimension"));
    assert!(refused(|v| v["layers"][0]["affine"]["weights"]["dim"] = json!([1_u64 << 60, 1_u64 << 60])).len() > 5);
    assert!(refused(|v| v["layers"][0]["activation"] = json!(7)).contains("expected a string"));

    // a format with an infinity; JSON has none, and writes null
    assert!(refused(|v| v["layers"][0]["affine"]["bias"]["data"][0] = Value::Null).contains("null"));
    let layer = json!({
        "affine": { "weights": { "v": 1, "dim": [1, 1], "data": [1.0] }, "bias": { "v": 1, "dim": [1], "data": [0.0] } },
        "activation": "softmax",
    });
    let error = from_value::<Layer<f64>>(layer).unwrap_err().to_string();
    assert_eq!(error, "softmax of a single unit is always 1: use one sigmoid unit, or two units");
}

#[test]
fn a_scaling_is_read_through_its_constructor() {
    let value = to_value(Scaling::new(array![0.5], array![2.0]).unwrap()).unwrap();
    let column = |x: f64| json!({ "v": 1, "dim": [1], "data": [x] });
    assert_eq!(value, json!({ "shift": column(0.5), "scale": column(2.0) }));
    let error = from_value::<Scaling>(json!({ "shift": column(0.5), "scale": column(0.0) })).unwrap_err();
    assert_eq!(error.to_string(), "scale: expected more than 0, found 0");
}
