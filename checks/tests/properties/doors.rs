//! No public door panics, whatever comes through it.

use crate::common::{ACTIVATIONS, LOG_COSH, bits, network_bits, rng};
use chainrule::ndarray::{Array2, Axis, s};
use chainrule::{
    Activation, ConfusionMatrix, Dataset, Error, Layer, Loss, Network, Real, Result, Sgd, Trainer, Workspace, accuracy,
    gradient_check,
};
use proptest::prelude::*;

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -3.0..3.0,
        1 => prop::sample::select(vec![0.0, -0.0, 1.0, -1.0, 5e-324, 1e-45, 1e4, -1e4, 1e30, -1e30, 1e300, -1e300]),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN]),
    ]
}

/// Numbers of which all, or few, or none are out of the ordinary; repeated to any length.
fn any_numbers() -> impl Strategy<Value = Vec<f64>> {
    let tame = prop::collection::vec(-2.0..2.0, 1..60);
    prop_oneof![3 => tame.clone(), 1 => prop::collection::vec(any_number(), 1..60), 1 => (tame, any_number(), 0..60usize)
    .prop_map(|(mut numbers, one, at)| {
        let at = at % numbers.len();
        numbers[at] = one;
        numbers
    })]
}

/// The numbers as an array in one of four memory orders.
fn arranged<F: Real>((n, k): (usize, usize), numbers: &[f64], layout: usize) -> Array2<F> {
    let mut numbers = numbers.iter().cycle();
    let next = || F::from_f64(*numbers.next().unwrap());
    match layout % 4 {
        0 => Array2::from_shape_simple_fn((n, k), next),
        1 => Array2::from_shape_simple_fn((k, n), next).reversed_axes(),
        2 => Array2::from_shape_simple_fn((n, k), next).slice_move(s![..;-1, ..;-1]),
        _ => Array2::from_shape_simple_fn((2 * n, 3 * k), next).slice_move(s![..;2, ..;3]),
    }
}

fn any_activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(ACTIVATIONS.to_vec())
}

fn any_loss() -> impl Strategy<Value = Loss> {
    prop::sample::select(vec![Loss::MeanSquaredError, Loss::BinaryCrossEntropy, Loss::CrossEntropy, LOG_COSH])
}

/// What goes to the doors: mostly things that fit together, and numbers that may be anything.
#[derive(Clone, Debug)]
struct Visit {
    rows: usize,
    /// The sizes from the inputs to the outputs.
    sizes: Vec<usize>,
    activations: Vec<Activation>,
    /// Added to sizes where something is not to fit.
    misfit: [usize; 5],
    weights: Vec<f64>,
    data: Vec<f64>,
    one_hot: bool,
    layout: usize,
    loss: Loss,
    batch: usize,
    sgd: [f64; 3],
}

prop_compose! {
    fn any_visit()(
        rows in 0..6usize,
        sizes in prop::collection::vec(0..6usize, 2..5),
        degenerate in prop::bool::weighted(0.1),
        activations in prop::collection::vec(any_activation(), 4),
        misfit in prop_oneof![3 => Just([0; 5]), 1 => prop::array::uniform5(0..2usize)],
        weights in any_numbers(),
        data in any_numbers(),
        one_hot in any::<bool>(),
        layout in 0..256usize,
        loss in any_loss(),
        batch in 0..8usize,
        sgd in prop_oneof![(0.0..1.0).prop_map(|x| [x, x, x]), prop::array::uniform3(any_number())],
    ) -> Visit {
        let sizes = if degenerate { sizes } else { sizes.into_iter().map(|n| n + 1).collect() };
        Visit { rows, sizes, activations, misfit, weights, data, one_hot, layout, loss, batch, sgd }
    }
}

