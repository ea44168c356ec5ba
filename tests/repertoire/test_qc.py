import polars as pl
import pytest

from tilseq.errors import TableError
from tilseq.repertoire import qc
from tilseq.tables import conform
from tilseq.tables.outputs import QUALITY
from tilseq.tables.repertoire import DEPTH


def clones(counts, junction_aa="CASSF"):
    return pl.DataFrame(
        {
            "locus": "TRB",
            "junction": [f"J{i}" for i in range(len(counts))],
            "junction_aa": junction_aa,
            "duplicate_count": counts,
        },
        schema_overrides={"duplicate_count": pl.Int64},
    )


def verdicts(frame):
    return {row["check"]: (row["value"], row["verdict"]) for row in frame.iter_rows(named=True)}


def test_what_is_well_passes():
    left_out = pl.DataFrame({"rule": ["not productive", "no junction"], "rows": [2, 1], "counts": [7.0, 1.0]})
    found = qc(clones([3, 1, 1]), sample="s", count_of="templates", exclusions=left_out)
    assert verdicts(found) == {
        "anchors TRB": (0, "pass"),
        "clonotypes": (3, "pass"),
        "counts": (5, "pass"),
        "left out": (0.5, "pass"),
        "left out: no junction": (1 / 6, "pass"),
        "left out: not productive": (2 / 6, "pass"),
        "singletons TRB": (2 / 3, "pass"),
    }
    assert conform(found, QUALITY).equals(found)
    of_cells = qc(clones([3, 1, 1]), sample="s", count_of="cells", exclusions=left_out)
    assert verdicts(of_cells)["left out"] == (3 / 8, "pass")
    of_sequences = qc(clones([3, 1, 1]), sample="s", exclusions=left_out, rows_kept=27)  # nine rows a clone
    assert verdicts(of_sequences)["left out"] == (0.1, "pass")
    assert "3 rows left out, 27 kept" in of_sequences["reason"]


def behind(cells_from, cells, n_effective, locus="TRB"):
    """Rows of the table `depth`."""
    row = {"sample": "s", "locus": locus, "counts": 1, "count_of": "reads", "cells_from": cells_from}
    return DEPTH.frame([{**row, "cells": cells, "n_effective": n_effective}])


@pytest.mark.parametrize(
    ("table", "options", "check", "expected"),
    [
        (clones([]), {}, "clonotypes", (0, "fail")),
        (clones([1]), {"count_of": "reads"}, "counts", (1, "warn")),
        (clones([1]), {}, "counts", (1, "warn")),
        (clones([1]), {"count_of": "reads", "depth": behind("declared", 1, 0.5)}, "counts", (1, "pass")),
        (clones([1]), {"count_of": "reads", "depth": behind("not_known", None, None)}, "counts", (1, "warn")),
        (clones([2] * 100), {}, "singletons TRB", (0, "warn")),
        (clones([2] * 99), {}, "singletons TRB", (0, "pass")),
        (clones([1] * 300), {"count_of": "templates"}, "singletons TRB", (1, "warn")),
        (clones([1] * 299), {"count_of": "templates"}, "singletons TRB", (1, "pass")),
        (clones([1] * 300), {"count_of": "cells"}, "singletons TRB", (1, "pass")),
        (clones([2] + [1] * 299), {}, "singletons TRB", (299 / 300, "pass")),
        (clones([1], "ASSF"), {}, "anchors TRB", (1, "warn")),
        (clones([1], None), {}, "anchors TRB", (1, "warn")),
        (clones([1], "CASSW"), {}, "anchors TRB", (0, "pass")),
        (
            clones([1]),
            {"exclusions": pl.DataFrame({"rule": ["not productive"], "rows": [3], "counts": [3.0]})},
            "left out",
            (0.75, "warn"),
        ),
    ],
)
def test_what_a_reader_should_look_at_warns(table, options, check, expected):
    assert verdicts(qc(table, sample="s", **options))[check] == expected


@pytest.mark.parametrize(
    ("locus", "cells_from", "cells", "clones_seen", "told"),
    [
        ("TRB", "declared", 10, 11, [(10, "warn")]),
        ("TRB", "input_ng", 10, 11, [(10, "warn")]),
        ("TRB", "declared", 10, 10, []),
        ("TRA", "declared", 10, 20, []),  # a cell may have two
        ("TRA", "declared", 10, 21, [(10, "warn")]),
        ("TRB", "replicates", 10, 11, []),
    ],
)
def test_more_clones_than_cells_told_can_hold_warn(locus, cells_from, cells, clones_seen, told):
    table = clones([5] * clones_seen).with_columns(locus=pl.lit(locus))
    found = qc(table, sample="s", count_of="umis", depth=behind(cells_from, cells, 9.0, locus))
    assert found.filter(check=f"cells {locus}").select("value", "verdict").rows() == told


def test_what_is_no_clonotype_table_is_refused():
    with pytest.raises(TableError):
        qc(clones([0]), sample="s")


def test_a_clone_in_several_rows_is_refused():
    table = clones([1, 1]).with_columns(junction=pl.Series(["TGTAAA", "tgtaaa"]))
    with pytest.raises(TableError, match="a clone stands in several rows.*found 'TGTAAA'.*sum its rows first"):
        qc(table, sample="s")
