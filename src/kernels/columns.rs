//! `in_columns`: cuts the columns of a result into blocks of a few vectors.

use super::vectors::{Half, Lanes, Native, Quarter, Short};
use crate::real::Real;
use fearless_simd::{Simd, SimdFloatElement};

/// The offsets of one column block's vectors in a row: consecutive from `first`, except the last vector, which begins
/// at `last`. At the end of a row it overlaps the vector before it, and some columns are computed twice,
/// bit-identically.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) first: usize,
    pub(super) last: usize,
}

// Plain loops: with an iterator over an array of vectors, the compiler puts the vectors on the stack.
impl Place {
    #[inline(always)]
    pub(super) fn load<S: Simd, F: Real, V: Lanes<S, F>, const VECTORS: usize>(self, s: S, row: &[F]) -> [V; VECTORS] {
        let mut vectors = [V::splat(s, F::zero()); VECTORS];
        let others = &row[self.first..][..(VECTORS - 1) * V::LEN];
        for v in 0..VECTORS - 1 {
            vectors[v] = V::load(s, &others[v * V::LEN..]);
        }
        vectors[VECTORS - 1] = V::load(s, &row[self.last..]);
        vectors
    }

    #[inline(always)]
    pub(super) fn store<S: Simd, F: Real, V: Lanes<S, F>, const VECTORS: usize>(
        self,
        vectors: [V; VECTORS],
        row: &mut [F],
    ) {
        let others = &mut row[self.first..][..(VECTORS - 1) * V::LEN];
        for v in 0..VECTORS - 1 {
            vectors[v].store(&mut others[v * V::LEN..]);
        }
        vectors[VECTORS - 1].store(&mut row[self.last..]);
    }
}

/// An operation on one column block.
pub(super) trait Columns<F: Real> {
    fn block<S: Simd, V: Lanes<S, F>, const VECTORS: usize>(&mut self, s: S, at: Place);
}

/// All `cols` columns, in blocks of about equal width. Rows shorter than the widest vector take shorter ones.
#[inline(always)]
pub(super) fn in_columns<S: Simd, F: Real>(s: S, cols: usize, work: &mut impl Columns<F>) {
    let bytes = cols * size_of::<F>();
    if bytes >= const { native::<S, F>() } {
        in_native_columns(s, cols, work);
    } else if const { native::<S, F>() > 32 } && bytes >= 32 {
        blocks::<2, S, F, Half<S, F>>(s, cols, work);
    } else if const { native::<S, F>() > 16 } && bytes >= 16 {
        blocks::<2, S, F, Quarter<S, F>>(s, cols, work);
    } else {
        block::<S, F, Short<S, F>, 1>(s, Place { first: 0, last: 0 }, work);
    }
}

/// As [`in_columns`], for rows that are at least as long as the widest vector. A block is so wide that six rows of its
/// sums, a row of B and an entry of A stay in registers: of 32 with AVX-512 and NEON, else of 16. WebAssembly does not
/// say how many the processor has.
#[inline(always)]
pub(super) fn in_native_columns<S: Simd, F: Real>(s: S, cols: usize, work: &mut impl Columns<F>) {
    if const { native::<S, F>() == 64 || cfg!(target_arch = "aarch64") || cfg!(target_arch = "wasm32") } {
        blocks::<4, S, F, Native<S, F>>(s, cols, work);
    } else {
        blocks::<2, S, F, Native<S, F>>(s, cols, work);
    }
}

/// As [`in_native_columns`], for a single row of sums: registers then have space for more columns.
#[inline(always)]
pub(super) fn in_wide_columns<S: Simd, F: Real>(s: S, cols: usize, work: &mut impl Columns<F>) {
    blocks::<8, S, F, Native<S, F>>(s, cols, work);
}

/// Bytes of the widest vector.
const fn native<S: Simd, F: Real>() -> usize {
    size_of::<<F as SimdFloatElement>::Native<S>>()
}

/// In blocks of up to `MOST` vectors, 2, 4 or 8.
#[inline(always)]
fn blocks<const MOST: usize, S: Simd, F: Real, V: Lanes<S, F>>(s: S, cols: usize, work: &mut impl Columns<F>) {
    let mut left = cols.div_ceil(V::LEN);
    let mut first = 0;
    while left > 0 {
        // The last of several blocks has at least two vectors, so that the overlapping vector stays within the block.
        let width = if left <= MOST { left } else { left.div_ceil(left.div_ceil(MOST)).min(left - 2) };
        let at = Place { first, last: (first + (width - 1) * V::LEN).min(cols - V::LEN) };
        match width {
            1 => block::<S, F, V, 1>(s, at, work),
            2 => block::<S, F, V, 2>(s, at, work),
            3 if const { MOST >= 4 } => block::<S, F, V, 3>(s, at, work),
            4 if const { MOST >= 4 } => block::<S, F, V, 4>(s, at, work),
            5 if const { MOST == 8 } => block::<S, F, V, 5>(s, at, work),
            6 if const { MOST == 8 } => block::<S, F, V, 6>(s, at, work),
            7 if const { MOST == 8 } => block::<S, F, V, 7>(s, at, work),
            8 if const { MOST == 8 } => block::<S, F, V, 8>(s, at, work),
            _ => unreachable!("a block is as wide as the registers allow"),
        }
        left -= width;
        first += width * V::LEN;
    }
}

/// One column block, in a separate function that has all registers. Inlined, each block would pay for values that the
/// compiler hoists for the others.
#[inline(never)]
fn block<S: Simd, F: Real, V: Lanes<S, F>, const VECTORS: usize>(s: S, at: Place, work: &mut impl Columns<F>) {
    s.vectorize(
        #[inline(always)]
        || work.block::<S, V, VECTORS>(s, at),
    );
}
