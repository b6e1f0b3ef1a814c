//! The multilayer perceptron you can read. It reads like its derivation: every gradient is derived by hand, stands as
//! an equation beside the line that computes it, and is proved by a test with the equation's tag. Nothing is hidden: no
//! automatic differentiation, no global state, and all randomness comes from the generator that you pass in.
//!
//! ```
//! use chainrule::{Activation, Dataset, Loss, Network, Sgd, Trainer};
//! use chainrule::{ChaCha8Rng, rand::SeedableRng};
//!
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let (train, held_out) = Dataset::<f64>::moons(400, 0.1, &mut rng)?.split(0.7, &mut rng)?;
//! let mut network = Network::builder(2)
//!     .layer(16, Activation::Tanh)
//!     .layer(2, Activation::Softmax)
//!     .build(&mut rng)?;
//! let history = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9))
//!     .epochs(60)
//!     .validation(&held_out)
//!     .fit(&mut network, &train, &mut rng)?;
//! assert!(history.validation_accuracy[59] > 0.95);
//! # Ok::<(), chainrule::Error>(())
//! ```
//!
//! # Where to start
//!
//! - **To understand backpropagation**, open [`derivation`]: from one neuron to the batch in matrices, with a pencil,
//!   in an evening; then take the [tour of the source](#a-tour-of-the-source).
//! - **To see it run**, take the programs in the folder `examples` of the repository, or [one training step in
//!   numbers](derivation::numbers).
//! - **To see it learn**, open `docs/playground.html` of the repository in a browser: this crate trains there, and one
//!   step can be taken apart number by number.
//! - **To use it**, you need [`Dataset`], [`Network::builder`], [`Trainer`]; or, step by step (the explicit pass),
//!   [`Workspace`], [`Network::forward`], [`Network::backward`], [`Sgd::step`]. From a CSV file to a prediction: `Csv`
//!   (feature `csv`), [`Preprocessing`], [`Model`]. On [several machines](derivation::parallel):
//!   [`Trainer::begin_epoch`], and `distributed` in the repository. [`gradient_check()`] tells whether an activation or
//!   a loss of your own has the right derivative.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `rayon` (default) | several cores for large products, updates and predictions; the results stay bit-identical |
//! | `csv` | tables from CSV files |
//! | `gzip` | reading gzip-compressed IDX files, as MNIST is published |
//! | `download` | the module `download`, which fetches and verifies MNIST, Fashion-MNIST and CIFAR-10 |
//! | `safetensors` | files: `save`, `load`, `load_with`, `loader` of a [`Network`] and a [`Model`], ONNX, and checkpoints of a [`Trainer`] |
//! | `serde` | `Serialize` and `Deserialize` for networks and settings; in JSON, f64 numbers need serde_json's feature `float_roundtrip` |
//!
//! # Letters
//!
//! | letter | meaning |
//! |---|---|
//! | n, k | examples in a batch; outputs of the network. As the index of an entry, k is one of the outputs |
//! | X, Y | inputs and targets, one example per row |
//! | W, b | weights `[in, out]` and biases `[out]` of a layer |
//! | Z, A | pre-activations and activations, `[n, out]`; f the activation, f′ its derivative |
//! | A₋₁ | activations of the previous layer: the inputs of this one, `[n, in]` |
//! | L | the cost of the batch, a mean over its examples |
//! | dX | ∂L/∂X, for every X; it has the shape of X |
//! | ⊙, · | product entry by entry; product of matrices |
//! | θ, V, G | a parameter (W or b), its velocity, its gradient with weight decay |
//! | η, μ, λ | learning rate, momentum, weight decay |
//!
//! Other texts put examples into columns and write W·x + b, δ and ∇: there is a
//! [dictionary](derivation#if-you-come-from-another-text).
//!
//! # The equations
//!
//! Each tag leads to its derivation. It stands in the source at the line that computes the equation, and in the name of
//! the tests that prove it: search for `(B4)` in `src`, for `b4_` in `tests`.
//!
//! | tag | equation | computed by |
//! |---|---|---|
//! | [F1](derivation::batch#f1) | Z = A₋₁·W + 1bᵀ | [`Network::forward`] |
//! | [F2](derivation::batch#f2) | A = f(Z) | [`Network::forward`] |
//! | [B1](derivation::batch#b1) | dZ = ∂L/∂A ⊙ f′(Z) | [`Network::backward`] |
//! | [B2](derivation::batch#b2) | dA₋₁ = dZ·Wᵀ | [`Network::backward`] |
//! | [B3](derivation::batch#b3) | dZ = dA ⊙ f′(Z) | [`Network::backward`] |
//! | [B4](derivation::batch#b4) | dW = A₋₁ᵀ·dZ | [`Network::backward`] |
//! | [B5](derivation::batch#b5) | db = Σᵣ dZᵣ | [`Network::backward`] |
//! | [U1](derivation::descent#u1) | V ← μV − ηG, θ ← θ + V | [`Sgd::step`] |
//! | [U2](derivation::descent#u2) | V ← μV − ηG, θ ← θ + μV − ηG | [`Sgd::nesterov`] |
//! | [U3](derivation::adaptive#u3) | v ← ρv + (1 − ρ) dθ², θ ← θ − η dθ / (√v + ε) | [`RmsProp`] |
//! | [U4](derivation::adaptive#u4) | θ ← θ − η m̂ / (√v̂ + ε) | [`Adam`] |
//! | [U5](derivation::adaptive#u5) | W ← W − ηλW | [`Adam::weight_decay`] |
//! | [G1](derivation::adaptive#g1) | g ← g · min(1, c / (‖g‖ + 10⁻⁶)) | [`clip_norm`] |
//! | [F3](derivation::regularisation#f3) | Ã = A ⊙ M | [`Dropout`] |
//! | [B6](derivation::regularisation#b6) | dA = dÃ ⊙ M | [`Dropout`] |
//! | [R1](derivation::regularisation#r1) | L = 1/n Σᵣ wᵣ lᵣ | [`Workspace::set_weights`] |
//! | [R2](derivation::regularisation#r2) | w = n / (K n_c) | [`Dataset::balanced`] |
//! | [R3](derivation::regularisation#r3) | y ← (1 − ε) y + ε/k | [`Dataset::smooth_labels`] |
//! | [A1](derivation::activations#a1) | a = z | [`Activation::Identity`] |
//! | [D1](derivation::activations#d1) | f′(z) = 1 | [`Activation::Identity`] |
//! | [A2](derivation::activations#a2) | a = 1 / (1 + e⁻ᶻ) | [`Activation::Sigmoid`] |
//! | [D2](derivation::activations#d2) | f′(z) = a (1 − a) | [`Activation::Sigmoid`] |
//! | [A3](derivation::activations#a3) | a = tanh z | [`Activation::Tanh`] |
//! | [D3](derivation::activations#d3) | f′(z) = 1 − a² | [`Activation::Tanh`] |
//! | [A4](derivation::activations#a4) | a = max(0, z) | [`Activation::Relu`] |
//! | [D4](derivation::activations#d4) | f′(z) = 1 where z > 0, else 0 | [`Activation::Relu`] |
//! | [A5](derivation::activations#a5) | aᵢ = eᶻⁱ / Σⱼ eᶻʲ | [`Activation::Softmax`] |
//! | [D5](derivation::activations#d5) | ∂aᵢ/∂zⱼ = aᵢ (δᵢⱼ − aⱼ) | [`Activation::Softmax`] |
//! | [A6](derivation::activations#a6) | a = z where z > 0, else 0.01 z | [`Activation::LeakyRelu`] |
//! | [D6](derivation::activations#d6) | f′(z) = 1 where z > 0, else 0.01 | [`Activation::LeakyRelu`] |
//! | [A7](derivation::activations#a7) | a = z where z > 0, else eᶻ − 1 | [`Activation::Elu`] |
//! | [D7](derivation::activations#d7) | f′(z) = 1 where z > 0, else eᶻ | [`Activation::Elu`] |
//! | [A8](derivation::activations#a8) | a = ln(1 + eᶻ) | [`Activation::Softplus`] |
//! | [D8](derivation::activations#d8) | f′(z) = σ(z) | [`Activation::Softplus`] |
//! | [A9](derivation::activations#a9) | a = z σ(z) | [`Activation::Silu`] |
//! | [D9](derivation::activations#d9) | f′(z) = σ(z) (1 + z (1 − σ(z))) | [`Activation::Silu`] |
//! | [A10](derivation::activations#a10) | a = z Φ(z) | [`Activation::Gelu`] |
//! | [D10](derivation::activations#d10) | f′(z) = Φ(z) + z φ(z) | [`Activation::Gelu`] |
//! | [C1](derivation::costs#c1) | L = 1/nk Σ (a − y)² | [`Loss::MeanSquaredError`] |
//! | [E1](derivation::costs#e1) | ∂L/∂A = 2 (a − y) / nk | [`Loss::MeanSquaredError`] |
//! | [C2](derivation::costs#c2) | L = −1/nk Σ (y ln a + (1 − y) ln(1 − a)) | [`Loss::BinaryCrossEntropy`] |
//! | [E2](derivation::costs#e2) | ∂L/∂A = ((1 − y)/(1 − a) − y/a) / nk | [`Loss::BinaryCrossEntropy`] |
//! | [S2](derivation::pairs#s2) | −y ln a − (1 − y) ln(1 − a) = max(z, 0) − y z + ln(1 + e^−\|z\|) | [`Loss::BinaryCrossEntropy`] |
//! | [C3](derivation::costs#c3) | L = −1/n Σ y ln a | [`Loss::CrossEntropy`] |
//! | [E3](derivation::costs#e3) | ∂L/∂A = −y/a / n | [`Loss::CrossEntropy`] |
//! | [S3](derivation::pairs#s3) | −ln aₖ = ln Σⱼ eᶻʲ − zₖ | [`Loss::CrossEntropy`] |
//! | [C5](derivation::costs#c5) | L = 1/nk Σ h(a − y) | [`Loss::Huber`] |
//! | [E5](derivation::costs#e5) | ∂L/∂A = max(−1, min(1, a − y)) / nk | [`Loss::Huber`] |
//! | [C4](derivation::costs#c4) | (λ/2) Σ W² | [`Network::l2_penalty`] |
//! | [I1](derivation::start#i1) | w = 0 | [`Init::Zeros`] |
//! | [I2](derivation::start#i2) | w ∼ N(0, std²) | [`Init::Normal`] |
//! | [I3](derivation::start#i3) | w ∼ U[low, high) | [`Init::Uniform`] |
//! | [I4](derivation::start#i4) | w ∼ N(0, 2/(inputs + outputs)) | [`Init::XavierNormal`] |
//! | [I5](derivation::start#i5) | w ∼ U[−r, r), r = √(6/(inputs + outputs)) | [`Init::XavierUniform`] |
//! | [I6](derivation::start#i6) | w ∼ N(0, 2/inputs) | [`Init::HeNormal`] |
//! | [I7](derivation::start#i7) | w ∼ U[−r, r), r = √(6/inputs) | [`Init::HeUniform`] |
//! | [I8](derivation::start#i8) | w ∼ N(0, 1/outputs) | [`Init::FanOutNormal`] |
//! | [N1](derivation::proof#n1) | ∂L/∂θ ≈ (L(θ−2h) − 8 L(θ−h) + 8 L(θ+h) − L(θ+2h)) / 12h | [`gradient_check()`] |
//!
//! # The same bits
//!
//! - **Promised**: with the same build, seed and data, training and predictions give the same bits on every run, on any
//!   number of threads, with the feature `rayon` and without, for a contiguous batch or a view in any layout, and on
//!   every x86-64 processor with fused multiplication, AVX2 or AVX-512. The order of every sum depends on the shapes
//!   alone. Training resumed from a checkpoint gives the bits of uninterrupted training.
//! - **The same everywhere**: random draws. The generator is [`ChaCha8Rng`], not one that may change, so shuffles and
//!   splits are the same on every machine, with the same versions of the dependencies.
//! - **Not promised**: the same bits on a processor that rounds a product before adding it (an x86-64 without fused
//!   multiplication), with another compiler or system, or with another version of this crate or its dependencies; and
//!   the last bits of costs and of custom functions, which use the system's exponential and logarithm. Expect
//!   differences in the last digits, which a long training carries on. A row predicted alone may differ in its last
//!   bits from the same row in a batch.
//!
//! The environment variable `CHAINRULE_VECTORS`, set to `sse2` or `avx2`, asks for narrower vectors than the processor
//! has, to compare them.
//!
//! # A tour of the source
//!
//! A file uses only files above it, and the order of the modules in `lib.rs` is the order of reading. About an hour, if
//! the [hour of the derivation](derivation#the-chapters) is behind you.
//!
//! | file | minutes | what to look for |
//! |---|---|---|
//! | `real.rs` | 2 | the one bound, `F: Real` |
//! | `kernels/` | 3 | everything fast; read `mod.rs`, the operations and their definitions, and skip the rest |
//! | `error.rs`, `io.rs` | | skip; come back when an error meets you |
//! | `init.rs` | 4 | one line for each start |
//! | `special.rs` | | skip; ln(1 + x) and the normal tail |
//! | `activation.rs` | 8 | each f, and its f′ below |
//! | `layer.rs` | 8 | F1, and B4, B5, B2 that restate it: the heart |
//! | `metrics/` | | skip; accuracy, the confusion matrix, and the other metrics of the field |
//! | `loss.rs` | 10 | each canonical pair, and the general way to B1 |
//! | `random.rs`, `dropout.rs` | | skip for now; random numbers by row, and masks |
//! | `network.rs` | 12 | `forward_pass` and `backward_pass`, on one screen |
//! | `summary.rs` | | skip; a network as a table |
//! | `optimizer/` | 6 | the trait `Optimizer`, and U1 in `sgd.rs`; skip the rest for now |
//! | `gradient_check.rs` | 8 | N1, and what it leaves out |
//! | `data/` | | skip; data sets, scaling, tables, toy sets, readers, downloads |
//! | `train/` | 8 | `steps.rs`: a step, and an epoch of them |
//! | `model.rs`, `evaluation.rs` | | skip; from raw rows to class names, and how well |
//! | `files/` | | skip; networks, models and checkpoints as files, and as C and Rust code |
//! | `instances.rs` | | skip; what a debug build compiles once for all programs |

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod real;
mod kernels;
mod error;
mod io;
mod init;
mod special;
mod activation;
mod layer;
mod metrics;
mod loss;
mod random;
mod dropout;
mod network;
mod summary;
mod optimizer;
mod gradient_check;
mod data;
mod train;
mod model;
mod evaluation;
mod files;
#[cfg(all(debug_assertions, not(test)))]
mod instances;
pub mod derivation;

