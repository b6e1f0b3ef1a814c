//! `mnist-mpi` on one, two, three and four processes: the same network as `Trainer::fit` on one, up to the order of one
//! sum; killed and resumed; and what it says to mistakes. Needs `mpirun` of Open MPI.
//!
//! On 1,003 digits of MNIST, whose folder `MNIST_DIR` names, or on made ones without it.

use chainrule::ndarray::Array2;
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Real, Sgd, Trainer};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Twenty batches and one of three rows: on four processes, one of these has none, and 50 rows are 12 or 13 for each.
const ROWS: usize = 1003;
const BATCH: usize = 50;

/// A folder that goes with the test, and the machine for this test alone.
struct Place {
    folder: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    fn new(name: &str) -> Place {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = std::env::temp_dir().join(format!("chainrule-mpi-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (train, test) = digits();
        write_idx(&folder, "train", train);
        write_idx(&folder, "t10k", test);
        Place { folder, _alone: alone }
    }

    /// `mpirun -n PROCESSES mnist-mpi` with these flags, on the data of this place, and results in the folder `out`.
    fn mpirun(&self, processes: usize, out: &str, flags: &str) -> Command {
        let mut command = mpirun(processes);
        command.args(["--data".as_ref(), self.folder.as_os_str(), "--out".as_ref(), self.folder.join(out).as_os_str()]);
        command.args(flags.split_whitespace());
        command
    }

    fn train(&self, processes: usize, out: &str, flags: &str) -> String {
        let Output { status, stdout, stderr } = self.mpirun(processes, out, flags).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{processes} processes, {flags}: {status}\n{stdout}\n{stderr}");
        stdout.into_owned()
    }

    /// What a run that fails writes to standard error, and its exit code.
    fn failure(&self, processes: usize, flags: &str) -> (String, Option<i32>) {
        let Output { status, stdout, stderr } = self.mpirun(processes, "failure", flags).output().unwrap();
        assert!(!status.success(), "{}", String::from_utf8_lossy(&stdout));
        (String::from_utf8_lossy(&stderr).into_owned(), status.code())
    }

    fn checkpoint(&self, out: &str) -> PathBuf {
        self.folder.join(out).join("checkpoint.safetensors")
    }

    fn load<F: Real>(&self, out: &str) -> (Trainer<'static, F>, Network<F>) {
        Trainer::load_checkpoint(self.checkpoint(out)).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// More processes than cores, by root too, and no core kept busy by waiting.
fn mpirun(processes: usize) -> Command {
    let mut command = Command::new("mpirun");
    command.args(["--oversubscribe", "--allow-run-as-root", "-n", &processes.to_string()]);
    command.arg(env!("CARGO_BIN_EXE_mnist-mpi"));
    command.env("OMPI_MCA_mpi_yield_when_idle", "1").env_remove("MNIST_DIR");
    command
}

/// Pixels and labels.
type Digits = (Vec<u8>, Vec<u8>);

/// Digits for training, and a few for testing.
fn digits() -> &'static (Digits, Digits) {
    static DIGITS: OnceLock<(Digits, Digits)> = OnceLock::new();
    DIGITS.get_or_init(|| {
        let Some(folder) = std::env::var_os("MNIST_DIR").filter(|folder| !folder.is_empty()) else {
            eprintln!("MNIST_DIR is not set: made digits");
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let shapes = Array2::from_shape_simple_fn((10, 784), || f64::from(rng.random::<u8>() % 2));
            let mut make = |rows: usize| {
                let labels: Vec<u8> = (0..rows).map(|_| rng.random_range(0..10)).collect();
                let pixels = labels.iter().flat_map(|&label| shapes.row(label.into()).to_vec());
                (pixels.map(|pixel| (255.0 * pixel * rng.random::<f64>()) as u8).collect(), labels)
            };
            return (make(ROWS), make(101));
        };
        let first = |data: Dataset<f32>, rows: usize| {
            let pixels = data.inputs().iter().take(rows * 784).map(|pixel| (255.0 * pixel).round() as u8).collect();
            (pixels, data.labels().unwrap()[..rows].iter().map(|&label| label as u8).collect())
        };
        // The test set is small: both parts come from it.
        let data = Dataset::mnist_test(folder).unwrap();
        (first(data.rows(0..ROWS).unwrap(), ROWS), first(data.rows(ROWS..ROWS + 101).unwrap(), 101))
    })
}

fn write_idx(folder: &Path, name: &str, (pixels, labels): &Digits) {
    let sizes = |sizes: &[usize]| sizes.iter().flat_map(|&size| (size as u32).to_be_bytes()).collect::<Vec<u8>>();
    let images = [&[0, 0, 8, 3], &sizes(&[labels.len(), 28, 28])[..], pixels].concat();
    fs::write(folder.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
    let labels = [&[0, 0, 8, 1], &sizes(&[labels.len()])[..], labels].concat();
    fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
}

fn parameters<F: Real>(network: &Network<F>) -> impl Iterator<Item = f64> {
    network.layers().iter().flat_map(|layer| layer.affine.weights.iter().chain(&layer.affine.bias)).map(|x| x.f64())
}

/// The largest difference of two parameters, over the largest parameter.
fn distance<F: Real>(one: &Network<F>, other: &Network<F>) -> f64 {
    let largest = parameters(one).fold(0.0, |largest: f64, x| largest.max(x.abs()));
    parameters(one).zip(parameters(other)).fold(0.0, |most: f64, (x, y)| most.max((x - y).abs())) / largest
}

/// The flag for this number type.
fn number<F: Real>() -> &'static str {
    if F::epsilon().f64() < 1e-10 { "--double" } else { "" }
}

fn check_one_process<F: Real>(place: &Place) {
    place.train(1, "one", &format!("--epochs 3 --batch {BATCH} --seed 5 {}", number::<F>()));
    let (resumed, network) = place.load::<F>("one");

    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let data = Dataset::mnist_train(&place.folder).unwrap();
    let layers = Network::builder(784).layer(100, Activation::Relu).layer(10, Activation::Softmax);
    let mut fitted = layers.build(&mut rng).unwrap();
    let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9)).batch_size(BATCH).epochs(3);
    let history = trainer.fit(&mut fitted, &data, &mut rng).unwrap();
    assert_eq!(network, fitted);
    assert_eq!(resumed.history().cost, history.cost);
}

#[test]
fn one_process_is_fit_to_the_last_bit() {
    let place = Place::new("one");
    check_one_process::<f32>(&place);
    check_one_process::<f64>(&place);
}

/// How far two, three and four processes are from one, after one step on all rows and after three epochs of 21 steps.
fn check_several<F: Real>(place: &Place, one_step: f64, three_epochs: f64) {
    let step = format!("--epochs 1 --batch {ROWS} {}", number::<F>());
    let epochs = format!("--epochs 3 --batch {BATCH} {}", number::<F>());
    for (what, flags, bound) in [("one step", &step, one_step), ("63 steps", &epochs, three_epochs)] {
        place.train(1, "one", flags);
        let (_, one) = place.load::<F>("one");
        for processes in [2, 3, 4] {
            let told = place.train(processes, "several", flags);
            let result = told.lines().last().unwrap();
            assert!(result.starts_with(&format!("result: example=mnist-mpi processes={processes} ")), "{told}");
            let (trainer, several) = place.load::<F>("several");
            assert!(trainer.history().cost.len() == if what == "one step" { 1 } else { 3 });
            let distance = distance(&one, &several);
            println!("{}, {what}, {processes} processes: {distance:.1e}", std::any::type_name::<F>());
            assert!(distance > 0.0, "the order of the sum should show");
            assert!(distance < bound, "{what}, {processes} processes: {distance:e}");
        }
    }
}

#[test]
fn several_processes_are_one_up_to_the_order_of_one_sum() {
    let place = Place::new("several");
    check_several::<f64>(&place, 1e-15, 1e-14);
    check_several::<f32>(&place, 1e-6, 1e-5);
}

/// The process of this rank, a child of `mpirun`.
fn process_of(mpirun: &Child, rank: usize) -> Option<String> {
    let variable = format!("OMPI_COMM_WORLD_RANK={rank}");
    let parent = format!("PPid:\t{}", mpirun.id());
    let mut processes = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    processes.find(|id| {
        let read = |file: &str| fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        let is_child = String::from_utf8_lossy(&read("status")).lines().any(|line| line == parent);
        is_child && read("environ").split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
    })
}

/// A run of three processes that is without end, except that one of them is killed in its third epoch or later. Returns
/// what `mpirun` said.
fn killed(place: &Place, rank: usize) -> String {
    let flags = format!("--epochs 1000000 --batch {BATCH} --double");
    let mut run = place.mpirun(3, "killed", &flags);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().starts_with("epoch 2:")).expect("a second epoch").unwrap();
    let process = process_of(&run, rank).expect("a process of this rank");
    assert!(Command::new("kill").args(["-9", &process]).status().unwrap().success());
    let begin = Instant::now();
    while lines.next().is_some() {} // until all of them have gone
    let mut said = String::new();
    run.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!run.wait().unwrap().success());
    assert!(begin.elapsed() < Duration::from_secs(60));
    said
}

