"""Reading a study folder: every table, every check, all problems at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.errors import ReadError, StudyError, TilseqError, did_you_mean
from tilseq.io.clinical_events import unknown_columns
from tilseq.io.dates import DayZero, day_zero
from tilseq.io.kinds import GZIP
from tilseq.io.plates import refuse_medians
from tilseq.io.sdtm import read_dated_sdtm_recist
from tilseq.io.sdtm_events import day_ones, parse_events
from tilseq.io.text import read_cells
from tilseq.study.checks import CHECKS
from tilseq.study.clinical import CLINICAL_CHECKS, CLINICAL_NOTES
from tilseq.study.files import check_files
from tilseq.study.flow_settings import FLOW_CHECKS
from tilseq.study.kits import KIT_NOTES
from tilseq.study.model import (
    CLINICAL,
    INFUSIONS_FILE,
    LESIONS_FILE,
    RESPONSES_FILE,
    SAMPLES_FILE,
    SUBJECTS_FILE,
    Folder,
    Study,
    clinical_file,
)
from tilseq.study.notes import NOTES
from tilseq.study.plates import PLATE_CHECKS, PLATE_NOTES
from tilseq.study.settings import FILE as SETTINGS_FILE
from tilseq.study.settings import read_settings
from tilseq.tables import Table, without_empty_end
from tilseq.tables.inputs import ADVERSE_EVENTS, INFUSIONS, LESIONS, PLATES, RESPONSE_READS, SAMPLES, SUBJECTS
from tilseq.tables.outputs import EXCLUSIONS

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
LARGEST_TABLE_BYTES = 32 << 20
MOST_ROWS = 500_000  # 300,000 of labs take a run 2 GB
SDTM_FILES = ("clinical/tu.csv", "clinical/tr.csv", "clinical/rs.csv")
SDTM_EVENTS = {"adverse_events": "clinical/ae.csv", "labs": "clinical/lb.csv"}
CLINICAL_FILES = (LESIONS_FILE, RESPONSES_FILE, *SDTM_FILES, *map(clinical_file, CLINICAL), *SDTM_EVENTS.values())
PLATES_FOLDER = "plates"
NO_DATES = DayZero({}, frozenset())
FILES = (SETTINGS_FILE, SUBJECTS_FILE, INFUSIONS_FILE, SAMPLES_FILE, *CLINICAL_FILES)


def read_study(path: str | Path) -> Study:
    """Read a study folder that is sound; see docs/manifest.md for what it holds.

    Parameters
    ----------
    path
        The folder that holds study.yaml.

    Returns
    -------
    Study
        Settings and typed tables, all dates turned into days.

    Raises
    ------
    StudyError
        Anything is wrong; carries all problems of all tables, each with file, row, column, value and mend.
    """
    return as_study(examine(path))


def as_study(folder: Folder) -> Study:
    """Return the study of a folder that was read.

    Raises
    ------
    StudyError
        Anything is wrong with it.
    """
    if (
        folder.problems
        or folder.settings is None
        or folder.subjects is None
        or folder.infusions is None
        or folder.samples is None
        or folder.exclusions is None
    ):
        raise StudyError(folder.problems)
    return Study(
        root=folder.root,
        settings=folder.settings,
        subjects=folder.subjects,
        infusions=folder.infusions,
        samples=folder.samples,
        lesions=_filled(folder.lesions),
        responses=_filled(folder.responses),
        clinical={name: frame for name, frame in folder.clinical.items() if frame.height},
        sdtm_files=folder.sdtm_files,
        sheets={file: sheet for file, sheet in folder.plates.items() if sheet.height},
        exclusions=folder.exclusions,
        notes=folder.notes,
        tumors_from_sdtm=folder.from_sdtm,
        day_zero=folder.day_zero,
        undated=folder.undated,
    )


def _filled(frame: pl.DataFrame | None) -> pl.DataFrame | None:
    return frame if frame is not None and frame.height else None


def examine(path: str | Path) -> Folder:
    """Read what can be read of a study folder and list all that is wrong with it.

    Raises
    ------
    StudyError
        There is no such folder, or it cannot be read.
    """
    root = Path(path)
    if not root.is_dir():
        mend = "`tilseq init` writes a template" if not root.exists() else "give the folder that holds study.yaml"
        beside = sorted(one.name for one in root.parent.iterdir() if one.is_dir()) if root.parent.is_dir() else []
        if not root.exists() and (meant := did_you_mean(root.name, beside)) is not None:
            mend = f"{meant} {mend}"
        raise StudyError([ReadError("not a study folder", file=root, mend=mend)])
    _listing(root)
    folder = Folder(root.absolute())
    folder.settings, folder.lines, folder.problems = read_settings(root / SETTINGS_FILE)
    if not os.path.lexists(root / SETTINGS_FILE) and (meant := did_you_mean(SETTINGS_FILE, _listing(root))) is not None:
        folder.problems[0].mend = f"{meant} It must be called {SETTINGS_FILE}"
    cells = {name: _cells(folder, name, needed=True) for name in (SUBJECTS_FILE, INFUSIONS_FILE, SAMPLES_FILE)}
    infusions = cells[INFUSIONS_FILE]
    day0 = NO_DATES if infusions is None else day_zero(infusions)
    folder.day_zero = day0.dates
    folder.subjects = _table(folder, SUBJECTS_FILE, cells[SUBJECTS_FILE], SUBJECTS, day0)
    folder.infusions = _table(folder, INFUSIONS_FILE, infusions, INFUSIONS, day0)
    folder.samples = _with_days(_table(folder, SAMPLES_FILE, cells[SAMPLES_FILE], SAMPLES, day0), folder)
    _read_clinical(folder, day0)
    _read_plates(folder)
    for check in (*CHECKS, *FLOW_CHECKS, *CLINICAL_CHECKS, *PLATE_CHECKS, check_files):
        folder.problems += check(folder)
    for note in (*NOTES, *CLINICAL_NOTES, *PLATE_NOTES, *KIT_NOTES):
        folder.notes += note(folder)
    folder.problems.sort(key=_place)
    return folder


def _place(problem: TilseqError) -> tuple[int, str, int]:
    file = problem.file or ""
    return FILES.index(file) if file in FILES else len(FILES), file, problem.row or 0


def _cells(folder: Folder, name: str, *, needed: bool = False) -> pl.DataFrame | None:
    """Return a table's cells as text; what stands in the way becomes a problem."""
    path = folder.root / name
    if not os.path.lexists(path):
        if needed:
            folder.problems.append(_missing(folder, name))
        return None
    try:
        _refuse_large(path)
        cells = read_cells(path)
        if cells.height > MOST_ROWS:
            raise ReadError(
                "too many rows for a table of a study folder", found=cells.height, expected=f"at most {MOST_ROWS}"
            )
    except ReadError as error:
        error.file = name
        folder.problems.append(error)
        return None
    return without_empty_end(cells)


