"""A whole synthetic trial: the study folder that a site would hand over, and its truth beside it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import RunError
from tilseq.io.files import write_text
from tilseq.simulate import clinic, compartments, files, flow, sampling
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import VISITS, Subject, blood_of, draw_subject
from tilseq.tables.inputs import INFUSIONS, LESIONS, RESPONSE_READS, SAMPLES, SUBJECTS

Row = dict[str, object]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

READER = "investigator"
PANEL = "tbnk"
BLOOD_CD4_TO_CD8 = 1.8
PRODUCT_OTHER_CELLS = {"B": 0.01, "NK": 0.07}  # the rest are T cells
CELLS_INFUSED = 40_000_000_000
CELLS_PER_TEMPLATE = 2
INPUTS = (
    (SUBJECTS, "subjects.csv"),
    (INFUSIONS, "infusions.csv"),
    (SAMPLES, "samples.csv"),
    (LESIONS, "clinical/lesions.csv"),
    (RESPONSE_READS, "clinical/responses.csv"),
)


@dataclass(frozen=True)
class Plan:
    """What the caller chose: seed, events a tube, templates a sequenced sample."""

    seed: int
    cells: int
    depth: int


def simulate_trial(
    folder: str | Path, *, subjects: int = 3, seed: int = 1, cells: int = 20_000, depth: int = 20_000
) -> None:
    """Write a synthetic study folder and, in its folder `truth`, what is really so.

    The raw files of a sample depend on the seed, the names of subject and sample, `cells` and `depth` only: a further
    subject or visit changes none that exists. The README.md written beside them says what each file is.

    Parameters
    ----------
    folder
        Folder to write to; it must be absent or empty.
    subjects
        How many; they take the three courses in turn (response, stable disease, progression).
    seed
        Seed of all random streams, from 0.
    cells
        Events of each flow tube.
    depth
        Templates of each sequenced sample, drawn from twice as many T cells.

    Raises
    ------
    RunError
        The folder holds something, a number is too small, or a file cannot be written.
    """
    for name, value, least in (("subjects", subjects, 1), ("seed", seed, 0), ("cells", cells, 1), ("depth", depth, 1)):
        if value < least:
            raise RunError(f"too small a number for {name}", found=value, expected=f"at least {least}")
    folder, plan = Path(folder), Plan(seed, cells, depth)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError("this is not an empty folder", file=folder, mend="name a folder that is absent or empty")
    rows: dict[str, list[Row]] = defaultdict(list)
    for number in range(1, subjects + 1):
        subject = draw_subject(number, seed)
        files.write_gzip_table(subject.clones, folder / "truth" / "clones" / f"{subject.name}.csv.gz")
        for visit in (name for name, planned in VISITS.items() if planned.specimen):
            rows["samples"] += [write_flow(folder, subject, visit, plan), write_tcr(folder, subject, visit, plan)]
            rows["populations"] += _true_populations(subject, visit)
            rows["infused_mass"] += _true_masses(subject, visit, plan)
        rows["subjects"].append(_subject_row(subject))
        infusion: Row = {"subject": subject.name, "infusion": 1, "day": 0, "lot": subject.lot, "cells": CELLS_INFUSED}
        rows["infusions"].append(infusion)
        _add_clinic(rows, subject)
    for table, place in INPUTS:
        files.write_input_table(rows[table.name], table, folder / place)
    for truth in ("populations", "infused_mass", "true_lesions"):
        files.write_truth(rows[truth], folder / "truth" / f"{truth.removeprefix('true_')}.csv")
    write_text(folder / "study.yaml", _settings(seed))
    write_text(folder / "README.md", _readme(subjects, plan))


def write_flow(folder: Path, subject: Subject, visit: str, plan: Plan) -> Row:
    """Write one tube and the true kind of each of its events; return its row of samples.csv."""
    sample = f"{subject.name}_{visit}_flow"
    path = f"raw/flow/{sample}.fcs"
    tube = flow.acquire(stream(plan.seed, subject.name, sample, "flow"), _cells(subject, visit), plan.cells)
    files.write_tube(folder / path, tube, sample)
    files.write_labels(folder / "truth" / "flow" / f"{sample}.csv.gz", tube)
    row = _sample_row(subject, visit, sample, path)
    return row | {"assay": "flow", "role": "sample", "instrument": "simulated", "panel": PANEL}


def write_tcr(folder: Path, subject: Subject, visit: str, plan: Plan) -> Row:
    """Write one sequenced sample and the true share of each clone; return its row of samples.csv."""
    sample = f"{subject.name}_{visit}_tcr"
    path = f"raw/tcr/{sample}.tsv.gz"
    frequencies, drawn, templates = _sequenced(subject, visit, plan)
    counted = subject.clones.with_columns(duplicate_count=templates)
    files.write_gzip_table(files.rearrangements(counted, sample), folder / path)
    truth = subject.clones.select("clone", frequency=frequencies, cells=drawn).filter(pl.col("frequency") > 0)
    files.write_gzip_table(truth, folder / "truth" / "tcr" / f"{sample}.csv.gz")
    row = _sample_row(subject, visit, sample, path)
    return row | {"assay": "tcr", "role": "sample", "run": "run-1", "locus": "TRB", "cells": int(drawn.sum())}


def _sequenced(subject: Subject, visit: str, plan: Plan) -> tuple[Floats, Counts, Counts]:
    """Return each clone's true share of the specimen's T cells, its cells in the assay and its templates."""
    if VISITS[visit].specimen == "blood":
        frequencies = blood_of(subject, VISITS[visit].day).frequencies
    else:
        frequencies = subject.clones["product_frequency"].to_numpy()
    rng = stream(plan.seed, subject.name, f"{subject.name}_{visit}_tcr", "tcr")
    drawn = sampling.draw_cells(rng, frequencies, CELLS_PER_TEMPLATE * plan.depth)
    return frequencies, drawn, sampling.draw_templates(rng, drawn, plan.depth)


def _cells(subject: Subject, visit: str) -> dict[str, float]:
    """Return how common each kind of cell is: per µL of blood, or as a share of the product."""
    infused = compartments.t_subsets(subject.course.product_cd4_to_cd8)
    if VISITS[visit].specimen == "blood":
        blood = blood_of(subject, VISITS[visit].day)
        return compartments.blood_cells(blood, infused, compartments.t_subsets(BLOOD_CD4_TO_CD8))
    t_cells = 1 - sum(PRODUCT_OTHER_CELLS.values())
    return {name: share * t_cells for name, share in infused.items()} | PRODUCT_OTHER_CELLS


def _true_populations(subject: Subject, visit: str) -> list[Row]:
    cells = _cells(subject, visit)
    blood = VISITS[visit].specimen == "blood"
    return [
        {
            "sample": f"{subject.name}_{visit}_flow",
            "population": name,
            "fraction_of_cells": value / sum(cells.values()),
            "cells_per_ul": value if blood else None,
        }
        for name, value in cells.items()
    ]


def _true_masses(subject: Subject, visit: str, plan: Plan) -> list[Row]:
    """Return the share of T cells in blood that infused clones hold, in the four ways it can be meant."""
    if VISITS[visit].specimen != "blood":
        return []
    blood = blood_of(subject, VISITS[visit].day)
    infused = (subject.clones["product_frequency"] > 0).to_numpy()
    before = (subject.clones["endogenous_frequency"] > 0).to_numpy()
    seen = _sequenced(subject, "product", plan)[2] > 0
    values = {
        "mass": float(blood.frequencies[infused].sum()),
        "mass_of_seen": float(blood.frequencies[seen].sum()),
        "mass_new": float(blood.frequencies[infused & ~before].sum()),
        "infused_share": blood.infused_share,
    }
    key: Row = {"subject": subject.name, "visit": visit, "day": VISITS[visit].day}
    return [key | {"measure": measure, "value": value} for measure, value in values.items()]


def _sample_row(subject: Subject, visit: str, sample: str, path: str) -> Row:
    planned = VISITS[visit]
    row: Row = {"sample": sample, "subject": subject.name, "visit": visit, "day": planned.day}
    row |= {"specimen": planned.specimen, "specimen_id": f"{subject.name}_{visit}", "path": path}
    return row if planned.specimen == "blood" else row | {"lot": subject.lot}


def _subject_row(subject: Subject) -> Row:
    person: Row = {"tumor_type": subject.tumor_type, "age": subject.age, "sex": subject.sex}
    days: Row = {"enrollment_day": -60, "harvest_day": -45, "lymphodepletion_day": -7, "first_dose_day": -7}
    return {"subject": subject.name} | person | days


def _add_clinic(rows: dict[str, list[Row]], subject: Subject) -> None:
    """Add what the investigator saw and wrote down, and the true diameters."""
    visits = {planned.day: name for name, planned in VISITS.items() if planned.scan}
    baseline = min(visits)
    new_from = subject.course.tumor.new_lesion_day
    scans = {day: clinic.scan(subject.lesions, day, baseline, new_from) for day in sorted(visits)}
    responses = clinic.recorded_responses(scans)
    for day, seen in scans.items():
        when: Row = {"subject": subject.name, "day": day}
        read: Row = when | {"visit": visits[day], "reader": READER}
        rows["lesions"] += [read | lesion for lesion in seen]
        if day in responses:
            rows["responses"].append(read | {"response": responses[day]})
        rows["true_lesions"] += [
            when | {"lesion": lesion.lesion, "diameter_mm": lesion.diameter_mm(day - baseline)}
            for lesion in subject.lesions
        ]


def _settings(seed: int) -> str:
    stains = [(mark, channel) for channel, mark in zip(flow.CHANNELS, flow.MARKERS, strict=True) if mark is not None]
    lines = ["# Synthetic: written by tilseq simulate.", "study: simulated", f"title: Synthetic trial, seed {seed}"]
    lines += ["schema_version: 1", "visits:"]
    for name, visit in VISITS.items():
        window = "" if visit.window is None else f", window: {visit.window}"
        lines.append(f"  {name}: {{day: {visit.day}{window}}}")
    lines += ["panels:", f"  {PANEL}:", "    markers:"]
    lines += [f"      {mark}: [{channel}]" for mark, channel in stains]
    return "\n".join(lines) + "\n"


def _readme(subjects: int, plan: Plan) -> str:
    return f"""This study is synthetic: no cell, sequence or scan in it comes from a person.

It was written by

    tilseq simulate DIR --subjects {subjects} --seed {plan.seed} --cells {plan.cells} --depth {plan.depth}

and the same command writes the same bytes again. `study.yaml`, the tables, `clinical/` and `raw/` are what a trial
would hand over. `truth/` holds what is really so; nothing that analyses the study may read it.

| file | what it holds |
|---|---|
| `truth/clones/SUBJECT.csv.gz` | each clone: junction, share of the product and of endogenous T cells, daily rates |
| `truth/tcr/SAMPLE.csv.gz` | each clone's true share of the specimen's T cells; how many of its cells were drawn |
| `truth/infused_mass.csv` | true share of T cells in blood: of infused clones (`mass`), of those that the product's \
file shows (`mass_of_seen`), of those that blood did not hold before (`mass_new`), of cells that descend from the \
infusion (`infused_share`) |
| `truth/flow/SAMPLE.csv.gz` | what each event is, in the order of the file |
| `truth/populations.csv` | true share of each kind of cell in the specimen, and cells per µL of blood |
| `truth/lesions.csv` | true diameter of each lesion on the day of each scan |
"""
