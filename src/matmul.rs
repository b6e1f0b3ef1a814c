//! `matmul`: the matrix products of a layer, C ← A·B with `[m,k]·[k,n] → [m,n]`, for F1, B4 and B2; and `column_sums`, for B5.
//!
//! Where the rows of B lie one after the other (F1, B4), a product is computed here, unless it has many rows and neither A
//! nor B stays in a core's own cache. Where B is a transpose (B2), only a small one is. All others go to the backend of
//! `ndarray`, which copies both factors.
//!
//! Here means in tiles: four rows of C, as wide as the registers hold their sums. For each of the k terms a tile takes a row of
//! B, as wide as itself, and adds to each of its own rows that row times an entry of A. Where the nearest cache cannot hold B,
//! a panel is copied first, up to 128 of its rows, as wide as a tile; it stays in that cache while all rows of A meet it.
//!
//! On one core of a Xeon with AVX-512 (Emerald Rapids), in Gflop/s with B in place, by panels and by the backend: 122, 134 and
//! 119 at 64·784·100, F1 of 784-100-10; 98, 152 and 137 at 128·784·800, F1 of 784-800-10; 77, 133 and 159 at 1024·256·1024, a B4
//! whose A and B are both too large. At 1·25·50, the time it takes to get here is what counts: 84 ns, by the backend 690.
//!
//! On several cores what counts is who touched the weights last. A core that writes weights which the other one has read
//! waits for each: on two cores of an EPYC 9004 the update of 784-100-10 took 45 µs so, and 9 µs where each core reads, in F1,
//! only the rows of W that it will write (13 µs on one core). So W is cut between the same rows everywhere, and the sums of
//! F1, which run over these rows, are cut in two. (With more than two threads, those of one half share its rows.)

use crate::real::Real;
use crate::threads::{join, pieces};
use crate::vectors::{Loop, Vectors, run, times_plus};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

/// Rows of a tile.
const ROWS: usize = 4;

/// Rows of B in a panel.
const TERMS: usize = 128;

/// Entries of the largest panel: 32 KiB of `f32`.
const ROOM: usize = 64 * TERMS;

/// Rows of C from which on a copy of B is used often enough.
const MANY_ROWS: usize = 8;

/// Entries of B up to which it needs no panel; a transpose of that size is copied whole, onto the stack.
const SMALL: usize = 1024;

/// Entries of A or B up to which the panels are faster than the backend: 512 KiB of `f32`.
const CACHED: usize = 128 * 1024;

/// Rows of C up to which a B that is a transpose is read as it stands, by dot products.
const FEW_ROWS: usize = 4;

/// Terms of a sum from which on it is worth being cut in two.
const LEAST_TERMS: usize = 64;

/// Work, in multiplications, that is worth a thread of its own; less gains less than handing it over costs. (With a quarter of
/// it, the step of 2-25-50-25-2 on 512 rows took 609 ns a row, on two cores of an Emerald Rapids, against 425.)
const LEAST_PIECE: usize = 1024 * 1024;

/// C ← A·B: B4 and B2. `[m,k]·[k,n] → [m,n]`, the usual letters of a product: k is the length of its sums.
///
/// What C held before does not matter, not even a NaN.
pub(crate) fn matmul<F: Real>(a: ArrayView2<'_, F>, b: ArrayView2<'_, F>, mut c: ArrayViewMut2<'_, F>) {
    let ((m, k), n) = (a.dim(), b.ncols());
    debug_assert_eq!((b.nrows(), c.dim()), (k, (m, n)), "[m,k]·[k,n] → [m,n]: rows of B, shape of C");
    let pieces = pieces(work(m, k, n), LEAST_PIECE);
    let here = computed_here(&a, &b);
    match (Matrix::of(a), Matrix::of(b), c.as_slice_mut()) {
        (Some(a), Some(b), Some(c)) if here && (a.right == 1 || b.right == 1) => {
            compute(Product { a, b, start: None, c, m, k, n }, pieces);
        }
        // Too large for here, or into gradients that the caller has put into another order.
        _ => by_backend(a, b, None, c, pieces),
    }
}

