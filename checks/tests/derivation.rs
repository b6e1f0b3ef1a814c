//! The pages of `chainrule::derivation` are generated from the Markdown in `derivation/`, and are up to date.
//!
//! The source is Markdown with LaTeX, `$…$` within a line and ```` ```math ```` blocks between lines. rustdoc does not
//! typeset LaTeX, so its pages contain MathML, which browsers draw without a script or a network. Figures become part of
//! the page. After a change in `derivation/`:
//!
//! ```text
//! UPDATE_DERIVATION=1 cargo test -p checks --test derivation
//! ```

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Public items that become links when written as code: `Network`, `Network::forward`, `gradient_check`.
const ITEMS: [&str; 15] = [
    "Activation",
    "Affine",
    "Dataset",
    "Error",
    "Init",
    "Layer",
    "Loss",
    "Network",
    "NetworkBuilder",
    "Real",
    "Schedule",
    "Sgd",
    "Trainer",
    "Workspace",
    "gradient_check",
];

fn folder(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(name)
}

/// The chapters in order: the name of the module (`README` for the cover), and the Markdown.
fn chapters() -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder("derivation")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".md"));
    names.sort();
    let read = |name: &String| std::fs::read_to_string(folder("derivation").join(name)).unwrap();
    names.iter().map(|name| (module(name).to_owned(), read(name))).collect()
}

/// `02-layer.md` → `layer`
fn module(file: &str) -> &str {
    let stem = file.strip_suffix(".md").unwrap_or_else(|| panic!("{file}: chapters end in .md"));
    stem.split_once('-').map_or(stem, |(_, name)| name)
}

/// rustdoc's path of a chapter.
fn path(module: &str) -> String {
    if module == "README" { "crate::derivation".into() } else { format!("crate::derivation::{module}") }
}

/// Mathematical fonts, since the default of some systems neither stretches brackets nor has a large Σ; narrow tables on a
/// narrow page; and the chapters in their order, with their numbers, where rustdoc lists them by name.
fn style_sheet(chapters: &[(String, String)]) -> String {
    let mut style = String::from(
        "math{font-family:'STIX Two Math','Latin Modern Math','Cambria Math','DejaVu Math TeX Gyre','Noto Sans Math',math;font-size-adjust:.475}\
         @media(max-width:600px){.docblock table{font-size:.8em}.docblock :is(td,th){padding:3px 4px}.docblock td math{font-size:.9em}}\
         .block.mod{display:flex;flex-direction:column}.item-table{display:grid}",
    );
    for (number, (name, _)) in chapters.iter().filter(|(name, _)| name != "README").enumerate() {
        let (number, link) = (number + 1, format!("a[href$='{name}/index.html']"));
        write!(style, ".block.mod li:has({link}),dt:has({link}),dt:has({link})+dd{{order:{number}}}").unwrap();
        write!(style, ".block.mod {link}::before{{content:'{number} · '}}").unwrap();
    }
    style
}

/// Converts one chapter from LaTeX to MathML.
struct Page<'a> {
    math: LatexToMathML,
    /// Each tag, with the chapter that displays it first.
    home: &'a BTreeMap<String, String>,
    /// The style sheet of every page.
    style: &'a str,
    /// The tags with an anchor on this page.
    anchors: Vec<String>,
    name: &'a str,
    out: String,
}

