//! A checkpoint put together from lines, with offsets and checksum that fit, so that the fuzzer gets at what is behind
//! them: `key=text` is an entry of the metadata, `name:F64:2,3:number,number` a tensor, whose numbers are repeated until
//! it is full. What the lines do not speak of is as in a good checkpoint; a name alone takes it out.
#![no_main]

use chainrule::{Network, Trainer};
use common::{check_network, check_trainer, file};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// Without it, most inputs would lack something and be refused for that.
const GOOD: &str = include_str!("../seeds/checkpoint_parts/small");

const MOST: usize = 4096;

fuzz_target!(|text: &str| {
    let mut metadata = BTreeMap::new();
    let mut tensors = BTreeMap::new();
    for line in GOOD.lines().chain(text.lines()) {
        if let Some((key, text)) = line.split_once('=') {
            metadata.insert(key, text.to_string());
        } else if let [name, dtype, shape, numbers] = line.split(':').collect::<Vec<_>>()[..] {
            let shape: Vec<usize> = shape.split(',').filter_map(|n| n.parse().ok()).collect();
            let numbers: Vec<f64> = numbers.split(',').filter_map(|x| x.parse().ok()).collect();
            let size = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
            let numbers = numbers.iter().cycle().take(size.unwrap_or(0).min(MOST));
            let data: Vec<u8> = match dtype {
                "F32" => numbers.flat_map(|&x| (x as f32).to_le_bytes()).collect(),
                _ => numbers.flat_map(|&x| x.to_le_bytes()).collect(),
            };
            tensors.insert(name, (dtype, shape, data));
        } else {
            metadata.remove(line);
            tensors.remove(line);
        }
    }

    // FNV-1a, 64 bits: all metadata but the checksum, then name, type, shape and bytes of every tensor.
    let mut checksum: u64 = 0xcbf2_9ce4_8422_2325;
    let mut feed = |bytes: &[u8]| {
        bytes.iter().for_each(|&byte| checksum = (checksum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    };
    metadata.remove("checksum");
    for (key, text) in &metadata {
        feed(key.as_bytes());
        feed(text.as_bytes());
    }
    let mut header = Map::new();
    let mut contents = Vec::new();
    for (name, (dtype, shape, data)) in &tensors {
        feed(name.as_bytes());
        feed(dtype.as_bytes());
        shape.iter().for_each(|&n| feed(&(n as u64).to_le_bytes()));
        feed(data);
        let begin = contents.len();
        contents.extend(data);
        header.insert(
            name.to_string(),
            json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, contents.len()] }),
        );
    }
    metadata.insert("checksum", format!("{checksum:016x}"));
    header.insert("__metadata__".into(), json!(metadata));
    let header = serde_json::Value::from(header).to_string();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &contents].concat();

    let path = file(&bytes);
    match Trainer::<f64>::load_checkpoint(path) {
        Ok((trainer, network)) => check_trainer(trainer, network),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok((trainer, network)) = Trainer::<f32>::load_checkpoint(path) {
        check_trainer(trainer, network);
    }
    if let Ok(network) = Network::<f64>::load(path) {
        check_network(&network);
    }
});
