//! Cross-validates the same network on every CSV file of a folder, with ten seeds. `tests/tables.py` writes the files, and
//! prints what scikit-learn makes of them.

use chainrule::{Activation, Adam, CrossValidation, Csv, Dataset, Fill, Init, Loss, Network, Trainer};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("expected the folder of the tables")?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    for file in files {
        let csv = Csv::new().target("target").fill(Fill::Median).fill(Fill::Word("unknown".into()));
        let table = csv.read(&file)?;
        let (output, loss) = match table.classes() {
            Some(_) => (Activation::Softmax, Loss::CrossEntropy),
            None => (Activation::Identity, Loss::MeanSquaredError),
        };
        let train = |train: &Dataset<f32>, rng: &mut _| {
            let layers = Network::builder(train.num_inputs()).layer(32, Activation::Relu);
            let mut network = layers
                .layer(train.num_outputs(), output)
                .init(Init::XavierUniform)
                .bias_init(Init::XavierUniform)
                .build(rng)?;
            Trainer::new(loss, Adam::new(1e-3)).epochs(100).threads(1).fit(&mut network, train, rng)?;
            Ok(network)
        };
        let mut means = Vec::new();
        for seed in 0..10 {
            means.push(CrossValidation::new(5).seed(seed).run(&table, train)?.mean());
        }
        means.sort_by(f64::total_cmp);
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        println!("{name:13}  {:.4} / {:.4} / {:.4}", means[0], (means[4] + means[5]) / 2.0, means[9]);
    }
    Ok(())
}
