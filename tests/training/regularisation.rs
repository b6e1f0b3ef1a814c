//! Dropout, weights of examples, softer targets, clipping, augmentation, data in pieces: what they do to a step, on the
//! explicit pass and in a trainer, with the same bits on any number of threads.

use crate::common;
use chainrule::ndarray::{Array2, ArrayViewMut1, Axis, array, s};
use chainrule::rand::Rng;
use chainrule::{Activation, Adam, ChaCha8Rng, Dataset, Dropout, Error, Loss, Network, Sgd, Trainer, Workspace};
use chainrule::{accuracy, clip_norm, gradient_check_with};
use common::{ACTIVATIONS, fitting, gradient_bits, network, network_bits, one_hot_rows, pairs, pass, rng, uniform};
use std::sync::Mutex;

const ROWS: usize = 30;

fn data() -> Dataset<f64> {
    Dataset::new(uniform((ROWS, 4), -1.0, 1.0, 1), one_hot_rows((ROWS, 3), 2)).unwrap()
}

fn classifier() -> Network<f64> {
    network(4, &[(6, Activation::Tanh), (5, Activation::Sigmoid), (3, Activation::Softmax)], 3)
}

fn trainer<'a>() -> Trainer<'a, f64> {
    Trainer::new(Loss::CrossEntropy, Sgd::new(0.3).momentum(0.5)).batch_size(7).epochs(3)
}

/// The bits after a training.
fn trained(mut trainer: Trainer<'_, f64>, data: &Dataset<f64>) -> Vec<u64> {
    let mut network = classifier();
    trainer.fit(&mut network, data, &mut rng(5)).unwrap();
    network_bits(&network)
}

// --- Dropout ---------------------------------------------------------------------------------------------------------

/// The definition in plain loops, and the masks that a caller sees.
#[test]
fn f3_masks_silence_and_scale() {
    let (network, x) = (classifier(), uniform::<f64>((ROWS, 4), -1.0, 1.0, 1));
    let mut pass = Workspace::new(&network, ROWS);
    pass.draw_masks(ROWS, Dropout { inputs: 0.25, hidden: 0.5 }, &mut rng(1)).unwrap();
    network.forward(x.view(), &mut pass).unwrap();
    for l in 0..3 {
        let input = if l == 0 { x.view() } else { pass.a(l - 1) };
        let (mask, affine) = (pass.mask(l).unwrap(), &network.layers()[l].affine);
        let keep = if l == 0 { 4.0 / 3.0 } else { 2.0 };
        assert!(mask.iter().all(|&m| m == 0.0 || m == keep), "layer {l}");
        assert!(mask.iter().any(|&m| m == 0.0) && mask.iter().any(|&m| m == keep), "layer {l}");
        for r in 0..ROWS {
            for j in 0..affine.bias.len() {
                let sum: f64 = (0..mask.ncols()).map(|i| input[[r, i]] * mask[[r, i]] * affine.weights[[i, j]]).sum();
                assert!((pass.z(l)[[r, j]] - sum - affine.bias[j]).abs() < 1e-14, "layer {l}, row {r}");
            }
        }
    }
}

/// A silent unit gets no gradient from its row: neither do the weights into it.
#[test]
fn b6_what_was_silent_learns_nothing() {
    let (network, data) = (classifier(), data());
    let mut pass = Workspace::new(&network, ROWS);
    let mut mask = Array2::from_elem((ROWS, 6), 2.0);
    mask.column_mut(4).fill(0.0);
    pass.set_mask(1, mask).unwrap();
    network.forward(data.inputs(), &mut pass).unwrap();
    network.backward(data.inputs(), data.targets(), Loss::CrossEntropy, &mut pass).unwrap();
    assert!(pass.dz(0).column(4).iter().all(|&d| d == 0.0));
    assert!(pass.gradients()[0].weights.column(4).iter().all(|&d| d == 0.0));
    assert!(pass.gradients()[1].weights.row(4).iter().all(|&d| d == 0.0));
    assert!(pass.gradients()[0].weights.column(3).iter().all(|&d| d != 0.0));
    pass.without_masks();
    assert_eq!(pass.mask(1), None);
}

