"""What R's survival package made of small trials and of its own data sets: tests/oracles/survival.R."""

from functools import cache
from pathlib import Path

import polars as pl

ORACLES = Path(__file__).parents[1] / "oracles"
LISTS = ("days", "events", "a", "group", "stratum", "switch")

# R's aml: weeks, with the event or not, of the maintained and the others.
AML_DAYS = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161, 5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45]
AML_EVENT = [int(flag) for flag in "11011011010111110111111"]
AML_GROUP = ["maintained"] * 11 + ["not"] * 12


@cache
def read(name):
    path = ORACLES / f"survival_{name}.csv"
    return pl.read_csv(path, schema_overrides=dict.fromkeys(LISTS, pl.String) if name in ("small", "cox") else None)


def table(days, event, parameter="OS", start_day=0, **columns):
    """Table time_to_event of subjects 00, 01 and so on."""
    names = [f"{i:02}" for i in range(len(days))]
    cells = {"parameter": parameter, "subject": names, "start_day": start_day, "days": days, "event": event}
    return pl.DataFrame(cells | columns, strict=False)


def aml():
    return table(AML_DAYS, [bool(flag) for flag in AML_EVENT], arm=AML_GROUP)
