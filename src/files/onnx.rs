//! [`Model::save_onnx`]: the model as an ONNX graph, which other runtimes compute.
//!
//! An ONNX file is one protocol buffer. Each field is a tag, its number times 8 plus the kind of what follows (0 a
//! number in groups of 7 bits, 2 a length and so many bytes), then the content; messages are fields of kind 2. The
//! numbers of the fields are those of `onnx.proto3`.
//!
//! ```text
//! x ── Equal, Where ──► gaps filled ── Cast, Sub, Div, Cast ──► scaled ── MatMul, Add, f ──► … ── Cast, Mul, Add, Cast ──► y
//! ```
//!
//! `tract` lacks IsNaN, and in f64 Gemm and Sigmoid. A gap is found as a number that is not equal to itself, and the
//! others are made of simpler operators.

use super::safetensors::number_type;
use crate::activation::Activation;
use crate::data::Scaling;
use crate::error::{FileProblem, Result};
use crate::io::{AtomicFile, in_file};
use crate::model::Model;
use crate::real::{Real, word};
use ndarray::{ArrayView, Dimension, arr0};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// The version of the operators, and of the file format that came with it.
const OPERATORS: u64 = 17;
const FORMAT: u64 = 8;

/// The element types of tensors.
const FLOAT: u64 = 1;
const DOUBLE: u64 = 11;

impl<F: Real> Model<F> {
    /// Saves the model as an [ONNX](https://onnx.ai) file, for other runtimes, such as `onnxruntime` and `tract`. Needs
    /// the feature `safetensors`.
    ///
    /// The graph takes `inputs`, `[n, features]`, and gives `outputs`, `[n, outputs]`, in the number type of the model.
    /// The features are [`Preprocessing::feature_names`](crate::Preprocessing::feature_names), unscaled: a column of
    /// numbers is one, a word stands as 1 in its own column among zeros. Filling in missing numbers (NaN) and both
    /// scalings are in the graph. The names of features, and of classes or targets, stand in the metadata, as JSON
    /// arrays: `features`, `classes`, `targets`.
    ///
    /// The operators are those of version 17. Outputs agree with [`predict`](Model::predict) up to rounding: to that of
    /// f32 also in f64, if there is a GELU.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the file cannot be written, and with [`FileProblem::NoOperator`] for a
    /// custom activation.
    ///
    /// ```
    /// # use chainrule::{Activation, Dataset, Layer, Model, Network, Preprocessing, Table, ndarray::array};
    /// # let data = Dataset::new(array![[32.0_f32], [212.0]], array![[0.0], [100.0]])?;
    /// # let line = Layer::new(array![[1.0]], array![0.0], Activation::Identity)?;
    /// # let network = Network::from_layers(vec![line])?;
    /// # let model = Model::new(Preprocessing::learn(&Table::from_dataset(&data))?, network)?;
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-onnx-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// # let path = folder.join("model.onnx");
    /// model.save_onnx(&path)?;
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    ///
    /// In Python:
    ///
    /// ```python
    /// import numpy, onnxruntime
    /// session = onnxruntime.InferenceSession("model.onnx")
    /// session.run(["outputs"], {"inputs": numpy.array([[122]], dtype=numpy.float32)})   # [[50.]]
    /// ```
    pub fn save_onnx(&self, path: impl AsRef<Path>) -> Result<()> {
        let write = || -> Result<(), FileProblem> {
            let mut file = AtomicFile::create(path.as_ref(), ".chainrule-", ".tmp")?;
            file.write_all(&model(self)?)?;
            Ok(file.commit()?)
        };
        write().map_err(in_file(path.as_ref()))
    }
}

/// ModelProto.
fn model<F: Real>(model: &Model<F>) -> Result<Vec<u8>, FileProblem> {
    let preprocessing = model.preprocessing();
    let graph = graph(model)?;
    let mut file = Message::default();
    file.number(1, FORMAT).text(2, "chainrule").message(7, &graph);
    let mut operators = Message::default();
    operators.text(1, "").number(2, OPERATORS);
    file.message(8, &operators);
    let names = |key: &str, names: &[String]| {
        let mut entry = Message::default();
        entry.text(1, key).text(2, &serde_json::json!(names).to_string());
        entry
    };
    file.message(14, &names("features", &preprocessing.feature_names()));
    match preprocessing.classes() {
        Some(classes) => file.message(14, &names("classes", classes)),
        None => {
            let targets: Vec<String> = preprocessing.targets().into_iter().map(String::from).collect();
            file.message(14, &names("targets", &targets))
        }
    };
    Ok(file.0)
}

