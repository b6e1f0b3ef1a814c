//! `Csv`: reads a [`Table`] from a CSV file, row after row.
//!
//! The text is not kept: each cell becomes a number, words by their index. The crate `csv` splits rows into fields, as
//! RFC 4180 and most programs write them.

use super::table::{Column, Fill, Table};
use crate::error::{FileProblem, List, Result};
use crate::io::{in_file, open, read_up_to};
use crate::real::count;
use ::csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder, Terminator};
use ndarray::Array2;
use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::path::Path;

/// What stands for a missing value, besides what the caller adds.
const MISSING: [&str; 7] = ["", "?", "NA", "N/A", "nan", "NaN", "null"];

/// How to read a CSV file into a [`Table`] (feature `csv`).
///
/// Default: fields separated by commas, names in the first line, no targets, every column used, no missing values.
/// Whether a column holds numbers or words is decided by its first value, and must stay so. A target of words becomes
/// classes, sorted by name; one of numbers is for regression. An input column of words becomes one column of 0 and 1
/// per word.
///
/// Fields may be quoted and lines may end in CRLF. Space around a field, empty lines and a byte order mark are left
/// out. Everything else that is unclear is refused with file, line and column, and with the setting that makes it
/// clear: a second line of names, decimal commas, another separator, lines of other lengths, two columns of one name,
/// UTF-16.
///
/// ```
/// use chainrule::{Csv, Fill, Preprocessing};
///
/// let text = "\
/// id,age,city,price
/// 1,3,Rome,100.5
/// 2,?,Oslo,90
/// 3,8,Rome,70.25
/// ";
/// let table = Csv::new().target("price").without(["id"]).fill(Fill::Mean).read_from(text.as_bytes())?;
/// assert_eq!(table.inputs().collect::<Vec<_>>(), ["age", "city"]);
///
/// let data = table.dataset::<f64>()?;
/// assert_eq!(data.feature_names().unwrap(), ["age", "city=Oslo", "city=Rome"]);
/// assert_eq!(data.inputs().row(1).to_vec(), [5.5, 1.0, 0.0]);
/// assert_eq!(data.targets().column(0).to_vec(), [100.5, 90.0, 70.25]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Csv {
    separator: u8,
    header: bool,
    decimal_comma: bool,
    targets: Vec<String>,
    without: HashSet<String>,
    words: HashSet<String>,
    missing: HashSet<String>,
    fill: Vec<Fill>,
    fill_column: HashMap<String, Fill>,
    max_words: usize,
    /// The columns that a preprocessing asks for, and those that it would take as targets.
    known: Option<(Vec<Column>, Vec<Column>)>,
}

impl Default for Csv {
    fn default() -> Self {
        Csv {
            separator: b',',
            header: true,
            decimal_comma: false,
            targets: Vec::new(),
            without: HashSet::new(),
            words: HashSet::new(),
            missing: MISSING.map(String::from).into(),
            fill: Vec::new(),
            fill_column: HashMap::new(),
            max_words: 100,
            known: None,
        }
    }
}

impl Csv {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a file with these columns, in any order and among others.
    pub(super) fn known(inputs: Vec<Column>, targets: Vec<Column>) -> Self {
        Csv { known: Some((inputs, targets)), ..Self::default() }
    }

