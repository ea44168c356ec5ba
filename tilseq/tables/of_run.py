"""The tables that a run writes, in the order of the laboratories; its own of samples and failures come last."""

from __future__ import annotations

from tilseq.tables import outputs, repertoire
from tilseq.tables.best_response import BEST_RESPONSE, IRECIST, IRECIST_BEST, RESPONSE_DIFFERENCES
from tilseq.tables.cell_labels import CELL_LABELS
from tilseq.tables.characteristics import CHARACTERISTICS_TABLE
from tilseq.tables.contamination import CONTAMINATION_TABLES
from tilseq.tables.cytokines import CYTOKINE_TABLES
from tilseq.tables.differential import DIFFERENTIAL, PSEUDOBULK_GROUPS
from tilseq.tables.enrichment import ENRICHMENT_TABLES
from tilseq.tables.intracellular import INTRACELLULAR
from tilseq.tables.lab_grades import LAB_TABLES
from tilseq.tables.safety import ADVERSE_EVENT_ROWS, SAFETY_TABLES
from tilseq.tables.single_cells import (
    CELL_EXPRESSION,
    CELL_STATUS,
    QUALITY_LIMITS,
    RECEPTOR_OVERLAP,
    SIGNATURE_COVERAGE,
)
from tilseq.tables.summaries import SUMMARIES
from tilseq.tables.survival import SURVIVAL_TABLES, TIME_TO_EVENT
from tilseq.tables.tracking import TRACKING_TABLES
from tilseq.tables.transcriptome import TRANSCRIPTOME
from tilseq.tables.tumor_marker_course import GCIG, MARKER_COURSES

GATHERED = (
    outputs.ENDPOINTS,
    outputs.QUALITY,
    outputs.EXCLUSIONS,
    outputs.COUNTS,
    outputs.CUTS,
    outputs.COHORT_CUTS,
    outputs.PANEL_DIFFERENCES,
    outputs.COMPARISON,
    outputs.MEDIANS,
    *CYTOKINE_TABLES,
    INTRACELLULAR,
    repertoire.DEPTH,
    repertoire.TEMPLATE_COUNTING,
    repertoire.DIVERSITY,
    repertoire.HILL_PROFILE,
    repertoire.RAREFACTION,
    repertoire.FAMILIES,
    repertoire.MUTATION,
    repertoire.MUTATION_LOAD,
    repertoire.ISOTYPES,
    repertoire.CELLS,
    repertoire.CELL_QUALITY,
    repertoire.PAIRED_CLONES,
    repertoire.PERSISTENCE,
    CELL_LABELS,
    repertoire.OVERLAP,
    repertoire.USAGE,
    *TRACKING_TABLES,
    *CONTAMINATION_TABLES,
    outputs.SCORES,
    PSEUDOBULK_GROUPS,
    TRANSCRIPTOME,
    DIFFERENTIAL,
    *ENRICHMENT_TABLES,
    SIGNATURE_COVERAGE,
    CELL_EXPRESSION,
    QUALITY_LIMITS,
    CELL_STATUS,
    RECEPTOR_OVERLAP,
    outputs.RESPONSE,
    RESPONSE_DIFFERENCES,
    IRECIST,
    IRECIST_BEST,
    BEST_RESPONSE,
    CHARACTERISTICS_TABLE,
    SUMMARIES,
    TIME_TO_EVENT,
    *SURVIVAL_TABLES,
    ADVERSE_EVENT_ROWS,
    *SAFETY_TABLES,
    *LAB_TABLES,
    MARKER_COURSES,
    GCIG,
)
