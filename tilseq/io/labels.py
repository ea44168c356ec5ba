"""Reading labels of events: one a line, in the order of the events."""

from __future__ import annotations

from pathlib import Path

from tilseq.errors import ReadError


def read_labels(path: str | Path, events: int) -> list[str | None]:
    """Read the label of each event of a tube, from a CSV of one column with or without a header.

    Whether the first line is a header is told by the number of lines. Without a header its label must stand in another
    line too: a header above one label too few would else be a label, and shift all others by one event.

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
        The file cannot be read, has several columns, is not of so many events, or its first line may be a header.
    """
    from tilseq.io.text import read_cells

    frame = read_cells(path)
    if frame.width != 1:
        raise ReadError(
            "labels stand in one column",
            file=path,
            row=1,
            found=", ".join(frame.columns),
            expected="one label a line",
            mend="write the labels alone, without a column that numbers the events",
        )
    labels: list[str | None] = frame.to_series().to_list()
    if len(labels) == events - 1:
        first = frame.columns[0] or None
        if first not in labels:
            raise ReadError(
                "the first line may be a header, and then a label is missing",
                file=path,
                row=1,
                found=first or "an empty line",
                expected=f"a header and {events} labels, or {events} labels of which another is like the first",
                mend="put a header above one label for each event",
            )
        labels = [first, *labels]
    if len(labels) != events:
        raise ReadError("the labels are not of this tube", file=path, found=len(labels), expected=f"{events} labels")
    return labels
