"""10x's files, of both layouts and both forms, and what is refused."""

import gzip
import pickle
import time

import h5py
import numpy as np
import pytest
from scipy.io import mmwrite
from scipy.sparse import csc_matrix

from tilseq.errors import ReadError
from tilseq.io import read_10x_h5, read_10x_mtx, read_single_cells

# Features × barcodes, as 10x writes them: two rows of CD8A, one retired symbol, one antibody.
COUNTS = np.array([[1, 0], [2, 5], [0, 3], [40, 50]])
IDS = ["ENSG00000153563", "ENSG00000254772", "ENSG00000166803", "CD4_TotalC"]
NAMES = ["CD8A", "CD8A", "KIAA0101", "CD4"]
KINDS = ["Gene Expression"] * 3 + ["Antibody Capture"]
BARCODES = ["AAAC-1", "AAAG-1"]


def write_h5(path, *, version=3, counts=COUNTS, names=NAMES, kinds=KINDS, barcodes=BARCODES, genomes=None, **options):
    matrix, number = csc_matrix(counts), len(counts)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix" if version == 3 else "GRCh38")
        for part in ("data", "indices", "indptr"):
            group.create_dataset(part, data=getattr(matrix, part), **options)
        group["shape"] = np.array(matrix.shape)
        group["barcodes"] = np.array(barcodes, "S")
        if version == 2:
            group["genes"], group["gene_names"] = np.array(IDS[:number], "S"), np.array(names[:number], "S")
            return path
        features = group.create_group("features")
        columns = {"id": IDS, "name": names, "feature_type": kinds, "genome": genomes or ["GRCh38"] * number}
        for part, values in columns.items():
            features[part] = np.array(values[:number], "S")
    return path


def write_mtx(
    folder,
    *,
    prefix="",
    packed=True,
    counts=COUNTS,
    names=NAMES,
    barcodes=BARCODES,
    columns=3,
    features="features.tsv",
):
    folder.mkdir(exist_ok=True)
    mmwrite(folder / "m.mtx", csc_matrix(counts), field="integer")
    rows = zip(IDS, names, KINDS, strict=True)
    texts = {
        "matrix.mtx": (folder / "m.mtx").read_text(),
        features: "".join("\t".join(row[:columns]) + "\n" for row in rows),
        "barcodes.tsv": "".join(f"{one}\n" for one in barcodes),
    }
    (folder / "m.mtx").unlink()
    for name, text in texts.items():
        content = gzip.compress(text.encode()) if packed else text.encode()
        (folder / f"{prefix}{name}{'.gz' * packed}").write_bytes(content)
    return folder


def seen(read):
    genes = read.genes
    return genes.X.toarray().tolist(), list(genes.var_names), list(genes.obs_names), list(genes.var["gene_ids"])


GENES = ([[3, 0], [5, 3]], ["CD8A", "PCLAF"], BARCODES, ["ENSG00000153563;ENSG00000254772", "ENSG00000166803"])


def test_genes_are_summed_by_present_symbol_and_antibodies_kept_apart(tmp_path):
    read = read_10x_h5(write_h5(tmp_path / "a.h5"))
    assert seen(read) == GENES
    antibodies = read.others["Antibody Capture"]
    assert (antibodies.X.toarray().tolist(), list(antibodies.var["name"])) == ([[40], [50]], ["CD4"])
    assert list(antibodies.obs_names) == BARCODES
    assert read.told == (
        "1 retired symbols are read as the present ones: KIAA0101 → PCLAF",
        "1 gene stands in several rows, which are summed: CD8A",
        "1 features of Antibody Capture are kept apart",
    )


def test_the_layout_of_cell_ranger_2(tmp_path):
    read = read_10x_h5(write_h5(tmp_path / "a.h5", version=2, counts=COUNTS[:3]))
    assert seen(read) == GENES
    assert not read.others


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("prefix", ["", "GSM1_tumour_"])
def test_a_folder_of_three_files_is_the_same(tmp_path, packed, prefix):
    folder = write_mtx(tmp_path / "f", prefix=prefix, packed=packed)
    read = read_10x_mtx(folder)
    assert seen(read) == GENES
    assert read.others["Antibody Capture"].X.toarray().tolist() == [[40], [50]]
    assert seen(read_10x_mtx(folder / f"{prefix}matrix.mtx{'.gz' * packed}")) == GENES


