//! `Preprocessing`: what is learnt from a table before the network, and applied to every later row: fill-ins, one-hot
//! columns, scaling, classes.

#[cfg(feature = "csv")]
use super::Csv;
use super::scaling::quantile;
use super::table::{Column, Fill, Table};
use super::{Dataset, Scale, Scaling, check_classes, distinct, one_hot};
use crate::error::{Error, List, Result, check_finite, check_fits, check_shape};
use crate::real::{Real, count, nearest_count};
use ndarray::{Array1, Array2, ArrayView2, s};
use std::collections::HashMap;

/// How the rows of a [`Table`] become inputs and targets of a network: learnt once, from the training rows, then
/// applied to all rows, those to predict from included.
///
/// - Missing numbers become the mean, median or value that the table's [`Fill`] says, missing words its word.
/// - A column of numbers becomes one input, scaled.
/// - A column of words becomes one input of 0 and 1 per word, called `city=Rome`, unscaled. The words are all those of
///   the file, so that a word without an example in the training part does not stop a test.
/// - A target of words becomes one target column per class, one of numbers is scaled.
///
/// [`Model`](crate::Model) keeps it with the network, in one file.
///
/// ```
/// use chainrule::{Dataset, Preprocessing, Table, ndarray::array};
///
/// let houses = Dataset::new(array![[50.0], [150.0]], array![[200.0], [400.0]])?.with_feature_names(["area"])?;
/// let table = Table::from_dataset(&houses);
/// let preprocessing = Preprocessing::learn(&table)?;
/// let data = preprocessing.dataset::<f64>(&table)?;
/// assert_eq!(data.inputs(), array![[-1.0], [1.0]]);
/// assert_eq!(data.targets(), array![[-1.0], [1.0]]);
/// assert_eq!(preprocessing.inputs_of_row::<f64, _>(&[("area", 125.0)])?, array![[0.5]]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    /// Their fill-ins are values and words.
    pub(crate) columns: Vec<Column>,
    pub(crate) scaling: Scaling,
    pub(crate) targets: Targets,
}

/// What the outputs of the network stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Targets {
    Classes { name: String, classes: Vec<String> },
    Numbers { names: Vec<String>, scaling: Scaling },
}

