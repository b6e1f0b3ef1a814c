//! `Real`: the two number types that the crate computes in, `f32` and `f64`.
//!
//! This is the only bound used anywhere else, and the only file that converts between numbers. The code
//! that the tests check in `f64` is therefore the code that runs in `f32`.

use ndarray::NdFloat;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
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
pub trait Real: sealed::Sealed + NdFloat + std::iter::Sum {
    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;

    /// The same number as `f64`; exact for both types.
    fn f64(self) -> f64;
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

/// The name of a number type.
#[cfg(feature = "safetensors")]
pub(crate) fn name<F: Real>() -> &'static str {
    if size_of::<F>() == size_of::<f32>() { "f32" } else { "f64" }
}

/// Appends a number as it stands in a file: little-endian, four bytes or eight.
#[cfg(feature = "safetensors")]
pub(crate) fn write_le<F: Real>(x: F, bytes: &mut Vec<u8>) {
    match name::<F>() {
        "f32" => bytes.extend((x.f64() as f32).to_le_bytes()),
        _ => bytes.extend(x.f64().to_le_bytes()),
    }
}
