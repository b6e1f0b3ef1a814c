//! Every public entry point refuses invalid input with an error that names the place, what was expected and what was
//! found. Valid input works in any memory layout, with the same bits as a copy of it. Nothing panics.

mod common;

use chainrule::ndarray::{Array1, Array2, ArrayView2, Axis, ShapeBuilder, array, s};
use chainrule::{
    Activation, Affine, Attempt, ConfusionMatrix, Dataset, Error, FileProblem, Init, Layer, Loss, Network,
};
use chainrule::{Real, Result, Sgd, Trainer, Workspace, accuracy, gradient_check, multi_label_accuracy};
use common::{ACTIVATIONS, bits, fitting, gradient_bits, network, network_bits, one_hot_rows, pairs, rng, uniform};
use std::collections::BTreeSet;

const ROWS: usize = 3;
const INPUTS: usize = 4;
const OUTPUTS: usize = 3;

fn classifier<F: Real>() -> Network<F> {
    network(INPUTS, &[(6, Activation::Tanh), (OUTPUTS, Activation::Softmax)], 1)
}

fn x() -> Array2<f64> {
    uniform((ROWS, INPUTS), -1.0, 1.0, 2)
}

fn y() -> Array2<f64> {
    one_hot_rows((ROWS, OUTPUTS), 3)
}

/// The message without what to do about it, which `every_error_says_…` compares word for word.
fn fault<T: std::fmt::Debug>(result: Result<T>) -> String {
    let message = result.unwrap_err().to_string();
    message.split_once(". ").map_or(message.as_str(), |(fault, _)| fault).into()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, text: &str) {
    assert_eq!(fault(result), text);
}

// --- Inputs and targets ----------------------------------------------------------------------------------------------

/// The same inputs and targets at every entry point that takes both.
fn at_every_door(x: &Array2<f64>, y: &Array2<f64>) -> Vec<(&'static str, Result<()>)> {
    let (network, loss) = (classifier(), Loss::CrossEntropy);
    let mut workspace = Workspace::new(&network, ROWS);
    // A forward of as many rows, so that only the arrays can be wrong.
    if (1..=ROWS).contains(&x.nrows()) {
        network.forward(self::x().slice(s![..x.nrows(), ..]), &mut workspace).unwrap();
    }
    vec![
        ("cost", network.cost(x.view(), y.view(), loss).map(|_| ())),
        ("backward", network.backward(x.view(), y.view(), loss, &mut workspace).map(|_| ())),
        ("gradient check", gradient_check(&network, x.view(), y.view(), loss).map(|_| ())),
    ]
}

/// The same inputs at every entry point that takes only inputs.
fn inputs_at_every_door(x: &Array2<f64>) -> Vec<(&'static str, Result<()>)> {
    let network = classifier();
    let mut workspace = Workspace::new(&network, ROWS);
    vec![
        ("predict", network.predict(x.view()).map(|_| ())),
        ("classify", network.classify(x.view()).map(|_| ())),
        ("forward", network.forward(x.view(), &mut workspace)),
    ]
}

fn with<T: Copy>(mut array: Array2<T>, at: [usize; 2], value: T) -> Array2<T> {
    array[at] = value;
    array
}

#[test]
fn inputs_that_do_not_fit() {
    let wrong = [
        (uniform((3, 5), -1.0, 1.0, 1), "inputs: expected shape [3, 4], found [3, 5]"),
        (Array2::zeros((3, 0)), "inputs: expected shape [3, 4], found [3, 0]"),
        (with(x(), [1, 2], f64::NAN), "inputs: expected finite numbers, found NaN at [1, 2]"),
        (with(x(), [2, 0], f64::INFINITY), "inputs: expected finite numbers, found inf at [2, 0]"),
        (with(x(), [0, 3], f64::NEG_INFINITY), "inputs: expected finite numbers, found -inf at [0, 3]"),
    ];
    for (x, text) in wrong {
        for (door, result) in at_every_door(&x, &y()).into_iter().chain(inputs_at_every_door(&x)) {
            assert_eq!(fault(result), text, "{door}");
        }
    }
}

/// Even if a weight or an activation keeps it from the outputs.
#[test]
fn a_prediction_from_what_is_not_finite_is_refused_whatever_the_network() {
    for activation in [Activation::Sigmoid, Activation::Tanh, Activation::Relu] {
        for weight in [0.0, 1.0, -1.0] {
            let layer = Layer::new(Array2::from_elem((4, 2), weight), Array1::zeros(2), activation).unwrap();
            let network = Network::from_layers(vec![layer]).unwrap();
            // In the second of several chunks of rows.
            let x = Array2::from_elem((300, 4), 0.5);
            assert!(network.predict(x.view()).is_ok());
            for (wrong, name) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
                let found = fault(network.predict(with(x.clone(), [200, 3], wrong).view()));
                assert_eq!(found, format!("inputs: expected finite numbers, found {name} at [200, 3]"));
            }
        }
    }
}

#[test]
fn targets_that_do_not_fit() {
    let wrong = [
        (one_hot_rows((3, 4), 1), "targets: expected shape [3, 3], found [3, 4]"),
        (one_hot_rows((2, 3), 1), "targets: expected shape [3, 3], found [2, 3]"),
        (Array2::zeros((3, 0)), "targets: expected shape [3, 3], found [3, 0]"),
        (Array2::zeros((0, 3)), "targets: expected shape [3, 3], found [0, 3]"),
        (with(y(), [1, 2], f64::NAN), "targets: expected finite numbers, found NaN at [1, 2]"),
        (with(y(), [0, 0], f64::INFINITY), "targets: expected finite numbers, found inf at [0, 0]"),
    ];
    for (y, text) in wrong {
        for (door, result) in at_every_door(&x(), &y) {
            assert_eq!(fault(result), text, "{door}");
        }
    }
}

/// If targets are probabilities; and rows of a cross-entropy sum to 1, up to rounding.
#[test]
fn targets_that_mean_nothing_to_the_loss() {
    let cross = "targets: expected numbers that are 0 or more for cross-entropy, found -1 at [2, 1]";
    for (door, result) in at_every_door(&x(), &with(y(), [2, 1], -1.0)) {
        assert_eq!(fault(result), cross, "{door}");
    }
    let sigmoid = network::<f64>(INPUTS, &[(OUTPUTS, Activation::Sigmoid)], 1);
    let cost = |loss, wrong| sigmoid.cost(x().view(), with(y(), [0, 2], wrong).view(), loss);
    for (wrong, name) in [(-1.0, "-1"), (1.0 + f64::EPSILON, "1.0000000000000002"), (-1e-300, "-1e-300")] {
        let text =
            format!("targets: expected numbers between 0 and 1 for binary cross-entropy, found {name} at [0, 2]");
        refused(cost(Loss::BinaryCrossEntropy, wrong), &text);
        assert!(cost(Loss::MeanSquaredError, wrong).is_ok());
    }
    for fits in [0.0, -0.0, 0.3, 1.0] {
        assert!(cost(Loss::BinaryCrossEntropy, fits).is_ok());
    }
    let classifier = classifier();
    let sums = |row: [f64; OUTPUTS]| {
        let mut y = y();
        y.row_mut(1).assign(&array![row[0], row[1], row[2]]);
        y
    };
    for (row, found) in [([0.0, 0.0, 0.0], "0"), ([1.0, 1.0, 0.0], "2"), ([0.3, 0.3, 0.399], "0.999")] {
        let text = format!(
            "targets: expected rows that sum to 1 for cross-entropy, found {found} in row 1: give labels \
             (Dataset::classification), and weights of the examples by Dataset::weighted"
        );
        for (door, result) in at_every_door(&x(), &sums(row)) {
            assert_eq!(result.unwrap_err().to_string(), text, "{door}");
        }
    }
    for row in [[0.1, 0.2, 0.7], [1.0 / 3.0; 3], [0.1_f32.into(), 0.2_f32.into(), 0.7_f32.into()]] {
        assert!(classifier.cost(x().view(), sums(row).view(), Loss::CrossEntropy).is_ok(), "{row:?}");
    }

    let set = |y| Dataset::new(x(), y).unwrap();
    let (good, bad) = (set(y()), set(with(y(), [2, 1], -1.0)));
    let fit = |train, validation| {
        let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).validation(validation);
        trainer.fit(&mut classifier.clone(), train, &mut rng(1)).map(|_| ())
    };
    refused(fit(&bad, &good), cross);
    refused(fit(&good, &bad), &format!("validation {cross}"));
    fit(&good, &good).unwrap();
}

