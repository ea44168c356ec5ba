"""Gene expression: gene sets and their scores, cells summed by subject, genes and sets that differ within subjects."""

from tilseq.expression.blocks import looks_like_counts
from tilseq.expression.camera import camera
from tilseq.expression.cell_quality import CellQuality, QualityRules, cell_quality
from tilseq.expression.cell_status import cell_status
from tilseq.expression.cell_types import CellTypes, call_cell_types
from tilseq.expression.contrasts import parse_contrast, subject_contrasts
from tilseq.expression.coverage import signature_coverage
from tilseq.expression.differential import Differential, differential_expression
from tilseq.expression.doublets import Doublets, doublet_scores
from tilseq.expression.embedding import Embedding, embed, log_normalised, umap
from tilseq.expression.enrichment import Enrichment, one_family
from tilseq.expression.gsea import TrialEnrichment, gsea
from tilseq.expression.matrix import Counts, raw_counts
from tilseq.expression.normalise import log2_cpm
from tilseq.expression.over_representation import over_representation
from tilseq.expression.preranked import preranked
from tilseq.expression.pseudobulk import Pseudobulk, pseudobulk
from tilseq.expression.sample_design import match_samples
from tilseq.expression.sample_scores import SampleScores, sample_scores
from tilseq.expression.scores import CellScores, score, summarise
from tilseq.expression.sign_flip_gsea import sign_flip_gsea
from tilseq.expression.signatures import Signature, as_signatures, gene_lists, load_hallmark, load_signatures

__all__ = [
    "CellQuality",
    "CellScores",
    "CellTypes",
    "Counts",
    "Differential",
    "Doublets",
    "Embedding",
    "Enrichment",
    "Pseudobulk",
    "QualityRules",
    "SampleScores",
    "Signature",
    "TrialEnrichment",
    "as_signatures",
    "call_cell_types",
    "camera",
    "cell_quality",
    "cell_status",
    "differential_expression",
    "doublet_scores",
    "embed",
    "gene_lists",
    "gsea",
    "load_hallmark",
    "load_signatures",
    "log2_cpm",
    "log_normalised",
    "looks_like_counts",
    "match_samples",
    "one_family",
    "over_representation",
    "parse_contrast",
    "preranked",
    "pseudobulk",
    "raw_counts",
    "sample_scores",
    "score",
    "sign_flip_gsea",
    "signature_coverage",
    "subject_contrasts",
    "summarise",
    "umap",
]
