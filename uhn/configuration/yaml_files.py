"""Reading configuration files: every mistake becomes one line that names the file and the key.

The reader is stricter than YAML: it refuses what YAML accepts and no one means.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

from uhn.errors import UserError, suggest
from uhn.schema import schema_problem

# Values of a file with all its aliases written out: a few lines of them can stand for billions.
MAX_NODES = 100_000
# What JSON, NumPy and torch all hold: less than 2^63.
MAX_DIGITS = 18


class _Mistake(Exception):
    """What YAML would let through.

    Args:
        node: where.
        problem: what.
    """

    def __init__(self, node: yaml.Node, problem: str) -> None:
        super().__init__(problem)
        self.line, self.keys, self.problem = node.start_mark.line + 1, [], problem

    def __str__(self) -> str:
        where = ".".join(reversed(self.keys))
        return f"line {self.line}: {where}{': ' if where else ''}{self.problem}"


class _StrictLoader(yaml.SafeLoader):
    """A loader of text, finite numbers, true, false, null, lists, and mappings whose keys are text and given once."""

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _count(node, {})
        return node

    def construct_text_mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        given = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                if key_node.value in given:
                    raise _Mistake(key_node, f"the key {key_node.value} is given twice; keep one")
                given.add(key_node.value)
        self.flatten_mapping(node)
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                written = key_node.value if isinstance(key_node, yaml.ScalarNode) else "in brackets"
                raise _Mistake(key_node, f"the key {written} is read as {key!r}; expected text, so put it in quotes")
            try:
                mapping[key] = self.construct_object(value_node, deep=True)
            except _Mistake as mistake:
                mistake.keys.append(key)
                raise
        return mapping

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        digits = node.value.lstrip("+-").replace("_", "")
        if not digits.isdecimal() or (len(digits) > 1 and digits.startswith("0")):
            raise _Mistake(node, f"{node.value} is not in decimal digits, where YAML reads another number; write it so")
        if len(digits) > MAX_DIGITS:
            raise _Mistake(node, f"an integer of {len(digits)} digits; expected at most {MAX_DIGITS}")
        return self.construct_yaml_int(node)

    def construct_finite(self, node: yaml.ScalarNode) -> float:
        try:
            number = math.nan if ":" in node.value else self.construct_yaml_float(node)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise _Mistake(node, f"expected a finite number, got {node.value}")
        return number

    def construct_alien(self, node: yaml.Node) -> Any:
        raise _Mistake(node, f"the tag {node.tag} is not known here; remove it")


_StrictLoader.yaml_constructors = {
    "tag:yaml.org,2002:null": yaml.SafeLoader.construct_yaml_null,
    "tag:yaml.org,2002:bool": yaml.SafeLoader.construct_yaml_bool,
    "tag:yaml.org,2002:str": yaml.SafeLoader.construct_yaml_str,
    "tag:yaml.org,2002:int": _StrictLoader.construct_integer,
    "tag:yaml.org,2002:float": _StrictLoader.construct_finite,
    "tag:yaml.org,2002:seq": lambda loader, node: loader.construct_sequence(node, deep=True),
    "tag:yaml.org,2002:map": _StrictLoader.construct_text_mapping,
    None: _StrictLoader.construct_alien,
}
# Dates are text.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _count(node: yaml.Node, counts: dict[int, int | None]) -> int:
    """Count the values below a node; of an alias again each time. ``counts`` holds what is known by identity."""
    key = id(node)
    if key in counts:
        if counts[key] is None:
            raise _Mistake(node, "an anchor that holds itself; remove it")
        return counts[key]
    counts[key] = None
    children = node.value if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    counts[key] = 1 + sum(_count(child, counts) for child in children)
    if counts[key] > MAX_NODES:
        raise _Mistake(node, f"stands for more than {MAX_NODES:,} values with its aliases; write fewer")
    return counts[key]


def stamp(path: Path) -> tuple[Path, int, int]:
    """Return what tells that a file is still the same, for the keys of caches of what was read from it."""
    try:
        status = path.stat()
    except OSError:
        return path.absolute(), 0, 0
    return path.absolute(), status.st_mtime_ns, status.st_size


def read_yaml(path: Path, schema: str | None) -> dict[str, Any]:
    """Read a YAML file and check it against ``uhn/schemas/<schema>.schema.json``; None checks the YAML alone.

    Raises:
        UserError: the file is missing, does not parse, holds what the strict reader refuses, or breaks the schema.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_StrictLoader)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); expected a configuration file there") from None
    except _Mistake as mistake:
        raise UserError(f"{path}: {mistake}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UserError(f"{path}: line {line} is not valid YAML ({error.problem}); correct it") from None
    except RecursionError:
        raise UserError(f"{path}: nested too deeply; write fewer brackets") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML ({str(error).splitlines()[0]}); restore the file") from None
    if schema and (problem := schema_problem(data, schema)):
        raise UserError(f"{path}: {problem}")
    return data


def pick_file(folder: Path, name: str, kind: str) -> Path:
    """Return ``folder/<name>.yaml``.

    Raises:
        UserError: there is no such file; the message lists the names there are.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        names = sorted(p.stem for p in folder.glob("*.yaml"))
        raise UserError(f"unknown {kind} '{name}'; {suggest(name, names) if names else f'there is none in {folder}'}")
    return path
