//! Preprocessing: learnt from one table, applied to others.

use super::{iris, message};
use chainrule::ndarray::{Array2, array};
use chainrule::{Csv, Dataset, Error, Fill, Preprocessing, Scale, Table, Value};

const TITANIC: &str = "\
age,port,fare,survived
22,S,7.25,no
?,C,71.3,yes
26,S,8,yes
35,?,53.1,no
";

fn titanic() -> Table {
    let csv = Csv::new().target("survived").fill(Fill::Median).fill(Fill::Word("unknown".into()));
    csv.read_from(TITANIC.as_bytes()).unwrap()
}

/// Rows of a table, of an array and by name become the same inputs.
#[test]
fn the_three_ways_in_agree() {
    let table = iris();
    let preprocessing = Preprocessing::learn(&table).unwrap();
    let data = preprocessing.dataset::<f64>(&table).unwrap();
    assert_eq!(preprocessing.inputs::<f64>(&table).unwrap(), data.inputs());
    let raw = table.dataset::<f64>().unwrap();
    assert_eq!(preprocessing.inputs_of(raw.inputs()).unwrap(), data.inputs());
    for (raw, scaled) in raw.inputs().rows().into_iter().zip(data.inputs().rows()) {
        let names = ["petal width", "sepal length", "petal length", "sepal width"];
        let row: Vec<(&str, f64)> = names.iter().zip([raw[3], raw[0], raw[2], raw[1]]).map(|(&n, x)| (n, x)).collect();
        assert_eq!(preprocessing.inputs_of_row::<f64, _>(&row).unwrap().row(0), scaled);
    }
    assert!(data.inputs().mean_axis(chainrule::ndarray::Axis(0)).unwrap().iter().all(|m| m.abs() < 1e-12));
}

