"""The long frame: numbers, diverged runs, counts, keys."""

import math

import pytest
from run_files import edit

from uhn.errors import UserError
from uhn.reporting.collect import collect
from uhn.reporting.reference import load_reference
from uhn.reporting.result_frame import build_result_frame, params_warnings
from uhn.reporting.table_definitions import load_table
from uhn.reporting.verdict import load_margins

COLUMNS = [
    "table",
    "row",
    "column",
    "function",
    "model",
    "metric",
    "ours_mean",
    "ours_std",
    "n",
    "ci_low",
    "ci_high",
    "paper_mean",
    "paper_std",
    "comparison",
    "comparison_value",
    "comparison_low",
    "comparison_high",
    "margin_low",
    "margin_high",
    "verdict",
    "seeds_to_decide",
    "failures",
    "params_run",
    "params_paper_scale",
    "trainable_run",
    "trainable_paper_scale",
    "target_run",
    "target_paper_scale",
    "init_steps_mean",
    "train_steps_mean",
    "step_s_mean",
    "peak_memory_bytes_max",
    "wall_s_mean",
    "cpu_s_mean",
    "devices",
    "data_sources",
    "data_notes",
    "code_versions",
    "source_digests",
    "run_keys",
    "failed_keys",
    "failed_reasons",
]


COMPARISON = COLUMNS[COLUMNS.index("comparison") : COLUMNS.index("failures")]


def frame_of(config, runs, margins=None):
    table = load_table(7, config)
    return build_result_frame(table, collect(table.runs, runs, "demo"), load_reference(config), margins)


def lines_of(frame):
    return {(line["row"], line["column"]): line for line in frame.to_dict("records")}


@pytest.fixture
def lines(config, runs):
    return lines_of(frame_of(config, runs, load_margins(config)))


def test_columns_and_order(config, runs):
    frame = frame_of(config, runs)
    assert list(frame.columns) == COLUMNS
    assert list(zip(frame["row"], frame["column"], strict=True)) == [
        ("kan_kv", "direct"),
        ("kan_kv", "uhn"),
        ("kan_jv", "direct"),
        ("kan_jv", "uhn"),
    ]


def test_a_cell_with_a_reference(lines):
    line = lines["kan_kv", "uhn"]
    half = 4.3027 * 0.001 / math.sqrt(3)
    assert line["ours_mean"] == pytest.approx(0.011)
    assert line["ours_std"] == pytest.approx(0.001)
    assert line["ci_low"] == pytest.approx(0.011 - half, rel=1e-4)
    assert line["ci_high"] == pytest.approx(0.011 + half, rel=1e-4)
    assert (line["n"], line["failures"], line["metric"]) == (3, 0, "test/rmse")
    assert (line["paper_mean"], line["paper_std"]) == (0.0104, 0.001)
    assert (line["function"], line["model"]) == ("kv_1", "KAN-g5")
    assert line["run_keys"] == "kan_kv/uhn/seed1 kan_kv/uhn/seed2 kan_kv/uhn/seed3"
    assert line["failed_keys"] == ""
    assert (line["wall_s_mean"], line["cpu_s_mean"]) == (4.0, 3.0)
    assert (line["init_steps_mean"], line["train_steps_mean"], line["step_s_mean"]) == (10, 100, 0.02)
    assert (line["peak_memory_bytes_max"], line["devices"]) == (1000, "cpu")


def test_a_cell_is_compared_with_the_paper(lines):
    """0.011 over 0.0104; relative stds 1/11 and 1/10.4, n 3 and 3: standard error 0.076398 of the logarithm, Welch's
    degrees of freedom 3.9875, t 2.7799, half width 0.21238. The paper's own spread is too wide for any n of ours."""
    line = lines["kan_kv", "uhn"]
    assert (line["comparison"], line["verdict"]) == ("ratio", "undecided")
    assert line["comparison_value"] == pytest.approx(0.011 / 0.0104)
    assert line["comparison_low"] == pytest.approx(0.011 / 0.0104 * math.exp(-0.212378), rel=1e-4)
    assert line["comparison_high"] == pytest.approx(0.011 / 0.0104 * math.exp(0.212378), rel=1e-4)
    assert (line["margin_low"], line["margin_high"]) == pytest.approx((0.8, 1.25))
    assert line["seeds_to_decide"] == ""


