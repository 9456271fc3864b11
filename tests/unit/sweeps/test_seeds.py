"""Seeds of reported runs: the paper's, or fresh ones that select nothing."""

import pytest

from uhn.configuration.resolve import load_experiment
from uhn.errors import UserError
from uhn.sweeps.load import load_tunings
from uhn.sweeps.seeds import reported_seeds

TUNINGS = load_tunings("paper")


def test_reported_seeds():
    kv, graph = load_experiment("kan_kv"), load_experiment("pubmed_gcn")
    assert reported_seeds(kv, "paper") == [21962, 59358, 78117]
    assert reported_seeds(kv, "demo") == [21962, 59358]
    assert reported_seeds(kv, "paper", "fresh") == [23547, 81797, 81105]
    assert reported_seeds(kv, "demo", "fresh") == [23547, 81797]
    further = [59992, 48426, 54406, 54947, 88247, 92615, 43510, 50150, 45681, 7209]
    assert reported_seeds(graph, "paper", "fresh") == further
    with pytest.raises(UserError, match="expected published or fresh, got 'new'"):
        reported_seeds(kv, "paper", "new")
    with pytest.raises(UserError, match=r"10 fresh seeds wanted, the list of config/defaults\.yaml has 9 unused ones"):
        reported_seeds(graph | {"seeds": [*reported_seeds(graph, "paper")[:9], 59992]}, "paper", "fresh")


@pytest.mark.parametrize("pair", TUNINGS, ids="/".join)
def test_fresh_seeds_select_nothing(pair):
    sweep = TUNINGS[pair].sweep
    experiment = load_experiment(pair[0])
    fresh = reported_seeds(experiment, "paper", "fresh")
    assert len(fresh) == len(set(fresh)) == sweep.num_final
    assert not set(fresh) & {*sweep.search_seeds, *sweep.extra_seeds, *reported_seeds(experiment, "paper")}
