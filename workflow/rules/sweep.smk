# Hyperparameter searches on validation data: one job per candidate and seed, one per decision. File names are grid
# positions, so every job is known before anything has run; what stands in a place is decided by the stage before.


# Beside its declared file the job leaves run.json, metrics.jsonl and result.json: when the stage before is decided
# again, a candidate that keeps its hyperparameters is confirmed from them and not trained again.
rule run_candidate:
    input:
        data=get_candidate_data,
        previous=get_previous_selection,
    output:
        candidate=f"{CANDIDATE_DIR}/{CANDIDATE}",
    log:
        "logs/{scale}/run_candidate/{sweep}/stage{stage}/{place}/seed{seed}.log",
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
        selected=selection_file(sweeps_dir("{scale}"), "{sweep}", "{stage}"),
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
        reference="config/paper.csv",
        scale="config/scales/{scale}.yaml",
        code=sorted(str(path) for path in Path("uhn/reporting").rglob("*.py")),
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
        store=get_shown_store,
    shell:
        "(python -m uhn sweep track --sweep {wildcards.sweep} --scale {wildcards.scale}"
        " --or-note {output} && python -m uhn track {params.run_dirs} --or-note {output}"
        " --experiment uhn-{wildcards.scale}-swept) > {log} 2>&1"
