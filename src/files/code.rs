//! [`Model::save_c`] and [`Model::save_rust`], and those of [`Network`]: `predict` as source text, with the parameters
//! as constants.
//!
//! Both languages get the same file: a head of comments, the constants, a function per formula, `predict`, and
//! `classify` where there are classes. Numbers have the fewest digits that give the same bits back.

use crate::activation::Activation;
use crate::data::Scaling;
use crate::error::{FileProblem, Result, check_finite};
use crate::io::{AtomicFile, in_file};
use crate::model::Model;
use crate::network::Network;
use crate::real::{Real, entries};
use crate::special::TAIL;
use std::any::type_name;
use std::io::Write;
use std::path::Path;

impl<F: Real> Network<F> {
    /// Writes [`predict`](Self::predict) for one row as a C file, for a microcontroller or to read. It is C99, needs
    /// `math.h` alone, and allocates nothing:
    ///
    /// ```c
    /// void predict(const float x[4], float y[3]);    // double for f64
    /// ```
    ///
    /// Outputs agree with [`predict`](Self::predict) up to rounding. Inputs are not checked: with a NaN in `x`, `y` is
    /// NaN. Where a program takes several of these files, give each function its own name:
    /// `cc -Dpredict=iris_predict -c iris.c`.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the file cannot be written, and with [`FileProblem::NoOperator`] for a
    /// custom activation; [`Error::NotFinite`](crate::Error::NotFinite) for parameters that are not finite.
    ///
    /// ```
    /// use chainrule::{Activation, Layer, Network, ndarray::array};
    ///
    /// let layer = Layer::new(array![[0.1_f32], [-2.0]], array![0.5], Activation::Relu)?;
    /// let network = Network::from_layers(vec![layer])?;
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-c-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("network.c");
    /// network.save_c(&path)?;
    /// let code = std::fs::read_to_string(&path)?;
    /// assert!(code.contains("static const float w0[2] = {\n    0.1f,\n    -2.0f,\n};\n"));
    /// assert!(code.ends_with("
    /// void predict(const float x[2], float y[1]) {
    ///     affine(2, 1, w0, b0, x, y);
    ///     for (int j = 0; j < 1; j++) y[j] = relu(y[j]);
    /// }
    /// "));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_c(&self, path: impl AsRef<Path>) -> Result<()> {
        save(path.as_ref(), self, None, c)
    }

    /// Writes [`predict`](Self::predict) for one row as a Rust file without dependencies, a module to take into another
    /// program:
    ///
    /// ```ignore
    /// pub fn predict(x: &[f32; 4]) -> [f32; 3]
    /// ```
    ///
    /// Otherwise like [`save_c`](Self::save_c).
    ///
    /// # Errors
    /// As [`save_c`](Self::save_c).
    pub fn save_rust(&self, path: impl AsRef<Path>) -> Result<()> {
        save(path.as_ref(), self, None, rust)
    }
}

