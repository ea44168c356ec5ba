"""Best overall response: Table 3 of Eisenhauer 2009 row by row, each policy, and what the reason tells."""

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clinical.reads import recorded
from tilseq.clinical import BestResponsePolicy, best_response, response
from tilseq.errors import AnalysisError, StudyError, TableError
from tilseq.tables.outputs import RESPONSE


def best(reads, confirmation="required", therapies=None, subjects=None, **settings):
    """Return the row of subject S1 read on some days, as a mapping."""
    table = recorded([("S1", day, word) for day, word in reads])
    found = best_response(table, therapies, subjects, BestResponsePolicy(**settings))
    return found.filter(confirmation=confirmation).row(0, named=True)


# Eisenhauer 2009, table 3: the read at the first time point, at the next, and the best response where the minimum of SD
# is met at the first (day 42) and where it is not (day 20, the next one 28 days later).
TABLE_3 = [
    ("CR", "CR", "CR", "CR"),
    ("CR", "PR", "SD", "PD"),  # disease after a CR is PD then
    ("CR", "SD", "SD", "PD"),
    ("CR", "PD", "SD", "PD"),
    ("CR", "NE", "SD", "NE"),
    ("PR", "CR", "PR", "PR"),
    ("PR", "PR", "PR", "PR"),
    ("PR", "SD", "SD", "SD"),
    ("PR", "PD", "SD", "PD"),
    ("PR", "NE", "SD", "NE"),
    ("NE", "NE", "NE", "NE"),
]


@pytest.mark.parametrize(("first", "later", "met", "early"), TABLE_3)
def test_table_3_of_eisenhauer(first, later, met, early):
    reads = [(42, first), (84, later)]
    assert best(reads, strict_table3=True)["best_response"] == met
    assert best([(20, first), (48, later)], strict_table3=True)["best_response"] == early


def test_without_the_letter_of_table_3_disease_after_a_complete_response_stands_and_is_told():
    row = best([(20, "CR"), (48, "SD")])
    assert (row["best_response"], row["day"]) == ("SD", 48)
    assert row["reason"] == (
        "CR of day 20 not confirmed: then SD on day 48; "
        "disease after CR on day 48: PD there, or the CR was none (table 3)"
    )
    assert best([(20, "CR"), (48, "SD")], strict_table3=True)["reason"].endswith("disease after CR is PD on day 48")


@pytest.mark.parametrize(
    ("reads", "settings", "word", "day", "confirmed"),
    [
        ([(42, "PR"), (69, "PR")], {}, "SD", 42, None),  # 27 days
        ([(42, "PR"), (70, "PR")], {}, "PR", 42, 70),  # 28 days
        ([(42, "PR"), (69, "PR")], {"confirmation_days": 27}, "PR", 42, 69),
        ([(42, "PR"), (56, "PR"), (72, "PR")], {}, "PR", 42, 72),  # confirmed by the third
        ([(42, "PR"), (84, "SD"), (126, "PR")], {}, "SD", 42, None),
        ([(42, "PR"), (84, "SD"), (126, "PR")], {"accept_sd": True}, "PR", 42, 126),
        ([(42, "PR"), (84, "SD"), (126, "SD"), (168, "PR")], {"accept_sd": True}, "SD", 42, None),
        ([(42, "PR"), (84, "NE"), (126, "PR")], {}, "PR", 42, 126),
        ([(42, "PR"), (84, "NE"), (126, "NE"), (168, "PR")], {}, "SD", 42, None),
        ([(42, "PR"), (84, "NE"), (126, "NE"), (168, "PR")], {"max_ne": 2}, "PR", 42, 168),
        ([(42, "PR"), (84, "NE"), (126, "PR")], {"max_ne": 0}, "SD", 42, None),
        ([(42, "PR"), (84, "SD"), (126, "PR"), (168, "PR")], {}, "PR", 126, 168),  # all starts are tried
        ([(42, "CR"), (84, "PR"), (126, "CR"), (168, "CR")], {}, "CR", 126, 168),
        ([(42, "PR"), (84, "CR"), (126, "CR")], {}, "CR", 84, 126),
        ([(42, "PR"), (84, "CR"), (126, "PD")], {}, "PR", 42, 84),
        ([(42, "PR"), (56, "CR"), (84, "PR")], {}, "SD", 42, None),  # PR after CR within the confirmation
        ([(41, "SD")], {}, "NE", 41, None),
        ([(42, "SD")], {}, "SD", 42, None),
        ([(41, "SD")], {"sd_min_days": 35}, "SD", 41, None),
        ([(42, "SD"), (84, "SD")], {}, "SD", 42, None),  # the first that qualifies
        ([(20, "NON-CR/NON-PD"), (42, "NON-CR/NON-PD"), (84, "PD")], {}, "NON-CR/NON-PD", 42, None),
        ([(20, "PD")], {}, "PD", 20, None),  # PD has no minimum
        ([(20, "SD"), (30, "PD")], {}, "PD", 30, None),
        ([(42, "PD"), (84, "CR"), (126, "CR")], {}, "PD", 42, None),
        ([(42, "PD"), (84, "CR"), (126, "CR")], {"stop_at_progression": False}, "CR", 84, 126),
        ([(42, "NE")], {}, "NE", 42, None),
        ([(-8, "SD"), (42, "NE")], {"sd_min_days": 0}, "NE", 42, None),  # a read before treatment
        ([(0, "PR")], {}, "not_assessed", None, None),
        ([(0, "PR")], {"unassessed": "NE"}, "NE", None, None),
    ],
)
def test_confirmed(reads, settings, word, day, confirmed):
    row = best(reads, **settings)
    assert (row["best_response"], row["day"], row["confirmation_day"]) == (word, day, confirmed)