/// C ← A·B + 1·startᵀ: F1, where B is W and `start` the bias. `[m,k]·[k,n] + [n] → [m,n]`
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
    let (here, halves) = (computed_here(&a, &b), gains_by_threads(m, k, n) && k >= LEAST_TERMS);
    let half = cut(k, 2);
    match (Matrix::of(a), Matrix::of(b), start.to_slice(), c.as_slice_mut(), spare.as_slice_mut()) {
        (Some(a), Some(b), Some(start), Some(c), Some(spare)) if here => {
            let whole = Product { a, b, start: Some(start), c, m, k, n };
            if !halves {
                return compute(whole, pieces);
            }
            let second_half =
                Product { a: a.from(0, half), b: b.from(half, 0), start: None, c: spare, m, k: k - half, n };
            let first_half = Product { k: half, ..whole };
            join(|| compute(first_half, first), || compute(second_half, second));
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

/// Whether the loops of this file are faster than the backend.
fn computed_here<F: Real>(a: &ArrayView2<'_, F>, b: &ArrayView2<'_, F>) -> bool {
    let rows = a.nrows();
    if b.is_standard_layout() {
        rows < MANY_ROWS || a.len().min(b.len()) <= CACHED
    } else {
        rows <= FEW_ROWS || b.len() <= SMALL
    }
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

/// C = A·B, with sums that begin at `start`, or at zero.
struct Product<'a, F> {
    a: Matrix<'a, F>,
    b: Matrix<'a, F>,
    start: Option<&'a [F]>,
    c: &'a mut [F],
    m: usize,
    k: usize,
    n: usize,
}

/// A product as a whole, which may be computed in pieces.
fn compute<F: Real>(mut whole: Product<'_, F>, pieces: usize) {
    let Product { a, b, m, k, n, .. } = whole;
    if m == 1 && k > 1 && a.right == 1 && b.right == 1 {
        // Not for a piece of one row, whose sums would not be in the order of the whole.
        run(InColumns { work: OneRow(&mut whole), n });
    } else {
        in_pieces(whole, pieces);
    }
}

/// The rows of C in pieces, side by side. An entry of C is the same sum in the same order whatever piece it is in.
fn in_pieces<F: Real>(mut whole: Product<'_, F>, pieces: usize) {
    let Product { a, b, m, k, n, .. } = whole;
    if pieces > 1 && m > ROWS {
        let cut = cut(m, pieces);
        let (c0, c1) = whole.c.split_at_mut(cut * n);
        let above = Product { c: c0, m: cut, ..whole };
        let below = Product { a: a.from(cut, 0), c: c1, m: m - cut, ..whole };
        join(|| in_pieces(above, pieces / 2), || in_pieces(below, pieces - pieces / 2));
    } else if b.right == 1 && m >= MANY_ROWS && k * n > SMALL {
        in_panels(whole);
    } else if b.right == 1 && k == 1 && whole.start.is_none() {
        run(InColumns { work: OneTerm(&mut whole), n });
    } else if b.right == 1 {
        run(InColumns { work: InPlace(&mut whole), n });
    } else if m <= FEW_ROWS {
        // Always a whole product: with at most SMALL entries of B, a piece that is worth a thread has far more rows. So all
        // pieces go one way, and keep the order of their sums.
        run(ByDots(&mut whole));
    } else {
        with_b_copied(whole);
    }
}

// Functions of their own, so that other products do not wait for the room that these two take on the stack.

#[inline(never)]
fn in_panels<F: Real>(mut product: Product<'_, F>) {
    /// Aligned to the lines of a cache.
    #[repr(align(64))]
    struct Room<F>([F; ROOM]);
    let (n, room) = (product.n, &mut Room([F::zero(); ROOM]).0);
    run(InColumns { work: InPanels(&mut product, room), n });
}

#[inline(never)]
fn with_b_copied<F: Real>(product: Product<'_, F>) {
    let Product { b, k, n, .. } = product;
    let mut rows = [F::zero(); SMALL];
    for j in 0..n {
        for p in 0..k {
            rows[p * n + j] = b.entries[j * b.right + p * b.down];
        }
    }
    let b = Matrix { entries: &rows, down: n, right: 1 };
    run(InColumns { work: InPlace(&mut Product { b, ..product }), n });
}

/// With B as it stands, row-major.
struct InPlace<'p, 'a, F>(&'p mut Product<'a, F>);

/// With copies of B, panel after panel.
struct InPanels<'p, 'a, F>(&'p mut Product<'a, F>, &'p mut [F]);

/// For one row of C.
struct OneRow<'p, 'a, F>(&'p mut Product<'a, F>);

/// For one term, a column times a row: B4 of one example.
struct OneTerm<'p, 'a, F>(&'p mut Product<'a, F>);

/// For few rows and a B that is a transpose: each entry of C is the product of a row of A and a row of B's slice.
struct ByDots<'p, 'a, F>(&'p mut Product<'a, F>);

/// What computes the columns of C that a few vectors take.
trait Columns {
    /// Bytes of a number.
    const SIZE: usize;
    /// Whether it goes row by row, and not by tiles of several rows, so that a row may have twice as many vectors.
    const ROW_BY_ROW: bool;

    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place);
}

/// Where vectors begin in a row: one after the other from `first` on, but the last one of them at `last`. At the end of a row
/// it reaches back into the one before, and computes some columns again, to the same numbers.
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

/// All n columns of C, in turns of as many vectors as the registers hold, and of about equal width.
struct InColumns<C> {
    work: C,
    n: usize,
}

impl<C: Columns> Loop for InColumns<C> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let InColumns { mut work, n } = self;
        let longest = V::BYTES / C::SIZE;
        let lanes = if n < longest { 1 << n.ilog2() } else { longest };
        let most = if C::ROW_BY_ROW { 2 * V::IN_ROW } else { V::IN_ROW };
        let mut vectors = n.div_ceil(lanes);
        let mut turns = vectors.div_ceil(most);
        let mut first = 0;
        while turns > 0 {
            let width = vectors / turns;
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
            (first, vectors, turns) = (first + width * lanes, vectors - width, turns - 1);
        }
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
        let (bytes, most) = (LANES * C::SIZE, if C::ROW_BY_ROW { 2 * V::IN_ROW } else { V::IN_ROW });
        bytes > V::BYTES || bytes < V::BYTES && VECTORS > 2 || VECTORS > most
    } {
        unreachable!("no vector is longer than the longest, no tile wider than the registers");
    }
    work.columns::<V, VECTORS, LANES>(at);
}

