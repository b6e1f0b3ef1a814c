//! `Error`: what can be wrong with the things a caller hands in, each with the place, what was expected
//! there and what was found.
//!
//! Everything is checked once, at the public door; behind it the crate computes without looking again.

use crate::real::{Real, count};
use crate::vectors::all_finite;
use ndarray::{ArrayView, Dimension};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call was refused. Its `Display` is a whole sentence for a person to read.
///
/// ```
/// use chainrule::Error;
///
/// let error = Error::Shape { place: "bias", layer: Some(1), expected: vec![3], found: vec![4] };
/// assert_eq!(error.to_string(), "layer 1: bias: expected shape [3], found [4]");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// An array has another shape than its place asks for.
    Shape {
        /// What the array is: `inputs`, `targets`, `weights`, `bias`, …
        place: &'static str,
        /// The layer it belongs to, counted from 0; `None` where it belongs to none.
        layer: Option<usize>,
        /// The shape that would have fitted.
        expected: Vec<usize>,
        /// The shape that came.
        found: Vec<usize>,
    },
    /// There is nothing to compute with: no rows, no columns, no layers.
    Empty {
        /// What is empty.
        place: &'static str,
    },
    /// A NaN or an infinity where a number has to stand.
    NotFinite {
        /// What the array is: `inputs`, `targets`, `weights`, `bias`, …
        place: &'static str,
        /// The layer it belongs to, counted from 0; `None` where it belongs to none.
        layer: Option<usize>,
        /// Where in the array, row first.
        index: Vec<usize>,
        /// The value that stands there.
        found: f64,
    },
    /// A number outside the range in which it means something, such as a negative learning rate.
    OutOfRange {
        /// The number's name.
        name: &'static str,
        /// The range, in words.
        expected: String,
        /// The value that came.
        found: f64,
    },
    /// A class label that is not below the number of classes.
    Label {
        /// The row, counted from 0.
        row: usize,
        /// The number of classes; labels run from 0 to one less.
        classes: usize,
        /// The label that came.
        found: usize,
    },
    /// Classes were asked of targets that are not class indicators.
    NoLabels {
        /// The first row that names no class, counted from 0.
        row: usize,
    },
    /// A target that means nothing to the loss, such as a probability below 0.
    Target {
        /// What the array is: `targets` or `validation targets`.
        place: &'static str,
        /// The loss.
        loss: &'static str,
        /// The range of its targets, in words.
        expected: &'static str,
        /// Where in the array, row first.
        index: [usize; 2],
        /// The value that stands there.
        found: f64,
    },
    /// A loss that cannot be had from the network's output activation.
    Pairing {
        /// The loss.
        loss: &'static str,
        /// The activation of the last layer.
        activation: &'static str,
        /// What to take instead.
        instead: &'static str,
    },
    /// A softmax over a single unit, which is 1 whatever comes in.
    SoftmaxOfOne {
        /// The layer, counted from 0; `None` for a layer that is in no network yet.
        layer: Option<usize>,
    },
    /// `backward` without a `forward` of the same network and as many rows before it.
    NoForward {
        /// The rows of the batch handed to `backward`.
        expected: usize,
        /// The rows of the last `forward` (0: there was none).
        found: usize,
    },
    /// A cost that is NaN or infinite: on the explicit pass, where there is no epoch to name.
    CostNotFinite {
        /// The cost.
        cost: f64,
    },
    /// Training has diverged: a cost or a parameter is NaN or infinite. The network is back at the start of
    /// the epoch and the velocity at zero.
    Diverged {
        /// The epoch, counted from 0.
        epoch: usize,
        /// The cost that was seen: NaN or infinite, or finite if only the parameters are not.
        cost: f64,
        /// The last finite cost of a batch; `None` if there was none.
        last_finite_cost: Option<f64>,
        /// The learning rate of that epoch.
        learning_rate: f64,
    },
    /// A file that could not be read, or does not hold what it should.
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// Files that are neither in the folder nor to be had from any mirror (feature `download`).
    Download {
        /// The files that are missing.
        files: Vec<String>,
        /// The archives that they are published in, in which they may be put into the folder as well.
        archives: Vec<String>,
        /// The folder to put them into by hand.
        folder: PathBuf,
        /// What was tried for the first that could not be had, in order, each with what was wrong with it.
        attempts: Vec<Attempt>,
    },
}

/// A place that a file could not be had from, in [`Error::Download`].
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// A mirror's address of the file, or the path of an archive in the folder.
    pub from: String,
    /// What was wrong.
    pub problem: FileProblem,
}

