//! `Dataset`: its invariants, splits and scaling; the toy sets against their equations and against published draws;
//! the readers on valid files and on every kind of bad one.
//!
//! If `MNIST_DIR` and `CIFAR10_DIR` name folders with the real files, the tests read those too.

use chainrule::rand::{RngCore, SeedableRng};
use chainrule::{ChaCha8Rng, Dataset, Error, FileProblem, Idx, Result, Scaling, one_hot};
use ndarray::{Array1, Array2, ArrayView2, Axis, ShapeBuilder, array};
use std::f64::consts::{PI, TAU};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn message<T, E: std::fmt::Display>(result: Result<T, E>) -> String {
    result.err().expect("an error").to_string()
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let values = Array1::from(values.to_vec());
    (values.mean().unwrap(), values.std(0.0))
}

/// Row i: inputs (i, −i), and the given target.
fn numbered(targets: Array2<f64>) -> Dataset<f64> {
    let inputs = Array2::from_shape_fn((targets.nrows(), 2), |(i, j)| if j == 0 { i as f64 } else { -(i as f64) });
    Dataset::new(inputs, targets).unwrap()
}

fn row_numbers(data: &Dataset<f64>) -> Vec<usize> {
    data.inputs().column(0).iter().map(|&x| x as usize).collect()
}

// ---- Dataset ----

#[test]
fn construction_refuses_what_breaks_the_invariants() {
    let one = || array![[1.0]];
    assert_eq!(message(Dataset::<f64>::new(Array2::zeros((0, 2)), one())), "inputs: expected at least one, found none");
    assert_eq!(message(Dataset::<f64>::new(Array2::zeros((1, 0)), one())), "inputs: expected at least one, found none");
    assert_eq!(
        message(Dataset::<f64>::new(one(), Array2::zeros((1, 0)))),
        "targets: expected at least one, found none"
    );
    assert_eq!(
        message(Dataset::<f64>::new(one(), Array2::zeros((2, 3)))),
        "targets: expected shape [1, 3], found [2, 3]. Every row of inputs has one row of targets"
    );
    assert_eq!(
        message(Dataset::new(array![[1.0, f64::NAN]], one())),
        "inputs: expected finite numbers, found NaN at [0, 1]. Leave out rows with gaps, or fill them"
    );
    assert_eq!(
        message(Dataset::new(one(), array![[f64::NEG_INFINITY]])),
        "targets: expected finite numbers, found -inf at [0, 0]"
    );

    let classes = |labels, k| message(Dataset::classification(array![[1.0], [2.0]], labels, k));
    assert_eq!(classes(vec![0], 2), "labels: expected shape [2], found [1]. Every row of inputs has one label");
    assert_eq!(classes(vec![0, 2], 2), "label of row 1: expected 0 to 1, found 2: labels count from 0");
    assert_eq!(classes(vec![0, 0], 1), "classes: expected at least 2 (one column of 0 and 1: Dataset::new), found 1");
    assert_eq!(classes(vec![0, 0], 0), "classes: expected at least 2 (one column of 0 and 1: Dataset::new), found 0");
    assert_eq!(message(one_hot::<f64>(&[], 2)), "labels: expected at least one, found none");
    assert!(message(one_hot::<f64>(&[0, 1], usize::MAX)).starts_with("classes: expected a number that fits"));
}

#[test]
fn any_memory_order_is_stored_row_after_row() {
    let by_columns = Array2::from_shape_vec((2, 3).f(), vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]).unwrap();
    let mut backwards = array![[5.0, 6.0], [7.0, 8.0]];
    backwards.invert_axis(Axis(0));
    let data = Dataset::new(by_columns, backwards).unwrap();
    assert_eq!(data.inputs().as_slice(), Some(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]));
    assert_eq!(data.targets().as_slice(), Some(&[7.0, 8.0, 5.0, 6.0][..]));

    let data = Dataset::<f64>::moons(101, 0.1, &mut rng(1)).unwrap();
    let (first, second) = data.split(0.3, &mut rng(2)).unwrap();
    for part in [first, second, data.rows(7..40).unwrap(), data.select(&[5]).unwrap(), data.shuffled(&mut rng(3))] {
        assert!(part.inputs().as_slice().is_some() && part.targets().as_slice().is_some());
    }
}

