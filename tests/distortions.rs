//! What the recipes of `examples/mnist.rs` add to the crate: distorted digits, and a bound on the columns of W.

#[path = "../examples/common/distortions.rs"]
mod distortions;
#[path = "../examples/common/short_columns.rs"]
mod short_columns;

use chainrule::ndarray::{Array1, Array2, Axis};
use chainrule::rand::{RngCore, SeedableRng};
use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer};
use distortions::{Distortion, Strength};
use short_columns::ShortColumns;

const NONE: Strength = Strength { angle: 0.0, scale: 0.0, shift: 0.0, alpha: 0.0, sigma: 5.5 };
const ALL: Strength = Strength { angle: 15.0, scale: 0.2, shift: 1.0, alpha: 38.0, sigma: 5.0 };

/// A generator that always gives the same bits: all of them 1 draws the upper end of every range, and `true`.
struct Constant(u64);

impl RngCore for Constant {
    fn next_u32(&mut self) -> u32 {
        self.0 as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0 as u8);
    }
}

/// Ink from 0 to 1 without any symmetry, inside of a border of paper.
fn picture() -> Array1<f32> {
    Array1::from_shape_fn(784, |i| match (i / 28, i % 28) {
        (4..24, 4..24) => ((i * i + 7 * i) % 101) as f32 / 100.0,
        _ => 0.0,
    })
}

fn distorted(strength: Strength, rng: &mut impl RngCore) -> Array1<f32> {
    let mut picture = picture();
    Distortion::new(strength).apply(picture.view_mut(), rng);
    picture
}

#[test]
fn no_strength_changes_no_bit() {
    for seed in 0..20 {
        assert_eq!(distorted(NONE, &mut ChaCha8Rng::seed_from_u64(seed)), picture());
    }
}

#[test]
fn a_quarter_turn_moves_each_pixel_to_its_place() {
    let turned = distorted(Strength { angle: 90.0, ..NONE }, &mut Constant(u64::MAX));
    for (i, ink) in turned.iter().enumerate() {
        let (row, column) = (i / 28, i % 28);
        // x′ = −y and y′ = x about the middle.
        let from = 28 * column + (27 - row);
        assert!((ink - picture()[from]).abs() < 1e-4, "pixel {i}: {ink} for {}", picture()[from]);
    }
}

#[test]
fn a_shift_moves_each_pixel_to_its_place() {
    let moved = distorted(Strength { shift: 2.0, ..NONE }, &mut Constant(u64::MAX));
    for (i, ink) in moved.iter().enumerate() {
        let (row, column) = (i / 28, i % 28);
        let expected = if row < 26 && column < 26 { picture()[28 * (row + 2) + column + 2] } else { 0.0 };
        assert!((ink - expected).abs() < 1e-4, "pixel {i}: {ink} for {expected}");
    }
}

#[test]
fn ink_stays_between_0_and_1() {
    let mut changed = 0;
    for seed in 0..500 {
        let ink = distorted(ALL, &mut ChaCha8Rng::seed_from_u64(seed));
        assert!(ink.iter().all(|ink| (0.0..=1.0).contains(ink)), "seed {seed}");
        changed += usize::from(ink != picture());
    }
    assert_eq!(changed, 500);
}

/// The picture is a ramp, x/28, so that the ink of a pixel tells the displacement in x.
#[test]
fn the_elastic_field_has_the_size_of_the_derivation() {
    let (alpha, sigma) = (36.0, 5.0);
    let distortion = Distortion::new(Strength { alpha, sigma, ..NONE });
    let ramp = Array1::from_shape_fn(784, |i| (i % 28) as f32 / 28.0);
    let middle = 28 * 14 + 14;
    let (mut squares, mut product, pictures) = (0.0, 0.0, 20_000);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..pictures {
        let mut copy = ramp.clone();
        distortion.apply(copy.view_mut(), &mut rng);
        let displacement = |i: usize| f64::from(28.0 * (copy[i] - ramp[i]));
        squares += displacement(middle).powi(2);
        product += displacement(middle) * displacement(middle + 5);
    }
    let expected = alpha * alpha / (12.0 * std::f64::consts::PI * sigma * sigma);
    let variance = squares / f64::from(pictures);
    assert!((variance / expected - 1.0).abs() < 0.03, "variance {variance}, expected {expected}");
    // The correlation of two pixels 5 = σ apart: e^(−d²/4σ²).
    let correlation = product / squares;
    assert!((correlation - (-0.25_f64).exp()).abs() < 0.02, "correlation {correlation}");
}

#[test]
fn training_on_distorted_digits_has_the_same_bits_on_any_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let rows: Vec<f32> = (0..40).flat_map(|_| distorted(ALL, &mut rng)).collect();
    let inputs = Array2::from_shape_vec((40, 784), rows).unwrap();
    let data = Dataset::classification(inputs, (0..40).map(|i| i % 10).collect(), 10).unwrap();
    let distortion = Distortion::new(ALL);
    let trained = |threads: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let builder = Network::builder(784).layer(32, Activation::Relu).layer(10, Activation::Softmax);
        let mut network: Network<f32> = builder.build(&mut rng).unwrap();
        Trainer::new(Loss::CrossEntropy, Sgd::new(0.1))
            .epochs(2)
            .batch_size(20)
            .threads(threads)
            .augment(|row, rng| distortion.apply(row, rng))
            .fit(&mut network, &data, &mut rng)
            .unwrap();
        network
    };
    let alone = trained(1);
    assert_eq!(alone, trained(1));
    assert_eq!(alone, trained(2));
    assert_eq!(alone, trained(5));
}

#[test]
fn long_columns_are_cut_and_short_ones_left_alone() {
    let data = Dataset::<f32>::xor();
    let trained = |longest: f64| {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let builder = Network::builder(2).layer(8, Activation::Tanh).layer(1, Activation::Sigmoid);
        let mut network: Network<f32> = builder.build(&mut rng).unwrap();
        Trainer::new(Loss::BinaryCrossEntropy, ShortColumns::new(Sgd::new(0.5).momentum(0.9), longest))
            .epochs(50)
            .batch_size(4)
            .fit(&mut network, &data, &mut rng)
            .unwrap();
        network
    };
    let longest = |network: &Network<f32>| {
        let columns = network.layers().iter().flat_map(|layer| layer.affine.weights.axis_iter(Axis(1)));
        columns.map(|column| column.dot(&column).sqrt()).fold(0.0, f32::max)
    };
    let free = trained(f64::INFINITY);
    assert!(longest(&free) > 1.0);
    let bound = longest(&trained(1.0));
    assert!((bound - 1.0).abs() < 1e-5, "{bound}");
    // A bound that nothing reaches changes no bit.
    assert_eq!(trained(1e6), free);
}
