"""Words of causality: those of CDISC, of sites and of Chinese protocols, each with the cause that a person reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.clinical.attribution import CAUSES, attribution


@pytest.mark.parametrize(
    ("cell", "causes"),
    [
        ("lymphodepletion", ["lymphodepletion"]), ("TIL, IL-2", ["TIL", "IL-2"]),
        ("Flu/Cy + aldesleukin", ["lymphodepletion", "IL-2"]), ("til infusion and il2", ["TIL", "IL-2"]),
        ("IL-2 and/or TIL", ["IL-2", "TIL"]), ("IL2 (possible)", ["IL-2"]), ("TIL product", ["TIL"]),
        ("possibly related to aldesleukin", ["IL-2"]), ("IL-2 therapy", ["IL-2"]), ("TIL: yes; IL-2: no", ["TIL"]),
        ("no; IL-2", ["IL-2"]), ("yes; IL-2", ["IL-2"]), ("unrelated to TIL, possibly IL-2", ["IL-2"]),
        ("related to TIL but not IL-2", ["TIL"]), ("not related to IL-2 but related to TIL", ["TIL"]),
        ("not related to TIL and related to IL-2", ["IL-2"]), ("TIL 有关，但 IL-2 无关", ["TIL"]),
        ("IL-2: Related | TIL: Not related", ["IL-2"]), ("IL-2|TIL", ["IL-2", "TIL"]),
        # What is asserted again after a denial is so up to the next one.
        ("not related to TIL, related to LD, IL-2", ["lymphodepletion", "IL-2"]),
        ("unrelated to TIL but related to LD and IL-2", ["lymphodepletion", "IL-2"]),
        ("related to TIL, not related to IL-2, LD", ["TIL"]),
        ("not related to TIL, IL-2 cannot be excluded", ["IL-2"]),
        ("related: IL-2; not related: TIL, LD", ["IL-2"]), ("not related to TIL, IL-2 related", ["IL-2"]),
        ("Definitely not related to TIL, IL-2 or LD", ["none"]), ("no: TIL, LD; yes: IL-2", ["IL-2"]),
        ("Probably not related to TIL, possibly to IL-2", ["IL-2"]), ("no: TIL, yes: IL-2", ["IL-2"]),
        # A denial behind a list is of all of it; commas join a list where a colon closes it.
        ("Cy/Flu: not related; IL-2: related", ["IL-2"]), ("Flu/Cy: no, TIL: yes", ["TIL"]),
        ("IL-2 and TIL unlikely", ["none"]), ("IL-2 and TIL possible", ["IL-2", "TIL"]),
        ("TIL, IL-2: no", ["none"]), ("TIL, IL-2 unlikely", ["TIL"]), ("LD/TIL, unrelated, IL-2", ["IL-2"]),
        ("TIL: yes / IL-2: no", ["TIL"]), ("IL-2 related and TIL not related", ["IL-2"]),
        ("TIL and not IL-2", ["TIL"]), ("TIL、IL-2 无关", ["none"]),
        # A degree behind a comma is of the cause before it, as without one.
        ("IL-2, unlikely", ["none"]), ("TIL / not related", ["none"]), ("TIL, unrelated, IL-2, related", ["IL-2"]),
        ("IL-2, possible", ["IL-2"]), ("possible/unlikely", ["unspecified"]), ("TIL, cannot be excluded", ["TIL"]),
        # As word processors write a hyphen.
        ("IL\u20112", ["IL-2"]), ("IL\u20132: no, TIL \u2013 yes", ["TIL"]),
        # A degree or the treatment at large: related, and not told to what.
        ("possible", ["unspecified"]), ("possibly related", ["unspecified"]), ("Related", ["unspecified"]),
        ("PROBABLY RELATED", ["unspecified"]), ("related to study treatment", ["unspecified"]),
        ("cannot be excluded", ["unspecified"]), ("unlikely (cannot be excluded)", ["unspecified"]),
        ("可能有关", ["unspecified"]), ("肯定有关", ["unspecified"]),
        # A denial denied.
        ("not unlikely", ["unspecified"]), ("not improbable", ["unspecified"]),
        ("not unlikely related to TIL", ["TIL"]), ("TIL not unrelated, IL-2 unrelated", ["TIL"]),
        # Not related, or to another cause.
        ("no", ["none"]), ("Not related", ["none"]), ("NOT RELATED", ["none"]), ("unlikely", ["none"]),
        ("UNLIKELY RELATED", ["none"]), ("Unlikely related to TIL", ["none"]), ("REMOTE", ["none"]),
        ("doubtful", ["none"]), ("Not related to study treatment", ["none"]), ("unrelated to TIL", ["none"]),
        ("non-related", ["none"]), ("TIL: no; IL-2: no", ["none"]), ("not related to IL-2, TIL", ["none"]),
        ("disease", ["none"]), ("unrelated (disease)", ["none"]), ("无关", ["none"]), ("可能无关", ["none"]),
        # Nothing recorded.
        ("U", []), ("Not assessable", []), ("Unassessable/unclassifiable", []), ("n/a", []), ("not applicable", []),
        ("unknown", []), ("-", []), ("", []), (None, []), ("无法判断", []),
    ],
)  # fmt: skip
def test_words_that_are_known(cell, causes):
    assert attribution(cell) == (causes, [])


@pytest.mark.parametrize(
    ("cell", "causes", "unknown"),
    [
        ("pembrolizumab", ["unspecified"], ["pembrolizumab"]),
        ("pembrolizumab, TIL", ["TIL", "unspecified"], ["pembrolizumab"]),
        ("not related to pembrolizumab", ["none"], ["not related to pembrolizumab"]),
        ("unknown relationship to TIL", ["unspecified"], ["unknown relationship to TIL"]),
        ("related to TIL (not IL-2)", ["unspecified"], ["related to TIL (not IL-2)"]),
    ],
)
def test_a_word_that_is_not_known_is_unspecified_unless_denied_and_is_told(cell, causes, unknown):
    assert attribution(cell) == (causes, unknown)


@given(st.text())
def test_whatever_stands_there_a_cause_is_one_of_ours(cell):
    causes, _ = attribution(cell)
    assert set(causes) <= set(CAUSES)
    assert "none" not in causes or causes == ["none"]


@given(st.sampled_from([word for words in CAUSES.values() for word in words]))
def test_every_word_may_be_denied(word):
    assert attribution(f"not related to {word}") == (["none"], [])
    assert attribution(f"{word}: unlikely") == (["none"], [])
