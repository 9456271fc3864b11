"""What is recorded of a run: parameters, tags, final numbers."""

from __future__ import annotations

import json
import math
from typing import Any

from uhn.tracking.runs import Point, TrackedRun, is_number, plain_key

# MLflow 3.17 refuses longer values.
PARAM_LIMIT = 6000
TAG_LIMIT = 8000

# Splits whose names the curves use; a final metric of the same name would end up in the curve.
CURVE_SPLITS = ("init/", "train/")

# Parts of a result whose numbers are recorded beside the metrics.
SECTIONS = ("cost", "parameters")


def scalars(result: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of a result by name: final metrics, ``cost/...`` and ``parameters/...``."""
    values = {final_name(key): value for key, value in result["metrics"].items()}
    for section in SECTIONS:
        values |= {
            key: value
            for key, value in flatten(result[section], section, "/").items()
            if is_number(value) and key != "cost/threads"
        }
    return values


def final_name(metric: str) -> str:
    """Name a final metric so that it cannot fall into a curve of the same name."""
    return plain_key(f"final/{metric}" if metric.startswith(CURVE_SPLITS) else metric)


def final_points(run: TrackedRun) -> list[Point]:
    """Return the finite numbers of a result as points at the run's end."""
    return points_at(run.end_ms, scalars(run.result))


def points_at(timestamp: int, values: dict[str, float]) -> list[Point]:
    """Make one point of each finite value; step 0 lets MLflow draw single values as bars."""
    return [Point(key, value, timestamp, 0) for key, value in values.items() if math.isfinite(value)]


def params_of(run: TrackedRun) -> dict[str, str]:
    """Return the resolved configuration with dotted keys, and the seed."""
    flat = {"seed": run.result["seed"], **run.params, **flatten(run.run["config"])}
    return {plain_key(key): cut(as_text(value), PARAM_LIMIT) for key, value in flat.items()}


def flatten(tree: dict[str, Any], prefix: str = "", separator: str = ".") -> dict[str, Any]:
    """Turn nested dicts into one with joined keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{separator}{key}" if prefix else str(key)
        flat |= flatten(value, name, separator) if isinstance(value, dict) else {name: value}
    return flat


def as_text(value: Any) -> str:
    """Write a value as a person would: strings as they are, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cut(text: str, limit: int) -> str:
    """Shorten a text to the store's limit and say so in it."""
    if len(text) <= limit:
        return text
    marker = f" ... [cut, {len(text)} characters]"
    return text[: limit - len(marker)] + marker


def tags_of(run: TrackedRun) -> dict[str, str]:
    """Return the tags of a run; the digest is not among them because it is written last."""
    result, provenance = run.result, run.run["provenance"]
    tags = common_tags(run) | {
        "uhn.run_key": run.key,
        **run.tags,
        "uhn.seed": result["seed"],
        "uhn.status": result["status"],
        "uhn.config_digest": result["config_digest"],
        "uhn.skipped_values": run.skipped,
    }
    if result["reason"]:
        tags["uhn.reason"] = result["reason"]
    if note := " ".join(text for text in (diverged_note(run), result["data"]["note"]) if text):
        tags["mlflow.note.content"] = note
    for key, value in provenance.items():
        if key != "commit" and value is not None:
            tags[plain_key(f"uhn.provenance.{key}")] = value
    return as_tags(tags)


def diverged_note(run: TrackedRun) -> str:
    """Say in a sentence why a run has no final metrics."""
    return "" if run.completed else f"Diverged: {run.result['reason'] or 'no reason recorded'}."


def common_tags(run: TrackedRun) -> dict[str, Any]:
    """Return the tags that a run shares with its summary."""
    result, commit = run.result, run.run["provenance"].get("commit")
    tags = {f"uhn.{key}": result[key] for key in ("scale", "setting", "variant", "code_version", "source_digest")}
    tags |= {f"uhn.data.{key}": result["data"][key] for key in ("dataset", "source")}
    tags |= {"uhn.group": run.group, "mlflow.source.name": "uhn train", "mlflow.source.type": "LOCAL"}
    return tags | ({"mlflow.source.git.commit": commit} if commit else {})


def as_tags(values: dict[str, Any]) -> dict[str, str]:
    """Write tag values as text within the store's limit."""
    return {key: cut(as_text(value), TAG_LIMIT) for key, value in values.items()}