impl<F: Real> Model<F> {
    /// Writes [`predict`](Self::predict) for one row as a C file, for a microcontroller or to read. It is C99, needs
    /// `math.h` alone, and allocates nothing:
    ///
    /// ```c
    /// void predict(const float x[4], float y[3]);    // double for f64
    /// int classify(const float x[4]);                // with classes: an index into
    /// extern const char *const class_names[3];
    /// ```
    ///
    /// `x` are the features, [`Preprocessing::feature_names`](crate::Preprocessing::feature_names), unscaled: a column
    /// of numbers is one, a word stands as 1 in its own column among zeros. The head of the file lists them. Filling in
    /// missing numbers (NaN) and both scalings are in the code.
    ///
    /// Outputs agree with [`predict`](Self::predict) up to rounding. Inputs are not checked: with a NaN that has no
    /// fill-in, `y` is NaN. Where a program takes several of these files, give each function its own name, as in
    /// `cc -Dpredict=iris_predict -Dclassify=iris_classify -Dclass_names=iris_class_names -c iris.c`.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the file cannot be written, and with [`FileProblem::NoOperator`] for a
    /// custom activation; [`Error::NotFinite`](crate::Error::NotFinite) for parameters that are not finite.
    ///
    /// ```
    /// use chainrule::{Activation, Dataset, Layer, Model, Network, Preprocessing, Table, ndarray::array};
    ///
    /// // Celsius from Fahrenheit: on scaled numbers, the line is the diagonal.
    /// let data = Dataset::new(array![[32.0], [212.0]], array![[0.0], [100.0]])?.with_feature_names(["F"])?;
    /// let line = Layer::new(array![[1.0]], array![0.0], Activation::Identity)?;
    /// let network = Network::from_layers(vec![line])?;
    /// let model = Model::new(Preprocessing::learn(&Table::from_dataset(&data))?, network)?;
    /// # let folder = std::env::temp_dir().join(format!("chainrule-doc-model-c-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("celsius.c");
    /// model.save_c(&path)?;
    /// let code = std::fs::read_to_string(&path)?;
    /// assert!(code.ends_with("
    /// void predict(const double x[1], double y[1]) {
    ///     double s[1];
    ///     for (int i = 0; i < 1; i++) s[i] = (x[i] - shift[i]) / scale[i];
    ///     affine(1, 1, w0, b0, s, y);
    ///     for (int k = 0; k < 1; k++) y[k] = y[k] * target_scale[k] + target_shift[k];
    /// }
    /// "));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_c(&self, path: impl AsRef<Path>) -> Result<()> {
        save(path.as_ref(), self.network(), Some(self), c)
    }

    /// Writes [`predict`](Self::predict) for one row as a Rust file without dependencies, a module to take into another
    /// program:
    ///
    /// ```ignore
    /// pub fn predict(x: &[f32; 4]) -> [f32; 3]
    /// pub fn classify(x: &[f32; 4]) -> usize           // with classes: an index into
    /// pub const CLASS_NAMES: [&str; 3]
    /// ```
    ///
    /// Otherwise like [`save_c`](Self::save_c).
    ///
    /// # Errors
    /// As [`save_c`](Self::save_c).
    pub fn save_rust(&self, path: impl AsRef<Path>) -> Result<()> {
        save(path.as_ref(), self.network(), Some(self), rust)
    }
}

type Language<F> = fn(&Network<F>, Option<&Model<F>>) -> Result<String, FileProblem>;

/// Writes a network, or the model that it belongs to.
fn save<F: Real>(path: &Path, network: &Network<F>, model: Option<&Model<F>>, language: Language<F>) -> Result<()> {
    for (l, layer) in network.layers().iter().enumerate() {
        check_finite("weights", Some(l), &layer.affine.weights.view())?;
        check_finite("bias", Some(l), &layer.affine.bias.view())?;
    }
    let write = || -> Result<(), FileProblem> {
        let code = language(network, model)?;
        let mut file = AtomicFile::create(path, ".chainrule-", ".tmp")?;
        file.write_all(code.as_bytes())?;
        Ok(file.commit()?)
    };
    write().map_err(in_file(path))
}

/// A function of one number, in both languages. In C, `~` stands for the suffix of `float`: `exp~`, `0.5~`.
struct Formula {
    tag: &'static str,
    equation: &'static str,
    c: &'static str,
    rust: &'static str,
}

const SIGMOID: Formula = Formula {
    tag: "A2",
    equation: "a = 1 / (1 + e^-z), with an exponential that cannot overflow",
    c: "T e = exp~(-fabs~(z));\n    return (z < 0 ? e : 1) / (1 + e);",
    rust: "let e = (-z.abs()).exp();\n    (if z < 0.0 { e } else { 1.0 }) / (1.0 + e)",
};
const RELU: Formula =
    Formula { tag: "A4", equation: "a = max(0, z)", c: "return z < 0 ? 0 : z;", rust: "if z < 0.0 { 0.0 } else { z }" };
