//! The plain functions that the worker calls. Numbers go in and out through two buffers, errors as text.

use crate::digits;
use crate::mistakes::MISTAKES;
use crate::settings::all_inputs;
use crate::{Playground, Settings, Walk};
use chainrule::ndarray::Array2;
use chainrule::{Affine, Network, Result};
use std::cell::RefCell;

#[derive(Default)]
struct Page {
    playground: Option<Playground>,
    /// The network of the other views, while one is broken.
    aside: Option<Playground>,
    input: Vec<f64>,
    output: Vec<f64>,
    text: String,
    digits: Option<Network<f32>>,
}

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

/// Fills the output with what `work` gives and returns its length; or −1, and the text has the error.
fn answer(work: impl FnOnce(&mut Playground, &mut Vec<f64>) -> Result<()>) -> i32 {
    PAGE.with_borrow_mut(|page| {
        page.output.clear();
        let Some(playground) = &mut page.playground else {
            page.text = "no network has been made".into();
            return -1;
        };
        match work(playground, &mut page.output) {
            Ok(()) => page.output.len() as i32,
            Err(error) => {
                page.text = error.to_string();
                -1
            }
        }
    })
}

fn parameters(affines: impl Iterator<Item = Affine<f64>>, out: &mut Vec<f64>) {
    for affine in affines {
        out.extend(&affine.weights);
        out.extend(&affine.bias);
    }
}

fn affines(network: &Network<f64>) -> impl Iterator<Item = Affine<f64>> {
    network.layers().iter().map(|layer| layer.affine.clone())
}

