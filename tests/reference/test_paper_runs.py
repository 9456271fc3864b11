"""Every run of the paper at paper scale, against a list made from its text and the published hyperparameters.

``paper_runs.csv`` is no output of this project: ``init_lr`` has one number per level of a chain, ``init_steps`` counts
all levels and ``init_warmup`` one, ``units`` are epochs or steps. Empty: the run has no such thing.
"""

import csv
import math
from pathlib import Path

import pytest

from uhn.configuration.cost import run_steps
from uhn.configuration.generators import ChunkedConfig, HAConfig
from uhn.configuration.resolve import load_defaults, load_experiment, resolve, seeds_of
from uhn.models.registry import build_model
from uhn.reporting.table_definitions import result_tables
from uhn.training.phases import plan_phases
from uhn.training.targets import Roles
from uhn.training.workload import Member

with open(Path(__file__).parent / "paper_runs.csv", newline="") as file:
    RUNS = {(line["setting"], line["variant"]): line for line in csv.DictReader(file)}
THREE = [21962, 59358, 78117]
TEN = [*THREE, 23547, 81797, 81105, 95819, 42270, 24014, 20964]
ENCODINGS = {"gff": "gaussian_fourier", "positional": "positional", "raw": "raw"}
# Table 4: share of the steps of each task of the mixture.
MIXTURE = [
    ("mnist", "mnist_mlp", 0.08, 256),
    ("cifar10", "cifar10_cnn44", 0.55, 256),
    ("cora", "cora_gcn", 0.04, None),
    ("pubmed", "pubmed_gat", 0.04, None),
    ("ag_news", "agnews_transformer2l", 0.18, 256),
    ("kv", "kan_kv", 0.11, None),
]


def number(text):
    return float(text) if text else None


@pytest.mark.parametrize("pair", RUNS, ids="/".join)
def test_a_run_is_the_papers(pair):
    paper = RUNS[pair]
    experiment = load_experiment(pair[0])
    config = resolve(experiment, pair[1], THREE[0], "paper")
    assert seeds_of(experiment, "paper") == {"3": THREE, "10": TEN}[paper["seeds"]]
    assert run_steps(config) == int(paper["init_steps"] or 0) + int(paper["train_steps"])

    train = config.train
    assert (train.budget, train.lr, train.warmup) == (int(paper["units"]), float(paper["lr"]), int(paper["warmup"]))
    assert train.clip_norm == number(paper["clip"])
    if paper["init_steps"] in ("", "0"):
        assert config.init is None or config.init.steps == 0
    else:
        init = config.init
        assert (init.steps, init.warmup_steps) == (int(paper["init_steps"]), int(paper["init_warmup"]))
        assert init.lr == tuple(map(float, paper["init_lr"].split()))
        assert init.clip_norm == number(paper["init_clip"])

    if paper["batch"] == "mixed":
        assert [(t.dataset, t.model, t.probability, t.batch_size) for t in config.tasks] == MIXTURE
    else:
        (task,) = config.tasks
        assert (task.dataset, task.batch_size) == (paper["dataset"], {"256": 256, "all": None}[paper["batch"]])
        assert not paper["scalars"] or build_model(task.model).num_params == int(paper["scalars"])

    sizes = config.hypernetwork
    if paper["encoding"]:
        assert config.method == "uhn"
        assert (sizes.encoding, sizes.structure_encoder) == (
            ENCODINGS[paper["encoding"]],
            paper["structure_encoder"] == "on",
        )
        assert (sizes.hidden_dim, sizes.blocks) == (int(paper["width"]), int(paper["blocks"]))
        assert sizes.encoding == "raw" or sizes.index_frequencies == int(paper["frequencies"])
        assert (sizes.encoding_scale, sizes.structure_frequencies, sizes.structure_heads) == (100, 32, 4)
    else:
        assert config.method == pair[1]
        assert (
            sizes
            == {"direct": None, "ha": HAConfig(16, 188, 188), "chunked": ChunkedConfig(6000, 64, (100, 100))}[
                config.method
            ]
        )
    adam = config.optimizer
    assert (adam.betas, adam.eps, adam.weight_decay) == ((0.9, 0.999), 1e-8, 0)


def test_the_tables_need_no_run_that_the_paper_does_not_have():
    """The one exception trains Table 5's row without recursion as the recursive ones are."""
    needed = {pair for table in result_tables().values() if table.number for pair in table.runs}
    assert needed - RUNS.keys() == {("recursion_k0", "uhn")}
    assert RUNS.keys() <= needed


def test_the_papers_precision_is_the_default_on_a_gpu():
    assert load_defaults()["precision"]["cuda"] == "float16"


class Endless:
    """Stands for a task's data, of which a plan needs the length of an epoch."""

    def __init__(self, steps_per_epoch):
        self.steps_per_epoch = steps_per_epoch


class OneModel:
    roles = Roles(("leaf",), {"": ("leaf",)})


def plan(setting, variant, steps_per_epoch=1):
    config = resolve(load_experiment(setting), variant, THREE[0], "paper")
    members = [Member(task.name, Endless(steps_per_epoch), OneModel(), task.probability) for task in config.tasks]
    return plan_phases(config, members)


def test_epochs_have_the_papers_number_of_steps_and_one_learning_rate():
    """MNIST: 235 batches of 256 of 60,000 images, 5 epochs of warm-up to the peak, cosine over the other 95."""
    init, train = plan("mnist_mlp", "uhn", steps_per_epoch=235)
    assert (init.name, init.steps, train.name, train.steps) == ("init", 100, "train", 23500)
    rates = [train.learning_rate(235 * epoch) / 2e-4 for epoch in (0, 1, 4, 5, 53, 99)]
    cosine = [0.5 * (1 + math.cos(math.pi * t / 95)) for t in (48, 94)]
    assert rates == pytest.approx([1 / 6, 2 / 6, 5 / 6, 1, *cosine])
    assert {train.learning_rate(step) for step in range(235, 470)} == {train.learning_rate(235)}
    assert init.learning_rate(0) == 2e-4 and init.learning_rate(50) == pytest.approx(1e-4)
    assert (init.clip_norm, train.clip_norm) == (None, None)


@pytest.mark.parametrize(
    ("depth", "rates", "warmup"),
    [
        (1, [1e-4, 1e-4], 0),
        (2, [2e-5, 2e-5, 1e-5], 1000),
        (3, [2e-5, 2e-5, 1e-5, 2.5e-6], 1000),
    ],
)
def test_each_level_of_a_chain_is_initialised_in_2000_steps_of_its_own(depth, rates, warmup):
    *levels, train = plan(f"recursion_k{depth}", "uhn")
    assert [(phase.name, phase.steps) for phase in levels] == [(f"init_{level}", 2000) for level in range(depth + 1)]
    assert [phase.learning_rate(warmup) for phase in levels] == rates
    if warmup:
        assert [phase.learning_rate(0) for phase in levels] == pytest.approx([rate / 1001 for rate in rates])
    assert (train.name, train.steps, train.learning_rate(1000)) == ("train", 30_000, [2e-5, 1e-5, 2.5e-6][depth - 1])
    assert {phase.clip_norm for phase in (*levels, train)} == {0.01}


def test_a_run_without_initialisation_has_one_phase():
    for setting in ("multi_task", "recursion_k2", "cnn_mixed_width"):
        assert [phase.name for phase in plan(setting, "uhn_no_init")] == ["train"]
