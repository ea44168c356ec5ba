"""Reading labels of events: one a line, in the order of the events."""

from __future__ import annotations

from pathlib import Path

from tilseq.errors import ReadError


def read_labels(path: str | Path, events: int) -> list[str | None]:
    """Read the label of each event of a tube, from a CSV of one column with or without a header.

    Whether the first line is a header is told by the number of lines.

    Parameters
    ----------
    path
        The file, plain or gzip.
    events
        How many events the tube has.

    Returns
    -------
    list
        One text an event; an empty cell is None.

    Raises
    ------
    ReadError
        The file cannot be read, has several columns, or is not of so many events.
    """
    from tilseq.io.text import read_cells

    frame = read_cells(path)
    if frame.width != 1:
        raise ReadError(
            "labels stand in one column", file=path, found=", ".join(frame.columns), expected="one label a line"
        )
    labels: list[str | None] = frame.to_series().to_list()
    if len(labels) == events - 1:
        labels = [frame.columns[0], *labels]
    if len(labels) != events:
        raise ReadError("the labels are not of this tube", file=path, found=len(labels), expected=f"{events} labels")
    return labels