impl<F: Real> Columns for InPlace<'_, '_, F> {
    const SIZE: usize = size_of::<F>();
    const ROW_BY_ROW: bool = false;

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let Product { b, k, .. } = *self.0;
        self.0.add_terms::<V, VECTORS, LANES>(0, &Terms { rows: b.entries, down: b.down, at, k }, at);
    }
}

impl<F: Real> Columns for InPanels<'_, '_, F> {
    const SIZE: usize = size_of::<F>();
    const ROW_BY_ROW: bool = false;

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let InPanels(product, room) = self;
        let Product { b, k, .. } = **product;
        let in_panel = Place { first: 0, last: (VECTORS - 1) * LANES };
        let panels = k.div_ceil(TERMS);
        for panel in 0..panels {
            let (first, end) = (k * panel / panels, k * (panel + 1) / panels);
            let (copies, _) = room.as_chunks_mut::<LANES>();
            let (copies, _) = copies.as_chunks_mut::<VECTORS>();
            let mut rows = &b.entries[first * b.down..];
            for copy in &mut copies[..end - first] {
                *copy = at.read(rows);
                rows = &rows[b.down..];
            }
            let terms = Terms { rows: room, down: VECTORS * LANES, at: in_panel, k: end - first };
            product.add_terms::<V, VECTORS, LANES>(first, &terms, at);
        }
    }
}

