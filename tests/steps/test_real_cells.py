"""Real single cells from samples.csv to summed cells; what is kept and summed, counted with numpy alone."""

import csv
import shutil

import polars as pl
import pytest

from tilseq.steps import cell_expression, pseudobulk
from tilseq.study import read_study

SUBJECTS = ("P17", "P18", "P19", "P20")
# By numpy of the files' own matrices: cells, those of 500 counts, 100 genes and at most 15 % of mitochondrial ones
# (MT-, of Wu ND1 to CYTB), and of these all counts and those of CD8A and H2AFZ, whose present symbol is H2AZ1.
BY_HAND = {
    "P17B": (52, 49, 71328, 151, 54), "P17L": (61, 55, 73538, 19, 84), "P18B": (27, 27, 133559, 29, 169),
    "P18L": (33, 31, 61192, 35, 44), "P19B": (105, 98, 186010, 65, 205), "P19L": (49, 36, 40328, 70, 57),
    "P20B": (162, 129, 157643, 343, 528), "P20L": (11, 8, 11049, 0, 13),
    "Blood": (20, 9, 7932, 14, 5), "NAT": (85, 58, 65252, 89, 59), "Tumor": (95, 53, 69753, 130, 71),
}  # fmt: skip


def write(path, rows):
    with open(path, "w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def done(shared_data, tmp_path_factory):
    """Run both steps on scRepertoire's eight samples, each with its receptors' library, and on Wu's 200 cells."""
    root = tmp_path_factory.mktemp("cells")
    study = root / "study"
    (study / "raw").mkdir(parents=True)
    samples = []

    def add(sample, subject, place, assay, path, member="", library=""):
        shutil.copy(path, study / "raw" / path.name)
        row = {"sample": sample, "subject": subject, "visit": place[0], "specimen": place[1], "assay": assay}
        row["specimen_id"] = library or sample
        samples.append({**row, "path": f"raw/{path.name}", "member": member, "library": library})

    blood, tumor = ("D7", "blood"), ("resection", "tumor")
    folder = shared_data / "screpertoire"
    for name in (f"{subject}{letter}" for subject in SUBJECTS for letter in "BL"):
        place = blood if name.endswith("B") else tumor
        contigs = folder / "contigs" / f"{name}_filtered_contig_annotations.csv.gz"
        add(f"{name}_tcr", name[:3], place, "tcr", contigs, library=name)
        add(name, name[:3], place, "scrna", folder / "gex_500cells_raw_counts.h5ad", f"sample={name}", name)
    wu = shared_data / "sc" / "wu2020_til_200cells.h5ad"
    # The tissue beside the tumour is called tumour too, for want of a word, and has a visit of its own.
    for source, place in (("Blood", blood), ("Tumor", tumor), ("NAT", ("beside", "tumor"))):
        add(source, "Wu", place, "scrna", wu, f"source={source}")
    write(study / "samples.csv", samples)
    write(study / "subjects.csv", [{"subject": name, "tumor_type": "nsclc"} for name in (*SUBJECTS, "Wu")])
    infusions = [{"subject": name, "infusion": 1, "date": "2020-01-01"} for name in (*SUBJECTS, "Wu")]
    write(study / "infusions.csv", infusions)
    # The files hold the 2,000 and 3,000 genes that vary most.
    (study / "study.yaml").write_text(
        "study: cells\nvisits:\n  resection: {day: -40}\n  beside: {day: -41}\n  D7: {day: 7}\n"
        "analysis:\n  expression: {least_genes: 100, minimum_cells: 1}\n"
    )
    planned = read_study(study)
    jobs = cell_expression.plan(planned) + pseudobulk.plan(planned)
    for job in jobs:
        step = cell_expression if job.step == cell_expression.STEP else pseudobulk
        step.run(job, root / "work" / job.folder)
    return {job.unit: (job, root / "work" / job.folder) for job in jobs}


def of(done, unit, table):
    return pl.read_parquet(done[unit][1] / f"{table}.parquet")


def test_cells_are_those_counted_by_hand(done):
    found = {}
    for name in BY_HAND:
        cells = of(done, name, "cell_expression")
        found[name] = (cells.height, cells["kept"].sum())
        assert of(done, name, "exclusions")["rows"].sum() == cells.height - cells["kept"].sum()
        assert cells["cell_type"].is_in(["CD4", "CD8", "unclear"]).all()
    assert found == {name: row[:2] for name, row in BY_HAND.items()}


def test_sums_over_types_are_those_counted_by_hand(done):
    found = {}
    for subject in (*SUBJECTS, "Wu"):
        groups, counts = of(done, subject, "pseudobulk_groups"), of(done, subject, "gene_counts")
        assert groups["status"].null_count() == groups.height  # no product, so nothing is labelled
        for (sample,), own in groups.group_by("samples"):
            rows = counts.filter(pl.col("group").is_in(own["group"].to_list()))
            genes = [rows.filter(gene=gene)["count"].sum() for gene in ("CD8A", "H2AZ1")]
            found[sample] = (own["cells"].sum(), rows["count"].sum(), *genes)
            assert "H2AFZ" not in rows["gene"]
    assert found == {name: row[1:] for name, row in BY_HAND.items()}


def test_each_sample_is_joined_with_its_receptors_by_its_library(done):
    joined = {}
    for subject in (*SUBJECTS, "Wu"):
        joined |= {row["sample"]: row["receptors"] for row in done[subject][0].arguments["samples"].values()}
    names = [f"{subject}{letter}" for subject in SUBJECTS for letter in "BL"]
    assert joined == {name: f"{name}_tcr" for name in names} | dict.fromkeys(("Blood", "Tumor", "NAT"))
