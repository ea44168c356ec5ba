"""Whether cells respond to a stimulus: counts of two tubes, their difference with its limits, and one call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tilseq.errors import AnalysisError, first_few, plural
from tilseq.exact import shares_differ
from tilseq.flow.intracellular import Counted
from tilseq.flow.quality import worst_of
from tilseq.intervals import Floats, difference_of_shares, scalar
from tilseq.multiplicity import holm

if TYPE_CHECKING:
    import polars as pl

# What tests tell of a row.
TOLD = ("stimulated_pct", "unstimulated_pct", "difference_pct", "lower", "upper", "p", "p_adjusted", "family")
COUNTS = ("positive_stimulated", "cells_stimulated", "positive_unstimulated", "cells_unstimulated")
# Setting → least and most; those of OPEN lie between.
RANGES: Mapping[str, tuple[float, float]] = {
    "alpha": (0, 1),
    "least_cells": (1, math.inf),
    "least_positive": (1, math.inf),
    "least_fold": (1, math.inf),
    "most_background_pct": (0, 100),
    "tube_cv": (0, 1),
}
OPEN = ("alpha",)
DISPERSED_P = 0.01  # replicates of equal share are told as unlike in one of a hundred
SWAPPED = "more cells bear it unstimulated than stimulated: are the roles of the tubes swapped?"


class Dispersion(NamedTuple):
    """How replicate tubes differ.

    Attributes
    ----------
    ratio
        Variance between them over that of counting; 1 where counts are binomial.
    p
        The chance of as much by counting alone.
    cv
        The `tube_cv` of `ResponseRule` that explains it; 0 where they differ no more than by counting.
    """

    ratio: float
    p: float
    cv: float


@dataclass(frozen=True)
class ResponseRule:
    """What makes a response.

    Attributes
    ----------
    alpha
        The adjusted p must lie below it.
    least_cells
        Cells of the population that either tube must hold; with fewer there is no test.
    least_positive
        Stimulated cells that must bear the cytokine.
    least_fold
        The stimulated share must be as many times the background; 1 asks for no more than the tests do.
    most_background_pct
        Background, in per cent, above which the row is a `warn`.
    tube_cv
        Coefficient of variation of the share between tubes of one content, beside counting, or of the rest where most
        cells bear the cytokine; 0 takes counts as binomial.

    Raises
    ------
    AnalysisError
        A number is beyond its range.
    """

    alpha: float = 0.05
    least_cells: int = 500
    least_positive: int = 10
    least_fold: float = 1.0
    most_background_pct: float = 1.0
    tube_cv: float = 0.15

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most or (name in OPEN and value in (least, most)):
                raise AnalysisError(
                    f"{name} of what makes a response is out of range",
                    found=value,
                    expected=f"{'above' if name in OPEN else 'from'} {least:g} to {most:g}",
                )


DEFAULT_RULE = ResponseRule()


def cytokine_responses(counts: pl.DataFrame, rule: ResponseRule = DEFAULT_RULE) -> pl.DataFrame:
    """Test each pair of counts, stimulated against unstimulated, and call responses.

    Parameters
    ----------
    counts
        One cytokine in one population of one pair of tubes a row, with the columns of the table `intracellular` that
        are known: at least `subject`, `stimulated`, `marker`, `population` and the four counts. A `verdict` of `fail`
        is of tubes that cannot be believed: there is no test. `tube_cv` is what replicates tell, and takes the place
        of a smaller one of the rule, but for 0. Former tests are made anew.
    rule
        What makes a response.

    Returns
    -------
    polars.DataFrame
        Table `intracellular`. `lower` and `upper` are those of `intervals.difference_of_shares`, p is that of Fisher's
        exact test, one-sided, both of effective counts (see `effective`), and adjusted by Holm within the family: all
        populations, stimuli and visits of one subject and cytokine. Populations nest and share tubes, which Holm allows
        for. `response` is `yes` where the adjusted p is below alpha, `lower` above 0, and there are enough positives
        and, if asked for, folds of the background.

    Raises
    ------
    AnalysisError
        A column of counts is missing, a count is no whole number, more cells bear the cytokine than there are, or
        counts are of no marker or population.
    TableError
        The counts break their registry.
    """
    from tilseq.tables.intracellular import INTRACELLULAR

    rows = INTRACELLULAR.frame(_given(counts)).to_dicts()
    for row in rows:
        _refuse_impossible(row)
        row["tube_cv"] = max(rule.tube_cv, row["tube_cv"] or 0.0) if rule.tube_cv else 0.0
        row.update(_shares(row))
        why = _not_tested(row, rule)
        row["response"] = "no" if why is None else "not_evaluable"
        _tell(row, why, "warn")
        background = row["unstimulated_pct"]
        if background is not None and background > rule.most_background_pct:
            _tell(row, f"background of {background:.3g} % is above {rule.most_background_pct:g} %", "warn")
        if row["upper"] is not None and row["upper"] < 0:
            _tell(row, SWAPPED, "warn")
    tested = [row for row in rows if row["response"] != "not_evaluable"]
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row, own in zip(tested, _p(tested), strict=True):
        row["p"] = float(own)
        families.setdefault((row["subject"], row["marker"]), []).append(row)
    for (subject, marker), members in families.items():
        for row, adjusted in zip(members, holm([row["p"] for row in members]), strict=True):
            row["p_adjusted"] = float(adjusted)
            row["family"] = f"{marker} of {subject}: populations, stimuli and visits, {plural(len(members), 'test')}"
            _call(row, rule)
    return INTRACELLULAR.frame(rows)


def effective(cells: ArrayLike, share: ArrayLike, tube_cv: ArrayLike) -> Floats:
    """Return how many cells would tell a share as well by counting alone.

    Cells of one tube are alike by an intraclass correlation r, so that n of them tell as ``n / (1 + n r)`` (the design
    effect of Kish, Survey Sampling, 1965, section 5.4, with n for n - 1). A share p whose own value varies between
    tubes by a coefficient of variation has ``r = tube_cv ** 2 p / (1 - p)``. Where more than half of the cells bear the
    cytokine the variation is taken to be that of the others, ``r = tube_cv ** 2 (1 - p) / p``.

    Parameters
    ----------
    cells, share, tube_cv
        Arrays of one shape, or numbers; `tube_cv` as that of `ResponseRule`.
    """
    cells = np.asarray(cells, float)
    return np.asarray(cells / (1 + np.asarray(tube_cv, float) ** 2 * cells * _odds_of_fewer(share)))


def _odds_of_fewer(share: ArrayLike) -> Floats:
    share = np.asarray(share, float)
    return np.asarray(np.minimum(share, 1 - share) / np.maximum(share, 1 - share))


def _variation(rows: Sequence[Mapping[str, Any]]) -> Floats:
    """Return the coefficient of variation of both sums of tubes: that of one tube over the root of their number."""
    tubes = [[row["tubes_stimulated"] or 1, row["tubes_unstimulated"] or 1] for row in rows]
    return np.array([[row["tube_cv"]] for row in rows]).reshape(-1, 1) / np.sqrt(np.array(tubes, float).reshape(-1, 2))


def _p(rows: Sequence[Mapping[str, Any]]) -> Floats:
    """Return p of tested rows: of effective counts by the share of both tubes together, as if nothing did.

    What is no whole number is rounded against a response.
    """
    counts = np.array([[row[name] for name in COUNTS] for row in rows], float).reshape(-1, 4)
    positive, cells = counts[:, ::2], counts[:, 1::2]
    share = positive.sum(axis=1, keepdims=True) / cells.sum(axis=1, keepdims=True)
    own = effective(cells, share, _variation(rows))
    whole = np.round(own)
    scaled = positive * (own / cells)
    stimulated, unstimulated = np.floor(scaled[:, 0]), np.minimum(np.ceil(scaled[:, 1]), whole[:, 1])
    return shares_differ(stimulated, whole[:, 0], unstimulated, whole[:, 1])


def dispersion(groups: Sequence[Sequence[Counted]]) -> Dispersion | None:
    """Return how much more replicate tubes differ than counting explains, by Pearson's chi-square.

    McCullagh and Nelder, Generalized Linear Models (1989), section 4.5; groups, each of tubes of one content, are taken
    together.

    Parameters
    ----------
    groups
        Counts of the tubes of each content. Tubes without a cell are passed over.

    Returns
    -------
    Dispersion or None
        None without two tubes of one content that bear the cytokine at all.
    """
    from scipy.special import gammaincc

    total, degrees, weights = 0.0, 0, []
    for group in groups:
        counted = np.array([tube for tube in group if tube.cells], float).reshape(-1, 2)
        share = counted[:, 0].sum() / counted[:, 1].sum() if len(counted) else 0.0
        if len(counted) < 2 or not 0 < share < 1:
            continue
        expected = share * counted[:, 1]
        total += float(((counted[:, 0] - expected) ** 2 / (expected * (1 - share))).sum())
        degrees += len(counted) - 1
        weights += [*(counted[:, 1] * _odds_of_fewer(share))]
    if not degrees:
        return None
    ratio = total / degrees
    p, cv = float(gammaincc(degrees / 2, total / 2)), math.sqrt(max(ratio - 1, 0) / np.mean(weights))
    return Dispersion(ratio, p, cv)


def told_of_replicates(groups: Sequence[Sequence[Counted]]) -> dict[str, Any]:
    """Return what a row of the table tells of replicates.

    Parameters
    ----------
    groups
        Counts of the stimulated tubes, then of the unstimulated.

    Returns
    -------
    dict
        `tubes_stimulated` and `tubes_unstimulated`; where there are replicates `replicate_dispersion`; where chance
        explains it in one of a hundred at most the `tube_cv` that does, `verdict` and `reason`.
    """
    told: dict[str, Any] = {}
    for role, group in zip(("stimulated", "unstimulated"), groups, strict=True):
        cells = np.array([tube.cells for tube in group], float)
        told[f"tubes_{role}"] = float(cells.sum() ** 2 / (cells**2).sum()) if cells.any() else None
    found = dispersion(groups)
    if found is None:
        return told
    told["replicate_dispersion"] = found.ratio
    if found.p < DISPERSED_P:
        told |= {"tube_cv": found.cv, "verdict": "warn"}
        told["reason"] = (
            f"replicates vary {found.ratio:.2g} times as much as counting does, as by a tube_cv of {found.cv:.2g}"
        )
    return told


def _given(counts: Any) -> list[dict[str, Any]]:
    """Return rows of counts without what tests tell.

    Raises
    ------
    TableError
        A count or day cannot stand in the table.
    AnalysisError
        A column of counts is missing, or a count is no whole number.
    """
    from tilseq.tables import Table, as_polars, conform, known_columns
    from tilseq.tables.intracellular import INTRACELLULAR

    frame = as_polars(counts)
    for name in COUNTS:
        if name not in frame.columns:
            raise AnalysisError("the counts lack a column", expected=name)
        for count in frame[name]:
            if isinstance(count, float) and not count.is_integer():
                expected = "a whole number, or none where it is not known"
                raise AnalysisError("a count of cells is no whole number", column=name, found=count, expected=expected)
    numbers = tuple(column for column in INTRACELLULAR.columns if column.name in ("day", *COUNTS))
    part = Table(INTRACELLULAR.name, INTRACELLULAR.meaning, numbers)
    conform(known_columns(frame, part), part)  # rows would take 30.7 as text, or a date, for a whole number
    rows = [{name: cell for name, cell in row.items() if cell is not None} for row in frame.to_dicts()]
    return [
        {"verdict": "pass", **{name: cell for name, cell in row.items() if name not in TOLD}, "response": "no"}
        for row in rows
    ]


def _refuse_impossible(row: Mapping[str, Any]) -> None:
    for tube in ("stimulated", "unstimulated"):
        positive, cells = row[f"positive_{tube}"], row[f"cells_{tube}"]
        if positive is not None and cells is not None and positive > cells:
            what = f"more cells bear {row['marker']} than {row['population']} of {row[tube]} holds"
            raise AnalysisError(what, column=f"positive_{tube}", found=positive, expected=f"at most {cells}")
    for name in ("marker", "population"):
        if row[name] is None and any(row[count] is not None for count in COUNTS):
            raise AnalysisError(f"counts of {row['stimulated']} are of no {name}", column=name, expected=f"its {name}")


def _shares(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Return shares and difference in per cent, as far as there are cells."""
    found: dict[str, float | None] = {}
    for tube in ("stimulated", "unstimulated"):
        positive, cells = row[f"positive_{tube}"], row[f"cells_{tube}"]
        found[f"{tube}_pct"] = 100 * positive / cells if cells and positive is not None else None
    stimulated, background = found["stimulated_pct"], found["unstimulated_pct"]
    if stimulated is None or background is None:
        return found
    counts = np.array([row[name] for name in COUNTS], float)
    positive, cells = counts[::2], counts[1::2]
    shares = positive / cells
    own = effective(cells, shares, _variation([row])[0])
    scaled = shares * own  # never more than `own` by rounding
    lower, upper = scalar(difference_of_shares(scaled[0], own[0], scaled[1], own[1]))
    return {**found, "difference_pct": stimulated - background, "lower": 100 * lower, "upper": 100 * upper}


