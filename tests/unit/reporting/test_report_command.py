"""``uhn report``."""

import argparse
import re
import shutil

import pytest
from run_files import edit, write_run
from synthetic_figures import write_lines
from synthetic_results import record

from uhn.cli import report
from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.reporting.made_from import read_made_from
from uhn.reporting.table_definitions import needed_runs
from uhn.sweeps.expected import Expectation

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
            write_official(tmp_path / "results" / "demo" / "runs", setting, variant, seed, value)
    return tmp_path


def write_official(runs, setting, variant, seed, value):
    """Write the run that the configuration of the working directory resolves to."""
    config = Expectation("demo").config(setting, variant, seed)
    facts = record(setting, variant, seed, value)
    chosen = {key: facts[key] for key in ("metrics", "parameters", "data")}
    write_run(runs / setting / variant / f"seed{seed}", config, result=chosen, weights=False)


def test_a_left_over_seed_folder_is_not_used(workplace):
    for setting, variant in needed_runs(11):
        write_official(workplace / "results" / "demo" / "runs", setting, variant, 5, 100.0)
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
    assert capsys.readouterr().out.split() == [
        f"results/demo/figures/losses.{e}" for e in ("pdf", "png", "csv", "json")
    ]
    text = (workplace / "results/demo/figures/losses.csv").read_text()
    assert [line.split(",")[:3] for line in text.splitlines()[1:]] == [["kv", "1", "1.0"], ["kv", "2", "0.5"]]
    call("figure", "losses", "--rows", "kv", "--stem", "kv")
    assert (workplace / "results/demo/figures/kv.csv").read_text() == text
    with pytest.raises(UserError, match="--columns: of no use for a figure; leave out"):
        call("figure", "losses", "--columns", "kv")


def set_rate(path, lr):
    """Change every learning rate of an experiment file."""
    path.write_text(re.sub(r"lr: [0-9.e-]+", f"lr: {lr}", path.read_text()))


def test_results_of_another_configuration_are_refused(workplace, capsys):
    """F1c: after an edit of the configuration the old numbers are not printed."""
    set_rate(workplace / "config/experiments/kan_kv.yaml", 0.3)
    with pytest.raises(UserError, match=r"^results/demo/runs/kan_kv/direct/seed21962: train\.lr is .*, expected 0\.3;"):
        call("table", "11")
    assert not (workplace / "results/demo/tables").exists()


def test_mixed_results_are_marked_by_cell_when_asked_for(workplace, capsys):
    set_rate(workplace / "config/experiments/kan_kv.yaml", 0.3)
    call("table", "11", "--allow-mixed")
    text = (workplace / "results/demo/tables/table_11.md").read_text()
    cells = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert [name for name, line in cells.items() if "†" in line] == ["kv"]
    assert cells["kv"].count("†") == 2
    sentence = "† Of another configuration than expected: kan_kv/uhn/seed59358 (init.lr is "
    assert sentence in text and "train.lr is " in text
    assert sentence in capsys.readouterr().err
    assert "$^{\\dagger}$" in (workplace / "results/demo/tables/table_11.tex").read_text()
    assert "mixed_keys" in (workplace / "results/demo/tables/table_11.csv").read_text().splitlines()[0]


def test_another_source_of_data_is_refused(workplace):
    """A formula reads no data; of all other runs the source is part of the identity."""
    call("table", "11", "--data", "download")
    write_official(workplace / "results/demo/runs", "mnist_mlp", "uhn", 21962, 0.1)
    (workplace / "config/tables/own.yaml").write_text(
        "title: One\nlabels: [Setting]\nsizes: none\n"
        "columns: [{id: uhn, label: UHN, variant: uhn, metric: test/rmse}]\n"
        "rows: [{id: mnist_mlp, labels: [mnist], setting: mnist_mlp}]\n"
    )
    call("table", "own", "--seeds", "21962")
    with pytest.raises(UserError, match="source is standin, expected published"):
        call("table", "own", "--seeds", "21962", "--data", "download")


def test_swept_and_published_results_are_not_taken_for_each_other(workplace):
    with pytest.raises(UserError, match=r"demo/sweeps/kan_.*/selected\.json: no such file"):
        call("table", "11", "--hyperparameters", "swept", "--runs", "results/demo/runs")


def test_a_hand_edited_metric_is_refused(workplace):
    """F10."""
    path = workplace / "results/demo/runs/kan_kv/uhn/seed21962/result.json"
    edit(path, lambda data: data["metrics"].update({"test/rmse": 0.001}), seal=False)
    with pytest.raises(UserError, match=r"kan_kv/uhn/seed21962/result\.json: edited or damaged"):
        call("table", "11", "--allow-mixed")


def test_tables_and_figures_say_what_they_were_made_from(workplace):
    """The digest stays where nothing changed, and changes with a result, a definition or the scale's label."""

    def made_from():
        call("table", "11")
        endings = {read_made_from(workplace / f"results/demo/tables/table_11.{ending}") for ending in ("md", "tex")}
        (digest,) = endings
        return digest

    first = made_from()
    assert len(first) == 64 and made_from() == first
    definition = workplace / "config/tables/table_11.yaml"
    text = definition.read_text()
    definition.write_text(text + "# a comment\n")
    second = made_from()
    definition.write_bytes(text.replace("\n", "\r\n").encode())
    assert made_from() == first != second
    write_official(workplace / "results/demo/runs", "kan_kv", "uhn", 21962, 0.02)
    third = made_from()
    scale = workplace / "config/scales/demo.yaml"
    scale.write_text(scale.read_text().replace("reduced", "shortened"))
    assert len({first, second, third, made_from()}) == 4


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
