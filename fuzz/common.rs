//! What several targets need: a file in memory to hand to a function that takes a path, and what has to be true of
//! whatever is loaded.

use chainrule::ndarray::Array2;
use chainrule::rand::SeedableRng;
use chainrule::{ChaCha8Rng, Dataset, Network, Real, Trainer};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A path of this process alone, in memory where the system has such a place.
fn path(name: &str) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("chainrule-fuzz-{}-{name}", std::process::id()))
}

/// The bytes as a file.
pub fn file(bytes: &[u8]) -> &'static Path {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| path("in"));
    std::fs::write(&*PATH, bytes).unwrap();
    &PATH
}

/// A safetensors file with the length that its header has: each byte that a fuzzer puts in or takes out makes it wrong,
/// and few would get any further.
pub fn with_fitting_length(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(brace) = bytes.iter().rposition(|&byte| byte == b'}').filter(|&brace| brace >= 8) {
        let spaces = bytes[brace + 1..].iter().take_while(|&&byte| byte == b' ').count();
        bytes[..8].copy_from_slice(&((brace + 1 + spaces - 8) as u64).to_le_bytes());
    }
    bytes
}

/// The most numbers of a tensor in `file_of_lines`.
const MOST: usize = 4096;

/// A safetensors file put together from lines, with offsets and checksum that fit: `key=text` is an entry of the
/// metadata, `name:F64:2,3:number,number` a tensor, whose numbers are repeated until it is full. Later lines replace
/// earlier ones, and a name alone takes the entry or tensor out.
pub fn file_of_lines(good: &str, text: &str) -> Vec<u8> {
    let mut metadata = BTreeMap::new();
    let mut tensors = BTreeMap::new();
    for line in good.lines().chain(text.lines()) {
        if let Some((key, text)) = line.split_once('=') {
            metadata.insert(key, text.to_string());
        } else if let [name, dtype, shape, numbers] = line.split(':').collect::<Vec<_>>()[..] {
            let shape: Vec<usize> = shape.split(',').filter_map(|n| n.parse().ok()).collect();
            let numbers: Vec<f64> = numbers.split(',').filter_map(|x| x.parse().ok()).collect();
            let size = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
            let numbers = numbers.iter().cycle().take(size.unwrap_or(0).min(MOST));
            let data: Vec<u8> = match dtype {
                "F32" => numbers.flat_map(|&x| (x as f32).to_le_bytes()).collect(),
                _ => numbers.flat_map(|&x| x.to_le_bytes()).collect(),
            };
            tensors.insert(name, (dtype, shape, data));
        } else {
            metadata.remove(line);
            tensors.remove(line);
        }
    }

    // FNV-1a, 64 bits: all metadata but the checksum, then name, type, shape and bytes of every tensor.
    let mut checksum: u64 = 0xcbf2_9ce4_8422_2325;
    let mut feed = |bytes: &[u8]| {
        bytes.iter().for_each(|&byte| checksum = (checksum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    };
    metadata.remove("checksum");
    for (key, text) in &metadata {
        feed(key.as_bytes());
        feed(text.as_bytes());
    }
    let mut header = Map::new();
    let mut contents = Vec::new();
    for (name, (dtype, shape, data)) in &tensors {
        feed(name.as_bytes());
        feed(dtype.as_bytes());
        shape.iter().for_each(|&n| feed(&(n as u64).to_le_bytes()));
        feed(data);
        let begin = contents.len();
        contents.extend(data);
        header.insert(
            name.to_string(),
            json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, contents.len()] }),
        );
    }
    metadata.insert("checksum", format!("{checksum:016x}"));
    header.insert("__metadata__".into(), json!(metadata));
    let header = serde_json::Value::from(header).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &contents].concat()
}

fn bits<F: Real>(network: &Network<F>) -> Vec<u64> {
    let affines = network.layers().iter().map(|layer| &layer.affine);
    affines.flat_map(|affine| affine.weights.iter().chain(&affine.bias)).map(|x| x.f64().to_bits()).collect()
}

/// Where what was loaded is saved again.
pub fn out() -> &'static Path {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| path("out"));
    &PATH
}

/// What is loaded is finite, predicts without a panic, and comes back from a file of the crate's own with the same bits.
pub fn check_network<F: Real>(network: &Network<F>) {
    let path = out();
    assert!(bits(network).iter().all(|&x| f64::from_bits(x).is_finite()));
    let x = Array2::from_elem((2, network.inputs()), F::from_f64(0.5));
    let _ = network.predict(x.view());
    network.save(path).unwrap();
    let again = Network::<F>::load(path).unwrap();
    assert_eq!(bits(&again), bits(network));
    assert_eq!(again.layers().len(), network.layers().len());
}

/// A trainer that is loaded either trains for an epoch or says why not.
pub fn check_trainer<F: Real>(trainer: Trainer<'_, F>, mut network: Network<F>) {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| path("checkpoint"));
    trainer.save_checkpoint(&network, &*PATH).unwrap();
    let (again, network_again) = Trainer::<F>::load_checkpoint(&*PATH).unwrap();
    assert_eq!(bits(&network_again), bits(&network));
    assert_eq!(again.history().cost.len(), trainer.history().cost.len());
    let data = Dataset::new(
        Array2::from_elem((3, network.inputs()), F::from_f64(0.5)),
        Array2::from_elem((3, network.outputs()), F::from_f64(1.0)),
    );
    let mut trainer = trainer.epochs(1).threads(1);
    let _ = trainer.fit(&mut network, &data.unwrap(), &mut ChaCha8Rng::seed_from_u64(1));
}
