# Configuration, validation, wildcard constraints and the helpers of all rules.
import os
import subprocess
import sys

from snakemake.exceptions import WorkflowError

import uhn
from uhn.errors import UserError
from uhn.configuration.resolve import load_experiment, load_scale, resolve, source_of
from uhn.data.catalogue import DATASETS
from uhn.data.sources import DataSource
from uhn.paths import (
    FIGURE_ENDINGS,
    TABLE_ENDINGS,
    candidate_dir,
    config_dir,
    figure_file,
    ready_file,
    results_name,
    run_dir,
    selection_file,
    sweeps_dir,
    table_file,
    tracked_file,
)
from uhn.configuration.yaml_files import read_yaml
from uhn.runs.folder import CANDIDATE, GENERATOR, KERNEL, METRICS, RESULT, RUN, TRAINING
from uhn.schema import schema_problem
from uhn.reporting.figure_definitions import load_figure, ready_figures
from uhn.reporting.table_definitions import ready_tables, sweep_tables
from uhn.sweeps.apply import resolve_tuned
from uhn.sweeps.candidate import SKIPPED
from uhn.sweeps.files import candidate_files, read_final, read_previous, selection_files
from uhn.sweeps.grids import Slot
from uhn.sweeps.load import Tuning, load_sweep, load_sweeps, load_tunings
from uhn.sweeps.seeds import reported_seeds
from uhn.sweeps.stages import candidate_at
from uhn.tracking.store import URI_VARIABLE, check_database, database_path, shown

# Jobs find the `python` that runs Snakemake even where its environment is not activated, and this folder's library.
os.environ.update(
    PATH=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
)
os.environ.pop("PYTHONSAFEPATH", None)

# `tuned` is empty, or `-swept` where sweeps decide on hyperparameters.
RESULTS = "{scale}{tuned}"
RUN_DIR = str(run_dir(RESULTS, "{setting}", "{variant}", "{seed}"))
# What tracking reads of a run.
TRACKED = {"run": RUN, "metrics": METRICS, "result": RESULT}


def get_data(scale):
    """Return where data sets come from: as configured, or as the scale has it."""
    return source_of(scale) if config["data"] == "auto" else config["data"]


def get_validated_config():
    """Check the configuration as it stands after command-line overrides; return the known settings."""
    for path in workflow.configfiles:
        read_yaml(Path(path), schema=None)  # Snakemake's reader lets pass what ours does not
    if problem := schema_problem(config, "config"):
        raise UserError(f"configuration: {problem}")
    load_scale(config["scale"])
    DataSource.parse(get_data(config["scale"]))
    settings = sorted(path.stem for path in (config_dir() / "experiments").glob("*.yaml"))
    return {setting: load_experiment(setting) for setting in settings}


def get_tracking_uri():
    """Return the store that runs are tracked in; None where tracking is off, or left out with a line that says why."""
    argument = workflow.config_settings.overwrite_config.get("tracking_uri")
    uri = argument or os.environ.get(URI_VARIABLE) or config["tracking_uri"]
    if uri == "none":
        return None
    database = database_path(uri)
    try:
        if database:
            check_database(database)
    except UserError as problem:
        if workflow.is_main_process:
            print(f"tracking is left out, all else is built: {problem}", file=sys.stderr)
        return None
    return uri


try:
    EXPERIMENTS = get_validated_config()
    TABLES = {name: table.runs for name, table in ready_tables().items()}
    FIGURES = {name: load_figure(name) for name in ready_figures()}
    SWEEPS = load_sweeps(config["scale"])
    SWEEP_TABLES = {
        name: [load_sweep(sweep, config["scale"]).name for sweep in table.sweeps]
        for name, table in sweep_tables().items()
    }
    load_tunings(config["scale"])
    TRACKING_URI = get_tracking_uri()
