//! `CrossValidation`: how well a recipe does on rows that it was not trained on, and which recipe does best.

use crate::data::{Dataset, Preprocessing, Scale, Table};
use crate::error::{Error, Number, Result};
use crate::kernels::{available_threads, run_jobs};
use crate::model::Model;
use crate::network::Network;
use crate::real::{Real, count, nearest_count, word};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt;
use std::ops::Range;

/// k-fold cross-validation: the rows are dealt to k folds, and a network is trained k times, each time on all folds but
/// one, and scored on that one.
///
/// The rows are dealt at random, and class by class where the target has classes, so that every fold has about the same
/// proportions. Everything is learnt anew for each fold: a [`Preprocessing`] from the training rows, then the network.
/// The fold that is scored takes no part in this.
///
/// Scores are those of [`Model::score`]: accuracy for classes, the root mean squared error for numbers.
///
/// The folds run side by side. All random numbers come from the seed and the number of the fold, so the scores are
/// bit-identical on any number of threads.
///
/// ```
/// use chainrule::{Activation, ChaCha8Rng, CrossValidation, Dataset, Loss, Network, Sgd, Table, Trainer};
/// use chainrule::rand::SeedableRng;
///
/// let moons = Dataset::<f64>::moons(200, 0.1, &mut ChaCha8Rng::seed_from_u64(1))?;
/// let scores = CrossValidation::new(4).seed(7).run(&Table::from_dataset(&moons), |train: &Dataset<f64>, rng| {
///     let layers = Network::builder(2).layer(8, Activation::Tanh).layer(2, Activation::Softmax);
///     let mut network = layers.build(rng)?;
///     Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9)).epochs(40).fit(&mut network, train, rng)?;
///     Ok(network)
/// })?;
/// assert_eq!((scores.measure, scores.folds.len()), ("accuracy", 4));
/// assert!(scores.mean() > 0.95);
/// println!("{scores}"); // a line per fold, then mean and deviation
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CrossValidation {
    folds: usize,
    seed: u64,
    threads: Option<usize>,
    inputs: Scale,
    targets: Scale,
}

impl CrossValidation {
    /// Cross-validation with this many folds, from 2 to the number of rows; 5 and 10 are usual.
    pub fn new(folds: usize) -> Self {
        CrossValidation { folds, seed: 0, threads: None, inputs: Scale::Standard, targets: Scale::Standard }
    }

    /// The seed of all random numbers. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many folds run side by side. It only changes the time. Default: the number of cores of this process.
    ///
    /// A [`Trainer`](crate::Trainer) of a large network uses several threads by itself; give it
    /// [`threads(1)`](crate::Trainer::threads) then.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The scaling of inputs and of targets that are numbers, as in [`Preprocessing::learn_with`]. Default:
    /// [`Scale::Standard`] for both.
    pub fn scale(mut self, inputs: Scale, targets: Scale) -> Self {
        (self.inputs, self.targets) = (inputs, targets);
        self
    }

