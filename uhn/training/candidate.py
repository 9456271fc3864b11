"""One candidate of a sweep: train without the validation part, validate, keep no weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uhn.experiments.config import RunConfig
from uhn.records import discard_run, read_json, read_record
from uhn.training.evaluate import evaluate_run
from uhn.training.runner import JobOptions, train_run


def run_candidate(
    config: RunConfig, out: Path, options: JobOptions, paper_config: RunConfig | None = None
) -> dict[str, Any]:
    """Train and validate one configuration, as far as its files do not exist yet.

    A folder that holds this very configuration, finished on the same kind of device, is left as it is: when a stage is
    decided again, later candidates that keep their hyperparameters cost nothing.

    Args:
        config: a run in tuning mode.
        out: folder of run.json, metrics.jsonl, training.json and result.json.
        options: facts of the job.
        paper_config: the same run at the paper's scale, for the parameter counts; ``config`` when absent.

    Returns:
        The content of result.json.

    Raises:
        UserError: as for :func:`train_run` and :func:`evaluate_run`.
        Interrupted: stopped by a signal; run again with ``resume`` to continue.
    """
    weights, result = out / "generator.safetensors", out / "result.json"
    ran = holds(out, config, options.device)
    if not (ran and result.exists()):
        if not (ran and weights.exists()):
            discard_run(out)
            train_run(config, out, options, paper_config)
        evaluate_run(out, options.source, options.threads)
    weights.unlink(missing_ok=True)
    return read_record(result, "result")


def holds(out: Path, config: RunConfig, device: str) -> bool:
    """Tell whether training of a configuration has finished in a folder."""
    if not ((out / "run.json").exists() and (out / "training.json").exists()):
        return False
    run = read_json(out / "run.json")
    return (run["config_digest"], run["provenance"]["device"]) == (config.digest, device)
