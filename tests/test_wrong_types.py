"""What a notebook gives in place of a tube, a gating, kits, several numbers or words is refused in words."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

import tilseq as ts
from tilseq.errors import TilseqError

KIT = ts.io.read_kit("cba_6plex")
SHEET = pl.DataFrame({"plate": ["P"], "well": ["A01"], "path": ["a.fcs"], "role": ["blank"], "kit": ["cba_6plex"],
                      "scale": [None]})  # fmt: skip
TIMES = pl.DataFrame({"parameter": ["OS"], "subject": ["a"], "days": [10], "event": [True]})
CLONES = pl.DataFrame({"locus": ["TRB"], "junction": ["TGTTTT"], "junction_aa": ["CF"], "duplicate_count": [9]})
LESIONS = pd.DataFrame(
    {"subject": [1, 1], "day": [-8, 41], "lesion": "T1", "role": "target", "diameter_mm": [23.5, 12.0]}
)
GENES = ["CD4", "CD8A", "LAG3"]
DIFFERENCES = pd.DataFrame([[1.0, 2, 3], [2, 1, 4], [0, 1, 1]], columns=GENES)
DESIGN = pl.DataFrame({"sample": ["pre", "post"], "subject": ["a", "a"], "visit": ["D0", "D28"]})
GATE_FIRST = "this is no gated tube; found 'list'; expected a Gating; gate it first, `ts.flow.gate"
BY_NAME = "column kits: kits are given by their names; found '{}'; expected name → Kit; write {{kit.name: kit}}"
CALLS = {
    "gate a path": (
        lambda: ts.flow.gate("tube.fcs", sample="a"),
        "this is no tube; found 'str'; expected what `read_fcs` returns; read the file first: `ts.io.read_fcs(path)`",
    ),
    "gate events": (lambda: ts.flow.gate(np.ones((5, 3)), sample="a"), "this is no tube; found 'ndarray'"),
    "count": (lambda: ts.flow.count([]), GATE_FIRST),
    "cd4_cd8_ratio": (lambda: ts.flow.cd4_cd8_ratio([]), GATE_FIRST),
    "cuts_table": (lambda: ts.flow.cuts_table([]), GATE_FIRST),
    "gates": (lambda: ts.plots.gates([]), GATE_FIRST),
    "find_markers": (
        lambda: ts.flow.find_markers(["FL1-A", "FL2-A"], ["CD3"]),
        "each channel has its $PnN and its $PnS; found '2 and 1'; expected two lists of one length; of a tube "
        "`tube.channels` and `tube.markers`",
    ),
    "find_markers of texts": (lambda: ts.flow.find_markers("AB", "CD"), "each channel has its $PnN and its $PnS"),
    "find_beads, a kit": (lambda: ts.cytokines.find_beads(SHEET, {}, KIT), BY_NAME.format("Kit")),
    "find_beads, kits": (lambda: ts.cytokines.find_beads(SHEET, {}, [KIT]), BY_NAME.format("list")),
    "find_beads, names": (lambda: ts.cytokines.find_beads(SHEET, {}, {"a": "cba_6plex"}), BY_NAME.format("str")),
    "quantify": (lambda: ts.cytokines.quantify(SHEET, SHEET, KIT), BY_NAME.format("Kit")),
    "a landmark": (
        lambda: ts.clinical.survival_estimates(TIMES, at_days=91),
        "column at_days: several are wanted; found 91; write [91]",
    ),
    "an order": (
        lambda: ts.repertoire.hill_profile(CLONES, sample="a", orders=1),
        "column orders: several are wanted; found 1; write [1]",
    ),
    "a depth": (
        lambda: ts.repertoire.rarefaction(CLONES, sample="a", count_of="cells", cells=10),
        "column cells: several are wanted; found 10; write [10]",
    ),
    "origins": (
        lambda: ts.repertoire.origins(CLONES),
        "column frequency: a sample as `effective_clones` gives it needs this column; found 'locus, junction",
    ),
    "miscounting of one library": (
        lambda: ts.repertoire.miscounting([1, 1, 2]),
        "a library is counts of its clones; found 1; expected whole numbers above 0, one a clone, in a list for each",
    ),
    "miscounting of what is missing": (
        lambda: ts.repertoire.miscounting([[1.0, float("nan")]]),
        "a library is counts of its clones; found [1.0, nan]",
    ),
    "a mask of what is missing": (
        lambda: ts.flow.compare({"CD3+": [1.0, float("nan")]}, {"CD3+": [1, 0]}),
        "the mask of CD3+ is not of true and false, or 1 and 0; give labels as a list",
    ),
    "a reference": (
        lambda: ts.clinical.survival_contrasts(TIMES, pl.DataFrame({"subject": ["a"], "arm": ["A"]}), reference="A"),
        "column reference: a reference is of a column of the groups; found 'A'; write {column: 'A'}",
    ),
    "time_to_event of a table": (
        lambda: ts.clinical.time_to_event(TIMES),
        "these are no records; found 'DataFrame'; expected Records; `ts.clinical.clinical_records` gathers them",
    ),
    "adam of no names": (
        lambda: ts.exports.adam([TIMES], TIMES, TIMES, study="x"),
        "tables are given by their names; found 'list'; of results give `.tables`",
    ),
    "adam, another reference": (
        lambda: ts.exports.adam({}, TIMES, TIMES, study="x", reference="infusion_day"),
        "column reference: no such setting; found 'infusion_day'; expected infusion, lymphodepletion",
    ),
    "a subject that lost its zeros": (
        lambda: ts.clinical.response(LESIONS, subjects=pl.DataFrame({"subject": ["001"], "tumor_type": ["melanoma"]})),
        "a subject with lesions is not in subjects; found '1'; did you mean '001'? A spreadsheet may have taken the",
    ),
    "overall_response": (
        lambda: ts.clinical.overall_response("pr", None, False),
        "column target: no such setting; found 'pr'; expected CR, PR, SD, PD, NE; did you mean 'PR'?",
    ),
    "overall_response, others": (
        lambda: ts.clinical.overall_response("PR", "SD", False),
        "column nontarget: no such setting; found 'SD'; expected CR, NON-CR/NON-PD, PD, NE",
    ),
    "sets without names": (
        lambda: ts.expression.camera(DIFFERENCES, GENES, [GENES], contrast="c"),
        "gene sets are lists of genes by their names; found 'list'",
    ),
    "a set of one name": (
        lambda: ts.expression.camera(DIFFERENCES, GENES, {"one": "CD4"}, contrast="c"),
        "the set one is no list of genes; found 'str'",
    ),
    "genes in another order": (
        lambda: ts.expression.camera(DIFFERENCES, GENES[::-1], {"one": GENES}, contrast="c"),
        "a column of the data frame is another's; found 'CD4'; expected LAG3",
    ),
    "ranks in another order": (
        lambda: ts.expression.preranked(pd.Series([3.0, 2.0, 1.0], index=GENES[::-1]), GENES, {"one": GENES}, seed=1),
        "a column of the data frame is another's; found 'LAG3'; expected CD4",
    ),
    "samples in another order": (
        lambda: ts.expression.subject_contrasts(
            pd.DataFrame({"CD4": [1.0, 2.0]}, index=["post", "pre"]), DESIGN, "visit:D28/D0"
        ),
        "a row of the data frame is another's; found 'post'; expected pre",
    ),
    "read_wells": (lambda: ts.io.read_wells(SHEET, ".", KIT), BY_NAME.format("Kit")),
    "read_wells, another": (
        lambda: ts.io.read_wells(SHEET, ".", {"mine": KIT}),
        "column kit: no such kit; found 'cba_6plex'; expected one of mine",
    ),
    "read_well": (
        lambda: ts.io.read_well("a.fcs", "multiplex"),
        "column kit: this is no kit; found 'str'; expected a Kit; read it first: `ts.io.read_kit('multiplex')`",
    ),
}


@pytest.mark.parametrize(("call", "words"), CALLS.values(), ids=CALLS)
def test_a_wrong_kind_is_refused_in_words(call, words):
    with pytest.raises(TilseqError, match=re.escape(words)):
        call()


def test_a_sheet_of_pandas_is_read():
    read = ts.io.read_wells(SHEET.to_pandas(), "nowhere", {"cba_6plex": KIT})
    assert read.lost == {("P", "A01"): "nowhere/a.fcs: cannot open: No such file or directory"}
