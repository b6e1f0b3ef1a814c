//! C ← start + A·B, `[rows, inner]·[inner, cols]`: F1, B2, B4 and B5.
//!
//! C is computed in tiles of up to six rows, as wide as a column block. For each of the `inner` terms a tile takes a
//! row of B and adds it, times an entry of A, to each row of sums, which stay in registers. Every sum takes
//! its terms one after the other. A product of a single row has too few sums to keep the processor busy, so it splits
//! each into four parts (terms 0, 4, 8 …; 1, 5, 9 …) and adds them up at the end.
//!
//! Small products read B where it is. Large ones read a packed copy of one column block at a time (`packing.rs`).

// Indices: with an iterator over an array of vectors, the compiler puts the vectors on the stack.
#![allow(clippy::needless_range_loop)]

use super::Sizes;
use super::columns::{Columns, Place, in_columns, in_wide_columns};
use super::dots::Dots;
use super::each::{Sum, each};
use super::packing;
use super::threads::{join, pieces, rows_of, share, slice};
use super::vectors::{LONGEST, Lanes, Work, choose, run};
use crate::real::Real;
use fearless_simd::Simd;
use ndarray::{ArrayViewMut2, Axis};

/// Maximum number of rows of a tile. Threads share a product tile by tile.
const TILE: usize = 6;

/// B is packed for at least this many rows, if it has more than `SMALL` entries.
const MANY_ROWS: usize = 8;
const SMALL: usize = 1024;

/// Minimum number of columns for which a single row needs no split sums.
const LONG_ROW: usize = 64;

/// Maximum number of rows for which B2 uses dot products.
const FEW_ROWS: usize = 4;

/// Minimum number of terms for splitting a sum between two cores.
const LEAST_TERMS: usize = 64;

/// Maximum number of weights that stay in the caches of the cores that update them.
const OWNED: usize = 256 * 1024;

/// Minimum number of multiplications per thread.
const LEAST_PIECE: usize = 512 * 1024;

/// A matrix in a slice: the distances from an entry to the one below and to the one on the right.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a, F> {
    pub(super) entries: &'a [F],
    pub(super) down: usize,
    pub(super) right: usize,
}

impl<'a, F> Matrix<'a, F> {
    /// Row after row, with `cols` entries each.
    #[inline(always)]
    pub(super) fn row_major(entries: &'a [F], cols: usize) -> Self {
        Matrix { entries, down: cols, right: 1 }
    }

    /// The transpose of a row-major matrix. The transpose of a single column is a row, and row-major.
    #[inline(always)]
    pub(super) fn transpose(entries: &'a [F], cols: usize) -> Self {
        Matrix { entries, down: if cols == 1 { entries.len() } else { 1 }, right: cols }
    }

    /// The part of the matrix from this entry on.
    #[inline(always)]
    pub(super) fn from(self, row: usize, col: usize) -> Self {
        Matrix { entries: &self.entries[row * self.down + col * self.right..], ..self }
    }
}

/// The initial value of the sums.
#[derive(Clone, Copy)]
pub(super) enum Start<'a, F> {
    Zero,
    /// The same row for all rows of C.
    Row(&'a [F]),
    /// The previous values of C.
    C,
}

/// The factors of a product, and the initial value of its sums.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, F> {
    pub(super) a: Matrix<'a, F>,
    pub(super) b: Matrix<'a, F>,
    pub(super) start: Start<'a, F>,
    pub(super) inner: usize,
}

impl<F: Real> Product<'_, F> {
    /// The product for the part of C from this row and column on.
    #[inline(always)]
    fn from(self, row: usize, col: usize) -> Self {
        let start = if let Start::Row(row) = self.start { Start::Row(&row[col..]) } else { self.start };
        Product { a: self.a.from(row, 0), b: self.b.from(0, col), start, inner: self.inner }
    }
}

