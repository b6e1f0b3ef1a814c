//! Names of features and classes stay with the data.

use chainrule::ndarray::array;
use chainrule::rand::SeedableRng;
use chainrule::{ChaCha8Rng, ConfusionMatrix, Dataset, Error, Scale, Scaling};

fn flowers() -> Dataset<f64> {
    let inputs = array![[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0], [5.0, 9.0], [6.0, 10.0]];
    let data = Dataset::classification(inputs, vec![0, 1, 2, 0, 1, 2], 3).unwrap();
    data.with_feature_names(["length", "width"]).unwrap().with_class_names(["a", "b", "c"]).unwrap()
}

fn named(data: &Dataset<f64>) -> bool {
    data.feature_names().unwrap() == ["length", "width"] && data.class_names().unwrap() == ["a", "b", "c"]
}

#[test]
fn every_part_of_a_data_set_has_its_names() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let data = flowers();
    let (first, second) = data.split(0.5, &mut rng).unwrap();
    let (third, fourth) = data.split_stratified(0.5, &mut rng).unwrap();
    for part in [&first, &second, &third, &fourth, &data.select(&[4, 1]).unwrap(), &data.rows(2..3).unwrap()] {
        assert!(named(part));
    }
    assert!(named(&data.clone().shuffled(&mut rng)));
    assert!(named(&Scaling::robust(&data).unwrap().apply(data.clone()).unwrap()));

    // Scaled targets are no classes any more, so their names go.
    let scaling = Scaling::learn(Scale::Standard, data.targets()).unwrap();
    let scaled = scaling.apply_to_targets(data).unwrap();
    assert_eq!((scaled.labels(), scaled.class_names()), (None, None));
    assert!(scaled.feature_names().is_some());
    assert_eq!(Dataset::<f64>::xor().feature_names(), None);
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let message = |result: Result<_, Error>| result.map(|_: Dataset<f64>| ()).unwrap_err().to_string();
    assert_eq!(message(flowers().with_feature_names(["one"])), "feature names: expected shape [2], found [1]");
    assert_eq!(message(flowers().with_class_names(["a", "b"])), "class names: expected shape [3], found [2]");
    assert_eq!(
        message(flowers().with_feature_names(["one", "one"])),
        "feature names: expected different ones, found \"one\" twice"
    );
    // One column of 0 and 1 holds two classes; other numbers hold none.
    assert!(Dataset::<f64>::xor().with_class_names(["no", "yes"]).is_ok());
    let numbers = Dataset::new(array![[1.0], [2.0]], array![[1.0], [0.5]]).unwrap();
    assert_eq!(numbers.with_class_names(["no", "yes"]).unwrap_err(), Error::NoLabels { row: 1 });
}

#[test]
fn the_confusion_matrix_prints_names() {
    let confusion = ConfusionMatrix::new(&[0, 1, 1], &[0, 1, 0], 2).unwrap();
    let named = confusion.clone().with_class_names(["setosa", "größer als alle anderen"]).unwrap();
    assert_eq!(
        named.to_string(),
        "       true \\ predicted                   setosa  größer als alle anderen\n\
         \x20                setosa                        1                        1\n\
         größer als alle anderen                        0                        1\n"
    );
    let error = confusion.with_class_names(["one"]).unwrap_err();
    assert_eq!(error.to_string(), "class names: expected shape [2], found [1]");
}
