//! Every tagged equation, against its definition written as plain loops.
//!
//! The tags of the derivation, (F1) to (U1), appear in the modules, on the lines of code, and in the names of the tests
//! here. The naive twin below has no matrix products, stable forms or canonical pairs.

mod common;

use chainrule::ndarray::{Array2, ArrayView1, ArrayView2, Axis, array, indices};
use chainrule::rand::Rng;
use chainrule::{Activation, Affine, Init, Layer, Loss, Network, Parameter, Sgd, Workspace, gradient_check};
use common::{ACTIVATIONS, LOG_COSH, fitting, network, pairs, pass, rng, uniform};
use std::collections::{BTreeMap, BTreeSet};

// --- The naive twin -------------------------------------------------------------------------------------------------

type Row = Vec<f64>;
type Rows = Vec<Row>;

fn rows(array: ArrayView2<'_, f64>) -> Rows {
    array.rows().into_iter().map(|row| row.to_vec()).collect()
}

fn zeros(n: usize, k: usize) -> Rows {
    vec![vec![0.0; k]; n]
}

fn product(a: &Rows, b: &Rows) -> Rows {
    let mut c = zeros(a.len(), b[0].len());
    for i in 0..a.len() {
        for j in 0..b[0].len() {
            for k in 0..b.len() {
                c[i][j] += a[i][k] * b[k][j];
            }
        }
    }
    c
}

fn transposed(a: &Rows) -> Rows {
    (0..a[0].len()).map(|j| a.iter().map(|row| row[j]).collect()).collect()
}

