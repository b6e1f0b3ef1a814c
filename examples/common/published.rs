//! The points that the tutorials drew, so that results can be compared. They are stored with the tests.

use chainrule::ndarray::Array2;
use chainrule::{Dataset, one_hot};
use std::error::Error;

/// The flower of numpy's legacy seed 1: 400 points, one column of 0 and 1.
pub fn planar() -> Result<Dataset<f64>, Box<dyn Error>> {
    let file = serde_json::from_str(include_str!("../../tests/golden/data_planar.json"))?;
    let (inputs, labels) = points(&file, "x", "label")?;
    let targets = Array2::from_shape_fn((labels.len(), 1), |(row, _)| labels[row] as f64);
    Ok(Dataset::new(inputs, targets)?)
}

/// scikit-learn's `make_moons(2000, noise=0.2, random_state=100)`, split 70 to 30 with `random_state=42`; one-hot.
pub fn moons() -> Result<(Dataset<f64>, Dataset<f64>), Box<dyn Error>> {
    let file = serde_json::from_str(include_str!("../../tests/golden/data_moons.json"))?;
    let part = |x, label| -> Result<Dataset<f64>, Box<dyn Error>> {
        let (inputs, labels) = points(&file, x, label)?;
        Ok(Dataset::new(inputs, one_hot(&labels, 2)?)?)
    };
    Ok((part("x_train", "label_train")?, part("x_test", "label_test")?))
}

fn points(file: &serde_json::Value, x: &str, label: &str) -> Result<(Array2<f64>, Vec<usize>), Box<dyn Error>> {
    let places: Vec<[f64; 2]> = serde_json::from_value(file[x].clone())?;
    let labels = serde_json::from_value(file[label].clone())?;
    Ok((Array2::from(places), labels))
}
