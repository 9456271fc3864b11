"""What the graph layers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from uhn.errors import UserError

T = TypeVar("T")


def once_per_graph(prepare: Callable[..., T]) -> Callable[..., T]:
    """Keep what is computed from an edge list as long as the list lives, for the layers and steps that come back.

    Dropping self-loops takes as many edges as there are, for which a GPU would have to be waited for in every layer.

    Args:
        prepare: edge list, further hashable arguments -> anything that does not hold the edge list.
    """
    kept: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def look_up(edge_index: Tensor, *rest: object) -> T:
        version, results = kept.get(edge_index, (None, {}))
        if version != edge_index._version:  # changed in place
            version, results = edge_index._version, {}
            kept[edge_index] = version, results
        if rest not in results:
            results[rest] = prepare(edge_index, *rest)
        return results[rest]

    return look_up


def check_edges(edge_index: Tensor) -> None:
    """Refuse a graph without edges, on which message passing is a plain linear map.

    Shapes:
        edge_index (2, edges)

    Raises:
        UserError: there is no edge.
    """
    if edge_index.dim() != 2 or edge_index.shape[0] != 2 or edge_index.shape[1] == 0:
        shape = tuple(edge_index.shape)
        raise UserError(f"graph: expected an edge list of shape (2, edges) with at least one edge, got shape {shape}")
