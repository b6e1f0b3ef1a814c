//! A model put together from lines, as in `checkpoint_parts`, and any text as a model.
#![no_main]

use chainrule::ndarray::Array2;
use chainrule::{Model, Value};
use common::{file, file_of_lines, with_fitting_length};
use libfuzzer_sys::fuzz_target;

/// A model that is loaded predicts or says why not, and comes back from a file.
fn check(model: &Model<f64>) {
    let columns: Vec<String> = model.preprocessing().columns().map(String::from).collect();
    let _ = model.predict(Array2::from_elem((2, columns.len()), 0.5).view());
    let _ = model.predict(Array2::from_elem((1, columns.len()), f64::NAN).view());
    let _ = model.classify(Array2::from_elem((1, columns.len()), 0.5).view());
    for value in [Value::Number(0.5), Value::Number(f64::NAN), Value::Word("a")] {
        let row: Vec<(&str, Value)> = columns.iter().map(|name| (name.as_str(), value)).collect();
        let _ = model.predict_row(&row);
        let _ = model.classify_row(&row);
    }
    let _ = model.csv().read_from(&b"a,b\n1,2\n"[..]);
    let path = common::out();
    model.save(path).unwrap();
    assert_eq!(Model::<f64>::load(path).unwrap(), *model);
}

const GOOD: &str = include_str!("../seeds/model/small");

fuzz_target!(|text: &str| {
    for bytes in [file_of_lines(GOOD, text), with_fitting_length(text.as_bytes())] {
        match Model::<f64>::load(file(&bytes)) {
            Ok(model) => check(&model),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
