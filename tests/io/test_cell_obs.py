from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from anndata import AnnData, read_h5ad

from tilseq.errors import TableError
from tilseq.io import write_cell_labels
from tilseq.tables.cell_labels import CELL_LABELS

COLUMNS = ["product_label", "product_probability", "product_matched_by", "product_junction", "product_share",
           "product_n_effective"]  # fmt: skip


def cells(*names, **obs):
    data = AnnData(np.ones((len(names), 1), np.float32))
    data.obs_names = list(names)
    for name, values in obs.items():
        data.obs[name] = values
    return data


def labels(*rows):
    return CELL_LABELS.frame(
        [dict(zip(("sample", "cell_id", "label", "probability"), row, strict=True)) for row in rows]
    )


LABELS = labels(("s", "AC-1", "infused", 0.99), ("s", "GT-1", "not_seen_in_product", None)).with_columns(
    matched_by=pl.Series(["beta", None]), product_share=pl.Series([0.25, None])
)


def test_labels_stand_beside_the_cells(tmp_path):
    data = cells("GT-1", "TT-1", "AC-1")
    assert write_cell_labels(data, LABELS) == COLUMNS
    assert list(data.obs.columns) == COLUMNS
    assert [None if value != value else value for value in data.obs["product_label"]] == [
        "not_seen_in_product",
        None,
        "infused",
    ]
    assert np.array_equal(data.obs["product_probability"], [np.nan, np.nan, 0.99], equal_nan=True)
    assert np.array_equal(data.obs["product_share"], [np.nan, np.nan, 0.25], equal_nan=True)
    assert str(data.obs["product_label"].dtype) == str(data.obs["product_matched_by"].dtype) == "category"
    data.write_h5ad(tmp_path / "a.h5ad")
    again = read_h5ad(tmp_path / "a.h5ad")
    assert again.obs["product_label"].value_counts().to_dict() == {"infused": 1, "not_seen_in_product": 1}


def test_where_clones_have_an_origin_it_stands_there_too():
    told = LABELS.with_columns(origin=pl.Series(["infused_only", None]))
    data = cells("GT-1", "AC-1")
    assert write_cell_labels(data, told) == [*COLUMNS, "product_origin"]
    assert data.obs["product_origin"].to_list()[1] == "infused_only"


def test_another_key_and_labels_written_twice():
    data = cells("AC-1")
    assert write_cell_labels(data, LABELS, key_added="lot_a")[0] == "lot_a_label"
    write_cell_labels(data, LABELS, key_added="lot_a")
    assert len(data.obs.columns) == len(COLUMNS)


def test_of_a_mudata_the_part_and_the_whole_have_them():
    receptors, whole = cells("GT-1", "AC-1"), cells("AC-1", "GT-1", "NN-1")
    data = SimpleNamespace(mod={"airr": receptors, "gex": whole}, obs=whole.obs)
    write_cell_labels(data, LABELS)
    assert list(receptors.obs["product_label"]) == ["not_seen_in_product", "infused"]
    assert list(data.obs["airr:product_label"])[:2] == ["infused", "not_seen_in_product"]
    assert data.obs["airr:product_label"].isna().tolist() == [False, False, True]
    with pytest.raises(TableError, match="no such part"):
        write_cell_labels(data, LABELS, airr_mod="vdj")


def test_samples_with_the_same_barcodes():
    both = labels(("s", "AC-1", "infused", 0.9), ("t", "AC-1", "no_receptor", None))
    data = cells("AC-1", "GT-1", "ACC-1", sample=["t", "s", "s"])
    both = pl.concat([both, labels(("s", "ACC-1", "infused", 0.9))])
    with pytest.raises(TableError, match="name a barcode twice"):
        write_cell_labels(data, both)
    write_cell_labels(data, both, by="sample")
    assert data.obs["product_label"].tolist()[0] == "no_receptor"
    with pytest.raises(TableError, match="no such column"):
        write_cell_labels(data, both, by="patient")


def test_barcodes_written_in_another_way_are_told():
    with pytest.raises(TableError, match="no cell has a label"):
        write_cell_labels(cells("AC", "GT"), LABELS)


FEW = "too few barcodes stand in both: expression and receptors are of other cells"


def test_barcodes_of_other_cells_are_refused_and_a_part_of_the_cells_is_not():
    names = [f"C{number}-1" for number in range(100)]
    of_all = labels(*((("s", name, "infused", 0.9)) for name in names))
    # 100 labels; 40 of 80, then 39 of 80 cells have one
    write_cell_labels(cells(*names[:40], *(f"T{number}-1" for number in range(40))), of_all)
    other = cells(*names[:39], *(f"T{number}-1" for number in range(41)))
    with pytest.raises(TableError, match=FEW) as error:
        write_cell_labels(other, of_all)
    assert "39 in 80 cells and 100 labels, 49 %" in str(error.value)
    assert list(other.obs.columns) == []
    write_cell_labels(cells(*names[:3]), of_all)
    write_cell_labels(cells(*names, *(f"T{number}-1" for number in range(900))), of_all)


def test_one_sample_of_other_cells_is_refused_beside_another():
    given = labels(*((sample, f"C{number}-1", "infused", 0.9) for sample in "st" for number in range(4)))
    data = cells(*(f"{cell}{number}-1" for cell in "CT" for number in range(4)), sample=["s"] * 4 + ["t"] * 4)
    with pytest.raises(TableError, match="too few barcodes of t stand in both"):
        write_cell_labels(data, given, by="sample")


def test_parts_of_a_mudata_of_other_cells_are_refused():
    receptors = cells("GT-1", "AC-1", "TT-1")
    data = SimpleNamespace(mod={"airr": receptors, "gex": cells("AC-1", "GG-1", "CC-1")}, obs=receptors.obs)
    with pytest.raises(TableError, match=FEW) as error:
        write_cell_labels(data, LABELS)
    assert "1 in 3 cells of gex and 3 cells of airr, 33 %" in str(error.value)
