//! A file is written whole or not at all: under another name in the same folder, handed to the disk, and only then
//! renamed, which the file system does in one step.

use crate::error::FileProblem;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Writes a file, or leaves the one that was there as it is.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileProblem> {
    // Through a symbolic link to the file that it names.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    if path.exists() && !path.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected a regular file, found another kind").into());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let (temporary, mut file) = create_beside(folder)?;
    let mut written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    written = written.and_then(|()| fs::rename(&temporary, &path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary); // the first error is the one to tell
        return Err(error.into());
    }
    // The new name itself, on systems where a folder can be opened; the file is whole whether or not.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// A new file of a name that nothing else has, not another thread or process either.
fn create_beside(folder: &Path) -> io::Result<(PathBuf, File)> {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".chainrule-{}-{count}.tmp", std::process::id()));
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
