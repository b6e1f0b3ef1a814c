//! `large`: a product of many rows, columns and terms, on one thread, in tiles that read copies of its factors.
//!
//! Block after block of terms, some columns of B are copied, term after term, to where they are near one another and stay in the
//! caches of the core; where B is a transpose (B2), the copy turns it round. Then come the tiles of these columns of C, one below
//! the other, four or five rows each (eight, where they are a single vector wide). They read A as it stands, or, where it is a
//! transpose (B4) and C wide, from strips: copies of as many rows as a tile has, with the entries of each term side by side. A
//! few columns at the end of C, which would fill half a vector or less, are dot products (F1). All copies are in a room that the
//! thread keeps.
//!
//! The loops over the terms, at the end of this file, take nearly all of the time. Where another program's thread has half of the
//! core, it is their instructions that count and not their multiplications. So they do four terms at a time (but for a transpose
//! that is read as it stands), and run `apart`: inlined into what calls them, the compiler kept some of the sums in memory, in one
//! loop or another as the code around them changed. Apart, in builds for AVX2 and AVX-512, all sums are in registers, and of the
//! 79 instructions that a tile of five rows and two vectors takes for four terms, 68 are multiplications or read what is
//! multiplied.

use super::{
    Columns, InColumns, Large, Matrix, Place, Product, ROW_MAJOR, SIDE_BY_SIDE, TOGETHER, add_term, add_up, dots,
    in_blocks,
};
use crate::real::Real;
use crate::vectors::{Choice, Loop, Vectors, run};
use ndarray::{ArrayViewMut2, Axis, s};
use std::cell::Cell;

/// Terms of a block, at most; half as many where A is a transpose (B4). (With 512, where C is read and written more often, the
/// step of 784-1024-1024-1024-10 took 1.06 times as long on one core of an EPYC 7003. But B4 of 1024·784·800 took 1.1 times as
/// long with strips of 1024 terms.)
const TERMS: usize = 1024;

/// Bytes of B that tiles wider than a line of a cache read, one below the other, at most: they have to stay in the nearest cache.
///
/// A tile of five rows and two AVX2 vectors reads one line for each term, and multiplies for five cycles, twice in each: the
/// second cache gives that, and TERMS is the only bound. One of four rows and four AVX-512 vectors reads four lines in eight:
/// two and a half times as much in a cycle.
const NEAREST: usize = 32 * 1024;

/// Bytes of the copy of a part of B, at most: three lines of a cache for each of TERMS. (Wider tiles take more lines, for fewer
/// terms.)
const COPIES: usize = TERMS * 3 * LINE;

/// Bytes of the copy of a part of A, at most.
const STRIPS: usize = 128 * 1024;

/// Columns at the end of C that are computed as dot products, at most.
const LAST_COLUMNS: usize = 4;

/// Rows whose dot products run side by side.
const ROWS_OF_DOTS: usize = TOGETHER / LAST_COLUMNS;

/// Columns of C from which on strips are used often enough.
const WIDE: usize = 96;

/// Bytes of a line of the caches.
const LINE: usize = 64;

/// For a term of 0 to 3, written out: the compiler leaves a loop a loop.
macro_rules! for_four {
    ($term:ident $body:block) => {
        for_four!($term $body 0 1 2 3)
    };
    ($term:ident $body:block $($number:literal)*) => {
        $(
            let $term = $number;
            $body
        )*
    };
}

/// C = A·B, of LONGEST columns or more, and of five rows or more.
pub(super) fn large<F: Real>(product: Large<'_, F>) {
    let with_strips = product.a.right > 1 && product.n >= WIDE;
    // What the thread has kept from its last product. (Room on the stack takes time to clear: a fiftieth of the step of
    // 784-100-10 on 32 rows, on an EPYC 7003.)
    let mut room = F::room().try_with(Cell::take).unwrap_or_default();
    if room.is_empty() {
        room = vec![F::zero(); (LINE + COPIES + STRIPS) / size_of::<F>()];
    }
    let aligned = room.as_ptr().align_offset(LINE);
    let (copies, strips) = room[aligned..].split_at_mut(COPIES / size_of::<F>());
    run(InBlocks { product, copies, strips: with_strips.then_some(strips) });
    // A thread that is about to end keeps nothing.
    _ = F::room().try_with(|kept| kept.set(room));
}

/// Block after block: some terms of the sums, in all rows of C, or in as many as the strips have room for.
struct InBlocks<'p, 'a, F> {
    product: Large<'a, F>,
    copies: &'p mut [F],
    strips: Option<&'p mut [F]>,
}

