//! Any bytes as a CSV file, under several settings. What is read makes finite data, and reads the same again.
#![no_main]

use chainrule::{Csv, Fill, Preprocessing, Scale};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (settings, bytes) = input;
    let mut csv = Csv::new().separator(if settings & 1 == 0 { b',' } else { b';' });
    csv = csv.decimal_comma(settings & 2 != 0).header(settings & 4 == 0).max_words(5);
    if settings & 8 != 0 {
        csv = csv.fill(Fill::Median).fill(Fill::Word("?".into()));
    }
    csv = match settings >> 4 & 3 {
        0 => csv,
        1 => csv.target("y"),
        2 => csv.target("column 1"),
        _ => csv.target("y").words(["y"]).without(["a"]),
    };
    let table = match csv.read_from(bytes) {
        Ok(table) => table,
        Err(problem) => return assert!(!problem.to_string().is_empty()),
    };
    assert!(table.len() > 0);
    for kind in [Scale::Unchanged, Scale::Standard, Scale::MinMax, Scale::Robust] {
        let Ok(preprocessing) = Preprocessing::learn_with(&table, kind, kind) else { continue };
        if let Ok(data) = preprocessing.dataset::<f64>(&table) {
            assert_eq!(data.len(), table.len());
            assert_eq!(data.feature_names().unwrap(), preprocessing.feature_names());
        }
        // The reader that knows the columns accepts the same file, unless it was written in another way.
        if settings & 7 == 0 {
            let again = preprocessing.csv().read_from(bytes).unwrap();
            assert_eq!(preprocessing.inputs::<f64>(&again).ok(), preprocessing.inputs::<f64>(&table).ok());
        }
    }
});
