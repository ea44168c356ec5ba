"""Gene expression: gene sets, their scores and their enrichment, the quality and kinds of single cells."""

from tilseq.expression.blocks import looks_like_counts
from tilseq.expression.camera import camera
from tilseq.expression.coverage import signature_coverage
from tilseq.expression.enrichment import Enrichment, one_family
from tilseq.expression.gsea import TrialEnrichment, gsea
from tilseq.expression.matrix import Counts, raw_counts
from tilseq.expression.over_representation import over_representation
from tilseq.expression.preranked import preranked
from tilseq.expression.sample_scores import SampleScores, sample_scores
from tilseq.expression.scores import CellScores, score, summarise
from tilseq.expression.set_members import one_way
from tilseq.expression.sign_flip_gsea import sign_flip_gsea
from tilseq.expression.signatures import Signature, as_signatures, load_hallmark, load_signatures

__all__ = [
    "CellScores",
    "Counts",
    "Enrichment",
    "SampleScores",
    "Signature",
    "TrialEnrichment",
    "as_signatures",
    "camera",
    "gsea",
    "load_hallmark",
    "load_signatures",
    "looks_like_counts",
    "one_family",
    "one_way",
    "over_representation",
    "preranked",
    "raw_counts",
    "sample_scores",
    "score",
    "sign_flip_gsea",
    "signature_coverage",
    "summarise",
]
