"""The generator of a run: freshly drawn from the run seed, or with the weights that training wrote."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load as load_safetensors

from uhn.configuration.run import RunConfig
from uhn.descriptors.normalization import union
from uhn.errors import UserError
from uhn.hypernetworks.direct import Direct
from uhn.hypernetworks.generator import Generator
from uhn.hypernetworks.uhn import UHN
from uhn.models.base import TargetModel
from uhn.runs.folder import GENERATOR
from uhn.seeding import seeded
from uhn.training.targets import TargetSet


def build_generator(config: RunConfig, targets: list[TargetSet]) -> Generator:
    """Build the generator with weights and Fourier matrices drawn from the run seed's ``init`` stream.

    Direct training and HA start from parameters of the target model, which this draws anew.

    Args:
        config: the run.
        targets: the target models of each task.

    Raises:
        UserError: a method for one target model has several.
    """
    # Target models draw initial weights when they are first built. They are built outside the seeded blocks, whose
    # streams they would shift.
    if config.method == "uhn" and config.depth is None:
        ranges = [target_set.ranges() for target_set in targets]
        with seeded(config.seed, "init"):
            return UHN(config.hypernetwork, ranges[0] if len(ranges) == 1 else union(ranges), config.generation)
    target = _only_target(config, targets)
    with seeded(config.seed, "init"):
        return _build_chain(config, target) if config.depth is not None else _build_for_one(config, target)


def load_generator(run_dir: Path, config: RunConfig, targets: list[TargetSet]) -> Generator:
    """Load the trained generator of a run whose files :func:`uhn.runs.identity.read_trained` has checked."""
    generator = build_generator(config, targets)
    generator.load_state_dict(load_safetensors((run_dir / GENERATOR).read_bytes()))
    return generator


def _build_chain(config: RunConfig, leaf: TargetModel) -> Generator:
    """Build a recursive chain whose generated UHNs have the root's sizes, as in the paper."""
    from uhn.hypernetworks.chain import RecursiveChain, chain_ranges
    from uhn.models.generated_uhn import GeneratedUHNConfig

    sizes = ("structure_frequencies", "index_frequencies", "hidden_dim", "blocks", "structure_heads")
    inner = GeneratedUHNConfig(**{name: getattr(config.hypernetwork, name) for name in sizes})
    return RecursiveChain(config.hypernetwork, inner, config.depth, chain_ranges(inner, leaf), config.generation)


def _build_for_one(config: RunConfig, target: TargetModel) -> Generator:
    for _, layer in target.layers:
        layer.reset_parameters()
    match config.method:
        case "ha":
            from uhn.hypernetworks.ha import HA

            return HA(target, config.hypernetwork)
        case "chunked":
            from uhn.hypernetworks.chunked import Chunked

            return Chunked(target, config.hypernetwork)
    return Direct(target)


def _only_target(config: RunConfig, targets: list[TargetSet]) -> TargetModel:
    names = [name for target_set in targets for name in target_set.names()]
    if len(names) != 1:
        raise UserError(
            f"{config.key}: method '{config.method}' holds the weights of one target model, this setting has "
            f"{len(names)}; expected method 'uhn'"
        )
    return targets[0].build(names[0])
