"""What values, limits and statuses are worth beside the truth; the subject is the unit."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import stdtrit

from tilseq.intervals import clopper_pearson, scalar

TARGET, LEAST = 0.95, 0.93
FAR = 2.0  # times its limit that a value lies from it to be called well above, or below
SEEN = ("quantified", "detected_below_loq", "above_range")


def wrong_statuses(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose status is wrong, with `wrong`, the reason.

    Quantified or above the range though truly absent, but for differences and days, which may be 0; not detected, or
    below the limit of quantification, though twice the limit and more; above the range though less than half its end.
    """
    status, truth, limit = (pl.col(name) for name in ("status", "truth", "limit"))
    reason = (
        pl.when((pl.col("scale") == "ratio") & (truth == 0) & status.is_in(["quantified", "above_range"]))
        .then(pl.lit("quantified, truly absent"))
        .when(status.is_in(["not_detected", "detected_below_loq"]) & (truth > FAR * limit))
        .then(pl.lit("below its limit, truly twice that or more"))
        .when((status == "above_range") & (truth < limit / FAR))
        .then(pl.lit("above range, truly less than half its end"))
    )
    return rows.with_columns(wrong=reason).filter(pl.col("wrong").is_not_null())


def mean_of_subjects(errors: np.ndarray, subjects: np.ndarray) -> tuple[float, float, int]:
    """Return the mean over all values, its standard error with subjects as clusters, and their number."""
    mean, groups = float(errors.mean()), np.unique(subjects)
    sums = np.array([(errors[subjects == one] - mean).sum() for one in groups])
    number = len(groups)
    error = np.sqrt(number / (number - 1) * np.sum(sums**2)) / len(errors) if number > 1 else np.nan
    return mean, float(error), number


def share_held(held: np.ndarray, subjects: np.ndarray) -> tuple[float, float, float]:
    """Return the share of values whose limits hold, with exact 95 % limits of as many as they are worth.

    Worth is the variance of independent values over that between subjects, at most the number of values, times the
    squared ratio of Student's t of values and of subjects (Korn and Graubard, Surv Methodol 1998;24:193).
    """
    share, error, number = mean_of_subjects(held.astype(float), subjects)
    worth = float(len(held)) if number > 1 else 1.0  # of one subject nothing tells how much subjects differ
    if number > 1 and error > 0:
        worth = min(
            worth, share * (1 - share) / error**2 * (stdtrit(len(held) - 1, 0.975) / stdtrit(number - 1, 0.975)) ** 2
        )
    return share, *scalar(clopper_pearson(share * worth, worth))


