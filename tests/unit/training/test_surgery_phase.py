"""Training with PCGrad: the gradients of a step, what a step works on, exact resume, half precision."""

import os
import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from uhn.configuration.generators import UHNConfig
from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import InitConfig, OptimizerConfig, RunConfig, TrainConfig
from uhn.data.sources import DataSource
from uhn.errors import UserError
from uhn.training import runner
from uhn.training.build import build_generator
from uhn.training.fit import Fit, Progress
from uhn.training.members import Member, load_members
from uhn.training.phases import Phase, plan_phases
from uhn.training.precision import autocast
from uhn.training.runner import JobOptions, train_run
from uhn.training.signals import Interrupted
from uhn.training.targets import Roles
from uhn.training.workload import Draws

CPU = torch.device("cpu")


class Weights(torch.nn.Module):
    """A generator that is its own weights."""

    def __init__(self, *values):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor(values))


def linear(*gradient):
    """A loss with this gradient everywhere."""
    return lambda generator: (generator.weights * torch.tensor(gradient)).sum()


def phase_of(*losses, seed=1):
    members = [Member(str(k), None, SimpleNamespace(roles=Roles(("model",), {}))) for k in range(len(losses))]
    return Phase("train", 3, lambda step: 0.1, losses, Draws(members, seed, "train"))


def step_gradient(phase, generator, scale=1.0):
    loss = phase.backward(generator, lambda: autocast("float32", CPU), lambda loss: scale * loss)
    gradient, generator.weights.grad = generator.weights.grad, None
    return gradient, loss


def test_a_conflicting_pair_by_hand():
    """(1, 0) against (-1, 1): the parts (1/2, 1/2) and (0, 1) remain. The loss at (2, 3) is 2 + (-2 + 3)."""
    gradient, loss = step_gradient(phase_of(linear(1.0, 0.0), linear(-1.0, 1.0)), Weights(2.0, 3.0))
    assert gradient.tolist() == [0.5, 1.5]
    assert (loss.item(), loss.requires_grad) == (3.0, False)


def test_a_scaled_loss_gives_scaled_gradients():
    phase = phase_of(linear(1.0, 0.0), linear(-1.0, 1.0))
    gradient, loss = step_gradient(phase, Weights(2.0, 3.0), scale=65536.0)
    assert gradient.tolist() == [0.5 * 65536, 1.5 * 65536]
    assert loss.item() == 3.0


def test_without_conflict_a_step_is_that_of_the_sum():
    def first(generator):
        return generator.weights.square().sum()

    def second(generator):
        return generator.weights.exp().sum()

    together, separate = Weights(0.3, 1.7, 0.2), Weights(0.3, 1.7, 0.2)
    (first(together) + second(together)).backward()
    gradient, _ = step_gradient(phase_of(first, second), separate)
    assert torch.equal(gradient, together.weights.grad)


def test_a_parameter_that_one_task_does_not_use():
    """Gradients (1, 1) and (-1, 0) with a parameter that only the first task has."""
    generator = Weights(2.0)
    generator.other = torch.nn.Parameter(torch.tensor([5.0]))
    phase = phase_of(lambda g: g.weights.sum() + g.other.sum(), lambda g: -g.weights.sum())
    phase.backward(generator, lambda: autocast("float32", CPU), lambda loss: loss)
    # (1, 1) - (-1)(-1, 0) = (0, 1), and (-1, 0) + 1/2 (1, 1) = (-1/2, 1/2)
    assert (generator.weights.grad.item(), generator.other.grad.item()) == (-0.5, 1.5)


class Journal:
    def write(self, **_):
        pass


def weights_after(precision, *losses):
    generator = Weights(2.0, 3.0)
    optimizer = OptimizerConfig((0.9, 0.999), 1e-8, 0.0)
    Fit(generator, [phase_of(*losses)], optimizer, Journal(), Progress(), precision=precision).run(lambda: True)
    return generator.weights.detach()


def test_half_precision_scales_the_losses_and_takes_the_same_steps():
    losses = (linear(1.0, 0.25), linear(-1.0, 0.5), linear(0.5, -1.0))
    assert not torch.equal(weights_after("float32", *losses), torch.tensor([2.0, 3.0]))
    assert torch.allclose(weights_after("float16", *losses), weights_after("float32", *losses), rtol=1e-6)


