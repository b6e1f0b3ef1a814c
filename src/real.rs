//! `Real`: the two number types that the crate computes in, `f32` and `f64`.
//!
//! This is the only bound used anywhere else, and the only file that turns counts into numbers to compute with, or `f32`
//! into `f64` and back. The code that the tests check in `f64` is therefore the code that runs in `f32`. At its end, the numbers of
//! an array as a slice, row after row.

use ndarray::{ArrayRef, Dimension, NdFloat};
pub(crate) use sealed::Products;

mod sealed {
    use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};
    use std::cell::Cell;
    use std::thread::LocalKey;

    /// The products of `matmul.rs`. As functions of a number type they are compiled with this crate, once; generic ones would
    /// be compiled with every program that uses it, and by that program's settings.
    pub trait Products: Sized {
        fn product(a: ArrayView2<'_, Self>, b: ArrayView2<'_, Self>, c: ArrayViewMut2<'_, Self>);

        fn product_plus_row(
            a: ArrayView2<'_, Self>,
            b: ArrayView2<'_, Self>,
            row: ArrayView1<'_, Self>,
            c: ArrayViewMut2<'_, Self>,
            spare: ArrayViewMut2<'_, Self>,
        );

        /// One row of `product_plus_row`.
        fn row_times_matrix(a: &[Self], b: &[Self], start: &[Self], c: &mut [Self]);

        fn row_times_transpose(a: &[Self], b: &[Self], c: &mut [Self]);

        fn add_outer_product(factor: Self, a: &[Self], b: &[Self], c: &mut [Self], row: &mut [Self]);

        fn column_sums(a: &[Self], sums: &mut [Self]);

        /// What the thread keeps for copies of parts of the factors.
        fn room() -> &'static LocalKey<Cell<Vec<Self>>>;
    }

    /// What `elementary.rs` needs to know of a number type; its being private seals [`Real`](super::Real).
    pub trait Exponential: Sized + 'static {
        const LOG2_E: Self;
        /// The leading bits of ln 2, so few that n times them is exact for every n that occurs.
        const LN_2_HIGH: Self;
        /// ln 2 less `LN_2_HIGH`.
        const LN_2_LOW: Self;
        /// 1.5 times the power of two at which neighbouring numbers are 1 apart.
        const ROUND: Self;
        /// Below it e^x rounds to 0.
        const EXP_UNDERFLOW: Self;
        /// The exponent of the smallest normal number.
        const LEAST_EXPONENT: Self;
        /// 1/k! for (e^r − 1 − r)/r², highest first.
        const EXP_SERIES: &'static [Self];

        /// 2ⁿ for a whole number n with 2ⁿ normal.
        fn exp2_of_integer(self) -> Self;
    }
}

/// A real number as the crate computes with it: `f32` or `f64`, nothing else.
///
/// ```
/// use chainrule::Real;
///
/// fn half<F: Real>() -> F {
///     F::from_f64(0.5)
/// }
/// assert_eq!(half::<f32>(), 0.5);
/// ```
pub trait Real: sealed::Exponential + sealed::Products + NdFloat + Default + std::iter::Sum {
    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;

    /// The same number as `f64`; exact for both types.
    fn f64(self) -> f64;
}

impl sealed::Exponential for f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const ROUND: f32 = 1.5 * 8_388_608.0;
    const EXP_UNDERFLOW: f32 = -104.5;
    const LEAST_EXPONENT: f32 = -126.0;
    const EXP_SERIES: &[f32] = &[1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];

    #[inline(always)]
    fn exp2_of_integer(self) -> f32 {
        // The sum's last bits are n + 127, which is the exponent field of 2ⁿ.
        f32::from_bits((self + (Self::ROUND + 127.0)).to_bits() << 23)
    }
}

impl sealed::Exponential for f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const ROUND: f64 = 1.5 * 4_503_599_627_370_496.0;
    const EXP_UNDERFLOW: f64 = -746.0;
    const LEAST_EXPONENT: f64 = -1022.0;
    const EXP_SERIES: &[f64] = &[
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];

    #[inline(always)]
    fn exp2_of_integer(self) -> f64 {
        // The sum's last bits are n + 1023, which is the exponent field of 2ⁿ.
        f64::from_bits((self + (Self::ROUND + 1023.0)).to_bits() << 52)
    }
}

impl Real for f32 {
    fn from_f64(x: f64) -> Self {
        x as f32
    }
    fn f64(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }
    fn f64(self) -> f64 {
        self
    }
}

/// A count as a number, for means and rates; exact up to 2⁵³.
pub(crate) fn count(n: usize) -> f64 {
    n as f64
}

/// The nearest count to a number that is not negative; halves go up.
pub(crate) fn nearest_count(x: f64) -> usize {
    x.round() as usize
}

/// A count as a generator's word.
pub(crate) fn word(n: usize) -> u64 {
    n as u64
}

/// Why an array has a slice.
pub(crate) const ROW_MAJOR: &str = "batches, parameters, and what a pass computes, are row-major";

/// The entries of a row-major array, row after row; of any other it panics.
pub(crate) fn entries<F, D: Dimension>(array: &ArrayRef<F, D>) -> &[F] {
    array.as_slice().expect(ROW_MAJOR)
}

/// The same, to be changed.
pub(crate) fn entries_mut<F, D: Dimension>(array: &mut ArrayRef<F, D>) -> &mut [F] {
    array.as_slice_mut().expect(ROW_MAJOR)
}
