"""Target models by name. A family's module is imported when one of its models is built."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from uhn.descriptors.vocabulary import DatasetType
from uhn.errors import UserError, suggest
from uhn.models.base import TargetModel

# A target model's class, which takes a name and a configuration, and the configuration.
Recipe = tuple[Callable[[str, Any], TargetModel], Any]
Adapt = Callable[[Any], Any]

# The formulas whose KAN has a finer grid (paper, Table 11).
FINE_GRID = {DatasetType.JV, DatasetType.YV}
FORMULAS = [dataset for dataset in DatasetType if DatasetType.ELLIPJ <= dataset <= DatasetType.SPH_HARM22]
# Feature width and classes of the citation graphs.
GRAPHS = {DatasetType.CORA: (1433, 7), DatasetType.CITESEER: (3703, 6), DatasetType.PUBMED: (500, 3)}
# Families of sampled models; members are called <family>/<id>.
FAMILY_NAMES = ("cnn_mixed_depth", "cnn_mixed_width", "cnn_mixed_depth_width", "transformer_mixed")


def _mlp() -> Recipe:
    from uhn.models.cnn import MLP, MLPConfig

    return MLP, MLPConfig(DatasetType.MNIST)


def _cnn(dataset: DatasetType, in_channels: int, depth: int) -> Recipe:
    from uhn.models.cnn import CNN, CNNConfig

    return CNN, CNNConfig(dataset, in_channels, stage_layers=(1, depth, depth, depth))


def _gcn(dataset: DatasetType) -> Recipe:
    from uhn.models.gcn import GCN, GCNConfig

    features, classes = GRAPHS[dataset]
    return GCN, GCNConfig(dataset, sizes=(features, 64, classes))


def _gat(dataset: DatasetType) -> Recipe:
    from uhn.models.gat import GAT, GATConfig

    out_heads = 8 if dataset is DatasetType.PUBMED else 1
    return GAT, GATConfig(dataset, *GRAPHS[dataset], out_heads=out_heads)


def _transformer(dataset: DatasetType, classes: int, max_length: int, blocks: tuple[int, ...], **rest: Any) -> Recipe:
    from uhn.models.transformer import Transformer, TransformerConfig

    return Transformer, TransformerConfig(dataset, classes, max_length, blocks, **rest)


def _kan(dataset: DatasetType) -> Recipe:
    from uhn.models.kan import KAN, KANConfig

    out_features = 4 if dataset is DatasetType.ELLIPJ else 1
    grid_size = 10 if dataset in FINE_GRID else 5
    return KAN, KANConfig(dataset, sizes=(2, 5, out_features), grid_size=grid_size)


def _generated_uhn() -> Recipe:
    from uhn.models.generated_uhn import GeneratedUHN, GeneratedUHNConfig

    return GeneratedUHN, GeneratedUHNConfig()


# Name of a model -> what makes it. CNN depths are layers per stage: CNN-N has 3 n + 2 layers.
RECIPES: dict[str, Callable[[], Recipe]] = {
    "mnist_mlp": _mlp,
    "mnist_cnn8": partial(_cnn, dataset=DatasetType.MNIST, in_channels=1, depth=2),
    **{
        f"cifar10_cnn{3 * depth + 2}": partial(_cnn, dataset=DatasetType.CIFAR10, in_channels=3, depth=depth)
        for depth in (6, 10, 14, 18)
    },
    **{f"{dataset.name.lower()}_gcn": partial(_gcn, dataset=dataset) for dataset in GRAPHS},
    **{f"{dataset.name.lower()}_gat": partial(_gat, dataset=dataset) for dataset in GRAPHS},
    "agnews_transformer2l": partial(_transformer, DatasetType.AG_NEWS, 4, 128, (2, 2)),
    "imdb_transformer1l": partial(_transformer, DatasetType.IMDB, 2, 512, (2,), dropout=0.4),
    **{f"kan_{dataset.name.lower()}": partial(_kan, dataset=dataset) for dataset in FORMULAS},
    "generated_uhn": _generated_uhn,
}


def model_names() -> list[str]:
    """Return the names that :func:`build_model` knows, without the members of families."""
    return list(RECIPES)


def build_model(name: str, adapt: Adapt | None = None) -> TargetModel:
    """Build a target model by name, or a member of a family by ``<family>/<id>``.

    Args:
        name: which model.
        adapt: changes its configuration, e.g. to the size of other data; None leaves it as the paper has it.

    Raises:
        UserError: unknown name, unknown family, or an id that the family does not have.
    """
    make, config = _recipe(name)
    return make(name, adapt(config) if adapt else config)


def _recipe(name: str) -> Recipe:
    family, slash, member = name.partition("/")
    if slash:
        return _member_recipe(family, member)
    if name not in RECIPES:
        if name in FAMILY_NAMES:
            raise UserError(f"model family '{name}': expected one of its members, e.g. {name}/0")
        raise UserError(f"unknown model '{name}'; {suggest(name, RECIPES)}")
    return RECIPES[name]()


def _member_recipe(family: str, member: str) -> Recipe:
    if family not in FAMILY_NAMES:
        raise UserError(f"unknown model family '{family}'; {suggest(family, FAMILY_NAMES)}")
    if not (member.isascii() and member.isdigit()):
        raise UserError(f"model family {family}: expected a member id such as {family}/0, got '{member}'")
    from uhn.models.model_sets import FAMILIES

    return FAMILIES[family].construct, FAMILIES[family].config(int(member))
