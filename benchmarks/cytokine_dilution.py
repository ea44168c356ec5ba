"""How well an error of one standard level is found, and one of every step, on simulated plates of 13 analytes.

Standards in duplicate, 1:4 from 10,000 pg/mL; one level holds 10 % more than it should, the others what they should but
for their wells' volumes. Found is the mean true over nominal of a level's wells, and a plate's own truth is that mean:
the 10 % and the volumes of its wells. The best share is that of an estimate without bias that were told which level is
off and how far all else scatters (Cramér and Rao). Drawn is what curves stand at, nearer to 0.
"""

from dataclasses import dataclass

import numpy as np

from tilseq.cytokines.curve import parts_of
from tilseq.cytokines.joint import Points, joint
from tilseq.cytokines.standards import Fitted, Standard, fit_standards

PLATES_EACH, LEVELS, TOP, FOLD = 100, 7, 1e4, 4.0
OFF, NEAR = np.log(1.1), 0.02
GAIN = 0.01
BEAD = 1.2533 * 0.36  # of the median of one bead


@dataclass(frozen=True)
class Design:
    """Beads of an analyte in a well, spread of an analyte in a well and of a well's volume, and the plate's size."""

    beads: int
    own: float
    volume: float
    replicates: int = 2
    analytes: int = 13

    @property
    def level_of(self) -> np.ndarray:
        """Level of each well, -1 for a blank."""
        return np.repeat([*range(LEVELS), -1], self.replicates)


DESIGNS = (Design(300, 0.03, 0.02), Design(300, 0.03, 0.01), Design(1_000, 0.02, 0.003))


def curves(analytes: int) -> np.ndarray:
    """Return ln bottom, ln(top - bottom), ln midpoint, ln slope and ln asymmetry of each analyte."""
    low, high = [80, 40e3, 300, 0.95, 0.8], [130, 95e3, 5_000, 1.4, 1.5]
    return np.random.default_rng(5).uniform(np.log(low), np.log(high), (analytes, 5))


def points(rng: np.random.Generator, errors: np.ndarray, design: Design) -> Points:
    """Return all standards at given errors of the wells."""
    level_of = design.level_of
    analyte = np.repeat(np.arange(design.analytes), len(level_of))
    well = np.tile(np.arange(len(level_of)), design.analytes)
    with np.errstate(divide="ignore"):
        conc = np.log(np.where(level_of >= 0, TOP / FOLD ** np.maximum(level_of, 0), 0))[well]
    se = BEAD / np.sqrt(design.beads)
    true = conc + errors[well] + design.own * rng.standard_normal(len(well))
    value = parts_of(curves(design.analytes)[analyte], true)[0]
    value += np.hypot(se, GAIN) * rng.standard_normal(len(well))
    known = se * np.sqrt(rng.chisquare(20, len(well)) / 20)
    return Points(conc, value, known, analyte, np.where(level_of[well] >= 0, well, -1), int((level_of >= 0).sum()))


def fitted(one: Points, design: Design) -> Fitted:
    """Return the curves and level errors of one plate."""
    standards, level_of = {}, design.level_of
    for k in range(design.analytes):
        own = one.analyte == k
        standards[str(k)] = Standard(one.log_conc[own], one.log_signal[own], one.se[own], np.arange(len(level_of)))
    return fit_standards(standards, level_of.tolist())


def plate(seed: list[int], dilution: np.ndarray, design: Design) -> tuple[Fitted, np.ndarray]:
    """Return what was found on a plate, and the true mean error of each level."""
    rng, level_of = np.random.default_rng(seed), design.level_of
    errors = np.where(level_of >= 0, dilution[level_of], 0) + design.volume * rng.standard_normal(len(level_of))
    true = np.array([errors[level_of == level].mean() for level in range(LEVELS)])
    return fitted(points(rng, errors, design), design), true