/// The sigmoid, and the distribution of a normal number as ½ + φ(z) (z + z³/3 + z⁵/(3·5) + …).
fn sigma(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

fn distribution(z: f64) -> f64 {
    if z < -2.0 {
        // φ(x) / (x + 1/(x + 2/(x + …))) with x = −z: the sum below would cancel.
        return density(z) / (1..400).rev().fold(-z, |rest, j| -z + f64::from(j) / rest);
    }
    let (mut term, mut sum) = (z, 0.0);
    for j in 1..400 {
        sum += term;
        term *= z * z / (2 * j + 1) as f64;
    }
    0.5 + density(z) * sum
}

/// A1 to A10, and softplus for the custom one.
fn f(activation: Activation, z: &[f64]) -> Row {
    let sum: f64 = z.iter().map(|z| z.exp()).sum();
    let by_entry = |z: f64| match activation {
        Activation::Identity => z,
        Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
        Activation::Tanh => (z.exp() - (-z).exp()) / (z.exp() + (-z).exp()),
        Activation::Relu => f64::max(0.0, z),
        Activation::Softmax => z.exp() / sum,
        Activation::LeakyRelu => f64::max(z, 0.01 * z),
        Activation::Elu => {
            if z > 0.0 {
                z
            } else {
                z.exp() - 1.0
            }
        }
        Activation::Silu => z * sigma(z),
        Activation::Gelu => z * distribution(z),
        _ => (1.0 + z.exp()).ln(),
    };
    z.iter().map(|&z| by_entry(z)).collect()
}

/// D1 to D10: ∂aᵢ/∂zⱼ at \[i\]\[j\].
fn jacobian(activation: Activation, z: &[f64]) -> Rows {
    let a = f(activation, z);
    let mut d = zeros(z.len(), z.len());
    for i in 0..z.len() {
        for j in 0..z.len() {
            let delta = if i == j { 1.0 } else { 0.0 };
            d[i][j] = match activation {
                Activation::Identity => delta,
                Activation::Sigmoid => delta * a[i] * (1.0 - a[i]),
                Activation::Tanh => delta * (1.0 - a[i] * a[i]),
                Activation::Relu => delta * if z[i] > 0.0 { 1.0 } else { 0.0 },
                Activation::Softmax => a[i] * (delta - a[j]),
                Activation::LeakyRelu => delta * if z[i] > 0.0 { 1.0 } else { 0.01 },
                Activation::Elu => delta * if z[i] > 0.0 { 1.0 } else { z[i].exp() },
                Activation::Silu => delta * (sigma(z[i]) + z[i] * sigma(z[i]) * (1.0 - sigma(z[i]))),
                Activation::Gelu => delta * (distribution(z[i]) + z[i] * density(z[i])),
                _ => delta / (1.0 + (-z[i]).exp()),
            };
        }
    }
    d
}

/// (∂L/∂Z)ⱼ = Σᵢ (∂L/∂A)ᵢ ∂aᵢ/∂zⱼ, row by row.
fn through(activation: Activation, z: &Rows, da: &Rows) -> Rows {
    z.iter().zip(da).map(|(z, da)| product(&vec![da.clone()], &jacobian(activation, z)).remove(0)).collect()
}

/// C1 to C3, C5, and ln cosh for the custom one.
fn cost(loss: Loss, a: &Rows, y: &Rows) -> f64 {
    let (n, k) = (a.len() as f64, a[0].len() as f64);
    let mut sum = 0.0;
    for (a, y) in a.iter().flatten().zip(y.iter().flatten()) {
        sum += match loss {
            Loss::MeanSquaredError => (a - y) * (a - y) / (n * k),
            Loss::BinaryCrossEntropy => -(y * a.ln() + (1.0 - y) * (1.0 - a).ln()) / (n * k),
            Loss::CrossEntropy => -y * a.ln() / n,
            Loss::Huber if (a - y).abs() > 1.0 => ((a - y).abs() - 0.5) / (n * k),
            Loss::Huber => (a - y).powi(2) / 2.0 / (n * k),
            _ => (a - y).cosh().ln() / (n * k),
        };
    }
    sum
}

/// E1 to E3, E5: ∂L/∂A.
fn slope(loss: Loss, a: &Rows, y: &Rows) -> Rows {
    let (n, k) = (a.len() as f64, a[0].len() as f64);
    let by_entry = |a: f64, y: f64| match loss {
        Loss::MeanSquaredError => 2.0 * (a - y) / (n * k),
        Loss::BinaryCrossEntropy => ((1.0 - y) / (1.0 - a) - y / a) / (n * k),
        Loss::CrossEntropy => -y / a / n,
        Loss::Huber if (a - y).abs() > 1.0 => (a - y).signum() / (n * k),
        Loss::Huber => (a - y) / (n * k),
        _ => (a - y).tanh() / (n * k),
    };
    a.iter().zip(y).map(|(a, y)| a.iter().zip(y).map(|(&a, &y)| by_entry(a, y)).collect()).collect()
}

/// Within 1e-12 of the largest entry: enough for sums in another order, and no more.
fn near(what: &str, found: ArrayView2<'_, f64>, expected: &Rows) {
    assert_eq!(found.dim(), (expected.len(), expected[0].len()), "{what}");
    let bound = 1e-12 * expected.iter().flatten().fold(1e-3, |max: f64, x| max.max(x.abs()));
    for (i, row) in expected.iter().enumerate() {
        for (j, x) in row.iter().enumerate() {
            assert!((found[[i, j]] - x).abs() <= bound, "{what} at {i}, {j}: {} for {x}", found[[i, j]]);
        }
    }
}

fn as_matrix(vector: ArrayView1<'_, f64>) -> ArrayView2<'_, f64> {
    vector.insert_axis(Axis(0))
}

// --- Networks of one and two layers of any shape ---------------------------------------------------------------------

#[derive(Clone, Debug)]
struct Shape {
    n: usize,
    inputs: usize,
    hidden: usize,
    outputs: usize,
    seed: u64,
}

/// All 360 with up to 6 rows, 5 inputs, 5 hidden units and 4 outputs, each with other numbers. A test that fails
/// shows the last one.
fn shapes() -> impl Iterator<Item = Shape> {
    let shape = |((n, inputs, hidden, outputs), seed)| Shape {
        n: n + 1,
        inputs: inputs + 1,
        hidden: hidden + 2,
        outputs: outputs + 2,
        seed,
    };
    indices((6, 5, 4, 3)).into_iter().zip((0..).step_by(1000)).map(shape).inspect(|shape| println!("{shape:?}"))
}

impl Shape {
    fn inputs(&self) -> Array2<f64> {
        uniform((self.n, self.inputs), -2.0, 2.0, self.seed ^ 1)
    }

    fn targets(&self, loss: Loss) -> Array2<f64> {
        fitting(loss, uniform((self.n, self.outputs), 0.0, 1.0, self.seed ^ 2))
    }

    fn network(&self, hidden: Activation, output: Activation) -> Network<f64> {
        network(self.inputs, &[(self.hidden, hidden), (self.outputs, output)], self.seed)
    }

    fn pass(&self, hidden: Activation, output: Activation, loss: Loss) -> (Network<f64>, f64, Workspace<f64>) {
        let network = self.network(hidden, output);
        let (cost, workspace) = pass(&network, self.inputs().view(), self.targets(loss).view(), loss);
        (network, cost, workspace)
    }

    /// A row of numbers through only an activation: W = I and b = 0.
    fn bare(&self, activation: Activation, loss: Loss, low: f64, high: f64) -> (Rows, Rows, f64, Workspace<f64>) {
        let k = self.outputs;
        let layer = Layer::new(Array2::eye(k), chainrule::ndarray::Array1::zeros(k), activation).unwrap();
        let network = Network::from_layers(vec![layer]).unwrap();
        let (z, y) = (uniform((self.n, k), low, high, self.seed ^ 3), self.targets(loss));
        let (cost, workspace) = pass(&network, z.view(), y.view(), loss);
        (rows(z.view()), rows(y.view()), cost, workspace)
    }
}

fn weights(network: &Network<f64>, l: usize) -> Rows {
    rows(network.layers()[l].affine.weights.view())
}

/// A custom identity has no canonical pair, so that a loss shows its ∂L/∂A.
const PLAIN: Activation = Activation::Custom { name: "plain", f: |z| z, slope: |_, _| 1.0 };

#[test]
fn f1_affine_map() {
    for shape in shapes() {
        let (network, _, workspace) = shape.pass(Activation::Tanh, Activation::Identity, Loss::MeanSquaredError);
        let mut input = rows(shape.inputs().view());
        for l in 0..2 {
            let mut z = product(&input, &weights(&network, l));
            for row in &mut z {
                for (z, b) in row.iter_mut().zip(&network.layers()[l].affine.bias) {
                    *z += b;
                }
            }
            near("Z", workspace.z(l), &z);
            input = rows(workspace.a(l));
        }
    }
}

#[test]
fn f2_a1_a2_a3_a4_a5_a6_a7_a8_a9_a10_activations() {
    for shape in shapes() {
        for activation in ACTIVATIONS {
            let (network, _, workspace) = shape.pass(activation, activation, Loss::MeanSquaredError);
            for l in 0..2 {
                let a = rows(workspace.z(l)).iter().map(|z| f(activation, z)).collect();
                near(activation.name(), workspace.a(l), &a);
            }
            assert_eq!(workspace.a(1), network.predict(shape.inputs().view()).unwrap());
        }
    }
}

#[test]
fn d1_d2_d3_d4_d5_d6_d7_d8_d9_d10_slopes() {
    for shape in shapes() {
        // Σ y a has the slope y with respect to a.
        let weighted = Loss::Custom { name: "weighted output", value: |a, y| a * y, slope: |_, y| y };
        for activation in ACTIVATIONS {
            let (z, mut y, _, workspace) = shape.bare(activation, weighted, -3.0, 3.0);
            let scale = 1.0 / (y.len() * y[0].len()) as f64;
            y.iter_mut().flatten().for_each(|y| *y *= scale);
            near(activation.name(), workspace.dz(0), &through(activation, &z, &y));
        }
    }
}

#[test]
fn c1_c2_c3_c5_e1_e2_e3_e5_losses() {
    for shape in shapes() {
        for loss in [Loss::MeanSquaredError, Loss::BinaryCrossEntropy, Loss::CrossEntropy, Loss::Huber, LOG_COSH] {
            // Huber's lines begin at errors of 1.
            let (low, high) = if loss == Loss::Huber { (-3.0, 4.0) } else { (0.1, 0.9) };
            let (a, y, found, workspace) = shape.bare(PLAIN, loss, low, high);
            near(loss.name(), array![[found]].view(), &vec![vec![cost(loss, &a, &y)]]);
            near(loss.name(), workspace.dz(0), &slope(loss, &a, &y));
        }
    }
}

#[test]
fn c4_penalty() {
    for shape in shapes() {
        let network = shape.network(Activation::Tanh, Activation::Identity);
        let mut sum = 0.0;
        for l in 0..2 {
            for w in weights(&network, l).iter().flatten() {
                sum += 0.3 / 2.0 * w * w;
            }
        }
        near("penalty", array![[network.l2_penalty(0.3)]].view(), &vec![vec![sum]]);
    }
}

#[test]
fn s2_s3_costs_from_logits() {
    for shape in shapes() {
        for (activation, loss) in
            [(Activation::Sigmoid, Loss::BinaryCrossEntropy), (Activation::Softmax, Loss::CrossEntropy)]
        {
            let (z, y, found, _) = shape.bare(activation, loss, -3.0, 3.0);
            let a = z.iter().map(|z| f(activation, z)).collect();
            near(loss.name(), array![[found]].view(), &vec![vec![cost(loss, &a, &y)]]);
        }
    }
}

#[test]
fn b1_gradient_of_the_last_pre_activation() {
    for shape in shapes() {
        for (output, loss) in pairs() {
            let (network, found, workspace) = shape.pass(Activation::Tanh, output, loss);
            let (z, a, y) = (rows(workspace.z(1)), rows(workspace.a(1)), rows(shape.targets(loss).view()));
            let definition = match output {
                // The twin's only custom activation is softplus.
                Activation::Custom { name: "own sigmoid", .. } => Activation::Sigmoid,
                other => other,
            };
            near(loss.name(), array![[found]].view(), &vec![vec![cost(loss, &a, &y)]]);
            near(loss.name(), workspace.dz(1), &through(definition, &z, &slope(loss, &a, &y)));
            assert_eq!(network.cost(shape.inputs().view(), shape.targets(loss).view(), loss).unwrap(), found);
        }
    }
}

#[test]
fn b2_gradient_of_the_inputs_of_a_layer() {
    for shape in shapes() {
        // Behind an identity dZ is dA.
        let (network, _, workspace) = shape.pass(Activation::Identity, Activation::Sigmoid, Loss::BinaryCrossEntropy);
        near("dA", workspace.dz(0), &product(&rows(workspace.dz(1)), &transposed(&weights(&network, 1))));
    }
}

#[test]
fn b2_b6_gradient_of_the_inputs_of_any_layer_on_demand() {
    for shape in shapes() {
        let (network, x, y) = {
            let network = shape.network(Activation::Tanh, Activation::Sigmoid);
            (network, shape.inputs(), shape.targets(Loss::BinaryCrossEntropy))
        };
        let mut workspace = Workspace::new(&network, shape.n);
        let hidden = network.layers()[1].inputs();
        let mask = Array2::from_shape_fn((shape.n, hidden), |(r, i)| if (r + i) % 2 == 0 { 2.0 } else { 0.0 });
        for masked in [false, true] {
            if masked {
                workspace.set_mask(1, mask.clone()).unwrap();
            }
            network.forward(x.view(), &mut workspace).unwrap();
            network.backward(x.view(), y.view(), Loss::BinaryCrossEntropy, &mut workspace).unwrap();
            for l in 0..2 {
                let mut da = product(&rows(workspace.dz(l)), &transposed(&weights(&network, l)));
                if masked && l == 1 {
                    da.iter_mut().enumerate().for_each(|(r, row)| {
                        row.iter_mut().enumerate().for_each(|(i, da)| *da *= mask[[r, i]]);
                    });
                }
                near("dA", network.input_gradient(l, &workspace).unwrap().view(), &da);
            }
        }
    }
    let network = network::<f64>(2, &[(1, Activation::Identity)], 1);
    assert!(network.input_gradient(0, &Workspace::new(&network, 1)).is_err(), "nothing has gone forward");
}

#[test]
fn b3_gradient_of_a_hidden_pre_activation() {
    for shape in shapes() {
        for hidden in ACTIVATIONS {
            let (network, _, workspace) = shape.pass(hidden, Activation::Sigmoid, Loss::BinaryCrossEntropy);
            let da = product(&rows(workspace.dz(1)), &transposed(&weights(&network, 1)));
            near(hidden.name(), workspace.dz(0), &through(hidden, &rows(workspace.z(0)), &da));
        }
    }
}

#[test]
fn b4_b5_gradients_of_weights_and_bias() {
    for shape in shapes() {
        let (_, _, workspace) = shape.pass(Activation::Tanh, Activation::Softmax, Loss::CrossEntropy);
        let mut input = rows(shape.inputs().view());
        for l in 0..2 {
            let (gradient, dz) = (&workspace.gradients()[l], rows(workspace.dz(l)));
            near("dW", gradient.weights.view(), &product(&transposed(&input), &dz));
            near("db", as_matrix(gradient.bias.view()), &product(&vec![vec![1.0; shape.n]], &dz));
            input = rows(workspace.a(l));
        }
    }
}

#[test]
fn u1_step() {
    for shape in shapes() {
        let mut draw = rng(shape.seed);
        let (some_momentum, some_decay) = (draw.random_range(0.01..0.99), draw.random_range(0.0..0.5));
        for (momentum, decay) in [(0.0, 0.0), (some_momentum, 0.0), (0.0, some_decay), (some_momentum, some_decay)] {
            let mut network = shape.network(Activation::Tanh, Activation::Identity);
            let mut sgd = Sgd::new(0.1).momentum(momentum).weight_decay(decay);
            // One array after the other: weights, which decay, and biases, which do not.
            let arrays = |affine: &Affine<f64>| {
                [(rows(affine.weights.view()), decay), (rows(as_matrix(affine.bias.view())), 0.0)]
            };
            let mut theta: Vec<_> = network.layers().iter().flat_map(|layer| arrays(&layer.affine)).collect();
            let mut velocity: Vec<Rows> = theta.iter().map(|(t, _)| zeros(t.len(), t[0].len())).collect();
            for step in 0..3 {
                let gradients: Vec<_> = network
                    .layers()
                    .iter()
                    .enumerate()
                    .map(|(l, layer)| Affine {
                        weights: uniform(layer.affine.weights.dim(), -1.0, 1.0, shape.seed ^ (10 * step + l as u64)),
                        bias: uniform((1, layer.outputs()), -1.0, 1.0, shape.seed ^ (100 * step + l as u64))
                            .remove_axis(Axis(0)),
                    })
                    .collect();
                sgd.step(&mut network, &gradients).unwrap();

                let gradients = gradients.iter().flat_map(arrays);
                for (((theta, lambda), v), (g, _)) in theta.iter_mut().zip(&mut velocity).zip(gradients) {
                    for i in 0..theta.len() {
                        for j in 0..theta[0].len() {
                            v[i][j] = momentum * v[i][j] - 0.1 * (g[i][j] + *lambda * theta[i][j]);
                            theta[i][j] += v[i][j];
                        }
                    }
                }
                for (l, layer) in network.layers().iter().enumerate() {
                    near("W", layer.affine.weights.view(), &theta[2 * l].0);
                    near("b", as_matrix(layer.affine.bias.view()), &theta[2 * l + 1].0);
                }
            }
        }
    }
}

#[test]
fn n1_measured_slope() {
    for place in uniform::<f64>((360, 2), -1.0, 1.0, 1).rows() {
        let (x, y) = (2.0 * place[0], place[1]);
        let network =
            Network::from_layers(vec![Layer::new(array![[0.7]], array![0.2], Activation::Tanh).unwrap()]).unwrap();
        let check = gradient_check(&network, array![[x]].view(), array![[y]].view(), LOG_COSH).unwrap();
        // h is 10⁻³ divided by the largest input, or by 1 if that is larger.
        let h = 1e-3 / f64::max(1.0, f64::abs(x));
        let at = |step: f64| {
            let (w, b) = match check.parameter {
                Parameter::Weight { .. } => (0.7 + step, 0.2),
                Parameter::Bias { .. } => (0.7, 0.2 + step),
            };
            ((w * x + b).tanh() - y).cosh().ln()
        };
        let h = if let Parameter::Weight { .. } = check.parameter { h } else { 1e-3 };
        let expected = (at(-2.0 * h) - 8.0 * at(-h) + 8.0 * at(h) - at(2.0 * h)) / (12.0 * h);
        assert!((check.numeric - expected).abs() < 1e-12, "{check:?} {expected}");
    }
}

// --- Starts: the moments of many draws -------------------------------------------------------------------------------

const INPUTS: usize = 30;
const OUTPUTS: usize = 20;

/// The weights of a layer of 30 inputs and 20 outputs, over 40 seeds: 24,000 draws.
fn weight_draws(init: Init) -> Row {
    let build = |seed| {
        let builder = Network::<f64>::builder(INPUTS).layer_with(OUTPUTS, Activation::Tanh, init, Init::Zeros);
        builder.build(&mut rng(seed)).unwrap().layers()[0].affine.weights.iter().copied().collect::<Row>()
    };
    (0..40).flat_map(build).collect()
}

/// For n independent draws, except one time in a million: the mean is within 5 s/√n of 0, the share of draws within one
/// s is within 5 √(pq/n) of p, and the variance is within 5 √((κ − 1)/n) of s², with κ the kurtosis.
fn check_moments(name: &str, draws: &[f64], s: f64, kurtosis: f64, within_s: f64) {
    let n = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / n;
    assert!(mean.abs() < 5.0 * s / n.sqrt(), "{name}: mean {mean}");
    let variance = draws.iter().map(|w| w * w).sum::<f64>() / n / (s * s);
    assert!((variance - 1.0).abs() < 5.0 * ((kurtosis - 1.0) / n).sqrt(), "{name}: {variance} of the variance");
    let share = draws.iter().filter(|w| w.abs() < s).count() as f64 / n;
    assert!((share - within_s).abs() < 5.0 * (within_s * (1.0 - within_s) / n).sqrt(), "{name}: {share} within s");
}

#[test]
fn i1_zeros() {
    assert!(weight_draws(Init::Zeros).iter().all(|&w| w == 0.0));
}

#[test]
fn i2_i4_i6_i8_normal_starts() {
    let (inputs, outputs) = (INPUTS as f64, OUTPUTS as f64);
    for (init, variance) in [
        (Init::Normal { std: 0.3 }, 0.09),
        (Init::XavierNormal, 2.0 / (inputs + outputs)),
        (Init::HeNormal, 2.0 / inputs),
        (Init::FanOutNormal, 1.0 / outputs),
    ] {
        check_moments(&format!("{init:?}"), &weight_draws(init), f64::sqrt(variance), 3.0, 0.682_689);
    }
}

#[test]
fn i3_i5_i7_uniform_starts() {
    let (inputs, outputs) = (INPUTS as f64, OUTPUTS as f64);
    for (init, low, high) in [
        (Init::Uniform { low: -0.2, high: 0.7 }, -0.2, 0.7),
        (Init::XavierUniform, -(6.0 / (inputs + outputs)).sqrt(), (6.0 / (inputs + outputs)).sqrt()),
        (Init::HeUniform, -(6.0 / inputs).sqrt(), (6.0 / inputs).sqrt()),
    ] {
        let (name, draws) = (format!("{init:?}"), weight_draws(init));
        assert!(draws.iter().all(|w| (low..high).contains(w)), "{name}");
        let about_0: Row = draws.iter().map(|w| w - (low + high) / 2.0).collect();
        check_moments(&name, &about_0, (high - low) / 12.0_f64.sqrt(), 1.8, 1.0 / 3.0_f64.sqrt());
    }
}

/// By default He for ReLU, Xavier for the rest, zero biases; other starts can be set for all layers or for one. An
/// `f32` network starts as the rounded `f64` one.
#[test]
fn the_builder_gives_each_layer_the_start_that_it_says() {
    let (he, xavier, zeros) = (Init::HeNormal, Init::XavierNormal, Init::Zeros);
    let own = Init::Uniform { low: 1.0, high: 2.0 };
    let start = || Network::<f64>::builder(3);
    let build = |builder: chainrule::NetworkBuilder<f64>| builder.build(&mut rng(1)).unwrap();
    let by_default = start().layer(4, Activation::Relu).layer(2, Activation::Tanh);
    let said = start().layer_with(4, Activation::Relu, he, zeros).layer_with(2, Activation::Tanh, xavier, zeros);
    assert_eq!(build(by_default), build(said));

    let for_all =
        start().layer(4, Activation::Relu).layer_with(2, Activation::Tanh, xavier, zeros).init(own).bias_init(he);
    let said = start().layer_with(4, Activation::Relu, own, he).layer_with(2, Activation::Tanh, xavier, zeros);
    assert_eq!(build(for_all), build(said));

    let single = Network::<f32>::builder(3).layer(4, Activation::Tanh).bias_init(own).build(&mut rng(1)).unwrap();
    let double = Network::<f64>::builder(3).layer(4, Activation::Tanh).bias_init(own).build(&mut rng(1)).unwrap();
    let (single, double) = (&single.layers()[0].affine, &double.layers()[0].affine);
    assert_eq!(single.weights, double.weights.mapv(|w| w as f32));
    assert_eq!(single.bias, double.bias.mapv(|b| b as f32));
}

// --- The tags themselves ---------------------------------------------------------------------------------------------

fn sources(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() {
            files.extend(sources(&name));
        } else if name.ends_with(".rs") {
            files.push((name.clone(), std::fs::read_to_string(path).unwrap()));
        }
    }
    files
}

/// The tags in a line: a capital letter and digits in parentheses.
fn tags_in(line: &str) -> impl Iterator<Item = &str> {
    line.split('(').skip(1).filter_map(|rest| rest.split_once(')')).map(|(tag, _)| tag).filter(|tag| {
        let digits = tag.trim_start_matches(|c: char| c.is_ascii_uppercase());
        tag.len() == digits.len() + 1 && !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
    })
}

#[test]
fn every_tag_stands_in_a_derivation_on_a_line_of_code_and_in_the_name_of_a_test() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (_, text) in sources(&format!("{root}/src")) {
        for line in text.lines() {
            let is_doc = ["//!", "///"].iter().any(|start| line.trim_start().starts_with(start));
            let place = if is_doc { "derivation" } else { "code" };
            tags_in(line).for_each(|tag| _ = found.entry(tag.to_owned()).or_default().insert(place));
        }
    }
    for (_, text) in sources(&format!("{root}/tests")) {
        for name in text.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")) {
            for word in name.split('(').next().unwrap_or("").split('_') {
                if let Some(places) = found.get_mut(&word.to_uppercase()) {
                    places.insert("test");
                }
            }
        }
    }
    assert!(found.len() >= 30, "{found:?}");
    let all = BTreeSet::from(["derivation", "code", "test"]);
    let lacking: Vec<_> = found.iter().filter(|(_, places)| **places != all).collect();
    assert!(lacking.is_empty(), "tags that stand in some places only: {lacking:?}");
}
