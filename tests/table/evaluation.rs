//! Cross-validation and search: folds, what is learnt where, the same bits on any number of threads.

use super::{iris, message};
use chainrule::ndarray::{Array1, Array2, array};
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{
    Activation, Candidate, ChaCha8Rng, CrossValidation, Csv, Dataset, Error, Fill, Layer, Loss, Network, Result, Scale,
    Sgd, Table, Trainer,
};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// A table whose only input is the number of the row, in classes of these sizes.
fn numbered(sizes: &[usize]) -> Table {
    let labels: Vec<usize> = sizes.iter().enumerate().flat_map(|(class, &n)| vec![class; n]).collect();
    let inputs = Array2::from_shape_fn((labels.len(), 1), |(i, _)| i as f64);
    Table::from_dataset(&Dataset::classification(inputs, labels, sizes.len()).unwrap())
}

fn rows(table: &Table) -> Vec<usize> {
    table.dataset::<f64>().unwrap().inputs().iter().map(|&x| x as usize).collect()
}

#[test]
fn every_row_is_in_one_fold_and_classes_are_shared_out() {
    for (sizes, folds) in [(&[30, 15, 5][..], 5), (&[7, 8, 2], 3), (&[10, 10], 20), (&[4, 1], 2)] {
        let table = numbered(sizes);
        let splits = CrossValidation::new(folds).seed(3).splits(&table).unwrap();
        assert_eq!(splits.len(), folds);
        let mut seen = Vec::new();
        for (train, test) in &splits {
            let all: BTreeSet<usize> = rows(train).into_iter().chain(rows(test)).collect();
            assert_eq!((all.len(), train.len() + test.len()), (table.len(), table.len()));
            assert!(test.len().abs_diff(table.len() / folds) <= 1);
            for (class, &size) in sizes.iter().enumerate() {
                let n = test.labels().unwrap().iter().filter(|&&label| label == class).count();
                assert!(n == size / folds || n == size.div_ceil(folds), "{n} of {size} in {folds}");
            }
            seen.extend(rows(test));
        }
        seen.sort();
        assert_eq!(seen, (0..table.len()).collect::<Vec<_>>());
    }
    let table = numbered(&[20, 20]);
    let splits = |seed| CrossValidation::new(4).seed(seed).splits(&table).unwrap();
    assert_eq!(splits(1), splits(1));
    assert_ne!(splits(1), splits(2));
}

/// The mean of the training rows alone makes the scaling and the fill-in: the closure sees mean 0 and the fold never.
#[test]
fn everything_is_learnt_inside_the_fold() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let text = (0..40).fold("a,y\n".to_string(), |text, i| {
        let a = if i % 5 == 0 { "".into() } else { (rng.random::<f64>() * 100.0).to_string() };
        format!("{text}{a},{}\n", i * i)
    });
    let table = Csv::new().target("y").fill(Fill::Mean).read_from(text.as_bytes()).unwrap();
    let calls = Mutex::new(0);
    let scores = CrossValidation::new(4).run(&table, |train: &Dataset<f64>, _| {
        *calls.lock().unwrap() += 1;
        assert_eq!(train.len(), 30);
        assert!(train.inputs().sum().abs() < 1e-9 && train.targets().sum().abs() < 1e-9);
        let squares = |x: chainrule::ndarray::ArrayView2<f64>| x.iter().map(|x| x * x).sum::<f64>();
        assert!((squares(train.inputs()) - 30.0).abs() < 1e-9 && (squares(train.targets()) - 30.0).abs() < 1e-9);
        // Predicts 0 everywhere, which is the mean of the training targets.
        Network::from_layers(vec![Layer::new(array![[0.0]], array![0.0], Activation::Identity)?])
    });
    let scores = scores.unwrap();
    assert_eq!((*calls.lock().unwrap(), scores.measure), (4, "root mean squared error"));
    for ((train, test), &score) in CrossValidation::new(4).splits(&table).unwrap().iter().zip(&scores.folds) {
        let targets = |table: &Table| table.dataset::<f64>().unwrap().targets().column(0).to_owned();
        let (mean, test): (f64, Array1<f64>) = (targets(train).mean().unwrap(), targets(test));
        let expected = (test.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / 10.0).sqrt();
        assert!((score - expected).abs() < 1e-9 * expected);
    }
    let unscaled = CrossValidation::new(2).scale(Scale::Unchanged, Scale::MinMax);
    unscaled
        .run(&table, |train: &Dataset<f64>, _| {
            assert!(
                train.inputs().iter().any(|&x| x > 10.0) && train.targets().iter().all(|&y| (0.0..=1.0).contains(&y))
            );
            Network::from_layers(vec![Layer::new(array![[0.0]], array![0.0], Activation::Identity)?])
        })
        .unwrap();
}

