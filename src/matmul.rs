//! `matmul`: the one room that touches a matrix-product backend.
//!
//! Large products go to the backend of `ndarray`. It first copies both factors into an order that its inner loop likes,
//! which pays when every entry is used many times. In a small product, or one with few rows (a batch of one example),
//! the copying would cost more than the product; those are done here by loops over row slices, short enough for a
//! compiler to turn into vector instructions.
//!
//! Measured on one core of an EPYC 9005 with `-C target-cpu=native`, in thousand samples a second, without and with the loops:
//! 2-25-50-25-2 one example at a time 208 → 777; 1-8-5-3-1 in batches of 40 8,450 → 12,170; one prediction of 784-100-10
//! 43 → 270. The kernels of the crate `gemm` in place of the backend, on two cores: 784-800-10 in batches of 128 110 → 103, so
//! not worth their price there.

use crate::real::Real;
use crate::threads::{join, pieces};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

/// Multiplications up to which the loops of this file are faster than the backend.
const SMALL: usize = 16 * 1024;

/// Rows of C up to which they are, whatever the size: the backend's copy of B would be used so few times.
const FEW_ROWS: usize = 4;

/// Entries of a B that is a transpose up to which it is copied into row-major order: what fits on the stack.
const COPIED: usize = 1024;

/// Multiplications that are worth a thread of their own; fewer gain less than waking it costs.
const LEAST_PIECE: usize = 512 * 1024;

/// The pieces of C end at multiples of this, the size of the backend's inner blocks.
const BLOCK: usize = 16;

/// C ← A·B, or C ← A·B + 1bᵀ with a row b, `start`, that every row of C starts from. `[m,k]·[k,n] → [m,n]`, the usual
/// letters of a product: k is the length of its sums.
///
/// What C held before does not matter, not even a NaN. C is row-major.
pub(crate) fn matmul<F: Real>(
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    start: Option<ArrayView1<'_, F>>,
    mut c: ArrayViewMut2<'_, F>,
) {
    let ((m, k), n) = (a.dim(), b.ncols());
    debug_assert_eq!((b.nrows(), c.dim()), (k, (m, n)), "[m,k]·[k,n] → [m,n]: rows of B, shape of C");
    debug_assert!(start.is_none_or(|row| row.len() == n), "the starting row has to be [n]");
    if m <= FEW_ROWS || m * k * n <= SMALL {
        // F1 with a row-major A; B4, whose A is a transpose; B2, whose B is one.
        if let (Some(b), Some(c)) = (b.to_slice(), c.as_slice_mut()) {
            let start = start.as_ref().and_then(|row| row.to_slice());
            if let Some(a) = a.to_slice() {
                return sums_of_rows(a, (k, 1), b, start, c, (k, n));
            }
            if let Some(a) = a.t().to_slice() {
                return sums_of_rows(a, (1, m), b, start, c, (k, n));
            }
        } else if let (Some(a), Some(b), Some(c), None) = (a.to_slice(), b.t().to_slice(), c.as_slice_mut(), start) {
            if m > FEW_ROWS && k * n <= COPIED {
                let mut rows = [F::zero(); COPIED];
                for (j, column) in b.chunks_exact(k).enumerate() {
                    column.iter().enumerate().for_each(|(p, &x)| rows[p * n + j] = x);
                }
                return sums_of_rows(a, (k, 1), &rows[..k * n], None, c, (k, n));
            }
            return dots(a, b, c, (k, n));
        }
    }
    large(a, b, start, c, pieces(m * k * n, LEAST_PIECE));
}

/// Whether a product of so many multiplications is worth several threads.
pub(crate) fn gains_by_threads(multiplications: usize) -> bool {
    multiplications >= 2 * LEAST_PIECE
}

/// By the backend, in pieces of C that are computed side by side. An entry of C is the same sum in the same order whatever
/// piece it is in.
fn large<F: Real>(
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    start: Option<ArrayView1<'_, F>>,
    mut c: ArrayViewMut2<'_, F>,
    pieces: usize,
) {
    let (rows, columns) = c.dim();
    if pieces > 1 && rows.max(columns) > BLOCK {
        // The longer side is cut, because every piece packs the factor along the other side for itself.
        let (first, second) = (pieces / 2, pieces - pieces / 2);
        let cut = |length: usize| ((length * first / pieces + BLOCK / 2) / BLOCK * BLOCK).clamp(1, length - 1);
        if rows >= columns {
            let (a0, a1) = a.split_at(Axis(0), cut(rows));
            let (c0, c1) = c.split_at(Axis(0), cut(rows));
            join(|| large(a0, b, start, c0, first), || large(a1, b, start, c1, second));
        } else {
            let (b0, b1) = b.split_at(Axis(1), cut(columns));
            let (c0, c1) = c.split_at(Axis(1), cut(columns));
            let (start0, start1) = start.map(|row| row.split_at(Axis(0), cut(columns))).unzip();
            join(|| large(a, b0, start0, c0, first), || large(a, b1, start1, c1, second));
        }
        return;
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
        64.. if cfg!(target_feature = "avx") => sums::<F, 64>,
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
    let mut from = 0;
    loop {
        for (i, c) in c.chunks_exact_mut(n).enumerate() {
            let mut sum = [F::zero(); COLUMNS];
            if let Some(start) = start {
                sum.copy_from_slice(&start[from..from + COLUMNS]);
            }
            for p in 0..k {
                let a = a[i * step.0 + p * step.1];
                for (sum, &b) in sum.iter_mut().zip(&b[p * n + from..][..COLUMNS]) {
                    *sum = a.times_plus(b, *sum);
                }
            }
            c[from..from + COLUMNS].copy_from_slice(&sum);
        }
        if from + COLUMNS == n {
            break;
        }
        // The last block reaches back into the one before and computes some columns again, to the same numbers.
        from = (from + COLUMNS).min(n - COLUMNS);
    }
}

/// The sum of the rows of a matrix. `[n,k] → [k]`
pub(crate) fn column_sums<F: Real>(a: ArrayView2<'_, F>, mut sums: ArrayViewMut1<'_, F>) {
    sums.fill(F::zero());
    match (a.to_slice(), sums.as_slice_mut()) {
        // The same, for rows that are too short for a view of each.
        (Some(a), Some(sums)) => {
            for row in a.chunks_exact(sums.len()) {
                sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
            }
        }
        _ => a.rows().into_iter().for_each(|row| sums += &row),
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

/// One row of C. A dot product runs in LANES sums side by side, which are added up by halves at its end.
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
