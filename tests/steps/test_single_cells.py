import polars as pl
import pytest

from tilseq.steps import repertoire
from tilseq.steps.job import Job

HEADER = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,c_gene,productive,cdr3,cdr3_nt,reads,umis\n"
CELLS = {
    "a": [("TRA", "AAA", 3), ("TRB", "CCC", 4)],
    "b": [("TRA", "AAA", 3), ("TRA", "GGG", 2), ("TRB", "CCC", 4)],
    "c": [("TRB", "CCC", 4)],
    "d": [("TRA", "TTT", 1), ("TRB", "CCC", 2), ("TRB", "GGG", 1)],
}


@pytest.fixture
def run(tmp_path, sample):
    def run(cells, *, locus=None, assay="tcr"):
        path = tmp_path / "contigs.csv"
        lines = [
            f"{cell}-1,true,{cell}-1_{i},true,{chain},{chain}V1,{chain}J1,None,true,CAF,{junction},9,{umis}\n"
            for cell, chains in cells.items()
            for i, (chain, junction, umis) in enumerate(chains)
        ]
        path.write_text(HEADER + "".join(lines))
        arguments = {"dialect": None, "locus": locus, "least_yield": 0.05, "family_threshold": None}
        row = sample("a", path="raw/contigs.csv", assay=assay)
        folder = tmp_path / "work" / "repertoire" / "a"
        job = Job("repertoire", "a", "repertoire/a", paths=(str(path),), arguments=arguments, sample=row)
        repertoire.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}

    return run


def test_cells_and_their_quality(run):
    tables = run(CELLS)
    told = tables["cells"].select("cell_id", "chain_pairing", "dual_alpha", "doublet")
    assert told.rows() == [
        ("a-1", "single pair", False, None),
        ("b-1", "extra VJ", True, None),
        ("c-1", "orphan VDJ", False, None),
        ("d-1", "extra VDJ", False, "possible"),
    ]
    assert tables["cell_quality"].filter(call="dual_alpha").select("category", "cells").rows() == [
        ("dual alpha", 1),
        ("not", 3),
    ]
    checks = tables["quality"].filter(pl.col("check").is_in(["doublets", "full pairs"]))
    assert checks.select("sample", "check", "value", "verdict").rows() == [
        ("a", "doublets", 0.25, "warn"),
        ("a", "full pairs", 0.75, "pass"),
    ]


@pytest.mark.parametrize("locus", [None, "TRB"])
def test_pairs_are_clonotypes_whatever_the_locus(run, locus):
    tables = run(CELLS, locus=locus)
    assert tables["paired_clones"].select("locus", "junction", "duplicate_count").rows() == [
        ("TRA+TRB", "AAA+CCC", 2),
        ("TRA+TRB", "TTT+CCC", 1),
    ]
    richness = tables["endpoints"].filter(parameter="richness", qualifier="locus=TRA+TRB").row(0, named=True)
    assert (richness["value"], richness["n"]) == (2, 3)
    assert richness["method"] == "key: nucleotide junctions of both chains; counts: cells"
    assert "TRA+TRB" in tables["diversity"]["locus"]
    alone = tables["exclusions"].filter(rule="cell without a pair of chains: orphan VDJ")
    assert alone.select("sample", "file", "rows", "counts").rows() == [("a", "raw/contigs.csv", 1, 1)]
    assert tables["clonotypes"]["locus"].unique().sort().to_list() == (["TRB"] if locus else ["TRA", "TRB"])


def test_b_cells_are_paired_too(run):
    tables = run({"x": [("IGH", "TGTGCGTGG", 2), ("IGK", "TGTTTT", 9)]}, assay="bcr")
    assert tables["paired_clones"].select("locus", "junction").rows() == [("IGH+IGK", "TGTGCGTGG+TGTTTT")]
    assert tables["families"]["family_id"].to_list() == ["IGHV1.IGHJ1.9.1"]


def test_a_file_without_a_cell_leaves_empty_tables(run):
    tables = run({})
    assert tables["cells"].height == tables["paired_clones"].height == tables["cell_quality"].height == 0
    assert tables["quality"].filter(pl.col("verdict") != "pass")["check"].to_list() == ["clonotypes"]