impl<F: Real> Loop for InBlocks<'_, '_, F> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let InBlocks { product, copies, mut strips } = self;
        let last = last_columns::<V, F>(&product);
        let Product { a, b, start, column, c, m, k, n } = product;
        let n = n - last;
        let (mut c, end_of_c) = c.split_at(Axis(1), n);
        if last > 0 {
            let product = Product { a, b, start, column: column + n, c: end_of_c, m, k, n: last };
            V::apart(LastColumns { product, copies: &mut *copies });
        }
        let blocks = k.div_ceil(most_terms::<V>(a.right > 1));
        for block in 0..blocks {
            let (first, end) = (k * block / blocks, k * (block + 1) / blocks);
            let k = end - first;
            let most_rows = strips.as_ref().map_or(m, |strips| {
                let parts = m.div_ceil(strips.len() / k / V::ROWS * V::ROWS);
                m.div_ceil(parts).next_multiple_of(V::ROWS)
            });
            let mut i = 0;
            while i < m {
                let rows = most_rows.min(m - i);
                let part = a.from(i, first);
                if let Some(strips) = &mut strips {
                    copy_strips::<V, F>(part, rows, k, strips);
                }
                let mut left = 0;
                while left < n {
                    let columns = width::<V, F>(n - left, b.right > 1);
                    copy_columns::<V, F>(b.from(first, column + left), k, columns, copies);
                    let begin = match start {
                        _ if first > 0 => Begin::AtC,
                        Some(start) => Begin::At(&start[column + left..]),
                        None => Begin::AtZero,
                    };
                    let c = c.slice_mut(s![i..i + rows, left..left + columns]);
                    let b = &copies[..k * stride::<V, F>()];
                    match &strips {
                        Some(strips) => in_turns::<V, F, _>(Strips(strips), b, begin, c, k),
                        None if part.right == 1 => in_turns::<V, F, _>(Rows(part), b, begin, c, k),
                        None => in_turns::<V, F, _>(Transposed(part), b, begin, c, k),
                    }
                    left += columns;
                }
                i += rows;
            }
        }
    }
}

/// Terms of a block, at most, where A stands as it is or is a transpose.
const fn most_terms<V: Vectors>(transposed: bool) -> usize {
    match tile::<V>() {
        tile if tile > LINE => NEAREST / tile,
        _ if transposed => TERMS / 2,
        _ => TERMS,
    }
}

/// How many columns at the end of C to compute as dot products. They are the same ones if C is cut into pieces, all of which but
/// the last are as wide as a number of whole vectors.
#[inline(always)]
fn last_columns<V: Vectors, F: Real>(product: &Large<'_, F>) -> usize {
    let Product { a, b, m, k, n, .. } = *product;
    let lanes = V::BYTES / size_of::<F>();
    let last = n % lanes;
    let as_they_stand = a.right == 1 && b.right == 1;
    let half_a_vector = lanes >= SIDE_BY_SIDE && last <= LAST_COLUMNS;
    let fit = m >= ROWS_OF_DOTS && k >= SIDE_BY_SIDE && k * LAST_COLUMNS <= COPIES / size_of::<F>();
    if as_they_stand && half_a_vector && fit { last } else { 0 }
}

/// The last few columns of C: dot products of the rows of A and copies of columns of B, of which eight terms are multiplied at
/// once.
///
/// For four columns that takes half of the multiplications of a tile that is one vector wide. (With such a tile, predictions of
/// 784-100-10 took 1.09 times as long on an EPYC 7003, and a step on 32 rows 1.04 times.)
struct LastColumns<'p, 'a, F> {
    product: Large<'a, F>,
    copies: &'p mut [F],
}

