//! `Network`, its builder, and `Workspace`: the whole forward and backward pass.
//!
//! A network is exactly its parameters. Everything that a pass computes lives in a workspace, allocated once for a
//! batch size: for each layer Z, A and dZ, and the gradients of W and b.
//!
//! ```text
//! forward     X ──F1──► Z₀ ──F2──► A₀ ──F1──► Z₁ ──F2──► A₁ … A_last ──► L
//! backward            dZ₀ ◄──B3── dA₀ ◄──B2── dZ₁ ◄── …  dZ_last ◄──B1── L
//!                      └─B4, B5─► dW₀, db₀     └─B4, B5─► dW₁, db₁
//! ```
//!
//! Derivation: chapters 2 and 3, `derivation/02-layer.md` and `03-batch.md`. From above: `Layer` does F1, F2 and B2 to
//! B5; `Loss` does B1.

use crate::activation::Activation;
use crate::dropout::{Dropout, Masked};
use crate::error::{Error, GRADIENTS, Result, check_finite, check_fits, check_shape, check_weights};
use crate::init::Init;
use crate::kernels::{all_finite, gains_by_threads, in_row_blocks};
use crate::layer::{Affine, Layer, check_layer_size};
use crate::loss::{LastLayer, Loss};
use crate::metrics::class;
use crate::random::{Draws, Purpose};
use crate::real::{Real, count, entries, entries_mut, resize_rows};
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, CowArray, Ix2};
use rand::Rng;
use std::marker::PhantomData;

/// Rows predicted at once, so that the activations of a layer stay in the cache.
const PREDICTION_ROWS: usize = 128;

/// A multilayer perceptron: layers one after the other, and nothing else.
///
/// Examples are rows: inputs are `[n, inputs]`, outputs `[n, outputs]`.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Loss, Network, Sgd, Workspace};
/// use chainrule::{ndarray::array, rand::SeedableRng};
///
/// let x = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let y = array![[0.0], [1.0], [1.0], [0.0]]; // exclusive or
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let mut network = Network::<f64>::builder(2)
///     .layer(4, Activation::Tanh)
///     .layer(1, Activation::Sigmoid)
///     .build(&mut rng)?;
/// let mut workspace = Workspace::new(&network, 4);
/// let mut sgd = Sgd::new(0.5).momentum(0.9);
/// for _ in 0..200 {
///     network.forward(x.view(), &mut workspace)?;
///     network.backward(x.view(), y.view(), Loss::BinaryCrossEntropy, &mut workspace)?;
///     sgd.step(&mut network, workspace.gradients())?;
/// }
/// assert_eq!(network.classify(x.view())?, array![0, 1, 1, 0]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Network<F> {
    layers: Vec<Layer<F>>,
}

impl<F: Real> Network<F> {
    /// Starts a network with `inputs` inputs per example.
    pub fn builder(inputs: usize) -> NetworkBuilder<F> {
        NetworkBuilder { inputs, layers: Vec::new(), weights: None, bias: Init::Zeros, number: PhantomData }
    }

