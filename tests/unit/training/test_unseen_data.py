"""Training cannot see test labels, and tuning opens no test data at all."""

import json
import pickle
import shutil

import pytest
import torch
from tiny_runs import journal, tiny_run, train, train_and_evaluate, weights

from uhn.configuration.resolve import load_experiment, resolve
from uhn.data.checksums import checksum
from uhn.data.images import load_images
from uhn.data.planetoid import load_graph
from uhn.data.sources import STANDIN, DataSource
from uhn.data.splits import validation_split
from uhn.data.texts import load_texts
from uhn.data.verify import marker_path
from uhn.errors import UserError
from uhn.models.model_sets import FAMILIES
from uhn.training.evaluate import evaluate_run
from uhn.training.members import load_members
from uhn.training.targets import TargetSet
from uhn.training.tasks.images import ImageTask
from uhn.training.tasks.texts import TextTask

CPU = torch.device("cpu")
TEST_FILES = {
    "mnist": "MNIST/raw/t10k-*",
    "cifar10": "cifar-10-batches-py/test_batch",
    "ag_news": "ag_news_csv/test.csv",
    "imdb": "aclImdb/test",
}
SETTINGS = {
    "mnist": ("mnist_mlp", "uhn"),
    "cifar10": ("cifar10_cnn20", "direct"),
    "ag_news": ("agnews_transformer2l", "direct"),
    "imdb": ("imdb_transformer1l", "direct"),
}


@pytest.fixture
def without_test_files(own_home, monkeypatch):
    """A function data sets -> their copies without test files, opened as they are, as downloaded files would be."""

    def make(*datasets):
        home = own_home(*datasets)
        for dataset in datasets:
            found = list((home / dataset).glob(TEST_FILES[dataset]))
            assert found
            for path in found:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        monkeypatch.setattr(DataSource, "open", lambda self, dataset: self.folder_of(dataset))

    return make


@pytest.mark.parametrize("dataset", SETTINGS)
def test_training_needs_no_test_file(without_test_files, tmp_path, dataset):
    without_test_files(dataset)
    train(tiny_run(*SETTINGS[dataset], steps=2, init=1), tmp_path / "out")
    with pytest.raises(UserError, match=r"is (missing|altered) \(expected sha256:"):
        evaluate_run(tmp_path / "out")
    assert not (tmp_path / "out/result.json").exists()


@pytest.mark.parametrize("dataset", SETTINGS)
def test_tuning_needs_no_test_file(without_test_files, tmp_path, dataset):
    without_test_files(dataset)
    config = tiny_run(*SETTINGS[dataset], steps=2, init=1, mode="tuning")
    metrics = train_and_evaluate(config, tmp_path / "out")["metrics"]
    assert "validation/accuracy" in metrics and not any(name.startswith("test") for name in metrics)


def relabel(folder, name, *, validation):
    """Move every test label of a graph (and every validation label) to the next class, and refresh the marker."""
    raw = folder / "planetoid" / name.title().replace("Pubmed", "PubMed").replace("Citeseer", "CiteSeer") / "raw"
    training = len(pickle.loads((raw / f"ind.{name}.y").read_bytes()))
    for part, first in (("ty", 0), ("ally", training)) if validation else (("ty", 0),):
        path = raw / f"ind.{name}.{part}"
        labels = pickle.loads(path.read_bytes())
        labels[first:] = labels[first:, [*range(1, labels.shape[1]), 0]]
        path.write_bytes(pickle.dumps(labels, protocol=4))
    marker = marker_path(name, folder)
    content = json.loads(marker.read_text())
    content["files"] = {path: checksum(folder / path) for path in content["files"]}
    marker.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "setting", "variant"), [("cora", "cora_gcn", "uhn"), ("pubmed", "pubmed_gat", "direct")]
)
def test_labels_of_other_nodes_change_no_byte_of_a_trained_graph_model(own_home, tmp_path, name, setting, variant):
    home = own_home(name)
    config = tiny_run(setting, variant, steps=4, init=2)
    first = train_and_evaluate(config, tmp_path / "first")["metrics"]
    before = load_graph(name, home / name, standin=True)
    relabel(home / name, name, validation=True)
    after = load_graph(name, home / name, standin=True)
    assert torch.equal(after.labels[after.train_mask], before.labels[before.train_mask])
    for mask in (before.val_mask, before.test_mask):
        assert (after.labels[mask] != before.labels[mask]).all()

    second = train_and_evaluate(config, tmp_path / "second")["metrics"]
    assert weights(tmp_path / "first") == weights(tmp_path / "second")
    assert journal(tmp_path / "first") == journal(tmp_path / "second")
    assert {k: v for k, v in first.items() if k.startswith("train/")} == {
        k: v for k, v in second.items() if k.startswith("train/")
    }
    assert first["test/loss"] != second["test/loss"]


