"""Each sentence of the protocol's definitions of its endpoints, with one subject in it (preset `lm103`)."""

import polars as pl
import pytest

from tests.clinical.one_subject import best, derive, followup, lesion_reads, reads, subjects, times, told
from tilseq.clinical import response, time_to_event_rules
from tilseq.errors import AnalysisError
from tilseq.tables.inputs import INFUSIONS, LESIONS

NO_RANDOMIZATION = "no randomization in the study: counted from enrollment"


def lm103(responses, follow, subject=None, *, first_dose="infusion", **options):
    return times(responses, follow, subject, preset="lm103", first_dose=first_dose, **options)


def test_dor_runs_from_the_first_documented_response_to_the_first_objective_pd():
    rows = lm103(
        reads((42, "SD"), (84, "PR"), (126, "PR"), (168, "PD"), (210, "PD")),
        followup(last_alive_day=300),
        best_response=best(84, confirmation_day=126),
    )
    assert told(rows["DOR"]) == (85, True, "progression")
    assert (rows["DOR"]["start_day"], rows["DOR"]["end_day"], rows["DOR"]["origin"]) == (84, 168, "response")


@pytest.mark.parametrize("cause", ["tumor", "other", "unknown"])
def test_dor_ends_with_a_death_from_any_cause(cause):
    rows = lm103(
        reads((84, "PR"), (126, "CR")), followup(death_day=150, death_cause=cause), best_response=best(84, "CR")
    )
    assert told(rows["DOR"]) == (67, True, "death")


def test_dor_takes_progression_without_a_scan_for_no_event_even_under_ema():
    stop = followup(last_alive_day=200, stop_day=100, stop_reason="clinical_progression")
    seen = reads((42, "PR"), (84, "PR"))
    rows = lm103(seen, stop, censoring="ema", best_response=best(42))
    assert told(rows["DOR"]) == (43, False, "last_adequate")
    customary = times(seen, stop, censoring="ema", best_response=best(42))
    assert told(customary["DOR"]) == (59, True, "clinical_progression")


def test_ttr_runs_from_randomisation_to_the_first_documented_cr_or_pr():
    rows = lm103(
        reads((42, "PR"), (84, "PR")),
        followup(last_alive_day=100),
        subjects(randomization_day=-30),
        best_response=best(42),
    )
    assert told(rows["TTR"]) == (73, True, "response")
    assert (rows["TTR"]["origin"], rows["TTR"]["start_day"], rows["TTR"]["reason"]) == ("randomization", -30, None)


def test_ttr_of_a_single_arm_runs_from_enrolment_and_says_so():
    rows = lm103(reads((42, "PR"), (84, "PR")), followup(last_alive_day=100), best_response=best(42))
    assert told(rows["TTR"]) == (103, True, "response")
    assert (rows["TTR"]["origin"], rows["TTR"]["reason"]) == ("enrollment", NO_RANDOMIZATION)


def test_ttp_runs_from_randomisation_to_the_first_pd():
    rows = lm103(
        reads((42, "SD"), (84, "PD"), (126, "PD")), followup(last_alive_day=200), subjects(randomization_day=-30)
    )
    assert told(rows["TTP"]) == (115, True, "progression")
    assert rows["TTP"]["origin"] == "randomization"


def test_ttp_ends_with_a_death_due_to_the_solid_tumour():
    rows = lm103(reads((42, "SD")), followup(death_day=60, death_cause="tumor"), subjects(randomization_day=-30))
    assert told(rows["TTP"]) == (91, True, "tumor_death")


def test_ttp_is_censored_by_another_death_at_the_last_adequate_assessment():
    rows = lm103(reads((42, "SD")), followup(death_day=60, death_cause="other"), subjects(randomization_day=-30))
    assert told(rows["TTP"]) == (73, False, "other_death")
    at_death = lm103(
        reads((42, "SD")),
        followup(death_day=60, death_cause="other"),
        subjects(randomization_day=-30),
        death_in_ttp="death",
    )
    assert told(at_death["TTP"]) == (91, False, "other_death")


