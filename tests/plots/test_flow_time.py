from typing import Any

import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots.flow_time import infused_of_cohort, medians, subsets_of_cohort, subsets_of_subject

SHARES = (("CD3+", "lymphocytes", 60.0), ("CD4+ T", "CD3+", 40.0), ("CD8+ T", "CD3+", 50.0))


def number(subject: str, day: int, parameter: str, population: str | None, value: float | None, **more: Any) -> dict:
    row = {"subject": subject, "visit": f"D{day}", "day": day, "parameter": parameter, "population": population}
    row |= {"parent": None, "value": value, "status": "quantified", "state": "ok"}
    row |= {"lower": None if value is None else 0.9 * value, "upper": None if value is None else 1.1 * value}
    return row | more


def tube(subject: str, day: int, *, beads: bool = True) -> list[dict]:
    """Return the numbers of one tube: CD3+ 60 %, CD4+ 40 %, CD8+ 50 %, 1,000 CD3+ per µL, ratio 0.8."""
    rows = [number(subject, day, "percent_of_parent", name, value, parent=parent) for name, parent, value in SHARES]
    rows += [number(subject, day, "cells_per_ul", name, 10 * value) for name, _, value in SHARES if beads]
    return [*rows, number(subject, day, "cd4_cd8_ratio", None, 0.8)]


def frame(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), infer_schema_length=None)


def shown(axes: Any) -> dict[str, list]:
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    return {label: points for label, points in lines.items() if not label.startswith("_")}


def test_one_subject_has_a_panel_for_shares_cells_and_the_ratio() -> None:
    figure = subsets_of_subject(frame(*tube("S1", -7), *tube("S1", 28)))
    shares, cells, ratio = figure.axes
    assert shown(shares) == {
        "CD3+": [[-7, 60], [28, 60]], "CD4+ T": [[-7, 40], [28, 40]], "CD8+ T": [[-7, 50], [28, 50]],
    }  # fmt: skip
    assert shown(cells) == {
        "CD3+": [[-7, 600], [28, 600]], "CD4+ T": [[-7, 400], [28, 400]], "CD8+ T": [[-7, 500], [28, 500]],
    }  # fmt: skip
    assert shown(ratio) == {"CD4/CD8": [[-7, 0.8], [28, 0.8]]}
    assert [axes.get_ylabel() for axes in figure.axes] == ["% of parent", "cells/µL", "CD4/CD8 ratio"]
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log", "log"]
    assert all("infusion" in [text.get_text() for text in axes.texts] for axes in figure.axes)
    assert shares.collections[0].get_segments()[0].tolist() == [[-7, 54], [-7, 66]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["CD3+", "CD4+ T", "CD8+ T", "CD4/CD8"]
    assert figure.get_suptitle() == "S1"
    assert figure.get_supxlabel() == "CD3+ of lymphocytes; CD4+ T of CD3+; CD8+ T of CD3+"


def test_without_beads_there_is_no_panel_of_cells() -> None:
    figure = subsets_of_subject(frame(*tube("S1", 7, beads=False)))
    assert [axes.get_ylabel() for axes in figure.axes] == ["% of parent", "CD4/CD8 ratio"]
    figure = subsets_of_cohort(frame(*tube("S1", 7, beads=False)))
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "CD3+, % of lymphocytes", "CD4+ T, % of CD3+", "CD8+ T, % of CD3+", "CD4/CD8 ratio",
    ]  # fmt: skip


def test_the_cohort_has_a_panel_a_subset_and_a_line_a_subject() -> None:
    figure = subsets_of_cohort(frame(*tube("S1", 7), *tube("S2", 8)))
    assert [axes.get_ylabel() for axes in figure.axes if axes.axison] == [
        "CD3+, % of lymphocytes", "CD4+ T, % of CD3+", "CD8+ T, % of CD3+", "CD4/CD8 ratio",
        "CD3+, cells/µL", "CD4+ T, cells/µL", "CD8+ T, cells/µL",
    ]  # fmt: skip
    assert shown(figure.axes[0]) == {"S1": [[7, 60]], "S2": [[8, 60]]}  # two subjects have no median
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["S1", "S2"]


def test_three_subjects_have_a_median_that_says_what_it_is() -> None:
    rows = [number(s, d, "cells_per_ul", "CD3+", v) for s, d, v in (("A", 7, 10.0), ("B", 7, 30.0), ("C", 9, 1000.0))]
    figure = subsets_of_cohort(frame(*rows))
    axes = next(axes for axes in figure.axes if axes.get_ylabel() == "CD3+, cells/µL")
    assert shown(axes)["A"] == [[7, 10]]
    rows = [row | {"visit": "week 1"} for row in rows]
    lines = shown(next(a for a in subsets_of_cohort(frame(*rows)).axes if a.get_ylabel() == "CD3+, cells/µL"))
    assert lines["median (visits of\n3 subjects or more)"] == [[7, 30]]


def test_beyond_fourteen_subjects_only_the_median_is_named() -> None:
    figure = subsets_of_cohort(frame(*(row for i in range(15) for row in tube(f"S{i}", 7))))
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["median (visits of\n3 subjects or more)"]


def at(subject: str, value: float | None, status: str = "quantified", upper: float | None = None, day: int = 7) -> dict:
    return number(subject, day, "percent_of_parent", "CD3+", value, status=status, upper=upper)


