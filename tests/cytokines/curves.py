"""Signals of a plate drawn from literal curves, without beads."""

from dataclasses import replace

import numpy as np
import polars as pl

from tests.cytokines.plates import kit
from tilseq.cytokines.standards import Standard
from tilseq.tables.cytokines import BEAD_WELLS
from tilseq.tables.inputs import PLATES

# bottom, top - bottom, midpoint, slope, asymmetry
CURVES = {
    "A": (85, 80_000, 2_500, 1.05, 1.2),
    "B": (90, 55_000, 600, 1.20, 1.0),
    "C": (80, 60_000, 1_500, 1.10, 1.2),
    "D": (125, 95_000, 300, 0.95, 1.5),
}
LEVELS = 7
TOP = 10_000.0


def signal(analyte, pg_per_ml):
    bottom, rise, middle, slope, asymmetry = CURVES[analyte]
    x = np.asarray(pg_per_ml, float)
    with np.errstate(divide="ignore"):
        return bottom + rise / (1 + (middle / x) ** slope) ** asymmetry


def standards(rng, level_errors, *, well=0.02, own=0.03, reading=0.02):
    """By analyte its standards in duplicate with two blanks; levels of the wells; ln(true over nominal) of each."""
    level_of = np.array([*np.repeat(np.arange(LEVELS), 2), -1, -1])
    volumes = well * rng.standard_normal(len(level_of))
    errors = np.array([*np.repeat(level_errors, 2), 0, 0]) + volumes
    nominal = np.where(level_of >= 0, TOP / 4.0**level_of, 0)
    told = {}
    for analyte in CURVES:
        true = nominal * np.exp(errors + own * rng.standard_normal(len(level_of)))
        logs = np.log(signal(analyte, true)) + reading * rng.standard_normal(len(level_of))
        with np.errstate(divide="ignore"):
            told[analyte] = Standard(np.log(nominal), logs, np.full(len(logs), 0.01), np.arange(len(logs)))
    mean = np.array([errors[level_of == level].mean() for level in range(LEVELS)])
    return told, level_of.tolist(), mean


def plate(rng, samples, *, dilution=2.0, levels=range(LEVELS), fold=4.0, wells=2, blanks=2, noise=0.02, **columns):
    """Sheet and bead_wells of standards C7 to C1, blanks, and samples in duplicate by their undiluted pg/mL."""
    rows, beads = [], []
    contents = [("standard", f"C{LEVELS - level}", None, TOP / fold**level) for level in levels for _ in range(wells)]
    contents += [("blank", "C0", None, 0.0)] * blanks
    contents += [("sample", None, name, pg / dilution) for name, pg in samples.items() for _ in range(2)]
    for number, (role, level, sample, pg) in enumerate(contents):
        name = f"{'ABCDEFGH'[number % 8]}{number // 8 + 1}"
        own = {"plate": "P", "well": name, "role": role, "sample": sample, "level": level, "kit": "k"}
        nominal = pg if role != "sample" else None
        more = {"dilution": dilution} | columns if role == "sample" else {}
        rows.append(own | {"path": f"{name}.fcs", "nominal_pg_per_ml": nominal} | more)
        for analyte in CURVES:
            value = float(signal(analyte, pg)) * np.exp(noise * rng.standard_normal())
            told = {"analyte": analyte, "population": "x 1", "beads": 300, "verdict": "pass"}
            beads.append(own | told | {"signal": value, "signal_se_log": noise})
    return PLATES.frame(rows), BEAD_WELLS.frame(beads), {"k": replace(kit(), fold=fold)}


def result(frame: pl.DataFrame, **cells):
    found = frame.filter(**cells)
    assert found.height == 1
    return found.row(0, named=True)


def renamed(args, names):
    """The plate with its standards' levels called otherwise, concentrations with them."""
    sheet, beads, kits = args
    held = dict(sheet.filter(role="standard").select("level", "nominal_pg_per_ml").unique().iter_rows())
    level = pl.col("level").replace(names)
    nominal = level.replace_strict(held, default=None, return_dtype=pl.Float64)
    sheet = sheet.with_columns(level=level, nominal_pg_per_ml=pl.coalesce(nominal, "nominal_pg_per_ml"))
    return sheet, beads.with_columns(level=level), kits
