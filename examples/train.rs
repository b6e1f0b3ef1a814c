//! A network from a CSV file, for those who do not write Rust first: trains, says how good it is, draws the training, and
//! keeps the model in one file. `--predict` reads a file of new rows, and writes a file of predictions.
//!
//! A fifth of the rows is set aside to test on, and a fifth of the others to stop early. One hidden layer of ReLU units,
//! Adam; softmax and cross-entropy for a target of words, squared error for numbers. `examples/iris.rs` shows the same in
//! a few lines.
//!
//! Ctrl-C ends the training after the present epoch, and keeps the best network so far.
//!
//! What to look at: the cost on the rows held out falls, then rises again while that on the training rows goes on
//! falling. The network that is kept is the one from the lowest point.

mod common;

use chainrule::rand::SeedableRng;
use chainrule::{
    Activation, Adam, ChaCha8Rng, ConfusionMatrix, Csv, EarlyStopping, Fill, Loss, Model, Network, Preprocessing,
    Trainer,
};
use common::pictures::{self, Scale, Series};
use common::progress::{Progress, result_line};
use lexopt::prelude::*;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

const HELP: &str = "\
train: a network from a CSV file

cargo run --release --example train -- FILE.csv --target NAME [FLAGS]
cargo run --release --example train -- --predict NEW.csv [FLAGS]

The first trains, and writes the model to DIR/model.safetensors. The second takes the model from there, and writes
DIR/predictions.csv. Both together do one after the other.

  --target NAME     the column to predict: words are classes, numbers are numbers
  --predict FILE    a CSV file of new rows, with the same columns in any order
  --without NAME    leave this column out (may be repeated)
  --words NAME      numbers in this column are names, such as postcodes or classes (may be repeated)
  --no-header       the first line is a row: the columns are named column 1, column 2 …
  --fill            missing values: the median of numbers, the word unknown
  --separator X     the sign between two fields (,); tab for a tabulator
  --decimal-comma   numbers are written 1,5
  --hidden N        units of the hidden layer (32)
  --epochs N        passes over the training rows, at most (500)
  --rate X          learning rate (0.01)
  --seed N          start of every random choice (1)
  --out DIR         folder for model, predictions and pictures (target/chainrule/train)
  --no-plots        draw nothing
  --help            this text
";

struct Flags {
    file: Option<PathBuf>,
    target: Option<String>,
    predict: Option<PathBuf>,
    csv: Csv,
    header: bool,
    fill: bool,
    separator: u8,
    decimal_comma: bool,
    hidden: usize,
    epochs: usize,
    rate: f64,
    seed: u64,
    out: PathBuf,
    plots: bool,
}

fn main() -> ExitCode {
    common::run(|| train().map_err(|error| in_flags(&error.to_string()).into()))
}

fn train() -> Result<(), Box<dyn Error>> {
    let Some(flags) = read_flags()? else {
        print!("{HELP}");
        return Ok(());
    };
    std::fs::create_dir_all(&flags.out)?;
    let path = flags.out.join("model.safetensors");
    let mut result = None;
    if let Some(file) = &flags.file {
        let target = flags.target.as_ref().ok_or("--target: expected the name of a column, found no such flag")?;
        let (model, epochs, figures) = fit(&flags, file, target)?;
        model.save(&path)?;
        println!("model: {}", path.display());
        result = Some((epochs, figures));
    }
    if let Some(file) = &flags.predict {
        if !path.exists() {
            return Err(format!(
                "{}: expected a model, found none: train one first, with FILE.csv --target",
                path.display()
            )
            .into());
        }
        let predictions = flags.out.join("predictions.csv");
        let rows = predict(&flags, &Model::load(&path)?, file, &predictions)?;
        println!("predictions: {}", predictions.display());
        result.get_or_insert((0, vec![("rows", rows as f64)]));
    }
    let (epochs, figures) = result.ok_or("expected a CSV file, or --predict with one; --help lists all flags")?;
    result_line("train", flags.seed, epochs, &figures);
    Ok(())
}

/// Whether Ctrl-C was pressed: the training ends with the epoch, and what was learnt is saved.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

const LEAST_ROWS: usize = 10;

/// More whole numbers than these are not taken for classes.
const MOST_CLASSES: usize = 10;

