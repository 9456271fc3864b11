"""Validation split and training order, against torch.randperm by hand."""

import pytest
import torch

from uhn.data.splits import training_order_generator, validation_split
from uhn.errors import UserError


@pytest.mark.parametrize(
    "name, number, count, held_out",
    [
        ("mnist", 0, 60_000, 12_000),
        ("cifar10", 1, 50_000, 5_000),
        ("ag_news", 5, 120_000, 24_000),
        ("imdb", 6, 25_000, 5_000),
        ("kv", 12, 1_000, 200),
        ("sph_harm22", 21, 1_000, 200),
    ],
)
def test_validation_split(name, number, count, held_out):
    generator = torch.Generator()
    generator.manual_seed(42 + number)
    order = torch.randperm(count, generator=generator)
    state = torch.get_rng_state()
    train, validation = validation_split(name, count)
    assert torch.equal(train, order[: count - held_out])
    assert torch.equal(validation, order[count - held_out :])
    assert torch.equal(torch.get_rng_state(), state)


def test_training_order():
    expected = torch.Generator().manual_seed(21962 + 6000)
    generator = training_order_generator("imdb", 21962)
    for _ in range(2):
        assert torch.equal(torch.randperm(50, generator=generator), torch.randperm(50, generator=expected))


def test_mistakes_are_named():
    with pytest.raises(UserError, match="'mnst'; expected one of mnist, cifar10"):
        validation_split("mnst", 10)
    with pytest.raises(UserError, match="public split"):
        validation_split("cora", 140)
