//! Every equation that the code computes has a tag. Every tag appears in three places: in the derivation
//! (`derivation/*.md`, LaTeX), in a comment on the line of code that computes it (`src/`), and in the name of a test
//! that fails if the line is wrong (`b4_b5_gradients_of_weights_and_bias`).
//!
//! Two more places repeat the equation in Unicode: the top of a source file, for readers in an editor, and the table of
//! the front page. They must have the symbols of the LaTeX, in the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The files below a folder with this extension, with their texts.
fn files(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// A tag such as `B4`: a letter that tags use, and a digit.
fn is_tag(word: &str) -> bool {
    matches!(word.as_bytes(), [b'A'..=b'I' | b'N' | b'R' | b'S' | b'U', b'1'..=b'9'] | [b'A' | b'D', b'1', b'0'])
}

/// The words of a text that are tags, in brackets or not.
fn tags_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| is_tag(word))
}

/// Each tag of the derivation with its equations in LaTeX.
fn derived() -> BTreeMap<String, Vec<String>> {
    let mut derived: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in files("derivation", "md") {
        for block in text.split("```math\n").skip(1) {
            let latex = block.split("\n```").next().unwrap();
            if let Some((equation, tag)) = latex.split_once("\\tag{") {
                let tag = tag.split('}').next().unwrap();
                assert!(is_tag(tag), "{}: {tag} has not the form of a tag", path.display());
                derived.entry(tag.into()).or_default().push(equation.into());
            }
        }
    }
    derived
}

fn in_the_derivation() -> BTreeSet<String> {
    derived().into_keys().collect()
}

/// Tags in comments on code, without those at the top of a file, which only announce the equations.
fn in_the_code() -> BTreeSet<String> {
    let mut tags = BTreeSet::new();
    for (_, text) in files("src", "rs") {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//!")) {
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            for inside in comment.split('(').skip(1) {
                let inside = inside.split(')').next().unwrap_or("");
                if is_tag(inside) {
                    tags.insert(inside.to_owned());
                }
            }
        }
    }
    tags
}

/// Tags at the start of a test's name: `fn b4_b5_gradients()` under `#[test]`.
fn in_names_of_tests() -> BTreeSet<String> {
    let mut tags = BTreeSet::new();
    for (_, text) in files("tests", "rs").into_iter().chain(files("src", "rs")) {
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if line != "#[test]" {
                continue;
            }
            let function = lines.by_ref().find_map(|line| line.strip_prefix("fn ")).unwrap_or("");
            let words = function.split(['_', '(']).map(str::to_uppercase);
            tags.extend(words.take_while(|word| is_tag(word)));
        }
    }
    tags
}

#[test]
fn every_tag_stands_in_the_derivation_in_the_code_and_in_the_name_of_a_test() {
    let places =
        [("derivation/", in_the_derivation()), ("src/", in_the_code()), ("names of tests", in_names_of_tests())];
    let all: BTreeSet<&String> = places.iter().flat_map(|(_, tags)| tags).collect();
    assert!(all.len() > 30, "tags are not found any more: {all:?}");
    for (place, tags) in &places {
        let missing: Vec<_> = all.iter().filter(|tag| !tags.contains(**tag)).collect();
        assert!(missing.is_empty(), "{place}: missing {missing:?}");
    }
}

/// Every tag in comments and text exists.
#[test]
fn no_comment_speaks_of_an_unknown_tag() {
    let known = in_the_derivation();
    for (path, text) in files("src", "rs").into_iter().chain(files("derivation", "md")) {
        let rust = path.extension().is_some_and(|extension| extension == "rs");
        for line in text.lines() {
            let words = if rust { line.split_once("//").map_or("", |(_, comment)| comment) } else { line };
            if let Some(tag) = tags_in(words).find(|tag| !known.contains(*tag)) {
                panic!("{}: no equation {tag}: {line}", path.display());
            }
        }
    }
}

/// The rows of the crate's table of equations: (tag, linked chapter, equation).
fn in_the_table() -> Vec<(String, String, String)> {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let row = |line: &str| {
        let (tag, rest) = line.strip_prefix("//! | [")?.split_once("](derivation::")?;
        let (link, rest) = rest.split_once(") | ")?;
        let (chapter, anchor) = link.split_once('#')?;
        assert_eq!(anchor, tag.to_lowercase(), "a link astray: {line}");
        Some((tag.into(), chapter.into(), rest.replace("\\|", "").split(" | ").next()?.into()))
    };
    lib.lines().filter_map(row).collect()
}

/// The equations at the top of the source files, as (file, tag, equation).
fn at_the_heads() -> Vec<(PathBuf, String, String)> {
    let mut found = Vec::new();
    for (path, text) in files("src", "rs") {
        let mut block = false;
        for line in text.lines().map_while(|line| line.strip_prefix("//!")) {
            if line.trim_start().starts_with("```") {
                block = !block;
                continue;
            }
            let mut rest = line;
            // Every `(B4) …` up to the next one, or to the end of the equation.
            while let Some(at) = rest.find('(').filter(|_| block) {
                let tail = &rest[at + 1..];
                let Some((tag, after)) = tail.split_once(')').filter(|(tag, _)| is_tag(tag)) else {
                    rest = tail;
                    continue;
                };
                let next = after.match_indices('(').find(|(at, _)| after[at + 1..].get(..2).is_some_and(is_tag));
                let (equation, next) = after.split_at(next.map_or(after.len(), |(at, _)| at));
                let ends = [",  with", "   with", "  [", ": ", ", which"];
                let end = ends.iter().filter_map(|end| equation.trim_start().find(end)).min();
                let equation = equation.trim_start();
                found.push((path.clone(), tag.into(), equation[..end.unwrap_or(equation.len())].into()));
                rest = next;
            }
        }
    }
    found
}

