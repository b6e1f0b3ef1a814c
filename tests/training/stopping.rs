//! Early stopping, schedules that look at the cost, and the range test.

use crate::common;
use chainrule::ndarray::{Array2, array};
use chainrule::{Activation, Adam, Dataset, EarlyStopping, Layer, Loss, Network, RmsProp, Schedule, Sgd, Trainer};
use common::{network, network_bits, one_hot_rows, rng, uniform};
use std::cell::RefCell;
use std::ops::ControlFlow;

/// Noise, which a network learns by heart: validation turns up soon.
fn noise(rows: usize, seed: u64) -> Dataset<f64> {
    Dataset::new(uniform((rows, 4), -1.0, 1.0, seed), one_hot_rows((rows, 3), seed + 1)).unwrap()
}

fn classifier() -> Network<f64> {
    network(4, &[(20, Activation::Tanh), (3, Activation::Softmax)], 3)
}

fn trainer(data: &Dataset<f64>, stopping: EarlyStopping, epochs: usize) -> Trainer<'_, f64> {
    Trainer::new(Loss::CrossEntropy, Sgd::new(0.3).momentum(0.9))
        .batch_size(10)
        .epochs(epochs)
        .validation(data)
        .early_stopping(stopping)
}

fn lowest(costs: &[f64]) -> usize {
    (0..costs.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap()
}

#[test]
fn the_best_parameters_come_back() {
    let (train, held_out) = (noise(30, 1), noise(20, 10));
    let kept = RefCell::new(Vec::new());
    let mut network = classifier();
    let mut stopped = trainer(&held_out, EarlyStopping::patience(6), 500).on_epoch(|report| {
        kept.borrow_mut().push(report.network.clone());
        ControlFlow::Continue(())
    });
    let history = stopped.fit(&mut network, &train, &mut rng(1)).unwrap();
    let best = lowest(&history.validation_cost);
    assert_eq!(history.best_epoch, Some(best));
    assert_eq!(history.cost.len(), best + 1 + 6, "{:?}", history.validation_cost);
    assert!(best > 0 && history.cost.len() < 500);
    assert_eq!(network, kept.borrow()[best]);
    assert_ne!(network, *kept.borrow().last().unwrap());

    // Without it, the last parameters stay, and the steps were the same.
    let mut on = classifier();
    let plain = Trainer::new(Loss::CrossEntropy, Sgd::new(0.3).momentum(0.9)).batch_size(10);
    let without = plain.epochs(history.cost.len()).fit(&mut on, &train, &mut rng(1)).unwrap();
    assert_eq!((without.cost, without.best_epoch), (history.cost, None));
    assert_eq!(on, *kept.borrow().last().unwrap());
}

/// Also when the epochs end, or the callback ends them, before patience does.
#[test]
fn whatever_ends_the_training_the_best_parameters_come_back() {
    let (train, held_out) = (noise(30, 1), noise(20, 10));
    let cost =
        |network: &Network<f64>| network.cost(held_out.inputs(), held_out.targets(), Loss::CrossEntropy).unwrap();
    let mut by_epochs = classifier();
    let history =
        trainer(&held_out, EarlyStopping::patience(100), 40).fit(&mut by_epochs, &train, &mut rng(1)).unwrap();
    let best = history.validation_cost[history.best_epoch.unwrap()];
    assert!((cost(&by_epochs) - best).abs() < 1e-12 && history.validation_cost[39] > best);
    let mut by_callback = classifier();
    let stop = |report: &chainrule::Report<'_, f64>| {
        if report.epoch == 39 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut stopped = trainer(&held_out, EarlyStopping::patience(100), 500).on_epoch(stop);
    stopped.fit(&mut by_callback, &train, &mut rng(1)).unwrap();
    assert_eq!(network_bits(&by_callback), network_bits(&by_epochs));
}

/// Every way to cut 40 epochs gives the same network, history and best epoch.
#[test]
fn a_second_fit_goes_on_from_where_the_training_stood() {
    let (train, held_out) = (noise(30, 1), noise(20, 10));
    let run = |fits: &[usize]| {
        let mut network = classifier();
        let mut trainer = trainer(&held_out, EarlyStopping::patience(1000), 0);
        for &epochs in fits {
            trainer = trainer.epochs(epochs);
            trainer.fit(&mut network, &train, &mut rng(1)).unwrap();
        }
        (network_bits(&network), trainer.history().clone())
    };
    let in_one = run(&[40]);
    assert!(in_one.1.best_epoch.unwrap() < 30, "{:?}", in_one.1.best_epoch);
    assert_eq!(in_one, run(&[20, 20]));
    assert_eq!(in_one, run(&[39, 1]));
    assert_eq!(in_one, run(&[1; 40]));
}

/// The epochs that have been waited for count on in a further fit.
#[test]
fn a_cut_does_not_give_more_patience() {
    let (train, held_out) = (noise(30, 1), noise(20, 10));
    let epochs = |first: Option<usize>| {
        let mut network = classifier();
        let mut trainer = trainer(&held_out, EarlyStopping::patience(6), 500);
        if let Some(first) = first {
            trainer = trainer.epochs(first);
            trainer.fit(&mut network, &train, &mut rng(1)).unwrap();
        }
        trainer = trainer.epochs(500);
        trainer.fit(&mut network, &train, &mut rng(1)).unwrap();
        trainer.history().cost.len()
    };
    let in_one = epochs(None);
    assert_eq!(epochs(Some(in_one - 3)), in_one);
}

/// The epoch before the last is brought back as well.
#[test]
fn the_best_epoch_may_be_the_last_but_one() {
    let (train, held_out) = (noise(30, 1), noise(20, 10));
    let fit = |epochs| {
        let mut network = classifier();
        let mut trainer = trainer(&held_out, EarlyStopping::patience(1000), epochs);
        let history = trainer.fit(&mut network, &train, &mut rng(1)).unwrap();
        (network, history)
    };
    let best = fit(40).1.best_epoch.unwrap();
    assert_eq!(fit(best + 1).0, fit(best + 2).0);
    assert_eq!(fit(best + 2).1.best_epoch, Some(best));
}

/// After `continue_with`, the training stands where the caller has put it, not where the last fit left it.
#[test]
fn continue_with_forgets_where_the_training_stood() {
    let (train, held_out) = (noise(30, 1), noise(20, 10));
    let mut network = classifier();
    let mut trainer = trainer(&held_out, EarlyStopping::patience(1000), 40);
    trainer.fit(&mut network, &train, &mut rng(1)).unwrap(); // the last epochs were not the best
    let changed = common::network::<f64>(4, &[(20, Activation::Tanh), (3, Activation::Softmax)], 4);
    trainer.continue_with(&changed);
    trainer = trainer.epochs(1);
    let mut network = changed.clone();
    let cost = trainer.fit(&mut network, &train, &mut rng(1)).unwrap().cost[0];
    let expected = changed.cost(train.inputs(), train.targets(), Loss::CrossEntropy).unwrap();
    assert!((cost / expected - 1.0).abs() < 0.5, "{cost} for {expected}");
}

/// A regression has a cost to look at, and no classes.
#[test]
fn early_stopping_on_the_cost_needs_no_classes() {
    let data = Dataset::new(uniform((20, 4), -1.0, 1.0, 1), uniform((20, 3), 0.0, 1.0, 2)).unwrap();
    let mut network = network::<f64>(4, &[(3, Activation::Identity)], 3);
    let mut trainer = Trainer::new(Loss::MeanSquaredError, Sgd::new(0.01)).epochs(2).validation(&data);
    trainer = trainer.early_stopping(EarlyStopping::patience(3));
    assert_eq!(trainer.fit(&mut network, &data, &mut rng(1)).unwrap().cost.len(), 2);
}

/// Whoever fits again after a stop waits anew.
#[test]
fn after_a_stop_a_further_fit_has_its_patience_again() {
    let (train, held_out) = (noise(30, 1), noise(20, 10));
    let mut network = classifier();
    let mut trainer = trainer(&held_out, EarlyStopping::patience(3), 500);
    let first = trainer.fit(&mut network, &train, &mut rng(1)).unwrap();
    let second = trainer.fit(&mut network, &train, &mut rng(1)).unwrap();
    assert!(first.cost.len() < 100);
    assert_eq!(second.cost.len(), 3);
    assert_eq!(second.best_epoch, first.best_epoch);
}

#[test]
fn small_improvements_and_accuracies() {
    let (train, held_out) = (noise(30, 1), noise(20, 10));
    let fit = |stopping| {
        let mut network = classifier();
        trainer(&held_out, stopping, 60).fit(&mut network, &train, &mut rng(1)).unwrap()
    };
    // Nothing improves so much: the first epoch stays the best.
    let never = fit(EarlyStopping::patience(5).min_improvement(10.0));
    assert_eq!((never.best_epoch, never.cost.len()), (Some(0), 6));
    let by_accuracy = fit(EarlyStopping::patience(60).on_accuracy());
    let best = by_accuracy.best_epoch.unwrap();
    let highest = by_accuracy.validation_accuracy.iter().copied().fold(0.0, f64::max);
    assert_eq!(by_accuracy.validation_accuracy[best], highest);
    assert!(by_accuracy.validation_accuracy[..best].iter().all(|a| *a < highest), "the first of equals");
}

/// The rule in plain numbers: the cost has to fall by an absolute amount (not a share of the best one), below the best
/// epoch (not the last one), and patience counts every epoch in which it has not.
#[test]
fn an_improvement_is_measured_from_the_best_epoch() {
    let (train, held_out) = Dataset::moons(100, 0.3, &mut rng(1)).unwrap().split(0.7, &mut rng(2)).unwrap();
    let fit = |stopping| {
        let mut network = network::<f64>(2, &[(20, Activation::Tanh), (2, Activation::Softmax)], 3);
        trainer(&held_out, stopping, 60).fit(&mut network, &train, &mut rng(1)).unwrap()
    };
    let costs = fit(EarlyStopping::patience(1000)).validation_cost;
    for (least, patience) in [(0.0, 2), (0.001, 2), (0.003, 3), (0.01, 3), (0.03, 4), (0.1, 5)] {
        let (mut best, mut waiting, mut epoch) = (0, 0, 0);
        while waiting < patience && epoch + 1 < costs.len() {
            epoch += 1;
            (best, waiting) = if costs[epoch] < costs[best] - least { (epoch, 0) } else { (best, waiting + 1) };
        }
        let found = fit(EarlyStopping::patience(patience).min_improvement(least));
        assert_eq!((found.best_epoch, found.cost.len()), (Some(best), epoch + 1), "{least}: {costs:?}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let data = noise(20, 1);
    let refused = |trainer: Trainer<'_, f64>, text: &str| {
        let mut trainer = trainer;
        let mut network = classifier();
        let before = network_bits(&network);
        assert_eq!(trainer.fit(&mut network, &data, &mut rng(1)).unwrap_err().to_string(), text);
        assert_eq!(network_bits(&network), before);
    };
    let with = |stopping| trainer(&data, stopping, 3);
    let text = "validation set for early stopping (Trainer::validation): expected at least one, found none";
    let without = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)).early_stopping(EarlyStopping::patience(3));
    refused(without, text);
    refused(with(EarlyStopping::patience(0)), "patience of early stopping: expected 1 or more, found 0");
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        let text = format!("least improvement of early stopping: expected a finite number, 0 or more, found {wrong}");
        refused(with(EarlyStopping::patience(3).min_improvement(wrong)), &text);
    }
    let numbers = Dataset::new(data.inputs().to_owned(), data.targets().mapv(|y| 0.5 * y + 1.0 / 6.0)).unwrap();
    refused(
        trainer(&numbers, EarlyStopping::patience(3).on_accuracy(), 3),
        "targets of row 0: expected a class (a single 1 among zeros, or 0 or 1 in a single column). \
         Dataset::classification makes such targets of class numbers",
    );
}

