"""A run's tables of the transcriptome against the programmes that the simulator truly changed."""

import csv

import numpy as np
import polars as pl
import pytest
from scipy.special import stdtrit

from tests.commands import tilseq

AXES = {
    "proliferation": "proliferation",
    "glycolysis": "glycolysis",
    "il2_response": "il2_stat5",
    "activation": "activation",
    "effector": "cytotoxic_effector",
    "exhaustion_terminal": "exhaustion_terminal",
    "exhaustion_progenitor": "exhaustion_progenitor",
    "oxphos": "oxidative_phosphorylation",
    "hypoxia": "hypoxia",
    "fatty_acid_oxidation": "fatty_acid_oxidation",
    "stem_like_memory": "stem_like_memory",
}
SUBJECTS = 7
VISITS = {"bulk_rna": ("baseline", 3), "scrna": ("D28", 7)}  # blood that every subject has by an assay, and a seed


def whole_run(assay):
    """Return a function that runs a simulated study of product and blood by one assay."""
    visit, seed = VISITS[assay]

    def run(folder):
        study = folder / "study"
        size = ("--subjects", SUBJECTS, "--visits", visit, "--single-cells", "200", "--seed", seed)
        done = tilseq("simulate", study, "--assays", assay, *size)
        assert done.returncode == 0, done.stderr
        with open(study / "samples.csv", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["assay"] == assay and row["visit"] != "harvest"]
        with open(study / "samples.csv", "w", newline="") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        with open(study / "study.yaml", "a") as stream:
            stream.write(f"analysis:\n  expression:\n    contrasts: ['visit:{visit}/product']\n")
        done = tilseq("run", study, "-o", folder / "out", "--cores", "2")
        assert done.returncode == 0, done.stderr

    return run


def of_libraries(study, _):
    """Return sample → programme → mean level of a library of bulk RNA, as the simulator tells it."""
    found = {}
    with open(study / "truth" / "programmes.csv", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["sample"], {})[row["programme"]] = float(row["mean_level"])
    return found


def of_cells(study, population):
    """Return sample → programme → mean level of its cells of the population's lineage."""
    found = {}
    for path in (study / "truth" / "cells").glob("*.csv.gz"):
        cells = pl.read_csv(path, infer_schema_length=None).filter(lineage=population.split(" ")[0])
        found[path.name.removesuffix(".csv.gz")] = cells.select(pl.col(list(AXES)).mean()).row(0, named=True)
    return found


def true_changes(study, visit, truth):
    """Return axis → mean over subjects of its programme's true difference, and half its 99 % limits."""
    levels = {}
    with open(study / "samples.csv", newline="") as stream:
        for row in csv.DictReader(stream):
            for programme, axis in AXES.items():
                place = (axis, row["subject"], row["visit"])
                levels.setdefault(place, []).append(truth[row["sample"]][programme])
    subjects = sorted({subject for _, subject, _ in levels})
    assert len(subjects) == SUBJECTS
    found = {}
    for axis in AXES.values():
        level = {at: [np.mean(levels[axis, one, at]) for one in subjects] for at in (visit, "product")}
        change = np.subtract(level[visit], level["product"])
        half = stdtrit(SUBJECTS - 1, 0.995) * change.std(ddof=1) / np.sqrt(SUBJECTS)
        found[axis] = change.mean(), half
    return found


def check(folder, populations, visit, level):
    """Hold what the run says of each population against the truth.

    Returns how many programmes that were tested truly change in each, and how many of these are called.
    """
    contrast = f"visit:{visit}/product"
    tables = {path.stem: pl.read_parquet(path) for path in (folder / "out" / "tables").glob("*.parquet")}
    told = tables["transcriptome"].filter(pl.col("population").is_in(populations))
    assert told.select("population", "contrast", "subjects", "p_floor").rows() == [
        (population, contrast, SUBJECTS, 2 / 2**SUBJECTS) for population in populations
    ]
    found = []
    for row in told.iter_rows(named=True):
        sets = tables["enrichment"].filter(population=row["population"], method="sign_flip")
        changed = sets.filter(pl.col("q") < 0.05)
        up, down = (changed.filter(direction=way).height for way in ("up", "down"))
        assert (row["sets_up"], row["sets_down"]) == (up, down)
        assert row["sets"] == sets.drop_nulls("p").height
        genes = tables["differential"].filter(population=row["population"])
        assert (row["genes"], row["genes_up"] + row["genes_down"]) == (genes.height, (genes["q"] < 0.05).sum())
        study = folder / "study"
        truth = true_changes(study, visit, level(study, row["population"]))
        own = {name: way for name, way in changed.select("set", "direction").iter_rows() if name in truth}
        assert own == {name: "up" if truth[name][0] > 0 else "down" for name in own}
        tested = set(sets.drop_nulls("p")["set"])  # of 200 cells some axes have too few genes that are counted enough
        changes = [axis for axis, (mean, half) in truth.items() if abs(mean) > half and axis in tested]
        found.append((len(changes), len(set(changes) & set(own))))
    return found


def test_bulk_rna_finds_what_was_planted_with_its_sign(made_once):
    folder = made_once("bulk_rna_run", whole_run("bulk_rna"))
    ((changes, called),) = check(folder, ["bulk RNA"], "baseline", of_libraries)
    assert changes >= 7
    assert called >= 0.8 * changes


@pytest.mark.slow
def test_summed_t_cells_find_what_was_planted_with_its_sign(made_once):
    folder = made_once("cells_run", whole_run("scrna"))
    for changes, called in check(folder, ["CD4 T cells", "CD8 T cells"], "D28", of_cells):
        assert changes >= 5
        assert called >= 0.8 * changes
