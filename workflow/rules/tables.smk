# Tables, from the results of runs or the decisions of sweeps only. The reporting code is an input: a table is cheap, so an edit rebuilds it.


rule build_table:
    input:
        results=get_table_results,
        definitions=get_table_definitions,
        scale="config/scales/{scale}.yaml",
        code=sorted(str(path) for path in Path("uhn/reporting").glob("*.py")),
    output:
        csv=report(
            table_file(RESULTS, "{table}", "csv"),
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}", "scale": "{scale}{tuned}"},
        ),
        md=table_file(RESULTS, "{table}", "md"),
        tex=table_file(RESULTS, "{table}", "tex"),
    log:
        "logs/{scale}{tuned}/build_table/{table}.log",
    conda:
        "../../environment.yml"
    params:
        hyperparameters=get_hyperparameters,
        seeds=config["report_seeds"],
    shell:
        "python -m uhn report table {wildcards.table} --scale {wildcards.scale}"
        " --hyperparameters {params.hyperparameters} --report-seeds {params.seeds} > {log} 2>&1"
