"""How the steps of a run are put together from measured ones, with a timer that says what it was asked."""

from dataclasses import replace

import pytest

from uhn.benchmarks import step_times
from uhn.benchmarks.step_times import StepTimes, conditions
from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import InitConfig, OptimizerConfig
from uhn.training.cost import StepSeconds
from uhn.training.targets import TargetSet


def run_of(setting, variant="uhn", scale="paper"):
    return resolve(load_experiment(setting), variant, 21962, scale)


class Timer:
    """A step of direct training takes 0.125 s; of others, 0.5 s in training and 0.25 s in initialisation."""

    def __init__(self):
        self.asked = []

    def __call__(self, config, task, phases, parts):
        self.asked.append((config.method, task.model, phases, parts))
        if config.method == "direct":
            assert phases == ("train",)
            return {"train": 0.125}
        return {phase: {"train": 0.5, "init": 0.25}[phase] for phase in phases}


@pytest.fixture
def timer():
    return Timer()


@pytest.fixture
def times(tmp_path, timer):
    return StepTimes(tmp_path, timer=timer)


def test_a_short_step_is_measured_whole(times, timer):
    assert times.of_run(run_of("kan_kv")) == StepSeconds(train=0.5, init=0.25)
    assert times.of_run(run_of("kan_kv", "direct")) == StepSeconds(train=0.125)
    assert timer.asked == [("uhn", "kan_kv", ("train", "init"), 1), ("direct", "kan_kv", ("train",), 1)]


def test_direct_training_takes_as_long_as_the_parts_of_its_batch(times, timer):
    assert times.of_run(run_of("cifar10_cnn20", "direct")) == StepSeconds(train=4 * 0.125)
    assert timer.asked == [("direct", "cifar10_cnn20", ("train",), 4)]


def test_a_deep_target_takes_a_generation_by_scalars_and_a_direct_step(times, timer):
    """CNN-8 has 74,762 scalars; layer by layer: stem, 3 stages of one layer and the readout have 26,266 on MNIST."""
    config = run_of("mnist_cnn8")
    task = config.tasks[0]
    shallow = replace(task, reduction=replace(task.reduction, depth_divisor=100))
    share = TargetSet(shallow, "final", {}).only().num_params / 74_762
    assert 0.2 < share < 0.5
    assert times.of_run(config) == StepSeconds(
        train=pytest.approx(0.25 / share + 4 * 0.125), init=pytest.approx(0.25 / share)
    )
    assert [entry[::2] for entry in timer.asked] == [("direct", ("train",)), ("uhn", ("init",))]


@pytest.mark.parametrize("setting", ["mnist_mlp", "recursion_k2", "citeseer_gcn"])
def test_a_target_of_fixed_depth_is_measured_whole(times, timer, setting):
    """Its own arithmetic is short, and goes with its weights as much as with its batch."""
    assert times.of_run(run_of(setting)) == StepSeconds(train=0.5, init=0.25)
    assert [parts for *_, parts in timer.asked] == [1]


def test_texts_take_a_step_on_part_of_their_batch_and_the_other_parts(times, timer):
    assert times.of_run(run_of("imdb_transformer1l")) == StepSeconds(train=0.5 + 3 * 0.125, init=0.25)
    model = "imdb_transformer1l"
    assert timer.asked == [("direct", model, ("train",), 4), ("uhn", model, ("train", "init"), 4)]


@pytest.mark.parametrize("variant", ["uhn", "direct", "ha", "chunked"])
def test_the_target_costs_in_every_method(times, variant):
    assert times.of_run(run_of("cifar10_cnn20", variant)).train >= 4 * 0.125


def test_a_family_is_sampled(times, timer, monkeypatch):
    """At 26,554 scalars a member and twice as many in the mean of the family, all seconds double."""
    monkeypatch.setattr(step_times, "count_targets", lambda targets, cache: Counts(sum(sizes) / 2 * 2))
    config = run_of("cnn_mixed_depth", scale="demo")
    targets = TargetSet(config.tasks[0], "final", {})
    sample = [targets.roles.train[len(targets.roles.train) * k // 4] for k in (1, 3)]
    sizes = [targets.build(name).num_params for name in sample]
    assert times.of_run(config) == StepSeconds(pytest.approx(2 * 0.5), pytest.approx(2 * 0.25))
    assert [model for _, model, _, _ in timer.asked] == sample


class Counts:
    def __init__(self, mean_params):
        self.mean_params = mean_params


def test_measured_steps_are_kept(times, timer, tmp_path):
    first = times.of_run(run_of("kan_kv"))
    assert StepTimes(tmp_path, timer=timer).of_run(run_of("kan_kv")) == first
    assert len(timer.asked) == 1
    StepTimes(tmp_path, anew=True, timer=timer).of_run(run_of("kan_kv"))
    assert len(timer.asked) == 2


def test_a_damaged_file_is_measured_again(times, timer, tmp_path):
    times.of_run(run_of("kan_kv"))
    times.path.write_text("{")
    StepTimes(tmp_path, timer=timer).of_run(run_of("kan_kv"))
    assert len(timer.asked) == 2


def test_only_the_first_measurement_is_announced(times, capsys):
    times.of_run(run_of("kan_kv"))
    times.of_run(run_of("kan_kv", "direct"))
    (line,) = capsys.readouterr().err.splitlines()
    assert str(times.path) in line


@pytest.mark.parametrize(
    ("fact", "value"), [("cpu", "another"), ("torch", "0.1"), ("code_version", -1), ("threads", 99), ("cores", 99)]
)
def test_another_machine_has_its_own_times(times, tmp_path, monkeypatch, fact, value):
    facts = step_times.machine()
    assert facts[fact] != value
    monkeypatch.setattr(step_times, "machine", lambda: facts | {fact: value})
    assert StepTimes(tmp_path).path != times.path


def same_time(one, other):
    return conditions(one, one.tasks[0]) == conditions(other, other.tasks[0])


def test_schedules_and_seeds_do_not_change_the_time_of_a_step():
    run = run_of("kan_kv")
    assert same_time(run, replace(run, seed=1, train=replace(run.train, budget=7, lr=1.0), init=InitConfig(3, (1.0,))))


def test_whatever_changes_the_time_of_a_step_is_in_its_key():
    run = run_of("kan_kv")
    changed = [
        replace(run, method="direct", hypernetwork=None),
        replace(run, hypernetwork=replace(run.hypernetwork, hidden_dim=7)),
        replace(run, generation=replace(run.generation, first_layer="dense")),
        replace(run, depth=1),
        replace(run, source="standin"),
        replace(run, precision={"cpu": "bfloat16"}),
        replace(run, train=replace(run.train, clip_norm=1.0)),
        replace(run, optimizer=OptimizerConfig((0.9, 0.9), 1e-8, 0.1)),
        replace(run, tasks=(replace(run.tasks[0], model="kan_jv"),)),
        replace(run, tasks=(replace(run.tasks[0], batch_size=5),)),
        replace(run, tasks=(replace(run.tasks[0], reduction=replace(run.tasks[0].reduction, width_divisor=2)),)),
        replace(run, tasks=(*run.tasks, run_of("kan_jv").tasks[0])),  # the ranges of a mixture are those of all tasks
    ]
    assert not any(same_time(run, other) for other in changed)
