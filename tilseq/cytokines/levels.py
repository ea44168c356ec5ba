"""Concentrations of a study's samples over time: which measurement is reported, which is the baseline, fold changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.cytokines.fold import activated, fold_change, reach, shown
from tilseq.kits import is_latent

if TYPE_CHECKING:
    import polars as pl

    from tilseq.tables import Row


OF_SAMPLE = ("subject", "visit", "day", "timing", "specimen", "specimen_id")
NEEDED = ("sample", *OF_SAMPLE)
SPECIMEN = ("specimen", "visit", "day", "timing", "specimen_id")  # of one subject: what tells specimens apart
# What tells more of a specimen goes first.
RANK = {"quantified": 0, "above_range": 1, "detected_below_loq": 2, "not_detected": 3, "not_evaluable": 4}
RELATIONS = {"=": "quantified", ">": "at_least", "<": "at_most", "unknown": "unknown"}
NOT_USED = "another measurement of this specimen is reported ({sample}, plate {plate}{dilution})"
WITHOUT_ACID = "it was measured without acid, too, and that is reported ({sample}, plate {plate})"


def levels(concentrations: Any, samples: Any, starts: Mapping[str, int | None] | None = None) -> pl.DataFrame:
    """Set the concentrations of a study's samples against the baseline of their subject.

    The baseline is the last specimen of its kind before lymphodepletion that gave a number or a limit. Fold changes
    respect limits: see `fold_change`. Of several measurements of one specimen (plates, dilutions, samples) each keeps
    its row, and one is reported: a number before a limit, then one on a plate that holds the baseline too, then the
    narrowest interval. A sample is held against the baseline as its own plate measured it where that plate did, as
    the error of a plate's curve is then shared; else `reason` says of which plate the baseline is.

    Parameters
    ----------
    concentrations
        Table `sample_concentrations`, polars or pandas, of any number of plates; controls are left out.
    samples
        Columns `sample`, `subject`, `visit`, `day`, `timing`, `specimen`, `specimen_id` (table `samples`); a sample
        that is not there is left out.
    starts
        Subject → first day of lymphodepletion; a specimen of that day counts as before. Without one the baseline is
        the last before the infusion: before day 0, or of day 0 with `timing` `pre`.

    Returns
    -------
    polars.DataFrame
        Table `cytokine_levels`.

    Raises
    ------
    TableError
        The samples break their registry.
    AnalysisError
        A day of `starts` is no whole number, or a subject of it is misspelt.
    """
    from tilseq.identifiers import days_by_subject
    from tilseq.tables import Table, as_polars, conform, known_columns
    from tilseq.tables.cytokines import CYTOKINE_LEVELS
    from tilseq.tables.inputs import SAMPLES

    part = Table(SAMPLES.name, SAMPLES.meaning, tuple(c for c in SAMPLES.columns if c.name in NEEDED), SAMPLES.key)
    known = {row["sample"]: row for row in conform(known_columns(samples, part), part).iter_rows(named=True)}
    days = days_by_subject(starts, {row["subject"] for row in known.values() if row["subject"]})
    series: dict[tuple[Any, ...], list[Row]] = {}
    for told in as_polars(concentrations).iter_rows(named=True):
        sample = known.get(str(told["sample"]))
        if told["role"] != "sample" or sample is None:
            continue
        row = told | {name: sample.get(name) for name in OF_SAMPLE} | {"form": _form(told)}
        key = (row["subject"], row["specimen"], row["analyte"], activated(row))
        series.setdefault(key, []).append(row)
    for (subject, *_), rows in series.items():
        _set_against_baseline(rows, days.get(subject))
    found = [row for rows in series.values() for row in rows]
    _prefer_without_acid(found)
    for row in found:
        row["reason"] = "; ".join(filter(None, row["told"])) or None
    return CYTOKINE_LEVELS.frame([{name: row.get(name) for name in CYTOKINE_LEVELS.names} for row in found])


def _form(row: Row) -> str | None:
    """Return which part of an analyte that is latent in part was measured."""
    if row["acid_activated"] is None or not is_latent(row["analyte"]):
        return None
    return "total" if row["acid_activated"] else "free"


def _set_against_baseline(rows: list[Row], start: int | None) -> None:
    """Fill in what a subject's rows of one specimen and analyte are to one another."""
    before = [row for row in rows if _is_before(row, start) and row["status"] != "not_evaluable"]
    last = max((row["day"] for row in before), default=None)
    baselines = sorted((row for row in before if row["day"] == last), key=_telling)
    # Of one plate the best of its measurements.
    of_plate = {row["plate"]: row for row in reversed(baselines)}
    specimens: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        row |= {"baseline": any(row is one for one in baselines[:1]), "told": [row["reason"]]}
        specimens.setdefault(tuple(row[name] for name in SPECIMEN), []).append(row)
    for row in rows:
        if _is_after(row, last, start):
            _fold(row, of_plate.get(row["plate"]) or next(iter(baselines), None), start)
    for measurements in specimens.values():
        _choose(measurements, of_plate)


