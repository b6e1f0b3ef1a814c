//! The command line, in the manner of the crate's examples.

use lexopt::prelude::*;
use std::env;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What the command line asks for.
pub struct Flags {
    pub epochs: usize,
    pub units: usize,
    pub threads: usize,
    /// Whether to compute in f64.
    pub double: bool,
    pub data: PathBuf,
    pub out: PathBuf,
    /// The settings of a new training; `None` for one that is resumed, whose checkpoint has them.
    pub fresh: Option<Fresh>,
}

pub struct Fresh {
    pub seed: u64,
    pub batch: usize,
    pub rate: f64,
    pub momentum: f64,
}

impl Flags {
    /// Reads the command line; `None` for `--help`.
    pub fn parse() -> Result<Option<Flags>, String> {
        let mut parser = lexopt::Parser::from_env();
        let (mut epochs, mut threads, mut double, mut resume) = (10, 1, false, false);
        let (mut seed, mut batch, mut rate, mut momentum, mut units) = (None, None, None, None, None);
        let (mut data, mut out) = (None, None);
        let whole = "a whole number from 1";
        while let Some(flag) = parser.next().map_err(|error| error.to_string())? {
            match flag {
                Long("help") | Short('h') => return Ok(None),
                Long("epochs") => epochs = value(&mut parser, "--epochs", whole, |n: &usize| *n > 0)?,
                Long("threads") => threads = value(&mut parser, "--threads", whole, |n: &usize| *n > 0)?,
                Long("seed") => seed = Some(value(&mut parser, "--seed", "a whole number from 0", |_: &u64| true)?),
                Long("batch") => batch = Some(value(&mut parser, "--batch", whole, |n: &usize| *n > 0)?),
                Long("units") => units = Some(value(&mut parser, "--units", whole, |n: &usize| *n > 0)?),
                Long("rate") => {
                    rate = Some(value(&mut parser, "--rate", "a number above 0", |x: &f64| *x > 0.0 && x.is_finite())?);
                }
                Long("momentum") => {
                    let range = "a number from 0 to below 1";
                    momentum = Some(value(&mut parser, "--momentum", range, |x: &f64| (0.0..1.0).contains(x))?);
                }
                Long("double") => double = true,
                Long("resume") => resume = true,
                Long("data") => data = Some(folder(&mut parser, "--data")?),
                Long("out") => out = Some(folder(&mut parser, "--out")?),
                other => return Err(other.unexpected().to_string()),
            }
            // `--double=yes` leaves a value behind.
            if let Some(value) = parser.optional_value() {
                return Err(format!("a flag without a value was given {value:?}"));
            }
        }
        if resume {
            let of_the_checkpoint = [
                ("--seed", seed.is_some()),
                ("--batch", batch.is_some()),
                ("--rate", rate.is_some()),
                ("--momentum", momentum.is_some()),
                ("--units", units.is_some()),
            ];
            if let Some((flag, _)) = of_the_checkpoint.iter().find(|(_, given)| *given) {
                return Err(format!("{flag} and --resume: the checkpoint has this setting; leave {flag} out"));
            }
        }
        let fresh = (!resume).then(|| Fresh {
            seed: seed.unwrap_or(1),
            batch: batch.unwrap_or(64),
            rate: rate.unwrap_or(0.1),
            momentum: momentum.unwrap_or(0.9),
        });
        let variable = || env::var_os("MNIST_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let data = data.or_else(variable).unwrap_or_else(|| "data/mnist".into());
        let (out, units) = (out.unwrap_or_else(results), units.unwrap_or(100));
        Ok(Some(Flags { epochs, units, threads, double, data, out, fresh }))
    }
}

/// The default folder of the checkpoint: in cargo's target folder, as those of the examples' pictures.
fn results() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()).unwrap_or_else(|| "target".into());
    Path::new(&target).join("chainrule").join("mnist-mpi")
}

/// The value of a flag, or an error with what was expected and what was found.
fn value<T: FromStr>(
    parser: &mut lexopt::Parser,
    flag: &str,
    expected: &str,
    holds: impl Fn(&T) -> bool,
) -> Result<T, String> {
    let found = parser.value().map_err(|_| format!("{flag}: expected {expected}, found nothing"))?;
    match found.to_str().and_then(|text| text.parse().ok()).filter(holds) {
        Some(value) => Ok(value),
        None => Err(format!("{flag}: expected {expected}, found {found:?}")),
    }
}

fn folder(parser: &mut lexopt::Parser, flag: &str) -> Result<PathBuf, String> {
    parser.value().map(PathBuf::from).map_err(|_| format!("{flag}: expected a folder, found nothing"))
}

pub fn help() -> String {
    format!(
        "mnist-mpi: handwritten digits on several processes, which add up their gradients

mpirun -n PROCESSES mnist-mpi [FLAGS]

  --epochs N     passes over the training set, with those before a resume (10)
  --seed N       start of every random choice (1)
  --batch N      rows a step, over all processes (64)
  --rate X       learning rate (0.1)
  --momentum X   part of the last step kept (0.9)
  --units N      hidden units, with ReLU (100)
  --threads N    threads of each process (1)
  --double       compute in f64, not f32
  --data DIR     folder of the data ($MNIST_DIR)
  --out DIR      folder of the checkpoint ({})
  --resume       go on from the checkpoint, on any number of processes
  --help         this text
",
        results().display()
    )
}
