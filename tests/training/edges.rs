//! Where a formula that is nearly right differs from the right one: NaN, 0·∞, cancellation, a rate that changes, a
//! layer in the middle. Each test fails for a wrong version of a line that all other tests let pass.

use crate::common;
use chainrule::ndarray::{Array1, Array2, array};
use chainrule::{
    Activation, Affine, Dataset, Error, Init, Layer, Loss, Network, Optimizer, Real, Schedule, Sgd, Threads, Trainer,
};
use common::{gradient_bits, network, network_bits, pass, rng, uniform};

/// A layer that shows its activation: W = I and b = 0.
fn bare(units: usize, activation: Activation) -> Network<f64> {
    Network::from_layers(vec![Layer::new(Array2::eye(units), Array1::zeros(units), activation).unwrap()]).unwrap()
}

/// Outputs that are the pre-activations, without a canonical pair.
const PLAIN: Activation = Activation::Custom { name: "plain", f: |z| z, slope: |_, _| 1.0 };

/// Its ∂L/∂A does not depend on the outputs, not even on a NaN.
const WEIGHTED: Loss = Loss::Custom { name: "weighted output", value: |a, y| a * y, slope: |_, y| y };

fn relative(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-13, "{found:e} for {expected:e}");
}

// --- The step ---

/// V ← μV − ηG and θ ← θ + V differ from PyTorch's order as soon as η changes; and a velocity from earlier steps counts
/// no more once μ is 0.
#[test]
fn u1_step_while_rate_and_momentum_change() {
    for decay in [0.0, 0.1] {
        let mut network = bare(1, Activation::Identity);
        let gradient = [Affine { weights: array![[0.5]], bias: array![-1.5] }];
        let mut sgd = Sgd::new(0.2).weight_decay(decay).schedule(Schedule::Step { every: 1, factor: 0.5 });
        let (mut w, mut b, mut v, mut u) = (1.0, 0.0, 0.0, 0.0);
        for (epoch, momentum) in [0.5, 0.5, 0.9, 0.0, 0.25].into_iter().enumerate() {
            sgd = sgd.momentum(momentum);
            sgd.set_epoch(epoch);
            let rate = 0.2 * 0.5_f64.powi(epoch as i32);
            sgd.step(&mut network, &gradient).unwrap();
            v = momentum * v - rate * (0.5 + decay * w);
            u = momentum * u - rate * -1.5;
            (w, b) = (w + v, b + u);
            let found = &network.layers()[0].affine;
            relative(found.weights[[0, 0]], w);
            relative(found.bias[0], b);
        }
    }
}

/// Gradients that a caller has put together column by column, or from the end, are the same gradients.
#[test]
fn a_step_takes_gradients_of_any_layout() {
    fn check<O: Optimizer<f64> + Clone>(optimizer: O) {
        let network = network::<f64>(3, &[(4, Activation::Tanh), (2, Activation::Identity)], 1);
        let (x, y) = (uniform((5, 3), -1.0, 1.0, 1), uniform((5, 2), 0.0, 1.0, 2));
        let (_, pass) = pass(&network, x.view(), y.view(), Loss::MeanSquaredError);
        let turned: Vec<_> = pass.gradients().iter().map(common::other_layout).collect();
        let rows = |l: usize| pass.gradients()[l].clone();
        // Both layers; one of them; of one of them the bias alone.
        let bias_alone = Affine { weights: rows(1).weights, bias: turned[1].bias.clone() };
        let some = [turned.clone(), vec![rows(0), turned[1].clone()], vec![rows(0), bias_alone]];
        let step = |gradients: &[Affine<f64>]| {
            let mut stepped = network.clone();
            optimizer.clone().step(&mut stepped, gradients).unwrap();
            network_bits(&stepped)
        };
        for gradients in some {
            assert_eq!(step(&gradients), step(pass.gradients()));
        }
    }
    check(Sgd::new(0.1).momentum(0.9));
    check(chainrule::Adam::new(0.1));
    check(chainrule::RmsProp::new(0.1));
}

/// Without momentum there is no velocity to keep.
#[test]
fn u1_plain_descent_keeps_no_velocity() {
    let mut network = bare(1, Activation::Identity);
    let mut sgd = Sgd::new(0.1).weight_decay(0.5).nesterov(true);
    sgd.step(&mut network, &[Affine { weights: array![[2.0]], bias: array![1.0] }]).unwrap();
    assert!(format!("{sgd:?}").contains("velocity: None"), "{sgd:?}");
    relative(network.layers()[0].affine.weights[[0, 0]], 1.0 - 0.1 * (2.0 + 0.5)); // and it decays
}

