"""Figures from synthetic runs: their numbers, captions, bytes, and what damaged input says."""

import csv
import json
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from synthetic_figures import OUTLIER, SEEDS, write_figure_runs, write_lines
from synthetic_results import record, write

from uhn.errors import UserError
from uhn.reporting.figures.architectures import outliers
from uhn.reporting.figures.definitions import figure_names
from uhn.reporting.figures.distance import rank_correlation
from uhn.reporting.figures.kernels import mosaic, statistics
from uhn.reporting.figures.publish import publish_figure


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    write_figure_runs(folder)
    return folder


@pytest.fixture
def publish(runs, tmp_path):
    """Write a figure and return its files by ending."""

    def run(name, out="out"):
        published = publish_figure(name, runs, tmp_path / out, "demo", "demo scale: synthetic")
        return {path.suffix[1:]: path for path in published.paths}

    return run


@pytest.fixture
def captions(monkeypatch):
    """Catch the captions as they are put below the panels."""
    caught = []
    monkeypatch.setattr("uhn.reporting.figures.publish.add_footer", lambda figure, text: caught.append(text))
    return caught


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", figure_names())
def test_every_figure_is_written_and_the_same_bytes_twice(publish, name):
    first, second = publish(name, "one"), publish(name, "two")
    assert [path.name for path in first.values()] == [f"{name}.pdf", f"{name}.png", f"{name}.csv"]
    for ending, path in first.items():
        assert path.read_bytes() == second[ending].read_bytes()
    assert first["png"].read_bytes().startswith(b"\x89PNG")
    assert first["pdf"].read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in first["pdf"].read_bytes()
    assert len(table(first["csv"])) > 2


