//! What each figure shows.

use crate::svg::{At, Plot, Svg, number};
use chainrule::ndarray::{Array1, Array2, array};
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{
    Activation, Adam, ChaCha8Rng, Dataset, Layer, Loss, Network, Optimizer, Sgd, Trainer, Workspace, accuracy,
};

/// Each figure: the name of its file, and the file.
pub fn all() -> Vec<(&'static str, String)> {
    vec![
        ("neuron", neuron()),
        ("network", network()),
        ("circuit", circuit()),
        ("activations", activations()),
        ("relatives", relatives()),
        ("softmax", softmax()),
        ("momentum", momentum()),
        ("adam", adam()),
        ("moons", moons()),
        ("saturation", saturation()),
        ("gradient-check", gradient_check()),
    ]
}

type Points = Vec<(f64, f64)>;

/// One layer as a network.
fn single(weights: Array2<f64>, bias: Array1<f64>, activation: Activation) -> Network<f64> {
    Network::from_layers(vec![Layer::new(weights, bias, activation).unwrap()]).unwrap()
}

/// The values of an activation at some z, and its slopes there.
fn with_slopes(activation: Activation, z: &[f64]) -> (Points, Points) {
    let unit = single(array![[1.0]], array![0.0], activation);
    let x = Array2::from_shape_vec((z.len(), 1), z.to_vec()).unwrap();
    let mut pass = Workspace::new(&unit, z.len());
    unit.forward(x.view(), &mut pass).unwrap();
    // With L = the mean of a, dz is f′(z)/n.
    let mean = Loss::Custom { name: "mean", value: |a, _| a, slope: |_, _| 1.0 };
    unit.backward(x.view(), x.view(), mean, &mut pass).unwrap();
    let pair = |column: chainrule::ndarray::ArrayView2<'_, f64>, factor: f64| {
        z.iter().zip(column).map(|(z, value)| (*z, factor * value)).collect()
    };
    (pair(pass.a(0), 1.0), pair(pass.dz(0), z.len() as f64))
}

/// From `low` to `high` in equal steps.
fn range(low: f64, high: f64, steps: usize) -> Vec<f64> {
    (0..=steps).map(|i| low + (high - low) * i as f64 / steps as f64).collect()
}

/// The neuron of chapter 1, with the numbers of its step.
fn neuron() -> String {
    let (x, w, b) = ([1.0, 2.0], [0.5, -0.25], 0.1);
    let unit = single(array![[w[0]], [w[1]]], array![b], Activation::Sigmoid);
    let mut pass = Workspace::new(&unit, 1);
    unit.forward(array![x].view(), &mut pass).unwrap();
    let (z, a) = (pass.z(0)[[0, 0]], pass.a(0)[[0, 0]]);

    let mut svg = Svg::new(560.0, 220.0, "A neuron");
    let (sum, bend) = ((300.0, 100.0), (430.0, 100.0));
    let inputs = [(45.0, 40.0, "$x₁$", "$w₁$", x[0], w[0]), (45.0, 100.0, "$x₂$", "$w₂$", x[1], w[1])];
    for (px, py, name, weight, x, w) in inputs {
        svg.arrow("ink", 1.5, &[(px + 18.0, py), (130.0, py), (sum.0 - 25.0, sum.1 + (py - sum.1) * 0.2)]);
        svg.disc("ink", (px, py), 18.0);
        svg.text("ink", At::Middle, (px, py + 5.0), name);
        svg.text("a", At::Start, (px + 24.0, py - 6.0), &number(x, 0));
        svg.text("ink", At::Start, (132.0, py - 12.0), &format!("× {weight}"));
        svg.text("a", At::Start, (172.0, py - 12.0), &number(w, 2));
    }
    svg.arrow("ink", 1.5, &[(63.0, 160.0), (130.0, 160.0), (sum.0 - 25.0, sum.1 + 12.0)]);
    svg.disc("soft", (45.0, 160.0), 18.0);
    svg.text("soft", At::Middle, (45.0, 165.0), "1");
    svg.text("ink", At::Start, (132.0, 180.0), "× $b$");
    svg.text("a", At::Start, (172.0, 180.0), &number(b, 1));
    svg.disc("ink", sum, 24.0);
    svg.text("ink", At::Middle, (sum.0, sum.1 + 5.0), "sum");
    svg.arrow("ink", 1.5, &[(sum.0 + 24.0, sum.1), (bend.0 - 32.0, bend.1)]);
    svg.text("ink", At::Middle, (364.0, 88.0), "$z$");
    svg.text("a", At::Middle, (364.0, 122.0), &number(z, 1));
    svg.frame("ink", (bend.0 - 30.0, bend.1 - 28.0), (60.0, 56.0));
    let curve =
        Plot { left: bend.0 - 24.0, top: bend.1 - 20.0, width: 48.0, height: 40.0, x: (-6.0, 6.0), y: (0.0, 1.0) };
    svg.line("grid", 1.0, &[curve.at(0.0, 0.0), curve.at(0.0, 1.0)]);
    let (values, _) = with_slopes(Activation::Sigmoid, &range(-6.0, 6.0, 40));
    svg.line("a", 2.0, &curve.points(&values));
    svg.arrow("ink", 1.5, &[(bend.0 + 30.0, bend.1), (540.0, bend.1)]);
    svg.text("ink", At::Middle, (500.0, 88.0), "$a$");
    svg.text("a", At::Middle, (500.0, 122.0), &number(a, 6));
    svg.small("soft", At::Middle, (45.0, 208.0), "inputs");
    svg.small("soft", At::Middle, (172.0, 208.0), "weights and bias");
    svg.small("soft", At::Middle, (sum.0, 150.0), "$z$ = Σ $xᵢwᵢ$ + $b$");
    svg.small("soft", At::Middle, (bend.0, 150.0), "$a$ = $f$($z$)");
    svg.finish()
}

