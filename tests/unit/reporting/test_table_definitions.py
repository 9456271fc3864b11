"""Table definitions: the cells of the paper and the runs behind them, and what a malformed file says."""

import pytest
import yaml

from uhn.configuration.resolve import load_experiment
from uhn.errors import UserError
from uhn.models.registry import FAMILY_NAMES
from uhn.reporting.reference import HYPERPARAMETERS, load_reference
from uhn.reporting.table_definitions import (
    Cell,
    load_table,
    needed_runs,
    ready_tables,
    result_tables,
    sweep_tables,
    table_names,
)
from uhn.sweeps.load import load_sweeps

TABLES = [table for table in result_tables().values() if table.number]
FUNCTIONS = [
    "ellipj",
    "ellipkinc",
    "ellipeinc",
    "jv",
    "yv",
    "kv",
    "iv",
    "lpmv0",
    "lpmv1",
    "lpmv2",
    "sph_harm01",
    "sph_harm11",
    "sph_harm02",
    "sph_harm12",
    "sph_harm22",
]


def test_table_11_is_the_papers():
    table = load_table(11)
    assert list(table.rows) == [f"kan_{name}" for name in FUNCTIONS]
    assert [labels[0] for labels in table.rows.values()] == FUNCTIONS
    grids = {labels[0]: labels[1] for labels in table.rows.values()}
    assert {name for name, model in grids.items() if model == "KAN-g10"} == {"jv", "yv"}
    assert {name for name, model in grids.items() if model == "KAN-g5"} == set(FUNCTIONS) - {"jv", "yv"}
    assert len(table.cells) == 30
    assert table.cells[1] == Cell("kan_ellipj", "uhn", "kan_ellipj", "uhn", "test/rmse")


def test_needed_runs_of_table_11():
    pairs = needed_runs(11)
    assert pairs[:3] == [("kan_ellipj", "direct"), ("kan_ellipj", "uhn"), ("kan_ellipkinc", "direct")]
    assert len(pairs) == len(set(pairs)) == 30


def test_the_definitions_and_paper_csv_have_the_same_cells():
    assert [table.number for table in TABLES] == [1, 2, 3, 4, 5, 11, 23, 24, 25, 26, 27, 28]
    cells = {(table.number, c.row, c.column, "metric") for table in TABLES for c in table.cells if c.in_paper}
    printed = {key for key in load_reference() if key[3] == "metric"}
    assert len(cells) == 155
    assert cells == printed


def test_cells_that_the_paper_lacks():
    lacking = [(table.number, c.row, c.column) for table in TABLES for c in table.cells if not c.in_paper]
    families = ["cnn_mixed_depth", "cnn_mixed_width", "cnn_mixed_depth_width", "transformer_mixed"]
    extra = ["recursive_k0", "recursive_k1_without_init", "recursive_k2_without_init", "recursive_k3_without_init"]
    assert lacking == [(3, family, "gap") for family in families] + [(5, row, "accuracy") for row in extra]


def test_the_tables_of_sweeps_and_paper_csv_have_the_same_sweeps():
    """Tables with grids and with choices; the guardrails of Table 20 are not in paper.csv."""
    sweeps = load_sweeps("paper")
    defined = set()
    for table in sweep_tables().values():
        for sweep in (sweeps[name] for name in table.sweeps):
            names = HYPERPARAMETERS if sweep.four_stage else HYPERPARAMETERS[2:]
            grids = [f"{name}_grid" for name in names] if "grids" in table.kind else []
            choices = names if "choices" in table.kind else []
            quantities = [*grids, *choices]
            defined |= {(table.number, sweep.setting, sweep.variant, quantity) for quantity in quantities}
    printed = {key for key in load_reference() if key[3] not in ("metric", "params")}
    encodings = {key for key in printed if key[0] == 23}  # Section G.1 has a search of its own, without a table
    assert {key[2] for key in encodings} == {"raw", "positional"} and len(encodings) == 2 * 4
    assert printed - encodings == defined


def test_the_sweeps_of_each_table():
    tables = {table.number: table for table in sweep_tables().values()}
    assert list(tables) == [12, 13, 14, 15, 16, 18, 19, 20, 21, 22]
    assert {number: len(table.sweeps) for number, table in tables.items()} == {
        **dict.fromkeys((12, 13, 14, 15), 26),
        **{16: 2, 18: 4, 19: 4, 20: 1, 21: 1, 22: 1},
    }
    with pytest.raises(UserError, match="table 13: shows sweeps, no runs"):
        needed_runs(13)


