"""How all figures look, and writing them so that the same results give the same bytes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.92",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
}

# Told apart by shape and dash as well as by colour.
MARKERS = ("o", "^", "s", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
COLOURS = ("#1f5a96", "#c4501b", "#2e7d4f", "#6b4c9a", "#8a6d1f", "#444444")

WIDTH = 7.2
DPI = 160
FOOTER_SIZE = 6.5
# mean width of a character of running text, in units of the font size
CHARACTER = 0.53


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save inside: matplotlib's defaults with :data:`STYLE`, whatever the user has configured."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def panels(
    count: int, height: float, across: int = 2, sharey: bool = False, width: float = WIDTH
) -> tuple[Figure, list[Axes]]:
    """Return a figure with ``count`` panels, ``across`` side by side; each row is ``height`` inches high."""
    across = min(across, count)
    rows = -(-count // across)
    figure = Figure(figsize=(width, rows * height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)
    axes = figure.subplots(rows, across, squeeze=False, sharey=sharey).ravel()
    for empty in axes[count:]:
        empty.set_visible(False)
    return figure, list(axes[:count])


def nothing_to_show(axes: Axes, failures: int) -> None:
    """Say in a panel that all its runs diverged."""
    axes.grid(False)
    axes.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
    axes.text(0.5, 0.5, f"diverged ({failures})", transform=axes.transAxes, ha="center", va="center")


def legend_above(figure: Figure) -> None:
    """Put one legend for all panels above them."""
    handles = {}
    for panel in figure.axes:
        handles |= dict(zip(*panel.get_legend_handles_labels()[::-1], strict=True))
    if handles:
        figure.legend(handles.values(), handles, loc="outside upper center", ncols=len(handles))


def add_footer(figure: Figure, text: str) -> None:
    """Put a caption below the panels; the figure grows by its height."""
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(text, int(0.98 * width * 72 / (CHARACTER * FOOTER_SIZE)))
    footer = (len(lines) * 1.3 * FOOTER_SIZE + 8) / 72
    total = height + footer
    figure.set_figheight(total)
    figure.get_layout_engine().set(rect=(0, footer / total, 1, height / total))
    figure.text(0.01, (footer - 4 / 72) / total, "\n".join(lines), va="top", fontsize=FOOTER_SIZE, linespacing=1.25)


def to_bytes(figure: Figure, ending: str) -> bytes:
    """Render as ``png`` or ``pdf``, without dates and versions of programs."""
    metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=ending, dpi=DPI, metadata=metadata[ending])
    return buffer.getvalue()