const LEAKY_RELU: Formula = Formula {
    tag: "A6",
    equation: "a = z where z > 0, else 0.01 z",
    c: "return z < 0 ? 0.01~ * z : z;",
    rust: "if z < 0.0 { 0.01 * z } else { z }",
};
const ELU: Formula = Formula {
    tag: "A7",
    equation: "a = z where z > 0, else e^z - 1",
    c: "return z < 0 ? expm1~(z) : z;",
    rust: "if z < 0.0 { z.exp_m1() } else { z }",
};
const SOFTPLUS: Formula = Formula {
    tag: "A8",
    equation: "a = ln(1 + e^z) = max(0, z) + ln(1 + e^-|z|)",
    c: "return (z < 0 ? 0 : z) + log1p~(exp~(-fabs~(z)));",
    rust: "(if z < 0.0 { 0.0 } else { z }) + (-z.abs()).exp().ln_1p()",
};
const SILU: Formula = Formula {
    tag: "A9",
    equation: "a = z / (1 + e^-z)",
    c: "T e = exp~(-fabs~(z));\n    return z * ((z < 0 ? e : 1) / (1 + e));",
    rust: "let e = (-z.abs()).exp();\n    z * ((if z < 0.0 { e } else { 1.0 }) / (1.0 + e))",
};
const GELU: Formula = Formula {
    tag: "A10",
    equation: "a = z (1 + erf(z / sqrt 2)) / 2",
    c: "return 0.5~ * z * erfc~(-0.7071067811865476~ * z);",
    rust: "let t = 5.0 / (5.0 + z.abs());\n    \
           let series = TAIL.iter().fold(0.0, |sum, c| sum * (2.0 * t - 1.0) + c);\n    \
           let tail = (-0.5 * z * z).exp() * t * series; // of the normal distribution, beyond |z|\n    \
           z * if z < 0.0 { tail } else { 1.0 - tail }",
};

/// What computes an activation: a function of the language, one from here, or softmax.
fn formula(activation: Activation) -> Result<Option<&'static Formula>, FileProblem> {
    Ok(match activation {
        Activation::Identity | Activation::Tanh | Activation::Softmax => None,
        Activation::Sigmoid => Some(&SIGMOID),
        Activation::Relu => Some(&RELU),
        Activation::LeakyRelu => Some(&LEAKY_RELU),
        Activation::Elu => Some(&ELU),
        Activation::Softplus => Some(&SOFTPLUS),
        Activation::Silu => Some(&SILU),
        Activation::Gelu => Some(&GELU),
        Activation::Custom { name, .. } => return Err(FileProblem::NoOperator { activation: name.into() }),
    })
}

/// The activations of the network that need a function here, each once.
fn used<F: Real>(network: &Network<F>) -> Result<Vec<(Activation, &'static Formula)>, FileProblem> {
    let mut used: Vec<(Activation, &Formula)> = Vec::new();
    for layer in network.layers() {
        if let Some(formula) = formula(layer.activation)?
            && !used.iter().any(|(activation, _)| *activation == layer.activation)
        {
            used.push((layer.activation, formula));
        }
    }
    Ok(used)
}

fn has<F: Real>(network: &Network<F>, activation: Activation) -> bool {
    network.layers().iter().any(|layer| layer.activation == activation)
}

/// The comments at the head, the same in both languages. Names stand as string literals, so that no name ends a
/// comment.
fn head<F: Real>(network: &Network<F>, model: Option<&Model<F>>) -> String {
    let mut text = String::from("// A network as plain code, by chainrule. predict takes one row.\n//\n");
    for line in network.summary().to_string().lines() {
        text += &format!("// {}\n", line.trim_end());
    }
    text += "//\n// (F1) z = x W + b\n// (F2) a = f(z), the inputs of the next layer\n";
    if let Some(preprocessing) = model.map(Model::preprocessing) {
        text += "//\n";
        for (i, name) in preprocessing.feature_names().iter().enumerate() {
            text += &format!("// x[{i}]: {name:?}\n");
        }
        text += "//\n";
        match preprocessing.classes() {
            // A single output is the probability of the second class.
            Some([_, second]) if network.outputs() == 1 => text += &format!("// y[0]: probability of {second:?}\n"),
            Some(classes) => {
                for (k, name) in classes.iter().enumerate() {
                    text += &format!("// y[{k}]: probability of {name:?}\n");
                }
            }
            None => {
                for (k, name) in preprocessing.targets().iter().enumerate() {
                    text += &format!("// y[{k}]: {name:?}\n");
                }
            }
        }
    }
    text
}

/// How a language writes constants: `static const float w0[8] = {`, each number with a suffix, and `};`.
struct Constants {
    open: fn(name: &str, number: &str, length: usize) -> String,
    close: &'static str,
    /// What is not a number.
    nan: &'static str,
}

