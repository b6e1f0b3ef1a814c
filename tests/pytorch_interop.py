"""Makes the fixtures that tests/files/main.rs compares with, and proves the way in both directions.

    pip install torch safetensors numpy
    CHAINRULE_WRITE_FIXTURES=1 cargo test --test save pytorch    # writes chainrule.safetensors (and fails: no outputs yet)
    python tests/pytorch_interop.py                              # writes the rest
    cargo test --test save pytorch
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

fixtures = Path(__file__).parent / "fixtures"
torch.manual_seed(1)
expected = {}


def record(name, model, inputs):
    with torch.no_grad():
        expected[name] = {"inputs": inputs.tolist(), "outputs": model(inputs).tolist()}


for name, number in ("f32", torch.float32), ("f64", torch.float64):
    model = nn.Sequential(
        nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3), nn.Softmax(dim=1)
    ).to(number)
    save_file(model.state_dict(), fixtures / f"pytorch_{name}.safetensors")
    record(name, model, torch.randn(5, 4, dtype=number))

# The network `written_here` of tests/files/main.rs; its identity layer has no activation module.
model = nn.Sequential(
    nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 3), nn.Sigmoid()
)
model.load_state_dict(load_file(fixtures / "chainrule.safetensors"))  # strict: every name and shape is the model's
record("chainrule", model, torch.randn(5, 4))

with open(fixtures / "pytorch.json", "w") as file:
    json.dump(expected, file, indent=1)
    file.write("\n")
