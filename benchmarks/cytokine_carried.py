"""Whether intervals of concentrations hold where dilution errors carry on, on good plates.

As `cytokine_coverage`, but with 300 beads, volumes good to 2 % and analytes to 3 %, where little else than the dilution
decides. A serial dilution hands an error of one step on to all levels below it.
"""

import numpy as np
import polars as pl

from benchmarks.cytokine_coverage import DILUTION, DOSES, LEVELS, Errors, results

BEADS, SEEDS = 300, range(3_000, 3_050)
WELL, OWN = 0.02, 0.03
OFF = np.log(1.1)


def one_step(rng: np.random.Generator) -> np.ndarray:
    """Return ln errors of levels: one step of the dilution is off, and all levels below it with it."""
    return np.where(np.arange(LEVELS) >= rng.integers(1, LEVELS), OFF, 0) * rng.choice([-1, 1])


def one_level(rng: np.random.Generator) -> np.ndarray:
    """Return ln errors of levels: one is off by itself."""
    return np.where(np.arange(LEVELS) == rng.integers(1, LEVELS), OFF, 0) * rng.choice([-1, 1])


KINDS = {
    "none": lambda rng: np.zeros(LEVELS),
    "one level 10 %": one_level,
    "one step 10 %": one_step,
    "every step 3 % (SD)": lambda rng: np.r_[0, np.cumsum(0.03 * rng.standard_normal(LEVELS - 1))],
    "every step 5 % (SD)": lambda rng: np.r_[0, np.cumsum(0.05 * rng.standard_normal(LEVELS - 1))],
    "every step 10 % (SD)": lambda rng: np.r_[0, np.cumsum(0.1 * rng.standard_normal(LEVELS - 1))],
    "every level 5 % (SD)": lambda rng: np.r_[0, 0.05 * rng.standard_normal(LEVELS - 1)],
}


def main() -> None:
    """Print the table of this benchmark."""
    doses = DOSES[1:-1]
    print(f"| errors | held, % | {' | '.join(f'{dose:g} pg/mL' for dose in doses)} | half-width, % |")
    print("|---" * (3 + len(doses)) + "|")
    for name, levels in KINDS.items():
        told = results(BEADS, SEEDS, of=Errors(levels, WELL, OWN)).filter(status="quantified")
        true, upper = DILUTION * pl.col("dose"), pl.col("upper").fill_null(np.inf)
        told = told.with_columns(held=pl.lit(100.0) * ((pl.col("lower") <= true) & (true <= upper)))
        width = 100 * told.select((pl.col("upper") / pl.col("lower")).log().mean() / 2).item()
        each = [f"{told.filter(dose=dose)['held'].mean():.0f}" for dose in doses]
        print(f"| {name} | {told['held'].mean():.1f} | {' | '.join(each)} | {width:.0f} |", flush=True)


if __name__ == "__main__":
    main()
