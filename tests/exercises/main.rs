//! The exercises of the derivation. Each check runs on the solution here, and on your answer (`yours.rs`) with
//! `cargo test --test exercises name -- --ignored`.

mod patients;
mod solutions;
mod yours;

use chainrule::gradient_check;
use chainrule::ndarray::{Array1, Array2, Axis, array};
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{
    Activation, Affine, ChaCha8Rng, Dataset, Dropout, Init, Layer, Loss, Network, Optimizer, Sgd, Workspace,
};

macro_rules! exercises {
    ($($name:ident),* $(,)?) => {
        mod solved {
            $(#[test]
            fn $name() {
                super::$name(super::solutions::$name);
            })*
        }
        mod open {
            $(#[test]
            #[ignore = "an exercise: yours to solve"]
            fn $name() {
                super::$name(super::yours::$name);
            })*
        }
    };
}

exercises!(
    by_hand,
    two_lines,
    input_gradient,
    shared_weight,
    transpose,
    weighted_examples,
    other_targets,
    second_step,
    softsign,
    squared_relu,
    softmax_of_two,
    pinball,
    laplace,
    best_guess,
    tanh_partner,
    softened,
    longest_stride,
    coasting,
    leaky_start,
    triangle,
    revived,
    certainly_small,
    two_points,
    whole_pass,
    which_line,
    sign_descent,
    uncorrected,
    dropout_noise,
    twice,
    three_machines,
    enough_rows,
);

/// A network of three layers, tanh, sigmoid and softmax, whose middle one is square, and a batch of five rows, after the
/// forward pass. Layers count from 0, the first.
pub struct Pass {
    /// W of each layer, `[in, out]`.
    pub weights: [Array2<f64>; 3],
    /// X, one example per row.
    pub x: Array2<f64>,
    /// Y, one example per row.
    pub y: Array2<f64>,
    /// A of each layer, from which the slopes follow: (D3) of layer 0, (D2) of layer 1.
    pub a: [Array2<f64>; 3],
}

/// dW and db of each layer: `Affine { weights: dw, bias: db }`. The products and sums of `ndarray` are `a.dot(&b)`, `a.t()`
/// and `a.sum_axis(Axis(0))`.
pub type Backward = [Affine<f64>; 3];

/// A line of the backward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    /// dZ of the last layer
    B1,
    /// dA₋₁ = dZ·Wᵀ
    B2,
    /// dZ = dA ⊙ f′(Z)
    B3,
    /// dW = A₋₁ᵀ·dZ
    B4,
    /// db = Σᵣ dZᵣ
    B5,
}

#[track_caller]
fn close(what: &str, found: f64, expected: f64, tolerance: f64) {
    let hint = hint(found, expected);
    assert!((found - expected).abs() <= tolerance, "{what}: expected {expected:.6}, found {found:.6}{hint}");
}

/// What the usual mistakes look like: a sign, a factor of 2 or of the exercise's 3 rows, bits for bytes.
fn hint(found: f64, expected: f64) -> String {
    let is = |factor: f64| (found - factor * expected).abs() <= 1e-4 * expected.abs();
    if !found.is_finite() {
        return ": is there a division by 0, or the logarithm of a number that is not positive?".into();
    }
    if expected == 0.0 {
        return String::new();
    }
    for (sign, also) in [(1.0, ""), (-1.0, ", and the sign is the wrong one")] {
        for n in [2.0, 3.0, 8.0] {
            if is(sign * n) {
                return format!(", which is {n} times too large{also}");
            }
            if is(sign / n) {
                return format!(", which is {n} times too small{also}");
            }
        }
    }
    if is(-1.0) { ", which has the wrong sign".into() } else { String::new() }
}

/// The shape of an answer, before its entries are read.
#[track_caller]
fn same_shape(what: &str, found: &Array2<f64>, expected: &Array2<f64>) {
    assert_eq!(found.dim(), expected.dim(), "{what}: the shape (rows, columns) of your answer, and the right one");
}