/// The letters of chapter 2, on a 2-3-2 network.
fn network() -> String {
    let mut svg = Svg::new(640.0, 345.0, "A network with its letters");
    let columns: [(f64, &[f64]); 3] =
        [(90.0, &[110.0, 210.0]), (290.0, &[60.0, 160.0, 260.0]), (490.0, &[110.0, 210.0])];
    for pair in columns.windows(2) {
        for &from in pair[0].1 {
            for &to in pair[1].1 {
                svg.line("soft", 1.0, &[(pair[0].0 + 28.0, from), (pair[1].0 - 28.0, to)]);
            }
        }
    }
    // One input, and its fork.
    for to in columns[1].1 {
        svg.arrow("a", 2.5, &[(118.0, 110.0), (260.0, *to)]);
    }
    for (l, (x, ys)) in columns.iter().enumerate() {
        for (i, y) in ys.iter().enumerate() {
            let chosen = (l == 0 && i == 0) || (l == 1 && i == 1);
            svg.disc(if chosen { "a" } else { "ink" }, (*x, *y), 28.0);
        }
    }
    svg.text("ink", At::Middle, (90.0, 115.0), "$xᵢ$");
    svg.text("ink", At::Middle, (290.0, 165.0), "$zⱼ$ → $aⱼ$");
    svg.text("a", At::Middle, (222.0, 136.0), "$wᵢⱼ$");
    svg.text("ink", At::Middle, (290.0, 206.0), "+ $bⱼ$");
    for y in [110.0, 210.0] {
        svg.arrow("ink", 1.5, &[(518.0, y), (575.0, 160.0 + (y - 160.0) * 0.16)]);
    }
    svg.text("ink", At::Middle, (592.0, 165.0), "$L$");
    svg.text("ink", At::Middle, (90.0, 22.0), "inputs");
    svg.text("ink", At::Middle, (290.0, 22.0), "layer 0");
    svg.text("ink", At::Middle, (490.0, 22.0), "layer 1");
    svg.text("ink", At::Middle, (592.0, 22.0), "loss");
    svg.arrow("a", 1.5, &[(90.0, 312.0), (290.0, 312.0)]);
    svg.text("a", At::Start, (298.0, 317.0), "forward: $x$, then $z$ and $a$ of each layer, then $L$");
    svg.arrow("b", 1.5, &[(290.0, 334.0), (90.0, 334.0)]);
    svg.text("b", At::Start, (298.0, 339.0), "backward: $da$, $dz$, then $dw$ and $db$ of each layer");
    svg.finish()
}

