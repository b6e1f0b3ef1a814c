//! The gradient of every network that can be built is the derivative of the cost that it reports.
//!
//! The public gradient check agrees with backpropagation to 1e-6 for every activation × loss: in hidden and output
//! layers, at depths 1 to 4, for one row and several, with hard and soft targets. It finds a wrong slope, and reports
//! how much it checked and where the largest error is. Pairs without a gradient are refused.

use crate::common;
use chainrule::ndarray::{Array2, Axis, array};
use chainrule::{Activation, Affine, Dataset, Layer, Loss, Network, Parameter, Sgd, Trainer, Workspace};
use chainrule::{Error, gradient_check};
use common::{ACTIVATIONS, LOG_COSH, OWN_SIGMOID, SOFTPLUS, network, one_hot_rows, pairs, pass, rng, uniform};

const OUTPUTS: usize = 3;

/// The kinds of target rows for a loss.
fn targets(loss: Loss, rows: usize, seed: u64) -> Vec<(&'static str, Array2<f64>)> {
    let shape = (rows, OUTPUTS);
    let soft = uniform::<f64>(shape, 0.05, 0.95, seed);
    let sums = soft.sum_axis(Axis(1)).insert_axis(Axis(1));
    match loss {
        Loss::CrossEntropy => vec![("hard", one_hot_rows(shape, seed)), ("soft", &soft / &sums)],
        Loss::BinaryCrossEntropy => vec![("hard", one_hot_rows(shape, seed)), ("soft", soft)],
        Loss::Huber => vec![("any", uniform(shape, -3.0, 3.0, seed))],
        _ => vec![("any", uniform(shape, -1.0, 1.0, seed))],
    }
}

/// Whether every layer has gradients above the check's floor for small ones. A batch on which a ReLU is dead, or a row
/// that already fits well, would prove nothing.
fn all_visible(gradients: &[Affine<f64>]) -> bool {
    let largest = |g: &Affine<f64>| g.weights.iter().chain(&g.bias).fold(0.0, |max: f64, g| max.max(g.abs()));
    let of_all = gradients.iter().map(largest).fold(0.0, f64::max);
    gradients.iter().all(|g| largest(g) > 1e-9 && largest(g) > 1e-4 * of_all)
}

fn check_all(depth: usize) {
    let mut checks = 0;
    for (output, loss) in pairs() {
        for hidden in if depth == 1 { &ACTIVATIONS[..1] } else { &ACTIVATIONS } {
            for rows in [1, 4] {
                let mut layers = vec![(4, *hidden); depth - 1];
                layers.push((OUTPUTS, output));
                let x = uniform((rows, 3), -1.5, 1.5, 2);
                for (kind, y) in targets(loss, rows, 3) {
                    let what = format!(
                        "{}, depth {depth}, hidden {}, output {}, {rows} rows, {kind} targets",
                        loss.name(),
                        hidden.name(),
                        output.name()
                    );
                    let visible = |network: &Network<f64>| {
                        let (_, pass) = pass(network, x.view(), y.view(), loss);
                        // The slope of Huber's loss has a corner at an error of 1, where differences are too rough.
                        let corner = |(a, y): (&f64, &f64)| ((a - y).abs() - 1.0).abs() < 0.05;
                        let rough = loss == Loss::Huber && pass.a(depth - 1).iter().zip(&y).any(corner);
                        !rough && all_visible(pass.gradients())
                    };
                    let network = (0..10).map(|seed| network(3, &layers, seed)).find(visible);
                    let network = network.unwrap_or_else(|| panic!("{what}: no gradients"));
                    let check = gradient_check(&network, x.view(), y.view(), loss).unwrap();
                    assert!(check.max_relative_error < 1e-6, "{what}: {check:?}");
                    assert_eq!(check.checked + check.skipped, network.parameters(), "{what}");
                    assert!(2 * check.checked > network.parameters(), "{what}: {check:?}");
                    checks += 1;
                }
            }
        }
    }
    assert!(checks >= 2 * pairs().len());
}

#[test]
fn every_pair_at_depth_1() {
    check_all(1);
}

#[test]
fn every_pair_and_hidden_activation_at_depth_2() {
    check_all(2);
}

#[test]
fn every_pair_and_hidden_activation_at_depth_3() {
    check_all(3);
}

#[test]
fn every_pair_and_hidden_activation_at_depth_4() {
    check_all(4);
}

