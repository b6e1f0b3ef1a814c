//! Metrics of a regression: root mean squared error, mean absolute error, R².

use crate::error::{Error, Result, check_finite, check_shape};
use crate::real::{Real, count};
use ndarray::{ArrayView1, ArrayView2};

/// The root mean squared error √(1/n Σ (a − y)²) of each output, and the mean of these over the outputs. `[n, outputs]`
/// each.
///
/// # Errors
/// [`Error::Shape`], [`Error::Empty`] and [`Error::NotFinite`] for arrays that do not fit.
///
/// ```
/// use chainrule::{ndarray::array, root_mean_squared_error};
///
/// let (outputs, targets) = (array![[1.0], [5.0]], array![[0.0], [-2.0]]);
/// assert_eq!(root_mean_squared_error(outputs.view(), targets.view())?, 5.0); // √((1 + 49)/2)
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn root_mean_squared_error<F: Real>(outputs: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> Result<f64> {
    mean_over_outputs(&outputs, &targets, |a, y| mean(a, y, |e| e * e).sqrt())
}

/// The mean absolute error 1/nk Σ |a − y|, over examples and outputs. `[n, outputs]` each.
///
/// # Errors
/// As [`root_mean_squared_error`].
///
/// ```
/// use chainrule::{mean_absolute_error, ndarray::array};
///
/// let (outputs, targets) = (array![[1.0], [5.0]], array![[0.0], [-2.0]]);
/// assert_eq!(mean_absolute_error(outputs.view(), targets.view())?, 4.0);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn mean_absolute_error<F: Real>(outputs: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> Result<f64> {
    mean_over_outputs(&outputs, &targets, |a, y| mean(a, y, f64::abs))
}

/// R² = 1 − Σ (a − y)² / Σ (y − ȳ)² of each output, and the mean of these over the outputs: 1 is perfect, 0 as good as
/// the mean ȳ of the targets, and worse outputs are negative. `[n, outputs]` each.
///
/// Where all targets of an output are equal, it is 1 for exact outputs and 0 for others, as in scikit-learn.
///
/// # Errors
/// As [`root_mean_squared_error`], and [`Error::OutOfRange`] for a single example, which has no variance.
///
/// ```
/// use chainrule::{ndarray::array, r_squared};
///
/// let targets = array![[1.0], [2.0], [3.0]];
/// assert_eq!(r_squared(array![[1.0], [2.0], [4.0]].view(), targets.view())?, 0.5);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn r_squared<F: Real>(outputs: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> Result<f64> {
    if targets.nrows() == 1 {
        return Err(Error::OutOfRange { name: "examples", expected: "2 or more for R²".into(), found: 1.0 });
    }
    mean_over_outputs(&outputs, &targets, |a, y| {
        let centre = y.iter().map(|y| y.f64()).sum::<f64>() / count(y.len());
        let spread = y.iter().map(|y| (y.f64() - centre).powi(2)).sum::<f64>() / count(y.len());
        let error = mean(a, y, |e| e * e);
        match (error == 0.0, spread == 0.0) {
            (_, false) => 1.0 - error / spread,
            (true, true) => 1.0,
            (false, true) => 0.0,
        }
    })
}

/// The mean of f(a − y).
fn mean<F: Real>(a: ArrayView1<'_, F>, y: ArrayView1<'_, F>, f: impl Fn(f64) -> f64) -> f64 {
    a.iter().zip(y).map(|(a, y)| f(a.f64() - y.f64())).sum::<f64>() / count(y.len())
}

fn mean_over_outputs<F: Real>(
    outputs: &ArrayView2<'_, F>,
    targets: &ArrayView2<'_, F>,
    of_one: impl Fn(ArrayView1<'_, F>, ArrayView1<'_, F>) -> f64,
) -> Result<f64> {
    check_shape("outputs", None, targets.shape(), outputs.shape())?;
    if targets.is_empty() {
        return Err(Error::Empty { place: "targets" });
    }
    check_finite("outputs", None, outputs)?;
    check_finite("targets", None, targets)?;
    let columns = outputs.columns().into_iter().zip(targets.columns());
    Ok(columns.map(|(a, y)| of_one(a, y)).sum::<f64>() / count(targets.ncols()))
}
