import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.identifiers import twin_key
from tilseq.study.names import fault_of, nearest, safe_name

HOSTILE = [
    "CON", "con", "Con.txt", "nul", "lpt1", "com0", "a/b", "a\\b", "..", ".", "", " ", "a b", "x" * 300, "x" * 301,
    "🧬", "a\nb", "a\tb", "-rf", "--help", ".hidden", "007", "7", "S1", "s1", "é", "e\u0301", "<script>", "=1+1",
    "a:b", "a*b", "trailing.", "trailing ", "\udcff", "S01_D7_flow", "s01_d7_flow",
]  # fmt: skip


@pytest.mark.parametrize("name", ["s01", "007", "s01_d7_flow", "til-3", "7"])
def test_a_plain_name_stays(name):
    assert safe_name(name) == name


def test_the_readable_part_is_kept():
    assert safe_name("Frau Müller/3").rpartition("-")[0] == "Frau-Muller-3"
    assert safe_name("CON") == "CON-a3dbc4b644"  # printf CON | sha256sum


def test_hostile_names_are_safe_and_do_not_meet():
    made = [safe_name(name) for name in HOSTILE]
    assert len({name.casefold() for name in made}) == len(HOSTILE)
    assert all(set(name) <= set(string.ascii_letters + string.digits + "-_") for name in made)
    assert all(name[0].isalnum() and len(name) <= 80 for name in made)
    reserved = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
    assert not reserved & {name.casefold() for name in made}


@given(st.text(max_size=120), st.text(max_size=120))
def test_two_identifiers_never_share_a_file(one, other):
    assert (safe_name(one).casefold() == safe_name(other).casefold()) == (one == other)


@given(st.text(max_size=120))
def test_the_name_of_a_name_is_another_file(identifier):
    made = safe_name(identifier)
    assert made == identifier or safe_name(made) != made


@pytest.mark.parametrize(
    ("identifier", "fault"),
    [
        ("S01", None),
        ("Frau Müller", None),
        ("a\nb", None),
        ("🧬", None),
        ("NA", None),
        (" S01", "a space at one end"),
        ("S01\u00a0", "a space at one end"),
        ("S\u200b01", "an invisible character"),
        ("S\ufeff01", "an invisible character"),
        ("S\u202e01", "an invisible character"),
        ("S\u3164", "an invisible character"),
        ("S\x0001", "a control character"),
        ("S\x1b[31m", "a control character"),
    ],
)
def test_faults(identifier, fault):
    assert fault_of(identifier) == fault


def test_twins():
    assert twin_key("Émile") == twin_key("E\u0301MILE")
    assert twin_key("S1") != twin_key("S01")


@pytest.mark.parametrize(
    ("word", "mend"),
    [
        ("s01", "did you mean 'S01'? They differ only in case or Unicode form"),
        ("7", "did you mean '007'? A spreadsheet may have taken the leading zeros"),
        ("S0l", "did you mean 'S01'?"),
        ("patient", None),
    ],
)
def test_nearest(word, mend):
    assert nearest(word, ["S01", "007"]) == mend
