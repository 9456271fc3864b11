"""Experiment files as the paper's runs; what does not fit together is named."""

import pytest

from uhn.configuration.published import published_run
from uhn.configuration.resolve import load_defaults, load_experiment
from uhn.errors import UserError


def run(experiment, variant="uhn", **options):
    return published_run(experiment, load_defaults(), variant, 21962, **options)


def test_a_single_task_is_named_after_its_data_set():
    config = run(load_experiment("mnist_mlp"), mode="tuning")
    (task,) = config.tasks
    assert (task.name, task.kind, task.batch_size, task.probability) == ("mnist", "image_classification", 256, 1.0)
    assert (config.scale, config.mode, config.method, config.depth) == ("paper", "tuning", "uhn", None)


def test_sizes_of_a_setting_and_of_a_variant_replace_defaults():
    kept = run(load_experiment("multi_task"), "uhn_no_tse").hypernetwork
    assert (kept.structure_encoder, kept.hidden_dim) == (False, 128)
    assert run(load_experiment("multi_task")).hypernetwork.structure_encoder
    assert run(load_experiment("cifar10_cnn20"), "width_32").hypernetwork.hidden_dim == 32


def test_only_the_uhn_is_initialised_and_has_a_choice_of_evaluations():
    for variant in ("direct", "ha", "chunked"):
        config = run(load_experiment("cifar10_cnn20"), variant)
        assert (config.method, config.init, config.generation) == (variant, None, None)


@pytest.mark.parametrize(
    ("setting", "changes", "message"),
    [
        ("cora_gcn", {"batch_size": 32}, "batch_size 32 for node_classification, which takes all its data in every"),
        ("recursion_k1", {"depth": 3}, "init has 2 learning rates, expected one for each of the 4 levels"),
    ],
)
def test_what_does_not_fit_together_is_named(setting, changes, message):
    with pytest.raises(UserError, match=message):
        run(load_experiment(setting) | changes)


def test_gradient_surgery_needs_several_tasks():
    experiment = load_experiment("kan_kv")
    uhn = experiment["variants"]["uhn"]
    surgery = uhn | {"train": uhn["train"] | {"gradient_surgery": True}}
    with pytest.raises(UserError, match="gradient_surgery combines the gradients of several tasks, this setting has"):
        run(experiment | {"variants": {"uhn": surgery}})


def test_an_unknown_variant_is_named_with_a_hint():
    with pytest.raises(UserError, match="setting 'kan_kv' has no variant 'hun'; did you mean 'uhn'"):
        run(load_experiment("kan_kv"), "hun")