#[test]
fn no_rows_predict_nothing_and_cost_nothing_known() {
    let (no_x, no_y) = (Array2::zeros((0, INPUTS)), Array2::zeros((0, OUTPUTS)));
    assert_eq!(classifier::<f64>().predict(no_x.view()).unwrap().dim(), (0, OUTPUTS));
    assert_eq!(classifier::<f64>().classify(no_x.view()).unwrap().len(), 0);
    // Also if the weights alone justify several threads.
    let large = network::<f64>(784, &[(100, Activation::Relu)], 1);
    assert_eq!(large.predict(Array2::zeros((0, 784)).view()).unwrap().dim(), (0, 100));
    let text = "rows of the batch: expected at least one, found none";
    for (door, result) in at_every_door(&no_x, &no_y) {
        assert_eq!(fault(result), text, "{door}");
    }
    refused(classifier().forward(no_x.view(), &mut Workspace::new(&classifier(), ROWS)), text);
    // A workspace for zero rows.
    let text = "rows of the workspace: expected shape [3], found [0]";
    refused(classifier().forward(x().view(), &mut Workspace::new(&classifier(), 0)), text);
}

#[test]
fn one_row_and_one_column_are_enough() {
    let network = network::<f64>(1, &[(1, Activation::Tanh), (1, Activation::Sigmoid)], 1);
    let (x, y) = (array![[0.5]], array![[1.0]]);
    let (cost, _) = common::pass(&network, x.view(), y.view(), Loss::BinaryCrossEntropy);
    assert_eq!(cost, network.cost(x.view(), y.view(), Loss::BinaryCrossEntropy).unwrap());
    let a = network.predict(x.view()).unwrap()[[0, 0]];
    assert!((cost + a.ln()).abs() < 1e-15);
}

/// A prediction takes 128 rows at a time. A single remaining row may be rounded differently.
#[test]
fn any_number_of_rows_is_predicted_as_the_forward_pass_computes_it() {
    let network = classifier::<f64>();
    for rows in [127, 128, 129, 256, 300] {
        let x = uniform((rows, INPUTS), -1.0, 1.0, 2);
        let mut workspace = Workspace::new(&network, rows);
        network.forward(x.view(), &mut workspace).unwrap();
        let predicted = network.predict(x.view()).unwrap();
        let largest = (&predicted - &workspace.a(1)).fold(0.0, |largest: f64, d| largest.max(d.abs()));
        assert!(predicted.iter().all(|a| *a > 0.0) && largest < 1e-15, "{rows} rows: {largest}");
    }
}

/// A single output means class 1 above one half; several mean the largest, the first of equals.
#[test]
fn classes_are_the_largest_outputs() {
    let identity = |k| Layer::new(Array2::eye(k), Array1::zeros(k), Activation::Identity).unwrap();
    let classify =
        |x: Array2<f64>| Network::from_layers(vec![identity(x.ncols())]).unwrap().classify(x.view()).unwrap().to_vec();
    assert_eq!(classify(array![[0.5], [0.500001], [-1.0], [7.0]]), [0, 1, 0, 1]);
    assert_eq!(classify(array![[1.0, 1.0, 0.0], [-2.0, -1.0, -1.0], [0.0, 1.0, 2.0]]), [0, 1, 2]);
    // Finite inputs and weights with an infinite product.
    let large = Layer::new(array![[1e300, 0.0], [1e300, 1.0]], Array1::zeros(2), Activation::Softmax).unwrap();
    let overflows = Network::from_layers(vec![large]).unwrap().classify(array![[0.0, 0.0], [1e300, 1e300]].view());
    refused(overflows, "outputs: expected finite numbers, found NaN at [1, 0]");
}

// --- Workspaces ------------------------------------------------------------------------------------------------------

#[test]
fn workspaces_of_another_network_or_too_small() {
    let other = |inputs, layers: &[(usize, Activation)]| network::<f64>(inputs, layers, 1);
    let tanh = Activation::Tanh;
    let wrong = [
        (Workspace::new(&classifier(), 2), "rows of the workspace: expected shape [3], found [2]"),
        (Workspace::new(&other(INPUTS, &[(6, tanh)]), ROWS), "layers of the workspace: expected shape [2], found [1]"),
        (
            Workspace::new(&other(INPUTS, &[(6, tanh), (5, tanh)]), 8),
            "layer 1: units of the workspace: expected shape [3], found [5]",
        ),
        (
            Workspace::new(&other(2, &[(6, tanh), (3, tanh)]), ROWS),
            "layer 0: gradient of the weights: expected shape [4, 6], found [2, 6]",
        ),
    ];
    for (mut workspace, text) in wrong {
        refused(classifier().forward(x().view(), &mut workspace), text);
        refused(classifier().backward(x().view(), y().view(), Loss::CrossEntropy, &mut workspace), text);
    }
    // Gradients that a caller replaced.
    let mut workspace = Workspace::new(&classifier(), ROWS);
    workspace.gradients_mut()[1].bias = array![1.0];
    let text = "layer 1: gradient of the bias: expected shape [3], found [1]";
    refused(classifier().forward(x().view(), &mut workspace), text);
}

#[test]
fn backward_without_its_forward() {
    let network = classifier::<f64>();
    let mut workspace = Workspace::new(&network, ROWS);
    let backward = |rows: usize, workspace: &mut Workspace<f64>| {
        let (x, y) = (x(), y());
        network.backward(x.slice(s![..rows, ..]), y.slice(s![..rows, ..]), Loss::CrossEntropy, workspace)
    };
    let text = "backward of 3 rows: expected a forward of as many rows before it, found none";
    refused(backward(3, &mut workspace), text);
    network.forward(x().view(), &mut workspace).unwrap();
    refused(
        backward(2, &mut workspace),
        "backward of 2 rows: expected a forward of as many rows before it, found 3 rows",
    );
    backward(3, &mut workspace).unwrap();
    // A refused forward does not count.
    network.forward(with(x(), [0, 0], f64::NAN).view(), &mut workspace).unwrap_err();
    refused(backward(3, &mut workspace), text);
    assert_eq!(workspace.z(0).nrows(), 0);
}

/// A smaller batch uses the first rows of the workspace; the previous batch leaves no trace.
#[test]
fn a_workspace_serves_batches_of_every_size_up_to_its_own() {
    let network = classifier::<f64>();
    let mut workspace = Workspace::new(&network, 20);
    for rows in [20, 1, 7, 19, 2] {
        let (x, y) = (uniform((rows, INPUTS), -1.0, 1.0, 2), one_hot_rows((rows, OUTPUTS), 3));
        network.forward(x.view(), &mut workspace).unwrap();
        let cost = network.backward(x.view(), y.view(), Loss::CrossEntropy, &mut workspace).unwrap();
        let (own_cost, own) = common::pass(&network, x.view(), y.view(), Loss::CrossEntropy);
        assert_eq!((cost, gradient_bits(&workspace)), (own_cost, gradient_bits(&own)));
        assert_eq!(bits(workspace.dz(0)), bits(own.dz(0)));
        assert_eq!(workspace.a(1).dim(), (rows, OUTPUTS));
    }
}

// --- Layers, networks, builders --------------------------------------------------------------------------------------

