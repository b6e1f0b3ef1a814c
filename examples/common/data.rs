//! Where the data is, and what to say if it is missing.

use super::flags::Flags;
use chainrule::{Error, FileProblem};
use std::env;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A data set that an example reads from a folder.
#[derive(Debug, PartialEq)]
pub struct Set {
    pub name: &'static str,
    /// The environment variable that names its folder.
    pub variable: &'static str,
    /// The default folder, if neither a flag nor the variable names one.
    pub folder: &'static str,
    pub files: &'static [&'static str],
    /// Whether it is fetched without `--download`.
    pub unasked: bool,
    /// What `--download` does.
    pub download: &'static str,
}

pub const MNIST: Set = Set {
    name: "MNIST",
    variable: "MNIST_DIR",
    folder: "data/mnist",
    files: &[
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ],
    unasked: true,
    download: "fetch the data (12 MB); needs --features download, and then no asking",
};

pub const CIFAR10: Set = Set {
    name: "CIFAR-10",
    variable: "CIFAR10_DIR",
    folder: "data/cifar-10",
    files: &["data_batch_1.bin", "test_batch.bin"],
    unasked: false,
    download: "fetch the data (170 MB), once; needs --features download",
};

impl Set {
    /// The folder in the environment variable.
    pub fn variable(&self) -> Option<PathBuf> {
        env::var_os(self.variable).filter(|folder| !folder.is_empty()).map(PathBuf::from)
    }

    /// The folder of the data: the one named, or the one that it was fetched into.
    pub fn place(&self, flags: &Flags) -> Result<PathBuf, Box<dyn std::error::Error>> {
        match &flags.data {
            Some(folder) => Ok(folder.clone()),
            None if flags.download || (self.unasked && cfg!(feature = "download")) => self.fetch(flags),
            None => Ok(PathBuf::from(self.folder)),
        }
    }

    #[cfg(feature = "download")]
    fn fetch(&self, _: &Flags) -> Result<PathBuf, Box<dyn std::error::Error>> {
        use chainrule::download::Download;
        let bar = super::progress::Bytes::new();
        let download = if *self == CIFAR10 { Download::cifar10() } else { Download::mnist() };
        let fetched = download.on_progress(|p| bar.tell(p.file, p.bytes, p.total)).fetch();
        bar.finish();
        Ok(fetched?)
    }

    #[cfg(not(feature = "download"))]
    fn fetch(&self, flags: &Flags) -> Result<PathBuf, Box<dyn std::error::Error>> {
        Err(format!("--download needs a feature of the crate. Run\n\n  {}", self.command(flags)).into())
    }

    /// The command that fetches the data and runs the example.
    fn command(&self, flags: &Flags) -> String {
        let flag = if self.unasked { "" } else { " -- --download" };
        format!("cargo run --release --features download --example {}{flag}", flags.name)
    }

    /// Turns a missing file into advice on where to get it; keeps any other error.
    pub fn how_to_get_it(&self, flags: &Flags, folder: &Path, error: Error) -> String {
        let Error::File { problem: FileProblem::Io { kind: ErrorKind::NotFound, .. }, .. } = error else {
            return error.to_string();
        };
        let files: String = self.files.iter().map(|file| format!("  {file}\n")).collect();
        format!(
            "{error}\n\n\
             This example needs files of {}, and looked for them in {}:\n\n\
             {files}\n\
             With a network, this fetches and verifies them:\n\n  \
             {}\n\n\
             Without, put them into a folder of your choice and run\n\n  \
             cargo run --release --example {} -- --data FOLDER\n\n\
             or set {} to the folder.",
            self.name,
            folder.display(),
            self.command(flags),
            flags.name,
            self.variable,
        )
    }
}
