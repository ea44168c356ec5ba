"""The sex of a library by two genes, held against what is recorded of its subject."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from tilseq.expression.sex_genes import check_sex, sex_of, told_of_either_sex
from tilseq.io import read_single_cells


@pytest.mark.parametrize(
    ("rps4y1", "xist", "sex"),
    [
        (812, 3, "male"),
        (0, 61, "female"),
        (200, 20, "male"),
        (200, 21, None),  # two people, or a man with two X
        (199, 0, None),  # fewer than 20 in a million: reads that strayed from RPS4X
        (5, 50, "female"),
        (0, 49, None),
        (0, 0, None),
    ],
)
def test_one_of_two_genes_tells_the_sex_of_ten_million_counts(rps4y1, xist, sex):
    assert sex_of({"RPS4Y1": rps4y1, "XIST": xist, "CD4": 5}, 10_000_000) == sex


def test_a_table_without_one_of_the_genes_and_few_counts_tell_nothing():
    assert sex_of({"RPS4Y1": 812, "DDX3Y": 300}, 1_000_000) is None
    assert sex_of({"XIST": 812}, 1_000_000) is None
    assert sex_of({"RPS4Y1": 9, "XIST": 0}, 10_000) is None
    assert sex_of({"RPS4Y1": 10, "XIST": 0}, 10_000) == "male"


def test_a_library_of_the_other_sex_warns():
    counts = {"RPS4Y1": 1812, "XIST": 3}
    (row,) = check_sex("a", "female", counts, 1_000_000)
    assert (row["sample"], row["check"], row["verdict"]) == ("a", "sex by genes", "warn")
    assert row["reason"] == (
        "1,812 counts of RPS4Y1 and 3 of XIST are those of a male library, and its subject is female: is it of this "
        "subject? After a transplant it may be so"
    )
    assert [check_sex("a", recorded, counts, 1_000_000) for recorded in ("male", "other", "unknown", None)] == [[]] * 4


def test_blood_and_tumour_of_real_subjects_are_of_one_sex(shared_data: Path) -> None:
    cells, _ = read_single_cells(shared_data / "screpertoire" / "gex_500cells_raw_counts.h5ad")
    found = {}
    for sample in sorted(set(cells.obs["sample"])):
        sums = np.asarray(cells[cells.obs["sample"] == sample].X.sum(axis=0)).ravel()
        found[sample] = sex_of(dict(zip(cells.var_names, sums, strict=True)), sums.sum())
    # Of the last sample of each woman too few counts are of XIST.
    assert found == {
        **dict.fromkeys(["P17B", "P17L", "P19B", "P19L"], "male"),
        **dict.fromkeys(["P18B", "P20B"], "female"),
        **dict.fromkeys(["P18L", "P20L"], None),
    }


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_samples_of_one_subject_that_are_of_either_sex_are_told(kind):
    genes = ("CD4", "RPS4Y1", "XIST")
    counts = kind(np.array([[99_000, 500, 0], [99_000, 0, 500], [99_000, 0, 400], [99_000, 0, 0], [99_000, 300, 0]]))
    samples, subjects = ("a1", "a2", "b1", "b2", "c1"), ["a", "a", "b", "b", None]
    assert told_of_either_sex(counts, genes, samples, subjects) == (
        "samples of a are of either sex by RPS4Y1 and XIST (a1 male, a2 female): are all of this subject? After a "
        "transplant it may be so",
    )
    assert told_of_either_sex(counts[:, [0, 1]], genes[:2], samples, subjects) == ()
