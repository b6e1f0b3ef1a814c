//! `Error`: everything that can be wrong with a call. Each variant names the place, what was expected and what was
//! found.
//!
//! Public functions check their arguments once; internal code does not check them again.

use crate::kernels::all_finite;
use crate::real::{Real, count};
use ndarray::{ArrayView, Dimension};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. Its `Display` is a complete message for a person.
///
/// ```
/// use chainrule::Error;
///
/// let error = Error::Shape { place: "bias", layer: Some(1), expected: vec![3], found: vec![4] };
/// let text = "layer 1: bias: expected shape [3], found [4]. \
///     Weights are [inputs, outputs], and every output has one bias";
/// assert_eq!(error.to_string(), text);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// An array has the wrong shape.
    Shape {
        /// The array: `inputs`, `targets`, `weights`, `bias`, …
        place: &'static str,
        /// Its layer, counted from 0; `None` if it belongs to no layer.
        layer: Option<usize>,
        /// The right shape.
        expected: Vec<usize>,
        /// The actual shape.
        found: Vec<usize>,
    },
    /// No rows, no columns, no layers: nothing to compute with.
    Empty {
        /// What is empty.
        place: &'static str,
    },
    /// A NaN or an infinity where a finite number is needed.
    NotFinite {
        /// The array: `inputs`, `targets`, `weights`, `bias`, …
        place: &'static str,
        /// Its layer, counted from 0; `None` if it belongs to no layer.
        layer: Option<usize>,
        /// The index in the array, row first.
        index: Vec<usize>,
        /// The value at that index.
        found: f64,
    },
    /// A number outside its range, such as a negative learning rate.
    OutOfRange {
        /// The number's name.
        name: &'static str,
        /// The range, as text.
        expected: String,
        /// The actual value.
        found: f64,
    },
    /// A class label that is not below the number of classes.
    Label {
        /// The row, counted from 0.
        row: usize,
        /// The number of classes; valid labels are 0 to `classes` − 1.
        classes: usize,
        /// The actual label.
        found: usize,
    },
    /// Labels without an example of a class, for a metric that compares it with the others.
    AbsentClass {
        /// The first class without an example.
        class: usize,
    },
    /// The targets are not class indicators, but the call needs class labels.
    NoLabels {
        /// The first row without a class, counted from 0.
        row: usize,
    },
    /// A named column of a table or a row does not fit.
    Column {
        /// Its name.
        column: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A name that occurs twice where names tell things apart.
    Duplicate {
        /// What is named: `feature names`, `class names`, …
        place: &'static str,
        /// The name.
        name: String,
    },
    /// A target outside the range of the loss, such as a probability below 0.
    Target {
        /// The array: `targets` or `validation targets`.
        place: &'static str,
        /// The loss.
        loss: &'static str,
        /// The range of its targets, as text.
        expected: &'static str,
        /// The index in the array, row first.
        index: [usize; 2],
        /// The value at that index.
        found: f64,
    },
    /// A row of targets for [`Loss::CrossEntropy`](crate::Loss::CrossEntropy) that does not sum to 1.
    TargetSum {
        /// The array: `targets` or `validation targets`.
        place: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// Its sum.
        found: f64,
    },
    /// A loss that does not work with the network's output activation.
    Pairing {
        /// The loss.
        loss: &'static str,
        /// The activation of the last layer.
        activation: &'static str,
        /// What to use instead.
        instead: &'static str,
    },
    /// A softmax of a single unit, which is always 1.
    SoftmaxOfOne {
        /// The layer, counted from 0; `None` for a layer outside of a network.
        layer: Option<usize>,
    },
    /// `backward` without a preceding `forward` of the same network and the same number of rows.
    NoForward {
        /// The rows of the batch in `backward`.
        expected: usize,
        /// The rows of the last `forward`; 0 if there was none.
        found: usize,
    },
    /// A cost that is NaN or infinite, outside of a `Trainer`.
    CostNotFinite {
        /// The cost.
        cost: f64,
    },
    /// Training has diverged: a cost or a parameter is NaN or infinite. The network is back at the start of
    /// the epoch and the velocity at zero.
    Diverged {
        /// The epoch, counted from 0.
        epoch: usize,
        /// The cost: NaN or infinite, or finite if only a parameter is not.
        cost: f64,
        /// The last finite cost of a batch; `None` if there was none.
        last_finite_cost: Option<f64>,
        /// The learning rate of that epoch.
        learning_rate: f64,
        /// The largest absolute input of the training set; `None` in a stream of pieces.
        largest_input: Option<f64>,
        /// The largest absolute target; `None` in a stream of pieces.
        largest_target: Option<f64>,
        /// Whether the outputs have an upper bound, as those of a sigmoid have. Scaling the targets is no remedy
        /// then.
        bounded_outputs: bool,
    },
    /// A `Trainer` that is to go on with a network other than the one it has trained.
    AnotherNetwork {
        /// The epochs that it has trained so far.
        epochs: usize,
    },
    /// A file that cannot be read or written, or has the wrong contents.
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// Files that are not in the folder and that no mirror delivered (feature `download`).
    Download {
        /// The missing files.
        files: Vec<String>,
        /// Their archives, which may also be put into the folder.
        archives: Vec<String>,
        /// The folder for the files.
        folder: PathBuf,
        /// The failed attempts for the first missing file, in order.
        attempts: Vec<Attempt>,
    },
}