/// What is wrong with a file. Offsets and sizes are in bytes, of the uncompressed contents.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FileProblem {
    /// The operating system refused.
    Io {
        /// Its reason.
        kind: std::io::ErrorKind,
        /// Its words.
        message: String,
    },
    /// The file is gzip-compressed and the crate was built without the feature `gzip`.
    NeedsGzip,
    /// The gzip stream is damaged or cut off.
    Gzip {
        /// The decoder's words.
        message: String,
    },
    /// The first bytes are those of another kind of file.
    Magic {
        /// The kind of file, and the bytes that it starts with.
        expected: String,
        /// The bytes that stand there.
        found: Vec<u8>,
    },
    /// An IDX file of numbers that are not unsigned bytes.
    ElementType {
        /// The type's code, the third byte of the file.
        found: u8,
    },
    /// The file ends too early.
    Truncated {
        /// Its size by its own header, or as published.
        expected: u64,
        /// Its size.
        found: u64,
    },
    /// Bytes follow after the end.
    Trailing {
        /// Its size by its own header, or as published.
        expected: u64,
    },
    /// The contents are not those that were published, or not those that were written: a byte has changed since.
    Checksum {
        /// The checksum that was published, or that the file names.
        expected: String,
        /// That of the contents.
        found: String,
    },
    /// An archive without the file that should be in it.
    NotInArchive {
        /// The file.
        expected: String,
    },
    /// A server that answers, but not with the file: a status such as 404, a broken protocol, an unknown host.
    Http {
        /// What happened, in words.
        message: String,
    },
    /// A server that does not answer, or too slowly.
    Stalled {
        /// The time within which more should have come.
        within: Duration,
    },
    /// A file without a header whose size is not a whole number of rows.
    PartialRow {
        /// The size of a row.
        row: usize,
        /// The size of the file.
        found: u64,
    },
    /// A label that is not below the number of classes.
    Label {
        /// Where it stands.
        offset: u64,
        /// The number of classes.
        classes: usize,
        /// The label.
        found: usize,
    },
    /// Dimensions whose product does not fit into memory.
    TooLarge {
        /// The dimensions in the header.
        dimensions: Vec<u64>,
    },
    /// A file that holds no examples.
    NoExamples,
    /// Two files that belong together hold different numbers of examples.
    Examples {
        /// The number in the other file.
        expected: usize,
        /// The number in this one.
        found: usize,
    },
    /// A safetensors header that is longer than that of any network.
    HeaderTooLong {
        /// The length up to which one is read.
        limit: u64,
        /// Its length by the first eight bytes.
        found: u64,
    },
    /// A safetensors header that is not one.
    Header {
        /// What it should be, and the reader's words.
        message: String,
    },
    /// A file of another version of the crate's format.
    Version {
        /// The version that this crate writes and reads.
        expected: &'static str,
        /// The file's.
        found: String,
    },
    /// An entry of a file's metadata is missing or makes no sense.
    Metadata {
        /// The entry's name.
        key: &'static str,
        /// What should stand there.
        expected: String,
        /// What stands there; `None` if there is no such entry.
        found: Option<String>,
    },
    /// A tensor is missing, is one too many, or has another type, shape or place than it should.
    Tensor {
        /// The tensor's name.
        name: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A custom activation or loss, of which a file holds the name and not the functions.
    NeedsFunctions {
        /// The entry of the file that names it: `activations` or `loss`.
        entry: &'static str,
        /// Its name.
        name: String,
    },
    /// The file is whole, and what it holds makes no network.
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Shape { place, layer, expected, found } => {
                write!(f, "{}{place}: expected shape {expected:?}, found {found:?}", At(*layer))
            }
            Error::Empty { place } => write!(f, "{place}: expected at least one, found none"),
            Error::NotFinite { place, layer, index, found } => {
                write!(f, "{}{place}: expected finite numbers, found {found} at {index:?}", At(*layer))
            }
            Error::Target { place, loss, expected, index, found } => {
                write!(f, "{place}: expected {expected} for {loss}, found {found} at {index:?}")
            }
            Error::OutOfRange { name, expected, found } => write!(f, "{name}: expected {expected}, found {found}"),
            Error::Label { row, classes, found } => {
                write!(f, "label of row {row}: expected 0 to {}, found {found}", classes.saturating_sub(1))
            }
            Error::NoLabels { row } => {
                write!(
                    f,
                    "targets of row {row}: expected a class (a single 1 among zeros, or 0 or 1 in a single column)"
                )
            }
            Error::Pairing { loss, activation, instead } => {
                write!(f, "{loss} cannot be had from {activation} outputs: take {instead}")
            }
            Error::SoftmaxOfOne { layer } => {
                write!(f, "{}softmax of a single unit is always 1: take one sigmoid unit, or two units", At(*layer))
            }
            Error::NoForward { expected, found: 0 } => {
                write!(f, "backward of {expected} rows: expected a forward of as many rows before it, found none")
            }
            Error::NoForward { expected, found } => {
                write!(
                    f,
                    "backward of {expected} rows: expected a forward of as many rows before it, found {found} rows"
                )
            }
            Error::CostNotFinite { cost } => {
                write!(f, "cost: expected a finite number, found {cost}: try a smaller learning rate")
            }
            Error::Diverged { epoch, cost, last_finite_cost, learning_rate } => {
                write!(f, "training diverged in epoch {epoch}: cost {cost}, ")?;
                match last_finite_cost {
                    Some(last) => write!(f, "last finite cost {last}")?,
                    None => write!(f, "no finite cost before it")?,
                }
                write!(
                    f,
                    ", learning rate {learning_rate}. Try a learning rate ten times smaller, inputs scaled to about \
                     -1 to 1, or smaller initial weights"
                )
            }
            Error::File { file, problem } => write!(f, "{}: {problem}", file.display()),
            Error::Download { files, archives, folder, attempts } => {
                write!(f, "could not get {}: tried ", files.join(", "))?;
                if attempts.is_empty() {
                    write!(f, "no mirror, for there is none")?;
                }
                for (i, Attempt { from, problem }) in attempts.iter().enumerate() {
                    write!(f, "{}{from} ({problem})", if i == 0 { "" } else { ", " })?;
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
            FileProblem::Gzip { message } => write!(f, "broken gzip stream: {message}"),
            FileProblem::Magic { expected, found } => write!(f, "expected {expected}, found {found:02x?} at offset 0"),
            FileProblem::ElementType { found } => {
                write!(f, "IDX element type: expected 0x08 (unsigned bytes), found {found:#04x} at offset 2")
            }
            FileProblem::Truncated { expected, found } => {
                write!(f, "truncated: expected {expected} bytes, found {found}")
            }
            FileProblem::Trailing { expected } => write!(f, "expected {expected} bytes, found more"),
            FileProblem::NotInArchive { expected } => {
                write!(f, "expected {expected} in the archive, found no such file")
            }
            FileProblem::Http { message } => write!(f, "{message}"),
            FileProblem::Stalled { within } => write!(f, "no answer, or too little of it, within {within:?}"),
            FileProblem::PartialRow { row, found } => {
                write!(f, "expected whole rows of {row} bytes, found {found} bytes in all")
            }
            FileProblem::Label { offset, classes, found } => {
                write!(f, "label at offset {offset}: expected 0 to {}, found {found}", classes.saturating_sub(1))
            }
            FileProblem::TooLarge { dimensions } => {
                write!(f, "dimensions {dimensions:?}: expected a product that fits into memory")
            }
            FileProblem::NoExamples => write!(f, "expected at least one example, found none"),
            FileProblem::Examples { expected, found } => {
                write!(f, "number of examples: expected {expected} as in the file that belongs to it, found {found}")
            }
            FileProblem::HeaderTooLong { limit, found } => {
                write!(f, "safetensors header: expected at most {limit} bytes, found a length of {found} at offset 0")
            }
            FileProblem::Header { message } => write!(f, "safetensors header: {message}"),
            FileProblem::Version { expected, found } => {
                write!(f, "format of chainrule: expected version {expected}, found {found:?}")
            }
            FileProblem::Checksum { expected, found } => {
                write!(f, "other contents than those published or written: expected checksum {expected}, found {found}")
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
            FileProblem::NeedsFunctions { entry, name } => {
                write!(f, "{entry}: {name:?} is custom, and a file holds its name only: hand its functions over")
            }
            FileProblem::Contents { error } => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

impl std::error::Error for FileProblem {}

impl From<std::io::Error> for FileProblem {
    fn from(error: std::io::Error) -> Self {
        FileProblem::Io { kind: error.kind(), message: error.to_string() }
    }
}

/// A file that is whole and holds what makes no network.
impl From<Error> for FileProblem {
    fn from(error: Error) -> Self {
        FileProblem::Contents { error: Box::new(error) }
    }
}

/// What an error calls the arrays that have the shapes of parameters.
pub(crate) struct Places {
    pub(crate) layers: &'static str,
    pub(crate) weights: &'static str,
    pub(crate) bias: &'static str,
}

pub(crate) const GRADIENTS: Places =
    Places { layers: "layers of the gradients", weights: "gradient of the weights", bias: "gradient of the bias" };

pub(crate) const VELOCITY: Places =
    Places { layers: "layers of the velocity", weights: "velocity of the weights", bias: "velocity of the bias" };

/// Refuses another shape than the expected one.
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

/// Refuses a NaN or an infinity, and names the first.
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

/// Refuses a `number` of things, of `each` so many `T`, that an allocation would panic on.
pub(crate) fn check_fits<T>(name: &'static str, number: usize, each: usize) -> Result<()> {
    match number.checked_mul(each).map(|size| Vec::<T>::new().try_reserve_exact(size)) {
        Some(Ok(())) => Ok(()),
        _ => Err(Error::OutOfRange { name, expected: "a number that fits into memory".into(), found: count(number) }),
    }
}
