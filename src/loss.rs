//! `Loss`: the cost of a batch and where backpropagation starts.
//!
//! For n rows and k outputs, outputs A and targets Y:
//!
//! ```text
//!                        cost L                                       ∂L/∂A
//! squared error          (C1) 1/nk Σ (a − y)²                         (E1) 2 (a − y) / nk
//! binary cross-entropy   (C2) −1/nk Σ (y ln a + (1 − y) ln(1 − a))    (E2) ((1 − y)/(1 − a) − y/a) / nk
//! cross-entropy          (C3) −1/n Σ y ln a                           (E3) −y/a / n
//! Huber                  (C5) 1/nk Σ h(a − y)                         (E5) max(−1, min(1, a − y)) / nk
//! ```
//!
//! where h(e) = ½ e² for |e| ≤ 1, else |e| − ½.
//!
//! B1, the gradient at the last pre-activation Z, is ∂L/∂A followed by B3. For three pairs of activation and
//! loss, the canonical ones, the two factors cancel to almost nothing:
//!
//! ```text
//! identity with squared error           (B1) dZ = 2/nk · (A − Y)
//! sigmoid with binary cross-entropy     (B1) dZ = 1/nk · (A − Y)
//! softmax with cross-entropy            (B1) dZ = 1/n · (A − Y): every row of Y sums to 1
//! ```
//!
//! For these the cost is computed from Z, which neither overflows nor loses the digits of a small 1 − a:
//!
//! ```text
//! sigmoid    (S2) −y ln a − (1 − y) ln(1 − a) = max(z, 0) − y z + ln(1 + e^−|z|)
//! softmax    (S3) −ln aₖ = ln Σⱼ eᶻʲ − zₖ,  with  ln Σⱼ eᶻʲ = m + ln Σⱼ e^(zⱼ − m),  m = maxⱼ zⱼ
//! ```
//!
//! In S3, k is any one class: the cost of a row sums S3 over the classes, with the factors y. e^(zⱼ − m) is aⱼ over the
//! largest a of its row, so S3 reuses the exponentials of A.
//!
//! Weights of the examples enter in one place, the factor of each row:
//!
//! ```text
//! (R1) L = 1/n Σᵣ wᵣ lᵣ: row r of dZ gets the factor wᵣ, and so does its part of every gradient
//! ```
//!
//! Derivation: chapters 6 and 7, `derivation/06-costs.md` and `07-pairs.md`. From above: `Activation`, for the
//! canonical pairs and for B3 where there is none.

use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::metrics::argmax;
use crate::real::{ROW_MAJOR, Real, count, entries};
use ndarray::{Array2, ArrayView2};

/// What training minimises: one number for a batch of outputs A and targets Y, both `[n, k]`.
///
/// Each loss goes with these output activations and targets:
///
/// | loss | outputs | targets |
/// |---|---|---|
/// | [`MeanSquaredError`](Loss::MeanSquaredError) | any | any numbers |
/// | [`Huber`](Loss::Huber) | any | any numbers |
/// | [`BinaryCrossEntropy`](Loss::BinaryCrossEntropy) | sigmoid; softmax, custom | each between 0 and 1 |
/// | [`CrossEntropy`](Loss::CrossEntropy) | softmax; custom | each 0 or more, every row sums to 1 |
/// | [`Custom`](Loss::Custom) | any | any numbers |
///
/// Other pairs are refused with [`Error::Pairing`] before anything is computed.
///
/// "Any numbers" includes targets that the outputs cannot reach: a sigmoid ends at 1, and for a target of 3 it trains
/// towards a constant 1. For such targets take identity outputs, or scale them;
/// [`History::unreachable_targets`](crate::History::unreachable_targets) tells their share.
///
/// ```
/// use chainrule::{Activation, Layer, Loss, Network, ndarray::array};
///
/// let layer = Layer::new(array![[1.0]], array![0.0], Activation::Identity)?;
/// let network = Network::from_layers(vec![layer])?;
/// // outputs 1 and 3, targets 0 and 1: (1² + 2²) / 2
/// let cost = network.cost(array![[1.0], [3.0]].view(), array![[0.0], [1.0]].view(), Loss::MeanSquaredError)?;
/// assert_eq!(cost, 2.5);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Loss {
    /// (1/nk) Σ (a − y)², the mean over examples and outputs, without a ½. Canonical with
    /// [`Activation::Identity`].
    MeanSquaredError,
    /// −(1/nk) Σ (y ln a + (1 − y) ln(1 − a)), the mean over examples and outputs. Canonical with
    /// [`Activation::Sigmoid`].
    BinaryCrossEntropy,
    /// −(1/n) Σ y ln a, the mean over examples. Canonical with [`Activation::Softmax`].
    CrossEntropy,
    /// (1/nk) Σ h(a − y), with h(e) = ½ e² for |e| ≤ 1, else |e| − ½, the mean over examples and outputs: outliers pull
    /// no harder than an error of 1 (Huber 1964, with δ = 1). Without a canonical activation.
    Huber,
    /// A loss of your own, (1/nk) Σ value(a, y), computed in `f64`. The [gradient
    /// check](crate::gradient_check()) tells whether `slope` is the derivative of `value`.
    ///
    /// ```
    /// use chainrule::Loss;
    ///
    /// let absolute_error = Loss::Custom {
    ///     name: "absolute error",
    ///     value: |a, y| (a - y).abs(),
    ///     slope: |a, y| (a - y).signum(),
    /// };
    /// assert_eq!(absolute_error.name(), "absolute error");
    /// ```
    Custom {
        /// What it is called, in errors and in files; two custom losses are equal when their names are.
        name: &'static str,
        /// (a, y) ↦ the loss of one output.
        value: fn(f64, f64) -> f64,
        /// (a, y) ↦ its derivative with respect to a.
        slope: fn(f64, f64) -> f64,
    },
}

