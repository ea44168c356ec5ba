"""iRECIST: literal subjects, each rule once met and once missed; table 3 of Seymour 2017 for the best response."""

from itertools import product
from random import Random

import polars as pl
import pytest

from tests.clinical.lesion_rows import lesion
from tilseq.clinical import IrecistPolicy, irecist, irecist_best_response, response
from tilseq.errors import AnalysisError
from tilseq.tables.best_response import IRECIST
from tilseq.tables.inputs import LESIONS, THERAPIES
from tilseq.tables.outputs import RESPONSE

WEEKS_6 = (42, 84, 126, 168)


def visits(*sizes, days=WEEKS_6, base=50.0):
    """One target of 50 mm at baseline, then a size a visit."""
    later = [lesion(day, "T1", size) for day, size in zip(days, sizes, strict=False)]
    return [lesion(-5, "T1", base), *later]


def nontarget(*states, days=WEEKS_6):
    rows = [lesion(-5, "N1", role="nontarget", state="present")]
    return rows + [lesion(day, "N1", role="nontarget", state=state) for day, state in zip(days, states, strict=False)]


def new(day, name="X", diameter=None, **cells):
    return lesion(day, name, diameter, "new", **cells)


def course(*rows, column="response", **policy):
    return derived(list(rows), **policy)[column].to_list()


def derived(rows, **policy):
    lesions = pl.DataFrame(rows, infer_schema_length=None)
    return irecist(lesions, response(lesions), policy=IrecistPolicy(**policy))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Targets: another 5 mm confirm, 4.9 mm do not.
        (visits(60.0, 65.0), ["iUPD", "iCPD"]),
        (visits(60.0, 64.9), ["iUPD", "iUPD"]),
        (visits(60.0, 60.0), ["iUPD", "iUPD"]),
        (visits(60.0, 63.0, 65.0), ["iUPD", "iUPD", "iCPD"]),  # small steps add up
        (visits(60.0, 60.0, 65.0), ["iUPD", "iUPD", "iCPD"]),
        # The bar is reset by iSD, iPR, iCR, and progression must occur anew, against the nadir.
        (visits(60.0, 55.0, 65.0), ["iUPD", "iSD", "iUPD"]),
        (visits(60.0, 30.0, 36.0, 41.0), ["iUPD", "iPR", "iUPD", "iCPD"]),
        (visits(60.0, 30.0, 35.9, 41.0), ["iUPD", "iPR", "iSD", "iUPD"]),
        (visits(60.0, 0.0, 4.0), ["iUPD", "iCR", "iPR"]),
        # Without progression the words are those of RECIST 1.1.
        (visits(50.0, 35.0, 0.0), ["iSD", "iPR", "iCR"]),
        # Nothing after iCPD.
        (visits(60.0, 65.0, 10.0), ["iUPD", "iCPD", None]),
        # An assessment that is not evaluable leaves the iUPD open, but the 8 weeks pass.
        (visits(60.0, None, 70.0), ["iUPD", "NE", "iUPD"]),
        (visits(60.0, None, 70.0, days=(42, 70, 98)), ["iUPD", "NE", "iCPD"]),
    ],
)
def test_targets(rows, expected):
    assert course(*rows) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["progressed", "progressed"], ["iUPD", "iCPD"]),
        (["progressed", "present"], ["iUPD", "iSD"]),
        (["present", "absent"], ["iSD", "iSD"]),
    ],
)
def test_nontargets(states, expected):
    assert course(*visits(50.0, 50.0), *nontarget(*states)) == expected


