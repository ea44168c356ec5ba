from types import SimpleNamespace

import polars as pl
import pytest

from tilseq.expression.contrasts import parse_contrast
from tilseq.steps.later_lots import before_their_lot, lots_to_come, told_of_lots, told_of_sums

INFUSIONS = [{"day": 0, "lot": "A"}, {"day": 60, "lot": "B"}, {"day": 90, "lot": "C"}]
CLONES = {
    "a": "AAA CCC",
    "b": "CCC GGG TTT",
    "c": "TTT ACA",
    "base": "GGG",
    "d14": "AAA CCC GGG ACA CAC",
    "d60pre": "GGG",
    "d60": "GGG ACA",
    "d120": "GGG ACA",
    "some": "GGG",
}
DAYS = {"base": -8, "d14": 14, "d60pre": 60, "d60": 60, "d120": 120, "some": None}


@pytest.fixture
def rows(sample):
    lots = [sample(name, specimen="infusion_product", day=-1, lot=name.upper()) for name in "abc"]
    blood = [sample(name, day=day, timing="pre" if "pre" in name else None) for name, day in DAYS.items()]
    return [*lots, *blood]


@pytest.fixture
def clones():
    return {name: pl.DataFrame({"locus": "TRB", "junction": names.split()}) for name, names in CLONES.items()}


def test_clones_of_blood_that_only_lots_infused_later_show(rows, clones):
    # CCC is of lot A, too; blood from before all, and of an unknown day, is before no lot.
    found = before_their_lot(rows, clones, INFUSIONS)
    assert found.sort(pl.all()).rows() == [
        ("d14", "TRB", "ACA"),
        ("d14", "TRB", "GGG"),
        ("d60", "TRB", "ACA"),
        ("d60pre", "TRB", "GGG"),
    ]
    told = told_of_lots(rows, found, INFUSIONS)
    assert list(told) == ["b", "c"]
    assert told["b"].startswith("infused first on day 60: ") and told["b"].endswith("only: 2")  # ACA and GGG
    assert told["c"].startswith("infused first on day 90: ")


@pytest.mark.parametrize("lots", [[(0, "A"), (0, "B"), (0, "C")], [(0, None), (60, None)]])
def test_lots_of_one_day_or_of_unknown_days_are_before_none(rows, clones, lots):
    infusions = [{"day": day, "lot": lot} for day, lot in lots]
    found = before_their_lot(rows, clones, infusions)
    assert found.height == 0 and told_of_lots(rows, found, infusions) == {}


def test_a_lot_that_no_infusion_names_came_with_the_one_that_names_none(rows, clones):
    infusions = [{"day": 0, "lot": "A"}, {"day": 60, "lot": None}, {"day": 90, "lot": "C"}]
    assert before_their_lot(rows, clones, infusions).rows() == before_their_lot(rows, clones, INFUSIONS).rows()
    told = told_of_lots(rows, before_their_lot(rows, clones, infusions), infusions)
    assert told["b"].startswith("infused first on day 60: ")


def test_sums_of_a_product_with_a_lot_to_come_are_told(rows):
    # B is infused on day 60, C on day 90: blood of before all is held against all of them, of day 14 against A alone.
    infusions = pl.DataFrame([one | {"subject": rows[0]["subject"], "cells": 1e9} for one in INFUSIONS])
    study = SimpleNamespace(available=lambda assay: rows if assay == "scrna" else [], infusions=infusions)
    to_come = lots_to_come(study, "scrna")
    assert to_come == {"d14": ["b", "c"], "d60pre": ["b", "c"], "d60": ["c"]}
    assert lots_to_come(study, "bulk_rna") == {}
    sums = [
        {"subject": "S1", "level": "product", "samples": "a;b"},
        {"subject": "S1", "level": "D14", "samples": "d14"},
        {"subject": "S1", "level": "D60", "samples": "d60"},
        {"subject": "S2", "level": "product", "sample": "another"},
        {"subject": "S2", "level": "D14", "sample": "other"},
    ]
    told = "held against a product with a lot that had not been infused by then: S1 D14"
    assert told_of_sums(sums, to_come, parse_contrast("visit:D14/product")) == (told,)
    assert told_of_sums(sums, to_come, parse_contrast("visit:D60/product")) == ()
    assert told_of_sums(sums, to_come, parse_contrast("visit:D60/D14")) == ()