    /// A network from its layers. Each must have as many inputs as the previous one has outputs.
    ///
    /// # Errors
    /// [`Error::Shape`] where two layers do not fit, [`Error::Empty`] without layers, and what [`Layer::new`]
    /// refuses.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Network, ndarray::array};
    ///
    /// let first = Layer::new(array![[1.0, 2.0]], array![0.0, 0.0], Activation::Relu)?; // 1 → 2
    /// let second = Layer::new(array![[1.0], [1.0], [1.0]], array![0.0], Activation::Identity)?; // 3 → 1
    /// let error = Network::from_layers(vec![first, second]).unwrap_err();
    /// assert!(error.to_string().starts_with("layer 1: weights: expected shape [2, 1], found [3, 1]"));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn from_layers(layers: Vec<Layer<F>>) -> Result<Self> {
        if layers.is_empty() {
            return Err(Error::Empty { place: "layers" });
        }
        let layers: Vec<_> =
            layers.into_iter().enumerate().map(|(l, layer)| layer.checked(Some(l))).collect::<Result<_>>()?;
        for (l, pair) in layers.windows(2).enumerate() {
            if pair[1].inputs() != pair[0].outputs() {
                return Err(Error::Shape {
                    place: "weights",
                    layer: Some(l + 1),
                    expected: vec![pair[0].outputs(), pair[1].outputs()],
                    found: vec![pair[1].inputs(), pair[1].outputs()],
                });
            }
        }
        Ok(Network { layers })
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer<F>] {
        &self.layers
    }

    /// Whether a step of `rows` rows has products that gain from several threads.
    pub(crate) fn gains_by_threads(&self, rows: usize) -> bool {
        self.layers.iter().any(|layer| gains_by_threads(rows, layer.inputs(), layer.outputs()))
    }

    /// Copies the parameters of a network of the same shape, without allocating.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        for (layer, other) in self.layers.iter_mut().zip(&other.layers) {
            layer.affine.weights.assign(&other.affine.weights);
            layer.affine.bias.assign(&other.affine.bias);
        }
    }

    pub(crate) fn is_finite(&self) -> bool {
        let finite = |affine: &Affine<F>| all_finite(entries(&affine.weights)) && all_finite(entries(&affine.bias));
        self.layers.iter().all(|layer| finite(&layer.affine))
    }

    /// The parameters of the layers, first to last, to be changed: by an optimiser of your own, say. Their shapes stay.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Network, ndarray::array};
    ///
    /// let layer = Layer::new(array![[1.0], [2.0]], array![0.5], Activation::Identity)?;
    /// let mut network = Network::from_layers(vec![layer])?;
    /// for mut layer in network.layers_mut() {
    ///     layer.weights *= 2.0;
    ///     layer.bias.fill(0.0);
    /// }
    /// assert_eq!(network.layers()[0].affine.weights, array![[2.0], [4.0]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn layers_mut(&mut self) -> impl Iterator<Item = LayerMut<'_, F>> {
        self.affines_mut().map(|affine| LayerMut { weights: affine.weights.view_mut(), bias: affine.bias.view_mut() })
    }

    pub(crate) fn affine_mut(&mut self, layer: usize) -> &mut Affine<F> {
        &mut self.layers[layer].affine
    }

    pub(crate) fn affines_mut(&mut self) -> impl Iterator<Item = &mut Affine<F>> {
        self.layers.iter_mut().map(|layer| &mut layer.affine)
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs()
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.last().outputs()
    }

    /// The number of parameters, weights and biases together.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| (layer.inputs() + 1) * layer.outputs()).sum()
    }

    /// Whether the outputs have an upper bound, as those of a sigmoid or tanh have.
    pub(crate) fn has_bounded_outputs(&self) -> bool {
        self.last().activation.range().1.is_finite()
    }

    /// The share of these targets, 0 to 1, that no output of the last layer's activation can reach.
    pub(crate) fn unreachable(&self, targets: ArrayView2<'_, F>) -> f64 {
        let (low, high) = self.last().activation.range();
        let beyond = targets.iter().filter(|y| !(low..=high).contains(&y.f64())).count();
        count(beyond) / count(targets.len())
    }

    fn last(&self) -> &Layer<F> {
        &self.layers[self.layers.len() - 1]
    }

    /// The outputs for every row of `x`: `[n, inputs]` → `[n, outputs]`. No rows give no rows. Where weights are so
    /// large that a sum overflows, the outputs may be NaN or infinite.
    ///
    /// # Errors
    /// [`Error::Shape`] and [`Error::NotFinite`] for inputs that do not fit.
    pub fn predict(&self, x: ArrayView2<'_, F>) -> Result<Array2<F>> {
        self.check_columns(&x)?;
        let mut outputs = Array2::zeros((x.nrows(), self.outputs()));
        if x.nrows() == 0 {
            return Ok(outputs);
        }
        let finite = in_row_blocks(x.as_standard_layout().view(), outputs.view_mut(), PREDICTION_ROWS, &|x, mut a| {
            let (first, others) = self.layers.split_at(1);
            let (z, first_a) = last_z_and_a(first, x);
            a.assign(&last_z_and_a(others, first_a.view()).1);
            all_finite(entries(&z))
        });
        // A NaN or an infinity in X leaves nothing finite in its row of Z. So it is enough to check Z, which is usually
        // smaller; only then X is searched for the place.
        if !finite {
            self.check_inputs(&x)?;
        }
        Ok(outputs)
    }

    /// The class of every row of `x`: the index of the largest output, the first of equals. With a single output it is
    /// 1 where that is above 0.5, else 0.
    ///
    /// 0.5 is right for a probability. For a single output of another kind, take
    /// [`classify_at`](Network::classify_at); for several outputs of which any number may say yes,
    /// [`decisions`](Network::decisions).
    ///
    /// # Errors
    /// As [`predict`](Network::predict), and [`Error::NotFinite`] for outputs that have overflowed.
    pub fn classify(&self, x: ArrayView2<'_, F>) -> Result<Array1<usize>> {
        let outputs = self.predict(x)?;
        check_finite("outputs", None, &outputs.view())?;
        Ok(entries(&outputs).chunks_exact(self.outputs()).map(class).collect())
    }

    /// The class of every row of `x` by a single output: 1 where it is above `threshold`, else 0. The threshold is 0
    /// for a tanh trained on targets of ±1 and for logits (the pre-activation of a sigmoid).
    ///
    /// # Errors
    /// As [`classify`](Network::classify), and [`Error::OutOfRange`] for a network of several outputs or a threshold
    /// that is not finite.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Network, ndarray::array};
    ///
    /// let layer = Layer::new(array![[1.0]], array![0.0], Activation::Tanh)?;
    /// let network = Network::from_layers(vec![layer])?;
    /// let x = array![[-2.0], [0.1]]; // outputs −0.96 and 0.10
    /// assert_eq!(network.classify_at(x.view(), 0.0)?, array![0, 1]);
    /// assert_eq!(network.classify(x.view())?, array![0, 0]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn classify_at(&self, x: ArrayView2<'_, F>, threshold: f64) -> Result<Array1<usize>> {
        if self.outputs() != 1 {
            let expected = "1 for a threshold; use classify, or decisions for independent labels".into();
            return Err(Error::OutOfRange { name: "outputs", expected, found: count(self.outputs()) });
        }
        Ok(self.decisions(x, threshold)?.iter().map(|&yes| usize::from(yes)).collect())
    }

    /// For independent labels, several of which may be right: whether each output is above `threshold`,
    /// `[n, inputs]` → `[n, outputs]`. The threshold is 0.5 for sigmoid outputs.
    /// [`multi_label_accuracy`](crate::multi_label_accuracy()) compares decisions with targets.
    ///
    /// # Errors
    /// As [`classify`](Network::classify), and [`Error::OutOfRange`] for a threshold that is not finite.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Network, multi_label_accuracy, ndarray::array};
    ///
    /// let layer = Layer::new(array![[1.0, -1.0, 2.0]], array![0.0, 0.0, 1.0], Activation::Sigmoid)?;
    /// let network = Network::from_layers(vec![layer])?;
    /// let decisions = network.decisions(array![[3.0]].view(), 0.5)?;
    /// assert_eq!(decisions, array![[true, false, true]]);
    /// assert_eq!(multi_label_accuracy(decisions.view(), array![[1.0, 0.0, 0.0]].view())?, 2.0 / 3.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn decisions(&self, x: ArrayView2<'_, F>, threshold: f64) -> Result<Array2<bool>> {
        if !threshold.is_finite() {
            return Err(Error::OutOfRange { name: "threshold", expected: "a finite number".into(), found: threshold });
        }
        let outputs = self.predict(x)?;
        check_finite("outputs", None, &outputs.view())?;
        Ok(outputs.mapv(|a| a.f64() > threshold))
    }

    /// The forward pass: F1 and F2, layer after layer, into the workspace.
    ///
    /// # Errors
    /// [`Error::Shape`] and [`Error::NotFinite`] for inputs that do not fit, [`Error::Empty`] for a batch of no
    /// rows, [`Error::Shape`] for a workspace that is too small or was made for other layers.
    pub fn forward(&self, x: ArrayView2<'_, F>, workspace: &mut Workspace<F>) -> Result<()> {
        if let Err(error) = self.check_inputs(&x).and_then(|()| self.check_workspace(x.nrows(), workspace)) {
            workspace.set_rows(0);
            return Err(error);
        }
        self.forward_pass(x.as_standard_layout().view(), workspace);
        Ok(())
    }

    /// The backward pass: B1 from the loss, then B4, B5, B2 and B3 from the last layer to the first. Returns the
    /// cost L of the batch and leaves the gradients in the workspace; the network stays as it is.
    ///
    /// `x` is the batch that [`forward`](Network::forward) saw, `y` its targets `[n, outputs]`.
    ///
    /// # Errors
    /// [`Error::NoForward`] without a forward of as many rows before it, [`Error::Pairing`] if this loss does not go
    /// with the output activation, [`Error::Shape`] and [`Error::NotFinite`] for arrays that do not fit,
    /// [`Error::Target`] for a target that means nothing to the loss,
    /// [`Error::CostNotFinite`] if the cost is NaN or infinite; the gradients are meaningless then.
    pub fn backward(
        &self,
        x: ArrayView2<'_, F>,
        y: ArrayView2<'_, F>,
        loss: Loss,
        workspace: &mut Workspace<F>,
    ) -> Result<f64> {
        self.check_loss(loss)?;
        self.check_targets(x.nrows(), &y, loss)?;
        self.check_workspace(x.nrows(), workspace)?;
        if workspace.rows != x.nrows() {
            return Err(Error::NoForward { expected: x.nrows(), found: workspace.rows });
        }
        self.check_inputs(&x)?;
        // `gradients_mut` lets a caller put gradients of another memory layout there.
        for gradient in workspace.gradients.iter_mut().filter(|gradient| !gradient.is_row_major()) {
            *gradient = gradient.clone().into_row_major();
        }
        let (x, y) = (x.as_standard_layout(), y.as_standard_layout());
        let cost = self.backward_pass(x.view(), y.view(), loss, workspace);
        if cost.is_finite() { Ok(cost) } else { Err(Error::CostNotFinite { cost }) }
    }

    /// dA₋₁ of layer `l`, `[n, inputs]`, from its dZ: the gradient that it hands to the layer before (B2, with dropout
    /// B6). The backward pass keeps it only until B3 overwrites it with dZ of the layer before, so this computes it
    /// again. For the first layer it is dX, which the backward pass does not need.
    ///
    /// Comes after [`backward`](Network::backward), with the parameters and masks that it had.
    ///
    /// # Errors
    /// [`Error::Empty`] without a forward pass, [`Error::Shape`] for a workspace that was made for other layers.
    ///
    /// # Panics
    /// For a layer out of range, like an index out of a slice.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Loss, Network, Workspace, ndarray::array};
    ///
    /// let layer = Layer::new(array![[2.0], [-1.0]], array![0.0], Activation::Identity)?;
    /// let network = Network::from_layers(vec![layer])?;
    /// let (x, y) = (array![[1.0, 1.0]], array![[0.0]]);
    ///
    /// let mut workspace = Workspace::new(&network, 1);
    /// network.forward(x.view(), &mut workspace)?;
    /// network.backward(x.view(), y.view(), Loss::MeanSquaredError, &mut workspace)?;
    /// assert_eq!(workspace.dz(0), array![[2.0]]); // 2 (a − y)
    /// assert_eq!(network.input_gradient(0, &workspace)?, array![[4.0, -2.0]]); // dZ·Wᵀ
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn input_gradient(&self, l: usize, workspace: &Workspace<F>) -> Result<Array2<F>> {
        self.check_workspace(workspace.rows, workspace)?;
        let (affine, dz) = (&self.layers[l].affine, &workspace.passes[l].dz);
        let mut da = Array2::zeros((workspace.rows, affine.weights.nrows()));
        affine.backward_inputs(dz, &mut da); // (B2) dA₋₁ = dZ·Wᵀ
        if let Some(masked) = &workspace.masks[l] {
            masked.backward(&mut da); // (B6) dA₋₁ = dÃ₋₁ ⊙ M
        }
        Ok(da)
    }

    /// The cost L of a batch, without a gradient and without a workspace. Unlike
    /// [`backward`](Network::backward) it returns an infinite cost as it is.
    ///
    /// # Errors
    /// As [`backward`](Network::backward), and [`Error::Empty`] for no rows.
    pub fn cost(&self, x: ArrayView2<'_, F>, y: ArrayView2<'_, F>, loss: Loss) -> Result<f64> {
        self.check_loss(loss)?;
        self.check_inputs(&x)?;
        self.check_targets(x.nrows(), &y, loss)?;
        if x.nrows() == 0 {
            return Err(Error::Empty { place: "rows of the batch" });
        }
        let (x, y) = (x.as_standard_layout(), y.as_standard_layout());
        Ok(self.outputs_and_cost(x.view(), y.view(), None, loss).1)
    }

    /// A of the last layer and L; everything has been checked, and x and y are row-major.
    pub(crate) fn outputs_and_cost(
        &self,
        x: ArrayView2<'_, F>,
        y: ArrayView2<'_, F>,
        weights: Option<&[f64]>,
        loss: Loss,
    ) -> (Array2<F>, f64) {
        let (z, a) = last_z_and_a(&self.layers, x);
        let cost = loss.evaluate(self.last().activation, LastLayer::of(&z, &a, y), weights, None);
        (a, cost)
    }

    /// (C4) The cost of weight decay: (λ/2) Σ W², over all weights and no biases.
    ///
    /// Its gradient λW is what [`Sgd`](crate::Sgd) with [`weight_decay(λ)`](crate::Sgd::weight_decay) adds.
    pub fn l2_penalty(&self, lambda: f64) -> f64 {
        if lambda == 0.0 {
            return 0.0; // not 0·∞ if the squares overflow
        }
        let square = |w: &F| w.f64() * w.f64();
        let squares = self.layers.iter().map(|layer| layer.affine.weights.iter().map(square).sum::<f64>());
        0.5 * lambda * squares.sum::<f64>() // (C4)
    }

    /// F1 and F2 for each layer; everything has been checked, and x is row-major.
    pub(crate) fn forward_pass(&self, x: ArrayView2<'_, F>, workspace: &mut Workspace<F>) {
        workspace.set_rows(x.nrows());
        let Workspace { passes, masks, .. } = workspace;
        let mut input = x; // A₋₁
        for ((layer, Pass { z, a, .. }), masked) in self.layers.iter().zip(passes).zip(masks) {
            if let Some(masked) = masked {
                input = masked.forward(input); // (F3) Ã₋₁ = A₋₁ ⊙ M, in training with dropout
            }
            layer.forward(input, z, a); // (F1) Z = A₋₁·W + 1bᵀ, (F2) A = f(Z)
            input = a.view();
        }
    }

    /// B1, then B4, B5, B2 and B3 from the last layer to the first; everything has been checked, and x and y are
    /// row-major. `before` holds the arrays of the layers that it has yet to reach: the `dz` there receives dA from B2,
    /// and B3 turns it into dZ.
    pub(crate) fn backward_pass(
        &self,
        x: ArrayView2<'_, F>,
        y: ArrayView2<'_, F>,
        loss: Loss,
        workspace: &mut Workspace<F>,
    ) -> f64 {
        let Workspace { passes, masks, gradients, weights, .. } = workspace;
        let last = self.layers.len() - 1;

        let Pass { z, a, dz } = &mut passes[last];
        let output = self.layers[last].activation;
        let weights = weights.as_deref();
        let batch = LastLayer::of(z, a, y);
        let cost = loss.evaluate(output, batch, weights, Some(entries_mut(dz))); // (B1) dZ = ∂L/∂A ⊙ f′(Z)

        for l in (1..=last).rev() {
            let (layer, layer_before) = (&self.layers[l], &self.layers[l - 1]);
            let (before, here) = passes.split_at_mut(l);
            let (Pass { z, a, dz: da }, dz) = (&mut before[l - 1], &here[0].dz);
            let input = masks[l].as_ref().map_or(a.view(), Masked::a); // A₋₁, or with dropout Ã₋₁
            layer.affine.backward_parameters(input, dz, &mut gradients[l]); // (B4) dW = A₋₁ᵀ·dZ, (B5) db = Σᵣ dZᵣ
            layer.affine.backward_inputs(dz, da); // (B2) dA₋₁ = dZ·Wᵀ
            if let Some(masked) = &masks[l] {
                masked.backward(da); // (B6) dA₋₁ = dÃ₋₁ ⊙ M
            }
            layer_before.backward_activation(z, a, da); // (B3) dZ₋₁ = dA₋₁ ⊙ f′(Z₋₁), where dA₋₁ was
        }
        // The first layer's input is X. Nothing needs its gradient, so B2 ends here.
        let (x, dz) = (masks[0].as_ref().map_or(x, Masked::a), &passes[0].dz);
        self.layers[0].affine.backward_parameters(x, dz, &mut gradients[0]); // (B4) dW = Xᵀ·dZ, (B5) db = Σᵣ dZᵣ
        cost
    }

    /// L of the batch that went forward last; y is row-major.
    pub(crate) fn cost_of_pass(&self, y: ArrayView2<'_, F>, loss: Loss, workspace: &Workspace<F>) -> f64 {
        let Pass { z, a, .. } = &workspace.passes[self.layers.len() - 1];
        loss.evaluate(self.last().activation, LastLayer::of(z, a, y), workspace.weights.as_deref(), None)
    }

    pub(crate) fn check_loss(&self, loss: Loss) -> Result<()> {
        loss.check_pairing(self.last().activation)
    }

    fn check_columns(&self, x: &ArrayView2<'_, F>) -> Result<()> {
        check_shape("inputs", None, &[x.nrows(), self.inputs()], x.shape())
    }

    pub(crate) fn check_inputs(&self, x: &ArrayView2<'_, F>) -> Result<()> {
        self.check_columns(x)?;
        check_finite("inputs", None, x)
    }

    fn check_targets(&self, rows: usize, y: &ArrayView2<'_, F>, loss: Loss) -> Result<()> {
        check_shape("targets", None, &[rows, self.outputs()], y.shape())?;
        check_finite("targets", None, y)?;
        loss.check_targets("targets", y)
    }

    fn check_workspace(&self, rows: usize, workspace: &Workspace<F>) -> Result<()> {
        if rows == 0 {
            return Err(Error::Empty { place: "rows of the batch" });
        }
        check_shape("layers of the workspace", None, &[self.layers.len()], &[workspace.passes.len()])?;
        check_shape("layers of the masks", None, &[self.layers.len()], &[workspace.masks.len()])?;
        if rows > workspace.capacity {
            let (expected, found) = (vec![rows], vec![workspace.capacity]);
            return Err(Error::Shape { place: "rows of the workspace", layer: None, expected, found });
        }
        for (l, (layer, pass)) in self.layers.iter().zip(&workspace.passes).enumerate() {
            if layer.outputs() != pass.z.ncols() {
                check_shape("units of the workspace", Some(l), &[layer.outputs()], &[pass.z.ncols()])?;
            }
            layer.affine.check_like(&workspace.gradients[l], l, &GRADIENTS)?;
            if let Some(masked) = &workspace.masks[l] {
                check_shape("mask", Some(l), &[rows, layer.inputs()], masked.mask.shape())?;
            }
        }
        match &workspace.weights {
            Some(weights) => check_shape("weights of the examples", None, &[rows], &[weights.len()]),
            None => Ok(()),
        }
    }
}

