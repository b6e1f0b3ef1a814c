//! The IDX format of MNIST, plain or gzip-compressed.
//!
//! Numbers are big-endian (Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits):
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 2 | 0 |
//! | 2 | 1 | element type; 0x08: unsigned bytes |
//! | 3 | 1 | d, the number of dimensions |
//! | 4 | 4·d | the dimensions, examples first |
//! | 4 + 4·d | their product | the elements, row-major |

use super::{Dataset, check_classes};
use crate::error::{FileProblem, Result};
use crate::io::{in_file, read_up_to, size};
use crate::real::Real;
use ndarray::Array2;
use std::fs::File;
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
        let read = || Self::from_reader(File::open(path)?);
        read().map_err(in_file(path))
    }

    /// Reads from any source of bytes to its end. Decompresses gzip like [`read`](Self::read).
    ///
    /// Reads as many bytes as the header announces, and one more to check that the data ends there. Memory grows with
    /// the bytes that arrive, so a false header costs none.
    ///
    /// # Errors
    /// Every [`FileProblem`] except those about labels and about pairs of files.
    pub fn from_reader(mut reader: impl Read) -> Result<Self, FileProblem> {
        let start = read_up_to(&mut reader, 2)?;
        let whole = start.chain(reader);
        if start == [0x1f, 0x8b] { Self::unzipped(whole) } else { Self::plain(whole) }
    }

    #[cfg(feature = "gzip")]
    fn unzipped(reader: impl Read) -> Result<Self, FileProblem> {
        // The error kinds by which the decoder reports a damaged stream.
        Self::plain(flate2::read::MultiGzDecoder::new(reader)).map_err(|problem| match problem {
            FileProblem::Io {
                kind: ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof,
                message,
            } => FileProblem::Gzip { message },
            other => other,
        })
    }

    #[cfg(not(feature = "gzip"))]
    fn unzipped(_: impl Read) -> Result<Self, FileProblem> {
        Err(FileProblem::NeedsGzip)
    }

    fn plain(mut reader: impl Read) -> Result<Self, FileProblem> {
        let magic = read_up_to(&mut reader, 4)?;
        let &[zero, zero_too, element_type, rank] = magic.as_slice() else {
            return Err(FileProblem::Truncated { expected: 4, found: size(&magic) });
        };
        if (zero, zero_too) != (0, 0) || rank == 0 {
            let expected = "an IDX file (00 00, element type, number of dimensions)".into();
            return Err(FileProblem::Magic { expected, found: magic });
        }
        if element_type != 8 {
            return Err(FileProblem::ElementType { found: element_type });
        }

        let header = 4 + 4 * u64::from(rank);
        let sizes = read_up_to(&mut reader, header - 4)?;
        if size(&sizes) < header - 4 {
            return Err(FileProblem::Truncated { expected: header, found: 4 + size(&sizes) });
        }
        let dimensions: Vec<u64> =
            sizes.chunks_exact(4).map(|d| u64::from(u32::from_be_bytes([d[0], d[1], d[2], d[3]]))).collect();
        let product = dimensions.iter().try_fold(1_u64, |product, &d| product.checked_mul(d));
        // isize::MAX is the largest possible allocation.
        let Some(elements) = product.filter(|&product| isize::try_from(product).is_ok()) else {
            return Err(FileProblem::TooLarge { dimensions });
        };
        if elements == 0 {
            return Err(FileProblem::NoExamples);
        }

        let data = read_up_to(&mut reader, elements + 1)?;
        if size(&data) < elements {
            return Err(FileProblem::Truncated { expected: header + elements, found: header + size(&data) });
        }
        if size(&data) > elements {
            return Err(FileProblem::Trailing { expected: header + elements });
        }
        // Each dimension fits because their product does.
        let dimensions = dimensions.into_iter().filter_map(|d| usize::try_from(d).ok()).collect();
        Ok(Self { dimensions, data })
    }
}

impl<F: Real> Dataset<F> {
    /// Reads a file of images and the file of their labels. Inputs are `[n, pixels]`, one flattened image per row, with
    /// pixels divided by 255 (so from 0 to 1). Targets are one-hot, `[n, classes]`.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) with the name of the file and [what is wrong with it](FileProblem):
    /// [`Magic`](FileProblem::Magic) if the images have fewer than two dimensions or the labels more than one,
    /// [`Examples`](FileProblem::Examples) if the numbers of images and labels differ,
    /// [`Label`](FileProblem::Label) for a label that is not below `classes`, and others.
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
        let (images_path, labels_path) = (images.as_ref(), labels.as_ref());
        check_classes(classes)?;
        let wrong_kind = |expected: &str, found: &Idx| FileProblem::Magic {
            expected: expected.into(),
            found: vec![0, 0, 8, found.dimensions.len().try_into().unwrap_or(u8::MAX)],
        };

        // The small file first: an error in it is found without reading the large one.
        let labels = Idx::read(labels_path)?;
        let &[n] = labels.dimensions.as_slice() else {
            return Err(in_file(labels_path)(wrong_kind("an IDX file of labels (00 00 08 01)", &labels)));
        };
        let labels: Vec<usize> = labels.data.into_iter().map(usize::from).collect();
        if let Some(row) = labels.iter().position(|&label| label >= classes) {
            // The header of a one-dimensional file has 8 bytes.
            let problem = FileProblem::Label { offset: 8 + row as u64, classes, found: labels[row] };
            return Err(in_file(labels_path)(problem));
        }

        let images = Idx::read(images_path)?;
        let &[found, _, ..] = images.dimensions.as_slice() else {
            return Err(in_file(images_path)(wrong_kind("an IDX file of images (00 00 08 03)", &images)));
        };
        if found != n {
            return Err(in_file(images_path)(FileProblem::Examples { expected: n, found }));
        }
        let pixels = images.data.len() / n;
        let inputs = images.data.into_iter().map(|pixel| F::from_f64(f64::from(pixel) / 255.0));
        let inputs = Array2::from_shape_vec((n, pixels), inputs.collect()).expect("the product of the dimensions");
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
    let message = format!("expected one of the files {}, found none", names.join(", "));
    Err(in_file(folder)(FileProblem::Io { kind: ErrorKind::NotFound, message }))
}
