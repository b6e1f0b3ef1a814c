//! A pen over a plotters bitmap, with antialiased shapes, text in a built-in font, and axes.
//!
//! Plotters' bitmap circles and lines have hard edges, so everything is drawn `FINE` times as large and averaged
//! down. All coordinates are in pixels of the finished picture, from its upper left corner.

use ab_glyph::{Font, FontRef, Glyph, ScaleFont, point};
use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::{BitMapBackend, DrawingArea, IntoDrawingArea, RGBColor};
use plotters::style::{Color, ShapeStyle};
use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

const FINE: usize = 3;

// Okabe and Ito's palette: eight colours that stay distinct for readers with any kind of colour vision.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub const BLACK: RGBColor = RGBColor(0, 0, 0);
pub const WHITE: RGBColor = RGBColor(255, 255, 255);
pub const INK: RGBColor = RGBColor(40, 40, 40);
pub const GREY: RGBColor = RGBColor(110, 110, 110);
pub const PALE: RGBColor = RGBColor(225, 225, 225);

/// The colour `t` of the way from `from` to `to`.
pub fn mix(from: RGBColor, to: RGBColor, t: f64) -> RGBColor {
    let channel = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * t.clamp(0.0, 1.0)).round() as u8;
    RGBColor(channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
}

/// Blue at -1, white at 0, vermilion at 1.
pub fn diverging(t: f64) -> RGBColor {
    mix(WHITE, if t < 0.0 { BLUE } else { VERMILION }, t.abs())
}

#[derive(Clone, Copy, PartialEq)]
pub enum Align {
    Left,
    Centre,
    Right,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Weight {
    Regular,
    Bold,
}

/// A rectangle of the picture.
#[derive(Clone, Copy)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

pub struct Pen<'a> {
    area: DrawingArea<BitMapBackend<'a>, Shift>,
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

/// Draws a picture of `width` by `height` pixels into `path`, makes the folders it needs, and prints the path.
pub fn picture(path: &Path, (width, height): (usize, usize), draw: impl FnOnce(&Pen)) -> Result<(), Box<dyn Error>> {
    let mut fine = vec![255; 3 * width * height * FINE * FINE];
    let size = ((width * FINE) as u32, (height * FINE) as u32);
    let pen = Pen {
        area: BitMapBackend::with_buffer(&mut fine, size).into_drawing_area(),
        regular: FontRef::try_from_slice(notosans::REGULAR_TTF).expect("a font"),
        bold: FontRef::try_from_slice(notosans::BOLD_TTF).expect("a font"),
    };
    draw(&pen);
    drop(pen);

    let mut pixels = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let sum: usize = (0..FINE * FINE)
                    .map(|i| {
                        usize::from(fine[3 * ((y * FINE + i / FINE) * width * FINE + x * FINE + i % FINE) + channel])
                    })
                    .sum();
                pixels.push(((sum + FINE * FINE / 2) / (FINE * FINE)) as u8);
            }
        }
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    write_png(path, width, height, &pixels).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("picture: {}", path.display());
    Ok(())
}

fn write_png(path: &Path, width: usize, height: usize, pixels: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    // No filter: flat colours compress better without, the file is a third smaller.
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(())
}

/// A length or position on the fine bitmap.
fn fine(x: f64) -> i32 {
    (x * FINE as f64).round() as i32
}

// Drawing into memory cannot fail: the bitmap has the size given to the backend.
const INFALLIBLE: &str = "drawing into memory";

