# Weights that figures show, from finished generators.


# The third convolution of a CNN (Figure 4).
rule export_kernel:
    input:
        run=rules.train_run.output.run,
        generator=rules.train_run.output.generator,
        training=rules.train_run.output.training,
    output:
        kernel=f"{RUN_DIR}/{KERNEL}",
    log:
        "logs/{scale}{tuned}/export_kernel/{setting}/{variant}/seed{seed}.log",
    conda:
        "../../environment.yml"
    params:
        run_dirs=get_run_dirs,
    shell:
        "python -m uhn generate {params.run_dirs} --component convs.2.weight --out {output.kernel} > {log} 2>&1"
