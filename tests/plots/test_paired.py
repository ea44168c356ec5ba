import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import infused_scatter, paired_slopes
from tilseq.plots.scored import in_order
from tilseq.plots.style import MARKERS, MUTED, PALETTE

ROWS = [  # subject, visit, value
    ("S1", "product", 0.2), ("S1", "D28", 0.6),
    ("S2", "product", 0.4), ("S2", "D28", 0.2),
    ("S3", "product", 0.3),
    ("S4", "product", 0.1), ("S4", "D28", None),
    ("S5", "D28", 0.5),
    ("S6", "D28", None),
]  # fmt: skip


def tables(rows=ROWS, columns=("subject", "visit")):
    frame = pl.DataFrame(rows, schema=[*columns, "value"], orient="row")
    frame = frame.with_columns(sample=pl.concat_str(columns, separator="|"), set=pl.lit("exhaustion"))
    return frame.select("sample", "set", "value"), frame.select("sample", *columns)


def drawn(axes, label):
    return [(line.get_color(), line.get_xydata().tolist()) for line in axes.lines if line.get_label() == label]


def test_a_line_a_subject_and_an_open_mark_without_a_pair():
    axes = paired_slopes(*tables(), gene_set="exhaustion")
    assert drawn(axes, "S1") == [(PALETTE[0], [[0, 0.2], [1, 0.6]])]
    assert drawn(axes, "S2") == [(PALETTE[1], [[0, 0.4], [1, 0.2]])]
    assert drawn(axes, "S3") == [(PALETTE[2], [[-0.07, 0.3]])] and drawn(axes, "S5") == [(PALETTE[4], [[1.07, 0.5]])]
    open_marks = [line.get_label() for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert open_marks == ["S3", "S4", "S5"]  # the score of S4 at D28 is missing, not 0
    ((colour, mean),) = drawn(axes, "mean of 2 pairs")
    assert colour == MUTED and mean == [[0, pytest.approx(0.3)], [1, pytest.approx(0.4)]]
    assert axes.get_title(loc="left") == "2 pairs; open: no pair (3); without a score: 1"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["product", "D28"]
    assert axes.get_ylabel() == "Score, exhaustion"


def test_one_pair_has_no_mean_and_many_subjects_no_names():
    axes = paired_slopes(*tables(ROWS[:2]), gene_set="exhaustion")
    assert axes.get_title(loc="left") == "1 pair"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["S1"]
    many = [(f"S{i:02}", visit, i / 10) for i in range(15) for visit in ("product", "D28")]
    axes = paired_slopes(*tables(many), gene_set="exhaustion")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["mean of 15 pairs"]
    assert axes.get_legend().get_title().get_text() == "15 subjects"
    assert {line.get_color() for line in axes.lines} == {MUTED}


def test_what_has_no_slopes_is_refused():
    scores, design = tables()
    with pytest.raises(AnalysisError, match="slopes are of one factor"):
        paired_slopes(scores, design, gene_set="exhaustion", contrast="visit:D28/product*status:a/b")
    with pytest.raises(AnalysisError, match=r"column visit: no sample is of this level; found 'D29'.*mean 'D28'"):
        paired_slopes(scores, design, gene_set="exhaustion", contrast="visit:D29/product")
    with pytest.raises(AnalysisError, match="no such column; did you mean 'visit'"):
        paired_slopes(scores, design, gene_set="exhaustion", contrast="visits:D28/product")
    with pytest.raises(AnalysisError, match=r"no score is of this set; found 'exhaustoin'; did you mean"):
        paired_slopes(scores, design, gene_set="exhaustoin")
    both = pl.concat(
        [design.with_columns(cell_type=pl.lit(name), sample=pl.col("sample") + name) for name in ("4", "8")]
    )
    with pytest.raises(AnalysisError, match="two samples are of S1 D28; .*choose one level of cell_type"):
        paired_slopes(scores, both, gene_set="exhaustion")


STATUS = [  # subject, visit, status, value
    ("S1", "D28", "infused", 0.6), ("S1", "D28", "not_seen_in_product", 0.4),
    ("S1", "D7", "infused", 0.5), ("S1", "D7", "not_seen_in_product", 0.1),
    ("S1", "product", "infused", 0.9),
    ("S2", "D7", "infused", 0.2), ("S2", "D7", "not_seen_in_product", 0.3), ("S2", "D7", "undecided", 0.8),
    ("S2", "D28", "infused", None), ("S2", "D28", "not_seen_in_product", 0.35),
]  # fmt: skip


def of_status(rows=STATUS):
    scores, design = tables(rows, ("subject", "visit", "status"))
    days = {"product": 0, "D7": 7, "D28": 28}
    return scores, design.with_columns(day=pl.col("visit").replace_strict(days))


def test_infused_cells_stand_over_the_others_of_their_sample():
    axes = infused_scatter(*of_status(), gene_set="exhaustion")
    assert drawn(axes, "_line") == [(PALETTE[0], [[0.1, 0.5], [0.4, 0.6]]), (PALETTE[1], [[0.3, 0.2]])]  # by day
    assert drawn(axes, "_D7") == [(PALETTE[0], [[0.1, 0.5]]), (PALETTE[1], [[0.3, 0.2]])]
    assert drawn(axes, "_alone") == [(PALETTE[0], [[0.0, 0.9]]), (PALETTE[1], [[0.35, 0.0]])]
    assert axes.get_xlim() == axes.get_ylim() == (pytest.approx(0.1 - 0.048), pytest.approx(0.9 + 0.048))
    assert axes.get_title(loc="left").split("\n") == [
        "exhaustion: 2 of 3 samples higher in infused cells", "tick at an edge: no partner (2)",
    ]  # fmt: skip
    assert axes.get_xlabel() == "Score, cells not seen in the product"
    assert {text.get_text(): text.xy for text in axes.texts} == {
        "S1": (0.4, 0.6),
        "S2": (0.3, 0.2),
    }  # at the last visit
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["D7", "D28"]
    markers = {line.get_label(): line.get_marker() for line in axes.lines if line.get_label() in ("_D7", "_D28")}
    assert markers == {"_D7": MARKERS[0], "_D28": MARKERS[1]}
    assert [handle.get_marker() for handle in axes.get_legend().legend_handles] == list(MARKERS[:2])


def test_without_a_pair_there_is_no_figure():
    with pytest.raises(AnalysisError, match="no sample has a score of infused and of other cells"):
        infused_scatter(*of_status([STATUS[4], STATUS[9]]), gene_set="exhaustion")
    with pytest.raises(AnalysisError, match="column status: no sample is of this level; found 'not_seen_in_product'"):
        infused_scatter(*of_status([STATUS[4]]), gene_set="exhaustion")


def test_visits_stand_by_days_that_are_text_and_a_day_that_is_none_is_refused():
    design = pl.DataFrame({"visit": ["D112", "D28", "product"], "day": ["112", "28", "-1"]})
    assert in_order(design, None) == ["product", "D28", "D112"]
    with pytest.raises(AnalysisError, match="column day: a day is no whole number; found 'week 4'"):
        in_order(design.with_columns(day=pl.lit("week 4")), None)
