//! The crate against independently computed numbers: double-precision code, with gradients checked in extended
//! precision, and activations and losses computed to sixty digits. See `golden/README.md`.

use chainrule::ndarray::{Array1, Array2, ArrayView, Axis, Dimension, array, s};
use chainrule::rand::SeedableRng;
use chainrule::{
    Activation, Adam, Affine, Dataset, Layer, Loss, Network, Optimizer, Real, RmsProp, Sgd, Trainer, Workspace,
};
use serde_json::Value;

fn load(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn vector(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(vector).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

/// The file's `[out][in]` weights as the crate's `[in, out]`.
fn affine(value: &Value, l: usize) -> Affine<f64> {
    Affine { weights: matrix(&value["W"][l]).reversed_axes(), bias: Array1::from(vector(&value["b"][l])) }
}

/// Within 1e-12 of the largest entry, plus 1e-15.
fn close<D: Dimension>(what: &str, found: ArrayView<'_, f64, D>, expected: ArrayView<'_, f64, D>) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let bound = 1e-12 * expected.iter().fold(0.0, |max: f64, x| max.max(x.abs())) + 1e-15;
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() <= bound, "{what}: {a} for {b}, bound {bound}");
    }
}

fn close_numbers(what: &str, found: f64, expected: f64) {
    close(what, Array1::from(vec![found]).view(), Array1::from(vec![expected]).view());
}

fn close_affines(what: &str, found: &[Affine<f64>], expected: &Value) {
    for (l, found) in found.iter().enumerate() {
        let expected = affine(expected, l);
        close(&format!("{what}, weights of layer {l}"), found.weights.view(), expected.weights.view());
        close(&format!("{what}, bias of layer {l}"), found.bias.view(), expected.bias.view());
    }
}

fn parameters(network: &Network<f64>) -> Vec<Affine<f64>> {
    network.layers().iter().map(|layer| layer.affine.clone()).collect()
}

/// A golden case in the crate's conventions. In the file, networks for classification end in a linear layer and squared
/// errors are sums over the outputs. In the crate they end in a softmax, and squared errors are means.
struct Case {
    name: String,
    network: Network<f64>,
    loss: Loss,
    /// The file's loss in units of the crate's.
    unit: f64,
    x: Array2<f64>,
    y: Array2<f64>,
    json: Value,
}

fn cases(file: &str) -> Vec<Case> {
    load(file)["cases"].as_array().unwrap().iter().map(case).collect()
}

fn case(json: &Value) -> Case {
    let specs = json["layers"].as_array().unwrap();
    let name = json["loss"].as_str().unwrap();
    let layers = specs.iter().enumerate().map(|(l, spec)| {
        let activation = match (spec["act"].as_str().unwrap(), name) {
            ("linear", "softmax_ce") => Activation::Softmax,
            ("tanh", _) => Activation::Tanh,
            ("sigmoid", _) => Activation::Sigmoid,
            ("relu", _) => Activation::Relu,
            other => panic!("{other:?}"),
        };
        let Affine { weights, bias } = affine(&json["params0"], l);
        Layer::new(weights, bias, activation).unwrap()
    });
    let network = Network::from_layers(layers.collect()).unwrap();
    let outputs = network.outputs() as f64;
    let (loss, unit) = match name {
        "bce" => (Loss::BinaryCrossEntropy, 1.0),
        "sq" => (Loss::MeanSquaredError, outputs),
        "halfsq" => (Loss::MeanSquaredError, outputs / 2.0),
        "softmax_ce" => (Loss::CrossEntropy, 1.0),
        other => panic!("{other}"),
    };
    let case = json["name"].as_str().unwrap().to_owned();
    Case { name: case, network, loss, unit, x: matrix(&json["x"]), y: matrix(&json["y"]), json: json.clone() }
}

