"""Training losses (Figure 5)."""

import json

import pytest
from synthetic_figures import SEEDS, write_lines
from synthetic_results import record, write

from uhn.errors import UserError


def test_figure_5_has_the_epoch_losses_of_all_seeds(lines_of):
    lines = lines_of("5")
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
        write_lines(path.with_name("result.json"), parts)


def test_figure_5_of_a_schedule_in_steps_has_the_mean_losses_of_its_parts(runs, lines_of):
    for variant in ("uhn", "uhn_no_init"):
        in_steps(runs, variant)
    lines = lines_of("5")
    assert [line["step"] for line in lines] == 2 * [str(10 * part) for part in range(1, 21)]
    assert [float(lines[1][f"loss_{name}"]) for name in ("mean", "min", "max")] == pytest.approx([0.5125, 0.5, 0.525])


def test_figure_5_does_not_mix_epochs_and_steps(runs, publish):
    in_steps(runs, "uhn_no_init")
    with pytest.raises(UserError, match="epochs and in steps cannot share a figure"):
        publish("5")


def test_diverged_runs_are_left_out_and_counted(runs, lines_of, captions):
    write(runs, record("transformer_mixed", "uhn_no_init", SEEDS[0], None))
    lines = lines_of("5")
    assert {(line["series"], line["n"]) for line in lines} == {("with_init", "2"), ("without_init", "1")}
    assert "1 of 4 runs diverged, not drawn;" in captions[0]
    write(runs, record("transformer_mixed", "uhn_no_init", SEEDS[1], None))
    assert {line["series"] for line in lines_of("5")} == {"with_init"}