/// The five-point difference by hand, on the results of `cost` and of `backward`: the gradients belong to the number
/// that the caller sees, not to a multiple of it.
#[test]
fn the_reported_cost_is_the_one_that_the_gradients_descend() {
    for (output, loss) in pairs() {
        let what = format!("{} with {}", loss.name(), output.name());
        let network = network::<f64>(2, &[(3, Activation::Tanh), (OUTPUTS, output)], 17);
        let (x, y) = (uniform((5, 2), -1.5, 1.5, 2), targets(loss, 5, 3).pop().unwrap().1);
        let (cost, workspace) = pass(&network, x.view(), y.view(), loss);
        assert_eq!(cost, network.cost(x.view(), y.view(), loss).unwrap(), "{what}");

        for l in 0..2 {
            let gradient = &workspace.gradients()[l];
            let directions = [
                Affine { weights: gradient.weights.mapv(f64::signum), bias: gradient.bias.mapv(|_| 0.0) },
                Affine { weights: gradient.weights.mapv(|_| 0.0), bias: gradient.bias.mapv(f64::signum) },
            ];
            for direction in directions {
                let moved = |h: f64| {
                    let mut layers = network.layers().to_vec();
                    layers[l].affine.weights.scaled_add(h, &direction.weights);
                    layers[l].affine.bias.scaled_add(h, &direction.bias);
                    let network = Network::from_layers(layers).unwrap();
                    let (returned, _) = pass(&network, x.view(), y.view(), loss);
                    assert_eq!(returned, network.cost(x.view(), y.view(), loss).unwrap(), "{what}");
                    returned
                };
                let h = 1e-3;
                let slope = (moved(-2.0 * h) - 8.0 * moved(-h) + 8.0 * moved(h) - moved(2.0 * h)) / (12.0 * h);
                let expected =
                    (&gradient.weights * &direction.weights).sum() + (&gradient.bias * &direction.bias).sum();
                assert!(expected > 1e-5, "{what}: {expected}"); // a sum of absolute values
                assert!((slope - expected).abs() < 1e-7 * expected, "{what}: {slope} for {expected}");
            }
        }
    }
}

/// Doubling every row does not change a mean; it changes a sum, or a mean over something else.
#[test]
fn cost_and_gradients_are_means_over_the_rows() {
    for (output, loss) in pairs() {
        let network = network::<f64>(2, &[(3, Activation::Tanh), (OUTPUTS, output)], 17);
        let (x, y) = (uniform((5, 2), -1.5, 1.5, 2), targets(loss, 5, 3).pop().unwrap().1);
        let twice = |a: &Array2<f64>| chainrule::ndarray::concatenate![Axis(0), *a, *a];
        let (cost, once) = pass(&network, x.view(), y.view(), loss);
        let (cost_of_two, both) = pass(&network, twice(&x).view(), twice(&y).view(), loss);
        assert!((cost - cost_of_two).abs() < 1e-14 * (1.0 + cost.abs()));
        for (g, h) in once.gradients().iter().zip(both.gradients()) {
            assert!(g.weights.abs_diff_eq(&h.weights, 1e-14) && g.bias.abs_diff_eq(&h.bias, 1e-14));
        }
    }
}

#[test]
fn a_wrong_slope_of_an_activation_is_caught_and_located() {
    // Right except for units with z > 5. There is one: number 1 of layer 1.
    let wrong = Activation::Custom {
        name: "tanh, wrong above 5",
        f: |z| (z / 10.0).tanh(),
        slope: |z, a| (1.0 - a * a) / 10.0 * if z > 5.0 { 1.05 } else { 1.0 },
    };
    let mut layers = network::<f64>(2, &[(3, SOFTPLUS), (4, wrong), (2, Activation::Identity)], 4).layers().to_vec();
    layers[0].affine.weights.fill(0.0); // no weight of layer 0 reaches unit 1 of layer 1
    layers[1].affine.weights.column_mut(1).fill(0.0);
    layers[1].affine.bias[1] = 6.0;
    let network = Network::from_layers(layers).unwrap();
    let (x, y) = (uniform((3, 2), -1.0, 1.0, 5), uniform((3, 2), -1.0, 1.0, 6));

    let check = gradient_check(&network, x.view(), y.view(), Loss::MeanSquaredError).unwrap();
    assert!((check.max_relative_error - 0.05 / 1.05).abs() < 1e-6, "{check:?}");
    assert_eq!(check.layer, 1);
    let (_, workspace) = pass(&network, x.view(), y.view(), Loss::MeanSquaredError);
    let gradient = &workspace.gradients()[1];
    let named = match check.parameter {
        Parameter::Weight { input, output: 1 } => gradient.weights[[input, 1]],
        Parameter::Bias { output: 1 } => gradient.bias[1],
        other => panic!("{other:?}"),
    };
    assert_eq!(check.analytic, named);
    assert!((check.analytic / check.numeric - 1.05).abs() < 1e-6, "{check:?}");
}

