//! Fetches MNIST, Fashion-MNIST and CIFAR-10 into a folder, verified, for the readers of [`Dataset`] (feature
//! `download`).
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
//! # What holds
//!
//! - **A file under its own name is whole and verified.** It is written under another name, next to it (ending in
//!   `.part`), while its SHA-256 is computed; only when size and SHA-256 are the published ones is it flushed to the disk
//!   and renamed, in one step. A run that is killed at any moment, or loses power, leaves nothing that a later run
//!   trusts. What such a run left under other names is removed by a later one, a day after.
//! - **Nothing is trusted because it is there.** [`fetch`](Download::fetch) reads all files that it finds and compares their
//!   SHA-256, every time (0.1 s for MNIST); if all are right, it does not use the network. A file with other contents is replaced.
//! - **The contents are what counts.** The published sums are those of the unpacked files, for the compressed bytes
//!   differ from mirror to mirror. So it does not matter whether a mirror is to be trusted, nor whether the way
//!   to it is encrypted.
//! - **Memory and disk are bounded.** Everything is unpacked as it comes; an answer that is larger than it can be,
//!   packed or unpacked, is dropped at the first byte too many.
//! - **Time is bounded** by [`timeout`](Download::timeout), for an answer that does not come as for one that trickles.
//! - A file that breaks off is fetched anew, from the next mirror; files that are whole stay.
//! - Several processes may fetch into one folder at once: each writes under names of its own, and whoever is last
//!   replaces a file by its equal.
//!
//! Proxies are taken from the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, …).
//!
//! # Without a network
//!
//! The error names the files, the folder and what was wrong with every mirror. Files that were put into the folder by
//! hand, unpacked or as they are published (`train-images-idx3-ubyte.gz`, `cifar-10-binary.tar.gz`), are verified and used.

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

/// The least that has to come within the time-out, in bytes: an answer that trickles is no better than none.
const PACE: u64 = 64 * 1024;

/// What an answer may have over its contents: headers, a little that did not compress, a read-me in the archive.
const SLACK: u64 = 1024 * 1024;

/// Read and written at a time.
const PIECE: usize = 64 * 1024;

/// The age at which a file that a killed run left is removed.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a mirror holds under one name, and the files that come out of it.
///
/// A name that ends in `.tar`, `.tar.gz` or `.tgz` is an archive of any number of files, in any folders; any other is a
/// single file. Whether it is gzip-compressed is seen from its first bytes, whatever its name. Besides its files an archive may
/// hold no more than a megabyte of others; its extended headers, for names beyond 100 bytes, are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Its name: what follows the address of the mirror.
    pub name: String,
    /// The files to take out of it.
    pub files: Vec<Content>,
}

/// A file as it will stand in the folder, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its name, without a folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in 64 hexadecimal digits.
    pub sha256: String,
}

impl Content {
    /// A file by name, size and SHA-256.
    pub fn new(name: impl Into<String>, size: u64, sha256: impl Into<String>) -> Self {
        Content { name: name.into(), size, sha256: sha256.into() }
    }
}

/// What [`Download::on_progress`] is told: when an answer has begun, and whenever more of it has come.
///
/// Reading stops with the last file that is needed, so the last report may be a little short of the total.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// What is being fetched: the name of the [`Archive`].
    pub file: &'a str,
    /// Where from: its address, or its path if it was found in the folder. With another mirror the bytes count from 0 again.
    pub from: &'a str,
    /// The bytes that have come, as they are sent, mostly compressed.
    pub bytes: u64,
    /// How many there will be, if the mirror says.
    pub total: Option<u64>,
}

type Callback<'a> = Box<dyn FnMut(&Progress<'_>) + 'a>;