fn check_pass(case: &Case) {
    let Case { name, network, loss, unit, x, y, json } = case;
    let reg = json["reg"].as_f64().unwrap();
    let mut workspace = Workspace::new(network, x.nrows());
    network.forward(x.view(), &mut workspace).unwrap();
    let cost = network.backward(x.view(), y.view(), *loss, &mut workspace).unwrap();

    for l in 0..network.layers().len() {
        close(&format!("{name}: z of layer {l}"), workspace.z(l), matrix(&json["forward"]["z"][l]).view());
        let a = match network.layers()[l].activation {
            Activation::Softmax => &json["forward"]["softmax"],
            _ => &json["forward"]["a"][l],
        };
        close(&format!("{name}: a of layer {l}"), workspace.a(l), matrix(a).view());
    }
    close_numbers(&format!("{name}: loss"), unit * cost, json["loss_data"].as_f64().unwrap());
    close_numbers(&format!("{name}: penalty"), network.l2_penalty(reg), json["loss_reg"].as_f64().unwrap());
    assert_eq!(network.cost(x.view(), y.view(), *loss).unwrap(), cost, "{name}: the two ways to the cost");

    // The golden gradients include the penalty; the crate adds the penalty's gradient in the step.
    let mut gradients = workspace.gradients().to_vec();
    for (gradient, layer) in gradients.iter_mut().zip(network.layers()) {
        gradient.weights = &gradient.weights * *unit + &layer.affine.weights * reg;
        gradient.bias *= *unit;
    }
    close_affines(&format!("{name}: gradient"), &gradients, &json["grads"]);

    // The gradient of the inputs: dX = dZ·Wᵀ, from the first layer's dZ.
    let dx = workspace.dz(0).dot(&network.layers()[0].affine.weights.t()) * *unit;
    close(&format!("{name}: gradient of the inputs"), dx.view(), matrix(&json["grad_x"]).view());
}

/// Ten steps, with a look at the parameters after 1, 2 and 10.
fn check_steps(case: &Case, steps: &str, trained_bias: bool) {
    let Case { name, network, loss, unit, x, y, json } = case;
    let mut network = network.clone();
    let mut workspace = Workspace::new(&network, x.nrows());
    // The file's rate is for the file's unit of the loss.
    let rate = json["lr"].as_f64().unwrap() * unit;
    let decay = json["reg"].as_f64().unwrap() / unit;
    let mut sgd = Sgd::new(rate).momentum(json["momentum"].as_f64().unwrap_or(0.0)).weight_decay(decay);
    let single = json["one_sample_per_step"].as_bool().unwrap();
    for t in 1..=10 {
        let rows = if single { t - 1..t } else { 0..x.nrows() };
        let (x, y) = (x.slice(s![rows.clone(), ..]), y.slice(s![rows, ..]));
        network.forward(x, &mut workspace).unwrap();
        network.backward(x, y, *loss, &mut workspace).unwrap();
        if !trained_bias {
            workspace.gradients_mut().iter_mut().for_each(|gradient| gradient.bias.fill(0.0));
        }
        sgd.step(&mut network, workspace.gradients()).unwrap();
        if let Some(expected) = json[steps].get(t.to_string()) {
            close_affines(&format!("{name}: {steps} {t}"), &parameters(&network), expected);
        }
    }
}

fn check_file(file: &str) {
    for case in cases(file) {
        check_pass(&case);
        check_steps(&case, "steps", case.json["train_bias"].as_bool().unwrap());
        if case.json.get("steps_bias_trained").is_some() {
            check_steps(&case, "steps_bias_trained", true);
        }
    }
}

#[test]
fn planar() {
    check_file("planar");
}

#[test]
fn cos() {
    check_file("cos");
}

#[test]
fn moons() {
    check_file("moons");
}

#[test]
fn cifar() {
    check_file("cifar");
}

#[test]
fn mnist() {
    check_file("mnist_randn");
}

/// The distance in units in the last place; 0.0 and −0.0 are the same.
fn ulps(a: f64, b: f64) -> u64 {
    let ordered = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    ordered(a).abs_diff(ordered(b))
}

/// f(z) and f′(z) by a network of one unit with w = 1, b = 0, whose loss is its output.
fn unit(activation: Activation, z: f64) -> (f64, f64) {
    let output = Loss::Custom { name: "output", value: |a, _| a, slope: |_, _| 1.0 };
    let layer = Layer::new(array![[1.0]], array![0.0], activation).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    let mut workspace = Workspace::new(&network, 1);
    network.forward(array![[z]].view(), &mut workspace).unwrap();
    network.backward(array![[z]].view(), array![[0.0]].view(), output, &mut workspace).unwrap();
    (workspace.a(0)[[0, 0]], workspace.dz(0)[[0, 0]])
}