def test_half_precision_skips_a_step_in_which_one_task_overflows():
    """3e38 is a finite gradient, scaled by 65,536 it is not."""
    losses = (linear(3e38, 0.0), linear(-1.0, 1.0))
    assert weights_after("float16", *losses).tolist() == [2.0, 3.0]


FUNCTIONS = ("kv", "jv", "iv")
TASK = {"task": "formula_regression", "metric": "rmse"}


def mixture(steps=12, **changes):
    """Three functions learned together, in short runs of a small generator."""
    experiment = {
        "setting": "functions",
        "tasks": [TASK | {"name": f, "dataset": f, "model": f"kan_{f}", "probability": 1 / 3} for f in FUNCTIONS],
        "hypernetwork": {"structure_encoder": True},
        "variants": {
            "uhn": {
                "method": "uhn",
                "init": {"steps": 4, "lr": 1e-3},
                "train": {"steps": 1, "lr": 1e-3, "gradient_surgery": True},
            }
        },
    }
    config = resolve(experiment, "uhn", 21962, "demo")
    sizes = UHNConfig(index_frequencies=32, hidden_dim=16, structure_encoder=True)
    train = replace(config.train, budget=steps)
    return replace(config, hypernetwork=sizes, init=InitConfig(4, (1e-3,)), train=train, **changes)


def test_a_step_takes_one_batch_of_every_task_and_initialisation_one_target(monkeypatch):
    config = mixture()
    members = load_members(config, "train", DataSource("standin"), CPU)
    generator = build_generator(config, [member.targets for member in members])
    seen = []
    generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].name))
    init, train = plan_phases(config, members)
    for phase, count in ((init, 1), (train, 3)):
        seen.clear()
        phase.backward(generator, lambda: autocast("float32", CPU), lambda loss: loss)
        assert len(seen) == count
    assert seen == [f"kan_{name}" for name in FUNCTIONS]


@pytest.mark.parametrize("stop_after", [6, 9])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, monkeypatch, stop_after):
    config, options = mixture(), JobOptions(scratch=tmp_path / "scratch")
    assert RunConfig.from_dict(config.to_dict()) == config
    train_run(config, tmp_path / "whole", options)
    taken = []
    original = runner.Fit._step

    def step(self, phase):
        taken.append(phase)
        if len(taken) == stop_after:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self, phase)

    monkeypatch.setattr(runner.Fit, "_step", step)
    with pytest.raises(Interrupted):
        train_run(config, tmp_path / "parts", options)
    monkeypatch.undo()
    train_run(config, tmp_path / "parts", replace(options, resume=True))
    weights = [(tmp_path / name / "generator.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]


def test_the_order_of_the_projections_belongs_to_the_state():
    """Three gradients in conflict, so that the order decides."""
    losses = (linear(1.0, 0.2), linear(-1.0, 0.5), linear(0.1, -1.0))
    phase = phase_of(*losses)
    state = phase.draws.state()
    first = [step_gradient(phase, Weights(0.0, 0.0))[0].tolist() for _ in range(8)]
    assert len({tuple(gradient) for gradient in first}) > 1
    phase.draws.load_state(state)
    assert [step_gradient(phase, Weights(0.0, 0.0))[0].tolist() for _ in range(8)] == first


def test_pcgrad_generates_as_many_targets_as_the_mixture():
    experiment = load_experiment("multi_task")
    plain, surgery = (resolve(experiment, variant, 21962, "paper") for variant in ("uhn", "uhn_pcgrad"))
    assert abs(surgery.train.budget * len(surgery.tasks) - plain.train.budget) < len(surgery.tasks)
    assert surgery.train == replace(plain.train, budget=surgery.train.budget, gradient_surgery=True)
    assert replace(surgery, variant="uhn", train=plain.train) == plain


def test_surgery_on_one_task_is_a_mistake():
    experiment = load_experiment("kan_kv")
    train = experiment["variants"]["uhn"]["train"] | {"gradient_surgery": True}
    changed = experiment | {"variants": {"uhn": experiment["variants"]["uhn"] | {"train": train}}}
    with pytest.raises(UserError, match=r"setting .kan_kv., variant .uhn.: gradient_surgery .* this setting has one"):
        resolve(changed, "uhn", 21962, "paper")


def test_other_runs_do_without():
    assert TrainConfig(1, "steps", 0.1, 0).gradient_surgery is False
