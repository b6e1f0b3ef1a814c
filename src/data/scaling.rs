//! `Scaling`: brings the columns of inputs or targets to a common scale, x′ = (x − shift) / scale.

use super::{Dataset, labels, row_major};
use crate::error::{Error, Result, check_finite, check_shape};
use crate::real::{Real, count, nearest_count};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Zip};

/// What a [`Scaling`] makes of each column. m is its mean, and a quartile is interpolated between the two nearest rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Scale {
    /// Nothing: shift = 0, scale = 1.
    Unchanged,
    /// Mean 0: shift = m = (1/n) Σ x, scale = 1.
    Mean,
    /// Mean 0 and standard deviation 1: shift = m, scale = √((1/n) Σ (x − m)²).
    Standard,
    /// 0 to 1: shift = min, scale = max − min. One outlier sets the scale of all the others.
    MinMax,
    /// Median 0 and an interquartile range of 1: shift = median, scale = upper quartile − lower quartile. Outliers
    /// hardly change it.
    Robust,
}

/// A shift and a scale for each column: x′ⱼ = (xⱼ − shiftⱼ) / scaleⱼ.
///
/// Learn it from the training set, then apply it to every input of the network, test set included. Both
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
///
/// # From the training set alone
///
/// A scaling that is learnt from all rows has seen the test set. The test figure is then about other numbers than those
/// that come in use, and usually too good. In an extreme case:
///
/// ```
/// use chainrule::{Dataset, Scaling, ndarray::array};
///
/// let (train, test) = (array![[0.0], [1.0], [2.0]], array![[100.0]]);
/// let of = |inputs: ndarray::Array2<f64>| Dataset::new(inputs.clone(), inputs);
///
/// // From the training set: the new row is far outside of everything that the network has seen, and looks so.
/// let scaling = Scaling::min_max(&of(train.clone())?)?;
/// assert_eq!(scaling.transform(train.view())?, array![[0.0], [0.5], [1.0]]);
/// assert_eq!(scaling.transform(test.view())?, array![[50.0]]);
///
/// // From all four rows: the new row becomes an ordinary 1, and the training rows lie within a fiftieth.
/// let leak = Scaling::min_max(&of(array![[0.0], [1.0], [2.0], [100.0]])?)?;
/// assert_eq!(leak.transform(train.view())?, array![[0.0], [0.01], [0.02]]);
/// assert_eq!(leak.transform(test.view())?, array![[1.0]]);
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// [`Preprocessing`](crate::Preprocessing) does this for tables, and keeps the scaling together with the network.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Scaling {
    shift: Array1<f64>, // [columns]
    scale: Array1<f64>, // [columns], positive
}

