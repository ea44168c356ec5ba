"""Which matrix of an AnnData holds the raw counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.expression.blocks import first_not_count, looks_like_counts, summed
from tilseq.scaled_counts import sign_in_cells

if TYPE_CHECKING:
    from anndata import AnnData

RAW = "raw"


@dataclass(frozen=True)
class Counts:
    """Raw counts and the genes that they are of.

    Attributes
    ----------
    matrix
        Cells × genes, dense or sparse.
    genes
        Symbol of each column.
    place
        Where in the AnnData they stand: ``X``, ``layers['counts']``, ``raw``.
    """

    matrix: Any
    genes: tuple[str, ...]
    place: str


def raw_counts(cells: AnnData, layer: str | None = None) -> Counts:
    """Return the raw counts of an AnnData.

    Parameters
    ----------
    cells
        Cells × genes.
    layer
        Name of a layer, ``raw`` for the AnnData's own raw (which may hold more genes), None for `X`.

    Raises
    ------
    AnalysisError
        There is no such layer, a layer beside the AnnData's own raw is called raw too, or the matrix does not hold raw
        counts: fractions, or whole numbers that betray that they are none (`sign_in_cells`). The error names what
        else there is.
    """
    places = _places(cells)
    if layer == RAW and RAW in cells.layers and cells.raw is not None:
        mend = "rename the layer"
        raise AnalysisError("the file has both its own raw and a layer of that name", found=RAW, mend=mend)
    chosen = places.get(layer)
    if chosen is None:
        known = [name for name in places if name is not None]
        mend = did_you_mean(str(layer), known) or f"it has {', '.join(known)}" if known else "it has none: use X"
        raise AnalysisError("the file has no such layer", found=layer, mend=mend)
    wrong = first_not_count(chosen.matrix)
    if wrong is not None:
        what, expected = f"{chosen.place} does not hold raw counts", "whole numbers, 0 or more"
        raise AnalysisError(what, found=f"{wrong:g}", expected=expected, mend=_elsewhere(places))
    sign = sign_in_cells(summed(chosen.matrix))
    if sign is not None:
        raise AnalysisError(f"{chosen.place}: {sign.what}", found=sign.found, mend=sign.mend)
    return chosen


def _places(cells: AnnData) -> dict[str | None, Counts]:
    """Return every matrix by the name that it is asked for with."""
    genes = tuple(map(str, cells.var_names))
    places: dict[str | None, Counts] = {None: Counts(cells.X, genes, "X")}
    if cells.raw is not None:
        places[RAW] = Counts(cells.raw.X, tuple(map(str, cells.raw.var_names)), RAW)
    # anndata from 0.13 on lists X among the layers, under None.
    layers = {name: matrix for name, matrix in cells.layers.items() if name is not None}
    return places | {name: Counts(matrix, genes, f"layers[{name!r}]") for name, matrix in layers.items()}


def _elsewhere(places: dict[str | None, Counts]) -> str:
    """Return where raw counts are to be had, for an error."""
    named = {name: counts for name, counts in places.items() if name is not None}
    if not named:
        return "the file has neither layers nor raw: give a file with raw counts"
    also = f"the file also has {', '.join(counts.place for counts in named.values())}"
    holding = " or ".join(name for name, counts in named.items() if looks_like_counts(counts.matrix))
    if not holding:
        return f"{also}, none of which does: give a file with raw counts"
    return f"{also}; {holding} holds raw counts: say so by --layer, or analysis.expression.layer in study.yaml"
