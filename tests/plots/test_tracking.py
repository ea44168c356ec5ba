import math

import matplotlib.colors as colours
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import clone_courses, clone_tracking
from tilseq.plots.origins import ORIGINS
from tilseq.plots.style import FAINT, PALETTE

A, B, C = "TGTGCCTTT", "TGTAAATTT", "TGTGCATTT"  # CAF, CKF, and CAF by other nucleotides


def followed(rows, n=100.0, limit=0.03, locus="TRB"):
    """Rows of the table `clones`: sample, junction, frequency."""
    frame = pl.DataFrame(rows, schema=["sample", "junction", "frequency"], orient="row")
    return frame.with_columns(
        locus=pl.lit(locus),
        n_effective=pl.lit(n, pl.Float64),
        limit_of_detection=pl.lit(limit, pl.Float64),
    )


def of(rows, locus="TRB"):
    """Rows of the table `origins`: junction, origin."""
    frame = pl.DataFrame(rows, schema=["junction", "origin"], orient="row").with_columns(locus=pl.lit(locus))
    return frame.with_columns(in_product=pl.col("origin").str.starts_with("infused"))


CLONES = followed(
    [("product", A, 0.5), ("product", B, 0.1), ("product", C, 0.2), ("d7", A, 0.1), ("d7", B, 0.4), ("d7", C, 0.0)]
)
ORIGIN = of([(A, "infused_only"), (B, "infused_only"), (C, "infused_and_preexisting")])
SAMPLES = {"product": "product", "d7": "D7\nday 7"}


def heights(axes):
    """Height of each bar by its colour, from left to right."""
    found = {}
    for bar in axes.patches:
        found.setdefault(colours.to_hex(bar.get_facecolor()), []).append(round(bar.get_height(), 6))
    return found


def test_a_clone_of_a_later_lot_is_not_infused_before_it():
    early = pl.DataFrame({"sample": ["d7"], "locus": ["TRB"], "junction": [B]})
    axes = clone_tracking(CLONES, ORIGIN, samples=SAMPLES, products=["product"], n=2, not_yet=early)
    drawn = heights(axes)
    # Without the 40 cells of B on day 7: A 60, C 20, B 10 of 200. Of day 7 a tenth is A, and all else was not infused.
    assert drawn[PALETTE[0].lower()] == [0.5, 0.1] and drawn[PALETTE[1].lower()] == [0.2, 0]
    assert drawn[FAINT] == [0, 0.9]
    assert axes.get_legend().get_texts()[0].get_text() == "not seen in what was infused by then"


def test_courses_of_clones_that_nobody_saw_are_refused():
    unseen = CLONES.with_columns(frequency=pl.lit(0.0))
    with pytest.raises(AnalysisError, match="no sample shows any of the clones"):
        clone_courses(unseen, ORIGIN, days={"product": -1, "d7": 7})


def test_each_infusion_is_marked():
    axes = clone_courses(CLONES, ORIGIN, days={"product": -1, "d7": 7}, infusions=[0, 60])
    assert [text.xy[0] for text in axes.texts if text.get_text() == "infusion"] == [0, 60]


def test_the_largest_clones_stand_by_themselves_and_all_is_a_whole():
    axes = clone_tracking(CLONES, ORIGIN, samples=SAMPLES, products=["product"], n=2)
    # together A holds 60, B 50, C 20 of 200 cells
    drawn = heights(axes)
    assert drawn[PALETTE[0].lower()] == [0.5, 0.1]
    assert drawn[PALETTE[1].lower()] == [0.1, 0.4]
    assert drawn[FAINT] == [0, 0.5]  # all clones of the product are in it; blood holds half beside them
    assert [sum(parts) for parts in zip(*drawn.values(), strict=True)] == pytest.approx([1, 1])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "not seen in the product", "all other clones of the product", "CKF", "CAF",
    ]  # fmt: skip
    assert [label.get_text() for label in axes.get_xticklabels()] == ["product\n100 cells", "D7\nday 7\n100 cells"]
    assert axes.get_ylabel() == "Share of the TRB repertoire"


def test_no_band_crosses_a_visit_of_which_nothing_is_known():
    later = pl.concat([CLONES, followed([("d28", A, 0.3), ("d84", A, 0.2)])])
    samples = {"product": "product", "d7": "D7\nday 7", "d28": "D28", "d84": "D84"}
    axes = clone_tracking(later, ORIGIN, samples=samples, products=["product"], n=1, gaps=["d7"])
    assert heights(axes)[PALETTE[0].lower()] == [0.5, 0.3, 0.2]
    assert [round(bar.get_x() + bar.get_width() / 2, 6) for bar in axes.patches[:3]] == [0, 2, 3]
    bands = [band.get_paths()[0].get_extents() for band in axes.collections]
    assert {(round(band.x0, 2), round(band.x1, 2)) for band in bands} == {(2.17, 2.83)}
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "product\n100 cells", "D7\nday 7\ntakes no part", "D28\n100 cells", "D84\n100 cells",
    ]  # fmt: skip