    /// The column to predict. For several, call it several times; these must be numbers. Default: none, for rows to
    /// predict from.
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.targets.push(name.into());
        self
    }

    /// Columns to leave out, such as the number of a row or a name.
    pub fn without(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.without.extend(names.into_iter().map(Into::into));
        self
    }

    /// Columns of words, although they look like numbers: a postcode, or a target of class numbers.
    ///
    /// ```
    /// use chainrule::Csv;
    ///
    /// let text = "pixels,digit\n0.5,7\n0.25,10\n0,7\n";
    /// let table = Csv::new().target("digit").words(["digit"]).read_from(text.as_bytes())?;
    /// assert_eq!(table.classes().unwrap(), ["7", "10"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn words(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.words.extend(names.into_iter().map(Into::into));
        self
    }

    /// The byte between two fields, such as `b';'` or `b'\t'`. Default: `b','`.
    pub fn separator(mut self, separator: u8) -> Self {
        self.separator = separator;
        self
    }

    /// Whether the first line holds the names of the columns. Without, they are called `column 1`, `column 2` and so
    /// on. Default: true.
    pub fn header(mut self, header: bool) -> Self {
        self.header = header;
        self
    }

    /// Whether numbers are written with a decimal comma: `5,1`. Default: false.
    pub fn decimal_comma(mut self, decimal_comma: bool) -> Self {
        self.decimal_comma = decimal_comma;
        self
    }

    /// More texts that stand for a missing value. Always there: the empty field, `?`, `NA`, `N/A`, `nan`, `NaN` and
    /// `null`.
    pub fn missing(mut self, texts: impl IntoIterator<Item: Into<String>>) -> Self {
        self.missing.extend(texts.into_iter().map(Into::into));
        self
    }

    /// What replaces missing values in all input columns that it fits: a [`Fill::Word`] in columns of words, another
    /// one in columns of numbers. Default: a missing value is an error. In a target it always is.
    pub fn fill(mut self, fill: Fill) -> Self {
        self.fill.push(fill);
        self
    }

    /// What replaces missing values in one column.
    pub fn fill_column(mut self, name: impl Into<String>, fill: Fill) -> Self {
        self.fill_column.insert(name.into(), fill);
        self
    }

    /// The largest number of different words in a column; above it, the column is probably a name or a free text.
    /// Default: 100.
    pub fn max_words(mut self, max_words: usize) -> Self {
        self.max_words = max_words;
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) with the name of the file and what is wrong with it: a
    /// [`FileProblem::Cell`] with line and column, a [`FileProblem::Line`] for a line as a whole,
    /// [`FileProblem::NoExamples`] for a file without rows.
    ///
    /// ```
    /// use chainrule::Csv;
    ///
    /// # let path = std::env::temp_dir().join(format!("chainrule-doc-csv-{}", std::process::id()));
    /// // `path` names the file.
    /// std::fs::write(&path, "length,species\n5.1,setosa\nlong,setosa\n")?;
    /// let error = Csv::new().target("species").read(&path).unwrap_err();
    /// assert!(error.to_string().contains(r#": line 3, column "length": expected a number, as in line 2, found "long""#));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        open(path).and_then(|file| self.read_from(file)).map_err(in_file(path))
    }

    /// Reads from anything else: bytes in memory, a decompressor, standard input. It needs no buffer.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_from(&self, mut reader: impl Read) -> Result<Table, FileProblem> {
        let start = read_up_to(&mut reader, 3)?;
        let no_text = |found| Err(line(1, "text in UTF-8", found));
        let text = match start[..] {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return no_text("UTF-16: save the file as UTF-8"),
            [0x1f, 0x8b, ..] => return no_text("gzip-compressed data: unpack the file"),
            [b'P', b'K', 3] => return no_text("a ZIP archive or a spreadsheet: unpack it, or save the table as CSV"),
            [0xef, 0xbb, 0xbf] => &[],
            _ => &start[..],
        };
        let mut rows = Rows {
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(self.separator)
                .terminator(Terminator::Any(b'\n'))
                .buffer_capacity(1 << 16)
                .from_reader(Input { reader: text.chain(reader), ended: false }),
            record: ByteRecord::new(),
            line: 0,
        };
        if !rows.next()? {
            return Err(FileProblem::NoExamples);
        }
        let names = self.names(&rows)?;
        let columns = self.columns(&names)?;
        let num_inputs = columns.iter().filter(|column| !column.is_target).count();
        self.read_rows(rows, names.len(), columns, num_inputs)
    }

    /// The names of all columns, from the first row.
    fn names(&self, rows: &Rows<impl Read>) -> Result<Vec<String>, FileProblem> {
        let fields = rows.record.iter().enumerate().map(|(i, field)| rows.text(field, &format!("column {}", i + 1)));
        let fields: Vec<&str> = fields.collect::<Result<_, _>>()?;
        if !self.header {
            return Ok((1..=fields.len()).map(|i| format!("column {i}")).collect());
        }
        let problem = |expected: &str, found: String| Err(line(rows.line, expected, &found));
        if let [field] = fields[..] {
            for other in [',', ';', '\t', '|'] {
                if field.contains(other) {
                    let found = format!(
                        "one, with {other:?} in it: {}. Csv::separator(b{other:?}) splits there",
                        shown(field, "")
                    );
                    return problem("the names of several columns", found);
                }
            }
        }
        if fields.iter().all(|field| number(field, self.decimal_comma).is_some() || self.missing.contains(*field)) {
            let found = "numbers. Csv::header(false) reads a file without names";
            return problem("the names of the columns", found.into());
        }
        if fields.iter().any(|field| field.contains('\r')) {
            let found = "lines that end in CR: save the file with the line ends of Windows or Unix";
            return problem("lines that end in LF or CRLF", found.into());
        }
        let known: Option<HashSet<&str>> = self.known.as_ref().map(|(inputs, _)| {
            inputs.iter().map(|column| &column.name).chain(&self.targets).map(String::as_str).collect()
        });
        let mut seen = HashSet::new();
        for (i, &field) in fields.iter().enumerate() {
            // Columns that are not read may have any name.
            if self.without.contains(field) || known.as_ref().is_some_and(|known| !known.contains(field)) {
                continue;
            }
            if field.is_empty() {
                let found = format!("none for column {}. Csv::without([\"\"]) leaves such columns out", i + 1);
                return problem("a name for each column", found);
            }
            if !seen.insert(field) {
                return problem("different names", format!("{field:?} twice: rename one of them"));
            }
        }
        Ok(fields.into_iter().map(String::from).collect())
    }

    /// The columns to read, inputs before targets, with their places in a row.
    fn columns(&self, names: &[String]) -> Result<Vec<Reading>, FileProblem> {
        let places: HashMap<&str, usize> = names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        let place = |name: &str| {
            places.get(name).copied().ok_or_else(|| {
                let mut found = List(names).to_string();
                // No column is called 5.1.
                if self.header && names.iter().any(|name| number(name, self.decimal_comma).is_some()) {
                    found += ". If the first line is one of numbers: Csv::header(false) reads a file without names";
                }
                line(1, &format!("a column {name:?}"), &found)
            })
        };
        for name in self.without.iter().chain(&self.words).chain(self.fill_column.keys()) {
            place(name)?;
        }
        let mut columns = Vec::new();
        match &self.known {
            Some((inputs, _)) => {
                for column in inputs {
                    columns.push(Reading::new(place(&column.name)?, false, column.clone(), Kind::of(column)));
                }
            }
            None => {
                for (i, name) in names.iter().enumerate() {
                    if !self.without.contains(name) && !self.targets.contains(name) {
                        columns.push(Reading::new(i, false, self.unknown(name), self.kind(name)));
                    }
                }
            }
        }
        if columns.is_empty() {
            return Err(line(1, "an input column", "none"));
        }
        for name in &self.targets {
            let known = self.known.iter().flat_map(|(_, targets)| targets).find(|column| column.name == *name);
            let reading = match known {
                Some(column) => Reading::new(place(name)?, true, column.clone(), Kind::of(column)),
                None => Reading::new(place(name)?, true, self.unknown(name), self.kind(name)),
            };
            columns.push(reading);
        }
        Ok(columns)
    }

    fn unknown(&self, name: &str) -> Column {
        Column { name: name.into(), words: None, fill: None }
    }

    fn kind(&self, name: &str) -> Kind {
        if self.words.contains(name) { Kind::Words(Words::default()) } else { Kind::Unknown }
    }

    fn read_rows(
        &self,
        mut rows: Rows<impl Read>,
        width: usize,
        mut columns: Vec<Reading>,
        num_inputs: usize,
    ) -> Result<Table, FileProblem> {
        let any_missing_number =
            self.missing.iter().any(|text| number(text, self.decimal_comma).is_some_and(f64::is_finite));
        let mut cells = Vec::new();
        let mut more = if self.header { rows.next()? } else { true };
        while more {
            if rows.record.len() == width {
                for column in &mut columns {
                    let text = rows.text(&rows.record[column.place], &column.column.name)?;
                    cells.push(self.cell(column, text, rows.line, any_missing_number)?);
                }
            } else {
                let what = if self.header { "as the first line has names" } else { "as the first line has" };
                let mut found = rows.record.len().to_string();
                if rows.record.len() > width && self.separator == b',' {
                    found += ". A field with a comma in it needs quotes. For decimal commas and another separator: \
                              Csv::decimal_comma(true), Csv::separator(b';')";
                } else if rows.record.as_slice().contains(&b'\n') {
                    found += SEVERAL_LINES;
                }
                return Err(line(rows.line, &format!("{width} fields, {what}"), &found));
            }
            more = rows.next()?;
        }
        if cells.is_empty() {
            return Err(FileProblem::NoExamples);
        }
        let count = columns.len();
        let columns = columns.into_iter().enumerate();
        let columns = columns.map(|(j, column)| self.finish(column, cells[j..].iter_mut().step_by(count)));
        let columns: Vec<Column> = columns.collect::<Result<_, _>>()?;
        let targets = &columns[num_inputs..];
        if let Some(words) = targets.iter().find(|column| targets.len() > 1 && column.words.is_some()) {
            let found = format!("words in column {:?}", words.name);
            return Err(line(1, "numbers in each of several targets", &found));
        }
        let cells = Array2::from_shape_vec((cells.len() / count, count), cells).expect("as many cells in every row");
        Ok(Table { columns: columns.into(), num_inputs, cells })
    }

    /// One cell as a number, or as the index of a word; NaN for a missing value.
    fn cell(&self, column: &mut Reading, text: &str, line: u64, any_missing_number: bool) -> Result<f64, FileProblem> {
        let number = number(text, self.decimal_comma);
        match (&column.kind, number) {
            // Most cells.
            (Kind::Numbers, Some(number)) if number.is_finite() && !any_missing_number => Ok(number),
            _ => self.other_cell(column, text, number, line),
        }
    }

    fn other_cell(&self, column: &mut Reading, text: &str, number: Option<f64>, line: u64) -> Result<f64, FileProblem> {
        let name = column.column.name.clone();
        let problem =
            |expected: String, found: String| Err(FileProblem::Cell { line, column: name.clone(), expected, found });
        if self.missing.contains(text) || number.is_some_and(f64::is_nan) {
            if column.is_target {
                let found = format!("{}. Take the line out", missing(text));
                return problem("a value, because it is the target".into(), found);
            }
            column.first_missing.get_or_insert((line, missing(text)));
            self.check_fill(column)?;
            return Ok(f64::NAN);
        }
        if matches!(column.kind, Kind::Unknown) {
            column.first_line = line;
            if number.is_none() && self::number(text, true).is_some() {
                let found = format!(
                    "{}. For a decimal comma: Csv::decimal_comma(true). A comma between thousands has to go. To read \
                     words: Csv::words([{name:?}])",
                    shown(text, "")
                );
                return problem("a number with a decimal point".into(), found);
            }
            column.kind = if number.is_some() { Kind::Numbers } else { Kind::Words(Words::default()) };
            self.check_fill(column)?;
        }
        let as_in = match column.first_line {
            0 => String::new(), // the caller has said so
            first => format!(", as in line {first}"),
        };
        match (&mut column.kind, number) {
            (Kind::Numbers, Some(number)) if number.is_finite() => Ok(number),
            (Kind::Numbers, Some(_)) => problem("a finite number".into(), shown(text, "")),
            (Kind::Numbers, None) => problem(format!("a number{as_in}"), shown(text, "")),
            (Kind::Words(words), number) => {
                if number.is_some() && column.first_line > 0 {
                    let found = format!(
                        "the number {text}. If numbers are words here: Csv::words([{name:?}]). If line {} is a second \
                         line of names, take it out",
                        column.first_line
                    );
                    return problem(format!("a word{as_in}"), found);
                }
                match words.index(text) {
                    Some(index) => Ok(count(index)),
                    None if words.complete => {
                        problem(format!("one of the known words {}", List(&words.words)), shown(text, ""))
                    }
                    None if words.words.len() == self.max_words => {
                        let found = format!(
                            "one more, {}. Csv::without([{name:?}]) leaves the column out, Csv::max_words allows more",
                            shown(text, "")
                        );
                        problem(format!("at most {} different words", self.max_words), found)
                    }
                    None => Ok(count(words.insert(text))),
                }
            }
            (Kind::Unknown, _) => unreachable!("decided above"),
        }
    }

    /// Refuses a missing value once it is known that nothing replaces it.
    fn check_fill(&self, column: &mut Reading) -> Result<(), FileProblem> {
        let words = match column.kind {
            Kind::Unknown => return Ok(()),
            Kind::Numbers => false,
            Kind::Words(_) => true,
        };
        let fits = |fill: &&Fill| matches!(fill, Fill::Word(_)) == words;
        if self.known.is_none() && column.column.fill.is_none() && !column.is_target {
            let own = self.fill_column.get(&column.column.name);
            if let Some(other) = own.filter(|fill| !fits(fill)) {
                let holds = if words { "words" } else { "numbers" };
                let (line, name) = (column.first_line, column.column.name.clone());
                let expected = format!("a column for the fill-in {other:?}");
                return Err(FileProblem::Cell { line, column: name, expected, found: holds.into() });
            }
            column.column.fill = own.or(self.fill.iter().rev().find(fits)).cloned();
        }
        match &column.first_missing {
            Some((line, found)) if column.column.fill.is_none() => {
                let fill = if words { "Word(\"unknown\".into())" } else { "Median" };
                let found = match &self.known {
                    None => format!("{found}. Csv::fill(Fill::{fill}) replaces missing values"),
                    Some(_) => {
                        format!(
                            "{found}, and no fill-in was learnt for this column: train with Csv::fill(Fill::{fill})"
                        )
                    }
                };
                let name = column.column.name.clone();
                Err(FileProblem::Cell { line: *line, column: name, expected: "a value".into(), found })
            }
            _ => Ok(()),
        }
    }

    /// Sorts the words of a column, and renumbers its cells.
    fn finish<'a>(
        &self,
        mut reading: Reading,
        cells: impl Iterator<Item = &'a mut f64>,
    ) -> Result<Column, FileProblem> {
        self.check_fill(&mut reading)?;
        let Reading { kind, mut column, is_target, first_line, first_missing, .. } = reading;
        let mut words = match kind {
            Kind::Numbers => return Ok(column),
            Kind::Words(words) => words,
            Kind::Unknown => {
                let found = "none. Csv::without leaves the column out".into();
                let (line, expected) = (first_missing.map_or(1, |(line, _)| line), "a value in some row");
                return Err(FileProblem::Cell { line, column: column.name, expected: expected.into(), found });
            }
        };
        let fill = match &column.fill {
            Some(Fill::Word(word)) => words.index(word).or_else(|| Some(words.insert(word))),
            _ => None,
        };
        if let ([only], true, false) = (&words.words[..], is_target, words.complete) {
            let (line, expected) = (first_line.max(1), "at least two classes");
            let found = shown(only, " in every row");
            return Err(FileProblem::Cell { line, column: column.name, expected: expected.into(), found });
        }
        let (sorted, new_index) = words.sorted();
        for cell in cells {
            let index = if cell.is_nan() { fill.unwrap_or(0) } else { crate::real::nearest_count(*cell) };
            *cell = count(new_index[index]);
        }
        column.words = Some(sorted);
        Ok(column)
    }
}

