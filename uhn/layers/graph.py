"""What the graph layers share."""

from __future__ import annotations

from torch import Tensor

from uhn.errors import UserError


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
