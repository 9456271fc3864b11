"""Who owns which parameter, and the descriptors of its scalars."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import uhn
from uhn.adapted.roles import POSITION_TABLE, Role
from uhn.descriptors.vocabulary import LayerType
from uhn.errors import UserError
from uhn.models.registry import build_model


def rows_of(target, name):
    """Index rows of one component by its name, and its initial shape."""
    (placed,) = [placed for placed in target.placed_components if placed.name == name]
    return placed.grid.materialise()


def ids_of(target):
    """(layer, type, param type) by component."""
    return {p.name: (p.grid.layer_idx, int(p.grid.layer_type), p.grid.param_type) for p in target.placed_components}


def expected_rows(ids, shape, columns):
    """Rows written out in a loop; columns are the fields of the dimensions, by number."""
    rows = []
    for coordinates in np.ndindex(*shape):
        row = [*ids, *[-1] * 7]
        for column, coordinate in zip(columns, coordinates, strict=True):
            row[column] = coordinate
        rows.append(row)
    return np.array(rows, dtype=np.float64)


# Columns of an index descriptor: out 3, in 4, kernel 5 and 6, embedding 7, sequence 8, grid 9 (paper, Table 6).
@pytest.mark.parametrize(
    ("module", "layer_type", "shape", "columns"),
    [
        (nn.Linear(3, 2), 0, (2, 3), (3, 4)),
        (nn.Conv2d(4, 6, (3, 2), groups=2), 1, (6, 2, 3, 2), (3, 4, 5, 6)),
        (nn.Conv2d(4, 4, 3, groups=4), 1, (4, 1, 3, 3), (3, 4, 5, 6)),
        (nn.Embedding(5, 3), 4, (5, 3), (7, 3)),
        (nn.EmbeddingBag(5, 3), 4, (5, 3), (7, 3)),
        (nn.Conv1d(4, 6, 3, groups=2), 8, (6, 2, 3), (3, 4, 6)),
        (nn.Conv3d(2, 3, (2, 3, 4)), 9, (3, 2, 2, 3, 4), (3, 4, 9, 5, 6)),
        (nn.ConvTranspose1d(4, 6, 3, groups=2), 10, (4, 3, 3), (4, 3, 6)),
        (nn.ConvTranspose2d(3, 2, (3, 2)), 10, (3, 2, 3, 2), (4, 3, 5, 6)),
        (nn.ConvTranspose3d(3, 2, (2, 3, 4)), 10, (3, 2, 2, 3, 4), (4, 3, 9, 5, 6)),
        (nn.BatchNorm2d(3), 14, (3,), (3,)),
        (nn.GroupNorm(2, 4), 14, (4,), (3,)),
        (nn.LayerNorm((2, 3)), 14, (2, 3), (3, 4)),
        (nn.RMSNorm(3), 14, (3,), (3,)),
        (nn.Bilinear(3, 4, 2), 15, (2, 3, 4), (3, 4, 9)),
        (nn.PReLU(3), 7, (3,), (3,)),
    ],
)
def test_fields_by_role(module, layer_type, shape, columns):
    target = uhn.adapt(nn.Sequential(nn.Linear(2, 2), module))
    np.testing.assert_array_equal(rows_of(target, "1.weight"), expected_rows((1, layer_type, 0), shape, columns))
    if getattr(module, "bias", None) is not None and not isinstance(module, nn.LayerNorm):
        bias = tuple(module.bias.shape)
        np.testing.assert_array_equal(rows_of(target, "1.bias"), expected_rows((1, layer_type, 1), bias, (3,)))


def test_linear_of_gpt_2_has_its_axes_by_role():
    """Its class has the weight as (in, out)."""

    class Conv1D(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 2))

    Conv1D.__module__, Conv1D.__qualname__ = "transformers.pytorch_utils", "Conv1D"
    np.testing.assert_array_equal(rows_of(uhn.adapt(Conv1D()), "weight"), expected_rows((0, 0, 0), (3, 2), (4, 3)))


def test_gates_of_an_lstm():
    """Input, forget, cell and output gate lie below each other in every flat weight."""
    lstm = nn.LSTM(3, 5, num_layers=2, bidirectional=True, proj_size=2)
    target = uhn.adapt(lstm)
    ids = ids_of(target)
    for layer, level in enumerate(("l0", "l0_reverse", "l1", "l1_reverse")):
        for first, kind in enumerate(("weight_ih", "weight_hh", "bias_ih", "bias_hh")):
            for gate in range(4):
                rows = f"[{5 * gate}:{5 * gate + 5}]"
                assert ids[f"{kind}_{level}{rows}"] == (layer, 11 + 1, 4 * first + gate)
        assert ids[f"weight_hr_{level}"] == (layer, 12, 16)
    pieces = dict(zip(ids, target.component_tensors(dict(lstm.named_parameters())), strict=True))
    forget = lstm.weight_ih_l1.chunk(4)[1]
    assert torch.equal(pieces["weight_ih_l1[5:10]"], forget)
    np.testing.assert_array_equal(rows_of(target, "weight_ih_l1[5:10]"), expected_rows((2, 12, 1), (5, 4), (3, 4)))


@pytest.mark.parametrize(
    ("cell", "layer_type", "gates"), [(nn.GRUCell, 13, 3), (nn.LSTMCell, 12, 4), (nn.RNNCell, 11, 1)]
)
def test_gates_of_cells(cell, layer_type, gates):
    assert set(ids_of(uhn.adapt(cell(2, 3))).values()) == {(0, layer_type, p) for p in range(4 * gates)}


def test_attention_is_the_papers_layer_packed_or_not():
    from uhn.layers.attention import AttentionLayer

    own = [(c.param_type, c.axes) for c in AttentionLayer(6, 2).components()]
    packed = uhn.adapt(nn.MultiheadAttention(6, 2))
    assert [(p.grid.param_type, p.grid.axes) for p in packed.placed_components] == own
    assert {p.grid.layer_type for p in packed.placed_components} == {LayerType.ATTENTION}
    assert {p.grid.layer_idx for p in packed.placed_components} == {0}
    separate = ids_of(uhn.adapt(nn.MultiheadAttention(6, 2, kdim=4, vdim=5, add_bias_kv=True)))
    names = ["q_proj_weight", "k_proj_weight", "v_proj_weight", *(f"in_proj_bias[{i}:{i + 6}]" for i in (0, 6, 12))]
    names += ["out_proj.weight", "out_proj.bias", "bias_k", "bias_v"]
    assert separate == {name: (0, 5, param_type) for param_type, name in enumerate(names)}


class Tied(nn.Module):
    """A language model whose readout is its embedding."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.hidden = nn.Linear(4, 4)
        self.readout = nn.Linear(4, 7)
        self.readout.weight = self.embedding.weight

    def forward(self, ids):
        return self.readout(torch.tanh(self.hidden(self.embedding(ids))))