/// Chapter 4's network and its first example, gate by gate.
fn circuit() -> String {
    let (w0, b0, w1, b1) = ([[0.5, -1.0], [0.25, 0.5]], [0.0, 0.5], [1.0, -2.0], 1.0);
    let network = Network::from_layers(vec![
        Layer::new(array![w0[0], w0[1]], array![b0[0], b0[1]], Activation::Sigmoid).unwrap(),
        Layer::new(array![[w1[0]], [w1[1]]], array![b1], Activation::Sigmoid).unwrap(),
    ])
    .unwrap();
    let (x, y) = (array![[1.0, 2.0], [2.0, -1.0]], array![[1.0], [0.0]]);
    let mut pass = Workspace::new(&network, 2);
    network.forward(x.view(), &mut pass).unwrap();
    network.backward(x.view(), y.view(), Loss::BinaryCrossEntropy, &mut pass).unwrap();
    let (z0, a0, dz0) = (pass.z(0), pass.a(0), pass.dz(0));
    let (z1, a1, dz1) = (pass.z(1)[[0, 0]], pass.a(1)[[0, 0]], pass.dz(1)[[0, 0]]);

    let mut svg = Svg::new(850.0, 450.0, "The circuit of one training example");
    // The wires: the value above, the gradient below.
    let label = |svg: &mut Svg, (x, y): (f64, f64), value: f64, gradient: f64| {
        svg.small("a", At::Middle, (x, y - 6.0), &number(value, 3));
        svg.small("b", At::Middle, (x, y + 15.0), &number(gradient, 3));
    };
    let gate = |svg: &mut Svg, (x, y): (f64, f64), name: &str| {
        svg.disc("ink", (x, y), 15.0);
        svg.text("ink", At::Middle, (x, y + 5.0), name);
    };
    // A parameter above its gate.
    let parameter = |svg: &mut Svg, (x, y): (f64, f64), name: &str, value: f64, gradient: f64| {
        svg.line("soft", 1.0, &[(x, y - 30.0), (x, y - 15.0)]);
        svg.small("ink", At::End, (x - 28.0, y - 36.0), name);
        svg.small("a", At::Middle, (x - 2.0, y - 36.0), &number(value, 2));
        svg.small("b", At::Start, (x + 24.0, y - 36.0), &number(gradient, 3));
    };
    let (products, sums, bends) = (180.0, 310.0, 392.0);
    let names = [["$w₁₁$", "$w₁₂$"], ["$w₂₁$", "$w₂₂$"]];
    let ys = [130.0, 340.0]; // of the two neurons
    for j in 0..2 {
        let dz = dz0[[0, j]];
        for i in 0..2 {
            let y = ys[j] + [-50.0, 25.0][i];
            let from = [130.0, 340.0][i];
            svg.line("soft", 1.0, &[(52.0, from), (100.0, y), (products - 15.0, y)]);
            label(&mut svg, (132.0, y), x[[0, i]], w0[i][j] * dz);
            parameter(&mut svg, (products, y), names[i][j], w0[i][j], x[[0, i]] * dz);
            svg.line("soft", 1.0, &[(products + 15.0, y), (252.0, y), (sums - 12.0, ys[j] + [-9.0, 4.0][i])]);
            label(&mut svg, (225.0, y), x[[0, i]] * w0[i][j], dz);
            gate(&mut svg, (products, y), "×");
        }
        let y = ys[j] + 75.0;
        svg.line("soft", 1.0, &[(200.0, y), (262.0, y), (sums - 8.0, ys[j] + 13.0)]);
        svg.small("ink", At::End, (196.0, y + 4.0), ["$b₁$", "$b₂$"][j]);
        label(&mut svg, (230.0, y), b0[j], dz);
        svg.line("soft", 1.0, &[(sums + 15.0, ys[j]), (bends - 15.0, ys[j])]);
        label(&mut svg, (351.0, ys[j]), z0[[0, j]], dz);
        gate(&mut svg, (sums, ys[j]), "+");
        // The output neuron.
        let y = [160.0, 310.0][j];
        svg.line("soft", 1.0, &[(bends + 15.0, ys[j]), (450.0, ys[j]), (470.0, y), (500.0, y)]);
        label(&mut svg, (430.0, ys[j]), a0[[0, j]], w1[j] * dz1);
        gate(&mut svg, (bends, ys[j]), "σ");
        parameter(&mut svg, (515.0, y), ["$w₁$", "$w₂$"][j], w1[j], a0[[0, j]] * dz1);
        svg.line("soft", 1.0, &[(530.0, y), (585.0, y), (615.0, 235.0 + [-14.0, 14.0][j])]);
        label(&mut svg, (560.0, y), a0[[0, j]] * w1[j], dz1);
        gate(&mut svg, (515.0, y), "×");
    }
    for (i, y) in [130.0, 340.0].iter().enumerate() {
        svg.disc("ink", (36.0, *y), 16.0);
        svg.text("ink", At::Middle, (36.0, y + 5.0), ["$x₁$", "$x₂$"][i]);
    }
    svg.line("soft", 1.0, &[(530.0, 235.0), (605.0, 235.0)]);
    svg.small("ink", At::End, (526.0, 239.0), "$b$");
    label(&mut svg, (560.0, 235.0), b1, dz1);
    svg.line("soft", 1.0, &[(620.0, 235.0), (790.0, 235.0)]);
    gate(&mut svg, (620.0, 235.0), "+");
    label(&mut svg, (658.0, 235.0), z1, dz1);
    gate(&mut svg, (696.0, 235.0), "σ");
    label(&mut svg, (737.0, 235.0), a1, -0.5 / a1);
    svg.frame("ink", (767.0, 220.0), (36.0, 30.0));
    svg.small("ink", At::Middle, (785.0, 239.0), "−ln");
    svg.line("soft", 1.0, &[(803.0, 235.0), (845.0, 235.0)]);
    label(&mut svg, (825.0, 235.0), -a1.ln(), 0.5);
    svg.small("a", At::Start, (590.0, 404.0), "above a wire: the value, forward");
    svg.small("b", At::Start, (590.0, 424.0), "below a wire: the gradient, backward");
    svg.finish()
}