/// Values within 4 ulp; slopes within 4 ulp or 3e-16, because 1 − a lacks the digits that a lost to rounding.
fn check_activation(activation: Activation, value: &str, slope: &str) {
    let golden = load("activations");
    let golden = &golden["scalar"];
    let (z, a, da) = (vector(&golden["z"]), vector(&golden[value]), vector(&golden[slope]));
    for ((z, a), da) in z.into_iter().zip(a).zip(da) {
        let (found, found_slope) = unit(activation, z);
        assert!(ulps(found, a) <= 4, "{value}({z}) = {found}, expected {a}");
        let near = ulps(found_slope, da) <= 4 || (found_slope - da).abs() <= 3e-16;
        assert!(near, "{slope}({z}) = {found_slope}, expected {da}");
    }
}

#[test]
fn a2_d2_sigmoid_at_the_extremes() {
    check_activation(Activation::Sigmoid, "sigmoid", "dsigmoid");
}

#[test]
fn a3_d3_tanh_at_the_extremes() {
    check_activation(Activation::Tanh, "tanh", "dtanh");
}

#[test]
fn a4_d4_relu_at_the_extremes() {
    check_activation(Activation::Relu, "relu", "drelu");
}

/// By PyTorch, from −20 to 20 or so: within 1e-12 of the largest entry.
#[test]
fn a6_a7_a8_a9_a10_d6_d7_d8_d9_d10_against_pytorch() {
    let golden = &load("training")["activations"];
    let z = vector(&golden["z"]);
    for (activation, name) in [
        (Activation::LeakyRelu, "leaky_relu 0.01"),
        (Activation::Elu, "elu 1"),
        (Activation::Softplus, "softplus"),
        (Activation::Silu, "silu"),
        (Activation::Gelu, "gelu (exact)"),
    ] {
        let (a, slope) = at(activation, &z);
        close(name, Array1::from(a).view(), Array1::from(vector(&golden[name]["a"])).view());
        close(name, Array1::from(slope).view(), Array1::from(vector(&golden[name]["slope"])).view());
    }
}

/// Values and slopes at these pre-activations.
fn at<F: Real>(activation: Activation, z: &[F]) -> (Vec<F>, Vec<F>) {
    let layer = Layer::new(Array2::eye(1), Array1::zeros(1), activation).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    let z = Array1::from(z.to_vec()).insert_axis(Axis(1));
    let mut workspace = Workspace::new(&network, z.nrows());
    network.forward(z.view(), &mut workspace).unwrap();
    // A loss whose gradient is 1/n.
    let sum = Loss::Custom { name: "sum", value: |a, _| a, slope: |_, _| 1.0 };
    _ = network.backward(z.view(), z.view(), sum, &mut workspace); // its value may overflow
    let n = F::from_f64(z.nrows() as f64);
    (workspace.a(0).iter().copied().collect(), workspace.dz(0).iter().map(|d| *d * n).collect())
}

/// Far out: what the limits are, and no NaN on the way.
#[test]
fn a6_a7_a8_a9_a10_d6_d7_d8_d9_d10_at_the_extremes() {
    fn check<F: Real>(far: f64) {
        for size in [far, far / 7.0, 800.0, 100.0, 40.0] {
            let z = F::from_f64(size);
            for (activation, left, slope_left) in [
                (Activation::LeakyRelu, -0.01 * z.f64(), 0.01),
                (Activation::Elu, -1.0, 0.0),
                (Activation::Softplus, 0.0, 0.0),
                (Activation::Silu, 0.0, 0.0),
                (Activation::Gelu, 0.0, 0.0),
            ] {
                let (a, slope) = at(activation, &[z, -z]);
                assert_eq!(a[0], z, "{} at {z}", activation.name());
                assert!((slope[0].f64() - 1.0).abs() < 1e-6, "{} at {z}: slope {}", activation.name(), slope[0]);
                let near = |found: F, expected: f64| (found.f64() - expected).abs() <= 1e-6 * expected.abs() + 1e-14;
                assert!(near(a[1], left), "{} at -{z}: {}", activation.name(), a[1]);
                assert!(near(slope[1], slope_left), "{} at -{z}: slope {}", activation.name(), slope[1]);
            }
        }
    }
    check::<f32>(1e4);
    check::<f32>(1e30);
    check::<f64>(1e4);
    check::<f64>(1e300);
}

