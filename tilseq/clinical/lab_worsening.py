"""How grades shift from before treatment to each period, and the share of subjects that became worse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tilseq.clinical.arms import EVERYBODY, EXACT, members_by_arm, with_exact_limits
from tilseq.clinical.periods import PERIODS
from tilseq.lab_tests import lab_test
from tilseq.tables import Row, as_polars, conform
from tilseq.tables.lab_grades import ANY_PERIOD, LAB_GRADES, LAB_SHIFTS
from tilseq.tables.qualifiers import qualifier_text

TREATMENT_PERIODS = PERIODS[1:]
OF_TERM = ("test", "term", "direction", "period")
# Qualifier → the least and the most grade that counts; a baseline below the least is at risk, of `any` one below 4.
COUNTED = {**{str(grade): (grade, grade) for grade in (1, 2, 3, 4)}, "3-4": (3, 4), "any": (1, 4)}
POPULATION = "with a result in the period"


def lab_shifts(grades: Any) -> pl.DataFrame:
    """Count subjects by the grade before treatment and the worst grade of each period.

    Of each subject the worst grade counts once a test, term and period, see `worst_lab_grades`. A subject without a
    result in a period is not counted in it. Of results before treatment nothing is counted but the baseline.

    Parameters
    ----------
    grades
        Table `lab_grades`, polars or pandas.

    Returns
    -------
    polars.DataFrame
        Table `lab_shifts`; period `any` is the worst from the start of treatment on.
    """
    counted = pl.len().cast(pl.Int64).alias("subjects")
    what = [*OF_TERM, "baseline_grade", "worst_grade"]
    return conform(worst_lab_grades(grades).group_by(what).agg(counted), LAB_SHIFTS)


def worst_lab_grades(grades: Any) -> pl.DataFrame:
    """Return the worst grade of each subject, test, term and period from the start of treatment on.

    It is known only where no result can have a higher one: a result that cannot be read, or whose limits are missing,
    can have any that is not ruled out. Results of which nothing was written do not count.

    Parameters
    ----------
    grades
        Table `lab_grades`, polars or pandas.

    Returns
    -------
    polars.DataFrame
        Columns `subject, test, term, direction, period, baseline_grade, baseline_at_least, baseline_at_most,
        worst_grade` (null where it is not known), `worst_at_least` (0 where nothing is known), `worst_at_most` and
        `results`: plain names of tests, period `any` for all of them together, and how many results there are, each
        once that is written twice. Sorted by the first five.
    """
    table = conform(as_polars(grades), LAB_GRADES)
    names = table["test"].unique()
    plain = {name: test.name for name in names if (test := lab_test(name)) is not None}
    written = table.filter(pl.col("period").is_in(TREATMENT_PERIODS), pl.col("grade_at_most").is_not_null())
    what = ["subject", *OF_TERM]
    first = ("baseline_grade", "baseline_at_least", "baseline_at_most")
    since = written.select(
        *(pl.col(name).replace(plain) if name == "test" else name for name in what),
        *first,
        *("grade", "grade_at_least", "grade_at_most"),
        pl.struct("day", "value_text", "unit").hash().alias("result"),
    )
    since = pl.concat([since, since.with_columns(pl.lit(ANY_PERIOD).alias("period"))])
    worst, most = pl.col("grade").max(), pl.col("grade_at_most").max()
    found = (
        *(pl.col(name).first() for name in first),
        pl.when(worst >= most).then(worst).alias("worst_grade"),
        pl.col("grade_at_least").max().fill_null(0).alias("worst_at_least"),
        most.alias("worst_at_most"),
        pl.col("result").n_unique().cast(pl.Int64).alias("results"),
    )
    return since.group_by(what).agg(found).sort(what)


def lab_worsening(worst: Any, *, subjects: Any = None, level: float = 0.95) -> pl.DataFrame:
    """Return the share of subjects whose worst grade is above the one before treatment, with exact limits.

    As tern's table of worsening by baseline has it: a subject counts for the grade that is its worst where that is
    above its baseline; the denominator is subjects whose baseline is below that grade or was never measured.
    `worst_grade=3-4` is a worst grade of 3 or 4 above a baseline below 3, `any` is any worsening from a baseline below
    4. A worst or first grade that is known only within limits counts wherever these decide: eight subjects with
    neutrophils ``<0.2`` under version 6 have grade 3 or 4, so they became worse, and 3-4, but count for neither grade.
    Whom they do not decide is not in the denominator, whose words say how many.

    Parameters
    ----------
    worst
        As `worst_lab_grades` returns it, polars or pandas.
    subjects
        Columns `subject` and `arm`; more than one arm gives each its rows beside `all`.
    level
        Coverage of the limits.

    Returns
    -------
    polars.DataFrame
        Table `summaries`, parameter `lab_worsening`.
    """
    worst = as_polars(worst)
    rows = [
        {"group": group} | row
        for group, members in members_by_arm(worst["subject"], subjects)
        for row in _counts(worst if group == EVERYBODY else worst.filter(pl.col("subject").is_in(members)))
    ]
    return with_exact_limits(rows, level)


def _counts(worst: pl.DataFrame) -> Iterator[Row]:
    """Yield the counts of each term, period and grade."""
    low, high = pl.col("worst_at_least"), pl.col("worst_at_most")
    base_low, base_high = (pl.col(f"baseline_at_{side}").fill_null(0) for side in ("least", "most"))
    counts = []
    for grade, (least, most) in COUNTED.items():
        below = 4 if grade == "any" else least
        at_risk = base_high < below
        worse = at_risk & (low >= least) & (high <= most) & (low > base_high)
        other = at_risk & ((high < least) | (low > most) | (high <= base_low))
        out = base_low >= below
        counts += [
            worse.sum().alias(f"{grade} numerator"),
            (worse | other).sum().alias(f"{grade} denominator"),
            (~(worse | other | out)).sum().alias(f"{grade} open"),
        ]
    for row in worst.group_by(OF_TERM).agg(counts).sort(OF_TERM).iter_rows(named=True):
        named = {name: row[name] for name in OF_TERM}
        for grade, (least, _) in COUNTED.items():
            numerator, total, unknown = (row[f"{grade} {what}"] for what in ("numerator", "denominator", "open"))
            told = f"subjects whose baseline is below {4 if grade == 'any' else least} or was never measured"
            yield {
                "population": POPULATION,
                "parameter": "lab_worsening",
                "qualifier": qualifier_text(named | {"worst_grade": grade}),
                "numerator": numerator,
                "denominator": total,
                "denominator_text": told + (f"; {unknown} cannot be told" if unknown else ""),
                "method": EXACT,
            }