@pytest.mark.parametrize(
    ("policy", "expected", "word"),
    [
        ("tumor", (121, True, "tumor_death"), "from the tumour"),
        ("other", (103, False, "other_death"), "not from the tumour"),
    ],
)
@pytest.mark.parametrize("cause", ["unknown", None])
def test_ttp_says_what_a_death_of_unknown_cause_counts_as(policy, expected, word, cause):
    rows = lm103(reads((42, "SD")), followup(death_day=60, death_cause=cause), unknown_death_cause=policy)
    assert told(rows["TTP"]) == expected
    assert rows["TTP"]["reason"].startswith(NO_RANDOMIZATION)
    assert f"; cause of death unknown: counted as {word}; " in rows["TTP"]["reason"]


def test_ttp_of_a_single_arm_runs_from_enrolment_and_says_so():
    rows = lm103(reads((42, "PD")), followup(last_alive_day=200))
    assert told(rows["TTP"]) == (103, True, "progression")
    assert (rows["TTP"]["origin"], rows["TTP"]["reason"].split("; ")[0]) == ("enrollment", NO_RANDOMIZATION)


def test_pfs_runs_from_enrolment_to_the_first_objective_documentation_of_pd():
    rows = lm103(reads((42, "SD"), (84, "PD")), followup(last_alive_day=200), subjects(randomization_day=-30))
    assert told(rows["PFS"]) == (145, True, "progression")
    assert rows["PFS"]["origin"] == "enrollment"
    assert NO_RANDOMIZATION not in rows["PFS"]["reason"]


def test_pfs_from_enrolment_is_not_censored_at_a_scan_before_the_treatment():
    # Lymphodepletion begins on day -7: what is read up to then is a baseline.
    assert told(lm103(reads((-7, "SD")), followup(last_alive_day=200))["PFS"]) == (1, False, "no_post_baseline")
    assert told(lm103(reads((-6, "SD")), followup(last_alive_day=200))["PFS"]) == (55, False, "last_adequate")


def test_pfs_from_enrolment_takes_no_word_of_the_baseline_for_progression():
    words = pl.when(pl.col("baseline")).then(pl.lit("PD")).otherwise(pl.lit("SD"))
    seen = lesion_reads((42, "SD")).with_columns(recorded=words)
    assert told(lm103(seen, followup(last_alive_day=200))["PFS"]) == (103, False, "last_adequate")


def test_pfs_from_enrolment_takes_no_progression_up_to_the_baseline():
    # Enrolled on day -60, the progression that qualified on day -50, product made, baseline on day -10.
    seen = lesion_reads((42, "PR"), (84, "PR"), (126, "PD")).with_columns(recorded="response")
    qualifying = seen.head(1).with_columns(day=pl.lit(-50, pl.Int64), baseline=False, recorded=pl.lit("PD"))
    rows = lm103(pl.concat([qualifying, seen]), followup(last_alive_day=200), best_response=best(42))
    assert told(rows["PFS"]) == told(rows["TTP"]) == (187, True, "progression")
    assert told(rows["DOR"]) == (85, True, "progression")
    assert "PD of day -50 is not counted: the baseline is of day -10" in rows["PFS"]["reason"]


def test_pfs_from_enrolment_takes_no_first_assessment_before_treatment_for_progression_without_lesions():
    rows = lm103(reads((-50, "PD"), (42, "SD")), followup(last_alive_day=200))
    assert told(rows["PFS"]) == (103, False, "last_adequate")
    why = "PD of day -50 is not counted: the treatment that followed began on day -7, and its baseline is later"
    assert why in rows["PFS"]["reason"]
    before = lm103(reads((-70, "SD"), (-50, "PD"), (42, "SD")), followup(last_alive_day=200))
    assert told(before["PFS"]) == (103, False, "last_adequate")  # what was read before enrolment is not on the study


def test_pfs_from_enrolment_takes_a_progression_before_the_treatment_for_none_and_says_so():
    # What follows is a treatment with a baseline of its own, and may be answered.
    seen = reads((-40, "SD"), (-10, "PD"), (42, "PR"), (84, "PR"), (126, "PD"))
    rows = lm103(seen, followup(last_alive_day=200), best_response=best(42, confirmation_day=84))
    assert told(rows["PFS"]) == told(rows["TTP"]) == (187, True, "progression")
    assert told(rows["DOR"]) == (85, True, "progression")
    assert told(rows["TTR"]) == (103, True, "response")
    why = "PD of day -10 is not counted: the treatment that followed began on day -7, and its baseline is later"
    assert all(why in rows[name]["reason"] for name in ("PFS", "TTP", "DOR", "TTR"))


