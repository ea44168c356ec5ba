import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.expression.contrasts import parse_contrast
from tilseq.expression.paired_model import paired_model

VISIT = parse_contrast("visit:D28/product")
DESIGN = pl.DataFrame(
    {
        "sample": [f"s{i}" for i in range(9)],
        "subject": ["P1"] * 3 + ["P2"] * 3 + ["P3"] * 2 + ["P4"],
        "visit": ["product", "D7", "D28"] * 2 + ["D28", "product", "D28"],
    }
)


def test_two_levels_and_the_subjects_that_have_both():
    model = paired_model(DESIGN, VISIT, 9)
    assert model.rows.tolist() == [0, 2, 3, 5, 6, 7]
    assert model.blocks.tolist() == [0, 0, 1, 1, 2, 2]
    assert model.columns.tolist() == [[0], [1], [0], [1], [1], [0]]
    assert (model.subjects, model.correlated) == (3, False)
    assert [tuple(row.values()) for row in model.left_out] == [
        ("sample", "s1", "of another level"),
        ("sample", "s4", "of another level"),
        ("subject", "P4", "no sample of product"),
        ("sample", "s8", "the only one of its subject"),
    ]


def test_pooled_takes_all_levels_the_contrast_first():
    model = paired_model(DESIGN, VISIT, 9, pooled=True)
    assert model.rows.tolist() == list(range(8))
    assert model.columns.tolist() == [[0, 0], [0, 1], [1, 0], [0, 0], [0, 1], [1, 0], [1, 0], [0, 0]]


def test_levels_that_no_subject_joins_to_the_contrast_do_not_disturb_it():
    # P5 and P6 have two other visits: one of their columns is the other's complement.
    more = pl.DataFrame({"sample": list("abcd"), "subject": ["P5", "P5", "P6", "P6"], "visit": ["M3", "M6"] * 2})
    model = paired_model(pl.concat([DESIGN, more]), VISIT, 13, pooled=True)
    assert model.columns.shape == (12, 3)
    assert np.linalg.matrix_rank(np.column_stack([model.columns, np.eye(5)[model.blocks]])) == 8


def test_a_correlation_has_an_intercept_and_keeps_single_samples():
    model = paired_model(DESIGN, VISIT, 9, subjects="correlated")
    assert model.rows.tolist() == [0, 2, 3, 5, 6, 7, 8]
    assert model.columns.tolist() == [[0, 1], [1, 1], [0, 1], [1, 1], [1, 1], [0, 1], [1, 1]]
    assert (model.subjects, model.correlated, model.left_out[2:]) == (4, True, [])


def test_two_samples_of_another_level_are_refused_where_it_is_pooled():
    twice = pl.concat([DESIGN, DESIGN[1:2].with_columns(sample=pl.lit("t"))])
    assert paired_model(twice, VISIT, 10).subjects == 3
    with pytest.raises(AnalysisError, match="subject P1 has two samples of D7; found 's1 and t'"):
        paired_model(twice, VISIT, 10, pooled=True)


def test_an_interaction_gives_each_subject_its_levels():
    design = pl.DataFrame(
        {
            "sample": list("abcdefgh"),
            "subject": ["P1"] * 4 + ["P2"] * 4,
            "visit": ["product", "product", "D28", "D28"] * 2,
            "status": ["not_seen_in_product", "infused"] * 4,
        }
    )
    model = paired_model(design, parse_contrast("visit:D28/product*status:infused/not_seen_in_product"), 8)
    assert model.blocks.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert model.columns[:, 0].tolist() == [0, 0, 0, 1, 0, 0, 0, 1]
    assert model.columns[:, 1:].tolist() == [[0, 0], [1, 0]] * 2 + [[0, 0], [0, 1]] * 2


def test_an_interaction_is_not_pooled_unsaid():
    design = DESIGN.with_columns(status=pl.Series(["a", "b", "b", "a", "b", "b", "b", "a", "b"]))
    contrast = parse_contrast("visit:D28/product*status:b/a")
    four = pl.concat(
        [
            design,
            design.with_columns(sample=pl.col("sample") + "x", status=pl.col("status").replace({"a": "b", "b": "a"})),
        ]
    )
    assert paired_model(four, contrast, 18).subjects == 3
    with pytest.raises(AnalysisError, match="an interaction is fitted to its own four levels"):
        paired_model(four, contrast, 18, pooled=True)
