"""How a job gets its GPU, on a machine that says it has two."""

import os
from contextlib import ExitStack

import pytest
import torch

from uhn.device import acquire_device, upload, use_deterministic_kernels

SDP = ("flash", "mem_efficient", "cudnn", "math")


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "set_device", lambda gpu: None)
    monkeypatch.setattr("uhn.device.use_deterministic_kernels", lambda: None)


@pytest.fixture
def restored(monkeypatch):
    """What deterministic kernels change in this process is put back."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    tf32 = torch.backends.cudnn.allow_tf32
    kernels = {name: getattr(torch.backends.cuda, f"{name}_sdp_enabled")() for name in SDP}
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.allow_tf32 = tf32
    for name, enabled in kernels.items():
        getattr(torch.backends.cuda, f"enable_{name}_sdp")(enabled)


def test_jobs_spread_over_the_gpus(two_gpus, tmp_path):
    with ExitStack() as jobs:
        held = [jobs.enter_context(acquire_device("cuda", tmp_path)) for _ in range(3)]
        assert [device.index for device in held] == [0, 1, 0]
    with acquire_device("cuda", tmp_path) as device:
        assert device == torch.device("cuda", 0)


def test_a_choice_from_outside_is_kept(two_gpus, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with ExitStack() as jobs:
        assert {jobs.enter_context(acquire_device("cuda", tmp_path)).index for _ in range(2)} == {0}


@pytest.mark.parametrize("visible", ["2,3", " 2, 3 ", "GPU-5a,MIG-GPU-5b/1/0"])
def test_jobs_spread_over_the_gpus_that_are_visible(two_gpus, tmp_path, monkeypatch, visible):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with ExitStack() as jobs:
        assert [jobs.enter_context(acquire_device("cuda", tmp_path)).index for _ in range(4)] == [0, 1, 0, 1]


def test_jobs_that_see_different_gpus_know_of_each_other(two_gpus, tmp_path, monkeypatch):
    """GPU 1 is taken by a job that sees all: one that sees 1 and 2 takes 2, its second."""
    with ExitStack() as jobs:
        assert [jobs.enter_context(acquire_device("cuda", tmp_path)).index for _ in range(2)] == [0, 1]
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
        assert jobs.enter_context(acquire_device("cuda", tmp_path)).index == 1


def test_kernels_repeat_themselves(restored):
    """torch's notes on reproducibility, and its fused attention, which does not obey a mode that only warns."""
    use_deterministic_kernels()
    assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    enabled = [name for name in SDP if getattr(torch.backends.cuda, f"{name}_sdp_enabled")()]
    assert enabled == ["math"] and not torch.backends.cudnn.allow_tf32


def test_an_upload_is_the_same_tensor_elsewhere(pretend_gpu):
    there = upload(torch.arange(3), pretend_gpu.device)
    assert there.device == pretend_gpu.device and there.tolist() == [0, 1, 2]
    assert upload(there, pretend_gpu.device) is there