    /// The training part and the fold to score, for each fold: for measures other than those of [`run`](Self::run).
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for fewer than two folds, or more than rows.
    ///
    /// ```
    /// use chainrule::{CrossValidation, Dataset, Table};
    ///
    /// let table = Table::from_dataset(&Dataset::<f64>::cosine(10, 0.0, 1.0)?);
    /// let sizes: Vec<_> = CrossValidation::new(3).splits(&table)?.iter().map(|(train, test)| (train.len(), test.len())).collect();
    /// assert_eq!(sizes, [(6, 4), (7, 3), (7, 3)]);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn splits(&self, table: &Table) -> Result<Vec<(Table, Table)>> {
        let fold_of = self.deal(table)?;
        Ok((0..self.folds).map(|fold| split(table, &fold_of, fold)).collect())
    }

    /// Trains and scores once per fold. `train` gets the training rows, prepared, and a separate random generator, and
    /// returns the network; it may take a part of the rows for validation.
    ///
    /// # Errors
    /// Those of [`splits`](Self::splits), of [`Preprocessing::learn_with`] and of [`Model::new`], and what `train`
    /// returns.
    pub fn run<F: Real>(
        &self,
        table: &Table,
        train: impl Fn(&Dataset<F>, &mut ChaCha8Rng) -> Result<Network<F>> + Sync,
    ) -> Result<Scores> {
        let results = self.search(table, &[""], |_, data, rng| train(data, rng))?;
        let (_, scores) = results.candidates.into_iter().next().ok_or(Error::Empty { place: "candidates" })?;
        scores
    }

    /// Cross-validates every candidate, on the same folds and with the same random numbers, and puts the best first.
    /// A candidate may be anything that `train` makes a network by: a [`Candidate`], or a type of your own.
    ///
    /// A candidate whose training [diverges](Error::Diverged) comes last.
    ///
    /// The best score of many is a little too good, because chance has chosen it too. Score the chosen one on rows that
    /// took no part in the search.
    ///
    /// # Errors
    /// Those of [`run`](Self::run), except [`Error::Diverged`]; [`Error::Empty`] without candidates.
    ///
    /// ```
    /// use chainrule::{Activation, Candidate, ChaCha8Rng, CrossValidation, Dataset, Loss, Network, Sgd, Table, Trainer};
    /// use chainrule::rand::SeedableRng;
    ///
    /// let moons = Dataset::<f64>::moons(100, 0.1, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// let candidates = Candidate::grid(&[1e-4, 0.1], &[2, 8], &[1e-4]);
    /// let results = CrossValidation::new(3).search(
    ///     &Table::from_dataset(&moons),
    ///     &candidates,
    ///     |candidate, train: &Dataset<f64>, rng| {
    ///         let layers = Network::builder(2).layer(candidate.width, Activation::Tanh);
    ///         let mut network = layers.layer(2, Activation::Softmax).build(rng)?;
    ///         let sgd = Sgd::new(candidate.rate).momentum(0.9).weight_decay(candidate.decay);
    ///         Trainer::new(Loss::CrossEntropy, sgd).epochs(30).fit(&mut network, train, rng)?;
    ///         Ok(network)
    ///     },
    /// )?;
    /// assert_eq!(results.best().rate, 0.1);
    /// println!("{results}"); // a line per candidate, the best first
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn search<F: Real, C: Clone + Sync>(
        &self,
        table: &Table,
        candidates: &[C],
        train: impl Fn(&C, &Dataset<F>, &mut ChaCha8Rng) -> Result<Network<F>> + Sync,
    ) -> Result<SearchResults<C>> {
        if candidates.is_empty() {
            return Err(Error::Empty { place: "candidates" });
        }
        let fold_of = self.deal(table)?;
        let score = |job: usize| {
            let (candidate, fold) = (&candidates[job / self.folds], job % self.folds);
            let (rows, test) = split(table, &fold_of, fold);
            let preprocessing = Preprocessing::learn_with(&rows, self.inputs, self.targets)?;
            let network = train(candidate, &preprocessing.dataset(&rows)?, &mut self.rng(fold + 1))?;
            Model::new(preprocessing, network)?.score(&test)
        };
        let threads = self.threads.unwrap_or_else(available_threads);
        let mut scores = run_jobs(threads, candidates.len() * self.folds, &score).into_iter();
        let measure = if table.classes().is_some() { ACCURACY } else { ERROR };
        let mut results = Vec::new();
        for candidate in candidates {
            let folds: Vec<Result<f64>> = scores.by_ref().take(self.folds).collect();
            let scores = match folds.into_iter().collect::<Result<Vec<f64>>>() {
                Err(error @ Error::Diverged { .. }) => Err(error),
                folds => Ok(Scores { measure, folds: folds? }),
            };
            results.push((candidate.clone(), scores));
        }
        results.sort_by(|(_, a), (_, b)| rank(a).total_cmp(&rank(b))); // stable: the first of equals
        Ok(SearchResults { candidates: results })
    }

    /// The random numbers of a fold, counted from 1; 0 deals the rows.
    fn rng(&self, stream: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(word(stream));
        rng
    }

    /// The fold of each row. Classes are dealt one after the other, so that the folds differ by one row at most, also
    /// of each class.
    fn deal(&self, table: &Table) -> Result<Vec<usize>> {
        if self.folds < 2 || self.folds > table.len() {
            let expected = format!("2 to {}, the number of rows", table.len());
            return Err(Error::OutOfRange { name: "folds", expected, found: count(self.folds) });
        }
        let mut rows: Vec<usize> = (0..table.len()).collect();
        rows.shuffle(&mut self.rng(0));
        if let Some(labels) = table.labels() {
            rows.sort_by_key(|&row| labels[row]); // stable: at random within a class
        }
        let mut fold_of = vec![0; rows.len()];
        rows.into_iter().enumerate().for_each(|(i, row)| fold_of[row] = i % self.folds);
        Ok(fold_of)
    }
}

/// The rows of all folds but one, and those of that one.
fn split(table: &Table, fold_of: &[usize], fold: usize) -> (Table, Table) {
    let (test, train): (Vec<usize>, Vec<usize>) = (0..fold_of.len()).partition(|&row| fold_of[row] == fold);
    (table.pick(&train), table.pick(&test))
}

const ACCURACY: &str = "accuracy";
const ERROR: &str = "root mean squared error";

/// The scores of a cross-validation. Prints as a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scores {
    /// `accuracy`, of which more is better, or `root mean squared error`, of which less is.
    pub measure: &'static str,
    /// The score of each fold.
    pub folds: Vec<f64>,
}

impl Scores {
    /// The mean over the folds.
    pub fn mean(&self) -> f64 {
        self.folds.iter().sum::<f64>() / count(self.folds.len())
    }

    /// The standard deviation over the folds, √(Σ (s − mean)² / (k − 1)).
    pub fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares = self.folds.iter().map(|score| (score - mean) * (score - mean));
        (squares.sum::<f64>() / count(self.folds.len().saturating_sub(1))).sqrt()
    }
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "fold  {}", self.measure)?;
        for (fold, &score) in self.folds.iter().enumerate() {
            writeln!(f, "{:>4}  {}", fold + 1, Digits(score))?;
        }
        writeln!(f, "mean  {} ± {}", Digits(self.mean()), Digits(self.deviation()))
    }
}