/// Z and A of the last of these layers, for every row of `x`.
fn last_z_and_a<F: Real>(layers: &[Layer<F>], x: ArrayView2<'_, F>) -> (Array2<F>, Array2<F>) {
    let mut input: CowArray<'_, F, Ix2> = x.into(); // A₋₁
    let mut last_z = Array2::default((0, 0));
    for layer in layers {
        let shape = (input.nrows(), layer.outputs());
        let (mut z, mut a) = (Array2::zeros(shape), Array2::zeros(shape));
        layer.forward(input.view(), &mut z, &mut a); // F1 F2
        (input, last_z) = (a.into(), z);
    }
    (last_z, input.into_owned())
}

/// The parameters of one layer, from [`Network::layers_mut`].
#[derive(Debug)]
pub struct LayerMut<'a, F> {
    /// W, `[inputs, outputs]`.
    pub weights: ArrayViewMut2<'a, F>,
    /// b, `[outputs]`.
    pub bias: ArrayViewMut1<'a, F>,
}

/// What one layer computes in a pass, each `[n, outputs]`.
#[derive(Clone, Debug)]
struct Pass<F> {
    z: Array2<F>,
    a: Array2<F>,
    /// Holds dA when it arrives from B2, dZ after B3.
    dz: Array2<F>,
}