/// One layer as a network.
fn single(weights: Array2<f64>, bias: Array1<f64>, activation: Activation) -> Network<f64> {
    Network::from_layers(vec![Layer::new(weights, bias, activation).unwrap()]).unwrap()
}

/// Forward and backward into a new workspace, and the cost.
fn pass(network: &Network<f64>, x: &Array2<f64>, y: &Array2<f64>, loss: Loss) -> (Workspace<f64>, f64) {
    let mut workspace = Workspace::new(network, x.nrows());
    network.forward(x.view(), &mut workspace).unwrap();
    let cost = network.backward(x.view(), y.view(), loss, &mut workspace).unwrap();
    (workspace, cost)
}

/// The slope of f at x.
fn measured(f: impl Fn(f64) -> f64, x: f64) -> f64 {
    let h = 1e-3;
    (f(x - 2.0 * h) - 8.0 * f(x - h) + 8.0 * f(x + h) - f(x + 2.0 * h)) / (12.0 * h)
}

fn by_hand(answer: fn() -> [f64; 6]) {
    let network = single(array![[1.0], [2.0]], array![0.5], Activation::Identity);
    let (pass, cost) = pass(&network, &array![[3.0, -1.0]], &array![[2.0]], Loss::MeanSquaredError);
    let Affine { weights, bias } = &pass.gradients()[0];
    let expected = [pass.z(0)[[0, 0]], cost, pass.dz(0)[[0, 0]], weights[[0, 0]], weights[[1, 0]], bias[0]];
    for ((what, found), expected) in ["z", "L", "dz", "dw₁", "dw₂", "db"].iter().zip(answer()).zip(expected) {
        close(what, found, expected, 1e-6);
    }
}

fn two_lines(answer: fn(f64, f64, f64, f64) -> (f64, f64)) {
    let (w, b) = answer(1.5, -0.5, 2.0, 0.25);
    for x in [-1.0, 0.0, 3.0] {
        close(&format!("the output at x = {x}"), x * w + b, 2.0 * (1.5 * x - 0.5) + 0.25, 1e-12);
    }
}

fn input_gradient(answer: fn([[f64; 2]; 3], [f64; 2]) -> [f64; 3]) {
    let w = [[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]];
    let (x, dz) = ([0.4, -0.6, 0.9], [0.8, -1.7]);
    let found = answer(w, dz);
    for i in 0..3 {
        // A cost with exactly these dz: Σⱼ dzⱼ zⱼ.
        let cost = |xi: f64| {
            let input = |k: usize| if k == i { xi } else { x[k] };
            (0..2).map(|j| dz[j] * (0..3).map(|k| input(k) * w[k][j]).sum::<f64>()).sum::<f64>()
        };
        close(&format!("dx[{i}]"), found[i], measured(cost, x[i]), 1e-9);
    }
}

fn shared_weight(answer: fn([f64; 2], [f64; 2]) -> f64) {
    let (x, dz) = ([2.0, -3.0], [0.5, 0.25]);
    close("dw", answer(x, dz), measured(|w| dz[0] * x[0] * w + dz[1] * x[1] * w, 0.7), 1e-9);
}

fn transpose(answer: fn(&Array2<f64>, &Array2<f64>) -> [Array2<f64>; 2]) {
    let w = array![[1.0, 2.0], [-0.5, 3.0]]; // as many inputs as outputs: both products exist
    let dz = array![[0.3, -0.2], [1.0, 0.5]];
    let [without, with] = answer(&dz, &w);
    same_shape("dZ·W", &without, &dz);
    same_shape("dZ·Wᵀ", &with, &dz);
    let swapped = with == dz.dot(&w) && without == dz.dot(&w.t());
    assert!(!swapped, "the two products are in the wrong order: first dZ·W, then dZ·Wᵀ");
    for ((r, i), &found) in with.indexed_iter() {
        let cost = |x: f64| (0..2).map(|j| dz[[r, j]] * (x * w[[i, j]])).sum::<f64>();
        close(&format!("dZ·Wᵀ, entry ({r}, {i})"), found, measured(cost, 1.0), 1e-9);
        let wrong = (0..2).map(|j| dz[[r, j]] * w[[j, i]]).sum::<f64>();
        close(&format!("dZ·W, entry ({r}, {i})"), without[[r, i]], wrong, 1e-12);
        assert!((without[[r, i]] - found).abs() > 0.1, "the two should be far apart");
    }
}

