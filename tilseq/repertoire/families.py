"""Families of B cells: sequences of one V gene, J gene and junction length, joined where junctions are alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError
from tilseq.repertoire.cells import OF_FAMILIES, refuse_no_loci
from tilseq.repertoire.clones import check_columns
from tilseq.repertoire.diversity import diversity
from tilseq.repertoire.junction_pairs import junction_pairs
from tilseq.tables import as_polars

GENES = ("v_gene", "j_gene")
GROUP = ("locus", *GENES, "length")
NEEDED = ("locus", "v_call", "j_call", "junction")
EDGES_HELD = 1 << 22
ROUNDING = 1e-9


def families(table: Any, *, threshold: float) -> pl.DataFrame:
    """Return a table of sequences with the family of each.

    Sequences of one locus, V gene, J gene and junction length are one family when a chain of them leads from one to the
    other in which neighbours differ in at most ``threshold`` of the junction's bases (single linkage on the normalised
    Hamming distance; Gupta and others, J Immunol 2017;198:2489). Of an ambiguous call the first gene counts. A letter
    other than A, C, G, T differs from all.

    Parameters
    ----------
    table
        polars or pandas, one row a sequence: `locus`, `v_call`, `j_call`, `junction`; further columns are kept, but for
        an earlier `family_id`.
    threshold
        Largest share of bases, 0 to 1, in which neighbours differ; see `tilseq.repertoire.threshold.family_threshold`.

    Returns
    -------
    polars.DataFrame
        The table in its order, with `family_id`: `V gene.J gene.junction length.number`, families of a group numbered
        from 1 by their smallest junction. It depends on the sequences of the group alone, not on their order. Null
        where a gene or the junction is.

    Raises
    ------
    TableError
        A column is absent.
    AnalysisError
        The threshold is no share.
    """
    if not 0 <= threshold <= 1:
        raise AnalysisError("a threshold of families is a share of bases", found=threshold, expected="0 to 1")
    frame, nodes = _nodes(table)
    numbered = nodes.with_columns(joined=_joined(nodes, threshold)).with_columns(
        number=pl.col("joined").rank("dense").over("group")
    )
    identifier = pl.format("{}.{}.{}.{}", *GENES, "length", "number")
    numbered = numbered.select(*GROUP, "junction", family_id=identifier)
    frame = frame.drop("family_id", strict=False)  # of an earlier threshold
    return frame.join(numbered, on=[*GROUP, "junction"], how="left", maintain_order="left").drop(*GENES, "length")


def distance_to_nearest(table: Any) -> pl.DataFrame:
    """Return how far each distinct junction is from the nearest other one of its genes and length.

    As shazam's `distToNearest` with the first gene of a call: the normalised Hamming distance to the nearest junction
    that is not the same.

    Parameters
    ----------
    table
        As for `families`.

    Returns
    -------
    polars.DataFrame
        One row a distinct junction of a group, sorted: `locus, v_gene, j_gene, length, junction, sequences` (rows of
        the table) and `distance` (share of bases, null where the group has no other junction).

    Raises
    ------
    TableError
        A column is absent.
    """
    nodes = _nodes(table)[1]
    nearest = np.full(nodes.height, np.iinfo(np.int64).max)
    for one, other, mismatches in junction_pairs(nodes):
        np.minimum.at(nearest, one, mismatches)
        np.minimum.at(nearest, other, mismatches)
    alone = nearest == np.iinfo(np.int64).max
    distance = pl.Series("distance", nearest / nodes["length"].to_numpy()).set(pl.Series(alone), None)
    return nodes.select(*GROUP, "junction", "sequences", distance)


def family_diversity(
    table: Any,
    *,
    sample: str,
    count_of: str = "unknown",
    n_effective: Mapping[str, float | None] | None = None,
    counting: Mapping[str, str | None] | None = None,
    cells: Mapping[str, float | None] | None = None,
) -> pl.DataFrame:
    """Return the diversity of the families of a sample, as `tilseq.repertoire.diversity` of clones.

    Parameters
    ----------
    table
        polars or pandas, one row a sequence: `locus`, `family_id`, `duplicate_count`; rows without a family are let be.
    sample, count_of
        As for `diversity`.
    n_effective
        Locus → effective number of B cells behind all of its counts (see `depth`). Where sequences have no family, it
        counts in proportion.
    counting
        Locus → how often a cell is counted, likewise.
    cells
        Locus → B cells that were told, likewise.

    Returns
    -------
    polars.DataFrame
        The table `diversity`; its locus reads `IGH families`.
    """
    refuse_no_loci(n_effective=n_effective, counting=counting, cells=cells)
    frame = as_polars(table)
    placed = pl.when(pl.col("family_id").is_not_null()).then("duplicate_count")
    sums = frame.group_by("locus").agg(placed.sum(), every=pl.col("duplicate_count").sum())
    effective: dict[str, float | None] = {}
    told: dict[str, float | None] = {}
    for locus, placed_counts, every in sums.iter_rows():
        for found, given in ((effective, n_effective), (told, cells)):
            known = (given or {}).get(locus)
            found[_of_families(locus)] = known * placed_counts / every if known and placed_counts else None
    frame = frame.filter(pl.col("family_id").is_not_null())
    named = pl.format(_of_families("{}"), "locus").alias("locus")
    clones = frame.select(named, "duplicate_count", junction="family_id")
    how = None if counting is None else {_of_families(locus): one for locus, one in counting.items()}
    return diversity(clones, sample=sample, count_of=count_of, n_effective=effective, counting=how, cells=told)


def _of_families(locus: str) -> str:
    return f"{locus}{OF_FAMILIES}"


def _nodes(table: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the table with `v_gene`, `j_gene` and `length`, and each distinct junction of each group, sorted."""
    frame = as_polars(table)
    check_columns(frame, NEEDED, "a table of sequences")
    frame = frame.with_columns(
        first_gene("v_call").alias("v_gene"),
        first_gene("j_call").alias("j_gene"),
        length=pl.col("junction").str.len_bytes(),
    )
    nodes = frame.drop_nulls([*GROUP, "junction"]).group_by(*GROUP, "junction").agg(sequences=pl.len())
    nodes = nodes.filter(pl.col("length") > 0).sort(*GROUP, "junction")
    return frame, nodes.with_columns(group=pl.struct(GROUP).rank("dense").cast(pl.Int64))


