//! Your answers to the exercises of the derivation. Replace a `todo!()`, then run the command given with the exercise,
//! such as `cargo test --test exercises by_hand -- --ignored`.

#![allow(unused_variables, unused_imports)] // until you use them

use crate::{Backward, Line, Pass};
use chainrule::ndarray::{Array1, Array2, Axis};
use chainrule::{Activation, Affine, Loss, Optimizer};

/// A function of one number.
pub type Function = fn(f64) -> f64;

// 1 · One neuron

/// z, L, dz, dw₁, dw₂, db
pub fn by_hand() -> [f64; 6] {
    todo!()
}

/// Weight and bias of the single neuron that equals the two.
pub fn two_lines(w1: f64, b1: f64, w2: f64, b2: f64) -> (f64, f64) {
    todo!()
}

// 2 · One layer

/// dx, from w\[i\]\[j\] and dz\[j\].
pub fn input_gradient(w: [[f64; 2]; 3], dz: [f64; 2]) -> [f64; 3] {
    todo!()
}

/// dw, for z₁ = x₁w and z₂ = x₂w.
pub fn shared_weight(x: [f64; 2], dz: [f64; 2]) -> f64 {
    todo!()
}

// 3 · The batch

/// dZ·W and dZ·Wᵀ.
pub fn transpose(dz: &Array2<f64>, w: &Array2<f64>) -> [Array2<f64>; 2] {
    todo!()
}

/// dZ of the weighted mean, from dZ of the plain one and the weights c of the rows.
pub fn weighted_examples(dz: &Array2<f64>, c: &Array1<f64>) -> Array2<f64> {
    todo!()
}

// 4 · One step, in numbers

/// L, both dZ₁, both entries of dW₁, db₁, for the targets 0 and 1.
pub fn other_targets() -> [f64; 6] {
    todo!()
}

/// Velocity and value of b₁ after the second step.
pub fn second_step() -> (f64, f64) {
    todo!()
}

// 5 · The activations

/// f′ of the softsign a = z / (1 + |z|).
pub fn softsign(z: f64, a: f64) -> f64 {
    todo!()
}

/// f, and f′ as a function of z and a.
pub fn squared_relu() -> Activation {
    Activation::Custom { name: "squared ReLU", f: |z| todo!(), slope: |z, a| todo!() }
}

/// w and b of the sigmoid unit that equals the first of two softmax units x·w₁ + b₁, x·w₂ + b₂.
pub fn softmax_of_two(w: [f64; 2], b: [f64; 2]) -> (f64, f64) {
    todo!()
}

// 6 · The costs

/// Value and slope in a, and the share of the targets below the best constant guess.
pub fn pinball() -> (Loss, f64) {
    (Loss::Custom { name: "pinball", value: |a, y| todo!(), slope: |a, y| todo!() }, f64::NAN)
}

/// Value and slope in a; the value may omit a constant.
pub fn laplace() -> Loss {
    Loss::Custom { name: "Laplace", value: |a, y| todo!(), slope: |a, y| todo!() }
}

/// The best output, and the mean binary cross-entropy that it costs.
pub fn best_guess(q: f64) -> (f64, f64) {
    todo!()
}

// 7 · The canonical pairs

/// Value and slope in a.
pub fn tanh_partner() -> Loss {
    Loss::Custom { name: "partner of tanh", value: |a, y| todo!(), slope: |a, y| todo!() }
}

/// dz of (0.5, 0.3, 0.2) for targets (0.8, 0.1, 0.1), and the lead of z₁ with which dz is 0.
pub fn softened() -> ([f64; 3], f64) {
    todo!()
}

// 8 · Descent

/// The learning rate from which on descent diverges.
pub fn longest_stride() -> f64 {
    todo!()
}

/// What a parameter of this velocity still travels.
pub fn coasting(velocity: f64, momentum: f64) -> f64 {
    todo!()
}

// 9 · The start

/// The variance of the weights.
pub fn leaky_start(inputs: f64) -> f64 {
    todo!()
}

/// r.
pub fn triangle(inputs: f64, outputs: f64) -> f64 {
    todo!()
}

// 10 · Trouble

/// w after the step, and the number of steps to the first pre-activation above 0; `None` for never.
pub fn revived() -> (f64, Option<usize>) {
    todo!()
}

/// The number of layers.
pub fn certainly_small() -> usize {
    todo!()
}

// 11 · The last proof

/// The slope of f at x.
pub fn two_points(f: Function, x: f64, h: f64) -> f64 {
    todo!()
}

/// dW and db of every layer.
pub fn whole_pass(pass: &Pass) -> Backward {
    todo!()
}

/// The wrong line of each patient, from the first to the fifth.
pub fn which_line() -> [Line; 5] {
    todo!()
}

// 12 · Steps of their own

/// Sign descent with η = 0.1. (Make a struct, and implement `Optimizer<f64>` for it.)
pub fn sign_descent() -> Box<dyn Optimizer<f64>> {
    todo!()
}

/// Step t over η, when nothing is corrected.
pub fn uncorrected(t: f64) -> f64 {
    todo!()
}

// 13 · What else training adds

/// The mean of ã² over a².
pub fn dropout_noise(p: f64) -> f64 {
    todo!()
}

/// The weights of three examples, the first of which stands for two.
pub fn twice() -> [f64; 3] {
    todo!()
}

// 14 · Many machines, one step

/// The gradient of the batch of three parts.
pub fn three_machines() -> f64 {
    todo!()
}

/// The least number of rows that take as long as the sum.
pub fn enough_rows() -> usize {
    todo!()
}
