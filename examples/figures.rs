//! The results in the README: every recipe of the other examples over many seeds, as a Markdown table of minimum,
//! median and maximum.
//!
//! It builds the examples, runs each with `--no-plots` and `--seed 1`, `2`, … on all cores, and reads the `result:`
//! lines. The last column has the results of an independent numpy implementation of the same recipes, and the
//! tutorials' headlines where they have one.

mod common;

use common::data::{CIFAR10, MNIST, Set};
use indicatif::ProgressBar;
use lexopt::prelude::*;
use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, exit};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// One recipe of one example, and the figures to read from its result line: key, name, result in numpy.
struct Recipe {
    example: &'static str,
    name: &'static str,
    flags: &'static [&'static str],
    figures: &'static [(&'static str, &'static str, &'static str)],
}

const RECIPES: &[Recipe] = &[
    Recipe {
        example: "planar",
        name: "tutorial's",
        flags: &[],
        figures: &[
            ("cost", "cost", "0.2177 / 0.2325 / 0.2519"),
            ("train_accuracy", "training accuracy", "0.905 / 0.909 / 0.9125"),
            ("test_accuracy", "accuracy on new points", ""),
        ],
    },
    Recipe {
        example: "planar",
        name: "better",
        flags: &["--better"],
        figures: &[
            ("cost", "cost", ""),
            ("train_accuracy", "training accuracy", ""),
            ("test_accuracy", "accuracy on new points", ""),
        ],
    },
    Recipe {
        example: "cos",
        name: "tutorial's",
        flags: &[],
        figures: &[("mse", "squared error", "0.00166 / 0.00242 / 0.1154")],
    },
    Recipe {
        example: "cos",
        name: "better",
        flags: &["--better"],
        figures: &[("mse", "squared error", "0.00031 / 0.00041 / 0.00061")],
    },
    Recipe {
        example: "moons",
        name: "tutorial's code (biases frozen)",
        flags: &["--as-written"],
        figures: &[
            ("mse", "squared error", "0.02404 / 0.02562 / 0.0792; tutorial 0.0243"),
            ("test_accuracy", "test accuracy", "0.928 / 0.975 / 0.9767; tutorial 0.9767"),
        ],
    },
    Recipe {
        example: "moons",
        name: "tutorial's, biases trained",
        flags: &[],
        figures: &[
            ("mse", "squared error", "0.02408 / 0.02548 / 0.02553"),
            ("test_accuracy", "test accuracy", "0.9733 / 0.975 / 0.975"),
        ],
    },
    Recipe {
        example: "moons",
        name: "better (30 epochs)",
        flags: &["--better"],
        figures: &[("test_accuracy", "test accuracy", "")],
    },
    Recipe {
        example: "mnist",
        name: "tutorial's",
        flags: &[],
        figures: &[("test_accuracy", "test accuracy", "0.9286 / 0.9335 / 0.9343; tutorial 0.932")],
    },
    Recipe {
        example: "mnist",
        name: "better",
        flags: &["--better"],
        figures: &[("test_accuracy", "test accuracy", "")],
    },
    Recipe {
        example: "cifar10",
        name: "tutorial's",
        flags: &[],
        figures: &[
            ("train_accuracy", "training accuracy", "median 0.857"),
            ("test_accuracy", "test accuracy", "0.350 / 0.380 / 0.402"),
        ],
    },
    Recipe {
        example: "cifar10",
        name: "better",
        flags: &["--better"],
        figures: &[
            ("train_accuracy", "training accuracy", "median 0.671"),
            ("test_accuracy", "test accuracy", "0.396 / 0.403 / 0.422"),
        ],
    },
];

const HELP: &str = "\
figures: every recipe over many seeds, as a table

cargo run --release --example figures -- [FLAGS]

  --seeds N      seeds 1 to N (10)
  --only NAME    one example: planar, cos, moons, mnist or cifar10
  --help         this text

mnist and cifar10 are left out unless MNIST_DIR and CIFAR10_DIR name the folders of their files.
";

fn main() -> ExitCode {
    common::run(figures)
}

