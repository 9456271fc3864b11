"""Figure definitions: the runs behind each figure, and what a malformed file says."""

import pytest
import yaml

from uhn.configuration.resolve import load_experiment
from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.reporting.figure_definitions import figure_names, load_figure, ready_figures
from uhn.reporting.table_definitions import needed_runs, result_tables

DEFINITION = """\
kind: curves
title: Losses
first_epochs: 5
series:
  - {id: one, label: One, setting: kan_kv, variant: uhn}
  - {id: two, label: Two, setting: kan_jv, variant: uhn}
"""


@pytest.fixture
def figures(config):
    """The configuration with one figure of its own."""
    (config / "figures").mkdir()
    (config / "figures" / "losses.yaml").write_text(DEFINITION)
    return config


def test_the_figures_of_the_paper_and_ours():
    assert figure_names() == ["distance", "figure_3", "figure_4", "figure_5", "growth", "levels", "smooth_layers"]


def test_a_number_stands_for_a_figure_of_the_paper():
    assert load_figure("3") == load_figure("figure_3")
    assert load_figure("3").heading.startswith("Figure 3. Test accuracy of every")
    assert load_figure("growth").heading.startswith("Growth of")


@pytest.mark.parametrize("name", figure_names())
def test_figures_need_no_run_that_no_table_needs(name):
    of_tables = {pair for table in result_tables().values() for pair in table.runs}
    assert set(load_figure(name).runs) <= of_tables


def test_runs_and_files():
    assert load_figure("growth").runs == tuple(needed_runs(2))
    assert load_figure("4").runs == tuple(("cifar10_cnn20", variant) for variant in ("raw", "positional", "uhn"))
    assert load_figure("3").files == ("result.json",)
    assert load_figure("4").files == ("result.json", "kernel.safetensors")
    assert load_figure("5").files == load_figure("levels").files == ("result.json", "metrics.jsonl")


def test_a_part_of_a_figure(figures):
    whole = load_figure("losses", figures)
    part = whole.part(["two"])
    assert part.runs == (("kan_jv", "uhn"),) and [one.id for one in part.series] == ["two"]
    assert part.notes == ("A part of the figure, 1 of 2 series: the other runs were not made",)
    assert whole.part([]) == whole.part(["two", "one"]) == whole
    with pytest.raises(UserError, match="losses: has no series 'three'; expected one of one, two"):
        whole.part(["three"])
    with pytest.raises(UserError, match="growth: has no series 'one'; it has none to choose from"):
        load_figure("growth").part(["one"])


def test_an_undefined_figure_names_the_defined_ones(figures):
    with pytest.raises(UserError, match=r"figure figure_9: no definition .*figure_9\.yaml; figures with one: losses$"):
        load_figure("9", figures)
    with pytest.raises(UserError, match=r"figure \.\./tables/table_07: no definition"):
        load_figure("../tables/table_07", figures)


def test_a_figure_is_ready_once_all_its_settings_have_an_experiment(figures):
    (figures / "experiments").mkdir()
    (figures / "experiments" / "kan_kv.yaml").touch()
    assert ready_figures(figures) == []
    (figures / "experiments" / "kan_jv.yaml").touch()
    assert ready_figures(figures) == ["losses"]


def test_every_figure_is_drawn():
    """A setting that is mistyped in a figure would drop it without a word."""
    assert ready_figures() == figure_names()
    assert {"distance", "figure_3", "figure_4", "figure_5", "growth", "levels"} <= set(ready_figures())


@pytest.mark.parametrize("name", figure_names())
def test_every_run_of_a_figure_is_a_variant_of_its_setting(name):
    for setting, variant in load_figure(name).runs:
        assert variant in load_experiment(setting)["variants"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(kind="pie"), "kind: 'pie' is not one of models, "),
        (lambda data: data.pop("title"), "'title' is a required property"),
        (lambda data: data.pop("series"), "'series' is a required property"),
        (lambda data: data.pop("first_epochs"), "'first_epochs' is a required property"),
        (lambda data: data.update(kind="levels"), "first_epochs: not allowed here"),
        (lambda data: data.update(kind="growth", table=2), "not allowed here"),
        (lambda data: data["series"][0].update(colour="red"), "unknown key 'colour'"),
        (lambda data: data["series"][1].update(id="one"), "series: id 'one' occurs 2 times"),
    ],
)
def test_malformed_definitions(figures, change, message):
    path = figures / "figures" / "losses.yaml"
    data = yaml.safe_load(path.read_text())
    change(data)
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(UserError, match=message) as caught:
        load_figure("losses", figures)
    assert "losses.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_config_readme_names_every_kind():
    text = (config_dir() / "README.md").read_text()
    assert all(f"`{load_figure(name).kind}`" in text for name in figure_names())
