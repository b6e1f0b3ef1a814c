//! The figures of the derivation, `derivation/figures/*.svg`, are drawn from the crate's own numbers, and are up to date.
//!
//! After a change:
//!
//! ```text
//! UPDATE_FIGURES=1 cargo test -p checks --test figures
//! UPDATE_DERIVATION=1 cargo test -p checks --test derivation
//! ```
//!
//! The second command puts them into the pages of the documentation.

mod pictures;
mod svg;

use std::path::Path;

/// The texts around the numbers, and the numbers as they are written.
fn split(svg: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    let mut rest = svg;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let tail = &rest[start..];
        let end = tail.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(tail.len());
        texts.push(&rest[..start]);
        numbers.push(&tail[..end]);
        rest = &tail[end..];
    }
    texts.push(rest);
    (texts, numbers)
}

/// The same, up to one unit in the last place of a number with a point: on another processor a sum may round another
/// way.
fn same(found: &str, expected: &str) -> bool {
    let close = |(a, b): (&&str, &&str)| {
        let digits = |number: &str| number.split_once('.').map(|(_, digits)| digits.len());
        let distance = |digits: usize| {
            let value = |number: &str| number.parse::<f64>().unwrap_or(f64::NAN);
            (value(a) - value(b)).abs() * 10_f64.powi(digits.try_into().unwrap())
        };
        a == b || digits(a).max(digits(b)).is_some_and(|digits| distance(digits) < 1.5)
    };
    let ((texts, numbers), (others, expected)) = (split(found), split(expected));
    texts == others && numbers.iter().zip(&expected).all(close)
}

#[test]
fn the_figures_are_current() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../derivation/figures"));
    let update = std::env::var_os("UPDATE_FIGURES").is_some();
    let pictures = pictures::all();
    let mut stale = Vec::new();
    for (name, svg) in &pictures {
        let file = folder.join(name).with_extension("svg");
        if update {
            std::fs::write(&file, svg).unwrap();
        } else if !std::fs::read_to_string(&file).is_ok_and(|found| same(&found, svg)) {
            stale.push(file);
        }
    }
    assert!(stale.is_empty(), "run UPDATE_FIGURES=1 cargo test -p checks --test figures: not current: {stale:?}");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(files, pictures.len(), "a file in derivation/figures that nothing draws");
}

/// With a text for those who cannot see it.
#[test]
fn each_figure_stands_in_one_chapter() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../derivation"));
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let chapters: Vec<String> = files.filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    for (name, _) in pictures::all() {
        let link = format!("](figures/{name}.svg)");
        let lines = chapters.iter().flat_map(|chapter| chapter.lines()).filter(|line| line.contains(&link));
        let texts: Vec<&str> = lines.filter_map(|line| line.strip_prefix("![")?.strip_suffix(&link)).collect();
        assert_eq!(texts.len(), 1, "{name}: in {} chapters", texts.len());
        assert!(texts[0].len() > 60, "{name}: {}", texts[0]);
    }
}

/// The same numbers give the same files.
#[test]
fn drawing_twice_gives_the_same_files() {
    assert_eq!(pictures::all(), pictures::all());
}

#[test]
fn a_stale_figure_is_noticed() {
    let found = "<path d=\"M10 20.5L30 40\"/><text>0.731</text>";
    assert!(same(found, found));
    assert!(same(found, &found.replace("20.5", "20.6")));
    for (old, new) in [("20.5", "20.7"), ("0.731", "0.733"), ("40", "41"), ("L", "M"), ("0.731", "−0.731")] {
        assert!(!same(found, &found.replace(old, new)), "{old} → {new}");
    }
}
