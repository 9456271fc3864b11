"""Every kind of task and every method trains, is evaluated and leaves its files; the loss falls."""

from dataclasses import replace

import pytest
import torch
from tiny_runs import journal, tiny_run, train_and_evaluate, weights

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import RunConfig
from uhn.hypernetworks.generator import Generator
from uhn.runs.folder import read_record
from uhn.training.phases import training_loss
from uhn.training.workload import Draws, Member

FILES = {"run.json", "metrics.jsonl", "generator.safetensors", "training.json", "result.json"}
# (setting, variant), learning rate over the demo scale's, steps
LEARNING = [
    ("mnist_mlp", "uhn", 1, 30),
    ("mnist_cnn8", "direct", 1, 30),
    ("cifar10_cnn20", "uhn", 3, 40),
    ("cifar10_cnn20", "direct", 1, 20),
    ("cifar10_cnn20", "ha", 5, 30),
    ("cifar10_cnn20", "chunked", 3, 30),
    ("cora_gcn", "uhn", 3, 30),
    ("pubmed_gat", "uhn", 3, 30),
    ("citeseer_gcn", "direct", 1, 30),
    ("agnews_transformer2l", "uhn", 1, 30),
    ("imdb_transformer1l", "direct", 1, 30),
    ("recursion_k0", "uhn", 1, 30),
    ("recursion_k1", "uhn", 1, 30),
]


@pytest.mark.parametrize(("setting", "variant", "factor", "steps"), LEARNING)
def test_the_loss_falls_and_the_files_are_there(at_home, tmp_path, setting, variant, factor, steps):
    config = tiny_run(setting, variant, steps=steps)
    if config.method == "uhn":
        sizes = {"index_frequencies": 64, "hidden_dim": 16, "structure_heads": 4}
        config = replace(config, hypernetwork=replace(config.hypernetwork, **sizes))
    config = replace(config, train=replace(config.train, lr=config.train.lr * factor))
    out = tmp_path / "out"
    result = train_and_evaluate(config, out)
    assert {path.name for path in out.iterdir()} == FILES
    assert RunConfig.from_dict(read_record(out / "run.json", "run")["config"]) == config
    assert (result["status"], result["steps"]["train"]) == ("completed", steps)
    assert set(result["metrics"]) == {f"{split}/{name}" for split in ("train", "test") for name in ("loss", "accuracy")}
    assert result["data"]["source"] == "standin"
    losses = [entry["loss"] for entry in journal(out) if entry["phase"] == "train"]
    assert len(losses) == steps
    assert sum(losses[-5:]) < sum(losses[:5])


def test_sizes_are_those_of_the_run_and_of_the_paper(at_home, tmp_path):
    config = tiny_run("cifar10_cnn20", "ha", steps=1)
    paper = resolve(load_experiment("cifar10_cnn20"), "ha", 21962, "paper")
    counts = train_and_evaluate(config, tmp_path / "out", paper)["parameters"]
    assert counts["paper"] == {"target": 269_034, "trainable": 619_306, "printed": 619_306}  # paper, Table 2
    # Widths 4, 4, 8, 16, one layer a stage: convolutions of 3, 4, 4 and 8 channels into them, and a classifier.
    convolutions = 9 * (3 * 4 + 4 * 4 + 4 * 8 + 8 * 16) + (4 + 4 + 8 + 16)
    assert counts["run"]["target"] == convolutions + 16 * 10 + 10


def test_a_family_reports_every_seen_and_unseen_model(at_home, tmp_path):
    paper = resolve(load_experiment("cnn_mixed_width"), "uhn", 21962, "paper")
    result = train_and_evaluate(tiny_run("cnn_mixed_width", steps=3, init=2), tmp_path / "out", paper)
    assert set(result["metrics"]) == {
        f"test/{split}/{name}" for split in ("seen", "unseen") for name in ("loss", "accuracy")
    }
    models = result["models"]
    assert [model["split"] for model in models] == ["seen", "seen", "unseen", "unseen"]
    assert [model["distance"] > 0 for model in models] == [False, False, True, True]
    # member 1 is, so reduced, the same as a held-out one
    assert [model["name"] for model in models[:2]] == ["cnn_mixed_width/0", "cnn_mixed_width/2"]
    assert [model["name"] for model in models[2:]] == ["cnn_mixed_width/450", "cnn_mixed_width/451"]
    run, paper = result["family"]["run"], result["family"]["paper"]
    # Table 3: 500 members, 624,987 scalars on average (cut off)
    assert (run["members"], paper["members"], int(paper["mean_params"])) == (8, 500, 624_987)
    sizes = [model["parameters"] for model in models]
    assert run["max_params"] >= max(sizes) and min(sizes) > 0


def test_a_mixture_reports_every_task(at_home, tmp_path):
    result = train_and_evaluate(tiny_run("multi_task", steps=4, init=2), tmp_path / "out")
    names = {
        f"test/{task}/{metric}"
        for task in ("mnist", "cifar10", "cora", "pubmed", "ag_news")
        for metric in ("loss", "accuracy")
    }
    assert set(result["metrics"]) == names | {"test/kv/loss", "test/kv/rmse"}
    assert result["steps"] == {"init": 2, "train": 4}
    data = read_record(tmp_path / "out/run.json", "run")["data"]
    assert data["dataset"] == "mnist, cifar10, cora, pubmed, ag_news, kv"
    assert [sorted(sizes) for sizes in data["sizes"]] == [
        *([], [], ["classes", "features"], ["classes", "features"], ["vocabulary_size"], [])
    ]


