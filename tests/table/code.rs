//! Plain code: C and Rust files compile without a warning, and compute what `predict` does.
//!
//! Each test writes files and a main program that holds the rows and prints outputs and classes. C is skipped, with a
//! message, where there is no `cc`.

use super::model::{Folder, mixed};
use super::{fixture, message};
use Activation::*;
use Language::{C, Rust};
use chainrule::ndarray::{Array1, Array2, Axis, array, concatenate};
use chainrule::{Activation, Dataset, Error, Layer, Model, Network, Preprocessing, Real, Scale, Table};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Language {
    C,
    Rust,
}

impl Language {
    fn compiler(self) -> String {
        let (variable, usual) = if self == C { ("CC", "cc") } else { ("RUSTC", "rustc") };
        std::env::var(variable).unwrap_or(usual.into())
    }
}

/// The languages that can be compiled here.
fn languages() -> Vec<Language> {
    let there = |language: &Language| {
        let compiler = language.compiler();
        let there = Command::new(&compiler).arg("--version").output().is_ok_and(|output| output.status.success());
        if !there {
            // Past the capture of a test's output.
            let _ = writeln!(std::io::stderr(), "skipped: {language:?} files are not compiled, for want of {compiler}");
        }
        there
    };
    [C, Rust].into_iter().filter(there).collect()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

type Save<'n> = dyn Fn(Language, &Path) -> chainrule::Result<()> + 'n;

/// A network or a model to write, and the rows to predict.
struct File<'n, F> {
    save: Box<Save<'n>>,
    rows: Array2<F>,
    outputs: usize,
    classes: usize,
}

fn of_network<F: Real>(network: &Network<F>, rows: Array2<F>) -> File<'_, F> {
    let save = |language, path: &Path| match language {
        C => network.save_c(path),
        Rust => network.save_rust(path),
    };
    File { save: Box::new(save), rows, outputs: network.outputs(), classes: 0 }
}

fn of_model<F: Real>(model: &Model<F>, rows: Array2<F>) -> File<'_, F> {
    let save = |language, path: &Path| match language {
        C => model.save_c(path),
        Rust => model.save_rust(path),
    };
    let classes = model.preprocessing().classes().map_or(0, <[String]>::len);
    File { save: Box::new(save), rows, outputs: model.network().outputs(), classes }
}

/// What a compiled file computes.
#[derive(Debug)]
struct Computed<F> {
    outputs: Array2<F>,
    classes: Vec<usize>,
    class_names: Vec<String>,
}

fn compute<F: Real>(language: Language, folder: &str, files: &[File<F>]) -> Vec<Computed<F>> {
    let folder = Folder::new(&format!("code-{folder}-{language:?}-{}", size_of::<F>()));
    let path = |name: &str| folder.file().with_file_name(name);
    let mut compile = Command::new(language.compiler());
    let mut main = if language == C { c_main(files) } else { rust_main(files) };
    if language == C && size_of::<F>() == 4 {
        main = main.replace("double", "float");
    }
    for (k, file) in files.iter().enumerate() {
        let source = path(&format!("m{k}.{}", if language == C { "c" } else { "rs" }));
        (file.save)(language, &source).unwrap();
        if language == C {
            let object = path(&format!("m{k}.o"));
            let flags =
                ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-c", "-o"];
            let names = ["predict", "classify", "class_names"].map(|name| format!("-D{name}={name}_{k}"));
            run(Command::new(language.compiler()).args(flags).arg(&object).arg(&source).args(names));
            compile.arg(object);
        }
    }
    let source = path(if language == C { "main.c" } else { "main.rs" });
    fs::write(&source, main).unwrap();
    match language {
        C => compile.arg(source).args(["-std=c99", "-lm", "-o"]),
        Rust => compile.arg(source).args(["--edition", "2024", "-D", "warnings", "-o"]),
    };
    run(compile.arg(path("main")));
    let printed = run(&mut Command::new(path("main")));
    let mut words = printed.split_whitespace();
    let mut word = || words.next().unwrap();
    let computed = files.iter().map(|file| {
        let mut outputs = Array2::zeros((file.rows.nrows(), file.outputs));
        let mut classes = Vec::new();
        for mut row in outputs.rows_mut() {
            row.iter_mut().for_each(|y| *y = F::from_f64(word().parse().unwrap()));
            if file.classes > 0 {
                classes.push(word().parse().unwrap());
            }
        }
        let mut name = || {
            let length = word().parse().unwrap();
            String::from_utf8((0..length).map(|_| word().parse().unwrap()).collect()).unwrap()
        };
        let class_names = (0..file.classes).map(|_| name()).collect();
        Computed { outputs, classes, class_names }
    });
    computed.collect()
}

