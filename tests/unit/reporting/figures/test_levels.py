"""Scale of the weights of each level."""

import pytest
from synthetic_figures import SEEDS, write_lines


def test_levels_have_the_scale_of_every_level_made_so_far(lines_of):
    lines = lines_of("levels")
    own = [line for line in lines if line["series"] == "recursion_k2"]
    # 20 logged steps per level; level 0 is in all of them, level 2 in the last 20
    assert [sum(line["level"] == str(level) for line in own) for level in range(3)] == [60, 40, 20]
    first = next(line for line in own if line["level"] == "2")
    assert first["step"] == str(50 * 40)
    assert float(first["std_mean"]) == pytest.approx(0.31 / 3)


def test_levels_are_shown_one_after_the_other(runs, lines_of):
    """Each level is a phase whose steps start at 0: 101 steps of the first, then those of the second."""
    for seed in SEEDS:
        logged = [("init_0", 0, {"0": 0.4}), ("init_0", 100, {"0": 0.2})]
        logged += [("init_1", 0, {"0": 0.2, "1": 0.8}), ("init_1", 100, {"0": 0.2, "1": 0.1}), ("train", 0, {"0": 9.0})]
        lines = [{"phase": phase, "step": step, "level_std": stds} for phase, step, stds in logged]
        write_lines(runs / "recursion_k1" / "uhn" / f"seed{seed}" / "result.json", lines)
    own = [line for line in lines_of("levels") if line["series"] == "recursion_k1"]
    assert [(line["level"], int(line["step"]), float(line["std_mean"])) for line in own] == [
        *(("0", 0, 0.4), ("0", 100, 0.2), ("0", 101, 0.2), ("0", 201, 0.2)),
        *(("1", 101, 0.8), ("1", 201, 0.1)),
    ]
