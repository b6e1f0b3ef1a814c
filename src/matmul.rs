//! `matmul`: the matrix products of a layer, F1, B4 and B2.
//!
//! Products whose B fits into the nearer caches are computed here, in tiles: some rows of C, as wide as their sums fit into
//! the registers. A tile goes through the k terms of its sums once: at each it multiplies a row of B, as wide as the tile,
//! by an entry of A for each row of its own. Larger products go to the backend of `ndarray`, which first copies both
//! factors into an order that suits its caches; for the others the copying would cost more than it saves.
//!
//! On several cores what counts is who touched the weights last. A core that writes weights which the other one has read
//! waits for each: on two cores of an EPYC 9004 the step of 784-100-10 took 45 µs so, and 9 µs where each core reads, in
//! F1, only the rows of W that it will write (13 µs on one core). So W is cut between the same rows everywhere, and the
//! sums of F1, which run over these rows, are cut in two.

use crate::real::Real;
use crate::threads::{join, pieces};
use crate::vectors::{Loop, Vectors, run, times_plus};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

/// Rows of a tile.
const ROWS: usize = 4;

/// Rows of C up to which a B that is a transpose is read as it stands, by dot products.
const FEW_ROWS: usize = 4;

/// Entries of a B that is a transpose up to which it is copied into row-major order: what fits on the stack.
const COPIED: usize = 1024;

/// Entries of B up to which it stays in a core's own cache while C is computed.
const CACHED: usize = 96 * 1024;

/// Rows of C up to which the backend's copy of a larger B would be used too few times.
const MANY_ROWS: usize = 64;

/// Terms of a sum from which on it is worth being cut in two.
const LEAST_TERMS: usize = 64;

/// Work, in multiplications, that is worth a thread of its own; less gains less than handing it over costs.
const LEAST_PIECE: usize = 256 * 1024;

/// C ← A·B: B4 and B2. `[m,k]·[k,n] → [m,n]`, the usual letters of a product: k is the length of its sums.
///
/// What C held before does not matter, not even a NaN.
pub(crate) fn matmul<F: Real>(a: ArrayView2<'_, F>, b: ArrayView2<'_, F>, mut c: ArrayViewMut2<'_, F>) {
    let ((m, k), n) = (a.dim(), b.ncols());
    debug_assert_eq!((b.nrows(), c.dim()), (k, (m, n)), "[m,k]·[k,n] → [m,n]: rows of B, shape of C");
    let pieces = pieces(work(m, k, n), LEAST_PIECE);
    let tiles = in_tiles(m, &b);
    match (Matrix::of(a), Matrix::of(b), c.as_slice_mut()) {
        (Some(a), Some(b), Some(c)) if tiles && (a.right == 1 || b.right == 1) => {
            let dots = b.right != 1 && m <= FEW_ROWS;
            in_pieces(Product { a, b, start: None, c, k, n, dots }, pieces);
        }
        // Or gradients that the caller has put into another order.
        _ => by_backend(a, b, None, c, pieces),
    }
}

