"""The table of adverse events that a clinician reads: a row a system or term, a column a worst grade."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tilseq.clinical.event_counts import Count

ANY = "any"
SHOWN = ("any", "1", "2", "3", "4", "5", "3-5")

Row = dict[str, Any]


def event_table(counts: Iterable[Count]) -> Iterator[Row]:
    """Yield rows of `adverse_event_table` without population and group, from the counts of one group.

    Of each period any adverse event comes first, then each system with its terms behind it, the commonest first, of
    equally common ones that with more of grade 3 to 5.
    """
    periods: dict[str, list[tuple[Row, Count]]] = {}
    for count in counts:
        if count.parameter == "ae_any" and count.subjects is not None:
            at = {"soc": count.at.get("soc"), "term": count.at.get("term")}
            periods.setdefault(count.at.get("period", ANY), []).append((at, count))
    for period, own in periods.items():
        systems = {at["soc"]: _frequency(count) for at, count in own if at["term"] is None}
        for at, count in sorted(own, key=lambda one: _place(one[0], one[1], systems)):
            yield {"period": period, **at, "subjects": count.total, **_cells(count)}


def _cells(count: Count) -> Row:
    cells: Row = {}
    for grade in SHOWN:
        n, name = (count.subjects or {})[grade], grade.replace("-", "_")
        cells |= {f"n_{name}": n, f"pct_{name}": 100 * n / count.total if count.total else None}
    return cells


def _place(at: Row, count: Count, systems: dict[str | None, tuple[int, int]]) -> tuple[Any, ...]:
    soc, term = at["soc"], at["term"]
    whole = soc is None and term is None
    of_system = systems.get(soc, (0, 0)) if soc is not None else (1, 1)  # what is not coded stands last
    return not whole, *of_system, soc or "", term is not None, *_frequency(count), term or ""


def _frequency(count: Count) -> tuple[int, int]:
    found = count.subjects or {}
    return -found["any"], -found["3-5"]
