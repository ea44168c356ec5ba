"""What must hold within the further tables of clinical/, and what is worth knowing of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from tilseq.errors import TableError, TilseqError, did_you_mean, first_few
from tilseq.io.yaml_model import line_of
from tilseq.lab_tests import COUNT_UNIT, SHARES, lab_test, near_test, plain_unit, read_result
from tilseq.study.checks import Check, numbered, unknown
from tilseq.study.model import CLINICAL, INFUSIONS_FILE, SAMPLES_FILE, SUBJECTS_FILE, Folder, clinical_file
from tilseq.study.notes import named
from tilseq.study.settings import FILE as SETTINGS_FILE
from tilseq.tables.followed import told_short_followup
from tilseq.tables.infusions import given_infusions
from tilseq.tables.recorded_period import denies_first_day
from tilseq.tables.scan_days import told_close_scans
from tilseq.tables.therapies import told_soon_therapies

FOLLOWUP_FILE, SCHEDULE_FILE = clinical_file("followup"), clinical_file("schedule")
MOST = 10  # tests that a note names
MOST_A_DAY, FEWEST_CROWDED = 5, 3  # different blood counts of a day that nobody draws, and days of a study with so many
# Subjects with so many days of markers after the infusion, and seen for so long, whose markers all end by such a part
# of it, as at a seventh: nobody stops drawing them so early in everybody.
FEWEST_COURSES, FEWEST_DRAWN, LEAST_SEEN, EARLIEST_END = 3, 3, 84, 0.2
# Table: two columns, of which the second may not be less than the first.
SPANS = {
    "followup": ("last_alive_day", "death_day"),
    "adverse_events": ("start_day", "end_day"),
    "therapies": ("start_day", "end_day"),
    "labs": ("lower_limit", "upper_limit"),
    "tumor_markers": ("lower_limit", "upper_limit"),
}
EVENT_FLAGS = ("serious", "immune_related", "related")


def check_spans(folder: Folder) -> list[TilseqError]:
    """Check that no end lies before its start, no death before the last day alive, no upper limit below the lower."""
    problems: list[TilseqError] = []
    for name, (first, last) in SPANS.items():
        for row, cells in numbered(folder.clinical.get(name, pl.DataFrame())):
            if cells[first] is not None and cells[last] is not None and cells[last] < cells[first]:
                what, expected = f"this is less than {first}", f"{cells[first]:g} or more"
                file = folder.clinical_file(name)
                problems.append(TableError(what, file=file, row=row, column=last, found=cells[last], expected=expected))
    return problems


def check_deaths(folder: Folder) -> list[TilseqError]:
    """Check that a cause of death has its day, else the subject would count as alive, and that no dead was infused."""
    problems: list[TilseqError] = []
    days = ("death_day", "death_date")
    told = {one.row for one in folder.problems if one.file == FOLLOWUP_FILE and one.column in days}
    given = None if folder.infusions is None else given_infusions(folder.infusions)
    infusions = {} if given is None else dict(given.group_by("subject").agg(pl.max("day")).rows())
    for row, cells in numbered(folder.clinical.get("followup", pl.DataFrame())):
        death, infused = cells["death_day"], infusions.get(cells["subject"])
        if death is None and cells["death_cause"] is not None and row not in told:
            what, expected = "a cause of death without its day", "the day"
        elif death is not None and infused is not None and death < infused:
            what, expected = "this lies before the subject's last infusion", f"day {infused} or later"
        else:
            continue
        problems.append(
            TableError(what, file=FOLLOWUP_FILE, row=row, column="death_day", found=death, expected=expected)
        )
    return problems


def check_schedule(folder: Folder) -> list[TilseqError]:
    """Check that the visits of the schedule stand in study.yaml, on the same nominal day."""
    if "schedule" not in folder.clinical or folder.settings is None:
        return []
    schedule, visits = folder.clinical["schedule"], folder.settings.visits
    problems = unknown(schedule, "visit", visits, SCHEDULE_FILE, f"this visit is not in {SETTINGS_FILE}")
    for row, cells in numbered(schedule):
        visit, day = visits.get(cells["visit"] or ""), cells["day"]
        if visit is not None and day is not None and day != visit.day:
            what, expected = f"another nominal day than in {SETTINGS_FILE}", str(visit.day)
            problems.append(TableError(what, file=SCHEDULE_FILE, row=row, column="day", found=day, expected=expected))
    return problems


def check_endpoint_reader(folder: Folder) -> list[TilseqError]:
    """Check that the reader whose reading is the endpoint has read."""
    wanted = None if folder.settings is None else folder.settings.analysis.clinical.endpoint_reader
    frames = [frame for frame in (folder.lesions, folder.responses) if frame is not None and frame.height]
    readers = sorted({reader for frame in frames for reader in frame["reader"].drop_nulls()})
    if wanted is None or not frames or wanted in readers:
        return []
    expected = ", ".join(readers) or "a reader's name in lesions or responses"
    return [_unknown_name(folder, ("endpoint_reader",), "no reader of this name", wanted, readers, expected)]


def check_reference_arm(folder: Folder) -> list[TilseqError]:
    """Check that the arm that others are held against has subjects."""
    wanted = None if folder.settings is None else folder.settings.analysis.clinical.survival.reference_arm
    if wanted is None or folder.subjects is None:
        return []
    arms = folder.subjects["arm"].drop_nulls().unique().sort().to_list()
    if wanted in arms:
        return []
    expected = ", ".join(arms) or "null, as no subject has an arm"
    return [_unknown_name(folder, ("survival", "reference_arm"), "no arm of this name", wanted, arms, expected)]


def _unknown_name(
    folder: Folder, setting: tuple[str, ...], what: str, found: str, known: list[str], expected: str
) -> TableError:
    place = ("analysis", "clinical", *setting)
    row, name, mend = line_of(place, folder.lines), ".".join(place), did_you_mean(found, known)
    return TableError(what, file=SETTINGS_FILE, row=row, column=name, found=found, expected=expected, mend=mend)


def check_ca125_subjects(folder: Folder) -> list[TilseqError]:
    """Check that every subject that study.yaml names for GCIG's CA-125 stands in subjects.csv."""
    if folder.settings is None or folder.subjects is None:
        return []
    settings, known = folder.settings.analysis.clinical, folder.subjects["subject"].drop_nulls().to_list()
    problems: list[TilseqError] = []
    for name in ("ca125_interference", "mouse_antibodies"):
        place = ("analysis", "clinical", name)
        row = line_of(place, folder.lines)
        what = f"this subject is not in {SUBJECTS_FILE}"
        problems += [
            TableError(what, file=SETTINGS_FILE, row=row, column=".".join(place), found=subject)
            for subject in getattr(settings, name)
            if subject not in known
        ]
    return problems


