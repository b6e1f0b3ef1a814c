//! `Dataset`: pairs of inputs and targets, one example per row. Splits, shuffles and selects rows.
//!
//! ```text
//! (R2)  w = n / (K n_c): weights that let K classes count the same, n_c examples in each
//! (R3)  y ← (1 − ε) y + ε/k: label smoothing
//! ```
//!
//! Derivation: chapter 13, `derivation/13-regularisation.md`.
//!
//! `scaling.rs` shifts and scales columns. `table.rs` holds rows of numbers and words, `csv.rs` reads them, and
//! `preprocessing.rs` makes a `Dataset` of them. `toy.rs` generates small sets from equations, `idx.rs` and `cifar.rs`
//! read MNIST and CIFAR-10, and `download.rs` fetches them.

mod scaling;
mod table;
#[cfg(feature = "csv")]
mod csv;
mod preprocessing;
mod toy;
mod idx;
mod cifar;
#[cfg(feature = "download")]
pub mod download;

#[cfg(feature = "csv")]
pub use self::csv::Csv;
pub use idx::Idx;
pub use preprocessing::{Preprocessing, Value};
pub use scaling::{Scale, Scaling};
pub use table::{Fill, Table};
#[cfg(feature = "safetensors")]
pub(crate) use {preprocessing::Targets, table::Column};

use crate::error::{Error, Result, check_finite, check_fits, check_shape, check_weights};
use crate::real::{Real, count, nearest_count};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rand::Rng;
use rand::seq::SliceRandom;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// Examples to learn from: inputs `[n, inputs]` and targets `[n, outputs]`, one example per row.
///
/// Every data set has at least one row, at least one column of inputs and of targets, and finite numbers only.
/// It is stored in row-major order, so a batch of consecutive rows is contiguous in memory.
///
/// ```
/// use chainrule::{ChaCha8Rng, Dataset, rand::SeedableRng};
/// use ndarray::array;
///
/// let data = Dataset::classification(array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], vec![0, 1, 1], 2)?;
/// assert_eq!(data.targets(), array![[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]);
/// assert_eq!(data.labels(), Some(&[0, 1, 1][..]));
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let (train, test) = data.split(0.7, &mut rng)?;
/// assert_eq!((train.len(), test.len()), (2, 1));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset<F: Real> {
    inputs: Array2<F>,  // [n, inputs]
    targets: Array2<F>, // [n, outputs]
    // [n]; `class` of each target row. An array rather than a `Vec`, because its Debug output is abridged.
    labels: Option<Array1<usize>>,
    // [n]; as the caller gave them.
    weights: Option<Array1<f64>>,
    names: Names,
}

/// The names of the columns, where there are any. Parts of a data set share them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Names {
    features: Option<Arc<[String]>>,
    classes: Option<Arc<[String]>>,
}

