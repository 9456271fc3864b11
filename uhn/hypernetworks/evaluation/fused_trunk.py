"""The index branch after its first layer, computed in cache-sized chunks of rows (paper, Section 3.3).

The same function of the same tensors as the plain modules, with a hand-written backward pass:

- LayerNorm's gain and bias are folded into the Linear behind it: ``W (g x + b) + c = (W diag g) x + (W b + c)``.
- Rows go through all layers one chunk at a time, in buffers that stay in the cache.
- Of each layer only its activated input is kept, with its mean and reciprocal deviation per row, or, with
  ``recompute``, nothing but the input of the first layer.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class ResidualStack(NamedTuple):
    """Layers that activate, standardise, scale, shift and map, with shortcuts; then activation and readout.

    Args:
        layers: gain and shift (both None for a norm without them), weight and bias of each layer.
        readout: weight and bias.
        eps: of each norm.
        span: layers inside one shortcut.
        slope: of the activation below zero, 0 for ReLU.

    Shapes:
        gain, shift and bias (d,), weight (d, d); readout (1, d) and (1,)
    """

    layers: tuple[tuple[Tensor | None, Tensor | None, Tensor, Tensor], ...]
    readout: tuple[Tensor, Tensor]
    eps: tuple[float, ...]
    span: int
    slope: float


def fused_trunk(
    h: Tensor,
    stack: ResidualStack,
    conditioning: Tensor | None = None,
    *,
    chunk_rows: int = 2048,
    recompute: bool = False,
    matmul_dtype: torch.dtype | None = None,
) -> Tensor:
    """Apply residual layers, the conditioning vector and the readout to the first layer's output.

    Exact up to rounding; differentiable once in ``h``, ``conditioning`` and the tensors of the stack, which may be
    non-leaf (recursion). Not affected by autocast.

    Args:
        h: output of the first layer.
        stack: the layers and the readout.
        conditioning: vector added to every row before the last activation.
        chunk_rows: rows that go through all layers together.
        recompute: keep only ``h`` for the backward pass, which repeats the forward pass chunk by chunk.
        matmul_dtype: type to round the layers' matrix products to, for speed; None for the type of ``h``. This changes
            the function: bfloat16 gradients are off by several percent.

    Shapes:
        h (rows, d), conditioning (1, d) or None -> (rows,)

    Raises:
        ValueError: on tensors of other shapes or no rows per chunk.
        TypeError: if ``h``, ``conditioning`` and the stack differ in type.
    """
    parameters = [*stack.readout, *(tensor for layer in stack.layers for tensor in layer)]
    _check(h, conditioning, parameters, chunk_rows)
    settings = _Settings(chunk_rows, recompute, matmul_dtype or h.dtype, stack.eps, stack.span, stack.slope)
    inputs = (h, conditioning, *parameters)
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in inputs):
        return _FusedTrunk.apply(settings, *inputs)
    with torch.no_grad(), torch.autocast(h.device.type, enabled=False):
        return _forward(settings, h, conditioning, parameters, None)


def tape_bytes(
    rows: int, hidden_dim: int, blocks: int, dtype: torch.dtype = torch.float32, *, recompute: bool = False
) -> int:
    """Count the bytes `fused_trunk` keeps from its forward to its backward pass, parameters aside.

    Args:
        rows: generated scalars N.
        hidden_dim: width d.
        blocks: residual blocks.
        dtype: type of the generator.
        recompute: as given to `fused_trunk`; what is then kept is its input.
    """
    numbers_per_row = hidden_dim if recompute else (2 * blocks + 1) * hidden_dim + 4 * blocks
    return rows * numbers_per_row * dtype.itemsize


class _Settings(NamedTuple):
    chunk_rows: int
    recompute: bool
    matmul_dtype: torch.dtype
    eps: tuple[float, ...]  # of each norm
    span: int
    slope: float


class _Folded(NamedTuple):
    """A Linear with the affine map of the LayerNorm before it folded in; weight in the products' type."""

    weight: Tensor
    bias: Tensor
    eps: float


