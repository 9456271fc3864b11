"""Metrics by hand: single models, means over models, prefixes of mixtures."""

import math
from dataclasses import replace

import pytest
import torch
from tiny_runs import tiny_run, train

from uhn.data.sources import STANDIN
from uhn.runs.folder import read_record
from uhn.training import evaluate
from uhn.training.evaluate import describe_models, evaluate_models, evaluate_run, mean_metrics
from uhn.training.runner import load_members
from uhn.training.tasks.classification import Score, cross_entropy


def model(name, split, **metrics):
    return {"name": name, "split": split, "parameters": 1, "metrics": metrics}


def test_means_over_the_models_of_each_split_are_unweighted():
    models = [
        model("f/0", "seen", accuracy=0.9, loss=1.0),
        model("f/1", "seen", accuracy=0.6, loss=2.0) | {"parameters": 1000},
        model("f/8", "unseen", accuracy=0.5, loss=4.0),
    ]
    assert mean_metrics(models) == {
        "seen/accuracy": pytest.approx(0.75),
        "seen/loss": 1.5,
        "unseen/accuracy": 0.5,
        "unseen/loss": 4.0,
    }


def test_a_single_model_has_no_split():
    assert mean_metrics([model("mnist_mlp", "", accuracy=0.25, loss=2.0)]) == {"accuracy": 0.25, "loss": 2.0}


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


def test_each_model_is_generated_once(at_home):
    (member,) = load_members(tiny_run("cnn_mixed_width"), "test", STANDIN, torch.device("cpu"))
    generated = []

    def generator(target):
        generated.append(target.name)
        return {p.name: torch.zeros(p.component.shape) for p in target.placed_components}

    found = describe_models(evaluate_models(generator, member), member.targets)
    assert generated == [one["name"] for one in found]
    assert len(set(generated)) == 4
    # zero weights give equal logits: the first class of ten, all losses ln 10
    assert [one["metrics"]["loss"] for one in found] == pytest.approx([math.log(10)] * 4)
    assert found[0]["summary"] == "3/3/3 convs, widths 4/4/12/32"


def test_a_result_copies_the_facts_of_training(at_home, tmp_path):
    train(tiny_run("mnist_mlp", "direct", steps=2), tmp_path / "out")
    training = read_record(tmp_path / "out/training.json", "training")
    evaluate_run(tmp_path / "out")
    result = read_record(tmp_path / "out/result.json", "result")
    for key in ("status", "reason", "parameters", "steps", "cost"):
        assert result[key] == training[key]
    assert {name: result["metrics"][name] for name in training["metrics"]} == training["metrics"]
    assert "models" not in result and "family" not in result


def test_a_diverged_run_is_not_evaluated(at_home, tmp_path, monkeypatch):
    config = tiny_run("mnist_mlp", "direct", steps=30)
    train(replace(config, train=replace(config.train, lr=1e30)), tmp_path / "out")
    monkeypatch.setattr(evaluate, "load_members", None)
    evaluate_run(tmp_path / "out")
    result = read_record(tmp_path / "out/result.json", "result")
    assert (result["status"], result["metrics"]) == ("diverged", {})
