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
    /// How many vectors wide the sums of a tile may be, to stay in the registers beside a row of B and an entry of A. (Of 16
    /// registers, four rows of three vectors would take every one, and the compiler then kept one of the sums in memory: the
    /// step of 784-800-10 took 1.8 times as long on an EPYC 7003.)
    const IN_ROW: usize;
    /// Rows of a tile in a large product, 4 or 5.
    const ROWS: usize;

    /// Runs a loop as a function of its own, which has the registers to itself and waits for nothing that another needs.
    fn apart(work: impl Loop);
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

/// Work that is done by one of several loops, or by some of them in turn; by which may depend on the vectors.
///
/// Were all of them one function, each would wait for what the compiler computes ahead for any of them. (F1 of one example of
/// 2-25-50-25-2 took 115 instructions more for a layer, and the step 1.05 times as long on an EPYC 7003.)
pub(crate) trait Choice {
    /// Runs them, each [`apart`](Vectors::apart). It is itself compiled for any processor, so it only decides, and computes nothing.
    fn choose<V: Vectors>(self);
}

impl<L: Loop> Choice for L {
    #[inline(always)]
    fn choose<V: Vectors>(self) {
        V::apart(self);
    }
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
    const ROWS: usize = if cfg!(all(target_feature = "avx", not(target_feature = "avx512f"))) { 5 } else { 4 };

    #[inline(never)]
    fn apart(work: impl Loop) {
        work.run::<Target>();
    }
}

/// Runs a loop, or those that are chosen.
#[inline(always)]
pub(crate) fn run(work: impl Choice) {
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    return x86_64::run(work);
    #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
    work.choose::<Target>();
}

#[cfg(all(feature = "simd", target_arch = "x86_64"))]
mod x86_64 {
    use super::{Choice, Loop, Target, Vectors};
    use std::sync::OnceLock;

    // The only unsafe code of the crate is in `apart` of these two. What it calls is safe but for its instructions. `run` alone names
    // these types, when the processor has said that it has these; all other code has its V from there.

    struct Avx2;

    impl Vectors for Avx2 {
        const FUSED: bool = true;
        const BYTES: usize = 32;
        const IN_ROW: usize = 2; // of 16 registers
        const ROWS: usize = 5;

        #[allow(unsafe_code)]
        #[inline(always)]
        fn apart(work: impl Loop) {
            // SAFETY: as above.
            unsafe { run_avx2(work) }
        }
    }

    struct Avx512;

    impl Vectors for Avx512 {
        const FUSED: bool = true;
        const BYTES: usize = 64;
        const IN_ROW: usize = 4; // of 32 registers
        const ROWS: usize = 4;

        #[allow(unsafe_code)]
        #[inline(always)]
        fn apart(work: impl Loop) {
            // SAFETY: as above.
            unsafe { run_avx512(work) }
        }
    }

    #[inline(never)]
    #[target_feature(enable = "avx2,fma")]
    fn run_avx2(work: impl Loop) {
        work.run::<Avx2>();
    }

    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn run_avx512(work: impl Loop) {
        work.run::<Avx512>();
    }

    /// The widest vectors of this processor. It is asked for its features once: to look each of them up again took a
    /// fiftieth of the time of one example of 2-25-50-25-2, and of 40 of 1-8-5-3-1.
    enum Widest {
        Avx512,
        Avx2,
        Target,
    }

    static WIDEST: OnceLock<Widest> = OnceLock::new();

    fn widest() -> Widest {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            Widest::Avx512
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            Widest::Avx2
        } else {
            Widest::Target
        }
    }

    #[inline(always)]
    pub(super) fn run(work: impl Choice) {
        match WIDEST.get_or_init(widest) {
            Widest::Avx512 => work.choose::<Avx512>(),
            Widest::Avx2 => work.choose::<Avx2>(),
            Widest::Target => work.choose::<Target>(),
        }
    }
}
