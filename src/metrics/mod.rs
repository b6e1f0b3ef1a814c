//! Metrics: accuracy, for one class per row and for independent labels, and the confusion matrix. `report.rs`:
//! precision, recall and F1. `ranking.rs`: metrics of scores and probabilities. `regression.rs`: metrics of numbers.

use crate::error::{Error, Result, check_fits, check_shape};
use crate::real::{Real, count};
use ndarray::{Array2, ArrayBase, ArrayRef, ArrayView2, Data, Ix1};
use std::borrow::Cow;
use std::fmt;

mod ranking;
mod regression;
mod report;

pub use ranking::{CalibrationBin, calibration, log_loss, roc_auc, roc_auc_one_vs_rest, top_k_accuracy};
pub use regression::{mean_absolute_error, r_squared, root_mean_squared_error};
pub use report::{ClassScores, ClassificationReport};

mod sealed {
    use std::borrow::Cow;

    pub trait Classes {
        fn classes(&self) -> Cow<'_, [usize]>;
    }
}

/// Class labels or predicted classes: a slice, an array, a `Vec`, or an `Array1` such as
/// [`Network::classify`](crate::Network::classify) returns, and references to these.
pub trait Labels: sealed::Classes {}

impl<T: sealed::Classes + ?Sized> Labels for T {}

impl sealed::Classes for [usize] {
    fn classes(&self) -> Cow<'_, [usize]> {
        self.into()
    }
}

impl<const N: usize> sealed::Classes for [usize; N] {
    fn classes(&self) -> Cow<'_, [usize]> {
        self.as_slice().into()
    }
}

impl sealed::Classes for Vec<usize> {
    fn classes(&self) -> Cow<'_, [usize]> {
        self.into()
    }
}

impl sealed::Classes for ArrayRef<usize, Ix1> {
    fn classes(&self) -> Cow<'_, [usize]> {
        self.as_slice().map_or_else(|| self.to_vec().into(), Cow::from)
    }
}

impl<S: Data<Elem = usize>> sealed::Classes for ArrayBase<S, Ix1> {
    fn classes(&self) -> Cow<'_, [usize]> {
        (**self).classes()
    }
}

impl<T: sealed::Classes + ?Sized> sealed::Classes for &T {
    fn classes(&self) -> Cow<'_, [usize]> {
        (**self).classes()
    }
}

/// The fraction of correct predictions, 0 to 1.
///
/// # Errors
/// [`Error::Shape`] if the numbers of predictions and labels differ, [`Error::Empty`] if there are none.
///
/// ```
/// use chainrule::accuracy;
///
/// assert_eq!(accuracy(&[0, 1, 1, 0], &[0, 1, 0, 0])?, 0.75);
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// Of a network on a data set:
///
/// ```
/// use chainrule::{Activation, Dataset, Layer, Network, accuracy, ndarray::array};
///
/// let xor = Dataset::<f64>::xor();
/// let or = Layer::new(array![[4.0], [4.0]], array![-2.0], Activation::Sigmoid)?;
/// let network = Network::from_layers(vec![or])?;
/// if let Some(labels) = xor.labels() {
///     assert_eq!(accuracy(&network.classify(xor.inputs())?, labels)?, 0.75);
/// }
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn accuracy(predictions: &(impl Labels + ?Sized), labels: &(impl Labels + ?Sized)) -> Result<f64> {
    let (predictions, labels) = (predictions.classes(), labels.classes());
    check_pairs(&predictions, &labels)?;
    let correct = predictions.iter().zip(labels.iter()).filter(|(p, l)| p == l).count();
    Ok(count(correct) / count(labels.len()))
}

/// The fraction of correct decisions over all examples and outputs, 0 to 1, for independent labels: several sigmoid
/// outputs, any number of which may be 1.
///
/// `decisions` are `[n, outputs]`, true where the network says yes. `targets` are 0 or 1, of the same shape. If few
/// labels are 1, a network that always says no has a high accuracy too.
///
/// # Errors
/// [`Error::Shape`] for different shapes, [`Error::Empty`] for no targets, [`Error::OutOfRange`] for a target that is
/// neither 0 nor 1.
///
/// ```
/// use chainrule::{multi_label_accuracy, ndarray::array};
///
/// // What `Network::decisions` returns.
/// let decisions = array![[true, false, true], [false, true, false]];
/// let targets = array![[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]];
/// assert_eq!(multi_label_accuracy(decisions.view(), targets.view())?, 5.0 / 6.0);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn multi_label_accuracy<F: Real>(decisions: ArrayView2<'_, bool>, targets: ArrayView2<'_, F>) -> Result<f64> {
    check_shape("decisions", None, targets.shape(), decisions.shape())?;
    if targets.is_empty() {
        return Err(Error::Empty { place: "targets" });
    }
    if let Some(found) = targets.iter().find(|&&y| y != F::zero() && y != F::one()) {
        return Err(Error::OutOfRange { name: "target", expected: "0 or 1".into(), found: found.f64() });
    }
    let correct = decisions.iter().zip(&targets).filter(|&(&decision, &y)| decision == (y == F::one())).count();
    Ok(count(correct) / count(targets.len()))
}