fn weighted_examples(answer: fn(&Array2<f64>, &Array1<f64>) -> Array2<f64>) {
    let c = array![0.5, 0.2, 0.3];
    let (x, y) = (array![[1.0, 2.0], [0.5, -1.0], [-2.0, 0.3]], array![[1.0], [0.0], [1.0]]);
    let network = single(array![[0.4], [-0.3]], array![0.1], Activation::Sigmoid);
    let (plain, _) = pass(&network, &x, &y, Loss::BinaryCrossEntropy);
    let found = answer(&plain.dz(0).to_owned(), &c);
    same_shape("dZ", &found, &y);
    for r in 0..3 {
        let sign = if y[[r, 0]] == 1.0 { -1.0 } else { 1.0 };
        let row = |z: f64| c[r] * (sign * z).exp().ln_1p(); // −ln a, or −ln(1 − a)
        close(&format!("dZ of row {r}"), found[[r, 0]], measured(row, plain.z(0)[[r, 0]]), 1e-9);
    }
}

/// The 2-2-1 network of the worked numbers, and its two inputs.
fn worked() -> (Network<f64>, Array2<f64>) {
    let network = Network::from_layers(vec![
        Layer::new(array![[0.5, -1.0], [0.25, 0.5]], array![0.0, 0.5], Activation::Sigmoid).unwrap(),
        Layer::new(array![[1.0], [-2.0]], array![1.0], Activation::Sigmoid).unwrap(),
    ])
    .unwrap();
    (network, array![[1.0, 2.0], [2.0, -1.0]])
}

fn other_targets(answer: fn() -> [f64; 6]) {
    let (network, x) = worked();
    let (pass, cost) = pass(&network, &x, &array![[0.0], [1.0]], Loss::BinaryCrossEntropy);
    let (dz, Affine { weights, bias }) = (pass.dz(1), &pass.gradients()[1]);
    let expected = [cost, dz[[0, 0]], dz[[1, 0]], weights[[0, 0]], weights[[1, 0]], bias[0]];
    let names = ["L", "dZ₁, example 1", "dZ₁, example 2", "dW₁, first", "dW₁, second", "db₁"];
    for ((what, found), expected) in names.iter().zip(answer()).zip(expected) {
        close(what, found, expected, 2e-6);
    }
}

fn second_step(answer: fn() -> (f64, f64)) {
    let (mut network, x) = worked();
    let mut sgd = Sgd::new(0.5).momentum(0.9).weight_decay(0.1);
    let mut bias = [0.0; 2];
    for bias in &mut bias {
        let (pass, _) = pass(&network, &x, &array![[1.0], [0.0]], Loss::BinaryCrossEntropy);
        sgd.step(&mut network, pass.gradients()).unwrap();
        *bias = network.layers()[1].affine.bias[0];
    }
    let (velocity, value) = answer();
    close("velocity", velocity, bias[1] - bias[0], 2e-6);
    close("value", value, bias[1], 2e-6);
}

/// An activation made from the answer: its slope at some points, then the gradient check of a layer with it.
fn check_activation(f: fn(f64) -> f64, slope: fn(f64, f64) -> f64) {
    for z in [-3.0, -0.5, 0.25, 2.0] {
        close(&format!("f′ at z = {z}, a = {:.6}", f(z)), slope(z, f(z)), measured(f, z), 1e-9);
    }
    let activation = Activation::Custom { name: "yours", f, slope };
    let network = single(array![[0.7, -1.2, 0.4], [0.3, 0.8, -2.0]], array![0.1, -0.2, 0.3], activation);
    let (x, y) = (array![[1.0, -0.5], [-2.0, 0.6]], array![[0.0, 1.0, 0.5], [1.0, 0.0, 0.2]]);
    let check = gradient_check(&network, x.view(), y.view(), Loss::MeanSquaredError).unwrap();
    assert!(check.max_relative_error < 1e-6 && check.largest_gradient > 0.0, "{check:?}");
}

