//! `Draws`: random numbers that depend only on a seed, the epoch and the row of an example. The number of threads and
//! the batch of the row make no difference.

use crate::real::word;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are for. Each purpose has its own streams.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// The mask on the inputs of a layer.
    Mask {
        layer: usize,
    },
    Augmentation,
}

/// The random numbers of one epoch.
#[derive(Clone, Copy)]
pub(crate) struct Draws {
    pub(crate) seed: u64,
    pub(crate) epoch: usize,
    /// The number of the first row, where the data come in pieces.
    pub(crate) first: usize,
}

impl Draws {
    /// The generator of a row, with 2³² words before those of the next row begin.
    pub(crate) fn of_row(self, purpose: Purpose, row: usize) -> ChaCha8Rng {
        let purpose = match purpose {
            Purpose::Augmentation => 0,
            Purpose::Mask { layer } => 1 + word(layer),
        };
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&purpose.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(word(self.epoch));
        rng.set_word_pos(u128::from(word(self.first + row)) << 32);
        rng
    }
}