impl<F: Real> Columns for OneRow<'_, '_, F> {
    const SIZE: usize = size_of::<F>();
    const ROW_BY_ROW: bool = true;

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        // A sum takes a term only when it has taken the last one: where a row has few sums, each is computed in parts.
        match VECTORS {
            1 | 2 => self.in_parts::<V, 4, VECTORS, LANES>(at),
            3 | 4 => self.in_parts::<V, 2, VECTORS, LANES>(at),
            _ => {
                let Product { b, k, .. } = *self.0;
                self.0.tile::<V, 1, VECTORS, LANES>(0, 0, &Terms { rows: b.entries, down: b.down, at, k }, at)
            }
        }
    }
}

impl<F: Real> OneRow<'_, '_, F> {
    #[inline(always)]
    fn in_parts<V: Vectors, const PARTS: usize, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let Product { a, b, start, .. } = *self.0;
        let mut parts = [[[F::zero(); LANES]; VECTORS]; PARTS];
        if let Some(start) = start {
            parts[0] = at.read(start);
        }
        let (groups, others) = a.entries.as_chunks::<PARTS>();
        let mut rows = b.entries;
        for group in groups {
            for (part, &a) in parts.iter_mut().zip(group) {
                let (row, below) = rows.split_at(b.down);
                add_term::<V, F, VECTORS, LANES>(a, &at.read(row), part);
                rows = below;
            }
        }
        for &a in others {
            let (row, below) = rows.split_at(b.down);
            add_term::<V, F, VECTORS, LANES>(a, &at.read(row), &mut parts[0]);
            rows = below;
        }
        let mut sums = parts[0];
        for part in &parts[1..] {
            for v in 0..VECTORS {
                for lane in 0..LANES {
                    sums[v][lane] += part[v][lane];
                }
            }
        }
        at.write(self.0.c, &sums);
    }
}

impl<F: Real> Columns for OneTerm<'_, '_, F> {
    const SIZE: usize = size_of::<F>();
    const ROW_BY_ROW: bool = true;

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let Product { a, b, n, .. } = *self.0;
        let row: [[F; LANES]; VECTORS] = at.read(b.entries);
        for (c, &a) in self.0.c.chunks_exact_mut(n).zip(a.entries) {
            let mut product = [[F::zero(); LANES]; VECTORS];
            add_term::<V, F, VECTORS, LANES>(a, &row, &mut product);
            at.write(c, &product);
        }
    }
}

/// Some rows of B, or of a panel, and where in them the vectors of a tile begin.
struct Terms<'a, F> {
    rows: &'a [F],
    /// From a row to the one below.
    down: usize,
    at: Place,
    k: usize,
}

