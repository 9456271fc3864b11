"""The loop around the steps: fresh optimisers and scalers, divergence, the journal, its state."""

from dataclasses import replace

import pytest
import torch
from given_losses import ADAM, Entries, Weights, fit_of, linear, members_of

from uhn.training.fit import Fit
from uhn.training.phases import Phase


def run(fit):
    """Take all steps; return the weights."""
    while not fit.finished:
        fit.step()
    return fit.generator.weights.detach()


def test_a_good_scaled_step_is_the_float32_step():
    """Adam's first step moves each weight by the learning rate against its gradient's sign, whatever its size."""
    weights = {
        precision: run(fit_of(Weights(1.0, -2.0, 3.0), [linear(1e-3, -4.0, 0.5)] * 3, precision=precision))
        for precision in ("float32", "float16")
    }
    expected = torch.tensor([1.0 - 0.3, -2.0 + 0.3, 3.0 - 0.3])
    torch.testing.assert_close(weights["float32"], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(weights["float16"], weights["float32"], rtol=1e-3, atol=1e-3)


def test_an_infinite_gradient_skips_the_step_and_halves_the_scale():
    good = linear(3.0, 3.0)

    def overflowing(outputs):
        """Finite loss 0, gradient 3e38 times the scale: infinite."""
        return ((outputs.weights - outputs.weights.detach()) * 3e38).sum()

    fit = fit_of(Weights(1.0, 2.0), [good, overflowing, good, good], precision="float16")
    seen, scales = [], []
    while fit.progress.step < 3:
        fit.step()
        seen.append(fit.generator.weights.detach().clone())
        scales.append(fit.scaler.get_scale())
    assert scales == [65_536, 32_768, 32_768]
    assert torch.equal(seen[0], seen[1])  # skipped
    assert torch.allclose(seen[0], torch.tensor([0.9, 1.9]))
    # Adam has seen three gradients, all 3: three steps of the learning rate
    torch.testing.assert_close(run(fit), torch.tensor([0.7, 1.7]), rtol=1e-4, atol=1e-4)
    assert fit.progress.diverged is None


def test_surgery_in_half_precision_takes_the_same_steps():
    tasks = [linear(1.0, 0.25)], [linear(-1.0, 0.5)], [linear(0.5, -1.0)]
    full, half = (
        run(fit_of(Weights(2.0, 3.0), *tasks, steps=3, precision=precision, gradient_surgery=True))
        for precision in ("float32", "float16")
    )
    assert not torch.equal(full, torch.tensor([2.0, 3.0]))
    assert torch.allclose(half, full, rtol=1e-6)


def test_surgery_in_half_precision_skips_a_step_in_which_one_task_overflows():
    """3e38 is a finite gradient, scaled by 65,536 it is not."""
    tasks = [linear(3e38, 0.0)], [linear(-1.0, 1.0)]
    fit = fit_of(Weights(2.0, 3.0), *tasks, steps=3, precision="float16", gradient_surgery=True)
    assert run(fit).tolist() == [2.0, 3.0]


def bad(outputs):
    return outputs.weights.sum() / 0


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_one_loss_that_is_not_finite_is_divergence_without_scaling(precision):
    """300 steps are logged every third; the first bad loss is found between two lines of the journal."""
    losses = [linear(1.0)] * 100 + [bad] + [linear(0.0)] * 199
    fit = fit_of(Weights(1.0), losses, precision=precision)
    run(fit)
    assert (fit.progress.diverged, fit.progress.step) == ("train step 100", 103)
    assert all(entry["loss"] is not None for entry in list(fit.journal)[:-1])


def test_a_step_that_overflows_in_float16_is_skipped_and_the_scale_halved():
    losses = [linear(1.0)] * 100 + [bad] * 99 + [linear(1.0)] * 101
    fit = fit_of(Weights(1.0), losses, precision="float16")
    while fit.progress.step < 200:
        fit.step()
    assert fit.scaler.get_scale() == 65_536 * 2.0**-99
    run(fit)
    assert (fit.progress.diverged, fit.finished) == (None, True)
    assert fit.generator.weights.isfinite().all()


def test_a_loss_that_stays_bad_for_a_hundred_steps_is_divergence_in_float16():
    losses = [linear(1.0)] * 50 + [bad] * 100 + [linear(1.0)] * 150
    fit = fit_of(Weights(1.0), losses, precision="float16")
    run(fit)
    assert (fit.progress.diverged, fit.progress.step) == ("train step 50", 151)


def test_a_phase_that_ends_in_bad_losses_has_diverged_in_float16():
    fit = fit_of(Weights(1.0), [linear(1.0)] * 5 + [bad] * 3, precision="float16")
    run(fit)
    assert fit.progress.diverged == "train step 5"


def test_each_phase_has_a_fresh_optimiser_and_its_own_rate():
    """Adam's first step is the learning rate whatever came before, here 0.1 and then 0.01 the other way."""
    train = Phase("train", 1, 0.01, 0)
    phases = [Phase("train", 1, 0.1, 0), train]
    fit = Fit(Weights(1.0), phases, members_of([linear(5.0), linear(-0.1)]), 1, ADAM, Entries())
    optimizers = set()
    while not fit.finished:
        optimizers.add(id(fit.optimizer))
        fit.step()
    assert len(optimizers) == 2
    assert fit.generator.weights.item() == pytest.approx(1.0 - 0.1 + 0.01, rel=1e-5)


def test_lines_of_the_journal():
    """Losses 2, 2 - 0.1, .. of one weight, in passes of two steps."""
    fit = fit_of(Weights(2.0), [linear(1.0)], steps=4, clip_norm=3.0)
    fit.phases = [replace(fit.phases[0], steps_per_epoch=2)]
    run(fit)
    lines = [{key: value for key, value in entry.items() if key != "elapsed_s"} for entry in fit.journal]
    means = [line for line in lines if "epoch" in line]
    steps = [line for line in lines if "loss" in line]
    assert [list(line) for line in steps] == [["phase", "step", "loss", "lr", "gradient_norm"]] * 4
    assert [line["loss"] for line in steps[:2]] == pytest.approx([2.0, 1.9])
    assert [(line["epoch"], line["step"]) for line in means] == [(0, 1), (1, 3)]
    assert means[0]["epoch_loss"] == pytest.approx((2.0 + 1.9) / 2)
    assert {line["gradient_norm"] for line in steps} == {1.0}


def test_steps_done_counts_all_phases():
    fit = Fit(Weights(1.0), [Phase("init", 3, 0.1, 0), Phase("train", 2, 0.1, 0)], [], 1, ADAM, Entries())
    assert fit.steps_done == 0
    fit.progress.phase, fit.progress.step = 1, 1
    assert fit.steps_done == 4
