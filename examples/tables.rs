//! Cross-validates the same network on every CSV file of a folder, with ten seeds or as many as the second argument says.
//! `tests/tables.py` writes the files, and prints what scikit-learn makes of them; it compares the two by the scores of
//! each seed, which both leave in the folder.

use chainrule::ndarray::s;
use chainrule::{Activation, Adam, CrossValidation, Csv, Dataset, Fill, Init, Loss, Network, Trainer};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("expected the folder of the tables")?);
    let seeds = std::env::args().nth(2).map_or(Ok(10), |seeds| seeds.parse())?;
    let mut scores = String::new();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    for file in files {
        let csv = Csv::new().target("target").fill(Fill::Median).fill(Fill::Word("unknown".into()));
        let table = csv.read(&file)?;
        // Two classes have one output, as in scikit-learn.
        let is_binary = table.classes().is_some_and(|classes| classes.len() == 2);
        let (output, loss) = match table.classes() {
            Some(_) if is_binary => (Activation::Sigmoid, Loss::BinaryCrossEntropy),
            Some(_) => (Activation::Softmax, Loss::CrossEntropy),
            None => (Activation::Identity, Loss::MeanSquaredError),
        };
        let train = |train: &Dataset<f32>, rng: &mut _| {
            let second = || Dataset::new(train.inputs().to_owned(), train.targets().slice(s![.., 1..]).to_owned());
            let train = &if is_binary { second()? } else { train.clone() };
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
        for seed in 0..seeds {
            means.push(CrossValidation::new(5).seed(seed).run(&table, train)?.mean());
        }
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        scores += &format!("{name} {}\n", means.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
        means.sort_by(f64::total_cmp);
        let median = (means[(means.len() - 1) / 2] + means[means.len() / 2]) / 2.0;
        println!("{name:13}  {:.4} / {median:.4} / {:.4}", means[0], means[means.len() - 1]);
    }
    std::fs::write(folder.join("chainrule.scores"), scores)?;
    Ok(())
}