/// The parameter of one layer becomes infinite behind a finite cost.
#[derive(Clone)]
struct Overflow {
    layer: usize,
    bias: bool,
}

impl Optimizer<f64> for Overflow {
    fn update(&mut self, network: &mut Network<f64>, _: &[Affine<f64>]) {
        let mut layer = network.layers_mut().nth(self.layer).unwrap();
        match self.bias {
            true => layer.bias[0] = f64::INFINITY,
            false => layer.weights[[0, 0]] = f64::NAN,
        }
    }

    fn current_rate(&self) -> f64 {
        0.1
    }
}

#[test]
fn a_parameter_that_overflows_is_found_in_every_layer() {
    let data = Dataset::new(array![[0.5]], array![[1.0]]).unwrap();
    let tanh = Activation::Tanh;
    for layer in 0..3 {
        for bias in [false, true] {
            let mut network = network(1, &[(2, tanh), (2, tanh), (1, tanh)], 1);
            let before = network_bits(&network);
            let mut trainer = Trainer::new(Loss::MeanSquaredError, Overflow { layer, bias }).epochs(1);
            let error = trainer.fit(&mut network, &data, &mut rng(1)).unwrap_err();
            assert!(matches!(error, Error::Diverged { epoch: 0, cost, .. } if cost.is_finite()), "{error}");
            assert_eq!(network_bits(&network), before);
        }
    }
}

// --- Activations ---

/// A NaN is handed on, by the formulas for whole vectors and for what is left of one; its slope is the "else" of D4.
#[test]
fn a4_d4_relu_of_nan() {
    const SPOILT: Activation = Activation::Custom { name: "spoilt", f: |_| f64::NAN, slope: |_, _| 1.0 };
    for units in [1, 2, 3, 4, 7, 8, 9, 16, 33] {
        let relu = bare(units, Activation::Relu).layers()[0].clone();
        let spoilt = bare(units, SPOILT).layers()[0].clone();
        let network = Network::from_layers(vec![spoilt, relu]).unwrap();
        let x = Array2::ones((1, units));
        assert!(network.predict(x.view()).unwrap().iter().all(|a| a.is_nan()));
        let mut workspace = chainrule::Workspace::new(&network, 1);
        network.forward(x.view(), &mut workspace).unwrap();
        network.backward(x.view(), x.view(), WEIGHTED, &mut workspace).unwrap_err();
        assert_eq!(workspace.dz(1), Array2::<f64>::zeros((1, units)));
    }
}

/// Enough entries for several threads, with slopes from a and not from z alone, and rows that no thread may cut.
#[test]
fn b3_parts_of_an_activation_read_their_own_entries() {
    let (x, y) = (uniform::<f64>((151, 4), -1.0, 1.0, 1), uniform((151, 300), 0.0, 1.0, 2));
    for activation in [Activation::Sigmoid, Activation::Tanh, Activation::Relu, Activation::Softmax] {
        let network = &network::<f64>(4, &[(300, activation)], 3);
        let gradients = |threads| {
            let pass = || gradient_bits(&pass(network, x.view(), y.view(), Loss::MeanSquaredError).1);
            Threads::new(threads).run(pass)
        };
        for threads in [2, 3] {
            assert!(gradients(threads) == gradients(1), "{} on {threads} threads", activation.name());
        }
    }
}

/// Rows of a batch that is large enough for threads are those of small batches: no row is cut in the middle.
#[test]
fn a5_d5_rows_of_a_large_batch_are_whole() {
    let (x, y) = (uniform::<f64>((400, 4), -1.0, 1.0, 1), uniform::<f64>((400, 300), 0.0, 1.0, 2));
    let network = &network::<f64>(4, &[(300, Activation::Softmax)], 3);
    let (_, large) = pass(network, x.view(), y.view(), Loss::MeanSquaredError);
    for r in [0, 1, 57, 199, 399] {
        let row = |array: &Array2<f64>| array.slice(chainrule::ndarray::s![r..=r, ..]).to_owned();
        let (_, alone) = pass(network, row(&x).view(), row(&y).view(), Loss::MeanSquaredError);
        assert!(row(&large.a(0).to_owned()).abs_diff_eq(&alone.a(0), 1e-15), "A of row {r}");
        assert!((row(&large.dz(0).to_owned()) * 400.0).abs_diff_eq(&alone.dz(0), 1e-15), "dZ of row {r}");
    }
}