/// The same for a loss made from the answer, on outputs between −1 and 1.
fn check_loss(loss: Loss) {
    let Loss::Custom { value, slope, .. } = loss else { panic!("a Loss::Custom, please") };
    for (a, y) in [(0.5, 0.2), (0.5, 1.0), (-0.6, 0.3), (-0.6, -1.0)] {
        let what = format!("the slope at a = {a}, y = {y}, beside the measured slope of your value");
        close(&what, slope(a, y), measured(|a| value(a, y), a), 1e-8);
    }
    let network = single(array![[0.7, -1.2], [0.3, 0.8]], array![0.1, -0.2], Activation::Tanh);
    let (x, y) = (array![[1.0, -0.5], [-2.0, 0.6]], array![[2.5, -0.9], [0.3, -3.0]]);
    let check = gradient_check(&network, x.view(), y.view(), loss).unwrap();
    assert!(check.max_relative_error < 1e-6 && check.largest_gradient > 0.0, "{check:?}");
}

fn softsign(answer: fn(f64, f64) -> f64) {
    check_activation(|z| z / (1.0 + z.abs()), answer);
}

fn squared_relu(answer: fn() -> Activation) {
    let Activation::Custom { f, slope, .. } = answer() else { panic!("an Activation::Custom or Loss::Custom, please") };
    for z in [-3.0, -0.5, 0.25, 2.0] {
        close(&format!("f at z = {z}"), f(z), if z > 0.0 { z * z } else { 0.0 }, 1e-12);
    }
    check_activation(f, slope);
}

fn softmax_of_two(answer: fn([f64; 2], [f64; 2]) -> (f64, f64)) {
    let (w, b) = ([0.8, -0.3], [0.1, 0.6]);
    let two = single(array![w], array![b[0], b[1]], Activation::Softmax);
    let (w, b) = answer(w, b);
    let one = single(array![[w]], array![b], Activation::Sigmoid);
    for x in [-2.0, 0.0, 1.5] {
        let of = |network: &Network<f64>| network.predict(array![[x]].view()).unwrap()[[0, 0]];
        close(&format!("the first output at x = {x}"), of(&one), of(&two), 1e-12);
    }
}

fn pinball(answer: fn() -> (Loss, f64)) {
    let (loss, share) = answer();
    let Loss::Custom { value, .. } = loss else { panic!("an Activation::Custom or Loss::Custom, please") };
    close("the value at a = 3, y = 1", value(3.0, 1.0), 0.5, 1e-12);
    close("the value at a = 1, y = 3", value(1.0, 3.0), 1.5, 1e-12);
    check_loss(loss);
    // Of the targets 1 to 100, the best guess among them leaves this share below or at it.
    let cost = |a: u32| (1..=100).map(|y| value(a.into(), y.into())).sum::<f64>();
    let best = (1..=100).min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap();
    close("the share", share, f64::from(best) / 100.0, 1e-12);
}

fn laplace(answer: fn() -> Loss) {
    let Loss::Custom { value, .. } = answer() else { panic!("an Activation::Custom or Loss::Custom, please") };
    let density = |e: f64| 0.5 * (-e.abs()).exp();
    let expected = density(0.5).ln() - density(2.0).ln();
    close("by how much an error of 2 costs more than one of 0.5", value(3.0, 1.0) - value(1.5, 1.0), expected, 1e-12);
    check_loss(answer());
}

fn best_guess(answer: fn(f64) -> (f64, f64)) {
    for q in [0.2, 0.7] {
        let cost = |a: f64| -q * a.ln() - (1.0 - q) * (1.0 - a).ln();
        let (a, smallest) = answer(q);
        let best = cost(a) < cost(a + 1e-3) && cost(a) < cost(a - 1e-3);
        assert!(best, "q = {q}: another output than {a} costs less");
        close(&format!("q = {q}: the cost of the output {a}"), smallest, cost(a), 1e-12);
    }
}

