"""Embedding and attention against nn.Embedding and nn.MultiheadAttention."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from generated_weights import assert_equivalent, random_input, random_weights
from torch import nn
from torch.func import functional_call

from uhn.layers.activation import LEAKY_RELU
from uhn.layers.attention import AttentionLayer
from uhn.layers.embedding import EmbeddingLayer


def test_embedding():
    layer = EmbeddingLayer(11, 9, 4)
    ids = torch.tensor([[2, 5, 5, 1], [2, 10, 0, 3]])

    def reference(ids, token, position):
        rows = functional_call(nn.Embedding(11, 4), {"weight": token}, (ids,))
        return rows + position[0, torch.arange(4)]

    assert_equivalent(layer, random_weights(layer), [ids], reference)


def multihead_attention(x, *, padding, heads, **weights):
    """PyTorch's own module, whose masked positions are those that are true in ``padding``."""
    width = x.shape[-1]
    module = nn.MultiheadAttention(width, heads, batch_first=True).double()
    parameters = {
        "in_proj_weight": torch.cat([weights["q_weight"], weights["k_weight"], weights["v_weight"]]),
        "in_proj_bias": torch.cat([weights["q_bias"], weights["k_bias"], weights["v_bias"]]),
        "out_proj.weight": weights["out_weight"],
        "out_proj.bias": weights["out_bias"],
    }
    arguments = {"key_padding_mask": padding, "need_weights": False}
    return functional_call(module, parameters, (x, x, x), arguments)[0]


PADDING = torch.tensor([[False] * 5, [False, False, True, True, True]])


@pytest.mark.parametrize("padding", [None, PADDING], ids=["unpadded", "padded"])
def test_attention(padding):
    layer = AttentionLayer(6, 3)
    constants = [] if padding is None else [padding]
    reference = partial(multihead_attention, padding=padding, heads=3)
    weights = random_weights(layer)
    # The key bias shifts all scores of a query alike: its gradient is zero in exact arithmetic.
    weights["k_bias"] = weights["k_bias"].detach()
    assert_equivalent(layer, weights, [random_input(2, 5, 6)], reference, constants=constants)


def test_attention_activation_precedes_norm_and_shortcut_is_the_raw_input():
    layer = AttentionLayer(6, 2, activation=LEAKY_RELU, norm=True, shortcut=True)
    weights = random_weights(layer)
    weights["k_bias"] = weights["k_bias"].detach()

    def reference(x, **weights):
        return multihead_attention(F.layer_norm(F.leaky_relu(x, 0.1), (6,)), padding=PADDING, heads=2, **weights) + x

    assert_equivalent(layer, weights, [random_input(2, 5, 6)], reference, constants=[PADDING])


def test_padded_keys_do_not_matter_but_padded_queries_are_computed():
    layer = AttentionLayer(6, 2).eval()
    x = torch.randn(2, 5, 6)
    changed = torch.where(PADDING.unsqueeze(-1), x + 1, x)
    before, after = layer(x, PADDING), layer(changed, PADDING)
    torch.testing.assert_close(before[~PADDING], after[~PADDING])
    assert (before - after)[PADDING].abs().min(dim=0).values.max() > 1e-4


def test_attention_dropout_in_training_only():
    layer = AttentionLayer(6, 2, dropout=0.5)
    x = torch.randn(2, 5, 6)
    layer.eval()
    torch.testing.assert_close(layer(x), layer(x), rtol=0, atol=0)
    layer.train()
    assert not torch.equal(layer(x), layer(x))
