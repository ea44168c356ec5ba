"""What a notebook gives in place of a tube, a gating or kits is refused in words that tell what is wanted."""

import re

import numpy as np
import polars as pl
import pytest

import tilseq as ts
from tilseq.errors import AnalysisError

KIT = ts.io.read_kit("cba_6plex")
SHEET = pl.DataFrame({"plate": ["P"], "well": ["A01"], "path": ["a.fcs"], "role": ["blank"], "kit": ["cba_6plex"],
                      "scale": [None]})  # fmt: skip
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
    with pytest.raises(AnalysisError, match=re.escape(words)):
        call()


def test_a_sheet_of_pandas_is_read():
    read = ts.io.read_wells(SHEET.to_pandas(), "nowhere", {"cba_6plex": KIT})
    assert read.lost == {("P", "A01"): "nowhere/a.fcs: cannot open: No such file or directory"}
