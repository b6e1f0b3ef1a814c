//! Metrics of predicted numbers: RMSE, MAE and R². Of several outputs, each is the mean over the outputs.

use crate::error::{Error, Result, check_finite, check_shape};
use crate::real::{Real, count};
use ndarray::ArrayView2;

/// The root mean squared error, √((1/n) Σ (a − y)²), in the unit of the targets.
///
/// Both arrays are `[n, outputs]`. Of several outputs it is the mean of their errors, as in scikit-learn. Large errors
/// weigh more than in [`mean_absolute_error`].
///
/// # Errors
/// [`Error::Shape`] for different shapes, [`Error::Empty`] for no numbers, [`Error::NotFinite`] for a NaN or an
/// infinity, [`Error::OutOfRange`] for numbers beyond 4.5·10³⁰⁷.
///
/// ```
/// use chainrule::{ndarray::array, root_mean_squared_error};
///
/// let (outputs, targets) = (array![[1.0], [2.0]], array![[4.0], [6.0]]);
/// assert_eq!(root_mean_squared_error(outputs.view(), targets.view())?, 12.5_f64.sqrt()); // (3² + 4²) / 2
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn root_mean_squared_error<F: Real>(outputs: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> Result<f64> {
    mean_over_outputs(outputs, targets, |errors, _| root_mean_square(errors))
}

/// The mean absolute error, (1/n) Σ |a − y|, in the unit of the targets.
///
/// Both arrays are `[n, outputs]`; the mean is over both.
///
/// # Errors
/// As [`root_mean_squared_error`].
///
/// ```
/// use chainrule::{mean_absolute_error, ndarray::array};
///
/// let (outputs, targets) = (array![[1.0], [2.0]], array![[4.0], [6.0]]);
/// assert_eq!(mean_absolute_error(outputs.view(), targets.view())?, 3.5);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn mean_absolute_error<F: Real>(outputs: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> Result<f64> {
    mean_over_outputs(outputs, targets, |errors, _| {
        let n = count(errors.len());
        errors.iter().map(|e| e.abs() / n).sum()
    })
}

/// R², the coefficient of determination: 1 − Σ (a − y)² / Σ (y − ȳ)², with ȳ the mean of the targets. 1 is perfect, 0
/// is what ȳ as the only prediction gives; it may be negative.
///
/// Both arrays are `[n, outputs]`. Of several outputs it is the mean of their R², as in scikit-learn. For targets that
/// are all equal (up to rounding) it is 1 if every prediction is exact, else 0.
///
/// # Errors
/// As [`root_mean_squared_error`], and [`Error::OutOfRange`] for a single row.
///
/// ```
/// use chainrule::{ndarray::array, r_squared};
///
/// let (outputs, targets) = (array![[1.0], [2.0], [3.0]], array![[1.0], [2.0], [6.0]]);
/// assert!((r_squared(outputs.view(), targets.view())? - (1.0 - 9.0 / 14.0)).abs() < 1e-15);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn r_squared<F: Real>(outputs: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> Result<f64> {
    if outputs.nrows() == 1 {
        let expected = "2 or more for R², which compares with the mean of the targets".into();
        return Err(Error::OutOfRange { name: "rows", expected, found: 1.0 });
    }
    mean_over_outputs(outputs, targets, |errors, targets| {
        let n = count(targets.len());
        // From the first target, so that the mean of equal targets is exact.
        let mean = targets[0] + targets.iter().map(|y| (y - targets[0]) / n).sum::<f64>();
        let deviations: Vec<_> = targets.iter().map(|y| y - mean).collect();
        let rounding = 8.0 * F::epsilon().f64() * mean.abs();
        let constant = deviations.iter().all(|d| d.abs() <= rounding);
        match (constant, root_mean_square(errors)) {
            (_, 0.0) => 1.0,
            (true, _) => 0.0,
            (false, error) => 1.0 - (error / root_mean_square(&deviations)).powi(2),
        }
    })
}

/// The mean of a metric of each output, which gets the errors a − y and the targets.
fn mean_over_outputs<F: Real>(
    outputs: ArrayView2<'_, F>,
    targets: ArrayView2<'_, F>,
    metric: impl Fn(&[f64], &[f64]) -> f64,
) -> Result<f64> {
    check_shape("outputs", None, targets.shape(), outputs.shape())?;
    if targets.is_empty() {
        return Err(Error::Empty { place: "targets" });
    }
    check_finite("outputs", None, &outputs)?;
    check_finite("targets", None, &targets)?;
    // No difference overflows then, nor a difference of differences.
    let largest = f64::MAX / 4.0;
    if let Some(x) = outputs.iter().chain(&targets).map(|x| x.f64()).find(|x| x.abs() > largest) {
        let expected = format!("at most {largest:.1e} in size");
        return Err(Error::OutOfRange { name: "output or target", expected, found: x });
    }
    let of_output = |k| {
        let y: Vec<_> = targets.column(k).iter().map(|y| y.f64()).collect();
        let errors: Vec<_> = outputs.column(k).iter().zip(&y).map(|(a, y)| a.f64() - y).collect();
        metric(&errors, &y)
    };
    Ok((0..targets.ncols()).map(of_output).sum::<f64>() / count(targets.ncols()))
}

/// √((1/n) Σ x²), in units of the largest, so that no square overflows or vanishes.
fn root_mean_square(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * (x.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>() / count(x.len())).sqrt()
}
