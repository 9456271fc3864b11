"""Which models of a family train and which are reported, at every reduction; ranges that cover them; sizes."""

import pytest

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import TargetReduction, TaskConfig
from uhn.errors import UserError
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import FAMILY_NAMES
from uhn.training.targets import TargetSet

MODES = ("final", "tuning")


def target_set(family, mode="final", **reduction):
    task = TaskConfig(
        "t", "image_classification", "cifar10", family, "accuracy", 256, reduction=TargetReduction(**reduction)
    )
    return TargetSet(task, mode, {})


def demo_set(family, mode="final"):
    return TargetSet(resolve(load_experiment(family), "uhn", 21962, "demo", mode=mode).tasks[0], mode, {})


@pytest.mark.parametrize(
    ("family", "train", "reported"),
    [("cnn_mixed_depth", 80, 20), ("cnn_mixed_width", 450, 50), ("transformer_mixed", 950, 50)],
)
def test_a_whole_family_has_the_papers_splits(family, train, reported):
    ids = lambda names: [int(name.removeprefix(f"{family}/")) for name in names]  # noqa: E731
    final, tuning = (target_set(family, mode).roles for mode in MODES)
    assert ids(final.train) == list(range(train))
    assert ids(final.reported["seen"]) == list(range(reported))
    assert ids(final.reported["unseen"]) == list(range(train, train + reported))
    assert ids(tuning.train) == list(range(train - reported))
    assert ids(tuning.reported[""]) == list(range(train - reported, train))


@pytest.mark.parametrize("members", [6, 8, 20, 50])
@pytest.mark.parametrize("mode", MODES)
def test_a_reduced_family_keeps_its_order_and_its_shares(members, mode):
    """A tenth of Mixed Width is held out, but never fewer than two models."""
    roles = target_set("cnn_mixed_width", mode, members=members).roles
    share = max(members // 10, 2)
    if mode == "final":
        assert len(roles.train) == members - share
        assert roles.reported["seen"] == roles.train[:share]
        assert list(roles.reported["unseen"]) == [f"cnn_mixed_width/{450 + k}" for k in range(share)]
    else:
        assert len(roles.train) == members - 2 * share and len(roles.reported[""]) == share
        assert not set(roles.train) & set(roles.reported[""])


@pytest.mark.parametrize(("members", "reported"), [(20, 5), (6, 1), (None, 3)])
def test_reported_members_can_be_chosen(members, reported):
    roles = target_set("cnn_mixed_width", members=members, reported=reported).roles
    assert len(roles.train) == (450 if members is None else members - reported)
    assert roles.reported["seen"] == roles.train[:reported]
    assert list(roles.reported["unseen"]) == [f"cnn_mixed_width/{450 + k}" for k in range(reported)]


def test_most_members_train():
    with pytest.raises(UserError, match="expected at most a third of the 20 members reported, got 7"):
        target_set("cnn_mixed_width", members=20, reported=7)


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_no_unseen_architecture_of_the_demo_is_trained(family, mode):
    """Narrower and shallower, different members can become the same network."""
    models = demo_set(family, mode)
    trained = {models.config(name) for name in models.roles.train}
    unseen = [models.config(name) for name in models.roles.reported["unseen" if mode == "final" else ""]]
    assert trained and unseen and not trained & set(unseen)


def test_a_reduction_that_leaves_one_architecture_is_refused():
    with pytest.raises(UserError, match="with targets reduced by w16d20mall no architecture differs from the unseen"):
        target_set("cnn_mixed_depth", width_divisor=16, depth_divisor=20)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_ranges_cover_every_member_of_a_reduced_family(family):
    models = demo_set(family)
    ranges = models.ranges()
    for name in models.names():
        target = models.build(name)
        for rows, low, high in (
            (target.index_table(), ranges.index_min, ranges.index_max),
            (target.structure_tokens(), ranges.structure_min, ranges.structure_max),
        ):
            assert (rows.min(axis=0) >= low).all() and (rows.max(axis=0) <= high).all()


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_whole_family_has_its_configured_ranges(family):
    assert target_set(family).ranges() == target_set(family, reported=2).ranges() == FAMILIES[family].ranges


def test_a_model_is_built_once_and_a_members_weights_take_no_memory():
    models = demo_set("cnn_mixed_width")
    target = models.build("cnn_mixed_width/0")
    assert models.build("cnn_mixed_width/0") is target
    assert {parameter.device.type for parameter in target.parameters()} == {"meta"}
    single = TargetSet(resolve(load_experiment("mnist_mlp"), "uhn", 1, "demo").tasks[0], "final", {})
    assert {parameter.device.type for parameter in single.build("mnist_mlp").parameters()} == {"cpu"}


def test_models_of_other_data_have_their_sizes():
    task = resolve(load_experiment("cora_gcn"), "uhn", 1, "paper").tasks[0]
    # hidden width 64 of the paper; weights and biases of both layers
    assert TargetSet(task, "final", {}).build("cora_gcn").num_params == 1433 * 64 + 64 + 64 * 7 + 7
    fitted = TargetSet(task, "final", {"features": 10, "classes": 3}).build("cora_gcn")
    assert fitted.num_params == 10 * 64 + 64 + 64 * 3 + 3
