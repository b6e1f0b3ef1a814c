//! Everything that is fast. This file lists the operations, each with its equation, its shapes and its definition in
//! plain loops. The other files compute the same with vectors and on several cores; a reader of the calculus can stop
//! here.
//!
//! | operation | equation | for |
//! |---|---|---|
//! | [`affine`] | Z = X·W + 1bᵀ | F1 |
//! | [`times_transpose`] | C = A·Bᵀ | B2 |
//! | [`transpose_times`] | C = Aᵀ·B | B4 |
//! | [`column_sums`] | sⱼ = Σᵢ aᵢⱼ | B5 |
//! | [`each`] | a formula, entry by entry | F2, B3, U1 |
//! | [`Number::exp`], [`Number::exp_m1`] | eˣ, eˣ − 1 | A2, A3, A5 |
//! | [`all_finite`] | no NaN, no infinity | checks |
//! | [`in_row_blocks`] | some rows at a time, side by side | predictions |
//! | [`in_rows`] | one row at a time, side by side | dropout, augmentation |
//! | [`run_jobs`] | whole trainings, side by side | cross-validation |
//!
//! All matrices are row-major. Every sum is taken in an order that depends on the shapes alone, so the bits are the
//! same on any number of threads and with vectors of any width; only whether a·b + c is rounded once or twice depends
//! on the processor.

mod columns;
mod dots;
mod each;
mod exponential;
mod packing;
mod products;
mod threads;
mod vectors;
#[cfg(test)]
mod tests;

use crate::real::{ROW_MAJOR, Real, entries, entries_mut};
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, s};
use std::cell::Cell;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::LocalKey;

/// Minimum number of entries per thread in [`in_rows`].
const LEAST_IN_ROWS: usize = 4 * 1024;

pub(crate) use products::gains_by_threads;
pub use threads::Threads;
pub(crate) use threads::{available_threads, run_jobs};

/// The operations in plain loops: what they compute, and the oracle of their tests.
#[cfg(test)]
mod definition {
    use super::*;

    /// zᵢⱼ = bⱼ + Σₚ xᵢₚ wₚⱼ   `[rows, inner]·[inner, cols] + [cols] → [rows, cols]`
    pub fn affine<F: Real>(x: &Array2<F>, weights: &Array2<F>, bias: &Array1<F>) -> Array2<F> {
        Array2::from_shape_fn((x.nrows(), weights.ncols()), |(i, j)| {
            (0..x.ncols()).fold(bias[j], |sum, p| sum + x[[i, p]] * weights[[p, j]])
        })
    }

    /// cᵢⱼ = Σₚ aᵢₚ bⱼₚ   `[rows, inner]·[cols, inner]ᵀ → [rows, cols]`
    pub fn times_transpose<F: Real>(a: &Array2<F>, b: &Array2<F>) -> Array2<F> {
        Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, j)| (0..a.ncols()).map(|p| a[[i, p]] * b[[j, p]]).sum())
    }

    /// cᵢⱼ = Σₚ aₚᵢ bₚⱼ   `[inner, rows]ᵀ·[inner, cols] → [rows, cols]`
    pub fn transpose_times<F: Real>(a: &Array2<F>, b: &Array2<F>) -> Array2<F> {
        Array2::from_shape_fn((a.ncols(), b.ncols()), |(i, j)| (0..a.nrows()).map(|p| a[[p, i]] * b[[p, j]]).sum())
    }

    /// sⱼ = Σᵢ aᵢⱼ   `[rows, cols] → [cols]`
    pub fn column_sums<F: Real>(a: &Array2<F>) -> Array1<F> {
        Array1::from_shape_fn(a.ncols(), |j| (0..a.nrows()).map(|i| a[[i, j]]).sum())
    }

    /// outᵢ ← formula(outᵢ, inputᵢ) for every i
    pub fn each<F: Real, const OUT: usize, const IN: usize>(
        formula: impl Formula<OUT, IN>,
        out: [&mut [F]; OUT],
        input: [&[F]; IN],
    ) {
        for i in 0..out[0].len() {
            let mut entries: [F; OUT] = std::array::from_fn(|o| out[o][i]);
            super::each(formula, entries.each_mut().map(std::slice::from_mut), input.map(|input| &input[i..=i]));
            (0..OUT).for_each(|o| out[o][i] = entries[o]);
        }
    }
}

