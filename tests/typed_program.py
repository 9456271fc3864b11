"""A user's program that `make lint` checks: the types of the library's names, as they are written in it."""

from typing import assert_type

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import uhn


def program(module: nn.Module, batches: list[tuple[Tensor, Tensor]], folder: str) -> nn.Module:
    target = assert_type(uhn.adapt(module, buffers="per_target"), uhn.AdaptedModel)
    generator = assert_type(uhn.UHN.for_targets([target], hidden_dim=32, encoding_scale="auto"), uhn.UHN)
    history = assert_type(uhn.fit(generator, target, cross_entropy, batches, steps=10), uhn.History)
    assert_type(history.train, tuple[float, ...])
    many = assert_type(generator.generate_many([target]), list[dict[str, Tensor]])
    generator.save(folder, target)
    uhn.load(folder, target).generate_many([target])
    uhn.load_targets(folder)["name"].eval()
    target.recalibrate(many[0], [inputs for inputs, _ in batches])
    return assert_type(target.materialise(many[0]), nn.Module)


def mistakes(module: nn.Module) -> None:
    uhn.adapt(module, order="alphabet")  # type: ignore[arg-type]
    uhn.UHN.for_targets(module)  # type: ignore[arg-type]
    uhn.fit(module)  # type: ignore[call-arg, arg-type]