/// F1. If the weights fit into the cores' caches, each of two cores sums the terms of the rows of W that it updates,
/// and the two sums are added. The choice depends on the shapes alone, so one core gives the same bits.
#[inline(always)]
pub(super) fn affine<F: Real>(sizes: Sizes, x: &[F], weights: &[F], bias: &[F], z: &mut [F], spare: &mut [F]) {
    let (rows, inner, cols) = sizes;
    let (a, b) = (Matrix::row_major(x, inner), Matrix::row_major(weights, cols));
    let whole = Product { a, b, start: Start::Row(bias), inner };
    let threads = threads_for(sizes);
    if !gains_by_threads(rows, inner, cols) || rows < MANY_ROWS || inner < LEAST_TERMS || inner * cols > OWNED {
        return on_threads(whole, z, sizes, threads);
    }
    let half = inner / 2;
    let first = Product { inner: half, ..whole };
    let second = Product { a: a.from(0, half), b: b.from(half, 0), start: Start::Zero, inner: inner - half };
    join(
        || on_threads(first, z, (rows, half, cols), threads / 2),
        || on_threads(second, spare, (rows, inner - half, cols), threads - threads / 2),
    );
    each(Sum, [z], [spare]);
}

/// B2. With few rows, or few columns of a large B, its entries are dot products; a small B is transposed as a whole.
#[inline(always)]
pub(super) fn times_transpose<F: Real>(sizes: Sizes, a: &[F], b: &[F], c: &mut [F]) {
    let (rows, inner, cols) = sizes;
    let (threads, start) = (threads_for(sizes), Start::Zero);
    let left = Matrix::row_major(a, inner);
    if rows <= FEW_ROWS || cols < LONGEST && inner * cols > SMALL {
        for (a, c) in a.chunks_exact(inner).zip(c.chunks_exact_mut(cols)) {
            match threads {
                1 => run(Dots { a, b, c }),
                _ => share(rows_of([c]), (Axis(1), 1), threads, &|first, [c]| {
                    run(Dots { a, b: &b[first * inner..], c: slice(c) });
                }),
            }
        }
    } else if inner * cols > SMALL {
        on_threads(Product { a: left, b: Matrix::transpose(b, inner), start, inner }, c, sizes, threads);
    } else {
        packing::with_buffer(|buffer| {
            for (col, row) in b.chunks_exact(inner).enumerate() {
                for (term, &entry) in row.iter().enumerate() {
                    buffer[term * cols + col] = entry;
                }
            }
            on_threads(Product { a: left, b: Matrix::row_major(buffer, cols), start, inner }, c, sizes, threads);
        });
    }
}

/// B4.
#[inline(always)]
pub(super) fn transpose_times<F: Real>(sizes: Sizes, a: &[F], b: &[F], c: &mut [F]) {
    let (rows, inner, cols) = sizes;
    let (a, b) = (Matrix::transpose(a, rows), Matrix::row_major(b, cols));
    on_threads(Product { a, b, start: Start::Zero, inner }, c, sizes, threads_for(sizes));
}

/// B5, as the product with a row of ones.
#[inline(always)]
pub(super) fn column_sums<F: Real>(b: &[F], sums: &mut [F]) {
    let (inner, cols) = (b.len() / sums.len(), sums.len());
    let a = Matrix { entries: &[F::one()], down: 1, right: 0 };
    choose(Small {
        product: Product { a, b: Matrix::row_major(b, cols), start: Start::Zero, inner },
        c: sums,
        cols,
        one_row: true,
    });
}

/// The work of a product, in multiplications. Fetching an entry of B or C from another core's cache costs as much as
/// FETCH of them, which dominates with few rows or few terms.
fn work((rows, inner, cols): Sizes) -> usize {
    const FETCH: usize = 32;
    cols * (rows * inner).max(FETCH * inner).max(FETCH * rows)
}

/// Whether a product has enough work for two threads.
pub(crate) fn gains_by_threads(rows: usize, inner: usize, cols: usize) -> bool {
    work((rows, inner, cols)) >= 2 * LEAST_PIECE
}

/// The number of threads for a product.
#[inline(always)]
fn threads_for(sizes: Sizes) -> usize {
    pieces(work(sizes), LEAST_PIECE)
}

