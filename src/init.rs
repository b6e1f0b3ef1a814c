//! `Init`: the parameters before the first step.
//!
//! Take independent inputs of variance v and weights of variance s², both with mean 0. A pre-activation z = Σ a·w over
//! `inputs` terms has variance inputs · s² · v, so the signal keeps its size through the layers if s² = 1/inputs.
//! Backward, dA₋₁ = dZ·Wᵀ sums over `outputs` terms, so the gradient keeps its size if s² = 1/outputs.
//!
//! ```text
//! Zeros            (I1) 0
//! Normal           (I2) N(0, std²)
//! Uniform          (I3) U[low, high)
//! XavierNormal     (I4) N(0, 2/(inputs + outputs)): a compromise of the two
//! XavierUniform    (I5) U[−r, r), r = √(6/(inputs + outputs)): the same variance r²/3
//! HeNormal         (I6) N(0, 2/inputs): twice the variance, because ReLU zeroes half of its inputs
//! HeUniform        (I7) U[−r, r), r = √(6/inputs)
//! FanOutNormal     (I8) N(0, 1/outputs): the backward condition alone
//! ```
//!
//! Derivation: chapter 9, `derivation/09-start.md`. Uses `Real` and `Error`.

use crate::error::{Error, Number, Result};
use crate::real::{Real, count};
use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, Normal, Uniform};

/// The initial weights or biases. `inputs` and `outputs` are the sizes of the layer.
///
/// Weights need random values: with zeros, the hidden units of a layer would stay equal forever. Biases can start at
/// [`Zeros`](Init::Zeros).
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Init, Network, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let network = Network::<f64>::builder(2)
///     .layer(4, Activation::Tanh)
///     .layer(1, Activation::Sigmoid)
///     .init(Init::Normal { std: 0.01 })
///     .build(&mut rng)?;
/// assert!(network.layers()[0].affine.weights.iter().all(|w| w.abs() < 0.1));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Init {
    /// All zero.
    Zeros,
    /// Normal with mean 0.
    Normal {
        /// The standard deviation, 0 or more.
        std: f64,
    },
    /// Uniform over low ≤ w < high.
    Uniform {
        /// The lower end.
        low: f64,
        /// The upper end, above `low`.
        high: f64,
    },
    /// Normal with variance 2/(inputs + outputs) (Glorot and Bengio 2010). Default for the activations that
    /// [`HeNormal`](Init::HeNormal) does not name.
    XavierNormal,
    /// Uniform with variance 2/(inputs + outputs).
    XavierUniform,
    /// Normal with variance 2/inputs (He et al. 2015). Default for ReLU, leaky ReLU, ELU, SiLU and GELU.
    HeNormal,
    /// Uniform with variance 2/inputs.
    HeUniform,
    /// Normal with variance 1/outputs: the scale of the moons tutorial.
    FanOutNormal,
}

impl Init {
    /// Draws an array of the given shape for a layer of size (inputs, outputs). Draws in `f64` for either `F`, so an
    /// `f32` network starts as the rounded `f64` network.
    pub(crate) fn sample<F: Real, R: Rng + ?Sized>(
        self,
        shape: (usize, usize),
        (inputs, outputs): (usize, usize),
        rng: &mut R,
    ) -> Result<Array2<F>> {
        let (inputs, outputs) = (count(inputs), count(outputs));
        match self {
            Init::Zeros => Ok(Array2::zeros(shape)),                       // (I1)
            Init::Normal { std } => normal(std, shape, rng),               // (I2)
            Init::Uniform { low, high } => uniform(low, high, shape, rng), // (I3)
            Init::XavierNormal => normal((2.0 / (inputs + outputs)).sqrt(), shape, rng), // (I4)
            Init::XavierUniform => symmetric((6.0 / (inputs + outputs)).sqrt(), shape, rng), // (I5)
            Init::HeNormal => normal((2.0 / inputs).sqrt(), shape, rng),   // (I6)
            Init::HeUniform => symmetric((6.0 / inputs).sqrt(), shape, rng), // (I7)
            Init::FanOutNormal => normal((1.0 / outputs).sqrt(), shape, rng), // (I8)
        }
    }
}

fn normal<F: Real, R: Rng + ?Sized>(std: f64, shape: (usize, usize), rng: &mut R) -> Result<Array2<F>> {
    match Normal::new(0.0, std) {
        Ok(normal) if std >= 0.0 => Ok(random(shape, normal, rng)),
        _ => Err(Error::OutOfRange { name: "std", expected: "a finite number, 0 or more".into(), found: std }),
    }
}

fn symmetric<F: Real, R: Rng + ?Sized>(r: f64, shape: (usize, usize), rng: &mut R) -> Result<Array2<F>> {
    uniform(-r, r, shape, rng)
}

fn uniform<F: Real, R: Rng + ?Sized>(low: f64, high: f64, shape: (usize, usize), rng: &mut R) -> Result<Array2<F>> {
    match Uniform::new(low, high) {
        Ok(uniform) => Ok(random(shape, uniform, rng)),
        Err(_) => {
            let expected = format!("a finite number above low = {}", Number(low));
            Err(Error::OutOfRange { name: "high", expected, found: high })
        }
    }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn random<F: Real, R: Rng + ?Sized>(size: (usize, usize), of: impl Distribution<f64>, rng: &mut R) -> Array2<F> {
    <Array2<f64> as ndarray_rand::RandomExt<_, f64, _>>::random_using(size, of, rng).mapv(F::from_f64)
}

/// The same without ndarray-rand, which asks for random numbers of the system: a browser has none.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn random<F: Real, R: Rng + ?Sized>(size: (usize, usize), of: impl Distribution<f64>, rng: &mut R) -> Array2<F> {
    Array2::from_shape_simple_fn(size, || F::from_f64(of.sample(rng)))
}