#[test]
fn layers_that_do_not_fit() {
    let layer = |shape: (usize, usize), bias: usize, activation| {
        Layer::<f64>::new(Array2::zeros(shape), Array1::zeros(bias), activation)
    };
    let tanh = Activation::Tanh;
    refused(layer((2, 3), 4, tanh), "bias: expected shape [3], found [4]");
    refused(layer((2, 3), 0, tanh), "bias: expected shape [3], found [0]");
    refused(layer((0, 3), 3, tanh), "inputs of a layer: expected at least one, found none");
    refused(layer((2, 0), 0, tanh), "outputs of a layer: expected at least one, found none");
    refused(
        layer((2, 1), 1, Activation::Softmax),
        "softmax of a single unit is always 1: use one sigmoid unit, or two units",
    );
    let weights = array![[0.0, f64::INFINITY]];
    refused(Layer::new(weights, array![0.0, 0.0], tanh), "weights: expected finite numbers, found inf at [0, 1]");
    refused(
        Layer::new(array![[0.0, 1.0]], array![0.0, f64::NAN], tanh),
        "bias: expected finite numbers, found NaN at [1]",
    );
}

/// A layer's fields are public, so a network checks them again.
#[test]
fn networks_of_layers_that_do_not_fit() {
    let changed = |change: fn(&mut Layer<f64>)| {
        let mut layers = classifier().layers().to_vec();
        change(&mut layers[1]);
        Network::from_layers(layers)
    };
    refused(Network::<f64>::from_layers(vec![]), "layers: expected at least one, found none");
    let mut backwards = classifier::<f64>().layers().to_vec();
    backwards.reverse();
    refused(Network::from_layers(backwards), "layer 1: weights: expected shape [3, 6], found [4, 6]");
    refused(changed(|l| l.affine.bias = array![0.0]), "layer 1: bias: expected shape [3], found [1]");
    refused(
        changed(|l| l.affine.weights[[2, 1]] = f64::NAN),
        "layer 1: weights: expected finite numbers, found NaN at [2, 1]",
    );
    refused(
        changed(|l| l.affine.bias[2] = f64::NEG_INFINITY),
        "layer 1: bias: expected finite numbers, found -inf at [2]",
    );
    refused(
        changed(|l| l.affine = Affine { weights: Array2::zeros((6, 1)), bias: array![0.0] }),
        "layer 1: softmax of a single unit is always 1: use one sigmoid unit, or two units",
    );
}

#[test]
fn builders_that_make_no_sense() {
    let build = |inputs, units, activation, init| {
        Network::<f64>::builder(inputs).layer(units, activation).init(init).build(&mut rng(1))
    };
    let tanh = Activation::Tanh;
    refused(Network::<f64>::builder(2).build(&mut rng(1)), "layers: expected at least one, found none");
    for init in [Init::Zeros, Init::XavierNormal, Init::HeNormal, Init::HeUniform, Init::FanOutNormal] {
        refused(build(0, 2, tanh, init), "inputs of a layer: expected at least one, found none");
        refused(build(2, 0, tanh, init), "outputs of a layer: expected at least one, found none");
        let error = build(usize::MAX / 2, 4, tanh, init).unwrap_err().to_string();
        assert_eq!(error, "units of a layer: expected a number that fits into memory, found 4");
    }
    refused(
        build(2, 1, Activation::Softmax, Init::Zeros),
        "layer 0: softmax of a single unit is always 1: use one sigmoid unit, or two units",
    );
    for (std, found) in [(-0.1, "-0.1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let text = format!("std: expected a finite number, 0 or more, found {found}");
        refused(build(2, 2, tanh, Init::Normal { std }), &text);
    }
    for (low, high) in [(1.0, 1.0), (1.0, 0.0), (0.0, f64::NAN), (0.0, f64::INFINITY), (f64::NAN, 1.0)] {
        let text = format!("high: expected a finite number above low = {low}, found {high}");
        refused(build(2, 2, tanh, Init::Uniform { low, high }), &text);
    }
    // Finite in f64, infinite in f32.
    let huge = Network::<f32>::builder(1).layer(1, tanh).init(Init::Uniform { low: 1e300, high: 1e301 });
    refused(huge.build(&mut rng(1)), "layer 0: weights: expected finite numbers, found inf at [0, 0]");
}

/// Two custom ones are equal if their names are; functions cannot be compared.
#[test]
fn activations_and_losses_are_equal_by_variant_or_by_name() {
    let activation = |name, f| Activation::Custom { name, f, slope: |_, _| 1.0 };
    assert_eq!(activation("own", |z| z), activation("own", |z| z + 1.0));
    assert_ne!(activation("own", |z| z), activation("other", |z| z));
    assert_ne!(activation("relu", |z| z), Activation::Relu);
    assert_eq!(Activation::Relu, Activation::Relu);
    assert_ne!(Activation::Relu, Activation::Tanh);

    let loss = |name, value| Loss::Custom { name, value, slope: |_, _| 1.0 };
    assert_eq!(loss("own", |a, _| a), loss("own", |a, _| a + 1.0));
    assert_ne!(loss("own", |a, _| a), loss("other", |a, _| a));
    assert_ne!(loss("cross-entropy", |a, _| a), Loss::CrossEntropy);
    assert_eq!(Loss::CrossEntropy, Loss::CrossEntropy);
    assert_ne!(Loss::CrossEntropy, Loss::MeanSquaredError);
}

#[test]
fn a_network_knows_its_sizes() {
    let network = classifier::<f32>();
    assert_eq!((network.inputs(), network.outputs(), network.layers().len()), (INPUTS, OUTPUTS, 2));
    assert_eq!(network.parameters(), (4 + 1) * 6 + (6 + 1) * 3);
}

// --- Steps, fits, metrics --------------------------------------------------------------------------------------------

#[test]
fn gradients_and_velocities_of_another_network() {
    let mut network = classifier();
    let before = network_bits(&network);
    let gradients = |network: &Network<f64>| Workspace::new(network, 1).gradients().to_vec();
    let other = common::network(INPUTS, &[(5, Activation::Tanh), (OUTPUTS, Activation::Softmax)], 1);
    let text = "layer 0: gradient of the weights: expected shape [4, 6], found [4, 5]";
    refused(Sgd::new(0.1).step(&mut network, &gradients(&other)), text);
    let mut short = gradients(&network);
    short.pop();
    refused(Sgd::new(0.1).step(&mut network, &short), "layers of the gradients: expected shape [2], found [1]");
    let mut bias = gradients(&network);
    bias[1].bias = array![0.0];
    refused(Sgd::new(0.1).step(&mut network, &bias), "layer 1: gradient of the bias: expected shape [3], found [1]");

    // A velocity from steps on the other network, at both entry points; resetting it helps.
    let text = "layer 0: velocity of the weights: expected shape [4, 6], found [4, 5]";
    let mut sgd = Sgd::new(0.1).momentum(0.9);
    sgd.step(&mut { other.clone() }, &gradients(&other)).unwrap();
    let own = gradients(&network);
    refused(sgd.step(&mut network, &own), text);
    let data = Dataset::new(x(), y()).unwrap();
    refused(Trainer::new(Loss::CrossEntropy, sgd.clone()).fit(&mut network, &data, &mut rng(1)), text);
    assert_eq!(network_bits(&network), before);
    sgd.reset();
    sgd.step(&mut network, &own).unwrap();
}

#[test]
fn data_of_another_shape_than_the_network() {
    let mut network = classifier::<f64>();
    let set = |inputs, outputs| Dataset::new(Array2::zeros((5, inputs)), one_hot_rows((5, outputs), 1)).unwrap();
    let good = set(INPUTS, OUTPUTS);
    let trainer = || Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).epochs(1);
    let mut fit = |train: &Dataset<f64>, test: &Dataset<f64>| {
        trainer().validation(test).fit(&mut network, train, &mut rng(1)).map(|_| ())
    };
    refused(fit(&set(2, OUTPUTS), &good), "inputs: expected shape [5, 4], found [5, 2]");
    refused(fit(&set(INPUTS, 2), &good), "targets: expected shape [5, 3], found [5, 2]");
    refused(fit(&good, &set(2, OUTPUTS)), "validation inputs: expected shape [5, 4], found [5, 2]");
    refused(fit(&good, &set(INPUTS, 2)), "validation targets: expected shape [5, 3], found [5, 2]");
    fit(&good, &good).unwrap();
}

