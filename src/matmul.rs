//! `matmul`: the matrix products of a layer, C ← A·B with `[m,k]·[k,n] → [m,n]`, for F1, B4 and B2; `column_sums`, for B5;
//! and `add_outer_product`, for B4, B5 and U1 of one example.
//!
//! C is computed in tiles: four rows of it or a few more, as wide as the registers hold their sums. For each of the k terms a
//! tile takes a row of B, as wide as itself, and adds to each of its own rows that row times an entry of A.
//!
//! In a large product the tiles read copies of parts of A and B (`matmul/large.rs`). In a small one nothing is copied but a B
//! that is a transpose. One row and one term have loops of their own.
//!
//! Measured on one core of an EPYC 7003, with AVX2, for F1, B4 and B2 in Gflop/s (the limit is 96), by `ndarray`'s product and
//! here: 67, 73 and 58, and 72, 74 and 60, at 32·784·100; 75, 78 and 71, and 78, 81 and 75, at 128·784·800; 71, 84 and 73, and
//! 79, 78 and 80, at 256·1024·1024. These are of quiet minutes; when other programs had half of the core, the large ones fell to
//! 59 to 70, here to 58 to 67. F1 at 1·25·50, where it is the time to get to the sums that counts: 618 ns, here 83, on an EPYC
//! 7002.
//!
//! On several cores what counts is who touched the weights last. A core that writes weights which the other one has read
//! waits for each: on two cores of an EPYC 9004 the update of 784-100-10 took 45 µs so, and 9 µs where each core reads, in F1,
//! only the rows of W that it will write (13 µs on one core). So W is cut between the same rows everywhere, and the sums of
//! F1, which run over these rows, are cut in two. (With more than two threads, those of one half share its rows.) But weights
//! that do not stay in a core's own caches from one product to the next have no owner: F1 cuts them between columns, with eight
//! rows or more, and has nothing to add up.

mod large;

use crate::real::{Products, ROW_MAJOR, Real, entries, entries_mut};
use crate::threads::{join, pieces};
use crate::vectors::{Choice, Loop, Vectors, run, times_plus};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};
use std::cell::Cell;
use std::thread::LocalKey;

/// Rows of a tile in a small product.
const ROWS: usize = 4;

/// Numbers in the longest vector that there is, and the columns of C from which on copies are of use.
const LONGEST: usize = 16;

/// Rows of C from which on a copy of B is used often enough.
const MANY_ROWS: usize = 8;

/// Entries of B up to which it is read as it stands; a transpose of that size is copied whole, onto the stack.
const SMALL: usize = 1024;

/// Entries of a transpose for which less room is enough, which takes less time to clear.
const SMALLEST: usize = 64;

/// Rows of C up to which a B that is a transpose is read as it stands, by dot products, whatever its size.
const FEW_ROWS: usize = 4;

/// Terms of a sum from which on it is worth being cut in two.
const LEAST_TERMS: usize = 64;

/// Weights up to which they may stay in the caches of the cores that own them: 1 MiB of `f32`.
const OWNED: usize = 256 * 1024;

/// Work, in multiplications, that is worth a thread of its own; less gains less than handing it over costs. (With half of
/// it, the step of 2-25-50-25-2 on 512 rows took 609 ns a row, on two cores of an Emerald Rapids, against 425.)
const LEAST_PIECE: usize = 512 * 1024;

/// C ← A·B: B4 and B2. `[m,k]·[k,n] → [m,n]`, the usual letters of a product: k is the length of its sums.
///
/// What C held before does not matter, not even a NaN.
pub(crate) fn matmul<F: Real>(a: ArrayView2<'_, F>, b: ArrayView2<'_, F>, c: ArrayViewMut2<'_, F>) {
    F::product(a, b, c);
}

/// C ← A·B + 1·startᵀ: F1, where B is W and `start` the bias. `[m,k]·[k,n] + [n] → [m,n]`
///
/// Where the product is worth two threads, and the weights are few enough to have an owner, the sums are cut in two, of which the
/// second parts go to `spare`, `[m,n]`.
pub(crate) fn matmul_plus_row<F: Real>(
    a: ArrayView2<'_, F>,
    b: &Array2<F>,
    start: &Array1<F>,
    c: &mut Array2<F>,
    spare: &mut Array2<F>,
) {
    if a.nrows() == 1 && !gains_by_threads(1, b.nrows(), b.ncols()) {
        // Without views, which go through memory from call to call: of a few units that takes as long as the product.
        F::row_times_matrix(entries(&a), entries(b), entries(start), entries_mut(c));
    } else {
        F::product_plus_row(a, b.view(), start.view(), c.view_mut(), spare.view_mut());
    }
}

/// c ← a·Bᵀ: B2 of one example, where B is W. `[k]·[n,k]ᵀ → [n]`
pub(crate) fn row_times_transpose<F: Real>(a: &[F], b: &Array2<F>, c: &mut [F]) {
    F::row_times_transpose(a, entries(b), c);
}

/// C ← C + factor · (a·b) and row ← row + factor · b, a column times a row: U1 with B4 and B5 of one example. `[m]·[n] → [m,n]`
pub(crate) fn add_outer_product<F: Real>(factor: F, a: &[F], b: &[F], c: &mut [F], row: &mut [F]) {
    F::add_outer_product(factor, a, b, c, row);
}

