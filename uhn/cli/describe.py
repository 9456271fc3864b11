"""``uhn describe``: what a generator is told about a target model, or about a setting of several."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uhn.errors import UserError

if TYPE_CHECKING:
    from uhn.descriptors.normalization import Ranges
    from uhn.models.base import TargetModel

EXAMPLE = """example:
  uhn describe kan_kv
  uhn describe cnn_mixed_width/17 --json --index-table member.npy
  uhn describe --setting multi_task
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "describe",
        help="show a target model's components, descriptors, ranges and initialisation targets",
        description="Show a target model's components, descriptors, ranges and initialisation targets, "
        "or the descriptor ranges of a setting with several target models.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model", metavar="MODEL", nargs="?", help="name of a target model, e.g. kan_kv or cnn_mixed_width/17"
    )
    parser.add_argument("--setting", metavar="S", help="show the ranges of a setting instead, e.g. multi_task")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--index-table", type=Path, metavar="FILE.npy", help="save the N x 10 index descriptors")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Describe one model or one setting.

    Raises:
        UserError: neither or both are named, or an index table is asked of a setting.
    """
    if (args.model is None) == (args.setting is None):
        raise UserError("uhn describe: expected either MODEL or --setting S")
    if args.setting is not None:
        if args.index_table:
            raise UserError("uhn describe: --index-table needs a MODEL; a setting has no single index table")
        from uhn.models.settings import setting_ranges

        description = {"name": args.setting, **range_columns(setting_ranges(args.setting))}
        lines = [f"{args.setting}: a setting with several target models", *render_ranges(description)]
    else:
        from uhn.models.registry import build_model

        target = build_model(args.model)
        if args.index_table:
            save_index_table(target, args.index_table)
        description = describe(target)
        lines = render(description)
    if args.json:
        import json

        print(json.dumps(description))
    else:
        print("\n".join(lines))


def save_index_table(target: TargetModel, path: Path) -> None:
    """Save the index descriptors in flattening order, float64, shape (N, 10)."""
    import io

    import numpy as np

    from uhn.files import write_bytes

    buffer = io.BytesIO()
    np.save(buffer, target.index_table())
    write_bytes(path, buffer.getvalue())


def describe(target: TargetModel) -> dict[str, Any]:
    """Collect a model's description as plain data."""
    tokens = target.structure_tokens()
    global_columns = tokens.shape[1] - 21
    layers = []
    for (_, layer), token in zip(target.layers, tokens, strict=True):
        components = [
            {
                "name": component.name,
                "param_type": component.param_type,
                "shape": list(component.shape),
                "init_mean": component.init.mean,
                "init_std": component.init.std,
            }
            for component in layer.components()
        ]
        layers.append(
            {
                "type": layer.layer_type.name.lower(),
                "local_row": token[global_columns:].tolist(),
                "components": components,
            }
        )
    return {
        "name": target.name,
        "num_params": target.num_params,
        "layers": layers,
        "global_row": tokens[0, :global_columns].tolist(),
        **range_columns(target.ranges()),
    }


def range_columns(ranges: Ranges) -> dict[str, list[float]]:
    """Return the four range vectors as plain data."""
    return {name: list(values) for name, values in vars(ranges).items()}


def render(description: dict[str, Any]) -> list[str]:
    """Lay a model's description out for a terminal; consecutive layers that differ in position alone share a block."""
    from itertools import groupby

    from uhn.descriptors.normalization import STRUCTURE_COLUMN_NAMES

    layers = description["layers"]
    lines = [f"{description['name']}: {description['num_params']:,} parameters in {len(layers)} layers"]

    def without_position(item: tuple[int, dict[str, Any]]) -> tuple[Any, ...]:
        layer = item[1]
        return layer["type"], layer["local_row"][1:], layer["components"]

    for _, group in groupby(enumerate(layers), key=without_position):
        members = list(group)
        (first, layer), (last, _) = members[0], members[-1]
        place = f"layer {first}" if first == last else f"layers {first} to {last}"
        lines.append(f"\n{place}: {layer['type']}")
        local_names = STRUCTURE_COLUMN_NAMES[-len(layer["local_row"]) :]
        columns = zip(local_names, layer["local_row"], strict=True)
        lines.append("  " + ", ".join(f"{name} {value:g}" for name, value in columns if value and name != "layer_idx"))
        for component in layer["components"]:
            shape = " x ".join(map(str, component["shape"]))
            lines.append(
                f"  {component['name']:<14} {shape:<16} init mean {component['init_mean']:<9.4g} "
                f"std {component['init_std']:.4g}"
            )
    return [*lines, *render_ranges(description)]


def render_ranges(description: dict[str, Any]) -> list[str]:
    """Lay out the columns that vary."""
    from uhn.descriptors.normalization import INDEX_COLUMN_NAMES, STRUCTURE_COLUMN_NAMES

    columns = [
        *zip(INDEX_COLUMN_NAMES, description["index_min"], description["index_max"], strict=True),
        *zip(STRUCTURE_COLUMN_NAMES, description["structure_min"], description["structure_max"], strict=True),
    ]
    varying = [f"  {name:<26} {low:g} .. {high:g}" for name, low, high in columns if low != high]
    return ["\ndescriptor ranges (columns that vary)", *varying]
