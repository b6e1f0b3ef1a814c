//! Small data sets generated from equations: classes in the plane, and functions of one variable.
//!
//! All arithmetic is in `f64` and rounded at the end, so a seed gives the same points in both number types. N
//! stands for a draw from the standard normal distribution. The number of draws does not depend on the noise.

use super::{Dataset, check_classes, one_hot};
use crate::error::{Error, Result, check_fits};
use crate::real::{Real, count};
use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::{PI, TAU};

impl<F: Real> Dataset<F> {
    /// A flower: two classes in alternate petals, `per_class` points each.
    ///
    /// For class j = 0, 1, with t₀ on a grid of `per_class` values from 3.12·j to 3.12·(j + 1):
    ///
    /// > t = t₀ + 0.2·N, r = 4 sin 4t + 0.2·N, x = (r sin t, r cos t), y = j
    ///
    /// Targets are one column of 0 and 1: first the rows of class 0, then those of class 1. (This is
    /// `load_planar_dataset` from the course Neural Networks and Deep Learning, deeplearning.ai, with other
    /// random numbers.)
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for no points.
    ///
    /// ```
    /// use chainrule::{ChaCha8Rng, Dataset, rand::SeedableRng};
    ///
    /// let flower = Dataset::<f64>::planar(200, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// assert_eq!((flower.len(), flower.num_inputs(), flower.num_outputs()), (400, 2, 1));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn planar(per_class: usize, rng: &mut (impl Rng + ?Sized)) -> Result<Self> {
        check_points("per_class", per_class, 2)?;
        let mut points = Vec::with_capacity(2 * per_class);
        let mut targets = Vec::with_capacity(2 * per_class);
        for j in [0.0, 1.0] {
            for t in grid(3.12 * j, 3.12 * (j + 1.0), per_class) {
                let t = t + 0.2 * normal(rng);
                let r = 4.0 * (4.0 * t).sin() + 0.2 * normal(rng);
                points.push([r * t.sin(), r * t.cos()]);
                targets.push([j]);
            }
        }
        Self::new(rounded(points), rounded(targets))
    }

    /// Two interleaved half circles.
    ///
    /// With θ on a grid from 0 to π, both ends included:
    ///
    /// > outer, class 0: x = (cos θ, sin θ); inner, class 1: x = (1 − cos θ, ½ − sin θ)
    ///
    /// plus `noise`·N on each coordinate. ⌊`samples`/2⌋ outer points come first, then the inner ones. Targets are
    /// one-hot, two columns. This is scikit-learn's `make_moons` with `shuffle=False`; for a random order, see
    /// [`shuffled`](Self::shuffled).
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for no samples, or a noise that is not a finite number, 0 or more.
    ///
    /// ```
    /// use chainrule::{ChaCha8Rng, Dataset, rand::SeedableRng};
    /// use ndarray::array;
    ///
    /// let moons = Dataset::<f64>::moons(4, 0.0, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// let expected = array![[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5], [2.0, 0.5]];
    /// assert!((&moons.inputs() - &expected).iter().all(|difference| difference.abs() < 1e-15));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn moons(samples: usize, noise: f64, rng: &mut (impl Rng + ?Sized)) -> Result<Self> {
        check_points("samples", samples, 2)?;
        check_noise(noise)?;
        let outer = samples / 2;
        let inner = samples - outer;
        let mut points: Vec<[f64; 2]> = grid(0.0, PI, outer).map(|theta| [theta.cos(), theta.sin()]).collect();
        points.extend(grid(0.0, PI, inner).map(|theta| [1.0 - theta.cos(), 1.0 - theta.sin() - 0.5]));
        add_noise(&mut points, noise, rng);
        Self::new(rounded(points), one_hot(&classes_of([outer, inner]), 2)?)
    }

    /// A circle within a circle: classes that no straight line separates.
    ///
    /// With θᵢ = 2πi/m for the m points of a circle:
    ///
    /// > outer, class 0: x = (cos θ, sin θ); inner, class 1: x = `factor`·(cos θ, sin θ)
    ///
    /// plus `noise`·N on each coordinate. ⌊`samples`/2⌋ outer points come first, then the inner ones. Targets are
    /// one-hot, two columns. This is scikit-learn's `make_circles` with `shuffle=False` (where `factor` is 0.8 by
    /// default).
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for no samples, a noise that is not a finite number, 0 or more, or a factor
    /// outside 0 ≤ `factor` < 1.
    ///
    /// ```
    /// use chainrule::{ChaCha8Rng, Dataset, rand::SeedableRng};
    ///
    /// let circles = Dataset::<f64>::circles(100, 0.0, 0.5, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// let radius = |row: usize| circles.inputs().row(row).iter().map(|x| x * x).sum::<f64>().sqrt();
    /// assert!((radius(0) - 1.0).abs() < 1e-15 && (radius(99) - 0.5).abs() < 1e-15);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn circles(samples: usize, noise: f64, factor: f64, rng: &mut (impl Rng + ?Sized)) -> Result<Self> {
        check_points("samples", samples, 2)?;
        check_noise(noise)?;
        if !(0.0..1.0).contains(&factor) {
            let expected = "0 or more, less than 1".into();
            return Err(Error::OutOfRange { name: "factor", expected, found: factor });
        }
        let outer = samples / 2;
        let inner = samples - outer;
        let mut points = Vec::with_capacity(samples);
        for (radius, m) in [(1.0, outer), (factor, inner)] {
            let angles = (0..m).map(|i| TAU * count(i) / count(m));
            points.extend(angles.map(|theta| [radius * theta.cos(), radius * theta.sin()]));
        }
        add_noise(&mut points, noise, rng);
        Self::new(rounded(points), one_hot(&classes_of([outer, inner]), 2)?)
    }

    /// Spiral arms around the origin, one per class, `per_class` points each.
    ///
    /// For class j of K, with r on a grid from 0 to 1, both ends included:
    ///
    /// > θ = 2πj/K + 4r + `noise`·N, x = (r sin θ, r cos θ)
    ///
    /// so `noise` is in radians. The rows are sorted by class. Targets are one-hot, K columns. (After the spirals of
    /// Stanford's CS231n, which have K = 3, noise 0.2, and arms 4 radians apart.)
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for fewer than two classes, no points, or a noise that is not a finite number,
    /// 0 or more.
    ///
    /// ```
    /// use chainrule::{ChaCha8Rng, Dataset, rand::SeedableRng};
    ///
    /// let spirals = Dataset::<f64>::spirals(3, 100, 0.2, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// assert_eq!((spirals.len(), spirals.num_outputs()), (300, 3));
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn spirals(classes: usize, per_class: usize, noise: f64, rng: &mut (impl Rng + ?Sized)) -> Result<Self> {
        check_classes(classes)?;
        check_points("per_class", per_class, classes)?;
        check_noise(noise)?;
        let mut points = Vec::with_capacity(classes * per_class);
        for j in 0..classes {
            let start = TAU * count(j) / count(classes);
            for r in grid(0.0, 1.0, per_class) {
                let theta = start + 4.0 * r + noise * normal(rng);
                points.push([r * theta.sin(), r * theta.cos()]);
            }
        }
        Self::new(rounded(points), one_hot(&classes_of(std::iter::repeat_n(per_class, classes)), classes)?)
    }

    /// Exclusive or: the rows (0, 0) → 0, (0, 1) → 1, (1, 0) → 1, (1, 1) → 0, in this order, with one target column.
    ///
    /// It is the smallest problem that needs a hidden layer (Minsky, Papert: Perceptrons, 1969).
    ///
    /// ```
    /// use chainrule::Dataset;
    ///
    /// assert_eq!(Dataset::<f64>::xor().labels(), Some(&[0, 1, 1, 0][..]));
    /// ```
    pub fn xor() -> Self {
        let (o, l) = (F::zero(), F::one());
        Self::from_checked(
            ndarray::array![[o, o], [o, l], [l, o], [l, l]], //
            ndarray::array![[o], [l], [l], [o]],
        )
    }

    /// A function of one variable on a uniform grid: x from `low` to `high`, both ends included, y = `f`(x).
    ///
    /// A single sample is at `low`. `f` receives x in `f64`, before it is rounded to `F`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for no samples, [`Error::NotFinite`] if an end of the grid or a value of `f` is not
    /// finite.
    ///
    /// ```
    /// use chainrule::Dataset;
    ///
    /// let data = Dataset::<f64>::function(|x| x.tan() / 2.0, -1.0, 1.0, 201)?;
    /// assert_eq!(data.inputs()[[200, 0]], 1.0);
    /// assert_eq!(data.targets()[[200, 0]], 1_f64.tan() / 2.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn function(f: impl Fn(f64) -> f64, low: f64, high: f64, samples: usize) -> Result<Self> {
        check_points("samples", samples, 1)?;
        let inputs: Vec<[f64; 1]> = grid(low, high, samples).map(|x| [x]).collect();
        let targets = inputs.iter().map(|&[x]| [f(x)]).collect();
        Self::new(rounded(inputs), rounded(targets))
    }

    /// A cosine scaled into the range of a sigmoid: y = (cos x + 1) / 2 on a uniform grid from `low` to `high`.
    ///
    /// # Errors
    /// Those of [`function`](Self::function).
    ///
    /// ```
    /// use chainrule::Dataset;
    ///
    /// let data = Dataset::<f64>::cosine(3, 0.0, std::f64::consts::PI)?;
    /// assert_eq!(data.targets()[[0, 0]], 1.0);
    /// assert_eq!(data.targets()[[2, 0]], 0.0);
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn cosine(samples: usize, low: f64, high: f64) -> Result<Self> {
        Self::function(|x| (x.cos() + 1.0) / 2.0, low, high, samples)
    }
}

