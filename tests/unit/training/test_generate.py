"""Weights written from a trained generator are those that the evaluation used."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import tiny_run, train, train_and_evaluate

from uhn.cli import main
from uhn.data.sources import STANDIN
from uhn.models.cnn import CNN, CNNConfig
from uhn.runs.folder import read_record
from uhn.runs.identity import kernel_problem
from uhn.training.generate import TrainedRun, generate_weights
from uhn.training.members import load_members
from uhn.training.targets import TargetSet


@pytest.fixture(scope="module")
def trained(tmp_path_factory, standin_home):
    """A CNN's, a family's and a graph's generator, trained for a few steps and evaluated."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(standin_home)
        for setting in ("cifar10_cnn20", "transformer_mixed", "cora_gcn"):
            train_and_evaluate(tiny_run(setting, steps=4, init=1), folder / setting)
    return folder


def test_a_plain_module_with_the_written_weights_has_the_reported_accuracy(at_home, trained, tmp_path):
    """Loaded into the network itself, which knows nothing of generators."""
    out = tmp_path / "weights.safetensors"
    assert main(["generate", str(trained / "cifar10_cnn20"), "--out", str(out)]) == 0
    # the demo's quarter of the widths, a sixth of the depths
    module = CNN("plain", CNNConfig(1, 3, stage_layers=(1, 1, 1, 1), stage_widths=(4, 4, 8, 16)))
    tensors = load_file(out)
    assert tensors.keys() == dict(module.named_parameters()).keys()
    module.load_state_dict(tensors, strict=False)
    (member,) = load_members(tiny_run("cifar10_cnn20"), "test", STANDIN, torch.device("cpu"))
    pixels = member.task.images.images.float() / 255
    mean, std = (torch.tensor(v)[:, None, None] / 255 for v in ((125.3, 123.0, 113.9), (63.0, 62.1, 66.7)))
    with torch.no_grad():
        correct = module.eval()((pixels - mean) / std).argmax(1) == member.task.images.labels
    reported = read_record(trained / "cifar10_cnn20/result.json", "result")["metrics"]["test/accuracy"]
    assert correct.double().mean().item() == pytest.approx(reported, abs=1e-9)


def test_a_member_of_a_family_has_its_reported_accuracy(at_home, trained):
    result = read_record(trained / "transformer_mixed/result.json", "result")
    config = tiny_run("transformer_mixed", steps=4, init=1)
    (member,) = load_members(config, "test", STANDIN, torch.device("cpu"))
    for model in (result["models"][0], result["models"][-1]):
        weights = generate_weights(trained / "transformer_mixed", model["name"])
        assert sum(w.numel() for w in weights.values()) == model["parameters"]
        assert member.task.evaluate(member.targets.build(model["name"]), weights) == model["metrics"]


def test_the_data_decide_the_size_of_a_graph_model(at_home, trained):
    """The stand-in of Cora has 64 features and 7 classes; a quarter of 64 hidden units."""
    weights = generate_weights(trained / "cora_gcn", None)
    assert {name: tuple(w.shape) for name, w in weights.items() if w.dim() == 2} == {
        "blocks.0.weight": (16, 64),
        "blocks.1.weight": (7, 16),
    }


def test_one_component_is_an_array(at_home, trained, tmp_path):
    out = tmp_path / "kernel.npy"
    run = trained / "cifar10_cnn20"
    assert main(["generate", str(run), "--component", "convs.2.weight", "--out", str(out)]) == 0
    kernel = np.load(out)
    assert kernel.dtype == np.float32 and kernel.shape == (8, 4, 3, 3)
    np.testing.assert_array_equal(kernel, generate_weights(run, None)["convs.2.weight"].numpy())