fn tanh_partner(answer: fn() -> Loss) {
    check_loss(answer());
    let network = single(array![[0.7]], array![-0.2], Activation::Tanh);
    for y in [-1.0, 1.0] {
        let (pass, _) = pass(&network, &array![[1.5]], &array![[y]], answer());
        let what = format!("dz = slope · (1 − a²) at y = {y}, beside a − y");
        close(&what, pass.dz(0)[[0, 0]], pass.a(0)[[0, 0]] - y, 1e-12);
    }
}

fn softened(answer: fn() -> ([f64; 3], f64)) {
    let network = single(Array2::eye(3), Array1::zeros(3), Activation::Softmax);
    let dz = |logits: [f64; 3]| {
        let smooth = Dataset::classification(array![logits], vec![0], 3).unwrap().smooth_labels(0.3).unwrap();
        let (pass, _) = pass(&network, &array![logits], &smooth.targets().to_owned(), Loss::CrossEntropy);
        [0, 1, 2].map(|j| pass.dz(0)[[0, j]])
    };
    let (slopes, lead) = answer();
    for (j, found) in dz([0.5_f64.ln(), 0.3_f64.ln(), 0.2_f64.ln()]).into_iter().enumerate() {
        close(&format!("dz, class {}", j + 1), slopes[j], found, 1e-9);
    }
    for found in dz([lead, 0.0, 0.0]) {
        assert!(found.abs() <= 1e-9, "with a lead of {lead} one dz is {found:.6}, and not 0");
    }
}

fn longest_stride(answer: fn() -> f64) {
    let (x, y) = (array![[1.0], [2.0], [3.0]], array![[2.0], [4.0], [6.0]]);
    let cost_after = |rate: f64| {
        let mut network = single(array![[0.0]], array![0.0], Activation::Identity);
        let mut sgd = Sgd::new(rate);
        for _ in 0..2000 {
            let (mut pass, _) = pass(&network, &x, &y, Loss::MeanSquaredError);
            pass.gradients_mut()[0].bias.fill(0.0);
            sgd.step(&mut network, pass.gradients()).unwrap();
        }
        network.cost(x.view(), y.view(), Loss::MeanSquaredError).unwrap()
    };
    let rate = answer();
    assert!(cost_after(0.99 * rate) < 1e-3, "1 % below {rate} descent still diverges: the limit is lower");
    assert!(cost_after(1.01 * rate) > 1e3, "1 % above {rate} descent still converges: the limit is higher");
}

fn coasting(answer: fn(f64, f64) -> f64) {
    let mut network = single(array![[0.0]], array![0.0], Activation::Identity);
    let push = |b: f64| [Affine { weights: array![[0.0]], bias: array![b] }];
    let mut sgd = Sgd::new(1.0).momentum(0.8);
    sgd.step(&mut network, &push(-2.0)).unwrap(); // V = 2, b = 2
    for _ in 0..400 {
        sgd.step(&mut network, &push(0.0)).unwrap();
    }
    close("the way", answer(2.0, 0.8), network.layers()[0].affine.bias[0] - 2.0, 1e-9);
}

fn leaky_start(answer: fn(f64) -> f64) {
    // The size of the signal after each of six wide layers, for the answer and for one that is 20 % off.
    let f = |z: f64| if z > 0.0 { z } else { 0.1 * z };
    let leaky = Activation::Custom { name: "leaky", f, slope: |z, _| if z > 0.0 { 1.0 } else { 0.1 } };
    let growth = |variance: f64| {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut builder = Network::<f64>::builder(400).init(Init::Normal { std: variance.sqrt() });
        for _ in 0..6 {
            builder = builder.layer(400, leaky);
        }
        let network = builder.build(&mut rng).unwrap();
        let x = Array2::from_shape_simple_fn((40, 400), || rng.random_range(-1.0..1.0));
        let square = |a: &Array2<f64>| a.iter().map(|a| a * a).sum::<f64>();
        square(&network.predict(x.view()).unwrap()) / square(&x)
    };
    let found = growth(answer(400.0));
    assert!((0.7..1.4).contains(&found), "the squares grow by a factor of {found} over six layers");
}

