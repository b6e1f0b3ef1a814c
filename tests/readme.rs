//! The README shows `examples/quickstart.rs` and `examples/iris.rs`, and what they print.

use std::path::Path;
use std::process::Command;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(FOLDER).join(name)).unwrap()
}

#[test]
fn the_quickstart_prints_what_the_readme_says() {
    prints_what_the_readme_says("quickstart");
}

#[test]
fn the_way_from_a_table_to_a_prediction_prints_what_the_readme_says() {
    prints_what_the_readme_says("iris");
}

fn prints_what_the_readme_says(name: &str) {
    let (readme, example) = (read("README.md"), read(&format!("examples/{name}.rs")));
    let (_heading, program) = example.split_once("\n\n").unwrap();
    let (_, after) = readme.split_once(&format!("```rust\n{program}```\n")).expect("the README has the program");
    let (_, after) = after.split_once("```text\n").unwrap();
    let (printed, _) = after.split_once("```").unwrap();

    // Built as this test was, so that `cargo test` has it already.
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["run", "--quiet", "--profile", profile, "--example", name]).current_dir(FOLDER);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), printed);
}