def test_a_ratio_far_outside_the_margin_differs(lines):
    """0.031 over 0.0211 is 1.469; our relative std 0.0323 on both sides, 4 degrees: half 2.7764 * 0.02634 = 0.0731."""
    line = lines["kan_kv", "direct"]
    assert line["verdict"] == "differs"
    assert line["comparison_low"] == pytest.approx(0.031 / 0.0211 * math.exp(-0.07313), rel=1e-4)
    assert math.isnan(line["paper_std"])


def test_nothing_is_compared_without_margins(config, runs):
    frame = frame_of(config, runs)
    assert frame["paper_mean"].notna().any()
    assert all(line[name] == "" or math.isnan(line[name]) for line in frame.to_dict("records") for name in COMPARISON)


def test_stand_in_data_are_never_compared(config, runs):
    path = runs / "kan_kv" / "uhn" / "seed3" / "result.json"
    edit(path, lambda data: data["data"].update(source="standin", note="small"))
    lines = lines_of(frame_of(config, runs, load_margins(config)))
    stand_in = lines["kan_kv", "uhn"]
    assert (stand_in["verdict"], stand_in["comparison"]) == ("", "")
    assert (stand_in["data_sources"], stand_in["data_notes"]) == ("formula standin", "small")
    assert lines["kan_kv", "direct"]["verdict"] == "differs"


def test_a_metric_needs_a_margin(config, runs):
    with pytest.raises(UserError, match=r"verdicts\.yaml: has no margin for rmse, which kan_kv shows; add one"):
        frame_of(config, runs, {})


def test_parameter_counts(lines):
    line = lines["kan_kv", "uhn"]
    assert (line["params_run"], line["params_paper_scale"]) == (73_365, 612_117)
    assert (line["trainable_run"], line["trainable_paper_scale"]) == (70_785, 591_617)
    assert (line["target_run"], line["target_paper_scale"]) == (97, 254)


def test_diverged_runs_are_failures_and_not_averaged(lines):
    some, all_failed = lines["kan_jv", "uhn"], lines["kan_jv", "direct"]
    assert some["ours_mean"] == pytest.approx(0.00013)
    assert (some["n"], some["failures"], some["failed_keys"]) == (2, 1, "kan_jv/uhn/seed2")
    assert some["run_keys"].split() == [f"kan_jv/uhn/seed{k}" for k in (1, 2, 3)]
    assert some["wall_s_mean"] == 4.0
    assert some["failed_reasons"] == "loss is not finite"
    assert (all_failed["n"], all_failed["failures"], all_failed["verdict"]) == (0, 3, "-")
    assert math.isnan(all_failed["ours_mean"]) and math.isnan(all_failed["wall_s_mean"])
    assert len(all_failed["failed_keys"].split()) == 3


def test_an_unknown_reference(lines):
    line = lines["kan_jv", "uhn"]
    assert line["verdict"] == "-"
    assert all(math.isnan(line[name]) for name in ("paper_mean", "paper_std", "comparison_value"))


def test_a_cell_that_paper_csv_lacks(config, runs):
    path = config / "paper.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match="no line 7,kan_jv,uhn,metric"):
        frame_of(config, runs)


def test_seeds_of_different_size_are_refused(config, runs):
    path = runs / "kan_kv" / "uhn" / "seed3" / "result.json"
    edit(path, lambda data: data["parameters"]["run"].update(printed=5))
    with pytest.raises(UserError, match=r"seed3/result\.json: printed of parameters \(run\) is 5, but 73,365 in "):
        frame_of(config, runs)


def test_a_paper_scale_count_that_the_paper_contradicts(config, runs):
    references = load_reference(config)
    assert params_warnings(frame_of(config, runs), references) == []
    path = config / "paper.csv"
    path.write_text(path.read_text().replace("params,254", "params,255"))
    (warning,) = params_warnings(frame_of(config, runs), load_reference(config))
    assert warning == (
        "Parameter counts at the paper's scale differ from the printed ones: kan_kv direct has 254, printed 255."
    )
