//! The pictures that the examples draw.

use super::pen::*;
use chainrule::ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis as Dimension};
use plotters::prelude::RGBColor;
use std::error::Error;
use std::path::Path;

type Drawn = Result<(), Box<dyn Error>>;

/// Two classes of points in the plane. Shape and colour both tell them apart.
#[derive(Clone, Copy)]
pub struct Points<'a> {
    /// `[n, 2]`
    pub places: ArrayView2<'a, f64>,
    /// 0 or 1 each.
    pub labels: &'a [usize],
    /// The names of the two classes in the legend.
    pub names: [&'a str; 2],
}

const CLASS: [RGBColor; 2] = [BLUE, VERMILION];

impl Points<'_> {
    /// A chart of the plane with equal units on both axes and a margin around the points.
    fn chart(&self, right: f64) -> (Chart, (usize, usize)) {
        let span = |column: usize| {
            let places = self.places.column(column);
            let (low, high) = places.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
            (low - 0.06 * (high - low), high + 0.06 * (high - low))
        };
        let ((x0, x1), (y0, y1)) = (span(0), span(1));
        let (left, top, wide) = (80.0, 80.0, 800.0 - 80.0 - right);
        let high = (wide * (y1 - y0) / (x1 - x0)).clamp(340.0, 600.0).round();
        // If the height was clamped, the other axis shows more of the plane.
        let unit = (wide / (x1 - x0)).min(high / (y1 - y0));
        let (more_x, more_y) = ((wide / unit - (x1 - x0)) / 2.0, (high / unit - (y1 - y0)) / 2.0);
        let chart = Chart {
            area: Area { left, top, right: left + wide, bottom: top + high },
            x: Axis::linear("first feature", x0 - more_x, x1 + more_x),
            y: Axis::linear("second feature", y0 - more_y, y1 + more_y),
        };
        (chart, (800, (top + high) as usize + 66))
    }

    fn draw(&self, pen: &Pen, chart: &Chart) {
        let radius = if self.labels.len() > 1000 { 3.4 } else { 4.6 };
        for (place, &label) in self.places.axis_iter(Dimension(0)).zip(self.labels) {
            let at = chart.at(place[0], place[1]);
            match label {
                0 => {
                    pen.disc(at, radius + 1.0, WHITE);
                    pen.disc(at, radius, BLUE);
                }
                _ => {
                    pen.triangle(at, radius * 1.3 + 2.0, WHITE);
                    pen.triangle(at, radius * 1.3, VERMILION);
                }
            }
        }
    }

    fn legend(&self) -> Vec<(Mark, &str)> {
        vec![(Mark::Disc(CLASS[0]), self.names[0]), (Mark::Triangle(CLASS[1]), self.names[1])]
    }
}

/// The points alone.
pub fn scatter(path: &Path, title: &str, points: Points) -> Drawn {
    let (chart, size) = points.chart(24.0);
    picture(path, size, |pen| {
        chart.axes(pen, true);
        points.draw(pen, &chart);
        pen.heading(chart.area.left, title, &points.legend());
    })
}

/// The probability of class 1 all over the plane, the line where it is one half, and the points on top.
/// `probability` gives it for places `[n, 2]`.
pub fn boundary(
    path: &Path,
    title: &str,
    points: Points,
    probability: impl Fn(ArrayView2<f64>) -> Array1<f64>,
) -> Drawn {
    let (chart, size) = points.chart(124.0);
    let field = Field::new(&chart, &probability);
    let places = points.places;
    let answers = probability(places);
    let wrong: Vec<usize> =
        (0..points.labels.len()).filter(|&row| (answers[row] > 0.5) != (points.labels[row] == 1)).collect();
    picture(path, size, |pen| {
        pen.paint(chart.area, |across, down| shade(field.sample(across, down)));
        chart.axes(pen, false);
        points.draw(pen, &chart);
        for &row in &wrong {
            pen.ring(chart.at(places[[row, 0]], places[[row, 1]]), 7.0, BLACK, 1.6);
        }
        for (from, to) in field.crossings(chart.area) {
            pen.line([from, to], WHITE, 6.0);
        }
        for (from, to) in field.crossings(chart.area) {
            // Round ends, so that the short segments join without gaps.
            pen.disc(from, 1.4, BLACK);
            pen.line([from, to], BLACK, 2.8);
            pen.disc(to, 1.4, BLACK);
        }
        let mut legend = points.legend();
        legend.push((Mark::Line(BLACK), "boundary (0.5)"));
        if !wrong.is_empty() {
            legend.push((Mark::Ring, "on the wrong side"));
        }
        pen.heading(chart.area.left, title, &legend);
        let Area { right, top, bottom, .. } = chart.area;
        let bar = Area { left: right + 46.0, right: right + 66.0, top, bottom };
        let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| (p, format!("{p}")));
        pen.colour_bar(bar, &format!("probability of {}", points.names[1]), &ticks, shade);
    })
}

