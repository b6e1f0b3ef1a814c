//! CSV files: what is read. `misuse.rs`: what is refused, and what is right although it looks odd.

use super::{iris, message};
use chainrule::ndarray::{Array1, array};
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{ChaCha8Rng, Csv, Fill, Preprocessing, Scaling, Table};
use std::fmt::Write;

fn read(csv: &Csv, text: &str) -> Table {
    csv.read_from(text.as_bytes()).unwrap()
}

/// The rows of a column that the reader has left unscaled.
fn column(table: &Table, name: &str) -> Vec<f64> {
    let data = table.dataset::<f64>().unwrap();
    let j = data.feature_names().unwrap().iter().position(|other| other == name).unwrap();
    data.inputs().column(j).to_vec()
}

#[test]
fn iris_is_the_published_table() {
    let table = iris();
    assert_eq!(table.len(), 150);
    assert_eq!(table.inputs().collect::<Vec<_>>(), ["sepal length", "sepal width", "petal length", "petal width"]);
    assert_eq!(table.targets().collect::<Vec<_>>(), ["species"]);
    assert_eq!(table.classes().unwrap(), ["setosa", "versicolor", "virginica"]);
    let data = table.dataset::<f64>().unwrap();
    assert_eq!(data.labels().unwrap()[..], [[0; 50], [1; 50], [2; 50]].concat());
    assert_eq!(data.inputs().row(0), array![5.1, 3.5, 1.4, 0.2]);
    assert_eq!(data.inputs().row(149), array![5.9, 3.0, 5.1, 1.8]);
    assert_eq!(data.class_names(), table.classes());
    let f32s = table.dataset::<f32>().unwrap();
    assert_eq!(f32s.inputs(), data.inputs().mapv(|x| x as f32));

    // sklearn.preprocessing.RobustScaler and MinMaxScaler on the same table.
    let robust = Scaling::robust(&data).unwrap();
    let close = |a: Array1<f64>, b: Array1<f64>| a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(close(robust.shift().to_owned(), array![5.8, 3.0, 4.35, 1.3]));
    assert!(close(robust.scale().to_owned(), array![1.3, 0.5, 3.5, 1.5]));
    let last = Scaling::min_max(&data).unwrap().apply(data).unwrap().inputs().row(149).to_owned();
    assert!(close(last, array![0.44444444444444464, 0.41666666666666674, 0.6949152542372881, 0.7083333333333334]));
}

#[test]
fn columns_are_chosen_by_name() {
    let text = "id,a,b,y,z\nx1,1,2,3,4\nx2,5,6,7,8\n";
    let data = read(&Csv::new().target("z").target("y").without(["id"]), text).dataset::<f64>().unwrap();
    assert_eq!(data.feature_names().unwrap(), ["a", "b"]);
    assert_eq!(data.inputs(), array![[1.0, 2.0], [5.0, 6.0]]);
    assert_eq!(data.targets(), array![[4.0, 3.0], [8.0, 7.0]]);
    assert_eq!(data.labels(), None);

    // No names in the file.
    let table = read(&Csv::new().header(false).target("column 3"), "1,2,a\n3,4,b\n");
    assert_eq!(table.inputs().collect::<Vec<_>>(), ["column 1", "column 2"]);
    assert_eq!(table.classes().unwrap(), ["a", "b"]);
    assert_eq!(table.len(), 2);
}

