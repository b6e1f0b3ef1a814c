//! `Threads`: the cores that a computation may use. The rest of the crate only says what may run side by side.
//!
//! Whatever the number of threads, each entry of each array is computed by the same operations in the same order, so the
//! numbers are the same to the bit.

/// A number of threads, to run something on.
///
/// A [`Trainer`](crate::Trainer) uses the machine's cores by itself; this is for the explicit pass and for predictions. What
/// runs outside of any `Threads` runs on the caller's thread alone (or, within a thread pool of rayon, on that pool). The threads sleep when they have nothing to do, and
/// end with the `Threads`. A step that is too short to gain by a second thread does not use one.
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

impl Threads {
    /// `count` threads. With 0 or 1, without the feature `rayon`, or where the system has no threads to give, everything runs
    /// on the caller's thread.
    pub fn new(count: usize) -> Self {
        #[cfg(not(feature = "rayon"))]
        let _ = count;
        Threads {
            #[cfg(feature = "rayon")]
            pool: if count > 1 { rayon::ThreadPoolBuilder::new().num_threads(count).build().ok() } else { None },
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
            return pool.install(work);
        }
        work()
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
        rayon::join(a, b);
        return;
    }
    a();
    b();
}