/// The rows of a file as literals.
fn rows<F: Real>(file: &File<F>, open: &str, close: &str, nan: &str) -> String {
    let literal = |x: &F| if x.is_nan() { nan.into() } else { format!("{x:?}") };
    let row = |row: &[F]| open.to_string() + &row.iter().map(literal).collect::<Vec<_>>().join(", ") + close;
    file.rows.rows().into_iter().map(|x| row(&x.to_vec())).collect::<Vec<_>>().join(", ")
}

fn c_main<F: Real>(files: &[File<F>]) -> String {
    let (mut main, mut body) =
        ("#include <math.h>\n#include <stdio.h>\n#include <string.h>\n".to_string(), String::new());
    for (k, file) in files.iter().enumerate() {
        let ((n, inputs), outputs, classes) = (file.rows.dim(), file.outputs, file.classes);
        let x = rows(file, "{", "}", "NAN");
        main += &format!("void predict_{k}(const double *x, double *y);\nint classify_{k}(const double *x);\n");
        main += &format!("static const double x{k}[{n}][{inputs}] = {{ {x} }};\n");
        body += &format!("for (int n = 0; n < {n}; n++) {{ double y[{outputs}]; predict_{k}(x{k}[n], y);\n");
        body += &format!("for (int j = 0; j < {outputs}; j++) printf(\"%.17g \", y[j]);\n");
        if classes > 0 {
            main += &format!("extern const char *const class_names_{k}[{classes}];\n");
            body += &format!("printf(\"%d \", classify_{k}(x{k}[n]));\n");
        }
        body += &format!("}}\nfor (int j = 0; j < {classes}; j++) {{ const char *name = 0;\n");
        if classes > 0 {
            body += &format!("name = class_names_{k}[j];\n");
        }
        body +=
            "printf(\"%d \", (int) strlen(name)); for (; *name; name++) printf(\"%d \", (unsigned char) *name);\n}\n";
    }
    format!("{main}\nint main(void) {{\n{body}return 0;\n}}\n")
}

fn rust_main<F: Real>(files: &[File<F>]) -> String {
    let (mut main, mut body) = (String::new(), String::new());
    let number = std::any::type_name::<F>();
    for (k, file) in files.iter().enumerate() {
        let x = rows(file, "[", "]", &format!("{number}::NAN"));
        main += &format!("mod m{k};\n");
        body += &format!("for x in [{x}] {{ for y in m{k}::predict(&x) {{ println!(\"{{y:e}}\"); }}\n");
        if file.classes > 0 {
            body += &format!("println!(\"{{}}\", m{k}::classify(&x));\n}}\nfor name in m{k}::CLASS_NAMES {{\n");
            body += "println!(\"{}\", name.len()); name.bytes().for_each(|byte| println!(\"{byte}\"));\n";
        }
        body += "}\n";
    }
    format!("{main}fn main() {{\n{body}}}\n")
}

/// Equal up to rounding, relative to the largest number of the row; a NaN is equal to a NaN.
fn assert_close<F: Real>(found: &Array2<F>, expected: &Array2<F>, what: &str) {
    let bound = if size_of::<F>() == 4 { 2e-6 } else { 1e-14 };
    assert_eq!(found.dim(), expected.dim(), "{what}");
    for (found, expected) in found.rows().into_iter().zip(expected.rows()) {
        let largest = expected.iter().fold(1.0, |largest: f64, x| largest.max(x.f64().abs()));
        for (a, b) in found.iter().zip(expected) {
            let same = a == b || (a.is_nan() && b.is_nan()) || (a.f64() - b.f64()).abs() <= bound * largest;
            assert!(same, "{what}: {found} {expected}");
        }
    }
}

/// Numbers between −1 and 1.
fn number(k: usize) -> f64 {
    ((k * 37 + 11) % 64) as f64 / 32.0 - 1.0
}