def test_nontargets_grown_by_their_diameters_confirm_by_any_growth():
    def rows(later):
        base = [lesion(-5, "N1", 9.0, "nontarget"), lesion(42, "N1", 25.0, "nontarget", state="progressed")]
        return [*visits(50.0, 50.0), *base, lesion(84, "N1", later, "nontarget")]

    assert course(*rows(25.1)) == ["iUPD", "iCPD"]
    assert course(*rows(25.0)) == ["iUPD", "iSD"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([new(42), new(84), new(84, "Y")], ["iUPD", "iCPD"]),  # another new lesion
        ([new(42), new(84)], ["iUPD", "iUPD"]),  # no change
        ([new(42), new(84, state="progressed")], ["iUPD", "iCPD"]),  # unmeasured: any growth
        ([new(42, diameter=10.0), new(84, diameter=15.0)], ["iUPD", "iCPD"]),  # measured: 5 mm
        ([new(42, diameter=10.0), new(84, diameter=14.9)], ["iUPD", "iUPD"]),
        ([new(42)], ["iUPD", "iSD"]),  # gone
        ([new(42, state="equivocal")], ["iSD", "iSD"]),
        ([new(42, state="equivocal"), new(84)], ["iUPD", "iUPD"]),
    ],
)
def test_new_lesions(rows, expected):
    assert course(*visits(50.0, 50.0), *rows) == expected


def test_progression_of_another_kind_confirms():
    # Targets, then a new lesion; a new lesion, then targets; targets, then non-targets.
    assert course(*visits(60.0, 60.0), new(84)) == ["iUPD", "iCPD"]
    assert course(*visits(50.0, 60.0), new(42), new(84)) == ["iUPD", "iCPD"]
    assert course(*visits(60.0, 60.0), *nontarget("present", "progressed")) == ["iUPD", "iCPD"]
    reason = course(*visits(60.0, 60.0), new(84), column="reason")[1]
    assert reason == "a new lesion, progression of another kind; new lesion X"


def test_a_new_lesion_that_stays_allows_ipr_once_targets_shrink_but_no_icr():
    # EORTC, questions on iRECIST: scenario B, a new lesion and then shrinkage, is iPR; scenario F, PR and then a new
    # lesion without any change, is iUPD.
    there = [new(day) for day in (42, 84, 126)]
    assert course(*visits(50.0, 30.0, 30.0), *there) == ["iUPD", "iPR", "iPR"]
    assert course(*visits(30.0, 30.0, 30.0), *there[1:]) == ["iPR", "iUPD", "iUPD"]
    assert course(*visits(50.0, 0.0, 0.0), *there) == ["iUPD", "iPR", "iPR"]
    assert course(*visits(50.0, 0.0, 0.0), *there[:2]) == ["iUPD", "iPR", "iCR"]


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ([new(126, diameter=10.0), new(126, "Y")], "iUPD"),  # a further one
        ([new(126, diameter=15.0)], "iUPD"),  # 20 % and 5 mm above its smallest
        ([new(126, diameter=14.9)], "iPR"),
        ([new(126, diameter=10.0, state="progressed")], "iUPD"),
    ],
)
def test_after_the_bar_is_reset_known_new_lesions_progress_by_the_rule_of_targets(rows, last):
    known = [new(42, diameter=12.0), new(84, diameter=10.0)]
    assert course(*visits(50.0, 30.0, 30.0), *known, *rows) == ["iUPD", "iPR", last]


@pytest.mark.parametrize(
    ("days", "policy", "second", "told"),
    [
        ((42, 69), {}, "iUPD", "not confirmed: 27 days after the iUPD, fewer than 28"),
        ((42, 70), {}, "iCPD", None),
        ((42, 98), {}, "iCPD", None),
        ((42, 99), {}, "iUPD", "not confirmed: 57 days after the last iUPD, more than 56"),
        ((42, 99), {"confirm_within_days": None}, "iCPD", None),
        ((42, 63), {"confirm_from_days": 21}, "iCPD", None),
    ],
)
def test_confirmation_falls_into_4_to_8_weeks(days, policy, second, told):
    assert course(*visits(60.0, 70.0, days=days), **policy) == ["iUPD", second]
    reason = course(*visits(60.0, 70.0, days=days), column="reason", **policy)[1]
    assert (told in reason) if told else ("not confirmed" not in reason)