def test_tied_weights_are_generated_once():
    model, ids = Tied(), torch.arange(7)
    target = uhn.adapt(model)
    assert ids_of(target) == {
        "embedding.weight": (0, 4, 0),
        "hidden.weight": (1, 0, 0),
        "hidden.bias": (1, 0, 1),
        "readout.bias": (2, 0, 1),
    }
    weights = target.unflatten(torch.randn(target.num_params))
    hidden = torch.tanh(weights["embedding.weight"] @ weights["hidden.weight"].T + weights["hidden.bias"])
    expected = hidden @ weights["embedding.weight"].T + weights["readout.bias"]
    torch.testing.assert_close(target.run(weights, ids), expected)
    made = target.materialise(weights)
    assert made.readout.weight is made.embedding.weight
    assert model.readout.weight is model.embedding.weight


def test_a_module_used_twice_is_one_layer():
    shared = nn.Linear(3, 3)
    target = uhn.adapt(nn.Sequential(shared, nn.Tanh(), shared))
    assert ids_of(target) == {"0.weight": (0, 0, 0), "0.bias": (0, 0, 1)}
    made = target.materialise(target.unflatten(torch.randn(12)))
    assert made[0] is made[2]


@pytest.mark.parametrize(
    ("parametrise", "originals"),
    [
        (parametrizations.weight_norm, {"original0": 2, "original1": 3}),
        (parametrizations.orthogonal, {"original": 2}),
        (parametrizations.spectral_norm, {"original": 2}),
    ],
)
def test_parametrised_modules_generate_their_originals(parametrise, originals):
    module = nn.Sequential(parametrise(nn.Linear(4, 4)))
    target = uhn.adapt(module.eval())
    expected = {f"0.parametrizations.weight.{name}": (0, 0, param_type) for name, param_type in originals.items()}
    assert ids_of(target) == {"0.bias": (0, 0, 1), **expected}
    x, scalars = torch.randn(2, 4), torch.randn(target.num_params, requires_grad=True)
    weights = target.unflatten(scalars)
    found = target.run(weights, x)
    found.square().sum().backward()
    assert scalars.grad.isfinite().all()
    clone = copy.deepcopy(module)
    clone.load_state_dict({n: w.detach() for n, w in weights.items()}, strict=False)
    torch.testing.assert_close(found, clone(x))
    torch.testing.assert_close(target.materialise(weights)(x), clone(x))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weight_norm_of_old():
    module = nn.utils.weight_norm(nn.Linear(4, 3))
    target = uhn.adapt(module)
    assert ids_of(target) == {"bias": (0, 0, 1), "weight_g": (0, 0, 2), "weight_v": (0, 0, 3)}
    weights = target.unflatten(torch.randn(target.num_params))
    x, v = torch.randn(2, 4), weights["weight_v"]
    expected = x @ (weights["weight_g"] * v / v.norm(dim=1, keepdim=True)).T + weights["bias"]
    torch.testing.assert_close(target.run(weights, x), expected)
    torch.testing.assert_close(target.materialise(weights)(x), expected)