/// A failed source of a file, in [`Error::Download`].
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The address on a mirror, or the path of an archive in the folder.
    pub from: String,
    /// What went wrong.
    pub problem: FileProblem,
}

/// What is wrong with a file. Offsets and sizes are in bytes of the uncompressed contents.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FileProblem {
    /// An error of the operating system.
    Io {
        /// The kind of error.
        kind: std::io::ErrorKind,
        /// The system's message.
        message: String,
    },
    /// The file is gzip-compressed and the crate was built without the feature `gzip`.
    NeedsGzip,
    /// The gzip stream is damaged or truncated.
    Gzip {
        /// The decoder's message.
        message: String,
    },
    /// The first bytes belong to another kind of file.
    Magic {
        /// The expected kind of file, and its first bytes.
        expected: String,
        /// The actual first bytes.
        found: Vec<u8>,
    },
    /// An IDX file of numbers that are not unsigned bytes.
    ElementType {
        /// The type's code, the third byte of the file.
        found: u8,
    },
    /// The file ends too early.
    Truncated {
        /// The size according to the header, or as published.
        expected: u64,
        /// The actual size.
        found: u64,
    },
    /// The file continues after its end.
    Trailing {
        /// The size according to the header, or as published.
        expected: u64,
    },
    /// The contents differ from those that were published or saved.
    Checksum {
        /// The published checksum, or the one in the file.
        expected: String,
        /// The checksum of the contents.
        found: String,
    },
    /// An archive that lacks a file.
    NotInArchive {
        /// The file.
        expected: String,
    },
    /// A server did not deliver the file: a status such as 404, a protocol error, an unknown host.
    Http {
        /// What happened.
        message: String,
    },
    /// A server does not answer, or too slowly.
    Stalled {
        /// The time limit.
        within: Duration,
    },
    /// A file without a header whose size is not a multiple of the row size.
    PartialRow {
        /// The size of a row.
        row: usize,
        /// The size of the file.
        found: u64,
    },
    /// A label that is not below the number of classes.
    Label {
        /// Its offset.
        offset: u64,
        /// The number of classes.
        classes: usize,
        /// The label.
        found: usize,
    },
    /// An IDX file of labels that run from 1 to the number of classes.
    LabelsFromOne {
        /// The number of classes.
        classes: usize,
    },
    /// Dimensions whose product does not fit into memory.
    TooLarge {
        /// The dimensions in the header.
        dimensions: Vec<u64>,
    },
    /// A file without examples.
    NoExamples,
    /// Two files that belong together hold different numbers of examples.
    Examples {
        /// The number in the other file.
        expected: usize,
        /// The number in this one.
        found: usize,
    },
    /// A cell of a CSV file (feature `csv`).
    Cell {
        /// The line on which its row begins, counted from 1.
        line: u64,
        /// The name of its column.
        column: String,
        /// What was expected.
        expected: String,
        /// What was found, and what to do.
        found: String,
    },
    /// A line of a CSV file (feature `csv`).
    Line {
        /// The line, counted from 1.
        line: u64,
        /// What was expected.
        expected: String,
        /// What was found, and what to do.
        found: String,
    },
    /// A safetensors header above the maximum length, or another kind of file.
    HeaderTooLong {
        /// The maximum length.
        limit: u64,
        /// The length according to the first eight bytes.
        found: u64,
    },
    /// An invalid safetensors header.
    Header {
        /// What was expected, and the parser's message.
        message: String,
    },
    /// A file of another version of the crate's format.
    Version {
        /// The version that this crate writes and reads.
        expected: &'static str,
        /// The version of the file.
        found: String,
    },
    /// A metadata entry is missing or invalid.
    Metadata {
        /// The entry's name.
        key: &'static str,
        /// The expected value.
        expected: String,
        /// The actual value; `None` if there is no such entry.
        found: Option<String>,
    },
    /// A tensor is missing, is unknown, or has the wrong type, shape or offset.
    Tensor {
        /// The tensor's name.
        name: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The tensors of a file do not have the names of layers.
    Tensors {
        /// The names that were expected.
        expected: String,
        /// The names in the file.
        found: Vec<String>,
    },
    /// A custom activation, loss or schedule: a file holds its name, but not its functions.
    NeedsFunctions {
        /// The metadata entry with its name: `activations`, `loss` or `schedule`.
        entry: &'static str,
        /// Its name.
        name: String,
    },
    /// A custom activation, for which an ONNX file has no operators, and a file of code no formula.
    NoOperator {
        /// Its name.
        activation: String,
    },
    /// The file is intact, but its contents are not a valid network.
    Contents {
        /// Why not.
        error: Box<Error>,
    },
}

