"""Lots that were infused on several days or not at all, and cells that were sorted."""

import pytest

from tests.steps.persistence_subject import DAY28, LOT1, LOT2, Subject, lots, mass, masses


@pytest.fixture
def subject(tmp_path, sample, write_clones, write_contigs):
    return Subject(tmp_path, sample, write_clones, write_contigs)


def test_a_lot_counts_from_the_day_it_was_infused_and_for_all_that_came_before_treatment(subject):
    lots(subject)
    for name, day, timing in (("base", -8, None), ("pre0", 0, "pre"), ("d0", 0, "post"), ("d13", 13, None),
                              ("d14pre", 14, "pre"), ("d14", 14, None), ("d28", 28, None)):  # fmt: skip
        subject.add(name, DAY28, day=day, timing=timing)
    tables = subject.run(infusions=[(0, "A"), (14, "B")])
    expected = {"base": 0.6, "pre0": 0.6, "d0": 0.1, "d13": 0.1, "d14pre": 0.1, "d14": 0.6, "d28": 0.6}
    assert masses(tables) == pytest.approx(expected)
    told = tables["quality"].filter(check="lots infused").sort("sample")
    assert told.select("sample", "verdict").rows() == [(name, "pass") for name in ("d0", "d13", "d14pre")]
    # the baseline is the blood of day 28, which a product seldom is of
    others = tables["quality"].join(told, on=["sample", "check"], how="anti")
    assert set(others.select("sample", "check").rows()) == {
        ("base", "before the infusion"),
        ("pre0", "before the infusion"),
    }
    assert told["reason"][1] == (
        "held against what had been infused by day 13, which is without lot2: what is kept of the product, and shares "
        "of its clones, do not compare with those of later samples"
    )


def test_a_lot_that_was_never_infused_is_no_reference_and_is_named(subject):
    tables = lots(subject).add("d28", DAY28).add("base", DAY28, day=-8).run(infusions=[(0, "A")])
    assert masses(tables) == pytest.approx({"base": 0.1, "d28": 0.1})
    assert tables["quality"].select("sample", "verdict", "reason").rows() == [
        ("lot2", "warn", "lot B was not infused, by infusions.csv: it is no part of the reference")
    ]


@pytest.mark.parametrize(("infusions", "warned"), [([(0, None)], []), ([(0, None), (14, None)], ["lot1", "lot2"])])
def test_where_no_infusion_names_its_lot_all_count_and_several_days_are_told(subject, infusions, warned):
    tables = lots(subject).add("d28", DAY28).run(infusions=infusions)
    assert masses(tables) == pytest.approx({"d28": 0.6})
    assert tables["quality"].filter(verdict="warn")["sample"].to_list() == warned
    for reason in tables["quality"]["reason"]:
        assert reason.startswith("cells were given on days 0, 14 and infusions.csv names no lot")


def test_a_product_that_names_no_lot_beside_others_is_told_by_the_file_that_names_none(subject):
    subject.add("lot1", LOT1, specimen="infusion_product", lot="A").add("lot2", LOT1, specimen="infusion_product")
    (row,) = subject.add("d28", DAY28).run(infusions=[(0, "A"), (14, "B")])["quality"].rows(named=True)
    assert (row["sample"], row["verdict"]) == ("lot2", "warn")
    assert row["reason"].startswith("cells were given on days 0, 14 and samples.csv names no lot: ")


def test_a_lot_that_no_infusion_names_is_of_the_infusion_that_names_none(subject):
    lots(subject).add("base", DAY28, day=-8).add("d7", DAY28, day=7).add("d28", DAY28)
    # Lot B came on day 14, so that A is what was given on day 0; it was told that A was never infused.
    tables = subject.run(infusions=[(0, None), (14, "B")])
    assert masses(tables) == pytest.approx({"base": 0.6, "d7": 0.1, "d28": 0.6})
    told = dict(tables["quality"].select("sample", "reason").rows())
    assert told["lot1"] == "no infusion names lot A: it is taken for what was given on day 0, whose lot is not named"
    assert set(told) == {"lot1", "d7", "base"}
    # The other way round A is not held against blood from before day 14.
    tables = subject.run(infusions=[(0, "B"), (14, None)])
    assert masses(tables) == pytest.approx({"base": 0.6, "d7": 0.5, "d28": 0.6})
    tables = subject.run(infusions=[(0, "B"), (14, None), (21, None)])
    (row,) = tables["quality"].filter(sample="lot1").rows(named=True)
    assert row["verdict"] == "warn"
    assert row["reason"].endswith("what was given on days 14, 21, whose lot is not named, from the first of them on")


def test_an_infusion_that_names_no_lot_and_has_no_library_is_told(subject):
    subject.add("lot2", LOT2, specimen="infusion_product", lot="B").add("d28", DAY28)
    told = subject.run(infusions=[(0, None), (14, "B")])["quality"]
    assert told.select("sample", "check", "verdict", "reason").rows() == [
        ("d28", "lots sequenced", "warn",
         "lot of day 0 (not named) was infused and has no library: the numbers are too low")
    ]  # fmt: skip
    subject.add("d7", DAY28, day=7)
    row = mass(subject.run(infusions=[(0, None), (14, "B")]), sample="d7")
    assert row["method"] == "no reference: no lot that was sampled had been infused by day 7, as far as lots are named"


