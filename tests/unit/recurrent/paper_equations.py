"""The cells' equations in numpy, gate by gate as the paper prints them (Ha, Dai, Le 2016, eqs. 7 to 13 and A.2).

Weights come under the paper's names: ``W_h["i"]`` and so on. Vectors are rows of a batch.
"""

import numpy as np

# The position of each gate in the library's tensors, stated here once more.
POSITION = {"i": 0, "f": 1, "o": 2, "g": 3}
FORGET_BIAS = 1.0
EPSILON = 1e-3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normalise(x, gain, shift):
    """LN over the units of one gate."""
    mean = x.mean(axis=1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=1, keepdims=True)
    return gain * (x - mean) / np.sqrt(variance + EPSILON) + shift


def by_gate(array):
    return {gate: array[position] for gate, position in POSITION.items()}


def cell_update(p, prefix, a, c, mask):
    """From a^y to h and c."""
    y = dict(a)
    if f"{prefix}gain" in p:
        gain, shift = by_gate(p[f"{prefix}gain"]), by_gate(p[f"{prefix}shift"])
        y = {gate: normalise(a[gate], gain[gate], shift[gate]) for gate in a}
    candidate = np.tanh(y["g"]) * mask
    c = sigmoid(y["f"] + FORGET_BIAS) * c + sigmoid(y["i"]) * candidate
    shown = normalise(c, p[f"{prefix}cell_gain"], p[f"{prefix}cell_shift"]) if f"{prefix}cell_gain" in p else c
    return sigmoid(y["o"]) * np.tanh(shown), c


def lstm_step(p, x, state, masks):
    """Eq. 7; with ``scale_h`` the static control."""
    h, c = state
    W_h, W_x = by_gate(p["weight_h"]), by_gate(p["weight_x"])
    a = {}
    for gate in POSITION:
        from_h, from_x = h @ W_h[gate].T, x @ W_x[gate].T
        if "scale_h" in p:
            from_h = by_gate(p["scale_h"])[gate] * from_h
            from_x = by_gate(p["scale_x"])[gate] * from_x
        a[gate] = from_h + from_x + (by_gate(p["bias"])[gate] if "bias" in p else 0)
    return cell_update(p, "gates.", a, c, masks[0])


def hyperlstm_step(p, x, state, masks):
    """Eqs. 10 to 13, with z from the present h^ in eq. 11."""
    h, c, hyper_h, hyper_c = state
    x_hat = np.concatenate([h, x], axis=1)
    W_hat_h, W_hat_x = by_gate(p["hyper.weight_h"]), by_gate(p["hyper.weight_x"])
    b_hat = by_gate(p["hyper.bias"])
    a_hat = {y: hyper_h @ W_hat_h[y].T + x_hat @ W_hat_x[y].T + b_hat[y] for y in POSITION}
    hyper_h, hyper_c = cell_update(p, "hyper.gates.", a_hat, hyper_c, masks[1])

    W_hh, W_hx, W_hb = (by_gate(role) for role in p["embedding_weight"])
    b_hh, b_hx = (by_gate(role) for role in p["embedding_bias"])
    W_hz, W_xz, W_bz = (by_gate(role) for role in p["projection_weight"])
    W_h, W_x, b_0 = by_gate(p["weight_h"]), by_gate(p["weight_x"]), by_gate(p["bias"])
    a = {}
    for y in POSITION:
        z_h = hyper_h @ W_hh[y].T + b_hh[y]
        z_x = hyper_h @ W_hx[y].T + b_hx[y]
        z_b = hyper_h @ W_hb[y].T
        d_h, d_x = z_h @ W_hz[y].T, z_x @ W_xz[y].T
        b = z_b @ W_bz[y].T + b_0[y]
        a[y] = d_h * (h @ W_h[y].T) + d_x * (x @ W_x[y].T) + b
    h, c = cell_update(p, "gates.", a, c, masks[0])
    return h, c, hyper_h, hyper_c


def run(step, p, inputs, state, masks):
    """All steps. Shapes: inputs (steps, batch, size), masks: (steps, batch, units) each -> h of every step, state."""
    hidden = []
    for t, x in enumerate(inputs):
        state = step(p, x, state, [mask[t] for mask in masks])
        hidden.append(state[0])
    return np.stack(hidden), state
