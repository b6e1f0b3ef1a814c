//! The safetensors format: named tensors, and text metadata.
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 8 | n, the length of the header, little-endian |
//! | 8 | n | the header, a JSON object |
//! | 8 + n | the rest | the numbers, row-major, little-endian |
//!
//! The header maps each tensor's name to its `dtype`, `shape` and `data_offsets` \[begin, end\], and `__metadata__` to
//! an object of strings. Offsets count from the end of the header and leave no gap. The number types F16, BF16, F32 and
//! F64 are read, and F32 and F64 are written.

use crate::error::FileProblem;
use crate::io::{read_up_to, size};
use crate::real::{Real, word};
use ndarray::{Array, ArrayView, Dimension, IxDyn};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Read;
use std::ops::Range;
use std::str::FromStr;

/// The maximum length of a header: at about a hundred bytes per tensor or column, enough for thousands of layers and a
/// hundred thousand columns.
const HEADER_LIMIT: u64 = 1 << 24;

/// The contents of a file, for reading and for writing.
#[derive(Default)]
pub struct SafeTensors {
    pub(super) metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Tensor>,
    data: Vec<u8>,
    /// Whether F64 numbers may be taken as `f32`.
    pub(super) round: bool,
}

struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    /// The range of its numbers in the data.
    bytes: Range<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
}

impl Dtype {
    const ALL: [Dtype; 4] = [Dtype::F16, Dtype::Bf16, Dtype::F32, Dtype::F64];

    fn name(self) -> &'static str {
        match self {
            Dtype::F16 => "F16",
            Dtype::Bf16 => "BF16",
            Dtype::F32 => "F32",
            Dtype::F64 => "F64",
        }
    }

    /// Bytes per number.
    fn width(self) -> usize {
        match self {
            Dtype::F16 | Dtype::Bf16 => 2,
            Dtype::F32 => 4,
            Dtype::F64 => 8,
        }
    }

    /// The numbers in these bytes. Only F64 to `f32` rounds.
    fn numbers<F: Real>(self, bytes: &[u8]) -> Vec<F> {
        fn each<F: Real, const WIDTH: usize>(bytes: &[u8], number: impl Fn([u8; WIDTH]) -> f64) -> Vec<F> {
            bytes.as_chunks().0.iter().map(|&bytes| F::from_f64(number(bytes))).collect()
        }
        match self {
            Dtype::F16 => each(bytes, |bytes| f16(u16::from_le_bytes(bytes))),
            Dtype::Bf16 => each(bytes, |[low, high]| f32::from_le_bytes([0, 0, low, high]).into()),
            Dtype::F32 => each(bytes, |bytes| f32::from_le_bytes(bytes).into()),
            Dtype::F64 => each(bytes, f64::from_le_bytes),
        }
    }
}

/// The number with these bits as an IEEE half: 1 bit of sign, 5 of exponent, 10 of fraction.
fn f16(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24), // subnormal
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { size } else { -size }
}

impl SafeTensors {
    /// Inserts an array of any memory layout, in row-major order.
    pub(super) fn insert<F: Real, D: Dimension>(&mut self, tensor: String, array: ArrayView<'_, F, D>) {
        let begin = self.data.len();
        array.iter().for_each(|&x| write_le(x, &mut self.data));
        let bytes = begin..self.data.len();
        let dtype = if number_type::<F>() == "f32" { Dtype::F32 } else { Dtype::F64 };
        self.tensors.insert(tensor, Tensor { dtype, shape: array.shape().to_vec(), bytes });
    }

    /// Removes a tensor and returns it as an array. Narrower numbers are widened; F64 is rounded to `f32` on request
    /// only.
    pub(super) fn take<F: Real, D: Dimension>(&mut self, tensor: &str) -> Result<Array<F, D>, FileProblem> {
        let wrong = |expected: String, found: String| FileProblem::Tensor { name: tensor.into(), expected, found };
        let Some(Tensor { dtype, shape, bytes }) = self.tensors.remove(tensor) else {
            return Err(wrong("a tensor of this name".into(), "none".into()));
        };
        if dtype == Dtype::F64 && number_type::<F>() == "f32" && !self.round {
            let found = "F64: load them as f64, or rounded by Network::loader().round(true)";
            return Err(wrong("F32 numbers for f32".into(), found.into()));
        }
        let dimensions = D::NDIM.unwrap_or(shape.len());
        if dimensions != shape.len() {
            return Err(wrong(format!("{dimensions} dimensions"), format!("shape {shape:?}")));
        }
        let numbers = dtype.numbers(&self.data[bytes]);
        let array = Array::from_shape_vec(IxDyn(&shape), numbers).and_then(Array::into_dimensionality);
        array.map_err(|error| wrong("dimensions that fit into memory".into(), format!("shape {shape:?}: {error}")))
    }