// What follows is generic, and compiled for these two types here.
macro_rules! products {
    ($number:ty) => {
        impl Products for $number {
            fn product(a: ArrayView2<'_, Self>, b: ArrayView2<'_, Self>, c: ArrayViewMut2<'_, Self>) {
                product(a, b, c);
            }

            fn product_plus_row(
                a: ArrayView2<'_, Self>,
                b: ArrayView2<'_, Self>,
                row: ArrayView1<'_, Self>,
                c: ArrayViewMut2<'_, Self>,
                spare: ArrayViewMut2<'_, Self>,
            ) {
                product_plus_row(a, b, row, c, spare);
            }

            fn row_times_matrix(a: &[Self], b: &[Self], start: &[Self], c: &mut [Self]) {
                let n = c.len();
                run(InColumns { work: OneRow { a, b, start: Some(start), c }, n });
            }

            fn row_times_transpose(a: &[Self], b: &[Self], c: &mut [Self]) {
                run(ByDots { a, b, c });
            }

            fn add_outer_product(factor: Self, a: &[Self], b: &[Self], c: &mut [Self], row: &mut [Self]) {
                run(InColumns { work: Add { factor, a, b, c, row }, n: b.len() });
            }

            fn column_sums(a: &[Self], sums: &mut [Self]) {
                let n = sums.len();
                run(InColumns { work: ColumnSums { a, sums }, n });
            }

            fn room() -> &'static LocalKey<Cell<Vec<Self>>> {
                thread_local! {
                    static ROOM: Cell<Vec<$number>> = const { Cell::new(Vec::new()) };
                }
                &ROOM
            }
        }
    };
}

products!(f32);
products!(f64);

#[inline(always)]
fn product<F: Real>(a: ArrayView2<'_, F>, b: ArrayView2<'_, F>, mut c: ArrayViewMut2<'_, F>) {
    let ((m, k), n) = (a.dim(), b.ncols());
    debug_assert_eq!((b.nrows(), c.dim()), (k, (m, n)), "[m,k]·[k,n] → [m,n]: rows of B, shape of C");
    let alone = !gains_by_threads(m, k, n);
    // Of one example B4 is a column times a row, and B2 a row times a transpose. A description of the whole product, as below,
    // would cost a third of their time.
    if alone
        && k == 1
        && let (Some(a), Some(b), Some(c)) = (a.to_slice(), b.to_slice(), c.as_slice_mut())
    {
        return run(InColumns { work: OneTerm { a, b, c }, n });
    }
    if alone
        && m == 1
        && let (Some(a), Some(b), Some(c)) = (a.to_slice(), b.reversed_axes().to_slice(), c.as_slice_mut())
    {
        return run(ByDots { a, b, c });
    }
    if !c.is_standard_layout() {
        // Gradients that a caller has in another order.
        let mut row_major = Array2::zeros((m, n));
        matmul(a, b, row_major.view_mut());
        return c.assign(&row_major);
    }
    let (a, b) = (Matrix::of(a), Matrix::of(b));
    debug_assert!(a.right == 1 || b.right == 1, "one factor at most is a transpose");
    let pieces = pieces(work(m, k, n), LEAST_PIECE);
    compute(Product { a, b, start: None, column: 0, c, m, k, n }, pieces);
}

#[inline(always)]
fn product_plus_row<F: Real>(
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    start: ArrayView1<'_, F>,
    mut c: ArrayViewMut2<'_, F>,
    mut spare: ArrayViewMut2<'_, F>,
) {
    let ((m, k), n) = (a.dim(), b.ncols());
    debug_assert_eq!((b.nrows(), c.dim(), start.len()), (k, (m, n), n), "[m,k]·[k,n] + [n] → [m,n]");
    let (a, b) = (Matrix::of(a), Matrix::of(b));
    debug_assert!(a.right == 1 && b.right == 1, "neither factor is a transpose");
    let start = Some(start.to_slice().expect(ROW_MAJOR));
    let pieces = pieces(work(m, k, n), LEAST_PIECE);
    // Said of the shapes and not of the threads, so that the sums are the same on any number of them.
    if !gains_by_threads(m, k, n) || k < LEAST_TERMS || k * n > OWNED {
        return compute(Product { a, b, start, column: 0, c, m, k, n }, pieces);
    }
    let half = cut(k, 2);
    let first = Product { a, b, start, column: 0, c: c.view_mut(), m, k: half, n };
    let (a, b) = (a.from(0, half), b.from(half, 0));
    let second = Product { a, b, start: None, column: 0, c: spare.view_mut(), m, k: k - half, n };
    join(|| compute(first, pieces / 2), || compute(second, pieces - pieces / 2));
    c += &spare;
}

/// The work of a product, in multiplications. To fetch an entry of B or C from another cache costs as much as FETCH of
/// them, which is what counts with few rows or few terms: a step shares large weights among the threads whatever the batch.
fn work(m: usize, k: usize, n: usize) -> usize {
    const FETCH: usize = 32;
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

/// A matrix as a slice, and how far it is in the slice from an entry to the one below and to the one to the right.
#[derive(Clone, Copy)]
struct Matrix<'a, F> {
    entries: &'a [F],
    down: usize,
    right: usize,
}

impl<'a, F: Real> Matrix<'a, F> {
    /// A row-major matrix, or the transpose of one.
    fn of(view: ArrayView2<'a, F>) -> Self {
        let (rows, columns) = view.dim();
        match view.to_slice() {
            Some(entries) => Matrix { entries, down: columns, right: 1 },
            None => Matrix { entries: view.reversed_axes().to_slice().expect(ROW_MAJOR), down: 1, right: rows },
        }
    }

    /// The part of it that begins at an entry.
    #[inline(always)]
    fn from(self, row: usize, column: usize) -> Self {
        Matrix { entries: &self.entries[row * self.down + column * self.right..], ..self }
    }
}

/// C = A·B, with sums that begin at `start`, or at zero. C is a slice, or a view of some columns: `column` is the one of B and
/// of `start` with which they begin.
struct Product<'a, F, C> {
    a: Matrix<'a, F>,
    b: Matrix<'a, F>,
    start: Option<&'a [F]>,
    column: usize,
    c: C,
    m: usize,
    k: usize,
    n: usize,
}

