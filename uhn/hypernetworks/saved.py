"""The folder of a saved generator: one JSON file with what it is, safetensors files with its tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from uhn.configuration.generators import UHNConfig
from uhn.descriptors.normalization import Ranges
from uhn.errors import UserError
from uhn.files import read_json, write_bytes, write_json

DESCRIPTION, GENERATOR, TARGETS = "uhn.json", "generator.safetensors", "targets.safetensors"
FORMAT = 1


@dataclass(frozen=True)
class SavedUHN:
    """A UHN as it is written.

    Args:
        config: its sizes.
        ranges: bounds of the descriptors of its targets.
        state: its ``state_dict``; the frozen frequencies are in it.
        carried: by target name, what the target has beside generated weights; see `Target.carried`.
    """

    config: UHNConfig
    ranges: Ranges
    state: Mapping[str, Tensor]
    carried: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)


def write_saved(folder: Path, saved: SavedUHN) -> None:
    """Write a folder, ``uhn.json`` last: a folder without it is incomplete.

    Raises:
        UserError: it cannot be written.
    """
    (folder / DESCRIPTION).unlink(missing_ok=True)
    state = _packed(saved.state)
    # One entry for each tensor, named by the positions of the target and the tensor: names may hold anything.
    names = {target: sorted(tensors) for target, tensors in saved.carried.items()}
    carried = _packed(
        {
            f"{i}.{j}": saved.carried[target][name]
            for i, target in enumerate(names)
            for j, name in enumerate(names[target])
        }
    )
    write_bytes(folder / GENERATOR, state)
    write_bytes(folder / TARGETS, carried)
    description = {
        "format": FORMAT,
        "class": "UHN",
        "config": asdict(saved.config),
        "ranges": asdict(saved.ranges),
        "targets": names,
        "sha256": {GENERATOR: hashlib.sha256(state).hexdigest(), TARGETS: hashlib.sha256(carried).hexdigest()},
    }
    write_json(folder / DESCRIPTION, description)


def read_saved(folder: Path) -> SavedUHN:
    """Read a folder that `write_saved` wrote.

    Raises:
        UserError: a file is missing, damaged or of a release that this one does not read.
    """
    path = folder / DESCRIPTION
    description = read_json(path)
    if not isinstance(description, dict) or description.get("format") != FORMAT or description.get("class") != "UHN":
        raise UserError(f"{path}: expected a UHN in format {FORMAT}; read it with the release that wrote it")
    try:
        config = UHNConfig(**description["config"])
        ranges = Ranges(**{name: tuple(bounds) for name, bounds in description["ranges"].items()})
        names, sums = description["targets"], description["sha256"]
        state = _unpacked(folder / GENERATOR, sums[GENERATOR])
        tensors = _unpacked(folder / TARGETS, sums[TARGETS])
        carried = {
            target: {name: tensors[f"{i}.{j}"] for j, name in enumerate(tensor_names)}
            for i, (target, tensor_names) in enumerate(names.items())
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: altered ({error}); save the generator again") from None
    return SavedUHN(config, ranges, state, carried)


def _packed(tensors: Mapping[str, Tensor]) -> bytes:
    """Copies: the format has no tensors that share memory."""
    return save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})


def _unpacked(path: Path, sha256: str) -> dict[str, Tensor]:
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise UserError(f"{path}: is not the file that was saved (truncated or altered); save the generator again")
        return load(content)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read ({error}); save the generator again") from None
