"""RECIST 1.1: literal lesions, literal responses; and the synthetic trial that three readers read."""

import random
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clinical.lesion_rows import lesion
from tilseq.clinical import overall_response, response
from tilseq.clinical.recist import nontarget_response, target_response
from tilseq.errors import StudyError, TableError
from tilseq.tables.inputs import LESIONS


def lesions(*rows):
    return pl.DataFrame(list(rows), infer_schema_length=None)


def derived(*rows, column="response", **options):
    return response(lesions(*rows), **options)[column].to_list()


def visits(*sums):
    """One target lesion, a visit each 40 days from day -10."""
    return [lesion(-10 + 40 * i, "T1", size) for i, size in enumerate(sums)]


MATRIX = [
    ("CR", "CR", False, "CR"),
    ("CR", None, False, "CR"),
    ("CR", "NON-CR/NON-PD", False, "PR"),
    ("CR", "NE", False, "PR"),
    ("PR", "CR", False, "PR"),
    ("PR", "NON-CR/NON-PD", False, "PR"),
    ("PR", "NE", False, "PR"),
    ("PR", None, False, "PR"),
    ("SD", "CR", False, "SD"),
    ("SD", "NON-CR/NON-PD", False, "SD"),
    ("SD", "NE", False, "SD"),
    ("SD", None, False, "SD"),
    ("NE", "CR", False, "NE"),
    ("NE", "NON-CR/NON-PD", False, "NE"),
    ("NE", "NE", False, "NE"),
    ("NE", None, False, "NE"),
    (None, "CR", False, "CR"),
    (None, "NON-CR/NON-PD", False, "NON-CR/NON-PD"),
    (None, "NE", False, "NE"),
    (None, None, False, "NE"),
]
MATRIX += [("PD", other, new, "PD") for other in ("CR", "NON-CR/NON-PD", "PD", "NE", None) for new in (False, True)]
MATRIX += [(target, "PD", new, "PD") for target in ("CR", "PR", "SD", "NE", None) for new in (False, True)]
MATRIX += [
    (target, other, True, "PD")
    for target in ("CR", "PR", "SD", "NE", None)
    for other in ("CR", "NON-CR/NON-PD", "NE", None)
]


@pytest.mark.parametrize(("target", "nontarget", "new", "expected"), MATRIX)
def test_overall_response_of_every_row_of_the_matrix(target, nontarget, new, expected):
    assert overall_response(target, nontarget, new) == expected


def test_the_matrix_above_is_whole():
    assert len({row[:3] for row in MATRIX}) == len(MATRIX) == 6 * 5 * 2


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["absent", "absent"], "CR"),
        (["absent", "present"], "NON-CR/NON-PD"),
        (["absent", "equivocal"], "NON-CR/NON-PD"),
        (["absent", None], "NE"),
        (["not_evaluable", "present"], "NE"),
        (["progressed", None], "PD"),
    ],
)
def test_nontarget_lesions(states, expected):
    assert nontarget_response(states) == expected


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ((50, 50), ["SD"]),
        ((50, 35), ["PR"]),
        ((50, 35.1), ["SD"]),
        ((50, 60), ["PD"]),
        ((50, 59.9), ["SD"]),
        ((20, 24), ["SD"]),  # 20 % but only 4 mm
        ((20, 24.9), ["SD"]),
        ((20, 25), ["PD"]),
        ((100, 30, 36), ["PR", "PD"]),  # PD before PR, against the nadir
        ((100, 30, 35.9), ["PR", "PR"]),
        ((50, 0), ["CR"]),
        ((50, 0, 0), ["CR", "CR"]),
        ((50, 0, 5), ["CR", "PD"]),
        ((50, 0, 4.95), ["CR", "PR"]),  # rounded to tenths of a millimetre this would be PD
        ((50, 60, 50), ["PD", "SD"]),
        ((50, None, 61), ["NE", "PD"]),
    ],
)
def test_target_lesions(sums, expected):
    assert derived(*visits(*sums)) == [None, *expected]


