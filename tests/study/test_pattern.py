import time

import pytest

from tilseq.errors import TilseqError
from tilseq.study.pattern import parse_pattern, readings

DEFAULT = "{subject}_{visit}_{assay}"


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (DEFAULT, "S01_D7_flow", [{"subject": "S01", "visit": "D7", "assay": "flow"}]),
        (DEFAULT, "S01_D7", []),
        (DEFAULT, "S01__flow", []),
        (DEFAULT, "a/S01_D7_flow", []),
        ("{subject}/{_}_D{day}_*", "S01/x_D28_anything", [{"subject": "S01", "day": "28"}]),
        ("{subject}/{_}_D{day}_*", "S01/x_D28_", [{"subject": "S01", "day": "28"}]),
        ("{subject}/{_}_D{day}_*", "S01/_D28_x", []),
        ("{subject}_{day}", "S01_-7", [{"subject": "S01", "day": "-7"}]),
        ("{subject}_{day}", "S01_D7", []),
        ("*{subject}-{visit}", "S1-a", [{"subject": "S1", "visit": "a"}, {"subject": "1", "visit": "a"}]),
        ("P{subject}V{visit}", "P1V2", [{"subject": "1", "visit": "2"}]),
        ("*/{subject}_{visit}*", "x/S01_D7.a", [{"subject": "S01", "visit": "D"}, {"subject": "S01", "visit": "D7"}]),
        ("[x]({subject})_{visit}", "[x](S01)_D7", [{"subject": "S01", "visit": "D7"}]),
    ],
)
def test_readings(pattern, name, expected):
    assert readings(parse_pattern(pattern), name) == expected


def test_two_readings_are_told_and_not_chosen_from():
    assert readings(parse_pattern(DEFAULT), "S_01_D7_flow") == [
        {"subject": "S", "visit": "01", "assay": "D7_flow"},
        {"subject": "S", "visit": "01_D7", "assay": "flow"},
    ]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("{visit}_{assay}", "the pattern needs {subject}, and {visit} or {day}"),
        ("{subject}_{assay}", "the pattern needs {subject}, and {visit} or {day}"),
        ("{subject}_{vist}", "no such field in a pattern; found 'vist'"),
        ("{subject}_{visit}_{subject}", "a field stands twice in the pattern; found 'subject'"),
        ("{subject}_{visit", "a brace of the pattern stands alone"),
        ("{subject}}_{visit}", "a brace of the pattern stands alone"),
        ("{}_{subject}_{visit}", "no such field in a pattern; found ''"),
        ("x" * 201, "the pattern is too long"),
    ],
)
def test_refused(pattern, what):
    with pytest.raises(TilseqError) as caught:
        parse_pattern(pattern)
    assert str(caught.value).startswith(what)


def test_a_pattern_that_could_be_tried_in_very_many_ways_is_quick():
    tokens = parse_pattern("{subject}" + "_*" * 40 + "_{visit}X")
    start = time.process_time()
    assert readings(tokens, "_a" * 120) == []
    assert time.process_time() - start < 2
