"""A part of a table: what is kept, what it says, and whose sizes it can show."""

import pytest

from uhn.errors import UserError
from uhn.reporting.definitions import load_table
from uhn.reporting.selection import select


def test_all_is_the_table_itself():
    table = load_table(4)
    assert select(table, (), ()) is table
    assert select(table, list(table.rows), list(table.columns)) is table


def test_the_order_is_the_tables():
    part = select(load_table(4), ["kan_kv", "mnist_mlp"], ["multi_task", "direct"])
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
    assert select(load_table(number), rows, columns).sizes == sizes


@pytest.mark.parametrize(
    ("rows", "columns", "message"), [(["kv"], (), "no row 'kv'"), ((), ["ours"], "no column 'ours'")]
)
def test_unknown_parts_are_named(rows, columns, message):
    with pytest.raises(UserError, match=message):
        select(load_table(4), rows, columns)