def test_a_lot_that_was_infused_and_not_sequenced_is_told(subject):
    subject.add("lot1", LOT1, specimen="infusion_product", lot="A").add("d7", DAY28, day=7).add("d28", DAY28)
    tables = subject.run(infusions=[(0, "A"), (14, "B")])
    # Of lot B all 50 counts of GGG might be, which are no part of the mass of 0.1; on day 7 it had not come.
    assert masses(tables) == pytest.approx({"d7": 0.1, "d28": 0.1})
    assert tables["quality"].select("sample", "check", "verdict", "reason").rows() == [
        ("d28", "lots sequenced", "warn", "lot B was infused and has no library: the numbers are too low")
    ]


def test_a_sorted_library_that_failed_is_missed_where_its_lot_has_no_other(subject):
    failed = {"assay": "tcr", "marked_population": "CD8+ T"}
    subject.add("lot1", LOT1, specimen="infusion_product", lot="A").add("d28", DAY28)
    told = subject.run([{"sample": "b8", "lot": "B", **failed}], infusions=[(0, "A"), (0, "B")])["quality"]
    assert told["reason"].to_list() == ["b8 of the reference failed and is left out: the numbers are too low"]
    told = subject.run([{"sample": "a8", "lot": "A", **failed}], infusions=[(0, "A")])["quality"]
    assert told.height == 0  # lot A is known by its library of all cells


def test_what_was_never_infused_does_not_persist(subject):
    tables = subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28).run(infusions=())
    why = "infusions.csv has no infusion of the subject in which cells were given: what was not infused cannot persist"
    rows = tables["endpoints"].select("sample", "parameter", "value", "status", "method").rows()
    assert rows == [
        ("d28", "persistence_mass", None, "not_evaluable", why),
        ("d28", "product_mass_kept", None, "not_evaluable", why),
    ]
    assert tables["persistence"].height == 0
    assert tables["quality"].select("sample", "verdict", "reason").rows() == [("d28", "warn", why)]


CD8 = {"marked_population": "CD8+ T"}


def of_sample(tables, name):
    """Return parameter → value and qualifier of one sample's endpoints."""
    rows = tables["endpoints"].filter(sample=name).select("parameter", "value", "qualifier").rows()
    return {parameter: (value, qualifier) for parameter, value, qualifier in rows}


def test_sorted_blood_beside_a_product_of_all_cells_has_a_mass_of_its_own_and_nothing_kept(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28)
    tables = subject.add("d28cd8", {"AAA": 30, "TTT": 10}, **CD8).run()
    found = of_sample(tables, "d28cd8")
    assert found["persistence_mass"] == (0.75, "locus=TRB;population=CD8+ T;reference=infusion_product")
    assert found["product_mass_kept"][0] is None  # CD4+ clones of the product cannot be seen
    why = "not told, as the sample's cells were sorted (CD8+ T) and those of lot1 (templates) were not"
    assert tables["endpoints"].filter(sample="d28cd8", parameter="product_mass_kept")["method"].to_list() == [why]
    assert tables["quality"].select("sample", "check", "verdict", "reason").rows() == [
        ("d28cd8", "reference", "pass", f"product mass kept: {why}")
    ]
    assert not any(name.endswith("_at_n") for name in found)
    # Nor do the 40 sorted cells set the depth of the 100 that were not.
    assert set(tables["persistence"].filter(sample="d28")["at_cells"].drop_nulls()) == {100}
    assert of_sample(tables, "d28")["persistence_mass"] == (0.1, "locus=TRB;reference=infusion_product")


def test_sorted_blood_is_held_against_a_product_sorted_alike(subject):
    subject.add("all", LOT1, specimen="infusion_product").add(
        "cd8", {"AAA": 6, "GGG": 2}, specimen="infusion_product", **CD8
    )
    subject.add("cd4", {"TTT": 5}, specimen="infusion_product", marked_population="CD4+ T")
    found = of_sample(subject.add("d28cd8", {"AAA": 30, "TTT": 10}, **CD8).run(), "d28cd8")
    assert found["persistence_mass"][0] == 0.75  # TTT is of the product's other sort alone
    assert found["product_mass_kept"][0] == 0.75  # 6 of the 8 sorted cells


def test_blood_of_all_cells_beside_a_sorted_product_is_refused(subject):
    subject.add("cd8", LOT1, specimen="infusion_product", lot="B", **CD8).add("d28", DAY28)
    why = "no reference: cd8 (CD8+ T) of it is of sorted cells, and the sample's are not sorted: shares do not compare"
    row = mass(subject.run(infusions=[(0, "B")]))
    assert (row["value"], row["status"], row["method"]) == (None, "not_evaluable", why)
    # Another lot of all cells is a part of the product alone.
    subject.add("all", LOT2, specimen="infusion_product", lot="A")
    assert mass(subject.run(infusions=[(0, "A"), (0, "B")]))["method"] == why


def test_sorted_blood_from_before_is_no_baseline_of_all_cells(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28).add("d28cd8", DAY28, **CD8)
    tables = subject.add("base", {"AAA": 5}, day=-8, **CD8).run()
    new = tables["endpoints"].filter(parameter="persistence_mass_new")
    assert new.select("sample", "value").rows() == [("d28cd8", 0.0)]


def test_a_product_without_a_lot_counts(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28)
    assert masses(subject.run(infusions=[(0, "A")])) == pytest.approx({"d28": 0.1})


def test_a_sample_before_any_sampled_lot_was_infused_has_no_number(subject):
    subject.add("lot2", LOT2, specimen="infusion_product", lot="B").add("d7", DAY28, day=7)
    row = mass(subject.run(infusions=[(0, "A"), (14, "B")]))
    reason = "no reference: no lot that was sampled had been infused by day 7"
    assert (row["value"], row["status"], row["method"]) == (None, "not_evaluable", reason)
