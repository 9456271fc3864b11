# Tables, from result files only. The reporting code is an input: a table is cheap, so an edit rebuilds it.


rule build_table:
    input:
        results=get_table_results,
        definition="config/tables/table_{number}.yaml",
        reference="config/paper.csv",
        scale="config/scales/{scale}.yaml",
        code=sorted(str(path) for path in Path("uhn/reporting").glob("*.py")),
    output:
        csv=report(
            "results/{scale}{tuned}/tables/table_{number}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{number}", "scale": "{scale}{tuned}"},
        ),
        md="results/{scale}{tuned}/tables/table_{number}.md",
        tex="results/{scale}{tuned}/tables/table_{number}.tex",
    log:
        "logs/{scale}{tuned}/build_table/table_{number}.log",
    conda:
        "../../environment.yml"
    params:
        hyperparameters=get_hyperparameters,
        seeds=config["report_seeds"],
    shell:
        "python -m uhn report table {wildcards.number} --scale {wildcards.scale}"
        " --hyperparameters {params.hyperparameters} --report-seeds {params.seeds} > {log} 2>&1"
