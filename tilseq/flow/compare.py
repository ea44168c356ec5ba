"""Two gatings of one tube set against each other, such as automatic gates against a person's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError
from tilseq.flow.tube import Mask
from tilseq.masked import refuse_masked

if TYPE_CHECKING:
    import polars as pl


def compare(
    first: Mapping[str, ArrayLike] | Sequence[str | None],
    second: Mapping[str, ArrayLike] | Sequence[str | None],
    *,
    sample: str | None = None,
) -> pl.DataFrame:
    """Compare two gatings of the same events, population by population.

    F1 is the harmonic mean of precision and recall (van Rijsbergen, 1979), as the FlowCAP challenges score gates
    (Aghaeepour et al., 2013). Both gatings are of all events of the tube, so these are counts, not estimates, and
    bear no interval.

    Parameters
    ----------
    first, second
        Population → mask, one boolean an event; or one label an event, None or an empty text for an event in no
        population. Where one of the two is the reference, it is `second`.
    sample
        Name that the table bears.

    Returns
    -------
    polars.DataFrame
        Table `comparison`: one row a population of either gating, in which the numbers of a gating that lacks it are
        null; and, where both hold CD4+ T and CD8+ T, a row ``CD4+ T / CD8+ T`` with the two ratios. A share of no
        events is null.

    Raises
    ------
    AnalysisError
        The masks or labels are not of one number of events.
    """
    from tilseq.tables.outputs import COMPARISON

    ours, theirs = _masks(first), _masks(second)
    sizes = sorted({len(mask) for mask in (*ours.values(), *theirs.values())})
    if len(sizes) > 1:
        raise AnalysisError(
            "the two gatings are not of the same events",
            found=f"masks of {' and '.join(map(str, sizes))} events",
            expected="one mask or label an event of one tube",
        )
    rows = [_row(name, ours.get(name), theirs.get(name)) for name in dict.fromkeys((*ours, *theirs))]
    if {"CD4+ T", "CD8+ T"} <= ours.keys() & theirs.keys():
        rows.append(_ratio_row(ours, theirs))
    return COMPARISON.frame([{"sample": sample, **row} for row in rows])


def _masks(gating: Mapping[str, ArrayLike] | Sequence[str | None]) -> dict[str, Mask]:
    if isinstance(gating, Mapping):
        refuse_masked(**gating)
        return {name: _mask(name, np.asarray(mask)) for name, mask in gating.items()}
    # pandas has NaN where a label is missing.
    labels = np.array([label if label and label == label else "" for label in gating], dtype=object)
    return {str(name): labels == name for name in sorted(set(labels) - {""})}


def _mask(name: str, given: NDArray[Any]) -> Mask:
    """Return a mask as booleans, or refuse what is no mask, as labels and NaN, which would be true."""
    if given.dtype != bool and not np.isin(given, (0, 1)).all():
        raise AnalysisError(f"the mask of {name} is not of true and false, or 1 and 0", mend="give labels as a list")
    return given.astype(bool)


def _row(name: str, ours: Mask | None, theirs: Mask | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "population": name,
        "events_a": None if ours is None else int(np.count_nonzero(ours)),
        "events_b": None if theirs is None else int(np.count_nonzero(theirs)),
    }
    if ours is None or theirs is None:
        return row
    both, here, there = int(np.count_nonzero(ours & theirs)), row["events_a"], row["events_b"]
    return row | {
        "events_both": both,
        "precision": both / here if here else None,
        "recall": both / there if there else None,
        "f1": 2 * both / (here + there) if here + there else None,
        "difference_pct": 100 * (here - there) / there if there else None,
    }


def _ratio_row(ours: Mapping[str, Mask], theirs: Mapping[str, Mask]) -> dict[str, Any]:
    from tilseq.tables.outputs import RATIO

    here, there = _ratio(ours), _ratio(theirs)
    difference = 100 * (here - there) / there if here is not None and there else None
    return {"population": RATIO, "ratio_a": here, "ratio_b": there, "difference_pct": difference}


def _ratio(masks: Mapping[str, Mask]) -> float | None:
    helpers, killers = (int(np.count_nonzero(masks[name])) for name in ("CD4+ T", "CD8+ T"))
    return helpers / killers if killers else None
