"""What a file holds, told by its first bytes alone."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from tilseq.io.dialects import DIALECTS, JSON_STARTS, OF_SAMPLES
from tilseq.io.kinds import FCS, GZIP, HDF5
from tilseq.receptors import LOCI

HEAD_BYTES = 64 << 10
SUFFIXES = (".gz", ".tsv", ".csv", ".txt", ".tab", ".fcs", ".lmd", ".h5ad", ".h5", ".airr", ".xlsx", ".zip")
RECEPTOR = re.compile(r"\b(TC?R|IG)[ABGDHKL][VDJC]?", re.IGNORECASE)
WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "assay": {
        "flow": ("flow", "facs", "fcs", "flowcytometry", "cytometry"),
        "cytokine": ("cytokine", "cytokines", "luminex", "legendplex"),
        "tcr": ("tcr", "tcra", "tcrb", "tra", "trb", "tcrseq", "vdjt", "sctcr"),
        "bcr": ("bcr", "igh", "igk", "igl", "bcrseq", "vdjb", "scbcr"),
        "scrna": ("scrna", "scrnaseq", "gex", "singlecell", "sc"),
        "bulk_rna": ("bulkrna", "bulkrnaseq", "bulk"),
    },
    "specimen": {
        "tumor": ("tumor", "tumour", "biopsy", "resection", "harvest"),
        "infusion_product": ("infusionproduct", "product", "infusion", "ip", "til", "tils"),
        "blood": ("blood", "pbmc", "pb", "wb"),
        "plasma": ("plasma",),
        "serum": ("serum",),
    },
    "timing": {"pre": ("pre",), "post": ("post",)},
    "locus": {locus: (locus.casefold(),) for locus in LOCI},
}
UNSTIMULATED = ("unstimulated", "unstim", "nostim", "nostimulus", "us", "medium", "media", "mock", "none")
DAY_OF_VISIT = re.compile(r"(d|day|w|wk|week|m|mo|month)([-+]?[0-9]{1,4})")
DAYS = {"d": 1.0, "w": 7.0, "m": 30.4375}
# A product of several: its number, or a letter that stands apart from the word by case or a sign.
LOT_OF_PRODUCT = re.compile(r"(.*?)(?:[ _.-]*(?:[Ll]ot)?[ _.-]*)([0-9]{1,2}|(?<=[a-z _.-])[A-Z]|(?<=[ _.-])[a-z])")
BASELINES = ("baseline", "bl", "screening", "pretreatment", "prelymphodepletion", "preld")
BASELINE_DAY = -7


def meant(field: str, word: str) -> str | None:
    """Return the manifest's word for one of a file name (`PBMC` → `blood`), or None when it is not known."""
    plain = re.sub(r"[^a-z0-9]", "", word.casefold())
    return next((ours for ours, theirs in WORDS[field].items() if plain in theirs), None)


def is_unstimulated(word: str) -> bool:
    """Tell whether a word of a file name means a tube without a stimulus."""
    return re.sub(r"[^a-z]", "", word.casefold()) in UNSTIMULATED


def product_lot(word: str) -> tuple[bool, str | None]:
    """Tell whether a word of a file name means the infusion product, and which of several (`productB` → B).

    >>> product_lot("TIL"), product_lot("product_2"), product_lot("D7")
    ((True, None), (True, '2'), (False, None))
    """
    if meant("specimen", word) == "infusion_product":
        return True, None
    found = LOT_OF_PRODUCT.fullmatch(word)
    return (True, found[2]) if found and meant("specimen", found[1]) == "infusion_product" else (False, None)


def day_of_visit(visit: str) -> int | None:
    """Guess the nominal day from the name of a visit: D7, day-14, W4, month 3, baseline, product; else None."""
    plain = re.sub(r"[\s_.]", "", visit.casefold())
    match = DAY_OF_VISIT.fullmatch(plain)
    if match:
        return round(int(match[2]) * DAYS[match[1][0]])
    if plain.replace("-", "") in BASELINES:
        return BASELINE_DAY
    return 0 if product_lot(visit)[0] else None


def stem(name: str) -> str:
    """Return a file's name without its extensions; an unknown one counts when it is the last."""
    bare = name
    while Path(bare).suffix.casefold() in SUFFIXES:
        bare = bare[: -len(Path(bare).suffix)]
    return bare if bare != name else name[: len(name) - len(Path(name).suffix)]


def assay_of(path: Path) -> str | None:
    """Return the assay that a file's first bytes tell, or None.

    FCS is flow; HDF5 is scrna; a table with the header of a clonotype dialect is tcr or bcr, by the genes it names.
    """
    head = _head(path)
    if head.startswith(FCS):
        return "flow"
    if head.startswith(HDF5):
        return "scrna"
    return _receptor(_text(head))


def whose(path: Path) -> dict[str, str]:
    """Return what the first row of a table says of whose it is: column → cell, of the columns `OF_SAMPLES`."""
    lines = [line for line in _text(_head(path)).splitlines() if not line.startswith("# ")]
    separator = "\t" if lines and "\t" in lines[0] else ","
    header, row = [*csv.reader(lines[:2], delimiter=separator), [], []][:2]
    cells = zip(header, row, strict=False)
    return {name: cell.strip() for name, cell in cells if name.strip() in OF_SAMPLES}


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, none where it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""


def _text(head: bytes) -> str:
    return _unpacked(head).decode("utf-8-sig", "replace")


def _unpacked(head: bytes) -> bytes:
    """Return the start of a file as text has it; gzip may come in several members, one after the other."""
    if not head.startswith(GZIP):
        return head
    found = b""
    while head.startswith(GZIP) and len(found) < HEAD_BYTES:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            found += member.decompress(head, HEAD_BYTES)
        except zlib.error:
            return b""
        head = member.unused_data
    return found


def _receptor(text: str) -> str | None:
    if text.lstrip()[:1] in JSON_STARTS:
        body = text if '"contig_name"' in text else ""
    else:
        lines = [line for line in text.splitlines() if not line.startswith("# ")]
        header = [name.strip('" ') for name in re.split(r"[\t,;]", lines[0])] if lines else []
        known = any(not spec.lacks(header) for spec in DIALECTS.values())
        body = "\n".join(lines[1:]) if known else ""
    kinds = [match[1].upper() for match in RECEPTOR.finditer(body)]
    return None if not kinds else "bcr" if kinds.count("IG") * 2 > len(kinds) else "tcr"