// --- Schedules -------------------------------------------------------------------------------------------------------

/// The rates of the epochs, as the callback sees them.
fn rates(sgd: Sgd<f64>, data: &Dataset<f64>, epochs: usize) -> (Vec<f64>, Vec<f64>) {
    let rates = RefCell::new(Vec::new());
    let mut trainer = Trainer::new(Loss::CrossEntropy, sgd).epochs(epochs).validation(data).on_epoch(|report| {
        rates.borrow_mut().push(report.learning_rate);
        ControlFlow::Continue(())
    });
    let history = trainer.fit(&mut classifier(), &noise(30, 1), &mut rng(1)).unwrap();
    drop(trainer);
    (rates.into_inner(), history.validation_cost)
}

#[test]
fn a_plateau_lowers_the_rate_when_the_validation_stands_still() {
    let held_out = noise(20, 10);
    let (factor, patience) = (0.5, 3);
    let (rates, costs) = rates(Sgd::new(0.8).schedule(Schedule::Plateau { factor, patience }), &held_out, 60);
    // The rule, in plain words.
    let (mut rate, mut best, mut waiting) = (0.8, f64::INFINITY, 0);
    for epoch in 0..60 {
        assert!((rates[epoch] - rate).abs() < 1e-15, "epoch {epoch}: {} for {rate}", rates[epoch]);
        if costs[epoch] < best {
            (best, waiting) = (costs[epoch], 0);
        } else {
            waiting += 1;
        }
        if waiting == patience {
            (rate, waiting) = (rate * factor, 0);
        }
    }
    assert!(rate < 0.2, "{rate}");
}

