"""Operation counts against numbers worked out by hand, and the measured peaks."""

import pytest
import torch

from uhn.benchmarks import roofline
from uhn.benchmarks.roofline import first_layer_macs, measure_machine, step_work
from uhn.benchmarks.routes import ROUTES
from uhn.benchmarks.workload import build_target, generator_config
from uhn.configuration.generators import GenerationConfig
from uhn.hypernetworks.uhn import UHN


@pytest.mark.parametrize(
    ("name", "first", "trunk"), [("mnist_mlp", 62, 12), ("cora_gcn", 193, 36), ("cifar10_cnn20", 564, 106)]
)
def test_operations_of_a_dense_step(name, first, trunk):
    target = build_target(name)
    config = generator_config(target)
    macs = target.num_params * 2 * config.index_frequencies
    work = step_work(config, target.num_params, macs, ROUTES["released"].feature_passes)
    assert (round(work.first_flop / 1e9), round(work.trunk_flop / 1e9)) == (first, trunk)
    assert work.flop == work.first_flop + work.trunk_flop


def test_traffic_of_a_step():
    config = generator_config(build_target("kan_kv"), frequencies=16, hidden_dim=8)
    # Behind the first layer, numbers per row: twice 2 * 8 of h and its gradient, twice 5 * 8 + 4 * 2 of the tape.
    behind = 4 * 10 * (2 * 16 + 2 * 48)
    names = ("released", "dense", "auto")
    traffic = {name: step_work(config, 10, 320, ROUTES[name].feature_passes).moved_bytes for name in names}
    assert traffic == {"released": behind + 3 * 1280, "dense": behind + 2 * 1280, "auto": behind}


def test_macs_of_a_plan():
    target = build_target("kan_kv")
    for first_layer in ("reference", "dense"):
        torch.manual_seed(0)
        config = generator_config(target, frequencies=16, hidden_dim=8)
        generator = UHN(config, target.ranges(), GenerationConfig(first_layer=first_layer))
        assert first_layer_macs(generator, target) == 254 * 32


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_peaks_of_a_pretended_gpu(pretend_gpu, monkeypatch, precision):
    """The host waits for the device after every product and copy."""
    waits = []
    monkeypatch.setattr(torch.cuda, "synchronize", waits.append)
    monkeypatch.setitem(roofline.PRODUCT_SIZE, pretend_gpu.device.type, 16)
    monkeypatch.setattr(roofline, "COPY_SIZE", 16)
    found = measure_machine(pretend_gpu.device, precision, seconds=0.01)
    assert found["gemm_flop_per_s"] > 0 and found["copy_bytes_per_s"] > 0 and found["precision"] == precision
    assert len(waits) >= 4 and set(waits) == {pretend_gpu.device}
