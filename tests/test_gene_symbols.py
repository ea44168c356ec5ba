"""Names of genes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tilseq.gene_symbols import (
    ALIASES,
    ensembl_gene,
    gene_names,
    is_transcript,
    present_symbol,
    retired_symbols,
    sum_by_gene,
    symbol_beside_id,
    told_of_renamed,
    told_of_unfound,
)


@pytest.mark.parametrize(
    ("retired", "present"),
    [("C10orf54", "VSIR"), ("FAM65B", "RIPOR2"), ("TMEM173", "STING1"), ("CARS", "CARS1"), ("HIST1H4C", "H4C3")],
)
def test_a_retired_symbol_has_a_present_one(retired, present):
    assert present_symbol(retired) == present
    assert present_symbol(present) == present


@pytest.mark.parametrize("word", ["TCF1", "IL1RA", "ERK", "LYP"])
def test_a_word_that_means_another_gene_today_is_no_retired_symbol(word):
    # HGNC's previous symbols of HNF1A, IL1R1, EPHB2 and SH2D1A; UniProt's short names of TCF7 (P36402), IL1RN (P18510),
    # MAPK3 (P27361) and PTPN22 (Q9Y2R2).
    assert present_symbol(word) == word


def test_no_symbol_is_both_retired_and_present():
    assert not set(retired_symbols()) & set(retired_symbols().values())


def test_an_ensembl_id_loses_its_version():
    assert ensembl_gene("ENSG00000153563.15") == ensembl_gene("ENSG00000153563") == "ENSG00000153563"
    assert ensembl_gene("ENSG00000182378.14_PAR_Y") == "ENSG00000182378"
    assert ensembl_gene("CD8A") is ensembl_gene("ENST00000283635.8") is None


def test_names_by_the_files_own_map():
    names, told = gene_names(["ENSG00000153563.15", "ENSG00000000001", "KIAA0101"], {"ENSG00000153563": "CD8A"})
    assert names == ("CD8A", "ENSG00000000001", "PCLAF")
    assert told == (
        "1 of 3 genes are Ensembl ids without a symbol, which no gene set finds",
        "1 retired symbols are read as the present ones: KIAA0101 → PCLAF",
    )


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=5))
def test_sums_are_the_same_dense_and_sparse_and_lose_no_count(rows):
    counts, names = np.array(rows), ["A", "B", "A", "C"]
    dense, genes, told = sum_by_gene(counts, names)
    sparse, _, _ = sum_by_gene(csr_array(counts), names)
    assert genes == ("A", "B", "C")
    assert dense.tolist() == sparse.toarray().tolist() == [[a + c, b, d] for a, b, c, d in rows]
    assert told == ("1 gene stands in several rows, which are summed: A",)


def test_genes_of_sets_that_the_data_write_with_other_capitals_are_told():
    genes = ["Gzmb", "PRF1", "prf1", "Nkg7", "Vsir"]
    sets = {"one": ["GZMB", "PRF1", "IL2"], "two": ["GZMB", "nkg7", "C10orf54"]}
    assert told_of_unfound(genes, sets) == (
        "3 genes of the sets are not found, as capitals differ: GZMB (in the data Gzmb), VSIR (in the data Vsir), "
        "nkg7 (in the data Nkg7): write both alike; human symbols are in capitals, those of a mouse are other genes",
    )
    assert told_of_unfound(["GZMB", "C15orf39"], {"one": ["GZMB", "C15orf39", "IL2"]}) == ()


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("ENSG00000010610_CD4", "CD4"),  # RSEM
        ("ENSG00000010610.10_CD4", "CD4"),
        ("ENSG00000182162.11_PAR_Y_P2RY8", "P2RY8"),
        ("ENSG00000010610|CD4", "CD4"),  # StringTie
        ("CD4|ENSG00000010610.10", "CD4"),
        ("HLA-DRA_ENSG00000204287", "HLA-DRA"),
        ("CD4|920", "CD4"),  # TCGA, with Entrez's number
        ("?|100130426", "100130426"),
        ("GRCh38_CD4", "CD4"),  # 10x
        ("hg19_ENSG00000010610", "ENSG00000010610"),
        ("mm10_Cd4", None),
        ("ENSG00000000001.2_ENSG00000000001.2", "ENSG00000000001"),
        ("ENSG00000223972_Y_RNA", "Y_RNA"),
        ("ENSG00000010610.10", None),
        ("ENSG00000182162.11_PAR_Y", None),
        ("Y_RNA", None),
        ("CD4", None),
        ("MSTRG.7|CD4", None),
        ("ENSG00000010610|CD4|protein_coding", None),
    ],
)
def test_the_symbol_of_a_name_with_an_id(name, symbol):
    assert symbol_beside_id(name) == symbol


def test_names_of_several_parts_and_of_a_mouse_are_told():
    listed = ["ENSG00000010610_CD4", "ENSG00000166803.11|KIAA0101", "ENSMUSG00000023274.15", "MSTRG.7|CD4", "?|7"]
    assert gene_names(listed) == (
        ("CD4", "PCLAF", "ENSMUSG00000023274.15", "MSTRG.7|CD4", "7"),
        (
            "3 names with an id or genome beside the symbol are read as the symbol: ENSG00000010610_CD4 → CD4, "
            "ENSG00000166803.11|KIAA0101 → KIAA0101, ?|7 → 7",
            "1 of 5 genes have a number for a name, which no gene set finds",
            "1 of 5 genes are those of another species, which no gene set finds: ENSMUSG00000023274.15",
            "1 of 5 genes have a name of several parts, which no gene set finds: MSTRG.7|CD4",
            "1 retired symbols are read as the present ones: KIAA0101 → PCLAF",
        ),
    )


@pytest.mark.parametrize("name", ["ENST00000011653.9", "ENST00000011653.9|ENSG00000010610.10|CD4-201|", "NM_000616.5"])
def test_transcripts_are_known(name):
    assert is_transcript(name)
    assert not is_transcript("ENSG00000010610")


def test_genes_of_sets_that_are_read_under_another_name_or_not_found_by_an_alias_are_told():
    # HGNC: FAM46C was renamed TENT5C; PD-1 is an alias of PDCD1, GITR of TNFRSF18, and neither is a symbol.
    sets = {"one": ["FAM46C", "PD-1", "CD8A"], "two": ["GITR", "Gitr", "CD4", "PD-1"]}
    assert told_of_renamed(sets) == ("1 retired symbols of the sets are read as the present ones: FAM46C → TENT5C",)
    assert told_of_unfound(["PDCD1", "TENT5C", "CD8A", "cd4"], sets) == (
        "3 genes of the sets are not found, as their names are aliases: GITR (TNFRSF18), Gitr (TNFRSF18), PD-1 (PDCD1)"
        ": write the symbol",
        "1 genes of the sets are not found, as capitals differ: CD4 (in the data cd4): write both alike; human symbols "
        "are in capitals, those of a mouse are other genes",
    )
    assert told_of_renamed({"one": ["TENT5C"]}) == told_of_unfound(["CD8A", "GITR"], {"one": ["CD8A", "GITR"]}) == ()


def test_no_alias_is_a_symbol_or_read_as_another_gene():
    assert not set(ALIASES) & {*retired_symbols(), *retired_symbols().values(), *ALIASES.values()}
