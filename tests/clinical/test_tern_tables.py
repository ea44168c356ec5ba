"""Counts of adverse events against the tables that tern prints.

Inputs and expected values are those of insightsengineering/tern's tests and their `_snaps` (Apache-2.0, commit
eab2bd7): `count_occurrences_by_grade`, `count_occurrences`, `summarize_num_patients`. Where tern takes rows for
subjects in the denominator, subjects without an event stand for them here. Its `ex_adae` is a benchmark.
"""

import polars as pl
import pytest

from tilseq.clinical import safety
from tilseq.tables.qualifiers import qualifier_pairs


def events(subjects, arms, grades=None, terms=None, socs=None):
    """One event a row, each on a day of its own."""
    n = len(subjects)
    return pl.DataFrame(
        {
            "subject": [str(name) for name in subjects],
            "term": terms or ["any"] * n,
            "soc": socs or ["any"] * n,
            "grade": grades or [1] * n,
            "start_day": list(range(n)),
            "arm": arms,
        }
    )


def counted(rows, sizes):
    """Return the safety tables where each arm has so many subjects, filled up with those without an event."""
    known = rows.select("subject", "arm").unique(maintain_order=True).to_dicts()
    for arm, size in sizes.items():
        have = sum(one["arm"] == arm for one in known)
        known += [{"subject": f"none-{arm}-{i}", "arm": arm} for i in range(size - have)]
    people = pl.DataFrame(known).with_columns(tumor_type=pl.lit("other"))
    return safety(rows.drop("arm"), subjects=people)


def table(found, group, **wanted):
    """Return subjects and percent by the qualifiers that are not asked for."""
    cells = {}
    rows = found.summaries.filter(pl.col("group") == group, pl.col("parameter") == "ae_any")
    for row in rows.iter_rows(named=True):
        pairs = qualifier_pairs(row["qualifier"])
        grade = pairs.pop("grade")
        if pairs == wanted:
            cells[grade] = (row["numerator"], round(100 * row["estimate"], 1))
    return cells


BY_GRADE = events([1, 2, 3, 4, 5, 6, 1], list("AAABBBA"), grades=[1, 2, 3, 1, 1, 2, 3])


def test_count_occurrences_by_grade_by_arm():
    # count_occurrences_by_grade works with custom arguments for grade; N = 3 and 3
    found = counted(BY_GRADE, {"A": 3, "B": 3})
    assert table(found, "arm=A") == {
        "any": (3, 100.0), "1": (0, 0.0), "2": (1, 33.3), "3": (2, 66.7), "4": (0, 0.0), "5": (0, 0.0),
        "3-4": (2, 66.7), "3-5": (2, 66.7),
    }  # fmt: skip
    assert table(found, "arm=B") == {
        "any": (3, 100.0), "1": (2, 66.7), "2": (1, 33.3), "3": (0, 0.0), "4": (0, 0.0), "5": (0, 0.0),
        "3-4": (0, 0.0), "3-5": (0, 0.0),
    }  # fmt: skip


def test_count_occurrences_by_grade_over_all():
    # s_count_occurrences_by_grade works with valid input for grade grouping; .N_col = 10
    found = counted(BY_GRADE, {"A": 5, "B": 5})
    assert table(found, "all") == {
        "any": (6, 60.0), "1": (2, 20.0), "2": (2, 20.0), "3": (2, 20.0), "4": (0, 0.0), "5": (0, 0.0),
        "3-4": (2, 20.0), "3-5": (2, 20.0),
    }  # fmt: skip


def test_count_occurrences_by_grade_within_a_system():
    # count_occurrences_by_grade works with trim_levels_in_group split function
    rows = events(range(1, 31), ["A"] * 15 + ["B"] * 15, grades=[1] * 10 + [2] * 20, socs=["SOC1"] * 30)
    found = counted(rows, {"A": 15, "B": 15})
    a, b = (table(found, f"arm={arm}", soc="SOC1") for arm in "AB")
    assert (a["any"], a["1"], a["2"]) == ((15, 100.0), (10, 66.7), (5, 33.3))
    assert (b["any"], b["1"], b["2"]) == ((15, 100.0), (0, 0.0), (15, 100.0))


def test_count_occurrences_by_term():
    # count_occurrences functions as expected with valid input and default arguments; N = 5 and 4
    terms = ["MH1", "MH2", "MH1", "MH1", "MH1", "MH3", "MH2", "MH2", "MH3", "MH1", "MH2", "MH4"]
    rows = events([1, 1, 2, 4, 4, 4, 6, 6, 6, 7, 7, 8], ["A"] * 6 + ["B"] * 6, terms=terms)
    found = counted(rows, {"A": 5, "B": 4})
    cells = {
        (arm, term): table(found, f"arm={arm}", soc="any", term=term).get("any", (0, 0.0))
        for arm in "AB"
        for term in ("MH1", "MH2", "MH3", "MH4")
    }
    assert cells == {
        ("A", "MH1"): (3, 60.0), ("A", "MH2"): (1, 20.0), ("A", "MH3"): (1, 20.0), ("A", "MH4"): (0, 0.0),
        ("B", "MH1"): (1, 25.0), ("B", "MH2"): (2, 50.0), ("B", "MH3"): (1, 25.0), ("B", "MH4"): (1, 25.0),
    }  # fmt: skip


def test_number_of_patients_and_of_events():
    # analyze_num_patients works well for pagination; its random systems are those of R's set.seed(1)
    socs = ["e 1.1", "f 1.1", "e 1.1", "e 1.1", "e 1.1", "e 1.1", "e 1.1", "f 1.1"]
    rows = events([1, 2, 1, 4, 6, 6, 8, 9], list("AAAABBBB"), socs=socs)
    found = counted(rows, {"A": 5, "B": 4})
    shares = {
        (group, soc): table(found, group, **({} if soc is None else {"soc": soc}))["any"]
        for group in ("arm=A", "arm=B", "all")
        for soc in (None, "e 1.1", "f 1.1")
    }
    assert shares == {
        ("arm=A", None): (3, 60.0), ("arm=B", None): (3, 75.0), ("all", None): (6, 66.7),
        ("arm=A", "e 1.1"): (2, 40.0), ("arm=B", "e 1.1"): (2, 50.0), ("all", "e 1.1"): (4, 44.4),
        ("arm=A", "f 1.1"): (1, 20.0), ("arm=B", "f 1.1"): (1, 25.0), ("all", "f 1.1"): (2, 22.2),
    }  # fmt: skip
    any_event = found.rates.filter(pl.col("parameter") == "ae_any")
    counts = {(row["group"], row["qualifier"]): row["events"] for row in any_event.iter_rows(named=True)}
    assert [counts[group, "grade=any"] for group in ("arm=A", "arm=B", "all")] == [4, 4, 8]
    assert [counts[group, "grade=any;soc=e 1.1"] for group in ("arm=A", "arm=B", "all")] == [3, 3, 6]
    assert [counts[group, "grade=any;soc=f 1.1"] for group in ("arm=A", "arm=B", "all")] == [1, 1, 2]


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_rows_changes_nothing(order):
    found = counted(BY_GRADE[::order], {"A": 3, "B": 3})
    assert table(found, "arm=A")["3"] == (2, 66.7)
