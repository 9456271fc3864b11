"""What drawing a figure results in."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure without its caption.

    Attributes:
        figure: the panels.
        frame: every number that is drawn, for the CSV.
        remarks: sentences of the caption that explain the marks.
    """

    figure: Figure
    frame: pd.DataFrame
    remarks: list[str] = field(default_factory=list)
