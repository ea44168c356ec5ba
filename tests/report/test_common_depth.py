from types import SimpleNamespace

import polars as pl

from tilseq.report.common_depth import common_depth
from tilseq.tables.repertoire import DEPTH, DIVERSITY


def results(rows, depth):
    known = {"subject": "S1", "visit": "D28", "day": 28, "specimen": "blood", "assay": "tcr", "state": "ok"}
    diversity = DIVERSITY.frame(rows).with_columns(*(pl.lit(value).alias(name) for name, value in known.items()))
    return SimpleNamespace(tables={"depth": DEPTH.frame(depth)}, with_sample=lambda name: diversity)


def test_values_stand_beside_their_depth_and_where_its_cells_are_known_from():
    row = {"sample": "a", "locus": "TRB", "n": 4000, "over": "subject", "value": 250.0, "lower": 240.0, "upper": 260.0}
    rows = [
        {**row, "parameter": "richness_at_n", "depth": 1500},
        {**row, "parameter": "richness_at_coverage", "depth": 2000.5, "at_coverage": 0.91},
        {**row, "parameter": "richness_at_n", "depth": 1500, "over": "study", "value": 9.0},
        {**row, "parameter": "richness", "over": None, "depth": 4000},
    ]
    depth = [
        {"sample": name, "locus": "TRB", "counts": 9000, "count_of": "reads", "cells_from": told}
        for name, told in (("a", "replicates"), ("b", "not_known"))
    ]
    view = common_depth(results(rows, depth), "subject")
    (cells,) = view.rows
    assert [cell.text for cell in cells] == [
        *("S1", "D28", "28", "a", "TRB", "4,000"),
        *("1,500", "250", "–", "–", "0.910", "250", "–", "–"),
    ]
    assert [cells[5].note, cells[7].note, cells[7].kind] == ["estimated from replicates", "(240-260)", "limits"]
    assert len(view.heads) == len(cells)
    assert view.title == "Diversity at the depth that samples of one subject have in common"
    assert len(common_depth(results(rows, depth), "study").rows) == 1
    assert common_depth(results(rows[3:], depth), "subject").rows == []
