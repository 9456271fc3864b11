"""A part of a table: what is kept, what it says, and whose sizes it can show."""

import pytest

from uhn.errors import UserError
from uhn.reporting.part_of_table import part_of_table
from uhn.reporting.table_definitions import load_table


def test_all_is_the_table_itself():
    table = load_table(4)
    assert part_of_table(table, (), ()) is table
    assert part_of_table(table, list(table.rows), list(table.columns)) is table


def test_the_order_is_the_tables():
    part = part_of_table(load_table(4), ["kan_kv", "mnist_mlp"], ["multi_task", "direct"])
    assert (list(part.rows), list(part.columns)) == (["mnist_mlp", "kan_kv"], ["direct", "multi_task"])
    assert part.cell("kan_kv", "multi_task").metric == "test/kv/rmse"
    assert part.notes[0] == "A part of the table, 2 of 6 rows and 2 of 3 columns: the other runs were not made"


@pytest.mark.parametrize(
    ("number", "rows", "columns", "sizes"),
    [
        (4, (), ["direct"], "target"),
        (4, (), ["uhn", "multi_task"], "target"),
        (4, (), ["multi_task"], "none"),  # its run has the mean over six targets
        (4, ["kan_kv"], ["multi_task"], "none"),
        (1, ["cora_gcn"], ["uhn"], "target"),
        (3, (), ["seen"], "family"),
    ],
)
def test_sizes_are_shown_where_a_run_is_on_the_rows_target(number, rows, columns, sizes):
    assert part_of_table(load_table(number), rows, columns).sizes == sizes


@pytest.mark.parametrize(
    ("rows", "columns", "message"), [(["kv"], (), "no row 'kv'"), ((), ["ours"], "no column 'ours'")]
)
def test_unknown_parts_are_named(rows, columns, message):
    with pytest.raises(UserError, match=message):
        part_of_table(load_table(4), rows, columns)


def test_a_part_of_a_table_of_sweeps():
    whole = load_table(22), load_table(13)
    part = part_of_table(whole[1], ["kan_kv", "mnist_mlp"], ())
    assert part.sweeps == ("mnist_mlp", "kan_kv")
    assert part.notes == ("A part of the table, 2 of 26 sweeps",)
    assert part_of_table(whole[0], ["recursion_k1"], ()) is whole[0]
    with pytest.raises(UserError, match="table_13: has no sweep 'kv'; expected one of mnist_mlp, "):
        part_of_table(whole[1], ["kv"], ())
    with pytest.raises(UserError, match="table_13: a table of sweeps has no columns to choose; leave out ours"):
        part_of_table(whole[1], (), ["ours"])
