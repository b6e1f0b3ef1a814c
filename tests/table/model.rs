//! Models: from raw rows to predictions, and through files.

use super::{fixture, iris, message};
use chainrule::ndarray::{Array2, array};
use chainrule::rand::SeedableRng;
use chainrule::{
    Activation, ChaCha8Rng, Csv, Dataset, Error, FileProblem, Fill, Layer, Loss, Model, Network, Preprocessing, Real,
    Scale, Sgd, Table, Trainer, Value, accuracy,
};
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};

pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("chainrule-test-model-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A model of iris, trained on 120 flowers, and the other 30.
fn trained<F: Real>() -> (Model<F>, Table) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (train, test) = iris().split_stratified(0.8, &mut rng).unwrap();
    let preprocessing = Preprocessing::learn(&train).unwrap();
    let data = preprocessing.dataset::<F>(&train).unwrap();
    let mut network =
        Network::builder(4).layer(8, Activation::Tanh).layer(3, Activation::Softmax).build(&mut rng).unwrap();
    Trainer::new(Loss::CrossEntropy, Sgd::new(0.05).momentum(0.9))
        .epochs(60)
        .fit(&mut network, &data, &mut rng)
        .unwrap();
    (Model::new(preprocessing, network).unwrap(), test)
}

/// A model with columns of every kind and numbers that need all their digits. Its network is arbitrary.
pub fn mixed(activation: Activation) -> Model<f64> {
    let text = "age,port,fare,code,a,b\n22,S,7.1,7,1,0.1\n,C,71.3,8,2,0.7\n26,\"\u{fc}ber \"\"S\"\"\",8,10,4,-5e-7\n35,,1e300,8,5,3\n";
    let csv = Csv::new().target("a").target("b").words(["code"]).fill(Fill::Mean).fill(Fill::Word("?".into()));
    let preprocessing =
        Preprocessing::learn_with(&csv.read_from(text.as_bytes()).unwrap(), Scale::Robust, Scale::Standard);
    let weights = Array2::from_shape_fn((10, 2), |(i, j)| ((i * 2 + j) * 37 % 16) as f64 / 8.0 - 1.0);
    let layer = Layer::new(weights, array![0.1, 0.2], activation).unwrap();
    Model::new(preprocessing.unwrap(), Network::from_layers(vec![layer]).unwrap()).unwrap()
}

