import math
from dataclasses import replace

import polars as pl
import pytest

from tilseq.errors import AnalysisError, TableError
from tilseq.repertoire import Miscounting, ProductLot, cell_labels, chain_pairing, depth, share_cells
from tilseq.repertoire.chain_search import COLLISIONS
from tilseq.repertoire.product_lots import product_of

PRODUCT = {f"B{i}": i for i in range(1, 31)}  # 465 counts


def cells(of_cells, sample="blood", **further):
    """Return the table of cells: cell → its chains, of which B… are TRB, A… TRA, H… IGH, those with more UMIs first."""
    loci = {"B": "TRB", "A": "TRA", "H": "IGH", "G": "TRG"}
    rows = [
        {"cell_id": cell, "locus": loci[one[0]], "junction": one, "junction_aa": "CAF", "umi_count": 9 - place}
        for cell, chains in of_cells.items()
        for place, one in enumerate(chains.split())
    ]
    return chain_pairing(pl.DataFrame(rows), sample=sample, cells=of_cells, **further)


def bulk(counts, name="bulk", n_effective=None, locus="TRB"):
    table = pl.DataFrame({"junction": list(counts), "duplicate_count": list(counts.values())})
    effective = sum(counts.values()) if n_effective is None else n_effective
    return ProductLot(name, table.with_columns(locus=pl.lit(locus)), {locus: effective})


def single(of_cells, name="cells"):
    receptors = cells(of_cells, name)
    places = ("vj_1", "vj_2", "vdj_1", "vdj_2")
    chains = pl.concat(receptors.select(locus=f"{p}_locus", junction=f"{p}_junction") for p in places).drop_nulls()
    table = chains.group_by("locus", "junction").agg(duplicate_count=pl.len())
    return ProductLot(name, table, share_cells(depth(table, sample=name, count_of="cells")), receptors)


def labelled(of_cells, *lots, columns=("label", "matched_by", "junction")):
    found = cell_labels(cells(of_cells), lots)
    return {row[0]: row[1:] for row in found.select("cell_id", *columns).rows()}


BLOOD = {
    "pair": "B30 A1",
    "beta": "B30",
    "other": "X1 A2",
    "dropout": "A1",
    "dropout of other": "A2",
    "strange": "A3",
    "two seen": "B30 B29",
    "one of two": "B30 X1",
    "b cell": "H1",
    "gamma": "G1",
    "doublet": "B30 H1 A1",
    "none": "",
}


def test_labels_by_a_bulk_product_of_beta():
    blood = {cell: chains.replace("X", "BX") for cell, chains in BLOOD.items()}
    assert labelled(blood, bulk(PRODUCT)) == {
        "pair": ("infused", "beta", "B30"),
        "beta": ("infused", "beta", "B30"),
        "other": ("not_seen_in_product", None, "BX1"),
        "dropout": ("infused", "alpha_of_mate", "B30"),
        "dropout of other": ("not_seen_in_product", None, "BX1"),
        "strange": ("undecided", None, None),
        "two seen": ("infused", "beta", "B30"),
        "one of two": ("undecided", "beta", "B30"),
        "b cell": ("no_receptor", None, None),
        "gamma": ("no_receptor", None, None),
        "doublet": ("undecided", None, None),
        "none": ("no_receptor", None, None),
    }


def test_labels_by_single_cells_of_the_product():
    product = {f"{i}": f"B{i} A{i}" for i in range(1, 31)} | {"dual": "B40 A40 A41", "alone": "A50"}
    blood = {
        "both": "B1 A1",
        "second of the product": "B40 A41",
        "second of the cell": "B1 A99 A1",
        "beta alone": "B1",
        "another alpha": "B1 A99",
        "alpha of another": "B98 A1",
        "alpha alone": "A1",
        "one alpha of two": "A1 A97",
        "alpha that was alone": "B97 A50",
        "neither": "B96 A96",
        "alpha not seen": "A95",
    }
    assert labelled(blood, single(product)) == {
        "both": ("infused", "both", "B1"),
        "second of the product": ("infused", "alpha_of_dual", "B40"),
        "second of the cell": ("infused", "alpha_of_dual", "B1"),
        "beta alone": ("infused", "beta", "B1"),
        "another alpha": ("undecided", "beta", "B1"),
        "alpha of another": ("undecided", None, "B98"),
        "alpha alone": ("infused", "alpha", "A1"),
        "one alpha of two": ("infused", "alpha_of_dual", "A1"),
        "alpha that was alone": ("undecided", "alpha", "A50"),
        "neither": ("not_seen_in_product", None, "B96"),
        "alpha not seen": ("not_seen_in_product", None, "A95"),
    }