    /// The names of the remaining tensors.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A metadata entry.
    pub(super) fn text(&self, key: &'static str, expected: &str) -> Result<&str, FileProblem> {
        let missing = || FileProblem::Metadata { key, expected: expected.into(), found: None };
        self.metadata.get(key).map(String::as_str).ok_or_else(missing)
    }

    /// A metadata entry, parsed.
    pub(super) fn value<T: FromStr>(&self, key: &'static str, expected: &str) -> Result<T, FileProblem> {
        let text = self.text(key, expected)?;
        text.parse().map_err(|_| FileProblem::Metadata { key, expected: expected.into(), found: Some(text.into()) })
    }

    /// The same, or a default where there is no such entry.
    pub(super) fn value_or<T: FromStr>(&self, key: &'static str, expected: &str, default: T) -> Result<T, FileProblem> {
        if self.metadata.contains_key(key) { self.value(key, expected) } else { Ok(default) }
    }

    pub(super) fn put_value(&mut self, key: &str, value: impl Display) {
        self.metadata.insert(key.into(), value.to_string());
    }

    /// Serialises the contents and adds a checksum to the metadata. Equal contents give equal bytes.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, FileProblem> {
        let mut metadata = self.metadata.clone();
        metadata.insert("checksum".into(), self.checksum());
        let mut header = Map::from_iter([("__metadata__".into(), json!(metadata))]);
        for (name, tensor) in &self.tensors {
            let Tensor { shape, bytes, .. } = tensor;
            let entry =
                json!({ "dtype": tensor.dtype.name(), "shape": shape, "data_offsets": [bytes.start, bytes.end] });
            header.insert(name.clone(), entry);
        }
        let mut header = Value::from(header).to_string();
        while header.len() % 8 != 0 {
            header.push(' '); // aligns the numbers to 8 bytes
        }
        let length = word(header.len());
        check_header_length(length)?;
        Ok([&length.to_le_bytes(), header.as_bytes(), &self.data].concat())
    }

    /// Reads a file. Memory grows with the bytes that arrive, whatever the header claims.
    pub(super) fn read(mut reader: impl Read) -> Result<Self, FileProblem> {
        let start = read_up_to(&mut reader, 8)?;
        let length: [u8; 8] =
            start[..].try_into().map_err(|_| FileProblem::Truncated { expected: 8, found: size(&start) })?;
        let length = u64::from_le_bytes(length);
        check_header_length(length)?;
        let header = read_up_to(&mut reader, length)?;
        if size(&header) < length {
            return Err(FileProblem::Truncated { expected: 8 + length, found: 8 + size(&header) });
        }
        let bad = |message: String| FileProblem::Header { message };
        let header: Map<String, Value> =
            serde_json::from_slice(&header).map_err(|error| bad(format!("expected a JSON object: {error}")))?;

        let mut file = SafeTensors::default();
        for (name, entry) in header {
            if name == "__metadata__" {
                file.metadata = strings(entry).ok_or_else(|| bad("expected strings in __metadata__".into()))?;
            } else {
                let tensor = Tensor::parse(&name, &entry)?;
                file.tensors.insert(name, tensor);
            }
        }
        let end = word(file.check_offsets()?);
        file.data = read_up_to(&mut reader, end.saturating_add(1))?;
        let (expected, found) = ((8 + length).saturating_add(end), 8 + length + size(&file.data));
        match found {
            _ if found < expected => Err(FileProblem::Truncated { expected, found }),
            _ if found > expected => Err(FileProblem::Trailing { expected }),
            _ => Ok(file),
        }
    }

    /// Checks that the tensors leave no gap, and returns the end of the last one.
    fn check_offsets(&self) -> Result<usize, FileProblem> {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(_, tensor)| (tensor.bytes.start, tensor.bytes.end));
        tensors.iter().try_fold(0, |end, (name, Tensor { bytes, .. })| {
            let (expected, found) = (format!("data from offset {end}"), format!("from {}", bytes.start));
            let gap = FileProblem::Tensor { name: name.to_string(), expected, found };
            if bytes.start == end { Ok(bytes.end) } else { Err(gap) }
        })
    }

    /// Compares the contents with the checksum in the metadata.
    pub(super) fn check_checksum(&self) -> Result<(), FileProblem> {
        let (expected, found) = (self.text("checksum", "16 hexadecimal digits")?.to_string(), self.checksum());
        if found == expected { Ok(()) } else { Err(FileProblem::Checksum { expected, found }) }
    }

    /// FNV-1a, 64 bits, over everything except the checksum itself. Every step is a bijection of the state, so a change
    /// of one byte always changes the result.
    fn checksum(&self) -> String {
        let mut state: u64 = 0xcbf2_9ce4_8422_2325;
        let mut feed = |bytes: &[u8]| {
            for &byte in bytes {
                state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for (key, text) in self.metadata.iter().filter(|(key, _)| *key != "checksum") {
            feed(key.as_bytes());
            feed(text.as_bytes());
        }
        for (name, tensor) in &self.tensors {
            feed(name.as_bytes());
            feed(tensor.dtype.name().as_bytes());
            tensor.shape.iter().for_each(|&n| feed(&word(n).to_le_bytes()));
            feed(&self.data[tensor.bytes.clone()]);
        }
        format!("{state:016x}")
    }
}

impl Tensor {
    /// Parses a tensor's header entry, and checks that its bytes match number type and shape.
    fn parse(name: &str, entry: &Value) -> Result<Self, FileProblem> {
        let counts = |key| -> Option<Vec<usize>> {
            entry.get(key)?.as_array()?.iter().map(|n| n.as_u64()?.try_into().ok()).collect()
        };
        let fields = || {
            let [begin, end] = counts("data_offsets")?.try_into().ok()?;
            Some((entry.get("dtype")?.as_str()?, counts("shape")?, begin, end))
        };
        let message = || format!("tensor {name:?}: expected dtype, shape and data_offsets");
        let (dtype, shape, begin, end): (_, _, usize, usize) =
            fields().ok_or_else(|| FileProblem::Header { message: message() })?;

        let wrong = |expected: String, found: String| FileProblem::Tensor { name: name.into(), expected, found };
        let Some(dtype) = Dtype::ALL.into_iter().find(|known| known.name() == dtype) else {
            return Err(wrong("numbers of type F16, BF16, F32 or F64".into(), dtype.into()));
        };
        let size = shape.iter().try_fold(dtype.width(), |product: usize, &n| product.checked_mul(n));
        if size.is_some() && size == end.checked_sub(begin) {
            return Ok(Tensor { dtype, shape, bytes: begin..end });
        }
        let expected = format!("the bytes of {} numbers in shape {shape:?}", dtype.name());
        Err(wrong(expected, format!("data_offsets [{begin}, {end}]")))
    }
}

fn check_header_length(found: u64) -> Result<(), FileProblem> {
    if found <= HEADER_LIMIT { Ok(()) } else { Err(FileProblem::HeaderTooLong { limit: HEADER_LIMIT, found }) }
}

/// The strings in `__metadata__`. Some writers put `null` for an entry without a value, or for no metadata at all.
fn strings(entry: Value) -> Option<BTreeMap<String, String>> {
    let entries = if entry.is_null() { Map::new() } else { entry.as_object()?.clone() };
    let string = |(key, value): (String, Value)| Some((key, value.as_str()?.to_string()));
    entries.into_iter().filter(|(_, value)| !value.is_null()).map(string).collect()
}

/// The name of a number type: `f32` or `f64`.
pub(super) fn number_type<F: Real>() -> &'static str {
    if size_of::<F>() == size_of::<f32>() { "f32" } else { "f64" }
}

/// Appends a number in little-endian order, four bytes or eight.
fn write_le<F: Real>(x: F, bytes: &mut Vec<u8>) {
    match x.to_f32() {
        Some(x) if number_type::<F>() == "f32" => bytes.extend(x.to_le_bytes()),
        _ => bytes.extend(x.f64().to_le_bytes()),
    }
}
