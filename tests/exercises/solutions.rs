//! One answer to each exercise of the derivation, with the same checks as yours. Spoilers ahead.

use crate::yours::Function;
use crate::{Backward, Line, Pass};
use chainrule::ndarray::{Array1, Array2, Axis};
use chainrule::{Activation, Affine, Loss, Network, Optimizer};

pub fn by_hand() -> [f64; 6] {
    // z = 3·1 − 1·2 + 0.5, L = (z − 2)², dz = 2 (z − 2), dw = x dz
    [1.5, 0.25, -1.0, -3.0, 1.0, -1.0]
}

pub fn two_lines(w1: f64, b1: f64, w2: f64, b2: f64) -> (f64, f64) {
    (w2 * w1, w2 * b1 + b2)
}

pub fn input_gradient(w: [[f64; 2]; 3], dz: [f64; 2]) -> [f64; 3] {
    w.map(|row| row[0] * dz[0] + row[1] * dz[1])
}

pub fn shared_weight(x: [f64; 2], dz: [f64; 2]) -> f64 {
    x[0] * dz[0] + x[1] * dz[1]
}

pub fn transpose(dz: &Array2<f64>, w: &Array2<f64>) -> [Array2<f64>; 2] {
    [dz.dot(w), dz.dot(&w.t())]
}

pub fn weighted_examples(dz: &Array2<f64>, c: &Array1<f64>) -> Array2<f64> {
    // The 1/n in dZ becomes c: row r times n·c. B2 to B5 do not change.
    let n = dz.nrows() as f64;
    Array2::from_shape_fn(dz.dim(), |(r, j)| n * c[r] * dz[[r, j]])
}

pub fn other_targets() -> [f64; 6] {
    // dZ₁ = (A₁ − Y)/2 with Y = (0, 1); dW₁ = A₀ᵀ·dZ₁ and db₁ = Σ dZ₁ sum over both rows.
    [0.588977, 0.309598, -0.095713, 0.161328, 0.181303, 0.213885]
}

pub fn second_step() -> (f64, f64) {
    // V = 0.9 · (−0.106943) − 0.5 · ((0.618190 − 1) + (0.757443 − 0))/2; a bias has no decay.
    (-0.190157, 0.702900)
}

pub fn softsign(_z: f64, a: f64) -> f64 {
    (1.0 - a.abs()).powi(2) // f′ = 1/(1 + |z|)², and 1/(1 + |z|) = 1 − |a|
}

pub fn squared_relu() -> Activation {
    Activation::Custom { name: "squared ReLU", f: |z| z.max(0.0).powi(2), slope: |z, _| 2.0 * z.max(0.0) }
}

pub fn softmax_of_two(w: [f64; 2], b: [f64; 2]) -> (f64, f64) {
    (w[0] - w[1], b[0] - b[1]) // divide above and below by e^z₁
}

pub fn pinball() -> (Loss, f64) {
    // The slopes of a share q below, +1/4 each, and of 1 − q above, −3/4 each, add up to 0 at q = 3/4.
    let loss = Loss::Custom {
        name: "pinball",
        value: |a, y| if a > y { (a - y) / 4.0 } else { 3.0 * (y - a) / 4.0 },
        slope: |a, y| if a > y { 0.25 } else { -0.75 },
    };
    (loss, 0.75)
}

pub fn laplace() -> Loss {
    Loss::Custom { name: "Laplace", value: |a, y| (a - y).abs(), slope: |a, y| (a - y).signum() }
}

pub fn best_guess(q: f64) -> (f64, f64) {
    // The derivative (a − q)/(a (1 − a)) is 0 at a = q; the cost there is the entropy.
    (q, -q * q.ln() - (1.0 - q) * (1.0 - q).ln())
}

pub fn tanh_partner() -> Loss {
    // tanh z is the sigmoid p = (1 + a)/2 of 2z. With t = (1 + y)/2: −t ln p − (1 − t) ln(1 − p), up to a constant.
    Loss::Custom {
        name: "partner of tanh",
        value: |a, y| -0.5 * (1.0 + y) * (1.0 + a).ln() - 0.5 * (1.0 - y) * (1.0 - a).ln(),
        slope: |a, y| (a - y) / (1.0 - a * a),
    }
}

