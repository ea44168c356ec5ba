import polars as pl
import pytest

from tilseq.io.write import write_table
from tilseq.report.results import read_results
from tilseq.report.series import (
    commonest,
    in_blood,
    infused,
    reference_name,
    repertoires,
    t_cells,
    ways_in_words,
)
from tilseq.tables import outputs


def test_only_blood_with_a_day_and_a_finite_value_is_drawn_over_time(tmp_path):
    base = {"subject": "S1", "parameter": "cd4_cd8_ratio", "unit": "ratio", "status": "quantified", "scope": "sample"}
    rows = [
        {**base, "sample": "a", "specimen": "blood", "day": 1, "value": 2.0, "qualifier": "x=1;y=2"},
        {**base, "sample": "b", "specimen": "tumor", "day": 1, "value": 2.0},
        {**base, "sample": "c", "specimen": "blood", "value": 2.0},
        {**base, "sample": "d", "specimen": "blood", "day": 1},
        {**base, "sample": "e", "specimen": "blood", "day": 1, "value": float("inf")},
        {**base, "sample": "f", "specimen": "blood", "day": 1, "value": 2.0, "qualifier": "y=22"},
    ]
    write_table(outputs.ENDPOINTS.frame(rows), outputs.ENDPOINTS, tmp_path / "tables")
    results = read_results(tmp_path)
    assert in_blood(results, "cd4_cd8_ratio")["sample"].to_list() == ["a", "f"]
    assert in_blood(results, "cd4_cd8_ratio", "y=2")["sample"].to_list() == ["a"]


@pytest.mark.parametrize(
    ("values", "kept"),
    [(["b", "a", "b"], ["b", "b"]), (["b", "a"], ["a"]), ([None, None, "a"], [None, None]), ([], [])],
)
def test_a_line_joins_only_what_is_alike(values, kept):
    frame = pl.DataFrame({"locus": pl.Series(values, dtype=pl.String)})
    assert commonest(frame, "locus")["locus"].to_list() == kept


def masses(folder, *qualifiers):
    base = {"subject": "S1", "parameter": "persistence_mass", "unit": "fraction", "status": "quantified"}
    base |= {"scope": "cohort", "specimen": "blood", "value": 0.1}
    rows = [{**base, "sample": f"s{i}", "day": i, "qualifier": qualifier} for i, qualifier in enumerate(qualifiers)]
    write_table(outputs.ENDPOINTS.frame(rows), outputs.ENDPOINTS, folder / "tables")
    return read_results(folder)


@pytest.mark.parametrize(
    ("loci", "kept"),
    [(["TRA", "TRB"], ["s1"]), (["TRA", "TRB", "TRA"], ["s0", "s2"]), (["TRG", "TRD"], ["s1"]), ([], [])],
)
def test_of_several_loci_the_one_measured_most_stands_and_of_two_alike_trb(loci, kept, tmp_path):
    results = masses(tmp_path, *(f"locus={locus};reference=tumor" for locus in loci))
    assert repertoires(results)["sample"].to_list() == kept


def test_sorted_cells_stand_where_no_other_were_measured(tmp_path):
    ours, theirs = "locus=TRB;reference=tumor", "locus=TRA;population=CD8+ T;reference=tumor"
    assert repertoires(masses(tmp_path / "a", ours, theirs, theirs))["sample"].to_list() == ["s0"]
    assert repertoires(masses(tmp_path / "b", theirs))["sample"].to_list() == ["s0"]


def test_the_reference_is_called_by_its_specimen(tmp_path):
    assert reference_name(masses(tmp_path / "a", "locus=TRB;reference=infusion_product")) == "infusion product"
    assert reference_name(masses(tmp_path / "b")) == "reference"


