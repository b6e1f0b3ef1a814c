//! The progress bar, and the last line of every example.

use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;

/// Epoch, cost and time left, on standard error; silent unless that is a terminal.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub fn new(epochs: usize) -> Progress {
        let bar = ProgressBar::new(epochs as u64);
        let style = ProgressStyle::with_template("{bar:30} epoch {pos}/{len}  cost {msg}  {eta} left");
        bar.set_style(style.expect("a valid template"));
        Progress { bar }
    }

    /// `done` epochs are finished.
    pub fn epoch(&self, done: usize, cost: f64) {
        self.bar.set_position(done as u64);
        self.bar.set_message(if cost < 1e6 { format!("{cost:.4}") } else { format!("{cost:.1e}") });
    }

    /// Prints a line above the bar.
    pub fn say(&self, line: impl Display) {
        self.bar.suspend(|| println!("{line}"));
    }

    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// The progress of a download, on standard error; silent unless that is a terminal.
pub struct Bytes {
    bar: ProgressBar,
}

impl Bytes {
    pub fn new() -> Bytes {
        let bar = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{bar:30} {msg}  {bytes}/{total_bytes}  {eta} left");
        bar.set_style(style.expect("a valid template"));
        Bytes { bar }
    }

    /// Shows how many bytes of `file` have arrived.
    pub fn tell(&self, file: &str, bytes: u64, total: Option<u64>) {
        if self.bar.message() != file {
            self.bar.reset();
            self.bar.set_message(file.to_string());
        }
        match total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.set_position(bytes);
    }

    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// The last line, for machines. It is the same in every run with the same seed, so it has no times.
pub fn result_line(example: &str, seed: u64, epochs: usize, figures: &[(&str, f64)]) {
    print!("result: example={example} seed={seed} epochs={epochs}");
    for (key, value) in figures {
        print!(" {key}={}", digits(*value));
    }
    println!();
}

/// Four decimals, or more so that a small number keeps three digits.
pub fn digits(value: f64) -> String {
    let leading = if value == 0.0 { 0.0 } else { -value.abs().log10().floor() };
    let decimals = if leading.is_finite() { (leading + 2.0).clamp(4.0, 12.0) as usize } else { 4 };
    format!("{value:.decimals$}")
}