/// `layer 2: ` or nothing.
struct At(Option<usize>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(layer) => write!(f, "layer {layer}: "),
            None => Ok(()),
        }
    }
}

/// A number in few digits: in scientific notation if it is large or small, and as `f32` if it is one. A precision
/// rounds it, to that many digits after the first.
pub(crate) struct Number(pub(crate) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = match f.precision() {
            Some(digits) => format!("{:.digits$e}", self.0).parse().unwrap_or(self.0),
            None => self.0,
        };
        let is_plain = x == 0.0 || !x.is_finite() || (1e-4..1e7).contains(&x.abs());
        // 0.1 in f32 is 0.10000000149011612 in f64.
        let short = f32::from_f64(x);
        match f64::from(short) == x {
            true if is_plain => write!(f, "{short}"),
            true => write!(f, "{short:e}"),
            false if is_plain => write!(f, "{x}"),
            false => write!(f, "{x:e}"),
        }
    }
}

/// `(largest: 255) ` or nothing.
struct Largest(Option<f64>);

impl fmt::Display for Largest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |largest| write!(f, "(largest: {:.3}) ", Number(largest)))
    }
}

/// The maximum length of a header in the safetensors format. Text in its place gives a larger number.
const MAX_HEADER: u64 = 100_000_000;

/// Bytes in hexadecimal, and as text where they are text.
struct Bytes<'a>(&'a [u8]);

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if i == 0 { "" } else { " " })?;
        }
        let is_text = self.0.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        if is_text { write!(f, " (text: \"{}\")", self.0.escape_ascii()) } else { Ok(()) }
    }
}