def test_what_an_early_scan_shows_still_confirms_at_the_next():
    assert course(*visits(60.0, 60.0, 60.0, days=(42, 56, 84)), new(56), new(84)) == ["iUPD", "iUPD", "iCPD"]


def test_up_to_the_first_progression_the_words_are_those_of_recist():
    random = Random(4)
    rows = []
    for subject in range(80):
        sizes = [random.randint(150, 500) / 10 for _ in range(3)]
        for day in (-5, *WEEKS_6):
            here = [round(size * random.choice([0, 0.6, 0.9, 1, 1.1]), 1) if day > 0 else size for size in sizes]
            rows += [lesion(day, f"T{i}", size) | {"subject": f"S{subject}"} for i, size in enumerate(here)]
            state = random.choice(["present", "absent", "progressed"]) if day > 84 else "present"
            rows.append(lesion(day, "N1", role="nontarget", state=state) | {"subject": f"S{subject}"})
    lesions = pl.DataFrame(rows, infer_schema_length=None)
    table = response(lesions)
    found = irecist(lesions, table)
    assert irecist(lesions.sample(fraction=1, shuffle=True, seed=1), table).equals(found)
    recist = table.filter(~pl.col("baseline")).rename({"response": "word"})
    seen = set()
    for _, part in found.join(recist, on=["subject", "day"]).sort("subject", "day").group_by("subject"):
        for word, immune in part.select("word", "response").iter_rows():
            seen.add(word)
            if word == "PD":
                assert immune == "iUPD"
                break
            assert immune == {"NON-CR/NON-PD": "NON-iCR/NON-iUPD", "NE": "NE"}.get(word, f"i{word}")
    assert seen == {"PR", "SD", "PD"}


def test_a_study_without_lesions_has_no_rows():
    found = irecist(LESIONS.frame(), RESPONSE.frame())
    assert found.height == irecist_best_response(found).height == 0


def test_limits_that_no_day_lies_between_are_refused():
    with pytest.raises(AnalysisError, match="no day lies between"):
        IrecistPolicy(confirm_from_days=60)


def three(day, *sizes):
    return [lesion(day, f"T{i}", size) for i, size in enumerate(sizes)]


def test_growth_counts_the_targets_that_both_visits_measure():
    base = three(-5, 20.0, 20.0, 10.0)
    # 80 mm of two targets are PD of 50; the third, 10 mm all along, is measured again later: nothing has grown.
    assert course(*base, *three(42, 40.0, 40.0, None), *three(84, 40.0, 40.0, 10.0)) == ["iUPD", "iUPD"]
    assert course(*base, *three(42, 40.0, 40.0, None), *three(84, 40.0, 45.0, 10.0)) == ["iUPD", "iCPD"]
    # The other way: 90 mm, then 85 without the third, which may be gone; 95 without it are 5 mm more whatever it is.
    assert course(*base, *three(42, 40.0, 40.0, 10.0), *three(84, 45.0, 40.0, None)) == ["iUPD", "iUPD"]
    assert course(*base, *three(42, 40.0, 40.0, 10.0), *three(84, 54.9, 40.0, None)) == ["iUPD", "iUPD"]
    assert course(*base, *three(42, 40.0, 40.0, 10.0), *three(84, 55.0, 40.0, None)) == ["iUPD", "iCPD"]
    # 72 mm, then 35 of the one that is measured: no progression of the targets can be told.
    pair = [lesion(-5, "T1", 30.0), lesion(-5, "T2", 18.0), lesion(42, "T1", 42.0), lesion(42, "T2", 30.0)]
    assert course(*pair, lesion(84, "T1", None), lesion(84, "T2", 35.0)) == ["iUPD", "NE"]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({"X": 0.0, "Y": 15.0}, "iUPD"),  # 30 mm, then 15: Y has grown, the sum of the new lesions has not
        ({"X": 0.0, "Y": 34.9}, "iUPD"),
        ({"X": 0.0, "Y": 35.0}, "iCPD"),
        ({"Y": 15.0}, "iUPD"),  # X is not listed
        ({"X": 14.0, "Y": 21.0}, "iCPD"),
    ],
)
def test_new_lesions_grow_as_their_sum_in_which_one_that_is_gone_is_0(later, expected):
    first = [new(42, "X", 20.0), new(42, "Y", 10.0)]
    second = [new(84, name, size) for name, size in later.items()]
    assert course(*visits(50.0, 50.0), *first, *second) == ["iUPD", expected]


