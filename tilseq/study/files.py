"""The files of a study: each exists, lies inside the folder, belongs to one sample, and is what its SHA-256 says."""

from __future__ import annotations

import os
import re
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from tilseq.errors import ReadError, TableError, TilseqError
from tilseq.io.digest import sha256_of_file
from tilseq.study.checks import WHOLE_FILES
from tilseq.study.model import SAMPLES_FILE, Folder, parts_of
from tilseq.study.names import nearest
from tilseq.study.settings import FILE as SETTINGS_FILE
from tilseq.study.settings import line_of

SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
DRIVE = re.compile(r"[A-Za-z]:")
HEAD_BYTES = 64 << 10
GZIP = b"\x1f\x8b"
MOST_NEIGHBOURS = 10_000
# Files of a 10x matrix that say what was measured, not what was found, and so are the same for many samples.
COMMON = ("features.tsv", "genes.tsv")


@dataclass(frozen=True)
class Found:
    """One file of one sample, as it stands on the disk."""

    row: int
    sample: str
    entry: str
    path: Path
    inode: tuple[int, int]
    size: int
    share: tuple[str | None, ...]


class _Refused(Exception):
    """Why an entry is no file of the study, and how to mend it."""

    def __init__(self, what: str, mend: str | None = None) -> None:
        super().__init__(what)
        self.what, self.mend = what, mend


def check_files(folder: Folder) -> list[TilseqError]:
    """Check every path of samples.csv and study.yaml; see the module."""
    problems = _check_gene_sets(folder)
    if folder.samples is None:
        return problems
    found: list[Found] = []
    for row, cells in enumerate(folder.samples.iter_rows(named=True), start=2):
        failed = cells["status"] == "failed"
        if cells["path"] is None:
            if not failed and not (cells["assay"] == "cytokine" and cells["plate"] is not None):
                mend = "name its file, or write `failed` under status"
                problems.append(
                    TableError("this sample has no file", file=SAMPLES_FILE, row=row, column="path", mend=mend)
                )
            continue
        files: list[Found] = []
        for entry in parts_of(cells["path"]):
            try:
                path, status = locate(folder.root, entry)
            except FileNotFoundError:
                if not failed:
                    problems.append(_absent(folder.root, entry, row))
            except _Refused as refused:
                problems.append(
                    TableError(refused.what, file=SAMPLES_FILE, row=row, column="path", found=entry, mend=refused.mend)
                )
            else:
                inode, share = (status.st_dev, status.st_ino), (cells["assay"], cells["member"], cells["locus"])
                files.append(Found(row, cells["sample"] or "", entry, path, inode, status.st_size, share))
        problems += _check_sums(cells["sha256"], files, len(parts_of(cells["path"])), row)
        found += files
    return problems + _check_shared(found) + _check_copies(found)


def locate(root: Path, entry: str) -> tuple[Path, os.stat_result]:
    """Return the path and status of a file named relative to the study.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    _Refused
        The entry is empty, absolute, leaves the study, or is no readable regular file.
    """
    if not entry:
        raise _Refused("an empty path", "remove the extra `;`")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in entry):
        raise _Refused("a control character in the path", "rename the file")
    if entry.startswith(("/", "\\", "~")) or DRIVE.match(entry):
        raise _Refused("an absolute path", "put the file into the study folder and name it from there")
    if ".." in re.split(r"[/\\]", entry):
        raise _Refused("a path may not climb by `..`", "put the file into the study folder and name it from there")
    path = root / entry
    try:
        real = Path(os.path.realpath(path, strict=True))
        status = real.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise _Refused("a link to nothing", "put the file itself there") from error
        raise FileNotFoundError(entry) from error
    except OSError as error:
        raise _Refused(f"cannot be read: {error.strerror or error}") from error
    if not real.is_relative_to(os.path.realpath(root)):
        raise _Refused("a link that leaves the study folder", "put the file itself there")
    if not stat.S_ISREG(status.st_mode):
        raise _Refused("a folder, not a file" if stat.S_ISDIR(status.st_mode) else "not a regular file")
    if not os.access(real, os.R_OK):
        raise _Refused("no permission to read this file")
    return path, status


def _absent(root: Path, entry: str, row: int) -> TilseqError:
    parent = (root / entry).parent
    mend = None
    if "\\" in entry:
        mend = "write / between folders"
    elif parent.is_dir():
        with os.scandir(parent) as listing:
            names = [item.name for item, _ in zip(listing, range(MOST_NEIGHBOURS), strict=False)]
        mend = nearest(Path(entry).name, sorted(names))
    else:
        mend = f"there is no folder {Path(entry).parent.as_posix()!r}"
    return TableError("there is no such file", file=SAMPLES_FILE, row=row, column="path", found=entry, mend=mend)


