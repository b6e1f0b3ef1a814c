//! `Threads`: the cores that a computation may use. The rest of the crate only says what may run side by side.
//!
//! Whatever the number of threads, each entry of each array is computed by the same operations in the same order, so the
//! numbers are the same to the bit.

/// A number of threads, to run something on.
///
/// A [`Trainer`](crate::Trainer) uses the machine's cores by itself; this is for the explicit pass and for predictions. What
/// runs outside of any `Threads` runs on the caller's thread alone (or, within a thread pool of rayon, on that pool). While
/// something runs on them the threads stay awake, unless they find no work for 20 ms; else they sleep, and they end with the
/// `Threads`. A step that is too short to gain by a second thread does not use one.
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

/// Threads of a pool. Thousands take seconds to start and to end.
#[cfg(feature = "rayon")]
const MOST: usize = 256;

impl Threads {
    /// `count` threads, at most 256. With 0 or 1, without the feature `rayon`, or where the system has no threads to give,
    /// everything runs on the caller's thread.
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

    /// As many threads as the machine has cores for this process.
    pub fn available() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, |count| count.get()))
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

/// Keeps the threads of a pool awake while something runs on it.
///
/// A step of a small network takes 100 µs, part of it on one thread. The others would fall asleep in every step, and to wake
/// one takes about as long as what it could have done: on two cores of an EPYC 9004, handing half of 40 µs of work over cost
/// 1 to 2 µs where the other thread had waited less than 10 µs, and 13 to 34 µs where it had waited longer.
#[cfg(feature = "rayon")]
mod awake {
    use std::cell::Cell;
    use std::sync::{Arc, Weak};
    use std::time::{Duration, Instant};

    /// How long a thread looks out for work before it may fall asleep.
    const PATIENCE: Duration = Duration::from_millis(20);

    thread_local! {
        /// Whether the thread is within a piece of work, perhaps waiting for the other half of it. Then it must not look
        /// out for other work, or its own would wait.
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
        // More threads than cores would only take these from one another.
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

/// Into how many pieces to cut `work` units of work: no more than there are threads, none smaller than `least`.
pub(crate) fn pieces(work: usize, least: usize) -> usize {
    #[cfg(feature = "rayon")]
    if work >= 2 * least && rayon::current_thread_index().is_some() {
        return rayon::current_num_threads().min(work / least);
    }
    let _ = (work, least);
    1
}

/// Runs both, side by side if there is a thread for it.
pub(crate) fn join(a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    #[cfg(feature = "rayon")]
    if rayon::current_thread_index().is_some() {
        rayon::join(a, || awake::at_work(b));
        return;
    }
    a();
    b();
}
