"""Grids, stages and the static slots that candidates fill.

A candidate's files are named by its slot (stage and grid positions), never by its values. What stands in a slot may
depend on the stage before (see :mod:`uhn.sweeps.stages`), but which slots there are does not, so that a DAG knows
every file before anything has run.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from uhn.errors import UserError
from uhn.metrics import higher_is_better

TOP = 3
EXTRA_SEEDS_STAGE = 4


@dataclass(frozen=True)
class Hyperparameters:
    """What a sweep chooses; budgets and steps are the paper's, before a scale shortens them.

    Args:
        train_lr: peak learning rate of training.
        train_budget: epochs or steps of training, as :attr:`SweepConfig.budget_unit` says.
        init_lr: learning rate of the initialisation phase; 0 without one.
        init_steps: steps of the initialisation phase; 0 without one.
    """

    train_lr: float
    train_budget: int
    init_lr: float = 0.0
    init_steps: int = 0

    @property
    def tie_key(self) -> tuple[int, float, int, float]:
        """Cheaper and smaller first: train budget, train lr, init steps, init lr."""
        return self.train_budget, self.train_lr, self.init_steps, self.init_lr

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return asdict(self)


@dataclass(frozen=True, order=True)
class Slot:
    """A place in a stage: positions in the stage's two grids, or a place among the best three (stage 4, j = 0)."""

    stage: int
    i: int
    j: int = 0

    @property
    def name(self) -> str:
        """``i<i>_j<j>``, in stage 4 ``r<i>``."""
        return f"r{self.i}" if self.stage == EXTRA_SEEDS_STAGE else f"i{self.i}_j{self.j}"

    @property
    def key(self) -> str:
        """``stage<k>/<name>``, also the path below the sweep's folder."""
        return f"stage{self.stage}/{self.name}"

    @classmethod
    def parse(cls, key: str) -> Slot:
        """Read :attr:`key`.

        Raises:
            UserError: not a slot's key.
        """
        if match := re.fullmatch(r"stage([123])/i(\d+)_j(\d+)", key):
            return cls(*map(int, match.groups()))
        if match := re.fullmatch(rf"stage{EXTRA_SEEDS_STAGE}/r(\d+)", key):
            return cls(EXTRA_SEEDS_STAGE, int(match[1]))
        raise UserError(f"'{key}' names no candidate; expected stage<k>/i<a>_j<b> or stage{EXTRA_SEEDS_STAGE}/r<k>")


@dataclass(frozen=True)
class Metric:
    """A validation metric that candidates are ranked by.

    Args:
        name: key among a run's metrics, e.g. ``validation/accuracy``.
        guardrail: the least accuracy or the largest RMSE, as a mean over seeds; None: no guardrail.
    """

    name: str
    guardrail: float | None = None

    @property
    def higher_is_better(self) -> bool:
        """The direction."""
        return higher_is_better(self.name)

    @property
    def bound(self) -> str:
        """The guardrail as text, e.g. ``>= 0.95``."""
        return f"{'>=' if self.higher_is_better else '<='} {self.guardrail:g}"

    def violated(self, mean: float) -> bool:
        """Tell whether a mean over seeds breaks the guardrail; the bound itself does not."""
        if self.guardrail is None:
            return False
        return mean < self.guardrail if self.higher_is_better else mean > self.guardrail