fn triangle(answer: fn(f64, f64) -> f64) {
    let r = answer(30.0, 50.0);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let squares = (0..200_000).map(|_| (rng.random_range(-r..r) + rng.random_range(-r..r)).powi(2));
    close("variance", squares.sum::<f64>() / 200_000.0, 2.0 / 80.0, 3e-4);
}

fn revived(answer: fn() -> (f64, Option<usize>)) {
    let mut network = single(array![[-4.0 / 3.0]], array![-1.0], Activation::Relu);
    let (x, y) = (array![[1.0], [2.0], [3.0]], array![[0.5], [1.0], [1.5]]);
    let mut sgd = Sgd::new(0.5).weight_decay(0.1);
    let mut after_one = 0.0;
    let mut alive = None;
    for step in 1..=10_000 {
        let (pass, _) = pass(&network, &x, &y, Loss::MeanSquaredError);
        sgd.step(&mut network, pass.gradients()).unwrap();
        if step == 1 {
            after_one = network.layers()[0].affine.weights[[0, 0]];
        }
        if alive.is_none() && network.predict(x.view()).unwrap().iter().any(|a| *a > 0.0) {
            alive = Some(step);
        }
    }
    let (w, steps) = answer();
    close("w", w, after_one, 1e-6);
    assert_eq!(steps, alive, "steps to the first pre-activation above 0: yours, and those of 10,000 steps of training");
}

fn certainly_small(answer: fn() -> usize) {
    let layers = answer();
    // At z = 0, where the slope is largest.
    let left = |layers: usize| 0.25_f64.powi(layers.try_into().unwrap());
    assert!(left(layers) < 1e-3 && left(layers - 1) >= 1e-3, "{layers} layers leave {}", left(layers));
}

fn two_points(answer: fn(yours::Function, f64, f64) -> f64) {
    close("the slope of eˣ at 1, with h = 0.01", answer(f64::exp, 1.0, 1e-2), 1.0_f64.exp(), 1e-3);
    let error = |h: f64| (answer(f64::exp, 1.0, h) - 1.0_f64.exp()).abs();
    let ratio = error(1e-2) / error(5e-3);
    assert!((3.9..4.1).contains(&ratio), "half the step should divide the error by 4, and divides it by {ratio:.2}");
}

/// The network and the batch of the last two exercises of chapter 11.
fn whole_network() -> (Network<f64>, Array2<f64>, Array2<f64>) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let network = Network::builder(3)
        .layer(4, Activation::Tanh)
        .layer(4, Activation::Sigmoid)
        .layer(2, Activation::Softmax)
        .bias_init(Init::Normal { std: 0.3 });
    let x = Array2::from_shape_simple_fn((5, 3), || rng.random_range(-1.5..1.5));
    let y = Array2::from_shape_fn((5, 2), |(r, k)| if r % 2 == k { 1.0 } else { 0.0 });
    (network.build(&mut rng).unwrap(), x, y)
}

/// The same after the forward pass, and the gradients.
fn whole() -> (Pass, Backward) {
    let (network, x, y) = whole_network();
    let (workspace, _) = pass(&network, &x, &y, Loss::CrossEntropy);
    let weights = [0, 1, 2].map(|l| network.layers()[l].affine.weights.clone());
    let a = [0, 1, 2].map(|l| workspace.a(l).to_owned());
    let gradients = [0, 1, 2].map(|l| workspace.gradients()[l].clone());
    (Pass { weights, x, y, a }, gradients)
}

