"""Which genes of a set the data hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.expression.signatures import Signature
from tilseq.gene_symbols import present_symbol
from tilseq.tables.single_cells import SIGNATURE_COVERAGE

LEAST_COVERAGE = 0.5


@dataclass(frozen=True)
class Found:
    """Columns of a set's genes.

    Attributes
    ----------
    name, axis
        Of the set.
    up, down
        Columns of the genes found, in order.
    listed
        Genes of the set.
    reason
        Why it cannot be scored, else None.
    """

    name: str
    axis: str
    up: NDArray[np.intp]
    down: NDArray[np.intp]
    listed: int
    reason: str | None

    @property
    def parts(self) -> tuple[tuple[float, NDArray[np.intp]], ...]:
        """Sign and columns of each direction that has genes."""
        return tuple((sign, columns) for sign, columns in ((1.0, self.up), (-1.0, self.down)) if len(columns))

    @property
    def all(self) -> NDArray[np.intp]:
        """Columns of both directions, each once."""
        return np.union1d(self.up, self.down)

    def row(self, reason: str | None) -> dict[str, Any]:
        """Return the row of the table `signature_coverage`."""
        found = len(self.up) + len(self.down)
        return {
            "set": self.name,
            "axis": self.axis or None,
            "genes_listed": self.listed,
            "genes_found": found,
            "coverage": found / self.listed if self.listed else None,
            "scored": reason is None,
            "reason": reason,
        }


def find_genes(signatures: Mapping[str, Signature], genes: Sequence[str]) -> list[Found]:
    """Return the columns of each set's genes.

    A retired symbol stands for its present one in the set; a gene listed twice counts once. A set of which fewer than
    half the genes are there, of either direction, has a reason.

    Parameters
    ----------
    signatures
        From `tilseq.expression.signatures`.
    genes
        Present symbol of each column, unique.
    """
    place = {gene: column for column, gene in enumerate(genes)}
    return [_find(name, signature, place) for name, signature in signatures.items()]


def _find(name: str, signature: Signature, place: Mapping[str, int]) -> Found:
    columns, listed, short = [], 0, []
    for symbols in (signature.up, signature.down):
        wanted = dict.fromkeys(present_symbol(symbol) for symbol in symbols)
        found = np.array(sorted(place[symbol] for symbol in wanted if symbol in place), dtype=np.intp)
        columns.append(found)
        listed += len(wanted)
        if wanted and len(found) < LEAST_COVERAGE * len(wanted) or wanted and not len(found):
            short.append(f"{len(found)} of {len(wanted)} genes found, fewer than {LEAST_COVERAGE:.0%}")
    reason = short[0] if short else None if listed else "it has no gene"
    return Found(name, signature.axis, columns[0], columns[1], listed, reason)


def coverage_table(found: Sequence[Found], reasons: Sequence[str | None]) -> pl.DataFrame:
    """Return the table `signature_coverage` without `sample`, of sets and why each was not scored, in their order."""
    table = SIGNATURE_COVERAGE.frame([one.row(reason) for one, reason in zip(found, reasons, strict=True)])
    order = pl.DataFrame({"set": [one.name for one in found]}, schema={"set": pl.String})
    return order.join(table.drop("sample"), on="set", how="left", maintain_order="left")


def signature_coverage(sets: Mapping[str, Any], genes: Sequence[str]) -> pl.DataFrame:
    """Return how much of each set some data hold, without scoring it.

    Parameters
    ----------
    sets
        Name to `Signature`, or to symbols.
    genes
        Symbols of the data; a retired one stands for its present one.

    Returns
    -------
    polars.DataFrame
        The table `signature_coverage` without `sample`: `set, axis, genes_listed, genes_found, coverage, scored,
        reason`; `scored` says whether it could be.
    """
    from tilseq.expression.signatures import as_signatures

    found = find_genes(as_signatures(sets), list(dict.fromkeys(map(present_symbol, genes))))
    return coverage_table(found, [one.reason for one in found])