/// The input of a loss: Z and A of the last layer, and the targets Y, each `[n, k]`, row after row.
#[derive(Clone, Copy)]
pub(crate) struct LastLayer<'a, F> {
    z: &'a [F],
    a: &'a [F],
    y: &'a [F],
    k: usize,
}

impl<'a, F> LastLayer<'a, F> {
    /// From arrays that are all row-major.
    pub(crate) fn of(z: &'a Array2<F>, a: &'a Array2<F>, y: ArrayView2<'a, F>) -> Self {
        LastLayer { z: entries(z), a: entries(a), y: y.to_slice().expect(ROW_MAJOR), k: z.ncols() }
    }

    /// Row `r` alone.
    fn row(self, r: usize) -> Self {
        let of = |rows: &'a [F]| &rows[r * self.k..][..self.k];
        LastLayer { z: of(self.z), a: of(self.a), y: of(self.y), k: self.k }
    }
}

impl Loss {
    /// The name in words: `mean squared error`, `binary cross-entropy`, `cross-entropy`, `huber`, or that of a custom
    /// loss.
    pub fn name(self) -> &'static str {
        match self {
            Loss::MeanSquaredError => "mean squared error",
            Loss::BinaryCrossEntropy => "binary cross-entropy",
            Loss::CrossEntropy => "cross-entropy",
            Loss::Huber => "huber",
            Loss::Custom { name, .. } => name,
        }
    }

    /// The output activation with which B1 is a multiple of A − Y.
    pub fn canonical_activation(self) -> Option<Activation> {
        match self {
            Loss::MeanSquaredError => Some(Activation::Identity),
            Loss::BinaryCrossEntropy => Some(Activation::Sigmoid),
            Loss::CrossEntropy => Some(Activation::Softmax),
            Loss::Huber | Loss::Custom { .. } => None,
        }
    }

    /// Refuses the pairs that cannot work: a logarithm of outputs that are not probabilities.
    pub(crate) fn check_pairing(self, output: Activation) -> Result<()> {
        let instead = match (self, output) {
            (Loss::MeanSquaredError | Loss::Huber | Loss::Custom { .. }, _) => return Ok(()),
            (_, Activation::Softmax | Activation::Custom { .. }) => return Ok(()),
            (Loss::BinaryCrossEntropy, Activation::Sigmoid) => return Ok(()),
            (Loss::BinaryCrossEntropy, _) => "sigmoid outputs",
            (Loss::CrossEntropy, Activation::Sigmoid) => "binary cross-entropy, or softmax outputs",
            (Loss::CrossEntropy, _) => "softmax outputs",
        };
        Err(Error::Pairing { loss: self.name(), activation: output.name(), instead })
    }

    /// Refuses targets that are not probabilities, for losses that need them.
    pub(crate) fn check_targets<F: Real>(self, place: &'static str, y: &ArrayView2<'_, F>) -> Result<()> {
        let (most, expected) = match self {
            Loss::BinaryCrossEntropy => (F::one(), "numbers between 0 and 1"),
            Loss::CrossEntropy => (F::max_value(), "numbers that are 0 or more"),
            Loss::MeanSquaredError | Loss::Huber | Loss::Custom { .. } => return Ok(()),
        };
        let fits = |y: F| F::zero() <= y && y <= most;
        // The usual case, without computing indices.
        if !y.fold(true, |fit, &y| fit & fits(y)) {
            return y.indexed_iter().find(|(_, y)| !fits(**y)).map_or(Ok(()), |((row, column), y)| {
                Err(Error::Target { place, loss: self.name(), expected, index: [row, column], found: y.f64() })
            });
        }
        if self == Loss::CrossEntropy {
            // The targets were rounded to F, so their sums are not exactly 1.
            let tolerance = 1e-6 + count(y.ncols()) * F::epsilon().f64();
            let sums = y.rows().into_iter().map(|row| row.iter().map(|y| y.f64()).sum::<f64>());
            if let Some((row, found)) = sums.enumerate().find(|(_, sum)| (sum - 1.0).abs() > tolerance) {
                return Err(Error::TargetSum { place, row, found });
            }
        }
        Ok(())
    }

    /// The cost L of a batch and, where `dz` is given, B1: ∂L/∂Z of the last layer, `[n, k]`. The `scale` 1/n or 1/nk
    /// of the mean and the weights of the examples are factors of both, and appear nowhere else.
    pub(crate) fn evaluate<F: Real>(
        self,
        output: Activation,
        batch: LastLayer<'_, F>,
        weights: Option<&[f64]>,
        dz: Option<&mut [F]>,
    ) -> f64 {
        let (nk, n) = (count(batch.a.len()), count(batch.a.len() / batch.k));
        let scale = if self == Loss::CrossEntropy { 1.0 / n } else { 1.0 / nk };
        let Some(weights) = weights else {
            return self.of_rows(scale, output, batch, dz);
        };
        let mut rows_of_dz = dz.map(|dz| dz.chunks_exact_mut(batch.k));
        let mut of_row = |(r, w): (usize, &f64)| {
            let dz = rows_of_dz.as_mut().and_then(Iterator::next);
            let value = self.of_rows(w * scale, output, batch.row(r), dz); // (R1) wᵣ lᵣ
            if *w == 0.0 { 0.0 } else { value } // also where lᵣ is infinite
        };
        weights.iter().enumerate().map(&mut of_row).sum()
    }

    /// As [`evaluate`](Loss::evaluate), for rows that all have the same weight, which `scale` contains.
    fn of_rows<F: Real>(self, scale: f64, output: Activation, batch: LastLayer<'_, F>, dz: Option<&mut [F]>) -> f64 {
        match (self, output) {
            (Loss::MeanSquaredError, Activation::Identity) => squared_error_of_identity(scale, batch, dz),
            (Loss::BinaryCrossEntropy, Activation::Sigmoid) => binary_cross_entropy_of_sigmoid(scale, batch, dz),
            (Loss::CrossEntropy, Activation::Softmax) => cross_entropy_of_softmax(scale, batch, dz),
            // A separate arm, so that its loop does not choose the loss for each entry.
            (Loss::MeanSquaredError, _) => Loss::MeanSquaredError.general(scale, output, batch, dz),
            _ => self.general(scale, output, batch, dz),
        }
    }

    /// Any other pair: ∂L/∂A, then B3.
    #[inline(always)]
    fn general<F: Real>(self, scale: f64, output: Activation, batch: LastLayer<'_, F>, dz: Option<&mut [F]>) -> f64 {
        let LastLayer { z, a, y, k } = batch;
        if let Some(dz) = dz {
            for ((d, a), y) in dz.iter_mut().zip(a).zip(y) {
                *d = F::from_f64(scale * self.slope(a.f64(), y.f64())); // ∂L/∂A
            }
            output.backward(z, a, dz, k); // (B1) dZ = ∂L/∂A ⊙ f′(Z)
        }
        scale * pairs(a, y).map(|(a, y)| self.value(a, y)).sum::<f64>()
    }

    /// The cost of one output, without the mean.
    fn value(self, a: f64, y: f64) -> f64 {
        match self {
            Loss::MeanSquaredError => (a - y) * (a - y), // (C1)
            Loss::BinaryCrossEntropy => -times(y, a.ln()) - times(1.0 - y, (-a).ln_1p()), // (C2)
            Loss::CrossEntropy => -times(y, a.ln()),     // (C3)
            Loss::Huber if (a - y).abs() <= 1.0 => 0.5 * (a - y) * (a - y), // (C5)
            Loss::Huber => (a - y).abs() - 0.5,          // (C5)
            Loss::Custom { value, .. } => value(a, y),
        }
    }

    /// Its derivative with respect to a.
    fn slope(self, a: f64, y: f64) -> f64 {
        match self {
            Loss::MeanSquaredError => 2.0 * (a - y), // (E1)
            Loss::BinaryCrossEntropy => times(1.0 - y, 1.0 / (1.0 - a)) - times(y, 1.0 / a), // (E2)
            Loss::CrossEntropy => -times(y, 1.0 / a), // (E3)
            Loss::Huber => (a - y).clamp(-1.0, 1.0), // (E5)
            Loss::Custom { slope, .. } => slope(a, y),
        }
    }

    /// Whether the slope bends between outputs `a` and `moved`: differences of the cost across a bend are not exact
    /// enough for the gradient check.
    pub(crate) fn bends_between(self, a: f64, moved: f64, y: f64) -> bool {
        let outside = |a: f64| (a - y).abs() > 1.0;
        self == Loss::Huber && outside(a) != outside(moved)
    }
}

