//! The training loop is bit-identical to the explicit pass, over any number of fits, in `f32` and `f64`. It refuses
//! invalid hyperparameters. If it diverges, it reports that and restores the network.

use crate::common;
use chainrule::ndarray::{Array2, ArrayView2, Axis, array, s};
use chainrule::rand::{Rng, RngCore};
use chainrule::{Activation, Affine, Dataset, Error, History, Layer, Loss, Network, Real, Schedule, Sgd};
use chainrule::{Optimizer, Trainer, Workspace, accuracy};
use common::{SOFTPLUS, bits, network, network_bits, one_hot_rows, rng, uniform};
use std::cell::RefCell;
use std::ops::ControlFlow;

const ROWS: usize = 23;
const BATCH: usize = 5; // four batches and a short one of three rows

fn data<F: Real>() -> Dataset<F> {
    Dataset::new(uniform((ROWS, 4), -1.0, 1.0, 1), one_hot_rows((ROWS, 3), 2)).unwrap()
}

fn classifier<F: Real>() -> Network<F> {
    network(4, &[(6, Activation::Tanh), (3, Activation::Softmax)], 3)
}

fn full_sgd<F: Real>() -> Sgd<F> {
    Sgd::new(0.3).momentum(0.9).weight_decay(1e-3).schedule(Schedule::Exponential { factor: 0.9 })
}

fn trainer<'a, F: Real>(sgd: Sgd<F>, epochs: usize) -> Trainer<'a, F> {
    Trainer::new(Loss::CrossEntropy, sgd).batch_size(BATCH).epochs(epochs)
}

// --- The same bits -----------------------------------------------------------------------------------------------

fn check_five_and_five<F: Real>() {
    for (sgd, shuffle) in [(full_sgd(), true), (full_sgd(), false), (Sgd::new(0.3), true)] {
        let (mut in_one_go, mut in_two): (Network<F>, _) = (classifier(), classifier());
        let ten = trainer(sgd.clone(), 10).shuffle(shuffle).fit(&mut in_one_go, &data(), &mut rng(4)).unwrap();

        let mut trainer = trainer(sgd.clone(), 5).shuffle(shuffle);
        let first = trainer.fit(&mut in_two, &data(), &mut rng(4)).unwrap();
        assert_ne!(network_bits(&in_two), network_bits(&in_one_go));
        // The second fit draws nothing, so any generator will do.
        let second = trainer.fit(&mut in_two, &data(), &mut rng(5)).unwrap();

        assert_eq!(network_bits(&in_two), network_bits(&in_one_go));
        assert_eq!(bits(first.cost.iter().chain(&second.cost)), bits(&ten.cost));
        assert_eq!((trainer.history(), first.cost.len()), (&ten, 5));

        // The state kept between fits matters: two trainers of five epochs each give another result.
        let mut afresh: Network<F> = classifier();
        for _ in 0..2 {
            self::trainer(sgd.clone(), 5).shuffle(shuffle).fit(&mut afresh, &data(), &mut rng(4)).unwrap();
        }
        assert_ne!(network_bits(&afresh), network_bits(&in_one_go));
    }
}

/// One epoch of the trainer's, with steps of the test's own.
fn epoch_by_hand<F: Real>(
    trainer: &mut Trainer<'_, F>,
    network: &mut Network<F>,
    seed: u64,
) -> Result<Vec<Vec<usize>>, Error> {
    let data = data();
    let mut workspace = Workspace::new(network, BATCH);
    let mut sum = 0.0;
    let batches = trainer.begin_epoch(network, &data, &mut rng(seed))?;
    for rows in &batches {
        let batch = data.select(rows)?;
        network.forward(batch.inputs(), &mut workspace)?;
        let cost = network.backward(batch.inputs(), batch.targets(), Loss::CrossEntropy, &mut workspace)?;
        trainer.optimizer_mut().step(network, workspace.gradients())?;
        sum += cost * rows.len() as f64;
    }
    trainer.end_epoch(network, sum / ROWS as f64)?;
    Ok(batches)
}

fn check_by_hand<F: Real>() {
    let plateau = Schedule::Plateau { factor: 0.5, patience: 1 }; // the cost of each epoch decides
    for (sgd, shuffle) in [(full_sgd(), true), (full_sgd(), false), (Sgd::new(3.0).schedule(plateau), true)] {
        let mut fitted: Network<F> = classifier();
        let history = trainer(sgd.clone(), 6).shuffle(shuffle).fit(&mut fitted, &data(), &mut rng(4)).unwrap();

        // Two epochs by hand, two by `fit`, two by hand. Only the first draws from its generator.
        let (mut network, mut trainer) = (classifier(), trainer(sgd.clone(), 2).shuffle(shuffle));
        let first = epoch_by_hand(&mut trainer, &mut network, 4).unwrap();
        epoch_by_hand(&mut trainer, &mut network, 5).unwrap();
        trainer.fit(&mut network, &data(), &mut rng(6)).unwrap();
        epoch_by_hand(&mut trainer, &mut network, 7).unwrap();
        epoch_by_hand(&mut trainer, &mut network, 8).unwrap();

        assert_eq!(network_bits(&network), network_bits(&fitted));
        assert_eq!(bits(&trainer.history().cost), bits(&history.cost));
        assert_eq!(first.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 5, 5, 3]);
        assert_eq!(first.concat().is_sorted(), !shuffle);
    }
}

#[test]
fn epochs_by_hand_are_those_of_fit() {
    check_by_hand::<f32>();
    check_by_hand::<f64>();
}

#[test]
fn epochs_by_hand_are_checked_as_those_of_fit() {
    let (mut network, mut other): (Network<f64>, _) = (classifier(), classifier());
    other.layers_mut().next().unwrap().bias[0] = 1.0;
    let mut trainer = trainer(full_sgd(), 1);
    epoch_by_hand(&mut trainer, &mut network, 4).unwrap();
    assert!(matches!(trainer.begin_epoch(&mut other, &data(), &mut rng(4)), Err(Error::AnotherNetwork { epochs: 1 })));
    let large = Trainer::new(Loss::CrossEntropy, full_sgd()).batch_size(ROWS + 1).begin_epoch(
        &mut network,
        &data(),
        &mut rng(4),
    );
    assert!(matches!(large, Err(Error::OutOfRange { name: "batch size", .. })));

    // A NaN is a divergence of this epoch, which does not count.
    let diverged = trainer.end_epoch(&network, f64::NAN);
    assert!(matches!(diverged, Err(Error::Diverged { epoch: 1, .. })), "{diverged:?}");
    other.layers_mut().next().unwrap().bias[0] = f64::INFINITY;
    assert!(matches!(trainer.end_epoch(&other, 1.0), Err(Error::Diverged { epoch: 1, .. })));
    assert_eq!(trainer.history().cost.len(), 1);
    epoch_by_hand(&mut trainer, &mut network, 4).unwrap();
}

