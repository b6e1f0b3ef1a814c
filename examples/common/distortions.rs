//! Small random distortions of digits: a new training set in every epoch.
//!
//! A digit stays the same digit when it is turned a little, slanted, stretched, moved, or written by a less steady hand.
//! A plain network does not know this, because it sees 784 numbers in no order. Distorted copies teach it.
//!
//! # The map
//!
//! Each pixel p = (x, y) of the new picture takes its ink from a place p′ of the old one, relative to the middle c:
//!
//! ```text
//! p′ = p + (A − I)(p − c) + t + α u(p)
//! ```
//!
//! A is an affine map. It stretches x and y by two factors from [1 − γ, 1 + γ], and either rotates by an angle β or
//! slants by it (x moves by y tan β); a coin decides which. t is a shift. Written with A − I, the map is exactly the
//! identity where all strengths are zero. p′ falls between four pixels, whose ink it takes in proportion to how near
//! they are:
//!
//! ```text
//! ink = (1 − v) ((1 − u) a + u b) + v ((1 − u) c + u d)
//! ```
//!
//! This is a mean, so ink stays between 0 and 1. Outside of the picture is paper.
//!
//! # The elastic field
//!
//! Simard, Steinkraus and Platt (2003) draw two numbers per pixel from U[−1, 1), one for each direction, and smooth
//! both fields by a Gaussian of standard deviation σ, so that neighbours move together:
//!
//! ```text
//! u(p) = Σ_q g(x − x_q) g(y − y_q) n_q,   g(d) = e^(−d²/2σ²) / (σ √2π)
//! ```
//!
//! The noise n_q has variance 1/3, so α u has the standard deviation α / √(12π σ²): 1.1 pixels for α = 36, σ = 5.5.
//! Smoothing removes all detail finer than σ, and so most of that noise is drawn in vain. Here q runs over a grid with
//! a step of s = 4 pixels, which begins 12 pixels outside of the picture. There are 1/s² as many terms, so n_q is drawn
//! from U[−s, s) to keep the variance. Against noise per pixel, the covariance of u changes by a share of about
//! 4 e^(−π²σ²/s²), which is less than 0.001 for σ ≥ 4. (Noise beyond the 12 pixels is left out: the border moves a
//! little less.)
//!
//! The Gaussian is a product of one in x and one in y. With B[x, k] = g(x − x_k), the whole field is B N Bᵀ: two small
//! products of matrices, 16,000 multiplications instead of 154,000. Nothing is allocated per picture.
//!
//! # Strengths
//!
//! Cireşan, Meier, Gambardella and Schmidhuber (2010): β up to 15°, but 7.5° for 1 and 7, which turned further
//! resemble one another; γ from 15 to 20 %; σ from 5 to 6, α from 36 to 38. A function on rows of inputs does not know
//! the label, so one range has to be safe for all digits.

use chainrule::ndarray::ArrayViewMut1;
use chainrule::rand::Rng;

/// Pixels in a row, and rows.
const SIDE: usize = 28;
/// The step of the grid of noise, in pixels.
const STEP: usize = 4;
/// The grid begins so many pixels outside of the picture, and ends as many behind it.
const MARGIN: usize = 12;
const NODES: usize = (SIDE + 2 * MARGIN) / STEP + 1;
/// The picture with one pixel of paper around it.
const PADDED: usize = SIDE + 2;

/// How strongly to distort.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// The largest angle of rotation or slant, in degrees.
    pub angle: f64,
    /// γ: the largest change of width and height, as a share.
    pub scale: f64,
    /// The largest shift, in pixels.
    pub shift: f64,
    /// α: the strength of the elastic field.
    pub alpha: f64,
    /// σ: over how many pixels the elastic field is smooth, from 4 on.
    pub sigma: f64,
}

/// Distorts pictures of 28 by 28 pixels.
pub struct Distortion {
    strength: Strength,
    /// B, without the factor s.
    gaussian: [[f32; SIDE]; NODES],
}

