//! The IDX format of MNIST, plain or gzip-compressed.
//!
//! Numbers are big-endian (Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits):
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 2 | 0 |
//! | 2 | 1 | element type; 0x08: unsigned bytes, 0x09: signed bytes, 0x0b: 2-byte and 0x0c: 4-byte integers |
//! | 3 | 1 | d, the number of dimensions |
//! | 4 | 4·d | the dimensions, examples first |
//! | 4 + 4·d | their product | the elements, row-major |

use super::{Dataset, check_classes};
use crate::error::{FileProblem, Result};
use crate::io::{in_file, open, read_up_to, size};
use crate::real::Real;
use ndarray::{Array2, Array3};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The contents of an IDX file of unsigned bytes.
///
/// ```
/// use chainrule::Idx;
///
/// let bytes = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30];
/// let idx = Idx::from_reader(&bytes[..])?;
/// assert_eq!(idx.dimensions, [1, 3]);
/// assert_eq!(idx.data, [10, 20, 30]);
/// # Ok::<(), chainrule::FileProblem>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The dimensions, examples first: `[60000, 28, 28]` for the images of MNIST, `[60000]` for its labels.
    pub dimensions: Vec<usize>,
    /// The elements, row-major. Their number is the product of the dimensions.
    pub data: Vec<u8>,
}

impl Idx {
    /// Reads a file. If it starts with the gzip bytes 1f 8b, it is decompressed on the fly (feature `gzip`).
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) with the file's name and [what is wrong with it](FileProblem).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = || Self::from_reader(open(path)?);
        read().map_err(in_file(path))
    }

    /// Reads from any source of bytes to its end. Decompresses gzip like [`read`](Self::read).
    ///
    /// Reads as many bytes as the header announces, and one more to check that the data ends there. Memory grows with
    /// the bytes that arrive, so a false header costs none.
    ///
    /// # Errors
    /// Every [`FileProblem`] except those about labels and about pairs of files.
    pub fn from_reader(reader: impl Read) -> Result<Self, FileProblem> {
        let Contents { dimensions, bytes, .. } = Contents::read(reader, &[UNSIGNED_BYTE])?;
        Ok(Self { dimensions, data: bytes })
    }
}

const UNSIGNED_BYTE: u8 = 0x08;
const INT32: u8 = 0x0c;

/// The element types of labels.
const INTEGERS: [u8; 4] = [UNSIGNED_BYTE, 0x09, 0x0b, INT32];

/// The contents of an IDX file of any element type.
struct Contents {
    element_type: u8,
    dimensions: Vec<usize>,
    bytes: Vec<u8>,
}

impl Contents {
    fn read(mut reader: impl Read, element_types: &[u8]) -> Result<Self, FileProblem> {
        let start = read_up_to(&mut reader, 2)?;
        let whole = start.chain(reader);
        if start == [0x1f, 0x8b] { Self::unzipped(whole, element_types) } else { Self::plain(whole, element_types) }
    }

    #[cfg(feature = "gzip")]
    fn unzipped(reader: impl Read, element_types: &[u8]) -> Result<Self, FileProblem> {
        // The error kinds by which the decoder reports a damaged stream.
        Self::plain(flate2::read::MultiGzDecoder::new(reader), element_types).map_err(|problem| match problem {
            FileProblem::Io {
                kind: ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof,
                message,
            } => FileProblem::Gzip { message },
            other => other,
        })
    }

    #[cfg(not(feature = "gzip"))]
    fn unzipped(_: impl Read, _: &[u8]) -> Result<Self, FileProblem> {
        Err(FileProblem::NeedsGzip)
    }

    fn plain(mut reader: impl Read, element_types: &[u8]) -> Result<Self, FileProblem> {
        let magic = read_up_to(&mut reader, 4)?;
        let &[zero, zero_too, element_type, rank] = magic.as_slice() else {
            return Err(FileProblem::Truncated { expected: 4, found: size(&magic) });
        };
        if (zero, zero_too) != (0, 0) || rank == 0 {
            let expected = "an IDX file (00 00, element type, number of dimensions)".into();
            return Err(FileProblem::Magic { expected, found: magic });
        }
        if !element_types.contains(&element_type) {
            return Err(FileProblem::ElementType { found: element_type });
        }

        let header = 4 + 4 * u64::from(rank);
        let sizes = read_up_to(&mut reader, header - 4)?;
        if size(&sizes) < header - 4 {
            return Err(FileProblem::Truncated { expected: header, found: 4 + size(&sizes) });
        }
        let dimensions: Vec<u64> =
            sizes.chunks_exact(4).map(|d| u64::from(u32::from_be_bytes([d[0], d[1], d[2], d[3]]))).collect();
        let width = width(element_type) as u64;
        let product = dimensions.iter().try_fold(width, |product, &d| product.checked_mul(d));
        // isize::MAX is the largest possible allocation.
        let Some(expected) = product.filter(|&product| isize::try_from(product).is_ok()) else {
            return Err(FileProblem::TooLarge { dimensions });
        };
        if expected == 0 {
            return Err(FileProblem::NoExamples);
        }

        let bytes = read_up_to(&mut reader, expected + 1)?;
        if size(&bytes) < expected {
            return Err(FileProblem::Truncated { expected: header + expected, found: header + size(&bytes) });
        }
        if size(&bytes) > expected {
            return Err(FileProblem::Trailing { expected: header + expected });
        }
        // Each dimension fits because their product does.
        let dimensions = dimensions.into_iter().filter_map(|d| usize::try_from(d).ok()).collect();
        Ok(Self { element_type, dimensions, bytes })
    }

