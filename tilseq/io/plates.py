"""Bead-array plates: the sheet, and the events of its wells from FCS files or CSV tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError, ReadError, StudyError, TableError, TilseqError, did_you_mean, first_few, plural
from tilseq.io.fcs import Fcs, read_fcs
from tilseq.io.text import read_cells
from tilseq.kits import ROLES, Kit, refuse_no_kit, refuse_unnamed
from tilseq.tables import as_polars, parse
from tilseq.tables.inputs import PLATES, SCALES

Floats = NDArray[np.float64]
Key = tuple[str, str]

TABLES = (".csv", ".csv.gz")
MEDIANS, BEGINNING = ("xPONENT", "DataType:"), 4096  # what stands in the first bytes of a table of medians
# Where an instrument writes which well a file is of.
WELL_KEYWORDS = ("$WELLID", "WELLID", "WELL ID", "WELL_ID")
WELL = re.compile(r"([A-Pa-p])0*([1-9]\d?)")
WELL_AT_END = re.compile(r"(?:^|[^A-Za-z0-9])([A-Pa-p]\d{1,2})$")
NOT_FINITE = "{} events with a value that is not finite are left out"
MOST_LISTED = 8
ABOUT = 2  # by what factor a lot's standard may differ from the kit's
# What the sheet's number over the kit's is where another unit was written.
UNITS = {1e-3: ("a thousandth of", "ng/mL"), 1e-6: ("a millionth of", "µg/mL"), 1e3: ("a thousand times", "fg/mL")}
# On a linear scale no detector has any value above the one, nor beads a classifier all below the other.
MOST_LINEAR, LEAST_CLASSIFIER = 1e9, 25.0


@dataclass(frozen=True)
class Wells:
    """The events of the wells of a sheet.

    Attributes
    ----------
    events
        By plate and well: events × (forward, side, classifier, reporter), float64, linear scale.
    lost
        By plate and well, why there are none.
    odd
        By plate and well, what was odd in its file and how it was read.
    not_finite
        By plate and well, how many events with a value that is not a finite number are left out, where there are any.
    """

    events: dict[Key, Floats] = field(default_factory=dict)
    lost: dict[Key, str] = field(default_factory=dict)
    odd: dict[Key, list[str]] = field(default_factory=dict)
    not_finite: dict[Key, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Wells({plural(len(self.events), 'well')} read, {len(self.lost)} lost)"

    @property
    def warnings(self) -> list[str]:
        """What was odd in all files."""
        return [warning for warnings in self.odd.values() for warning in warnings]


def refuse_medians(path: str | Path) -> None:
    """Refuse a table of medians as Luminex's xPONENT exports it: it holds no beads, and is no sheet of wells.

    Raises
    ------
    ReadError
        The file begins as such a table does.
    """
    path = Path(path)
    if not path.is_file():
        return
    with open(path, "rb") as stream:
        start = stream.read(BEGINNING)
    found = next((mark for mark in MEDIANS if mark.encode() in start), None)
    if found is not None:
        what = "an instrument's table of medians is no sheet of wells"
        expected = "a row a well, with its file of events"
        mend = "export the events of each well, as FCS or CSV, and write a sheet that names the files"
        raise ReadError(what, file=path, found=found, expected=expected, mend=mend)


def read_plate(path: str | Path) -> pl.DataFrame:
    """Read a plate sheet.

    Parameters
    ----------
    path
        Delimited text, one row a well, or one a well and analyte.

    Returns
    -------
    polars.DataFrame
        Table `plates`, in the order of the file.

    Raises
    ------
    ReadError
        The file is not delimited text, or an instrument's table of medians.
    StudyError
        A column, cell or key is wrong; every fault is listed with its row.
    """
    refuse_medians(path)
    frame, problems = parse(read_cells(path), PLATES, file=path)
    if problems:
        raise StudyError(problems, "the plate sheet")
    return frame


def check_kits(
    sheet: pl.DataFrame, kits: Mapping[str, Kit], *, file: str | Path, rows: Sequence[int] | None = None
) -> list[TilseqError]:
    """Check a plate sheet against its kits.

    Every well has a known kit, every analyte named is one of it, a CSV of events tells its scale, a standard's level
    without a concentration is one whose concentration the kit tells, and one with it is not in another unit than pg/mL,
    a blank's level is no standard of the kit, a sample of a kit with acid activation says whether it was activated and
    how it was diluted (at least by the activation), and where all files end in the name of a well, it is the well of
    their row.

    Parameters
    ----------
    sheet
        Table `plates`.
    kits
        By the name that the sheet gives them.
    file
        What errors call the sheet.
    rows
        Rows of the file that those of the sheet are, where these are some of them; by default from 2 on.

    Returns
    -------
    list of TilseqError
        One a fault, with its row.
    """
    problems: list[TilseqError] = []
    numbers = range(2, sheet.height + 2) if rows is None else rows
    for row, cells in zip(numbers, sheet.iter_rows(named=True), strict=True):
        for fault in _faults(cells, kits):
            problems.append(
                TableError(
                    fault.what,
                    file=file,
                    row=row,
                    column=fault.column,
                    found=cells[fault.column],
                    expected=fault.expected,
                    mend=fault.mend,
                )
            )
    return problems + _misnamed(sheet, numbers, file)


def read_wells(sheet: Any, root: str | Path, kits: Mapping[str, Kit]) -> Wells:
    """Read the events of every well of a sheet; a file that cannot be read stops its well alone.

    Parameters
    ----------
    sheet
        Table `plates` whose kits are known, see `check_kits`; polars or pandas.
    root
        Folder that its paths are relative to.
    kits
        By the name that the sheet gives them.

    Raises
    ------
    AnalysisError
        Kits are not given by name, or one of the sheet is not among them.
    """
    refuse_unnamed(kits)
    sheet = as_polars(sheet)
    unknown = [name for name in sheet["kit"].unique(maintain_order=True) if name not in kits]
    if unknown:
        raise AnalysisError("no such kit", column="kit", found=unknown[0] or "", expected=f"one of {', '.join(kits)}")
    read = Wells()
    for row in sheet.unique(["plate", "well"], keep="first", maintain_order=True).iter_rows(named=True):
        key = (row["plate"], row["well"])
        try:
            events, warnings = _all_of_well(
                Path(root) / row["path"], kits[row["kit"]], scale=row["scale"], well=row["well"]
            )
        except TilseqError as error:
            read.lost[key] = str(error)
            continue
        read.events[key], lost = _finite(events)
        if lost:
            read.not_finite[key] = lost
            warnings.append(NOT_FINITE.format(lost))
        if warnings:
            read.odd[key] = [f"{row['path']}: {warning}" for warning in warnings]
    return read


def read_well(
    path: str | Path, kit: Kit, *, scale: str | None = None, well: str | None = None
) -> tuple[Floats, list[str]]:
    """Read the events of one well.

    Channels are found by the kit's names, the first of each list that the file has; nothing is compensated.
    An event with a value that is not finite is left out, with a warning.

    Parameters
    ----------
    path
        FCS file, or CSV table (.csv, .csv.gz) with a column a channel.
    kit
        Says which channels to read.
    scale
        Of classifier and reporter in a CSV table, one of `SCALES`; forward and side scatter are linear there.
    well
        What the sheet calls it, held against what an FCS file says of itself.

    Returns
    -------
    events
        events × (forward, side, classifier, reporter), float64, linear scale.
    warnings
        What was odd.

    Raises
    ------
    ReadError
        The file cannot be read, lacks a channel, is of another well, or is a table without its scale or with a cell
        that is no number.
    AnalysisError
        The kit is none, as the name of one.
    """
    refuse_no_kit(kit)
    events, warnings = _all_of_well(path, kit, scale=scale, well=well)
    events, lost = _finite(events)
    return events, warnings + ([NOT_FINITE.format(lost)] if lost else [])


def _all_of_well(path: str | Path, kit: Kit, *, scale: str | None, well: str | None) -> tuple[Floats, list[str]]:
    """Return all events of a well, and what was odd in its file; see `read_well`."""
    path = Path(path)
    if path.name.casefold().endswith(TABLES):
        events, warnings = _of_table(path, kit, scale), []
    else:
        fcs = read_fcs(path)
        _refuse_other_well(fcs, well)
        columns = [fcs.index(_channel(kit.channels[role], fcs.channels, fcs.markers, role, path)) for role in ROLES]
        events, warnings = fcs.events[:, columns].astype(np.float64), list(fcs.warnings)
    return events, warnings


def _finite(events: Floats) -> tuple[Floats, int]:
    """Return the events that are finite in every channel, and how many are not."""
    finite = np.isfinite(events).all(axis=1)
    return events[finite], int(np.count_nonzero(~finite))


def to_linear(values: Floats, scale: str) -> Floats:
    """Return values of a declared scale as linear ones.

    `linear` is as it is, `log2`, `ln` and `log10` are powers of their base, and `asinh(1+x)` is ``sinh(y) - 1``:
    flowCore's `arcsinhTransform` with its defaults, in which beadplexr gives and expects its events.
    """
    if scale == "asinh(1+x)":
        return np.sinh(values) - 1
    bases = {"log2": 2.0, "ln": float(np.e), "log10": 10.0}
    return values if scale == "linear" else np.power(bases[scale], values)


@dataclass(frozen=True)
class _Fault:
    """What is wrong with one cell of a sheet."""

    column: str
    what: str
    expected: str
    mend: str | None = None


def _faults(cells: Mapping[str, Any], kits: Mapping[str, Kit]) -> list[_Fault]:
    """Return what is wrong with one row, by itself and against its kit."""
    table = (cells["path"] or "").casefold().endswith(TABLES)
    faults: list[_Fault] = []
    if table and cells["scale"] is None:
        faults.append(_Fault("scale", "a CSV of events needs the scale of its fluorescence", ", ".join(SCALES)))
    if not table and cells["scale"] is not None:
        faults.append(_Fault("scale", "an FCS file tells its own scale", "an empty cell"))
    kit = kits.get(cells["kit"])
    if kit is None:
        return [*faults, _Fault("kit", "no such kit", ", ".join(kits), did_you_mean(cells["kit"] or "", list(kits)))]
    analyte = cells["analyte"]
    if analyte is not None and analyte not in kit.analytes:
        mend = did_you_mean(analyte, kit.analytes)
        faults.append(_Fault("analyte", f"kit {kit.name} has no such analyte", ", ".join(kit.analytes), mend))
    if cells["role"] == "standard" and cells["nominal_pg_per_ml"] == 0:
        faults.append(
            _Fault("nominal_pg_per_ml", "a standard of 0 pg/mL is a blank", "above 0", "give it the role blank")
        )
    if cells["role"] == "standard" and cells["level"] is not None:
        faults += _standard_faults(cells, kit)
    if cells["role"] == "blank" and cells["level"] is not None and any(_told(cells, kit)):
        what = f"level {cells['level']} of kit {kit.name} holds its analytes, and a blank holds nothing"
        faults.append(_Fault("role", what, "standard", "mend the role, or the level"))
    if kit.activation_dilution is not None and cells["role"] == "sample":
        faults += _activation_faults(cells, kit.activation_dilution)
    return faults


def _standard_faults(cells: Mapping[str, Any], kit: Kit) -> list[_Fault]:
    """Return what is wrong with a standard against its kit's series."""
    found, told = cells["nominal_pg_per_ml"], _told(cells, kit)
    if found is None and None in told:
        what = f"neither the sheet nor kit {kit.name} tells the concentration of level {cells['level']}"
        return [_Fault("nominal_pg_per_ml", what, "above 0")]
    if found is None and 0 in told:
        return [_Fault("role", f"level {cells['level']} is kit {kit.name}'s blank", "blank")]
    for factor, (words, unit) in UNITS.items():
        if found and all(value and factor / ABOUT < found / value < factor * ABOUT for value in told):
            what = f"about {words} what kit {kit.name} has at level {cells['level']}"
            return [_Fault("nominal_pg_per_ml", what, "pg/mL", f"is it {unit}?")]
    return []


