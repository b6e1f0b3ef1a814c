//! `Activation`: each f with its derivative beside it.
//!
//! ```text
//!            f                                f′, from z and a = f(z)
//! identity   (A1) a = z                       (D1) 1
//! sigmoid    (A2) a = 1 / (1 + e⁻ᶻ)           (D2) a (1 − a)
//! tanh       (A3) a = tanh z                  (D3) 1 − a²
//! ReLU       (A4) a = max(0, z)               (D4) 1 where z > 0, else 0
//! softmax    (A5) aᵢ = eᶻⁱ / Σⱼ eᶻʲ           (D5) ∂aᵢ/∂zⱼ = aᵢ (δᵢⱼ − aⱼ)
//! leaky ReLU (A6) a = z where z > 0, else 0.01 z     (D6) 1 where z > 0, else 0.01
//! ELU        (A7) a = z where z > 0, else eᶻ − 1     (D7) 1 where z > 0, else eᶻ
//! softplus   (A8) a = ln(1 + eᶻ)                     (D8) σ(z)
//! SiLU       (A9) a = z σ(z)                         (D9) σ(z) (1 + z (1 − σ(z)))
//! GELU       (A10) a = z Φ(z)                        (D10) Φ(z) + z φ(z)
//! ```
//!
//! σ is the sigmoid, Φ the distribution function of the standard normal distribution, φ its density.
//!
//! Softmax mixes the units of a row, so its derivative is a matrix. That is why an activation acts on whole batches
//! `[n, units]` here and not on single numbers: for the others, B3 multiplies each entry by a slope; for softmax it
//! multiplies each row by the Jacobian D5.
//!
//! The formulas are written once, over [`Number`]: a single number, or a whole vector of them.
//!
//! Derivation: chapter 5, `derivation/05-activations.md`. From above: `Real`, [`each`] of the kernels, `Init`, and the
//! two functions of `special.rs`.

use crate::init::Init;
use crate::kernels::{Formula, Number, each};
use crate::real::Real;
use crate::special::{ln_1p, normal_tail};

/// The function f that a layer puts on its pre-activations: A = f(Z).
///
/// [`Softmax`](Activation::Softmax) acts on each row as a whole, the others on each entry. All are finite at any
/// finite pre-activation, and pass a NaN on.
///
/// ```
/// use chainrule::{Activation, Layer, Network, ndarray::array};
///
/// // One layer with W = I and b = 0 shows the function itself.
/// let layer = Layer::new(array![[1.0, 0.0], [0.0, 1.0]], array![0.0, 0.0], Activation::Softmax)?;
/// let a = Network::from_layers(vec![layer])?.predict(array![[0.0, 3.0_f64.ln()]].view())?;
/// assert!((a[[0, 0]] - 0.25).abs() < 1e-15 && (a[[0, 1]] - 0.75).abs() < 1e-15);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Activation {
    /// a = z: for regression outputs, with [`Loss::MeanSquaredError`](crate::Loss::MeanSquaredError).
    Identity,
    /// a = 1 / (1 + e⁻ᶻ), between 0 and 1: for yes-or-no outputs, with
    /// [`Loss::BinaryCrossEntropy`](crate::Loss::BinaryCrossEntropy).
    Sigmoid,
    /// a = tanh z, between −1 and 1.
    Tanh,
    /// a = max(0, z), with slope 0 at z = 0.
    Relu,
    /// aᵢ = eᶻⁱ / Σⱼ eᶻʲ, a distribution over the units of a row: for one class out of several, with
    /// [`Loss::CrossEntropy`](crate::Loss::CrossEntropy). Needs two units or more.
    Softmax,
    /// a = z where z > 0, else 0.01 z: a ReLU that never goes off for good (Maas, Hannun & Ng 2013).
    LeakyRelu,
    /// a = z where z > 0, else eᶻ − 1 (Clevert, Unterthiner & Hochreiter 2016, with α = 1).
    Elu,
    /// a = ln(1 + eᶻ), a smooth ReLU (Dugas et al. 2001).
    Softplus,
    /// a = z σ(z), also called swish (Hendrycks & Gimpel 2016; Ramachandran, Zoph & Le 2017).
    Silu,
    /// a = z Φ(z), with Φ the standard normal distribution function itself, not its approximation by tanh (Hendrycks &
    /// Gimpel 2016).
    Gelu,
    /// A function of your own, entry by entry, computed in `f64`. The [gradient check](crate::gradient_check())
    /// tells whether `slope` is the derivative of `f`.
    ///
    /// ```
    /// use chainrule::Activation;
    ///
    /// // a = z / (1 + |z|), whose slope is (1 − |a|)²
    /// let softsign = Activation::Custom {
    ///     name: "softsign",
    ///     f: |z| z / (1.0 + z.abs()),
    ///     slope: |_z, a| (1.0 - a.abs()) * (1.0 - a.abs()),
    /// };
    /// assert_eq!(softsign.name(), "softsign");
    /// ```
    Custom {
        /// What it is called, in errors and in files; two custom activations are equal when their names are.
        name: &'static str,
        /// a = f(z).
        f: fn(f64) -> f64,
        /// (z, a) ↦ f′(z), where a = f(z) saves computing it again.
        slope: fn(f64, f64) -> f64,
    },
}

