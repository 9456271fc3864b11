"""Configuration -> the tasks of a run. The module of a kind of task is imported when a run needs it."""

from __future__ import annotations

import torch

from uhn.configuration.run import RunConfig, TaskConfig
from uhn.data.sources import DataSource
from uhn.training.tasks.base import Task


def load_task(config: RunConfig, task: TaskConfig, split: str, source: DataSource, device: torch.device) -> Task:
    """Load one split of a task's data onto the device.

    Args:
        config: the run; its mode decides whether validation examples are kept out of training.
        task: one of its tasks.
        split: ``train``, ``validation`` or ``test``; only the last opens test data.
        source: where the data are.
        device: where to put them.

    Raises:
        UserError: data are missing, damaged or of another source.
    """
    match task.kind:
        case "formula_regression":
            from uhn.training.tasks.regression import load_regression

            return load_regression(config, task, split, device)
        case "image_classification":
            from uhn.training.tasks.images import load_image_task

            return load_image_task(config, task, split, source, device)
        case "node_classification":
            from uhn.training.tasks.graphs import load_node_task

            return load_node_task(config, task, split, source, device)
        case _:
            from uhn.training.tasks.texts import load_text_task

            return load_text_task(config, task, split, source, device)
