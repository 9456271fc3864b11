"""Fixtures: runs for every figure."""

from __future__ import annotations

import csv

import pytest
from synthetic_figures import write_figure_runs

from uhn.reporting.figures.publish_figure import publish_figure


@pytest.fixture
def runs(tmp_path):
    """Runs of two seeds for all figures."""
    folder = tmp_path / "runs"
    write_figure_runs(folder)
    return folder


@pytest.fixture
def publish(runs, tmp_path):
    """Write a figure and return its files by ending."""

    def run(name, out="out"):
        published = publish_figure(name, runs, tmp_path / out, "demo", "demo scale: synthetic")
        return {path.suffix[1:]: path for path in published.paths}

    return run


@pytest.fixture
def lines_of(publish):
    """Write a figure and return the lines of its CSV."""

    def run(name):
        with publish(name)["csv"].open(newline="") as file:
            return list(csv.DictReader(file))

    return run


@pytest.fixture
def captions(monkeypatch):
    """Catch the captions as they are put below the panels."""
    caught = []
    monkeypatch.setattr("uhn.reporting.figures.publish_figure.add_footer", lambda figure, text: caught.append(text))
    return caught
