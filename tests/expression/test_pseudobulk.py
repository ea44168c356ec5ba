import sys

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array

from tilseq.errors import AnalysisError
from tilseq.expression.pseudobulk import pseudobulk

COUNTS = np.array([[1, 0], [2, 3], [0, 5], [4, 4], [7, 0], [9, 9]], np.float32)
OBS = {
    "subject": ["P1", "P1", "P1", "P2", "P2", None],
    "visit": ["D28", "D28", "product", "D28", "D28", "D28"],
    "cell_type": ["CD8", "CD8", "CD8", "CD4", "CD8", "CD8"],
    "status": ["infused", "infused", "infused", "not_seen_in_product", "infused", "infused"],
    "sample": ["s2", "s1", "s3", "s4", "s4", "s5"],
    "day": [28, 29, 0, 28, 28, 28],
}


def cells(matrix=COUNTS, obs=OBS):
    obs = pd.DataFrame(obs, index=[f"c{i}" for i in range(matrix.shape[0])])
    return anndata.AnnData(matrix, obs=obs, var=pd.DataFrame(index=["A", "B"]))


@pytest.mark.parametrize("kind", [np.asarray, csr_array, csc_array])
def test_counts_are_summed_by_hand(kind):
    found = pseudobulk(cells(kind(COUNTS)), minimum_cells=1)
    assert dict(zip(found.data.obs_names, found.data.X.toarray().tolist(), strict=True)) == {
        "P1|D28|CD8|infused": [3, 3],
        "P1|product|CD8|infused": [0, 5],
        "P2|D28|CD4|not_seen_in_product": [4, 4],
        "P2|D28|CD8|infused": [7, 0],
    }
    first = found.groups.row(1, named=True)
    # days differ within the group, so it has none
    assert (first["samples"], first["cells"], first["counts"], first["day"]) == ("s1;s2", 2, 6, None)
    assert found.groups["specimen"].null_count() == found.groups.height
    assert list(found.data.obs.columns) == [
        "subject", "visit", "cell_type", "status", "cells", "samples", "day", "counts",
    ]  # fmt: skip


def test_groups_of_few_cells_and_cells_without_a_subject_are_left_out_and_told():
    found = pseudobulk(cells(), minimum_cells=2)
    assert found.data.obs_names.tolist() == ["P1|D28|CD8|infused"]
    assert found.groups.filter(~pl.col("kept")).select("group", "reason").rows() == [
        ("(no subject)|D28|CD8|infused", "cells without a subject"),
        ("P1|product|CD8|infused", "1 cell, fewer than 2"),
        ("P2|D28|CD4|not_seen_in_product", "1 cell, fewer than 2"),
        ("P2|D28|CD8|infused", "1 cell, fewer than 2"),
    ]


def test_a_group_without_counts_is_left_out():
    found = pseudobulk(cells(COUNTS * [[1], [1], [0], [1], [1], [1]]), minimum_cells=1)
    assert ("P1|product|CD8|infused", "no counts") in found.groups.select("group", "reason").rows()


def test_a_matrix_with_a_polars_table_and_columns_of_other_names():
    obs = pl.DataFrame(OBS).rename({"subject": "patient"})
    found = pseudobulk(COUNTS, obs, genes=["A", "B"], columns={"subject": "patient"}, minimum_cells=1)
    assert found.groups.equals(pseudobulk(cells(), minimum_cells=1).groups)
    assert found.data.var_names.tolist() == ["A", "B"]


def test_labels_of_cells_are_statuses():
    obs = pl.DataFrame({"subject": ["P1"] * 3, "product_label": ["not_seen_in_product", "undecided", "infused"]})
    columns = {"status": "product_label"}
    found = pseudobulk(COUNTS[:3], obs, genes=["A", "B"], columns=columns, minimum_cells=1)
    assert found.data.obs_names.tolist() == ["P1|infused", "P1|not_seen_in_product", "P1|undecided"]


