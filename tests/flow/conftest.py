"""Simulated tubes of which every event's kind is known."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilseq.flow.gated import Gating
from tilseq.flow.gating import gate

CHANNELS = ["FSC-A", "FSC-H", "SSC-A", "B1-A", "B2-A", "R1-A", "R2-A", "V1-A", "V2-A", "Time"]
MARKERS = ["", "", "", "CD3 FITC", "CD4", "CD8a", "CD19", "CD56", "Live/Dead Aqua", ""]
STAINS = ["CD3", "CD4", "CD8", "CD19", "CD56", "viability"]
# Kind → forward scatter, side scatter, stains that it bears. Scatter varies by 10 %.
KINDS: Mapping[str, tuple[float, float, set[str]]] = {
    "CD4+ T": (50e3, 20e3, {"CD3", "CD4"}),
    "CD8+ T": (50e3, 20e3, {"CD3", "CD8"}),
    "DN T": (50e3, 20e3, {"CD3"}),
    "DP T": (50e3, 20e3, {"CD3", "CD4", "CD8"}),
    "B": (50e3, 20e3, {"CD19"}),
    "NK": (50e3, 20e3, {"CD56"}),
    "granulocyte": (80e3, 100e3, set()),
    "debris": (12e3, 8e3, set()),
    "dead": (40e3, 22e3, {"viability"}),
    "doublet": (100e3, 40e3, {"CD3", "CD4"}),
}
COMMON = {"CD4+ T": 3000, "CD8+ T": 1500, "DN T": 150, "DP T": 50, "B": 800, "NK": 500}
OTHERS = {"granulocyte": 3000, "debris": 800, "dead": 300, "doublet": 200}
# The file says that nothing spills over.
NO_SPILL = SimpleNamespace(channels=CHANNELS[3:9], matrix=np.eye(6))
NOISE, BRIGHT, SPREAD = 100.0, 8000.0, 0.4


@pytest.fixture(scope="session")
def simulate() -> Callable[..., Any]:
    """Return a function that makes a tube: number of each kind, seed → tube with `.kinds`, one name an event."""

    def make(numbers: Mapping[str, int] | None = None, *, seed: int = 1, gain: float = 1.0) -> Any:
        numbers = {**COMMON, **OTHERS} if numbers is None else numbers
        random = np.random.default_rng(seed)
        kinds = np.repeat(list(numbers), list(numbers.values()))
        random.shuffle(kinds)
        events = np.empty((len(kinds), len(CHANNELS)), dtype=np.float32)
        for kind in numbers:
            own = kinds == kind
            forward, side, stains = KINDS[kind]
            size = int(own.sum())
            area = forward * random.normal(1, 0.1, size)
            height = area * random.normal(0.5 if kind == "doublet" else 0.95, 0.02, size)
            columns = [area, height, side * random.normal(1, 0.1, size)]
            for stain in STAINS:
                bright = BRIGHT * random.lognormal(0, SPREAD, size) if stain in stains else 0
                columns.append(gain * (bright + random.normal(0, NOISE, size)))
            events[own] = np.column_stack([*columns, np.flatnonzero(own)])
        return SimpleNamespace(
            events=events, channels=CHANNELS, markers=MARKERS, spill=NO_SPILL, keywords={}, warnings=[], kinds=kinds
        )

    return make


@pytest.fixture(scope="session")
def gating(simulate: Callable[..., Any]) -> Gating:
    """Return one simulated tube, gated; no test changes it."""
    return gate(simulate(), sample="s")