IMAGE_CNNS = {f"cifar10_cnn{depth}": {"direct", "uhn", "ha", "chunked"} for depth in (20, 32, 44, 56)}
ABLATIONS = {"raw", "positional"} | {
    *(f"frequencies_{n}" for n in (256, 512, 1024, 4096)),
    *(f"width_{n}" for n in (32, 64, 256)),
    *(f"blocks_{n}" for n in (0, 1, 3)),
}
SINGLE = ["mnist_mlp", "mnist_cnn8", "agnews_transformer2l", "imdb_transformer1l"]
SINGLE += [f"{data}_{net}" for data in ("cora", "citeseer", "pubmed") for net in ("gcn", "gat")]
SINGLE += [f"kan_{name}" for name in FUNCTIONS]
WITHOUT = {"uhn", "uhn_no_tse", "uhn_no_init"}
RUNS = {
    **{setting: {"direct", "uhn"} for setting in SINGLE},
    **IMAGE_CNNS,
    "cifar10_cnn20": IMAGE_CNNS["cifar10_cnn20"] | ABLATIONS,
    **{"cnn_mixed_depth": {"uhn"}, "cnn_mixed_depth_width": {"uhn"}},
    **{"cnn_mixed_width": WITHOUT, "transformer_mixed": WITHOUT, "multi_task": WITHOUT},
    **{"recursion_k0": {"uhn"}, **{f"recursion_k{k}": {"uhn", "uhn_no_init"} for k in (1, 2, 3)}},
}


def test_all_tables_together_need_each_run_once():
    pairs = {pair for table in TABLES for pair in table.runs}
    assert pairs == {(setting, variant) for setting, variants in RUNS.items() for variant in variants}


@pytest.mark.parametrize(
    ("number", "row", "column", "pair", "metric"),
    [
        (2, "cifar10_cnn56", "ha", ("cifar10_cnn56", "ha"), "test/accuracy"),
        (3, "transformer_mixed", "unseen", ("transformer_mixed", "uhn"), "test/unseen/accuracy"),
        (4, "kan_kv", "direct", ("kan_kv", "direct"), "test/rmse"),
        (4, "kan_kv", "multi_task", ("multi_task", "uhn"), "test/kv/rmse"),
        (4, "agnews_transformer2l", "multi_task", ("multi_task", "uhn"), "test/ag_news/accuracy"),
        (5, "uhn", "accuracy", ("mnist_mlp", "uhn"), "test/accuracy"),
        (5, "recursive_k2", "accuracy", ("recursion_k2", "uhn"), "test/accuracy"),
        (23, "gaussian_fourier", "uhn", ("cifar10_cnn20", "uhn"), "test/accuracy"),
        (24, "fv_4096", "uhn", ("cifar10_cnn20", "frequencies_4096"), "test/accuracy"),
        (24, "blocks_2", "uhn", ("cifar10_cnn20", "uhn"), "test/accuracy"),
        (25, "cnn_mixed_width_without_tse", "seen", ("cnn_mixed_width", "uhn_no_tse"), "test/seen/accuracy"),
        (26, "pubmed_gat", "without_tse", ("multi_task", "uhn_no_tse"), "test/pubmed/accuracy"),
        (27, "transformer_mixed_with_init", "unseen", ("transformer_mixed", "uhn"), "test/unseen/accuracy"),
        (28, "kan_kv", "without_init", ("multi_task", "uhn_no_init"), "test/kv/rmse"),
    ],
)
def test_cells_share_runs_with_the_main_tables(number, row, column, pair, metric):
    assert load_table(number).cell(row, column) == Cell(row, column, *pair, metric)


def test_the_gap_is_seen_minus_unseen():
    cell = load_table(3).cell("cnn_mixed_depth", "gap")
    assert (cell.metric, cell.minus, cell.in_paper) == ("test/seen/accuracy", "test/unseen/accuracy", False)


def test_a_table_is_ready_once_all_its_settings_have_an_experiment(config):
    experiments = config / "experiments"
    experiments.mkdir()
    (experiments / "kan_kv.yaml").touch()
    assert ready_tables(config) == {}
    (experiments / "kan_jv.yaml").touch()
    assert list(ready_tables(config)) == ["table_07"]