def test_large_counts_are_summed_exactly():
    large = np.full((6, 2), 2**24 + 1, dtype=np.int64)
    found = pseudobulk(cells(large), minimum_cells=2)
    assert found.data.X.toarray().tolist() == [[2 * (2**24 + 1)] * 2]


def test_it_can_be_written_and_read(tmp_path):
    found = pseudobulk(cells(), minimum_cells=1)
    found.data.write_h5ad(tmp_path / "sums.h5ad")
    again = anndata.read_h5ad(tmp_path / "sums.h5ad")
    assert again.X.toarray().tolist() == found.data.X.toarray().tolist()
    assert again.obs["subject"].tolist() == ["P1", "P1", "P2", "P2"]


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_nothing_is_lost_however_cells_are_taken(seed, at_once):
    random = np.random.default_rng(seed)
    matrix = random.poisson(1, (30, 4)) + 1
    obs = {"subject": random.choice(["P1", "P2"], 30), "visit": random.choice(["D7", "D28"], 30)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["tilseq.expression.pseudobulk"], "CELLS_AT_ONCE", at_once)
        found = pseudobulk(csr_array(matrix), pl.DataFrame(obs), genes=list("WXYZ"), minimum_cells=1)
    assert found.data.X.sum(axis=0).tolist() == matrix.sum(axis=0).tolist()
    assert found.groups["cells"].sum() == 30
    assert found.groups["counts"].sum() == matrix.sum()


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        ([cells(np.log1p(COUNTS))], {}, "X does not hold raw counts"),
        ([cells(obs={"patient": OBS["subject"]})], {}, "no column of obs tells the subject; found 'subject'"),
        ([cells()], {"columns": {"visit": "visits"}}, "tells the visit; found 'visits'; did you mean 'visit'?"),
        ([cells()], {"columns": {"arm": "arm"}}, "no such part of a group; found 'arm'"),
        ([COUNTS, pl.DataFrame(OBS)], {}, "a matrix needs the symbol of each column"),
        ([COUNTS, pl.DataFrame(OBS).head(2)], {"genes": ["A", "B"]}, "obs does not fit the cells; found '2 rows'"),
    ],
)
def test_what_cannot_be_summed_is_refused(arguments, settings, words):
    with pytest.raises(AnalysisError) as caught:
        pseudobulk(*arguments, **settings)
    assert words in str(caught.value)


def test_a_subject_of_too_few_cells_has_its_groups_told_and_no_sum():
    found = pseudobulk(cells())
    assert found.data.shape == (0, found.data.n_vars)
    assert not found.groups["kept"].any()
    assert "1 cell, fewer than 10" in found.groups["reason"].to_list()


def test_a_value_that_the_first_cell_lacks_is_missing_as_any_other():
    import anndata
    import pandas as pd

    obs = pd.DataFrame({"subject": ["P"] * 4, "visit": [None, "D7", "D7", "D7"]}, index=list("abcd"))
    data = anndata.AnnData(np.ones((4, 2)), obs=obs, var=pd.DataFrame(index=["CD4", "CD8A"]))
    groups = pseudobulk(data, minimum_cells=1).groups
    assert groups.select("visit", "cells", "kept").sort("cells").rows() == [(None, 1, False), ("D7", 3, True)]


def test_na_is_a_missing_subject_or_level():
    obs = pd.DataFrame({"subject": ["P1", "NA", "P2"], "status": ["infused", "infused", "NaN"]})
    found = pseudobulk(COUNTS[:3], obs, genes=["A", "B"], minimum_cells=1)
    assert found.groups.select("group", "kept", "reason").rows() == [
        ("(no subject)|infused", False, "cells without a subject"),
        ("P1|infused", True, None),
        ("P2|(no status)", False, "cells without a status"),
    ]


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_obs_that_names_the_cells_may_stand_in_any_order(kind):
    data, order = cells(), [5, 3, 1, 0, 2, 4]
    obs = data.obs.iloc[order]
    if kind == "polars":
        obs = pl.from_pandas(obs.rename_axis("cell_id").reset_index())
    assert pseudobulk(data, obs, minimum_cells=1).groups.equals(pseudobulk(data, minimum_cells=1).groups)


