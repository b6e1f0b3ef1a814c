//! From a CSV file to a prediction: table, training, one file, a class name.

use chainrule::{Activation, Adam, ChaCha8Rng, Csv, EarlyStopping, Loss, Model, Network, Preprocessing, Trainer};

fn main() -> Result<(), chainrule::Error> {
    let mut rng: ChaCha8Rng = chainrule::rand::SeedableRng::seed_from_u64(1);
    let table = Csv::new().target("species").read("tests/fixtures/iris.csv")?;
    let (train, test) = table.split_stratified(0.8, &mut rng)?;
    let preprocessing = Preprocessing::learn(&train)?; // fill-ins and scaling, from the training part alone
    let (train, held_out) = preprocessing.dataset(&train)?.split_stratified(0.8, &mut rng)?;

    let layers = Network::builder(4).layer(16, Activation::Relu).layer(3, Activation::Softmax);
    let mut network = layers.build(&mut rng)?;
    let mut trainer = Trainer::new(Loss::CrossEntropy, Adam::new(0.01)).epochs(500);
    trainer = trainer.validation(&held_out).early_stopping(EarlyStopping::patience(20));
    trainer.fit(&mut network, &train, &mut rng)?;
    let file = std::env::temp_dir().join("iris.safetensors");
    Model::<f32>::new(preprocessing, network)?.save(&file)?;

    let model = Model::<f32>::load(&file)?;
    println!("{:.1} % of the test flowers right", 100.0 * model.score(&test)?);
    let flower = [("petal width", 1.5), ("petal length", 4.7), ("sepal width", 2.9), ("sepal length", 6.1)];
    let found = model.classify_row(&flower)?; // columns by name, in any order
    println!("{}, {:.1} %", found.class, 100.0 * found.probability);
    Ok(())
}