def test_after_the_bar_is_reset_a_new_lesion_that_is_gone_is_0_of_their_sum_too():
    rows = [new(day, name, size) for day in (42, 84) for name, size in (("X", 20.0), ("Y", 10.0))]
    last = [new(126, "X", 0.0), new(126, "Y", 16.0)]  # 30 mm, then 16
    assert course(*visits(50.0, 30.0, 30.0), *rows, *last) == ["iUPD", "iPR", "iPR"]


@pytest.mark.parametrize(
    ("x", "y", "last"),
    [
        ((20.0, 5.0, 5.0), (10.0, 25.0, 25.0), "iSD"),  # 30 mm at each visit
        ((20.0, 0.0, 0.0), (10.0, 15.0, 15.0), "iSD"),  # 30, 15, 15
        ((20.0, 5.0, 5.0), (10.0, 20.0, 25.0), "iUPD"),  # 30, 25, 30
        ((20.0, 5.0, 5.0), (10.0, 20.0, 24.9), "iSD"),
        ((10.0, 10.0, 12.0), (None, 30.0, 33.0), "iSD"),  # Y not measured at first; 40, 45
        ((10.0, 10.0, 13.0), (None, 30.0, 35.0), "iUPD"),  # 40, 48
    ],
)
def test_new_lesions_are_held_against_the_least_of_their_sums_not_of_each(x, y, last):
    rows = [new(day, "X", size) for day, size in zip(WEEKS_6, x, strict=False)]
    rows += [new(day, "Y", size) for day, size in zip(WEEKS_6, y, strict=False)]
    assert course(*visits(50.0, 40.0, 40.0), *rows) == ["iUPD", "iSD", last]


def test_unchanged_new_lesions_confirm_no_iupd_of_targets():
    sizes = {42: (20.0, 20.0), 84: (10.0, 25.0), 126: (20.0, 15.0), 168: (20.0, 15.0)}  # 40, 35, 35, 35 mm
    rows = [new(day, name, size) for day, pair in sizes.items() for name, size in zip("XY", pair, strict=True)]
    assert course(*visits(30.0, 25.0, 35.0, 35.0), *rows) == ["iUPD", "iPR", "iUPD", "iUPD"]


@pytest.mark.parametrize(("gone", "expected"), [("absent", "iUPD"), ("not_evaluable", "iPR")])
def test_a_new_lesion_that_comes_back_after_it_was_gone_is_progression_anew(gone, expected):
    rows = [*visits(50.0, 30.0, 30.0), new(42), new(84, state=gone), new(126)]
    assert course(*rows) == ["iUPD", "iPR", expected]


@pytest.mark.parametrize(
    ("last", "expected"),
    [({"diameter": 14.9}, "iUPD"), ({"diameter": 15.0}, "iCPD"), ({"diameter": 10.0, "state": "progressed"}, "iCPD")],
)
def test_known_new_lesions_that_grow_after_an_iupd_of_targets_are_progression_of_another_kind(last, expected):
    known = [new(42, diameter=12.0), new(84, diameter=10.0), new(126, diameter=10.0)]
    rows = [*visits(50.0, 30.0, 40.0, 40.0), *known, new(168, **last)]
    assert course(*rows) == ["iUPD", "iPR", "iUPD", expected]


