"""Figures of B-cell receptors: isotypes, mutations, and the distance that parts families."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError
from tilseq.plots.rows import needing
from tilseq.plots.style import INK, PALETTE, figure, filled, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Order of the constant genes, with the class before its subclasses.
ISOTYPE_ORDER = ("IGHM", "IGHD", "IGHG", "IGHG3", "IGHG1", "IGHG2", "IGHG4", "IGHE", "IGHA", "IGHA1", "IGHA2")
MUTATION_BIN = 0.01
DISTANCE_BIN = 0.02
MOST_MUTATED = 0.3
SHARES = ("sample", "unit", "level", "isotype", "share", "total", "lower", "upper")
MUTATED = ("locus", "c_call", "mutation_frequency")


def isotype_bars(table: Any, *, unit: str = "families", level: str = "class", order: Sequence[str] = ()) -> Axes:
    """Draw the share of each isotype, samples side by side.

    Parameters
    ----------
    table
        polars or pandas, the table `isotypes`: `sample, unit, level, isotype, total, share, lower, upper`.
    unit
        `families`, `counts` or `sequences`.
    level
        `class` or `subclass`.
    order
        Samples in the order in which they are drawn; by default by name.

    Returns
    -------
    Axes
        Groups of bars in the order of the genes, with 95 % limits where the table has them; the legend tells the size
        of each sample.

    Raises
    ------
    AnalysisError
        The table holds no share of this unit and level.
    """
    from matplotlib.ticker import PercentFormatter

    rows = needing(table, SHARES).filter(unit=unit, level=level).filter(pl.col("share").is_not_null())
    if not rows.height:
        raise AnalysisError("the table holds no isotype", found=f"unit {unit}, level {level}")
    samples = [name for name in order or sorted(rows["sample"].unique()) if name in rows["sample"]]
    limited = rows["lower"].count() > 0
    isotypes = [name for name in ISOTYPE_ORDER if name in rows["isotype"]]
    width = 0.8 / len(samples)
    with figure() as axes:
        for number, sample in enumerate(samples):
            of_sample = {row["isotype"]: row for row in rows.filter(sample=sample).iter_rows(named=True)}
            at = [place + (number - (len(samples) - 1) / 2) * width for place in range(len(isotypes))]
            heights = [of_sample[name]["share"] if name in of_sample else 0.0 for name in isotypes]
            total = rows.filter(sample=sample)["total"][0]
            axes.bar(at, heights, width, label=f"{short(sample)} ({total} {unit})", **filled(number))
            for place, name in zip(at, isotypes, strict=True):
                limits = of_sample.get(name, {})
                if limits.get("lower") is not None:
                    axes.vlines(place, limits["lower"], limits["upper"], color=INK, linewidth=1)
        axes.set_xticks(range(len(isotypes)), isotypes)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_ylabel(f"Share of {unit}" + (", 95 % limits" if limited else ""))
        axes.legend()
    return axes


def mutation_histogram(table: Any) -> Axes:
    """Draw how mutated sequences are, unswitched and switched apart.

    Parameters
    ----------
    table
        polars or pandas, the table `mutation` of one sample: `locus`, `c_call`, `mutation_frequency`. Heavy chains are
        drawn.

    Returns
    -------
    Axes
        Sequences a bin of one mutation in a hundred bases. What lies above 30 % stands in the last bin; the axis tells.

    Raises
    ------
    AnalysisError
        No heavy chain has a frequency.
    """
    from matplotlib.ticker import PercentFormatter

    heavy = needing(table, MUTATED).filter((pl.col("locus") == "IGH") & pl.col("mutation_frequency").is_not_null())
    if not heavy.height:
        raise AnalysisError("no heavy chain has a frequency of mutations", mend="give a file with its alignments")
    unswitched = pl.col("c_call").str.contains("(?i)^IGH[MD]")
    groups = {
        "IGHM, IGHD": heavy.filter(unswitched),
        "switched": heavy.filter(~unswitched),
        "isotype not known": heavy.filter(pl.col("c_call").is_null()),
    }
    drawn = {name: group["mutation_frequency"].to_numpy() for name, group in groups.items() if group.height}
    largest = heavy["mutation_frequency"].to_numpy().max()
    last = MOST_MUTATED - MUTATION_BIN / 2
    with figure() as axes:
        values = [group.clip(max=last) for group in drawn.values()]
        edges = _edges(min(largest, last), MUTATION_BIN)
        axes.hist(values, bins=edges, stacked=True, label=list(drawn), color=PALETTE[: len(drawn)])
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        beyond = f" (last bar: {MOST_MUTATED:.0%} and more)" if largest > MOST_MUTATED else ""
        axes.set_xlabel(f"Bases mutated from the germline{beyond}")
        axes.set_ylabel("Sequences of heavy chains")
        axes.legend()
    return axes


def distance_histogram(distances: Any, *, threshold: float, source: str) -> Axes:
    """Draw the distances to the nearest junction with the threshold that parts families.

    Parameters
    ----------
    distances
        polars or pandas, result of `tilseq.repertoire.families.distance_to_nearest`: `distance`.
    threshold, source
        The threshold, and where it comes from: `set`, `valley` or `usual`.

    Raises
    ------
    AnalysisError
        No junction has another one to be compared with.
    """
    from matplotlib.ticker import PercentFormatter

    values = needing(distances, ("distance",))["distance"].drop_nulls().to_numpy()
    if not len(values):
        raise AnalysisError("no junction has another one of its genes and length")
    with figure() as axes:
        axes.hist(values, bins=_edges(max(values.max(), threshold), DISTANCE_BIN), color=PALETTE[0])
        told = {"set": "as set", "valley": "the valley", "usual": "usual, as no valley was found"}[source]
        axes.axvline(threshold, color=PALETTE[1], linestyle="--")
        axes.set_title(f"Threshold of families: {100 * threshold:.1f} % ({told})")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel("Bases that differ from the nearest other junction of like genes and length")
        axes.set_ylabel("Distinct junctions")
    return axes


def _edges(largest: float, width: float) -> list[float]:
    """Return the edges of bins from 0 to beyond the largest value."""
    return [number * width for number in range(ceil(largest / width) + 2)]