#[test]
fn words_become_columns_of_0_and_1() {
    let text = "city,age,y\nRome,1,2\nOslo,2,3\nRome,3,4\n";
    let data = read(&Csv::new().target("y"), text).dataset::<f64>().unwrap();
    assert_eq!(data.feature_names().unwrap(), ["city=Oslo", "city=Rome", "age"]);
    assert_eq!(data.inputs(), array![[0.0, 1.0, 1.0], [1.0, 0.0, 2.0], [0.0, 1.0, 3.0]]);

    // Numbers that are words: sorted by size, and as they are written.
    let text = "postcode,y\n100,1\n020,2\n3,3\n";
    let data = read(&Csv::new().target("y").words(["postcode"]), text).dataset::<f64>().unwrap();
    assert_eq!(data.feature_names().unwrap(), ["postcode=3", "postcode=020", "postcode=100"]);

    let names: String = (0..101).fold("name,y\n".into(), |text, i| format!("{text}n{i},1\n"));
    assert_eq!(
        message(Csv::new().target("y").read_from(names.as_bytes())),
        "line 102, column \"name\": expected at most 100 different words, found one more, \"n100\". \
         Csv::without([\"name\"]) leaves the column out, Csv::max_words allows more"
    );
    assert_eq!(read(&Csv::new().target("y").max_words(101), &names).dataset::<f64>().unwrap().num_inputs(), 101);
}

#[test]
fn missing_values_are_an_error_or_replaced() {
    for missing in ["", " ", "NA", "N/A", "?", "nan", "NaN", "null"] {
        let text = format!("a,y\n1,1\n2,2\n{missing},3\n6,4\n");
        let found = match missing.trim() {
            "" => "nothing".into(),
            text => format!("{text:?}, which stands for a missing value"),
        };
        assert_eq!(
            message(Csv::new().target("y").read_from(text.as_bytes())),
            format!(
                "line 4, column \"a\": expected a value, found {found}. Csv::fill(Fill::Median) replaces missing values"
            )
        );
        let with = |fill| column(&read(&Csv::new().target("y").fill(fill), &text), "a");
        assert_eq!(with(Fill::Mean), [1.0, 2.0, 3.0, 6.0]);
        assert_eq!(with(Fill::Median), [1.0, 2.0, 2.0, 6.0]);
        assert_eq!(with(Fill::Value(-1.0)), [1.0, 2.0, -1.0, 6.0]);
    }
    // In the first row, before anything is known of the column.
    let text = "a,b,y\n,,1\n2,x,2\n4,,3\n";
    let csv = Csv::new().target("y").fill(Fill::Mean).fill(Fill::Word("none".into()));
    let data = read(&csv, text).dataset::<f64>().unwrap();
    assert_eq!(data.feature_names().unwrap(), ["a", "b=none", "b=x"]);
    assert_eq!(data.inputs(), array![[3.0, 1.0, 0.0], [2.0, 0.0, 1.0], [4.0, 1.0, 0.0]]);
    assert_eq!(
        message(Csv::new().target("y").fill(Fill::Mean).read_from(text.as_bytes())),
        "line 2, column \"b\": expected a value, found nothing. Csv::fill(Fill::Word(\"unknown\".into())) replaces missing \
         values"
    );
    // One column has its own; other texts can stand for a missing value, numbers too.
    let csv = Csv::new().target("y").missing(["-", "-999"]).fill(Fill::Mean).fill_column("b", Fill::Value(7.0));
    let data = read(&csv, "a,b,y\n1,-999,1\n-,5,2\n").dataset::<f64>().unwrap();
    assert_eq!(data.inputs(), array![[1.0, 7.0], [1.0, 5.0]]);
    let csv = Csv::new().fill_column("a", Fill::Word("x".into()));
    assert_eq!(
        message(csv.read_from("a\n1\n".as_bytes())),
        "line 2, column \"a\": expected a column for the fill-in Word(\"x\"), found numbers"
    );
    // Never in a target.
    assert_eq!(
        message(Csv::new().target("y").fill(Fill::Mean).read_from("a,y\n1,1\n2,\n".as_bytes())),
        "line 3, column \"y\": expected a value, because it is the target, found nothing. Take the line out"
    );
    assert_eq!(
        message(Csv::new().target("y").fill(Fill::Mean).read_from("a,y\n,1\n,2\n".as_bytes())),
        "line 2, column \"a\": expected a value in some row, found none. Csv::without leaves the column out"
    );
}

