//! `Affine` and `Layer`: the forward pass of one layer, and the backward pass that restates it.
//!
//! ```text
//! (F1)  Z   = A₋₁·W + 1bᵀ      [n,in]·[in,out] → [n,out]
//! (F2)  A   = f(Z)             [n,out]
//! (B3)  dZ  = dA ⊙ f′(Z)       [n,out]
//! (B4)  dW  = A₋₁ᵀ·dZ          [in,n]·[n,out] → [in,out]
//! (B5)  db  = Σᵣ dZᵣ           [out]
//! (B2)  dA₋₁ = dZ·Wᵀ           [n,out]·[out,in] → [n,in]
//! ```
//!
//! A₋₁ is the output of the previous layer, or the inputs X. For every X, dX is ∂L/∂X and has X's shape.
//!
//! Derivation: chapters 2 and 3, `derivation/02-layer.md` and `03-batch.md`. From above: `Activation` for F2 and B3,
//! the products of the kernels for F1, B2 and B4, their column sums for B5.

use crate::activation::Activation;
use crate::error::{Error, Places, Result, check_finite, check_shape};
use crate::kernels::{affine, column_sums, times_transpose, transpose_times};
use crate::real::{Real, entries, entries_mut};
use ndarray::{Array1, Array2, ArrayView2};

/// The parameters of one affine map Z = A₋₁·W + 1bᵀ.
///
/// A gradient has the type of its parameter: the gradient of an `Affine` is an `Affine`, and so is its velocity.
///
/// ```
/// use chainrule::{Affine, ndarray::array};
///
/// let affine = Affine { weights: array![[1.0], [2.0]], bias: array![0.5] };
/// assert_eq!(affine.weights.dim(), (2, 1)); // 2 inputs, 1 output
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Affine<F> {
    /// W, `[inputs, outputs]`.
    pub weights: Array2<F>,
    /// b, `[outputs]`.
    pub bias: Array1<F>,
}

/// One layer: an affine map, then an activation.
///
/// ```
/// use chainrule::{Activation, Layer, ndarray::array};
///
/// let layer = Layer::new(array![[1.0, -1.0], [0.5, 2.0]], array![0.0, 0.1], Activation::Tanh)?;
/// assert_eq!((layer.inputs(), layer.outputs()), (2, 2));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Layer<F> {
    /// W and b.
    pub affine: Affine<F>,
    /// f.
    pub activation: Activation,
}

impl<F: Real> Affine<F> {
    /// All zero.
    pub(crate) fn zeros(inputs: usize, outputs: usize) -> Self {
        Affine { weights: Array2::zeros((inputs, outputs)), bias: Array1::zeros(outputs) }
    }

    /// Zeros in the shapes of `other`.
    pub(crate) fn zeros_like(other: &Self) -> Self {
        Self::zeros(other.weights.nrows(), other.weights.ncols())
    }

    pub(crate) fn is_row_major(&self) -> bool {
        self.weights.is_standard_layout() && self.bias.is_standard_layout()
    }

    /// The same parameters in row-major layout, which all passes need.
    pub(crate) fn into_row_major(self) -> Self {
        if self.is_row_major() {
            return self;
        }
        let Affine { weights, bias } = self;
        Affine { weights: weights.as_standard_layout().into_owned(), bias: bias.as_standard_layout().into_owned() }
    }

    /// Refuses gradients, or an optimiser's state, that do not have the shapes of these parameters.
    pub(crate) fn check_like(&self, other: &Self, layer: usize, places: &Places) -> Result<()> {
        if self.weights.dim() == other.weights.dim() && self.bias.dim() == other.bias.dim() {
            return Ok(()); // the usual case, without the cost of `check_shape`
        }
        check_shape(places.weights, Some(layer), self.weights.shape(), other.weights.shape())?;
        check_shape(places.bias, Some(layer), self.bias.shape(), other.bias.shape())
    }

    /// F1. `x` is A₋₁ `[n, inputs]`, `z` is written `[n, outputs]`; `spare`, of the same shape, is overwritten.
    pub(crate) fn forward(&self, x: ArrayView2<'_, F>, z: &mut Array2<F>, spare: &mut Array2<F>) {
        affine(x, &self.weights, &self.bias, z, spare); // (F1) Z = A₋₁·W + 1bᵀ   [n,in]·[in,out]
    }

