"""The clinical tables of a subject, and their truth."""

from __future__ import annotations

from tilseq.simulate.clinic import followup, labs, markers, safety, scans
from tilseq.simulate.design import SCANS, Design
from tilseq.simulate.folder.context import Context, Row, Rows
from tilseq.simulate.plan import true_days

MARKERS_FROM = 14  # day; those of the first two weeks tell of the treatment alone


def write_clinic(context: Context) -> Rows:
    """Return the rows of a subject in the clinical tables, and of the truth of each."""
    subject, name = context.subject, context.subject.name
    reading = scans.read_scans(
        name,
        subject.disease,
        SCANS,
        lambda visit: context.stream(visit, "scan"),
        last_day=subject.fate.last_alive_day,
    )
    visits = sorted({*true_days(context.design, subject), *_days_of(reading.lesions)})
    seen = [day for day in visits if day <= subject.fate.last_alive_day]
    drawn = sorted({*seen, *(day for day in labs.HOSPITAL_DAYS if day <= subject.fate.last_alive_day)})
    marked = [day for day in seen if day < 0 or day >= MARKERS_FROM]
    panel = markers.draw_markers(context.stream("markers"), subject.tumor_type, subject.disease.viable_ml)
    toxicity = safety.draw_safety(
        context.stream("safety"),
        name,
        subject.laboratory,
        subject.tolerance,
        subject.fate,
        subject.reactive_per_ul,
        tumor_type=subject.tumor_type,
    )
    therapies = followup.therapy_rows(context.stream("therapies"), name, reading.progression_day, subject.fate)
    return {
        "lesions": reading.lesions,
        "responses": reading.responses,
        "followup": [followup.followup_row(name, subject.fate)],
        "therapies": therapies,
        "labs": labs.lab_rows(name, subject.laboratory, drawn),
        "tumor_markers": markers.marker_rows(name, panel, marked),
        "adverse_events": toxicity.adverse_events,
        "true_lesions": reading.true_lesions,
        "true_responses": reading.true_responses,
        "true_fates": [followup.true_fate_row(name, subject.fate, subject.disease)],
        "true_labs": labs.true_lab_rows(name, subject.laboratory, drawn),
        "true_recoveries": labs.recovery_rows(name, subject.laboratory, subject.fate.death_day),
        "true_transfusions": labs.transfusion_rows(name, subject.laboratory, subject.fate.death_day),
        "true_tumor_markers": markers.true_marker_rows(name, panel, marked),
        "true_adverse_events": toxicity.true_events,
    }


def schedule(design: Design) -> list[Row]:
    """Return the rows of table `schedule`: the scans."""
    return followup.schedule_rows(SCANS) if "clinic" in design.assays else []


def _days_of(rows: list[Row]) -> set[int]:
    return {int(str(row["day"])) for row in rows}
