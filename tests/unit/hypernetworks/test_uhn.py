"""`UHN.reference` against the paper's equations in NumPy; `UHN.forward` against the reference on every model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from uhn.configuration.generators import UHNConfig
from uhn.errors import UserError
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model

CONFIG = UHNConfig(index_frequencies=6, hidden_dim=5, structure_frequencies=4, structure_heads=2)


def make_generator(target, **changes):
    """A generator in float64, away from neutral gains, zero biases and the encoder's zero readout."""
    torch.manual_seed(0)
    generator = UHN(replace(CONFIG, **changes), target.ranges()).double()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return generator


def layer_norm(x, gain, bias):
    centred = x - x.mean(axis=-1, keepdims=True)
    return gain * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) + bias


def relu(x):
    return np.maximum(x, 0)


def fourier(rows, lowest, highest, frequencies):
    """``[cos zW, sin zW]`` of normalised rows; ranges and rows are float32 constants."""
    low, high, rows = np.float32(lowest), np.float32(highest), rows.astype(np.float32).astype(np.float64)
    middle, variance = ((low + high) / 2).astype(np.float64), ((high - low) ** 2 / np.float32(12)).astype(np.float64)
    phases = (rows - middle) / np.sqrt(variance + 1e-5) @ frequencies
    return np.concatenate([np.cos(phases), np.sin(phases)], axis=1)


def attention(x, p, heads):
    """Softmax attention of all tokens to all tokens, projected in and out."""
    q, k, v = np.split(x @ p["self_attn.in_proj_weight"].T + p["self_attn.in_proj_bias"], 3, axis=1)
    out = []
    for q_h, k_h, v_h in zip(*(np.split(t, heads, axis=1) for t in (q, k, v)), strict=True):
        scores = np.exp(q_h @ k_h.T / np.sqrt(q_h.shape[1]))
        out.append(scores / scores.sum(axis=1, keepdims=True) @ v_h)
    return np.concatenate(out, axis=1) @ p["self_attn.out_proj.weight"].T + p["self_attn.out_proj.bias"]


def linear(x, p, name):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def generate_in_numpy(generator, target):
    """All scalars by the equations of Sections 3.2 and 3.3."""
    p = {name: tensor.numpy() for name, tensor in generator.state_dict().items()}
    ranges, config = generator.ranges, generator.config
    index = fourier(target.index_table(), ranges.index_min, ranges.index_max, p["index_encoding.frequencies"])
    h = linear(index, p, "trunk.first")
    for block in range(config.blocks):
        update = h
        for half in (1, 2):
            norm = p[f"trunk.blocks.{block}.norm{half}.weight"], p[f"trunk.blocks.{block}.norm{half}.bias"]
            update = linear(layer_norm(relu(update), *norm), p, f"trunk.blocks.{block}.linear{half}")
        h = h + update
    if config.structure_encoder:
        tokens = target.structure_tokens()
        x = fourier(tokens, ranges.structure_min, ranges.structure_max, p["structure_encoding.frequencies"])
        layer = {name.removeprefix("structure_encoder.encoder."): value for name, value in p.items()}
        x = layer_norm(x + attention(x, layer, config.structure_heads), layer["norm1.weight"], layer["norm1.bias"])
        feed_forward = linear(relu(linear(x, layer, "linear1")), layer, "linear2")
        x = layer_norm(x + feed_forward, layer["norm2.weight"], layer["norm2.bias"])
        hidden = relu(linear(x.mean(axis=0), p, "structure_encoder.hidden"))
        h = h + linear(hidden, p, "structure_encoder.readout")
    return linear(relu(h), p, "trunk.readout")[:, 0]


@pytest.mark.parametrize("blocks", [0, 1, 2])
@pytest.mark.parametrize("structure_encoder", [False, True])
def test_reference_is_the_papers_equations(blocks, structure_encoder):
    target = build_model("kan_kv")
    generator = make_generator(target, blocks=blocks, structure_encoder=structure_encoder)
    with torch.no_grad():
        weights = generator.reference(target)
    assert list(weights) == [placed.name for placed in target.placed_components]
    expected = target.unflatten(torch.from_numpy(generate_in_numpy(generator, target)))
    for name, w in weights.items():
        torch.testing.assert_close(w, expected[name], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("encoding", ["gaussian_fourier", "positional", "raw", "hash"])
@pytest.mark.parametrize("structure_encoder", [False, True])
def test_forward_is_the_reference(encoding, structure_encoder):
    target = build_model("kan_ellipj")
    generator = make_generator(target, encoding=encoding, structure_encoder=structure_encoder, hash_table_size=64)
    with torch.no_grad():
        weights, expected = generator(target), generator.reference(target)
    for name, w in weights.items():
        torch.testing.assert_close(w, expected[name], rtol=1e-9, atol=1e-11)


def test_an_untrained_structure_encoder_has_no_effect():
    target = build_model("kan_kv")
    torch.manual_seed(0)
    generator = UHN(replace(CONFIG, structure_encoder=True), target.ranges())
    rows = torch.as_tensor(target.index_table())
    scalars = generator.query(rows, torch.as_tensor(target.structure_tokens()))
    assert torch.equal(scalars, generator.query(rows))


def test_targets_outside_the_ranges_are_refused():
    generator = make_generator(build_model("kan_kv"))
    with pytest.raises(UserError, match=r"layer_idx: expected values in \[0, 1\], got \[0, 2\]"):
        generator(build_model("mnist_mlp"))
