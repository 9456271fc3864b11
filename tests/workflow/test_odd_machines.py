"""The pipeline where machines are not as ours: odd folders, no home, no locks, no store, no GPU, foreign variables."""

import json
import os
import re
import shutil

import pytest
from conftest import REPOSITORY, copy_pipeline, keep_rows, keep_series

ONE_RUN = "results/demo/runs/kan_kv/direct/seed21962/result.json"
PASSWORD = "pass@word"

PRETEND_NFS = """import pathlib
read = pathlib.Path.read_text
pathlib.Path.read_text = lambda path, *a, **k: "x / nfs4" if str(path) == "/proc/mounts" else read(path, *a, **k)
"""
NO_LOCKS = """import fcntl
def none(*arguments):
    raise OSError(38, "Function not implemented")
fcntl.flock = fcntl.lockf = none
"""
NO_FLOCK = NO_LOCKS.replace("fcntl.flock = fcntl.lockf", "fcntl.flock")


def pretend(pipeline, code):
    """Let every Python of the pipeline run some code first."""
    folder = pipeline.folder / "pretended"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    pipeline.environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(pipeline.folder)])


def shorten(pipeline):
    path = pipeline.folder / "config/experiments/kan_kv.yaml"
    path.write_text(path.read_text().replace("epochs: 4000", "epochs: 40"))


def lines_with(text, output):
    return [line for line in output.splitlines() if text in line]


def test_a_build_in_bad_surroundings(tmp_path):
    """Nothing to write to at home, an ASCII locale, foreign variables, no flock, a network file system."""
    folder = tmp_path / "a b'c;d$e é[1]%20"
    folder.mkdir()
    pipeline = copy_pipeline(folder)
    shorten(pipeline)
    pretend(pipeline, PRETEND_NFS + NO_FLOCK)
    pipeline.environment |= {
        "HOME": "/proc/nohome",
        "XDG_CACHE_HOME": "",
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONSAFEPATH": "1",
        "MPLBACKEND": "module://no_such_module",
    }
    done = pipeline.run(ONE_RUN)
    assert done.returncode == 0, done.stdout
    assert json.loads((folder / ONE_RUN).read_text())["status"] == "completed"
    (line,) = lines_with("tracking is left out", done.stdout)
    assert "lies on nfs4" in line and "make TRACKING=URI" in line and "--config tracking_uri=URI" in line
    assert "track_table" not in pipeline.jobs("table_11")


def test_a_store_that_fails_later_fails_no_table(pipeline):
    """The reason is said once and without the password; the next call tries again."""
    for name in ("kan_kv", "kan_jv"):
        shutil.copytree(
            REPOSITORY / "results/published/paper/runs" / name, pipeline.folder / "results/paper/runs" / name
        )
    for run in pipeline.folder.glob("results/paper/runs/*/*/*"):
        for name in ("generator.safetensors", "training.json"):
            (run / name).touch()
        (run / "result.json").touch()
    keep_rows(pipeline, table_11=["kan_kv", "kan_jv"])
    keep_series(pipeline)
    target = "results/paper/tracked/table_11.done"
    pipeline.environment["UHN_TRACKING_URI"] = f"http://me:{PASSWORD}@127.0.0.1:9"
    done = pipeline.run(target, "--config", "scale=paper")
    assert done.returncode == 0, done.stdout
    (line,) = lines_with("tracking is left out", done.stdout)
    assert "no MLflow server answers" in line and "make TRACKING=URI" in line
    assert not (pipeline.folder / target).exists()
    assert pipeline.jobs(target, "--config", "scale=paper")["track_table"] == 1
    written = [path for path in pipeline.folder.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert PASSWORD not in done.stdout and written == []


def test_without_a_gpu_no_job_is_started(pipeline):
    pipeline.environment["CUDA_VISIBLE_DEVICES"] = ""
    done = pipeline.run(ONE_RUN, "--config", "device=cuda")
    assert done.returncode == 1
    (line,) = lines_with("no usable CUDA device", done.stdout)
    assert "DEVICE=cpu" in line
    assert not (pipeline.folder / "logs").exists() or not list((pipeline.folder / "logs").rglob("*.log"))


def test_without_locks_the_pipeline_says_so(pipeline):
    pretend(pipeline, NO_LOCKS)
    done = pipeline.run("tables", "--dry-run")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert "scratch: files cannot be locked there (Function not implemented); make scratch a link" in line


def test_the_reason_of_a_failed_job_reaches_the_terminal(pipeline, tmp_path):
    (pipeline.folder / "my data").mkdir()
    done = pipeline.run("resources/ready/local/cora.done", "--config", "data=my data")
    assert done.returncode == 1
    (line,) = lines_with("uhn: error: Cora: my data/planetoid/Cora/raw/ind.cora.x is missing", done.stdout)
    command = re.search("or run: uhn (data fetch .*)", line)[1]
    assert command == "data fetch cora --folder 'my data'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scale: demo\nscale: paper\n", "config.yaml: line 2: the key scale is given twice; keep one"),
        ("threads_per_run: .inf\n", "config.yaml: line 1: threads_per_run: expected a finite number"),
    ],
)
def test_snakemakes_configuration_is_read_strictly(pipeline, text, message):
    path = pipeline.folder / "config/config.yaml"
    path.write_text(text + path.read_text().replace(text.partition(":")[0] + ": ", "# "))
    done = pipeline.run("tables", "--dry-run")
    assert done.returncode == 1 and len(lines_with(message, done.stdout)) == 1


@pytest.mark.parametrize(
    ("seed", "message"), [("4294967296", "seed 4294967296: expected an integer"), ("007", "seed007")]
)
def test_seeds_that_no_run_can_have(pipeline, seed, message):
    done = pipeline.run(ONE_RUN.replace("21962", seed), "--dry-run")
    assert done.returncode == 1 and lines_with(message, done.stdout)
