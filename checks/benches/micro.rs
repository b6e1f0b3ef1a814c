//! Each part of a training step, and what comes before and after training, on one thread:
//!
//! ```text
//! cargo bench -p checks --bench micro              # all of them
//! cargo bench -p checks --bench micro -- backward  # those with this in their names
//! ```

#[path = "../../benches/common/mod.rs"]
mod common;

use chainrule::rand::{RngCore, SeedableRng};
use chainrule::{Activation, ChaCha8Rng, Dataset, Idx, Loss, Network, Real, Scaling, Sgd, Trainer};
use common::{Training, W1, W2, W3, W4, W5, Workload, rng};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

const STEPS: [Workload; 5] = [W1, W2, W3, W4, W5];

fn main() {
    divan::main();
}

#[divan::bench(types = [f32, f64], args = STEPS, max_time = 1)]
fn forward<F: Real>(bencher: Bencher, work: Workload) {
    let mut training = Training::<F>::new(&work, 1);
    bencher.counter(ItemsCount::new(work.batch)).bench_local(|| training.forward(0));
}

#[divan::bench(types = [f32, f64], args = STEPS, max_time = 1)]
fn backward<F: Real>(bencher: Bencher, work: Workload) {
    let mut training = Training::<F>::new(&work, 1);
    training.forward(0);
    bencher.counter(ItemsCount::new(work.batch)).bench_local(|| training.backward(0));
}

#[divan::bench(types = [f32, f64], args = STEPS, max_time = 1)]
fn update<F: Real>(bencher: Bencher, work: Workload) {
    // A rate too small to change the parameters.
    let mut training = Training::<F>::new(&Workload { rate: 1e-9, ..work }, 1);
    training.step(0);
    bencher.counter(ItemsCount::new(training.network.parameters())).bench_local(|| training.update());
}

#[divan::bench(types = [f32, f64], args = [1, 1000], max_time = 1)]
fn predict<F: Real>(bencher: Bencher, rows: usize) {
    let network = W1.network::<F>(&mut rng());
    let (x, _) = W1.data(rows, &mut rng());
    bencher.counter(ItemsCount::new(rows)).bench_local(|| network.predict(x.view()).unwrap());
}

#[divan::bench(types = [f32, f64], max_time = 1)]
fn epoch_of_moons<F: Real>(bencher: Bencher) {
    let data = Dataset::<F>::moons(1000, 0.1, &mut rng()).unwrap();
    let network = Network::builder(2).layer(16, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng());
    let network = network.unwrap();
    bencher.counter(ItemsCount::new(data.len())).with_inputs(|| network.clone()).bench_local_values(|mut network| {
        let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9)).epochs(1).threads(1);
        trainer.fit(&mut network, &data, &mut ChaCha8Rng::seed_from_u64(1)).unwrap()
    });
}

fn images() -> Dataset<f32> {
    let (x, y) = W1.data(1000, &mut rng());
    Dataset::new(x, y).unwrap()
}

#[divan::bench(max_time = 1)]
fn measure_scaling(bencher: Bencher) {
    let data = images();
    bencher.counter(ItemsCount::new(data.len())).bench_local(|| Scaling::standardise(&data).unwrap());
}

#[divan::bench(max_time = 1)]
fn apply_scaling(bencher: Bencher) {
    let data = images();
    let scaling = Scaling::standardise(&data).unwrap();
    bencher
        .counter(ItemsCount::new(data.len()))
        .with_inputs(|| data.clone())
        .bench_local_values(|data| scaling.apply(data).unwrap());
}

#[divan::bench(max_time = 1)]
fn read_idx(bencher: Bencher) {
    let mut file = vec![0, 0, 8, 3, 0, 0, 3, 232, 0, 0, 0, 28, 0, 0, 0, 28]; // 1000 images of 28 by 28
    let header = file.len();
    file.resize(header + 1000 * 28 * 28, 0);
    rng().fill_bytes(&mut file[header..]);
    bencher.counter(BytesCount::new(file.len())).bench_local(|| Idx::from_reader(file.as_slice()).unwrap());
}