def _errors(rows: pl.DataFrame, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the error of each value, and its subject; on the scale of ratios of what is and is told above 0."""
    rows = rows.filter(pl.col("value").is_not_null())
    if scale == "ratio":
        rows = rows.filter((pl.col("value") > 0) & (pl.col("truth") > 0))
    value, truth = (rows[name].to_numpy() for name in ("value", "truth"))
    subjects = (rows["trial"] + rows["subject"]).to_numpy()
    return (np.log(value / truth) if scale == "ratio" else value - truth), subjects


def table_of_numbers(rows: pl.DataFrame) -> list[str]:
    """Return the lines of a table of numbers, an endpoint a line.

    `no number`: truths beside which neither a value nor a limit is told; `no truth`: values that should not be told.
    """
    head = ["endpoint", "subjects", "values", "no number", "no truth", "with limits", "limits hold, % (95 %)"]
    head += ["truth below, above", "width", "bias (95 %)", "wrong statuses", ""]
    lines = ["| " + " | ".join(head) + " |", "|" + "-|" * len(head)]
    for (endpoint, scale), every in rows.group_by("endpoint", "scale", maintain_order=True):
        part = every.filter(pl.col("truth").is_not_null())
        told = part.filter(pl.any_horizontal(pl.col("value", "lower", "upper").is_not_null()))
        limited = told.filter(pl.col("lower").is_not_null() | pl.col("upper").is_not_null()).with_columns(
            pl.col("lower").fill_null(-np.inf), pl.col("upper").fill_null(np.inf)
        )
        below, above = (
            limited.filter(pl.col("truth") < pl.col("lower")),
            limited.filter(pl.col("truth") > pl.col("upper")),
        )
        subjects = (every["trial"] + every["subject"]).n_unique()
        without = every.height - part.height
        cells = [endpoint, subjects, part.height, part.height - told.height, without or "", limited.height]
        remarks = [f"{without} told though there is none"] if without else []
        if limited.height:
            inside = limited.select((pl.col("truth") >= pl.col("lower")) & (pl.col("truth") <= pl.col("upper")))
            held = inside.to_series().to_numpy()
            share, low, high = share_held(held, (limited["trial"] + limited["subject"]).to_numpy())
            cells += [f"{100 * share:.1f} ({100 * low:.1f} to {100 * high:.1f})", f"{below.height}, {above.height}"]
            cells.append(_width(limited, str(scale)))
            if share < LEAST and high < TARGET:
                remarks.append("too few hold")
        else:
            cells += ["", "", ""]
        errors, of = _errors(told, str(scale))
        cells.append(_bias(errors, of, str(scale), remarks) if len(errors) else "")
        nothing = told.filter(pl.col("scale") == "ratio", pl.col("value") == 0, pl.col("truth") > 0).height
        remarks += [f"{nothing} told as 0, in no bias"] if nothing else []
        wrong = wrong_statuses(part)
        cells += [f"{wrong.height}" if wrong.height else "", ", ".join(remarks)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def _width(limited: pl.DataFrame, scale: str) -> str:
    """Return the median width of limits: of ratios the upper over the lower; `open` where half of them have no end."""
    lower, upper = (limited[name].to_numpy() for name in ("lower", "upper"))
    if scale == "ratio":
        width = float(np.median(np.where(lower > 0, upper / np.where(lower > 0, lower, 1.0), np.inf)))
        return f"{width:.3g}-fold" if np.isfinite(width) else "open"
    width = float(np.median(upper - lower))
    return f"{width:.3g}" if np.isfinite(width) else "open"


def _bias(errors: np.ndarray, subjects: np.ndarray, scale: str, remarks: list[str]) -> str:
    mean, error, number = mean_of_subjects(errors, subjects)
    if number == 1:
        return f"{100 * np.expm1(mean):+.1f} % (one subject)" if scale == "ratio" else f"{mean:+.3g} (one subject)"
    half = error * stdtrit(number - 1, 0.975)
    ends = np.array([mean, mean - half, mean + half])
    if abs(mean) > half:
        remarks.append("biased")
    if scale == "ratio":
        middle, low, high = 100 * np.expm1(ends)
        return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})"
    return f"{ends[0]:+.3g} ({ends[1]:+.3g} to {ends[2]:+.3g})"


def table_of_words(rows: pl.DataFrame) -> list[str]:
    """Return the lines of a table of words, an endpoint a line, with what differs most often."""
    lines = ["| endpoint | subjects | values | as is true, % (95 %) | otherwise: told, true (values) |", "|-|-|-|-|-|"]
    for (endpoint,), part in rows.group_by("endpoint", maintain_order=True):
        right = part.select(pl.col("told").eq_missing(pl.col("truth"))).to_series()
        subjects = part["trial"] + part["subject"]
        share, low, high = share_held(right.to_numpy(), subjects.to_numpy())
        others = part.filter(~right).group_by("told", "truth").len().sort("len", "told", "truth", descending=True)
        told = "; ".join(f"{said}, {true} ({n})" for said, true, n in others.head(4).rows())
        held = f"{100 * share:.1f} ({100 * low:.1f} to {100 * high:.1f})"
        lines.append(f"| {endpoint} | {subjects.n_unique()} | {part.height} | {held} | {told} |")
    return lines