/// C ← A·B + 1bᵀ, every row of C plus a row b, `start`: F1. `[m,k]·[k,n] + [n] → [m,n]`
///
/// The sums of a product that is worth two threads are cut in two, of which the second parts go to `spare`, `[m,n]`.
pub(crate) fn matmul_plus_row<F: Real>(
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    start: ArrayView1<'_, F>,
    mut c: ArrayViewMut2<'_, F>,
    mut spare: ArrayViewMut2<'_, F>,
) {
    let ((m, k), n) = (a.dim(), b.ncols());
    debug_assert_eq!((b.nrows(), c.dim(), start.len()), (k, (m, n), n), "[m,k]·[k,n] + [n] → [m,n]");
    let pieces = pieces(work(m, k, n), LEAST_PIECE);
    let (first, second) = (pieces / 2, pieces - pieces / 2);
    // Said of the shapes and not of the threads, so that the sums are the same on any number of them.
    let (tiles, halves) = (in_tiles(m, &b), gains_by_threads(m, k, n) && k >= LEAST_TERMS);
    let half = cut(k, 2);
    match (Matrix::of(a), Matrix::of(b), start.to_slice(), c.as_slice_mut(), spare.as_slice_mut()) {
        (Some(a), Some(b), Some(start), Some(c), Some(spare)) if tiles => {
            let whole = Product { a, b, start: Some(start), c, k, n, dots: false };
            if !halves {
                return in_pieces(whole, pieces);
            }
            let (a, b) = (a.from(0, half), b.from(half, 0));
            let second_half = Product { a, b, start: None, c: spare, k: k - half, n, dots: false };
            let first_half = Product { k: half, ..whole };
            join(|| in_pieces(first_half, first), || in_pieces(second_half, second));
        }
        _ if halves => {
            let ((a0, a1), (b0, b1)) = (a.split_at(Axis(1), half), b.split_at(Axis(0), half));
            let (c, spare) = (c.view_mut(), spare.view_mut());
            join(|| by_backend(a0, b0, Some(start), c, first), || by_backend(a1, b1, None, spare, second));
        }
        _ => return by_backend(a, b, Some(start), c, pieces),
    }
    c += &spare;
}

/// The work of a product, in multiplications. To fetch an entry of B or C from another cache costs as much as several, which
/// is what counts with few rows or few terms: a step shares large weights among the threads whatever the batch.
fn work(m: usize, k: usize, n: usize) -> usize {
    const FETCH: usize = 8;
    n * (m * k).max(FETCH * k).max(FETCH * m)
}

/// Whether a product is worth several threads.
pub(crate) fn gains_by_threads(m: usize, k: usize, n: usize) -> bool {
    work(m, k, n) >= 2 * LEAST_PIECE
}

/// Where to cut so many rows in two, for so many threads, of which half work on those above.
pub(crate) fn cut(rows: usize, pieces: usize) -> usize {
    (rows * (pieces / 2) / pieces).next_multiple_of(ROWS).min(rows)
}

/// Whether the loops of this file are faster than the backend, for so many rows of C.
fn in_tiles<F: Real>(m: usize, b: &ArrayView2<'_, F>) -> bool {
    if b.is_standard_layout() { m <= MANY_ROWS || b.len() <= CACHED } else { m <= FEW_ROWS || b.len() <= COPIED }
}

/// By the backend, in pieces of C that are computed side by side. An entry of C is the same sum in the same order whatever
/// piece it is in.
fn by_backend<F: Real>(
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    start: Option<ArrayView1<'_, F>>,
    mut c: ArrayViewMut2<'_, F>,
    pieces: usize,
) {
    let (first, second) = (pieces / 2, pieces - pieces / 2);
    if pieces > 1 && b.is_standard_layout() {
        let (a0, a1) = a.split_at(Axis(0), cut(a.nrows(), pieces));
        let (c0, c1) = c.split_at(Axis(0), cut(a.nrows(), pieces));
        return join(|| by_backend(a0, b, start, c0, first), || by_backend(a1, b, start, c1, second));
    }
    if pieces > 1 {
        // B2. Each piece copies a part of the weights, and all of dZ, which is smaller.
        let (b0, b1) = b.split_at(Axis(1), cut(b.ncols(), pieces));
        let (c0, c1) = c.split_at(Axis(1), cut(b.ncols(), pieces));
        return join(|| by_backend(a, b0, start, c0, first), || by_backend(a, b1, start, c1, second));
    }
    match start {
        Some(row) => {
            c.assign(&row);
            general_mat_mul(F::one(), &a, &b, F::one(), &mut c);
        }
        None => general_mat_mul(F::one(), &a, &b, F::zero(), &mut c),
    }
}

/// A matrix as a slice, and how far it is in the slice from an entry to the one below and to the one to the right.
#[derive(Clone, Copy)]
struct Matrix<'a, F> {
    entries: &'a [F],
    down: usize,
    right: usize,
}