def test_pfs_from_enrolment_may_take_a_progression_before_the_treatment_for_an_event():
    seen = reads((-40, "SD"), (-10, "PD"), (42, "PR"), (84, "PR"), (126, "PD"))
    options = {"best_response": best(42, confirmation_day=84), "early_progression": "event"}
    rows = lm103(seen, followup(last_alive_day=200), **options)
    assert told(rows["PFS"]) == told(rows["TTP"]) == (51, True, "progression")
    assert told(rows["DOR"]) == (85, True, "progression")
    first = lm103(reads((-10, "PD"), (42, "SD")), followup(last_alive_day=200), early_progression="event")
    assert told(first["PFS"]) == (103, False, "last_adequate")
    why = "PD of day -10 is not counted: it is the first assessment, before treatment, without a baseline"
    assert why in first["PFS"]["reason"]


def test_a_progression_on_the_scan_that_is_the_baseline_is_told_and_may_be_an_event():
    """Scans of 50 mm on day -40 and 70 on day -10, the last before the treatment, where the reader recorded PD."""
    common = {"subject": "S1", "reader": "investigator", "lesion": "T1", "role": "target"}
    sizes = ((-40, 50.0), (-10, 70.0), (42, 72.0))
    scans = LESIONS.frame([common | {"day": day, "diameter_mm": size} for day, size in sizes])
    table = response(scans, reads((-10, "PD"), (42, "SD")), subjects=subjects())
    row = lm103(table, followup(last_alive_day=200))["PFS"]
    assert told(row) == (103, False, "last_adequate")
    assert "PD of day -10 is not counted: the baseline is of day -10" in row["reason"]
    row = lm103(table, followup(last_alive_day=200), early_progression="event")["PFS"]
    assert told(row) == (51, True, "progression")


def test_pfs_from_enrolment_of_who_was_never_treated_ends_with_the_progression():
    never = subjects(lymphodepletion_day=None, first_dose_day=None)
    nobody = INFUSIONS.frame()
    rows = lm103(reads((-40, "SD"), (-10, "PD")), followup(last_alive_day=200), never, infusions=nobody)
    assert told(rows["PFS"]) == (51, True, "progression")
    rows = lm103(reads((-10, "PD")), followup(last_alive_day=200), never, infusions=nobody)
    assert told(rows["PFS"]) == (1, False, "no_post_baseline")
    why = "PD of day -10 is not counted: it is the first assessment of a subject not treated, without a baseline"
    assert why in rows["PFS"]["reason"]


def test_the_lesions_tell_the_progression_of_who_was_never_treated():
    """50 mm on day -40 and 61 on day -10 is PD, on the 51st day from day -60 on."""
    never, nobody = subjects(lymphodepletion_day=None, first_dose_day=None), INFUSIONS.frame()
    common = {"subject": "S1", "reader": "investigator", "lesion": "T1", "role": "target"}
    scans = LESIONS.frame([common | {"day": day, "diameter_mm": size} for day, size in ((-40, 50.0), (-10, 61.0))])
    for recorded in (None, reads((-10, "PD"))):
        table = response(scans, recorded, subjects=never, infusions=nobody)
        rows = lm103(table, followup(last_alive_day=200), never, infusions=nobody)
        assert told(rows["PFS"]) == (51, True, "progression")


def test_pfs_from_enrolment_takes_progression_once_the_treatment_began():
    assert told(lm103(reads((-6, "PD")), followup(last_alive_day=200))["PFS"]) == (55, True, "progression")
    assert told(lm103(reads((-7, "PD")), followup(last_alive_day=200))["PFS"]) == (1, False, "no_post_baseline")


def test_the_first_dose_begins_the_treatment_where_lymphodepletion_has_no_day():
    def of(day):
        people = subjects(lymphodepletion_day=None, first_dose_day=-7)
        return told(lm103(reads((day, "SD")), followup(last_alive_day=200), people)["PFS"])

    assert of(-7) == (1, False, "no_post_baseline")
    assert of(-6) == (55, False, "last_adequate")