except UserError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    tuned="(-swept)?",
    scale="|".join(sorted(path.stem for path in (config_dir() / "scales").glob("*.yaml"))),
    setting="|".join(EXPERIMENTS),
    variant="|".join(sorted({v for e in EXPERIMENTS.values() for v in e["variants"]})),
    seed=r"0|[1-9]\d{0,9}",  # larger ones than a run can have are refused by the configuration
    table="|".join([*TABLES, *SWEEP_TABLES]) or "none",
    figure="|".join(FIGURES) or "none",
    sweep="|".join(SWEEPS),
    stage="[1-4]",
    place=r"i\d+_j\d+|r\d+",


# Jobs read the URI from the environment: it may hold a password, and commands are shown and stored.
if TRACKING_URI:
    os.environ[URI_VARIABLE] = TRACKING_URI


# What runs and tables are named after: the hyperparameters that the configuration asks for.
TUNED = results_name("", config["hyperparameters"])


def get_hyperparameters(wildcards):
    """Return whose hyperparameters the runs of a file have: published or swept."""
    return wildcards.tuned.removeprefix("-") or "published"


def get_tuning(wildcards):
    """Return how a sweep decides on a run; None with published hyperparameters, and where no sweep does."""
    pair = wildcards.setting, wildcards.variant
    return load_tunings(wildcards.scale).get(pair) if wildcards.tuned else None


def get_run_config(wildcards):
    """Return the resolved hyperparameters of a run; a change of them reruns it."""
    experiment = EXPERIMENTS[wildcards.setting]
    source = DataSource.parse(get_data(wildcards.scale)).kind
    run = experiment, wildcards.variant, int(wildcards.seed), wildcards.scale, source
    tuning = get_tuning(wildcards)
    if tuning is None:
        return resolve(*run).to_dict()
    try:
        (path,) = get_run_selection(wildcards)
        winner = read_final(path, tuning.sweep, wildcards.scale).winner
    except UserError:
        return "decided by a sweep"
    return resolve_tuned(*run, tuning, winner).to_dict()


def get_run_selection(wildcards):
    """Return the decision whose winner a run takes over, if it does."""
    tuning = get_tuning(wildcards)
    return [selection_files(sweeps_dir(wildcards.scale), tuning.sweep)[-1]] if tuning else []


def get_selection_option(wildcards, input):
    """Return the option of `uhn train` that names the decision."""
    return f"--selected {input.selected}" if input.selected else ""


def get_setting_data(setting, scale):
    """Return the markers of the data sets that a setting reads; formulas are computed."""
    experiment = EXPERIMENTS[setting]
    tasks = experiment.get("tasks", [experiment])
    source = DataSource.parse(get_data(scale)).kind
    names = dict.fromkeys(task["dataset"] for task in tasks if task["dataset"] in DATASETS)
    return ancient([ready_file(source, name) for name in names])


def get_run_data(wildcards):
    """Return the markers of the data sets that a run reads."""
    return get_setting_data(wildcards.setting, wildcards.scale)


def get_run_source(wildcards):
    """Return where the data sets of a run come from."""
    return get_data(wildcards.scale)


def get_seeds(setting, scale):
    """Return the seeds of the runs that tables report."""
    return reported_seeds(EXPERIMENTS[setting], scale, config["report_seeds"])


def get_run_files(scale, tuned, pairs, name):
    """Return one file of every run of the given (setting, variant) pairs, all seeds of the scale."""
    return [
        run_dir(scale + tuned, setting, variant, seed) / name
        for setting, variant in pairs
        for seed in get_seeds(setting, scale)
    ]


def get_targets(scale, *tables):
    """Return what the given tables stand for: runs, tables, tracking; without names all of them, and all figures.

    Results are named although tables imply them: Snakemake does not make a missing file again if nothing that
    is asked for is older.
    """
    pairs = dict.fromkeys(pair for table in tables or TABLES for pair in TABLES[table])
    return [
        *get_run_files(scale, TUNED, pairs, RESULT),
        *get_table_files(scale, *tables),
        *get_tracking_files(scale, *tables),
        *([] if tables else get_figure_files(scale)),
    ]