/// A cost that is as low as the lowest is no new low.
#[test]
fn a_plateau_of_equal_costs_is_one() {
    let mut sgd = Sgd::<f64>::new(0.8).schedule(Schedule::Plateau { factor: 0.5, patience: 2 });
    let rates = [3.0, 2.0, 2.0, 2.0, 2.0, 2.0].map(|cost| {
        chainrule::Optimizer::end_epoch(&mut sgd, cost);
        sgd.current_rate()
    });
    assert_eq!(rates, [0.8, 0.8, 0.8, 0.4, 0.4, 0.2]);
}

/// Before anybody has named an epoch it is the first one; a schedule of no epochs is refused by the step, and does not
/// panic before; one of a single epoch keeps the whole rate; and one may end at 0.
#[test]
fn schedules_at_their_ends() {
    let rate = |schedule| Sgd::<f64>::new(0.5).schedule(schedule).current_rate();
    assert_eq!(rate(Schedule::Exponential { factor: 0.5 }), 0.5);
    let zero = [Schedule::Step { every: 0, factor: 0.5 }, Schedule::Cosine { epochs: 0 }];
    assert!(zero.into_iter().all(|schedule| rate(schedule).is_finite()));
    let mut sgd = Sgd::<f64>::new(0.5).schedule(Schedule::Cosine { epochs: 1 });
    sgd.set_epoch(3);
    assert_eq!(sgd.current_rate(), 0.5);
    let ends = Schedule::Custom { name: "ends", factor: |epoch| if epoch < 2 { 1.0 } else { 0.0 } };
    let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).schedule(ends)).epochs(4);
    assert_eq!(trainer.fit(&mut classifier(), &noise(20, 1), &mut rng(1)).unwrap().cost.len(), 4);
}