/// A list of names, cut if it is long.
pub(crate) struct List<'a>(pub(crate) &'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 20;
        if self.0.is_empty() {
            return write!(f, "none");
        }
        write!(f, "{}", self.0[..self.0.len().min(MOST)].join(", "))?;
        match self.0.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Shape { place, layer, expected, found } => {
                write!(f, "{}{place}: expected shape {expected:?}, found {found:?}", At(*layer))?;
                shape_remedy(f, place, expected, found)
            }
            Error::Empty { place } => write!(f, "{place}: expected at least one, found none"),
            Error::NotFinite { place, layer, index, found } => {
                write!(f, "{}{place}: expected finite numbers, found {} at {index:?}", At(*layer), Number(*found))?;
                match *place {
                    "inputs" | "targets" if found.is_nan() => write!(f, ". Leave out rows with gaps, or fill them"),
                    "outputs" => write!(f, ". The weights are too large: train with a smaller learning rate"),
                    _ => Ok(()),
                }
            }
            Error::Target { place, loss, expected, index, found } => {
                write!(f, "{place}: expected {expected} for {loss}, found {} at {index:?}", Number(*found))?;
                match *loss {
                    "binary cross-entropy" => write!(f, ". Yes is 1 and no is 0; mean squared error takes any numbers"),
                    "cross-entropy" => write!(f, ". Dataset::classification makes such targets of class numbers"),
                    _ => Ok(()),
                }
            }
            Error::TargetSum { place, row, found } => {
                write!(
                    f,
                    "{place}: expected rows that sum to 1 for cross-entropy, found {:.3} in row {row}: give labels \
                     (Dataset::classification), and weights of the examples by Dataset::weighted",
                    Number(*found)
                )
            }
            Error::OutOfRange { name, expected, found } => {
                write!(f, "{name}: expected {expected}, found {}", Number(*found))?;
                range_remedy(f, name, *found)
            }
            Error::Label { row, classes, found } => {
                write!(f, "label of row {row}: expected 0 to {}, found {found}", classes.saturating_sub(1))?;
                // Labels that begin at 1 end at the number of classes.
                match found == classes && *classes > 0 {
                    true => write!(f, ": labels count from 0"),
                    false => {
                        write!(f, ". For this label, the number of classes must be {} or more", found.saturating_add(1))
                    }
                }
            }
            Error::AbsentClass { class } => write!(
                f,
                "labels: expected examples of every class for ROC AUC, found none of class {class}: take more rows, or \
                 roc_auc of the columns of the other classes"
            ),
            Error::NoLabels { row } => {
                write!(
                    f,
                    "targets of row {row}: expected a class (a single 1 among zeros, or 0 or 1 in a single column). \
                     Dataset::classification makes such targets of class numbers"
                )
            }
            Error::Column { column, expected, found } => {
                write!(f, "column {column:?}: expected {expected}, found {found}")
            }
            Error::Duplicate { place, name } => write!(f, "{place}: expected different ones, found {name:?} twice"),
            Error::Pairing { loss, activation, instead } => {
                write!(f, "{loss} does not work with {activation} outputs: use {instead}")
            }
            Error::SoftmaxOfOne { layer } => {
                write!(f, "{}softmax of a single unit is always 1: use one sigmoid unit, or two units", At(*layer))
            }
            Error::NoForward { expected, found } => {
                write!(f, "backward of {expected} rows: expected a forward of as many rows before it, found ")?;
                match found {
                    0 => write!(f, "none")?,
                    _ => write!(f, "{found} rows")?,
                }
                write!(f, ". Call Network::forward with the same inputs and workspace first")
            }
            Error::CostNotFinite { cost } => {
                let cost = Number(*cost);
                write!(
                    f,
                    "cost: expected a finite number, found {cost}: try a smaller learning rate, or scale inputs and targets"
                )
            }
            Error::Diverged {
                epoch,
                cost,
                last_finite_cost,
                learning_rate,
                largest_input,
                largest_target,
                bounded_outputs,
            } => {
                write!(f, "training diverged in epoch {epoch}: cost {:.3}, ", Number(*cost))?;
                match last_finite_cost {
                    Some(last) => write!(f, "last finite cost {:.3}", Number(*last))?,
                    None => write!(f, "no finite cost before it")?,
                }
                let rate = Number(*learning_rate);
                write!(f, ", learning rate {rate:.3}. Try a learning rate ten times smaller. If that does not help, ")?;
                write!(f, "scale the inputs {}", Largest(*largest_input))?;
                if !bounded_outputs {
                    write!(f, "and the targets {}", Largest(*largest_target))?;
                }
                write!(f, "to about -1 to 1, or make the initial weights smaller")
            }
            Error::AnotherNetwork { epochs } => write!(
                f,
                "this trainer has trained another network for {epochs} epochs: for a new training, call reset or make \
                 another Trainer; to go on with these parameters, call continue_with"
            ),
            Error::File { file, problem } => write!(f, "{}: {problem}", file.display()),
            Error::Download { files, archives, folder, attempts } => {
                write!(f, "could not get {}: ", files.join(", "))?;
                if attempts.is_empty() {
                    write!(f, "no mirrors configured")?;
                }
                for (i, Attempt { from, problem }) in attempts.iter().enumerate() {
                    write!(f, "{}{from} ({problem})", if i == 0 { "tried " } else { ", " })?;
                }
                write!(
                    f,
                    ". Without a network, put the files into {}, unpacked or as they are published: {}",
                    folder.display(),
                    archives.join(", ")
                )
            }
        }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileProblem::Io { message, .. } => write!(f, "{message}"),
            FileProblem::NeedsGzip => {
                write!(f, "gzip-compressed: unpack it, or build chainrule with the feature \"gzip\"")
            }
            FileProblem::Gzip { message } => write!(f, "broken gzip stream: {message}. Get the file again"),
            FileProblem::Magic { expected, found } => {
                write!(f, "expected {expected}, found {} at offset 0", Bytes(found))
            }
            FileProblem::ElementType { found } => {
                write!(f, "IDX element type: expected 0x08 (unsigned bytes), found {found:#04x} at offset 2")?;
                write!(f, ". Numbers of other types go through Dataset::new")
            }
            FileProblem::Truncated { expected, found } => {
                write!(f, "truncated: expected {expected} bytes, found {found}. Get the file again")
            }
            FileProblem::Trailing { expected } => {
                write!(f, "expected {expected} bytes, found more. Get the file again")
            }
            FileProblem::NotInArchive { expected } => {
                write!(f, "expected {expected} in the archive, found no such file")
            }
            FileProblem::Http { message } => write!(f, "{message}"),
            FileProblem::Stalled { within } => write!(f, "no answer, or too little of it, within {within:?}"),
            FileProblem::PartialRow { row: 3073, found } if found % 3074 == 0 => {
                let reader = "Dataset::from_cifar100 reads it (rows of 3074 bytes, not 3073)";
                write!(f, "a file of CIFAR-100, by its length: {reader}")
            }
            FileProblem::PartialRow { row: 3074, found } if found % 3073 == 0 => {
                let reader = "Dataset::from_cifar10 reads it (rows of 3073 bytes, not 3074)";
                write!(f, "a file of CIFAR-10, by its length: {reader}")
            }
            FileProblem::PartialRow { row, found } => {
                write!(f, "expected whole rows of {row} bytes, found {found} bytes in all")
            }
            FileProblem::Label { offset, classes, found } => {
                write!(f, "label at offset {offset}: expected 0 to {}, found {found}", classes.saturating_sub(1))
            }
            FileProblem::LabelsFromOne { classes } => write!(
                f,
                "labels 1 to {classes}: expected 0 to {}. Labels count from 0: ask for {} classes, of which class 0 \
                 stays empty, or subtract 1 (Idx::read, then Dataset::classification)",
                classes.saturating_sub(1),
                classes.saturating_add(1)
            ),
            FileProblem::TooLarge { dimensions } => {
                write!(f, "dimensions {dimensions:?}: expected a product that fits into memory")
            }
            FileProblem::NoExamples => write!(f, "expected at least one example, found none"),
            FileProblem::Examples { expected, found } => {
                write!(f, "number of examples: expected {expected}, as in the file of the labels, found {found}. ")?;
                write!(f, "Take both files from one set")
            }
            FileProblem::Cell { line, column, expected, found } => {
                write!(f, "line {line}, column {column:?}: expected {expected}, found {found}")
            }
            FileProblem::Line { line, expected, found } => {
                write!(f, "line {line}: expected {expected}, found {found}")
            }
            FileProblem::HeaderTooLong { found, .. } if *found > MAX_HEADER => write!(
                f,
                "not a safetensors file: expected the length of a header in the first 8 bytes, found \"{}\" (what \
                 PyTorch has in a .pt or .pth file, safetensors.torch.save_file writes as one)",
                found.to_le_bytes().escape_ascii()
            ),
            FileProblem::HeaderTooLong { limit, found } => {
                write!(f, "safetensors header: expected at most {limit} bytes, found a length of {found} at offset 0")
            }
            FileProblem::Header { message } => write!(f, "safetensors header: {message}"),
            FileProblem::Version { expected, found } => {
                write!(
                    f,
                    "format of chainrule: expected version {expected}, found {found:?}. Use the chainrule that wrote it"
                )
            }
            FileProblem::Checksum { expected, found } => {
                write!(f, "contents changed since they were published or saved: expected checksum {expected}, found ")?;
                write!(f, "{found}. Get the file again")
            }
            FileProblem::Metadata { key, expected, found: None } => {
                write!(f, "metadata {key}: expected {expected}, found none")
            }
            FileProblem::Metadata { key, expected, found: Some(found) } => {
                write!(f, "metadata {key}: expected {expected}, found {found:?}")
            }
            FileProblem::Tensor { name, expected, found } => {
                write!(f, "tensor {name:?}: expected {expected}, found {found}")
            }
            FileProblem::Tensors { expected, found } => {
                write!(f, "tensors: expected {expected}, found {}", List(found))
            }
            FileProblem::NeedsFunctions { entry, name } => {
                let remedy = match *entry {
                    "schedule" => "save the network alone, or take a schedule of the crate",
                    _ => "pass its functions to load_with or load_checkpoint_with",
                };
                write!(f, "{entry}: {name:?} is custom, and a file holds its name only: {remedy}")
            }
            FileProblem::NoOperator { activation } => {
                write!(
                    f,
                    "activation {activation:?}: expected one of the crate's, found a custom one, whose function cannot be \
                     written to a file"
                )
            }
            FileProblem::Contents { error } => match &**error {
                // Its remedy is for arrays of the caller.
                Error::Shape { place, layer, expected, found } if *place != "activations" => {
                    write!(f, "{}{place}: expected shape {expected:?}, found {found:?}", At(*layer))
                }
                error => write!(f, "{error}"),
            },
        }
    }
}

