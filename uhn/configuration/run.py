"""The resolved configuration of one run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from uhn import CODE_VERSION
from uhn.configuration.generators import ChunkedConfig, GenerationConfig, HAConfig, UHNConfig
from uhn.errors import UserError
from uhn.paths import run_key

# Seeds of runs are below it, as NumPy's are, which draws the data of formulas from them.
NUM_SEEDS = 2**32

Hypernetwork = UHNConfig | HAConfig | ChunkedConfig
HYPERNETWORKS = {"uhn": UHNConfig, "ha": HAConfig, "chunked": ChunkedConfig}


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW's constants, the same in every phase."""

    betas: tuple[float, float]
    eps: float
    weight_decay: float


@dataclass(frozen=True)
class InitConfig:
    """The initialisation phase.

    Args:
        steps: optimiser steps in all, shared equally by the levels of a recursive chain; 0 switches it off.
        lr: peak learning rate of each level; one number where there is no recursion.
        warmup_steps: of each level.
        clip_norm: largest global gradient norm, None without clipping.
    """

    steps: int
    lr: tuple[float, ...]
    warmup_steps: int = 0
    clip_norm: float | None = None


@dataclass(frozen=True)
class TrainConfig:
    """The training phase: linear warm-up, then cosine from ``lr`` to 0.

    Args:
        budget: length in units.
        unit: ``epochs``, or ``steps`` where there is no common epoch; the schedule advances once per unit.
        lr: peak learning rate.
        warmup: units of warm-up.
        clip_norm: largest global gradient norm, None without clipping.
        gradient_surgery: a step works on every task and combines their gradients by PCGrad; otherwise it works on one
            task, drawn at random.
    """

    budget: int
    unit: str
    lr: float
    warmup: int
    clip_norm: float | None = None
    gradient_surgery: bool = False


@dataclass(frozen=True)
class TargetReduction:
    """How much smaller the target models of a run are than the paper's; the defaults change nothing.

    Args:
        width_divisor: of hidden widths.
        depth_divisor: of repeated layers.
        members: models of a family in use; None uses all. Each split keeps at least one.
        reported: models of each group, seen and unseen, whose results are reported; None reports the paper's share of
            the members, at least two.

    Raises:
        UserError: more reported models than a third of the members.
    """

    width_divisor: int = 1
    depth_divisor: int = 1
    members: int | None = None
    reported: int | None = None

    def __post_init__(self) -> None:
        if self.reported and self.members and 3 * self.reported > self.members:
            raise UserError(
                f"targets: expected at most a third of the {self.members} members reported, got {self.reported}"
            )

    @property
    def digest(self) -> str:
        """A short name of this reduction."""
        reported = f"r{self.reported}" if self.reported else ""
        return f"w{self.width_divisor}d{self.depth_divisor}m{self.members or 'all'}{reported}"


@dataclass(frozen=True)
class TaskConfig:
    """A task of a run: data, loss and the target models that solve it.

    Args:
        name: prefix of its metrics where a run has several tasks.
        kind: ``formula_regression``, ``image_classification``, ``node_classification`` or ``text_classification``.
        dataset: name of the data set.
        model: name of a target model, or of a family of them.
        metric: the reported metric.
        batch_size: examples of a step; None takes all.
        probability: share of the steps in a mixture of tasks.
        reduction: of its target models.
    """

    name: str
    kind: str
    dataset: str
    model: str
    metric: str
    batch_size: int | None = None
    probability: float = 1.0
    reduction: TargetReduction = TargetReduction()

    @property
    def computed(self) -> bool:
        """Whether its data are computed from a formula, not read from files."""
        return self.kind == "formula_regression"


@dataclass(frozen=True)
class RunConfig:
    """Everything that determines the numbers of one run.

    Args:
        setting, variant, seed, scale: which run it is.
        mode: ``final`` trains on all training data and is tested; ``tuning`` holds out a part and is validated.
        source: ``published`` data sets, ``standin`` ones, or ``formula`` where all data are computed.
        tasks: one, or several that share the generator.
        method: how targets get their weights: ``uhn``, ``direct``, ``ha`` or ``chunked``.
        hypernetwork: sizes of the generator; None for direct training.
        generation: how generation is evaluated; None unless the method is ``uhn``.
        depth: generated UHNs between the root and the target (recursion), None without a chain.
        init: the initialisation phase; None without one.
        train: the training phase.
        optimizer: constants of AdamW.
        precision: device -> ``float32``, ``bfloat16`` or ``float16``, the latter two by autocast.

    Raises:
        UserError: a seed that NumPy does not take.
    """

    setting: str
    variant: str
    seed: int
    scale: str
    mode: str
    source: str
    tasks: tuple[TaskConfig, ...]
    method: str
    hypernetwork: Hypernetwork | None
    generation: GenerationConfig | None
    depth: int | None
    init: InitConfig | None
    train: TrainConfig
    optimizer: OptimizerConfig
    precision: dict[str, str]

    def __post_init__(self) -> None:
        if not 0 <= self.seed < NUM_SEEDS:
            raise UserError(f"seed {self.seed}: expected an integer from 0 to {NUM_SEEDS - 1}")

    @property
    def key(self) -> str:
        """``<setting>/<variant>/seed<k>``."""
        return run_key(self.setting, self.variant, self.seed)

    @property
    def digest(self) -> str:
        """The run's identity, on the present CODE_VERSION; see :meth:`digest_of`."""
        return self.digest_of(CODE_VERSION)

    def digest_of(self, code_version: int) -> str:
        """Return sha256 over the configuration and a code version: equal digests mean equal numbers on one machine."""
        payload = json.dumps({"config": self.to_dict(), "code_version": code_version}, sort_keys=True)
        return hashlib.sha256(payload.encode()).hexdigest()

    def hyperparameters(self, device: str) -> dict[str, Any]:
        """Return what a table may state beside a result, as plain data.

        Args:
            device: kind of the device that trained, which decides the precision.
        """
        init, train = self.init, self.train
        return {
            "init_lr": list(init.lr) if init and init.steps else None,
            "init_steps": init.steps if init else 0,
            "init_warmup": init.warmup_steps if init else 0,
            "init_clip_norm": init.clip_norm if init else None,
            "train_lr": train.lr,
            "train_budget": train.budget,
            "train_unit": train.unit,
            "train_warmup": train.warmup,
            "train_clip_norm": train.clip_norm,
            "batch_size": [task.batch_size for task in self.tasks],
            "precision": self.precision[device],
            "generator": self.to_dict()["hypernetwork"],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunConfig:
        """Rebuild a configuration from :meth:`to_dict`."""
        return cls(
            **data
            | {
                "tasks": tuple(
                    TaskConfig(**task | {"reduction": TargetReduction(**task["reduction"])}) for task in data["tasks"]
                ),
                "hypernetwork": data["hypernetwork"]
                and HYPERNETWORKS[data["method"]](**with_tuples(data["hypernetwork"])),
                "generation": data["generation"] and GenerationConfig(**data["generation"]),
                "init": data["init"] and InitConfig(**with_tuples(data["init"])),
                "train": TrainConfig(**data["train"]),
                "optimizer": OptimizerConfig(**with_tuples(data["optimizer"])),
            }
        )


def with_tuples(data: dict[str, Any]) -> dict[str, Any]:
    """Return plain data with tuples in place of lists, as frozen dataclasses need them."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
