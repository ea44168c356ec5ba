"""Which samples a contrast is fitted to, and the columns of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.confounding import confounded
from tilseq.expression.contrasts import Contrast, checked_design, combination_rows, two_samples, without_pair

Floats = NDArray[np.float64]
Codes = NDArray[np.int_]
Subjects = Literal["fixed", "correlated"]
LeftOut = dict[str, str]

RANK_TOLERANCE = 1e-8
FEWEST_SUBJECTS = 2
ROW = "row of the counts"
FOR_CORRELATION = 2  # degrees of freedom that a correlation needs beside one


@dataclass(frozen=True)
class PairedModel:
    """The model of one contrast.

    Attributes
    ----------
    rows
        Rows of the design that are fitted.
    blocks
        Code of each such row's block.
    columns
        Rows × coefficients beside the blocks; the first is the contrast.
    correlated
        Blocks are a correlation between samples, no levels of their own; then the last column is the intercept.
    groups
        Level of each row, for the filter of genes.
    subjects
        How many subjects the estimate rests on.
    left_out
        `what` (sample or subject), `name`, `reason` of what takes no part.
    """

    rows: Codes
    blocks: Codes
    columns: Floats
    correlated: bool
    groups: Codes
    subjects: int
    left_out: list[LeftOut] = field(default_factory=list)


class Estimates(NamedTuple):
    """What an engine gives for each gene; of the prior and the correlation what there is."""

    change: Floats
    lower: Floats
    upper: Floats
    statistic: Floats
    p: Floats
    df: float | None
    prior_df: float | None = None
    prior_variance: float | None = None
    correlation: float | None = None


def paired_model(
    design: Any,
    contrast: Contrast,
    samples: int,
    *,
    subjects: Subjects = "fixed",
    covariates: Sequence[str] = (),
    pooled: bool = False,
) -> PairedModel:
    """Return the model of a contrast within subjects.

    A contrast of one factor is fitted to the samples of its two levels, each subject having a level of its own; if
    ``pooled``, to all samples of the factor, whose differences are then taken to spread alike. Subjects
    that lack LEVEL or REFERENCE add nothing to it. If they are taken as a correlation between their samples instead,
    the sample they have still counts; but that correlation is one for all genes, which makes 5 % of false positives to
    5.4 to 5.8 % (`benchmarks/RESULTS.md`), and more where few subjects have both samples. So it is done on request
    only. An interaction is fitted to the subjects with all four samples, each having a level for each of its levels of
    either factor.

    Parameters
    ----------
    design
        One row a sample: `sample, subject`, the contrast's factors and the covariates.
    contrast
        What is asked.
    samples
        Number of rows of the counts.
    subjects
        ``fixed`` or ``correlated``; an interaction is always ``fixed``.
    covariates
        Columns taken into account: numbers as they are, text as levels.
    pooled
        Other levels of the factor tell the residual variance too; not for an interaction.

    Raises
    ------
    AnalysisError
        See `differential_expression`.
    """
    table = checked_design(design, contrast, samples, covariates).with_row_index(ROW)
    blank = table.filter(pl.any_horizontal(pl.col(name).is_null() for name in (*contrast.factors, *covariates)))
    left_out = [_sample(name, f"no {' or '.join((*contrast.factors, *covariates))}") for name in blank["sample"]]
    every = table = table.join(blank.select(ROW), on=ROW, how="anti")
    pairs = combination_rows(table.drop(ROW), contrast)
    lacking = without_pair(pairs, contrast)
    complete = len(pairs) - lacking.height
    if complete < FEWEST_SUBJECTS:
        raise AnalysisError(
            f"too few subjects have every sample of {contrast}",
            found=f"{complete} of {table['subject'].n_unique()}",
            expected=f"{FEWEST_SUBJECTS} or more, as nothing else tells how much subjects differ",
        )
    if len(contrast.factors) > 1:
        if subjects == "correlated":
            raise AnalysisError("an interaction is fitted within subjects", found=subjects, expected="fixed")
        if pooled:
            mend = "ask for it without pooled"
            raise AnalysisError("an interaction is fitted to its own four levels", found="pooled", mend=mend)
        model = _interaction(table, contrast, set(pairs) - set(lacking["subject"]), covariates, every)
        return _checked(model, complete, [*left_out, *_subjects(lacking), *_other_levels(table, contrast)])
    if pooled:
        _one_sample_a_level(table, contrast)
    else:
        left_out += _other_levels(table, contrast)
        table = table.filter(pl.col(contrast.factors[0]).is_in([level for (level,) in contrast.signs]))
    if subjects == "correlated":
        return _checked(_levels(table, contrast, covariates, every, correlated=True), len(pairs), left_out)
    alone = table.filter(pl.len().over("subject") == 1)
    left_out += [*_subjects(lacking), *(_sample(name, "the only one of its subject") for name in alone["sample"])]
    model = _levels(table.filter(pl.len().over("subject") > 1), contrast, covariates, every, correlated=False)
    return _checked(model, complete, left_out)


def _sample(name: str, reason: str) -> LeftOut:
    return {"what": "sample", "name": name, "reason": reason}


def _subjects(lacking: pl.DataFrame) -> list[LeftOut]:
    return [{"what": "subject", "name": name, "reason": reason} for name, reason in lacking.iter_rows()]


def _other_levels(table: pl.DataFrame, contrast: Contrast) -> list[LeftOut]:
    keys = set(contrast.signs)
    rows = table.select("sample", *contrast.factors).iter_rows()
    return [_sample(name, "of another level") for name, *levels in rows if tuple(levels) not in keys]


def _one_sample_a_level(table: pl.DataFrame, contrast: Contrast) -> None:
    """Refuse two samples of one subject and level, which would count one subject twice."""
    factor = contrast.factors[0]
    twice = table.filter(pl.struct("subject", factor).is_duplicated())
    if twice.height:
        subject, level = twice.select("subject", factor).row(0)
        both = twice.filter((pl.col("subject") == subject) & (pl.col(factor) == level))
        raise two_samples(both.drop(ROW), subject, [level], [0, 1])


def _levels(
    table: pl.DataFrame, contrast: Contrast, covariates: Sequence[str], every: pl.DataFrame, *, correlated: bool
) -> PairedModel:
    """Return the model of one factor: a column for each level but the reference."""
    term = contrast.terms[0]
    values = table[term.factor]
    others = sorted(set(values.to_list()) - {term.level, term.reference})
    effects = np.column_stack([(values == level).to_numpy() for level in (term.level, *others)]).astype(float)
    blocks = _codes(table["subject"])
    within = np.zeros_like(blocks) if correlated else blocks
    columns = _independent(effects, contrast, table, covariates, within, every)
    if correlated:
        columns = np.column_stack([columns, np.ones(len(columns))])
    return PairedModel(table[ROW].to_numpy(), blocks, columns, correlated, _codes(values), 0)


def _interaction(
    table: pl.DataFrame, contrast: Contrast, complete: set[str], covariates: Sequence[str], every: pl.DataFrame
) -> PairedModel:
    """Return the model of two factors: subjects have levels of their own in either."""
    first, second = contrast.terms
    for term in (first, second):
        table = table.filter(pl.col(term.factor).is_in([term.level, term.reference]))
    table = table.filter(pl.col("subject").is_in(complete))
    high = (table[first.factor] == first.level).to_numpy()
    other = (table[second.factor] == second.level).to_numpy()
    person = np.eye(table["subject"].n_unique())[_codes(table["subject"])]
    columns = np.column_stack([high & other, person * other[:, None]]).astype(float)
    blocks = _codes(table["subject"]) * 2 + high
    columns = _independent(columns, contrast, table, covariates, blocks, every)
    return PairedModel(table[ROW].to_numpy(), blocks, columns, False, 2 * high + other, 0)


def _codes(values: pl.Series) -> Codes:
    return np.unique(values.cast(pl.String).to_numpy(), return_inverse=True)[1]


def _independent(
    effects: Floats,
    contrast: Contrast,
    table: pl.DataFrame,
    covariates: Sequence[str],
    blocks: Codes,
    every: pl.DataFrame,
) -> Floats:
    """Return the effects, then the covariates, without columns that those before make up; the contrast stays first.

    `every` is the design with all its levels, of which an error says what can be estimated.
    """
    kept = effects[:, :1]
    for column in effects.T[1:]:
        if _adds(column[:, None], kept, blocks):
            kept = np.column_stack([kept, column])
    for name in covariates:
        own = _covariate(table, name)
        if not _adds(kept[:, :1], np.column_stack([kept[:, 1:], own]), blocks):
            raise confounded(every, contrast, name)
        if not _adds(own, kept, blocks):
            # Not with the contrast, or it would have been made up: leaving this one out changes no estimate.
            other = "what the model holds" if _adds(own, kept[:, :0], blocks) else "subject"
            mend = f"leave {name} out: what it tells is taken into account already"
            raise AnalysisError(f"{name} is confounded with {other}", column=name, mend=mend)
        for column in own.T:
            if _adds(column[:, None], kept, blocks):
                kept = np.column_stack([kept, column])
    return kept


def _covariate(table: pl.DataFrame, name: str) -> Floats:
    """Return the columns of a covariate: a number about its mean, or all levels but the first."""
    values = table[name]
    if values.dtype.is_numeric():
        number = values.cast(pl.Float64).to_numpy()
        if not np.isfinite(number).all():
            raise AnalysisError("a covariate is not finite", column=name)
        return (number - number.mean())[:, None]
    codes = _codes(values)
    return np.eye(int(codes.max()) + 1)[codes][:, 1:] if len(codes) else np.zeros((0, 0))


def _without_blocks(columns: Floats, blocks: Codes) -> Floats:
    """Return columns less their mean in each block."""
    ones = np.eye(int(blocks.max()) + 1)[blocks]
    return columns - ones @ (ones.T @ columns / ones.sum(axis=0)[:, None])


def _adds(columns: Floats, kept: Floats, blocks: Codes) -> bool:
    """Tell whether columns hold something that neither the blocks nor the columns kept do."""
    own, basis = _without_blocks(columns, blocks), _without_blocks(kept, blocks)
    rest = own - basis @ np.linalg.lstsq(basis, own, rcond=None)[0] if kept.shape[1] else own
    return bool(np.abs(rest).max(initial=0) > RANK_TOLERANCE * max(np.abs(columns).max(initial=0), 1))


def _checked(model: PairedModel, subjects: int, left_out: list[LeftOut]) -> PairedModel:
    """Return the model with what it rests on; refuse one that leaves nothing to tell chance by."""
    blocks = 0 if model.correlated else int(model.blocks.max()) + 1
    coefficients = blocks + model.columns.shape[1]
    if len(model.rows) <= coefficients + (FOR_CORRELATION if model.correlated else 0):
        raise AnalysisError(
            "no residual degrees of freedom",
            found=f"{len(model.rows)} samples, {coefficients} coefficients",
            mend="leave covariates out, or give more subjects",
        )
    return replace(model, subjects=subjects, left_out=left_out)
