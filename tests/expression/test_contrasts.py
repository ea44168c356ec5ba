import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.expression.contrasts import Contrast, Term, parse_contrast, subject_contrasts

DESIGN = pl.DataFrame(
    [
        ("a", "P2", "product", "CD8"),
        ("b", "P2", "D28", "CD8"),
        ("c", "P1", "D28", "CD8"),
        ("d", "P1", "D7", "CD8"),
        ("e", "P1", "product", "CD8"),
        ("f", "P3", "D28", "CD8"),
    ],
    schema=["sample", "subject", "visit", "cell_type"],
    orient="row",
)
VALUES = np.array([[1.0, 2], [4, 8], [10, 20], [0, 0], [3, 3], [7, 7]])


def test_a_contrast_is_read_and_written():
    read = parse_contrast(" visit:D28/product * status:infused/not_seen_in_product")
    assert read == Contrast((Term("visit", "D28", "product"), Term("status", "infused", "not_seen_in_product")))
    assert str(read) == "visit:D28/product*status:infused/not_seen_in_product"
    assert read.signs == {
        ("D28", "infused"): 1,
        ("D28", "not_seen_in_product"): -1,
        ("product", "infused"): -1,
        ("product", "not_seen_in_product"): 1,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("D28-product", "not a contrast; found 'D28-product'; expected FACTOR:LEVEL/REFERENCE"),
        ("visit:D28", "not a contrast"),
        ("visit:/product", "not a contrast"),
        ("visit:D28/a/b", "not a contrast"),
        ("visit:D28/D28", "a level is compared with itself"),
        ("visit:D28/a*visit:D7/a", "an interaction is of two factors"),
        ("a:1/2*b:1/2*c:1/2", "an interaction is of two factors"),
    ],
)
def test_what_is_no_contrast_is_refused(text, words):
    with pytest.raises(AnalysisError) as caught:
        parse_contrast(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("design", [DESIGN, pd.DataFrame(DESIGN.to_dict(as_series=False))])
def test_each_subject_with_a_pair_has_its_difference_and_the_others_are_told(design):
    found = subject_contrasts(VALUES, design, "visit:D28/product")
    assert found.subjects == ("P1", "P2")
    assert found.differences.tolist() == [[7, 17], [3, 6]]  # 10 - 3, 20 - 3; 4 - 1, 8 - 2
    assert found.left_out.rows() == [("P3", "no sample of product")]


def test_an_interaction_is_the_difference_of_differences():
    design = pl.DataFrame(
        {
            "sample": list("abcdefg"),
            "subject": ["P1"] * 4 + ["P2"] * 3,
            "visit": ["D28", "D28", "product", "product", "D28", "D28", "product"],
            "status": ["infused", "not_seen_in_product"] * 3 + ["infused"],
        }
    )
    values = np.array([[10.0], [4], [3], [2], [1], [1], [1]])
    found = subject_contrasts(values, design, "visit:D28/product*status:infused/not_seen_in_product")
    assert found.differences.tolist() == [[5]]  # (10 - 4) - (3 - 2)
    assert found.left_out.rows() == [("P2", "no sample of product not_seen_in_product")]


def test_two_samples_where_one_is_needed_are_refused_by_what_tells_them_apart():
    twice = pl.concat([DESIGN, pl.DataFrame([["g", "P1", "D28", "CD4"]], schema=DESIGN.columns, orient="row")])
    with pytest.raises(AnalysisError) as caught:
        subject_contrasts(np.vstack([VALUES, [0, 0]]), twice, "visit:D28/product")
    assert "subject P1 has two samples of D28; found 'c and g'" in str(caught.value)
    assert "choose one level of cell_type" in str(caught.value)
    counted = twice.with_columns(cells=pl.int_range(pl.len()), counts=pl.int_range(pl.len()))
    with pytest.raises(AnalysisError, match=r"choose one level of cell_type \(--where\)$"):
        subject_contrasts(np.vstack([VALUES, [0, 0]]), counted, "visit:D28/product")
    alike = twice.with_columns(cell_type=pl.lit("CD8"))
    with pytest.raises(AnalysisError, match="sum the counts of replicates"):
        subject_contrasts(np.vstack([VALUES, [0, 0]]), alike, "visit:D28/product")


@pytest.mark.parametrize(
    ("design", "contrast", "words"),
    [
        (DESIGN.head(5), "visit:D28/product", "the design does not fit the counts; found '5 rows'; expected 6"),
        (DESIGN, "visits:D28/product", "column visits: the design has no such column; did you mean 'visit'?"),
        (DESIGN, "visit:D29/product", "column visit: no sample is of this level; found 'D29'; did you mean 'D28'?"),
        (DESIGN, "visit:M3/product", "it has D28, D7, product"),
        (DESIGN.with_columns(sample=pl.lit("a")), "visit:D28/product", "the design names a sample twice; found 'a'"),
        (
            DESIGN.with_columns(visit=pl.when(pl.col("sample") == "a").then(pl.col("visit") + " ").otherwise("visit")),
            "visit:D28/product",
            "column visit: two words differ only in case, blanks or Unicode form; found",
        ),
        (
            DESIGN.with_columns(subject=pl.when(pl.col("sample") == "a").then(pl.lit("p1")).otherwise("subject")),
            "visit:D28/product",
            "column subject: two words differ only in case, blanks or Unicode form; found \"'P1' and 'p1'\"",
        ),
        (
            DESIGN.with_columns(subject=pl.when(pl.col("sample") != "c").then("subject")),
            "visit:D28/product",
            "column subject: the design lacks a value; found 'none of sample c'; give it one, or leave the sample out",
        ),
    ],
)
def test_a_design_that_does_not_fit_is_refused(design, contrast, words):
    with pytest.raises(AnalysisError) as caught:
        subject_contrasts(VALUES, design, contrast)
    assert words in str(caught.value)


@given(st.permutations(range(6)))
def test_the_order_of_samples_does_not_matter(order):
    found = subject_contrasts(VALUES[order], DESIGN[order], "visit:D28/product")
    assert found.subjects == ("P1", "P2")
    assert found.differences.tolist() == [[7, 17], [3, 6]]
