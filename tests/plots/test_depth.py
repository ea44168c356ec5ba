import polars as pl
import pytest
from matplotlib.colors import to_rgba

from tilseq.errors import AnalysisError
from tilseq.plots.clinic_words import RESPONSE_COLOURS
from tilseq.plots.depth import waterfall

ROWS = pl.DataFrame(
    [
        ("A", "PR", -55.0, "melanoma"),
        ("B", "PD", 240.0, "nsclc"),
        ("C", "SD", 0.0, "melanoma"),
        ("D", "not_assessed", None, "nsclc"),
        ("E", "PD", -55.0, "nsclc"),
    ],
    schema=["subject", "best_response", "depth_pct", "tumor_type"],
    orient="row",
)


def bars(axes):
    return {
        container.get_label(): [(round(bar.get_x() + bar.get_width() / 2), bar.get_height()) for bar in container]
        for container in axes.containers
    }


def test_bars_go_from_growth_to_shrinkage_and_one_beyond_the_limit_ends_there_with_its_number():
    axes = waterfall(ROWS)
    assert bars(axes) == {"PR (1)": [(2, -55)], "SD (1)": [(1, 0)], "PD (2)": [(0, 100), (3, -55)]}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["B", "C", "A", "E"]
    assert [text.get_text() for text in axes.texts] == ["PD +240", "SD", "PR", "PD"]
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert lines["_beyond"] == [[0, 100]]
    assert [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() == "--"] == [-30, 20]


def test_a_subject_without_a_sum_is_named_and_one_without_change_is_seen():
    axes = waterfall(ROWS)
    told = " ".join(axes.get_title(loc="left").split())
    assert told == "no bar for want of a sum after the baseline that counts: D; arrow: beyond +100 % (1)"
    flat = [line.get_xydata().tolist() for line in axes.get_lines() if line.get_label() == "_flat"]
    assert sorted(flat) == [[], [], [[1, 0]]]


def test_the_colour_is_that_of_the_response_or_of_the_tumour_type():
    drawn = {box.get_label(): box.patches[0].get_facecolor() for box in waterfall(ROWS).containers}
    assert drawn["PR (1)"] == to_rgba(RESPONSE_COLOURS["PR"])
    axes = waterfall(ROWS.to_pandas(), colour="tumor_type")
    assert bars(axes) == {"melanoma (2)": [(1, 0), (2, -55)], "NSCLC (2)": [(0, 100), (3, -55)]}


def test_no_two_tumour_types_look_alike():
    rows = pl.DataFrame([(f"S{i}", "SD", -i, f"type {i}") for i in range(14)], schema=ROWS.schema, orient="row")
    drawn = [box.patches[0] for box in waterfall(rows, colour="tumor_type").containers]
    assert len({(bar.get_facecolor(), bar.get_hatch()) for bar in drawn}) == 14
    assert [bar.get_hatch() for bar in drawn[:6]] == [None] * 6


def test_a_tumour_type_that_is_not_given_has_a_bar_too():
    axes = waterfall(ROWS.with_columns(tumor_type=ROWS["tumor_type"].replace("nsclc", None)), colour="tumor_type")
    assert bars(axes) == {"melanoma (2)": [(1, 0), (2, -55)], "not given (2)": [(0, 100), (3, -55)]}


def test_long_names_stand_upright_where_they_would_lie_over_one_another():
    names = ROWS.with_columns(subject=pl.format("CDISC-01-701-{}", "subject"))
    assert {label.get_rotation() for label in waterfall(names).get_xticklabels()} == {90}
    assert {label.get_rotation() for label in waterfall(ROWS).get_xticklabels()} == {0}


def test_many_subjects_are_not_named():
    many = pl.DataFrame({"subject": [f"S{i}" for i in range(41)], "best_response": "SD", "depth_pct": -1.0})
    axes = waterfall(many)
    assert (list(axes.get_xticks()), list(axes.texts)) == ([], [])
    assert axes.get_title(loc="left") == "41 subjects"


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (ROWS.drop("depth_pct"), "needs this column.*depth_pct|depth_pct.*needs this column"),
        (ROWS.with_columns(depth_pct=pl.lit(None, pl.Float64)), "nothing to draw"),
        (pl.concat([ROWS, ROWS]), "one place in the figure.*2 rows of A.*one reader, source and confirmation"),
        (ROWS.with_columns(best_response=pl.lit("better")), "this is no best response.*better of A"),
        (ROWS.with_columns(best_response=pl.lit(None, pl.String)), "this is no best response.*None of A"),
    ],
)
def test_what_cannot_be_drawn_is_refused(frame, told):
    with pytest.raises(AnalysisError, match=told):
        waterfall(frame)
