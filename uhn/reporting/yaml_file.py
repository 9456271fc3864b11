"""Reading a YAML file with errors of one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from uhn.errors import UserError


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        UserError: the file is unreadable or not YAML; the message names the line.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UserError(f"{path}: line {line} is not valid YAML ({error.problem}); correct it") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: cannot be read as YAML ({reason}); restore the file") from None
