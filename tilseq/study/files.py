"""The files of a study: each exists, lies inside the folder, has one owner, and is what its SHA-256 says."""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilseq.errors import ReadError, TableError, TilseqError
from tilseq.io.digest import sha256_of_file
from tilseq.io.kinds import GZIP
from tilseq.io.spill import read_spill
from tilseq.io.yaml_model import line_of
from tilseq.study.checks import WHOLE_FILES
from tilseq.study.kits import kit_faults
from tilseq.study.model import SAMPLES_FILE, Folder, data_set_of, parts_of
from tilseq.study.names import nearest
from tilseq.study.plates import ASSAY as PLATE_ASSAY
from tilseq.study.plates import wells
from tilseq.study.settings import FILE as SETTINGS_FILE

SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
DRIVE = re.compile(r"[A-Za-z]:")
HEAD_BYTES = 64 << 10
FCS_HEADER = 58  # bytes
FEWEST_BYTES = 1_000  # of events; tubes of fewer may be alike by chance
OF_FCS = re.compile(rb"FCS[0-9.]{3} {4}.{16} *([0-9]+) *([0-9]+)")  # where TEXT, then where DATA begins and ends
MOST_NEIGHBOURS = 10_000
ABSENT = "there is no such file"
# Files of a 10x matrix that say what was measured, not what was found, and so are the same for many samples.
COMMON = ("features.tsv", "genes.tsv")


@dataclass(frozen=True)
class Found:
    """One file as a table names it: whose it is, and how it stands on the disk."""

    table: str
    row: int
    owner: str
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
    """Check every path of samples.csv, plates/ and study.yaml; see the module."""
    problems = _check_settings(folder)
    found = [*_of_samples(folder, problems), *_of_wells(folder, problems)]
    return problems + _check_owners(found)


def check_owners(folder: Folder) -> list[TilseqError]:
    """Check that no file of samples.csv, nor a copy of one, serves two samples, wherever it lies.

    A path at which there is no file that can be read is passed over.
    """
    found: list[Found] = []
    rows = () if folder.samples is None else folder.samples.iter_rows(named=True)
    for row, cells in enumerate(rows, start=2):
        for entry in parts_of(cells["path"] or ""):
            path, owner = folder.root / entry, repr(cells["sample"] or "")
            if path.is_file() and os.access(path, os.R_OK):
                found.append(_as_found(SAMPLES_FILE, row, owner, entry, path, path.stat(), _share(cells)))
    return _check_owners(found)


def _check_owners(found: list[Found]) -> list[TilseqError]:
    return _check_shared(found) + _check_copies(found)


def _of_samples(folder: Folder, problems: list[TilseqError]) -> list[Found]:
    """Return the files of samples.csv, and add to the problems what is wrong with them."""
    found: list[Found] = []
    if folder.samples is None:
        return found
    for row, cells in enumerate(folder.samples.iter_rows(named=True), start=2):
        failed = cells["status"] == "failed"
        if cells["path"] is None:
            if not failed and not (cells["assay"] == PLATE_ASSAY and cells["plate"] is not None):
                mend = "name its file, or write `failed` under status"
                problems.append(
                    TableError("this sample has no file", file=SAMPLES_FILE, row=row, column="path", mend=mend)
                )
            continue
        files: list[Found] = []
        for entry in parts_of(cells["path"]):
            file = _find(folder.root, SAMPLES_FILE, row, repr(cells["sample"] or ""), entry, _share(cells))
            if isinstance(file, Found):
                files.append(file)
            elif not (failed and file.what == ABSENT):
                problems.append(file)
        problems += _check_sums(cells["sha256"], files, len(parts_of(cells["path"])), row)
        found += files
    return found


