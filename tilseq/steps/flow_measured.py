"""What is told of a study's tubes by when, and of whom, their headers say that they were measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from tilseq.steps.flow_headers import Header
    from tilseq.study import Study

WELLS = ("WELL ID", "$WELLID")  # of FACSDiva, and of FCS 3.1
# Where programs and people write whose tube it is.
NAMES = ("$FIL", "$SRC", "$SMNO", "TUBE NAME", "SAMPLE ID", "PATIENT ID")
BLOOD = "blood"  # is measured when it is drawn, or all of it later; products and tumours may be measured at any time
OF_ONE_KIND = ("subject", "panel", "role", "stimulus", "replicate")  # a replicate may be thawed later than the others
OF_PAIR = ("subject", "visit", "day", "timing", "specimen", "specimen_id", "lot", "lesion", "panel")
DAYS_APART = 2  # a stimulation goes on over night
WINDOW = 7  # days that a visit of a lesser window may be early, where samples.csv gives the planned day alone


def measured_otherwise(study: Study, headers: list[Header]) -> list[str]:
    """Say which tubes' headers contradict samples.csv, as where files were exchanged.

    By $DATE: tubes of blood measured more than a week, and more than the window of their visit, before they were drawn,
    or in another order than they were drawn; stimulated ones measured two days or more before or after their
    unstimulated one. By the keywords of `NAMES`: tubes of another subject or visit. A tube whose header cannot be read
    is left to the run.
    """
    from tilseq.study.notes import named

    tubes = _dated(study, headers)
    blood = tubes.filter(specimen=BLOOD)
    told = {
        "tubes measured before they were drawn, by $DATE and infusions.csv": _before_drawn(study, blood),
        "tubes measured in another order than they were drawn, by $DATE, as if exchanged": _out_of_order(blood),
        "stimulated tubes measured days apart from their unstimulated one, by $DATE": _apart(tubes),
        "tubes whose headers name another subject": _of_others(study, headers, "subject", study.subjects["subject"]),
        "tubes whose headers name another visit": _of_others(study, headers, "visit", study.settings.visits),
    }
    return [f"{what}: {named(found)}" for what, found in told.items() if found]


def _dated(study: Study, headers: list[Header]) -> pl.DataFrame:
    """Return the rows of samples.csv whose tubes tell when they were measured, with the column `measured`."""
    import polars as pl

    from tilseq.io.fcs_date import measured_on
    from tilseq.study.model import OWN_ROLE

    days = {tube["sample"]: day for tube, header in headers if (day := measured_on(header.keywords)) is not None}
    measured = pl.DataFrame(
        {"sample": days.keys(), "measured": days.values()}, {"sample": pl.String, "measured": pl.Date}
    )
    samples = study.samples.with_columns(pl.col("role").fill_null(OWN_ROLE))
    return samples.join(measured, on="sample", maintain_order="left")


def _before_drawn(study: Study, blood: pl.DataFrame) -> list[str]:
    from datetime import timedelta

    found = []
    for row in blood.iter_rows(named=True):
        start = study.day_zero.get(row["subject"])
        if start is None:
            continue
        drawn = start + timedelta(row["day"])
        visit = study.settings.visits.get(row["visit"])
        window = visit.window if visit is not None else None
        if row["measured"] < drawn - timedelta(max(WINDOW, window or 0)):
            found.append(f"{row['sample']} ({row['measured']}, drawn {drawn})")
    return found


def _out_of_order(blood: pl.DataFrame) -> list[str]:
    """Return tubes of one kind, each with the one drawn before it, that were measured before that one."""
    import polars as pl

    ordered = blood.drop_nulls("measured").sort("day", "measured", "sample")
    before = [pl.col(name).shift().over(*OF_ONE_KIND).alias(f"{name}_before") for name in ("sample", "day", "measured")]
    earlier = ordered.with_columns(before).filter(pl.col("measured") < pl.col("measured_before"))
    return [
        f"{row['sample']} of day {row['day']} ({row['measured']}) before {row['sample_before']} of day "
        f"{row['day_before']} ({row['measured_before']})"
        for row in earlier.iter_rows(named=True)
    ]


def _apart(tubes: pl.DataFrame) -> list[str]:
    import polars as pl

    stimulated, unstimulated = (tubes.filter(role=role) for role in ("stimulated", "unstimulated"))
    pairs = stimulated.join(unstimulated, on=OF_PAIR, nulls_equal=True, suffix="_other")
    days = (pl.col("measured") - pl.col("measured_other")).dt.total_days().abs()
    nearest = pairs.sort(days, maintain_order=True).unique("sample", keep="first", maintain_order=True)
    apart = nearest.filter(days >= DAYS_APART).sort("sample")
    columns = ("sample", "measured", "sample_other", "measured_other")
    return [f"{own} ({at}) and {other} ({then})" for own, at, other, then in apart[columns].rows()]


def _of_others(study: Study, headers: list[Header], column: str, names: Iterable[str]) -> list[str]:
    """Return tubes of which keywords hold another of some names of a column, and none their own."""
    from tilseq.study.mistaken import named_otherwise

    told = []
    for tube, header in headers:
        file = study.files(tube["sample"])[0].name  # of whose name there is a note of its own
        given = {name: header.keywords.get(name, "").strip() for name in NAMES}
        wells = {_well(header.keywords[name]) for name in WELLS if name in header.keywords}  # D7 is no day 7 then
        text = ", ".join(
            f"{name} {value}"
            for name, value in given.items()
            if value not in ("", file) and _well(value.casefold().removesuffix(".fcs")) not in wells
        )
        told.append((tube[column], text, f"{tube['sample']} of {tube[column]} ({text})"))
    return named_otherwise(told, column, names)


def _well(name: str) -> str:
    """Return what may be the name of a well without zeros before its number: D7 of D07."""
    name = name.strip().upper()
    return name[:1] + name[1:].lstrip("0")
