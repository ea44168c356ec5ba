"""Contrasts between levels of a factor, as they are written, and the difference that each subject shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from tilseq.errors import AnalysisError, did_you_mean, first_few
from tilseq.expression.normalise import refuse_moved
from tilseq.expression.sample_design import check_has, refuse_twins, without_missing
from tilseq.masked import refuse_masked
from tilseq.tables.schema import as_polars

FORM = "FACTOR:LEVEL/REFERENCE, as visit:D28/product; an interaction is two of them joined by *"
LEFT_OUT_SCHEMA = {"contrast": pl.String, "what": pl.String, "name": pl.String, "reason": pl.String}
MOST_TERMS = 2
SHOWN = 5
NO_FACTORS = ("sample", "cells", "counts")  # of summed cells: no two groups have the same


@dataclass(frozen=True)
class Term:
    """LEVEL minus REFERENCE of one factor."""

    factor: str
    level: str
    reference: str

    def __str__(self) -> str:
        return f"{self.factor}:{self.level}/{self.reference}"


@dataclass(frozen=True)
class Contrast:
    """One term, or two whose difference of differences is meant."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return "*".join(map(str, self.terms))

    @property
    def factors(self) -> tuple[str, ...]:
        """The factors, in the order of the terms."""
        return tuple(term.factor for term in self.terms)

    @property
    def signs(self) -> dict[tuple[str, ...], int]:
        """The sign with which each combination of levels stands in the contrast."""
        sides = [((term.level, 1), (term.reference, -1)) for term in self.terms]
        return {tuple(level for level, _ in one): int(np.prod([sign for _, sign in one])) for one in product(*sides)}


class SubjectContrasts(NamedTuple):
    """The contrast within each subject.

    Attributes
    ----------
    differences
        Subjects × genes, in the unit of the values given.
    subjects
        Subject of each row, sorted.
    left_out
        One row a subject without it: `subject, reason`.
    """

    differences: NDArray[np.float64]
    subjects: tuple[str, ...]
    left_out: pl.DataFrame


def parse_contrast(text: str) -> Contrast:
    """Read a contrast.

    Parameters
    ----------
    text
        ``FACTOR:LEVEL/REFERENCE`` means LEVEL minus REFERENCE, as ``visit:D28/product``; two joined by ``*`` mean
        the difference of differences, as ``visit:D28/product*status:infused/not_seen_in_product``.

    Raises
    ------
    AnalysisError
        The text is not of this form, a level is its own reference, or both terms are of one factor.
    """
    terms = []
    for part in text.split("*"):
        factor, colon, levels = part.partition(":")
        level, slash, reference = levels.partition("/")
        words = tuple(word.strip() for word in (factor, level, reference))
        if not (colon and slash and all(words)) or any(mark in word for word in words for mark in ":/"):
            raise AnalysisError("not a contrast", found=text, expected=FORM)
        if words[1] == words[2]:
            raise AnalysisError("a level is compared with itself", found=text, expected=FORM)
        terms.append(Term(*words))
    contrast = Contrast(tuple(terms))
    if len(terms) > MOST_TERMS or len(set(contrast.factors)) < len(terms):
        raise AnalysisError("an interaction is of two factors", found=text, expected=FORM)
    return contrast


def subject_contrasts(log_cpm: ArrayLike, design: Any, contrast: Contrast | str) -> SubjectContrasts:
    """Return the contrast within each subject: LEVEL minus REFERENCE, or the difference of differences.

    Each subject has one value a gene, so that subjects, not samples or cells, are what a test counts.

    Parameters
    ----------
    log_cpm
        Samples × genes, such as log2 counts per million.
    design
        One row a sample, in the order of the values: `sample, subject` and the factors. Samples of other levels of
        the factors are not looked at.
    contrast
        As `parse_contrast` reads it, or read.

    Raises
    ------
    AnalysisError
        The design does not fit, or names the samples of a data frame in another order, lacks the factor or a level (the
        error names what there is), or a subject has two
        samples where one is needed (the error names the columns in which they differ).
    """
    contrast = parse_contrast(contrast) if isinstance(contrast, str) else contrast
    refuse_masked(log_cpm=log_cpm)
    values = np.asarray(log_cpm, float)
    design = checked_design(design, contrast, len(values))
    refuse_moved(log_cpm, design["sample"].to_list(), None)
    rows = combination_rows(design, contrast)
    left_out = without_pair(rows, contrast)
    gone = set(left_out["subject"])
    subjects = tuple(subject for subject in rows if subject not in gone)
    signs = contrast.signs
    weights = np.zeros((len(subjects), len(values)))
    for place, subject in enumerate(subjects):
        for levels, row in rows[subject].items():
            weights[place, row] = signs[levels]
    used = np.flatnonzero(weights.any(axis=0))
    return SubjectContrasts(weights[:, used] @ values[used], subjects, left_out)


