"""All tables of a subject's infused clones from literal samples, counted by hand."""

import polars as pl
import pytest

from tilseq.errors import AnalysisError, TableError
from tilseq.repertoire import common_cells, effective_clones, origin_classes, origins, presence, summed, track
from tilseq.repertoire.track import changes, follow, with_product

PRODUCT = {"AAA": 5000, "CCC": 2000, "GGG": 1000}
BASELINE = {"CCC": 40, "TTT": 7960}
DAY7 = {"AAA": 4000, "CCC": 2000, "TTT": 1990, "NEW": 10}
DAY28 = {"AAA": 1000, "TTT": 7000}


def sample(counts, n="counts", locus="TRB"):
    table = pl.DataFrame({"locus": locus, "junction": list(counts), "duplicate_count": list(counts.values())})
    return effective_clones(table, float(sum(counts.values())) if n == "counts" else n)


LATER = {"day7": sample(DAY7), "day28": sample(DAY28)}
LOT = {"lot": sample(PRODUCT)}


def test_every_table_by_hand():
    found = track(LATER, LOT, baseline={"before": sample(BASELINE)})
    mass = found.persistence.filter(measure="mass").select("sample", "value")
    assert dict(mass.iter_rows()) == {"before": 40 / 8000, "day7": 6000 / 8000, "day28": 1000 / 8000}
    new = found.persistence.filter(measure="mass_new").select("sample", "value")
    assert dict(new.iter_rows()) == {"day7": 4000 / 8000, "day28": 1000 / 8000}
    assert dict(found.origins.select("junction", "origin").iter_rows()) == {
        "AAA": "infused_only",
        "CCC": "infused_and_preexisting",
        "GGG": "infused_only",
        "TTT": "preexisting_only",
        "NEW": "indeterminate",
    }
    calls = {(row["sample"], row["junction"]): row["call"] for row in found.clones.iter_rows(named=True)}
    assert [calls[name, "CCC"] for name in ("lot", "before", "day7", "day28")] == ["present"] * 3 + ["absent"]
    sizes = dict(found.origin_classes.select("origin", "clones").iter_rows())
    assert sizes == {"infused_only": 2, "infused_and_preexisting": 1, "preexisting_only": 1, "indeterminate": 1}


def test_samples_may_be_of_pandas():
    later, lot, before = (
        {name: clones.to_pandas() for name, clones in given.items()}
        for given in (LATER, LOT, {"before": sample(BASELINE)})
    )
    found = track(later, lot, baseline=before)
    mass = found.persistence.filter(measure="mass").select("sample", "value")
    assert dict(mass.iter_rows()) == {"before": 40 / 8000, "day7": 6000 / 8000, "day28": 1000 / 8000}
    sizes = dict(found.origin_classes.select("origin", "clones").iter_rows())
    assert sizes == {"infused_only": 2, "infused_and_preexisting": 1, "preexisting_only": 1, "indeterminate": 1}
    product, baseline = lot["lot"], before["before"]
    again = origins(product, baseline=baseline, later=summed(list(later.values())).to_pandas())
    assert again.equals(found.origins)
    assert origin_classes(again.to_pandas(), product, baseline).equals(found.origin_classes)
    assert common_cells(later) == {"TRB": 8000.0}
    assert presence(later, product, threshold=0.01).filter(junction="GGG")["call"].to_list() == ["absent", "absent"]


def test_samples_that_lack_a_column_are_refused():
    lacking = sample(DAY7).drop("counting")
    for call in (lambda: summed([sample(DAY28), lacking]), lambda: common_cells({"day7": lacking})):
        with pytest.raises(
            TableError, match="column counting: a sample as `effective_clones` gives it needs this column"
        ):
            call()


def test_a_visit_of_unknown_cells_leaves_the_others_compared():
    found = track({**LATER, "reads": sample(DAY28, None)}, LOT)
    at_n = found.persistence.filter(measure="clones_at_n")
    assert dict(at_n.select("sample", "at_cells").iter_rows()) == {"day7": 8000, "day28": 8000}
    assert found.persistence.filter(sample="reads")["measure"].to_list() == ["mass", "product_mass_kept"]


