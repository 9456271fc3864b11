"""Freed memory stays with the process, however large the buffer."""

import subprocess
import sys

import pytest

CODE = """
from uhn.allocator import keep_freed_memory
keep_freed_memory()
import torch
import psutil

buffer = torch.zeros(5 << 29, dtype=torch.uint8)  # 2.5 GiB: beyond what an int of mallopt can hold
del buffer
print(psutil.Process().memory_info().rss)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="settings of glibc")
def test_a_buffer_beyond_2_gib_is_kept():
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert int(found.stdout) > 5 << 29
