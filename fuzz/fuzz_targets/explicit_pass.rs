//! The explicit pass and a step, on any shapes that fit and do not, any values, and views in any layout: refused in
//! words, or the same bits as a copy.
#![no_main]

use chainrule::ndarray::{Array1, Array2, ArrayView2, s};
use chainrule::{Activation, Error, Layer, Loss, Network, Sgd, Workspace};
use libfuzzer_sys::fuzz_target;

/// Bytes for sizes, choices and numbers; zeros when there are no more.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    /// Small ones mostly, and of each extreme kind some.
    fn number(&mut self) -> f64 {
        match self.next() {
            0 => 0.0,
            1 => 1.0,
            2 => f64::NAN,
            3 => f64::INFINITY,
            4 => f64::NEG_INFINITY,
            5 => f64::MAX,
            6 => -f64::MAX,
            7 => f64::from_bits(1),
            8 => 1e300,
            9 => -1e4,
            byte => (f64::from(byte) - 128.0) / 16.0,
        }
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_simple_fn((rows, columns), || self.number())
    }

    /// One dimension, now and then another one.
    fn size(&mut self, right: usize) -> usize {
        let byte = self.next();
        if byte < 8 { usize::from(byte % 4) } else { right }
    }
}

type Pass = (f64, Vec<u64>);

/// Every NaN is the same: which of its bits are set is nobody's promise.
fn bits(x: &f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

fn pass(network: &Network<f64>, x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>, loss: Loss) -> Result<Pass, Error> {
    let mut workspace = Workspace::new(network, x.nrows());
    network.forward(x, &mut workspace)?;
    let cost = network.backward(x, y, loss, &mut workspace)?;
    let gradients = workspace.gradients();
    Ok((cost, gradients.iter().flat_map(|g| g.weights.iter().chain(&g.bias)).map(bits).collect()))
}

fuzz_target!(|bytes: &[u8]| {
    const ACTIVATIONS: [Activation; 5] =
        [Activation::Identity, Activation::Sigmoid, Activation::Tanh, Activation::Relu, Activation::Softmax];
    const LOSSES: [Loss; 3] = [Loss::MeanSquaredError, Loss::BinaryCrossEntropy, Loss::CrossEntropy];
    let mut bytes = Bytes(bytes);
    let choice = bytes.next();
    let loss = LOSSES[usize::from(choice % 3)];
    let (rows, inputs) = (usize::from(bytes.next() % 6), usize::from(bytes.next() % 5));
    let rate = bytes.number();
    let momentum = bytes.number();

    let mut layers = Vec::new();
    let mut width = inputs;
    for _ in 0..=choice / 3 % 3 {
        let outputs = usize::from(bytes.next() % 5);
        let activation = ACTIVATIONS[usize::from(bytes.next() % 5)];
        let width_here = bytes.size(width);
        let weights = bytes.matrix(width_here, outputs);
        let outputs_here = bytes.size(outputs);
        let bias = Array1::from(bytes.matrix(1, outputs_here).into_raw_vec_and_offset().0);
        match Layer::new(weights, bias, activation) {
            Ok(layer) => layers.push(layer),
            Err(error) => return assert!(!error.to_string().is_empty()),
        }
        width = outputs;
    }
    let mut network = match Network::from_layers(layers) {
        Ok(network) => network,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let shape = (bytes.size(rows), bytes.size(inputs));
    let x = bytes.matrix(2 * shape.0, 2 * shape.1);
    let shape = (bytes.size(rows), bytes.size(width));
    let y = bytes.matrix(shape.1, shape.0);

    let (x, y) = (x.slice(s![..;-2, ..;2]), y.t());
    let of_views = pass(&network, x, y, loss);
    let of_copies = pass(&network, x.to_owned().view(), y.as_standard_layout().view(), loss);
    match (&of_views, &of_copies) {
        (Ok(a), Ok(b)) => assert_eq!((a.0.to_bits(), &a.1), (b.0.to_bits(), &b.1)),
        (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
        (a, b) => panic!("{a:?} and {b:?}"),
    }
    let _ = network.predict(x);
    let _ = network.classify(x);
    let _ = network.cost(x, y, loss);
    let mut workspace = Workspace::new(&network, x.nrows());
    if network.forward(x, &mut workspace).is_ok() && network.backward(x, y, loss, &mut workspace).is_ok() {
        let _ = Sgd::new(rate).momentum(momentum).step(&mut network, workspace.gradients());
    }
});
