"""A whole synthetic trial: the study folder that a site would hand over, and its truth beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from tilseq.errors import RunError
from tilseq.io.files import write_text
from tilseq.simulate import files
from tilseq.simulate.calendar import ENROLLMENT_DAY, HARVEST_DAY, LYMPHODEPLETION_DAY
from tilseq.simulate.design import Design
from tilseq.simulate.feasible import check
from tilseq.simulate.folder import texts
from tilseq.simulate.folder.cells import write_bulk_rna, write_single_cells
from tilseq.simulate.folder.clinic import schedule, write_clinic
from tilseq.simulate.folder.context import Context, Row, Rows, add
from tilseq.simulate.folder.flow import kit_rows, write_tube
from tilseq.simulate.folder.intracellular import write_stimulated
from tilseq.simulate.folder.plates import write_plates
from tilseq.simulate.folder.receptors import write_bcr, write_tcr
from tilseq.simulate.plan import Sample, samples_of
from tilseq.simulate.subjects import Subject, draw_subject
from tilseq.tables import inputs

DAYS = {
    "enrollment_day": ENROLLMENT_DAY,
    "harvest_day": HARVEST_DAY,
    "lymphodepletion_day": LYMPHODEPLETION_DAY,
    "first_dose_day": LYMPHODEPLETION_DAY,
}
CELLS_INFUSED_DIGITS = -7  # as a release form would state them
INPUTS = (
    (inputs.SUBJECTS, "subjects.csv"),
    (inputs.INFUSIONS, "infusions.csv"),
    (inputs.SAMPLES, "samples.csv"),
)
CLINICAL = (
    inputs.LESIONS,
    inputs.RESPONSE_READS,
    inputs.FOLLOWUP,
    inputs.ADVERSE_EVENTS,
    inputs.LABS,
    inputs.TUMOR_MARKERS,
    inputs.THERAPIES,
    inputs.SCHEDULE,
)


def simulate_trial(
    folder: str | Path,
    design: Design | None = None,
    *,
    cores: int = 1,
    progress: Callable[[int, int], None] = lambda written, subjects: None,
) -> None:
    """Write a synthetic study folder and, in its folder `truth`, what is really so.

    The raw files of a sample depend on the seed, on the names of subject and sample, on the settings of its own assay
    and on `memory_clones`: a further subject or visit changes none that exists. A bead-array plate is one unit
    and holds all the plasma of a subject. The README.md written beside them says what each file is.

    Parameters
    ----------
    folder
        Folder to write to; it must be absent or empty.
    design
        What the trial is to hold.
    cores
        Processes that write subjects at the same time; the files are the same for any number.
    progress
        Called after each subject with how many are written, and how many there are.

    Raises
    ------
    RunError
        The folder holds something, the design cannot be carried out (see `feasible.check`), a process is lost, or a
        file cannot be written.
    """
    folder, design = Path(folder), design or Design()
    if cores < 1:
        raise RunError("too few cores", found=cores, expected="at least 1")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError("this is not an empty folder", file=folder, mend="name a folder that is absent or empty")
    check(design)
    rows: Rows = {}
    for number, written in enumerate(_written(folder, design, min(cores, design.subjects)), start=1):
        add(rows, written)
        progress(number, design.subjects)
    _write_tables(folder, design, rows)


def write_subject(folder: Path, design: Design, number: int) -> Rows:
    """Write everything of one subject that is a file of its own, and return its rows of the shared tables."""
    subject = draw_subject(number, design)
    context = Context(folder, design, subject)
    samples = samples_of(design, subject)
    rows: Rows = {"subjects": [_subject_row(subject)], "infusions": _infusions(subject)}

    def of(assay: str) -> list[Sample]:
        return [sample for sample in samples if sample.measured == assay]

    files.write_gzip_table(texts.true_clones(subject), folder / "truth" / "clones" / f"{subject.name}.csv.gz")
    for sample in of("flow"):
        add(rows, write_tube(context, sample))
    if of("flow"):
        rows["vbeta"] = kit_rows(context)
    for sample in of("ics"):
        add(rows, write_stimulated(context, sample))
    add(rows, write_tcr(context, of("tcr")))
    add(rows, write_bcr(context, of("bcr")))
    add(rows, write_plates(context, of("cytokine")))
    for sample in of("scrna"):
        add(rows, write_single_cells(context, sample, receptors="tcr" in design.assays))
    for sample in of("bulk_rna"):
        add(rows, write_bulk_rna(context, sample))
    if "clinic" in design.assays:
        add(rows, write_clinic(context))
    return rows


def _written(folder: Path, design: Design, cores: int) -> Iterable[Rows]:
    """Write all subjects and yield their rows, in the order of the subjects."""
    numbers = range(1, design.subjects + 1)
    if cores == 1:
        yield from (write_subject(folder, design, number) for number in numbers)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # Polars' threads do not survive a fork.
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(write_subject, *zip(*((folder, design, number) for number in numbers), strict=True))
        except BrokenProcessPool as error:
            mend = (
                "often memory ran out: take fewer cores, or a smaller depth; a script that takes several cores calls "
                'this below `if __name__ == "__main__":`'
            )
            raise RunError("a process that wrote a subject was lost", mend=mend) from error


def _subject_row(subject: Subject) -> Row:
    person: Row = {"tumor_type": subject.tumor_type, "age": subject.age, "sex": subject.sex}
    return {"subject": subject.name} | person | dict(DAYS)


def _infusions(subject: Subject) -> list[Row]:
    return [
        {"subject": subject.name, "infusion": number, "day": 0, "lot": lot, "cells": round(cells, CELLS_INFUSED_DIGITS)}
        for number, (lot, cells) in enumerate(subject.lots.items(), start=1)
    ]


def _write_tables(folder: Path, design: Design, rows: Rows) -> None:
    """Write the tables that all subjects share, those of the truth, and the texts."""
    for table, place in INPUTS:
        files.write_input_table(rows.pop(table.name, []), table, folder / place)
    if "clinic" in design.assays:
        rows["schedule"] = schedule(design)
        for table in CLINICAL:
            files.write_input_table(rows.pop(table.name, []), table, folder / "clinical" / f"{table.name}.csv")
    for name, truth in rows.items():
        if truth:
            files.write_truth(truth, folder / "truth" / f"{name.removeprefix('true_')}.csv")
    write_text(folder / "study.yaml", texts.settings(design))
    write_text(folder / "design.yaml", texts.design(design))
    write_text(folder / "README.md", texts.readme(design))