/// Over many draws each unit is silent with its probability, independently of the unit and the row beside it.
#[test]
fn f3_masks_have_the_rates_that_they_say() {
    let network = network::<f32>(50, &[(40, Activation::Relu), (3, Activation::Softmax)], 1);
    let (rows, mut rng) = (2_000, rng(7));
    let mut pass = Workspace::new(&network, rows);
    for (inputs, hidden) in [(0.2, 0.5), (0.05, 0.9), (0.5, 0.001)] {
        pass.draw_masks(rows, Dropout { inputs, hidden }, &mut rng).unwrap();
        for (l, p) in [(0, inputs), (1, hidden)] {
            let silent = pass.mask(l).unwrap().mapv(|m| if m == 0.0 { 1.0_f64 } else { 0.0 });
            let (n, pairs) = (silent.len() as f64, (rows * (silent.ncols() - 1)) as f64);
            // Five standard deviations.
            let bound = |p: f64, n: f64| 5.0 * (p * (1.0 - p) / n).sqrt();
            assert!((silent.sum() / n - p).abs() < bound(p, n), "rate {p} of layer {l}");
            let beside = (&silent.slice(s![.., 1..]) * &silent.slice(s![.., ..-1])).sum() / pairs;
            assert!((beside - p * p).abs() < 2.0 * bound(p * p, pairs), "two beside each other, rate {p}");
            let below = (&silent.slice(s![1.., ..]) * &silent.slice(s![..-1, ..])).sum() / (n - silent.ncols() as f64);
            assert!((below - p * p).abs() < 2.0 * bound(p * p, n), "two below each other, rate {p}");
        }
    }
    // Masks of two layers, and of two draws, are not the same.
    pass.draw_masks(rows, Dropout { inputs: 0.5, hidden: 0.5 }, &mut rng).unwrap();
    let first = pass.mask(0).unwrap().to_owned();
    assert_ne!(first.slice(s![.., ..40]), pass.mask(1).unwrap());
    pass.draw_masks(rows, Dropout { inputs: 0.5, hidden: 0.5 }, &mut rng).unwrap();
    assert_ne!(first, pass.mask(0).unwrap());
}

#[test]
fn f3_b6_r1_gradients_with_masks_and_weights() {
    for (output, loss) in pairs() {
        for hidden in ACTIVATIONS {
            // Two masks of one shape: neither layer may take the other's.
            let network = network::<f64>(3, &[(4, hidden), (4, hidden), (3, output)], 11);
            let x = uniform::<f64>((4, 3), -1.0, 1.0, 2);
            let y = fitting(loss, uniform((4, 3), 0.1, 0.9, 3));
            let mut pass = Workspace::new(&network, 4);
            pass.draw_masks(4, Dropout { inputs: 0.2, hidden: 0.4 }, &mut rng(4)).unwrap();
            pass.set_weights(Some(&[0.5, 2.0, 0.0, 1.5])).unwrap();
            let check = gradient_check_with(&network, x.view(), y.view(), loss, &pass).unwrap();
            let what = format!("{}, {} outputs, hidden {}", loss.name(), output.name(), hidden.name());
            assert!(check.max_relative_error < 1e-6 && check.largest_gradient > 1e-6, "{what}: {check:?}");
            // The check sees the masks and the weights: without them the gradients are others.
            network.forward(x.view(), &mut pass).unwrap();
            network.backward(x.view(), y.view(), loss, &mut pass).unwrap();
            assert_eq!(check.analytic, analytic(&pass, &check), "{what}");
            let (_, plain) = common::pass(&network, x.view(), y.view(), loss);
            assert_ne!(gradient_bits(&plain), gradient_bits(&pass), "{what}");
        }
    }
}

fn analytic(pass: &Workspace<f64>, check: &chainrule::GradientCheck) -> f64 {
    let gradient = &pass.gradients()[check.layer];
    match check.parameter {
        chainrule::Parameter::Weight { input, output } => gradient.weights[[input, output]],
        chainrule::Parameter::Bias { output } => gradient.bias[output],
    }
}

#[test]
fn a_trainer_with_dropout_has_the_same_bits_on_any_number_of_threads() {
    // Wide enough for threads to share the masks.
    let network = network::<f32>(300, &[(400, Activation::Relu), (3, Activation::Softmax)], 3);
    let data = Dataset::new(uniform((64, 300), -1.0, 1.0, 1), one_hot_rows((64, 3), 2)).unwrap();
    let fit = |threads| {
        let mut network = network.clone();
        let mut trainer = Trainer::new(Loss::CrossEntropy, Adam::new(0.01)).batch_size(32).epochs(2).threads(threads);
        trainer = trainer.dropout(0.2, 0.5).augment(|mut row, rng| row[0] += rng.random_range(0.0..1.0));
        trainer.fit(&mut network, &data, &mut rng(5)).unwrap();
        network_bits(&network)
    };
    assert_eq!(fit(1), fit(2));
    assert_eq!(fit(1), fit(3));
}

