"""Tables of single cells' expression: which cells are kept, the coverage of gene sets, and the cells' receptors."""

from __future__ import annotations

from tilseq.tables.cell_labels import LABELS, ORIGIN
from tilseq.tables.outputs import SAMPLE
from tilseq.tables.schema import Column, Table

CELL_TYPES = ("CD4", "CD8", "unclear")
MEASURES = ("counts", "genes", "percent_mitochondrial")
SPELLINGS = ("as written", "without lane and sample", "bases and lane", "bases")

CELL_EXPRESSION = Table(
    "cell_expression",
    "One cell a row: what was counted in it, and whether it is kept.",
    (
        SAMPLE,
        Column("cell_id", "text", "Barcode of the cell.", needed=True),
        Column("counts", "integer", "Counts of all genes.", minimum=0),
        Column("genes", "integer", "Genes with a count.", minimum=0),
        Column("percent_mitochondrial", "number", "Percent of its counts that are of mitochondrial genes.", minimum=0),
        Column("doublet_score", "number", "How like simulated doublets it is; null where this was not asked for."),
        Column(
            "cell_type",
            "text",
            "CD4 or CD8 T cell, by the transcripts; unclear too where it is not kept.",
            allowed=CELL_TYPES,
        ),
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

QUALITY_LIMITS = Table(
    "quality_limits",
    "One measure of one sample's cells a row: the limits that a cell must lie within.",
    (
        SAMPLE,
        Column("measure", "text", "What is measured.", needed=True, allowed=MEASURES),
        Column("lower", "number", "Least value that is kept; null for none."),
        Column("upper", "number", "Greatest value that is kept; null for none."),
        Column("median", "number", "Median over the sample's cells; null without any."),
    ),
    key=("sample", "measure"),
)

_BY_CHAINS = "; null without a table of chains, as in a run."
CELL_STATUS = Table(
    "cell_status",
    "One cell a row: whether its clone was infused, and what its receptor is (in a run the table `cells` tells it).",
    (
        SAMPLE,
        Column("cell_id", "text", "Barcode of the cell, as the expression has it.", needed=True),
        Column(
            "status",
            "text",
            "Its clone is in the infusion product, not seen in it (which is not endogenous), undecided, or not known.",
            needed=True,
            allowed=LABELS,
        ),
        Column("probability", "number", "Chance that its clone was in the product.", minimum=0, maximum=1),
        Column("product_n_effective", "number", "Effective cells of the product, its depth.", unit="cells"),
        ORIGIN,
        Column("receptor_type", "text", f"TCR, BCR, ambiguous, multichain or no IR{_BY_CHAINS}"),
        Column("chain_pairing", "text", f"How its chains pair{_BY_CHAINS}"),
        Column("doublet", "text", f"Whether it may be two cells{_BY_CHAINS}", allowed=("likely", "possible")),
    ),
    key=("sample", "cell_id"),
)

RECEPTOR_OVERLAP = Table(
    "receptor_overlap",
    "One table of receptors of one sample a row: how many of its cells the expression has.",
    (
        SAMPLE,
        Column("source", "text", "Labels, as in a run, or chains.", needed=True, allowed=("labels", "chains")),
        Column("cells", "integer", "Cells with expression.", needed=True, minimum=0),
        Column("receptors", "integer", "Cells with a receptor.", needed=True, minimum=0),
        Column("matched", "integer", "Cells with both.", needed=True, minimum=0),
        Column("overlap", "number", "matched by the fewer of both; null where there is none.", minimum=0, maximum=1),
        Column("spelling", "text", "What of the barcodes had to agree.", allowed=SPELLINGS),
    ),
    key=("sample", "source"),
)
