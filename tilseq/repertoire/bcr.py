"""All that is told of a sample's B-cell receptors: families, isotypes, mutations, diversity of families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from tilseq.repertoire.clones import INDEPENDENT
from tilseq.repertoire.families import distance_to_nearest, families, family_diversity, first_gene
from tilseq.repertoire.isotypes import isotype_class, isotypes, place_of
from tilseq.repertoire.mutation import JUNCTION, misaligned, mutation_load, mutations
from tilseq.repertoire.threshold import USUAL_THRESHOLD, family_threshold
from tilseq.tables import as_polars, conform
from tilseq.tables.repertoire import FAMILIES, MUTATION

HEAVY = "IGH"
MOST_MISALIGNED = 0.05  # of 1,780 real sequences none is
LEAST_IDENTITY = 0.5  # the most mutated antibodies known have a third of V's bases changed


@dataclass(frozen=True)
class BCellFamilies:
    """Families and mutations of one sample, by the names of `tilseq.tables.repertoire`, and how families were found.

    Attributes
    ----------
    families, mutation, mutation_load
        The tables; `mutation` names the family of each sequence.
    distances
        Result of `distance_to_nearest` for the heavy chains.
    threshold, threshold_source
        Largest share of bases in which neighbours in a family differ, and where it comes from: `set`, `valley` or
        `usual`.
    misaligned
        Sequences whose alignment has another junction than theirs where IMGT's numbering has it.
    """

    families: pl.DataFrame
    mutation: pl.DataFrame
    mutation_load: pl.DataFrame
    distances: pl.DataFrame
    threshold: float
    threshold_source: str
    misaligned: int

    @property
    def without_family(self) -> int:
        """Heavy chains that are of no family, as they have no V or no J gene."""
        return int(self.mutation.filter(locus=HEAVY)["family_id"].null_count())

    @property
    def doubts(self) -> list[str]:
        """What speaks against the alignments, by which mutations are told: a sentence each."""
        told, every = [], self.mutation.height
        far = self.mutation.filter(pl.col("v_identity") < LEAST_IDENTITY).height
        if far:
            told.append(
                f"{far} of {every} sequences have less than half of V's bases of their germline, which no "
                "hypermutation does: are the alignments shifted, or of other rows?"
            )
        if self.misaligned > MOST_MISALIGNED * every:
            told.append(
                f"{self.misaligned} of {every} sequences do not have their junction from base {JUNCTION + 1} of their "
                "alignment on, as IMGT's numbering has it: without IMGT's gaps, as IgBLAST writes them, mutations of "
                "CDR and of frameworks are not told apart; where alignments are of other rows all are wrong"
            )
        return told


@dataclass(frozen=True)
class Bcr(BCellFamilies):
    """What `BCellFamilies` has, and what rests on the cells behind the counts.

    Attributes
    ----------
    isotypes, diversity
        The tables; `diversity` is that of families.
    n_effective
        Effective number of B cells behind the counts of heavy chains, None where it is not known.
    """

    isotypes: pl.DataFrame
    diversity: pl.DataFrame
    n_effective: float | None = None

    def lacking(self, count_of: str, mends: str = "") -> list[str]:
        """Return what the tables do not tell, and what it would take: a sentence each.

        Parameters
        ----------
        count_of
            What the counts count.
        mends
            What would give limits, in the words of who reads it.
        """
        told = []
        if self.without_family:
            told.append(f"{self.without_family:,} heavy chains without V or J gene are of no family")
        sequences, without = self.mutation.height, int(self.mutation["mutations"].null_count())
        if without:
            told.append(
                f"{without:,} of {sequences:,} sequences have no mutations told, as they have no alignments: AIRR's "
                "sequence_alignment and germline_alignment"
            )
        told += self.doubts
        heavy = self.mutation.filter(locus=HEAVY)
        unnamed = int(heavy["c_call"].null_count())
        if unnamed:
            told.append(f"{unnamed:,} of {heavy.height:,} heavy chains have no isotype told, as they have no c_call")
        if count_of not in INDEPENDENT and self.n_effective is None:
            counts = "counts of unknown meaning" if count_of == "unknown" else f"counts of {count_of}"
            told.append(f"{counts}: shares of counts and the diversity of families have no limits{mends}")
        return told


def bcr(
    table: Any,
    *,
    sample: str,
    count_of: str = "unknown",
    threshold: float | None = None,
    n_effective: float | None = None,
    counting: str | None = None,
    cells: float | None = None,
) -> Bcr:
    """Return families, isotypes and mutations of a sample's immunoglobulins.

    Families are of heavy chains: light chains of unrelated cells are too often alike.

    Parameters
    ----------
    table
        polars or pandas, one row a sequence, as `tilseq.io.bcr.read_bcr` gives it: `sequence_id, locus, v_call, j_call,
        junction, duplicate_count`, and where known `c_call, sequence_alignment, germline_alignment, v_identity`.
    sample
        Sample identifier.
    count_of
        What the counts count: `cells`, `umis`, `templates`, `reads` or `unknown`.
    threshold
        As for `families`; by default the valley of the distances to the nearest (`family_threshold`), and where there
        is none 0.15, as most studies of human heavy chains set it between 0.1 and 0.2.
    n_effective
        Effective number of B cells behind the counts of heavy chains (see `depth`), on which limits of shares of counts
        and of the diversity of families rest. Without it counts of cells and templates are taken for as many cells.
    counting
        How often a cell is counted, likewise; it is asked for beside `n_effective`.
    cells
        B cells that were told, likewise.

    Raises
    ------
    TableError, AnalysisError
        As `families`, `mutations` and `isotypes`.
    """
    found = b_cell_families(table, sample=sample, threshold=threshold)
    return Bcr(
        **vars(found),
        isotypes=isotypes(found.mutation, sample=sample, count_of=count_of, n_effective=n_effective),
        diversity=family_diversity(
            found.mutation,
            sample=sample,
            count_of=count_of,
            n_effective={HEAVY: n_effective},
            counting=None if n_effective is None else {HEAVY: counting},
            cells={HEAVY: cells},
        ),
        n_effective=n_effective,
    )


def b_cell_families(table: Any, *, sample: str, threshold: float | None = None) -> BCellFamilies:
    """Return families and mutations of a sample's immunoglobulins, for which the cells need not be known.

    Parameters
    ----------
    table, sample, threshold
        As for `bcr`.

    Raises
    ------
    TableError, AnalysisError
        As `families` and `mutations`.
    """
    frame = as_polars(table)
    if "c_call" not in frame.columns:
        frame = frame.with_columns(c_call=pl.lit(None, pl.String))
    heavy = pl.col("locus") == HEAVY
    distances = distance_to_nearest(frame.filter(heavy))
    source = "set"
    if threshold is None:
        valley = family_threshold(distances["distance"])
        threshold, source = (valley.threshold, "valley") if valley else (USUAL_THRESHOLD, "usual")
    placed = families(frame, threshold=threshold).with_columns(family_id=pl.when(heavy).then("family_id"))
    found = mutations(placed).with_columns(sample=pl.lit(sample))
    return BCellFamilies(
        families=_summarised(found, threshold, source),
        mutation=conform(found.select(name for name in MUTATION.names if name in found.columns), MUTATION),
        mutation_load=mutation_load(found, sample=sample),
        distances=distances,
        threshold=threshold,
        threshold_source=source,
        misaligned=misaligned(frame),
    )


def _summarised(sequences: pl.DataFrame, threshold: float, source: str) -> pl.DataFrame:
    """Return the table `families` of sequences with a `family_id`."""
    members = sequences.filter(pl.col("family_id").is_not_null()).with_columns(isotype=isotype_class("c_call"))
    whole = members.group_by("sample", "family_id").agg(
        pl.col("locus").first(),
        first_gene("v_call").first().alias("v_gene"),
        first_gene("j_call").first().alias("j_gene"),
        pl.col("junction").str.len_bytes().first().alias("junction_length"),
        pl.len().alias("sequences"),
        pl.col("junction").n_unique().alias("junctions"),
        pl.col("duplicate_count").sum(),
        pl.col("mutation_frequency").mean(),
    )
    known = members.filter(pl.col("isotype").is_not_null()).group_by("sample", "family_id", "isotype").len()
    told = pl.format("{} {}", "isotype", "len").str.join("; ").alias("isotypes")
    named = (
        known.sort(-pl.col("len").cast(pl.Int64), place_of("isotype"))
        .group_by("sample", "family_id", maintain_order=True)
        .agg(told)
    )
    whole = whole.join(named, on=["sample", "family_id"], how="left")
    return conform(whole.with_columns(threshold=pl.lit(threshold), threshold_source=pl.lit(source)), FAMILIES)