pub use activation::Activation;
#[cfg(feature = "csv")]
pub use data::Csv;
#[cfg(feature = "download")]
pub use data::download;
pub use data::{Dataset, Fill, Idx, Preprocessing, Scale, Scaling, Table, Value, one_hot};
pub use dropout::Dropout;
pub use error::{Attempt, Error, FileProblem, Result};
pub use evaluation::{Candidate, CrossValidation, Scores, SearchResults};
#[cfg(feature = "safetensors")]
pub use files::NetworkLoader;
pub use gradient_check::{GradientCheck, Parameter, gradient_check, gradient_check_with};
pub use init::Init;
pub use kernels::Threads;
pub use layer::{Affine, Layer};
pub use loss::Loss;
pub use metrics::{
    CalibrationBin, ClassScores, ClassificationReport, ConfusionMatrix, Labels, accuracy, calibration, log_loss,
    mean_absolute_error, multi_label_accuracy, r_squared, roc_auc, roc_auc_one_vs_rest, root_mean_squared_error,
    top_k_accuracy,
};
pub use model::{Classification, Model};
pub use network::{LayerMut, Network, NetworkBuilder, Workspace};
pub use optimizer::{Adam, Optimizer, RmsProp, Schedule, Sgd, clip_norm};
pub use real::Real;
pub use summary::Summary;
pub use train::{EarlyStopping, History, RangeTest, Report, Trainer};

pub use ndarray;
pub use rand;
pub use rand_chacha::ChaCha8Rng;

/// The programs of the README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
