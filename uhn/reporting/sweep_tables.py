"""Tables 12 to 16 and 18 to 22: the grids of the sweeps and the values they select, ours beside the paper's.

Reads ``selected.json`` files only. Table 17 lists the sizes of the model sets, which no sweep decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from uhn.errors import UserError
from uhn.files import write_bytes
from uhn.reporting.latex import to_latex
from uhn.reporting.layout import NOTHING, UNKNOWN, Grid, Text
from uhn.reporting.markdown import to_markdown
from uhn.reporting.rounding import mean_and_std
from uhn.reporting.sweep_definitions import GUARDRAILS, TITLES
from uhn.reporting.sweep_frame import HYPERPARAMETERS, NOT_RUN, Outcome, build_sweep_frame, of_table
from uhn.sweeps.grids import Metric

LABELS = {
    "pioneer_budget": "pioneer budget",
    "init_lr": "init lr",
    "init_steps": "init steps",
    "train_lr": "train lr",
    "train_budget": "train budget",
}


@dataclass(frozen=True)
class SweepTable:
    """Number in the paper and title."""

    number: int
    title: str


def publish_sweep_table(
    number: int, outcomes: Sequence[Outcome], out: Path, scale: str, scale_label: str
) -> list[Path]:
    """Write ``table_<nn>.csv``, ``.md`` and ``.tex``.

    Args:
        number: one of :data:`~uhn.reporting.sweep_definitions.TITLES`.
        outcomes: all sweeps, see :func:`uhn.reporting.sweep_frame.gather_outcomes`.
        out: the folder to write to.
        scale: name of the scale of the sweeps.
        scale_label: what captions say about that scale.

    Raises:
        UserError: no such sweep table.
    """
    if number not in TITLES:
        raise UserError(f"table {number} is no sweep table; expected one of {', '.join(map(str, TITLES))}")
    table = SweepTable(number, TITLES[number])
    if number == GUARDRAILS:
        shown = [one for one in outcomes if any(metric.guardrail is not None for metric in one.full.metrics)]
        frame = build_guardrail_frame(shown)
        grid = _guardrail_grid(frame)
    else:
        shown = of_table(outcomes, number)
        frame = build_sweep_frame(number, shown)
        grid = lay_out_sweeps(number, shown, frame)
    words = sweep_caption(number, shown, scale, scale_label)
    return _write(out / f"table_{number:02d}", table, grid, words, frame)


def publish_one_sweep(outcome: Outcome, out: Path, scale: str, scale_label: str) -> list[Path]:
    """Write ``selection.csv``, ``.md`` and ``.tex``: the grids and choices of one sweep."""
    number = outcome.sweep.selected_table
    frame = build_sweep_frame(number, [outcome])
    table = SweepTable(number, f"Sweep {outcome.sweep.name}: grids and selected hyperparameters")
    return _write(out / "selection", table, _both(frame), sweep_caption(number, [outcome], scale, scale_label), frame)


def _write(stem: Path, table: SweepTable, grid: Grid, words: Sequence[str], frame: pd.DataFrame) -> list[Path]:
    texts = {
        "csv": frame.to_csv(index=False, lineterminator="\n"),
        "md": to_markdown(table, grid, words),
        "tex": to_latex(table, grid, words),
    }
    paths = [stem.with_suffix(f".{ending}") for ending in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        write_bytes(path, text.encode())
    return paths


def build_guardrail_frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Build the frame of Table 20: one line per guardrail with our winner's pooled validation mean."""
    lines = []
    for outcome in outcomes:
        candidate = outcome.selections[-1].ranking[0].candidate if outcome.finished else None
        in_force = {metric.name for metric in outcome.sweep.metrics if metric.guardrail is not None}
        for metric in outcome.full.metrics:
            mean = candidate.mean(metric.name) if candidate else math.nan
            lines.append(
                {
                    "table": GUARDRAILS,
                    "sweep": outcome.sweep.name,
                    "metric": metric.name,
                    "guardrail": metric.guardrail,
                    "direction": ">=" if metric.higher_is_better else "<=",
                    "in_force": metric.name in in_force,
                    "val_mean": mean,
                    "val_std": candidate.std(metric.name) if candidate else math.nan,
                    "n_seeds": len(candidate.seeds) if candidate else 0,
                    "met": not Metric(metric.name, metric.guardrail).violated(mean) if candidate else math.nan,
                }
            )
    return pd.DataFrame(lines)