def note_labs(folder: Folder) -> list[str]:
    """Count the laboratory results of no known test, and those that cannot be read."""
    labs = folder.clinical.get("labs", pl.DataFrame())
    if labs.is_empty():
        return []
    notes, file = [], folder.clinical_file("labs")
    strange = [name for name in labs["test"].drop_nulls().to_list() if lab_test(name) is None]
    if strange and folder.settings is not None and folder.settings.analysis.clinical.ctcae is not None:
        told = []
        for name, rows in Counter(strange).items():
            near = near_test(name)
            told.append(f"{name} ({rows}; {near})" if near else f"{name} ({rows})")
        notes.append(f"tests of {file} that no grade is of, with their rows: {first_few(told, MOST)}")
    faults = [(row, why) for row, cells in numbered(labs) if (why := _unread(cells))]
    if faults:
        row, why = faults[0]
        notes.append(f"results of {file} that cannot be read: {len(faults)}, the first of row {row} ({why})")
    return notes


def _unread(cells: dict[str, Any]) -> str | None:
    """Return why a result cannot be read; None for one that can, or that was not written."""
    text, test, unit = (cells[name] for name in ("value_text", "test", "unit"))
    if not (text or "").strip():
        return None
    result, known = read_result(text, signed=True, unit=unit), lab_test(test or "")
    if isinstance(result, str):
        return result
    if known is None or known.factor(unit) is not None or plain_unit(unit or "") in SHARES:
        return None
    return f"{known.name} has no unit {unit!r}" if unit else f"{known.name} without a unit"


def note_crowded_days(folder: Folder) -> list[str]:
    """Name days on which a blood count has more results than anybody draws, as where days are weeks."""
    labs = folder.clinical.get("labs", pl.DataFrame())
    if labs.is_empty():
        return []
    counts = [
        name for name in labs["test"].drop_nulls().unique() if (test := lab_test(name)) and test.unit == COUNT_UNIT
    ]
    own = labs.filter(pl.col("test").is_in(counts)).drop_nulls(["subject", "day", "value_text"])
    drawn = own.group_by("subject", "day", "test", maintain_order=True).agg(pl.col("value_text").n_unique())
    days = drawn.filter(pl.col("value_text") >= MOST_A_DAY).select("subject", "day").unique(maintain_order=True).rows()
    if len(days) < FEWEST_CROWDED:
        return []
    file, told = folder.clinical_file("labs"), named([f"{subject} (day {day})" for subject, day in days])
    return [f"{MOST_A_DAY} results of a blood count or more on one day of {file}, as of days in weeks: {told}"]


