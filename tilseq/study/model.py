"""A study in memory: settings, tables with days, and where each sample's files are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError, TilseqError, plural, refuse_unknown
from tilseq.io.yaml_text import Lines
from tilseq.study.names import nearest
from tilseq.study.settings import Settings
from tilseq.tables import Table
from tilseq.tables.inputs import ADVERSE_EVENTS, ASSAYS, FOLLOWUP, LABS, ROLES, SCHEDULE, THERAPIES, TUMOR_MARKERS

SUBJECTS_FILE, INFUSIONS_FILE, SAMPLES_FILE = "subjects.csv", "infusions.csv", "samples.csv"
LESIONS_FILE, RESPONSES_FILE = "clinical/lesions.csv", "clinical/responses.csv"
# The further tables of clinical/, each in a file of its name.
CLINICAL: Mapping[str, Table] = {
    table.name: table for table in (FOLLOWUP, ADVERSE_EVENTS, LABS, TUMOR_MARKERS, THERAPIES, SCHEDULE)
}
OWN_ROLE = "sample"  # a row without a role has this one
DATA_SET = re.compile("[0-9]{1,6}")


@dataclass(frozen=True)
class Study:
    """A study folder that has passed all checks.

    Attributes
    ----------
    root
        The folder.
    settings
        study.yaml, every setting with its value.
    subjects, infusions, samples
        The tables as `tilseq.tables.inputs` describes them, in the order of the files. Every sample has its day.
    lesions, responses
        The same of clinical/, from our tables or from SDTM's TU, TR and RS; None where there is no row.
    clinical
        The further tables of clinical/ that hold a row, by name: `followup`, `adverse_events`, `labs`,
        `tumor_markers`, `therapies`, `schedule`.
    sdtm_files
        Those of them that were read from SDTM's tables → their file.
    sheets
        The sheets of plates/ that hold a row, by file, in the order of the files' names.
    tumors_from_sdtm
        Lesions and responses were read from SDTM's tables, so that their rows are not those of our files.
    day_zero
        Subject → date of day 0, where infusions.csv gives dates.
    undated
        Subjects whose scans by SDTM have no day, as no date of their first infusion is known.
    exclusions
        Rows of clinical/ that took no part, as `tilseq.tables.outputs.EXCLUSIONS`.
    notes
        What is not wrong but worth knowing, one sentence each.
    """

    root: Path
    settings: Settings
    subjects: pl.DataFrame
    infusions: pl.DataFrame
    samples: pl.DataFrame
    lesions: pl.DataFrame | None
    responses: pl.DataFrame | None
    clinical: Mapping[str, pl.DataFrame]
    sdtm_files: Mapping[str, str]
    sheets: Mapping[str, pl.DataFrame]
    exclusions: pl.DataFrame
    notes: list[str]
    tumors_from_sdtm: bool = False
    day_zero: Mapping[str, date] = field(default_factory=dict)
    undated: tuple[str, ...] = ()

    def __repr__(self) -> str:
        held = (plural(len(rows), one) for rows, one in ((self.subjects, "subject"), (self.samples, "sample")))
        return f"Study({self.settings.study}: {', '.join(held)}, {plural(len(self.notes), 'note')})"

    def clinical_file(self, name: str) -> str:
        """Return the file that a table of `clinical` was read from."""
        return self.sdtm_files.get(name, clinical_file(name))

    @property
    def plates(self) -> pl.DataFrame | None:
        """The rows of all sheets of plates/; None where there is no row."""
        return pl.concat(self.sheets.values()) if self.sheets else None

    def available(self, assay: str, *, role: str = OWN_ROLE) -> list[dict[str, Any]]:
        """Return the rows of samples.csv of one assay and role; by default those that hold a subject's own material.

        Without failed samples and those without a file.

        Raises
        ------
        AnalysisError
            There is no such assay or role.
        """
        refuse_unknown("assay", assay, ASSAYS)
        refuse_unknown("role", role, ROLES)
        sound = (pl.col("status").fill_null("ok") != "failed") & pl.col("path").is_not_null()
        own = pl.col("role").fill_null(OWN_ROLE) == role
        return self.samples.filter(sound, own, assay=assay).to_dicts()

    def failed(self) -> pl.DataFrame:
        """Return the rows of samples.csv that hold a subject's own material and that it calls failed."""
        return self.samples.filter(pl.col("role").fill_null(OWN_ROLE) == OWN_ROLE, status="failed")

    def files(self, sample: str) -> list[Path]:
        """Return the paths of a sample's files, in the order of its `path`; empty where it has none.

        Raises
        ------
        AnalysisError
            The study has no such sample.
        """
        row = self.samples.filter(pl.col("sample") == sample)
        if not row.height:
            mend = nearest(sample, self.samples["sample"].to_list())
            raise AnalysisError("the study has no such sample", file=SAMPLES_FILE, found=sample, mend=mend)
        path = row["path"][0]
        return [] if path is None else [self.root / part for part in parts_of(path)]


@dataclass
class Folder:
    """A study folder while it is being read: what could be had of it, and what is wrong with the rest.

    A table is None where it is absent or cannot be read at all; a cell that cannot be read is null. `clinical` and
    `plates` hold the tables that could be read, by name and by file; `sdtm_files` names the file of a table of
    `clinical` that SDTM's is read in place of.
    """

    root: Path
    settings: Settings | None = None
    lines: Lines = field(default_factory=dict)
    subjects: pl.DataFrame | None = None
    infusions: pl.DataFrame | None = None
    samples: pl.DataFrame | None = None
    lesions: pl.DataFrame | None = None
    responses: pl.DataFrame | None = None
    clinical: dict[str, pl.DataFrame] = field(default_factory=dict)
    plates: dict[str, pl.DataFrame] = field(default_factory=dict)
    exclusions: pl.DataFrame | None = None
    problems: list[TilseqError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    from_sdtm: bool = False
    day_zero: Mapping[str, date] = field(default_factory=dict)
    undated: tuple[str, ...] = ()
    sdtm_files: dict[str, str] = field(default_factory=dict)

    def clinical_file(self, name: str) -> str:
        """Return the file that a table of `clinical` was read from."""
        return self.sdtm_files.get(name, clinical_file(name))

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return file name → frame of the tables that could be read, in the order of the manifest.

        Without tables that were made from SDTM: their rows are not rows of the file.
        """
        named = {
            SUBJECTS_FILE: self.subjects,
            INFUSIONS_FILE: self.infusions,
            SAMPLES_FILE: self.samples,
        }
        if not self.from_sdtm:
            named |= {LESIONS_FILE: self.lesions, RESPONSES_FILE: self.responses}
        named |= {self.clinical_file(name): frame for name, frame in self.clinical.items()}
        named |= self.plates
        return {name: frame for name, frame in named.items() if frame is not None}


def clinical_file(name: str) -> str:
    """Return the file of a table of clinical/ within the study."""
    return f"clinical/{name}.csv"


def parts_of(path: str) -> list[str]:
    """Return the entries of a `path` cell, which `;` parts."""
    return [part.strip() for part in path.split(";")]


def data_set_of(member: str | None) -> int | None:
    """Return which data set of an FCS file `member` names, from 0: the first where it is empty, None for no number."""
    if member is None:
        return 0
    return int(member) if DATA_SET.fullmatch(member) else None
