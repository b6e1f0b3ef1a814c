//! `matmul`: the one room that touches a matrix-product backend.
//!
//! Large products go to the backend of `ndarray`. It first copies both factors into an order that its inner loop likes,
//! which pays when every entry is used many times. In a small product, or one with few rows (a batch of one example),
//! the copying would cost more than the product; those are done here by loops over row slices, short enough for a
//! compiler to turn into vector instructions.
//!
//! Measured in thousand samples a second, this against the backend alone: 2-25-50-25-2 one example at a time …

use crate::real::Real;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};

/// Multiplications up to which the loops of this file are faster than the backend.
const SMALL: usize = 16 * 1024;

/// Rows of C up to which they are, whatever the size.
const FEW_ROWS: usize = 4;

/// C ← A·B, or C ← A·B + 1bᵀ with a row b that every row of C starts from. `[m,k]·[k,n] → [m,n]`
///
/// What C held before does not matter, not even a NaN. C is row-major.
pub(crate) fn matmul<F: Real>(
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    start: Option<ArrayView1<'_, F>>,
    mut c: ArrayViewMut2<'_, F>,
) {
    let ((m, k), n) = (a.dim(), c.ncols());
    if m <= FEW_ROWS || m * k * n <= SMALL {
        if let (Some(b), Some(c)) = (b.to_slice(), c.as_slice_mut()) {
            let start = start.as_ref().and_then(|row| row.to_slice());
            if let Some(a) = a.to_slice() {
                return sums_of_rows(a, (k, 1), b, start, c, (k, n));
            }
            if let Some(a) = a.t().to_slice() {
                return sums_of_rows(a, (1, m), b, start, c, (k, n));
            }
        } else if let (Some(a), Some(b), Some(c), None) = (a.to_slice(), b.t().to_slice(), c.as_slice_mut(), start) {
            return dots(a, b, c, (k, n));
        }
    }
    match start {
        Some(row) => {
            c.assign(&row);
            general_mat_mul(F::one(), &a, &b, F::one(), &mut c);
        }
        None => general_mat_mul(F::one(), &a, &b, F::zero(), &mut c),
    }
}

/// C by rows: row i of C is the sum of the rows of B, each times an entry of row i of A. Entry (i, p) of A stands at
/// i·`step.0` + p·`step.1`.
fn sums_of_rows<F: Real>(
    a: &[F],
    step: (usize, usize),
    b: &[F],
    start: Option<&[F]>,
    c: &mut [F],
    (k, n): (usize, usize),
) {
    // As many columns at a time as fit, so that their sums stay in registers while p runs.
    let block = match n {
        32.. => sums::<F, 32>,
        16.. => sums::<F, 16>,
        8.. => sums::<F, 8>,
        4.. => sums::<F, 4>,
        2.. => sums::<F, 2>,
        _ => sums::<F, 1>,
    };
    block(a, step, b, start, c, (k, n));
}

fn sums<F: Real, const COLUMNS: usize>(
    a: &[F],
    step: (usize, usize),
    b: &[F],
    start: Option<&[F]>,
    c: &mut [F],
    (k, n): (usize, usize),
) {
    for (i, c) in c.chunks_exact_mut(n).enumerate() {
        let mut from = 0;
        loop {
            let mut sum = [F::zero(); COLUMNS];
            if let Some(start) = start {
                sum.copy_from_slice(&start[from..from + COLUMNS]);
            }
            for p in 0..k {
                let a = a[i * step.0 + p * step.1];
                let b = &b[p * n + from..][..COLUMNS];
                for (sum, &b) in sum.iter_mut().zip(b) {
                    *sum = a.times_plus(b, *sum);
                }
            }
            c[from..from + COLUMNS].copy_from_slice(&sum);
            if from + COLUMNS == n {
                break;
            }
            // The last block reaches back into the one before and computes some columns again, to the same numbers.
            from = (from + COLUMNS).min(n - COLUMNS);
        }
    }
}

/// C by entries: each the product of a row of A and a column of B, which is a row of the slice `b`.
fn dots<F: Real>(a: &[F], b: &[F], c: &mut [F], (k, n): (usize, usize)) {
    let rows = match k {
        16.. => dots_of_row::<F, 16>,
        8.. => dots_of_row::<F, 8>,
        4.. => dots_of_row::<F, 4>,
        2.. => dots_of_row::<F, 2>,
        _ => dots_of_row::<F, 1>,
    };
    for (a, c) in a.chunks_exact(k).zip(c.chunks_exact_mut(n)) {
        rows(a, b, c);
    }
}

fn dots_of_row<F: Real, const LANES: usize>(a: &[F], b: &[F], c: &mut [F]) {
    let k = a.len();
    // What the whole blocks leave over is a last block too, of the last LANES entries, with zeros for those of A that a
    // whole block has had.
    let left = k % LANES;
    let mut last = [F::zero(); LANES];
    last[LANES - left..].copy_from_slice(&a[k - left..]);
    for (b, c) in b.chunks_exact(k).zip(c) {
        let mut sums = [F::zero(); LANES];
        multiply_add(&last, &b[k - LANES..], &mut sums);
        for from in (0..k - left).step_by(LANES) {
            multiply_add(&a[from..from + LANES], &b[from..from + LANES], &mut sums);
        }
        let mut half = LANES / 2;
        while half > 0 {
            for lane in 0..half {
                sums[lane] += sums[lane + half];
            }
            half /= 2;
        }
        *c = sums[0];
    }
}

/// sums ← sums + a ⊙ b
#[inline(always)]
fn multiply_add<F: Real, const LANES: usize>(a: &[F], b: &[F], sums: &mut [F; LANES]) {
    // As arrays, whose length the compiler knows.
    if let (Some(a), Some(b)) = (a.first_chunk::<LANES>(), b.first_chunk::<LANES>()) {
        for lane in 0..LANES {
            sums[lane] = a[lane].times_plus(b[lane], sums[lane]);
        }
    }
}
