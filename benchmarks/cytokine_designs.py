"""How well plates of other designs tell an error of one standard level: what is found, and what could be at best.

As `cytokine_dilution`: one level 10 % off, plates' own truth. Plates of one kit lot may share the shape of each
analyte's curve (slope and asymmetry, and the midpoint too); the program fits each plate by itself, so for these there
is the bound alone. Another bound is that of a plate on which any other level may be off by 5 % as well.
"""

import numpy as np

from benchmarks.cytokine_dilution import (
    BEAD,
    GAIN,
    LEVELS,
    Design,
    best_share,
    curves,
    least_sd,
    near,
    plates,
    points,
)
from tilseq.cytokines.curve import parts_of
from tilseq.cytokines.joint import VAGUE

SHOWN = (1, 3, 6)
USUAL = Design(300, 0.03, 0.02)
DESIGNS = {
    "as above": USUAL,
    "100 beads": Design(100, 0.03, 0.02),
    "1,000 beads": Design(1_000, 0.03, 0.02),
    "standards in triplicate": Design(300, 0.03, 0.02, replicates=3),
    "standards in quadruplicate": Design(300, 0.03, 0.02, replicates=4),
    "eight wells a standard": Design(300, 0.03, 0.02, replicates=8),
    "4 analytes": Design(300, 0.03, 0.02, analytes=4),
    "26 analytes": Design(300, 0.03, 0.02, analytes=26),
    "CV 8 and 5 %": Design(300, 0.08, 0.05),
    "CV 15 and 5 %, as the real plate": Design(300, 0.15, 0.05),
}
SHAPE, MIDPOINT_TOO = (3, 4), (2, 3, 4)
LOTS = {
    f"{number} plates of a lot, {what} shared": (number, shared)
    for what, shared in (("slope and asymmetry", SHAPE), ("midpoint too", MIDPOINT_TOO))
    for number in (2, 4, 8)
}
OTHERS = 0.05


def bound(
    level: int,
    design: Design,
    *,
    number: int = 1,
    shared: tuple[int, ...] = (),
    others: float = 0.0,
    known: bool = False,
) -> float:
    """Return the least standard deviation of ln(true over nominal) of a level of the first plate.

    Parameters
    ----------
    level
        That is off.
    design
        Of each plate.
    number
        Plates fitted together.
    shared
        Parameters of each analyte's curve that they share.
    others
        Standard deviation of dilution errors of the other levels.
    known
        Whether all curves are known without error.
    """
    level_of, right = design.level_of, np.zeros(len(design.level_of))
    one = points(np.random.default_rng(0), right, design)
    _, steep, gradient = parts_of(curves(design.analytes)[one.analyte], one.log_conc)
    sd = np.sqrt(BEAD**2 / design.beads + GAIN**2 + (design.own * steep) ** 2)
    columns: dict[tuple[object, ...], np.ndarray] = {}
    precision: dict[tuple[object, ...], float] = {}

    def add(key: tuple[object, ...], plate: int, change: np.ndarray, prior: float) -> None:
        column = columns.setdefault(key, np.zeros((number, len(sd))))
        column[plate] += change / sd
        precision[key] = prior

    for plate in range(number):
        for analyte in range(0 if known else design.analytes):
            for k, vague in enumerate(VAGUE):
                key = ("curve", analyte, k) if k in shared else ("curve", analyte, k, plate)
                add(key, plate, gradient[:, k] * (one.analyte == analyte), vague**-2.0)
        for well, of in enumerate(level_of):
            change = steep * (one.well == well)
            if plate == 0 and of == level:  # the level's own volumes belong to what is found
                add(("off",), plate, change, 0.0)
            elif of >= 0:
                add(("volume", plate, well), plate, change, design.volume**-2.0)
                if others and of > 0:
                    add(("level", plate, of), plate, change, others**-2.0)
    slopes = np.array([column.ravel() for column in columns.values()])
    information = slopes @ slopes.T + np.diag(list(precision.values()))
    wanted = np.array([key == ("off",) for key in columns], float)
    return float(np.sqrt(wanted @ np.linalg.solve(information, wanted)))


def main() -> None:
    """Print the table of this benchmark."""
    names = [f"C{LEVELS - level}" for level in SHOWN]
    heads = [f"{name}: plates within 2 points, %" for name in names] + [f"{name} at best, %" for name in names]
    print(f"| design | {' | '.join(heads)} |\n{'|---' * (1 + len(heads))}|")
    for name, design in DESIGNS.items():
        found = []
        for level in SHOWN:
            told, true = plates(level, design)
            found.append(near(np.exp([one.errors.median[level] for one in told]) - np.exp(true[:, level])))
        _print(name, found, [least_sd(level, design) for level in SHOWN])
    for name, (number, shared) in LOTS.items():
        _print(name, [None] * len(SHOWN), [bound(level, USUAL, number=number, shared=shared) for level in SHOWN])
    name = f"other levels off as well, by {100 * OTHERS:g} % (SD)"
    _print(name, [None] * len(SHOWN), [bound(level, USUAL, others=OTHERS) for level in SHOWN])
    _print("curves known", [None] * len(SHOWN), [bound(level, USUAL, known=True) for level in SHOWN])


def _print(name: str, found: list[float | None], sds: list[float]) -> None:
    cells = ["" if share is None else f"{share:.0f}" for share in found] + [f"{best_share(sd):.0f}" for sd in sds]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