class _Tape(NamedTuple):
    """What the forward pass keeps for the backward pass.

    Rows are stored chunk after chunk, so that a chunk is contiguous memory; `rows` views it layer by layer.

    Shapes:
        activations (rows, layers + 1, d): activated inputs of the layers and of the readout;
        statistics (rows, layers, 2): mean and reciprocal standard deviation of the former
    """

    activations: Tensor
    statistics: Tensor

    @classmethod
    def empty(cls, like: Tensor, rows: int, layers: int) -> _Tape:
        return cls(like.new_empty(rows, layers + 1, like.shape[1]), like.new_empty(rows, layers, 2))

    def rows(self, start: int, stop: int) -> _Tape:
        """View one chunk: activations (layers + 1, rows, d), statistics (layers, 2, rows, 1)."""
        _, readers, width = self.activations.shape
        return _Tape(
            self.activations[start:stop].view(readers, stop - start, width),
            self.statistics[start:stop].view(readers - 1, 2, stop - start, 1),
        )


class _FusedTrunk(torch.autograd.Function):
    """The differentiable operation. Its arguments fix its types, so both passes switch autocast off."""

    @staticmethod
    def forward(ctx, settings: _Settings, h: Tensor, conditioning: Tensor | None, *parameters: Tensor) -> Tensor:
        ctx.settings = settings
        tape = None if settings.recompute else _Tape.empty(h, len(h), len(settings.eps))
        with torch.autocast(h.device.type, enabled=False):
            output = _forward(settings, h, conditioning, parameters, tape)
        saved = (h, conditioning, None, None) if tape is None else (None, None, *tape)
        ctx.save_for_backward(*saved, *parameters)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        h, conditioning, activations, statistics, *parameters = ctx.saved_tensors
        tape = None if activations is None else _Tape(activations, statistics)
        needed = ctx.needs_input_grad[1:]
        with torch.autocast(grad.device.type, enabled=False):
            grads = _backward(ctx.settings, h, conditioning, parameters, tape, grad.contiguous(), needed)
        return None, *(grad if is_needed else None for grad, is_needed in zip(grads, needed, strict=True))


def _check(h: Tensor, conditioning: Tensor | None, parameters: list[Tensor | None], chunk_rows: int) -> None:
    width = parameters[0].shape[1]
    if h.ndim != 2 or h.shape[1] != width:
        raise ValueError(f"h has shape {tuple(h.shape)}: expected (rows, {width})")
    if conditioning is not None and conditioning.shape != (1, width):
        raise ValueError(f"conditioning has shape {tuple(conditioning.shape)}: expected (1, {width})")
    if chunk_rows < 1:
        raise ValueError(f"chunk_rows is {chunk_rows}: expected at least 1")
    others = [tensor for tensor in (conditioning, *parameters) if tensor is not None]
    if any(tensor.dtype != h.dtype for tensor in others):
        types = sorted({str(tensor.dtype) for tensor in others})
        raise TypeError(f"h is {h.dtype}, conditioning and stack are {', '.join(types)}: expected one type")


def _fold(settings: _Settings, parameters: list[Tensor | None]) -> list[_Folded]:
    return [
        _Folded(
            (weight if gain is None else weight * gain).to(settings.matmul_dtype),
            bias if shift is None else bias + (weight * shift).sum(1),
            eps,
        )
        for (gain, shift, weight, bias), eps in zip(_layers(parameters), settings.eps, strict=True)
    ]


def _layers(parameters: list[Tensor | None]) -> list[tuple[Tensor | None, ...]]:
    """Group the flat parameters behind the readout's two: (gain, shift, weight, bias) of each layer."""
    return [tuple(parameters[i : i + 4]) for i in range(2, len(parameters), 4)]