/// What is the matter with an array, or that it is right.
fn verdict(found: &Array2<f64>, expected: &Array2<f64>, n: f64) -> String {
    if found.dim() != expected.dim() {
        return format!("the shape is {:?}, and {:?} is right", found.dim(), expected.dim());
    }
    let size = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let near = |difference: f64| difference.abs() <= 1e-9 * size;
    let is = |other: &Array2<f64>| (found - other).iter().all(|&difference| near(difference));
    if is(expected) {
        "right".into()
    } else if is(&-expected) {
        "the sign is wrong".into()
    } else if is(&(expected * n)) {
        format!("{n} times too large, and there are {n} rows: where is the 1/n?")
    } else if is(&(expected / n)) {
        format!("{n} times too small, and there are {n} rows: is 1/n in it twice?")
    } else if expected.is_square() && is(&expected.t().to_owned()) {
        "transposed".into()
    } else {
        let wrong = |(found, expected): &(&f64, &f64)| !near(**found - **expected);
        let places = found.indexed_iter().map(|(place, _)| place);
        let (place, (found, expected)) = places.zip(found.iter().zip(expected)).find(|(_, pair)| wrong(pair)).unwrap();
        format!("wrong, first at {place:?}: expected {expected:.6}, found {found:.6}")
    }
}

fn whole_pass(answer: fn(&Pass) -> Backward) {
    let (pass, expected) = whole();
    let found = answer(&pass);
    let row = |bias: &Array1<f64>| bias.clone().insert_axis(Axis(0));
    let mut lines = vec![];
    // In the order of the backward pass: the first that is wrong may be the reason for all after it.
    for l in (0..3).rev() {
        let n = pass.x.nrows() as f64;
        lines.push((format!("dW of layer {l}"), verdict(&found[l].weights, &expected[l].weights, n)));
        lines.push((format!("db of layer {l}"), verdict(&row(&found[l].bias), &row(&expected[l].bias), n)));
    }
    let report: Vec<String> = lines.iter().map(|(what, verdict)| format!("  {what}: {verdict}")).collect();
    let all_right = lines.iter().all(|(_, verdict)| verdict == "right");
    assert!(
        all_right,
        "in the order of the backward pass:\n{}\nBegin with the first that is wrong.",
        report.join("\n")
    );
}

fn which_line(answer: fn() -> [Line; 5]) {
    let (network, x, y) = whole_network();
    let (pass, _) = whole();
    for (number, wrong) in patients::PATIENTS.into_iter().enumerate() {
        println!("patient {}, the largest relative error in each array:", number + 1);
        for (l, gradient) in patients::backward(&pass, wrong).iter().enumerate().rev() {
            let weights = gradient.weights.indexed_iter().map(|((i, j), g)| (Some(i), j, *g));
            let bias = gradient.bias.iter().enumerate().map(|(j, g)| (None, j, *g));
            for (what, entries) in [("dW", weights.collect::<Vec<_>>()), ("db", bias.collect())] {
                let against = entries.into_iter().map(|(i, j, by_pass)| {
                    let cost = |theta: f64| {
                        let mut network = network.clone();
                        let mut layer = network.layers_mut().nth(l).unwrap();
                        *i.map_or(&mut layer.bias[j], |i| &mut layer.weights[[i, j]]) = theta;
                        network.cost(x.view(), y.view(), Loss::CrossEntropy).unwrap()
                    };
                    let affine = &network.layers()[l].affine;
                    let by_cost = measured(cost, i.map_or(affine.bias[j], |i| affine.weights[[i, j]]));
                    let error = (by_pass - by_cost).abs() / by_pass.abs().max(by_cost.abs());
                    (error, by_pass, by_cost)
                });
                let (error, by_pass, by_cost) = against.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
                println!("  {what} of layer {l}: {error:.1e}, {by_pass:.6} by the pass, {by_cost:.6} by the cost");
            }
        }
    }
    let found = answer();
    let right = found.iter().zip(patients::PATIENTS).filter(|(found, wrong)| **found == *wrong).count();
    assert_eq!(right, 5, "patients whose wrong line you have found, of 5");
}