impl<F: Real> Product<'_, F> {
    /// In all rows of C, at some columns: the terms from `first` on.
    #[inline(always)]
    fn add_terms<V: Vectors, const VECTORS: usize, const LANES: usize>(
        &mut self,
        first: usize,
        terms: &Terms<'_, F>,
        at: Place,
    ) {
        let mut i = 0;
        while i + ROWS <= self.m {
            self.tile::<V, ROWS, VECTORS, LANES>(i, first, terms, at);
            i += ROWS;
        }
        while i < self.m {
            self.tile::<V, 1, VECTORS, LANES>(i, first, terms, at);
            i += 1;
        }
    }

    /// The tile of C that begins at row i. Its sums begin at `start`, or go on from what the panel before has left in C.
    #[inline(always)]
    fn tile<V: Vectors, const HEIGHT: usize, const VECTORS: usize, const LANES: usize>(
        &mut self,
        i: usize,
        first: usize,
        terms: &Terms<'_, F>,
        at: Place,
    ) {
        let mut sums = [[[F::zero(); LANES]; VECTORS]; HEIGHT];
        for (r, sums) in sums.iter_mut().enumerate() {
            match self.start {
                _ if first > 0 => *sums = at.read(&self.c[(i + r) * self.n..][..self.n]),
                Some(start) => *sums = at.read(start),
                None => {}
            }
        }
        let a = self.a.from(i, first);
        // Rows of one length, so that the compiler checks the place in them once for all.
        let mut rows_of_a = [a.entries; HEIGHT];
        for (r, row) in rows_of_a.iter_mut().enumerate() {
            *row = &a.entries[r * a.down..][..(terms.k - 1) * a.right + 1];
        }
        let (mut p, mut rows) = (0, terms.rows);
        for _ in 0..terms.k {
            let (row, below) = rows.split_at(terms.down);
            let b = terms.at.read(row);
            for r in 0..HEIGHT {
                add_term::<V, F, VECTORS, LANES>(rows_of_a[r][p], &b, &mut sums[r]);
            }
            (p, rows) = (p + a.right, below);
        }
        for (r, sums) in sums.iter().enumerate() {
            at.write(&mut self.c[(i + r) * self.n..][..self.n], sums);
        }
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

impl<F: Real> Loop for ByDots<'_, '_, F> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let Product { a, b, c, k, n, .. } = self.0;
        for (a, c) in a.entries.chunks_exact(*k).zip(c.chunks_exact_mut(*n)) {
            match *k {
                8.. => dots_of_row::<V, F, 8>(a, b.entries, c),
                4.. => dots_of_row::<V, F, 4>(a, b.entries, c),
                2.. => dots_of_row::<V, F, 2>(a, b.entries, c),
                _ => dots_of_row::<V, F, 1>(a, b.entries, c),
            }
        }
    }
}

/// One row of C. A dot product runs in LANES sums side by side, which are added up by halves at its end.
#[inline(always)]
fn dots_of_row<V: Vectors, F: Real, const LANES: usize>(a: &[F], b: &[F], c: &mut [F]) {
    let k = a.len();
    // What the whole blocks leave over is a last block too, of the last LANES entries, with zeros for those of A that a
    // whole block has had.
    let (blocks, others) = a.as_chunks::<LANES>();
    let mut last = [F::zero(); LANES];
    last[LANES - others.len()..].copy_from_slice(others);
    let mut rows = b;
    for c in c {
        let (row, below) = rows.split_at(k);
        let mut sums = [F::zero(); LANES];
        let end = row.last_chunk::<LANES>().expect("rows of LANES entries or more");
        multiply_add::<V, F, LANES>(&last, end, &mut sums);
        for (a, b) in blocks.iter().zip(row.as_chunks::<LANES>().0) {
            multiply_add::<V, F, LANES>(a, b, &mut sums);
        }
        *c = sum::<F, LANES>(&sums);
        rows = below;
    }
}

/// sums ← sums + a ⊙ b
#[inline(always)]
fn multiply_add<V: Vectors, F: Real, const LANES: usize>(a: &[F; LANES], b: &[F; LANES], sums: &mut [F; LANES]) {
    for lane in 0..LANES {
        sums[lane] = times_plus::<V, F>(a[lane], b[lane], sums[lane]);
    }
}

/// Of up to eight lanes.
#[inline(always)]
fn sum<F: Real, const LANES: usize>(lanes: &[F; LANES]) -> F {
    let mut by_four = [F::zero(); 4];
    if LANES == 8 {
        // Through memory, or the compiler would compute the sums themselves in vectors of two: 205 ns for 50 products of
        // 25 terms, against 131.
        let lanes = std::hint::black_box(*lanes);
        for lane in 0..4 {
            by_four[lane] = lanes[lane] + lanes[lane + 4];
        }
    } else {
        by_four[..LANES].copy_from_slice(lanes);
    }
    (by_four[0] + by_four[2]) + (by_four[1] + by_four[3])
}

