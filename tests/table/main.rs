//! From a table to a prediction: names, scaling, CSV files, preprocessing, models, cross-validation.

mod code;
mod csv;
mod evaluation;
mod misuse;
mod model;
mod names;
mod onnx;
mod preprocessing;
mod scaling;

use chainrule::{Csv, Table};
use std::path::PathBuf;

/// A file of `tests/fixtures`.
fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name].iter().collect()
}

fn iris() -> Table {
    Csv::new().target("species").read(fixture("iris.csv")).unwrap()
}

fn message<T, E: std::fmt::Display>(result: Result<T, E>) -> String {
    result.map(|_| ()).map_err(|error| error.to_string()).unwrap_err()
}