/// A product on `threads` threads. In a large product each computes some columns, and packs only its part of B; where A
/// is a transpose (B4), and in a small product, each computes some rows.
#[inline(always)]
fn on_threads<F: Real>(product: Product<'_, F>, c: &mut [F], (rows, inner, cols): Sizes, threads: usize) {
    let packed = product.b.right > 1 || rows >= MANY_ROWS && cols >= LONGEST && inner * cols > SMALL;
    // Threads never share a single row, so that its sums have the same parts on any number of threads.
    if !packed && (threads < 2 || rows == 1) {
        return choose(Small { product, c, cols, one_row: rows == 1 });
    }
    let c = [ArrayViewMut2::from_shape((rows, cols), c).expect("an entry for each row and column")];
    match (packed, product.a.right > 1) {
        (true, false) => {
            share(c, (Axis(1), LONGEST), threads, &|col, [c]| packing::run_packed(product.from(0, col), c))
        }
        (true, true) => share(c, (Axis(0), TILE), threads, &|row, [c]| packing::run_packed(product.from(row, 0), c)),
        (false, _) => share(c, (Axis(0), TILE), threads, &|row, [c]| {
            choose(Small { product: product.from(row, 0), c: slice(c), cols, one_row: false });
        }),
    }
}

/// A product that reads a row-major B without packing it.
struct Small<'a, F> {
    product: Product<'a, F>,
    c: &'a mut [F],
    cols: usize,
    /// Whether the whole product has one row; a part of a larger product does not count.
    one_row: bool,
}

/// A product of a single row, with each sum split into `PARTS` parts.
struct OneRow<'a, F, const PARTS: usize>(Small<'a, F>);

impl<F: Real, const PARTS: usize> Columns<F> for OneRow<'_, F, PARTS> {
    #[inline(always)]
    fn block<S: Simd, V: Lanes<S, F>, const VECTORS: usize>(&mut self, s: S, at: Place) {
        let Small { product, c, .. } = &mut self.0;
        // With one row, A and its transpose are the same slice.
        let tile = Tile::<F, false, true> { product: *product, row: 0, at };
        tile.compute::<S, V, VECTORS, 1, PARTS>(s, &mut std::iter::once(&mut **c));
    }
}

impl<F: Real> Work for Small<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        match (self.one_row, self.cols >= LONG_ROW) {
            (true, true) => in_wide_columns(s, self.cols, &mut OneRow::<F, 1>(self)),
            (true, false) => in_columns(s, self.cols, &mut OneRow::<F, 4>(self)),
            (false, _) => in_columns(s, self.cols, &mut self),
        }
    }
}

impl<F: Real> Columns<F> for Small<'_, F> {
    #[inline(always)]
    fn block<S: Simd, V: Lanes<S, F>, const VECTORS: usize>(&mut self, s: S, at: Place) {
        let (product, rows) = (self.product, self.c.len() / self.cols);
        tiles::<S, F, V, VECTORS, false>(s, product, self.c.chunks_exact_mut(self.cols), rows, at);
    }
}

/// The tiles of one column block, one below the other. B is packed, or row-major.
#[inline(always)]
pub(super) fn tiles<'c, S: Simd, F: Real, V: Lanes<S, F>, const VECTORS: usize, const PACKED: bool>(
    s: S,
    product: Product<'_, F>,
    c: impl Iterator<Item = &'c mut [F]>,
    rows: usize,
    at: Place,
) {
    if product.a.right == 1 {
        tiles_of::<S, F, V, VECTORS, PACKED, false>(s, product, c, rows, at);
    } else {
        tiles_of::<S, F, V, VECTORS, PACKED, true>(s, product, c, rows, at);
    }
}

/// The same, with A row-major or a transpose.
#[inline(always)]
fn tiles_of<'c, S: Simd, F: Real, V: Lanes<S, F>, const VECTORS: usize, const PACKED: bool, const TURNED: bool>(
    s: S,
    product: Product<'_, F>,
    mut c: impl Iterator<Item = &'c mut [F]>,
    rows: usize,
    at: Place,
) {
    let mut row = 0;
    while row < rows {
        let c = &mut c;
        let tile = Tile::<'_, F, PACKED, TURNED> { product, row, at };
        row += match rows - row {
            // Eight rows are two tiles of four: a tile of one row has too few sums to keep the processor busy.
            4 | 5 | 8 | 9 => tile.compute::<S, V, VECTORS, 4, 1>(s, c),
            TILE.. => tile.compute::<S, V, VECTORS, TILE, 1>(s, c),
            _ => tile.compute::<S, V, VECTORS, 1, 1>(s, c),
        };
    }
}

