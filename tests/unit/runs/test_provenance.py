"""The digest of the sources covers what computes. Facts of git are best effort, and of this project or none."""

import os
import shutil
import subprocess

import pytest
from import_graph import read_graph

from uhn.paths import PACKAGE
from uhn.runs import provenance
from uhn.runs.provenance import NUMERIC_SOURCES, source_digest

GRAPH = read_graph(PACKAGE)
COMMIT = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x"]


def test_whatever_computes_in_a_job_is_in_the_digest():
    """What training and evaluation execute of the package and uses a numeric library; metrics.py says what diverged."""
    executed = GRAPH.chains(lambda module: GRAPH.part(module) == "training")
    parts = {
        GRAPH.part(one.importer)
        for one in GRAPH.imports
        if one.importer in executed and one.target.split(".")[0] in ("torch", "numpy", "scipy")
    }
    assert {"training", "hypernetworks", "device", "seeding"} <= parts
    assert parts | {"metrics"} == {name.removesuffix(".py") for name in NUMERIC_SOURCES}


@pytest.fixture
def digest_of_a_copy(tmp_path, monkeypatch):
    """A function file, text -> the digest of a copy of the package in which the text is appended to the file."""

    def make(name, text):
        copy = tmp_path / name / "uhn"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        with (copy / name).open("a") as file:
            file.write(text)
        monkeypatch.setattr(provenance, "PACKAGE", copy)
        return source_digest.__wrapped__()

    return make


def test_the_digest_is_one_of_contents_not_of_places(digest_of_a_copy):
    assert digest_of_a_copy("device.py", "") == source_digest()


@pytest.mark.parametrize("name", ["device.py", "metrics.py", "seeding.py", "training/tasks/images.py"])
def test_an_edit_of_what_decides_on_numbers_changes_the_digest(digest_of_a_copy, name):
    assert digest_of_a_copy(name, "\n# edited\n") != source_digest()


def test_an_edit_of_reporting_does_not(digest_of_a_copy):
    assert digest_of_a_copy("reporting/caption.py", "\n# edited\n") == source_digest()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder below the test's; nothing of the environment says where its repository is."""
    folder = tmp_path / "outer" / "project"
    folder.mkdir(parents=True)
    monkeypatch.setattr(provenance, "REPOSITORY", folder)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    return folder


def make_repository(folder):
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run(COMMIT, cwd=folder, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    return head.stdout.strip()


def facts():
    found = provenance.provenance("cpu", 1, None)
    return found["commit"], found["dirty"]


def replace_git(folder, script, monkeypatch):
    """Put a program before git that runs ``script`` with the real one as ``$GIT``."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\nGIT={shutil.which('git')}\n{script}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_commit_of_the_project(project):
    commit = make_repository(project)
    assert facts() == (commit, False)
    (project / "new").touch()
    assert facts() == (commit, True)


def test_a_repository_around_the_project_is_not_the_projects(project):
    make_repository(project.parent)
    assert facts() == (None, None)


def test_repositories_that_the_environment_names_are_not_asked(project, tmp_path, monkeypatch):
    commit = make_repository(project)
    make_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(project))
    assert facts() == (commit, False)


def test_a_slow_git_is_not_waited_for(project, tmp_path, monkeypatch):
    commit = make_repository(project)
    monkeypatch.setattr(provenance, "GIT_TIMEOUT_S", 0.3)
    replace_git(tmp_path / "slow", 'case "$*" in *status*) sleep 15;; esac\nexec $GIT "$@"', monkeypatch)
    assert facts() == (commit, None)


@pytest.mark.parametrize("script", ["exit 128", "echo nonsense", "printf '\\377\\n\\376\\n'", "kill $$"])
def test_a_git_that_refuses_or_babbles(project, tmp_path, monkeypatch, script):
    make_repository(project)
    replace_git(tmp_path / "odd", script, monkeypatch)
    assert facts() == (None, None)


def test_no_git_at_all(project, tmp_path, monkeypatch):
    make_repository(project)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert facts() == (None, None)


def test_line_ends_of_a_checkout_are_not_its_content(tmp_path, monkeypatch):
    digests = []
    monkeypatch.setattr(provenance, "NUMERIC_SOURCES", ("seeding.py",))
    for end in (b"\n", b"\r\n"):
        package = tmp_path / end.hex()
        package.mkdir()
        (package / "seeding.py").write_bytes(b"x = 1\ny = 2\n".replace(b"\n", end))
        monkeypatch.setattr(provenance, "PACKAGE", package)
        digests.append(provenance.source_digest.__wrapped__())
    assert digests[0] == digests[1]