#[test]
fn a_killed_process_ends_the_run_and_the_checkpoint_resumes_it() {
    let place = Place::new("killed");
    for rank in [0, 2] {
        let said = killed(&place, rank);
        assert!(said.contains(&format!("process rank {rank} ")) && said.contains("signal 9 (Killed)"), "{said}");

        let done = place.load::<f64>("killed").0.history().cost.len();
        assert!(done >= 2);
        fs::create_dir_all(place.folder.join("fewer")).unwrap();
        fs::copy(place.checkpoint("killed"), place.checkpoint("fewer")).unwrap();

        // To the bit what it would have been without the kill.
        let epochs = done + 2;
        let told = place.train(3, "killed", &format!("--epochs {epochs} --double --resume"));
        assert!(told.contains(&format!("resumed after epoch {done}:")), "{told}");
        place.train(3, "in one go", &format!("--epochs {epochs} --batch {BATCH} --double"));
        let (resumed, in_one_go) = (place.checkpoint("killed"), place.checkpoint("in one go"));
        assert!(fs::read(resumed).unwrap() == fs::read(in_one_go).unwrap(), "resumed after {done} epochs");

        // On another number of processes, up to the order of the sums.
        place.train(2, "fewer", &format!("--epochs {epochs} --double --resume"));
        let distance = distance(&place.load::<f64>("killed").1, &place.load("fewer").1);
        println!("resumed after {done} epochs on 2 processes: {distance:.1e}");
        assert!(distance < 1e-11, "{distance:e}");
    }
}