/// A value in a row to predict from: a number, or a word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number; NaN if it is missing.
    Number(f64),
    /// A word.
    Word(&'a str),
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<f32> for Value<'_> {
    fn from(number: f32) -> Self {
        Value::Number(number.f64())
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Value::Number(number.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(word: &'a str) -> Self {
        Value::Word(word)
    }
}

impl Preprocessing {
    /// Learns fill-ins and scaling from the rows of a table, which should be the training part: numbers among the
    /// inputs and the targets get mean 0 and standard deviation 1 ([`Scale::Standard`]).
    ///
    /// # Errors
    /// [`Error::Empty`] for a table without targets, [`Error::Column`] for a column without any value to learn a
    /// fill-in from, [`Error::NotFinite`] for numbers so large that their sum overflows.
    pub fn learn(table: &Table) -> Result<Self> {
        Self::learn_with(table, Scale::Standard, Scale::Standard)
    }

    /// [`learn`](Self::learn) with these kinds of scaling for the inputs, and for targets that are numbers. A sigmoid
    /// output, for one, needs targets from 0 to 1: [`Scale::MinMax`].
    ///
    /// # Errors
    /// As [`learn`](Self::learn).
    ///
    /// ```
    /// use chainrule::{Dataset, Preprocessing, Scale, Table, ndarray::array};
    ///
    /// let data = Dataset::new(array![[1.0], [3.0], [2.0]], array![[10.0], [30.0], [20.0]])?;
    /// let table = Table::from_dataset(&data);
    /// let data = Preprocessing::learn_with(&table, Scale::Unchanged, Scale::MinMax)?.dataset::<f32>(&table)?;
    /// assert_eq!(data.inputs(), array![[1.0], [3.0], [2.0]]);
    /// assert_eq!(data.targets(), array![[0.0], [1.0], [0.5]]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn learn_with(table: &Table, inputs: Scale, targets: Scale) -> Result<Self> {
        if table.targets().next().is_none() {
            return Err(Error::Empty { place: "targets of the table" });
        }
        let columns = table.columns[..table.num_inputs].iter().enumerate();
        let columns = columns.map(|(j, column)| {
            let fill = learn_fill(table, j, column)?;
            Ok(Column { fill, ..column.clone() })
        });
        let unscaled = Array1::zeros(1);
        let this = Preprocessing {
            columns: columns.collect::<Result<_>>()?,
            scaling: Scaling::new(unscaled.clone(), unscaled + 1.0)?,
            targets: match table.classes() {
                Some(classes) => {
                    let name = table.targets().next().unwrap_or_default().into();
                    Targets::Classes { name, classes: classes.to_vec() }
                }
                None => {
                    let names = table.targets().map(String::from).collect();
                    Targets::Numbers { names, scaling: Scaling::learn(targets, table.target_numbers())? }
                }
            },
        };
        let learnt = Scaling::learn(inputs, this.each_input(table, |_, x| x)?.view())?;
        let (mut shift, mut scale) = (learnt.shift().to_owned(), learnt.scale().to_owned());
        let mut at = 0;
        for column in &this.columns {
            let width = width(column);
            if column.words.is_some() {
                shift.slice_mut(s![at..at + width]).fill(0.0);
                scale.slice_mut(s![at..at + width]).fill(1.0);
            }
            at += width;
        }
        Self::from_parts(this.columns, Scaling::new(shift, scale)?, this.targets)
    }

    /// From its parts, which a file may hold wrongly.
    pub(crate) fn from_parts(columns: Vec<Column>, scaling: Scaling, targets: Targets) -> Result<Self> {
        distinct("columns", columns.len(), columns.iter().map(|column| &column.name))?;
        for column in &columns {
            let problem = |expected: &str, found: String| {
                Err(Error::Column { column: column.name.clone(), expected: expected.into(), found })
            };
            match (&column.words, &column.fill) {
                (None, Some(Fill::Value(value))) if !value.is_finite() => {
                    return problem("a finite fill-in", value.to_string());
                }
                (Some(words), Some(Fill::Word(word))) if !words.contains(word) => {
                    return problem("a fill-in among its words", format!("{word:?}"));
                }
                (Some(words), _) if words.is_empty() => return problem("at least one word", "none".into()),
                (Some(words), _) => _ = distinct("words of a column", words.len(), words)?,
                (None, _) => {}
            }
        }
        let features: usize = columns.iter().map(width).sum();
        check_shape("columns of the scaling", None, &[features], &[scaling.shift().len()])?;
        match &targets {
            Targets::Classes { classes, .. } => {
                check_classes(classes.len())?;
                distinct("classes", classes.len(), classes)?;
            }
            Targets::Numbers { names, scaling } => {
                distinct("targets", names.len(), names)?;
                check_shape("columns of the scaling of targets", None, &[names.len()], &[scaling.shift().len()])?;
            }
        }
        Ok(Preprocessing { columns, scaling, targets })
    }

    /// The number of inputs of a network.
    pub(crate) fn num_features(&self) -> usize {
        self.columns.iter().map(width).sum()
    }

    /// The names of the columns of a row, in the order of [`inputs_of`](Self::inputs_of).
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The names of the network's inputs: those of columns of numbers, and `city=Rome` for the word `Rome` of a column
    /// `city`.
    pub fn feature_names(&self) -> Vec<String> {
        let features = self.columns.iter().flat_map(|Column { name, words, .. }| match words {
            None => vec![name.clone()],
            Some(words) => words.iter().map(|word| format!("{name}={word}")).collect(),
        });
        features.collect()
    }

    /// What a missing number becomes, for each feature; NaN where nothing was learnt, and for words.
    pub(crate) fn fills<F: Real>(&self) -> Vec<F> {
        let fills = self.columns.iter().flat_map(|column| match (&column.words, &column.fill) {
            (Some(words), _) => vec![F::nan(); words.len()],
            (None, Some(Fill::Value(value))) => vec![F::from_f64(*value)],
            (None, _) => vec![F::nan()],
        });
        fills.collect()
    }

    /// The names of the classes, if the target is one of words.
    pub fn classes(&self) -> Option<&[String]> {
        match &self.targets {
            Targets::Classes { classes, .. } => Some(classes),
            Targets::Numbers { .. } => None,
        }
    }

    /// The names of the target columns in the table: one for classes.
    pub fn targets(&self) -> Vec<&str> {
        match &self.targets {
            Targets::Classes { name, .. } => vec![name],
            Targets::Numbers { names, .. } => names.iter().map(String::as_str).collect(),
        }
    }

    /// The scaling of the inputs, with shift 0 and scale 1 for the words.
    pub fn scaling(&self) -> &Scaling {
        &self.scaling
    }

    /// The scaling of targets that are numbers.
    pub fn target_scaling(&self) -> Option<&Scaling> {
        match &self.targets {
            Targets::Classes { .. } => None,
            Targets::Numbers { scaling, .. } => Some(scaling),
        }
    }

    /// A reader for more files with these columns, to predict from (feature `csv`). The columns may stand in any order,
    /// and among others. A value of another kind, a word that is not among those learnt, and a missing value without a
    /// fill-in are refused with their line.
    ///
    /// It reads no targets. With [`Csv::target`] it does, for an evaluation.
    #[cfg(feature = "csv")]
    pub fn csv(&self) -> Csv {
        let targets = match &self.targets {
            Targets::Classes { name, classes } => {
                vec![Column { name: name.clone(), words: Some(classes.clone()), fill: None }]
            }
            Targets::Numbers { names, .. } => {
                names.iter().map(|name| Column { name: name.clone(), words: None, fill: None }).collect()
            }
        };
        Csv::known(self.columns.clone(), targets)
    }

    /// Inputs and targets of every row of a table, with the names of features and classes.
    ///
    /// # Errors
    /// [`Error::Column`] for a table without one of the columns, or with another kind of values in it, and for a word
    /// that the table this was learnt from did not have; those of [`Dataset::new`].
    pub fn dataset<F: Real>(&self, table: &Table) -> Result<Dataset<F>> {
        let inputs = self.inputs(table)?;
        let data = match &self.targets {
            Targets::Classes { classes, .. } => {
                let data = Dataset::new(inputs, one_hot(&self.labels(table)?, classes.len())?)?;
                data.with_class_names(classes)?
            }
            Targets::Numbers { scaling, .. } => {
                let targets = scaling.transform(self.target_numbers(table)?.view())?;
                Dataset::new(inputs, targets.mapv(F::from_f64))?
            }
        };
        data.with_feature_names(self.feature_names())
    }

    /// The inputs of every row of a table, `[n, inputs]`. It may have its columns in another order, and others as well.
    ///
    /// # Errors
    /// As [`dataset`](Self::dataset), except for the targets.
    pub fn inputs<F: Real>(&self, table: &Table) -> Result<Array2<F>> {
        let (shift, scale) = (self.scaling.shift(), self.scaling.scale());
        let scaled = self.each_input(table, |j, x| F::from_f64((x - shift[j]) / scale[j]))?;
        check_finite("scaled inputs", None, &scaled.view())?;
        Ok(scaled)
    }

    /// The inputs of rows of numbers, `[n, columns]` → `[n, inputs]`, with the columns in the order of
    /// [`columns`](Self::columns). A NaN is a missing number.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of columns, [`Error::Column`] for columns of words, and for a missing number
    /// without a fill-in.
    pub fn inputs_of<F: Real>(&self, rows: ArrayView2<'_, F>) -> Result<Array2<F>> {
        check_shape("columns of a row", None, &[rows.nrows(), self.columns.len()], rows.shape())?;
        let mut inputs = rows.to_owned();
        for (column, mut cells) in self.columns.iter().zip(inputs.columns_mut()) {
            check_kind(column, &column.name, false)?;
            for (row, cell) in cells.iter_mut().enumerate() {
                if cell.is_nan() {
                    *cell = F::from_f64(fill_value(column, || format!("none in row {row}"))?);
                }
            }
        }
        self.scaling.transform(inputs.view())
    }

    /// The inputs of one row, `[1, inputs]`: a value for each column, by name, in any order.
    ///
    /// # Errors
    /// [`Error::Column`] for a name that is missing, unknown or occurs twice, for a word in place of a number, a number
    /// in place of a word, an unknown word, and a missing number without a fill-in.
    ///
    /// ```
    /// # use chainrule::{Dataset, Preprocessing, Table, ndarray::array};
    /// # let data = Dataset::new(array![[50.0, 1.0], [150.0, 3.0]], array![[200.0], [400.0]])?;
    /// # let table = Table::from_dataset(&data.with_feature_names(["area", "rooms"])?);
    /// let preprocessing = Preprocessing::learn(&table)?; // the columns are area and rooms
    /// let error = preprocessing.inputs_of_row::<f64, _>(&[("area", 80.0), ("room", 2.0)]).unwrap_err();
    /// assert_eq!(error.to_string(), r#"column "room": expected one of area, rooms, found an unknown name"#);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn inputs_of_row<'v, F: Real, V: Into<Value<'v>> + Copy>(&self, row: &[(&str, V)]) -> Result<Array2<F>> {
        let places: HashMap<&str, usize> = self.columns().enumerate().map(|(i, name)| (name, i)).collect();
        let known = || self.columns().map(String::from).collect::<Vec<_>>();
        let mut values: Vec<Option<Value>> = vec![None; self.columns.len()];
        for &(name, value) in row {
            let problem = |expected, found: &str| Error::Column { column: name.into(), expected, found: found.into() };
            let index = places.get(name).copied();
            let index = index.ok_or_else(|| problem(format!("one of {}", List(&known())), "an unknown name"))?;
            if values[index].replace(value.into()).is_some() {
                return Err(problem("one value".into(), "two"));
            }
        }
        let mut inputs = Vec::new();
        for (column, value) in self.columns.iter().zip(values) {
            let given = || row.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
            let value = value.ok_or_else(|| missing_column(&column.name, "value", &given()))?;
            let problem = |expected, found| Err(Error::Column { column: column.name.clone(), expected, found });
            match (value, &column.words) {
                (Value::Number(x), None) if x.is_nan() => inputs.push(fill_value(column, || "none".into())?),
                (Value::Number(x), None) => inputs.push(x),
                (Value::Word(word), None) => return problem("a number".into(), format!("{word:?}")),
                (Value::Number(x), Some(_)) => return problem("a word".into(), format!("the number {x}")),
                (Value::Word(word), Some(words)) => {
                    if !words.iter().any(|other| other == word) {
                        return problem(format!("one of the known words {}", List(words)), format!("{word:?}"));
                    }
                    inputs.extend(words.iter().map(|other| count(usize::from(other == word))));
                }
            }
        }
        let inputs = Array1::from(inputs).insert_axis(ndarray::Axis(0));
        let scaled = self.scaling.transform(inputs.view())?.mapv(F::from_f64);
        check_finite("scaled inputs", None, &scaled.view())?;
        Ok(scaled)
    }

    /// The class of every row of a table, as an index into the classes; none for targets that are numbers.
    pub(crate) fn labels(&self, table: &Table) -> Result<Vec<usize>> {
        match &self.targets {
            Targets::Classes { name, classes } => labels(table, target(table, name)?, name, classes),
            Targets::Numbers { .. } => Ok(Vec::new()),
        }
    }

    /// The targets of every row of a table in their own units; no columns for classes.
    pub(crate) fn target_numbers(&self, table: &Table) -> Result<Array2<f64>> {
        let Targets::Numbers { names, .. } = &self.targets else { return Ok(Array2::zeros((table.len(), 0))) };
        let mut targets = Array2::zeros((table.len(), names.len()));
        for (k, name) in names.iter().enumerate() {
            let index = target(table, name)?;
            check_kind(&table.columns[index], name, false)?;
            targets.column_mut(k).assign(&table.cell_column(index));
        }
        Ok(targets)
    }

    /// An array of what becomes of each input j with the unscaled value x. It is the only one of its size that is made.
    fn each_input<F: Real>(&self, table: &Table, value: impl Fn(usize, f64) -> F) -> Result<Array2<F>> {
        check_fits::<F>("features", self.num_features(), table.len())?;
        let mut inputs = Array2::zeros((table.len(), self.num_features()));
        let places: HashMap<&str, usize> = table.inputs().enumerate().map(|(i, name)| (name, i)).collect();
        let mut at = 0;
        for column in &self.columns {
            let index = places.get(column.name.as_str()).copied();
            let found = || table.inputs().map(String::from).collect::<Vec<_>>();
            let index = index.ok_or_else(|| missing_column(&column.name, "column", &found()))?;
            check_kind(&table.columns[index], &column.name, column.words.is_some())?;
            match &column.words {
                None => {
                    for (row, &cell) in table.cell_column(index).iter().enumerate() {
                        let none = || format!("none in row {row}");
                        let number = if cell.is_nan() { fill_value(column, none)? } else { cell };
                        inputs[[row, at]] = value(at, number);
                    }
                }
                Some(words) => {
                    for (row, word) in labels(table, index, &column.name, words)?.into_iter().enumerate() {
                        for k in 0..words.len() {
                            inputs[[row, at + k]] = value(at + k, count(usize::from(k == word)));
                        }
                    }
                }
            }
            at += width(column);
        }
        Ok(inputs)
    }
}