@dataclass(frozen=True)
class SweepConfig:
    """One search: which variant of which setting it tunes, its grids and its seeds.

    Stages of a ``four_stage`` search (paper, Appendix F): 1 train lr at the pioneer budget without
    initialisation, 2 initialisation, 3 train lr and budget, 4 extra seeds for the best three. A ``grid`` search
    has stage 1 (train lr x budget) and, if there are extra seeds, stage 4.

    Args:
        name: ``<setting>``, or ``<setting>_<variant>`` for variants other than ``uhn``.
        setting, variant: what is tuned.
        search: ``four_stage`` or ``grid``.
        budget_unit: ``epochs`` or ``steps``, of ``train_budget`` and ``pioneer_budget``.
        pioneer_budget: the budget of stages 1 and 2; None in a ``grid`` search.
        train_lr, train_budget, init_lr, init_steps: the grids; the last two are empty in a ``grid`` search.
        metrics: what candidates are ranked by, one per task.
        search_seeds: seeds of every candidate of stages 1 to 3.
        extra_seeds: further seeds of the best three; without any there is no stage 4.
        num_final: number of final runs, which train the winner on the full training data.
    """

    name: str
    setting: str
    variant: str
    search: str
    budget_unit: str
    pioneer_budget: int | None
    train_lr: tuple[float, ...]
    train_budget: tuple[int, ...]
    init_lr: tuple[float, ...]
    init_steps: tuple[int, ...]
    metrics: tuple[Metric, ...]
    search_seeds: tuple[int, ...]
    extra_seeds: tuple[int, ...]
    num_final: int

    @property
    def digest(self) -> str:
        """sha256 over all that decides; how often the winner is trained in the end does not."""
        definition = asdict(self)
        del definition["num_final"]
        return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()

    @property
    def four_stage(self) -> bool:
        """Whether the initialisation is searched too."""
        return self.search == "four_stage"

    @property
    def stages(self) -> tuple[int, ...]:
        """The stages in order."""
        search = (1, 2, 3) if self.four_stage else (1,)
        return (*search, EXTRA_SEEDS_STAGE) if self.extra_seeds else search

    @property
    def last_search_stage(self) -> int:
        """The stage after which guardrails hold for the first time."""
        return 3 if self.four_stage else 1

    def previous_stage(self, stage: int) -> int | None:
        """Return the stage whose selection a stage needs; None for the first.

        Raises:
            UserError: the sweep has no such stage.
        """
        self._check_stage(stage)
        position = self.stages.index(stage)
        return self.stages[position - 1] if position else None

    def axes(self, stage: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the two grids that a stage's positions ``i`` (outer) and ``j`` (inner) count.

        Raises:
            UserError: stage 4, which has no grid, or no stage of this sweep.
        """
        self._check_stage(stage)
        if stage == EXTRA_SEEDS_STAGE:
            raise UserError(f"sweep {self.name}: stage {stage} has no grid; expected one of {self.stages[:-1]}")
        if stage == 2:
            return self.init_lr, self.init_steps
        budgets = (self.pioneer_budget,) if stage == 1 and self.four_stage else self.train_budget
        return self.train_lr, budgets

    def slots(self, stage: int) -> tuple[Slot, ...]:
        """Return all slots of a stage, in the paper's order: the first grid is the outer loop."""
        self._check_stage(stage)
        if stage == EXTRA_SEEDS_STAGE:
            candidates = sum(len(self.slots(earlier)) for earlier in self.stages[:-1])
            return tuple(Slot(stage, place) for place in range(min(TOP, candidates)))
        outer, inner = self.axes(stage)
        return tuple(Slot(stage, i, j) for i, j in product(range(len(outer)), range(len(inner))))

    def seeds(self, stage: int) -> tuple[int, ...]:
        """Return the seeds of each candidate of a stage."""
        self._check_stage(stage)
        return self.extra_seeds if stage == EXTRA_SEEDS_STAGE else self.search_seeds

    @property
    def longest(self) -> Hyperparameters:
        """The largest budget and the most initialisation steps of any candidate, at the largest rates."""
        budget = max(*self.train_budget, self.pioneer_budget or 0)
        init_lr, init_steps = max(self.init_lr, default=0.0), max(self.init_steps, default=0)
        return Hyperparameters(max(self.train_lr), budget, init_lr, init_steps)

    def published_choice(self, variant: dict[str, Any]) -> Hyperparameters:
        """Read the paper's choice from a variant of an experiment file.

        Raises:
            UserError: the levels of a recursive chain differ in learning rate, which no candidate does.
        """
        train, init = variant["train"], variant["init"] if self.four_stage else {"lr": 0.0, "steps": 0}
        rates = set(init["lr"]) if isinstance(init["lr"], list) else {init["lr"]}
        if len(rates) > 1:
            raise UserError(
                f"sweep {self.name}: expected one init lr for all levels of {self.setting}, got {init['lr']}"
            )
        return Hyperparameters(train["lr"], train[self.budget_unit], rates.pop(), init["steps"])

    def _check_stage(self, stage: int) -> None:
        if stage not in self.stages:
            known = ", ".join(map(str, self.stages))
            raise UserError(f"sweep {self.name} has no stage {stage}; expected one of {known}")
