import polars as pl
import pytest

from tilseq.steps.clone_courses import changes, trends

CLONES = pl.DataFrame({"locus": ["TRB"], "junction": ["AAA"]})


@pytest.fixture
def made(sample):
    """Return a function that makes rows, tables and effective cells: name → day, specimen, counts and further cells."""

    def make(**samples):
        rows, tables, effective = [], {}, {}
        for name, (day, specimen, counts, *further) in samples.items():
            of = dict(further[0]) if further else {}
            count_of, n = of.pop("count_of", "umis"), of.pop("n", float(sum(counts.values())))
            rows.append(sample(name, day=day, specimen=specimen, visit=name, assay="tcr", **of))
            tables[name] = pl.DataFrame(
                {
                    "locus": "TRB",
                    "junction": list(counts),
                    "duplicate_count": list(counts.values()),
                    "count_of": count_of,
                }
            )
            effective[name] = {"TRB": n}
        return rows, tables, effective

    return make


LOT = (-1, "infusion_product", {"AAA": 900, "CCC": 100})


def pairs(changed):
    return changed.select("sample_before", "sample_after").unique().sort(pl.all()).rows()


def test_the_product_is_held_against_each_later_visit_and_each_visit_against_the_next(made):
    given = made(
        lot=LOT, base=(-8, "blood", {"TTT": 1000}), d7=(7, "blood", {"AAA": 500, "TTT": 500}),
        d28=(28, "blood", {"AAA": 100, "TTT": 900}),
    )  # fmt: skip
    found = changes("S1", *given)
    assert pairs(found) == [("base", "d7"), ("d7", "d28"), ("lot", "d28"), ("lot", "d7")]
    called = {(row["sample_before"], row["sample_after"], row["junction"]): row["call"] for row in found.to_dicts()}
    assert (called["d7", "d28", "AAA"], called["lot", "d7", "TTT"]) == ("contracted", "expanded")
    assert found["p"].null_count() == 0 and set(found["subject"]) == {"S1"}


def test_a_lot_is_not_held_against_blood_from_before_its_infusion(made):
    counts = {"AAA": 900, "CCC": 100}
    given = made(
        a=(-1, "infusion_product", counts, {"lot": "A"}), b=(13, "infusion_product", counts, {"lot": "B"}),
        d7=(7, "blood", counts), d28=(28, "blood", counts),
    )  # fmt: skip
    infusions = [{"day": 0, "lot": "A"}, {"day": 14, "lot": "B"}]
    found = pairs(changes("S1", *given, infusions))
    assert found == [("a", "d28"), ("a", "d7"), ("b", "d28"), ("d7", "d28")]


def test_a_clone_is_of_the_product_once_its_lot_was_infused(made):
    blood = {"AAA": 400, "CCC": 300, "TTT": 300}
    given = made(
        a=(-1, "infusion_product", {"AAA": 1000}, {"lot": "A"}),
        b=(13, "infusion_product", {"CCC": 1000}, {"lot": "B"}),
        d3=(3, "blood", blood), d7=(7, "blood", blood), d28=(28, "blood", blood),
    )  # fmt: skip
    found = changes("S1", *given, [{"day": 0, "lot": "A"}, {"day": 14, "lot": "B"}])
    told = {(row["sample_before"], row["sample_after"], row["junction"]): row["in_product"] for row in found.to_dicts()}
    assert [told["d3", "d7", name] for name in ("AAA", "CCC", "TTT")] == [True, False, False]
    assert [told["d7", "d28", name] for name in ("AAA", "CCC", "TTT")] == [True, True, False]


def test_blood_of_an_unknown_day_is_after_no_other(made):
    given = made(d7=(7, "blood", {"AAA": 500, "TTT": 500}), some=(None, "blood", {"AAA": 100, "TTT": 900}))
    assert changes("S1", *given).height == 0


def test_what_counts_another_thing_or_of_unknown_cells_is_not_compared(made):
    given = made(
        lot=LOT, sc=(7, "blood", {"AAA": 90, "TTT": 10}, {"count_of": "cells"}),
        reads=(28, "blood", {"AAA": 90, "TTT": 910}, {"n": None}),
    )  # fmt: skip
    assert changes("S1", *given).height == 0


