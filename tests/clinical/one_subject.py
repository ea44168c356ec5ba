"""One subject's records as literal tables, and its times to event by endpoint."""

import polars as pl

from tilseq.clinical import clinical_records, time_to_event, time_to_event_rules
from tilseq.tables.inputs import FOLLOWUP, RESPONSE_READS, SCHEDULE, SUBJECTS, THERAPIES
from tilseq.tables.outputs import RESPONSE

# Every 42 days, 7 days either way: two missed visits are 2 x 42 + 2 x 7 = 98 days after an assessment.
PLANNED = SCHEDULE.frame([{"visit": f"W{week}", "day": 7 * week, "window": 7} for week in range(6, 54, 6)])
DAYS = {"enrollment_day": -60, "lymphodepletion_day": -7, "first_dose_day": -7}


def subjects(**days):
    return SUBJECTS.frame([{"subject": "S1", "tumor_type": "melanoma"} | DAYS | days])


def followup(**cells):
    return FOLLOWUP.frame([{"subject": "S1"} | cells])


def reads(*seen, reader="investigator"):
    """Recorded responses given as (day, word)."""
    return RESPONSE_READS.frame(
        [{"subject": "S1", "reader": reader, "day": day, "response": word} for day, word in seen]
    )


def lesion_reads(*seen, baseline=True):
    """Table `response`: derived words, with a baseline on day -10 or without."""
    common = {"subject": "S1", "reader": "investigator", "targets": 1, "targets_measured": 1}
    rows = [common | {"day": -10, "baseline": baseline}]
    return RESPONSE.frame([*rows, *(common | {"day": day, "baseline": False, "response": w} for day, w in seen)])


def best(day, word="PR", confirmation_day=None, **cells):
    row = {"subject": "S1", "reader": "investigator", "source": "recorded", "confirmation": "required"}
    row |= {"best_response": word, "response_day": day, "confirmation_day": confirmation_day}
    return pl.DataFrame([row | cells])


def derive(*tables, rules=None, **more):
    """Return times to event of tables as `clinical_records` takes them."""
    return time_to_event(clinical_records(*tables, **more), rules)


def times(responses, follow, subject=None, *, therapy=None, schedule=PLANNED, preset="customary", **options):
    """Return the row of each endpoint."""
    settings = {
        "censoring",
        "first_dose",
        "death_in_ttp",
        "same_day",
        "unknown_death_cause",
        "source",
        "progression_day",
        "early_progression",
    }
    chosen = {name: options.pop(name) for name in settings & set(options)}
    therapies = [] if therapy is None else [{"subject": "S1", "therapy": "anti-PD-1", "start_day": therapy}]
    table = derive(
        responses,
        follow,
        subjects() if subject is None else subject,
        therapies=THERAPIES.frame(therapies),
        schedule=schedule,
        rules=time_to_event_rules(preset, **chosen),
        **options,
    )
    return {row["parameter"]: row for row in table.iter_rows(named=True)}


def told(row):
    """Return what a row comes to: days, whether an event, the rule."""
    return row["days"], row["event"], row["rule"]
