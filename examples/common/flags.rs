//! The flags that every example takes.

use super::data::Set;
use lexopt::prelude::*;
use std::env;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::str::FromStr;

/// A batch of the whole training set.
pub const ALL: usize = usize::MAX;

/// The hyperparameters of a training run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    pub epochs: usize,
    pub rate: f64,
    /// Rows per step; [`ALL`] is the whole training set.
    pub batch: usize,
    pub momentum: f64,
}

/// A flag that only some examples take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extra {
    /// `--as-written`, with what it does.
    AsWritten(&'static str),
    /// `--fresh`: new points instead of the tutorial's.
    Fresh,
    /// `--data DIR`, with the data set that it names.
    Data(&'static Set),
    /// `--wide`: a wide hidden layer, with its recipe.
    Wide(Recipe),
    /// `--recipe NAME` and `--validation`, with the recipes by name.
    Named(&'static [(&'static str, Recipe)]),
}

/// What an example says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    pub name: &'static str,
    pub about: &'static str,
    pub tutorial: Recipe,
    pub better: Recipe,
    pub extras: &'static [Extra],
}

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Flags {
    pub name: &'static str,
    pub seed: u64,
    pub better: bool,
    pub as_written: bool,
    pub fresh: bool,
    pub wide: bool,
    /// The name of `--recipe`.
    pub named: Option<&'static str>,
    /// Measure on rows held out of the training set, and not on the test set.
    pub validation: bool,
    /// The recipe to run: the tutorial's or another one, with the changes of the flags.
    pub recipe: Recipe,
    pub data: Option<PathBuf>,
    pub download: bool,
    pub plots: bool,
    out: PathBuf,
}

impl Flags {
    /// Reads the command line. `--help` prints and ends the program; a wrong flag or value ends it with a message
    /// and exit code 2.
    pub fn parse(example: &Example) -> Flags {
        let flags = read(example, lexopt::Parser::from_env());
        match flags.and_then(|flags| flags.map(Flags::with_a_folder).transpose()) {
            Ok(Some(flags)) => flags,
            Ok(None) => {
                print!("{}", help(example));
                exit(0)
            }
            Err(message) => {
                eprintln!("{}: {message}", example.name);
                eprintln!("All flags: cargo run --release --example {} -- --help", example.name);
                exit(2)
            }
        }
    }

    /// Makes the folder of the pictures, and a file in it, to find out before the training whether it can.
    fn with_a_folder(self) -> Result<Flags, String> {
        if self.plots {
            let probe = self.out.join(".chainrule-probe");
            let made = fs::create_dir_all(&self.out)
                .and_then(|()| fs::write(&probe, []))
                .and_then(|()| fs::remove_file(probe));
            made.map_err(|error| format!("--out: cannot write into {}: {error}", self.out.display()))?;
        }
        Ok(self)
    }

    /// The rows of a batch for a training set of so many.
    pub fn batch(&self, rows: usize) -> Result<usize, String> {
        match self.recipe.batch {
            ALL => Ok(rows),
            batch if batch <= rows => Ok(batch),
            batch => Err(format!("--batch: expected 1 to {rows}, the rows of the training set, found {batch}")),
        }
    }

    /// The path of the picture `name`. Other recipes' pictures go beside those of the tutorial's.
    pub fn picture(&self, name: &str) -> PathBuf {
        let named = self.named.map(|name| format!("-{name}"));
        let variant = match self {
            Flags { named: Some(_), .. } => named.as_deref().unwrap_or_default(),
            Flags { better: true, .. } => "-better",
            Flags { as_written: true, .. } => "-as-written",
            Flags { wide: true, .. } => "-wide",
            _ => "",
        };
        self.out.join(format!("{name}{variant}.png"))
    }
}