#[test]
fn labels_are_read_off_the_targets() {
    let labels = |targets: Array2<f64>| numbered(targets).labels().map(<[usize]>::to_vec);
    assert_eq!(labels(array![[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), Some(vec![1, 0]));
    assert_eq!(labels(array![[1.0], [-0.0]]), Some(vec![1, 0]));
    assert_eq!(labels(array![[0.0, 1.0], [0.0, 0.0]]), None);
    assert_eq!(labels(array![[0.0, 1.0], [1.0, 1.0]]), None);
    assert_eq!(labels(array![[0.0, 1.0], [0.5, 0.5]]), None);
    assert_eq!(labels(array![[0.0, 1.0], [2.0, 0.0]]), None);
    assert_eq!(labels(array![[1.0], [2.0]]), None);

    // A part may name classes even if the whole does not.
    let mixed = numbered(array![[1.0], [0.5], [0.0]]);
    assert_eq!(mixed.select(&[2, 0]).unwrap().labels(), Some(&[0, 1][..]));
}

#[test]
fn select_and_rows() {
    let data = numbered(array![[0.1], [0.2], [0.3]]);
    assert_eq!(data.rows(1..3).unwrap(), data.select(&[1, 2]).unwrap());
    assert_eq!(data.select(&[2, 0, 2]).unwrap().targets(), array![[0.3], [0.1], [0.3]]);
    assert_eq!(message(data.select(&[0, 3])), "row: expected less than 3, found 3");
    assert_eq!(message(data.select(&[])), "rows: expected at least one, found none");
    assert_eq!(message(data.rows(2..4)), "row: expected less than 3, found 3");
    assert_eq!(message(data.rows(1..1)), "rows: expected at least one, found none");
    assert_eq!(message(data.rows(9..usize::MAX)), "row: expected less than 3, found 1.8446744e19");
}

#[test]
fn shuffling_reaches_every_order_about_equally_often() {
    let data = numbered(array![[0.0], [1.0], [1.0]]);
    let mut seen = std::collections::HashMap::new();
    for seed in 0..6_000 {
        *seen.entry(row_numbers(&data.clone().shuffled(&mut rng(seed)))).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 6);
    // 1000 expected, standard deviation √(6000·1/6·5/6) = 29.
    assert!(seen.values().all(|&times: &i32| (times - 1_000).abs() < 150), "{seen:?}");
}

#[test]
fn split_refuses_fractions_that_leave_a_side_empty() {
    let data = numbered(Array2::zeros((5, 1)));
    for fraction in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY, 0.09, 0.91] {
        let expected = format!(
            "fraction: expected more than 0, less than 1 (0.7 for 70 %), and at least one of the 5 rows on either side, found {fraction}"
        );
        assert_eq!(message(data.split(fraction, &mut rng(1))), expected);
        assert_eq!(message(data.split_stratified(fraction, &mut rng(1))), expected);
    }
    assert!(numbered(Array2::zeros((1, 1))).split(0.5, &mut rng(1)).is_err());
    assert_eq!(data.split(0.5, &mut rng(1)).unwrap().0.len(), 3, "2.5 rows: halves go up");
    // A generator may be a trait object.
    assert!(data.split(0.5, &mut rng(1) as &mut dyn RngCore).is_ok());
}

#[test]
fn split_stratified_of_rare_and_lonely_classes() {
    let fraction_of = |labels: Vec<usize>, classes, fraction| {
        let inputs = Array2::<f64>::zeros((labels.len(), 1));
        let data = Dataset::classification(inputs, labels, classes).unwrap();
        let (first, second) = data.split_stratified(fraction, &mut rng(5)).unwrap();
        let count = |part: Dataset<f64>| part.targets().sum_axis(Axis(0)).to_vec();
        (count(first), count(second))
    };
    // Shares 2.1 and 0.7, three rows: the single example has the larger remainder.
    assert_eq!(fraction_of(vec![0, 0, 0, 1], 2, 0.7), (vec![2.0, 1.0], vec![1.0, 0.0]));
    // Shares 0.9 and 0.3, one row.
    assert_eq!(fraction_of(vec![0, 0, 0, 1], 2, 0.3), (vec![1.0, 0.0], vec![2.0, 1.0]));
    // Equal remainders: the lower class.
    assert_eq!(fraction_of(vec![1, 0], 2, 0.5), (vec![1.0, 0.0], vec![0.0, 1.0]));
    // One class only, and classes without any example.
    assert_eq!(fraction_of(vec![2; 4], 4, 0.5), (vec![0.0, 0.0, 2.0, 0.0], vec![0.0, 0.0, 2.0, 0.0]));
    // A single column of 0 and 1.
    let (first, _) = Dataset::<f64>::planar(50, &mut rng(1)).unwrap().split_stratified(0.7, &mut rng(1)).unwrap();
    assert_eq!((first.len(), first.targets().sum()), (70, 35.0));

    assert_eq!(
        message(numbered(array![[1.0], [0.5]]).split_stratified(0.5, &mut rng(1))),
        "targets of row 1: expected a class (a single 1 among zeros, or 0 or 1 in a single column). Dataset::classification makes such targets of class numbers"
    );
}

// ---- Scaling ----

/// A data set of one column.
fn column<F: chainrule::Real>(values: &[F]) -> Dataset<F> {
    let n = values.len();
    Dataset::new(Array2::from_shape_vec((n, 1), values.to_vec()).unwrap(), Array2::zeros((n, 1))).unwrap()
}

#[test]
fn scaling_is_the_equation_and_leaves_targets() {
    let data = Dataset::new(array![[1.0, -2.0], [2.0, 0.0], [6.0, 8.0]], array![[1.0], [2.0], [3.0]]).unwrap();
    let scaling = Scaling::standardise(&data).unwrap();
    assert_eq!(scaling.shift(), array![3.0, 2.0]);
    let expected = array![(14.0_f64 / 3.0).sqrt(), (56.0_f64 / 3.0).sqrt()];
    assert!((&scaling.scale() - &expected).iter().all(|d| d.abs() < 1e-15));

    let scaled = scaling.apply(data.clone()).unwrap();
    assert_eq!(scaled.targets(), data.targets());
    assert_eq!(scaling.transform(data.inputs()).unwrap(), scaled.inputs());
    for ((i, j), &x) in data.inputs().indexed_iter() {
        assert_eq!(scaled.inputs()[[i, j]], (x - scaling.shift()[j]) / scaling.scale()[j]);
    }

    let centred = Scaling::mean(&data).unwrap().apply(data).unwrap();
    assert_eq!(centred.inputs(), array![[-2.0, -4.0], [-1.0, -2.0], [3.0, 6.0]]);
}

#[test]
fn a_constant_column_becomes_0() {
    // 0.1 added ten times is 0.9999999999999999: a naive mean would leave a deviation of 1e-17.
    let data = column(&[0.1; 10]);
    let scaling = Scaling::standardise(&data).unwrap();
    assert_eq!((scaling.shift()[0], scaling.scale()[0]), (0.1, 1.0));
    assert_eq!(scaling.apply(data).unwrap().inputs(), Array2::<f64>::zeros((10, 1)));
    assert_eq!(Scaling::standardise(&column(&[3.0_f32])).unwrap().scale()[0], 1.0);
    assert_eq!(Scaling::standardise(&column(&[0.0, 0.0, -0.0])).unwrap().scale()[0], 1.0);
}

/// Rounding is not variation: of 100 numbers near `value`, all the nearest to it but one, which is off by a few units
/// in the last place. Its size does not matter.
#[test]
fn a_column_that_is_constant_up_to_rounding_is_constant() {
    fn check<F: chainrule::Real>(value: F, other: F) {
        assert!(value != other);
        for size in [-100, -3, 0, 7, 100].map(|power| F::from_f64(2_f64.powi(power))) {
            for sign in [F::one(), -F::one()] {
                let mut values = vec![value * size * sign; 100];
                values[42] = other * size * sign;
                let scaling = Scaling::standardise(&column(&values)).unwrap();
                assert_eq!(scaling.scale()[0], 1.0, "{value} {other} times {size}");
                let found = scaling.transform(array![[value * size * sign + size]].view()).unwrap()[[0, 0]];
                assert!((found / size - F::one()).abs() < F::from_f64(1e-5), "{found} for {size}");
            }
        }
    }
    check(0.3_f64, 0.1 + 0.2);
    check(1.1_f64, 1.1 * 25.4 / 25.4 + 2.0 * f64::EPSILON); // there and back from inches to millimetres
    check(0.7_f32, 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1);
    check(1.0_f32, 1.0 - f32::EPSILON);
    check(1.0_f64, (1..=10).map(|_| 0.1).sum());

    // Few rows and many.
    for n in [2, 3, 10, 100_000] {
        let values: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 0.3 } else { 0.1 + 0.2 }).collect();
        assert_eq!(Scaling::standardise(&column(&values)).unwrap().scale()[0], 1.0, "{n} rows");
        let values: Vec<f32> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { 1.0 + f32::EPSILON }).collect();
        assert_eq!(Scaling::standardise(&column(&values)).unwrap().scale()[0], 1.0, "{n} rows of f32");
    }
}

/// Little is not nothing: columns that vary by more than rounding keep their deviation.
#[test]
fn a_column_that_varies_little_is_not_constant() {
    let deviation_in_steps = |values: Vec<f64>, step: f64| {
        let scale = Scaling::standardise(&column(&values)).unwrap().scale()[0];
        let n = values.len() as f64;
        (scale / (step * ((n * n - 1.0) / 12.0).sqrt()) - 1.0).abs()
    };
    for n in [2, 10, 100, 100_000_i64] {
        let steps = |start: f64, step: f64| (0..n).map(|k| start + step * k as f64).collect();
        assert!(deviation_in_steps(steps(0.0, 1e-17), 1e-17) < 1e-9, "{n} rows");
        assert!(deviation_in_steps(steps(1e9, 1e-3), 1e-3) < 1e-4, "{n} rows");
        assert!(deviation_in_steps(steps(-0.5, 1e-9), 1e-9) < 1e-4, "{n} rows");
        let values: Vec<f32> = (0..n).map(|k| 1e4 + 0.0625 * k as f32).collect();
        let scale = Scaling::standardise(&column(&values)).unwrap().scale()[0];
        let values: Vec<f32> = (0..n).map(|k| if k % 2 == 0 { 1e4 } else { 1e4 + 0.25 }).collect();
        assert_eq!(Scaling::standardise(&column(&values)).unwrap().scale()[0], 0.125, "{n} rows of two f32");
        assert!((scale / (0.0625 * ((n * n - 1) as f64 / 12.0).sqrt()) - 1.0).abs() < 1e-6, "{n} rows of f32");
    }
}

