"""What tables of run results say about themselves."""

import pytest
from printed_table import change_runs, publish, texts


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
    assert len(published.warnings) == 1
    for path in published.paths[1:]:
        text = path.read_text()
        assert "Code versions 1, 2, 3, sources d1, d2, d3. Warning: The runs of this table mix 3 code versions" in text


def test_mixed_sources_are_named_without_a_warning(config, runs):
    change_runs(runs, lambda data: data.update(source_digest=f"d{data['seed']}"))
    published = publish(config, runs)
    assert not published.warnings
    for path in published.paths[1:]:
        assert "Code version 1, sources d1, d2, d3." in path.read_text()
        assert "Warning" not in path.read_text()
