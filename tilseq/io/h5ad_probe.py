"""Read every byte of an HDF5 file once, in a process of its own, and say what is wrong with it.

A damaged block can make the HDF5 library loop for ever inside C, where neither a signal's handler nor a thread's
time-out reaches; so the reader runs this file first and kills it when its time is up. Only h5py is imported.

Run as ``python h5ad_probe.py FILE SECONDS BYTES [MATRIX]``; MATRIX is what the file must hold. Prints one JSON object:
``{}`` when the file is sound, else ``what`` and, where they are known, ``where`` (the object in the file), ``found``
and ``mend``.
"""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

BLOCK_BYTES = 64 << 20
MOST_OBJECTS = 100_000
DEEPEST = 100


class Refusal(Exception):
    """What is wrong with the file."""

    def __init__(self, what: str, where: str | None = None, found: object = None, mend: str | None = None) -> None:
        super().__init__(what)
        parts = {"what": what, "where": where, "found": None if found is None else str(found), "mend": mend}
        self.parts = {name: part for name, part in parts.items() if part is not None}


def probe(path: str, most_bytes: int, matrix: str = "X") -> None:
    """Read every data set and attribute of a file; raise `Refusal` at the first that is wrong."""
    with h5py.File(path, "r") as file:
        if matrix and matrix not in file:
            raise Refusal("the file holds no matrix X", found=", ".join(list(file)[:10]), mend="is it an h5ad file?")
        data_sets = list(_data_sets(file))
        total = sum(math.prod(data.shape or ()) * data.dtype.itemsize for data in data_sets)
        if total > most_bytes:
            raise Refusal("the file unpacks to more than it may", found=f"{total} bytes", mend="raise the limit")
        left = most_bytes
        for data in data_sets:
            left -= _read_whole(data)
            if left < 0:
                raise Refusal("the file unpacks to more than it may", where=data.name, mend="raise the limit")


def _data_sets(file: h5py.File) -> Iterator[h5py.Dataset]:
    """Yield every data set, once the attributes of all objects have been read."""
    seen: set[int] = set()
    stack: list[tuple[h5py.Group, int]] = [(file, 0)]
    while stack:
        group, depth = stack.pop()
        _check_attributes(group)
        for name in group:
            where = f"{group.name.rstrip('/')}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise Refusal("the file links to something elsewhere", where=where)
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or depth > DEEPEST or len(seen) > MOST_OBJECTS:
                raise Refusal("the file's groups loop, or are too many or too deep", where=where)
            seen.add(address)
            if isinstance(item, h5py.Group):
                stack.append((item, depth + 1))
            else:
                _check_attributes(item)
                _check_kind(item)
                yield item


def _check_attributes(item: Any) -> None:
    for name in item.attrs:
        item.attrs[name]
    if "PSEUDOATOM" in item.attrs:
        raise Refusal("pickled Python objects are never read", where=item.name)


def _check_kind(data: h5py.Dataset) -> None:
    if data.external or data.is_virtual:
        raise Refusal("the data lie in another file", where=data.name)
    for dtype in _simple_types(data.dtype):
        opaque = dtype.kind == "V"
        objects = dtype.kind == "O" and h5py.check_string_dtype(dtype) is None and not h5py.check_ref_dtype(dtype)
        if opaque or objects:
            raise Refusal("pickled or opaque objects are never read", where=data.name, found=str(dtype))


def _simple_types(dtype: np.dtype[Any]) -> list[np.dtype[Any]]:
    if dtype.fields:
        return [simple for field in dtype.fields.values() for simple in _simple_types(field[0])]
    return [dtype.base]


def _read_whole(data: h5py.Dataset) -> int:
    """Read a data set block by block and return its bytes, those of texts counted."""
    if data.shape is None:
        return 0
    if data.shape == ():
        return _size(np.asarray(data[()]))
    row_bytes = math.prod(data.shape[1:]) * data.dtype.itemsize
    step = max(1, BLOCK_BYTES // max(1, row_bytes))
    if data.chunks:  # whole chunks, so that none is unpacked twice
        step = max(data.chunks[0], step - step % data.chunks[0])
    return sum(_size(data[start : start + step]) for start in range(0, data.shape[0], step))


def _size(block: np.ndarray[Any, Any]) -> int:
    texts = sum(len(cell) for cell in block.flat if isinstance(cell, bytes | str)) if block.dtype.kind == "O" else 0
    return block.nbytes + texts


def verdict(path: str, most_bytes: int, matrix: str = "X") -> dict[str, str]:
    """Return what is wrong with a file: nothing when it is sound."""
    try:
        probe(path, most_bytes, matrix)
    except Refusal as refusal:
        return refusal.parts
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, UnicodeError, MemoryError) as error:
        return {"what": "the file is cut or damaged", "found": str(error)}
    return {}


def main(path: str, seconds: str, most_bytes: str, matrix: str = "X") -> None:
    """Print what is wrong with a file; end by the alarm's default action, which works within C, when time is up."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(math.ceil(float(seconds)) + 1)
    print(json.dumps(verdict(path, int(most_bytes), matrix)))


if __name__ == "__main__":
    main(*sys.argv[1:])
