//! e^x for x ≤ 0, which is all that the activations need.
//!
//! With n = round(x / ln 2) and r = x − n ln 2, |r| ≤ ½ ln 2:
//!
//! ```text
//! e^x = 2ⁿ · e^r = 2ⁿ · (1 + r + r²/2! + r³/3! + …)
//! ```
//!
//! The series ends where the next term is below an eighth of a unit in the last place (r⁷ for `f32`, r¹³ for `f64`).
//! There is no branch and no table. The error is at most 1.1 units in the last place in `f32`, 1.6 in `f64`, subnormal
//! results included. Without fused multiplication the bits differ, and the bounds still hold.

use super::Number;

/// The constants of the exponential for a number type.
pub trait Constants: Sized + 'static {
    const LOG2_E: Self;
    /// The leading bits of ln 2, so few that n times them is exact for every n that occurs.
    const LN_2_HIGH: Self;
    /// ln 2 less `LN_2_HIGH`.
    const LN_2_LOW: Self;
    /// 1.5 times the power of two at which neighbouring numbers are 1 apart: added to a number and subtracted again, it
    /// rounds to a whole number.
    const ROUND: Self;
    /// `ROUND` plus the bias of the exponent field: added to a whole number n, the sum's last bits are the exponent
    /// field of 2ⁿ.
    const ROUND_AND_BIAS: Self;
    const MANTISSA_BITS: u32;
    /// Below it e^x rounds to 0.
    const UNDERFLOW: Self;
    /// The exponent of the smallest normal number.
    const LEAST_EXPONENT: Self;
    /// 1/k! for (e^r − 1 − r)/r², highest first.
    const SERIES: &'static [Self];
}

impl Constants for f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const ROUND: f32 = 1.5 * 8_388_608.0;
    const ROUND_AND_BIAS: f32 = Self::ROUND + 127.0;
    const MANTISSA_BITS: u32 = 23;
    const UNDERFLOW: f32 = -104.5;
    const LEAST_EXPONENT: f32 = -126.0;
    const SERIES: &[f32] = &[1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
}

impl Constants for f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const ROUND: f64 = 1.5 * 4_503_599_627_370_496.0;
    const ROUND_AND_BIAS: f64 = Self::ROUND + 1023.0;
    const MANTISSA_BITS: u32 = 52;
    const UNDERFLOW: f64 = -746.0;
    const LEAST_EXPONENT: f64 = -1022.0;
    const SERIES: &[f64] = &[
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
}

/// e^x and e^x − 1 for x ≤ 0; the latter keeps its digits where it is small.
#[inline(always)]
pub(super) fn exp_and_exp_m1<N: Number>(x: N) -> (N, N) {
    let of = |c| x.real(c);
    // Below this, e^x rounds to 0. A NaN is not less than any number, so it stays a NaN.
    let x = x.if_less(of(N::Real::UNDERFLOW), of(N::Real::UNDERFLOW), x);
    let n = x.mul_add(of(N::Real::LOG2_E), of(N::Real::ROUND)) - of(N::Real::ROUND);
    // ln 2 in two parts, the first so short that n times it is exact.
    let r = n.mul_add(of(-N::Real::LN_2_LOW), n.mul_add(of(-N::Real::LN_2_HIGH), x));
    let mut series = of(N::Real::SERIES[0]);
    for &coefficient in &N::Real::SERIES[1..] {
        series = series.mul_add(r, of(coefficient));
    }
    let p = (r * r).mul_add(series, r); // e^r − 1
    // 2ⁿ in two factors: it may be below the smallest normal number when the product is not.
    let normal = n.if_less(of(N::Real::LEAST_EXPONENT), of(N::Real::LEAST_EXPONENT), n);
    let (scale, rest) = (normal.exp2(), (n - normal).exp2());
    let one = x.constant(1.0);
    let exp = (one + p) * scale * rest;
    let scale = scale * rest;
    (exp, scale.mul_add(p, scale - one))
}