#[test]
fn a_warm_up_comes_before_any_schedule() {
    let held_out = noise(20, 10);
    let warm = |schedule| rates(Sgd::new(0.5).schedule(schedule).warm_up(4), &held_out, 9).0;
    let rise = [0.2, 0.4, 0.6, 0.8];
    let own = Schedule::Custom { name: "own", factor: |epoch| 1.0 / (2.0 + epoch as f64) };
    let cosine = |e: f64| (1.0 + (std::f64::consts::PI * e / 5.0).cos()) / 2.0;
    for (schedule, rest) in [
        (Schedule::Constant, [1.0; 5]),
        (Schedule::Exponential { factor: 0.5 }, [1.0, 0.5, 0.25, 0.125, 0.0625]),
        (Schedule::Step { every: 2, factor: 0.5 }, [1.0, 1.0, 0.5, 0.5, 0.25]),
        (Schedule::Cosine { epochs: 5 }, [0.0, 1.0, 2.0, 3.0, 4.0].map(cosine)),
        (own, [1.0 / 2.0, 1.0 / 3.0, 1.0 / 4.0, 1.0 / 5.0, 1.0 / 6.0]),
    ] {
        let found = warm(schedule);
        for (found, expected) in found.iter().zip(rise.iter().chain(&rest)) {
            assert!((found - 0.5 * expected).abs() < 1e-15, "{schedule:?}: {found} for half of {expected}");
        }
        assert_eq!(found.len(), 9);
    }
}

#[test]
fn a_warm_up_without_an_end_has_a_rate() {
    let mut sgd = Sgd::<f64>::new(0.5).warm_up(usize::MAX);
    sgd.set_epoch(usize::MAX - 1);
    assert_eq!(sgd.current_rate(), 0.5);
    let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.5).warm_up(usize::MAX)).epochs(2);
    assert_eq!(trainer.fit(&mut classifier(), &noise(20, 1), &mut rng(1)).unwrap().cost.len(), 2);
}

