"""What the probe refuses, each case in this process: none of these files makes the HDF5 library hang."""

import pickle
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from tilseq.io.h5ad_probe import verdict

ENOUGH = 10**9


@pytest.fixture
def sound(tmp_path):
    """A file of a matrix, names and a group, as anndata lays them out."""
    path = tmp_path / "cells.h5ad"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=np.arange(600, dtype="f4").reshape(20, 30), chunks=(4, 30), compression="gzip")
        file["var/_index"] = [f"g{i}" for i in range(30)]
        file.create_group("uns").attrs["encoding-type"] = "dict"
    return path


def test_a_sound_file(sound):
    assert verdict(str(sound), ENOUGH) == {}


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.02])
def test_a_cut_file(sound, kept):
    content = sound.read_bytes()
    sound.write_bytes(content[: int(len(content) * kept)])
    assert verdict(str(sound), ENOUGH)["what"] == "the file is cut or damaged"


def test_a_zeroed_block(sound):
    with h5py.File(sound) as file:
        chunk = file["X"].id.get_chunk_info(0)
    content = bytearray(sound.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    sound.write_bytes(content)
    assert verdict(str(sound), ENOUGH)["what"] == "the file is cut or damaged"


def test_a_file_without_x(tmp_path):
    with h5py.File(tmp_path / "x.h5ad", "w") as file:
        file["table"] = [1, 2]
    told = verdict(str(tmp_path / "x.h5ad"), ENOUGH)
    assert told == {"what": "the file holds no matrix X", "found": "table", "mend": "is it an h5ad file?"}


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_read(sound):
    with h5py.File(sound, "r+") as file:
        file.create_dataset("uns/bomb", shape=(1 << 40,), dtype="f8", chunks=(1 << 20,), compression="gzip")
    began = time.process_time()
    told = verdict(str(sound), ENOUGH)
    assert told["what"] == "the file unpacks to more than it may"
    # 2^40 numbers of 8 bytes, 600 of 4, and 30 references of 8 to texts.
    assert told["found"] == f"{8 * 2**40 + 2400 + 240} bytes"
    assert time.process_time() - began < 2


def test_texts_count_towards_what_a_file_may_take(sound):
    with h5py.File(sound, "r+") as file:
        file["uns/text"] = ["x" * 5000]
    told = verdict(str(sound), 4000)
    assert (told["what"], told["where"]) == ("the file unpacks to more than it may", "/uns/text")


@pytest.mark.parametrize("kind", ["opaque", "variable length", "compound", "pytables"])
def test_pickled_objects(sound, kind):
    with h5py.File(sound, "r+") as file:
        if kind == "opaque":
            file["uns/x"] = np.void(pickle.dumps({"a": 1}))
        elif kind == "variable length":
            bytes_of = h5py.vlen_dtype(np.uint8)
            file.create_dataset("uns/x", shape=(1,), dtype=bytes_of)[0] = np.frombuffer(pickle.dumps(1), np.uint8)
        elif kind == "compound":
            file.create_dataset("uns/x", shape=(1,), dtype=[("name", "i4"), ("object", "V16")])
        else:
            file["uns/x"] = [1]
            file["uns/x"].attrs["PSEUDOATOM"] = "object"
    told = verdict(str(sound), ENOUGH)
    assert told["what"].endswith("are never read")
    assert told["where"] == "/uns/x"


@pytest.mark.parametrize("kind", ["external", "soft", "loop"])
def test_links(sound, kind):
    with h5py.File(sound, "r+") as file:
        links = {"external": h5py.ExternalLink("/etc/x.h5", "/"), "soft": h5py.SoftLink("/X"), "loop": file["/uns"]}
        file["uns/link"] = links[kind]
    expected = {"loop": "the file's groups loop, or are too many or too deep"}
    told = verdict(str(sound), ENOUGH)
    assert told == {"what": expected.get(kind, "the file links to something elsewhere"), "where": "/uns/link"}


@pytest.mark.parametrize("kind", ["external storage", "virtual"])
def test_data_that_lie_in_another_file(sound, tmp_path, kind):
    with h5py.File(sound, "r+") as file:
        if kind == "virtual":
            layout = h5py.VirtualLayout(shape=(3,), dtype="i4")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape=(3,))
            file.create_virtual_dataset("uns/x", layout)
        else:
            file.create_dataset("uns/x", shape=(3,), dtype="i4", external=[(str(tmp_path / "other.bin"), 0, 12)])
    assert verdict(str(sound), ENOUGH) == {"what": "the data lie in another file", "where": "/uns/x"}


def test_it_imports_neither_anndata_nor_anything_of_tilseq():
    code = (
        "import sys, runpy; runpy.run_path(sys.argv[1], run_name='probe');"
        "print([name for name in sys.modules if name.split('.')[0] in ('anndata', 'pandas', 'polars', 'tilseq')])"
    )
    probe = sys.modules["tilseq.io.h5ad_probe"].__file__
    assert subprocess.check_output([sys.executable, "-P", "-c", code, probe], text=True).strip() == "[]"
