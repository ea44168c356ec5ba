"""Whether clones are present in samples: the share of each in each, its limits, and a call of three states."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.intervals import clopper_pearson
from tilseq.receptors import CLONE
from tilseq.repertoire.clones import check_columns
from tilseq.repertoire.effective import depths_of, limit_of_detection
from tilseq.tables import as_polars
from tilseq.tables.schema import conform
from tilseq.tables.tracking import CLONES

Floats = NDArray[np.float64]

HASH_BITS = 18  # of the table of hashes, 256 kB: of 10,000 junctions it lets one other in 25 pass
HASH_SHIFT = np.uint64(64 - HASH_BITS)


def presence(samples: Mapping[str, pl.DataFrame], clones: Any, *, threshold: float = 1e-3) -> pl.DataFrame:
    """Return the share of each clone in each sample, and whether it is present, absent or neither can be told.

    A clone that was counted is present. One that was not is `absent` where the sample's limit of detection,
    ``1 - 0.05 ** (1 / n_effective)``, is at most `threshold`, so that a clone of that share would have been missed with
    a chance of 5 % at most; else, and where the effective number of cells is not known, it is `indeterminate`. Limits
    are Clopper and Pearson's on effective cells; the upper limit of a clone that is not seen stands always, where the
    effective number is known.

    Parameters
    ----------
    samples
        Sample → its clones, as `effective_clones` gives them; taken one at a time.
    clones
        polars or pandas: `locus, junction` of the clones to look for.
    threshold
        Share of T cells.

    Returns
    -------
    polars.DataFrame
        The table `clones`: `sample, locus, junction, duplicate_count, frequency, lower, upper, n_effective,
        limit_of_detection, call`, sample by sample; a clone whose locus a sample lacks has no row for it.

    Raises
    ------
    TableError
        `clones` lacks a column.
    """
    wanted = as_polars(clones)
    check_columns(wanted, CLONE, "a list of clones")
    wanted = wanted.select(pl.col(CLONE).cast(pl.String)).unique().sort(CLONE)
    of_locus = {
        locus: _Wanted(part["junction"]) for (locus,), part in wanted.partition_by("locus", as_dict=True).items()
    }
    found = [
        _in_sample(own, of_locus[locus], locus, n, threshold).select(pl.lit(sample).alias("sample"), *CLONES.names[1:])
        for sample, own in ((sample, samples[sample]) for sample in sorted(samples))
        for locus, n in depths_of(own).items()
        if locus in of_locus
    ]
    return conform(pl.concat(found), CLONES) if found else CLONES.frame()


class _Wanted:
    """Junctions to look for; a table of the first bits of their hashes rules out most of a sample's rows."""

    def __init__(self, junctions: pl.Series) -> None:
        self.junctions = junctions
        self._seed = next(seed for seed in count() if junctions.hash(seed).n_unique() == junctions.len())
        hashes = junctions.hash(self._seed).to_numpy()
        self._places = np.argsort(hashes)
        self._hashes = hashes[self._places]
        self._first_bits = np.zeros(1 << HASH_BITS, bool)
        self._first_bits[hashes >> HASH_SHIFT] = True

    def find(self, junctions: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows of a sample that are looked for, and the places of their junctions."""
        hashes = junctions.hash(self._seed).to_numpy()
        rows = np.flatnonzero(self._first_bits[hashes >> HASH_SHIFT])
        near = np.minimum(np.searchsorted(self._hashes, hashes[rows]), len(self._hashes) - 1)
        places = self._places[near]
        same = (self.junctions.gather(places) == junctions.gather(rows)).to_numpy()
        return rows[same], places[same]


def _in_sample(own: pl.DataFrame, wanted: _Wanted, locus: str, n: float | None, threshold: float) -> pl.DataFrame:
    """Return the rows of the clones of one locus in one sample."""
    if not (own["locus"] == locus).all():
        own = own.filter(locus=locus)
    rows, places = wanted.find(own["junction"])
    seen = own.select("duplicate_count", "frequency")[rows]
    limit = None if n is None else limit_of_detection(n)
    missed = "absent" if limit is not None and limit <= threshold else "indeterminate"
    counts = np.zeros(len(wanted.junctions), np.int64)
    counts[places] = seen["duplicate_count"].to_numpy()
    row = np.full(len(counts), len(rows))  # of those that are seen, the last of which stands for all others
    row[places] = np.arange(len(rows))
    shares = {name: values[row] for name, values in _limits(seen["frequency"].to_numpy(), n).items()}
    calls = pl.Series([missed, "present"]).gather((counts > 0).astype(np.uint32))
    of_all = {"locus": locus, "n_effective": n, "limit_of_detection": limit}
    return pl.DataFrame(
        {"junction": wanted.junctions, "duplicate_count": counts, **shares, "call": calls}
    ).with_columns(pl.lit(value, CLONES.schema[name]).alias(name) for name, value in of_all.items())


def _limits(shares: Floats, n: float | None) -> dict[str, Floats]:
    """Return the limits of the shares of clones, and last that of a clone not seen; each share is worked out once."""
    every = np.append(shares, 0.0 if n is not None else np.nan)
    if n is None:
        return {"frequency": every, "lower": np.full(len(every), np.nan), "upper": np.full(len(every), np.nan)}
    distinct, back = np.unique(every, return_inverse=True)
    lower, upper = clopper_pearson(np.minimum(distinct * n, n), np.full(len(distinct), n))
    return {"frequency": every, "lower": lower[back], "upper": upper[back]}