/// The first activations with their slopes.
fn activations() -> String {
    let panels = [
        (Activation::Identity, "identity"),
        (Activation::Sigmoid, "sigmoid"),
        (Activation::Tanh, "tanh"),
        (Activation::Relu, "ReLU"),
    ];
    with_their_slopes("Four activations and their slopes", &panels)
}

/// Those that follow ReLU on the right.
fn relatives() -> String {
    let panels = [
        (Activation::LeakyRelu, "leaky ReLU"),
        (Activation::Elu, "ELU"),
        (Activation::Softplus, "softplus"),
        (Activation::Silu, "SiLU"),
        (Activation::Gelu, "GELU"),
    ];
    with_their_slopes("Five relatives of ReLU and their slopes", &panels)
}

/// Two panels to a row, and the legend below.
fn with_their_slopes(title: &'static str, panels: &[(Activation, &str)]) -> String {
    let below = 215.0 * panels.len().div_ceil(2) as f64;
    let mut svg = Svg::new(620.0, below + 30.0, title);
    for (i, &(activation, name)) in panels.iter().enumerate() {
        let plot = Plot {
            left: 44.0 + 305.0 * (i % 2) as f64,
            top: 34.0 + 215.0 * (i / 2) as f64,
            width: 255.0,
            height: 140.0,
            x: (-4.0, 4.0),
            y: (-1.25, 2.25),
        };
        let marks = [(-4.0, "−4"), (-2.0, "−2"), (0.0, "0"), (2.0, "2"), (4.0, "4")];
        plot.grid(&mut svg, &marks, &[(-1.0, "−1"), (0.0, "0"), (1.0, "1"), (2.0, "2")]);
        svg.text("ink", At::Middle, (plot.left + 127.0, plot.top - 12.0), name);
        let (values, slopes) = with_slopes(activation, &range(-4.0, 4.0, 160));
        let visible: Vec<_> = values.into_iter().filter(|(_, a)| (plot.y.0..=plot.y.1).contains(a)).collect();
        svg.line("a", 2.5, &plot.points(&visible));
        // A jump is no line.
        let gap = slopes.windows(2).position(|pair| (pair[1].1 - pair[0].1).abs() > 0.5);
        let (left, right) = slopes.split_at(gap.map_or(0, |at| at + 1));
        for part in [left, right].into_iter().filter(|part| !part.is_empty()) {
            svg.dashed("b", 2.0, &plot.points(part));
        }
    }
    svg.line("a", 2.5, &[(190.0, below + 16.0), (225.0, below + 16.0)]);
    svg.text("ink", At::Start, (232.0, below + 21.0), "$a$ = $f$($z$)");
    svg.dashed("b", 2.0, &[(340.0, below + 16.0), (375.0, below + 16.0)]);
    svg.text("ink", At::Start, (382.0, below + 21.0), "its slope $f$′($z$)");
    svg.finish()
}