impl<F: Real> Loop for LastColumns<'_, '_, F> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let LastColumns { product: Product { a, b, start, column, mut c, m, k, n }, copies } = self;
        for (p, row) in b.entries[column..].chunks(b.down).take(k).enumerate() {
            for j in 0..n {
                copies[j * k + p] = row[j];
            }
        }
        // Of fewer than four the first stands in for the others, so that the compiler knows how many there are.
        let mut columns = [in_blocks(&copies[..k]); LAST_COLUMNS];
        let mut begin = [F::zero(); LAST_COLUMNS];
        for j in 0..n {
            columns[j] = in_blocks(&copies[j * k..][..k]);
            begin[j] = start.map_or(F::zero(), |start| start[column + j]);
        }
        let mut sums = [[F::zero(); SIDE_BY_SIDE]; TOGETHER];
        let mut entries = [F::zero(); TOGETHER];
        for i in (0..m).step_by(ROWS_OF_DOTS) {
            let i = i.min(m - ROWS_OF_DOTS);
            for j in 0..LAST_COLUMNS {
                let column = dots::<V, F, ROWS_OF_DOTS>(&columns[j], &a.entries[i * a.down..], a.down, k);
                for r in 0..ROWS_OF_DOTS {
                    sums[r * LAST_COLUMNS + j] = column[r];
                }
            }
            add_up(&mut sums, &mut entries);
            for r in 0..ROWS_OF_DOTS {
                for j in 0..n {
                    c[[i + r, j]] = begin[j] + entries[r * LAST_COLUMNS + j];
                }
            }
        }
    }
}

/// How many of the columns that are left over to copy at once, `turned` round or not.
///
/// Three lines of a cache from every row of B, or a tile, where that is wider. (One line, for a tile of two AVX2 vectors, took
/// 1.1 times as long for F1 of 128·784·800 on an EPYC 7003: a row further down is on another page. But what turns B round goes
/// through all terms for a few columns at a time, and what it has written should not be far when it comes again.)
#[inline(always)]
fn width<V: Vectors, F: Real>(left_over: usize, turned: bool) -> usize {
    let line = LINE / size_of::<F>();
    let width = if turned { tile::<V>().max(LINE) } else { copied::<V>() } / size_of::<F>();
    match left_over {
        _ if left_over >= width + line => width,
        _ if left_over <= stride::<V, F>() => left_over,
        // So that the last ones are as wide as the longest vector.
        _ => 2 * line,
    }
}

/// Bytes that a tile takes of a row.
const fn tile<V: Vectors>() -> usize {
    V::IN_ROW * V::BYTES
}

/// Bytes of a row that are copied at once, tile beside tile.
const fn copied<V: Vectors>() -> usize {
    if tile::<V>() > 3 * LINE { tile::<V>() } else { 3 * LINE }
}

/// Entries from one copied row to the next: an odd number of lines, so that what a tile reads is spread over the whole of a
/// cache.
#[inline(always)]
fn stride<V: Vectors, F: Real>() -> usize {
    ((copied::<V>() / LINE) | 1) * LINE / size_of::<F>()
}

/// Entries that are copied at once, as many as there are columns at the least.
const AT_ONCE: usize = 8;

/// Why a row can be copied.
const ALL_COLUMNS: &str = "a row of B and its copy have all the columns";

/// Some columns of B: `[k,columns]`, `stride` entries from row to row.
#[inline(always)]
fn copy_columns<V: Vectors, F: Real>(b: Matrix<'_, F>, k: usize, columns: usize, copies: &mut [F]) {
    let stride = stride::<V, F>();
    if b.right == 1 {
        // Of a number that the compiler knows, which takes half of the instructions, or of any.
        return match columns {
            64 => copy_rows::<V, F, 64>(b, k, copies),
            48 => copy_rows::<V, F, 48>(b, k, copies),
            32 => copy_rows::<V, F, 32>(b, k, copies),
            24 => copy_rows::<V, F, 24>(b, k, copies),
            _ => copy_any_rows::<V, F>(b, k, columns, copies),
        };
    }
    // Rows of what B is a transpose of, side by side. The last of them reach back.
    for j in (0..columns).step_by(AT_ONCE) {
        let j = j.min(columns - AT_ONCE);
        let mut rows = [b.entries; AT_ONCE];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = &b.entries[(j + r) * b.right..][..k];
        }
        for (p, copy) in copies.chunks_exact_mut(stride).take(k).enumerate() {
            let copy: &mut [F; AT_ONCE] = copy[j..].first_chunk_mut().expect(ALL_COLUMNS);
            for r in 0..AT_ONCE {
                copy[r] = rows[r][p];
            }
        }
    }
}

#[inline(always)]
fn copy_rows<V: Vectors, F: Real, const COLUMNS: usize>(b: Matrix<'_, F>, k: usize, copies: &mut [F]) {
    let mut rows = b.entries;
    for copy in copies.chunks_exact_mut(stride::<V, F>()).take(k) {
        let copy: &mut [F; COLUMNS] = copy.first_chunk_mut().expect(ALL_COLUMNS);
        *copy = *rows.first_chunk().expect(ALL_COLUMNS);
        rows = rows.get(b.down..).unwrap_or_default();
    }
}