/// The tile of C that begins at a row.
struct Tile<'a, F, const PACKED: bool, const TURNED: bool> {
    product: Product<'a, F>,
    row: usize,
    at: Place,
}

impl<F: Real, const PACKED: bool, const TURNED: bool> Tile<'_, F, PACKED, TURNED> {
    /// `ROWS` rows, with sums in `PARTS` parts, into the next rows of C. Returns the number of rows.
    #[inline(always)]
    fn compute<'c, S: Simd, V: Lanes<S, F>, const VECTORS: usize, const ROWS: usize, const PARTS: usize>(
        self,
        s: S,
        c: &mut impl Iterator<Item = &'c mut [F]>,
    ) -> usize {
        let sums = self.sums::<S, V, VECTORS, ROWS, PARTS>(s);
        for r in 0..ROWS {
            let row = c.next().expect("a row of C for each row of the tile");
            let mut total = sums[r];
            if let Start::C = self.product.start {
                let before: [V; VECTORS] = self.at.load(s, row);
                for v in 0..VECTORS {
                    total[v] = before[v] + total[v];
                }
            }
            self.at.store(total, row);
        }
        ROWS
    }

    #[inline(always)]
    fn sums<S: Simd, V: Lanes<S, F>, const VECTORS: usize, const ROWS: usize, const PARTS: usize>(
        &self,
        s: S,
    ) -> [[V; VECTORS]; ROWS] {
        let (Product { a, start, inner, .. }, zero) = (self.product, V::splat(s, F::zero()));
        let mut parts = [[[zero; VECTORS]; ROWS]; PARTS];
        if let Start::Row(row) = start {
            parts[0] = [self.at.load(s, row); ROWS];
        }
        let mut rows_of_a = [a.entries; ROWS];
        for r in 0..ROWS {
            // Slices of one length need a single bounds check.
            rows_of_a[r] = if TURNED { &a.entries[self.row..] } else { &a.entries[(self.row + r) * a.down..][..inner] };
        }
        let mut term = 0;
        while PARTS > 1 && term + PARTS <= inner {
            for part in 0..PARTS {
                self.add_term(s, &rows_of_a, term + part, &mut parts[part]);
            }
            term += PARTS;
        }
        while term < inner {
            self.add_term(s, &rows_of_a, term, &mut parts[0]);
            term += 1;
        }
        let mut sums = parts[0];
        for part in 1..PARTS {
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    sums[r][v] = sums[r][v] + parts[part][r][v];
                }
            }
        }
        sums
    }

    /// sums ← sums + (entries of A) · (row of B)
    #[inline(always)]
    fn add_term<S: Simd, V: Lanes<S, F>, const VECTORS: usize, const ROWS: usize>(
        &self,
        s: S,
        rows_of_a: &[&[F]; ROWS],
        term: usize,
        sums: &mut [[V; VECTORS]; ROWS],
    ) {
        let b = self.product.b;
        let row: [V; VECTORS] = if PACKED {
            let packed = Place { first: 0, last: (VECTORS - 1) * V::LEN };
            packed.load(s, &b.entries[term * VECTORS * V::LEN..][..VECTORS * V::LEN])
        } else {
            // Slices of one length need a single bounds check. A short row is read together with the next one.
            let row = &b.entries[term * b.down..];
            self.at.load(s, if V::SHORT { row } else { &row[..b.down] })
        };
        let mut entries = [F::zero(); ROWS];
        if TURNED {
            entries =
                *rows_of_a[0][term * self.product.a.right..].first_chunk().expect("a row of A for each of the tile");
        } else {
            for r in 0..ROWS {
                entries[r] = rows_of_a[r][term];
            }
        }
        for r in 0..ROWS {
            let entry = V::splat(s, entries[r]);
            for v in 0..VECTORS {
                sums[r][v] = entry.mul_add(row[v], sums[r][v]);
            }
        }
    }
}
