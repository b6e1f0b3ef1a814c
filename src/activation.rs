//! `Activation`: each f with its derivative beside it.
//!
//! ```text
//!            f                                f′, from z and a = f(z)
//! identity   (A1) a = z                       (D1) 1
//! sigmoid    (A2) a = 1 / (1 + e⁻ᶻ)           (D2) a (1 − a)
//! tanh       (A3) a = tanh z                  (D3) 1 − a²
//! ReLU       (A4) a = max(0, z)               (D4) 1 where z > 0, else 0
//! softmax    (A5) aᵢ = eᶻⁱ / Σⱼ eᶻʲ           (D5) ∂aᵢ/∂zⱼ = aᵢ (δᵢⱼ − aⱼ)
//! ```
//!
//! Softmax mixes the units of a row, so its derivative is a matrix. That is why an activation acts on whole
//! batches `[n, units]` here and not on single numbers: for the first four, B3 multiplies each entry by a
//! slope; for softmax it multiplies each row by the Jacobian D5.
//!
//! Derivation: chapter 5, `derivation/05-activations.md`. From above: `Real`, `exp` of `elementary`, and for speed
//! `join` and `run`.

use crate::elementary::{exp, exp_m1};
use crate::real::Real;
use crate::threads::{join, pieces};
use crate::vectors::{Loop, Vectors, run};

/// Entries that are worth a thread of their own.
const LEAST_PIECE: usize = 32 * 1024;

/// The function f that a layer puts on its pre-activations: A = f(Z).
///
/// [`Softmax`](Activation::Softmax) acts on each row as a whole, the others on each entry. All are finite at any
/// finite pre-activation, and hand a NaN on instead of hiding it.
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
    /// A function of your own, entry by entry, computed in `f64`. The [gradient check](crate::gradient_check())
    /// tells whether `slope` is the derivative of `f`.
    ///
    /// ```
    /// use chainrule::Activation;
    ///
    /// // softplus: ln(1 + eᶻ), whose slope is the sigmoid, which is 1 − e⁻ᵃ
    /// let softplus = Activation::Custom {
    ///     name: "softplus",
    ///     f: |z| z.max(0.0) + (-z.abs()).exp().ln_1p(),
    ///     slope: |_z, a| 1.0 - (-a).exp(),
    /// };
    /// assert_eq!(softplus.name(), "softplus");
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

impl Activation {
    /// The name in lower case: `identity`, `sigmoid`, `tanh`, `relu`, `softmax`, or the custom one's own.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::Softmax => "softmax",
            Activation::Custom { name, .. } => name,
        }
    }

    /// F2: A = f(Z). `[n, units]` each, row after row; a large batch in halves, side by side.
    pub(crate) fn forward<F: Real>(self, z: &[F], a: &mut [F], units: usize) {
        if let Some(half) = half_of(z.len(), units) {
            let (z0, z1) = z.split_at(half);
            let (a0, a1) = a.split_at_mut(half);
            return join(|| self.forward(z0, a0, units), || self.forward(z1, a1, units));
        }
        run(Forward { f: self, z, a, units });
    }

    /// B3: dZ = dA ⊙ f′(Z), for softmax its Jacobian times dA, in place: `dz` holds dA before and dZ after.
    /// Forward was A = f(Z), and handed over both Z and A. `[n, units]` each, row after row
    pub(crate) fn backward<F: Real>(self, z: &[F], a: &[F], dz: &mut [F], units: usize) {
        if let Some(half) = half_of(z.len(), units) {
            let (z0, z1) = z.split_at(half);
            let (a0, a1) = a.split_at(half);
            let (dz0, dz1) = dz.split_at_mut(half);
            return join(|| self.backward(z0, a0, dz0, units), || self.backward(z1, a1, dz1, units));
        }
        let (zero, one) = (F::zero(), F::one());
        match self {
            Activation::Identity => {}                                                  // (D1) f′ = 1
            Activation::Sigmoid => change(dz, a, |d, a| d * (a * (one - a))),           // (D2)
            Activation::Tanh => change(dz, a, |d, a| d * (one - a * a)),                // (D3)
            Activation::Relu => change(dz, z, |d, z| if z <= zero { zero } else { d }), // (D4)
            Activation::Softmax => {
                for (dz, a) in dz.chunks_exact_mut(units).zip(a.chunks_exact(units)) {
                    // (D5) dzⱼ = Σᵢ daᵢ aᵢ (δᵢⱼ − aⱼ) = aⱼ (daⱼ − Σᵢ aᵢ daᵢ); `mean` is the last sum, by weights aᵢ
                    let mean: F = dz.iter().zip(a).map(|(&d, &a)| a * d).sum();
                    change(dz, a, |d, a| a * (d - mean));
                }
            }
            Activation::Custom { slope, .. } => {
                for ((d, &z), &a) in dz.iter_mut().zip(z).zip(a) {
                    *d *= F::from_f64(slope(z.f64(), a.f64()));
                }
            }
        }
    }
}

