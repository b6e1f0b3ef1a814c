//! Large products: one column block of B at a time is copied, so that its rows are contiguous, and all tiles of the
//! block read that copy. Where B is a transpose (B2), the copy undoes the transposition.

use super::columns::{Columns, Place, in_native_columns};
use super::products::{Matrix, Product, Start, tiles};
use super::vectors::{Lanes, Work, choose};
use crate::real::Real;
use fearless_simd::Simd;
use ndarray::ArrayViewMut2;
use std::cell::Cell;

/// Maximum number of terms of a packed column block, which keeps it in the L2 cache.
const TERMS: usize = 1024;

/// Bytes of a row of the widest column block: four vectors of 64 bytes.
const BLOCK: usize = 256;

/// Bytes of a cache line.
const LINE: usize = 64;

/// A large product, on this thread.
pub(super) fn run_packed<F: Real>(product: Product<'_, F>, c: ArrayViewMut2<'_, F>) {
    with_buffer(|packed| choose(Large { product, c, packed }));
}

/// Lends the thread's buffer for copies, which stays allocated between calls.
#[inline(always)]
pub(super) fn with_buffer<F: Real>(work: impl FnOnce(&mut [F])) {
    let mut buffer = F::buffer().try_with(Cell::take).unwrap_or_default();
    if buffer.is_empty() {
        buffer = vec![F::zero(); (LINE + TERMS * BLOCK) / size_of::<F>()];
    }
    let aligned = buffer.as_ptr().align_offset(LINE);
    work(&mut buffer[aligned..]);
    // A thread that is ending has no buffer any more.
    _ = F::buffer().try_with(|kept| kept.set(buffer));
}

struct Large<'a, F> {
    product: Product<'a, F>,
    c: ArrayViewMut2<'a, F>,
    packed: &'a mut [F],
}

impl<F: Real> Work for Large<'_, F> {
    /// Block after block of terms, and of each of them block after block of columns.
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (whole, cols) = (self.product, self.c.ncols());
        let blocks = whole.inner.div_ceil(TERMS);
        for block in 0..blocks {
            let (first, end) = (whole.inner * block / blocks, whole.inner * (block + 1) / blocks);
            let start = if first == 0 { whole.start } else { Start::C };
            self.product = Product { a: whole.a.from(0, first), b: whole.b.from(first, 0), start, inner: end - first };
            in_native_columns(s, cols, &mut self);
        }
    }
}

impl<F: Real> Columns<F> for Large<'_, F> {
    #[inline(always)]
    fn block<S: Simd, V: Lanes<S, F>, const VECTORS: usize>(&mut self, s: S, at: Place) {
        let (product, rows) = (self.product, self.c.nrows());
        let packed = &mut self.packed[..product.inner * VECTORS * V::LEN];
        match product.b.right {
            1 => pack::<S, F, V, VECTORS>(s, product.b, at, packed),
            _ => pack_transpose::<S, F, V, VECTORS>(s, product.b, at, packed),
        }
        let product = Product { b: Matrix::row_major(packed, 0), ..product };
        let c = self.c.rows_mut().into_iter().map(|row| row.into_slice().expect("rows of C are contiguous"));
        tiles::<S, F, V, VECTORS, true>(s, product, c, rows, at);
    }
}

/// Copies one column block of a row-major B.
#[inline(always)]
fn pack<S: Simd, F: Real, V: Lanes<S, F>, const VECTORS: usize>(s: S, b: Matrix<'_, F>, at: Place, packed: &mut [F]) {
    for (row, packed) in b.entries.chunks(b.down).zip(packed.chunks_exact_mut(VECTORS * V::LEN)) {
        let vectors: [V; VECTORS] = at.load(s, row);
        for v in 0..VECTORS {
            vectors[v].store(&mut packed[v * V::LEN..]);
        }
    }
}

/// Copies one column block of a transpose: `V::LEN` rows of the stored matrix become one vector per term.
#[inline(always)]
fn pack_transpose<S: Simd, F: Real, V: Lanes<S, F>, const VECTORS: usize>(
    s: S,
    b: Matrix<'_, F>,
    at: Place,
    packed: &mut [F],
) {
    let (inner, stride) = (packed.len() / (VECTORS * V::LEN), VECTORS * V::LEN);
    for v in 0..VECTORS {
        let rows = b.from(0, if v + 1 < VECTORS { at.first + v * V::LEN } else { at.last });
        let packed = &mut packed[v * V::LEN..];
        for term in (0..inner).step_by(V::LEN) {
            // The last square overlaps the one before and writes some terms twice; a single one may have fewer terms.
            let (term, terms) = (term.min(inner.saturating_sub(V::LEN)), inner.min(V::LEN));
            let (from, to) = (&rows.entries[term..], &mut packed[term * stride..]);
            match V::LEN {
                16 => transpose::<S, F, V, 16>(s, from, rows.right, terms, to, stride),
                8 => transpose::<S, F, V, 8>(s, from, rows.right, terms, to, stride),
                4 => transpose::<S, F, V, 4>(s, from, rows.right, terms, to, stride),
                _ => transpose::<S, F, V, 2>(s, from, rows.right, terms, to, stride),
            }
        }
    }
}

/// Transposes one square of `N` vectors, or the first `terms` terms of it. Zipping the first half of the vectors with
/// the second doubles the distance between neighbours in a row and halves it in a column; after log₂ N rounds rows have
/// become columns.
#[inline(always)]
fn transpose<S: Simd, F: Real, V: Lanes<S, F>, const N: usize>(
    s: S,
    from: &[F],
    down: usize,
    terms: usize,
    to: &mut [F],
    stride: usize,
) {
    let mut square = [V::splat(s, F::zero()); N];
    for row in 0..N {
        if terms == N {
            square[row] = V::load(s, &from[row * down..]);
        } else {
            let mut lanes = [F::zero(); N];
            lanes[..terms].copy_from_slice(&from[row * down..][..terms]);
            square[row] = V::load(s, &lanes);
        }
    }
    for _ in 0..N.ilog2() {
        let before = square;
        for pair in 0..N / 2 {
            (square[2 * pair], square[2 * pair + 1]) = before[pair].zip(before[pair + N / 2]);
        }
    }
    for row in 0..N {
        if row < terms {
            square[row].store(&mut to[row * stride..]);
        }
    }
}