/// A slope that reads only z, and one that reads only a: each shows whether it got the other.
#[test]
fn b1_b3_slopes_get_z_and_a() {
    let from_z = Activation::Custom { name: "cube of z", f: |z| z * z * z, slope: |z, _| 3.0 * z * z };
    let from_a = Activation::Custom { name: "cube of a", f: |z| z * z * z, slope: |_, a| 3.0 * a.cbrt().powi(2) };
    let (x, y) = (uniform((5, 3), 0.5, 1.5, 1), uniform((5, 2), 0.0, 1.0, 2));
    for cube in [from_z, from_a] {
        // Hidden (B3), and as output by the general way (B1).
        for layers in [[(4, cube), (2, Activation::Identity)], [(4, Activation::Identity), (2, cube)]] {
            let network: Network<f64> = network(3, &layers, 3);
            let (_, workspace) = pass(&network, x.view(), y.view(), Loss::MeanSquaredError);
            let z = [workspace.z(0), workspace.z(1)];
            let slope = |l: usize| z[l].mapv(|z| if layers[l].1 == cube { 3.0 * z * z } else { 1.0 });
            let dz1 = (&workspace.a(1) - &y) * slope(1) / 5.0; // 2/nk = 1/5
            let dz0 = dz1.dot(&network.layers()[1].affine.weights.t()) * slope(0);
            assert!(workspace.dz(1).abs_diff_eq(&dz1, 1e-12), "{} {}", workspace.dz(1), dz1);
            assert!(workspace.dz(0).abs_diff_eq(&dz0, 1e-12), "{} {}", workspace.dz(0), dz0);
        }
    }
}

/// Functions of one's own are the same where their names are.
#[test]
fn custom_functions_are_compared_by_name() {
    let activation = |name, f: fn(f64) -> f64| Activation::Custom { name, f, slope: |_, _| 1.0 };
    assert_eq!(activation("a", |z| z), activation("a", |z| z + 1.0));
    assert_ne!(activation("a", |z| z), activation("b", |z| z));
    assert_ne!(activation("a", |z| z), Activation::Identity);
    let loss = |name, value: fn(f64, f64) -> f64| Loss::Custom { name, value, slope: |_, _| 1.0 };
    assert_eq!(loss("a", |a, _| a), loss("a", |_, y| y));
    assert_ne!(loss("a", |a, _| a), loss("b", |a, _| a));
    assert_ne!(loss("a", |a, _| a), Loss::MeanSquaredError);
}

// --- Losses ---

/// A target of 0 contributes nothing, though the logarithm of its output is −∞, and its slope 1/0.
#[test]
fn c2_c3_e2_e3_outputs_of_exactly_0_and_1() {
    let row = |loss: Loss, a: [f64; 2], y: [f64; 2]| {
        let (cost, workspace) = pass(&bare(2, PLAIN), array![a].view(), array![y].view(), loss);
        (cost, workspace.dz(0).row(0).to_vec())
    };
    assert_eq!(row(Loss::CrossEntropy, [0.0, 0.5], [0.0, 1.0]), (2.0_f64.ln(), vec![0.0, -2.0]));
    assert_eq!(row(Loss::CrossEntropy, [0.5, 0.0], [1.0, 0.0]), (2.0_f64.ln(), vec![-2.0, 0.0]));
    // Right with certainty, in both ways: half of the cost each, and the slopes 1/(1 − a) and −1/a, halved.
    assert_eq!(row(Loss::BinaryCrossEntropy, [0.0, 1.0], [0.0, 1.0]), (0.0, vec![0.5, -0.5]));
}

/// Rows of targets sum to 1 up to 10⁻⁶, and up to the rounding of their entries: in `f32`, ε for each column.
#[test]
fn sums_of_target_rows_have_the_tolerance_of_their_rounding() {
    fn fits<F: Real>(columns: usize, off: f64) -> bool {
        let mut y = Array2::zeros((1, columns));
        (y[[0, 0]], y[[0, 1]]) = (F::from_f64(0.5 + off), F::from_f64(0.5));
        let network = network::<F>(2, &[(columns, Activation::Softmax)], 1);
        network.cost(Array2::ones((1, 2)).view(), y.view(), Loss::CrossEntropy).is_ok()
    }
    for sign in [1.0, -1.0] {
        assert!(fits::<f64>(3, 0.9e-6 * sign) && !fits::<f64>(3, 1.1e-6 * sign));
        assert!(fits::<f32>(1000, 1.0e-4 * sign) && !fits::<f32>(1000, 1.4e-4 * sign)); // 1000 ε = 1.2e-4
        assert!(!fits::<f32>(3, 1.0e-4 * sign));
    }
}

