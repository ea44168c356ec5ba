"""Tables set for reading, by great_tables: they show in a notebook and write themselves as HTML that opens offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilseq.errors import AnalysisError
from tilseq.plots.clinic_words import group_in_words, in_words, whole_percent
from tilseq.plots.rows import needing

if TYPE_CHECKING:
    import polars as pl
    from great_tables import GT

RATES = ("population", "group", "parameter", "numerator", "denominator", "denominator_text", "estimate", "lower",
         "upper", "method")  # fmt: skip
ESTIMATES = ("parameter", "reader", "group", "quantity", "at_day", "subjects", "events", "at_risk", "estimate", "lower",
             "upper", "estimate_text", "lower_text", "upper_text", "unit", "method")  # fmt: skip
TEXTS = ("Group", "What", "Adverse event")
GRADES = {"any": "Any", **{f"{grade}": f"{grade}" for grade in range(1, 6)}, "3_5": "3 to 5"}
EVENTS = ("population", "group", "period", "soc", "term", "subjects",
          *(f"{what}_{grade}" for grade in GRADES for what in ("n", "pct")))  # fmt: skip
QUANTITIES = {"median": "median", "survival_at": "without an event", "rmst": "restricted mean",
              "follow_up_median": "median follow-up", "time_range": "shortest and longest time"}  # fmt: skip


def rates_table(summaries: Any) -> GT:
    """Return rates with their exact limits as a table for reading: a row a group, ORR and DCR above best responses.

    Parameters
    ----------
    summaries
        Table `summaries`, polars or pandas: `population, group, parameter, qualifier, numerator, denominator,
        denominator_text, estimate, lower, upper` (fractions), `method`.

    Returns
    -------
    great_tables.GT
        Shown by a notebook as it is; `.write_raw_html(path)` writes a file that asks nothing of any other. Below the
        table stands what the denominators are (of all subjects together, where there are such rows), and how limits
        were found.

    Raises
    ------
    AnalysisError
        A column is absent, or there is no row.
    """
    rows = _in_order(_filled(needing(summaries, RATES)))
    several = rows["population"].n_unique() > 1
    shown = [
        {
            "parameter": _named(row["parameter"], row.get("qualifier")),
            "Group": group_in_words(row["group"]) + (f", {row['population']}" if several else ""),
            "Subjects": f"{row['numerator']} of {row['denominator']}",
            "Rate, %": "–" if row["estimate"] is None else _percent(row["estimate"]),
            "95 % limits": f"{_percent(row['lower'])} to {_percent(row['upper'])}",
        }
        for row in rows.iter_rows(named=True)
    ]
    of_all = rows.filter(group="all")
    words = (rows if of_all.is_empty() else of_all)["denominator_text"].drop_nulls().unique(maintain_order=True)
    told = [f"{text}." for text in words]
    return _table(shown, "Rates of response", [*told, _limits(rows)])


def survival_table(estimates: Any) -> GT:
    """Return medians, rates at landmarks and restricted means with their limits as a table for reading.

    Parameters
    ----------
    estimates
        Table `survival_estimates`, polars or pandas: `parameter, reader, group, quantity, at_day, subjects, events,
        at_risk, estimate, lower, upper, estimate_text, lower_text, upper_text, unit, method`.
        A word stands where there is no number.

    Returns
    -------
    great_tables.GT
        As `rates_table` gives it.

    Raises
    ------
    AnalysisError
        A column is absent, or there is no row.
    """
    rows = _filled(needing(estimates, ESTIMATES))
    shown = [
        {
            "parameter": row["parameter"] if row["reader"] is None else f"{row['parameter']}, {row['reader']}",
            "Group": group_in_words(row["group"]),
            "Subjects": row["subjects"],
            "Events": "" if row["parameter"] == "follow_up" else str(row["events"]),
            "What": QUANTITIES[row["quantity"]] + ("" if row["at_day"] is None else f" at day {row['at_day']:g}"),
            "At risk": "" if row["at_risk"] is None else f"{row['at_risk']:g}",
            "Estimate": in_words(row, "estimate") + _unit(row),
            "95 % limits": "" if row["quantity"] == "time_range" else _limits_of(row),
        }
        for row in rows.iter_rows(named=True)
    ]
    return _table(shown, "Time to event", [_limits(rows)])


def adverse_event_table(table: Any, *, group: str = "all", period: str = "any") -> GT:
    """Return subjects by system, term and worst grade as a table for reading: a row a term, a column a grade.

    Parameters
    ----------
    table
        Table `adverse_event_table`, polars or pandas.
    group, period
        Which of its rows.

    Returns
    -------
    great_tables.GT
        As `rates_table` gives it; each cell holds subjects and their share in percent.

    Raises
    ------
    AnalysisError
        A column is absent, or there is no row of the group and period.
    """
    rows = _filled(needing(table, EVENTS).filter(group=group, period=period))
    shown = [
        {
            "parameter": row["soc"] or ("Any" if row["term"] is None else "Not coded"),
            "Adverse event": row["term"] or "any",
            **{words: f"{row[f'n_{name}']} ({_whole(row[f'pct_{name}'])})" for name, words in GRADES.items()},
        }
        for row in rows.iter_rows(named=True)
    ]
    told = [
        f"Subjects (%) of {rows['subjects'][0]} {rows['population'][0]}, each once a line. Grades 1 to 5 are those of "
        "the worst event.",
        *([] if group == "all" else [f"Of {group_in_words(group)}."]),
        *([] if period == "any" else [f"Begun in the period {period.replace('_', ' ')}."]),
    ]
    return _table(shown, "Adverse events by worst grade", told)


def _filled(rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        raise AnalysisError("nothing to show: the table has no row")
    return rows


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ORR and DCR first, then best responses; of each the confirmed first."""
    import polars as pl

    if "qualifier" not in rows.columns:
        return rows
    other = ~pl.col("parameter").is_in(["ORR", "DCR"])
    unconfirmed = pl.col("qualifier").fill_null("").str.contains("not_required", literal=True)
    return rows.sort(other, unconfirmed, pl.col("parameter") == "DCR", maintain_order=True)


def _table(shown: list[dict[str, Any]], title: str, notes: list[str]) -> GT:
    import polars as pl
    from great_tables import GT

    frame = pl.DataFrame(shown, infer_schema_length=None)
    table = GT(frame, groupname_col="parameter", id="tilseq").tab_header(title)  # an id of its own is random
    table = table.cols_align("right", columns=[name for name in frame.columns if name not in TEXTS])
    for note in notes:
        table = table.tab_source_note(note)
    return table


def _limits(rows: pl.DataFrame) -> str:
    return f"Limits: {'; '.join(rows['method'].drop_nulls().unique(maintain_order=True))}."


def _named(parameter: str, qualifier: str | None) -> str:
    return (
        f"{parameter} ({qualifier.replace('=', ': ').replace(';', ', ').replace('_', ' ')})" if qualifier else parameter
    )


def _limits_of(row: dict[str, Any]) -> str:
    if row["lower"] is None and row["upper"] is None:
        return "no limits"
    return f"{in_words(row, 'lower')} to {in_words(row, 'upper')}"


def _unit(row: dict[str, Any]) -> str:
    if row["quantity"] == "time_range":
        return " days"
    return "" if row["estimate"] is None else " months" if row["unit"] == "d" else " %"


def _whole(percent: float | None) -> str:
    return whole_percent(None if percent is None else percent / 100)


def _percent(value: float | None) -> str:
    return "no limit" if value is None else f"{100 * value:.1f}"