def _is_before(row: Row, start: int | None) -> bool:
    """Whether a specimen may be a baseline."""
    day = row["day"]
    if day is None or row["timing"] == "post":
        return False
    return bool(day < 0 or (day == 0 and row["timing"] == "pre")) if start is None else bool(day <= start)


def _is_after(row: Row, last: int | None, start: int | None) -> bool:
    """Whether a specimen is to be held against the baseline, or would be if there were one."""
    day = row["day"]
    if day is None or _is_before(row, start) or (start is None and day == 0 and row["timing"] is None):
        return False
    return last is None or bool(day > last) or (day == last and row["timing"] == "post")


def _telling(row: Row) -> tuple[Any, ...]:
    """Return a key by which what tells most of a specimen comes first."""
    limit = row["limit_pg_per_ml"] or 0.0
    nearest = -limit if row["status"] == "above_range" else limit
    return RANK[row["status"]], _width(row), nearest, row["plate"], row["sample"], row["dilution"] or 0.0


def _width(row: Row) -> float:
    """Return the width of the interval on the logarithm; infinite where an end is open."""
    lower, upper = row["lower"], row["upper"]
    return float(np.log(upper / lower)) if lower and upper else np.inf


def _fold(row: Row, baseline: Row | None, start: int | None) -> None:
    from tilseq.tables.cytokines import NO_BASELINE, OTHER_PLATE

    if baseline is None:
        words = "the infusion" if start is None else "lymphodepletion"
        row["told"].append(f"{NO_BASELINE}: no {row['specimen']} from before {words} gave a number or a limit")
        return
    change = fold_change(row, baseline)
    row |= {"baseline_sample": baseline["sample"], "baseline_day": baseline["day"]}
    row |= {"fold": change.fold, "fold_lower": change.lower, "fold_upper": change.upper}
    row["fold_status"] = RELATIONS[change.relation]
    if baseline["plate"] != row["plate"]:
        row["told"].append(f"{OTHER_PLATE} ({baseline['plate']})")


def _choose(measurements: list[Row], of_plate: Mapping[str, Row]) -> None:
    """Say which of the measurements of one specimen is reported, and where they contradict one another."""
    from tilseq.tables.cytokines import APART

    def key(row: Row) -> tuple[Any, ...]:
        rank, *rest = _telling(row)
        return (not row["baseline"], rank, row["plate"] not in of_plate, *rest)

    chosen = min(measurements, key=key)
    for row in measurements:
        row["used"] = row is chosen
        if row is not chosen:
            dilution = "" if chosen["dilution"] is None else f", dilution {chosen['dilution']:g}"
            row["told"].append(NOT_USED.format(sample=chosen["sample"], plate=chosen["plate"], dilution=dilution))
    others = _contradicting(chosen, measurements)
    if others:
        told = ", ".join(f"{shown(row)} on plate {row['plate']}" for row in others)
        chosen["told"].append(f"{APART} by more than their limits ({told})")


def _prefer_without_acid(rows: list[Row]) -> None:
    """Report, of an analyte that is not latent, what was measured without acid where both were: acid may destroy it."""
    plain: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if row["used"] and not activated(row):
            plain[tuple(row[name] for name in ("subject", "analyte", *SPECIMEN))] = row
    for row in rows:
        other = plain.get(tuple(row[name] for name in ("subject", "analyte", *SPECIMEN)))
        if row["used"] and activated(row) and row["form"] is None and other is not None:
            row["used"] = False
            row["told"].append(WITHOUT_ACID.format(sample=other["sample"], plate=other["plate"]))


def _contradicting(chosen: Row, measurements: Sequence[Row]) -> list[Row]:
    """Return the numbers and limits that the interval of the number that is reported does not meet."""
    if chosen["status"] != "quantified":
        return []
    return [row for row in measurements if row is not chosen and not _meet(reach(row), reach(chosen))]


def _meet(one: tuple[float | None, float | None], other: tuple[float | None, float | None]) -> bool:
    """Tell whether two intervals meet; an end that is none is open."""
    return all(
        (low or 0) <= (np.inf if high is None else high) for low, high in ((one[0], other[1]), (other[0], one[1]))
    )
