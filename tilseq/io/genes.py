"""Names of V and J genes, as each program writes them, mapped to IMGT's; what is not known, or of a mouse, is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from tilseq.errors import TableError

NO_GENE = (
    "",
    ".",
    "*",
    "none",
    "na",
    "n/a",
    "nan",
    "null",
    "no data",
    "unknown",
    "unresolved",
    "no result",
    "undefined",
)
LISTED = re.compile(r"\s*(?:[,;|]|\bor\b)\s*")
SPECIES = re.compile(r"^(Homsap|Musmus|Homo sapiens|Mus musculus)[ _]", re.IGNORECASE)
FUNCTIONALITY = re.compile(r"\s+[\[(]?(F|ORF|P)[\])]?$")
COMMENT = re.compile(r"\s*\(see comment\)$", re.IGNORECASE)
SCORE = re.compile(r"\((\d+(?:\.\d+)?)\)$")  # MiXCR's; the parentheses of IGHV(III)-44 hold no digits
ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
PADDED = re.compile(r"^(TR|IG)[A-Z]{2}[0-9]{2}-[0-9]{2}\b")  # as Adaptive writes genes, IGHJ04-01
ALLELE = re.compile(r"\*([0-9][0-9A-Z_]*)$")
NO_ALLELE = "00"  # MiXCR's
FIRST_OF_FAMILY = "-1"
CALLS = ("v_call", "j_call")
MOST = 0.5
EXAMPLES = 5
OTHER_KIND = {"v_call": re.compile(r"(TR[ABGD]|IG[HKL])J"), "j_call": re.compile(r"(TR[ABGD]|IG[HKL])V")}


@dataclass(frozen=True)
class Call:
    """One cell of a column of gene calls, read.

    Attributes
    ----------
    name
        IMGT's names, with the alleles given, joined by commas where the call is ambiguous; None where none is called.
    unknown
        Names among them that IMGT has for no human gene or family.
    species
        `human` or `mouse` where a name is of one of them alone, else None.
    """

    name: str | None
    unknown: tuple[str, ...] = ()
    species: str | None = None


def imgt_calls(
    rows: pl.DataFrame, file: str, headers: Mapping[str, str]
) -> tuple[pl.DataFrame, frozenset[str], list[str]]:
    """Map `v_call` and `j_call` to IMGT's names; return these names too, and what is to be told of those not known.

    Alleles are kept where they are given (TRBV6-1*01), `*00` is none. An ambiguous call keeps all its genes, joined by
    commas, without the alleles of a slashed pair (TCRBV06-02/06-03*01 → TRBV6-2,TRBV6-3). Of MiXCR's hits those with
    the best score are kept. A name that stays unknown is kept as it stands.

    Parameters
    ----------
    rows
        With `v_call` and `j_call`, text.
    file, headers
        The file, and what it calls these columns, for errors.

    Raises
    ------
    TableError
        Most genes are of a mouse, or most are none that IMGT knows, or a column holds the genes of the other.
    """
    read = {column: {call: imgt_call(call) for call in rows[column].unique().drop_nulls()} for column in CALLS}
    doubtful = any(
        call.unknown or call.species == "mouse" or OTHER_KIND[column].match(call.name or "")
        for column, calls in read.items()
        for call in calls.values()
    )
    told = _doubts(rows, read, file, headers) if doubtful else []
    for column, calls in read.items():
        changed = {call: to.name for call, to in calls.items() if to.name != call}
        if changed:
            rows = rows.with_columns(pl.col(column).replace(list(changed), list(changed.values())))
    return rows, frozenset(call.name for calls in read.values() for call in calls.values() if call.name), told


def _doubts(
    rows: pl.DataFrame, read: Mapping[str, Mapping[str, Call]], file: str, headers: Mapping[str, str]
) -> list[str]:
    """Say how many calls are of no human gene of IMGT, or of the other column's kind; raise where most are."""
    named, unknown, species = 0, dict[str, int](), {"human": 0, "mouse": 0}
    told: list[str] = []
    for name, calls in read.items():
        tally = rows[name].value_counts(name="rows").drop_nulls(name)
        told += _of_the_other_column(name, tally, calls, file, headers.get(name, name))
        for text, count in tally.iter_rows():
            call = calls[text]
            named += count if call.name else 0
            if call.species:
                species[call.species] += count
            if call.unknown:
                unknown[", ".join(call.unknown)] = unknown.get(", ".join(call.unknown), 0) + count
    column = headers.get("v_call", "v_call")
    if species["mouse"] > species["human"]:
        raise TableError(
            "the genes are of a mouse, not of a human",
            file=file,
            column=column,
            found=f"{species['mouse']} calls of mouse genes alone, {species['human']} of human genes alone",
            mend="is this the right file?",
        )
    if sum(unknown.values()) > MOST * named:
        raise TableError(
            f"{sum(unknown.values())} of {named} gene calls are of no human gene that IMGT names",
            file=file,
            column=column,
            found=_examples(unknown),
            expected="names such as TRBV6-1*01 or TCRBV06-01",
        )
    if unknown:
        told.append(f"{sum(unknown.values())} gene calls are no human genes of IMGT and are kept: {_examples(unknown)}")
    if species["mouse"]:
        told.append(f"{species['mouse']} gene calls are of mouse genes")
    return told


