# One training job per setting, variant and seed.


rule train_run:
    input:
        data=get_run_data,
        selected=get_run_selection,
    output:
        run=f"{RUN_DIR}/{RUN}",
        metrics=f"{RUN_DIR}/{METRICS}",
        generator=f"{RUN_DIR}/{GENERATOR}",
        training=f"{RUN_DIR}/{TRAINING}",
    log:
        "logs/{scale}{tuned}/train_run/{setting}/{variant}/seed{seed}.log",
    conda:
        "../../environment.yml"
    threads: config["threads_per_run"]
    resources:
        gpu=1 if config["device"] == "cuda" else 0,
    params:
        # Both only decide whether a finished run is still valid: library code is not tracked by Snakemake.
        config=get_run_config,
        code_version=uhn.CODE_VERSION,
        out=RUN_DIR,
        device=config["device"],
        data=get_run_source,
        selected=get_selection_option,
    shell:
        "python -m uhn train --setting {wildcards.setting} --variant {wildcards.variant}"
        " --seed {wildcards.seed} --scale {wildcards.scale} --device {params.device}"
        " --data {params.data:q} --threads {threads} {params.selected} --out {params.out} --resume"
        " > {log} 2>&1"
