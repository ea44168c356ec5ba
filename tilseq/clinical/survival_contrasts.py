"""Groups compared in time to event: log-rank, Cox's hazard ratio and restricted means, with q within families."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from tilseq import readers
from tilseq.clinical.cox import Cox, Ties, cox
from tilseq.clinical.log_rank import log_rank
from tilseq.clinical.proportional_hazards import proportional_hazards
from tilseq.clinical.rmst import rmst_difference
from tilseq.clinical.survival_times import CANNOT, Times, by_endpoint, read_groups, read_times, sentence, times
from tilseq.errors import AnalysisError, did_you_mean
from tilseq.multiplicity import benjamini_hochberg
from tilseq.tables import Row
from tilseq.tables.survival import SURVIVAL_CONTRASTS, TIME_PARAMETERS

Families = Mapping[str, Sequence[str]]

EXPLORATORY = "exploratory"
# One test of each hypothesis enters the false discovery rate; the others tell how large, by an estimate and its limits.
TESTS = ("log_rank", "landmark_log_rank", "cox_time_dependent")
FEWEST_EVENTS = 5  # of either side of a hazard ratio, below which Wald's test finds too much


def survival_contrasts(
    time_to_event: Any,
    groups: Any,
    *,
    reference: Mapping[str, str] | None = None,
    strata: Any = None,
    rmst_day: int | None = None,
    ties: Ties = "efron",
    permutations: int | None = None,
    seed: int = 0,
    families: Families | None = None,
    endpoint_reader: str | None = None,
) -> pl.DataFrame:
    """Compare groups of what was known at the origin, in each endpoint and reader.

    For each column of the groups: `log_rank` of all its values together; then each value against the reference, of the
    subjects of these two alone: `cox`, with Wald's interval and test; `proportional_hazards`, whether that ratio stands
    still (see there); and with `rmst_day` also `rmst_difference`. A value without an event has no hazard ratio;
    log-rank and the difference of means stand.

    q is by Benjamini and Hochberg over the log-rank tests of a declared family; each hypothesis has one, so that other
    methods have no q, and neither has a p that is unsure. An endpoint of no declared family is exploratory: its q is
    over all such. Endpoints that no scan decides and those of the endpoint's reader make the family; every other
    reader's are a family of their own.

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
        As of `log_rank`, for its rows; no permutations (0) are chi-square always.
    families
        Name of a family → its endpoints, as declared before the data were seen. One that nobody has a time to, such as
        PFS of a study without scans, has a row without a test, and the reason says so.
    endpoint_reader
        Whose reading is the endpoint; by default the investigator's, or the only reader's. Without one each reader has
        a family, and so has what no scan decides.

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
        A reference or reader does not exist, a family's endpoint is none, a subject has no stratum, or groups of what
        is known later.
    """
    frame = read_times(time_to_event)
    known = read_groups(groups, frame)
    parted = None if strata is None else _strata(read_groups(strata, frame))
    if reference is not None and not isinstance(reference, Mapping):
        mend = f"write {{column: {reference!r}}}"
        raise AnalysisError("a reference is of a column of the groups", column="reference", found=reference, mend=mend)
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
    rows += _without_times(families or {}, frame, known.columns[1:])
    return finished(rows, families or {}, frame, endpoint_reader)


def _without_times(families: Families, frame: pl.DataFrame, columns: Sequence[str]) -> Iterator[Row]:
    """Yield a row, without a test, of each declared endpoint that nobody has a time to."""
    declared = dict.fromkeys(parameter for family in families.values() for parameter in family)
    known = set(frame["parameter"])
    for parameter in (one for one in declared if one in TIME_PARAMETERS and one not in known):
        for column in columns:
            row = {"parameter": parameter, "reader": None, "contrast": column, "method": "log_rank"}
            yield row | {"subjects": 0, "events": 0, "reason": f"{CANNOT}: nobody has a time to {parameter}"}


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
        parted = None if stratum is None else stratum[here]
        ratio = cox_row(pair, of_level, contrast, "cox", ties, parted)
        yield ratio
        yield _still_row(pair, of_level, ratio, ties, parted)
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
    permutations: int | None = None,
    seed: int = 0,
) -> Row:
    """Return the row of a log-rank test, with words where there is none."""
    row = {"contrast": contrast, "method": method, **counts(part)}
    if len(set(value)) < 2:
        return row | {"reason": f"{CANNOT}: {'one group' if len(value) else 'nobody could be evaluated'}"}
    test = log_rank(part.days, part.event, value, stratum, permutations=permutations, seed=seed)
    return row | {"statistic": test.statistic, "df": test.df, "p": test.p, "reason": test.reason, "sure": test.sure}


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
    row["sure"] = min(events, fit.events - events) >= FEWEST_EVENTS
    if not row["sure"]:
        row["reason"] = f"Wald's limits and p are unsure: fewer than {FEWEST_EVENTS} events on a side"
    return row


def _still_row(
    part: Times, of_level: np.ndarray[Any, Any], ratio: Row, ties: Ties, stratum: np.ndarray[Any, Any] | None
) -> Row:
    """Return the row of the test whether a hazard ratio stands still, with words where there is none."""
    row = {"contrast": ratio["contrast"], "method": "proportional_hazards", **counts(part)}
    if ratio.get("estimate") is None:
        return row | {"reason": f"{CANNOT}: no hazard ratio"}
    logarithm, efron = float(np.log(ratio["estimate"])), ties == "efron"
    statistic, p = proportional_hazards(part.days, part.event, of_level, logarithm, strata=stratum, efron=efron)
    if np.isnan(p):
        return row | {"reason": f"{CANNOT}: all events that tell are of one day"}
    return row | {"statistic": statistic, "df": 1, "p": p}


def _rmst_row(part: Times, of_level: np.ndarray[Any, Any], contrast: str, day: int) -> Row:
    row = {"contrast": contrast, "method": "rmst_difference", "at_day": day, **counts(part)}
    if not of_level.any() or of_level.all():
        return row | {"reason": f"{CANNOT}: one group"}
    found = rmst_difference(part.days, part.event, of_level, day)
    numbers = {name: getattr(found, name) for name in ("estimate", "lower", "upper", "p")}
    return row | numbers | {"reason": found.reason}


def finished(
    rows: Iterable[Row], families: Families, frame: pl.DataFrame, endpoint_reader: str | None = None
) -> pl.DataFrame:
    """Return rows as table `survival_contrasts`, with family, q and whether a row is exploratory.

    Parameters
    ----------
    rows
        Its rows, and in `sure` whether p holds what it says.
    families, endpoint_reader
        As of `survival_contrasts`.
    frame
        The times, of which endpoints and readers are known.

    Raises
    ------
    AnalysisError
        A family declares an endpoint that is not there, or that another family declares too; or no such reader.
    """
    rows = list(rows)
    family_of = _families(families, list(dict.fromkeys(row["parameter"] for row in rows)))
    own = {None, readers.endpoint_reader(frame["reader"].drop_nulls(), endpoint_reader)}
    told, tested = [], []
    for row in rows:
        family = family_of.get(row["parameter"], EXPLORATORY)
        reader = "" if row["reader"] in own else f", reader {row['reader']}"
        told.append(row | {"family": family + reader, "exploratory": row["parameter"] not in family_of})
        tested.append(row["method"] in TESTS and row.get("sure", False))
    contrasts = SURVIVAL_CONTRASTS.frame([{name: row[name] for name in row if name != "sure"} for row in told])
    p = pl.when(pl.Series("tested", tested, dtype=pl.Boolean)).then("p").fill_null(np.nan)
    q = pl.col("tested_p").map_batches(lambda one: pl.Series(benjamini_hochberg(one.to_numpy())), pl.Float64)
    return contrasts.with_columns(tested_p=p).with_columns(q=q.over("family").fill_nan(None)).drop("tested_p")


def _families(families: Families, parameters: Sequence[str]) -> dict[str, str]:
    family_of: dict[str, str] = {}
    for family, declared in families.items():
        for parameter in dict.fromkeys(declared):
            if parameter not in parameters:
                mend = did_you_mean(parameter, parameters)
                raise AnalysisError(f"family {family} declares an endpoint without times", found=parameter, mend=mend)
            if parameter in family_of:
                raise AnalysisError("two families declare an endpoint", found=parameter)
            family_of[parameter] = family
    return family_of
