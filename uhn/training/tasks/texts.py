"""Text classification (AG News, IMDB): batches padded to their longest text on the CPU, then sent to the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from uhn.configuration.run import RunConfig, TaskConfig
from uhn.data.sources import DataSource
from uhn.data.splits import training_order_generator, validation_split
from uhn.data.texts import TextSet, load_texts, pad_batch
from uhn.device import upload
from uhn.models.base import TargetModel
from uhn.training.tasks.base import Batch, Task
from uhn.training.tasks.classification import Score, cross_entropy
from uhn.training.tasks.facts import DataFacts, describe_files
from uhn.training.tasks.stream import IndexStream

EVALUATION_BATCH = 256
CACHE = Path("resources/tokens")


class TextTask(Task):
    """Cross-entropy on texts.

    Args:
        facts: about the data.
        texts: the set.
        chosen: indices of its texts in the split.
        batch_size: texts of a training batch.
        seed: the run seed, from which the training order is drawn.
        device: of the target model.
    """

    def __init__(
        self, facts: DataFacts, texts: TextSet, chosen: Tensor, batch_size: int, seed: int, device: torch.device
    ) -> None:
        self.facts = facts
        self.device = device
        self.texts = texts
        self.chosen = chosen
        self._order = IndexStream(len(chosen), batch_size, training_order_generator(facts.dataset, seed))
        self.steps_per_epoch = self._order.batches

    def next_batch(self) -> Batch:
        return self._batch(self.chosen[self._order.next()])

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(outputs, labels)

    @torch.no_grad()
    def evaluate(self, target: TargetModel, weights: dict[str, Tensor]) -> dict[str, float]:
        """Return ``loss`` and ``accuracy`` over the texts of the split."""
        target.eval()
        score = Score()
        for chosen in self.chosen.split(EVALUATION_BATCH):
            batch = self._batch(chosen)
            score.add(target.run(weights, *batch.inputs), batch.labels)
        return score.result()

    def state(self) -> dict[str, Any]:
        return self._order.state()

    def load_state(self, state: dict[str, Any]) -> None:
        self._order.load_state(state)

    def _batch(self, chosen: Tensor) -> Batch:
        ids, _ = pad_batch(self.texts, chosen)  # the target model recognises padding by its id
        labels = self.texts.labels[chosen]
        return Batch((upload(ids, self.device),), upload(labels, self.device), host_inputs=(ids,))


def load_text_task(
    config: RunConfig, task: TaskConfig, split: str, source: DataSource, device: torch.device
) -> TextTask:
    """Load one split: ``train``, ``validation`` (of a tuning run) or ``test``."""
    part = "test" if split == "test" else "train"
    texts = load_texts(task.dataset, source.open(task.dataset), part, CACHE, standin=source.standin)
    facts = describe_files(task.dataset, source, texts.checksums, texts.note, vocabulary_size=texts.vocabulary_size)
    chosen = torch.arange(len(texts.labels))
    if config.mode == "tuning" and split != "test":
        chosen = validation_split(task.dataset, len(texts.labels))[split == "validation"]
    return TextTask(facts, texts, chosen, task.batch_size, config.seed, device)
