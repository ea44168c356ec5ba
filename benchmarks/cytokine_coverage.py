"""Whether intervals of concentrations hold the truth, on simulated plates: signals of 96 wells from known curves.

Standards in duplicate with a dilution error a level, wells with volume errors (Student's t, 5 degrees of freedom),
analytes with errors of their own; eight samples in duplicate at doses within and beyond the range. All wells of a plate
share its curves and their errors, so that many plates of few samples tell more than few of many. The hook effect of the
simulator's IL-6 is left out: of one dilution no program can see it. A last table is of kits of one analyte and of two,
which tell no dilution errors.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tilseq.cytokines import quantify
from tilseq.io.kits import read_kits
from tilseq.simulate.beads.wells import MULTIPLEX
from tilseq.tables.cytokines import BEAD_WELLS
from tilseq.tables.inputs import PLATES

SEEDS, BEADS = range(1_000, 1_200), (60, 150, 400)  # seeds on which nothing was tuned
FEW = {1: range(2_000, 3_000), 2: range(3_000, 3_500)}  # analytes, and seeds as many as give 2,000 wells a cell
BEADS_OF_FEW = 150
DOSES = (0.3, 10, 40, 150, 600, 2_000, 5_000, 60_000)  # pg/mL in the well
SAMPLES, DILUTION, TOP, FOLD, LEVELS = 8, 2.0, 1e4, 4.0, 7
LEVEL, WELL, OWN, GAIN = 0.25, 0.12, 0.08, 0.01  # standard deviations of natural logarithms
BEAD = 1.2533 * 0.36  # of the median of one bead
HEIGHT, MIDPOINT = 0.15, 0.10
CURVES = {
    bead.analyte: replace(bead.curve, hook_pg_per_ml=np.inf)
    for bead in sorted(MULTIPLEX.beads, key=lambda bead: bead.analyte == "IL-6")
}


@dataclass(frozen=True)
class Errors:
    """Of the standards: how dilution errors of levels are drawn, and the spread of a well's volume and an analyte's."""

    levels: Callable[[np.random.Generator], np.ndarray]
    well: float
    own: float


INDEPENDENT = Errors(lambda rng: np.r_[0, LEVEL * rng.standard_normal(LEVELS - 1)], WELL, OWN)


def plate(
    rng: np.random.Generator, beads: int, analytes: tuple[str, ...], of: Errors = INDEPENDENT
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the sheet and the bead wells of one plate, with errors of volumes, levels and wells."""
    errors = of.levels(rng)
    scale = {
        name: (rng.lognormal(0, HEIGHT), rng.lognormal(0, HEIGHT), rng.lognormal(0, MIDPOINT)) for name in analytes
    }
    contents = [
        ("standard", f"C{LEVELS - k}", None, dict.fromkeys(analytes, TOP / FOLD**k), np.exp(errors[k]))
        for k in range(LEVELS)
    ]
    contents.append(("blank", "C0", None, dict.fromkeys(analytes, 0.0), 1.0))
    for number in range(SAMPLES):
        doses = {name: DOSES[(number + j) % len(DOSES)] for j, name in enumerate(analytes)}
        contents.append(("sample", None, f"S{number:02}", doses, 1.0))
    rows, told = [], []
    for role, level, sample, doses, factor in contents:
        for _ in range(2):
            well = f"W{len(rows):03}"
            volume = np.exp(of.well * rng.standard_t(5))
            own = {"plate": "P", "well": well, "role": role, "sample": sample, "level": level, "kit": MULTIPLEX.name}
            nominal = None if role == "sample" else doses[analytes[0]]
            dilution = DILUTION if role == "sample" else None
            rows.append(own | {"path": well, "nominal_pg_per_ml": nominal, "dilution": dilution})
            for name in analytes:
                curve = CURVES[name]
                low, high, middle = scale[name]
                pg = doses[name] * factor * volume * np.exp(of.own * rng.standard_normal())
                bound = (curve.signal(np.array([pg / middle]))[0] - curve.bottom) / (curve.top - curve.bottom)
                signal = low * curve.bottom + (high * curve.top - low * curve.bottom) * bound
                se = BEAD / np.sqrt(beads)
                signal *= np.exp(se * rng.standard_normal() + GAIN * rng.standard_normal())
                se *= np.sqrt(rng.chisquare(20) / 20)
                counted = {"analyte": name, "population": "bead", "beads": beads, "verdict": "pass"}
                told.append(own | counted | {"signal": signal, "signal_se_log": se})
    return PLATES.frame(rows), BEAD_WELLS.frame(told)


def results(
    beads: int, seeds: Iterable[int] = SEEDS, analytes: tuple[str, ...] = tuple(CURVES), of: Errors = INDEPENDENT
) -> pl.DataFrame:
    """Return the samples of all plates with their true concentration."""
    kits, places = read_kits(), {name: place for place, name in enumerate(analytes)}
    frames = []
    for seed in seeds:
        sheet, told = plate(np.random.default_rng([seed, beads]), beads, analytes, of)
        samples = quantify(sheet, told, kits).samples
        numbers = samples["sample"].str.slice(1).cast(pl.Int64)
        doses = [DOSES[(n + places[a]) % len(DOSES)] for n, a in zip(numbers, samples["analyte"], strict=True)]
        frames.append(samples.with_columns(dose=pl.Series(doses, dtype=pl.Float64)))
    return pl.concat(frames)


def main() -> None:
    """Print the table of this benchmark."""
    print(
        "| beads | pg/mL in the well | wells | quantified % | held % | too low % | too high % | half-width % | bias % |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for beads in BEADS:
        told = results(beads)
        for dose in DOSES:
            print(_line(beads, dose, told.filter(dose=dose)), flush=True)
    for number, seeds in FEW.items():
        print(f"\nAnalytes: {number}\n")
        told = results(BEADS_OF_FEW, seeds, tuple(CURVES)[:number])
        for dose in DOSES:
            print(_line(BEADS_OF_FEW, dose, told.filter(dose=dose)), flush=True)


def _line(beads: int, dose: float, rows: pl.DataFrame) -> str:
    true, given = DILUTION * dose, rows.filter(status="quantified")
    share = 100 * given.height / rows.height
    if given.is_empty():
        return f"| {beads} | {dose:g} | {2 * rows.height} | {share:.0f} | | | | | |"
    upper = given["upper"].fill_null(np.inf)
    high, low = 100 * (given["lower"] > true).mean(), 100 * (upper < true).mean()
    width = 100 * np.expm1((given["upper"] / given["lower"]).log().mean() / 2)
    bias = 100 * np.expm1((given["conc_pg_per_ml"] / true).log().mean())
    held = 100 - high - low
    cells = (beads, f"{dose:g}", 2 * rows.height, f"{share:.0f}", f"{held:.1f}", f"{low:.1f}", f"{high:.1f}")
    return "| " + " | ".join(map(str, (*cells, f"{width:.0f}", f"{bias:+.0f}"))) + " |"


if __name__ == "__main__":
    main()
