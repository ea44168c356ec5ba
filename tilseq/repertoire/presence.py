"""Whether clones are present in samples: the share of each in each, its limits, and a call of three states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, count
from os import cpu_count
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.intervals import clopper_pearson
from tilseq.receptors import CLONE
from tilseq.repertoire.clones import check_columns, checked_counts, listed, nucleotides
from tilseq.repertoire.effective import (
    Depths,
    below_detection,
    check_threshold,
    depths_of,
    limit_of_detection,
    totals_of,
)
from tilseq.tables.schema import as_polars, conform
from tilseq.tables.tracking import CLONES

Floats = NDArray[np.float64]

Places = NDArray[np.int64]

# Of hashes; of 10,000 junctions, a table of 256 kB that lets one other in 25 pass.
LAST_BITS = 2**18 - 1
WITH_SHARES = (*CLONE, "duplicate_count", "frequency", "n_effective")


def presence(
    samples: Mapping[str, Any],
    clones: Any,
    *,
    n_effective: Mapping[str, Depths] | None = None,
    threshold: float = 1e-3,
) -> pl.DataFrame:
    """Return the share of each clone in each sample, and whether it is present, absent or neither can be told.

    A clone that was counted is present. One that was not is `absent` where the sample's limit of detection,
    ``1 - 0.05 ** (1 / n_effective)``, is at most `threshold`, so that a clone of that share would have been missed with
    a chance of 5 % at most; else, and where the effective number of cells is not known, it is `indeterminate`. Limits
    are Clopper and Pearson's on effective cells; the upper limit of a clone that is not seen stands always, where the
    effective number is known.

    Parameters
    ----------
    samples
        Sample → its clones, as `effective_clones` gives them; with `n_effective`, its clonotype table, polars or
        pandas, of which nothing is worked out for clones that are not looked for. One for each
        processor is held at a time.
    clones
        polars or pandas: `locus, junction` of the clones to look for.
    n_effective
        Sample → what `effective_clones` would be given beside its table: the effective number of its cells, for all
        loci or by locus. It is not known of a sample that has none here.
    threshold
        Share of T cells.

    Returns
    -------
    polars.DataFrame
        The table `clones`: `sample, locus, junction, duplicate_count, frequency, lower, upper, n_effective,
        limit_of_detection, call, value_text, suspicious`, sample by sample; a clone whose locus a sample lacks has no
        row for it. A share of 0 is below detection, as `value_text` says with the limit. `suspicious` is null.

    Raises
    ------
    TableError
        `clones` lacks a column; a sample is not a clonotype table.
    AnalysisError
        The threshold is no share above 0; an effective number is not above 0 or exceeds the counts.
    """
    check_threshold(threshold)
    wanted = listed(clones)
    looked_for = {str(locus): _Wanted(part) for (locus,), part in wanted.partition_by("locus", as_dict=True).items()}
    one_at_a_time = Lock()  # what gives the samples may not be made for several threads

    def parts_of(sample: str) -> Iterator[_Part]:
        with one_at_a_time:
            table = samples[sample]
        totals: Mapping[str, tuple[int | None, float | None]]  # locus → counts, where shares are yet to come, and cells
        if n_effective is None:
            own = as_polars(table)
            check_columns(own, WITH_SHARES, "a sample, where `n_effective` is not given,")
            totals = {locus: (None, n) for locus, n in depths_of(own).items()}
        else:
            own = checked_counts(table, CLONE)
            own = own.with_columns(nucleotides(own["junction"]))
            totals = totals_of(own, n_effective.get(sample))
        for locus, (total, n) in totals.items():
            if locus in looked_for:
                of_locus = own if len(totals) == 1 else own.filter(locus=locus)
                yield _in_sample(sample, of_locus, looked_for[locus], total, n)

    def followed(names: Sequence[str]) -> pl.DataFrame:
        parts = [part for name in names for part in parts_of(name)]
        return _together(parts, threshold) if parts else CLONES.frame()

    names, processors = sorted(samples), cpu_count() or 1
    each = -(-len(names) // processors) or 1
    with ThreadPoolExecutor(processors) as pool:
        found = pool.map(followed, (names[at : at + each] for at in range(0, len(names), each)))
        return pl.concat([CLONES.frame(), *found])


class _Wanted:
    """Clones of one locus to look for; a table of the last bits of their hashes rules out most of a sample's rows."""

    def __init__(self, clones: pl.DataFrame) -> None:
        self.clones, junctions = clones, clones["junction"]
        self._seed = next(seed for seed in count() if junctions.hash(seed).n_unique() == junctions.len())
        hashes = self._hashes_of(junctions)
        self._places = np.argsort(hashes)
        self._hashes = hashes[self._places]
        self._last_bits = np.zeros(LAST_BITS + 1, bool)
        self._last_bits[hashes & LAST_BITS] = True

    def _hashes_of(self, junctions: pl.Series) -> NDArray[np.int64]:
        return junctions.hash(self._seed).to_numpy().view(np.int64)

    def find(self, junctions: pl.Series) -> tuple[Places, Places]:
        """Return rows of a sample that are looked for, and the places of their junctions."""
        hashes = self._hashes_of(junctions)
        rows = np.flatnonzero(self._last_bits[hashes & LAST_BITS])
        near = np.minimum(np.searchsorted(self._hashes, hashes[rows]), len(self._hashes) - 1)
        alike = self._hashes[near] == hashes[rows]
        rows, places = rows[alike], self._places[near[alike]]
        same = (self.clones["junction"][places] == junctions[rows]).to_numpy()  # two texts may have one hash
        return rows[same], places[same]


