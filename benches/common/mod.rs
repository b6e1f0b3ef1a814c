//! Shared by the benches: the workloads, a network in training for each, and the command line.

// Each bench uses some of it.
#![allow(dead_code)]

use chainrule::ndarray::{Array2, Axis};
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{Activation, ChaCha8Rng, Loss, Network, Real, Sgd, Workspace};
use std::fmt;

/// A network and its batches.
#[derive(Clone, Copy)]
pub struct Workload<'a> {
    pub name: &'static str,
    pub sizes: &'a [usize],
    pub hidden: Activation,
    pub output: Activation,
    pub loss: Loss,
    pub batch: usize,
    pub rate: f64,
    pub momentum: f64,
}

pub const W1: Workload = Workload {
    name: "W1",
    sizes: &[784, 100, 10],
    hidden: Activation::Sigmoid,
    output: Activation::Softmax,
    loss: Loss::CrossEntropy,
    batch: 32,
    rate: 0.01,
    momentum: 0.9,
};
pub const W2: Workload = Workload { name: "W2", sizes: &[784, 800, 10], hidden: Activation::Relu, batch: 128, ..W1 };
pub const W3: Workload =
    Workload { name: "W3", sizes: &[784, 1024, 1024, 1024, 10], hidden: Activation::Relu, batch: 256, ..W1 };
pub const W4: Workload = Workload {
    name: "W4",
    sizes: &[2, 25, 50, 25, 2],
    output: Activation::Sigmoid,
    loss: Loss::MeanSquaredError,
    batch: 1,
    momentum: 0.0,
    ..W1
};
pub const W5: Workload = Workload { name: "W5", sizes: &[1, 8, 5, 3, 1], batch: 40, ..W4 };

impl Workload<'_> {
    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }

    pub fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    pub fn network<F: Real>(&self, rng: &mut ChaCha8Rng) -> Network<F> {
        let mut builder = Network::builder(self.inputs());
        for &units in &self.sizes[1..self.sizes.len() - 1] {
            builder = builder.layer(units, self.hidden);
        }
        builder.layer(self.outputs(), self.output).build(rng).unwrap()
    }

    /// Inputs from 0 to 1, and targets: classes for the cross-entropy, numbers from 0 to 1 for another loss.
    pub fn data<F: Real>(&self, rows: usize, rng: &mut ChaCha8Rng) -> (Array2<F>, Array2<F>) {
        let x = uniform((rows, self.inputs()), rng);
        let y = match self.loss {
            Loss::CrossEntropy => {
                let labels: Vec<usize> = (0..rows).map(|_| rng.random_range(0..self.outputs())).collect();
                chainrule::one_hot(&labels, self.outputs()).unwrap()
            }
            _ => uniform((rows, self.outputs()), rng),
        };
        (x, y)
    }

    pub fn batches<F: Real>(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<(Array2<F>, Array2<F>)> {
        let (x, y) = self.data(count * self.batch, rng);
        let cut = |all: &Array2<F>| -> Vec<Array2<F>> {
            all.axis_chunks_iter(Axis(0), self.batch).map(|rows| rows.to_owned()).collect()
        };
        cut(&x).into_iter().zip(cut(&y)).collect()
    }
}

/// The name under which a bench lists the workload.
impl fmt::Display for Workload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn uniform<F: Real>(shape: (usize, usize), rng: &mut ChaCha8Rng) -> Array2<F> {
    Array2::from_shape_simple_fn(shape, || F::from_f64(rng.random::<f32>().into()))
}

pub fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

/// A network with everything that its steps need, and prepared batches.
pub struct Training<F> {
    pub network: Network<F>,
    pub workspace: Workspace<F>,
    pub sgd: Sgd<F>,
    pub batches: Vec<(Array2<F>, Array2<F>)>,
    loss: Loss,
}

impl<F: Real> Training<F> {
    pub fn new(work: &Workload, batches: usize) -> Self {
        let mut rng = rng();
        let network = work.network(&mut rng);
        let workspace = Workspace::new(&network, work.batch);
        let sgd = Sgd::new(work.rate).momentum(work.momentum);
        Training { network, workspace, sgd, batches: work.batches(batches, &mut rng), loss: work.loss }
    }

    /// Forward, loss, backward and update on batch `i`, modulo the number of batches.
    pub fn step(&mut self, i: usize) {
        self.forward(i);
        self.backward(i);
        self.update();
    }

    pub fn forward(&mut self, i: usize) {
        let (x, _) = &self.batches[i % self.batches.len()];
        self.network.forward(x.view(), &mut self.workspace).unwrap();
    }

    pub fn backward(&mut self, i: usize) -> f64 {
        let (x, y) = &self.batches[i % self.batches.len()];
        self.network.backward(x.view(), y.view(), self.loss, &mut self.workspace).unwrap()
    }

    pub fn update(&mut self) {
        self.sgd.step(&mut self.network, self.workspace.gradients()).unwrap();
    }
}

/// The values of the flags `--name VALUE` after `cargo bench --bench … --`, if given.
pub fn flags<const N: usize>(names: [&str; N]) -> [Option<String>; N] {
    let mut values = [const { None }; N];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--bench" || argument == "--test" {
            continue; // added by `cargo bench`; a trial run
        }
        let known = names.iter().position(|name| *name == argument);
        match known.zip(arguments.next()) {
            Some((known, value)) => values[known] = Some(value),
            None => {
                eprintln!("expected any of {}, each with a value, found {argument}", names.join(", "));
                std::process::exit(2);
            }
        }
    }
    values
}

/// Whether this run only tests that the bench works: with `--test`, or from `cargo test --all-targets`.
pub fn trial() -> bool {
    let given = |flag| std::env::args().any(|argument| argument == flag);
    given("--test") || !given("--bench")
}

/// The seconds to measure for: `asked`, or else `usual`, or none in a trial run.
pub fn seconds(asked: Option<String>, usual: f64) -> f64 {
    asked.map_or(if trial() { 0.0 } else { usual }, |seconds| seconds.parse().unwrap())
}