#[test]
fn predictions_and_labels_that_do_not_fit() {
    let shape = "predictions: expected shape [2], found [1]";
    refused(accuracy(&[0], &[0, 1]), shape);
    refused(ConfusionMatrix::new(&[0], &[0, 1], 2), shape);
    let empty = "labels: expected at least one, found none";
    refused(accuracy(&[], &[]), empty);
    refused(ConfusionMatrix::new(&[], &[], 2), empty);
    refused(ConfusionMatrix::new(&[0, 2], &[0, 1], 2), "label of row 1: expected 0 to 1, found 2: labels count from 0");
    refused(ConfusionMatrix::new(&[0, 1], &[5, 1], 2), "label of row 0: expected 0 to 1, found 5");
    refused(ConfusionMatrix::new(&[0], &[0], 0), "label of row 0: expected 0 to 0, found 0");
    let error = ConfusionMatrix::new(&[0], &[0], usize::MAX).unwrap_err().to_string();
    assert_eq!(error, "classes: expected a number that fits into memory, found 1.8446744e19");
}

/// What `classify` and `labels` return, and what a caller has, without a conversion.
#[test]
fn metrics_take_labels_as_they_come() {
    let set = Dataset::classification(x(), vec![0, 1, 2], OUTPUTS).unwrap();
    let network = classifier();
    let predicted = network.classify(x().view()).unwrap();
    let (labels, vector) = (set.labels().unwrap(), predicted.to_vec());
    let expected = accuracy(vector.as_slice(), labels);
    assert_eq!(accuracy(&predicted, labels), expected);
    assert_eq!(accuracy(&predicted.view(), &labels), expected);
    assert_eq!(accuracy(&vector, &labels.to_vec()), expected);
    assert_eq!(accuracy(&predicted, &[0, 1, 2]), expected);
    assert_eq!(accuracy(labels, &predicted), expected);
    assert_eq!(accuracy(&labels, &predicted.slice(s![..;1])), expected);

    // One that is not contiguous.
    let pairs = array![[0, 7], [1, 7], [2, 7]];
    assert_eq!(accuracy(&pairs.column(0), &[0, 1, 2]), Ok(1.0));
    assert_eq!(accuracy(&pairs.column(0).slice(s![..;-1]), &[0, 1, 2]), Ok(1.0 / 3.0));

    let confusion = ConfusionMatrix::new(&predicted, labels, OUTPUTS).unwrap();
    assert_eq!(Ok(confusion.accuracy()), expected);
    assert_eq!(ConfusionMatrix::new(&vector, &labels.to_vec(), OUTPUTS).unwrap(), confusion);
    assert_eq!(ConfusionMatrix::new(&pairs.column(0), &[0, 1, 2], 3).unwrap().counts().diag(), array![1, 1, 1]);
}

#[test]
fn multi_label_accuracy_counts_every_output() {
    let of = |decisions: Array2<bool>, targets: Array2<f32>| multi_label_accuracy(decisions.view(), targets.view());
    let targets = || array![[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]];
    assert_eq!(of(array![[true, true, false], [false, false, false]], targets()), Ok(1.0));
    assert_eq!(of(array![[false, false, true], [true, true, true]], targets()), Ok(0.0));
    assert_eq!(of(array![[true, false, false], [false, false, true]], targets()), Ok(4.0 / 6.0));
    assert_eq!(of(array![[true]], array![[1.0]]), Ok(1.0));
    // In another memory order the pairs are the same.
    let columns = array![[true, false], [false, false], [false, true]].reversed_axes();
    assert_eq!(of(columns, targets()), Ok(4.0 / 6.0));

    refused(of(array![[true, true]], targets()), "decisions: expected shape [2, 3], found [1, 2]");
    refused(of(Array2::default((0, 3)), Array2::zeros((0, 3))), "targets: expected at least one, found none");
    for wrong in [0.5, -1.0, 2.0, f32::NAN] {
        let error = of(array![[true, false]], array![[1.0, wrong]]);
        refused(error, &format!("target: expected 0 or 1, found {wrong}"));
    }
}

/// Rows are the truth, columns the predictions; numbers of any width align with their classes.
#[test]
fn a_confusion_matrix_counts_and_aligns() {
    let (predictions, labels) = ([vec![1; 120], vec![0; 7], vec![2]].concat(), [vec![1; 100], vec![0; 28]].concat());
    let confusion = ConfusionMatrix::new(&predictions, &labels, 3).unwrap();
    assert_eq!(confusion.counts(), array![[7, 20, 1], [0, 100, 0], [0, 0, 0]]);
    assert_eq!(confusion.accuracy(), 107.0 / 128.0);
    assert_eq!(confusion.accuracy(), accuracy(&predictions, &labels).unwrap());
    let lines = [
        "true \\ predicted    0    1    2",
        "               0    7   20    1",
        "               1    0  100    0",
        "               2    0    0    0\n",
    ];
    assert_eq!(confusion.to_string(), lines.join("\n"));
}

// --- Memory layouts --------------------------------------------------------------------------------------------------

/// The same numbers in other memory layouts, passed to `check` as views: column by column, both axes reversed, every
/// second row and third column of a larger array, and rows with NaN between them.
fn in_every_layout<F: Real>(array: &Array2<F>, mut check: impl FnMut(&str, ArrayView2<'_, F>)) {
    let (n, k) = array.dim();
    let mut columns = Array2::zeros((n, k).f());
    columns.assign(array);
    check("columns", columns.view());

    let mut reversed = Array2::zeros((n, k));
    reversed.slice_mut(s![..;-1, ..;-1]).assign(array);
    check("reversed", reversed.slice(s![..;-1, ..;-1]));

    let mut strided = Array2::from_elem((2 * n, 3 * k), F::nan());
    strided.slice_mut(s![..;2, 1..;3]).assign(array);
    check("strided", strided.slice(s![..;2, 1..;3]));

    let mut window = Array2::from_elem((n + 2, k + 5), F::nan());
    window.slice_mut(s![1..=n, 2..k + 2]).assign(array);
    check("window", window.slice(s![1..=n, 2..k + 2]));
}

fn check_layouts<F: Real>(rows: usize) {
    let network = network::<F>(19, &[(23, Activation::Tanh), (11, Activation::Softmax)], 1);
    let (x, y) = (uniform::<F>((rows, 19), -1.0, 1.0, 2), one_hot_rows::<F>((rows, 11), 3));
    let run = |x: ArrayView2<'_, F>, y: ArrayView2<'_, F>| {
        let (cost, workspace) = common::pass(&network, x, y, Loss::CrossEntropy);
        assert_eq!(network.cost(x, y, Loss::CrossEntropy).unwrap(), cost);
        (cost.to_bits(), bits(&network.predict(x).unwrap()), gradient_bits(&workspace))
    };
    let expected = run(x.view(), y.view());
    in_every_layout(&x, |layout, view| assert!(run(view, y.view()) == expected, "{rows} rows, inputs {layout}"));
    in_every_layout(&y, |layout, view| assert!(run(x.view(), view) == expected, "{rows} rows, targets {layout}"));
    // The parameters too, at both entry points that take them.
    for l in 0..2 {
        in_every_layout(&network.layers()[l].affine.weights, |layout, view| {
            let mut layers = network.layers().to_vec();
            layers[l].affine.weights = view.to_owned(); // keeps the column order
            let same = Network::from_layers(layers.clone()).unwrap();
            assert!(bits(&same.predict(x.view()).unwrap()) == expected.1, "weights {layout}");
            let Affine { weights, bias } = layers[l].affine.clone();
            assert_eq!(Layer::new(weights, bias, network.layers()[l].activation).unwrap(), network.layers()[l]);
        });
    }
    // And the gradients.
    let (_, workspace) = common::pass(&network, x.view(), y.view(), Loss::CrossEntropy);
    let step = |gradients: &[Affine<F>]| {
        let (mut network, mut sgd) = (network.clone(), Sgd::new(0.1).momentum(0.5).weight_decay(0.1));
        sgd.step(&mut network, gradients).unwrap();
        sgd.step(&mut network, gradients).unwrap();
        network_bits(&network)
    };
    in_every_layout(&workspace.gradients()[0].weights, |layout, view| {
        let mut gradients = workspace.gradients().to_vec();
        gradients[0].weights = view.to_owned();
        assert!(step(&gradients) == step(workspace.gradients()), "gradients {layout}");
    });
}

#[test]
fn views_of_any_layout_give_the_bits_of_a_copy() {
    for rows in [1, 2, 37] {
        check_layouts::<f32>(rows);
        check_layouts::<f64>(rows);
    }
}

#[test]
fn data_sets_and_checks_take_any_layout() {
    let (x, y) = (uniform::<f64>((9, INPUTS), -1.0, 1.0, 2), one_hot_rows::<f64>((9, OUTPUTS), 3));
    let fit = |x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>| {
        let mut network = classifier();
        let data = Dataset::new(x.to_owned(), y.to_owned()).unwrap();
        Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).batch_size(4).fit(&mut network, &data, &mut rng(1)).unwrap();
        network_bits(&network)
    };
    let check = |x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>| {
        gradient_check(&classifier(), x, y, Loss::CrossEntropy).unwrap()
    };
    in_every_layout(&x, |layout, view| {
        assert!(fit(view, y.view()) == fit(x.view(), y.view()), "inputs, {layout}");
        assert_eq!(check(view, y.view()), check(x.view(), y.view()), "inputs, {layout}");
    });
    in_every_layout(&y, |layout, view| {
        assert!(fit(x.view(), view) == fit(x.view(), y.view()), "targets, {layout}");
        assert_eq!(check(x.view(), view), check(x.view(), y.view()), "targets, {layout}");
    });
    // One row, broadcast.
    let repeated = x.row(0).insert_axis(Axis(0));
    let repeated = repeated.broadcast((5, INPUTS)).unwrap();
    assert_eq!(classifier().predict(repeated).unwrap(), classifier().predict(repeated.to_owned().view()).unwrap());
}

