"""FDA-type and EMA-type censoring, situation by situation, each once met and once just missed."""

import polars as pl
import pytest

from tests.clinical.one_subject import PLANNED, best, derive, followup, lesion_reads, reads, subjects, times, told
from tilseq.clinical import best_response, time_to_event_rules
from tilseq.tables.inputs import LESIONS

ALIVE = followup(last_alive_day=300, data_cut_day=400)


def pfs(*given, **options):
    return told(times(*given, **options)["PFS"])


def test_1_without_a_baseline_progression_is_censored_at_the_origin_by_fda_alone():
    derived = lesion_reads((42, "SD"), (84, "PD"), baseline=False)
    assert pfs(derived, ALIVE) == (1, False, "no_baseline")
    assert pfs(derived, ALIVE, censoring="ema") == (85, True, "progression")
    assert pfs(lesion_reads((42, "SD"), (84, "PD")), ALIVE) == (85, True, "progression")


def test_1_a_death_without_a_baseline_is_an_event_by_ema():
    dead = followup(death_day=60, death_cause="other")
    assert pfs(lesion_reads((42, "NE"), baseline=False), dead) == (1, False, "no_baseline")
    assert pfs(lesion_reads((42, "NE"), baseline=False), dead, censoring="ema") == (61, True, "death")


@pytest.mark.parametrize("censoring", ["fda", "ema"])
def test_2_alive_without_an_assessment_after_the_origin_is_censored_there(censoring):
    assert pfs(reads(), ALIVE, censoring=censoring) == (1, False, "no_post_baseline")
    assert pfs(reads((42, "NE")), ALIVE, censoring=censoring) == (1, False, "no_post_baseline")
    assert pfs(reads((0, "SD")), ALIVE, censoring=censoring) == (1, False, "no_post_baseline")
    assert pfs(reads((1, "SD")), ALIVE, censoring=censoring) == (2, False, "last_adequate")


def test_3_a_death_before_the_second_planned_scan_is_an_event_without_any_scan():
    # Second planned scan: day 84, window 7.
    assert pfs(reads(), followup(death_day=91)) == (92, True, "death")
    assert pfs(reads(), followup(death_day=92)) == (1, False, "missed_visits")
    assert pfs(reads(), followup(death_day=92), censoring="ema") == (93, True, "death")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        # Two visits of 42 days and a window of 7 at the second: day 91.
        ({}, " up to day 91, before two planned ones were missed"),
        ({"schedule": None}, ""),
        ({"censoring": "ema"}, ""),
    ],
)
def test_3_says_that_no_scan_came_before_the_death(options, words):
    told = f"a death without any adequate assessment before it is an event{words}"
    for seen in (reads(), reads((42, "NE"))):
        reason = times(seen, followup(death_day=91, death_cause="tumor"), **options)["PFS"]["reason"]
        assert told in reason.split("; ")
    # Scanned before, alive, or censored: nothing of the kind.
    for seen, follow in (
        (reads((42, "SD")), followup(death_day=91)), (reads(), ALIVE), (reads((42, "PD")), followup(death_day=91)),
    ):  # fmt: skip
        row = times(seen, follow, **options)["PFS"]
        assert "without any adequate" not in (row["reason"] or "")
    assert "without any adequate" not in (times(reads(), followup(death_day=91), **options)["OS"]["reason"] or "")


def new_lesion(day, **cells):
    row = {"subject": "S1", "reader": "investigator", "visit": "W12", "lesion": "N1", "role": "new", "day": day}
    return LESIONS.frame([row | {"state": "present"} | cells])


def test_4_progression_counts_from_the_scan_of_the_new_lesion_or_the_last_of_the_set():
    set_of_scans = reads((42, "SD"), (88, "PD")).with_columns(visit=pl.lit("W12"))
    options = {"lesions": new_lesion(84)}
    row = times(set_of_scans, ALIVE, **options)["PFS"]
    assert told(row) == (85, True, "progression")
    assert (row["end_day"], row["source_row_day"]) == (84, 88)
    assert row["reason"].startswith("PD of day 88 counts from the scan of its new lesion; ")
    assert pfs(set_of_scans, ALIVE, progression_day="last_scan", **options) == (89, True, "progression")
    assert pfs(set_of_scans, ALIVE) == (89, True, "progression")


