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


def true_changes(study, visit):
    """Return axis → mean over subjects of its programme's true difference, and half its 99 % limits."""
    with open(study / "samples.csv", newline="") as stream:
        visits = {row["sample"]: (row["subject"], row["visit"]) for row in csv.DictReader(stream)}
    levels = {}
    with open(study / "truth" / "programmes.csv", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["sample"] in visits and row["programme"] in AXES:
                levels.setdefault((AXES[row["programme"]], *visits[row["sample"]]), []).append(float(row["mean_level"]))
    subjects = sorted({subject for subject, _ in visits.values()})
    assert len(subjects) == SUBJECTS
    found = {}
    for axis in AXES.values():
        level = {at: [np.mean(levels[axis, one, at]) for one in subjects] for at in (visit, "product")}
        change = np.subtract(level[visit], level["product"])
        half = stdtrit(SUBJECTS - 1, 0.995) * change.std(ddof=1) / np.sqrt(SUBJECTS)
        found[axis] = change.mean(), half
    return found


def check(folder, populations, visit):
    """Hold what the run says of each population against the truth; return how many programmes were called in each."""
    contrast = f"visit:{visit}/product"
    tables = {path.stem: pl.read_parquet(path) for path in (folder / "out" / "tables").glob("*.parquet")}
    told = tables["transcriptome"].filter(pl.col("population").is_in(populations))
    assert told.select("population", "contrast", "subjects", "p_floor").rows() == [
        (population, contrast, SUBJECTS, 2 / 2**SUBJECTS) for population in populations
    ]
    truth, called = true_changes(folder / "study", visit), {}
    for row in told.iter_rows(named=True):
        sets = tables["enrichment"].filter(population=row["population"], method="sign_flip")
        changed = sets.filter(pl.col("q") < 0.05)
        up, down = (changed.filter(direction=way).height for way in ("up", "down"))
        assert (row["sets_up"], row["sets_down"]) == (up, down)
        assert row["sets"] == sets.drop_nulls("p").height
        genes = tables["differential"].filter(population=row["population"])
        assert (row["genes"], row["genes_up"] + row["genes_down"]) == (genes.height, (genes["q"] < 0.05).sum())
        own = {name: way for name, way in changed.select("set", "direction").iter_rows() if name in truth}
        assert own == {name: "up" if truth[name][0] > 0 else "down" for name in own}
        called[row["population"]] = len(own)
    changes = [axis for axis, (mean, half) in truth.items() if abs(mean) > half]
    return len(changes), called


def test_bulk_rna_finds_what_was_planted_with_its_sign(made_once):
    changes, called = check(made_once("bulk_rna_run", whole_run("bulk_rna")), ["bulk RNA"], "baseline")
    assert changes >= 7
    assert called["bulk RNA"] >= 7


@pytest.mark.slow
def test_summed_t_cells_find_what_was_planted_with_its_sign(made_once):
    changes, called = check(made_once("cells_run", whole_run("scrna")), ["CD4 T cells", "CD8 T cells"], "D28")
    assert changes >= 7
    assert min(called.values()) >= 6