/// Every array that a forward and a backward pass fill, allocated once: for each layer Z, A, dZ, and the gradients.
///
/// It fits one network and a largest number of rows; a pass may use fewer. `l` counts layers from 0. A layer out of
/// range panics, like an index out of a slice.
///
/// ```
/// use chainrule::{Activation, Layer, Loss, Network, Workspace, ndarray::array};
///
/// let layer = Layer::new(array![[2.0]], array![1.0], Activation::Identity)?;
/// let network = Network::from_layers(vec![layer])?;
/// let (x, y) = (array![[1.0], [2.0]], array![[0.0], [0.0]]);
///
/// let mut workspace = Workspace::new(&network, 2);
/// network.forward(x.view(), &mut workspace)?;
/// assert_eq!(workspace.a(0), array![[3.0], [5.0]]);
///
/// let cost = network.backward(x.view(), y.view(), Loss::MeanSquaredError, &mut workspace)?;
/// assert_eq!(cost, 17.0); // (3² + 5²) / 2
/// assert_eq!(workspace.dz(0), array![[3.0], [5.0]]); // 2 (a − y) / 2
/// assert_eq!(workspace.gradients()[0].weights, array![[13.0]]); // 1·3 + 2·5
/// assert_eq!(workspace.gradients()[0].bias, array![8.0]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Workspace<F> {
    passes: Vec<Pass<F>>,
    /// The mask on the inputs of each layer, with dropout.
    masks: Vec<Option<Masked<F>>>,
    /// wᵣ of each row, where the examples have weights.
    weights: Option<Vec<f64>>,
    gradients: Vec<Affine<F>>,
    /// The largest number of rows.
    capacity: usize,
    /// The rows of the last forward pass; 0 before the first.
    rows: usize,
}