#[test]
fn five_epochs_and_five_more_are_ten() {
    check_five_and_five::<f32>();
    check_five_and_five::<f64>();
}

/// Three epochs with rows in the order of the data. This also defines an epoch's cost: the mean of the batches' costs,
/// weighted by their rows, plus the penalty at the end.
fn check_explicit_pass<F: Real>(batch: usize) {
    for (sgd, decay) in [(full_sgd(), 1e-3), (Sgd::new(0.3), 0.0)] {
        let data = data();
        let (mut by_trainer, mut by_hand): (Network<F>, _) = (classifier(), classifier());
        let history =
            trainer(sgd.clone(), 3).batch_size(batch).shuffle(false).fit(&mut by_trainer, &data, &mut rng(4)).unwrap();

        let mut sgd = sgd;
        let mut workspace = Workspace::new(&by_hand, batch);
        for epoch in 0..3 {
            sgd.set_epoch(epoch);
            let mut sum = 0.0;
            for start in (0..ROWS).step_by(batch) {
                let rows = s![start..ROWS.min(start + batch), ..];
                let (x, y) = (data.inputs(), data.targets());
                let (x, y) = (x.slice(rows), y.slice(rows));
                by_hand.forward(x, &mut workspace).unwrap();
                let cost = by_hand.backward(x, y, Loss::CrossEntropy, &mut workspace).unwrap();
                sum += cost * x.nrows() as f64;
                sgd.step(&mut by_hand, workspace.gradients()).unwrap();
            }
            assert_eq!(history.cost[epoch], sum / ROWS as f64 + by_hand.l2_penalty(decay));
        }
        assert_eq!(network_bits(&by_trainer), network_bits(&by_hand));
    }
}

#[test]
fn a_trainer_takes_the_steps_of_the_explicit_pass() {
    // Batches of a single row too.
    for batch in [BATCH, 1] {
        check_explicit_pass::<f32>(batch);
        check_explicit_pass::<f64>(batch);
    }
}

