"""What a run left in its folder, as the report reads it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.errors import ReadError, RunError, TableError, did_you_mean, plural
from tilseq.tables import (
    Table,
    best_response,
    cell_labels,
    characteristics,
    conform,
    contamination,
    cytokines,
    enrichment,
    intracellular,
    lab_grades,
    outputs,
    safety,
    summaries,
    survival,
    tracking,
    transcriptome,
    tumor_marker_course,
)
from tilseq.tables import repertoire as repertoire_tables
from tilseq.tables.of_run import GATHERED

OF_RUN = {table.name: table for table in (*GATHERED, outputs.SAMPLES_RUN, outputs.FAILURES)}
# What the report rests on, read at once; the others of a run are read when they are asked for.
TABLES = (
    outputs.SAMPLES_RUN,
    outputs.ENDPOINTS,
    outputs.QUALITY,
    outputs.EXCLUSIONS,
    outputs.FAILURES,
    outputs.COUNTS,
    outputs.CUTS,
    outputs.COHORT_CUTS,
    outputs.PANEL_DIFFERENCES,
    outputs.COMPARISON,
    cytokines.BEAD_WELLS,
    cytokines.STANDARD_CURVES,
    cytokines.STANDARD_RECOVERY,
    cytokines.DILUTION_ERRORS,
    cytokines.SAMPLE_CONCENTRATIONS,
    cytokines.CYTOKINE_LEVELS,
    intracellular.INTRACELLULAR,
    repertoire_tables.DEPTH,
    repertoire_tables.DIVERSITY,
    repertoire_tables.PERSISTENCE,
    repertoire_tables.OVERLAP,
    repertoire_tables.USAGE,
    tracking.ORIGIN_CLASSES,
    tracking.CHANGE,
    contamination.SAMPLE_IDENTITY,
    contamination.LEAK_RATES,
    cell_labels.CELL_LABELS,
    outputs.RESPONSE,
    best_response.RESPONSE_DIFFERENCES,
    best_response.IRECIST_BEST,
    best_response.BEST_RESPONSE,
    characteristics.CHARACTERISTICS_TABLE,
    summaries.SUMMARIES,
    survival.TIME_TO_EVENT,
    survival.SURVIVAL_CURVE,
    survival.SURVIVAL_ESTIMATES,
    safety.ADVERSE_EVENT_ROWS,
    *safety.SAFETY_TABLES,
    *lab_grades.LAB_TABLES,
    tumor_marker_course.MARKER_COURSES,
    tumor_marker_course.GCIG,
    survival.SURVIVAL_CONTRASTS,
    outputs.SCORES,
    transcriptome.TRANSCRIPTOME,
    enrichment.ENRICHMENT,
)

REPERTOIRES = ("tcr", "bcr")  # assays
AGAIN = "run `tilseq run` again to write it anew"
STATE_WORDS = {
    "ok": "ok",
    "warn": "with warnings",
    "fail": "failed quality",
    "failed": "not finished",
    "not_analysed": "not analysed",
    "not_available": "not available",
}


# What stands beside a number; one that is quantified needs no word.
STATUS_WORDS = {
    "quantified": "",
    "detected_below_loq": "below the limit of quantification",
    "not_detected": "not detected",
    "above_range": "above the range",
    "not_evaluable": "not evaluable",
}


class RunTables(Mapping[str, pl.DataFrame]):
    """The tables of a run by name; one that the run did not write has its columns and no row.

    Parameters
    ----------
    folder
        The folder of the run.
    read
        Those that are read already; any other is read when it is first asked for.
    """

    def __init__(self, folder: Path, read: Mapping[str, pl.DataFrame]) -> None:
        self._folder = folder
        self._read = dict(read)

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in OF_RUN:
            raise RunError(
                "no run writes this table", found=name, mend=did_you_mean(name, [*OF_RUN]) or "see docs/tables.md"
            )
        if name not in self._read:
            self._read[name] = _read_table(self._folder, OF_RUN[name])
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in OF_RUN

    def __iter__(self) -> Iterator[str]:
        return iter(OF_RUN)

    def __len__(self) -> int:
        return len(OF_RUN)

    def __repr__(self) -> str:
        return f"RunTables({', '.join(self)})"


@dataclass(frozen=True)
class Results:
    """What a run left in its folder.

    Attributes
    ----------
    folder
        The folder.
    tables
        Every table that a run writes, by its name in docs/tables.md; one that this run did not write has no rows.
    absent
        Names of the tables that the run did not write.
    run
        What run.json says; empty when there is none.
    captions
        Caption of a figure by its path within the folder of figures, such as ``flow/S1.svg``.
    """

    folder: Path
    tables: Mapping[str, pl.DataFrame]
    absent: frozenset[str]
    run: dict[str, Any]
    captions: dict[str, str]

    def __repr__(self) -> str:
        written = len(self.tables) - len(self.absent)
        return f"Results({self.folder}: {plural(written, 'table')}, {len(self.absent)} not written)"

    @property
    def endpoints(self) -> pl.DataFrame:
        """The table `endpoints`: one number a row."""
        return self.tables["endpoints"]

    def part(self, name: str, holds: pl.Expr, columns: Sequence[str]) -> pl.DataFrame:
        """Return columns of those rows of a table of which something holds; what is too large is not read whole."""
        path = _path(self.folder, name)
        if not path.is_file():
            return self.tables[name].select(columns)
        try:
            return pl.scan_parquet(path, glob=False).filter(holds).select(columns).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise ReadError("cannot read this table", file=path, found=str(error), mend=AGAIN) from error

    def figures(self, part: str) -> list[Path]:
        """Return the SVG figures of one part of the folder of figures, by name."""
        return sorted((self.folder / "figures" / part).glob("*.svg"))

    def nothing(self, table: str, sentence: str, *assays: str, needs: Sequence[str] = ()) -> str:
        """Return what stands in the place of a table without rows.

        Parameters
        ----------
        table
            Its name.
        sentence
            What to say when it was written and holds nothing.
        assays
            The assays that could have filled it; their samples are told with how they went.
        needs
            Files of the study that could have filled it. A run that read none of them knows nothing of the matter,
            which is not the same as that there is nothing.
        """
        if table in self.absent:
            return f"The run wrote no table `{table}`."
        read = self.inputs
        if needs and read and read.isdisjoint(needs):
            return f"{sentence.removesuffix('.')}: the study has no {needs[0]}."
        states = Counter(self.tables["samples"].filter(pl.col("assay").is_in(assays))["state"].to_list())
        told = ", ".join(f"{states[state]:,} {STATE_WORDS[state]}" for state in STATE_WORDS if states[state])
        lacking = f"none, as samples.csv lists none of {' or '.join(assays)}"
        return f"{sentence} Samples that could have given some: {told or lacking}." if assays else sentence

    @property
    def inputs(self) -> set[Any]:
        """The files that the run read, relative to the study; none where run.json does not say."""
        files = self.run.get("inputs")
        return {file.get("path") for file in files if isinstance(file, dict)} if isinstance(files, list) else set()

    def with_sample(self, name: str) -> pl.DataFrame:
        """Return a table that has a column `sample` with subject, visit, day, specimen and assay beside it.

        Rows are sorted by subject, day, visit and sample. A sample that the run's table of samples does not know keeps
        its row, with nulls.

        Raises
        ------
        RunError
            The table names no sample.
        """
        if "sample" not in self.tables[name].columns:
            raise RunError("this table names no sample", found=name, mend="its own columns say what its rows are of")
        known = self.tables["samples"].select("sample", "subject", "visit", "day", "specimen", "assay", "state")
        joined = self.tables[name].join(known, on="sample", how="left", maintain_order="left")
        return joined.sort(["subject", "day", "visit", "sample"], nulls_last=True, maintain_order=True)


def read_results(out: str | Path) -> Results:
    """Read the tables, run.json and captions of a run's folder.

    Parameters
    ----------
    out
        The folder that `tilseq run -o` wrote.

    Returns
    -------
    Results
        Of a table that the run did not write it holds the columns without a row, and its name in `absent`.

    Raises
    ------
    RunError
        The folder is not one that a run wrote to: it holds neither tables nor run.json.
    ReadError
        A file is there but cannot be read, or a table has not the columns of this version. Of a table that the report
        does not rest on this is found when it is first asked for.
    """
    out = Path(out)
    absent = frozenset(name for name in OF_RUN if not _path(out, name).is_file())
    if len(absent) == len(OF_RUN) and not (out / "run.json").is_file():
        raise RunError(
            "this is not the folder of a run",
            file=out,
            expected="tables/*.parquet or run.json in it",
            mend="give the folder that `tilseq run -o` wrote",
        )
    tables = RunTables(out, {table.name: _read_table(out, table) for table in TABLES})
    captions = _read_json(out / "figures" / "captions.json")
    return Results(out, tables, absent, _read_json(out / "run.json"), {k: str(v) for k, v in captions.items()})


def _path(out: Path, name: str) -> Path:
    return out / "tables" / f"{name}.parquet"


def _read_table(out: Path, table: Table) -> pl.DataFrame:
    """Return a table of a run; one that the run did not write has no row."""
    path = _path(out, table.name)
    if not path.is_file():
        return table.frame()
    try:
        frame = pl.read_parquet(path, glob=False)
        if table is safety.ADVERSE_EVENT_ROWS:  # which keeps further columns of its file
            frame = frame.select(name for name in frame.columns if name in table.names)
        conformed = conform(frame, table)
        missing = [name for name in table.names if name not in frame.columns]
        if missing:  # a null in its place would say that nothing was found
            what = "this table lacks a column, as one that another version of tilseq wrote"
            raise ReadError(what, file=path, column=missing[0], mend=AGAIN)
        return conformed
    except TableError as error:
        raise ReadError(error.what, file=path, column=error.column, expected=error.expected, mend=AGAIN) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ReadError("cannot read this table", file=path, found=str(error), mend=AGAIN) from error


def _read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, empty when there is no file."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ReadError("cannot read this as JSON", file=path, found=str(error)) from error
    if not isinstance(value, dict):
        raise ReadError("this JSON file must hold an object", file=path, found=type(value).__name__)
    return value
