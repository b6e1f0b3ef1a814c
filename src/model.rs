//! `Model`: a network with everything around it that a prediction needs, from raw rows to class names.

use crate::activation::Activation;
#[cfg(feature = "csv")]
use crate::data::Csv;
use crate::data::{Preprocessing, Table, Value};
use crate::error::{Error, Result, check_finite, check_shape};
use crate::metrics::{accuracy, class, root_mean_squared_error};
use crate::network::Network;
use crate::real::{Real, entries};
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// A [`Preprocessing`] and the [`Network`] that was trained on its data: from rows as they come to predictions in the
/// units of the targets, or to class names with probabilities.
///
/// [`save`](Self::save) writes both into one file (feature `safetensors`), so that a network cannot meet another
/// scaling, or another order of classes or columns.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Model, Network, Preprocessing, Sgd, Table, Trainer};
/// use chainrule::{ndarray::array, rand::SeedableRng};
///
/// let flowers = Dataset::classification(array![[1.4, 0.2], [4.7, 1.4], [1.3, 0.2], [4.5, 1.5]], vec![0, 1, 0, 1], 2)?
///     .with_feature_names(["length", "width"])?
///     .with_class_names(["setosa", "versicolor"])?;
/// let table = Table::from_dataset(&flowers);
///
/// let preprocessing = Preprocessing::learn(&table)?;
/// let train = preprocessing.dataset::<f64>(&table)?;
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let mut network = Network::builder(2).layer(2, Activation::Softmax).build(&mut rng)?;
/// Trainer::new(Loss::CrossEntropy, Sgd::new(0.5)).epochs(50).fit(&mut network, &train, &mut rng)?;
///
/// let model = Model::new(preprocessing, network)?;
/// let flower = model.classify_row(&[("width", 0.3), ("length", 1.5)])?; // by name, in any order
/// assert_eq!(flower.class, "setosa");
/// assert!(flower.probability > 0.9);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model<F: Real> {
    preprocessing: Preprocessing,
    network: Network<F>,
}

/// The class of a row, from [`Model::classify`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Classification<'m> {
    /// The name of the most probable class.
    pub class: &'m str,
    /// Its number: the index of its name among [`Preprocessing::classes`].
    pub label: usize,
    /// Its probability, 0 to 1.
    pub probability: f64,
    /// All classes with their probabilities.
    pub probabilities: Vec<(&'m str, f64)>,
}

impl<F: Real> Model<F> {
    /// Puts a preprocessing and a network together.
    ///
    /// # Errors
    /// [`Error::Shape`] unless the network has an input per feature and an output per class or target (or one sigmoid
    /// output for two classes), [`Error::Pairing`] for classes with outputs that are not probabilities.
    ///
    /// ```
    /// use chainrule::{Activation, Dataset, Layer, Model, Network, Preprocessing, Table, ndarray::array};
    ///
    /// let table = Table::from_dataset(&Dataset::<f64>::xor());
    /// let layer = Layer::new(array![[1.0], [1.0], [1.0]], array![0.0], Activation::Sigmoid)?;
    /// let network = Network::from_layers(vec![layer])?;
    /// let error = Model::new(Preprocessing::learn(&table)?, network).unwrap_err();
    /// assert_eq!(error.to_string(), "inputs of the network: expected shape [2], found [3]");
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn new(preprocessing: Preprocessing, network: Network<F>) -> Result<Self> {
        check_shape("inputs of the network", None, &[preprocessing.num_features()], &[network.inputs()])?;
        let mut outputs = preprocessing.targets().len();
        if let Some(classes) = preprocessing.classes() {
            let two_in_one = classes.len() == 2 && network.outputs() == 1;
            outputs = if two_in_one { 1 } else { classes.len() };
            let activation = network.layers()[network.layers().len() - 1].activation;
            if !matches!(activation, Activation::Sigmoid | Activation::Softmax | Activation::Custom { .. }) {
                let (loss, activation) = ("a model of classes", activation.name());
                return Err(Error::Pairing { loss, activation, instead: "a softmax, which gives probabilities" });
            }
        }
        check_shape("outputs of the network", None, &[outputs], &[network.outputs()])?;
        Ok(Model { preprocessing, network })
    }

    /// What happens to rows before the network.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// The network.
    pub fn network(&self) -> &Network<F> {
        &self.network
    }

    /// A reader for CSV files to predict from; see [`Preprocessing::csv`] (feature `csv`).
    #[cfg(feature = "csv")]
    pub fn csv(&self) -> Csv {
        self.preprocessing.csv()
    }

