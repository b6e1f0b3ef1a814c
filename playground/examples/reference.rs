//! What the page should compute, by a native build: `reference STEPS SETTINGS…`, the settings as the page's numbers.
//! Prints the parameters after the steps, then L and three gradients of the step before them all, as JSON.

use chainrule_playground::{Playground, Settings};

fn main() {
    let numbers: Vec<f64> = std::env::args().skip(1).map(|word| word.parse().expect("a number")).collect();
    let mut playground = Playground::new(Settings::from_numbers(&numbers[1..]).unwrap()).unwrap();
    let walk = playground.walk(4).unwrap();
    let (first, last) = (&walk.gradients[0], &walk.gradients[walk.gradients.len() - 1]);
    let step = [walk.cost, first.weights[[0, 0]], last.bias[0], walk.da[0][[0, 0]]];
    for _ in 0..numbers[0] as usize {
        playground.step().unwrap();
    }
    let affines = playground.network.layers().iter().map(|layer| &layer.affine);
    let parameters: Vec<f64> = affines.flat_map(|affine| affine.weights.iter().chain(&affine.bias)).copied().collect();
    println!("{{\"parameters\":{parameters:?},\"step\":{step:?}}}");
}
