"""The rows that figures of response and survival are drawn from, and their captions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from tilseq.plots.clinic_words import limits_words
from tilseq.report.readers import of_headline
from tilseq.report.results import Results
from tilseq.report.times import MEANINGS, origins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = ("OS", "PFS", "DOR")
THRESHOLDS = "Dashed are -30 %, where PR begins, and +20 %, where PD does of a sum that was never below the baseline."


def depths(results: Results) -> pl.DataFrame:
    """Return the confirmed best responses, a row a subject, of several readers without the endpoint's one each.

    None where no depth is known.
    """
    rows = of_headline(results, results.tables["best_response"]).filter(confirmation="required")
    if rows["depth_pct"].drop_nulls().is_empty():
        return rows.clear()
    if rows["reader"].n_unique() > 1:
        rows = rows.with_columns(subject=pl.format("{} {}", "subject", pl.col("reader").fill_null("no reader")))
    return rows


def draw_depths(rows: pl.DataFrame) -> Axes:
    """Draw the waterfall."""
    from tilseq.plots.depth import waterfall

    return waterfall(rows)


def depth_caption(rows: pl.DataFrame) -> str:
    """Return what the waterfall shows."""
    who = "a bar a subject" if rows["subject"].is_unique().all() else "a bar a subject and reader"
    return (
        f"Deepest change of the sum of diameters from baseline, up to progression or new therapy, {who}; at its end "
        f"and by its colour the confirmed best response, which new lesions and non-targets decide too. {THRESHOLDS} "
        f"Nodes below 10 mm are gone, so a CR may lie above -100 %.{_read_by(rows)}"
    )


def changes(results: Results) -> pl.DataFrame:
    """Return every assessment up to the data cut by the endpoint's reader, with the day of a new therapy.

    None where no sum changed.
    """
    rows = of_headline(results, results.tables["response"])
    bounds = results.tables["best_response"].group_by("subject").agg(pl.col("new_therapy_day", "data_cut_day").min())
    rows = rows.join(bounds, on="subject", how="left")
    rows = rows.filter((pl.col("day") <= pl.col("data_cut_day")).fill_null(True)).drop("data_cut_day")
    return rows.clear() if rows["change_from_baseline_pct"].drop_nulls().is_empty() else rows


def draw_changes(rows: pl.DataFrame) -> Axes:
    """Draw the spider."""
    from tilseq.plots.clinical import spider

    therapies = rows.select("subject", start_day="new_therapy_day").drop_nulls().unique()
    return spider(rows.drop("new_therapy_day"), therapies=therapies)


def change_caption(rows: pl.DataFrame) -> str:
    """Return what the spider shows."""
    return (
        f"Change of the sum of target-lesion diameters from baseline. {THRESHOLDS} A ring is a PD as recorded, or as "
        f"derived for a subject and reader who has none recorded; dotted after a new therapy.{_read_by(rows)}"
    )


def _read_by(rows: pl.DataFrame) -> str:
    readers = rows["reader"].drop_nulls().unique()
    return f" Read by {readers[0]}." if readers.len() == 1 else ""


def curve(parameter: str) -> Callable[[Results], pl.DataFrame]:
    """Return a function that gives the curve of a parameter and below it the medians, by the endpoint's reader.

    Of several arms each is a line; of several readers, nobody's reading being the endpoint, each is one over all
    subjects. The column `since` says what time counts from.
    """

    def rows(results: Results) -> pl.DataFrame:
        found = of_headline(results, results.tables["survival_curve"]).filter(parameter=parameter)
        arms = pl.col("group").str.starts_with("arm=")
        one_reader = found["reader"].n_unique() == 1
        wanted = arms if one_reader and found["group"].str.starts_with("arm=").any() else pl.col("group") == "all"
        medians = of_headline(results, results.tables["survival_estimates"])
        medians = medians.filter(parameter=parameter, quantity="median")
        both = pl.concat([found, medians], how="diagonal").filter(wanted)
        if found["reader"].n_unique() > 1:
            both = both.with_columns(group="reader", reader=pl.lit(None, pl.String))
        return both.clear() if found.is_empty() else both.with_columns(since=pl.lit(origins(results).get(parameter)))

    return rows


def draw_curve(rows: pl.DataFrame) -> Axes:
    """Draw a curve with its medians in the legend."""
    from tilseq.plots.kaplan_meier import survival

    medians = rows.filter(pl.col("quantity").is_not_null())
    return survival(rows.filter(pl.col("quantity").is_null()), medians, since=rows["since"][0] or "start")


def curve_caption(rows: pl.DataFrame) -> str:
    """Return what a curve shows."""
    name, by = rows["parameter"][0], limits_words(rows["method"])
    return (
        f"{MEANINGS[name][0].upper()}{MEANINGS[name][1:]} ({name}): Kaplan-Meier with 95 % limits of each moment"
        f"{by and f', {by}'}; "
        f"upright ticks are censored subjects. The line rests on those at risk below it.{_read_by(rows)}"
    )
