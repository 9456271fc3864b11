"""Cells against the paper's equations in numpy, values and gradients, and against PyTorch's LSTM."""

import numpy as np
import paper_equations
import pytest
import torch
import torch.nn.functional as F

from uhn.recurrent.config import RecurrentConfig
from uhn.recurrent.inputs import OneHot
from uhn.recurrent.lstm import LSTMCell
from uhn.recurrent.model import CELL_CLASSES

STEPS, BATCH, INPUTS, UNITS, HYPER_UNITS = 4, 2, 5, 4, 3

VARIANTS = {
    "lstm": {"cell": "lstm"},
    "lstm_without_bias": {"cell": "lstm", "gate_bias": False, "layer_norm": True},
    "ln_lstm": {"cell": "lstm", "layer_norm": True},
    "static_control": {"cell": "scaled_lstm", "layer_norm": True},
    "hyperlstm": {"cell": "hyperlstm"},
    "hyperlstm_with_ln_in_the_hyper_cell": {"cell": "hyperlstm", "hyper_layer_norm": True},
    "ln_hyperlstm": {"cell": "hyperlstm", "layer_norm": True},
}


class Case:
    """A cell with random weights, in float64, and what goes into it."""

    def __init__(self, variant):
        generator = torch.Generator().manual_seed(3)
        config = RecurrentConfig(units=UNITS, hyper_units=HYPER_UNITS, embedding_dim=2, **VARIANTS[variant])
        self.cell = CELL_CLASSES[config.cell](INPUTS, config).double()
        for parameter in self.cell.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)

        def draw(*shape):
            return torch.randn(shape, generator=generator, dtype=torch.float64)

        self.x = draw(STEPS, BATCH, INPUTS)
        self.state = tuple(draw(*tensor.shape) for tensor in self.cell.initial_state(BATCH))
        self.masks = tuple(draw(STEPS, BATCH, size).sign().clamp(min=0) / 0.5 for size in self.cell.sizes)
        self.output_weight = draw(STEPS, BATCH, UNITS)
        self.state_weights = tuple(draw(*tensor.shape) for tensor in self.state)
        self.numpy_step = paper_equations.hyperlstm_step if config.cell == "hyperlstm" else paper_equations.lstm_step

    def loss(self, outputs, state):
        """A number that depends on every output."""
        pairs = [(outputs, self.output_weight), *zip(state, self.state_weights, strict=True)]
        return sum((value * weight).sum() for value, weight in pairs)

    def numpy_loss(self, parameters, x, state):
        outputs, last = paper_equations.run(
            self.numpy_step, parameters, x, state, [mask.numpy() for mask in self.masks]
        )
        weights = [self.output_weight, *self.state_weights]
        return sum((value * weight.numpy()).sum() for value, weight in zip([outputs, *last], weights, strict=True))

    def step_by_step(self, x, state):
        outputs = []
        for t in range(STEPS):
            state = self.cell.step(x[t], state, tuple(mask[t] for mask in self.masks))
            outputs.append(state[0])
        return torch.stack(outputs), state

    def unrolled(self, x, state):
        return self.cell.unroll(x, state, self.masks)


@pytest.fixture(params=VARIANTS)
def case(request):
    return Case(request.param)


def arrays(cell):
    return {name: parameter.detach().numpy().copy() for name, parameter in cell.named_parameters()}


@pytest.mark.parametrize("way", ["step_by_step", "unrolled"])
def test_values_are_those_of_the_equations(case, way):
    expected, expected_state = paper_equations.run(
        case.numpy_step,
        arrays(case.cell),
        case.x.numpy(),
        [tensor.numpy() for tensor in case.state],
        [mask.numpy() for mask in case.masks],
    )
    outputs, state = getattr(case, way)(case.x, case.state)
    np.testing.assert_allclose(outputs.detach(), expected, rtol=0, atol=1e-12)
    assert len(state) == len(expected_state)
    for found, wanted in zip(state, expected_state, strict=True):
        np.testing.assert_allclose(found.detach(), wanted, rtol=0, atol=1e-12)


def test_gradients_are_directional_differences_of_the_equations(case):
    leaves = {"x": case.x.requires_grad_()} | {f"state{n}": s.requires_grad_() for n, s in enumerate(case.state)}
    leaves |= dict(case.cell.named_parameters())
    ways = [
        torch.autograd.grad(case.loss(*way(case.x, case.state)), list(leaves.values()))
        for way in (case.step_by_step, case.unrolled)
    ]
    points = {name: leaf.detach().numpy().copy() for name, leaf in leaves.items()}
    rng = np.random.default_rng(0)
    width = 1e-5
    for name, stepwise, unrolled in zip(points, *ways, strict=True):
        centre = points[name]
        for direction in rng.normal(size=(3, *centre.shape)):  # a wrong entry shows along almost every direction
            losses = []
            for sign in (1, -1):
                points[name] = centre + sign * width * direction
                state = [points[f"state{n}"] for n in range(len(case.state))]
                losses.append(case.numpy_loss(points, points["x"], state))
            expected = (losses[0] - losses[1]) / (2 * width)
            for gradient in (stepwise, unrolled):
                np.testing.assert_allclose((gradient.numpy() * direction).sum(), expected, 1e-6, 1e-7, err_msg=name)
        points[name] = centre
        np.testing.assert_allclose(unrolled, stepwise, rtol=0, atol=1e-12, err_msg=name)


