"""Every table of admiralonco's unit tests of best overall response, response, confirmed response and clinical benefit.

The literal tables are those of tests/testthat/test-derive_param_{confirmed_bor,bor,confirmed_resp,response,
clinbenefit}.R of github.com/pharmaverse/admiralonco 1.4.0.9003 (Apache License 2.0; F. Hoffmann-La Roche AG,
GlaxoSmithKline LLC, Amgen Inc., Bristol Myers Squibb). Where its definitions differ from ours by default, the policy of
the test says so: reads on and before the start count (`reads_from`), the least days of SD are 28, and a PD ends the
reads only where a source of PD is named (`stop_at_progression`). Three things have no setting, as they come to the
same: MISSING is `not_assessed`; ND, not done, is an absent row here, so its subject has no read; a PD that is
named beside the reads ends them as a new therapy does, and is itself no read.
"""

import polars as pl
import pytest

from tests.clinical.reads import day_of, days_from, recorded
from tilseq.clinical import BestResponsePolicy, best_response

STARTS = {
    "1": "2020-01-01",
    "2": "2019-12-12",
    "3": "2019-11-11",
    "4": "2019-12-30",
    "5": "2020-01-01",
    "6": "2020-02-02",
    "7": "2020-02-02",
    "8": "2020-04-01",
    "9": "2020-02-01",
}
SEVEN = [
    ("7", "2020-02-06", "PR"),
    ("7", "2020-02-16", "CR"),
    ("7", "2020-04-01", "NE"),
]
TO_SIX = [
    ("1", "2020-01-01", "PR"),
    ("1", "2020-02-01", "CR"),
    ("1", "2020-02-16", "NE"),
    ("1", "2020-03-01", "CR"),
    ("1", "2020-04-01", "SD"),
    ("2", "2020-01-01", "SD"),
    ("2", "2020-02-01", "PR"),
    ("2", "2020-03-01", "SD"),
    ("2", "2020-03-13", "CR"),
    ("3", "2019-11-12", "CR"),
    ("3", "2019-12-02", "CR"),
    ("3", "2020-01-01", "SD"),
    ("4", "2020-01-01", "PR"),
    ("4", "2020-03-01", "SD"),
    ("4", "2020-04-01", "SD"),
    ("4", "2020-05-01", "PR"),
    ("4", "2020-05-15", "NON-CR/NON-PD"),
    ("5", "2020-01-01", "PR"),
    ("5", "2020-01-10", "SD"),
    ("5", "2020-01-20", "PR"),
    ("5", "2020-05-15", "NON-CR/NON-PD"),
    ("6", "2020-02-06", "PR"),
    ("6", "2020-02-16", "CR"),
    ("6", "2020-03-30", "PR"),
]
NINE = [("9", "2020-02-16", "PD"), ("9", "2020-03-06", "SD")]
THEIRS = {"reads_from": "any", "sd_min_days": 28}


def found(reads, starts, confirmation, columns, therapies=None, **settings):
    """Return some columns of each subject's row, for every subject that has a start."""
    table = best_response(
        recorded(days_from(starts, reads)),
        therapies,
        pl.DataFrame({"subject": list(starts)}),
        BestResponsePolicy(**THEIRS | settings),
    )
    return {row[0]: row[1:] for row in table.filter(confirmation=confirmation).select("subject", *columns).rows()}


def expected(starts, rows):
    """Return the rows of subject, ISO date and further cells with their days, as `found` returns them."""
    return {subject: (day_of(starts, subject, text), *cells) for subject, text, *cells in rows}