impl<F: Real> Dataset<F> {
    /// Inputs `[n, inputs]` with any targets `[n, outputs]`: for regression, or for classes that are already encoded.
    ///
    /// Arrays in another memory order are copied to row-major order.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows or columns, [`Error::Shape`] if the numbers of rows differ,
    /// [`Error::NotFinite`] on a NaN or an infinity.
    ///
    /// ```
    /// use chainrule::{Dataset, Error};
    /// use ndarray::array;
    ///
    /// let data = Dataset::new(array![[1.0], [2.0]], array![[0.5], [0.25]])?;
    /// assert_eq!((data.len(), data.num_inputs(), data.num_outputs()), (2, 1, 1));
    ///
    /// let error = Dataset::new(array![[1.0], [2.0]], array![[0.5]]).unwrap_err();
    /// assert_eq!(error.to_string(), "targets: expected shape [2, 1], found [1, 1]. Every row of inputs has one row of targets");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(inputs: Array2<F>, targets: Array2<F>) -> Result<Self> {
        for (place, array) in [("inputs", &inputs), ("targets", &targets)] {
            if array.is_empty() {
                return Err(Error::Empty { place });
            }
            check_finite(place, None, &array.view())?;
        }
        if targets.nrows() != inputs.nrows() {
            return Err(Error::Shape {
                place: "targets",
                layer: None,
                expected: vec![inputs.nrows(), targets.ncols()],
                found: targets.shape().to_vec(),
            });
        }
        Ok(Self::from_checked(inputs, targets))
    }

    /// Inputs `[n, inputs]` and a class label per row. The targets are the [one-hot](one_hot) labels,
    /// `[n, classes]`.
    ///
    /// A single sigmoid output needs one target column of 0 and 1 instead: use [`Dataset::new`].
    ///
    /// # Errors
    /// Those of [`Dataset::new`] and [`one_hot`].
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// let data = Dataset::classification(array![[0.5], [1.5]], vec![2, 0], 3)?;
    /// assert_eq!(data.targets(), array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn classification(inputs: Array2<F>, labels: Vec<usize>, classes: usize) -> Result<Self> {
        if labels.len() != inputs.nrows() {
            return Err(Error::Shape {
                place: "labels",
                layer: None,
                expected: vec![inputs.nrows()],
                found: vec![labels.len()],
            });
        }
        let targets = one_hot(&labels, classes)?;
        Self::new(inputs, targets)
    }

    /// For arrays that satisfy the invariants, except the memory order. The labels are derived from the targets.
    fn from_checked(inputs: Array2<F>, targets: Array2<F>) -> Self {
        let labels = labels(&targets);
        let (inputs, targets) = (row_major(inputs), row_major(targets));
        Self { inputs, targets, labels, weights: None, names: Names::default() }
    }

    /// The inputs, `[n, inputs]`.
    pub fn inputs(&self) -> ArrayView2<'_, F> {
        self.inputs.view()
    }

    /// The targets, `[n, outputs]`.
    pub fn targets(&self) -> ArrayView2<'_, F> {
        self.targets.view()
    }

    /// The class of each row, or `None` unless every target row is a class indicator: a single 1 among zeros (the
    /// class is its column) or, with one column, 0 or 1 (the class itself).
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// let inputs = array![[0.1], [0.2]];
    /// let label = |targets| Dataset::new(inputs.clone(), targets).map(|data| data.labels().map(<[_]>::to_vec));
    /// assert_eq!(label(array![[0.0, 1.0], [1.0, 0.0]])?, Some(vec![1, 0]));
    /// assert_eq!(label(array![[0.0], [1.0]])?, Some(vec![0, 1]));
    /// assert_eq!(label(array![[0.0], [0.7]])?, None);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn labels(&self) -> Option<&[usize]> {
        self.labels.as_ref().and_then(|labels| labels.as_slice())
    }

    /// The weights of the examples, from [`weighted`](Dataset::weighted) and its like.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_ref().and_then(|weights| weights.as_slice())
    }

    /// Gives every example a weight: how much it counts in training, and in the costs of a validation. A
    /// [`Trainer`](crate::Trainer) divides the weights by their mean over the set, so only their ratios matter. Weights
    /// that are there already are multiplied.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one for each example, [`Error::OutOfRange`] for a weight that is negative, NaN
    /// or infinite, or if none is above 0.
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// let data = Dataset::new(array![[1.0], [2.0]], array![[0.5], [0.25]])?.weighted(&[1.0, 3.0])?;
    /// assert_eq!(data.weights(), Some(&[1.0, 3.0][..]));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn weighted(mut self, weights: &[f64]) -> Result<Self> {
        check_shape("weights of the examples", None, &[self.len()], &[weights.len()])?;
        check_weights(weights)?;
        let old = self.weights.take().unwrap_or_else(|| Array1::ones(self.len()));
        let weights: Array1<f64> = old.iter().zip(weights).map(|(old, new)| old * new).collect();
        let sum = weights.sum();
        if !(sum > 0.0 && sum.is_finite()) {
            let expected = "more than 0, and finite".into();
            return Err(Error::OutOfRange { name: "sum of the weights", expected, found: sum });
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// [`weighted`](Dataset::weighted) by class: an example of class c has the weight `weights[c]`.
    ///
    /// # Errors
    /// Those of [`weighted`](Dataset::weighted), [`Error::NoLabels`] without [`labels`](Dataset::labels), and
    /// [`Error::Shape`] unless there is a weight for each class.
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// let data = Dataset::classification(array![[0.0], [1.0], [2.0]], vec![1, 0, 1], 2)?.class_weighted(&[5.0, 1.0])?;
    /// assert_eq!(data.weights(), Some(&[1.0, 5.0, 1.0][..]));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn class_weighted(self, weights: &[f64]) -> Result<Self> {
        check_shape("weights of the classes", None, &[self.num_classes()], &[weights.len()])?;
        let weights: Vec<f64> = self.class_of_each_row()?.iter().map(|&class| weights[class]).collect();
        self.weighted(&weights)
    }

    /// Weights that let all classes count the same, however many examples they have:
    ///
    /// ```text
    /// (R2)  w = n / (K n_c)   for each of the n_c examples of class c, K the classes that occur
    /// ```
    ///
    /// # Errors
    /// [`Error::NoLabels`] without [`labels`](Dataset::labels).
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// let data = Dataset::classification(array![[0.0], [1.0], [2.0], [3.0]], vec![0, 0, 0, 1], 2)?.balanced()?;
    /// assert_eq!(data.weights(), Some(&[4.0 / 6.0, 4.0 / 6.0, 4.0 / 6.0, 2.0][..]));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn balanced(self) -> Result<Self> {
        let labels = self.class_of_each_row()?;
        let mut examples = vec![0; self.num_classes()];
        labels.iter().for_each(|&class| examples[class] += 1);
        let classes = examples.iter().filter(|&&n| n > 0).count();
        let weight = |&class: &usize| count(labels.len()) / (count(classes) * count(examples[class])); // (R2)
        let weights: Vec<f64> = labels.iter().map(weight).collect();
        self.weighted(&weights)
    }

    /// Label smoothing: targets that are less sure of themselves.
    ///
    /// ```text
    /// (R3)  y ← (1 − ε) y + ε/k   for k outputs;  ε/2 for a single one
    /// ```
    ///
    /// The [`labels`](Dataset::labels) stay (Szegedy et al. 2016, section 7).
    ///
    /// # Errors
    /// [`Error::NoLabels`] without labels, [`Error::OutOfRange`] unless 0 ≤ ε < 1.
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// let data = Dataset::classification(array![[0.0], [1.0]], vec![0, 1], 2)?.smooth_labels(0.25)?;
    /// assert_eq!(data.targets(), array![[0.875, 0.125], [0.125, 0.875]]);
    /// assert_eq!(data.labels(), Some(&[0, 1][..]));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn smooth_labels(mut self, epsilon: f64) -> Result<Self> {
        self.class_of_each_row()?;
        if !(0.0..1.0).contains(&epsilon) {
            let expected = "0 or more, and below 1".into();
            return Err(Error::OutOfRange { name: "label smoothing", expected, found: epsilon });
        }
        let (keep, share) = (1.0 - epsilon, epsilon / count(self.num_classes()));
        self.targets.mapv_inplace(|y| F::from_f64(keep * y.f64() + share)); // (R3) y ← (1 − ε) y + ε/k
        Ok(self)
    }

    /// The classes that the targets can name: two for a single column.
    fn num_classes(&self) -> usize {
        self.num_outputs().max(2)
    }

    pub(crate) fn class_of_each_row(&self) -> Result<&[usize]> {
        self.labels().ok_or_else(|| {
            let row = self.targets.rows().into_iter().position(|row| class(row).is_none());
            Error::NoLabels { row: row.unwrap_or(0) }
        })
    }

    /// Names the input columns. Splits, selections and scaling keep the names.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one name per column, [`Error::Duplicate`] for a name that occurs twice.
    ///
    /// ```
    /// use chainrule::{Dataset, ndarray::array};
    ///
    /// let data = Dataset::classification(array![[5.1, 3.5], [7.0, 3.2]], vec![0, 1], 2)?
    ///     .with_feature_names(["length", "width"])?
    ///     .with_class_names(["setosa", "versicolor"])?;
    /// let part = data.rows(1..2)?;
    /// assert_eq!(part.feature_names().unwrap(), ["length", "width"]);
    /// assert_eq!(part.class_names().unwrap(), ["setosa", "versicolor"]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn with_feature_names(mut self, names: impl IntoIterator<Item: Into<String>>) -> Result<Self> {
        self.names.features = Some(distinct("feature names", self.num_inputs(), names)?);
        Ok(self)
    }

    /// Names the classes, one per target column; two for a single column of 0 and 1.
    ///
    /// # Errors
    /// Those of [`with_feature_names`](Self::with_feature_names), and [`Error::NoLabels`] for targets that are not
    /// classes.
    pub fn with_class_names(mut self, names: impl IntoIterator<Item: Into<String>>) -> Result<Self> {
        self.class_of_each_row()?;
        self.names.classes = Some(distinct("class names", self.num_classes(), names)?);
        Ok(self)
    }

    /// The names of the input columns, if they have any.
    pub fn feature_names(&self) -> Option<&[String]> {
        self.names.features.as_deref()
    }

    /// The names of the classes, if they have any, by their numbers in [`labels`](Self::labels).
    pub fn class_names(&self) -> Option<&[String]> {
        self.names.classes.as_deref()
    }

    /// The number of examples, n; at least 1.
    #[allow(clippy::len_without_is_empty)] // a data set is never empty
    pub fn len(&self) -> usize {
        self.inputs.nrows()
    }

    /// The number of input columns.
    pub fn num_inputs(&self) -> usize {
        self.inputs.ncols()
    }

    /// The number of target columns.
    pub fn num_outputs(&self) -> usize {
        self.targets.ncols()
    }

    /// The rows with these indices, in this order. An index may occur more than once.
    ///
    /// # Errors
    /// [`Error::Empty`] for no rows, [`Error::OutOfRange`] for an index past the last row.
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// let data = Dataset::<f64>::xor().select(&[3, 0, 3])?;
    /// assert_eq!(data.inputs(), array![[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::Empty { place: "rows" });
        }
        match rows.iter().find(|&&row| row >= self.len()) {
            Some(&row) => Err(self.no_such_row(row)),
            None => Ok(self.pick(rows)),
        }
    }

    /// A range of rows: `data.rows(0..5_000)?` returns the first 5,000.
    ///
    /// # Errors
    /// [`Error::Empty`] for no rows, [`Error::OutOfRange`] for an end past the last row.
    ///
    /// ```
    /// use chainrule::Dataset;
    ///
    /// let data = Dataset::<f64>::cosine(200, -7.0, 7.0)?;
    /// assert_eq!(data.rows(0..50)?.len(), 50);
    /// assert_eq!(data.rows(0..201).unwrap_err().to_string(), "row: expected less than 200, found 200");
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn rows(&self, range: Range<usize>) -> Result<Self> {
        if range.is_empty() {
            return Err(Error::Empty { place: "rows" });
        }
        if range.end > self.len() {
            return Err(self.no_such_row(range.end - 1));
        }
        let slice = |array: &Array2<F>| array.slice(ndarray::s![range.clone(), ..]).to_owned();
        let part = Self::from_checked(slice(&self.inputs), slice(&self.targets));
        Ok(Self {
            labels: self
                .labels
                .as_ref()
                .map(|labels| labels.slice(ndarray::s![range.clone()]).to_owned())
                .or(part.labels),
            weights: self.weights.as_ref().map(|weights| weights.slice(ndarray::s![range.clone()]).to_owned()),
            names: self.names.clone(),
            ..part
        })
    }

    /// The same rows in random order. Every order is equally likely.
    ///
    /// ```
    /// use chainrule::{ChaCha8Rng, Dataset, rand::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(7);
    /// let data = Dataset::<f64>::moons(100, 0.1, &mut rng)?.shuffled(&mut rng);
    /// assert_eq!(data.len(), 100);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn shuffled(self, rng: &mut (impl Rng + ?Sized)) -> Self {
        self.pick(&random_order(self.len(), rng))
    }

    /// Shuffles and splits: the first part gets `fraction`·n rows, rounded to the nearest whole number, and the second
    /// part gets the rest.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless 0 < `fraction` < 1 and both parts have at least one row.
    ///
    /// ```
    /// use chainrule::{ChaCha8Rng, Dataset, rand::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(100);
    /// let data = Dataset::<f64>::moons(2_000, 0.2, &mut rng)?;
    /// let (train, test) = data.split(0.7, &mut rng)?;
    /// assert_eq!((train.len(), test.len()), (1_400, 600));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn split(&self, fraction: f64, rng: &mut (impl Rng + ?Sized)) -> Result<(Self, Self)> {
        let (first, second) = random_parts(self.len(), fraction, rng)?;
        Ok((self.pick(&first), self.pick(&second)))
    }

    /// [`split`](Self::split) with the same class proportions in both parts, as nearly as whole rows allow.
    ///
    /// The first part has the same size as in `split`. The classes share it by the largest-remainder method: a class
    /// with m examples gives ⌊`fraction`·m⌋ of them, and the classes with the largest remainders give one more each
    /// until the part is full (the lower class first on a tie). So every class is within one row of its share, and a
    /// very small class may end up in one part only. With a single class in the data this is `split`.
    ///
    /// # Errors
    /// Those of [`split`](Self::split), and [`Error::NoLabels`] without [`labels`](Self::labels).
    ///
    /// ```
    /// use chainrule::{ChaCha8Rng, Dataset, rand::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(3);
    /// let data = Dataset::<f64>::moons(200, 0.2, &mut rng)?;
    /// let (train, _) = data.split_stratified(0.7, &mut rng)?;
    /// assert_eq!(train.targets().column(0).sum(), 70.0);
    /// assert_eq!(train.targets().column(1).sum(), 70.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn split_stratified(&self, fraction: f64, rng: &mut (impl Rng + ?Sized)) -> Result<(Self, Self)> {
        let labels = self.class_of_each_row()?;
        let (first, second) = stratified_parts(labels, self.num_classes(), fraction, rng)?;
        Ok((self.pick(&first), self.pick(&second)))
    }

    /// `select` without the checks.
    fn pick(&self, rows: &[usize]) -> Self {
        let part = Self::from_checked(self.inputs.select(Axis(0), rows), self.targets.select(Axis(0), rows));
        Self {
            // Smoothed targets do not tell their labels; and a part may name classes even if the whole does not.
            labels: self.labels.as_ref().map(|labels| labels.select(Axis(0), rows)).or(part.labels),
            weights: self.weights.as_ref().map(|weights| weights.select(Axis(0), rows)),
            names: self.names.clone(),
            ..part
        }
    }

    fn no_such_row(&self, row: usize) -> Error {
        Error::OutOfRange { name: "row", expected: format!("less than {}", self.len()), found: count(row) }
    }
}

