"""Which matrix holds the raw counts."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from tilseq.errors import AnalysisError
from tilseq.expression import raw_counts

COUNTS = np.array([[1, 0], [2, 3]], np.float32)


def cells(x=COUNTS, raw=None, **layers):
    data = anndata.AnnData(x, var=pd.DataFrame(index=["A", "B"]), layers=layers)
    if raw is not None:
        data.raw = anndata.AnnData(raw, obs=data.obs, var=pd.DataFrame(index=["A", "B", "C"]))
    return data


def refused(data, layer=None):
    with pytest.raises(AnalysisError) as caught:
        raw_counts(data, layer)
    return str(caught.value)


def test_x_a_layer_and_raw_each_by_its_name():
    data = cells(np.log1p(COUNTS), np.array([[4, 5, 6], [7, 8, 9]]), counts=csr_array(COUNTS))
    layer, raw = raw_counts(data, "counts"), raw_counts(data, "raw")
    assert (layer.matrix.toarray().tolist(), layer.genes, layer.place) == (
        [[1, 0], [2, 3]], ("A", "B"), "layers['counts']",
    )  # fmt: skip
    assert (raw.matrix.tolist(), raw.genes, raw.place) == ([[4, 5, 6], [7, 8, 9]], ("A", "B", "C"), "raw")
    plain = raw_counts(cells())
    assert (plain.matrix.tolist(), plain.genes, plain.place) == ([[1, 0], [2, 3]], ("A", "B"), "X")


def test_raw_of_a_part_of_the_cells_is_of_those_cells():
    data = cells(np.log1p(COUNTS), np.array([[4, 5, 6], [7, 8, 9]]))
    assert raw_counts(data[[False, True]], "raw").matrix.tolist() == [[7, 8, 9]]


def test_a_layer_called_raw_is_found_where_the_file_has_no_raw_of_its_own():
    alone = cells(np.log1p(COUNTS))
    alone.layers["raw"] = COUNTS
    assert raw_counts(alone, "raw").place == "layers['raw']"
    both = cells()
    both.raw = both.copy()
    both.layers["raw"] = COUNTS
    assert "both its own raw and a layer of that name" in refused(both, "raw")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            cells(np.log1p(COUNTS), counts=COUNTS, scaled=-COUNTS),
            "; the file also has layers['counts'], layers['scaled']; counts holds raw counts: say so by --layer, or",
        ),
        (
            cells(np.log1p(COUNTS), np.ones((2, 3)), counts=COUNTS),
            "; the file also has raw, layers['counts']; raw or counts holds raw counts",
        ),
        (
            cells(np.log1p(COUNTS), scaled=-COUNTS),
            "; the file also has layers['scaled'], none of which does: give a file with raw counts",
        ),
        (cells(np.log1p(COUNTS)), "; the file has neither layers nor raw: give a file with raw counts"),
    ],
)
def test_logged_values_are_refused_with_a_word_on_where_else_to_look(data, words):
    message = refused(data)
    assert message.startswith("X does not hold raw counts; found '0.693147'; expected whole numbers, 0 or more; ")
    assert words in message


def test_a_layer_that_does_not_hold_counts_is_refused():
    assert refused(cells(scaled=-COUNTS), "scaled").startswith("layers['scaled'] does not hold raw counts; found '-1'")


@pytest.mark.parametrize(
    ("data", "layer", "words"),
    [
        (cells(counts=COUNTS), "count", "no such layer; found 'count'; did you mean 'counts'?"),
        (cells(spliced=COUNTS, unspliced=COUNTS), "raw", "no such layer; found 'raw'; it has spliced, unspliced"),
        (cells(), "counts", "no such layer; found 'counts'; it has none: use X"),
    ],
)
def test_a_layer_that_is_not_there_is_refused_with_those_that_are(data, layer, words):
    assert words in refused(data, layer)


def test_cells_scaled_to_one_depth_and_rounded_are_refused():
    # Sums of 10,001, 9,999, 10,000, 10,002 and 10,000.
    data = cells(np.array([[1, 10_000], [9_990, 9], [5_000, 5_000], [2, 10_000], [8_000, 2_000]]))
    assert refused(data) == (
        "X: these are no raw counts, but values that were normalised and rounded; found 'cells whose sums differ by "
        "rounding alone'; give the counts before normalisation; of counts subsampled to one depth, those of all genes"
    )
