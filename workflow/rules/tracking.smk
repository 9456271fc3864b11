# Finished runs -> MLflow. Training never talks to the store; one writer at a time indexes result files.


def get_setting_runs(wildcards):
    experiment = EXPERIMENTS[wildcards.setting]
    pairs = [(wildcards.setting, variant) for variant in experiment["variants"]]
    return {
        name: get_run_files(wildcards.scale, pairs, f"{name}.{suffix}")
        for name, suffix in (("run", "json"), ("metrics", "jsonl"), ("result", "json"))
    }


def get_setting_run_dirs(wildcards, input):
    return [str(Path(path).parent) for path in input.result]


rule track_setting:
    input:
        unpack(get_setting_runs),
    output:
        touch("results/{scale}/tracked/{setting}.done"),
    params:
        run_dirs=get_setting_run_dirs,
        uri=config["tracking_uri"],
    resources:
        mlflow_writer=1,
    log:
        "logs/{scale}/track_setting/{setting}.log",
    shell:
        "{PYTHON} -m uhn track {params.run_dirs} --tracking-uri {params.uri} > {log} 2>&1"
