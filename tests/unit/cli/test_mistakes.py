"""Every mistake of a user ends in one line that names it, and exit code 2."""

import json
import shutil

import pytest
from cli_process import REPOSITORY, uhn

TRAIN = ("train", "--seed", "21962", "--scale", "demo", "--out", "out")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*TRAIN, "--setting", "kan_kw", "--variant", "uhn"), "unknown setting 'kan_kw'; did you mean 'kan_kv'?"),
        (
            (*TRAIN, "--setting", "kan_kv", "--variant", "hun"),
            "setting 'kan_kv' has no variant 'hun'; did you mean 'uhn'?",
        ),
        (
            ("train", "--seed", "1", "--scale", "dem", "--setting", "kan_kv", "--variant", "uhn"),
            "unknown scale 'dem'; did you mean 'demo'?",
        ),
        (
            (*TRAIN, "--setting", "kan_kv", "--variant", "uhn", "--device", "tpu"),
            "device 'tpu': expected 'cpu' or 'cuda'",
        ),
        (("evaluate", "nowhere"), "nowhere/run.json: no such file"),
        (("describe", "kan_kw"), "unknown model 'kan_kw'; did you mean"),
        (("report", "table", "99"), "table 99: no definition"),
        (("track", "nowhere"), "nowhere"),
    ],
)
def test_one_line(tmp_path, arguments, message):
    done = uhn(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("uhn: error: ") and message in line


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "lr: 1.0e-4",
            "lr: 1e-4",
            "kan_kv.yaml: variants.uhn.train.lr: expected number, got '1e-4' (a string; in YAML write 1.0e-04",
        ),
        (
            "epochs: 4000, lr: 0.02",
            "epochs: 4000.5, lr: 0.02",
            "variants.direct.train.epochs: expected integer, got 4000.5",
        ),
        ("lr: 0.02", "rate: 0.02", "variants.direct.train: unknown key 'rate'; expected"),
        ("task: formula_regression", "task: formulas", "task: 'formulas' is not one of formula_regression"),
        ("method: uhn", "method: nuh", "variants.uhn.method: 'nuh' is not one of direct, uhn"),
        ("method: uhn", "method: direct", "variants.uhn.init: not allowed here; remove it"),
        ("dataset: kv", "dataset: [", "is not valid YAML"),
        ("setting: kan_kv", "setting: kan_jv", "setting: expected the file's name 'kan_kv', got 'kan_jv'"),
    ],
)
def test_a_mistake_in_an_experiment_file(tmp_path, old, new, message):
    text = (REPOSITORY / "config" / "experiments" / "kan_kv.yaml").read_text()
    assert old in text
    (tmp_path / "kan_kv.yaml").write_text(text.replace(old, new))
    done = uhn(*TRAIN, "--setting", "kan_kv", "--variant", "uhn", "--config", "kan_kv.yaml", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert message in line


def test_an_experiment_of_ones_own_has_no_place_among_results(tmp_path):
    """F1a: it would take the place of the official run."""
    shutil.copy(REPOSITORY / "config/experiments/kan_kv.yaml", tmp_path)
    arguments = ("train", "--seed", "1", "--setting", "kan_kv", "--variant", "direct", "--config", "kan_kv.yaml")
    done = uhn(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("uhn: error: --config kan_kv.yaml: expected --out DIR with it; results/demo is for")
    assert done.stderr.count("\n") == 1 and not (tmp_path / "results").exists()


def test_a_result_of_an_older_schema_is_refused_and_kept(tmp_path):
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    path = tmp_path / "results/demo/runs/kan_ellipj/direct/seed21962/result.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"schema_version": 0}))
    runs = path.parents[3]
    for experiment in (tmp_path / "config" / "experiments").glob("*.yaml"):
        for variant in ("direct", "uhn"):
            for seed in (21962, 59358):
                other = runs / experiment.stem / variant / f"seed{seed}" / "result.json"
                other.parent.mkdir(parents=True, exist_ok=True)
                other.write_text(path.read_text())
    done = uhn("report", "table", "11", cwd=tmp_path)
    assert done.returncode == 2
    assert "result.json: has schema version 0, this release reads 1; delete the file and rerun its job" in done.stderr
    assert path.read_text() == '{"schema_version": 0}'