impl Pen<'_> {
    /// A line through the points, with round joins: plotters' own joins tear at sharp turns.
    pub fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, colour: RGBColor, width: f64) {
        let points: Vec<_> = points.into_iter().map(|(x, y)| (fine(x), fine(y))).collect();
        let stroke = (width * FINE as f64).round().max(1.0) as u32;
        for pair in points.windows(2) {
            self.area.draw(&PathElement::new(pair, colour.stroke_width(stroke))).expect(INFALLIBLE);
        }
        for &join in points.iter().skip(1).take(points.len().saturating_sub(2)) {
            self.area.draw(&Circle::new(join, stroke / 2, colour.filled())).expect(INFALLIBLE);
        }
    }

    /// A dashed line; dashes and gaps are `dash` pixels long.
    pub fn dashes(&self, points: &[(f64, f64)], colour: RGBColor, width: f64, dash: f64) {
        let mut travelled = 0.0;
        let mut piece = vec![];
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let length = (x1 - x0).hypot(y1 - y0);
            let steps = length.ceil().max(1.0);
            for step in 0..steps as usize {
                let at = |k: f64| (x0 + (x1 - x0) * k / steps, y0 + (y1 - y0) * k / steps);
                if ((travelled / dash) as usize).is_multiple_of(2) {
                    if piece.is_empty() {
                        piece.push(at(step as f64));
                    }
                    piece.push(at(step as f64 + 1.0));
                } else if !piece.is_empty() {
                    self.line(std::mem::take(&mut piece), colour, width);
                }
                travelled += length / steps;
            }
        }
        if !piece.is_empty() {
            self.line(piece, colour, width);
        }
    }

    pub fn fill(&self, area: Area, colour: impl Into<ShapeStyle>) {
        let corners = [(fine(area.left), fine(area.top)), (fine(area.right), fine(area.bottom))];
        self.area.draw(&Rectangle::new(corners, colour.into().filled())).expect(INFALLIBLE);
    }

    pub fn border(&self, area: Area, colour: RGBColor, width: f64) {
        let Area { left, top, right, bottom } = area;
        let half = width / 2.0;
        for (x0, y0, x1, y1) in [
            (left - half, top - half, right + half, top + half),
            (left - half, bottom - half, right + half, bottom + half),
            (left - half, top - half, left + half, bottom + half),
            (right - half, top - half, right + half, bottom + half),
        ] {
            self.fill(Area { left: x0, top: y0, right: x1, bottom: y1 }, colour);
        }
    }

    pub fn disc(&self, (x, y): (f64, f64), radius: f64, colour: RGBColor) {
        self.area.draw(&Circle::new((fine(x), fine(y)), fine(radius) as u32, colour.filled())).expect(INFALLIBLE);
    }

    pub fn ring(&self, (x, y): (f64, f64), radius: f64, colour: RGBColor, width: f64) {
        let style = colour.stroke_width(fine(width).max(1) as u32);
        self.area.draw(&Circle::new((fine(x), fine(y)), fine(radius) as u32, style)).expect(INFALLIBLE);
    }

    /// An upright triangle around a centre.
    pub fn triangle(&self, (x, y): (f64, f64), radius: f64, colour: RGBColor) {
        let (wide, low) = (radius * 0.866, radius * 0.5);
        let corners =
            vec![(fine(x), fine(y - radius)), (fine(x - wide), fine(y + low)), (fine(x + wide), fine(y + low))];
        self.area.draw(&Polygon::new(corners, colour.filled())).expect(INFALLIBLE);
    }

    /// Fills an area with the colour at each point: across and down, each from 0 to 1.
    pub fn paint(&self, area: Area, colour: impl Fn(f64, f64) -> RGBColor) {
        // Whole pixels of the finished picture, so that smooth colours stay smooth and the file small.
        let (left, top) = (area.left.round() as i32, area.top.round() as i32);
        let (right, bottom) = (area.right.round() as i32, area.bottom.round() as i32);
        for y in top..bottom {
            for x in left..right {
                let across = (f64::from(x) + 0.5 - area.left) / (area.right - area.left);
                let down = (f64::from(y) + 0.5 - area.top) / (area.bottom - area.top);
                let (x, y) = (f64::from(x), f64::from(y));
                self.fill(Area { left: x, top: y, right: x + 1.0, bottom: y + 1.0 }, colour(across, down));
            }
        }
    }

    pub fn width(&self, text: &str, em: f64, weight: Weight) -> f64 {
        let (_, end) = self.glyphs(text, em, weight);
        f64::from(end) / FINE as f64
    }

    /// Text whose baseline lies at `y`, `em` pixels high.
    pub fn text(&self, text: &str, (x, y): (f64, f64), align: Align, em: f64, weight: Weight, colour: RGBColor) {
        let (x, y) = (fine(x - self.offset(text, align, em, weight)), fine(y));
        self.ink(text, em, weight, colour, |along, down| (x + along, y + down));
    }

    /// Text that runs upwards, centred on `y`, its baseline at `x`.
    pub fn text_up(&self, text: &str, (x, y): (f64, f64), em: f64, colour: RGBColor) {
        let (x, y) = (fine(x), fine(y + self.offset(text, Align::Centre, em, Weight::Regular)));
        self.ink(text, em, Weight::Regular, colour, |along, down| (x + down, y - along));
    }

    fn offset(&self, text: &str, align: Align, em: f64, weight: Weight) -> f64 {
        match align {
            Align::Left => 0.0,
            Align::Centre => self.width(text, em, weight) / 2.0,
            Align::Right => self.width(text, em, weight),
        }
    }

    // Plotters' text omits the space on the left of each letter, which tears words apart.
    fn ink(&self, text: &str, em: f64, weight: Weight, colour: RGBColor, place: impl Fn(i32, i32) -> (i32, i32)) {
        let (glyphs, _) = self.glyphs(text, em, weight);
        for glyph in glyphs {
            let Some(outline) = self.font(weight).outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|x, y, cover| {
                let at = place(corner.x as i32 + x as i32, corner.y as i32 + y as i32);
                self.area.draw_pixel(at, &colour.mix(f64::from(cover))).expect(INFALLIBLE);
            });
        }
    }

    /// The positioned letters along a baseline on the fine bitmap, and where the last one ends.
    fn glyphs(&self, text: &str, em: f64, weight: Weight) -> (Vec<Glyph>, f32) {
        // The height of Noto Sans, from its highest to its lowest letter, is 1.362 em.
        let font = self.font(weight).as_scaled((em * 1.362 * FINE as f64) as f32);
        let (mut x, mut last, mut glyphs) = (0.0, None, vec![]);
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            x += last.map_or(0.0, |last| font.kern(last, id));
            glyphs.push(id.with_scale_and_position(font.scale(), point(x, 0.0)));
            x += font.h_advance(id);
            last = Some(id);
        }
        (glyphs, x)
    }

    fn font(&self, weight: Weight) -> &FontRef<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