def test_the_response_that_counts_begins_with_its_first_cr_or_pr():
    # The best response is CR from day 84; the response, and its duration, began with the PR of day 42 that it confirms.
    row = best([(42, "PR"), (84, "CR"), (126, "CR")])
    assert (row["day"], row["response_day"], row["confirmation_day"]) == (84, 42, 126)
    row = best([(42, "PR"), (84, "SD"), (126, "PR"), (168, "PR")])
    assert row["response_day"] == 126
    assert best([(42, "PR"), (84, "SD")])["response_day"] is None
    assert best([(42, "PR"), (84, "SD")], "not_required")["response_day"] == 42


@pytest.mark.parametrize(
    ("reads", "settings", "reason"),
    [
        ([(42, "PR"), (69, "PR")], {}, "PR of day 42 again on day 69: 27 days, fewer than 28"),
        ([(42, "PR"), (68, "CR")], {}, "CR of day 68 not confirmed: no later read; "
         "PR of day 42 again on day 68: 26 days, fewer than 28"),
        ([(42, "PR"), (56, "PR")], {}, "PR of day 42 again on day 56: 14 days, fewer than 28"),
        ([(42, "PR"), (69, "PR"), (84, "SD"), (126, "PR")], {},
         "PR of day 42 again on day 69: 27 days, fewer than 28, not confirmed on day 126: SD between"),
        ([(42, "PR")], {}, "PR of day 42 not confirmed: no later read"),
        ([(42, "PR"), (84, "SD"), (126, "PR")], {}, "PR of day 42 not confirmed on day 126: SD between"),
        ([(42, "PR"), (84, "PD")], {}, "PR of day 42 not confirmed: then PD on day 84"),
        ([(41, "SD")], {}, "SD of day 41, 41 days after the infusion, before 42"),
        ([(42, "SD"), (84, "PD"), (126, "PR")], {}, "ignored after the PD of day 84: day 126"),
        ([(-8, "SD"), (0, "NE"), (42, "SD")], {}, "ignored by the start of treatment: days -8, 0"),
    ],
)  # fmt: skip
def test_what_was_nearly_met_or_left_out_is_told(reads, settings, reason):
    assert best(reads, **settings)["reason"] == reason


def test_reads_after_a_new_therapy_are_ignored_and_one_on_its_day_is_not():
    therapies = pl.DataFrame({"subject": ["S1"] * 2, "therapy": ["B", "A"], "start_day": [200, 84]})
    reads = [(42, "PR"), (84, "PR"), (126, "CR"), (168, "CR")]
    row = best(reads, therapies=therapies)
    assert (row["best_response"], row["reason"]) == ("PR", "ignored after the new therapy of day 84: days 126, 168")
    assert best(reads, therapies=therapies, new_therapy="ignore")["best_response"] == "CR"
    bridging = pl.DataFrame({"subject": ["S1"], "therapy": ["A"], "start_day": [-20]})
    row = best(reads, therapies=bridging)
    assert (row["best_response"], row["reason"]) == ("CR", "A of day -20 is no new therapy: it starts by the infusion")