def _told(cells: Mapping[str, Any], kit: Kit) -> list[float | None]:
    """Return what a kit tells that the level of a row holds of each of its analytes."""
    analytes = (cells["analyte"],) if cells["analyte"] is not None else kit.analytes
    return [kit.nominal(analyte, cells["level"]) for analyte in analytes]


def _activation_faults(cells: Mapping[str, Any], least: float) -> list[_Fault]:
    faults: list[_Fault] = []
    if cells["acid_activated"] is None:
        what = "this kit measures free or total: the sheet must say whether the sample was activated"
        faults.append(_Fault("acid_activated", what, "true or false"))
    if cells["dilution"] is None:
        faults.append(_Fault("dilution", "this kit needs the dilution of a sample", "final over original volume"))
    elif cells["acid_activated"] and cells["dilution"] < least:
        what = "the acid activation alone dilutes more"
        faults.append(_Fault("dilution", what, f"at least {least:g}, activation included"))
    return faults


def _misnamed(sheet: pl.DataFrame, numbers: Sequence[int], file: str | Path) -> list[TilseqError]:
    """Return files named after another well, where all files of the sheet end in the name of a well.

    Where standards are named after their levels, as C7, samples are named after whom or when they are of: P1, D7.
    """
    rows = zip(numbers, sheet["well"], sheet["path"], strict=True)
    told = [(row, well, path, WELL_AT_END.search(re.sub(r"(\.\w+)+$", "", path))) for row, well, path in rows]
    problems: list[TilseqError] = []
    if any(found is None or not WELL.fullmatch(found[1]) for *_, found in told):
        return problems
    levels = [(level, found) for level, (*_, found) in zip(sheet["level"], told, strict=True) if level is not None]
    if levels and all(found and _plain_well(found[1]) == _plain_well(level) for level, found in levels):
        return problems
    for row, well, path, found in told:
        if found and _plain_well(found[1]) != _plain_well(well):
            what = f"the file is named after well {found[1]}, and the row is of well {well}"
            mend = "mend the row, or rename the file where its name is wrong"
            problems.append(TableError(what, file=file, row=row, column="path", found=path, mend=mend))
    return problems


