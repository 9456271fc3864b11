"""One candidate of a sweep: train without the validation part, validate, keep no weights."""

from __future__ import annotations

from pathlib import Path

from uhn.configuration.run import RunConfig
from uhn.device import acquire_device
from uhn.runs.folder import GENERATOR
from uhn.runs.identity import training_problem
from uhn.training.evaluate import evaluate_run
from uhn.training.runner import JobOptions, train_run


def run_candidate(config: RunConfig, out: Path, options: JobOptions, paper_config: RunConfig | None = None) -> None:
    """Train and validate one configuration; where it has been trained already, only validate.

    Args:
        config: a run in tuning mode.
        out: folder of run.json, metrics.jsonl, training.json and result.json.
        options: facts of the job.
        paper_config: the same run at the paper's scale, for the parameter counts; ``config`` when absent.

    Raises:
        UserError: as for :func:`train_run` and :func:`evaluate_run`.
        Interrupted: stopped by a signal; run again with ``resume`` to continue.
    """
    if training_problem(out, config) is not None:
        train_run(config, out, options, paper_config)
    with acquire_device(options.device, options.scratch / "gpu") as device:
        evaluate_run(out, options.source, options.threads, device)
    (out / GENERATOR).unlink(missing_ok=True)
