"""The content of run.json: what a run is, on which code, data and machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import torch

from uhn import CODE_VERSION
from uhn.configuration.run import RunConfig
from uhn.device import describe_machine
from uhn.runs.provenance import source_digest
from uhn.training.members import Member
from uhn.training.phases import Phase
from uhn.training.tasks.facts import describe_data


def describe_run(config: RunConfig, members: list[Member], phases: list[Phase], device: torch.device) -> dict[str, Any]:
    """Return the content of run.json for a run that starts now."""
    return {
        "setting": config.setting,
        "variant": config.variant,
        "seed": config.seed,
        "scale": config.scale,
        "config": config.to_dict(),
        "config_digest": config.digest,
        "code_version": CODE_VERSION,
        "source_digest": source_digest(),
        "provenance": describe_machine(device),
        "precision": config.precision[device.type],
        "phases": {phase.name: phase.steps for phase in phases},
        "data": describe_data([member.task.facts for member in members]),
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
