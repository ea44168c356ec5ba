"""How well an error of one standard level is found, and one of every step, on simulated plates of 13 analytes.

Standards in duplicate, 1:4 from 10,000 pg/mL; one level holds 10 % more than it should, the others what they should but
for their wells' volumes. Found is the mean true over nominal of a level's wells. The best share is that of an estimate
without bias that were told which level is off and how far all else scatters (Cramér and Rao). Drawn is what curves
stand at, nearer to 0.
"""

import numpy as np

from tilseq.cytokines.curve import parts_of
from tilseq.cytokines.joint import Points, joint
from tilseq.cytokines.standards import Fitted, Standard, fit_standards

PLATES_EACH, ANALYTES, LEVELS, TOP, FOLD = 100, 13, 7, 1e4, 4.0
OFF, NEAR = np.log(1.1), 0.02
GAIN = 0.01
BEAD = 1.2533 * 0.36  # of the median of one bead
CONDITIONS = ((300, 0.03, 0.02), (300, 0.03, 0.01), (1_000, 0.02, 0.003))  # beads, spread of an analyte, of a well
LEVEL_OF = np.array([*np.repeat(np.arange(LEVELS), 2), -1, -1])
with np.errstate(divide="ignore"):
    NOMINAL = np.log(np.where(LEVEL_OF >= 0, TOP / FOLD ** np.maximum(LEVEL_OF, 0), 0))


def curves(seed: int = 5) -> np.ndarray:
    """Return ln bottom, ln(top - bottom), ln midpoint, ln slope and ln asymmetry of each analyte."""
    low, high = [80, 40e3, 300, 0.95, 0.8], [130, 95e3, 5_000, 1.4, 1.5]
    return np.random.default_rng(seed).uniform(np.log(low), np.log(high), (ANALYTES, 5))


def points(rng: np.random.Generator, errors: np.ndarray, beads: int, own: float) -> Points:
    """Return all standards at given errors of the wells."""
    analyte, well = np.repeat(np.arange(ANALYTES), len(LEVEL_OF)), np.tile(np.arange(len(LEVEL_OF)), ANALYTES)
    conc = np.tile(NOMINAL, ANALYTES)
    se = BEAD / np.sqrt(beads)
    value = parts_of(curves()[analyte], conc + errors[well] + own * rng.standard_normal(len(well)))[0]
    value += np.hypot(se, GAIN) * rng.standard_normal(len(well))
    known = se * np.sqrt(rng.chisquare(20, len(well)) / 20)
    return Points(conc, value, known, analyte, np.where(LEVEL_OF[well] >= 0, well, -1), int((LEVEL_OF >= 0).sum()))


def fitted(one: Points) -> Fitted:
    standards = {}
    for k in range(ANALYTES):
        own = one.analyte == k
        standards[str(k)] = Standard(one.log_conc[own], one.log_signal[own], one.se[own], np.arange(len(LEVEL_OF)))
    return fit_standards(standards, LEVEL_OF.tolist())


def plate(seed: list[int], dilution: np.ndarray, beads: int, own: float, volume: float) -> tuple[Fitted, np.ndarray]:
    """Return what was found on a plate, and the true mean error of each level."""
    rng = np.random.default_rng(seed)
    errors = np.where(LEVEL_OF >= 0, dilution[LEVEL_OF], 0) + volume * rng.standard_normal(len(LEVEL_OF))
    true = np.array([errors[LEVEL_OF == level].mean() for level in range(LEVELS)])
    return fitted(points(rng, errors, beads, own)), true


def best_share(level: int, beads: int, own: float, volume: float) -> float:
    from scipy.special import ndtr

    level_of = LEVEL_OF[LEVEL_OF >= 0]
    right, free = np.zeros(len(LEVEL_OF)), np.ones((ANALYTES, 5), bool)
    one = points(np.random.default_rng(0), right, beads, own)
    steep = joint(one, curves(), free, right[LEVEL_OF >= 0], np.ones(len(one.se))).steep
    sd = np.sqrt(BEAD**2 / beads + GAIN**2 + (own * steep) ** 2)
    told = joint(one, curves(), free, right[LEVEL_OF >= 0], sd).information
    # The level's own volumes belong to what is found; those of the others scatter.
    others = np.diag(np.where(level_of == level, 0, volume**2))
    member = (level_of == level).astype(float)
    seen = member @ np.linalg.inv(np.eye(len(level_of)) + told @ others) @ told @ member
    return float(2 * ndtr(NEAR / np.exp(OFF) * np.sqrt(seen)) - 1)


def row(level: int, beads: int, own: float, volume: float) -> str:
    """Return the line of one level that is off."""
    dilution = np.where(np.arange(LEVELS) == level, OFF, 0)
    plates = [plate([number, level], dilution, beads, own, volume) for number in range(PLATES_EACH)]
    true = np.array([errors for _, errors in plates])
    found = np.exp([one.errors.median for one, _ in plates])
    drawn = np.exp([one.levels[level] for one, _ in plates])
    held = np.array([(one.errors.lower <= errors) & (errors <= one.errors.upper) for one, errors in plates])
    gaps = 100 * (found - np.exp(true))
    mean, error = 100 * (found[:, level].mean() - 1), 100 * found[:, level].std(ddof=1) / np.sqrt(PLATES_EACH)
    others = np.delete(np.arange(LEVELS), [0, level])
    cells = [
        f"{beads}",
        f"{100 * own:g}, {100 * volume:g}",
        f"C{LEVELS - level}",
        f"{mean:.1f} ± {error:.1f}",
        "yes" if abs(mean - 10) <= 100 * NEAR else "no",
        f"{100 * np.mean(np.abs(gaps[:, level]) <= 100 * NEAR):.0f}",
        f"{100 * best_share(level, beads, own, volume):.0f}",
        f"{gaps[:, level].mean():+.1f}",
        f"{100 * held[:, level].mean():.0f}",
        f"{100 * held[:, others].mean():.0f}",
        f"{np.sqrt((gaps[:, others] ** 2).mean()):.1f}",
        f"{100 * (drawn.mean() - 1):.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    heads = "beads | CV of an analyte, of volumes, % | level | found, mean ± SE, % | mean within 8 to 12"
    heads += " | plates within 2 points, % | at best, % | mean gap | held, % | right levels held, % | off by, points"
    print(f"| {heads} | drawn, mean, % |\n{'|---' * 12}|")
    for condition in CONDITIONS:
        for level in range(1, LEVELS):
            print(row(level, *condition), flush=True)
    beads, own, volume = CONDITIONS[-1]
    steps = OFF * np.arange(LEVELS)
    found = [plate([number, 0], steps, beads, own, volume)[0].errors.median for number in range(20)]
    middle = ", ".join(f"{value:.2f}" for value in np.exp(np.mean(found, axis=0)))
    print(f"\nEach step 10 % off, C1 {np.exp(steps[-1]):.2f} times what it should hold: found {middle} (C7 to C1).")


if __name__ == "__main__":
    main()