/// A batch of all rows and batches of one row: the mask of an example depends on it, not on its batch.
#[test]
fn the_mask_of_an_example_does_not_depend_on_its_batch() {
    let identity = || network::<f64>(4, &[(3, Activation::Identity)], 3);
    let data = data();
    let inputs_seen = |batch: usize| {
        let seen = Mutex::new(Vec::new());
        let note = |row: ArrayViewMut1<'_, f64>, rng: &mut ChaCha8Rng| {
            seen.lock().unwrap().push((row.to_vec(), rng.random::<u64>()));
        };
        let mut trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(1e-9)).batch_size(batch).epochs(2);
        trainer = trainer.augment(note);
        trainer.fit(&mut identity(), &data, &mut rng(5)).unwrap();
        drop(trainer);
        let mut seen = seen.into_inner().unwrap();
        seen.sort_by(|a, b| a.partial_cmp(b).unwrap());
        seen
    };
    let all = inputs_seen(ROWS);
    assert_eq!(all.len(), 2 * ROWS);
    assert_eq!(all, inputs_seen(1));
    assert_eq!(all, inputs_seen(7));
    // No two draws are the same, neither of two rows nor of two epochs.
    let draws: std::collections::BTreeSet<u64> = all.iter().map(|(_, draw)| *draw).collect();
    assert_eq!(draws.len(), 2 * ROWS);
}

/// Predictions, validation and reported costs of the network itself are without dropout.
#[test]
fn predictions_are_without_dropout() {
    let data = data();
    let mut network = classifier();
    let mut trainer = trainer().validation(&data).dropout(0.3, 0.5).epochs(1);
    let history = trainer.fit(&mut network, &data, &mut rng(5)).unwrap();
    let cost = network.cost(data.inputs(), data.targets(), Loss::CrossEntropy).unwrap();
    assert!((history.validation_cost[0] - cost).abs() < 1e-12);
    assert_ne!(trained(self::trainer(), &data), trained(self::trainer().dropout(0.3, 0.5), &data));
    assert_eq!(trained(self::trainer(), &data), trained(self::trainer().dropout(0.0, 0.0), &data));
}

#[test]
fn rates_and_masks_that_make_no_sense_are_refused() {
    let data = data();
    for (inputs, hidden, name, found) in [
        (-0.1, 0.0, "dropout of the inputs", "-0.1"),
        (1.0, 0.0, "dropout of the inputs", "1"),
        (f64::NAN, 0.0, "dropout of the inputs", "NaN"),
        (0.0, 1.0, "dropout of the hidden layers", "1"),
        (0.0, f64::INFINITY, "dropout of the hidden layers", "inf"),
    ] {
        let text = format!("{name}: expected 0 or more, and below 1, found {found}");
        let error = trainer().dropout(inputs, hidden).fit(&mut classifier(), &data, &mut rng(1)).unwrap_err();
        assert_eq!(error.to_string(), text);
        let mut pass = Workspace::new(&classifier(), 3);
        assert_eq!(pass.draw_masks(3, Dropout { inputs, hidden }, &mut rng(1)).unwrap_err().to_string(), text);
    }
    let network = classifier();
    let mut pass = Workspace::new(&network, ROWS);
    let error = pass.set_mask(1, Array2::ones((ROWS, 5))).unwrap_err();
    assert_eq!(error.to_string(), format!("layer 1: mask: expected shape [{ROWS}, 6], found [{ROWS}, 5]"));
    let error = pass.set_mask(0, array![[1.0, f64::NAN, 0.0, 0.0]]).unwrap_err();
    assert_eq!(error.to_string(), "layer 0: mask: expected finite numbers, found NaN at [0, 1]");
    pass.set_mask(1, Array2::ones((3, 6))).unwrap();
    let error = network.forward(data.inputs(), &mut pass).unwrap_err();
    assert_eq!(error.to_string(), format!("layer 1: mask: expected shape [{ROWS}, 6], found [3, 6]"));
}

// --- Weights ---------------------------------------------------------------------------------------------------------

