//! `Scaling`: brings the input columns to a common scale, x′ = (x − shift) / scale.

use super::{Dataset, row_major};
use crate::error::{Error, Result, check_finite};
use crate::real::{Real, count};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Zip};

/// A shift and a scale for each input column: x′ⱼ = (xⱼ − shiftⱼ) / scaleⱼ.
///
/// Compute it from the training set, then apply it to every input of the network, test set included. Both
/// arrays and all arithmetic are `f64`, for either type of data; each result is rounded once.
///
/// ```
/// use chainrule::{Dataset, Scaling};
/// use ndarray::array;
///
/// let train = Dataset::new(array![[1.0, 7.0], [3.0, 7.0]], array![[0.0], [1.0]])?;
/// let scaling = Scaling::standardise(&train)?;
///
/// let train = scaling.apply(train)?;
/// assert_eq!(train.inputs(), array![[-1.0, 0.0], [1.0, 0.0]]);
/// assert_eq!(scaling.transform(array![[5.0, 8.0]].view())?, array![[3.0, 1.0]]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    shift: Array1<f64>, // [inputs]
    scale: Array1<f64>, // [inputs], positive
}

impl Scaling {
    /// To mean 0 and standard deviation 1: shift = m = (1/n) Σ x, scale = √((1/n) Σ (x − m)²), of each column.
    ///
    /// Gradient steps on such inputs have about the same length in every direction (LeCun, Bottou, Orr, Müller:
    /// Efficient BackProp, 1998, section 4.3).
    ///
    /// A column that is constant up to rounding carries no information. It gets scale 1, so it becomes 0, or nearly.
    /// The rule is scikit-learn's, scale ≤ n·ε·|m| with the ε of `f64`. For `f32` data, whose entries are rounded more
    /// coarsely, a scale up to 8ε·|m| (nε·|m| for fewer than eight rows) with the ε of `f32` counts as constant too.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for inputs so large that their sum overflows.
    ///
    /// ```
    /// use chainrule::{Dataset, Scaling};
    /// use ndarray::array;
    ///
    /// let data = Dataset::new(array![[0.0], [0.0], [4.0], [4.0]], array![[0.0], [0.0], [1.0], [1.0]])?;
    /// let scaling = Scaling::standardise(&data)?;
    /// assert_eq!((scaling.shift()[0], scaling.scale()[0]), (2.0, 2.0));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn standardise<F: Real>(data: &Dataset<F>) -> Result<Self> {
        let shift = means(data.inputs())?;

        // In units of the largest deviation, so that no square overflows or vanishes.
        let mut largest = Array1::<f64>::zeros(shift.len());
        for row in data.inputs().rows() {
            Zip::from(&mut largest).and(row).and(&shift).for_each(|u, &x, &m| *u = u.max((x.f64() - m).abs()));
        }
        check_finite("largest deviation of each column of the inputs", None, &largest.view())?;

        let mut scale = Array1::<f64>::zeros(shift.len());
        for row in data.inputs().rows() {
            Zip::from(&mut scale).and(row).and(&shift).and(&largest).for_each(|sum, &x, &m, &u| {
                let deviation = (x.f64() - m) / u.max(f64::MIN_POSITIVE);
                *sum += deviation * deviation;
            });
        }
        let n = count(data.len());
        let rounding = (n * f64::EPSILON).max(n.min(8.0) * F::epsilon().f64());
        Zip::from(&mut scale).and(&largest).and(&shift).for_each(|s, &u, &m| {
            let deviation = u.max(f64::MIN_POSITIVE) * (*s / n).sqrt();
            *s = if deviation > rounding * m.abs() { deviation } else { 1.0 };
        });
        Ok(Self { shift, scale })
    }

    /// To mean 0, with the scale unchanged: shift = (1/n) Σ x, scale = 1. For images, this subtracts the mean image.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for inputs so large that their sum overflows.
    ///
    /// ```
    /// use chainrule::{Dataset, Scaling};
    /// use ndarray::array;
    ///
    /// let data = Dataset::new(array![[10.0_f32], [30.0]], array![[0.0], [1.0]])?;
    /// let data = Scaling::mean(&data)?.apply(data)?;
    /// assert_eq!(data.inputs(), array![[-10.0], [10.0]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn mean<F: Real>(data: &Dataset<F>) -> Result<Self> {
        let shift = means(data.inputs())?;
        Ok(Self { scale: Array1::ones(shift.len()), shift })
    }

    /// The number subtracted from each column, `[inputs]`.
    pub fn shift(&self) -> ArrayView1<'_, f64> {
        self.shift.view()
    }

    /// The number that each column is then divided by, `[inputs]`.
    pub fn scale(&self) -> ArrayView1<'_, f64> {
        self.scale.view()
    }

    /// Scales the inputs of a data set in place. The targets stay unchanged.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn apply<F: Real>(&self, mut data: Dataset<F>) -> Result<Dataset<F>> {
        self.scale_in_place(&mut data.inputs)?;
        Ok(data)
    }

    /// A scaled copy of `inputs`, `[n, inputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of columns, [`Error::NotFinite`] for inputs that are not finite, before or
    /// after scaling.
    ///
    /// ```
    /// use chainrule::{Dataset, Scaling};
    /// use ndarray::array;
    ///
    /// let scaling = Scaling::mean(&Dataset::new(array![[1.0], [3.0]], array![[0.0], [1.0]])?)?;
    /// assert_eq!(scaling.transform(array![[2.5]].view())?, array![[0.5]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn transform<F: Real>(&self, inputs: ArrayView2<'_, F>) -> Result<Array2<F>> {
        let mut scaled = row_major(inputs.to_owned());
        self.scale_in_place(&mut scaled)?;
        Ok(scaled)
    }

    fn scale_in_place<F: Real>(&self, inputs: &mut Array2<F>) -> Result<()> {
        if inputs.ncols() != self.shift.len() {
            return Err(Error::Shape {
                place: "inputs to scale",
                layer: None,
                expected: vec![inputs.nrows(), self.shift.len()],
                found: inputs.shape().to_vec(),
            });
        }
        check_finite("inputs", None, &inputs.view())?;
        for row in inputs.rows_mut() {
            Zip::from(row).and(&self.shift).and(&self.scale).for_each(|x, &shift, &scale| {
                *x = F::from_f64((x.f64() - shift) / scale);
            });
        }
        check_finite("scaled inputs", None, &inputs.view())
    }
}

/// The mean of each column, computed as x₀ + (1/n) Σ (x − x₀) with x₀ from the first row. Exact for a constant column
/// and accurate for small variation around a large value.
fn means<F: Real>(inputs: ArrayView2<'_, F>) -> Result<Array1<f64>> {
    let first = inputs.row(0).mapv(Real::f64);
    let mut mean = Array1::<f64>::zeros(inputs.ncols());
    for row in inputs.rows() {
        Zip::from(&mut mean).and(row).and(&first).for_each(|sum, &x, &x0| *sum += x.f64() - x0);
    }
    let n = count(inputs.nrows());
    Zip::from(&mut mean).and(&first).for_each(|m, &x0| *m = x0 + *m / n);
    check_finite("mean of each column of the inputs", None, &mean.view())?;
    Ok(mean)
}