def test_another_process_writes_the_same_bytes(publish, runs, tmp_path):
    mine = publish("5")
    code = f"""
from pathlib import Path
from uhn.reporting.figures.publish import publish_figure
publish_figure("5", Path({str(runs)!r}), Path({str(tmp_path / "other")!r}), "demo", "demo scale: synthetic")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    for path in mine.values():
        assert (tmp_path / "other" / path.name).read_bytes() == path.read_bytes()


def test_what_a_caption_states(publish, captions):
    publish("4")
    (text,) = captions
    assert text.startswith("Figure 4. Kernels of the third convolution of CNN-20, generated from three encodings")
    for statement in (
        "Demo scale: synthetic.",
        "Data sources: formula (raw, positional); standin (Gaussian Fourier).",
        "Gaussian Fourier: procedural stand-in of 2,000 images.",
        f"Seeds: {SEEDS[0]}, {SEEDS[1]}. Failed (diverged): 0 of 6 runs. Code version 1, source 5eed5eed5eed.",
    ):
        assert statement in text
    publish("growth")
    assert captions[1].startswith("Growth of #Params with the target")


def test_mixed_versions_are_said_of_the_figure(runs, publish, captions):
    write(runs, record("cifar10_cnn20", "raw", SEEDS[0], 0.0, source_digest="another"))
    publish("4")
    assert "Warning: The runs of this figure mix 2 source digests (5eed5eed5eed, another)" in captions[0]


def test_figure_3_has_every_model_and_one_outlier(publish):
    lines = table(publish("3")["csv"])
    assert len(lines) == 4 * 40
    assert [line["split"] for line in lines].count("unseen") == 4 * 20
    (outlier,) = [line for line in lines if line["outlier"] == "True"]
    assert outlier["model"] == OUTLIER
    assert float(outlier["accuracy_mean"]) == pytest.approx(0.105)
    assert float(outlier["accuracy_std"]) == pytest.approx(0.01 / 2**0.5)
    assert (outlier["n"], outlier["parameters"], outlier["family"]) == ("2", "463018", "cnn_mixed_depth")


def test_an_unseen_architecture_with_a_worse_seen_one_is_no_outlier(runs, publish):
    for path in (runs / "cnn_mixed_depth/uhn").rglob("result.json"):
        data = json.loads(path.read_text())
        lowest = next(model for model in data["models"] if model["split"] == "seen")
        lowest["metrics"]["accuracy"] = 0.09
        path.write_text(json.dumps(data))
    assert all(line["outlier"] == "False" for line in table(publish("3")["csv"]))


def test_outliers_are_five_robust_deviations_below_the_median():
    # median 5, absolute deviations 4 3 2 1 0 1 2 3 4: MAD 2, limit 5 * 1.4826 * 2 = 14.826
    values = [1.0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert not any(outliers(values))
    assert outliers([5 - 14.9, *values[1:]])[0]
    assert not outliers([5 - 14.7, *values[1:]])[0]
    assert not any(outliers([*values[:-1], 100.0]))


def test_distance_compares_with_the_seen_models_of_the_same_run(runs, publish):
    def model(name, split, accuracy, distance):
        entry = {"name": f"cnn_mixed_depth/{name}", "split": split, "parameters": 10, "summary": "s"}
        return entry | {"metrics": {"accuracy": accuracy, "loss": 1.0}, "distance": distance}

    for k, seed in enumerate(SEEDS):
        seen = [model(0, "seen", 0.8 + 0.1 * k, 0.0), model(1, "seen", 0.9 + 0.1 * k, 0.0)]
        unseen = [model(2, "unseen", 0.8 + 0.1 * k, 1.0), model(3, "unseen", 0.7, 2.0), model(4, "unseen", 0.75, 1.5)]
        write(runs, record("cnn_mixed_depth", "uhn", seed, 0.0, metrics={}, models=seen + unseen))
    lines = [line for line in table(publish("distance")["csv"]) if line["family"] == "cnn_mixed_depth"]
    assert [line["model"][-1] for line in lines] == ["2", "3", "4"]
    assert [float(line["gap_mean"]) for line in lines] == pytest.approx([0.05, 0.2, 0.15])
    assert float(lines[1]["gap_std"]) == pytest.approx(0.1 / 2**0.5)
    assert {float(line["rank_correlation"]) for line in lines} == {1.0}


def test_rank_correlation_of_known_cases():
    one = pd.Series([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(one, pd.Series([1.0, 10.0, 100.0, 1000.0])) == pytest.approx(1)
    # d = 1 -1 0 0: 1 - 6 * 2 / (4 * 15) = 0.8
    assert rank_correlation(one, pd.Series([2.0, 1.0, 3.0, 4.0])) == pytest.approx(0.8)
    assert np.isnan(rank_correlation(one, pd.Series([5.0] * 4)))
    assert np.isnan(rank_correlation(one[:2], one[:2]))


def test_figure_5_has_the_epoch_losses_of_all_seeds(publish):
    lines = table(publish("5")["csv"])
    assert [(line["series"], line["epoch"]) for line in lines] == [
        (name, str(epoch)) for name in ("with_init", "without_init") for epoch in range(1, 21)
    ]
    second = lines[1]
    assert [float(second[f"loss_{name}"]) for name in ("mean", "min", "max")] == pytest.approx([0.5125, 0.5, 0.525])
    assert second["n"] == "2"


def in_steps(runs, variant):
    """Rewrite the epochs of a variant's runs as parts of ten steps of a schedule in steps."""
    for path in sorted((runs / "transformer_mixed" / variant).rglob("metrics.jsonl")):
        lines = [line for line in map(json.loads, path.read_text().splitlines()) if "epoch_loss" in line]
        parts = [{"phase": "train", "step": line["step"], "mean_loss": line["epoch_loss"]} for line in lines]
        path.write_text("".join(json.dumps(part) + "\n" for part in parts))


def test_figure_5_of_a_schedule_in_steps_has_the_mean_losses_of_its_parts(runs, publish):
    for variant in ("uhn", "uhn_no_init"):
        in_steps(runs, variant)
    lines = table(publish("5")["csv"])
    assert [line["step"] for line in lines] == 2 * [str(10 * part) for part in range(1, 21)]
    assert [float(lines[1][f"loss_{name}"]) for name in ("mean", "min", "max")] == pytest.approx([0.5125, 0.5, 0.525])


