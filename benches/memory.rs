//! The memory of training: the maximum of allocated bytes, and a formula for it. It counts from the creation of the
//! network (the data exist already) to the end of a [`Trainer::fit`] with momentum and validation.
//!
//! ```text
//! cargo bench --bench memory
//! cargo bench --bench memory -- --only W3 --threads 2
//! ```
//!
//! A counting allocator covers all threads. The formula leaves out small things: the vectors of layers, about 2 kB, and
//! the queues of rayon, about 10 kB per thread.
//!
//! The last column is the growth of resident memory according to Linux; for this, every row runs in its own process. It
//! includes code that runs for the first time, and freed memory that the system's allocator keeps. With glibc,
//! `MALLOC_MMAP_THRESHOLD_=65536` in the environment makes it return almost all of it.

#![allow(unsafe_code)] // GlobalAlloc is an unsafe trait

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

// SAFETY: every call is passed on to the system's allocator unchanged; the counters allocate nothing.
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
        more(size); // old and new exist at the same time during the copy
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

/// The bytes of training, by purpose.
struct Formula {
    /// Weights and biases, their gradients, their velocities, and their values at the start of the epoch.
    parameters: usize,
    /// Z, A and dZ of every layer, for the rows of a batch.
    pass: usize,
    /// The inputs and targets of a batch, and the order of the rows.
    batch: usize,
    /// Temporary buffers of validation; a step allocates nothing.
    transient: usize,
    /// Every thread's buffer for copies of parts of the factors of a large product.
    rooms: usize,
}

/// Of one thread: see `kernels/packing.rs`.
const ROOM: usize = 256 * 1024 + 64;

/// The size of an `f32`.
const FLOAT: usize = size_of::<f32>();

impl Formula {
    fn new(work: &Workload, threads: usize) -> Self {
        let layers = || work.sizes.windows(2).map(|size| (size[0], size[1]));
        let parameters: usize = layers().map(|(inputs, outputs)| (inputs + 1) * outputs).sum();
        let units: usize = work.sizes[1..].iter().sum();
        // Validation takes 256 rows at a time. It keeps Z and A of a layer and of the one before, and the class of
        // every row.
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

/// The bytes in a line of /proc/self/status, if the system has it.
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
