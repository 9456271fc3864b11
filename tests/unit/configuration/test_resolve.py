"""Configuration files by name; seeds and data sources of a scale."""

import pytest

from uhn.configuration.resolve import load_defaults, load_experiment, load_pipeline, load_scale, resolve, seeds_of
from uhn.errors import UserError
from uhn.paths import config_dir


def test_unknown_names_are_named_with_a_hint():
    with pytest.raises(UserError, match="unknown setting 'kan_kw'; did you mean 'kan_"):
        load_experiment("kan_kw")
    with pytest.raises(UserError, match="unknown scale 'x'; expected one of cpu, demo, lite, paper"):
        load_scale("x")


def test_seeds():
    """Three of every setting but the graphs, which have ten (spec: Appendix F); a scale takes the first ones."""
    kv, graph = load_experiment("kan_kv"), load_experiment("cora_gat")
    assert seeds_of(kv, "paper") == [21962, 59358, 78117]
    assert seeds_of(graph, "paper")[3:] == [23547, 81797, 81105, 95819, 42270, 24014, 20964]
    assert seeds_of(graph, "lite") == seeds_of(kv, "paper")
    assert seeds_of(kv | {"seeds": [5, 6, 7, 8]}, "paper") == [5, 6, 7, 8]
    assert seeds_of(kv | {"seeds": [5, 6, 7, 8]}, "demo") == [5, 6]


@pytest.mark.parametrize(
    ("setting", "scale", "source", "found"),
    [
        ("kan_kv", "paper", None, "formula"),
        ("kan_kv", "demo", "standin", "formula"),
        ("mnist_mlp", "paper", None, "published"),
        ("mnist_mlp", "demo", None, "standin"),
        ("mnist_mlp", "demo", "local", "published"),
        ("mnist_mlp", "paper", "standin", "standin"),
        ("multi_task", "paper", None, "published"),  # one of its tasks is a formula
    ],
)
def test_source_of_a_run(setting, scale, source, found):
    config = resolve(load_experiment(setting), "uhn", 1, scale, source)
    assert (config.source, config.scale) == (found, scale)


def test_every_experiment_file_resolves_at_every_scale():
    for path in (config_dir() / "experiments").glob("*.yaml"):
        experiment = load_experiment(path.stem)
        for variant in experiment["variants"]:
            for scale in ("demo", "cpu", "lite", "paper"):
                config = resolve(experiment, variant, 1, scale)
                assert config.train.budget >= 1 and config.train.lr > 0


def test_what_the_pipeline_builds_by_default():
    assert load_pipeline()["scale"] == "demo"
    assert load_defaults()["precision"] == {"cpu": "float32", "cuda": "float16"}
