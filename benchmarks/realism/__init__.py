"""Each layer of the simulator beside real data: a picture and a table of figures. `python -m benchmarks realism`."""

import os
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = {
    "receptors": "Receptors",
    "clones": "Clone sizes",
    "replicates": "Sequencing: replicates and contigs",
    "flow": "Flow",
    "cells": "Single cells",
    "beads": "Bead arrays",
    "clinic": "Clinic",
}
SIMULATED, REAL = "#1b6ca8", "#d95f02"  # colours, in every picture
OTHER_REAL = ("#8c8c8c", "#3a8f4d")  # of further real tables


def main() -> None:
    """Write docs/images/realism_*.png and print the tables."""
    shared_data = Path(os.environ.get("TILSEQ_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not shared_data.is_dir():
        print(f"left out: no real data at {shared_data}; set TILSEQ_SHARED_DATA")
        return
    for name, title in LAYERS.items():
        lines = import_module(f"benchmarks.realism.{name}").measure(shared_data, ROOT / "docs" / "images")
        print(f"### {title}\n", *lines, "", sep="\n", flush=True)
