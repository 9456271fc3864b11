"""One optimiser step on losses given by hand: gradients, scaling, clipping, surgery, what it runs and reads."""

from types import SimpleNamespace

import pytest
import torch
from given_losses import Losses, Weights, linear, members_of
from tiny_runs import tiny_run

from uhn.data.sources import STANDIN
from uhn.models.registry import build_model
from uhn.training.build import build_generator
from uhn.training.draws import Draws
from uhn.training.initialise import statistics_loss
from uhn.training.members import Member, load_members
from uhn.training.phases import Phase
from uhn.training.precision import make_scaler
from uhn.training.step import take_step
from uhn.training.targets import Roles
from uhn.training.tasks.base import Batch

CPU = torch.device("cpu")


class Gradients:
    """An optimiser that notes what it is given and changes nothing."""

    _step_supports_amp_scaling = True

    def __init__(self, generator):
        self.parameters = list(generator.parameters())
        self.param_groups = [{"params": self.parameters}]
        self.device = CPU

    def step(self, lr):
        self.lr, self.seen = lr, [parameter.grad for parameter in self.parameters]
        for parameter in self.parameters:
            parameter.grad = None


def take(generator, *tasks, draws=None, precision="float32", step=0, **phase):
    """Take a step, with gradient surgery on several tasks; return the optimiser and the result."""
    draws = draws or Draws(members_of(*tasks), 1, "train")
    phase = Phase(**{"kind": "train", "steps": 3, "peak_lr": 0.1, "warmup": 0} | phase)
    optimizer = Gradients(generator)
    result = take_step(phase, step, draws, generator, optimizer, make_scaler(precision, CPU), precision)
    return optimizer, result


def gradient(*arguments, **options):
    optimizer, _ = take(*arguments, **options)
    return optimizer.seen[0].tolist()


def test_a_step_gives_the_optimiser_gradient_and_learning_rate():
    """Half-way through four steps without warm-up the cosine has come down to half of its peak."""
    optimizer, result = take(Weights(2.0, 3.0), [linear(1.0, -4.0)], steps=4, peak_lr=0.8, step=2)
    assert optimizer.seen[0].tolist() == [1.0, -4.0]
    assert optimizer.lr == result.lr == pytest.approx(0.4)
    assert (result.loss.item(), result.loss.requires_grad, result.gradient_norm) == (2 - 12, False, None)


def test_float16_scales_the_gradient_and_not_the_reported_loss():
    optimizer, result = take(Weights(2.0, 3.0), [linear(1.0, 0.5)], precision="float16")
    assert optimizer.seen[0].tolist() == [65536.0, 32768.0]
    assert result.loss.item() == 3.5


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_clipping_sees_the_gradient_without_its_scale(precision):
    """Gradient (3, 4) of norm 5, clipped to 1."""
    optimizer, result = take(Weights(1.0, 1.0), [linear(3.0, 4.0)], precision=precision, clip_norm=1.0)
    assert optimizer.seen[0].tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
    assert result.gradient_norm.item() == pytest.approx(5.0)


def test_a_gradient_below_the_limit_is_not_stretched():
    optimizer, result = take(Weights(1.0, 1.0), [linear(0.03, 0.04)], clip_norm=1.0)
    assert optimizer.seen[0].tolist() == pytest.approx([0.03, 0.04])
    assert result.gradient_norm.item() == pytest.approx(0.05)


def test_a_conflicting_pair_by_hand():
    """(1, 0) against (-1, 1): the parts (1/2, 1/2) and (0, 1) remain. The loss at (2, 3) is 2 + (-2 + 3)."""
    tasks = [linear(1.0, 0.0)], [linear(-1.0, 1.0)]
    optimizer, result = take(Weights(2.0, 3.0), *tasks, gradient_surgery=True)
    assert optimizer.seen[0].tolist() == [0.5, 1.5]
    assert (result.loss.item(), result.loss.requires_grad) == (3.0, False)
    optimizer, result = take(Weights(2.0, 3.0), *tasks, gradient_surgery=True, precision="float16")
    assert optimizer.seen[0].tolist() == [0.5 * 65536, 1.5 * 65536]
    assert result.loss.item() == 3.0


def test_without_conflict_a_step_is_that_of_the_sum():
    def first(outputs):
        return outputs.weights.square().sum()

    def second(outputs):
        return outputs.weights.exp().sum()

    together = Weights(0.3, 1.7, 0.2)
    (first(together) + second(together)).backward()
    expected = together.weights.grad.tolist()
    assert gradient(Weights(0.3, 1.7, 0.2), [first], [second], gradient_surgery=True) == expected