// --- Extremes --------------------------------------------------------------------------------------------------------

/// Logits as inputs of an identity map, so that Z is exactly these numbers.
fn from_logits<F: Real>(activation: Activation, z: &Array2<F>) -> Network<F> {
    let k = z.ncols();
    Network::from_layers(vec![Layer::new(Array2::eye(k), Array1::zeros(k), activation).unwrap()]).unwrap()
}

fn check_extremes<F: Real>(big: f64) {
    let f = F::from_f64;
    let z = array![[f(big), f(-big)], [f(-big), f(big)], [f(big), f(big)], [f(-big), f(-big)]];
    let y = array![[f(0.0), f(1.0)], [f(0.0), f(1.0)], [f(1.0), f(0.0)], [f(0.5), f(0.5)]];
    let ln2 = std::f64::consts::LN_2;
    let pass = |activation, loss| common::pass(&from_logits(activation, &z), z.view(), y.view(), loss);
    let near = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-6, "{found} for {expected}");
    let dz = |workspace: &Workspace<F>| workspace.dz(0).mapv(F::f64);

    // Wrong by `big`: both entries of row 0, none of row 1, one of row 2, half of each of row 3.
    let (cost, workspace) = pass(Activation::Sigmoid, Loss::BinaryCrossEntropy);
    near(cost, (2.0 * big + 0.0 + big + 2.0 * big / 2.0) / 8.0);
    let expected = array![[1.0, -1.0], [0.0, 0.0], [0.0, 1.0], [-0.5, -0.5]] / 8.0;
    assert_eq!(dz(&workspace), expected);

    // Wrong by the difference 2·big, not wrong, and twice a fair coin.
    let (cost, workspace) = pass(Activation::Softmax, Loss::CrossEntropy);
    near(cost, (2.0 * big + 0.0 + ln2 + ln2) / 4.0);
    let expected = array![[1.0, -1.0], [0.0, 0.0], [-0.5, 0.5], [0.0, 0.0]] / 4.0;
    assert_eq!(dz(&workspace), expected);

    // Saturated outputs have a squared error, and no slope.
    for activation in [Activation::Sigmoid, Activation::Softmax, Activation::Tanh] {
        let (cost, workspace) = pass(activation, Loss::MeanSquaredError);
        assert!(cost < 2.0 && workspace.dz(0).iter().all(|d| d.f64().abs() < 1.0));
    }
    for activation in ACTIVATIONS {
        let a = from_logits(activation, &z).predict(z.view()).unwrap();
        assert!(a.iter().all(|a| a.is_finite()), "{}", activation.name());
    }
}

#[test]
fn huge_logits_have_finite_costs_and_gradients() {
    check_extremes::<f32>(1e4);
    check_extremes::<f32>(1e38);
    check_extremes::<f64>(1e4);
    check_extremes::<f64>(1e300 / 4.0);
}

#[test]
fn logits_of_1e300_are_finite_in_the_end() {
    let z = array![[1e300, -1e300]];
    let y = array![[0.0, 1.0]];
    let pass = |activation, loss| common::pass(&from_logits(activation, &z), z.view(), y.view(), loss);
    assert_eq!(pass(Activation::Sigmoid, Loss::BinaryCrossEntropy).0, 1e300);
    assert_eq!(pass(Activation::Softmax, Loss::CrossEntropy).0, 2e300);
}

fn check_subnormals<F: Real>(smallest: f64) {
    let tiny = F::from_f64(smallest);
    assert!(tiny > F::zero() && tiny / F::from_f64(2.0) == F::zero());
    let z = array![[tiny, -tiny], [F::zero(), tiny]];
    let y = array![[F::zero(), F::one()], [tiny, F::one()]];
    for (activation, loss) in pairs() {
        let (cost, workspace) = common::pass(&from_logits(activation, &z), z.view(), y.view(), loss);
        assert!(cost.is_finite() && cost > 0.0, "{} with {}", loss.name(), activation.name());
        assert!(workspace.dz(0).iter().all(|d| d.is_finite()));
    }
}

#[test]
fn subnormal_numbers_are_numbers() {
    check_subnormals::<f32>(1e-45);
    check_subnormals::<f64>(5e-324);
}

/// Every row of a batch is treated the same, and as if it were alone.
#[test]
fn equal_rows_have_equal_outputs_and_the_gradient_of_one() {
    for (output, loss) in pairs() {
        let network = network::<f64>(INPUTS, &[(6, Activation::Tanh), (OUTPUTS, output)], 1);
        let (x, y) = (uniform::<f64>((1, INPUTS), -1.0, 1.0, 2), fitting(loss, uniform((1, OUTPUTS), 0.1, 0.9, 3)));
        let (xs, ys) = (x.broadcast((50, INPUTS)).unwrap(), y.broadcast((50, OUTPUTS)).unwrap());
        let (cost, one) = common::pass(&network, x.view(), y.view(), loss);
        let (cost_of_all, all) = common::pass(&network, xs, ys, loss);
        assert!((cost - cost_of_all).abs() < 1e-14, "{}", loss.name());
        assert!(all.a(1).rows().into_iter().all(|row| row == all.a(1).row(0)));
        for (one, all) in one.gradients().iter().zip(all.gradients()) {
            assert!(one.weights.abs_diff_eq(&all.weights, 1e-14) && one.bias.abs_diff_eq(&all.bias, 1e-14));
        }
    }
}