/// Fetches a data set into a folder; see the [module](self) for what holds.
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
    /// MNIST: 60,000 and 10,000 handwritten digits, four files, 12 MB to fetch, 55 MB unpacked. For
    /// [`Dataset::mnist_train`] and [`Dataset::mnist_test`].
    ///
    /// Mirrors: the bucket that torchvision names in its `MNIST.mirrors`, the one of TensorFlow Datasets, and the one of
    /// Apache MXNet's Gluon. The sums are those of the files whose MD5 sums are published with the data.
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

    /// Fashion-MNIST: 60,000 and 10,000 pictures of clothes, in the same four files as MNIST, 31 MB to fetch, 55 MB
    /// unpacked. For [`Dataset::mnist_train`] and [`Dataset::mnist_test`].
    ///
    /// Mirrors: the authors' repository (`zalandoresearch/fashion-mnist`), the bucket that its read-me links to (by
    /// plain http), and the one of Apache MXNet's Gluon. The sums of the unpacked files are not
    /// published by the authors, who give the MD5 of the compressed ones; they are those that several independent
    /// loaders of the set check.
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

    /// CIFAR-10, the binary version: 60,000 colour pictures, one archive of **170 MB** to fetch, six files of 184 MB
    /// unpacked: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`. For [`Dataset::from_cifar10`].
    ///
    /// Mirrors: the authors' site, the bucket that Swift for TensorFlow's `CIFAR10` names, and the one of Apache MXNet's
    /// Gluon (a different archive of the same files). The sums of the unpacked files are not published by the authors, who
    /// give the MD5 of the archive; they are those that torchvision for Ruby checks.
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

    /// Any other set of files, to be completed by its [`mirrors`](Self::mirrors). `name` is that of its folder, where none
    /// is [chosen](Self::folder).
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

    /// The folder that the files shall stand in; it is made if it is not there. One folder for each data set: MNIST and
    /// Fashion-MNIST have the same file names, and in one folder the later would replace the earlier.
    ///
    /// Default: a folder of the set's name (`mnist`, `fashion-mnist`, `cifar-10`) in `$CHAINRULE_DATA`, or without that
    /// variable in the folder `chainrule` of the user's cache: `$XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`,
    /// on Windows `%LOCALAPPDATA%`.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The addresses to fetch from instead, without the names of the files, `http` or `https`. They are tried in this order
    /// for the first file, and for the next from the one that has served.
    pub fn mirrors(mut self, mirrors: impl IntoIterator<Item: Into<String>>) -> Self {
        self.mirrors = mirrors.into_iter().map(Into::into).collect();
        self
    }

    /// How long to wait for a mirror before the next is tried: for its address, for the connection, for the beginning of the
    /// answer (each a time of its own), and then for each further 64 KiB. Default: 20 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A function that is told how far it has come, about once for 64 KiB; not called at all if nothing is missing.
    pub fn on_progress(mut self, callback: impl FnMut(&Progress<'_>) + 'a) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Sees to it that every file stands in the folder, verified, and returns the folder.
    ///
    /// # Errors
    /// [`Error::Download`] if a file can be had from no mirror, with the reasons, and what to do by hand.
    /// [`Error::File`] if a file cannot be written: a full disk, a folder that is read-only or lies below a file; this
    /// is no mirror's fault, and no other is tried.
    /// [`Error::OutOfRange`] for a time-out of 0, [`Error::Empty`] if there is no folder by default (no `HOME`),
    /// [`Error::File`] for a [set of one's own](Self::new) with names that are not plain file names, with a sum that is not 64
    /// hexadecimal digits, or with several files under a name that is not an archive's.
    pub fn fetch(mut self) -> Result<PathBuf> {
        self.check()?;
        let folder = match self.folder.take().or_else(|| Some(default_folder()?.join(&self.name))) {
            Some(folder) => folder,
            None => return Err(Error::Empty { place: "folder for the data ($CHAINRULE_DATA and $HOME are not set)" }),
        };

        let lacks = |file: &Content| !holds(&folder.join(&file.name), file);
        let mut missing: Vec<(&Archive, Vec<&Content>)> = Vec::new();
        for archive in &self.archives {
            let files: Vec<_> = archive.files.iter().filter(|file| lacks(file)).collect();
            if !files.is_empty() {
                missing.push((archive, files));
            }
        }
        sweep(&folder, &self.archives);
        if missing.is_empty() {
            return Ok(folder);
        }

        fs::create_dir_all(&folder).map_err(|error| in_file(&folder)(error.into()))?;
        let agent = agent(self.timeout);
        let mut served = 0;
        for i in 0..missing.len() {
            let (archive, files) = &mut missing[i];
            let mut attempts = Vec::new();
            for source in sources(&folder, archive, &self.mirrors, served) {
                let from = source.to_string();
                let mut tell = |bytes, total| {
                    if let Some(callback) = &mut self.on_progress {
                        callback(&Progress { file: &archive.name, from: &from, bytes, total });
                    }
                };
                match take(&source, &agent, self.timeout, archive, files, &folder, &mut tell) {
                    Ok(()) => {
                        files.clear();
                        if let Source::Mirror { number, .. } = source {
                            served = number;
                        }
                    }
                    Err(Stop::Here(error)) => return Err(error),
                    Err(Stop::There(problem)) => {
                        attempts.push(Attempt { from, problem });
                        // Some may have come out of it whole.
                        files.retain(|file| lacks(file));
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
            // Nothing that leads out of the folder, on any system.
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

/// The four files of MNIST and of the sets that follow it.
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

/// Where data lies if no folder is chosen.
fn default_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || {
        if cfg!(windows) {
            variable("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            Some(variable("HOME")?.join("Library/Caches"))
        } else {
            // A relative one is to be ignored, says the XDG base directory specification.
            variable("XDG_CACHE_HOME")
                .filter(|path| path.is_absolute())
                .or_else(|| Some(variable("HOME")?.join(".cache")))
        }
    };
    variable("CHAINRULE_DATA").or_else(|| Some(cache()?.join("chainrule")))
}

/// Why something could not be had: for a reason that lies with its source, so that the next may do better, or here.
enum Stop {
    There(FileProblem),
    Here(Error),
}

/// Where an archive may come from.
enum Source {
    /// Somebody has put it into the folder.
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

/// What to try for an archive: the folder, then every mirror, from the one that has served last.
fn sources(folder: &Path, archive: &Archive, mirrors: &[String], first: usize) -> Vec<Source> {
    let path = folder.join(&archive.name);
    // An archive that has the name of its only file is what was found wanting before.
    let here = path.is_file() && archive.files.iter().all(|file| file.name != archive.name);
    let mirror = |number: usize| {
        let url = format!("{}/{}", mirrors[number].trim_end_matches('/'), archive.name);
        Source::Mirror { number, url }
    };
    let order = (first..mirrors.len()).chain(0..first.min(mirrors.len()));
    here.then_some(Source::Folder(path)).into_iter().chain(order.map(mirror)).collect()
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

/// Takes the files out of an archive, from one source, into the folder.
fn take(
    source: &Source,
    agent: &ureq::Agent,
    timeout: Duration,
    archive: &Archive,
    files: &[&Content],
    folder: &Path,
    tell: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), Stop> {
    let contents: u64 = archive.files.iter().fold(SLACK, |sum, file| sum.saturating_add(file.size));
    // Deflate adds 5 bytes to each 64 KiB that it cannot compress.
    let limit = contents.saturating_add(contents / 1000);

    let (body, total): (Box<dyn Read>, _) = match source {
        Source::Folder(path) => {
            let file = File::open(path).map_err(|error| Stop::There(error.into()))?;
            let size = file.metadata().map(|metadata| metadata.len()).ok();
            (Box::new(file), size)
        }
        Source::Mirror { url, .. } => {
            let answer = agent.get(url).call().map_err(|error| Stop::There(in_words(error, timeout)))?;
            if answer.status() != 200 {
                let message = format!("http status: {}", answer.status().as_u16());
                return Err(Stop::There(FileProblem::Http { message }));
            }
            let total = answer.body().content_length();
            (Box::new(answer.into_body().into_reader()), total)
        }
    };
    if total.is_some_and(|total| total > limit) {
        return Err(Stop::There(too_large(limit)));
    }
    tell(0, total);
    let mut answer =
        Answer { body, total, limit, timeout, tell, bytes: 0, lately: 0, waited: Duration::ZERO, problem: None };
    let taken = unpack(&mut answer, contents, archive, files, folder);
    // What the unpacker makes of a break in the answer matters less than the break.
    match (taken, answer.problem) {
        (Err(Stop::There(_)), Some(problem)) => Err(Stop::There(problem)),
        (taken, _) => taken,
    }
}

fn too_large(limit: u64) -> FileProblem {
    FileProblem::Http { message: format!("expected at most {limit} bytes, more were sent or announced") }
}

/// What a failed request comes down to.
fn in_words(error: ureq::Error, within: Duration) -> FileProblem {
    match error {
        ureq::Error::Io(error) => error.into(),
        ureq::Error::Timeout(_) => FileProblem::Stalled { within },
        other => FileProblem::Http { message: other.to_string() },
    }
}

/// What a source sends, watched: told of, bounded in size and in time.
struct Answer<'a> {
    body: Box<dyn Read>,
    total: Option<u64>,
    limit: u64,
    timeout: Duration,
    tell: &'a mut dyn FnMut(u64, Option<u64>),
    bytes: u64,
    /// The bytes that came in the time `waited`, which counts nothing but waiting: not unpacking, not the disk.
    lately: u64,
    waited: Duration,
    /// Why it broke off.
    problem: Option<FileProblem>,
}

impl Answer<'_> {
    fn fail(&mut self, problem: FileProblem) -> io::Result<usize> {
        let error = io::Error::other(problem.to_string());
        self.problem = Some(problem);
        Err(error)
    }
}

impl Read for Answer<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        let result = self.body.read(buffer);
        self.waited += start.elapsed();
        let read = match result {
            Ok(0) => return Ok(0),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => return self.fail(in_words(error.into(), self.timeout)),
        };
        self.bytes += read as u64;
        self.lately += read as u64;
        if self.bytes > self.limit {
            return self.fail(too_large(self.limit));
        }
        if self.lately >= PACE {
            (self.lately, self.waited) = (0, Duration::ZERO);
        } else if self.waited > self.timeout {
            return self.fail(FileProblem::Stalled { within: self.timeout });
        }
        (self.tell)(self.bytes, self.total);
        Ok(read)
    }
}

fn unpack(
    answer: &mut Answer<'_>,
    contents: u64,
    archive: &Archive,
    files: &[&Content],
    folder: &Path,
) -> Result<(), Stop> {
    let mut start = Vec::new();
    answer.by_ref().take(2).read_to_end(&mut start).map_err(there)?;
    // Some servers unpack on the way, and no file that is asked for starts like this.
    let gzip = start == [0x1f, 0x8b];
    let whole = start.chain(answer);
    let mut whole: Box<dyn Read> = if gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    if is_tar(&archive.name) {
        pick(whole.take(contents), files, folder)
    } else {
        files.iter().try_for_each(|file| store(&mut whole, file, folder))
    }
}

fn is_tar(name: &str) -> bool {
    [".tar", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending))
}

/// Takes the files out of a tar archive, up to the last of them.
fn pick(tar: impl Read, files: &[&Content], folder: &Path) -> Result<(), Stop> {
    let mut left = files.to_vec();
    let mut archive = tar::Archive::new(tar);
    // Raw: otherwise extended headers would be read into memory, whatever their size.
    for entry in archive.entries().map_err(there)?.raw(true) {
        let mut entry = entry.map_err(there)?;
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
    Err(Stop::There(FileProblem::NotInArchive { expected }))
}

/// Reads a file to its end and puts it into the folder, if it is the right one.
fn store(reader: &mut dyn Read, file: &Content, folder: &Path) -> Result<(), Stop> {
    let path = folder.join(&file.name);
    let here = |error: io::Error| Stop::Here(in_file(&path)(error.into()));
    let mut part = AtomicFile::create(&path, &format!("{}.", file.name), ".part").map_err(here)?;
    let mut sum = Sha256::new();
    let mut size = 0;
    let mut piece = vec![0; PIECE];
    // One byte more than there should be, to see that it ends there.
    let mut reader = reader.take(file.size.saturating_add(1));
    loop {
        let read = match reader.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(Stop::There(FileProblem::Truncated { expected: file.size, found: size }));
            }
            Err(error) => return Err(there(error)),
        };
        size += read as u64;
        if size > file.size {
            return Err(Stop::There(FileProblem::Trailing { expected: file.size }));
        }
        sum.update(&piece[..read]);
        part.write_all(&piece[..read]).map_err(here)?;
    }
    if size < file.size {
        return Err(Stop::There(FileProblem::Truncated { expected: file.size, found: size }));
    }
    let found = hexadecimal(&sum.finalize());
    if !found.eq_ignore_ascii_case(&file.sha256) {
        return Err(Stop::There(FileProblem::Checksum { expected: file.sha256.to_lowercase(), found }));
    }
    part.commit().or_else(|error| if holds(&path, file) { Ok(()) } else { Err(here(error)) })
}

/// Whether a file is there, whole and right.
fn holds(path: &Path, expected: &Content) -> bool {
    let sum = || -> io::Result<Option<String>> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() != expected.size {
            return Ok(None);
        }
        let mut file = File::open(path)?;
        let mut sum = Sha256::new();
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(Some(hexadecimal(&sum.finalize()))),
                Ok(read) => sum.update(&piece[..read]),
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

/// Removes what killed runs have left. A run that is under way has written to its own within the day.
fn sweep(folder: &Path, archives: &[Archive]) {
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

/// For `map_err`: a read that failed on the side of the source.
fn there(error: io::Error) -> Stop {
    Stop::There(match error.kind() {
        // The kinds of error by which the unpackers say that the stream is not as it should be.
        ErrorKind::InvalidInput | ErrorKind::InvalidData => FileProblem::Gzip { message: error.to_string() },
        _ => error.into(),
    })
}
