//! The first program: data, a network, training, prediction.

use chainrule::{Activation, ChaCha8Rng, Dataset, Loss, Network, Sgd, Trainer, accuracy};
use chainrule::{ndarray::Array2, rand::SeedableRng};

fn main() -> Result<(), chainrule::Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // 500 points on two moons: 280 to train on, 120 to watch the training by, 100 for the last word.
    let (data, test) = Dataset::<f64>::moons(500, 0.1, &mut rng)?.split(0.8, &mut rng)?;
    let (train, held_out) = data.split(0.7, &mut rng)?;
    let mut network = Network::builder(2).layer(16, Activation::Relu).layer(2, Activation::Softmax).build(&mut rng)?;
    let history = Trainer::new(Loss::CrossEntropy, Sgd::new(0.05).momentum(0.9))
        .epochs(30)
        .batch_size(20)
        .validation(&held_out)
        .fit(&mut network, &train, &mut rng)?;
    for epoch in [1, 10, 20, 30] {
        let (cost, accuracy) = (history.cost[epoch - 1], 100.0 * history.validation_accuracy[epoch - 1]);
        println!("epoch {epoch:2}: cost {cost:.2}, {accuracy:.1} % of the held-out points right");
    }
    let truth = test.labels().expect("moons have classes");
    let correct = 100.0 * accuracy(&network.classify(test.inputs())?, truth)?;
    println!("{correct:.1} % of the test points right");
    // A map of the plane: the class of each place.
    let (rows, columns) = (11, 51);
    let places = Array2::from_shape_fn((rows * columns, 2), |(i, axis)| match axis {
        0 => -1.5 + 0.08 * (i % columns) as f64, // x goes right, from -1.5 to 2.5
        _ => 1.5 - 0.25 * (i / columns) as f64,  // y goes down, from 1.5 to -1
    });
    for row in network.classify(places.view())?.to_vec().chunks(columns) {
        println!("{}", row.iter().map(|&class| [".", "#"][class]).collect::<String>());
    }
    Ok(())
}
