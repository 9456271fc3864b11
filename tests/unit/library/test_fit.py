"""`uhn.fit`: it learns, keeps to its contract, and changes nothing on bad input."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import uhn
from uhn.errors import UserError

SIZES = {"hidden_dim": 32, "index_frequencies": 128, "blocks": 1}


def blobs(count=64):
    """Two classes by the sign of a product: no linear model tells them apart."""
    x = torch.randn(count, 2, generator=torch.Generator().manual_seed(1))
    return x, (x.prod(1) > 0).long()


def mlp(width=16):
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2))


@pytest.fixture
def pair():
    torch.manual_seed(0)
    target = uhn.adapt(mlp())
    return uhn.UHN.for_targets(target, **SIZES), target


def state(generator, target):
    return {**generator.state_dict(), **target.carried()}


def test_it_learns_what_no_linear_model_can(pair):
    generator, target = pair
    x, y = blobs()
    history = uhn.fit(generator, target, F.cross_entropy, [(x, y)], steps=150, init_steps=50)
    assert (len(history.init), len(history.train)) == (50, 150)
    assert history.init[-1] < 0.1 * history.init[0]
    with torch.no_grad():
        predicted = target.eval().run(generator(target), x).argmax(1)
    assert (predicted == y).float().mean() > 0.9
    assert target.buffers["1.num_batches_tracked"] == 150  # neither the trial nor initialisation counts


def test_targets_come_in_passes_and_the_same_seed_repeats_itself():
    def trained():
        torch.manual_seed(0)
        targets = [uhn.adapt(mlp(width), name=str(width)) for width in (4, 6, 8)]
        generator = uhn.UHN.for_targets(targets, **SIZES)
        history = uhn.fit(generator, targets, F.cross_entropy, [blobs()], steps=6, init_steps=3, seed=5)
        return history, [int(target.buffers["1.num_batches_tracked"]) for target in targets]

    first, counts = trained()
    assert counts == [2, 2, 2]
    assert trained()[0] == first


def test_the_first_step_is_adams(pair):
    """Without initialisation, clipping or warm-up: every parameter with a gradient moves by lr, up to eps."""
    generator, target = pair
    before = {name: p.detach().clone() for name, p in generator.named_parameters()}
    uhn.fit(generator, target, F.cross_entropy, [blobs()], steps=1, lr=1e-3, warmup=0, init_steps=0, clip_norm=None)
    moved = torch.cat([(p - before[name]).abs().flatten() for name, p in generator.named_parameters()])
    assert moved.max().item() == pytest.approx(1e-3, rel=1e-2)
    assert moved.median().item() == pytest.approx(1e-3, rel=1e-2)


def test_inputs_may_be_several_arguments_and_iterators_may_be_endless():
    class Product(nn.Module):
        def __init__(self):
            super().__init__()
            self.bilinear = nn.Bilinear(2, 2, 1)

        def forward(self, a, b):
            return self.bilinear(a, b)

    target = uhn.adapt(Product())
    generator = uhn.UHN.for_targets(target, **SIZES)
    a, b = torch.randn(2, 8, 2)
    history = uhn.fit(generator, target, F.mse_loss, iter(lambda: ((a, b), a[:, :1]), None), steps=3, init_steps=0)
    assert len(history.train) == 3
    with pytest.raises(UserError, match="batches: ended"):
        uhn.fit(generator, target, F.mse_loss, iter([((a, b), a[:, :1])]), steps=3, init_steps=0)


X, Y = blobs(8)
BAD = {
    "several numbers": (lambda o, y: F.cross_entropy(o, y, reduction="none"), [(X, Y)], {}, r"scalar .* shape \(8,\)"),
    "a number": (lambda o, y: 1.0, [(X, Y)], {}, "expected a scalar tensor, got a float"),
    "not finite": (lambda o, y: F.cross_entropy(o, y) / 0, [(X, Y)], {}, "loss: is inf"),
    "no pairs": (F.cross_entropy, [X], {}, "expected pairs .* got a Tensor"),
    "no batches": (F.cross_entropy, [], {}, "batches: ended"),
    "not iterable": (F.cross_entropy, 3, {}, "expected an iterable"),
    "another device": (F.cross_entropy, [(X.to("meta"), Y)], {}, "generator's device cpu, got one on meta"),
    "labels elsewhere": (F.cross_entropy, [(X, Y.to("meta"))], {}, "generator's device cpu, got one on meta"),
    "steps": (F.cross_entropy, [(X, Y)], {"steps": 0}, "steps: expected a whole number from 1, got 0"),
    "rate": (F.cross_entropy, [(X, Y)], {"lr": float("nan")}, "lr: expected a positive number, got nan"),
    "clipping": (F.cross_entropy, [(X, Y)], {"clip_norm": -1}, "clip_norm: expected a positive number"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line_and_changes_nothing(pair, case):
    generator, target = pair
    loss, batches, options, message = BAD[case]
    before = {name: tensor.clone() for name, tensor in state(generator, target).items()}
    target.eval()
    with pytest.raises(ValueError, match=message) as refusal:
        uhn.fit(generator, target, loss, batches, **{"steps": 2} | options)
    assert "\n" not in str(refusal.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in state(generator, target).items())
    assert not target.training
    assert all(p.grad is None for p in generator.parameters())


def test_targets_outside_the_ranges_and_no_targets_are_refused(pair):
    with pytest.raises(UserError, match="expected values in"):
        uhn.fit(pair[0], uhn.adapt(mlp(40)), F.cross_entropy, [(X, Y)], steps=1)
    with pytest.raises(UserError, match="targets: expected at least one"):
        uhn.fit(pair[0], [], F.cross_entropy, [(X, Y)], steps=1)


def test_a_batch_that_is_not_finite_leaves_what_the_last_good_step_made(pair):
    generator, target = pair
    bad = itertools.chain([(X, Y)] * 3, [(X * float("inf"), Y)])
    with pytest.raises(UserError, match="loss: is nan"):
        uhn.fit(generator, target, F.cross_entropy, bad, steps=9, init_steps=0)
    assert target.buffers["1.num_batches_tracked"] == 3
    with pytest.raises(UserError, match="gradient is not finite in step 0 of phase 'train'"):
        uhn.fit(generator, target, lambda o, y: (o * 0).sum().sqrt(), [(X, Y)], steps=9, init_steps=0)
    assert target.buffers["1.num_batches_tracked"] == 3
    assert all(tensor.isfinite().all() for tensor in state(generator, target).values())
