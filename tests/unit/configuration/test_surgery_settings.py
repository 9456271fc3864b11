"""What a setting may ask of gradient surgery, and how long it then trains."""

from dataclasses import replace

import pytest

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import RunConfig, TrainConfig
from uhn.errors import UserError


def test_pcgrad_generates_as_many_targets_as_the_mixture():
    experiment = load_experiment("multi_task")
    plain, surgery = (resolve(experiment, variant, 21962, "paper") for variant in ("uhn", "uhn_pcgrad"))
    assert abs(surgery.train.budget * len(surgery.tasks) - plain.train.budget) < len(surgery.tasks)
    assert surgery.train == replace(plain.train, budget=surgery.train.budget, gradient_surgery=True)
    assert replace(surgery, variant="uhn", train=plain.train) == plain


def test_surgery_on_one_task_is_a_mistake():
    experiment = load_experiment("kan_kv")
    train = experiment["variants"]["uhn"]["train"] | {"gradient_surgery": True}
    changed = experiment | {"variants": {"uhn": experiment["variants"]["uhn"] | {"train": train}}}
    with pytest.raises(UserError, match=r"setting .kan_kv., variant .uhn.: gradient_surgery .* this setting has one"):
        resolve(changed, "uhn", 21962, "paper")


def test_other_runs_do_without():
    assert TrainConfig(1, "steps", 0.1, 0).gradient_surgery is False


def test_it_is_kept_in_the_record_of_a_run():
    config = resolve(load_experiment("multi_task"), "uhn_pcgrad", 21962, "demo")
    assert config.train.gradient_surgery and RunConfig.from_dict(config.to_dict()) == config