impl Page<'_> {
    fn render(mut self, source: &str) -> String {
        // rustdoc makes every direct child of the text scrollable. With this div as the only child, no paragraph with a
        // formula gets a scrollbar.
        write!(self.out, "<div style=\"overflow:visible\">\n\n<style>{}</style>\n\n", self.style).unwrap();
        let mut lines = source.lines().peekable();
        while let Some(line) = lines.next() {
            if line.starts_with('|') {
                // A table wider than the page gets its own scrollbar.
                self.out.push_str("<div style=\"overflow-x:auto;overflow-y:hidden\">\n\n");
                self.text(line);
                self.out.push('\n');
                while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                    self.text(row);
                    self.out.push('\n');
                }
                self.out.push_str("\n</div>\n");
            } else if let Some((text, name)) = figure(line) {
                self.figure(text, name);
            } else if line.trim() == "```math" {
                let latex: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
                self.display(&latex.join("\n"));
            } else if line.starts_with("```") {
                // Code stays unchanged.
                self.out.push_str(line);
                self.out.push('\n');
                for line in lines.by_ref() {
                    self.out.push_str(line);
                    self.out.push('\n');
                    if line.starts_with("```") {
                        break;
                    }
                }
            } else {
                self.text(line);
                self.out.push('\n');
            }
        }
        self.out.push_str("\n</div>\n");
        self.out
    }

    fn mathml(&mut self, latex: &str, display: MathDisplay) -> String {
        let result = self.math.convert_with_local_state(latex, display);
        let mathml = result.unwrap_or_else(|error| panic!("{}: {latex}\n{error:?}", self.name)).mathml;
        // Characters that have a meaning in Markdown.
        let entity = |c: char| match c {
            '*' | '_' | '[' | ']' | '`' | '\\' | '|' | '~' => format!("&#{};", u32::from(c)),
            '\n' => " ".into(),
            c => c.into(),
        };
        // Some math fonts draw the prime small and low, others small and high, and a superscript shrinks it again. The
        // prime of the page's text font looks right everywhere.
        let mut mathml = mathml;
        for prime in ["′", "″", "‴"] {
            let upright =
                format!("<mo lspace=\"0\" rspace=\"0\" style=\"font-family:'Source Serif 4',serif\">{prime}</mo>");
            let raised = format!("<mo>{prime}</mo></msup>");
            while let Some(end) = mathml.find(&raised) {
                let start = mathml[..end].rfind("<msup>").unwrap();
                let base = &mathml[start + "<msup>".len()..end];
                mathml = format!("{}{base}{upright}{}", &mathml[..start], &mathml[end + raised.len()..]);
            }
        }
        mathml.chars().map(entity).collect()
    }

    /// A formula on its own line, with its tag at the right. If it is wider than the page, it gets a scrollbar.
    fn display(&mut self, latex: &str) {
        let (latex, tag) = split_tag(latex);
        let math = self.mathml(&latex, MathDisplay::Block);
        let mut id = String::new();
        let mut label = String::new();
        if let Some(tag) = tag {
            if self.home[&tag] == self.name && !self.anchors.contains(&tag) {
                id = format!(" id=\"{}\"", tag.to_lowercase());
                self.anchors.push(tag.clone());
            }
            label = format!("<div style=\"flex:none;padding-left:1em\">({tag})</div>");
        }
        let style =
            "display:flex;align-items:center;overflow-x:auto;overflow-y:hidden;margin:.4em 0 .9em;padding:.3em 0";
        let middle = "flex:1 0 auto";
        writeln!(self.out, "<div{id} style=\"{style}\"><div style=\"{middle}\">{math}</div>{label}</div>").unwrap();
    }

    /// A figure becomes part of the page, which then requests no file. On a narrow page it shrinks a little and then gets
    /// a scrollbar, so that its texts stay legible.
    fn figure(&mut self, text: &str, name: &str) {
        let file = folder("derivation").join(name);
        let svg = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let (head, rest) = svg.split_once("\n<title>").unwrap();
        let (_, rest) = rest.split_once("<style>").unwrap();
        let (style, body) = rest.split_once("</style>\n").unwrap();
        let style = themed(style);
        if !self.out.contains(&style) {
            writeln!(self.out, "<style>{style}</style>\n").unwrap();
        }
        let width: f64 = head.split_once("width=\"").unwrap().1.split_once('"').unwrap().0.parse().unwrap();
        let label = text.replace('&', "&amp;").replace('"', "&quot;");
        let style = format!("display:block;margin:auto;max-width:100%;min-width:{}px;height:auto", 0.75 * width);
        let head = head
            .replace("<svg ", &format!("<svg class=\"figure\" role=\"img\" aria-label=\"{label}\" style=\"{style}\" "));
        writeln!(self.out, "<div style=\"overflow-x:auto;overflow-y:hidden;margin:1em 0\">{head}\n{body}</div>")
            .unwrap();
    }

    /// A line of text: `$…$` becomes MathML. Code that names an item becomes a link to it, `(B4)` a link to its
    /// display, and a link to another chapter's file a link to its page.
    fn text(&mut self, line: &str) {
        let mut rest = line;
        while let Some(at) = rest.find(['$', '`', '(']) {
            self.out.push_str(&rest[..at]);
            let (mark, tail) = rest[at..].split_at(1);
            rest = match mark {
                "$" => {
                    let (latex, tail) = tail.split_once('$').unwrap_or_else(|| panic!("an odd $ in: {line}"));
                    let math = self.mathml(latex, MathDisplay::Inline);
                    // No line may start with a comma.
                    let after = tail.trim_start_matches([',', '.', ';', ':', '?']);
                    match &tail[..tail.len() - after.len()] {
                        "" => self.out.push_str(&math),
                        mark => write!(self.out, "<span style=\"white-space:nowrap\">{math}{mark}</span>").unwrap(),
                    }
                    after
                }
                "`" => {
                    let (code, tail) = tail.split_once('`').unwrap_or_else(|| panic!("an odd ` in: {line}"));
                    let item = code.split("::").next().unwrap_or(code);
                    let linked = self.out.ends_with('[');
                    if ITEMS.contains(&item) && !linked && !code.contains(['(', ' ', '.', '<']) {
                        let disambiguated = if code == "gradient_check" { "gradient_check()" } else { code };
                        write!(self.out, "[`{code}`](crate::{disambiguated})").unwrap();
                    } else {
                        write!(self.out, "`{code}`").unwrap();
                    }
                    tail
                }
                _ => {
                    let inside = tail.split(')').next().unwrap_or("");
                    if self.out.ends_with(']') && inside.ends_with(".md") {
                        write!(self.out, "({}", path(module(inside))).unwrap();
                        &tail[inside.len()..]
                    } else if self.home.contains_key(inside) {
                        let home = path(&self.home[inside]);
                        write!(self.out, "[({inside})]({home}#{})", inside.to_lowercase()).unwrap();
                        &tail[inside.len() + 1..]
                    } else {
                        self.out.push('(');
                        tail
                    }
                }
            };
        }
        self.out.push_str(rest);
    }
}

