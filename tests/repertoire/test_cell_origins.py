"""The origin of each cell's clone, beside its label."""

import polars as pl

from tilseq.repertoire import with_origins
from tilseq.tables.cell_labels import CELL_LABELS

ROWS = [
    ("c1", "infused", "TRB", "AAA"),
    ("c2", "infused", "TRB", "CCC"),
    ("c3", "not_seen_in_product", "TRB", "GGG"),
    ("c4", "not_seen_in_product", "TRB", "TTT"),
    ("c5", "undecided", "TRB", "AAA"),
    ("c6", "no_receptor", None, None),
    ("c7", "infused", "TRA", "AAA"),
]
SEEN = {"in_product": True, "in_baseline": False, "in_tumor": False}
ORIGINS = pl.DataFrame(
    [
        {"locus": "TRB", "junction": junction, "origin": origin, **SEEN}
        for junction, origin in (("AAA", "infused_only"), ("CCC", "infused_and_preexisting"), ("GGG", "emergent"))
    ]
)


def test_a_cell_has_the_origin_of_its_clone():
    labels = CELL_LABELS.frame(
        [{"sample": "s", "cell_id": c, "label": label, "locus": locus, "junction": j} for c, label, locus, j in ROWS]
    )
    found = with_origins(labels, ORIGINS)
    assert found.select("cell_id", "origin").rows() == [
        ("c1", "infused_only"),
        ("c2", "infused_and_preexisting"),
        ("c3", "emergent"),
        ("c4", None),
        ("c5", None),
        ("c6", None),
        ("c7", None),
    ]
    assert found.drop("origin").equals(labels.drop("origin"))
    assert with_origins(found.to_pandas(), ORIGINS.to_pandas()).equals(found)
