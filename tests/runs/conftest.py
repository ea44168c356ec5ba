"""The run of a study of real files."""

import csv
import shutil
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from tests.commands import tilseq

SUBJECTS_10X = ("P17", "P18", "P19", "P20")


def write_csv(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def assemble(root, data):
    """Lay the real files out as a study: ITN tubes, scRepertoire's contigs and h5ad, the RECIST tables."""
    raw = root / "raw"
    raw.mkdir(parents=True)
    samples, subjects, infusions = [], [], []

    def add(sample, subject, visit, specimen, assay, path, member=""):
        cell = {"sample": sample, "subject": subject, "visit": visit, "specimen": specimen, "assay": assay}
        samples.append({**cell, "path": f"raw/{path.name}", "member": member})
        shutil.copy(path, raw / path.name)

    for tube in sorted((data / "flow" / "itn").glob("*.fcs")):
        add(tube.stem, tube.stem.upper(), "D7", "blood", "flow", tube)
        subjects.append({"subject": tube.stem.upper(), "tumor_type": "other"})
        infusions.append({"subject": tube.stem.upper(), "infusion": 1, "date": "2020-01-01"})
    for subject in SUBJECTS_10X:
        subjects.append({"subject": subject, "tumor_type": "nsclc"})
        infusions.append({"subject": subject, "infusion": 1, "date": "2020-01-01"})
        for letter, visit, specimen in (("L", "resection", "tumor"), ("B", "D7", "blood")):
            name = f"{subject}{letter}"
            contigs = data / "screpertoire" / "contigs" / f"{name}_filtered_contig_annotations.csv.gz"
            add(f"{name}_tcr", subject, visit, specimen, "tcr", contigs)
    cells = data / "screpertoire" / "gex_500cells_raw_counts.h5ad"
    for letter, visit, specimen in (("L", "resection", "tumor"), ("B", "D7", "blood")):
        add(f"P17{letter}_rna", "P17", visit, specimen, "scrna", cells, f"sample=P17{letter}")
    (root / "clinical").mkdir()
    for domain in ("tu", "tr", "rs"):
        shutil.copy(data / "clinical" / f"{domain}_onco_recist.csv", root / "clinical" / f"{domain}.csv")
    with open(root / "clinical" / "tr.csv") as stream:
        screening = {row["USUBJID"]: row["TRDTC"] for row in csv.DictReader(stream) if row["VISIT"] == "SCREENING"}
    for subject, day in sorted(screening.items()):
        subjects.append({"subject": subject, "tumor_type": "other"})
        infused = date.fromisoformat(day) + timedelta(days=1)
        infusions.append({"subject": subject, "infusion": 1, "date": infused.isoformat()})
    write_csv(root / "samples.csv", samples)
    write_csv(root / "subjects.csv", subjects)
    write_csv(root / "infusions.csv", infusions)
    (root / "study.yaml").write_text(
        # The h5ad holds 2,000 genes, so that its cells have few of them.
        "study: real\nvisits:\n  resection: {day: -40}\n  D7: {day: 7}\n"
        "analysis:\n  repertoire: {reference: tumor}\n  clinical: {partial_dates: last_day}\n"
        "  expression: {least_genes: 100, controls: 50}\n"
    )


@pytest.fixture(scope="session")
def real_run(made_once, shared_data):
    """A study of the real files, and its run."""

    def run(folder):
        assemble(folder / "study", shared_data)
        done = tilseq("run", folder / "study", "-o", folder / "out")
        assert done.returncode == 0, done.stderr

    folder = made_once("real_run", run)
    return SimpleNamespace(study=folder / "study", out=folder / "out")