def test_two_panels_of_one_day_and_single_cells_are_told_apart(tmp_path):
    base = {"subject": "S1", "visit": "D7", "day": 7, "specimen": "blood", "assay": "flow", "state": "ok"}
    ways = {"a": {"panel": "tbnk"}, "b": {"panel": "state"}, "c": {"library": "L1", "assay": "tcr"}, "d": {}}
    samples = [{**base, "sample": name, **way} for name, way in ways.items()]
    row = {"subject": "S1", "parameter": "cd4_cd8_ratio", "unit": "ratio", "status": "quantified", "scope": "sample"}
    rows = [{**row, "sample": name, "specimen": "blood", "day": 7, "value": 2.0} for name in ways]
    write_table(outputs.SAMPLES_RUN.frame(samples), outputs.SAMPLES_RUN, tmp_path / "tables")
    write_table(outputs.ENDPOINTS.frame(rows), outputs.ENDPOINTS, tmp_path / "tables")
    assert in_blood(read_results(tmp_path), "cd4_cd8_ratio")["way"].to_list() == ["tbnk", "state", "cells", None]


def flow_sample(subject, day, panel="tbnk"):
    return {"sample": f"{subject}_{day}_{panel}", "subject": subject, "visit": f"D{day}", "day": day,
            "specimen": "blood", "assay": "flow", "state": "ok", "panel": panel}  # fmt: skip


def ratio(sample, value=2.0):
    row = {name: sample[name] for name in ("sample", "subject", "visit", "day", "specimen", "assay")}
    return row | {
        "parameter": "cd4_cd8_ratio",
        "unit": "ratio",
        "status": "quantified",
        "scope": "sample",
        "value": value,
    }


def gaps(folder, samples, endpoints):
    write_table(outputs.SAMPLES_RUN.frame(samples), outputs.SAMPLES_RUN, folder / "tables")
    write_table(outputs.ENDPOINTS.frame(endpoints), outputs.ENDPOINTS, folder / "tables")
    rows = t_cells(read_results(folder))
    return sorted(rows.filter(pl.col("value").is_null()).select("subject", "visit", "day").iter_rows())


def test_a_sample_of_the_panel_without_a_number_is_a_gap_and_one_of_another_panel_is_not(tmp_path):
    tubes = [flow_sample("S1", day) for day in (-7, 7, 28)] + [flow_sample("S1", 14, "state")]
    assert gaps(tmp_path, tubes, [ratio(tubes[0]), ratio(tubes[2])]) == [("S1", "D7", 7)]


def test_a_visit_that_most_subjects_have_is_a_gap_of_one_who_has_none_and_an_extra_visit_is_not(tmp_path):
    days = {"S1": (0, 7, 28), "S2": (0, 7, 28), "S3": (0, 28, 40)}
    tubes = [flow_sample(subject, day) for subject, own in days.items() for day in own]
    assert gaps(tmp_path, tubes, [ratio(tube) for tube in tubes]) == [("S3", "D7", 7)]


def test_t_cells_are_told_by_population_and_parent(tmp_path):
    tube = flow_sample("S1", 7)
    share = ratio(tube) | {"parameter": "percent_of_parent", "qualifier": "parent=lymphocytes;population=CD3+"}
    cells = ratio(tube) | {"parameter": "cells_per_ul", "qualifier": "population=CD8+ T"}
    other = ratio(tube) | {"parameter": "percent_of_parent", "qualifier": "parent=CD3-;population=B"}
    assert gaps(tmp_path, [tube], [share, cells, other, ratio(tube)]) == []
    rows = t_cells(read_results(tmp_path)).select("parameter", "population", "parent").rows()
    assert rows == [
        ("percent_of_parent", "CD3+", "lymphocytes"), ("cells_per_ul", "CD8+ T", None), ("cd4_cd8_ratio", None, None),
    ]  # fmt: skip


def test_without_flow_there_are_no_t_cells(tmp_path):
    write_table(outputs.SAMPLES_RUN.frame(), outputs.SAMPLES_RUN, tmp_path / "tables")
    assert t_cells(read_results(tmp_path)).is_empty()


