"""What a reader had to tell of a file of receptors, as rows of `quality`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.io.bcr import BcrSequences
    from tilseq.io.clonotypes import Clonotypes


def reading_rows(
    sample: str, read: Clonotypes | BcrSequences, check: str = "reading", told: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return what the reader of a file had to tell, and was not told before: warnings, then notes that pass."""
    sentences = [("warn", warning) for warning in read.warnings] + [("pass", note) for note in read.notes]
    new = [(verdict, reason) for verdict, reason in sentences if reason not in told]
    return [
        {"sample": sample, "check": f"{check} {number}", "verdict": verdict, "reason": reason}
        for number, (verdict, reason) in enumerate(new, start=1)
    ]
