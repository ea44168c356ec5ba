"""What must hold between the tables of a study; one small function a rule, each returns its problems."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import polars as pl

from tilseq.errors import ReadError, TableError, TilseqError
from tilseq.identifiers import same_identifier, twin_key
from tilseq.io.clinical import infusion_faults
from tilseq.io.yaml_model import line_of
from tilseq.study.model import INFUSIONS_FILE, SAMPLES_FILE, SUBJECTS_FILE, Folder, data_set_of
from tilseq.study.names import fault_of, nearest
from tilseq.study.settings import FILE as SETTINGS_FILE

IDENTIFIERS = (
    *("subject", "sample", "visit", "arm", "lot", "specimen_id", "lesion", "library", "replicate", "run", "batch"),
    *("instrument", "stimulus", "panel", "plate", "marked_population", "reader", "test", "well", "kit", "analyte"),
)
# Samples alike in all of these cannot be told apart.
IDENTITY = (
    *("subject", "specimen", "visit", "assay", "day", "timing", "locus", "lot", "lesion", "replicate", "role"),
    *("stimulus", "specimen_id", "panel", "marked_population", "library", "plate"),
)
# What most often tells two samples of one assay apart.
APART_BY = {"flow": "`panel` where their stains differ, `replicate` where they do not", "tcr": "`locus` or `replicate`"}
# First comes before second; None is the first infusion, day 0. The third says whether one day may hold both.
ORDER = (
    ("harvest_day", None, False),
    ("lymphodepletion_day", None, False),
    ("harvest_day", "lymphodepletion_day", True),
    ("enrollment_day", "lymphodepletion_day", True),
    ("enrollment_day", "randomization_day", True),
    ("enrollment_day", None, True),
    ("first_dose_day", None, True),
)
MOST_SUGGESTIONS = 20
# Assays whose reader takes all of a file, whatever `member` says.
WHOLE_FILES = ("tcr", "bcr")

Check = Callable[[Folder], list[TilseqError]]


def numbered(frame: pl.DataFrame) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row with its number in the file: the header is row 1."""
    return enumerate(frame.iter_rows(named=True), start=2)


def check_identifiers(folder: Folder) -> list[TilseqError]:
    """Check that identifiers hold no blank ends, control or invisible characters, and none is another's twin."""
    problems: list[TilseqError] = []
    for file, frame in folder.tables().items():
        for name in (name for name in IDENTIFIERS if name in frame.columns):
            problems += _identifier_faults(frame[name], file)
    for part in ("visits", "panels"):
        for name in getattr(folder.settings, part, {}):
            if fault := fault_of(name):
                row, column = line_of((part, name), folder.lines), f"{part}.{name}"
                problems.append(ReadError(f"this name holds {fault}", file=SETTINGS_FILE, row=row, column=column))
    return problems


def _identifier_faults(values: pl.Series, file: str) -> list[TilseqError]:
    problems: list[TilseqError] = []
    spelt: dict[str, tuple[str, int]] = {}
    told: set[str] = set()
    for row, value in enumerate(values.to_list(), start=2):
        if value is None or value in told:
            continue
        if fault := fault_of(value):
            told.add(value)
            what, mend = f"this identifier holds {fault}", "type it again without"
            problems.append(
                TableError(what, file=file, row=row, column=values.name, found=ascii(value)[1:-1], mend=mend)
            )
            continue
        other, first = spelt.setdefault(twin_key(value), (value, row))
        if other != value:
            told.add(value)
            what = f"this looks like {ascii(other)} in row {first} and differs only in case or Unicode form"
            mend = "write both alike, or name one otherwise"
            problems.append(
                TableError(what, file=file, row=row, column=values.name, found=ascii(value)[1:-1], mend=mend)
            )
    return problems


def unknown(frame: pl.DataFrame, column: str, known: Collection[str], file: str, what: str) -> list[TilseqError]:
    """List the cells of a column that are not among the known identifiers, each with the nearest one.

    A subject that is merely spelt alike is not proposed: it is another person.
    """
    near = same_identifier if column == "subject" else nearest
    known = dict.fromkeys(known)
    mends: dict[str, str | None] = {}
    problems: list[TilseqError] = []
    for row, value in enumerate(frame[column].to_list(), start=2):
        if value is None or value in known:
            continue
        if value not in mends:
            mends[value] = near(value, known) if len(mends) < MOST_SUGGESTIONS else None
        problems.append(TableError(what, file=file, row=row, column=column, found=value, mend=mends[value]))
    return problems