type Trained = (Model<f32>, usize, Vec<(&'static str, f64)>);

/// Trains a model, and says how good it is.
fn fit(flags: &Flags, file: &Path, target: &str) -> Result<Trained, Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(flags.seed);
    let mut csv = as_written(flags, flags.csv.clone()).target(target);
    if flags.fill {
        csv = csv.fill(Fill::Median).fill(Fill::Word("unknown".into()));
    }
    let table = csv.read(file)?;
    if table.len() < LEAST_ROWS {
        let (file, found) = (file.display(), table.len());
        return Err(
            format!("{file}: expected at least {LEAST_ROWS} rows to train and to test on, found {found}").into()
        );
    }
    let classes = table.classes().map(<[String]>::to_vec);
    let (others, test) =
        if classes.is_some() { table.split_stratified(0.8, &mut rng)? } else { table.split(0.8, &mut rng)? };
    let (train, held_out) =
        if classes.is_some() { others.split_stratified(0.8, &mut rng)? } else { others.split(0.8, &mut rng)? };
    let preprocessing = Preprocessing::learn(&train)?;
    let (train, held_out) = (preprocessing.dataset::<f32>(&train)?, preprocessing.dataset(&held_out)?);
    println!(
        "{} rows: {} to train, {} to stop early, {} to test",
        table.len(),
        train.len(),
        held_out.len(),
        test.len()
    );

    for column in preprocessing.columns() {
        let start = format!("{column}=");
        let words = preprocessing.feature_names().iter().filter(|feature| feature.starts_with(&start)).count();
        if words > 0 {
            println!("column {column:?}: {words} words, each an input of 0 or 1");
        }
    }
    if classes.is_none() {
        let mut numbers = table.dataset::<f64>()?.targets().iter().copied().collect::<Vec<_>>();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        if let [only] = numbers[..] {
            let file = file.display();
            return Err(
                format!("{file}: column {target:?}: expected different numbers, found {only} in every row").into()
            );
        }
        if numbers.len() <= MOST_CLASSES && numbers.iter().all(|number| number.fract() == 0.0) {
            println!(
                "column {target:?}: {} different numbers. If they stand for classes: --words {target:?}",
                numbers.len()
            );
        }
    }

    let (output, loss) = match classes {
        Some(_) => (Activation::Softmax, Loss::CrossEntropy),
        None => (Activation::Identity, Loss::MeanSquaredError),
    };
    let layers = Network::builder(train.num_inputs()).layer(flags.hidden, Activation::Relu);
    let mut network = layers.layer(train.num_outputs(), output).build(&mut rng)?;
    // The handler only notes the signal, and the epoch ends as usual; a second signal ends the program.
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    let progress = Progress::new(flags.epochs);
    let history = Trainer::new(loss, Adam::new(flags.rate))
        .epochs(flags.epochs)
        .validation(&held_out)
        .early_stopping(EarlyStopping::patience(20))
        .on_epoch(|report| {
            progress.epoch(report.epoch + 1, report.validation_cost.unwrap_or(report.cost));
            if INTERRUPTED.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .fit(&mut network, &train, &mut rng)?;
    progress.finish();
    let epochs = history.best_epoch.map_or(history.cost.len(), |best| best + 1);
    println!("best after epoch {epochs} of {}", history.cost.len());
    if INTERRUPTED.load(Ordering::Relaxed) {
        println!("interrupted: this is what was learnt so far");
    }

    let model = Model::new(preprocessing, network)?;
    let score = model.score(&test)?;
    let figure = match &classes {
        Some(classes) => {
            let found: Vec<usize> = model.classify_table(&test)?.iter().map(|found| found.label).collect();
            let labels = model.preprocessing().dataset::<f32>(&test)?.labels().ok_or("classes have labels")?.to_vec();
            let confusion = ConfusionMatrix::new(&found, &labels, classes.len())?.with_class_names(classes)?;
            println!("accuracy on the test rows: {score:.4}\n{confusion}");
            "test_accuracy"
        }
        None => {
            println!("root mean squared error on the test rows: {score:.4}");
            "test_error"
        }
    };
    if flags.plots {
        let series = [
            Series::by_epoch("training rows", &history.cost),
            Series::by_epoch("rows held out", &history.validation_cost),
        ];
        let picture = flags.out.join("cost.png");
        let title = format!("Cost of each epoch; the network of epoch {epochs} is kept");
        pictures::curves(&picture, &title, loss.name(), Scale::Linear, &series)?;
    }
    Ok((model, epochs, vec![(figure, score)]))
}

/// How both files are written.
fn as_written(flags: &Flags, csv: Csv) -> Csv {
    csv.header(flags.header).separator(flags.separator).decimal_comma(flags.decimal_comma)
}

/// Writes a prediction for each row of a file.
fn predict(flags: &Flags, model: &Model<f32>, file: &Path, out: &Path) -> Result<usize, Box<dyn Error>> {
    let table = as_written(flags, model.csv()).read(file)?;
    let targets = model.preprocessing().targets();
    let mut text = String::new();
    if let Some(classes) = model.preprocessing().classes() {
        let names = classes.iter().map(|class| quoted(&format!("probability of {class}")));
        writeln!(text, "{},{}", quoted(targets[0]), names.collect::<Vec<_>>().join(","))?;
        for found in model.classify_table(&table)? {
            let probabilities = found.probabilities.iter().map(|(_, probability)| format!("{probability:.6}"));
            writeln!(text, "{},{}", quoted(found.class), probabilities.collect::<Vec<_>>().join(","))?;
        }
    } else {
        writeln!(text, "{}", targets.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(","))?;
        for row in model.predict_table(&table)?.rows() {
            writeln!(text, "{}", row.iter().map(f32::to_string).collect::<Vec<_>>().join(","))?;
        }
    }
    std::fs::write(out, text)?;
    Ok(table.len())
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    let plain = !text.contains([',', '"', '\n', '\r']);
    if plain { text.into() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// The library's remedies are calls; here they are flags.
fn in_flags(message: &str) -> String {
    let mut message = message.to_string();
    for (call, flag) in [
        ("Csv::fill(Fill::Median)", "--fill"),
        ("Csv::fill(Fill::Word(\"unknown\".into()))", "--fill"),
        ("Csv::decimal_comma(true)", "--decimal-comma"),
        ("Csv::separator(b';')", "--separator ';'"),
        ("Csv::separator(b',')", "--separator ','"),
        ("Csv::separator(b'|')", "--separator '|'"),
        ("Csv::separator(b'\\t')", "--separator tab"),
        ("Csv::header(false)", "--no-header"),
        (", Csv::max_words allows more", ""),
        ("Csv::without([", "--without "),
        ("Csv::words([", "--words "),
        ("Csv::without", "--without"),
        ("])", ""),
        ("the optimiser's first argument", "--rate sets it"),
    ] {
        message = message.replace(call, flag);
    }
    message
}

fn read_flags() -> Result<Option<Flags>, Box<dyn Error>> {
    let mut flags = Flags {
        file: None,
        target: None,
        predict: None,
        csv: Csv::new(),
        header: true,
        fill: false,
        separator: b',',
        decimal_comma: false,
        hidden: 32,
        epochs: 500,
        rate: 0.01,
        seed: 1,
        out: "target/chainrule/train".into(),
        plots: true,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(flag) = parser.next()? {
        match flag {
            Long("help") | Short('h') => return Ok(None),
            Value(file) if flags.file.is_none() => flags.file = Some(file.into()),
            Long("target") => flags.target = Some(parser.value()?.string()?),
            Long("predict") => flags.predict = Some(parser.value()?.into()),
            Long("without") => flags.csv = flags.csv.without([parser.value()?.string()?]),
            Long("words") => flags.csv = flags.csv.words([parser.value()?.string()?]),
            Long("fill") => flags.fill = true,
            Long("separator") => {
                flags.separator = match parser.value()?.string()?.as_bytes() {
                    b"tab" => b'\t',
                    &[byte] => byte,
                    _ => return Err("--separator: expected one sign, or tab".into()),
                }
            }
            Long("decimal-comma") => flags.decimal_comma = true,
            Long("no-header") => flags.header = false,
            Long("hidden") => flags.hidden = whole("--hidden", parser.value()?)?,
            Long("epochs") => flags.epochs = whole("--epochs", parser.value()?)?,
            Long("rate") => flags.rate = number("--rate", parser.value()?)?,
            Long("seed") => flags.seed = number("--seed", parser.value()?)?,
            Long("out") => flags.out = parser.value()?.into(),
            Long("no-plots") => flags.plots = false,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(flags))
}

/// The number after a flag.
fn number<T: FromStr>(flag: &str, value: OsString) -> Result<T, Box<dyn Error>> {
    let value = value.to_string_lossy();
    value.parse().map_err(|_| format!("{flag}: expected a number, found {value:?}").into())
}

/// A number of units or epochs.
fn whole(flag: &str, value: OsString) -> Result<usize, Box<dyn Error>> {
    match number(flag, value)? {
        0 => Err(format!("{flag}: expected at least 1, found 0").into()),
        more => Ok(more),
    }
}