type Large<'a, F> = Product<'a, F, ArrayViewMut2<'a, F>>;
type Small<'a, F> = Product<'a, F, &'a mut [F]>;

/// A product as a whole, of which one factor at most is a transpose; it may be computed in pieces. An entry of C is the same sum
/// in the same order whatever piece it is in.
#[inline(always)] // so that a small product does not wait for its description to be handed on
fn compute<F: Real>(whole: Large<'_, F>, pieces: usize) {
    let Product { a, b, start, column, c, m, k, n } = whole;
    let many_rows = if b.right == 1 { m >= MANY_ROWS } else { m > FEW_ROWS };
    if many_rows && n >= LONGEST && k * n > SMALL {
        return in_wide_pieces(Product { a, b, start, column, c, m, k, n }, pieces);
    }
    let whole = Product { a, b, start, column, c: c.into_slice().expect(ROW_MAJOR), m, k, n };
    if m == 1 && a.right == 1 && b.right == 1 {
        // Not for a piece of one row, whose sums would not be in the order of the whole.
        run(InColumns { work: OneRow { a: &a.entries[..k], b: b.entries, start, c: whole.c }, n });
    } else if pieces > 1 {
        in_pieces(whole, pieces);
    } else {
        in_one_piece(whole);
    }
}

/// In pieces: for B4, where A is a transpose, some rows of C; for F1 and B2 some columns, so that each thread copies its own
/// part of the weights only. All pieces of columns but the last are as wide as a number of whole vectors.
fn in_wide_pieces<F: Real>(whole: Large<'_, F>, pieces: usize) {
    let Product { a, m, n, .. } = whole;
    let (axis, length, multiple) = if a.right > 1 { (Axis(0), m, ROWS) } else { (Axis(1), n, LONGEST) };
    let Some((pieces, cut)) = wide_pieces(length, pieces, multiple) else {
        return large::large(whole);
    };
    let (c0, c1) = whole.c.split_at(axis, cut);
    let (first, second) = if a.right > 1 {
        (Product { c: c0, m: cut, ..whole }, Product { a: a.from(cut, 0), c: c1, m: m - cut, ..whole })
    } else {
        let column = whole.column + cut;
        (Product { c: c0, n: cut, ..whole }, Product { column, c: c1, n: n - cut, ..whole })
    };
    join(|| in_wide_pieces(first, pieces / 2), || in_wide_pieces(second, pieces - pieces / 2));
}

/// So many pieces or fewer, and where to cut the first half of them from the others: at a multiple of `multiple`, and so that each
/// piece has room for the longest vector. `None` for a single one.
fn wide_pieces(length: usize, pieces: usize, multiple: usize) -> Option<(usize, usize)> {
    let pieces = pieces.min(length / (LONGEST + multiple));
    (pieces > 1).then(|| (pieces, cut(length, pieces).next_multiple_of(multiple)))
}

/// In pieces of some rows of C.
fn in_pieces<F: Real>(whole: Small<'_, F>, pieces: usize) {
    let Product { a, m, n, .. } = whole;
    if pieces < 2 || m <= ROWS {
        return in_one_piece(whole);
    }
    let cut = cut(m, pieces);
    let (c0, c1) = whole.c.split_at_mut(cut * n);
    let above = Product { c: c0, m: cut, ..whole };
    let below = Product { a: a.from(cut, 0), c: c1, m: m - cut, ..whole };
    join(|| in_pieces(above, pieces / 2), || in_pieces(below, pieces - pieces / 2));
}

/// By the loop for its shape.
#[inline(always)]
fn in_one_piece<F: Real>(mut product: Small<'_, F>) {
    let Product { a, b, m, k, n, .. } = product;
    if b.right == 1 && k == 1 && product.start.is_none() {
        run(InColumns { work: OneTerm { a: a.entries, b: b.entries, c: product.c }, n });
    } else if b.right == 1 {
        run(InColumns { work: InPlace(&mut product), n });
    } else if m <= FEW_ROWS || k * n > SMALL {
        // All pieces of a product go one way, and keep the order of their sums: with at most SMALL entries of B, one that is
        // worth a thread has far more rows than a few.
        for (a, c) in a.entries.chunks_exact(k).zip(product.c.chunks_exact_mut(n)) {
            run(ByDots { a, b: b.entries, c });
        }
    } else if k * n <= SMALLEST {
        with_b_copied::<F, SMALLEST>(product);
    } else {
        with_b_copied::<F, SMALL>(product);
    }
}

/// A function of its own, so that other products do not wait for the room that this one takes on the stack: as many entries as
/// B has, or more.
#[inline(never)]
fn with_b_copied<F: Real, const ROOM: usize>(product: Small<'_, F>) {
    let Product { b, k, n, .. } = product;
    let mut rows = [F::zero(); ROOM];
    for j in 0..n {
        for p in 0..k {
            rows[p * n + j] = b.entries[j * b.right + p * b.down];
        }
    }
    let b = Matrix { entries: &rows, down: n, right: 1 };
    run(InColumns { work: InPlace(&mut Product { b, ..product }), n });
}

/// With B as it stands, row-major.
struct InPlace<'p, 'a, F>(&'p mut Small<'a, F>);

/// For one row of C, `[k]·[k,n] → [n]`: F1 of one example.
struct OneRow<'a, F> {
    a: &'a [F],
    b: &'a [F],
    start: Option<&'a [F]>,
    c: &'a mut [F],
}

/// For one term, a column times a row, `[m]·[n] → [m,n]`: B4 of one example.
struct OneTerm<'a, F> {
    a: &'a [F],
    b: &'a [F],
    c: &'a mut [F],
}