fn layer<F: Real>(inputs: usize, outputs: usize, activation: Activation, seed: usize) -> Layer<F> {
    let weights = Array2::from_shape_fn((inputs, outputs), |(i, j)| F::from_f64(number(seed + 9 * i + 5 * j)));
    Layer::new(weights, Array1::from_shape_fn(outputs, |j| F::from_f64(number(seed + j))), activation).unwrap()
}

const BUILT_IN: [Activation; 10] = [Identity, Sigmoid, Tanh, Relu, Softmax, LeakyRelu, Elu, Softplus, Silu, Gelu];

/// Small, ordinary and large numbers; the first layer has weight 1 and bias 0, so that they reach the activation.
fn logits<F: Real>() -> Array2<F> {
    let numbers = [0.0, -0.0, 1e-30, -1e-30, 1e-6, -1e-6, 0.3, -0.7, 1.0, -1.0, 2.5, -3.0, 5.5, -6.0, 9.0, -13.0, 20.0];
    let large = [-20.0, 40.0, -40.0, 88.0, -89.0, 104.0, -105.0, 700.0, -745.0, 1e4, -1e4, 1e30, -1e30];
    let numbers = [&numbers[..], &large[..]].concat();
    let n = numbers.len();
    Array2::from_shape_fn((n, 3), |(i, j)| F::from_f64(numbers[(i + 7 * j * j) % n]))
}

fn each_activation<F: Real>() {
    let networks: Vec<Network<F>> = BUILT_IN
        .map(|activation| {
            let weights = Array2::eye(3);
            Network::from_layers(vec![Layer::new(weights, Array1::zeros(3), activation).unwrap()]).unwrap()
        })
        .into();
    let mut nan = logits::<F>().slice_move(chainrule::ndarray::s![..2, ..]);
    nan[[1, 2]] = F::nan();
    let files: Vec<_> =
        networks.iter().map(|network| of_network(network, concatenate![Axis(0), logits::<F>(), nan])).collect();
    for language in languages() {
        for (computed, network) in compute(language, "each", &files).iter().zip(&networks) {
            let what = format!("{language:?} {:?}", network.layers()[0].activation);
            let n = logits::<F>().nrows();
            let expected = network.predict(logits::<F>().view()).unwrap();
            let (finite, nan) = computed.outputs.view().split_at(Axis(0), n);
            // Small entries count as much as large ones.
            for (found, expected) in finite.iter().zip(&expected) {
                assert_close(&array![[*found]], &array![[*expected]], &what);
                let relative = (found.f64() - expected.f64()).abs() / expected.f64().abs();
                // In GELU's tail, erfc multiplies the rounding of z by z².
                let (least, bound) = if size_of::<F>() == 4 { (1e-37, 1e-5) } else { (1e-300, 1e-13) };
                assert!(expected.f64().abs() < least || relative < bound, "{what}: {found} {expected}");
            }
            // With a NaN in x, all of x·W is NaN, and no activation makes a number of it.
            assert!(nan.row(0).iter().all(|a| !a.is_nan()), "{what}");
            assert!(nan.row(1).iter().all(|a| a.is_nan()), "{what}");
        }
    }
}

#[test]
fn every_activation_for_numbers_of_every_size() {
    each_activation::<f32>();
    each_activation::<f64>();
}

fn deep<F: Real>() {
    let mut layers: Vec<Layer<F>> = Vec::new();
    for (l, activation) in
        [Relu, Softplus, Tanh, LeakyRelu, Gelu, Elu, Silu, Softmax, Identity, Sigmoid].into_iter().enumerate()
    {
        layers.push(layer(if l == 0 { 5 } else { 12 - l }, 11 - l, activation, l));
    }
    let deep = Network::from_layers(layers).unwrap();
    let two = Network::from_layers(vec![layer(5, 20, Relu, 3), layer(20, 1, Identity, 4)]).unwrap();
    let one = Network::from_layers(vec![layer(1, 1, Tanh, 0)]).unwrap();
    let rows = |columns: usize| {
        Array2::from_shape_fn((20, columns), |(i, j)| F::from_f64(number(i * 3 + j) * [1.0, 1e4][i % 2]))
    };
    let networks = [&deep, &two, &one];
    let files = networks.map(|network| of_network(network, rows(network.inputs())));
    for language in languages() {
        for (computed, (network, file)) in compute(language, "deep", &files).iter().zip(networks.iter().zip(&files)) {
            let what = format!("{language:?} {} layers", network.layers().len());
            assert_close(&computed.outputs, &network.predict(file.rows.view()).unwrap(), &what);
        }
    }
}