/// Squared error of identity outputs, where a = z.
fn squared_error_of_identity<F: Real>(scale: f64, batch: LastLayer<'_, F>, dz: Option<&mut [F]>) -> f64 {
    let LastLayer { a, y, .. } = batch;
    if let Some(dz) = dz {
        let factor = F::from_f64(2.0 * scale);
        for ((d, &a), &y) in dz.iter_mut().zip(a).zip(y) {
            *d = factor * (a - y); // (B1) dZ = 2/nk (A − Y)
        }
    }
    scale * pairs(a, y).map(|(a, y)| Loss::MeanSquaredError.value(a, y)).sum::<f64>()
}

/// Binary cross-entropy of sigmoid outputs.
fn binary_cross_entropy_of_sigmoid<F: Real>(scale: f64, batch: LastLayer<'_, F>, dz: Option<&mut [F]>) -> f64 {
    let LastLayer { z, a, y, .. } = batch;
    if let Some(dz) = dz {
        let factor = F::from_f64(scale);
        for ((d, &a), &y) in dz.iter_mut().zip(a).zip(y) {
            *d = factor * (a - y); // (B1) dZ = 1/nk (A − Y)
        }
    }
    let value = |(z, y): (f64, f64)| {
        // max(z, 0) − y z in one product, so that nothing cancels.
        let linear = if z < 0.0 { -y * z } else { (1.0 - y) * z };
        linear + (-z.abs()).exp().ln_1p() // (S2)
    };
    scale * pairs(z, y).map(value).sum::<f64>()
}

