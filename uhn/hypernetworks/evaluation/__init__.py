"""The encoding and the first linear layer as one linear operator on the layer's weight.

Over the grid of one component the phases are affine in the integer coordinates, so ``features @ W`` is a
non-uniform Fourier transform of the columns of W and need not be computed through an N x 2F feature matrix.
Four evaluations of the same function, chosen per component: see :mod:`.plan`. Method: docs/first_layer.md.
"""

from uhn.hypernetworks.evaluation.operator import FeatureOperator, OperatorStack, apply_operators
from uhn.hypernetworks.evaluation.plan import ROUTES, FirstLayerPlan
from uhn.hypernetworks.evaluation.shared import SharedParts

__all__ = ["ROUTES", "FeatureOperator", "FirstLayerPlan", "OperatorStack", "SharedParts", "apply_operators"]