fn train<F: chainrule::Real>(candidate: &Candidate, train: &Dataset<F>, rng: &mut ChaCha8Rng) -> Result<Network<F>> {
    let layers = Network::builder(4).layer(candidate.width, Activation::Tanh).layer(3, Activation::Softmax);
    let mut network = layers.build(rng)?;
    let sgd = Sgd::new(candidate.rate).momentum(0.9).weight_decay(candidate.decay);
    Trainer::new(Loss::CrossEntropy, sgd).epochs(12).fit(&mut network, train, rng)?;
    Ok(network)
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let table = iris();
    let candidates = Candidate::grid(&[0.01, 0.1], &[4], &[1e-4]);
    let results = |threads| {
        let validation = CrossValidation::new(5).seed(9).threads(threads);
        validation.search(&table, &candidates, train::<f32>).unwrap()
    };
    let one = results(1);
    for threads in [2, 3, 16] {
        assert_eq!(results(threads), one, "{threads} threads");
    }
    // A single run is the search with one candidate.
    let best = *one.best();
    let alone = CrossValidation::new(5).seed(9).run(&table, |data, rng| train::<f32>(&best, data, rng)).unwrap();
    assert_eq!(one.candidates()[0].1, Ok(alone.clone()));
    assert!(alone.mean() > 0.9);
    assert_ne!(CrossValidation::new(5).seed(8).run(&table, |data, rng| train::<f32>(&best, data, rng)).unwrap(), alone);
}

#[test]
fn the_best_candidate_comes_first_and_a_diverged_one_last() {
    let candidates = [(1e30, 1e30), (1e-6, 0.0), (0.1, 0.0)]; // decay blows up what such a rate has made
    let candidates = candidates.map(|(rate, decay)| Candidate { rate, width: 6, decay });
    let results = CrossValidation::new(3).search(&iris(), &candidates, train::<f32>).unwrap();
    let order: Vec<f64> = results.candidates().iter().map(|(candidate, _)| candidate.rate).collect();
    assert_eq!(order, [0.1, 1e-6, 1e30]);
    assert!(matches!(results.candidates()[2].1, Err(Error::Diverged { .. })));
    let text = results.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "candidate                       accuracy");
    assert!(lines[1].starts_with("rate 0.1, width 6, decay 0      0."), "{text}");
    assert_eq!(lines[3], "rate 1e30, width 6, decay 1e30  diverged");
    // Alone, it is an error.
    let alone = CrossValidation::new(3).run(&iris(), |data, rng| train::<f32>(&candidates[0], data, rng));
    assert!(matches!(alone, Err(Error::Diverged { .. })));

    // Of errors, the smallest is best.
    let line = Table::from_dataset(&Dataset::<f64>::function(|x| 3.0 * x, 0.0, 1.0, 30).unwrap());
    let slopes = [0.0, 1.0, -1.0];
    let results = CrossValidation::new(3).search(&line, &slopes, |&slope, _: &Dataset<f64>, _| {
        Network::from_layers(vec![Layer::new(array![[slope]], array![0.0], Activation::Identity)?])
    });
    assert_eq!(*results.unwrap().best(), 1.0);
}