def note_close_scans(folder: Folder) -> list[str]:
    """Say of lesions and responses that their assessments lie closer than days would."""
    scans = {"lesions": folder.lesions, "responses": folder.responses}
    told = {name: "" if frame is None else told_close_scans(frame) for name, frame in scans.items()}
    return [f"{name}: {words}" for name, words in told.items() if words]


def note_early_markers(folder: Folder) -> list[str]:
    """Say of tumour markers that they end, in everybody seen for long, by a fifth of what scans and labs last."""
    markers, labs = (folder.clinical.get(name) for name in ("tumor_markers", "labs"))
    others = [frame.select("subject", "day") for frame in (folder.lesions, folder.responses, labs) if frame is not None]
    if markers is None or not others:
        return []
    drawn = markers.filter(pl.col("day") > 0).group_by("subject", maintain_order=True)
    seen = pl.concat(others).group_by("subject").agg(seen=pl.col("day").max()).filter(pl.col("seen") >= LEAST_SEEN)
    courses = drawn.agg(pl.col("day").max(), drawn=pl.col("day").n_unique()).join(
        seen, on="subject", maintain_order="left"
    )
    courses = courses.filter(pl.col("drawn") >= FEWEST_DRAWN)
    if courses.height < FEWEST_COURSES or (courses["day"] > EARLIEST_END * courses["seen"]).any():
        return []
    told = named([f"{subject} (day {day}, seen to day {last})" for subject, day, _, last in courses.iter_rows()])
    return [f"{folder.clinical_file('tumor_markers')} ends early in everybody, as of days in weeks: {told}"]


def note_alike(folder: Folder) -> list[str]:
    """Count the rows that repeat an earlier one, in tables whose records may be alike but for their value."""
    notes = []
    for name, frame in folder.clinical.items():
        repeated = frame.height - frame.unique().height
        if repeated and not CLINICAL[name].key:
            row = 2 + frame.is_duplicated().arg_true()[0]
            notes.append(
                f"rows of {folder.clinical_file(name)} that repeat an earlier one: {repeated}, the first of row {row}"
            )
    return notes


def note_ungraded(folder: Folder) -> list[str]:
    """Say that laboratory results are not graded where no version of the CTCAE is named."""
    if folder.settings is None or folder.settings.analysis.clinical.ctcae is not None:
        return []
    if not folder.clinical.get("labs", pl.DataFrame()).height:
        return []
    return [
        f"results of {folder.clinical_file('labs')} are not graded: {SETTINGS_FILE} names no version of the CTCAE "
        "(analysis.clinical.ctcae: 5 or 6)"
    ]


def note_flags(folder: Folder) -> list[str]:
    """Name what no adverse event records: the class then has no number, which is not 0."""
    events = folder.clinical.get("adverse_events", pl.DataFrame())
    without = [name for name in EVENT_FLAGS if events.height and not events[name].count()]
    if not without:
        return []
    file = folder.clinical_file("adverse_events")
    return [f"{file} records of no event: {', '.join(without)}; such a class has no number"]


def note_periods(folder: Folder) -> list[str]:
    """Count the adverse events that begin on a day that their recorded period denies."""
    events = numbered(folder.clinical.get("adverse_events", pl.DataFrame()))
    denied = [row for row, cells in events if denies_first_day(cells["period"], cells["start_day"])]
    if not denied:
        return []
    file = folder.clinical_file("adverse_events")
    return [f"first days of {file} that deny the recorded period: {len(denied)}, the first of row {denied[0]}"]


def note_short_followup(folder: Folder) -> list[str]:
    """Say that nobody was followed for long, as where days are months."""
    if "followup" not in folder.clinical:
        return []
    days = folder.clinical["followup"].select(pl.max_horizontal("last_alive_day", "death_day").max()).item()
    told = told_short_followup(days)
    return [f"{FOLLOWUP_FILE}: {told}"] if told else []


def _of_days(frame: pl.DataFrame) -> list[str]:
    """Return the columns of whole numbers; one that the table does not have is text, whatever it is called."""
    return [name for name, dtype in frame.schema.items() if dtype.is_integer()]


def note_after_death(folder: Folder) -> list[str]:
    """Name subjects of whom a table tells something after the day of death."""
    if "followup" not in folder.clinical:
        return []
    died = dict(folder.clinical["followup"].select("subject", "death_day").drop_nulls().rows())
    later = []
    for file, frame in _of_subjects(folder):
        days = [name for name in _of_days(frame) if name == "day" or name.endswith("_day")]
        later += _later(file, frame, days, died, "died on")
    return [f"told of after death: {named(later)}"] if later else []


