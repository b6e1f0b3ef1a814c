//! `Threads`: the cores that a computation may use; and `share`, which splits work between them.
//!
//! Every entry of every array is computed by the same operations in the same order on any number of threads, so the
//! numbers are bit-identical.

use crate::real::Real;
use ndarray::{ArrayViewMut2, Axis};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of threads, to run something on.
///
/// A [`Trainer`](crate::Trainer) uses the machine's cores by itself; this is for the explicit pass and for predictions.
/// Outside of any `Threads` everything runs on the caller's thread (or, within a thread pool of rayon, on that pool).
/// While something runs, the threads stay awake until they find no work for 20 ms; then they sleep. Dropping `Threads`
/// stops them. A step too short to gain from a second thread does not use one.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, Network, Threads, ndarray::Array2, rand::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let network = Network::<f32>::builder(784)
///     .layer(100, Activation::Relu)
///     .layer(10, Activation::Softmax)
///     .build(&mut rng)?;
/// let x = Array2::ones((1000, 784));
///
/// let together = Threads::new(2).run(|| network.predict(x.view()))?;
/// assert_eq!(together, network.predict(x.view())?);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Debug)]
pub struct Threads {
    #[cfg(feature = "rayon")]
    pool: Option<rayon::ThreadPool>,
}

/// Maximum number of threads of a pool: thousands take seconds to start and stop.
#[cfg(feature = "rayon")]
const MOST: usize = 256;

impl Threads {
    /// `count` threads, at most 256. With 0 or 1, without the feature `rayon`, or where the system has no threads to
    /// give, everything runs on the caller's thread.
    pub fn new(count: usize) -> Self {
        #[cfg(not(feature = "rayon"))]
        let _ = count;
        Threads {
            #[cfg(feature = "rayon")]
            pool: if count > 1 {
                rayon::ThreadPoolBuilder::new().num_threads(count.min(MOST)).build().ok()
            } else {
                None
            },
        }
    }

    /// One thread per core available to this process.
    pub fn available() -> Self {
        Self::new(available_threads())
    }

    /// Runs `work`, which may spread over the threads, and returns what it returns.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        #[cfg(feature = "rayon")]
        if let Some(pool) = &self.pool {
            return pool.install(|| awake::while_running(work));
        }
        work()
    }
}

/// Keeps the threads of a pool awake while something runs on it. In a short step they would fall asleep, and waking a
/// thread costs what it saves.
#[cfg(feature = "rayon")]
mod awake {
    use std::cell::Cell;
    use std::sync::{Arc, Weak};
    use std::time::{Duration, Instant};

    /// How long a thread looks for work before it may fall asleep.
    const PATIENCE: Duration = Duration::from_millis(20);

    thread_local! {
        /// Whether the thread is at work, which includes waiting for the other half of its work. It must not take other
        /// work then, which would delay its own.
        static AT_WORK: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn at_work<R>(work: impl FnOnce() -> R) -> R {
        let before = AT_WORK.replace(true);
        let result = work();
        AT_WORK.set(before);
        result
    }

    pub(super) fn while_running<R>(work: impl FnOnce() -> R) -> R {
        let running = Arc::new(());
        // With more threads than cores, threads that stay awake only take cores from those at work.
        if std::thread::available_parallelism().is_ok_and(|cores| rayon::current_num_threads() <= cores.get()) {
            let running = Arc::downgrade(&running);
            rayon::spawn_broadcast(move |_| look_out(&running));
        }
        let result = at_work(work);
        drop(running);
        result
    }

    fn look_out(running: &Weak<()>) {
        let mut last = Instant::now();
        while !AT_WORK.get() && running.strong_count() > 0 && last.elapsed() < PATIENCE {
            match rayon::yield_now() {
                Some(rayon::Yield::Executed) => last = Instant::now(),
                _ => std::thread::yield_now(),
            }
        }
    }
}

/// The number of cores of this process.
pub(crate) fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get())
}

/// The results of the jobs 0, 1, … in their order. Each of `threads` threads takes the next job when it has finished
/// one; if the system refuses a thread, the others do its jobs. A job that panics makes the caller panic.
///
/// These are plain threads: in a pool, a job that waits for its products could be made to run another job first.
pub(crate) fn run_jobs<T: Send>(threads: usize, jobs: usize, job: &(impl Fn(usize) -> T + Sync)) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= jobs {
                return done;
            }
            done.push((number, job(number)));
        }
    };
    let mut results = std::thread::scope(|scope| {
        let others = (1..threads.min(jobs)).map_while(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok());
        let others: Vec<_> = others.collect();
        let mut results = work();
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_unstable_by_key(|&(number, _)| number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The number of threads for `work` units of work: at most those of the pool, and at least `least` units for each.
pub(super) fn pieces(work: usize, least: usize) -> usize {
    #[cfg(feature = "rayon")]
    if work >= 2 * least && rayon::current_thread_index().is_some() {
        return rayon::current_num_threads().min(work / least);
    }
    let _ = (work, least);
    1
}

/// Runs `work` side by side on `parts` parts of some arrays of one shape, and passes it the index where its part
/// begins. `along` is the axis of the cuts, and a length: cuts are multiples of it, and no part is shorter.
pub(super) fn share<F: Real, const N: usize>(
    arrays: [ArrayViewMut2<'_, F>; N],
    along: (Axis, usize),
    parts: usize,
    work: &(impl Fn(usize, [ArrayViewMut2<'_, F>; N]) + Sync),
) {
    share_from(0, arrays, along, parts, work);
}

fn share_from<F: Real, const N: usize>(
    first: usize,
    arrays: [ArrayViewMut2<'_, F>; N],
    along: (Axis, usize),
    parts: usize,
    work: &(impl Fn(usize, [ArrayViewMut2<'_, F>; N]) + Sync),
) {
    let ((axis, multiple), half) = (along, parts / 2);
    let len = arrays[0].len_of(axis);
    let cut = (len * half / parts.max(1)).next_multiple_of(multiple);
    if cut == 0 || cut + multiple > len {
        return work(first, arrays);
    }
    let (mut i, mut rest) = (0, [const { None }; N]);
    let these = arrays.map(|array| {
        let (this, other) = array.split_at(axis, cut);
        rest[i] = Some(other);
        i += 1;
        this
    });
    let rest = rest.map(|array| array.expect("the rest of each array"));
    join(|| share_from(first, these, along, half, work), || share_from(first + cut, rest, along, parts - half, work));
}

/// Slices as matrices of one row.
#[inline(always)]
pub(super) fn rows_of<F, const N: usize>(slices: [&mut [F]; N]) -> [ArrayViewMut2<'_, F>; N] {
    slices.map(|slice| ArrayViewMut2::from_shape((1, slice.len()), slice).expect("a row of all entries"))
}

/// Whole rows as a slice.
#[inline(always)]
pub(super) fn slice<F>(rows: ArrayViewMut2<'_, F>) -> &mut [F] {
    rows.into_slice().expect("rows follow one another")
}

/// Runs both, side by side if there is a thread for it.
pub(super) fn join(a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    #[cfg(feature = "rayon")]
    if rayon::current_thread_index().is_some() {
        rayon::join(a, || awake::at_work(b));
        return;
    }
    a();
    b();
}
