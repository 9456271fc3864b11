"""Which part of the package may know which, and what stays out of light parts: from the imports of the source."""

import subprocess
import sys
from pathlib import Path

import pytest
from import_graph import read_graph

import uhn

# Torch-free parts with one subject each
FOUNDATION = {"errors", "files", "locks", "metrics", "paths", "schema"}
# What every part on the way from descriptors to generators may read
NETWORKS = {"configuration", "descriptors", "device", "errors"}

# part of the package -> parts that it may import; a part that is not here fails the test
MAY_IMPORT = {
    "allocator": set(),
    "errors": set(),
    "metrics": set(),
    "paths": set(),
    "seeding": set(),
    "surroundings": set(),
    "files": {"errors"},
    "locks": {"errors"},
    "schema": {"errors"},
    # What a run is, what it leaves, and what is made of that
    "configuration": FOUNDATION,
    "runs": FOUNDATION | {"configuration"},
    "sweeps": FOUNDATION | {"configuration", "runs"},
    "reporting": FOUNDATION | {"configuration", "runs", "sweeps"},
    "tracking": FOUNDATION | {"configuration", "runs", "sweeps"},
    # From the description of a weight to a training job
    "device": {"errors", "locks", "runs"},
    "descriptors": {"errors"},
    "layers": NETWORKS,
    "models": NETWORKS | {"layers"},
    "adapted": NETWORKS | {"files", "layers", "models"},
    "hypernetworks": NETWORKS | {"files", "layers", "models"},
    "data": {"descriptors", "device", "errors", "files", "locks"},
    # Recurrent models, which generate weights themselves
    "recurrent": {"data", "errors"},
    "training": FOUNDATION | NETWORKS | {"data", "hypernetworks", "layers", "models", "runs", "seeding", "sweeps"},
    # What users of the package call
    "library": {"adapted", "configuration", "errors", "hypernetworks", "models", "runs", "training"},
    "benchmarks": FOUNDATION
    | NETWORKS
    | {"allocator", "data", "hypernetworks", "layers", "models", "runs", "seeding", "training"},
    "cli": None,  # everything
    "__main__": {"cli"},
}
LIGHT = ("configuration", "runs", "sweeps", "reporting", "tracking")
# One offers the library's names without importing what defines them, one chooses among modules of its own folder
IMPORTS_BY_NAME = {"uhn", "uhn.reporting.figures.publish_figure"}

GRAPH = read_graph(Path(uhn.__file__).parent)


def unknown_parts(graph, may_import):
    """Return parts without an entry, and entries without a part."""
    parts = {graph.part(module) for module in graph.modules} - {graph.package}
    return parts ^ may_import.keys()


def layering_faults(graph, may_import):
    """Return the imports that the table does not allow. Types count: they are knowledge of another part as well."""
    faults = []
    for one in graph.imports:
        part, other = graph.part(one.importer), graph.part(one.target)
        if one.target not in graph.modules or other in (part, graph.package):
            continue
        allowed = set() if part == graph.package else may_import[part]
        if allowed is not None and other not in allowed:
            faults.append(str(one))
    return faults


def of_parts(graph, *parts):
    return lambda module: graph.part(module) in parts


def of_library(*names):
    return lambda module: module.split(".")[0] in names


def is_torch(module):
    """Torch, what imports it, and the readers of tensors that do."""
    return of_library("torch", "torch_geometric")(module) or module == "safetensors.torch"


def test_every_part_of_the_package_has_a_place():
    assert unknown_parts(GRAPH, MAY_IMPORT) == set()


def test_parts_import_only_what_lies_below_them():
    assert layering_faults(GRAPH, MAY_IMPORT) == []


def test_modules_do_not_import_in_circles():
    assert GRAPH.circle() == []


def test_no_import_is_hidden_from_these_tests():
    assert GRAPH.dynamic_importers() == IMPORTS_BY_NAME


