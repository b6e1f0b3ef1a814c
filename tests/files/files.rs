//! For tests of files: a folder of one's own, safetensors files taken apart and put together by other code than the
//! crate's, and a test as a process of its own.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An empty folder, gone with its contents at the end of the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        Self::inside(std::env::temp_dir(), name)
    }

    /// For thousands of files one after the other: in memory, where the system has such a place.
    pub fn in_memory(name: &str) -> Self {
        let memory = PathBuf::from("/dev/shm");
        Self::inside(if memory.is_dir() { memory } else { std::env::temp_dir() }, name)
    }

    fn inside(parent: PathBuf, name: &str) -> Self {
        let path = parent.join(format!("chainrule-test-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What is in it, in alphabetical order.
    pub fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A safetensors file in parts: tensors as (dtype, shape, bytes).
#[derive(Clone, Default)]
pub struct Parts {
    pub metadata: BTreeMap<String, String>,
    pub tensors: BTreeMap<String, (String, Vec<usize>, Vec<u8>)>,
}

impl Parts {
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (header, data) = split(bytes);
        let mut parts = Parts::default();
        for (name, entry) in header.as_object().unwrap() {
            if name == "__metadata__" {
                parts.metadata = serde_json::from_value(entry.clone()).unwrap();
                continue;
            }
            let range: [usize; 2] = serde_json::from_value(entry["data_offsets"].clone()).unwrap();
            let shape = serde_json::from_value(entry["shape"].clone()).unwrap();
            let dtype = entry["dtype"].as_str().unwrap().into();
            parts.tensors.insert(name.clone(), (dtype, shape, data[range[0]..range[1]].to_vec()));
        }
        parts
    }

    /// The file, with the checksum that belongs to it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut metadata = self.metadata.clone();
        metadata.insert("checksum".into(), self.checksum());
        self.to_bytes_with(json!(metadata))
    }

    /// The file, with this for its metadata; with `null`, without any, as a plain file of PyTorch's is.
    pub fn to_bytes_with(&self, metadata: Value) -> Vec<u8> {
        let mut header = if metadata.is_null() { json!({}) } else { json!({ "__metadata__": metadata }) };
        let mut data = Vec::new();
        for (name, (dtype, shape, bytes)) in &self.tensors {
            let begin = data.len();
            data.extend(bytes);
            header[name] = json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, data.len()] });
        }
        join(&header, &data)
    }

    /// FNV-1a, 64 bits: all metadata but the checksum, then name, type, shape and bytes of every tensor.
    pub fn checksum(&self) -> String {
        let mut bytes = Vec::new();
        for (key, text) in self.metadata.iter().filter(|(key, _)| *key != "checksum") {
            bytes.extend([key.as_bytes(), text.as_bytes()].concat());
        }
        for (name, (dtype, shape, data)) in &self.tensors {
            bytes.extend([name.as_bytes(), dtype.as_bytes()].concat());
            bytes.extend(shape.iter().flat_map(|&n| (n as u64).to_le_bytes()));
            bytes.extend(data);
        }
        let fnv = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(1099511628211);
        format!("{:016x}", bytes.iter().fold(14695981039346656037, fnv))
    }
}

/// Header and data of a safetensors file.
pub fn split(bytes: &[u8]) -> (Value, &[u8]) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), &bytes[8 + length..])
}

pub fn join(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// In the child process of a test: the path that it was given.
pub fn given_path() -> Option<PathBuf> {
    std::env::var_os("CHAINRULE_TEST_PATH").map(PathBuf::from)
}

/// The named test of this program as a process of its own, which is given a path, under some limits of the shell's.
pub fn process(test: &str, limits: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    let program = std::env::current_exe().unwrap();
    command.args(["-c", &format!(r#"{limits} exec "$0" "$@""#)]).arg(program);
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env("CHAINRULE_TEST_PATH", path);
    command
}

/// Runs it to its end. Fails unless it passes, and as one test, not as none.
pub fn run(test: &str, limits: &str, path: &Path) {
    let output = process(test, limits, path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{test}: {}\n{text}\n{errors}", output.status);
}
