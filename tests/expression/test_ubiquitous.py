"""Samples whose genes bear each other's names, as genes show that every tissue counts many times."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from tilseq.expression.ubiquitous import check_names

MUCH = ["ACTB", "B2M", "EEF1A1", "GAPDH", "RPLP0", "TMSB4X"]
GENES = [*MUCH, *(f"RARE{n}" for n in range(18))]
SOUND = [*range(2000, 2006), *range(18)]
MOVED = [17, *range(2000, 2006), *range(17)]  # ACTB has what the last gene has; the other five are still counted much
SORTED = SOUND[::-1]  # the column of counts alone


def told(counts, genes=GENES):
    return [
        (row["sample"], row["value"], row["verdict"], row["reason"]) for row in check_names(counts, genes, ["a", "b"])
    ]


@pytest.mark.parametrize("form", [np.array, csr_array])
def test_a_column_sorted_by_itself_is_told_and_others_are_not(form):
    assert told(form([SORTED, MOVED])) == [
        (
            "a",
            0.0,
            "warn",
            "6 of 6 genes that all tissues express much are not among the quarter of its genes counted most "
            "(ACTB, B2M, EEF1A1, GAPDH, RPLP0 and 1 more): were names and counts moved apart, or a part lost?",
        )
    ]


def test_a_third_of_the_genes_may_be_counted_little():
    two = [0, 0, 2000, 2001, 2002, 9000, *range(18)]
    three = [0, 0, 0, 2000, 2001, 9000, *range(18)]
    assert [row[:2] for row in told(np.array([two, three]))] == [("b", 0.5)]


def test_shallow_samples_and_panels_without_the_genes_tell_nothing():
    both = np.array([SORTED, SORTED])
    assert both.sum() == 24_336
    assert told(both // 2) == []
    assert told(both, [*MUCH[:4], *(f"G{n}" for n in range(20))]) == []
