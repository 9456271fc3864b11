"""Which models of a family train and which are reported, at every reduction; ranges that cover them; sizes."""

from dataclasses import replace

import pytest
import torch

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import TargetReduction, TaskConfig
from uhn.errors import UserError
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import FAMILY_NAMES
from uhn.training import counts
from uhn.training.build import build_generator
from uhn.training.counts import count_run, count_targets
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


def test_a_mixture_has_the_union_of_its_ranges():
    config = resolve(load_experiment("multi_task"), "uhn", 21962, "demo")
    targets = [TargetSet(task, "final", {}) for task in config.tasks]
    config = replace(config, hypernetwork=replace(config.hypernetwork, index_frequencies=4, hidden_dim=4))
    ranges = build_generator(config, targets).ranges
    parts = [one.ranges() for one in targets]
    for edge, pick in (("min", min), ("max", max)):
        for kind in ("index", "structure"):
            columns = zip(*(getattr(part, f"{kind}_{edge}") for part in parts), strict=True)
            assert getattr(ranges, f"{kind}_{edge}") == tuple(map(pick, columns))


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


def test_sizes_of_a_family_are_the_mean_and_the_largest(tmp_path):
    """Table 3: 100 CNNs of 366,995.6 scalars on average and 463,018 at most."""
    found = count_targets([target_set("cnn_mixed_depth")])
    assert (found.members, found.mean_params, found.max_params) == (100, pytest.approx(366_995.6), 463_018)


def test_counts_of_a_family_are_kept_for_this_state_of_the_sources(tmp_path, monkeypatch):
    targets = [target_set("cnn_mixed_depth", members=8)]
    found = count_targets(targets, tmp_path)
    (kept,) = (tmp_path / "families").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(TargetSet, "names", None)  # what is kept needs no counting
        assert count_targets(targets, tmp_path) == found
    with monkeypatch.context() as patch:
        patch.setattr(counts, "source_digest", lambda: "another state of the sources")
        assert count_targets(targets, tmp_path) == found
    assert len(list((tmp_path / "families").iterdir())) == 2
    for damaged in ("", "[]", '{"members": 3}'):
        kept.write_text(damaged)
        assert count_targets(targets, tmp_path) == found
    assert count_targets([target_set("cnn_mixed_depth", members=10)], tmp_path) != found
    assert count_targets([target_set("cnn_mixed_depth", "tuning", members=8)], tmp_path).members == 6


def test_a_single_model_is_counted_without_a_file(tmp_path):
    task = resolve(load_experiment("mnist_mlp"), "uhn", 1, "paper").tasks[0]
    assert count_targets([TargetSet(task, "final", {})], tmp_path).max_params == 118_282
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("setting", "variant", "trainable", "printed"),
    [
        ("mnist_mlp", "uhn", 148_353, 158_613),
        ("cnn_mixed_depth", "uhn", 641_665, 663_151),
        ("multi_task", "uhn_no_tse", 591_617, 612_117),
        ("recursion_k3", "uhn", 181_889, 193_135),
        ("cifar10_cnn20", "frequencies_4096", 1_115_905, 1_156_885),
        ("cifar10_cnn20", "blocks_0", 524_545, 545_045),
        ("cifar10_cnn20", "raw", 68_609, 68_629),
    ],
)
def test_sizes_of_the_papers_generators(setting, variant, trainable, printed):
    found = count_run(resolve(load_experiment(setting), variant, 21962, "paper"))
    assert (found.trainable, found.printed) == (trainable, printed)


def test_a_chain_does_not_grow_with_its_depth():
    sizes = [count_run(resolve(load_experiment(f"recursion_k{k}"), "uhn", 1, "paper")) for k in (1, 2, 3)]
    assert len({(size.trainable, size.printed) for size in sizes}) == 1


@pytest.mark.parametrize("variant", ["direct", "ha", "chunked"])
def test_methods_for_one_model_refuse_a_family(variant):
    config = resolve(load_experiment("cifar10_cnn20"), variant, 1, "demo")
    family = resolve(load_experiment("cnn_mixed_depth"), "uhn", 1, "demo").tasks
    config = replace(config, setting="mine", tasks=family)
    with pytest.raises(UserError, match=rf"mine/{variant}/seed1: method '{variant}' holds the weights of one target"):
        build_generator(config, [TargetSet(family[0], "final", {})])


@pytest.mark.parametrize(
    ("setting", "variant"), [("mnist_mlp", "uhn"), ("mnist_mlp", "direct"), ("recursion_k1", "uhn")]
)
def test_a_generator_is_drawn_from_its_own_stream(setting, variant):
    """The seed decides; what was drawn or built before does not, and the global stream stays where it is."""
    config = resolve(load_experiment(setting), variant, 21962, "demo")
    targets = [TargetSet(config.tasks[0], "final", {})]
    states = []
    for noise in (0, 5):  # at the second time the target is there already
        torch.manual_seed(noise)
        states.append(clone(build_generator(config, targets)))
    before = torch.get_rng_state()
    build_generator(config, targets)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(states[0].values(), states[1].values(), strict=True))
    other = build_generator(replace(config, seed=1), targets).state_dict()
    assert any(not torch.equal(a, b) for a, b in zip(states[0].values(), other.values(), strict=True))


def clone(generator):
    return {name: tensor.clone() for name, tensor in generator.state_dict().items()}
