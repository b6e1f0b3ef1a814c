//! Does the time grow as the work grows? The time of a training step over the width of a network, its depth and the
//! rows of a batch.
//!
//! ```text
//! cargo bench --bench sweep -- --only width,batch --threads 2 --seconds 1 --out target/sweep
//! ```
//!
//! A cliff is a point whose time grows by more than its work. The last table has the worst ones of every series, and
//! the picture shows all points. Each point is the median of short runs, made in rounds over all points. So a busy
//! moment of the machine affects one run of many points, not all runs of a few.

mod common;
// A chart uses only some of the examples' pen.
#[allow(dead_code)]
#[path = "../examples/common/pen.rs"]
mod pen;

use chainrule::{Activation, Threads};
use common::{Training, W1, W4, Workload};
use pen::{Area, Axis, BLUE, Chart, GREY, Mark, Pen, VERMILION, number};
use std::path::Path;
use std::time::Instant;

const WIDTHS: [usize; 27] = [
    8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 100, 127, 128, 129, 192, 255, 256, 257, 384, 511, 512, 513, 768,
    1000, 1024,
];
const DEPTHS: [usize; 8] = [1, 2, 3, 4, 6, 8, 12, 16];
const BATCHES: [usize; 25] =
    [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 512, 1024];

/// Runs per point; their median counts.
const ROUNDS: usize = 9;

/// A rate too small to change the numbers, and with them the times.
const STILL: Workload = Workload { rate: 1e-6, ..W1 };
const RELU: Workload = Workload { hidden: Activation::Relu, ..STILL };

/// The quantity that varies, and two series over it.
struct Sweep {
    name: &'static str,
    axis: &'static str,
    series: [Series; 2],
}

struct Series {
    name: &'static str,
    points: Vec<Point>,
}

/// One network with its batches and the times of its steps.
struct Point {
    /// The value of the varying quantity.
    at: usize,
    batch: usize,
    /// Multiplications of F1, B2 and B4, for one sample.
    multiplications: f64,
    training: Training<f32>,
    steps_done: usize,
    steps_of_run: usize,
    /// Nanoseconds per sample, for each run.
    times: Vec<f64>,
}

impl Series {
    /// `plan` returns the sizes of the layers and of the batch for each value.
    fn new(name: &'static str, work: Workload, values: &[usize], plan: impl Fn(usize) -> (Vec<usize>, usize)) -> Self {
        let point = |&at: &usize| {
            let (sizes, batch) = plan(at);
            Point::new(at, &Workload { sizes: &sizes, batch, ..work })
        };
        Series { name, points: values.iter().map(point).collect() }
    }
}

impl Point {
    fn new(at: usize, work: &Workload) -> Self {
        let products: usize = work.sizes.windows(2).map(|size| 3 * size[0] * size[1]).sum();
        Point {
            at,
            batch: work.batch,
            // The first layer needs no B2.
            multiplications: (products - work.sizes[0] * work.sizes[1]) as f64,
            training: Training::new(work, (512 / work.batch).max(2)),
            steps_done: 0,
            steps_of_run: 1,
            times: Vec::with_capacity(ROUNDS),
        }
    }

    /// The time of some steps, in nanoseconds.
    fn steps(&mut self, steps: usize) -> f64 {
        let start = Instant::now();
        for _ in 0..steps {
            self.training.step(self.steps_done);
            self.steps_done += 1;
        }
        start.elapsed().as_secs_f64() * 1e9
    }

    fn choose_steps(&mut self, seconds_of_run: f64) {
        self.steps(2);
        let quickest = (0..3).map(|_| self.steps(1)).fold(f64::MAX, f64::min);
        self.steps_of_run = ((seconds_of_run * 1e9 / quickest) as usize).max(1);
    }

    fn run(&mut self) {
        // Warm up: the other points have evicted this one's data from the caches.
        self.steps(self.steps_of_run.div_ceil(10));
        let time = self.steps(self.steps_of_run);
        self.times.push(time / (self.steps_of_run * self.batch) as f64);
    }

    /// Nanoseconds for one sample.
    fn time(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }

    fn time_of_step(&self) -> f64 {
        self.time() * self.batch as f64
    }

    /// Nanoseconds for a thousand multiplications.
    fn price(&self) -> f64 {
        self.time() / self.multiplications * 1000.0
    }
}

fn width() -> Sweep {
    let of_images = Series::new("784-w-w-10", RELU, &WIDTHS, |w| (vec![784, w, w, 10], 32));
    let of_few = Series::new("16-w-w-2", RELU, &WIDTHS, |w| (vec![16, w, w, 2], 32));
    Sweep { name: "width", axis: "units w of each of two hidden layers", series: [of_images, of_few] }
}

fn depth() -> Sweep {
    let layers = |units: usize, depth: usize| [vec![units; depth + 1], vec![10]].concat();
    let narrow = Series::new("64 units", RELU, &DEPTHS, |depth| (layers(64, depth), 32));
    let wide = Series::new("256 units", RELU, &DEPTHS, |depth| (layers(256, depth), 32));
    Sweep { name: "depth", axis: "hidden layers", series: [narrow, wide] }
}

fn batch() -> Sweep {
    let large = Series::new("784-100-10", STILL, &BATCHES, |rows| (STILL.sizes.to_vec(), rows));
    let small = Workload { rate: STILL.rate, ..W4 };
    let small = Series::new("2-25-50-25-2", small, &BATCHES, |rows| (small.sizes.to_vec(), rows));
    Sweep { name: "batch", axis: "rows of a batch", series: [large, small] }
}