def _of_the_other_column(
    column: str, tally: pl.DataFrame, calls: Mapping[str, Call], file: str, header: str
) -> list[str]:
    """Say how many calls of V are J genes, or of J are V genes; raise where most are, as in exchanged columns."""
    others = {call for call, read in calls.items() if OTHER_KIND[column].match(read.name or "")}
    if not others:
        return []
    wrong = tally.filter(pl.col(column).is_in(others))
    number, found = int(wrong["rows"].sum()), min(others)
    own, other = ("V", "J") if column == "v_call" else ("J", "V")
    if number > MOST * int(tally["rows"].sum()):
        raise TableError(
            f"{number} calls of this column are {other} genes",
            file=file,
            column=header,
            found=found,
            expected=f"{own} genes",
            mend="are the columns of V and J genes exchanged?",
        )
    return [f"{number} calls of {header} are {other} genes, such as {found}, and are kept"]


def _examples(unknown: Mapping[str, int]) -> str:
    most = sorted(unknown, key=lambda name: (-unknown[name], name))
    return ", ".join(most[:EXAMPLES]) + (f" and {len(most) - EXAMPLES} more" if len(most) > EXAMPLES else "")


@cache
def imgt_call(call: str) -> Call:
    """Read one call; see `imgt_calls`. A name that was read once is read as itself."""
    read = _read_once(call)
    if read.name is None or read.name == call:
        return read
    again = imgt_call(read.name)  # as where a mark stands twice
    return read if again.name == read.name else again


def _read_once(call: str) -> Call:
    names: dict[str, None] = {}
    unknown: dict[str, None] = {}
    species: set[str | None] = set()
    for part in _best([COMMENT.sub("", part) for part in LISTED.split(call.strip()) if part.strip()]):
        for name, kind in _names(part):
            if name:
                names[name] = None
                species.add(kind)
                if kind == "unknown":
                    unknown[name] = None
    only = species.pop() if len(species) == 1 else None
    return Call(",".join(names) or None, tuple(unknown), only if only in ("human", "mouse") else None)


def _best(parts: list[str]) -> list[str]:
    """Return the hits of the best score, without their scores; all where none bears one."""
    scores = [SCORE.search(part) for part in parts]
    bare = [SCORE.sub("", part) for part in parts]
    best = max((float(score[1]) for score in scores if score), default=None)
    return [part for part, score in zip(bare, scores, strict=True) if score is None or float(score[1]) == best]


def _names(part: str) -> list[tuple[str, str | None]]:
    """Return the genes of one item of a list, and of each whether it is human, mouse, both (None) or unknown."""
    prefix = SPECIES.match(part)
    text = FUNCTIONALITY.sub("", part[prefix.end() :] if prefix else part).strip()
    if text.lower() in NO_GENE:
        return []
    allele = ALLELE.search(text.upper())
    gene = text.upper()[: allele.start()] if allele else text.upper()
    suffix = f"*{allele[1]}" if allele and allele[1] != NO_ALLELE else ""
    adaptive = gene.startswith("TC") or PADDED.match(gene) is not None
    if gene.startswith("TC"):
        gene = "T" + gene[2:]
    gene = re.sub("-OR([0-9]+)_", r"/OR\1-", ZEROS.sub("", gene))
    if prefix and prefix[1].lower().startswith("mus"):
        return [(gene + suffix, "mouse")]
    whole = _known(gene, adaptive)
    if whole:
        return [(whole + suffix, _species(whole))]
    several = _slashed(gene, adaptive)
    if several:
        return [(name, _species(name)) for name in several]
    family = gene.removesuffix("-X")  # Adaptive's word for a family whose gene is not resolved
    if family in _names_of("human")[1]:
        return [(family + suffix, None)]
    kind = _species(gene)
    return [(text if kind == "unknown" else gene + suffix, kind)]


def _known(gene: str, adaptive: bool) -> str | None:
    """Return IMGT's human name of a gene written alike; Adaptive numbers also the only gene of a family."""
    genes = _names_of("human")[0]
    alone = gene.removesuffix(FIRST_OF_FAMILY) if adaptive else gene
    return genes.get(alone) or genes.get(gene)


def _slashed(gene: str, adaptive: bool) -> list[str]:
    """Return the genes of a pair such as TRBV6-2/6-3 or TRBV6-2/TRBV6-3, or nothing where one is not known."""
    first, *others = gene.split("/")
    group = first[:4]
    names = [_known(first, adaptive), *(_known(o if o.startswith(group) else group + o, adaptive) for o in others)]
    return [name for name in names if name] if others and all(names) else []


def _species(gene: str) -> str | None:
    human, families = _names_of("human")
    mouse = gene in _names_of("mouse")[0]
    if gene in human or gene in families:
        return None if mouse or gene in families else "human"
    return "mouse" if mouse else "unknown"


@cache
def _names_of(species: str) -> tuple[dict[str, str], frozenset[str]]:
    """Return every spelling of a species' genes → IMGT's name, and the families of more than one gene."""
    genes: dict[str, str] = {}
    for line in files("tilseq.io").joinpath("gene_names.tsv").read_text("utf-8").splitlines():
        if line.startswith(f"{species}\t"):
            _, group, endings = line.split("\t")
            genes |= {group + ending: group + ending for ending in endings.split(" ")}
    families = frozenset(name.partition("-")[0] for name in genes if "-" in name and "/" not in name) - genes.keys()
    for name in [name for name in genes if "/DV" in name]:
        alpha, _, delta = name.partition("/")
        # TRAV29DV5 as 10x has it, TRAV29-DV5, TRAV29, TRDV5
        for spelling in (alpha + delta, f"{alpha}-{delta}", alpha, f"TR{delta}"):
            genes.setdefault(spelling, name)
    return genes, families