fn read(example: &Example, mut parser: lexopt::Parser) -> Result<Option<Flags>, String> {
    let (mut seed, mut better, mut as_written, mut fresh, mut plots) = (1, false, false, false, true);
    let (mut epochs, mut rate, mut batch, mut momentum) = (None, None, None, None);
    let (mut data, mut download, mut out, mut wide) = (None, false, None, None);
    let (mut named, mut validation) = (None, false);
    let set = example.extras.iter().find_map(|extra| if let Extra::Data(set) = extra { Some(*set) } else { None });
    let wide_recipe =
        example.extras.iter().find_map(|extra| if let Extra::Wide(recipe) = extra { Some(*recipe) } else { None });
    let recipes =
        example.extras.iter().find_map(|extra| if let Extra::Named(recipes) = extra { Some(*recipes) } else { None });
    let takes_as_written = example.extras.iter().any(|extra| matches!(extra, Extra::AsWritten(_)));

    while let Some(flag) = parser.next().map_err(|error| error.to_string())? {
        match flag {
            Long("help") | Short('h') => return Ok(None),
            Long("seed") => seed = value(&mut parser, "--seed", "a whole number from 0", |_: &u64| true)?,
            Long("epochs") => {
                epochs = Some(value(&mut parser, "--epochs", "a whole number from 1", |n: &usize| *n > 0)?);
            }
            Long("rate") => {
                rate = Some(value(&mut parser, "--rate", "a number above 0", |x: &f64| *x > 0.0 && x.is_finite())?);
            }
            Long("batch") => {
                batch = Some(value(&mut parser, "--batch", "a whole number from 1", |n: &usize| *n > 0)?);
            }
            Long("momentum") => {
                let range = "a number from 0 to below 1";
                momentum = Some(value(&mut parser, "--momentum", range, |x: &f64| (0.0..1.0).contains(x))?);
            }
            Long("better") => better = true,
            Long("as-written") if takes_as_written => as_written = true,
            Long("fresh") if example.extras.contains(&Extra::Fresh) => fresh = true,
            Long("wide") if wide_recipe.is_some() => wide = wide_recipe,
            Long("recipe") if recipes.is_some() => {
                let recipes = recipes.unwrap_or_default();
                let expected = names(recipes);
                let name = operand(&mut parser, "--recipe", &expected)?;
                let found = recipes.iter().find(|(known, _)| name == *known);
                named = Some(*found.ok_or_else(|| format!("--recipe: expected {expected}, found {name:?}"))?);
            }
            Long("validation") if recipes.is_some() => validation = true,
            Long("download") if set.is_some() => download = true,
            Long("data") if set.is_some() => data = Some(folder(&mut parser, "--data")?),
            Long("out") => out = Some(folder(&mut parser, "--out")?),
            Long("no-plots") => plots = false,
            other => return Err(other.unexpected().to_string()),
        }
        // `--better=yes` leaves a value behind.
        if let Some(value) = parser.optional_value() {
            return Err(format!("a flag without a value was given {value:?}"));
        }
    }

    for (one, other, both) in [
        ("--better", "--as-written", better && as_written),
        ("--better", "--wide", better && wide.is_some()),
        ("--better", "--recipe", better && named.is_some()),
        ("--wide", "--recipe", wide.is_some() && named.is_some()),
    ] {
        if both {
            return Err(format!("{one} and {other}: expected one of the two"));
        }
    }
    if download && data.is_some() {
        return Err("--data and --download: expected one of the two".to_string());
    }
    if validation && named.is_none() {
        return Err(format!(
            "--validation: expected --recipe with it, which is {}",
            names(recipes.unwrap_or_default())
        ));
    }
    let default = if better { example.better } else { example.tutorial };
    let recipe = named.map(|(_, recipe)| recipe).or(wide).unwrap_or(default);
    let recipe = Recipe {
        epochs: epochs.unwrap_or(recipe.epochs),
        rate: rate.unwrap_or(recipe.rate),
        batch: batch.unwrap_or(recipe.batch),
        momentum: momentum.unwrap_or(recipe.momentum),
    };
    if let (Some(set), false) = (set, download) {
        data = data.or_else(|| set.variable());
    }
    let out = out.unwrap_or_else(|| pictures(example.name));
    let (name, wide, named) = (example.name, wide.is_some(), named.map(|(name, _)| name));
    Ok(Some(Flags {
        name,
        seed,
        better,
        as_written,
        fresh,
        wide,
        named,
        validation,
        recipe,
        data,
        download,
        plots,
        out,
    }))
}

