"""Markers of T-cell panels by the names that cytometers and people write."""

from __future__ import annotations

import re
from collections.abc import Mapping

# One pattern a marker, for names in lower case with runs of punctuation turned into one space.
# A number must end the word or be followed by a letter that names a chain, so that CD3 is not CD38 nor CD4 CD45RA.
PATTERNS: Mapping[str, str] = {
    "CD3": r"cd ?3( ?[eε]| epsilon)?|leu ?4|okt ?3|ucht ?1",
    "CD4": r"cd ?4|leu ?3 ?a?|okt ?4",
    "CD8": r"cd ?8( ?[abαβ]| alpha| beta)?|leu ?2 ?a?|okt ?8",
    "CD19": r"cd ?19",
    "CD16": r"cd ?16( (cd ?)?56)?",
    "CD56": r"cd ?56|cd ?16 (cd ?)?56",
    "CD45": r"cd ?45(?! ?r[abo]\b)",
    "viability": r"viability|via dye|l d|live dead( \w+)?|livedead|zombie( \w+)?|7 ?aad|dapi|propidium iodide"
    r"|fvs ?\d*|fvd|efluor ?(506|780) viability|vivid|ghost dye|dead cells?",
}
SCATTER: Mapping[str, str] = {
    "FSC-A": r"(fsc|fs)( (a|area|int|lin))*",
    "FSC-H": r"(fsc|fs) (h|height|peak)( lin)?",
    "FSC-W": r"(fsc|fs) (w|width|tof)( lin)?",
    "SSC-A": r"(ssc|ss)( (a|area|int|lin|log))*",
    "SSC-H": r"(ssc|ss) (h|height|peak)( lin)?",
    "Time": r"(hdr )?time",
}
MARKERS = (*PATTERNS, *SCATTER)


def plain_name(text: str) -> str:
    """Return a name in lower case, its punctuation turned into single spaces."""
    return " ".join(re.sub(r"[^\w]|_", " ", text.casefold()).split())
