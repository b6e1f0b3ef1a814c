//! The crate behind `docs/playground.html`: one network, its data and its optimiser, with plain functions for a worker.
//!
//! Every number that the page shows comes from chainrule's own `forward`, `backward` and `step`, in `f64`. Only
//! [`mistakes`] has a backward pass of its own: one that can be broken.

mod exports;
pub mod digits;
mod mistakes;
mod settings;

pub use mistakes::{Mistake, gradients, measured};
pub use settings::{AnyOptimizer, Data, Settings};

use chainrule::ndarray::{Array2, ArrayView2, s};
use chainrule::rand::SeedableRng;
use chainrule::rand::seq::SliceRandom;
use chainrule::{Affine, ChaCha8Rng, Dataset, Dropout, Error, Loss, Network, Optimizer, Result, Workspace};

/// A training that can be stopped after any step.
pub struct Playground {
    pub settings: Settings,
    pub train: Dataset<f64>,
    pub test: Dataset<f64>,
    pub network: Network<f64>,
    pub optimizer: AnyOptimizer,
    pub mistake: Mistake,
    workspace: Workspace<f64>,
    /// Copies of a batch's rows.
    x: Array2<f64>,
    y: Array2<f64>,
    rng: ChaCha8Rng,
    /// The rows of the training set in the order of this epoch, and the first of them that has not been used.
    order: Vec<usize>,
    next: usize,
    pub steps: usize,
}

/// One training step, with everything that it computes.
pub struct Walk {
    pub x: Array2<f64>,
    pub y: Array2<f64>,
    pub cost: f64,
    pub workspace: Workspace<f64>,
    /// dA of each layer but the last.
    pub da: Vec<Array2<f64>>,
    pub gradients: Vec<Affine<f64>>,
    /// The parameters after U1, or the optimiser's own update.
    pub after: Network<f64>,
}