/// A softmax row as its pre-activations grow.
fn softmax() -> String {
    let mut svg = Svg::new(620.0, 215.0, "Softmax sharpens as its inputs grow");
    let layer = single(Array2::eye(3), Array1::zeros(3), Activation::Softmax);
    for (i, (factor, label)) in [(0.0, "0"), (0.5, "½"), (1.0, "1"), (2.0, "2"), (4.0, "4")].into_iter().enumerate() {
        let a = layer.predict(array![[factor * 2.0, factor * 1.0, 0.0]].view()).unwrap();
        let plot = Plot {
            left: 20.0 + 120.0 * i as f64,
            top: 24.0,
            width: 100.0,
            height: 130.0,
            x: (0.0, 3.0),
            y: (0.0, 1.0),
        };
        svg.line("soft", 1.0, &[plot.at(0.0, 0.0), plot.at(3.0, 0.0)]);
        for (j, class) in ["a", "b", "c"].iter().enumerate() {
            let a = a[[0, j]];
            let (x, y) = plot.at(j as f64 + 0.1, a);
            svg.bar(class, (x, y), (26.0, plot.height * a));
            svg.small("ink", At::Middle, (x + 13.0, y - 5.0), &number(a, 2));
        }
        let z = [2.0, 1.0, 0.0].map(|z| number(factor * z, usize::from(factor == 0.5 && z == 1.0)));
        svg.small("ink", At::Middle, (plot.left + 50.0, 174.0), &format!("$z$ = ({})", z.join(", ")));
        svg.small("soft", At::Middle, (plot.left + 50.0, 196.0), &format!("{label} · (2, 1, 0)"));
    }
    svg.finish()
}

/// Plain descent and momentum in one valley.
fn momentum() -> String {
    let (plain, with) = (Sgd::new(0.9), Sgd::new(0.9).momentum(0.5));
    valley(
        "Descent in a valley, without and with momentum",
        [("without momentum", Box::new(plain)), ("with momentum 0.5", Box::new(with))],
    )
}

/// Momentum and Adam in the same valley.
fn adam() -> String {
    let (momentum, adam) = (Sgd::new(0.9).momentum(0.5), Adam::new(0.4));
    valley(
        "Descent in a valley, with momentum and with Adam",
        [("momentum 0.5, rate 0.9", Box::new(momentum)), ("Adam, rate 0.4", Box::new(adam))],
    )
}

