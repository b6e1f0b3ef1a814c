//! `Batch`: the rows of one batch, gathered and augmented.

use crate::data::Dataset;
use crate::kernels::in_rows;
use crate::random::{Draws, Purpose};
use crate::real::Real;
use ndarray::{Array2, ArrayView2, ArrayViewMut1, Axis};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// See [`Trainer::augment`](crate::Trainer::augment).
pub(crate) type Augment<'a, F> = Box<dyn Fn(ArrayViewMut1<'_, F>, &mut ChaCha8Rng) + Send + Sync + 'a>;

/// Buffers for the rows of one batch.
pub(crate) struct Batch<F> {
    x: Array2<F>,
    y: Array2<F>,
}

impl<F: Real> Batch<F> {
    /// For batches of up to `rows` rows.
    pub(super) fn new(rows: usize, inputs: usize, outputs: usize) -> Self {
        Batch { x: Array2::zeros((rows, inputs)), y: Array2::zeros((rows, outputs)) }
    }

    /// The given rows of the data, one below the other, each augmented. Rows that are contiguous there, such as a
    /// single one, are not copied, unless they are changed.
    pub(super) fn gather<'a>(
        &'a mut self,
        data: &'a Dataset<F>,
        rows: &[usize],
        augment: Option<(&Augment<'_, F>, Draws)>,
    ) -> (ArrayView2<'a, F>, ArrayView2<'a, F>) {
        let (inputs, targets) = (data.inputs(), data.targets());
        if augment.is_none() && rows.windows(2).all(|pair| pair[0] + 1 == pair[1]) {
            let range = rows[0]..rows[0] + rows.len();
            return (part(inputs, range.clone()), part(targets, range));
        }
        for (i, &row) in rows.iter().enumerate() {
            self.x.row_mut(i).assign(&inputs.row(row));
            self.y.row_mut(i).assign(&targets.row(row));
        }
        if let Some((augment, draws)) = augment {
            let x = self.x.view_mut().split_at(Axis(0), rows.len()).0;
            in_rows(x, &|i, row| augment(row, &mut draws.of_row(Purpose::Augmentation, rows[i])));
        }
        (part(self.x.view(), 0..rows.len()), part(self.y.view(), 0..rows.len()))
    }
}

/// Some rows of an array. (`slice` would cost a noticeable part of a step on one example.)
fn part<F>(array: ArrayView2<'_, F>, rows: Range<usize>) -> ArrayView2<'_, F> {
    array.split_at(Axis(0), rows.end).0.split_at(Axis(0), rows.start).1
}