impl Table {
    /// Inputs and targets of every row, unscaled. The fill-ins are learnt from this table: for a training and a test
    /// part, [`Preprocessing::learn`] from the training part.
    ///
    /// # Errors
    /// Those of [`Preprocessing::learn`] and [`Preprocessing::dataset`].
    pub fn dataset<F: Real>(&self) -> Result<Dataset<F>> {
        Preprocessing::learn_with(self, Scale::Unchanged, Scale::Unchanged)?.dataset(self)
    }
}

/// How many inputs a column becomes.
fn width(column: &Column) -> usize {
    column.words.as_ref().map_or(1, Vec::len)
}

/// The value that replaces missing ones, from the rows of the table.
fn learn_fill(table: &Table, index: usize, column: &Column) -> Result<Option<Fill>> {
    let problem = |expected: &str, found: String| {
        Err(Error::Column { column: column.name.clone(), expected: expected.into(), found })
    };
    let value = match column.fill {
        None | Some(Fill::Word(_)) => return Ok(column.fill.clone()),
        Some(Fill::Value(value)) => value,
        Some(Fill::Mean | Fill::Median) => {
            let cells = table.cell_column(index);
            let mut numbers: Vec<f64> = cells.iter().copied().filter(|cell| !cell.is_nan()).collect();
            numbers.sort_unstable_by(f64::total_cmp);
            if numbers.is_empty() {
                return problem("a value in some row, to learn the fill-in from", "none".into());
            }
            let is_mean = column.fill == Some(Fill::Mean);
            if is_mean { numbers.iter().sum::<f64>() / count(numbers.len()) } else { quantile(&numbers, 0.5) }
        }
    };
    if value.is_finite() { Ok(Some(Fill::Value(value))) } else { problem("a finite fill-in", value.to_string()) }
}

