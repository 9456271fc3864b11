"""What a user can do wrong with data, families, graphs and chains: one line each that says what to change."""

import re

import pytest
import torch
import yaml

from uhn.cli import main
from uhn.configuration.resolve import load_experiment
from uhn.data.sources import DataSource
from uhn.data.standin import write_standin

TRAIN = ("train", "--seed", "21962", "--scale", "demo", "--out", "out", "--scratch", "scratch")


@pytest.fixture
def fail(tmp_path, monkeypatch, capsys):
    """Run a command that fails in an empty folder and return its one line."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        assert main([str(argument) for argument in arguments]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        (line,) = shown.err.strip().splitlines()
        assert not (tmp_path / "out" / "training.json").exists()
        return line.removeprefix("uhn: error: ")

    run.folder = tmp_path
    return run


def test_a_full_gpu_is_one_line(fail, monkeypatch):
    def run(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nFurther lines.")

    monkeypatch.setattr("uhn.training.runner.train_run", run)
    line = fail(*TRAIN, "--setting", "kan_kv", "--variant", "uhn")
    assert line.startswith(
        "out of GPU memory (CUDA out of memory. Tried to allocate 2.00 GiB.); run fewer jobs at once"
    )


def flip_a_bit(path):
    payload = bytearray(path.read_bytes())
    payload[len(payload) // 2] ^= 1
    path.write_bytes(payload)


def test_missing_data_are_named_with_checksum_and_remedy(fail):
    (fail.folder / "data").mkdir()
    line = fail(*TRAIN, "--setting", "mnist_mlp", "--variant", "direct", "--data", "data")
    assert re.match(
        r"MNIST: data/MNIST/raw/train-images-idx3-ubyte.gz is missing \(expected sha256:\w{64}, found", line
    )
    assert line.endswith("or run: uhn data fetch mnist --folder data")


def test_truncated_and_altered_data_are_told_apart(fail):
    raw = fail.folder / "data/MNIST/raw"
    raw.mkdir(parents=True)
    images = raw / "train-images-idx3-ubyte.gz"
    for size, state in ((1000, "truncated"), (9_912_422, "altered")):
        images.write_bytes(b"x" * size)
        line = fail(*TRAIN, "--setting", "mnist_mlp", "--variant", "direct", "--data", "data")
        assert f"{images.relative_to(fail.folder)} is {state} (expected sha256:" in line
        assert re.search(r", found sha256:\w{64}", line) and "get it from http" in line


@pytest.mark.parametrize(
    ("setting", "dataset", "file"),
    [
        ("cora_gcn", "cora", "planetoid/Cora/raw/ind.cora.ally"),
        ("agnews_transformer2l", "ag_news", "ag_news_csv/train.csv"),
        ("cifar10_cnn20", "cifar10", "cifar-10-batches-py/data_batch_3"),
    ],
)
def test_an_altered_file_of_any_kind_is_named(fail, monkeypatch, setting, dataset, file):
    """Stand-ins that were damaged are written again; files of any other source are not touched."""
    folder = fail.folder / "resources/standin" / dataset
    write_standin(dataset, folder)
    flip_a_bit(folder / file)
    monkeypatch.setattr(DataSource, "open", lambda self, name: self.folder_of(name))
    line = fail(*TRAIN, "--setting", setting, "--variant", "direct")
    assert re.search(rf"{file} is altered \(expected sha256:\w{{64}}, found sha256:\w{{64}}\); delete ", line)


def test_a_damaged_standin_is_written_again(fail):
    folder = fail.folder / "resources/standin/cora"
    write_standin("cora", folder)
    path = folder / "planetoid/Cora/raw/ind.cora.graph"
    whole = path.read_bytes()
    flip_a_bit(path)
    DataSource("standin").open("cora")
    assert path.read_bytes() == whole


def test_standins_are_not_real_data_nor_the_other_way_round(fail):
    write_standin("mnist", fail.folder / "data")
    line = fail(*TRAIN, "--setting", "mnist_mlp", "--variant", "direct", "--data", "data")
    assert line == (
        "data: expected the published files of MNIST, found a stand-in; "
        "name another folder or set the data source to standin"
    )


def test_a_run_is_evaluated_on_the_kind_of_data_it_was_trained_on(fail, capsys):
    assert main([*TRAIN, "--setting", "mnist_mlp", "--variant", "direct"]) == 0
    (fail.folder / "data").mkdir()
    assert main(["evaluate", "out", "--data", "data"]) == 2
    assert capsys.readouterr().err == (
        "uhn: error: mnist_mlp/direct/seed21962: configured for standin data, got the data source 'local'; "
        "give another --data\n"
    )
    assert main(["evaluate", "out"]) == 0


def test_formulas_need_no_data(fail):
    arguments = edited(fail, "kan_lpmv2", lambda e: e["variants"]["direct"]["train"].update(epochs=8))
    assert main([*arguments, "--variant", "direct", "--data", "download"]) == 0
    assert main(["evaluate", "out", "--data", "download"]) == 0
    assert not (fail.folder / "resources").exists()


def test_an_unknown_folder_is_named(fail):
    line = fail(*TRAIN, "--setting", "mnist_mlp", "--variant", "direct", "--data", "nowhere")
    assert line == "data source 'nowhere': expected 'standin', 'download' or an existing folder"


def edited(fail, setting, change):
    """Write an experiment file with a change and return the arguments that train from it."""
    experiment = yaml.safe_load(yaml.safe_dump(load_experiment(setting)))
    change(experiment)
    path = fail.folder / f"{setting}.yaml"
    path.write_text(yaml.safe_dump(experiment))
    return (*TRAIN, "--config", path.name, "--setting", setting)


def test_a_graph_has_no_batch_size(fail):
    arguments = edited(fail, "cora_gcn", lambda e: e.update(batch_size=32))
    assert fail(*arguments, "--variant", "uhn") == (
        "setting 'cora_gcn': batch_size 32 for node_classification, which takes all its data in every step; remove it"
    )


@pytest.mark.parametrize("method", ["direct", "ha", "chunked"])
def test_other_methods_know_one_model_only(fail, method):
    variant = {"method": method, "train": {"epochs": 1, "lr": 0.01}}
    arguments = edited(fail, "cnn_mixed_depth", lambda e: e["variants"].update({method: variant}))
    assert fail(*arguments, "--variant", method) == (
        f"cnn_mixed_depth/{method}/seed21962: method '{method}' holds the weights of one target model, this setting "
        "has 20; expected method 'uhn'"
    )


@pytest.mark.parametrize(("depth", "rates"), [(1, [1e-4]), (1, [1e-4] * 3), (2, 1e-4), (0, [1e-4] * 2)])
def test_a_chain_has_one_learning_rate_a_level(fail, depth, rates):
    def change(experiment):
        experiment["depth"] = depth
        experiment["variants"]["uhn"]["init"]["lr"] = rates

    got = len(rates) if isinstance(rates, list) else 1
    assert fail(*edited(fail, "recursion_k1", change), "--variant", "uhn") == (
        f"setting 'recursion_k1': init has {got} learning rates, expected one for each of the {depth + 1} levels"
    )


def test_a_list_of_learning_rates_belongs_to_a_chain(fail):
    def change(experiment):
        experiment["variants"]["uhn"]["init"]["lr"] = [1e-4, 1e-4]

    line = fail(*edited(fail, "mnist_mlp", change), "--variant", "uhn")
    assert "init has 2 learning rates, expected one for each of the 1 levels" in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.update(model="cnn_mixed_dept"), "unknown model 'cnn_mixed_dept'"),
        (lambda e: e.update(dataset="mnst"), "unknown data set 'mnst'; expected one of mnist, cifar10"),
        (lambda e: e.update(dataset="cora"), "Cora is not an image set; expected one of mnist, cifar10"),
    ],
)
def test_unknown_models_and_data_sets_are_named(fail, change, message):
    assert message in fail(*edited(fail, "cifar10_cnn20", change), "--variant", "direct")


def test_a_mixture_needs_a_name_and_a_share_for_each_task(fail):
    line = fail(*edited(fail, "multi_task", lambda e: e["tasks"][0].pop("probability")), "--variant", "uhn")
    assert "multi_task.yaml: tasks.0: 'probability' is a required property" in line
