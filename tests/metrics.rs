//! Metrics against scikit-learn's, on ten sets of predictions: `fixtures/metrics.py` makes them. And what is refused.

use chainrule::ndarray::{Array1, Array2, Axis, array};
use chainrule::{Activation, ClassScores, ConfusionMatrix, Error, Layer, Network};
use chainrule::{
    calibration, log_loss, mean_absolute_error, r_squared, roc_auc, roc_auc_one_vs_rest, root_mean_squared_error,
    top_k_accuracy,
};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn counts(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<_> = value.as_array().unwrap().iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = fixture["cases"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 10);
    cases
}

fn near(what: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{what}: {found} for {expected}");
}

fn all_near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    found.iter().zip(expected).for_each(|(&found, &expected)| near(what, found, expected));
}

#[test]
fn precision_recall_and_f1() {
    for case in cases() {
        let (predictions, labels) = (counts(&case["predictions"]), counts(&case["labels"]));
        let classes = case["classes"].as_u64().unwrap() as usize;
        let report = ConfusionMatrix::new(&predictions, &labels, classes).unwrap().report();
        let of = |part: fn(&ClassScores) -> f64| report.classes.iter().map(part).collect::<Vec<_>>();
        all_near("precision", &of(|scores| scores.precision), &numbers(&case["precision"]));
        all_near("recall", &of(|scores| scores.recall), &numbers(&case["recall"]));
        all_near("f1", &of(|scores| scores.f1), &numbers(&case["f1"]));
        assert_eq!(report.support, counts(&case["support"]));
        for (name, ClassScores { precision, recall, f1, .. }) in
            [("macro", report.macro_average), ("weighted", report.weighted_average)]
        {
            all_near(name, &[precision, recall, f1], &numbers(&case[name]));
        }
    }
}

#[test]
fn the_report_as_a_table() {
    let report = ConfusionMatrix::new(&[0, 1, 1, 0], &[0, 1, 0, 0], 2).unwrap().report();
    assert_eq!(
        report.to_string(),
        "           class  precision  recall     f1  support\n\
         \x20              0      1.000   0.667  0.800        3\n\
         \x20              1      0.500   1.000  0.667        1\n\
         \x20  macro average      0.750   0.833  0.733        4\n\
         weighted average      0.875   0.750  0.767        4\n"
    );
    let confusion = ConfusionMatrix::new(&[0, 1], &[0, 1], 2).unwrap();
    let table = confusion.with_class_names(["no", "a name of 18 chars"]).unwrap().report().to_string();
    assert!(
        table.contains("\n                no      1.000 ") && table.contains("\na name of 18 chars      1.000 "),
        "{table}"
    );
}

#[test]
fn scores_and_probabilities() {
    let mut absent = 0;
    for case in cases() {
        let (probabilities, labels) = (matrix(&case["probabilities"]), counts(&case["labels"]));
        let p = probabilities.view();
        near("log loss", log_loss(p, &labels).unwrap(), case["log_loss"].as_f64().unwrap());
        for (k, expected) in (1..).zip(numbers(&case["top_k"])) {
            near("top k", top_k_accuracy(p, &labels, k).unwrap(), expected);
        }
        match case["auc_one_vs_rest"].as_f64() {
            Some(expected) => near("AUC", roc_auc_one_vs_rest(p, &labels).unwrap(), expected),
            None => {
                absent += 1;
                let class = (0..p.ncols()).find(|class| !labels.contains(class)).unwrap();
                assert_eq!(roc_auc_one_vs_rest(p, &labels), Err(Error::AbsentClass { class }));
            }
        }
        if let Some(expected) = case["auc"].as_f64() {
            near("AUC", roc_auc(p.column(1), &labels).unwrap(), expected);
            let of_one = p.column(1).insert_axis(Axis(1));
            near("log loss", log_loss(of_one, &labels).unwrap(), case["log_loss"].as_f64().unwrap());
            let table = calibration(p.column(1), &labels, 10).unwrap();
            let of = |part: fn(&chainrule::CalibrationBin) -> f64| table.iter().map(part).collect::<Vec<_>>();
            all_near("fractions", &of(|bin| bin.fraction_of_positives), &numbers(&case["calibration"]["fractions"]));
            all_near("means", &of(|bin| bin.mean_probability), &numbers(&case["calibration"]["means"]));
            assert_eq!(table.iter().map(|bin| bin.count).sum::<usize>(), labels.len());
        }
    }
    assert_eq!(absent, 2);
}

