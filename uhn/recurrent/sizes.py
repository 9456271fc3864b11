"""How many parameters a recurrent model has, by part, and which number of units gives a wanted total (torch-free)."""

from __future__ import annotations

from dataclasses import replace

from uhn.recurrent.config import RecurrentConfig


def count_parameters(config: RecurrentConfig, inputs: int, outputs: int) -> dict[str, int]:
    """Count a model's parameters by part.

    Args:
        config: the stack of cells.
        inputs: size of the input; of one-hot characters, the number of symbols.
        outputs: size of the output; again the number of symbols. Graves' mixture of 20 Gaussians has 121.

    Returns:
        Parameters of each part that there is: ``recurrent`` W_h, ``input`` W_x, ``bias`` b or b_0, ``norm`` gains and
        shifts, ``hyper_cell``, ``embeddings`` from the hyper cell to the z, ``scales`` from z_h and z_x to the d, or
        the static d, ``bias_projection`` from z_b to the bias, ``output`` map.
    """
    counts: dict[str, int] = {}
    for layer in range(config.layers):
        for part, count in _count_cell(config, inputs if layer == 0 else config.units).items():
            counts[part] = counts.get(part, 0) + count
    counts["output"] = (config.units + 1) * outputs
    return {part: count for part, count in counts.items() if count}


def total_parameters(config: RecurrentConfig, inputs: int, outputs: int) -> int:
    """Count all of a model's parameters; arguments as of `count_parameters`."""
    return sum(count_parameters(config, inputs, outputs).values())


def match_units(config: RecurrentConfig, total: int, inputs: int, outputs: int) -> RecurrentConfig:
    """Return the configuration with the number of units whose total comes closest to a given one.

    Args:
        config: everything but the units.
        total: parameters to match, usually those of another model.
        inputs, outputs: as of `count_parameters`.
    """
    low, high = 1, 2
    while total_parameters(replace(config, units=high), inputs, outputs) < total:
        low, high = high, 2 * high
    while high - low > 1:  # the count rises with the units: low stays below the total, high does not
        middle = (low + high) // 2
        if total_parameters(replace(config, units=middle), inputs, outputs) < total:
            low = middle
        else:
            high = middle
    candidates = [replace(config, units=units) for units in (low, high)]
    return min(candidates, key=lambda found: abs(total_parameters(found, inputs, outputs) - total))


def _count_cell(config: RecurrentConfig, inputs: int) -> dict[str, int]:
    n, m, z = config.units, config.hyper_units, config.embedding_dim
    counts = {
        "recurrent": 4 * n * n,
        "input": 4 * n * inputs,
        "bias": 4 * n if config.gate_bias else 0,
        "norm": 10 * n if config.layer_norm else 0,  # gain and shift of four gates and of the cell
    }
    if config.cell == "scaled_lstm":
        counts["scales"] = 2 * 4 * n
    if config.cell == "hyperlstm":
        counts["hyper_cell"] = 4 * m * (m + n + inputs + 1) + (10 * m if config.normalises_hyper_cell else 0)
        counts["embeddings"] = 3 * 4 * z * m + 2 * 4 * z  # z_b has no bias
        counts["scales"] = 2 * 4 * n * z
        counts["bias_projection"] = 4 * n * z
    return counts
