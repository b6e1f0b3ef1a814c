//! `docs/playground.html` is what `playground/` and the quoted lines of `src/` make of it.
//!
//! `UPDATE_PLAYGROUND=1` writes the page again, with the WebAssembly that it has or, from `playground/build.sh`, a new
//! one.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/playground.html";
const MOST_BYTES: usize = 1_500_000;
/// How far a quoted line may have moved since the page was built; its text may not change.
const MOST_LINES: usize = 40;

/// The line of source that each stop of the page quotes: its key, its file, how it begins, and the chapter.
const QUOTES: [(&str, &str, &str, &str); 15] = [
    ("F1", "src/layer.rs", "affine(x, &self.weights", "03-batch.md"),
    ("F2", "src/layer.rs", "self.activation.forward(", "03-batch.md"),
    ("C1", "src/loss.rs", "Loss::MeanSquaredError => (a - y)", "06-costs.md"),
    ("C3", "src/loss.rs", "pairs(z, y).map(|(z, y)| times(y, log_sum", "07-pairs.md"),
    ("B1 identity", "src/loss.rs", "*d = factor * (a - y); // (B1) dZ = 2/nk", "07-pairs.md"),
    ("B1 softmax", "src/loss.rs", "*d = factor * (a - y); // (B1) dZ = 1/n (A", "07-pairs.md"),
    ("B1 general", "src/loss.rs", "output.backward(z, a, dz, k);", "06-costs.md"),
    ("B2", "src/layer.rs", "times_transpose(dz", "03-batch.md"),
    ("B3", "src/layer.rs", "self.activation.backward(", "03-batch.md"),
    ("B4", "src/layer.rs", "transpose_times(x, dz", "03-batch.md"),
    ("B5", "src/layer.rs", "column_sums(dz", "03-batch.md"),
    ("U1", "src/optimizer/sgd.rs", "let v = momentum.mul_add(v, minus_rate * g); // (U1)", "08-descent.md"),
    ("U2", "src/optimizer/sgd.rs", "[theta + momentum.mul_add(v, minus_rate * g), v]", "08-descent.md"),
    (
        "U3",
        "src/optimizer/rmsprop.rs",
        "[minus_rate.mul_add(d_theta / (v.sqrt() + epsilon), theta), v]",
        "12-adaptive.md",
    ),
    (
        "U4",
        "src/optimizer/adam.rs",
        "[theta.constant(-self.rate_of_m).mul_add(m / root, decayed), m, v]",
        "12-adaptive.md",
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn quotes() -> String {
    let quote = |(key, file, begin, chapter): (&str, &str, &str, &str)| {
        let source = read(file);
        let mut lines = source.lines().map(str::trim).enumerate();
        let (line, text) =
            lines.find(|(_, line)| line.starts_with(begin)).unwrap_or_else(|| panic!("{file}: no line {begin}"));
        let title = read(format!("derivation/{chapter}")).lines().next().unwrap().trim_start_matches("# ").to_owned();
        let number = chapter[..2].trim_start_matches('0');
        serde_json::json!({ key: {
            "text": text, "file": file, "line": line + 1, "chapter": chapter, "title": format!("chapter {number}: {title}"),
        } })
    };
    let mut all = serde_json::Map::new();
    for quoted in QUOTES {
        all.extend(quote(quoted).as_object().unwrap().clone());
    }
    serde_json::to_string(&all).unwrap()
}

/// FNV-1a over the files that the WebAssembly is built from, but for the crate itself.
fn hash_of_sources() -> String {
    let mut files: Vec<PathBuf> =
        fs::read_dir(root().join("playground/src")).unwrap().map(|file| file.unwrap().path()).collect();
    files.extend(["playground/Cargo.toml", "playground/digits.bin"].map(|file| root().join(file)));
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        for byte in fs::read(file).unwrap() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

/// In lines, for editors.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (i, three) in bytes.chunks(3).enumerate() {
        if i % 30 == 0 {
            text.push('\n');
        }
        let bits = three.iter().fold(0, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        for digit in 0..4 {
            let sextet = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit <= three.len() { char::from(DIGITS[sextet as usize]) } else { '=' });
        }
    }
    text.push('\n');
    text
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let rest = &text[text.find(begin)? + begin.len()..];
    Some(&rest[..rest.find(end)?])
}

fn assemble(wasm: &str, hash: &str) -> String {
    let mut page = read("playground/page/index.html");
    for (place, text) in [
        ("@style@", read("playground/page/style.css")),
        ("@quotes@", quotes()),
        ("@worker@", read("playground/page/worker.js")),
        ("@sources@", hash.to_owned()),
        ("@script@", read("playground/page/main.js")),
        ("@wasm@", wasm.to_owned()),
    ] {
        assert_eq!(page.matches(place).count(), 1, "{place}");
        page = page.replacen(place, text.trim_end_matches(' '), 1);
    }
    page
}

/// The page with the numbers of the quoted lines taken out, and these.
fn apart(page: &str) -> (String, Vec<usize>) {
    let mut pieces = page.split("\"line\":");
    let (mut text, mut lines) = (pieces.next().unwrap().to_owned(), Vec::new());
    for piece in pieces {
        let digits = piece.chars().take_while(char::is_ascii_digit).count();
        lines.push(piece[..digits].parse().unwrap());
        text.push_str(&piece[digits..]);
    }
    (text, lines)
}

#[test]
fn the_page_is_built_from_these_sources() {
    let path = root().join(PAGE);
    let built = fs::read_to_string(&path).unwrap_or_default();
    let mut wasm = between(&built, "data-sources=\"", "</script>")
        .and_then(|text| text.split_once("\">"))
        .unwrap_or_default()
        .1
        .to_owned();
    let mut hash = between(&built, "data-sources=\"", "\"").unwrap_or_default().to_owned();
    if std::env::var_os("UPDATE_PLAYGROUND").is_some() {
        if let Some(file) = std::env::var_os("PLAYGROUND_WASM") {
            wasm = base64(&fs::read(file).expect("the WebAssembly that PLAYGROUND_WASM names"));
            hash = hash_of_sources();
        }
        fs::write(&path, assemble(&wasm, &hash)).unwrap();
        return;
    }
    assert_eq!(
        hash,
        hash_of_sources(),
        "{PAGE} has WebAssembly of other sources than playground/: run playground/build.sh"
    );
    assert!(built.len() < MOST_BYTES, "{PAGE} has {} bytes", built.len());
    let ((built, then), (fresh, now)) = (apart(&built), apart(&assemble(&wasm, &hash)));
    let moved = then.len() != now.len() || then.iter().zip(&now).any(|(then, now)| then.abs_diff(*now) > MOST_LINES);
    assert!(
        built == fresh && !moved,
        "{PAGE} differs from playground/page/ or from the lines of src/ that it quotes: run UPDATE_PLAYGROUND=1 cargo test --test playground"
    );
}