def test_both_chains_read_in_bulk():
    alpha = bulk({f"A{i}": i for i in range(1, 31)}, "alpha", locus="TRA")
    blood = {"both": "B3 A3", "beta": "B3 A90", "alpha": "B90 A3", "none": "B91 A91", "dropout": "A4"}
    found = labelled(blood, bulk(PRODUCT), alpha, columns=("label", "matched_by", "probability"))
    assert {cell: row[:2] for cell, row in found.items()} == {
        "both": ("infused", "both"),
        "beta": ("infused", "beta"),
        "alpha": ("undecided", "alpha"),
        "none": ("not_seen_in_product", None),
        "dropout": ("infused", "alpha"),
    }
    # A TRA that the product has makes it likelier that the TRB was missed, one that it lacks less likely.
    assert found["alpha"][2] > labelled(blood, bulk(PRODUCT), columns=("probability",))["none"][0] > found["none"][2]
    assert found["both"][2] > found["beta"][2]


def test_what_the_product_has_of_a_clone():
    columns = ("product_count", "product_share", "product_lots", "product_n_effective", "cells_of_clone")
    blood = {"a": "B1", "b": "B1", "c": "B9"}
    lots = [bulk({"B1": 3, "B2": 7} | {f"C{i}": 1 for i in range(30)}, "one", 30), bulk({"B1": 1, "B3": 3}, "two", 4)]
    found = labelled(blood, *lots, columns=columns)
    assert found["a"] == found["b"] == (4, pytest.approx((3 / 40 + 1 / 4) / 2), "one;two", 34, 2)
    assert found["c"] == (None, None, None, 34, 1)


def test_a_match_is_as_sure_as_it_is_not_by_chance():
    blood = {"in": "B1 A1", "out": "B90 A90", "too": "B91 A91"}
    lots = [bulk(PRODUCT)]
    sure = cell_labels(cells(blood), lots, collisions={"TRB": 0.0}).filter(cell_id="in")["probability"][0]
    assert sure == pytest.approx(1 - 0.5 / 4)  # three cells with a TRB, none with two
    often = cell_labels(cells(blood), lots, collisions={"TRB": 0.01})
    missed = often.filter(pl.col("cell_id") != "in")["probability"].to_list()
    by_chance = (0.5 + sum(1 - chance for chance in missed)) * -math.expm1(-0.01 * 30)
    assert often.filter(cell_id="in")["probability"][0] == pytest.approx((1 - by_chance) * (1 - 0.5 / 4))
    row = cell_labels(cells(blood), lots, collisions={"TRB": 0.5}).filter(cell_id="in").row(0, named=True)
    assert (row["label"], row["reason"]) == ("undecided", "more such matches are expected by chance than not")


def test_another_alpha_by_hand():
    """Of three cells of a TRB one has another TRA: 2 of 3 pairs, each cell's share 2 / (3 - 1), differ."""
    product = single({f"{i}": f"B{i} A{i}" for i in range(1, 31)})
    blood = {"a": "B2 A2", "b": "B2 A2", "other": "B2 A77"}
    found = cell_labels(cells(blood), [product], collisions={"TRB": 0.0, "TRA": 0.0}).filter(cell_id="other")
    unlike = (2 * 2 / 2 + 0.5) / (3 + 1)
    false = (0.5 / 4) * (0.5 / 4)  # a foreign TRB, and its own is missing
    odds = (1 - false) * unlike
    assert found.select("label", "reason").row(0) == ("undecided", "the product's cells with its TRB have another TRA")
    assert found["probability"][0] == pytest.approx(odds / (odds + false))


def test_without_depth_there_is_no_chance():
    unknown = ProductLot("reads", bulk(PRODUCT).table, {"TRB": None})
    for lots in ([unknown], [bulk(PRODUCT), unknown]):
        found = cell_labels(cells({"a": "B1", "b": "B90"}), lots)
        assert found.select("label", "probability", "reason").rows() == [
            ("infused", None, "the cells behind TRB of reads are not known"),
            ("not_seen_in_product", None, "the cells behind TRB of reads are not known"),
        ]
    few = cell_labels(cells({"a": "B1", "b": "B90"}), [bulk({"B1": 5})])
    assert few["probability"].to_list() == [None, None]
    assert few["reason"][0] == "the product shows fewer than 20 clones of TRB: what it misses cannot be told"