def _chunks(rows: int, chunk_rows: int) -> list[tuple[int, int]]:
    return [(start, min(start + chunk_rows, rows)) for start in range(0, rows, chunk_rows)]


def _forward(
    settings: _Settings, h: Tensor, conditioning: Tensor | None, parameters: list[Tensor | None], tape: _Tape | None
) -> Tensor:
    """Compute the output, and fill the tape if one is given."""
    folded = _fold(settings, parameters)
    largest = min(settings.chunk_rows, len(h))
    scratch = _Tape.empty(h, largest, len(folded)) if tape is None else None
    buffers = h.new_empty(2, largest, h.shape[1])
    output = h.new_empty(len(h))
    for start, stop in _chunks(len(h), settings.chunk_rows):
        chunk = scratch.rows(0, stop - start) if tape is None else tape.rows(start, stop)
        _forward_chunk(settings, folded, h[start:stop], conditioning, chunk, buffers[:, : stop - start])
        torch.mv(chunk.activations[-1], parameters[0][0], out=output[start:stop])
    return output.add_(parameters[1])


def _forward_chunk(
    settings: _Settings, folded: list[_Folded], h: Tensor, conditioning: Tensor | None, tape: _Tape, buffers: Tensor
) -> None:
    """Fill the tape of one chunk; its last activation is the readout's input."""
    stream = h
    total, normal = buffers
    for first in range(0, len(folded), settings.span):
        last = first + settings.span - 1
        _activate(stream, settings.slope, tape.activations[first])
        for i in range(first, last + 1):
            layer = folded[i]
            _normalize(tape.activations[i], tape.statistics[i], layer.eps, normal)
            factor = normal.to(layer.weight.dtype)
            if i < last:
                update = _product(factor, layer.weight.t(), tape.activations[i + 1]).add_(layer.bias)
                _activate(update, settings.slope, update)
            else:
                stream = torch.add(stream, layer.bias, out=total)
                _add_product(factor, layer.weight.t(), stream)
    if conditioning is not None:
        stream = torch.add(stream, conditioning, out=tape.activations[-1])
    _activate(stream, settings.slope, tape.activations[-1])


def _backward(
    settings: _Settings,
    h: Tensor | None,
    conditioning: Tensor | None,
    parameters: list[Tensor | None],
    tape: _Tape | None,
    grad: Tensor,
    needed: tuple[bool, ...],
) -> list[Tensor | None]:
    """Compute the gradients of h, conditioning and the parameters; only those that are ``needed`` are correct."""
    folded = _fold(settings, parameters)
    readout = parameters[0][0]
    rows, width = len(grad), len(readout)
    largest = min(settings.chunk_rows, rows)
    scratch = _Tape.empty(h, largest, len(folded)) if tape is None else None
    buffers = readout.new_empty(2, largest, width)
    grad_h = readout.new_empty(rows, width) if needed[0] else None
    grad_conditioning = readout.new_zeros(1, width)
    grad_readout = readout.new_zeros(width)
    grad_folded = [(readout.new_zeros(width, width), readout.new_zeros(width)) for _ in folded]
    learned = [any(needed[i : i + 4]) for i in range(4, len(needed), 4)]

    for start, stop in _chunks(rows, settings.chunk_rows):
        upper, normal = buffers[:, : stop - start]
        if tape is None:
            chunk = scratch.rows(0, stop - start)
            _forward_chunk(settings, folded, h[start:stop], conditioning, chunk, buffers[:, : stop - start])
        else:
            chunk = tape.rows(start, stop)
        flow = upper if grad_h is None else grad_h[start:stop]
        last = chunk.activations[-1]
        _activation_grad(torch.outer(grad[start:stop], readout, out=flow), last, settings.slope)
        grad_readout.addmv_(last.t(), grad[start:stop])
        if needed[1]:
            grad_conditioning += flow.sum(0)
        for i in reversed(range(0, len(folded), settings.span)):
            update = flow
            for j in reversed(range(i, i + settings.span)):
                totals = grad_folded[j] if learned[j] else None
                update = _layer_backward(folded[j], chunk.activations[j], chunk.statistics[j], update, totals, normal)
                _activation_grad(update, chunk.activations[j], settings.slope)
            flow += update

    grads = [grad_h, grad_conditioning, grad_readout.unsqueeze(0), grad.sum().unsqueeze(0)]
    for layer, totals in zip(_layers(parameters), grad_folded, strict=True):
        grads += _unfold(*layer[:3], *totals)
    return grads


