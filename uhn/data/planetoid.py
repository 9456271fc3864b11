"""Citation graphs with the public split of Planetoid (Yang et al. 2016), read through PyTorch Geometric."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from uhn.data.catalogue import get_dataset
from uhn.data.labels import require_classes
from uhn.data.planetoid_parts import check_parts
from uhn.data.splits import GRAPHS
from uhn.data.verify import require_files
from uhn.errors import UserError

if TYPE_CHECKING:
    from torch_geometric.data import Data


@dataclass(frozen=True)
class GraphSet:
    """A graph whose nodes are classified.

    Args:
        x: features, each row scaled to a sum of one.
        edge_index: sources and targets; each edge in both directions, no self-loops.
        labels: classes.
        train_mask: indices of the training nodes.
        val_mask: indices of the validation nodes.
        test_mask: indices of the test nodes.
        checksums: of the files that were read, by path.

    Shapes:
        x (nodes, features) float32, edge_index (2, directed edges) int64, labels (nodes,) int64, the rest (k,) int64
    """

    x: Tensor
    edge_index: Tensor
    labels: Tensor
    train_mask: Tensor
    val_mask: Tensor
    test_mask: Tensor
    checksums: dict[str, str]

    def to(self, device: torch.device) -> GraphSet:
        """Return the graph on a device."""
        tensors = {field.name: getattr(self, field.name).to(device) for field in fields(self)[:-1]}
        return replace(self, **tensors)


def normalise_features(x: Tensor) -> Tensor:
    """Subtract the global minimum, then divide each row by its sum, or by one where the sum is smaller."""
    x = x - x.min()
    return x / x.sum(dim=1, keepdim=True).clamp(min=1)


def load_graph(name: str, folder: Path, *, standin: bool = False) -> GraphSet:
    """Load a citation graph; nothing is downloaded and nothing is written into the folder.

    Args:
        name: "cora", "citeseer" or "pubmed".
        folder: holds ``planetoid/<Name>/raw``.
        standin: whether stand-in data are asked for; neither kind is taken for the other.

    Raises:
        UserError: a file is missing or damaged, or a part of the split lacks a class.
    """
    dataset = get_dataset(name)
    if name not in GRAPHS:
        raise UserError(f"{dataset.title} is not a graph; expected one of {', '.join(GRAPHS)}")
    checksums = require_files(name, folder, standin=standin)
    raw = Path(folder).resolve() / "planetoid" / dataset.title / "raw"
    check_parts(raw, name, dataset.classes)  # PyG unpickles without an allow-list: it sees only what has passed ours
    data = _read(raw, dataset.title)
    masks = [mask.nonzero().flatten() for mask in (data.train_mask, data.val_mask, data.test_mask)]
    for part, mask in zip(("training", "validation", "test"), masks, strict=True):
        require_classes(data.y[mask], dataset.classes, f"{dataset.title} {part} nodes in {folder}")
    return GraphSet(normalise_features(data.x), data.edge_index, data.y, *masks, checksums)


def _read(raw: Path, title: str) -> Data:
    """Let PyG process the raw files in a folder of its own, so that it finds no stale copy and leaves none."""
    from torch_geometric.datasets import Planetoid

    with TemporaryDirectory() as root, contextlib.redirect_stderr(io.StringIO()):
        place = Path(root) / title
        place.mkdir()
        (place / "raw").symlink_to(raw, target_is_directory=True)
        try:
            return Planetoid(root, title, split="public")[0]
        except (ValueError, IndexError, KeyError, RuntimeError, AttributeError, TypeError) as error:
            raise UserError(
                f"{raw}: expected the eight files of Planetoid, they do not fit together ({error}); get them again"
            ) from error
