//! What several targets need: a file in memory to hand to a function that takes a path, and what has to be true of
//! whatever is loaded.

use chainrule::ndarray::Array2;
use chainrule::rand::SeedableRng;
use chainrule::{ChaCha8Rng, Dataset, Network, Real, Trainer};
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

fn bits<F: Real>(network: &Network<F>) -> Vec<u64> {
    let affines = network.layers().iter().map(|layer| &layer.affine);
    affines.flat_map(|affine| affine.weights.iter().chain(&affine.bias)).map(|x| x.f64().to_bits()).collect()
}

/// What is loaded is finite, predicts without a panic, and comes back from a file of the crate's own with the same bits.
pub fn check_network<F: Real>(network: &Network<F>) {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| path("out"));
    assert!(bits(network).iter().all(|&x| f64::from_bits(x).is_finite()));
    let x = Array2::from_elem((2, network.inputs()), F::from_f64(0.5));
    let _ = network.predict(x.view());
    network.save(&*PATH).unwrap();
    let again = Network::<F>::load(&*PATH).unwrap();
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