def _check_sums(cell: str | None, files: list[Found], entries: int, row: int) -> list[TilseqError]:
    """Hold the files of one sample against its column `sha256`."""
    if cell is None:
        return []
    sums = parts_of(cell)
    bad = next((one for one in sums if not SHA256.fullmatch(one)), None)
    if bad is not None or len(sums) != entries:
        expected = "64 hexadecimal digits" if bad is not None else f"{entries}, one a file, parted by `;`"
        return [
            TableError(
                "not the SHA-256 of each file",
                file=SAMPLES_FILE,
                row=row,
                column="sha256",
                found=bad if bad is not None else len(sums),
                expected=expected,
            )
        ]
    if len(files) != entries:
        return []  # a missing file is told already
    return [
        TableError(
            f"the file {file.entry!r} is not the one that was registered",
            file=SAMPLES_FILE,
            row=row,
            column="sha256",
            found=actual,
            expected=one.lower(),
            mend="restore the file, or register the new one",
        )
        for one, file in zip(sums, files, strict=True)
        if (actual := sha256_of_file(file.path)) != one.lower()
    ]


def _check_shared(found: list[Found]) -> list[TilseqError]:
    """One file under two samples needs a member, locus or assay that tells whose part is whose."""
    first: dict[tuple[object, ...], Found] = {}
    problems: list[TilseqError] = []
    for file in found:
        other = first.setdefault((file.inode, file.share), file)
        if other is file:
            continue
        same = other.row == file.row
        what = "this file is named twice" if same else f"this file is that of {other.sample!r} in row {other.row}"
        mend = "name it once" if same else "give each sample its own file, or say by `member` or `locus` which part"
        problems.append(TableError(what, file=SAMPLES_FILE, row=file.row, column="path", found=file.entry, mend=mend))
    return problems


def _check_copies(found: list[Found]) -> list[TilseqError]:
    """No file is a copy of another's; only files of one size and one beginning are read in full.

    Clonotype tables of a header alone are all alike and no copies: their samples fail by themselves.
    """
    files = list({file.inode: file for file in reversed(found)}.values())[::-1]
    groups: dict[tuple[object, ...], list[Found]] = {}
    for file in files:
        if file.size and not Path(file.entry).name.startswith(COMMON):
            groups.setdefault((file.size,), []).append(file)
    for key_of in (_head, lambda file: sha256_of_file(file.path)):
        finer: dict[tuple[object, ...], list[Found]] = {}
        for size, group in groups.items():
            for file in group if len(group) > 1 else ():
                finer.setdefault((*size, key_of(file)), []).append(file)
        groups = finer
    return [
        TableError(
            f"the same content as {group[0].entry!r} of {group[0].sample!r} in row {group[0].row}",
            file=SAMPLES_FILE,
            row=file.row,
            column="path",
            found=file.entry,
            mend="one of them is the wrong file",
        )
        for group in groups.values()
        for file in (group[1:] if len(group) > 1 and _has_rows(group[0]) else ())
    ]


def _has_rows(file: Found) -> bool:
    """Whether a file may hold a row below its header; True but for a clonotype table of one line."""
    start = _head(file)
    if file.share[0] not in WHOLE_FILES or len(start) == HEAD_BYTES:
        return True
    if start.startswith(GZIP):
        try:
            start = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(start, HEAD_BYTES)
        except zlib.error:
            return True
    lines = [line for line in start.splitlines() if line.strip() and not line.startswith(b"# ")]
    header = len(lines) == 1 and (b"\t" in lines[0] or b"," in lines[0])
    return not header or len(start) == HEAD_BYTES


def _head(file: Found) -> bytes:
    try:
        with open(file.path, "rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", file=file.path) from error


def _check_gene_sets(folder: Folder) -> list[TilseqError]:
    entry = None if folder.settings is None else folder.settings.analysis.expression.gene_sets
    if entry is None:
        return []
    what, mend = "there is no such file", None
    try:
        locate(folder.root, entry)
    except _Refused as refused:
        what, mend = refused.what, refused.mend
    except FileNotFoundError:
        pass
    else:
        return []
    place = ("analysis", "expression", "gene_sets")
    row, column = line_of(place, folder.lines), ".".join(place)
    return [ReadError(what, file=SETTINGS_FILE, row=row, column=column, found=entry, mend=mend)]
