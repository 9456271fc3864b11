"""Generation under autocast: phases exact, products rounded, scalars and gradients in the generator's own type."""

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.hypernetworks.evaluation.network import FUSED_ROWS
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model

# Linear, convolution, GCN, GAT, embedding and attention, KAN, recursion.
FAMILIES = ["mnist_mlp", "mnist_cnn8", "cora_gcn", "pubmed_gat", "agnews_transformer2l", "kan_kv", "generated_uhn"]


def build(name, first_layer="auto", **options):
    target = build_model(name)
    torch.manual_seed(0)
    config = UHNConfig(index_frequencies=32, hidden_dim=32, structure_encoder=True)
    generator = UHN(config, target.ranges(), GenerationConfig(first_layer, **options))
    torch.nn.init.normal_(generator.structure_encoder.readout.weight, std=0.1)  # starts at zero
    return generator, target


def step(generator, target, dtype):
    """Scalars and all gradients of a fixed functional, forward under autocast."""
    generator.zero_grad()
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        scalars = generator.generate_scalars(target)
        loss = scalars.square().sum() / 256  # a loss scale for float16: a mean underflows, a sum overflows
    loss.backward()
    return scalars.detach(), {name: p.grad.clone() for name, p in generator.named_parameters()}


def relative(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.01), (torch.float16, 0.0015)], ids=str)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(name, dtype, tolerance):
    generator, target = build(name)
    exact, gradients = step(generator, target, None)
    found, narrow = step(generator, target, dtype)
    assert found.dtype == torch.float32
    assert all(g.dtype == torch.float32 and g.isfinite().all() for g in narrow.values())
    assert 0 < relative(found, exact) < tolerance
    assert relative(narrow["trunk.readout.weight"], gradients["trunk.readout.weight"]) < tolerance
    # In front of the ReLUs rounding flips a unit here and there, which shows where there are only 254 scalars.
    bound = 0.15 if name == "kan_kv" else 0.03
    assert relative(narrow["trunk.first.weight"], gradients["trunk.first.weight"]) < bound


@pytest.mark.parametrize("first_layer", ["reference", "dense", "separable", "structured"])
def test_every_evaluation(first_layer):
    generator, target = build("mnist_mlp", first_layer)
    assert target.num_params > FUSED_ROWS
    exact, _ = step(generator, target, None)
    found, gradients = step(generator, target, torch.bfloat16)
    assert found.dtype == torch.float32 and relative(found, exact) < 0.02
    assert all(g.dtype == torch.float32 for g in gradients.values())


def test_recomputed_groups_see_the_same_autocast():
    generator, target = build("mnist_mlp")
    whole = step(generator, target, torch.bfloat16)
    generator, target = build("mnist_mlp", memory_mb=8)
    groups = step(generator, target, torch.bfloat16)
    assert len(generator.engine.prepare(target).queries.groups) > 1
    assert relative(groups[0], whole[0]) < 1e-3
    assert relative(groups[1]["trunk.first.weight"], whole[1]["trunk.first.weight"]) < 1e-2


def test_evaluation_and_single_rows():
    generator, target = build("agnews_transformer2l")
    kept = torch.tensor([3, 77])
    generator.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        full, part = generator(target), generator(target, {"embedding.token": kept})
    assert part["embedding.token"].dtype == torch.float32
    assert relative(part["embedding.token"][kept], full["embedding.token"][kept]) < 0.02


def test_phases_are_not_rounded():
    """In half precision phases of up to 1,800 rad neighbouring words coincide; only features may be rounded."""
    generator, target = build("agnews_transformer2l")
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        table = generator(target)["embedding.token"]
    assert len(torch.unique(table, dim=0)) == len(table)