class _Part(NamedTuple):
    """What is said of the clones of one locus in one sample.

    Attributes
    ----------
    sample, n
        The sample, and its effective number of cells.
    counts, shares
        Of each clone seen, and last of every one that is not.
    clones
        The clones looked for.
    rows
        Where in the counts each of them stands.
    """

    sample: str
    n: float | None
    counts: NDArray[np.int64]
    shares: Floats
    clones: pl.DataFrame
    rows: NDArray[np.uint32]


def _in_sample(sample: str, own: pl.DataFrame, wanted: _Wanted, total: int | None, n: float | None) -> _Part:
    """Look for clones of one locus; shares are of a total of counts, or stand in the table where none is given."""
    rows, places = wanted.find(own["junction"])

    def summed(name: str) -> Floats:
        return np.bincount(places, own[name].to_numpy()[rows], wanted.clones.height)

    counts = summed("duplicate_count")
    shares = summed("frequency") if total is None else counts / total
    seen = np.flatnonzero(counts)
    of_unseen = np.nan if n is None else 0
    rows_of_clones = np.full(len(counts), len(seen), np.uint32)
    rows_of_clones[seen] = np.arange(len(seen))
    each = np.append(counts[seen], 0).astype(np.int64), np.append(shares[seen], of_unseen)
    return _Part(sample, n, *each, wanted.clones, rows_of_clones)


def _together(parts: Sequence[_Part], threshold: float) -> pl.DataFrame:
    """Return the table `clones`; what all unseen clones of a sample have in common is worked out once."""
    limits = [None if part.n is None else limit_of_detection(part.n) for part in parts]
    samples = pl.DataFrame(
        {
            "sample": [part.sample for part in parts],
            "n_effective": [part.n for part in parts],
            "limit_of_detection": limits,
            "value_text": [None if limit is None else below_detection(limit) for limit in limits],
        },
        schema=_OF_SAMPLES,
    )
    heights = [len(part.counts) for part in parts]
    said = samples[np.repeat(np.arange(len(parts)), heights)].with_columns(
        duplicate_count=np.concatenate([part.counts for part in parts]),
        frequency=pl.Series(np.concatenate([part.shares for part in parts]), nan_to_null=True),
    )
    unseen = pl.col("duplicate_count") == 0
    said = _with_limits(said).with_columns(call=_call(threshold), value_text=pl.when(unseen).then("value_text"))
    starts = accumulate([0, *heights[:-1]])
    rows = np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=True)])
    return conform(said[rows].hstack(pl.concat([part.clones for part in parts], rechunk=True)), CLONES)


def _with_limits(said: pl.DataFrame) -> pl.DataFrame:
    """Return clones with the limits of their shares, null where the effective number of cells is not known."""
    pairs = said.select("frequency", "n_effective").drop_nulls().unique()
    share, n = (column.to_numpy() for column in pairs)
    lower, upper = clopper_pearson(np.minimum(share * n, n), n)
    pairs = pairs.with_columns(lower=lower, upper=upper)
    return said.join(pairs, on=("frequency", "n_effective"), how="left", maintain_order="left")


_OF_SAMPLES = {name: CLONES.schema[name] for name in ("sample", "n_effective", "limit_of_detection", "value_text")}


def _call(threshold: float) -> pl.Expr:
    return (
        pl.when(pl.col("duplicate_count") > 0)
        .then(pl.lit("present"))
        .when(pl.col("limit_of_detection") <= threshold)
        .then(pl.lit("absent"))
        .otherwise(pl.lit("indeterminate"))
    )
