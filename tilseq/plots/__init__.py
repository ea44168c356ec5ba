"""One function a figure or table for reading; each returns what it has drawn: an Axes, a Figure of several, or a GT."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.plots.bcr import distance_histogram, isotype_bars, mutation_histogram
    from tilseq.plots.change import change_scatter
    from tilseq.plots.clinical import spider
    from tilseq.plots.compartments import compartment_flow
    from tilseq.plots.curves import recovery_dots, standard_curves
    from tilseq.plots.cytokine_time import cytokine_trajectories
    from tilseq.plots.cytokines import bead_map
    from tilseq.plots.depth import waterfall
    from tilseq.plots.differential import volcano
    from tilseq.plots.diversity import hill_profiles, rank_abundance, rarefaction_curves
    from tilseq.plots.enrichment import enrichment_dots
    from tilseq.plots.expression import score_heatmap, subject_heatmap, visit_heatmap
    from tilseq.plots.flow import gates
    from tilseq.plots.kaplan_meier import survival
    from tilseq.plots.labs import lab_shift_map, lab_trajectories
    from tilseq.plots.lanes import swimmer
    from tilseq.plots.overlap import overlap_heatmap, repertoire_maps
    from tilseq.plots.paired import infused_scatter, paired_slopes
    from tilseq.plots.plate import plate_map
    from tilseq.plots.reading import adverse_event_table, rates_table, survival_table
    from tilseq.plots.repertoire import persistence_over_time, top_clones
    from tilseq.plots.running import running_enrichment
    from tilseq.plots.safety import adverse_event_bars
    from tilseq.plots.stimulated import intracellular, stimulated_pair
    from tilseq.plots.study import endpoint_over_time
    from tilseq.plots.tracking import clone_courses, clone_tracking
    from tilseq.plots.tumor_markers import marker_courses
    from tilseq.plots.umap import umap_cell_types, umap_labels, umap_scores
    from tilseq.plots.usage import gene_usage, junction_lengths, usage_heatmap

# Imported when they are first asked for: a command that draws nothing should not wait for matplotlib.
MODULES = {
    "adverse_event_bars": "safety",
    "adverse_event_table": "reading",
    "bead_map": "cytokines",
    "change_scatter": "change",
    "clone_courses": "tracking",
    "clone_tracking": "tracking",
    "compartment_flow": "compartments",
    "cytokine_trajectories": "cytokine_time",
    "distance_histogram": "bcr",
    "endpoint_over_time": "study",
    "enrichment_dots": "enrichment",
    "gates": "flow",
    "gene_usage": "usage",
    "hill_profiles": "diversity",
    "infused_scatter": "paired",
    "intracellular": "stimulated",
    "isotype_bars": "bcr",
    "junction_lengths": "usage",
    "lab_shift_map": "labs",
    "lab_trajectories": "labs",
    "marker_courses": "tumor_markers",
    "mutation_histogram": "bcr",
    "overlap_heatmap": "overlap",
    "paired_slopes": "paired",
    "persistence_over_time": "repertoire",
    "plate_map": "plate",
    "rank_abundance": "diversity",
    "rarefaction_curves": "diversity",
    "rates_table": "reading",
    "recovery_dots": "curves",
    "repertoire_maps": "overlap",
    "running_enrichment": "running",
    "score_heatmap": "expression",
    "spider": "clinical",
    "standard_curves": "curves",
    "stimulated_pair": "stimulated",
    "subject_heatmap": "expression",
    "survival": "kaplan_meier",
    "survival_table": "reading",
    "swimmer": "lanes",
    "top_clones": "repertoire",
    "umap_cell_types": "umap",
    "umap_labels": "umap",
    "umap_scores": "umap",
    "usage_heatmap": "usage",
    "visit_heatmap": "expression",
    "volcano": "differential",
    "waterfall": "depth",
}

__all__ = [
    "adverse_event_bars",
    "adverse_event_table",
    "bead_map",
    "change_scatter",
    "clone_courses",
    "clone_tracking",
    "compartment_flow",
    "cytokine_trajectories",
    "distance_histogram",
    "endpoint_over_time",
    "enrichment_dots",
    "gates",
    "gene_usage",
    "hill_profiles",
    "infused_scatter",
    "intracellular",
    "isotype_bars",
    "junction_lengths",
    "lab_shift_map",
    "lab_trajectories",
    "marker_courses",
    "mutation_histogram",
    "overlap_heatmap",
    "paired_slopes",
    "persistence_over_time",
    "plate_map",
    "rank_abundance",
    "rarefaction_curves",
    "rates_table",
    "recovery_dots",
    "repertoire_maps",
    "running_enrichment",
    "score_heatmap",
    "spider",
    "standard_curves",
    "stimulated_pair",
    "subject_heatmap",
    "survival",
    "survival_table",
    "swimmer",
    "top_clones",
    "umap_cell_types",
    "umap_labels",
    "umap_scores",
    "usage_heatmap",
    "visit_heatmap",
    "volcano",
    "waterfall",
]


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return getattr(import_module(f"tilseq.plots.{MODULES[name]}"), name)
    raise AttributeError(f"module 'tilseq.plots' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
