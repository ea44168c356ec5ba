"""Tests, units and results as laboratories write them."""

import pytest

from tilseq.lab_tests import Result, lab_test, lab_tests, near_test, per_ul_of_unit, read_result


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("10^9/L", 1000), ("10*9/L", 1000), ("x10^9/L", 1000), ("\u00d7 10\u2079/L", 1000), ("10E9/l", 1000),
        ("10**9/L", 1000), ("G/L", 1000), ("Gpt/L", 1000), ("10^3/uL", 1000), ("10\u00b3/\u00b5L", 1000),
        ("K/\u03bcL", 1000), ("K/uL", 1000), ("10^3/mm3", 1000), ("10^9 cells/L", 1000), ("cells x 10^9/L", 1000),
        ("/uL", 1), ("cells/\u00b5L", 1), ("/mm\u00b3", 1), ("cells/mm3", 1), ("/cumm", 1), ("/mcL", 1), ("10^6/L", 1),
        ("g/L", None), ("%", None), ("", None), ("10^12/L", None), ("mg/dL", None), ("/L", None), ("/HPF", None),
        ("cells", None), ("10^9", None),
    ],
)  # fmt: skip
def test_units_of_blood_counts_as_laboratories_write_them(unit, factor):
    assert per_ul_of_unit(unit) == factor


@pytest.mark.parametrize(
    ("unit", "factor"), [("G/l", 1000), ("Gpt/l", 1000), ("/nl", 1000), ("/nL", 1000), ("g/l", None), ("gG/l", None)]
)
def test_units_of_blood_counts_with_a_small_l(unit, factor):
    assert per_ul_of_unit(unit) == factor


@pytest.mark.parametrize(("unit", "factor"), [("GI/L", 1000), ("THOU/uL", 1000), ("1/uL", 1), ("1/mm3", 1)])
def test_units_of_blood_counts_in_controlled_terms(unit, factor):
    assert per_ul_of_unit(unit) == factor


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("4.2", Result(4.2, None, 0.1)),
        (" 12 ", Result(12.0, None, 1.0)),
        ("1.20", Result(1.2, None, 0.01)),
        (".5", Result(0.5, None, 0.1)),
        ("5.", Result(5.0, None, 1.0)),
        ("1.5e3", Result(1500.0, None, 100.0)),
        ("0", Result(0.0, None, 1.0)),
        ("<0.5", Result(0.5, "<", 0.1)),
        ("> 1000", Result(1000.0, ">", 1.0)),
        ("<=0.5", Result(0.5, "<=", 0.1)),
        ("≥ 90", Result(90.0, ">=", 1.0)),
        ("≤3", Result(3.0, "<=", 1.0)),
    ],
)
def test_results_as_laboratories_write_them(text, result):
    found = read_result(text)
    assert (found.value, found.operator) == (result.value, result.operator)
    assert found.last_digit == pytest.approx(result.last_digit)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no value"),
        ("  ", "no value"),
        ("4,2", "the comma of '4,2' may be a decimal or a thousands mark"),
        ("1,247", "the comma of '1,247' may be a decimal or a thousands mark"),
        ("<0,5", "the comma of '<0,5' may be a decimal or a thousands mark"),
        ("1,247.5", "the comma of '1,247.5' may be a decimal or a thousands mark"),
        ("haemolysed", "'haemolysed' is no number"),
        ("-1", "'-1' is below 0"),
        ("<-1", "'<-1' is below 0"),
        ("--1", "'--1' is no number"),
        ("+2", "'+2' is no number"),
        ("2+", "'2+' is no number"),
        ("4.2 H", "'4.2 H' is no number"),
        ("7.4 g/dL", "'7.4 g/dL' is no number, its unit goes to `unit`"),
        ("1-2", "'1-2' is no number"),
        ("nan", "'nan' is no number"),
        ("inf", "'inf' is no number"),
        ("1_000", "'1_000' is no number"),
        ("٤", "'٤' is no number"),
        ("1e300", "'1e300' is no number that a result can be"),
        ("<", "'<' is no number"),
        ("<<5", "'<<5' is no number"),
        ("1e9999", "'1e9999' is no number"),
    ],
)
def test_what_is_no_result_says_why(text, why):
    assert read_result(text) == why


