# Figures, from the files of finished runs only: a change of a figure never retrains.


rule draw_figure:
    input:
        results=get_figure_results,
        definitions=get_figure_definitions,
        scale="config/scales/{scale}.yaml",
        code=sorted(str(path) for path in Path("uhn/reporting").rglob("*.py")),
    output:
        csv=figure_file(RESULTS, "{figure}", "csv"),
        pdf=figure_file(RESULTS, "{figure}", "pdf"),
        png=report(
            figure_file(RESULTS, "{figure}", "png"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}", "scale": "{scale}{tuned}"},
        ),
    log:
        "logs/{scale}{tuned}/draw_figure/{figure}.log",
    conda:
        "../../environment.yml"
    params:
        hyperparameters=get_hyperparameters,
        seeds=config["report_seeds"],
    shell:
        "python -m uhn report figure {wildcards.figure} --scale {wildcards.scale}"
        " --hyperparameters {params.hyperparameters} --report-seeds {params.seeds} > {log} 2>&1"