def test_a_new_lesion_that_was_gone_at_the_iupd_and_comes_back_confirms_it():
    rows = [*visits(50.0, 30.0, 40.0, 40.0), new(42), new(84), new(126, state="absent"), new(168)]
    assert course(*rows) == ["iUPD", "iPR", "iUPD", "iCPD"]


def test_a_new_lesion_that_stays_is_progression_where_the_targets_are_not_measured():
    rows = [*visits(50.0, None, 50.0, days=(42, 84, 112)), new(42), new(84), new(112), new(112, "Y")]
    assert course(*rows) == ["iUPD", "iUPD", "iCPD"]  # 28 days after the last iUPD
    assert course(*visits(50.0, None), new(42)) == ["iUPD", "NE"]  # it is gone


@pytest.mark.parametrize(("size", "expected"), [(50.0, "NE"), (49.9, "iSD"), (None, "NE"), (70.0, "iCPD")])
def test_an_iupd_waits_where_its_lesions_are_not_evaluable_and_the_targets_did_not_shrink(size, expected):
    assert course(*visits(50.0, size), new(42), new(84, state="not_evaluable")) == ["iUPD", expected]
    assert course(*visits(50.0, size), *nontarget("progressed", "not_evaluable")) == ["iUPD", expected]
    assert course(*visits(50.0, size), *nontarget("progressed")) == ["iUPD", expected]  # not listed on day 84


def test_progression_stays_dated_by_the_iupd_whose_lesion_was_not_evaluable_for_once():
    rows = [
        *visits(50.0, 50.0, 50.0, days=(42, 70, 98)),
        new(42),
        new(70, state="not_evaluable"),
        new(98),
        new(98, "Y"),
    ]
    assert course(*rows) == ["iUPD", "NE", "iCPD"]
    best = irecist_best_response(derived(rows)).select("best_response", "progression_day", "confirmed")
    assert best.rows() == [("iCPD", 42, True)]


def test_what_did_not_progress_may_be_not_evaluable():
    other = [lesion(day, "N2", role="nontarget", state="present") for day in (-5, 42)]
    assert course(*visits(50.0, 50.0), *nontarget("progressed", "present"), *other) == ["iUPD", "iSD"]
    assert course(*visits(60.0, 50.0), *nontarget("present", "not_evaluable")) == ["iUPD", "iSD"]


def test_new_lesions_need_targets_that_shrank_where_both_visits_measure_them():
    # A new lesion on day 42 with the third target unmeasured; later the two are as they were and the third is back.
    base = three(-5, 20.0, 20.0, 30.0)
    first = [*three(42, 20.0, 20.0, None), new(42)]
    assert course(*base, *first, *three(84, 20.0, 20.0, 10.0), new(84)) == ["iUPD", "iUPD"]
    assert course(*base, *first, *three(84, 20.0, 19.0, 30.0), new(84)) == ["iUPD", "iSD"]


def test_responses_of_other_lesions_are_refused():
    lesions = pl.DataFrame(visits(60.0, 65.0))
    with pytest.raises(AnalysisError, match="subject S1, day 84"):
        irecist(lesions, response(lesions.head(2)))


def test_without_targets_or_without_a_baseline():
    assert course(*nontarget("present", "progressed", "progressed")) == ["NON-iCR/NON-iUPD", "iUPD", "iCPD"]
    assert course(*nontarget("absent", "absent"), new(84)) == ["iCR", "iUPD"]
    assert course(lesion(42, "T1", 20.0)) == ["NE"]


