# Figures, from the files of finished runs only: a change of a figure never retrains.


rule draw_figure:
    input:
        results=get_figure_results,
        definitions=get_figure_definitions,
        scale="config/scales/{scale}.yaml",
        code=sorted(str(path) for path in Path("uhn/reporting").rglob("*.py")),
    output:
        csv="results/{scale}/figures/{figure}.csv",
        pdf="results/{scale}/figures/{figure}.pdf",
        png=report(
            "results/{scale}/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}", "scale": "{scale}"},
        ),
    log:
        "logs/{scale}/draw_figure/{figure}.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m uhn report figure {wildcards.figure} --scale {wildcards.scale} > {log} 2>&1"