def note_after_last_alive(folder: Folder) -> list[str]:
    """Name living subjects of whom a table tells something after their last day alive, as where that is in weeks.

    Not what lies after the data cut, which counts nowhere; nor a sample that may have the nominal day of its visit.
    """
    if "followup" not in folder.clinical or folder.settings is None:
        return []
    living = folder.clinical["followup"].filter(pl.col("death_day").is_null())
    alive = dict(living.select("subject", "last_alive_day").drop_nulls().rows())
    cuts = living.select("subject", "data_cut_day").drop_nulls().unique("subject")
    visits = {name: visit.day for name, visit in folder.settings.visits.items()}
    nominal = pl.col("visit").replace_strict(visits, default=None, return_dtype=pl.Int64)
    later = []
    for file, frame in _of_subjects(folder):
        for day in {"day", "start_day"} & set(_of_days(frame)):  # a table has one of the two
            seen = frame.filter(pl.col("day").ne_missing(nominal)) if file == SAMPLES_FILE else frame
            seen = seen.join(cuts, on="subject", how="left", maintain_order="left")
            seen = seen.filter((pl.col(day) <= pl.col("data_cut_day")).fill_null(True))
            later += _later(file, seen, [day], alive, "followed to")
    return [f"told of after the last day alive, as where that is in weeks: {named(later)}"] if later else []


def _of_subjects(folder: Folder) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each table beside followup that tells of subjects, with `row`; infusions that were given."""
    for file, frame in folder.tables().items():
        if file != FOLLOWUP_FILE and "subject" in frame.columns:
            rows = frame.with_row_index("row", offset=2)
            yield file, given_infusions(rows) if file == INFUSIONS_FILE else rows


def _later(file: str, frame: pl.DataFrame, days: list[str], last: dict[str, int], what: str) -> list[str]:
    """Return of each subject the row of a table with the latest day where that is after its last one, and both days."""
    if not days:
        return []
    dated = frame.select("subject", "row", day=pl.max_horizontal(days)).drop_nulls()
    latest = dated.group_by("subject", maintain_order=True).agg(pl.all().get(pl.col("day").arg_max()))
    return [
        f"{subject} ({what} day {last[subject]}; {file}, row {row}, has day {day})"
        for subject, row, day in latest.iter_rows()
        if day > last.get(subject, day)
    ]


def note_after_cut(folder: Folder) -> list[str]:
    """Count the infusions and rows of clinical/ that begin after the data cut of their subject, which count nowhere."""
    followup = folder.clinical.get("followup")
    if followup is None or not followup.height:
        return []
    cuts = followup.select("subject", "data_cut_day").drop_nulls().unique("subject")
    told = []
    for file, frame in folder.tables().items():
        day = next((name for name in ("day", "start_day") if name in _of_days(frame)), None)
        dated = file.startswith("clinical/") or file == INFUSIONS_FILE
        if not dated or day is None or "subject" not in frame.columns:
            continue
        late = frame.join(cuts, on="subject").filter(pl.col(day) > pl.col("data_cut_day")).height
        told += [f"{file} {late}"] if late else []
    return [f"rows after the data cut of their subject, which count nowhere: {', '.join(told)}"] if told else []


def note_therapy_ends(folder: Folder) -> list[str]:
    """Name subjects with a therapy that ends after the last day alive or the data cut, and so may be a planned end."""
    if "followup" not in folder.clinical or "therapies" not in folder.clinical:
        return []
    alive = pl.when(pl.col("death_day").is_null()).then("last_alive_day")  # of the dead note_after_death tells
    seen = folder.clinical["followup"].select("subject", last=pl.min_horizontal(alive, "data_cut_day"))
    ends = folder.clinical["therapies"].select("subject", "end_day").join(seen, on="subject")
    late = [
        f"{subject} (day {end}, followed to day {last})"
        for subject, end, last in ends.filter(pl.col("end_day") > pl.col("last")).iter_rows()
    ]
    return [f"a therapy ends after the last day alive or the data cut, no day alive: {named(late)}"] if late else []


def note_soon_therapies(folder: Folder) -> list[str]:
    """Name therapies of so soon after the infusion that they may belong to the treatment."""
    told = told_soon_therapies(folder.clinical.get("therapies"))
    return [f"{folder.clinical_file('therapies')}: {told}"] if told else []


CLINICAL_CHECKS: tuple[Check, ...] = (
    check_spans,
    check_deaths,
    check_schedule,
    check_endpoint_reader,
    check_reference_arm,
    check_ca125_subjects,
)
CLINICAL_NOTES: tuple[Callable[[Folder], list[str]], ...] = (
    note_alike,
    note_ungraded,
    note_labs,
    note_crowded_days,
    note_close_scans,
    note_early_markers,
    note_flags,
    note_periods,
    note_short_followup,
    note_after_death,
    note_after_last_alive,
    note_after_cut,
    note_therapy_ends,
    note_soon_therapies,
)
