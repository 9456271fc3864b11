"""Layers of target models: ordinary modules that also state their components and structure row as data."""