/// Goes through every door. What comes out is consistent: a cost is a number, every way to it is the same, and
/// training that was refused has moved nothing.
fn visit<F: Real>(v: &Visit) {
    let (inputs, outputs) = (v.sizes[0], v.sizes[v.sizes.len() - 1]);
    let layers: Vec<Result<Layer<F>>> = (v.sizes.windows(2).enumerate())
        .map(|(l, size)| {
            let weights = arranged((size[0] + l * v.misfit[0], size[1]), &v.weights, v.layout);
            let bias = arranged((1, size[1] + v.misfit[1]), &v.weights, v.layout / 4).remove_axis(Axis(0));
            Layer::new(weights, bias, v.activations[l])
        })
        .collect();
    let x: Array2<F> = arranged((v.rows, inputs + v.misfit[2]), &v.data, v.layout / 16);
    let mut y: Array2<F> = arranged((v.rows + v.misfit[3], outputs + v.misfit[4]), &v.data, v.layout / 64);
    if v.one_hot {
        y.mapv_inplace(|y| if y > F::zero() { F::one() } else { F::zero() });
        // A single 1 in a row, which cross-entropy asks for.
        for mut row in y.rows_mut().into_iter().filter(|row| v.loss == Loss::CrossEntropy && !row.is_empty()) {
            let class = row.iter().position(|y| *y > F::zero()).unwrap_or(0);
            row.fill(F::zero());
            row[class] = F::one();
        }
    }
    let Ok(mut network) = layers.into_iter().collect::<Result<_>>().and_then(Network::from_layers) else { return };

    let predicted = network.predict(x.view());
    let tells = predicted.as_ref().is_ok_and(|outputs| outputs.iter().all(|a| a.is_finite()));
    assert_eq!(network.classify(x.view()).is_ok(), tells);
    let mut workspace = Workspace::new(&network, v.batch);
    let forward = network.forward(x.view(), &mut workspace);
    let cost = network.cost(x.view(), y.view(), v.loss);
    let backward = network.backward(x.view(), y.view(), v.loss, &mut workspace);
    if let Ok(backward) = backward {
        assert!(forward.is_ok() && backward.is_finite());
        assert_eq!(bits(workspace.a(network.layers().len() - 1)), bits(&predicted.unwrap()));
        assert_eq!(cost, Ok(backward));
    }
    _ = gradient_check(&network, x.view(), y.view(), v.loss);

    let [rate, momentum, decay] = v.sgd;
    let mut sgd = Sgd::new(rate).momentum(momentum).weight_decay(decay);
    let before = network_bits(&network);
    if sgd.step(&mut network, workspace.gradients()).is_err() {
        assert_eq!(network_bits(&network), before);
    }
    _ = (network.l2_penalty(decay), network.predict(x.view()), network.classify(x.view()));
    _ = gradient_check(&network, x.view(), y.view(), v.loss);

    let Ok(data) = Dataset::new(x, y) else { return };
    let before = network_bits(&network);
    let mut trainer = Trainer::new(v.loss, sgd).epochs(2).batch_size(v.batch).validation(&data);
    match trainer.fit(&mut network, &data, &mut rng(1)) {
        Ok(history) => assert!(history.cost.iter().all(|cost| cost.is_finite())),
        Err(Error::Diverged { epoch: 1, .. }) => {}
        Err(_) => assert_eq!(network_bits(&network), before),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_door_panics(v in any_visit()) {
        visit::<f32>(&v);
        visit::<f64>(&v);
    }

    #[test]
    fn metrics_do_not_panic(
        predictions in prop::collection::vec(0..4usize, 0..5),
        labels in prop::collection::vec(0..4usize, 0..5),
        classes in 0..6usize,
    ) {
        let share = accuracy(&predictions, &labels);
        if let Ok(confusion) = ConfusionMatrix::new(&predictions, &labels, classes) {
            prop_assert_eq!(Ok(confusion.accuracy()), share);
            prop_assert_eq!(confusion.to_string().lines().count(), classes + 1);
        }
    }
}
