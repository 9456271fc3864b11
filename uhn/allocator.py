"""Keep freed memory: a training step allocates the same large buffers over and over.

By default glibc returns them to the system each time and takes the page faults of fresh ones in the next step,
up to half the time of a generator step.
"""

from __future__ import annotations

import ctypes
import os
import sys

# Parameters of glibc's mallopt(3).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD_BYTES = 64 << 20


def keep_freed_memory() -> None:
    """Make malloc serve large buffers from the heap and never trim it; call before torch is imported.

    Does nothing where the C library is not glibc. Explicit settings in the environment win.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch: huge pages for large tensors
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, -1)  # never; an int cannot say more than 2 GiB
    mallopt(M_TOP_PAD, TOP_PAD_BYTES)
