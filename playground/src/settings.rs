//! What the page asks for, as one list of numbers, and what it means in the words of the crate.

use chainrule::ndarray::{Array2, Axis, concatenate};
use chainrule::rand::Rng;
use chainrule::{
    Activation, Adam, Affine, ChaCha8Rng, Dataset, Error, Init, Loss, Network, Optimizer, Result, RmsProp, Sgd,
};

/// The data sets, in the order of the page's list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Data {
    Moons,
    Circles,
    Spirals,
    Flower,
    Xor,
    Blobs,
    Cosine,
    Own,
}

const DATA: [Data; 8] =
    [Data::Moons, Data::Circles, Data::Spirals, Data::Flower, Data::Xor, Data::Blobs, Data::Cosine, Data::Own];

const HIDDEN: [Activation; 9] = [
    Activation::Tanh,
    Activation::Relu,
    Activation::Sigmoid,
    Activation::Identity,
    Activation::LeakyRelu,
    Activation::Elu,
    Activation::Softplus,
    Activation::Silu,
    Activation::Gelu,
];

/// Everything that a link to the page brings back.
#[derive(Clone, Debug)]
pub struct Settings {
    pub data: Data,
    pub samples: usize,
    pub noise: f64,
    pub seed: u64,
    pub activation: Activation,
    /// 0 the canonical loss of the data, 1 squared error.
    pub squared: bool,
    /// 0 SGD, 1 Nesterov, 2 RMSprop, 3 Adam.
    pub optimizer: usize,
    pub rate: f64,
    pub momentum: f64,
    pub batch: usize,
    pub decay: f64,
    pub dropout: f64,
    /// 0 the default, 1 zeros, 2 small normal numbers, 3 large ones.
    pub start: usize,
    pub hidden: Vec<usize>,
    /// The visitor's own points: x₁, x₂, and the class.
    pub own: Vec<[f64; 3]>,
}

impl Settings {
    /// From the page's numbers: the fields in their order, with the number of hidden layers before their units.
    pub fn from_numbers(numbers: &[f64]) -> Result<Self> {
        let Some((fields, rest)) = numbers.split_first_chunk::<14>() else {
            return Err(Error::Empty { place: "settings" });
        };
        let [
            data,
            samples,
            noise,
            seed,
            activation,
            squared,
            optimizer,
            rate,
            momentum,
            batch,
            decay,
            dropout,
            start,
            layers,
        ] = fields;
        let (hidden, own) = rest.split_at_checked(*layers as usize).ok_or(Error::Empty { place: "hidden layers" })?;
        let index = |name, found: f64, len: usize| {
            let fits = found >= 0.0 && (found as usize) < len;
            let error = Error::OutOfRange { name, expected: format!("0 to {}", len - 1), found };
            if fits { Ok(found as usize) } else { Err(error) }
        };
        Ok(Settings {
            data: DATA[index("data set", *data, DATA.len())?],
            samples: index("samples", *samples, 5001)?.max(4),
            noise: *noise,
            seed: *seed as u64,
            activation: HIDDEN[index("activation", *activation, HIDDEN.len())?],
            squared: *squared != 0.0,
            optimizer: index("optimizer", *optimizer, 4)?,
            rate: *rate,
            momentum: *momentum,
            batch: index("batch size", *batch, 5001)?.max(1),
            decay: *decay,
            dropout: *dropout,
            start: index("start", *start, 4)?,
            hidden: hidden.iter().map(|&units| index("units of a layer", units, 257)).collect::<Result<_>>()?,
            own: own.as_chunks().0.to_vec(),
        })
    }

    /// Training set, 70 %, and test set.
    pub fn data(&self, rng: &mut ChaCha8Rng) -> Result<(Dataset<f64>, Dataset<f64>)> {
        let (n, noise) = (self.samples, self.noise);
        let data = match self.data {
            Data::Moons => Dataset::moons(n, noise, rng)?,
            Data::Circles => Dataset::circles(n, noise, 0.5, rng)?,
            Data::Spirals => Dataset::spirals(3, n.div_ceil(3), noise, rng)?,
            Data::Flower => {
                // The flower has its own noise, and is four times as large as the others.
                let flower = Dataset::<f64>::planar(n.div_ceil(2), rng)?;
                let labels = flower.labels().unwrap_or_default().to_vec();
                Dataset::classification(&flower.inputs() / 4.0, labels, 2)?
            }
            Data::Xor => quadrants(n, noise, rng)?,
            Data::Blobs => blobs(n, noise, rng)?,
            Data::Own => {
                let labels: Vec<_> = self.own.iter().map(|[_, _, class]| *class as usize).collect();
                let classes = labels.iter().max().map_or(2, |most| (most + 1).max(2));
                let points: Vec<_> = self.own.iter().map(|[x, y, _]| [*x, *y]).collect();
                Dataset::classification(Array2::from(points), labels, classes.min(3))?
            }
            Data::Cosine => {
                let curve = Dataset::<f64>::function(f64::cos, -3.0, 3.0, n)?;
                let random = noise_like(n, 1, noise, rng);
                Dataset::new(curve.inputs().to_owned(), &curve.targets() + &random)?
            }
        };
        data.split(0.7, rng)
    }

