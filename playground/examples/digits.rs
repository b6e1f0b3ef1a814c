//! Trains the digits of the page: `digits MNIST_FOLDER`, and writes `playground/digits.bin`.

use chainrule::ndarray::ArrayViewMut1;
use chainrule::rand::{Rng, SeedableRng};
use chainrule::{Activation, Adam, ChaCha8Rng, Dataset, Loss, Network, Schedule, Trainer, accuracy};
use chainrule_playground::digits::packed;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("the folder of MNIST?")?;
    let (train, test) = (Dataset::<f32>::mnist_train(&folder)?, Dataset::mnist_test(&folder)?);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut network =
        Network::builder(784).layer(64, Activation::Relu).layer(10, Activation::Softmax).build(&mut rng)?;
    // A hand that draws with a mouse keeps to no frame: moved, larger, smaller, slanted.
    let change = |mut row: ArrayViewMut1<'_, f32>, rng: &mut ChaCha8Rng| {
        let old = row.to_vec();
        let [dx, dy]: [f32; 2] = std::array::from_fn(|_| rng.random_range(-2.0..2.0));
        let (scale, slant): (f32, f32) = (rng.random_range(0.85..1.2), rng.random_range(-0.25..0.25));
        for (i, pixel) in row.iter_mut().enumerate() {
            let (y, x) = ((i / 28) as f32 - 13.5, (i % 28) as f32 - 13.5);
            let (y, x) = (y * scale + dy + 13.5, x * scale + slant * y + dx + 13.5);
            let at = |y: f32, x: f32| {
                let inside = (0.0..28.0).contains(&y) && (0.0..28.0).contains(&x);
                if inside { old[y as usize * 28 + x as usize] } else { 0.0 }
            };
            let (y0, x0) = (y.floor(), x.floor());
            let (v, u) = (y - y0, x - x0);
            *pixel = (1.0 - v) * ((1.0 - u) * at(y0, x0) + u * at(y0, x0 + 1.0))
                + v * ((1.0 - u) * at(y0 + 1.0, x0) + u * at(y0 + 1.0, x0 + 1.0));
        }
    };
    let epochs = 20;
    Trainer::new(Loss::CrossEntropy, Adam::new(2e-3).schedule(Schedule::Cosine { epochs }))
        .epochs(epochs)
        .batch_size(128)
        .augment(change)
        .validation(&test)
        .on_epoch(|report| {
            eprintln!("{}: {:.3} {:?}", report.epoch, report.cost, report.validation_accuracy);
            std::ops::ControlFlow::Continue(())
        })
        .fit(&mut network, &train, &mut rng)?;
    std::fs::write("playground/digits.bin", packed(&network))?;
    println!("{} on the test set", accuracy(&network.classify(test.inputs())?, test.labels().unwrap_or_default())?);
    Ok(())
}
