"""Typed configuration: YAML files -> the runs of a scale. Imports no torch, so that the DAG can read it."""