fn valley(title: &'static str, runs: [(&str, Box<dyn Optimizer<f64>>); 2]) -> String {
    let mut svg = Svg::new(620.0, 455.0, title);
    // The cost is w₁² + w₂²/20.
    let flat = 0.05_f64.sqrt();
    let x = array![[1.0, flat], [1.0, -flat], [-1.0, flat], [-1.0, -flat]];
    let y = Array2::zeros((4, 1));
    for (i, (title, mut optimizer)) in runs.into_iter().enumerate() {
        let mut network = single(array![[1.0], [4.5]], array![0.0], Activation::Identity);
        let mut pass = Workspace::new(&network, 4);
        let mut path = vec![(4.5, 1.0)];
        for _ in 0..20 {
            network.forward(x.view(), &mut pass).unwrap();
            network.backward(x.view(), y.view(), Loss::MeanSquaredError, &mut pass).unwrap();
            optimizer.step(&mut network, pass.gradients()).unwrap();
            let weights = &network.layers()[0].affine.weights;
            path.push((weights[[1, 0]], weights[[0, 0]]));
        }
        let cost = network.cost(x.view(), y.view(), Loss::MeanSquaredError).unwrap();
        let plot = Plot {
            left: 46.0,
            top: 28.0 + 230.0 * i as f64,
            width: 560.0,
            height: 170.0,
            x: (-1.2, 5.0),
            y: (-1.1, 1.1),
        };
        let unit = (plot.width / 6.2, plot.height / 2.2);
        for level in [0.01_f64, 0.05, 0.15, 0.35, 0.7] {
            let (rx, ry) = ((level / 0.05).sqrt(), level.sqrt());
            let clipped = |t: f64| (rx * t.cos(), ry * t.sin());
            let ring: Vec<_> = range(0.0, std::f64::consts::TAU, 120).into_iter().map(clipped).collect();
            if rx < 1.2 {
                svg.ellipse("grid", plot.at(0.0, 0.0), (rx * unit.0, ry * unit.1));
            } else {
                // Only what lies within the frame, starting at the upper left.
                let from = ring.len() / 2;
                let turned: Vec<_> = ring[from..].iter().chain(&ring[1..from]).copied().collect();
                let inside: Vec<_> = turned.into_iter().filter(|p| p.0 >= plot.x.0).collect();
                svg.line("grid", 1.0, &plot.points(&inside));
            }
        }
        svg.line("soft", 1.0, &[plot.at(-1.2, 0.0), plot.at(5.0, 0.0)]);
        let class = ["b", "a"][i];
        svg.line(class, 1.5, &plot.points(&path));
        svg.dots(class, 6.0, &plot.points(&path));
        svg.crosses("ink", 9.0, &[plot.at(0.0, 0.0)]);
        let title = format!("{title}: after 20 steps the cost is {}", number(cost, 6));
        svg.text("ink", At::Start, (46.0, plot.top - 10.0), &title);
        svg.text("soft", At::Middle, (22.0, plot.top + 90.0), "$w₁$");
        svg.text("soft", At::Middle, (plot.left + 280.0, plot.top + 188.0), "$w₂$");
        let (x, y) = plot.at(4.5, 1.0);
        svg.small("soft", At::Start, (x + 8.0, y + 4.0), "start");
    }
    svg.finish()
}

/// The line between two classes: where the first output is ½, on a grid of squares, as short strokes.
fn boundary(plot: &Plot, p: &Array2<f64>, xs: &[f64], ys: &[f64]) -> Vec<[(f64, f64); 2]> {
    let mut strokes = Vec::new();
    for i in 1..xs.len() {
        for j in 1..ys.len() {
            let corners = [(i - 1, j - 1), (i, j - 1), (i, j), (i - 1, j)];
            let mut cuts = Vec::new();
            for (k, &(i0, j0)) in corners.iter().enumerate() {
                let (i1, j1) = corners[(k + 1) % 4];
                let (from, to) = (p[[i0, j0]] - 0.5, p[[i1, j1]] - 0.5);
                if (from < 0.0) != (to < 0.0) {
                    let t = from / (from - to);
                    cuts.push(plot.at(xs[i0] + t * (xs[i1] - xs[i0]), ys[j0] + t * (ys[j1] - ys[j0])));
                }
            }
            strokes.extend(cuts.chunks_exact(2).map(|cut| [cut[0], cut[1]]));
        }
    }
    strokes
}

/// Joins strokes that share an end.
fn joined(mut strokes: Vec<[(f64, f64); 2]>) -> Vec<Points> {
    let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1) < 1e-6;
    let mut lines = Vec::new();
    while let Some([from, to]) = strokes.pop() {
        let mut line = vec![from, to];
        for _ in 0..2 {
            while let Some(at) =
                strokes.iter().position(|s| near(s[0], line[line.len() - 1]) || near(s[1], line[line.len() - 1]))
            {
                let [a, b] = strokes.swap_remove(at);
                let end = line[line.len() - 1];
                line.push(if near(a, end) { b } else { a });
            }
            line.reverse();
        }
        lines.push(line);
    }
    lines
}

