//! `Real`: the two number types that the crate computes in, `f32` and `f64`.
//!
//! `F: Real` is the only bound on numbers in the other files, and only this file converts counts and number types. The
//! code that the tests check in `f64` is therefore the code that runs in `f32`. At the end are functions for the
//! entries of an array as a slice.

use crate::kernels::Kernels;
use ndarray::{Array2, ArrayRef, Dimension, NdFloat};

/// A real number: `f32` or `f64`. (`Kernels` is private, which seals it.)
///
/// ```
/// use chainrule::Real;
///
/// fn half<F: Real>() -> F {
///     F::from_f64(0.5)
/// }
/// assert_eq!(half::<f32>(), 0.5);
/// ```
pub trait Real: Kernels + NdFloat + Default + std::iter::Sum {
    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;

    /// The same number as `f64`; exact for both types.
    fn f64(self) -> f64;
}

impl Real for f32 {
    fn from_f64(x: f64) -> Self {
        x as f32
    }
    fn f64(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }
    fn f64(self) -> f64 {
        self
    }
}

/// A count as a number, for means and rates; exact up to 2⁵³.
pub(crate) fn count(n: usize) -> f64 {
    n as f64
}

/// The nearest count to a number that is not negative; halves go up.
pub(crate) fn nearest_count(x: f64) -> usize {
    x.round() as usize
}

/// A count as a `u64`, for the random generator.
pub(crate) fn word(n: usize) -> u64 {
    n as u64
}

/// Why the conversion of an array to a slice cannot fail.
pub(crate) const ROW_MAJOR: &str = "batches, parameters and the arrays of a pass are row-major";

/// The entries of a row-major array, row after row. Panics for another layout.
pub(crate) fn entries<F, D: Dimension>(array: &ArrayRef<F, D>) -> &[F] {
    array.as_slice().expect(ROW_MAJOR)
}

/// As [`entries`], mutable.
pub(crate) fn entries_mut<F, D: Dimension>(array: &mut ArrayRef<F, D>) -> &mut [F] {
    array.as_slice_mut().expect(ROW_MAJOR)
}

/// Changes the number of rows of an array within its allocation, where that is large enough.
pub(crate) fn resize_rows<F: Real>(array: &mut Array2<F>, rows: usize) {
    if array.nrows() != rows {
        let shape = (rows, array.ncols());
        let (mut numbers, _) = std::mem::take(array).into_raw_vec_and_offset();
        numbers.resize(rows * shape.1, F::zero());
        *array = Array2::from_shape_vec(shape, numbers).expect("as many numbers as the shape asks for");
    }
}