def test_followed_are_clones_of_the_product_that_blood_shows_and_large_ones():
    small = {"AAA": 7990, "ZZZ": 10}
    followed, *_ = follow({"day7": sample(small)}, {"lot": sample({"AAA": 4000, "QQQ": 1})}, {}, {}, threshold=0.01)
    assert set(followed["junction"]) == {"AAA"}  # QQQ no blood shows, ZZZ is not of the product


def test_lots_are_taken_together_each_by_its_cells():
    lots = {"one": sample({"AAA": 100}, 50.0), "two": sample({"AAA": 10, "CCC": 90}, 100.0)}
    found = track({"day7": sample({"AAA": 5, "TTT": 5})}, lots)
    # of 150 effective cells 50 + 10 are of AAA
    kept = found.persistence.filter(measure="product_mass_kept")["value"].item()
    assert kept == pytest.approx(60 / 150)


def test_changes_tell_clones_of_the_product_from_all_others():
    found = changes(LOT, LATER, subject="S1")
    pairs = found.select("sample_before", "sample_after").unique().sort(pl.all()).rows()
    assert pairs == [("day7", "day28"), ("lot", "day28"), ("lot", "day7")]
    expanded = found.filter(call="expanded", sample_before="lot").select("sample_after", "junction", "in_product")
    assert expanded.sort(pl.all()).rows() == [("day28", "TTT", False), ("day7", "NEW", False), ("day7", "TTT", False)]
    assert set(found.filter("in_product")["junction"]) == {"AAA", "CCC", "GGG"}
    assert set(found["family"]) == {f"S1, {one} to {other}, TRB" for one, other in pairs}


def test_loci_of_which_the_cells_are_not_known_take_no_part_in_changes():
    assert changes(LOT, {"reads": sample(DAY28, None)}).height == 0
    both = pl.concat([sample(DAY28), sample(DAY28, None, "TRA")])
    assert set(changes(LOT, {"day28": both})["locus"]) == {"TRB"}


def test_visits_are_held_against_the_next_of_their_locus_where_each_locus_is_a_library_of_its_own():
    later = {
        "a7": sample(DAY7, locus="TRA"),
        "b7": sample(DAY7),
        "a28": sample(DAY28, locus="TRA"),
        "b28": sample(DAY28),
    }
    pairs = changes(LOT, later).select("locus", "sample_before", "sample_after").unique().sort(pl.all()).rows()
    assert pairs == [("TRA", "a7", "a28"), ("TRB", "b7", "b28"), ("TRB", "lot", "b28"), ("TRB", "lot", "b7")]


def test_a_visit_of_unknown_cells_stands_between_no_two_others():
    later = {"day7": sample(DAY7), "reads": sample(DAY7, None), "day28": sample(DAY28)}
    assert ("day7", "day28") in changes(LOT, later).select("sample_before", "sample_after").rows()


def test_a_clone_is_of_the_product_by_locus_and_junction():
    changed = changes(LOT, {"day28": sample(DAY28)})
    other = pl.DataFrame({"locus": ["TRA", "TRB"], "junction": ["AAA", "TTT"]})
    assert dict(with_product(changed, other).select("junction", "in_product").iter_rows())["AAA"] is False
    assert dict(with_product(changed, other).select("junction", "in_product").iter_rows())["TTT"] is True


def test_what_cannot_be_tracked_is_refused():
    with pytest.raises(AnalysisError, match="no sample of blood after the infusion is given"):
        track({}, LOT)
    with pytest.raises(AnalysisError, match="no sample of the product is given"):
        track(LATER, {})
    with pytest.raises(AnalysisError, match="two samples bear one name; found 'lot'"):
        track({**LATER, "lot": sample(DAY28)}, LOT)  # of whose two tables one would be lost
    with pytest.raises(TableError, match="column frequency: a sample as `effective_clones` gives it needs this column"):
        track({"day7": sample(DAY7).drop("frequency")}, LOT)