/// Room for so many numbers from the page.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(len: usize) -> *mut f64 {
    PAGE.with_borrow_mut(|page| {
        page.input.clear();
        page.input.resize(len, 0.0);
        page.input.as_mut_ptr()
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const f64 {
    PAGE.with_borrow(|page| page.output.as_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn text() -> *const u8 {
    PAGE.with_borrow(|page| page.text.as_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn text_len() -> usize {
    PAGE.with_borrow(|page| page.text.len())
}

/// Makes data and network from the settings that were put in.
#[unsafe(no_mangle)]
pub extern "C" fn make() -> i32 {
    PAGE.with_borrow_mut(|page| match Settings::from_numbers(&page.input).and_then(Playground::new) {
        Ok(playground) => {
            page.playground = Some(playground);
            0
        }
        Err(error) => {
            page.text = error.to_string();
            -1
        }
    })
}

/// Puts the network aside, and back.
#[unsafe(no_mangle)]
pub extern "C" fn swap() {
    PAGE.with_borrow_mut(|page| std::mem::swap(&mut page.playground, &mut page.aside));
}

/// inputs, outputs, rows of training, rows of test; then every row: inputs, targets.
#[unsafe(no_mangle)]
pub extern "C" fn data() -> i32 {
    answer(|p, out| {
        let (inputs, outputs) = (p.train.num_inputs(), p.train.num_outputs());
        out.extend([inputs, outputs, p.train.len(), p.test.len()].map(|len| len as f64));
        for set in [&p.train, &p.test] {
            for (x, y) in set.inputs().rows().into_iter().zip(set.targets().rows()) {
                out.extend(x);
                out.extend(y);
            }
        }
        Ok(())
    })
}

/// So many steps. Gives the costs of the batches.
#[unsafe(no_mangle)]
pub extern "C" fn train(steps: usize) -> i32 {
    answer(|p, out| {
        for _ in 0..steps {
            out.push(p.step()?);
        }
        Ok(())
    })
}

/// steps, epochs, cost and accuracy of training, cost and accuracy of test.
#[unsafe(no_mangle)]
pub extern "C" fn measure() -> i32 {
    answer(|p, out| {
        let ((cost, accuracy), (test_cost, test_accuracy)) = (p.measure(&p.train)?, p.measure(&p.test)?);
        out.extend([p.steps as f64, p.epoch(), cost, accuracy, test_cost, test_accuracy]);
        Ok(())
    })
}

/// W, then b, of each layer.
#[unsafe(no_mangle)]
pub extern "C" fn weights() -> i32 {
    answer(|p, out| {
        parameters(affines(&p.network), out);
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn set_parameter(layer: usize, i: usize, j: usize, value: f64) -> i32 {
    answer(|p, _| p.set_parameter(layer, i, j, value))
}

/// The number of what is planted, as in the list of mistakes.
#[unsafe(no_mangle)]
pub extern "C" fn plant(mistake: usize) -> i32 {
    answer(|p, _| {
        p.mistake = MISTAKES[mistake.min(MISTAKES.len() - 1)];
        Ok(())
    })
}

/// Relative error of the worst gradient, its layer, the gradient, and what was measured.
#[unsafe(no_mangle)]
pub extern "C" fn check() -> i32 {
    answer(|p, out| {
        out.extend(p.check()?);
        Ok(())
    })
}

/// low and high of x, low and high of y; then A over a grid of side × side points, from the upper left, one unit after
/// the other: of the last layer, or of the first so many `units` of every layer. With one input, A at `side` points
/// from left to right.
#[unsafe(no_mangle)]
pub extern "C" fn plane(side: usize, units: usize) -> i32 {
    answer(|p, out| {
        let inputs = all_inputs(&p.train, &p.test);
        let range = |column: usize| {
            let column = inputs.column(column);
            let (low, high) = column.iter().fold((f64::MAX, f64::MIN), |(low, high), &x| (low.min(x), high.max(x)));
            let margin = 0.12 * (high - low).max(1e-3);
            (low - margin, high + margin)
        };
        let (left, right) = range(0);
        let at = |low: f64, high: f64, i: usize| low + (high - low) * (i as f64 + 0.5) / side as f64;
        let flat = inputs.ncols() == 1;
        let (bottom, top) = if flat { (-1.6, 1.6) } else { range(1) };
        let points = if flat {
            Array2::from_shape_fn((side, 1), |(i, _)| at(left, right, i))
        } else {
            let point = |(i, c)| if c == 0 { at(left, right, i % side) } else { at(top, bottom, i / side) };
            Array2::from_shape_fn((side * side, 2), point)
        };
        out.extend([left, right, bottom, top]);
        if units == 0 {
            out.extend(p.network.predict(points.view())?.t());
            return Ok(());
        }
        for a in p.activations(points.view())? {
            out.extend(a.t().rows().into_iter().take(units).flatten());
        }
        Ok(())
    })
}

/// One step apart, on so many rows: n; X, Y; Z and A of each layer; L; dZ of each layer; dA of each but the last; dW and
/// db of each layer; W and b before; W and b after.
#[unsafe(no_mangle)]
pub extern "C" fn walk(rows: usize) -> i32 {
    answer(|p, out| {
        let Walk { x, y, cost, workspace, da, gradients, after } = p.walk(rows)?;
        let layers = p.network.layers().len();
        out.push(x.nrows() as f64);
        out.extend(&x);
        out.extend(&y);
        for l in 0..layers {
            out.extend(workspace.z(l));
            out.extend(workspace.a(l));
        }
        out.push(cost);
        (0..layers).for_each(|l| out.extend(workspace.dz(l)));
        da.iter().for_each(|da| out.extend(da));
        parameters(gradients.into_iter(), out);
        parameters(affines(&p.network), out);
        parameters(affines(&after), out);
        Ok(())
    })
}

/// The probabilities of the ten digits for the picture that was put in: 28 × 28 numbers from 0 to 1.
#[unsafe(no_mangle)]
pub extern "C" fn digit() -> i32 {
    PAGE.with_borrow_mut(|page| {
        let found = match &page.digits {
            Some(network) => digits::probabilities(network, &page.input),
            None => digits::trained().and_then(|network| {
                let network = page.digits.insert(network);
                digits::probabilities(network, &page.input)
            }),
        };
        match found {
            Ok(probabilities) => {
                page.output = probabilities;
                page.output.len() as i32
            }
            Err(error) => {
                page.text = error.to_string();
                -1
            }
        }
    })
}
