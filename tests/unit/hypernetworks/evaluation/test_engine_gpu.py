"""Generation on a GPU, real or pretended, against the float64 oracle on the CPU."""

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model

FAMILIES = ["mnist_mlp", "mnist_cnn8", "cora_gcn", "pubmed_gat", "agnews_transformer2l", "kan_kv", "generated_uhn"]
TABLE = "embedding.token"


@pytest.fixture(params=["pretend", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """A GPU, or one that is pretended."""
    if request.param == "pretend":
        request.getfixturevalue("pretend_gpu")
    return request.param


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def compiling_device(request, monkeypatch):
    """A GPU, or a CPU whose trunk, like a GPU's, runs as plain modules."""
    monkeypatch.setattr("uhn.hypernetworks.evaluation.network.FUSED_ROWS", float("inf"))
    return request.param


def build(name, device, **options):
    """A generator on the device, its float64 copy that goes through explicit features on the CPU, and the target."""
    target = build_model(name)
    torch.manual_seed(0)
    generator = UHN(UHNConfig(index_frequencies=16, hidden_dim=32), target.ranges(), GenerationConfig(**options))
    oracle = UHN(generator.config, generator.ranges, GenerationConfig("reference")).double()
    oracle.load_state_dict(generator.state_dict())
    return generator.to(device), oracle, target


def step(generator, target, autocast=None):
    """Scalars and the first layer's weight gradient, in float64 on the CPU."""
    generator.zero_grad()
    device = generator.trunk.readout.weight.device.type
    with torch.autocast(device, autocast, enabled=autocast is not None):
        scalars = generator.generate_scalars(target)
    scalars.square().sum().div(256).backward()  # a loss scale that float16 bears
    return [t.detach().double().cpu() for t in (scalars, generator.trunk.first.weight.grad)]


def errors(found, expected):
    return [((f - e).norm() / e.norm()).item() for f, e in zip(found, expected, strict=True)]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("cache_mb", [512, 0])
@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16], ids=str)
def test_equals_the_oracle(name, device, cache_mb, autocast):
    generator, oracle, target = build(name, device, cache_mb=cache_mb)
    found = step(generator, target, autocast)
    with torch.autocast(device, autocast, enabled=autocast is not None):
        reports = generator.plan_of(target).report()
    assert {r.dtype for r in reports} == {torch.float32 if autocast is None else torch.bfloat16}
    assert {r.route for r in reports} == ({"dense", "separable"} if cache_mb == 0 else {"dense"})
    assert all(p.grad.dtype == torch.float32 for p in generator.parameters())
    scalars, gradient = errors(found, step(oracle, target))
    if autocast is None:
        assert scalars < 1e-5 and gradient < 1e-3
    else:
        # Rounding flips a ReLU here and there, which shows in gradients of only 254 scalars.
        assert scalars < 0.01 and gradient < (0.15 if name == "kan_kv" else 0.03)


@pytest.mark.parametrize("first_layer", ["dense", "separable", "structured"])
@pytest.mark.parametrize("autocast", [None, torch.bfloat16], ids=str)
def test_forced_evaluations(first_layer, device, autocast):
    generator, oracle, target = build("mnist_mlp", device, first_layer=first_layer)
    scalars, gradient = errors(step(generator, target, autocast), step(oracle, target))
    assert scalars < (2e-5 if autocast is None else 0.01) and gradient < (1e-3 if autocast is None else 0.03)


@pytest.mark.parametrize("cache_mb", [512, 0])
def test_rows(device, cache_mb):
    generator, oracle, target = build("agnews_transformer2l", device, cache_mb=cache_mb)
    kept = torch.arange(0, 5000, 7)
    with torch.no_grad(), torch.autocast(device, torch.bfloat16):
        found = generator(target, {TABLE: kept.to(device)})
    with torch.no_grad():
        expected = oracle(target, {TABLE: kept})
    assert found[TABLE].dtype == torch.float32 and not found[TABLE][1].any()
    for name, weights in expected.items():
        (error,) = errors([found[name].cpu().double()], [weights])
        assert error < 0.01, name


@pytest.mark.slow  # compiles
@pytest.mark.parametrize("autocast", [None, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", ["kan_kv", "agnews_transformer2l"])
def test_a_compiled_trunk_computes_the_same(name, compiling_device, autocast):
    (plain, oracle, target), (compiled, _, _) = (
        build(name, compiling_device, compile_trunk=mode) for mode in ("none", "default")
    )
    expected, found = step(plain, target, autocast), step(compiled, target, autocast)
    assert compiled.state_dict().keys() == oracle.state_dict().keys()
    scalars, gradient = errors(found, step(oracle, target))
    assert scalars < (1e-5 if autocast is None else 0.01)
    if autocast is None:
        assert gradient < 1e-3 and max(errors(found, expected)) < 1e-4


@pytest.mark.slow  # compiles
def test_a_compiled_trunk_takes_batches_of_any_number_of_rows(compiling_device):
    generator, oracle, target = build("agnews_transformer2l", compiling_device, compile_trunk="default")
    for every in (7, 11, 13):
        kept = torch.arange(0, 5000, every)
        with torch.no_grad():
            found, expected = generator(target, {TABLE: kept.to(compiling_device)}), oracle(target, {TABLE: kept})
        (error,) = errors([found[TABLE].cpu().double()], [expected[TABLE]])
        assert error < 1e-5


@pytest.mark.parametrize("cache_mb", [512, 0])
@pytest.mark.parametrize("rows", [None, torch.arange(0, 5000, 7)], ids=["all", "rows"])
def test_a_step_waits_for_nothing(device, request, cache_mb, rows):
    generator, _, target = build("agnews_transformer2l", device, cache_mb=cache_mb)

    def run():
        with torch.autocast(device, torch.bfloat16):
            loss = generator.generate_scalars(target, rows=None if rows is None else {TABLE: rows}).square().mean()
        loss.backward()

    run()  # prepares
    if device == "pretend":
        waits = request.getfixturevalue("pretend_gpu").waits
        waits.clear()
        run()
        assert not waits
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        run()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_step_within_a_memory_budget(device):
    generator, oracle, target = build("agnews_transformer2l", device, memory_mb=200)
    scalars, gradient = errors(step(generator, target), step(oracle, target))
    assert scalars < 1e-5 and gradient < 1e-3
    queries = generator.engine.prepare(target).queries
    assert 0 < queries.num_recomputed < len(queries.groups)