/// The symbols of an equation in their order: letters, digits and operators, without brackets, spaces, multiplication
/// dots and commas.
fn symbols(equation: &str) -> String {
    equation.chars().filter(|c| !" \n·,()[]{}|_^;".contains(*c)).collect()
}

/// `\frac{a}{b}` as `a/b`.
fn without_fractions(latex: &str) -> String {
    let Some((before, after)) = latex.split_once("\\frac{") else { return latex.into() };
    let mut depth = 1;
    let end = after.find(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    let (above, below) = after.split_at(end.unwrap());
    without_fractions(&format!("{before}{above}/{}", &below[1..]))
}

/// Unicode superscripts and subscripts as plain letters.
fn from_unicode(equation: &str) -> String {
    let plain = |c: char| match c {
        '₋' | '⁻' => '−',
        '₀'..='₉' => char::from_digit(u32::from(c) - u32::from('₀'), 10).unwrap(),
        '⁰' | '⁴'..='⁹' => char::from_digit(u32::from(c) - u32::from('⁰'), 10).unwrap(),
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        'ᵣ' => 'r',
        'ₖ' => 'k',
        'ⱼ' | 'ʲ' => 'j',
        'ᵢ' | 'ⁱ' => 'i',
        'ᶻ' => 'z',
        'ᵀ' => 'T',
        'ᵗ' => 't',
        c => c,
    };
    symbols(&equation.chars().map(plain).collect::<String>())
}

fn from_latex(equation: &str) -> String {
    let commands = [
        ("\\textstyle", ""),
        ("\\Big", ""),
        ("\\partial", "∂"),
        ("\\hat{m}", "m̂"),
        ("\\hat{v}", "v̂"),
        ("\\tilde{A}", "Ã"),
        ("\\beta", "β"),
        ("\\rho", "ρ"),
        ("\\varepsilon", "ε"),
        ("\\lVert", "‖"),
        ("\\rVert", "‖"),
        ("\\min", "min"),
        ("\\ell", "l"),
        ("\\sigma", "σ"),
        ("\\Phi", "Φ"),
        ("\\varphi", "φ"),
        ("\\theta", "θ"),
        ("\\lambda", "λ"),
        ("\\delta", "δ"),
        ("\\mu", "μ"),
        ("\\eta", "η"),
        ("\\sum", "Σ"),
        ("\\top", "T"),
        ("\\odot", "⊙"),
        ("\\leftarrow", "←"),
        ("\\approx", "≈"),
        ("\\sqrt", "√"),
        ("\\tanh", "tanh"),
        ("\\max", "max"),
        ("\\cdot", ""),
        ("\\sim", "∼"),
        ("\\ln", "ln"),
        ("\\text", ""),
        ("\\,", ""),
        ("\\;", ""),
        ("'", "′"),
        ("-", "−"),
    ];
    let plain =
        commands.iter().fold(without_fractions(equation), |text, (command, symbol)| text.replace(command, symbol));
    assert!(!plain.contains('\\'), "a command that this test does not know: {plain}");
    symbols(&plain)
}

#[test]
fn the_heads_of_the_files_have_the_symbols_of_the_derivation() {
    let derived = derived();
    let heads = at_the_heads();
    let table = in_the_table().into_iter().map(|(tag, _, equation)| ("the table of lib.rs".into(), tag, equation));
    for (path, tag, unicode) in &heads.iter().cloned().chain(table).collect::<Vec<_>>() {
        let expected = from_unicode(unicode);
        // A table may omit the left side: f′(z) = …, w ∼ …
        let right = |latex: &String| latex.split_once(['=', '∼']).map_or(String::new(), |(_, right)| right.to_owned());
        let matches = derived.get(tag).into_iter().flatten().any(|latex| {
            let latex = latex.replace("\\sim", "∼");
            from_latex(&latex) == expected || from_latex(&right(&latex)) == expected
        });
        let latex = derived.get(tag);
        assert!(matches, "{}: ({tag}) {unicode}\nis not, in its symbols, {latex:?}", path.display());
    }
    let found: BTreeSet<&String> = heads.iter().map(|(_, tag, _)| tag).collect();
    let missing: Vec<_> = derived.keys().filter(|tag| !found.contains(tag)).collect();
    assert!(missing.is_empty(), "at the head of no file: {missing:?}");
}

#[test]
fn the_table_of_the_front_page_has_every_equation_and_leads_to_it() {
    let table = in_the_table();
    let tags: BTreeSet<String> = table.iter().map(|(tag, ..)| tag.clone()).collect();
    assert_eq!(tags, in_the_derivation());
    for (tag, chapter, _) in table {
        let page = format!("src/derivation/{chapter}.md");
        let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&page)).unwrap();
        assert!(page.contains(&format!("id=\"{}\"", tag.to_lowercase())), "{tag} is not in {chapter}");
    }
}