def _plain_well(well: str) -> str:
    """Return a well as `B7`, whatever its zeros and case."""
    found = WELL.fullmatch(well.strip())
    return f"{found[1].upper()}{int(found[2])}" if found else well


def _refuse_other_well(fcs: Fcs, well: str | None) -> None:
    for keyword in WELL_KEYWORDS:
        told = fcs.keywords.get(keyword, "").strip()
        if well is not None and WELL.fullmatch(told) and _plain_well(told) != _plain_well(well):
            raise ReadError(
                "the file is of another well", file=fcs.path, column=keyword, found=told, expected=f"well {well}"
            )


def _channel(names: Sequence[str], channels: Sequence[str], markers: Sequence[str], role: str, path: Path) -> str:
    """Return the channel ($PnN) of the first name that $PnN or $PnS of a file answer to."""
    for name in names:
        for texts in (channels, markers):
            hits = [place for place, text in enumerate(texts) if text.strip().casefold() == name.casefold()]
            if len(hits) > 1:
                raise ReadError(f"several channels are called {name}, the kit's {role}", file=path, column=name)
            if hits:
                return channels[hits[0]]
    both = [f"{channel} ({mark})" if mark else channel for channel, mark in zip(channels, markers, strict=True)]
    raise ReadError(
        f"no channel for the kit's {role}",
        file=path,
        found=first_few(both, MOST_LISTED),
        expected=f"one of {', '.join(names)}",
        mend=f"add the channel's name to `{role}` below `channels` in the kit",
    )


