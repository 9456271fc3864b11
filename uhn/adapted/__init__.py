"""Modules of the user's as target models: what is generated of any `nn.Module`, and how it is run with it."""