/// `![text](figures/name.svg)` → the text and the name of the file.
fn figure(line: &str) -> Option<(&str, &str)> {
    let (text, name) = line.strip_prefix("![")?.strip_suffix(')')?.split_once("](")?;
    name.starts_with("figures/").then_some((text, name))
}

/// A figure's style sheet for a page: only for figures, and in the theme that the page is in. (rustdoc notes it at the
/// root. Without scripts it follows the system.)
fn themed(style: &str) -> String {
    let (light, dark) = style.split_once("@media(prefers-color-scheme:dark){").unwrap();
    let scoped = |rules: &str, scope: &str| -> String {
        let rules = rules.split_inclusive('}').filter(|rule| rule.contains('{'));
        rules.map(|rule| format!("{scope} .figure {rule}")).collect()
    };
    let dark = dark.strip_suffix('}').unwrap();
    let mut themed = scoped(light, "");
    for theme in ["dark", "ayu"] {
        themed.push_str(&scoped(dark, &format!("[data-theme={theme}]")));
    }
    let system = scoped(dark, ":root:not([data-theme])");
    format!("{themed}@media(prefers-color-scheme:dark){{{system}}}")
}

/// `a = b \tag{B4}` → `a = b`, `B4`
fn split_tag(latex: &str) -> (String, Option<String>) {
    let Some((before, after)) = latex.split_once("\\tag{") else { return (latex.into(), None) };
    let (tag, after) = after.split_once('}').unwrap_or_else(|| panic!("unclosed tag: {latex}"));
    (format!("{}{after}", before.trim_end()), Some(tag.into()))
}

