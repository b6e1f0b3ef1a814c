//! Downloads MNIST, Fashion-MNIST and CIFAR-10 into a folder and verifies them, for the readers of [`Dataset`]
//! (feature `download`).
//!
//! ```no_run
//! use chainrule::Dataset;
//! use chainrule::download::Download;
//!
//! let folder = Download::mnist().fetch()?;
//! let train = Dataset::<f32>::mnist_train(&folder)?;
//! let test = Dataset::<f32>::mnist_test(&folder)?;
//! # Ok::<(), chainrule::Error>(())
//! ```
//!
//! # Guarantees
//!
//! - **A file under its final name is complete and verified.** A download is written to a temporary file beside it
//!   (ending in `.part`). Only if its size and SHA-256 are the published ones is it flushed to the disk and renamed,
//!   in one step. A run that is killed or loses power leaves nothing that a later run trusts, and its temporary files
//!   are deleted by any run a day later.
//! - **Existing files are verified too.** [`fetch`](Download::fetch) compares the SHA-256 of every file each time. If
//!   all match, it does not use the network. A file that does not match is replaced.
//! - **Mirrors need no trust.** The published sums are those of the unpacked files, because the compressed bytes differ
//!   between mirrors. So neither the mirror nor an unencrypted connection can change the data.
//! - **Memory and disk are bounded.** Everything is unpacked on the fly. A response that exceeds its maximum size,
//!   packed or unpacked, is dropped at the first extra byte.
//! - **Time is bounded** by [`timeout`](Download::timeout), for silent and for trickling mirrors.
//! - After an interrupted response, the missing files are fetched from the next mirror. Complete files are kept.
//! - Several processes may fetch into the same folder at once: their temporary files differ, and the last one replaces
//!   a file with an identical one.
//!
//! Proxies are taken from the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, …).
//!
//! # Without a network
//!
//! The error names the files, the folder and the failure of every mirror. Files that you put into the folder by hand,
//! unpacked or as published (`train-images-idx3-ubyte.gz`, `cifar-10-binary.tar.gz`), are verified and used.

#[cfg(doc)]
use super::Dataset;
use crate::error::{Attempt, Error, FileProblem, Result};
use crate::io::{AtomicFile, in_file};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The minimum number of bytes that a mirror must send within each time-out.
const PACE: u64 = 64 * 1024;

/// The maximum size of a response beyond its files: headers, incompressible data, a read-me in the archive.
const SLACK: u64 = 1024 * 1024;

/// The buffer size for reading and writing.
const CHUNK: usize = 64 * 1024;

/// The age at which the temporary file of a killed run is deleted.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// One file on a mirror, and the files to extract from it.
///
/// A name that ends in `.tar`, `.tar.gz` or `.tgz` is an archive of any number of files, in any folders. Any other
/// name is a single file. Gzip compression is detected from the first bytes, not from the name. An archive may
/// contain up to a megabyte of other files. Its extended headers, for names beyond 100 bytes, are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The name: the last part of the address.
    pub name: String,
    /// The files to extract.
    pub files: Vec<Content>,
}

/// An unpacked file in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The name, without a folder.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256, in 64 hexadecimal digits.
    pub sha256: String,
}

impl Content {
    /// A file by name, size and SHA-256.
    pub fn new(name: impl Into<String>, size: u64, sha256: impl Into<String>) -> Self {
        Content { name: name.into(), size, sha256: sha256.into() }
    }
}

/// The argument of [`Download::on_progress`]: the state of a response, at its start and after each chunk.
///
/// Reading stops after the last file that is needed, so the last report may be slightly below the total.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The name of the [`Archive`].
    pub file: &'a str,
    /// Its address, or its path if it was found in the folder. The bytes start at 0 again for each mirror.
    pub from: &'a str,
    /// The bytes received so far, usually compressed.
    pub bytes: u64,
    /// The total number of bytes, if the mirror announces it.
    pub total: Option<u64>,
}

type Callback<'a> = Box<dyn FnMut(&Progress<'_>) + 'a>;