/// GraphProto.
fn graph<F: Real>(model: &Model<F>) -> Result<Message, FileProblem> {
    let (preprocessing, network) = (model.preprocessing(), model.network());
    let mut graph = Graph { now: "inputs".into(), ..Graph::default() };

    // Missing numbers. Where nothing was learnt they stay NaN.
    let fills = preprocessing.fills::<F>();
    if fills.iter().any(|fill| !fill.is_nan()) {
        let inputs = graph.now.clone();
        graph.constant("fill", ArrayView::from(&fills));
        graph.node("Equal", &[&inputs, &inputs], "there", &[]);
        graph.node("Where", &["there", &inputs, "fill"], "filled", &[]);
    }

    graph.cast::<F>(DOUBLE, "inputs_f64");
    graph.scaling("input", &preprocessing.scaling, ["Sub", "Div"], ["shift", "scale"]);
    graph.cast::<F>(number_of::<F>(), "scaled");

    for (l, layer) in network.layers().iter().enumerate() {
        let (weights, bias) = (format!("{l}.weight"), format!("{l}.bias"));
        graph.constant(&weights, layer.affine.weights.view());
        graph.constant(&bias, layer.affine.bias.view());
        let input = graph.now.clone();
        let product = graph.apply("MatMul", &[&input, &weights]);
        graph.apply("Add", &[&product, &bias]); // (F1) Z = A₋₁·W + 1bᵀ
        graph.activation::<F>(layer.activation)?; // (F2) A = f(Z)
    }

    if let Some(scaling) = preprocessing.target_scaling() {
        graph.cast::<F>(DOUBLE, "outputs_f64");
        graph.scaling("target", scaling, ["Mul", "Add"], ["scale", "shift"]);
        graph.cast::<F>(number_of::<F>(), "targets");
    }
    let now = graph.now.clone();
    graph.node("Identity", &[&now], "outputs", &[]);

    let mut message = Message(graph.nodes.0);
    message.text(2, "chainrule");
    message.0.extend(graph.constants.0);
    message.message(11, &array::<F>("inputs", preprocessing.num_features()));
    message.message(12, &array::<F>("outputs", network.outputs()));
    Ok(message)
}

fn number_of<F: Real>() -> u64 {
    if number_type::<F>() == "f32" { FLOAT } else { DOUBLE }
}

/// ValueInfoProto of an array `[n, columns]`.
fn array<F: Real>(name: &str, columns: usize) -> Message {
    let (mut rows, mut count) = (Message::default(), Message::default());
    rows.text(2, "n");
    count.number(1, word(columns));
    let (mut shape, mut tensor, mut of, mut value) =
        (Message::default(), Message::default(), Message::default(), Message::default());
    shape.message(1, &rows).message(1, &count);
    tensor.number(1, number_of::<F>()).message(2, &shape);
    of.message(1, &tensor);
    value.text(1, name).message(2, &of);
    value
}

/// A graph in the making: a chain of nodes.
#[derive(Default)]
struct Graph {
    nodes: Message,
    constants: Message,
    /// The name of the chain's last array.
    now: String,
    /// The numbers that the graph has as constants.
    scalars: BTreeSet<String>,
    /// The number of arrays that are named by a number.
    steps: usize,
}

