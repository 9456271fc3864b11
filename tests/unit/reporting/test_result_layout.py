"""What stands where in the printed tables of run results."""

import re

from printed_table import change_runs, fields, more_methods, texts
from synthetic_results import record, write


def test_fields_of_the_markdown_table(config, runs):
    rows = fields(texts(config, runs)["md"])
    kv, jv = rows["kv_1"], rows["jv"]
    assert kv["#Params run / paper"] == "97 / 254"
    assert kv["Direct: ours"] == "0.0310 ± 0.0010"
    assert kv["Direct: paper"] == "0.0211"
    assert kv["Direct: diff."] == "+0.0099"
    assert kv["Direct: verdict"] == "above"
    assert kv["UHN: ours"] == "**0.0110 ± 0.0010**"
    assert kv["UHN: paper"] == "0.0104 ± 0.0010"
    assert kv["UHN: verdict"] == "within"
    assert jv["Direct: ours"] == "diverged (3)"
    assert jv["Direct: paper"] == jv["UHN: paper"] == "unknown"
    assert (jv["Direct: n"], jv["Direct: fail."]) == ("0", "3")
    assert jv["UHN: ours"] == "**0.000130 ± 0.000014**"
    assert (jv["UHN: n"], jv["UHN: fail."], jv["UHN: diff."], jv["UHN: verdict"]) == ("2", "1", "-", "-")


def test_sizes_that_equal_the_papers_are_not_said_twice(config, runs):
    def change(data):
        data["parameters"]["run"] = data["parameters"]["paper"]

    change_runs(runs, change)
    text = texts(config, runs)["md"]
    assert fields(text)["kv_1"]["#Params"] == "254"
    assert "612,117 as the paper counts (with frozen tensors), the paper's size." in text


def test_sizes_that_differ_between_rows_stand_in_the_rows(config, runs):
    def change(data):
        if data["setting"] == "kan_jv" and data["variant"] == "uhn":
            data["parameters"]["paper"].update(trainable=148_353, printed=158_613)

    change_runs(runs, change)
    text = texts(config, runs)["md"]
    assert "Generator UHN" not in text
    assert fields(text)["kv_1"]["UHN: at paper's scale"] == "591,617 / 612,117"
    assert fields(text)["jv"]["UHN: at paper's scale"] == "148,353 / 158,613"
    assert fields(text)["jv"]["UHN: trainable / printed"] == "70,785 / 73,365"


def test_higher_accuracy_is_bold(config, runs):
    def change(data):
        if "test/rmse" in data["metrics"]:
            data["metrics"] = {"test/accuracy": data["metrics"]["test/rmse"]}

    change_runs(runs, change)
    path = config / "tables" / "table_07.yaml"
    path.write_text(path.read_text().replace("test/rmse", "test/accuracy"))
    row = fields(texts(config, runs)["md"])["kv_1"]
    assert row["Direct: ours"] == "**0.0310 ± 0.0010**"
    assert row["UHN: ours"] == "0.0110 ± 0.0010"


def test_different_metrics_are_not_compared(config, runs):
    def change(data):
        if data["variant"] == "uhn" and data["metrics"]:
            data["metrics"] = {"test/accuracy": 0.9}

    change_runs(runs, change)
    path = config / "tables" / "table_07.yaml"
    path.write_text(path.read_text().replace("variant: uhn, metric: test/rmse", "variant: uhn, metric: test/accuracy"))
    text = texts(config, runs)["md"]
    assert fields(text)["kv_1"]["UHN: ours"] == "0.9000 ± 0.0000"
    assert "test/rmse (lower is better), test/accuracy (higher is better)" in text
    assert "**0." not in text


def test_a_diverged_cell_with_a_reference_has_no_difference(config, runs):
    for seed in (1, 2, 3):
        write(runs, record("kan_kv", "uhn", seed, None))
    row = fields(texts(config, runs)["md"])["kv_1"]
    shown = [row[f"UHN: {head}"] for head in ("ours", "paper", "diff.", "verdict")]
    assert shown == ["diverged (3)", "0.0104 ± 0.0010", "-", "-"]
    assert row["Direct: ours"] == "**0.0310 ± 0.0010**"


def test_more_than_two_methods_are_stacked(config, runs):
    more_methods(config, runs, 2)
    text = texts(config, runs)["md"]
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert lines[0][:5] == ["Function", "Model", "#Params run / paper", "Method", "ours"]
    assert len(lines) == 2 + 8
    assert [re.findall(r"Direct|UHN|other\d", " ".join(line)) for line in lines[2:]] == 2 * [
        ["Direct"],
        ["UHN"],
        ["other0"],
        ["other1"],
    ]
    assert text.count("kv_1") == 1
    assert next(line for line in lines if "**" in " ".join(line))[-6] == "**0.0110 ± 0.0010**"


def test_columns_of_the_same_runs_are_not_compared(config, runs):
    path = config / "tables" / "table_07.yaml"
    path.write_text(path.read_text().replace("variant: direct", "variant: uhn"))
    text = texts(config, runs)["md"]
    assert "**0." not in text
    assert text.count("Generator Direct, UHN: 70,785") == 1
