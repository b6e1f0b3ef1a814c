//! The memory of training: the most bytes that live at once, from the making of a network, its data being there, to the
//! end of a [`Trainer::fit`] with momentum and validation, beside what a formula says.
//!
//! ```text
//! cargo bench --bench memory
//! cargo bench --bench memory -- --only W3 --threads 2
//! ```
//!
//! An allocator counts, on all threads. The formula leaves out what is small: the vectors of layers, some 2 kB, and the
//! queues of rayon, some 10 kB a thread.
//!
//! The last column is by how much the resident memory grew, as Linux tells it; for its sake every row is a process of its
//! own. It has in it the code that training is the first to run, and what the system's allocator keeps of the memory that
//! was given back: with glibc, `MALLOC_MMAP_THRESHOLD_=65536` in the environment leaves it next to none.

#![allow(unsafe_code)] // an allocator has no other form

mod common;

use chainrule::{Dataset, Sgd, Trainer};
use common::{W1, W2, W3, Workload, rng};
use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const ROWS: usize = 2000;
const VALIDATION_ROWS: usize = 500;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn more(bytes: usize) {
    PEAK.fetch_max(LIVE.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call goes on to the system's allocator as it came; the counters make no allocation of their own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        more(size); // old and new stand side by side while they are copied
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the bytes of a training are for.
struct Formula {
    /// Weights and biases, their gradients, their velocity, and as they were at the start of the epoch.
    parameters: usize,
    /// Z, A and dZ of every layer, for the rows of a batch.
    pass: usize,
    /// The inputs and targets of a batch, and the order in which the rows are taken.
    batch: usize,
    /// What comes and goes, in validation; a step takes nothing.
    transient: usize,
    /// The room of every thread for copies of parts of the factors of a large product.
    rooms: usize,
}

/// Of one thread: see `matmul/large.rs`.
const ROOM: usize = 320 * 1024;

/// The size of an `f32`.
const FLOAT: usize = size_of::<f32>();

impl Formula {
    fn new(work: &Workload, threads: usize) -> Self {
        let layers = || work.sizes.windows(2).map(|size| (size[0], size[1]));
        let parameters: usize = layers().map(|(inputs, outputs)| (inputs + 1) * outputs).sum();
        let units: usize = work.sizes[1..].iter().sum();
        // Validation goes through 256 rows at once, with Z and A of a layer and of the one before it at hand, and notes
        // the class of every row.
        let validation = layers().enumerate().map(|(l, (inputs, outputs))| {
            let before = if l == 0 { 0 } else { inputs };
            FLOAT * 256 * 2 * (before + outputs)
        });
        let validation = validation.max().unwrap_or(0) + size_of::<usize>() * VALIDATION_ROWS;
        Formula {
            parameters: FLOAT * 4 * parameters,
            pass: FLOAT * 3 * work.batch * units,
            batch: FLOAT * work.batch * (work.inputs() + work.outputs()) + size_of::<usize>() * ROWS,
            transient: validation,
            rooms: threads * ROOM,
        }
    }

    fn sum(&self) -> usize {
        self.parameters + self.pass + self.batch + self.transient + self.rooms
    }
}

/// Bytes of a line of /proc/self/status, where there is such a thing.
fn status(name: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? * 1024)
}

fn row(work: &Workload, threads: usize) {
    let [train, validation] = [ROWS, VALIDATION_ROWS].map(|rows| {
        let (x, y) = work.data::<f32>(rows, &mut rng());
        Dataset::new(x, y).unwrap()
    });
    let (resident, before) = (status("VmRSS"), LIVE.load(Relaxed));
    let mut network = work.network(&mut rng());
    PEAK.store(LIVE.load(Relaxed), Relaxed);
    let mut trainer = Trainer::new(work.loss, Sgd::new(work.rate).momentum(work.momentum))
        .epochs(5)
        .batch_size(work.batch)
        .validation(&validation)
        .threads(threads);
    trainer.fit(&mut network, &train, &mut rng()).unwrap();
    let measured = PEAK.load(Relaxed) - before;

    let formula = Formula::new(work, threads);
    let Formula { parameters, pass, batch, transient, rooms } = formula;
    print!(
        "| {work} | {threads} | {parameters} | {pass} | {batch} | {transient} | {rooms} | {} | {measured} ",
        formula.sum()
    );
    let grown = status("VmHWM").zip(resident).map_or("".into(), |(after, before)| (after - before).to_string());
    println!("| {:.4} | {grown} |", measured as f64 / formula.sum() as f64);
}

fn main() {
    let [only, threads] = common::flags(["--only", "--threads"]);
    let networks = [W1, W2, W3];
    if let (Some(name), Some(threads)) = (&only, &threads) {
        let work = networks.iter().find(|work| work.name == name).expect("--only takes W1, W2 or W3");
        return row(work, threads.parse().unwrap());
    }
    println!(
        "| network | threads | parameters ×4 | Z, A, dZ | batch, order | transient | copies | sum | measured | ratio | resident |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for work in networks.iter().filter(|work| only.as_deref().is_none_or(|only| only == work.name)) {
        for threads in threads.as_deref().map_or(vec!["1", "2"], |threads| vec![threads]) {
            let mut one = Command::new(std::env::current_exe().unwrap());
            assert!(one.args(["--only", work.name, "--threads", threads]).status().unwrap().success());
        }
    }
}
