"""What `ts.io` and `ts.plots` offer: every reader and figure function, each imported only when it is asked for."""

import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest

import tilseq as ts


def public(package, modules, prefix=""):
    """Return the public functions of the modules by name → module, for every name that starts so."""
    found = {}
    for module in modules:
        members = inspect.getmembers(import_module(f"{package}.{module}"), inspect.isfunction)
        own = [n for n, f in members if f.__module__ == f"{package}.{module}" and not n.startswith("_")]
        found |= dict.fromkeys((name for name in own if name.startswith(prefix)), module)
    return found


def test_plots_offers_every_figure_function():
    modules = (
        "bcr", "change", "clinical", "compartments", "curves", "cytokine_time", "cytokines", "depth", "differential",
        "diversity", "enrichment", "expression", "flow", "kaplan_meier", "labs", "lanes", "overlap", "paired",
        "plate", "reading", "repertoire", "running", "safety", "stimulated", "study", "tracking", "tumor_markers",
        "umap", "usage",
    )  # fmt: skip
    # What draws into axes that another figure lends it is no figure.
    drawn = {name: module for name, module in public("tilseq.plots", modules).items() if not name.startswith("draw_")}
    assert sorted(drawn) == sorted(ts.plots.__all__)
    assert {name: getattr(ts.plots, name).__module__ for name in drawn} == {
        "adverse_event_bars": "tilseq.plots.safety",
        "adverse_event_table": "tilseq.plots.reading",
        "bead_map": "tilseq.plots.cytokines",
        "change_scatter": "tilseq.plots.change",
        "clone_courses": "tilseq.plots.tracking",
        "clone_tracking": "tilseq.plots.tracking",
        "compartment_flow": "tilseq.plots.compartments",
        "cytokine_trajectories": "tilseq.plots.cytokine_time",
        "distance_histogram": "tilseq.plots.bcr",
        "endpoint_over_time": "tilseq.plots.study",
        "enrichment_dots": "tilseq.plots.enrichment",
        "gates": "tilseq.plots.flow",
        "gene_usage": "tilseq.plots.usage",
        "hill_profiles": "tilseq.plots.diversity",
        "infused_scatter": "tilseq.plots.paired",
        "intracellular": "tilseq.plots.stimulated",
        "isotype_bars": "tilseq.plots.bcr",
        "junction_lengths": "tilseq.plots.usage",
        "lab_shift_map": "tilseq.plots.labs",
        "lab_trajectories": "tilseq.plots.labs",
        "marker_courses": "tilseq.plots.tumor_markers",
        "mutation_histogram": "tilseq.plots.bcr",
        "overlap_heatmap": "tilseq.plots.overlap",
        "paired_slopes": "tilseq.plots.paired",
        "persistence_over_time": "tilseq.plots.repertoire",
        "plate_map": "tilseq.plots.plate",
        "rank_abundance": "tilseq.plots.diversity",
        "rarefaction_curves": "tilseq.plots.diversity",
        "rates_table": "tilseq.plots.reading",
        "recovery_dots": "tilseq.plots.curves",
        "repertoire_maps": "tilseq.plots.overlap",
        "running_enrichment": "tilseq.plots.running",
        "score_heatmap": "tilseq.plots.expression",
        "spider": "tilseq.plots.clinical",
        "standard_curves": "tilseq.plots.curves",
        "stimulated_pair": "tilseq.plots.stimulated",
        "subject_heatmap": "tilseq.plots.expression",
        "survival": "tilseq.plots.kaplan_meier",
        "survival_table": "tilseq.plots.reading",
        "swimmer": "tilseq.plots.lanes",
        "top_clones": "tilseq.plots.repertoire",
        "umap_cell_types": "tilseq.plots.umap",
        "umap_labels": "tilseq.plots.umap",
        "umap_scores": "tilseq.plots.umap",
        "usage_heatmap": "tilseq.plots.usage",
        "visit_heatmap": "tilseq.plots.expression",
        "volcano": "tilseq.plots.differential",
        "waterfall": "tilseq.plots.depth",
    }


def test_io_offers_every_reader_of_a_whole_file():
    readers = public(
        "tilseq.io",
        (
            "bcr",
            "clinical",
            "clinical_events",
            "clonotypes",
            "contigs",
            "count_matrix",
            "cuts",
            "fcs",
            "kits",
            "plates",
            "gate_files",
            "gmt",
            "h5ad",
            "labels",
            "quantifications",
            "ranks",
            "single_cells",
            "spill",
            "tenx",
        ),  # fmt: skip
        "read_",
    )
    assert set(readers) <= set(ts.io.__all__)
    assert {name: getattr(ts.io, name).__module__ for name in ts.io.__all__} == {
        "read_10x_h5": "tilseq.io.tenx",
        "read_10x_mtx": "tilseq.io.tenx",
        "read_count_matrix": "tilseq.io.count_matrix",
        "read_quantifications": "tilseq.io.quantifications",
        "read_ranks": "tilseq.io.ranks",
        "read_single_cells": "tilseq.io.single_cells",
        "read_adverse_events": "tilseq.io.clinical_events",
        "read_bcr": "tilseq.io.bcr",
        "read_clonotypes": "tilseq.io.clonotypes",
        "read_contigs": "tilseq.io.contigs",
        "read_cohort_cuts": "tilseq.io.cuts",
        "read_fcs": "tilseq.io.fcs",
        "read_followup": "tilseq.io.clinical",
        "read_gates": "tilseq.io.gate_files",
        "read_gmt": "tilseq.io.gmt",
        "read_h5ad": "tilseq.io.h5ad",
        "read_infusions": "tilseq.io.clinical",
        "read_lab_results": "tilseq.io.clinical",
        "read_kit": "tilseq.io.kits",
        "read_kits": "tilseq.io.kits",
        "read_plate": "tilseq.io.plates",
        "read_well": "tilseq.io.plates",
        "read_wells": "tilseq.io.plates",
        "read_labels": "tilseq.io.labels",
        "read_lesions": "tilseq.io.clinical",
        "read_responses": "tilseq.io.clinical",
        "read_schedule": "tilseq.io.clinical",
        "read_sdtm_recist": "tilseq.io.sdtm",
        "read_spill": "tilseq.io.spill",
        "read_subjects": "tilseq.io.clinical",
        "read_therapies": "tilseq.io.clinical",
        "read_tumor_markers": "tilseq.io.clinical_events",
        "write_cell_labels": "tilseq.io.cell_obs",
        "write_fcs": "tilseq.io.fcs_write",
        "write_gatingml": "tilseq.io.gatingml",
    }


def test_simulate_offers_a_trial_and_its_design():
    assert {name: getattr(ts.simulate, name).__module__ for name in ts.simulate.__all__} == {
        "Design": "tilseq.simulate.design",
        "read_design": "tilseq.simulate.design",
        "simulate_trial": "tilseq.simulate.trial",
    }


@pytest.mark.parametrize("package", ["io", "plots", "simulate"])
def test_a_name_that_is_not_there_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=f"module 'tilseq.{package}' has no attribute 'read_minds'"):
        _ = getattr(ts, package).read_minds


@pytest.mark.parametrize("package", ["io", "plots", "simulate"])
def test_dir_lists_what_a_package_offers(package):
    assert dir(getattr(ts, package)) == sorted(getattr(ts, package).__all__)


def test_neither_package_imports_anything_heavy_by_itself():
    code = (
        "import sys, tilseq.io, tilseq.plots;"
        "print([name for name in ('anndata', 'matplotlib', 'numpy', 'pandas', 'polars') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_version_is_that_of_the_installed_package():
    assert ts.__version__ == version("tilseq")