impl Graph {
    /// NodeProto, with attributes that are whole numbers.
    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, u64)]) {
        let mut node = Message::default();
        inputs.iter().for_each(|input| _ = node.text(1, input));
        node.text(2, output).text(3, output).text(4, operator);
        for &(name, value) in attributes {
            let mut attribute = Message::default();
            attribute.text(1, name).number(3, value).number(20, 2);
            node.message(5, &attribute);
        }
        self.nodes.message(1, &node);
        self.now = output.into();
    }

    /// A node whose output has a number for a name.
    fn apply(&mut self, operator: &str, inputs: &[&str]) -> String {
        self.steps += 1;
        let output = format!("{operator}_{}", self.steps);
        self.node(operator, inputs, &output, &[]);
        output
    }

    /// f(z), by operators that runtimes have for both number types.
    fn activation<F: Real>(&mut self, activation: Activation) -> Result<(), FileProblem> {
        let z = &self.now.clone();
        match activation {
            Activation::Identity => {}
            Activation::Sigmoid => _ = self.sigmoid::<F>(z),
            Activation::Tanh => _ = self.apply("Tanh", &[z]),
            Activation::Relu => _ = self.apply("Relu", &[z]),
            Activation::Softmax => _ = self.apply("Softmax", &[z]), // along the last axis
            Activation::LeakyRelu => {
                let slope = self.scalar::<F>(0.01);
                let below = self.apply("Mul", &[z, &slope]);
                self.apply("Max", &[z, &below]);
            }
            Activation::Elu => {
                let (zero, one) = (self.scalar::<F>(0.0), self.scalar::<F>(1.0));
                let below = self.apply("Min", &[z, &zero]);
                let exponential = self.apply("Exp", &[&below]);
                let below = self.apply("Sub", &[&exponential, &one]);
                let above = self.apply("Relu", &[z]);
                self.apply("Add", &[&above, &below]); // max(0, z) + (eᶻ − 1 where z < 0)
            }
            Activation::Softplus => {
                let one = self.scalar::<F>(1.0);
                let size = self.apply("Abs", &[z]);
                let minus = self.apply("Neg", &[&size]);
                let exponential = self.apply("Exp", &[&minus]);
                let sum = self.apply("Add", &[&exponential, &one]);
                let logarithm = self.apply("Log", &[&sum]);
                let above = self.apply("Relu", &[z]);
                self.apply("Add", &[&above, &logarithm]); // max(0, z) + ln(1 + e^−|z|), which cannot overflow
            }
            Activation::Silu => {
                let sigmoid = self.sigmoid::<F>(z);
                self.apply("Mul", &[z, &sigmoid]);
            }
            Activation::Gelu => {
                let (one, half) = (self.scalar::<F>(1.0), self.scalar::<F>(0.5));
                let root = self.scalar::<F>(std::f64::consts::FRAC_1_SQRT_2);
                let scaled = self.apply("Mul", &[z, &root]);
                // Runtimes have this one in f32 alone.
                let is_f64 = number_of::<F>() == DOUBLE;
                let scaled = if is_f64 { self.convert(&scaled, FLOAT) } else { scaled };
                let error_function = self.apply("Erf", &[&scaled]);
                let error_function = if is_f64 { self.convert(&error_function, DOUBLE) } else { error_function };
                let sum = self.apply("Add", &[&error_function, &one]);
                let share = self.apply("Mul", &[&sum, &half]);
                self.apply("Mul", &[z, &share]); // z Φ(z), Φ(z) = (1 + erf(z/√2)) / 2
            }
            Activation::Custom { name, .. } => return Err(FileProblem::NoOperator { activation: name.into() }),
        }
        Ok(())
    }

    fn sigmoid<F: Real>(&mut self, z: &str) -> String {
        if number_of::<F>() == FLOAT {
            return self.apply("Sigmoid", &[z]);
        }
        let one = self.scalar::<F>(1.0);
        let minus = self.apply("Neg", &[z]);
        let exponential = self.apply("Exp", &[&minus]);
        let sum = self.apply("Add", &[&exponential, &one]);
        self.apply("Reciprocal", &[&sum]) // 1 / (1 + e⁻ᶻ), which is 0 where the exponential overflows
    }

    fn convert(&mut self, input: &str, to: u64) -> String {
        let output = format!("{input}_{to}");
        self.node("Cast", &[input], &output, &[("to", to)]);
        output
    }

    /// A constant number, by its digits.
    fn scalar<F: Real>(&mut self, number: f64) -> String {
        let name = number.to_string();
        if self.scalars.insert(name.clone()) {
            self.constant(&name, arr0(F::from_f64(number)).view());
        }
        name
    }

    /// TensorProto.
    fn constant<F: Real, D: Dimension>(&mut self, name: &str, array: ArrayView<'_, F, D>) {
        let mut tensor = Message::default();
        array.shape().iter().for_each(|&n| _ = tensor.number(1, word(n)));
        let number = number_of::<F>();
        let bytes: Vec<u8> = match number {
            FLOAT => array.iter().flat_map(|x| x.to_f32().unwrap_or(f32::NAN).to_le_bytes()).collect(),
            _ => array.iter().flat_map(|x| x.f64().to_le_bytes()).collect(),
        };
        tensor.number(2, number).text(8, name).bytes(9, &bytes);
        self.constants.message(5, &tensor);
    }

    /// Converts to another number type, unless `F` is that type.
    fn cast<F: Real>(&mut self, to: u64, output: &str) {
        if number_of::<F>() == FLOAT {
            let input = self.now.clone();
            self.node("Cast", &[&input], output, &[("to", to)]);
        }
    }

    /// Two steps with the numbers of a scaling, in f64 as everywhere.
    fn scaling(&mut self, name: &str, scaling: &Scaling, operators: [&str; 2], with: [&str; 2]) {
        for (operator, with) in operators.into_iter().zip(with) {
            let (input, constant) = (self.now.clone(), format!("{name}_{with}"));
            let numbers = if with == "shift" { scaling.shift() } else { scaling.scale() };
            self.constant(&constant, numbers);
            self.node(operator, &[&input, &constant], &format!("{name}_{operator}"), &[]);
        }
    }
}

/// A protocol buffer, in bytes.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn groups(&mut self, mut number: u64) {
        while number >= 128 {
            self.0.push(number.to_le_bytes()[0] | 128);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn number(&mut self, field: u64, number: u64) -> &mut Self {
        self.groups(field << 3);
        self.groups(number);
        self
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) -> &mut Self {
        self.groups(field << 3 | 2);
        self.groups(word(bytes.len()));
        self.0.extend(bytes);
        self
    }

    fn text(&mut self, field: u64, text: &str) -> &mut Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(&mut self, field: u64, message: &Message) -> &mut Self {
        self.bytes(field, &message.0)
    }
}