@pytest.mark.parametrize(
    "cells",
    [{"day": 73}, {"day": 89}, {"visit": "W6"}, {"reader": "other"}, {"state": "absent"}, {"role": "nontarget"}],
)
def test_4_a_lesion_that_is_not_of_the_set_moves_no_progression(cells):
    set_of_scans = reads((88, "PD")).with_columns(visit=pl.lit("W12"))
    assert pfs(set_of_scans, ALIVE, lesions=new_lesion(**{"day": 84} | cells)) == (89, True, "progression")
    assert pfs(set_of_scans, ALIVE, lesions=new_lesion(74)) == (75, True, "progression")  # 14 days of one set


def test_4_an_equivocal_lesion_dates_progression_only_where_no_other_new_one_does():
    two = pl.concat([new_lesion(80, lesion="N2", state="equivocal"), new_lesion(84)])
    set_of_scans = reads((88, "PD")).with_columns(visit=pl.lit("W12"))
    assert pfs(set_of_scans, ALIVE, lesions=two) == (85, True, "progression")
    assert pfs(set_of_scans, ALIVE, lesions=new_lesion(80, state="equivocal")) == (81, True, "progression")


def test_4_a_progression_without_a_new_lesion_is_not_moved():
    derived = lesion_reads((88, "PD")).with_columns(visit=pl.lit("W12"))
    for new, days in ((True, 85), (False, 89)):
        told_new = derived.with_columns(new_lesion=pl.lit(new))
        assert pfs(told_new, ALIVE, lesions=new_lesion(84)) == (days, True, "progression")


@pytest.mark.parametrize("censoring", ["fda", "ema"])
@pytest.mark.parametrize("day", [-6, 0])
def test_4_a_progression_after_lymphodepletion_and_up_to_the_infusion_counts_on_the_day_of_the_infusion(day, censoring):
    rows = times(reads((day, "PD"), (42, "SD")), ALIVE, censoring=censoring)
    assert told(rows["PFS"]) == told(rows["TTP"]) == (1, True, "progression")
    assert (rows["PFS"]["end_day"], rows["PFS"]["source_row_day"]) == (0, day)
    words = f"PD of day {day}, after treatment began on day -7, counts on day 0, the origin"
    assert rows["PFS"]["reason"].startswith(words)
    assert pfs(reads((1, "PD"), (42, "SD")), ALIVE) == (2, True, "progression")


def test_4_best_response_reads_a_progression_up_to_the_infusion_alike():
    derived = lesion_reads((0, "PD"), (42, "SD"))
    for days, word, time in [
        ({}, "PD", (1, True, "progression")),
        ({"lymphodepletion_day": None, "first_dose_day": None}, "SD", (43, False, "last_adequate")),
    ]:
        assert set(best_response(derived, subjects=subjects(**days))["best_response"]) == {word}
        assert pfs(derived, ALIVE, subjects(**days)) == time


def test_4_a_progression_by_the_start_of_treatment_is_told():
    row = times(reads((-7, "PD"), (42, "SD")), ALIVE, subjects(enrollment_day=None))["PFS"]
    assert told(row) == (43, False, "last_adequate")
    told_so = "the treatment that followed began on day {}, and its baseline is later"
    assert f"PD of day -7 is not counted: {told_so.format(-7)}" in row["reason"]
    untreated = subjects(lymphodepletion_day=None, first_dose_day=None)
    row = times(reads((-20, "SD"), (0, "PD"), (42, "SD")), ALIVE, untreated)["PFS"]
    assert told(row) == (43, False, "last_adequate")
    assert f"PD of day 0 is not counted: {told_so.format(0)}" in row["reason"]


def test_4_a_progression_whose_new_lesion_was_seen_by_the_origin_counts_on_the_day_of_the_origin():
    set_of_scans = reads((3, "PD"), (42, "SD")).with_columns(visit=pl.lit("W12"))
    row = times(set_of_scans, ALIVE, lesions=new_lesion(-2))["PFS"]
    assert (told(row), row["source_row_day"]) == ((1, True, "progression"), 3)
    assert row["reason"].startswith(
        "PD of day 3 counts from the scan of its new lesion, by day 0: on day 0, the origin"
    )


@pytest.mark.parametrize("censoring", ["fda", "ema"])
def test_5_alive_without_progression_is_censored_at_the_last_adequate_assessment(censoring):
    assert pfs(reads((42, "SD"), (84, "PR"), (126, "NE")), ALIVE, censoring=censoring) == (85, False, "last_adequate")
    assert pfs(reads((42, "SD"), (84, "PR"), (126, "CR")), ALIVE, censoring=censoring) == (127, False, "last_adequate")


