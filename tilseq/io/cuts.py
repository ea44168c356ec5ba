"""Reading frozen cuts: a table cohort_cuts that an earlier run wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import ReadError
from tilseq.populations import REGION

if TYPE_CHECKING:
    import polars as pl

GROUP = ("panel", "instrument", "batch")
FIRST_ROW = 2
CHANNELS = ("FSC-A", "SSC-A", "CD45")
NEEDED = CHANNELS[:2]
# Beyond what any tube gives; a typing error of some digits lies outside.
LARGEST, LARGEST_SPREAD, LARGEST_RADIUS, LARGEST_SHIFT = 1e18, 5.0, 20.0, 10.0
SAME = 1e-6  # what a program may lose when it writes a radius as text


def read_cohort_cuts(path: str | Path, sample: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Read frozen cuts, those of one sample's panel, instrument and batch where a sample is given.

    Parameters
    ----------
    path
        CSV of the table `cohort_cuts`, as ``tables/cohort_cuts.csv`` of a run holds it.
    sample
        Row of samples.csv. Rows of the table that name another panel, instrument or batch are passed over.

    Raises
    ------
    ReadError
        The file cannot be read as such a table, or holds no cut of the sample's group; without a sample, cuts of
        several groups. A threshold lies beyond 1e18 or outside its ends. A region has a channel twice or lacks FSC-A or
        SSC-A, a centre not above 0, a spread not above 0 to 5, a radius not above 0 to 20 or not the same in its rows,
        or a shift beyond 10 or in some of its rows only.
    TableError
        A column or cell is not as the table `cohort_cuts` has it.
    """
    import polars as pl

    frame = cuts_of_all_groups(path)
    if sample is None:
        return _of_one_group(frame, path)
    own = pl.all_horizontal(pl.col(name).is_null() | (pl.col(name) == pl.lit(sample.get(name))) for name in GROUP)
    found = frame.filter(own.fill_null(False))
    if found.is_empty():
        told = ", ".join(f"{name} {sample[name]}" for name in GROUP if sample.get(name) is not None)
        raise ReadError(
            "the frozen cuts have none for this tube", file=path, found=told or "no panel", expected="its group"
        )
    # The rows of a table that tell more of the sample's group go before those that tell less.
    ranked = found.with_columns(told=pl.sum_horizontal(pl.col(name).is_not_null() for name in GROUP))
    return _of_one_group(ranked.filter(pl.col("told") == pl.col("told").max()).drop("told"), path)


def cuts_of_all_groups(path: str | Path) -> pl.DataFrame:
    """Read frozen cuts of all groups of tubes.

    Raises
    ------
    ReadError, TableError
        As `read_cohort_cuts`, save of groups.
    """
    from tilseq.io.text import read_cells
    from tilseq.tables import parse
    from tilseq.tables.outputs import COHORT_CUTS

    frame, problems = parse(read_cells(path), COHORT_CUTS, file=path)
    if problems:
        raise problems[0]
    if frame.is_empty():
        raise ReadError(
            "the table of frozen cuts holds no cut", file=path, expected="a row a cut, as a run writes them"
        )
    _refuse_nonsense(frame, path)
    return frame


def _of_one_group(frame: pl.DataFrame, path: str | Path) -> pl.DataFrame:
    if frame.select(GROUP).n_unique() > 1:
        mend = "keep the rows of one panel, instrument and batch"
        raise ReadError("the frozen cuts are of several groups of tubes", file=path, expected="one group", mend=mend)
    return frame


def _refuse_nonsense(frame: pl.DataFrame, path: str | Path) -> None:
    """Refuse rows that no run writes."""
    regions: dict[tuple[str | None, ...], list[dict[str, Any]]] = {}
    for number, row in enumerate(frame.iter_rows(named=True), start=FIRST_ROW):
        _refuse_threshold(number, row, path)
        if row["gate"].startswith(REGION):
            _refuse_part(number, row, path)
            regions.setdefault(tuple(row[name] for name in GROUP), []).append({**row, "row": number})
    for rows in regions.values():
        _refuse_region(rows, path)


def _refuse_threshold(number: int, row: Mapping[str, Any], path: str | Path) -> None:
    """Refuse a threshold, or the centre of a region, that is no measure or lies outside its ends."""
    place = row["threshold"]
    for column in ("threshold", "lower", "upper"):
        if abs(row[column]) > LARGEST:
            raise _nonsense("no cytometer measures such a value", number, row, column, f"at most {LARGEST:g}", path)
    if row["lower"] > place:
        raise _nonsense("the lower end lies above the threshold", number, row, "lower", f"at most {place:g}", path)
    if row["upper"] < place:
        raise _nonsense("the upper end lies below the threshold", number, row, "upper", f"at least {place:g}", path)


def _refuse_part(number: int, row: Mapping[str, Any], path: str | Path) -> None:
    """Refuse a row of a region that has no size or one beyond measure."""
    if row["gate"].removeprefix(REGION) not in CHANNELS:
        raise _nonsense("a region has no such channel", number, row, "gate", " or ".join(CHANNELS), path)
    for column, largest in (("threshold", LARGEST), ("spread", LARGEST_SPREAD), ("radius", LARGEST_RADIUS)):
        if row[column] is None or not 0 < row[column] <= largest:
            what = "a region needs a centre, spread and radius above 0"
            raise _nonsense(what, number, row, column, f"above 0 to {largest:g}", path)
    if row["shift"] is not None and abs(row["shift"]) > LARGEST_SHIFT:
        expected = f"-{LARGEST_SHIFT:g} to {LARGEST_SHIFT:g} spreads"
        raise _nonsense("a region's middle lies too far off its centre", number, row, "shift", expected, path)


def _refuse_region(rows: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Refuse a region whose rows do not make one."""
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        number, key = row["row"], (row["gate"], row["channel"])
        if key in first:
            what = f"this channel of the region stands in row {first[key]} already"
            raise _nonsense(what, number, row, "parent", "one row a channel", path)
        first[key] = number
        if not abs(row["radius"] - rows[0]["radius"]) <= SAME * rows[0]["radius"]:
            expected = f"{rows[0]['radius']:g} as in row {rows[0]['row']}"
            raise _nonsense("a region has one radius", number, row, "radius", expected, path)
        if (row["shift"] is None) != (rows[0]["shift"] is None):
            expected = f"a shift in all rows of the region or in none, as in row {rows[0]['row']}"
            raise _nonsense("a region is moved on all channels or on none", number, row, "shift", expected, path)
    for channel in NEEDED:
        if REGION + channel not in {gate for gate, _ in first}:
            expected = " and ".join(REGION + name for name in NEEDED)
            raise _nonsense(f"the region lacks {channel}", rows[0]["row"], rows[0], "gate", expected, path)


def _nonsense(
    what: str, number: int, row: Mapping[str, Any], column: str, expected: str, path: str | Path
) -> ReadError:
    mend = "take the rows as the run wrote them, or delete all rows of the region or cut"
    found = row[column] if row[column] is not None else ""
    return ReadError(what, file=path, row=number, column=column, found=found, expected=expected, mend=mend)
