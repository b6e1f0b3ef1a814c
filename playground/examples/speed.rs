//! How fast the page's training is natively, on one thread: `speed SECONDS SETTINGS…`, the settings as the page's
//! numbers. Prints samples per second, the best of five rounds.

use chainrule_playground::{Playground, Settings};
use std::time::{Duration, Instant};

fn main() {
    let numbers: Vec<f64> = std::env::args().skip(1).map(|word| word.parse().expect("a number")).collect();
    let mut playground = Playground::new(Settings::from_numbers(&numbers[1..]).unwrap()).unwrap();
    let round = Duration::from_secs_f64(numbers[0] / 5.0);
    let mut best = 0.0_f64;
    for _ in 0..5 {
        let (begin, mut steps) = (Instant::now(), 0);
        while begin.elapsed() < round {
            for _ in 0..50 {
                playground.step().unwrap();
            }
            steps += 50;
        }
        best = best.max((steps * playground.batch()) as f64 / begin.elapsed().as_secs_f64());
    }
    println!("{best:.0}");
}