/// Relative errors between −30 and 30, against sums of positive terms in f64: none of the forms loses digits.
#[test]
fn a7_a8_a10_keep_their_digits() {
    let z: Vec<f64> =
        (-300..=300).map(|i| f64::from(i) / 10.0).chain([1e-3, -1e-3, 1e-9, -1e-9, 1e-300, -744.4]).collect();
    let of = |activation| at(activation, &z).0;
    let near = |found: f64, expected: f64| (found - expected).abs() <= 1e-15 * expected.abs();
    for (z, a) in z.iter().zip(of(Activation::Elu)) {
        assert!(near(a, if *z > 0.0 { *z } else { z.exp_m1() }), "ELU at {z}: {a}");
    }
    for (z, a) in z.iter().zip(of(Activation::Softplus)) {
        assert!(near(a, z.max(0.0) + (-z.abs()).exp().ln_1p()), "softplus at {z}: {a}");
    }
}

#[test]
fn c5_e5_huber_against_pytorch() {
    let golden = &load("training")["huber"];
    let errors = vector(&golden["a_minus_y"]);
    for ((e, value), slope) in errors.iter().zip(vector(&golden["value"])).zip(vector(&golden["slope"])) {
        let (_, cost, da) = row(Activation::Identity, Loss::Huber, &[*e], &[0.0]);
        close_numbers("Huber", cost, value);
        close_numbers("its slope", da[0], slope);
    }
}

/// Cost and dZ of one row, with logits as inputs of an identity map.
fn row(activation: Activation, loss: Loss, z: &[f64], y: &[f64]) -> (Vec<f64>, f64, Vec<f64>) {
    let layer = Layer::new(Array2::eye(z.len()), Array1::zeros(z.len()), activation).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    let as_row = |v: &[f64]| Array1::from(v.to_vec()).insert_axis(Axis(0));
    let (z, y) = (as_row(z), as_row(y));
    let mut workspace = Workspace::new(&network, 1);
    network.forward(z.view(), &mut workspace).unwrap();
    let cost = network.backward(z.view(), y.view(), loss, &mut workspace).unwrap();
    (workspace.a(0).iter().copied().collect(), cost, workspace.dz(0).iter().copied().collect())
}

#[test]
fn s2_b1_binary_cross_entropy_from_logits() {
    for case in load("activations")["bce_with_logits"].as_array().unwrap() {
        let (z, y) = (case["z"].as_f64().unwrap(), case["y"].as_f64().unwrap());
        let (_, cost, dz) = row(Activation::Sigmoid, Loss::BinaryCrossEntropy, &[z], &[y]);
        let expected = case["loss"].as_f64().unwrap();
        assert!(ulps(cost, expected) <= 4 || (cost - expected).abs() <= 1e-15, "{z} {y}: {cost} for {expected}");
        assert!((dz[0] - case["dz"].as_f64().unwrap()).abs() <= 3e-16, "{case}: {}", dz[0]);
    }
}

#[test]
fn c2_e2_binary_cross_entropy_from_probabilities() {
    // A custom identity, so that the loss takes the general path from a.
    let plain = Activation::Custom { name: "plain", f: |z| z, slope: |_, _| 1.0 };
    for case in load("activations")["bce_from_prob"].as_array().unwrap() {
        let (a, y) = (case["a"].as_f64().unwrap(), case["y"].as_f64().unwrap());
        let (_, cost, da) = row(plain, Loss::BinaryCrossEntropy, &[a], &[y]);
        let (expected, slope) = (case["loss"].as_f64().unwrap(), case["da"].as_f64().unwrap());
        assert!((cost - expected).abs() <= 1e-15 * expected.abs() + 1e-16, "{case}: {cost}");
        assert!((da[0] - slope).abs() <= 1e-15 * slope.abs().max(1.0 / a.min(1.0 - a)), "{case}: {}", da[0]);
    }
}

