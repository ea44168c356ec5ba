import hashlib
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from tilseq.errors import TableError
from tilseq.io.h5ad import read_h5ad
from tilseq.simulate.cells.expression import Counted, draw_counts
from tilseq.simulate.cells.h5ad import write_h5ad
from tilseq.simulate.streams import stream
from tilseq.steps.expression import score_file

DRAW = """
import hashlib, sys
import polars as pl
from tilseq.simulate.cells.expression import draw_counts
from tilseq.simulate.cells.h5ad import write_h5ad
from tilseq.simulate.streams import stream
cells = pl.DataFrame({"barcode": [f"C{n}-1" for n in range(40)], "clone": [None] * 40, "state": ["effector"] * 40,
    "lineage": ["CD8"] * 40, "trav": [None] * 40, "trbv": ["TRBV19*01"] * 40, "doublet_of": [None] * 40})
counted = draw_counts(stream(1), cells, "tumor", None, sample_rng=stream(2))
write_h5ad(sys.argv[1], counted, cells.select("barcode", sample=pl.lit("SIM-01_harvest_scrna")))
"""


def small():
    return Counted(
        csr_matrix(np.array([[0, 3, 1], [0, 0, 0]], dtype=np.int32)), ["A", "B", "C"], np.zeros((2, 1)), ["p"]
    )


def obs(*barcodes):
    return pl.DataFrame({"barcode": barcodes, "sample": ["S1"] * len(barcodes)})


def test_what_is_written_is_read_back(tmp_path):
    write_h5ad(tmp_path / "a.h5ad", small(), obs("x-1", "y-1"))
    data = read_h5ad(tmp_path / "a.h5ad")
    assert data.X.toarray().tolist() == [[0, 3, 1], [0, 0, 0]]
    assert list(data.obs_names) == ["x-1", "y-1"]
    assert list(data.var_names) == ["A", "B", "C"]
    assert list(data.obs.columns) == ["sample"]
    assert list(data.obs["sample"]) == ["S1", "S1"]
    assert not data.obsm and not data.uns and data.raw is None


def test_no_cell_at_all_is_a_sound_file(tmp_path):
    empty = Counted(csr_matrix((0, 3), dtype=np.int32), ["A", "B", "C"], np.zeros((0, 1)), ["p"])
    write_h5ad(tmp_path / "a.h5ad", empty, pl.DataFrame(schema={"barcode": pl.String}))
    assert read_h5ad(tmp_path / "a.h5ad").shape == (0, 3)


def test_the_same_draw_gives_the_same_bytes_in_any_process(tmp_path):
    digests = set()
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.h5ad"
        subprocess.run([sys.executable, "-c", DRAW, path], check=True, env=os.environ | {"PYTHONHASHSEED": seed})
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_built_in_gene_sets_are_scored_on_simulated_cells(tmp_path):
    cells = pl.DataFrame({"barcode": [f"C{n}-1" for n in range(60)], "state": ["effector", "naive"] * 30})
    cells = cells.with_columns(lineage=pl.lit("CD8"), clone=None, trav=None, trbv=None, doublet_of=None)
    counted = draw_counts(stream(1), cells, "blood", -10, sample_rng=stream(2))
    write_h5ad(tmp_path / "a.h5ad", counted, cells.select("barcode", "state"))
    scored = score_file(tmp_path / "a.h5ad", sample="none", by="state")
    # The simulator's 1,780 genes hold half of the sets of states; those of whole pathways they do not.
    assert set(scored.coverage.filter(~pl.col("scored"))["axis"]).isdisjoint({"naive", "effector", "exhaustion"})
    values = {(row["sample"], row["set"]): row["value"] for row in scored.scores.rows(named=True)}
    assert values["effector", "cytotoxic_effector"] > values["naive", "cytotoxic_effector"] + 0.3
    assert values["naive", "stem_like_memory"] > values["effector", "stem_like_memory"] + 0.3


@pytest.mark.parametrize("rows", [obs("x-1"), obs("x-1", "x-1"), pl.DataFrame({"cell": ["x", "y"]})])
def test_a_table_that_does_not_fit_is_refused(tmp_path, rows):
    with pytest.raises(TableError):
        write_h5ad(tmp_path / "a.h5ad", small(), rows)
    assert not list(tmp_path.iterdir())
