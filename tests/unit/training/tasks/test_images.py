"""Batches of images as training sees them."""

import torch
from tiny_runs import tiny_run

from uhn.data.sources import STANDIN
from uhn.training.members import load_members


def test_evaluation_does_not_disturb_the_batches(at_home):
    """The next batch after an evaluation is the one without it, augmentation included."""
    config = tiny_run("cifar10_cnn20", "direct")
    inputs = []
    for evaluated in (False, True):
        (member,) = load_members(config, "train", STANDIN, torch.device("cpu"))
        member.task.next_batch()
        if evaluated:
            target = member.targets.build("cifar10_cnn20")
            member.task.evaluate(target, dict(target.named_parameters()))
        inputs.append(member.task.next_batch().inputs[0])
    assert torch.equal(*inputs)