#[test]
fn a_wrong_slope_of_a_loss_is_caught() {
    let without_its_two = Loss::Custom { name: "square", value: |a, y| (a - y).powi(2), slope: |a, y| a - y };
    let network = network::<f64>(2, &[(3, Activation::Tanh), (2, Activation::Sigmoid)], 4);
    let (x, y) = (uniform((3, 2), -1.0, 1.0, 5), uniform((3, 2), -1.0, 1.0, 6));
    let check = gradient_check(&network, x.view(), y.view(), without_its_two).unwrap();
    assert!((check.max_relative_error - 0.5).abs() < 1e-6, "{check:?}");
    assert!((check.numeric / check.analytic - 2.0).abs() < 1e-6, "{check:?}");
}

#[test]
fn a_slope_that_is_nan_is_the_worst_error_and_not_lost() {
    let nan = Activation::Custom { name: "nan", f: |z| z, slope: |_, _| f64::NAN };
    let network = network::<f64>(2, &[(2, nan), (2, Activation::Identity)], 4);
    let (x, y) = (uniform((3, 2), -1.0, 1.0, 5), uniform((3, 2), -1.0, 1.0, 6));
    let check = gradient_check(&network, x.view(), y.view(), Loss::MeanSquaredError).unwrap();
    assert!(check.max_relative_error.is_nan() && check.layer == 0, "{check:?}");
}

/// Neither the right gradients before it nor those after it hide a NaN.
#[test]
fn a_nan_is_found_wherever_it_is() {
    let nan_above_5 = Activation::Custom { name: "nan", f: |z| z, slope: |z, _| if z > 5.0 { f64::NAN } else { 1.0 } };
    for wrong in 0..3 {
        let mut bias = array![0.1, 0.2, 0.3];
        bias[wrong] = 6.0;
        let layer = Layer::new(uniform((2, 3), -0.5, 0.5, 4), bias, nan_above_5).unwrap();
        let network = Network::from_layers(vec![layer]).unwrap();
        let (x, y) = (uniform((3, 2), -1.0, 1.0, 5), uniform((3, 3), -1.0, 1.0, 6));
        let check = gradient_check(&network, x.view(), y.view(), Loss::MeanSquaredError).unwrap();
        assert!(check.max_relative_error.is_nan() && check.analytic.is_nan(), "{check:?}");
        let (Parameter::Weight { output, .. } | Parameter::Bias { output }) = check.parameter;
        assert_eq!(output, wrong);
    }
}

/// The largest gradient is a weight's where inputs are large, and a bias's where they are small.
#[test]
fn the_largest_gradient_is_that_of_weights_and_biases() {
    let layer = Layer::new(array![[0.0]], array![0.0], Activation::Identity).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    for (x, largest) in [(100.0, 200.0), (-100.0, 200.0), (0.01, 2.0)] {
        let check = gradient_check(&network, array![[x]].view(), array![[1.0]].view(), Loss::MeanSquaredError).unwrap();
        assert_eq!(check.largest_gradient, largest);
    }
}

/// z = 0 stands on the kink, and so does whatever a step would carry across it; what does not move it is checked.
#[test]
fn a_relu_on_its_kink_is_skipped() {
    let network = |w, b| Network::from_layers(vec![Layer::new(array![[w]], array![b], Activation::Relu).unwrap()]);
    let target = array![[2.0]];
    // w·0 + 0: the weight moves nothing, the bias does.
    let check = gradient_check(&network(1.0, 0.0).unwrap(), array![[0.0]].view(), target.view(), LOG_COSH).unwrap();
    assert_eq!((check.checked, check.skipped), (1, 1));
    assert_eq!(check.parameter, Parameter::Weight { input: 0, output: 0 });
    // −1·1 + 1: both move it. An unmeasured error is below no bound.
    let check = gradient_check(&network(-1.0, 1.0).unwrap(), array![[1.0]].view(), target.view(), LOG_COSH).unwrap();
    assert_eq!((check.checked, check.skipped), (0, 2));
    assert!(check.max_relative_error.is_nan());
    // Slightly off on either side: nothing is skipped, and the slope is 0 or 1.
    for (b, slope) in [(0.9, 0.0), (1.1, (0.1_f64 - 2.0).tanh())] {
        let network = network(-1.0, b).unwrap();
        let check = gradient_check(&network, array![[1.0]].view(), target.view(), LOG_COSH).unwrap();
        assert_eq!((check.checked, check.skipped), (2, 0));
        assert!((check.largest_gradient - f64::abs(slope)).abs() < 1e-12, "{check:?}");
        assert!(check.max_relative_error < 1e-6, "{check:?}");
    }
}

