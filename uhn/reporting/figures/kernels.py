"""Generated convolution kernels side by side (paper, Figure 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from uhn.errors import UserError
from uhn.reporting.collect import Pair, Run
from uhn.reporting.figure_definitions import FigureDefinition
from uhn.reporting.figures.drawing import Drawing, completed
from uhn.reporting.figures.style import nothing_to_show, panels
from uhn.runs.folder import KERNEL
from uhn.runs.identity import kernel_problem

# share of the weights that the common colour scale covers
COVERED = 0.995


def draw(definition: FigureDefinition, results: Mapping[Pair, Sequence[Run]]) -> Drawing:
    """Draw the kernel of the first completed seed of each series, all on one scale; the CSV has every seed.

    Raises:
        UserError: a kernel.safetensors is missing, damaged or no convolution kernel.
    """
    kernels = {
        series.id: {run.key: read_kernel(run) for run in completed(results[series.pair])}
        for series in definition.series
    }
    shown = {name: next(iter(of_runs.values())) for name, of_runs in kernels.items() if of_runs}
    bound = max((float(np.quantile(np.abs(kernel), COVERED)) for kernel in shown.values()), default=1.0)
    figure, axes = panels(len(definition.series), height=2.75, across=3)
    lines, image = [], None
    for panel, series in zip(axes, definition.series, strict=True):
        panel.set(title=series.label, xticks=[], yticks=[])
        panel.grid(False)
        for spine in panel.spines.values():
            spine.set_visible(False)
        rows = [
            {"series": series.id, "run": key, "shown": kernel is shown[series.id], **statistics(kernel)}
            for key, kernel in kernels[series.id].items()
        ]
        lines += rows
        if series.id not in shown:
            nothing_to_show(panel, len(results[series.pair]))
            continue
        image = panel.imshow(mosaic(shown[series.id]), cmap="gray", vmin=-bound, vmax=bound, interpolation="nearest")
        panel.set_xlabel(
            f"variance {rows[0]['variance']:.2e}\nmean pairwise correlation {rows[0]['mean_correlation']:.3f}\n"
            f"mean |correlation| {rows[0]['mean_absolute_correlation']:.3f}"
        )
    if image is not None:
        figure.colorbar(image, ax=axes, shrink=0.6, aspect=25, extend="both", label="weight", pad=0.02)
    remarks = [
        "Every tile is one spatial kernel, rows are output channels, columns input channels",
        f"one grey scale for all panels, which covers {100 * COVERED:g}% of the weights of each",
        "variance: over all weights; correlation: Pearson's, over all pairs of output channels",
        "shown: the first completed seed of each; the CSV has the numbers of all",
    ]
    return Drawing(figure, pd.DataFrame(lines), remarks)


def read_kernel(run: Run) -> np.ndarray:
    """Read a kernel (out, in, height, width), float32.

    Raises:
        UserError: the file is missing, damaged, of another run or generator, or holds something else.
    """
    folder = run.path.parent
    path = folder / KERNEL
    if problem := kernel_problem(folder):
        raise UserError(problem)
    kernels = list(load_file(path).values())
    kernel = kernels[0] if kernels else np.empty(0)
    if len(kernels) != 1 or kernel.ndim != 4 or kernel.dtype != np.float32 or not np.isfinite(kernel).all():
        raise UserError(
            f"{path}: expected one finite float32 array of shape (out, in, height, width), got {len(kernels)}, the "
            f"first {kernel.dtype} of shape {kernel.shape}; make it again: uhn generate {folder} --component NAME"
        )
    return kernel


def statistics(kernel: np.ndarray) -> dict[str, Any]:
    """Return variance and mean pairwise correlation of the output channels, signed and absolute.

    Constant channels have no correlation and are left out; with fewer than two others the means are NaN.
    """
    channels = kernel.reshape(len(kernel), -1).astype(np.float64)
    channels = channels[channels.std(axis=1) > 0]
    pairs = np.full(1, np.nan)
    if len(channels) > 1:
        pairs = np.corrcoef(channels)[np.triu_indices(len(channels), k=1)]
    return {
        "variance": float(kernel.astype(np.float64).var()),
        "mean_correlation": float(pairs.mean()),
        "mean_absolute_correlation": float(np.abs(pairs).mean()),
    }


def mosaic(kernel: np.ndarray) -> np.ndarray:
    """Lay the spatial kernels out as out x in tiles with empty (NaN) lines between them."""
    out, inputs, height, width = kernel.shape
    tiles = np.full((out, height + 1, inputs, width + 1), np.nan)
    tiles[:, :height, :, :width] = kernel.transpose(0, 2, 1, 3)
    return tiles.reshape(out * (height + 1), inputs * (width + 1))[:-1, :-1]