/// The names of recipes, as a message lists them.
fn names(recipes: &[(&str, Recipe)]) -> String {
    recipes.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ")
}

/// The default folder of the pictures: in cargo's target folder, beside what it has built.
fn pictures(name: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()).unwrap_or_else(|| "target".into());
    Path::new(&target).join("chainrule").join(name)
}

/// The value of a flag, or an error with what was expected and what was found.
fn value<T: FromStr>(
    parser: &mut lexopt::Parser,
    flag: &str,
    expected: &str,
    holds: impl Fn(&T) -> bool,
) -> Result<T, String> {
    let found = operand(parser, flag, expected)?;
    match found.to_str().and_then(|text| text.parse().ok()).filter(holds) {
        Some(value) => Ok(value),
        None => Err(format!("{flag}: expected {expected}, found {found:?}")),
    }
}

fn folder(parser: &mut lexopt::Parser, flag: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(operand(parser, flag, "a folder")?))
}

fn operand(parser: &mut lexopt::Parser, flag: &str, expected: &str) -> Result<OsString, String> {
    parser.value().map_err(|_| format!("{flag}: expected {expected}, found nothing"))
}

fn help(example: &Example) -> String {
    let Example { name, about, tutorial, better, extras } = example;
    let rows = |n: usize| if n == ALL { "all".to_string() } else { n.to_string() };
    let defaults = |tutorial: String, better: String| match tutorial == better {
        true => format!("({tutorial})"),
        false => format!("({tutorial}; with --better {better})"),
    };
    let mut lines = vec![
        ("--seed N".to_string(), "start of every random choice (1)".to_string()),
        (
            "--epochs N".to_string(),
            format!(
                "passes over the training set {}",
                defaults(tutorial.epochs.to_string(), better.epochs.to_string())
            ),
        ),
        (
            "--rate X".to_string(),
            format!("learning rate {}", defaults(tutorial.rate.to_string(), better.rate.to_string())),
        ),
        ("--batch N".to_string(), format!("rows a step {}", defaults(rows(tutorial.batch), rows(better.batch)))),
        (
            "--momentum X".to_string(),
            format!(
                "part of the last step kept {}",
                defaults(tutorial.momentum.to_string(), better.momentum.to_string())
            ),
        ),
        ("--better".to_string(), "a better recipe than the tutorial's".to_string()),
    ];
    for extra in *extras {
        match extra {
            Extra::AsWritten(what) => lines.push(("--as-written".to_string(), what.to_string())),
            Extra::Fresh => {
                let what = "draw new points from the seed, in place of the tutorial's";
                lines.push(("--fresh".to_string(), what.to_string()));
            }
            Extra::Wide(Recipe { epochs, rate, batch, .. }) => {
                let what = format!("a wide hidden layer ({epochs} epochs, rate {rate}, batches of {batch})");
                lines.push(("--wide".to_string(), what));
            }
            Extra::Named(recipes) => {
                let what = format!("for the least error: {}", names(recipes));
                lines.push(("--recipe NAME".to_string(), what));
                let what = "with --recipe: hold out the last 10,000 training rows, leave the test set alone";
                lines.push(("--validation".to_string(), what.to_string()));
            }
            Extra::Data(set) => {
                lines.push(("--data DIR".to_string(), format!("folder of the data (${})", set.variable)));
                lines.push(("--download".to_string(), set.download.to_string()));
            }
        }
    }
    lines.push(("--out DIR".to_string(), format!("folder for the pictures ({})", pictures(name).display())));
    lines.push(("--no-plots".to_string(), "train and print, draw nothing".to_string()));
    lines.push(("--help".to_string(), "this text".to_string()));

    let mut text = format!("{name}: {about}\n\ncargo run --release --example {name} -- [FLAGS]\n\n");
    for (flag, what) in lines {
        writeln!(text, "  {flag:<14} {what}").expect("a String takes every text");
    }
    text
}
