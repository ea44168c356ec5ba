"""Names of genes: retired symbols brought up to date, Ensembl's ids told apart, the columns of one gene summed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from tilseq.errors import first_few

ENSEMBL = re.compile(r"^(ENSG\d{11})(\.\d+)?(_PAR_Y)?$")
OTHER_SPECIES = re.compile(r"^ENS[A-Z]{3,4}G\d{11}(\.\d+)?$")
TRANSCRIPT = re.compile(r"^(ENS([A-Z]{3,4})?T\d{11}|[NX][MR]_\d+)(\.\d+)?($|[|_])")
# An id and a symbol in one name, as RSEM (ENSG00000010610_CD4), StringTie (ENSG00000010610.10|CD4) and TCGA (CD4|920)
# write them; the symbol is what is left.
ID = r"ENSG\d{11}(?:\.\d+)?(?:_PAR_Y)?"
ID_AND_SYMBOL = re.compile(rf"^(?:{ID}[_|](?P<behind>[^|]+)|(?P<before>[^|]+)[_|]{ID}|(?P<entrez>[^|]+)\|\d+)$")
GENOME = re.compile(r"^(?:GRCh3[78]|hg19|hg38)_+")  # before each gene where a reference of 10x names its genome
UNNAMED = "?"  # TCGA's, of a gene without a symbol
# What spreadsheets make of MARCH1, SEPT2 and DEC1.
DATE = re.compile(r"\d{1,2}-(Mar|Sep|Sept|Dec)|(Mar|Sep|Sept|Dec)-\d{1,2}", re.IGNORECASE)
# Kind of name that is no symbol of a human gene → what is said of such genes; of plain kinds without examples.
NAMELESS = {
    "ensembl": "are Ensembl ids without a symbol",
    "number": "have a number for a name",
    "species": "are those of another species",
    "parts": "have a name of several parts",
    "date": "are dates, of a spreadsheet",
}
PLAIN = ("ensembl", "number")
EXAMPLES = 5
# Names of proteins that gene sets of T cells are written with, HGNC's aliases; none is the symbol of another gene. They
# are told, not read: an alias may be that of several genes.
ALIASES = {
    **dict.fromkeys(("PD1", "PD-1", "CD279"), "PDCD1"),
    **dict.fromkeys(("PDL1", "PD-L1"), "CD274"),
    **dict.fromkeys(("TIM3", "TIM-3", "CD366"), "HAVCR2"),
    **dict.fromkeys(("LAG-3", "CD223"), "LAG3"),
    **dict.fromkeys(("CTLA-4", "CD152"), "CTLA4"),
    **dict.fromkeys(("4-1BB", "41BB", "CD137"), "TNFRSF9"),
    **dict.fromkeys(("OX40", "OX-40", "CD134"), "TNFRSF4"),
    **dict.fromkeys(("GITR", "AITR", "CD357"), "TNFRSF18"),
    **dict.fromkeys(("TBET", "T-BET"), "TBX21"),
    **dict.fromkeys(("TCF1", "TCF-1"), "TCF7"),
    **dict.fromkeys(("2B4", "CD244A"), "CD244"),
    **dict.fromkeys(("KI67", "KI-67"), "MKI67"),
    "CD103": "ITGAE", "CD62L": "SELL", "CD127": "IL7R", "CD25": "IL2RA", "CD122": "IL2RB", "CD95": "FAS",
    "CD107A": "LAMP1", "NKG2A": "KLRC1", "NKG2D": "KLRK1", "BLIMP-1": "PRDM1", "PERFORIN": "PRF1",
}  # fmt: skip


@cache
def retired_symbols() -> Mapping[str, str]:
    """Return retired symbols of human genes → the present ones (HGNC), as `gene_symbols.tsv` lists them.

    Left out are those that mean another gene to who studies T cells: TCF1, once HNF1A, is TCF7; IL1RA is IL1RN, ERK
    MAPK1 and MAPK3, LYP PTPN22.
    """
    lines = files("tilseq").joinpath("gene_symbols.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines[1:])


def present_symbol(name: str) -> str:
    """Return the present symbol of a gene: that of a retired one, else the name itself."""
    return retired_symbols().get(name, name)


def ensembl_gene(name: str) -> str | None:
    """Return an Ensembl gene id without its version, or None for any other name."""
    found = ENSEMBL.match(name)
    return found[1] if found else None


def gene_id(name: str) -> str | None:
    """Return an Ensembl gene id without its version or a number, as a row or Entrez has; None for any other name."""
    return ensembl_gene(name) or (name if name.isdecimal() else None)


def is_transcript(name: str) -> bool:
    """Tell whether a name is, or begins with, a transcript's id of Ensembl or RefSeq."""
    return TRANSCRIPT.match(name) is not None


def symbol_beside_id(name: str) -> str | None:
    """Return the symbol, or else the id, of a name that holds more beside it; None for any other name.

    Parameters
    ----------
    name
        As ``ENSG00000010610_CD4``, ``ENSG00000010610.10|CD4``, ``CD4_ENSG00000010610`` or, with Entrez's number,
        ``CD4|920``; or with a human genome before it, as ``GRCh38_CD4``. Where another id, or ``?``, stands for the
        symbol the gene has none.
    """
    bare = GENOME.sub("", name)
    found = None if ensembl_gene(bare) else ID_AND_SYMBOL.match(bare)
    if found is None:
        return bare if bare != name else None
    symbol = found["behind"] or found["before"] or found["entrez"]
    if symbol == UNNAMED:
        return name.rpartition("|")[2]
    return ensembl_gene(symbol) or symbol