impl Distortion {
    pub fn new(strength: Strength) -> Distortion {
        let scale = 1.0 / (strength.sigma * (2.0 * std::f64::consts::PI).sqrt());
        let g = |d: f64| (scale * (-d * d / (2.0 * strength.sigma * strength.sigma)).exp()) as f32;
        let mut gaussian = [[0.0; SIDE]; NODES];
        for (k, row) in gaussian.iter_mut().enumerate() {
            for (x, entry) in row.iter_mut().enumerate() {
                *entry = g((x + MARGIN) as f64 - (k * STEP) as f64);
            }
        }
        Distortion { strength, gaussian }
    }

    /// Distorts one picture in place, by draws from `rng` alone.
    pub fn apply(&self, mut picture: ArrayViewMut1<'_, f32>, rng: &mut impl Rng) {
        let Strength { angle, scale, shift, alpha, .. } = self.strength;
        let mut within = |limit: f64| limit * rng.random_range(-1.0..1.0);
        let (beta, wider, taller) = (within(angle).to_radians(), 1.0 + within(scale), 1.0 + within(scale));
        let (right, down) = (within(shift) as f32, within(shift) as f32);
        let (sin, cos) = if rng.random() { beta.sin_cos() } else { (0.0, 1.0) };
        let slant = if sin == 0.0 { beta.tan() } else { 0.0 };
        // A − I
        let map = [wider * cos - 1.0, slant - wider * sin, taller * sin, taller * cos - 1.0].map(|a| a as f32);
        let across = self.field(alpha, rng);
        let along = self.field(alpha, rng);

        let mut old = [[0.0_f32; PADDED]; PADDED];
        for (i, ink) in picture.iter().enumerate() {
            old[i / SIDE + 1][i % SIDE + 1] = *ink;
        }
        let middle = (SIDE - 1) as f32 / 2.0;
        for (i, ink) in picture.iter_mut().enumerate() {
            let (row, column) = (i / SIDE, i % SIDE);
            let (x, y) = (column as f32 - middle, row as f32 - middle);
            let from_x = column as f32 + (map[0] * x + map[1] * y + right + across[row][column]);
            let from_y = row as f32 + (map[2] * x + map[3] * y + down + along[row][column]);
            *ink = sample(&old, from_x, from_y);
        }
    }

    /// α B N Bᵀ, for new noise N.
    fn field(&self, alpha: f64, rng: &mut impl Rng) -> [[f32; SIDE]; SIDE] {
        let mut field = [[0.0; SIDE]; SIDE];
        if alpha == 0.0 {
            return field;
        }
        let most = alpha as f32 * STEP as f32;
        let mut rows = [[0.0_f32; SIDE]; NODES]; // N Bᵀ
        for row in &mut rows {
            for weights in &self.gaussian {
                let noise = rng.random_range(-most..most);
                for (sum, weight) in row.iter_mut().zip(weights) {
                    *sum += noise * weight;
                }
            }
        }
        for (row, weights) in rows.iter().zip(&self.gaussian) {
            for (sums, weight) in field.iter_mut().zip(weights) {
                for (sum, entry) in sums.iter_mut().zip(row) {
                    *sum += weight * entry;
                }
            }
        }
        field
    }
}

/// The ink at a place between pixels; paper outside.
fn sample(padded: &[[f32; PADDED]; PADDED], x: f32, y: f32) -> f32 {
    let within = |t: f32| (t + 1.0).clamp(0.0, (PADDED - 1) as f32);
    let (x, y) = (within(x), within(y));
    let (i, j) = ((x as usize).min(PADDED - 2), (y as usize).min(PADDED - 2));
    let (u, v) = (x - i as f32, y - j as f32);
    let (above, below) = (&padded[j], &padded[j + 1]);
    (1.0 - v) * ((1.0 - u) * above[i] + u * above[i + 1]) + v * ((1.0 - u) * below[i] + u * below[i + 1])
}