    /// Predictions for rows of raw numbers, `[n, columns]` → `[n, outputs]`, with the columns in the order of
    /// [`Preprocessing::columns`]: the probabilities of the classes, or targets in their own units.
    ///
    /// # Errors
    /// Those of [`Preprocessing::inputs_of`], and [`Error::NotFinite`] for outputs that have overflowed.
    ///
    /// ```
    /// use chainrule::{Activation, Dataset, Layer, Model, Network, Preprocessing, Table, ndarray::array};
    ///
    /// // Celsius from Fahrenheit: on scaled numbers, the line is the diagonal.
    /// let data = Dataset::new(array![[32.0], [212.0]], array![[0.0], [100.0]])?.with_feature_names(["F"])?;
    /// let line = Layer::new(array![[1.0]], array![0.0], Activation::Identity)?;
    /// let network = Network::from_layers(vec![line])?;
    /// let model = Model::new(Preprocessing::learn(&Table::from_dataset(&data))?, network)?;
    /// assert_eq!(model.predict(array![[122.0], [392.0]].view())?, array![[50.0], [200.0]]);
    /// assert_eq!(model.predict_row(&[("F", 122.0)])?, array![50.0]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn predict(&self, rows: ArrayView2<'_, F>) -> Result<Array2<F>> {
        self.outputs(self.preprocessing.inputs_of(rows)?)
    }

    /// Predictions for the rows of a table, whose columns are found by name.
    ///
    /// # Errors
    /// Those of [`Preprocessing::inputs`], and [`Error::NotFinite`] for outputs that have overflowed.
    pub fn predict_table(&self, table: &Table) -> Result<Array2<F>> {
        self.outputs(self.preprocessing.inputs(table)?)
    }

    /// The prediction for one row: a value for each column, by name, in any order.
    ///
    /// # Errors
    /// Those of [`Preprocessing::inputs_of_row`], and [`Error::NotFinite`] for outputs that have overflowed.
    pub fn predict_row<'v>(&self, row: &[(&str, impl Into<Value<'v>> + Copy)]) -> Result<Array1<F>> {
        Ok(self.outputs(self.preprocessing.inputs_of_row(row)?)?.remove_axis(Axis(0)))
    }

    /// The class of each row of raw numbers, as in [`predict`](Self::predict): the one with the largest probability,
    /// the first of equals. With a single output the second class is taken if its probability is above ½.
    ///
    /// # Errors
    /// Those of [`predict`](Self::predict), and [`Error::NoLabels`] for a model whose targets are numbers.
    pub fn classify(&self, rows: ArrayView2<'_, F>) -> Result<Vec<Classification<'_>>> {
        self.classes(self.predict(rows)?)
    }

    /// The class of each row of a table.
    ///
    /// # Errors
    /// Those of [`predict_table`](Self::predict_table), and [`Error::NoLabels`] for a model whose targets are numbers.
    pub fn classify_table(&self, table: &Table) -> Result<Vec<Classification<'_>>> {
        self.classes(self.predict_table(table)?)
    }

    /// The class of one row: a value for each column, by name, in any order.
    ///
    /// # Errors
    /// Those of [`predict_row`](Self::predict_row), and [`Error::NoLabels`] for a model whose targets are numbers.
    pub fn classify_row<'v>(&self, row: &[(&str, impl Into<Value<'v>> + Copy)]) -> Result<Classification<'_>> {
        let outputs = self.predict_row(row)?.insert_axis(Axis(0));
        Ok(self.classes(outputs)?.remove(0))
    }

    /// How well the model does on a table with targets: the accuracy, 0 to 1, or for targets that are numbers the
    /// [root mean squared error](crate::root_mean_squared_error), in their own units.
    ///
    /// # Errors
    /// Those of [`Preprocessing::dataset`], and [`Error::NotFinite`] for outputs that have overflowed.
    ///
    /// ```
    /// use chainrule::{Activation, Dataset, Layer, Model, Network, Preprocessing, Table, ndarray::array};
    ///
    /// let table = Table::from_dataset(&Dataset::<f64>::xor());
    /// let or = Layer::new(array![[2.0], [2.0]], array![2.0], Activation::Sigmoid)?;
    /// let model = Model::new(Preprocessing::learn(&table)?, Network::from_layers(vec![or])?)?;
    /// assert_eq!(model.score(&table)?, 0.75);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn score(&self, table: &Table) -> Result<f64> {
        if self.preprocessing.classes().is_some() {
            let labels = self.preprocessing.labels(table)?;
            let found: Vec<usize> = self.classify_table(table)?.iter().map(|found| found.label).collect();
            return accuracy(&found, &labels);
        }
        let (found, expected) = (self.predict_table(table)?, self.preprocessing.target_numbers(table)?);
        root_mean_squared_error(found.mapv(Real::f64).view(), expected.view())
    }

    /// What the network makes of inputs, in the units of the targets.
    fn outputs(&self, inputs: Array2<F>) -> Result<Array2<F>> {
        let outputs = self.network.predict(inputs.view())?;
        check_finite("outputs", None, &outputs.view())?;
        match self.preprocessing.target_scaling() {
            Some(scaling) => scaling.inverse(outputs.view()),
            None => Ok(outputs),
        }
    }

    fn classes(&self, outputs: Array2<F>) -> Result<Vec<Classification<'_>>> {
        let classes = self.preprocessing.classes().ok_or(Error::NoLabels { row: 0 })?;
        let classification = |row: &[F]| {
            let label = class(row);
            let probabilities = match row {
                [second] => vec![1.0 - second.f64(), second.f64()],
                all => all.iter().map(|a| a.f64()).collect(),
            };
            let probabilities: Vec<_> = classes.iter().map(String::as_str).zip(probabilities).collect();
            let (class, probability) = probabilities[label];
            Classification { class, label, probability, probabilities }
        };
        Ok(entries(&outputs).chunks_exact(outputs.ncols()).map(classification).collect())
    }
}
