//! Scaling: the kinds, the inverse, and columns that are constant.

use chainrule::ndarray::{Array2, ArrayView2, array};
use chainrule::{Error, Real, Scale, Scaling};

const KINDS: [Scale; 5] = [Scale::Unchanged, Scale::Mean, Scale::Standard, Scale::MinMax, Scale::Robust];

fn close(found: ArrayView2<f64>, expected: &Array2<f64>) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-13)
}

#[test]
fn the_kinds_are_those_of_scikit_learn() {
    // sklearn.preprocessing, 1.9: fit_transform([[1], [2], [4], [9]])
    let rows = array![[1.0], [2.0], [4.0], [9.0]];
    let scaled = |kind| Scaling::learn(kind, rows.view()).unwrap().transform(rows.view()).unwrap();
    let standard = array![[-0.9733285267845753], [-0.6488856845230502], [0.0], [1.6222142113076254]];
    assert!(close(scaled(Scale::Standard).view(), &standard));
    assert!(close(scaled(Scale::MinMax).view(), &array![[0.0], [0.125], [0.375], [1.0]]));
    let robust = array![[-0.5714285714285714], [-0.2857142857142857], [0.2857142857142857], [1.7142857142857142]];
    assert!(close(scaled(Scale::Robust).view(), &robust));
    assert_eq!(scaled(Scale::Mean), array![[-3.0], [-2.0], [0.0], [5.0]]);
    assert_eq!(scaled(Scale::Unchanged), rows);
}

#[test]
fn the_inverse_leads_back() {
    let rows = array![[1.0, -7.0, 3.5], [2.0, -7.0, 1e-3], [40.0, -7.0, 1e6], [5.0, -7.0, 2.0]];
    for kind in KINDS {
        let scaling = Scaling::learn(kind, rows.view()).unwrap();
        let back = scaling.inverse(scaling.transform(rows.view()).unwrap().view()).unwrap();
        assert!(back.iter().zip(&rows).all(|(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9), "{kind:?}");
        assert_eq!(Scaling::new(scaling.shift().to_owned(), scaling.scale().to_owned()).unwrap(), scaling);
    }
}

/// Constant up to rounding: scale 1, whatever the kind, so that other data are not blown up.
#[test]
fn a_constant_column_keeps_its_scale() {
    fn check<F: Real>(same: F, other: F) {
        let mut rows = Array2::from_elem((20, 1), same);
        rows[[7, 0]] = other;
        for kind in KINDS {
            let scaling = Scaling::learn(kind, rows.view()).unwrap();
            assert_eq!(scaling.scale()[0], 1.0, "{kind:?} of {same} and {other}");
        }
    }
    check(7.0, 7.0);
    check(0.0, 0.0);
    check(-0.3_f64, -(0.1 + 0.2));
    check(1e9_f32, 1e9 + 64.0);
    // Its middle half is one number: the outlier does not count for the robust kind, and does for the others.
    let rows = array![[2.0], [2.0], [2.0], [2.0], [9.0]];
    assert_eq!(Scaling::learn(Scale::Robust, rows.view()).unwrap().scale()[0], 1.0);
    assert_eq!(Scaling::learn(Scale::MinMax, rows.view()).unwrap().scale()[0], 7.0);
    // Little is not nothing.
    for kind in [Scale::Standard, Scale::MinMax, Scale::Robust] {
        let rows = array![[1e9], [1e9 + 1e-3], [1e9 + 2e-3], [1e9 + 3e-3]];
        assert!(Scaling::learn(kind, rows.view()).unwrap().scale()[0] < 0.01, "{kind:?}");
    }
}

#[test]
fn numbers_that_are_no_scaling_are_refused() {
    let message = |result: Result<Scaling, Error>| result.unwrap_err().to_string();
    assert_eq!(message(Scaling::new(array![1.0], array![1.0, 2.0])), "scale: expected shape [1], found [2]");
    assert_eq!(message(Scaling::new(array![1.0], array![0.0])), "scale: expected more than 0, found 0");
    assert_eq!(message(Scaling::new(array![1.0], array![-2.0])), "scale: expected more than 0, found -2");
    assert_eq!(
        message(Scaling::new(array![f64::NAN], array![1.0])),
        "shift: expected finite numbers, found NaN at [0]"
    );
    assert_eq!(
        message(Scaling::new(array![0.0], array![f64::INFINITY])),
        "scale: expected finite numbers, found inf at [0]"
    );
    assert!(matches!(Scaling::new(array![], array![]), Err(Error::Empty { .. })));
    let rows = array![[f64::MAX], [-f64::MAX], [f64::MAX], [-f64::MAX]];
    for kind in [Scale::MinMax, Scale::Robust] {
        assert_eq!(
            message(Scaling::learn(kind, rows.view())),
            "range of each column: expected finite numbers, found inf at [0]"
        );
    }
    for kind in KINDS {
        assert!(matches!(Scaling::learn(kind, array![[f64::NAN]].view()), Err(Error::NotFinite { .. })));
        assert!(matches!(Scaling::learn::<f64>(kind, Array2::zeros((0, 1)).view()), Err(Error::Empty { .. })));
    }
    let scaling = Scaling::new(array![0.0], array![1e300]).unwrap();
    let error = scaling.inverse(array![[1e10]].view()).unwrap_err();
    assert_eq!(error.to_string(), "rows in their own units: expected finite numbers, found inf at [0, 0]");
}

/// Quartiles between two numbers, as NumPy interpolates them.
#[test]
fn quartiles_lie_between_their_neighbours() {
    let scaling = Scaling::learn(Scale::Robust, array![[10.0], [1.0], [3.0], [2.0]].view()).unwrap();
    assert_eq!((scaling.shift()[0], scaling.scale()[0]), (2.5, 4.75 - 1.75));
    let six = array![[0.0], [1.0], [2.0], [3.0], [8.0], [9.0]];
    let scaling = Scaling::learn(Scale::Robust, six.view()).unwrap();
    assert_eq!((scaling.shift()[0], scaling.scale()[0]), (2.5, 6.75 - 1.25));
}

/// Rounding ends at n ε |m| for a standard deviation, in `f32` at 8 ε |m|, and at 8 ε |m| for a range.
#[test]
fn where_a_column_counts_as_constant() {
    fn constant<F: Real>(kind: Scale, rows: usize, off: f64) -> bool {
        let high = F::from_f64(1.0 + off * F::epsilon().f64());
        let rows = Array2::from_shape_fn((rows, 1), |(row, _)| if row % 2 == 0 { F::one() } else { high });
        Scaling::learn(kind, rows.view()).unwrap().scale()[0] == 1.0
    }
    // Half of the rows are off by twice the deviation.
    assert!(constant::<f64>(Scale::Standard, 100, 2.0 * 50.0) && !constant::<f64>(Scale::Standard, 100, 2.0 * 150.0));
    assert!(constant::<f32>(Scale::Standard, 100, 2.0 * 6.0) && !constant::<f32>(Scale::Standard, 100, 2.0 * 10.0));
    for kind in [Scale::MinMax, Scale::Robust] {
        assert!(constant::<f64>(kind, 100, 6.0) && !constant::<f64>(kind, 100, 10.0), "{kind:?}");
        assert!(constant::<f32>(kind, 100, 6.0) && !constant::<f32>(kind, 100, 10.0), "{kind:?}");
    }
    // One row is constant.
    let scaling = Scaling::learn(Scale::Robust, array![[5.0]].view()).unwrap();
    assert_eq!((scaling.shift()[0], scaling.scale()[0]), (5.0, 1.0));
}
