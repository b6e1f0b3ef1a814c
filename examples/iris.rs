//! From a CSV file to a prediction: table, training, one file, a class name.

use chainrule::{Activation, ChaCha8Rng, Csv, Loss, Model, Network, Preprocessing, Sgd, Trainer, rand::SeedableRng};

fn main() -> Result<(), chainrule::Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let table = Csv::new().target("species").read("tests/fixtures/iris.csv")?;
    let (train, test) = table.split_stratified(0.8, &mut rng)?;
    let preprocessing = Preprocessing::learn(&train)?; // fill-ins and scaling, from the training part alone
    let (train, test) = (preprocessing.dataset(&train)?, preprocessing.dataset(&test)?);

    let layers = Network::<f32>::builder(4).layer(16, Activation::Relu).layer(3, Activation::Softmax);
    let mut network = layers.build(&mut rng)?;
    let mut trainer = Trainer::new(Loss::CrossEntropy, Sgd::new(0.05).momentum(0.9)).epochs(100).validation(&test);
    let history = trainer.fit(&mut network, &train, &mut rng)?;
    println!("{:.1} % of the test flowers right", 100.0 * history.validation_accuracy[99]);

    let file = std::env::temp_dir().join("iris.safetensors");
    Model::new(preprocessing, network)?.save(&file)?;
    let model = Model::<f32>::load(&file)?;
    let flower = [("petal width", 1.5), ("petal length", 4.7), ("sepal width", 2.9), ("sepal length", 6.1)];
    let found = model.classify_row(&flower)?; // columns by name, in any order
    println!("{}, {:.1} %", found.class, 100.0 * found.probability);
    Ok(())
}