/// The rows of both parts of a split: of n rows, the first part gets `fraction`·n.
fn random_parts(n: usize, fraction: f64, rng: &mut (impl Rng + ?Sized)) -> Result<(Vec<usize>, Vec<usize>)> {
    let first = size_of_first_part(n, fraction)?;
    let mut rows = random_order(n, rng);
    let second = rows.split_off(first);
    Ok((rows, second))
}

/// The same with each class split by `fraction`; see [`Dataset::split_stratified`].
fn stratified_parts(
    labels: &[usize],
    classes: usize,
    fraction: f64,
    rng: &mut (impl Rng + ?Sized),
) -> Result<(Vec<usize>, Vec<usize>)> {
    let size = size_of_first_part(labels.len(), fraction)?;
    let mut examples = vec![0; classes];
    for &class in labels {
        examples[class] += 1;
    }
    let share: Vec<f64> = examples.iter().map(|&m| fraction * count(m)).collect();
    let mut quota: Vec<usize> = share.iter().map(|share| nearest_count(share.floor())).collect();
    let missing = size.saturating_sub(quota.iter().sum());
    let mut by_remainder: Vec<usize> = (0..share.len()).collect();
    by_remainder.sort_by(|&a, &b| share[b].fract().total_cmp(&share[a].fract())); // stable: ties by class
    for &class in by_remainder.iter().take(missing) {
        quota[class] += 1;
    }
    Ok(random_order(labels.len(), rng).into_iter().partition(|&row| {
        let left = &mut quota[labels[row]];
        let wanted = *left > 0;
        *left = left.saturating_sub(1);
        wanted
    }))
}

