"""Generators from files: one that a user saved, or a trained run of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from uhn.errors import UserError
from uhn.hypernetworks.generator import Generator
from uhn.hypernetworks.saved import DESCRIPTION, read_saved
from uhn.hypernetworks.uhn import UHN
from uhn.models.base import Target, TargetModel
from uhn.runs.folder import RUN
from uhn.training.generate import TrainedRun


def load(path: Path | str, targets: Target | Iterable[Target] = ()) -> Generator:
    """Load a generator, on the CPU.

    Args:
        path: folder that `UHN.save` wrote, or of a trained run of the pipeline (``results/<scale>/runs/.../seed<k>``).
        targets: targets that were saved with the generator, adapted anew from modules of the same make and under the
            same names: they get their running statistics and frozen parameters back.

    Raises:
        UserError: files are missing or damaged, the run diverged, or a target was not saved or does not fit.
    """
    path = Path(path)
    targets = [targets] if isinstance(targets, Target) else list(targets)
    if not (path / DESCRIPTION).exists():
        if targets:
            raise UserError(f"{path}: has no saved targets; expected a folder of generator.save(folder, targets)")
        return _trained_run(path).generator()
    saved = read_saved(path)
    if missing := [target.name for target in targets if target.name not in saved.carried]:
        known = ", ".join(saved.carried) or "(none)"
        raise UserError(f"{path}: no target '{missing[0]}' was saved with the generator; expected one of {known}")
    generator = UHN.from_saved(saved)
    for target in targets:
        target.carry(saved.carried[target.name])
    return generator


def load_targets(path: Path | str) -> Mapping[str, TargetModel]:
    """Return the target models of a trained run of the pipeline, by name. They are built when they are asked for.

    Raises:
        UserError: files are missing or damaged, or the run diverged.
    """
    return _Targets(_trained_run(Path(path)))


class _Targets(Mapping[str, TargetModel]):
    def __init__(self, run: TrainedRun) -> None:
        self._run = run

    def __getitem__(self, name: str) -> TargetModel:
        if name not in self._run.names():
            raise KeyError(name)
        return self._run.target(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.names())

    def __len__(self) -> int:
        return len(self._run.names())


def _trained_run(path: Path) -> TrainedRun:
    if not (path / RUN).exists():
        raise UserError(f"{path}: holds neither {DESCRIPTION} of a saved generator nor {RUN} of a trained run")
    return TrainedRun(path)