/// The difference of the largest and the smallest number is infinite.
#[test]
fn s3_logits_as_far_apart_as_can_be() {
    let network = bare(2, Activation::Softmax);
    let logits = array![[f64::MAX, -f64::MAX]];
    for (y, cost) in [([1.0, 0.0], 0.0), ([0.0, 1.0], f64::INFINITY)] {
        assert_eq!(network.cost(logits.view(), array![y].view(), Loss::CrossEntropy).unwrap(), cost);
    }
    let (cost, workspace) = pass(&network, logits.view(), array![[1.0, 0.0]].view(), Loss::CrossEntropy);
    assert_eq!((cost, workspace.dz(0)), (0.0, array![[0.0, 0.0]].view()));
}

/// Costs that are as small as a right answer makes them, to 13 digits of their own, not of 1.
#[test]
fn s2_s3_c2_small_costs_keep_their_digits() {
    let cost = |activation, loss, z: Array2<f64>, y: Array2<f64>| {
        bare(z.ncols(), activation).cost(z.view(), y.view(), loss).unwrap()
    };
    for z in [20.0, 36.0, 40.1, 300.0] {
        // ln(1 + e) = e − e²/2 + …
        let e = f64::exp(-z);
        let small = e - e * e / 2.0;
        let of_sigmoid = |z, y| cost(Activation::Sigmoid, Loss::BinaryCrossEntropy, array![[z]], array![[y]]);
        relative(of_sigmoid(z, 1.0), small);
        relative(of_sigmoid(-z, 0.0), small);
        // A target just below 1: max(z, 0) − y z without cancelling.
        let gap = 2.0_f64.powi(-40);
        relative(of_sigmoid(z, 1.0 - gap), gap * z + small);
        relative(of_sigmoid(-z, gap), gap * z + small);
        relative(cost(Activation::Softmax, Loss::CrossEntropy, array![[z, 0.0]], array![[1.0, 0.0]]), small);
        // −ln(1 − a) = a + a²/2 + …
        let of_a = cost(PLAIN, Loss::BinaryCrossEntropy, array![[e]], array![[0.0]]);
        relative(of_a, e + e * e / 2.0);
    }
}

// --- Starts ---

/// A spread of 0 is one: all weights are 0. A negative one is refused.
#[test]
fn i2_a_spread_of_zero() {
    let build =
        |std| Network::<f64>::builder(2).layer(3, Activation::Tanh).init(Init::Normal { std }).build(&mut rng(1));
    assert_eq!(build(0.0).unwrap().layers()[0].affine.weights, Array2::<f64>::zeros((2, 3)));
    assert!(matches!(build(-0.1), Err(Error::OutOfRange { name: "std", .. })));
}

/// The biases of a layer with few inputs and many outputs, and the other way round: their spread tells the sizes.
#[test]
fn i4_i6_i8_biases_start_by_the_sizes_of_their_layer() {
    let spread = |init, inputs: usize, outputs: usize| {
        let draws: Vec<f64> = (0..200)
            .flat_map(|seed| {
                let builder = Network::<f64>::builder(inputs).layer(outputs, Activation::Tanh).bias_init(init);
                builder.build(&mut rng(seed)).unwrap().layers()[0].affine.bias.to_vec()
            })
            .collect();
        draws.iter().map(|b| b * b).sum::<f64>() / draws.len() as f64
    };
    // 800 draws or more: the variance is known to 5 %, and the sizes differ by a factor of 10.
    for (inputs, outputs) in [(40, 4), (4, 40)] {
        let (fan_in, fan_out) = (inputs as f64, outputs as f64);
        for (init, variance) in [
            (Init::XavierNormal, 2.0 / (fan_in + fan_out)),
            (Init::HeNormal, 2.0 / fan_in),
            (Init::FanOutNormal, 1.0 / fan_out),
        ] {
            let found = spread(init, inputs, outputs);
            assert!((found / variance - 1.0).abs() < 0.25, "{init:?}: {found} for {variance}");
        }
    }
}

// --- Errors ---

/// Which layer, and how many outputs: not numbers that happen to be the same in small networks.
#[test]
fn errors_name_the_layer_and_the_outputs() {
    let layer = |inputs, outputs| {
        Layer::new(Array2::<f64>::zeros((inputs, outputs)), Array1::zeros(outputs), Activation::Tanh).unwrap()
    };
    let error = Network::from_layers(vec![layer(1, 2), layer(2, 3), layer(4, 1)]).unwrap_err();
    assert!(matches!(error, Error::Shape { layer: Some(2), .. }), "{error}");
    let network = Network::from_layers(vec![layer(5, 3)]).unwrap();
    let error = network.classify_at(Array2::zeros((1, 5)).view(), 0.5).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { name: "outputs", found: 3.0, .. }), "{error}");
}
