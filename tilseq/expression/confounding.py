"""What cannot be told apart from a contrast, as where each level was sequenced by itself."""

from __future__ import annotations

from itertools import combinations

import polars as pl

from tilseq.errors import AnalysisError, first_few
from tilseq.expression.contrasts import Contrast, Term, combination_rows
from tilseq.expression.sample_design import without_missing

# Columns of a design, without their case, that tell which samples were handled together.
HANDLED_TOGETHER = ("batch", "run", "plate", "lane", "flowcell", "library_batch", "sequencing_run")
FEWEST_SUBJECTS = 2
SHOWN = 5


def pairs_within(design: pl.DataFrame, contrast: Contrast, column: str) -> dict[str, bool]:
    """Return each subject with all samples of a contrast, and whether these share one value of a column.

    Parameters
    ----------
    design
        One row a sample: `subject`, the contrast's factors and the column. A missing value is shared with none.
    contrast
        What is asked.
    column
        Of the design.
    """
    values = design[column].to_list()
    held = {
        subject: [values[row] for row in rows.values()]
        for subject, rows in combination_rows(design, contrast).items()
        if len(rows) == len(contrast.signs)
    }
    return {subject: None not in of and len(set(of)) == 1 for subject, of in held.items()}


def confounded(design: pl.DataFrame, contrast: Contrast, column: str) -> AnalysisError:
    """Return the error of a contrast that a covariate makes up, which says what can be estimated instead.

    Leaving the covariate out is no mend: the difference between its values would pass for the contrast.

    Parameters
    ----------
    design
        All samples, those of other levels too.
    contrast
        What is asked.
    column
        The covariate.
    """
    shared = pairs_within(design, contrast, column)
    what = " or ".join(contrast.factors)
    mend = f"what is due to {what} and what to {column} cannot be parted, and without {column} both would pass for one"
    other = _estimable(design, contrast, column)
    if other:
        mend += f"; at one {column} stand the samples of {first_few(other, SHOWN)}"
    elif len(contrast.terms) == 1:
        mend += f"; no two levels of {what} stand at one {column} in {FEWEST_SUBJECTS} subjects or more"
    return AnalysisError(
        f"{what} is confounded with {column}",
        column=column,
        found=f"{sum(shared.values())} of {len(shared)} subjects have all samples of {contrast} at one {column}",
        mend=mend,
    )


def _estimable(design: pl.DataFrame, contrast: Contrast, column: str) -> list[str]:
    """Return the contrasts of the same factor whose samples share a value of a column in two subjects or more."""
    if len(contrast.terms) > 1:
        return []
    factor, found = contrast.factors[0], []
    levels = design[factor].unique(maintain_order=True).to_list()
    for reference, level in combinations(levels, 2):
        one = Contrast((Term(factor, level, reference),))
        subjects = sum(pairs_within(design, one, column).values())
        if subjects >= FEWEST_SUBJECTS:
            found.append(f"{one} ({subjects} subjects)")
    return found


def told_of_handling(design: pl.DataFrame, contrast: Contrast, covariates: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return a sentence on each column of a design, such as `batch`, that differs within every subject of a contrast.

    Parameters
    ----------
    design
        One row a sample, text.
    contrast
        What is asked.
    covariates
        Columns that the model takes into account.
    """
    told = []
    for column in design.columns:
        if column.casefold() not in HANDLED_TOGETHER or column in covariates or column in contrast.factors:
            continue
        known = design.with_columns(without_missing(design[column])).filter(pl.col(column).is_not_null())
        shared = pairs_within(known, contrast, column)
        if shared and not any(shared.values()):
            both = f"differ in {column} in all {len(shared)} subjects in whom it is known"
            told.append(f"the samples of {contrast} {both}: what is due to {column} cannot be told from it")
    return tuple(told)