impl Constants {
    /// An array of numbers by their shortest digits, a few per line; each row starts a line.
    fn array<N: Real>(&self, name: &str, number: &str, rows: &[N], width: usize) -> String {
        const PER_LINE: usize = 8;
        let suffix = if number == "float" { "f" } else { "" };
        let literal = |x: &N| if x.is_nan() { self.nan.into() } else { format!("{x:?}{suffix}") };
        let mut text = (self.open)(name, number, rows.len());
        for line in rows.chunks(width).flat_map(|row| row.chunks(PER_LINE)) {
            text += &format!("    {},\n", line.iter().map(literal).collect::<Vec<_>>().join(", "));
        }
        text + self.close
    }

    /// Weights and biases, and for a model what comes before and after the network. The scalings are in f64 everywhere.
    fn all<F: Real>(
        &self,
        names: fn(&str) -> String,
        [number, double]: [&str; 2],
        network: &Network<F>,
        model: Option<&Model<F>>,
    ) -> String {
        let mut text = String::new();
        for (l, layer) in network.layers().iter().enumerate() {
            let (weights, bias) = (entries(&layer.affine.weights), entries(&layer.affine.bias));
            text += &self.array(&names(&format!("w{l}")), number, weights, layer.outputs());
            text += &self.array(&names(&format!("b{l}")), number, bias, layer.outputs());
        }
        if let Some(preprocessing) = model.map(Model::preprocessing) {
            let fills = preprocessing.fills::<F>();
            if has_any(&fills) {
                text += &self.array(&names("fill"), number, &fills, fills.len());
            }
            text += &self.scaling("", preprocessing.scaling(), names, double);
            if let Some(scaling) = preprocessing.target_scaling() {
                text += &self.scaling("target_", scaling, names, double);
            }
        }
        text
    }

    fn scaling(&self, of: &str, scaling: &Scaling, names: fn(&str) -> String, double: &str) -> String {
        let (shift, scale) = (scaling.shift().to_vec(), scaling.scale().to_vec());
        self.array(&names(&format!("{of}shift")), double, &shift, shift.len())
            + &self.array(&names(&format!("{of}scale")), double, &scale, scale.len())
    }
}

/// Whether any feature has a fill-in.
fn has_any<F: Real>(fills: &[F]) -> bool {
    fills.iter().any(|fill| !fill.is_nan())
}

