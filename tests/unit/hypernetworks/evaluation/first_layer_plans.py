"""Plans for the tests of the first layer."""

from uhn.hypernetworks.evaluation.plan import FirstLayerPlan
from uhn.hypernetworks.evaluation.shared import SharedTables


def make_plan(grids, normalizer, encoding, cache_bytes=512 << 20, **options):
    """A plan that shares its tables with no other."""
    return FirstLayerPlan(grids, SharedTables(normalizer, encoding, **options), cache_bytes)
