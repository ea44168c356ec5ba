import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.expression.sample_design import (
    chosen_samples,
    days_of,
    match_samples,
    refuse_copies,
    without_missing,
)

DESIGN = pl.DataFrame({"sample": ["a", "b", "c"], "visit": ["D7", "D28", "D7"], "cell_type": ["CD4", "CD8", "CD8"]})


def test_rows_come_in_the_order_of_the_counts():
    assert match_samples(DESIGN, ["c", "a", "b"])["sample"].to_list() == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("design", "samples", "words"),
    [
        (DESIGN, ["a", "b", "C"], "1 of counts not in the design: C; 1 of the design not in counts: c"),
        (DESIGN, ["a", "b", "C"], "C: did you mean 'c'?"),
        (DESIGN, ["a", "b"], "1 of the design not in counts: c'; give both the same samples"),
        (DESIGN.with_columns(sample=pl.lit("a")), ["a"], "the design names a sample twice; found 'a'"),
        (DESIGN.drop("sample"), ["a"], "the design has no column sample; found 'visit, cell_type'"),
    ],
)
def test_names_that_do_not_match_are_refused(design, samples, words):
    with pytest.raises(AnalysisError) as caught:
        match_samples(design, samples)
    assert words in str(caught.value)


def test_samples_are_chosen_by_all_columns():
    assert chosen_samples(DESIGN, {}) == [0, 1, 2]
    assert chosen_samples(DESIGN, {"visit": ["D7", "D28"], "cell_type": ["CD8"]}) == [1, 2]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"visits": ["D7"]}, "column visits: the design has no such column; did you mean 'visit'?"),
        ({"visit": ["D9"]}, "column visit: no sample is of this level; found 'D9'"),
        ({"visit": ["D28"], "cell_type": ["CD4"]}, "no sample is of all levels asked for; found 'visit, cell_type'"),
    ],
)
def test_a_choice_of_nothing_is_refused(where, words):
    with pytest.raises(AnalysisError) as caught:
        chosen_samples(DESIGN, where)
    assert words in str(caught.value)


@pytest.mark.parametrize("word", ["NA", "NaN", "nan", "<NA>", "N/A", "", " NA "])
def test_words_for_a_missing_value_are_no_value(word):
    assert without_missing(pl.Series("visit", ["D28", word, None])).to_list() == ["D28", None, None]
    assert without_missing(pl.Series([1.5, float("nan")])).to_list() == ["1.5", None]
    assert without_missing(pl.Series(["NAIVE", "Nan"])).to_list() == ["NAIVE", "Nan"]


def test_days_are_whole_numbers_be_they_text():
    assert days_of(pl.Series("day", ["28", "-1.0", "NA", None])).to_list() == [28, -1, None, None]
    assert days_of(pl.Series("day", [7.0, 0.0])).to_list() == [7, 0]
    for day in ("D28", "28.5", "inf"):
        with pytest.raises(AnalysisError, match=f"column day: a day is no whole number; found '{day}'"):
            days_of(pl.Series("day", ["0", day]))


def test_two_samples_of_the_same_counts_are_refused():
    counts = np.ones((3, 80))
    counts[:, 60:] = 0  # 60 genes with counts
    counts[:, 0], counts[1, 1] = 5, 2
    for used in ([0, 1, 2], [0, 1], [1, 2]):
        with pytest.raises(AnalysisError, match="two samples hold the same counts; found 'a and c'"):
            refuse_copies(counts, ["a", "b", "c"], used)
    refuse_copies(counts, ["a", "b", "c"], [1])
    refuse_copies(counts[:2], ["a", "b"], [0, 1])
    # 59 genes tell too little, and one value nothing
    refuse_copies(np.delete(counts, 2, axis=1), ["a", "b", "c"], [0, 1, 2])
    refuse_copies(np.ones((2, 80)), ["a", "b"], [0, 1])
