//! `Table`: rows with named columns, of numbers or of words, as a CSV file holds them. [`Preprocessing`] makes a
//! [`Dataset`] of it.
//!
//! [`Preprocessing`]: crate::Preprocessing

use super::{Dataset, random_parts, stratified_parts};
use crate::error::{Error, Result};
use crate::real::{Real, count, nearest_count};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use rand::Rng;
use std::sync::Arc;

/// What replaces a missing value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fill {
    /// The mean of the column, in the table that the [`Preprocessing`](crate::Preprocessing) learns from.
    Mean,
    /// The median of the column, in the same table.
    Median,
    /// This number.
    Value(f64),
    /// This word, in a column of words. It may be a word that occurs nowhere else, such as `unknown`.
    Word(String),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The words of the column, in order; `None` for a column of numbers.
    pub(crate) words: Option<Vec<String>>,
    pub(crate) fill: Option<Fill>,
}

impl Column {
    /// What such a column holds, for an error.
    pub(crate) fn holds(&self) -> &'static str {
        if self.words.is_some() { "words" } else { "numbers" }
    }
}

/// Examples as they come: rows with named columns of numbers or of words, some of them targets.
///
/// A table keeps words as words and missing values as missing. Nothing is learnt from it yet, so that it can be split
/// first. Then a [`Preprocessing`](crate::Preprocessing) learns fill-ins and scaling from the training part, and makes
/// a [`Dataset`] of either part.
///
/// `Csv` (feature `csv`) reads a table from a file, [`from_dataset`](Self::from_dataset) makes one of arrays.
///
/// ```
/// use chainrule::{ChaCha8Rng, Dataset, Preprocessing, Table, ndarray::array, rand::SeedableRng};
///
/// let data = Dataset::classification(array![[5.1], [7.0], [4.9], [6.4]], vec![0, 1, 0, 1], 2)?
///     .with_feature_names(["length"])?
///     .with_class_names(["setosa", "versicolor"])?;
/// let table = Table::from_dataset(&data);
/// let (train, test) = table.split_stratified(0.5, &mut ChaCha8Rng::seed_from_u64(1))?;
///
/// let preprocessing = Preprocessing::learn(&train)?; // from the training part alone
/// let (train, test) = (preprocessing.dataset::<f64>(&train)?, preprocessing.dataset::<f64>(&test)?);
/// assert_eq!((train.len(), test.len()), (2, 2));
/// assert!(train.inputs().sum().abs() < 1e-12); // mean 0
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// First the inputs, then the targets.
    pub(super) columns: Arc<[Column]>,
    pub(super) num_inputs: usize,
    /// `[n, columns]`. A word stands as its index among the words of its column, a missing number as NaN.
    pub(super) cells: Array2<f64>,
}

impl Table {
    /// The columns and targets of a data set, with its names, or with `input 1`, `target 1` and so on and classes `0`,
    /// `1` and so on where it has none.
    ///
    /// Targets that are classes become one column of words. A [`Preprocessing`](crate::Preprocessing) makes one target
    /// column per class of them, also where the data set had a single column of 0 and 1. Weights of examples are not
    /// kept.
    pub fn from_dataset<F: Real>(data: &Dataset<F>) -> Self {
        let numbers = |name: String| Column { name, words: None, fill: None };
        let mut columns: Vec<Column> = match data.feature_names() {
            Some(names) => names.iter().cloned().map(numbers).collect(),
            None => (1..=data.num_inputs()).map(|i| numbers(format!("input {i}"))).collect(),
        };
        let inputs = data.inputs().mapv(Real::f64);
        let targets = match data.labels() {
            Some(labels) => {
                let named = || (0..data.num_outputs().max(2)).map(|class| class.to_string()).collect();
                let classes = data.class_names().map_or_else(named, <[_]>::to_vec);
                columns.push(Column { name: "class".into(), words: Some(classes), fill: None });
                labels.iter().map(|&label| count(label)).collect::<ndarray::Array1<_>>().insert_axis(Axis(1))
            }
            None => {
                columns.extend((1..=data.num_outputs()).map(|i| numbers(format!("target {i}"))));
                data.targets().mapv(Real::f64)
            }
        };
        let cells = ndarray::concatenate![Axis(1), inputs, targets];
        Table { columns: columns.into(), num_inputs: data.num_inputs(), cells }
    }

    /// The number of rows; at least 1.
    #[allow(clippy::len_without_is_empty)] // a table is never empty
    pub fn len(&self) -> usize {
        self.cells.nrows()
    }

    /// The names of the input columns.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.columns[..self.num_inputs].iter().map(|column| column.name.as_str())
    }

    /// The names of the target columns. None in a table that was read to predict from.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.target_columns().iter().map(|column| column.name.as_str())
    }

    /// The names of the classes, sorted, if the target is a column of words.
    pub fn classes(&self) -> Option<&[String]> {
        self.target_columns().first().and_then(|column| column.words.as_deref())
    }

    /// The class of every row, as an index into [`classes`](Self::classes).
    pub fn labels(&self) -> Option<Vec<usize>> {
        self.classes().map(|_| self.cell_column(self.num_inputs).iter().map(|&cell| nearest_count(cell)).collect())
    }

    /// The rows with these indices, in this order. An index may occur more than once.
    ///
    /// # Errors
    /// [`Error::Empty`] for no rows, [`Error::OutOfRange`] for an index past the last row.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::Empty { place: "rows" });
        }
        match rows.iter().find(|&&row| row >= self.len()) {
            Some(&row) => {
                let expected = format!("less than {}", self.len());
                Err(Error::OutOfRange { name: "row", expected, found: count(row) })
            }
            None => Ok(self.pick(rows)),
        }
    }

    /// Shuffles and splits, as [`Dataset::split`].
    ///
    /// # Errors
    /// Those of [`Dataset::split`].
    pub fn split(&self, fraction: f64, rng: &mut (impl Rng + ?Sized)) -> Result<(Self, Self)> {
        let (first, second) = random_parts(self.len(), fraction, rng)?;
        Ok((self.pick(&first), self.pick(&second)))
    }

    /// Shuffles and splits with the same class proportions in both parts, as [`Dataset::split_stratified`].
    ///
    /// # Errors
    /// Those of [`Dataset::split`], and [`Error::NoLabels`] unless the target is a column of words.
    pub fn split_stratified(&self, fraction: f64, rng: &mut (impl Rng + ?Sized)) -> Result<(Self, Self)> {
        let (Some(labels), Some(classes)) = (self.labels(), self.classes()) else {
            return Err(Error::NoLabels { row: 0 });
        };
        let (first, second) = stratified_parts(&labels, classes.len(), fraction, rng)?;
        Ok((self.pick(&first), self.pick(&second)))
    }

    /// The target columns, `[n, targets]`.
    pub(crate) fn target_numbers(&self) -> ArrayView2<'_, f64> {
        self.cells.slice(s![.., self.num_inputs..])
    }

    /// `select` without the checks.
    pub(crate) fn pick(&self, rows: &[usize]) -> Self {
        Self { cells: self.cells.select(Axis(0), rows), ..self.clone_empty() }
    }

    /// The same columns, without rows.
    fn clone_empty(&self) -> Self {
        Table { columns: self.columns.clone(), num_inputs: self.num_inputs, cells: Array2::default((0, 0)) }
    }

    pub(super) fn target_columns(&self) -> &[Column] {
        &self.columns[self.num_inputs..]
    }

    pub(super) fn cell_column(&self, index: usize) -> ArrayView1<'_, f64> {
        self.cells.column(index)
    }
}
