import numpy as np
import polars as pl
import pytest

from tilseq.simulate.cells.capture import RECEPTOR, barcodes, capture
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.design import Design
from tilseq.simulate.states import STATES
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import draw_subject

EFFECTOR, CENTRAL = STATES.index("effector"), STATES.index("central_memory")


@pytest.fixture(scope="module")
def subject():
    return draw_subject(1, Design(memory_clones=300))


@pytest.fixture(scope="module")
def mixed(subject):
    """20 infused effectors of clone 7, 30 endogenous central memory cells of clone 7, 10 of clone 9, naive, other."""
    infused, endogenous = np.zeros((2, subject.clones.height, len(STATES)))
    infused[6, EFFECTOR] = 20
    endogenous[6, CENTRAL] = 30
    endogenous[8, CENTRAL] = 10
    return Specimen(infused, endogenous, {"CD4": 15.0, "CD8": 5.0}, {"B": 12.0, "NK": 8.0, "granulocyte": 5_000.0})


@pytest.fixture(scope="module")
def cells(subject, mixed):
    return capture(stream(1), subject, mixed, 8_000)


def test_one_kind_of_cell_is_what_it_is(subject):
    infused = np.zeros((subject.clones.height, len(STATES)))
    infused[41, EFFECTOR] = 1e-3
    only = Specimen(infused, np.zeros_like(infused), {"CD4": 0.0, "CD8": 0.0}, {})
    found = capture(stream(1), subject, only, 50)
    row = subject.clones.row(41, named=True)
    assert found.height == 50
    expected = {"clone": 42, "state": "effector", "lineage": row["lineage"], "infused": True}
    expected |= {name: row[name] for name in RECEPTOR}
    assert found.drop("barcode").unique().to_dicts() == [expected]


def test_kinds_are_drawn_by_how_common_they_are(cells):
    kinds = cells.group_by("clone", "state", "infused").len()
    found = {tuple(row[:3]): row[3] for row in kinds.iter_rows()}
    shares = {
        (7, "effector", True): 0.20,
        (7, "central_memory", False): 0.30,
        (9, "central_memory", False): 0.10,
        (None, "naive", False): 0.20,
        (None, None, False): 0.20,
    }
    assert found.keys() == shares.keys()  # granulocytes are lost
    for kind, share in shares.items():
        assert found[kind] == pytest.approx(8_000 * share, abs=4 * (8_000 * share * (1 - share)) ** 0.5)


def test_lineages_are_those_of_clones_naive_cells_and_other_kinds(subject, cells):
    lineages = {
        kind: dict(cells.filter(which)["lineage"].value_counts().iter_rows())
        for kind, which in {
            "seven": pl.col("clone") == 7,
            "naive": pl.col("state") == "naive",
            "other": pl.col("state").is_null(),
        }.items()
    }
    assert set(lineages["seven"]) == {subject.clones["lineage"][6]}
    assert lineages["naive"]["CD4"] / sum(lineages["naive"].values()) == pytest.approx(0.75, abs=4 * 0.0108)
    assert set(lineages["naive"]) == {"CD4", "CD8"}
    assert lineages["other"]["B"] / sum(lineages["other"].values()) == pytest.approx(0.6, abs=4 * 0.0123)
    assert set(lineages["other"]) == {"B", "NK"}


def test_each_t_cell_has_a_receptor_and_no_other_cell(subject, cells):
    own = cells.filter(pl.col("clone").is_not_null())
    joined = own.join(subject.clones, on="clone")
    for name in RECEPTOR:
        assert joined[name].equals(joined[f"{name}_right"], null_equal=True)
    naive = cells.filter(pl.col("state") == "naive")
    assert naive.select(pl.col("trb_junction", "tra_junction").null_count()).row(0) == (0, 0)
    # Each naive cell has its own; a few are made twice.
    assert naive["trb_junction"].n_unique() > 0.99 * naive.height
    assert naive["trb_v_call"].str.starts_with("TRBV").all()
    assert naive["tra_v_call"].str.starts_with("TRAV").all()
    dual = naive["tra2_junction"].is_not_null()
    assert dual.mean() == pytest.approx(0.1, abs=4 * (0.09 / naive.height) ** 0.5)
    assert (dual == naive["tra2_v_call"].is_not_null()).all()
    other = cells.filter(pl.col("state").is_null())
    assert other.select(pl.col(RECEPTOR).count()).row(0) == (0,) * len(RECEPTOR)


def test_cells_stand_in_random_order(cells):
    halves = [part["clone"].eq_missing(7).mean() for part in (cells[:4_000], cells[4_000:])]
    assert halves[0] == pytest.approx(halves[1], abs=4 * (2 * 0.25 / 4_000) ** 0.5)


def test_barcodes_are_written_as_10x_does_and_each_is_its_own(cells):
    assert cells["barcode"].str.contains("^[ACGT]{16}-1$").all()
    assert cells["barcode"].n_unique() == cells.height == 8_000
    assert len(set(barcodes(stream(1), 5_000))) == len(barcodes(stream(1), 5_000)) == 5_000
    assert barcodes(stream(1), 0) == []


def test_a_stream_gives_the_same_cells(subject, mixed, cells):
    assert capture(stream(1), subject, mixed, 8_000).equals(cells)
    assert not capture(stream(2), subject, mixed, 8_000)["barcode"].equals(cells["barcode"])


def test_no_cells_are_a_table_too(subject, mixed, cells):
    none = capture(stream(1), subject, mixed, 0)
    assert none.height == 0
    assert none.columns == cells.columns


def test_whole_specimens_hold_what_their_kind_does(subject):
    product = capture(stream(3), subject, subject.specimen("infusion_product", -1), 500)
    assert product.filter(pl.col("state").is_not_null())["infused"].all()
    assert set(product["lineage"]) <= {"CD4", "CD8", "B", "NK"}
    tumor = capture(stream(3), subject, subject.specimen("tumor", -45), 500)
    assert not tumor["infused"].any()
    assert "monocyte" in set(tumor["lineage"])
    assert "naive" not in set(tumor["state"]) | set(product["state"])
    early = capture(stream(3), subject, subject.blood(7), 500)
    assert 0 < early["infused"].mean() < 1
    assert not capture(stream(3), subject, subject.blood(-10), 500)["infused"].any()