#[test]
fn numbers_words_and_gaps() {
    let table = titanic();
    let preprocessing = Preprocessing::learn_with(&table, Scale::MinMax, Scale::Standard).unwrap();
    assert_eq!(preprocessing.feature_names(), ["age", "port=C", "port=S", "port=unknown", "fare"]);
    assert_eq!(preprocessing.classes().unwrap(), ["no", "yes"]);
    assert_eq!(preprocessing.targets(), ["survived"]);
    let data = preprocessing.dataset::<f64>(&table).unwrap();
    assert_eq!(data.inputs().column(0), array![0.0, 4.0 / 13.0, 4.0 / 13.0, 1.0]); // the median is 26
    assert_eq!(data.inputs().row(3).to_vec()[1..4], [0.0, 0.0, 1.0]);
    assert_eq!(data.labels().unwrap(), [0, 1, 1, 0]);

    // The words are not scaled, whatever the kind.
    for kind in [Scale::Standard, Scale::Robust, Scale::Mean] {
        let data = Preprocessing::learn_with(&table, kind, kind).unwrap().dataset::<f64>(&table).unwrap();
        assert_eq!(data.inputs().column(2), array![1.0, 0.0, 1.0, 0.0]);
    }

    // A gap in a later row gets what was learnt.
    let later = preprocessing.csv().read_from("port,fare,age\nC,7.25,\n,71.3,35\n".as_bytes()).unwrap();
    let inputs = preprocessing.inputs::<f64>(&later).unwrap();
    assert_eq!(inputs.row(0).to_vec(), [4.0 / 13.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(inputs.row(1).to_vec(), [1.0, 0.0, 0.0, 1.0, 1.0]);
    let row = [("age", Value::Number(f64::NAN)), ("port", "C".into()), ("fare", 7.25.into())];
    assert_eq!(preprocessing.inputs_of_row::<f64, _>(&row).unwrap().row(0), inputs.row(0));
}

/// Fill-ins, scaling and ranges come from the rows that were learnt from, not from the others.
#[test]
fn nothing_is_learnt_from_other_rows() {
    let text = "a,y\n1,10\n3,30\n,20\n1000,99999\n";
    let table = Csv::new().target("y").fill(Fill::Mean).read_from(text.as_bytes()).unwrap();
    let train = table.select(&[0, 1, 2]).unwrap();
    let preprocessing = Preprocessing::learn_with(&train, Scale::MinMax, Scale::MinMax).unwrap();
    let data = preprocessing.dataset::<f64>(&table).unwrap();
    assert_eq!(data.inputs(), array![[0.0], [1.0], [0.5], [499.5]]);
    assert_eq!(data.targets(), array![[0.0], [1.0], [0.5], [4999.45]]);
    let scaling = preprocessing.target_scaling().unwrap();
    assert_eq!(scaling.inverse(data.targets()).unwrap().row(0)[0], 10.0);
    // Nothing to learn a fill-in from.
    assert_eq!(
        message(Preprocessing::learn(&table.select(&[2]).unwrap())),
        "column \"a\": expected a value in some row, to learn the fill-in from, found none"
    );
}

#[test]
fn arrays_become_tables() {
    let data = Dataset::new(array![[1.0, 2.0], [3.0, 4.0]], array![[0.5], [0.25]]).unwrap();
    let table = Table::from_dataset(&data);
    assert_eq!(table.inputs().collect::<Vec<_>>(), ["input 1", "input 2"]);
    assert_eq!(table.targets().collect::<Vec<_>>(), ["target 1"]);
    let back = table.dataset::<f64>().unwrap();
    assert_eq!((back.inputs(), back.targets()), (data.inputs(), data.targets()));
    // A column of 0 and 1 becomes two classes.
    let table = Table::from_dataset(&Dataset::<f32>::xor());
    assert_eq!(table.classes().unwrap(), ["0", "1"]);
    assert_eq!(table.labels().unwrap(), [0, 1, 1, 0]);
    assert_eq!(table.dataset::<f64>().unwrap().num_outputs(), 2);
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let preprocessing = Preprocessing::learn(&titanic()).unwrap();
    let row = |row: &[(&str, Value)]| message(preprocessing.inputs_of_row::<f64, _>(row));
    let (age, port, fare) = (("age", 1.0.into()), ("port", "S".into()), ("fare", 2.into()));
    assert!(preprocessing.inputs_of_row::<f64, _>(&[fare, age, port]).is_ok());
    assert_eq!(row(&[fare, age, port, age]), "column \"age\": expected one value, found two");
    assert_eq!(
        row(&[fare, age, port, ("class", 3.into())]),
        "column \"class\": expected one of age, port, fare, found an unknown name"
    );
    assert_eq!(row(&[("age", "old".into()), port, fare]), "column \"age\": expected a number, found \"old\"");
    assert_eq!(
        row(&[("age", f64::INFINITY.into()), port, fare]),
        "inputs: expected finite numbers, found inf at [0, 0]"
    );
    assert_eq!(
        message(preprocessing.inputs_of(Array2::<f64>::zeros((1, 3)).view())),
        "column \"port\": expected numbers, found words"
    );
    let numbers = Preprocessing::learn(&iris()).unwrap();
    assert_eq!(
        message(numbers.inputs_of(Array2::<f64>::zeros((2, 3)).view())),
        "columns of a row: expected shape [2, 4], found [2, 3]"
    );
    let mut gap = Array2::<f64>::zeros((2, 4));
    gap[[1, 2]] = f64::NAN;
    assert_eq!(
        message(numbers.inputs_of(gap.view())),
        "column \"petal length\": expected a value, as no fill-in was learnt for this column, found none in row 1"
    );
    let table = Csv::new().read_from("a\n1\n".as_bytes()).unwrap();
    assert_eq!(Preprocessing::learn(&table).unwrap_err(), Error::Empty { place: "targets of the table" });
    // Targets of other classes, for an evaluation.
    let other = "sepal length,sepal width,petal length,petal width,species\n1,2,3,4,tulip\n";
    assert_eq!(
        message(numbers.csv().target("species").read_from(other.as_bytes())),
        "line 2, column \"species\": expected one of the known words setosa, versicolor, virginica, found \"tulip\""
    );
    // An f32 that a number does not fit into.
    let table = Csv::new().target("y").read_from("a,y\n1e300,1\n2e300,2\n".as_bytes()).unwrap();
    let unscaled = Preprocessing::learn_with(&table, Scale::Unchanged, Scale::Unchanged).unwrap();
    assert!(matches!(unscaled.inputs::<f32>(&table), Err(Error::NotFinite { .. })));
}