class Raw(nn.Module):
    """Raw parameters of some shapes, all of which enter the output."""

    def __init__(self, *shapes, dtype=torch.float32):
        super().__init__()
        self.absent = None
        self.register_parameter("none", None)
        for number, shape in enumerate(shapes):
            self.register_parameter(f"p{number}", nn.Parameter(torch.randn(shape, dtype=dtype)))

    def forward(self, x):
        return sum((x * parameter.abs()).sum() for parameter in self.parameters())


def test_raw_parameters_of_all_ranks():
    shapes = [(), (2,), (2, 3), (2, 3, 2), (2, 3, 2, 2), (2, 1, 2, 2, 2), (2,) * 6, (2,) * 7]
    target = uhn.adapt(Raw(*shapes))
    columns = [(), (3,), (3, 4), (3, 4, 9), (3, 4, 5, 6), (3, 4, 9, 5, 6), (3, 4, 9, 5, 6, 8), (3, 4, 9, 5, 6, 8, 7)]
    for rank, (shape, fields) in enumerate(zip(shapes, columns, strict=True)):
        # The first place of the module's parameters is the one that is None.
        np.testing.assert_array_equal(rows_of(target, f"p{rank}"), expected_rows((0, 7, rank + 1), shape, fields))
    assert len(np.unique(target.index_table(), axis=0)) == target.num_params == sum(map(np.prod, shapes))
    weights = target.unflatten(torch.randn(target.num_params))
    assert [tuple(w.shape) for w in weights.values()] == shapes


