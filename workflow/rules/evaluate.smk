# The only jobs that read test data.


rule evaluate_run:
    input:
        run=rules.train_run.output.run,
        generator=rules.train_run.output.generator,
        training=rules.train_run.output.training,
    output:
        result=f"{RUN_DIR}/{RESULT}",
    log:
        "logs/{scale}{tuned}/evaluate_run/{setting}/{variant}/seed{seed}.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=1 if config["device"] == "cuda" else 0,
    params:
        device=config["device"],
        run_dirs=get_run_dirs,
        data=get_run_source,
    shell:
        "python -m uhn evaluate {params.run_dirs} --device {params.device}"
        " --data {params.data:q} > {log} 2>&1"