def test_which_panel_is_drawn_is_told_where_there_are_several(tmp_path):
    tubes = [flow_sample("S1", day) for day in (0, 7)] + [flow_sample("S1", 7, "state"), flow_sample("S1", 7, None)]
    gaps(tmp_path, tubes, [ratio(tube) for tube in tubes])
    rows = t_cells(read_results(tmp_path))
    assert rows["drawn"].unique().to_list() == ["panel tbnk"]
    assert ways_in_words(rows) == (" Drawn: panel tbnk; not drawn, but in the tables: no panel named, panel state.")
    gaps(tmp_path / "one", tubes[:2], [ratio(tube) for tube in tubes[:2]])
    assert ways_in_words(t_cells(read_results(tmp_path / "one"))) == ""


def test_numbers_that_are_drawn_of_different_panels_are_told(tmp_path):
    tubes = [flow_sample("S1", day) for day in (0, 7)] + [flow_sample("S1", day, "state") for day in (0, 7, 28)]
    share = {"parameter": "percent_of_parent", "qualifier": "parent=lymphocytes;population=CD3+"}
    rows = [ratio(tube) for tube in tubes] + [ratio(tube) | share for tube in (tubes[0], tubes[1], tubes[2])]
    gaps(tmp_path, tubes, rows)
    assert ways_in_words(t_cells(read_results(tmp_path))) == (
        " Drawn: panel state, panel tbnk, for each number that with most of it; the rest is in the tables."
    )


def shares(folder, *rows):
    """Write infused shares: subject, sample, day, mark, value; limits are 0.5 and 1.5 times the value."""
    base = {"parameter": "infused_share_of_cd3", "unit": "fraction", "specimen": "blood", "scope": "cohort"}
    told = []
    for subject, sample, day, mark, value in rows:
        number = {"status": "not_evaluable"} if value is None else {"status": "quantified", "value": value}
        number |= {} if value is None else {"lower": 0.5 * value, "upper": 1.5 * value}
        qualifier = f"population={mark}"
        told.append({**base, **number, "subject": subject, "sample": sample, "day": day, "qualifier": qualifier})
    write_table(outputs.ENDPOINTS.frame(told), outputs.ENDPOINTS, folder / "tables")
    return infused(read_results(folder))


def test_infused_are_per_cent_and_keep_visits_without_a_number(tmp_path):
    rows = shares(tmp_path, ("S1", "a", 7, "x", 0.4), ("S1", "b", 28, "x", None), ("S2", "c", 7, "y", 0.2))
    found = rows.select("subject", "day", "value", "lower", "upper").rows()
    assert found == [
        ("S1", 7, 40, 20, pytest.approx(60)),
        ("S1", 28, None, None, None),
        ("S2", 7, 20, 10, pytest.approx(30)),
    ]


def test_infused_cells_stand_as_they_are(tmp_path):
    base = {"subject": "S1", "sample": "a", "day": 7, "unit": "cells/µL", "status": "quantified", "scope": "cohort"}
    row = base | {"parameter": "infused_cells_per_ul", "value": 120.0, "qualifier": "population=x"}
    write_table(outputs.ENDPOINTS.frame([row]), outputs.ENDPOINTS, tmp_path / "tables")
    assert infused(read_results(tmp_path))["value"].to_list() == [120]


def test_several_marks_of_one_subject_are_lines_of_their_own(tmp_path):
    rows = shares(tmp_path, ("S1", "a", 7, "x", 0.4), ("S1", "a", 7, "y", 0.3), ("S2", "c", 7, "y", 0.2))
    assert rows["subject"].to_list() == ["S1, x", "S1, y", "S2"]


def test_without_any_infused_share_there_are_no_rows(tmp_path):
    assert shares(tmp_path, ("S1", "b", 28, "x", None)).is_empty()
    assert shares(tmp_path / "none").is_empty()
