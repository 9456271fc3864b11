"""``uhn track`` and the store it writes to."""

import argparse
import shutil

import pytest
import yaml

from uhn.cli import main, track
from uhn.configuration.resolve import load_pipeline
from uhn.errors import UserError
from uhn.paths import config_dir


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    track.add_parser(parser.add_subparsers())
    return parser.parse_args(["track", "some/run", *arguments])


def test_the_store_is_the_one_of_the_pipeline_unless_given():
    assert track.store_uri(parsed()) == load_pipeline()["tracking_uri"] == "sqlite:///scratch/mlflow.db"
    assert track.store_uri(parsed("--tracking-uri", "http://127.0.0.1:5000")) == "http://127.0.0.1:5000"


def test_the_environment_goes_before_the_pipeline(monkeypatch):
    monkeypatch.setenv("UHN_TRACKING_URI", "postgresql://me:secret@host/db")
    assert track.store_uri(parsed()) == "postgresql://me:secret@host/db"
    assert track.store_uri(parsed("--tracking-uri", "http://127.0.0.1:5000")) == "http://127.0.0.1:5000"


def test_with_a_note_a_failure_is_no_error(tmp_path, monkeypatch, capsys):
    """The DAG's tables must not fail because a store does."""
    command = ["track", str(tmp_path / "no run"), "--tracking-uri", "sqlite:///x.db"]
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2 and not (tmp_path / "note").exists()
    assert main([*command, "--or-note", "note"]) == 0
    note = (tmp_path / "note").read_text()
    assert "no such run directory" in note and f"not tracked: {note}" in capsys.readouterr().out


def test_a_pipeline_without_tracking_names_no_store(tmp_path, monkeypatch):
    shutil.copytree(config_dir().resolve(), tmp_path / "config")
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(load_pipeline() | {"tracking_uri": "none"}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="give --tracking-uri"):
        track.store_uri(parsed())
