//! Files and rows as they should not be: each is read right, or refused with its line.

use super::{fixture, iris, message};
use chainrule::{Csv, Preprocessing, Table};

/// What a file of this text becomes, with the target `y`.
fn read(text: &str) -> Result<Table, String> {
    Csv::new().target("y").read_from(text.as_bytes()).map_err(|problem| problem.to_string())
}

fn refused(text: &str) -> String {
    read(text).map(|_| ()).unwrap_err()
}

const PLAIN: &str = "a,b,y\n1,2,no\n3,4,yes\n";

/// Columns in another order, with others among them: found by name.
#[test]
fn columns_in_another_order() {
    let table = iris();
    let preprocessing = Preprocessing::learn(&table).unwrap();
    let expected = preprocessing.inputs::<f64>(&table).unwrap();
    let text = std::fs::read_to_string(fixture("iris.csv")).unwrap();
    let moved = text.lines().fold(String::new(), |moved, line| {
        let f: Vec<_> = line.split(',').collect();
        format!("{moved}{},{},{},id of {},{},{}\n", f[3], f[4], f[0], f[0], f[2], f[1])
    });
    let csv = preprocessing.csv();
    assert_eq!(preprocessing.inputs::<f64>(&csv.read_from(moved.as_bytes()).unwrap()).unwrap(), expected);
    // Other columns may have any name, or none.
    let named = format!("x,x,,{text}").replace("\n", "\n0,0,0,");
    let named = named.trim_end_matches("0,0,0,");
    assert_eq!(preprocessing.inputs::<f64>(&csv.read_from(named.as_bytes()).unwrap()).unwrap(), expected);
    // Also of a table that was read without knowing of the preprocessing.
    let other = Csv::new().without(["id of sepal length"]).read_from(moved.as_bytes()).unwrap();
    assert_eq!(preprocessing.inputs::<f64>(&other).unwrap(), expected);
}

#[test]
fn a_missing_column() {
    let preprocessing = Preprocessing::learn(&iris()).unwrap();
    let text = "sepal length,sepal width,petal length\n1,2,3\n";
    assert_eq!(
        message(preprocessing.csv().read_from(text.as_bytes())),
        "line 1: expected a column \"petal width\", found sepal length, sepal width, petal length"
    );
    let table = Csv::new().read_from(text.as_bytes()).unwrap();
    assert_eq!(
        message(preprocessing.inputs::<f64>(&table)),
        "column \"petal width\": expected a column of this name, found sepal length, sepal width, petal length"
    );
    assert_eq!(
        message(preprocessing.dataset::<f64>(&iris().select(&[0]).unwrap()).map(|_| ()).and_then(|()| {
            let text = "sepal length,sepal width,petal length,petal width\n1,2,3,4\n";
            preprocessing.dataset::<f64>(&Csv::new().read_from(text.as_bytes()).unwrap()).map(|_| ())
        })),
        "column \"species\": expected a target column of this name, found none"
    );
    let row = [("sepal length", 5.1), ("sepal width", 3.5), ("petal length", 1.4)];
    assert_eq!(
        message(preprocessing.inputs_of_row::<f64, _>(&row)),
        "column \"petal width\": expected a value of this name, found sepal length, sepal width, petal length"
    );
    assert_eq!(
        message(Csv::new().target("specie").read_from("a,species\n1,x\n".as_bytes())),
        "line 1: expected a column \"specie\", found a, species"
    );
    // No names in the file.
    assert_eq!(
        refused("5.1,b,no\n1,c,yes\n"),
        "line 1: expected a column \"y\", found 5.1, b, no. If the first line is one of numbers: Csv::header(false) reads a \
         file without names"
    );
    assert_eq!(
        message(Csv::new().without(["c"]).read_from(PLAIN.as_bytes())),
        "line 1: expected a column \"c\", found a, b, y"
    );
}

