"""``uhn report``."""

import argparse
import shutil

import pytest
from synthetic_figures import write_lines
from synthetic_results import record, write

from uhn.cli import report
from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.reporting.table_definitions import needed_runs

SEEDS = (21962, 59358)  # the first two of the paper


def call(*words):
    parser = argparse.ArgumentParser()
    report.add_parser(parser.add_subparsers())
    args = parser.parse_args(["report", *words])
    return args.run(args)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A working directory with the real configuration, a scale of its own and results of two seeds."""
    shutil.copytree(config_dir().resolve(), tmp_path / "config")
    scale = tmp_path / "config" / "scales" / "demo.yaml"
    scale.write_text("label: reduced, not the paper's\ndata: standin\nnum_seeds: 2\ntasks: {}\n")
    monkeypatch.chdir(tmp_path)
    for setting, variant in needed_runs(11):
        for seed, value in zip(SEEDS, (0.011, 0.012), strict=True):
            write(tmp_path / "results" / "demo" / "runs", record(setting, variant, seed, value))
    return tmp_path


def test_a_left_over_seed_folder_is_not_used(workplace):
    for setting, variant in needed_runs(11):
        write(workplace / "results" / "demo" / "runs", record(setting, variant, 5, 100.0))
    call("table", "11")
    assert (
        f"over seeds {SEEDS[0]}, {SEEDS[1]} (n = 2; no run of 60 diverged)."
        in (workplace / "results/demo/tables/table_11.md").read_text()
    )


def test_default_folders_and_output(workplace, capsys):
    assert not call("table", "11")
    shown = capsys.readouterr()
    assert shown.out.split() == [f"results/demo/tables/table_11.{ending}" for ending in ("csv", "md", "tex")]
    text = (workplace / "results/demo/tables/table_11.md").read_text()
    assert "Demo scale: reduced, not the paper's; test RMSE on" in text
    assert len([line for line in text.splitlines() if line.startswith("| ")]) == 2 + 15
    # the synthetic runs give every function 254 parameters; three have other counts in the paper
    assert shown.err == (
        "uhn: warning: Parameter counts at the paper's scale differ from the printed ones: "
        "kan_ellipj direct has 254, printed 407; kan_jv direct has 254, printed 364; "
        "kan_yv direct has 254, printed 364.\n"
    )


def test_seeds_and_folders_can_be_chosen(workplace):
    shutil.move(workplace / "results/demo/runs", workplace / "elsewhere")
    call("table", "11", "--runs", "elsewhere", "--out", "out", "--seeds", "59358")
    assert "Values of seed 59358 (n = 1;" in (workplace / "out/table_11.md").read_text()


def test_a_figure_by_name(workplace, capsys):
    lines = [{"phase": "train", "step": step, "epoch": step, "epoch_loss": 1 / step} for step in (1, 2, 3)]
    for path in (workplace / "results/demo/runs/kan_kv").rglob("result.json"):
        write_lines(path, lines)
    series = "[{id: kv, label: kv, setting: kan_kv, variant: uhn}]"
    definition = f"kind: curves\ntitle: Losses\nfirst_epochs: 2\nseries: {series}\n"
    (workplace / "config/figures/losses.yaml").write_text(definition)
    call("figure", "losses")
    assert capsys.readouterr().out.split() == [f"results/demo/figures/losses.{e}" for e in ("pdf", "png", "csv")]
    text = (workplace / "results/demo/figures/losses.csv").read_text()
    assert [line.split(",")[:3] for line in text.splitlines()[1:]] == [["kv", "1", "1.0"], ["kv", "2", "0.5"]]
    call("figure", "losses", "--rows", "kv", "--stem", "kv")
    assert (workplace / "results/demo/figures/kv.csv").read_text() == text
    with pytest.raises(UserError, match="--columns: of no use for a figure; leave out"):
        call("figure", "losses", "--columns", "kv")


def test_mistakes_are_user_errors(workplace):
    with pytest.raises(UserError, match="table 99: no definition"):
        call("table", "99")
    with pytest.raises(UserError, match=r"table eleven: no definition .*; tables with one: 1, 2, .*, 28, extensions$"):
        call("table", "eleven")
    with pytest.raises(UserError, match="figure pie: no definition"):
        call("figure", "pie")
    with pytest.raises(UserError, match="unknown scale 'nope'; expected one of cpu, demo, lite, paper"):
        call("table", "11", "--scale", "nope")
    with pytest.raises(UserError, match=r"seed3/result\.json: missing"):
        call("table", "11", "--seeds", "3")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("data: standin\ntasks: {}\n", "'label' is a required property"),
        ("label: 5\ndata: standin\ntasks: {}\n", "label: expected string, got 5"),
        ("- a\n", "top level: expected object"),
        ("label: [\n", "line 2 is not valid YAML"),
    ],
)
def test_a_damaged_scale_file(workplace, text, problem):
    (workplace / "config" / "scales" / "demo.yaml").write_text(text)
    with pytest.raises(UserError, match=rf"demo\.yaml: .*{problem}"):
        call("table", "11")


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as caught:
        call("--help")
    assert caught.value.code == 0
    assert "uhn report table 11 --scale demo" in capsys.readouterr().out


def test_config_of_the_working_directory_comes_first(workplace, monkeypatch):
    assert config_dir().resolve() == workplace / "config"
    shutil.rmtree(workplace / "config")
    assert (config_dir() / "paper.csv").is_file()
