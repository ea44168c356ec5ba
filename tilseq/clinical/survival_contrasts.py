"""Groups compared in time to event: log-rank, Cox's hazard ratio and restricted means, with q within families."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from tilseq.clinical.cox import Cox, Ties, cox
from tilseq.clinical.log_rank import log_rank
from tilseq.clinical.rmst import rmst_difference
from tilseq.clinical.survival_times import CANNOT, Times, by_endpoint, read_groups, read_times, times
from tilseq.errors import AnalysisError, did_you_mean
from tilseq.multiplicity import benjamini_hochberg
from tilseq.tables.survival import SURVIVAL_CONTRASTS

Row = dict[str, Any]
Families = Mapping[str, Sequence[str]]

EXPLORATORY = "exploratory"
FEWEST_EVENTS = 5  # of either side of a hazard ratio, below which Wald's test finds too much


def survival_contrasts(
    time_to_event: Any,
    groups: Any,
    *,
    reference: Mapping[str, str] | None = None,
    strata: Any = None,
    rmst_day: int | None = None,
    ties: Ties = "efron",
    permutations: int = 0,
    seed: int = 0,
    families: Families | None = None,
) -> pl.DataFrame:
    """Compare groups of what was known at the origin, in each endpoint and reader.

    For each column of the groups: `log_rank` of all its values together; then each value against the reference, of the
    subjects of these two alone: `cox`, with Wald's interval and test, and with `rmst_day` also `rmst_difference`.
    A value without an event has no hazard ratio; log-rank and the difference of means stand.

    q is by Benjamini and Hochberg over the tests of one method in a declared family. An endpoint of no declared family
    is exploratory: its q is over all such.

    Parameters
    ----------
    time_to_event
        Table `time_to_event`, polars or pandas; of its columns `parameter, reader, subject, days, event` are read.
    groups
        Columns `subject` and one or more to group by, such as `tumor_type`. A subject without a value is left out and
        told. What is known only after the origin is refused: see `state_contrasts`.
    reference
        Column → value that the others are held against; by default the first in order.
    strata
        Columns `subject` and one or more whose values together make the strata of log-rank and Cox; all of them must
        be given.
    rmst_day
        Day since the origin up to which means are taken.
    ties
        As of `cox`.
    permutations, seed
        As of `log_rank`, for its rows; 0 is chi-square.
    families
        Name of a family → its endpoints, as declared before the data were seen.

    Returns
    -------
    polars.DataFrame
        Table `survival_contrasts`: `parameter, reader, contrast, method, at_day, estimate, lower, upper, statistic, df,
        p, q, family, subjects, events, exploratory, reason`.

    Raises
    ------
    StudyError
        Times or events cannot be; all are listed.
    TableError
        A table breaks its registry.
    AnalysisError
        A reference or a family's endpoint does not exist, a subject has no stratum, or groups of what is known later.
    """
    frame = read_times(time_to_event)
    known = read_groups(groups, frame["subject"])
    parted = None if strata is None else _strata(read_groups(strata, frame["subject"]))
    for column, level in (reference or {}).items():
        if column not in known.columns[1:] or level not in known[column]:
            raise AnalysisError("no subject is of the reference", column=column, found=level)
    rows: list[Row] = []
    for (parameter, reader), part in by_endpoint(frame):
        for column in known.columns[1:]:
            compared, value, reason = _compared(part, known, column, parameter, reader)
            stratum = None if parted is None else np.array([parted[one] for one in compared.subjects], object)
            common = {"parameter": parameter, "reader": reader, "reason": reason}
            first = (reference or {}).get(column)
            found = [
                log_rank_row(compared, value, column, "log_rank", stratum, permutations=permutations, seed=seed),
                *_pairs(compared, value, column, first, stratum, rmst_day, ties),
            ]
            rows += [common | row | {"reason": sentence(reason, row.get("reason"))} for row in found]
    return finished(rows, families or {}, frame["parameter"].unique().to_list())


def _strata(known: pl.DataFrame) -> dict[str, str]:
    missing = known.filter(pl.any_horizontal(pl.all().is_null()))
    if missing.height:
        raise AnalysisError("a subject has no stratum", column="subject", found=missing["subject"][0])
    return dict(known.select("subject", pl.concat_str(pl.exclude("subject"), separator="|")).iter_rows())


def _compared(
    part: pl.DataFrame, known: pl.DataFrame, column: str, parameter: str, reader: str | None
) -> tuple[Times, np.ndarray[Any, Any], str | None]:
    """Return the times of those with a value, their values, and in words who was left out."""
    named = part.join(known.select("subject", column), on="subject", how="left")
    given = times(named.filter(pl.col(column).is_not_null()), parameter, reader, column)
    value_of = dict(named.select("subject", column).iter_rows())
    without = named[column].null_count()
    words = [
        f"left out: {given.left_out} not evaluable" if given.left_out else "",
        f"left out: {without} without {column}" if without else "",
    ]
    return given, np.array([value_of[one] for one in given.subjects], object), sentence(*words)


def _pairs(
    part: Times,
    value: np.ndarray[Any, Any],
    column: str,
    reference: str | None,
    stratum: np.ndarray[Any, Any] | None,
    rmst_day: int | None,
    ties: Ties,
) -> Iterator[Row]:
    levels = sorted(set(value))
    first = reference if reference is not None else (levels[0] if levels else None)
    for level in levels:
        if level == first:
            continue
        here = (value == level) | (value == first)
        pair = Times(
            part.parameter,
            part.reader,
            column,
            tuple(np.array(part.subjects, object)[here]),
            part.days[here],
            part.event[here],
            0,
        )
        of_level = value[here] == level
        contrast = f"{column}:{level}/{first}"
        yield cox_row(pair, of_level, contrast, "cox", ties, None if stratum is None else stratum[here])
        if rmst_day is not None:
            yield _rmst_row(pair, of_level, contrast, rmst_day)


def counts(part: Times) -> Row:
    """Return the subjects and events of a row."""
    return {"subjects": len(part.subjects), "events": int(part.event.sum())}


def log_rank_row(
    part: Times,
    value: np.ndarray[Any, Any],
    contrast: str,
    method: str,
    stratum: np.ndarray[Any, Any] | None = None,
    *,
    permutations: int = 0,
    seed: int = 0,
) -> Row:
    """Return the row of a log-rank test, with words where there is none."""
    row = {"contrast": contrast, "method": method, **counts(part)}
    if len(set(value)) < 2:
        return row | {"reason": f"{CANNOT}: {'one group' if len(value) else 'nobody could be evaluated'}"}
    test = log_rank(part.days, part.event, value, stratum, permutations=permutations, seed=seed)
    return row | {"statistic": test.statistic, "df": test.df, "p": test.p, "reason": test.reason}


def cox_row(
    part: Times,
    of_level: np.ndarray[Any, Any],
    contrast: str,
    method: str,
    ties: Ties,
    stratum: np.ndarray[Any, Any] | None = None,
) -> Row:
    """Return the row of a hazard ratio of a level against the rest, with words where there is none."""
    row = {"contrast": contrast, "method": method, **counts(part)}
    if not of_level.any() or of_level.all():
        return row | {"reason": f"{CANNOT}: {'one group' if len(of_level) else 'nobody could be evaluated'}"}
    fit = cox(part.days, part.event, of_level, strata=stratum, ties=ties)
    return row | fitted(fit, int((part.event & of_level).sum()))


def fitted(fit: Cox, events: int) -> Row:
    """Return the columns of a fit of one covariate, 0 or 1, with so many events where it is 1.

    Without an estimate they are null and the reason stands; with few events the reason warns.
    """
    names = {"estimate": "hazard_ratio", "lower": "lower", "upper": "upper", "statistic": "z", "p": "p"}
    if fit.reason is not None:
        return {"reason": fit.reason}
    row: Row = {name: float(getattr(fit, attribute)[0]) for name, attribute in names.items()}
    if min(events, fit.events - events) < FEWEST_EVENTS:
        row["reason"] = f"Wald's limits and p are unsure: fewer than {FEWEST_EVENTS} events on a side"
    return row


def _rmst_row(part: Times, of_level: np.ndarray[Any, Any], contrast: str, day: int) -> Row:
    row = {"contrast": contrast, "method": "rmst_difference", "at_day": day, **counts(part)}
    if not of_level.any() or of_level.all():
        return row | {"reason": f"{CANNOT}: one group"}
    found = rmst_difference(part.days, part.event, of_level, day)
    numbers = {name: getattr(found, name) for name in ("estimate", "lower", "upper", "p")}
    return row | numbers | {"reason": found.reason}


def sentence(*words: str | None) -> str | None:
    """Return what there is to say, parted by semicolons."""
    return "; ".join(word for word in words if word) or None


def finished(rows: Iterable[Row], families: Families, parameters: Sequence[str]) -> pl.DataFrame:
    """Return rows as table `survival_contrasts`, with family, q and whether a row is exploratory.

    Raises
    ------
    AnalysisError
        A family declares an endpoint that is not there, or that another family declares too.
    """
    family_of: dict[str, str] = {}
    for family, declared in families.items():
        for parameter in declared:
            if parameter not in parameters:
                mend = did_you_mean(parameter, parameters)
                raise AnalysisError(f"family {family} declares an endpoint without times", found=parameter, mend=mend)
            if parameter in family_of:
                raise AnalysisError("two families declare an endpoint", found=parameter)
            family_of[parameter] = family
    named = [
        row
        | {
            "family": f"{family_of.get(row['parameter'], EXPLORATORY)}: {row['method']}",
            "exploratory": row["parameter"] not in family_of,
        }
        for row in rows
    ]
    frame = SURVIVAL_CONTRASTS.frame(named)
    q = pl.Series("q", [None] * frame.height, dtype=pl.Float64).to_list()
    for (_,), part in frame.with_row_index("row").group_by(["family"], maintain_order=True):
        for at, value in zip(part["row"], benjamini_hochberg(part["p"].fill_null(np.nan).to_numpy()), strict=True):
            q[at] = None if np.isnan(value) else float(value)
    return frame.with_columns(pl.Series("q", q, dtype=pl.Float64))