/// The number that a text stands for. It may be infinite or NaN.
fn number(text: &str, decimal_comma: bool) -> Option<f64> {
    if decimal_comma && text.contains(',') {
        let (whole, fraction) = text.split_once(',').filter(|(whole, _)| !whole.contains('.'))?;
        return format!("{whole}.{fraction}").parse().ok();
    }
    text.parse().ok()
}

fn missing(text: &str) -> String {
    if text.is_empty() { "nothing".into() } else { format!("{text:?}, which stands for a missing value") }
}

/// A field for an error, its start if it is long, and what is to be said of it.
fn shown(field: &str, then: &str) -> String {
    const MOST: usize = 60;
    let start: String = field.chars().take(MOST).collect();
    let more = if start.len() < field.len() { "…" } else { "" };
    format!("{start:?}{more}{then}{}", if field.contains('\n') { SEVERAL_LINES } else { "" })
}

const SEVERAL_LINES: &str = ", over several lines: maybe a quote lacks its end";

fn line(line: u64, expected: &str, found: &str) -> FileProblem {
    FileProblem::Line { line, expected: expected.into(), found: found.into() }
}

/// The bytes of a file, and whether the reader has met their end.
struct Input<R> {
    reader: R,
    ended: bool,
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.ended |= n == 0;
        Ok(n)
    }
}

