//! What a training computes: gradients, steps, and what comes of them. One program, since each test program compiles the
//! crate's generic code anew.

#[path = "../common/mod.rs"]
mod common;

mod canonical;
mod edges;
mod gradients;
mod regularisation;
mod stopping;
mod threads;
mod trainer;