/// At which entry, the first of a row, to cut a batch whose halves are worth a thread each.
fn half_of(entries: usize, units: usize) -> Option<usize> {
    (pieces(entries, LEAST_PIECE) > 1 && entries > units).then(|| entries / units / 2 * units)
}

/// By variant, and custom ones by name: two function pointers tell nothing about being the same function.
impl PartialEq for Activation {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Activation::Custom { name, .. }, Activation::Custom { name: other, .. }) => name == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// F2 on some rows of so many units.
struct Forward<'a, F> {
    f: Activation,
    z: &'a [F],
    a: &'a mut [F],
    units: usize,
}

impl<F: Real> Loop for Forward<'_, F> {
    #[inline(always)]
    fn run<V: Vectors>(self) {
        let Forward { f, z, a, units } = self;
        match f {
            Activation::Identity => a.copy_from_slice(z),      // (A1)
            Activation::Sigmoid => map(z, a, sigmoid::<V, F>), // (A2)
            Activation::Tanh => map(z, a, tanh::<V, F>),       // (A3)
            // Written so that a NaN stays a NaN; `max` would turn it into 0.
            Activation::Relu => map(z, a, |z| if z < F::zero() { F::zero() } else { z }), // (A4)
            Activation::Softmax => {
                for (z, a) in z.chunks_exact(units).zip(a.chunks_exact_mut(units)) {
                    softmax::<V, F>(z, a); // (A5)
                }
            }
            Activation::Custom { f, .. } => map(z, a, |z| F::from_f64(f(z.f64()))),
        }
    }
}

/// (A2) σ(z) = 1 / (1 + e⁻ᶻ), for z < 0 as eᶻ / (1 + eᶻ): the exponential is at most 1 and cannot overflow.
#[inline(always)]
fn sigmoid<V: Vectors, F: Real>(z: F) -> F {
    let e = exp::<V, F>(-z.abs());
    (if z < F::zero() { e } else { F::one() }) / (F::one() + e)
}

/// (A3) tanh z, from e = e⁻²ᶻ for z ≥ 0, and tanh(−z) = −tanh z. Near 0 as (1 − e) / (1 + e) with e − 1 computed at
/// once, which keeps the digits of a small z; further out as 1 − 2e / (1 + e), which keeps those of 1 − tanh z.
#[inline(always)]
fn tanh<V: Vectors, F: Real>(z: F) -> F {
    let (one, x) = (F::one(), -(z.abs() + z.abs()));
    let (e, e_minus_1) = (exp::<V, F>(x), exp_m1::<V, F>(x));
    let near = x > -one;
    let quotient = (if near { -e_minus_1 } else { e + e }) / (one + one + e_minus_1);
    let t = if near { quotient } else { one - quotient };
    if z < F::zero() { -t } else { t }
}

/// (A5) of one row. Numerator and denominator are divided by e^max, so that the largest exponential is 1.
#[inline(always)]
fn softmax<V: Vectors, F: Real>(z: &[F], a: &mut [F]) {
    let mut max = z[0];
    for &z in z {
        max = if z > max { z } else { max };
    }
    for (a, &z) in a.iter_mut().zip(z) {
        *a = exp::<V, F>(z - max);
    }
    let mut sum = F::zero();
    for &e in &*a {
        sum += e;
    }
    for a in a {
        *a /= sum;
    }
}

/// a = f(z), entry by entry.
#[inline(always)]
fn map<F: Real>(z: &[F], a: &mut [F], f: impl Fn(F) -> F) {
    if z.len() < LANES {
        for (a, &z) in a.iter_mut().zip(z) {
            *a = f(z);
        }
        return;
    }
    let (blocks, others) = z.as_chunks();
    for (a, z) in a.as_chunks_mut().0.iter_mut().zip(blocks) {
        map_block(z, a, &f);
    }
    // The last block reaches back into the one before, which costs less than its entries one by one.
    if !others.is_empty()
        && let (Some(z), Some(a)) = (z.last_chunk(), a.last_chunk_mut())
    {
        map_block(z, a, &f);
    }
}

/// Reads Z before it writes A, so that a compiler need not ask whether they overlap. (With that question, and a last block whose
/// length it did not know, F2 of 2-25-50-25-2 took 1,056 instructions, and 880 so.)
#[inline(always)]
fn map_block<F: Real>(&z: &[F; LANES], a: &mut [F; LANES], f: &impl Fn(F) -> F) {
    for (a, &z) in a.iter_mut().zip(&z) {
        *a = f(z);
    }
}

/// d ← f(d, x), entry by entry.
#[inline(always)]
fn change<F: Real>(d: &mut [F], x: &[F], f: impl Fn(F, F) -> F) {
    for (d, &x) in d.iter_mut().zip(x) {
        *d = f(*d, x);
    }
}

/// Entries that a compiler can compute side by side in vector instructions: 16 `f32` are the longest vector there is.
const LANES: usize = 16;

/// Where the largest entry of a row stands, the first of equals.
pub(crate) fn argmax<F: Real>(row: &[F]) -> usize {
    let mut best = 0;
    for (k, &z) in row.iter().enumerate() {
        if z > row[best] {
            best = k;
        }
    }
    best
}