/// The moons, and the boundary of the network as it learns.
fn moons() -> String {
    let mut svg = Svg::new(620.0, 500.0, "The boundary between two moons, over the epochs");
    for (i, epochs) in [0, 1, 5, 20].into_iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let data = Dataset::<f64>::moons(400, 0.1, &mut rng).unwrap();
        let mut network =
            Network::builder(2).layer(8, Activation::Tanh).layer(2, Activation::Softmax).build(&mut rng).unwrap();
        if epochs > 0 {
            let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.5)).epochs(epochs).batch_size(20);
            trainer.fit(&mut network, &data, &mut rng).unwrap();
        }
        let right = accuracy(&network.classify(data.inputs()).unwrap().to_vec(), data.labels().unwrap()).unwrap();
        let plot = Plot {
            left: 10.0 + 305.0 * (i % 2) as f64,
            top: 30.0 + 250.0 * (i / 2) as f64,
            width: 295.0,
            height: 210.0,
            x: (-1.5, 2.5),
            y: (-1.1, 1.6),
        };
        svg.frame("grid", (plot.left, plot.top), (plot.width, plot.height));
        for class in 0..2 {
            let inputs = data.inputs();
            let rows = inputs.rows().into_iter().zip(data.labels().unwrap());
            let points: Vec<_> =
                rows.step_by(2).filter(|(_, label)| **label == class).map(|(x, _)| plot.at(x[0], x[1])).collect();
            if class == 0 {
                svg.dots("a", 4.5, &points);
            } else {
                svg.crosses("b", 5.0, &points);
            }
        }
        let (xs, ys) = (range(plot.x.0, plot.x.1, 80), range(plot.y.0, plot.y.1, 54));
        let grid = Array2::from_shape_fn((xs.len() * ys.len(), 2), |(k, column)| {
            if column == 0 { xs[k / ys.len()] } else { ys[k % ys.len()] }
        });
        let p = network.predict(grid.view()).unwrap().column(0).to_owned();
        let p = p.into_shape_with_order((xs.len(), ys.len())).unwrap();
        for line in joined(boundary(&plot, &p, &xs, &ys)) {
            svg.line("ink", 2.0, &line);
        }
        let name = match epochs {
            0 => "before training".into(),
            1 => "after 1 epoch".into(),
            _ => format!("after {epochs} epochs"),
        };
        let title = format!("{name}: {} % right", number(100.0 * right, 0));
        svg.text("ink", At::Middle, (plot.left + plot.width / 2.0, plot.top - 9.0), &title);
    }
    svg.finish()
}

/// A sigmoid, its slope, and where a batch lies, with scaled inputs and with inputs ten times as large.
fn saturation() -> String {
    let mut svg = Svg::new(620.0, 265.0, "Where a batch lies on a sigmoid");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_simple_fn((40, 4), || rng.random_range(-1.0..1.0));
    let weights = Array2::from_shape_simple_fn((4, 1), || rng.random_range(-1.0..1.0));
    for (i, (factor, title)) in [(1.0, "inputs from −1 to 1"), (10.0, "inputs from −10 to 10")].into_iter().enumerate()
    {
        let unit = single(weights.clone(), array![0.0], Activation::Sigmoid);
        let mut pass = Workspace::new(&unit, 40);
        unit.forward((&x * factor).view(), &mut pass).unwrap();
        let z: Vec<f64> = pass.z(0).iter().copied().collect();
        let plot = Plot {
            left: 34.0 + 305.0 * i as f64,
            top: 34.0,
            width: 270.0,
            height: 150.0,
            x: (-24.0, 24.0),
            y: (0.0, 1.0),
        };
        let marks = [(-20.0, "−20"), (-10.0, "−10"), (0.0, "0"), (10.0, "10"), (20.0, "20")];
        let heights: &[(f64, &str)] =
            if i == 0 { &[(0.0, "0"), (0.5, "½"), (1.0, "1")] } else { &[(0.0, ""), (0.5, ""), (1.0, "")] };
        plot.grid(&mut svg, &marks, heights);
        let (values, slopes) = with_slopes(Activation::Sigmoid, &range(-24.0, 24.0, 240));
        svg.line("a", 2.0, &plot.points(&values));
        svg.dashed("b", 2.0, &plot.points(&slopes));
        let (_, batch) = with_slopes(Activation::Sigmoid, &z);
        svg.dots("b", 6.0, &plot.points(&batch));
        let mean = batch.iter().map(|(_, slope)| slope).sum::<f64>() / 40.0;
        svg.text("ink", At::Middle, (plot.left + 135.0, 20.0), title);
        svg.small(
            "ink",
            At::Middle,
            (plot.left + 135.0, 220.0),
            &format!("mean slope of the batch {}", number(mean, 3)),
        );
    }
    svg.line("a", 2.0, &[(80.0, 250.0), (110.0, 250.0)]);
    svg.small("ink", At::Start, (116.0, 254.0), "the sigmoid σ($z$)");
    svg.dashed("b", 2.0, &[(250.0, 250.0), (280.0, 250.0)]);
    svg.small("ink", At::Start, (286.0, 254.0), "its slope σ′($z$)");
    svg.dots("b", 6.0, &[(410.0, 250.0)]);
    svg.small("ink", At::Start, (420.0, 254.0), "the 40 rows of a batch");
    svg.finish()
}