/// A probability as a colour, pale enough for points to stand out on it.
fn shade(p: f64) -> RGBColor {
    mix(WHITE, diverging(2.0 * step(p, 64.0) - 1.0), 0.4)
}

/// Rounds to invisibly small steps, which halves the size of the file.
fn step(t: f64, steps: f64) -> f64 {
    (t * steps).round() / steps
}

/// A quantity on a fine grid over a chart.
struct Field {
    /// `[down, across]`
    values: Array2<f64>,
}

impl Field {
    const ACROSS: usize = 301;
    const DOWN: usize = 301;

    fn new(chart: &Chart, quantity: impl Fn(ArrayView2<f64>) -> Array1<f64>) -> Field {
        let (across, down) = (Field::ACROSS as f64 - 1.0, Field::DOWN as f64 - 1.0);
        let places = Array2::from_shape_fn((Field::ACROSS * Field::DOWN, 2), |(i, column)| match column {
            0 => chart.x.value((i % Field::ACROSS) as f64 / across),
            _ => chart.y.value(1.0 - (i / Field::ACROSS) as f64 / down),
        });
        let values = quantity(places.view()).to_vec();
        Field { values: Array2::from_shape_vec((Field::DOWN, Field::ACROSS), values).expect("one value a place") }
    }

    /// Bilinear between the grid points.
    fn sample(&self, across: f64, down: f64) -> f64 {
        let x = across.clamp(0.0, 1.0) * (Field::ACROSS - 1) as f64;
        let y = down.clamp(0.0, 1.0) * (Field::DOWN - 1) as f64;
        let (i, j) = ((x as usize).min(Field::ACROSS - 2), (y as usize).min(Field::DOWN - 2));
        let (u, v) = (x - i as f64, y - j as f64);
        let value = |j: usize, i: usize| self.values[[j, i]];
        (1.0 - v) * ((1.0 - u) * value(j, i) + u * value(j, i + 1))
            + v * ((1.0 - u) * value(j + 1, i) + u * value(j + 1, i + 1))
    }

