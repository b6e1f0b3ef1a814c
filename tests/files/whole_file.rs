//! A file is there whole, the new one or the old one, whatever happens to the process that writes it.

use super::files::{Folder, given_path, process, run};
use super::{constant, problem};
use chainrule::{FileProblem, Network};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The number that all parameters of the saved network are.
fn number_in(path: &Path) -> f64 {
    let network = Network::<f64>::load(path).unwrap();
    let number = network.layers()[0].affine.bias[0];
    assert_eq!(network, constant(network.inputs(), number), "parts of two files in one");
    number
}

/// Killed at random moments until 200 files have been written: each time the last whole one is there.
#[test]
fn a_killed_process_leaves_the_last_good_file() {
    let folder = Folder::new("killed");
    let path = folder.file("network.safetensors");
    constant(UNITS, 0.0).save(&path).unwrap();

    let (mut kills, mut in_the_middle) = (0, 0);
    let mut noise: u64 = 1;
    let begin = Instant::now();
    while number_in(&path) < 200.0 || kills < 40 || in_the_middle == 0 {
        assert!(begin.elapsed() < Duration::from_secs(120), "{kills} kills, {in_the_middle} in the middle of a file");
        let before = number_in(&path);
        let mut child = process("whole_file::saves_until_killed", "", &path).stdout(Stdio::null()).spawn().unwrap();
        // from its first file on
        while number_in(&path) == before && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        std::thread::sleep(Duration::from_micros((noise >> 33) % 20_000));
        assert!(child.try_wait().unwrap().is_none(), "the process ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;

        assert!(number_in(&path) > before);
        for name in folder.names().iter().filter(|name| *name != "network.safetensors") {
            assert!(name.starts_with(".chainrule-") && name.ends_with(".tmp"), "{name}");
            in_the_middle += 1;
            fs::remove_file(folder.file(name)).unwrap();
        }
    }
}

/// A few hundred kilobytes a file.
const UNITS: usize = 200;

#[test]
fn saves_until_killed() {
    let Some(path) = given_path() else { return };
    let mut number = number_in(&path);
    loop {
        number += 1.0;
        constant(UNITS, number).save(&path).unwrap();
    }
}

/// A limit on the size of files ends the writing in the middle, as a full disk does.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_file() {
    let folder = Folder::new("full");
    let path = folder.file("network.safetensors");
    constant(2, 1.0).save(&path).unwrap();
    let before = fs::read(&path).unwrap();
    run("whole_file::saves_too_much", "trap '' XFSZ; ulimit -f 16;", &path);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(folder.names(), ["network.safetensors"], "the temporary file is gone");
}

#[test]
fn saves_too_much() {
    let Some(path) = given_path() else { return };
    match problem(constant(UNITS, 2.0).save(&path)) {
        FileProblem::Io { kind, .. } => assert_eq!(kind, std::io::ErrorKind::FileTooLarge),
        other => panic!("{other}"),
    }
}

#[test]
fn where_nothing_can_be_written_nothing_changes() {
    use std::io::ErrorKind::*;
    let folder = Folder::new("nowhere");
    let network = constant(2, 1.0);
    let save = |path: &Path| match network.save(path).unwrap_err() {
        chainrule::Error::File { file, problem: FileProblem::Io { kind, message } } => {
            assert_eq!(file, path);
            // The system's words are its own; these are the crate's.
            let own = message == "expected a regular file, found another kind";
            assert!(own == (kind == InvalidInput) && !message.is_empty(), "{kind}: {message}");
            kind
        }
        other => panic!("{other}"),
    };
    assert_eq!(save(&folder.file("missing/network")), NotFound);
    assert_eq!(save(Path::new("")), NotFound);
    fs::create_dir(folder.file("folder")).unwrap();
    assert_eq!(save(&folder.file("folder")), InvalidInput);
    assert_eq!(save(&folder.file("")), InvalidInput);
    assert_eq!(save(&folder.file("folder/..")), InvalidInput);
    fs::write(folder.file("file"), "x").unwrap();
    assert_eq!(save(&folder.file("file/network")), NotADirectory);
    if cfg!(target_os = "linux") {
        save(Path::new("/proc/chainrule-network")); // a folder that nobody can write to
        assert_eq!(save(Path::new("/dev/full")), InvalidInput);
        assert!(!Path::new("/dev/full").is_file(), "the device is still one");
    }
    assert_eq!(folder.names(), ["file", "folder"]);
    assert_eq!(fs::read_dir(folder.file("folder")).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = Folder::new("link");
    constant(2, 1.0).save(folder.file("network")).unwrap();
    std::os::unix::fs::symlink("network", folder.file("link")).unwrap();
    constant(2, 2.0).save(folder.file("link")).unwrap();
    assert_eq!(number_in(&folder.file("network")), 2.0);
    assert!(folder.file("link").is_symlink());
}

/// Saving over a file keeps its permissions, and its owner where the system allows that; a new file has the usual ones.
#[cfg(unix)]
#[test]
fn permissions_and_owner_are_kept() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let folder = Folder::new("permissions");
    let path = folder.file("network");
    constant(2, 1.0).save(&path).unwrap();
    fs::write(folder.file("usual"), "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&path), mode(&folder.file("usual")));

    for expected in [0o600, 0o640, 0o666, 0o444, 0o755] {
        fs::set_permissions(&path, fs::Permissions::from_mode(expected)).unwrap();
        constant(2, 2.0).save(&path).unwrap();
        assert_eq!(format!("{:o}", mode(&path)), format!("{expected:o}"));
    }
    // Only root may give a file away.
    if chown(&path, Some(12345), Some(54321)).is_ok() {
        constant(2, 3.0).save(&path).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid(), mode(&path)), (12345, 54321, 0o755));
    }
    assert_eq!(folder.names(), ["network", "usual"]);
}

#[test]
fn threads_that_save_at_once_do_not_meet() {
    let folder = Folder::new("threads");
    let path = folder.file("network");
    std::thread::scope(|scope| {
        for number in 0..4 {
            let path = &path;
            scope.spawn(move || (0..20).for_each(|_| constant(20, f64::from(number)).save(path).unwrap()));
        }
    });
    assert!(number_in(&path) < 4.0);
    assert_eq!(folder.names(), ["network"]);
}
