"""Numbers given by locus, or by sample and locus, count under the names that the tables have, or are refused."""

import polars as pl
import pytest

import tilseq as ts
from tilseq.errors import AnalysisError

TABLE = pl.DataFrame(
    {
        "locus": ["TRB"] * 3,
        "junction": ["TGTAAATTT", "TGTCCCTTT", "TGTGGGTTT"],
        "junction_aa": ["CKF", "CPF", "CGF"],
        "v_call": ["TRBV1"] * 3,
        "j_call": ["TRBJ1-1"] * 3,
        "duplicate_count": [50, 30, 20],
    }
)
ADAPTIVE = {"TCRB": 40.0}
CALLS = {
    "diversity": lambda: ts.repertoire.diversity(TABLE, sample="a", count_of="templates", n_effective=ADAPTIVE),
    "cells": lambda: ts.repertoire.diversity(TABLE, sample="a", count_of="templates", cells=ADAPTIVE),
    "counting": lambda: ts.repertoire.diversity(TABLE, sample="a", count_of="templates", counting={"TCRB": "once"}),
    "hill_profile": lambda: ts.repertoire.hill_profile(TABLE, sample="a", n_effective=ADAPTIVE),
    "rarefaction": lambda: ts.repertoire.rarefaction(TABLE, sample="a", n_effective=ADAPTIVE),
    "usage": lambda: ts.repertoire.usage(TABLE, sample="a", n_effective=ADAPTIVE),
    "effective_clones": lambda: ts.repertoire.effective_clones(TABLE, ADAPTIVE),
    "persistence": lambda: ts.repertoire.persistence(TABLE, TABLE, sample="a", n_effective=ADAPTIVE),
    "at_cells": lambda: ts.repertoire.persistence(TABLE, TABLE, sample="a", at_cells=ADAPTIVE),
    "overlap": lambda: ts.repertoire.overlap({"a": TABLE, "b": TABLE}, n_effective={"a": ADAPTIVE}),
    "change": lambda: ts.repertoire.change(TABLE, TABLE, samples=("a", "b"), n_effective=(ADAPTIVE, ADAPTIVE)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_name_of_no_locus_is_refused(call):
    with pytest.raises(
        AnalysisError, match=r"no such locus; found 'TCRB'; expected TRA, TRB, .*; did you mean 'TRB'\?"
    ):
        call()


def test_a_locus_that_the_table_has_not_is_no_matter():
    found = ts.repertoire.usage(TABLE, sample="a", n_effective={"TRB": 40.0, "TRA": 12.0})
    assert found.filter(feature="v_call", weight="counts")["n"].to_list() == [40.0]


def test_overlap_wants_numbers_by_sample():
    with pytest.raises(
        AnalysisError, match=r"the effective numbers of TRB are not by locus; found 40\.0; expected sampl"
    ):
        ts.repertoire.overlap({"a": TABLE, "b": TABLE}, n_effective={"TRB": 40.0})
    with pytest.raises(AnalysisError, match="effective numbers are of none of the samples; found 'D28'; expected a, b"):
        ts.repertoire.overlap({"a": TABLE, "b": TABLE}, n_effective={"D28": {"TRB": 40.0}})


@pytest.mark.parametrize("samples", [TABLE, [TABLE, TABLE], TABLE.to_pandas()], ids=["table", "list", "pandas"])
def test_overlap_wants_names(samples):
    with pytest.raises(
        AnalysisError, match=r"samples are tables by their names; .*; name each, as \{'baseline': table"
    ):
        ts.repertoire.overlap(samples)


@pytest.mark.parametrize("name", ["IGH families", "TRA+TRB"])
def test_families_and_pairs_are_named_by_their_loci(name):
    table = TABLE.with_columns(locus=pl.lit(name))
    assert ts.repertoire.effective_clones(table, {name: 40.0})["cells"].to_list() == [20.0, 12.0, 8.0]
