"""Loss and scores of classification tasks by hand and against plain torch."""

import math

import pytest
import torch
from tiny_runs import tiny_run

from uhn.data.sources import STANDIN
from uhn.training.members import load_members
from uhn.training.tasks.classification import Score, cross_entropy


def test_scores_are_means_over_examples_not_over_batches():
    """Logits (0, ln 3): probabilities 1/4 and 3/4; classes 0, 1 | 1."""
    score = Score()
    row = [0.0, math.log(3.0)]
    score.add(torch.tensor([row, row]), torch.tensor([0, 1]))
    score.add(torch.tensor([row]), torch.tensor([1]))
    expected = (math.log(4) + 2 * math.log(4 / 3)) / 3
    assert score.result() == {"loss": pytest.approx(expected), "accuracy": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("dtype", "computed_in", "rounding"),
    [
        (torch.float16, torch.float32, 1e-2),
        (torch.bfloat16, torch.float32, 1e-2),
        (torch.float32, torch.float32, 1e-6),
        (torch.float64, torch.float64, 1e-15),
    ],
)
def test_the_training_loss_is_computed_in_float32_or_a_wider_type(dtype, computed_in, rounding):
    logits, labels = torch.tensor([[0.0, math.log(3.0)]] * 2, dtype=torch.float64), torch.tensor([0, 1])
    loss = cross_entropy(logits.to(dtype), labels)
    assert loss.dtype == computed_in
    assert loss.item() == pytest.approx((math.log(4) + math.log(4 / 3)) / 2, rel=rounding)


def test_a_task_scores_as_plain_torch_does(at_home):
    """512 texts-or-images in batches of 256 and the nodes of a graph, against one pass over all of them."""
    for setting in ("mnist_cnn8", "agnews_transformer2l", "cora_gat"):
        (member,) = load_members(tiny_run(setting, "direct"), "test", STANDIN, torch.device("cpu"))
        name = member.targets.task.model
        target = member.targets.build(name)
        for _, layer in target.layers:
            layer.reset_parameters()
        weights = dict(target.named_parameters())
        found = member.task.evaluate(target.train(), weights)  # training mode must not survive: dropout
        logits, labels = all_logits(member.task, target.eval())
        assert found["loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-4)
        assert found["accuracy"] == pytest.approx((logits.argmax(1) == labels).double().mean().item())


@torch.no_grad()
def all_logits(task, target):
    if hasattr(task, "images"):
        return target((task.images.images.float() / 255 - 0.1307) / 0.3081), task.images.labels
    if hasattr(task, "texts"):
        texts, longest = task.texts, int(task.texts.offsets.diff().max())
        ids = torch.ones(len(texts.labels), longest, dtype=torch.int64)  # 1 pads
        for row, (start, stop) in enumerate(zip(texts.offsets, texts.offsets[1:], strict=False)):
            ids[row, : stop - start] = texts.tokens[start:stop]
        return target(ids), texts.labels
    return target(task.features, task.edge_index)[task.nodes], task.labels