def no_symbol(name: str) -> str | None:
    """Return of which kind of `NAMELESS` a name is, None for what may be a symbol."""
    if ensembl_gene(name):
        return "ensembl"
    if name.isdecimal():
        return "number"
    if OTHER_SPECIES.match(name):
        return "species"
    if "|" in name:
        return "parts"
    return "date" if DATE.fullmatch(name) else None


def gene_names(
    listed: Sequence[str], symbols: Mapping[str, str] | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the present symbol of each gene, and what a reader should know of it.

    Parameters
    ----------
    listed
        Symbols, or Ensembl ids with or without version, or numbers, or an id and a symbol (`symbol_beside_id`).
    symbols
        Id, as `gene_id` returns it → symbol, as the file at hand gives them. An id without one is kept as it is.

    Returns
    -------
    tuple
        A name a gene, in the order given, and sentences: which names held an id beside the symbol, how many ids have
        no symbol, which names are dates or of several parts, which symbols are retired.
    """
    known = symbols or {}
    names, parted, retired = [], [], []
    nameless: dict[str, list[str]] = {kind: [] for kind in NAMELESS}
    for whole in listed:
        beside = symbol_beside_id(whole)
        name = whole if beside is None else beside
        identifier = gene_id(name)
        named = known.get(identifier, identifier) if identifier else name
        if beside is not None:
            parted.append(f"{whole} → {named}")
        if (kind := no_symbol(named)) is not None:
            nameless[kind].append(named)
        present = present_symbol(named)
        if present != named:
            retired.append(f"{named} → {present}")
        names.append(present)
    told = []
    if parted:
        told.append(
            f"{len(parted)} names with an id or genome beside the symbol are read as the symbol: {_examples(parted)}"
        )
    for kind, found in nameless.items():
        if found:
            sentence = f"{len(found)} of {len(names)} genes {NAMELESS[kind]}, which no gene set finds"
            told.append(sentence if kind in PLAIN else f"{sentence}: {_examples(found)}")
    if retired:
        told.append(f"{len(retired)} retired symbols are read as the present ones: {_examples(retired)}")
    return tuple(names), tuple(told)


def told_of_renamed(sets: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return a sentence on genes of sets that are read under another name, or none.

    Parameters
    ----------
    sets
        Name of each set to its symbols.
    """
    listed = {symbol for symbols in sets.values() for symbol in symbols}
    renamed = [f"{symbol} → {present_symbol(symbol)}" for symbol in sorted(listed) if present_symbol(symbol) != symbol]
    if not renamed:
        return ()
    return (f"{len(renamed)} retired symbols of the sets are read as the present ones: {_examples(renamed)}",)


def told_of_unfound(genes: Iterable[str], sets: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return sentences on genes of sets that the data hold under another name: in other letters, or not as an alias.

    Parameters
    ----------
    genes
        Symbols of the data.
    sets
        Name of each set to its symbols.
    """
    names = set(genes)
    listed = {symbol for symbols in sets.values() for symbol in symbols} - names
    aliases = [f"{symbol} ({ALIASES[symbol.upper()]})" for symbol in sorted(listed) if symbol.upper() in ALIASES]
    told = _in_other_letters(names, sets)
    if not aliases:
        return told
    what = f"{len(aliases)} genes of the sets are not found, as their names are aliases: {_examples(aliases)}"
    return (f"{what}: write the symbol", *told)


def _in_other_letters(names: set[str], sets: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return a sentence on genes of sets that are not found, though the data hold them in other letters."""
    held = {name.casefold(): name for name in names}
    wanted = {present_symbol(symbol) for symbols in sets.values() for symbol in symbols} - names
    other = [
        f"{symbol} (in the data {held[symbol.casefold()]})" for symbol in sorted(wanted) if symbol.casefold() in held
    ]
    if not other:
        return ()
    mend = "write both alike; human symbols are in capitals, those of a mouse are other genes"
    return (f"{len(other)} genes of the sets are not found, as capitals differ: {_examples(other)}: {mend}",)


def sum_by_gene(counts: Any, names: Sequence[str]) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Sum the columns that bear one name.

    Parameters
    ----------
    counts
        Samples or cells × genes, numpy array or scipy sparse matrix.
    names
        Name of each column.

    Returns
    -------
    tuple
        The matrix with one column a name (a numpy array or a csr_array), the names in the order in which they first
        stand, and a sentence that says which were summed.
    """
    if len(set(names)) == len(names):
        return counts, tuple(names), ()
    columns: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        columns.setdefault(name, []).append(column)
    import numpy as np
    from scipy.sparse import csr_array

    place = {name: index for index, name in enumerate(columns)}
    to = np.array([place[name] for name in names])
    kind = np.int64 if counts.dtype.kind in "biu" else np.float64
    ones = np.ones(len(names), dtype=kind)
    gathered = csr_array((ones, (np.arange(len(names)), to)), shape=(len(names), len(columns)))
    summed = csr_array(counts).astype(kind) @ gathered if hasattr(counts, "tocsr") else (gathered.T @ counts.T).T
    several = [name for name, at in columns.items() if len(at) > 1]
    stand = "1 gene stands" if len(several) == 1 else f"{len(several)} genes stand"
    told = f"{stand} in several rows, which are summed: {_examples(several)}"
    return summed, tuple(columns), (told,)


def _examples(names: Iterable[str]) -> str:
    return first_few(list(names), EXAMPLES)
