"""Configuration of recurrent models (torch-free: the DAG and the reports read it too)."""

from __future__ import annotations

from dataclasses import dataclass

from uhn.errors import UserError

CELLS = ("lstm", "scaled_lstm", "hyperlstm")
INPUT_INITS = ("orthogonal", "glorot")


@dataclass(frozen=True)
class RecurrentConfig:
    """A stack of recurrent cells and how its weights start.

    The paper is Ha, Dai, Le (2016); its author's public code is the TensorFlow cells ``supercell`` and ``sketch-rnn``.
    Defaults are Penn Treebank's row "HyperLSTM 1000" (Table 3) without dropout.

    Args:
        cell: ``lstm``, ``hyperlstm``, or ``scaled_lstm``: the control that the paper lacks, an LSTM whose rows are
            scaled by learned constants.
        units: N_h, the size of h.
        layers: cells on top of each other.
        layer_norm: layer normalisation of gates and cell (A.2.3).
        gate_bias: the bias before an LSTM's layer normalisation. The paper's LN LSTM rows are counted without, as
            ``sketch-rnn`` has it; HyperLSTM always has its b_0.
        forget_bias: constant added to the forget gate behind the layer normalisation, in both cells. Not in the
            paper; 1 in both of the author's codes.
        norm_epsilon: added to the variance. Not in the paper; 1e-3 in the author's code. It matters: behind scales of
            0.1 the variance is about 1e-5 at first.
        input_init: how W_x starts: ``orthogonal`` (A.2.3) or ``glorot``, uniform, as ``supercell`` has it by default.
        recurrent_keep: share of the candidate values that recurrent dropout keeps. 0.9 in most rows of Tables 3 and 4.
        hyper_recurrent_keep: the same in the hyper cell. 1 but for enwik8's largest model (A.3.4).
        input_keep: share of the input's entries kept, in front of each cell. 0.9 on Penn Treebank (A.3.3).
        output_keep: share of the last cell's output kept. As ``input_keep``.
        hyper_units: N_h^, the size of the hyper cell.
        embedding_dim: N_z, the size of each of a gate's three embeddings.
        hyper_layer_norm: layer normalisation of the hyper cell; None for that of ``layer_norm``, as in the author's
            code. Eq. 10 always has it.
        scale_init: what every scale d is at first (0.1, A.2.3), in the static control too.
        z_bias_init: bias of z_h and z_x at first (1, A.2.3).
        z_init_std: standard deviation of the weights of z_h and z_x at first. 0 in the paper (A.2.3), which gives all
            N_z entries equal gradients for ever; 0.01 breaks the symmetry.
        z_b_init_std: standard deviation of the weights of z_b at first (0.01, A.2.3).

    Raises:
        UserError: an unknown choice or a number out of range.
    """

    cell: str = "hyperlstm"
    units: int = 1000
    layers: int = 1
    layer_norm: bool = False
    gate_bias: bool = True
    forget_bias: float = 1.0
    norm_epsilon: float = 1e-3
    input_init: str = "orthogonal"
    recurrent_keep: float = 1.0
    hyper_recurrent_keep: float = 1.0
    input_keep: float = 1.0
    output_keep: float = 1.0
    hyper_units: int = 128
    embedding_dim: int = 4
    hyper_layer_norm: bool | None = None
    scale_init: float = 0.1
    z_bias_init: float = 1.0
    z_init_std: float = 0.0
    z_b_init_std: float = 0.01

    def __post_init__(self) -> None:
        for name, known in (("cell", CELLS), ("input_init", INPUT_INITS)):
            if getattr(self, name) not in known:
                raise UserError(f"{name}: expected one of {', '.join(known)}, got '{getattr(self, name)}'")
        for name in ("units", "layers", "hyper_units", "embedding_dim"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}: expected at least 1, got {getattr(self, name)}")
        for name in ("recurrent_keep", "hyper_recurrent_keep", "input_keep", "output_keep"):
            if not 0 < getattr(self, name) <= 1:
                raise UserError(f"{name}: expected a share above 0 and at most 1, got {getattr(self, name)}")
        for name in ("norm_epsilon", "z_init_std", "z_b_init_std"):
            if getattr(self, name) < 0:
                raise UserError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if self.cell == "hyperlstm" and not self.gate_bias:
            raise UserError("gate_bias: expected true with cell hyperlstm, whose bias b_0 is in eq. 12; leave it out")

    @property
    def normalises_hyper_cell(self) -> bool:
        """Whether the hyper cell has layer normalisation."""
        return self.layer_norm if self.hyper_layer_norm is None else self.hyper_layer_norm
