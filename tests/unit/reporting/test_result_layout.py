"""What stands where in the printed tables of run results."""

import re

import pytest
from printed_table import at_paper_scale, change_runs, fields, lines_of, more_methods, texts
from synthetic_results import record, write


def test_at_a_scale_of_its_own_the_papers_value_stands_beside_in_grey(config, runs):
    found = texts(config, runs)
    kv, jv = fields(found["md"])["kv_1"], fields(found["md"])["jv"]
    assert kv == {
        "Function": "kv_1",
        "Model": "KAN-g5",
        "target #Params": "97",
        "Direct: ours": "0.0310 ± 0.0010",
        "Direct: paper": "<sub>0.0211</sub>",
        "UHN: ours": "0.0110 ± 0.0010",
        "UHN: paper": "<sub>0.0104 ± 0.0010</sub>",
    }
    assert jv["Direct: ours"] == "3 of 3 diverged"
    assert jv["Direct: paper"] == jv["UHN: paper"] == "<sub>unknown</sub>"
    assert jv["UHN: ours"] == "0.000130 ± 0.000014 (1 of 3 diverged)"
    assert "**" not in found["md"].split("\n", 1)[1]
    assert r"\textcolor{gray}{0.0104 $\pm$ 0.0010}" in found["tex"]


def test_at_the_papers_scale_cells_are_compared(config, runs):
    lines = lines_of(at_paper_scale(config, runs)["md"])
    assert lines["kv_1", "Direct"] == {
        "Function": "kv_1",
        "Model": "KAN-g5",
        "Method": "Direct",
        "#Params": "97",
        "ours": "0.0310 ± 0.0010",
        "paper": "0.0211",
        r"ratio \[95 % interval\]": r"× 1.47 \[1.37, 1.58\]",  # 1.469 exp(± 0.0731), see the frame's tests
        "verdict": "differs",
    }
    uhn = lines["kv_1", "UHN"]
    assert (uhn["#Params"], uhn["ours"]) == ("73,365", "**0.0110 ± 0.0010**")
    assert uhn[r"ratio \[95 % interval\]"] == r"× 1.06 \[0.86, 1.31\]"  # 1.0577 exp(± 0.2122)
    assert uhn["verdict"] == "undecided at any n"
    assert lines["jv", "Direct"]["ours"] == "3 of 3 diverged"
    assert lines["jv", "UHN"]["ours"] == "**0.000130 ± 0.000014** (1 of 3 diverged)"
    assert [lines["jv", "UHN"][head] for head in ("paper", "verdict")] == ["unknown", "-"]


def test_an_undecided_cell_says_how_many_seeds_would_decide(config, runs):
    """Ratio 1, relative stds 0.1154 of ours and 0.1 of the paper's three: with n 3 the half width is 0.2467, more than
    log 1.25 = 0.2231; with n 4 it is 0.2125."""
    for seed, value in enumerate((0.0092, 0.0104, 0.0116), start=1):
        write(runs, record("kan_kv", "uhn", seed, value))
    path = config / "paper.csv"
    path.write_text(path.read_text().replace("0.0104,0.0010", "0.0104,0.00104"))
    verdict = lines_of(at_paper_scale(config, runs)["md"])["kv_1", "UHN"]["verdict"]
    assert verdict == r"undecided, n \>= 4 would decide"


def test_n_stands_behind_the_cells_that_depart_from_the_caption(config, runs):
    for setting, variant in (("kan_jv", "direct"), ("kan_jv", "uhn")):
        for seed in (1, 2, 3):
            write(runs, record(setting, variant, seed, 0.01 + seed / 1000))
    assert "(n = 3; no run of 12 diverged)" in texts(config, runs)["md"]
    (runs / "kan_jv" / "uhn" / "seed3" / "result.json").unlink()
    (runs / "kan_jv" / "uhn" / "seed3").rmdir()
    text = texts(config, runs)["md"]
    assert "(n = 3 where not marked; no run of 11 diverged)" in text
    assert fields(text)["jv"]["UHN: ours"] == "0.01150 ± 0.00071 (n = 2)"
    assert fields(text)["jv"]["Direct: ours"] == "0.0120 ± 0.0010"


def test_failures_of_every_cell_alike_need_no_mark(config, runs):
    change_runs(runs, lambda data: data.update(record(data["setting"], data["variant"], data["seed"], 0.01)))
    for path in runs.rglob("seed2/result.json"):
        setting, variant = path.parts[-4:-2]
        write(runs, record(setting, variant, 2, None))
    text = texts(config, runs)["md"]
    assert "(n = 2; 4 of 12 runs diverged)" in text
    assert "of 3 diverged)" not in text