#[test]
fn regressions() {
    for case in cases() {
        let case = &case["regression"];
        let (outputs, targets) = (matrix(&case["outputs"]), matrix(&case["targets"]));
        let (a, y) = (outputs.view(), targets.view());
        near("RMSE", root_mean_squared_error(a, y).unwrap(), case["rmse"].as_f64().unwrap());
        near("MAE", mean_absolute_error(a, y).unwrap(), case["mae"].as_f64().unwrap());
        near("R²", r_squared(a, y).unwrap(), case["r2"].as_f64().unwrap());
    }
}

/// Edges belong to the bin below them, and are numpy's: 3 · 0.1 is above 0.3.
#[test]
fn bins_have_bounds() {
    let table = calibration(array![0.0, 0.25, 0.5, 0.500001, 1.0, 0.9].view(), &[0, 1, 0, 1, 1, 0], 4).unwrap();
    let rows: Vec<_> = table.iter().map(|bin| (bin.low, bin.high, bin.count, bin.fraction_of_positives)).collect();
    assert_eq!(rows, [(0.0, 0.25, 2, 0.5), (0.25, 0.5, 1, 0.0), (0.5, 0.75, 1, 1.0), (0.75, 1.0, 2, 0.5)]);
    let edges = Array1::from_shape_fn(11, |i| i as f64 * 0.1);
    let table = calibration(edges.view(), &[0; 11], 10).unwrap();
    assert_eq!(table.iter().map(|bin| bin.count).collect::<Vec<_>>(), [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert!(table.iter().skip(1).all(|bin| bin.high == bin.mean_probability));
    // The last one ends at 1, and 49 · (1/49) is below it.
    assert_eq!(calibration(array![1.0].view(), &[1], 49).unwrap()[0].high, 1.0);
}

/// Targets that are equal, or equal up to rounding, have no variance to explain; large ones do.
#[test]
fn r_squared_of_targets_without_variance() {
    let of = |predictions: Array2<f64>, targets: Array2<f64>| r_squared(predictions.view(), targets.view()).unwrap();
    let tenths = || array![[0.1], [0.1], [0.1]]; // their sum is not 3 · 0.1
    assert_eq!(of(tenths(), tenths()), 1.0);
    assert_eq!(of(array![[0.1], [0.1], [0.2]], tenths()), 0.0);
    assert_eq!(of(Array2::from_elem((10_000, 1), 0.2), Array2::from_elem((10_000, 1), 0.1)), 0.0);
    assert_eq!(of(array![[0.3], [0.3], [0.31]], array![[0.3], [0.1 + 0.2], [0.3]]), 0.0);
    // Honest variation around a large mean, and numbers whose squares vanish or overflow.
    let line = |scale: f64, shift: f64| Array2::from_shape_fn((5, 1), |(i, _)| shift + scale * i as f64);
    let (step, mean) = (2.0_f64.powi(-9), 2.0_f64.powi(30));
    near("large mean", of(line(step, mean + step), line(step, mean)), 0.5);
    for scale in [1e-300, 1e-17, 1.0, 1e300] {
        near("sizes", of(line(scale, scale), line(scale, 0.0)), 0.5);
        let rmse = root_mean_squared_error(line(scale, scale).view(), line(scale, 0.0).view()).unwrap();
        near("RMSE", rmse / scale, 1.0);
    }
}

#[test]
fn ties_count_half_and_signed_zeros_are_equal() {
    assert_eq!(roc_auc(array![0.0, -0.0, 0.0].view(), &[0, 1, 0]).unwrap(), 0.5);
    assert_eq!(roc_auc(array![1.0_f32, 2.0, 2.0].view(), &[0, 1, 0]).unwrap(), 0.75);
}

#[test]
fn nonsense_is_refused() {
    let text = |error: Result<f64, Error>| error.unwrap_err().to_string();
    let p = array![[0.5, 0.5], [0.25, 0.75]];
    let (p, column) = (p.view(), array![0.5, 2.0]);
    let none: [usize; 0] = [];
    assert_eq!(text(top_k_accuracy(p, &[0, 1], 0)), "k: expected 1 or more, found 0");
    assert_eq!(
        text(top_k_accuracy(p, &[0], 1)),
        "outputs: expected shape [1, 2], found [2, 2]. Every label or target has one row of outputs, as Network::predict makes them"
    );
    assert!(matches!(top_k_accuracy(p, &[0, 2], 1), Err(Error::Label { row: 1, classes: 2, found: 2 })));
    assert!(matches!(top_k_accuracy(Array2::<f64>::zeros((0, 2)).view(), &none, 1), Err(Error::Empty { .. })));
    assert_eq!(roc_auc(column.view(), &[0, 0]), Err(Error::AbsentClass { class: 1 }));
    assert_eq!(roc_auc(column.view(), &[1, 1]), Err(Error::AbsentClass { class: 0 }));
    assert!(matches!(roc_auc(Array1::<f64>::zeros(0).view(), &none), Err(Error::Empty { .. })));
    assert_eq!(
        text(roc_auc(column.view(), &[0, 2])),
        "label: expected 0 or 1, whether the example is of the class of the column, found 2"
    );
    assert_eq!(
        text(top_k_accuracy(array![[0.5], [0.1]].view(), &[0, 1], 1)),
        "outputs: expected 2 or more for top-k accuracy (of a single one: accuracy, from classify), found 1"
    );
    assert_eq!(
        text(roc_auc_one_vs_rest(array![[0.5], [0.1]].view(), &[0, 1])),
        "outputs: expected 2 or more for one against the rest (of a single one: roc_auc), found 1"
    );
    for metric in [root_mean_squared_error::<f64>, mean_absolute_error, r_squared] {
        let (wide, large) = (array![[1.0, 3.0], [2.0, 2.0]], array![[1.0], [-1e308]]);
        assert_eq!(
            text(metric(column.view().insert_axis(Axis(1)), wide.view())),
            "outputs: expected shape [2, 2], found [2, 1]. Every column of targets has one of outputs"
        );
        assert_eq!(
            text(metric(large.view(), column.view().insert_axis(Axis(1)))),
            "output or target: expected at most 4.5e307 in size, found -1e308"
        );
        // The largest that are taken, with opposite signs.
        let (up, down) = (array![[4.4e307], [-4.4e307]], array![[-4.4e307], [4.4e307]]);
        assert!(metric(up.view(), down.view()).unwrap().is_finite());
    }
    assert!(matches!(roc_auc(array![0.5, f64::NAN].view(), &[0, 1]), Err(Error::NotFinite { .. })));
    assert_eq!(
        text(log_loss(array![[0.5, 0.6]].view(), &[0])).split(':').next(),
        Some("sum of a row of probabilities")
    );
    assert_eq!(text(log_loss(array![[-0.5, 1.5]].view(), &[0])), "probability: expected 0 to 1, found -0.5");
    assert!(matches!(calibration(column.view(), &[0, 1], 5), Err(Error::OutOfRange { name: "probability", .. })));
    assert!(matches!(calibration(p.column(0), &[0, 1], 0), Err(Error::OutOfRange { name: "bins", .. })));
    assert_eq!(calibration(p.column(0), &[0, 1], usize::MAX).unwrap().len(), 2);
    assert!(matches!(r_squared(array![[1.0]].view(), array![[1.0]].view()), Err(Error::OutOfRange { .. })));
    assert!(matches!(mean_absolute_error(p, array![[1.0]].view()), Err(Error::Shape { .. })));
    let nothing = Array2::<f64>::zeros((0, 1));
    assert!(matches!(root_mean_squared_error(nothing.view(), nothing.view()), Err(Error::Empty { .. })));
    let infinite = array![[f64::INFINITY, 0.0], [0.0, 0.0]];
    assert!(matches!(mean_absolute_error(infinite.view(), p), Err(Error::NotFinite { place: "outputs", .. })));
    assert!(matches!(mean_absolute_error(p, infinite.view()), Err(Error::NotFinite { place: "targets", .. })));
}

/// One layer W = I, b = 0.
fn bare(units: usize, activation: Activation) -> Network<f64> {
    let layer = Layer::new(Array2::eye(units), Array1::zeros(units), activation).unwrap();
    Network::from_layers(vec![layer]).unwrap()
}

#[test]
fn decisions_follow_the_threshold_of_the_caller() {
    let x = array![[-1.0], [0.0], [0.2], [3.0]];
    let tanh = bare(1, Activation::Tanh);
    assert_eq!(tanh.classify(x.view()).unwrap(), array![0, 0, 0, 1]);
    assert_eq!(tanh.classify_at(x.view(), 0.0).unwrap(), array![0, 0, 1, 1]);
    assert_eq!(bare(1, Activation::Identity).classify_at(x.view(), -1.5).unwrap(), array![1, 1, 1, 1]);

    let labels = bare(3, Activation::Sigmoid);
    let x = array![[1.0, -1.0, 2.0], [-1.0, 0.0, -2.0]];
    assert_eq!(labels.decisions(x.view(), 0.5).unwrap(), array![[true, false, true], [false, false, false]]);
    let error = labels.classify_at(x.view(), 0.5).unwrap_err().to_string();
    assert_eq!(
        error,
        "outputs: expected 1 for a threshold; use classify, or decisions for independent labels, found 3"
    );
    for threshold in [f64::NAN, f64::INFINITY] {
        assert!(matches!(labels.decisions(x.view(), threshold), Err(Error::OutOfRange { name: "threshold", .. })));
    }
}

#[test]
fn a_summary_shows_layers_shapes_activations_and_parameters() {
    let layer = |inputs, outputs, activation| {
        Layer::<f64>::new(Array2::zeros((inputs, outputs)), Array1::zeros(outputs), activation).unwrap()
    };
    let layers = vec![layer(2000, 800, Activation::LeakyRelu), layer(800, 1, Activation::Sigmoid)];
    let network = Network::from_layers(layers).unwrap();
    assert_eq!(
        network.summary().to_string(),
        "layer  activation  output shape  weights      bias   parameters\n\
         0      leaky_relu  [n, 800]      [2000, 800]  [800]   1,600,800\n\
         1      sigmoid     [n, 1]        [800, 1]     [1]           801\n\
         total                                                 1,601,601\n\
         12.2 MiB in f64\n"
    );
    let of_127 = Network::from_layers(vec![layer(126, 1, Activation::Tanh)]).unwrap();
    assert!(of_127.summary().to_string().ends_with("\n1016 B in f64\n"));
    assert_eq!(network.parameters(), 1_601_601);
}

/// Certainty that is right costs the rounding of its number type, and certainty that is wrong is not infinite.
#[test]
fn log_loss_of_certainty() {
    let near = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-6, "{found:e} {expected:e}");
    let epsilon = f64::from(f32::EPSILON);
    near(log_loss(array![[1.0_f32]].view(), &[1]).unwrap(), epsilon);
    near(log_loss(array![[0.0_f32, 1.0]].view(), &[1]).unwrap(), epsilon);
    near(log_loss(array![[1.0_f32]].view(), &[0]).unwrap(), -epsilon.ln());
}

/// A class that is predicted and never right counts in the macro average, as in scikit-learn; one that is neither
/// predicted nor labelled does not.
#[test]
fn the_macro_average_is_over_classes_that_occur() {
    let report = ConfusionMatrix::new(&[0, 2], &[0, 1], 4).unwrap().report();
    assert!((report.macro_average.precision - 1.0 / 3.0).abs() < 1e-15, "{report:?}");
}