def test_clones_of_one_amino_acid_junction_are_told_apart():
    axes = clone_tracking(CLONES, ORIGIN, samples=SAMPLES, products=["product"], n=3)
    assert [text.get_text() for text in axes.get_legend().get_texts()][2:] == ["CAF (2)", "CKF", "CAF (1)"]


def test_a_sample_counts_by_its_cells_in_what_is_largest():
    deep = followed([("d7", A, 0.02), ("d7", B, 0.01)], n=1000)
    shallow = followed([("d28", A, 0.0), ("d28", B, 0.1)], n=10)
    axes = clone_tracking(pl.concat([deep, shallow]), ORIGIN, samples={"d7": "D7", "d28": "D28"}, products=[], n=1)
    assert heights(axes)[PALETTE[0].lower()] == [0.02, 0]  # 20 cells against 11
    assert axes.get_xticklabels()[1].get_text() == "D28\n10 cells"


def test_a_clone_not_counted_in_a_sample_of_unknown_cells_has_no_height():
    reads = followed([("d7", A, 0.75), ("d7", B, None)], n=None, limit=None)
    drawn = heights(clone_tracking(reads, ORIGIN, samples={"d7": "D7"}, products=[], n=2))
    assert drawn[PALETTE[0].lower()] == [0.75]
    assert drawn[FAINT] == [0.25]


def test_what_cannot_be_tracked_is_refused():
    with pytest.raises(AnalysisError, match="no clone of a sample; found 'd28'"):
        clone_tracking(CLONES, ORIGIN, samples={**SAMPLES, "d28": "D28"}, products=[])
    both = pl.concat([CLONES, followed([("d7", A, 0.1)], locus="TRA")])
    with pytest.raises(AnalysisError, match="several loci; found 'TRA, TRB'"):
        clone_tracking(both, ORIGIN, samples=SAMPLES, products=[])
    with pytest.raises(AnalysisError, match="none of the clones was infused"):
        clone_tracking(CLONES, of([(A, "emergent")]), samples=SAMPLES, products=[])
    with pytest.raises(AnalysisError, match="more clones than colours"):
        clone_tracking(CLONES, ORIGIN, samples=SAMPLES, products=[], n=7)


def lines(axes, style):
    return [
        line.get_xydata().tolist() for line in axes.lines if line.get_linestyle() == style and len(line.get_xdata())
    ]


def test_a_clone_that_is_not_seen_is_an_open_mark_at_the_limit():
    blood = followed([("d7", A, 0.2), ("d7", B, 0.05), ("d28", A, 0.0), ("d28", B, 0.1)])
    axes = clone_courses(blood, ORIGIN, days={"d7": 7, "d28": 28})
    solid = lines(axes, "-")
    assert [7, 0.05] in solid[-1] or [7, 0.05] in solid[-2]
    of_a = next(line for line in solid if line[0] == [7, 0.2])
    assert of_a[1][0] == 28 and math.isnan(of_a[1][1])  # no line joins what was not seen
    assert [[7, 0.2], [28, 0.03]] in lines(axes, ":")
    (mark,) = [line for line in axes.lines if line.get_markerfacecolor() == "white" and len(line.get_xdata())]
    assert mark.get_xydata().tolist() == [[28, 0.03]]
    assert mark.get_markeredgecolor() == ORIGINS["infused_only"][0]
    assert axes.get_yscale() == "log" and axes.get_ylim()[0] == 0.015
    assert axes.get_legend().get_texts()[0].get_text() == "infused, not in blood before (2)"


def test_no_line_crosses_a_visit_of_which_nothing_is_known():
    blood = followed([("d7", A, 0.2), ("d28", A, 0.3), ("d84", A, 0.1), ("d7", B, 0.2), ("d28", B, 0.0)])
    axes = clone_courses(blood, ORIGIN, days={"d7": 7, "d28": 28, "d84": 84}, gaps=[28, 14])
    of_a = next(line for line in lines(axes, "-") if [84, 0.1] in line)
    assert of_a[0] == [7, 0.2] and of_a[2:] == [[28, 0.3], [84, 0.1]]  # day 28 has a sample that is drawn
    assert of_a[1][0] == 14 and math.isnan(of_a[1][1])
    dotted = [line for line in lines(axes, ":") if [7, 0.2] in line]
    assert all(math.isnan(line[1][1]) for line in dotted) and len(dotted) == 2


def test_without_known_cells_there_is_no_limit_and_no_open_mark():
    blood = followed([("d7", A, 0.2), ("d28", A, 0.0)], n=None, limit=None)
    axes = clone_courses(blood, ORIGIN, days={"d7": 7, "d28": 28})
    assert [line for line in axes.lines if line.get_markerfacecolor() == "white" and len(line.get_xdata())] == []


def test_the_largest_of_each_origin_are_drawn():
    blood = followed([("d7", A, 0.2), ("d7", B, 0.3), ("d7", C, 0.1)])
    axes = clone_courses(blood, ORIGIN, days={"d7": 7}, n=1)
    told = [text.get_text() for text in axes.get_legend().get_texts()][:2]
    assert told == ["infused, not in blood before (1)", "infused, and in blood before (1)"]
    assert sorted(line[0][1] for line in lines(axes, "-") if len(line) == 1 and line[0][0] == 7) == [0.1, 0.3]
