"""Readers and writers, one module a family of formats; nothing else opens a data file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.io.bcr import read_bcr
    from tilseq.io.cell_obs import write_cell_labels
    from tilseq.io.clinical import (
        read_followup,
        read_infusions,
        read_lab_results,
        read_lesions,
        read_responses,
        read_schedule,
        read_subjects,
        read_therapies,
    )
    from tilseq.io.clinical_events import read_adverse_events, read_tumor_markers
    from tilseq.io.clonotypes import read_clonotypes
    from tilseq.io.contigs import read_contigs
    from tilseq.io.count_matrix import read_count_matrix
    from tilseq.io.cuts import read_cohort_cuts
    from tilseq.io.fcs import read_fcs
    from tilseq.io.fcs_write import write_fcs
    from tilseq.io.gate_files import read_gates
    from tilseq.io.gatingml import write_gatingml
    from tilseq.io.gmt import read_gmt
    from tilseq.io.h5ad import read_h5ad
    from tilseq.io.kits import read_kit, read_kits
    from tilseq.io.labels import read_labels
    from tilseq.io.plates import read_plate, read_well, read_wells
    from tilseq.io.quantifications import read_quantifications
    from tilseq.io.ranks import read_ranks
    from tilseq.io.sdtm import read_sdtm_recist
    from tilseq.io.single_cells import read_single_cells
    from tilseq.io.spill import read_spill
    from tilseq.io.tenx import read_10x_h5, read_10x_mtx

# Imported when they are first asked for: reading an FCS file should not wait for AnnData.
MODULES = {
    "read_10x_h5": "tenx",
    "read_10x_mtx": "tenx",
    "read_adverse_events": "clinical_events",
    "read_bcr": "bcr",
    "read_clonotypes": "clonotypes",
    "read_cohort_cuts": "cuts",
    "read_contigs": "contigs",
    "read_count_matrix": "count_matrix",
    "read_fcs": "fcs",
    "read_followup": "clinical",
    "read_gates": "gate_files",
    "read_gmt": "gmt",
    "read_h5ad": "h5ad",
    "read_infusions": "clinical",
    "read_lab_results": "clinical",
    "read_kit": "kits",
    "read_kits": "kits",
    "read_labels": "labels",
    "read_lesions": "clinical",
    "read_responses": "clinical",
    "read_schedule": "clinical",
    "read_plate": "plates",
    "read_sdtm_recist": "sdtm",
    "read_quantifications": "quantifications",
    "read_ranks": "ranks",
    "read_single_cells": "single_cells",
    "read_spill": "spill",
    "read_subjects": "clinical",
    "read_therapies": "clinical",
    "read_tumor_markers": "clinical_events",
    "read_well": "plates",
    "read_wells": "plates",
    "write_cell_labels": "cell_obs",
    "write_fcs": "fcs_write",
    "write_gatingml": "gatingml",
}

__all__ = [
    "read_10x_h5",
    "read_10x_mtx",
    "read_adverse_events",
    "read_bcr",
    "read_clonotypes",
    "read_cohort_cuts",
    "read_contigs",
    "read_count_matrix",
    "read_fcs",
    "read_followup",
    "read_gates",
    "read_gmt",
    "read_h5ad",
    "read_infusions",
    "read_lab_results",
    "read_kit",
    "read_kits",
    "read_labels",
    "read_lesions",
    "read_responses",
    "read_schedule",
    "read_sdtm_recist",
    "read_plate",
    "read_quantifications",
    "read_ranks",
    "read_single_cells",
    "read_spill",
    "read_subjects",
    "read_therapies",
    "read_tumor_markers",
    "read_well",
    "read_wells",
    "write_cell_labels",
    "write_fcs",
    "write_gatingml",
]


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return getattr(import_module(f"tilseq.io.{MODULES[name]}"), name)
    raise AttributeError(f"module 'tilseq.io' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