/// The number of rows in the first part of a split.
fn size_of_first_part(n: usize, fraction: f64) -> Result<usize> {
    if fraction > 0.0 && fraction < 1.0 {
        let first = nearest_count(fraction * count(n));
        if first > 0 && first < n {
            return Ok(first);
        }
    }
    let expected = format!("more than 0, less than 1 (0.7 for 70 %), and at least one of the {n} rows on either side");
    Err(Error::OutOfRange { name: "fraction", expected, found: fraction })
}

fn random_order(n: usize, rng: &mut (impl Rng + ?Sized)) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..n).collect();
    rows.shuffle(rng);
    rows
}

/// So many names, all different.
fn distinct(
    place: &'static str,
    expected: usize,
    names: impl IntoIterator<Item: Into<String>>,
) -> Result<Arc<[String]>> {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    check_shape(place, None, &[expected], &[names.len()])?;
    let mut seen = HashSet::with_capacity(names.len());
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(Error::Duplicate { place, name: name.clone() }),
        None => Ok(names.into()),
    }
}

/// Class labels as target rows `[n, classes]`: yₙₖ = 1 where k is the label of row n, 0 elsewhere.
///
/// # Errors
/// [`Error::Empty`] without labels, [`Error::OutOfRange`] for fewer than two classes or for more than memory can hold,
/// [`Error::Label`] for a label that is not below `classes`.
///
/// ```
/// use chainrule::one_hot;
/// use ndarray::array;
///
/// assert_eq!(one_hot::<f64>(&[2, 0], 3)?, array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
/// let error = one_hot::<f64>(&[3], 3).unwrap_err();
/// assert_eq!(error.to_string(), "label of row 0: expected 0 to 2, found 3: labels count from 0");
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn one_hot<F: Real>(labels: &[usize], classes: usize) -> Result<Array2<F>> {
    if labels.is_empty() {
        return Err(Error::Empty { place: "labels" });
    }
    check_classes(classes)?;
    if let Some(row) = labels.iter().position(|&label| label >= classes) {
        return Err(Error::Label { row, classes, found: labels[row] });
    }
    check_fits::<F>("classes", classes, labels.len())?;
    let mut targets = Array2::zeros((labels.len(), classes));
    for (mut row, &label) in targets.rows_mut().into_iter().zip(labels) {
        row[label] = F::one();
    }
    Ok(targets)
}

fn check_classes(classes: usize) -> Result<()> {
    if classes < 2 {
        return Err(Error::OutOfRange {
            name: "classes",
            expected: "at least 2 (one column of 0 and 1: Dataset::new)".into(),
            found: count(classes),
        });
    }
    Ok(())
}

/// The class that a target row indicates, if any. With a single column, the number itself.
fn class<F: Real>(row: ArrayView1<'_, F>) -> Option<usize> {
    let mut others = row.iter().enumerate().filter(|&(_, &y)| y != F::zero());
    match (others.next(), others.next()) {
        (None, _) if row.len() == 1 => Some(0),
        (Some((k, &y)), None) if y == F::one() => Some(if row.len() == 1 { 1 } else { k }),
        _ => None,
    }
}

/// The class of each target row, if all have one.
fn labels<F: Real>(targets: &Array2<F>) -> Option<Array1<usize>> {
    targets.rows().into_iter().map(class).collect()
}

fn row_major<F: Real>(array: Array2<F>) -> Array2<F> {
    if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() }
}
