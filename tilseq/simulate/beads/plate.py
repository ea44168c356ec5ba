"""Cytokines: what plasma holds over time, and the bead-array plate that measures it, with its truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from tilseq.errors import RunError
from tilseq.io.fcs_write import write_fcs
from tilseq.io.files import write_text
from tilseq.simulate.beads.wells import (
    CHANNELS,
    LEVELS,
    MARKERS,
    TIME_STEP_S,
    Bead,
    Floats,
    Kit,
    Well,
    draw_well,
    labels_of,
)
from tilseq.tables.inputs import PLATES

Row = dict[str, object]

PLATE_ROWS, PLATE_COLUMNS = "ABCDEFGH", 12
REPLICATES = 2  # side by side; the standards fill the first two columns
MOST_SAMPLES = len(PLATE_ROWS) * (PLATE_COLUMNS - REPLICATES) // REPLICATES
# Standard deviations of natural logarithms between plates, round figures: top and bottom, midpoint of each curve.
HEIGHT_SPREAD, MIDPOINT_SPREAD = 0.15, 0.10
BEAD_MIX_SPREAD = 0.08  # natural logarithm of each population's share of the beads, the same in all wells of a plate
BEAD_COUNT_SHAPE = 2_500.0  # of a gamma: counts scatter 1.15 times as much as Poisson's at 380 beads


@dataclass(frozen=True)
class PlateErrors:
    """How far hands and matrix go wrong, as standard deviations of natural logarithms.

    Levels and wells are set so that a plate can look like the LEGENDplex plate of beadplexr (its levels stand at 70 to
    140 % of nominal in all analytes alike); the others are round figures.

    Attributes
    ----------
    step
        Of each transfer of the dilution series; it is carried on to all weaker levels.
    level
        Of each level by itself (mixing), shared by its wells and all analytes. C7 is free of both.
    sample
        Of each sample's dilution, shared by its wells.
    well
        Of each well's volume, shared by its analytes; Student's t with 5 degrees of freedom.
    analyte
        Of each analyte in each well.
    matrix
        Of how plasma strengthens or weakens the answer to an analyte, by sample.
    edge
        Natural logarithm, not its spread, by which the signal of the outermost wells is higher.
    """

    step: float = 0.03
    level: float = 0.25
    sample: float = 0.03
    well: float = 0.12
    analyte: float = 0.08
    matrix: float = 0.05
    edge: float = 0.04


@dataclass(frozen=True)
class Plate:
    """One plate and its truth.

    Attributes
    ----------
    name, kit
        Identifier; kit.
    sheet
        The plate sheet, one row a well: columns of `tilseq.tables.inputs.PLATES`. `analyte` is empty for a kit of
        several; `nominal_pg_per_ml` holds for each of its analytes.
    wells
        Events and labels by well.
    labels
        What the labels of events mean: analytes, `doublet`, `debris`.
    true_wells
        One row a well and analyte: `well, role, sample, level, analyte`; `plasma_pg_per_ml` (undiluted, samples only);
        `well_pg_per_ml`, what the pipette really put into the well; `seen_pg_per_ml`, what the beads answer to (matrix
        and the analyte's own error besides); `signal_factor` of the well's place; `beads`, single beads in the file.
    true_levels
        One row a standard level: `level, nominal_pg_per_ml, factor`: true over nominal, shared by all analytes.
    true_curves
        One row an analyte: parameters of `Curve` on this plate, before the well's `signal_factor` and gain, and
        without the classifier's cross-talk; `hook_pg_per_ml` is null where there is none.
    """

    name: str
    kit: Kit
    sheet: pl.DataFrame
    wells: dict[str, Well]
    labels: tuple[str, ...]
    true_wells: pl.DataFrame
    true_levels: pl.DataFrame
    true_curves: pl.DataFrame


@dataclass(frozen=True)
class _Content:
    """What goes into two wells: its part of the sheet's row; by analyte plasma, what was made of it, matrix effect."""

    row: Row
    plasma: Floats
    made: Floats
    matrix: Floats


def draw_plate(
    rng: np.random.Generator,
    plate: str,
    kit: Kit,
    samples: Mapping[str, Mapping[str, float]],
    *,
    beads_per_analyte: int = 420,
    dilution: float | None = None,
    errors: PlateErrors | None = None,
) -> Plate:
    """Draw a plate: standards C7 to C0 down columns 1 and 2, then the samples in duplicate.

    A sample appended at the end changes no well before it.

    Parameters
    ----------
    rng
        Random stream of the plate.
    plate
        Identifier; files are named after it.
    kit
        One of `KITS`, or one's own.
    samples
        For each sample the true pg/mL of each of the kit's analytes in undiluted plasma; further analytes are ignored.
    beads_per_analyte
        Expected beads of each population in a well, doublets included.
    dilution
        Of the plasma, the kit's by default.
    errors
        How far pipetting and matrix go wrong; the defaults of `PlateErrors` where not given.

    Raises
    ------
    RunError
        More than 40 samples, an analyte without a concentration, or a concentration or dilution that cannot be.
    """
    errors = errors or PlateErrors()
    dilution = kit.dilution if dilution is None else dilution
    _check(kit, samples, dilution, beads_per_analyte)
    beads = _beads_of_plate(rng, kit)
    mix = beads_per_analyte * rng.lognormal(0, BEAD_MIX_SPREAD, len(beads))
    factors = _level_factors(rng, errors)
    own: Row = {"plate": plate, "kit": kit.name, "analyte": kit.analytes[0] if len(kit.beads) == 1 else None}
    rows: list[Row] = []
    truth: list[Row] = []
    wells: dict[str, Well] = {}
    for place, content in enumerate(_contents(rng, kit, factors, samples, dilution, errors)):
        for replicate in range(REPLICATES):
            well = _well_name(place, replicate)
            wells[well], told = _fill(rng, well, beads, content, mix, errors)
            truth += told
            path = f"raw/cytokine/{plate}_{well}.fcs"
            rows.append(own | {"well": well, "path": path, "replicate": str(replicate + 1)} | content.row)
    return Plate(
        name=plate,
        kit=kit,
        sheet=PLATES.frame(rows),
        wells=wells,
        labels=labels_of(beads),
        true_wells=pl.DataFrame(truth, infer_schema_length=None),
        true_levels=_true_levels(kit, factors),
        true_curves=_true_curves(beads),
    )


def write_plate(folder: Path, plate: Plate) -> None:
    """Write the wells as FCS 3.1 (float32) where the sheet says, and the sheet as `plates/PLATE.csv`.

    Raises
    ------
    RunError
        A file cannot be written.
    """
    for well, path in plate.sheet.select("well", "path").iter_rows():
        keywords = {
            "$CYT": "tilseq simulate",
            "$SMNO": f"{plate.name} {well}",
            "$TIMESTEP": f"{TIME_STEP_S:g}",
            "$COM": "synthetic",
        }
        write_fcs(folder / path, plate.wells[well].events, CHANNELS, markers=MARKERS, keywords=keywords)
    sheet = plate.sheet.drop("scale")  # FCS files tell their own
    write_text(folder / "plates" / f"{plate.name}.csv", sheet.write_csv())


def _check(kit: Kit, samples: Mapping[str, Mapping[str, float]], dilution: float, beads_per_analyte: int) -> None:
    if len(samples) > MOST_SAMPLES:
        raise RunError("the samples do not fit on one plate", found=len(samples), expected=f"at most {MOST_SAMPLES}")
    if not (np.isfinite(dilution) and dilution >= 1 and beads_per_analyte >= 1):
        raise RunError(
            "a dilution must be 1 or more, and so must the beads",
            found=f"dilution {dilution}, {beads_per_analyte} beads",
        )
    for sample, levels in samples.items():
        for analyte in kit.analytes:
            level = levels.get(analyte, np.nan)
            if not (np.isfinite(level) and level >= 0):
                raise RunError(
                    f"sample {sample} needs a concentration of {analyte}", found=level, expected="pg/mL, 0 or more"
                )


def _beads_of_plate(rng: np.random.Generator, kit: Kit) -> list[Bead]:
    """Return the kit's beads with the curves of this plate."""
    beads = []
    for bead in kit.beads:
        curve = bead.curve
        bottom, top = (height * float(rng.lognormal(0, HEIGHT_SPREAD)) for height in (curve.bottom, curve.top))
        midpoint = curve.midpoint_pg_per_ml * float(rng.lognormal(0, MIDPOINT_SPREAD))
        beads.append(replace(bead, curve=replace(curve, bottom=bottom, top=top, midpoint_pg_per_ml=midpoint)))
    return beads


def _level_factors(rng: np.random.Generator, errors: PlateErrors) -> Floats:
    """Return true over nominal concentration of C0 to C7; 1 for the blank, and for C7, from which all is diluted."""
    steps, mixing = errors.step * rng.standard_normal(LEVELS - 2), errors.level * rng.standard_normal(LEVELS - 2)
    diluted = np.exp(np.cumsum(steps) + mixing)[::-1]
    return np.concatenate([[1.0], diluted, [1.0]])


def _contents(
    rng: np.random.Generator,
    kit: Kit,
    factors: Floats,
    samples: Mapping[str, Mapping[str, float]],
    dilution: float,
    errors: PlateErrors,
) -> Iterator[_Content]:
    """Yield C7 to C0, then the samples: drawn one by one, so that a further sample changes no well before it."""
    beads = len(kit.beads)
    for level in reversed(range(LEVELS)):
        nominal = kit.nominal_pg_per_ml(level)
        row: Row = {"role": "standard" if level else "blank", "level": f"C{level}", "nominal_pg_per_ml": nominal}
        row["acid_activated"] = False
        yield _Content(row, np.full(beads, np.nan), np.full(beads, nominal * factors[level]), np.ones(beads))
    for sample, levels in samples.items():
        row = {"role": "sample", "sample": sample, "dilution": dilution, "acid_activated": kit.acid_activated}
        plasma = np.array([levels[analyte] for analyte in kit.analytes], dtype=np.float64)
        made = plasma / dilution * np.exp(errors.sample * rng.standard_normal())
        yield _Content(row, plasma, made, np.exp(errors.matrix * rng.standard_normal(beads)))


def _well_name(place: int, replicate: int) -> str:
    column, row = divmod(place, len(PLATE_ROWS))
    return f"{PLATE_ROWS[row]}{REPLICATES * column + replicate + 1:02d}"


def _fill(
    rng: np.random.Generator, well: str, beads: Sequence[Bead], content: _Content, mix: Floats, errors: PlateErrors
) -> tuple[Well, list[Row]]:
    """Pipette and read one well; return it with its rows of truth, one an analyte."""
    given = content.made * np.exp(errors.well * rng.standard_t(5))
    seen = given * content.matrix * np.exp(errors.analyte * rng.standard_normal(len(beads)))
    outermost = well[0] in (PLATE_ROWS[0], PLATE_ROWS[-1]) or int(well[1:]) in (1, PLATE_COLUMNS)
    brightness = float(np.exp(errors.edge)) if outermost else 1.0
    counts = rng.poisson(mix * rng.gamma(BEAD_COUNT_SHAPE, 1 / BEAD_COUNT_SHAPE, len(beads)))
    drawn = draw_well(rng, beads, seen, counts, brightness=brightness)
    single = np.bincount(drawn.labels, minlength=len(beads))
    told: list[Row] = [
        {
            "well": well,
            "role": content.row["role"],
            "sample": content.row.get("sample"),
            "level": content.row.get("level"),
            "analyte": bead.analyte,
            "plasma_pg_per_ml": None if np.isnan(content.plasma[i]) else float(content.plasma[i]),
            "well_pg_per_ml": float(given[i]),
            "seen_pg_per_ml": float(seen[i]),
            "signal_factor": brightness,
            "beads": int(single[i]),
        }
        for i, bead in enumerate(beads)
    ]
    return drawn, told


def _true_levels(kit: Kit, factors: Floats) -> pl.DataFrame:
    levels = range(1, LEVELS)
    return pl.DataFrame(
        {
            "level": [f"C{level}" for level in levels],
            "nominal_pg_per_ml": [kit.nominal_pg_per_ml(level) for level in levels],
            "factor": factors[1:],
        }
    )


def _true_curves(beads: Sequence[Bead]) -> pl.DataFrame:
    hook = pl.col("hook_pg_per_ml")
    curves = pl.DataFrame([{"analyte": bead.analyte} | asdict(bead.curve) for bead in beads])
    return curves.with_columns(pl.when(hook.is_finite()).then(hook))