def test_figure_5_does_not_mix_epochs_and_steps(runs, publish):
    in_steps(runs, "uhn_no_init")
    with pytest.raises(UserError, match="epochs and in steps cannot share a figure"):
        publish("5")


def test_diverged_runs_are_left_out_and_counted(runs, publish, captions):
    write(runs, record("transformer_mixed", "uhn_no_init", SEEDS[0], None))
    lines = table(publish("5")["csv"])
    assert {(line["series"], line["n"]) for line in lines} == {("with_init", "2"), ("without_init", "1")}
    assert "Failed (diverged): 1 of 4 runs, not drawn." in captions[0]
    write(runs, record("transformer_mixed", "uhn_no_init", SEEDS[1], None))
    assert {line["series"] for line in table(publish("5")["csv"])} == {"with_init"}


@pytest.mark.parametrize("name", figure_names())
def test_a_figure_of_diverged_runs_only_still_says_so(runs, publish, captions, name):
    for path in sorted(runs.rglob("result.json")):
        data = json.loads(path.read_text()) | {"status": "diverged", "reason": "loss is not finite", "metrics": {}}
        path.write_text(json.dumps(data))
    assert publish(name)["png"].stat().st_size > 1000
    assert ", not drawn." in captions[0]


def test_levels_have_the_scale_of_every_level_made_so_far(publish):
    lines = table(publish("levels")["csv"])
    own = [line for line in lines if line["series"] == "recursion_k2"]
    # 20 logged steps per level; level 0 is in all of them, level 2 in the last 20
    assert [sum(line["level"] == str(level) for line in own) for level in range(3)] == [60, 40, 20]
    first = next(line for line in own if line["level"] == "2")
    assert first["step"] == str(50 * 40)
    assert float(first["std_mean"]) == pytest.approx(0.31 / 3)


def test_kernel_statistics_of_known_kernels():
    rng = np.random.default_rng(1)
    one = rng.standard_normal((3, 2, 2))
    # channels 2a, a + 1 and -a: correlations 1, -1, -1
    kernel = np.stack([2 * one, one + 1, -one]).astype(np.float32)
    found = statistics(kernel)
    assert found["mean_correlation"] == pytest.approx(-1 / 3, abs=1e-6)
    assert found["mean_absolute_correlation"] == pytest.approx(1, abs=1e-6)
    assert found["variance"] == pytest.approx(np.mean(kernel**2) - np.mean(kernel) ** 2, rel=1e-5)
    constant = statistics(np.ones((2, 1, 3, 3), np.float32))
    assert constant["variance"] == 0 and np.isnan(constant["mean_correlation"])


def test_figure_4_has_the_statistics_of_every_seed(publish):
    lines = table(publish("4")["csv"])
    assert [(line["series"], line["shown"]) for line in lines] == [
        (name, str(shown)) for name in ("raw", "positional", "gaussian_fourier") for shown in (True, False)
    ]
    # channels 0.8 common + 0.2 own noise: correlation 0.64 / 0.68
    assert float(lines[0]["mean_correlation"]) == pytest.approx(0.64 / 0.68, abs=0.02)


def test_a_mosaic_has_one_tile_per_pair_of_channels():
    kernel = np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2)
    tiles = mosaic(kernel)
    assert tiles.shape == (5, 8)
    np.testing.assert_array_equal(tiles[3:5, 6:8], kernel[1, 2])
    assert np.isnan(tiles[2]).all() and np.isnan(tiles[:, 5]).all()


def test_growth_has_the_printed_counts(publish):
    lines = {(line["row"], line["column"]): line for line in table(publish("growth")["csv"])}
    assert lines["cifar10_cnn56", "ha"]["params_paper_scale"] == "668026"
    assert lines["cifar10_cnn56", "ha"]["target_paper_scale"] == "850986"
    assert lines["cifar10_cnn20", "uhn"]["params_run"] == "61211"


def run_file(runs, setting, variant, name):
    return runs / setting / variant / f"seed{SEEDS[1]}" / name


