"""``uhn data`` as a user meets it."""

from cli_process import uhn

from uhn.cli import main
from uhn.data.catalogue import DATASETS
from uhn.data.standin import write_standin


def test_help_has_an_example(tmp_path):
    done = uhn("data", "--help", cwd=tmp_path)
    assert done.returncode == 0 and "uhn data fetch mnist cora" in done.stdout


def test_status_shows_address_licence_and_citation(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "status"]) == 0
    shown = capsys.readouterr().out
    for dataset in DATASETS.values():
        assert f"{dataset.title} ({dataset.name}): 0 of {len(dataset.files)} files there" in shown
        assert dataset.url in shown and dataset.licence in shown and dataset.citation in shown


def test_verify_says_what_is_missing_and_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "verify", "cora", "mnist"]) == 2
    shown = capsys.readouterr()
    assert "ind.cora.tx: missing: expected sha256:" in shown.out
    assert "uhn data fetch cora --folder resources/cora" in shown.out
    assert shown.err.startswith("uhn: error: cora, mnist: expected complete") and shown.err.count("\n") == 1


def test_verify_and_status_call_a_standin_by_its_name(tmp_path, capsys):
    write_standin("mnist", tmp_path)
    assert main(["data", "verify", "mnist", "--folder", str(tmp_path)]) == 0
    assert "stand-in data, 4 of 4 files usable" in capsys.readouterr().out
    assert main(["data", "status", "mnist", "--folder", str(tmp_path)]) == 0
    assert "MNIST (mnist): stand-in data" in capsys.readouterr().out


def test_a_failed_download_is_one_line(tmp_path, monkeypatch, capsys):
    import pooch
    import requests

    def refuse(url, *arguments, **options):
        raise requests.exceptions.ConnectionError("Name or service not known\nat length")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pooch, "retrieve", refuse)
    assert main(["data", "fetch", "cifar10"]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz" in shown.err
    assert "uhn data verify cifar10 --folder DIR" in shown.err


def test_mistakes_are_named_before_anything_starts(tmp_path):
    done = uhn("data", "fetch", "mnist", "svhn", cwd=tmp_path)
    assert done.returncode == 2 and "unknown data set 'svhn'; expected one of mnist" in done.stderr
    assert list(tmp_path.iterdir()) == []
