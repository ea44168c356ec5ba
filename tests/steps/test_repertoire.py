import polars as pl
import pytest

from tilseq.steps import repertoire
from tilseq.steps.job import Job


@pytest.fixture
def run(tmp_path, sample, write_clones):
    def run(counts, **cells):
        path = write_clones(tmp_path / "a.tsv", counts, count=cells.pop("count", "umi_count"))
        row = sample("a", path="raw/a.tsv", **{"assay": "tcr", **cells})
        arguments = {"dialect": None, "locus": None}
        folder = tmp_path / "work" / "repertoire" / "a"
        job = Job("repertoire", "a", "repertoire/a", paths=(str(path),), arguments=arguments, sample=row)
        repertoire.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}

    return run


def test_clones_diversity_and_endpoints_of_one_table(run):
    tables = run({"AAA": 3, "CCC": 1})
    assert tables["clonotypes"].select("junction", "duplicate_count", "count_of").rows() == [
        ("AAA", 3, "umis"),
        ("CCC", 1, "umis"),
    ]
    richness = tables["endpoints"].filter(parameter="richness").row(0, named=True)
    assert (richness["value"], richness["n"], richness["status"], richness["qualifier"]) == (
        2,
        4,
        "quantified",
        "locus=TRB",
    )
    assert tables["quality"].height == 0


def test_an_index_that_is_not_there_has_no_method_of_limits(run):
    row = run({"AAA": 3})["endpoints"].filter(parameter="clonality").row(0, named=True)
    assert (row["value"], row["status"], row["interval_method"]) == (None, "not_evaluable", None)


@pytest.mark.parametrize(
    ("cells", "reasons"),
    [
        ({}, []),
        ({"cells": 1000.0}, []),
        ({"input_ng": 66.0, "t_cell_fraction": 0.5}, []),
        ({"input_ng": 66.0}, ["input_ng cannot be used: the cells in it take t_cell_fraction"]),
        ({"cells": 0.0}, ["cells cannot be used: no cell of the receptor's kind comes of it"]),
        (
            {"cells": 9.0, "t_cell_fraction": 0.0},
            ["cells cannot be used: no cell of the receptor's kind comes of it"],
        ),
    ],
)
def test_an_input_that_gives_no_number_of_cells_is_told(run, cells, reasons):
    quality = run({"AAA": 3}, **cells)["quality"]
    assert quality.select("sample", "check", "verdict", "reason").rows() == [
        ("a", "cells of the library", "warn", reason) for reason in reasons
    ]


def test_cells_of_a_library(sample):
    given = {"cells": 1000.0, "t_cell_fraction": 0.25, "input_ng": 66.0}
    assert repertoire.cells_in_library(sample("a", assay="tcr", **given)) == 250
    assert repertoire.cells_in_library(sample("a", assay="tcr", **given | {"cells": None})) == pytest.approx(2500)
    # a share of T cells says nothing of B cells
    assert repertoire.cells_in_library(sample("a", assay="bcr", **given)) == 1000
    assert repertoire.cells_in_library(sample("a", assay="bcr", **given | {"cells": None})) is None


@pytest.mark.parametrize("counts", [{}, {"AAA": 0}], ids=["header only", "all left out"])
def test_a_table_without_a_clonotype_fails_quality(run, counts):
    quality = run(counts)["quality"].filter(verdict="fail")
    assert quality.select("sample", "check", "reason").rows() == [
        ("a", "clonotypes", "no clonotype is left; see exclusions")
    ]