fn sign_descent(answer: fn() -> Box<dyn Optimizer<f64>>) {
    let mut network = single(array![[1.0, -2.0]], array![0.5, 0.0], Activation::Identity);
    let gradient = Affine { weights: array![[3.0, -1e-9]], bias: array![-7.0, 0.2] };
    let mut optimizer = answer();
    assert_eq!(optimizer.current_rate(), 0.1, "the learning rate");
    for step in 1..=2 {
        optimizer.step(&mut network, std::slice::from_ref(&gradient)).unwrap();
        let Affine { weights, bias } = &network.layers()[0].affine;
        let moved = 0.1 * f64::from(step);
        for (found, expected) in weights.iter().chain(bias).zip([1.0 - moved, -2.0 + moved, 0.5 + moved, -moved]) {
            close("a parameter", *found, expected, 1e-12);
        }
    }
}

fn uncorrected(answer: fn(f64) -> f64) {
    let (mut m, mut v) = (0.0, 0.0);
    for t in 1..=1000 {
        m = 0.9 * m + 0.1 * 3.0;
        v = 0.999 * v + 0.001 * 9.0_f64;
        close(&format!("step {t}"), answer(f64::from(t)), m / v.sqrt(), 1e-9);
    }
}

fn dropout_noise(answer: fn(f64) -> f64) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for p in [0.1, 0.5, 0.8] {
        let network = single(Array2::zeros((100, 1)), array![0.0], Activation::Identity);
        let mut pass = Workspace::new(&network, 10_000);
        pass.draw_masks(10_000, Dropout { inputs: p, hidden: 0.0 }, &mut rng).unwrap();
        let measured = pass.mask(0).unwrap().mapv(|m| m * m).mean().unwrap();
        close(&format!("the mean of the squares at p = {p}"), answer(p), measured, 0.02 * measured);
    }
}

fn twice(answer: fn() -> [f64; 3]) {
    let network = single(array![[0.3], [-0.5]], array![0.1], Activation::Tanh);
    let (a, b, c) = ([1.0, 2.0], [-1.0, 0.5], [0.3, -0.7]);
    let gradients = |x: &Array2<f64>, y: &Array2<f64>, weights: Option<&[f64]>| {
        let mut pass = Workspace::new(&network, x.nrows());
        pass.set_weights(weights).unwrap();
        network.forward(x.view(), &mut pass).unwrap();
        network.backward(x.view(), y.view(), Loss::MeanSquaredError, &mut pass).unwrap();
        pass.gradients()[0].clone()
    };
    let long = gradients(&array![a, a, b, c], &array![[1.0], [1.0], [0.0], [-1.0]], None);
    let weights = answer();
    close("the mean of the weights", weights.iter().sum::<f64>() / 3.0, 1.0, 1e-12);
    let short = gradients(&array![a, b, c], &array![[1.0], [0.0], [-1.0]], Some(&weights));
    for (found, expected) in short.weights.iter().chain(&short.bias).zip(long.weights.iter().chain(&long.bias)) {
        close("a gradient", *found, *expected, 1e-12);
    }
}

fn three_machines(answer: fn() -> f64) {
    let network = single(array![[0.0]], array![0.0], Activation::Identity);
    // 2 (a − y) x is −2y here.
    let y = Array2::from_shape_fn((50, 1), |(row, _)| [-0.5, -1.0, -2.0][row / 20]);
    let (pass, _) = pass(&network, &Array2::ones((50, 1)), &y, Loss::MeanSquaredError);
    close("the gradient of the batch", answer(), pass.gradients()[0].weights[[0, 0]], 1e-12);
}

fn enough_rows(answer: fn() -> usize) {
    let network = Network::<f32>::builder(784).init(Init::Zeros).layer(800, Activation::Relu);
    let network = network.layer(10, Activation::Softmax).build(&mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    let sum = 2.0 * 4.0 * network.parameters() as f64 / 2.5e9;
    let rows = (1..).find(|&rows| f64::from(rows) / 50_000.0 >= sum).unwrap();
    close("rows of a machine", answer() as f64, f64::from(rows), 0.0);
}
