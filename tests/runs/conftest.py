"""Whole runs that several tests look at."""

import csv
import shutil
import subprocess
import sys
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

SUBJECTS_10X = ("P17", "P18", "P19", "P20")


def tilseq(*arguments, **options):
    """Run the command line as a person does; returns the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "tilseq", *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


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
        "study: real\nvisits:\n  resection: {day: -40}\n  D7: {day: 7}\n"
        "analysis:\n  repertoire: {reference: tumor}\n  clinical: {partial_dates: last_day}\n"
    )


@pytest.fixture(scope="session")
def real_run(tmp_path_factory, shared_data):
    """A study of the real files, and its run."""
    folder = tmp_path_factory.mktemp("real")
    assemble(folder / "study", shared_data)
    done = tilseq("run", folder / "study", "-o", folder / "out")
    return SimpleNamespace(study=folder / "study", out=folder / "out", done=done)


@pytest.fixture(scope="session")
def small_study(tmp_path_factory):
    """A simulated study that is quick to run; tests copy it before they harm it."""
    folder = tmp_path_factory.mktemp("small") / "study"
    size = ("--subjects", "1", "--visits", "baseline,D7,D28,D84", "--cells", "3000", "--depth", "2000", "--seed", "7")
    done = tilseq("simulate", folder, "--assays", "flow,tcr,clinic", *size)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def small_run(tmp_path_factory, small_study):
    """The unbroken run of the small study, which broken ones are held against."""
    out = tmp_path_factory.mktemp("small-out") / "out"
    done = tilseq("run", small_study, "-o", out)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(study=small_study, out=out, done=done)
