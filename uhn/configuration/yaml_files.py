"""Reading configuration files: every mistake becomes one line that names the file and the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from uhn.errors import UserError, suggest
from uhn.schema import schema_problem


def read_yaml(path: Path, schema: str) -> dict[str, Any]:
    """Read a YAML file and check it against ``uhn/schemas/<schema>.schema.json``.

    Raises:
        UserError: the file is missing, does not parse, or breaks the schema.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); expected a configuration file there") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UserError(f"{path}: line {line} is not valid YAML ({error.problem}); correct it") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML ({str(error).splitlines()[0]}); restore the file") from None
    if problem := schema_problem(data, schema):
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
        raise UserError(f"unknown {kind} '{name}'; {suggest(name, names)}")
    return path
