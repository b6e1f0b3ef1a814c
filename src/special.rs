//! Functions that activations need besides the exponential, as formulas over [`Number`]: ln(1 + x), and the tail of the
//! normal distribution.

use crate::kernels::Number;

/// ln(1 + x) for 0 ≤ x ≤ 1, exact to the last digits also where x is small.
///
/// With s = x / (2 + x), which is at most 1/3, 1 + x is (1 + s) / (1 − s), whose logarithm has the series
/// 2 (s + s³/3 + s⁵/5 + …).
#[inline(always)]
pub(crate) fn ln_1p<N: Number>(x: N) -> N {
    let two = x.constant(2.0);
    // s comes from 2s, because half of the smallest x would be 0.
    let two_s = (x + x) / (two + x);
    let s = two_s * x.constant(0.5);
    let square = s * s;
    let mut series = x.constant(LOGARITHM[0]);
    for &coefficient in &LOGARITHM[1..] {
        series = series.mul_add(square, x.constant(coefficient));
    }
    two_s * series
}

/// 1/(2j + 1), highest first. The next term is below a unit in the last place of `f64`.
const LOGARITHM: [f64; 17] = {
    let mut coefficients = [0.0; 17];
    let (mut i, mut odd) = (17, 1.0);
    while i > 0 {
        i -= 1;
        coefficients[i] = 1.0 / odd;
        odd += 2.0;
    }
    coefficients
};

/// Φ(−|z|), the probability that a standard normal number exceeds |z|; and e^(−z²/2), its density at z times √(2π).
///
/// The tail is e^(−z²/2) t g(t) with t = 5 / (5 + |z|), where g hardly varies between 0 and 1. The polynomial in
/// 2t − 1 is g's Chebyshev interpolation of degree 21, computed with 50 digits; its error is below 2·10⁻¹⁷.
#[inline(always)]
pub(crate) fn normal_tail<N: Number>(z: N) -> (N, N) {
    let (one, five) = (z.constant(1.0), z.constant(5.0));
    let density = (z * z * z.constant(-0.5)).exp();
    let t = five / (five + z.abs());
    let u = t + t - one;
    let mut g = z.constant(TAIL[0]);
    for &coefficient in &TAIL[1..] {
        g = g.mul_add(u, z.constant(coefficient));
    }
    (density * t * g, density)
}

/// Highest power first.
pub(crate) const TAIL: [f64; 22] = [
    -1.011_859_497_593_339_1e-10,
    9.910_260_041_502_261e-10,
    1.005_446_386_193_396_4e-9,
    -1.143_140_079_877_375_6e-8,
    -7.168_909_312_174_32e-9,
    8.394_135_902_952_392e-8,
    6.622_057_088_663_622e-8,
    -5.514_807_821_171_256e-7,
    -7.955_876_524_686_853e-7,
    3.334_942_057_572_293e-6,
    9.952_356_748_037_579e-6,
    -1.187_469_537_455_113_8e-5,
    -0.000_108_979_766_951_371_92,
    -0.000_159_573_976_040_692_6,
    0.000_598_675_347_787_194_6,
    0.004_159_013_371_958_206,
    0.013_823_727_741_748_365,
    0.033_004_073_233_313_946,
    0.062_706_631_334_243_44,
    0.099_061_123_194_014_22,
    0.133_076_500_578_011_54,
    0.153_838_609_950_012_5,
];
