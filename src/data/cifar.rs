//! The binary format of CIFAR-10 (A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009).
//!
//! A file has no header, only rows of 3,073 bytes: a label from 0 to 9, then 32×32 pixels of red, of green and of blue,
//! each plane row-major.

use super::Dataset;
use crate::error::{Error, FileProblem, Result};
use crate::io::{in_file, read_up_to, size};
use crate::real::Real;
use ndarray::Array2;
use std::fs::File;
use std::path::Path;

const CLASSES: usize = 10;
const PIXELS: usize = 3 * 32 * 32;
const ROW: usize = 1 + PIXELS;

impl<F: Real> Dataset<F> {
    /// Reads binary CIFAR-10 files in the given order. Inputs are `[n, 3072]`: pixels from 0 to 255, unscaled, all red,
    /// then green, then blue. Targets are one-hot, `[n, 10]`.
    ///
    /// With a `limit`, reading stops after that many rows and the rest is not checked. The classes, from 0 to 9, are
    /// airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.
    ///
    /// # Errors
    /// [`Error::File`] with the name of the file and [what is wrong with it](FileProblem):
    /// [`PartialRow`](FileProblem::PartialRow) for a size that is not a multiple of 3,073 bytes,
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
        if limit == Some(0) {
            return Err(Error::OutOfRange { name: "limit", expected: "at least 1".into(), found: 0.0 });
        }
        let mut labels = Vec::new();
        let mut inputs = Vec::new();
        for path in paths {
            let remaining = limit.map_or(usize::MAX, |limit| limit - labels.len());
            if remaining == 0 {
                break;
            }
            let bytes = read_rows(path.as_ref(), remaining).map_err(in_file(path.as_ref()))?;
            for row in bytes.chunks_exact(ROW) {
                labels.push(usize::from(row[0]));
                inputs.extend(row[1..].iter().map(|&pixel| F::from_f64(f64::from(pixel))));
            }
        }
        if labels.is_empty() {
            return Err(Error::Empty { place: "paths" });
        }
        let inputs = Array2::from_shape_vec((labels.len(), PIXELS), inputs).expect("3,072 pixels per label");
        Self::classification(inputs, labels, CLASSES)
    }
}

/// Reads up to `limit` rows of a file and checks their labels.
fn read_rows(path: &Path, limit: usize) -> Result<Vec<u8>, FileProblem> {
    let bytes = read_up_to(&mut File::open(path)?, limit.saturating_mul(ROW) as u64)?;
    if bytes.is_empty() {
        return Err(FileProblem::NoExamples);
    }
    if bytes.len() % ROW != 0 {
        return Err(FileProblem::PartialRow { row: ROW, found: size(&bytes) });
    }
    match bytes.chunks_exact(ROW).position(|row| usize::from(row[0]) >= CLASSES) {
        None => Ok(bytes),
        Some(row) => {
            let found = usize::from(bytes[row * ROW]);
            Err(FileProblem::Label { offset: (row * ROW) as u64, classes: CLASSES, found })
        }
    }
}