def _not_tested(row: Mapping[str, Any], rule: ResponseRule) -> str | None:
    """Return why a row is not evaluable, an empty sentence where it says so already; None where it is tested."""
    if row["verdict"] == "fail":
        return ""
    if any(row[name] is None for name in COUNTS):
        return "not all counts are known"
    few = [
        f"{row[f'cells_{tube}']} cells {tube}"
        for tube in ("stimulated", "unstimulated")
        if row[f"cells_{tube}"] < rule.least_cells
    ]
    return f"too few to test: {first_few(few, 2)}, {rule.least_cells} are needed" if few else None


def _tell(row: dict[str, Any], reason: str | None, verdict: str) -> None:
    """Add a reason to a row, and make its verdict no better than the reason's."""
    if reason:
        row["reason"] = "; ".join(part for part in (row["reason"], reason) if part)
        row["verdict"] = worst_of([row["verdict"], verdict])


def _call(row: dict[str, Any], rule: ResponseRule) -> None:
    """Call a response where every condition holds; where only some do, tell what is wanting."""
    positive, background = row["positive_stimulated"], row["unstimulated_pct"]
    wanting = [] if row["p_adjusted"] < rule.alpha and row["lower"] > 0 else ["the difference may be chance"]
    if positive < rule.least_positive:
        wanting.append(f"{positive} stimulated positives, fewer than {rule.least_positive}")
    if row["stimulated_pct"] < rule.least_fold * background:
        wanting.append(f"below {rule.least_fold:g} times the background")
    row["response"] = "no" if wanting else "yes"
    if wanting and row["p"] < rule.alpha:
        row["reason"] = "; ".join(part for part in (row["reason"], f"no response: {', '.join(wanting)}") if part)