/// For one term, times `factor`, onto what C holds; and B times `factor` onto what `row` holds.
struct Add<'a, F> {
    factor: F,
    a: &'a [F],
    b: &'a [F],
    c: &'a mut [F],
    row: &'a mut [F],
}

/// For a row of C and a B that is a transpose, `b` as `[n,k]`: each entry of C is the product of `a` and a row of `b`.
struct ByDots<'a, F> {
    a: &'a [F],
    b: &'a [F],
    c: &'a mut [F],
}

/// What computes the columns of C, or of a row of sums, that a few vectors take.
trait Columns {
    /// Bytes of a number.
    const SIZE: usize;
    /// How many vectors at most; for tiles the width of a tile.
    const MOST: Option<usize> = None;
    /// Whether C is known to be as wide as the longest vector, so that there are no shorter ones.
    const LONG_ROWS: bool = false;

    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place);
}

/// Where vectors begin in a row: one after the other from `first` on, but the last one of them at `last`. At the end of a row
/// it reaches back into the one before, and computes some columns again, to the same numbers. (Both are in the same turn: the
/// last of several has two vectors or more.)
#[derive(Clone, Copy)]
struct Place {
    first: usize,
    last: usize,
}

impl Place {
    #[inline(always)]
    fn read<F: Real, const VECTORS: usize, const LANES: usize>(self, row: &[F]) -> [[F; LANES]; VECTORS] {
        let mut vectors = [[F::zero(); LANES]; VECTORS];
        let (others, _) = row[self.first..][..(VECTORS - 1) * LANES].as_chunks::<LANES>();
        for (vector, other) in vectors.iter_mut().zip(others) {
            *vector = *other;
        }
        vectors[VECTORS - 1].copy_from_slice(&row[self.last..][..LANES]);
        vectors
    }

    #[inline(always)]
    fn write<F: Real, const VECTORS: usize, const LANES: usize>(self, row: &mut [F], vectors: &[[F; LANES]; VECTORS]) {
        let (others, _) = row[self.first..][..(VECTORS - 1) * LANES].as_chunks_mut::<LANES>();
        for (other, vector) in others.iter_mut().zip(vectors) {
            *other = *vector;
        }
        row[self.last..][..LANES].copy_from_slice(&vectors[VECTORS - 1]);
    }
}

/// All n columns, in turns of as many vectors as the registers hold, and of about equal width.
struct InColumns<C> {
    work: C,
    n: usize,
}

impl<C: Columns> Choice for InColumns<C> {
    #[inline(always)]
    fn choose<V: Vectors>(self) {
        let InColumns { mut work, n } = self;
        let longest = V::BYTES / C::SIZE;
        let lanes = if n < longest { 1 << n.ilog2() } else { longest };
        let most = const { most::<V, C>() };
        let mut left = n.div_ceil(lanes);
        let mut first = 0;
        loop {
            // Most rows take a single turn, and a division as long as several terms. Of several turns the last one has two vectors
            // or more, for which `Place` asks.
            let width = if left <= most { left } else { left.div_ceil(left.div_ceil(most)).min(left - 2) };
            let at = Place { first, last: (first + (width - 1) * lanes).min(n - lanes) };
            match width {
                8 => by_lanes::<V, C, 8>(&mut work, lanes, at),
                7 => by_lanes::<V, C, 7>(&mut work, lanes, at),
                6 => by_lanes::<V, C, 6>(&mut work, lanes, at),
                5 => by_lanes::<V, C, 5>(&mut work, lanes, at),
                4 => by_lanes::<V, C, 4>(&mut work, lanes, at),
                3 => by_lanes::<V, C, 3>(&mut work, lanes, at),
                2 => by_lanes::<V, C, 2>(&mut work, lanes, at),
                _ => by_lanes::<V, C, 1>(&mut work, lanes, at),
            }
            left -= width;
            if left == 0 {
                return;
            }
            first += width * lanes;
        }
    }
}

const fn most<V: Vectors, C: Columns>() -> usize {
    match C::MOST {
        Some(most) => most,
        None => V::IN_ROW,
    }
}

#[inline(always)]
fn by_lanes<V: Vectors, C: Columns, const VECTORS: usize>(work: &mut C, lanes: usize, at: Place) {
    match lanes {
        16 => columns::<V, C, VECTORS, 16>(work, at),
        8 => columns::<V, C, VECTORS, 8>(work, at),
        4 => columns::<V, C, VECTORS, 4>(work, at),
        2 => columns::<V, C, VECTORS, 2>(work, at),
        _ => columns::<V, C, VECTORS, 1>(work, at),
    }
}

#[inline(always)]
fn columns<V: Vectors, C: Columns, const VECTORS: usize, const LANES: usize>(work: &mut C, at: Place) {
    // Known to the compiler, which spends no time on what cannot be.
    if const {
        let (bytes, most) = (LANES * C::SIZE, most::<V, C>());
        bytes > V::BYTES || bytes < V::BYTES && (C::LONG_ROWS || VECTORS > 2) || VECTORS > most
    } {
        unreachable!("no vector is longer than the longest, no tile wider than the registers");
    }
    V::apart(Turn::<C, VECTORS, LANES> { work, at });
}

/// The columns of one turn.
struct Turn<'w, C, const VECTORS: usize, const LANES: usize> {
    work: &'w mut C,
    at: Place,
}

impl<C: Columns, const VECTORS: usize, const LANES: usize> Loop for Turn<'_, C, VECTORS, LANES> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        self.work.columns::<V, VECTORS, LANES>(self.at);
    }
}

impl<F: Real> Columns for InPlace<'_, '_, F> {
    const SIZE: usize = size_of::<F>();

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        // A description of its own, which need not be read again for every tile.
        let mut product = Product { c: &mut *self.0.c, ..*self.0 };
        let mut i = 0;
        while i + ROWS <= product.m {
            product.tile::<V, ROWS, VECTORS, LANES>(i, at);
            i += ROWS;
        }
        while i < product.m {
            product.tile::<V, 1, VECTORS, LANES>(i, at);
            i += 1;
        }
    }
}

