//! Networks, models and checkpoints as files (feature `safetensors`), and `Serialize` and `Deserialize` (feature
//! `serde`).
//!
//! `safetensors.rs` reads and writes the format, `network.rs`, `model.rs` and `checkpoint.rs` map types to it, and
//! `names.rs` names activations and losses; `onnx.rs` writes ONNX. `code.rs` writes C and Rust, and needs no feature.
//! Without the feature `safetensors`, `absent.rs` tells callers that they need it. The tensors:
//!
//! | tensor | holds | shape |
//! |---|---|---|
//! | `i.weight` | Wᵀ of the layer at module i | \[outputs, inputs\] |
//! | `i.bias` | b | \[outputs\] |
//! | `trainer.velocity.i.weight`, `.bias` | V of the same layer, after the first step with momentum | as above |
//! | `trainer.squares.i…`; `trainer.m.i…`, `.v.i…` | v of RMSprop; m and v of Adam | as above |
//! | `trainer.best.i…`, `trainer.current.i…` | with early stopping, the best parameters, and those to go on with | as above |
//! | `trainer.cost`, `.accuracy`, `.validation_cost`, `.validation_accuracy` | the [`History`](crate::History), F64 | \[epochs\] |
//!
//! The metadata holds the rest as text: `chainrule` (the version of this table), `activations`, `number`, `checksum`;
//! in a checkpoint also `loss`, `optimizer` (without it: `sgd`) and its numbers, `learning_rate`, `schedule`, `epoch`,
//! `epochs`, `batch_size`, `shuffle`, `shuffling` (the seed), and where they are used `warm_up`, `plateau`,
//! `dropout_inputs`, `dropout_hidden`, `clip_norm`, `patience` and the rest of early stopping; in a model also `model`
//! (the version of its entries), `columns`, `input_shift`, `input_scale`, `targets`, and `classes` or `target_shift`,
//! `target_scale`. Decimal numbers have enough digits to restore the same bits.

#[cfg(not(feature = "safetensors"))]
mod absent;
mod code;
#[cfg(any(feature = "safetensors", feature = "serde"))]
mod names;
#[cfg(feature = "serde")]
mod serde;

#[cfg(feature = "safetensors")]
mod checkpoint;
#[cfg(feature = "safetensors")]
mod model;
#[cfg(feature = "safetensors")]
mod network;
#[cfg(feature = "safetensors")]
mod onnx;
#[cfg(feature = "safetensors")]
mod optimizers;
#[cfg(feature = "safetensors")]
mod safetensors;

#[cfg(feature = "safetensors")]
pub use network::NetworkLoader;
