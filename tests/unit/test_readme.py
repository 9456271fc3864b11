"""The README says what the code says."""

import re

from cli_process import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def test_every_deviation_is_in_the_table_and_in_a_docstring():
    stated = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "uhn").rglob("*.py")
        if "Deviation:" in path.read_text()
    }
    table = README.split("## Where we deviate", 1)[1].split("\n## ", 1)[0]
    listed = set(re.findall(r"^\| `(uhn/[\w/]+\.py)` \|", table, re.MULTILINE))
    assert len(stated) >= 7
    assert listed == stated


def test_make_targets_named_in_the_readme_exist():
    named = set(re.findall(r"^make (?:[A-Z]+=\S+ )*([\w-]+)", README, re.MULTILINE))
    defined = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert {"tables", "mlflow-ui", "test"} <= named <= defined