/// The mark of a series in a legend.
#[derive(Clone, Copy)]
pub enum Mark {
    Disc(RGBColor),
    Triangle(RGBColor),
    Ring,
    Line(RGBColor),
    Dashes(RGBColor),
    Band(RGBColor),
}

impl Pen<'_> {
    /// The title and, in one row below, the legend. Both are above the data and cover none.
    pub fn heading(&self, left: f64, title: &str, legend: &[(Mark, &str)]) {
        self.text(title, (left, 32.0), Align::Left, TITLE, Weight::Bold, INK);
        let (mut x, y) = (left, 62.0);
        for (mark, name) in legend {
            let (start, end, middle) = (x, x + 26.0, y - 6.0);
            match *mark {
                Mark::Disc(colour) => self.disc((x + 10.0, middle), 6.0, colour),
                Mark::Triangle(colour) => self.triangle((x + 10.0, middle + 1.0), 8.0, colour),
                Mark::Ring => self.ring((x + 10.0, middle), 7.5, BLACK, 2.0),
                Mark::Line(colour) => self.line([(start, middle), (end, middle)], colour, 3.0),
                Mark::Dashes(colour) => self.dashes(&[(start, middle), (end, middle)], colour, 3.0, 5.5),
                Mark::Band(colour) => {
                    let area = Area { left: start, top: middle - 8.0, right: end, bottom: middle + 8.0 };
                    self.fill(area, colour);
                    self.border(area, GREY, 1.0);
                }
            }
            x += if matches!(mark, Mark::Disc(_) | Mark::Triangle(_) | Mark::Ring) { 24.0 } else { 33.0 };
            self.text(name, (x, y), Align::Left, TEXT, Weight::Regular, INK);
            x += self.width(name, TEXT, Weight::Regular) + 26.0;
        }
    }

    /// A vertical colour bar from `low` at the bottom to `high` at the top, with labels.
    pub fn colour_bar(&self, area: Area, label: &str, ticks: &[(f64, String)], colour: impl Fn(f64) -> RGBColor) {
        self.paint(area, |_, down| colour(1.0 - down));
        self.border(area, GREY, 1.0);
        for (t, text) in ticks {
            let y = area.bottom + (area.top - area.bottom) * t;
            self.line([(area.right, y), (area.right + 5.0, y)], GREY, 1.0);
            self.text(text, (area.right + 9.0, y + 6.0), Align::Left, TICK, Weight::Regular, INK);
        }
        self.text_up(label, (area.left - 8.0, (area.top + area.bottom) / 2.0), TEXT, INK);
    }
}

