"""The table of what was compared in the expression of a study's samples, and what came of it."""

from __future__ import annotations

from tilseq.tables.differential import ENGINES
from tilseq.tables.schema import Column, Table

TRANSCRIPTOME = Table(
    "transcriptome",
    "One comparison of one population of samples a row: who took part, and how much changed.",
    (
        Column("population", "text", "Bulk RNA, or which cells were summed.", needed=True),
        Column("contrast", "text", "What is compared, as in `differential` and `enrichment`.", needed=True),
        Column("subjects", "integer", "Subjects that have all samples of it.", minimum=0),
        Column("left_out", "text", "Subjects that do not, each with its reason, parted by `;`."),
        Column("genes", "integer", "Genes tested.", minimum=0),
        Column("genes_up", "integer", "Of those, up at q below 0.05.", minimum=0),
        Column("genes_down", "integer", "Of those, down at q below 0.05.", minimum=0),
        Column("engine", "text", "What tested them.", allowed=ENGINES),
        Column("sets", "integer", "Gene sets tested.", minimum=0),
        Column("sets_up", "integer", "Of those, up at q below 0.05.", minimum=0),
        Column("sets_down", "integer", "Of those, down at q below 0.05.", minimum=0),
        Column("p_floor", "number", "Smallest p that the test of sets can give.", minimum=0, maximum=1),
        Column("told", "text", "Why there is no number, or what its reader must know."),
    ),
    key=("population", "contrast"),
)
