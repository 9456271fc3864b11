"""Where things live. The path grammar of results is decided here and nowhere else."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parent
TABLE_ENDINGS = ("csv", "md", "tex")
FIGURE_ENDINGS = ("csv", "pdf", "png", "json")


def config_dir() -> Path:
    """Return ``config/`` of the working directory if it is one of this project, else the one beside the package."""
    local = Path("config")
    ours = (local / "defaults.yaml").is_file() and (local / "experiments").is_dir()
    return local if ours else REPOSITORY / "config"


def run_key(setting: str, variant: str, seed: int | str) -> str:
    """Return a run's name, also its path below ``results/<scale>/runs``."""
    return f"{setting}/{variant}/seed{seed}"


def results_name(scale: str, hyperparameters: str = "published") -> str:
    """Return the folder below ``results`` of runs, tables and figures: ``<scale>``, or ``<scale>-swept``."""
    return scale if hyperparameters == "published" else f"{scale}-{hyperparameters}"


def run_dir(results: str, setting: str, variant: str, seed: int | str) -> Path:
    """Return the folder of a run's files, relative to the working directory; see :func:`results_name`."""
    return Path("results") / results / "runs" / run_key(setting, variant, seed)


def table_file(results: str, table: str, ending: str) -> Path:
    """Return a file of a table, relative to the working directory; see :data:`TABLE_ENDINGS`."""
    return Path("results") / results / "tables" / f"{table}.{ending}"


def figure_file(results: str, figure: str, ending: str) -> Path:
    """Return a file of a figure, relative to the working directory; see :data:`FIGURE_ENDINGS`."""
    return Path("results") / results / "figures" / f"{figure}.{ending}"


def tracked_file(results: str, table: str) -> Path:
    """Return the marker that says that the runs of a table are in the MLflow store."""
    return Path("results") / results / "tracked" / f"{table}.done"


def ready_file(source: str, dataset: str) -> Path:
    """Return the marker that says that a data set of a kind of source is ready."""
    return Path("resources") / "ready" / source / f"{dataset}.done"


def sweeps_dir(scale: str) -> Path:
    """Return the folder of all sweeps of a scale, relative to the working directory."""
    return Path("results") / scale / "sweeps"


def candidate_dir(sweeps: Path, sweep: str, slot: str, seed: int | str) -> Path:
    """Return the folder of a candidate's files; ``slot`` is ``stage<k>/<place>``."""
    return sweeps / sweep / slot / f"seed{seed}"


def selection_file(sweeps: Path, sweep: str, stage: int | str) -> Path:
    """Return the file that says what a stage decided."""
    return sweeps / sweep / f"stage{stage}" / "selected.json"