def get_table_files(scale, *tables):
    """Return the files of the given tables, of all tables if none is given."""
    return [
        table_file(scale + TUNED, table, ending)
        for table in tables or TABLES
        for ending in TABLE_ENDINGS
    ]


def get_tracking_files(scale, *tables):
    """Return the markers of the tracked runs of the given tables; nothing where tracking is off."""
    if TRACKING_URI is None:
        return []
    return [tracked_file(scale + TUNED, table) for table in tables or TABLES]


def get_table_results(wildcards):
    """Return the files a table is made from: results of runs, or the last decisions of sweeps."""
    if wildcards.table in SWEEP_TABLES:
        sweeps = [load_sweep(name, wildcards.scale) for name in SWEEP_TABLES[wildcards.table]]
        return [selection_files(sweeps_dir(wildcards.scale), sweep)[-1] for sweep in sweeps]
    pairs = TABLES[wildcards.table]
    return get_run_files(wildcards.scale, wildcards.tuned, pairs, RESULT)


def get_table_definitions(wildcards):
    """Return the files that say what a table shows."""
    of_kind = (
        ["config/sweeps.yaml"] if wildcards.table in SWEEP_TABLES else ["config/verdicts.yaml"]
    )
    return [f"config/tables/{wildcards.table}.yaml", "config/paper.csv", *of_kind]


def get_figure_files(scale, *names):
    """Return the files of the given figures, of all figures if none is given."""
    return [
        figure_file(scale + TUNED, name, ending)
        for name in names or FIGURES
        for ending in FIGURE_ENDINGS
    ]


def get_figure_definitions(wildcards):
    """Return the files that say what a figure shows."""
    table = FIGURES[wildcards.figure].table
    of_table = [f"config/tables/table_{table:02d}.yaml", "config/paper.csv"] if table else []
    return [f"config/figures/{wildcards.figure}.yaml", *of_table]


def get_figure_results(wildcards):
    """Return the files of the runs a figure is made from."""
    figure = FIGURES[wildcards.figure]
    return [
        path
        for name in figure.files
        for path in get_run_files(wildcards.scale, wildcards.tuned, figure.runs, name)
    ]


def get_table_runs(wildcards):
    """Return the files of all runs of a table that tracking reads."""
    pairs = TABLES[wildcards.table]
    return {
        name: get_run_files(wildcards.scale, wildcards.tuned, pairs, file)
        for name, file in TRACKED.items()
    }


def get_shown_store(wildcards):
    """Return the store without credentials; a change of it tracks again."""
    return shown(TRACKING_URI or config["tracking_uri"])


def report_untracked():
    """Say once why runs could not be tracked, and forget the markers that say so: the next call tries again."""
    found = [
        *Path("results").glob("*/tracked/*.done"),
        *Path("results").glob("*/sweeps/*/tracked.done"),
    ]
    notes = {marker: marker.read_text(encoding="utf-8") for marker in found}
    for why in dict.fromkeys(note.strip() for note in notes.values() if note):
        print(f"tracking is left out, all else is built: {why}", file=sys.stderr)
    for marker, note in notes.items():
        if note:
            marker.unlink()


def require_gpu():
    """Stop before the first job if jobs need a GPU and there is none; a cluster's jobs run elsewhere.

    A process of its own asks torch, as a job would.
    """
    if not workflow.local_exec or not workflow.is_main_process:
        return
    if not any(job.resources.get("gpu") for job in workflow.dag.needrun_jobs()):
        return
    ask = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    if subprocess.run([sys.executable, "-c", ask]).returncode != 0:
        raise WorkflowError(
            "device 'cuda': this machine or this build of torch has no usable CUDA device; "
            "use DEVICE=cpu (make) or device=cpu (--config)"
        )


def get_run_dirs(wildcards, input):
    """Return the folders that hold the given run.json files."""
    files = [input.run] if isinstance(input.run, str) else input.run
    return [str(Path(path).parent) for path in files]