fn c<F: Real>(network: &Network<F>, model: Option<&Model<F>>) -> Result<String, FileProblem> {
    const CONSTANTS: Constants = Constants {
        open: |name, number, length| format!("static const {number} {name}[{length}] = {{\n"),
        close: "};\n",
        nan: "NAN",
    };
    let is_f32 = type_name::<F>() == "f32";
    let (number, suffix) = if is_f32 { ("float", "f") } else { ("double", "") };
    let (to_double, to_number) = if is_f32 { ("(double)", "(float)") } else { ("", "") };
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let classes = model.and_then(|model| model.preprocessing().classes());
    let predict = format!("void predict(const {number} x[{inputs}], {number} y[{outputs}])");
    let classify = format!("int classify(const {number} x[{inputs}])");

    let mut text = head(network, model);
    text += "\n#include <math.h>\n\n// x and y must not overlap.\n";
    text += &format!("{predict};\n");
    if let Some(classes) = classes {
        let count = classes.len();
        text +=
            &format!("// An index into class_names.\n{classify};\nextern const char *const class_names[{count}];\n");
        text += &format!("\nconst char *const class_names[{count}] = {{\n");
        classes.iter().for_each(|class| text += &format!("    {},\n", c_string(class)));
        text += "};\n";
    }
    text += "\n// Of a layer: weights, a row per input, and biases.\n";
    text += &CONSTANTS.all(str::to_string, [number, "double"], network, model);

    text += &format!(
        "
// (F1) z = x W + b
static void affine(int inputs, int outputs, const {number} *w, const {number} *b, const {number} *x, {number} *z) {{
    for (int j = 0; j < outputs; j++) z[j] = b[j];
    for (int i = 0; i < inputs; i++) {{
        for (int j = 0; j < outputs; j++) z[j] += x[i] * *w++;
    }}
}}
"
    );
    for (activation, Formula { tag, equation, c, .. }) in used(network)? {
        let body = c.replace('~', suffix).replace("T ", &format!("{number} "));
        let name = activation.name();
        text += &format!("\n// ({tag}) {equation}\nstatic {number} {name}({number} z) {{\n    {body}\n}}\n");
    }
    if has(network, Activation::Softmax) {
        text += &format!(
            "
// ({SOFTMAX_TAG}) {SOFTMAX}
static void softmax(int units, {number} *a) {{
    {number} max = a[0], sum = 0;
    for (int j = 1; j < units; j++) {{
        if (a[j] > max) max = a[j];
    }}
    for (int j = 0; j < units; j++) {{
        a[j] = exp{suffix}(a[j] - max);
        sum += a[j];
    }}
    for (int j = 0; j < units; j++) a[j] /= sum;
}}
"
        );
    }

    text += &format!("\n{predict} {{\n");
    let mut from = "x".to_string();
    if let Some(preprocessing) = model.map(Model::preprocessing) {
        let fills = has_any(&preprocessing.fills::<F>());
        let filled = if fills { "(isnan(x[i]) ? fill[i] : x[i])" } else { "x[i]" };
        let scaled = format!("({to_double}{filled} - shift[i]) / scale[i]");
        let scaled = if is_f32 { format!("{to_number}({scaled})") } else { scaled };
        text += &format!("    {number} s[{inputs}];\n    for (int i = 0; i < {inputs}; i++) s[i] = {scaled};\n");
        from = "s".into();
    }
    let last = network.layers().len() - 1;
    if let Some(widest) = network.layers()[..last].iter().map(|layer| layer.outputs()).max() {
        text += &format!("    {number} a[{}][{widest}]; // layers take turns\n", last.min(2));
    }
    for (l, layer) in network.layers().iter().enumerate() {
        let to = if l == last { "y".into() } else { format!("a[{}]", l % 2) };
        let (inputs, outputs) = (layer.inputs(), layer.outputs());
        text += &format!("    affine({inputs}, {outputs}, w{l}, b{l}, {from}, {to});\n");
        let function = match layer.activation {
            Activation::Tanh => format!("tanh{suffix}"),
            activation => activation.name().into(),
        };
        text += &match layer.activation {
            Activation::Identity => String::new(),
            Activation::Softmax => format!("    softmax({outputs}, {to});\n"),
            _ => format!("    for (int j = 0; j < {outputs}; j++) {to}[j] = {function}({to}[j]);\n"),
        };
        from = to;
    }
    if model.is_some_and(|model| model.preprocessing().target_scaling().is_some()) {
        let back = format!("{to_double}y[k] * target_scale[k] + target_shift[k]");
        let back = if is_f32 { format!("{to_number}({back})") } else { back };
        text += &format!("    for (int k = 0; k < {outputs}; k++) y[k] = {back};\n");
    }
    text += "}\n";

    if classes.is_some() {
        text += &format!("\n{classify} {{\n    {number} y[{outputs}];\n    predict(x, y);\n");
        text += &match outputs {
            1 => format!("    return y[0] > 0.5{suffix};\n}}\n"),
            _ => format!(
                "    int best = 0;\n    for (int k = 1; k < {outputs}; k++) {{\n        if (y[k] > y[best]) best = k;\n    \
                 }}\n    return best;\n}}\n"
            ),
        };
    }
    Ok(text)
}

const SOFTMAX_TAG: &str = "A5";
const SOFTMAX: &str = "a_j = e^z_j / sum of e^z, both divided by e^max";