#[test]
fn a5_d5_s3_softmax_with_cross_entropy() {
    for case in load("activations")["softmax"].as_array().unwrap() {
        let z = vector(&case["z"]);
        if z.len() == 1 {
            continue; // the crate refuses a softmax of one unit
        }
        let max = z.iter().fold(f64::NEG_INFINITY, |max, z| max.max(*z));
        let softmax = vector(&case["softmax"]);
        let near = |what: &str, found: &[f64], expected: &[f64]| {
            for (k, (a, b)) in found.iter().zip(expected).enumerate() {
                let bound = (8.0 + (z[k] - max).abs()) * 0.5_f64.powi(53);
                assert!(
                    (a - b).abs() <= bound * b.abs().max(1e-300) || (a - b).abs() <= 1e-15,
                    "{what} {z:?}: {a} for {b}"
                );
            }
        };
        let check = |y: &[f64], golden: &Value| {
            let (a, cost, dz) = row(Activation::Softmax, Loss::CrossEntropy, &z, y);
            near("softmax", &a, &softmax);
            for (found, expected) in dz.iter().zip(vector(&golden["dz"])) {
                assert!((found - expected).abs() <= 1e-15, "dz {z:?}: {found} for {expected}");
            }
            let expected = golden["loss"].as_f64().unwrap();
            assert!((cost - expected).abs() <= 2e-15 * expected.abs() + 1e-44, "loss {z:?}: {cost} for {expected}");
        };
        for golden in case["ce"].as_array().unwrap() {
            let mut y = vec![0.0; z.len()];
            y[golden["label"].as_u64().unwrap() as usize] = 1.0;
            check(&y, golden);
        }
        check(&vector(&case["ce_soft"]["target"]), &case["ce_soft"]);
    }
}

#[test]
fn c1_e1_squared_error() {
    for case in load("activations")["mse"].as_array().unwrap() {
        let (a, y) = (matrix(&case["pred"]), matrix(&case["target"]));
        let k = a.ncols();
        let layer = Layer::new(Array2::eye(k), Array1::zeros(k), Activation::Identity).unwrap();
        let network = Network::from_layers(vec![layer]).unwrap();
        let mut workspace = Workspace::new(&network, a.nrows());
        network.forward(a.view(), &mut workspace).unwrap();
        let cost = network.backward(a.view(), y.view(), Loss::MeanSquaredError, &mut workspace).unwrap();
        close_numbers("mean over examples and outputs", cost, case["mean_all"].as_f64().unwrap());
        close("its gradient", workspace.dz(0), matrix(&case["dpred_mean_all"]).view());
    }
}

// --- Training: optimisers, clipping, weights, smoothing, dropout ----------------------------------------------------

/// The file's `[in][out]` weights.
fn affines(value: &Value) -> Vec<Affine<f64>> {
    let layers = value["W"].as_array().unwrap().iter().zip(value["b"].as_array().unwrap());
    layers.map(|(w, b)| Affine { weights: matrix(w), bias: Array1::from(vector(b)) }).collect()
}

/// Tanh layers, then softmax.
fn classifier(json: &Value) -> Network<f64> {
    let affines = affines(&json["params0"]);
    let last = affines.len() - 1;
    let activation = |l| if l == last { Activation::Softmax } else { Activation::Tanh };
    let layers = affines.into_iter().enumerate();
    Network::from_layers(layers.map(|(l, affine)| Layer { affine, activation: activation(l) }).collect()).unwrap()
}

fn examples(json: &Value) -> Dataset<f64> {
    let labels = vector(&json["labels"]).into_iter().map(|label| label as usize).collect();
    Dataset::classification(matrix(&json["x"]), labels, 3).unwrap()
}

/// Ten steps on the whole set, by a trainer and on the explicit pass.
fn check_trajectory<O: Optimizer<f64> + Clone>(name: &str, optimizer: O, clip: Option<f64>, data: &Dataset<f64>) {
    let json = load("training");
    let case = &json["cases"][name];
    let costs = vector(&case["costs"]);
    let (mut trained, mut stepped) = (classifier(&json), classifier(&json));
    let mut trainer =
        Trainer::new(Loss::CrossEntropy, optimizer.clone()).batch_size(data.len()).shuffle(false).epochs(1);
    if let Some(norm) = clip {
        trainer = trainer.clip_norm(norm);
    }
    let mut optimizer = optimizer;
    let mut pass = Workspace::new(&stepped, data.len());
    pass.set_weights(data.weights()).unwrap();
    let mut rng = chainrule::ChaCha8Rng::seed_from_u64(1);
    for t in 1..=10 {
        trainer.fit(&mut trained, data, &mut rng).unwrap();

        stepped.forward(data.inputs(), &mut pass).unwrap();
        let cost = stepped.backward(data.inputs(), data.targets(), Loss::CrossEntropy, &mut pass).unwrap();
        close_numbers(&format!("{name}: cost before step {t}"), cost, costs[t - 1]);
        if let Some(norm) = clip {
            chainrule::clip_norm(pass.gradients_mut(), norm).unwrap();
        }
        optimizer.step(&mut stepped, pass.gradients()).unwrap();
        if let Some(expected) = case["steps"].get(t.to_string()) {
            for (l, (found, expected)) in parameters(&stepped).iter().zip(affines(expected)).enumerate() {
                close(&format!("{name}, step {t}, W of layer {l}"), found.weights.view(), expected.weights.view());
                close(&format!("{name}, step {t}, b of layer {l}"), found.bias.view(), expected.bias.view());
            }
        }
        assert_eq!(trained, stepped, "{name}: the trainer and the explicit pass");
    }
}

