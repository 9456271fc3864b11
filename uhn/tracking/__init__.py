"""Finished runs as an index in MLflow: read the files of the runs, write what a tracking store can search.

The files under ``results/`` are the record; the store is made from them, and deleting it and tracking again
gives the same runs with the same times. Nothing that trains imports this package, and it never imports torch.
"""

from uhn.tracking.sweeps import track_sweep
from uhn.tracking.variants import track_runs

__all__ = ["track_runs", "track_sweep"]