def test_a_folder_of_cell_ranger_2_has_no_kinds(tmp_path):
    folder = write_mtx(tmp_path / "f", packed=False, columns=2, features="genes.tsv")
    assert list(read_10x_mtx(folder).genes.var_names) == ["CD8A", "PCLAF", "CD4"]


def test_each_form_is_told_by_its_ending(tmp_path):
    for path in (write_h5(tmp_path / "a.h5"), write_mtx(tmp_path / "f"), tmp_path / "f" / "matrix.mtx.gz"):
        cells, told = read_single_cells(path)
        assert (cells.X.toarray().tolist(), len(told)) == (GENES[0], 3)
    cells.write_h5ad(tmp_path / "a.h5ad")
    again, told = read_single_cells(tmp_path / "a.h5ad")
    assert (again.X.toarray().tolist(), told) == (GENES[0], ())


def refused(read, path):
    with pytest.raises(ReadError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"barcodes": ["A-1", "A-1"]}, "a barcode stands twice"),
        ({"barcodes": ["A-1"]}, "does not fit its features and barcodes; found '4 × 2'; expected 4 features × 1"),
        ({"counts": COUNTS * 0.5}, "these are not raw counts"),
        ({"counts": -COUNTS}, "these are not raw counts"),
        ({"kinds": ["Antibody Capture"] * 4}, "the file holds no genes; found 'Antibody Capture'"),
        ({"genomes": ["GRCh38", "mm10", "mm10", ""]}, "the genes are of several genomes; found 'GRCh38, mm10'"),
    ],
)
def test_an_h5_that_is_no_table_of_counts_is_refused(tmp_path, options, words):
    assert words in refused(read_10x_h5, write_h5(tmp_path / "a.h5", **options))


def test_a_folder_of_two_genomes_is_refused_and_a_transgene_beside_one_is_not(tmp_path):
    both = write_mtx(tmp_path / "both", names=["GRCh38_CD3D", "mm10___Cd4", "GRCh38_CD8A", "CD45RA"])
    assert "the genes are of several genomes; found 'GRCh38, mm10'" in refused(read_10x_mtx, both)
    one = write_mtx(tmp_path / "one", names=["GRCh38_CD3D", "EGFP", "GRCh38_CD8A", "CD45RA"])
    assert list(read_10x_mtx(one).genes.var_names) == ["CD3D", "EGFP", "CD8A"]


