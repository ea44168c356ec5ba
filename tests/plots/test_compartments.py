import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import compartment_flow
from tilseq.plots.compartments import LINKS, _stacked

PLACES = ("product_frequency", "baseline_frequency", "tumor_frequency", "later_frequency")
ROWS = [  # origin, then the share of product, baseline, tumour, later blood
    ("infused_only", 0.6, None, 0.5, 0.4),
    ("infused_only", 0.1, None, None, None),
    ("infused_and_preexisting", 0.3, 0.1, 0.2, 0.1),
    ("preexisting_only", None, 0.9, None, 0.3),
    ("indeterminate", None, None, 0.3, 0.2),
]


def origins(rows=ROWS, **others):
    frame = pl.DataFrame(rows, schema={"origin": pl.String, **dict.fromkeys(PLACES, pl.Float64)}, orient="row")
    return frame.with_columns(subject=pl.lit(others.get("subject", "S1")), locus=pl.lit(others.get("locus", "TRB")))


def told(axes):
    return sorted(text.get_text() for text in axes.texts)


def test_each_flow_tells_what_it_holds_at_both_ends():
    # by hand: tumour to product 70 % and 90 %, baseline to product 10 % and 30 %, product to later 90 % and 50 %,
    # tumour past the product 30 % and 20 %, baseline past the product 90 % and 30 %
    shares = ["70%", "90%", "10%", "30%", "90%", "50%", "30%", "20%", "90%", "30%"]
    names = ["tumour", "blood before", "product", "blood after,\nall visits"]
    axes = compartment_flow(origins())
    assert told(axes) == sorted(shares + names)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "infused, not in blood before", "infused, and in blood before", "in blood before, not infused",
        "cannot be told",
    ]  # fmt: skip


def test_flows_lie_on_each_other_without_gaps():
    rows = origins()
    arriving = {}
    for link in LINKS:
        if link.target == "later":
            arriving |= _stacked(rows, "later", link.arriving, link.clones)
    # from above: infused, infused and in blood before, tumour, blood before
    assert {key: pytest.approx(ends) for key, ends in arriving.items()} == {
        (False, "infused_only"): (1.0, 0.6),
        (True, "infused_and_preexisting"): (0.6, 0.5),
        (False, "indeterminate"): (0.5, 0.3),
        (True, "preexisting_only"): (0.3, 0.0),
    }


def test_a_compartment_that_was_not_sampled_is_not_drawn():
    without = origins([("infused_only", 1.0, None, None, 0.5), ("indeterminate", None, None, None, 0.5)])
    assert told(compartment_flow(without)) == ["100%", "50%", "blood after,\nall visits", "product"]


def test_it_is_of_one_subject_and_locus():
    with pytest.raises(AnalysisError, match="several loci"):
        compartment_flow(pl.concat([origins(), origins(locus="TRA")]))
    with pytest.raises(AnalysisError, match="of one subject"):
        compartment_flow(pl.concat([origins(), origins(subject="S2")]))
    with pytest.raises(AnalysisError, match="nothing of this locus"):
        compartment_flow(origins(), locus="TRG")