/// Numbers that stand for a missing value, rows of separators alone, and words in one of several targets, further down.
#[test]
fn what_the_first_row_does_not_show() {
    let csv = Csv::new().target("y").missing(["-999"]).fill(Fill::Mean);
    assert_eq!(column(&read(&csv, "a,y\n1,1\n2,2\n-999,3\n6,4\n"), "a"), [1.0, 2.0, 3.0, 6.0]);
    let text = "a,b\n1,2\n,\n3,4\n";
    assert!(message(Csv::new().read_from(text.as_bytes())).starts_with("line 3, column \"a\""));
    // A fill-in that was not learnt is none for rows to predict from.
    let learnt = Preprocessing::learn(&read(&Csv::new().target("y"), "a,y\n1,1\n2,2\n")).unwrap();
    let gap = learnt.csv().fill(Fill::Mean).read_from("a\n3\nNA\n".as_bytes());
    assert!(message(gap).starts_with("line 3, column \"a\""));
    let two_targets = Csv::new().target("y").target("z").read_from("a,y,z\n1,2,red\n3,4,blue\n".as_bytes());
    let text = "line 1: expected numbers in each of several targets, found words in column \"z\"";
    assert_eq!(message(two_targets), text);
}

/// Every number comes back with the bits that Rust reads in it, on many rows and in all notations.
#[test]
fn numbers_are_read_exactly() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let numbers: Vec<f64> =
        (0..3_000).map(|_| (rng.random::<f64>() - 0.5) * 10_f64.powi(rng.random_range(-9..9))).collect();
    let text = numbers.chunks(3).fold("a,b,c\n".into(), |mut text: String, row| {
        writeln!(text, "{}, {:e} ,+{:?}", row[0], row[1], row[2].abs()).unwrap();
        text
    });
    let table = read(&Csv::new().target("c"), &text);
    let data = table.dataset::<f64>().unwrap();
    for (i, row) in numbers.chunks(3).enumerate() {
        assert_eq!(data.inputs().row(i).to_vec(), row[..2]);
        assert_eq!(data.targets()[[i, 0]], row[2].abs());
    }
    let german = read(&Csv::new().separator(b';').decimal_comma(true).target("y"), "a;y\n5,1;1e3\n-,25;2\n7;3,0\n");
    let data = german.dataset::<f64>().unwrap();
    assert_eq!(data.inputs(), array![[5.1], [-0.25], [7.0]]);
    assert_eq!(data.targets(), array![[1000.0], [2.0], [3.0]]);
}

/// One table in parts is the same as in one piece: a reader may return any number of bytes.
#[test]
fn it_reads_from_any_reader() {
    struct Slow<'t>(&'t [u8]);
    impl std::io::Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = buffer.len().min(self.0.len()).min(2);
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let bytes = std::fs::read(super::fixture("iris.csv")).unwrap();
    assert_eq!(Csv::new().target("species").read_from(Slow(&bytes)).unwrap(), iris());
}

#[test]
fn splits_keep_rows_and_proportions() {
    let table = iris();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (train, test) = table.split_stratified(0.8, &mut rng).unwrap();
    assert_eq!((train.len(), test.len()), (120, 30));
    let data = test.dataset::<f64>().unwrap();
    assert_eq!(data.targets().sum_axis(chainrule::ndarray::Axis(0)), array![10.0, 10.0, 10.0]);
    let (train, test) = table.split(0.5, &mut rng).unwrap();
    assert_eq!((train.len(), test.len()), (75, 75));
    // Both parts know all classes, also those of which they have no example.
    let few = table.select(&[0, 1]).unwrap();
    assert_eq!(few.dataset::<f64>().unwrap().num_outputs(), 3);
    assert_eq!(message(table.select(&[150])), "row: expected less than 150, found 150");
    let numbers = read(&Csv::new().target("y"), "a,y\n1,1\n2,2\n");
    assert!(numbers.split_stratified(0.5, &mut rng).is_err());
    // What is learnt from one part makes inputs of both.
    let preprocessing = Preprocessing::learn(&train).unwrap();
    assert_eq!(preprocessing.dataset::<f64>(&test).unwrap().len(), 75);
}
