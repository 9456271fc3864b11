# Finished runs -> MLflow. Training never talks to the store; one writer at a time indexes result files. A job takes
# all runs of a table: what the store already holds is left alone, and a job a setting would cost more than the work.
# The marker is empty, or says why the store could not be used: no table fails for that.


rule track_table:
    input:
        unpack(get_table_runs),
    output:
        touch(tracked_file(RESULTS, "{table}")),
    log:
        "logs/{scale}{tuned}/track_table/{table}.log",
    conda:
        "../../environment.yml"
    resources:
        mlflow_writer=1,
    params:
        run_dirs=get_run_dirs,
        store=get_shown_store,
    shell:
        "python -m uhn track {params.run_dirs} --or-note {output}"
        " --experiment uhn-{wildcards.scale}{wildcards.tuned} > {log} 2>&1"
