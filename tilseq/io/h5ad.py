"""AnnData files, read only once a child process has read every byte of them without harm."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import ReadError
from tilseq.io.kinds import HDF5, KIND_BYTES, kind_of

if TYPE_CHECKING:
    from anndata import AnnData

BYTES_PER_SECOND = 20e6  # allowed on top of the time limit, so that a large sound file is not taken for a hang
PROBE = Path(__file__).with_name("h5ad_probe.py")


def read_h5ad(path: str | Path, *, seconds: float = 60, gigabytes: float = 16) -> AnnData:
    """Read an AnnData file that may be damaged or hostile.

    A child process reads every data set first and is killed when its time is up, since a damaged block can make the
    HDF5 library loop for ever. Nothing is unpickled, no link is followed.

    Parameters
    ----------
    path
        An `.h5ad` file.
    seconds
        Time the child may take, beside one second for each 20 MB of file.
    gigabytes
        What the unpacked data sets may take together, in 10^9 bytes.

    Returns
    -------
    AnnData
        In memory. `X` is there, observation and variable names are unique, and the indices of every sparse matrix
        lie within its shape.

    Raises
    ------
    ReadError
        The file is absent, empty, of another type, cut, damaged, hangs the HDF5 library, unpacks to more than it may,
        holds pickled or opaque objects or links, lacks X, has a matrix of anything but real numbers, or names a cell
        or gene twice.
    """
    check_hdf5(path, "an .h5ad file", seconds=seconds, gigabytes=gigabytes, matrix="X")
    from anndata import read_h5ad as read

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # repeated names are refused below, old encodings are read
            data = read(path)
    # What anndata raises for groups that do not fit together is not one class.
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, NotImplementedError) as error:
        raise ReadError("not a sound AnnData file", file=path, found=f"{type(error).__name__}: {error}") from error
    _check_names(data, path)
    _check_matrices(data, path)
    return data


def check_hdf5(path: str | Path, expected: str, *, seconds: float, gigabytes: float, matrix: str) -> None:
    """Refuse a file that is no HDF5 file, or one that a child process does not read whole without harm.

    Parameters
    ----------
    path
        The file.
    expected
        What it should be, for errors.
    seconds, gigabytes
        As for `read_h5ad`.
    matrix
        What the file must hold, or nothing.
    """
    size = _check_type(path, expected)
    _probe(path, seconds + size / BYTES_PER_SECOND, int(gigabytes * 1e9), matrix)


def _check_type(path: str | Path, expected: str) -> int:
    """Return the size of an HDF5 file; refuse any other."""
    try:
        status = Path(path).stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # opening a pipe could wait for ever
            raise ReadError("not a regular file", file=path)
        with open(path, "rb") as stream:
            start = stream.read(KIND_BYTES)
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", file=path) from error
    if start.startswith(HDF5):
        return status.st_size
    if not start:
        raise ReadError("the file is empty", file=path)
    plain = "text" if start.isascii() and b"\0" not in start else f"bytes {start[:8].hex(' ')}"
    found = kind_of(start) or plain
    raise ReadError("not an HDF5 file", file=path, byte=0, found=found, expected=expected)


def _probe(path: str | Path, seconds: float, most_bytes: int, matrix: str) -> None:
    """Let a child read the file; raise what it finds."""
    # -P: the folder of the probe holds modules whose names others may bear.
    command = [sys.executable, "-P", str(PROBE), str(Path(path).resolve()), str(seconds), str(most_bytes), matrix]
    try:
        child = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise ReadError(
            f"reading did not end within {seconds:.0f} s",
            file=path,
            mend="a block is damaged: copy the file again; or, if it is sound, allow more seconds",
        ) from error
    if child.returncode != 0:
        found = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        what = "the file is damaged: the HDF5 library ended while reading it"
        raise ReadError(what, file=path, found=found or f"signal or exit code {child.returncode}")
    answer = json.loads(child.stdout)
    if answer:
        place = answer.get("where")
        raise ReadError(answer["what"], file=path, column=place, found=answer.get("found"), mend=answer.get("mend"))


def _check_names(data: AnnData, path: str | Path) -> None:
    for what, names in (("cell", data.obs_names), ("gene", data.var_names)):
        if not names.is_unique:
            twice = names[names.duplicated()]
            mend = "make the names unique, or sum the columns of one gene" if what == "gene" else "name each cell once"
            # Not the name of a cell: it may hold that of a person.
            found = str(twice[0]) if what == "gene" else None
            raise ReadError(f"{len(twice)} {what} names stand twice", file=path, found=found, mend=mend)


def _check_matrices(data: AnnData, path: str | Path) -> None:
    """Refuse a matrix of anything but real numbers, and a sparse one whose indices point outside it.

    scipy would read beyond its memory.
    """
    # anndata from 0.13 on lists X among the layers, under None.
    layers = {f"layers/{name}": matrix for name, matrix in data.layers.items() if name is not None}
    matrices: dict[str, Any] = {"X": data.X} | layers
    if data.raw is not None:
        matrices["raw/X"] = data.raw.X
    for name, matrix in matrices.items():
        if matrix is None:
            raise ReadError("the file holds no matrix X", file=path)
        if matrix.dtype.kind not in "biuf":
            found = str(matrix.dtype)
            raise ReadError("a matrix does not hold real numbers", file=path, column=name, found=found)
        if hasattr(matrix, "check_format"):
            try:
                matrix.check_format(full_check=True)
            except ValueError as error:
                raise ReadError("a sparse matrix is damaged", file=path, column=name, found=str(error)) from error
