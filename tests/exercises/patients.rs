//! Five copies of a backward pass, in each of which one line is wrong. Exercise 11.4 asks which one, by the report of the
//! gradient check alone: whoever wants to do it should not read on.

use crate::{Backward, Line, Pass};
use chainrule::Affine;
use chainrule::ndarray::{Array2, Axis};

/// In the order in which the exercise asks.
pub const PATIENTS: [Line; 5] = [Line::B3, Line::B5, Line::B2, Line::B4, Line::B1];

/// The gradients of [`Pass`], with a mistake in one line.
pub fn backward(pass: &Pass, wrong: Line) -> Backward {
    let Pass { weights, x, y, a } = pass;
    let n = x.nrows() as f64;
    let is_wrong = |line: Line| line == wrong;

    let mut dz: Array2<f64> = &a[2] - y;
    if !is_wrong(Line::B1) {
        dz /= n;
    }
    let mut gradients = vec![];
    for l in (0..3).rev() {
        let input = if l == 0 { x } else { &a[l - 1] };
        // The layer in the middle is square, so that its own A has the shape of its input.
        let input = if is_wrong(Line::B4) && l == 1 { &a[1] } else { input };
        let bias = if is_wrong(Line::B5) { dz.mean_axis(Axis(0)).unwrap() } else { dz.sum_axis(Axis(0)) };
        gradients.push(Affine { weights: input.t().dot(&dz), bias });
        if l > 0 {
            let square_and_wrong = is_wrong(Line::B2) && l == 1;
            let da = if square_and_wrong { dz.dot(&weights[l]) } else { dz.dot(&weights[l].t()) };
            let a = &a[l - 1];
            let slope = match l {
                2 if is_wrong(Line::B3) => a.mapv(|a| 1.0 - a * a), // tanh's, for a sigmoid
                2 => a.mapv(|a| a * (1.0 - a)),
                _ => a.mapv(|a| 1.0 - a * a),
            };
            dz = da * slope;
        }
    }
    gradients.reverse();
    gradients.try_into().unwrap()
}
