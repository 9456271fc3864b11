"""The printed tables: what stands in .md and .tex, escaping, and that LaTeX accepts it."""

import csv
import json
import re
import shutil
import subprocess

import pytest
import yaml
from synthetic_results import record, write

from uhn.errors import UserError
from uhn.reporting import latex, markdown
from uhn.reporting.publish_table import publish_table

LABEL = "demo scale: reduced generator and schedule, not comparable with the paper"


def publish(config, runs, **changes):
    out = runs.parent / "out"
    return publish_table(
        7, **{"folder": runs, "out": out, "scale": "demo", "scale_label": LABEL, "config": config, **changes}
    )


def texts(config, runs, **changes):
    paths = publish(config, runs, **changes).paths
    return {path.suffix[1:]: path.read_text() for path in paths}


def fields(text):
    """The fields of a Markdown table by row label and heading."""
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {line[0]: dict(zip(table[0], line, strict=True)) for line in table[2:]}


def change_runs(runs, change):
    paths = sorted(runs.rglob("result.json"))
    assert len(paths) == 12
    for path in paths:
        data = json.loads(path.read_text())
        change(data)
        path.write_text(json.dumps(data))


def test_three_files_named_by_table(config, runs):
    published = publish(config, runs)
    assert [path.name for path in published.paths] == ["table_07.csv", "table_07.md", "table_07.tex"]
    assert published.warnings == []
    with published.paths[0].open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 4
    assert float(lines[1]["ours_mean"]) == pytest.approx(0.011)
    assert lines[2]["paper_mean"] == "" and lines[2]["failures"] == "3"


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


@pytest.mark.parametrize("ending", ["md", "tex"])
def test_what_the_caption_states(config, runs, ending):
    change_runs(runs, lambda data: data["data"].update(note="grid of 100 points" if data["seed"] == 1 else None))
    text = texts(config, runs)[ending]
    for statement in (
        "Demo scale: reduced generator and schedule, not comparable with the paper.",
        "Data source: formula. Grid of 100 points. Metric: test/rmse (lower is better)",
        "Seeds: 1, 2, 3.",
        "sample std (ddof 1) over the completed runs of a cell (n from 0 to 3)",
        "Verdict: within = the paper's mean lies in our 95",
        "Failed (diverged): 4 of 12 runs, counted under fail.",
        "Generator UHN: 70,785 trainable parameters, 73,365 as the paper counts (with frozen tensors); "
        "at the paper's scale 591,617 and 612,117.",
        "Code version 1, source 5eed5eed5eed.",
    ):
        assert statement in text
    assert text.count("Grid of 100 points") == 1
    assert "Warning" not in text
    assert "Generator Direct" not in text


def test_sources_of_data_are_told_apart(config, runs):
    def change(data):
        if data["setting"] == "kan_jv":
            data["data"]["source"] = "standin"

    change_runs(runs, change)
    assert "Data sources: formula (kv_1 KAN-g5); standin (jv KAN-g10)." in texts(config, runs)["md"]


def test_a_scale_that_does_not_name_itself_is_named(config, runs):
    text = texts(config, runs, scale_label="everything reduced.")["md"]
    assert "Demo scale: everything reduced. Data source" in text


def test_mixed_versions_warn_in_every_caption(config, runs):
    change_runs(runs, lambda data: data.update(code_version=data["seed"], source_digest=f"d{data['seed']}"))
    published = publish(config, runs)
    assert len(published.warnings) == 2
    for path in published.paths[1:]:
        assert "Warning: The runs of this table mix 3 code versions (1, 2, 3)" in path.read_text()
        assert "Warning: The runs of this table mix 3 source digests (d1, d2, d3)" in path.read_text()


def test_mixed_scales_write_nothing(config, runs):
    change_runs(runs, lambda data: data.update(scale="lite" if data["seed"] == 2 else "demo"))
    with pytest.raises(UserError, match="is a run of scale lite, expected demo"):
        publish(config, runs)
    assert not (runs.parent / "out").exists()


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


def more_methods(config, runs, count):
    """Give table 7 ``count`` further methods and remove what does not concern them."""
    path = config / "tables" / "table_07.yaml"
    data = yaml.safe_load(path.read_text())
    for name in [f"other{k}" for k in range(count)]:
        data["columns"].append({"id": name, "label": name, "variant": name, "metric": "test/rmse"})
        with (config / "paper.csv").open("a") as file:
            for setting in ("kan_kv", "kan_jv"):
                file.write(f"7,{setting},{name},metric,,,3,,unknown\n")
                for seed in (1, 2, 3):
                    write(runs, record(setting, name, seed, 0.02 + seed * 0.001))
    path.write_text(yaml.safe_dump(data))


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


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b", r"a\_b"),
        ("5% & #1", r"5\% \& \#1"),
        ("\\{}", r"\textbackslash{}\{\}"),
        ("n < 2 ± 1", r"n $<$ 2 $\pm$ 1"),
        ("$x^2~|", r"\$x\textasciicircum{}2\textasciitilde{}\textbar{}"),
        ("−0.1", "$-$0.1"),
    ],
)
def test_latex_escapes(text, escaped):
    assert latex.escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("sph_harm01", "sph_harm01"),
        ("_a_ *b*", r"\_a\_ \*b\*"),
        ("n < 2 [1]", r"n \< 2 \[1\]"),
        ("a\\b`", r"a\\b\`"),
    ],
)
def test_markdown_escapes(text, escaped):
    assert markdown.escape(text) == escaped


def test_special_characters_of_labels_are_escaped(config, runs):
    found = texts(config, runs)
    assert r"\textbf{A table of 100\% synthetic\_runs \& more.}" in found["tex"]
    assert r"kv\_1 & KAN-g5 & 97 / 254 & 0.0310 $\pm$ 0.0010 & 0.0211" in found["tex"]
    assert r"\cmidrule(lr){4-9} \cmidrule(lr){10-15}" in found["tex"]
    assert r"\setcounter{table}{6}" in found["tex"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("further", [0, 2])
def test_the_document_compiles_on_its_own(config, runs, further):
    more_methods(config, runs, further)
    path = publish(config, runs, scale_label=r"demo scale: a|b \x {y} ~z ^w × $5 #1 <3>").paths[2]
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert path.with_suffix(".pdf").stat().st_size > 1000
    assert "Overfull" not in done.stdout
    assert "(1 page," in done.stdout
