import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.exact import shares_differ, upper_tail

# tests/oracles/intracellular.R: fisher.test(alternative = "greater")
FISHER = [
    ((50, 10000, 5, 10000), 1.01597729771e-10),
    ((12, 5000, 3, 8000), 0.00127883779624),
    ((3, 500, 0, 50000), 9.64831687739e-07),
    ((0, 500, 0, 500), 1.0),
    ((7, 2000, 9, 2000), 0.773210167075),
    ((400, 20000, 40, 20000), 8.22057832795e-77),
    ((56, 70, 48, 80), 0.0063247111299),
    ((10, 10, 0, 20), 3.32833916042e-08),
]


def test_upper_tails_are_those_of_r():
    found = upper_tail(np.array([4, 0, 15]), 300, np.array([20, 20, 15]), 25)
    assert found[0] == pytest.approx(7.27442108365e-02, rel=1e-9)
    assert found[1] == pytest.approx(1, rel=1e-9)
    found = upper_tail(np.array([15, 30]), 300, np.array([15, 200]), 40)
    assert found == pytest.approx(np.array([5.23230987390e-15, 1.53473579623e-01]), rel=1e-9)


def test_one_sided_fisher_is_that_of_r():
    found = shares_differ(*np.array([counts for counts, _ in FISHER]).T)
    assert found == pytest.approx([p for _, p in FISHER], rel=1e-8)


@given(st.integers(0, 60), st.integers(60, 300), st.integers(0, 60), st.integers(60, 300))
def test_p_falls_as_positives_are_more_and_is_a_chance(a, all_a, b, all_b):
    one, more = shares_differ([a, a + 1], [all_a + 1] * 2, [b] * 2, [all_b] * 2)
    assert 0 <= more <= one * (1 + 1e-9) and one <= 1
