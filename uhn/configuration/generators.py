"""Configuration of generators. The defaults are those of config/defaults.yaml, held equal by a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from uhn.errors import UserError

ENCODINGS = ("gaussian_fourier", "positional", "raw", "hash")
PHASE_PRECISIONS = ("float64", "float16")
PAPER_SCALE = 100.0  # sigma of the Fourier encodings (paper, Section 3.2)
COMPILE_MODES = ("none", "default", "reduce-overhead", "max-autotune")


@dataclass(frozen=True)
class UHNConfig:
    """Sizes of a universal hypernetwork.

    Args:
        encoding: of the index descriptors: ``gaussian_fourier``, ``positional``, ``raw`` or, not in the paper,
            ``hash``.
        index_frequencies: F_v of the Fourier encoding, n per field of the positional one.
        encoding_scale: sigma of both Fourier encodings; frequency ratio of the positional one. ``auto`` is the paper's
            sigma 100, but more for index columns so long that their neighbours would coincide. No run of the pipeline
            has it.
        hidden_dim: width d.
        blocks: residual blocks.
        structure_encoder: whether the task-structure encoder is on.
        structure_frequencies: F_s of the structure tokens.
        structure_heads: attention heads of the encoder.
        phase_precision: arithmetic of the Fourier phases: ``float64``, or ``float16`` as in the release.
        layer_scale: sigma of the index field ``layer_idx``, in radians per standard deviation like
            ``encoding_scale``; None uses ``encoding_scale``.
        hash_levels, hash_table_size, hash_features: of the hash encoding: number of levels, largest number of entries
            of a level (a power of two), numbers per entry.

    Raises:
        UserError: an unknown choice, or one that the encoding does not have.
    """

    encoding: str = "gaussian_fourier"
    index_frequencies: int = 2048
    encoding_scale: float | Literal["auto"] = PAPER_SCALE
    hidden_dim: int = 128
    blocks: int = 2
    structure_encoder: bool = False
    structure_frequencies: int = 32
    structure_heads: int = 4
    phase_precision: str = "float64"
    layer_scale: float | None = None
    hash_levels: int = 8
    hash_table_size: int = 2**14
    hash_features: int = 4

    @property
    def scale(self) -> float:
        """Sigma of the columns that have none of their own; frequency ratio of the positional encoding."""
        return PAPER_SCALE if self.encoding_scale == "auto" else self.encoding_scale

    def __post_init__(self) -> None:
        for name, known in (("encoding", ENCODINGS), ("phase_precision", PHASE_PRECISIONS)):
            if getattr(self, name) not in known:
                raise UserError(f"{name}: expected one of {', '.join(known)}, got '{getattr(self, name)}'")
        if self.encoding != "gaussian_fourier" and (self.phase_precision, self.layer_scale) != ("float64", None):
            raise UserError(
                "phase_precision and layer_scale: expected encoding gaussian_fourier with them, "
                f"got {self.encoding}; leave them out"
            )
        scale = self.encoding_scale
        if scale == "auto" and (self.encoding != "gaussian_fourier" or self.layer_scale is not None):
            raise UserError("encoding_scale 'auto': is of encoding gaussian_fourier without layer_scale; give a number")
        if scale != "auto" and not (isinstance(scale, float | int) and scale > 0):
            raise UserError(f"encoding_scale: expected a positive number or 'auto', got {scale!r}")
        if self.hash_table_size < 1 or self.hash_table_size & (self.hash_table_size - 1):
            raise UserError(f"hash_table_size: expected a power of two, got {self.hash_table_size}")


@dataclass(frozen=True)
class GenerationConfig:
    """How generation is evaluated. Every choice computes the same function; the last digits differ.

    Args:
        first_layer: ``auto``, ``reference``, ``dense``, ``separable`` or ``structured``.
        tolerance: largest predicted relative error of a structured evaluation.
        cache_mb: largest feature matrix kept for one target, MiB.
        kept_mb: largest memory for what is cached about all targets together, MiB; None takes a share of the device's
            memory.
        memory_mb: largest activations kept for one backward pass, MiB; larger ones are recomputed in groups.
        bf16_products: round the matrix products of the trunk's blocks to bfloat16 on a CPU. This changes the function:
            gradients are off by several percent.
        compile_trunk: ``none``, or the mode of torch.compile for the trunk where it runs as plain modules: on a GPU,
            and for few rows on a CPU. ``reduce-overhead`` replays CUDA graphs on a GPU. Not measured.

    Raises:
        UserError: an unknown mode.
    """

    first_layer: str = "auto"
    tolerance: float = 1e-5
    cache_mb: int = 512
    kept_mb: int | None = None
    memory_mb: int = 4096
    bf16_products: bool = False
    compile_trunk: str = "none"

    def __post_init__(self) -> None:
        if self.compile_trunk not in COMPILE_MODES:
            raise UserError(f"compile_trunk: expected one of {', '.join(COMPILE_MODES)}, got '{self.compile_trunk}'")


@dataclass(frozen=True)
class HAConfig:
    """Sizes of the HA baseline (paper, Table 2).

    Args:
        block_size: input and output channels of a generated kernel block.
        embedding_dim: width of a block's embedding.
        hidden_dim: width per input channel of the block.
    """

    block_size: int = 16
    embedding_dim: int = 188
    hidden_dim: int = 188


@dataclass(frozen=True)
class ChunkedConfig:
    """Sizes of the Chunked baseline (paper, Table 2).

    Args:
        chunk_size: scalars generated at once.
        embedding_dim: width of a chunk's embedding.
        hidden_dims: hidden widths of the generator.
    """

    chunk_size: int = 6000
    embedding_dim: int = 64
    hidden_dims: tuple[int, ...] = (100, 100)