    /// Refuses the file, by its first four bytes.
    fn is_not(&self, expected: &str) -> FileProblem {
        let rank = self.dimensions.len().try_into().unwrap_or(u8::MAX);
        FileProblem::Magic { expected: expected.into(), found: vec![0, 0, self.element_type, rank] }
    }

    /// The numbers as labels below `classes`: all of one dimension, or the first of QMNIST's eight columns.
    fn into_labels(self, classes: usize) -> Result<Vec<usize>, FileProblem> {
        let columns = match (self.dimensions.as_slice(), self.element_type) {
            (&[_], _) => 1,
            (&[_, 8], INT32) => 8,
            _ => return Err(self.is_not("an IDX file of labels (00 00 08 01)")),
        };
        let width = width(self.element_type);
        let label = |bytes: &[u8]| bytes[..width].iter().fold(0, |label, &byte| label << 8 | usize::from(byte));
        let labels: Vec<usize> = self.bytes.chunks_exact(columns * width).map(label).collect();
        let Some(row) = labels.iter().position(|&label| label >= classes) else { return Ok(labels) };
        if labels.contains(&1) && labels.iter().all(|label| (1..=classes).contains(label)) {
            return Err(FileProblem::LabelsFromOne { classes });
        }
        let offset = 4 + 4 * self.dimensions.len() + row * columns * width;
        Err(FileProblem::Label { offset: offset as u64, classes, found: labels[row] })
    }
}

/// The bytes of a number.
fn width(element_type: u8) -> usize {
    match element_type {
        0x0b => 2,
        INT32 => 4,
        _ => 1,
    }
}

