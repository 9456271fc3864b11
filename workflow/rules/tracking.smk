# Finished runs -> MLflow. Training never talks to the store; one writer at a time indexes result files.


rule track_setting:
    input:
        unpack(get_setting_runs),
    output:
        touch("results/{scale}/tracked/{setting}.done"),
    log:
        "logs/{scale}/track_setting/{setting}.log",
    conda:
        "../../environment.yml"
    resources:
        mlflow_writer=1,
    params:
        run_dirs=get_run_dirs,
        uri=config["tracking_uri"],
    shell:
        "python -m uhn track {params.run_dirs} --tracking-uri {params.uri} > {log} 2>&1"