/// numpy's `linspace`: xᵢ = low + i·(high − low)/(m − 1), with the last point exactly `high`. A single point is `low`.
fn grid(low: f64, high: f64, m: usize) -> impl Iterator<Item = f64> {
    let step = (high - low) / count(m.saturating_sub(1).max(1));
    (0..m).map(move |i| if i > 0 && i + 1 == m { high } else { low + count(i) * step })
}

fn normal(rng: &mut (impl Rng + ?Sized)) -> f64 {
    StandardNormal.sample(rng)
}

/// Adds noise row by row, in numpy's order.
fn add_noise(points: &mut [[f64; 2]], noise: f64, rng: &mut (impl Rng + ?Sized)) {
    for x in points.as_flattened_mut() {
        *x += noise * normal(rng);
    }
}

fn rounded<F: Real, const COLUMNS: usize>(rows: Vec<[f64; COLUMNS]>) -> Array2<F> {
    Array2::from(rows).mapv(F::from_f64)
}

/// The labels of rows sorted by class: sizes 2, 1 give 0, 0, 1.
fn classes_of(sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
    sizes.into_iter().enumerate().flat_map(|(class, size)| std::iter::repeat_n(class, size)).collect()
}

fn check_points(name: &'static str, points: usize, times: usize) -> Result<()> {
    if points == 0 {
        return Err(Error::OutOfRange { name, expected: "at least 1".into(), found: 0.0 });
    }
    check_fits::<[f64; 2]>(name, points, times)
}

fn check_noise(noise: f64) -> Result<()> {
    if noise.is_finite() && noise >= 0.0 {
        return Ok(());
    }
    Err(Error::OutOfRange { name: "noise", expected: "a finite number, 0 or more".into(), found: noise })
}