/// Each tag with the chapter that displays it first.
fn homes(chapters: &[(String, String)]) -> BTreeMap<String, String> {
    let mut homes = BTreeMap::new();
    for (name, source) in chapters {
        for part in source.split("\\tag{").skip(1) {
            let tag = part.split('}').next().unwrap_or("");
            homes.entry(tag.to_owned()).or_insert_with(|| name.clone());
        }
    }
    homes
}

#[test]
fn the_rendered_pages_are_current() {
    let chapters = chapters();
    let homes = homes(&chapters);
    let style = style_sheet(&chapters);
    let update = std::env::var_os("UPDATE_DERIVATION").is_some();
    let mut stale = Vec::new();
    for (name, source) in &chapters {
        let math = LatexToMathML::new(MathCoreConfig::default()).unwrap();
        let page =
            Page { math, home: &homes, style: &style, anchors: Vec::new(), name, out: String::new() }.render(source);
        let file = folder("src/derivation").join(format!("{}.md", name.to_lowercase()));
        if update {
            std::fs::write(&file, page).unwrap();
        } else if std::fs::read_to_string(&file).ok() != Some(page) {
            stale.push(file);
        }
    }
    assert!(stale.is_empty(), "run UPDATE_DERIVATION=1 cargo test -p checks --test derivation: not current: {stale:?}");
}

/// The numbers with six digits after the point in a text, without their signs.
fn six_digits(text: &str) -> BTreeSet<&str> {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|number| number.trim_end_matches('.'));
    numbers.filter(|number| number.split_once('.').is_some_and(|(_, digits)| digits.len() == 6)).collect()
}

#[test]
fn the_worked_numbers_are_those_that_the_program_beside_them_asserts() {
    let chapters = chapters();
    let (_, numbers) = chapters.iter().find(|(name, _)| name == "numbers").unwrap();
    let (text, rest) = numbers.split_once("```rust").unwrap();
    let (program, _) = rest.split_once("```").unwrap();
    assert!(six_digits(text).len() > 40);
    assert_eq!(six_digits(text), six_digits(program));
}

/// The numbers with a point in a text, in their order.
fn fractions(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.').filter(|word| word.len() > 2);
    words.filter(|word| word.contains('.') && word.parse::<f64>().is_ok()).collect()
}

#[test]
fn the_tables_of_many_machines_are_those_that_the_program_beside_them_asserts() {
    let chapters = chapters();
    let (_, chapter) = chapters.iter().find(|(name, _)| name == "parallel").unwrap();
    let (text, rest) = chapter.split_once("## When it pays").unwrap().1.split_once("```rust").unwrap();
    let (_, asserted) = rest.split_once("```").unwrap().0.split_once("assert_eq!").unwrap();
    let table: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(fractions(&table.join(" ")).len(), 48);
    assert_eq!(fractions(&table.join(" ")), fractions(asserted));
    let rows = |rate: &str| {
        let row = table.iter().filter(|line| line.starts_with(rate)).collect::<Vec<_>>();
        let numbers =
            |line: &&&str| line.split('|').filter_map(|cell| cell.trim().parse::<u32>().ok()).collect::<Vec<_>>();
        row.iter().flat_map(numbers).collect::<Vec<_>>()
    };
    for (i, (slow, fast)) in rows("| 10 Gbit/s").iter().zip(rows("| 100 Gbit/s")).enumerate() {
        let bytes = ["318,040", "2,544,040", "11,653,160"][i];
        assert!(text.contains(&format!("| W{} | {bytes} |", i + 1)));
        for rows in [*slow, fast] {
            assert!(asserted.contains(&format!("\"{} bytes: {rows}\"", bytes.replace(',', ""))), "{bytes}: {rows}");
        }
    }
}