def test_a_kernel_for_figures_names_its_generator(at_home, trained):
    run, out = trained / "cifar10_cnn20", trained / "cifar10_cnn20/kernel.safetensors"
    assert main(["generate", str(run), "--component", "convs.2.weight", "--out", str(out)]) == 0
    assert kernel_problem(run) is None
    assert torch.equal(load_file(out)["convs.2.weight"], generate_weights(run, None)["convs.2.weight"])


def test_a_member_that_was_not_in_use_gets_weights_that_fit(at_home, trained, tmp_path):
    """The README's example: any member of the family, as small as the run's scale makes it."""
    out, run = tmp_path / "w.safetensors", trained / "transformer_mixed"
    in_use = {model["name"] for model in read_record(run / "result.json", "result")["models"]}
    name = "transformer_mixed/500"
    assert name not in in_use
    assert main(["generate", str(run), "--model", name, "--out", str(out)]) == 0
    target = TrainedRun(run).module(name)
    tensors = load_file(out)
    assert tensors.keys() == dict(target.named_parameters()).keys()
    target.load_state_dict(tensors, strict=False)
    assert all(torch.equal(parameter, tensors[key]) for key, parameter in target.named_parameters())


def test_the_source_of_the_data_is_not_needed(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert generate_weights(trained / "cora_gcn", "cora_gcn")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("run", "arguments", "message"),
    [
        ("cifar10_cnn20", ("--out", "w.npy"), "w.npy: expected a file name that ends in .safetensors"),
        (
            "cifar10_cnn20",
            ("--component", "convs.2.weight", "--out", "w.txt"),
            "w.txt: expected a file name that ends in .safetensors or .npy",
        ),
        (
            "cifar10_cnn20",
            ("--component", "convs.2.weigth", "--out", "w.npy"),
            "--component convs.2.weigth: the model has none of that name; did you mean 'convs.2.weight'?",
        ),
        (
            "cifar10_cnn20",
            ("--model", "cifar10_cnn32", "--out", "w.safetensors"),
            "'cifar10_cnn32' is no target model of this run; did you mean 'cifar10_cnn20'?",
        ),
        (
            "transformer_mixed",
            ("--out", "w.safetensors"),
            "has 1000 target models; name one with --model, e.g. transformer_mixed/0",
        ),
        ("transformer_mixed", ("--model", "transformer_mixed/1000", "--out", "w.safetensors"), "is no target model"),
        ("nowhere", ("--out", "w.safetensors"), "nowhere/run.json: no such file"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(trained, tmp_path, monkeypatch, capsys, run, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", str(trained / run), *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("uhn: error: ") and message in line
    assert list(tmp_path.iterdir()) == []


def test_an_altered_generator_is_refused(at_home, tmp_path, capsys):
    out = tmp_path / "out"
    train(tiny_run("mnist_mlp", "direct", steps=1), out)
    path = out / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    assert main(["generate", str(out), "--out", str(tmp_path / "w.safetensors")]) == 2
    assert "generator.safetensors: differs from the file that training.json names" in capsys.readouterr().err
    path.unlink()
    assert main(["evaluate", str(out)]) == 2
    assert "generator.safetensors: missing" in capsys.readouterr().err


def test_a_diverged_run_has_no_weights(at_home, tmp_path, capsys):
    config = tiny_run("mnist_mlp", "direct", steps=30)
    train(replace(config, train=replace(config.train, lr=1e30)), tmp_path / "out")
    assert main(["generate", str(tmp_path / "out"), "--out", str(tmp_path / "w.safetensors")]) == 2
    assert "the run diverged (loss not finite at train step " in capsys.readouterr().err


def test_targets_of_a_run_are_those_of_its_record(trained):
    """What generate builds without data equals what training built with them."""
    record = read_record(trained / "cora_gcn/run.json", "run")
    (sizes,) = record["data"]["sizes"]
    assert sizes == {"features": 64, "classes": 7}
    target = TargetSet(tiny_run("cora_gcn").tasks[0], "final", sizes).build("cora_gcn")
    assert target.num_params == 64 * 16 + 16 + 16 * 7 + 7