/// Five digits, as in a table of scores.
struct Digits(f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Digits(x) = *self;
        match x.abs() {
            0.0 => write!(f, "0"),
            size if (1e-3..1e5).contains(&size) => write!(f, "{x:.*}", if size < 10.0 { 4 } else { 1 }),
            _ => write!(f, "{x:.3e}"),
        }
    }
}

/// A hyperparameter in three digits or fewer.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = format!("{:.2e}", self.0).parse().unwrap_or(self.0);
        write!(f, "{}", Number(rounded))
    }
}

/// The candidates of a search with their scores, the best first. Prints as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResults<C> {
    candidates: Vec<(C, Result<Scores>)>,
}

impl<C> SearchResults<C> {
    /// Each candidate with its scores, or with the error of its training, which has diverged. The best comes first.
    pub fn candidates(&self) -> &[(C, Result<Scores>)] {
        &self.candidates
    }

    /// The candidate with the best mean score; the first of equals. If all diverged, the first one.
    pub fn best(&self) -> &C {
        &self.candidates[0].0
    }
}

/// Less is better.
fn rank(scores: &Result<Scores>) -> f64 {
    match scores {
        Ok(scores) if scores.measure == ACCURACY => -scores.mean(),
        Ok(scores) => scores.mean(),
        Err(_) => f64::INFINITY,
    }
}

impl<C: fmt::Display> fmt::Display for SearchResults<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.candidates.iter().map(|(candidate, _)| candidate.to_string()).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("candidate".len());
        let measure = self.candidates.iter().find_map(|(_, scores)| scores.as_ref().ok()).map_or("", |s| s.measure);
        writeln!(f, "{:width$}  {measure}", "candidate")?;
        for (name, (_, scores)) in names.iter().zip(&self.candidates) {
            match scores {
                Ok(scores) => {
                    writeln!(f, "{name:width$}  {} ± {}", Digits(scores.mean()), Digits(scores.deviation()))?;
                }
                Err(_) => writeln!(f, "{name:width$}  diverged")?,
            }
        }
        Ok(())
    }
}

/// A recipe to try: a learning rate, a width of the hidden layers, a weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The learning rate, η.
    pub rate: f64,
    /// The units of a hidden layer.
    pub width: usize,
    /// The weight decay, λ.
    pub decay: f64,
}

impl Candidate {
    /// All combinations.
    ///
    /// ```
    /// use chainrule::Candidate;
    ///
    /// let candidates = Candidate::grid(&[0.1, 0.01], &[8, 32], &[0.0, 1e-3]);
    /// assert_eq!(candidates.len(), 8);
    /// assert_eq!(candidates[1], Candidate { rate: 0.1, width: 8, decay: 1e-3 });
    /// assert_eq!(candidates[1].to_string(), "rate 0.1, width 8, decay 0.001");
    /// ```
    pub fn grid(rates: &[f64], widths: &[usize], decays: &[f64]) -> Vec<Self> {
        let mut all = Vec::new();
        for &rate in rates {
            for &width in widths {
                all.extend(decays.iter().map(|&decay| Candidate { rate, width, decay }));
            }
        }
        all
    }

    /// So many at random, with every order of magnitude equally likely: for the same effort, random points try more
    /// values of each number than a grid (Bergstra, Bengio: Random Search for Hyper-Parameter Optimization, 2012).
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a range that is empty, or that does not begin above 0.
    ///
    /// ```
    /// use chainrule::{Candidate, ChaCha8Rng, rand::SeedableRng};
    ///
    /// let candidates = Candidate::random(20, 1e-3..1.0, 4..65, 1e-6..1e-2, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// assert!(candidates.iter().all(|one| (1e-3..1.0).contains(&one.rate) && (4..65).contains(&one.width)));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn random(
        number: usize,
        rates: Range<f64>,
        widths: Range<usize>,
        decays: Range<f64>,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Vec<Self>> {
        let (first, end) = (count(widths.start), count(widths.end));
        for (name, range) in [("rates", &rates), ("widths", &(first..end)), ("decays", &decays)] {
            if !(range.start > 0.0 && range.start < range.end && range.end.is_finite()) {
                let expected =
                    format!("a range from a number above 0 up to a larger one, such as {}..1", range.end / 10.0);
                return Err(Error::OutOfRange { name, expected, found: range.start });
            }
        }
        let mut between = |range: &Range<f64>| {
            let (low, high) = (range.start.ln(), range.end.ln());
            // Rounding must not lead out of the range.
            (low + rng.random::<f64>() * (high - low)).exp().clamp(range.start, range.end.next_down())
        };
        let candidate = |_| {
            let rate = between(&rates);
            let width = nearest_count(between(&(first..end)).floor());
            Candidate { rate, width, decay: between(&decays) }
        };
        Ok((0..number).map(candidate).collect())
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Candidate { rate, width, decay } = self;
        write!(f, "rate {}, width {width}, decay {}", Short(*rate), Short(*decay))
    }
}