/// Four shares and their total, which differs from 1 by rounding alone: data in which it does so otherwise is not
/// blown up.
#[test]
fn a_total_stays_in_proportion_on_other_data() {
    fn check<F: chainrule::Real>() {
        let shares = |i: usize| {
            let parts = [1.0, 2.0, 3.0, 4.0].map(|k| F::from_f64(1.5 + (k * 0.7 * (i + 1) as f64).sin()));
            let sum = parts.iter().fold(F::zero(), |sum, &part| sum + part);
            parts.map(|part| part / sum)
        };
        let row = |shares: [F; 4]| {
            let total = shares.iter().fold(F::zero(), |sum, &share| sum + share);
            [shares[0], shares[1], shares[2], shares[3], total]
        };
        let train = Array2::from((0..150).map(|i| row(shares(i))).collect::<Vec<_>>());
        assert!(train.column(4).iter().any(|&total| total != F::one()));
        let scaling = Scaling::standardise(&Dataset::new(train, Array2::zeros((150, 1))).unwrap()).unwrap();
        let thousandth = |x: F| F::from_f64((x.f64() * 1000.0).round() / 1000.0);
        let test = Array2::from((0..150).map(|i| row(shares(i).map(thousandth))).collect::<Vec<_>>());
        let scaled = scaling.transform(test.view()).unwrap();
        assert!(scaled.iter().all(|x| x.f64().abs() < 5.0), "{scaled}");
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn scaling_of_extreme_values_is_right_or_refused() {
    let standardised = |values: &[f64]| {
        let data = column(values);
        Scaling::standardise(&data)?.apply(data).map(|data| data.inputs().iter().copied().collect::<Vec<f64>>())
    };
    let close = |found: Vec<f64>, expected: [f64; 2]| found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(standardised(&[1e-200, 3e-200]).unwrap(), [-1.0, 1.0]), "squares that vanish");
    assert!(close(standardised(&[1e-310, 3e-310]).unwrap(), [-1.0, 1.0]), "squares and units that vanish");
    assert!(close(standardised(&[1e200, 3e200]).unwrap(), [-1.0, 1.0]), "squares that overflow");
    assert!(close(standardised(&[1e15, 1e15 + 2.0]).unwrap(), [-1.0, 1.0]), "little about much");
    assert_eq!(
        message(standardised(&[f64::MAX, -f64::MAX])),
        "mean of each column: expected finite numbers, found -inf at [0]"
    );

    let data = column(&[f32::MAX, -f32::MAX]);
    let scaled = Scaling::standardise(&data).unwrap().apply(data).unwrap();
    assert_eq!(scaled.inputs(), array![[1.0], [-1.0]]);
    // The mean, 2²⁴ + ½, is not an f32: rounding it would leave the columns off centre.
    let data = column(&[16_777_216_f32, 16_777_216.0, 16_777_218.0, 16_777_216.0]);
    let scaled = Scaling::standardise(&data).unwrap().apply(data).unwrap();
    assert!(scaled.inputs().sum().abs() < 1e-6, "{}", scaled.inputs());
}

#[test]
fn scaling_refuses_other_columns_and_what_is_not_finite() {
    let scaling = Scaling::standardise(&column(&[0.0, 1e-30])).unwrap();
    let fits = "A Scaling fits data with the columns that it was made from";
    let text = format!("inputs to scale: expected shape [1, 1], found [1, 2]. {fits}");
    assert_eq!(message(scaling.transform(array![[1.0, 2.0]].view())), text);
    let text = format!("inputs to scale: expected shape [4, 1], found [4, 2]. {fits}");
    assert_eq!(message(scaling.apply(Dataset::<f64>::xor())), text);
    assert_eq!(
        message(scaling.transform(array![[f32::NAN]].view())),
        "inputs: expected finite numbers, found NaN at [0, 0]. Leave out rows with gaps, or fill them"
    );
    assert_eq!(
        message(scaling.transform(array![[1e10_f32]].view())),
        "scaled inputs: expected finite numbers, found inf at [0, 0]"
    );
}

// ---- Small sets ----

fn golden(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn golden_points(value: &serde_json::Value) -> Array2<f64> {
    let rows: Vec<[f64; 2]> = serde_json::from_value(value.clone()).unwrap();
    Array2::from(rows)
}

fn golden_labels(value: &serde_json::Value) -> Vec<usize> {
    serde_json::from_value(value.clone()).unwrap()
}

fn grid(low: f64, high: f64, m: usize, i: usize) -> f64 {
    low + (high - low) * i as f64 / (m - 1) as f64
}

fn assert_close(found: ArrayView2<f64>, expected: &[[f64; 2]]) {
    assert_eq!(found.shape(), [expected.len(), 2]);
    for (row, expected) in found.rows().into_iter().zip(expected) {
        assert!((row[0] - expected[0]).abs() < 1e-14 && (row[1] - expected[1]).abs() < 1e-14, "{row} {expected:?}");
    }
}

/// Solves the equations of the flower for its two noise terms, in units of their standard deviation.
fn flower_noise(points: ArrayView2<f64>) -> (Vec<f64>, Vec<f64>) {
    let m = points.nrows() / 2;
    let of_row = |(i, x): (usize, ndarray::ArrayView1<f64>)| {
        let j = (i / m) as f64;
        let on_grid = grid(3.12 * j, 3.12 * (j + 1.0), m, i % m);
        // x = (r sin t, r cos t) fixes t up to multiples of π; the noise is too small to reach another one.
        let angle = x[0].atan2(x[1]);
        let t = angle + PI * ((on_grid - angle) / PI).round();
        let r = x[0] * t.sin() + x[1] * t.cos();
        ((t - on_grid) / 0.2, (r - 4.0 * (4.0 * t).sin()) / 0.2)
    };
    points.rows().into_iter().enumerate().map(of_row).unzip()
}

#[test]
fn planar_is_the_published_flower() {
    let published = golden("data_planar.json");
    let labels = golden_labels(&published["label"]);
    let published = golden_points(&published["x"]);
    let mut sets = vec![published];
    for seed in 0..20 {
        let data = Dataset::<f64>::planar(200, &mut rng(seed)).unwrap();
        assert_eq!(data.labels(), Some(labels.as_slice()), "class 0, then class 1, as published");
        assert_eq!(data.num_outputs(), 1);
        sets.push(data.inputs().to_owned());
    }
    for points in sets {
        let (t, r) = flower_noise(points.view());
        for noise in [&t, &r] {
            // 400 draws: standard error 1/20 of the mean, 1/28 of the deviation.
            let (mean, deviation) = mean_and_deviation(noise);
            assert!(mean.abs() < 0.2 && (deviation - 1.0).abs() < 0.15, "{mean} {deviation}");
        }
        let correlation = t.iter().zip(&r).map(|(a, b)| a * b).sum::<f64>() / 400.0;
        assert!(correlation.abs() < 0.2, "{correlation}");
    }
}

#[test]
fn moons_without_noise_are_scikit_learns() {
    for samples in [1, 2, 3, 7, 100] {
        let data = Dataset::<f64>::moons(samples, 0.0, &mut rng(1)).unwrap();
        let outer = samples / 2;
        let angle = |i, m: usize| if m == 1 { 0.0 } else { grid(0.0, PI, m, i) };
        let expected: Vec<[f64; 2]> = (0..samples)
            .map(|i| {
                if i < outer {
                    let a = angle(i, outer);
                    [a.cos(), a.sin()]
                } else {
                    let a = angle(i - outer, samples - outer);
                    [1.0 - a.cos(), 1.0 - a.sin() - 0.5]
                }
            })
            .collect();
        assert_close(data.inputs(), &expected);
        let labels: Vec<usize> = (0..samples).map(|i| usize::from(i >= outer)).collect();
        assert_eq!(data.labels(), Some(labels.as_slice()));
        assert_eq!(data.num_outputs(), 2);
    }
}

#[test]
fn noise_is_normal_and_independent() {
    let mut noise = Vec::new();
    for seed in 0..50 {
        let noisy = Dataset::<f64>::moons(200, 0.2, &mut rng(seed)).unwrap();
        let clean = Dataset::<f64>::moons(200, 0.0, &mut rng(seed)).unwrap();
        noise.extend((&noisy.inputs() - &clean.inputs()).into_iter().map(|x| x / 0.2));
    }
    // 20,000 draws; bounds of about five standard errors.
    let n = noise.len() as f64;
    let (mean, deviation) = mean_and_deviation(&noise);
    assert!(mean.abs() < 0.035 && (deviation - 1.0).abs() < 0.025, "{mean} {deviation}");
    let fourth = noise.iter().map(|x| x.powi(4)).sum::<f64>() / n;
    assert!((fourth - 3.0).abs() < 0.35, "{fourth}");
    let between_coordinates = noise.chunks_exact(2).map(|x| x[0] * x[1]).sum::<f64>() / (n / 2.0);
    let between_rows = noise.windows(3).map(|x| x[0] * x[2]).sum::<f64>() / n;
    assert!(between_coordinates.abs() < 0.05 && between_rows.abs() < 0.035);
}

#[test]
fn moons_look_like_the_published_draw() {
    let published = golden("data_moons.json");
    let mut points = golden_points(&published["x_train"]);
    points.append(Axis(0), golden_points(&published["x_test"]).view()).unwrap();
    let labels = [golden_labels(&published["label_train"]), golden_labels(&published["label_test"])].concat();
    let ours = Dataset::<f64>::moons(2_000, 0.2, &mut rng(1)).unwrap();

    for (points, labels) in [(points.view(), labels.as_slice()), (ours.inputs(), ours.labels().unwrap())] {
        for (class, centre) in [(0, [0.0, 0.0]), (1, [1.0, 0.5])] {
            let rows = points.rows().into_iter().zip(labels).filter(|&(_, &label)| label == class);
            let (mut radius, mut height) = (Vec::new(), Vec::new());
            for (x, _) in rows {
                radius.push((x[0] - centre[0]).hypot(x[1] - centre[1]));
                height.push((x[1] - centre[1]) * if class == 0 { 1.0 } else { -1.0 });
            }
            assert_eq!(radius.len(), 1_000);
            // √((1 + 0.2·N)² + (0.2·N)²): about 1 + 0.2²/2; the mean height of a half circle is 2/π.
            let (mean, deviation) = mean_and_deviation(&radius);
            assert!((mean - 1.02).abs() < 0.03 && (deviation - 0.2).abs() < 0.025, "{mean} {deviation}");
            assert!((mean_and_deviation(&height).0 - 2.0 / PI).abs() < 0.06);
        }
    }
}

/// The angles of a spiral are off by normal numbers with the spread that was asked for.
#[test]
fn the_noise_of_spirals_is_a_spread_of_angles() {
    let (n, noise) = (2000, 0.05);
    let spirals = Dataset::<f64>::spirals(2, n, noise, &mut rng(1)).unwrap();
    let off: Vec<f64> = (spirals.inputs().rows().into_iter().enumerate().skip(1).filter(|(row, _)| *row != n))
        .map(|(row, point)| {
            let (r, theta) = (point[0].hypot(point[1]), point[0].atan2(point[1]));
            let turns = (theta - TAU * (row / n) as f64 / 2.0 - 4.0 * r) / TAU;
            (turns - turns.round()) * TAU
        })
        .collect();
    let spread = (off.iter().map(|d| d * d).sum::<f64>() / off.len() as f64).sqrt();
    assert!((spread / noise - 1.0).abs() < 0.1, "{spread}");
}

#[test]
fn circles_and_spirals_are_their_equations() {
    let circles = Dataset::<f64>::circles(9, 0.0, 0.3, &mut rng(1)).unwrap();
    let on_circle = |radius: f64, i: usize, m: usize| {
        let angle = TAU * i as f64 / m as f64;
        [radius * angle.cos(), radius * angle.sin()]
    };
    let expected: Vec<_> =
        (0..9).map(|i| if i < 4 { on_circle(1.0, i, 4) } else { on_circle(0.3, i - 4, 5) }).collect();
    assert_close(circles.inputs(), &expected);
    assert_eq!(circles.labels(), Some(&[0, 0, 0, 0, 1, 1, 1, 1, 1][..]));

    let spirals = Dataset::<f64>::spirals(3, 11, 0.0, &mut rng(1)).unwrap();
    let on_arm = |j: usize, i: usize| {
        let r = i as f64 / 10.0;
        let angle = TAU * j as f64 / 3.0 + 4.0 * r;
        [r * angle.sin(), r * angle.cos()]
    };
    let expected: Vec<_> = (0..33).map(|row| on_arm(row / 11, row % 11)).collect();
    assert_close(spirals.inputs(), &expected);
    assert_eq!(spirals.labels(), Some((0..33).map(|row| row / 11).collect::<Vec<_>>().as_slice()));

    // The noise of a spiral rotates a point; it stays on its circle.
    let noisy = Dataset::<f64>::spirals(3, 11, 0.2, &mut rng(1)).unwrap();
    let radius = |data: &Dataset<f64>| data.inputs().map_axis(Axis(1), |x| x[0].hypot(x[1]));
    assert!((radius(&noisy) - radius(&spirals)).iter().all(|d| d.abs() < 1e-14));
    assert_ne!(noisy.inputs(), spirals.inputs());
}

#[test]
fn functions_lie_on_an_even_grid_with_both_ends() {
    let cosine = Dataset::<f64>::cosine(200, -7.0, 7.0).unwrap();
    assert_eq!((cosine.len(), cosine.inputs()[[0, 0]], cosine.inputs()[[199, 0]]), (200, -7.0, 7.0));
    for i in 0..200 {
        let x = cosine.inputs()[[i, 0]];
        assert!((x - grid(-7.0, 7.0, 200, i)).abs() < 1e-14);
        assert_eq!(cosine.targets()[[i, 0]], (x.cos() + 1.0) / 2.0);
    }
    let one = Dataset::<f64>::function(|x| 2.0 * x, 3.0, 5.0, 1).unwrap();
    assert_eq!((one.inputs()[[0, 0]], one.targets()[[0, 0]]), (3.0, 6.0));
    let two = Dataset::<f64>::function(|x| 2.0 * x, 3.0, 5.0, 2).unwrap();
    assert_eq!(two.inputs(), array![[3.0], [5.0]]);
    // The last point is exactly `high`, not a sum of steps.
    assert!((2..2_000).all(|n| Dataset::<f64>::cosine(n, 0.1, 0.7).unwrap().inputs()[[n - 1, 0]] == 0.7));

    assert_eq!(Dataset::<f64>::xor().inputs(), array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    assert_eq!(Dataset::<f64>::xor().targets(), array![[0.0], [1.0], [1.0], [0.0]]);
}

#[test]
fn a_seed_gives_the_same_bits_again_and_f32_is_f64_rounded() {
    fn all<F: chainrule::Real>(seed: u64) -> Vec<Dataset<F>> {
        vec![
            Dataset::planar(30, &mut rng(seed)).unwrap(),
            Dataset::moons(61, 0.2, &mut rng(seed)).unwrap(),
            Dataset::moons(61, 0.2, &mut rng(seed)).unwrap().shuffled(&mut rng(seed)),
            Dataset::circles(61, 0.1, 0.5, &mut rng(seed)).unwrap(),
            Dataset::spirals(4, 30, 0.2, &mut rng(seed)).unwrap(),
            Dataset::moons(61, 0.2, &mut rng(seed)).unwrap().split(0.6, &mut rng(seed)).unwrap().1,
            Dataset::moons(61, 0.2, &mut rng(seed)).unwrap().split_stratified(0.6, &mut rng(seed)).unwrap().1,
            Dataset::cosine(50, -9.0, 9.0).unwrap(),
            Dataset::xor(),
        ]
    }
    assert_eq!(all::<f64>(1), all::<f64>(1));
    for (i, (one, other)) in all::<f64>(1).into_iter().zip(all::<f64>(2)).enumerate() {
        assert_eq!(one == other, i >= 7, "only the last two use no random numbers: {i}");
    }
    for (double, single) in all::<f64>(3).iter().zip(all::<f32>(3)) {
        assert_eq!(double.inputs().mapv(|x| x as f32), single.inputs());
        assert_eq!(double.targets().mapv(|x| x as f32), single.targets());
        assert_eq!(double.labels(), single.labels());
    }
}

#[test]
fn generators_refuse_bad_arguments() {
    type D = Dataset<f64>;
    let r = &mut rng(1);
    assert_eq!(message(D::planar(0, r)), "per_class: expected at least 1, found 0");
    assert_eq!(message(D::moons(0, 0.1, r)), "samples: expected at least 1, found 0");
    assert_eq!(message(D::circles(0, 0.1, 0.5, r)), "samples: expected at least 1, found 0");
    assert_eq!(message(D::spirals(2, 0, 0.1, r)), "per_class: expected at least 1, found 0");
    assert_eq!(
        message(D::spirals(1, 5, 0.1, r)),
        "classes: expected at least 2 (one column of 0 and 1: Dataset::new), found 1"
    );
    assert_eq!(message(D::cosine(0, 0.0, 1.0)), "samples: expected at least 1, found 0");
    for noise in [-0.1, f64::NAN, f64::INFINITY] {
        let expected = format!("noise: expected a finite number, 0 or more, found {noise}");
        assert_eq!(message(D::moons(10, noise, r)), expected);
        assert_eq!(message(D::circles(10, noise, 0.5, r)), expected);
        assert_eq!(message(D::spirals(2, 10, noise, r)), expected);
    }
    for factor in [-0.1, 1.0, f64::NAN] {
        let expected = format!("factor: expected 0 or more, less than 1, found {factor}");
        assert_eq!(message(D::circles(10, 0.1, factor, r)), expected);
    }
    assert_eq!(
        message(D::function(|x| x, f64::NAN, 1.0, 3)),
        "inputs: expected finite numbers, found NaN at [0, 0]. Leave out rows with gaps, or fill them"
    );
    assert_eq!(
        message(D::function(|x| 1.0 / x, -1.0, 1.0, 3)),
        "targets: expected finite numbers, found inf at [1, 0]"
    );
    assert!(message(Dataset::<f32>::cosine(2, 0.0, 1e300)).starts_with("inputs: expected finite numbers"));

    // More than memory can hold: an error, not a panic or an abort.
    let too_many = usize::MAX / 2;
    for error in [
        message(D::planar(too_many, r)),
        message(D::moons(too_many, 0.1, r)),
        message(D::circles(too_many, 0.1, 0.5, r)),
        message(D::spirals(too_many, too_many, 0.1, r)),
        message(D::cosine(too_many, 0.0, 1.0)),
    ] {
        assert!(error.contains("expected a number that fits into memory"), "{error}");
    }
}

// ---- Readers ----

/// A separate folder for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chainrule-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An IDX file of unsigned bytes.
fn idx(dimensions: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// A gzip stream (RFC 1952) of one stored block.
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let length = u16::try_from(data.len()).unwrap();
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let block = [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data].concat();
    [&header[..], &block, &(!crc).to_le_bytes(), &u32::from(length).to_le_bytes()].concat()
}

fn read(bytes: &[u8]) -> Result<Idx, FileProblem> {
    Idx::from_reader(bytes)
}

#[test]
fn idx_reads_plain_and_gzip() {
    let bytes = idx(&[2, 1, 3], &[1, 2, 3, 4, 5, 255]);
    let expected = Idx { dimensions: vec![2, 1, 3], data: vec![1, 2, 3, 4, 5, 255] };
    assert_eq!(read(&bytes).unwrap(), expected);
    assert_eq!(read(&gzip(&bytes)).unwrap(), expected);
    let (start, end) = bytes.split_at(9);
    assert_eq!(read(&[gzip(start), gzip(end)].concat()).unwrap(), expected, "a stream of two members");

    let folder = Folder::new("idx");
    assert_eq!(Idx::read(folder.file("plain", &bytes)).unwrap(), expected);
    assert_eq!(Idx::read(folder.file("zipped under any name", &gzip(&bytes))).unwrap(), expected);
}

#[test]
fn idx_names_every_problem() {
    assert_eq!(
        message(read(b"\x89PNG\r\n")),
        "expected an IDX file (00 00, element type, number of dimensions), found 89 50 4e 47 at offset 0"
    );
    assert!(message(read(&[0, 0, 8, 0, 1])).contains("found 00 00 08 00 at offset 0"), "no dimensions");
    let other = "Numbers of other types go through Dataset::new";
    for element_type in [9, 0x0b, 0x0c, 0x0d, 0x0e, 0] {
        assert_eq!(
            message(read(&[0, 0, element_type, 1, 0, 0, 0, 1, 7])),
            format!("IDX element type: expected 0x08 (unsigned bytes), found {element_type:#04x} at offset 2. {other}")
        );
    }

    let whole = idx(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    for end in 0..whole.len() {
        let expected = [4, 12, 18][usize::from(end >= 4) + usize::from(end >= 12)];
        let error = format!("truncated: expected {expected} bytes, found {end}. Get the file again");
        assert_eq!(message(read(&whole[..end])), error);
        assert_eq!(message(read(&gzip(&whole[..end]))), error, "sizes are those of the contents");
    }
    let long = [whole.as_slice(), &[7]].concat();
    assert_eq!(message(read(&long)), "expected 18 bytes, found more. Get the file again");
    assert_eq!(message(read(&gzip(&long))), "expected 18 bytes, found more. Get the file again");

    let max = u32::MAX;
    assert_eq!(
        message(read(&idx(&[max, max, max], &[]))),
        "dimensions [4294967295, 4294967295, 4294967295]: expected a product that fits into memory"
    );
    assert_eq!(
        message(read(&idx(&[max, max], &[]))),
        "dimensions [4294967295, 4294967295]: expected a product that fits into memory"
    );
    for dimensions in [&[0][..], &[0, 28, 28], &[5, 0]] {
        assert_eq!(message(read(&idx(dimensions, &[]))), "expected at least one example, found none");
    }
}

#[test]
fn idx_makes_room_only_for_what_comes_and_reads_only_what_is_announced() {
    // 8·10¹⁸ bytes announced, three present: memory for all of them does not exist.
    assert_eq!(
        message(read(&idx(&[4_000_000_000, 2_000_000_000], &[1, 2, 3]))),
        "truncated: expected 8000000000000000012 bytes, found 15. Get the file again"
    );
    // Endless streams.
    let plain = endless(idx(&[3], &[1, 2, 3]), vec![0]);
    assert_eq!(message(Idx::from_reader(plain)), "expected 11 bytes, found more. Get the file again");
    let bomb = endless(gzip(&idx(&[3], &[1, 2, 3])), gzip(&[0; 1000]));
    assert_eq!(message(Idx::from_reader(bomb)), "expected 11 bytes, found more. Get the file again");
}

/// `start`, then `unit` for ever.
fn endless(start: Vec<u8>, unit: Vec<u8>) -> impl Read {
    struct Repeat(std::iter::Cycle<std::vec::IntoIter<u8>>);
    impl Read for Repeat {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.iter_mut().zip(&mut self.0).for_each(|(place, byte)| *place = byte);
            Ok(buffer.len())
        }
    }
    std::io::Cursor::new(start).chain(Repeat(unit.into_iter().cycle()))
}

#[test]
fn broken_gzip_streams_are_named() {
    let whole = gzip(&idx(&[4], &[1, 2, 3, 4]));
    // From three bytes on; two bytes identify gzip.
    for end in 2..whole.len() {
        let error = message(read(&whole[..end]));
        assert!(error.starts_with("broken gzip stream: ") && error.len() > 25, "{end}: {error}");
    }
    let mut damaged = whole.clone();
    damaged[25] ^= 1; // a byte of the contents: only the checksum notices
    assert_eq!(
        message(read(&damaged)),
        "broken gzip stream: corrupt gzip stream does not have a matching checksum. Get the file again"
    );
    let mut damaged = whole;
    damaged[10] = 7; // an invalid block type
    assert_eq!(message(read(&damaged)), "broken gzip stream: corrupt deflate stream. Get the file again");
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let folder = Folder::new("missing");
    let missing = folder.0.join("nothing");
    let check = |result: Result<Dataset<f32>>, file: &Path, wanted: Option<std::io::ErrorKind>| match result {
        Err(Error::File { file: found, problem: FileProblem::Io { kind, message } }) => {
            assert_eq!(found, file);
            assert!(!message.is_empty() && wanted.is_none_or(|wanted| wanted == kind), "{kind}: {message}");
        }
        other => panic!("{other:?}"),
    };
    let labels = folder.file("labels", &idx(&[1], &[1]));
    let not_found = Some(std::io::ErrorKind::NotFound);
    check(Dataset::from_idx(&missing, &labels, 2), &missing, not_found);
    check(Dataset::from_idx(&labels, &missing, 2), &missing, not_found);
    check(Dataset::from_cifar10([&missing], None), &missing, not_found);
    // The kind of error for a folder depends on the system.
    check(Dataset::from_idx(&folder.0, &labels, 2), &folder.0, None);
    check(Dataset::from_idx(&labels, &folder.0, 2), &folder.0, None);
    check(Dataset::from_cifar10([&folder.0], None), &folder.0, None);
    check(Dataset::mnist_train(&folder.0), &folder.0, not_found);
    assert!(message(Dataset::<f32>::mnist_test(&folder.0)).ends_with(
        ": expected one of the files t10k-images-idx3-ubyte, t10k-images.idx3-ubyte, t10k-images-idx3-ubyte.gz, \
         t10k-images.idx3-ubyte.gz, found none"
    ));
    // Some unpackers leave a folder of this name, with the file in it.
    std::fs::create_dir(folder.0.join("t10k-images.idx3-ubyte")).unwrap();
    assert!(
        message(Dataset::<f32>::mnist_test(&folder.0)).ends_with(
            "t10k-images.idx3-ubyte.gz, found a folder named t10k-images.idx3-ubyte: move the file out of it"
        )
    );
    let says_folder =
        |result: Result<Dataset<f32>>| assert!(message(result).ends_with(": expected a file, found a folder"));
    says_folder(Dataset::from_idx(&folder.0, &labels, 2));
    says_folder(Dataset::from_idx(&labels, &folder.0, 2));
    says_folder(Dataset::from_cifar10([&folder.0], None));
    assert!(message(Idx::read(&folder.0)).ends_with(": expected a file, found a folder"));
}

#[test]
fn from_idx_flattens_scales_and_checks_the_pair() {
    let folder = Folder::new("pair");
    let images = folder.file("images", &idx(&[2, 2, 2], &[0, 255, 51, 102, 1, 2, 3, 4]));
    let labels = folder.file("labels", &idx(&[2], &[9, 3]));
    let data = Dataset::<f32>::from_idx(&images, &labels, 10).unwrap();
    assert_eq!(data.inputs().row(0), array![0.0, 1.0, 0.2, 0.4]);
    assert_eq!(data.inputs().row(1), array![1.0 / 255.0, 2.0 / 255.0, 3.0 / 255.0, 4.0 / 255.0]);
    assert_eq!((data.labels(), data.num_outputs()), (Some(&[9, 3][..]), 10));

    let fails = |images: &Path, labels: &Path, classes, file: &Path, problem: &str| {
        let expected = format!("{}: {problem}", file.display());
        assert_eq!(message(Dataset::<f32>::from_idx(images, labels, classes)), expected);
    };
    fails(&images, &labels, 9, &labels, "label at offset 8: expected 0 to 8, found 9");
    let three = folder.file("three", &idx(&[3], &[1, 0, 1]));
    fails(
        &images,
        &three,
        10,
        &images,
        "number of examples: expected 3, as in the file of the labels, found 2. Take both files from one set",
    );
    let one = folder.file("one", &idx(&[1], &[1]));
    fails(
        &images,
        &one,
        10,
        &images,
        "number of examples: expected 1, as in the file of the labels, found 2. Take both files from one set",
    );
    let swapped = "expected an IDX file of labels (00 00 08 01), found 00 00 08 03 at offset 0";
    fails(&labels, &images, 10, &images, swapped);
    let flat = "expected an IDX file of images (00 00 08 03), found 00 00 08 01 at offset 0";
    fails(&three, &labels, 10, &three, flat);
    let cut = folder.file("cut", &idx(&[2, 2, 2], &[0; 7]));
    fails(&cut, &labels, 10, &cut, "truncated: expected 24 bytes, found 23. Get the file again");
    assert_eq!(
        message(Dataset::<f32>::from_idx(&images, &labels, 1)),
        "classes: expected at least 2 (one column of 0 and 1: Dataset::new), found 1"
    );
}

/// An IDX file of other numbers, each in so many bytes.
fn idx_of(element_type: u8, width: usize, dimensions: &[u32], data: &[i32]) -> Vec<u8> {
    let mut bytes = idx(dimensions, &[]);
    bytes[2] = element_type;
    bytes.extend(data.iter().flat_map(|x| x.to_be_bytes()[4 - width..].to_vec()));
    bytes
}

/// QMNIST has labels of 32 bits, in the first of eight columns.
#[test]
fn labels_come_in_other_integers() {
    let folder = Folder::new("wide-labels");
    let images = folder.file("images", &idx(&[3, 1, 2], &[0; 6]));
    let labels_of = |name: &str, bytes: &[u8]| {
        let labels = folder.file(name, bytes);
        Dataset::<f32>::from_idx(&images, &labels, 10).map(|data| data.labels().unwrap().to_vec())
    };
    let digits = [5, 0, 9];
    for (element_type, width) in [(8, 1), (9, 1), (0x0b, 2), (0x0c, 4)] {
        let bytes = idx_of(element_type, width, &[3], &digits);
        assert_eq!(labels_of("plain", &bytes).unwrap(), [5, 0, 9], "{element_type:#04x}");
        assert_eq!(labels_of("zipped", &gzip(&bytes)).unwrap(), [5, 0, 9], "{element_type:#04x}");
        assert!(
            labels_of("short", &bytes[..bytes.len() - 1]).unwrap_err().to_string().contains(": truncated: expected")
        );
        assert!(labels_of("long", &[&bytes[..], &[0]].concat()).unwrap_err().to_string().contains(", found more"));
    }
    let qmnist = digits.map(|digit| [digit, 1, 2, 3, 4, 5, 6, 70_000]).concat();
    assert_eq!(labels_of("qmnist", &idx_of(0x0c, 4, &[3, 8], &qmnist)).unwrap(), [5, 0, 9]);

    let fails = |bytes: &[u8], problem: &str| {
        let expected = format!("{}: {problem}", folder.0.join("bad").display());
        assert_eq!(message(labels_of("bad", bytes)), expected);
    };
    fails(&idx_of(0x0c, 4, &[3], &[5, 300, 0]), "label at offset 12: expected 0 to 9, found 300");
    fails(&idx_of(0x0c, 4, &[1, 8], &[12; 8]), "label at offset 12: expected 0 to 9, found 12");
    fails(&idx_of(0x0b, 2, &[3], &[5, 0, -1]), "label at offset 12: expected 0 to 9, found 65535");
    let labels = "expected an IDX file of labels (00 00 08 01), found ";
    fails(&idx_of(0x0c, 4, &[3, 2], &[0; 6]), &format!("{labels}00 00 0c 02 at offset 0"));
    fails(&idx_of(8, 1, &[3, 8], &[0; 24]), &format!("{labels}00 00 08 02 at offset 0"));
    let float = "IDX element type: expected 0x08 (unsigned bytes), found 0x0d at offset 2. Numbers of other types go through Dataset::new";
    fails(&idx_of(0x0d, 4, &[3], &[0; 3]), float);
    // Four bytes a number: announced, and not there.
    fails(&idx_of(0x0c, 4, &[u32::MAX], &[]), "truncated: expected 17179869188 bytes, found 8. Get the file again");
}

/// EMNIST's letters are 1 to 26: as 26 classes they do not fit.
#[test]
fn labels_that_begin_at_1_are_told_so() {
    let folder = Folder::new("one-based");
    let images = folder.file("images", &idx(&[3, 1, 2], &[0; 6]));
    let from = |labels: [u8; 3], classes| {
        let path = folder.file("labels", &idx(&[3], &labels));
        Dataset::<f32>::from_idx(&images, &path, classes)
            .map_err(|error| error.to_string().split_once("labels: ").expect("the name of the file").1.to_owned())
    };
    assert_eq!(
        from([3, 1, 2], 3).unwrap_err(),
        "labels 1 to 3: expected 0 to 2. Labels count from 0: ask for 4 classes, of which class 0 stays empty, or subtract \
         1 (Idx::read, then Dataset::classification)"
    );
    assert_eq!(from([3, 1, 2], 4).unwrap().labels(), Some(&[3, 1, 2][..]));
    assert_eq!(from([3, 0, 2], 3).unwrap_err(), "label at offset 8: expected 0 to 2, found 3");
    assert_eq!(from([4, 1, 2], 3).unwrap_err(), "label at offset 8: expected 0 to 2, found 4");
}

/// Images of two dimensions or of four are read as well; a wrong label is found by its number's place in the file.
#[test]
fn images_of_other_dimensions_are_flattened() {
    let folder = Folder::new("dimensions");
    let labels = folder.file("labels", &idx(&[2], &[1, 0]));
    for (name, dimensions) in [("flat", &[2, 4][..]), ("colours", &[2, 2, 1, 2])] {
        let images = folder.file(name, &idx(dimensions, &[0, 1, 2, 3, 4, 5, 6, 7]));
        let data = Dataset::<f64>::from_idx(&images, &labels, 2).unwrap();
        let expected = array![[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]];
        assert_eq!(data.inputs().mapv(|x| (x * 255.0).round()), expected, "{name}");
    }
    let images = folder.file("images", &idx(&[2, 1, 1], &[0, 1]));
    let wide = [[0, 1, 2, 3, 4, 5, 6, 7], [9, 1, 2, 3, 4, 5, 6, 7]].concat();
    let labels = folder.file("wide", &idx_of(0x0c, 4, &[2, 8], &wide));
    let error = message(Dataset::<f64>::from_idx(&images, &labels, 2));
    assert!(error.ends_with(": label at offset 44: expected 0 to 1, found 9"), "{error}");
}

#[test]
fn transposed_pictures_are_turned() {
    let folder = Folder::new("transposed");
    // Two pictures of 2 rows and 3 columns, stored column after column.
    let stored = [0, 3, 1, 4, 2, 5, 10, 13, 11, 14, 12, 15];
    let images = folder.file("images", &idx(&[2, 3, 2], &stored));
    let labels = folder.file("labels", &idx(&[2], &[1, 0]));
    let pixels = |data: Dataset<f64>| data.inputs().mapv(|x| (x * 255.0).round());
    let data = Dataset::from_idx_transposed(&images, &labels, 2).unwrap();
    assert!(data.inputs().is_standard_layout());
    assert_eq!(data.labels(), Some(&[1, 0][..]));
    assert_eq!(pixels(data), array![[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]]);
    let data = Dataset::from_idx(&images, &labels, 2).unwrap();
    assert_eq!(pixels(data).row(0), array![0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);

    // Which two dimensions to swap, is clear of pictures only.
    let flat = folder.file("flat", &idx(&[2, 6], &stored));
    assert_eq!(
        message(Dataset::<f32>::from_idx_transposed(&flat, &labels, 2)),
        format!("{}: expected an IDX file of images (00 00 08 03), found 00 00 08 02 at offset 0", flat.display())
    );
}

#[test]
fn mnist_files_go_by_four_names() {
    let images = idx(&[1, 1, 2], &[0, 255]);
    let labels = idx(&[1], &[7]);
    for (name, dot, zipped) in [("a", "-", false), ("b", ".", false), ("c", "-", true), ("d", ".", true)] {
        let folder = Folder::new(&format!("mnist-{name}"));
        // Some unpackers leave a folder of this name.
        if name != "a" {
            std::fs::create_dir(folder.0.join("train-images-idx3-ubyte")).unwrap();
        }
        let pack = |bytes: &[u8]| if zipped { gzip(bytes) } else { bytes.to_vec() };
        let end = if zipped { ".gz" } else { "" };
        for part in ["train", "t10k"] {
            folder.file(&format!("{part}-images{dot}idx3-ubyte{end}"), &pack(&images));
            folder.file(&format!("{part}-labels{dot}idx1-ubyte{end}"), &pack(&labels));
        }
        for data in [Dataset::<f64>::mnist_train(&folder.0), Dataset::mnist_test(&folder.0)] {
            let data = data.unwrap();
            assert_eq!((data.inputs(), data.labels()), (array![[0.0, 1.0]].view(), Some(&[7][..])));
            assert_eq!(data.num_outputs(), 10);
        }
    }
}

#[test]
fn cifar10_reads_rows_and_names_every_problem() {
    let row = |label: u8, pixel: u8| [vec![label], vec![pixel; 1024], vec![0; 1024], vec![255; 1024]].concat();
    let folder = Folder::new("cifar");
    let one = folder.file("one", &[row(3, 10), row(9, 20)].concat());
    let two = folder.file("two", &row(0, 30));

    let data = Dataset::<f32>::from_cifar10([&one, &two], None).unwrap();
    assert_eq!((data.len(), data.num_inputs(), data.num_outputs()), (3, 3072, 10));
    assert_eq!(data.labels(), Some(&[3, 9, 0][..]));
    assert_eq!(data.inputs().column(1023), array![10.0, 20.0, 30.0]);
    assert_eq!(data.inputs().column(1024), array![0.0, 0.0, 0.0]);
    assert_eq!(data.inputs().column(3071), array![255.0, 255.0, 255.0]);
    for (limit, rows) in [(1, 1), (2, 2), (3, 3), (usize::MAX, 3)] {
        assert_eq!(Dataset::from_cifar10([&one, &two], Some(limit)).unwrap(), data.rows(0..rows).unwrap());
    }

    let fails = |path: &Path, limit, problem: &str| {
        let expected = format!("{}: {problem}", path.display());
        assert_eq!(message(Dataset::<f32>::from_cifar10([path], limit)), expected);
    };
    let cut = folder.file("cut", &[row(1, 1), row(1, 1)[..3072].to_vec()].concat());
    fails(&cut, None, "expected whole rows of 3073 bytes, found 6145 bytes in all");
    assert_eq!(Dataset::<f32>::from_cifar10([&cut], Some(1)).unwrap().len(), 1, "what follows is not looked at");
    let trailing = folder.file("trailing", &[row(1, 1), vec![0]].concat());
    let cifar100 = "a file of CIFAR-100, by its length: Dataset::from_cifar100 reads it (rows of 3074 bytes, not 3073)";
    fails(&trailing, None, cifar100);
    fails(&trailing, Some(1), cifar100);
    let label = folder.file("label", &[row(1, 1), row(10, 1)].concat());
    fails(&label, None, "label at offset 3073: expected 0 to 9, found 10");
    let empty = folder.file("empty", &[]);
    fails(&empty, None, "expected at least one example, found none");
    let none: [&Path; 0] = [];
    assert_eq!(message(Dataset::<f32>::from_cifar10(none, None)), "paths: expected at least one, found none");
    assert_eq!(
        message(Dataset::<f32>::from_cifar10([&one], Some(0))),
        "limit: expected at least 1 (None for all), found 0"
    );
}

#[test]
fn cifar100_reads_fine_and_coarse_labels() {
    let row = |coarse: u8, fine: u8, pixel: u8| {
        [vec![coarse, fine], vec![pixel; 1024], vec![0; 1024], vec![255; 1024]].concat()
    };
    let folder = Folder::new("cifar100");
    let one = folder.file("one", &[row(3, 42, 10), row(19, 99, 20)].concat());
    let two = folder.file("two", &row(0, 0, 30));
    let fine = Dataset::<f32>::from_cifar100([&one, &two], None).unwrap();
    assert_eq!((fine.len(), fine.num_inputs(), fine.num_outputs()), (3, 3072, 100));
    assert_eq!(fine.labels(), Some(&[42, 99, 0][..]));
    assert_eq!(fine.inputs().column(0), array![10.0, 20.0, 30.0]);
    assert_eq!(fine.inputs().column(1024), array![0.0, 0.0, 0.0]);
    assert_eq!(fine.inputs().column(3071), array![255.0, 255.0, 255.0]);
    let coarse = Dataset::<f32>::from_cifar100_coarse([&one, &two], None).unwrap();
    assert_eq!((coarse.inputs(), coarse.num_outputs()), (fine.inputs(), 20));
    assert_eq!(coarse.labels(), Some(&[3, 19, 0][..]));
    for (limit, rows) in [(1, 1), (2, 2), (3, 3), (usize::MAX, 3)] {
        assert_eq!(Dataset::from_cifar100([&one, &two], Some(limit)).unwrap(), fine.rows(0..rows).unwrap());
    }

    let fails = |path: &Path, limit, problem: &str| {
        let expected = format!("{}: {problem}", path.display());
        assert_eq!(message(Dataset::<f32>::from_cifar100([path], limit)), expected);
        assert_eq!(message(Dataset::<f32>::from_cifar100_coarse([path], limit)), expected);
    };
    let cifar10 = folder.file("cifar10", &[1; 2 * 3073]);
    for limit in [None, Some(1)] {
        fails(
            &cifar10,
            limit,
            "a file of CIFAR-10, by its length: Dataset::from_cifar10 reads it (rows of 3073 bytes, not 3074)",
        );
    }
    let cut = folder.file("cut", &[row(1, 1, 1), row(1, 1, 1)[..3000].to_vec()].concat());
    fails(&cut, None, "expected whole rows of 3074 bytes, found 6074 bytes in all");
    // Both labels are checked, whichever is asked for.
    let label = folder.file("label", &[row(1, 1, 1), row(20, 1, 1)].concat());
    fails(&label, None, "label at offset 3074: expected 0 to 19, found 20");
    let label = folder.file("label", &[row(1, 1, 1), row(1, 100, 1)].concat());
    fails(&label, None, "label at offset 3075: expected 0 to 99, found 100");
    fails(&folder.file("empty", &[]), None, "expected at least one example, found none");

    // CIFAR-100 as CIFAR-10, one picture: the fine label would be its first pixel.
    let error = message(Dataset::<f32>::from_cifar10([&one], Some(1)));
    assert!(error.ends_with("Dataset::from_cifar100 reads it (rows of 3074 bytes, not 3073)"), "{error}");
}

// ---- Real files ----

/// The folder in an environment variable; if it is not set, reports that the test is skipped.
fn folder_from(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        // Not `eprintln!`, which the test harness captures.
        let _ = writeln!(std::io::stderr(), "skipped: set {variable} to the folder with the real files");
    }
    folder
}

fn per_class<F: chainrule::Real>(data: &Dataset<F>) -> Vec<usize> {
    let mut examples = vec![0; data.num_outputs()];
    data.labels().unwrap().iter().for_each(|&label| examples[label] += 1);
    examples
}

#[test]
fn real_mnist() {
    let Some(folder) = folder_from("MNIST_DIR") else { return };
    let train = Dataset::<f32>::mnist_train(&folder).unwrap();
    assert_eq!((train.len(), train.num_inputs(), train.num_outputs()), (60_000, 784, 10));
    assert_eq!(train.labels().unwrap()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(per_class(&train), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    let bytes = |inputs: ArrayView2<f32>| inputs.iter().map(|&x| (x * 255.0).round() as u64).sum::<u64>();
    assert_eq!(bytes(train.inputs()), 1_567_298_545);
    assert_eq!(bytes(train.rows(0..1).unwrap().inputs()), 27_525);

    let test = Dataset::<f32>::mnist_test(&folder).unwrap();
    assert_eq!((test.len(), test.num_inputs()), (10_000, 784));
    assert_eq!(test.labels().unwrap()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    assert_eq!(per_class(&test), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    assert_eq!(bytes(test.inputs()), 264_923_200);
}

#[test]
fn real_cifar10() {
    let Some(folder) = folder_from("CIFAR10_DIR") else { return };
    let data = Dataset::<f32>::from_cifar10([folder.join("data_batch_1.bin")], Some(5_000)).unwrap();
    assert_eq!((data.len(), data.num_inputs(), data.num_outputs()), (5_000, 3072, 10));
    assert!(data.inputs().iter().all(|&x| (0.0..=255.0).contains(&x) && x.fract() == 0.0));
    // Every class is about equally frequent, and pictures are neither black nor white.
    assert!(per_class(&data).iter().all(|examples| (450..=550).contains(examples)));
    let mean = data.inputs().iter().map(|&x| f64::from(x)).sum::<f64>() / data.inputs().len() as f64;
    assert!((115.0..125.0).contains(&mean), "{mean}");
    let centred = Scaling::mean(&data).unwrap().apply(data).unwrap();
    let worst = centred.inputs().mapv(f64::from).mean_axis(Axis(0)).unwrap().mapv(f64::abs);
    assert!(worst.iter().all(|&mean| mean < 1e-4));

    let test = Dataset::<f32>::from_cifar10([folder.join("test_batch.bin")], Some(500)).unwrap();
    assert_eq!(test.len(), 500);
}
