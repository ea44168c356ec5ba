"""The tables of summed cells and of genes that differ between samples of one subject."""

from __future__ import annotations

from tilseq.tables.outputs import SAMPLE
from tilseq.tables.schema import Column, Table

ENGINES = ("voom", "voom_correlated", "deseq2")

PSEUDOBULK_GROUPS = Table(
    "pseudobulk_groups",
    "One group of cells a row: cells of one subject, visit, specimen, type and status whose counts are summed.",
    (
        Column("group", "text", "Name of the group: its parts that are there, joined by `|`.", needed=True),
        Column("subject", "text", "Subject identifier; null where the cells have none, and the group is left out."),
        Column("visit", "text", "Visit."),
        Column("day", "integer", "Study day, where all cells of the group have the same."),
        Column("specimen", "text", "Specimen."),
        Column("cell_type", "text", "CD4, CD8 or unclear."),
        Column("status", "text", "Held against the product: infused, not in it (which is not endogenous), and so on."),
        Column("samples", "text", f"The samples that the cells are of, parted by `;`. {SAMPLE.meaning}"),
        Column("cells", "integer", "Cells of the group.", needed=True, minimum=1),
        Column("counts", "integer", "Sum of their counts.", needed=True, minimum=0),
        Column("kept", "boolean", "The group has its sum among the pseudobulk samples.", needed=True),
        Column("reason", "text", "Why not."),
    ),
    key=("group",),
)

DIFFERENTIAL = Table(
    "differential",
    "One gene of one contrast a row: how much its expression differs, as subjects replicate it.",
    (
        Column(
            "contrast", "text", "FACTOR:LEVEL/REFERENCE, LEVEL minus REFERENCE; of two, joined by `*`.", needed=True
        ),
        Column("gene", "text", "Symbol of the gene.", needed=True),
        Column("mean_log2_cpm", "number", "Mean of its log2 counts per million over the samples of the model."),
        Column("log2_fold_change", "number", "Estimate; of an interaction the difference of two."),
        Column("lower", "number", "Lower limit of its 95 % interval."),
        Column("upper", "number", "Upper limit of its 95 % interval."),
        Column("t", "number", "Moderated t; of deseq2 Wald's z."),
        Column("df", "number", "Degrees of freedom, those of the prior among them; null where t is z.", above=0),
        Column("p", "number", "Two-sided p; null where deseq2 holds a count for an outlier.", minimum=0, maximum=1),
        Column(
            "q", "number", "False discovery rate within the family, by Benjamini and Hochberg.", minimum=0, maximum=1
        ),
        Column("family", "text", "Tests that q is over.", needed=True),
        Column("subjects", "integer", "Subjects that the estimate rests on.", needed=True, minimum=1),
        Column(
            "engine",
            "text",
            "voom with a level for each subject, voom with subjects as a correlation between their samples, or deseq2.",
            needed=True,
            allowed=ENGINES,
        ),
    ),
    key=("contrast", "gene"),
)
