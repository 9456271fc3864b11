"""``uhn describe``: what a generator is told about a target model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uhn.models.base import TargetModel

EXAMPLE = """example:
  uhn describe kan_kv
  uhn describe kan_kv --json --index-table kan_kv.npy
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "describe",
        help="show a target model's components, descriptors, ranges and initialisation targets",
        description="Show a target model's components, descriptors, ranges and initialisation targets.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="name of a target model, e.g. kan_kv")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--index-table", type=Path, metavar="FILE.npy", help="save the N x 10 index descriptors")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Describe one model."""
    from uhn.models.registry import build_model

    target = build_model(args.model)
    if args.index_table:
        save_index_table(target, args.index_table)
    description = describe(target)
    if args.json:
        import json

        print(json.dumps(description))
    else:
        print("\n".join(render(description)))


def save_index_table(target: TargetModel, path: Path) -> None:
    """Save the index descriptors in flattening order, float64, shape (N, 10)."""
    import io

    import numpy as np

    from uhn.records import write_bytes

    buffer = io.BytesIO()
    np.save(buffer, target.index_table())
    write_bytes(path, buffer.getvalue())


def describe(target: TargetModel) -> dict[str, Any]:
    """Collect a model's description as plain data."""
    ranges = target.ranges()
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
        "index_min": list(ranges.index_min),
        "index_max": list(ranges.index_max),
        "structure_min": list(ranges.structure_min),
        "structure_max": list(ranges.structure_max),
    }


def render(description: dict[str, Any]) -> list[str]:
    """Lay a description out for a terminal."""
    from uhn.descriptors.normalization import INDEX_COLUMN_NAMES, STRUCTURE_COLUMN_NAMES

    lines = [f"{description['name']}: {description['num_params']:,} parameters in {len(description['layers'])} layers"]
    for position, layer in enumerate(description["layers"]):
        lines.append(f"\nlayer {position}: {layer['type']}")
        local_names = STRUCTURE_COLUMN_NAMES[-len(layer["local_row"]) :]
        lines.append("  " + ", ".join(f"{n} {v:g}" for n, v in zip(local_names, layer["local_row"], strict=True) if v))
        for component in layer["components"]:
            shape = " x ".join(map(str, component["shape"]))
            lines.append(
                f"  {component['name']:<14} {shape:<16} init mean {component['init_mean']:<9.4g} "
                f"std {component['init_std']:.4g}"
            )
    columns = [
        *zip(INDEX_COLUMN_NAMES, description["index_min"], description["index_max"], strict=True),
        *zip(STRUCTURE_COLUMN_NAMES, description["structure_min"], description["structure_max"], strict=True),
    ]
    lines.append("\ndescriptor ranges (columns that vary)")
    lines += [f"  {name:<26} {low:g} .. {high:g}" for name, low, high in columns if low != high]
    return lines
