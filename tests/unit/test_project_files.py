"""What surrounds the package: pins, make, line ends."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from cli_process import REPOSITORY
from snakemake.cli import parse_config

ODD = ["/my data", "it's", "'a'", 'say "so"', "a$b", "$(touch x)", "`touch x`", "a;b", "a&b", "a #b", "a: b", "[a]"]
ODD += ["1e3", "é*?", "a\\b", "-a", "~", "a,b)", "null"]


@pytest.fixture
def make(tmp_path):
    """Return a function that runs make where python only writes down what it is asked: arguments, then the store."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    python = tmp_path / ".venv/bin/python"
    python.write_text('#!/bin/sh\n{ printf "%s\\0" "$@"; printf "%s" "$UHN_TRACKING_URI"; } >> asked\n')
    python.chmod(0o755)
    (tmp_path / ".venv/.installed").touch()

    def run(*arguments):
        (tmp_path / "asked").unlink(missing_ok=True)
        # `make test` hands its own flags and overrides on to every make below it
        inherited = {"UHN_TRACKING_URI", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL"}
        environment = {name: value for name, value in os.environ.items() if name not in inherited}
        done = subprocess.run(["make", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return (tmp_path / "asked").read_text(encoding="utf-8").split("\0"), done.stdout

    return run


@pytest.mark.parametrize("value", ODD)
def test_make_hands_values_on_as_they_are(make, value, tmp_path):
    asked, _ = make("tables", f"DATA={value}", f"HYPERPARAMETERS={value}")
    config = parse_config(asked[asked.index("--config") + 1 : -1])
    assert config == {"scale": "demo", "data": value, "device": "cpu", "hyperparameters": value}
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("value", ["sqlite:////x/my store/m.db", "postgresql://me:p$a'ss@host/db", "none"])
def test_make_hands_the_store_on_in_the_environment(make, value):
    asked, printed = make("tables", f"TRACKING={value}")
    assert asked[-1] == value and value not in asked[:-1] and value not in printed
    assert make("tables")[0][-1] == ""


def test_make_names_the_folder_of_swept_tables(make):
    assert make("tables", "HYPERPARAMETERS=swept")[1].endswith("tables: results/demo-swept/tables\n")


def test_make_starts_nothing_that_carries_the_folders_path():
    """Console scripts do; a renamed checkout has only its python."""
    lines = (REPOSITORY / "Makefile").read_text().splitlines()
    assert not [line for line in lines if "$(BIN)/" in line and "$(BIN)/python" not in line]


def test_conda_installs_what_pip_installs():
    """Snakemake copies environment.yml alone, so it can refer to no other file."""
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    pins = [pin for line in lines if (pin := line.partition("#")[0].strip())]
    (pip,) = [entry["pip"] for entry in _conda()["dependencies"] if isinstance(entry, dict)]
    assert sorted(pip) == sorted(pins) and all("==" in pin for pin in pins)


def _conda():
    return yaml.safe_load((REPOSITORY / "environment.yml").read_text())


def test_a_checkout_has_the_line_ends_of_the_repository(tmp_path):
    """With core.autocrlf git would write CR LF, and sources would differ from those of other machines."""
    attributes = (REPOSITORY / ".gitattributes").read_text()
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-c", "core.autocrlf=true"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for arguments in (["init", "-q", "."], ["add", "."], ["commit", "-qm", "x"]):
        if arguments[0] == "add":
            Path(tmp_path / ".gitattributes").write_text(attributes)
            (tmp_path / "a.py").write_bytes(b"x = 1\n")
            (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        subprocess.run([*git, *arguments], cwd=tmp_path, env=environment, check=True)
    for name in ("a.py", "a.png"):
        (tmp_path / name).unlink()
    subprocess.run([*git, "checkout", "-q", "."], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "a.py").read_bytes() == b"x = 1\n"
    assert (tmp_path / "a.png").read_bytes() == b"\x89PNG\r\n\x1a\n"