@pytest.mark.parametrize(
    ("name", "pair", "file", "content", "message"),
    [
        ("4", ("cifar10_cnn20", "raw"), "kernel.npy", None, r"seed59358/kernel\.npy: missing; evaluate the run"),
        ("4", ("cifar10_cnn20", "raw"), "kernel.npy", b"\x93NUMPY", r"kernel\.npy: is no readable array"),
        ("5", ("transformer_mixed", "uhn"), "metrics.jsonl", None, r"metrics\.jsonl: cannot be read"),
        (
            "5",
            ("transformer_mixed", "uhn"),
            "metrics.jsonl",
            b'{"step": 1, "phase": "train"}\n{"st',
            r"metrics\.jsonl, line 2: expected an object",
        ),
        ("5", ("transformer_mixed", "uhn"), "metrics.jsonl", b'{"step": 1, "phase": "train"}\n', "has no mean losses"),
        (
            "levels",
            ("recursion_k1", "uhn"),
            "metrics.jsonl",
            b'{"step": 1, "phase": "init"}\n',
            "has no level statistics",
        ),
        ("3", ("cnn_mixed_width", "uhn"), "result.json", None, r"seed59358/result\.json: missing"),
    ],
)
def test_damaged_files_are_named_and_nothing_is_written(runs, tmp_path, name, pair, file, content, message):
    path = run_file(runs, *pair, file)
    path.unlink() if content is None else path.write_bytes(content)
    seeds = dict.fromkeys([pair], SEEDS)
    with pytest.raises(UserError, match=message) as caught:
        publish_with(runs, tmp_path, name, seeds)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def publish_with(runs, tmp_path, name, seeds):
    """Publish with the given seeds of some runs, both seeds of all others."""

    class Seeds(dict):
        def __missing__(self, pair):
            return SEEDS

    publish_figure(name, runs, tmp_path / "out", "demo", "synthetic", seeds=Seeds(seeds))


def test_other_arrays_are_no_kernels(runs, publish):
    path = run_file(runs, "cifar10_cnn20", "raw", "kernel.npy")
    for array in (np.zeros((3, 3), np.float32), np.zeros((1, 1, 3, 3)), np.full((1, 1, 3, 3), np.nan, np.float32)):
        np.save(path, array)
        with pytest.raises(UserError, match=r"kernel\.npy: expected finite float32 of shape \(out, in,"):
            publish("4")


def test_runs_without_per_model_results(runs, publish):
    write(runs, record("cnn_mixed_width", "uhn", SEEDS[0], 0.0, metrics={}))
    with pytest.raises(UserError, match=r"seed21962/result\.json: has no per-model results"):
        publish("3")


def test_levels_are_shown_one_after_the_other(runs, publish):
    """Each level is a phase whose steps start at 0: 101 steps of the first, then those of the second."""
    for seed in SEEDS:
        logged = [("init_0", 0, {"0": 0.4}), ("init_0", 100, {"0": 0.2})]
        logged += [("init_1", 0, {"0": 0.2, "1": 0.8}), ("init_1", 100, {"0": 0.2, "1": 0.1}), ("train", 0, {"0": 9.0})]
        lines = [{"phase": phase, "step": step, "level_std": stds} for phase, step, stds in logged]
        write_lines(runs / "recursion_k1" / "uhn" / f"seed{seed}" / "result.json", lines)
    own = [line for line in table(publish("levels")["csv"]) if line["series"] == "recursion_k1"]
    assert [(line["level"], int(line["step"]), float(line["std_mean"])) for line in own] == [
        *(("0", 0, 0.4), ("0", 100, 0.2), ("0", 101, 0.2), ("0", 201, 0.2)),
        *(("1", 101, 0.8), ("1", 201, 0.1)),
    ]


def test_a_users_matplotlib_settings_do_not_change_a_figure(publish, monkeypatch):
    first = publish("growth", "one")["png"].read_bytes()
    monkeypatch.setitem(matplotlib.rcParams, "lines.linewidth", 9.0)
    assert publish("growth", "two")["png"].read_bytes() == first