fn figures() -> Result<(), Box<dyn Error>> {
    let (seeds, only) = flags().unwrap_or_else(|message| {
        eprintln!("figures: {message}\nAll flags: cargo run --release --example figures -- --help");
        exit(2)
    });
    let wanted = |recipe: &&Recipe| {
        only.as_ref().is_none_or(|only| recipe.example == only) && set(recipe.example).is_none_or(at_hand)
    };
    let recipes: Vec<&Recipe> = RECIPES.iter().filter(wanted).collect();
    for example in ["mnist", "cifar10"].into_iter().filter(|example| !set(example).is_none_or(at_hand)) {
        eprintln!("{example} is left out: no folder of its files is given");
    }
    let folder = build()?;

    // The slowest recipes stand last in the table and first in the queue, so that no core idles at the end.
    let jobs: Vec<(usize, u64)> = (0..recipes.len()).rev().flat_map(|r| (1..=seeds).map(move |s| (r, s))).collect();
    let results = Mutex::new(vec![Vec::new(); recipes.len()]);
    let next = AtomicUsize::new(0);
    let bar = ProgressBar::new(jobs.len() as u64);
    let work = || -> Result<(), String> {
        while let Some(&(recipe, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = run(&folder, recipes[recipe], seed)?;
            results.lock().expect("no thread panics while it holds the lock")[recipe].push(result);
            bar.inc(1);
        }
        Ok(())
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker returns its errors"))
    })?;
    bar.finish_and_clear();

    let results = results.into_inner()?;
    println!("| example | recipe | figure | min / median / max of {seeds} seeds | in numpy |");
    println!("|---|---|---|---|---|");
    for (recipe, results) in recipes.iter().zip(&results) {
        for (key, name, elsewhere) in recipe.figures {
            let mut values: Vec<f64> = results.iter().filter_map(|result| result.get(*key).copied()).collect();
            if values.len() != results.len() {
                return Err(format!("{}: no {key} on a result line", recipe.example).into());
            }
            values.sort_by(f64::total_cmp);
            let [low, middle, high] =
                [values[0], median(&values), values[values.len() - 1]].map(common::progress::digits);
            println!("| {} | {} | {name} | {low} / {middle} / {high} | {elsewhere} |", recipe.example, recipe.name);
            if recipe.example == "cos" {
                let below = values.iter().filter(|value| **value < 0.01).count();
                let elsewhere = if recipe.flags.is_empty() { "78 %" } else { "100 %" };
                println!("| cos | {} | seeds below 0.01 | {below} of {seeds} | {elsewhere} |", recipe.name);
            }
        }
    }
    Ok(())
}

/// The data that an example needs.
fn set(example: &str) -> Option<&'static Set> {
    match example {
        "mnist" => Some(&MNIST),
        "cifar10" => Some(&CIFAR10),
        _ => None,
    }
}

fn at_hand(set: &Set) -> bool {
    set.variable().is_some()
}

fn flags() -> Result<(u64, Option<String>), String> {
    let (mut seeds, mut only) = (10, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(flag) = parser.next().map_err(|error| error.to_string())? {
        let found = |parser: &mut lexopt::Parser, expected: &str| {
            parser.value().map_err(|_| format!("expected {expected}, found nothing"))
        };
        match flag {
            Long("help") | Short('h') => {
                print!("{HELP}");
                exit(0)
            }
            Long("seeds") => {
                let value = found(&mut parser, "a whole number from 1 after --seeds")?;
                seeds = value
                    .parse()
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or(format!("--seeds: expected a whole number from 1, found {value:?}"))?;
            }
            Long("only") => {
                let value = found(&mut parser, "an example after --only")?.to_string_lossy().into_owned();
                if !RECIPES.iter().any(|recipe| recipe.example == value) {
                    return Err(format!("--only: expected planar, cos, moons, mnist or cifar10, found {value:?}"));
                }
                only = Some(value);
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    if let Some(set) = only.as_deref().and_then(set).filter(|set| !at_hand(set)) {
        return Err(format!("--only: expected the folder of the files of {} in {}", set.name, set.variable));
    }
    Ok((seeds, only))
}

/// Builds the examples with the profile of this one, and returns their folder.
fn build() -> Result<PathBuf, Box<dyn Error>> {
    let here = std::env::current_exe()?;
    let folder = here.parent().ok_or("this program stands in no folder")?;
    let profile = folder.parent().and_then(Path::file_name).ok_or("the folder of the examples has no parent")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--quiet", "--profile"]);
    cargo.arg(if profile == "debug" { "dev".as_ref() } else { profile });
    for name in ["planar", "cos", "moons", "mnist", "cifar10"] {
        cargo.args(["--example", name]);
    }
    if !cargo.status()?.success() {
        return Err("the examples do not build".into());
    }
    Ok(folder.to_path_buf())
}

/// One run of one example: the numbers on its result line.
fn run(folder: &Path, recipe: &Recipe, seed: u64) -> Result<HashMap<String, f64>, String> {
    let mut command = Command::new(folder.join(recipe.example));
    command.args(recipe.flags).args(["--no-plots", "--seed", &seed.to_string()]);
    let output = command.output().map_err(|error| format!("{}: {error}", recipe.example))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(line) = text.lines().rev().find_map(|line| line.strip_prefix("result: ")) else {
        return Err(format!("{}: {}", recipe.example, String::from_utf8_lossy(&output.stderr)));
    };
    let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
    Ok(pairs.filter_map(|(key, value)| Some((key.to_string(), value.parse().ok()?))).collect())
}

/// The median of sorted values.
fn median(sorted: &[f64]) -> f64 {
    (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
}
