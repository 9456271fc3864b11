"""The resolved configuration of one run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from uhn import CODE_VERSION
from uhn.hypernetworks.config import GenerationConfig, UHNConfig
from uhn.paths import run_key


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW's constants, the same in every phase."""

    betas: tuple[float, float]
    eps: float
    weight_decay: float


@dataclass(frozen=True)
class InitConfig:
    """The initialisation phase: ``steps`` optimiser steps, cosine from ``lr``; 0 steps switch it off."""

    steps: int
    lr: float


@dataclass(frozen=True)
class TrainConfig:
    """The training phase: warm-up, then cosine from ``lr`` to 0 over ``epochs``."""

    epochs: int
    lr: float
    warmup_epochs: int


@dataclass(frozen=True)
class RunConfig:
    """Everything that determines the numbers of one run.

    Args:
        setting, variant, seed, scale: which run it is.
        task: kind of task, e.g. ``formula_regression``.
        dataset: name of the data set.
        model: name of the target model.
        metric: the reported metric, e.g. ``rmse``.
        method: how the target gets its weights: ``uhn`` or ``direct``.
        hypernetwork: sizes of the generator; None for direct training.
        generation: how generation is evaluated; None for direct training.
        init: the initialisation phase; None for direct training.
        train: the training phase.
        optimizer: constants of AdamW.
    """

    setting: str
    variant: str
    seed: int
    scale: str
    task: str
    dataset: str
    model: str
    metric: str
    method: str
    hypernetwork: UHNConfig | None
    generation: GenerationConfig | None
    init: InitConfig | None
    train: TrainConfig
    optimizer: OptimizerConfig

    @property
    def key(self) -> str:
        """``<setting>/<variant>/seed<k>``."""
        return run_key(self.setting, self.variant, self.seed)

    @property
    def digest(self) -> str:
        """sha256 over the configuration and CODE_VERSION: equal digests mean equal numbers on one machine."""
        payload = json.dumps({"config": self.to_dict(), "code_version": CODE_VERSION}, sort_keys=True)
        return hashlib.sha256(payload.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunConfig:
        """Rebuild a configuration from :meth:`to_dict`."""
        optimizer = data["optimizer"] | {"betas": tuple(data["optimizer"]["betas"])}
        return cls(
            **data
            | {
                "hypernetwork": data["hypernetwork"] and UHNConfig(**data["hypernetwork"]),
                "generation": data["generation"] and GenerationConfig(**data["generation"]),
                "init": data["init"] and InitConfig(**data["init"]),
                "train": TrainConfig(**data["train"]),
                "optimizer": OptimizerConfig(**optimizer),
            }
        )