impl<'a, F: Real> Matrix<'a, F> {
    /// By rows or by columns; None for any other order.
    fn of(view: ArrayView2<'a, F>) -> Option<Self> {
        let (rows, columns) = view.dim();
        match view.to_slice() {
            Some(entries) => Some(Matrix { entries, down: columns, right: 1 }),
            None => view.reversed_axes().to_slice().map(|entries| Matrix { entries, down: 1, right: rows }),
        }
    }

    /// The part of it that begins at an entry.
    #[inline(always)]
    fn from(self, row: usize, column: usize) -> Self {
        Matrix { entries: &self.entries[row * self.down + column * self.right..], ..self }
    }
}

/// C = A·B, with rows of C that begin at `start`, or at zero; k is the length of the sums, n that of a row of C.
struct Product<'a, F> {
    a: Matrix<'a, F>,
    b: Matrix<'a, F>,
    start: Option<&'a [F]>,
    c: &'a mut [F],
    k: usize,
    n: usize,
    /// Whether to compute it by dot products, whose terms are added up in an order of their own.
    dots: bool,
}

/// The rows of C in pieces, side by side.
fn in_pieces<F: Real>(whole: Product<'_, F>, pieces: usize) {
    let m = whole.c.len() / whole.n;
    if pieces > 1 && m > ROWS {
        let cut = cut(m, pieces);
        let (c0, c1) = whole.c.split_at_mut(cut * whole.n);
        let above = Product { c: c0, ..whole };
        let below = Product { a: whole.a.from(cut, 0), c: c1, ..whole };
        return join(|| in_pieces(above, pieces / 2), || in_pieces(below, pieces - pieces / 2));
    }
    run(whole);
}

impl<F: Real> Loop for Product<'_, F> {
    #[inline(always)]
    fn run<V: Vectors>(mut self) {
        let (k, n) = (self.k, self.n);
        if self.b.right == 1 {
            self.by_rows_of_b::<V>();
        } else if self.dots {
            self.by_dots::<V>();
        } else {
            // No more entries than `COPIED`: see `in_tiles`.
            let mut rows = [F::zero(); COPIED];
            for (j, column) in self.b.entries.chunks_exact(k).take(n).enumerate() {
                for (p, &x) in column.iter().enumerate() {
                    rows[p * n + j] = x;
                }
            }
            let b = Matrix { entries: &rows[..k * n], down: n, right: 1 };
            Product { b, ..self }.by_rows_of_b::<V>();
        }
    }
}

impl<F: Real> Product<'_, F> {
    /// For a row-major B.
    #[inline(always)]
    fn by_rows_of_b<V: Vectors>(&mut self) {
        let (m, n, widest) = (self.c.len() / self.n, self.n, V::ROW / size_of::<F>());
        let mut from = 0;
        while from < n {
            let left = n - from;
            // The narrowest tile that takes all that is left may reach back into the one before and compute some columns
            // again, to the same numbers.
            let cover = left.next_power_of_two();
            let width = match cover {
                _ if left >= widest => widest,
                _ if cover <= n && (m < ROWS || cover <= 32 || left > cover / 8 * 5) => cover,
                _ => cover / 2,
            };
            from = from.min(n - width);
            match width {
                64 => self.columns::<V, 64>(from),
                32 => self.columns::<V, 32>(from),
                16 => self.columns::<V, 16>(from),
                8 => self.columns::<V, 8>(from),
                4 => self.columns::<V, 4>(from),
                2 => self.columns::<V, 2>(from),
                _ => self.columns::<V, 1>(from),
            }
            from += width;
        }
    }

    /// All rows of C, WIDTH columns of them.
    #[inline(always)]
    fn columns<V: Vectors, const WIDTH: usize>(&mut self, from: usize) {
        let m = self.c.len() / self.n;
        if m < ROWS {
            for i in 0..m {
                self.tile::<V, 1, WIDTH>(i, from);
            }
            return;
        }
        for i in (0..m).step_by(ROWS) {
            self.tile::<V, ROWS, WIDTH>(i.min(m - ROWS), from);
        }
    }

    /// The tile of C that begins at row i and column j.
    #[inline(always)]
    fn tile<V: Vectors, const HEIGHT: usize, const WIDTH: usize>(&mut self, i: usize, j: usize) {
        let mut sums = [[F::zero(); WIDTH]; HEIGHT];
        if let Some(start) = self.start {
            for row in &mut sums {
                row.copy_from_slice(&start[j..j + WIDTH]);
            }
        }
        add_terms::<V, F, HEIGHT, WIDTH>(self.a.from(i, 0), self.b.from(0, j), self.k, &mut sums);
        for (r, sums) in sums.iter().enumerate() {
            self.c[(i + r) * self.n + j..][..WIDTH].copy_from_slice(sums);
        }
    }

    /// For few rows and a B that is a transpose: each entry of C is the product of a row of A and a row of B's slice.
    #[inline(always)]
    fn by_dots<V: Vectors>(&mut self) {
        for (a, c) in self.a.entries.chunks_exact(self.k).zip(self.c.chunks_exact_mut(self.n)) {
            match self.k {
                16.. => dots_of_row::<V, F, 16>(a, self.b.entries, c),
                8.. => dots_of_row::<V, F, 8>(a, self.b.entries, c),
                4.. => dots_of_row::<V, F, 4>(a, self.b.entries, c),
                2.. => dots_of_row::<V, F, 2>(a, self.b.entries, c),
                _ => dots_of_row::<V, F, 1>(a, self.b.entries, c),
            }
        }
    }
}