def _missing(folder: Folder, name: str) -> TilseqError:
    others = [other for other in _listing(folder.root) if other not in FILES and Path(other).suffix in TABLE_SUFFIXES]
    mend = did_you_mean(name, others)
    if mend is not None:
        mend = f"{mend.replace('did you mean', 'is it')} It must be called {name} and be a CSV"
    return ReadError("this table is missing", file=name, mend=mend or "write it; a header alone will do")


def _listing(place: Path) -> list[str]:
    try:
        return sorted(os.listdir(place))
    except OSError as error:
        raise StudyError([ReadError(f"cannot be read: {error.strerror or error}", file=place)]) from error


def _refuse_large(path: Path) -> None:
    try:
        status = path.stat()
        if status.st_size > LARGEST_TABLE_BYTES:
            raise ReadError("too large for a table of a study folder", expected="at most 32 MB")
        if stat.S_ISREG(status.st_mode):
            with path.open("rb") as stream:
                if stream.read(2) == GZIP:
                    raise ReadError("packed by gzip", expected="plain CSV", mend="unpack it")
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}") from error


def _table(folder: Folder, name: str, cells: pl.DataFrame | None, table: Table, day0: DayZero) -> pl.DataFrame | None:
    if cells is None:
        return None
    # Codes of a dictionary pass through.
    coded = table is ADVERSE_EVENTS
    frame, problems = parse_events(
        cells, table, day0, file=name, extra="keep" if coded else "refuse", **_sdtm_days(folder)
    )
    folder.problems += [*problems, *(unknown_columns(frame, name) if coded else [])]
    return frame


def _sdtm_days(folder: Folder) -> dict[str, Any]:
    """Return what the settings say of SDTM's study days and of dates without a day."""
    if folder.settings is None:
        return {}
    settings, subjects = folder.settings.analysis.clinical, folder.subjects
    told = None if subjects is None or settings.sdtm_day_1 is None else day_ones(subjects, settings.sdtm_day_1)
    return {"day_one": told, "partial_dates": settings.partial_dates}


def _with_days(samples: pl.DataFrame | None, folder: Folder) -> pl.DataFrame | None:
    """Give a sample without a day the nominal day of its visit."""
    if samples is None or folder.settings is None or not folder.settings.visits:
        return samples
    nominal = {name: visit.day for name, visit in folder.settings.visits.items()}
    planned = pl.col("visit").replace_strict(nominal, default=None, return_dtype=pl.Int64)
    return samples.with_columns(pl.col("day").fill_null(planned))


