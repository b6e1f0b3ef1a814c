//! Clipping of gradients by their global norm.
//!
//! ```text
//! (G1)  g ← g · min(1, c / (‖g‖ + 10⁻⁶)),  with ‖g‖ = √(Σ g²) over all parameters
//! ```
//!
//! The direction stays the same; only the length is bounded (Pascanu, Mikolov & Bengio 2013, algorithm 1; the 10⁻⁶ as
//! in PyTorch).
//!
//! Derivation: chapter 12, `derivation/12-adaptive.md`.

use crate::error::Result;
use crate::kernels::{Formula, Number, each};
use crate::layer::Affine;
use crate::real::{Real, entries, entries_mut};

/// Scales all gradients by one factor, so that their norm together is at most `max_norm` (G1). Returns the norm before.
///
/// Gradients that are shorter stay unchanged. A [`Trainer`](crate::Trainer) does it with
/// [`clip_norm`](crate::Trainer::clip_norm).
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) unless `max_norm` is above 0 and finite.
///
/// ```
/// use chainrule::{Affine, clip_norm, ndarray::array};
///
/// let mut gradients = [Affine { weights: array![[3.0]], bias: array![4.0] }];
/// assert_eq!(clip_norm(&mut gradients, 1.0)?, 5.0);
/// assert!((gradients[0].bias[0] - 0.8_f64).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
pub fn clip_norm<F: Real>(gradients: &mut [Affine<F>], max_norm: f64) -> Result<f64> {
    check_max_norm(max_norm)?;
    if gradients.iter().any(|gradient| !gradient.is_row_major()) {
        gradients.iter_mut().for_each(|gradient| *gradient = gradient.clone().into_row_major());
    }
    Ok(clip(gradients, max_norm))
}

pub(crate) fn check_max_norm(max_norm: f64) -> Result<()> {
    super::check_number("norm to clip to", "a finite number above 0", max_norm, max_norm.is_finite() && max_norm > 0.0)
}

/// The same for gradients that are row-major.
pub(crate) fn clip<F: Real>(gradients: &mut [Affine<F>], max_norm: f64) -> f64 {
    let squares = gradients.iter().map(|g| sum_of_squares(entries(&g.weights)) + sum_of_squares(entries(&g.bias)));
    let norm = squares.sum::<f64>().sqrt(); // (G1) ‖g‖ = √(Σ g²)
    let factor = max_norm / (norm + 1e-6);
    if factor < 1.0 {
        for gradient in gradients {
            each(Shorten { factor }, [entries_mut(&mut gradient.weights)], []);
            each(Shorten { factor }, [entries_mut(&mut gradient.bias)], []);
        }
    }
    norm
}

/// Eight separate sums, so that no addition waits for the one before it.
fn sum_of_squares<F: Real>(numbers: &[F]) -> f64 {
    let mut sums = [0.0; 8];
    for numbers in numbers.chunks(sums.len()) {
        for (sum, x) in sums.iter_mut().zip(numbers) {
            *sum += x.f64() * x.f64();
        }
    }
    sums.iter().sum()
}

/// G1.
#[derive(Clone, Copy)]
struct Shorten {
    factor: f64,
}

impl Formula<1, 0> for Shorten {
    #[inline(always)]
    fn at<N: Number>(self, [g]: [N; 1], []: [N; 0]) -> [N; 1] {
        [g * g.constant(self.factor)] // (G1) g ← g · c / (‖g‖ + 10⁻⁶)
    }
}