impl<F: Real> Small<'_, F> {
    /// The tile of C that begins at row i.
    #[inline(always)]
    fn tile<V: Vectors, const HEIGHT: usize, const VECTORS: usize, const LANES: usize>(&mut self, i: usize, at: Place) {
        let Product { a, b, start, k, n, .. } = *self;
        let first = start.map_or([[F::zero(); LANES]; VECTORS], |start| at.read(start));
        // Of one length, so that the compiler checks the place in them once for all.
        let mut rows_of_a = [a.entries; HEIGHT];
        for (r, row) in rows_of_a.iter_mut().enumerate() {
            *row = &a.entries[(i + r) * a.down..][..(k - 1) * a.right + 1];
        }
        let mut sums = [first; HEIGHT];
        let mut p = 0;
        for row in b.entries[..k * b.down].chunks_exact(b.down) {
            let row = at.read(row);
            for r in 0..HEIGHT {
                add_term::<V, F, VECTORS, LANES>(rows_of_a[r][p], &row, &mut sums[r]);
            }
            p += a.right;
        }
        for (r, sums) in sums.iter().enumerate() {
            at.write(&mut self.c[(i + r) * n..][..n], sums);
        }
    }
}

impl<F: Real> Columns for OneRow<'_, F> {
    const SIZE: usize = size_of::<F>();
    // Eight sums with the two parts of each. Up to six vectors at once, in one part, a row of 784·100 took 1.25 times as long on
    // an EPYC 7002.
    const MOST: Option<usize> = Some(4);

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        // A sum takes a term only when it has taken the one before: where there are few sums, each is computed in parts.
        match VECTORS {
            1 | 2 => self.in_parts::<V, 4, VECTORS, LANES>(at),
            _ => self.in_parts::<V, 2, VECTORS, LANES>(at),
        }
    }
}

impl<F: Real> OneRow<'_, F> {
    #[inline(always)]
    fn in_parts<V: Vectors, const PARTS: usize, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let n = self.c.len();
        let mut parts = [[[F::zero(); LANES]; VECTORS]; PARTS];
        if let Some(start) = self.start {
            parts[0] = at.read(start);
        }
        let (groups, others) = self.a.as_chunks::<PARTS>();
        let (b, others_of_b) = self.b.split_at(groups.len() * PARTS * n);
        for (group, rows) in groups.iter().zip(b.chunks_exact(PARTS * n)) {
            for p in 0..PARTS {
                add_term::<V, F, VECTORS, LANES>(group[p], &at.read(&rows[p * n..][..n]), &mut parts[p]);
            }
        }
        for (&a, row) in others.iter().zip(others_of_b.chunks_exact(n)) {
            add_term::<V, F, VECTORS, LANES>(a, &at.read(row), &mut parts[0]);
        }
        let mut sums = parts[0];
        for part in &parts[1..] {
            for v in 0..VECTORS {
                for lane in 0..LANES {
                    sums[v][lane] += part[v][lane];
                }
            }
        }
        at.write(self.c, &sums);
    }
}

impl<F: Real> Columns for OneTerm<'_, F> {
    const SIZE: usize = size_of::<F>();
    // It holds a row of B and no sums, for which there are registers enough.
    const MOST: Option<usize> = Some(8);

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let row: [[F; LANES]; VECTORS] = at.read(self.b);
        for (c, &a) in self.c.chunks_exact_mut(self.b.len()).zip(self.a) {
            let mut product = row;
            for v in 0..VECTORS {
                for lane in 0..LANES {
                    product[v][lane] = a * row[v][lane];
                }
            }
            at.write(c, &product);
        }
    }
}

impl<F: Real> Columns for Add<'_, F> {
    const SIZE: usize = size_of::<F>();
    // It holds a row of B, and of C one vector: the last, which has to be read before what it overlaps with is written.
    const MOST: Option<usize> = Some(8);

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let b: [[F; LANES]; VECTORS] = at.read(self.b);
        for (c, &a) in self.c.chunks_exact_mut(self.b.len()).zip(self.a) {
            let mut sums: [[F; LANES]; VECTORS] = at.read(c);
            for v in 0..VECTORS {
                for lane in 0..LANES {
                    sums[v][lane] = times_plus::<V, F>(self.factor, a * b[v][lane], sums[v][lane]);
                }
            }
            at.write(c, &sums);
        }
        let mut sums: [[F; LANES]; VECTORS] = at.read(self.row);
        for v in 0..VECTORS {
            for lane in 0..LANES {
                sums[v][lane] = times_plus::<V, F>(self.factor, b[v][lane], sums[v][lane]);
            }
        }
        at.write(self.row, &sums);
    }
}

/// sums ← sums + a · row
#[inline(always)]
fn add_term<V: Vectors, F: Real, const VECTORS: usize, const LANES: usize>(
    a: F,
    row: &[[F; LANES]; VECTORS],
    sums: &mut [[F; LANES]; VECTORS],
) {
    for v in 0..VECTORS {
        for lane in 0..LANES {
            sums[v][lane] = times_plus::<V, F>(a, row[v][lane], sums[v][lane]);
        }
    }
}

impl<F: Real> Choice for ByDots<'_, F> {
    #[inline(always)]
    fn choose<V: Vectors>(self) {
        match self.a.len() {
            1 => V::apart(ShortDots::<F, 1>(self)),
            2 => V::apart(ShortDots::<F, 2>(self)),
            3 => V::apart(ShortDots::<F, 3>(self)),
            4 => V::apart(ShortDots::<F, 4>(self)),
            5 => V::apart(ShortDots::<F, 5>(self)),
            6 => V::apart(ShortDots::<F, 6>(self)),
            7 => V::apart(ShortDots::<F, 7>(self)),
            _ => V::apart(LongDots(self)),
        }
    }
}

