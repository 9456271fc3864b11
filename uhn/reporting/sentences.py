"""What tables and figures alike say about their runs: scale, data, seeds, failures, versions."""

from __future__ import annotations

from collections.abc import Sequence

from uhn.configuration.resolve import load_scale
from uhn.reporting.collect import Run

SOURCES = {
    "standin": "stand-in data",
    "local": "local data",
    "download": "downloaded data",
    "formula": "data computed from formulas",
}


def sentence(text: str) -> str:
    """Return the text with a capital and one full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:].rstrip(".") + "."


def describe_scale(scale: str, hyperparameters: str = "published", report_seeds: str = "published") -> str:
    """Return what captions say about a scale, and about whose hyperparameters and seeds its runs have."""
    parts = [load_scale(scale)["label"]]
    if hyperparameters == "swept":
        parts.append("hyperparameters: selected by our own sweeps at this scale")
    if report_seeds == "fresh":
        parts.append("seeds: fresh, used by no search")
    return "; ".join(parts)


def scale_sentence(scale: str, label: str) -> str:
    """Say which scale this is.

    Args:
        scale: its name.
        label: what its configuration says about it, e.g. that it is not comparable with the paper.
    """
    return sentence(label if label.startswith(f"{scale} scale") else f"{scale} scale: {label}")


def about_data(runs: Sequence[Run]) -> str:
    """Name the sources of the data and repeat what real files lack; notes of stand-ins are in the CSV alone."""
    data = [run.record["data"] for run in runs]
    sources = " and ".join(SOURCES[source] for source in sorted({entry["source"] for entry in data}))
    notes = {entry["note"].strip().rstrip(".") for entry in data if entry["note"] and entry["source"] != "standin"}
    return f"{sources} ({'; '.join(sorted(notes))})" if notes else sources


def about_failures(runs: Sequence[Run]) -> str:
    """Count the diverged runs."""
    failed = sum(run.diverged for run in runs)
    return f"{failed} of {len(runs)} runs diverged" if failed else f"no run of {len(runs)} diverged"


def closing(warnings: Sequence[str], remarks: Sequence[str]) -> list[str]:
    """Return the one sentence that ends a caption, or none: warnings first, then remarks."""
    parts = [f"Warning: {'; '.join(part.rstrip('.') for part in warnings)}"] if warnings else []
    parts += [part.rstrip(".") for part in remarks]
    return [sentence("; ".join([*parts[:1], *map(_continued, parts[1:])]))] if parts else []


def seeds_text(runs: Sequence[Run]) -> str:
    """List the seeds of the runs."""
    return _named("seed", [str(seed) for seed in sorted({run.record["seed"] for run in runs})])


def about_versions(runs: Sequence[Run]) -> str:
    """Name the code versions behind the runs, and their sources."""
    versions = [str(version) for version in sorted({run.record["code_version"] for run in runs})]
    digests = sorted({run.record["source_digest"][:12] for run in runs})
    return f"code {_named('version', versions)}, {_named('source', digests)}"


def _continued(text: str) -> str:
    """Return the text with a small first letter, but for names like UHN."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _named(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"
