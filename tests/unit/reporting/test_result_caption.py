"""What tables of run results say about themselves."""

import pytest
from printed_table import change_runs, publish, texts


def caption(config, runs, **changes):
    return texts(config, runs, **changes)["md"].split("\n\n")[1]


def test_three_sentences(config, runs):
    change_runs(runs, lambda data: data["data"].update(source="local", note="100 of 500 points."))
    path = config / "tables" / "table_07.yaml"
    path.write_text(path.read_text() + "notes: [one remark]\n")
    assert caption(config, runs) == (
        "Demo scale: reduced generator and schedule, not comparable with the paper; test RMSE on local data "
        "(100 of 500 points). Mean ± sample standard deviation over seeds 1, 2, 3 (n = 3 where not marked; 4 of 12 "
        "runs diverged). One remark."
    )


def test_the_latex_caption_says_the_same(config, runs):
    assert "; test RMSE on data computed from formulas. Mean $\\pm$ sample standard" in texts(config, runs)["tex"]


@pytest.mark.parametrize("source", ["standin", "download"])
def test_the_source_of_the_data_is_named(config, runs, source):
    def change(data):
        if data["setting"] == "kan_jv":
            data["data"].update(source=source, note="a note")

    change_runs(runs, change)
    named = {"standin": "formulas and stand-in data.", "download": "downloaded data and data computed from formulas (a"}
    assert named[source] in caption(config, runs)


def test_a_single_seed(config, runs):
    for seed in (2, 3):
        for path in runs.rglob(f"seed{seed}"):
            (path / "result.json").unlink()
            path.rmdir()
    assert "Values of seed 1 (n = 1 where not marked; 1 of 4 runs diverged)." in caption(config, runs)


def test_a_scale_that_does_not_name_itself_is_named(config, runs):
    assert caption(config, runs, scale_label="everything reduced.").startswith("Demo scale: everything reduced; test")


def test_mixed_versions_warn_in_every_caption(config, runs):
    change_runs(runs, lambda data: data.update(code_version=data["seed"], source_digest=f"d{data['seed']}"))
    published = publish(config, runs)
    assert len(published.warnings) == 1
    for path in published.paths[1:]:
        assert "diverged). Warning: The runs of this table mix 3 code versions (1, 2, 3)" in path.read_text()
    header, first, *_ = published.paths[0].read_text().splitlines()
    assert "1 2 3,d1 d2 d3" in first and "code_versions,source_digests" in header


def test_mixed_sources_of_code_do_not_warn(config, runs):
    change_runs(runs, lambda data: data.update(source_digest=f"d{data['seed']}"))
    published = publish(config, runs)
    assert not published.warnings
    assert "Warning" not in published.paths[1].read_text()