#[inline(always)]
fn copy_any_rows<V: Vectors, F: Real>(b: Matrix<'_, F>, k: usize, columns: usize, copies: &mut [F]) {
    for (copy, row) in copies.chunks_exact_mut(stride::<V, F>()).zip(b.entries.chunks(b.down)).take(k) {
        let (copy, row) = (&mut copy[..columns], &row[..columns]);
        for (copy, &entries) in copy.as_chunks_mut::<AT_ONCE>().0.iter_mut().zip(row.as_chunks().0) {
            *copy = entries;
        }
        *copy.last_chunk_mut::<AT_ONCE>().expect(ALL_COLUMNS) = *row.last_chunk().expect(ALL_COLUMNS);
    }
}

/// Some rows of A as strips, one after the other: as many rows as a tile has, of which every term stands together.
#[inline(always)]
fn copy_strips<V: Vectors, F: Real>(a: Matrix<'_, F>, rows: usize, k: usize, strips: &mut [F]) {
    // At a time as many rows as have their entries of one term in about a line of a cache of `f32`.
    match V::ROWS {
        5 => strips_of::<F, 5, 3>(a, rows, k, strips),
        _ => strips_of::<F, 4, 4>(a, rows, k, strips),
    }
}

#[inline(always)]
fn strips_of<F: Real, const HEIGHT: usize, const AT_A_TIME: usize>(
    a: Matrix<'_, F>,
    rows: usize,
    k: usize,
    strips: &mut [F],
) {
    for i in (0..rows).step_by(AT_A_TIME * HEIGHT) {
        let (strips, _) = strips[i * k..].as_chunks_mut::<HEIGHT>();
        let left = rows - i;
        for p in 0..k {
            let entries = &a.entries[p * a.right + i..];
            if left >= AT_A_TIME * HEIGHT {
                let (entries, _) = entries[..AT_A_TIME * HEIGHT].as_chunks::<HEIGHT>();
                for strip in 0..AT_A_TIME {
                    strips[strip * k + p] = entries[strip];
                }
            } else {
                for r in 0..left {
                    strips[r / HEIGHT * k + p][r % HEIGHT] = entries[r];
                }
            }
        }
    }
}

/// Where the sums of a block begin.
#[derive(Clone, Copy)]
enum Begin<'a, F> {
    AtZero,
    At(&'a [F]),
    /// At what the block before has left in C.
    AtC,
}

/// The columns of C of which B has been copied, in turns as wide as a tile.
#[inline(always)]
fn in_turns<V: Vectors, F: Real, A: Tiles<F>>(a: A, b: &[F], begin: Begin<'_, F>, c: ArrayViewMut2<'_, F>, k: usize) {
    let n = c.ncols();
    InColumns { work: TilesOfC { a, b, begin, c, k }, n }.choose::<V>();
}

/// For the tiles of a turn, one below the other.
struct TilesOfC<'p, 'a, F, A> {
    a: A,
    b: &'p [F],
    begin: Begin<'a, F>,
    c: ArrayViewMut2<'p, F>,
    k: usize,
}

impl<F: Real, A: Tiles<F>> Columns for TilesOfC<'_, '_, F, A> {
    const SIZE: usize = size_of::<F>();
    const LONG_ROWS: bool = true;

    #[inline(always)]
    fn columns<V: Vectors, const VECTORS: usize, const LANES: usize>(&mut self, at: Place) {
        let TilesOfC { a, b, begin, ref mut c, k } = *self;
        // A view of its own, which need not be read again for every tile.
        let mut c = c.view_mut();
        let terms = Terms { b, k, at };
        let mut i = 0;
        while i < c.nrows() {
            let left = c.nrows() - i;
            if VECTORS == 1 && !A::FULL && left >= 8 {
                // A sum takes a term only when it has taken the one before, and four narrow rows have few sums.
                tile_at::<V, F, A, 8, VECTORS, LANES>(a, i, &terms, begin, &mut c);
                i += 8;
            } else if V::ROWS == 5 && (A::FULL || left % 5 == 0) {
                // After as many fours as it takes for the fives to come out even, where they can.
                tile_at::<V, F, A, 5, VECTORS, LANES>(a, i, &terms, begin, &mut c);
                i += 5;
            } else {
                tile_at::<V, F, A, 4, VECTORS, LANES>(a, i, &terms, begin, &mut c);
                i += 4;
            }
        }
    }
}