/// The error of the measured derivative against the length of its step.
fn gradient_check() -> String {
    // No exponential and no sum: every operation rounds the same way on every machine, so that rounding, which is what the
    // left side shows, draws the same line everywhere.
    let bend = Activation::Custom {
        name: "z/(1 + |z|)",
        f: |z| z / (1.0 + z.abs()),
        slope: |z, _| 1.0 / ((1.0 + z.abs()) * (1.0 + z.abs())),
    };
    let (x, y) = (array![[1.0]], array![[-0.5]]);
    let cost =
        |w: f64| single(array![[w]], array![0.0], bend).cost(x.view(), y.view(), Loss::MeanSquaredError).unwrap();
    let gradient = |w: f64| {
        let network = single(array![[w]], array![0.0], bend);
        let mut pass = Workspace::new(&network, 1);
        network.forward(x.view(), &mut pass).unwrap();
        network.backward(x.view(), y.view(), Loss::MeanSquaredError, &mut pass).unwrap();
        pass.gradients()[0].weights[[0, 0]]
    };
    let two = |w: f64, h: f64| (cost(w + h) - cost(w - h)) / (2.0 * h);
    let four =
        |w: f64, h: f64| (cost(w - 2.0 * h) - 8.0 * cost(w - h) + 8.0 * cost(w + h) - cost(w + 2.0 * h)) / (12.0 * h);
    let steps: Vec<f64> = (4..=40).map(|k| 0.5_f64.powi(k)).collect();
    // The largest relative error at 40 places.
    let errors = |measure: &dyn Fn(f64, f64) -> f64| -> Vec<(f64, f64)> {
        let worst = |h: f64| {
            let error = |k: i32| {
                let w = 0.5 + f64::from(k) / 40.0;
                (measure(w, h) - gradient(w)).abs() / gradient(w).abs()
            };
            (0..40).map(error).fold(0.0, f64::max)
        };
        steps.iter().map(|&h| (h.log10(), worst(h).log10())).collect()
    };
    let mut svg = Svg::new(620.0, 350.0, "The error of the gradient check against its step");
    let plot = Plot { left: 62.0, top: 20.0, width: 540.0, height: 265.0, x: (-12.2, -1.0), y: (-14.0, -1.0) };
    let powers = [(-12.0, "10⁻¹²"), (-10.0, "10⁻¹⁰"), (-8.0, "10⁻⁸"), (-6.0, "10⁻⁶"), (-4.0, "10⁻⁴"), (-2.0, "10⁻²")];
    let rows = [(-14.0, "10⁻¹⁴"), (-11.0, "10⁻¹¹"), (-8.0, "10⁻⁸"), (-5.0, "10⁻⁵"), (-2.0, "10⁻²")];
    plot.grid(&mut svg, &powers, &rows);
    svg.dashed("soft", 1.5, &[plot.at(-3.0, -14.0), plot.at(-3.0, -1.0)]);
    let (two, four) = (errors(&two), errors(&four));
    svg.line("b", 2.0, &plot.points(&two));
    svg.dots("b", 5.0, &plot.points(&two));
    svg.line("a", 2.0, &plot.points(&four));
    svg.dots("a", 5.0, &plot.points(&four));
    svg.text("ink", At::Middle, (plot.left + 270.0, 325.0), "step $h$");
    svg.text("ink", At::Start, (4.0, 14.0), "relative error");
    svg.text("b", At::End, plot.at(-4.0, -7.8), "two points");
    svg.text("a", At::End, plot.at(-3.4, -12.6), "four points");
    svg.small("soft", At::Start, plot.at(-10.4, -8.6), "rounding");
    svg.small("soft", At::End, plot.at(-1.6, -3.3), "truncation");
    svg.small("soft", At::End, plot.at(-3.1, -1.7), "the step of the check");
    svg.finish()
}
