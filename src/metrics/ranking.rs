//! Metrics of scores and probabilities: top-k accuracy, ROC AUC, log loss, calibration.

use super::{Labels, check_pairs};
use crate::error::{Error, Result, check_finite, check_shape};
use crate::real::{Real, count, nearest_count};
use ndarray::{ArrayView1, ArrayView2};

/// The fraction of examples whose class is among the `k` largest of its `[n, classes]` outputs.
///
/// Of equal outputs the later one counts as larger, as in scikit-learn; so for k = 1 it differs from
/// [`accuracy`](super::accuracy) on ties.
///
/// # Errors
/// [`Error::Shape`], [`Error::Empty`], [`Error::NotFinite`] and [`Error::Label`] for outputs and labels that do not
/// fit, [`Error::OutOfRange`] for k = 0 or a single column.
///
/// ```
/// use chainrule::{ndarray::array, top_k_accuracy};
///
/// let outputs = array![[0.5, 0.3, 0.2], [0.5, 0.2, 0.3]];
/// assert_eq!(top_k_accuracy(outputs.view(), &[1, 1], 2)?, 0.5);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn top_k_accuracy<F: Real>(outputs: ArrayView2<'_, F>, labels: &(impl Labels + ?Sized), k: usize) -> Result<f64> {
    let labels = labels.classes();
    check_several("top-k accuracy (of a single one: accuracy, from classify)", outputs.ncols())?;
    check_classes("outputs", &outputs, &labels)?;
    if k == 0 {
        return Err(Error::OutOfRange { name: "k", expected: "1 or more".into(), found: 0.0 });
    }
    let hit = |row: &ArrayView1<'_, F>, label: usize| {
        let ahead = |(class, &a): (usize, &F)| a > row[label] || (a == row[label] && class > label);
        row.iter().enumerate().filter(|&output| ahead(output)).count() < k
    };
    let hits = outputs.rows().into_iter().zip(labels.iter()).filter(|(row, label)| hit(row, **label)).count();
    Ok(count(hits) / count(labels.len()))
}

/// The area under the ROC curve of a yes-or-no question: the probability that a random 1 has a larger score than a
/// random 0, where equal scores count half. 0.5 is chance, 1 perfect. Only the order of the scores matters.
///
/// # Errors
/// [`Error::Shape`], [`Error::Empty`] and [`Error::NotFinite`] for scores and labels that do not fit,
/// [`Error::OutOfRange`] for a label above 1, [`Error::AbsentClass`] if one of the two classes has no example.
///
/// ```
/// use chainrule::{ndarray::array, roc_auc};
///
/// assert_eq!(roc_auc(array![0.1, 0.4, 0.35, 0.8].view(), &[0, 0, 1, 1])?, 0.75);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn roc_auc<F: Real>(scores: ArrayView1<'_, F>, labels: &(impl Labels + ?Sized)) -> Result<f64> {
    let labels = labels.classes();
    check_yes_or_no("scores", &scores, &labels)?;
    check_present(&labels, 2)?;
    let yes: Vec<bool> = labels.iter().map(|&label| label == 1).collect();
    Ok(area(&scores, &yes))
}

/// The mean over the classes of [`roc_auc`], each class against the rest: macro average, one-vs-rest. `outputs` are
/// `[n, classes]`.
///
/// # Errors
/// As [`roc_auc`]; [`Error::Label`] for a label that has no column, [`Error::OutOfRange`] for a single column.
///
/// ```
/// use chainrule::{ndarray::array, roc_auc_one_vs_rest};
///
/// let outputs = array![[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.1, 0.3, 0.6]];
/// assert_eq!(roc_auc_one_vs_rest(outputs.view(), &[0, 1, 2])?, 1.0);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn roc_auc_one_vs_rest<F: Real>(outputs: ArrayView2<'_, F>, labels: &(impl Labels + ?Sized)) -> Result<f64> {
    let labels = labels.classes();
    check_several("one against the rest (of a single one: roc_auc)", outputs.ncols())?;
    check_classes("outputs", &outputs, &labels)?;
    check_present(&labels, outputs.ncols())?;
    let mut sum = 0.0;
    for class in 0..outputs.ncols() {
        let yes: Vec<bool> = labels.iter().map(|&label| label == class).collect();
        sum += area(&outputs.column(class), &yes);
    }
    Ok(sum / count(outputs.ncols()))
}

