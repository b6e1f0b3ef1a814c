//! The same bits with vectors of every width: the program runs itself again with narrower ones, and compares.

mod common;

use chainrule::{Activation, Adam, Dataset, Loss, Network, Real, Sgd, Trainer};
use common::{bits, network_bits, one_hot_rows, rng, uniform};
use std::process::Command;

/// Sizes, hidden and output activation, loss, batch, momentum.
type Training = (&'static [usize], Activation, Activation, Loss, usize, f64);

/// The networks of the five tutorials, those of the benches, and two of odd sizes.
const NETWORKS: [Training; 10] = [
    (&[2, 4, 1], Activation::Tanh, Activation::Sigmoid, Loss::BinaryCrossEntropy, 50, 0.0), // planar
    (&[1, 8, 5, 3, 1], Activation::Sigmoid, Activation::Sigmoid, Loss::MeanSquaredError, 40, 0.0), // cos, W5
    (&[2, 25, 50, 25, 2], Activation::Sigmoid, Activation::Sigmoid, Loss::MeanSquaredError, 1, 0.0), // moons, W4
    (&[784, 16, 16, 10], Activation::Sigmoid, Activation::Sigmoid, Loss::MeanSquaredError, 32, 0.0), // mnist
    (&[3072, 50, 10], Activation::Relu, Activation::Softmax, Loss::CrossEntropy, 200, 0.9), // cifar10
    (&[784, 100, 10], Activation::Sigmoid, Activation::Softmax, Loss::CrossEntropy, 32, 0.9), // W1
    (&[784, 800, 10], Activation::Relu, Activation::Softmax, Loss::CrossEntropy, 128, 0.9), // W2
    (&[784, 1024, 1024, 1024, 10], Activation::Relu, Activation::Softmax, Loss::CrossEntropy, 256, 0.9), // W3
    (&[37, 101, 3, 67, 7], Activation::Tanh, Activation::Softmax, Loss::CrossEntropy, 13, 0.9),
    (&[5, 130, 2, 33], Activation::Relu, Activation::Identity, Loss::MeanSquaredError, 3, 0.5),
];

/// A number for all parameters of all networks after some steps, and for predictions of one row and of many.
fn fingerprint<F: Real>() -> u64 {
    let mut sum = 0_u64;
    let mut add = |bits: Vec<u64>| {
        for word in bits {
            sum = sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(word);
        }
    };
    for (seed, (sizes, hidden, output, loss, batch, momentum)) in (1..).zip(NETWORKS) {
        let outputs = sizes[sizes.len() - 1];
        let mut builder = Network::<F>::builder(sizes[0]);
        for &units in &sizes[1..sizes.len() - 1] {
            builder = builder.layer(units, hidden);
        }
        let mut network = builder.layer(outputs, output).build(&mut rng(seed)).unwrap();
        let x = uniform::<F>((2 * batch, sizes[0]), 0.0, 1.0, seed);
        let y = match loss {
            Loss::CrossEntropy => one_hot_rows((2 * batch, outputs), seed),
            _ => uniform((2 * batch, outputs), 0.0, 1.0, seed + 1),
        };
        let data = Dataset::new(x, y).unwrap();
        let sgd = Sgd::new(0.1).momentum(momentum).weight_decay(1e-3);
        Trainer::new(loss, sgd).epochs(3).batch_size(batch).fit(&mut network, &data, &mut rng(seed)).unwrap();
        add(network_bits(&network));
        let mut other = Trainer::new(loss, Adam::new(1e-3).weight_decay(0.1)).epochs(1).batch_size(batch);
        other = other.dropout(0.1, 0.5).clip_norm(0.5);
        other.fit(&mut network, &data, &mut rng(seed)).unwrap();
        add(network_bits(&network));
        add(bits(&network.predict(data.inputs()).unwrap()));
        add(bits(&network.predict(data.inputs().split_at(chainrule::ndarray::Axis(0), 1).0).unwrap()));
    }
    sum
}

/// Prints what the parent asks for; alone it does nothing.
#[test]
fn fingerprints() {
    if std::env::var_os("CHAINRULE_FINGERPRINTS").is_some() {
        println!("fingerprints: {:x} {:x}", fingerprint::<f32>(), fingerprint::<f64>());
    }
}

#[test]
fn every_width_of_vectors_gives_the_same_bits() {
    let of = |vectors: &str| {
        let mut program = Command::new(std::env::current_exe().unwrap());
        let output = program
            .args(["--exact", "fingerprints", "--nocapture"])
            .env("CHAINRULE_FINGERPRINTS", "1")
            .env("CHAINRULE_VECTORS", vectors)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| Some(line.split_once("fingerprints: ")?.1.to_owned()));
        line.unwrap_or_else(|| panic!("no fingerprints in {text}"))
    };
    let widest = of("widest");
    // Without fused multiplication every product is rounded before it is added: other bits, and nothing to compare.
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("fma") {
        assert_eq!(of("avx2"), widest);
        assert_ne!(of("sse2"), widest, "the narrower vectors were not used");
    }
    assert_eq!(of("widest"), widest);
}
