//! Files: bounded reads, and writes that are atomic.

use crate::error::{Error, FileProblem};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

pub(crate) use atomic::AtomicFile;

/// For `map_err`: adds the file's name to a problem.
pub(crate) fn in_file(path: &Path) -> impl Fn(FileProblem) -> Error {
    |problem| Error::File { file: path.into(), problem }
}

/// Opens a file for reading, and not a folder, of which some systems say so only when it is read.
pub(crate) fn open(path: &Path) -> Result<File, FileProblem> {
    if path.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "expected a file, found a folder").into());
    }
    Ok(File::open(path)?)
}

/// Reads the next `limit` bytes, or fewer at the end of the file. The buffer grows with the bytes that arrive, so a
/// false size in a header costs no memory.
pub(crate) fn read_up_to(reader: &mut impl Read, limit: u64) -> Result<Vec<u8>, FileProblem> {
    let mut bytes = Vec::new();
    reader.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The number of bytes, as a file size.
pub(crate) fn size(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

mod atomic {
    use std::fs::{self, File};
    use std::io::{self, ErrorKind, Write};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A file under construction: written beside its target, then renamed into place in one step.
    /// Dropping it without a [`commit`](AtomicFile::commit) leaves the target as it was.
    pub(crate) struct AtomicFile {
        file: File,
        temporary: PathBuf,
        target: PathBuf,
        committed: bool,
    }

    impl AtomicFile {
        /// Creates the temporary file `{prefix}{process}-{number}{suffix}` in the target's folder. A symbolic link is
        /// followed to its target. An existing target's permissions and, where possible, owner are kept.
        pub(crate) fn create(target: &Path, prefix: &str, suffix: &str) -> io::Result<Self> {
            static COUNTER: AtomicUsize = AtomicUsize::new(0);
            let target = fs::canonicalize(target).unwrap_or_else(|_| target.into());
            if target.exists() && !target.is_file() {
                return Err(io::Error::new(ErrorKind::InvalidInput, "expected a regular file, found another kind"));
            }
            loop {
                let number = COUNTER.fetch_add(1, Ordering::Relaxed);
                let temporary = target.with_file_name(format!("{prefix}{}-{number}{suffix}", std::process::id()));
                let file = match create_new(&temporary, target.exists()) {
                    // A leftover of an earlier process with the same id.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                    result => result?,
                };
                let file = AtomicFile { file, temporary, target, committed: false };
                file.copy_permissions();
                return Ok(file);
            }
        }

        #[cfg(unix)]
        fn copy_permissions(&self) {
            use std::os::unix::fs::{MetadataExt, fchown};
            let Ok(existing) = fs::metadata(&self.target) else { return };
            // Best effort: only root may change the owner, and some file systems have no modes. A change of owner can
            // clear mode bits, so the mode comes last.
            if fchown(&self.file, Some(existing.uid()), Some(existing.gid())).is_err() {
                let _ = fchown(&self.file, None, Some(existing.gid()));
            }
            let _ = self.file.set_permissions(existing.permissions());
        }

        #[cfg(not(unix))]
        fn copy_permissions(&self) {}

        /// Flushes the contents to the disk and gives the file its name.
        pub(crate) fn commit(mut self) -> io::Result<()> {
            self.file.sync_all()?;
            fs::rename(&self.temporary, &self.target)?;
            self.committed = true;
            // Flushes the new name too, on systems that can open a folder. The file is whole either way.
            if let Some(Ok(folder)) = self.target.parent().map(File::open) {
                let _ = folder.sync_all();
            }
            Ok(())
        }
    }

    /// Creates a file. One that replaces another is private until it has that one's permissions.
    fn create_new(path: &Path, private: bool) -> io::Result<File> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = private;
        options.open(path)
    }

    impl Write for AtomicFile {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.file.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    impl Drop for AtomicFile {
        fn drop(&mut self) {
            if !self.committed {
                let _ = fs::remove_file(&self.temporary);
            }
        }
    }
}