impl<F: Real> Workspace<F> {
    /// A workspace for batches of up to `batch` rows.
    ///
    /// # Panics
    /// If the rows do not fit into memory; like `Vec`, it may abort the process.
    pub fn new(network: &Network<F>, batch: usize) -> Self {
        let zeros = |layer: &Layer<F>| Array2::zeros((batch, layer.outputs()));
        Workspace {
            passes: network.layers.iter().map(|l| Pass { z: zeros(l), a: zeros(l), dz: zeros(l) }).collect(),
            masks: network.layers.iter().map(|_| None).collect(),
            weights: None,
            gradients: network.layers.iter().map(|layer| Affine::zeros_like(&layer.affine)).collect(),
            capacity: batch,
            rows: 0,
        }
    }

    /// Resizes the arrays to the rows of the batch. This allocates nothing, except in clones, which are sized for the
    /// last batch.
    fn set_rows(&mut self, rows: usize) {
        if rows == self.rows {
            return;
        }
        self.rows = rows;
        for pass in &mut self.passes {
            for array in [&mut pass.z, &mut pass.a, &mut pass.dz] {
                resize_rows(array, rows);
            }
        }
    }

    /// Z of layer `l`, `[n, outputs]`, n the rows of the last forward pass.
    pub fn z(&self, l: usize) -> ArrayView2<'_, F> {
        self.passes[l].z.view()
    }

    /// A of layer `l`, `[n, outputs]`.
    pub fn a(&self, l: usize) -> ArrayView2<'_, F> {
        self.passes[l].a.view()
    }

    /// dZ of layer `l`, `[n, outputs]`, after a backward pass.
    pub fn dz(&self, l: usize) -> ArrayView2<'_, F> {
        self.passes[l].dz.view()
    }

    /// Draws the masks of [`Dropout`] for the next passes of `rows` rows. They stay until they are drawn again, or
    /// removed by [`without_masks`](Workspace::without_masks). Draws a single number from `rng`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a rate that is not 0 or more, and below 1.
    pub fn draw_masks<R: Rng + ?Sized>(&mut self, rows: usize, dropout: Dropout, rng: &mut R) -> Result<()> {
        dropout.check()?;
        let draws = Draws { seed: rng.random(), epoch: 0, first: 0 };
        self.draw_masks_of(rows, &|row| row, dropout, draws);
        Ok(())
    }

    /// Draws the masks of a batch of `rows` rows. `example` gives the example that a row of the batch is.
    pub(crate) fn draw_masks_of(
        &mut self,
        rows: usize,
        example: &(impl Fn(usize) -> usize + Sync),
        dropout: Dropout,
        draws: Draws,
    ) {
        for l in 0..self.masks.len() {
            let p = dropout.rate(l);
            let units = self.gradients[l].weights.nrows();
            if p == 0.0 {
                self.masks[l] = None;
                continue;
            }
            let masked = self.masks[l].get_or_insert_with(|| Masked::new(Array2::zeros((rows, units))));
            masked.set_rows(rows);
            masked.draw(p, &|row| draws.of_row(Purpose::Mask { layer: l }, example(row)));
        }
    }

    /// The mask on the inputs of layer `l`, `[n, inputs]`: 0, or 1/(1 − p). `None` without dropout.
    pub fn mask(&self, l: usize) -> Option<ArrayView2<'_, F>> {
        self.masks[l].as_ref().map(|masked| masked.mask.view())
    }

    /// Sets the mask on the inputs of layer `l`, `[n, inputs]`, for the next passes of n rows.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of columns, or no rows; [`Error::NotFinite`] for a NaN or an infinity.
    pub fn set_mask(&mut self, l: usize, mask: Array2<F>) -> Result<()> {
        let units = self.gradients[l].weights.nrows();
        check_shape("mask", Some(l), &[mask.nrows().clamp(1, self.capacity.max(1)), units], mask.shape())?;
        check_finite("mask", Some(l), &mask.view())?;
        self.masks[l] = Some(Masked::new(mask.as_standard_layout().into_owned()));
        Ok(())
    }

    /// Ends dropout.
    pub fn without_masks(&mut self) {
        self.masks.fill_with(|| None);
    }

    /// Sets the weights of the examples, one per row, for the next backward passes: L = 1/n Σ wᵣ lᵣ (R1). `None`
    /// removes them.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a weight that is negative, NaN or infinite.
    pub fn set_weights(&mut self, weights: Option<&[f64]>) -> Result<()> {
        check_weights(weights.unwrap_or_default())?;
        self.weights = weights.map(<[f64]>::to_vec);
        Ok(())
    }

    /// As [`set_weights`](Workspace::set_weights), for checked weights and without a new allocation.
    pub(crate) fn weigh(&mut self, weights: Option<impl Iterator<Item = f64>>) {
        let Some(weights) = weights else {
            self.weights = None;
            return;
        };
        let kept = self.weights.get_or_insert_default();
        kept.clear();
        kept.extend(weights);
    }

    /// Copies the masks and weights of another workspace, of either number type.
    pub(crate) fn take_masks_and_weights<G: Real>(&mut self, other: &Workspace<G>) {
        let in_f = |masked: &Masked<G>| Masked::new(masked.mask.mapv(|m| F::from_f64(m.f64())));
        self.masks = other.masks.iter().map(|masked| masked.as_ref().map(in_f)).collect();
        self.weights = other.weights.clone();
    }

    /// What layer `l` computed Z from: X, A of the layer before, or with dropout Ã.
    pub(crate) fn input<'a>(&'a self, l: usize, x: ArrayView2<'a, F>) -> ArrayView2<'a, F> {
        match &self.masks[l] {
            Some(masked) => masked.a(),
            None if l == 0 => x,
            None => self.a(l - 1),
        }
    }

    /// A of the last layer.
    pub(crate) fn outputs(&self) -> &Array2<F> {
        &self.passes[self.passes.len() - 1].a
    }

    /// The gradients of the last backward pass, one [`Affine`] per layer.
    pub fn gradients(&self) -> &[Affine<F>] {
        &self.gradients
    }

    /// The gradients, to change them before the step: to freeze a layer, or to clip.
    pub fn gradients_mut(&mut self) -> &mut [Affine<F>] {
        &mut self.gradients
    }
}

