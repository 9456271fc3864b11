"""Node classification on a citation graph, the whole graph in every batch."""

from __future__ import annotations

import torch
from torch import Tensor

from uhn.configuration.run import RunConfig, TaskConfig
from uhn.data.planetoid import load_graph
from uhn.data.sources import DataSource
from uhn.layers.functional import Activations
from uhn.layers.sparse_features import SparseFeatures
from uhn.models.base import TargetModel
from uhn.training.tasks.base import Batch, WholeBatchTask
from uhn.training.tasks.classification import Score, cross_entropy
from uhn.training.tasks.facts import DataFacts, describe_files


class NodeTask(WholeBatchTask):
    """Cross-entropy on some nodes of a graph. The labels of all other nodes are not here.

    Args:
        facts: about the data.
        features, edge_index: the graph.
        nodes: indices of the nodes of the split.
        labels: their classes.

    Shapes:
        features (n, f), edge_index (2, edges), nodes (k,), labels (k,)
    """

    def __init__(
        self, facts: DataFacts, features: Activations, edge_index: Tensor, nodes: Tensor, labels: Tensor
    ) -> None:
        self.facts = facts
        self.features = features
        self.edge_index = edge_index
        self.nodes = nodes
        self.labels = labels

    def next_batch(self) -> Batch:
        return Batch((self.features, self.edge_index), self.labels)

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(outputs[self.nodes], labels)

    @torch.no_grad()
    def evaluate(self, target: TargetModel, weights: dict[str, Tensor]) -> dict[str, float]:
        """Return ``loss`` and ``accuracy`` over the nodes of the split."""
        target.eval()
        score = Score()
        score.add(target.run(weights, self.features, self.edge_index)[self.nodes], self.labels)
        return score.result()


def load_node_task(
    config: RunConfig, task: TaskConfig, split: str, source: DataSource, device: torch.device
) -> NodeTask:
    """Load the graph with the labels of one split of its nodes: ``train``, ``validation`` or ``test``."""
    graph = load_graph(task.dataset, source.open(task.dataset), standin=source.standin)
    nodes = {"train": graph.train_mask, "validation": graph.val_mask, "test": graph.test_mask}[split]
    facts = describe_files(
        task.dataset,
        source,
        graph.checksums,
        features=graph.x.shape[1],
        classes=int(graph.labels[graph.train_mask].max()) + 1,
    )
    features = SparseFeatures.from_dense(graph.x) if device.type == "cpu" else graph.x.to(device)
    tensors = (graph.edge_index, nodes, graph.labels[nodes])
    return NodeTask(facts, features, *(tensor.to(device) for tensor in tensors))