pub const TITLE: f64 = 22.0;
pub const TEXT: f64 = 18.0;
pub const TICK: f64 = 17.0;

/// One axis of a chart.
#[derive(Clone, Debug)]
pub struct Axis {
    label: String,
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    pub fn linear(label: &str, low: f64, high: f64) -> Axis {
        Axis { label: label.to_string(), low, high: if high > low { high } else { low + 1.0 }, log: false }
    }

    /// A logarithmic axis, from just below `low` to just above `high`.
    pub fn log(label: &str, low: f64, high: f64) -> Axis {
        let low = low.max(f64::MIN_POSITIVE);
        Axis { label: label.to_string(), low: low / 1.15, high: high.max(low) * 1.15, log: true }
    }

    /// The position of a value: 0 at the low end, 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        match self.log {
            true => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        }
    }

    /// The value at a position of a linear axis.
    pub fn value(&self, place: f64) -> f64 {
        self.low + (self.high - self.low) * place
    }

    /// On a linear axis, steps of 1, 2 or 5 times a power of ten, at most `most` of them. On a logarithmic axis, the
    /// powers of ten, with 2 and 5 times these if there are few. A very short logarithmic axis has linear steps.
    fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        if self.log {
            let decades = (self.high / self.low).log10();
            let between: &[f64] = if decades < 2.2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let ticks: Vec<_> = powers
                .flat_map(|power| between.iter().map(move |step| (step * 10f64.powi(power), power)))
                .filter(|(value, _)| (self.low..=self.high).contains(value))
                .map(|(value, power)| (value, number(value, (-power).max(0) as usize)))
                .collect();
            if ticks.len() > 1 {
                return ticks;
            }
        }
        let rough = (self.high - self.low) / most as f64;
        let power = rough.log10().floor();
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * 10f64.powf(power)).into_iter().find(|step| *step >= rough);
        let step = step.expect("ten times the power is above it");
        let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
        let (first, last) = ((self.low / step - 1e-9).ceil() as i64, (self.high / step + 1e-9).floor() as i64);
        (first..=last).map(|k| (k as f64 * step, number(k as f64 * step, decimals))).collect()
    }
}

/// A number for a reader: with a real minus sign and thousands separators.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    format!("{sign}{grouped}{rest}")
}

/// Two axes around an area.
pub struct Chart {
    pub area: Area,
    pub x: Axis,
    pub y: Axis,
}

impl Chart {
    /// The position of a data point in the picture.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let Area { left, top, right, bottom } = self.area;
        (left + (right - left) * self.x.place(x), bottom + (top - bottom) * self.y.place(y))
    }

    /// Grid, ticks, numbers and labels. Turn `grid` off over a picture.
    pub fn axes(&self, pen: &Pen, grid: bool) {
        let Area { left, top, right, bottom } = self.area;
        let x_ticks = self.x.ticks(((right - left) / 75.0) as usize);
        let y_ticks = self.y.ticks(((bottom - top) / 50.0) as usize);
        for (value, text) in &x_ticks {
            let (x, _) = self.at(*value, 0.0);
            if grid {
                pen.line([(x, top), (x, bottom)], PALE, 1.0);
            }
            pen.line([(x, bottom), (x, bottom + 6.0)], GREY, 1.0);
            pen.text(text, (x, bottom + 24.0), Align::Centre, TICK, Weight::Regular, INK);
        }
        for (value, text) in &y_ticks {
            let y = bottom + (top - bottom) * self.y.place(*value);
            if grid {
                pen.line([(left, y), (right, y)], PALE, 1.0);
            }
            pen.line([(left - 6.0, y), (left, y)], GREY, 1.0);
            pen.text(text, (left - 11.0, y + 6.0), Align::Right, TICK, Weight::Regular, INK);
        }
        pen.border(self.area, GREY, 1.0);
        pen.text(&self.x.label, ((left + right) / 2.0, bottom + 52.0), Align::Centre, TEXT, Weight::Regular, INK);
        let widest = y_ticks.iter().map(|(_, text)| pen.width(text, TICK, Weight::Regular)).fold(0.0, f64::max);
        pen.text_up(&self.y.label, (left - widest - 24.0, (top + bottom) / 2.0), TEXT, INK);
    }
}
