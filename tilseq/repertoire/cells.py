"""How many cells stand behind the counts of a library, which is what limits of its shares must rest on."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.receptors import LOCI
from tilseq.repertoire.clones import check_count_of

PICOGRAMS_PER_CELL = 6.6
OF_FAMILIES = " families"  # behind the locus whose families are counted as clones
ROUNDING = 1e-9  # of an effective number that is all of its counts
# Squared coefficient of variation of what cells yield, of each kind of count that a cell gives several of: of UMIs as
# replicates of Minervina and others scatter (eLife 2021;10:e63502); of reads as much again, for the draw of a few
# templates a cell and their unequal amplification, which no UMI tells. What is not told may be reads.
YIELD_CV2 = {"umis": 0.7, "reads": 1.4, "unknown": 1.4}


def cells_of(cells: float | None, t_cell_fraction: float | None, input_ng: float | None) -> float | None:
    """Return the T cells that went into a library, or None where they are not known.

    ``cells * t_cell_fraction``; where the cells were not counted, ``input_ng * 1000 / 6.6 * t_cell_fraction``, as a
    diploid human cell holds 6.6 pg of DNA.

    Parameters
    ----------
    cells
        Cells put into the assay. Without a fraction they are taken for T cells.
    t_cell_fraction
        Share of T cells among them, 0 to 1.
    input_ng
        Genomic DNA put into the assay, in ng; of no use without the fraction, nor where it is RNA.

    Returns
    -------
    float or None
        None, too, where the product is 0: no count can come from no cell.

    Raises
    ------
    AnalysisError
        The fraction is no share, or cells or DNA are below 0.
    """
    for name, value, most in (
        ("cells", cells, inf),
        ("t_cell_fraction", t_cell_fraction, 1),
        ("input_ng", input_ng, inf),
    ):
        if value is not None and not 0 <= value <= most:
            expected = "0 or more" if most == inf else "0 to 1"
            raise AnalysisError(f"{name} cannot be that", found=value, expected=expected)
    if cells is None:
        if input_ng is None or t_cell_fraction is None:
            return None
        cells = input_ng * 1000 / PICOGRAMS_PER_CELL
    return cells * (1 if t_cell_fraction is None else t_cell_fraction) or None


def effective_cells(cells: float, reads: float) -> float:
    """Return the number of independent observations in a sample: ``1 / (1 / cells + 1 / reads)``.

    Cells are drawn from the blood, then reads from the cells, and each draw adds its own variance; many reads of few
    cells are worth no more than the cells. Cells yield alike here; for those that do not see `effective_number`.

    Parameters
    ----------
    cells
        T cells that went into the library.
    reads
        Reads (or UMIs, templates) of the locus that came out.
    """
    if not (isfinite(cells) and isfinite(reads) and cells > 0 and reads > 0):
        raise AnalysisError("cells and reads must be above 0", found=f"{cells:g} cells, {reads:g} reads")
    return 1 / (1 / cells + 1 / reads)


def effective_number(
    counts: float, count_of: str, cells: float | None = None, *, variance: float = 0.0
) -> float | None:
    """Return the effective number of cells behind a sum of counts, or None when it cannot be known.

    Cells yield UMIs and reads unequally: N cells with D counts are worth ``1 / ((1 + c) / N + 1 / D)``, with c the
    squared coefficient of variation of what a cell yields. It is taken to be 0.7 of UMIs and 1.4 of reads and of what
    is not known (`YIELD_CV2`). Another protocol may yield otherwise: replicate libraries tell.

    Templates of DNA are a sample of the specimen itself, whatever the number of cells that they were drawn from, as
    none gives two of them: what the draw of the cells adds, that of the templates without replacement saves. D of them
    are worth ``D / (1 + variance)`` cells, and no more than there were.

    Parameters
    ----------
    counts
        Sum of counts of a locus.
    count_of
        What they count: `cells`, `umis`, `templates`, `reads` or `unknown`.
    cells
        T cells that went into the library, where known; where the counts are cells, the distinct ones among them.
    variance
        Of how often a template is counted, whose mean is 1 (`miscounting`); of other counts it is not asked.

    Returns
    -------
    float or None
        The counts themselves where they are cells, no more than there are distinct ones; of templates see above;
        of others as above where the cells are known, else None: how many UMIs or reads a cell gives counts alone do
        not tell, as a few large clones of cells counted once look like many clones of one cell counted often.

    Raises
    ------
    AnalysisError
        Counts are not of that; the cells are not above 0.
    """
    check_count_of(count_of)
    if counts <= 0:
        return None
    if count_of == "cells":
        return counts if cells is None else min(counts, cells)
    if count_of == "templates":
        return min(counts / (1 + variance), inf if cells is None else cells)
    return None if cells is None else effective_cells(cells / (1 + YIELD_CV2[count_of]), counts)


def checked_effective(number: float | None, counts: float, of: str) -> float | None:
    """Return an effective number of cells as it is.

    Parameters
    ----------
    number
        The number, None where it is not known.
    counts
        Sum of the counts that it is the worth of.
    of
        Whose number it is, for the message.

    Raises
    ------
    AnalysisError
        It is not above 0, or exceeds the counts.
    """
    if number is not None and not 0 < number <= counts * (1 + ROUNDING):
        raise AnalysisError(
            f"the effective number of cells of {of} cannot exceed its counts",
            found=number,
            expected=f"above 0, at most {counts:.0f}",
        )
    return number


def refuse_no_loci(**given: object) -> None:
    """Refuse numbers by locus of which one is of no locus, so that its own would count as not known.

    Parameters
    ----------
    given
        By the name that the error calls them; a number of all loci, or None, is not looked at.

    Raises
    ------
    AnalysisError
        A name is none of a locus.
    """
    for setting, by_locus in given.items():
        if not isinstance(by_locus, Mapping):
            continue
        wrong = [name for name in by_locus if not _is_locus(str(name))]
        if wrong:
            mend, expected = did_you_mean(str(wrong[0]), LOCI), ", ".join(LOCI)
            raise AnalysisError("no such locus", column=setting, found=wrong[0], expected=expected, mend=mend)


def _is_locus(name: str) -> bool:
    """Tell whether a name is a locus's, or of its families (`IGH families`) or pairs of chains (`TRA+TRB`)."""
    return all(part in LOCI for part in name.removesuffix(OF_FAMILIES).split("+"))
