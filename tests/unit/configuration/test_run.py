"""The resolved configuration of a run."""

import json
from dataclasses import replace

import numpy as np
import pytest

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import RunConfig, TargetReduction
from uhn.errors import UserError
from uhn.schema import schema_problem


def paper(setting, variant="uhn"):
    return resolve(load_experiment(setting), variant, 21962, "paper")


RUNS = ["kan_kv/uhn", "cifar10_cnn20/ha", "cifar10_cnn20/chunked", "cifar10_cnn20/direct", "recursion_k2/uhn"]


@pytest.mark.parametrize("name", [*RUNS, "multi_task/uhn_pcgrad"])
def test_plain_data_and_back(name):
    config = paper(*name.split("/"))
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_digest_names_the_configuration():
    config = paper("kan_kv")
    assert config.digest == paper("kan_kv").digest
    assert config.digest != replace(config, seed=1).digest
    assert config.digest != replace(config, mode="tuning").digest
    assert config.key == "kan_kv/uhn/seed21962"


def test_hyperparameters_of_table_5():
    """K = 2: 2,000 steps a level after 1,000 of warm-up, gradients clipped at 0.01, root of F 1024 and d 64."""
    found = paper("recursion_k2").hyperparameters("cuda")
    sizes = found.pop("generator")
    assert found == {
        "init_lr": [2e-5, 2e-5, 1e-5],
        "init_steps": 6000,
        "init_warmup": 1000,
        "init_clip_norm": 0.01,
        "train_lr": 1e-5,
        "train_budget": 30_000,
        "train_unit": "steps",
        "train_warmup": 1000,
        "train_clip_norm": 0.01,
        "batch_size": [256],
        "precision": "float16",
    }
    assert (sizes["index_frequencies"], sizes["hidden_dim"], sizes["structure_encoder"]) == (1024, 64, True)


def test_hyperparameters_without_initialisation_and_without_a_generator():
    direct = paper("cora_gcn", "direct").hyperparameters("cpu")
    assert (direct["init_lr"], direct["init_steps"], direct["generator"]) == (None, 0, None)
    assert (direct["batch_size"], direct["precision"]) == ([None], "float32")
    assert paper("multi_task", "uhn_no_init").hyperparameters("cpu")["init_lr"] is None
    assert paper("multi_task").hyperparameters("cpu")["batch_size"] == [256, 256, None, None, 256, None]


SHA = "0" * 64


@pytest.mark.parametrize("name", [*RUNS, "multi_task/uhn"])
def test_hyperparameters_fit_the_layout_of_result_json(name):
    result = {"schema_version": 2, "setting": "s", "variant": "v", "seed": 1, "scale": "demo", "status": "completed"}
    counts = {"target": 1, "trainable": 1, "printed": 1}
    cost = {"wall_s": 1, "cpu_s": 1, "step_s": 1, "peak_memory_bytes": 1, "device": "cpu", "threads": 1}
    result |= {"reason": None, "metrics": {}, "parameters": {"run": counts, "paper": counts}, "cost": cost}
    result |= {"steps": {"init": 1, "train": 1}, "data": {"dataset": "d", "source": "formula", "note": None}}
    result |= {"config_digest": SHA, "code_version": 1, "source_digest": "s", "content_sha256": SHA}
    result |= dict.fromkeys(("run_sha256", "metrics_sha256", "training_sha256"), SHA)
    hyperparameters = paper(*name.split("/")).hyperparameters("cpu")
    assert schema_problem(result, "result") is None
    assert schema_problem(result | {"hyperparameters": hyperparameters}, "result") is None
    assert "unknown key" in schema_problem(result | {"hyperparameters": hyperparameters | {"lr": 1}}, "result")


def test_most_members_of_a_family_train():
    with pytest.raises(UserError, match="expected at most a third of the 20 members reported, got 7"):
        TargetReduction(members=20, reported=7)


@pytest.mark.parametrize("setting", ["kan_kv", "mnist_mlp"])
def test_one_range_of_seeds_for_all_settings(setting):
    """It is NumPy's, which draws the data of formulas."""
    for seed in (0, 2**32 - 1):
        np.random.RandomState(seed)
        assert resolve(load_experiment(setting), "direct", seed, "demo").seed == seed
    for seed in (-1, 2**32):
        with pytest.raises(ValueError):
            np.random.RandomState(seed)
        with pytest.raises(UserError, match=f"seed {seed}: expected an integer from 0 to 4294967295"):
            resolve(load_experiment(setting), "direct", seed, "demo")
