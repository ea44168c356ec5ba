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
# Of 40 clones that are called infused alone 10 are expected to be wrong: 3 of 4 are right.
CLASSES = pl.DataFrame(
    {"locus": ["TRB"] * 3, "origin": ["infused_only", "infused_and_preexisting", "emergent"], "clones": [40, 7, 200],
     "wrong_expected": [10.0, None, 3.0]}
)  # fmt: skip


def test_a_cell_has_the_origin_of_its_clone_and_the_share_of_the_class_that_is_right():
    labels = CELL_LABELS.frame(
        [{"sample": "s", "cell_id": c, "label": label, "locus": locus, "junction": j} for c, label, locus, j in ROWS]
    )
    found = with_origins(labels, ORIGINS, CLASSES)
    assert found.select("cell_id", "origin", "origin_probability").rows() == [
        ("c1", "infused_only", 0.75),
        ("c2", "infused_and_preexisting", None),
        ("c3", "emergent", 0.985),
        ("c4", None, None),
        ("c5", None, None),
        ("c6", None, None),
        ("c7", None, None),
    ]
    assert found.drop("origin", "origin_probability").equals(labels.drop("origin", "origin_probability"))
    assert with_origins(found.to_pandas(), ORIGINS.to_pandas(), CLASSES.to_pandas()).equals(found)
