"""What sweeps have decided so far, and what the paper prints of them."""

import shutil

import pytest
from sweep_cases import GRID, SMALL
from synthetic_sweeps import WINNER, small_selections

from uhn.cli import main
from uhn.errors import UserError
from uhn.paths import config_dir, selection_file
from uhn.reporting.collect_sweeps import DecidedSweep, PrintedSearch, collect_sweeps, printed_search
from uhn.reporting.reference import load_reference
from uhn.sweeps.grids import Hyperparameters

PRINTED = """\
table,row,column,quantity,mean,std,n_seeds,source,confidence
1,small,uhn,metric,0.9,,3,digest,medium
12,small,uhn,train_lr_grid,0.1 2e-1,,,release,high
12,small,uhn,init_lr_grid,,,,,unknown
13,small,uhn,init_lr,0.3,,,release,high
13,small,uhn,init_steps,6,,,paper_text,high
13,small,uhn,train_lr,2e-1,,,release,high
13,small,uhn,train_budget,20,,,paper_text,high
15,small,direct,train_lr,0.5,,,paper_text,high
"""


def search(tmp_path, text=PRINTED, sweep=SMALL):
    (tmp_path / "paper.csv").write_text(text)
    return printed_search(sweep, load_reference(tmp_path))


def test_the_printed_choice_and_grids_of_a_variant(tmp_path):
    assert search(tmp_path) == PrintedSearch(13, WINNER, {"init_lr": (), "train_lr": (0.1, 0.2)})
    assert isinstance(search(tmp_path).choice.train_budget, int)


def test_a_choice_is_unknown_where_a_value_is(tmp_path):
    assert search(tmp_path, PRINTED.replace("init_steps,6", "init_steps,")).choice is None
    assert search(tmp_path, PRINTED.replace("13,small,uhn,init_steps", "13,small,other,init_steps")).choice is None
    assert search(tmp_path, PRINTED.replace(",uhn,", ",ha,")) == PrintedSearch()


def test_a_search_without_initialisation_has_none_to_print(tmp_path):
    text = PRINTED.replace("13,small", "13,grid")
    assert search(tmp_path, text, GRID).choice is None  # paper.csv names settings, not sweeps
    assert search(tmp_path, PRINTED, GRID).choice == Hyperparameters(0.2, 20)


def test_how_far_a_sweep_is(tmp_path):
    selections = small_selections(tmp_path)
    assert DecidedSweep(SMALL, SMALL).best is None
    unfinished, finished = DecidedSweep(SMALL, SMALL, selections[:3]), DecidedSweep(SMALL, SMALL, selections)
    assert (unfinished.finished, unfinished.winner, unfinished.search.stage) == (False, None, 3)
    assert (finished.finished, finished.winner, finished.best.candidate.seeds) == (True, WINNER, (1, 2, 3))


def test_published_sweeps_are_read_in_the_given_order(tmp_path):
    folder = config_dir().parent / "results/published/paper/sweeps"
    jv, kv, mlp = collect_sweeps(["kan_jv", "kan_kv", "mnist_mlp"], folder, "paper", load_reference())
    assert [sweep.config.name for sweep in (jv, kv, mlp)] == ["kan_jv", "kan_kv", "mnist_mlp"]
    assert (kv.finished, mlp.finished, mlp.selections) == (True, False, [])
    assert kv.printed.choice == Hyperparameters(1e-4, 4000, 2e-4, 200)
    with pytest.raises(UserError, match="unknown sweep 'kan_k'"):
        collect_sweeps(["kan_k"], folder, "paper", load_reference())


def test_an_edited_learning_rate_does_not_change_what_the_paper_prints(tmp_path, monkeypatch):
    """Table 13 from the published sweeps, before and after every experiment file of it is edited."""
    published = config_dir().resolve().parent / "results/published/paper/sweeps"
    shutil.copytree(config_dir(), tmp_path / "config")
    monkeypatch.chdir(tmp_path)

    def table(stem):
        assert main(["report", "table", "13", "--scale", "paper", "--sweeps", str(published), "--stem", stem]) == 0
        paths = [tmp_path / f"results/paper/tables/{stem}.{ending}" for ending in ("csv", "md", "tex")]
        return [path.read_text() for path in paths]

    before = table("before")
    for path in (tmp_path / "config/experiments").glob("kan_*.yaml"):
        path.write_text(path.read_text().replace("lr: 1.0e-4", "lr: 7.0e-4").replace("lr: 5.0e-5", "lr: 7.0e-4"))
    assert "7.0e-4" in (tmp_path / "config/experiments/kan_kv.yaml").read_text()
    assert table("after") == before
    assert selection_file(published, "kan_kv", 4).exists()
