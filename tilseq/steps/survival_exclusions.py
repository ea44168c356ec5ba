"""Rows of the study's files that times to event do not rest on, as rows of the table `exclusions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tilseq.steps.clinical_exclusions import SUBJECTS_FILE, counted, of_reads

if TYPE_CHECKING:
    import polars as pl

    from tilseq.clinical import Records, TimeToEventRules
    from tilseq.tables import Row

NOT_INFUSED = "not infused"


def left_out(
    records: Records, rules: TimeToEventRules, times: pl.DataFrame, where: Mapping[str, Sequence[Row]]
) -> list[Row]:
    """Return rows of `exclusions` for assessments, deaths and therapies that do not count, and for the never infused.

    Parameters
    ----------
    records, rules
        What the times were derived from, and by.
    times
        Table `time_to_event`.
    where
        As `clinical_exclusions.places` returns it.
    """
    from tilseq.clinical.reader_series import uncounted_reads

    reads = of_reads(uncounted_reads(records, rules), where, "no time to an event rests on it")
    return [*reads, *counted([*_after_the_cut(records), *_not_infused(records, times)])]


def _after_the_cut(records: Records) -> Iterator[tuple[str, int | None, str]]:
    cuts = {row["subject"]: row["data_cut_day"] for row in records.followup if row["data_cut_day"] is not None}
    for row in records.followup:
        if row["death_day"] is not None and row["death_day"] > cuts.get(row["subject"], row["death_day"]):
            yield "clinical/followup.csv", row["row"], "a death after the data cut: no event"
    for row in records.therapies or ():
        if row["start_day"] > cuts.get(row["subject"], row["start_day"]):
            yield "clinical/therapies.csv", row["row"], "a therapy after the data cut: censors nothing"


def _not_infused(records: Records, times: pl.DataFrame) -> Iterator[tuple[str, int | None, str]]:
    import polars as pl

    told = times.filter(pl.col("rule") == "not_evaluable", pl.col("reason") == NOT_INFUSED)
    for row in records.subjects:
        of = told.filter(pl.col("subject") == row["subject"])["parameter"].unique(maintain_order=True)
        if len(of):
            yield SUBJECTS_FILE, row["row"], f"{NOT_INFUSED}: not evaluable for {', '.join(of)}"