/// Cross-entropy of softmax outputs, row by row.
fn cross_entropy_of_softmax<F: Real>(scale: f64, batch: LastLayer<'_, F>, dz: Option<&mut [F]>) -> f64 {
    let LastLayer { z, a, y, k } = batch;
    if let Some(dz) = dz {
        let factor = F::from_f64(scale);
        for ((d, &a), &y) in dz.iter_mut().zip(a).zip(y) {
            *d = factor * (a - y); // (B1) dZ = 1/n (A − Y)
        }
    }
    let row = |((z, a), y): ((&[F], &[F]), &[F])| {
        // The largest term of the sum is 1; ln(1 + rest) keeps the digits of a small rest.
        let best = argmax(z);
        let max = z[best].f64();
        let others = a.iter().enumerate().filter(|(j, _)| *j != best);
        let log_sum = (others.map(|(_, a)| a.f64()).sum::<f64>() / a[best].f64()).ln_1p();
        pairs(z, y).map(|(z, y)| times(y, log_sum + (max - z))).sum::<f64>() // (S3)
    };
    scale * z.chunks_exact(k).zip(a.chunks_exact(k)).zip(y.chunks_exact(k)).map(row).sum::<f64>()
}

/// Two arrays entry by entry, in `f64`.
fn pairs<'a, F: Real>(x: &'a [F], y: &'a [F]) -> impl Iterator<Item = (f64, f64)> + 'a {
    x.iter().zip(y).map(|(x, y)| (x.f64(), y.f64()))
}

/// y·x, where 0·∞ = 0: a target of 0 contributes nothing, since 0 ln 0 = 0.
fn times(y: f64, x: f64) -> f64 {
    if y == 0.0 { 0.0 } else { y * x }
}

/// By variant, and custom ones by name: comparing function pointers does not tell whether the functions are the same.
impl PartialEq for Loss {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Loss::Custom { name, .. }, Loss::Custom { name: other, .. }) => name == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
