import pytest

from tilseq.errors import AnalysisError
from tilseq.repertoire import cells_of, effective_cells, effective_number
from tilseq.repertoire.cells import checked_effective


def test_effective_cells_and_when_the_number_is_known():
    assert effective_cells(50_000, 2_000_000) == pytest.approx(48_780.4878, rel=1e-8)
    assert effective_number(900, "cells") == 900
    assert effective_number(900, "cells", cells=800) == 800  # cells with two chains count twice
    assert effective_number(900, "cells", cells=1000) == 900
    assert effective_number(900, "umis") is None  # a cell of RNA gives several
    assert effective_number(900, "reads") is None
    assert effective_number(900, "unknown") is None
    # cells yield unequally: 1 / (2.4 / 100 + 1 / 900), 1 / (1.7 / 100 + 1 / 900)
    assert effective_number(900, "reads", cells=100) == pytest.approx(39.8230088)
    assert effective_number(900, "unknown", cells=100) == pytest.approx(39.8230088)
    assert effective_number(900, "umis", cells=100) == pytest.approx(55.2147239)
    # templates: no cell gives two, so that they are worth what is counted, but for the variance of how often
    assert effective_number(900, "templates") == effective_number(900, "templates", cells=2_000) == 900
    assert effective_number(900, "templates", cells=2_000, variance=0.5) == 600
    assert effective_number(900, "templates", cells=100, variance=0.5) == 100
    assert effective_number(0, "cells") is None
    for cells, reads in [(0, 1), (1, 0), (-1, 1), (float("nan"), 1), (1, float("inf"))]:
        with pytest.raises(AnalysisError, match="above 0"):
            effective_cells(cells, reads)


@pytest.mark.parametrize(
    ("cells", "fraction", "nanograms", "expected"),
    [
        (40_000, 0.5, None, 20_000),
        (40_000, None, None, 40_000),
        (40_000, 0.5, 500, 20_000),  # counted cells lead
        (None, 0.5, 66, 5_000),  # 66 ng / 6.6 pg = 10,000 cells
        (None, None, 66, None),
        (None, 0.5, None, None),
        (None, None, None, None),
        (40_000, 0.0, None, None),
        (0.0, None, None, None),
    ],
)
def test_t_cells_of_a_library(cells, fraction, nanograms, expected):
    found = cells_of(cells, fraction, nanograms)
    assert found is None if expected is None else found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("cells", "fraction", "nanograms"), [(10, 2, None), (-1, None, None), (None, 0.5, float("nan"))]
)
def test_what_cannot_be_cells_is_refused(cells, fraction, nanograms):
    with pytest.raises(AnalysisError, match="cannot be that"):
        cells_of(cells, fraction, nanograms)


@pytest.mark.parametrize("number", [0, -1, 10.1, float("nan"), float("inf")])
def test_an_effective_number_is_above_0_and_no_more_than_the_counts(number):
    assert [checked_effective(right, 10, "s") for right in (None, 0.1, 10, 10 * (1 + 1e-12))][:3] == [None, 0.1, 10]
    with pytest.raises(AnalysisError, match=r"of s cannot exceed its counts; found .*; expected above 0, at most 10"):
        checked_effective(number, 10, "s")