def _of_table(path: Path, kit: Kit, scale: str | None) -> Floats:
    if scale is None:
        raise ReadError("a CSV of events needs the scale of its fluorescence", file=path, expected=", ".join(SCALES))
    cells = read_cells(path)
    columns = []
    for role in ROLES:
        name = _channel(kit.channels[role], cells.columns, [""] * cells.width, role, path)
        values = cells[name].str.strip_chars().cast(pl.Float64, strict=False)
        if values.null_count():
            row = int(values.is_null().arg_max() or 0)
            raise ReadError("not a number", file=path, row=row + 2, column=name, found=cells[name][row])
        columns.append(values.to_numpy())
        if role in ("classifier", "reporter"):
            least = LEAST_CLASSIFIER if role == "classifier" else -np.inf
            columns[-1] = _checked_linear(columns[-1], scale, least, path, name)
    return np.column_stack(columns)


def _checked_linear(values: Floats, scale: str, least: float, path: Path, name: str) -> Floats:
    """Return values of a declared scale as linear ones; refuse a scale on which no detector gives such values."""
    with np.errstate(over="ignore"):
        linear = to_linear(values, scale)
    told = linear[np.isfinite(values)]
    if len(told) and not least <= told.max() < MOST_LINEAR:
        raise ReadError(
            f"these values are not on the scale {scale}",
            file=path,
            column=name,
            found=f"{told.max():.3g} as the highest, made linear",
            expected=f"up to {MOST_LINEAR:g}, and of a classifier {LEAST_CLASSIFIER:g} or more",
            mend="mend `scale` in the plate sheet",
        )
    return linear
