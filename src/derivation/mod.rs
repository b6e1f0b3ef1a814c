//! Backpropagation derived by hand, chapter by chapter: from one neuron to the batch in matrices.
//!
#![doc = include_str!("readme.md")]

/// 1 · One neuron: why a bias, why a bend, and the chain rule on a graph. (12 minutes)
#[doc = include_str!("neuron.md")]
pub mod neuron {}

/// 2 · One layer, index by index: four questions, and the recursion. (15 minutes)
#[doc = include_str!("layer.md")]
pub mod layer {}

/// 3 · The batch, in matrices: F1 to B5, where the transpose comes from, what 1/n does. (15 minutes)
#[doc = include_str!("batch.md")]
pub mod batch {}

/// 4 · One training step in numbers, to six digits, for a pocket calculator. (15 minutes)
#[doc = include_str!("numbers.md")]
pub mod numbers {}

/// 5 · The activations and their derivatives, softmax's Jacobian among them. (15 minutes)
#[doc = include_str!("activations.md")]
pub mod activations {}

/// 6 · The costs: squared error from noise, cross-entropy from likelihood, weight decay from a prior. (15 minutes)
#[doc = include_str!("costs.md")]
pub mod costs {}

/// 7 · The canonical pairs: why all three give A − Y, and the cost from the logits. (15 minutes)
#[doc = include_str!("pairs.md")]
pub mod pairs {}

/// 8 · Descent: why small batches, why shuffled, and what momentum adds. (12 minutes)
#[doc = include_str!("descent.md")]
pub mod descent {}

/// 9 · The start: Xavier and He from the variance. (12 minutes)
#[doc = include_str!("start.md")]
pub mod start {}

/// 10 · Trouble in numbers: a dead ReLU, a saturated sigmoid, a rate that diverges. (12 minutes)
#[doc = include_str!("trouble.md")]
pub mod trouble {}

/// 11 · The last proof: the gradient check, and what it catches. (10 minutes)
#[doc = include_str!("proof.md")]
pub mod proof {}

/// 12 · Steps of their own: RMSprop, Adam and its corrections, decoupled decay, clipping. (15 minutes)
#[doc = include_str!("adaptive.md")]
pub mod adaptive {}

/// 13 · What else training adds: dropout, weights of examples, softer targets. (12 minutes)
#[doc = include_str!("regularisation.md")]
pub mod regularisation {}

/// 14 · Many machines, one step: the gradient of parts, what goes over the wire, when it pays. (12 minutes)
#[doc = include_str!("parallel.md")]
pub mod parallel {}