def _read_clinical(folder: Folder, day0: DayZero) -> None:
    """Read clinical/: our tables, or SDTM's in their place; name what is unknown or not read."""
    folder.exclusions = EXCLUSIONS.frame()
    _check_clinical_names(folder)
    for name, table in CLINICAL.items():
        file, sdtm = clinical_file(name), SDTM_EVENTS.get(name)
        if sdtm is not None and os.path.lexists(folder.root / sdtm):
            ours = _cells(folder, file)
            if ours is not None and not ours.height:
                _note_empty(folder, file, f"{sdtm} is")
                file = folder.sdtm_files[name] = sdtm
            elif os.path.lexists(folder.root / file):
                what, mend = f"the same records as in {file}, as SDTM has them", "keep one of the two"
                folder.problems.append(ReadError(what, file=sdtm, mend=mend))
            else:
                file = folder.sdtm_files[name] = sdtm
        frame = _table(folder, file, _cells(folder, file), table, day0)
        if frame is not None:
            folder.clinical[name] = frame
    lesions, responses = _cells(folder, LESIONS_FILE), _cells(folder, RESPONSES_FILE)
    folder.lesions = _table(folder, LESIONS_FILE, lesions, LESIONS, day0)
    folder.responses = _table(folder, RESPONSES_FILE, responses, RESPONSE_READS, day0)
    tu, tr, rs = ((folder.root / name) if (folder.root / name).exists() else None for name in SDTM_FILES)
    if tu is None and tr is None and rs is None:
        return
    for file, cells in ((LESIONS_FILE, lesions), (RESPONSES_FILE, responses)):
        if cells is not None and not cells.height:
            _note_empty(folder, file, "SDTM's tables are")
    if any(cells is not None and cells.height for cells in (lesions, responses)):
        mend = "keep lesions.csv and responses.csv, or tu.csv, tr.csv and rs.csv"
        folder.problems.append(ReadError("tumours are recorded twice, as ours and as SDTM", file="clinical", mend=mend))
        return
    if tu is None or tr is None:
        missing = SDTM_FILES[0] if tu is None else SDTM_FILES[1]
        folder.problems.append(ReadError("SDTM's tu.csv and tr.csv are read together", file=missing, mend="add it"))
        return
    _read_sdtm(folder, tu, tr, rs, day0.dates)


def _note_empty(folder: Folder, file: str, instead: str) -> None:
    folder.notes.append(f"{file} holds no row: {instead} read in its place")


def _read_sdtm(folder: Folder, tu: Path, tr: Path, rs: Path | None, day0: Mapping[str, date]) -> None:
    if not day0:
        mend = f"give {INFUSIONS_FILE} a column `date`, or write {LESIONS_FILE} with days"
        folder.problems.append(ReadError("SDTM holds dates and no infusion has one", file=SDTM_FILES[1], mend=mend))
        return
    starts = {subject: when.isoformat() for subject, when in day0.items()}
    partial_dates = folder.settings.analysis.clinical.partial_dates if folder.settings else "refuse"
    try:
        found, undated = read_dated_sdtm_recist(tu, tr, rs, day0=starts, partial_dates=partial_dates)
    except StudyError as error:
        folder.problems += [_relative(problem, folder.root) for problem in error.problems]
        return
    except TilseqError as error:
        folder.problems.append(_relative(error, folder.root))
        return
    lesions, responses, exclusions = found
    folder.from_sdtm, folder.lesions, folder.responses, folder.undated = True, lesions, responses, tuple(undated)
    prefix = f"{folder.root}/"
    folder.exclusions = exclusions.with_columns(pl.col("file").str.strip_prefix(prefix))
    if folder.subjects is not None:
        named = [*pl.concat([lesions["subject"], responses["subject"]]).unique(maintain_order=True), *undated]
        known = set(folder.subjects["subject"])
        folder.problems += [
            ReadError(f"this subject is not in {SUBJECTS_FILE}", file=SDTM_FILES[1], column="USUBJID", found=subject)
            for subject in named
            if subject not in known
        ]


def _relative(problem: TilseqError, root: Path) -> TilseqError:
    """Return the problem with its file as the study names it."""
    if problem.file is not None and Path(problem.file).is_relative_to(root):
        problem.file = Path(problem.file).relative_to(root).as_posix()
    return problem


def _check_clinical_names(folder: Folder) -> None:
    place = folder.root / "clinical"
    if not place.is_dir():
        return
    known = [name.removeprefix("clinical/") for name in CLINICAL_FILES]
    for name in _listing(place):
        if name.startswith((".", "~$")):
            continue  # what file browsers and open spreadsheets leave behind
        if name not in known:
            mend = did_you_mean(name, known) or f"known here are {', '.join(known)}; keep other files elsewhere"
            if Path(name).suffix.lower() in WORKBOOKS:
                mend = "no workbook is read: save its sheet as CSV in UTF-8 and keep the workbook elsewhere; " + mend
            folder.problems.append(ReadError("no table of this name is known", file=f"clinical/{name}", mend=mend))


def _read_plates(folder: Folder) -> None:
    """Read the sheets of plates/; a file there of another kind is refused, lest a sheet be passed over."""
    place = folder.root / PLATES_FOLDER
    if not place.is_dir():
        return
    for name in _listing(place):
        file = f"{PLATES_FOLDER}/{name}"
        if name.startswith((".", "~$")) or (place / name).is_dir():
            continue
        if not name.endswith(".csv"):
            mend = "save a sheet as CSV; keep other files elsewhere, such as in a folder below"
            folder.problems.append(ReadError("no sheet of a plate", file=file, expected="a file .csv", mend=mend))
            continue
        try:
            refuse_medians(place / name)
        except ReadError as error:
            error.file = file
            folder.problems.append(error)
            continue
        frame = _table(folder, file, _cells(folder, file), PLATES, NO_DATES)
        if frame is not None:
            folder.plates[file] = frame
