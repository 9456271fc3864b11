"""Sizes of generators and target models against the paper's, and what counting costs and leaves alone."""

import pytest
import torch

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import TargetReduction, TaskConfig
from uhn.training import counts
from uhn.training.build import build_generator
from uhn.training.counts import count_run, count_targets, describe_counts
from uhn.training.targets import TargetSet


def target_set(family, mode="final", **reduction):
    task = TaskConfig(
        "t", "image_classification", "cifar10", family, "accuracy", 256, reduction=TargetReduction(**reduction)
    )
    return TargetSet(task, mode, {})


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


def test_the_sizes_of_the_data_are_part_of_the_key(tmp_path):
    """F12: Transformers on the published texts, then on the stand-in with its small vocabulary."""
    task = resolve(load_experiment("transformer_mixed"), "uhn", 1, "demo").tasks[0]
    published, small = (TargetSet(task, "final", sizes) for sizes in ({}, {"vocabulary_size": 100}))
    assert count_targets([published], tmp_path) == count_targets([published])
    assert count_targets([small], tmp_path) == count_targets([small]) != count_targets([published])


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


@pytest.mark.parametrize("variant", ["direct", "ha"])
def test_counting_leaves_trained_weights_alone(tmp_path, variant):
    """Direct training trains the parameters of the target model itself, which building a generator draws anew."""
    config, paper = (resolve(load_experiment("cifar10_cnn20"), variant, 1, scale) for scale in ("demo", "paper"))
    targets = [TargetSet(config.tasks[0], "final", {})]
    generator = build_generator(config, targets)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.fill_(0.5)
    sizes = describe_counts(generator, targets, paper, tmp_path)["parameters"]
    assert all((parameter == 0.5).all() for parameter in generator.parameters())
    assert sizes["run"]["trainable"] == sum(parameter.numel() for parameter in generator.parameters())
    assert sizes["paper"]["trainable"] == {"direct": 269_034, "ha": 619_306}[variant]
