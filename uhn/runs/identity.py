"""Which run the files of a folder belong to, and whether they belong together.

A run's identity is the digest of its resolved configuration (``RunConfig.digest``). Every file carries it, every reader
recomputes it from ``run.json`` and compares. The files of a run name one another's checksums: training.json those of
run.json, metrics.jsonl and generator.safetensors; result.json those of the first two and of training.json. Neither
times of files nor device, threads or the place of data say anything about a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from uhn import CODE_VERSION
from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.files import sha256_of
from uhn.runs.folder import (
    GENERATOR,
    KERNEL,
    METRICS,
    RESULT,
    RUN,
    TRAINING,
    read_result,
    read_run,
    read_training,
)
from uhn.runs.journal import read_owner

# Differences between two configurations that a message names.
NAMED = 3


class Trained(NamedTuple):
    """A finished training: its configuration and the content of its JSON files."""

    config: RunConfig
    run: dict[str, Any]
    training: dict[str, Any]


class Finished(NamedTuple):
    """A finished run: its configuration and the content of its JSON files."""

    config: RunConfig
    run: dict[str, Any]
    result: dict[str, Any]


def read_identity(folder: Path, expected: RunConfig | None = None) -> tuple[RunConfig, dict[str, Any]]:
    """Read ``run.json`` and the configuration in it.

    Args:
        folder: of the run.
        expected: the configuration that it must have; None: whichever it has.

    Raises:
        UserError: the file is missing or damaged, its configuration is not the one that its digest names, or not the
            expected one.
    """
    path, run = folder / RUN, read_run(folder)
    try:
        config = RunConfig.from_dict(run["config"])
        digest = config.digest_of(run["code_version"])
    except (AttributeError, KeyError, TypeError, ValueError, UserError) as error:
        raise UserError(
            f"{path}: holds no configuration of a run ({error}); delete the run and rerun its job"
        ) from None
    if digest != run["config_digest"]:
        raise UserError(
            f"{path}: its configuration is that of run {digest[:12]}, expected {run['config_digest'][:12]} as it says; "
            "restore the file, or delete the run and rerun its job"
        )
    for name in ("setting", "variant", "seed", "scale"):
        if run[name] != (value := getattr(config, name)):
            raise UserError(f"{path}: {name} is {run[name]!r}, expected {value!r} as in its configuration")
    if expected is not None and (what := difference(config, run["code_version"], expected)):
        raise UserError(f"{folder}: {what}; rerun its job, or restore the configuration")
    return config, run


def read_trained(folder: Path, expected: RunConfig | None = None, weights: bool = True) -> Trained:
    """Read a finished training whose files belong together.

    Args:
        folder: of the run.
        expected: the configuration that it must have; None: whichever it has.
        weights: whether generator.safetensors must be there; candidates of a sweep do not keep it.

    Raises:
        UserError: a file is missing, damaged or of another run; one line that names both sides.
    """
    config, run = read_identity(folder, expected)
    training = read_training(folder)
    _same_run(folder / TRAINING, training["config_digest"], run)
    _same_run(folder / METRICS, read_owner(folder / METRICS), run)
    _bound(folder, TRAINING, training, RUN, METRICS)
    if weights:
        _same_run(folder / GENERATOR, read_metadata(folder / GENERATOR).get("run"), run)
        _bound(folder, TRAINING, training, GENERATOR)
    return Trained(config, run, training)


def read_finished(folder: Path, expected: RunConfig | None = None, weights: bool = False) -> Finished:
    """Read a finished run whose files belong together.

    Args:
        folder: of the run.
        expected: the configuration that it must have; None: whichever it has.
        weights: whether training.json and generator.safetensors must be there. If not, training.json is checked
            where result.json says that it is kept.

    Raises:
        UserError: a file is missing, damaged or of another run; one line that names both sides.
    """
    config, run = read_identity(folder, expected)
    result = read_result(folder)
    for name in ("setting", "variant", "seed", "scale", "code_version"):
        if result[name] != run[name]:
            raise UserError(f"{folder / RESULT}: {name} is {result[name]!r}, expected {run[name]!r} as in {RUN}")
    _same_run(folder / RESULT, result["config_digest"], run)
    _same_run(folder / METRICS, read_owner(folder / METRICS), run)
    kept = result["training_sha256"] is not None
    if weights or kept:
        read_trained(folder, weights=weights)
    _bound(folder, RESULT, result, RUN, METRICS, *([TRAINING] if kept else []))
    return Finished(config, run, result)


def training_problem(folder: Path, config: RunConfig, weights: bool = True) -> str | None:
    """Say why a folder is not the finished training of a configuration; None if it is. See :func:`read_trained`."""
    try:
        read_trained(folder, config, weights)
    except UserError as error:
        return str(error)
    return None


def result_problem(folder: Path, config: RunConfig, weights: bool = True) -> str | None:
    """Say why a folder is not the finished run of a configuration; None if it is. See :func:`read_finished`."""
    try:
        read_finished(folder, config, weights)
    except UserError as error:
        return str(error)
    return None


def kernel_problem(folder: Path) -> str | None:
    """Say why kernel.safetensors is not from the generator of its folder; None if it is."""
    try:
        _, run = read_identity(folder)
        found = read_metadata(folder / KERNEL)
        _same_run(folder / KERNEL, found.get("run"), run)
        generator = folder / GENERATOR
        if generator.exists() and found.get("generator_sha256") != (expected := sha256_of(generator)):
            made_from = str(found.get("generator_sha256"))[:12]
            return f"{folder / KERNEL}: made from generator {made_from}, expected {expected[:12]}; make it again"
    except UserError as error:
        return str(error)
    return None


def refuse_other_run(folder: Path, config: RunConfig) -> None:
    """Refuse to replace the finished training of another setting, variant, seed or scale.

    Raises:
        UserError: naming both.
    """
    try:
        found, _ = read_identity(folder)
    except UserError:
        return
    if (folder / TRAINING).exists() and _name(found) != _name(config):
        raise UserError(f"{folder}: holds the finished run {_name(found)}, got {_name(config)}; give another --out")


def require_code_version(folder: Path, run: Mapping[str, Any]) -> None:
    """Refuse weights whose training computes other numbers than the present code.

    Raises:
        UserError: naming both versions.
    """
    if run["code_version"] != CODE_VERSION:
        raise UserError(
            f"{folder}: trained by code version {run['code_version']}, this release has {CODE_VERSION}; train it again"
        )


def difference(found: RunConfig, code_version: int, expected: RunConfig) -> str | None:
    """Say how a run differs from the expected one; None if it does not.

    Args:
        found: configuration of the run.
        code_version: of the run.
        expected: the other configuration, on the present code version.
    """
    if found.digest_of(code_version) == expected.digest:
        return None
    if _name(found) != _name(expected):
        return f"is {_name(found)}, expected {_name(expected)}"
    versions = {"code version": code_version}, {"code version": CODE_VERSION}
    return name_differences(versions[0] | found.to_dict(), versions[1] | expected.to_dict())


def name_differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    """Name the first differences of plain data by dotted keys, with both values; None if there are none."""
    ours, others = dict(_flat(found)), dict(_flat(expected))
    names = [name for name in ours | others if ours.get(name) != others.get(name)]
    named = [f"{name} is {ours.get(name)}, expected {others.get(name)}" for name in names[:NAMED]]
    more = f"; and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return "; ".join(named) + more if names else None


def read_metadata(path: Path) -> dict[str, str]:
    """Read what a safetensors file says about itself.

    Raises:
        UserError: the file is missing, damaged or truncated.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except FileNotFoundError:
        raise UserError(f"{path}: missing; rerun the job that writes it") from None
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{path}: differs from what was written, truncated or altered ({error}); delete it and rerun its job"
        ) from None


def _same_run(path: Path, digest: str | None, run: Mapping[str, Any]) -> None:
    if digest != run["config_digest"]:
        raise UserError(
            f"{path}: belongs to run {str(digest)[:12]}, expected {run['config_digest'][:12]} as in {RUN}; "
            "delete it and rerun its job"
        )


def _bound(folder: Path, by: str, record: Mapping[str, Any], *names: str) -> None:
    """Compare files with the checksums that a record names."""
    for name in names:
        expected, found = record[f"{name.split('.')[0]}_sha256"], sha256_of(folder / name)
        if found != expected:
            raise UserError(
                f"{folder / name}: differs from the file that {by} names (sha256 {found[:12]}, expected "
                f"{expected[:12]}); restore it, or rerun its job"
            )


def _name(config: RunConfig) -> str:
    tuning = ", a candidate of a sweep" if config.mode == "tuning" else ""
    return f"{config.key} at scale {config.scale}{tuning}"


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of plain data by dotted names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{prefix}.{number}")
    else:
        yield prefix, value
