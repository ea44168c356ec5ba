"""AnnData files, sound, damaged and hostile."""

import os
import pickle
import time

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, csr_matrix

from tilseq.errors import ReadError
from tilseq.io.h5ad import read_h5ad


def cells(counts=((1, 0, 3), (0, 2, 0)), genes=("A", "B", "C"), names=("c1", "c2"), **parts):
    obs, var = pd.DataFrame(index=list(names)), pd.DataFrame(index=list(genes))
    return anndata.AnnData(csr_matrix(np.array(counts, np.float32)), obs=obs, var=var, **parts)


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "cells.h5ad"
    cells().write_h5ad(path)
    return path


def refused(path, **options):
    with pytest.raises(ReadError) as caught:
        read_h5ad(path, **options)
    assert caught.value.file == str(path)
    return str(caught.value)


def test_a_sound_file_is_read(sound):
    data = read_h5ad(sound)
    assert data.X.toarray().tolist() == [[1, 0, 3], [0, 2, 0]]
    assert list(data.obs_names) == ["c1", "c2"]
    assert list(data.var_names) == ["A", "B", "C"]


def test_real_files_are_read(shared_data):
    assert read_h5ad(shared_data / "screpertoire/gex_500cells_raw_counts.h5ad").shape == (500, 2000)
    assert read_h5ad(shared_data / "sc/wu2020_til_200cells.h5ad").shape == (200, 3000)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "the file is empty"),
        (b"sample,gene\nS1,3\n", "found 'text'"),
        (b"PK\x03\x04abc", "a zip file"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (b"<!doctype html>", "an HTML or XML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git-LFS pointer"),
        (pickle.dumps({"X": 1}), "a Python pickle"),
        (b"\x00\x01\xfe\xff\x00\x00\x00\x00", "bytes 00 01 fe ff"),
    ],
)
def test_another_type_is_named(tmp_path, content, found):
    path = tmp_path / "x.h5ad"
    path.write_bytes(content)
    assert found in refused(path)


def test_an_absent_file_and_a_folder_are_refused(tmp_path):
    assert "No such file" in refused(tmp_path / "none.h5ad")
    assert "Is a directory" in refused(tmp_path)


def test_a_named_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.h5ad")
    assert "not a regular file" in refused(tmp_path / "x.h5ad")


def damage_chunk(path):
    """Overwrite the first chunk of X/data with zeros, which gzip cannot unpack."""
    with h5py.File(path) as file:
        chunk = file["X/data"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(content)


def test_a_zeroed_block_is_refused(tmp_path):
    path = tmp_path / "z.h5ad"
    rng = np.random.default_rng(0)
    cells(rng.poisson(1, (20, 30)), [f"g{i}" for i in range(30)], [f"c{i}" for i in range(20)]).write_h5ad(
        path, compression="gzip"
    )
    assert read_h5ad(path).shape == (20, 30)
    damage_chunk(path)
    assert "cut or damaged" in refused(path)


@pytest.mark.parametrize("mutants", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_zeroed_blocks_of_a_real_file_never_hang(shared_data, tmp_path, mutants):
    source = (shared_data / "screpertoire/gex_500cells_raw_counts.h5ad").read_bytes()
    path = tmp_path / "z.h5ad"
    outcomes = []
    for start in np.linspace(96, len(source) - 512, mutants).astype(int):
        content = bytearray(source)
        content[start : start + 512] = bytes(512)
        path.write_bytes(content)
        began = time.monotonic()
        try:
            read_h5ad(path, seconds=1)
            outcomes.append("read")
        except ReadError as error:
            outcomes.append("refused")
            assert error.file == str(path)
        assert time.monotonic() - began < 300  # not its own time: a busy machine is no hang
    assert "refused" in outcomes


def test_a_child_that_does_not_end_is_killed(sound, tmp_path, monkeypatch):
    slow = tmp_path / "slow.py"
    slow.write_text("while True: pass\n")
    monkeypatch.setattr("tilseq.io.h5ad.PROBE", slow)
    began = time.monotonic()
    assert "did not end within 1 s" in refused(sound, seconds=1)
    assert time.monotonic() - began < 30


def test_a_child_that_crashes_is_told(sound, tmp_path, monkeypatch):
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr("tilseq.io.h5ad.PROBE", crash)
    assert "the HDF5 library ended while reading it; found 'signal or exit code -11'" in refused(sound)


@pytest.mark.filterwarnings("ignore:.*names are not unique")
def test_a_cell_or_gene_twice_is_refused_by_name(tmp_path):
    path = tmp_path / "x.h5ad"
    cells(genes=("A", "B", "A")).write_h5ad(path)
    assert "1 gene names stand twice; found 'A'" in refused(path)
    cells(names=("c1", "c1")).write_h5ad(path)
    told = refused(path)  # without the name of the cell, which may hold that of a person
    assert "1 cell names stand twice; name each cell once" in told
    assert "c1" not in told.rpartition("x.h5ad")[2]


def test_a_file_without_x_is_refused(tmp_path):
    path = tmp_path / "x.h5ad"
    anndata.AnnData(obs=pd.DataFrame(index=["c1"])).write_h5ad(path)
    assert "no matrix X" in refused(path)


@pytest.mark.parametrize("harm", ["pickle", "link"])
def test_what_the_probe_finds_is_told_with_its_place(sound, harm):
    with h5py.File(sound, "r+") as file:
        file["uns/x"] = h5py.SoftLink("/X") if harm == "link" else np.void(pickle.dumps({"a": 1}))
    words = "the file links to something elsewhere" if harm == "link" else "pickled or opaque objects are never read"
    assert f"column /uns/x: {words}" in refused(sound)


@pytest.mark.parametrize(
    ("part", "value", "found"),
    [
        ("indices", 3, "indices must be < 3"),
        ("indices", -1, "indices must be >= 0"),
        ("indptr", 9, "indptr must be a non-decreasing sequence"),
    ],
)
def test_a_sparse_matrix_that_points_outside_itself_is_refused(sound, part, value, found):
    with h5py.File(sound, "r+") as file:
        file[f"X/{part}"][1] = value
    assert f"column X: a sparse matrix is damaged; found '{found}'" in refused(sound)


def test_groups_that_do_not_fit_together_are_refused(sound):
    with h5py.File(sound, "r+") as file:
        del file["var/_index"]
        file["var"]["_index"] = np.array([b"A", b"B"])
    assert "not a sound AnnData file" in refused(sound)


def test_a_layer_is_checked_too(tmp_path):
    path = tmp_path / "x.h5ad"
    cells(layers={"counts": csr_array(np.eye(2, 3, dtype=np.float32))}).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        file["layers/counts/indices"][0] = 7
    assert "layers/counts: a sparse matrix is damaged" in refused(path)


@pytest.mark.parametrize(("where", "column"), [("X", "X"), ("layer", "layers/counts")])
def test_a_matrix_of_other_than_real_numbers_is_refused(tmp_path, where, column):
    odd = np.array([[1, 0, 3], [0, 2, 0]], np.complex64)
    data = cells(layers={"counts": odd}) if where == "layer" else cells()
    data.X = odd if where == "X" else data.X
    data.write_h5ad(tmp_path / "cells.h5ad")
    told = f"column {column}: a matrix does not hold real numbers; found 'complex64'"
    assert told in refused(tmp_path / "cells.h5ad")