/// Builds a network layer by layer; [`Network::builder`] starts one.
///
/// Default: weights by [`Init::HeNormal`] in layers with ReLU, leaky ReLU, ELU, SiLU or GELU, and by
/// [`Init::XavierNormal`] in the others; zero biases.
#[derive(Clone, Debug)]
pub struct NetworkBuilder<F> {
    inputs: usize,
    layers: Vec<LayerPlan>,
    weights: Option<Init>,
    bias: Init,
    number: PhantomData<F>,
}

#[derive(Clone, Debug)]
struct LayerPlan {
    units: usize,
    activation: Activation,
    weights: Option<Init>,
    bias: Option<Init>,
}

impl<F: Real> NetworkBuilder<F> {
    /// Adds a layer of `units` units.
    pub fn layer(mut self, units: usize, activation: Activation) -> Self {
        self.layers.push(LayerPlan { units, activation, weights: None, bias: None });
        self
    }

    /// Adds a layer with its own initialisation of weights and biases.
    pub fn layer_with(mut self, units: usize, activation: Activation, weights: Init, bias: Init) -> Self {
        self.layers.push(LayerPlan { units, activation, weights: Some(weights), bias: Some(bias) });
        self
    }

    /// How weights start in all layers without their own initialisation, before and after this call.
    pub fn init(mut self, weights: Init) -> Self {
        self.weights = Some(weights);
        self
    }