def test_visits_are_held_against_the_next_of_their_locus_where_each_locus_is_a_library_of_its_own(made):
    blood = {"AAA": 500, "TTT": 500}
    rows, tables, effective = made(
        a7=(7, "blood", blood, {"locus": "TRA"}), b7=(7, "blood", blood, {"locus": "TRB"}),
        a28=(28, "blood", blood, {"locus": "TRA"}), b28=(28, "blood", blood, {"locus": "TRB"}),
    )  # fmt: skip
    for row in rows:
        name = row["sample"]
        row["visit"] = f"D{row['day']}"
        tables[name] = tables[name].with_columns(locus=pl.lit(row["locus"]))
        effective[name] = {row["locus"]: 1000.0}
    assert pairs(changes("S1", rows, tables, effective)) == [("a7", "a28"), ("b7", "b28")]


def test_sorted_cells_are_held_against_their_own_sort_alone(made):
    sorts = {"c4": {"marked_population": "CD4+ T"}, "c8": {"marked_population": "CD8+ T"}}
    counts = {"AAA": 500, "TTT": 500}
    blood = {f"{name}d{day}": (day, "blood", counts, sort) for day in (7, 28) for name, sort in sorts.items()}
    rows, *given = made(lot=LOT, **blood)
    for row in rows[1:]:
        row["visit"] = f"D{row['day']}"
    assert pairs(changes("S1", rows, *given)) == [("c4d7", "c4d28"), ("c8d7", "c8d28")]


def test_of_replicates_the_first_is_compared(made):
    blood = {"AAA": 500, "TTT": 500}
    given = made(lot=LOT, r1=(7, "blood", blood, {"replicate": 1}), r2=(7, "blood", blood, {"replicate": 2}))
    for row in given[0][1:]:
        row["visit"] = "D7"
    assert pairs(changes("S1", *given)) == [("lot", "r1")]


def test_a_trend_begins_where_the_clones_hold_most(made):
    # shares of AAA: 0.1, then 0.8, 0.4, 0.2, 0.1: halved every 7 days from day 14 on
    counts = {7: 1000, 14: 8000, 21: 4000, 28: 2000, 35: 1000}
    given = made(**{f"d{day}": (day, "blood", {"AAA": n, "TTT": 10_000 - n}) for day, n in counts.items()})
    row = trends("S1", *given, CLONES).row(0, named=True)
    assert (row["junction"], row["visits"]) == ("AAA", 4)
    assert row["half_life"] == pytest.approx(7)


def test_a_clone_that_is_lost_after_the_peak_is_in_the_trend_with_what_bounds_its_half_life(made):
    falling = ["AAA", "AAC", "AAG", "AAT", "ACA", "ACC"]
    given = made(
        d14=(14, "blood", dict.fromkeys(falling, 1000) | {"GGG": 60, "CCC": 2, "TTT": 3938}),
        d21=(21, "blood", dict.fromkeys(falling, 500) | {"TTT": 7000}),
        d28=(28, "blood", dict.fromkeys(falling, 250) | {"TTT": 8500}),
    )
    clones = pl.DataFrame({"locus": "TRB", "junction": [*falling, "GGG", "CCC"]})
    found = trends("S1", *given, clones).rows_by_key("junction", named=True, unique=True)
    assert set(found) == {*falling, "GGG"}  # two cells are too few to be tested
    lost = found["GGG"]
    assert (lost["slope_per_day"], lost["half_life"], lost["half_life_lower"]) == (None, None, 0)
    assert lost["half_life_upper"] < 3 and lost["p"] < 0.001


def test_a_clone_that_is_soon_lost_has_a_half_life_without_limits(made):
    counts = {14: {"AAA": 400}, 21: {"AAA": 10}, 28: {}}
    given = made(**{f"d{day}": (day, "blood", of | {"TTT": 10_000 - sum(of.values())}) for day, of in counts.items()})
    row = trends("S1", *given, CLONES).row(0, named=True)
    # A fortieth in a week is left, and less than a cell is expected after two: nothing tells how courses stray.
    assert row["half_life"] == pytest.approx(7 * 0.693147 / 3.688879, rel=0.1)
    names = ("lower", "upper", "half_life_lower", "half_life_upper", "dispersion", "p")
    assert [row[name] for name in names] == [None] * 6


