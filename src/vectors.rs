//! `run`: a loop compiled for the widest vector instructions that this processor has.
//!
//! A build that has to run on any x86-64 may use vectors of four `f32` only; nearly all processors of today have vectors
//! of eight or sixteen, and an instruction for a·b + c, which is up to eight times as much. So a [`Loop`] is compiled for
//! each of the three, and the processor decides when it runs. The loops themselves are plain Rust, for the compiler to
//! turn into such instructions.

use crate::real::Real;

/// What a loop may count on, while it is compiled.
pub(crate) trait Vectors {
    /// Whether a·b + c is one instruction, which rounds once instead of twice.
    const FUSED: bool;
    /// Bytes of a vector.
    const BYTES: usize;
    /// How many vectors wide four rows of sums may be, to stay in the registers beside a row of B and an entry of A. (Of 16
    /// registers, three vectors would take every one, and the compiler then kept one of the sums in memory: the step of
    /// 784-800-10 took 1.8 times as long on an EPYC 7003.)
    const IN_ROW: usize;
}

/// a · b + c
#[inline(always)]
pub(crate) fn times_plus<V: Vectors, F: Real>(a: F, b: F, c: F) -> F {
    if V::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// A loop, whose body has to be `#[inline(always)]` down to its last call: what is not inlined is compiled for any
/// processor. So it has no iterators that take a closure, such as `for_each`, whose own loops may stay apart.
pub(crate) trait Loop {
    fn run<V: Vectors>(self);
}

/// Whether all of these numbers are finite.
pub(crate) fn all_finite<F: Real>(numbers: &[F]) -> bool {
    let mut finite = true;
    run(AllFinite { numbers, finite: &mut finite });
    finite
}

struct AllFinite<'a, F> {
    numbers: &'a [F],
    finite: &'a mut bool,
}

impl<F: Real> Loop for AllFinite<'_, F> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let mut finite = true;
        for x in self.numbers {
            finite &= x.is_finite(); // `&`, not `&&`: without an early exit the loop is vectorised
        }
        *self.finite = finite;
    }
}

/// What every processor of the target has.
struct Target;

impl Vectors for Target {
    const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
    const BYTES: usize = match () {
        _ if cfg!(target_feature = "avx512f") => 64,
        _ if cfg!(target_feature = "avx") => 32,
        _ => 16,
    };
    const IN_ROW: usize = match () {
        _ if cfg!(any(target_feature = "avx512f", target_arch = "aarch64")) => 4,
        _ => 2,
    };
}

/// Runs a loop.
#[inline(always)]
pub(crate) fn run(work: impl Loop) {
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    return x86_64::run(work);
    #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
    work.run::<Target>();
}

#[cfg(all(feature = "simd", target_arch = "x86_64"))]
mod x86_64 {
    use super::{Loop, Target, Vectors};

    struct Avx2;

    impl Vectors for Avx2 {
        const FUSED: bool = true;
        const BYTES: usize = 32;
        const IN_ROW: usize = 2; // of 16 registers
    }

    struct Avx512;

    impl Vectors for Avx512 {
        const FUSED: bool = true;
        const BYTES: usize = 64;
        const IN_ROW: usize = 4; // of 32 registers
    }

    // Not inlined into its callers, because what it compiles is large.
    #[inline(never)]
    fn run_target(work: impl Loop) {
        work.run::<Target>();
    }

    #[target_feature(enable = "avx2,fma")]
    fn run_avx2(work: impl Loop) {
        work.run::<Avx2>();
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn run_avx512(work: impl Loop) {
        work.run::<Avx512>();
    }

    #[allow(unsafe_code)] // the only function of the crate that has any
    #[inline(always)]
    pub(super) fn run(work: impl Loop) {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the functions are safe but for their instructions, which this processor has just said it has.
            unsafe { run_avx512(work) }
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            unsafe { run_avx2(work) }
        } else {
            run_target(work);
        }
    }
}
