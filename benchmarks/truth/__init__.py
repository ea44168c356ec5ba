"""Whole runs held against what the simulator knows to be true: one module a laboratory.

Each module gives two frames: numbers (`NUMBERS`) and words (`WORDS`), a row for each value of a run that has a truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

NUMBERS = {
    "endpoint": pl.String,
    "parameter": pl.String,  # of the endpoint table; none of what stands in another table
    "scale": pl.String,  # of the error: `ratio`, its natural logarithm; `points`, a difference
    "trial": pl.String,
    "subject": pl.String,
    "place": pl.String,  # sample, visit or day
    "value": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "limit": pl.Float64,  # of detection or quantification, or the upper end of the range, as `status` says
    "status": pl.String,
    "truth": pl.Float64,
}
WORDS = dict.fromkeys(("endpoint", "trial", "subject", "place", "told", "truth"), pl.String)
STATE = r"^((?:CD4|CD8)\+ T).*"  # kinds of cells of `t_state` are parted by state, which no gate tells


@dataclass(frozen=True)
class Run:
    """A simulated study and what `tilseq run` made of it."""

    study: Path
    out: Path

    @cache  # noqa: B019 - a handful of runs, each read by several laboratories
    def truth(self, name: str) -> pl.DataFrame:
        """Return a table of the truth."""
        return pl.read_csv(self.study / "truth" / name, infer_schema_length=None)

    def clinical(self, name: str) -> pl.DataFrame:
        """Return a table of the clinic as the trial hands it over; it lacks columns of which nothing is written."""
        return pl.read_csv(self.study / "clinical" / f"{name}.csv", infer_schema_length=None)

    def table(self, name: str) -> pl.DataFrame:
        """Return a table of the run."""
        return pl.read_parquet(self.out / "tables" / f"{name}.parquet")

    @cache  # noqa: B019
    def endpoints(self) -> pl.DataFrame:
        """Return the endpoint table; what `qualifier` holds stands in columns of its own."""
        found = self.table("endpoints").with_columns(pl.col("day").cast(pl.Int64))
        names = ("population", "parent", "analyte", "form", "locus", "reference", "over", "set", "term", "test")
        names += ("threshold", "marker", "confirmation", "stimulus", "isotype")
        return found.with_columns(
            pl.col("qualifier").str.extract(rf"(?:^|;){name}=([^;]*)").alias(name) for name in names
        )

    def of(self, parameter: str) -> pl.DataFrame:
        """Return the endpoints of one parameter."""
        return self.endpoints().filter(parameter=parameter)

    def subjects(self) -> list[str]:
        """Return the subjects of the study, sorted."""
        return sorted(pl.read_csv(self.study / "subjects.csv", infer_schema_length=None)["subject"])

    def samples(self) -> pl.DataFrame:
        """Return the samples of the study."""
        return pl.read_csv(self.study / "samples.csv", infer_schema_length=None)


def numbers(
    run: Run, endpoint: str, found: pl.DataFrame, *, scale: str = "ratio", place: str = "sample"
) -> pl.DataFrame:
    """Return rows of numbers: `found` has the columns of endpoints, `truth`, and `limit` where there is one."""
    lacking = [
        pl.lit(None).alias(name) for name in ("parameter", "limit", "lower", "upper") if name not in found.columns
    ]
    fixed = {"endpoint": endpoint, "scale": scale, "trial": run.study.name}
    rows = found.with_columns(*lacking, **{name: pl.lit(text) for name, text in fixed.items()})
    rows = rows.with_columns(pl.col(place).cast(pl.String).alias("place"))
    return rows.select(pl.col(name).cast(kind) for name, kind in NUMBERS.items())


def words(run: Run, endpoint: str, found: pl.DataFrame, place: str = "subject") -> pl.DataFrame:
    """Return rows of words or grades: `found` has `subject`, `told` and `truth`."""
    rows = found.with_columns(endpoint=pl.lit(endpoint), trial=pl.lit(run.study.name))
    rows = rows.with_columns(pl.col(place).cast(pl.String).alias("place"))
    return rows.select(pl.col(name).cast(kind) for name, kind in WORDS.items())


def joined(frames: Iterable[pl.DataFrame], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return frames one below the other, or an empty one."""
    return pl.concat([pl.DataFrame(schema=schema), *frames])