/// Downloads a data set into a folder. See the [module](self) for the guarantees.
///
/// ```no_run
/// use chainrule::Dataset;
/// use chainrule::download::Download;
///
/// let folder = Download::fashion_mnist()
///     .folder("data/fashion-mnist")
///     .on_progress(|p| eprint!("\r{} {} of {:?} bytes", p.file, p.bytes, p.total))
///     .fetch()?;
/// let train = Dataset::<f32>::mnist_train(folder)?;
/// # Ok::<(), chainrule::Error>(())
/// ```
pub struct Download<'a> {
    name: String,
    archives: Vec<Archive>,
    mirrors: Vec<String>,
    folder: Option<PathBuf>,
    timeout: Duration,
    on_progress: Option<Callback<'a>>,
}

impl<'a> Download<'a> {
    /// MNIST: 60,000 and 10,000 handwritten digits in four files, 12 MB to download, 55 MB unpacked. For
    /// [`Dataset::mnist_train`] and [`Dataset::mnist_test`].
    ///
    /// Mirrors: the buckets of torchvision (`MNIST.mirrors`), of TensorFlow Datasets and of Apache MXNet's Gluon. The
    /// sums are those of the files whose MD5 sums are published with the data.
    pub fn mnist() -> Self {
        let sums = [
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ];
        Self::new("mnist", idx_archives(sums)).mirrors([
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/mnist/",
        ])
    }

    /// Fashion-MNIST: 60,000 and 10,000 pictures of clothes in four files named like those of MNIST, 31 MB to download,
    /// 55 MB unpacked. For [`Dataset::mnist_train`] and [`Dataset::mnist_test`].
    ///
    /// Mirrors: the authors' repository (`zalandoresearch/fashion-mnist`), the bucket that its read-me links to (by
    /// plain http), and the bucket of Apache MXNet's Gluon. The authors publish the MD5 of the compressed files only;
    /// the sums here are those that several independent loaders check.
    pub fn fashion_mnist() -> Self {
        let sums = [
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ];
        Self::new("fashion-mnist", idx_archives(sums)).mirrors([
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/fashion-mnist/",
        ])
    }