#[test]
fn a_word_where_a_number_was() {
    assert_eq!(
        refused("a,b,y\n1,2,no\n3,about 4,yes\n"),
        "line 3, column \"b\": expected a number, as in line 2, found \"about 4\""
    );
    let preprocessing = Preprocessing::learn(&iris()).unwrap();
    let text = "petal width,petal length,sepal width,sepal length\n1,2,3,long\n";
    assert_eq!(
        message(preprocessing.csv().read_from(text.as_bytes())),
        "line 2, column \"sepal length\": expected a number, found \"long\""
    );
    let table = Csv::new().read_from(text.as_bytes()).unwrap();
    assert_eq!(message(preprocessing.inputs::<f64>(&table)), "column \"sepal length\": expected numbers, found words");
    for (text, found) in [("inf", "\"inf\""), ("-Infinity", "\"-Infinity\""), ("1e999", "\"1e999\"")] {
        assert_eq!(
            refused(&format!("a,y\n1,no\n{text},yes\n")),
            format!("line 3, column \"a\": expected a finite number, found {found}")
        );
    }
}

#[test]
fn an_unknown_category() {
    let table = Csv::new().target("y").read_from("city,y\nRome,1\nOslo,2\n".as_bytes()).unwrap();
    let preprocessing = Preprocessing::learn(&table).unwrap();
    assert_eq!(
        message(preprocessing.csv().read_from("city\nOslo\n\nParis\n".as_bytes())),
        "line 4, column \"city\": expected one of the known words Oslo, Rome, found \"Paris\""
    );
    let other = Csv::new().read_from("city\nOslo\nParis\n".as_bytes()).unwrap();
    assert_eq!(
        message(preprocessing.inputs::<f64>(&other)),
        "column \"city\": expected one of the known words Oslo, Rome, found \"Paris\" in row 1"
    );
    assert_eq!(
        message(preprocessing.inputs_of_row::<f64, _>(&[("city", "Paris")])),
        "column \"city\": expected one of the known words Oslo, Rome, found \"Paris\""
    );
    assert_eq!(
        message(preprocessing.inputs_of_row::<f64, _>(&[("city", 3.0)])),
        "column \"city\": expected a word, found the number 3"
    );
    // A file in which only some of the words occur keeps their columns apart.
    let rome = preprocessing.csv().read_from("city\nRome\n".as_bytes()).unwrap();
    assert_eq!(preprocessing.inputs::<f64>(&rome).unwrap().row(0).to_vec(), [0.0, 1.0]);
    // A word that looks like a number elsewhere is a word here.
    let table = Csv::new().target("y").words(["code"]).read_from("code,y\n7,1\n8,2\n".as_bytes()).unwrap();
    let preprocessing = Preprocessing::learn(&table).unwrap();
    let eight = preprocessing.csv().read_from("code\n8\n".as_bytes()).unwrap();
    assert_eq!(preprocessing.inputs::<f64>(&eight).unwrap().row(0).to_vec(), [0.0, 1.0]);
}

#[test]
fn one_class_only() {
    assert_eq!(
        refused("a,y\n1,no\n2,no\n"),
        "line 2, column \"y\": expected at least two classes, found \"no\" in every row"
    );
}