/// The sum of the rows of a matrix, of one row or more. `[n,k] → [k]`
pub(crate) fn column_sums<F: Real>(a: ArrayView2<'_, F>, mut sums: ArrayViewMut1<'_, F>) {
    sums.assign(&a.row(0));
    match (a.to_slice(), sums.as_slice_mut()) {
        // The same, for rows that are too short for a view of each.
        (Some(a), Some(sums)) => {
            for row in a.chunks_exact(sums.len()).skip(1) {
                sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
            }
        }
        _ => a.rows().into_iter().skip(1).for_each(|row| sums += &row),
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
        // Either side of every bound: 2·1024·1024 multiplications, 128·1024 entries of A or B, 8 rows, several panels.
        for (m, k, n) in [
            (64, 256, 127),
            (64, 256, 129),
            (7, 300, 330),
            (8, 300, 330),
            (257, 510, 260),
            (257, 520, 260),
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

    #[test]
    fn pieces_have_the_bits_of_the_whole() {
        // Thirds, whose sums depend on their order; with pieces of one row, and of rows that fill no tile.
        for (m, k, n) in [(1, 784, 700), (5, 2200, 50), (7, 300, 330), (33, 600, 129), (257, 520, 260)] {
            let (a, b) = (numbers::<f32>((m, k), 1) / 3.0, numbers::<f32>((k, n), 2) / 3.0);
            let (at, start) = (a.t().as_standard_layout().into_owned(), numbers((1, n), 3).row(0).to_owned());
            let products = |threads| {
                let (mut f1, mut b4) = (Array2::zeros((m, n)), Array2::zeros((m, n)));
                Threads::new(threads).run(|| {
                    matmul_plus_row(a.view(), b.view(), start.view(), f1.view_mut(), b4.clone().view_mut());
                    matmul(at.t(), b.view(), b4.view_mut());
                });
                (f1, b4)
            };
            for threads in [2, 3, 7] {
                assert_eq!(products(threads), products(1), "{threads} threads: {m}, {k}, {n}");
            }
        }
    }

    /// What the processor of a test does not choose: the loops as they are for other vectors.
    #[test]
    fn every_width_of_vectors_gives_the_product() {
        struct Wide<const BYTES: usize, const IN_ROW: usize>;
        impl<const BYTES: usize, const IN_ROW: usize> Vectors for Wide<BYTES, IN_ROW> {
            const FUSED: bool = false;
            const BYTES: usize = BYTES;
            const IN_ROW: usize = IN_ROW;
        }
        fn check<V: Vectors>(m: usize, k: usize, n: usize) {
            let (a, b) = (numbers::<f64>((m, k), 1), numbers::<f64>((k, n), 2));
            let expected = by_definition(&a, &b, &Array1::zeros(n));
            for way in ["in place", "in panels", "one row", "one term"] {
                let mut c = Array2::from_elem((m, n), f64::NAN);
                let (a, b) = (Matrix::of(a.view()).unwrap(), Matrix::of(b.view()).unwrap());
                let work = &mut Product { a, b, start: None, c: c.as_slice_mut().unwrap(), m, k, n };
                match way {
                    "in place" => InColumns { work: InPlace(work), n }.run::<V>(),
                    "in panels" => InColumns { work: InPanels(work, &mut [0.0; ROOM]), n }.run::<V>(),
                    "one row" if m == 1 => InColumns { work: OneRow(work), n }.run::<V>(),
                    "one term" if k == 1 => InColumns { work: OneTerm(work), n }.run::<V>(),
                    _ => continue,
                }
                assert_eq!(c, expected, "{} bytes, {way}: {m}, {k}, {n}", V::BYTES);
            }
        }
        for (m, k, n) in [
            (1, 1, 37),
            (1, 1, 50),
            (1, 9, 7),
            (1, 9, 25),
            (1, 9, 64),
            (1, 9, 100),
            (5, 1, 30),
            (5, 1, 100),
            (5, 9, 100),
            (6, 3, 7),
            (9, 17, 33),
            (9, 301, 33),
        ] {
            check::<Wide<16, 2>>(m, k, n);
            check::<Wide<16, 4>>(m, k, n);
            check::<Wide<32, 2>>(m, k, n);
            check::<Wide<64, 4>>(m, k, n);
        }
    }
}