/// An example of weight 2 among others of weight 1 is an example that occurs twice.
#[test]
fn r1_a_weight_of_two_is_the_same_example_twice() {
    let (network, data) = (classifier(), data());
    for loss in [Loss::CrossEntropy, Loss::MeanSquaredError, common::LOG_COSH] {
        let rows: Vec<usize> = (0..ROWS).chain([4]).collect();
        let twice = data.select(&rows).unwrap();
        let (cost, long) = pass(&network, twice.inputs(), twice.targets(), loss);
        let n = ROWS as f64;
        let mut weights = [n / (n + 1.0); ROWS];
        weights[4] *= 2.0;
        let mut short = Workspace::new(&network, ROWS);
        short.set_weights(Some(&weights)).unwrap();
        network.forward(data.inputs(), &mut short).unwrap();
        let weighted = network.backward(data.inputs(), data.targets(), loss, &mut short).unwrap();
        assert!((cost - weighted).abs() < 1e-14, "{}: {cost} {weighted}", loss.name());
        for (a, b) in long.gradients().iter().zip(short.gradients()) {
            assert!(a.weights.abs_diff_eq(&b.weights, 1e-14) && a.bias.abs_diff_eq(&b.bias, 1e-14));
        }
    }
}

#[test]
fn r1_a_trainer_takes_the_weights_over_their_mean() {
    let data = data();
    let weights: Vec<f64> = (0..ROWS).map(|r| 1.0 + r as f64).collect();
    let weighted = data.clone().weighted(&weights).unwrap();
    // Only the ratios matter. A power of 2 changes no digit.
    let scaled = data.clone().weighted(&weights.iter().map(|w| w / 4096.0).collect::<Vec<_>>()).unwrap();
    assert_eq!(trained(trainer(), &weighted), trained(trainer(), &scaled));
    assert_ne!(trained(trainer(), &weighted), trained(trainer(), &data));
    assert_eq!(trained(trainer(), &data), trained(trainer(), &data.clone().weighted(&[4.0; ROWS]).unwrap()));

    // And it is the explicit pass with these weights.
    let mean = weights.iter().sum::<f64>() / ROWS as f64;
    let mut stepped = classifier();
    let mut pass = Workspace::new(&stepped, ROWS);
    pass.set_weights(Some(&weights.iter().map(|w| 1.0 / mean * w).collect::<Vec<_>>())).unwrap();
    stepped.forward(data.inputs(), &mut pass).unwrap();
    let cost = stepped.backward(data.inputs(), data.targets(), Loss::CrossEntropy, &mut pass).unwrap();
    Sgd::new(0.3).step(&mut stepped, pass.gradients()).unwrap();
    let mut network = classifier();
    let one = Trainer::new(Loss::CrossEntropy, Sgd::new(0.3)).batch_size(ROWS).epochs(1).shuffle(false);
    let history = { one }.validation(&weighted).fit(&mut network, &weighted, &mut rng(1)).unwrap();
    assert_eq!((network_bits(&network), history.cost[0]), (network_bits(&stepped), cost));
    // So is the validation.
    pass.set_weights(Some(&weights)).unwrap();
    network.forward(data.inputs(), &mut pass).unwrap();
    let validation = network.backward(data.inputs(), data.targets(), Loss::CrossEntropy, &mut pass).unwrap() / mean;
    assert!((history.validation_cost[0] - validation).abs() < 1e-14);
}

/// An example of weight 0 does not exist, even if its loss is infinite.
#[test]
fn r1_a_weight_of_zero_leaves_an_example_out() {
    let network = network::<f64>(2, &[(1, common::SOFTPLUS)], 1);
    let (x, y) = (array![[0.1, 0.2], [0.3, 0.4]], array![[0.5], [1e200]]); // its square overflows
    let mut pass = Workspace::new(&network, 2);
    pass.set_weights(Some(&[1.0, 0.0])).unwrap();
    network.forward(x.view(), &mut pass).unwrap();
    let cost = network.backward(x.view(), y.view(), Loss::MeanSquaredError, &mut pass).unwrap();
    let alone = network.cost(x.slice(s![..1, ..]), y.slice(s![..1, ..]), Loss::MeanSquaredError).unwrap();
    assert!((cost - alone / 2.0).abs() < 1e-15);
    assert_eq!(pass.dz(0)[[1, 0]], 0.0);
}