#[test]
fn two_lines_of_names() {
    assert_eq!(
        refused("a,b,y\ncm,kg,text\n1,2,no\n"),
        "line 3, column \"a\": expected a word, as in line 2, found the number 1. If numbers are words here: \
         Csv::words([\"a\"]). If line 2 is a second line of names, take it out"
    );
    assert_eq!(
        refused("1.5,2,3\n1,2,no\n"),
        "line 1: expected the names of the columns, found numbers. Csv::header(false) reads a file without names"
    );
    assert_eq!(refused("a,a,y\n1,2,no\n"), "line 1: expected different names, found \"a\" twice: rename one of them");
    // The index that pandas writes.
    let text = ",a,y\n0,1,no\n1,2,yes\n";
    assert_eq!(
        refused(text),
        "line 1: expected a name for each column, found none for column 1. Csv::without([\"\"]) leaves such columns out"
    );
    let table = Csv::new().target("y").without([""]).read_from(text.as_bytes()).unwrap();
    assert_eq!(table.inputs().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn semicolons_for_commas() {
    for (separator, shown) in [(";", "';'"), ("\t", "'\\t'"), ("|", "'|'")] {
        let text = PLAIN.replace(',', separator);
        let header = format!("{:?}", text.lines().next().unwrap());
        assert_eq!(
            refused(&text),
            format!(
                "line 1: expected the names of several columns, found one, with {shown} in it: {header}. \
                 Csv::separator(b{shown}) splits there"
            )
        );
        let table = Csv::new().target("y").separator(separator.as_bytes()[0]).read_from(text.as_bytes()).unwrap();
        assert_eq!(table, read(PLAIN).unwrap());
    }
    let error = message(Csv::new().separator(b';').target("y").read_from(PLAIN.as_bytes()));
    assert!(error.ends_with("Csv::separator(b',') splits there"), "{error}");
}

#[test]
fn decimal_commas() {
    assert_eq!(
        refused("a,b,y\n1,5,2,5,no\n"),
        "line 2: expected 3 fields, as the first line has names, found 5. A field with a comma in it needs quotes. For decimal commas \
         and another separator: Csv::decimal_comma(true), Csv::separator(b';')"
    );
    assert_eq!(
        refused("a,y\n\"1,5\",no\n"),
        "line 2, column \"a\": expected a number with a decimal point, found \"1,5\". For a decimal comma: Csv::decimal_comma(true). A comma \
         between thousands has to go. To read words: Csv::words([\"a\"])"
    );
    assert_eq!(
        refused("a,y\n1,no\n\"1,5\",yes\n"),
        "line 3, column \"a\": expected a number, as in line 2, found \"1,5\""
    );
    // Groups of thousands are no decimals.
    let csv = Csv::new().target("y").decimal_comma(true);
    assert!(csv.read_from("a,y\n1,no\n\"1.000,5\",yes\n".as_bytes()).is_err());
}

#[test]
fn byte_order_mark_crlf_quotes_and_spaces() {
    let expected = read(PLAIN).unwrap();
    for text in [
        format!("\u{feff}{PLAIN}"),
        PLAIN.replace('\n', "\r\n"),
        format!("\u{feff}{}", PLAIN.replace('\n', "\r\n")),
        PLAIN.replace('\n', "\n\n"),
        PLAIN.replace(',', " , "),
        PLAIN.trim_end().to_string(),
        format!("{PLAIN}   \n"),
        "\"a\",\"b\",\"y\"\n\"1\",2,\"no\"\n3,\"4\",yes\n".into(),
    ] {
        assert_eq!(read(&text).unwrap(), expected, "{text:?}");
    }
    assert_eq!(
        refused(&PLAIN.replace('\n', "\r")),
        "line 1: expected lines that end in LF or CRLF, found lines that end in CR: save the file with the line ends of \
         Windows or Unix"
    );
    // Separators, quotes and ends of lines within quotes.
    let text = "a,y\n1,\"no, never\"\n2,\"a \"\"yes\"\"\"\n3,\"two\nlines\"\n";
    assert_eq!(read(text).unwrap().classes().unwrap(), ["a \"yes\"", "no, never", "two\nlines"]);
    // A quote without its end takes the rest of the file.
    assert_eq!(
        refused("a,y\n1,no\n\"2,yes\n3,no\n"),
        "line 3: expected 2 fields, as the first line has names, found 1, over several lines: maybe a quote lacks its end"
    );
    let rest = "2,yes\n".repeat(1000);
    assert_eq!(
        refused(&format!("a,y\n1,\"no\n{rest}")),
        format!(
            "line 2, column \"y\": expected at least two classes, found {:?}… in every row, over several lines: maybe a \
             quote lacks its end",
            &format!("no\n{rest}")[..60]
        )
    );
}

/// The line is right after empty lines, CRLF, and lines within quotes.
#[test]
fn the_line_is_the_files() {
    for end in ["\n", "\r\n"] {
        let at = |text: &str, line: u32| {
            let text = text.replace('\n', end);
            let error = refused(&text);
            assert!(error.starts_with(&format!("line {line}, column \"a\": expected a number, ")), "{text:?}: {error}");
        };
        at("a,y\n1,no\nx,yes\n", 3);
        at("a,y\n1,no\n\n\nx,yes\n", 5);
        at("a,y\n1,\"two\nlines\"\n2,yes\nx,yes\n", 5);
        at("\n\na,y\n1,no\nx,yes\n", 5);
        at("a,y\n1,no\nx,yes", 3);
        at("a,y\n1,no\nx,\"yes\nno\"\n2,no", 3);
    }
}

#[test]
fn ten_thousand_columns() {
    let names: Vec<String> = (0..10_000).map(|i| format!("pixel {i}")).collect();
    let row = |k: usize| (0..10_000).map(|i| (i % 7 + k).to_string()).collect::<Vec<_>>().join(",");
    let text = format!("{},y\n{},no\n{},yes\n", names.join(","), row(0), row(1));
    let data = read(&text).unwrap().dataset::<f64>().unwrap();
    assert_eq!((data.num_inputs(), data.len()), (10_000, 2));
    assert_eq!(data.inputs()[[1, 9_999]], (9_999 % 7 + 1) as f64);
    assert_eq!(
        refused(&text.replace("\n0,", "\n0,0,")),
        "line 2: expected 10001 fields, as the first line has names, found 10002. A field with a comma in it needs quotes. For \
         decimal commas and another separator: Csv::decimal_comma(true), Csv::separator(b';')"
    );
}

#[test]
fn an_empty_file() {
    for text in ["", "\n", "\r\n\n", "\u{feff}", "a,b,y\n", "a,b,y"] {
        assert_eq!(refused(text), "expected at least one example, found none", "{text:?}");
    }
    let error = Csv::new().read("no-such-folder/iris.csv").unwrap_err().to_string();
    assert!(error.starts_with("no-such-folder/iris.csv: "), "{error}");
}

#[test]
fn a_file_of_zeros() {
    let found = "found a zero byte: UTF-16, or no text. Save the table as CSV in UTF-8";
    assert_eq!(refused("\0\0\0\0\0\0"), format!("line 1, column \"column 1\": expected text in UTF-8, {found}"));
    // The digit: constant columns stay as they are.
    let table = read("a,b,y\n0,0,0\n0,0,0\n0,0,0\n").unwrap();
    let data = Preprocessing::learn(&table).unwrap().dataset::<f64>(&table).unwrap();
    assert!(data.inputs().iter().chain(&data.targets()).all(|&x| x == 0.0));
}

#[test]
fn other_kinds_of_files() {
    assert_eq!(
        message(Csv::new().read_from(&b"PK\x03\x04\x14\x00"[..])),
        "line 1: expected text in UTF-8, found a ZIP archive or a spreadsheet: unpack it, or save the table as CSV"
    );
    assert_eq!(
        message(Csv::new().read_from(&b"\x1f\x8b\x08\x00"[..])),
        "line 1: expected text in UTF-8, found gzip-compressed data: unpack the file"
    );
    let long = [b"a,y\n", &b"\xff".repeat(1000)[..]].concat();
    assert!(message(Csv::new().read_from(&long[..])).len() < 400);
}

#[test]
fn utf_16_and_other_encodings() {
    let utf_16 = |mark: &[u8], unit: fn(u16) -> [u8; 2]| {
        let bytes = [mark.to_vec(), PLAIN.encode_utf16().flat_map(unit).collect()].concat();
        message(Csv::new().target("y").read_from(&bytes[..]))
    };
    let with_mark = "line 1: expected text in UTF-8, found UTF-16: save the file as UTF-8";
    assert_eq!(utf_16(&[0xff, 0xfe], u16::to_le_bytes), with_mark);
    assert_eq!(utf_16(&[0xfe, 0xff], u16::to_be_bytes), with_mark);
    let without = "line 1, column \"column 1\": expected text in UTF-8, found a zero byte: UTF-16, or no text. Save the table \
         as CSV in UTF-8";
    assert_eq!(utf_16(&[], u16::to_le_bytes), without);
    assert_eq!(utf_16(&[], u16::to_be_bytes), without);
    // Latin-1.
    assert_eq!(
        message(Csv::new().target("y").read_from(&b"a,y\n1,no\n2,\xfcber\n"[..])),
        "line 3, column \"y\": expected text in UTF-8, found \"\\xfcber\": save the file as UTF-8"
    );
}
