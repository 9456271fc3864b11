"""From result files to figures: one module per kind of figure, each with ``draw``."""
