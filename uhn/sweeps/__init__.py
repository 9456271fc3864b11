"""Hyperparameter searches: grids, ranking and selection. Pure functions over plain data; imports no torch."""
