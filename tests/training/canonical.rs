//! The short path equals the general one: where both are well conditioned, a canonical pair of activation and loss
//! gives the same result as ∂L/∂A followed by B3.
//!
//! The same activation or loss as a custom one has no canonical partner and takes the general path.

use crate::common;
use chainrule::{Activation, Loss, Network};
use common::{OWN_SIGMOID, fitting, network, one_hot_rows, pass, uniform};

const OUTPUTS: usize = 3;

/// The same network and batch with two names for the same outputs and loss; the second is `unit` times too small.
fn check(output: Activation, loss: Loss, own_output: Activation, own_loss: Loss, unit: f64) {
    assert_eq!(loss.canonical_activation(), Some(output));
    assert!(own_loss.canonical_activation() != Some(own_output), "this would be the short way again");
    let targets = [one_hot_rows((5, OUTPUTS), 3), fitting(loss, uniform((5, OUTPUTS), 0.0, 1.0, 3))];
    for y in targets {
        let build = |output| network(4, &[(6, Activation::Tanh), (OUTPUTS, output)], 1);
        let (short, long): (Network<f64>, Network<f64>) = (build(output), build(own_output));
        let x = uniform((5, 4), -2.0, 2.0, 2);
        let (cost, short) = pass(&short, x.view(), y.view(), loss);
        let (own_cost, long) = pass(&long, x.view(), y.view(), own_loss);
        assert!((cost - unit * own_cost).abs() < 1e-14 * cost, "{cost} and {own_cost}");
        for l in 0..2 {
            assert!(short.dz(l).iter().any(|d| d.abs() > 1e-3));
            assert!(short.dz(l).abs_diff_eq(&(&long.dz(l) * unit), 1e-14), "dZ of layer {l}");
            let (short, long) = (&short.gradients()[l], &long.gradients()[l]);
            assert!(short.weights.abs_diff_eq(&(&long.weights * unit), 1e-14), "dW of layer {l}");
            assert!(short.bias.abs_diff_eq(&(&long.bias * unit), 1e-14), "db of layer {l}");
        }
    }
}

#[test]
fn identity_with_squared_error() {
    let plain = Activation::Custom { name: "plain", f: |z| z, slope: |_, _| 1.0 };
    check(Activation::Identity, Loss::MeanSquaredError, plain, Loss::MeanSquaredError, 1.0);
}

#[test]
fn sigmoid_with_binary_cross_entropy() {
    check(Activation::Sigmoid, Loss::BinaryCrossEntropy, OWN_SIGMOID, Loss::BinaryCrossEntropy, 1.0);
}

/// A custom loss also averages over the outputs; cross-entropy sums over them.
#[test]
fn softmax_with_cross_entropy() {
    let own = Loss::Custom { name: "own cross-entropy", value: |a, y| -y * a.ln(), slope: |a, y| -y / a };
    check(Activation::Softmax, Loss::CrossEntropy, Activation::Softmax, own, OUTPUTS as f64);
}