/// If an output was rounded to 1, the general path no longer knows how wrong it was: an error, not a NaN. `cost`
/// returns the infinity.
#[test]
fn a_cost_beyond_all_bounds_is_an_error() {
    let z = array![[1e4, -1e4]];
    let (network, y) = (from_logits(Activation::Softmax, &z), array![[0.0, 1.0]]);
    let mut workspace = Workspace::new(&network, 1);
    network.forward(z.view(), &mut workspace).unwrap();
    refused(
        network.backward(z.view(), y.view(), Loss::BinaryCrossEntropy, &mut workspace),
        "cost: expected a finite number, found inf: try a smaller learning rate, or scale inputs and targets",
    );
    assert_eq!(network.cost(z.view(), y.view(), Loss::BinaryCrossEntropy).unwrap(), f64::INFINITY);
    // If it was right, 0·∞ is 0.
    assert_eq!(network.cost(z.view(), array![[1.0, 0.0]].view(), Loss::BinaryCrossEntropy).unwrap(), 0.0);
}

// --- The text of every error ----------------------------------------------------------------------------------------------

/// The variants of an enum, read from the source, so that a new one cannot be forgotten here.
fn variants(file: &str, of: &str) -> BTreeSet<String> {
    let source = std::fs::read_to_string(format!("{}/src/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let body = source.split_once(&format!("pub enum {of} {{\n")).unwrap().1.split_once("\n}").unwrap().0;
    let names =
        body.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with(char::is_uppercase));
    names.map(|line| line.trim_end_matches([' ', '{', ',']).to_owned()).collect()
}

fn name_of(variant: &impl std::fmt::Debug) -> String {
    format!("{variant:?}").split([' ', '{']).next().unwrap().to_owned()
}

/// The lists that the other tests iterate over.
#[test]
fn every_activation_and_loss_is_tested() {
    let activations = ACTIVATIONS.iter().map(name_of).collect::<BTreeSet<_>>();
    assert_eq!(activations, variants("activation.rs", "Activation"));
    let losses = pairs().iter().map(|(_, loss)| name_of(loss)).collect::<BTreeSet<_>>();
    assert_eq!(losses, variants("loss.rs", "Loss"));
}

/// Each array that does not fit names the call that mends it, at every door.
#[test]
fn shapes_that_do_not_fit_are_told_the_cure() {
    let numbers = "targets: expected shape [3, 3], found [3, 1]. Dataset::classification or one_hot makes these columns of \
                   class numbers";
    let wider = "inputs: expected shape [3, 4], found [3, 5]. For 5 columns, make the network with Network::builder(5)";
    for (door, result) in at_every_door(&x(), &array![[0.0], [1.0], [2.0]]) {
        assert_eq!(result.unwrap_err().to_string(), numbers, "{door}");
    }
    for (door, result) in at_every_door(&Array2::zeros((3, 5)), &y()) {
        assert_eq!(result.unwrap_err().to_string(), wider, "{door}");
    }
    let turn = ". Examples are rows: if they are columns, turn the array with .t()";
    let single = ". One sigmoid output takes two classes as a single column of 0 and 1; one-hot columns need as many \
                  softmax outputs";
    let rows = ". Every row of inputs has one row of targets";
    let weights = ". Weights are [inputs, outputs], and the inputs are the outputs of the layer before";
    let of_this = ". Use a workspace of this network: Workspace::new";
    let afresh = ". The optimiser has trained another network: reset it, or make a new one";
    let cures: &[(&str, &[usize], &[usize], &str)] = &[
        ("targets", &[5, 1], &[5, 2], single),
        ("targets", &[5, 1], &[5, 3], single),
        ("targets", &[2, 2], &[2, 1], ". Dataset::classification or one_hot makes these columns of class numbers"),
        ("targets", &[5, 3], &[5, 2], ". The last layer needs a unit for each column: NetworkBuilder::layer(2, …)"),
        ("targets", &[5, 3], &[4, 3], rows),
        ("targets", &[5, 5], &[3, 5], &format!("{rows}{turn}")),
        ("targets", &[5, 3], &[5, 0], ""),
        ("inputs", &[5, 4], &[5, 2], ". For 2 columns, make the network with Network::builder(2)"),
        ("inputs", &[4, 4], &[4, 9], &format!(". For 9 columns, make the network with Network::builder(9){turn}")),
        ("inputs", &[5, 4], &[5, 0], ""),
        ("inputs to scale", &[5, 4], &[5, 3], ". A Scaling fits data with the columns that it was made from"),
        ("labels", &[5], &[4], ". Every row of inputs has one label"),
        ("predictions", &[5], &[4], ". Every label has one prediction"),
        ("decisions", &[5, 2], &[5, 1], ". Every target has one decision: network.decisions(x, 0.5)?, for sigmoids"),
        ("weights", &[3, 6], &[4, 6], weights),
        ("bias", &[3], &[4], ". Weights are [inputs, outputs], and every output has one bias"),
        ("activations", &[3], &[2], ". Every layer of the file has one activation"),
        ("rows of the workspace", &[3], &[2], ". Make it with room for the batch: Workspace::new(&network, 3)"),
        ("layers of the workspace", &[3], &[2], of_this),
        ("units of the workspace", &[3], &[2], of_this),
        ("layers of the gradients", &[3], &[2], of_this),
        ("gradient of the weights", &[3, 2], &[2, 2], of_this),
        ("gradient of the bias", &[3], &[2], of_this),
        ("layers of the velocity", &[3], &[2], afresh),
        ("velocity of the weights", &[3, 2], &[2, 2], afresh),
        ("velocity of the bias", &[3], &[2], afresh),
        ("epochs of the validation", &[3], &[2], ""),
    ];
    for &(place, expected, found, cure) in cures {
        let shape = |place| Error::Shape { place, layer: None, expected: expected.into(), found: found.into() };
        let text = |place| format!("{place}: expected shape {expected:?}, found {found:?}{cure}");
        assert_eq!(shape(place).to_string(), text(place));
        match place {
            "inputs" => assert_eq!(shape("validation inputs").to_string(), text("validation inputs")),
            "targets" => assert_eq!(shape("validation targets").to_string(), text("validation targets")),
            _ => {}
        }
        // In a file there is no array of the caller, only activations.
        let of_file = FileProblem::Contents { error: Box::new(shape(place)) }.to_string();
        let cure = if place == "activations" { cure } else { "" };
        assert_eq!(of_file, format!("{place}: expected shape {expected:?}, found {found:?}{cure}"));
    }
}

/// A number out of its range is told what sets it, or why a number that looks right is not.
#[test]
fn numbers_out_of_their_range_are_told_the_cure() {
    let mut network = classifier::<f32>();
    let gradients: Vec<_> = network.layers().iter().map(|layer| layer.affine.clone()).collect();
    let mut step = |sgd: Sgd<f32>| sgd.clone().step(&mut network, &gradients).unwrap_err().to_string();
    let usual = "Usual rates are 0.001 to 0.1, the optimiser's first argument";
    assert_eq!(step(Sgd::new(-0.1)), format!("learning rate: expected a finite number above 0, found -0.1. {usual}"));
    assert_eq!(
        step(Sgd::new(1e-60)),
        "learning rate: expected a finite number above 0, found 1e-60, which the network's f32 cannot hold"
    );
    assert_eq!(
        step(Sgd::new(0.1).weight_decay(1e40)),
        "weight decay: expected a finite number, 0 or more, found 1e40, which the network's f32 cannot hold"
    );
    assert_eq!(
        step(Sgd::new(0.1).momentum(1.0 - 1e-12)),
        "momentum: expected 0 or more, and below 1, found 0.999999999999, which the network's f32 rounds to 1"
    );
    assert_eq!(step(Sgd::new(0.1).momentum(1.0)), "momentum: expected 0 or more, and below 1, found 1");
    let data = Dataset::new(x(), y()).unwrap();
    let fit = |trainer: Trainer<f64>| {
        let mut trainer = trainer;
        trainer.fit(&mut classifier(), &data, &mut rng(1)).unwrap_err().to_string()
    };
    assert_eq!(
        fit(Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).batch_size(32)),
        "batch size: expected 1 to 3, the rows of the training set, found 32. Trainer::batch_size sets it"
    );
    assert_eq!(
        fit(Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).threads(0)),
        "threads: expected 1 (this thread alone) or more; leave Trainer::threads out for all cores, found 0"
    );
    let split = data.split(70.0, &mut rng(1)).unwrap_err().to_string();
    assert_eq!(
        split,
        "fraction: expected more than 0, less than 1 (0.7 for 70 %), and at least one of the 3 rows on either side, found 70"
    );
}