    /// Marching squares: the segments of the line on which the quantity is one half, in the picture.
    fn crossings(&self, area: Area) -> Vec<((f64, f64), (f64, f64))> {
        let place = |x: f64, y: f64| {
            let (across, down) = (x / (Field::ACROSS - 1) as f64, y / (Field::DOWN - 1) as f64);
            (area.left + (area.right - area.left) * across, area.top + (area.bottom - area.top) * down)
        };
        let mut pieces = vec![];
        for j in 0..Field::DOWN - 1 {
            for i in 0..Field::ACROSS - 1 {
                let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
                let mut ends = vec![];
                for edge in 0..4 {
                    let ((i0, j0), (i1, j1)) = (corners[edge], corners[(edge + 1) % 4]);
                    let (a, b) = (self.values[[j0, i0]] - 0.5, self.values[[j1, i1]] - 0.5);
                    if (a < 0.0) != (b < 0.0) {
                        let t = a / (a - b);
                        let along = |from: usize, to: usize| from as f64 + (to as f64 - from as f64) * t;
                        ends.push(place(along(i0, i1), along(j0, j1)));
                    }
                }
                pieces.extend(ends.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
        }
        pieces
    }
}

/// A line of a chart: its name and points.
pub struct Series<'a> {
    pub name: &'a str,
    pub points: Vec<(f64, f64)>,
}

impl<'a> Series<'a> {
    /// One value per epoch, the first after epoch 1.
    pub fn by_epoch(name: &'a str, values: &[f64]) -> Series<'a> {
        Series { name, points: values.iter().enumerate().map(|(epoch, value)| (epoch as f64 + 1.0, *value)).collect() }
    }
}

const SERIES: [RGBColor; 4] = [BLUE, VERMILION, GREEN, ORANGE];

/// Points that share a column of pixels.
struct Bin {
    x: f64,
    low: f64,
    high: f64,
    mean: f64,
}

/// Thousands of epochs on hundreds of pixels: each column's mean and range.
fn bins(points: &[(f64, f64)], width: f64) -> Vec<Bin> {
    points
        .chunk_by(|(a, _), (b, _)| (a / width).floor() == (b / width).floor())
        .map(|points| {
            let n = points.len() as f64;
            let (low, high) =
                points.iter().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
            let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
            Bin { x: sum.0 / n, low, high, mean: sum.1 / n }
        })
        .collect()
}

/// Curves over the epochs; a single epoch is a mark. Dashes or marks also tell the curves apart.
pub fn curves(path: &Path, title: &str, y_label: &str, scale: Scale, series: &[Series]) -> Drawn {
    let all = || series.iter().flat_map(|series| &series.points);
    let last = all().fold(1.0, |last: f64, (x, _)| last.max(*x));
    let (low, high) = all().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
    // Around a single epoch or a nearly flat curve, leave a hundredth of its height.
    let least = 0.01 * high.abs().max(1e-3);
    let room = if high - low > least { 0.06 * (high - low) } else { least };
    let y = match scale {
        Scale::Log => Axis::log(&format!("{y_label}, logarithmic axis"), low, high),
        Scale::Linear => Axis::linear(y_label, low - room, high + room),
        // No margin above 1: no value can be there.
        Scale::Share => Axis::linear(y_label, low - room, (high + room).min(1.0)),
    };
    // A logarithmic axis is hard to read between its ticks: the end of each curve has its value beside it.
    let right = if scale == Scale::Log { 724.0 } else { 770.0 };
    let chart = Chart {
        area: Area { left: 104.0, top: 80.0, right, bottom: 454.0 },
        x: Axis::linear("epoch", 0.0, if last > 1.0 { last } else { 2.0 }),
        y,
    };
    picture(path, (800, 520), |pen| {
        chart.axes(pen, true);
        let mut legend = vec![];
        let columns = chart.area.right - chart.area.left;
        let binned: Vec<_> = series.iter().map(|series| bins(&series.points, last / columns)).collect();
        for (k, bins) in binned.iter().enumerate() {
            for bin in bins.iter().filter(|bin| bin.high > bin.low) {
                let ((x, low), (_, high)) = (chart.at(bin.x, bin.low), chart.at(bin.x, bin.high));
                pen.line([(x, low), (x, high)], mix(WHITE, SERIES[k % SERIES.len()], 0.4), 1.0);
            }
        }
        for (k, (series, bins)) in series.iter().zip(&binned).enumerate() {
            let points: Vec<_> = bins.iter().map(|bin| chart.at(bin.x, bin.mean)).collect();
            let colour = SERIES[k % SERIES.len()];
            let mark = match (points.as_slice(), k % 2) {
                (&[point], 0) => {
                    pen.disc(point, 6.0, colour);
                    Mark::Disc(colour)
                }
                (&[point], _) => {
                    pen.triangle(point, 8.0, colour);
                    Mark::Triangle(colour)
                }
                (_, 0) => {
                    pen.line(points, colour, 2.6);
                    Mark::Line(colour)
                }
                _ => {
                    pen.dashes(&points, colour, 2.6, 7.0);
                    Mark::Dashes(colour)
                }
            };
            legend.push((mark, series.name));
        }
        if scale == Scale::Log {
            let mut ends: Vec<_> = (0..series.len()).filter_map(|k| Some((k, *series[k].points.last()?))).collect();
            ends.sort_by(|(_, (_, a)), (_, (_, b))| b.total_cmp(a));
            let mut above = f64::MIN;
            for (k, (x, y)) in ends {
                let (x, end) = chart.at(x, y);
                above = (end + 6.0).max(above + 18.0);
                let colour = SERIES[k % SERIES.len()];
                pen.text(&three_digits(y), (x.max(right) + 8.0, above), Align::Left, TICK, Weight::Bold, colour);
            }
        }
        pen.heading(chart.area.left, title, &legend);
    })
}

/// Costs over learning rates, on a logarithmic axis.
pub fn rates(path: &Path, title: &str, series: &[Series]) -> Drawn {
    let all = || series.iter().flat_map(|series| &series.points);
    let (first, last) = all().fold((f64::MAX, f64::MIN), |(low, high), (x, _)| (low.min(*x), high.max(*x)));
    let (low, high) = all().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
    let room = 0.06 * (high - low).max(1e-3);
    let chart = Chart {
        area: Area { left: 104.0, top: 80.0, right: 770.0, bottom: 454.0 },
        x: Axis::log("learning rate, logarithmic axis", first, last),
        y: Axis::linear("cost", low - room, high + room),
    };
    picture(path, (800, 520), |pen| {
        chart.axes(pen, true);
        let mut legend = vec![];
        for (k, series) in series.iter().enumerate() {
            let points: Vec<_> = series.points.iter().map(|&(x, y)| chart.at(x, y)).collect();
            let colour = SERIES[k % SERIES.len()];
            if k % 2 == 0 {
                pen.line(points, colour, 2.6);
                legend.push((Mark::Line(colour), series.name));
            } else {
                pen.dashes(&points, colour, 2.6, 7.0);
                legend.push((Mark::Dashes(colour), series.name));
            }
        }
        pen.heading(chart.area.left, title, &legend);
    })
}

/// A positive number to three digits.
fn three_digits(value: f64) -> String {
    let power = value.abs().max(f64::MIN_POSITIVE).log10().floor();
    number(value, (2.0 - power).clamp(0.0, 12.0) as usize)
}

#[derive(Clone, Copy, PartialEq)]
pub enum Scale {
    Linear,
    Log,
    /// A share of a whole, such as an accuracy.
    Share,
}

/// A function learnt on the range `trained`, and the true one.
pub fn fit(path: &Path, title: &str, truth: &[(f64, f64)], fit: &[(f64, f64)], trained: (f64, f64)) -> Drawn {
    let (low, high) =
        truth.iter().chain(fit).fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
    let (first, last) = truth.iter().fold((f64::MAX, f64::MIN), |(low, high), (x, _)| (low.min(*x), high.max(*x)));
    let room = 0.12 * (high - low);
    let chart = Chart {
        area: Area { left: 84.0, top: 80.0, right: 780.0, bottom: 454.0 },
        x: Axis::linear("x", first, last),
        y: Axis::linear("y", low - room, high + room),
    };
    picture(path, (800, 520), |pen| {
        let band = Area { left: chart.at(trained.0, 0.0).0, right: chart.at(trained.1, 0.0).0, ..chart.area };
        pen.fill(band, TRAINED);
        chart.axes(pen, true);
        pen.line(truth.iter().map(|&(x, y)| chart.at(x, y)), GREY, 6.0);
        pen.line(fit.iter().map(|&(x, y)| chart.at(x, y)), VERMILION, 2.8);
        for &(x, y) in fit {
            pen.disc(chart.at(x, y), 3.0, VERMILION);
        }
        for side in [(first + trained.0) / 2.0, (last + trained.1) / 2.0] {
            let place = (chart.at(side, 0.0).0, chart.area.top + 22.0);
            pen.text("unseen", place, Align::Centre, TICK, Weight::Regular, INK);
        }
        let legend =
            [(Mark::Line(GREY), "truth"), (Mark::Line(VERMILION), "network"), (Mark::Band(TRAINED), "training range")];
        pen.heading(chart.area.left, title, &legend);
    })
}

const TRAINED: RGBColor = RGBColor(228, 240, 249);

/// Images of digits, 28 by 28 from 0 (paper) to 1 (ink), each with the network's answer and the truth.
pub struct Digits<'a> {
    pub images: ArrayView2<'a, f32>,
    pub truth: &'a [usize],
    pub predicted: &'a [usize],
}

const SIDE: usize = 28;

/// Rows of digits, each under its caption; a mistake is framed.
pub fn digits(path: &Path, title: &str, digits: &Digits, rows: &[(&str, &[usize])]) -> Drawn {
    const ACROSS: usize = 10;
    let (left, cell, tall, caption) = (24.0, 76.0, 88.0, 38.0);
    let lines = |shown: &[usize]| shown.len().div_ceil(ACROSS) as f64;
    let height: f64 = 50.0 + rows.iter().map(|(_, shown)| caption + tall * lines(shown)).sum::<f64>() + 10.0;
    picture(path, (808, height as usize), |pen| {
        pen.text(title, (left, 34.0), Align::Left, TITLE, Weight::Bold, INK);
        let mut top = 50.0;
        for (name, shown) in rows {
            pen.text(name, (left, top + 22.0), Align::Left, TEXT, Weight::Regular, INK);
            top += caption;
            for (i, &row) in shown.iter().enumerate() {
                let x = left + cell * (i % ACROSS) as f64 + 8.0;
                let y = top + tall * (i / ACROSS) as f64;
                let area = Area { left: x, top: y, right: x + 60.0, bottom: y + 60.0 };
                let image = digits.images.row(row);
                pen.paint(area, |across, down| mix(WHITE, BLACK, step(f64::from(pixel(image, across, down)), 16.0)));
                let (predicted, truth) = (digits.predicted[row], digits.truth[row]);
                let label = (x + 30.0, y + 78.0);
                if predicted == truth {
                    pen.border(area, PALE, 1.0);
                    pen.text(&predicted.to_string(), label, Align::Centre, TICK, Weight::Regular, INK);
                } else {
                    pen.border(area, VERMILION, 3.0);
                    pen.text(&format!("{predicted}, is {truth}"), label, Align::Centre, TICK, Weight::Bold, VERMILION);
                }
            }
            top += tall * lines(shown);
        }
    })
}

/// The image at a position, bilinear between the centres of its pixels.
fn pixel(image: ArrayView1<f32>, across: f64, down: f64) -> f32 {
    let place = |t: f64| (t * SIDE as f64 - 0.5).clamp(0.0, (SIDE - 1) as f64);
    let (x, y) = (place(across), place(down));
    let (i, j) = ((x as usize).min(SIDE - 2), (y as usize).min(SIDE - 2));
    let (u, v) = ((x - i as f64) as f32, (y - j as f64) as f32);
    let value = |j: usize, i: usize| image[j * SIDE + i];
    (1.0 - v) * ((1.0 - u) * value(j, i) + u * value(j, i + 1))
        + v * ((1.0 - u) * value(j + 1, i) + u * value(j + 1, i + 1))
}

/// The weights into each unit of a first layer, `[784, units]`, as images of 28 by 28. One scale for all, symmetric
/// about zero.
pub fn weights(path: &Path, title: &str, under: &str, weights: ArrayView2<f32>) -> Drawn {
    const ACROSS: usize = 10;
    let units = weights.ncols();
    // Clips the largest 0.5 %, so that a few extremes do not make all others pale.
    let mut sizes: Vec<f32> = weights.iter().map(|w| w.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let limit = f64::from(sizes[sizes.len() * 995 / 1000]).max(f64::MIN_POSITIVE);
    let (left, top, cell) = (24.0, 80.0, 64.0);
    let high = cell * units.div_ceil(ACROSS) as f64;
    picture(path, (800, (top + high) as usize + 20), |pen| {
        pen.text(title, (left, 34.0), Align::Left, TITLE, Weight::Bold, INK);
        pen.text(under, (left, 62.0), Align::Left, 16.0, Weight::Regular, INK);
        for unit in 0..units {
            let (x, y) = (left + cell * (unit % ACROSS) as f64, top + cell * (unit / ACROSS) as f64);
            let area = Area { left: x, top: y, right: x + cell - 8.0, bottom: y + cell - 8.0 };
            let column = weights.column(unit);
            pen.paint(area, |across, down| {
                let (i, j) = ((across * SIDE as f64) as usize, (down * SIDE as f64) as usize);
                let t = f64::from(column[j.min(SIDE - 1) * SIDE + i.min(SIDE - 1)]) / limit;
                diverging(step(t, 16.0))
            });
            pen.border(area, PALE, 1.0);
        }
        let bar = Area { left: 706.0, right: 726.0, top, bottom: top + high - 8.0 };
        let decimals = (1.0 - limit.log10().floor()).max(0.0) as usize;
        let ticks = [(0.0, -limit), (0.25, -limit / 2.0), (0.5, 0.0), (0.75, limit / 2.0), (1.0, limit)];
        let ticks = ticks.map(|(t, value)| (t, number(value, if value == 0.0 { 0 } else { decimals })));
        pen.colour_bar(bar, "weight", &ticks, |t| diverging(2.0 * t - 1.0));
    })
}

/// Counts `[truth, prediction]`, with the recall of each class.
pub fn confusion(path: &Path, title: &str, counts: ArrayView2<usize>, names: &[&str]) -> Drawn {
    let classes = counts.nrows();
    // Names longer than a digit are rotated above their columns.
    let long = names.iter().any(|name| name.len() > 2);
    let (left, top) = if long { (150.0, 196.0) } else { (84.0, 120.0) };
    let (wide, tall) = (60.0, 44.0);
    let (across, down) = (wide * classes as f64, tall * classes as f64);
    let size = ((left + across) as usize + 110, (top + down) as usize + 24);
    let shares: Vec<f64> = (0..classes).map(|truth| 1.0 / counts.row(truth).sum().max(1) as f64).collect();
    let mistakes = counts.indexed_iter().filter(|((truth, predicted), _)| truth != predicted);
    let worst = mistakes.map(|((truth, _), &count)| count as f64 * shares[truth]).fold(0.05, f64::max);
    picture(path, size, |pen| {
        pen.text(title, (left.min(84.0), 34.0), Align::Left, TITLE, Weight::Bold, INK);
        pen.text("prediction", (left + across / 2.0, 72.0), Align::Centre, TEXT, Weight::Regular, INK);
        pen.text("found", (left + across + 80.0, top - 12.0), Align::Right, TICK, Weight::Regular, INK);
        pen.text_up("truth", (if long { 30.0 } else { 38.0 }, top + down / 2.0), TEXT, INK);
        for (truth, name) in names.iter().enumerate() {
            let row = counts.row(truth);
            let (x, y) = (left + wide * truth as f64, top + tall * truth as f64);
            if long {
                let middle = top - 12.0 - pen.width(name, TEXT, Weight::Regular) / 2.0;
                pen.text_up(name, (x + wide / 2.0 + 6.0, middle), TEXT, INK);
            } else {
                pen.text(name, (x + wide / 2.0, top - 12.0), Align::Centre, TEXT, Weight::Bold, INK);
            }
            let weight = if long { Weight::Regular } else { Weight::Bold };
            pen.text(name, (left - 14.0, y + 29.0), Align::Right, TEXT, weight, INK);
            for (predicted, &count) in row.iter().enumerate() {
                let share = count as f64 * shares[truth];
                let x = left + wide * predicted as f64;
                // Mistakes are few: the square root makes them distinguishable.
                let (colour, depth) =
                    if predicted == truth { (BLUE, share) } else { (VERMILION, (share / worst).sqrt() * 0.8) };
                let area = Area { left: x, top: y, right: x + wide, bottom: y + tall };
                pen.fill(area, mix(WHITE, colour, depth));
                pen.border(area, PALE, 1.0);
                let ink = match count {
                    0 => RGBColor(190, 190, 190),
                    _ if predicted == truth && depth > 0.5 => WHITE,
                    _ => INK,
                };
                let weight = if predicted == truth { Weight::Bold } else { Weight::Regular };
                pen.text(&count.to_string(), (x + wide / 2.0, y + 28.0), Align::Centre, TICK, weight, ink);
            }
            let found = format!("{:.1} %", 100.0 * row[truth] as f64 * shares[truth]);
            pen.text(&found, (left + across + 80.0, y + 28.0), Align::Right, TICK, Weight::Regular, INK);
        }
    })
}

/// A picture with lines of text under it.
pub struct Tile<'a> {
    pub image: Image<'a>,
    pub lines: Vec<String>,
    /// Framed, and its text in colour.
    pub wrong: bool,
}

/// The columns of a data set, as an image.
#[derive(Clone, Copy)]
pub enum Image<'a> {
    /// 28 by 28, from 0 (paper) to 1 (ink).
    Digit(ArrayView1<'a, f32>),
    /// 32 by 32, all red, then green, then blue, from 0 to 255.
    Photo(ArrayView1<'a, f32>),
}

impl Image<'_> {
    fn colour(self, across: f64, down: f64) -> RGBColor {
        match self {
            Image::Digit(image) => mix(WHITE, BLACK, step(f64::from(pixel(image, across, down)), 16.0)),
            Image::Photo(image) => rgb(across, down, |i| f64::from(image[i]) / 255.0, 32.0),
        }
    }
}

const COLOUR_SIDE: usize = 32;

/// The colour at a position of a 32 by 32 picture; `value` returns its three planes, from 0 to 1.
fn rgb(across: f64, down: f64, value: impl Fn(usize) -> f64, steps: f64) -> RGBColor {
    let place = |t: f64| ((t * COLOUR_SIDE as f64) as usize).min(COLOUR_SIDE - 1);
    let at = place(down) * COLOUR_SIDE + place(across);
    let [red, green, blue] = [0, 1, 2].map(|plane| {
        let value = value(plane * COLOUR_SIDE * COLOUR_SIDE + at);
        (255.0 * step(value, steps)).round() as u8
    });
    RGBColor(red, green, blue)
}

/// Tiles in rows of `across`, each image `side` pixels wide.
pub fn tiles(path: &Path, title: &str, under: &str, (across, side): (usize, f64), tiles: &[Tile]) -> Drawn {
    let (left, top, width) = (24.0, 84.0, 800.0);
    let lines = tiles.iter().map(|tile| tile.lines.len()).max().unwrap_or(0) as f64;
    let (wide, tall) = ((width - 2.0 * left) / across as f64, side + 22.0 * lines + 14.0);
    let height = top + tall * tiles.len().div_ceil(across) as f64 + 6.0;
    picture(path, (width as usize, height as usize), |pen| {
        pen.text(title, (left, 34.0), Align::Left, TITLE, Weight::Bold, INK);
        pen.text(under, (left, 64.0), Align::Left, TEXT, Weight::Regular, INK);
        for (i, tile) in tiles.iter().enumerate() {
            let middle = left + wide * ((i % across) as f64 + 0.5);
            let y = top + tall * (i / across) as f64;
            let x = (middle - side / 2.0).round();
            let area = Area { left: x, top: y, right: x + side, bottom: y + side };
            pen.paint(area, |across, down| tile.image.colour(across, down));
            let (frame, width) = if tile.wrong { (VERMILION, 3.0) } else { (PALE, 1.0) };
            pen.border(area, frame, width);
            for (k, line) in tile.lines.iter().enumerate() {
                let (weight, ink) =
                    if tile.wrong && k == 0 { (Weight::Bold, VERMILION) } else { (Weight::Regular, INK) };
                pen.text(line, (middle, y + side + 20.0 + 21.0 * k as f64), Align::Centre, TICK, weight, ink);
            }
        }
    })
}

/// The weights into each unit of a first layer, `[3072, units]`, as colour images of 32 by 32, each scaled to its own
/// range.
pub fn colour_weights(path: &Path, title: &str, weights: ArrayView2<f32>) -> Drawn {
    const ACROSS: usize = 10;
    let units = weights.ncols();
    let (left, top, cell) = (24.0, 84.0, 75.0);
    let high = cell * units.div_ceil(ACROSS) as f64;
    picture(path, (800, (top + high) as usize + 14), |pen| {
        pen.text(title, (left, 34.0), Align::Left, TITLE, Weight::Bold, INK);
        let under =
            "One square a hidden unit: the colours that excite it. Each from its own least to its own largest weight.";
        pen.text(under, (left, 62.0), Align::Left, 16.0, Weight::Regular, INK);
        for unit in 0..units {
            let column = weights.column(unit);
            let (low, high) = column.fold((f32::MAX, f32::MIN), |(low, high), w| (low.min(*w), high.max(*w)));
            let range = f64::from(high - low).max(f64::MIN_POSITIVE);
            let (x, y) = (left + cell * (unit % ACROSS) as f64, top + cell * (unit / ACROSS) as f64);
            let area = Area { left: x, top: y, right: x + 64.0, bottom: y + 64.0 };
            pen.paint(area, |across, down| rgb(across, down, |i| f64::from(column[i] - low) / range, 16.0));
        }
    })
}