@pytest.mark.parametrize(
    ("base", "size", "word"),
    [
        (10.0, 7.0, "PR"),  # -30 %
        (10.0, 7.1, "SD"),
        (30.3, 21.2, "PR"),  # -30.03 %
        (30.3, 21.3, "SD"),  # -29.7 %
        (299.0, 209.3, "PR"),  # -30 %, in floating point -29.999...
        (299.0, 209.4, "SD"),
        (25.0, 30.0, "PD"),  # 20 % and 5 mm
        (25.0, 29.9, "SD"),
        (24.9, 29.8, "SD"),  # 4.9 mm
        (24.9, 29.9, "PD"),  # 5.0 mm and 20.08 %
        (10.0, 14.9, "SD"),  # 49 %, but 4.9 mm
        (10.0, 15.0, "PD"),
        (25.1, 30.1, "SD"),  # 5.0 mm, but 19.92 %
        (25.1, 30.2, "PD"),
        (300.0, 359.9, "SD"),
        (300.0, 360.0, "PD"),
    ],
)
def test_thresholds_met_and_missed_by_a_tenth_of_a_millimetre(base, size, word):
    assert derived(lesion(-1, "T1", base), lesion(40, "T1", size)) == [None, word]


def test_every_threshold_on_the_grid_of_tenths_is_that_of_exact_decimal_fractions():
    # Baselines of 10.0 to 300.0 mm: the rule as the paper has it, in fractions of the decimals, and of no other code.
    for tenths in range(100, 3001):
        base = Fraction(f"{tenths / 10:.1f}")
        for near in (base * Fraction("0.7"), base * Fraction("1.2"), base + 5):
            for beyond in (-1, 0, 1):
                size = Fraction(round(10 * near) + beyond, 10)
                change = (size - base) / base
                grown = change >= Fraction("0.20") and size - base >= 5
                word = "PD" if grown else "PR" if change <= Fraction("-0.30") else "SD"
                assert target_response([int(1000 * size)], [False], 100 * tenths, 100 * tenths) == word


