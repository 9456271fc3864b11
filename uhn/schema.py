"""Checking plain data against the JSON schemas in ``uhn/schemas``: a deviation becomes one line."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parent / "schemas"


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the JSON schema ``uhn/schemas/<name>.schema.json``."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def schema_problem(data: Any, schema: str) -> str | None:
    """Return the first deviation of ``data`` from a schema as ``where: what``, or None."""
    validator = jsonschema.Draft202012Validator(load_schema(schema))
    error = jsonschema.exceptions.best_match(validator.iter_errors(data))
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    message = error.message
    if error.validator == "type":
        hint = number_hint(error.instance) if "number" in str(error.validator_value) else ""
        message = f"expected {error.validator_value}, got {error.instance!r}{hint}"
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        message = f"unknown key {unknown!r}; expected {', '.join(known)}"
    elif error.validator == "oneOf" and not error.context:  # several hold
        keys = [key for option in error.validator_value for key in option.get("required", ())]
        message = f"expected only one of {', '.join(keys)}"
    elif error.validator == "not":
        message = "not allowed here; remove it"
    elif error.validator == "enum":
        message = f"{error.instance!r} is not one of {', '.join(map(str, error.validator_value))}"
    return f"{where}: {message}"


def number_hint(value: Any) -> str:
    """Explain YAML 1.1's reading of ``1e-3`` as a string, where that is the likely mistake."""
    try:
        return f" (a string; in YAML write {float(value):.1e} with a decimal point)" if isinstance(value, str) else ""
    except ValueError:
        return ""
