"""The table of cells that are held against an infusion product."""

from __future__ import annotations

from tilseq.tables.outputs import SAMPLE
from tilseq.tables.schema import Column, Table
from tilseq.tables.tracking import ORIGIN_WORDS

# What the product tells of a cell: the one vocabulary of labels, and of the statuses that cells are summed by.
LABELS = INFUSED, NOT_SEEN, UNDECIDED, NO_RECEPTOR = ("infused", "not_seen_in_product", "undecided", "no_receptor")
ORIGIN = Column(
    "origin",
    "text",
    "Where its clone comes from, as in `origins`; null where the label is undecided or nothing is known.",
    allowed=ORIGIN_WORDS,
)
MATCHED_BY = ("both", "beta", "alpha", "alpha_of_dual", "alpha_of_mate")

CELL_LABELS = Table(
    "cell_labels",
    "One cell of one sample a row: whether its clone is in the infusion product, and the chance that it was.",
    (
        SAMPLE,
        Column("cell_id", "text", "Barcode of the cell.", needed=True),
        Column(
            "label",
            "text",
            "Seen in the product, not seen in it (which is not endogenous), undecided, or without TRA and TRB.",
            needed=True,
            allowed=LABELS,
        ),
        Column(
            "probability",
            "number",
            "Chance that the clone of the cell was in the product, seen there or not; null where it cannot be told.",
            minimum=0,
            maximum=1,
        ),
        Column(
            "matched_by",
            "text",
            "Chains by which it matches: both, TRB alone, TRA alone, one TRA of two, or the TRB that other cells have "
            "beside its TRA.",
            allowed=MATCHED_BY,
        ),
        Column("locus", "text", "Locus of the junction that the product was searched for."),
        Column("junction", "text", "That nucleotide junction."),
        Column("product_share", "number", "Its share of the counts of the product, the mean of its libraries."),
        Column("product_count", "integer", "Its counts in the product, of all libraries."),
        Column("product_lots", "text", "Libraries of the product that hold it, parted by `;`."),
        Column("product_n_effective", "number", "Effective cells of the product at the locus.", unit="cells"),
        Column("cells_of_clone", "integer", "Cells of the sample with the junction.", minimum=1),
        ORIGIN,
        Column("reason", "text", "Why there is no chance, or why the label is undecided."),
    ),
    key=("sample", "cell_id"),
)
