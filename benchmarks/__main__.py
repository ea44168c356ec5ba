"""Run every benchmark, or those named, and print their tables: `python -m benchmarks [realism …]`."""

import os
import platform
import sys
from datetime import date
from importlib import import_module, metadata

ALL = (
    "fcs_read",
    "clonotypes_read",
    "start_up",
    "engine",
    "sample_study",
    "against_truth",
    "flow_core",
    "flow_tree",
    "gates",
    "simulate",
    "realism",
    "coverage",
    "overlap",
    "families",
    "diversity",
    "diversity_coverage",
    "cells_estimated",
    "template_counting",
    "change",
    "contamination",
    "published_change",
    "published_labs",
    "published_sdtm",
    "planted_labs",
    "published_trial",
    "responses",
    "cell_labels",
    "origins",
    "origins_growth",
    "origins_missed",
    "losses",
    "enrichment",
    "enrichment_calibration",
    "persistence",
    "programmes",
    "scores",
    "track",
    "differential",
    "differential_calibration",
    "safety",
    "published_tte",
    "survival",
    "survival_coverage",
    "time_to_event",
    "cytokine_plate",
    "cytokine_real",
    "cytokine_coverage",
    "cytokine_carried",
    "intracellular",
    "cytokine_dilution",
    "cytokine_designs",
)

versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("tilseq", "numpy", "polars", "snakemake"))
print(f"{date.today()}; Python {platform.python_version()}; {versions}; {os.cpu_count()} cores\n")
named, sys.argv[1:] = sys.argv[1:], []  # a benchmark run by itself reads its own arguments
for name in named or ALL:
    print(f"## {name}\n\n`python -m benchmarks {name}`\n", flush=True)
    import_module(f"benchmarks.{name}").main()
    print(flush=True)
