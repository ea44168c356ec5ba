"""The tables of gene-set enrichment."""

from __future__ import annotations

from tilseq.tables.differential import POPULATION
from tilseq.tables.outputs import SAMPLE
from tilseq.tables.schema import Column, Table

METHODS = ("sign_flip", "camera", "preranked", "ora")
_SET = Column("set", "text", "Name of the gene set.", needed=True)

ENRICHMENT = Table(
    "enrichment",
    "One test of one gene set in one contrast a row.",
    (
        POPULATION,
        Column("contrast", "text", "What is compared, as FACTOR:LEVEL/REFERENCE, or where the ranks are from."),
        _SET,
        Column("size", "integer", "Genes of the set among those ranked, or in the universe.", needed=True, minimum=0),
        Column("es", "number", "Enrichment score: weighted Kolmogorov-Smirnov, weight 1.", minimum=-1, maximum=1),
        Column("nes", "number", "The score over the mean score, of its sign, where nothing changes."),
        Column("direction", "text", "Whether the genes are up or down; null of ora.", allowed=("up", "down")),
        Column(
            "statistic",
            "number",
            "What p is of. sign_flip: the mean moderated t of the set less the median of all genes, over their median "
            "absolute deviation (or the score, on request). camera: t. Null where p is of the score.",
        ),
        Column(
            "log2_fold_change", "number", "Mean over subjects of the mean over the set's genes of log2 fold changes."
        ),
        Column("lower", "number", "Lower 95 % limit of it (t over subjects)."),
        Column("upper", "number", "Upper 95 % limit of it (t over subjects)."),
        Column("fold", "number", "ora: genes found over those expected by chance.", minimum=0),
        Column("p", "number", "Two-sided p value; of ora one-sided.", minimum=0, maximum=1),
        Column("p_floor", "number", "Smallest p that the test can give.", minimum=0, maximum=1),
        Column("q", "number", "False discovery rate within the family.", minimum=0, maximum=1),
        Column("family", "text", "Sets and contrasts that are corrected together.", needed=True),
        Column("method", "text", "Which test.", needed=True, allowed=METHODS),
        Column(
            "exploratory",
            "boolean",
            "Genes, not subjects, are what was permuted or drawn: correlation of genes makes p too small.",
            needed=True,
        ),
        Column("subjects", "integer", "Subjects tested; null where subjects are not known.", minimum=0),
        Column("leading_edge", "text", "Genes up to the score's peak, strongest first, parted by ;, or ora's hits."),
        Column("reason", "text", "Why there is no p, or what its reader must know."),
    ),
    key=("population", "contrast", "set", "method"),
)

SAMPLE_SCORES = Table(
    "sample_scores",
    "The score of one gene set in one sample a row.",
    (
        POPULATION,
        SAMPLE,
        _SET,
        Column("method", "text", "Which score.", needed=True, allowed=("ssgsea", "gsva")),
        Column(
            "value",
            "number",
            "The raw score, which follows depth and the genes of the matrix. ssgsea is of one sample and not scaled, "
            "but in a study genes are cut to those that all files have, so that a further sample can move it; gsva "
            "compares each sample with all given.",
        ),
        Column("size", "integer", "Genes of the set in the matrix.", needed=True, minimum=0),
        Column("reason", "text", "Why there is no score."),
    ),
    key=("population", "sample", "set", "method"),
)

ENRICHMENT_TABLES = (ENRICHMENT, SAMPLE_SCORES)