#[test]
fn it_classifies_raw_rows_by_name() {
    let (model, test) = trained::<f64>();
    let raw = test.dataset::<f64>().unwrap();
    let classes = model.classify_table(&test).unwrap();
    let labels: Vec<usize> = classes.iter().map(|one| one.label).collect();
    assert!(accuracy(&labels, raw.labels().unwrap()).unwrap() >= 0.9);
    assert_eq!(model.classify(raw.inputs()).unwrap(), classes);
    let probabilities = model.predict_table(&test).unwrap();
    assert_eq!(model.predict(raw.inputs()).unwrap(), probabilities);
    for (i, one) in classes.iter().enumerate() {
        let x = raw.inputs().row(i).to_vec();
        let row = [("petal width", x[3]), ("petal length", x[2]), ("sepal width", x[1]), ("sepal length", x[0])];
        let by_name = model.classify_row(&row).unwrap();
        assert_eq!((by_name.class, by_name.label), (one.class, one.label));
        assert!((by_name.probability - one.probability).abs() < 1e-12);
        assert_eq!(one.probability, probabilities[[i, one.label]]);
        assert_eq!(one.class, iris().classes().unwrap()[one.label]);
        let names: Vec<_> = one.probabilities.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["setosa", "versicolor", "virginica"]);
        assert!((one.probabilities.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

/// A model's reader knows that the numbers of a column are words, and leaves the targets out.
#[test]
fn its_reader_has_its_columns() {
    let model = mixed(Activation::Identity);
    let table = model.csv().read_from("age,port,fare,code\n22,S,7.1,7\n".as_bytes()).unwrap();
    assert_eq!(model.predict_table(&table).unwrap().dim(), (1, 2));
}

#[test]
fn one_sigmoid_output_stands_for_two_classes() {
    let table = Table::from_dataset(&Dataset::<f64>::xor().with_class_names(["same", "different"]).unwrap());
    let layer = Layer::new(array![[1.0], [1.0]], array![1.0], Activation::Sigmoid).unwrap();
    let network = Network::from_layers(vec![layer]).unwrap();
    let model = Model::new(Preprocessing::learn(&table).unwrap(), network).unwrap();
    let classes = model.classify(array![[1.0, 1.0], [0.0, 0.0]].view()).unwrap();
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    assert_eq!((classes[0].class, classes[1].class), ("different", "same"));
    assert!((classes[0].probability - sigmoid(3.0)).abs() < 1e-12);
    assert!((classes[1].probability - sigmoid(1.0)).abs() < 1e-12);
    assert_eq!(classes[1].probabilities[1].0, "different");
    assert!((classes[1].probabilities[1].1 - sigmoid(-1.0)).abs() < 1e-12);
}

#[test]
fn targets_come_back_in_their_units() {
    let data = Dataset::<f64>::function(|x| 1000.0 + 50.0 * x, 10.0, 20.0, 40).unwrap();
    let table = Table::from_dataset(&data.with_feature_names(["x"]).unwrap());
    let preprocessing = Preprocessing::learn(&table).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut network = Network::builder(1).layer(1, Activation::Identity).build(&mut rng).unwrap();
    let train = preprocessing.dataset(&table).unwrap();
    Trainer::new(Loss::MeanSquaredError, Sgd::new(0.1)).epochs(200).fit(&mut network, &train, &mut rng).unwrap();
    let model: Model<f64> = Model::new(preprocessing, network).unwrap();
    assert!((model.predict_row(&[("x", 12.0)]).unwrap()[0] - 1600.0).abs() < 0.01);
    assert!((model.predict(array![[30.0]].view()).unwrap()[[0, 0]] - 2500.0).abs() < 0.01);
    assert_eq!(model.classify_row(&[("x", 12.0)]).unwrap_err(), Error::NoLabels { row: 0 });
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let preprocessing = || Preprocessing::learn(&iris()).unwrap();
    let network = |inputs, outputs, activation| {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        Network::<f32>::builder(inputs).layer(outputs, activation).build(&mut rng).unwrap()
    };
    let new = |inputs, outputs, activation| message(Model::new(preprocessing(), network(inputs, outputs, activation)));
    assert_eq!(new(5, 3, Activation::Softmax), "inputs of the network: expected shape [4], found [5]");
    assert_eq!(new(4, 2, Activation::Softmax), "outputs of the network: expected shape [3], found [2]");
    assert_eq!(new(4, 1, Activation::Sigmoid), "outputs of the network: expected shape [3], found [1]");
    assert_eq!(
        new(4, 3, Activation::Identity),
        "a model of classes does not work with identity outputs: use a softmax, which gives probabilities"
    );
}

#[test]
fn it_comes_back_from_a_file_to_the_bit() {
    fn check<F: Real>(folder: &Folder) {
        let (model, test) = trained::<F>();
        model.save(folder.file()).unwrap();
        let loaded = Model::<F>::load(folder.file()).unwrap();
        assert_eq!(loaded, model);
        assert_eq!(loaded.predict_table(&test).unwrap(), model.predict_table(&test).unwrap());
        // The network alone, which is what PyTorch reads.
        assert_eq!(Network::<F>::load(folder.file()).unwrap(), *model.network());
        let bytes = fs::read(folder.file()).unwrap();
        loaded.save(folder.file()).unwrap();
        assert_eq!(fs::read(folder.file()).unwrap(), bytes);
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header: serde_json::Map<String, Json> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        let tensors: Vec<_> = header.keys().filter(|key| *key != "__metadata__").collect();
        assert_eq!(tensors, ["0.bias", "0.weight", "2.bias", "2.weight"]);
    }
    let folder = Folder::new("round");
    check::<f32>(&folder);
    check::<f64>(&folder);
    let model = mixed(Activation::Identity);
    model.save(folder.file()).unwrap();
    assert_eq!(Model::load(folder.file()).unwrap(), model);
    assert_eq!(
        model.preprocessing().feature_names(),
        ["age", "port=?", "port=C", "port=S", "port=\u{fc}ber \"S\"", "fare", "code=7", "code=8", "code=10", "code=?"]
    );
    let row = [("age", Value::Number(f64::NAN)), ("port", "S".into()), ("fare", 8.into()), ("code", "10".into())];
    let loaded = Model::<f64>::load(folder.file()).unwrap();
    assert_eq!(loaded.predict_row(&row).unwrap(), model.predict_row(&row).unwrap());

    let half = Activation::Custom { name: "half", f: |z| z / 2.0, slope: |_, _| 0.5 };
    let model = mixed(half);
    model.save(folder.file()).unwrap();
    assert!(message(Model::<f64>::load(folder.file())).contains("\"half\" is custom"));
    assert_eq!(Model::load_with(folder.file(), &[half]).unwrap(), model);
}

/// Ten thousand columns, whose names make a long header.
#[test]
fn many_columns_fit_into_a_file() {
    let folder = Folder::new("wide");
    let inputs = Array2::from_shape_fn((3, 10_000), |(i, j)| ((i * 7 + j) as f32 * 0.37).sin());
    let names = (0..10_000).map(|i| format!("a rather long name of a measurement, number {i}"));
    let data = Dataset::classification(inputs, vec![0, 1, 0], 2).unwrap().with_feature_names(names).unwrap();
    let preprocessing = Preprocessing::learn(&Table::from_dataset(&data)).unwrap();
    let network = Network::builder(10_000).layer(2, Activation::Softmax);
    let model = Model::new(preprocessing, network.build(&mut ChaCha8Rng::seed_from_u64(1)).unwrap()).unwrap();
    model.save(folder.file()).unwrap();
    assert_eq!(Model::<f32>::load(folder.file()).unwrap(), model);
}

/// Files of version 0.1.0. Every later version reads them, and finds the same in them.
///
/// `CHAINRULE_WRITE_FIXTURES=1` has written them, once and for all.
#[test]
fn the_first_versions_files_still_load() {
    let (path, every_kind) = (fixture("iris.safetensors"), fixture("every-kind.safetensors"));
    if std::env::var_os("CHAINRULE_WRITE_FIXTURES").is_some() && !every_kind.exists() {
        trained::<f32>().0.save(&path).unwrap();
        mixed(Activation::Identity).save(&every_kind).unwrap();
    }
    assert_eq!(Model::load(every_kind).unwrap(), mixed(Activation::Identity));

    let model = Model::<f32>::load(&path).unwrap();
    let columns: Vec<_> = model.preprocessing().columns().collect();
    assert_eq!(columns, ["sepal length", "sepal width", "petal length", "petal width"]);
    let flower = |length, width| {
        let row = [("sepal length", 5.8), ("sepal width", 3.0), ("petal length", length), ("petal width", width)];
        model.classify_row(&row).unwrap()
    };
    for (length, width, class, probability) in EXPECTED {
        let found = flower(length, width);
        assert_eq!(found.class, class);
        assert!((found.probability - probability).abs() < 1e-5, "{found:?}");
    }
}

/// Petal length and width; class and probability, computed by numpy from the numbers in the file.
const EXPECTED: [(f64, f64, &str, f64); 3] =
    [(1.4, 0.2, "setosa", 0.9945177), (4.2, 1.3, "versicolor", 0.9935757), (5.6, 2.1, "virginica", 0.9979632)];

/// Writes the model with other metadata, and a fitting checksum.
fn with(path: &Path, change: impl Fn(&mut serde_json::Map<String, Json>)) {
    mixed(Activation::Identity).save(path).unwrap();
    let bytes = fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Map<String, Json> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let data = &bytes[8 + length..];
    let metadata = header["__metadata__"].as_object_mut().unwrap();
    metadata.remove("checksum");
    change(metadata);
    let mut fed: Vec<u8> =
        metadata.iter().flat_map(|(key, text)| [key.as_bytes(), text.as_str().unwrap().as_bytes()].concat()).collect();
    for (name, tensor) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        fed.extend(name.as_bytes());
        fed.extend(tensor["dtype"].as_str().unwrap().as_bytes());
        let numbers =
            |key: &str| tensor[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect::<Vec<_>>();
        fed.extend(numbers("shape").into_iter().flat_map(u64::to_le_bytes));
        let offsets = numbers("data_offsets");
        fed.extend(&data[offsets[0] as usize..offsets[1] as usize]);
    }
    let fnv = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(1099511628211);
    let checksum = format!("{:016x}", fed.iter().fold(14695981039346656037, fnv));
    header["__metadata__"]["checksum"] = Json::from(checksum);
    let header = Json::from(header).to_string();
    fs::write(path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()).unwrap();
}

#[test]
fn files_that_are_no_model_are_refused() {
    let folder = Folder::new("hostile");
    let path = folder.file();
    let says = |change: &dyn Fn(&mut serde_json::Map<String, Json>)| {
        with(&path, change);
        match Model::<f64>::load(&path) {
            Err(Error::File { problem, .. }) => problem.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let set =
        |key: &'static str, text: &'static str| says(&|metadata| _ = metadata.insert(key.into(), Json::from(text)));
    let without = |key: &'static str| says(&|metadata| _ = metadata.remove(key));

    with(&path, |_| ());
    assert_eq!(Model::load(&path).unwrap(), mixed(Activation::Identity));
    assert_eq!(
        without("model"),
        "metadata model: expected a model (for a network alone, Network::load; for a checkpoint, \
         Trainer::load_checkpoint), found none"
    );
    assert_eq!(
        set("model", "2"),
        "format of chainrule: expected version 1, found \"2\". Use the chainrule that wrote it"
    );
    assert_eq!(without("chainrule"), "metadata chainrule: expected the version of the format, found none");
    for key in ["columns", "input_shift", "input_scale", "targets", "target_shift", "target_scale"] {
        assert!(without(key).starts_with(&format!("metadata {key}: expected ")), "{key}");
        let long = set(key, "x, and more than sixty characters of something else, which is cut somewhere");
        assert!(
            long.ends_with("found \"x, and more than sixty characters of something else, which i\u{2026}\""),
            "{long}"
        );
    }
    assert_eq!(set("input_scale", "1 1 1 1 0 1 1 1 1 1"), "scale: expected more than 0, found 0");
    assert_eq!(set("input_scale", "1 1"), "scale: expected shape [10], found [2]");
    assert_eq!(set("input_shift", "0 0 0 0 NaN 1 1 1 1 1"), "shift: expected finite numbers, found NaN at [4]");
    assert_eq!(set("targets", "[\"a\"]"), "columns of the scaling of targets: expected shape [1], found [2]");
    assert_eq!(set("targets", "[\"a\",\"a\"]"), "targets: expected different ones, found \"a\" twice");
    assert!(set("classes", "[\"a\"]").starts_with("classes: expected at least 2"));
    let column = |text: &str| {
        let text = text.to_string();
        says(&move |metadata| {
            metadata.insert("columns".into(), Json::from(text.as_str()));
        })
    };
    assert_eq!(column("[{\"name\":\"a\"}]"), "columns of the scaling: expected shape [1], found [10]");
    assert_eq!(column("[{\"name\":\"a\"},{\"name\":\"a\"}]"), "columns: expected different ones, found \"a\" twice");
    assert_eq!(column("[{\"name\":\"a\",\"words\":[]}]"), "column \"a\": expected at least one word, found none");
    assert_eq!(
        column("[{\"name\":\"a\",\"words\":[\"x\",\"x\"]}]"),
        "words of a column: expected different ones, found \"x\" twice"
    );
    assert_eq!(
        column("[{\"name\":\"a\",\"words\":[\"x\"],\"fill\":\"y\"}]"),
        "column \"a\": expected a fill-in among its words, found \"y\""
    );
    assert_eq!(column("[{\"name\":\"a\",\"fill\":\"inf\"}]"), "column \"a\": expected a finite fill-in, found inf");
    for text in
        ["{}", "[1]", "[{}]", "[{\"name\":1}]", "[{\"name\":\"a\",\"words\":\"x\"}]", "[{\"name\":\"a\",\"fill\":1}]"]
    {
        assert!(column(text).starts_with("metadata columns: expected a JSON array of columns"), "{text}");
    }

    // Every byte that changes is noticed.
    let bytes = {
        with(&path, |_| ());
        fs::read(&path).unwrap()
    };
    for i in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[i] ^= 1;
        fs::write(&path, changed).unwrap();
        assert!(matches!(Model::<f64>::load(&path), Err(Error::File { .. })), "byte {i}");
    }
    for n in (0..bytes.len()).step_by(13) {
        fs::write(&path, &bytes[..n]).unwrap();
        assert!(matches!(Model::<f64>::load(&path), Err(Error::File { .. })), "{n} bytes");
    }
    // A network alone, and numbers of the other type.
    mixed(Activation::Identity).network().save(&path).unwrap();
    let Err(Error::File { problem, .. }) = Model::<f64>::load(&path) else { panic!() };
    assert!(matches!(problem, FileProblem::Metadata { key: "model", .. }));
    mixed(Activation::Identity).save(&path).unwrap();
    assert!(message(Model::<f32>::load(&path)).contains("expected F32 numbers for f32"));
}
