"""What is prepared for a graph is prepared once, as long as the graph is the same."""

import gc
import weakref

import torch

from uhn.layers.graph import once_per_graph

EDGES = torch.tensor([[0, 1, 2], [1, 2, 0]])


def counted():
    calls = []

    @once_per_graph
    def prepare(edge_index, nodes):
        calls.append(nodes)
        return edge_index.flip(0), nodes

    return prepare, calls


def test_once_for_each_graph_and_each_argument():
    prepare, calls = counted()
    first, second = EDGES.clone(), EDGES.clone()
    for edges, nodes in ((first, 3), (first, 3), (first, 4), (second, 3), (first, 3), (first, 4)):
        flipped, count = prepare(edges, nodes)
        assert torch.equal(flipped, edges.flip(0)) and count == nodes
    assert calls == [3, 4, 3]


def test_again_when_the_graph_changes_in_place():
    prepare, calls = counted()
    edges = EDGES.clone()
    prepare(edges, 3)
    edges[0, 0] = 2
    assert torch.equal(prepare(edges, 3)[0], edges.flip(0))
    assert calls == [3, 3]


def test_a_graph_is_not_kept_alive():
    prepare, _ = counted()
    edges = EDGES.clone()
    result = weakref.ref(prepare(edges, 3)[0])
    del edges
    gc.collect()
    assert result() is None
