import polars as pl
import pytest

from tests.steps.persistence_subject import DAY28, LOT1, LOT2, Subject, lots, mass, masses
from tilseq.steps import persistence
from tilseq.study import read_study
from tilseq.tables.contamination import SAMPLE_IDENTITY
from tilseq.tables.inputs import ASSAYS, ROLES


@pytest.fixture
def subject(tmp_path, sample, write_clones, write_contigs):
    return Subject(tmp_path, sample, write_clones, write_contigs)


def test_lots_are_one_reference(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("lot2", LOT2, specimen="infusion_product")
    tables = subject.add("d28", DAY28).run()
    row = mass(tables)
    assert (row["value"], row["n"], row["status"], row["value_text"]) == (0.6, 100, "quantified", None)
    assert row["qualifier"] == "locus=TRB;reference=infusion_product"
    assert tables["quality"].height == 0


def test_a_failed_library_does_not_set_the_depth_in_common(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28).add("d42", {"AAA": 50, "TTT": 150}, day=42)
    # 4 counted of 1,000 cells: below a twentieth, so that its check `depth` fails
    tables = subject.add("d56", {"AAA": 3, "TTT": 1}, day=56, cells=1000).run()
    at_n = tables["persistence"].filter(measure="clones_at_n")
    assert dict(at_n.select("sample", "at_cells").iter_rows()) == {"d28": 100, "d42": 100}
    told = "it failed a check: nothing is told of it at the depth that other samples have in common"
    assert tables["quality"].select("sample", "check", "reason").rows() == [("d56", "common depth", told)]


@pytest.mark.parametrize(("held", "told"), [(11, []), (30, ["30% of TRB"])])  # Clopper-Pearson of 11 of 100: from 5.6 %
def test_blood_of_before_that_holds_much_of_the_product_is_a_warning(subject, held, told):
    subject.add("lot1", {"AAA": 100}, specimen="infusion_product")
    tables = subject.add("early", {"AAA": held, "TTT": 100 - held}, day=-10).add("d28", {"AAA": 90, "CCC": 10}).run()
    found = tables["quality"].filter(check="before the infusion")
    assert found.select("sample", "verdict").rows() == [("early", "warn")] * len(told)
    assert [
        share for share, reason in zip(told, found["reason"], strict=True) if f"hold {share} of this" in reason
    ] == told


def test_a_product_and_later_blood_that_were_exchanged_are_a_warning(subject):
    subject.add("lot1", {"AAA": 450, "GGG": 50}, specimen="infusion_product").add("early", {"GGG": 90}, day=-10)
    tables = subject.add("d7", {"AAA": 500}).add("d28", {"AAA": 300, "GGG": 200}, day=29).run()
    found = tables["quality"].filter(check="exchanged with the product")
    assert found.select("sample", "verdict").rows() == [("d7", "warn")]
    assert found["reason"][0].startswith("of blood before the infusion the product holds 10.0% in clones that this")


def test_a_product_and_blood_of_before_that_were_exchanged_are_a_warning(subject):
    subject.add("lot1", {"EEE": 500}, specimen="infusion_product").add("early", {"AAA": 400, "CCC": 100}, day=-10)
    tables = subject.add("tumor", {"AAA": 90}, specimen="tumor", day=-40).add("d7", {"AAA": 450, "EEE": 50}).run()
    found = tables["quality"].filter(check="exchanged with the product")
    assert found.select("sample", "verdict").rows() == [("early", "warn")]
    assert found["reason"][0].startswith(
        "clones of the tumour hold 80.0% of this blood of before the infusion and 0.0%"
    )


LOST = (
    "lot2 of the reference left no clonotypes, so the numbers would be too low: mend its file, "
    "or write `failed` under its status to go on without it"
)


@pytest.mark.parametrize("lot", [None, {}], ids=["unreadable", "without a clone"])
def test_a_lot_without_clonotypes_leaves_no_number_and_says_why(subject, lot):
    # Without lot 2 the mass would be 0.1 instead of 0.6.
    subject.add("lot1", LOT1, specimen="infusion_product").add("lot2", lot, specimen="infusion_product")
    tables = subject.add("d28", DAY28).run()
    row = mass(tables)
    assert (row["sample"], row["value"], row["status"], row["method"]) == ("d28", None, "not_evaluable", LOST)
    assert row["qualifier"] == "locus=TRB;reference=infusion_product"
    assert tables["persistence"].height == 0
    assert tables["quality"].select("sample", "verdict", "reason").rows() == [("d28", "fail", LOST)]


def test_a_product_that_failed_altogether_leaves_no_number_and_says_why(subject):
    tables = subject.add("d28", DAY28).run(failed=["lot1"])
    row = mass(tables)
    assert (row["value"], row["status"], row["method"]) == (None, "not_evaluable", "no reference: lot1 failed")
    assert tables["quality"]["verdict"].to_list() == ["fail"]


def test_a_later_sample_that_failed_is_absent(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d7", None).add("d28", DAY28)
    tables = subject.run()
    assert tables["persistence"]["sample"].unique().to_list() == ["d28"]


def test_a_broken_reference_of_an_assay_without_later_samples_is_not_needed(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28)
    subject.add("bcr_lot", None, specimen="infusion_product", assay="bcr")
    assert mass(subject.run())["value"] == pytest.approx(0.1)


def test_a_lot_that_the_study_calls_failed_is_a_warning(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28)
    tables = subject.run(failed=["lot2"])
    assert mass(tables)["value"] == pytest.approx(0.1)
    assert tables["quality"].select("sample", "check", "verdict", "reason").rows() == [
        ("d28", "persistence", "warn", "lot2 of the reference failed and is left out: the numbers are too low")
    ]


def kept(tables):
    return tables["endpoints"].filter(parameter="product_mass_kept")["value"].to_list()


@pytest.mark.parametrize("count", ["templates", "cells", "duplicate_count"])
def test_lots_that_count_different_things_are_seen_but_not_summed(subject, count):
    lots(subject, other="cells").add("d28", DAY28, count=count)
    tables = subject.run()
    assert (mass(tables)["value"], kept(tables)) == (0.6, [None])
    ((name, check, verdict, reason),) = tables["quality"].select("sample", "check", "verdict", "reason").rows()
    assert (name, check, verdict) == ("d28", "reference", "pass")
    assert reason == (
        "mass of clones seen in any of lot1 (templates), lot2 (cells); product mass kept: not told, as no kind of "
        "count is had of the whole reference and is the sample's own"
    )


# The product's bulk library holds AAA and CCC; the contigs of its cells hold AAA and GGG.
BULK, CONTIGS = {"AAA": 60, "CCC": 20}, {"AAA": 3, "GGG": 1}


def bulk_and_contigs(subject, **both):
    subject.add("bulk", BULK, **{"specimen": "infusion_product", **both})
    return subject.add("contigs", CONTIGS, count="cells", **{"specimen": "infusion_product", "library": "L1", **both})


@pytest.mark.parametrize(
    ("count", "share", "served"),
    [("templates", 0.75, "bulk (templates)"), ("cells", 1.0, "contigs (cells)")],
)
def test_a_clone_is_infused_where_any_library_shows_it(subject, count, share, served):
    tables = bulk_and_contigs(subject, lot="A").add("d28", DAY28, count=count).run(infusions=[(0, "A")])
    assert masses(tables) == {"d28": 0.6}
    assert kept(tables) == [share]
    assert mass(tables)["n"] == 100
    reason = f"mass of clones seen in any of bulk (templates), contigs (cells); product mass kept: that of {served}"
    assert tables["quality"].select("sample", "check", "verdict", "reason").rows() == [
        ("d28", "reference", "pass", reason)
    ]


@pytest.mark.parametrize(("product", "count"), [("cells", "templates"), ("templates", "cells")])
def test_a_reference_that_counts_one_other_thing_serves(subject, product, count):
    subject.add("lot2", LOT2, specimen="infusion_product", count=product).add("d28", DAY28, count=count)
    tables = subject.run()
    assert masses(tables) == {"d28": 0.5}
    assert (mass(tables)["n"], tables["quality"].height) == (100, 0)


def test_what_is_had_of_every_lot_serves_a_sample_that_counts_the_rest(subject):
    # Lot A in bulk and by cells, lot B by cells alone: bulk alone would lack lot B.
    bulk_and_contigs(subject, lot="A").add("b", {"TTT": 5}, specimen="infusion_product", count="cells", lot="B")
    tables = subject.add("d28", DAY28).run(infusions=[(0, "A"), (0, "B")])
    assert masses(tables) == {"d28": 1.0}
    (reason,) = tables["quality"]["reason"]
    assert reason.endswith("product mass kept: that of contigs (cells), b (cells)")


def test_of_two_kinds_neither_the_samples_own_none_is_picked(subject):
    tables = bulk_and_contigs(subject).add("d28", DAY28, count="duplicate_count").run()
    assert (mass(tables)["value"], kept(tables)) == (0.6, [None])


def test_a_tumor_in_bulk_and_by_cells(subject):
    bulk_and_contigs(subject, specimen="tumor", visit="harvest", lesion="T1").add("d28", DAY28)
    tables = subject.run(reference="tumor")
    assert (masses(tables), kept(tables)) == ({"d28": 0.6}, [0.75])
    # The cells of another lesion are no other view of the same.
    subject.add("t2", {"GGG": 4}, specimen="tumor", visit="harvest", lesion="T2", count="cells")
    tables = subject.run(reference="tumor")
    assert masses(tables) == {"d28": 0.6}
    (reason,) = tables["quality"]["reason"]
    assert reason.endswith("product mass kept: that of contigs (cells), t2 (cells)")


# Blood by its cells: 60 % and 70 % of the counts are of clones of the whole product.
BOTH = {"TRB": DAY28, "TRA": {"ACA": 20, "GTG": 50, "TGT": 30}}
ONLY = "TRA is only in {} of the reference: too small a part of it for a number"


def of_locus(tables, locus):
    """Return value and status of mass and of product mass kept in one locus."""
    rows = tables["endpoints"].filter(qualifier=f"locus={locus};reference=infusion_product").sort("parameter")
    return rows.filter(pl.col("parameter").is_in(["persistence_mass", "product_mass_kept"]))["value", "status"].rows()


def test_a_locus_of_few_cells_beside_a_deep_library_of_another_has_no_mass(subject):
    # The bulk library holds no TRA: of the product's TRA a few cells are known, and the mass would be 0.2 for 0.7.
    subject.add("bulk", BULK, specimen="infusion_product", lot="A")
    cells = {"TRB": CONTIGS, "TRA": {"ACA": 3, "CAC": 1}}
    subject.add("contigs", cells, specimen="infusion_product", lot="A", count="cells")
    tables = subject.add("d28", BOTH, count="cells").run(infusions=[(0, "A")])
    assert of_locus(tables, "TRB") == [(0.6, "quantified"), (1.0, "quantified")]
    # What is kept is a share of the cells seen of the product, however few they are.
    assert of_locus(tables, "TRA") == [(None, "not_evaluable"), (0.75, "quantified")]
    row = mass(tables, qualifier="locus=TRA;reference=infusion_product")
    assert (row["method"], row["lower"], row["n"]) == (ONLY.format("contigs (cells)"), None, None)
    held = tables["persistence"].filter(locus="TRA", measure="mass")
    assert held.select("value", "lower", "upper", "n_effective", "limit_of_detection").row(0) == (None,) * 5
    ((check, verdict, reason),) = tables["quality"].select("check", "verdict", "reason").rows()
    assert (check, verdict) == ("reference", "warn")
    seen_in = "mass of clones seen in any of bulk (templates), contigs (cells)"
    assert reason.startswith(f"{seen_in}; product mass kept: that of")
    assert reason.endswith(f"; {ONLY.format('contigs (cells)')}")


def test_a_locus_that_one_lot_lacks_has_no_numbers(subject):
    subject.add("lot1", {"TRB": LOT1, "TRA": {"ACA": 5}}, specimen="infusion_product", lot="A")
    subject.add("lot2", LOT2, specimen="infusion_product", lot="B")
    tables = subject.add("d28", BOTH).run(infusions=[(0, "A"), (0, "B")])
    assert of_locus(tables, "TRB") == [(0.6, "quantified"), (0.8, "quantified")]
    assert of_locus(tables, "TRA") == [(None, "not_evaluable")] * 2
    assert tables["quality"].select("sample", "check", "verdict", "reason").rows() == [
        ("d28", "reference", "warn", ONLY.format("lot1 (templates)"))
    ]


def test_loci_that_were_sequenced_apart_are_both_whole(subject):
    subject.add("beta", LOT1, specimen="infusion_product", lot="A")
    subject.add("alpha", {"ACA": 1, "GTG": 9}, specimen="infusion_product", lot="A", gene="TRA")
    tables = subject.add("d28", BOTH).run(infusions=[(0, "A")])
    assert of_locus(tables, "TRB") == [(0.1, "quantified"), (0.75, "quantified")]
    assert of_locus(tables, "TRA") == [(0.7, "quantified"), (1.0, "quantified")]
    assert tables["quality"].height == 0


def test_a_locus_that_only_the_deep_library_holds_is_whole(subject):
    subject.add("bulk", {"TRB": BULK, "TRA": {"ACA": 1, "GTG": 9}}, specimen="infusion_product", lot="A")
    subject.add("contigs", CONTIGS, specimen="infusion_product", lot="A", count="cells")
    tables = subject.add("d28", BOTH).run(infusions=[(0, "A")])
    assert [value for value, _ in of_locus(tables, "TRB") + of_locus(tables, "TRA")] == [0.6, 0.75, 0.7, 1.0]
    assert tables["quality"]["verdict"].to_list() == ["pass"]


def test_a_sample_of_the_lacking_locus_alone_is_told_why(subject):
    subject.add("bulk", BULK, specimen="infusion_product", lot="A")
    subject.add("contigs", {"TRA": {"ACA": 4}}, specimen="infusion_product", lot="A", count="cells")
    tables = subject.add("d28", {"ACA": 60, "GTG": 40}, gene="TRA").run(infusions=[(0, "A")])
    assert of_locus(tables, "TRA") == [(None, "not_evaluable")] * 2
    assert tables["quality"]["verdict"].to_list() == ["warn"]
    assert ONLY.format("contigs (cells)") in tables["quality"]["reason"][0]


def test_a_sample_of_another_locus_does_not_stop_the_others(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d7", {"AAA": 5}, gene="TRA").add("d28", DAY28)
    tables = subject.run()
    assert tables["persistence"]["sample"].unique().to_list() == ["d28"]
    ((name, reason),) = tables["quality"].select("sample", "reason").rows()
    assert name == "d7"
    assert reason.startswith(
        "cannot be compared: sample and reference have no locus in common; found 'TRA against TRB'"
    )


def test_nothing_seen_is_below_the_limit_of_detection(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", {"TTT": 100})
    rows = subject.run()["endpoints"].rows(named=True)
    assert {(row["value"], row["status"]) for row in rows} == {(0.0, "not_detected")}
    assert {row["parameter"]: row["value_text"] for row in rows if row["value_text"]} == {
        "persistence_mass": "below detection (limit 0.0295)"
    }
    upper = {row["parameter"]: row["upper"] for row in rows}
    assert upper["persistence_mass"] == pytest.approx(1 - 0.025 ** (1 / 100))


def test_clones_of_blood_before_the_infusion_are_left_out_of_the_new_mass(subject):
    subject.add("lot1", {"AAA": 60, "CCC": 20}, specimen="infusion_product").add("d28", DAY28)
    subject.add("base", {"AAA": 5, "TTT": 95}, day=-8).add("pre0", {"CCG": 5}, day=0, timing="pre")
    tables = subject.run()
    new = tables["endpoints"].filter(parameter="persistence_mass_new")
    assert dict(new.select("sample", "value").iter_rows()) == {"d28": 0.0}
    assert masses(tables)["d28"] == 0.1
    subject = subject.add("d42", {"CCC": 30, "AAA": 20, "TTT": 50}, day=42)
    assert mass(subject.run(), sample="d42")["value"] == 0.5
    new = subject.run()["endpoints"].filter(parameter="persistence_mass_new", sample="d42")
    assert new["value"].to_list() == [0.3]


def test_there_is_no_new_mass_beside_a_baseline_that_is_empty_or_of_another_locus(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28).add("base", {}, day=-8)
    assert subject.run()["endpoints"].filter(parameter="persistence_mass_new").height == 0
    subject.add("other", {"AAA": 5}, gene="TRA", day=-8)
    assert subject.run()["endpoints"].filter(parameter="persistence_mass_new").height == 0


def test_a_sample_of_another_subject_has_no_number_and_says_why(subject):
    folder = subject.folder / "work" / "contamination" / "all"
    folder.mkdir(parents=True)
    counted = {"clones": 1, "counts": 1, "own_compared": 1, "own_agree": 0, "other_compared": 1, "other_agree": 1}
    row = {"sample": "d28", "subject": "S1", "arrived": 0, "content_of": "S2", "verdict": "swapped", "reason": "of S2"}
    SAMPLE_IDENTITY.frame([row | counted]).write_parquet(folder / "sample_identity.parquet")
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", DAY28)
    tables = subject.run(needs=["contamination/all"])
    found = mass(tables)
    why = "of another subject: swapped, of S2"
    assert (found["value"], found["status"], found["method"]) == (None, "not_evaluable", why)
    assert tables["persistence"].height == 0
    assert tables["quality"].select("sample", "verdict", "reason").rows() == [("d28", "fail", why)]


def test_later_samples_are_compared_in_the_cells_that_all_of_one_kind_show(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", {"AAA": 30, "TTT": 70})
    subject.add("d42", {"AAA": 10, "CCC": 30, "TTT": 10}, day=42)
    subject.add("sc", {"AAA": 2}, day=42, count="cells").add("base", {"TTT": 3}, day=-8)
    rows = subject.run()["endpoints"].filter(parameter="persistence_clones_at_n").sort("sample")
    assert rows["sample"].to_list() == ["d28", "d42", "sc"]
    assert rows["n"].to_list() == [50, 50, 2]
    # of 100 counts half are left: a clone of 30 is all but sure to be seen; the other is not there
    assert rows["value"].to_list() == pytest.approx([(1 - 0.5**30) / 2, 1, 0.5])


def test_a_visit_without_cells_is_told_and_the_others_are_compared(subject):
    subject.add("lot1", LOT1, specimen="infusion_product").add("d28", {"AAA": 30, "TTT": 70}, cells=1000)
    reads = {"count": "duplicate_count", "count_of": "reads"}
    subject.add("r28", {"AAA": 30, "TTT": 70}, cells=300, **reads).add("r42", {"AAA": 90, "TTT": 10}, day=42, **reads)
    tables = subject.add("r56", {"AAA": 20, "TTT": 80}, day=56, cells=300, **reads).run()
    compared = tables["persistence"].filter(measure="clones_at_n")["sample"].to_list()
    assert compared == ["d28", "r28", "r56"]
    told = "the cells behind TRB are not known: no limits, and nothing at the depth that other samples have in common"
    assert tables["quality"].filter(check="common depth").select("sample", "verdict", "reason").rows() == [
        ("r42", "warn", told)
    ]


def test_nothing_seen_without_a_number_of_cells_is_not_evaluable(subject):
    subject.add("lot1", LOT1, specimen="infusion_product", count="duplicate_count")
    subject.add("d28", {"TTT": 100}, count="duplicate_count")
    tables = subject.run()
    row = mass(tables)
    assert (row["value"], row["upper"], row["status"], row["value_text"], row["interval_method"]) == (
        None,
        None,
        "not_evaluable",
        None,
        None,
    )
    assert row["method"] == "no clone of the reference is seen, and the cells behind the counts are not known"
    assert tables["persistence"]["value"].to_list() == [None, None]


def test_a_locus_without_a_number_says_on_which_side_it_is_missing(subject):
    subject.add("lot1", {"TRB": LOT1, "TRA": {"ACA": 5}}, specimen="infusion_product").add("d28", DAY28)
    subject.add("d42", {"TRB": DAY28, "TRA": {"ACA": 5}, "TRG": {"GTG": 5}}, day=42)
    found = subject.run()["endpoints"].filter(parameter="persistence_mass").sort("sample", "qualifier")
    assert found.select("sample", "value", "method").rows() == [
        ("d28", None, "no clone of TRA in the sample"),
        ("d28", 0.1, "key: nucleotide junction"),
        ("d42", 1.0, "key: nucleotide junction"),
        ("d42", 0.1, "key: nucleotide junction"),
        ("d42", None, "no clone of TRG in the reference"),
    ]


@pytest.mark.parametrize(
    ("cells", "n"),
    [
        # 1 / (2.4 / cells + 1 / 100): the counts may be reads, which cells yield unequally
        ({"cells": 200.0}, 45.4545454545),
        ({"cells": 200.0, "t_cell_fraction": 0.5}, 29.4117647059),
        ({"input_ng": 1.32, "t_cell_fraction": 0.5}, 29.4117647059),  # 200 cells of 6.6 pg
        ({"input_ng": 1.32}, None),
    ],
)
def test_limits_rest_on_t_cells(subject, cells, n):
    subject.add("lot1", LOT1, specimen="infusion_product", count="duplicate_count")
    subject.add("d28", DAY28, count="duplicate_count", **cells)
    row = mass(subject.run())
    assert row["n"] == (None if n is None else pytest.approx(n, rel=1e-9))
    assert (row["upper"] is None) == (n is None)


STUDY = {
    "study.yaml": "study: s\nvisits: {product: {day: 0}, D28: {day: 28}}\n",
    "subjects.csv": "subject,tumor_type\nS1,melanoma\n",
    "infusions.csv": "subject,infusion,day,lot\nS1,1,0,A\nS1,2,14,B\n",
    "samples.csv": """\
sample,subject,visit,specimen,assay,path,lot,status,role
p1,S1,product,infusion_product,tcr,raw/p1.tsv,A,,
p2,S1,product,infusion_product,tcr,raw/p2.tsv,B,failed,
p3,S1,product,infusion_product,tcr,raw/p3.tsv,B,,blank
d28,S1,D28,blood,tcr,raw/d28.tsv,,,
""",
    "raw/p1.tsv": "1",
    "raw/p3.tsv": "3",
    "raw/d28.tsv": "28",
}


def test_the_plan_names_what_the_study_calls_failed_and_leaves_blanks_out(tmp_path):
    for name, text in STUDY.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (job,) = persistence.plan(read_study(tmp_path))
    assert job.needs == ("repertoire/p1", "repertoire/d28", "template_counting/all")
    assert job.arguments["failed"] == [{"sample": "p2", "assay": "tcr", "lot": "B", "marked_population": None}]
    assert job.arguments["infusions"] == [{"day": 0, "lot": "A"}, {"day": 14, "lot": "B"}]
    (tmp_path / "infusions.csv").write_text("subject,infusion,day,lot,cells\nS1,1,0,A,\nS1,2,14,B,0\n")
    (job,) = persistence.plan(read_study(tmp_path))
    assert job.arguments["infusions"] == [{"day": 0, "lot": "A"}]  # of B no cell was given
    samples = (tmp_path / "samples.csv").read_text()
    (tmp_path / "samples.csv").write_text(samples.replace("raw/p1.tsv,A,,", "raw/p1.tsv,A,failed,"))
    (job,) = persistence.plan(read_study(tmp_path))
    assert job.needs == ("repertoire/d28", "template_counting/all")
    assert [row["sample"] for row in job.arguments["failed"]] == ["p1", "p2"]


def test_a_tumor_as_reference_knows_the_days_of_infusion_and_no_lot(tmp_path):
    for name, text in STUDY.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    study = STUDY["study.yaml"] + "analysis: {repertoire: {reference: tumor}}\n"
    (tmp_path / "study.yaml").write_text(study)
    (tmp_path / "samples.csv").write_text(
        "sample,subject,visit,specimen,assay,path\nt1,S1,product,tumor,tcr,raw/p1.tsv\nd28,S1,D28,blood,tcr,raw/d28.tsv\n"
    )
    (job,) = persistence.plan(read_study(tmp_path))
    # On day 14 cells came that hold clones of the tumour, too: kinetics end there.
    assert job.arguments["infusions"] == [{"day": 0, "lot": None}, {"day": 14, "lot": None}]


@pytest.mark.parametrize("assay", ASSAYS)
@pytest.mark.parametrize("role", ROLES)
def test_whatever_no_step_reads_is_noted(tmp_path, assay, role):
    from importlib import import_module

    for name, text in STUDY.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    row = f"x,S1,D28,blood,{assay},raw/d28.tsv,,,{role}\n"
    (tmp_path / "samples.csv").write_text(STUDY["samples.csv"].splitlines(keepends=True)[0] + row)
    study = read_study(tmp_path)
    steps = [import_module(f"tilseq.steps.{name}") for name in ("flow", "repertoire", "expression", "bulk_rna")]
    planned = any(job.unit == "x" for step in steps for job in step.plan(study))
    # Read with the tubes of its run, or of its subject; an unstimulated tube alone is held against nothing.
    planned |= assay == "flow" and role in ("blank", "stimulated")
    assert planned != any("not analysed" in note and "'x'" in note for note in study.notes)