def test_a_parameter_that_one_task_does_not_use():
    """Gradients (1, 1) and (-1, 0) with a parameter that only the first task has."""
    generator = Weights(2.0)
    generator.other = torch.nn.Parameter(torch.tensor([5.0]))
    tasks = [lambda out: out.weights.sum() + out.other.sum()], [lambda out: -out.weights.sum()]
    optimizer, _ = take(generator, *tasks, gradient_surgery=True)
    # (1, 1) - (-1)(-1, 0) = (0, 1), and (-1, 0) + 1/2 (1, 1) = (-1/2, 1/2)
    assert [seen.item() for seen in optimizer.seen] == [-0.5, 1.5]


def test_the_order_of_the_projections_belongs_to_the_state_of_the_draws():
    """Three gradients in conflict, so that the order decides."""
    draws = Draws(members_of([linear(1.0, 0.2)], [linear(-1.0, 0.5)], [linear(0.1, -1.0)]), 1, "train")
    options = {"draws": draws, "gradient_surgery": True}
    state = draws.state()
    first = [gradient(Weights(0.0, 0.0), **options) for _ in range(8)]
    assert len(set(map(tuple, first))) > 1
    draws.load_state(state)
    assert [gradient(Weights(0.0, 0.0), **options) for _ in range(8)] == first


def test_a_step_works_on_one_task_and_with_surgery_on_each():
    for surgery, batches in ((False, [1]), (True, [1, 1, 1])):
        members = members_of(*[[linear(1.0)]] * 3)
        take(Weights(1.0), draws=Draws(members, 1, "train"), gradient_surgery=surgery)
        assert [member.task.taken for member in members if member.task.taken] == batches


class Doubling:
    """A target model that doubles its input, and negates it outside of training."""

    training = False

    def train(self):
        self.training = True
        return self

    def rows_read(self, inputs):
        return {"weights": inputs.long()}

    def run(self, weights, inputs):
        return inputs * weights["weights"] * (2.0 if self.training else -2.0)


class Numbers(Losses):
    """A batch of two numbers; the loss is the sum of the differences."""

    def next_batch(self):
        return Batch((torch.tensor([1.0, 2.0]),), torch.tensor([0.0, 10.0]))

    def loss(self, outputs, labels):
        return (outputs - labels).sum()


@pytest.mark.parametrize("uses_rows", [True, False])
def test_a_step_runs_the_target_in_training_mode_on_the_next_batch(uses_rows):
    """Generators that gain by it are told which rows the batch reads."""

    class Noting(Weights):
        def forward(self, target, rows=None):
            self.rows = rows
            return super().forward(target)

    Noting.uses_rows = uses_rows
    generator = Noting(3.0)
    target = Doubling()
    targets = SimpleNamespace(roles=Roles(("doubling",), {}), build=lambda name: target)
    _, result = take(generator, draws=Draws([Member("numbers", Numbers(), targets)], 1, "train"))
    assert result.loss.item() == 2 * 3 * (1 + 2) - 10
    assert (generator.rows and generator.rows["weights"].tolist()) == ([1, 2] if uses_rows else None)


def test_an_initialisation_step_reads_no_batch():
    target = build_model("kan_kv")
    targets = SimpleNamespace(roles=Roles(("kan_kv",), {}), build=lambda name: target)
    vector = torch.randn(target.num_params, generator=torch.Generator().manual_seed(0))

    class Fixed(Weights):
        def forward(self, target, rows=None):
            return target.unflatten(self.weights)

    draws = Draws([Member("kv", None, targets)], 1, "init")
    _, result = take(Fixed(*vector.tolist()), draws=draws, kind="init")
    assert result.loss.item() == pytest.approx(statistics_loss(target, target.unflatten(vector)).item())


@pytest.mark.parametrize("level", [0, 1, 2])
def test_an_initialisation_step_of_a_chain_generates_nothing_below_its_level(at_home, level):
    config = tiny_run("recursion_k2")
    (member,) = load_members(config, "train", STANDIN, CPU)
    chain = build_generator(config, [member.targets])
    with torch.no_grad():
        expected = statistics_loss(*list(chain.levels(member.targets.only()))[level]).item()
    generated = []
    engine, scalars = chain.root.engine, chain.root.engine.scalars
    engine.scalars = lambda target, *rest: (generated.append(target.name), scalars(target, *rest))[1]
    _, result = take(chain, draws=Draws([member], 1, "init"), kind="init", level=level)
    assert generated == ["generated_uhn", "generated_uhn", "mnist_mlp"][: level + 1]
    assert result.loss.item() == pytest.approx(expected, rel=1e-6)