    /// CIFAR-10, the binary version: 60,000 colour pictures in one archive, **170 MB** to download, 184 MB unpacked:
    /// `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`. For [`Dataset::from_cifar10`].
    ///
    /// Mirrors: the authors' site, the bucket of Swift for TensorFlow's `CIFAR10`, and that of Apache MXNet's Gluon (a
    /// different archive of the same files). The authors publish the MD5 of the archive only; the sums here are those
    /// that torchvision for Ruby checks.
    ///
    /// ```no_run
    /// use chainrule::Dataset;
    /// use chainrule::download::Download;
    ///
    /// let folder = Download::cifar10().fetch()?;
    /// let train = Dataset::<f32>::from_cifar10((1..=5).map(|i| folder.join(format!("data_batch_{i}.bin"))), None)?;
    /// let test = Dataset::<f32>::from_cifar10([folder.join("test_batch.bin")], None)?;
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn cifar10() -> Self {
        let file = |name, sha256| Content::new(name, 10_000 * 3_073, sha256);
        let files = vec![
            file("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
            file("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
            file("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
            file("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
            file("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
            file("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
        ];
        Self::new("cifar-10", [Archive { name: "cifar-10-binary.tar.gz".into(), files }]).mirrors([
            "https://www.cs.toronto.edu/~kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
            "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/cifar10/",
        ])
    }

    /// Any other set of files. Add its [`mirrors`](Self::mirrors). `name` is the name of the default
    /// [folder](Self::folder).
    ///
    /// ```no_run
    /// use chainrule::download::{Archive, Content, Download};
    ///
    /// let sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    /// let file = Content::new("digits.csv", 4, sha256);
    /// let folder = Download::new("digits", [Archive { name: "digits.csv.gz".into(), files: vec![file] }])
    ///     .mirrors(["https://example.org/data"])
    ///     .fetch()?;
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn new(name: impl Into<String>, archives: impl IntoIterator<Item = Archive>) -> Self {
        Download {
            name: name.into(),
            archives: archives.into_iter().collect(),
            mirrors: Vec::new(),
            folder: None,
            timeout: Duration::from_secs(20),
            on_progress: None,
        }
    }

    /// The folder for the files, created if it does not exist. Use a separate folder for each data set: MNIST and
    /// Fashion-MNIST have the same file names and would replace each other.
    ///
    /// Default: a folder named after the set (`mnist`, `fashion-mnist`, `cifar-10`) in `$CHAINRULE_DATA`. If that
    /// variable is not set, in the folder `chainrule` of the user's cache: `$XDG_CACHE_HOME` or `~/.cache`, on macOS
    /// `~/Library/Caches`, on Windows `%LOCALAPPDATA%`.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Replaces the mirrors: `http` or `https` addresses without the file names. They are tried in this order for the
    /// first file; for later files, starting with the last one that worked.
    pub fn mirrors(mut self, mirrors: impl IntoIterator<Item: Into<String>>) -> Self {
        self.mirrors = mirrors.into_iter().map(Into::into).collect();
        self
    }

    /// How long to wait for a mirror before trying the next: separately for name resolution, for the connection, for
    /// the start of the response and for each 64 KiB of it. Default: 20 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Calls a function with the progress, about once per 64 KiB. It is not called if no file is missing.
    pub fn on_progress(mut self, callback: impl FnMut(&Progress<'_>) + 'a) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Downloads the files that are missing, verifies all files, and returns their folder.
    ///
    /// # Errors
    /// - [`Error::Download`] if no mirror delivers a file, with the reasons and what to do by hand.
    /// - [`Error::File`] if a file cannot be written: a full disk, a read-only folder, a folder below a file. No other
    ///   mirror is tried.
    /// - [`Error::OutOfRange`] for a time-out of 0.
    /// - [`Error::Empty`] if there is no default folder (no `HOME`).
    /// - [`Error::File`] for a [custom set](Self::new) with a name that is not a plain file name, with a sum that is
    ///   not 64 hexadecimal digits, or with several files in something that is not an archive by its name.
    pub fn fetch(mut self) -> Result<PathBuf> {
        self.check()?;
        let folder = match self.folder.take().or_else(|| Some(default_folder()?.join(&self.name))) {
            Some(folder) => folder,
            None => {
                return Err(Error::Empty {
                    place: "folder for the data ($CHAINRULE_DATA and $HOME are not set: set one, or call .folder)",
                });
            }
        };

        let is_missing = |file: &Content| !is_verified(&folder.join(&file.name), file);
        let mut missing: Vec<(&Archive, Vec<&Content>)> = Vec::new();
        for archive in &self.archives {
            let files: Vec<_> = archive.files.iter().filter(|file| is_missing(file)).collect();
            if !files.is_empty() {
                missing.push((archive, files));
            }
        }
        delete_stale(&folder, &self.archives);
        if missing.is_empty() {
            return Ok(folder);
        }

        fs::create_dir_all(&folder).map_err(|error| in_file(&folder)(error.into()))?;
        let agent = agent(self.timeout);
        let mut working = 0;
        for i in 0..missing.len() {
            let (archive, files) = &mut missing[i];
            let mut attempts = Vec::new();
            for source in sources(&folder, archive, &self.mirrors, working) {
                let from = source.to_string();
                let mut report = |bytes, total| {
                    if let Some(callback) = &mut self.on_progress {
                        callback(&Progress { file: &archive.name, from: &from, bytes, total });
                    }
                };
                match fetch_archive(&source, &agent, self.timeout, archive, files, &folder, &mut report) {
                    Ok(()) => {
                        files.clear();
                        if let Source::Mirror { number, .. } = source {
                            working = number;
                        }
                    }
                    Err(Failure::Local(error)) => return Err(error),
                    Err(Failure::Remote(problem)) => {
                        attempts.push(Attempt { from, problem });
                        // Some of its files may be complete.
                        files.retain(|file| is_missing(file));
                    }
                }
                if files.is_empty() {
                    break;
                }
            }
            if !files.is_empty() {
                let left = &missing[i..];
                return Err(Error::Download {
                    files: left.iter().flat_map(|(_, files)| files).map(|file| file.name.clone()).collect(),
                    archives: left.iter().map(|(archive, _)| archive.name.clone()).collect(),
                    folder,
                    attempts,
                });
            }
        }
        Ok(folder)
    }

    fn check(&self) -> Result<()> {
        if self.timeout.is_zero() {
            return Err(Error::OutOfRange { name: "timeout", expected: "more than 0".into(), found: 0.0 });
        }
        let refuse = |name: &str, message: &str| {
            let problem = FileProblem::Io { kind: ErrorKind::InvalidInput, message: message.into() };
            Err(Error::File { file: name.into(), problem })
        };
        let files = self.archives.iter().flat_map(|archive| &archive.files).map(|file| &file.name);
        for name in self.archives.iter().map(|archive| &archive.name).chain(files).chain([&self.name]) {
            // Refuses paths out of the folder, on any system.
            if matches!(name.as_str(), "" | "." | "..") || name.contains(['/', '\\', ':']) {
                return refuse(name, "expected a file name without a folder");
            }
        }
        for Archive { name, files } in &self.archives {
            if files.len() != 1 && !is_tar(name) {
                return refuse(name, "expected one file, or the name of a tar archive");
            }
            for Content { name, sha256, .. } in files {
                if sha256.len() != 64 || !sha256.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return refuse(name, "expected a SHA-256 of 64 hexadecimal digits");
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("name", &self.name)
            .field("archives", &self.archives)
            .field("mirrors", &self.mirrors)
            .field("folder", &self.folder)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The four files of MNIST and of sets in the same format.
fn idx_archives(sums: [&str; 4]) -> Vec<Archive> {
    let files = [
        ("train-images-idx3-ubyte", 16 + 60_000 * 28 * 28),
        ("train-labels-idx1-ubyte", 8 + 60_000),
        ("t10k-images-idx3-ubyte", 16 + 10_000 * 28 * 28),
        ("t10k-labels-idx1-ubyte", 8 + 10_000),
    ];
    let archive =
        |((name, size), sha256)| Archive { name: format!("{name}.gz"), files: vec![Content::new(name, size, sha256)] };
    files.into_iter().zip(sums).map(archive).collect()
}

/// The parent of the default folders.
fn default_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || {
        if cfg!(windows) {
            variable("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            Some(variable("HOME")?.join("Library/Caches"))
        } else {
            // The XDG base directory specification says to ignore a relative path.
            variable("XDG_CACHE_HOME")
                .filter(|path| path.is_absolute())
                .or_else(|| Some(variable("HOME")?.join(".cache")))
        }
    };
    variable("CHAINRULE_DATA").or_else(|| Some(cache()?.join("chainrule")))
}

/// Why an archive failed.
enum Failure {
    /// The source failed: try the next one.
    Remote(FileProblem),
    /// This machine failed: give up.
    Local(Error),
}

/// Where an archive may come from.
enum Source {
    /// A file that the user has put into the folder.
    Folder(PathBuf),
    Mirror {
        number: usize,
        url: String,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Folder(path) => write!(f, "{}", path.display()),
            Source::Mirror { url, .. } => write!(f, "{url}"),
        }
    }
}

/// The sources to try for an archive: the folder, then every mirror, starting with number `first`.
fn sources(folder: &Path, archive: &Archive, mirrors: &[String], first: usize) -> Vec<Source> {
    let path = folder.join(&archive.name);
    // A single uncompressed file in the folder has already failed verification.
    let in_folder = path.is_file() && archive.files.iter().all(|file| file.name != archive.name);
    let mirror = |number: usize| {
        let url = format!("{}/{}", mirrors[number].trim_end_matches('/'), archive.name);
        Source::Mirror { number, url }
    };
    let order = (first..mirrors.len()).chain(0..first.min(mirrors.len()));
    in_folder.then_some(Source::Folder(path)).into_iter().chain(order.map(mirror)).collect()
}

fn agent(timeout: Duration) -> ureq::Agent {
    let timeout = Some(timeout);
    ureq::Agent::config_builder()
        .user_agent(concat!("chainrule/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .max_redirects(5)
        .timeout_resolve(timeout)
        .timeout_connect(timeout)
        .timeout_send_request(timeout)
        .timeout_recv_response(timeout)
        .timeout_per_read(timeout)
        .build()
        .new_agent()
}

/// Extracts the files of an archive from one source into the folder.
fn fetch_archive(
    source: &Source,
    agent: &ureq::Agent,
    timeout: Duration,
    archive: &Archive,
    files: &[&Content],
    folder: &Path,
    report: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), Failure> {
    let contents: u64 = archive.files.iter().fold(SLACK, |sum, file| sum.saturating_add(file.size));
    // Deflate adds 5 bytes to each 64 KiB that it cannot compress.
    let limit = contents.saturating_add(contents / 1000);

    let (body, total): (Box<dyn Read>, _) = match source {
        Source::Folder(path) => {
            let file = File::open(path).map_err(|error| Failure::Remote(error.into()))?;
            let size = file.metadata().map(|metadata| metadata.len()).ok();
            (Box::new(file), size)
        }
        Source::Mirror { url, .. } => {
            let response = agent.get(url).call().map_err(|error| Failure::Remote(request_problem(error, timeout)))?;
            if response.status() != 200 {
                let message = format!("http status: {}", response.status().as_u16());
                return Err(Failure::Remote(FileProblem::Http { message }));
            }
            let total = response.body().content_length();
            (Box::new(response.into_body().into_reader()), total)
        }
    };
    if total.is_some_and(|total| total > limit) {
        return Err(Failure::Remote(too_large(limit)));
    }
    report(0, total);
    let mut response =
        Response { body, total, limit, timeout, report, bytes: 0, recent: 0, waited: Duration::ZERO, problem: None };
    let result = unpack(&mut response, contents, archive, files, folder);
    // A network problem explains the unpacker's error.
    match (result, response.problem) {
        (Err(Failure::Remote(_)), Some(problem)) => Err(Failure::Remote(problem)),
        (result, _) => result,
    }
}

fn too_large(limit: u64) -> FileProblem {
    FileProblem::Http { message: format!("expected at most {limit} bytes, more were sent or announced") }
}

/// Converts the error of a request.
fn request_problem(error: ureq::Error, within: Duration) -> FileProblem {
    match error {
        ureq::Error::Io(error) => error.into(),
        ureq::Error::Timeout(_) => FileProblem::Stalled { within },
        other => FileProblem::Http { message: other.to_string() },
    }
}

/// A response: reports its progress and bounds its size and time.
struct Response<'a> {
    body: Box<dyn Read>,
    total: Option<u64>,
    limit: u64,
    timeout: Duration,
    report: &'a mut dyn FnMut(u64, Option<u64>),
    bytes: u64,
    /// The bytes received during `waited`, since the last full 64 KiB.
    recent: u64,
    /// The time spent waiting for the source, without unpacking and writing.
    waited: Duration,
    /// Why the response ended early.
    problem: Option<FileProblem>,
}

impl Response<'_> {
    fn fail(&mut self, problem: FileProblem) -> io::Result<usize> {
        let error = io::Error::other(problem.to_string());
        self.problem = Some(problem);
        Err(error)
    }
}

impl Read for Response<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        let result = self.body.read(buffer);
        self.waited += start.elapsed();
        let read = match result {
            Ok(0) => return Ok(0),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => return self.fail(request_problem(error.into(), self.timeout)),
        };
        self.bytes += read as u64;
        self.recent += read as u64;
        if self.bytes > self.limit {
            return self.fail(too_large(self.limit));
        }
        if self.recent >= PACE {
            (self.recent, self.waited) = (0, Duration::ZERO);
        } else if self.waited > self.timeout {
            return self.fail(FileProblem::Stalled { within: self.timeout });
        }
        (self.report)(self.bytes, self.total);
        Ok(read)
    }
}

fn unpack(
    response: &mut Response<'_>,
    contents: u64,
    archive: &Archive,
    files: &[&Content],
    folder: &Path,
) -> Result<(), Failure> {
    let mut start = Vec::new();
    response.by_ref().take(2).read_to_end(&mut start).map_err(remote)?;
    // Some servers decompress what they send. No data file itself starts with these bytes.
    let gzip = start == [0x1f, 0x8b];
    let whole = start.chain(response);
    let mut whole: Box<dyn Read> = if gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    if is_tar(&archive.name) {
        extract(whole.take(contents), files, folder)
    } else {
        files.iter().try_for_each(|file| store(&mut whole, file, folder))
    }
}

fn is_tar(name: &str) -> bool {
    [".tar", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending))
}

/// Extracts files from a tar archive and stops after the last one.
fn extract(tar: impl Read, files: &[&Content], folder: &Path) -> Result<(), Failure> {
    let mut left = files.to_vec();
    let mut archive = tar::Archive::new(tar);
    // Raw: the default would read extended headers of any size into memory.
    for entry in archive.entries().map_err(remote)?.raw(true) {
        let mut entry = entry.map_err(remote)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path_bytes();
        let name = path.rsplit(|&byte| byte == b'/').next();
        let Some(i) = left.iter().position(|file| Some(file.name.as_bytes()) == name) else { continue };
        drop(path);
        store(&mut entry, left.swap_remove(i), folder)?;
        if left.is_empty() {
            return Ok(());
        }
    }
    let expected = left.first().map(|file| file.name.clone()).unwrap_or_default();
    Err(Failure::Remote(FileProblem::NotInArchive { expected }))
}

/// Reads a file to its end, verifies it and puts it into the folder.
fn store(reader: &mut dyn Read, file: &Content, folder: &Path) -> Result<(), Failure> {
    let path = folder.join(&file.name);
    let local = |error: io::Error| Failure::Local(in_file(&path)(error.into()));
    let mut part = AtomicFile::create(&path, &format!("{}.", file.name), ".part").map_err(local)?;
    let mut sum = Sha256::new();
    let mut size = 0;
    let mut chunk = vec![0; CHUNK];
    // One byte more, to check that the file ends there.
    let mut reader = reader.take(file.size.saturating_add(1));
    loop {
        let read = match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(Failure::Remote(FileProblem::Truncated { expected: file.size, found: size }));
            }
            Err(error) => return Err(remote(error)),
        };
        size += read as u64;
        if size > file.size {
            return Err(Failure::Remote(FileProblem::Trailing { expected: file.size }));
        }
        sum.update(&chunk[..read]);
        part.write_all(&chunk[..read]).map_err(local)?;
    }
    if size < file.size {
        return Err(Failure::Remote(FileProblem::Truncated { expected: file.size, found: size }));
    }
    let found = hexadecimal(&sum.finalize());
    if !found.eq_ignore_ascii_case(&file.sha256) {
        return Err(Failure::Remote(FileProblem::Checksum { expected: file.sha256.to_lowercase(), found }));
    }
    part.commit().or_else(|error| if is_verified(&path, file) { Ok(()) } else { Err(local(error)) })
}

/// Whether a file exists with the expected contents.
fn is_verified(path: &Path, expected: &Content) -> bool {
    let sum = || -> io::Result<Option<String>> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() != expected.size {
            return Ok(None);
        }
        let mut file = File::open(path)?;
        let mut sum = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => return Ok(Some(hexadecimal(&sum.finalize()))),
                Ok(read) => sum.update(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    sum().is_ok_and(|sum| sum.is_some_and(|sum| sum.eq_ignore_ascii_case(&expected.sha256)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Deletes the temporary files of killed runs. A running download has modified its own within a day.
fn delete_stale(folder: &Path, archives: &[Archive]) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let is_part = |name: &str, of: &Content| {
        let middle = name.strip_prefix(&of.name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".part"));
        middle.is_some_and(|middle| middle.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let mut files = archives.iter().flat_map(|archive| &archive.files);
        let ours = name.to_str().is_some_and(|name| files.any(|file| is_part(name, file)));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if ours && age().is_some_and(|age| age > STALE) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// For `map_err`: a failed read from the source.
fn remote(error: io::Error) -> Failure {
    Failure::Remote(match error.kind() {
        // The error kinds by which the unpackers report a damaged stream.
        ErrorKind::InvalidInput | ErrorKind::InvalidData => FileProblem::Gzip { message: error.to_string() },
        _ => error.into(),
    })
}
