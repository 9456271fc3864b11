"""LSTM and HyperLSTM over a whole sequence, with hand-written backpropagation through time.

The same functions as the cells' steps, but faster: one product for everything that multiplies h, one for everything
that multiplies h^, and the gradients of weights from one product over all steps. Autograd has no work per step, not
even for views: the loops run in inference mode, and what leaves them is copied. Once differentiable, exact up to
rounding. Gradients are called ``d_...`` here; the d of the paper are ``scale_h`` and ``scale_x``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from uhn.recurrent.gate_tape import GateTape, Norm
from uhn.recurrent.gates import Gates


def lstm_recurrence(
    products: Tensor, weight_h: Tensor, gates: Gates, state: tuple[Tensor, Tensor], mask: Tensor | None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run an LSTM.

    Args:
        products: ``W_x x + b`` of every step and gate.
        weight_h: W_h of every gate.
        gates: the cell's.
        state: h and c to start from.
        mask: recurrent dropout, or None.

    Shapes:
        products (steps, batch, 4, units), weight_h (4, units, units), state (batch, units), mask (steps, batch, units)
        -> h of every step (steps, batch, units), last h and c
    """
    norm = _norm_of(gates)
    if norm is None:
        products = products + gates.forget
    outputs, c = _LSTM.apply(
        torch.is_grad_enabled(), gates.epsilon, products, weight_h.flatten(0, 1), mask, *state, *_spread(norm)
    )
    return outputs, (outputs[-1], c)


class HyperWeights(NamedTuple):
    """What a HyperLSTM multiplies h and h^ with.

    Args:
        h: W_h of the main cell's gates, then the part of the hyper cell's W_x that meets h.
        hyper_h: W_h of the hyper cell.
        embedding, embedding_bias: from h^ to z_h, z_x and z_b of every gate.
        projection: from z to d_h, d_x and b.
        bias: b_0.

    Shapes:
        h (4 units + 4 hyper_units, units), hyper_h (4 hyper_units, hyper_units), embedding (12 N_z, hyper_units),
        embedding_bias (12 N_z,), projection (12, N_z, units), bias (4, units)
    """

    h: Tensor
    hyper_h: Tensor
    embedding: Tensor
    embedding_bias: Tensor
    projection: Tensor
    bias: Tensor


def hyperlstm_recurrence(
    products: Tensor,
    hyper_products: Tensor,
    weights: HyperWeights,
    gates: tuple[Gates, Gates],
    state: tuple[Tensor, Tensor, Tensor, Tensor],
    masks: tuple[Tensor | None, Tensor | None],
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Run a HyperLSTM.

    Args:
        products: ``W_x x`` of the main cell, every step and gate.
        hyper_products: what x adds to the hyper cell's pre-activations, with their bias.
        weights: all others.
        gates: of the main and of the hyper cell.
        state: h, c, h^ and c^ to start from.
        masks: recurrent dropout of both.

    Shapes:
        products (steps, batch, 4, units), hyper_products (steps, batch, 4, hyper_units), states (batch, size), masks
        (steps, batch, size) -> h of every step (steps, batch, units), last h, c, h^ and c^
    """
    norm, hyper_norm = map(_norm_of, gates)
    if norm is None:
        weights = weights._replace(bias=weights.bias + gates[0].forget)
    if hyper_norm is None:
        hyper_products = hyper_products + gates[1].forget
    epsilons = tuple(each.epsilon for each in gates)
    outputs, *rest = _HyperLSTM.apply(
        torch.is_grad_enabled(),
        epsilons,
        products,
        hyper_products,
        *masks,
        *state,
        *weights,
        *_spread(norm),
        *_spread(hyper_norm),
    )
    return outputs, (outputs[-1], *rest)


def _norm_of(gates: Gates) -> Norm | None:
    """Return a cell's layer normalisation with its forget bias."""
    if not gates.layer_norm:
        return None
    return Norm(gates.gain, gates.shift + gates.forget, gates.cell_gain, gates.cell_shift)


def _spread(norm: Norm | None) -> tuple[Tensor | None, ...]:
    """Return the tensors of a normalisation as arguments or gradients of a function: None for each if there is none."""
    return (None,) * len(Norm._fields) if norm is None else norm


def _gather(norm: tuple[Tensor | None, ...]) -> Norm | None:
    return None if norm[0] is None else Norm(*norm)


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(ctx, keep, epsilon, products, weight, mask, h, c, *norm):
        tape = GateTape(_gather(norm), epsilon, mask, keep=keep)
        _, batch, _, units = products.shape
        columns = weight.t()
        hidden = [h]
        with torch.inference_mode():
            for t, product in enumerate(products.flatten(2).unbind(0)):
                a = torch.addmm(product, h, columns).view(batch, 4, units)
                h, c = tape.forward(t, a, c)
                hidden.append(h)
        ctx.save_for_backward(weight, *norm)
        ctx.tape, ctx.hidden = tape, hidden[:-1]
        return torch.stack(hidden[1:]), c.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_outputs, d_c):
        _require_first(ctx)
        weight = ctx.saved_tensors[0]
        tape = ctx.tape
        d_h = torch.zeros_like(d_c)
        d_rows = []
        with torch.inference_mode():
            for t, d_output in reversed(list(enumerate(d_outputs.unbind(0)))):
                d_a, d_c = tape.backward(t, d_h + d_output, d_c)
                d_rows.append(d_a.flatten(1))
                d_h = d_rows[-1] @ weight
        d_products = torch.stack(d_rows[::-1])
        d_weight = _outer_sum(d_products, ctx.hidden)
        ctx.hidden = None
        d_state = (d_h.clone(), d_c.clone())
        return None, None, d_products.unflatten(2, (4, -1)), d_weight, None, *d_state, *_spread(tape.norm_gradients())


