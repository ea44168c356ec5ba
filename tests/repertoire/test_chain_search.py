"""The other chain of a clone of which the product shows neither."""

import numpy as np
import pytest

from tilseq.repertoire.chain_search import Search
from tilseq.repertoire.missed_clones import Missed


@pytest.mark.parametrize(("junction", "chance"), [("B1", 0.8942934), ("B3", 0.6321206)])
def test_the_other_chain_of_a_missed_clone_by_hand(junction, chance):
    """Half a count or two of 100 are expected of it; 200 cells were read apart: 1 - exp(-1) / 4 - exp(-4) 3 / 4."""
    model = Missed(np.array([1, 3]), np.array([0.5, 0.2]), np.array([0.5, 2.0]), np.array([[0.25, 0.75], [1, 0]]))
    searched = Search("TRB", {}, {"B1": 1, "B3": 3}, 70.0, "", {1: 0.5, 3: 0.2}, 100, model, 0.0, 0.0)
    assert searched.chance_also(junction, 200) == pytest.approx(chance, abs=1e-7)