/// A pocket calculator for formulas of numbers: + − · / ( ), e to a power, ln and ½.
struct Calculator<'a>(std::iter::Peekable<std::str::Chars<'a>>);

impl Calculator<'_> {
    fn value(latex: &str) -> f64 {
        let words = [
            ("$ ${}", ""), // where a line may break
            ("\\cdot", "*"),
            ("\\frac{1}{2}", "0.5*"),
            ("\\ln", "l"),
            ("e^{", "e("),
            ("{", "("),
            ("}", ")"),
            (" ", ""),
        ];
        let keys = words.iter().fold(latex.to_owned(), |keys, (word, key)| keys.replace(word, key));
        let mut calculator = Calculator(keys.chars().peekable());
        let value = calculator.sum();
        assert_eq!(calculator.0.next(), None, "{latex}");
        value
    }

    fn sum(&mut self) -> f64 {
        let mut value = self.product();
        while let Some(sign) = self.0.next_if(|c| "+-".contains(*c)) {
            let term = self.product();
            value += if sign == '+' { term } else { -term };
        }
        value
    }

    fn product(&mut self) -> f64 {
        let mut value = self.factor();
        while let Some(sign) = self.0.next_if(|c| "*/".contains(*c)) {
            let factor = self.factor();
            value *= if sign == '*' { factor } else { 1.0 / factor };
        }
        value
    }

    fn factor(&mut self) -> f64 {
        match self.0.next() {
            Some('-') => -self.factor(),
            Some('l') => self.factor().ln(),
            Some('e') => self.factor().exp(),
            Some('(') => {
                let value = self.sum();
                assert_eq!(self.0.next(), Some(')'));
                value
            }
            first => {
                let mut number = String::from_iter(first);
                while let Some(c) = self.0.next_if(|c| c.is_ascii_digit() || *c == '.') {
                    number.push(c);
                }
                number.parse().unwrap_or_else(|_| panic!("not a number: {number}"))
            }
        }
    }
}

/// From the numbers as they are printed, rounded, to the printed result.
#[test]
fn a_pocket_calculator_can_follow_the_worked_numbers() {
    let chapters = chapters();
    let (_, numbers) = chapters.iter().find(|(name, _)| name == "numbers").unwrap();
    let mut steps: Vec<(String, &str)> = Vec::new();
    let mut head = "";
    for line in numbers.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(|cell| cell.trim_matches([' ', '$'])).collect();
        match cells[..] {
            [.., last] if !line.starts_with('|') || last.starts_with("--") => {}
            [.., last] if !last.ends_with(|c: char| c.is_ascii_digit()) => head = line,
            [.., how, result] if head.contains(" how | result |") => steps.push((how.into(), result)),
            [_, one, other, product] if head.contains(" product |") => {
                steps.push((format!("{one} \\cdot {other}"), product));
            }
            [_, gradient, velocity, _] if head.contains("$V = -0.5 G$") => {
                let (how, result) = gradient.split_once(" = {}$ ").unwrap_or((gradient, gradient));
                let result = result.trim_start_matches('$');
                steps.push((how.into(), result));
                steps.push((format!("-0.5 \\cdot ({result})"), velocity));
            }
            _ => {}
        }
    }
    assert_eq!(steps.len(), 56, "steps are missed");
    for (how, result) in steps {
        let (found, printed) = (Calculator::value(&how), Calculator::value(result));
        assert!((found - printed).abs() < 2.5e-6, "{how} is {found:.6}, not {printed:.6}");
    }
}

/// What the repository's viewer makes of a formula: it applies Markdown first, which changes `\,` or `\{` within `$…$`.
#[test]
fn formulas_within_a_line_survive_markdown() {
    for (name, source) in chapters() {
        let blocks = source.split("```").step_by(2);
        for line in blocks.flat_map(str::lines) {
            for latex in line.split('$').skip(1).step_by(2) {
                let escape = latex.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_punctuation());
                assert!(!escape && !latex.contains('*'), "{name}: ${latex}$");
            }
        }
    }
}
