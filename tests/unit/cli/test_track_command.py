"""``uhn track`` and the store it writes to."""

import argparse

import pytest
import yaml

from uhn.cli import track
from uhn.configuration.resolve import load_pipeline
from uhn.errors import UserError


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    track.add_parser(parser.add_subparsers())
    return parser.parse_args(["track", "some/run", *arguments])


def test_the_store_is_the_one_of_the_pipeline_unless_given():
    assert track.store_uri(parsed()) == load_pipeline()["tracking_uri"] == "sqlite:///scratch/mlflow.db"
    assert track.store_uri(parsed("--tracking-uri", "http://127.0.0.1:5000")) == "http://127.0.0.1:5000"


def test_a_pipeline_without_tracking_names_no_store(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(load_pipeline() | {"tracking_uri": "none"}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="give --tracking-uri"):
        track.store_uri(parsed())
