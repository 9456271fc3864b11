"""What a scale says about itself (``config/scales/<scale>.yaml``)."""

from __future__ import annotations

from pathlib import Path

from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.reporting.yaml_file import read_yaml


def scale_label(scale: str, config: Path | None = None) -> str:
    """Return the key ``label`` of a scale, the sentence that captions repeat.

    Raises:
        UserError: there is no such scale, or it has no label.
    """
    folder = (config or config_dir()) / "scales"
    path = folder / f"{scale}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml"))) or "none"
        raise UserError(f"scale {scale}: no file {path}; available scales: {known}")
    data = read_yaml(path)
    label = data.get("label") if isinstance(data, dict) else None
    if not isinstance(label, str) or not label.strip():
        raise UserError(f"{path}: label: expected a sentence for captions, got {label!r}")
    return label
