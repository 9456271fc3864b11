# Path grammar:
#   results/<scale>/runs/<setting>/<variant>/seed<k>/   run.json metrics.jsonl generator.safetensors training.json
#                                                       result.json kernel.npy (Figure 4)
#   results/<scale>/tables/<table>.{csv,md,tex}         table_<nn> of the paper, extensions
#   results/<scale>/figures/<name>.{csv,pdf,png}
#   results/<scale>/tracked/<table>.done                the runs of a table are in the MLflow store
#   logs/<scale>/<rule>/...                             what each job printed
#   resources/                                          data sets, and markers that say they are ready
#   scratch/                                            resume checkpoints, lock files, the MLflow store
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/generate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tracking.smk"


rule all:
    default_target: True
    input:
        get_targets(config["scale"]),


# Every table and figure of the paper and beyond it. The targets below build one table: table_01, ..., extensions.
rule tables:
    input:
        get_targets(config["scale"]),


# Every figure.
rule figures:
    input:
        get_figure_files(config["scale"]),


for table in TABLES:

    rule:
        name:
            table
        input:
            get_targets(config["scale"], table),