/// The tile of C that begins at row i. The last one may begin further up, so as not to reach below A: it computes sums again that
/// have been computed, and does not write them, which would add them to C twice.
///
/// In this form the compiler writes the rows of a tile out, where A is in strips. (With an iterator over C, whose state took 20
/// instructions a row, the step of 784-100-10 on 32 rows, where a sum of B4 has 32 terms only, took 1.05 times as long on one
/// core of an EPYC 7003.)
#[inline(always)]
fn tile_at<V: Vectors, F: Real, A: Tiles<F>, const HEIGHT: usize, const VECTORS: usize, const LANES: usize>(
    a: A,
    i: usize,
    terms: &Terms<'_, F>,
    begin: Begin<'_, F>,
    c: &mut ArrayViewMut2<'_, F>,
) {
    let m = c.nrows();
    let first = if A::FULL { i } else { i.min(m - HEIGHT) };
    let sums = a.sums::<V, HEIGHT, VECTORS, LANES>(first, terms);
    let start = match begin {
        Begin::At(start) => terms.at.read(start),
        Begin::AtZero | Begin::AtC => [[F::zero(); LANES]; VECTORS],
    };
    for (r, sums) in sums.iter().enumerate() {
        if !(i..m).contains(&(first + r)) {
            continue;
        }
        let mut row = c.row_mut(first + r);
        let row = row.as_slice_mut().expect(ROW_MAJOR);
        // C is read only now: before the sums, this tile would wait for it, and so the next one can begin.
        let mut entries = if let Begin::AtC = begin { terms.at.read(row) } else { start };
        for v in 0..VECTORS {
            for lane in 0..LANES {
                entries[v][lane] += sums[v][lane];
            }
        }
        terms.at.write(row, &entries);
    }
}

/// The copied columns of B, k rows of them, and where the vectors of a tile begin in each.
struct Terms<'p, F> {
    b: &'p [F],
    k: usize,
    at: Place,
}

/// What the tiles read of A.
trait Tiles<F: Real>: Copy {
    /// Whether there is something to read below the last row, up to the end of a tile.
    const FULL: bool;

    /// The sums of the tile that begins at row `first`.
    fn sums<V: Vectors, const HEIGHT: usize, const VECTORS: usize, const LANES: usize>(
        self,
        first: usize,
        terms: &Terms<'_, F>,
    ) -> [[[F; LANES]; VECTORS]; HEIGHT];
}

/// A row-major part of A.
#[derive(Clone, Copy)]
struct Rows<'p, F>(Matrix<'p, F>);

/// A part of A that is a transpose: the entries of one term are side by side.
#[derive(Clone, Copy)]
struct Transposed<'p, F>(Matrix<'p, F>);

/// Copies of rows of A, V::ROWS of them together.
#[derive(Clone, Copy)]
struct Strips<'p, F>(&'p [F]);

impl<F: Real> Tiles<F> for Rows<'_, F> {
    const FULL: bool = false;

    #[inline(always)]
    fn sums<V: Vectors, const HEIGHT: usize, const VECTORS: usize, const LANES: usize>(
        self,
        first: usize,
        &Terms { b, k, at }: &Terms<'_, F>,
    ) -> [[[F; LANES]; VECTORS]; HEIGHT] {
        let Rows(a) = self;
        let stride = stride::<V, F>();
        // Of one length, so that the compiler checks the place in them once for all.
        let mut fours = [a.entries.as_chunks::<4>().0; HEIGHT];
        let mut others = [a.entries; HEIGHT];
        for r in 0..HEIGHT {
            let row = &a.entries[(first + r) * a.down..][..k];
            fours[r] = &row.as_chunks().0[..k / 4];
            others[r] = &row[k / 4 * 4..];
        }
        let (b, other_b) = b.split_at(k / 4 * 4 * stride);
        let mut sums = [[[F::zero(); LANES]; VECTORS]; HEIGHT];
        for (p, b) in b.chunks_exact(4 * stride).enumerate() {
            for_four!(term {
                let b = at.read(&b[term * stride..][..stride]);
                for r in 0..HEIGHT {
                    add_term::<V, F, VECTORS, LANES>(fours[r][p][term], &b, &mut sums[r]);
                }
            });
        }
        for (p, b) in other_b.chunks_exact(stride).enumerate() {
            let b = at.read(b);
            for r in 0..HEIGHT {
                add_term::<V, F, VECTORS, LANES>(others[r][p], &b, &mut sums[r]);
            }
        }
        sums
    }
}

