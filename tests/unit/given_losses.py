"""Training on losses that a test gives: the generator is its own weights, and a batch is a function of them."""

from types import SimpleNamespace

import torch
from torch import nn

from uhn.configuration.run import OptimizerConfig
from uhn.hypernetworks.generator import Generator
from uhn.training.fit import Fit
from uhn.training.members import Member
from uhn.training.phases import Phase
from uhn.training.targets import Roles
from uhn.training.tasks.base import Batch

ADAM = OptimizerConfig((0.9, 0.999), 1e-8, 0.0)


class Weights(Generator):
    """A generator of one vector, ``weights``."""

    def __init__(self, *values):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(values))

    def forward(self, target, rows=None):
        return dict(self.named_parameters())


class Target:
    """A target model whose output is its weights."""

    def train(self):
        return self

    def run(self, weights):
        return SimpleNamespace(**weights)


class Targets:
    """The one target model of a task."""

    roles = Roles(("model",), {})

    def build(self, name):
        return Target()


class Losses:
    """A task with one loss per batch, in endless passes."""

    def __init__(self, *losses):
        self.losses, self.taken = losses, 0

    def next_batch(self):
        self.taken += 1
        return Batch((), self.losses[(self.taken - 1) % len(self.losses)])

    def loss(self, outputs, labels):
        return labels(outputs)

    def state(self):
        return {"taken": self.taken}


class Entries(list):
    """A journal in memory."""

    def write(self, **entry):
        self.append(entry)

    def flush(self):
        return len(self)


def linear(*gradient):
    """Return a loss with this gradient everywhere."""
    return lambda outputs: (outputs.weights * torch.tensor(gradient)).sum()


def members_of(*tasks):
    """Return the members of a run on tasks, each given by its losses."""
    return [Member(str(number), Losses(*losses), Targets(), 1 / len(tasks)) for number, losses in enumerate(tasks)]


def fit_of(generator, *tasks, steps=None, lr=0.1, precision="float32", seed=1, optimizer=ADAM, **phase):
    """Return the loop of one training phase at a constant learning rate; by default a step for each loss of a task."""
    # no warm-up, and one unit of the schedule: the cosine stays at its peak
    steps = steps or len(tasks[0])
    phases = [Phase("train", steps, lr, 0, steps_per_epoch=steps, **phase)]
    return Fit(generator, phases, members_of(*tasks), seed, optimizer, Entries(), precision)