def check_subjects(folder: Folder) -> list[TilseqError]:
    """Check that every subject stands in subjects.csv."""
    if folder.subjects is None:
        return []
    known = folder.subjects["subject"].drop_nulls().to_list()
    if folder.subjects.height and not known:  # the column is not there, or called otherwise: told once
        return []
    what = f"this subject is not in {SUBJECTS_FILE}"
    tables = [(file, frame) for file, frame in folder.tables().items() if file != SUBJECTS_FILE]
    tables = [(file, frame) for file, frame in tables if "subject" in frame.columns]
    return [problem for file, frame in tables for problem in unknown(frame, "subject", known, file, what)]


def check_visits(folder: Folder) -> list[TilseqError]:
    """Check that every sample's visit and panel stand in study.yaml."""
    if folder.samples is None or folder.settings is None:
        return []
    problems = unknown(
        folder.samples, "visit", folder.settings.visits, SAMPLES_FILE, f"this visit is not in {SETTINGS_FILE}"
    )
    return problems + unknown(
        folder.samples, "panel", folder.settings.panels, SAMPLES_FILE, f"this panel is not in {SETTINGS_FILE}"
    )


def check_sample_thresholds(folder: Folder) -> list[TilseqError]:
    """Check that every sample that study.yaml gives thresholds to stands in samples.csv."""
    if folder.samples is None or folder.settings is None:
        return []
    known = folder.samples["sample"].drop_nulls().to_list()
    place = ("analysis", "flow", "sample_thresholds")
    return [
        ReadError(
            f"this sample is not in {SAMPLES_FILE}",
            file=SETTINGS_FILE,
            row=line_of((*place, sample), folder.lines),
            column=".".join((*place, sample)),
            mend=nearest(sample, known),
        )
        for sample in folder.settings.analysis.flow.sample_thresholds
        if sample not in known
    ]


def check_gates(folder: Folder) -> list[TilseqError]:
    """Check that every name that study.yaml gives gates to is either a flow sample or a panel."""
    if folder.samples is None or folder.settings is None:
        return []
    tubes = folder.samples.filter(assay="flow")["sample"].drop_nulls().to_list()
    panels = list(folder.settings.panels)
    problems: list[TilseqError] = []
    for name in folder.settings.gates:
        what = mend = None
        if name in tubes and name in panels:
            what, mend = "this is the name of both a sample and a panel", "rename the panel"
        elif name not in tubes and name not in panels:
            what, mend = "this is neither a sample of flow nor a panel", nearest(name, [*tubes, *panels])
        if what is not None:
            row, column = line_of(("gates", name), folder.lines), f"gates.{name}"
            problems.append(ReadError(what, file=SETTINGS_FILE, row=row, column=column, mend=mend))
    return problems


def check_infusions(folder: Folder) -> list[TilseqError]:
    """Check that days count from the first infusion, and later infusions are later."""
    return [] if folder.infusions is None else infusion_faults(folder.infusions, INFUSIONS_FILE)


def check_order(folder: Folder) -> list[TilseqError]:
    """Check that harvest, lymphodepletion and infusion follow one another."""
    if folder.subjects is None:
        return []
    problems: list[TilseqError] = []
    for row, cells in numbered(folder.subjects):
        for first, second, may_meet in ORDER:
            before, after = cells[first], 0 if second is None else cells[second]
            if before is None or after is None or before < after or (may_meet and before == after):
                continue
            what = f"this must come before {second or 'the first infusion'}"
            expected = f"day {after if may_meet else after - 1} or earlier"
            problems.append(
                TableError(what, file=SUBJECTS_FILE, row=row, column=first, found=before, expected=expected)
            )
    return problems


