"""Checking plain data against the JSON schemas in ``uhn/schemas``: a deviation becomes one line."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parent / "schemas"
# Characters of a deviation that are shown: a damaged file can hold values of any length.
LONGEST = 400
# A key that is missing may be one that is misspelt, which says more.
_RELEVANCE = jsonschema.exceptions.by_relevance(weak={"anyOf", "oneOf", "required"})


def _is_integer(_checker: jsonschema.TypeChecker, value: Any) -> bool:
    """Tell integers from floats: the schemas' own definition takes 32.0 for one, and no loop or shape does."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the JSON schema ``uhn/schemas/<name>.schema.json``."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_bytes())


def schema_problem(data: Any, schema: str) -> str | None:
    """Return the first deviation of ``data`` from a schema as ``where: what``, or None."""
    validator = _Validator(load_schema(schema))
    error = jsonschema.exceptions.best_match(validator.iter_errors(data), key=_RELEVANCE)
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
    return f"{where}: {message if len(message) <= LONGEST else message[:LONGEST] + ' ...'}"


def number_hint(value: Any) -> str:
    """Explain YAML 1.1's reading of ``1e-3`` as a string, where that is the likely mistake."""
    try:
        return f" (a string; in YAML write {float(value):.1e} with a decimal point)" if isinstance(value, str) else ""
    except ValueError:
        return ""
