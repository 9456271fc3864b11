"""A very short sweep of kan_kv: forty steps a candidate, two learning rates of which one diverges."""

import yaml

SHORT = {
    "label": "test scale: a few steps",
    "data": "standin",
    "num_seeds": 1,
    "tasks": {
        "formula_regression": {
            "train_fraction": 0.01,
            "init_fraction": 0.1,
            "lr_factor": {"uhn": 20.0},
            "hypernetwork_divisor": {"index_frequencies": 64, "hidden_dim": 8},
        }
    },
}
FINE, BAD = 5.0e-6, 1.0e30


def shorten(config):
    """Shorten the demo scale of a configuration folder and its sweeps of formulas."""
    (config / "scales" / "demo.yaml").write_text(yaml.safe_dump(SHORT))
    change_sweeps(config, train_lr=[FINE, BAD])


def change_sweeps(config, train_lr):
    """Give the UHN's sweeps of formulas two learning rates, one initialisation and two seeds."""
    path = config / "sweeps.yaml"
    data = yaml.safe_load(path.read_text())
    keep = {"train_lr": [0, 1], "train_budget": [0], "init_lr": [1], "init_steps": [2]}
    data["smaller_searches"]["demo"] |= {"keep": keep, "num_seeds": {"search": 1, "extra": 1, "final": 1}}
    (group,) = [one for one in data["groups"] if "kan_kv" in one["settings"] and one["variants"] == ["uhn"]]
    group["train_lr"] = train_lr
    path.write_text(yaml.safe_dump(data))
