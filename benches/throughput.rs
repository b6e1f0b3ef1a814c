//! Samples a second on six fixed workloads, in the form that other libraries' benches print theirs:
//!
//! ```text
//! cargo bench --bench throughput -- --only W1,W2 --threads 2 --seconds 2.5 --float f32
//! W1 chainrule 2 threads 33065 samples/s
//! ```
//!
//! A step is forward, loss, backward and update on one of several prepared batches of random numbers; each line is the
//! best of five repetitions, each a fifth of the time given.

use chainrule::ndarray::{Array2, Axis};
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{Activation, ChaCha8Rng, Loss, Network, Real, Sgd, Threads, Workspace};
use std::hint::black_box;
use std::time::Instant;

struct Workload {
    name: &'static str,
    sizes: &'static [usize],
    hidden: Activation,
    output: Activation,
    loss: Loss,
    batch: usize,
    momentum: f64,
    train: bool,
}

const W1: Workload = Workload {
    name: "W1",
    sizes: &[784, 100, 10],
    hidden: Activation::Sigmoid,
    output: Activation::Softmax,
    loss: Loss::CrossEntropy,
    batch: 32,
    momentum: 0.9,
    train: true,
};

const W4: Workload = Workload {
    name: "W4",
    sizes: &[2, 25, 50, 25, 2],
    output: Activation::Sigmoid,
    loss: Loss::MeanSquaredError,
    batch: 1,
    momentum: 0.0,
    ..W1
};

const WORKLOADS: [Workload; 7] = [
    W1,
    Workload { name: "W2", sizes: &[784, 800, 10], hidden: Activation::Relu, batch: 128, ..W1 },
    Workload { name: "W3", sizes: &[784, 1024, 1024, 1024, 10], hidden: Activation::Relu, batch: 256, ..W1 },
    W4,
    Workload { name: "W5", sizes: &[1, 8, 5, 3, 1], batch: 40, ..W4 },
    Workload { name: "W6a", batch: 1, train: false, ..W1 },
    Workload { name: "W6b", batch: 1000, train: false, ..W1 },
];

/// Samples a second: the best of five repetitions.
fn best(seconds: f64, batch: usize, mut step: impl FnMut(usize)) -> f64 {
    (0..10).for_each(&mut step);
    let start = Instant::now();
    step(0);
    // Looking at the clock about every millisecond costs nothing.
    let chunk = ((0.001 / start.elapsed().as_secs_f64()) as usize).clamp(1, 10_000);
    let mut i = 0;
    let mut repetition = || {
        let start = Instant::now();
        let mut steps = 0;
        while start.elapsed().as_secs_f64() < seconds / 5.0 {
            (i..i + chunk).for_each(&mut step);
            (i, steps) = (i + chunk, steps + chunk);
        }
        (steps * batch) as f64 / start.elapsed().as_secs_f64()
    };
    (0..5).map(|_| repetition()).fold(0.0, f64::max)
}

fn run<F: Real>(work: &Workload, threads: usize, seconds: f64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (inputs, outputs) = (work.sizes[0], work.sizes[work.sizes.len() - 1]);
    let mut builder = Network::<F>::builder(inputs);
    for &units in &work.sizes[1..work.sizes.len() - 1] {
        builder = builder.layer(units, work.hidden);
    }
    let mut network = builder.layer(outputs, work.output).build(&mut rng).unwrap();

    let batches = if inputs > 100 { 64 } else { 1024 };
    let rows = batches * work.batch;
    let x: Array2<F> = Array2::from_shape_simple_fn((rows, inputs), || F::from_f64(rng.random::<f32>().into()));
    let y: Array2<F> = match work.loss {
        Loss::CrossEntropy => {
            let labels: Vec<usize> = (0..rows).map(|_| rng.random_range(0..outputs)).collect();
            chainrule::one_hot(&labels, outputs).unwrap()
        }
        _ => Array2::from_shape_simple_fn((rows, outputs), || F::from_f64(rng.random::<f32>().into())),
    };
    let cut = |all: &Array2<F>| -> Vec<Array2<F>> {
        all.axis_chunks_iter(Axis(0), work.batch).map(|rows| rows.to_owned()).collect()
    };
    let (x, y) = (cut(&x), cut(&y));
    let threads = Threads::new(threads);
    if !work.train {
        return threads.run(|| {
            best(seconds, work.batch, |i| {
                black_box(network.predict(x[i % batches].view()).unwrap());
            })
        });
    }
    let mut workspace = Workspace::new(&network, work.batch);
    let mut sgd = Sgd::new(0.01).momentum(work.momentum);
    let step = |i: usize| {
        network.forward(x[i % batches].view(), &mut workspace).unwrap();
        black_box(network.backward(x[i % batches].view(), y[i % batches].view(), work.loss, &mut workspace).unwrap());
        sgd.step(&mut network, workspace.gradients()).unwrap();
    };
    threads.run(|| best(seconds, work.batch, step))
}

fn main() {
    let (mut only, mut threads, mut seconds, mut float) = (String::new(), 2, 2.5, String::from("f32"));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {} // what `cargo bench` adds
            "--only" => only = value(),
            "--threads" => threads = value().parse().unwrap(),
            "--seconds" => seconds = value().parse().unwrap(),
            "--float" => float = value(),
            _ => panic!("unknown argument {argument}"),
        }
    }
    for work in WORKLOADS {
        if !only.is_empty() && !only.split(',').any(|name| work.name.starts_with(name)) {
            continue;
        }
        let rate = match float.as_str() {
            "f32" => run::<f32>(&work, threads, seconds),
            "f64" => run::<f64>(&work, threads, seconds),
            _ => panic!("--float takes f32 or f64, not {float}"),
        };
        println!("{} chainrule {threads} threads {rate:.0} samples/s", work.name);
    }
}