class _HyperLSTM(torch.autograd.Function):
    @staticmethod
    def forward(ctx, keep, epsilons, products, hyper_products, mask, hyper_mask, h, c, hyper_h, hyper_c, *tensors):
        weights = HyperWeights(*tensors[: len(HyperWeights._fields)])
        norms = tensors[len(HyperWeights._fields) :]
        main = GateTape(_gather(norms[: len(Norm._fields)]), epsilons[0], mask, keep=keep)
        hyper = GateTape(_gather(norms[len(Norm._fields) :]), epsilons[1], hyper_mask, keep=keep)
        _, batch, _, units = products.shape
        hyper_units = hyper_products.shape[3]
        columns, hyper_columns, embedding = weights.h.t(), weights.hyper_h.t(), weights.embedding.t()

        hidden, steps = [h], []
        with torch.inference_mode():
            inputs = zip(products.unbind(0), hyper_products.flatten(2).unbind(0), strict=True)
            for t, (product, hyper_product) in enumerate(inputs):
                from_h, hyper_from_h = (h @ columns).split((4 * units, 4 * hyper_units), dim=1)
                hyper_a = torch.addmm(hyper_product, hyper_h, hyper_columns).add_(hyper_from_h)
                last_hyper_h = hyper_h
                hyper_h, hyper_c = hyper.forward(t, hyper_a.view(batch, 4, hyper_units), hyper_c)

                z = torch.addmm(weights.embedding_bias, hyper_h, embedding)
                z = z.view(batch, 12, -1).transpose(0, 1)  # (12, batch, N_z)
                vectors = torch.bmm(z, weights.projection)  # (12, batch, units)
                scale_h, scale_x, b = vectors.view(3, 4, batch, units).transpose(1, 2).unbind(0)  # (batch, 4, units)
                b += weights.bias
                from_h = from_h.view(batch, 4, units)
                a = torch.empty_like(product)  # contiguous, as the three are not
                torch.addcmul(b.addcmul_(scale_h, from_h), scale_x, product, out=a)
                h, c = main.forward(t, a, c)
                hidden.append(h)
                if keep:
                    steps.append((from_h, last_hyper_h, hyper_h, z, scale_h, scale_x))
        ctx.save_for_backward(products, *tensors)
        ctx.main, ctx.hyper, ctx.hidden, ctx.steps = main, hyper, hidden[:-1], steps
        return torch.stack(hidden[1:]), c.clone(), hyper_h.clone(), hyper_c.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_outputs, d_c, d_hyper_h, d_hyper_c):
        _require_first(ctx)
        products, *tensors = ctx.saved_tensors
        weights = HyperWeights(*tensors[: len(HyperWeights._fields)])
        steps, ctx.steps = ctx.steps, None
        n_steps, batch, _, units = products.shape
        projection_columns = weights.projection.transpose(1, 2)

        d_h = torch.zeros_like(d_c)
        d_products = torch.empty_like(products)
        d_from_h = d_c.new_empty(n_steps, batch, len(weights.h))  # of the main and of the hyper cell
        d_main_from_h = d_from_h[:, :, : 4 * units].unflatten(2, (4, units))
        d_hyper_from_h = d_from_h[:, :, 4 * units :]
        d_vectors = d_c.new_empty(12, batch, units)  # of one step
        d_role_h, d_role_x, d_role_b = d_vectors.view(3, 4, batch, units).transpose(1, 2).unbind(0)
        d_projection = torch.zeros_like(weights.projection)
        d_bias = d_c.new_zeros(batch, 4, units)
        d_zs = []
        with torch.inference_mode():
            for t, d_output in reversed(list(enumerate(d_outputs.unbind(0)))):
                from_h, _, _, z, scale_h, scale_x = steps[t]
                d_a, d_c = ctx.main.backward(t, d_h + d_output, d_c)
                torch.mul(d_a, scale_h, out=d_main_from_h[t])
                torch.mul(d_a, scale_x, out=d_products[t])
                torch.mul(d_a, from_h, out=d_role_h)
                torch.mul(d_a, products[t], out=d_role_x)
                d_role_b.copy_(d_a)
                d_bias += d_a

                d_projection.baddbmm_(z.transpose(1, 2), d_vectors)
                d_z = torch.bmm(d_vectors, projection_columns).transpose(0, 1).flatten(1)
                d_zs.append(d_z)
                d_hyper_h = torch.addmm(d_hyper_h, d_z, weights.embedding)
                d_hyper_a, d_hyper_c = ctx.hyper.backward(t, d_hyper_h, d_hyper_c)
                d_hyper_a = d_hyper_a.flatten(1)
                d_hyper_from_h[t] = d_hyper_a
                d_hyper_h = d_hyper_a @ weights.hyper_h
                d_h = d_from_h[t] @ weights.h

        _, last_hyper_hs, hyper_hs, *_ = zip(*steps, strict=True)
        d_z = torch.stack(d_zs[::-1])
        d_weights = HyperWeights(
            h=_outer_sum(d_from_h, ctx.hidden),
            hyper_h=_outer_sum(d_hyper_from_h, last_hyper_hs),
            embedding=_outer_sum(d_z, hyper_hs),
            embedding_bias=d_z.sum((0, 1)),
            projection=d_projection,
            bias=d_bias.sum(0),
        )
        ctx.hidden = None
        d_state = (d_h.clone(), d_c.clone(), d_hyper_h.clone(), d_hyper_c.clone())
        d_norms = (*_spread(ctx.main.norm_gradients()), *_spread(ctx.hyper.norm_gradients()))
        d_hyper_products = d_hyper_from_h.unflatten(2, (4, -1))
        return None, None, d_products, d_hyper_products, None, None, *d_state, *d_weights, *d_norms


def _require_first(ctx) -> None:
    """Refuse a second backward pass: the first one consumes what the forward pass has kept."""
    if ctx.hidden is None:
        raise RuntimeError("recurrence: expected one backward pass, got a second one; repeat the forward pass")


def _outer_sum(d: Tensor, hidden: Sequence[Tensor]) -> Tensor:
    """Sum the outer products of gradients and hidden states over steps and batch: a weight's gradient.

    Shapes:
        d (steps, batch, rows), each of hidden (batch, columns) -> (rows, columns)
    """
    return d.flatten(0, 1).t() @ torch.cat(hidden)