def check_replicates(folder: Folder) -> list[TilseqError]:
    """Check that no two samples are alike in everything that could tell them apart."""
    if folder.samples is None:
        return []
    problems: list[TilseqError] = []
    seen: dict[tuple[Any, ...], tuple[int, str]] = {}
    for row, cells in numbered(folder.samples):
        if any(cells[name] is None for name in ("sample", "subject", "specimen", "visit", "assay")):
            continue
        identity = tuple(cells[name] for name in IDENTITY)
        first, sample = seen.setdefault(identity, (row, cells["sample"]))
        if first != row and sample != cells["sample"]:
            apart = APART_BY.get(cells["assay"], "`replicate`")
            problems.append(
                TableError(
                    f"same subject, specimen, visit and assay as {sample!r} in row {first}",
                    file=SAMPLES_FILE,
                    row=row,
                    column="sample",
                    found=cells["sample"],
                    mend=f"tell them apart by {apart}, or by timing, lot, lesion or specimen_id",
                )
            )
    return problems


def check_specimens(folder: Folder) -> list[TilseqError]:
    """Check that the samples of one specimen, which are held against each other, were taken on one day."""
    if folder.samples is None:
        return []
    problems: list[TilseqError] = []
    taken: dict[tuple[str, str], tuple[int, int]] = {}
    for row, cells in numbered(folder.samples):
        if cells["specimen_id"] is None or cells["subject"] is None or cells["day"] is None:
            continue
        first, day = taken.setdefault((cells["subject"], cells["specimen_id"]), (row, cells["day"]))
        if cells["day"] != day:
            what, expected = f"the specimen of row {first}, and taken on another day", f"day {day}"
            mend = "name each specimen by itself, or leave the cell empty"
            problems.append(
                TableError(
                    what,
                    file=SAMPLES_FILE,
                    row=row,
                    column="specimen_id",
                    found=f"{cells['specimen_id']}, day {cells['day']}",
                    expected=expected,
                    mend=mend,
                )
            )
    return problems


def check_products(folder: Folder) -> list[TilseqError]:
    """Check that a product sample names its lot where a subject has several products."""
    if folder.samples is None or folder.infusions is None:
        return []
    lots: dict[str, set[str]] = {}
    for _, cells in numbered(folder.infusions):
        if cells["lot"] is not None:
            lots.setdefault(cells["subject"], set()).add(cells["lot"])
    problems: list[TilseqError] = []
    first: dict[tuple[Any, ...], tuple[int, dict[str, Any]]] = {}
    alike = ("subject", "assay", "locus", "role", "stimulus", "panel", "marked_population", "replicate", "library")
    for row, cells in numbered(folder.samples):
        if cells["specimen"] != "infusion_product":
            continue
        other_row, other = first.setdefault(tuple(cells[name] for name in alike), (row, cells))
        what = None
        if cells["lot"] is None and len(lots.get(cells["subject"], ())) > 1:
            what = "this subject had products of several lots"
        elif other_row != row and None in (cells["lot"], other["lot"]):
            what = f"a second product of this subject beside row {other_row}, and not both name their lot"
        if what is not None:
            mend = "name the lot of each, or give replicates of one product different `replicate`"
            problems.append(TableError(what, file=SAMPLES_FILE, row=row, column="lot", found=cells["lot"], mend=mend))
    return problems


def check_members(folder: Folder) -> list[TilseqError]:
    """Check that `member` names a part that the assay's reader can tell from the rest of a shared file."""
    if folder.samples is None:
        return []
    problems: list[TilseqError] = []
    for row, cells in numbered(folder.samples):
        member, assay = cells["member"], cells["assay"]
        what = expected = mend = None
        if assay == "flow" and data_set_of(member) is None:
            what, expected = "no data set of an FCS file", "its number, from 0"
        elif assay in WHOLE_FILES and member is not None:
            what, mend = "a file of clonotypes is read whole", "split the file, or tell its parts by `locus`"
        if what is not None:
            problems.append(
                TableError(
                    what, file=SAMPLES_FILE, row=row, column="member", found=member, expected=expected, mend=mend
                )
            )
    return problems


CHECKS: tuple[Check, ...] = (
    check_identifiers,
    check_subjects,
    check_visits,
    check_sample_thresholds,
    check_gates,
    check_infusions,
    check_order,
    check_replicates,
    check_specimens,
    check_products,
    check_members,
)
