//! A little SVG: lines, boxes and text, in the colours of both themes.

use std::fmt::Write;

/// The colours, by the name of their class: in a light theme and in a dark one. Class `a` fills, class `la` draws a line.
const COLOURS: [(&str, &str, &str); 8] = [
    ("ink", "#1f2328", "#e6edf3"),
    ("soft", "#59636e", "#9da7b1"),
    ("grid", "#d1d9e0", "#59626d"),
    ("box", "#f6f8fa", "#1c2128"),
    ("a", "#0969da", "#58a6ff"),
    ("b", "#bc4c00", "#f0883e"),
    ("c", "#1a7f37", "#3fb950"),
    ("d", "#8250df", "#bc8cff"),
];

/// The style sheet: one rule per class, then the same for dark themes. checks/tests/derivation.rs reads it.
fn style() -> String {
    let rules = |dark: bool| {
        let rule = |(name, light, night): &(&str, &str, &str)| {
            let colour = if dark { night } else { light };
            format!(".{name}{{fill:{colour}}}.l{name}{{stroke:{colour}}}")
        };
        COLOURS.iter().map(rule).collect::<String>()
    };
    format!("{}@media(prefers-color-scheme:dark){{{}}}", rules(false), rules(true))
}

/// A coordinate, to a tenth of a pixel.
pub fn px(x: f64) -> String {
    let text = format!("{:.1}", x + 0.0);
    text.strip_suffix(".0").map_or(text.clone(), |whole| if whole == "-0" { "0".into() } else { whole.into() })
}

/// A number with this many digits after the point, and a real minus.
pub fn number(x: f64, digits: usize) -> String {
    let text = format!("{x:.digits$}");
    let zero = text.chars().all(|c| "-0.".contains(c));
    if zero { text.trim_start_matches('-').into() } else { text.replace('-', "−") }
}

/// Where a text is anchored.
#[derive(Clone, Copy)]
pub enum At {
    Start,
    Middle,
    End,
}

pub struct Svg {
    size: (f64, f64),
    title: &'static str,
    body: String,
}

impl Svg {
    pub fn new(width: f64, height: f64, title: &'static str) -> Self {
        Self { size: (width, height), title, body: String::new() }
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        self.body.write_fmt(element).unwrap();
        self.body.push('\n');
    }

    /// A line through the points. `class` is the name of a colour, `width` its width.
    pub fn line(&mut self, class: &str, width: f64, points: &[(f64, f64)]) {
        let path = path(points);
        self.push(format_args!("<path class=\"l{class}\" stroke-width=\"{width}\" d=\"{path}\"/>"));
    }

    pub fn dashed(&mut self, class: &str, width: f64, points: &[(f64, f64)]) {
        let path = path(points);
        self.push(format_args!(
            "<path class=\"l{class}\" stroke-width=\"{width}\" stroke-dasharray=\"5 4\" d=\"{path}\"/>"
        ));
    }

    /// A line with a head at its end.
    pub fn arrow(&mut self, class: &str, width: f64, points: &[(f64, f64)]) {
        self.line(class, width, points);
        let [.., (x0, y0), (x1, y1)] = *points else { return };
        let length = (x1 - x0).hypot(y1 - y0);
        let (u, v) = (7.0 * (x1 - x0) / length, 7.0 * (y1 - y0) / length);
        let (left, right) = ((x1 - u + v / 2.0, y1 - v - u / 2.0), (x1 - u - v / 2.0, y1 - v + u / 2.0));
        self.line(class, width, &[left, (x1, y1), right]);
    }

    /// Dots of this diameter.
    pub fn dots(&mut self, class: &str, diameter: f64, points: &[(f64, f64)]) {
        let path: String = points.iter().map(|&(x, y)| format!("M{} {}h0", px(x), px(y))).collect();
        self.push(format_args!(
            "<path class=\"l{class}\" stroke-width=\"{diameter}\" stroke-linecap=\"round\" d=\"{path}\"/>"
        ));
    }

    /// Crosses of this width.
    pub fn crosses(&mut self, class: &str, width: f64, points: &[(f64, f64)]) {
        let half = width / 2.0;
        let cross = |&(x, y): &(f64, f64)| {
            let (left, up) = (px(x - half), px(y - half));
            format!("M{left} {up}l{width} {width}M{left} {}l{width} -{width}", px(y + half))
        };
        let path: String = points.iter().map(cross).collect();
        self.push(format_args!("<path class=\"l{class}\" stroke-width=\"1.3\" d=\"{path}\"/>"));
    }

