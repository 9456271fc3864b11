"""The data section of run.json."""

import hashlib

from uhn.training.tasks.facts import DataFacts, describe_data

FORMULA = DataFacts("kv", "formula", None, "ab")
IMAGES = DataFacts("mnist", "standin", "synthetic images", "cd")
GRAPH = DataFacts("cora", "standin", "synthetic graph", "ef", {"features": 64, "classes": 7})


def test_one_task_has_its_own_facts():
    section = {"dataset": "kv", "source": "formula", "note": None, "sizes": [{}], "train_sha256": "ab"}
    assert describe_data([FORMULA]) == section


def test_a_mixture_has_the_source_of_the_tasks_that_read_files():
    assert describe_data([FORMULA, IMAGES, GRAPH]) == {
        "dataset": "kv, mnist, cora",
        "source": "standin",
        "note": "synthetic images; synthetic graph",
        "sizes": [{}, {}, {"features": 64, "classes": 7}],
        "train_sha256": hashlib.sha256(b"ab cd ef").hexdigest(),
    }
