"""Statistics of generated tensors, by hand."""

import torch

from uhn.hypernetworks.diagnostics import ComponentStatistics, component_statistics
from uhn.layers.activation import LEAKY_RELU
from uhn.layers.linear import LinearLayer
from uhn.models.generated_uhn import GeneratedUHN, GeneratedUHNConfig


def test_mean_and_population_std():
    target = GeneratedUHN("tiny", GeneratedUHNConfig(1, 1, hidden_dim=3, blocks=0, structure_heads=1))
    weights = {name: torch.zeros(w.shape, requires_grad=True) for name, w in target.named_parameters()}
    weights["trunk.readout.weight"] = torch.tensor([[1.0, 2.0, 6.0]])
    weights["trunk.readout.bias"] = torch.tensor([5.0])
    found = component_statistics(target, weights)
    assert [s.name for s in found] == [p.name for p in target.placed_components]
    # mean 3, deviations -2 -1 3: variance 14/3; the target is that of U(-1/sqrt(3), 1/sqrt(3))
    assert found[-2] == ComponentStatistics("trunk.readout.weight", 3.0, torch.tensor(14 / 3).sqrt().item(), 0.0, 1 / 3)
    assert found[-1] == ComponentStatistics("trunk.readout.bias", 5.0, 0.0, 0.0, 1 / 3)
    zero = next(s for s in found if s.name == "structure_encoder.conditioning.weight")
    assert (zero.mean, zero.std, zero.target_mean, zero.target_std) == (0, 0, 0, 0)


def test_empty_components_do_not_count():
    class Target(GeneratedUHN):
        def __init__(self):
            super().__init__("tiny", GeneratedUHNConfig(1, 1, hidden_dim=3, blocks=0, structure_heads=1))
            self.trunk.readout = LinearLayer(3, 1, bias=False, activation=LEAKY_RELU)

    target = Target()
    assert component_statistics(target, dict(target.named_parameters()))[-1].name == "trunk.readout.weight"
