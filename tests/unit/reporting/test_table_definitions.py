"""Table definitions: Table 11 as in the paper, and what a malformed file says."""

import pytest
import yaml

from uhn.errors import UserError
from uhn.reporting.definitions import Cell, load_table, needed_runs, table_numbers
from uhn.reporting.reference import find, load_reference

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


def test_every_defined_cell_has_a_line_in_paper_csv():
    references = load_reference()
    numbers = table_numbers()
    assert 11 in numbers
    for number in numbers:
        for cell in load_table(number).cells:
            assert find(references, number, cell.row, cell.column).n_seeds


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