def test_fewer_than_three_visits_from_the_peak_on_are_no_trend(made):
    counts = {7: 1000, 14: 4000, 21: 8000, 28: 2000}
    given = made(**{f"d{day}": (day, "blood", {"AAA": n, "TTT": 10_000 - n}) for day, n in counts.items()})
    assert trends("S1", *given, CLONES).height == 0


def test_of_several_groups_the_one_of_most_cells_is_taken(made):
    falls = {7: 800, 14: 400, 21: 200}
    bulk = {f"d{day}": (day, "blood", {"AAA": 10 * n, "TTT": 10_000 - 10 * n}) for day, n in falls.items()}
    single = {
        f"s{day}": (day, "blood", {"AAA": n // 100, "TTT": 10}, {"count_of": "cells"}) for day, n in falls.items()
    }
    row = trends("S1", *made(**single, **bulk), CLONES).row(0, named=True)
    assert row["cells"] == 14_000


def test_no_trend_runs_over_a_further_infusion(made):
    # AAA halves every 7 days, and is given again on day 30, after which it halves every 14 days from 0.8 on.
    counts = {7: 4000, 14: 2000, 21: 1000, 35: 8000, 49: 4000, 63: 2000, 77: 1000}
    given = made(**{f"d{day}": (day, "blood", {"AAA": n, "TTT": 10_000 - n}) for day, n in counts.items()})
    again = [{"day": 0, "lot": None}, {"day": 30, "lot": None}]
    row = trends("S1", *given, CLONES, again).row(0, named=True)
    assert (row["visits"], row["half_life"]) == (4, pytest.approx(14))  # of two courses that of more cells
    assert (row["first_day"], row["last_day"]) == (35, 77)
    rows, *of = given
    row = trends("S1", rows[:4], *of, CLONES, again).row(0, named=True)
    assert (row["visits"], row["half_life"]) == (3, pytest.approx(7))


def test_a_clone_of_a_later_lot_has_no_trend_before_it(made):
    falls = {7: 4000, 14: 2000, 21: 1000}
    blood = {f"d{day}": (day, "blood", {"AAA": n, "CCC": n // 2, "TTT": 10_000 - n}) for day, n in falls.items()}
    lot = {"AAA": 1000}, {"CCC": 1000}
    given = made(a=(-1, "infusion_product", lot[0], {"lot": "A"}), b=(40, "infusion_product", lot[1], {"lot": "B"}),
                 **blood)  # fmt: skip
    both = pl.DataFrame({"locus": "TRB", "junction": ["AAA", "CCC"]})
    infusions = [{"day": 0, "lot": "A"}, {"day": 41, "lot": "B"}]
    assert trends("S1", *given, both, infusions)["junction"].to_list() == ["AAA"]
    assert trends("S1", *given, both, [{"day": 0, "lot": None}])["junction"].to_list() == ["AAA", "CCC"]


def test_each_locus_has_its_own_peak_where_each_is_a_library(made):
    # TRA falls from day 7 on, TRB from day 14 on: of both three visits, and the first of TRA is not lost to TRB's peak.
    alpha, beta = {7: 4000, 14: 2000, 21: 1000, 28: 500}, {7: 1000, 14: 8000, 21: 4000, 28: 2000}
    rows, tables, effective = made(**{
        f"{name}{day}": (day, "blood", {"AAA": n, "TTT": 10_000 - n}, {"locus": locus})
        for day in alpha for name, locus, n in (("a", "TRA", alpha[day]), ("b", "TRB", beta[day]))
    })  # fmt: skip
    for row in rows:
        name = row["sample"]
        row["visit"] = f"D{row['day']}"
        tables[name] = tables[name].with_columns(locus=pl.lit(row["locus"]))
        effective[name] = {row["locus"]: 10_000.0}
    clones = pl.DataFrame({"locus": ["TRA", "TRB"], "junction": "AAA"})
    found = trends("S1", rows, tables, effective, clones).rows_by_key("locus", named=True, unique=True)
    assert {locus: row["visits"] for locus, row in found.items()} == {"TRA": 4, "TRB": 3}
    assert [row["half_life"] for row in found.values()] == pytest.approx([7, 7])