/// An activation that acts on each entry: f, and its derivative from z and a = f(z).
trait Elementwise: Copy + Send + Sync {
    fn f<N: Number>(self, z: N) -> N;
    fn slope<N: Number>(self, z: N, a: N) -> N;
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl Elementwise for Sigmoid {
    /// σ(z) = 1 / (1 + e⁻ᶻ), for z < 0 as eᶻ / (1 + eᶻ): the exponential is at most 1 and cannot overflow.
    #[inline(always)]
    fn f<N: Number>(self, z: N) -> N {
        let (one, zero) = (z.constant(1.0), z.constant(0.0));
        let e = (-z.abs()).exp();
        z.if_less(zero, e, one) / (one + e) // (A2)
    }

    #[inline(always)]
    fn slope<N: Number>(self, _: N, a: N) -> N {
        a * (a.constant(1.0) - a) // (D2)
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl Elementwise for Tanh {
    /// From e = e⁻²ᶻ for z ≥ 0, and tanh(−z) = −tanh z. Near 0 as (1 − e) / (1 + e), with e − 1 computed at once, which
    /// keeps the digits of a small z; further out as 1 − 2e / (1 + e), which keeps those of 1 − tanh z.
    #[inline(always)]
    fn f<N: Number>(self, z: N) -> N {
        let (zero, one) = (z.constant(0.0), z.constant(1.0));
        let x = -(z.abs() + z.abs());
        let (e, e_minus_1) = (x.exp(), x.exp_m1());
        let far = x.if_less(-one, one, zero); // 1 where x < −1, else 0
        let numerator = far.if_less(one, -e_minus_1, e + e);
        let quotient = numerator / (one + one + e_minus_1);
        let t = far.if_less(one, quotient, one - quotient);
        z.if_less(zero, -t, t) // (A3)
    }

    #[inline(always)]
    fn slope<N: Number>(self, _: N, a: N) -> N {
        a.constant(1.0) - a * a // (D3)
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl Elementwise for Relu {
    /// Written so that a NaN stays a NaN; a maximum could turn it into 0.
    #[inline(always)]
    fn f<N: Number>(self, z: N) -> N {
        z.if_less(z.constant(0.0), z.constant(0.0), z) // (A4)
    }

    #[inline(always)]
    fn slope<N: Number>(self, z: N, _: N) -> N {
        z.constant(0.0).if_less(z, z.constant(1.0), z.constant(0.0)) // (D4)
    }
}

#[derive(Clone, Copy)]
struct LeakyRelu;

impl Elementwise for LeakyRelu {
    #[inline(always)]
    fn f<N: Number>(self, z: N) -> N {
        z.if_less(z.constant(0.0), z.constant(0.01) * z, z) // (A6)
    }

    #[inline(always)]
    fn slope<N: Number>(self, z: N, _: N) -> N {
        z.constant(0.0).if_less(z, z.constant(1.0), z.constant(0.01)) // (D6)
    }
}

#[derive(Clone, Copy)]
struct Elu;

impl Elementwise for Elu {
    #[inline(always)]
    fn f<N: Number>(self, z: N) -> N {
        let zero = z.constant(0.0);
        z.if_less(zero, (-z.abs()).exp_m1(), z) // (A7)
    }

    /// Not as a + 1, which has lost the digits of a small eᶻ.
    #[inline(always)]
    fn slope<N: Number>(self, z: N, _: N) -> N {
        z.constant(0.0).if_less(z, z.constant(1.0), (-z.abs()).exp()) // (D7)
    }
}

#[derive(Clone, Copy)]
struct Softplus;

impl Elementwise for Softplus {
    /// max(z, 0) + ln(1 + e^−|z|): the exponential is at most 1.
    #[inline(always)]
    fn f<N: Number>(self, z: N) -> N {
        let zero = z.constant(0.0);
        z.if_less(zero, zero, z) + ln_1p((-z.abs()).exp()) // (A8)
    }

    #[inline(always)]
    fn slope<N: Number>(self, z: N, _: N) -> N {
        Sigmoid.f(z) // (D8)
    }
}

#[derive(Clone, Copy)]
struct Silu;

impl Elementwise for Silu {
    #[inline(always)]
    fn f<N: Number>(self, z: N) -> N {
        z * Sigmoid.f(z) // (A9)
    }

    /// With σ(−z) for 1 − σ(z), which keeps its digits.
    #[inline(always)]
    fn slope<N: Number>(self, z: N, _: N) -> N {
        Sigmoid.f(z) * z.mul_add(Sigmoid.f(-z), z.constant(1.0)) // (D9)
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl Elementwise for Gelu {
    #[inline(always)]
    fn f<N: Number>(self, z: N) -> N {
        let (tail, _) = normal_tail(z);
        z * z.if_less(z.constant(0.0), tail, z.constant(1.0) - tail) // (A10)
    }

    #[inline(always)]
    fn slope<N: Number>(self, z: N, _: N) -> N {
        let (tail, density) = normal_tail(z);
        // φ(z) = e^(−z²/2) / √(2π)
        let phi = z.constant(0.5 * std::f64::consts::FRAC_1_SQRT_2 * std::f64::consts::FRAC_2_SQRT_PI) * density;
        z.mul_add(phi, z.if_less(z.constant(0.0), tail, z.constant(1.0) - tail)) // (D10)
    }
}

/// A = f(Z)
#[derive(Clone, Copy)]
struct Forward<E>(E);

impl<E: Elementwise> Formula<1, 1> for Forward<E> {
    #[inline(always)]
    fn at<N: Number>(self, _: [N; 1], [z]: [N; 1]) -> [N; 1] {
        [self.0.f(z)]
    }
}

/// dZ = dA ⊙ f′(Z)
#[derive(Clone, Copy)]
struct Backward<E>(E);

impl<E: Elementwise> Formula<1, 2> for Backward<E> {
    #[inline(always)]
    fn at<N: Number>(self, [da]: [N; 1], [z, a]: [N; 2]) -> [N; 1] {
        [da * self.0.slope(z, a)]
    }
}

/// e^z for z ≤ 0, in place.
#[derive(Clone, Copy)]
struct Exp;

impl Formula<1, 0> for Exp {
    #[inline(always)]
    fn at<N: Number>(self, [z]: [N; 1], []: [N; 0]) -> [N; 1] {
        [z.exp()]
    }
}

/// (A5) Numerator and denominator are divided by e^max, so that the largest exponential of a row is 1.
fn softmax<F: Real>(z: &[F], a: &mut [F], units: usize) {
    for (z, a) in z.chunks_exact(units).zip(a.chunks_exact_mut(units)) {
        let max = z.iter().fold(z[0], |max, &z| if z > max { z } else { max });
        a.iter_mut().zip(z).for_each(|(a, &z)| *a = z - max);
    }
    each(Exp, [a], []);
    for a in a.chunks_exact_mut(units) {
        let sum: F = a.iter().copied().sum();
        a.iter_mut().for_each(|a| *a /= sum); // (A5)
    }
}

/// (D5) dzⱼ = Σᵢ daᵢ aᵢ (δᵢⱼ − aⱼ) = aⱼ (daⱼ − Σᵢ aᵢ daᵢ); `dz` holds dA before and dZ after.
fn softmax_backward<F: Real>(a: &[F], dz: &mut [F], units: usize) {
    for (dz, a) in dz.chunks_exact_mut(units).zip(a.chunks_exact(units)) {
        let mean: F = dz.iter().zip(a).map(|(&da, &a)| a * da).sum(); // Σᵢ aᵢ daᵢ
        dz.iter_mut().zip(a).for_each(|(dz, &a)| *dz = a * (*dz - mean)); // (D5)
    }
}

impl Activation {
    /// The name in lower case: `identity`, `sigmoid`, `tanh`, `relu`, `softmax`, `leaky_relu`, `elu`,
    /// `softplus`, `silu`, `gelu`, or that of a custom activation.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::Softmax => "softmax",
            Activation::LeakyRelu => "leaky_relu",
            Activation::Elu => "elu",
            Activation::Softplus => "softplus",
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
            Activation::Custom { name, .. } => name,
        }
    }

    /// F2: A = f(Z). `[n, units]` each, row after row.
    pub(crate) fn forward<F: Real>(&self, z: &[F], a: &mut [F], units: usize) {
        match self {
            Activation::Identity => a.copy_from_slice(z), // (A1)
            Activation::Sigmoid => each(Forward(Sigmoid), [a], [z]),
            Activation::Tanh => each(Forward(Tanh), [a], [z]),
            Activation::Relu => each(Forward(Relu), [a], [z]),
            Activation::Softmax => softmax(z, a, units),
            Activation::LeakyRelu => each(Forward(LeakyRelu), [a], [z]),
            Activation::Elu => each(Forward(Elu), [a], [z]),
            Activation::Softplus => each(Forward(Softplus), [a], [z]),
            Activation::Silu => each(Forward(Silu), [a], [z]),
            Activation::Gelu => each(Forward(Gelu), [a], [z]),
            Activation::Custom { f, .. } => a.iter_mut().zip(z).for_each(|(a, z)| *a = F::from_f64(f(z.f64()))),
        }
    }

    /// B3: dZ = dA ⊙ f′(Z), for softmax its Jacobian times dA, in place: `dz` holds dA before and dZ after.
    /// Forward was A = f(Z), and handed over both Z and A. `[n, units]` each, row after row.
    pub(crate) fn backward<F: Real>(&self, z: &[F], a: &[F], dz: &mut [F], units: usize) {
        match self {
            Activation::Identity => {} // (D1) f′ = 1
            Activation::Sigmoid => each(Backward(Sigmoid), [dz], [z, a]),
            Activation::Tanh => each(Backward(Tanh), [dz], [z, a]),
            Activation::Relu => each(Backward(Relu), [dz], [z, a]),
            Activation::Softmax => softmax_backward(a, dz, units),
            Activation::LeakyRelu => each(Backward(LeakyRelu), [dz], [z, a]),
            Activation::Elu => each(Backward(Elu), [dz], [z, a]),
            Activation::Softplus => each(Backward(Softplus), [dz], [z, a]),
            Activation::Silu => each(Backward(Silu), [dz], [z, a]),
            Activation::Gelu => each(Backward(Gelu), [dz], [z, a]),
            Activation::Custom { slope, .. } => {
                for ((d, &z), &a) in dz.iter_mut().zip(z).zip(a) {
                    *d *= F::from_f64(slope(z.f64(), a.f64()));
                }
            }
        }
    }

    /// The bounds of f. The lower ones of SiLU and GELU are rounded down to three digits.
    pub(crate) fn range(self) -> (f64, f64) {
        let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
        match self {
            Activation::Sigmoid | Activation::Softmax => (0.0, 1.0),
            Activation::Tanh => (-1.0, 1.0),
            Activation::Relu | Activation::Softplus => (0.0, most),
            Activation::Elu => (-1.0, most),
            Activation::Silu => (-0.279, most),
            Activation::Gelu => (-0.171, most),
            Activation::Identity | Activation::LeakyRelu | Activation::Custom { .. } => (least, most),
        }
    }

    /// How weights start in a layer with this activation, unless told otherwise.
    pub(crate) fn default_init(self) -> Init {
        match self {
            Activation::Relu | Activation::LeakyRelu | Activation::Elu | Activation::Silu | Activation::Gelu => {
                Init::HeNormal
            }
            _ => Init::XavierNormal,
        }
    }

    /// Where f′ or f″ jumps: across it, differences of the cost are too inaccurate for the gradient check.
    pub(crate) fn kink(self) -> Option<f64> {
        match self {
            Activation::Relu | Activation::LeakyRelu | Activation::Elu => Some(0.0),
            _ => None,
        }
    }
}

/// By variant, and custom ones by name: comparing function pointers does not tell whether the functions are the same.
impl PartialEq for Activation {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Activation::Custom { name, .. }, Activation::Custom { name: other, .. }) => name == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
