"""A guard, not a reference: these numbers change only together with CODE_VERSION, which reruns every result.

After a change that is meant to change numbers, raise ``uhn.CODE_VERSION`` and regenerate the file with
``python tests/reference/test_golden_trace.py``.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from uhn import CODE_VERSION
from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import InitConfig, TrainConfig
from uhn.data.sources import DataSource
from uhn.training.build import build_generator
from uhn.training.fit import Fit, Progress
from uhn.training.phases import plan_phases
from uhn.training.runner import load_members

GOLDEN = Path(__file__).parent / "golden_trace.json"
RUNS = {"kan_kv/uhn": {}, "kan_kv/direct": {}, "kan_jv/uhn": {}, "kan_ellipj/uhn": {"structure_encoder": True}}


class Recorder:
    """Collects losses instead of writing a file."""

    def __init__(self):
        self.losses = []

    def write(self, loss, **_):
        self.losses.append(loss)


def trace(name):
    """Losses of three initialisation and five training steps at the paper's sizes.

    In float64: in float32 the last digits, which differ between processors, reach the third digit in five steps.
    """
    setting, variant = name.split("/")
    config = resolve(load_experiment(setting), variant, 21962, "paper")
    config = replace(config, train=TrainConfig(5, "epochs", config.train.lr, 2))
    if config.init:
        sizes = replace(config.hypernetwork, **RUNS[name])
        config = replace(config, init=InitConfig(3, config.init.lr), hypernetwork=sizes)
    torch.manual_seed(0)
    members = load_members(config, "train", DataSource("standin"), torch.device("cpu"))
    (member,) = members
    recorder = Recorder()
    generator = build_generator(config, [member.targets]).double()
    member.targets.build(config.tasks[0].model).double()
    member.task.inputs, member.task.targets = member.task.inputs.double(), member.task.targets.double()
    Fit(generator, plan_phases(config, members), config.optimizer, recorder, Progress(), members).run(lambda: True)
    return recorder.losses


@pytest.mark.parametrize("name", RUNS)
def test_numbers_change_only_with_code_version(name):
    golden = json.loads(GOLDEN.read_text())
    assert golden["code_version"] == CODE_VERSION, "CODE_VERSION was raised: regenerate the golden trace"
    assert trace(name) == pytest.approx(golden["losses"][name], rel=1e-8), (
        "the numbers a run produces have changed: raise uhn.CODE_VERSION and regenerate the golden trace"
    )


if __name__ == "__main__":
    GOLDEN.write_text(
        json.dumps({"code_version": CODE_VERSION, "losses": {n: trace(n) for n in RUNS}}, indent=1) + "\n"
    )
