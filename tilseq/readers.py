"""Whose reading of the scans is the endpoint where several have read them."""

from __future__ import annotations

from collections.abc import Iterable

from tilseq.errors import AnalysisError, did_you_mean

INVESTIGATOR = "investigator"


def endpoint_reader(readers: Iterable[str | None], wanted: str | None = None) -> str | None:
    """Return the reader whose reading is the endpoint; None where there is none, or nobody is named.

    That which is wanted; else the investigator, where a reader bears that name in capitals or not; else the only one.

    Parameters
    ----------
    readers
        All that have read, None where a reading names nobody.
    wanted
        Name that the protocol gives.

    Raises
    ------
    AnalysisError
        Nobody of the wanted name has read.
    """
    given = set(readers)
    named = sorted(reader for reader in given if reader is not None)
    if wanted is not None:
        if wanted not in named:
            mend = did_you_mean(wanted, named)
            raise AnalysisError("no reader of this name", column="endpoint_reader", found=wanted,
                                expected=", ".join(named) or "no name", mend=mend)  # fmt: skip
        return wanted
    investigators = [reader for reader in named if reader.casefold() == INVESTIGATOR]
    if len(investigators) == 1:
        return investigators[0]
    return named[0] if len(named) == len(given) == 1 else None