@pytest.mark.parametrize(
    ("test", "unit", "factor"),
    [
        ("Hgb", "g/dL", 10),
        ("hemoglobin", "mmol/L", 16.114),  # of the monomer: 10.0 g/dL are 6.206 mmol/L
        ("haemoglobin", "g/L", 1),
        ("Neutrophils", "/µL", 0.001),
        ("ANC", "10*9/L", 1),
        ("total  bilirubin", "mg/dL", 17.104),
        ("bilirubin", "µmol/L", 1),
        ("creatinine", "mg/dl", 88.4017),
        ("calcium", "mg/dL", 0.249513),
        ("potassium", "mEq/L", 1),
        ("ALT", "µkat/L", 60),
        ("CrCl", "mL/min/1.73 m²", 1),
        ("INR", None, 1),
        ("ALT", "mmol/L", None),
        ("ALT", None, None),
        ("ANC", "%", None),
        ("ANC", None, None),
        ("haemoglobin", "g/100", None),
    ],
)
def test_factors_of_units(test, unit, factor):
    assert lab_test(test).factor(unit) == (None if factor is None else pytest.approx(factor, rel=1e-5))


@pytest.mark.parametrize(
    ("text", "unit", "refused"),
    [
        ("250.000", "/µL", True), ("1.200", "cells/mm3", True), ("<1.200", "10^6/L", True), ("1.200.000", "/uL", True),
        ("1.200", "10^9/L", False), ("0.450", "/uL", False), ("12.50", "/uL", False), ("1.234", "ng/mL", False),
        ("1.200", "U/L", True), ("1.200", "U/mL", True), ("1.20", "U/mL", False), ("0.120", "U/mL", False),
        ("1.234", "mIU/L", False), ("1.234", None, False),
    ],
)  # fmt: skip
def test_the_point_of_a_count_or_an_activity_may_be_a_thousands_mark(text, unit, refused):
    assert (read_result(text, unit=unit) == f"the point of {text!r} may be a thousands mark") is refused


def test_a_sign_is_read_where_it_can_be():
    assert read_result("-30", signed=True) == Result(-30.0, None, 1.0)
    assert read_result("-0") == Result(0.0, None, 1.0)


def test_names_of_tests():
    assert lab_test("SGPT") == lab_test("alt")
    assert lab_test("Neutrofils") is None
    assert lab_test("TG") is None  # triglycerides or thyroglobulin
    assert len({test.name for test in lab_tests().values()}) == 37


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Neutrophils abs.", "ANC"), ("NEUTROPHILS, ABSOLUTE", "ANC"), ("Bilirubin total", "bilirubin"),
        ("Bilirubin, total", "bilirubin"), ("K+", "potassium"), ("Leukozyten", "WBC"), ("Kreatinin", "creatinine"),
        ("GOT (AST)", "AST"), ("ALT [SGPT]", "ALT"), ("Serum sodium", "sodium"),
        ("glucose, fasting, plasma", "fasting glucose"),
        ("血小板计数", "platelets"), ("HDL-cholesterol", "HDL"),
    ],
)  # fmt: skip
def test_names_are_compared_without_punctuation_brackets_and_order(written, name):
    assert lab_test(written).name == name


@pytest.mark.parametrize(
    "written",
    ["Bilirubin (direct)", "Potassium, urine", "Albumin (CSF)", "Neutrophils %", "Neutrophils (%)", "ALT (AST)",
     "CD4 %", "Ca++", "protein", "", "()", "glucose (urine)", "Plasma hemoglobin", "Hb (serum)"],
)  # fmt: skip
def test_what_else_is_written_makes_another_test(written):
    assert lab_test(written) is None


def test_no_two_tests_share_the_words_of_a_name():
    owners = {}
    for name, test in lab_tests().items():
        words = frozenset(name.replace("-", " ").replace(".", " ").split()) - {"serum", "plasma"}
        assert owners.setdefault(words, test.name) == test.name


@pytest.mark.parametrize(
    ("written", "mend"),
    [
        ("Neutrofils", "did you mean 'neutrophils'?"), ("Potasium", "did you mean 'potassium'?"), ("CRP", None),
        ("Albumin urine", None), ("Neutrophils %", None), ("Total Protein", None),
    ],
)  # fmt: skip
def test_what_a_name_is_near_to(written, mend):
    assert near_test(written) == mend


def test_units_are_told_as_they_are_written():
    assert [lab_test(name).units for name in ("Hb", "INR", "ANC")] == [
        "g/L, g/dL, mmol/L", "1, ratio, INR", "10^9/L, 10^3/uL, /uL or 10^6/L",
    ]  # fmt: skip