fn fill_value(column: &Column, found: impl Fn() -> String) -> Result<f64> {
    match column.fill {
        Some(Fill::Value(value)) => Ok(value),
        _ => {
            let expected = "a value, as no fill-in was learnt for this column".into();
            Err(Error::Column { column: column.name.clone(), expected, found: found() })
        }
    }
}

/// The words of a column as indices into these words.
fn labels(table: &Table, index: usize, name: &str, words: &[String]) -> Result<Vec<usize>> {
    let column = &table.columns[index];
    check_kind(column, name, true)?;
    let of_table = column.words.as_deref().unwrap_or_default();
    let known: Vec<Option<usize>> = of_table.iter().map(|word| words.iter().position(|other| other == word)).collect();
    let cells = table.cell_column(index);
    let label = |(row, &cell): (usize, &f64)| {
        let word = nearest_count(cell);
        known[word].ok_or_else(|| Error::Column {
            column: name.into(),
            expected: format!("one of the known words {}", List(words)),
            found: format!("{:?} in row {row}", of_table[word]),
        })
    };
    cells.iter().enumerate().map(label).collect()
}

/// The index of a target column in a table.
fn target(table: &Table, name: &str) -> Result<usize> {
    let found = || table.targets().map(String::from).collect::<Vec<_>>();
    let index = table.target_columns().iter().position(|column| column.name == name);
    index.map(|index| table.num_inputs + index).ok_or_else(|| missing_column(name, "target column", &found()))
}

fn check_kind(column: &Column, name: &str, words: bool) -> Result<()> {
    if column.words.is_some() == words {
        return Ok(());
    }
    let expected = if words { "words" } else { "numbers" }.into();
    Err(Error::Column { column: name.into(), expected, found: column.holds().into() })
}

fn missing_column(name: &str, what: &str, found: &[String]) -> Error {
    Error::Column { column: name.into(), expected: format!("a {what} of this name"), found: List(found).to_string() }
}
