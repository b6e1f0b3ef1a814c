"""Opens the ONNX files of tests/fixtures with onnxruntime and with tract, and compares their outputs with the crate's.

    pip install onnx onnxruntime tract
    CHAINRULE_WRITE_FIXTURES=1 cargo test --test table onnx    # writes the files, and what the crate computes
    python tests/onnx_interop.py
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tract

fixtures = Path(__file__).parent / "fixtures"


def by_onnxruntime(path, inputs):
    return onnxruntime.InferenceSession(path).run(["outputs"], {"inputs": inputs})[0]


def by_tract(path, inputs):
    return tract.onnx().load(path).into_model().into_runnable().run([inputs])[0].to_numpy()


for name, case in json.load(open(fixtures / "onnx.json")).items():
    path = fixtures / f"{name}.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    print(name, {entry.key: entry.value for entry in model.metadata_props})
    is_f64 = model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
    inputs = np.array([[float(x) for x in row] for row in case["inputs"]], dtype=np.float64 if is_f64 else np.float32)
    expected = np.array(case["outputs"])
    for run in (by_onnxruntime, by_tract):
        found = run(path, inputs)
        error = (np.abs(found - expected) / (1 + np.abs(expected))).max()
        # The error function is one of f32.
        assert found.shape == expected.shape and error < (1e-13 if is_f64 and name != "gelu-f64" else 1e-6), (name, error)
        print(f"{name}: {run.__name__} agrees within {error:.1e}")
