"""A run killed outright, at any moment, ends with the same bytes as an uninterrupted one."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from cli_process import REPOSITORY, uhn

SCALE = """label: test
data: standin
tasks:
  formula_regression:
    train_fraction: 0.02
    init_fraction: 0.2
    hypernetwork_divisor: {index_frequencies: 32, hidden_dim: 8}
"""


@pytest.mark.parametrize("trial", range(3))
def test_sigkill_and_resume(tmp_path, trial):
    import shutil

    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    (tmp_path / "config" / "scales" / "test.yaml").write_text(SCALE)
    command = ("train", "--setting", "kan_kv", "--variant", "uhn", "--seed", "21962", "--scale", "test")
    assert uhn(*command, "--out", "whole", "--scratch", "scratch0", cwd=tmp_path).returncode == 0

    resumed = (*command, "--out", "parts", "--resume", "--checkpoint-every", "0")
    process = subprocess.Popen(
        [sys.executable, "-m", "uhn", *resumed],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
    )
    while not list(tmp_path.glob("scratch/runs/*/checkpoint")):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.001)
    delay = random.Random(trial).uniform(0, 0.2)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, f"the run ended within {delay:.3f} s of its first checkpoint"

    assert uhn(*resumed, cwd=tmp_path).returncode == 0
    for name in ("generator.safetensors",):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), f"delay {delay}"
    strip = [line.split(b', "elapsed_s"')[0] for line in (tmp_path / "whole/metrics.jsonl").read_bytes().splitlines()]
    again = [line.split(b', "elapsed_s"')[0] for line in (tmp_path / "parts/metrics.jsonl").read_bytes().splitlines()]
    assert strip == again
