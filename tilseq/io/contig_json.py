"""10x's `all_contig_annotations.json`: contigs as a table, read one by one so that only their text is held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.errors import ReadError, TableError
from tilseq.io.text import read_text

SPACE = " \t\n\r"
REGIONS = {"v_call": "L-REGION+V-REGION", "j_call": "J-REGION", "c_call": "C-REGION"}
TEXT = {"barcode": "barcode", "sequence_id": "contig_name", "junction": "cdr3_seq", "junction_aa": "cdr3"}
COUNTS = {"umis": "umi_count", "reads": "read_count"}
FLAGS = ("is_cell", "high_confidence", "productive")
SCHEMA = {
    "row": pl.Int64(),
    **dict.fromkeys([*TEXT, *REGIONS, *COUNTS], pl.String()),
    **dict.fromkeys(FLAGS, pl.Boolean()),
}


def contigs_of(path: str | Path) -> pl.DataFrame:
    """Read the contigs of a JSON file that Cell Ranger 3 to 9 writes.

    Returns
    -------
    polars.DataFrame
        One row a contig: `row` (its number in the file, from 1), `barcode, sequence_id, v_call, j_call, c_call,
        junction, junction_aa, umis, reads` (text), `is_cell, high_confidence, productive`; null where it has none.

    Raises
    ------
    ReadError
        The file cannot be read or is no list of objects in JSON.
    TableError
        A contig lacks a field, or it is of another type.
    """
    return pl.DataFrame(
        [_contig(number, contig, path) for number, contig in enumerate(_objects(read_text(path), path), start=1)],
        schema=SCHEMA,
        orient="row",
    )


def _objects(text: str, path: str | Path) -> Iterator[Any]:
    """Yield the members of a JSON list."""
    decode = json.JSONDecoder().raw_decode
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise ReadError("this JSON is no list of contigs", file=path, expected="all_contig_annotations.json")
    at = _skip(text, at + 1)
    comma = False
    while text[at : at + 1] != "]" or comma:
        try:
            member, at = decode(text, at)
        except (ValueError, RecursionError) as error:
            raise _damaged(text, getattr(error, "pos", at), path) from error
        yield member
        at = _skip(text, at)
        comma = text[at : at + 1] == ","
        if comma:
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise _damaged(text, at, path)
    if text[at + 1 :].strip(SPACE):
        raise _damaged(text, at + 1, path)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in SPACE:
        at += 1
    return at


def _damaged(text: str, at: int, path: str | Path) -> ReadError:
    return ReadError("the JSON is cut or damaged", file=path, byte=len(text[:at].encode()), mend="copy it again")


def _contig(number: int, contig: Any, path: str | Path) -> tuple[Any, ...]:
    """Return the row of one contig."""
    if not isinstance(contig, dict):
        raise TableError("a contig is no JSON object", file=path, row=number, found=contig)
    values: dict[str, Any] = {"row": number}
    for ours, theirs in TEXT.items():
        values[ours] = _value(contig, theirs, str, number, path)
    if not (values["barcode"] or "").strip():
        raise TableError("a cell has no barcode", file=path, row=number, column="barcode")
    for flag in FLAGS:
        values[flag] = _value(contig, flag, bool, number, path)
    for ours, theirs in COUNTS.items():
        count = contig.get(theirs)
        values[ours] = None if count is None else str(count)
    annotations = _value(contig, "annotations", list, number, path) or []
    for ours, region in REGIONS.items():
        genes = [_gene(entry, region, number, path) for entry in annotations]
        values[ours] = next((gene for gene in genes if gene), None)
    return tuple(values[name] for name in SCHEMA)


def _value(holder: dict[str, Any], name: str, kind: type, number: int, path: str | Path) -> Any:
    """Return a field that must be there, null or of its type."""
    if name not in holder:
        raise TableError("a field of a contig is missing", file=path, row=number, column=name)
    value = holder[name]
    if value is not None and not isinstance(value, kind):
        raise TableError(
            "a field of a contig is of another type",
            file=path,
            row=number,
            column=name,
            found=value,
            expected=kind.__name__,
        )
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        what = "a field of a contig is no text: half of a character is escaped"
        raise TableError(what, file=path, row=number, column=name, found=ascii(value))
    return value


def _gene(entry: Any, region: str, number: int, path: str | Path) -> str | None:
    """Return the gene of an annotation if it is of this region."""
    if not isinstance(entry, dict) or not isinstance(entry.get("feature"), dict):
        raise TableError("an annotation has no feature", file=path, row=number, column="annotations", found=entry)
    feature = entry["feature"]
    if feature.get("region_type") != region:
        return None
    return str(_value(feature, "gene_name", str, number, path) or "")
