//! `Summary`: a network as a table.

use crate::activation::Activation;
use crate::layer::Layer;
use crate::network::Network;
use crate::real::{Real, count};
use std::any::type_name;
use std::fmt;

/// The layers of a network, their shapes and the number of their parameters, to be printed.
/// [`Network::summary`] makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Of each layer: inputs, outputs, activation.
    layers: Vec<(usize, usize, Activation)>,
    /// Of the parameters.
    bytes: usize,
    /// `f32` or `f64`.
    number: &'static str,
}

impl<F: Real> Network<F> {
    /// The layers with their activations, shapes and parameters, as a table to print.
    ///
    /// ```
    /// use chainrule::{Activation, ChaCha8Rng, Network, rand::SeedableRng};
    ///
    /// let mut rng = ChaCha8Rng::seed_from_u64(1);
    /// let builder = Network::<f32>::builder(784).layer(100, Activation::Gelu).layer(10, Activation::Softmax);
    /// let network = builder.build(&mut rng)?;
    /// assert_eq!(
    ///     network.summary().to_string(),
    ///     "layer  activation  output shape  weights     bias   parameters\n\
    ///      0      gelu        [n, 100]      [784, 100]  [100]      78,500\n\
    ///      1      softmax     [n, 10]       [100, 10]   [10]        1,010\n\
    ///      total                                                   79,510\n\
    ///      310.6 KiB in f32\n"
    /// );
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    pub fn summary(&self) -> Summary {
        let of = |layer: &Layer<F>| (layer.inputs(), layer.outputs(), layer.activation);
        let (bytes, number) = (self.parameters() * size_of::<F>(), type_name::<F>());
        Summary { layers: self.layers().iter().map(of).collect(), bytes, number }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["layer", "activation", "output shape", "weights", "bias", "parameters"].map(String::from);
        let mut rows = vec![heads];
        let mut total = 0;
        for (l, (inputs, outputs, activation)) in self.layers.iter().enumerate() {
            let parameters = (inputs + 1) * outputs;
            total += parameters;
            rows.push([
                l.to_string(),
                activation.name().into(),
                format!("[n, {outputs}]"),
                format!("[{inputs}, {outputs}]"),
                format!("[{outputs}]"),
                in_thousands(parameters),
            ]);
        }
        let total = in_thousands(total);
        rows.push(["total", "", "", "", "", &total].map(String::from));
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [layer, activation, output, weights, bias, parameters] = [0, 1, 2, 3, 4, 5].map(width);
        for [l, name, shape, w, b, number] in &rows {
            write!(f, "{l:<layer$}  {name:<activation$}  {shape:<output$}  {w:<weights$}  {b:<bias$}  ")?;
            writeln!(f, "{number:>parameters$}")?;
        }
        writeln!(f, "{} in {}", size(self.bytes), self.number)
    }
}

/// 1234567 as 1,234,567.
fn in_thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in a unit in which it is below 1024.
fn size(bytes: usize) -> String {
    let mut size = count(bytes);
    let mut units = ["KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = "B";
    while size >= 1024.0
        && let Some(larger) = units.next()
    {
        (size, unit) = (size / 1024.0, larger);
    }
    if unit == "B" { format!("{size} B") } else { format!("{size:.1} {unit}") }
}
