//! A training step allocates nothing. A counting allocator checks this on the thread that trains.

#![allow(unsafe_code)] // GlobalAlloc is an unsafe trait

mod common;

use chainrule::{
    Activation, Adam, Dataset, Dropout, Error, Loss, Network, Optimizer, Real, RmsProp, Sgd, Trainer, Workspace,
};
use common::{LOG_COSH, SOFTPLUS, network, one_hot_rows, rng, uniform};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count_one() {
    _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator unchanged; the counter allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one();
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one();
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocations of this thread so far.
fn so_far() -> usize {
    ALLOCATIONS.get()
}

const ROWS: usize = 12;
const OUTPUTS: usize = 3;

/// Six layers of every kind, of `units` units.
fn deep<F: Real>(units: usize, outputs: usize) -> Network<F> {
    let hidden = [Activation::Relu, Activation::Tanh, Activation::Sigmoid, Activation::Softmax, SOFTPLUS];
    let mut layers: Vec<_> = hidden.into_iter().map(|activation| (units, activation)).collect();
    layers.push((outputs, Activation::Softmax));
    network(5, &layers, 1)
}

fn check_explicit_steps<F: Real>(rows: usize, units: usize, outputs: usize) {
    let mut network = deep::<F>(units, outputs);
    let (x, y) = (uniform::<F>((rows, 5), -1.0, 1.0, 2), one_hot_rows::<F>((rows, outputs), 3));
    let few = chainrule::ndarray::s![..rows - 7, ..];
    let weights = vec![1.0; rows];
    let optimizers: [Box<dyn Optimizer<F>>; 5] = [
        Box::new(Sgd::new(0.1)),
        Box::new(Sgd::new(0.1).momentum(0.9).weight_decay(1e-3)),
        Box::new(Sgd::new(0.1).momentum(0.9).nesterov(true)),
        Box::new(RmsProp::new(1e-3)),
        Box::new(Adam::new(1e-3).weight_decay(1e-3)),
    ];
    for mut optimizer in optimizers {
        let mut workspace = Workspace::new(&network, rows);
        // Canonical pairs, general pairs, and softmax's Jacobian with a custom loss.
        for (step, loss) in [Loss::CrossEntropy, Loss::MeanSquaredError, Loss::BinaryCrossEntropy, LOG_COSH]
            .into_iter()
            .cycle()
            .take(9)
            .enumerate()
        {
            let (x, y) = if step % 2 == 0 { (x.view(), y.view()) } else { (x.slice(few), y.slice(few)) };
            workspace.set_weights(Some(&weights[..x.nrows()])).unwrap();
            let before = so_far();
            workspace.draw_masks(x.nrows(), Dropout { inputs: 0.1, hidden: 0.2 }, &mut rng(1)).unwrap();
            network.forward(x, &mut workspace).unwrap();
            // Some of the pairs here may be sure of what is wrong, which costs them infinitely much.
            let cost = network.backward(x, y, loss, &mut workspace);
            assert!(matches!(cost, Ok(_) | Err(Error::CostNotFinite { .. })), "{cost:?}");
            chainrule::clip_norm(workspace.gradients_mut(), 0.1).unwrap();
            optimizer.step(&mut network, workspace.gradients()).unwrap();
            let found = so_far() - before;
            if step > 0 {
                // The first step with momentum allocates the velocity, the first large product a thread's buffer.
                assert_eq!(found, 0, "step {step} with {}", loss.name());
            }
        }
    }
}

#[test]
fn a_step_of_the_explicit_pass_allocates_nothing() {
    check_explicit_steps::<f32>(ROWS, 7, OUTPUTS);
    check_explicit_steps::<f64>(ROWS, 7, OUTPUTS);
    // Products that copy parts of their factors into a buffer that the thread keeps.
    check_explicit_steps::<f32>(80, 90, 40);
    check_explicit_steps::<f64>(80, 90, 40);
    check_explicit_steps::<f32>(340, 400, 350);
}

#[test]
fn making_arrays_is_counted() {
    let before = so_far();
    let mut workspace = Workspace::new(&deep::<f32>(7, OUTPUTS), ROWS);
    assert!(so_far() - before > 6 * 5);
    let before = so_far();
    workspace.gradients_mut()[0].bias.fill(0.0);
    assert_eq!(so_far(), before);
}

/// Between the ends of two epochs, with shuffling and a short last batch, a trainer allocates nothing.
/// The history's vector grows at its 5th, 9th and 17th entry, so this looks at epochs 9 to 15.
#[test]
fn an_epoch_of_the_trainer_allocates_nothing() {
    let data = Dataset::<f32>::new(uniform((ROWS, 5), -1.0, 1.0, 2), one_hot_rows((ROWS, OUTPUTS), 3)).unwrap();
    check_epochs(Trainer::new(Loss::CrossEntropy, Sgd::new(0.1)), &data);
    check_epochs(Trainer::new(Loss::CrossEntropy, Sgd::new(0.1).momentum(0.9).weight_decay(1e-3)), &data);
    let weighted = data.balanced().unwrap();
    let trainer = Trainer::new(Loss::CrossEntropy, Adam::new(1e-3)).dropout(0.1, 0.2).clip_norm(0.1);
    check_epochs(trainer.augment(|mut row, _| row[0] += 0.1), &weighted);
}

fn check_epochs<O: Optimizer<f32>>(trainer: Trainer<'_, f32, O>, data: &Dataset<f32>) {
    let mut at_end = Vec::with_capacity(16);
    let mut network = deep(7, OUTPUTS);
    let mut trainer = trainer.epochs(16).batch_size(5).on_epoch(|_| {
        at_end.push(so_far());
        ControlFlow::Continue(())
    });
    trainer.fit(&mut network, data, &mut rng(1)).unwrap();
    drop(trainer);
    for epoch in 9..16 {
        assert_eq!(at_end[epoch] - at_end[epoch - 1], 0, "epoch {epoch}");
    }
}
