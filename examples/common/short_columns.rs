//! An optimiser that is not in the crate: gradient descent with a bound on the columns of W.
//!
//! After a step, the weights into each unit, a column w of W, are cut to the length c where they are longer:
//!
//! ```text
//! w ← w · min(1, c / ‖w‖)
//! ```
//!
//! (Srebro and Shraibman 2005; with dropout, Hinton et al. 2012 and Srivastava et al. 2014, "max-norm".) Dropout gains
//! from a large learning rate, whose steps explore; the bound keeps the weights from growing beyond use meanwhile.

use chainrule::ndarray::Axis;
use chainrule::{Affine, Network, Optimizer, Sgd};

/// [`Sgd`], and then no column of weights longer than `longest`.
pub struct ShortColumns {
    sgd: Sgd<f32>,
    longest: f64,
}

impl ShortColumns {
    pub fn new(sgd: Sgd<f32>, longest: f64) -> ShortColumns {
        ShortColumns { sgd, longest }
    }
}

impl Optimizer<f32> for ShortColumns {
    fn update(&mut self, network: &mut Network<f32>, gradients: &[Affine<f32>]) {
        self.sgd.update(network, gradients);
        if self.longest == f64::INFINITY {
            return;
        }
        for layer in network.layers_mut() {
            let mut weights = layer.weights;
            // Row by row, as they lie in memory: a column at a time would jump.
            let mut factors = vec![0.0_f32; weights.ncols()];
            for row in weights.axis_iter(Axis(0)) {
                factors.iter_mut().zip(row).for_each(|(sum, w)| *sum += w * w);
            }
            let longest = self.longest as f32;
            factors.iter_mut().for_each(|sum| *sum = (longest / sum.sqrt()).min(1.0));
            if factors.iter().any(|factor| *factor < 1.0) {
                for mut row in weights.axis_iter_mut(Axis(0)) {
                    row.iter_mut().zip(&factors).for_each(|(w, factor)| *w *= factor);
                }
            }
        }
    }

    fn current_rate(&self) -> f64 {
        self.sgd.current_rate()
    }

    fn check(&self, network: &Network<f32>) -> chainrule::Result<()> {
        self.sgd.check(network)
    }

    fn set_epoch(&mut self, epoch: usize) {
        self.sgd.set_epoch(epoch);
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.sgd.set_learning_rate(rate);
    }

    fn end_epoch(&mut self, cost: f64) {
        self.sgd.end_epoch(cost);
    }

    fn l2(&self) -> f64 {
        self.sgd.l2()
    }

    fn reset(&mut self) {
        self.sgd.reset();
    }
}