def test_pfs_takes_progression_without_a_scan_for_no_event_even_under_ema():
    stop = followup(last_alive_day=200, stop_day=60, stop_reason="clinical_progression")
    assert told(lm103(reads((42, "SD")), stop, censoring="ema")["PFS"]) == (103, False, "last_adequate")


@pytest.mark.parametrize("cause", ["tumor", "other", "unknown"])
def test_pfs_ends_with_a_death_from_any_cause(cause):
    rows = lm103(reads((42, "SD")), followup(death_day=60, death_cause=cause))
    assert told(rows["PFS"]) == (121, True, "death")


def test_pfs_takes_the_earlier_of_progression_and_death():
    rows = lm103(reads((42, "PD")), followup(death_day=60, death_cause="tumor"))
    assert told(rows["PFS"]) == (103, True, "progression")


@pytest.mark.parametrize(("dose", "days"), [("infusion", 101), ("lymphodepletion", 108)])
def test_os_runs_from_the_first_dose_to_a_death_from_any_cause(dose, days):
    for cause in ("tumor", "other", "unknown"):
        rows = lm103(reads(), followup(death_day=100, death_cause=cause), first_dose=dose)
        assert told(rows["OS"]) == (days, True, "death")
        assert rows["OS"]["origin"] == dose


def test_os_says_where_the_recorded_first_dose_is_another_day():
    def of(first_dose, **days):
        return lm103(reads(), followup(death_day=100), subjects(**days), first_dose=first_dose)

    row = of("infusion")["OS"]
    assert (told(row), row["reason"]) == (
        (101, True, "death"), "first_dose_day is -7, counted from infusion (day 0)",
    )  # fmt: skip
    assert of("lymphodepletion")["OS"]["reason"] is None
    assert of("infusion")["PFS"]["reason"].count("first_dose") == 0
    late = of("lymphodepletion", first_dose_day=-6)
    assert late["OS"]["reason"] == "first_dose_day is -6, counted from lymphodepletion (day -7)"
    assert late["follow_up"]["reason"] == late["OS"]["reason"]


def test_os_counts_from_the_recorded_first_dose():
    def of(**days):
        return lm103(reads(), followup(death_day=100), subjects(**days), first_dose="recorded")["OS"]

    row = of(first_dose_day=-5)
    assert (told(row), row["origin"], row["start_day"]) == ((106, True, "death"), "first_dose", -5)
    assert row["reason"] is None
    assert (of(first_dose_day=None)["rule"], of(first_dose_day=None)["reason"]) == (
        "not_evaluable", "no first_dose_day in subjects",
    )  # fmt: skip


def test_ttp_takes_progression_without_a_scan_for_no_event_even_under_ema():
    stop = followup(last_alive_day=200, stop_day=60, stop_reason="clinical_progression")
    assert told(lm103(reads((42, "SD")), stop, censoring="ema")["TTP"]) == (103, False, "last_adequate")
    assert told(times(reads((42, "SD")), stop, censoring="ema")["TTP"]) == (61, True, "clinical_progression")


def test_os_is_refused_until_it_is_said_of_what_the_first_dose_is():
    with pytest.raises(AnalysisError, match="OS and follow_up count from the first dose, and it is not said of what"):
        time_to_event_rules("lm103")


def test_a_subject_of_a_randomised_study_without_its_day_is_not_counted_from_another():
    from polars import concat

    from tilseq.tables.inputs import FOLLOWUP

    two = concat([subjects(randomization_day=-30), subjects(subject="S2")])
    follow = FOLLOWUP.frame([{"subject": "S1", "last_alive_day": 9}, {"subject": "S2", "last_alive_day": 9}])
    table = derive(reads(), follow, two, rules=time_to_event_rules("lm103", first_dose="infusion"))
    ttp = table.filter(parameter="TTP").select("subject", "rule", "reason").rows()
    assert ttp[1] == ("S2", "not_evaluable", "no randomization_day in subjects")
    assert ttp[0][1] == "no_post_baseline"