#[test]
fn scores_print_as_a_table() {
    let table = numbered(&[3, 3]);
    // Always class 0.
    let network = || Network::from_layers(vec![Layer::new(array![[0.0, 0.0]], array![1.0, 0.0], Activation::Softmax)?]);
    let scores = CrossValidation::new(2).run(&table, |_: &Dataset<f64>, _| network()).unwrap();
    let mut folds = scores.folds.clone();
    folds.sort_by(f64::total_cmp);
    assert!((folds[0] - 1.0 / 3.0).abs() < 1e-15 && (folds[1] - 2.0 / 3.0).abs() < 1e-15);
    assert!((scores.mean() - 0.5).abs() < 1e-15);
    assert!((scores.deviation() - 18.0_f64.sqrt().recip()).abs() < 1e-15);
    let lines: Vec<String> = scores.to_string().lines().map(String::from).collect();
    assert_eq!((lines[0].as_str(), lines[3].as_str()), ("fold  accuracy", "mean  0.5000 ± 0.2357"));
    assert!(lines[1] == "   1  0.6667" || lines[1] == "   1  0.3333");
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    let table = numbered(&[2, 2]);
    let network = |_: &Dataset<f64>, _: &mut ChaCha8Rng| Err(Error::Empty { place: "the caller's own" });
    for (folds, found) in [(0, "0"), (1, "1"), (5, "5")] {
        let text = format!("folds: expected 2 to 4, the number of rows, found {found}");
        assert_eq!(message(CrossValidation::new(folds).run(&table, network)), text);
        assert_eq!(message(CrossValidation::new(folds).splits(&table)), text);
    }
    assert_eq!(CrossValidation::new(2).run(&table, network).unwrap_err(), Error::Empty { place: "the caller's own" });
    let none: [u8; 0] = [];
    let error = CrossValidation::new(2).search(&table, &none, |_, data, rng| network(data, rng)).unwrap_err();
    assert_eq!(error, Error::Empty { place: "candidates" });
    let wrong = |_: &Dataset<f64>, _: &mut ChaCha8Rng| {
        Network::from_layers(vec![Layer::new(array![[0.0]], array![0.0], Activation::Sigmoid)?])
    };
    assert!(CrossValidation::new(2).run(&numbered(&[2, 2, 2]), wrong).is_err());

    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut random = |rates, widths, decays| message(Candidate::random(1, rates, widths, decays, &mut rng));
    assert_eq!(
        random(0.0..1.0, 1..2, 1e-3..1.0),
        "rates: expected a range from a number above 0 up to a larger one, such as 0.1..1, found 0"
    );
    assert!(random(0.1..1.0, 0..2, 1e-3..1.0).starts_with("widths: "));
    assert!(random(0.1..1.0, 3..3, 1e-3..1.0).starts_with("widths: "));
    assert!(random(0.1..1.0, 1..2, 1.0..f64::INFINITY).starts_with("decays: "));
    assert!(random(0.1..1.0, 1..2, f64::NAN..1.0).starts_with("decays: "));
}

#[test]
fn random_candidates_spread_over_the_orders_of_magnitude() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let candidates = Candidate::random(3_000, 1e-4..1e-1, 4..65, 1e-6..1e-2, &mut rng).unwrap();
    let share = |of: &dyn Fn(&Candidate) -> bool| candidates.iter().filter(|one| of(one)).count() as f64 / 3_000.0;
    for (low, high) in [(1e-4, 1e-3), (1e-3, 1e-2), (1e-2, 1e-1)] {
        assert!((share(&|one| (low..high).contains(&one.rate)) - 1.0 / 3.0).abs() < 0.04);
    }
    assert!((share(&|one| one.width < 8) - 0.25).abs() < 0.04);
    assert!(candidates.iter().all(|one| (4..65).contains(&one.width) && (1e-6..1e-2).contains(&one.decay)));
    let again = Candidate::random(3_000, 1e-4..1e-1, 4..65, 1e-6..1e-2, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    assert_eq!(candidates, again);
}

/// Each fold has random numbers of its own; the spread of the scores divides by one less than their number.
#[test]
fn folds_have_random_numbers_of_their_own() {
    let drawn = Mutex::new(BTreeSet::new());
    let train = |_: &Dataset<f64>, rng: &mut ChaCha8Rng| {
        drawn.lock().unwrap().insert(rng.random::<u64>());
        Network::from_layers(vec![Layer::new(array![[1.0, -1.0]], array![0.0, 0.0], Activation::Softmax)?])
    };
    let mut scores = CrossValidation::new(4).seed(7).run(&numbered(&[8, 8]), train).unwrap();
    let drawn = drawn.into_inner().unwrap();
    // Nor are they those that dealt the rows.
    assert!(drawn.len() == 4 && !drawn.contains(&ChaCha8Rng::seed_from_u64(7).random()));
    scores.folds = vec![1.0, 2.0, 4.0, 5.0];
    assert!((scores.deviation() - (10.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    scores.folds = vec![0.0, 2e-4, 0.5, 123_456.0];
    let text = scores.to_string();
    for line in ["   1  0\n", "   2  2.000e-4\n", "   3  0.5000\n", "   4  1.235e5\n"] {
        assert!(text.contains(line), "{text}");
    }
}
