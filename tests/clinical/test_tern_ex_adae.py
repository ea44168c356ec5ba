"""Counts of tern's `ex_adae` as tern prints them, of 541 events of 164 subjects.

Events by subject and term are those of insightsengineering/tern (Apache-2.0, commit eab2bd7), written down by
tests/oracles/tern_ex_adae.R; what is expected stands in its tests/testthat/_snaps. A term has one system, grade,
seriousness and relation there.
"""

from pathlib import Path

import polars as pl
import pytest

from tilseq.clinical import safety
from tilseq.tables.qualifiers import qualifier_text

ROWS = Path(__file__).parents[1] / "oracles/tern_ex_adae.tsv"
# Term → grade, serious, related.
TERMS = {
    "A.1.1.1.1": (1, False, "no"), "A.1.1.1.2": (2, True, "no"), "B.1.1.1.1": (5, True, "yes"),
    "B.2.1.2.1": (3, False, "no"), "B.2.2.3.1": (1, True, "no"), "C.1.1.1.3": (4, False, "yes"),
    "C.2.1.2.1": (2, False, "yes"), "D.1.1.1.1": (5, True, "yes"), "D.1.1.4.2": (3, False, "no"),
    "D.2.1.5.3": (1, False, "yes"),
}  # fmt: skip


@pytest.fixture(scope="module")
def found():
    wide = pl.read_csv(ROWS, separator="\t", schema_overrides={"subject": pl.String})
    rows = []
    for row in wide.iter_rows(named=True):
        for term, (grade, serious, related) in TERMS.items():
            cells = {"term": term, "soc": term[0], "grade": grade, "serious": serious, "related": related}
            rows += [{"subject": row["subject"], "start_day": day, **cells} for day in range(row[term])]
    assert (len(rows), wide.height) == (541, 164)
    people = wide.select("subject", "arm", tumor_type=pl.lit("other"))
    return safety(pl.DataFrame(rows), subjects=people)


def subjects(found, group, parameter="ae_any", **at):
    row = found.summaries.filter(group=group, parameter=parameter, qualifier=qualifier_text(at))
    return row["numerator"].item()


@pytest.mark.parametrize(
    ("at", "by_arm"),
    [
        ({}, (59, 57, 48)),
        ({"soc": "A"}, (31, 24, 27)), ({"soc": "B"}, (39, 36, 31)), ({"soc": "C"}, (31, 23, 25)),
        ({"soc": "D"}, (40, 40, 29)),
        ({"soc": "A", "term": "A.1.1.1.1"}, (17, 17, 14)), ({"soc": "A", "term": "A.1.1.1.2"}, (17, 14, 17)),
        ({"soc": "B", "term": "B.1.1.1.1"}, (15, 19, 15)), ({"soc": "B", "term": "B.2.1.2.1"}, (17, 16, 13)),
        ({"soc": "B", "term": "B.2.2.3.1"}, (17, 15, 16)), ({"soc": "C", "term": "C.1.1.1.3"}, (15, 13, 18)),
        ({"soc": "C", "term": "C.2.1.2.1"}, (20, 14, 10)), ({"soc": "D", "term": "D.1.1.1.1"}, (17, 18, 7)),
        ({"soc": "D", "term": "D.1.1.4.2"}, (16, 13, 16)), ({"soc": "D", "term": "D.2.1.5.3"}, (21, 20, 12)),
    ],
)  # fmt: skip
def test_subjects_by_system_and_term(found, at, by_arm):
    assert tuple(subjects(found, f"arm={arm}", grade="any", **at) for arm in "ABC") == by_arm


def test_subjects_by_worst_grade(found):
    # count_occurrences_by_grade: mild is grade 1, moderate 2 and 3, severe 4 and 5.
    told = {arm: [subjects(found, f"arm={arm}", grade=grade) for grade in "12345"] for arm in "ABC"}
    mild, moderate, severe = ([sum(told[arm][i] for i in of) for arm in "ABC"] for of in ((0,), (1, 2), (3, 4)))
    assert (mild, moderate, severe) == ([6, 4, 2], [19, 15, 14], [34, 38, 32])
    # R's own count by aggregate(max) of each subject's grades.
    assert told == {"A": [6, 6, 13, 6, 28], "B": [4, 7, 8, 7, 31], "C": [2, 5, 9, 12, 20]}


def test_serious_related_and_severe(found):
    # s_count_patients_with_flags, of all subjects
    assert subjects(found, "all", "ae_serious", grade="any") == 128
    assert subjects(found, "all", "ae_related", grade="any") == 137
    assert subjects(found, "all", grade="3-5") == 134
    assert subjects(found, "all", grade="4") + subjects(found, "all", grade="5") == 104


def test_events_and_subjects_with_one_are_told_apart(found):
    # summarize_num_patients
    rates = {row["group"]: row for row in found.rates.filter(parameter="ae_any", qualifier="grade=any").to_dicts()}
    told = [(rates[f"arm={arm}"]["events"], rates[f"arm={arm}"]["subjects"]) for arm in "ABC"]
    assert told == [(202, 59), (177, 57), (162, 48)]


def test_the_wide_table_holds_the_same(found):
    table = found.table.filter(group="arm=A", period="any")
    first = table.row(0, named=True)
    assert (first["soc"], first["term"], first["n_any"], first["subjects"]) == (None, None, 59, 59)
    assert [first[f"n_{grade}"] for grade in ("1", "2", "3", "4", "5", "3_5")] == [6, 6, 13, 6, 28, 47]
    # The commonest system first, its terms behind it.
    systems = table.filter(pl.col("term").is_null()).select("soc", "n_any").rows()
    assert [n for _, n in systems] == [59, 40, 39, 31, 31]
    assert [soc for soc, _ in systems[:3]] == [None, "D", "B"]
    row = table.filter(term="D.2.1.5.3").row(0, named=True)
    assert (row["n_any"], row["n_1"], row["pct_any"]) == (21, 21, pytest.approx(100 * 21 / 59))
