"""Everything worth knowing of a study before a run: of its tables, its lesions, and the headers of its tubes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilseq.steps.clinical import contradictions
from tilseq.steps.flow_headers import names_of_no_gate, tube_headers, unlike_their_panel
from tilseq.steps.flow_measured import measured_otherwise

if TYPE_CHECKING:
    from tilseq.study import Study


def notes_of(study: Study) -> list[str]:
    """Return the notes that `tilseq check` tells, one sentence each."""
    headers = list(tube_headers(study))
    return [
        *study.notes,
        *contradictions(study),
        *unlike_their_panel(study, headers),
        *names_of_no_gate(study),
        *measured_otherwise(study, headers),
    ]