/// The number of examples for each pair of classes: rows are the true classes, columns the predicted ones.
///
/// ```
/// use chainrule::ConfusionMatrix;
///
/// let confusion = ConfusionMatrix::new(&[0, 1, 1, 0], &[0, 1, 0, 0], 2)?;
/// assert_eq!(confusion.counts()[[0, 1]], 1); // a 0 taken for a 1
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!(
///     confusion.to_string(),
///     "true \\ predicted  0  1\n\
///      \x20              0  2  1\n\
///      \x20              1  0  1\n"
/// );
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Array2<usize>,
    names: Option<Vec<String>>,
}

impl ConfusionMatrix {
    /// Counts predictions against labels, both below `classes`.
    ///
    /// # Errors
    /// As [`accuracy`], [`Error::Label`] for a prediction or label out of range, and [`Error::OutOfRange`] if
    /// classes² exceeds memory.
    pub fn new(predictions: &(impl Labels + ?Sized), labels: &(impl Labels + ?Sized), classes: usize) -> Result<Self> {
        let (predictions, labels) = (predictions.classes(), labels.classes());
        check_pairs(&predictions, &labels)?;
        check_fits::<usize>("classes", classes, classes)?;
        let mut counts = Array2::zeros((classes, classes));
        for (row, (&prediction, &label)) in predictions.iter().zip(labels.iter()).enumerate() {
            let found = prediction.max(label);
            if found >= classes {
                return Err(Error::Label { row, classes, found });
            }
            counts[[label, prediction]] += 1;
        }
        Ok(ConfusionMatrix { counts, names: None })
    }

    /// The same counts, printed with the names of the classes, such as
    /// [`Dataset::class_names`](crate::Dataset::class_names).
    ///
    /// # Errors
    /// [`Error::Shape`] unless there is one name per class.
    ///
    /// ```
    /// use chainrule::ConfusionMatrix;
    ///
    /// let confusion = ConfusionMatrix::new(&[0, 1, 1, 0], &[0, 1, 0, 0], 2)?.with_class_names(["ham", "spam"])?;
    /// assert_eq!(
    ///     confusion.to_string(),
    ///     "true \\ predicted   ham  spam\n\
    ///      \x20            ham     2     1\n\
    ///      \x20           spam     0     1\n"
    /// );
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn with_class_names(mut self, names: impl IntoIterator<Item: Into<String>>) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        check_shape("class names", None, &[self.counts.nrows()], &[names.len()])?;
        self.names = Some(names);
        Ok(self)
    }

    /// The counts, `[true class, predicted class]`.
    pub fn counts(&self) -> &Array2<usize> {
        &self.counts
    }

    /// The fraction of examples on the diagonal, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        count(self.counts.diag().sum()) / count(self.counts.sum())
    }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = || (0..self.counts.nrows()).map(|class| class.to_string()).collect();
        let names: Cow<'_, [String]> = self.names.as_ref().map_or_else(|| Cow::Owned(numbers()), |names| names.into());
        let width_of = |text: &String| text.chars().count();
        let corner = "true \\ predicted";
        let widest = names.iter().map(width_of).max().unwrap_or(1);
        let margin = widest.max(corner.len());
        let width = self.counts.iter().map(|n| width_of(&n.to_string())).max().unwrap_or(1).max(widest);
        write!(f, "{corner:>margin$}")?;
        for name in names.iter() {
            write!(f, "  {name:>width$}")?;
        }
        for (name, row) in names.iter().zip(self.counts.rows()) {
            write!(f, "\n{name:>margin$}")?;
            for n in row {
                write!(f, "  {n:>width$}")?;
            }
        }
        writeln!(f)
    }
}

/// The index of the largest entry of a row, the first of equals.
pub(crate) fn argmax<F: Real>(row: &[F]) -> usize {
    let mut best = 0;
    for (k, &a) in row.iter().enumerate() {
        if a > row[best] {
            best = k;
        }
    }
    best
}

/// The class that one row of outputs stands for: with a single output, whether it is above ½.
pub(crate) fn class<F: Real>(row: &[F]) -> usize {
    if row.len() == 1 { usize::from(row[0] > F::from_f64(0.5)) } else { argmax(row) }
}

fn check_pairs(predictions: &[usize], labels: &[usize]) -> Result<()> {
    if predictions.len() != labels.len() {
        let (expected, found) = (vec![labels.len()], vec![predictions.len()]);
        return Err(Error::Shape { place: "predictions", layer: None, expected, found });
    }
    if labels.is_empty() {
        return Err(Error::Empty { place: "labels" });
    }
    Ok(())
}