#[test]
fn schedules_of_ones_own_are_checked_and_compared_by_name() {
    let named = |name, factor: fn(usize) -> f64| Schedule::Custom { name, factor };
    assert_eq!(named("a", |_| 1.0), named("a", |_| 2.0));
    assert_ne!(named("a", |_| 1.0), named("b", |_| 1.0));
    assert_ne!(named("a", |_| 1.0), Schedule::Constant);
    assert_ne!(Schedule::Step { every: 1, factor: 0.5 }, Schedule::Step { every: 2, factor: 0.5 });
    assert_ne!(Schedule::Step { every: 1, factor: 0.5 }, Schedule::Plateau { factor: 0.5, patience: 1 });
    let mut network = classifier();
    for wrong in [|_: usize| -1.0, |_| f64::NAN, |_| f64::INFINITY] {
        let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).schedule(named("wrong", wrong)));
        let error = trainer.fit(&mut network, &noise(20, 1), &mut rng(1)).unwrap_err().to_string();
        assert!(
            error.starts_with("learning rate of the schedule: expected a finite number, 0 or more, found "),
            "{error}"
        );
        assert!(error.ends_with(". It is the optimiser's rate times the factor of the epoch"), "{error}");
    }
    for (schedule, text) in [
        (
            Schedule::Plateau { factor: 0.0, patience: 1 },
            "factor of the schedule: expected a finite number above 0, found 0",
        ),
        (Schedule::Plateau { factor: 0.5, patience: 0 }, "epochs of the schedule: expected 1 or more, found 0"),
    ] {
        let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).schedule(schedule));
        assert_eq!(trainer.fit(&mut network, &noise(20, 1), &mut rng(1)).unwrap_err().to_string(), text);
    }
}

#[test]
fn the_rate_can_be_read_and_set_from_outside() {
    let data = noise(20, 1);
    let mut network = classifier();
    let schedule = Schedule::Exponential { factor: 0.5 };
    let mut trainer = Trainer::new(Loss::CrossEntropy, Adam::new(0.1).schedule(schedule)).epochs(1);
    trainer.fit(&mut network, &data, &mut rng(1)).unwrap();
    assert_eq!(trainer.optimizer().current_rate(), 0.1);
    trainer.optimizer_mut().set_learning_rate(0.4);
    trainer.fit(&mut network, &data, &mut rng(1)).unwrap();
    assert_eq!(trainer.optimizer().current_rate(), 0.2);
}

#[test]
fn numbers_of_the_optimisers_are_checked() {
    let data = noise(20, 1);
    let rmsprop = |optimizer: RmsProp<f32>| {
        let data = Dataset::new(data.inputs().mapv(|x| x as f32), data.targets().mapv(|x| x as f32)).unwrap();
        let mut network = network::<f32>(4, &[(3, Activation::Softmax)], 3);
        let result = Trainer::new(Loss::CrossEntropy, optimizer).epochs(1).fit(&mut network, &data, &mut rng(1));
        result.map(|_| ()).map_err(|error| error.to_string())
    };
    let adam = |optimizer: Adam<f64>| {
        let result = Trainer::new(Loss::CrossEntropy, optimizer).epochs(1).fit(&mut classifier(), &data, &mut rng(1));
        result.map(|_| ()).map_err(|error| error.to_string())
    };
    let says = |text: &str| Err(text.to_owned());
    assert_eq!(rmsprop(RmsProp::new(1e-3)), Ok(()));
    let rates = "Usual rates are 0.001 to 0.1, the optimiser's first argument";
    let of_the_rate = |found| format!("learning rate: expected a finite number above 0, found {found}. {rates}");
    assert_eq!(rmsprop(RmsProp::new(0.0)), says(&of_the_rate("0")));
    // In f32 this is 1.
    let text = "decay: expected 0 or more, and below 1, found 0.9999999999";
    assert_eq!(rmsprop(RmsProp::new(1e-3).decay(0.9999999999)), says(text));
    assert_eq!(rmsprop(RmsProp::new(1e-3).decay(-0.1)), says("decay: expected 0 or more, and below 1, found -0.1"));
    // In f32 this is 0.
    let text = "epsilon: expected a finite number above 0, found 1e-60";
    assert_eq!(rmsprop(RmsProp::new(1e-3).epsilon(1e-60)), says(text));
    assert_eq!(adam(Adam::new(1e-3).epsilon(1e-60)), Ok(()));
    assert_eq!(adam(Adam::new(1e-3).betas(0.0, 0.0)), Ok(()));
    assert_eq!(adam(Adam::new(f64::NAN)), says(&of_the_rate("NaN")));
    assert_eq!(adam(Adam::new(1e-3).betas(1.0, 0.9)), says("beta1: expected 0 or more, and below 1, found 1"));
    assert_eq!(adam(Adam::new(1e-3).betas(0.9, 1.5)), says("beta2: expected 0 or more, and below 1, found 1.5"));
    assert_eq!(adam(Adam::new(1e-3).epsilon(0.0)), says("epsilon: expected a finite number above 0, found 0"));
    let text = "epsilon: expected a finite number above 0, found inf";
    assert_eq!(adam(Adam::new(1e-3).epsilon(f64::INFINITY)), says(text));
    let text = "weight decay: expected a finite number, 0 or more, found -1";
    assert_eq!(adam(Adam::new(1e-3).weight_decay(-1.0)), says(text));
}