    pub fn ellipse(&mut self, class: &str, centre: (f64, f64), radii: (f64, f64)) {
        self.push(format_args!(
            "<ellipse class=\"l{class}\" cx=\"{}\" cy=\"{}\" rx=\"{}\" ry=\"{}\"/>",
            px(centre.0),
            px(centre.1),
            px(radii.0),
            px(radii.1)
        ));
    }

    /// A disc with a rim.
    pub fn disc(&mut self, rim: &str, centre: (f64, f64), radius: f64) {
        self.push(format_args!(
            "<circle class=\"box l{rim}\" stroke-width=\"1.5\" cx=\"{}\" cy=\"{}\" r=\"{radius}\"/>",
            px(centre.0),
            px(centre.1)
        ));
    }

    /// A box with a rim.
    pub fn frame(&mut self, rim: &str, corner: (f64, f64), size: (f64, f64)) {
        self.push(format_args!(
            "<rect class=\"box l{rim}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>",
            px(corner.0),
            px(corner.1),
            px(size.0),
            px(size.1)
        ));
    }

    /// A bar without a rim.
    pub fn bar(&mut self, class: &str, corner: (f64, f64), size: (f64, f64)) {
        self.push(format_args!(
            "<rect class=\"{class}\" stroke=\"none\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            px(corner.0),
            px(corner.1),
            px(size.0),
            px(size.1)
        ));
    }

    /// A text. What stands between two `$` is set in italics, like a formula.
    pub fn text(&mut self, class: &str, at: At, place: (f64, f64), text: &str) {
        self.sized(class, 14.0, at, place, text);
    }

    pub fn small(&mut self, class: &str, at: At, place: (f64, f64), text: &str) {
        self.sized(class, 12.0, at, place, text);
    }

    fn sized(&mut self, class: &str, size: f64, at: At, place: (f64, f64), text: &str) {
        let anchor = match at {
            At::Start => "start",
            At::Middle => "middle",
            At::End => "end",
        };
        let mut content = String::new();
        for (i, part) in text.split('$').enumerate() {
            let part = part.replace('&', "&amp;").replace('<', "&lt;");
            if i % 2 == 0 {
                content.push_str(&part);
            } else {
                let font = "font-family=\"Georgia,'Times New Roman',serif\" font-style=\"italic\"";
                write!(content, "<tspan {font} font-size=\"{}\">{part}</tspan>", size + 1.0).unwrap();
            }
        }
        self.push(format_args!(
            "<text class=\"{class}\" stroke=\"none\" font-size=\"{size}\" text-anchor=\"{anchor}\" x=\"{}\" y=\"{}\">{content}</text>",
            px(place.0),
            px(place.1)
        ));
    }

    /// The file.
    pub fn finish(self) -> String {
        let (width, height) = self.size;
        let head = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             fill=\"none\" font-family=\"system-ui,'Segoe UI','Noto Sans',sans-serif\">"
        );
        format!("{head}\n<title>{}</title>\n<style>{}</style>\n{}</svg>\n", self.title, style(), self.body)
    }
}

fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        let command = match i {
            0 => "M",
            1 => "L",
            _ => " ",
        };
        write!(path, "{command}{} {}", px(x), px(y)).unwrap();
    }
    path
}

/// A part of the picture with axes: from the numbers `x` and `y` to pixels.
pub struct Plot {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    pub x: (f64, f64),
    pub y: (f64, f64),
}

impl Plot {
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.left + self.width * (x - self.x.0) / (self.x.1 - self.x.0),
            self.top + self.height * (self.y.1 - y) / (self.y.1 - self.y.0),
        )
    }

    pub fn points(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        points.iter().map(|&(x, y)| self.at(x, y)).collect()
    }

    /// Lines of the grid, with their numbers below and at the left.
    pub fn grid(&self, svg: &mut Svg, x: &[(f64, &str)], y: &[(f64, &str)]) {
        for &(x, label) in x {
            svg.line("grid", 1.0, &[self.at(x, self.y.0), self.at(x, self.y.1)]);
            let (x, y) = self.at(x, self.y.0);
            svg.small("soft", At::Middle, (x, y + 16.0), label);
        }
        for &(y, label) in y {
            svg.line("grid", 1.0, &[self.at(self.x.0, y), self.at(self.x.1, y)]);
            let (x, y) = self.at(self.x.0, y);
            svg.small("soft", At::End, (x - 6.0, y + 4.0), label);
        }
    }
}
