"""Beads of a plate drawn plainly: normal on natural logarithms, populations at literal places."""

import numpy as np
import polars as pl

from tilseq.kits import Kit, KitBead
from tilseq.tables.inputs import PLATES

FORWARD = {"small": 35_000.0, "large": 62_000.0}
ANALYTES = {"A": ("small", 7_000.0), "B": ("small", 23_000.0), "C": ("large", 4_000.0), "D": ("large", 90_000.0)}
CHANNELS = {"forward": ("FSC-A",), "side": ("SSC-A",), "classifier": ("APC-A",), "reporter": ("PE-A",)}


def kit(name="k", *, analytes=ANALYTES, classifiers=True, top=10_000.0, activation=None):
    beads, places = [], {}
    for analyte, (size, classifier) in analytes.items():
        places[size] = places.get(size, 0) + 1
        beads.append(KitBead(analyte, size, places[size], classifier if classifiers else None, top))
    return Kit(name, "", tuple(places), tuple(beads), CHANNELS, 4.0, activation, 7)


def beads(rng, analyte, number, reporter, *, gain=1.0):
    """Events of one population: forward, side, classifier, reporter."""
    size, classifier = ANALYTES[analyte]
    middle = np.log([FORWARD[size], 1.05 * FORWARD[size], classifier * gain, reporter])
    return np.exp(middle + rng.standard_normal((number, 4)) * [0.09, 0.15, 0.06, 0.3])


def debris(rng, number):
    return np.exp(np.log([15_000, 14_000, 300, 80]) + rng.standard_normal((number, 4)) * [0.8, 1.0, 0.2, 0.3])


def well(rng, counts, *, reporter=1_000.0, dirt=150, gain=1.0):
    parts = [beads(rng, analyte, number, reporter, gain=gain) for analyte, number in counts.items()]
    return rng.permutation(np.concatenate([*parts, debris(rng, dirt)]))


def sheet(*wells, **columns):
    rows = [{"plate": "P", "well": name, "path": f"{name}.fcs", "role": "control", "kit": "k"} for name in wells]
    return PLATES.frame([row | columns for row in rows])


def row(frame: pl.DataFrame, **cells):
    """The only row with these cells."""
    found = frame.filter(**cells)
    assert found.height == 1
    return found.row(0, named=True)