/// (F1) Z ← X·W + 1bᵀ   `[rows, inner]·[inner, cols] + [cols] → [rows, cols]`
///
/// `spare`, of the shape of Z, holds the second half of sums that two cores share.
#[inline(always)]
pub(crate) fn affine<F: Real>(
    x: ArrayView2<'_, F>,
    weights: &Array2<F>,
    bias: &Array1<F>,
    z: &mut Array2<F>,
    spare: &mut Array2<F>,
) {
    let (rows, (inner, cols)) = (x.nrows(), weights.dim());
    debug_assert_eq!((x.ncols(), bias.len(), z.dim()), (inner, cols, (rows, cols)));
    let x = x.to_slice().expect(ROW_MAJOR);
    F::affine((rows, inner, cols), x, entries(weights), entries(bias), entries_mut(z), entries_mut(spare));
}

/// (B2) C ← A·Bᵀ   `[rows, inner]·[cols, inner]ᵀ → [rows, cols]`
#[inline(always)]
pub(crate) fn times_transpose<F: Real>(a: &Array2<F>, b: &Array2<F>, c: &mut Array2<F>) {
    let ((rows, inner), cols) = (a.dim(), b.nrows());
    debug_assert_eq!((b.ncols(), c.dim()), (inner, (rows, cols)));
    F::times_transpose((rows, inner, cols), entries(a), entries(b), entries_mut(c));
}

/// (B4) C ← Aᵀ·B   `[inner, rows]ᵀ·[inner, cols] → [rows, cols]`
#[inline(always)]
pub(crate) fn transpose_times<F: Real>(a: ArrayView2<'_, F>, b: &Array2<F>, c: &mut Array2<F>) {
    let ((inner, rows), cols) = (a.dim(), b.ncols());
    debug_assert_eq!((b.nrows(), c.dim()), (inner, (rows, cols)));
    F::transpose_times((rows, inner, cols), a.to_slice().expect(ROW_MAJOR), entries(b), entries_mut(c));
}

/// (B5) sⱼ ← Σᵢ aᵢⱼ   `[rows, cols] → [cols]`
#[inline(always)]
pub(crate) fn column_sums<F: Real>(a: &Array2<F>, sums: &mut Array1<F>) {
    F::column_sums(entries(a), entries_mut(sums));
}

/// outᵢ ← formula(outᵢ, inputᵢ) for every i, in one pass over arrays of one length.
#[inline(always)]
pub(crate) fn each<F: Real, const OUT: usize, const IN: usize>(
    formula: impl Formula<OUT, IN>,
    out: [&mut [F]; OUT],
    input: [&[F]; IN],
) {
    each::each(formula, out, input);
}

/// Whether every number is finite.
pub(crate) fn all_finite<F: Real>(numbers: &[F]) -> bool {
    F::all_finite(numbers)
}

/// Calls `work` for blocks of at most `block` rows of `x` and the same rows of `out`, side by side. Returns whether all
/// calls returned true.
pub(crate) fn in_row_blocks<F: Real>(
    x: ArrayView2<'_, F>,
    out: ArrayViewMut2<'_, F>,
    block: usize,
    work: &(impl Fn(ArrayView2<'_, F>, ArrayViewMut2<'_, F>) -> bool + Sync),
) -> bool {
    let all = AtomicBool::new(true);
    let parts = x.nrows().div_ceil(block);
    threads::share([out], (Axis(0), block), parts, &|first, [out]| {
        let x = x.slice(s![first..first + out.nrows(), ..]);
        all.fetch_and(work(x, out), Ordering::Relaxed);
    });
    all.into_inner()
}

