"""Drafting a study from a folder of files: who, when and what, as far as names and headers tell."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tilseq.errors import ReadError, shown
from tilseq.study.names import fault_of
from tilseq.study.pattern import Token, parse_pattern, readings
from tilseq.study.sniff import WORDS, assay_of, day_of_visit, is_unstimulated, meant, product_lot, stem

MOST_FILES = 100_000
MOST_SHOWN = 5
FORMULA = ("=", "+", "-", "@")
IDENTITY = (
    *("subject", "visit", "day", "specimen", "assay", "timing", "lot", "locus", "role", "stimulus", "panel"),
    "replicate",
)

Row = dict[str, str]


@dataclass
class Draft:
    """What a scan found.

    Attributes
    ----------
    samples
        Rows of samples.csv; what was guessed stands in `comment`.
    visits
        Name → nominal day, None where the name does not tell; in the order of days.
    left_out
        Path below the scanned folder → why it is no sample.
    """

    samples: list[Row] = field(default_factory=list)
    visits: dict[str, int | None] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def subjects(self) -> list[str]:
        """Subjects of the samples, sorted."""
        return sorted({row["subject"] for row in self.samples})


def scan(folder: str | Path, root: str | Path, pattern: str) -> Draft:
    """Draft the samples of a study from the files in a folder.

    Parameters
    ----------
    folder
        Where the files lie, at any depth; hidden files are passed over, links left out.
    root
        The study's folder, which holds `folder`.
    pattern
        How a file's path below `folder` reads, without extensions; see `tilseq.study.pattern.parse_pattern`.

    Raises
    ------
    ReadError
        `folder` is not inside `root`, holds no file that matches, or too many files.
    TilseqError
        The pattern is wrong.
    """
    folder, root, tokens = Path(folder), Path(root), parse_pattern(pattern)
    if not folder.is_dir():
        raise ReadError("no such folder to scan", file=folder)
    if not folder.resolve().is_relative_to(root.resolve()):
        mend = f"make the study there: tilseq init {folder} --scan {folder}; or move the files into {root}"
        raise ReadError("the files must lie inside the study's folder", file=folder, mend=mend)
    draft = Draft()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        row = "a link; put the file itself there" if path.is_symlink() else _sample(path, name, tokens)
        if isinstance(row, str):
            draft.left_out[name] = row
        else:
            row["path"] = _harmless(path.resolve().relative_to(root.resolve()).as_posix())
            draft.samples.append(row)
    if not draft.samples:
        seen = [f"{shown(name)} ({why})" for name, why in list(draft.left_out.items())[:MOST_SHOWN]]
        what = "no file here can be read as a sample by the pattern"
        mend = "the pattern reads the path below this folder, without extensions" + _deeper(folder, draft, pattern)
        raise ReadError(what, file=folder, expected=pattern, mend=f"{mend}; seen: {', '.join(seen) or 'no file'}")
    _name_samples(draft.samples)
    draft.visits = _visits(draft.samples)
    return draft


def _deeper(folder: Path, draft: Draft, pattern: str) -> str:
    """Return the pattern with a `*/` for each folder that it lacks, where a file can be read by it; else nothing."""
    for name in draft.left_out:
        lacking = "*/" * (name.count("/") - pattern.count("/"))
        if lacking and not isinstance(_sample(folder / name, name, parse_pattern(lacking + pattern)), str):
            return f"; for files in folders below it write --pattern '{lacking}{pattern}'"
    return ""


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted([*names, *folders]):
            path = Path(place) / name
            if name.startswith(".") or not (path.is_symlink() or path.is_file()):
                continue
            count += 1
            if count > MOST_FILES:
                raise ReadError("too many files to scan", file=folder, expected=f"at most {MOST_FILES}")
            yield path


def _sample(path: Path, name: str, tokens: tuple[Token, ...]) -> Row | str:
    """Return the row of one file, or why it is no sample."""
    if not name.isprintable() or ";" in name:
        return "its name holds a character that samples.csv cannot hold; rename it"
    ways = readings(tokens, (Path(name).parent / stem(path.name)).as_posix())
    if not ways:
        return "does not match the pattern"
    if len(ways) > 1:
        told = [", ".join(f"{key} {shown(value)}" for key, value in way.items()) for way in ways]
        return f"can be read in two ways: {told[0]}; or {told[1]}"
    row = ways[0]
    for key, value in row.items():
        fault = fault_of(value)
        if fault or (value.startswith(FORMULA) and not value[1:].isdigit()):
            return f"{key} {shown(value)} holds {fault or 'what a spreadsheet would run'}; rename it"
        if key in WORDS and (word := meant(key, value)):
            row[key] = word
        elif key in WORDS:
            other = next(
                (f" ({one} {meant(one, value)}: write {{{one}}}, or * there)" for one in WORDS if meant(one, value)), ""
            )
            by_bytes = "; or write {_} there, and the first bytes tell" if key == "assay" else ""
            return f"{key} {shown(value)} is not known{other}; known are {', '.join(WORDS[key])}{by_bytes}"
    return _with_guesses(row, path)


def _with_guesses(row: Row, path: Path) -> Row | str:
    guessed, remarks = [], []
    held = assay_of(path)
    if "assay" not in row:
        if held is None:
            return "its first bytes do not tell an assay; put {assay} into the pattern"
        row["assay"] = held
    elif held is not None and held != row["assay"]:
        remarks.append(f"the file looks like {held}")
    if "day" in row:
        row["day"] = str(int(row["day"]))
    if "visit" not in row:
        row["visit"] = f"D{row['day']}"
    if "specimen" not in row:
        is_product, lot = product_lot(row["visit"])
        row["specimen"] = "infusion_product" if is_product else meant("specimen", row["visit"]) or "blood"
        guessed.append("specimen")
        if lot is not None and "lot" not in row:  # several products of one subject are told apart by their lots
            row["lot"] = lot
            guessed.append("lot")
    if "stimulus" in row:
        guessed.append("role")
        row["role"] = "stimulated"
        if is_unstimulated(row["stimulus"]):
            row["role"] = "unstimulated"
            del row["stimulus"]  # it serves every stimulus
    row["comment"] = "; ".join([f"guessed: {name}" for name in guessed] + remarks)
    return row


def _harmless(path: str) -> str:
    """Return a path that no spreadsheet runs as a formula."""
    return f"./{path}" if path.startswith(FORMULA) else path


def _name_samples(samples: list[Row]) -> None:
    """Name each sample after its file, where the pattern names none; equal names get their assay or a number."""
    taken: set[str] = set()
    for row in samples:
        if "sample" in row:
            continue
        place = Path(row["path"])
        base = stem(place.name)
        names = [base, f"{row['subject']}_{base}", f"{base}_{row['assay']}"]
        number = 2
        while names and names[0] in taken:
            names = names[1:] or [f"{base}_{number}"]
            number += 1
        row["sample"] = names[0]
        taken.add(names[0])


def number_replicates(samples: list[Row]) -> None:
    """Give samples of a draft that nothing tells apart a `replicate`, once tubes have their panels."""
    groups: dict[tuple[str | None, ...], list[Row]] = {}
    for row in samples:
        groups.setdefault(tuple(row.get(name) for name in IDENTITY), []).append(row)
    for group in groups.values():
        for number, row in enumerate(group if len(group) > 1 else (), start=1):
            if "replicate" not in row:
                row["replicate"] = str(number)
                row["comment"] = "; ".join(filter(None, [row["comment"], "guessed: replicate"]))


def _visits(samples: list[Row]) -> dict[str, int | None]:
    days: dict[str, Counter[int]] = {}
    for row in samples:
        counted = days.setdefault(row["visit"], Counter())
        if "day" in row:
            counted[int(row["day"])] += 1
    nominal = {
        visit: counted.most_common(1)[0][0] if counted else day_of_visit(visit) for visit, counted in days.items()
    }
    return dict(sorted(nominal.items(), key=lambda item: (item[1] is None, item[1] or 0, item[0])))