impl<F: Real> Tiles<F> for Strips<'_, F> {
    const FULL: bool = true;

    #[inline(always)]
    fn sums<V: Vectors, const HEIGHT: usize, const VECTORS: usize, const LANES: usize>(
        self,
        first: usize,
        &Terms { b, k, at }: &Terms<'_, F>,
    ) -> [[[F; LANES]; VECTORS]; HEIGHT] {
        let Strips(strips) = self;
        let stride = stride::<V, F>();
        let (fours, others) = strips[first * k..].as_chunks::<HEIGHT>().0[..k].as_chunks::<4>();
        let (b, other_b) = b.split_at(k / 4 * 4 * stride);
        let mut sums = [[[F::zero(); LANES]; VECTORS]; HEIGHT];
        for (a, b) in fours.iter().zip(b.chunks_exact(4 * stride)) {
            for_four!(term {
                let b = at.read(&b[term * stride..][..stride]);
                for r in 0..HEIGHT {
                    add_term::<V, F, VECTORS, LANES>(a[term][r], &b, &mut sums[r]);
                }
            });
        }
        for (a, b) in others.iter().zip(other_b.chunks_exact(stride)) {
            let b = at.read(b);
            for r in 0..HEIGHT {
                add_term::<V, F, VECTORS, LANES>(a[r], &b, &mut sums[r]);
            }
        }
        sums
    }
}

impl<F: Real> Tiles<F> for Transposed<'_, F> {
    const FULL: bool = false;

    #[inline(always)]
    fn sums<V: Vectors, const HEIGHT: usize, const VECTORS: usize, const LANES: usize>(
        self,
        first: usize,
        &Terms { b, k, at }: &Terms<'_, F>,
    ) -> [[[F; LANES]; VECTORS]; HEIGHT] {
        let Transposed(a) = self;
        let stride = stride::<V, F>();
        let (columns, last) = a.entries[first..].split_at((k - 1) * a.right);
        let (b, last_b) = b.split_at((k - 1) * stride);
        let mut sums = [[[F::zero(); LANES]; VECTORS]; HEIGHT];
        for (column, b) in columns.chunks_exact(a.right).zip(b.chunks_exact(stride)) {
            let b = at.read(b);
            for r in 0..HEIGHT {
                add_term::<V, F, VECTORS, LANES>(column[r], &b, &mut sums[r]);
            }
        }
        let b = at.read(last_b);
        for r in 0..HEIGHT {
            add_term::<V, F, VECTORS, LANES>(last[r], &b, &mut sums[r]);
        }
        sums
    }
}

/// As for a processor of such vectors.
#[cfg(test)]
pub(super) fn with_vectors<V: Vectors>(product: Large<'_, f64>, with_strips: bool) {
    let (copies, strips) = (&mut [0.0; COPIES / size_of::<f64>()], &mut [0.0; STRIPS / size_of::<f64>()]);
    InBlocks { product, copies, strips: with_strips.then_some(strips) }.run::<V>();
}

#[cfg(test)]
mod tests {
    use super::super::{LONGEST, tests::Wide};
    use super::*;

    /// On any processor, since the vectors of most are shorter.
    #[test]
    fn what_is_copied_at_once_has_room_and_is_as_wide_as_the_longest_vector() {
        fn check<V: Vectors, F: Real>() {
            for transposed in [false, true] {
                assert!(
                    most_terms::<V>(transposed) * stride::<V, F>() * size_of::<F>() <= COPIES,
                    "{} bytes",
                    V::BYTES
                );
                assert!(most_terms::<V>(transposed) * V::ROWS * size_of::<F>() <= STRIPS, "{} bytes", V::BYTES);
            }
            for n in LONGEST..1000 {
                for turned in [false, true] {
                    let mut left_over = n;
                    while left_over > 0 {
                        let columns = width::<V, F>(left_over, turned);
                        assert!(columns * size_of::<F>() >= LINE, "{columns} of {n}");
                        assert!(columns <= stride::<V, F>(), "{columns} of {n}");
                        left_over -= columns;
                    }
                }
            }
        }
        check::<Wide<16, 2>, f32>();
        check::<Wide<16, 4>, f32>();
        check::<Wide<32, 2>, f32>();
        check::<Wide<64, 4>, f32>();
        check::<Wide<32, 2>, f64>();
        check::<Wide<64, 4>, f64>();
    }
}
