"""Resume checkpoints: one file, written by rename, that proves its own integrity before anything is loaded."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from uhn.errors import UserError
from uhn.files import write_bytes

MAGIC = b"UHN checkpoint 3\n"
DIGEST_BYTES = hashlib.sha256().digest_size


def save_checkpoint(path: Path, state: dict[str, Any], run: str) -> None:
    """Write a state of tensors and plain data; the old checkpoint stays until the new one is complete.

    Args:
        path: the file.
        state: what to resume from.
        run: digest of the run, which the checksum covers.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = bytes.fromhex(run) + buffer.getvalue()
    write_bytes(path, MAGIC + hashlib.sha256(payload).digest() + payload)


def load_checkpoint(path: Path, device: torch.device, run: str) -> dict[str, Any]:
    """Read a checkpoint of a run whose checksum matches.

    Raises:
        UserError: the file is truncated, altered, not a checkpoint, or of another run.
    """
    content = path.read_bytes()
    digest, payload = content[len(MAGIC) :][:DIGEST_BYTES], content[len(MAGIC) + DIGEST_BYTES :]
    if not content.startswith(MAGIC) or hashlib.sha256(payload).digest() != digest:
        raise UserError(
            f"{path}: expected a complete checkpoint, its checksum does not match (truncated or altered); "
            "delete it to start this run again"
        )
    if (owner := payload[:DIGEST_BYTES].hex()) != run:
        raise UserError(f"{path}: belongs to run {owner[:12]}, expected {run[:12]}; delete it to start this run again")
    return torch.load(io.BytesIO(payload[DIGEST_BYTES:]), map_location=device, weights_only=True)
