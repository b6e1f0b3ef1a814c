//! The binary formats of CIFAR-10 and CIFAR-100 (A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images,
//! 2009).
//!
//! A file has no header, only rows: a label of one byte in CIFAR-10, a coarse and a fine one in CIFAR-100, then 32×32
//! pixels of red, of green and of blue, each plane row-major. So a row has 3,073 or 3,074 bytes.

use super::Dataset;
use crate::error::{Error, FileProblem, Result};
use crate::io::{in_file, open, read_up_to, size};
use crate::real::Real;
use ndarray::Array2;
use std::path::Path;

const PIXELS: usize = 3 * 32 * 32;

/// The classes of each label in a row.
const CIFAR10: &[usize] = &[10];
const CIFAR100: &[usize] = &[20, 100];

impl<F: Real> Dataset<F> {
    /// Reads binary CIFAR-10 files in the given order. Inputs are `[n, 3072]`: pixels from 0 to 255, unscaled, all red,
    /// then green, then blue. Targets are one-hot, `[n, 10]`.
    ///
    /// With a `limit`, reading stops after that many rows and the rest is not checked. The classes, from 0 to 9, are
    /// airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.
    ///
    /// # Errors
    /// [`Error::File`] with the name of the file and [what is wrong with it](FileProblem):
    /// [`PartialRow`](FileProblem::PartialRow) for a size that is not a multiple of 3,073 bytes, such as that of
    /// CIFAR-100 (which is refused with a limit too),
    /// [`Label`](FileProblem::Label) for a label above 9, [`NoExamples`](FileProblem::NoExamples) for an empty file.
    /// [`Error::Empty`] without paths, [`Error::OutOfRange`] for a limit of 0.
    ///
    /// ```
    /// use chainrule::Dataset;
    ///
    /// # let path = std::env::temp_dir().join(format!("chainrule-doc-cifar-{}", std::process::id()));
    /// // `path` names the file.
    /// std::fs::write(&path, [vec![7], vec![255; 3072], vec![0], vec![1; 3072]].concat())?;
    ///
    /// let data = Dataset::<f32>::from_cifar10([&path], None)?;
    /// assert_eq!((data.len(), data.num_inputs(), data.num_outputs()), (2, 3072, 10));
    /// assert_eq!(data.labels(), Some(&[7, 0][..]));
    /// assert_eq!(Dataset::<f32>::from_cifar10([&path], Some(1))?.len(), 1);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_cifar10(paths: impl IntoIterator<Item: AsRef<Path>>, limit: Option<usize>) -> Result<Self> {
        read(paths, limit, CIFAR10, 0)
    }

    /// Reads binary CIFAR-100 files, `train.bin` and `test.bin`, with the fine labels: like
    /// [`from_cifar10`](Self::from_cifar10), but targets are `[n, 100]`.
    ///
    /// # Errors
    /// As [`from_cifar10`](Self::from_cifar10), with rows of 3,074 bytes, coarse labels to 19 and fine labels to 99.
    ///
    /// ```
    /// use chainrule::Dataset;
    ///
    /// # let path = std::env::temp_dir().join(format!("chainrule-doc-cifar100-{}", std::process::id()));
    /// // `path` names the file: a coarse label, a fine one, pixels.
    /// std::fs::write(&path, [vec![7, 42], vec![255; 3072]].concat())?;
    ///
    /// let data = Dataset::<f32>::from_cifar100([&path], None)?;
    /// assert_eq!((data.num_inputs(), data.num_outputs()), (3072, 100));
    /// assert_eq!(data.labels(), Some(&[42][..]));
    /// assert_eq!(Dataset::<f32>::from_cifar100_coarse([&path], None)?.labels(), Some(&[7][..]));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_cifar100(paths: impl IntoIterator<Item: AsRef<Path>>, limit: Option<usize>) -> Result<Self> {
        read(paths, limit, CIFAR100, 1)
    }

    /// Reads binary CIFAR-100 files with the coarse labels: like [`from_cifar100`](Self::from_cifar100), but targets
    /// are `[n, 20]`.
    ///
    /// # Errors
    /// As [`from_cifar100`](Self::from_cifar100).
    pub fn from_cifar100_coarse(paths: impl IntoIterator<Item: AsRef<Path>>, limit: Option<usize>) -> Result<Self> {
        read(paths, limit, CIFAR100, 0)
    }
}

/// Reads rows of several labels; `label` is the index of the one to use.
fn read<F: Real>(
    paths: impl IntoIterator<Item: AsRef<Path>>,
    limit: Option<usize>,
    classes: &[usize],
    label: usize,
) -> Result<Dataset<F>> {
    if limit == Some(0) {
        return Err(Error::OutOfRange { name: "limit", expected: "at least 1 (None for all)".into(), found: 0.0 });
    }
    let mut labels = Vec::new();
    let mut inputs = Vec::new();
    for path in paths {
        let remaining = limit.map_or(usize::MAX, |limit| limit - labels.len());
        if remaining == 0 {
            break;
        }
        let bytes = read_rows(path.as_ref(), remaining, classes).map_err(in_file(path.as_ref()))?;
        for row in bytes.chunks_exact(classes.len() + PIXELS) {
            labels.push(usize::from(row[label]));
            inputs.extend(row[classes.len()..].iter().map(|&pixel| F::from_f64(f64::from(pixel))));
        }
    }
    if labels.is_empty() {
        return Err(Error::Empty { place: "paths" });
    }
    let inputs = Array2::from_shape_vec((labels.len(), PIXELS), inputs).expect("3,072 pixels per label");
    Dataset::classification(inputs, labels, classes[label])
}

/// Reads up to `limit` rows of a file and checks their labels.
fn read_rows(path: &Path, limit: usize, classes: &[usize]) -> Result<Vec<u8>, FileProblem> {
    let row = classes.len() + PIXELS;
    let mut file = open(path)?;
    let bytes = read_up_to(&mut file, limit.saturating_mul(row) as u64)?;
    if bytes.is_empty() {
        return Err(FileProblem::NoExamples);
    }
    // With a limit, the length of the whole file still tells the two formats apart.
    let found = file.metadata()?.len();
    let is_multiple = |labels: usize| found % (labels + PIXELS) as u64 == 0;
    let is_other = !is_multiple(classes.len()) && (is_multiple(CIFAR10.len()) || is_multiple(CIFAR100.len()));
    if is_other || bytes.len() % row != 0 {
        return Err(FileProblem::PartialRow { row, found: found.max(size(&bytes)) });
    }
    for (i, bytes) in bytes.chunks_exact(row).enumerate() {
        for (j, &classes) in classes.iter().enumerate() {
            let found = usize::from(bytes[j]);
            if found >= classes {
                return Err(FileProblem::Label { offset: (i * row + j) as u64, classes, found });
            }
        }
    }
    Ok(bytes)
}
