"""A folder of several tables, which hold what one call of a command wrote."""

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

    What an earlier call of the command wrote there and this one does not is removed: it tells of other input.

    Raises
    ------
    click.UsageError
        The folder holds a table of that name that is not this command's, such as `summaries` of another or of a run.
    """
    from tilseq.io.write import write_table

    command = click.get_current_context().command_path
    paths = [folder / f"{table.name}.parquet" for _, table in written]
    writers = {path: _writer(path) for path in folder.glob("*.parquet")}
    for path in paths:
        writer = writers.get(path, command)
        if writer != command:
            by = f"by {writer}" if writer else "by a run, by another version or by another program"
            raise click.UsageError(
                f"{path} was written {by} and would be lost: give this command a folder of its own, or delete the file"
            )
    for path, writer in writers.items():
        if path not in paths and writer == command:
            path.with_suffix(".csv").unlink(missing_ok=True)
            path.unlink()
    for frame, table in written:
        write_table(frame, table, folder, {WRITTEN_BY: command})


def _writer(path: Path) -> str | None:
    """Return the command that wrote a Parquet file, None where it does not tell."""
    import polars as pl

    try:
        return pl.read_parquet_metadata(path).get(WRITTEN_BY)
    except (pl.exceptions.PolarsError, OSError):
        return None
