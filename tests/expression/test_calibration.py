"""Tests of sums hold their level where cells of a sample are alike; those of cells do not."""

import numpy as np
import pytest

from benchmarks.differential_calibration import LEVELS, SETTINGS, by_cells, by_sums, by_sums_interaction, shares

TRIALS = 200


@pytest.mark.slow
@pytest.mark.parametrize("test", [by_sums, by_sums_interaction])
@pytest.mark.parametrize("subjects", list(SETTINGS))
def test_sums_call_no_more_genes_than_chance_does(test, subjects):
    found = shares(test, SETTINGS[subjects], TRIALS)
    error = found.std(axis=1, ddof=1) / np.sqrt(TRIALS)
    assert np.all(found.mean(axis=1) <= np.array(LEVELS) + 2 * error)


@pytest.mark.slow
def test_cells_call_many():
    assert shares(by_cells, SETTINGS["8 subjects"], 20)[0].mean() > 0.2