    pub fn network(&self, inputs: usize, outputs: usize, rng: &mut ChaCha8Rng) -> Result<Network<f64>> {
        let last = if self.data == Data::Cosine { Activation::Identity } else { Activation::Softmax };
        let mut builder = Network::builder(inputs);
        for &units in &self.hidden {
            builder = builder.layer(units, self.activation);
        }
        builder = builder.layer(outputs, last);
        let builder = match self.start {
            1 => builder.init(Init::Zeros),
            2 => builder.init(Init::Normal { std: 0.01 }),
            3 => builder.init(Init::Normal { std: 3.0 }),
            _ => builder,
        };
        builder.build(rng)
    }

    pub fn loss(&self) -> Loss {
        if self.squared || self.data == Data::Cosine { Loss::MeanSquaredError } else { Loss::CrossEntropy }
    }

    pub fn optimizer(&self) -> AnyOptimizer {
        let sgd = Sgd::new(self.rate).momentum(self.momentum).weight_decay(self.decay);
        match self.optimizer {
            0 => AnyOptimizer::Sgd(sgd),
            1 => AnyOptimizer::Sgd(sgd.nesterov(true)),
            2 => AnyOptimizer::RmsProp(RmsProp::new(self.rate)),
            _ => AnyOptimizer::Adam(Adam::new(self.rate).weight_decay(self.decay)),
        }
    }
}

fn noise_like(n: usize, columns: usize, noise: f64, rng: &mut ChaCha8Rng) -> Array2<f64> {
    // Twelve uniform numbers make a good normal one.
    Array2::from_shape_simple_fn((n, columns), || noise * ((0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0))
}

/// Exclusive or with more than four points: the sign of x₁x₂.
fn quadrants(n: usize, noise: f64, rng: &mut ChaCha8Rng) -> Result<Dataset<f64>> {
    let points = Array2::from_shape_simple_fn((n, 2), || rng.random_range(-1.0..1.0));
    let labels = points.rows().into_iter().map(|x| usize::from(x[0] * x[1] > 0.0)).collect();
    Dataset::classification(points + noise_like(n, 2, noise, rng), labels, 2)
}

/// Three round heaps.
fn blobs(n: usize, noise: f64, rng: &mut ChaCha8Rng) -> Result<Dataset<f64>> {
    let centres = [[-0.7, -0.5], [0.7, -0.5], [0.0, 0.8]];
    let labels: Vec<_> = (0..n).map(|r| r % 3).collect();
    let centres: Vec<[f64; 2]> = labels.iter().map(|&label| centres[label]).collect();
    Dataset::classification(Array2::from(centres) + noise_like(n, 2, 0.1 + noise, rng), labels, 3)
}

/// Any of the crate's optimisers.
#[derive(Clone)]
pub enum AnyOptimizer {
    Sgd(Sgd<f64>),
    RmsProp(RmsProp<f64>),
    Adam(Adam<f64>),
}

impl AnyOptimizer {
    fn inner(&self) -> &dyn Optimizer<f64> {
        match self {
            AnyOptimizer::Sgd(sgd) => sgd,
            AnyOptimizer::RmsProp(rms_prop) => rms_prop,
            AnyOptimizer::Adam(adam) => adam,
        }
    }
}

impl Optimizer<f64> for AnyOptimizer {
    fn update(&mut self, network: &mut Network<f64>, gradients: &[Affine<f64>]) {
        match self {
            AnyOptimizer::Sgd(sgd) => sgd.update(network, gradients),
            AnyOptimizer::RmsProp(rms_prop) => rms_prop.update(network, gradients),
            AnyOptimizer::Adam(adam) => adam.update(network, gradients),
        }
    }

    fn current_rate(&self) -> f64 {
        self.inner().current_rate()
    }

    fn check(&self, network: &Network<f64>) -> Result<()> {
        self.inner().check(network)
    }
}

/// All inputs of both sets, one after the other.
pub(crate) fn all_inputs(train: &Dataset<f64>, test: &Dataset<f64>) -> Array2<f64> {
    concatenate(Axis(0), &[train.inputs(), test.inputs()]).unwrap_or_default()
}