@pytest.mark.parametrize(
    ("rows", "median"),
    [
        ([at("A", 1.0), at("B", 5.0), at("C", 2.0)], 2.0),
        ([at("A", 1.0), at("B", 5.0)], None),
        ([at("A", 1.0), at("A", 3.0), at("B", 5.0), at("C", 9.0)], 5.0),
        ([at("A", 0.0, "not_detected", 0.5), at("B", 5.0), at("C", 2.0)], 2.0),
        ([at("A", 0.0, "not_detected", 3.0), at("B", 5.0), at("C", 2.0)], None),
        ([at("A", 0.0, "not_detected", 0.5), at("B", 0.0, "not_detected", 0.7), at("C", 2.0)], None),
        ([at("A", 0.0, "not_detected"), at("B", 5.0), at("C", 2.0)], None),
        ([at("A", None), at("B", 5.0), at("C", 2.0)], None),
    ],
)
def test_the_median_is_that_of_three_subjects_whatever_an_undetected_one_is(rows: list[dict], median: Any) -> None:
    known = medians(frame(*rows))
    assert [value for _, value in known] == [median]


def test_a_visit_of_two_subjects_parts_the_median() -> None:
    rows = [at(s, 1.0, day=day) for day in (7, 28, 84) for s in ("ABC" if day != 28 else "AB")]
    assert medians(frame(*rows)) == [(7, 1.0), (28, None), (84, 1.0)]


def test_infused_cells_have_a_panel_for_shares_and_one_for_cells() -> None:
    share, cells = "infused_share_of_cd3", "infused_cells_per_ul"
    rows = [number(s, d, share, None, v) for s, d, v in (("A", 7, 80.0), ("A", 28, 40.0), ("B", 8, 20.0))]
    rows += [number("A", 7, cells, None, 200.0), number("B", 28, share, None, 30.0, status="not_detected", upper=60.0)]
    figure = infused_of_cohort(frame(*rows).drop("visit", "population", "parent"))
    left, right = figure.axes
    assert [axes.get_ylabel() for axes in figure.axes] == ["infused share of CD3+, %", "infused cells/µL"]
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]
    # What was not detected stands at its upper limit, and no line joins it.
    assert shown(left)["A"] == [[7, 80], [28, 40]] and shown(left)["B"][0] == [8, 20]
    assert [line.get_xydata().tolist() for line in left.lines if line.get_label() == "_below"] == [[[28, 60]]]
    assert shown(right) == {"A": [[7, 200]]}
    colours = [{line.get_label(): line.get_color() for line in axes.lines}["A"] for axes in figure.axes]
    assert colours[0] == colours[1]
    assert "not detected, below this" in figure.get_supxlabel()


def test_low_shares_of_infused_cells_are_on_a_logarithmic_axis() -> None:
    share = "infused_share_of_cd3"
    rows = [number("A", 7, share, None, 80.0), number("A", 28, share, None, 0.4)]
    assert [axes.get_yscale() for axes in infused_of_cohort(frame(*rows)).axes] == ["log"]
    rows = [number("A", 7, share, None, 80.0), number("A", 28, share, None, 40.0)]
    assert [axes.get_yscale() for axes in infused_of_cohort(frame(*rows)).axes] == ["linear"]


def test_a_subject_of_whom_only_a_limit_is_known_has_a_line() -> None:
    low = {"status": "not_detected", "upper": 0.3}
    rows = [
        number("A", 7, "infused_share_of_cd3", None, 80.0),
        number("B", 7, "infused_share_of_cd3", None, None, **low),
    ]
    (axes,) = infused_of_cohort(frame(*rows)).axes
    assert {"A", "B"} <= {line.get_label() for line in axes.lines}


def test_infused_cells_without_counts_have_one_panel() -> None:
    figure = infused_of_cohort(frame(number("A", 7, "infused_share_of_cd3", None, 80.0)))
    assert [axes.get_ylabel() for axes in figure.axes] == ["infused share of CD3+, %"]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(AnalysisError, match="column visit"):
        subsets_of_cohort(frame(*tube("S1", 7)).drop("visit"))
    with pytest.raises(AnalysisError, match="rows of one"):
        subsets_of_subject(frame(*tube("S1", 7), *tube("S2", 7)))
    with pytest.raises(AnalysisError, match="nothing to draw"):
        subsets_of_cohort(frame(at("S1", None)))


def test_pandas_does_as_well() -> None:
    figure = subsets_of_subject(frame(*tube("S1", 7)).to_pandas())
    assert shown(figure.axes[2]) == {"CD4/CD8": [[7, 0.8]]}


def test_lines_too_many_to_be_named_are_counted() -> None:
    many = [f"S{i:02}" for i in range(15)]
    figure = subsets_of_cohort(frame(*(row for name in many for row in tube(name, 7))))
    assert figure.get_supxlabel() == "15 subjects"
    assert subsets_of_cohort(frame(*(row for name in many[:14] for row in tube(name, 7)))).get_supxlabel() == ""
    infused = [number(name, 7, "infused_share_of_cd3", None, 20.0) for name in many]
    assert infused_of_cohort(frame(*infused)).get_supxlabel() == "15 lines"