def _share(cells: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Return what tells which part of a file is a sample's."""
    member = data_set_of(cells["member"]) if cells["assay"] == "flow" else cells["member"]
    return cells["assay"], None if member is None else str(member), cells["locus"]


def _of_wells(folder: Folder, problems: list[TilseqError]) -> list[Found]:
    """Return the files of the wells, one a well, and add to the problems what is wrong with them."""
    found: list[Found] = []
    seen: set[tuple[str, str | None, str | None]] = set()
    for table, row, cells in wells(folder):
        well = (table, cells["plate"], cells["well"])
        if cells["path"] is None or well in seen:
            continue
        seen.add(well)
        owner = f"well {cells['well']} of plate {cells['plate']!r}"
        file = _find(folder.root, table, row, owner, cells["path"], (PLATE_ASSAY, None, None))
        if isinstance(file, Found):
            found.append(file)
        else:
            problems.append(file)
    return found


def _find(
    root: Path, table: str, row: int, owner: str, entry: str, share: tuple[str | None, ...]
) -> Found | TableError:
    """Return a file that a table names, or why it is none of the study."""
    try:
        path, status = locate(root, entry)
    except FileNotFoundError:
        return TableError(ABSENT, file=table, row=row, column="path", found=entry, mend=_near(root, entry))
    except _Refused as refused:
        return TableError(refused.what, file=table, row=row, column="path", found=entry, mend=refused.mend)
    return _as_found(table, row, owner, entry, path, status, share)


def _as_found(
    table: str, row: int, owner: str, entry: str, path: Path, status: os.stat_result, share: tuple[str | None, ...]
) -> Found:
    return Found(table, row, owner, entry, path, (status.st_dev, status.st_ino), status.st_size, share)


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


def _near(root: Path, entry: str) -> str | None:
    """Return how to mend the name of a file that is not there."""
    parent = (root / entry).parent
    if "\\" in entry:
        return "write / between folders"
    if not parent.is_dir():
        return f"there is no folder {Path(entry).parent.as_posix()!r}"
    with os.scandir(parent) as listing:
        names = [item.name for item, _ in zip(listing, range(MOST_NEIGHBOURS), strict=False)]
    return nearest(Path(entry).name, sorted(names))


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
    """One file under two samples or wells needs a member, locus or assay that tells whose part is whose."""
    seen: dict[tuple[int, int], list[Found]] = {}
    problems: list[TilseqError] = []
    for file in found:
        others = seen.setdefault(file.inode, [])
        other = next((one for one in others if _overlap(one.share, file.share)), None)
        others.append(file)
        if other is None:
            continue
        if (other.table, other.row) == (file.table, file.row):
            what, mend = "this file is named twice", "name it once"
        elif file.table == other.table == SAMPLES_FILE:
            what = f"this file is that of {_place(other, file)}"
            mend = "give each sample its own file, or say by `member` or `locus` which part"
        else:
            what, mend = f"this file is that of {_place(other, file)}", "name each well's file once, in the sheet"
        problems.append(TableError(what, file=file.table, row=file.row, column="path", found=file.entry, mend=mend))
    return problems


def _overlap(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> bool:
    """Whether two parts of a file may have something in common: a row without `member` or `locus` takes all of them."""
    return one[0] == other[0] and all(None in (a, b) or a == b for a, b in zip(one, other, strict=True))


def _place(other: Found, file: Found) -> str:
    """Return whose a file is and where it is named, as seen from another."""
    return f"{other.owner} in row {other.row}" + ("" if other.table == file.table else f" of {other.table}")


def _check_copies(found: list[Found]) -> list[TilseqError]:
    """No file is a copy of another's; only files of one size and one beginning are read in full.

    Of FCS files the events are compared: what stands before them names the tube, and differs where a copy was renamed.
    Clonotype tables of a header alone are all alike and no copies: their samples fail by themselves.
    """
    files = list({file.inode: file for file in reversed(found)}.values())[::-1]
    starts = {file.inode: _start_of_events(file) for file in files}
    groups: dict[tuple[object, ...], list[Found]] = {}
    for file in files:
        if file.size and not Path(file.entry).name.startswith(COMMON):
            groups.setdefault((file.size - starts[file.inode],), []).append(file)

    def head(file: Found) -> bytes:
        return _head(file, starts[file.inode])

    def whole(file: Found) -> str:
        return sha256_of_file(file.path, starts[file.inode])

    for key_of in (head, whole):
        finer: dict[tuple[object, ...], list[Found]] = {}
        for size, group in groups.items():
            for file in group if len(group) > 1 else ():
                finer.setdefault((*size, key_of(file)), []).append(file)
        groups = finer
    return [
        TableError(
            f"the same content as {group[0].entry!r} of {_place(group[0], file)}",
            file=file.table,
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


def _start_of_events(file: Found) -> int:
    """Return where the events of an FCS file start, by its HEADER; of few events, or of another file, 0."""
    told = OF_FCS.match(_head(file, most=FCS_HEADER))
    start, end = map(int, told.groups()) if told else (0, 0)
    return start if start + FEWEST_BYTES <= end < file.size else 0


def _head(file: Found, start: int = 0, most: int = HEAD_BYTES) -> bytes:
    try:
        with open(file.path, "rb") as stream:
            stream.seek(start)
            return stream.read(most)
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", file=file.path) from error


def _check_settings(folder: Folder) -> list[TilseqError]:
    """Check the files that study.yaml names."""
    if folder.settings is None:
        return []
    analysis = folder.settings.analysis
    entries: dict[tuple[str, ...], str | None] = {
        ("analysis", "expression", "gene_sets"): analysis.expression.gene_sets,
        ("analysis", "expression", "transcripts"): analysis.expression.transcripts,
        ("analysis", "flow", "cuts"): analysis.flow.cuts,
        **{("analysis", "cytokines", "kits", f"{n}"): kit for n, kit in enumerate(analysis.cytokines.kits)},
        **{("gates", name, "file"): gates.file for name, gates in folder.settings.gates.items()},
        **{("panels", name, "spill"): panel.spill for name, panel in folder.settings.panels.items()},
    }
    problems: list[TilseqError] = []
    kits: set[str] = set()
    for place, entry in entries.items():
        if entry is None:
            continue
        what, mend = ABSENT, None
        try:
            path, _ = locate(folder.root, entry)
            problems += _check_spill(path, entry) if place[-1] == "spill" else []
            problems += kit_faults(path, entry, kits) if "kits" in place else []
            continue
        except _Refused as refused:
            what, mend = refused.what, refused.mend
        except FileNotFoundError:
            pass
        row, column = line_of(place, folder.lines), ".".join(place)
        problems.append(ReadError(what, file=SETTINGS_FILE, row=row, column=column, found=entry, mend=mend))
    return problems


def _check_spill(path: Path, entry: str) -> list[TilseqError]:
    """Check that a spillover matrix can be read; whether it fits the tubes their own jobs tell."""
    try:
        read_spill(path)
    except ReadError as error:
        error.file = entry
        return [error]
    return []
