"""Universal Hypernetworks: one fixed network that generates the weights of arbitrary target models."""

__version__ = "0.1.0"

# Part of every run's identity. Raise it when a change of the code changes the numbers a run produces;
# tests/reference/test_golden_traces.py fails when they change and this does not.
CODE_VERSION = 1
