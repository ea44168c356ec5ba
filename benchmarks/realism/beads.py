"""Simulated bead arrays beside the LEGENDplex plate and the raw CytoFLEX well of beadplexr (MIT licence).

The plate's CSV files hold fluorescence as asinh(1 + x), the default of flowCore's transform: clusters of the raw well
lie at the same places on that scale, and only there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.io.fcs import read_fcs
from tilseq.simulate.beads.plate import draw_plate
from tilseq.simulate.beads.wells import LEVELS, MULTIPLEX
from tilseq.simulate.streams import stream

Floats = NDArray[np.float64]

SOURCE = "real: LEGENDplex 13-plex, beadplexr"
SIZES = ("small", "large")
# Where the real plate's clusters lie: classifier on the scale asinh(1 + x), by size.
REAL_CLASSIFIER = {
    "small": (9.53, 10.12, 10.73, 11.32, 11.63, 11.88),
    "large": (7.83, 8.93, 9.76, 10.73, 11.28, 11.85, 12.64),
}
REAL_TOP = (50, 10, 50, 50, 50, 50, 50, 10, 50, 50, 10, 50, 50)  # ng/mL, in that order (beadplexr's panel file)
DYED = 700.0  # classifier of the dimmest bead, at least
SMALL_BELOW = {"real": 355_000.0, "simulated": 45_500.0}  # forward scatter
PLATES = 12  # simulated; the picture shows the one whose zig-zag is most like the real one's
PLASMA = {"IFN-gamma": 300, "TNF-alpha": 40, "IL-2": 2, "IL-6": 120, "IL-10": 15, "IL-15": 30}


@dataclass(frozen=True)
class Source:
    """A plate as both sources give it: forward, side, classifier, reporter of the events of each well.

    `wells` is keyed by (level, replicate); `raw` is one well with all its events; `centres` by size.
    """

    kind: str
    title: str
    wells: dict[tuple[str, int], Floats]
    raw: Floats
    centres: dict[str, tuple[float, ...]]
    top: Floats

    def clusters(self, events: Floats) -> list[Floats]:
        """Return the natural logarithms of each cluster's events, the small beads' first."""
        small = events[:, 0] < SMALL_BELOW[self.kind]
        bead = np.log(np.maximum(events, 1))
        place = np.log(2 * np.maximum(events[:, 2], 1))
        found = []
        for size in SIZES:
            centres = np.array(self.centres[size])
            gap = np.abs(place[:, None] - centres)
            near, least = gap.argmin(axis=1), gap.min(axis=1)
            width = np.where(centres[near] < 10, 0.30, 0.17)
            ours = (small == (size == "small")) & (least < width)
            found += [bead[ours & (near == number)] for number in range(len(centres))]
        return found


def real(shared_data: Path) -> Source:
    """Return the beads of a real plate."""
    folder = shared_data / "cytokine"
    wells = {}
    for level in [f"C{number}" for number in range(LEVELS)] + ["S1"]:
        for replicate in (1, 2):
            frame = pl.read_csv(folder / "legendplex" / f"K3-{level}-{replicate}.csv.gz")
            light = [np.sinh(frame[name].to_numpy()) - 1 for name in ("FL6-H", "FL2-H")]
            wells[level, replicate] = np.column_stack([frame["FSC-A"], frame["SSC-A"], *light])
    raw = read_fcs(folder / "K2-C07-A7_raw.fcs")
    columns = [raw.channels.index(name) for name in ("FSC-A", "SSC-A", "FL6-H", "FL2-H")]
    top = 1000.0 * np.array(REAL_TOP)
    return Source("real", SOURCE, wells, raw.events[:, columns].astype(np.float64), REAL_CLASSIFIER, top)


def simulated(seed: int) -> Source:
    """Return the beads of a simulated plate."""
    plate = draw_plate(stream(seed, "realism", "beads"), "P1", MULTIPLEX, {"S1": PLASMA})
    wells = {}
    for row in plate.sheet.iter_rows(named=True):
        well = plate.wells[row["well"]]
        seen = well.events[well.labels < len(MULTIPLEX.beads)]
        wells[row["level"] or row["sample"], int(row["replicate"])] = seen[:, :4].astype(np.float64)
    centres = {
        size: tuple(float(np.log(2 * bead.classifier)) for bead in MULTIPLEX.beads if bead.size == size)
        for size in SIZES
    }
    raw = plate.wells["A01"].events[:, :4].astype(np.float64)
    top = np.full(len(MULTIPLEX.beads), MULTIPLEX.top_pg_per_ml)
    title = f"simulated: of {PLATES} plates the one whose zig-zag is most like it"
    return Source("simulated", title, wells, raw, centres, top)


def robust_sd(values: Floats) -> float:
    """Return the standard deviation that the median absolute deviation tells of normal values."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def standard_medians(source: Source) -> Floats:
    """Natural logarithm of the median reporter: level × replicate × analyte."""
    return np.array(
        [
            [
                [np.median(cluster[:, 3]) for cluster in source.clusters(source.wells[f"C{level}", replicate])]
                for replicate in (1, 2)
            ]
            for level in range(LEVELS)
        ]
    )