#[test]
fn r2_balanced_classes_count_the_same() {
    let labels = vec![0, 0, 0, 0, 0, 2, 2, 0];
    let data = Dataset::classification(uniform::<f64>((8, 2), 0.0, 1.0, 1), labels.clone(), 4).unwrap();
    let balanced = data.clone().balanced().unwrap();
    let weights = balanced.weights().unwrap();
    // Two of the four classes occur: n/(K n_c) = 8/(2·6) and 8/(2·2).
    for (w, label) in weights.iter().zip(&labels) {
        assert_eq!(*w, if *label == 0 { 8.0 / 12.0 } else { 2.0 });
    }
    let one_column = Dataset::new(uniform::<f64>((4, 2), 0.0, 1.0, 1), array![[0.0], [1.0], [1.0], [1.0]]).unwrap();
    assert_eq!(one_column.balanced().unwrap().weights().unwrap(), [2.0, 4.0 / 6.0, 4.0 / 6.0, 4.0 / 6.0]);
    // Weights that are there already are multiplied, and stay with their rows.
    let both = data.weighted(&[1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]).unwrap().balanced().unwrap();
    assert_eq!(both.weights().unwrap()[1], 2.0 * 8.0 / 12.0);
    assert_eq!(both.select(&[6, 1]).unwrap().weights().unwrap(), [2.0, 2.0 * 8.0 / 12.0]);
    assert_eq!(both.rows(1..3).unwrap().weights().unwrap(), [2.0 * 8.0 / 12.0, 8.0 / 12.0]);
    let (a, b) = both.split(0.5, &mut rng(1)).unwrap();
    let sum = |data: &Dataset<f64>| data.weights().unwrap().iter().sum::<f64>();
    assert!((sum(&a) + sum(&b) - sum(&both)).abs() < 1e-12);
    assert!((sum(&both.clone().shuffled(&mut rng(2))) - sum(&both)).abs() < 1e-12);
}

#[test]
fn weights_that_make_no_sense_are_refused() {
    let weigh = |weights: &[f64]| data().weighted(weights).unwrap_err().to_string();
    let with = |wrong: f64| {
        let mut weights = [1.0; ROWS];
        weights[3] = wrong;
        weigh(&weights)
    };
    assert_eq!(weigh(&[1.0]), "weights of the examples: expected shape [30], found [1]");
    assert_eq!(with(-1.0), "weight of an example: expected a finite number, 0 or more, found -1");
    assert_eq!(with(f64::NAN), "weight of an example: expected a finite number, 0 or more, found NaN");
    assert_eq!(with(f64::INFINITY), "weight of an example: expected a finite number, 0 or more, found inf");
    assert_eq!(weigh(&[0.0; ROWS]), "sum of the weights: expected more than 0, and finite, found 0");
    assert_eq!(weigh(&[1e308; ROWS]), "sum of the weights: expected more than 0, and finite, found inf");
    let error = data().class_weighted(&[1.0, 2.0]).unwrap_err();
    assert_eq!(error.to_string(), "weights of the classes: expected shape [3], found [2]");
    let numbers = Dataset::new(uniform::<f64>((2, 2), 0.0, 1.0, 1), array![[0.5], [0.7]]).unwrap();
    for result in [numbers.clone().balanced(), numbers.clone().smooth_labels(0.1), numbers.class_weighted(&[1.0, 1.0])]
    {
        assert_eq!(result.unwrap_err(), Error::NoLabels { row: 0 });
    }
    // A part of a weighted set may have nothing left to learn from.
    let mut weights = [1.0; ROWS];
    weights[..2].fill(0.0);
    let nothing = data().weighted(&weights).unwrap().rows(0..2).unwrap();
    let error = trainer().batch_size(2).fit(&mut classifier(), &nothing, &mut rng(1)).unwrap_err();
    assert_eq!(error.to_string(), "sum of the weights: expected more than 0, found 0");
    let error = trainer().validation(&nothing).fit(&mut classifier(), &data(), &mut rng(1)).unwrap_err();
    assert_eq!(error.to_string(), "sum of the weights: expected more than 0, found 0");
    // On the explicit pass.
    let (network, mut pass) = (classifier(), Workspace::new(&classifier(), 2));
    assert!(pass.set_weights(Some(&[1.0, -1.0])).is_err());
    pass.set_weights(Some(&[1.0])).unwrap();
    let error = network.forward(data().inputs().slice(s![..2, ..]), &mut pass).unwrap_err();
    assert_eq!(error.to_string(), "weights of the examples: expected shape [2], found [1]");
}

