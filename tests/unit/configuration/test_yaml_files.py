"""The strict reader: what YAML lets through and no one means is one line with file, line and key."""

import re

import pytest
from cli_process import REPOSITORY

from uhn.configuration.yaml_files import pick_file, read_yaml
from uhn.errors import UserError
from uhn.schema import schema_problem


def read(tmp_path, text):
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path, schema=None)


def laughs(levels):
    """Nine lines whose aliases stand for 9^levels values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 1", "line 2: the key a is given twice; keep one"),
        ("t: {x: {lr: 1,\n lr: 2}}", "line 2: t.x: the key lr is given twice; keep one"),
        ("'a': 1\na: 1", "line 2: the key a is given twice"),
        ("v:\n  no: 1", "line 2: v: the key no is read as False; expected text, so put it in quotes"),
        ("1: a", "line 1: the key 1 is read as 1; expected text"),
        ("null: a", "line 1: the key null is read as None; expected text"),
        ("? [a]\n: 1", "line 1: the key in brackets is read as ['a']; expected text"),
        ("a: {b: .inf}", "line 1: a.b: expected a finite number, got .inf"),
        ("a: .NaN", "line 1: a: expected a finite number, got .NaN"),
        ("a: 1.0e+999", "line 1: a: expected a finite number, got 1.0e+999"),
        ("a: [1, 1:30]", "line 1: a: 1:30 is not in decimal digits"),
        ("a: 1:30.5", "line 1: a: expected a finite number, got 1:30.5"),
        ("a: 010", "line 1: a: 010 is not in decimal digits"),
        ("a: 0x10", "line 1: a: 0x10 is not in decimal digits"),
        ("a: !!int 1.5", "line 1: a: 1.5 is not in decimal digits"),
        (f"a: {'9' * 5000}", "line 1: a: an integer of 5000 digits; expected at most 18"),
        (
            "a: !!python/object/apply:os.system [true]",
            "line 1: a: the tag tag:yaml.org,2002:python/object/apply:os.system",
        ),
        ("a: !!set {x}", "line 1: a: the tag tag:yaml.org,2002:set is not known here"),
        ("a: &a [*a]", "line 1: an anchor that holds itself"),
        (laughs(9), "stands for more than 100,000 values with its aliases"),
        ("[" * 5000, "nested too deeply"),
        ("a: [", "line 1 is not valid YAML"),
        ("a: 1\n---\nb: 1", "line 2 is not valid YAML"),
        (b"a: \xff", "cannot be read as YAML ('utf-8' codec"),
        ("a: \x01", "cannot be read as YAML (unacceptable character"),
    ],
)
def test_one_line(tmp_path, text, message):
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "file.yaml")) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (
            "a: 1_000\nb: +5\nc: -0.5\nd: 1.0e-3\ne: yes\nf: ~",
            {"a": 1000, "b": 5, "c": -0.5, "d": 1e-3, "e": True, "f": None},
        ),
        ("'no': 1\n'1': 2", {"no": 1, "1": 2}),
        ("a: 2024-01-31", {"a": "2024-01-31"}),
        (
            "a: &x {b: 1, c: 2}\nd: *x\ne: {<<: *x, c: 3}",
            {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 2}, "e": {"b": 1, "c": 3}},
        ),
        ("\ufeffa: é", {"a": "é"}),
        (laughs(3), {"a0": ["x"] * 9, "a1": [["x"] * 9] * 9, "a2": [[["x"] * 9] * 9] * 9}),
    ],
)
def test_what_is_read(tmp_path, text, content):
    assert read(tmp_path, text) == content


def test_an_integer_is_no_float():
    data = {"scale": "demo", "data": "auto", "hyperparameters": "swept", "report_seeds": "fresh", "device": "cpu"}
    data |= {"tracking_uri": "none", "threads_per_run": 2}
    assert schema_problem(data, "config") is None
    for wrong in (2.0, True):
        assert schema_problem(data | {"threads_per_run": wrong}, "config") == (
            f"threads_per_run: expected integer, got {wrong}"
        )


def test_where_there_are_no_files_the_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=f"unknown setting 'x'; there is none in {tmp_path}"):
        pick_file(tmp_path, "x", "setting")


@pytest.mark.parametrize("schema", ["experiment", "defaults"])
@pytest.mark.parametrize("seed", [-1, 2**32, 1.0])
def test_seeds_of_files_have_the_range_of_numpy(schema, seed):
    name = {"experiment": "experiments/kan_kv.yaml", "defaults": "defaults.yaml"}[schema]
    data = read_yaml(REPOSITORY / "config" / name, schema)
    assert schema_problem(data | {"seeds": [0, 2**32 - 1]}, schema) is None
    assert schema_problem(data | {"seeds": [seed]}, schema).startswith("seeds.0: ")
