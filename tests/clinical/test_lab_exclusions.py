"""Results without a grade, counted by test and reason; all literal."""

from tilseq.clinical import lab_grades
from tilseq.clinical.lab_exclusions import lab_exclusions, rule_in_words
from tilseq.tables.inputs import LABS


def row(test, text, unit="10^9/L", lower=1.8, upper=7.5):
    own = {"subject": "S1", "day": 5, "test": test, "value_text": text, "unit": unit}
    return own | {"lower_limit": lower, "upper_limit": upper}


def rules(*rows, version=5):
    labs = LABS.frame(list(rows))
    found = lab_exclusions(labs, lab_grades(labs, version=version), version=version)
    return [(rule_in_words(one, one["first"] and one["first"] + 2), one["rows"]) for one in found.to_dicts()]


def test_unknown_tests_are_told_with_what_they_are_near_to():
    labs = row("Neutrofils", "0.3"), row("CRP", "5", "mg/L"), row("CRP", "6", "mg/L"), row("glucose", "5", "mmol/L")
    assert rules(*labs) == [
        ("not graded: no term of CTCAE 5 is known for the test Neutrofils; did you mean 'neutrophils'?", 1),
        ("not graded: no term of CTCAE 5 is known for the test CRP", 2),
    ]
    assert rules(row("calcium", "2.4", "mmol/L", 2.1, 2.6), row("CK", "3", "U/L"), version=6) == [
        ("not graded: no term of CTCAE 6 is known for the test CK", 1)
    ]


def test_a_count_in_per_cent_is_another_test():
    assert rules(row("neutrophils", "55", "%"), row("ANC", "4")) == [
        ("not graded: no term of CTCAE 5 is known for the test neutrophils in %", 1)
    ]
    labs = LABS.frame([row("neutrophils", "55", "%")])
    assert lab_grades(labs, version=5).is_empty()


def test_what_cannot_be_read_is_counted_by_test_and_reason():
    labs = (
        row("ANC", "4"), row("ANC", "clotted"), row("ANC", "0,2"), row("ANC", "haemolysed"), row("ANC", "1", "furlong"),
        row("ANC", None), row("ANC", "2", lower=9.0), row("ANC", "0.3", lower=None),
    )  # fmt: skip
    assert rules(*labs) == [
        ("not read: ANC: the result is no number, first in row 3", 2),
        ("not read: ANC: a comma may be a decimal or a thousands mark", 1),
        ("not read: ANC has no unit 'furlong', it may be 10^9/L, 10^3/uL, /uL or 10^6/L", 1),
        ("ANC: limits not used: the lower is above the upper", 1),
        ("no grade: Neutrophil count decreased: no lower limit; limits not used: the lower is above the upper", 1),
    ]


def test_a_missing_limit_and_a_limit_of_detection_are_told_by_term():
    labs = row("ANC", "1.6", lower=None), row("ANC", "1.7", lower=None), row("ANC", "<0.2")
    assert rules(*labs, version=6) == [("no grade: Neutrophil count decreased: can be grade 3 to 4", 1)]
    assert rules(*labs[:2]) == [("no grade: Neutrophil count decreased: no lower limit", 2)]


def test_without_a_version_what_cannot_be_read_is_told():
    found = lab_exclusions(LABS.frame([row("CRP", "5"), row("ANC", "clotted")]))
    assert found.rows() == [("unread", "ANC", "the result is no number", 1, 1)]


def test_nothing_to_tell():
    assert lab_exclusions(LABS.frame([])).is_empty()
    assert rules(row("ANC", "4")) == []