// --- Label smoothing -------------------------------------------------------------------------------------------------

#[test]
fn r3_smoothing_keeps_labels_and_sums() {
    let smooth = data().smooth_labels(0.3).unwrap();
    assert_eq!(smooth.labels(), data().labels());
    for (soft, hard) in smooth.targets().iter().zip(data().targets()) {
        assert!((soft - (0.7 * hard + 0.1)).abs() < 1e-15);
    }
    assert!(smooth.targets().sum_axis(Axis(1)).iter().all(|sum| (sum - 1.0).abs() < 1e-15));
    // Labels stay in parts, and with them the accuracy.
    let part = smooth.select(&[3, 1]).unwrap();
    assert_eq!(part.labels().unwrap(), [data().labels().unwrap()[3], data().labels().unwrap()[1]]);
    assert_eq!(smooth.rows(3..5).unwrap().labels().unwrap(), &data().labels().unwrap()[3..5]);
    let mut network = classifier();
    let history = { trainer() }.validation(&part).fit(&mut network, &smooth, &mut rng(1)).unwrap();
    let right = accuracy(&network.classify(part.inputs()).unwrap(), part.labels().unwrap()).unwrap();
    assert_eq!(history.validation_accuracy[2], right);
    // One column: both classes have the half of it.
    let one = Dataset::new(array![[1.0], [2.0]], array![[0.0], [1.0]]).unwrap().smooth_labels(0.5).unwrap();
    assert_eq!(one.targets(), array![[0.25], [0.75]]);
    for wrong in [-0.1, 1.0, f64::NAN] {
        let text = format!("label smoothing: expected 0 or more, and below 1, found {wrong}");
        assert_eq!(data().smooth_labels(wrong).unwrap_err().to_string(), text);
    }
}

// --- Clipping --------------------------------------------------------------------------------------------------------

