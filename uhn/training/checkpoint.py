"""Resume checkpoints: one file, written by rename, that proves its own integrity before anything is loaded."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from uhn.errors import UserError
from uhn.files import write_bytes

MAGIC = b"UHN checkpoint 2\n"
DIGEST_BYTES = hashlib.sha256().digest_size


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a state of tensors and plain data; the old checkpoint stays until the new one is complete."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    write_bytes(path, MAGIC + hashlib.sha256(payload).digest() + payload)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint whose checksum matches.

    Raises:
        UserError: the file is truncated, altered or not a checkpoint.
    """
    content = path.read_bytes()
    digest, payload = content[len(MAGIC) :][:DIGEST_BYTES], content[len(MAGIC) + DIGEST_BYTES :]
    if not content.startswith(MAGIC) or hashlib.sha256(payload).digest() != digest:
        raise UserError(
            f"{path}: expected a complete checkpoint, its checksum does not match (truncated or altered); "
            "delete it to start this run again"
        )
    return torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
