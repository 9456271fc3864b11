"""The table beyond the paper in the DAG."""

VARIANTS, SETTINGS, SEEDS = 5, 5, 2


def test_extensions_need_their_runs_and_those_they_are_compared_with(pipeline):
    jobs = pipeline.jobs("extensions", "--config", "tracking_uri=none")
    runs = (VARIANTS + SETTINGS) * SEEDS
    data = 6  # cora, citeseer, pubmed, mnist, cifar10, ag_news
    assert {name: jobs[name] for name in ("train_run", "evaluate_run", "build_table", "prepare_data")} == {
        "train_run": runs,
        "evaluate_run": runs,
        "build_table": 1,
        "prepare_data": data,
    }


def test_extensions_share_runs_with_the_papers_tables(pipeline):
    together = pipeline.jobs("table_02", "extensions")["train_run"]
    alone = pipeline.jobs("table_02")["train_run"] + pipeline.jobs("extensions")["train_run"]
    assert alone - together == SEEDS  # cifar10_cnn20/uhn
