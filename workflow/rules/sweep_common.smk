# Paths, inputs and parameters of the rules of sweeps.
SWEEP_DIR = sweeps_dir("{scale}") / "{sweep}"
CANDIDATE_DIR = candidate_dir(sweeps_dir("{scale}"), "{sweep}", "stage{stage}/{place}", "{seed}")


def get_sweep(wildcards):
    """Return the sweep of a file."""
    return load_sweeps(wildcards.scale)[wildcards.sweep]


def get_previous_selection(wildcards):
    """Return the decision of the stage before; none of the first stage."""
    stage = get_sweep(wildcards).previous_stage(int(wildcards.stage))
    return [selection_file(sweeps_dir(wildcards.scale), wildcards.sweep, stage)] if stage else []


def get_candidate_data(wildcards):
    """Return the markers of the data sets that a candidate reads."""
    return get_setting_data(get_sweep(wildcards).setting, wildcards.scale)


def get_candidate_config(wildcards):
    """Return the resolved hyperparameters of a candidate as far as they are decided; a change of them reruns it."""
    sweep, slot = get_sweep(wildcards), Slot.parse(f"stage{wildcards.stage}/{wildcards.place}")
    try:
        previous = read_previous(sweeps_dir(wildcards.scale), sweep, wildcards.scale, slot.stage)
    except UserError:
        return "decided by the stage before"
    candidate = candidate_at(sweep, slot, previous)
    if candidate.status == SKIPPED:
        return candidate.reason
    source = DataSource.parse(get_data(wildcards.scale)).kind
    run = EXPERIMENTS[sweep.setting], sweep.variant, int(wildcards.seed), wildcards.scale, source
    return resolve_tuned(*run, Tuning(sweep), candidate.hyperparameters, "tuning").to_dict()


def get_stage_candidates(wildcards):
    """Return the files of all candidates of a stage."""
    stage = int(wildcards.stage)
    return candidate_files(sweeps_dir(wildcards.scale), get_sweep(wildcards), stage)


def get_stage_config(wildcards):
    """Return what a decision depends on beside its candidates; a change of it decides again."""
    sweep = get_sweep(wildcards)
    return {
        "metrics": [[metric.name, metric.guardrail] for metric in sweep.metrics],
        "stages": list(sweep.stages),
    }


def get_sweep_selections(wildcards):
    """Return the decisions of all stages of a sweep."""
    return selection_files(sweeps_dir(wildcards.scale), get_sweep(wildcards))


def get_sweep_candidates(wildcards):
    """Return the candidates of all stages of a sweep."""
    sweep = get_sweep(wildcards)
    folder = sweeps_dir(wildcards.scale)
    return [path for stage in sweep.stages for path in candidate_files(folder, sweep, stage)]


def get_sweep_runs(wildcards):
    """Return the files of the final runs of a sweep that tracking reads."""
    sweep = get_sweep(wildcards)
    pairs = [(sweep.setting, sweep.variant)]
    return {
        name: get_run_files(wildcards.scale, "-swept", pairs, file)
        for name, file in TRACKED.items()
    }


def get_sweep_targets(scale, *names):
    """Return what the given sweeps stand for: candidates, decisions, reports, final runs, tracking."""
    folder = sweeps_dir(scale)
    sweeps = [load_sweeps(scale)[name] for name in names or SWEEPS]
    pairs = [(sweep.setting, sweep.variant) for sweep in sweeps]
    return [
        *(path for s in sweeps for stage in s.stages for path in candidate_files(folder, s, stage)),
        *(path for sweep in sweeps for path in selection_files(folder, sweep)),
        *(
            folder / sweep.name / name
            for sweep in sweeps
            for name in ("stages.png", "selection.md")
        ),
        *get_run_files(scale, "-swept", pairs, RESULT),
        *(folder / sweep.name / "tracked.done" for sweep in sweeps if TRACKING_URI),
    ]


def get_sweep_table_files(scale, *tables):
    """Return the files of the given tables of sweeps, of all if none is given."""
    return [
        table_file(scale, table, ending)
        for table in tables or SWEEP_TABLES
        for ending in TABLE_ENDINGS
    ]