/// Where the other axis would fit.
const TURN: &str = ". Examples are rows: if they are columns, turn the array with .t()";

/// What to do about an array of another shape.
fn shape_remedy(f: &mut fmt::Formatter<'_>, place: &str, expected: &[usize], found: &[usize]) -> fmt::Result {
    let place = place.strip_prefix("validation ").unwrap_or(place);
    match (place, expected, found) {
        ("targets", &[n, _], &[rows, columns]) if n != rows => {
            write!(f, ". Every row of inputs has one row of targets{}", if columns == n { TURN } else { "" })
        }
        ("targets", _, &[_, 1]) => {
            write!(f, ". Dataset::classification or one_hot makes these columns of class numbers")
        }
        ("targets", &[_, 1], &[_, columns]) if columns > 1 => write!(
            f,
            ". One sigmoid output takes two classes as a single column of 0 and 1; one-hot columns need as many softmax \
             outputs"
        ),
        ("targets", _, &[_, columns]) if columns > 1 => {
            write!(f, ". The last layer needs a unit for each column: NetworkBuilder::layer({columns}, …)")
        }
        ("inputs", &[_, inputs], &[rows, columns]) if columns > 0 => {
            let turn = if rows == inputs { TURN } else { "" };
            write!(f, ". For {columns} columns, make the network with Network::builder({columns}){turn}")
        }
        ("inputs to scale" | "targets to scale" | "scaled rows", ..) => {
            write!(f, ". A Scaling fits data with the columns that it was made from")
        }
        ("labels", ..) => write!(f, ". Every row of inputs has one label"),
        ("predictions", ..) => write!(f, ". Every label has one prediction"),
        ("outputs", [n, _], [rows, _]) if n == rows => write!(f, ". Every column of targets has one of outputs"),
        ("outputs" | "probabilities" | "scores", ..) => {
            write!(f, ". Every label or target has one row of outputs, as Network::predict makes them")
        }
        ("decisions", ..) => write!(f, ". Every target has one decision: network.decisions(x, 0.5)?, for sigmoids"),
        ("weights", ..) => {
            write!(f, ". Weights are [inputs, outputs], and the inputs are the outputs of the layer before")
        }
        ("bias", ..) => write!(f, ". Weights are [inputs, outputs], and every output has one bias"),
        ("activations", ..) => write!(f, ". Every layer of the file has one activation"),
        ("rows of the workspace", &[rows], _) => {
            write!(f, ". Make it with room for the batch: Workspace::new(&network, {rows})")
        }
        _ if place.ends_with("of the workspace") || place.starts_with("gradient") || place.ends_with("gradients") => {
            write!(f, ". Use a workspace of this network: Workspace::new")
        }
        _ if place.contains("velocity") || place.contains("moments") => {
            write!(f, ". The optimiser has trained another network: reset it, or make a new one")
        }
        _ => Ok(()),
    }
}

