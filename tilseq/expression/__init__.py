"""Gene expression: gene sets and their scores, the quality and kinds of single cells."""

from tilseq.expression.blocks import looks_like_counts
from tilseq.expression.coverage import signature_coverage
from tilseq.expression.matrix import Counts, raw_counts
from tilseq.expression.scores import CellScores, score, summarise
from tilseq.expression.signatures import Signature, as_signatures, gene_lists, load_hallmark, load_signatures

__all__ = [
    "CellScores",
    "Counts",
    "Signature",
    "as_signatures",
    "gene_lists",
    "load_hallmark",
    "load_signatures",
    "looks_like_counts",
    "raw_counts",
    "score",
    "signature_coverage",
    "summarise",
]
