# Path grammar:
#   results/<scale>/runs/<setting>/<variant>/seed<k>/   run.json metrics.jsonl generator.safetensors training.json
#                                                       result.json kernel.npy (Figure 4)
#   results/<scale>/tables/<table>.{csv,md,tex}         table_<nn> of the paper, extensions
#   results/<scale>/figures/<name>.{csv,pdf,png}
#   results/<scale>/tracked/<table>.done                the runs of a table are in the MLflow store
#   results/<scale>/sweeps/<sweep>/stage<k>/            i<a>_j<b>/seed<k>/candidate.json (stage 4: r<a>), selected.json
#   results/<scale>/sweeps/<sweep>/                     stages.{csv,pdf,png} selection.{csv,md,tex}
#   results/<scale>-swept/{runs,tables,figures,tracked} the same with the hyperparameters that sweeps select
#   logs/<scale>/<rule>/...                             what each job printed
#   resources/                                          data sets, and markers that say they are ready
#   scratch/                                            resume checkpoints, lock files, the MLflow store
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/sweep_common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/generate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tracking.smk"
include: "workflow/rules/sweep.smk"


onstart:
    require_gpu()


onsuccess:
    report_untracked()


onerror:
    report_untracked()


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


# Every sweep, and the tables of their grids and choices: 12 to 16 and 18 to 22.
rule sweeps:
    input:
        get_sweep_targets(config["scale"]),


rule sweep_tables:
    input:
        get_sweep_table_files(config["scale"]),


for sweep_name in SWEEPS:

    rule:
        name:
            f"sweep_{sweep_name}"
        input:
            get_sweep_targets(config["scale"], sweep_name),


for table in SWEEP_TABLES:

    rule:
        name:
            table
        input:
            get_sweep_table_files(config["scale"], table),