#[test]
fn g1_the_norm_is_bounded_and_the_direction_stays() {
    let (network, data) = (classifier(), data());
    let (_, pass) = pass(&network, data.inputs(), data.targets(), Loss::CrossEntropy);
    let norm = |gradients: &[chainrule::Affine<f64>]| {
        let squares = gradients.iter().flat_map(|g| g.weights.iter().chain(&g.bias)).map(|g| g * g);
        squares.sum::<f64>().sqrt()
    };
    let before = norm(pass.gradients());
    for (max, expected) in [(before * 1.2, before), (before / 10.0, before / 10.0), (1e-3, 1e-3)] {
        let mut gradients = pass.gradients().to_vec();
        assert!((clip_norm(&mut gradients, max).unwrap() - before).abs() < 1e-12 * before);
        assert!((norm(&gradients) - expected).abs() < 1e-4 * expected, "{} for {expected}", norm(&gradients));
        for (clipped, whole) in gradients.iter().zip(pass.gradients()) {
            let factor = norm(&gradients) / before;
            assert!(clipped.weights.abs_diff_eq(&(&whole.weights * factor), 1e-14));
            assert!(clipped.bias.abs_diff_eq(&(&whole.bias * factor), 1e-14));
        }
    }
    // Column order, and a bias from its end, are as good as row order.
    let mut turned: Vec<_> = pass.gradients().iter().map(common::other_layout).collect();
    turned[0].weights = pass.gradients()[0].weights.clone(); // of this layer the bias alone, of the last one nothing
    turned[2] = pass.gradients()[2].clone();
    let mut gradients = pass.gradients().to_vec();
    assert_eq!(clip_norm(&mut turned, 1e-3).unwrap(), clip_norm(&mut gradients, 1e-3).unwrap());
    assert_eq!(turned, gradients);
    // Zeros stay zeros.
    let mut zeros = pass.gradients().to_vec();
    zeros.iter_mut().for_each(|g| (g.weights.fill(0.0), g.bias.fill(0.0)).0);
    assert_eq!(clip_norm(&mut zeros, 1.0).unwrap(), 0.0);
    assert!(zeros.iter().all(|g| g.weights.iter().all(|&x| x == 0.0)));
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let text = format!("norm to clip to: expected a finite number above 0, found {wrong}");
        assert_eq!(clip_norm(&mut zeros, wrong).unwrap_err().to_string(), text);
        let error = trainer().clip_norm(wrong).fit(&mut classifier(), &data, &mut rng(1)).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

// --- Data in pieces --------------------------------------------------------------------------------------------------

#[test]
fn pieces_give_the_steps_of_the_whole() {
    let data = data();
    for optimizer in [Sgd::new(0.3).momentum(0.9).weight_decay(1e-3), Sgd::new(0.1)] {
        let trainer = || Trainer::new(Loss::CrossEntropy, optimizer.clone()).shuffle(false).batch_size(5).epochs(3);
        let (mut whole, mut pieces) = (classifier(), classifier());
        let (mut first, mut second) = (trainer().dropout(0.1, 0.2), trainer().dropout(0.1, 0.2));
        let in_one = first.fit(&mut whole, &data, &mut rng(1)).unwrap();
        let cut = |i: usize| data.rows(10 * i..10 * (i + 1));
        let in_three = second.fit_stream(&mut pieces, |_| (0..3).map(cut), &mut rng(1)).unwrap();
        assert_eq!(network_bits(&whole), network_bits(&pieces));
        assert_eq!(in_one, in_three);
    }
}

#[test]
fn pieces_that_do_not_fit_and_errors_of_the_source_leave_the_network_as_it_was() {
    let data = data();
    let other = Dataset::new(uniform((5, 2), -1.0, 1.0, 1), one_hot_rows((5, 3), 2)).unwrap();
    let mut network = classifier();
    let before = network_bits(&network);
    let mut fit = |second: Result<Dataset<f64>, Error>| {
        let pieces = |_| [Ok(data.clone()), second.clone()];
        let result = trainer().batch_size(7).fit_stream(&mut network, pieces, &mut rng(1));
        assert_eq!(network_bits(&network), before);
        result.unwrap_err()
    };
    let text = "inputs: expected shape [5, 4], found [5, 2]. For 2 columns, make the network with Network::builder(2)";
    assert_eq!(fit(Ok(other)).to_string(), text);
    assert_eq!(fit(Err(Error::Empty { place: "cable" })), Error::Empty { place: "cable" });
    let none = trainer().fit_stream(&mut network, |_| [], &mut rng(1)).unwrap_err();
    assert_eq!(none.to_string(), "pieces of the data: expected at least one, found none");
}

// --- Nesterov with decay ---------------------------------------------------------------------------------------------

/// V ← μV − ηG, θ ← θ + μV − ηG with G = dθ + λW for weights and G = dθ for biases, in plain numbers.
#[test]
fn u2_nesterov_decays_weights_and_not_biases() {
    let mut network = network::<f64>(2, &[(1, Activation::Identity)], 1);
    let gradient = chainrule::Affine { weights: array![[0.5], [-2.0]], bias: array![0.25] };
    let mut sgd = Sgd::new(0.1).momentum(0.8).nesterov(true).weight_decay(0.3);
    let affine = network.layers()[0].affine.clone();
    let mut thetas = [affine.weights[[0, 0]], affine.weights[[1, 0]], affine.bias[0]];
    let mut velocities = [0.0; 3];
    for _ in 0..3 {
        sgd.step(&mut network, std::slice::from_ref(&gradient)).unwrap();
        for (i, d) in [0.5, -2.0, 0.25].into_iter().enumerate() {
            let g = d + if i < 2 { 0.3 * thetas[i] } else { 0.0 };
            velocities[i] = 0.8 * velocities[i] - 0.1 * g;
            thetas[i] += 0.8 * velocities[i] - 0.1 * g;
        }
        let affine = &network.layers()[0].affine;
        for (found, expected) in affine.weights.iter().chain(&affine.bias).zip(thetas) {
            assert!((found - expected).abs() < 1e-14, "{found} for {expected}");
        }
    }
}

/// A seed that nobody draws would be the same for every training.
#[test]
fn without_shuffling_dropout_and_augmentation_still_depend_on_the_seed() {
    let data = data();
    let bits = |trainer: Trainer<'_, f64>, seed| {
        let mut network = classifier();
        { trainer }.shuffle(false).fit(&mut network, &data, &mut rng(seed)).unwrap();
        network_bits(&network)
    };
    let noise = |mut row: ArrayViewMut1<'_, f64>, rng: &mut ChaCha8Rng| row[0] += rng.random_range(0.0..1.0);
    assert_ne!(bits(trainer().dropout(0.2, 0.2), 1), bits(trainer().dropout(0.2, 0.2), 2));
    assert_ne!(bits(trainer().augment(noise), 1), bits(trainer().augment(noise), 2));
}