#[test]
fn deep_shallow_and_tiny_networks() {
    deep::<f32>();
    deep::<f64>();
}

/// Weights that need all their digits, and the smallest and largest numbers.
#[test]
fn every_weight_is_exact() {
    let f32s =
        [0.1, 1.0 / 3.0, -1e-7, 16_777_217.0, f32::MIN_POSITIVE, 1e-45, -f32::MAX, f32::EPSILON, 5e-324_f64 as f32];
    let f64s =
        [0.1, 1.0 / 3.0, -1e-7, 1e23, 9_007_199_254_740_993.0, f64::MIN_POSITIVE, 5e-324, -f64::MAX, f64::EPSILON];
    fn check<F: Real>(numbers: [F; 9]) {
        let weights = Array2::from_shape_vec((9, 1), numbers.to_vec()).unwrap();
        let network =
            Network::from_layers(vec![Layer::new(weights.clone(), Array1::zeros(1), Identity).unwrap()]).unwrap();
        let bias = Layer::new(Array2::zeros((9, 9)), Array1::from(numbers.to_vec()), Identity).unwrap();
        let bias = Network::from_layers(vec![bias]).unwrap();
        let files = [of_network(&network, Array2::eye(9)), of_network(&bias, Array2::zeros((1, 9)))];
        for language in languages() {
            let computed = compute(language, "exact", &files);
            assert_eq!(computed[0].outputs, weights, "{language:?}");
            assert_eq!(computed[1].outputs, weights.t(), "{language:?}");
        }
    }
    check(f32s);
    check(f64s);
}

fn models<F: Real>() {
    let iris = Model::<F>::load(fixture("iris.safetensors"));
    let flowers = Array2::from_shape_fn((30, 4), |(i, j)| F::from_f64(4.0 + 3.0 * number(i * 5 + j)));
    // A regression, with a scaling of targets.
    let data = Array2::from_shape_fn((6, 3), |(i, j)| F::from_f64(1e3 * number(7 * i + j)));
    let targets = Array2::from_shape_fn((6, 2), |(i, j)| F::from_f64(50.0 + number(i + 5 * j)));
    let table = Table::from_dataset(&Dataset::new(data.clone(), targets).unwrap());
    let preprocessing = Preprocessing::learn_with(&table, Scale::Robust, Scale::MinMax).unwrap();
    let network = Network::from_layers(vec![layer(3, 6, Tanh, 1), layer(6, 2, Sigmoid, 2)]).unwrap();
    let regression = Model::new(preprocessing, network).unwrap();
    // One sigmoid output for two classes.
    let table = Table::from_dataset(&Dataset::<F>::xor());
    let network = Network::from_layers(vec![layer(2, 1, Sigmoid, 1)]).unwrap();
    let xor = Model::new(Preprocessing::learn(&table).unwrap(), network).unwrap();
    let corners = Dataset::<F>::xor().inputs().to_owned();
    let mut models = vec![(&regression, data), (&xor, corners)];
    if let Ok(iris) = &iris {
        models.push((iris, flowers));
    }
    let files: Vec<_> = models.iter().map(|(model, rows)| of_model(model, rows.clone())).collect();
    for language in languages() {
        for (computed, (model, rows)) in compute(language, "models", &files).iter().zip(&models) {
            let what = format!("{language:?} {:?}", model.preprocessing().feature_names());
            assert_close(&computed.outputs, &model.predict(rows.view()).unwrap(), &what);
            if let Some(classes) = model.preprocessing().classes() {
                assert_eq!(computed.class_names, classes, "{what}");
                let expected: Vec<_> = model.classify(rows.view()).unwrap().iter().map(|found| found.label).collect();
                assert_eq!(computed.classes, expected, "{what}");
                assert!(expected.iter().any(|&label| label != expected[0]), "{what}: several classes");
            }
        }
    }
}

#[test]
fn models_with_their_scalings_and_classes() {
    models::<f32>();
    models::<f64>();
}