#[test]
fn moments_of_another_network_are_refused() {
    let data = noise(20, 1);
    let mut adam = Adam::new(0.01);
    let mut network = classifier();
    let (_, pass) = common::pass(&network, data.inputs(), data.targets(), Loss::CrossEntropy);
    adam.step(&mut network, pass.gradients()).unwrap();
    let mut other = common::network::<f64>(4, &[(5, Activation::Tanh), (3, Activation::Softmax)], 3);
    let (_, pass) = common::pass(&other, data.inputs(), data.targets(), Loss::CrossEntropy);
    let error = adam.step(&mut other, pass.gradients()).unwrap_err();
    let text = "layer 0: moments of the weights: expected shape [4, 5], found [4, 20]. The optimiser has trained another \
                network: reset it, or make a new one";
    assert_eq!(error.to_string(), text);
    // After a reset, the first step is a first one again: η in size.
    adam.reset();
    let before = other.clone();
    adam.step(&mut other, pass.gradients()).unwrap();
    for (layer, old) in other.layers().iter().zip(before.layers()) {
        let moved = &layer.affine.weights - &old.affine.weights;
        assert!(moved.iter().all(|step| (step.abs() - 0.01).abs() < 1e-6), "{moved}");
    }
}

/// What a step leaves is forgotten: the same step from the same place is the same again.
#[test]
fn after_a_reset_the_first_step_is_a_first_one() {
    fn check<O: chainrule::Optimizer<f64>>(mut optimizer: O) {
        let data = noise(20, 1);
        let (_, pass) = common::pass(&classifier(), data.inputs(), data.targets(), Loss::CrossEntropy);
        let mut bits = || {
            let mut network = classifier();
            optimizer.step(&mut network, pass.gradients()).unwrap();
            let first = network_bits(&network);
            optimizer.step(&mut network, pass.gradients()).unwrap();
            optimizer.reset();
            (first, network_bits(&network))
        };
        assert_eq!(bits(), bits());
    }
    check(Sgd::new(0.1).momentum(0.9));
    check(RmsProp::new(0.1));
    check(Adam::new(0.1));
    check(Sgd::new(0.1).schedule(Schedule::Plateau { factor: 0.5, patience: 1 }));
}

// --- The range test --------------------------------------------------------------------------------------------------