def recoveries(medians: Floats, top: Floats) -> Floats:
    """Back-calculated over nominal, level C1..C7 × analyte: a five-parameter curve fitted to each analyte by itself."""
    from scipy.optimize import least_squares

    mean = medians.mean(axis=1)
    nominal = np.log(top / 4.0 ** np.arange(LEVELS - 2, -1, -1)[:, None])

    def curve(p: Floats, x: Floats) -> Floats:
        return np.asarray(np.logaddexp(p[0], p[1] - np.exp(p[4]) * np.log1p(np.exp(-p[3] * (x - p[2])))))

    told = np.full(nominal.shape, np.nan)
    for analyte in range(nominal.shape[1]):
        x, y = nominal[:, analyte], mean[:, analyte]

        def misfit(p: Floats, x: Floats = x, y: Floats = y) -> Floats:
            return np.concatenate([curve(p, x) - y[1:], [p[0] - y[0], 0.1 * p[4], 0.05 * (p[3] - 1)]])

        fit = least_squares(misfit, [y[0], y[-1] + 0.5, x[4], 1.0, 0.0]).x
        grid = np.linspace(x[0] - 2, x[-1] + 2, 4001)
        at = curve(fit, grid)
        inside = (y[1:] > at[0]) & (y[1:] < at[-1])
        told[inside, analyte] = np.exp(np.interp(y[1:], at, grid) - x)[inside]
    return 100 * told


def shapes(source: Source) -> dict[str, str]:
    """Return what the table shows of the beads of one plate."""
    every = {key: source.clusters(events) for key, events in source.wells.items()}
    spread = np.array([[[robust_sd(c[:, k]) for k in range(4)] for c in clusters] for clusters in every.values()])
    shape = np.array([np.corrcoef(core(c).T) for clusters in every.values() for c in clusters]).mean(axis=0)
    reporter = [np.median([robust_sd(c[:, 3]) for k in (1, 2) for c in every[f"C{level}", k]]) for level in range(8)]
    per_analyte = spread.mean(axis=0)
    dyed = source.raw[source.raw[:, 2] > DYED]
    large = np.median(dyed[dyed[:, 0] > SMALL_BELOW[source.kind], 0])
    counts = [len(c) for clusters in every.values() for c in clusters]
    return {
        "beads per analyte and well, 5 to 95 %": "{:.0f} to {:.0f}".format(*np.percentile(counts, [5, 95])),
        "spread of forward scatter (robust, natural log)": between(per_analyte[:, 0]),
        "spread of side scatter": between(per_analyte[:, 1]),
        "spread of the classifier": between(per_analyte[:, 2]),
        "correlation forward-side, forward-classifier, side-reporter": (
            f"{shape[0, 1]:.2f}, {shape[0, 2]:.2f}, {shape[1, 3]:.2f}"
        ),
        "spread of the reporter at C0, C2, C4, C5, C7": ", ".join(f"{reporter[k]:.2f}" for k in (0, 2, 4, 5, 7)),
        "events without dye": f"{100 * (1 - len(dyed) / len(source.raw)):.0f} %",
        "dyed events 1.3 times as large as large beads": f"{100 * np.mean(dyed[:, 0] > 1.3 * large):.1f} %",
    }


def pipetting(source: Source) -> dict[str, float]:
    """Return how well a plate was pipetted: natural logarithms, of standards C3 to C6."""
    medians = standard_medians(source)
    recovered = np.log(recoveries(medians, source.top)[2:6] / 100)
    pairs = (medians[:, 0] - medians[:, 1])[3:7]
    shared = np.nanmedian(recovered, axis=1)
    return {
        "zig-zag: spread of recovery between levels, shared by analytes": float(shared.std()),
        "spread of recovery about it": float(np.nanstd(recovered - shared[:, None])),
        "duplicates: difference shared by analytes": float(np.sqrt(np.mean(pairs.mean(axis=1) ** 2))),
        "duplicates: spread between analytes": float(pairs.std(axis=1).mean()),
    }


