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
    "viability": r"viability|via dye|l d|live dead( \w+)?|livedead|zombie\w*( \w+)?|7 ?aad|dapi|propidium iodide"
    r"|draq ?7|sytox\w*( \w+)?|fvs ?\d*|fvd|efluor ?(506|780) viability|vivid|ghost dye|dead cells?",
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
# What T cells make once they are stimulated; patterns as those of PATTERNS. LAP is the latent form's peptide.
CYTOKINES: Mapping[str, str] = {
    "IFN-γ": r"ifn ?(γ|g|gamma)",
    "TNF": r"tnf( ?(α|a|alpha))?",
    "IL-2": r"il ?2",
    "TGF-β": r"tgf ?(β|b|beta) ?1?|lap",
    "CD107a": r"cd ?107 ?a|lamp ?1",
    "granzyme B": r"granzyme ?b|gzm ?b|grz ?b",
}
# What follows the name of a cytokine where its receptor is meant, as in TGF-β RII; R-PE is a dye.
RECEPTOR = r" (r(?! pe\b)[ivabαβ12]*|receptor)\b"
# A letter or digit of a word that blanks part from others; Chinese, Japanese and Korean need none, as in 抗人CD8抗体.
LETTER = r"[^\W\u2e80-\u9fff\uac00-\ud7a3]"


def plain_name(text: str) -> str:
    """Return a name in lower case, its punctuation turned into single spaces."""
    return " ".join(re.sub(r"[^\w]|_", " ", text.casefold()).split())


def bears_name(pattern: str, text: str) -> bool:
    """Tell whether a name holds what a pattern stands for, as a word of its own."""
    return re.search(rf"(?<!{LETTER})({pattern})(?!{LETTER})", plain_name(text)) is not None


def cytokine_of(name: str) -> str | None:
    """Return the cytokine that a name is of, as IFN-γ of `IFNg` and `IFN-gamma`; None where it is of none."""
    plain = plain_name(name)
    return next((one for one, pattern in CYTOKINES.items() if re.fullmatch(pattern, plain)), None)
