"""A folder of several tables, each of which one command alone may replace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from tilseq.tables import Table

WRITTEN_BY = "tilseq_command"  # in the metadata of a Parquet file


def write_tables(written: Sequence[tuple[pl.DataFrame, Table]], folder: Path) -> None:
    """Write a command's tables into a folder, or none where one would replace what another command wrote.

    Raises
    ------
    click.UsageError
        The folder holds a table of that name that is not this command's, such as `summaries` of another or of a run.
    """
    from tilseq.io.write import write_table

    command = click.get_current_context().command_path
    for _, table in written:
        _refuse_other_command(folder / f"{table.name}.parquet", command)
    for frame, table in written:
        write_table(frame, table, folder, {WRITTEN_BY: command})


def _refuse_other_command(path: Path, command: str) -> None:
    import polars as pl

    if not path.is_file():
        return
    try:
        writer = pl.read_parquet_metadata(path).get(WRITTEN_BY)
    except pl.exceptions.PolarsError:
        writer = None
    if writer != command:
        by = f"by {writer}" if writer else "by a run, by another version or by another program"
        raise click.UsageError(
            f"{path} was written {by} and would be lost: give this command a folder of its own, or delete the file"
        )