def test_tuning_a_graph_model_does_not_depend_on_test_labels(own_home, tmp_path):
    home = own_home("cora")
    config = tiny_run("cora_gcn", "direct", steps=4, mode="tuning")
    first = train_and_evaluate(config, tmp_path / "first")["metrics"]
    relabel(home / "cora", "cora", validation=False)
    assert train_and_evaluate(config, tmp_path / "second")["metrics"] == first
    relabel(home / "cora", "cora", validation=True)
    assert train_and_evaluate(config, tmp_path / "third")["metrics"]["validation/loss"] != first["validation/loss"]


def tensors(value):
    """Every tensor an object holds, attribute by attribute."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from tensors(inner)
    elif hasattr(value, "__dict__"):
        yield from tensors(list(vars(value).values()))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_graph_task_holds_the_labels_of_its_own_nodes_only(at_home, split):
    (member,) = load_members(tiny_run("cora_gcn"), split, STANDIN, CPU)
    graph = load_graph("cora", STANDIN.open("cora"), standin=True)
    mask = {"train": graph.train_mask, "validation": graph.val_mask, "test": graph.test_mask}[split]
    assert torch.equal(member.task.nodes, mask)
    assert torch.equal(member.task.labels, graph.labels[mask])
    assert not any(found.shape == graph.labels.shape for found in tensors(member.task))
    batch = member.task.next_batch()
    assert torch.equal(batch.labels, graph.labels[mask])
    logits = torch.randn(len(graph.labels), 7, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.cross_entropy(logits[mask], graph.labels[mask])
    assert member.task.loss(logits, batch.labels).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("dataset", SETTINGS)
def test_final_training_uses_all_examples_tuning_the_published_share(at_home, dataset):
    setting, variant = SETTINGS[dataset]
    load = load_texts if dataset in ("ag_news", "imdb") else load_images
    options = (at_home / "resources/tokens",) if load is load_texts else ()
    whole = load(dataset, STANDIN.open(dataset), "train", *options, standin=True)
    count = len(whole.labels)
    # a tenth of CIFAR-10 validates, a fifth of the others: 512 images, 600 texts
    held_out = {"mnist": 102, "cifar10": 51, "ag_news": 120, "imdb": 120}[dataset]
    train_rows, validation_rows = validation_split(dataset, count)
    assert len(validation_rows) == held_out and not set(train_rows.tolist()) & set(validation_rows.tolist())

    tasks = {
        (mode, split): load_members(tiny_run(setting, variant, mode=mode), split, STANDIN, CPU)[0].task
        for mode, split in (("final", "train"), ("tuning", "train"), ("tuning", "validation"))
    }
    for (mode, split), rows in {
        ("final", "train"): torch.arange(count),
        ("tuning", "train"): train_rows,
        ("tuning", "validation"): validation_rows,
    }.items():
        task = tasks[mode, split]
        assert task.steps_per_epoch == -(-len(rows) // 100)
        if isinstance(task, ImageTask):
            assert torch.equal(task.images.labels, whole.labels[rows])
            assert torch.equal(task.images.images, whole.images[rows])
        else:
            assert isinstance(task, TextTask) and torch.equal(task.chosen, rows)


def test_formulas_tune_on_800_points_and_validate_on_200_others(at_home):
    parts = [
        load_members(tiny_run("kan_kv", "direct", mode="tuning"), split, STANDIN, CPU)[0].task.inputs
        for split in ("train", "validation", "test")
    ]
    assert [len(part) for part in parts] == [800, 200, 1000]
    points = [set(map(tuple, part.tolist())) for part in parts]
    assert not points[0] & points[1] and not (points[0] | points[1]) & points[2]
    (final,) = load_members(tiny_run("kan_kv", "direct"), "train", STANDIN, CPU)
    assert set(map(tuple, final.task.inputs.tolist())) == points[0] | points[1]


def test_a_family_is_tuned_on_architectures_that_are_neither_seen_in_training_nor_held_out(at_home):
    """Paper scale: of 100 CNNs 60 train, 20 validate and 20 are held out, by their place in the sample."""
    config = resolve(load_experiment("cnn_mixed_depth"), "uhn", 21962, "paper", mode="tuning")
    roles = TargetSet(config.tasks[0], "tuning", {}).roles
    family = FAMILIES["cnn_mixed_depth"]
    assert list(roles.train) == family.member_names(range(60))
    assert list(roles.reported[""]) == family.member_names(range(60, 80))
