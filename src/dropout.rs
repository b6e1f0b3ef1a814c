//! Dropout: in training, each input of a layer is set to 0 in a random part of the examples.
//!
//! ```text
//! (F3)  Ã = A ⊙ M,  with mᵣᵢ = 0 with probability p, else 1/(1 − p)     [n, units]
//! (B6)  dA = dÃ ⊙ M   [n, units]
//! ```
//!
//! On average over the draw m is 1, so a prediction takes A as it is (inverted dropout; Srivastava et al. 2014).
//! The next layer uses Ã in place of A₋₁, in F1 and in B4.
//!
//! Derivation: chapter 13, `derivation/13-regularisation.md`.

use crate::error::{Error, Result};
use crate::kernels::{Formula, Number, each, in_rows};
use crate::real::{ROW_MAJOR, Real, entries, entries_mut, resize_rows};
use ndarray::{Array2, ArrayView2};
use rand::RngCore;

/// The rates of dropout: the probabilities that an input of the network, or an output of a hidden layer, is set to 0.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Dropout, Network, Workspace, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let network = Network::<f64>::builder(4).layer(8, Activation::Relu).layer(1, Activation::Identity).build(&mut rng)?;
/// let mut workspace = Workspace::new(&network, 3);
/// workspace.draw_masks(3, Dropout { inputs: 0.0, hidden: 0.5 }, &mut rng)?;
///
/// assert_eq!(workspace.mask(0), None); // the inputs of layer 0 are X
/// let mask = workspace.mask(1).unwrap(); // 0, or 1/(1 − 0.5)
/// assert!(mask.iter().all(|&m| m == 0.0 || m == 2.0));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dropout {
    /// p for the inputs of the network, 0 or more and below 1; usually 0 to 0.2.
    pub inputs: f64,
    /// p for the outputs of every hidden layer, 0 or more and below 1; usually 0.5.
    pub hidden: f64,
}

impl Dropout {
    pub(crate) fn check(self) -> Result<()> {
        let rates = [("dropout of the inputs", self.inputs), ("dropout of the hidden layers", self.hidden)];
        match rates.into_iter().find(|(_, p)| !(0.0..1.0).contains(p)) {
            Some((name, found)) => Err(Error::OutOfRange { name, expected: "0 or more, and below 1".into(), found }),
            None => Ok(()),
        }
    }

    /// p for the inputs of a layer.
    pub(crate) fn rate(self, layer: usize) -> f64 {
        if layer == 0 { self.inputs } else { self.hidden }
    }
}

/// The mask M on the inputs of one layer, and the masked inputs Ã, each `[n, units]`.
#[derive(Clone, Debug)]
pub(crate) struct Masked<F> {
    pub(crate) mask: Array2<F>,
    a: Array2<F>,
}

impl<F: Real> Masked<F> {
    pub(crate) fn new(mask: Array2<F>) -> Self {
        Masked { a: Array2::zeros(mask.dim()), mask }
    }

    pub(crate) fn set_rows(&mut self, rows: usize) {
        resize_rows(&mut self.mask, rows);
        resize_rows(&mut self.a, rows);
    }

    /// Ã of the last forward pass.
    pub(crate) fn a(&self) -> ArrayView2<'_, F> {
        self.a.view()
    }

    /// F3. `a` is row-major.
    pub(crate) fn forward(&mut self, a: ArrayView2<'_, F>) -> ArrayView2<'_, F> {
        let a = a.to_slice().expect(ROW_MAJOR);
        each(Product, [entries_mut(&mut self.a)], [a, entries(&self.mask)]); // (F3) Ã = A ⊙ M   [n, units]
        self.a.view()
    }

    /// B6. Forward was Ã = A ⊙ M, entry by entry, so every dÃ comes back with the factor that its A had: dA = dÃ ⊙ M.
    pub(crate) fn backward(&self, da: &mut Array2<F>) {
        each(Scaled, [entries_mut(da)], [entries(&self.mask)]); // (B6) dA = dÃ ⊙ M   [n, units]
    }

    /// Draws the mask of each row with a separate generator, `of_row`.
    pub(crate) fn draw<R: RngCore>(&mut self, p: f64, of_row: &(impl Fn(usize) -> R + Sync)) {
        let keep = F::from_f64(1.0 / (1.0 - p));
        let bound = p * (f64::from(u32::MAX) + 1.0);
        in_rows(self.mask.view_mut(), &|row, mut mask| {
            let mut rng = of_row(row);
            // (F3) m = 0 with probability p, else 1/(1 − p)
            mask.map_inplace(|m| *m = if f64::from(rng.next_u32()) < bound { F::zero() } else { keep });
        });
    }
}

/// F3.
#[derive(Clone, Copy)]
struct Product;

impl Formula<1, 2> for Product {
    #[inline(always)]
    fn at<N: Number>(self, _: [N; 1], [a, m]: [N; 2]) -> [N; 1] {
        [a * m]
    }
}

/// B6.
#[derive(Clone, Copy)]
struct Scaled;

impl Formula<1, 1> for Scaled {
    #[inline(always)]
    fn at<N: Number>(self, [da]: [N; 1], [m]: [N; 1]) -> [N; 1] {
        [da * m]
    }
}