fn rust<F: Real>(network: &Network<F>, model: Option<&Model<F>>) -> Result<String, FileProblem> {
    let number = type_name::<F>();
    let constants = Constants {
        open: |name, number, length| format!("static {name}: [{number}; {length}] = [\n"),
        close: "];\n",
        nan: if number == "f32" { "f32::NAN" } else { "f64::NAN" },
    };
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let classes = model.and_then(|model| model.preprocessing().classes());

    let mut text = head(network, model);
    if let Some(classes) = classes {
        text += &format!("\npub const CLASS_NAMES: [&str; {}] = [\n", classes.len());
        classes.iter().for_each(|class| text += &format!("    {class:?},\n"));
        text += "];\n";
    }
    text += "\n// Of a layer: weights, a row per input, and biases.\n";
    text += &constants.all(str::to_uppercase, [number, "f64"], network, model);
    if has(network, Activation::Gelu) {
        text += "\n// For the normal distribution, highest power first.\n";
        text += &constants.array("TAIL", number, &TAIL.map(F::from_f64), TAIL.len());
    }

    text += &format!(
        "
/// (F1) z = x W + b
fn affine<const O: usize>(w: &[{number}], b: &[{number}; O], x: &[{number}]) -> [{number}; O] {{
    let mut z = *b;
    for (x, w) in x.iter().zip(w.chunks_exact(O)) {{
        for (z, w) in z.iter_mut().zip(w) {{
            *z += x * w;
        }}
    }}
    z
}}
"
    );
    for (activation, Formula { tag, equation, rust, .. }) in used(network)? {
        let name = activation.name();
        text += &format!("\n/// ({tag}) {equation}\nfn {name}(z: {number}) -> {number} {{\n    {rust}\n}}\n");
    }
    if has(network, Activation::Softmax) {
        text += &format!(
            "
/// ({SOFTMAX_TAG}) {SOFTMAX}
fn softmax<const O: usize>(z: [{number}; O]) -> [{number}; O] {{
    let max = z.iter().fold(z[0], |max, &z| if z > max {{ z }} else {{ max }});
    let e = z.map(|z| (z - max).exp());
    let sum: {number} = e.iter().sum();
    e.map(|e| e / sum)
}}
"
        );
    }

    text += &format!("\npub fn predict(x: &[{number}; {inputs}]) -> [{number}; {outputs}] {{\n");
    let mut from = "x";
    if let Some(preprocessing) = model.map(Model::preprocessing) {
        let fills = has_any(&preprocessing.fills::<F>());
        let filled = if fills { "(if x[i].is_nan() { FILL[i] } else { x[i] })" } else { "x[i]" };
        let scaled = match number {
            "f32" => format!("((f64::from{} - SHIFT[i]) / SCALE[i]) as f32", in_brackets(filled)),
            _ => format!("({filled} - SHIFT[i]) / SCALE[i]"),
        };
        text += &format!("    let a: [{number}; {inputs}] = std::array::from_fn(|i| {scaled});\n");
        from = "&a";
    }
    for (l, layer) in network.layers().iter().enumerate() {
        let z = format!("affine(&W{l}, &B{l}, {from})");
        let a = match layer.activation {
            Activation::Identity => z,
            Activation::Softmax => format!("softmax({z})"),
            Activation::Tanh => format!("{z}.map({number}::tanh)"),
            activation => format!("{z}.map({})", activation.name()),
        };
        text += &format!("    let a = {a};\n");
        from = "&a";
    }
    text += &match model.is_some_and(|model| model.preprocessing().target_scaling().is_some()) {
        false => "    a\n}\n".into(),
        true => {
            let back = "* TARGET_SCALE[k] + TARGET_SHIFT[k]";
            let back = match number {
                "f32" => format!("(f64::from(a[k]) {back}) as f32"),
                _ => format!("a[k] {back}"),
            };
            format!("    std::array::from_fn(|k| {back})\n}}\n")
        }
    };

    if classes.is_some() {
        text += &format!("\n/// An index into `CLASS_NAMES`.\npub fn classify(x: &[{number}; {inputs}]) -> usize {{\n");
        text += match outputs {
            1 => "    usize::from(predict(x)[0] > 0.5)\n}\n",
            _ => {
                "    let y = predict(x);\n    (1..y.len()).fold(0, |best, k| if y[k] > y[best] { k } else { best })\n}\n"
            }
        };
    }
    Ok(text)
}

fn in_brackets(text: &str) -> String {
    if text.starts_with('(') { text.into() } else { format!("({text})") }
}

/// A string literal whose bytes are those of the text in every character set: all but plain ASCII in octal. `?` as
/// well, since `??/` is a backslash in C99.
fn c_string(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => literal += &format!("\\{}", char::from(byte)),
            b' '..=b'~' => literal.push(char::from(byte)),
            _ => literal += &format!("\\{byte:03o}"),
        }
    }
    literal + "\""
}