fn table(sweeps: &[Sweep]) {
    println!("| sweep | network | at | ns a sample | multiplications a sample | ns for 1,000 of them |");
    println!("|---|---|---:|---:|---:|---:|");
    for Sweep { name, series, .. } in sweeps {
        for Series { name: network, points } in series {
            for point in points {
                let (time, work) = (number(point.time(), 0), number(point.multiplications, 0));
                println!("| {name} | {network} | {} | {time} | {work} | {:.1} |", point.at, point.price());
            }
        }
    }
}

/// For every series the two worst pairs of neighbours: where the step with more work is faster, and where a
/// multiplication gets more expensive.
fn cliffs(sweeps: &[Sweep]) {
    println!("| sweep | network | step of the smaller ÷ of the larger | price of the larger ÷ of the smaller |");
    println!("|---|---|---|---|");
    for Sweep { name, series, .. } in sweeps {
        for Series { name: network, points } in series {
            let worst = |ratio: fn(&Point, &Point) -> f64| {
                let ratios = points.windows(2).map(|pair| (ratio(&pair[0], &pair[1]), pair[0].at, pair[1].at));
                let (ratio, from, to) = ratios.max_by(|a, b| a.0.total_cmp(&b.0)).expect("two points or more");
                format!("{ratio:.2} ({from} to {to})")
            };
            let slower = worst(|small, large| small.time_of_step() / large.time_of_step());
            let dearer = worst(|small, large| large.price() / small.price());
            println!("| {name} | {network} | {slower} | {dearer} |");
        }
    }
}

fn draw(sweeps: &[Sweep], path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let (across, left, wide, top, bottom) = (620.0, 110.0, 490.0, 80.0, 560.0);
    pen::picture(path, (across as usize * sweeps.len(), 630), |pen| {
        for (i, sweep) in sweeps.iter().enumerate() {
            let left = left + across * i as f64;
            sweep.draw(pen, Area { left, top, right: left + wide, bottom });
        }
    })
}

impl Sweep {
    fn draw(&self, pen: &Pen, area: Area) {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let (low, high) =
            points().map(Point::time).fold((f64::MAX, 0.0_f64), |(low, high), t| (low.min(t), high.max(t)));
        let (first, last) = points().fold((usize::MAX, 0), |(low, high), p| (low.min(p.at), high.max(p.at)));
        let chart = Chart {
            area,
            x: Axis::log(self.axis, first as f64, last as f64),
            y: Axis::log("time of a training step, ns a sample", low / 1.5, high * 1.5),
        };
        chart.axes(pen, true);
        for (series, colour) in self.series.iter().zip([BLUE, VERMILION]) {
            let at = |point: &Point, time: f64| chart.at(point.at as f64, time);
            // As if every multiplication cost the same as in the last point.
            let cheapest = series.points.last().map_or(0.0, Point::price) / 1000.0;
            let proportional = series.points.iter().map(|p| (p, p.multiplications * cheapest));
            let inside: Vec<_> = proportional.filter(|(_, t)| *t > low / 1.5).map(|(p, t)| at(p, t)).collect();
            pen.dashes(&inside, GREY, 1.5, 5.0);
            pen.line(series.points.iter().map(|point| at(point, point.time())), colour, 2.0);
            for point in &series.points {
                match colour {
                    BLUE => pen.disc(at(point, point.time()), 4.0, colour),
                    _ => pen.triangle(at(point, point.time()), 5.5, colour),
                }
            }
        }
        let [first, second] = &self.series;
        let legend = [
            (Mark::Disc(BLUE), first.name),
            (Mark::Triangle(VERMILION), second.name),
            (Mark::Dashes(GREY), "proportional"),
        ];
        pen.heading(area.left, &format!("Time over {}", self.name), &legend);
    }
}

fn main() {
    let [only, threads, seconds, out] = common::flags(["--only", "--threads", "--seconds", "--out"]);
    let threads = Threads::new(threads.map_or(2, |threads| threads.parse().unwrap()));
    let seconds = common::seconds(seconds, 1.0);
    let wanted = |name: &&str| only.as_ref().is_none_or(|only| only.split(',').any(|part| part == *name));
    let sweep = |name| match name {
        "width" => width(),
        "depth" => depth(),
        _ => batch(),
    };
    let mut sweeps: Vec<Sweep> = ["width", "depth", "batch"].into_iter().filter(wanted).map(sweep).collect();
    assert!(!sweeps.is_empty(), "--only takes width, depth and batch");

    let mut points: Vec<&mut Point> =
        sweeps.iter_mut().flat_map(|s| &mut s.series).flat_map(|s| &mut s.points).collect();
    let seconds_of_run = seconds / ROUNDS as f64;
    let rounds = if seconds > 0.0 { ROUNDS } else { 1 };
    threads.run(|| {
        points.iter_mut().for_each(|point| point.choose_steps(seconds_of_run));
        for _ in 0..rounds {
            points.iter_mut().for_each(|point| point.run());
        }
    });

    if seconds > 0.0 {
        table(&sweeps);
        println!();
        cliffs(&sweeps);
        println!();
        let out = out.unwrap_or_else(|| "target/sweep".into());
        draw(&sweeps, &Path::new(&out).join("sweep.png")).unwrap();
    }
}
