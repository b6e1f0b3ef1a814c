//! Splits and scaling of any data set, and readers of any bytes.

use crate::common::rng;
use chainrule::ndarray::{Array1, Array2, s};
use chainrule::{Dataset, Idx, Scaling, one_hot};
use proptest::prelude::*;

/// Row i: inputs (i, −i), target as told.
fn numbered(targets: Array2<f64>) -> Dataset<f64> {
    let inputs = Array2::from_shape_fn((targets.nrows(), 2), |(i, j)| if j == 0 { i as f64 } else { -(i as f64) });
    Dataset::new(inputs, targets).unwrap()
}

fn row_numbers(data: &Dataset<f64>) -> Vec<usize> {
    data.inputs().column(0).iter().map(|&x| x as usize).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn split_parts_the_rows(n in 2_usize..200, fraction in 0.01_f64..0.99, seed: u64) {
        let data = numbered(Array2::from_shape_fn((n, 1), |(i, _)| 0.5 + i as f64));
        let size = (fraction * n as f64).round() as usize;
        prop_assume!(size > 0 && size < n);
        let (first, second) = data.split(fraction, &mut rng(seed)).unwrap();
        prop_assert_eq!((first.len(), second.len()), (size, n - size));
        for part in [&first, &second] {
            prop_assert_eq!(part.targets().to_owned(), &part.inputs().slice(s![.., ..1]) + 0.5);
        }
        let mut rows = [row_numbers(&first), row_numbers(&second)].concat();
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..n).collect::<Vec<_>>());
    }

    #[test]
    fn split_stratified_is_off_by_less_than_a_row_in_each_class(
        labels in proptest::collection::vec(0_usize..5, 2..300), fraction in 0.01_f64..0.99, seed: u64,
    ) {
        let n = labels.len();
        let size = (fraction * n as f64).round() as usize;
        prop_assume!(size > 0 && size < n);
        let data = numbered(one_hot(&labels, 5).unwrap());
        let (first, second) = data.split_stratified(fraction, &mut rng(seed)).unwrap();
        prop_assert_eq!((first.len(), second.len()), (size, n - size));
        for class in 0..5 {
            let share = fraction * data.targets().column(class).sum();
            let found = first.targets().column(class).sum();
            prop_assert!((found - share).abs() < 1.0 + 1e-9, "class {}: {} of {}", class, found, share);
        }
        for part in [&first, &second] {
            for (row, &label) in row_numbers(part).into_iter().zip(part.labels().unwrap()) {
                prop_assert_eq!(label, labels[row]);
            }
        }
        let mut rows = [row_numbers(&first), row_numbers(&second)].concat();
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..n).collect::<Vec<_>>());
    }

    #[test]
    fn standardised_columns_have_mean_0_and_deviation_1(
        values in proptest::collection::vec(-1e3_f64..1e3, 4..100), offset in -1e6_f64..1e6, size in -100_i32..100,
    ) {
        let values: Vec<f64> = values.iter().map(|x| (x + offset) * 2_f64.powi(size)).collect();
        let n = values.len();
        prop_assume!(Array1::from(values.clone()).std(0.0) > 1e-3 * 2_f64.powi(size));
        let data = Dataset::new(Array2::from_shape_vec((n, 1), values).unwrap(), Array2::zeros((n, 1))).unwrap();
        let scaled = Scaling::standardise(&data).unwrap().apply(data).unwrap();
        let (mean, deviation) = (scaled.inputs().mean().unwrap(), scaled.inputs().std(0.0));
        prop_assert!(mean.abs() < 1e-6 && (deviation - 1.0).abs() < 1e-9, "{} {}", mean, deviation);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a file, reading it ends in a value or an error.
    #[test]
    fn no_bytes_make_a_reader_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), start in 0..4) {
        let starts: [&[u8]; 4] = [&[], &[0, 0, 8], &[0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 4], &[0x1f, 0x8b, 8, 0]];
        bytes.splice(..0, starts[start as usize].iter().copied());
        if let Ok(idx) = Idx::from_reader(&bytes[..]) {
            prop_assert_eq!(idx.dimensions.iter().product::<usize>(), idx.data.len());
        }
    }
}
