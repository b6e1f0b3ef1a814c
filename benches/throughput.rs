//! Samples a second on six fixed workloads, in the form that other libraries' benches print theirs:
//!
//! ```text
//! cargo bench --bench throughput -- --only W1,W2 --threads 2 --seconds 2.5 --float f32
//! W1 chainrule 2 threads 33065 samples/s
//! ```
//!
//! A step is forward, loss, backward and update on one of several prepared batches of random numbers; each line is the
//! best of five repetitions, each a fifth of the time given.

mod common;

use chainrule::{Real, Threads};
use common::{Training, W1, W2, W3, W4, W5, Workload};
use std::hint::black_box;
use std::time::Instant;

/// Whether each is training, or predicting.
const WORKLOADS: [(Workload, bool); 7] = [
    (W1, true),
    (W2, true),
    (W3, true),
    (W4, true),
    (W5, true),
    (Workload { name: "W6a", batch: 1, ..W1 }, false),
    (Workload { name: "W6b", batch: 1000, ..W1 }, false),
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

fn run<F: Real>(work: &Workload, train: bool, threads: usize, seconds: f64) -> f64 {
    let batches = if work.inputs() > 100 { 64 } else { 1024 };
    let mut training = Training::<F>::new(work, batches);
    let threads = Threads::new(threads);
    if train {
        return threads.run(|| best(seconds, work.batch, |i| training.step(i)));
    }
    threads.run(|| {
        best(seconds, work.batch, |i| {
            black_box(training.network.predict(training.batches[i % batches].0.view()).unwrap());
        })
    })
}

fn main() {
    let [only, threads, seconds, float] = common::flags(["--only", "--threads", "--seconds", "--float"]);
    let threads = threads.map_or(2, |threads| threads.parse().unwrap());
    let seconds = common::seconds(seconds, 2.5);
    for (work, train) in WORKLOADS {
        if only.as_ref().is_some_and(|only| !only.split(',').any(|name| work.name.starts_with(name))) {
            continue;
        }
        let rate = match float.as_deref() {
            None | Some("f32") => run::<f32>(&work, train, threads, seconds),
            Some("f64") => run::<f64>(&work, train, threads, seconds),
            Some(float) => panic!("--float takes f32 or f64, not {float}"),
        };
        if seconds > 0.0 {
            println!("{} chainrule {threads} threads {rate:.0} samples/s", work.name);
        }
    }
}
