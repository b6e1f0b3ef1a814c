"""Opens the ONNX files of tests/fixtures with onnxruntime, and compares its outputs with the crate's.

    pip install onnx onnxruntime
    CHAINRULE_WRITE_FIXTURES=1 cargo test --test table onnx    # writes the files, and what the crate computes
    python tests/onnx_interop.py
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

fixtures = Path(__file__).parent / "fixtures"
for name, case in json.load(open(fixtures / "onnx.json")).items():
    model = onnx.load(fixtures / f"{name}.onnx")
    onnx.checker.check_model(model, full_check=True)
    print(name, {entry.key: entry.value for entry in model.metadata_props})
    session = onnxruntime.InferenceSession(fixtures / f"{name}.onnx")
    number = {"tensor(float)": np.float32, "tensor(double)": np.float64}[session.get_inputs()[0].type]
    inputs = np.array([[float(x) for x in row] for row in case["inputs"]], dtype=number)
    found, expected = session.run(["outputs"], {"inputs": inputs})[0], np.array(case["outputs"])
    error = np.abs(found - expected) / (1 + np.abs(expected))
    assert found.shape == expected.shape and error.max() < (1e-13 if number == np.float64 and name != "gelu-f64" else 1e-6), (name, error.max())
    print(name, "agrees within", error.max())
