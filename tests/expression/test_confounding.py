"""What cannot be told apart from a contrast."""

import polars as pl

from tilseq.expression.confounding import confounded, pairs_within, told_of_handling
from tilseq.expression.contrasts import parse_contrast

# The product of each of three subjects was sequenced in run A, their blood in B; subject 3 has no D28.
DESIGN = pl.DataFrame(
    [
        ("1p", "1", "product", "A", "x"), ("1a", "1", "D14", "B", "x"), ("1b", "1", "D28", "B", "x"),
        ("2p", "2", "product", "A", "x"), ("2a", "2", "D14", "B", "y"), ("2b", "2", "D28", "B", "y"),
        ("3p", "3", "product", "A", "NA"), ("3a", "3", "D14", "B", "y"),
    ],
    schema=["sample", "subject", "visit", "run", "plate"],
    orient="row",
)  # fmt: skip
CONTRAST = parse_contrast("visit:D28/product")


def test_subjects_whose_pair_was_handled_together():
    assert pairs_within(DESIGN, CONTRAST, "run") == {"1": False, "2": False}
    assert pairs_within(DESIGN, CONTRAST, "plate") == {"1": True, "2": False}


def test_the_error_says_what_can_be_estimated_and_not_to_leave_the_covariate_out():
    assert str(confounded(DESIGN, CONTRAST, "run")) == (
        "column run: visit is confounded with run; found '0 of 2 subjects have all samples of visit:D28/product at one "
        "run'; what is due to visit and what to run cannot be parted, and without run both would pass for one; at one "
        "run stand the samples of visit:D28/D14 (2 subjects)"
    )
    alone = DESIGN.filter(pl.col("visit") != "D14")
    assert str(confounded(alone, CONTRAST, "run")).endswith(
        "would pass for one; no two levels of visit stand at one run in 2 subjects or more"
    )


def test_a_run_that_the_model_does_not_hold_is_told():
    assert told_of_handling(DESIGN, CONTRAST) == (
        "the samples of visit:D28/product differ in run in all 2 subjects in whom it is known: what is due to run "
        "cannot be told from it",
    )
    assert told_of_handling(DESIGN, CONTRAST, ("run",)) == ()
    assert told_of_handling(DESIGN, parse_contrast("visit:D28/D14")) == ()
