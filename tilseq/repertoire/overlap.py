"""Overlap of repertoires: what pairs of samples have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.repertoire.cells import checked_effective, refuse_no_loci
from tilseq.repertoire.clones import checked_counts
from tilseq.repertoire.in_turn import in_turn
from tilseq.repertoire.keys import keyed
from tilseq.repertoire.morisita import Moments, morisita, morisita_limits
from tilseq.repertoire.shared import OF_LIMITS, Coded, SharedSums, coded, shared_sums
from tilseq.tables.repertoire import OVERLAP

Floats = NDArray[np.float64]
Effective = Mapping[str, Mapping[str, float | None]]

FEWEST_SHARED = 10  # clones: with fewer their spread cannot be told from the sample
SAMPLES_AHEAD = 4  # that are held while threads turn them into numbers
LARGEST_BIAS_IN_ERRORS = 1 / 3  # a larger one takes the limits off their coverage


def overlap(
    samples: Mapping[str, Any] | Iterable[tuple[str, Any]],
    *,
    key: str = "junction",
    n_effective: Effective | None = None,
) -> pl.DataFrame:
    """Return what each pair of samples has in common, locus by locus.

    All indices are similarities: 0 for samples without a common clone, 1 for the same frequencies of the same clones
    (save `shared_clones`). x and y are a clone's shares of the counts of its locus in the two samples.

    - `shared_clones`; `jaccard` = shared / (clones of either).
    - `f` = √(Σ x · Σ y) and `f2` = Σ √(x y), both over shared clones, as VDJtools names them.
    - `morisita_horn` = 2 Σ xy / (Σ x² + Σ y²) (Horn, Am Nat 1966;100:419; 1 minus vegan's `horn`).
    - `morisita`: the same of the repertoires behind the samples, without the bias of depth; see `morisita`.
    - `bray_curtis_similarity` = Σ min(x, y), of frequencies (1 minus vegan's `bray` of shares).

    All but `morisita` and, in repertoires of large clones, `morisita_horn` grow with the depth of the samples: compare
    those of like `n_a` and `n_b` alone. They get no limits, as what was not seen of either sample decides them and no
    sound analytic form is known. `morisita` needs the effective numbers of cells, and has 95 % limits of the overlap
    of the repertoires where at least ten clones are shared; `morisita_horn` bears the same limits where its known bias,
    what parts it from `morisita`, is under a third of the error.

    Parameters
    ----------
    samples
        Sample → clonotype table, polars or pandas: `locus`, `duplicate_count` and the columns of the key. Pairs of name
        and table do as well, and of each only numbers are kept, so that a generator that reads one file after another
        needs no more memory than about 24 bytes a clone.
    key
        What makes two clones the same beside the locus, see `keyed`. Rows that lack a part of it take no part (see
        `lacking`).
    n_effective
        Sample → locus → effective number of cells (see `depth`). Where it is not known `morisita` is null,
        and there are no limits. Of a sample with rows that lack a part of the key, it counts in proportion.

    Returns
    -------
    polars.DataFrame
        The table `overlap`: `sample_a, sample_b, locus, key, parameter, value, lower, upper, n_a, n_b`; the first of a
        pair is the one given first. A locus that one of two samples lacks has no row.

    Raises
    ------
    TableError
        A table is not a clonotype table, or lacks a column of the key.
    AnalysisError
        There is no such key; samples are not named, or one twice; an effective number exceeds the sample's counts, or
        is of no sample or locus.
    """
    _check_by_sample(n_effective or {})
    loci: dict[str, list[tuple[str, Coded]]] = {}
    cells: dict[str, list[float]] = {}
    names: set[str] = set()

    def in_numbers(sample: tuple[str, Any]) -> tuple[str, dict[str, Coded], dict[str, int]]:
        if not (isinstance(sample, tuple) and len(sample) == 2):
            mend = "name each, as {'baseline': table, 'D28': table}"
            raise AnalysisError("samples are tables by their names", found=type(sample).__name__, mend=mend)
        name, table = sample
        return name, _coded(table, key), _counts(table) if name in (n_effective or {}) else {}

    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        given = samples.items() if isinstance(samples, Mapping) else samples
        for name, clones_of, whole in in_turn(pool, in_numbers, given, SAMPLES_AHEAD):
            if name in names:
                raise AnalysisError("a sample is given twice", found=name)
            names.add(name)
            known = (n_effective or {}).get(name, {})
            for locus, clones in clones_of.items():
                loci.setdefault(locus, []).append((name, clones))
                number = _effective(known.get(locus), clones.counts, whole.get(locus, 0), name)
                cells.setdefault(locus, []).append(number)
    if n_effective and not names & set(n_effective):
        what, numbered = "effective numbers are of none of the samples", ", ".join(map(str, n_effective))
        raise AnalysisError(what, column="n_effective", found=numbered, expected=", ".join(sorted(names)))
    frames = [OVERLAP.frame()]
    for locus, of_locus in sorted(loci.items()):
        found = _long(of_locus, np.array(cells[locus]))
        frames.append(found.with_columns(locus=pl.lit(locus), key=pl.lit(key)))
    return pl.concat(frames, how="diagonal").select(OVERLAP.names).sort(OVERLAP.key)


def _check_by_sample(n_effective: Mapping[str, Any]) -> None:
    """Refuse effective numbers that are not of a sample's loci: they would count as not known."""
    for name, by_locus in n_effective.items():
        if not isinstance(by_locus, Mapping):
            expected = "sample → locus → number, as {'D28': {'TRB': 4000}}"
            what = f"the effective numbers of {name} are not by locus"
            raise AnalysisError(what, column="n_effective", found=by_locus, expected=expected)
        refuse_no_loci(n_effective=by_locus)


def _coded(table: Any, key: str) -> dict[str, Coded]:
    """Return the clones of each locus as numbers."""
    rows = keyed(table, key)
    if rows.is_empty():
        return {}
    several = (rows["locus"] != rows["locus"][0]).any()
    loci = rows.partition_by("locus") if several else [rows]
    return {str(of_locus["locus"][0]): coded(of_locus.drop("locus")) for of_locus in loci}


def _counts(table: Any) -> dict[str, int]:
    """Return the sum of counts of each locus, of rows without the key too."""
    return dict(checked_counts(table, ("locus",)).group_by("locus").agg(pl.col("duplicate_count").sum()).iter_rows())


def _effective(number: float | None, counts: int, whole: int, name: str) -> float:
    """Return the effective number of cells behind the counts that have the key, NaN where it is not known or one.

    Where rows of the sample lack a part of the key, it is as much smaller as the counts are.
    """
    if number is None:
        return np.nan
    checked_effective(number, whole, name)
    number *= counts / whole
    return float(number) if number > 1 else np.nan


def _long(samples: list[tuple[str, Coded]], effective: Floats) -> pl.DataFrame:
    """Return the rows of all pairs of one locus."""
    names = np.array([name for name, _ in samples], dtype=object)
    counts = np.array([clones.counts for _, clones in samples], dtype=float)
    a, b = np.triu_indices(len(samples), 1)
    sums = shared_sums([clones for _, clones in samples], of_limits=bool(np.isfinite(effective).any()))
    columns = _indices(sums, effective, a, b)
    pairs = {"sample_a": names[a], "sample_b": names[b]}
    frames = [
        pl.DataFrame(
            {
                **pairs,
                **dict(zip(("value", "lower", "upper"), map(np.asarray, numbers), strict=True)),
                "n_a": (effective if parameter == "morisita" else counts)[a],
                "n_b": (effective if parameter == "morisita" else counts)[b],
            },
            schema_overrides={"sample_a": pl.String, "sample_b": pl.String},
        ).with_columns(parameter=pl.lit(parameter))
        for parameter, numbers in columns.items()
    ]
    return pl.concat(frames).with_columns(pl.col(pl.Float64).fill_nan(None))


def _indices(
    sums: SharedSums, effective: Floats, a: NDArray[np.int64], b: NDArray[np.int64]
) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Return each index with its limits, NaN where there are none, for pairs of samples a and b."""
    shared = {name: values[a, b] for name, values in sums.of_pairs.items()}
    xx, yy = sums.squares[a], sums.squares[b]
    horn = 2 * shared["xy"] / (xx + yy)
    none = np.full(len(a), np.nan)
    xxy, xyy = (shared.get(name, none) for name in OF_LIMITS)
    moments = Moments(effective[a], effective[b], shared["xy"], xxy, xyy, xx, sums.cubes[a], yy, sums.cubes[b])
    unbiased, error = morisita(moments)
    lower, upper = morisita_limits(unbiased, np.where(shared["clones"] >= FEWEST_SHARED, error, np.nan))
    close = np.abs(horn - unbiased) < LARGEST_BIAS_IN_ERRORS * error
    return {
        "shared_clones": (shared["clones"], none, none),
        "jaccard": (shared["clones"] / (sums.richness[a] + sums.richness[b] - shared["clones"]), none, none),
        "f": (np.sqrt(shared["x"] * shared["y"]), none, none),
        "f2": (shared["root_xy"], none, none),
        "morisita_horn": (horn, np.where(close, lower, np.nan), np.where(close, upper, np.nan)),
        "morisita": (unbiased, lower, upper),
        "bray_curtis_similarity": (shared["least"], none, none),
    }