#[test]
fn u1_u2_sgd_against_pytorch() {
    let data = examples(&load("training"));
    check_trajectory("sgd", Sgd::new(0.05), None, &data);
    check_trajectory("momentum 0.9, decay 0.01", Sgd::new(0.05).momentum(0.9).weight_decay(0.01), None, &data);
    check_trajectory("nesterov 0.9", Sgd::new(0.05).momentum(0.9).nesterov(true), None, &data);
}

#[test]
fn u3_rmsprop_against_pytorch() {
    check_trajectory("rmsprop alpha 0.9, eps 1e-8", RmsProp::new(0.05), None, &examples(&load("training")));
}

#[test]
fn u4_u5_adam_against_pytorch() {
    let data = examples(&load("training"));
    check_trajectory("adam 0.9 0.999 1e-8", Adam::new(0.05), None, &data);
    check_trajectory("adam 0.8 0.95 1e-6", Adam::new(0.05).betas(0.8, 0.95).epsilon(1e-6), None, &data);
    check_trajectory("adamw decay 0.1", Adam::new(0.05).weight_decay(0.1), None, &data);
}

#[test]
fn g1_clipping_against_pytorch() {
    let sgd = Sgd::new(0.05).momentum(0.9);
    check_trajectory("momentum 0.9, gradient clipped to norm 0.1", sgd, Some(0.1), &examples(&load("training")));
}

#[test]
fn r1_r2_r3_weights_and_smoothing_against_pytorch() {
    let json = load("training");
    let weighted = examples(&json).class_weighted(&vector(&json["class_weights"])).unwrap();
    let mean = weighted.weights().unwrap().iter().sum::<f64>() / weighted.len() as f64;
    let normalised: Vec<f64> = weighted.weights().unwrap().iter().map(|w| w / mean).collect();
    close("weights", Array1::from(normalised.clone()).view(), Array1::from(vector(&json["example_weights"])).view());
    // The explicit pass takes weights as they are; a trainer divides them by their mean.
    check_trajectory("weighted, sgd", Sgd::new(0.05), None, &examples(&json).weighted(&normalised).unwrap());
    let smooth = examples(&json).smooth_labels(0.1).unwrap();
    check_trajectory("label smoothing 0.1, sgd", Sgd::new(0.05), None, &smooth);
}

#[test]
fn f3_b6_dropout_against_pytorch() {
    let json = load("training");
    let (network, data, dropout) = (classifier(&json), examples(&json), &json["dropout"]);
    let mut pass = Workspace::new(&network, data.len());
    for l in 0..network.layers().len() {
        let p = dropout[if l == 0 { "input_rate" } else { "hidden_rate" }].as_f64().unwrap();
        pass.set_mask(l, matrix(&dropout["masks"][l]) / (1.0 - p)).unwrap();
    }
    network.forward(data.inputs(), &mut pass).unwrap();
    let cost = network.backward(data.inputs(), data.targets(), Loss::CrossEntropy, &mut pass).unwrap();
    close_numbers("cost with dropout", cost, dropout["cost"].as_f64().unwrap());
    for (l, (found, expected)) in pass.gradients().iter().zip(affines(&dropout["grads"])).enumerate() {
        close(&format!("dropout, dW of layer {l}"), found.weights.view(), expected.weights.view());
        close(&format!("dropout, db of layer {l}"), found.bias.view(), expected.bias.view());
    }
}