/// Of so few terms that the compiler writes them out, for several rows of B side by side.
struct ShortDots<'a, F, const K: usize>(ByDots<'a, F>);

impl<F: Real, const K: usize> Loop for ShortDots<'_, F, K> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let ByDots { a, b, c } = self.0;
        let a: &[F; K] = a.first_chunk().expect("as many entries as terms");
        for (c, b) in c.iter_mut().zip(b.as_chunks::<K>().0) {
            let mut sum = a[0] * b[0]; // not onto 0, which would lose the sign of a −0
            for p in 1..K {
                sum = times_plus::<V, F>(a[p], b[p], sum);
            }
            *c = sum;
        }
    }
}

/// The sums of a dot product that run side by side.
const SIDE_BY_SIDE: usize = 8;

/// Dot products whose sums are added up together.
const TOGETHER: usize = 32;

/// Of at least SIDE_BY_SIDE terms.
struct LongDots<'a, F>(ByDots<'a, F>);

impl<F: Real> Loop for LongDots<'_, F> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let ByDots { a, b, c } = self.0;
        let k = a.len();
        let a = in_blocks(a);
        let mut rows = b;
        let mut sums = [[F::zero(); SIDE_BY_SIDE]; TOGETHER];
        for c in c.chunks_mut(TOGETHER) {
            let (fours, rest) = sums[..c.len()].as_chunks_mut::<4>();
            for four in fours {
                let (these, below) = rows.split_at(4 * k);
                *four = dots::<V, F, 4>(&a, these, k, k);
                rows = below;
            }
            for one in rest {
                let (row, below) = rows.split_at(k);
                [*one] = dots::<V, F, 1>(&a, row, k, k);
                rows = below;
            }
            add_up(&mut sums, c);
        }
    }
}

/// One factor of a dot product, in blocks. What the whole ones leave over is a last block too, of the last SIDE_BY_SIDE entries,
/// with zeros for those that a whole block has had.
#[derive(Clone, Copy)]
struct Blocks<'a, F> {
    whole: &'a [[F; SIDE_BY_SIDE]],
    last: [F; SIDE_BY_SIDE],
}

#[inline(always)]
fn in_blocks<F: Real>(a: &[F]) -> Blocks<'_, F> {
    let (whole, others) = a.as_chunks();
    // Lane by lane, in registers: put together in memory, from entries and zeros, it is read back only when both are written.
    let mut last = *a.last_chunk::<SIDE_BY_SIDE>().expect("a block or more");
    for (lane, a) in last.iter_mut().enumerate() {
        if lane + others.len() < SIDE_BY_SIDE {
            *a = F::zero();
        }
    }
    Blocks { whole, last }
}

/// The sums side by side for some rows of B at once, of k terms and `down` entries from one to the next, which share what is
/// read of A.
#[inline(always)]
fn dots<V: Vectors, F: Real, const HEIGHT: usize>(
    a: &Blocks<'_, F>,
    rows: &[F],
    down: usize,
    k: usize,
) -> [[F; SIDE_BY_SIDE]; HEIGHT] {
    let Blocks { whole: blocks, last } = a;
    let mut chunks = [*blocks; HEIGHT];
    let mut sums = [[F::zero(); SIDE_BY_SIDE]; HEIGHT];
    for r in 0..HEIGHT {
        let row = &rows[r * down..][..k];
        chunks[r] = &row.as_chunks::<SIDE_BY_SIDE>().0[..blocks.len()];
        let end = row.last_chunk::<SIDE_BY_SIDE>().expect("rows of SIDE_BY_SIDE entries or more");
        multiply_add::<V, F>(last, end, &mut sums[r]);
    }
    // By an index below the one length that they all have; an iterator over `blocks` would leave the others to be checked.
    for i in 0..blocks.len() {
        for r in 0..HEIGHT {
            multiply_add::<V, F>(&blocks[i], &chunks[r][i], &mut sums[r]);
        }
    }
    sums
}

/// Each entry of C from the sums of its row. Those of two rows become one row of sums of neighbours, and two such rows another
/// one, which has two sums left of each of four rows.
///
/// Each step is a loop over all rows, in which a compiler sees the instruction that adds up neighbours; in one loop of all steps
/// it sees single numbers. (50 products of 25 terms took 205 ns with the sums added up row by row, on an EPYC 7003, and 152 ns so.)
#[inline(always)]
fn add_up<F: Real>(sums: &mut [[F; SIDE_BY_SIDE]; TOGETHER], c: &mut [F]) {
    for i in 0..c.len().div_ceil(2) {
        sums[i] = neighbours(&sums[2 * i], &sums[2 * i + 1]);
    }
    for i in 0..c.len().div_ceil(4) {
        sums[i] = neighbours(&sums[2 * i], &sums[2 * i + 1]);
    }
    let (fours, rest) = c.as_chunks_mut::<4>();
    for (four, sums) in fours.iter_mut().zip(&*sums) {
        *four = halves(sums);
    }
    for (c, sum) in rest.iter_mut().zip(halves(&sums[fours.len()])) {
        *c = sum;
    }
}

/// The sums of entries that are half a row apart.
#[inline(always)]
fn halves<F: Real>(sums: &[F; SIDE_BY_SIDE]) -> [F; SIDE_BY_SIDE / 2] {
    let mut four = [F::zero(); SIDE_BY_SIDE / 2];
    for r in 0..four.len() {
        four[r] = sums[r] + sums[r + SIDE_BY_SIDE / 2];
    }
    four
}