@pytest.mark.parametrize("part", LIGHT)
def test_light_parts_never_reach_torch(part):
    assert GRAPH.reach(of_parts(GRAPH, part), is_torch) == []


def test_importing_all_light_parts_leaves_torch_alone():
    """What their libraries import counts here. Reporting has a test of its own, with pandas and matplotlib."""
    parts = set(LIGHT) - {"reporting"}
    names = sorted(module for module in GRAPH.modules if GRAPH.part(module) in parts)
    assert len(names) >= 20
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(names) <= set(loaded)
    assert not {"torch", "mlflow", "pandas", "matplotlib"} & set(loaded)


def test_nothing_that_trains_reaches_the_tracker():
    trains = {"uhn.cli.train", "uhn.cli.evaluate"}
    assert trains <= GRAPH.modules

    def starts(module):
        return GRAPH.part(module) == "training" or module in trains

    def is_tracker(module):
        return GRAPH.part(module) == "tracking" or of_library("mlflow")(module)

    assert GRAPH.reach(starts, is_tracker) == []
    assert GRAPH.reach(of_parts(GRAPH, "tracking"), of_library("mlflow")) != []  # the walk sees it where it is


# A tree in which everything is allowed, and one change to it at a time
SOUND = {
    "__init__.py": "VERSION = 1",
    "low/__init__.py": "",
    "low/first.py": "import os\nfrom package import VERSION",
    "low/second.py": "from .first import name\nfrom . import first",
    "high/__init__.py": "",
    "high/user.py": "from package.low import first\ndef run():\n    import torch",
}
TABLE = {"low": set(), "high": {"low"}}


def tree(folder, **changes):
    """Write the package and read it."""
    for name, text in (SOUND | {f"{key}.py": text for key, text in changes.items()}).items():
        path = folder / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_graph(folder / "package")


def test_a_sound_tree_has_no_faults(tmp_path):
    graph = tree(tmp_path)
    assert graph.modules == {
        "package",
        *(f"package.{n}" for n in ("low", "low.first", "low.second", "high", "high.user")),
    }
    assert [str(one) for one in graph.imports if one.importer == "package.low.second"] == [
        "package.low.second:1 imports package.low.first",
        "package.low.second:2 imports package.low.first",
    ]
    assert unknown_parts(graph, TABLE) == set()
    assert layering_faults(graph, TABLE) == graph.circle() == []
    assert graph.dynamic_importers() == set()
    assert graph.reach(of_parts(graph, "low"), is_torch) == []
    assert graph.reach(of_parts(graph, "high"), is_torch) == ["package.high.user", "torch"]


@pytest.mark.parametrize(
    "text",
    [
        "import package.high.user",
        "from package.high import user",
        "from package.high.user import run",
        "from ..high import user",
        "def late():\n    from package.high.user import run",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from package.high.user import run",
        "try:\n    import package.high.user as optional\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_upwards_is_found_however_it_is_written(tmp_path, text):
    graph = tree(tmp_path, **{"low/first": text})
    line = 1 + text.count("\n", 0, text.index("high"))
    assert layering_faults(graph, TABLE) == [f"package.low.first:{line} imports package.high.user"]
    assert set(graph.circle()) == {"package.low.first", "package.high.user"}
    executed = graph.reach(of_parts(graph, "low"), is_torch)
    assert executed == ([] if "TYPE_CHECKING" in text else ["package.low.first", "package.high.user", "torch"])


def test_a_part_without_a_place_and_a_place_without_a_part_are_found(tmp_path):
    assert unknown_parts(tree(tmp_path, new=""), TABLE) == {"new"}
    assert unknown_parts(tree(tmp_path / "other"), TABLE | {"gone": set()}) == {"gone"}


@pytest.mark.parametrize("text", ["import importlib", "from importlib import import_module", "import runpy"])
def test_an_import_by_name_is_found(tmp_path, text):
    assert tree(tmp_path, **{"low/first": text}).dynamic_importers() == {"package.low.first"}