def test_sums_and_days_of_the_table():
    rows = [*visits(60.0, 60.0, 66.0), new(84, diameter=12.0), new(84, "Y"), new(126, diameter=12.0)]
    table = derived(rows)
    columns = ["day", "sum_mm", "new_sum_mm", "new_lesions", "response", "unconfirmed_day"]
    assert table.select(columns).rows() == [
        (42, 60.0, None, 0, "iUPD", 42),
        (84, 60.0, 12.0, 2, "iCPD", 42),
        (126, 66.0, 12.0, 1, None, None),
    ]


def best(words, first=None):
    rows = [
        {"subject": "S1", "day": 42 * (i + 1), "response": word, "unconfirmed_day": first}
        for i, word in enumerate(words)
        if word is not None
    ]
    return irecist_best_response(IRECIST.frame(rows)).row(0, named=True)


# Seymour 2017, table 3: the responses at five time points, each with its alternatives, and the best.
TABLE_3 = [
    ([["iCR"], ["iCR", "iPR", "iUPD", "NE"], ["iCR", "iPR", "iUPD", "NE"], ["iUPD"], ["iCPD"]], "iCR"),
    ([["iUPD"], ["iPR", "iSD", "NE"], ["iCR"], ["iCR", "iUPD", "NE"], ["iCR", "iPR", "iSD", "iUPD", "iCPD"]], "iCR"),
    ([["iUPD"], ["iPR"], ["iPR", "iSD", "iUPD", "NE"], ["iPR", "iSD", "iUPD", "NE", "iCPD"], ["iPR", "NE"]], "iPR"),
    ([["iUPD"], ["iSD", "NE"], ["iPR"], ["iPR", "iSD", "iUPD", "NE"], ["iPR", "iSD", "iUPD", "iCPD", "NE"]], "iPR"),
    ([["iUPD"], ["iSD"], ["iSD", "iUPD", "NE"], ["iSD", "iUPD", "iCPD", "NE"], ["iSD", "iUPD", "iCPD", "NE"]], "iSD"),
    ([["iUPD"], ["iCPD"], [None], [None], [None]], "iCPD"),
    ([["iUPD"], ["iUPD"], ["iCPD"], [None], [None]], "iCPD"),
    ([["iUPD"], ["NE"], ["NE"], ["NE"], ["NE"]], "iUPD"),
]


@pytest.mark.parametrize(("points", "expected"), TABLE_3)
def test_the_best_response_of_every_example_of_table_3(points, expected):
    assert {best(words)["best_response"] for words in product(*points)} == {expected}


@pytest.mark.parametrize(
    ("words", "progression", "confirmed"),
    [
        (["iUPD", "iCPD"], 42, True),
        (["iUPD", "NE"], 42, False),
        (["iUPD", "iSD"], None, None),
        (["iSD"], None, None),
    ],
)
def test_progression_is_dated_by_the_first_iupd(words, progression, confirmed):
    found = best(words, first=42)
    assert (found["progression_day"], found["confirmed"]) == (progression, confirmed)


def test_progression_after_a_reset_is_dated_by_the_later_iupd():
    table = derived(visits(60.0, 30.0, 36.0, 41.0))
    found = irecist_best_response(table).row(0, named=True)
    assert (found["best_response"], found["day"]) == ("iPR", 84)
    assert (found["progression_day"], found["confirmed"]) == (126, True)


@pytest.mark.parametrize(
    ("day", "expected", "progression"),
    [(83, ("iUPD", 42), 42), (84, ("iPR", 84), None), (0, ("iPR", 84), None), (-20, ("iPR", 84), None)],
)
def test_what_comes_after_a_new_therapy_is_no_best_response(day, expected, progression):
    """Progression on day 42, and less than before on day 84: of a therapy from day 83 on that is not this one's."""
    table = derived(visits(60.0, 30.0))
    given = THERAPIES.frame([{"subject": "S1", "therapy": "anti-PD-1", "start_day": day}])
    found = irecist_best_response(table, therapies=given).row(0, named=True)
    assert (found["best_response"], found["day"]) == expected
    assert found["progression_day"] == progression
