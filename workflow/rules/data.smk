# Data sets, once per source: stand-ins are written, downloads fetched, local folders checked.


rule prepare_data:
    output:
        touch(ready_file("{source}", "{dataset}")),
    log:
        "logs/data/{source}/{dataset}.log",
    conda:
        "../../environment.yml"
    resources:
        network=1,
    params:
        data=get_data(config["scale"]),
    shell:
        "python -m uhn data prepare {wildcards.dataset} --data {params.data:q} > {log} 2>&1"