def test_every_exact_threshold_of_a_table_is_met_and_a_tenth_less_is_not():
    rows, expected = [], {}
    for tenths in range(100, 3001, 5):
        for name, size, word in (
            *([("pr", 7 * tenths // 10, "PR"), ("sd-", 7 * tenths // 10 + 1, "SD")] if tenths % 10 == 0 else []),
            ("pd", 12 * tenths // 10, "PD" if tenths >= 250 else "SD"),
            ("sd+", 12 * tenths // 10 - 1, "SD"),
        ):
            subject = f"{name}{tenths}"
            rows += [
                lesion(-1, "T1", tenths / 10, subject=subject),
                lesion(40, "T1", size / 10, subject=subject),
            ]
            expected[subject] = word
    found = response(lesions(*rows)).filter(pl.col("day") == 40)
    assert len(expected) == 2 * 291 + 2 * 581
    assert dict(found.select("subject", "response").iter_rows()) == expected


def test_a_sum_of_many_lesions_meets_an_exact_threshold():
    # 0.1 + 0.2 + ... in floating point misses both.
    base, small, large = (10.1, 20.2, 30.3), (7.07, 14.14, 21.21), (12.12, 24.24, 36.36)
    for sizes, word in ((small, "PR"), (large, "PD")):
        rows = [lesion(day, f"T{i}", size) for day, row in ((0, base), (40, sizes)) for i, size in enumerate(row)]
        assert derived(*rows) == [None, word]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(100, 1500), min_size=1, max_size=5),
    st.sampled_from([(7, "PR"), (12, "PD")]),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_an_exact_threshold_is_met_however_the_sum_falls_to_lesions_and_rows(tenths, change, beyond, random):
    # Each target of the baseline is a multiple of 1 mm, so that every change is exact on the grid of tenths.
    base = [10 * (size // 10) for size in tenths]
    share, word = change
    later = [share * size // 10 for size in base]
    later[0] += beyond if word == "PR" else -beyond
    grown = sum(later) - sum(base)
    if beyond:
        word = "SD"
    elif word == "PD" and grown < 50:
        word = "SD"
    rows = [lesion(day, f"T{i}", size / 10) for day, row in ((0, base), (40, later)) for i, size in enumerate(row)]
    random.shuffle(rows)
    assert derived(*rows) == [None, word]


def test_order_of_rows_changes_nothing():
    rows = [
        *(lesion(day, name, size) for day, size in ((-5, 30), (40, 20), (80, 26)) for name in ("T1", "T2")),
        *(lesion(day, "N1", role="nontarget", state="present") for day in (-5, 40, 80)),
        lesion(80, "X1", role="new", state="equivocal"),
    ]
    first = response(lesions(*rows))
    for seed in range(10):
        random.Random(seed).shuffle(rows)
        assert response(lesions(*rows)).equals(first)


def test_three_targets_of_which_two_alone_are_progression():
    # Eisenhauer's example: baseline 50 mm of three; two measure 80 mm.
    base = [lesion(0, "T1", 20), lesion(0, "T2", 20), lesion(0, "T3", 10)]
    found = response(lesions(*base, lesion(40, "T1", 40), lesion(40, "T2", 40), lesion(40, "T3", None)))
    row = found.row(1, named=True)
    assert (row["response"], row["sum_mm"], row["targets"], row["targets_measured"]) == ("PD", None, 3, 2)
    assert row["reason"] == "T3 not measured; the measured targets alone are PD"
    assert derived(*base, lesion(40, "T1", 20), lesion(40, "T2", 20))[1] == "NE"


def test_an_incomplete_sum_is_no_nadir():
    base = [lesion(0, "T1", 30), lesion(0, "T2", 30)]
    rows = [*base, lesion(40, "T1", 15), lesion(80, "T1", 15), lesion(80, "T2", 15)]
    found = response(lesions(*rows))
    assert found["response"].to_list() == [None, "NE", "PR"]
    assert found["change_from_nadir_pct"].to_list() == [None, None, -50.0]
    assert found["change_from_baseline_pct"].to_list() == [None, None, -50.0]


def test_nodes_below_10_mm_are_a_complete_response_with_a_sum_above_0():
    base = [lesion(0, "T1", 20, node=True), lesion(0, "T2", 15)]
    found = response(lesions(*base, lesion(40, "T1", 9.9, node=True), lesion(40, "T2", 0)))
    assert found.row(1, named=True)["response"] == "CR"
    assert found.row(1, named=True)["sum_mm"] == 9.9
    assert derived(*base, lesion(40, "T1", 10, node=True), lesion(40, "T2", 0))[1] == "PR"
    assert derived(*base, lesion(40, "T1", 9), lesion(40, "T2", state="absent"))[1] == "CR"  # node told once only


def test_what_follows_a_complete_response_is_a_setting():
    rows = visits(50, 0, 4)
    assert derived(*rows) == [None, "CR", "PR"]
    assert "T1 back after a complete response" in derived(*rows, column="reason")[2]
    assert derived(*rows, regrowth="pd") == [None, "CR", "PD"]
    node = [lesion(day, "T1", size, node=True) for day, size in ((0, 20), (40, 8), (80, 10))]
    assert derived(*node) == [None, "CR", "PR"]
    assert derived(*node, regrowth="pd") == [None, "CR", "PD"]
    small = [lesion(day, "T1", size, node=True) for day, size in ((0, 20), (40, 3), (80, 9))]
    assert derived(*small, regrowth="pd") == [None, "CR", "CR"]


def test_an_equivocal_new_lesion_counts_from_its_first_scan_once_confirmed():
    rows = [*visits(30, 30, 30, 30), lesion(30, "X", role="new", state="equivocal")]
    assert derived(*rows) == [None, "SD", "SD", "SD"]
    rows.append(lesion(110, "X", role="new", state="present"))
    found = response(lesions(*rows))
    assert found["response"].to_list() == [None, "PD", "SD", "PD"]
    assert found["new_lesion"].to_list() == [None, True, False, True]
    assert found["reason"][1] == "new lesion X, equivocal here, confirmed on day 110"


def test_nontargets_by_diameter_or_state():
    base = [lesion(0, "N1", role="nontarget", state="present"), lesion(0, "N2", 12, role="nontarget", node=True)]
    rest = [lesion(40, "N1", role="nontarget", state="absent")]
    for size, word in ((9.9, "CR"), (10, "NON-CR/NON-PD")):
        assert derived(*base, *rest, lesion(40, "N2", size, role="nontarget")) == [None, word]
    found = response(lesions(*base, *rest))
    assert found["response"][1] == "NE"
    assert found["reason"][1] == "N2 not evaluated"
    assert found["sum_mm"].to_list() == [None, None]


def test_a_nontarget_node_said_to_be_present_counts_by_its_size_and_that_is_told():
    rows = [lesion(day, "N1", size, role="nontarget", node=True, state="present") for day, size in ((0, 12), (40, 9))]
    found = response(lesions(*rows))
    assert found["response"].to_list() == [None, "CR"]
    assert found["reason"].to_list() == [None, "N1 present by the reader's word, but a node below 10 mm: normal"]


@pytest.mark.parametrize(
    ("cells", "new", "word", "reason"),
    [
        ({"state": "present"}, True, "PD", "new lesion X"),
        ({}, True, "PD", "new lesion X"),
        ({"diameter_mm": 6.0}, True, "PD", "new lesion X"),
        ({"diameter_mm": 0.0, "state": "present"}, True, "PD", "new lesion X, present though of 0 mm"),
        ({"diameter_mm": 8.0, "node": True, "state": "present"}, True, "PD",
         "new lesion X, present though a node below 10 mm"),
        ({"diameter_mm": 8.0, "node": True}, False, "SD", "X a node below 10 mm: normal, no new lesion"),
        ({"diameter_mm": 10.0, "node": True}, True, "PD", "new lesion X"),
        ({"diameter_mm": 0.0}, False, "SD", None),
        ({"state": "absent"}, False, "SD", None),
    ],
)  # fmt: skip
def test_a_new_lesion_follows_its_state_then_its_size(cells, new, word, reason):
    rows = [*visits(30, 30), lesion(30, "X", role="new") | cells]
    row = response(lesions(*rows)).row(1, named=True)
    assert (row["new_lesion"], row["response"], row["reason"]) == (new, word, reason)


def subjects(harvest=None, lymphodepletion=None, first_dose=None):
    days = {"harvest_day": [harvest], "lymphodepletion_day": [lymphodepletion], "first_dose_day": [first_dose]}
    return pl.DataFrame({"subject": ["S1"]} | days)


@pytest.mark.parametrize(
    ("lymphodepletion", "first_dose", "day"),
    [(None, None, 0), (-7, None, -7), (None, -7, -7), (-7, -9, -9), (-7, 0, -7), (-9, -7, -9)],
)
def test_treatment_starts_at_lymphodepletion_first_dose_or_infusion_whichever_is_first(
    lymphodepletion, first_dose, day
):
    rows = [lesion(at, "T1", 20) for at in (-10, -9, -8, -7, -6, 0, 28)]
    found = response(lesions(*rows), subjects=subjects(None, lymphodepletion, first_dose))
    assert found.filter("baseline")["day"].to_list() == [day]


def test_baseline_is_the_last_assessment_after_harvest_and_before_treatment():
    rows = [lesion(day, "T1", size) for day, size in ((-40, 50), (-20, 30), (-3, 20), (28, 20))]
    flags = [("baseline", None), ("baseline", subjects(-30, -7))]
    found = [response(lesions(*rows), subjects=table)["baseline"].to_list() for _, table in flags]
    assert found == [[False, False, True, False], [False, True, False, False]]
    after = response(lesions(*rows), subjects=subjects(-30, -7))
    assert after["response"].to_list() == [None, None, "PR", "PR"]
    assert after["reason"][0] == "before the baseline"


def test_a_subject_without_baseline_is_not_evaluable_and_nothing_is_guessed():
    rows = [lesion(-40, "T1", 50), lesion(28, "T1", 10)]
    found = response(lesions(*rows), subjects=subjects(-30, -7))
    assert found["response"].to_list() == [None, "NE"]
    assert found["sum_mm"].to_list() == [None, None]
    words = "no baseline: the last assessment before treatment (day -40) is not after the harvest (-30)"
    assert found["reason"].to_list() == [words, words]
    assert derived(lesion(28, "T1", 10), column="reason") == ["no baseline: no assessment up to day 0"]


def test_a_baseline_with_an_unmeasured_target_gives_no_target_response():
    found = response(lesions(lesion(0, "T1", 30), lesion(0, "T2"), lesion(40, "T1", 5), lesion(40, "T2", 5)))
    assert found["reason"].to_list() == ["T2 not measured", "the baseline sum is incomplete"]
    assert found["response"].to_list() == [None, "NE"]


def test_the_lesion_resected_for_the_product_is_no_target():
    rows = [lesion(0, "T1", 30), lesion(0, "T2", 40, resected=True), lesion(40, "T1", 30), lesion(40, "T2", 0)]
    found = response(lesions(*rows))
    assert found["sum_mm"].to_list() == [30, 30]
    assert found["response"].to_list() == [None, "SD"]
    assert found["reason"][0] == "T2 resected for the product, no target"


def test_a_doubtful_baseline_is_told():
    rows = [lesion(0, f"T{i}", 20) for i in range(4)] + [lesion(0, "T4", 2.1), lesion(0, "T5", 14, node=True)]
    reason = derived(*rows, column="reason")[0]
    assert reason == "T4, T5 smaller than a target may be (10 mm, node 15 mm; is it in mm?); 6 targets, more than 5"


def test_scans_of_one_visit_on_several_days_are_one_assessment():
    rows = [
        *(lesion(-3, name, 20, visit="baseline") for name in ("T1", "T2")),
        lesion(40, "T1", 10, visit="week 6"),
        lesion(43, "T2", 10, visit="week 6"),
    ]
    found = response(lesions(*rows)).row(1, named=True)
    assert (found["day"], found["response"], found["reason"]) == (43, "PR", "scans on days 40 to 43")


def test_each_reader_stands_alone():
    rows = [lesion(day, "T1", size, reader=reader) for reader, end in (("A", 10), ("B", 40)) for day, size in
            ((0, 30), (40, end))]  # fmt: skip
    found = response(lesions(*rows)).filter(pl.col("day") == 40)
    assert found.select("reader", "response").rows() == [("A", "PR"), ("B", "PD")]


def test_recorded_responses_are_held_beside_and_never_lost():
    recorded = pl.DataFrame({"subject": ["S1"] * 3 + ["S2"], "day": [30, 70, 200, 30], "response": ["PR", "SD"] * 2})
    found = response(lesions(*visits(50, 35, 35)), recorded)
    assert found.select("subject", "day", "response", "recorded", "agrees").rows() == [
        ("S1", -10, None, None, None),
        ("S1", 30, "PR", "PR", True),
        ("S1", 70, "PR", "SD", False),
        ("S1", 200, None, "PR", None),
        ("S2", 30, None, "SD", None),
    ]
    assert found["reason"][3] == "no lesion was assessed"


@pytest.mark.parametrize("empty", [LESIONS.frame(), LESIONS.frame().to_pandas(), pl.DataFrame()])
def test_recorded_responses_without_any_lesion(empty):
    recorded = pl.DataFrame(
        {"subject": ["S1", "S1"], "day": [28, 84], "visit": ["D28", "D84"], "response": ["PR", "NE"]}
    )
    found = response(empty, recorded, subjects=subjects())
    columns = ["subject", "day", "visit", "baseline", "targets", "sum_mm", "response", "recorded", "agrees", "reason"]
    assert found.select(columns).rows() == [
        ("S1", 28, "D28", False, 0, None, None, "PR", None, "no lesion was assessed"),
        ("S1", 84, "D84", False, 0, None, None, "NE", None, "no lesion was assessed"),
    ]


def test_recorded_responses_match_by_visit_before_day():
    rows = [lesion(-3, "T1", 20, visit="base"), lesion(40, "T1", 5, visit="w6")]
    recorded = pl.DataFrame({"subject": ["S1"], "day": [47], "visit": ["w6"], "response": ["PR"]})
    found = response(lesions(*rows), recorded)
    assert found.select("day", "recorded").rows() == [(-3, None), (40, "PR")]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([lesion(0, "T1", 20), lesion(40, "T1", 20, role="nontarget")], "the role of a lesion changes"),
        ([lesion(0, "T1", 20, node=True), lesion(40, "T1", 20, node=False)], "the node of a lesion changes"),
        ([lesion(0, "T1", 20), lesion(40, "T2", 20)], "this lesion is not in the baseline"),
        ([lesion(0, "X", 20, role="new")], "a lesion seen by the baseline is not new"),
        ([lesion(0, "T1", 20, state="absent")], "an absent lesion has no diameter"),
        ([lesion(0, "T1", 20, state="not_evaluable")], "a lesion that is not evaluable has no diameter"),
        ([lesion(0, "T1", 20, state="progressed")], "a target lesion is judged by its diameter"),
        ([lesion(0, "N1", 0, role="nontarget", state="present")], "a lesion that is present has a diameter above 0 mm"),
        ([lesion(0, "N1", 0, role="nontarget", state="progressed")], "that is progressed has a diameter above 0 mm"),
        ([lesion(0, "T1", 0, state="present", node=True)], "a lesion that is present has a diameter above 0 mm"),
        ([lesion(5, "T1", 9, visit="u"), lesion(9, "T1", 9, visit="u")], "a visit holds the same lesion on several"),
        ([lesion(5, "T1", 9, visit="a"), lesion(5, "T2", 9, visit="b")], "two visits end on the same day"),
    ],
)
def test_rows_that_contradict_one_another_are_refused(rows, words):
    with pytest.raises(StudyError) as caught:
        response(lesions(*rows))
    assert words in str(caught.value)
    assert "subject S1" in str(caught.value)


def test_a_subject_that_is_not_in_subjects_is_refused():
    with pytest.raises(StudyError, match="not in subjects"):
        response(lesions(lesion(0, "T1", 20, subject="S9")), subjects=subjects())


def test_a_lesion_twice_on_a_day_is_refused():
    with pytest.raises(TableError, match="key twice"):
        response(lesions(lesion(0, "T1", 20), lesion(0, "T1", 21)))


@pytest.mark.parametrize("size", [-1.0, 600.1, float("inf"), float("-inf")])
def test_a_diameter_that_no_lesion_has_is_refused(size):
    with pytest.raises(TableError, match="column diameter_mm: .*expected 0 to 600"):
        response(lesions(lesion(0, "T1", size)))


def test_a_pandas_frame_gives_the_same():
    rows = lesions(*visits(50, 35, None))
    assert response(rows.to_pandas()).equals(response(rows))


def test_a_target_that_the_baseline_does_not_list_is_named_there():
    rows = [lesion(-40, "T1", 30), lesion(-40, "T2", 20), lesion(-5, "T1", 30), lesion(40, "T1", 30)]
    assert derived(*rows, column="reason") == ["before the baseline", "not at baseline: T2", None]


def test_scans_of_one_visit_name_more_than_14_days_apart_are_two_assessments():
    rows = [lesion(0, "T1", 30), lesion(0, "T2", 30)]
    rows += [lesion(40, "T1", 15, visit="UNS"), lesion(54, "T2", 15, visit="UNS")]
    assert response(lesions(*rows)).select("day", "response").rows() == [(0, None), (54, "PR")]
    rows = [lesion(0, "T1", 30), lesion(40, "T1", 15, visit="UNS"), lesion(55, "T1", 30, visit="UNS")]
    recorded = pl.DataFrame({"subject": ["S1"] * 2, "day": [56, 41], "visit": ["UNS"] * 2, "response": ["PD", "PR"]})
    found = response(lesions(*rows), recorded).select("day", "response", "recorded", "agrees").rows()
    assert found == [(0, None, None, None), (40, "PR", "PR", True), (55, "PD", "PD", True)]


def test_a_target_resected_after_treatment_started_stays_in_the_sums():
    rows = [lesion(0, "T1", 30), lesion(0, "T2", 20), lesion(40, "T1", 30), lesion(40, "T2", 30),
            lesion(80, "T1", 30), lesion(80, "T2", 0, resected=True)]  # fmt: skip
    found = response(lesions(*rows))
    assert found["sum_mm"].to_list() == [50, 60, 30]
    assert found["response"].to_list() == [None, "PD", "PR"]
    assert found["reason"].to_list() == [
        None, None, "T2 resected after treatment had started, counted by the diameter given"
    ]  # fmt: skip
    # Lymphodepletion on day -7 is the start: a resection on day -3 is not for the product.
    rows = [lesion(-20, "T1", 30), lesion(-20, "T2", 20), lesion(-3, "T1", 30), lesion(-3, "T2", 0, resected=True)]
    assert response(lesions(*rows), subjects=subjects(-30, -7))["sum_mm"].to_list() == [50, 30]
    assert response(lesions(*rows))["sum_mm"].to_list() == [30, 30]


def test_a_new_lesion_that_is_no_longer_listed_is_told():
    rows = [*visits(50, 50, 50), lesion(30, "N1", 12, role="new")]
    found = response(lesions(*rows))
    assert found["response"].to_list() == [None, "PD", "SD"]
    assert found["reason"].to_list() == [None, "new lesion N1", "new lesion N1 not reported"]