impl Playground {
    pub fn new(settings: Settings) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        let (train, test) = settings.data(&mut rng)?;
        let network = settings.network(train.num_inputs(), train.num_outputs(), &mut rng)?;
        let optimizer = settings.optimizer();
        optimizer.check(&network)?;
        let batch = settings.batch.clamp(1, train.len());
        let workspace = Workspace::new(&network, batch);
        let order = (0..train.len()).collect();
        let mistake = Mistake::None;
        let mut playground = Playground {
            x: Array2::zeros((batch, train.num_inputs())),
            y: Array2::zeros((batch, train.num_outputs())),
            settings,
            train,
            test,
            network,
            optimizer,
            mistake,
            workspace,
            rng,
            order,
            next: 0,
            steps: 0,
        };
        playground.order.shuffle(&mut playground.rng);
        Ok(playground)
    }

    pub fn loss(&self) -> Loss {
        self.settings.loss()
    }

    pub fn batch(&self) -> usize {
        self.settings.batch.clamp(1, self.train.len())
    }

    /// One step on the next batch; after the last one of an epoch the rows are shuffled. Returns L before the update.
    pub fn step(&mut self) -> Result<f64> {
        if self.next >= self.train.len() {
            self.order.shuffle(&mut self.rng);
            self.next = 0;
        }
        let end = (self.next + self.batch()).min(self.train.len());
        let rows = end - self.next;
        for (r, &row) in self.order[self.next..end].iter().enumerate() {
            self.x.row_mut(r).assign(&self.train.inputs().row(row));
            self.y.row_mut(r).assign(&self.train.targets().row(row));
        }
        let (x, y) = (self.x.slice(s![..rows, ..]), self.y.slice(s![..rows, ..]));
        if self.settings.dropout > 0.0 {
            let dropout = Dropout { inputs: 0.0, hidden: self.settings.dropout };
            self.workspace.draw_masks(x.nrows(), dropout, &mut self.rng)?;
        }
        self.network.forward(x, &mut self.workspace)?; // F1 F2
        let loss = self.settings.loss();
        let cost = self.network.backward(x, y, loss, &mut self.workspace)?; // B1 … B5
        if self.mistake == Mistake::None {
            self.optimizer.step(&mut self.network, self.workspace.gradients())?; // U1
        } else {
            let wrong = gradients(&self.network, x, y, loss, &self.workspace, self.mistake)?;
            self.optimizer.step(&mut self.network, &wrong)?;
        }
        self.next = end;
        self.steps += 1;
        Ok(cost)
    }

    pub fn epoch(&self) -> f64 {
        let batches = self.train.len().div_ceil(self.batch());
        self.steps as f64 / batches as f64
    }

    /// What [`step`](Self::step) will compute on the first rows of the next batch, without the step (and without
    /// dropout, so that the numbers are those of the equations alone).
    pub fn walk(&self, rows: usize) -> Result<Walk> {
        let start = if self.next >= self.train.len() { 0 } else { self.next };
        let end = (start + self.batch().min(rows.max(1))).min(self.train.len());
        let batch = self.train.select(&self.order[start..end])?;
        let (x, y) = (batch.inputs().to_owned(), batch.targets().to_owned());
        let mut workspace = Workspace::new(&self.network, x.nrows());
        self.network.forward(x.view(), &mut workspace)?;
        let cost = self.network.backward(x.view(), y.view(), self.loss(), &mut workspace)?;
        let da = (1..self.network.layers().len())
            .map(|l| self.network.input_gradient(l, &workspace))
            .collect::<Result<_>>()?;
        let gradients = workspace.gradients().to_vec();
        let (mut after, mut optimizer) = (self.network.clone(), self.optimizer.clone());
        optimizer.step(&mut after, &gradients)?;
        Ok(Walk { x, y, cost, workspace, da, gradients, after })
    }

    /// Cost and share of right answers on a data set; the share is NaN where the targets are not classes.
    pub fn measure(&self, data: &Dataset<f64>) -> Result<(f64, f64)> {
        let cost = self.network.cost(data.inputs(), data.targets(), self.loss())?;
        let Some(labels) = data.labels() else { return Ok((cost, f64::NAN)) };
        let classes = self.network.classify(data.inputs())?;
        let right = classes.iter().zip(labels).filter(|(found, label)| found == label).count();
        Ok((cost, right as f64 / data.len() as f64))
    }

    /// The largest relative error of the gradients, mistakes included, against N1: on a few rows, over all parameters
    /// or some hundred of them. With it the layer, and the two numbers.
    pub fn check(&self) -> Result<[f64; 4]> {
        let batch = self.train.select(&self.order[..self.train.len().min(8)])?;
        let (x, y) = (batch.inputs(), batch.targets());
        let mut workspace = Workspace::new(&self.network, x.nrows());
        self.network.forward(x, &mut workspace)?;
        self.network.backward(x, y, self.loss(), &mut workspace)?;
        let found = gradients(&self.network, x, y, self.loss(), &workspace, self.mistake)?;
        measured(&self.network, x, y, self.loss(), &found)
    }

    /// A of every layer at the points, `[points, units]` each.
    pub fn activations(&self, points: ArrayView2<'_, f64>) -> Result<Vec<Array2<f64>>> {
        let mut workspace = Workspace::new(&self.network, points.nrows());
        self.network.forward(points, &mut workspace)?;
        Ok((0..self.network.layers().len()).map(|l| workspace.a(l).to_owned()).collect())
    }

    /// Sets wᵢⱼ of a layer, or for i = inputs bⱼ.
    pub fn set_parameter(&mut self, layer: usize, i: usize, j: usize, value: f64) -> Result<()> {
        let out_of_range = |found: usize| Error::OutOfRange {
            name: "parameter",
            expected: "an entry of the network".into(),
            found: found as f64,
        };
        let mut parameters = self.network.layers_mut().nth(layer).ok_or_else(|| out_of_range(layer))?;
        let entry = if i == parameters.weights.nrows() {
            parameters.bias.get_mut(j)
        } else {
            parameters.weights.get_mut([i, j])
        };
        *entry.ok_or_else(|| out_of_range(j))? = value;
        Ok(())
    }
}