def stop(day, reason):
    return followup(last_alive_day=300, stop_day=day, stop_reason=reason)


@pytest.mark.parametrize(
    ("day", "fda", "ema"),
    [
        (83, (43, False, "clinical_progression"), (84, True, "clinical_progression")),
        (84, (85, True, "progression"), (85, True, "progression")),
    ],
)
def test_6_progression_without_a_scan_of_it(day, fda, ema):
    seen = reads((42, "SD"), (84, "PD"))
    assert pfs(seen, stop(day, "clinical_progression")) == fda
    assert pfs(seen, stop(day, "clinical_progression"), censoring="ema") == ema


@pytest.mark.parametrize("reason", ["toxicity", "other"])
def test_7_a_stop_for_another_reason_censors_by_fda_who_is_scanned_no_more_and_is_followed_by_ema(reason):
    alive = stop(60, reason)
    assert pfs(reads((42, "SD")), alive) == (43, False, "stopped")
    assert pfs(reads((42, "SD"), (84, "NE")), alive) == (43, False, "stopped")
    assert pfs(reads((42, "SD"), (60, "SD")), alive) == (61, False, "stopped")
    assert pfs(reads((42, "SD"), (84, "SD")), alive) == (85, False, "last_adequate")
    late = alive.with_columns(last_alive_day=None, death_day=141)
    assert pfs(reads((42, "SD")), late) == (43, False, "stopped")
    assert pfs(reads((42, "SD")), late, censoring="ema") == (142, True, "death")


@pytest.mark.parametrize("reason", ["toxicity", "other"])
def test_7_a_death_closely_followed_after_a_stop_is_an_event(reason):
    # Two missed visits after day 42 are those up to day 140, after the infusion those up to day 91.
    def of(day, *seen, **options):
        died = stop(20, reason).with_columns(last_alive_day=None, death_day=day)
        return pfs(reads(*seen), died, **options)

    assert of(30) == of(30, schedule=None) == (31, True, "death")  # before the first scan
    assert (of(91), of(92)) == ((92, True, "death"), (1, False, "stopped"))
    assert (of(91, (42, "NE")), of(92, (42, "NE"))) == ((92, True, "death"), (1, False, "stopped"))


def test_6_a_clinical_progression_before_the_response_does_not_end_it():
    # As the treatment may look before it works; PFS, whose time it lies in, ends there.
    seen = reads((42, "PR"), (84, "PR"), (126, "PD"))
    rows = times(seen, stop(20, "clinical_progression"), best_response=best(42, confirmation_day=84))
    assert told(rows["DOR"]) == (85, True, "progression")
    assert told(rows["PFS"]) == (1, False, "clinical_progression")


def test_7_without_a_schedule_a_death_after_a_stop_and_a_scan_is_censored():
    died = stop(60, "toxicity").with_columns(last_alive_day=None, death_day=100)
    assert pfs(reads((42, "SD")), died) == (101, True, "death")
    assert pfs(reads((42, "SD")), died, schedule=None) == (43, False, "stopped")


@pytest.mark.parametrize("style", ["fda", "ema"])
def test_7_who_stops_interleukin_2_early_and_is_scanned_on_is_followed(style):
    early = stop(3, "toxicity")
    seen = reads((42, "PR"), (84, "PR"), (126, "PD"))
    rows = times(seen, early, best_response=best(42, confirmation_day=84), censoring=style)
    assert told(rows["PFS"]) == told(rows["TTP"]) == (127, True, "progression")
    assert told(rows["DOR"]) == (85, True, "progression")
    assert pfs(reads((42, "PD")), early, censoring=style) == (43, True, "progression")  # the first scan tells of it


def test_8_a_new_therapy_before_progression_censors_at_the_last_adequate_assessment_by_fda():
    seen = reads((42, "SD"), (84, "PD"))
    assert pfs(seen, ALIVE, therapy=83) == (43, False, "new_therapy")
    assert pfs(seen, ALIVE, therapy=85) == (85, True, "progression")
    assert pfs(seen, ALIVE, therapy=83, censoring="ema") == (85, True, "progression")


def test_8_the_assessment_of_the_day_the_therapy_began_still_counts():
    seen = reads((42, "SD"), (84, "SD"), (126, "SD"))
    assert pfs(seen, ALIVE, therapy=84) == (85, False, "new_therapy")
    assert pfs(seen, ALIVE, therapy=83) == (43, False, "new_therapy")
    assert pfs(seen, ALIVE, therapy=41) == (1, False, "new_therapy")


