//! The time and memory of a large table: a CSV file of 1,000,000 rows and 20 columns of numbers, and a target of words,
//! is read, then made a data set with everything learnt from it.
//!
//! ```text
//! cargo bench --bench csv -- [ROWS]
//! ```
//!
//! The file has six digits per number and lies in the system's temporary folder. Its size in memory is that of its numbers
//! in `f64`. Peak memory is the largest resident size according to Linux.

use chainrule::{Csv, Preprocessing};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

const COLUMNS: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows = std::env::args().skip(1).find_map(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    let path = std::env::temp_dir().join(format!("chainrule-bench-{}.csv", std::process::id()));
    let mut file = BufWriter::new(File::create(&path)?);
    (0..COLUMNS).try_for_each(|j| write!(file, "column {j},"))?;
    writeln!(file, "target")?;
    let mut state = 1_u32;
    for _ in 0..rows {
        for _ in 0..COLUMNS {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); // Numerical Recipes' generator
            write!(file, "{:.5},", f64::from(state >> 8) / f64::from(1 << 22) - 2.0)?;
        }
        writeln!(file, "{}", if state & 1 << 16 == 0 { "no" } else { "yes" })?;
    }
    drop(file);
    let megabytes = |bytes: usize| format!("{:.0} MB", bytes as f64 / 1e6);
    let numbers = rows * (COLUMNS + 1) * size_of::<f64>();
    println!("{rows} rows, {COLUMNS} columns and a target: {} of numbers", megabytes(numbers));

    let start = Instant::now();
    let report = |what: &str| {
        let peak = peak().map_or("unknown".into(), |peak| {
            format!("{}, {:.2} times the numbers", megabytes(peak), peak as f64 / numbers as f64)
        });
        println!("{what:28} {:.2} s, peak memory {peak}", start.elapsed().as_secs_f64());
    };
    let table = Csv::new().target("target").read(&path);
    std::fs::remove_file(&path)?;
    let table = table?;
    report("Csv::read");
    let preprocessing = Preprocessing::learn(&table)?;
    report("… Preprocessing::learn");
    let data = preprocessing.dataset::<f32>(&table)?;
    report("… a data set in f32");
    assert_eq!(data.len(), rows);
    Ok(())
}

/// The largest resident size of this process so far, in bytes.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
}
