"""Fixtures for the tests of several parts."""

import pytest
from pretend_gpu import DEVICE, PretendGpu  # here, since torch counts devices at the first backward pass


@pytest.fixture
def pretend_gpu():
    """A pretended GPU, entered: tensors can be on its ``device``, and its ``waits`` are written down."""
    with PretendGpu() as gpu:
        gpu.device = DEVICE
        yield gpu