#[test]
fn mistakes_are_told_once_and_end_every_process() {
    let place = Place::new("mistakes");
    let check = |flags: &str, text: &str, code: i32| {
        let (said, found) = place.failure(3, flags);
        assert_eq!(said.matches(text).count(), 1, "{flags}: {said}");
        assert_eq!(found, Some(code), "{flags}: {said}");
    };
    check("--batch 2000", "error: batch size: expected 1 to 1003, the rows of the training set, found 2000", 1);
    check("--data nowhere", "The four files of MNIST were looked for in nowhere.", 1);
    check("--resume", "checkpoint.safetensors: ", 1);
    check("--resume --seed 2", "--seed and --resume: the checkpoint has this setting; leave --seed out", 2);
    check("--epochs 0", "--epochs: expected a whole number from 1, found \"0\"", 2);
    check("--rate 1e30 --epochs 1", "error: training diverged in epoch 0", 1);

    place.train(2, "failure", "--epochs 1");
    check("--epochs 1 --resume", "error: --epochs: expected more than 1, which the checkpoint has, found 1", 1);
}

#[test]
fn processes_with_different_networks_are_noticed() {
    let place = Place::new("different");
    let mut command = place.mpirun(1, "different", "--seed 1");
    command.args([":", "-n", "1", env!("CARGO_BIN_EXE_mnist-mpi"), "--seed", "2", "--data"]).arg(&place.folder);
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    assert!(!status.success() && said.contains("error: the processes do not have the same network."), "{said}");
}
