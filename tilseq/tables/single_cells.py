"""Tables of single cells' expression: their quality, the coverage of gene sets, and scores."""

from __future__ import annotations

from tilseq.tables.outputs import SAMPLE
from tilseq.tables.schema import Column, Table

CELL_TYPES = ("CD4", "CD8", "unclear")

CELL_EXPRESSION = Table(
    "cell_expression",
    "One cell a row: what was counted in it, and whether it is kept.",
    (
        Column("sample", "text", SAMPLE.meaning, needed=True),
        Column("cell_id", "text", "Barcode of the cell.", needed=True),
        Column("counts", "integer", "Counts of all genes.", minimum=0),
        Column("genes", "integer", "Genes with a count.", minimum=0),
        Column("percent_mitochondrial", "number", "Percent of its counts that are of mitochondrial genes.", minimum=0),
        Column("doublet_score", "number", "How like simulated doublets it is; null where this was not asked for."),
        Column("cell_type", "text", "CD4 or CD8 T cell, by the transcripts.", allowed=CELL_TYPES),
        Column("kept", "boolean", "It passed every rule.", needed=True),
        Column("reason", "text", "The first rule that it did not pass."),
    ),
    key=("sample", "cell_id"),
)

SIGNATURE_COVERAGE = Table(
    "signature_coverage",
    "One gene set a row: how much of it the data hold, and whether it was scored.",
    (
        Column("sample", "text", "Sample whose genes they are; null where the data are not parted."),
        Column("set", "text", "Gene set.", needed=True),
        Column("axis", "text", "State or pathway that the set stands for; null for a set without one."),
        Column("genes_listed", "integer", "Genes of the set, both directions together.", needed=True, minimum=0),
        Column("genes_found", "integer", "Those that the data hold.", needed=True, minimum=0),
        Column("coverage", "number", "Genes found by genes listed.", minimum=0, maximum=1),
        Column("scored", "boolean", "It was scored.", needed=True),
        Column("reason", "text", "Why it was not."),
    ),
    key=("sample", "set"),
)