def test_how_templates_are_counted_is_taken_where_all_libraries_surely_tell_it():
    receptors, lot = cells({"seen": "B30", "missed": "BX1", "missed too": "BX2"}), bulk(PRODUCT)
    of_templates = replace(lot, count_of="templates")
    doubled = pl.DataFrame({"locus": "TRB", "junction": list(PRODUCT), "duplicate_count": [2, 4, 1] * 10})

    def chance(lot, how=None, alike=()):
        told = None if how is None else {"TRB": how}
        return cell_labels(receptors, [lot], miscounted=told, alike=alike)["probability"].to_list()

    learnt, once = chance(of_templates), Miscounting(0.0, False, True, 6)
    # A template that is counted once is a cell, and other products have nothing to say.
    of_cells = chance(replace(lot, count_of="cells"))
    assert chance(of_templates, once) == chance(of_templates, once, [doubled]) == pytest.approx(of_cells)
    assert of_cells[1] < 0.9 * learnt[1]
    assert chance(of_templates, Miscounting(1.0, False, True, 6))[1] > 1.1 * learnt[1]
    # Not sure, told by no library, or of another locus: learnt from the product.
    for how in (once._replace(sure=False), once._replace(libraries=0)):
        assert chance(of_templates, how) == learnt
    assert cell_labels(receptors, [of_templates], miscounted={"TRA": once})["probability"].to_list() == learnt
    assert chance(lot, once) == chance(lot)  # of unknown counts it is not asked


def test_samples_are_labelled_each_by_itself():
    one, other = cells({"a": "B1", "b": "B90"}, "one"), cells({"a": "B90", "b": "B90"}, "other")
    found = cell_labels(pl.concat([one, other]), [bulk(PRODUCT)])
    assert found.select("sample", "cell_id", "label", "cells_of_clone").rows() == [
        ("one", "a", "infused", 1),
        ("one", "b", "not_seen_in_product", 1),
        ("other", "a", "not_seen_in_product", 2),
        ("other", "b", "not_seen_in_product", 2),
    ]
    assert found.filter(sample="one").equals(cell_labels(one, [bulk(PRODUCT)]))
    assert cell_labels(one.clear(), [bulk(PRODUCT)]).height == 0


def test_pandas_is_taken_too():
    frame = cells({"a": "B1"})
    lot = bulk(PRODUCT)
    of_pandas = cell_labels(frame.to_pandas(), [ProductLot("bulk", lot.table.to_pandas(), lot.n_effective)])
    assert of_pandas.equals(cell_labels(frame, [lot]))


def test_errors():
    frame = cells({"a": "B1"})
    with pytest.raises(AnalysisError, match="bear one name"):
        cell_labels(frame, [bulk(PRODUCT), bulk(PRODUCT)])
    for lots in ([], [bulk({"H1": 3}, locus="IGH")]):
        with pytest.raises(AnalysisError, match="no clonotype of TRA or TRB"):
            cell_labels(frame, lots)
    with pytest.raises(AnalysisError, match="no such locus"):
        cell_labels(frame, [bulk(PRODUCT)], collisions={"TRG": 0.1})
    with pytest.raises(AnalysisError, match="cannot be that"):
        cell_labels(frame, [bulk(PRODUCT)], collisions={"TRB": 1})
    for impossible in (0.0, -5.0, math.nan, 466.0):
        with pytest.raises(AnalysisError, match="effective number of cells of bulk, TRB cannot exceed its counts"):
            cell_labels(frame, [bulk(PRODUCT, n_effective=impossible)])
    with pytest.raises(TableError, match="labelling of cells needs this column"):
        cell_labels(frame.drop("doublet"), [bulk(PRODUCT)])
    with pytest.raises(TableError, match="has no name"):
        cell_labels(frame.with_columns(sample=pl.lit(None, pl.String)), [bulk(PRODUCT)])
    with pytest.raises(TableError, match="a cell stands in several rows"):
        cell_labels(pl.concat([frame, cells({"a": "B90"})]), [bulk(PRODUCT)])


def test_chains_that_stand_together_in_the_product():
    product = product_of([single({"a": "B1 A1 A2", "b": "B1 A1", "c": "A3", "d": "B2"})])
    assert sorted(product.pairs.rows()) == [("B1", "A1", False), ("B1", "A2", True)]
    assert (product.alone, product.apart) == ({"A3"}, 1)


def test_junctions_in_common_of_four_people_are_counted(shared_data):
    """The default chances: all junctions of two people held against one another."""
    found = {"TRA": [0, 0], "TRB": [0, 0]}
    people = []
    for patient in ("P17", "P18", "P19", "P20"):
        files = [shared_data / "screpertoire" / "contigs" / f"{patient}{place}_filtered_contig_annotations.csv.gz"
                 for place in "BL"]  # fmt: skip
        rows = pl.concat(
            [pl.read_csv(file, infer_schema=False).select("chain", "cdr3_nt", "productive") for file in files]
        )
        people.append(rows.filter(productive="True"))
    for locus, sums in found.items():
        junctions = [set(one.filter(chain=locus)["cdr3_nt"]) for one in people]
        for i, one in enumerate(junctions):
            for other in junctions[:i]:
                sums[0] += len(one & other)
                sums[1] += len(one) * len(other)
    assert found == {"TRA": [160, 91_524_615], "TRB": [0, 102_727_868]}
    for locus, (shared, pairs) in found.items():
        assert COLLISIONS[locus] == pytest.approx((shared + 0.5) / pairs, rel=0.01)