/// Row r of a tile gets A's entry (r, p) times row p of B, for each p of k. B is row-major.
#[inline(always)]
fn add_terms<V: Vectors, F: Real, const HEIGHT: usize, const WIDTH: usize>(
    a: Matrix<'_, F>,
    b: Matrix<'_, F>,
    k: usize,
    sums: &mut [[F; WIDTH]; HEIGHT],
) {
    // Copies, so that the compiler sees that nothing else refers to them, and keeps them in registers.
    let mut tile = *sums;
    for p in 0..k {
        let Some(&b) = b.entries[p * b.down..].first_chunk::<WIDTH>() else { return };
        for (r, row) in tile.iter_mut().enumerate() {
            let a = a.entries[r * a.down + p * a.right];
            for j in 0..WIDTH {
                row[j] = times_plus::<V, F>(a, b[j], row[j]);
            }
        }
    }
    *sums = tile;
}

/// One row of C. A dot product runs in LANES sums side by side, which are added up by halves at its end.
#[inline(always)]
fn dots_of_row<V: Vectors, F: Real, const LANES: usize>(a: &[F], b: &[F], c: &mut [F]) {
    let k = a.len();
    // What the whole blocks leave over is a last block too, of the last LANES entries, with zeros for those of A that a
    // whole block has had.
    let left = k % LANES;
    let mut last = [F::zero(); LANES];
    last[LANES - left..].copy_from_slice(&a[k - left..]);
    for (b, c) in b.chunks_exact(k).zip(c) {
        let mut sums = [F::zero(); LANES];
        multiply_add::<V, F, LANES>(&last, &b[k - LANES..], &mut sums);
        for from in (0..k - left).step_by(LANES) {
            multiply_add::<V, F, LANES>(&a[from..from + LANES], &b[from..from + LANES], &mut sums);
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
fn multiply_add<V: Vectors, F: Real, const LANES: usize>(a: &[F], b: &[F], sums: &mut [F; LANES]) {
    // As arrays, whose length the compiler knows.
    if let (Some(a), Some(b)) = (a.first_chunk::<LANES>(), b.first_chunk::<LANES>()) {
        for lane in 0..LANES {
            sums[lane] = times_plus::<V, F>(a[lane], b[lane], sums[lane]);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::Threads;
    use ndarray::{Array1, Array2};

    /// Small whole numbers, whose sums of products are exact in any order: every way gives the same.
    fn numbers<F: Real>(shape: (usize, usize), seed: usize) -> Array2<F> {
        Array2::from_shape_fn(shape, |(i, j)| F::from_f64(((i * 7 + j * 13 + i * j * 3 + seed) % 9) as f64 - 4.0))
    }

    fn by_definition<F: Real>(a: &Array2<F>, b: &Array2<F>, start: &Array1<F>) -> Array2<F> {
        Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
            (0..a.ncols()).fold(start[j], |sum, p| sum + a[[i, p]] * b[[p, j]])
        })
    }

    fn check<F: Real>(m: usize, k: usize, n: usize) {
        let (a, b) = (numbers::<F>((m, k), 1), numbers::<F>((k, n), 2));
        let (at, bt) = (a.t().as_standard_layout().into_owned(), b.t().as_standard_layout().into_owned());
        let (start, zero) = (numbers((1, n), 3).row(0).to_owned(), Array1::zeros(n));
        let nan = Array2::from_elem((m, n), F::nan());

        let (mut c, mut spare) = (nan.clone(), nan.clone());
        matmul_plus_row(a.view(), b.view(), start.view(), c.view_mut(), spare.view_mut());
        assert_eq!(c, by_definition(&a, &b, &start), "F1: {m}, {k}, {n}");
        let product = by_definition(&a, &b, &zero);
        for (name, a, b) in [("B4", at.t(), b.view()), ("B2", a.view(), bt.t()), ("both", at.t(), bt.t())] {
            let mut c = nan.clone();
            matmul(a, b, c.view_mut());
            assert_eq!(c, product, "{name}: {m}, {k}, {n}");
            let mut c = Array2::from_elem((n, m), F::nan());
            matmul(a, b, c.view_mut().reversed_axes());
            assert_eq!(c.t(), product, "{name} into columns: {m}, {k}, {n}");
        }
    }

    #[test]
    fn every_way_gives_the_product() {
        let widths = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 25, 31, 32, 33, 36, 50, 63, 64, 65, 100, 129, 200];
        for m in [1, 2, 3, 4, 5, 7, 8, 9, 33] {
            for k in [1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 70] {
                for n in widths {
                    check::<f32>(m, k, n);
                    check::<f64>(m, k, n);
                }
            }
        }
    }

    #[test]
    fn large_products_and_their_pieces() {
        // Either side of every bound: 512·1024 multiplications, 96·1024 entries of B, 64 rows.
        for (m, k, n) in [(32, 128, 127), (32, 128, 129), (64, 300, 330), (65, 300, 330), (65, 312, 320), (3, 700, 300)]
        {
            for threads in [1, 2, 3, 7] {
                Threads::new(threads).run(|| {
                    check::<f32>(m, k, n);
                    check::<f64>(m, k, n);
                });
            }
        }
    }

    /// What the processor of a test does not choose: the loops as they are for other vectors.
    #[test]
    fn every_width_of_vectors_gives_the_product() {
        struct Wide<const ROW: usize>;
        impl<const ROW: usize> Vectors for Wide<ROW> {
            const FUSED: bool = false;
            const ROW: usize = ROW;
        }
        for (m, k, n) in [(1, 9, 100), (5, 9, 100), (6, 3, 7), (9, 17, 33)] {
            let (a, b) = (numbers::<f64>((m, k), 1), numbers::<f64>((k, n), 2));
            let expected = by_definition(&a, &b, &Array1::zeros(n));
            for row in [32, 64, 128, 256] {
                let mut c = Array2::from_elem((m, n), f64::NAN);
                let (a, b) = (Matrix::of(a.view()).unwrap(), Matrix::of(b.view()).unwrap());
                let work = Product { a, b, start: None, c: c.as_slice_mut().unwrap(), k, n, dots: false };
                match row {
                    32 => work.run::<Wide<32>>(),
                    64 => work.run::<Wide<64>>(),
                    128 => work.run::<Wide<128>>(),
                    _ => work.run::<Wide<256>>(),
                }
                assert_eq!(c, expected, "{row} bytes: {m}, {k}, {n}");
            }
        }
    }
}