def first_gene(column: str) -> pl.Expr:
    """Return the first gene of a call, without its allele."""
    return pl.col(column).str.extract(r"^\s*([^*,\s]+)")


def _joined(nodes: pl.DataFrame, threshold: float) -> pl.Series:
    """Return of each node the first node that a chain of near ones leads to."""
    most = np.floor(threshold * nodes["length"].to_numpy() + ROUNDING).astype(np.int64)
    first = np.arange(nodes.height)
    ones, others, held = [first[:0]], [first[:0]], 0
    for one, other, mismatches in junction_pairs(nodes):
        near = mismatches <= most[one]
        ones.append(one[near])
        others.append(other[near])
        held += len(ones[-1])
        if held > EDGES_HELD:
            first = _first_of_component(first, np.concatenate(ones), np.concatenate(others))
            ones, others, held = [], [], 0
    return pl.Series(
        _first_of_component(first, np.concatenate([*ones, first[:0]]), np.concatenate([*others, first[:0]]))
    )


def _first_of_component(first: np.ndarray[Any, Any], one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> Any:
    """Join further edges to components that are known by their first node."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes = len(first)
    rows, columns = np.concatenate([one, np.arange(nodes)]), np.concatenate([other, first])
    graph = coo_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=(nodes, nodes))
    labels = connected_components(graph, directed=False)[1]
    smallest = np.full(nodes, nodes)
    np.minimum.at(smallest, labels, np.arange(nodes))
    return smallest[labels]