/// Words, gaps and fill-ins: the features are what the table becomes.
#[test]
fn words_and_gaps() {
    let model = mixed(Identity);
    let nan = f64::NAN;
    let features = array![
        [22.0, 0.0, 0.0, 1.0, 0.0, 7.1, 1.0, 0.0, 0.0, 0.0],
        [nan, 1.0, 0.0, 0.0, 0.0, 71.3, 0.0, 0.0, 0.0, 1.0],
        [26.5, 0.0, 1.0, 0.0, 0.0, nan, 0.0, 0.0, 1.0, 0.0],
        [26.5, nan, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
    ];
    let row = |age: f64, port: &str, fare: f64, code: &str| {
        use chainrule::Value::Word;
        let row = [("age", age.into()), ("port", Word(port)), ("fare", fare.into()), ("code", Word(code))];
        model.predict_row(&row).unwrap()
    };
    let mut expected = Array2::from_elem((4, 2), nan);
    expected.row_mut(0).assign(&row(22.0, "S", 7.1, "7"));
    expected.row_mut(1).assign(&row(nan, "?", 71.3, "?"));
    expected.row_mut(2).assign(&row(26.5, "C", nan, "10"));
    for language in languages() {
        let computed = compute(language, "words", &[of_model(&model, features.clone())]);
        assert_close(&computed[0].outputs, &expected, &format!("{language:?}"));
    }
}

/// Names that would end a comment or a string, continue a line, or turn text around.
#[test]
fn names_of_any_kind() {
    let names = [
        "a \"quoted\" \\ name\\",
        "*/ int evil; /*",
        "line\nend\r\n\ttab",
        "what??/",
        "\u{fc}\u{3b1}\u{4e2d}\u{1f600}",
        "\u{202e}reversed",
        "{} {0} %s %n",
        "\u{e9}1\u{7f}7",
        "// #define x \\",
        "",
    ];
    let n = names.len();
    let data = Dataset::<f64>::classification(Array2::eye(n), (0..n).collect(), n).unwrap();
    let data = data.with_feature_names(names).unwrap().with_class_names(names).unwrap();
    let preprocessing = Preprocessing::learn(&Table::from_dataset(&data)).unwrap();
    let layer = Layer::<f64>::new(Array2::eye(n), Array1::zeros(n), Softmax).unwrap();
    let model = Model::new(preprocessing, Network::from_layers(vec![layer]).unwrap()).unwrap();
    for language in languages() {
        let computed = &compute(language, "names", &[of_model(&model, Array2::eye(n))])[0];
        assert_eq!(computed.class_names, names, "{language:?}");
        assert_eq!(computed.classes, Vec::from_iter(0..n), "{language:?}");
    }
}

#[test]
fn the_head_names_shapes_features_and_classes() {
    let folder = Folder::new("code-head");
    let model = Model::<f32>::load(fixture("iris.safetensors")).unwrap();
    let heads = [C, Rust].map(|language| {
        match language {
            C => model.save_c(folder.file()).unwrap(),
            Rust => model.save_rust(folder.file()).unwrap(),
        }
        let text = fs::read_to_string(folder.file()).unwrap();
        text.split_once("\n\n").unwrap().0.to_string()
    });
    assert_eq!(heads[0], heads[1]);
    println!("{}", heads[0]);
    for line in ["// (F1) z = x W + b", "// x[0]: \"sepal length\"", "// y[2]: probability of \"virginica\""] {
        assert!(heads[0].lines().any(|found| found == line), "{line}: {}", heads[0]);
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let folder = Folder::new("code-refused");
    let half = Custom { name: "half", f: |z| z / 2.0, slope: |_, _| 0.5 };
    let model = mixed(half);
    for result in [
        model.save_c(folder.file()),
        model.save_rust(folder.file()),
        model.network().save_c(folder.file()),
        model.network().save_rust(folder.file()),
    ] {
        let error = message(result);
        let end = ": activation \"half\": expected one of the crate's, found a custom one, whose function cannot be written to a file";
        assert!(error.ends_with(end), "{error}");
    }
    let mut network = mixed(Identity).network().clone();
    network.layers_mut().next().unwrap().bias[1] = f64::NAN;
    let error = network.save_c(folder.file()).unwrap_err();
    assert!(matches!(error, Error::NotFinite { place: "bias", layer: Some(0), .. }), "{error}");
    assert!(!folder.file().exists());
    assert!(message(mixed(Identity).save_c(folder.file().join("in a file"))).contains("in a file: "));
}
