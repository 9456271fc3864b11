"""Generating the largest single model with the full-size UHN stays within a workstation's memory."""

import subprocess
import sys

import pytest

CODE = """
import resource
import torch
from uhn.configuration.generators import UHNConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model

target = build_model("cifar10_cnn56")
generator = UHN(UHNConfig(), target.ranges())
sum(w.square().sum() for w in generator(target).values()).backward()
assert all(p.grad.abs().sum() > 0 for p in generator.parameters())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
def test_cnn56_forward_and_backward_in_6_gib():
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert float(found.stdout) < 6