def lay_out_sweeps(number: int, outcomes: Sequence[Outcome], frame: pd.DataFrame) -> Grid:
    """Arrange a sweep table for print: grids, selected values, or both with one line per hyperparameter."""
    has_grid = any(one.sweep.grid_table == number for one in outcomes)
    has_choice = any(one.sweep.selected_table == number for one in outcomes)
    if has_grid and has_choice:
        return _both(frame)
    return _grids(frame) if has_grid else _choices(frame)


def rate(value: float) -> str:
    """Format a learning rate as ``2e-4`` or, from a thousandth on, ``0.005``."""
    if value == 0 or value >= 1e-3:
        return f"{value:g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def sweep_caption(number: int, outcomes: Sequence[Outcome], scale: str, scale_label: str) -> list[str]:
    """Say what the sweeps are: scale, values, which of them ran, seeds, how the best were found."""
    label = scale_label if scale_label.startswith(f"{scale} scale") else f"{scale} scale: {scale_label}"
    sentences = [f"{label[:1].upper()}{label[1:].rstrip('.')}."]
    sentences.append("Budgets and steps are the paper's, before the scale shortens them.")
    if any(one.sweep != one.full for one in outcomes):
        sentences.append("The searches of this scale are reduced: fewer values per grid, fewer seeds, no guardrails.")
    if any(not one.sweep.published for one in outcomes):
        sentences.append("The public text of the paper lost these grids: they are ours.")
    unfinished = [one.sweep.name for one in outcomes if not one.finished]
    if unfinished:
        named = f": {', '.join(unfinished)}" if len(unfinished) <= 5 else ""
        sentences.append(f"{len(unfinished)} of {len(outcomes)} sweeps were not run to the end{named}.")
    if any(one.finished for one in outcomes) and any(one.sweep.selected_table == number for one in outcomes):
        sentences.append(
            "Validation: mean ± population std over the pooled seeds of the winner. Place: of the paper's choice among "
            "all candidates of our search before the best three get more seeds."
        )
    return sentences


def _grids(frame: pd.DataFrame) -> Grid:
    names = [name for name in HYPERPARAMETERS if name in set(frame["hyperparameter"])]
    pioneer = frame["pioneer_budget"].notna().any()
    heads = ["Sweep", *([LABELS["pioneer_budget"]] if pioneer else []), *(LABELS[name] for name in names), "grid"]
    blocks = []
    for sweep, lines in frame.groupby("sweep", sort=False):
        by_name = lines.set_index("hyperparameter").to_dict("index")
        budget = by_name["train_budget"]
        own = [f"{budget['pioneer_budget']:,.0f} {budget['unit']}"] if pioneer else []
        fields = [sweep, *own, *(_grid_text(name, by_name[name]) for name in names), budget["grid_source"]]
        blocks.append([[Text(str(field)) for field in fields]])
    return Grid([("", len(heads))], heads, [True] * len(heads), blocks)


