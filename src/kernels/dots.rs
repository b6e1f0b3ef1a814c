//! c ← a·Bᵀ for one row or a few: B2 of small batches. Every entry of C is a dot product of a row of A and a row of B,
//! which is read once, where it is.
//!
//! A dot product is summed in as many parts as a vector of 64 bytes has lanes (of 16 bytes, with few terms), on every
//! processor; four of them are added up together.

use super::vectors::{LONGEST, Lanes, Quarter, Short, Wide, Work, fold};
use crate::real::Real;
use fearless_simd::Simd;

/// Rows of B whose dot products are added up together.
const TOGETHER: usize = 4;

/// `[inner]·[cols, inner]ᵀ → [cols]`
pub(super) struct Dots<'a, F> {
    pub(super) a: &'a [F],
    pub(super) b: &'a [F],
    pub(super) c: &'a mut [F],
}

impl<F: Real> Work for Dots<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let inner = self.a.len();
        if inner >= const { 64 / size_of::<F>() } {
            self.dots::<S, Wide<S, F>, Quarter<S, F>>(s, fold::<S, F>);
        } else if inner >= const { 16 / size_of::<F>() } {
            self.dots::<S, Quarter<S, F>, Quarter<S, F>>(s, |sums| sums);
        } else {
            self.dots::<S, Short<S, F>, Short<S, F>>(s, |sums| sums);
        }
    }
}

impl<F: Real> Dots<'_, F> {
    /// With vectors no longer than a row, or with short ones.
    #[inline(always)]
    fn dots<S: Simd, V: Lanes<S, F>, Q: Lanes<S, F>>(self, s: S, fold: impl Fn(V) -> Q) {
        let Dots { a, b, c } = self;
        let inner = a.len();
        // The entries after the last whole vector are read as one more vector, the last of the row. Its A is zero for
        // entries that a whole vector has already counted.
        let (from, left_over) = (inner.saturating_sub(V::LEN), inner % V::LEN);
        let mut end = [F::zero(); LONGEST];
        let places = inner - from - left_over..inner - from;
        for (end, &a) in end[places].iter_mut().zip(&a[inner - left_over..]) {
            *end = a;
        }
        let end = V::load(s, &end);
        for (group, c) in c.chunks_mut(TOGETHER).enumerate() {
            let mut rows = [b; TOGETHER];
            let mut sums = [end; TOGETHER];
            for r in 0..TOGETHER {
                // A smaller last group repeats its last row.
                rows[r] = &b[(group * TOGETHER + r.min(c.len() - 1)) * inner..][..inner];
                sums[r] = end * V::load(s, &rows[r][from..]);
            }
            let mut term = 0;
            while term + V::LEN <= inner {
                let a = V::load(s, &a[term..]);
                for r in 0..TOGETHER {
                    sums[r] = a.mul_add(V::load(s, &rows[r][term..]), sums[r]);
                }
                term += V::LEN;
            }
            let totals = add_up::<S, F, Q>(fold(sums[0]), fold(sums[1]), fold(sums[2]), fold(sums[3]));
            match c.first_chunk_mut() {
                Some(four) => *four = totals,
                None => c.iter_mut().zip(totals).for_each(|(c, total)| *c = total),
            }
        }
    }
}

/// The sums of the entries of four vectors. Each round adds neighbours, and leaves half as many for each of the four.
#[inline(always)]
fn add_up<S: Simd, F: Real, V: Lanes<S, F>>(a: V, b: V, c: V, d: V) -> [F; TOGETHER] {
    let mut totals = [F::zero(); TOGETHER];
    let (ab, cd) = (neighbours::<S, F, V>(a, b), neighbours::<S, F, V>(c, d));
    if V::LEN == TOGETHER {
        neighbours::<S, F, V>(ab, cd).store(&mut totals);
    } else {
        ab.store(&mut totals);
        cd.store(&mut totals[TOGETHER / 2..]);
    }
    totals
}

#[inline(always)]
fn neighbours<S: Simd, F: Real, V: Lanes<S, F>>(a: V, b: V) -> V {
    let (even, odd) = a.unzip(b);
    even + odd
}