/// From the ranks R of the positives among all scores: (Σ R − p (p + 1)/2) / (p q), for p positives and q negatives.
fn area<F: Real>(scores: &ArrayView1<'_, F>, yes: &[bool]) -> f64 {
    let positives = yes.iter().filter(|&&yes| yes).count();
    let (p, q) = (count(positives), count(yes.len() - positives));
    // −0 becomes 0
    let mut order: Vec<(f64, bool)> = scores.iter().map(|score| score.f64() + 0.0).zip(yes.iter().copied()).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut before) = (0.0, 0);
    for equal in order.chunk_by(|a, b| a.0 == b.0) {
        let midrank = count(before) + (count(equal.len()) + 1.0) / 2.0;
        ranks += midrank * count(equal.iter().filter(|(_, yes)| *yes).count());
        before += equal.len();
    }
    (ranks - p * (p + 1.0) / 2.0) / (p * q)
}

/// Refuses labels without an example of every class.
fn check_present(labels: &[usize], classes: usize) -> Result<()> {
    let mut present = vec![false; classes];
    labels.iter().for_each(|&label| present[label] = true);
    present.iter().position(|present| !present).map_or(Ok(()), |class| Err(Error::AbsentClass { class }))
}

/// Refuses a single output where there must be one per class.
fn check_several(what: &str, outputs: usize) -> Result<()> {
    if outputs >= 2 {
        return Ok(());
    }
    Err(Error::OutOfRange { name: "outputs", expected: format!("2 or more for {what}"), found: count(outputs) })
}

/// The mean of −ln p over the examples, p the probability that the outputs give the right class: cross-entropy on
/// labels. `probabilities` are `[n, classes]`, rows that sum to 1; or `[n, 1]`, the probabilities of class 1.
///
/// Probabilities are moved away from 0 and 1 by `F`'s epsilon first, as in scikit-learn, so the result is finite.
///
/// # Errors
/// [`Error::Shape`], [`Error::Empty`], [`Error::NotFinite`] and [`Error::Label`] for arrays that do not fit,
/// [`Error::OutOfRange`] for numbers that are not probabilities.
///
/// ```
/// use chainrule::{log_loss, ndarray::array};
///
/// let loss = log_loss(array![[0.25, 0.75], [0.5, 0.5]].view(), &[1, 0])?;
/// assert!((loss + (0.75_f64 * 0.5).ln() / 2.0).abs() < 1e-15);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn log_loss<F: Real>(probabilities: ArrayView2<'_, F>, labels: &(impl Labels + ?Sized)) -> Result<f64> {
    let labels = labels.classes();
    let single = probabilities.ncols() == 1;
    if single {
        check_yes_or_no("probabilities", &probabilities.column(0), &labels)?;
    } else {
        check_classes("probabilities", &probabilities, &labels)?;
    }
    check_probabilities(probabilities.iter())?;
    for row in probabilities.rows() {
        let sum: f64 = row.iter().map(|p| p.f64()).sum();
        if !single && (sum - 1.0).abs() > F::epsilon().f64().sqrt() {
            let expected = "1; pass probabilities, as a softmax gives them".into();
            return Err(Error::OutOfRange { name: "sum of a row of probabilities", expected, found: sum });
        }
    }
    let epsilon = F::epsilon().f64();
    let surprise = |(row, &label): (ArrayView1<'_, F>, &usize)| {
        let p = if single && label == 0 { 1.0 - row[0].f64() } else { row[if single { 0 } else { label }].f64() };
        -p.clamp(epsilon, 1.0 - epsilon).ln()
    };
    Ok(probabilities.rows().into_iter().zip(labels.iter()).map(surprise).sum::<f64>() / count(labels.len()))
}

/// One line of a calibration table.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// The bin is for probabilities above this one; the first also for 0.
    pub low: f64,
    /// And up to this one, inclusive.
    pub high: f64,
    /// The number of predictions in the bin.
    pub count: usize,
    /// The mean of their probabilities.
    pub mean_probability: f64,
    /// The fraction of them whose label is 1. Of a calibrated network, it is close to the mean probability.
    pub fraction_of_positives: f64,
}

