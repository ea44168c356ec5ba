"""The gene sets that come with the package."""

from __future__ import annotations

from collections import defaultdict
from importlib.resources import files


def load_signatures() -> dict[str, tuple[str, ...]]:
    """Return the bundled gene sets of human T cells: name to gene symbols, in the order of `signatures.tsv`.

    That file gives for each gene the set, the direction (all sets are read upwards), the symbol and the source.
    """
    lines = files("tilseq.expression").joinpath("signatures.tsv").read_text(encoding="utf-8").splitlines()
    sets: dict[str, list[str]] = defaultdict(list)
    for line in lines[1:]:
        name, _direction, gene, _source = line.split("\t")
        sets[name].append(gene)
    return {name: tuple(genes) for name, genes in sets.items()}