def plates(level: int, design: Design) -> tuple[list[Fitted], np.ndarray]:
    """Return what was found on plates of which one level is off, and their truth, plates × levels."""
    dilution = np.where(np.arange(LEVELS) == level, OFF, 0)
    found, true = zip(*(plate([number, level], dilution, design) for number in range(PLATES_EACH)), strict=True)
    return list(found), np.array(true)


def near(gaps: np.ndarray) -> float:
    """Return how many of 100 gaps are within 2 points."""
    return 100 * float(np.mean(np.abs(gaps) <= NEAR))


def best_share(sd: float) -> float:
    """Return how many of 100 estimates lie within 2 points, by the least standard deviation of ln true over nominal."""
    from scipy.special import ndtr

    return 100 * float(2 * ndtr(NEAR / np.exp(OFF) / sd) - 1)


def least_sd(level: int, design: Design) -> float:
    """Return the least standard deviation of an estimate without bias of a level's error."""
    level_of = design.level_of[design.level_of >= 0]
    free, right = np.ones((design.analytes, 5), bool), np.zeros(len(design.level_of))
    one, at = points(np.random.default_rng(0), right, design), curves(design.analytes)
    steep = joint(one, at, free, right[: len(level_of)], np.ones(len(one.se))).steep
    sd = np.sqrt(BEAD**2 / design.beads + GAIN**2 + (design.own * steep) ** 2)
    told = joint(one, at, free, right[: len(level_of)], sd).information
    # The level's own volumes belong to what is found; those of the others scatter.
    others = np.diag(np.where(level_of == level, 0, design.volume**2))
    member = (level_of == level).astype(float)
    return float((member @ np.linalg.inv(np.eye(len(level_of)) + told @ others) @ told @ member) ** -0.5)


def row(level: int, design: Design) -> str:
    """Return the line of one level that is off."""
    told, true = plates(level, design)
    found = np.exp([one.errors.median for one in told])
    drawn = np.exp([one.levels[level] for one in told])
    held = np.array(
        [(one.errors.lower <= errors) & (errors <= one.errors.upper) for one, errors in zip(told, true, strict=True)]
    )
    gaps = found - np.exp(true)
    mean, error = 100 * (found[:, level].mean() - 1), 100 * found[:, level].std(ddof=1) / np.sqrt(PLATES_EACH)
    others = np.delete(np.arange(LEVELS), [0, level])
    cells = [
        f"{design.beads}",
        f"{100 * design.own:g}, {100 * design.volume:g}",
        f"C{LEVELS - level}",
        f"{mean:.1f} ± {error:.1f}",
        "yes" if abs(mean - 10) <= 100 * NEAR else "no",
        f"{near(gaps[:, level]):.0f}",
        f"{best_share(least_sd(level, design)):.0f}",
        f"{near(found[:, level] - np.exp(OFF)):.0f}",
        f"{100 * gaps[:, level].mean():+.1f}",
        f"{100 * held[:, level].mean():.0f}",
        f"{100 * held[:, others].mean():.0f}",
        f"{100 * np.sqrt((gaps[:, others] ** 2).mean()):.1f}",
        f"{100 * (drawn.mean() - 1):.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table of this benchmark."""
    heads = "beads | CV of an analyte, of volumes, % | level | found, mean ± SE, % | mean within 8 to 12"
    heads += " | plates within 2 points of their truth, % | at best, % | within 2 points of 10 %, % | mean gap"
    heads += " | held, % | right levels held, % | off by, points | drawn, mean, %"
    print(f"| {heads} |\n{'|---' * 13}|")
    for design in DESIGNS:
        for level in range(1, LEVELS):
            print(row(level, design), flush=True)
    steps = OFF * np.arange(LEVELS)
    found = [plate([number, 0], steps, DESIGNS[-1])[0].errors.median for number in range(20)]
    middle = ", ".join(f"{value:.2f}" for value in np.exp(np.mean(found, axis=0)))
    print(f"\nEach step 10 % off, C1 {np.exp(steps[-1]):.2f} times what it should hold: found {middle} (C7 to C1).")


if __name__ == "__main__":
    main()
