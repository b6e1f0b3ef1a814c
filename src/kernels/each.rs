//! `each`: one formula on every entry of some arrays, in one pass, on all cores where it pays.

use super::threads::{pieces, rows_of, share, slice};
use super::vectors::{LONGEST, Lanes, Native, Work, run};
use super::{Formula, Number};
use crate::real::Real;
use fearless_simd::Simd;
use ndarray::Axis;
use std::array::from_fn;

/// Minimum number of entries per thread.
const LEAST_PIECE: usize = 32 * 1024;

/// Vectors whose place in the arrays is checked once for all. In WebAssembly a check costs as much as a short vector.
const TOGETHER: usize = if cfg!(target_arch = "wasm32") { 2 } else { 1 };

/// See [`super::each`].
#[inline(always)]
pub(super) fn each<F: Real, P: Formula<OUT, IN>, const OUT: usize, const IN: usize>(
    formula: P,
    out: [&mut [F]; OUT],
    input: [&[F]; IN],
) {
    let parts = pieces(out[0].len(), LEAST_PIECE);
    if parts < 2 {
        return run(Each { formula, out, input });
    }
    on_threads(formula, out, input, parts);
}

/// A separate function, so that a call on few entries does not pay for its setup.
#[inline(never)]
fn on_threads<F: Real, P: Formula<OUT, IN>, const OUT: usize, const IN: usize>(
    formula: P,
    out: [&mut [F]; OUT],
    input: [&[F]; IN],
    parts: usize,
) {
    share(rows_of(out), (Axis(1), LONGEST), parts, &|first, out| {
        let out = out.map(slice);
        let len = out[0].len();
        run(Each { formula, out, input: input.map(|input| &input[first..][..len]) });
    });
}

struct Each<'a, F, P, const OUT: usize, const IN: usize> {
    formula: P,
    out: [&'a mut [F]; OUT],
    input: [&'a [F]; IN],
}

impl<F: Real, P: Formula<OUT, IN>, const OUT: usize, const IN: usize> Work for Each<'_, F, P, OUT, IN> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Each { formula, out, input } = self;
        let len = out[0].len();
        let mut out = out.map(|out| &mut out[..len]);
        let input = input.map(|input| &input[..len]);
        let Some(last) = len.checked_sub(Native::<S, F>::LEN) else {
            return less_than_a_vector(s, formula, out, input);
        };
        // The last vector overlaps the one before, so it is read before anything is written.
        let (last_out, last_in) = (load(s, &out, last), load(s, &input, last));
        let (mut at, together) = (0, TOGETHER * Native::<S, F>::LEN);
        while at + together <= last {
            let mut out = out.each_mut().map(|out| &mut out[at..][..together]);
            let input = input.map(|input| &input[at..][..together]);
            for v in 0..TOGETHER {
                let at = v * Native::<S, F>::LEN;
                store(formula.at(load(s, &out, at), load(s, &input, at)), &mut out, at);
            }
            at += together;
        }
        while at < last {
            store(formula.at(load(s, &out, at), load(s, &input, at)), &mut out, at);
            at += Native::<S, F>::LEN;
        }
        store(formula.at(last_out, last_in), &mut out, last);
    }
}

/// The vector at `at` of each array.
#[inline(always)]
fn load<S: Simd, F: Real, A: AsRef<[F]>, const N: usize>(s: S, arrays: &[A; N], at: usize) -> [Native<S, F>; N] {
    from_fn(|i| Native::<S, F>::load(s, &arrays[i].as_ref()[at..]))
}

#[inline(always)]
fn store<S: Simd, F: Real, const N: usize>(vectors: [Native<S, F>; N], arrays: &mut [&mut [F]; N], at: usize) {
    for i in 0..N {
        vectors[i].store(&mut arrays[i][at..]);
    }
}

/// Copies the entries into arrays as long as a vector, and the results back.
#[inline(always)]
fn less_than_a_vector<S: Simd, F: Real, P: Formula<OUT, IN>, const OUT: usize, const IN: usize>(
    s: S,
    formula: P,
    mut out: [&mut [F]; OUT],
    input: [&[F]; IN],
) {
    let mut copies = [[F::zero(); LONGEST]; OUT];
    let mut inputs = [[F::zero(); LONGEST]; IN];
    for i in 0..out[0].len() {
        (0..OUT).for_each(|o| copies[o][i] = out[o][i]);
        (0..IN).for_each(|o| inputs[o][i] = input[o][i]);
    }
    let results = formula.at(load(s, &copies, 0), load(s, &inputs, 0));
    store(results, &mut copies.each_mut().map(|copy| &mut copy[..]), 0);
    for i in 0..out[0].len() {
        (0..OUT).for_each(|o| out[o][i] = copies[o][i]);
    }
}

/// a ← a + b
#[derive(Clone, Copy)]
pub(super) struct Sum;

impl Formula<1, 1> for Sum {
    #[inline(always)]
    fn at<N: Number>(self, [a]: [N; 1], [b]: [N; 1]) -> [N; 1] {
        [a + b]
    }
}

/// Whether all of these numbers are finite.
pub(super) struct AllFinite<'a, F> {
    pub(super) numbers: &'a [F],
    pub(super) finite: &'a mut bool,
}

impl<F: Real> Work for AllFinite<'_, F> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // 0·x is 0 for a finite x, else NaN; so the sum of these products is 0 or NaN.
        let zero = Native::<S, F>::splat(s, F::zero());
        let (mut sums, mut vectors) = ([zero; 4], self.numbers.chunks_exact(4 * Native::<S, F>::LEN));
        for four in &mut vectors {
            for v in 0..4 {
                let x = Native::<S, F>::load(s, &four[v * Native::<S, F>::LEN..]);
                sums[v] = x.mul_add(zero, sums[v]);
            }
        }
        let mut lanes = [F::zero(); LONGEST];
        ((sums[0] + sums[1]) + (sums[2] + sums[3])).store(&mut lanes);
        *self.finite = lanes.iter().chain(vectors.remainder()).all(|x| x.is_finite());
    }
}