/// What to do about a number out of its range.
fn range_remedy(f: &mut fmt::Formatter<'_>, name: &str, found: f64) -> fmt::Result {
    match name {
        "learning rate" | "learning rate of the schedule" | "weight decay" if found > 0.0 && found.is_finite() => {
            write!(f, ", which the network's f32 cannot hold")
        }
        "momentum" if (0.0..1.0).contains(&found) => write!(f, ", which the network's f32 rounds to 1"),
        "learning rate" => write!(f, ". Usual rates are 0.001 to 0.1, the optimiser's first argument"),
        "learning rate of the schedule" => write!(f, ". It is the optimiser's rate times the factor of the epoch"),
        "batch size" => write!(f, ". Trainer::batch_size sets it"),
        _ => Ok(()),
    }
}

impl std::error::Error for Error {}

impl std::error::Error for FileProblem {}

impl From<std::io::Error> for FileProblem {
    fn from(error: std::io::Error) -> Self {
        FileProblem::Io { kind: error.kind(), message: error.to_string() }
    }
}

/// An intact file without a valid network.
impl From<Error> for FileProblem {
    fn from(error: Error) -> Self {
        FileProblem::Contents { error: Box::new(error) }
    }
}

/// The names, for errors, of arrays that have the shapes of the parameters.
pub(crate) struct Places {
    pub(crate) layers: &'static str,
    pub(crate) weights: &'static str,
    pub(crate) bias: &'static str,
}