def _choices(frame: pd.DataFrame) -> Grid:
    names = [name for name in HYPERPARAMETERS if name in set(frame["hyperparameter"])]
    groups, heads = [("", 1)], ["Sweep"]
    for name in names:
        groups.append((LABELS[name], 2))
        heads += ["ours", "paper"]
    groups.append(("", 3))
    heads += ["same", "validation", "place"]
    blocks = []
    for sweep, lines in frame.groupby("sweep", sort=False):
        by_name = lines.set_index("hyperparameter").to_dict("index")
        fields = [Text(str(sweep))]
        for name in names:
            fields += [_choice(name, by_name[name]), Text(_value_text(name, by_name[name]["paper"], UNKNOWN))]
        first = by_name[names[0]]
        fields += [Text(_agreement([by_name[name]["same"] for name in names])), *_verdict_fields(first)]
        blocks.append([fields])
    return Grid(groups, heads, [True, *[False] * (2 * len(names)), True, False, False], blocks)


def _both(frame: pd.DataFrame) -> Grid:
    heads = ["Sweep", "", "grid", "source", "ours", "paper", "same", "validation", "place"]
    blocks = []
    for sweep, lines in frame.groupby("sweep", sort=False):
        block = []
        for line in lines.to_dict("records"):
            name, first = line["hyperparameter"], not block
            unit = f" ({line['unit']})" if name == "train_budget" else ""
            block.append(
                [
                    Text(str(sweep) if first else ""),
                    Text(LABELS[name] + unit),
                    Text(_grid_text(name, line)),
                    Text(line["grid_source"]),
                    _choice(name, line),
                    Text(_value_text(name, line["paper"], UNKNOWN)),
                    Text(_agreement([line["same"]])),
                    *(_verdict_fields(line) if first else (Text(""), Text(""))),
                ]
            )
        if not math.isnan(line["pioneer_budget"]):
            pioneer = f"{line['pioneer_budget']:,.0f}"
            block.append([Text(""), Text(f"pioneer budget ({line['unit']})"), Text(pioneer), *[Text("")] * 6])
        blocks.append(block)
    return Grid([("", len(heads))], heads, [True] * 4 + [False, False, True, False, False], blocks)


def _guardrail_grid(frame: pd.DataFrame) -> Grid:
    heads = ["Sweep", "Metric", "guardrail", "in force", "validation", "met"]
    blocks = []
    for sweep, lines in frame.groupby("sweep", sort=False):
        block = []
        for line in lines.to_dict("records"):
            fields = [
                "" if block else str(sweep),
                line["metric"],
                f"{line['direction']} {line['guardrail']:g}",
                "yes" if line["in_force"] else "no",
                mean_and_std(line["val_mean"], line["val_std"]) if line["n_seeds"] else NOT_RUN,
                _agreement([line["met"]]),
            ]
            block.append([Text(field) for field in fields])
        blocks.append(block)
    return Grid([("", len(heads))], heads, [True, True, False, True, False, True], blocks)


def _value_text(name: str, value: float, absent: str) -> str:
    if math.isnan(value):
        return absent
    return rate(value) if name.endswith("lr") else f"{value:,.0f}"


def _choice(name: str, line: Mapping[str, Any]) -> Text:
    return Text(_value_text(name, line["ours"], NOT_RUN), line["same"] is True)


def _grid_text(name: str, line: Mapping[str, Any]) -> str:
    """The grid that ran and, where the scale keeps only a part of it, the paper's."""
    ran, paper = ([_value_text(name, float(v), "") for v in line[key].split()] for key in ("grid", "full_grid"))
    return ", ".join(ran) if ran == paper else f"{', '.join(ran)} of {', '.join(paper)}"


def _agreement(values: Sequence[Any]) -> str:
    if any(isinstance(value, float) for value in values):
        return NOTHING
    return "yes" if all(values) else "no"


def _verdict_fields(line: Mapping[str, Any]) -> tuple[Text, Text]:
    validation = NOTHING if math.isnan(line["val_mean"]) else mean_and_std(line["val_mean"], line["val_std"])
    status = line["paper_status"]
    place = f"{line['paper_rank'] + 1:.0f} of {line['candidates']}" if status == "ranked" else status
    if status in (UNKNOWN, NOT_RUN):
        place = NOTHING
    return Text(validation), Text(place)