/// The sums of neighbours in two rows, half by half, as AVX2 does it with `f32`.
#[inline(always)]
fn neighbours<F: Real>(a: &[F; SIDE_BY_SIDE], b: &[F; SIDE_BY_SIDE]) -> [F; SIDE_BY_SIDE] {
    let mut sums = [F::zero(); SIDE_BY_SIDE];
    for half in [0, 4] {
        for i in [0, 1] {
            sums[half + i] = a[half + 2 * i] + a[half + 2 * i + 1];
            sums[half + 2 + i] = b[half + 2 * i] + b[half + 2 * i + 1];
        }
    }
    sums
}

/// sums ← sums + a ⊙ b
#[inline(always)]
fn multiply_add<V: Vectors, F: Real>(a: &[F; SIDE_BY_SIDE], b: &[F; SIDE_BY_SIDE], sums: &mut [F; SIDE_BY_SIDE]) {
    for lane in 0..SIDE_BY_SIDE {
        sums[lane] = times_plus::<V, F>(a[lane], b[lane], sums[lane]);
    }
}

/// The sum of the rows of a matrix, of one row or more. `[m,n] → [n]`
pub(crate) fn column_sums<F: Real>(a: ArrayView2<'_, F>, mut sums: ArrayViewMut1<'_, F>) {
    match (a.to_slice(), sums.as_slice_mut()) {
        (Some(a), Some(sums)) => F::column_sums(a, sums),
        _ => {
            sums.assign(&a.row(0));
            a.rows().into_iter().skip(1).for_each(|row| sums += &row);
        }
    }
}

/// For the sum of the rows of `a`, `[m,n] → [n]`: B5. (One number at a time, where rows are short, B5 was a seventh of the
/// instructions that a step of 1-8-5-3-1 takes.)
struct ColumnSums<'a, F> {
    a: &'a [F],
    sums: &'a mut [F],
}

