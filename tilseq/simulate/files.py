"""How each layer's results lie on disk."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tilseq.io.fcs_write import write_fcs
from tilseq.io.files import atomic, write_text
from tilseq.simulate import flow
from tilseq.tables import Table

# Columns that every AIRR Rearrangement file has, in the order of the schema; those not simulated stay empty.
AIRR_REQUIRED = (
    *("sequence_id", "sequence", "rev_comp", "productive", "v_call", "d_call", "j_call"),
    *("sequence_alignment", "germline_alignment", "junction", "junction_aa", "v_cigar", "d_cigar", "j_cigar"),
)
AIRR_COLUMNS = (*AIRR_REQUIRED, "locus", "duplicate_count")


def write_tube(path: Path, tube: flow.Tube, sample: str) -> None:
    """Write a tube as FCS 3.1 with 16-bit integers and its spillover matrix."""
    keywords = {"$CYT": "tilseq simulate", "$SMNO": sample, "$TIMESTEP": f"{flow.TIME_STEP_S:g}", "$COM": "synthetic"}
    write_fcs(
        path,
        tube.events,
        flow.CHANNELS,
        markers=flow.MARKERS,
        spill=(flow.DYES, flow.SPILL),
        keywords=keywords,
        kind="uint16",
    )


def write_labels(path: Path, tube: flow.Tube) -> None:
    """Write the true kind of each event, in the order of the events: one column, `label`."""
    write_gzip_table(pl.DataFrame({"label": [flow.LABELS[code] for code in tube.labels.tolist()]}), path)


def rearrangements(clones: pl.DataFrame, sample: str) -> pl.DataFrame:
    """Return clones with their `duplicate_count` as AIRR rearrangements, most abundant first; unseen ones are left out.

    Parameters
    ----------
    clones
        `v_call`, `d_call`, `j_call`, `junction`, `junction_aa`, `duplicate_count`.
    sample
        Start of each `sequence_id`.
    """
    seen = clones.filter(pl.col("duplicate_count") > 0)
    seen = seen.sort("duplicate_count", "junction", descending=[True, False]).with_row_index("rank", offset=1)
    return seen.select(
        pl.format("{}.{}", pl.lit(sample), "rank").alias("sequence_id"),
        pl.lit("F").alias("rev_comp"),
        pl.lit("T").alias("productive"),
        *("v_call", "d_call", "j_call", "junction", "junction_aa"),
        pl.lit("TRB").alias("locus"),
        "duplicate_count",
        *(pl.lit(None, pl.String).alias(name) for name in ("sequence", "sequence_alignment", "germline_alignment")),
        *(pl.lit(None, pl.String).alias(name) for name in ("v_cigar", "d_cigar", "j_cigar")),
    ).select(AIRR_COLUMNS)


def write_gzip_table(frame: pl.DataFrame, path: Path) -> None:
    """Write a `.csv.gz` or `.tsv.gz` whose bytes hold no time and no name; fractions with seven digits."""
    separator = "\t" if path.name.endswith(".tsv.gz") else ","
    text = frame.write_csv(separator=separator, float_scientific=True, float_precision=6)
    with atomic(path) as stream, gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed:
        packed.write(text.encode())


def write_truth(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Write rows as CSV, fractions with seven digits."""
    write_text(path, pl.DataFrame(rows, infer_schema_length=None).write_csv(float_scientific=True, float_precision=6))


def write_input_table(rows: Sequence[Mapping[str, object]], table: Table, path: Path) -> None:
    """Hold rows against a table of a study folder and write those of its columns that hold anything.

    Rows stand by subject and day, and whole numbers without a decimal point, as a person would write them.
    """
    frame = table.frame(rows)
    frame = frame.select(column.name for column in frame if column.null_count() < frame.height)
    frame = frame.sort([name for name in ("subject", "day") if name in frame.columns], maintain_order=True)
    whole = [column.name for column in frame if column.dtype == pl.Float64 and column.floor().equals(column)]
    write_text(path, frame.with_columns(pl.col(whole).cast(pl.Int64)).write_csv())