#[test]
fn the_range_test_grows_the_rate_and_changes_nothing() {
    let data = noise(40, 1);
    let network = classifier();
    let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9)).batch_size(8).epochs(2);
    let test = trainer.range_test(&network, &data, 1e-3..1e3, 61, &mut rng(1)).unwrap();
    assert_eq!(test.rates.len(), test.costs.len());
    for (step, rate) in test.rates.iter().enumerate() {
        assert!((rate / (1e-3 * 10_f64.powf(step as f64 / 10.0)) - 1.0).abs() < 1e-12, "step {step}: {rate}");
    }
    // It ends where the mean of about the last ten costs is four times its lowest value.
    let means: Vec<f64> = (1..=test.costs.len())
        .map(|t| {
            let weights: Vec<f64> = (0..t).rev().map(|age| 0.9_f64.powi(age as i32)).collect();
            let sum: f64 = test.costs.iter().zip(&weights).map(|(cost, w)| cost * w).sum();
            sum / weights.iter().sum::<f64>()
        })
        .collect();
    let (last, before) = means.split_last().unwrap();
    let lowest = before.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(test.rates.len() < 61 && *last > 4.0 * lowest && before.iter().all(|mean| *mean <= 4.0 * lowest));
    // The first cost is that of the network as it is.
    assert!((test.costs[0] - network.cost(data.inputs(), data.targets(), Loss::CrossEntropy).unwrap()).abs() < 0.5);
    assert_eq!(network, classifier());

    // The trainer goes on as if nothing had been.
    let (mut tested, mut untested) = (classifier(), classifier());
    let mut other = Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9)).batch_size(8).epochs(2);
    other.fit(&mut untested, &data, &mut rng(2)).unwrap();
    trainer.fit(&mut tested, &data, &mut rng(2)).unwrap();
    assert_eq!(network_bits(&tested), network_bits(&untested));

    let mut refused = |rates: std::ops::Range<f64>, steps| {
        trainer.range_test(&network, &data, rates, steps, &mut rng(1)).unwrap_err().to_string()
    };
    let text = "rates of the range test: expected a start above 0 and an end above it, found";
    assert_eq!(refused(0.0..1.0, 10), format!("{text} 0"));
    assert_eq!(refused(1.0..0.1, 10), format!("{text} 1"));
    assert_eq!(refused(1.0..f64::INFINITY, 10), format!("{text} 1"));
    assert_eq!(refused(0.1..1.0, 1), "steps of the range test: expected 2 or more, found 1");
}

/// A cost that grows by itself: ∂L/∂a says −1 where it is 1, so that every step adds η (x² + 1) to it.
fn climb(rates: std::ops::Range<f64>, steps: usize) -> (Vec<f64>, Vec<f64>) {
    let climbing = Loss::Custom { name: "climbing", value: |a, _| a, slope: |_, _| -1.0 };
    let layer = Layer::new(array![[0.0]], array![2.0], Activation::Identity).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    let data = Dataset::new(Array2::ones((8, 1)), Array2::zeros((8, 1))).unwrap();
    let mut trainer = Trainer::new(climbing, Sgd::new(1.0)).batch_size(3);
    let test = trainer.range_test(&network, &data, rates, steps, &mut rng(1)).unwrap();
    (test.rates, test.costs)
}

/// Where it ends, slowly and at once: at the first step at which the mean, in plain numbers, is four times its lowest.
#[test]
fn the_range_test_ends_at_four_times_the_lowest_mean() {
    for (rates, steps, least) in [(1e-3..10.0, 400, 100), (0.3..1e3, 12, 3)] {
        let (rates, costs) = climb(rates, steps);
        let mut cost = 2.0;
        for (rate, found) in rates.iter().zip(&costs) {
            assert!((found / cost - 1.0).abs() < 1e-12);
            cost += 2.0 * rate;
        }
        let mean = |t: usize| {
            let weights = (0..=t).map(|i| 0.9_f64.powi((t - i) as i32));
            let (sum, all) = costs.iter().zip(weights).fold((0.0, 0.0), |(sum, all), (c, w)| (sum + w * c, all + w));
            sum / all
        };
        let last = costs.len() - 1;
        assert!(last > least && last + 1 < steps, "{last}");
        assert!(mean(last) > 8.0 && mean(last - 1) <= 8.0, "{} {}", mean(last - 1), mean(last));
    }
    // Two steps are a test, from equal rates to equal rates is none.
    assert_eq!(climb(0.1..0.2, 2).0, [0.1, 0.2]);
    let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(1.0));
    trainer.range_test(&classifier(), &noise(40, 1), 0.1..0.1, 10, &mut rng(1)).unwrap_err();
}

/// From rest, whatever the trainer has done before; over all rows, in an order of its own.
#[test]
fn the_range_test_starts_from_rest_and_takes_every_row() {
    let data = noise(40, 1);
    let trainer = || Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9)).batch_size(8).epochs(2);
    let mut trained = trainer();
    trained.fit(&mut classifier(), &data, &mut rng(1)).unwrap();
    let test = |trainer: &mut Trainer<'_, f64>, seed| {
        trainer.range_test(&classifier(), &data, 1e-3..1.0, 20, &mut rng(seed)).unwrap().costs
    };
    assert_eq!(test(&mut trained, 2), test(&mut trainer(), 2));
    assert_ne!(test(&mut trainer(), 2), test(&mut trainer(), 3));
    let whole = test(&mut trainer().batch_size(40), 2)[0];
    assert!((whole - classifier().cost(data.inputs(), data.targets(), Loss::CrossEntropy).unwrap()).abs() < 1e-12);
}