impl Scaling {
    /// A scaling from its numbers, one shift and one scale per column.
    ///
    /// # Errors
    /// [`Error::Shape`] for different lengths, [`Error::Empty`] for none, [`Error::NotFinite`] for a NaN or an
    /// infinity, [`Error::OutOfRange`] for a scale that is not above 0.
    ///
    /// ```
    /// use chainrule::{Scaling, ndarray::array};
    ///
    /// let celsius = Scaling::new(array![32.0], array![1.8])?;
    /// assert_eq!(celsius.transform(array![[212.0], [32.0]].view())?, array![[100.0], [0.0]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn new(shift: Array1<f64>, scale: Array1<f64>) -> Result<Self> {
        if shift.is_empty() {
            return Err(Error::Empty { place: "columns of the scaling" });
        }
        check_shape("scale", None, shift.shape(), scale.shape())?;
        check_finite("shift", None, &shift.view())?;
        check_finite("scale", None, &scale.view())?;
        match scale.iter().find(|&&scale| scale <= 0.0) {
            Some(&found) => Err(Error::OutOfRange { name: "scale", expected: "more than 0".into(), found }),
            None => Ok(Self { shift, scale }),
        }
    }

    /// The scaling of this kind, learnt from the rows of an array: of the inputs of a data set, or of the targets of a
    /// regression.
    ///
    /// A column that is constant up to rounding carries no information. It gets scale 1, for every kind.
    ///
    /// # Errors
    /// [`Error::Empty`] for no rows or columns, [`Error::NotFinite`] for a NaN or an infinity, and for numbers so large
    /// that their sum or their range overflows.
    ///
    /// ```
    /// use chainrule::{Scale, Scaling, ndarray::array};
    ///
    /// let prices = array![[100.0], [120.0], [140.0], [160.0], [9_000.0]];
    /// let scaling = Scaling::learn(Scale::Robust, prices.view())?;
    /// assert_eq!((scaling.shift()[0], scaling.scale()[0]), (140.0, 40.0)); // median 140, quartiles 120 and 160
    /// let scaled = scaling.transform(prices.view())?;
    /// assert_eq!(scaled.row(3)[0], 0.5);
    /// assert_eq!(scaling.inverse(scaled.view())?, prices);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn learn<F: Real>(kind: Scale, rows: ArrayView2<'_, F>) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::Empty { place: "rows of the scaling" });
        }
        check_finite("rows of the scaling", None, &rows)?;
        let columns = rows.ncols();
        match kind {
            Scale::Unchanged => Ok(Self { shift: Array1::zeros(columns), scale: Array1::ones(columns) }),
            Scale::Mean => Ok(Self { shift: means(rows)?, scale: Array1::ones(columns) }),
            Scale::Standard => standard(rows),
            Scale::MinMax => ordered(rows, |sorted| {
                let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
                (min, max - min)
            }),
            Scale::Robust => {
                ordered(rows, |sorted| (quantile(sorted, 0.5), quantile(sorted, 0.75) - quantile(sorted, 0.25)))
            }
        }
    }

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
        Self::learn(Scale::Standard, data.inputs())
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
        Self::learn(Scale::Mean, data.inputs())
    }

    /// To 0 … 1: shift = min, scale = max − min, of each column. A constant column becomes 0, or nearly.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for inputs so large that max − min overflows.
    ///
    /// ```
    /// use chainrule::{Dataset, Scaling, ndarray::array};
    ///
    /// let data = Dataset::new(array![[2.0, 7.0], [4.0, 7.0], [6.0, 7.0]], array![[0.0], [1.0], [1.0]])?;
    /// let data = Scaling::min_max(&data)?.apply(data)?;
    /// assert_eq!(data.inputs(), array![[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn min_max<F: Real>(data: &Dataset<F>) -> Result<Self> {
        Self::learn(Scale::MinMax, data.inputs())
    }

    /// To median 0 and an interquartile range of 1: shift = median, scale = upper quartile − lower quartile, of each
    /// column, as scikit-learn's `RobustScaler`. A column whose middle half is one number gets scale 1.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for inputs so large that the range overflows.
    ///
    /// ```
    /// use chainrule::{Dataset, Scaling, ndarray::array};
    ///
    /// let data = Dataset::new(array![[1.0], [2.0], [3.0], [4.0], [500.0]], array![[0.0], [0.0], [0.0], [1.0], [1.0]])?;
    /// let data = Scaling::robust(&data)?.apply(data)?;
    /// assert_eq!(data.inputs(), array![[-1.0], [-0.5], [0.0], [0.5], [248.5]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn robust<F: Real>(data: &Dataset<F>) -> Result<Self> {
        Self::learn(Scale::Robust, data.inputs())
    }

    /// The number subtracted from each column, `[columns]`.
    pub fn shift(&self) -> ArrayView1<'_, f64> {
        self.shift.view()
    }

    /// The number that each column is then divided by, `[columns]`.
    pub fn scale(&self) -> ArrayView1<'_, f64> {
        self.scale.view()
    }

    /// Scales the inputs of a data set in place. The targets stay unchanged.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn apply<F: Real>(&self, mut data: Dataset<F>) -> Result<Dataset<F>> {
        self.scale_in_place("inputs", &mut data.inputs)?;
        Ok(data)
    }

    /// Scales the targets of a regression. The inputs stay unchanged. [`inverse`](Self::inverse) brings predictions
    /// back to the units of the targets.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    ///
    /// ```
    /// use chainrule::{Dataset, Scale, Scaling, ndarray::array};
    ///
    /// let houses = Dataset::new(array![[50.0], [150.0]], array![[200_000.0], [400_000.0]])?;
    /// let scaling = Scaling::learn(Scale::Standard, houses.targets())?;
    /// let scaled = scaling.apply_to_targets(houses)?;
    /// assert_eq!(scaled.targets(), array![[-1.0], [1.0]]);
    /// assert_eq!(scaling.inverse(scaled.targets())?, array![[200_000.0], [400_000.0]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn apply_to_targets<F: Real>(&self, mut data: Dataset<F>) -> Result<Dataset<F>> {
        self.scale_in_place("targets", &mut data.targets)?;
        data.labels = labels(&data.targets);
        if data.labels.is_none() {
            data.names.classes = None;
        }
        Ok(data)
    }

    /// A scaled copy of `inputs`, `[n, columns]`.
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
        self.scale_in_place("inputs", &mut scaled)?;
        Ok(scaled)
    }

    /// The way back, x = scale·x′ + shift, for `[n, columns]`: up to rounding, the inverse of
    /// [`transform`](Self::transform).
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn inverse<F: Real>(&self, scaled: ArrayView2<'_, F>) -> Result<Array2<F>> {
        let back = |x: F, shift, scale| F::from_f64(x.f64() * scale + shift);
        let mut rows = row_major(scaled.to_owned());
        self.change("scaled rows", "rows in their own units", &mut rows, back)?;
        Ok(rows)
    }

    fn scale_in_place<F: Real>(&self, place: &'static str, rows: &mut Array2<F>) -> Result<()> {
        let scaled = if place == "targets" { "scaled targets" } else { "scaled inputs" };
        self.change(place, scaled, rows, |x, shift, scale| F::from_f64((x.f64() - shift) / scale))
    }

    fn change<F: Real>(
        &self,
        place: &'static str,
        result: &'static str,
        rows: &mut Array2<F>,
        change: impl Fn(F, f64, f64) -> F,
    ) -> Result<()> {
        let columns = match place {
            "targets" => "targets to scale",
            "inputs" => "inputs to scale",
            place => place,
        };
        check_shape(columns, None, &[rows.nrows(), self.shift.len()], rows.shape())?;
        check_finite(place, None, &rows.view())?;
        for row in rows.rows_mut() {
            Zip::from(row)
                .and(&self.shift)
                .and(&self.scale)
                .for_each(|x, &shift, &scale| *x = change(*x, shift, scale));
        }
        check_finite(result, None, &rows.view())
    }
}

