"""The one choice between plain modules and the fused trunk: which rows take which way, with the same numbers."""

import pytest
import torch

from uhn.hypernetworks.evaluation import network as network_module
from uhn.hypernetworks.evaluation.dense import DenseOperator
from uhn.hypernetworks.evaluation.network import FUSED_ROWS, Network, generate_rows
from uhn.hypernetworks.uhn import Trunk


@pytest.mark.parametrize(("rows", "fused"), [(FUSED_ROWS - 1, False), (FUSED_ROWS, True)])
def test_many_rows_go_through_the_fused_trunk(rows, fused, monkeypatch):
    torch.manual_seed(0)
    trunk = Trunk(6, 8, 2).double()
    features, conditioning = torch.randn(rows, 6, dtype=torch.float64), torch.randn(1, 8, dtype=torch.float64)
    calls = []

    def count(name, function):
        return lambda *args, **options: calls.append(name) or function(*args, **options)

    monkeypatch.setattr(network_module, "fused_trunk", count("fused", network_module.fused_trunk))
    first_layer = trunk.first.weight, trunk.first.bias
    network = Network(first_layer, None, count("plain", trunk.after_first), trunk.residual_stack())
    found = generate_rows(network, [DenseOperator(features)], conditioning, bf16_products=False)
    assert calls == ["fused" if fused else "plain"]
    torch.testing.assert_close(found, trunk(features, conditioning), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("autocast", "bf16_products", "expected"),
    [(None, False, None), (None, True, torch.bfloat16), (torch.float16, True, torch.float16)],
)
def test_products_of_the_fused_trunk_are_rounded_on_request(autocast, bf16_products, expected, monkeypatch):
    trunk = Trunk(2, 4, 1)
    network = Network((trunk.first.weight, trunk.first.bias), None, trunk.after_first, trunk.residual_stack())
    types = []

    def record(h, *_, matmul_dtype):
        types.append((h.dtype, matmul_dtype))
        return h

    monkeypatch.setattr(network_module, "fused_trunk", record)
    with torch.autocast("cpu", autocast, enabled=autocast is not None):
        generate_rows(network, [DenseOperator(torch.ones(FUSED_ROWS, 2))], None, bf16_products=bf16_products)
    assert types == [(torch.float32, expected)]
