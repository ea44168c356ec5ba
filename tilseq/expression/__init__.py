"""Gene expression: scores of gene sets, cells summed by subject, genes that differ within subjects."""

from tilseq.expression.contrasts import parse_contrast, subject_contrasts
from tilseq.expression.differential import Differential, differential_expression
from tilseq.expression.matrix import Counts, raw_counts
from tilseq.expression.pseudobulk import Pseudobulk, pseudobulk
from tilseq.expression.sample_design import match_samples
from tilseq.expression.scores import CellScores, looks_like_counts, score, summarise
from tilseq.expression.signatures import load_signatures

__all__ = [
    "CellScores",
    "Counts",
    "Differential",
    "Pseudobulk",
    "differential_expression",
    "load_signatures",
    "looks_like_counts",
    "match_samples",
    "parse_contrast",
    "pseudobulk",
    "raw_counts",
    "score",
    "subject_contrasts",
    "summarise",
]
