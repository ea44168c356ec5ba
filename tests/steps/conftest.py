"""Rows of samples.csv, clonotype files and tubes small enough to count by hand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilseq.io.fcs_write import write_fcs
from tilseq.tables.inputs import SAMPLES

CHANNELS = ["FSC-A", "SSC-A", "B1-A", "B2-A", "R1-A"]
MARKERS = ["", "", "CD3", "CD4", "CD8"]
KINDS = {"CD4": (1, 1, 0), "CD8": (1, 0, 1), "DN": (1, 0, 0), "other": (0, 0, 0)}


@pytest.fixture
def sample() -> Callable[..., dict[str, Any]]:
    """Return a function that makes a row of samples.csv: what is not given is empty."""

    def make(name: str, **cells: Any) -> dict[str, Any]:
        row = dict.fromkeys(SAMPLES.names)
        return {**row, "sample": name, "subject": "S1", "visit": "D28", "day": 28, "specimen": "blood"} | cells

    return make


@pytest.fixture
def write_tube() -> Callable[..., Path]:
    """Return a function that writes a tube of so many events of each kind, with a matrix that says nothing spills."""

    def write(
        path: Path, numbers: Mapping[str, int], *, matrix: bool = True, keywords: Mapping[str, str] | None = None
    ) -> Path:
        random = np.random.default_rng(3)
        rows = [
            [50_000, 20_000, *(8000 if bright else 100 for bright in KINDS[kind])]
            for kind, size in numbers.items()
            for _ in range(size)
        ]
        events = np.array(rows) + random.uniform(-50, 50, (len(rows), 5))
        spill = (CHANNELS[2:], np.eye(3)) if matrix else None
        write_fcs(path, events, CHANNELS, markers=MARKERS, spill=spill, keywords=keywords)
        return path

    return write


@pytest.fixture
def write_contigs() -> Callable[..., Path]:
    """Return a function that writes a 10x file of so many cells with each junction, one chain a cell."""

    def write(path: Path, cells: Mapping[str, int], *, gene: str = "TRB") -> Path:
        lines = ["barcode,is_cell,high_confidence,chain,v_gene,j_gene,productive,cdr3,cdr3_nt"]
        for junction, number in cells.items():
            genes = f"{gene},{gene}V1,{gene}J1"
            lines += [f"{junction}-{i},true,true,{genes},true,CAF,{junction}" for i in range(number)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def write_clones() -> Callable[..., Path]:
    """Return a function that writes an AIRR file of so many counts of each junction."""

    def write(path: Path, counts: Mapping[str, int], *, count: str = "umi_count", gene: str = "TRB") -> Path:
        lines = [f"v_call\tj_call\tjunction\tjunction_aa\tproductive\t{count}"]
        lines += [f"{gene}V1\t{gene}J1\t{junction}\tCAF\tT\t{n}" for junction, n in counts.items()]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