pub fn softened() -> ([f64; 3], f64) {
    ([-0.3, 0.2, 0.1], 8.0_f64.ln()) // a − y; a = y where e^(z₁ − z₂) = 0.8/0.1
}

pub fn longest_stride() -> f64 {
    3.0 / 14.0 // 2/c, c = 2 (1 + 4 + 9)/3
}

pub fn coasting(velocity: f64, momentum: f64) -> f64 {
    velocity * momentum / (1.0 - momentum) // μV + μ²V + …
}

pub fn leaky_start(inputs: f64) -> f64 {
    2.0 / (1.01 * inputs) // mean(a²) = (1 + 0.01)/2 · Var(z)
}

pub fn triangle(inputs: f64, outputs: f64) -> f64 {
    (3.0 / (inputs + outputs)).sqrt() // 2 · r²/3 = 2/(inputs + outputs)
}

pub fn revived() -> (f64, Option<usize>) {
    // w shrinks to 0, b = −1 has no decay: every pre-activation tends to −1 from below.
    (-4.0 / 3.0 * 0.95, None)
}

pub fn certainly_small() -> usize {
    5 // 4⁵ = 1024
}

pub fn two_points(f: Function, x: f64, h: f64) -> f64 {
    (f(x + h) - f(x - h)) / (2.0 * h)
}

pub fn whole_pass(pass: &Pass) -> Backward {
    let Pass { weights: [_, w1, w2], x, y, a: [a0, a1, a2] } = pass;
    let gradient = |input: &Array2<f64>, dz: &Array2<f64>| Affine {
        weights: input.t().dot(dz), // B4
        bias: dz.sum_axis(Axis(0)), // B5
    };
    let dz2 = (a2 - y) / y.nrows() as f64; // B1
    let dz1 = dz2.dot(&w2.t()) * a1.mapv(|a| a * (1.0 - a)); // B2, B3 with D2
    let dz0 = dz1.dot(&w1.t()) * a0.mapv(|a| 1.0 - a * a); // B2, B3 with D3
    [gradient(x, &dz0), gradient(a0, &dz1), gradient(a1, &dz2)]
}

pub fn which_line() -> [Line; 5] {
    // 1: layer 2 is right, and all below is wrong: what comes out of B3. 2: only the biases. 3: layer 1 is right, so its
    // dZ is; B2 makes layer 0 wrong. 4: one dW alone. 5: all, by a factor of n.
    [Line::B3, Line::B5, Line::B2, Line::B4, Line::B1]
}

pub fn sign_descent() -> Box<dyn Optimizer<f64>> {
    struct SignDescent;

    impl Optimizer<f64> for SignDescent {
        fn update(&mut self, network: &mut Network<f64>, gradients: &[Affine<f64>]) {
            for (mut layer, gradient) in network.layers_mut().zip(gradients) {
                layer.weights.zip_mut_with(&gradient.weights, |w, dw| *w -= 0.1 * dw.signum());
                layer.bias.zip_mut_with(&gradient.bias, |b, db| *b -= 0.1 * db.signum());
            }
        }

        fn current_rate(&self) -> f64 {
            0.1
        }
    }
    Box::new(SignDescent)
}

pub fn uncorrected(t: f64) -> f64 {
    (1.0 - 0.9_f64.powf(t)) / (1.0 - 0.999_f64.powf(t)).sqrt() // (1 − β₁ᵗ) g / √((1 − β₂ᵗ) g²)
}

pub fn dropout_noise(p: f64) -> f64 {
    1.0 / (1.0 - p) // (1 − p) · 1/(1 − p)²
}

pub fn twice() -> [f64; 3] {
    [1.5, 0.75, 0.75] // 2, 1, 1 over their mean
}

pub fn three_machines() -> f64 {
    2.0 // (20 · 1 + 20 · 2 + 10 · 4) / 50
}

pub fn enough_rows() -> usize {
    102 // 2 · 4 · 636,010 / 2.5·10⁹ · 50,000 = 101.8
}