def core(cluster: Floats) -> Floats:
    """Events within 3.5 robust standard deviations in every channel."""
    z = np.array([(cluster[:, k] - np.median(cluster[:, k])) / robust_sd(cluster[:, k]) for k in range(4)])
    return cluster[(np.abs(z) < 3.5).all(axis=0)]


def between(values: Floats) -> str:
    """Return the least and the greatest value, in words."""
    return f"{values.min():.3f} to {values.max():.3f}"


def measure(shared_data: Path, folder: Path) -> list[str]:
    """Write `realism_beads.png` to a folder and return the lines of a table in Markdown."""
    truly, plates = real(shared_data), [simulated(seed) for seed in range(1, PLATES + 1)]
    hands, ours = pipetting(truly), [pipetting(plate) for plate in plates]
    zigzag = next(iter(hands))
    like = min(range(PLATES), key=lambda number: abs(ours[number][zigzag] - hands[zigzag]))
    picture((truly, plates[like]), folder / "realism_beads.png")
    lines = [f"| bead array | {SOURCE} | simulated |", "|---|---|---|"]
    beads = shapes(truly), shapes(plates[like])
    lines += [f"| {name} | {beads[0][name]} | {beads[1][name]} |" for name in beads[0]]
    for name, value in hands.items():
        every = np.sort([plate[name] for plate in ours])
        lines.append(f"| {name} | {value:.2f} | {np.median(every):.2f} ({every[0]:.2f} to {every[-1]:.2f}) |")
    return lines


def picture(sources: tuple[Source, ...], path: Path) -> None:
    """Draw every source, a row each."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7), layout="constrained")
    parts: Any = figure.subfigures(len(sources), 1)
    for part, source in zip(parts, sources, strict=True):
        part.suptitle(source.title, fontweight="bold")
        draw(source, part.subplots(1, 5))
    figure.savefig(path, dpi=75)


def draw(source: Source, axes: Any) -> None:
    """Draw one source: one well, its clusters and its standards."""
    raw, medians = np.maximum(source.raw, 1), standard_medians(source)
    beads = raw[(raw[:, 2] > DYED) & (raw[:, 0] > SMALL_BELOW[source.kind])]
    axes[0].loglog(*(raw[:, :2] / np.median(beads[:, :2], axis=0)).T, ",k")
    axes[0].set(xlim=(0.03, 10), ylim=(0.02, 10), xlabel="forward scatter / large beads", ylabel="side scatter")
    axes[0].set_title("one well of the top standard, all events", fontsize=9)
    axes[1].loglog(raw[:, 2] / np.percentile(beads[:, 2], 98), raw[:, 3] / np.exp(medians[0].mean()), ",k")
    axes[1].set(xlim=(1e-3, 5), ylim=(0.2, 4e3), xlabel="classifier / brightest", ylabel="reporter / blank")
    axes[1].set_title("the same well", fontsize=9)
    analyte = 2
    for level in range(LEVELS):
        cluster = source.clusters(source.wells[f"C{level}", 1])[analyte][:, 3] - medians[0, :, analyte].mean()
        axes[2].hist(cluster, np.arange(-1.5, 8, 0.1), histtype="step", density=True, label=f"C{level}")
    axes[2].set(xlabel="ln(reporter / blank) of one analyte", ylabel="density")
    axes[2].legend(fontsize=7, ncols=2)
    axes[2].set_title("beads of each standard", fontsize=9)
    share = 4.0 ** np.arange(2 - LEVELS, 1)
    axes[3].loglog(share, np.exp(medians[1:].mean(axis=1) - medians[0].mean(axis=0)), "o-", ms=3, lw=0.8)
    axes[3].set(xlabel="nominal / top standard", ylabel="median reporter / blank", ylim=(0.8, 3e3))
    axes[3].set_title("one line an analyte", fontsize=9)
    axes[4].plot(range(1, LEVELS), recoveries(medians, source.top), "o-", ms=3, lw=0.8)
    axes[4].axhline(100, color="grey", lw=0.8)
    axes[4].set(xlabel="standard level", ylabel="recovery, % of nominal", yscale="log", ylim=(40, 250))
    axes[4].set_yticks([50, 70, 100, 140, 200], ["50", "70", "100", "140", "200"])
    axes[4].minorticks_off()
    axes[4].set_title("recovery by analyte", fontsize=9)