    /// B4, B5. Forward was Z = A₋₁·W + 1bᵀ: in every row r, wᵢⱼ stood in zᵣⱼ with the factor aᵣᵢ, and bⱼ with the
    /// factor 1. So dwᵢⱼ = Σᵣ aᵣᵢ dzᵣⱼ and dbⱼ = Σᵣ dzᵣⱼ. Both overwrite what `gradient` held.
    pub(crate) fn backward_parameters(&self, x: ArrayView2<'_, F>, dz: &Array2<F>, gradient: &mut Affine<F>) {
        transpose_times(x, dz, &mut gradient.weights); // (B4) dW = A₋₁ᵀ·dZ   [in,n]·[n,out]
        column_sums(dz, &mut gradient.bias); // (B5) db = Σᵣ dZᵣ   [out]
    }

    /// B2. Forward was Z = A₋₁·W + 1bᵀ: input i reached every output j, with the factor wᵢⱼ. So daᵣᵢ = Σⱼ dzᵣⱼ wᵢⱼ.
    pub(crate) fn backward_inputs(&self, dz: &Array2<F>, dx: &mut Array2<F>) {
        times_transpose(dz, &self.weights, dx); // (B2) dA₋₁ = dZ·Wᵀ   [n,out]·[out,in]
    }
}

/// Refuses a layer without inputs or outputs.
pub(crate) fn check_layer_size(inputs: usize, outputs: usize) -> Result<()> {
    match (inputs, outputs) {
        (0, _) => Err(Error::Empty { place: "inputs of a layer" }),
        (_, 0) => Err(Error::Empty { place: "outputs of a layer" }),
        _ => Ok(()),
    }
}

impl<F: Real> Layer<F> {
    /// A layer from its parameters: weights `[inputs, outputs]`, bias `[outputs]`, in any memory layout.
    ///
    /// # Errors
    /// [`Error::Shape`] if the bias does not have one entry per output, [`Error::Empty`] without inputs or
    /// outputs, [`Error::NotFinite`] for a NaN or an infinity, [`Error::SoftmaxOfOne`] for a softmax of one unit.
    pub fn new(weights: Array2<F>, bias: Array1<F>, activation: Activation) -> Result<Self> {
        Layer { affine: Affine { weights, bias }, activation }.checked(None)
    }

    /// Checks what holds for every layer of a network, and makes its arrays row-major.
    pub(crate) fn checked(self, layer: Option<usize>) -> Result<Self> {
        let Affine { weights, bias } = self.affine;
        check_layer_size(weights.nrows(), weights.ncols())?;
        check_shape("bias", layer, &[weights.ncols()], &[bias.len()])?;
        if self.activation == Activation::Softmax && bias.len() == 1 {
            return Err(Error::SoftmaxOfOne { layer });
        }
        check_finite("weights", layer, &weights.view())?;
        check_finite("bias", layer, &bias.view())?;
        Ok(Layer { affine: Affine { weights, bias }.into_row_major(), activation: self.activation })
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.affine.weights.nrows()
    }

    /// The number of outputs: the units of this layer.
    pub fn outputs(&self) -> usize {
        self.affine.weights.ncols()
    }

    /// F1, F2. `x` is A₋₁ `[n, inputs]`; `z` and `a` are written `[n, outputs]`.
    pub(crate) fn forward(&self, x: ArrayView2<'_, F>, z: &mut Array2<F>, a: &mut Array2<F>) {
        self.affine.forward(x, z, a); // (F1); A, which F2 has yet to write, is the spare
        self.activation.forward(entries(z), entries_mut(a), self.outputs()); // (F2) A = f(Z)   [n,out]
    }

    /// B3. Forward was A = f(Z), so dZ = dA ⊙ f′(Z); `dz` holds dA before and dZ after. `[n, outputs]`
    pub(crate) fn backward_activation(&self, z: &Array2<F>, a: &Array2<F>, dz: &mut Array2<F>) {
        let units = self.outputs();
        self.activation.backward(entries(z), entries(a), entries_mut(dz), units); // (B3) dZ = dA ⊙ f′(Z)   [n,out]
    }
}