def test_lstm_is_pytorchs():
    cell = LSTMCell(INPUTS, RecurrentConfig(cell="lstm", units=UNITS, forget_bias=0.7)).double()
    torch.nn.init.normal_(cell.bias)
    reference = torch.nn.LSTMCell(INPUTS, UNITS).double()
    order = [0, 1, 3, 2]  # PyTorch has i, f, g, o
    bias = (cell.bias + torch.tensor([0, 0.7, 0, 0])[:, None])[order]
    with torch.no_grad():
        reference.weight_hh.copy_(cell.weight_h[order].flatten(0, 1))
        reference.weight_ih.copy_(cell.weight_x[order].flatten(0, 1))
        reference.bias_ih.copy_(bias.flatten())
        reference.bias_hh.zero_()
    x, h, c = (torch.randn(5, size, dtype=torch.float64) for size in (INPUTS, UNITS, UNITS))
    for found, expected in zip(cell(x, (h, c)), reference(x, (h, c)), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_one_hot_inputs_are_the_vectors_they_stand_for(case):
    symbols = torch.tensor([[0, 3], [1, 1], [2, 0], [4, 3]])
    value = torch.tensor([[1.0, 2.0], [0.0, 1.0], [1.0, 0.5], [3.0, 1.0]], dtype=torch.float64)
    vectors = F.one_hot(symbols, INPUTS) * value[..., None]
    expected, _ = case.unrolled(vectors, case.state)
    outputs, _ = case.unrolled(OneHot(symbols, value), case.state)
    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-12)
    one_hot, dense = OneHot(symbols, value).step(1), vectors[1]
    masks = tuple(mask[1] for mask in case.masks)
    for found, wanted in zip(
        case.cell.step(one_hot, case.state, masks), case.cell.step(dense, case.state, masks), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


def test_a_forward_pass_is_good_for_one_backward_pass(case):
    loss = case.loss(*case.unrolled(case.x, case.state))
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="expected one backward pass, got a second one; repeat the forward pass"):
        loss.backward()


@pytest.mark.parametrize("cell", ["lstm", "hyperlstm"])
def test_weights_must_not_change_before_the_backward_pass(cell):
    cell = CELL_CLASSES[cell](INPUTS, RecurrentConfig(units=UNITS, hyper_units=HYPER_UNITS, layer_norm=True))
    outputs, _ = cell.unroll(
        torch.randn(STEPS, BATCH, INPUTS), cell.initial_state(BATCH), cell.draw_masks(STEPS, BATCH)
    )
    with torch.no_grad():
        cell.gates.gain.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


@pytest.mark.parametrize("layer_norm", [False, True])
def test_printed_start(layer_norm):
    """A.2.3: orthogonal gates, z_h = z_x = 1, all d = 0.1, all b = 0."""
    torch.manual_seed(0)
    config = RecurrentConfig(units=12, hyper_units=6, embedding_dim=4, layer_norm=layer_norm)
    cell = CELL_CLASSES["hyperlstm"](5, config)
    for gates in (cell.weight_h, cell.hyper.weight_h, cell.hyper.weight_x):
        for block in gates:
            torch.testing.assert_close(block @ block.T, torch.eye(len(block)), rtol=0, atol=1e-5)
    for block in cell.weight_x:  # more rows than columns
        torch.testing.assert_close(block.T @ block, torch.eye(5), rtol=0, atol=1e-5)
    vectors = cell.generate(torch.randn(7, 6))
    assert vectors.shape == (7, 3, 4, 12)
    torch.testing.assert_close(vectors[:, :2], torch.full((7, 2, 4, 12), 0.1))
    assert torch.equal(vectors[:, 2], torch.zeros(7, 4, 12))
    assert torch.equal(cell.embedding_weight[:2], torch.zeros(2, 4, 4, 6))
    assert 0.007 < cell.embedding_weight[2].std() < 0.013


def test_glorot_start_of_the_input_weights():
    torch.manual_seed(0)
    cell = CELL_CLASSES["hyperlstm"](50, RecurrentConfig(units=100, hyper_units=8, input_init="glorot"))
    bound = (6 / 150) ** 0.5
    assert cell.weight_x.abs().max() <= bound
    assert abs(cell.weight_x.std() - bound / 3**0.5) < 0.002
    hyper = cell.hyper.weight_x[0]
    torch.testing.assert_close(hyper @ hyper.T, torch.eye(8), rtol=0, atol=1e-5)  # still orthogonal