/// Zeros keep their sign too, in networks with one unit per layer.
#[test]
fn both_ways_give_a_zero_the_same_sign() {
    for i in 0..16 {
        let sign = |bit| if i >> bit & 1 == 0 { 1.0 } else { -1.0 };
        let (x, y, w0, w1) = (sign(0), sign(1), sign(2) * 0.0, sign(3) * 0.0);
        let layer = |w: f64, f| Layer::new(array![[w]], array![-0.0], f).unwrap();
        let network = Network::from_layers(vec![layer(w0, Activation::Tanh), layer(w1, Activation::Identity)]).unwrap();
        let (mut by_trainer, mut by_hand) = (network.clone(), network);
        let (x, y) = (array![[x]], array![[y]]);
        let data = Dataset::new(x.clone(), y.clone()).unwrap();
        let mut trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(0.1)).epochs(1);
        trainer.fit(&mut by_trainer, &data, &mut rng(1)).unwrap();

        let mut workspace = Workspace::new(&by_hand, 1);
        by_hand.forward(x.view(), &mut workspace).unwrap();
        by_hand.backward(x.view(), y.view(), Loss::MeanSquaredError, &mut workspace).unwrap();
        Sgd::new(0.1).step(&mut by_hand, workspace.gradients()).unwrap();
        assert_eq!(network_bits(&by_trainer), network_bits(&by_hand), "{x}, {y}, {w0}, {w1}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let run = |seed| {
        let mut rng = rng(seed);
        let (train, test) = Dataset::<f32>::moons(100, 0.2, &mut rng).unwrap().split(0.7, &mut rng).unwrap();
        let builder = Network::builder(2).layer(8, Activation::Relu).layer(2, Activation::Softmax);
        let mut network = builder.build(&mut rng).unwrap();
        let history = trainer(full_sgd(), 4).validation(&test).fit(&mut network, &train, &mut rng).unwrap();
        (network_bits(&network), history)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

// --- The order of the rows ------------------------------------------------------------------------------------------

thread_local! {
    static SEEN: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// The inputs, one per row, in the order in which training of one unit with w = 1 sees them.
fn orders(epochs: usize, shuffle: bool, batch: usize, seed: u64) -> Vec<Vec<f64>> {
    let witness = Activation::Custom {
        name: "witness",
        f: |z| {
            SEEN.with_borrow_mut(|seen| seen.push(z));
            z
        },
        slope: |_, _| 1.0,
    };
    let mut network = Network::from_layers(vec![Layer::new(array![[1.0]], array![0.0], witness).unwrap()]).unwrap();
    let x = Array2::from_shape_fn((10, 1), |(i, _)| i as f64);
    let data = Dataset::new(x.clone(), x).unwrap(); // fits from the start: nothing changes
    SEEN.with_borrow_mut(Vec::clear);
    let mut trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(0.1)).epochs(epochs).shuffle(shuffle);
    trainer = trainer.batch_size(batch);
    trainer.fit(&mut network, &data, &mut rng(seed)).unwrap();
    SEEN.with_borrow(|seen| seen.chunks(10).map(<[f64]>::to_vec).collect())
}

#[test]
fn every_epoch_takes_every_row_once_and_in_an_order_of_its_own() {
    let in_order: Vec<f64> = (0..10).map(f64::from).collect();
    assert_eq!(orders(3, false, 4, 1), vec![in_order.clone(); 3]);

    let shuffled = orders(300, true, 4, 1);
    assert_eq!(shuffled.len(), 300);
    for order in &shuffled {
        let mut sorted = order.clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(sorted, in_order);
    }
    assert!(shuffled.windows(2).all(|pair| pair[0] != pair[1]));
    // Each row is first in about 30 of 300 epochs; five standard deviations are 26.
    for row in &in_order {
        let first = shuffled.iter().filter(|order| order[0] == *row).count();
        assert!(first.abs_diff(30) <= 26, "row {row} comes first {first} times");
    }
    assert_eq!(orders(3, true, 4, 1), shuffled[..3]); // an epoch's order is the seed's and the epoch's
    assert_ne!(orders(3, true, 4, 2), shuffled[..3]);
}

/// One u64 at the first fit with shuffling. None without shuffling, none later.
#[test]
fn shuffling_draws_a_single_number() {
    for (shuffle, draws) in [(true, 1), (false, 0)] {
        let (mut used, mut expected) = (rng(6), rng(6));
        let mut trainer = trainer::<f64>(Sgd::new(0.1), 3).shuffle(shuffle);
        let mut network = classifier();
        for _ in 0..2 {
            trainer.fit(&mut network, &data(), &mut used).unwrap();
        }
        (0..draws).for_each(|_| _ = expected.random::<u64>());
        assert_eq!(used.next_u64(), expected.next_u64());
    }
}

// --- Divergence ------------------------------------------------------------------------------------------------------

fn regression<F: Real>(size: f64) -> Dataset<F> {
    Dataset::new(uniform((20, 3), -size, size, 7), uniform((20, 2), -1.0, 1.0, 8)).unwrap()
}

fn regressor<F: Real>() -> Network<F> {
    network(3, &[(4, SOFTPLUS), (2, Activation::Identity)], 9)
}

fn descend<'a, F: Real>(sgd: Sgd<F>, epochs: usize, batch: usize) -> Trainer<'a, F> {
    Trainer::new(Loss::MeanSquaredError, sgd).epochs(epochs).batch_size(batch)
}

/// A rate that grows until training diverges, in the middle of a later epoch.
#[test]
fn on_divergence_the_network_is_back_at_the_start_of_the_epoch() {
    let sgd = || Sgd::<f64>::new(1e-3).momentum(0.5).schedule(Schedule::Exponential { factor: 1e40 });
    let data = regression(1.0);
    let mut diverged = regressor();
    let mut trainer = descend(sgd(), 50, 2).shuffle(false);
    let error = trainer.fit(&mut diverged, &data, &mut rng(1)).unwrap_err();
    let Error::Diverged { epoch, cost, last_finite_cost, learning_rate, largest_input, largest_target, .. } =
        error.clone()
    else {
        panic!("{error}")
    };
    assert!(epoch > 0 && !cost.is_finite(), "{error}");
    assert_eq!(learning_rate, 1e-3 * 1e40_f64.powf(epoch as f64));
    let last = last_finite_cost.unwrap();
    assert!(last.is_finite() && last > 1e100, "{error}");

    let mut until_then = regressor();
    let history = descend(sgd(), epoch, 2).shuffle(false).fit(&mut until_then, &data, &mut rng(1)).unwrap();
    assert_eq!(network_bits(&diverged), network_bits(&until_then));
    assert_eq!(trainer.history(), &history);
    // There was something to restore: the first batch of the epoch had a finite cost, and its step was taken.
    let first = s![..2, ..];
    let (x, y) = (data.inputs(), data.targets());
    let cost_of_first = until_then.cost(x.slice(first), y.slice(first), Loss::MeanSquaredError).unwrap();
    assert!(cost_of_first.is_finite());

    let largest = |array: ArrayView2<f64>| array.fold(0.0, |largest: f64, x| largest.max(x.abs()));
    assert_eq!((largest_input, largest_target), (Some(largest(x)), Some(largest(y))));
    let text = error.to_string();
    assert!(text.starts_with(&format!("training diverged in epoch {epoch}: cost {cost}, last finite cost ")), "{text}");
    assert!(text.contains(", learning rate 1e37. Try a learning rate ten times smaller. "), "{text}");
    let largest = "scale the inputs (largest: 0.9799) and the targets (largest: 0.9763) to about -1 to 1, or make";
    assert!(text.contains(largest), "{text}");
}

/// A rate that is a little too high: the cost grows from epoch to epoch, and stays finite for long.
#[test]
fn a_cost_that_has_left_every_reasonable_size_is_a_divergence() {
    for size in [1.0, 1e5] {
        let targets = uniform::<f64>((20, 1), -size, size, 8);
        let data = Dataset::new(uniform((20, 3), -1.0, 1.0, 7), targets).unwrap();
        let mut network = network::<f64>(3, &[(1, Activation::Identity)], 9);
        let mut trainer = descend(Sgd::new(2.0), 200, 20);
        let error = trainer.fit(&mut network, &data, &mut rng(1)).unwrap_err();
        let Error::Diverged { cost, .. } = error else { panic!("{error}") };
        let square = data.targets().mapv(|y| y * y).mean().unwrap();
        let start = trainer.history().cost[0].max(square).max(1.0);
        assert!(cost.is_finite() && cost > 1e8 * start && cost < 1e12 * start, "{cost:e} for {start:e}");
        // What came before it stays, and so does the network at the start of the epoch.
        let last = trainer.history().cost.last().unwrap();
        assert!(*last <= 1e8 * start);
        let now = network.cost(data.inputs(), data.targets(), Loss::MeanSquaredError).unwrap();
        assert!((now / cost - 1.0).abs() < 1e-12, "one batch: its cost is that of the network before the step");
    }
}

/// Costs far from 1 are honest where the targets are; and a first batch may have a small one by chance.
#[test]
fn honest_training_is_not_taken_for_a_divergence() {
    let x = uniform::<f64>((40, 2), -1.0, 1.0, 7);
    let mut y = uniform::<f64>((40, 1), -1e7, 1e7, 8);
    y.slice_mut(s![..20, ..]).fill(0.0);
    let data = Dataset::new(x, y).unwrap();
    let mut network = network::<f64>(2, &[(1, Activation::Identity)], 9);
    let mut trainer = descend(Sgd::new(0.1), 5, 20).shuffle(false);
    let history = trainer.fit(&mut network, &data, &mut rng(1)).unwrap();
    assert!(history.cost[0] > 1e12);
}

/// A sigmoid for targets of 3 to 6 trains to a constant 1: allowed, and told.
#[test]
fn targets_that_the_outputs_cannot_reach_are_counted() {
    let share = |output, targets: Array2<f64>| {
        let data = Dataset::new(uniform((4, 2), -1.0, 1.0, 7), targets).unwrap();
        let mut network = network::<f64>(2, &[(1, output)], 9);
        let history = descend(Sgd::new(0.01), 1, 4).fit(&mut network, &data, &mut rng(1)).unwrap();
        history.unreachable_targets
    };
    let high = || array![[3.0], [4.0], [5.0], [1.0]];
    assert_eq!(share(Activation::Sigmoid, high()), 0.75);
    assert_eq!(share(Activation::Tanh, high()), 0.75);
    assert_eq!(share(Activation::Tanh, -high()), 0.75);
    assert_eq!(share(Activation::Relu, high()), 0.0);
    assert_eq!(share(Activation::Relu, -high()), 1.0);
    assert_eq!(share(Activation::Identity, -high()), 0.0);
    assert_eq!(share(Activation::Gelu, array![[-0.17], [-0.18], [0.0], [9.0]]), 0.25);
    assert_eq!(share(Activation::Silu, array![[-0.27], [-0.28], [0.0], [9.0]]), 0.25);
    assert_eq!(share(Activation::Elu, array![[-1.0], [-1.01], [0.0], [9.0]]), 0.25);
    assert_eq!(share(Activation::Sigmoid, array![[0.0], [1.0], [0.5], [0.1]]), 0.0);
    assert_eq!(share(Activation::Sigmoid, array![[-0.1], [1.1], [0.5], [0.1]]), 0.5);
    assert_eq!(share(Activation::Tanh, array![[-1.1], [1.1], [-1.0], [1.0]]), 0.5);
    assert_eq!(share(Activation::Relu, array![[0.0], [0.5], [-0.1], [9.0]]), 0.25);
}

// --- Another network ---------------------------------------------------------------------------------------------

#[test]
fn a_trainer_refuses_a_network_that_it_has_not_trained() {
    let text = "this trainer has trained another network for 3 epochs: for a new training, call reset or make another \
                Trainer; to go on with these parameters, call continue_with";
    let fresh = |trainer: &mut Trainer<f64>| {
        let mut network = classifier();
        trainer.fit(&mut network, &data(), &mut rng(4)).map(|history| (network_bits(&network), history))
    };
    let mut trainer = trainer(full_sgd(), 3);
    let first = fresh(&mut trainer).unwrap();
    let refused = fresh(&mut trainer).unwrap_err();
    assert_eq!(refused.to_string(), text);
    assert_eq!(trainer.history(), &first.1);

    // Afresh: everything as the first time.
    trainer.reset();
    assert_eq!(trainer.history(), &History::default());
    assert_eq!(fresh(&mut trainer).unwrap(), first);

    // On, with other parameters.
    let mut changed = classifier::<f64>();
    assert_eq!(trainer.fit(&mut changed, &data(), &mut rng(4)).unwrap_err().to_string(), text);
    trainer.continue_with(&changed);
    trainer.fit(&mut changed, &data(), &mut rng(4)).unwrap();
    assert_eq!(trainer.history().cost.len(), 6);
    // A copy of its network is its network.
    trainer.fit(&mut changed.clone(), &data(), &mut rng(4)).unwrap();
}

/// Also where the first fit has failed after some epochs: its history is that of its network.
#[test]
fn a_trainer_that_has_diverged_refuses_another_network() {
    let data = regression(1.0);
    let mut network = regressor();
    let schedule = Schedule::Exponential { factor: 1e40 };
    let mut trainer = descend(Sgd::<f64>::new(1e-3).schedule(schedule), 50, 2);
    assert!(matches!(trainer.fit(&mut network, &data, &mut rng(1)), Err(Error::Diverged { .. })));
    assert!(!trainer.history().cost.is_empty());
    let mut other = common::network(3, &[(4, SOFTPLUS), (2, Activation::Identity)], 10);
    assert!(matches!(trainer.fit(&mut other, &data, &mut rng(1)), Err(Error::AnotherNetwork { .. })));
}

/// A rate that is refused in a later epoch leaves the trainer with its network, as a divergence does.
#[test]
fn a_rate_that_is_refused_later_leaves_the_trainer_with_its_network() {
    let data = data();
    let mut network = classifier::<f64>();
    let factor = |epoch| if epoch < 4 { 1.0 } else { f64::NAN };
    let sgd = Sgd::new(0.1).momentum(0.5).schedule(Schedule::Custom { name: "ends", factor });
    let mut trainer = trainer(sgd, 3).validation(&data).early_stopping(chainrule::EarlyStopping::patience(9));
    trainer.fit(&mut network, &data, &mut rng(4)).unwrap();
    let error = trainer.fit(&mut network, &data, &mut rng(4)).unwrap_err();
    assert!(error.to_string().starts_with("learning rate of the schedule: expected a finite number"), "{error}");
    assert_eq!(trainer.history().cost.len(), 4);
    assert!(format!("{:?}", trainer.optimizer()).contains("velocity: None")); // as after a divergence
    *trainer.optimizer_mut() = Sgd::new(0.1);
    trainer.fit(&mut network, &data, &mut rng(4)).unwrap();
    assert_eq!(trainer.history().cost.len(), 7);
}

#[test]
fn a_first_cost_that_is_infinite_has_none_before_it() {
    let targets = Dataset::new(array![[1.0]], array![[1e200]]).unwrap(); // its square overflows f64
    let mut network = network::<f64>(1, &[(1, Activation::Identity)], 1);
    let before = network_bits(&network);
    let error = descend(Sgd::new(0.1), 1, 1).fit(&mut network, &targets, &mut rng(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "training diverged in epoch 0: cost inf, no finite cost before it, learning rate 0.1. Try a learning rate ten \
         times smaller. If that does not help, scale the inputs (largest: 1) and the targets (largest: 1e200) to about -1 \
         to 1, or make the initial weights smaller"
    );
    assert_eq!(network_bits(&network), before);
}

#[test]
fn parameters_that_overflow_behind_a_finite_cost_are_noticed() {
    let mut network = regressor::<f32>();
    let before = network_bits(&network);
    let error = descend(Sgd::new(3e38), 5, 20).fit(&mut network, &regression(10.0), &mut rng(1)).unwrap_err();
    assert!(matches!(error, Error::Diverged { epoch: 0, cost, .. } if cost.is_finite()), "{error}");
    assert_eq!(network_bits(&network), before);
}

/// One row, whose gradient is x times as large for the weight as for the bias.
#[test]
fn a_weight_or_a_bias_that_overflows_alone_is_noticed() {
    for (x, rate) in [(1e10, 1e30), (1e-10, 3e38)] {
        let data = Dataset::<f32>::new(array![[x]], array![[1.0]]).unwrap();
        let unit = Layer::new(array![[0.0]], array![0.0], Activation::Identity).unwrap();
        let mut network = Network::from_layers(vec![unit]).unwrap();
        let error = descend(Sgd::new(rate), 1, 1).fit(&mut network, &data, &mut rng(1)).unwrap_err();
        assert!(matches!(error, Error::Diverged { cost: 1.0, .. }), "{error}");
        assert_eq!(network_bits(&network), [0, 0]);
    }
}

/// A good fit, a diverging one, and a good one again, which starts with zero velocity.
#[test]
fn on_divergence_the_velocity_is_zero() {
    let sgd = || Sgd::<f64>::new(0.05).momentum(0.9);
    let mut network = regressor();
    let mut trainer = descend(sgd(), 3, 6).shuffle(false);
    trainer.fit(&mut network, &regression(1.0), &mut rng(1)).unwrap();
    let mut from_rest = network.clone();
    let mut rolling = network.clone();
    descend(sgd(), 1, 6).shuffle(false).fit(&mut rolling, &regression(1.0), &mut rng(1)).unwrap();

    let error = trainer.fit(&mut network, &regression(1e200), &mut rng(1)).unwrap_err();
    assert!(matches!(error, Error::Diverged { epoch: 3, .. }), "{error}");
    assert_eq!(network_bits(&network), network_bits(&from_rest));

    trainer.fit(&mut network, &regression(1.0), &mut rng(1)).unwrap();
    descend(sgd(), 3, 6).shuffle(false).fit(&mut from_rest, &regression(1.0), &mut rng(1)).unwrap();
    assert_eq!(network_bits(&network), network_bits(&from_rest));
    assert_eq!(trainer.history().cost.len(), 6); // the diverged epoch does not count
}

/// Unscaled pictures and any rate: either training succeeds and everything is finite, or it reports divergence and
/// restores everything.
#[test]
fn inputs_from_0_to_255_and_huge_rates_leave_nothing_half_done() {
    let data = Dataset::<f32>::new(uniform((40, 48), 0.0, 255.0, 1), one_hot_rows((40, 10), 2)).unwrap();
    let (mut trained, mut diverged) = (0, 0);
    for hidden in [Activation::Relu, Activation::Tanh, SOFTPLUS] {
        for rate in (-6..=38).step_by(4).map(|e| 10_f64.powi(e)) {
            let mut network = network::<f32>(48, &[(16, hidden), (16, hidden), (10, Activation::Softmax)], 3);
            let before = network_bits(&network);
            let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(rate).momentum(0.9)).epochs(1).batch_size(8);
            match trainer.fit(&mut network, &data, &mut rng(4)) {
                Ok(history) => {
                    trained += 1;
                    assert!(history.cost.iter().all(|cost| cost.is_finite()));
                    assert!(network.predict(data.inputs()).unwrap().iter().all(|a| a.is_finite()) || rate > 1e15);
                    assert_ne!(network_bits(&network), before);
                }
                Err(Error::Diverged { epoch: 0, .. }) => {
                    diverged += 1;
                    assert_eq!(network_bits(&network), before);
                }
                Err(error) => panic!("{error}"),
            }
            assert!(network.layers().iter().all(|l| l.affine.weights.iter().all(|w| w.is_finite())));
        }
    }
    assert!(trained > 5 && diverged > 5, "{trained} {diverged}");
}

// --- Reports, validation, stopping -----------------------------------------------------------------------------------

#[test]
fn a_callback_sees_every_epoch_and_can_stop() {
    struct Seen {
        epoch: usize,
        cost: f64,
        accuracy: Option<f64>,
        validation_cost: Option<f64>,
        validation_accuracy: Option<f64>,
        learning_rate: f64,
        elapsed: std::time::Duration,
        network: Network<f64>,
    }
    let reports = RefCell::new(Vec::<Seen>::new());
    let test = data();
    let mut stopped = classifier::<f64>();
    let mut trainer = trainer(full_sgd(), usize::MAX).validation(&test).on_epoch(|report| {
        reports.borrow_mut().push(Seen {
            epoch: report.epoch,
            cost: report.cost,
            accuracy: report.accuracy,
            validation_cost: report.validation_cost,
            validation_accuracy: report.validation_accuracy,
            learning_rate: report.learning_rate,
            elapsed: report.elapsed,
            network: report.network.clone(),
        });
        if report.epoch % 3 == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let first = trainer.fit(&mut stopped, &data(), &mut rng(4)).unwrap();
    assert_eq!((first.cost.len(), reports.borrow().len()), (3, 3));
    let mut three_epochs = classifier::<f64>();
    self::trainer(full_sgd(), 3).fit(&mut three_epochs, &data(), &mut rng(4)).unwrap();
    assert_eq!(network_bits(&stopped), network_bits(&three_epochs));

    // It continues where it stopped, and epochs continue to count.
    trainer.fit(&mut stopped, &data(), &mut rng(4)).unwrap();
    let history: History = trainer.history().clone();
    drop(trainer);
    let reports = reports.into_inner();
    assert_eq!(reports.iter().map(|r| r.epoch).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(reports.iter().map(|r| r.cost).collect::<Vec<_>>(), history.cost);
    assert_eq!(reports.iter().filter_map(|r| r.validation_cost).collect::<Vec<_>>(), history.validation_cost);
    assert_eq!(reports.iter().filter_map(|r| r.validation_accuracy).collect::<Vec<_>>(), history.validation_accuracy);
    assert_eq!(history.validation_accuracy.len(), 6);
    assert_eq!(reports.iter().filter_map(|r| r.accuracy).collect::<Vec<_>>(), history.accuracy);
    assert_eq!(history.accuracy.len(), 6);
    // The schedule takes a tenth off in each epoch.
    assert!(reports.iter().all(|r| (r.learning_rate - 0.3 * 0.9_f64.powf(r.epoch as f64)).abs() < 1e-15));
    // Time passes within a fit.
    assert!(reports[0].elapsed > std::time::Duration::ZERO && reports[2].elapsed > reports[0].elapsed);
    assert_eq!(reports[2].network, three_epochs);
    assert_eq!(reports[5].network, stopped);
}

/// More rows than one chunk; the cost is without the penalty.
#[test]
fn validation_measures_the_network_at_the_end_of_the_epoch() {
    let mut rng = rng(1);
    let (train, test) = Dataset::<f64>::moons(700, 0.2, &mut rng).unwrap().split(0.1, &mut rng).unwrap();
    let mut network = network(2, &[(5, Activation::Tanh), (2, Activation::Softmax)], 1);
    let sgd = Sgd::new(0.1).weight_decay(0.1);
    let mut trainer = Trainer::new(Loss::CrossEntropy, sgd).epochs(2).validation(&test);
    let history = trainer.fit(&mut network, &train, &mut rng).unwrap();
    let cost = network.cost(test.inputs(), test.targets(), Loss::CrossEntropy).unwrap();
    assert!((history.validation_cost[1] - cost).abs() < 1e-14, "{history:?} {cost}");
    let classes = network.classify(test.inputs()).unwrap().to_vec();
    assert_eq!(history.validation_accuracy[1], accuracy(&classes, test.labels().unwrap()).unwrap());
    assert!(history.validation_accuracy[1] > 0.5);
}

/// Targets that are not classes have a cost and no accuracy. A validation that begins at the second fit has entries
/// from that fit on.
#[test]
fn validation_has_entries_only_where_it_means_something() {
    let set = regression::<f64>(1.0);
    let mut network = regressor();
    let mut trainer = descend(Sgd::new(0.01), 2, 20);
    let without = trainer.fit(&mut network, &set, &mut rng(1)).unwrap();
    assert_eq!((without.cost.len(), without.validation_cost.len()), (2, 0));
    let mut trainer = trainer.validation(&set);
    let with = trainer.fit(&mut network, &set, &mut rng(1)).unwrap();
    assert_eq!((with.cost.len(), with.validation_cost.len(), with.validation_accuracy.len()), (2, 2, 0));
    assert_eq!((trainer.history().cost.len(), trainer.history().validation_cost.len()), (4, 2));
}

#[test]
fn a_trainer_shows_what_it_was_told_and_what_came_of_it() {
    let mut trainer = trainer::<f64>(full_sgd(), 2).shuffle(false);
    trainer.fit(&mut classifier(), &data(), &mut rng(1)).unwrap();
    let words = format!("{trainer:?}");
    let history = format!("history: {:?}", trainer.history());
    for part in [
        "Trainer { loss: CrossEntropy",
        "optimizer: Sgd {",
        "epochs: 2",
        "batch_size: Some(5)",
        "shuffle: false",
        &history,
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
}

#[test]
fn gradients_of_another_layout_are_overwritten_as_others_are() {
    let (network, data) = (classifier::<f64>(), data());
    let mut workspace = Workspace::new(&network, ROWS);
    let mut pass = |columns: bool| {
        let gradients = workspace.gradients_mut();
        if columns {
            for gradient in gradients {
                gradient.weights = Array2::zeros((gradient.weights.ncols(), gradient.weights.nrows())).reversed_axes();
            }
        }
        network.forward(data.inputs(), &mut workspace).unwrap();
        network.backward(data.inputs(), data.targets(), Loss::CrossEntropy, &mut workspace).unwrap();
        workspace.gradients().to_vec()
    };
    assert_eq!(pass(false), pass(true));
}

// --- An optimiser of the caller's ------------------------------------------------------------------------------------

/// θ ← θ − ηG, written outside of the crate.
struct PlainDescent {
    rate: f64,
    steps: usize,
}

impl Optimizer<f64> for PlainDescent {
    fn update(&mut self, network: &mut Network<f64>, gradients: &[Affine<f64>]) {
        for (mut layer, gradient) in network.layers_mut().zip(gradients) {
            layer.weights.scaled_add(-self.rate, &gradient.weights);
            layer.bias.scaled_add(-self.rate, &gradient.bias);
        }
        self.steps += 1;
    }

    fn current_rate(&self) -> f64 {
        self.rate
    }
}

#[test]
fn an_optimiser_of_the_callers_trains_as_the_crates_own_does() {
    let (mut own, mut sgd) = (classifier(), classifier());
    let mut trainer = Trainer::new(Loss::CrossEntropy, PlainDescent { rate: 0.1, steps: 0 }).epochs(3).batch_size(5);
    let history = trainer.fit(&mut own, &data(), &mut rng(1)).unwrap();
    let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).epochs(3).batch_size(5);
    let expected = trainer.fit(&mut sgd, &data(), &mut rng(1)).unwrap();
    // The crate's own rounds once where this one rounds twice.
    for (cost, expected) in history.cost.iter().zip(&expected.cost) {
        assert!((cost - expected).abs() < 1e-12, "{cost}, {expected}");
    }
    for (layer, expected) in own.layers().iter().zip(sgd.layers()) {
        assert!(layer.affine.weights.abs_diff_eq(&expected.affine.weights, 1e-12));
    }
}

#[test]
fn a_step_of_the_callers_optimiser_is_checked_as_well() {
    let mut optimizer = PlainDescent { rate: 0.1, steps: 0 };
    let error = optimizer.step(&mut classifier(), &[]).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
    assert_eq!(optimizer.steps, 0);
}

// --- Invalid hyperparameters -----------------------------------------------------------------------------------------

/// The errors of the trainer and of the explicit step for an optimiser; both leave the network unchanged.
fn refusals<F: Real>(sgd: Sgd<F>) -> [Option<String>; 2] {
    let mut network = classifier::<F>();
    let before = network_bits(&network);
    let gradients: Vec<Affine<F>> = network.layers().iter().map(|layer| layer.affine.clone()).collect();
    let by_trainer = trainer(sgd.clone(), 1).fit(&mut network, &data(), &mut rng(1)).err();
    if by_trainer.is_some() {
        assert_eq!(network_bits(&network), before);
    }
    let mut network = classifier::<F>();
    let by_step = { sgd }.step(&mut network, &gradients).err();
    assert!(by_step.is_none() || network_bits(&network) == before);
    [by_trainer, by_step].map(|error| error.map(|error| error.to_string()))
}

fn check_refused<F: Real>(sgd: Sgd<F>, text: &str) {
    assert_eq!(refusals(sgd), [Some(text.to_owned()), Some(text.to_owned())]);
}

#[test]
fn rates_momentum_and_decay_are_checked() {
    for (rate, found) in [(f64::NAN, "NaN"), (0.0, "0"), (-0.1, "-0.1"), (f64::INFINITY, "inf")] {
        check_refused::<f64>(
            Sgd::new(rate),
            &format!(
                "learning rate: expected a finite number above 0, found {found}. Usual rates are 0.001 to 0.1, the \
                 optimiser's first argument"
            ),
        );
    }
    // A positive finite f64 may be infinite or zero in f32.
    for rate in [1e300, 1e-300] {
        let text = format!(
            "learning rate: expected a finite number above 0, found {rate:e}, which the network's f32 cannot hold"
        );
        check_refused::<f32>(Sgd::new(rate), &text);
    }
    assert_eq!(refusals::<f64>(Sgd::new(1e-300)), [None, None]);
    for (momentum, found) in [(f64::NAN, "NaN"), (1.0, "1"), (-0.1, "-0.1"), (f64::INFINITY, "inf")] {
        let text = format!("momentum: expected 0 or more, and below 1, found {found}");
        check_refused::<f64>(Sgd::new(0.1).momentum(momentum), &text);
    }
    check_refused::<f32>(
        Sgd::new(0.1).momentum(0.999_999_999_999), // 1 in f32
        "momentum: expected 0 or more, and below 1, found 0.999999999999, which the network's f32 rounds to 1",
    );
    for (decay, found) in [(f64::NAN, "NaN"), (-0.1, "-0.1"), (f64::INFINITY, "inf")] {
        let text = format!("weight decay: expected a finite number, 0 or more, found {found}");
        check_refused::<f64>(Sgd::new(0.1).weight_decay(decay), &text);
    }
    assert_eq!(refusals::<f32>(Sgd::new(0.1).momentum(0.99).weight_decay(0.5)), [None, None]);
}

#[test]
fn schedules_are_checked_before_the_first_epoch() {
    for (factor, found) in [(0.0, "0"), (-0.5, "-0.5"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let text = format!("factor of the schedule: expected a finite number above 0, found {found}");
        check_refused::<f64>(Sgd::new(0.1).schedule(Schedule::Exponential { factor }), &text);
        check_refused::<f64>(Sgd::new(0.1).schedule(Schedule::Step { every: 1, factor }), &text);
    }
    for schedule in [Schedule::Step { every: 0, factor: 0.5 }, Schedule::Cosine { epochs: 0 }] {
        check_refused::<f64>(Sgd::new(0.1).schedule(schedule), "epochs of the schedule: expected 1 or more, found 0");
    }
}

#[test]
fn schedules_have_the_factors_that_they_say() {
    let table = [
        (Schedule::Constant, [1.0; 5]),
        (Schedule::Exponential { factor: 0.5 }, [1.0, 0.5, 0.25, 0.125, 0.0625]),
        (Schedule::Step { every: 2, factor: 0.1 }, [1.0, 1.0, 0.1, 0.1, 0.01]),
        // (1 + cos(π e / 3)) / 2, then the last rate
        (Schedule::Cosine { epochs: 3 }, [1.0, 0.75, 0.25, 0.25, 0.25]),
    ];
    for (schedule, factors) in table {
        let mut sgd = Sgd::<f64>::new(0.3).schedule(schedule);
        for (epoch, factor) in factors.into_iter().enumerate() {
            sgd.set_epoch(epoch);
            assert!((sgd.current_rate() - 0.3 * factor).abs() < 1e-16, "{schedule:?} in epoch {epoch}");
        }
    }
    // A rate that falls to zero in f32 does not end training.
    let sgd = Sgd::new(0.1).schedule(Schedule::Exponential { factor: 1e-10 });
    assert_eq!(trainer::<f32>(sgd, 8).fit(&mut classifier(), &data(), &mut rng(1)).unwrap().cost.len(), 8);
}

#[test]
fn batch_sizes_run_from_one_to_the_whole_set() {
    for (size, found) in [(0, "0"), (ROWS + 1, "24"), (usize::MAX, "1.8446744e19")] {
        let error = trainer::<f64>(Sgd::new(0.1), 1).batch_size(size).fit(&mut classifier(), &data(), &mut rng(1));
        let text = format!(
            "batch size: expected 1 to 23, the rows of the training set, found {found}. Trainer::batch_size sets it"
        );
        assert_eq!(error.unwrap_err().to_string(), text);
    }
    let fit = |trainer: Trainer<'_, f64>| {
        let mut network = classifier();
        { trainer }.shuffle(false).fit(&mut network, &data(), &mut rng(1)).unwrap();
        network_bits(&network)
    };
    // The whole set in one batch, the default for fewer than 32 rows: one step per epoch.
    let whole = fit(trainer(Sgd::new(0.1), 1).batch_size(ROWS));
    assert_eq!(whole, fit(Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).epochs(1)));
    assert_ne!(whole, fit(trainer(Sgd::new(0.1), 1).batch_size(1)));
    // Two steps of one row equal the explicit steps of these rows.
    let two = Dataset::new(data::<f64>().inputs().slice(s![..2, ..]).to_owned(), one_hot_rows((2, 3), 2)).unwrap();
    let (mut by_trainer, mut by_hand) = (classifier(), classifier());
    trainer(Sgd::new(0.1), 1).batch_size(1).shuffle(false).fit(&mut by_trainer, &two, &mut rng(1)).unwrap();
    let mut workspace = Workspace::new(&by_hand, 1);
    for (x, y) in two.inputs().axis_chunks_iter(Axis(0), 1).zip(two.targets().axis_chunks_iter(Axis(0), 1)) {
        by_hand.forward(x, &mut workspace).unwrap();
        by_hand.backward(x, y, Loss::CrossEntropy, &mut workspace).unwrap();
        Sgd::new(0.1).step(&mut by_hand, workspace.gradients()).unwrap();
    }
    assert_eq!(network_bits(&by_trainer), network_bits(&by_hand));
}

#[test]
fn no_epochs_are_no_training() {
    let mut network = classifier::<f64>();
    let before = network_bits(&network);
    let history = trainer(Sgd::new(0.1), 0).fit(&mut network, &data(), &mut rng(1)).unwrap();
    assert_eq!((history, network_bits(&network)), (History::default(), before));
}

// --- What a second look found ----------------------------------------------------------------------------------------

/// Each batch before its update, the last one of two rows: the share of all rows, as the explicit pass counts it.
#[test]
fn the_training_accuracy_is_the_share_of_rows_right_before_their_update() {
    let data = data::<f64>();
    let labels = data.labels().unwrap().to_vec();
    let mut network = classifier();
    let mut training = Trainer::new(Loss::CrossEntropy, Sgd::new(0.5)).batch_size(7).epochs(4).shuffle(false);
    let history = training.fit(&mut network, &data, &mut rng(1)).unwrap();

    let (mut stepped, mut sgd) = (classifier(), Sgd::new(0.5));
    let mut workspace = Workspace::new(&stepped, 7);
    for epoch in 0..4 {
        let mut right = 0;
        for first in (0..ROWS).step_by(7) {
            let rows = first..ROWS.min(first + 7);
            let (x, y) = (data.inputs(), data.targets());
            let (x, y) = (x.slice(s![rows.clone(), ..]), y.slice(s![rows.clone(), ..]));
            let classes = stepped.classify(x).unwrap();
            right += classes.iter().zip(&labels[rows]).filter(|(class, label)| class == label).count();
            stepped.forward(x, &mut workspace).unwrap();
            stepped.backward(x, y, Loss::CrossEntropy, &mut workspace).unwrap();
            sgd.step(&mut stepped, workspace.gradients()).unwrap();
        }
        assert_eq!(history.accuracy[epoch], right as f64 / ROWS as f64, "epoch {epoch}");
    }
    assert!(history.accuracy[3] > history.accuracy[0] && history.accuracy[0] > 0.0, "{:?}", history.accuracy);
}

/// 10 epochs, in batches of 32.
#[test]
fn a_trainer_that_is_told_nothing_does_what_its_documentation_says() {
    let data = Dataset::new(uniform((70, 4), -1.0, 1.0, 1), one_hot_rows((70, 3), 2)).unwrap();
    let fit = |trainer: Trainer<'_, f64>| {
        let mut network = classifier();
        let history = { trainer }.fit(&mut network, &data, &mut rng(1)).unwrap();
        (history.cost.len(), network_bits(&network))
    };
    let plain = || Trainer::new(Loss::CrossEntropy, Sgd::new(0.1));
    assert_eq!(fit(plain()).0, 10);
    assert_eq!(fit(plain()), fit(plain().epochs(10).batch_size(32).shuffle(true)));
}

/// w·x + b with w = 1 and b = 0, and a rate that moves nothing.
fn explosion(x: Array2<f64>, y: Array2<f64>, in_pieces: bool) -> chainrule::Result<f64> {
    let layer = Layer::new(array![[1.0]], array![0.0], Activation::Identity).unwrap();
    let mut network = Network::from_layers(vec![layer]).unwrap();
    let data = Dataset::new(x, y).unwrap();
    let mut trainer = descend(Sgd::new(1e-300), 1, 1).shuffle(false);
    let history = if in_pieces {
        trainer.fit_stream(&mut network, |_| [data.rows(0..1), data.rows(1..2)], &mut rng(1))
    } else {
        trainer.fit(&mut network, &data, &mut rng(1))
    };
    history.map(|history| history.cost[0])
}

/// The bound is 10⁸ times the first cost, the mean square of the targets, or 1, whichever is most. The first cost is 0.
#[test]
fn the_bound_of_an_explosion_is_the_largest_of_three() {
    // Targets of 0: the 1.
    assert_eq!(explosion(array![[0.0], [1.0]], array![[0.0], [0.0]], false), Ok(0.5));
    assert!(explosion(array![[0.0], [2e4]], array![[0.0], [0.0]], false).is_err());
    // Targets of 1000: their square.
    assert_eq!(explosion(array![[1e3], [2e6]], array![[1e3], [1e3]], false), Ok((2e6_f64 - 1e3).powi(2) / 2.0));
    assert!(explosion(array![[1e3], [2e8]], array![[1e3], [1e3]], false).is_err());
    // In pieces: the largest of the pieces so far.
    assert_eq!(explosion(array![[1.0], [2e6]], array![[1.0], [1e6]], true), Ok(0.5e12));
}

/// The largest numbers of a diverged training may be small.
#[test]
fn a_divergence_names_the_largest_input_and_target() {
    let data = Dataset::new(array![[0.5], [-0.25]], array![[0.125], [-0.75]]).unwrap();
    let mut network = network::<f64>(1, &[(1, Activation::Identity)], 1);
    let error = descend(Sgd::new(1e300), 5, 1).fit(&mut network, &data, &mut rng(1)).unwrap_err();
    let Error::Diverged { largest_input, largest_target, .. } = error else { panic!("{error}") };
    assert_eq!((largest_input, largest_target), (Some(0.5), Some(0.75)));
    // Whether to scale the targets depends on the outputs. The first step overflows, also that of a tanh.
    let data = Dataset::new(array![[0.5], [-0.25]], array![[100.0], [-100.0]]).unwrap();
    for (output, bounded) in [(Activation::Identity, false), (Activation::Relu, false), (Activation::Tanh, true)] {
        let layer = Layer::new(array![[1.0]], array![0.5], output).unwrap();
        let mut network = Network::from_layers(vec![layer]).unwrap();
        let error = descend(Sgd::new(1e308), 9, 1).fit(&mut network, &data, &mut rng(1)).unwrap_err();
        assert!(matches!(error, Error::Diverged { bounded_outputs, .. } if bounded_outputs == bounded), "{error:?}");
    }
}

/// The same numbers in layers of other sizes are another network.
#[test]
fn a_trainer_refuses_the_same_numbers_in_another_shape() {
    let network =
        |weights| Network::from_layers(vec![Layer::new(weights, array![0.0, 0.0], Activation::Tanh).unwrap()]).unwrap();
    let mut first = network(Array2::zeros((1, 2)));
    let mut trainer = descend(Sgd::<f64>::new(0.1), 1, 1);
    trainer.fit(&mut first, &Dataset::new(array![[0.0]], array![[0.0, 0.0]]).unwrap(), &mut rng(1)).unwrap();
    // Four zeros again: three weights and a bias, where there were two and two.
    let layer = Layer::new(Array2::zeros((3, 1)), array![0.0], Activation::Tanh).unwrap();
    let mut other = Network::from_layers(vec![layer]).unwrap();
    let data = Dataset::new(array![[0.0, 0.0, 0.0]], array![[0.0]]).unwrap();
    assert!(matches!(trainer.fit(&mut other, &data, &mut rng(1)), Err(Error::AnotherNetwork { .. })));
}