/// The kink of one unit among others, in one layer of several, is enough; so is the bend at one output of one row.
#[test]
fn one_kink_or_bend_among_many_is_skipped() {
    let relu = Layer::new(array![[1.0, 1.0]], array![0.0, 5.0], Activation::Relu).unwrap();
    let last = Layer::new(array![[1.0], [1.0]], array![0.0], Activation::Identity).unwrap();
    let network = Network::from_layers(vec![relu, last]).unwrap();
    let check = gradient_check(&network, array![[0.0]].view(), array![[2.0]].view(), LOG_COSH).unwrap();
    assert_eq!((check.checked, check.skipped), (6, 1)); // the bias of the first unit
    let layer = Layer::new(array![[1.0]], array![0.0], Activation::Identity).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    let (x, y) = (array![[1.0], [2.0]], array![[0.0003], [2.1]]); // errors of 0.9997 and 0.1
    let check = gradient_check(&network, x.view(), y.view(), Loss::Huber).unwrap();
    assert_eq!((check.checked, check.skipped), (0, 2));
}

/// Wrong by a factor of two, to either side and with either sign: |a − m| / max(|a|, |m|) is ½ each time. And a cost
/// below 0 has the floor of its size.
#[test]
fn n1_errors_are_absolute() {
    let layer = Layer::new(array![[1.0]], array![0.0], Activation::Identity).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    let half = Loss::Custom { name: "half", value: |a, y| a * y, slope: |_, y| 0.5 * y };
    let twice = Loss::Custom { name: "twice", value: |a, y| a * y, slope: |_, y| 2.0 * y };
    for loss in [half, twice] {
        for y in [3.0, -3.0] {
            let check = gradient_check(&network, array![[1.0]].view(), array![[y]].view(), loss).unwrap();
            assert!((check.max_relative_error - 0.5).abs() < 1e-6, "{y}: {check:?}");
        }
    }
    let deep = Loss::Custom { name: "deep", value: |a, _| 1e-9 * a - 1e3, slope: |_, _| 2e-9 };
    let check = gradient_check(&network, array![[1.0]].view(), array![[0.0]].view(), deep).unwrap();
    assert!(check.max_relative_error < 1e-2, "{check:?}"); // relative to 10⁻⁹ |L|/h = 10⁻³
}

/// Gradients too small for N1 are compared with a floor: 10⁻⁴ of the largest gradient, or 10⁻⁹ |L|/h.
#[test]
fn errors_of_small_gradients_are_relative_to_the_floors() {
    // ∂L/∂b is y/2; for the small one, the slope says twice that. The weights see zero inputs.
    let wrong_if_small =
        Loss::Custom { name: "weighted output", value: |a, y| a * y, slope: |_, y| if y < 1.0 { 2.0 * y } else { y } };
    let layer = Layer::new(array![[1.0, 1.0]], array![0.0, 0.0], Activation::Identity).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    let check = gradient_check(&network, array![[0.0]].view(), array![[200.0, 0.002]].view(), wrong_if_small).unwrap();
    assert_eq!((check.parameter, check.largest_gradient), (Parameter::Bias { output: 1 }, 100.0));
    assert!((check.max_relative_error - 0.001 / (1e-4 * 100.0)).abs() < 1e-6, "{check:?}");

    // The measured slope of a constant cost is that of its rounding errors.
    let layer = Layer::new(array![[1.0]], array![-3.0], Activation::Relu).unwrap();
    let dead = Network::from_layers(vec![layer]).unwrap();
    for target in [0.1, 0.3, 0.7, 1.1, 10.3, 33.3, 100.1, 333.3, 700.7] {
        let check = gradient_check(&dead, array![[1.0]].view(), array![[target]].view(), LOG_COSH).unwrap();
        assert_eq!((check.checked, check.largest_gradient), (2, 0.0));
        assert!(check.max_relative_error < 1e-6, "{check:?}");
    }
    // If the cost is 0 too, the error is 0: it is relative to nothing.
    let check = gradient_check(&dead, array![[1.0]].view(), array![[0.0]].view(), LOG_COSH).unwrap();
    assert_eq!((check.checked, check.max_relative_error), (2, 0.0));
}