def test_each_level_of_a_chain_is_observed_and_clipped(at_home, tmp_path):
    train_and_evaluate(tiny_run("recursion_k2", steps=4, init=3), tmp_path / "out")
    entries = journal(tmp_path / "out")
    assert [(entry["phase"], entry["step"]) for entry in entries] == [
        *((f"init_{level}", step) for level in range(3) for step in range(3)),
        *(("train", step) for step in range(4)),
    ]
    for entry in entries:
        deepest = {"init_0": 0, "init_1": 1, "init_2": 2, "train": 2}[entry["phase"]]
        assert list(entry["level_std"]) == list(entry["components"]) == [str(k) for k in range(deepest + 1)]
        assert entry["gradient_norm"] > 0
    mean, std = entries[-1]["components"]["2"]["blocks.0.weight"]
    assert std > 0 and abs(mean) < 10 * std


def test_epochs_are_logged_with_the_mean_loss_of_their_steps(at_home, tmp_path):
    """512 images in batches of 100 are 6 steps; the schedule moves once an epoch."""
    config = tiny_run("mnist_mlp", steps=3)
    config = replace(config, train=replace(config.train, unit="epochs", warmup=0))
    train_and_evaluate(config, tmp_path / "out")
    entries = [entry for entry in journal(tmp_path / "out") if entry["phase"] == "train"]
    steps = [entry for entry in entries if "loss" in entry]
    epochs = [entry for entry in entries if "epoch_loss" in entry]
    assert [entry["step"] for entry in steps] == list(range(18))
    assert [(entry["epoch"], entry["step"]) for entry in epochs] == [(0, 5), (1, 11), (2, 17)]
    for number, epoch in enumerate(epochs):
        own = steps[6 * number : 6 * number + 6]
        assert epoch["epoch_loss"] == pytest.approx(sum(entry["loss"] for entry in own) / 6, rel=1e-6)
        assert len({entry["lr"] for entry in own}) == 1
    assert len({entry["lr"] for entry in steps}) == 3


@pytest.mark.parametrize(
    ("setting", "variant"),
    [("cifar10_cnn20", "uhn"), ("cora_gat", "direct"), ("transformer_mixed", "uhn"), ("recursion_k1", "uhn")],
)
def test_same_seed_same_bytes_other_seed_other_bytes(at_home, tmp_path, setting, variant):
    config = tiny_run(setting, variant, steps=3, init=2)
    first, second = (train_and_evaluate(config, tmp_path / name) for name in "ab")
    other = train_and_evaluate(replace(config, seed=59358), tmp_path / "c")
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert journal(tmp_path / "a") == journal(tmp_path / "b")
    assert first["metrics"] == second["metrics"] != other["metrics"]
    assert weights(tmp_path / "a") != weights(tmp_path / "c")


def test_evaluation_does_not_disturb_the_batches(at_home):
    """The next batch after an evaluation is the one without it, augmentation included."""
    from uhn.data.sources import STANDIN
    from uhn.training.runner import load_members

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


class Echo(torch.nn.Module):
    """A target model that tells whether it trains."""

    def run(self, weights, inputs):
        return inputs * weights["w"] * (1.0 if self.training else -1.0)


def test_a_step_runs_the_target_in_training_mode_on_the_next_batch():
    class Numbers:
        def next_batch(self):
            from uhn.training.tasks.base import Batch

            return Batch((torch.tensor([1.0, 2.0]),), torch.tensor([0.0, 0.0]))

        def loss(self, outputs, batch):
            return (outputs - batch.labels).sum()

    class Targets:
        from uhn.training.targets import Roles

        roles = Roles(("echo",), {})
        target = Echo().eval()

        def build(self, name):
            return self.target

    class Three(Generator):
        def forward(self, target, rows=None):
            return {"w": torch.tensor(3.0)}

    draws = Draws([Member("echo", Numbers(), Targets())], 1, "train")
    assert training_loss(*draws.next(), Three()).item() == 9.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "variant", "least"),
    [
        ("mnist_cnn8", "uhn", 0.2),
        ("cifar10_cnn20", "uhn", 0.2),
        ("cifar10_cnn20", "direct", 0.2),
        ("cifar10_cnn20", "ha", 0.2),
        ("cifar10_cnn20", "chunked", 0.2),
        ("cora_gcn", "uhn", 0.3),
        ("agnews_transformer2l", "uhn", 0.36),
        ("agnews_transformer2l", "direct", 0.36),
        ("imdb_transformer1l", "uhn", 0.558),
    ],
)
def test_demo_runs_are_clearly_above_chance(at_home, tmp_path, setting, variant, least):
    """Chance plus three standard deviations over 256 images, 300 nodes or 300 texts, and some; IMDB, whose runs are
    the slowest, is only asked for twice its deviation of 0.029."""
    config = resolve(load_experiment(setting), variant, 21962, "demo")
    assert train_and_evaluate(config, tmp_path / "out")["metrics"]["test/accuracy"] > least
