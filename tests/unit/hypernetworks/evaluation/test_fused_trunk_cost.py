"""What a step through the fused trunk costs, as ratios to the module, at the size of the Cora GCN."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from uhn.hypernetworks.evaluation.fused_trunk import tape_bytes

ROWS, WIDTH, BLOCKS = 92231, 128, 2

# One process per variant, because a process's peak memory cannot be reset.
STEP = f"""
import json, sys, time, torch
from uhn.hypernetworks.evaluation.fused_trunk import fused_trunk
from uhn.hypernetworks.uhn import Trunk

def peak_bytes():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])

def step():
    hidden = h * 1  # as the first layer's output: nobody else holds it
    if variant == "module":
        values = trunk(hidden, None)
    else:
        values = fused_trunk(hidden, trunk.residual_stack(), recompute=variant == "recompute")
    del hidden
    values.backward(upstream)

variant = sys.argv[1]
torch.manual_seed(0)
trunk = Trunk(1, {WIDTH}, {BLOCKS})
trunk.first = torch.nn.Identity()
h, upstream = torch.randn({ROWS}, {WIDTH}, requires_grad=True), torch.randn({ROWS})
h.grad = torch.zeros_like(h)
before, seconds = peak_bytes(), []
for _ in range(4):
    start = time.process_time()
    step()
    seconds.append(time.process_time() - start)
print(json.dumps([min(seconds), peak_bytes() - before]))
"""


@pytest.fixture(scope="module")
def cost():
    """Measure (CPU seconds, bytes at the peak) of a step, under the default allocator, one thread, by variant."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "THP_"))}
    environment["OMP_NUM_THREADS"] = "1"

    def measure(variant):
        command = [sys.executable, "-c", STEP, variant]
        root = Path(__file__).parents[4]
        return json.loads(subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True).stdout)

    return {variant: measure(variant) for variant in ("module", "keep", "recompute")}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads peak memory from /proc")
def test_cost_of_a_step(cost):
    (module_seconds, module_bytes), (keep_seconds, keep_bytes), (recompute_seconds, recompute_bytes) = cost.values()
    assert module_seconds / keep_seconds > 1.3
    assert module_seconds / recompute_seconds > 1.1
    assert keep_bytes < 0.7 * module_bytes
    assert recompute_bytes < 0.6 * keep_bytes
    # Beside the tape: the first layer's output while it lasts, its gradient, and chunks.
    gradients = 2 * 4 * ROWS * WIDTH
    assert keep_bytes < tape_bytes(ROWS, WIDTH, BLOCKS) + gradients + (64 << 20)
    assert recompute_bytes < tape_bytes(ROWS, WIDTH, BLOCKS, recompute=True) + gradients + (64 << 20)
