"""One function a figure; each returns what it has drawn in the house style: an Axes, or a Figure of several."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.plots.bcr import distance_histogram, isotype_bars, mutation_histogram
    from tilseq.plots.change import change_scatter
    from tilseq.plots.clinical import spider
    from tilseq.plots.compartments import compartment_flow
    from tilseq.plots.diversity import hill_profiles, rank_abundance, rarefaction_curves
    from tilseq.plots.expression import score_heatmap
    from tilseq.plots.flow import gates
    from tilseq.plots.overlap import overlap_heatmap, repertoire_maps
    from tilseq.plots.repertoire import persistence_over_time, top_clones
    from tilseq.plots.study import endpoint_over_time
    from tilseq.plots.tracking import clone_courses, clone_tracking
    from tilseq.plots.usage import gene_usage, junction_lengths, usage_heatmap

# Imported when they are first asked for: a command that draws nothing should not wait for matplotlib.
MODULES = {
    "change_scatter": "change",
    "clone_courses": "tracking",
    "clone_tracking": "tracking",
    "compartment_flow": "compartments",
    "distance_histogram": "bcr",
    "endpoint_over_time": "study",
    "gates": "flow",
    "gene_usage": "usage",
    "hill_profiles": "diversity",
    "isotype_bars": "bcr",
    "junction_lengths": "usage",
    "mutation_histogram": "bcr",
    "overlap_heatmap": "overlap",
    "persistence_over_time": "repertoire",
    "rank_abundance": "diversity",
    "rarefaction_curves": "diversity",
    "repertoire_maps": "overlap",
    "score_heatmap": "expression",
    "spider": "clinical",
    "top_clones": "repertoire",
    "usage_heatmap": "usage",
}

__all__ = [
    "change_scatter",
    "clone_courses",
    "clone_tracking",
    "compartment_flow",
    "distance_histogram",
    "endpoint_over_time",
    "gates",
    "gene_usage",
    "hill_profiles",
    "isotype_bars",
    "junction_lengths",
    "mutation_histogram",
    "overlap_heatmap",
    "persistence_over_time",
    "rank_abundance",
    "rarefaction_curves",
    "repertoire_maps",
    "score_heatmap",
    "spider",
    "top_clones",
    "usage_heatmap",
]


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return getattr(import_module(f"tilseq.plots.{MODULES[name]}"), name)
    raise AttributeError(f"module 'tilseq.plots' has no attribute {name!r}")
