"""From when on a specimen of a subject is no baseline any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilseq.study import Study


def start_day(study: Study, subject: str) -> int | None:
    """Return the day up to which a specimen is a baseline: the first of lymphodepletion or of any dose, if known."""
    from tilseq.clinical.treated import STARTS

    row = study.subjects.filter(subject=subject).row(0, named=True)
    return min((row[name] for name in STARTS if row[name] is not None), default=None)
