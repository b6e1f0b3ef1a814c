//! What holds for any input, tried on random ones.

#[path = "../../../tests/common/mod.rs"]
mod common;
mod data;
mod doors;
#[allow(dead_code)] // these tests start no processes
#[path = "../../../tests/files/files.rs"]
mod files;
mod hostile;