@pytest.mark.parametrize(
    ("reference", "day"),
    [("infusion", 42), ("lymphodepletion", 35), ("first_dose", 33), ("enrollment", 12), ("randomization", 2)],
)
def test_the_minimum_of_sd_counts_from_a_day_of_choice(reference, day):
    days = {"lymphodepletion_day": -7, "first_dose_day": -9, "enrollment_day": -30, "randomization_day": -40}
    subjects = pl.DataFrame({"subject": ["S1"]} | {name: [value] for name, value in days.items()})
    for at, word in ((day, "SD"), (day - 1, "NE")):
        assert best([(at, "SD")], subjects=subjects, reference=reference)["best_response"] == word


def test_a_reference_day_that_is_missing_is_refused_and_named():
    subjects = pl.DataFrame({"subject": ["S1"], "enrollment_day": [None]})
    with pytest.raises(StudyError, match="not known: enrollment"):
        best([(42, "SD")], subjects=subjects, reference="enrollment")
    with pytest.raises(StudyError, match="column enrollment_day"):
        best([(42, "SD")], reference="enrollment")


def test_every_subject_has_a_row_for_every_reader():
    reads = pl.concat([recorded([("S1", 42, "SD")], "A"), recorded([("S1", 42, "PD"), ("S2", 42, "SD")], "B")])
    found = best_response(reads, subjects=pl.DataFrame({"subject": ["S1", "S2", "S3"]}))
    rows = found.filter(confirmation="required").select("subject", "reader", "best_response", "source").rows()
    assert rows == [
        ("S1", "A", "SD", "recorded"),
        ("S1", "B", "PD", "recorded"),
        ("S2", "A", "not_assessed", "recorded"),
        ("S2", "B", "SD", "recorded"),
        ("S3", "A", "not_assessed", "recorded"),
        ("S3", "B", "not_assessed", "recorded"),
    ]


def test_a_subject_that_is_not_in_subjects_and_readers_half_named_are_refused():
    with pytest.raises(StudyError, match="not in subjects"):
        best([(42, "SD")], subjects=pl.DataFrame({"subject": ["S2"]}))
    reads = pl.concat([recorded([("S1", 42, "SD")], "A"), recorded([("S2", 42, "SD")])])
    with pytest.raises(StudyError, match="responses without a reader stand beside those of one"):
        best_response(reads)


def test_a_therapy_of_a_subject_that_is_not_in_subjects_is_refused():
    therapies = pl.DataFrame({"subject": ["s1"], "therapy": ["A"], "start_day": [50]})
    with pytest.raises(StudyError, match="with a therapy is not in subjects"):
        best([(42, "SD")], therapies=therapies, subjects=pl.DataFrame({"subject": ["S1"]}))


def test_two_reads_of_one_day_and_reader_are_refused():
    with pytest.raises(TableError, match="key twice"):
        best([(42, "SD"), (42, "PD")])


@pytest.mark.parametrize(
    "settings",
    [
        {"confirmation_days": -1},
        {"sd_min_days": 4.5},
        {"max_ne": True},
        {"reference": "birth"},
        {"disease_control": ("CR", "NE")},
        {"disease_control": ()},
        {"accept_sd": "yes"},
    ],
)
def test_a_policy_that_means_nothing_is_refused(settings):
    with pytest.raises(AnalysisError, match=f"column {next(iter(settings))}: .*expected"):
        BestResponsePolicy(**settings)


def size(day, diameter, subject="S1"):
    return {"subject": subject, "day": day, "lesion": "T1", "role": "target", "diameter_mm": diameter}


def test_derived_responses_stand_where_none_is_recorded_and_the_row_says_so():
    lesions = pl.DataFrame([size(-5, 50.0), size(42, 30.0), size(84, 30.0), *(size(d, 30.0, "S2") for d in (-5, 42))])
    reads = pl.DataFrame({"subject": ["S2"], "day": [42], "response": ["PD"]})
    table = response(lesions, reads)
    columns = ["subject", "source", "best_response", "reason"]
    found = best_response(table).filter(confirmation="required").select(columns).rows()
    assert found == [
        ("S1", "derived", "PR", "no response is recorded: derived from the lesions"),
        ("S2", "recorded", "PD", None),
    ]
    derived = best_response(table, policy=BestResponsePolicy(source="derived"))
    assert derived.filter(confirmation="required")["best_response"].to_list() == ["PR", "SD"]


