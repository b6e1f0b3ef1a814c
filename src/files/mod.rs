//! Networks and checkpoints as files (feature `safetensors`), and `Serialize` and `Deserialize` (feature `serde`).
//!
//! `safetensors.rs` reads and writes the format, `network.rs` and `checkpoint.rs` map types to it, and `names.rs` names
//! activations and losses. Without the feature, `absent.rs` tells callers that they need it. The tensors:
//!
//! | tensor | holds | shape |
//! |---|---|---|
//! | `i.weight` | Wᵀ of the layer at module i | \[outputs, inputs\] |
//! | `i.bias` | b | \[outputs\] |
//! | `trainer.velocity.i.weight`, `.bias` | V of the same layer, after the first step with momentum | as above |
//! | `trainer.cost`, `.validation_cost`, `.validation_accuracy` | the [`History`](crate::History), F64 | \[epochs\] |
//!
//! The metadata holds the rest as text: `chainrule` (the version of this table), `activations`, `number`, `checksum`;
//! in a checkpoint also `loss`, `learning_rate`, `momentum`, `weight_decay`, `schedule`, `epoch`, `epochs`,
//! `batch_size`, `shuffle`, `shuffling`. Decimal numbers have enough digits to restore the same bits.

#[cfg(not(feature = "safetensors"))]
mod absent;
#[cfg(any(feature = "safetensors", feature = "serde"))]
mod names;
#[cfg(feature = "serde")]
mod serde;

#[cfg(feature = "safetensors")]
mod checkpoint;
#[cfg(feature = "safetensors")]
mod network;
#[cfg(feature = "safetensors")]
mod safetensors;

#[cfg(feature = "safetensors")]
pub use network::NetworkLoader;
