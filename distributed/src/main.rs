//! MNIST on several processes, which may run on several machines: data-parallel training over MPI.
//!
//! Every process has the whole network, the optimiser and the data. Of each batch it takes its own rows, forward and
//! backward; the gradients of all processes are added up; and every process takes the same step. Chapter 14 of the
//! derivation says why this is training with the whole batch, and when it pays.
//!
//! `README.md` in this folder says how to install and run it. A step is `step` in `parallel.rs`, on a screen.

mod flags;
mod parallel;

use chainrule::rand::SeedableRng;
use chainrule::{Activation, ChaCha8Rng, Dataset, Error, FileProblem, Loss, Network, Real, Sgd, Threads, Trainer};
use flags::{Flags, Fresh};
use mpi::Threading;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Equivalence};
use parallel::{Everywhere, check_same, first_error, part, sum, total};
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

const LOSS: Loss = Loss::CrossEntropy;

/// Rows that are evaluated at once.
const EVALUATED_ROWS: usize = 256;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    // Only the main thread calls MPI; the threads of a forward or backward pass do not.
    let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else {
        eprintln!("error: MPI has been initialised before");
        return ExitCode::FAILURE;
    };
    let world = universe.world();

    // A panic would unwind, and wait for the others to finish.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));

    let flags = match Flags::parse() {
        Ok(Some(flags)) => flags,
        Ok(None) => {
            if world.rank() == 0 {
                print!("{}", flags::help());
            }
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            if world.rank() == 0 {
                eprintln!("mnist-mpi: {message}\nAll flags: mnist-mpi --help");
            }
            return ExitCode::from(2);
        }
    };
    let trained = if flags.double { train::<f64>(&world, &flags) } else { train::<f32>(&world, &flags) };
    if let Err(error) = trained {
        // The others may wait for this process.
        eprintln!("error: {error}");
        world.abort(1);
    }
    ExitCode::SUCCESS
}

/// The data, and what is trained on them.
struct Start<F: Real> {
    train: Dataset<F>,
    test: Dataset<F>,
    trainer: Trainer<'static, F>,
    network: Network<F>,
    rng: ChaCha8Rng,
}

fn train<F: Real + Equivalence>(world: &SimpleCommunicator, flags: &Flags) -> Result<(), Failure> {
    let tell = |line: String| {
        if world.rank() == 0 {
            println!("{line}");
        }
    };
    let checkpoint = flags.out.join("checkpoint.safetensors");

    // The same seed or the same file: all start from the same network, in the same order.
    let started = first_error(world, start::<F>(flags, &checkpoint))?;
    let Start { train, test, mut trainer, mut network, mut rng } = started;
    check_same(world, &network)?;
    let done = trainer.history().cost.len();
    if done >= flags.epochs {
        let text = format!("--epochs: expected more than {done}, which the checkpoint has, found {}", flags.epochs);
        first_error(world, Err::<(), _>(text.into()))?;
    }
    match done {
        0 => tell(format!("checkpoint after every epoch: {} (--resume goes on from it)", checkpoint.display())),
        _ => tell(format!("resumed after epoch {done}: {}", checkpoint.display())),
    }

    let threads = Threads::new(flags.threads);
    let mut test_accuracy = 0.0;
    for epoch in done + 1..=flags.epochs {
        let begin = Instant::now();
        let batches = trainer.begin_epoch(&mut network, &train, &mut rng);
        let batches = first_error(world, batches.map_err(Failure::from))?;
        let mut everywhere = Everywhere::new(world, &network, batches[0].len());
        let mut own = 0.0; // Σ of the costs of this process's rows
        for rows in &batches {
            own += everywhere.step(&mut network, &train, rows, trainer.optimizer_mut(), &threads)?;
        }
        let cost = total(world, own) / train.len() as f64;
        let seconds = begin.elapsed().as_secs_f64();
        first_error(world, trainer.end_epoch(&network, cost).map_err(Failure::from))?;
        check_same(world, &network)?;

        let saved = if world.rank() == 0 { trainer.save_checkpoint(&network, &checkpoint) } else { Ok(()) };
        first_error(world, saved.map_err(Failure::from))?;
        test_accuracy = evaluate(world, &network, &test, &threads)?.1;
        let accuracy = 100.0 * test_accuracy;
        tell(format!("epoch {epoch}: cost {cost:.4}, test accuracy {accuracy:.2} %, {seconds:.2} s"));
    }

    let (cost, train_accuracy) = evaluate(world, &network, &train, &threads)?;
    tell(format!(
        "result: example=mnist-mpi processes={} epochs={} cost={cost:.6} train_accuracy={train_accuracy:.4} \
         test_accuracy={test_accuracy:.4}",
        world.size(),
        flags.epochs,
    ));
    Ok(())
}

/// Reads the data, and makes the network or loads it. Every process does the same.
fn start<F: Real>(flags: &Flags, checkpoint: &Path) -> Result<Start<F>, Failure> {
    let folder = &flags.data;
    let train = Dataset::mnist_train(folder).map_err(|error| missing(folder, error))?;
    let test = Dataset::mnist_test(folder).map_err(|error| missing(folder, error))?;
    std::fs::create_dir_all(&flags.out).map_err(|error| format!("--out: {}: {error}", flags.out.display()))?;

    let (trainer, network, rng) = match flags.fresh {
        Some(Fresh { seed, batch, rate, momentum }) => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let network = Network::builder(train.num_inputs())
                .layer(flags.units, Activation::Relu)
                .layer(train.num_outputs(), Activation::Softmax)
                .build(&mut rng)?;
            let trainer = Trainer::new(LOSS, Sgd::new(rate).momentum(momentum)).batch_size(batch);
            (trainer, network, rng)
        }
        // With its seed, its optimiser and its batches.
        None => {
            let (trainer, network) = Trainer::load_checkpoint(checkpoint)?;
            (trainer, network, ChaCha8Rng::seed_from_u64(0))
        }
    };
    Ok(Start { train, test, trainer, network, rng })
}

/// Turns a missing file into advice on where to get it; keeps any other error.
fn missing(folder: &Path, error: Error) -> String {
    let Error::File { problem: FileProblem::Io { kind: ErrorKind::NotFound, .. }, .. } = error else {
        return error.to_string();
    };
    format!(
        "{error}\n\nThe four files of MNIST were looked for in {}. Name their folder by --data or MNIST_DIR.\n\
         With a network, the crate's example fetches them:\n\n  \
         cargo run --release --features download --example mnist",
        folder.display()
    )
}

/// Cost and accuracy on a data set, of which each process takes its part.
fn evaluate<F: Real>(
    world: &SimpleCommunicator,
    network: &Network<F>,
    data: &Dataset<F>,
    threads: &Threads,
) -> Result<(f64, f64), Failure> {
    let own = part(world, data.len());
    let (mut cost, mut right) = (0.0, 0.0);
    for first in own.clone().step_by(EVALUATED_ROWS) {
        let rows = data.rows(first..own.end.min(first + EVALUATED_ROWS))?;
        let (c, classes) = threads.run(|| {
            let cost = network.cost(rows.inputs(), rows.targets(), LOSS)?;
            Ok::<_, Error>((cost, network.classify(rows.inputs())?))
        })?;
        cost += c * rows.len() as f64;
        let labels = rows.labels().ok_or("digits have labels")?;
        right += classes.iter().zip(labels).filter(|(class, label)| class == label).count() as f64;
    }
    let [cost, right] = sum(world, [cost, right]);
    Ok((cost / data.len() as f64, right / data.len() as f64))
}
