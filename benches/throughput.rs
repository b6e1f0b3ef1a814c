//! Samples per second on six fixed workloads, printed in the format of the other libraries' benches:
//!
//! ```text
//! cargo bench --bench throughput -- --only W1,W2 --threads 2 --seconds 2.5 --float f32 --vectors avx2
//! W1 chainrule 2 threads 33065 samples/s
//! ```
//!
//! Training is [`Trainer::fit`](chainrule::Trainer::fit) on prepared batches of random numbers, in their order; a step
//! is forward, loss, backward and update, by `Sgd` with the workload's momentum or, with `--optimizer adam`, by `Adam`.
//! Predicting is one call per batch. Each line is the best of five repetitions.
//! A repetition takes a fifth of the given time, or one epoch if that is longer.

mod common;

use chainrule::{Adam, Dataset, Optimizer, Real, Sgd, Threads, Trainer};
use common::{W1, W2, W3, W4, W5, Workload};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::process::Command;
use std::time::Instant;

/// Each with whether it trains or predicts.
const WORKLOADS: [(Workload, bool); 7] = [
    (W1, true),
    (W2, true),
    (W3, true),
    (W4, true),
    (W5, true),
    (Workload { name: "W6a", batch: 1, ..W1 }, false),
    (Workload { name: "W6b", batch: 1000, ..W1 }, false),
];

/// Repetitions; the best one counts.
const REPETITIONS: usize = 5;

/// Samples per second in training, in `f32` or `f64`.
fn train<F: Real>(work: &Workload, adam: bool, batches: usize, threads: usize, seconds: f64) -> f64 {
    if adam {
        return train_by(Adam::<F>::new(1e-3), work, batches, threads, seconds);
    }
    train_by(Sgd::<F>::new(work.rate).momentum(work.momentum), work, batches, threads, seconds)
}

fn train_by<F: Real, O: Optimizer<F>>(
    optimizer: O,
    work: &Workload,
    batches: usize,
    threads: usize,
    seconds: f64,
) -> f64 {
    let mut rng = common::rng();
    let mut network = work.network::<F>(&mut rng);
    let (x, y) = work.data(batches * work.batch, &mut rng);
    let data = Dataset::new(x, y).unwrap();

    let (mut best, mut repetitions, mut epochs) = (0.0_f64, 0, 0);
    let mut start = None; // the first epoch warms up
    let mut trainer =
        Trainer::new(work.loss, optimizer).epochs(usize::MAX).batch_size(work.batch).shuffle(false).threads(threads);
    trainer = trainer.on_epoch(|_| {
        let Some(begin) = start else {
            start = Some(Instant::now());
            return if seconds > 0.0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        };
        epochs += 1;
        let passed = begin.elapsed().as_secs_f64();
        if passed < seconds / REPETITIONS as f64 {
            return ControlFlow::Continue(());
        }
        best = best.max((epochs * data.len()) as f64 / passed);
        (repetitions, epochs, start) = (repetitions + 1, 0, Some(Instant::now()));
        if repetitions < REPETITIONS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    trainer.fit(&mut network, &data, &mut rng).unwrap();
    drop(trainer);
    best
}

/// Samples per second in predicting.
fn predict<F: Real>(work: &Workload, batches: usize, threads: usize, seconds: f64) -> f64 {
    let mut rng = common::rng();
    let network = work.network::<F>(&mut rng);
    let batches = work.batches::<F>(batches, &mut rng);
    let predict = |i: usize| {
        black_box(network.predict(batches[i % batches.len()].0.view()).unwrap());
    };
    Threads::new(threads).run(|| {
        (0..10).for_each(predict);
        let mut i = 0;
        let mut repetition = || {
            let (start, first) = (Instant::now(), i);
            while start.elapsed().as_secs_f64() < seconds / REPETITIONS as f64 {
                (i..i + 10).for_each(predict);
                i += 10;
            }
            ((i - first) * work.batch) as f64 / start.elapsed().as_secs_f64()
        };
        (0..REPETITIONS).map(|_| repetition()).fold(0.0, f64::max)
    })
}

fn run<F: Real>(work: &Workload, training: bool, adam: bool, threads: usize, seconds: f64) -> f64 {
    match (training, work.inputs() > 100) {
        // About the same number of examples for every large network, so that no epoch is long.
        (true, true) => train::<F>(work, adam, 4096 / work.batch, threads, seconds),
        (true, false) => train::<F>(work, adam, 1024, threads, seconds),
        (false, _) => predict::<F>(work, 64, threads, seconds),
    }
}

/// Runs this program again, with narrower vectors than the processor has: sse2 or avx2.
fn with_vectors(vectors: &str) {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let place = arguments.iter().position(|argument| argument == "--vectors").unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(&arguments[..place]).args(&arguments[place + 2..]);
    let widest = ["avx512", "native"].contains(&vectors);
    assert!(widest || ["sse2", "avx2"].contains(&vectors), "--vectors takes sse2, avx2 or avx512, not {vectors}");
    if !widest {
        again.env("CHAINRULE_VECTORS", vectors);
    }
    assert!(again.status().unwrap().success());
}

fn main() {
    let [only, threads, seconds, float, vectors, optimizer] =
        common::flags(["--only", "--threads", "--seconds", "--float", "--vectors", "--optimizer"]);
    if let Some(vectors) = vectors {
        return with_vectors(&vectors);
    }
    let threads = threads.map_or(2, |threads| threads.parse().unwrap());
    let seconds = common::seconds(seconds, 2.5);
    let adam = match optimizer.as_deref() {
        None | Some("sgd") => false,
        Some("adam") => true,
        Some(optimizer) => panic!("--optimizer takes sgd or adam, not {optimizer}"),
    };
    for (work, training) in WORKLOADS {
        if only.as_ref().is_some_and(|only| !only.split(',').any(|name| work.name.starts_with(name))) {
            continue;
        }
        let rate = match float.as_deref() {
            None | Some("f32") => run::<f32>(&work, training, adam, threads, seconds),
            Some("f64") => run::<f64>(&work, training, adam, threads, seconds),
            Some(float) => panic!("--float takes f32 or f64, not {float}"),
        };
        if seconds > 0.0 {
            println!("{} chainrule {threads} threads {rate:.0} samples/s", work.name);
        }
    }
}