    /// How biases start in all layers without their own initialisation. Default: [`Init::Zeros`].
    pub fn bias_init(mut self, bias: Init) -> Self {
        self.bias = bias;
        self
    }

    /// Draws the parameters, layer by layer, weights before biases.
    ///
    /// # Errors
    /// [`Error::Empty`] without layers, inputs or units, [`Error::SoftmaxOfOne`] for a softmax of one unit,
    /// [`Error::OutOfRange`] for an [`Init`] with invalid parameters, or for layers that do not fit into memory.
    pub fn build<R: Rng + ?Sized>(self, rng: &mut R) -> Result<Network<F>> {
        let mut inputs = self.inputs;
        let mut layers = Vec::with_capacity(self.layers.len());
        for plan in self.layers {
            // Here, because an initialisation divides by a size.
            check_layer_size(inputs, plan.units)?;
            check_fits::<f64>("units of a layer", plan.units, inputs)?;
            let size = (inputs, plan.units);
            let weights =
                plan.weights.or(self.weights).unwrap_or(plan.activation.default_init()).sample(size, size, rng)?;
            let bias = plan.bias.unwrap_or(self.bias).sample((1, plan.units), size, rng)?.remove_axis(Axis(0));
            layers.push(Layer { affine: Affine { weights, bias }, activation: plan.activation });
            inputs = plan.units;
        }
        Network::from_layers(layers)
    }
}