def test_8_progression_on_the_day_a_therapy_begins_is_a_setting():
    seen = reads((42, "SD"), (84, "PD"))
    assert pfs(seen, ALIVE, therapy=84) == (85, True, "progression")
    assert pfs(seen, ALIVE, therapy=84, same_day="censored") == (43, False, "new_therapy")
    died = followup(death_day=84)
    assert pfs(reads((42, "SD")), died, therapy=84, same_day="censored") == (85, True, "death")


def test_8_a_therapy_up_to_the_infusion_is_no_further_one():
    assert pfs(reads((42, "SD")), ALIVE, therapy=0) == (43, False, "last_adequate")
    assert pfs(reads((42, "SD")), ALIVE, therapy=1) == (1, False, "new_therapy")


def test_9_a_death_on_the_day_of_the_infusion_takes_one_day():
    rows = times(reads(), followup(death_day=0))
    assert told(rows["OS"]) == told(rows["PFS"]) == (1, True, "death")


@pytest.mark.parametrize("censoring", ["fda", "ema"])
def test_9_a_death_before_the_first_scan_or_between_adequate_ones_is_an_event(censoring):
    assert pfs(reads(), followup(death_day=30), censoring=censoring) == (31, True, "death")
    assert pfs(reads((42, "SD")), followup(death_day=100), censoring=censoring) == (101, True, "death")


@pytest.mark.parametrize("how", ["progression", "death"])
def test_10_an_event_after_two_missed_visits_is_censored_before_the_gap_by_fda(how):
    # 42 + 2 x 42 + 2 x 7 = 140
    def of(day, **options):
        if how == "death":
            return pfs(reads((42, "SD")), followup(death_day=day), **options)
        return pfs(reads((42, "SD"), (day, "PD")), ALIVE, **options)

    assert of(140) == (141, True, how)
    assert of(141) == (43, False, "missed_visits")
    assert of(141, censoring="ema") == (142, True, how)
    assert of(141, schedule=None) == (142, True, how)


def test_10_a_visit_that_is_not_evaluable_is_missed():
    assert pfs(reads((42, "SD"), (84, "NE"), (126, "NE"), (168, "PD")), ALIVE) == (43, False, "missed_visits")
    assert pfs(reads((42, "SD"), (84, "NE"), (126, "SD"), (168, "PD")), ALIVE) == (169, True, "progression")


def test_10_two_planned_scans_of_one_day_are_one_visit():
    twice = pl.concat([PLANNED, PLANNED.with_columns(pl.col("visit") + " brain MRI")])
    assert pfs(reads((42, "SD"), (130, "PD")), ALIVE, schedule=twice) == (131, True, "progression")
    assert pfs(reads((42, "SD"), (141, "PD")), ALIVE, schedule=twice) == (43, False, "missed_visits")


def test_10_says_what_was_missed():
    row = times(reads((42, "SD"), (168, "PD")), ALIVE)["PFS"]
    assert (row["source_table"], row["source_row_day"]) == ("responses", 42)
    assert "progression on day 168, 126 days after day 42; at most 98 would do" in row["reason"]


def test_of_several_rules_the_earliest_censoring_wins():
    seen = reads((42, "SD"), (84, "SD"), (220, "PD"))
    assert pfs(seen, ALIVE) == (85, False, "missed_visits")
    assert pfs(seen, ALIVE, therapy=60) == (43, False, "new_therapy")
    assert pfs(seen, ALIVE, therapy=100) == (85, False, "new_therapy")


def test_of_two_rules_that_censor_on_one_day_that_set_off_first_is_named():
    dead = followup(death_day=100)
    assert told(times(reads((42, "SD")), dead, therapy=99)["TTP"]) == (43, False, "new_therapy")
    assert told(times(reads((42, "SD")), dead)["TTP"]) == (43, False, "death")


def test_rules_that_could_not_be_looked_for_are_told():
    table = derive(reads((42, "SD")), ALIVE, subjects())
    reasons = dict(table.select("parameter", "reason").iter_rows())
    told = (
        "missing baselines not looked for: no lesions; new therapies not looked for: no table; "
        "missed visits not looked for: no schedule"
    )
    assert reasons == {"OS": None, "PFS": told, "TTP": told, "follow_up": None}
    ema = derive(reads((42, "SD")), ALIVE, subjects(), rules=time_to_event_rules(censoring="ema"))
    assert ema["reason"].null_count() == 4
