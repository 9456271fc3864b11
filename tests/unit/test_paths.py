"""Where configuration is looked for."""

import shutil

from uhn.configuration.resolve import load_experiment
from uhn.paths import REPOSITORY, config_dir


def test_a_config_folder_of_another_project_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "config" / "experiments").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("theirs: true\n")
    monkeypatch.chdir(tmp_path)
    assert config_dir() == REPOSITORY / "config"
    assert load_experiment("kan_kv")["setting"] == "kan_kv"


def test_a_copy_of_ours_goes_before_the_packages(tmp_path, monkeypatch):
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    assert config_dir().resolve() == tmp_path / "config"