CONFIRMED_BOR = {
    "Test 1: default": (
        TO_SIX + SEVEN + NINE,
        {},
        [
            ("1", "2020-02-01", "CR"),
            ("2", "2020-02-01", "SD"),
            ("3", "2020-01-01", "SD"),
            ("4", "2020-03-01", "SD"),
            ("5", "2020-05-15", "NON-CR/NON-PD"),
            ("6", "2020-03-30", "SD"),
            ("7", "2020-02-06", "NE"),
            ("8", None, "not_assessed"),  # theirs: MISSING
            ("9", "2020-02-16", "PD"),
        ],
    ),
    "Test 2: accept SD, no NE, missing as NE": (
        TO_SIX + NINE,  # of subject 7 theirs holds one ND, 2020-04-02
        {"confirmation_days": 14, "max_ne": 0, "accept_sd": True, "unassessed": "NE"},
        [
            ("1", "2020-01-01", "PR"),
            ("2", "2020-02-01", "PR"),
            ("3", "2019-11-12", "CR"),
            ("4", "2020-03-01", "SD"),
            ("5", "2020-01-01", "PR"),
            ("6", "2020-03-30", "SD"),
            ("7", None, "NE"),  # theirs: ND on 2020-04-02; a scan not done is no row here, so it is missing as is 8
            ("8", None, "NE"),
            ("9", "2020-02-16", "PD"),
        ],
    ),
    "Test 4: no source of PD": (
        TO_SIX + SEVEN + NINE,
        {"stop_at_progression": False},
        [
            ("1", "2020-02-01", "CR"),
            ("2", "2020-02-01", "SD"),
            ("3", "2020-01-01", "SD"),
            ("4", "2020-03-01", "SD"),
            ("5", "2020-05-15", "NON-CR/NON-PD"),
            ("6", "2020-03-30", "SD"),
            ("7", "2020-02-06", "NE"),
            ("8", None, "not_assessed"),
            ("9", "2020-03-06", "SD"),
        ],
    ),
}


@pytest.mark.parametrize("name", CONFIRMED_BOR)
def test_confirmed_best_overall_response(name):
    reads, settings, rows = CONFIRMED_BOR[name]
    assert found(reads, STARTS, "required", ["day", "best_response"], **settings) == expected(STARTS, rows)


def test_table_3_to_the_letter_changes_the_subjects_with_disease_after_an_early_complete_response():
    # RECIST: the CR of 3 (day 1) and 6 (day 14) is followed by disease, so PD, and SD had not been met. 1 keeps its
    # confirmed CR. admiralonco has no such setting.
    reads = TO_SIX + SEVEN + NINE
    strict = found(reads, STARTS, "required", ["day", "best_response"], strict_table3=True)
    theirs = found(reads, STARTS, "required", ["day", "best_response"])
    changed = {subject: row for subject, row in strict.items() if row != theirs[subject]}
    assert changed == expected(STARTS, [("3", "2020-01-01", "PD"), ("6", "2020-03-30", "PD")])


BOR_STARTS = {subject: day for subject, day in STARTS.items() if subject != "9"}
BOR = [
    ("1", "2020-02-01", "CR"),
    ("2", "2020-03-13", "CR"),
    ("3", "2019-11-12", "CR"),
    ("4", "2020-01-01", "PR"),
    ("5", "2020-01-01", "PR"),
    ("6", "2020-02-16", "CR"),
    ("7", "2020-02-16", "CR"),
    ("8", None, "not_assessed"),  # theirs: MISSING
]
EARLY = ("2020-01-01", "2020-01-02", "2020-01-03")


@pytest.mark.parametrize(
    ("seven", "row"),
    [
        (SEVEN, ("7", "2020-02-16", "CR")),
        # All reads before the reference date: a CR counts, an SD is NE.
        ([("7", day, word) for day, word in zip(EARLY, ("PR", "CR", "NE"), strict=True)], ("7", "2020-01-02", "CR")),
        ([("7", day, "SD") for day in EARLY], ("7", "2020-01-01", "NE")),
    ],
)
def test_best_overall_response_without_confirmation_and_without_a_source_of_pd(seven, row):
    rows = [*(one for one in BOR if one[0] != "7"), row]
    got = found(TO_SIX + seven, BOR_STARTS, "not_required", ["day", "best_response"], stop_at_progression=False)
    assert got == expected(BOR_STARTS, rows)


def test_best_overall_response_with_a_pd_beside_the_reads():
    # Their PD of 2 and 6 is a parameter of its own and no read: it ends the reads, as a new therapy does here.
    ends = [(subject, day_of(STARTS, subject, day)) for subject, day in (("2", "2020-03-01"), ("6", "2020-02-05"))]
    ended = pl.DataFrame(
        {"subject": [one for one, _ in ends], "therapy": ["PD"] * 2, "start_day": [day for _, day in ends]}
    )
    rows = {row[0]: row for row in BOR} | {"2": ("2", "2020-02-01", "PR"), "6": ("6", None, "not_assessed")}
    got = found(TO_SIX + SEVEN, BOR_STARTS, "not_required", ["day", "best_response"], ended)
    assert got == expected(BOR_STARTS, rows.values())


