"""Gene sets with what is known of them: those that come with the package, and those that a user gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from tilseq.errors import AnalysisError

SMALLEST_BUILT_IN = 10  # genes found of a set that is tested: exhaustion and activation have 14


@dataclass(frozen=True)
class Signature:
    """A set of genes whose expression is read together.

    Attributes
    ----------
    name
        What the set is called.
    axis
        The state or pathway that it stands for; sets of one axis speak of one thing.
    up, down
        Symbols that count for and against it; a set without `down` is read upwards.
    species
        Whose genes they are.
    paper, doi
        Where they were published.
    licence
        Of the list; a list of genes is a fact.
    how
        How these genes were taken from there.
    """

    name: str
    axis: str
    up: tuple[str, ...]
    down: tuple[str, ...] = ()
    species: str = "human"
    paper: str = ""
    doi: str = ""
    licence: str = ""
    how: str = ""


def load_signatures() -> dict[str, Signature]:
    """Return the gene sets of human T cells that come with the package, in the order of `signatures.tsv`.

    That file gives one set and direction a row: set, axis, direction, species, paper, doi, licence, how the genes
    were chosen, and the genes.
    """
    found: dict[str, Signature] = {}
    for line in _lines("signatures.tsv")[1:]:
        name, axis, direction, species, paper, doi, licence, how, genes = line.split("\t")
        listed = tuple(genes.split(" "))
        if direction == "down":
            up = found[name]
            papers, dois = (_joined(one, two) for one, two in ((up.paper, paper), (up.doi, doi)))
            found[name] = replace(up, down=listed, paper=papers, doi=dois)
        else:
            found[name] = Signature(name, axis, listed, (), species, paper, doi, licence, how)
    return found


def load_hallmark() -> dict[str, Signature]:
    """Return the 50 hallmark sets of MSigDB 2025.1 (Liberzon et al., Cell Syst 2015;1:417; CC-BY 4.0)."""
    found = {}
    for line in _lines("hallmark.gmt"):
        name, how, *genes = line.split("\t")
        paper, doi = "Liberzon 2015 Cell Syst 1:417", "10.1016/j.cels.2015.12.004"
        found[name] = Signature(name, "hallmark", tuple(genes), (), "human", paper, doi, "CC-BY 4.0", how)
    return found


def built_in_sets() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return family → the sets that come with the package, as plain lists: the axes, and hallmark."""
    return {"axes": gene_lists(load_signatures()), "hallmark": gene_lists(load_hallmark())}


def as_signatures(sets: Mapping[str, Signature | Sequence[str]]) -> dict[str, Signature]:
    """Return sets as signatures.

    Parameters
    ----------
    sets
        Name to signature, or to symbols as a GMT file lists them. A symbol that ends in ``-`` counts against the set,
        one that ends in ``+`` for it, as in UCell.

    Raises
    ------
    AnalysisError
        A set is a text, whose letters would be taken for genes.
    """
    for name, one in sets.items():
        if isinstance(one, str):
            mend = f"write [{one!r}] for a set of one gene"
            raise AnalysisError(f"the set {name} is no list of genes", found=one, mend=mend)
    return {name: one if isinstance(one, Signature) else _of_symbols(name, one) for name, one in sets.items()}


def gene_lists(signatures: Mapping[str, Signature]) -> dict[str, tuple[str, ...]]:
    """Return sets as plain lists of genes, for tests that know no direction.

    A set with genes against it is parted into ``name:up`` and ``name:down``; a half that is a set by itself already
    is left out.

    Parameters
    ----------
    signatures
        As `load_signatures` returns them.

    Raises
    ------
    AnalysisError
        Another set bears the name of such a half.
    """
    lists = {name: one.up for name, one in signatures.items() if not one.down}
    known = {frozenset(genes) for genes in lists.values()}
    for name, one in signatures.items():
        halves = {f"{name}:up": one.up, f"{name}:down": one.down} if one.down else {}
        halves = {half: genes for half, genes in halves.items() if genes and frozenset(genes) not in known}
        taken = next((half for half in halves if half in signatures), None)
        if taken is not None:
            mend = f"{name} has genes against it and is parted into {name}:up and {name}:down: rename one of the sets"
            raise AnalysisError("a gene set bears the name of a half of another", found=taken, mend=mend)
        lists |= halves
    return lists


def _of_symbols(name: str, symbols: Sequence[str]) -> Signature:
    down = tuple(symbol[:-1] for symbol in symbols if symbol.endswith("-"))
    up = tuple(symbol.removesuffix("+") for symbol in symbols if not symbol.endswith("-"))
    return Signature(name, "", up, down, how="given")


def _lines(name: str) -> list[str]:
    return files("tilseq.expression").joinpath(name).read_text(encoding="utf-8").splitlines()


def _joined(one: str, two: str) -> str:
    return "; ".join(dict.fromkeys([*one.split("; "), *two.split("; ")]))