/// The rows of a file, one at a time.
struct Rows<R> {
    reader: Reader<Input<R>>,
    record: ByteRecord,
    /// The line on which the row begins, counted from 1.
    line: u64,
}

impl<R: Read> Rows<R> {
    /// Reads the next row, without empty lines. A row ends at LF; the CR of CRLF is trimmed from its last field.
    fn next(&mut self) -> Result<bool, FileProblem> {
        loop {
            let more = self.reader.read_byte_record(&mut self.record).map_err(|error| match error.into_kind() {
                ErrorKind::Io(error) => error.into(),
                other => line(self.line, "a row of fields", &format!("{other:?}")),
            })?;
            // The crate counts from the empty lines before a row, so this counts back from the row's end. Only the last
            // row can lack its LF.
            let within = self.record.as_slice().iter().filter(|&&byte| byte == b'\n').count();
            let own = within as u64 + u64::from(!self.reader.get_ref().ended);
            self.line = self.reader.position().line().saturating_sub(own);
            if !more || self.record.len() > 1 || !self.record.as_slice().trim_ascii().is_empty() {
                return Ok(more);
            }
        }
    }

    fn text<'t>(&self, field: &'t [u8], column: &str) -> Result<&'t str, FileProblem> {
        let problem = |expected: &str, found: &str| {
            let (expected, found) = (expected.into(), found.into());
            Err(FileProblem::Cell { line: self.line, column: column.into(), expected, found })
        };
        match std::str::from_utf8(field) {
            Ok(text) if text.contains('\0') => {
                problem("text in UTF-8", "a zero byte: UTF-16, or no text. Save the table as CSV in UTF-8")
            }
            Ok(text) => Ok(text.trim()),
            Err(_) => {
                let start = field[..field.len().min(60)].escape_ascii();
                problem("text in UTF-8", &format!("\"{start}\": save the file as UTF-8"))
            }
        }
    }
}

