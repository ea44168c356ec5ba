import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tilseq.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0.0, "0"),
        (-0.0, "0"),
        (62.7931, "62.8"),
        (-3.2, "−3.20"),
        (100.0, "100"),
        (1234.56, "1,235"),
        (1234567, "1,234,567"),
        (0.000213, "0.000213"),
        (0.0000213, "2.13 × 10⁻⁵"),
        (-0.0000213, "−2.13 × 10⁻⁵"),
        (1e15, "1.00 × 10¹⁵"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_a_number_has_three_significant_digits(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((62.79, 61.71, 63.86), "62.8 (61.7-63.9)"),
        ((100.0, 99.63, 100.0), "100.00 (99.63-100.00)"),
        ((0.5, 0.01, 300.0), "0.50 (0.01-300.00)"),
        ((0.0, 0.0, 0.0123), "0 (0-0.012)"),
        ((0.0, 0.0, 0.00003), "0 (0-3.0 × 10⁻⁵)"),
        ((2.5, 0.8, math.inf), "2.5 (0.8-∞)"),
        ((-42.0, -50.0, -31.4), "−42 (−50 to −31)"),
        ((1543.2, 1420.0, 1660.0), "1,543 (1,420-1,660)"),
        ((2e-5, 1e-6, 2e-3), "2.0 × 10⁻⁵ (1.0 × 10⁻⁶-2.0 × 10⁻³)"),
        ((2.5, 1.25, None), "2.50 (1.25-–)"),
        ((2.5, None, None), "2.50"),
        ((None, 1.0, 2.0), "–"),
    ],
)
def test_an_interval_has_the_decimals_that_its_width_deserves(numbers, text):
    assert words.interval(*numbers) == text


@given(st.floats(allow_nan=True), st.floats(), st.floats())
def test_no_number_is_shown_as_nan_or_as_a_word(value, lower, upper):
    for text in (words.number(value), words.interval(value, lower, upper)):
        assert set(text.replace(" to ", "-")) <= set("0123456789,.-−–∞() ×⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
        assert len(text) < 70


@given(st.floats(min_value=1e-3, max_value=1e12))
def test_a_shown_number_is_the_number_to_three_digits(value):
    assert float(words.number(value).replace(",", "")) == pytest.approx(value, rel=0.006)


def test_a_share_is_shown_in_percent():
    assert words.share(0.125, 0.118, 0.131) == "12.5 (11.8-13.1)"


def test_counts_spans_and_sizes_are_told_in_words():
    assert (words.plural(1, "sample"), words.plural(1200, "sample")) == ("1 sample", "1,200 samples")
    assert [words.seconds(s) for s in (4.2, 59.99, 75, 3599.7, 7384)] == [
        "4.2 s", "60 s", "1 min 15 s", "1 h 0 min", "2 h 3 min",
    ]  # fmt: skip
    assert [words.size(n) for n in (0, 999, 1000, 12_345_678, 3 * 10**9)] == ["0 B", "999 B", "1 kB", "12.3 MB", "3 GB"]


def test_settings_are_flattened_and_told_in_words():
    settings = {"flow": {"gates": {"borrow": True}, "cuts": None}, "seeds": [1, 2], "empty": {}, "none": []}
    assert words.flat(settings) == [
        ("empty", "none"),
        ("flow.cuts", "not set"),
        ("flow.gates.borrow", "yes"),
        ("none", "none"),
        ("seeds", "1, 2"),
    ]


def test_long_text_is_cut_and_says_so():
    assert words.shown("x" * 400) == "x" * 400
    assert words.shown("x" * 401) == "x" * 400 + "… (401 characters)"
    assert words.shown(Markup("<br>")) == Markup("<br>")
    assert words.shown(7) == 7