/// Masks and augmentation of a row have random numbers of their own: the mask of the inputs is not the one that the
/// numbers of the augmentation would give.
#[test]
fn masks_and_augmentation_share_no_random_numbers() {
    const INPUTS: usize = 64;
    let data = Dataset::new(Array2::ones((1, INPUTS)), array![[5.0]]).unwrap();
    let mut network = network::<f64>(INPUTS, &[(1, Activation::Identity)], 3);
    let before = network.layers()[0].affine.weights.clone();
    let would_be_silent = Mutex::new(Vec::new());
    let note = |_: ArrayViewMut1<'_, f64>, rng: &mut ChaCha8Rng| {
        let mut numbers = would_be_silent.lock().unwrap();
        numbers.extend((0..INPUTS).map(|_| rng.random::<u32>() < 1 << 31));
    };
    let trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(0.1)).epochs(1).dropout(0.5, 0.0);
    { trainer }.augment(note).fit(&mut network, &data, &mut rng(5)).unwrap();
    let silent: Vec<bool> = (&network.layers()[0].affine.weights - &before).iter().map(|step| *step == 0.0).collect();
    assert!(silent.contains(&true) && silent.contains(&false));
    assert_ne!(silent, would_be_silent.into_inner().unwrap());
}

/// Weights of a piece are taken as they are, and belong to that piece alone.
#[test]
fn r1_weights_of_pieces_stay_with_their_piece() {
    let data = data();
    let weights: Vec<f64> = (0..10).map(|r| 0.5 + 0.3 * r as f64).collect(); // their mean is not 1
    let pieces = || {
        let plain = data.rows(10..20).unwrap();
        [Ok(data.rows(0..10).unwrap().weighted(&weights).unwrap()), Ok(plain)]
    };
    let mut network = classifier();
    let streams = Trainer::new(Loss::CrossEntropy, Sgd::new(0.3)).batch_size(10).shuffle(false).epochs(1);
    { streams }.fit_stream(&mut network, |_| pieces(), &mut rng(1)).unwrap();

    let (mut stepped, mut sgd) = (classifier(), Sgd::new(0.3));
    let mut pass = Workspace::new(&stepped, 10);
    for (piece, weights) in pieces().into_iter().zip([Some(&weights[..]), None]) {
        let piece = piece.unwrap();
        pass.set_weights(weights).unwrap();
        stepped.forward(piece.inputs(), &mut pass).unwrap();
        stepped.backward(piece.inputs(), piece.targets(), Loss::CrossEntropy, &mut pass).unwrap();
        sgd.step(&mut stepped, pass.gradients()).unwrap();
    }
    assert_eq!(network_bits(&network), network_bits(&stepped));
}

/// Batches of a stream have 32 rows unless told otherwise, and never none.
#[test]
fn batches_of_a_stream() {
    let data = Dataset::new(uniform((70, 4), -1.0, 1.0, 1), one_hot_rows((70, 3), 2)).unwrap();
    let fit = |batch: Option<usize>| {
        let mut network = classifier();
        let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.3)).epochs(1);
        if let Some(batch) = batch {
            trainer = trainer.batch_size(batch);
        }
        let history = trainer.fit_stream(&mut network, |_| [Ok(data.clone())], &mut rng(1));
        history.map(|_| network_bits(&network)).map_err(|error| error.to_string())
    };
    assert_eq!(fit(None), fit(Some(32)));
    assert_ne!(fit(None), fit(Some(31)));
    let error = fit(Some(0)).unwrap_err();
    assert!(error.starts_with("batch size: expected 1 or more, found 0"), "{error}");
    fit(Some(1)).unwrap();
}

/// A mask for a workspace of no rows is refused, and so is one of more rows than it has.
#[test]
fn masks_have_the_rows_of_their_workspace() {
    for (capacity, rows) in [(0, 2), (1, 2), (3, 4), (3, 0)] {
        let error = Workspace::new(&classifier(), capacity).set_mask(0, Array2::ones((rows, 4))).unwrap_err();
        let expected = if rows == 0 { 1 } else { capacity.max(1) };
        assert_eq!(error.to_string(), format!("layer 0: mask: expected shape [{expected}, 4], found [{rows}, 4]"));
    }
}