/// [`Scale::Standard`].
fn standard<F: Real>(rows: ArrayView2<'_, F>) -> Result<Scaling> {
    let shift = means(rows)?;

    // In units of the largest deviation, so that no square overflows or vanishes.
    let mut largest = Array1::<f64>::zeros(shift.len());
    for row in rows.rows() {
        Zip::from(&mut largest).and(row).and(&shift).for_each(|u, &x, &m| *u = u.max((x.f64() - m).abs()));
    }
    check_finite("largest deviation of each column", None, &largest.view())?;

    let mut scale = Array1::<f64>::zeros(shift.len());
    for row in rows.rows() {
        Zip::from(&mut scale).and(row).and(&shift).and(&largest).for_each(|sum, &x, &m, &u| {
            let deviation = (x.f64() - m) / u.max(f64::MIN_POSITIVE);
            *sum += deviation * deviation;
        });
    }
    let n = count(rows.nrows());
    let rounding = (n * f64::EPSILON).max(n.min(8.0) * F::epsilon().f64());
    Zip::from(&mut scale).and(&largest).and(&shift).for_each(|s, &u, &m| {
        let deviation = u.max(f64::MIN_POSITIVE) * (*s / n).sqrt();
        *s = if deviation > rounding * m.abs() { deviation } else { 1.0 };
    });
    Ok(Scaling { shift, scale })
}

/// A scaling whose shift and scale come from the sorted numbers of a column. Numbers that lie within 8ε of each other
/// count as one.
fn ordered<F: Real>(rows: ArrayView2<'_, F>, shift_and_scale: impl Fn(&[f64]) -> (f64, f64)) -> Result<Scaling> {
    let column = |column: ArrayView1<'_, F>| {
        let mut sorted: Vec<f64> = column.iter().map(|x| x.f64()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (shift, scale) = shift_and_scale(&sorted);
        let rounding = 8.0 * F::epsilon().f64() * shift.abs();
        (shift, if scale > rounding { scale } else { 1.0 })
    };
    let (shift, scale): (Vec<f64>, Vec<f64>) = rows.columns().into_iter().map(column).unzip();
    let scaling = Scaling { shift: shift.into(), scale: scale.into() };
    check_finite("range of each column", None, &scaling.scale.view())?;
    Ok(scaling)
}

/// The number below which a fraction of the sorted numbers lies, interpolated between the two nearest.
pub(super) fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let place = fraction * count(sorted.len() - 1);
    let below = nearest_count(place.floor());
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    // As a weighted mean: a difference could overflow.
    let weight = place - place.floor();
    sorted[below] * (1.0 - weight) + above * weight
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
    check_finite("mean of each column", None, &mean.view())?;
    Ok(mean)
}
