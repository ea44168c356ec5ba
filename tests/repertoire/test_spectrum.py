import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.repertoire.spectrum import effective_spectrum, spectrum


@given(st.lists(st.one_of(st.integers(1, 30), st.integers(1, 10**9)), min_size=1, max_size=80))
def test_a_spectrum_holds_all_counts(counts):
    found = spectrum(np.array(counts))
    assert np.repeat(found.sizes, found.clones.astype(int)).tolist() == sorted(counts)
    assert (found.n, found.richness) == (sum(counts), len(counts))
    assert found.seen(1) == counts.count(1)


def test_reads_are_scaled_to_cells():
    # 400 reads of 10 cells: 60 reads are a cell and a half, 20 half a cell
    found = effective_spectrum(spectrum(np.array([200, 120, 60, 20])), 10.4)
    assert found.n == 10
    assert dict(zip(found.sizes.tolist(), found.clones.tolist(), strict=True)) == pytest.approx(
        {1: 1.0, 2: 0.5, 3: 1.0, 5: 1.0}
    )
    whole = spectrum(np.array([3, 2]))
    assert effective_spectrum(whole, 5) is whole
    assert effective_spectrum(whole, 99) is whole


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=60), st.floats(0.01, 0.999))
def test_effective_cells_keep_their_sum(counts, part):
    n = part * sum(counts)
    found = effective_spectrum(spectrum(np.array(counts)), n)
    assert found.sizes @ found.clones == pytest.approx(round(n), rel=1e-9, abs=1e-9)
    assert (found.clones > 0).all() and (found.sizes > 0).all()
    assert found.richness <= len(counts) + 1e-9
