"""The universal hypernetwork (paper, Section 3), from an index descriptor to a scalar.

`UHN.reference` is the paper's generation as it is printed. `UHN.forward` computes the same function in less time and
memory: :mod:`uhn.hypernetworks.evaluation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor

from uhn.configuration.generators import PAPER_SCALE, GenerationConfig, UHNConfig
from uhn.descriptors.normalization import Normalizer, Ranges, union
from uhn.errors import UserError, suggest
from uhn.hypernetworks.encodings import exact_features, make_index_encoding, make_structure_encoding
from uhn.hypernetworks.evaluation.engine import Engine
from uhn.hypernetworks.evaluation.fused_trunk import ResidualStack
from uhn.hypernetworks.evaluation.network import Network
from uhn.hypernetworks.evaluation.plan import FirstLayerPlan
from uhn.hypernetworks.generator import Generator
from uhn.hypernetworks.long_axes import warn_of_long_axes
from uhn.hypernetworks.saved import SavedUHN, write_saved
from uhn.models.base import Target, TargetModel


class ResidualBlock(nn.Module):
    r"""Twice ReLU, LayerNorm, Linear, added to the input.

    .. math:: h \mapsto h + A_2\, \mathrm{LN}_2(\mathrm{relu}(A_1\, \mathrm{LN}_1(\mathrm{relu}(h)) + a_1)) + a_2

    Shapes:
        (rows, d) -> (rows, d)
    """

    def __init__(self, hidden_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(hidden_dim)
        self.linear1 = nn.Linear(hidden_dim, hidden_dim)
        self.norm2 = nn.LayerNorm(hidden_dim)
        self.linear2 = nn.Linear(hidden_dim, hidden_dim)

    def forward(self, h: Tensor) -> Tensor:
        update = self.linear1(self.norm1(torch.relu(h)))
        return h + self.linear2(self.norm2(torch.relu(update)))


class Trunk(nn.Module):
    r"""The index branch behind the encoding: one scalar for each row of features (paper, Section 3.3).

    .. math:: h_0 = A_0\, \phi + a_0,\qquad h_b = \mathrm{block}_b(h_{b-1}),\qquad
              w = c^\top \mathrm{relu}(h_B + s) + c_0

    with features :math:`\phi`, B residual blocks and the conditioning vector s, which is left out without a
    task-structure encoder.

    Args:
        features: width of an encoded index descriptor.
        hidden_dim: width d.
        blocks: number B of residual blocks.

    Shapes:
        features (rows, features), conditioning (1, d) or None -> (rows,)
    """

    def __init__(self, features: int, hidden_dim: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Linear(features, hidden_dim)
        self.blocks = nn.ModuleList(ResidualBlock(hidden_dim) for _ in range(blocks))
        self.readout = nn.Linear(hidden_dim, 1)

    def forward(self, features: Tensor, conditioning: Tensor | None) -> Tensor:
        return self.after_first(self.first(features), conditioning)

    def after_first(self, h: Tensor, conditioning: Tensor | None) -> Tensor:
        """Continue from the first layer's output h (rows, d); read out in the trunk's own type, even under autocast."""
        for block in self.blocks:
            h = block(h)
        if conditioning is not None:
            h = h + conditioning
        with torch.autocast(h.device.type, enabled=False):
            return self.readout(torch.relu(h).to(self.readout.weight.dtype)).squeeze(-1)

    def residual_stack(self) -> ResidualStack:
        """Return the tensors that `after_first` computes with."""
        layers = [
            (norm, linear)
            for block in self.blocks
            for norm, linear in ((block.norm1, block.linear1), (block.norm2, block.linear2))
        ]
        return ResidualStack(
            layers=tuple((norm.weight, norm.bias, linear.weight, linear.bias) for norm, linear in layers),
            readout=(self.readout.weight, self.readout.bias),
            eps=tuple(norm.eps for norm, _ in layers),
            span=2,
            slope=0.0,
        )


class StructureEncoder(nn.Module):
    r"""The task-structure encoder (TSE): layer tokens -> one conditioning vector (paper, Section 3.3).

    .. math:: s = M_2\, \mathrm{relu}\bigl(M_1\, \tfrac1L \textstyle\sum_l \mathrm{Enc}(\phi)_l + m_1\bigr) + m_2

    with the encoded tokens :math:`\phi` and a post-norm Transformer encoder layer Enc:
    :math:`x' = \mathrm{LN}(x + \mathrm{SA}(x))`, then :math:`\mathrm{LN}(x' + \mathrm{FF}(x'))`. M_2 and m_2 start at
    zero, so an untrained encoder has no effect.

    Args:
        token_dim: width e of an encoded token; also the feed-forward width.
        heads: attention heads.
        hidden_dim: width d of the index branch.

    Shapes:
        tokens (L, e) -> (1, d)
    """

    def __init__(self, token_dim: int, heads: int, hidden_dim: int) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(
            token_dim, heads, dim_feedforward=token_dim, dropout=0.0, batch_first=True
        )
        self.hidden = nn.Linear(token_dim, hidden_dim)
        self.readout = nn.Linear(hidden_dim, hidden_dim)
        nn.init.zeros_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        summary = self.encoder(tokens.unsqueeze(0)).mean(dim=1)  # (1, e)
        return self.readout(torch.relu(self.hidden(summary)))


class UHN(Generator):
    r"""One network that generates every scalar of any target model whose descriptors its ranges cover.

    .. math:: w_i = \mathrm{trunk}(\phi(z(v_i)), s),\qquad s = \mathrm{TSE}(\phi_s(z_s(t_1)), \ldots, \phi_s(z_s(t_L)))

    for the scalar with index descriptor :math:`v_i` in a model with structure tokens :math:`t_1 \ldots t_L`; z is the
    `Normalizer`, :math:`\phi` the encoding, by default `GaussianFourier`.

    Args:
        config: sizes.
        ranges: bounds of the descriptors of all targets.
        generation: how to evaluate; the function is the same.

    Shapes:
        target with N scalars -> its named tensors, N numbers in all
    """

    uses_rows = True

    def __init__(self, config: UHNConfig, ranges: Ranges, generation: GenerationConfig | None = None) -> None:
        super().__init__()
        self.config = config
        self.ranges = ranges
        self.generation = generation or GenerationConfig()
        self.index_normalizer = Normalizer(ranges.index_min, ranges.index_max)
        self.index_encoding = make_index_encoding(config, ranges)
        self.trunk = Trunk(self.index_encoding.width, config.hidden_dim, config.blocks)
        self.structure_encoder: StructureEncoder | None = None
        structure = None
        if config.structure_encoder:
            self.structure_normalizer = Normalizer(ranges.structure_min, ranges.structure_max)
            self.structure_encoding = make_structure_encoding(config)
            self.structure_encoder = StructureEncoder(
                self.structure_encoding.width, config.structure_heads, config.hidden_dim
            )
            structure = self.structure_normalizer, self.structure_encoding
        index = self.index_normalizer, self.index_encoding
        self.engine = Engine(config, self.generation, ranges, index, structure)
        # Loaded frequencies differ from the drawn ones that the engine may have made plans from.
        self.register_load_state_dict_post_hook(lambda module, _: module.engine.forget_targets())

    @classmethod
    def for_targets(
        cls,
        targets: Target | Iterable[Target],
        *,
        hidden_dim: int = 64,
        index_frequencies: int = 512,
        blocks: int = 2,
        encoding_scale: float | Literal["auto"] = "auto",
        generation: GenerationConfig | None = None,
        **sizes: Any,
    ) -> UHN:
        """Build a generator whose ranges are the union of the targets'; it refuses targets outside them.

        Weights and frequencies are drawn from torch's global random generator. The defaults are smaller than the
        paper's (128, 2048, 2, 100): they train on a CPU.

        Args:
            targets: one, or all of a family; the largest and the smallest are enough.
            hidden_dim: width d.
            index_frequencies: F_v, half the width of an encoded index descriptor.
            blocks: residual blocks.
            encoding_scale: sigma of the frequencies; see `UHNConfig`.
            generation: how to evaluate; the function is the same.
            sizes: anything else of `UHNConfig`, for instance ``structure_encoder=True``.

        Raises:
            UserError: no target, or a size that does not exist.
        """
        targets = [targets] if isinstance(targets, Target) else list(targets)
        for target in targets:
            if not isinstance(target, Target):
                raise UserError(f"targets: expected what uhn.adapt(module) returns, got a {type(target).__name__}")
        if not targets:
            raise UserError("targets: expected at least one, got none")
        known = UHNConfig.__dataclass_fields__.keys()
        if unknown := sizes.keys() - known:
            raise UserError(f"UHN has no size '{min(unknown)}'; {suggest(min(unknown), known)}")
        named = {"hidden_dim": hidden_dim, "index_frequencies": index_frequencies, "blocks": blocks}
        if sizes.get("encoding", "gaussian_fourier") != "gaussian_fourier" and encoding_scale == "auto":
            encoding_scale = PAPER_SCALE
        config = UHNConfig(**named, encoding_scale=encoding_scale, **sizes)
        ranges = union(target.ranges() for target in targets)
        if config.encoding == "gaussian_fourier" and config.encoding_scale != "auto":
            warn_of_long_axes(ranges, config.encoding_scale)
        return cls(config, ranges, generation)

    def save(self, folder: Path | str, targets: Target | Iterable[Target] = ()) -> None:
        """Write the generator to a folder; `uhn.load` reads it.

        Args:
            folder: made if need be.
            targets: targets whose running statistics and frozen parameters are written too, each under its name.

        Raises:
            UserError: two targets of one name, or the folder cannot be written.
        """
        targets = [targets] if isinstance(targets, Target) else list(targets)
        if len({target.name for target in targets}) != len(targets):
            raise UserError("targets: expected distinct names; give them with uhn.adapt(module, name=...)")
        carried = {target.name: target.carried() for target in targets}
        write_saved(Path(folder), SavedUHN(self.config, self.ranges, self.state_dict(), carried))

    @classmethod
    def from_saved(cls, saved: SavedUHN) -> UHN:
        """Build the generator that `save` wrote."""
        generator = cls(saved.config, saved.ranges)
        generator.load_state_dict(saved.state)
        return generator

    def reference(self, target: TargetModel) -> dict[str, Tensor]:
        """Generate the weights of a target model as the paper states it: the oracle of all faster evaluations.

        Keeps N x 2F features and everything behind them in memory. Does not check that the ranges cover the target.
        """
        device = self.trunk.readout.weight.device
        index_rows = torch.as_tensor(target.index_table(), device=device)  # (N, 10)
        structure_tokens = torch.as_tensor(target.structure_tokens(), device=device)  # (L, 29)
        return target.unflatten(self.query(index_rows, structure_tokens))

    def query(self, index_rows: Tensor, structure_tokens: Tensor | None = None) -> Tensor:
        """Generate the scalars of arbitrary descriptor rows.

        Args:
            index_rows: raw index descriptors.
            structure_tokens: raw structure rows of the model; ignored without a task-structure encoder.

        Shapes:
            index_rows (n, 10), structure_tokens (L, 29) -> (n,)
        """
        dtype = self.trunk.readout.weight.dtype
        conditioning = None
        if self.structure_encoder is not None and structure_tokens is not None:
            tokens = exact_features(self.structure_normalizer, self.structure_encoding, structure_tokens, dtype)
            conditioning = self.structure_encoder(tokens)  # (1, d)
        features = exact_features(self.index_normalizer, self.index_encoding, index_rows, dtype)  # (n, 2F)
        return self.trunk(features, conditioning)

    def forward(self, target: TargetModel, rows: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Generate the weights of a target model; see `Generator.forward`.

        Under `torch.func.vmap` over stacked generators it computes `reference`, everything at once, without ``rows``.

        Raises:
            UserError: a descriptor of the target is outside the ranges.
            ValueError: ``rows`` of unknown names, or indices that are not as described.
        """
        if is_batchedtensor(self.trunk.readout.weight):  # the engine writes into tensors of its own
            return self.reference(target)
        return target.unflatten(self.generate_scalars(target, rows))

    def generate_scalars(self, target: TargetModel, rows: Mapping[str, Tensor] | None = None) -> Tensor:
        """Do the same without cutting the scalars into tensors. Shape (N,), in flattening order."""
        return self.engine.scalars(target, self.network(), rows)

    def network(self) -> Network:
        """Return what stands behind the encodings, as the engine asks for it."""
        return Network(
            first_layer=(self.trunk.first.weight, self.trunk.first.bias),
            structure_encoder=self.structure_encoder,
            after_first=self._after_first,
            residual_stack=self.trunk.residual_stack(),
        )

    @cached_property
    def _after_first(self) -> Callable[[Tensor, Tensor | None], Tensor]:
        """The trunk behind its first layer, compiled if so configured."""
        mode = self.generation.compile_trunk
        return self.trunk.after_first if mode == "none" else torch.compile(self.trunk.after_first, mode=mode)

    def plan_of(self, target: TargetModel) -> FirstLayerPlan | None:
        """Return how a target's first layer is evaluated; None where features come from the index table."""
        return self.engine.prepare(target).plan
