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
from uhn.training.members import load_members


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