pub(crate) const GRADIENTS: Places =
    Places { layers: "layers of the gradients", weights: "gradient of the weights", bias: "gradient of the bias" };

pub(crate) const VELOCITY: Places =
    Places { layers: "layers of the velocity", weights: "velocity of the weights", bias: "velocity of the bias" };

pub(crate) const MOMENTS: Places =
    Places { layers: "layers of the moments", weights: "moments of the weights", bias: "moments of the bias" };

/// Refuses weights of examples that are negative, NaN or infinite.
pub(crate) fn check_weights(weights: &[f64]) -> Result<()> {
    match weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
        Some(&found) => Err(Error::OutOfRange {
            name: "weight of an example",
            expected: "a finite number, 0 or more".into(),
            found,
        }),
        None => Ok(()),
    }
}

/// Refuses any shape except the expected one.
pub(crate) fn check_shape(
    place: &'static str,
    layer: Option<usize>,
    expected: &[usize],
    found: &[usize],
) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape { place, layer, expected: expected.to_vec(), found: found.to_vec() })
}

/// Refuses NaN and infinity, and reports the first.
pub(crate) fn check_finite<F: Real, D: Dimension>(
    place: &'static str,
    layer: Option<usize>,
    array: &ArrayView<'_, F, D>,
) -> Result<()> {
    if array.as_slice_memory_order().is_some_and(all_finite) {
        return Ok(());
    }
    let array = array.view().into_dyn();
    array.indexed_iter().find(|(_, x)| !x.is_finite()).map_or(Ok(()), |(index, x)| {
        Err(Error::NotFinite { place, layer, index: index.slice().to_vec(), found: x.f64() })
    })
}

/// Refuses a size of `number` × `each` elements that does not fit into memory.
pub(crate) fn check_fits<T>(name: &'static str, number: usize, each: usize) -> Result<()> {
    match number.checked_mul(each).map(|size| Vec::<T>::new().try_reserve_exact(size)) {
        Some(Ok(())) => Ok(()),
        _ => Err(Error::OutOfRange { name, expected: "a number that fits into memory".into(), found: count(number) }),
    }
}