def test_stand_ins_among_real_data_are_marked(config, runs):
    def change(data):
        data["data"]["source"] = "standin" if data["setting"] == "kan_jv" else "local"

    change_runs(runs, change)
    rows = fields(texts(config, runs)["md"])
    assert rows["jv"]["UHN: ours"] == "0.000130 ± 0.000014 (1 of 3 diverged) (stand-in)"
    assert rows["kv_1"]["UHN: ours"] == "0.0110 ± 0.0010"


def test_sizes_that_differ_between_rows_stand_in_the_lines(config, runs):
    def change(data):
        if data["setting"] == "kan_jv" and data["variant"] == "uhn":
            data["parameters"]["run"].update(trainable=148_353, printed=158_613)

    change_runs(runs, change)
    lines = lines_of(texts(config, runs)["md"])
    assert [lines[key]["#Params"] for key in (("kv_1", "Direct"), ("kv_1", "UHN"), ("jv", "UHN"))] == [
        "97",
        "73,365",
        "158,613",
    ]


def test_higher_accuracy_is_bold(config, runs):
    def change(data):
        if "test/rmse" in data["metrics"]:
            data["metrics"] = {"test/accuracy": data["metrics"]["test/rmse"]}

    change_runs(runs, change)
    path = config / "tables" / "table_07.yaml"
    path.write_text(path.read_text().replace("test/rmse", "test/accuracy"))
    lines = lines_of(at_paper_scale(config, runs)["md"])
    assert lines["kv_1", "Direct"]["ours"] == "**0.0310 ± 0.0010**"
    assert lines["kv_1", "UHN"]["ours"] == "0.0110 ± 0.0010"
    # 0.0310 - 0.0211; std 0.001 on both sides, n 3: half 2.7764 * 0.001 * sqrt(2/3) = 0.00227
    assert lines["kv_1", "Direct"][r"difference \[95 % interval\]"] == r"+0.0099 \[+0.0076, +0.0122\]"


def test_different_metrics_are_not_compared(config, runs):
    def change(data):
        if data["variant"] == "uhn" and data["metrics"]:
            data["metrics"] = {"test/accuracy": 0.9}

    change_runs(runs, change)
    path = config / "tables" / "table_07.yaml"
    path.write_text(path.read_text().replace("variant: uhn, metric: test/rmse", "variant: uhn, metric: test/accuracy"))
    text = at_paper_scale(config, runs)["md"]
    assert lines_of(text)["kv_1", "UHN"]["ours"] == "0.9000 ± 0.0000"
    assert "test RMSE and accuracy on" in text
    assert r"| difference or ratio \[95 % interval\] |" in text
    assert "**0." not in text


def test_a_diverged_cell_with_a_reference_has_no_difference(config, runs):
    for seed in (1, 2, 3):
        write(runs, record("kan_kv", "uhn", seed, None))
    lines = lines_of(at_paper_scale(config, runs)["md"])
    line = lines["kv_1", "UHN"]
    assert [line[head] for head in ("ours", "paper", r"ratio \[95 % interval\]", "verdict")] == [
        "3 of 3 diverged",
        "0.0104 ± 0.0010",
        "-",
        "-",
    ]
    assert lines["kv_1", "Direct"]["ours"] == "**0.0310 ± 0.0010**"


@pytest.mark.parametrize(("further", "stacked"), [(1, False), (2, True)])
def test_methods_are_stacked_beyond_ten_columns(config, runs, further, stacked):
    """Two labels, #Params, and two columns a method: nine with three methods, eleven with four."""
    more_methods(config, runs, further)
    text = texts(config, runs)["md"]
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    if not stacked:
        assert len(lines[0]) == 9 and len(lines) == 2 + 2
        return
    assert lines[0] == ["Function", "Model", "Method", "#Params", "ours", "paper"]
    assert [re.findall(r"Direct|UHN|other\d", " ".join(line)) for line in lines[2:]] == 2 * [
        ["Direct"],
        ["UHN"],
        ["other0"],
        ["other1"],
    ]
    assert text.count("kv_1") == 1


def test_columns_of_the_same_runs_are_not_compared(config, runs):
    path = config / "tables" / "table_07.yaml"
    path.write_text(path.read_text().replace("variant: direct", "variant: uhn"))
    assert "**0." not in at_paper_scale(config, runs)["md"]
