"""Stimulated and unstimulated tubes of which it is known which cells make IFN-γ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tilseq.io.fcs_write import write_fcs

CHANNELS = ["FSC-A", "FSC-H", "SSC-A", "B1-A", "B2-A", "R1-A", "V2-A", "Y1-A", "Time"]
MARKERS = ["", "", "", "CD3 FITC", "CD4 APC", "CD8a", "Live/Dead Aqua", "IFNg PE", ""]
# Kind → scatter, stains of CD3, CD4, CD8 and viability.
KINDS: Mapping[str, tuple[float, float, tuple[int, int, int, int]]] = {
    "CD4+ T": (50e3, 20e3, (1, 1, 0, 0)),
    "CD8+ T": (50e3, 20e3, (1, 0, 1, 0)),
    "DN T": (50e3, 20e3, (1, 0, 0, 0)),
    "other": (50e3, 20e3, (0, 0, 0, 0)),
    "granulocyte": (80e3, 100e3, (0, 0, 0, 0)),
    "debris": (12e3, 8e3, (0, 0, 0, 0)),
    "dead": (40e3, 22e3, (0, 0, 0, 1)),
}
NUMBERS = {
    "CD4+ T": 4000, "CD8+ T": 2000, "DN T": 150, "other": 1500, "granulocyte": 1500, "debris": 400, "dead": 200,
}  # fmt: skip
NOISE, BRIGHT, SPREAD = 100.0, 8000.0, 0.4


def simulate(
    making: Mapping[str, int], *, seed: int, numbers: Mapping[str, int] = NUMBERS, label: str = "IFNg PE"
) -> Any:
    """Return a tube in which so many cells of each kind make IFN-γ, ten times their noise or brighter."""
    random = np.random.default_rng(seed)
    parts = []
    for kind, size in numbers.items():
        forward, side, stains = KINDS[kind]
        area = forward * random.normal(1, 0.1, size)
        columns = [area, area * random.normal(0.95, 0.02, size), side * random.normal(1, 0.1, size)]
        for stained in stains:
            bright = BRIGHT * random.lognormal(0, SPREAD, size) if stained else 0
            columns.append(bright + random.normal(0, NOISE, size))
        cytokine = 60 * random.lognormal(0, 0.4, size) + random.normal(0, 60, size)
        cytokine[: making.get(kind, 0)] += 1000 + 3000 * random.lognormal(0, 0.5, making.get(kind, 0))
        parts.append(np.column_stack([*columns, cytokine]))
    events = random.permutation(np.concatenate(parts))
    events = np.column_stack([events, np.arange(len(events))]).astype(np.float32)
    markers = [label if name == "IFNg PE" else name for name in MARKERS]
    spill = SimpleNamespace(channels=CHANNELS[3:8], matrix=np.eye(5))
    return SimpleNamespace(events=events, channels=CHANNELS, markers=markers, spill=spill, keywords={}, warnings=[])


def write(path: Path, tube: Any) -> Path:
    """Write a simulated tube."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_fcs(path, tube.events, tube.channels, markers=tube.markers, spill=(tube.spill.channels, tube.spill.matrix))
    return path