/// In `f64` for every network: single precision would show errors of 1e-3.
#[test]
fn a_network_in_f32_is_checked_in_f64() {
    let network = network::<f32>(3, &[(4, Activation::Tanh), (3, Activation::Softmax)], 4);
    let (x, y) = (uniform::<f32>((5, 3), -1.0, 1.0, 5), one_hot_rows::<f32>((5, 3), 6));
    let check = gradient_check(&network, x.view(), y.view(), Loss::CrossEntropy).unwrap();
    assert!(check.max_relative_error < 1e-6 && check.largest_gradient > 1e-3, "{check:?}");
    assert_eq!(check.checked, network.parameters());
}

/// Across the bend of Huber's slope a right gradient would seem wrong by 1e-5 and more.
#[test]
fn errors_at_the_bend_of_hubers_slope_are_skipped() {
    let layer = Layer::new(array![[1.0]], array![0.0], Activation::Identity).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    for (y, skipped) in [(-0.0003, 2), (0.0003, 2), (1.9997, 2), (0.5, 0), (-1.0, 0)] {
        let check = gradient_check(&network, array![[1.0]].view(), array![[y]].view(), Loss::Huber).unwrap();
        assert_eq!((check.skipped, check.checked), (skipped, 2 - skipped), "{y}: {check:?}");
        assert!(skipped == 2 || check.max_relative_error < 1e-9, "{y}: {check:?}");
    }
}

#[test]
fn of_large_arrays_every_so_many_entries_are_checked() {
    let network = network::<f64>(30, &[(50, Activation::Tanh), (2, Activation::Identity)], 4);
    let (x, y) = (uniform((2, 30), -1.0, 1.0, 5), uniform((2, 2), -1.0, 1.0, 6));
    let check = gradient_check(&network, x.view(), y.view(), Loss::MeanSquaredError).unwrap();
    assert!(check.max_relative_error < 1e-6);
    assert_eq!(check.checked, 1500 / 2 + 50 + 100 + 2); // every second weight of the first layer
}

#[test]
fn pairs_without_a_gradient_are_refused_before_anything_is_computed() {
    let (bce, ce) = (Loss::BinaryCrossEntropy, Loss::CrossEntropy);
    let no_probabilities = [
        (Activation::Identity, "identity"),
        (Activation::Tanh, "tanh"),
        (Activation::Relu, "relu"),
        (Activation::LeakyRelu, "leaky_relu"),
        (Activation::Elu, "elu"),
        (Activation::Softplus, "softplus"),
        (Activation::Silu, "silu"),
        (Activation::Gelu, "gelu"),
    ];
    let both = no_probabilities.into_iter().flat_map(|(output, name)| {
        [
            (bce, output, format!("binary cross-entropy does not work with {name} outputs: use sigmoid outputs")),
            (ce, output, format!("cross-entropy does not work with {name} outputs: use softmax outputs")),
        ]
    });
    let text = "cross-entropy does not work with sigmoid outputs: use binary cross-entropy, or softmax outputs";
    let refused: Vec<_> = both.chain([(ce, Activation::Sigmoid, text.into())]).collect();
    // Together with the allowed pairs these are all: every activation with five losses, and a second custom activation
    // with cross-entropy.
    assert_eq!(pairs().len() + refused.len(), ACTIVATIONS.len() * 5 + 1);

    let untouchable = Activation::Custom { name: "untouchable", f: |_| panic!("computed"), slope: |_, _| panic!() };
    for (loss, output, text) in refused {
        let mut network = network::<f64>(2, &[(2, untouchable), (2, output)], 4);
        let (x, y) = (uniform((3, 2), -1.0, 1.0, 5), one_hot_rows((3, 2), 6));
        let mut workspace = Workspace::new(&network, 3);
        let data = Dataset::new(x.clone(), y.clone()).unwrap();
        let errors: [Error; 4] = [
            network.cost(x.view(), y.view(), loss).unwrap_err(),
            network.backward(x.view(), y.view(), loss, &mut workspace).unwrap_err(),
            gradient_check(&network, x.view(), y.view(), loss).unwrap_err(),
            Trainer::new(loss, Sgd::new(0.1)).fit(&mut network, &data, &mut rng(1)).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), text);
        }
    }
    let network = network::<f64>(2, &[(2, OWN_SIGMOID)], 4);
    assert!(network.cost(array![[0.0, 1.0]].view(), array![[0.0, 1.0]].view(), ce).is_ok());
}