def test_complex_tensors_are_two_components():
    module = Raw((2, 3), (3,), dtype=torch.complex64)
    module.real = nn.Parameter(torch.randn(3))
    target = uhn.adapt(module)
    assert ids_of(target) == {
        "p0.real": (0, 7, 2),
        "p0.imag": (0, 7, 3),
        "p1.real": (0, 7, 4),
        "p1.imag": (0, 7, 5),
        "real": (0, 7, 6),
    }
    scalars = torch.randn(target.num_params, requires_grad=True)
    weights = target.unflatten(scalars)
    assert weights["p0"].dtype == torch.complex64
    torch.testing.assert_close(weights["p0"], torch.complex(scalars[:6], scalars[6:12]).view(2, 3))
    target.run(weights, torch.ones(3)).backward()
    assert (scalars.grad != 0).all()
    parameters = dict(module.named_parameters())
    again = target.unflatten(target.flatten(parameters))
    assert all(torch.equal(again[name], parameters[name]) for name in parameters)


def test_tensors_without_scalars_keep_their_ids():
    target = uhn.adapt(Raw((2,), (0, 3), (3,)))
    assert ids_of(target) == {"p0": (0, 7, 1), "p1": (0, 7, 2), "p2": (0, 7, 3)}
    weights = target.unflatten(torch.randn(5))
    assert weights["p1"].shape == (0, 3)
    assert target.ranges().index_max[4] == -1  # no scalar has an input index


def test_frozen_parameters_are_carried():
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    module[0].requires_grad_(False)
    target = uhn.adapt(module)
    assert ids_of(target) == {"1.weight": (0, 0, 0), "1.bias": (0, 0, 1)}
    x, weights = torch.randn(4, 3), target.unflatten(torch.randn(8))
    expected = module[0](x) @ weights["1.weight"].T + weights["1.bias"]
    torch.testing.assert_close(target.run(weights, x), expected)
    made = target.materialise(weights)
    assert [p.requires_grad for p in made.parameters()] == [False, False, True, True]
    with torch.no_grad():
        module[0].weight.zero_()
    torch.testing.assert_close(target.run(weights, x), expected)  # as adapted


def test_subclass_with_a_parameter_of_its_own():
    class Scaled(nn.Linear):
        def __init__(self):
            super().__init__(3, 2)
            self.scale = nn.Parameter(torch.ones(2))

    assert ids_of(uhn.adapt(Scaled())) == {"weight": (0, 0, 0), "bias": (0, 0, 1), "scale": (0, 0, 2)}


def test_unknown_module_with_known_ones_inside():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 2)
            self.gain = nn.Parameter(torch.ones(2))

    ids = ids_of(uhn.adapt(Block()))
    assert ids == {"gain": (0, 7, 0), "inner.weight": (1, 0, 0), "inner.bias": (1, 0, 1)}


def test_roles_of_the_user():
    class Positions(nn.Embedding):
        def __init__(self):
            super().__init__(7, 4)
            self.position = nn.Parameter(torch.zeros(1, 5, 4))

    target = uhn.adapt(Positions(), roles={"position": "sequence out"})
    np.testing.assert_array_equal(rows_of(target, "position"), expected_rows((0, 4, 1), (5, 4), (8, 3)))
    raw = uhn.adapt(Raw((5, 4), (3,)), roles={"p0": POSITION_TABLE})
    np.testing.assert_array_equal(rows_of(raw, "p0"), expected_rows((0, 4, 1), (5, 4), (8, 3)))
    paper = uhn.adapt(build_model("kan_kv"), roles={"blocks.0.grid_knots": "in sequence"})
    np.testing.assert_array_equal(rows_of(paper, "blocks.0.grid_knots"), expected_rows((0, 6, 6), (2, 12), (4, 8)))


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"p9": "out"}, "no trained parameter 'p9'; expected names such as 'p0'"),
        ({"p0": "out"}, r"role of 'p0': axes 'out' do not fit shape \(5, 4\)"),
        ({"p0": "out out"}, "role of 'p0': .*distinct words of out, in, kh"),
        ({"p0": "rows out"}, "distinct words"),
        ({"p0": Role("out in", param_type=2)}, "param type 2 is that of 'p0' in the same layer"),
    ],
)
def test_roles_that_do_not_fit(roles, message):
    with pytest.raises(UserError, match=message):
        uhn.adapt(Raw((5, 4), (3,)), roles=roles)