impl<F: Real> Dataset<F> {
    /// Reads a file of images and the file of their labels. Inputs are `[n, pixels]`, one flattened image per row, with
    /// pixels divided by 255 (so from 0 to 1). Targets are one-hot, `[n, classes]`.
    ///
    /// Pixels are unsigned bytes. Labels are integers of one, two or four bytes, in one dimension, or in the first of
    /// eight columns as in QMNIST. For labels that begin at 1, as in EMNIST's letters, ask for one class more; class 0
    /// then stays empty.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) with the name of the file and [what is wrong with it](FileProblem):
    /// [`Magic`](FileProblem::Magic) if the images have fewer than two dimensions or the labels more than one,
    /// [`Examples`](FileProblem::Examples) if the numbers of images and labels differ,
    /// [`Label`](FileProblem::Label) for a label that is not below `classes`,
    /// [`LabelsFromOne`](FileProblem::LabelsFromOne) for labels from 1 to `classes`, and others.
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for fewer than two classes.
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-idx-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// let (images, labels) = (folder.join("images"), folder.join("labels"));
    /// std::fs::write(&images, [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 51, 0])?;
    /// std::fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 2, 1, 0])?;
    ///
    /// let data = Dataset::<f32>::from_idx(&images, &labels, 2)?;
    /// assert_eq!(data.inputs(), array![[0.0, 1.0], [0.2, 0.0]]);
    /// assert_eq!(data.labels(), Some(&[1, 0][..]));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_idx(images: impl AsRef<Path>, labels: impl AsRef<Path>, classes: usize) -> Result<Self> {
        Self::from_idx_files(images.as_ref(), labels.as_ref(), classes, false)
    }

    /// [`from_idx`](Self::from_idx) for images that are stored column by column, as in EMNIST: each is transposed.
    ///
    /// # Errors
    /// Those of [`from_idx`](Self::from_idx), and [`Magic`](FileProblem::Magic) for images that do not have exactly
    /// three dimensions.
    ///
    /// ```
    /// use chainrule::Dataset;
    /// use ndarray::array;
    ///
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-transposed-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// let (images, labels) = (folder.join("images"), folder.join("labels"));
    /// // One image of two rows and two columns: its left column, then its right one.
    /// std::fs::write(&images, [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 255, 51, 0, 102])?;
    /// std::fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 1, 1])?;
    ///
    /// let data = Dataset::<f32>::from_idx_transposed(&images, &labels, 2)?;
    /// assert_eq!(data.inputs(), array![[1.0, 0.0, 0.2, 0.4]]);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_idx_transposed(images: impl AsRef<Path>, labels: impl AsRef<Path>, classes: usize) -> Result<Self> {
        Self::from_idx_files(images.as_ref(), labels.as_ref(), classes, true)
    }

    fn from_idx_files(images_path: &Path, labels_path: &Path, classes: usize, transpose: bool) -> Result<Self> {
        check_classes(classes)?;
        // The small file first: an error in it is found without reading the large one.
        let read_labels = || Contents::read(open(labels_path)?, &INTEGERS)?.into_labels(classes);
        let labels = read_labels().map_err(in_file(labels_path))?;
        let read_images = || Contents::read(open(images_path)?, &[UNSIGNED_BYTE]);
        let images = read_images().map_err(in_file(images_path))?;

        let in_images = in_file(images_path);
        let shape = match images.dimensions[..] {
            [n, height, width] => (n, height, width),
            [n, _, ..] if !transpose => (n, images.bytes.len() / n, 1),
            _ => return Err(in_images(images.is_not("an IDX file of images (00 00 08 03)"))),
        };
        let n = shape.0;
        if n != labels.len() {
            return Err(in_images(FileProblem::Examples { expected: labels.len(), found: n }));
        }
        let mut images = Array3::from_shape_vec(shape, images.bytes).expect("the product of the dimensions");
        if transpose {
            images = images.permuted_axes([0, 2, 1]);
        }
        let pixels = images.len() / n;
        let inputs = images.into_iter().map(|pixel| F::from_f64(f64::from(pixel) / 255.0));
        let inputs = Array2::from_shape_vec((n, pixels), inputs.collect()).expect("as many pixels in each image");
        Self::classification(inputs, labels, classes)
    }

    /// Reads the MNIST training set (60,000 rows of 784 pixels, ten classes) from the folder of its two files.
    ///
    /// The names are `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, or with a dot, `train-images.idx3-ubyte`.
    /// Either may end in `.gz` (feature `gzip`). If several exist, the first in this order is read. Other sets with the
    /// same file names work too, such as Fashion-MNIST: the numbers of rows and pixels are not checked.
    ///
    /// # Errors
    /// Those of [`from_idx`](Self::from_idx); a missing file is an [`Io`](FileProblem::Io) problem of the kind
    /// [`NotFound`](std::io::ErrorKind::NotFound).
    ///
    /// ```no_run
    /// use chainrule::Dataset;
    ///
    /// let train = Dataset::<f32>::mnist_train("data/mnist")?;
    /// assert_eq!((train.len(), train.num_inputs(), train.num_outputs()), (60_000, 784, 10));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn mnist_train(folder: impl AsRef<Path>) -> Result<Self> {
        Self::mnist(folder.as_ref(), "train")
    }

    /// Reads the MNIST test set (10,000 rows) like [`mnist_train`](Self::mnist_train), from `t10k-images-idx3-ubyte`
    /// and `t10k-labels-idx1-ubyte`.
    ///
    /// # Errors
    /// Those of [`mnist_train`](Self::mnist_train).
    ///
    /// ```no_run
    /// use chainrule::Dataset;
    ///
    /// let test = Dataset::<f32>::mnist_test("data/mnist")?;
    /// assert_eq!(test.len(), 10_000);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn mnist_test(folder: impl AsRef<Path>) -> Result<Self> {
        Self::mnist(folder.as_ref(), "t10k")
    }

    fn mnist(folder: &Path, part: &str) -> Result<Self> {
        let images = find(folder, &format!("{part}-images"), "idx3-ubyte")?;
        let labels = find(folder, &format!("{part}-labels"), "idx1-ubyte")?;
        Self::from_idx(images, labels, 10)
    }
}

/// Finds a file under one of its usual names.
fn find(folder: &Path, stem: &str, ending: &str) -> Result<PathBuf> {
    let names = [
        format!("{stem}-{ending}"),
        format!("{stem}.{ending}"),
        format!("{stem}-{ending}.gz"),
        format!("{stem}.{ending}.gz"),
    ];
    // Not `exists`: some archive tools create a folder of this name.
    if let Some(path) = names.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        return Ok(path);
    }
    let found = match names.iter().find(|name| folder.join(name).is_dir()) {
        Some(name) => format!("a folder named {name}: move the file out of it"),
        None => "none".into(),
    };
    let message = format!("expected one of the files {}, found {found}", names.join(", "));
    Err(in_file(folder)(FileProblem::Io { kind: ErrorKind::NotFound, message }))
}
