"""File-name patterns such as `{subject}_{visit}_{assay}`, and every way a name can be read by one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from tilseq.errors import TilseqError, did_you_mean

FIELDS = ("subject", "visit", "day", "specimen", "assay", "sample", "timing", "lot", "locus", "stimulus", "replicate")
LONGEST = 200
TOKEN = re.compile(r"\{([^{}/]*)\}|\*|[^{}*]+|[{}]")
DAY = re.compile(r"[-+]?[0-9]{1,5}")


@dataclass(frozen=True)
class Token:
    """One piece of a pattern: literal text, a field, or what is skipped (both empty; `some`: at least a character)."""

    literal: str = ""
    field: str = ""
    some: bool = True


def parse_pattern(pattern: str) -> tuple[Token, ...]:
    """Return the pieces of a pattern.

    Parameters
    ----------
    pattern
        Literal text with `{field}` for what to keep, `{_}` for what to skip and `*` for anything or nothing.
        None of them reaches over a `/`. Fields: subject, visit, day, specimen, assay, sample, timing, lot, locus,
        stimulus, replicate; each at most once; `subject` and one of `visit` and `day` must be there.

    Raises
    ------
    TilseqError
        A field is unknown or there twice, a brace stands alone, one of the needed fields is absent.
    """
    if len(pattern) > LONGEST:
        raise TilseqError("the pattern is too long", found=pattern, expected=f"at most {LONGEST} characters")
    tokens = []
    for match in TOKEN.finditer(pattern):
        text, field = match[0], match[1]
        if text in ("{", "}"):
            raise TilseqError("a brace of the pattern stands alone", found=pattern, expected="{subject}")
        if field is None:
            tokens.append(Token(some=False) if text == "*" else Token(literal=text))
        elif field == "_":
            tokens.append(Token())
        elif field in FIELDS:
            tokens.append(Token(field=field))
        else:
            mend = did_you_mean(field, FIELDS) or "skip it by {_}"
            raise TilseqError("no such field in a pattern", found=field, expected=", ".join(FIELDS), mend=mend)
    fields = [token.field for token in tokens if token.field]
    twice = next((field for field in fields if fields.count(field) > 1), None)
    if twice:
        raise TilseqError("a field stands twice in the pattern", found=twice, mend="skip the second by {_}")
    if "subject" not in fields or not {"visit", "day"} & set(fields):
        mend = "such as '{subject}_{visit}_{assay}', or '{subject}/*_D{day}_{assay}' with folders"
        raise TilseqError("the pattern needs {subject}, and {visit} or {day}", found=pattern, mend=mend)
    return tuple(tokens)


def readings(tokens: tuple[Token, ...], name: str) -> list[dict[str, str]]:
    """Return how a name can be read by a pattern: none, one, or the first two of several ways that differ."""

    @cache
    def rest(index: int, start: int) -> tuple[tuple[str, ...], ...]:
        if index == len(tokens):
            return ((),) if start == len(name) else ()
        token = tokens[index]
        if token.literal:
            return rest(index + 1, start + len(token.literal)) if name.startswith(token.literal, start) else ()
        slash = name.find("/", start)
        last = len(name) if slash < 0 else slash
        found: dict[tuple[str, ...], None] = {}
        for end in range(start + token.some, last + 1):
            value = name[start:end]
            if token.field == "day" and not DAY.fullmatch(value):
                continue
            for later in rest(index + 1, end):
                found[(value, *later) if token.field else later] = None
                if len(found) == 2:
                    return tuple(found)
        return tuple(found)

    fields = [token.field for token in tokens if token.field]
    return [dict(zip(fields, values, strict=True)) for values in rest(0, 0)]