/// Calls `work` for every row of `array` with its index, side by side.
pub(crate) fn in_rows<F: Real>(array: ArrayViewMut2<'_, F>, work: &(impl Fn(usize, ArrayViewMut1<'_, F>) + Sync)) {
    let parts = threads::pieces(array.len(), LEAST_IN_ROWS);
    threads::share([array], (Axis(0), 1), parts, &|first, [mut rows]| {
        for (i, row) in rows.outer_iter_mut().enumerate() {
            work(first + i, row);
        }
    });
}

/// What [`each()`] computes: new values for the entries of `OUT` arrays, from their old values and from the entries of
/// `IN` other arrays.
pub(crate) trait Formula<const OUT: usize, const IN: usize>: Copy + Send + Sync {
    fn at<N: Number>(self, out: [N; OUT], input: [N; IN]) -> [N; OUT];
}

/// What a formula computes with: a number, or a whole vector of them.
pub(crate) trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// `f32` or `f64`.
    type Real: Real;

    /// The constant `x`, in every lane of a vector. `self` only tells which kind of vector.
    fn real(self, x: Self::Real) -> Self;

    /// The constant `x`, rounded to this number type; `self` as in [`real`](Number::real).
    #[inline(always)]
    fn constant(self, x: f64) -> Self {
        self.real(Self::Real::from_f64(x))
    }

    /// self · b + c, rounded once where the processor can.
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// |self|
    fn abs(self) -> Self;

    /// √self
    fn sqrt(self) -> Self;

    /// `yes` where self < bound, else `no`; a NaN is not less than anything.
    fn if_less(self, bound: Self, yes: Self, no: Self) -> Self;

    /// 2ⁿ for a whole number n with 2ⁿ normal.
    fn exp2(self) -> Self;

    /// e^x for x ≤ 0.
    #[inline(always)]
    fn exp(self) -> Self {
        exponential::exp_and_exp_m1(self).0
    }

    /// e^x − 1 for x ≤ 0, exact to the last digits also where it is small.
    #[inline(always)]
    fn exp_m1(self) -> Self {
        exponential::exp_and_exp_m1(self).1
    }
}

/// The sizes of a product, `[rows, inner]·[inner, cols]`.
type Sizes = (usize, usize, usize);

/// The operations on slices. As methods of `f32` and `f64` they are compiled once, with this crate, and not again in
/// every program that uses it.
pub trait Kernels: exponential::Constants + vectors::Widths {
    fn affine(sizes: Sizes, x: &[Self], weights: &[Self], bias: &[Self], z: &mut [Self], spare: &mut [Self]);
    fn times_transpose(sizes: Sizes, a: &[Self], b: &[Self], c: &mut [Self]);
    fn transpose_times(sizes: Sizes, a: &[Self], b: &[Self], c: &mut [Self]);
    fn column_sums(a: &[Self], sums: &mut [Self]);
    fn all_finite(numbers: &[Self]) -> bool;

    /// A thread's buffer for packed copies.
    fn buffer() -> &'static LocalKey<Cell<Vec<Self>>>;
}

macro_rules! kernels {
    ($number:ty) => {
        impl Kernels for $number {
            fn affine(sizes: Sizes, x: &[Self], weights: &[Self], bias: &[Self], z: &mut [Self], spare: &mut [Self]) {
                products::affine(sizes, x, weights, bias, z, spare);
            }

            fn times_transpose(sizes: Sizes, a: &[Self], b: &[Self], c: &mut [Self]) {
                products::times_transpose(sizes, a, b, c);
            }

            fn transpose_times(sizes: Sizes, a: &[Self], b: &[Self], c: &mut [Self]) {
                products::transpose_times(sizes, a, b, c);
            }

            fn column_sums(entries: &[Self], sums: &mut [Self]) {
                products::column_sums(entries, sums);
            }

            fn all_finite(numbers: &[Self]) -> bool {
                let mut finite = true;
                vectors::run(each::AllFinite { numbers, finite: &mut finite });
                finite
            }

            fn buffer() -> &'static LocalKey<Cell<Vec<Self>>> {
                thread_local! {
                    static BUFFER: Cell<Vec<$number>> = const { Cell::new(Vec::new()) };
                }
                &BUFFER
            }
        }
    };
}

kernels!(f32);
kernels!(f64);
