//! Vectors of numbers, and `run`: one piece of work, compiled for each kind of vector, done with the widest that the
//! processor has. `fearless_simd` knows the instructions; this file gives its vectors the interface of a [`Number`].

use super::{Number, exponential};
use crate::real::Real;
use fearless_simd::{Level, Simd, SimdFloatElement, prelude::*};
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::OnceLock;

/// Work that is compiled once for each kind of vector. Everything that it calls has to be `#[inline(always)]`, or it is
/// compiled for any processor.
pub(super) trait Work {
    fn run<S: Simd>(self, s: S);
}

/// Does the work, as a function compiled for the vectors of [`level`].
#[inline(always)]
pub(super) fn run(work: impl Work) {
    choose(Vectorized(work));
}

/// The same for work that only chooses among functions compiled for these vectors. On x86-64 three of the four levels
/// are compiled.
#[inline(always)]
pub(super) fn choose(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    match level() {
        Level::Avx512(s) => work.run(s),
        Level::Avx2(s) => work.run(s),
        other => work.run(other.as_sse2().expect("every x86-64 processor has SSE2")),
    }
    #[cfg(not(target_arch = "x86_64"))]
    fearless_simd::dispatch!(level(), s => work.run(s));
}

struct Vectorized<W>(W);

impl<W: Work> Work for Vectorized<W> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        s.vectorize(
            #[inline(always)]
            || self.0.run(s),
        );
    }
}

/// The widest vectors of this processor, or the narrower ones that `CHAINRULE_VECTORS` names: `sse2` or `avx2`.
#[inline(always)]
pub(super) fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let widest = Level::new();
        #[cfg(target_arch = "x86_64")]
        return match std::env::var("CHAINRULE_VECTORS").as_deref() {
            Ok("sse2") => widest.as_sse2().map_or(widest, Level::Sse2),
            Ok("avx2") => widest.as_avx2().map_or(widest, Level::Avx2),
            _ => widest,
        };
        #[cfg(not(target_arch = "x86_64"))]
        widest
    })
}

/// A vector of `fearless_simd`. With `SHORT`, slices may be shorter than it.
#[derive(Clone, Copy)]
pub(super) struct Vector<S, V, const SHORT: bool>(S, V);

/// The widest vector.
pub(super) type Native<S, F> = Vector<S, <F as SimdFloatElement>::Native<S>, false>;
/// 64 bytes, on every processor; 32; and 16.
pub(super) type Wide<S, F> = Vector<S, <F as Widths>::Wide<S>, false>;
pub(super) type Half<S, F> = Vector<S, <F as Widths>::Half<S>, false>;
pub(super) type Quarter<S, F> = Vector<S, <F as Widths>::Quarter<S>, false>;
/// For rows shorter than 16 bytes.
pub(super) type Short<S, F> = Vector<S, <F as Widths>::Quarter<S>, true>;

/// The vectors of a number type that have as many lanes on every processor.
pub trait Widths: SimdFloatElement {
    type Wide<S: Simd>: SimdFloat<S, Element = Self>;
    type Half<S: Simd>: SimdFloat<S, Element = Self>;
    type Quarter<S: Simd>: SimdFloat<S, Element = Self>;
    fn fold<S: Simd>(wide: Self::Wide<S>) -> Self::Quarter<S>;
}

macro_rules! widths {
    ($number:ty: $wide:ident, $half:ident, $quarter:ident) => {
        impl Widths for $number {
            type Wide<S: Simd> = fearless_simd::$wide<S>;
            type Half<S: Simd> = fearless_simd::$half<S>;
            type Quarter<S: Simd> = fearless_simd::$quarter<S>;

            #[inline(always)]
            fn fold<S: Simd>(wide: Self::Wide<S>) -> Self::Quarter<S> {
                let (low, high) = wide.split();
                let (low, high) = (low + high).split();
                low + high
            }
        }
    };
}

widths!(f32: f32x16, f32x8, f32x4);
widths!(f64: f64x8, f64x4, f64x2);

/// Adds lanes that are half a vector apart, twice.
#[inline(always)]
pub(super) fn fold<S: Simd, F: Real>(wide: Wide<S, F>) -> Quarter<S, F> {
    Vector(wide.0, F::fold(wide.1))
}

