//! `matmul`: the one room that touches a matrix-product backend.

use crate::real::Real;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

/// C ← A·B + βC. `[m,k]·[k,n] → [m,n]`; with β = 0 what C held before does not matter, not even a NaN.
pub(crate) fn matmul<F: Real>(a: ArrayView2<'_, F>, b: ArrayView2<'_, F>, beta: F, mut c: ArrayViewMut2<'_, F>) {
    general_mat_mul(F::one(), &a, &b, beta, &mut c);
}