/// A column while it is read.
struct Reading {
    /// Its place in a row.
    place: usize,
    is_target: bool,
    column: Column,
    kind: Kind,
    /// The line whose value has decided the kind; 0 if the caller has.
    first_line: u64,
    first_missing: Option<(u64, String)>,
}

impl Reading {
    fn new(place: usize, is_target: bool, column: Column, kind: Kind) -> Self {
        Reading { place, is_target, column, kind, first_line: 0, first_missing: None }
    }
}

enum Kind {
    Unknown,
    Numbers,
    Words(Words),
}

impl Kind {
    fn of(column: &Column) -> Self {
        match &column.words {
            None => Kind::Numbers,
            Some(words) => {
                let mut known = Words::default();
                words.iter().for_each(|word| _ = known.insert(word));
                Kind::Words(Words { complete: true, ..known })
            }
        }
    }
}

/// Different words, numbered as they come.
#[derive(Default)]
struct Words {
    words: Vec<String>,
    indices: HashMap<String, usize>,
    /// Whether no other word may come, and the order stays.
    complete: bool,
}

impl Words {
    fn index(&self, word: &str) -> Option<usize> {
        self.indices.get(word).copied()
    }

    fn insert(&mut self, word: &str) -> usize {
        let index = self.words.len();
        self.words.push(word.into());
        self.indices.insert(word.into(), index);
        index
    }

    /// The words in order, first numbers by their size; and the new index of each.
    fn sorted(self) -> (Vec<String>, Vec<usize>) {
        let Words { words, complete, .. } = self;
        let size =
            |word: usize| words[word].parse::<f64>().ok().filter(|number| number.is_finite()).unwrap_or(f64::INFINITY);
        let mut order: Vec<usize> = (0..words.len()).collect();
        if !complete {
            order.sort_by(|&a, &b| size(a).total_cmp(&size(b)).then_with(|| words[a].cmp(&words[b])));
        }
        let mut new_index = vec![0; words.len()];
        order.iter().enumerate().for_each(|(new, &old)| new_index[old] = new);
        (order.into_iter().map(|old| words[old].clone()).collect(), new_index)
    }
}
