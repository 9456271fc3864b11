"""Categorical ids of the descriptors. Their integer values are part of the method: they enter the encodings.

Source: paper, Tables 6 to 8; the integers are those of the authors' release.
"""

from enum import IntEnum


class LayerType(IntEnum):
    """Types of layers. The paper's are 0 to 6; those of users' own modules follow, so that no setting changes."""

    LINEAR = 0
    CONV2D = 1
    GCN = 2
    GAT = 3
    EMBEDDING = 4
    ATTENTION = 5
    KAN = 6
    GENERIC = 7
    CONV1D = 8
    CONV3D = 9
    CONV_TRANSPOSE = 10
    RNN = 11
    LSTM = 12
    GRU = 13
    NORM = 14
    BILINEAR = 15


class ModelType(IntEnum):
    """Family of the target. MLP = 0 is never emitted: the MLP counts as a CNN without stages."""

    CNN = 1
    GCN = 2
    GAT = 3
    TRANSFORMER = 4
    KAN = 5
    RECURSIVE = 6
    OWN = 7  # a module of the user's, see uhn.adapted


class TaskType(IntEnum):
    IMAGE_CLASSIFICATION = 0
    NODE_CLASSIFICATION = 1
    TEXT_CLASSIFICATION = 2
    FORMULA_REGRESSION = 3
    RECURSIVE = 4
    OWN = 5


class DatasetType(IntEnum):
    """Data set ids; they also enter the seeds of splits and loaders."""

    MNIST = 0
    CIFAR10 = 1
    CITESEER = 2
    CORA = 3
    PUBMED = 4
    AG_NEWS = 5
    IMDB = 6
    ELLIPJ = 7
    ELLIPKINC = 8
    ELLIPEINC = 9
    JV = 10
    YV = 11
    KV = 12
    IV = 13
    LPMV0 = 14
    LPMV1 = 15
    LPMV2 = 16
    SPH_HARM01 = 17
    SPH_HARM11 = 18
    SPH_HARM02 = 19
    SPH_HARM12 = 20
    SPH_HARM22 = 21
    RECURSIVE_IMAGE = 22


class ActivationType(IntEnum):
    NONE = 0
    LEAKY_RELU = 1
    ELU = 2
    SILU = 3


class InitializationType(IntEnum):
    DEFAULT = 0
    ZERO = 1


class InputPooling(IntEnum):
    """What a linear layer does to its input first."""

    NONE = 0
    GLOBAL_AVERAGE = 1
    GLOBAL_MAX = 2
    FLATTEN = 3
    SEQUENCE_MEAN = 4
    FIRST_TOKEN = 5


class StagePooling(IntEnum):
    """How a convolution halves its resolution."""

    NONE = 0
    AVERAGE = 1
    MAX = 2
    STRIDED = 3


class HeadConcat(IntEnum):
    """How a graph attention layer joins its heads."""

    CONCATENATE = 0
    AVERAGE = 1