/// The calibration table of the probabilities of class 1: `bins` equal intervals of 0 to 1, without the empty ones, in
/// rising order. A probability on a bound belongs to the lower bin, as in scikit-learn.
///
/// # Errors
/// As [`roc_auc`], except that one class is enough; [`Error::OutOfRange`] for numbers that are not probabilities, or no
/// bins.
///
/// ```
/// use chainrule::{calibration, ndarray::array};
///
/// let table = calibration(array![0.1, 0.2, 0.9].view(), &[0, 1, 1], 2)?;
/// assert_eq!(table.len(), 2);
/// assert_eq!((table[0].low, table[0].high), (0.0, 0.5));
/// assert_eq!((table[0].count, table[0].fraction_of_positives), (2, 0.5));
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn calibration<F: Real>(
    probabilities: ArrayView1<'_, F>,
    labels: &(impl Labels + ?Sized),
    bins: usize,
) -> Result<Vec<CalibrationBin>> {
    let labels = labels.classes();
    check_yes_or_no("probabilities", &probabilities, &labels)?;
    check_probabilities(probabilities.iter())?;
    if bins == 0 {
        return Err(Error::OutOfRange { name: "bins", expected: "1 or more".into(), found: 0.0 });
    }
    // (bin, probability, label), so that no bin costs memory when it is empty.
    let step = 1.0 / count(bins);
    let mut binned: Vec<(usize, f64, usize)> = Vec::new();
    for (p, &label) in probabilities.iter().map(|p| p.f64()).zip(labels.iter()) {
        let mut bin = nearest_count((p / step).floor()).min(bins - 1);
        while bin > 0 && p <= count(bin) * step {
            bin -= 1;
        }
        while bin + 1 < bins && p > count(bin + 1) * step {
            bin += 1;
        }
        binned.push((bin, p, label));
    }
    binned.sort_by_key(|(bin, ..)| *bin);
    let summary = |of: &[(usize, f64, usize)]| CalibrationBin {
        low: count(of[0].0) * step,
        high: if of[0].0 == bins - 1 { 1.0 } else { count(of[0].0 + 1) * step },
        count: of.len(),
        mean_probability: of.iter().map(|(_, p, _)| p).sum::<f64>() / count(of.len()),
        fraction_of_positives: count(of.iter().map(|(.., label)| label).sum()) / count(of.len()),
    };
    Ok(binned.chunk_by(|a, b| a.0 == b.0).map(summary).collect())
}

fn check_probabilities<'a, F: Real>(mut numbers: impl Iterator<Item = &'a F>) -> Result<()> {
    numbers
        .find(|&&p| p < F::zero() || p > F::one())
        .map_or(Ok(()), |p| Err(Error::OutOfRange { name: "probability", expected: "0 to 1".into(), found: p.f64() }))
}

/// Outputs `[n, classes]` against n labels below `classes`.
fn check_classes<F: Real>(place: &'static str, outputs: &ArrayView2<'_, F>, labels: &[usize]) -> Result<()> {
    let (rows, classes) = outputs.dim();
    check_shape(place, None, &[labels.len(), classes], &[rows, classes])?;
    check_labels(labels, classes)?;
    check_finite(place, None, outputs)
}

/// One number for each label, which is 0 or 1.
fn check_yes_or_no<F: Real>(place: &'static str, scores: &ArrayView1<'_, F>, labels: &[usize]) -> Result<()> {
    check_shape(place, None, &[labels.len()], scores.shape())?;
    check_pairs(labels, labels)?;
    if let Some(&label) = labels.iter().find(|&&label| label > 1) {
        let expected = "0 or 1, whether the example is of the class of the column".into();
        return Err(Error::OutOfRange { name: "label", expected, found: count(label) });
    }
    check_finite(place, None, scores)
}

fn check_labels(labels: &[usize], classes: usize) -> Result<()> {
    check_pairs(labels, labels)?;
    labels
        .iter()
        .enumerate()
        .find(|(_, label)| **label >= classes)
        .map_or(Ok(()), |(row, &found)| Err(Error::Label { row, classes, found }))
}