@pytest.mark.parametrize(
    ("part", "place", "value", "words"),
    [("indices", 1, 9, "a sparse matrix is damaged"), ("indptr", 1, 9, "a sparse matrix is damaged")],
)
def test_indices_that_point_outside_are_refused(tmp_path, part, place, value, words):
    path = write_h5(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file[f"matrix/{part}"][place] = value
    assert words in refused(read_10x_h5, path)


def test_row_39_a_cut_and_a_zeroed_10x_file_are_refused_and_never_hang(tmp_path):
    rng = np.random.default_rng(0)
    counts = rng.poisson(1, (4, 3000))
    barcodes = [f"B{i}-1" for i in range(3000)]
    path = write_h5(tmp_path / "a.h5", counts=counts, barcodes=barcodes, compression="gzip", chunks=(500,))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "cut or damaged" in refused(read_10x_h5, path)
    path.write_bytes(content)
    with h5py.File(path) as file:
        chunk = file["matrix/data"].id.get_chunk_info(0)
    harmed = bytearray(content)
    harmed[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(harmed)
    assert "cut or damaged" in refused(read_10x_h5, path)


def test_row_39_a_10x_file_that_hangs_the_library_is_given_up(tmp_path, monkeypatch):
    slow = tmp_path / "slow.py"
    slow.write_text("while True: pass\n")
    monkeypatch.setattr("tilseq.io.h5ad.PROBE", slow)
    path, began = write_h5(tmp_path / "a.h5"), time.monotonic()
    with pytest.raises(ReadError, match="did not end within 1 s"):
        read_10x_h5(path, seconds=1)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("harm", ["pickle", "link"])
def test_row_39_pickles_and_links_in_a_10x_file_are_refused(tmp_path, harm):
    path = write_h5(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["matrix/x"] = h5py.SoftLink("/matrix") if harm == "link" else np.void(pickle.dumps({"a": 1}))
    words = "the file links to something elsewhere" if harm == "link" else "pickled or opaque objects are never read"
    assert words in refused(read_10x_h5, path)


def test_an_h5_of_another_kind_says_what_it_holds(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("X")
    assert "no matrix of 10x; found 'X'; expected 10x's filtered_feature_bc_matrix.h5; an AnnData file ends" in refused(
        read_10x_h5, tmp_path / "a.h5"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cells.rds", b"\x1f\x8b\x08\x00"),
        ("cells.RData", b"RDX3\n"),
        ("cells.pkl", pickle.dumps({"X": 1})),
        ("cells.npy", b"\x93NUMPY"),
    ],
)
def test_row_40_objects_of_r_and_python_are_never_read(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    kind = "R's own objects" if name.casefold().startswith("cells.r") else "pickled Python objects"
    assert f"{kind} are never read" in refused(read_single_cells, tmp_path / name)


def test_row_40_a_pickle_under_another_name_is_told(tmp_path):
    for name in ("cells.h5", "cells.h5ad"):
        (tmp_path / name).write_bytes(pickle.dumps({"X": 1}))
        assert "a Python pickle, which is never read" in refused(read_single_cells, tmp_path / name)


HEAD = "%%MatrixMarket matrix coordinate integer general\n%a comment\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gene,s1\n", "not a sparse Matrix Market file"),
        (HEAD + "4 2\n", "row 3: the sizes are missing"),
        (HEAD + "4 3 1\n1 1 1\n", "does not fit its features and barcodes; found '4 × 3'"),
        (HEAD + "4 2 2\n1 1 1\n", "cut or damaged; found '1 entries'; expected 2"),
        (HEAD + "4 2 2\n1 1 1\n5 1 1\n", "row 5: this entry cannot be; found '5 1 1'"),
        (HEAD + "4 2 1\n0 1 1\n", "row 4: this entry cannot be"),
        (HEAD + "4 2 1\n1 1 0.5\n", "row 4: this entry cannot be; found '1 1 0.5'"),
        (HEAD + "4 2 1\n1 1 -2\n", "row 4: this entry cannot be"),
        (HEAD + "4 2 1\n1 1 x\n", "the entries cannot be read"),
        (HEAD + "4 2 2\n1 1 1\n1 1\n", "cut or damaged"),
        (HEAD + "4 2 4\n1 1 1\n2 1 5\n1 1 1\n2 1 5\n", "entries stand twice; found '2 of 4'; was the file joined to"),
    ],
)
def test_a_damaged_matrix_is_refused_with_its_place(tmp_path, text, words):
    folder = write_mtx(tmp_path / "f", packed=False)
    (folder / "matrix.mtx").write_text(text)
    assert words in refused(read_10x_mtx, folder)


def test_genes_without_a_symbol_bear_their_ids(tmp_path):
    folder = write_mtx(tmp_path / "f", names=["", "CD8A", " ", "CD4"])
    assert list(read_10x_mtx(folder).genes.var_names) == ["ENSG00000153563", "CD8A", "ENSG00000166803"]


def test_a_matrix_without_entries_has_cells_without_counts(tmp_path):
    folder = write_mtx(tmp_path / "f", packed=False)
    (folder / "matrix.mtx").write_text(HEAD + "4 2 0\n")
    assert read_10x_mtx(folder).genes.X.toarray().tolist() == [[0, 0], [0, 0]]


def test_a_folder_that_lacks_a_file_says_which(tmp_path):
    folder = write_mtx(tmp_path / "f", packed=False)
    (folder / "features.tsv").unlink()
    assert "missing beside the matrix; expected features.tsv or genes.tsv" in refused(read_10x_mtx, folder)
    (folder / "matrix.mtx").unlink()
    assert "the folder holds no matrix.mtx; found 'barcodes.tsv'" in refused(read_10x_mtx, folder)
    for name in ("a_matrix.mtx", "b_matrix.mtx"):
        (folder / name).write_text(HEAD)
    assert "the folder holds several matrices; found 'a_matrix.mtx, b_matrix.mtx'" in refused(read_10x_mtx, folder)


def test_a_cut_gzip_is_refused(tmp_path):
    folder = write_mtx(tmp_path / "f")
    path = folder / "matrix.mtx.gz"
    path.write_bytes(path.read_bytes()[:60])
    assert "the gzip file is cut or damaged" in refused(read_10x_mtx, folder)


def test_row_31_an_unfiltered_matrix_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("tilseq.io.tenx.MANY_BARCODES", 1)
    told = read_10x_h5(write_h5(tmp_path / "a.h5")).told
    assert told[-1] == "2 barcodes are more than a lane has cells: is it the unfiltered matrix?"