/// Lanes of the longest vector that there is.
pub(super) const LONGEST: usize = 16;

/// A [`Number`] that is read from slices and written to them, `LEN` entries at once.
pub(super) trait Lanes<S: Simd, F>: Number<Real = F> {
    const LEN: usize;
    /// Whether a slice may be shorter than that: what is missing is read as 0, and not written.
    const SHORT: bool;
    fn splat(s: S, x: F) -> Self;
    fn load(s: S, from: &[F]) -> Self;
    fn store(self, to: &mut [F]);
    /// Entries of both in turns: the lower halves, and the upper ones.
    fn zip(self, other: Self) -> (Self, Self);
    /// The even entries of both, and the odd ones.
    fn unzip(self, other: Self) -> (Self, Self);
}

impl<S: Simd, V: SimdFloat<S>, const SHORT: bool> Lanes<S, V::Element> for Vector<S, V, SHORT>
where
    V::Element: Real,
{
    const LEN: usize = V::LEN;
    const SHORT: bool = SHORT;

    #[inline(always)]
    fn splat(s: S, x: V::Element) -> Self {
        Vector(s, V::splat(s, x))
    }

    #[inline(always)]
    fn load(s: S, from: &[V::Element]) -> Self {
        if !SHORT || from.len() >= V::LEN {
            return Vector(s, V::from_slice(s, &from[..V::LEN]));
        }
        let mut lanes = [V::Element::default(); LONGEST];
        // Not by `copy_from_slice`, a call that would clear the registers.
        for lane in 0..V::LEN {
            lanes[lane] = if lane < from.len() { from[lane] } else { V::Element::default() };
        }
        Vector(s, V::from_slice(s, &lanes[..V::LEN]))
    }

    #[inline(always)]
    fn store(self, to: &mut [V::Element]) {
        if !SHORT {
            return self.1.store_slice(&mut to[..V::LEN]);
        }
        let mut lanes = [V::Element::default(); LONGEST];
        self.1.store_slice(&mut lanes[..V::LEN]);
        for lane in 0..V::LEN {
            if lane < to.len() {
                to[lane] = lanes[lane];
            }
        }
    }

    #[inline(always)]
    fn zip(self, other: Self) -> (Self, Self) {
        (Vector(self.0, self.1.zip_low(other.1)), Vector(self.0, self.1.zip_high(other.1)))
    }

    #[inline(always)]
    fn unzip(self, other: Self) -> (Self, Self) {
        (Vector(self.0, self.1.unzip_low(other.1)), Vector(self.0, self.1.unzip_high(other.1)))
    }
}

impl<S: Simd, V: SimdFloat<S>, const SHORT: bool> Number for Vector<S, V, SHORT>
where
    V::Element: Real,
{
    type Real = V::Element;

    #[inline(always)]
    fn real(self, x: V::Element) -> Self {
        Vector(self.0, V::splat(self.0, x))
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Vector(self.0, self.1.mul_add(b.1, c.1))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Vector(self.0, self.1.abs())
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Vector(self.0, self.1.sqrt())
    }

    #[inline(always)]
    fn if_less(self, bound: Self, yes: Self, no: Self) -> Self {
        Vector(self.0, self.1.simd_lt(bound.1).select(yes.1, no.1))
    }

    #[inline(always)]
    fn exp2(self) -> Self {
        let biased = self.1 + <V::Element as exponential::Constants>::ROUND_AND_BIAS;
        Vector(self.0, V::from_bits(biased.to_bits() << <V::Element as exponential::Constants>::MANTISSA_BITS))
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident),*) => {$(
        impl<S: Simd, V: SimdFloat<S>, const SHORT: bool> $operator for Vector<S, V, SHORT> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Vector(self.0, self.1.$method(other.1))
            }
        }
    )*};
}

operators!(Add add, Sub sub, Mul mul, Div div);

impl<S: Simd, V: SimdFloat<S>, const SHORT: bool> Neg for Vector<S, V, SHORT> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Vector(self.0, -self.1)
    }
}
