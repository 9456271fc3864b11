"""The evaluations that are compared on a GPU, all under the autocast of training jobs."""

from __future__ import annotations

from dataclasses import dataclass

from uhn.configuration.generators import GenerationConfig


@dataclass(frozen=True)
class GpuVariant:
    """One evaluation.

    Args:
        evaluation: its name in `uhn.benchmarks.variants`.
        generation: how the generator is configured.
        description: for readers of the tables.
    """

    evaluation: str
    generation: GenerationConfig
    description: str


VARIANTS = {
    "released": GpuVariant(
        "released",
        GenerationConfig(first_layer="reference"),
        "the release's arithmetic: phases in half precision and an N x 2F feature matrix in every step, plain modules",
    ),
    "auto": GpuVariant(
        "auto",
        GenerationConfig(),
        "what a training job runs: bfloat16 features kept while they fit `cache_mb`, rotated weights else",
    ),
    "kept": GpuVariant("auto", GenerationConfig(cache_mb=1 << 20), "as auto, all features kept whatever their size"),
    "rotated": GpuVariant("auto", GenerationConfig(cache_mb=0), "as auto, rotated weights wherever there are two axes"),
    "compiled": GpuVariant(
        "auto", GenerationConfig(compile_trunk="default"), "as auto, the trunk through torch.compile"
    ),
    "graphs": GpuVariant(
        "auto", GenerationConfig(compile_trunk="reduce-overhead"), "as compiled, replayed as CUDA graphs"
    ),
}
