"""New lesions: which are seen at each assessment, and lesions that were not there at the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tilseq.clinical.assessments import NORMAL_NODE, Assessment, is_seen
from tilseq.tables import Row


def since_baseline(assessments: Sequence[Assessment], baseline: int) -> tuple[list[Assessment], list[str]]:
    """Return the assessments with what was not there at the baseline made new, and the names of those lesions.

    RECIST 1.1 follows what the baseline shows: a target or non-target that is gone on it, or a node below 10 mm, is
    normal there and no lesion. Seen later, a node from 10 mm on, it is new.
    """
    names = [name for name, row in assessments[baseline].lesions.items() if _not_there(row)]
    if not names:
        return list(assessments), []
    made = []
    for position, one in enumerate(assessments):
        now = {
            name: row | {"role": "new", "known_absent": True} if name in names and position >= baseline else row
            for name, row in one.lesions.items()
        }
        made.append(replace(one, lesions=now))
    return made, names


def _not_there(row: Row) -> bool:
    """Whether a row of a target or non-target says that there is no lesion; one resected for the product is apart."""
    return row["role"] != "new" and not row["resected"] and row["state"] == "absent"


def new_lesions(assessments: Sequence[Assessment], cut: int | None = None) -> list[tuple[set[str], list[str]]]:
    """Return which new lesions are seen at each assessment, and what to say of those named.

    An equivocal one counts once a later scan confirms it, unless a scan between the two shows that it is not there;
    until then, as of one that is not evaluable, the words say that it does not. What a scan after the data cut confirms
    was not known by then: it counts from no assessment before the cut.
    """
    known = sum(cut is None or one.day <= cut for one in assessments)
    return [*_new_lesions(assessments[:known]), *_new_lesions(assessments)[known:]]


def _new_lesions(assessments: Sequence[Assessment]) -> list[tuple[set[str], list[str]]]:
    found: list[tuple[set[str], list[str]]] = []
    confirmed: dict[str, int] = {}
    gone: dict[str, int] = {}
    for one in reversed(assessments):
        seen, words = set(), []
        for name, row in one.named("new").items():
            known = row.get("known_absent", False)
            if row["state"] in ("present", "progressed"):
                seen.add(name)
                confirmed[name] = one.day
                gone.pop(name, None)
                words.append(f"new lesion {name}{_small(row)}{', not there at baseline' if known else ''}")
            elif row["state"] == "equivocal" and name in gone and name in confirmed:
                words.append(f"{name} equivocal here, not there on day {gone[name]}: new from day {confirmed[name]}")
            elif row["state"] == "equivocal" and name in confirmed:
                seen.add(name)
                words.append(f"new lesion {name}, equivocal here, confirmed on day {confirmed[name]}")
            elif row["state"] in ("equivocal", "not_evaluable"):
                words.append(f"{name} {row['state'].replace('_', ' ')}: not counted as a new lesion")
            elif row["state"] == "absent":
                gone[name] = one.day
                if is_normal_node(row) and not known:
                    words.append(f"{name} a node below 10 mm: normal, no new lesion")
        found.append((seen, words))
    found.reverse()
    _tell_unreported(assessments, found)
    return found


def _tell_unreported(assessments: Sequence[Assessment], found: Sequence[tuple[set[str], list[str]]]) -> None:
    """Add a word at each assessment that does not list a new lesion which counted before; no response is changed."""
    counted: dict[str, None] = {}
    for one, (_, words) in zip(assessments, found, strict=True):
        words += [f"new lesion {name} not reported" for name in counted if name not in one.lesions]
        there = (name for name, row in one.named("new").items() if row["state"] in ("present", "progressed"))
        counted |= dict.fromkeys(there)


def _small(row: Row) -> str:
    """Return what to add of a new lesion that the reader calls present and whose diameter says otherwise."""
    if row["size"] is None or is_seen(row["size"], row["node"]):
        return ""
    return ", present though a node below 10 mm" if row["size"] else ", present though of 0 mm"


def is_normal_node(row: Row) -> bool:
    """Whether a row is of a node that is measured and of normal size."""
    return bool(row["node"] and row["size"] and row["size"] < NORMAL_NODE)