impl<F: Real> Columns for ColumnSums<'_, F> {
    const SIZE: usize = size_of::<F>();
    // It holds its sums alone. (Up to four, 256 rows of 1024 `f32`, each a page below the last, took twice as long on an EPYC
    // 7003; 256 of 1000 hardly longer.)
    const MOST: Option<usize> = Some(8);

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let (first, others) = self.a.split_at(self.sums.len());
        let mut sums: [[F; LANES]; VECTORS] = at.read(first);
        for row in others.chunks_exact(self.sums.len()) {
            let row: [[F; LANES]; VECTORS] = at.read(row);
            for v in 0..VECTORS {
                for lane in 0..LANES {
                    sums[v][lane] += row[v][lane];
                }
            }
        }
        at.write(self.sums, &sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::Threads;

    /// Small whole numbers, whose sums of products are exact in any order: every way gives the same.
    fn whole_numbers<F: Real>(shape: (usize, usize), seed: usize) -> Array2<F> {
        Array2::from_shape_fn(shape, |(i, j)| F::from_f64(((i * 7 + j * 13 + i * j * 3 + seed) % 9) as f64 - 4.0))
    }

    fn by_definition<F: Real>(a: &Array2<F>, b: &Array2<F>, start: &Array1<F>) -> Array2<F> {
        Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
            (0..a.ncols()).fold(start[j], |sum, p| sum + a[[i, p]] * b[[p, j]])
        })
    }

    fn check<F: Real>(m: usize, k: usize, n: usize) {
        let (a, b) = (whole_numbers::<F>((m, k), 1), whole_numbers::<F>((k, n), 2));
        let (at, bt) = (a.t().as_standard_layout().into_owned(), b.t().as_standard_layout().into_owned());
        let (start, zero) = (whole_numbers((1, n), 3).row(0).to_owned(), Array1::zeros(n));
        let nan = Array2::from_elem((m, n), F::nan());

        let (mut c, mut spare) = (nan.clone(), nan.clone());
        matmul_plus_row(a.view(), &b, &start, &mut c, &mut spare);
        assert_eq!(c, by_definition(&a, &b, &start), "F1: {m}, {k}, {n}");
        let product = by_definition(&a, &b, &zero);
        for (name, a, b) in [("B4", at.t(), b.view()), ("B2", a.view(), bt.t())] {
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
        // Either side of every bound: 2·512·1024 multiplications, 256·1024 weights, 8 rows, 96 columns; several blocks and
        // strips. (Those of a few columns are above.)
        for (m, k, n) in [
            (64, 128, 95),
            (64, 128, 97),
            (64, 128, 127),
            (64, 128, 129),
            (7, 300, 330),
            (8, 300, 330),
            (257, 512, 260),
            (20, 670, 390),
            (20, 1100, 390),
            (3, 700, 300),
        ] {
            for threads in [1, 2, 3, 7] {
                Threads::new(threads).run(|| {
                    check::<f32>(m, k, n);
                    check::<f64>(m, k, n);
                });
            }
        }
    }

    /// On any processor, since the vectors of most are shorter.
    #[test]
    fn pieces_of_large_products_are_as_wide_as_the_longest_vector() {
        fn narrowest(length: usize, pieces: usize, multiple: usize) -> usize {
            let Some((pieces, cut)) = wide_pieces(length, pieces, multiple) else { return length };
            narrowest(cut, pieces / 2, multiple).min(narrowest(length - cut, pieces - pieces / 2, multiple))
        }
        for length in LONGEST..2000 {
            for pieces in 1..64 {
                for multiple in [ROWS, LONGEST] {
                    assert!(narrowest(length, pieces, multiple) >= LONGEST, "{length} in {pieces}");
                }
            }
        }
    }

    #[test]
    fn pieces_have_the_bits_of_the_whole() {
        // Thirds, whose sums depend on their order; with pieces of one row, and of rows that fill no tile.
        for (m, k, n) in [
            (1, 784, 700),
            (5, 2200, 50),
            (7, 300, 330),
            (33, 600, 129),
            (257, 520, 260),
            (257, 1100, 260),
            (20, 680, 390),
            (20, 680, 388),
            (300, 900, 10),
        ] {
            let (a, b) = (whole_numbers::<f32>((m, k), 1) / 3.0, whole_numbers::<f32>((k, n), 2) / 3.0);
            let [at, bt] = [&a, &b].map(|matrix| matrix.t().as_standard_layout().into_owned());
            let start = whole_numbers((1, n), 3).row(0).to_owned();
            let products = |threads| {
                let [mut f1, mut b4, mut b2] = [(); 3].map(|()| Array2::zeros((m, n)));
                Threads::new(threads).run(|| {
                    matmul_plus_row(a.view(), &b, &start, &mut f1, &mut b4);
                    matmul(at.t(), b.view(), b4.view_mut());
                    matmul(a.view(), bt.t(), b2.view_mut());
                });
                [f1, b4, b2]
            };
            for threads in [2, 3, 7] {
                assert_eq!(products(threads), products(1), "{threads} threads: {m}, {k}, {n}");
            }
        }
    }

    /// Vectors that the processor of a test need not have.
    pub(super) struct Wide<const BYTES: usize, const IN_ROW: usize>;
    impl<const BYTES: usize, const IN_ROW: usize> Vectors for Wide<BYTES, IN_ROW> {
        const FUSED: bool = false;
        const BYTES: usize = BYTES;
        const IN_ROW: usize = IN_ROW;
        const ROWS: usize = if BYTES == 32 { 5 } else { 4 };

        fn apart(work: impl Loop) {
            work.run::<Self>();
        }
    }

    /// What the processor of a test does not choose: the loops as they are for other vectors.
    #[test]
    fn every_width_of_vectors_gives_the_product() {
        fn check<V: Vectors>(m: usize, k: usize, n: usize) {
            let (a, b) = (whole_numbers::<f64>((m, k), 1), whole_numbers::<f64>((k, n), 2));
            let expected = by_definition(&a, &b, &Array1::zeros(n));
            let at = a.t().as_standard_layout().into_owned();
            let bt = b.t().as_standard_layout().into_owned();
            for way in [
                "large",
                "large, B turned",
                "large, A turned",
                "strips",
                "in place",
                "one row",
                "one term",
                "add",
                "dots",
            ] {
                let mut c = Array2::from_elem((m, n), f64::NAN);
                let (a, b) = (Matrix::of(a.view()), Matrix::of(b.view()));
                let large = Product { a, b, start: None, column: 0, c: c.view_mut(), m, k, n };
                let (a_turned, b_turned) = (Matrix::of(at.t()), Matrix::of(bt.t()));
                let is_large = n >= LONGEST && m > FEW_ROWS && k > 1;
                match way {
                    "large" if is_large => large::with_vectors::<V>(large, false),
                    "large, B turned" if is_large => large::with_vectors::<V>(Product { b: b_turned, ..large }, false),
                    "large, A turned" if is_large => large::with_vectors::<V>(Product { a: a_turned, ..large }, false),
                    "strips" if is_large => large::with_vectors::<V>(Product { a: a_turned, ..large }, true),
                    _ => {
                        let c = large.c.into_slice().unwrap();
                        let work = &mut Product { a, b, start: None, column: 0, c, m, k, n };
                        let (a, b) = (a.entries, b.entries);
                        match way {
                            "in place" => InColumns { work: InPlace(work), n }.choose::<V>(),
                            "one row" if m == 1 => {
                                let work = OneRow { a, b, start: None, c: &mut *work.c };
                                InColumns { work, n }.choose::<V>();
                            }
                            "one term" if k == 1 => {
                                let work = OneTerm { a, b, c: &mut *work.c };
                                InColumns { work, n }.choose::<V>();
                            }
                            "add" if k == 1 => {
                                // 3 times the product, and then −2 times onto it.
                                work.c.iter_mut().zip(&expected).for_each(|(c, &product)| *c = 3.0 * product);
                                let mut row: Vec<_> = b.iter().map(|&b| 3.0 * b).collect();
                                let work = Add { factor: -2.0, a, b, c: &mut *work.c, row: &mut row };
                                InColumns { work, n }.choose::<V>();
                                assert_eq!(row, b);
                            }
                            "dots" if m == 1 => ByDots { a, b: bt.as_slice().unwrap(), c: &mut *work.c }.choose::<V>(),
                            _ => continue,
                        }
                    }
                }
                assert_eq!(c, expected, "{} bytes, {way}: {m}, {k}, {n}", V::BYTES);
            }
            let mut sums = vec![f64::NAN; k];
            InColumns { work: ColumnSums { a: a.as_slice().unwrap(), sums: &mut sums }, n: k }.choose::<V>();
            assert_eq!(sums, a.sum_axis(Axis(0)).to_vec(), "{} bytes, column sums: {m}, {k}", V::BYTES);
        }
        for (m, k, n) in [
            (1, 1, 37),
            (1, 1, 50),
            (1, 9, 7),
            (1, 9, 25),
            (1, 9, 64),
            (1, 9, 100),
            (1, 16, 33),
            (1, 31, 65),
            (5, 1, 30),
            (5, 1, 100),
            (5, 9, 100),
            (6, 3, 7),
            (9, 17, 33),
            (9, 301, 33),
            (11, 40, 131),
            (13, 7, 16),
            (70, 1100, 20),
        ] {
            check::<Wide<16, 2>>(m, k, n);
            check::<Wide<16, 4>>(m, k, n);
            check::<Wide<32, 2>>(m, k, n);
            check::<Wide<32, 3>>(m, k, n);
            check::<Wide<64, 4>>(m, k, n);
        }
    }
}
