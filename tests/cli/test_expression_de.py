from functools import partial
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.commands import exit_code
from tilseq.cli.expression_design import design_of

ORACLES = Path(__file__).parents[1] / "oracles"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Counts of eleven samples as a text file, their design, and both as an h5ad."""
    table = pl.read_csv(ORACLES / "differential_counts.tsv", separator="\t").drop("P3_D7")
    samples = table.columns[1:]
    design = pl.DataFrame(
        {
            "sample": samples,
            "subject": [f"00{name[1]}" for name in samples],
            "visit": [name.split("_")[1] for name in samples],
            "purity": [f"0.{9 - i % 5}" for i in range(11)],
        }
    )
    monkeypatch.chdir(tmp_path)
    table.write_csv("counts.tsv", separator="\t")
    design.reverse().write_csv("design.csv")
    obs = pd.DataFrame(design.drop("sample").to_dict(as_series=False), index=samples)
    var = pd.DataFrame(index=table["gene"].to_list())
    anndata.AnnData(table.drop("gene").to_numpy().T.astype(np.float32), obs=obs, var=var).write_h5ad("sums.h5ad")
    return tmp_path


run = partial(exit_code, "expression", "de")


def test_a_text_file_gives_limmas_numbers_and_says_what_it_rests_on(files, capsys):
    assert (
        run("counts.tsv", "--design", "design.csv", "--contrast", "visit:D28/product", "--pooled", "-o", "de.csv") == 0
    )
    found = pl.read_csv("de.csv")
    limma = pl.read_csv(ORACLES / "differential_limma.tsv", separator="\t", infer_schema_length=None)
    expected = limma.filter(pl.col("model") == "fixed").sort("gene")
    np.testing.assert_allclose(found["p"], expected["p"], rtol=1e-8)
    told = capsys.readouterr().err
    assert "visit:D28/product: voom, 4 subjects, 11 samples, 97 genes" in told
    assert " genes left out: too few counts\n" in told


def test_genes_by_ids_alone_keep_those_of_clones_which_is_told(files, capsys):
    table = pl.read_csv("counts.tsv", separator="\t")
    ids = table.with_columns(gene=pl.format("ENSG{}", (pl.int_range(pl.len()) + 10**10).cast(pl.String).str.zfill(11)))
    ids.write_csv("ids.tsv", separator="\t")
    assert run("ids.tsv", "--design", "design.csv", "--contrast", "visit:D28/product", "-o", "de.csv") == 0
    told = (
        "ids.tsv: V, D and J genes are not known by their ids and stay among the others: give symbols beside the ids\n"
    )
    assert told in capsys.readouterr().err
    assert run("counts.tsv", "--design", "design.csv", "--contrast", "visit:D28/product", "-o", "de.csv") == 0
    assert "not known by their ids" not in capsys.readouterr().err


def test_samples_of_a_subject_that_are_of_either_sex_are_told(files, capsys):
    table = pl.read_csv("counts.tsv", separator="\t")
    of_man = [name.startswith("P1") != (name == "P2_D28") for name in table.columns[1:]]
    rows = [["RPS4Y1", *(900 if one else 0 for one in of_man)], ["XIST", *(0 if one else 900 for one in of_man)]]
    pl.concat([table, pl.DataFrame(rows, table.schema, orient="row")]).write_csv("sexes.tsv", separator="\t")
    assert run("sexes.tsv", "--design", "design.csv", "--contrast", "visit:D28/product", "-o", "de.csv") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "either sex" in line]
    assert [line.partition(" (")[0] for line in told] == ["samples of 002 are of either sex by RPS4Y1 and XIST"]


def test_a_column_of_counts_that_was_moved_is_told(files, capsys):
    table = pl.read_csv("counts.tsv", separator="\t")
    much = ["ACTB", "B2M", "EEF1A1", "GAPDH", "RPLP0"]
    rows = [[gene, *[20_000] * 10, 0] for gene in much]  # the last sample's stand beside other genes
    pl.concat([table, pl.DataFrame(rows, table.schema, orient="row")]).write_csv("moved.tsv", separator="\t")
    assert run("moved.tsv", "--design", "design.csv", "--contrast", "visit:D28/product", "-o", "de.csv") == 0
    doubts = [line for line in capsys.readouterr().err.splitlines() if "all tissues" in line]
    assert [line.partition(":")[0] for line in doubts] == [table.columns[-1]]


def test_an_h5ad_brings_its_design_and_samples_can_be_chosen(files, capsys):
    arguments = ["--contrast", "visit:D28/product", "--where", "subject=001,002,003", "--left-out", "left_out.csv"]
    assert run("sums.h5ad", *arguments, "--covariate", "purity") == 0
    out = capsys.readouterr()
    assert "voom, 3 subjects, 6 samples" in out.err
    assert "  2 samples left out: of another level: P1_D7, P2_D7\n" in out.err
    assert "covariate purity: numbers, taken for one slope; write words for levels\n" in out.err
    assert out.out.startswith("population,contrast,gene,mean_log2_cpm,")
    assert pl.read_csv("left_out.csv").columns == ["contrast", "what", "name", "reason"]


def test_a_value_that_an_h5ad_lacks_is_null_in_its_design(files):
    cells = anndata.read_h5ad("sums.h5ad")
    cells.obs["batch"] = pd.array([None, *range(1, 11)], dtype="Int64")  # missing is pd.NA
    cells.obs["score"] = [np.nan, *np.arange(10.0)]
    cells.write_h5ad("missing.h5ad")
    design = design_of(Path("missing.h5ad"), None)
    assert design["batch"].to_list()[:2] == [None, "1"]
    assert design["score"].to_list()[:2] == [None, "0.0"]


def test_a_run_that_cannot_be_told_from_the_contrast_is_told(files, capsys):
    cells = anndata.read_h5ad("sums.h5ad")
    cells.obs["run"] = ["A" if visit == "product" else "B" for visit in cells.obs["visit"]]
    cells.write_h5ad("runs.h5ad")
    told = "the samples of visit:D28/product differ in run in all 4 subjects in whom it is known"
    assert run("runs.h5ad", "--contrast", "visit:D28/product", "-o", "de.csv") == 0
    assert told in capsys.readouterr().err
    assert run("sums.h5ad", "--contrast", "visit:D28/product", "-o", "de.csv") == 0
    assert "cannot be told from it" not in capsys.readouterr().err


def test_a_missing_visit_is_told(files, capsys):
    asked = ["sums.h5ad", "--contrast", "visit:D7/product", "--pooled", "-o", "de.csv"]
    assert run(*asked, "--subjects", "correlated") == 0
    assert "voom_correlated, correlation 0.236, 4 subjects" in capsys.readouterr().err
    assert run(*asked) == 0
    assert "  1 subject left out: no sample of D7: 003" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["counts.tsv", "--contrast", "visit:D28/product"], 2, "a text file of counts needs --design"),
        (["sums.h5ad", "--contrast", "visit:D28/product", "--where", "visit"], 2, "write COLUMN=VALUE"),
        (["sums.h5ad", "--contrast", "D28-product"], 3, "not a contrast; found 'D28-product'"),
        (["sums.h5ad", "--contrast", "visit:D28/product", "--where", "visit=D8"], 3, "no sample is of this level"),
        (["sums.h5ad", "--contrast", "visit:D28/product", "--covariate", "subject"], 3, "confounded with subject"),
    ],
)
def test_mistakes_end_with_their_code(files, capsys, arguments, code, words):
    assert run(*arguments) == code
    assert words in capsys.readouterr().err


def test_a_contrast_that_cannot_be_made_ends_with_4_and_the_other_is_written(files, capsys):
    asked = ["--contrast", "visit:D29/product", "--contrast", "visit:D28/product"]
    assert run("sums.h5ad", *asked, "-o", "de.csv", "--left-out", "left_out.csv") == 4
    assert "visit:D29/product: contrast left out: column visit: no sample is of this level" in capsys.readouterr().err
    assert pl.read_csv("de.csv")["contrast"].unique().to_list() == ["visit:D28/product"]
    assert pl.read_csv("left_out.csv")["what"].unique().sort().to_list() == ["contrast", "gene", "sample"]
    assert run("sums.h5ad", "--contrast", "visit:D29/product") == 3


def test_samples_that_do_not_match_are_refused(files, capsys):
    pl.read_csv("design.csv", infer_schema=False).head(9).write_csv("design.csv")
    assert run("counts.tsv", "--design", "design.csv", "--contrast", "visit:D28/product") == 3
    assert "counts and design do not name the same samples" in capsys.readouterr().err


def test_faults_of_a_design_name_its_file_and_sample(files, capsys):
    design = pl.read_csv("design.csv", infer_schema=False)
    one = design["sample"][1]
    asked = ["counts.tsv", "--contrast", "visit:D28/product", "--design"]
    without = pl.when(pl.col("sample") != one).then("subject").alias("subject")
    design.with_columns(without).reverse().write_csv("none.csv")
    assert run(*asked, "none.csv") == 3
    told = f"none.csv, column subject: the design lacks a value; found 'none of sample {one}'"
    assert told in capsys.readouterr().err
    pl.concat([design, design[1:2]]).write_csv("twice.csv")
    assert run(*asked, "twice.csv") == 3
    told = f"twice.csv, row {design.height + 2}, column sample: the design names a sample twice; found '{one}'"
    assert told in capsys.readouterr().err


def test_counts_with_a_sample_a_row_are_told_how_they_should_lie(files, capsys):
    table = pl.read_csv("counts.tsv", separator="\t")
    turned = table.transpose(include_header=True, header_name="gene", column_names="gene")
    turned.write_csv("turned.tsv", separator="\t")
    assert run("turned.tsv", "--design", "design.csv", "--contrast", "visit:D28/product") == 3
    assert "a text file of counts has a row a gene and a column a sample" in capsys.readouterr().err


def test_log_counts_are_refused(files, capsys):
    table = pl.read_csv("counts.tsv", separator="\t")
    table.with_columns((pl.exclude("gene") + 1).log(2)).write_csv("logged.tsv", separator="\t")
    assert run("logged.tsv", "--design", "design.csv", "--contrast", "visit:D28/product") == 3
    assert "these are not raw counts" in capsys.readouterr().err
