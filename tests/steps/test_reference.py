from types import SimpleNamespace

import pytest

from tilseq.steps.job import Job
from tilseq.steps.reference import (
    counts_for,
    has_reference,
    holds_sort,
    infused_days_before,
    is_after,
    is_before,
    lots_without_library,
    not_infused,
    not_yet_infused,
    parts_of,
    serving_parts,
    why_no_reference,
)


@pytest.fixture
def job(sample):
    """Return a function that makes a job: name → cells of its row; infusions are days and lots."""

    def make(infusions=(), failed=(), **rows):
        of = {name: sample(name, **{"assay": "tcr", **cells}) for name, cells in rows.items()}
        arguments = {
            "samples": of,
            "reference": "infusion_product",
            "infusions": [{"day": day, "lot": lot} for day, lot in infusions],
            "failed": [{"sample": name, "assay": "tcr", "lot": None, "marked_population": None} for name in failed],
        }
        return Job("persistence", "S1", "persistence/S1", needs=tuple(of), arguments=arguments)

    return make


def lot(name, **cells):
    return {"specimen": "infusion_product", "lot": name, **cells}


@pytest.mark.parametrize(
    ("day", "timing", "before", "after"),
    [(-1, None, True, False), (0, "pre", True, False), (0, "post", False, True), (0, None, False, True),
     (1, None, False, True), (None, None, False, False)],
)  # fmt: skip
def test_before_and_after_the_infusion(sample, day, timing, before, after):
    row = sample("s", day=day, timing=timing)
    assert (is_before(row), is_after(row)) == (before, after)


@pytest.mark.parametrize(
    ("day", "timing", "lot", "counts"),
    [
        (-8, None, "B", True),  # before treatment: every lot that was ever infused
        (-8, None, "C", False),
        (13, None, "A", True),
        (13, None, "B", False),
        (14, "pre", "B", False),
        (14, None, "B", True),
        (None, None, "B", True),
        (28, None, None, True),  # of unknown lot
    ],
)
def test_a_lot_counts_once_it_was_infused(sample, day, timing, lot, counts):
    infusions = [{"day": 0, "lot": "A"}, {"day": 14, "lot": "B"}]
    assert counts_for(sample("s", day=day, timing=timing), lot, infusions) is counts
    assert counts_for(sample("s", day=day, timing=timing), lot, [{"day": 0, "lot": None}])


def test_parts_are_samples_of_the_reference_and_of_the_assay(job, sample):
    given = job([(0, "A")], a=lot("A"), c=lot("C"), b=lot("A", assay="bcr"), d28={})
    assert parts_of(given, sample("d28", assay="tcr")) == ["a"]
    assert [row["sample"] for row in not_infused(given)] == ["c"]
    assert not_infused(given)[0]["reason"] == "lot C was not infused, by infusions.csv: it is no part of the reference"
    assert has_reference(given, "bcr") and not has_reference(job(d28={}), "tcr")
    assert has_reference(job(failed=["x"], d28={}), "tcr")


def test_why_there_is_no_reference(job, sample):
    row = sample("d28", assay="tcr", day=28)
    clones = {"a": SimpleNamespace(height=5)}
    given = job(a=lot("A"), c=lot("A"))
    assert why_no_reference(given, row, ["a"], clones) is None
    assert why_no_reference(given, row, ["a", "c"], clones).startswith("c of the reference left no clonotypes")
    assert why_no_reference(given, row, [], clones) == (
        "no reference: no lot that was sampled had been infused by day 28"
    )
    assert why_no_reference(job(failed=["x"]), row, [], {}) == "no reference: x failed"


@pytest.mark.parametrize(
    ("kinds", "kind", "parts"),
    [
        ({"a": "umis", "b": "umis"}, "cells", ["a", "b"]),  # the only kind of its
        ({"a": "umis", "b": "cells"}, "umis", []),  # neither is had of both lots
        ({"a": "umis", "b": "umis", "a2": "cells"}, "cells", ["a", "b"]),
        ({"a": "umis", "a2": "cells"}, "cells", ["a2"]),
        ({"a": "umis", "a2": "cells"}, "reads", []),  # two would do, and neither is the sample's own
    ],
)
def test_parts_that_serve_count_one_thing_and_are_of_every_lot(job, kinds, kind, parts):
    given = job(a=lot("A"), a2=lot("A"), b=lot("B"))
    assert serving_parts(given, kinds, kind) == parts


@pytest.mark.parametrize(
    ("day", "timing", "days"), [(0, "pre", []), (0, None, [0]), (13, None, [0]), (14, "pre", [0]), (14, None, [0, 14])]
)
def test_the_days_of_infusion_before_a_sample(sample, day, timing, days):
    infusions = [{"day": 14, "lot": None}, {"day": 0, "lot": "A"}, {"day": 0, "lot": "B"}]
    assert infused_days_before(sample("s", day=day, timing=timing), infusions) == days


@pytest.mark.parametrize(
    ("part", "own", "holds"),
    [(None, None, True), (None, "CD8+ T", True), ("CD8+ T", "CD8+ T", True), ("CD8+ T", None, False),
     ("CD4+ T", "CD8+ T", False)],
)  # fmt: skip
def test_a_library_of_sorted_cells_holds_those_of_its_sort_alone(sample, part, own, holds):
    part, own = (sample("s", marked_population=sort) for sort in (part, own))
    assert holds_sort(part, own) is holds


def test_lots_that_came_later_and_lots_without_a_library(job, sample):
    given = job([(0, "A"), (14, "B"), (14, "C")], a=lot("A"), b=lot("B"))
    early, late = sample("d7", assay="tcr", day=7), sample("d28", assay="tcr", day=28)
    assert (not_yet_infused(given, early), not_yet_infused(given, late)) == (["b"], [])
    assert (lots_without_library(given, early), lots_without_library(given, late)) == ([], ["C"])
    assert lots_without_library(job([(0, "A")], p=lot(None)), late) == []  # the product of which no lot is named
