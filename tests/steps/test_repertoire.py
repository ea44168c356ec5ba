import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.steps import repertoire
from tilseq.steps.job import Job

IGH = "cell-1,true,true,IGH,IGHV1-2,IGHJ4,true,CAW,TGTGCATGG"


@pytest.fixture
def run(tmp_path, sample, write_clones, write_contigs):
    def run(counts, *, count="umi_count", more=(), least_yield=0.05, **cells):
        path = tmp_path / "a.tsv"
        if count == "cells":
            write_contigs(path, counts)
            path.write_text(path.read_text() + "".join(f"{line}\n" for line in more))
        else:
            write_clones(path, counts, count=count)
        row = sample("a", path="raw/a.tsv", **{"assay": "tcr", **cells})
        arguments = {"dialect": None, "locus": None, "least_yield": least_yield}
        folder = tmp_path / "work" / "repertoire" / "a"
        job = Job("repertoire", "a", "repertoire/a", paths=(str(path),), arguments=arguments, sample=row)
        repertoire.run(job, folder)
        tables = {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}
        # The junctions here are names, which do not code for the one CDR3 that all have.
        named = pl.col("reason").str.contains("do not code for their amino acids").fill_null(False)
        of_table = pl.col("check").str.contains("^(clonotypes|counts|left out|singletons|anchors)")
        tables["checks"] = tables["quality"].filter(of_table)
        tables["quality"] = tables["quality"].filter(~of_table, ~named)
        return tables

    return run


def test_clones_of_one_table(run):
    tables = run({"AAA": 90, "CCC": 10})
    assert tables["clonotypes"].select("junction", "duplicate_count", "count_of").rows() == [
        ("AAA", 90, "umis"),
        ("CCC", 10, "umis"),
    ]
    assert tables["quality"].height == tables["endpoints"].height == 0


def test_receptors_of_the_other_kind_fail(run):
    told = run({"AAA": 90, "CCC": 10}, assay="tcr")["quality"]
    assert "receptors of the assay" not in told["check"]
    told = run({"AAA": 90, "CCC": 10}, count="cells", assay="tcr", more=[IGH])["quality"]
    assert "receptors of the assay" not in told["check"]
    told = run({}, count="cells", assay="tcr", more=[IGH])["quality"].filter(check="receptors of the assay")
    assert told.select("verdict", "reason").rows() == [
        ("fail", "a sample of tcr that holds IGH alone: is it another's file?")
    ]


def test_what_counts_count_is_told_in_samples_csv_where_the_file_does_not_tell(run):
    told = run({"AAA": 90, "CCC": 10}, count="duplicate_count", count_of="templates")
    assert told["clonotypes"]["count_of"].to_list() == ["templates"] * 2
    assert told["checks"].filter(check="counts")["reason"].to_list() == ["100 of templates"]
    assert run({"AAA": 90}, count_of="umis")["clonotypes"]["count_of"].to_list() == ["umis"]
    with pytest.raises(AnalysisError) as caught:
        run({"AAA": 90}, count_of="reads")
    assert str(caught.value) == ("the counts of a are umis; found 'reads'; leave count_of empty in samples.csv")


UNTOLD = (
    "counts of {}, cells not known: indices have no limits, and nothing is told of what is not seen; tell {}, or give "
    "replicate libraries"
)


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({"cells": 9.0}, ("pass", "4 of umis")),
        ({}, ("warn", UNTOLD.format("umis", "`cells`"))),
        ({"count": "cells"}, ("pass", "4 of cells")),
        ({"count": "duplicate_count", "cells": 9.0}, ("pass", "4 of unknown meaning")),
        (
            {"count": "duplicate_count"},
            ("warn", UNTOLD.format("unknown meaning", "`count_of` (of templates it will do) or `cells`")),
        ),
    ],
)
def test_the_table_itself_is_checked(run, given, counts):
    checks = run({"TGTAAATTC": 3, "TGTCCCTTC": 1, "TGTCCC": 0}, **given)["checks"]
    told = {row["check"]: (row["verdict"], row["reason"]) for row in checks.iter_rows(named=True)}
    assert told["counts"] == counts
    assert told["singletons TRB"] == ("pass", "1 of 2 clones seen once")
    assert set(told) == {"clonotypes", "counts", "left out", "singletons TRB", "anchors TRB"}


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
    quality = run({"AAA": 300}, **cells)["quality"].filter(pl.col("check") != "depth")
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
    quality = run(counts)["checks"].filter(verdict="fail")
    assert quality.select("sample", "check", "reason").rows() == [
        ("a", "clonotypes", "no clonotype is left; see exclusions")
    ]


TOO_FEW = "too few to tell much of"
SHALLOW = ", far too shallow for its input"


@pytest.mark.parametrize(
    ("counts", "cells", "rows"),
    [
        ({"AAA": 100}, {}, []),
        ({"AAA": 99}, {}, [("counted", 99, "warn", f"99 umis counted, {TOO_FEW}")]),
        ({"AAA": 100}, {"cells": 2000.0}, [("depth", 0.05, "pass", "100 umis counted of 2000 cells")]),
        ({"AAA": 100}, {"cells": 2001.0}, [("depth", 100 / 2001, "fail", f"100 umis counted of 2001 cells{SHALLOW}")]),
        (  # 33 ng hold 5,000 cells, half of them T cells
            {"AAA": 100, "CCC": 25},
            {"input_ng": 33.0, "t_cell_fraction": 0.5},
            [("depth", 0.05, "pass", "125 umis counted of 2500 cells")],
        ),
        ({"AAA": 100}, {"count": "duplicate_count", "cells": 2000.0}, []),  # reads, perhaps: enough of them say nothing
        (
            {"AAA": 100},
            {"count": "duplicate_count", "cells": 2001.0},
            [("depth", 100 / 2001, "fail", f"100 counted of 2001 cells{SHALLOW}")],
        ),
        (
            {"AAA": 60, "CCC": 60},
            {"count": "cells", "cells": 240.0},
            [("depth", 0.5, "pass", "120 cells counted of 240 cells")],
        ),
        (
            {"AAA": 100},
            {"cells": 2001.0, "least_yield": 0.04},
            [("depth", 100 / 2001, "pass", "100 umis counted of 2001 cells")],
        ),
        (
            {"AAA": 10},
            {"cells": 2000.0},
            [
                ("counted", 10, "warn", f"10 umis counted, {TOO_FEW}"),
                ("depth", 0.005, "fail", f"10 umis counted of 2000 cells{SHALLOW}"),
            ],
        ),
    ],
)
def test_depth(run, counts, cells, rows):
    quality = run(counts, **cells)["quality"].filter(~pl.col("check").is_in(["doublets", "full pairs"]))
    assert quality.select("check", "value", "verdict", "reason").rows() == [
        (check, pytest.approx(value), verdict, reason) for check, value, verdict, reason in rows
    ]


def test_the_limits_of_depth_are_told(run):
    quality = run({"AAA": 10}, cells=2000.0, least_yield=0.1)["quality"]
    assert quality["limit"].to_list() == ["at least 100", "at least 0.1 for each cell put in"]


def test_the_chains_of_a_cell_are_one_cell(run, tmp_path, write_contigs):
    alphas = write_contigs(tmp_path / "alphas.csv", {"GGG": 90, "TTT": 20}, gene="TRA").read_text().splitlines()[1:]
    quality = run({"AAA": 110}, count="cells", more=alphas, cells=1000.0)["quality"].filter(check="depth")
    assert quality.select("value", "reason").rows() == [(0.11, "110 cells counted of 1000 cells")]
