"""Size of what is trained against the size of the target, method by method (paper, Table 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from uhn.reporting.collect import Pair, Run
from uhn.reporting.figures.drawing import Drawing
from uhn.reporting.figures.style import COLOURS, LINES, MARKERS, panels
from uhn.reporting.reference import Key, Reference
from uhn.reporting.result_frame import COUNTS, build_result_frame
from uhn.reporting.table_definitions import ResultTable


def draw(table: ResultTable, results: Mapping[Pair, Sequence[Run]], references: Mapping[Key, Reference]) -> Drawing:
    """Draw the counts at the paper's scale and, if the runs had others, those that ran.

    Args:
        table: the table whose rows are the targets and whose columns are the methods.
        results: its runs.
        references: the printed numbers.
    """
    frame = build_result_frame(table, results, references)[["row", "column", *COUNTS, "run_keys"]]
    scales = {"paper_scale": "at the paper's scale"}
    if any((frame[f"{count}_run"] != frame[f"{count}_paper_scale"]).any() for count in ("params", "target")):
        scales["run"] = "as run"
    figure, axes = panels(len(scales), height=3.2)
    for panel, (scale, title) in zip(axes, scales.items(), strict=True):
        _draw_panel(panel, table, frame, scale)
        panel.set_title(title)
    axes[0].set_ylabel("#Params of the method, thousands")
    axes[0].legend()
    remarks = ["#Params of a generator counts frozen tensors, as the paper does"]
    return Drawing(figure, frame, remarks)


def _draw_panel(panel: Axes, table: ResultTable, frame: pd.DataFrame, scale: str) -> None:
    for number, (column, label) in enumerate(table.columns.items()):
        points = frame[frame["column"] == column].sort_values(f"target_{scale}")
        panel.plot(
            points[f"target_{scale}"] / 1e3,
            points[f"params_{scale}"] / 1e3,
            color=COLOURS[number],
            linestyle=LINES[number],
            marker=MARKERS[number],
            markersize=5,
            label=label,
        )
    panel.set_ylim(bottom=0)
    panel.set_xlabel("parameters of the target, thousands")
