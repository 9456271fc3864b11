"""Configuration: YAML files in, the resolved configuration of a run out. Torch-free, imported by everyone."""
