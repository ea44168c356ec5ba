"""What the investigator relates an adverse event to, in words that can be counted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

NONE, UNSPECIFIED = "none", "unspecified"
CAUSES = {
    "lymphodepletion": (
        "lymphodepletion", "lymphodepleting", "chemo", "chemotherapy", "lymphodepleting chemotherapy", "conditioning",
        "ld", "nma-ld", "cyclophosphamide", "fludarabine", "cy", "flu",
    ),
    "TIL": ("til", "tils", "cell", "cells", "product", "infusion", "lifileucel"),
    "IL-2": ("il-2", "il2", "il 2", "interleukin-2", "interleukin 2", "aldesleukin", "proleukin"),
    # The disease or another drug: not the treatment.
    NONE: (
        "disease", "underlying disease", "study disease", "disease under study", "disease progression",
        "progressive disease", "progression",
        "tumor", "tumour", "cancer", "concomitant medication", "concomitant disease", "intercurrent illness",
    ),
    # The treatment, and not which part of it.
    UNSPECIFIED: (
        "treatment", "study treatment", "study drug", "study medication", "investigational product", "therapy", "drug",
        "medication",
    ),
}  # fmt: skip
WORDS = {word: cause for cause, words in CAUSES.items() for word in words}
# Words that say no more of a cause: `TIL infusion product` is the product, `IL-2 therapy` is IL-2.
GENERIC = ("infusion", "product", "therapy", "treatment", "cells", "administration", "dose", "chemotherapy")
NOT_RECORDED = (
    "n/a", "na", "nd", "u", "unk", "unknown", "?", "not applicable", "not assessed", "not assessable", "unassessable",
    "unclassifiable", "not recorded", "not known", "not done", "not evaluable", "missing", "无法判断", "不详",
)  # fmt: skip
STILL_POSSIBLE = re.compile(
    r"(?:cannot|can not|could not|not)(?: be)? (?:excluded|ruled out)|不能排除"
    r"|\bnot (?:unlikely|improbable|doubtful|unrelated)\b"
)
NEGATIVE = re.compile(
    r"\b(?:not|no|n|none|non|false|0|unrelated|unlikely|improbable|improbably|doubtful|remote|remotely)\b"
    r"|(?:肯定|可能)?(?:无关|不相关)|不太可能|否"
)
POSITIVE = re.compile(
    r"\b(?:yes|y|true|1|possible|possibly|probable|probably|definite|definitely|certain|certainly|likely|suspected)\b"
    r"|(?:肯定|很可能|可能)?(?:有关|相关)|是"
)
FILLERS = re.compile(r"\b(?:related|relation|relationship|association|associated|to|the|of|by|due|with|is|was|a)\b")
SENTENCES = re.compile(r"[;|\n；]")
PARTS = re.compile(r"\s*(\band/or\b|[,+&/，、]|\band\b|\bor\b|\bbut\b|但)\s*", re.IGNORECASE)
APART = ("but", "但")  # what parts statements, where the others join a list; commas do either
COMMAS = (",", "，")
# `not related to IL-2 but related to TIL`, `not related to TIL, IL-2 related`
ASSERTS = re.compile(r"^(?:is |was )?(?:related|relation|due)\b|(?<!not )(?<!non )\brelated$")
# `definitely not related to TIL, IL-2`, `not related: TIL, IL-2` and `no: TIL, IL-2` deny both
DENIES_ALL = re.compile(
    r"(?:\w+ly |is |was )*(?:(?:not\b|no\b|non|unrelated\b|unlikely\b).*\bto\b|(?:not |non[- ]?|un)related (?!to\b)\S)"
)
DENIES_LIST = re.compile(r"(?:no|none|unlikely)\s*[:：]", re.IGNORECASE)
DEGREE = re.compile(r"\b(?:un|non-?)?(?:related|relation|relationship|due)\b")
# What word processors write for a hyphen and an apostrophe.
TYPESET = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-") | dict.fromkeys("\u2018\u2019", "'"))
MARKS = re.compile(r"[()\[\]:=.'\"：（）]|(?<!\w)-|-(?!\w)")


def attribution(related: str | None) -> tuple[list[str], list[str]]:
    """Return the causes that a cell names, and what of it is no known word.

    Several causes are parted by ``;``, ``|``, ``,``, ``+``, ``&``, ``/``, *and*, *or*, *but*; case does not matter.
    Each may have a degree before or behind it, or behind a comma (`IL-2, unlikely`): `not`, `unrelated`, `unlikely`,
    `remote`, `doubtful` count as not related; `possible`, `probable`, `definite`, `cannot be excluded`, `not unlikely`
    as related. A denial behind a list is of all of it (`Cy/Flu: no`). A degree alone, or one of the treatment at large,
    is related to what is not told, `unspecified`; so is a word that is not known, unless it is denied.

    Parameters
    ----------
    related
        Cell of the column `related`.

    Returns
    -------
    causes
        `lymphodepletion`, `TIL`, `IL-2`, `unspecified`, or `none` alone; empty where nothing is recorded. Each once,
        in the order given.
    unknown
        Those parts that are no known word, as they stand.
    """
    cell = (related or "").strip()
    if _plain(cell) in ("", *NOT_RECORDED):
        return [], []
    read = [told for sentence in SENTENCES.split(cell) for told in _causes(sentence)]
    unknown = [part for part, _, known in read if not known]
    causes = list(dict.fromkeys(cause for _, cause, _ in read))
    named = [cause for cause in causes if cause not in (NONE, UNSPECIFIED)]
    if UNSPECIFIED in causes and (not named or any(cause == UNSPECIFIED for _, cause, known in read if not known)):
        named.append(UNSPECIFIED)
    return named or causes, unknown


def _causes(sentence: str) -> Iterator[tuple[str, str, bool]]:
    """Yield each part, its cause, and whether its words are known.

    A denial of a relation holds for all behind it up to what is asserted again; see `_denied_behind` of others.
    """
    found = PARTS.split(sentence.strip())
    joined = zip(found[::2], [*found[1::2], ""], strict=True)
    parts = [(part, joint) for part, joint in joined if _plain(part) not in ("", *NOT_RECORDED)]
    denies = False
    for (part, _), denied_behind in zip(parts, _denied_behind(parts), strict=True):
        text, (cause, known) = _plain(part), _cause(part)
        if DENIES_ALL.match(_plain(STILL_POSSIBLE.sub(" ", text))) or DENIES_LIST.match(part):
            denies = True
        elif any(said.search(text) for said in (STILL_POSSIBLE, POSITIVE, ASSERTS)):
            denies = False
        yield part, NONE if denies or denied_behind else cause, known


def _denied_behind(parts: Sequence[tuple[str, str]]) -> list[bool]:
    """Return whether each part is denied by what stands behind it.

    A denial that stands alone holds for the part before it, and one behind a list for all of it: `Cy/Flu: no`,
    `TIL and IL-2 unlikely`, and where a colon closes it `TIL, IL-2: no`.
    """
    denied = [False] * len(parts)
    closing = commas = False
    for at in range(len(parts) - 2, -1, -1):
        (part, joint), (after, _) = parts[at], parts[at + 1]
        alone = not _bare(_plain(after)) and _cause(after)[0] == NONE
        if alone or _closes(_plain(after)):
            closing, commas = True, not alone and ":" in after
        else:
            closing = closing and denied[at + 1]
        listed = joint.casefold() not in APART and (commas or joint not in COMMAS)
        named = bool(_bare(_plain(part)))
        denied[at] = named and (alone or (closing and listed and not _has_degree(_plain(part))))
    return denied


def _closes(text: str) -> bool:
    """Return whether a cause is denied by what stands behind it, `IL-2: no`, which may be the end of a list."""
    denial = NEGATIVE.search(text)
    if denial is None or STILL_POSSIBLE.search(text):
        return False
    return bool(_bare(text[: denial.start()])) and not _bare(text[denial.end() :])


def _has_degree(text: str) -> bool:
    return any(said.search(text) for said in (STILL_POSSIBLE, POSITIVE, NEGATIVE, DEGREE))


def _cause(part: str) -> tuple[str, bool]:
    """Return the cause that one part of a cell names, and whether its words are known."""
    text = _plain(part)
    possible = STILL_POSSIBLE.search(text) is not None
    text = STILL_POSSIBLE.sub(" ", text)
    denial = NEGATIVE.search(text)
    both = denial is not None and all(_bare(side) in WORDS for side in (text[: denial.start()], text[denial.end() :]))
    denied = not possible and denial is not None and not both  # `TIL (not IL-2)` denies one of two
    rest = _bare(text)
    cause = _known(rest) if rest else UNSPECIFIED
    return (NONE if denied else cause or UNSPECIFIED), cause is not None


def _bare(text: str) -> str:
    """Return text without degrees and what joins them to a cause."""
    return _plain(FILLERS.sub(" ", POSITIVE.sub(" ", NEGATIVE.sub(" ", text))))


def _known(words: str) -> str | None:
    """Return the cause of words that are known, as they stand or without what says no more at their end."""
    while words not in WORDS and words.endswith(tuple(f" {word}" for word in GENERIC)):
        words = words.rpartition(" ")[0]
    return WORDS.get(words)


def _plain(text: str) -> str:
    return " ".join(MARKS.sub(" ", text.translate(TYPESET).casefold()).split())