def checked_design(design: Any, contrast: Contrast, samples: int, covariates: Sequence[str] = ()) -> pl.DataFrame:
    """Return the design with text in `sample`, `subject` and the contrast's factors, held against the contrast.

    Raises
    ------
    AnalysisError
        The design has another number of rows than there are samples, lacks a column, a value (words such as ``NA``
        are none) or a level, names a sample twice, or has levels or subjects that only case or blanks tell apart.
    """
    table: pl.DataFrame = as_polars(design)
    if table.height != samples:
        raise AnalysisError("the design does not fit the counts", found=f"{table.height} rows", expected=f"{samples}")
    needed = ("sample", "subject", *contrast.factors)
    check_has(table, *needed, *covariates)
    words = [name for name in covariates if table.schema[name] in (pl.String, pl.Categorical, pl.Enum)]
    table = table.with_columns(without_missing(table[name]) for name in dict.fromkeys((*needed, *words)))
    for name in ("sample", "subject"):
        missing = table[name].is_null().arg_true()
        if missing.len():
            if name == "sample":
                raise AnalysisError("the design lacks a value", row=missing[0] + 2, column=name)
            found = f"none of sample {table['sample'][missing[0]]}"  # its row may be another in the file
            mend = "give it one, or leave the sample out"
            raise AnalysisError("the design lacks a value", column=name, found=found, mend=mend)
    twice = table["sample"].filter(table["sample"].is_duplicated())
    if twice.len():
        raise AnalysisError("the design names a sample twice", column="sample", found=twice[0])
    for term in contrast.terms:
        _check_levels(table[term.factor], term)
    for name in ("subject", *contrast.factors):
        refuse_twins(table[name])
    return table


def _check_levels(values: pl.Series, term: Term) -> None:
    known = values.drop_nulls().unique().sort().to_list()
    for level in (term.level, term.reference):
        if level not in known:
            mend = did_you_mean(level, known) or f"it has {first_few(known, 10)}"
            raise AnalysisError("no sample is of this level", column=term.factor, found=level, mend=mend)


def combination_rows(design: pl.DataFrame, contrast: Contrast) -> dict[str, dict[tuple[str, ...], int]]:
    """Return, for each subject (sorted) with a sample of the contrast, combination of levels → row of its sample.

    Raises
    ------
    AnalysisError
        A subject has two samples of one combination.
    """
    signs = contrast.signs
    found: dict[str, dict[tuple[str, ...], int]] = {}
    for row, (subject, *levels) in enumerate(design.select("subject", *contrast.factors).iter_rows()):
        if (key := tuple(levels)) in signs:
            first = found.setdefault(subject, {}).setdefault(key, row)
            if first != row:
                raise two_samples(design, subject, key, (first, row))
    return dict(sorted(found.items()))


def two_samples(design: pl.DataFrame, subject: str, levels: Sequence[str], rows: Sequence[int]) -> AnalysisError:
    """Return the error of a subject with two samples where the model takes one."""
    pair = design[list(rows)]
    differ = [name for name in design.columns if name not in NO_FACTORS and pair[name].n_unique() > 1]
    which = f"choose one level of {' or '.join(differ)} (--where)" if differ else "sum the counts of replicates"
    return AnalysisError(
        f"subject {subject} has two samples of {' '.join(map(str, levels))}",
        found=" and ".join(pair["sample"]),
        expected="one, as subjects are what is counted",
        mend=which,
    )


def without_pair(rows: Mapping[str, Mapping[tuple[str, ...], int]], contrast: Contrast) -> pl.DataFrame:
    """Return the subjects that lack a sample of the contrast: `subject, reason`."""
    reasons = []
    for subject, held in rows.items():
        lacking = [" ".join(levels) for levels in contrast.signs if levels not in held]
        if lacking:
            reasons.append({"subject": subject, "reason": f"no sample of {first_few(lacking, SHOWN)}"})
    return pl.DataFrame(reasons, schema={"subject": pl.String, "reason": pl.String})
