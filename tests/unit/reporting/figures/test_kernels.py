"""Generated kernels (Figure 4) and their statistics."""

import numpy as np
import pytest
from safetensors.numpy import save
from synthetic_figures import SEEDS

from uhn.errors import UserError
from uhn.reporting.figures.kernels import mosaic, statistics
from uhn.runs.identity import read_metadata


def test_kernel_statistics_of_known_kernels():
    rng = np.random.default_rng(1)
    one = rng.standard_normal((3, 2, 2))
    # channels 2a, a + 1 and -a: correlations 1, -1, -1
    kernel = np.stack([2 * one, one + 1, -one]).astype(np.float32)
    found = statistics(kernel)
    assert found["mean_correlation"] == pytest.approx(-1 / 3, abs=1e-6)
    assert found["mean_absolute_correlation"] == pytest.approx(1, abs=1e-6)
    assert found["variance"] == pytest.approx(np.mean(kernel**2) - np.mean(kernel) ** 2, rel=1e-5)
    constant = statistics(np.ones((2, 1, 3, 3), np.float32))
    assert constant["variance"] == 0 and np.isnan(constant["mean_correlation"])


def test_figure_4_has_the_statistics_of_every_seed(lines_of):
    lines = lines_of("4")
    assert [(line["series"], line["shown"]) for line in lines] == [
        (name, str(shown)) for name in ("raw", "positional", "gaussian_fourier") for shown in (True, False)
    ]
    # channels 0.8 common + 0.2 own noise: correlation 0.64 / 0.68
    assert float(lines[0]["mean_correlation"]) == pytest.approx(0.64 / 0.68, abs=0.02)


def test_a_mosaic_has_one_tile_per_pair_of_channels():
    kernel = np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2)
    tiles = mosaic(kernel)
    assert tiles.shape == (5, 8)
    np.testing.assert_array_equal(tiles[3:5, 6:8], kernel[1, 2])
    assert np.isnan(tiles[2]).all() and np.isnan(tiles[:, 5]).all()


def test_other_arrays_are_no_kernels(runs, publish):
    path = runs / "cifar10_cnn20" / "raw" / f"seed{SEEDS[1]}" / "kernel.safetensors"
    run = read_metadata(path)["run"]
    for array in (np.zeros((3, 3), np.float32), np.zeros((1, 1, 3, 3)), np.full((1, 1, 3, 3), np.nan, np.float32)):
        path.write_bytes(save({"kernel": array}, metadata={"run": run}))
        with pytest.raises(UserError, match=r"kernel\.safetensors: expected one finite float32 array of"):
            publish("4")
    path.write_bytes(save({"kernel": np.zeros((1, 1, 3, 3), np.float32)}, metadata={"run": "0" * 64}))
    with pytest.raises(UserError, match=r"kernel\.safetensors: belongs to run 000000000000, expected"):
        publish("4")
