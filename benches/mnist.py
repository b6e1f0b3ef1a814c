"""What benches/mnist.rs measures, with PyTorch: the recipes, the stop, the seconds and the lines are the same.

    MNIST_DIR=DIR python benches/mnist.py --only 784-100-10 --threads 2 --seeds 3

The time includes shuffling and evaluation, but not reading the data and drawing the weights. The test set only decides
when the clock stops. One difference remains: PyTorch's velocity is a sum of gradients, multiplied by the rate of the
current step. In chainrule's velocity, every gradient has the rate of its own step. So they differ for some steps after
the rate changes, which it does between epochs and by little.
"""

import argparse
import gzip
import os
import statistics
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# network: units, hidden layer, start of the weights, rate, rows of a batch, epochs in which the rate falls to 0, target
RECIPES = {
    "784-100-10": (100, nn.Sigmoid, nn.init.xavier_normal_, 0.2, 100, 30, 0.979),
    "784-800-10": (800, nn.ReLU, nn.init.kaiming_normal_, 0.1, 64, 20, 0.984),
}


def read(folder, name):
    """The images, 0 to 1, and the labels; the header of an IDX file is 4 bytes, and 4 for every dimension."""
    parts = []
    for part, header in (("images-idx3", 16), ("labels-idx1", 8)):
        content = gzip.decompress((folder / f"{name}-{part}-ubyte.gz").read_bytes())
        parts.append(torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=header))
    return parts[0].reshape(-1, 784).float() / 255, parts[1].long()


@torch.inference_mode()
def evaluate(model, x, y):
    """Cost and accuracy, because chainrule's validation computes both; all rows at once is fastest here."""
    outputs = model(x)
    return F.cross_entropy(outputs, y).item(), (outputs.argmax(1) == y).sum().item() / len(y)


def train(recipe, train_set, test_set, seed):
    """The seconds, the epochs, and the accuracy after the last one."""
    units, hidden, init, rate, batch, epochs, target = recipe
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(784, units), hidden(), nn.Linear(units, 10))
    weights, biases = [model[0].weight, model[2].weight], [model[0].bias, model[2].bias]
    for weight, bias in zip(weights, biases):
        init(weight)
        nn.init.zeros_(bias)
    groups = [{"params": weights, "weight_decay": 5e-5}, {"params": biases}]
    sgd = torch.optim.SGD(groups, lr=rate, momentum=0.9, fused=True)  # the fastest of its implementations on a CPU
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, epochs)
    x, y = train_set
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        for rows in torch.randperm(len(x)).split(batch):
            sgd.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            sgd.step()
        schedule.step()
        _, accuracy = evaluate(model, *test_set)
        if accuracy >= target:
            break
    return time.perf_counter() - start, epoch, accuracy


parser = argparse.ArgumentParser()
parser.add_argument("--only", default=",".join(RECIPES))
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seeds", type=int, default=3)
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)
folder = Path(os.environ["MNIST_DIR"])
sets = read(folder, "train"), read(folder, "t10k")
for network in arguments.only.split(","):
    goal = RECIPES[network][-1]
    name, target = f"{network} torch {arguments.threads} threads", f"{100 * goal:.1f} %"
    times = []
    for seed in range(1, arguments.seeds + 1):
        seconds, epochs, accuracy = train(RECIPES[network], *sets, seed)
        word = "after" if accuracy >= goal else "not reached after"
        result = f"{word} {seconds:.2f} s, {epochs} epochs (accuracy {100 * accuracy:.2f} %)"
        print(f"{name} seed {seed}: {target} {result}", flush=True)
        times.append(seconds if accuracy >= goal else float("inf"))
    print(f"{name} median of {arguments.seeds} seeds: {target} after {statistics.median_high(times):.2f} s", flush=True)