def test_confirmed_response():
    default = found(TO_SIX + SEVEN + NINE, STARTS, "required", ["response_day"])
    assert default == expected(STARTS, [("1", "2020-01-01"), *((subject, None) for subject in "23456789")])
    settings = {"confirmation_days": 14, "max_ne": 0, "accept_sd": True}
    accepting = found(TO_SIX + NINE, STARTS, "required", ["response_day"], **settings)
    dated = [("1", "2020-01-01"), ("2", "2020-02-01"), ("3", "2019-11-12"), ("5", "2020-01-01")]
    assert accepting == expected(STARTS, [*dated, *((subject, None) for subject in "46789")])


def test_confirmed_response_without_a_source_of_pd():
    reads = [
        ("1", "2020-01-01", "SD"),
        ("1", "2020-02-01", "PD"),
        ("1", "2020-02-16", "PR"),
        ("1", "2020-03-21", "CR"),
        ("2", "2020-01-01", "SD"),
        ("2", "2020-02-01", "CR"),
        ("2", "2020-02-16", "PD"),
        ("2", "2020-03-21", "CR"),
    ]
    got = found(reads, STARTS, "required", ["response_day"], stop_at_progression=False)
    assert got == expected(STARTS, [("1", "2020-02-16"), *((subject, None) for subject in "23456789")])
    # By default the first PD ends the reads, and nobody responds.
    assert set(found(reads, STARTS, "required", ["response_day"]).values()) == {(None,)}


@pytest.mark.parametrize(("stop", "three"), [(True, None), (False, "2021-12-25")])
def test_response(stop, three):
    starts = {subject: STARTS[subject] for subject in "1234"}
    reads = [
        ("1", "2020-01-02", "PR"),
        ("1", "2020-02-01", "CR"),
        ("1", "2020-03-01", "CR"),
        ("1", "2020-04-01", "SD"),
        ("2", "2021-06-15", "SD"),
        ("2", "2021-07-16", "PD"),
        ("2", "2021-09-14", "PD"),
        ("3", "2021-09-14", "SD"),
        ("3", "2021-10-30", "PD"),
        ("3", "2021-12-25", "CR"),
    ]
    got = found(reads, starts, "not_required", ["response_day"], stop_at_progression=stop)
    assert got == expected(starts, [("1", "2020-01-02"), ("2", None), ("3", three), ("4", None)])


@pytest.mark.parametrize(
    ("settings", "six", "seven"),
    [
        ({}, None, None),  # NON-CR/NON-PD is no benefit, and a PD ends the reads
        (
            {"stop_at_progression": False, "disease_control": ("CR", "PR", "SD", "NON-CR/NON-PD")},
            "2021-09-22",
            "2021-12-05",
        ),
    ],
)
def test_clinical_benefit(settings, six, seven):
    starts = {
        "01": "2020-12-06",
        "02": "2021-01-16",
        "03": "2021-01-09",
        "04": "2021-04-21",
        "05": "2021-06-10",
        "06": "2021-07-04",
        "07": "2021-07-01",
    }
    # Left out, as they are no reads here: a missing AVALC of 02 on 2021-04-07, and NA and ND of 04.
    reads = [
        ("01", "2021-03-07", "SD"),
        ("01", "2021-04-08", "PR"),
        ("02", "2021-03-07", "SD"),
        ("02", "2021-05-07", "PD"),
        ("03", "2021-01-30", "SD"),
        ("04", "2021-05-21", "NE"),
        ("04", "2021-07-24", "NE"),
        ("06", "2021-08-20", "PD"),
        ("06", "2021-09-22", "SD"),
        ("07", "2021-12-05", "NON-CR/NON-PD"),
    ]
    rows = [("01", "2021-03-07"), ("02", "2021-03-07"), ("03", None), ("04", None), ("05", None)]
    rows += [("06", six), ("07", seven)]
    assert found(reads, starts, "not_required", ["control_day"], **settings) == expected(starts, rows)