def test_every_table_of_the_paper_is_built():
    """A setting that is mistyped in a table, or whose file is gone, would drop the table without a word."""
    assert {*ready_tables(), *sweep_tables()} == set(table_names())
    assert len(ready_tables()) == 12 + 1


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_run_of_a_table_is_a_variant_of_its_setting(table):
    for setting, variant in table.runs:
        assert variant in load_experiment(setting)["variants"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_cell_shows_what_its_run_reports(table):
    """A single model reports <split>/<metric>, a family both splits of it, a mixture one for each task."""
    for cell in table.cells:
        experiment = load_experiment(cell.setting)
        metrics = {
            f"test/{task['name']}/{task['metric']}" if "name" in task else f"test/{task['metric']}"
            for task in experiment.get("tasks", [experiment])
        }
        if experiment.get("model") in FAMILY_NAMES:
            metrics = {f"test/{split}/{experiment['metric']}" for split in ("seen", "unseen")}
        assert {cell.metric, cell.minus or cell.metric} <= metrics


def test_a_pair_that_fills_two_cells_is_listed_once(config):
    edit(config, lambda data: data["columns"].append({**data["columns"][1], "id": "again"}))
    table = load_table(7, config)
    assert len(table.cells) == 6
    assert table.runs == needed_runs(7, config)
    assert len(table.runs) == 4


def test_column_overrides_row_and_cells_override_both(config):
    def change(data):
        data["columns"].append({"id": "multi", "label": "Multi", "setting": "multi_task", "variant": "uhn"})
        for row in data["rows"]:
            row["metric"] = "test/loss"
        data["rows"][0]["cells"] = {"multi": {"metric": "test/kv/rmse"}}

    edit(config, change)
    cells = {(cell.row, cell.column): cell for cell in load_table(7, config).cells}
    assert cells["kan_kv", "uhn"] == Cell("kan_kv", "uhn", "kan_kv", "uhn", "test/rmse")
    assert cells["kan_kv", "multi"] == Cell("kan_kv", "multi", "multi_task", "uhn", "test/kv/rmse")
    assert cells["kan_jv", "multi"] == Cell("kan_jv", "multi", "multi_task", "uhn", "test/loss")


def test_an_undefined_table_names_the_defined_ones(config):
    with pytest.raises(UserError, match=r"table 12: no definition .*table_12\.yaml; tables with one: 7$"):
        load_table(12, config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(number=8), "number is 8, expected 7"),
        (lambda data: data.update(colour="red"), "unknown key 'colour'; expected number, "),
        (lambda data: data.pop("title"), "'title' is a required property"),
        (lambda data: data["rows"][0].pop("setting"), "row kan_kv, column direct: no setting"),
        (lambda data: data["columns"][1].pop("metric"), "row kan_kv, column uhn: no metric"),
        (lambda data: data["rows"][1].update(id="kan_kv"), "rows: id 'kan_kv' occurs 2 times"),
        (lambda data: data["rows"][1].update(labels=["jv"]), r"row kan_jv: has 1 labels, expected 2"),
        (
            lambda data: data["rows"][0].update(cells={"ha": {"variant": "ha"}}),
            "names 'ha', which is no column",
        ),
        (lambda data: data["columns"][0].update(metric="test/speed"), "columns.0.metric"),
        (lambda data: data["columns"][0].update(minus="speed"), "columns.0.minus"),
        (lambda data: data.update(kind="sweep_grids"), "'sweeps' is a required property|not allowed here"),
        (lambda data: data.update(sweeps=["kan_kv"]), "sweeps: not allowed here"),
        (lambda data: data.update(sizes="all"), "sizes: 'all' is not one of target, family, none"),
    ],
)
def test_malformed_definitions(config, change, message):
    edit(config, change)
    with pytest.raises(UserError, match=message) as caught:
        load_table(7, config)
    assert "table_07.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["rows: [", "a: b: c\n", "\x00"])
def test_broken_yaml_is_one_line(config, text):
    (config / "tables" / "table_07.yaml").write_text(text)
    with pytest.raises(UserError, match=r"table_07\.yaml: ") as caught:
        load_table(7, config)
    assert "\n" not in str(caught.value)


def edit(config, change):
    """Change the definition of table 7."""
    path = config / "tables" / "table_07.yaml"
    data = yaml.safe_load(path.read_text())
    change(data)
    path.write_text(yaml.safe_dump(data))
