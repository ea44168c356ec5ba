"""Whether clones are present in samples: the share of each in each, its limits, and a call of three states."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.intervals import clopper_pearson
from tilseq.repertoire.clones import listed
from tilseq.repertoire.effective import below_detection, check_threshold, depths_of, limit_of_detection
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
        Sample → its clones, as `effective_clones` gives them; one at a time is held.
    clones
        polars or pandas: `locus, junction` of the clones to look for.
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
        `clones` lacks a column.
    """
    check_threshold(threshold)
    wanted = listed(clones)
    of_locus = {
        locus: _Wanted(part["junction"]) for (locus,), part in wanted.partition_by("locus", as_dict=True).items()
    }
    places, junctions, shares = [], [], []
    for sample in sorted(samples):
        own = samples[sample]
        for locus, n in depths_of(own).items():
            if locus in of_locus:
                limit = None if n is None else limit_of_detection(n)
                places.append((sample, locus, n, limit, None if limit is None else below_detection(limit)))
                junctions.append(of_locus[locus].junctions)
                shares.append(_in_sample(own, of_locus[locus], locus, n))
    if not places:
        return CLONES.frame()
    where = pl.DataFrame(places, schema=_WHERE, orient="row")[
        np.repeat(np.arange(len(places)), list(map(len, junctions)))
    ]
    values = np.concatenate(shares, axis=1)
    found = where.with_columns(
        pl.concat(junctions).alias("junction"),
        pl.Series("duplicate_count", values[0].astype(np.int64)),
        *(pl.Series(name, row) for name, row in zip(("frequency", "lower", "upper"), values[1:], strict=True)),
    )
    unseen = pl.when(pl.col("duplicate_count") == 0).then("value_text")
    return conform(found.with_columns(call=_call(threshold), value_text=unseen), CLONES)


_WHERE = {name: CLONES.schema[name] for name in ("sample", "locus", "n_effective", "limit_of_detection", "value_text")}


def _call(threshold: float) -> pl.Expr:
    return (
        pl.when(pl.col("duplicate_count") > 0)
        .then(pl.lit("present"))
        .when(pl.col("limit_of_detection") <= threshold)
        .then(pl.lit("absent"))
        .otherwise(pl.lit("indeterminate"))
    )


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
        same = (self.junctions[places] == junctions[rows]).to_numpy()
        return rows[same], places[same]


def _in_sample(own: pl.DataFrame, wanted: _Wanted, locus: str, n: float | None) -> Floats:
    """Return count, share and its limits of each clone of one locus in one sample; shape (4, clones)."""
    if not (own["locus"] == locus).all():
        own = own.filter(locus=locus)
    rows, places = wanted.find(own["junction"])
    counts, shares = (own[name].to_numpy()[rows] for name in ("duplicate_count", "frequency"))
    unknown = np.full(len(rows) + 1, np.nan)
    # the last is a clone that is not seen, as most are
    each = np.array([np.append(counts, 0), unknown, unknown, unknown])
    each[1, :-1] = shares
    if n is not None:
        each[1, -1] = 0
        distinct, back = np.unique(each[1], return_inverse=True)
        each[2:] = np.array(clopper_pearson(np.minimum(distinct * n, n), np.full(len(distinct), n)))[:, back]
    of_place = np.full(len(wanted.junctions), len(rows))
    of_place[places] = np.arange(len(rows))
    return np.asarray(each[:, of_place])