def test_obs_of_other_cells_is_refused():
    data = cells()
    with pytest.raises(AnalysisError, match="obs is of other cells; found '4 of 6 cells in 6 rows'"):
        pseudobulk(data, data.obs.rename(index={"c0": "x0", "c1": "x1"}), minimum_cells=1)
    numbered = data.obs.reset_index(drop=True)
    assert pseudobulk(data, numbered, minimum_cells=1).groups.equals(pseudobulk(data, minimum_cells=1).groups)


def test_obs_whose_numbers_stand_in_another_order_than_numbered_cells_is_refused():
    data = anndata.AnnData(COUNTS, var=pd.DataFrame(index=["A", "B"]))  # cells are called 0 to 5
    obs = pd.DataFrame(OBS)
    by_place = pseudobulk(COUNTS, obs, genes=["A", "B"], minimum_cells=1)
    assert pseudobulk(data, obs, minimum_cells=1).groups.equals(by_place.groups)
    with pytest.raises(AnalysisError, match="may be meant by place or by number; found .* in another order.; name the"):
        pseudobulk(data, obs.iloc[[5, 3, 1, 0, 2, 4]], minimum_cells=1)


def test_days_of_text_are_read_and_words_refused():
    as_text = pd.DataFrame(OBS | {"day": ["28", "29", "0", "28.0", "28", "NA"]})
    days = pseudobulk(COUNTS, as_text, genes=["A", "B"], minimum_cells=1).groups["day"]
    assert days.to_list() == [None, None, 0, 28, 28]  # unknown; 28 and 29; three of one day each
    with pytest.raises(AnalysisError, match="column day: a day is no whole number; found 'D28'"):
        pseudobulk(COUNTS, pd.DataFrame(OBS | {"day": ["D28"] * 6}), genes=["A", "B"])


def test_a_cell_that_stands_twice_under_other_names_is_refused():
    counts = np.random.default_rng(1).poisson(5.0, (4, 80))
    cells = anndata.AnnData(
        csr_array(np.vstack([counts, counts[2]])), obs=pd.DataFrame({"subject": ["P1"] * 5}, list("abcde"))
    )
    with pytest.raises(AnalysisError, match="two cells hold the same counts; found 'c and e'"):
        pseudobulk(cells)
    assert pseudobulk(cells[:4], minimum_cells=1).groups["cells"].to_list() == [4]
    assert pseudobulk(cells[:, :59], minimum_cells=1).groups["cells"].to_list() == [5]  # too few genes to tell


def test_factors_that_blanks_alone_tell_apart_are_refused():
    obs = pd.DataFrame({"subject": ["P1", "P1"], "visit": ["D28", "D28 "]})
    with pytest.raises(AnalysisError, match="column visit: two words differ only in case, blanks or Unicode form"):
        pseudobulk(np.eye(2), obs, genes=["A", "B"])


def test_a_matrix_of_pandas_and_obs_meet_by_name():
    names = [f"c{i}" for i in range(6)]
    matrix, obs = pd.DataFrame(COUNTS, index=names, columns=["A", "B"]), pd.DataFrame(OBS, index=names)
    found = pseudobulk(matrix, obs[::-1], genes=["A", "B"], minimum_cells=1)
    assert dict(zip(found.data.obs_names, found.data.X.toarray().tolist(), strict=True)) == {
        "P1|D28|CD8|infused": [3, 3],
        "P1|product|CD8|infused": [0, 5],
        "P2|D28|CD4|not_seen_in_product": [4, 4],
        "P2|D28|CD8|infused": [7, 0],
    }
    with pytest.raises(AnalysisError, match="a column of the data frame is another's; found 'B'; expected A"):
        pseudobulk(matrix[["B", "A"]], obs, genes=["A", "B"], minimum_cells=1)
