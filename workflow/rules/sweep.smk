# Hyperparameter searches on validation data: one job per candidate and seed, one per decision. File names are grid
# positions, so every job is known before anything has run; what stands in a place is decided by the stage before.

SWEEP_DIR = str(sweeps_dir("{scale}") / "{sweep}")
CANDIDATE_DIR = SWEEP_DIR + "/stage{stage}/{place}/seed{seed}"


def get_sweep(wildcards):
    """Return the sweep of a file."""
    return load_sweeps(wildcards.scale)[wildcards.sweep]


def get_previous_selection(wildcards):
    """Return the decision of the stage before; none of the first stage."""
    stage = get_sweep(wildcards).previous_stage(int(wildcards.stage))
    return (
        [str(selection_file(sweeps_dir(wildcards.scale), wildcards.sweep, stage))] if stage else []
    )


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
    planned = plan(sweep, slot, previous)
    if isinstance(planned, Skip):
        return planned.reason
    source = DataSource.parse(get_data(wildcards.scale)).kind
    run = EXPERIMENTS[sweep.setting], sweep.variant, int(wildcards.seed), wildcards.scale, source
    return resolve_tuned(*run, Tuning(sweep), planned, "tuning").to_dict()


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
        name: get_run_files(wildcards.scale, "-swept", pairs, f"{name}.{suffix}")
        for name, suffix in (("run", "json"), ("metrics", "jsonl"), ("result", "json"))
    }


def get_table_sweeps(wildcards):
    """Return the last decisions of the sweeps that a table waits for."""
    sweeps = sweeps_of_table(int(wildcards.sweep_table), load_sweeps(wildcards.scale))
    return [selection_files(sweeps_dir(wildcards.scale), sweep)[-1] for sweep in sweeps]


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
        *get_run_files(scale, "-swept", pairs, "result.json"),
        *(
            folder / sweep.name / "tracked.done"
            for sweep in sweeps
            if config["tracking_uri"] != "none"
        ),
    ]


def get_sweep_table_files(scale, *numbers):
    """Return the files of the given tables of sweeps, of all if none is given."""
    return [
        f"results/{scale}/tables/table_{number}.{suffix}"
        for number in numbers or SWEEP_TABLES
        for suffix in ("csv", "md", "tex")
    ]


# Beside its declared file the job leaves run.json, metrics.jsonl and result.json: when the stage before is decided
# again, a candidate that keeps its hyperparameters is confirmed from them and not trained again.
rule run_candidate:
    input:
        data=get_candidate_data,
        previous=get_previous_selection,
    output:
        candidate=f"{CANDIDATE_DIR}/candidate.json",
    log:
        "logs/{scale}/run_candidate/{sweep}/stage{stage}/{place}/seed{seed}.log",
    benchmark:
        "logs/{scale}/run_candidate/{sweep}/stage{stage}/{place}/seed{seed}.benchmark.jsonl"
    conda:
        "../../environment.yml"
    threads: config["threads_per_run"]
    resources:
        gpu=1 if config["device"] == "cuda" else 0,
    params:
        config=get_candidate_config,
        code_version=uhn.CODE_VERSION,
        device=config["device"],
        data=get_run_source,
    shell:
        "python -m uhn sweep run --sweep {wildcards.sweep} --slot stage{wildcards.stage}/{wildcards.place}"
        " --seed {wildcards.seed} --scale {wildcards.scale} --device {params.device}"
        " --data {params.data:q} --threads {threads} --resume > {log} 2>&1"


rule select_stage:
    input:
        candidates=get_stage_candidates,
        previous=get_previous_selection,
    output:
        selected=f"{SWEEP_DIR}/stage{{stage}}/selected.json",
    log:
        "logs/{scale}/select_stage/{sweep}/stage{stage}.log",
    conda:
        "../../environment.yml"
    params:
        config=get_stage_config,
    shell:
        "python -m uhn sweep select --sweep {wildcards.sweep} --stage {wildcards.stage}"
        " --scale {wildcards.scale} > {log} 2>&1"


# Figure and table of one sweep.
rule report_sweep:
    input:
        selections=get_sweep_selections,
        scale="config/scales/{scale}.yaml",
        code=sorted(str(path) for path in Path("uhn/reporting").glob("*.py")),
    output:
        csv=f"{SWEEP_DIR}/stages.csv",
        pdf=f"{SWEEP_DIR}/stages.pdf",
        png=report(
            f"{SWEEP_DIR}/stages.png",
            caption="../report/sweep.rst",
            category="Sweeps",
            labels={"sweep": "{sweep}", "scale": "{scale}"},
        ),
        table=multiext(f"{SWEEP_DIR}/selection", ".csv", ".md", ".tex"),
    log:
        "logs/{scale}/report_sweep/{sweep}.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m uhn sweep report --sweep {wildcards.sweep} --scale {wildcards.scale} > {log} 2>&1"


# Tables 12 to 16 and 18 to 22.
rule build_sweep_table:
    input:
        selections=get_table_sweeps,
        sweeps="config/sweeps.yaml",
        scale="config/scales/{scale}.yaml",
        code=sorted(str(path) for path in Path("uhn/reporting").glob("*.py")),
    output:
        multiext("results/{scale}/tables/table_{sweep_table}", ".csv", ".md", ".tex"),
    log:
        "logs/{scale}/build_sweep_table/table_{sweep_table}.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m uhn report table {wildcards.sweep_table} --scale {wildcards.scale} > {log} 2>&1"


# One parent run for each stage with its candidates beneath it; the final runs beside those of the tables.
rule track_sweep:
    input:
        unpack(get_sweep_runs),
        selections=get_sweep_selections,
        candidates=get_sweep_candidates,
    output:
        touch(f"{SWEEP_DIR}/tracked.done"),
    log:
        "logs/{scale}/track_sweep/{sweep}.log",
    conda:
        "../../environment.yml"
    resources:
        mlflow_writer=1,
    params:
        run_dirs=get_run_dirs,
        uri=config["tracking_uri"],
    shell:
        "(python -m uhn sweep track --sweep {wildcards.sweep} --scale {wildcards.scale}"
        " --tracking-uri {params.uri} && python -m uhn track {params.run_dirs}"
        " --tracking-uri {params.uri} --experiment uhn-{wildcards.scale}-swept) > {log} 2>&1"