def _unfold(
    gain: Tensor | None, shift: Tensor | None, weight: Tensor, grad_weight: Tensor, grad_bias: Tensor
) -> list[Tensor | None]:
    """Convert the gradients of a folded Linear to those of gain, shift, weight and bias."""
    if gain is None:
        return [None, None, grad_weight, grad_bias]
    return [
        (grad_weight * weight).sum(0),
        (grad_bias.unsqueeze(1) * weight).sum(0),
        grad_weight * gain + grad_bias.unsqueeze(1) * shift,
        grad_bias,
    ]


def _layer_backward(
    layer: _Folded,
    activation: Tensor,
    statistics: Tensor,
    grad: Tensor,
    totals: tuple[Tensor, Tensor] | None,
    buffer: Tensor,
) -> Tensor:
    """Convert the gradient of a folded Linear's output to that of its norm's input; add to the parameters' totals."""
    mean, reciprocal = statistics
    factor = grad.to(layer.weight.dtype)
    if totals is not None:
        grad_weight, grad_bias = totals
        torch.sub(activation, mean, out=buffer).mul_(reciprocal)
        _add_product(factor.t(), buffer.to(layer.weight.dtype), grad_weight)
        grad_bias += grad.sum(0)
    _product(factor, layer.weight, buffer)
    grad_activation, _, _ = torch.ops.aten.native_layer_norm_backward(
        buffer, activation, activation.shape[1:], mean, reciprocal, None, None, [True, False, False]
    )
    return grad_activation


def _normalize(x: Tensor, statistics: Tensor, eps: float, out: Tensor) -> None:
    """Standardise rows, as LayerNorm without its affine map, and record their statistics.

    Written out because these passes take a third of the time of PyTorch's kernel (which keeps running moments).
    """
    mean, reciprocal = statistics
    torch.mean(x, 1, keepdim=True, out=mean)
    torch.sub(x, mean, out=out)
    torch.linalg.vector_norm(out, dim=1, keepdim=True, out=reciprocal)
    reciprocal.square_().div_(x.shape[1]).add_(eps).rsqrt_()
    out.mul_(reciprocal)


def _activate(x: Tensor, slope: float, out: Tensor) -> None:
    """Write ReLU or LeakyReLU of ``x``."""
    if slope == 0:
        torch.clamp_min(x, 0, out=out)
    else:
        torch.ops.aten.leaky_relu.out(x, slope, out=out)


def _activation_grad(grad: Tensor, activation: Tensor, slope: float) -> None:
    """Multiply, in place, a gradient by the slope where the activation is not positive."""
    if slope == 0:
        torch.ops.aten.threshold_backward.grad_input(grad, activation, 0, grad_input=grad)
    else:
        torch.ops.aten.leaky_relu_backward.grad_input(grad, activation, slope, True, grad_input=grad)


def _product(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """Write ``a @ b``, which may be of a narrower type than ``out``."""
    return torch.mm(a, b, out=out) if a.dtype == out.dtype else out.copy_(a @ b)


def _add_product(a: Tensor, b: Tensor, out: Tensor) -> None:
    """Add ``a @ b``, which may be of a narrower type than ``out``."""
    if a.dtype == out.dtype:
        out.addmm_(a, b)
    else:
        out += a @ b