def test_an_assessment_without_a_record_is_told():
    lesions = pl.DataFrame([size(-5, 50.0), size(42, 30.0), size(84, 30.0)])
    row = best_response(response(lesions, pl.DataFrame({"subject": ["S1"], "day": [42], "response": ["PR"]})))
    assert row["best_response"].to_list() == ["PR", "SD"]
    assert row["reason"].to_list() == [
        "nothing recorded on day 84",
        "PR of day 42 not confirmed: no later read; nothing recorded on day 84",
    ]


def test_depth_is_the_lowest_change_up_to_the_first_pd_or_new_therapy():
    sizes = [(-5, 50.0), (42, 30.0), (84, 20.0), (126, 20.0), (168, 30.0), (210, 10.0)]
    table = response(pl.DataFrame([size(day, diameter) for day, diameter in sizes]))
    found = best_response(table).select("depth_pct", "depth_day").row(0)
    assert found == (-60.0, 84)  # PD on day 168; the 10 mm of day 210 come after it
    therapies = pl.DataFrame({"subject": ["S1"], "therapy": ["A"], "start_day": [50]})
    assert best_response(table, therapies).select("depth_pct", "depth_day").row(0) == (-40.0, 42)
    # Nothing but growth: the depth is the least growth.
    grown = response(pl.DataFrame([size(-5, 50.0), size(42, 55.0)]))
    assert best_response(grown).select("depth_pct", "depth_day").row(0) == (10.0, 42)


def test_pandas_frames_and_identifiers_that_are_numbers_give_the_same():
    lesions = pl.DataFrame([size(-5, 50.0, 7), size(42, 30.0, 7), size(84, 30.0, 7)])
    table = response(lesions.to_pandas(), lesion_rows=[2, 3, 4])
    therapies = pl.DataFrame({"subject": [7], "therapy": ["A"], "start_day": [50]}).to_pandas()
    subjects = pl.DataFrame({"subject": [7]}).to_pandas()
    found = best_response(table.to_pandas(), therapies, subjects)
    assert found.select("subject", "best_response").rows() == [("7", "PR"), ("7", "SD")]


def test_no_response_at_all():
    assert best_response(RESPONSE.frame()).height == 0
    found = best_response(RESPONSE.frame(), subjects=pl.DataFrame({"subject": ["S1"]}))
    assert (
        found.select("subject", "reader", "best_response", "rule").rows()
        == [("S1", None, "not_assessed", "no_read")] * 2
    )


READS = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from(["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"])),
    min_size=1,
    max_size=8,
    unique_by=lambda read: read[0],
)
ORDER = ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "not_assessed"]


def at_weeks(reads):
    return [("S1", 7 * week, word) for week, word in reads]


@settings(max_examples=20, deadline=None)
@given(READS, st.integers(0, 10_000))
def test_order_of_rows_and_reads_after_the_first_pd_change_nothing(reads, seed):
    table = recorded(at_weeks(reads))
    found = best_response(table).drop("reason")
    shuffled = recorded(random.Random(seed).sample(at_weeks(reads), len(reads)))
    assert best_response(shuffled).drop("reason").equals(found)
    progression = min((week for week, word in reads if word == "PD"), default=60)
    ended = recorded(at_weeks([read for read in reads if read[0] <= progression]))
    assert best_response(ended).drop("reason").equals(found)


@settings(max_examples=20, deadline=None)
@given(READS)
def test_confirmation_never_makes_a_best_response_better(reads):
    found = dict(best_response(recorded(at_weeks(reads))).select("confirmation", "best_response").rows())
    assert ORDER.index(found["required"]) >= ORDER.index(found["not_required"])


@settings(max_examples=20, deadline=None)
@given(READS)
def test_asking_for_more_days_never_makes_a_best_response_better(reads):
    words = [
        best_response(recorded(at_weeks(reads)), policy=BestResponsePolicy(confirmation_days=days, sd_min_days=least))
        .filter(confirmation="required")["best_response"]
        .item()
        for days, least in ((14, 28), (28, 42), (56, 70))
    ]
    assert [ORDER.index(word) for word in words] == sorted(ORDER.index(word) for word in words)
