"""A step of the deepest chain at the paper's sizes: memory, and time as a multiple of what its levels cost alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.hypernetworks.chain import RecursiveChain
from uhn.models.generated_uhn import GeneratedUHNConfig
from uhn.models.registry import build_model
from uhn.models.settings import setting_ranges

CONFIG = UHNConfig(index_frequencies=1024, hidden_dim=64, structure_encoder=True)
STEP = """
import json, sys, time
from test_chain_cost import make_chain, step
from uhn.models.registry import build_model

leaf = build_model("mnist_mlp")
chain = make_chain(int(sys.argv[1]))

def seconds(generate):
    times = []
    for _ in range(3):
        start = time.process_time()
        step(generate())
        times.append(time.process_time() - start)
    return min(times)

whole = seconds(lambda: list(chain(leaf).values()))
parts = [seconds(lambda: [chain.root.generate_scalars(target)]) for target in (chain.inner, leaf)]
assert all(p.grad.isfinite().all() for p in chain.parameters())
line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([whole, 3 * parts[0] + parts[1], int(line.split()[1]) / 2**20]))
"""


def make_chain(memory_mb):
    torch.manual_seed(0)
    chain = RecursiveChain(
        CONFIG, GeneratedUHNConfig(), 3, setting_ranges("recursion"), GenerationConfig(memory_mb=memory_mb)
    )
    with torch.no_grad():  # as drawn, the third level overflows float32
        chain.root.trunk.readout.weight *= 0.1
    return chain


def step(tensors):
    sum(tensor.sum() for tensor in tensors).backward()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads peak memory from /proc")
@pytest.mark.parametrize("memory_mb, gib, ratio", [(4096, 4, 1.3), (64, 1.5, 2)])
def test_depth_3_on_a_cpu(memory_mb, gib, ratio):
    here = Path(__file__)
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (here.parents[3], here.parent))),
    }
    command = [sys.executable, "-c", STEP, str(memory_mb)]
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    whole, parts, peak = json.loads(found.stdout)
    assert peak < gib
    assert whole < ratio * parts


@pytest.mark.gpu
def test_depth_3_on_a_gpu_in_24_gib():
    leaf, chain = build_model("mnist_mlp"), make_chain(4096).cuda()
    torch.cuda.reset_peak_memory_stats()
    step(chain(leaf).values())
    assert torch.cuda.max_memory_allocated() < 24 << 30
