"""The printed numbers: counts and values known independently of the file, and malformed files."""

import csv

import pytest

from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.reporting.reference import COLUMNS, find, load_reference

CELLS = {1: 22, 2: 16, 3: 8, 4: 18, 5: 5, 11: 30, 23: 3, 24: 13, 25: 8, 26: 12, 27: 8, 28: 12}


@pytest.fixture(scope="module")
def references():
    return load_reference()


def test_known_and_unknown_cells(references):
    cells = [value for key, value in references.items() if key[3] == "metric"]
    assert len(cells) == 155
    assert sum(cell.mean is not None for cell in cells) == 87
    assert sum(cell.std is not None for cell in cells) == 49


def test_cells_of_each_table(references):
    for number, expected in CELLS.items():
        assert sum(key[0] == number and key[3] == "metric" for key in references) == expected
    assert {key[0] for key in references if key[3] in ("metric", "params")} == set(CELLS)


def test_hyperparameters_of_each_table(references):
    """Of 26 single models, four families, the mixture and the recursion: four values and grids of a UHN, else two."""
    numbers = [key[0] for key in references if key[3] not in ("metric", "params")]
    assert {number: numbers.count(number) for number in numbers} == {
        **{12: 26 * 4, 13: 26 * 4, 14: 26 * 2, 15: 26 * 2, 16: 2 * 4},
        **{18: 4 * 4, 19: 4 * 4, 21: 8, 22: 8, 23: 2 * 4},
    }
    unknown = {key[0] for key, value in references.items() if key[3].endswith("_grid") and not value.grid}
    assert unknown == {14, 16}


def test_a_printed_grid(references):
    grid = references[18, "cnn_mixed_width", "uhn", "init_steps_grid"]
    assert (grid.grid, grid.mean) == ((3200, 6400, 12_800), None)
    assert references[12, "kan_kv", "uhn", "train_lr_grid"].grid == (2e-5, 5e-5, 1e-4)


@pytest.mark.parametrize(
    ("table", "row", "column", "mean", "std"),
    [
        (1, "mnist_mlp", "direct", 0.9837, 0.0007),
        (1, "mnist_mlp", "uhn", 0.9841, 0.0006),
        (1, "cora_gcn", "uhn", 0.7950, 0.0069),
        (1, "pubmed_gat", "uhn", 0.7801, None),
        (1, "citeseer_gcn", "direct", None, None),
        (2, "cifar10_cnn56", "uhn", 0.9069, None),
        (2, "cifar10_cnn20", "ha", None, None),
        (3, "cnn_mixed_depth", "seen", 0.8842, 0.0031),
        (3, "cnn_mixed_depth", "unseen", 0.8430, 0.0023),
        (4, "kan_kv", "multi_task", 0.0172, None),
        (5, "recursive_k3", "accuracy", 0.9741, 0.0021),
        (11, "kan_kv", "direct", 0.0211, None),
        (11, "kan_kv", "uhn", 0.0104, None),
        (11, "kan_jv", "uhn", None, None),
        (23, "raw", "uhn", 0.6642, None),
        (24, "fv_4096", "uhn", 0.9018, None),
        (25, "transformer_mixed_with_tse", "unseen", 0.9066, 0.0002),
        (25, "transformer_mixed_without_tse", "unseen", None, None),
        (26, "cifar10_cnn44", "with_tse", 0.8927, None),
        (27, "cnn_mixed_width_with_init", "seen", 0.9145, 0.0014),
        (28, "cora_gcn", "with_init", 0.7930, None),
    ],
)
def test_values_of_the_paper(references, table, row, column, mean, std):
    reference = find(references, table, row, column)
    assert (reference.mean, reference.std) == (mean, std)
    assert (reference.confidence == "unknown") == (mean is None) == (reference.source == "")


@pytest.mark.parametrize(
    ("table", "row", "column", "count"),
    [
        (1, "mnist_mlp", "direct", 118_282),
        (1, "mnist_mlp", "uhn", 158_613),
        (1, "cora_gcn", "uhn", 612_117),
        (2, "cifar10_cnn56", "ha", 668_026),
        (2, "cifar10_cnn56", "chunked", 631_688),
        (3, "cnn_mixed_depth_width", "uhn", 663_151),
        (3, "cnn_mixed_depth_width", "maximum_target", 1_372_110),
        (11, "kan_ellipj", "direct", 407),
        (11, "kan_jv", "direct", 364),
        (11, "kan_kv", "direct", 254),
        (23, "positional", "uhn", 149_301),
        (24, "d_256", "uhn", 1_334_805),
        (24, "blocks_3", "uhn", 645_653),
        (25, "cnn_mixed_width_without_tse", "uhn", 612_117),
    ],
)
def test_parameter_counts_of_the_paper(references, table, row, column, count):
    assert references[table, row, column, "params"].mean == count


def test_seeds_are_three_except_ten_for_graphs_in_table_1(references):
    ten = {key[:2] for key, value in references.items() if value.n_seeds == 10}
    assert ten == {(1, f"{data}_{net}") for data in ("cora", "citeseer", "pubmed") for net in ("gcn", "gat")}
    assert {value.n_seeds for key, value in references.items() if key[3] == "metric"} == {3, 10}


def test_metrics_keep_the_printed_precision():
    with (config_dir() / "paper.csv").open(newline="") as file:
        texts = [line["mean"] for line in csv.DictReader(file) if line["quantity"] == "metric" and line["mean"]]
    assert len(texts) == 87
    assert all(len(text.split(".")[1]) == 4 for text in texts)


def test_a_cell_without_a_line_is_a_mistake(references):
    with pytest.raises(UserError, match="no line 11,kan_nope,uhn,metric"):
        find(references, 11, "kan_nope", "uhn")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "first line must be table,row"),
        (",".join(COLUMNS) + "\n7,a,b,metric\n", "line 2: has 4 fields, expected 9"),
        (",".join(COLUMNS) + "\n7,a,b,speed,1,,3,x,high\n", "line 2: quantity is 'speed'"),
        (",".join(COLUMNS) + "\n7,a,b,metric,,0.1,3,x,high\n", "line 2: has a std but no mean"),
        (",".join(COLUMNS) + "\n7,a,b,metric,nan,,3,x,high\n", "line 2: 'nan' is not a finite number"),
        (",".join(COLUMNS) + "\n7,a,b,metric,0,9,,3,x,high\n", "line 2: has 10 fields"),
        (",".join(COLUMNS) + "\n7,a,b,train_lr,1 2,,,x,high\n", "line 2: could not convert string to float: '1 2'"),
        (",".join(COLUMNS) + "\n7,a,b,train_lr_grid,1 inf,,,x,high\n", "line 2: 'inf' is not a finite number"),
        (
            ",".join(COLUMNS) + "\n" + 2 * "7,a,b,metric,1,,3,x,high\n",
            "line 3: a second line for 7,a,b,metric",
        ),
        ("", "first line must be"),
    ],
)
def test_malformed_files_are_named_by_line(tmp_path, text, message):
    (tmp_path / "paper.csv").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_reference(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_reference(tmp_path)