/// However large or small a number is, it takes few digits.
#[test]
fn numbers_in_errors_are_short() {
    let out_of_range =
        |found| Error::OutOfRange { name: "std", expected: "0 or more".into(), found }.to_string().split_off(25);
    for (number, text) in [
        (-1e300, "-1e300"),
        (f64::MAX, "1.7976931348623157e308"),
        (-5e-324, "-5e-324"),
        (-1.25e-7, "-1.25e-7"),
        (0.0, "0"),
        (-0.5, "-0.5"),
        (-0.0001, "-0.0001"),
        (9_999_999.0, "9999999"),
        (10_000_000.0, "1e7"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-inf"),
        // As a data set of f32 has them, but not f64's own 0.1 + 0.2.
        (f64::from(0.1_f32), "0.1"),
        (f64::from(f32::MAX), "3.4028235e38"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1.0 + f64::EPSILON, "1.0000000000000002"),
    ] {
        assert_eq!(out_of_range(number), format!("found {text}"));
    }
    let target = Error::Target { place: "targets", loss: "a loss", expected: "some", index: [0, 0], found: -1e200 };
    assert_eq!(target.to_string(), "targets: expected some for a loss, found -1e200 at [0, 0]");
    let (cost, last_finite_cost) = (1.234_567_890_123e254, Some(9.876_543_210_987e-90));
    let (learning_rate, largest_target) = (0.1 * 0.9_f64.powi(3), Some(345.678_9));
    let diverged = Error::Diverged {
        epoch: 0,
        cost,
        last_finite_cost,
        learning_rate,
        largest_input: Some(1234.5678),
        largest_target,
        bounded_outputs: false,
    };
    assert_eq!(
        diverged.to_string(),
        "training diverged in epoch 0: cost 1.235e254, last finite cost 9.877e-90, learning rate 0.0729. Try a learning \
         rate ten times smaller. If that does not help, scale the inputs (largest: 1235) and the targets (largest: 345.7) \
         to about -1 to 1, or make the initial weights smaller"
    );
    // As data may be, and as a caller may misspell a bound.
    let error = Init::Uniform { low: 1e300, high: -1e300 };
    let mut rng = rng(1);
    let error = Network::<f64>::builder(1).layer(1, Activation::Tanh).init(error).build(&mut rng).unwrap_err();
    assert_eq!(error.to_string(), "high: expected a finite number above low = 1e300, found -1e300");
    let error = Dataset::<f64>::moons(2, -1e-200, &mut rng).unwrap_err();
    assert_eq!(error.to_string(), "noise: expected a finite number, 0 or more, found -1e-200");
}

/// Here every error is made by hand. The tests of this file and of the other ones meet each where it arises.
#[test]
fn every_error_says_what_was_expected_and_what_was_found() {
    let shape = |layer| Error::Shape { place: "weights", layer, expected: vec![2, 3], found: vec![3] };
    let not_finite = |layer| Error::NotFinite { place: "inputs", layer, index: vec![0, 2], found: f64::NEG_INFINITY };
    let diverged = |last_finite_cost, largest_target| Error::Diverged {
        epoch: 4,
        cost: f64::NAN,
        last_finite_cost,
        learning_rate: 0.5,
        largest_input: Some(255.0),
        largest_target,
        bounded_outputs: largest_target.is_none(),
    };
    let first = "Try a learning rate ten times smaller. If that does not help, scale the inputs (largest: 255)";
    let weights = ". Weights are [inputs, outputs], and the inputs are the outputs of the layer before";
    let stalled = || FileProblem::Stalled { within: std::time::Duration::from_secs(20) };
    let download = |from: &[&str]| Error::Download {
        files: vec!["x".into(), "y".into()],
        archives: vec!["x.gz".into(), "y.gz".into()],
        folder: "some/folder".into(),
        attempts: from.iter().map(|&from| Attempt { from: from.into(), problem: stalled() }).collect(),
    };
    let errors = [
        (shape(None), format!("weights: expected shape [2, 3], found [3]{weights}")),
        (shape(Some(7)), format!("layer 7: weights: expected shape [2, 3], found [3]{weights}")),
        (Error::Empty { place: "layers" }, "layers: expected at least one, found none".into()),
        (not_finite(None), "inputs: expected finite numbers, found -inf at [0, 2]".into()),
        (not_finite(Some(1)), "layer 1: inputs: expected finite numbers, found -inf at [0, 2]".into()),
        (
            Error::NotFinite { place: "targets", layer: None, index: vec![4, 1], found: f64::NAN },
            "targets: expected finite numbers, found NaN at [4, 1]. Leave out rows with gaps, or fill them".into(),
        ),
        (
            Error::NotFinite { place: "outputs", layer: None, index: vec![4, 1], found: f64::NAN },
            "outputs: expected finite numbers, found NaN at [4, 1]. The weights are too large: train with a smaller \
             learning rate"
                .into(),
        ),
        (
            Error::OutOfRange { name: "momentum", expected: "0 or more".into(), found: -0.5 },
            "momentum: expected 0 or more, found -0.5".into(),
        ),
        (
            Error::Target { place: "targets", loss: "a loss", expected: "some numbers", index: [3, 0], found: -1.0 },
            "targets: expected some numbers for a loss, found -1 at [3, 0]".into(),
        ),
        (
            Error::TargetSum { place: "targets", row: 3, found: 2.0 },
            "targets: expected rows that sum to 1 for cross-entropy, found 2 in row 3: give labels \
             (Dataset::classification), and weights of the examples by Dataset::weighted"
                .into(),
        ),
        (
            Error::AnotherNetwork { epochs: 7 },
            "this trainer has trained another network for 7 epochs: for a new training, call reset or make another \
             Trainer; to go on with these parameters, call continue_with"
                .into(),
        ),
        (
            Error::Target {
                place: "targets",
                loss: "binary cross-entropy",
                expected: "some numbers",
                index: [3, 0],
                found: 2.0,
            },
            "targets: expected some numbers for binary cross-entropy, found 2 at [3, 0]. Yes is 1 and no is 0; mean squared \
             error takes any numbers"
                .into(),
        ),
        (
            Error::Target { place: "targets", loss: "cross-entropy", expected: "some numbers", index: [3, 0], found: -1.0 },
            "targets: expected some numbers for cross-entropy, found -1 at [3, 0]. Dataset::classification makes such \
             targets of class numbers"
                .into(),
        ),
        (
            Error::Label { row: 3, classes: 10, found: 11 },
            "label of row 3: expected 0 to 9, found 11. For this label, the number of classes must be 12 or more".into(),
        ),
        (
            Error::Label { row: 3, classes: 10, found: 10 },
            "label of row 3: expected 0 to 9, found 10: labels count from 0".into(),
        ),
        (
            Error::AbsentClass { class: 2 },
            "labels: expected examples of every class for ROC AUC, found none of class 2: take more rows, or roc_auc of \
             the columns of the other classes"
                .into(),
        ),
        (
            Error::NoLabels { row: 2 },
            "targets of row 2: expected a class (a single 1 among zeros, or 0 or 1 in a single column). \
             Dataset::classification makes such targets of class numbers"
                .into(),
        ),
        (
            Error::Column { column: "size".into(), expected: "numbers".into(), found: "words".into() },
            "column \"size\": expected numbers, found words".into(),
        ),
        (
            Error::Duplicate { place: "class names", name: "ham".into() },
            "class names: expected different ones, found \"ham\" twice".into(),
        ),
        (
            Error::Pairing { loss: "a loss", activation: "an activation", instead: "another" },
            "a loss does not work with an activation outputs: use another".into(),
        ),
        (
            Error::SoftmaxOfOne { layer: Some(2) },
            "layer 2: softmax of a single unit is always 1: use one sigmoid unit, or two units".into(),
        ),
        (
            Error::NoForward { expected: 5, found: 0 },
            "backward of 5 rows: expected a forward of as many rows before it, found none. Call Network::forward with the \
             same inputs and workspace first"
                .into(),
        ),
        (
            Error::NoForward { expected: 5, found: 4 },
            "backward of 5 rows: expected a forward of as many rows before it, found 4 rows. Call Network::forward with the \
             same inputs and workspace first"
                .into(),
        ),
        (
            Error::CostNotFinite { cost: f64::INFINITY },
            "cost: expected a finite number, found inf: try a smaller learning rate, or scale inputs and targets".into(),
        ),
        (
            diverged(Some(2.5), Some(3e5)),
            format!(
                "training diverged in epoch 4: cost NaN, last finite cost 2.5, learning rate 0.5. {first} and the targets \
                 (largest: 300000) to about -1 to 1, or make the initial weights smaller"
            ),
        ),
        (
            diverged(None, None),
            format!(
                "training diverged in epoch 4: cost NaN, no finite cost before it, learning rate 0.5. {first} to about -1 \
                 to 1, or make the initial weights smaller"
            ),
        ),
        (
            Error::File { file: "some/file".into(), problem: FileProblem::NoExamples },
            "some/file: expected at least one example, found none".into(),
        ),
        (
            download(&["https://a/x.gz", "https://b/x.gz"]),
            "could not get x, y: tried https://a/x.gz (no answer, or too little of it, within 20s), https://b/x.gz (no answer, or \
             too little of it, within 20s). Without a network, put the files into some/folder, unpacked or as they are \
             published: x.gz, y.gz"
                .into(),
        ),
        (
            download(&[]),
            "could not get x, y: no mirrors configured. Without a network, put the files into some/folder, \
             unpacked or as they are published: x.gz, y.gz"
                .into(),
        ),
    ];
    for (error, text) in &errors {
        assert_eq!(&error.to_string(), text);
    }
    let listed: BTreeSet<String> = errors.iter().map(|(error, _)| name_of(error)).collect();
    assert_eq!(listed, variants("error.rs", "Error"));
    let io = FileProblem::Io { kind: std::io::ErrorKind::NotFound, message: "no such file".into() };
    let problems = [
        (io, "no such file"),
        (FileProblem::NeedsGzip, "gzip-compressed: unpack it, or build chainrule with the feature \"gzip\""),
        (FileProblem::Gzip { message: "bad".into() }, "broken gzip stream: bad. Get the file again"),
        (
            FileProblem::Magic { expected: "an IDX file (00 00)".into(), found: vec![0x1f, 0x08] },
            "expected an IDX file (00 00), found 1f 08 at offset 0",
        ),
        (
            FileProblem::Magic { expected: "an IDX file (00 00)".into(), found: b"<!DO".to_vec() },
            "expected an IDX file (00 00), found 3c 21 44 4f (text: \"<!DO\") at offset 0",
        ),
        (
            FileProblem::ElementType { found: 0x0d },
            "IDX element type: expected 0x08 (unsigned bytes), found 0x0d at offset 2. Numbers of other types go through \
             Dataset::new",
        ),
        (
            FileProblem::Truncated { expected: 16, found: 9 },
            "truncated: expected 16 bytes, found 9. Get the file again",
        ),
        (FileProblem::Trailing { expected: 16 }, "expected 16 bytes, found more. Get the file again"),
        (
            FileProblem::Checksum { expected: "1f".into(), found: "2e".into() },
            "contents changed since they were published or saved: expected checksum 1f, found 2e. Get the file again",
        ),
        (FileProblem::NotInArchive { expected: "x.bin".into() }, "expected x.bin in the archive, found no such file"),
        (FileProblem::Http { message: "http status: 404".into() }, "http status: 404"),
        (stalled(), "no answer, or too little of it, within 20s"),
        (FileProblem::PartialRow { row: 3073, found: 5 }, "expected whole rows of 3073 bytes, found 5 bytes in all"),
        (
            FileProblem::PartialRow { row: 3073, found: 2 * 3074 },
            "a file of CIFAR-100, by its length: Dataset::from_cifar100 reads it (rows of 3074 bytes, not 3073)",
        ),
        (
            FileProblem::PartialRow { row: 3074, found: 2 * 3073 },
            "a file of CIFAR-10, by its length: Dataset::from_cifar10 reads it (rows of 3073 bytes, not 3074)",
        ),
        (
            FileProblem::LabelsFromOne { classes: 26 },
            "labels 1 to 26: expected 0 to 25. Labels count from 0: ask for 27 classes, of which class 0 stays empty, or \
             subtract 1 (Idx::read, then Dataset::classification)",
        ),
        (FileProblem::Label { offset: 8, classes: 10, found: 11 }, "label at offset 8: expected 0 to 9, found 11"),
        (
            FileProblem::TooLarge { dimensions: vec![9, 1 << 40] },
            "dimensions [9, 1099511627776]: expected a product that fits into memory",
        ),
        (FileProblem::NoExamples, "expected at least one example, found none"),
        (
            FileProblem::Examples { expected: 5, found: 4 },
            "number of examples: expected 5, as in the file of the labels, found 4. Take both files from one set",
        ),
        (
            FileProblem::Cell { line: 3, column: "size".into(), expected: "a number".into(), found: "\"x\"".into() },
            "line 3, column \"size\": expected a number, found \"x\"",
        ),
        (
            FileProblem::Line { line: 3, expected: "2 cells".into(), found: "3".into() },
            "line 3: expected 2 cells, found 3",
        ),
        (
            FileProblem::NoOperator { activation: "swirl".into() },
            "activation \"swirl\": expected one of the crate's, found a custom one, whose function cannot be written to a file",
        ),
        (
            FileProblem::HeaderTooLong { limit: 64, found: 99 },
            "safetensors header: expected at most 64 bytes, found a length of 99 at offset 0",
        ),
        (FileProblem::Header { message: "no JSON".into() }, "safetensors header: no JSON"),
        (
            FileProblem::Version { expected: "1", found: "2".into() },
            "format of chainrule: expected version 1, found \"2\". Use the chainrule that wrote it",
        ),
        (
            FileProblem::Metadata { key: "number", expected: "f32 or f64".into(), found: Some("f16".into()) },
            "metadata number: expected f32 or f64, found \"f16\"",
        ),
        (
            FileProblem::Tensor { name: "0.bias".into(), expected: "shape [3]".into(), found: "[4]".into() },
            "tensor \"0.bias\": expected shape [3], found [4]",
        ),
        (
            FileProblem::Tensors { expected: "0.weight".into(), found: vec!["a".into(), "b".into()] },
            "tensors: expected 0.weight, found a, b",
        ),
        (FileProblem::Tensors { expected: "0.weight".into(), found: vec![] }, "tensors: expected 0.weight, found none"),
        (
            FileProblem::NeedsFunctions { entry: "loss", name: "huber".into() },
            "loss: \"huber\" is custom, and a file holds its name only: pass its functions to load_with or load_checkpoint_with",
        ),
        (
            FileProblem::Contents { error: Box::new(Error::Empty { place: "layers" }) },
            "layers: expected at least one, found none",
        ),
    ];
    for (problem, text) in &problems {
        assert_eq!(&problem.to_string(), text);
    }
    let listed: BTreeSet<String> = problems.iter().map(|(problem, _)| name_of(problem)).collect();
    assert_eq!(listed, variants("error.rs", "FileProblem"));
}
