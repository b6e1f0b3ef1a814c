//! Precision, recall and F1 of each class, and their means.

use super::ConfusionMatrix;
use crate::real::count;
use std::fmt;

/// Precision, recall and F1 of one class, or their means over the classes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ClassScores {
    /// Of the examples predicted as this class, the fraction that is: tp / (tp + fp).
    pub precision: f64,
    /// Of the examples of this class, the fraction predicted as it: tp / (tp + fn).
    pub recall: f64,
    /// The harmonic mean of the two: 2 tp / (2 tp + fp + fn).
    pub f1: f64,
}

/// Precision, recall and F1 of every class. `Display` prints a table.
///
/// Undefined values, such as the precision of a class that is never predicted, are 0. The macro average is over the
/// classes that occur among the labels or the predictions. Both are as in scikit-learn.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassificationReport {
    /// The scores of each class.
    pub classes: Vec<ClassScores>,
    /// The number of examples of each class.
    pub support: Vec<usize>,
    /// The plain mean over the classes that occur.
    pub macro_average: ClassScores,
    /// The mean weighted by support.
    pub weighted_average: ClassScores,
    names: Option<Vec<String>>,
}

impl ConfusionMatrix {
    /// Precision, recall and F1 of each class, and their means; with the names of the classes, if it has them.
    ///
    /// ```
    /// use chainrule::ConfusionMatrix;
    ///
    /// let report = ConfusionMatrix::new(&[0, 1, 1, 0], &[0, 1, 0, 0], 2)?.report();
    /// assert_eq!(report.classes[1].precision, 0.5); // of two taken for 1, one is
    /// assert_eq!(report.classes[1].recall, 1.0);
    /// assert_eq!(report.macro_average.recall, (2.0 / 3.0 + 1.0) / 2.0);
    /// println!("{report}");
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn report(&self) -> ClassificationReport {
        let ratio = |part: usize, whole: usize| if whole == 0 { 0.0 } else { count(part) / count(whole) };
        let (mut classes, mut support, mut occurring) = (Vec::new(), Vec::new(), 0);
        for class in 0..self.counts.nrows() {
            let correct = self.counts[[class, class]];
            let (labelled, predicted) = (self.counts.row(class).sum(), self.counts.column(class).sum());
            classes.push(ClassScores {
                precision: ratio(correct, predicted),
                recall: ratio(correct, labelled),
                f1: ratio(2 * correct, labelled + predicted),
            });
            support.push(labelled);
            occurring += usize::from(labelled + predicted > 0);
        }
        let macro_average = mean(&classes, |_| 1.0 / count(occurring)); // absent classes add 0
        let weighted_average = mean(&classes, |class| ratio(support[class], self.counts.sum()));
        ClassificationReport { classes, support, macro_average, weighted_average, names: self.names.clone() }
    }
}

/// Σ weight · scores
fn mean(classes: &[ClassScores], weight: impl Fn(usize) -> f64) -> ClassScores {
    classes.iter().enumerate().fold(ClassScores::default(), |sum, (class, scores)| ClassScores {
        precision: sum.precision + weight(class) * scores.precision,
        recall: sum.recall + weight(class) * scores.recall,
        f1: sum.f1 + weight(class) * scores.f1,
    })
}

impl fmt::Display for ClassificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |class: usize| self.names.as_ref().map_or_else(|| class.to_string(), |names| names[class].clone());
        let widths = (0..self.classes.len()).map(|class| name(class).chars().count());
        let margin = widths.max().unwrap_or(0).max("weighted average".len());
        writeln!(f, "{:>margin$}  precision  recall     f1  support", "class")?;
        let total = self.support.iter().sum();
        let classes = self.classes.iter().zip(&self.support).enumerate();
        let rows = classes.map(|(class, (scores, support))| (name(class), scores, *support));
        let averages = [("macro average", &self.macro_average), ("weighted average", &self.weighted_average)];
        for (name, ClassScores { precision, recall, f1 }, support) in
            rows.chain(averages.map(|(name, scores)| (name.to_owned(), scores, total)))
        {
            writeln!(f, "{name:>margin$}  {precision:>9.3}  {recall:>6.3}  {f1:>5.3}  {support:>7}")?;
        }
        Ok(())
    }
}
