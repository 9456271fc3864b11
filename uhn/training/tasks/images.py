"""Image classification (MNIST, CIFAR-10): raw pixels on the device, processed batch by batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from uhn.configuration.run import RunConfig, TaskConfig
from uhn.data.images import ImageSet, augment, load_images, normalise
from uhn.data.sources import DataSource
from uhn.data.splits import training_order_generator, validation_split
from uhn.device import upload
from uhn.models.base import TargetModel
from uhn.seeding import derive_seed
from uhn.training.tasks.base import Batch, Task
from uhn.training.tasks.classification import Score, cross_entropy
from uhn.training.tasks.facts import DataFacts, describe_files
from uhn.training.tasks.stream import IndexStream

AUGMENTED = ("cifar10",)
EVALUATION_BATCH = 256


class ImageTask(Task):
    """Cross-entropy on images.

    Args:
        facts: about the data.
        images: the split, on the device.
        batch_size: images of a training batch.
        seed: the run seed; the training order and the augmentation are drawn from it.
    """

    def __init__(self, facts: DataFacts, images: ImageSet, batch_size: int, seed: int) -> None:
        self.facts = facts
        self.images = images
        self._order = IndexStream(len(images.labels), batch_size, training_order_generator(facts.dataset, seed))
        self._augmentation = torch.Generator().manual_seed(derive_seed(seed, f"augmentation {facts.dataset}"))
        self.steps_per_epoch = self._order.batches

    def next_batch(self) -> Batch:
        chosen = upload(self._order.next(), self.images.labels.device)
        images = self.images.images[chosen]
        if self.facts.dataset in AUGMENTED:
            images = augment(images, self._augmentation)
        return Batch((normalise(self.facts.dataset, images),), self.images.labels[chosen])

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(outputs, labels)

    @torch.no_grad()
    def evaluate(self, target: TargetModel, weights: dict[str, Tensor]) -> dict[str, float]:
        """Return ``loss`` and ``accuracy`` over the images of the split, without augmentation."""
        target.eval()
        score = Score()
        splits = self.images.images.split(EVALUATION_BATCH), self.images.labels.split(EVALUATION_BATCH)
        for images, labels in zip(*splits, strict=True):
            score.add(target.run(weights, normalise(self.facts.dataset, images)), labels)
        return score.result()

    def state(self) -> dict[str, Any]:
        return {"order": self._order.state(), "augmentation": self._augmentation.get_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        self._order.load_state(state["order"])
        self._augmentation.set_state(state["augmentation"].cpu())


def load_image_task(
    config: RunConfig, task: TaskConfig, split: str, source: DataSource, device: torch.device
) -> ImageTask:
    """Load one split: ``train``, ``validation`` (of a tuning run) or ``test``."""
    part = "test" if split == "test" else "train"
    images = load_images(task.dataset, source.open(task.dataset), part, standin=source.standin)
    facts = describe_files(task.dataset, source, images.checksums)
    if config.mode == "tuning" and split != "test":
        chosen = validation_split(task.dataset, len(images.labels))[split == "validation"]
        images = ImageSet(images.images[chosen], images.labels[chosen], images.checksums)
    return ImageTask(facts, images.to(device), task.batch_size, config.seed)
